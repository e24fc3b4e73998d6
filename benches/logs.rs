//! Throughput of the reading of logs: each container on noise, on one payment line in ten, and on nothing but payment lines,
//! beside `wc -l` and a search for a pattern (ripgrep where it is installed, else grep) on the same file in the same run.
//!
//! `cargo bench --bench logs -- [MEGABYTES] [CONTAINER]` (64 unless said). Files are in the page cache; each figure is the best of three.
//! `whole` as the container runs the whole program on logcat: noise, 10 % payment lines, and every line an APDU; with peak memory at
//! the given size and at four times as much, and the processor time, which other programs on the machine do not lengthen as much.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench prints its figures"
)]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use tapscope::decode::StreamInfo;
use tapscope::event::{Spill, Text};
use tapscope::parse;
use tapscope::parse::edge::Edge;
use tapscope::plan::Plan;

/// A container: its name, and how it writes a message at a number of milliseconds.
type Writer = fn(&mut String, u64, &str);

/// `13:16:47.974` of a number of milliseconds.
fn clock(ms: u64) -> String {
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        ms / 3_600_000 % 24,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    )
}

const CONTAINERS: &[(&str, Writer)] = &[
    ("logcat", |out, ms, text| {
        let _ = writeln!(
            out,
            "03-14 {}  1889  {} D EmvLog  : {text}",
            clock(ms),
            6213 + ms % 3
        );
    }),
    ("syslog", |out, ms, text| {
        let _ = writeln!(out, "Mar 14 {} pos-17 paysvc[88]: {text}", &clock(ms)[..8]);
    }),
    ("syslog5424", |out, ms, text| {
        let _ = writeln!(
            out,
            "<13>1 2024-03-14T{}Z pos-17 paysvc 88 - - {text}",
            clock(ms)
        );
    }),
    ("applog", |out, ms, text| {
        let _ = writeln!(
            out,
            "2024-03-14 {} [main] INFO  com.acme.Pay - {text}",
            clock(ms)
        );
    }),
    ("json-lines", |out, ms, text| {
        let _ = writeln!(
            out,
            "{{\"ts\":\"2024-03-14T{}Z\",\"level\":\"info\",\"msg\":\"{text}\"}}",
            clock(ms)
        );
    }),
    ("logfmt", |out, ms, text| {
        let _ = writeln!(
            out,
            "ts=2024-03-14T{}Z level=info msg=\"{text}\"",
            clock(ms)
        );
    }),
    ("csv", |out, ms, text| {
        if out.is_empty() {
            out.push_str("time,level,message\n");
        }
        let _ = writeln!(out, "2024-03-14 {},INFO,{text}", clock(ms));
    }),
    ("journal-export", |out, ms, text| {
        let _ = writeln!(
            out,
            "__CURSOR=s=739a;i={ms:x};t={:x}\n_PID=88\nMESSAGE={text}\n",
            1_710_422_207_974_000 + ms * 1000
        );
    }),
    ("jpos", |out, ms, text| {
        let _ = writeln!(
            out,
            "<log realm=\"channel\" at=\"2024-03-14T{}\">\n  <info>{text}</info>\n</log>",
            clock(ms)
        );
    }),
    ("zvt-tracer", |out, ms, text| {
        let _ = writeln!(
            out,
            "2024-03-14 {} DEBUG {{Thread-38}} [001] [Tracer] {text}",
            clock(ms)
        );
    }),
    ("timed", |out, ms, text| {
        let _ = writeln!(out, "20240314-{}|Pay|3000|{text}", clock(ms));
    }),
    ("plain", |out, _, text| {
        let _ = writeln!(out, "{text}");
    }),
];

