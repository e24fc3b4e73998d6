//! How work grows with its input: instructions (valgrind's callgrind) at n, 2n and 4n; no doubling may cost more than 2.6 times.
//!
//! `cargo test --release --test growth -- --nocapture` prints the table. `TAPSCOPE_LONG=1` takes eight times as much of everything,
//! `TAPSCOPE_GROWTH=NAME,NAME` only the kinds whose names hold one of these words.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod made;
mod net;
#[path = "growth/parsers.rs"]
mod parsers;
#[path = "growth/pipeline.rs"]
mod pipeline;

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

/// What one doubling may cost.
const MOST: f64 = 2.6;
/// Below so many instructions at 4n, work met a bound at once and grows with nothing.
const NOTHING: u64 = 3_000_000;

/// A piece of work whose input is there already.
type Job = Box<dyn FnOnce()>;

/// Name, size, and what makes the work of that size.
type Kind = (&'static str, usize, fn(usize) -> Job);

fn job(work: impl FnOnce() + 'static) -> Job {
    Box::new(work)
}

fn kinds() -> Vec<Kind> {
    [parsers::KINDS, pipeline::KINDS].concat()
}

fn size(n: usize) -> usize {
    if std::env::var_os("TAPSCOPE_LONG").is_some() {
        n * 8
    } else {
        n
    }
}

/// callgrind writes down what was counted whenever one of these two is called.
#[inline(never)]
fn counting_begins(n: usize) {
    black_box(n);
}

#[inline(never)]
fn counting_ends(text: &str) {
    black_box(text);
}

/// The other half of the test: runs under callgrind, and does the kinds of `TAPSCOPE_GROWTH_KINDS`, each at n, 2n and 4n.
#[test]
#[ignore = "is run by the test below"]
fn work() {
    let Ok(wanted) = std::env::var("TAPSCOPE_GROWTH_KINDS") else {
        return;
    };
    for (name, n, make) in kinds() {
        if wanted.split(',').any(|one| one == name) {
            // Once before: tables are built at their first use.
            make(8)();
            let times = std::env::var("TAPSCOPE_GROWTH_TIMES").unwrap_or("1,2,4".to_owned());
            for factor in times.split(',').filter_map(|n| n.parse::<usize>().ok()) {
                let job = make(size(n) * factor);
                counting_begins(n);
                job();
                counting_ends(name);
            }
        }
    }
}

/// The numbers that callgrind counted from the beginnings to the ends of the work, in their order.
fn counts(folder: &Path) -> Vec<u64> {
    let mut parts: Vec<(u32, bool, u64)> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&text);
        let line = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_default().trim().to_owned()
        };
        // Some versions say `totals`, some `summary`.
        let total = ["totals:", "summary:"].map(line);
        let total = total.iter().find_map(|text| text.parse().ok());
        parts.push((
            line("part:").parse().unwrap_or_default(),
            line("desc: Trigger:").contains("counting_ends"),
            total.unwrap_or_default(),
        ));
    }
    parts.sort_unstable();
    parts
        .into_iter()
        .filter_map(|(_, work, total)| work.then_some(total))
        .collect()
}

/// Counts one kind at n, 2n, 4n.
fn count(name: &str) -> Result<[u64; 3], String> {
    let folder = tempfile::tempdir().unwrap();
    let out = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!(
            "--callgrind-out-file={}",
            folder.path().join("out").display()
        ))
        .args([
            "--dump-before=growth::counting_begins*",
            "--dump-before=growth::counting_ends*",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "work", "--ignored", "--test-threads=1"])
        .env("TAPSCOPE_GROWTH_KINDS", name)
        .env("RAYON_NUM_THREADS", "1")
        .env("POLARS_MAX_THREADS", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if !out.status.success() {
        return Err(format!(
            "{name}: {}\n{}{}",
            out.status,
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        ));
    }
    let counted = counts(folder.path());
    <[u64; 3]>::try_from(counted)
        .map_err(|all| format!("{name}: callgrind counted {} times, not 3", all.len()))
}

#[test]
#[ignore = "under work"]
fn no_doubling_costs_more_than_2_6() {
    let there = Command::new("valgrind").arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("TAPSCOPE_REQUIRE_VALGRIND").is_none(),
            "valgrind was asked for"
        );
        eprintln!("SKIPPED: growth of work: valgrind is not here");
        return;
    }
    let wanted = std::env::var("TAPSCOPE_GROWTH").unwrap_or_default();
    let chosen: Vec<Kind> = kinds()
        .into_iter()
        .filter(|(name, ..)| wanted.split(',').any(|word| name.contains(word)))
        .collect();
    assert!(!chosen.is_empty(), "TAPSCOPE_GROWTH names no kind");
    println!(
        "{:<28} {:>9} {:>14} {:>14} {:>14} {:>6} {:>6}   asked: at most {MOST} each",
        "work", "n", "at n", "at 2n", "at 4n", "x2", "x4"
    );
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((name, n, _)) =
                    chosen.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    match count(name) {
                        Err(fault) => wrong.lock().unwrap().push(fault),
                        Ok([a, b, c]) => {
                            let (first, second) = (
                                b as f64 / a.max(1) as f64,
                                c as f64 / b.max(1) as f64,
                            );
                            let fits = (first <= MOST && second <= MOST) || c < NOTHING;
                            let line = format!(
                                "{name:<28} {:>9} {a:>14} {b:>14} {c:>14} {first:>6.2} {second:>6.2}",
                                size(*n)
                            );
                            println!("{line} {}", if fits { "" } else { "GROWS TOO FAST" });
                            if !fits {
                                wrong.lock().unwrap().push(line);
                            }
                        }
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    println!("{} kinds of work, none over {MOST}", chosen.len());
}
