//! Whole runs of `analyze` on a simulated day: GB/s and peak memory for all of it and for each kind of source alone.
//!
//! `cargo bench --bench day -- [MEGABYTES] [BUDGET]` (200 unless said, `1600 1G` for 5 million events in one day; a budget is given to
//! `--memory`). Inputs are in the page cache.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use tapscope_simulator::day::{Config, midnight, simulate};
use tapscope_simulator::fleet::Profile;

fn main() {
    let megabytes: u64 = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(200);
    let budget = std::env::args().find(|argument| {
        let (number, unit) = argument.split_at(argument.len().saturating_sub(1));
        matches!(unit, "M" | "G") && number.parse::<u64>().is_ok()
    });
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        transactions: 20_000,
        seed: 11,
        terminals: 0,
        zero: midnight("2026-03-18").unwrap(),
        profile: Profile::Skewed,
        noise: 12,
        bytes: megabytes * 1_000_000,
        failures: 46,
        only: None,
        rich: true,
    };
    simulate(&config, folder.path()).unwrap();
    let mut files = Vec::new();
    walk(&folder.path().join("input"), &mut files);
    let kinds: [(&str, fn(&str) -> bool); 4] = [
        ("everything", |_| true),
        ("captures", |name| name.contains(".pcap")),
        ("card traces", |name| name.contains(".trace")),
        ("logs", |name| {
            !name.contains(".pcap") && !name.contains(".trace") && !name.contains(".zip")
        }),
    ];
    println!(
        "{:12} {:>6} {:>9} {:>8} {:>9} {:>9}",
        "inputs", "files", "MB", "seconds", "GB/s", "peak MiB"
    );
    for (name, wanted) in kinds {
        // Hard links: `analyze` walks a folder that holds this kind alone.
        let only = folder.path().join(name.replace(' ', "_"));
        fs::create_dir(&only).unwrap();
        let mut bytes = 0;
        let mut count = 0;
        for (number, file) in files
            .iter()
            .filter(|file| wanted(&file.to_string_lossy()))
            .enumerate()
        {
            let place = only.join(format!(
                "{number}-{}",
                file.file_name().unwrap().to_string_lossy()
            ));
            fs::hard_link(file, &place).unwrap();
            bytes += fs::read(&place).unwrap().len();
            count += 1;
        }
        let start = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_tapscope"))
            .arg("analyze")
            .arg(&only)
            .args(budget.iter().flat_map(|budget| ["--memory", budget]))
            .args(["--tz", "Asia/Shanghai", "-v", "--out"])
            .arg(
                folder
                    .path()
                    .join(format!("out_{}", name.replace(' ', "_"))),
            )
            .output()
            .unwrap();
        let seconds = start.elapsed().as_secs_f64();
        let words = String::from_utf8_lossy(&output.stderr);
        // `-v` says after each stage how long it took and how much memory there was: "  12.3 s    456 MiB  write".
        let stages: Vec<&str> = words
            .lines()
            .filter(|line| line.contains(" s ") && line.contains(" MiB "))
            .collect();
        let peak = stages
            .last()
            .and_then(|line| line.split(" s ").nth(1)?.trim().split(' ').next());
        println!(
            "{name:12} {count:>6} {:>9.1} {seconds:>8.1} {:>9.3} {:>9}",
            bytes as f64 / 1e6,
            bytes as f64 / 1e9 / seconds,
            peak.unwrap_or("?")
        );
        for stage in stages {
            println!("             begins at {}", stage.trim());
        }
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}