/// What fills a day's logs.
const NOISE: &[&str] = &[
    "processRspNtf: dataLen=13",
    "ActivityManager: Start proc 4763 for service com.acme.sync/.SyncService",
    "GC freed 1217K, 23% free 8123K/10512K, paused 3ms total 28ms",
    "onTouchEvent action=2 x=412.50 y=1033.25 pressure=0.75 size=0.04",
    "wlan0: scan results available, 17 networks, best channel 6",
];
/// What bears on payments.
const PAYMENT: &[&str] = &[
    "=> 00A404000E325041592E5359532E444446303100",
    "<= 6F23840E325041592E5359532E4444463031A511BF0C0E610C4F07A00000033301018701019000",
    "=> 00A4040008A00000033301010100",
    "<= 6A82",
    "transaction declined, traceNo=000123 terminalId=10000019 responseCode=51 amount=10.00",
];
/// Nothing but commands and answers.
const APDUS: &[&str] = &[
    "=> 00B2010C00",
    "<= 70205A0862123400000012325F24032812319F0702FF005F280201565F3401009000",
];

/// Writes about so many bytes; one line in `every` bears on a payment. Gives the number of records.
fn write(path: &Path, bytes: u64, writer: Writer, every: u64, lines: &[&str]) -> u64 {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let mut block = String::new();
    let (mut written, mut number) = (0, 0);
    while written < bytes {
        let text = if number % every == 0 {
            lines[usize::try_from(number / every).unwrap() % lines.len()]
        } else {
            NOISE[usize::try_from(number).unwrap() % NOISE.len()]
        };
        writer(&mut block, number * 7, text);
        number += 1;
        if block.len() > 1 << 16 {
            file.write_all(block.as_bytes()).unwrap();
            written += block.len() as u64;
            // The header of a table stands once.
            block.clear();
            block.reserve(1);
            block.push('\n');
        }
    }
    file.write_all(block.as_bytes()).unwrap();
    file.flush().unwrap();
    number
}

/// Reads a file as the program does; gives seconds and events.
fn read(path: &Path) -> (f64, usize) {
    let plan = Plan::default();
    let edge = Edge::new(Some([7; 32]));
    let mut best = f64::MAX;
    let mut events = 0;
    for _ in 0..3 {
        let mut head = vec![0; 64 << 10];
        let got = File::open(path).unwrap().read(&mut head).unwrap();
        head.truncate(got);
        let size = path.metadata().unwrap().len();
        let info = StreamInfo {
            path: Text::new("bench.log"),
            member: false,
            size: Some(size),
            file: Some(path),
            head: &head,
        };
        let started = Instant::now();
        let mut reader = File::open(path).unwrap();
        let parsed = parse::stream(
            &info,
            &mut reader,
            &plan,
            &edge,
            &Spill::unbounded(),
            &|_| {},
        );
        best = best.min(started.elapsed().as_secs_f64());
        events = parsed.events.len();
    }
    (best, events)
}

/// Seconds that a program takes on the file, the best of three; nothing where it is not installed.
fn peer(command: &str, arguments: &[&str], path: &Path) -> Option<f64> {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let started = Instant::now();
        Command::new(command)
            .args(arguments)
            .arg(path)
            .env("LC_ALL", "C")
            .output()
            .ok()?;
        best = best.min(started.elapsed().as_secs_f64());
    }
    Some(best)
}

fn each(folder: &Path, megabytes: u64, only: Option<&str>) {
    let search = peer("rg", &["--version"], Path::new("")).map_or("grep", |_| "rg");
    println!(
        "{:15} {:>8} {:>7} {:>8} {:>10} {:>9} {:>9} {:>9}",
        "container", "payment", "GB/s", "Mrec/s", "events", "wc -l", search, "x wc"
    );
    for (name, writer) in CONTAINERS {
        if only.is_some_and(|only| only != *name) {
            continue;
        }
        for (share, every, lines) in [
            ("none", u64::MAX, PAYMENT),
            ("10 %", 10, PAYMENT),
            ("all", 1, PAYMENT),
        ] {
            let path = folder.join("bench.log");
            // A first number of zero would be a payment line: noise begins at one.
            let records = write(
                &path,
                megabytes << 20,
                *writer,
                every,
                if every == u64::MAX {
                    &NOISE[..1]
                } else {
                    lines
                },
            );
            let size = path.metadata().unwrap().len() as f64 / 1e9;
            let (seconds, events) = read(&path);
            let wc = peer("wc", &["-l"], &path);
            let found = peer(search, &["-c", "traceNo=[0-9]*"], &path);
            let speed = |seconds: Option<f64>| {
                seconds.map_or("-".to_owned(), |s| format!("{:.2}", size / s))
            };
            println!(
                "{name:15} {share:>8} {:>7.3} {:>8.2} {events:>10} {:>9} {:>9} {:>9.1}",
                size / seconds,
                records as f64 / seconds / 1e6,
                speed(wc),
                speed(found),
                seconds / wc.unwrap_or(seconds),
            );
        }
    }
}

/// What a run of the program took.
#[derive(Default)]
struct Used {
    seconds: f64,
    /// User and system.
    processor: f64,
    peak_mib: f64,
}

/// Runs the program under `/usr/bin/time`, which tells the processor time and the peak; without it only the wall clock is known.
fn measured(arguments: &[&std::ffi::OsStr]) -> Used {
    let program = std::ffi::OsStr::new(env!("CARGO_BIN_EXE_tapscope"));
    let timed = Path::new("/usr/bin/time").exists();
    let mut command = Command::new(if timed {
        "/usr/bin/time".as_ref()
    } else {
        program
    });
    if timed {
        command.args(["-f", "%U %S %M"]).arg(program);
    }
    let started = Instant::now();
    let output = command.args(arguments).output().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let figures: Vec<f64> = told
        .lines()
        .last()
        .unwrap_or_default()
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    match figures.as_slice() {
        [user, system, kib] => Used {
            seconds,
            processor: user + system,
            peak_mib: kib / 1024.0,
        },
        _ => Used {
            seconds,
            ..Used::default()
        },
    }
}

/// The whole program on logcat, beside `wc -l` and a search for a pattern on the same file.
fn whole(folder: &Path, megabytes: u64) {
    let search = peer("rg", &["--version"], Path::new("")).map_or("grep", |_| "rg");
    println!(
        "{:20} {:>6} {:>8} {:>7} {:>8} {:>9} {:>9} {:>8} {:>8}",
        "analyze", "MB", "seconds", "GB/s", "cpu s", "GB/cpu s", "peak MiB", "wc -l", search
    );
    for (name, every, lines) in [
        ("noise", u64::MAX, &NOISE[..1]),
        ("10 % payment lines", 10, PAYMENT),
        ("every line an APDU", 1, APDUS),
    ] {
        for factor in [1, 4] {
            let path = folder.join("whole.log");
            let bytes = (megabytes * factor) << 20;
            write(&path, bytes, CONTAINERS[0].1, every, lines);
            let size = path.metadata().unwrap().len() as f64 / 1e9;
            let out = folder.join("out");
            let used = measured(&[
                "analyze".as_ref(),
                "--year".as_ref(),
                "2024".as_ref(),
                "-q".as_ref(),
                "--force".as_ref(),
                "--out".as_ref(),
                out.as_os_str(),
                path.as_os_str(),
            ]);
            let speed = |seconds: Option<f64>| {
                seconds.map_or("-".to_owned(), |s| format!("{:.2}", size / s))
            };
            println!(
                "{name:20} {:>6} {:>8.2} {:>7.3} {:>8.2} {:>9.3} {:>9.0} {:>8} {:>8}",
                megabytes * factor,
                used.seconds,
                size / used.seconds,
                used.processor,
                size / used.processor,
                used.peak_mib,
                speed(peer("wc", &["-l"], &path)),
                speed(peer(search, &["-c", "traceNo=[0-9]*"], &path)),
            );
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let megabytes = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(64);
    let only = arguments
        .iter()
        .find(|a| a.parse::<u64>().is_err())
        .map(String::as_str);
    let folder = tempfile::tempdir().unwrap();
    if only == Some("whole") {
        whole(folder.path(), megabytes);
    } else {
        each(folder.path(), megabytes, only);
    }
}
