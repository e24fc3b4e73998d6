//! What the program promises under damage, exhaustion, faults of the machine and odd clocks; each test prints the figure asked for
//! and the figure reached. `docs/reliability.md` is the list.
//!
//! Sampled where long; whole: `TAPSCOPE_LONG=1 cargo test --release --test reliability -- --nocapture --test-threads=1`.
#![cfg(unix)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;
mod made;
mod net;
#[path = "common/pty.rs"]
mod pty;

#[path = "reliability/damage.rs"]
mod damage;
#[path = "reliability/exhaustion.rs"]
mod exhaustion;
#[path = "reliability/faults.rs"]
mod faults;
#[path = "reliability/metamorphic.rs"]
mod metamorphic;
#[path = "reliability/privacy.rs"]
mod privacy;
#[path = "reliability/safety.rs"]
mod safety;
#[path = "reliability/time.rs"]
mod time;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{Random, names, verified};

/// True where everything is to be tried and not a sample.
fn long() -> bool {
    std::env::var_os("TAPSCOPE_LONG").is_some()
}

/// The figure reached beside the figure asked for.
fn figure(id: &str, asked: &str, reached: &str) {
    println!("{id:<4} asked: {asked}; reached: {reached}");
}

/// What a run took.
struct Watched {
    output: Output,
    /// Greatest resident memory seen, KiB.
    peak: u64,
    took: Duration,
}

impl Watched {
    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }
    fn words(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
    fn mebibytes(&self) -> u64 {
        self.peak >> 10
    }
}

/// Runs a command, looks at its memory while it lasts, and ends it where it hangs.
fn watched(mut command: Command) -> Watched {
    use std::io::{Read as _, Seek as _};
    let start = Instant::now();
    // Files, so that nobody waits for a pipe to be emptied.
    let mut files = [tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap()];
    let [stdout, stderr] = [&files[0], &files[1]].map(|file| file.try_clone().unwrap());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let patience = Duration::from_secs(if long() { 7200 } else { 300 });
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let high = high.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(high.unwrap_or(0));
        if start.elapsed() > patience {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    let took = start.elapsed();
    let [stdout, stderr] = [0, 1].map(|n| {
        let mut bytes = Vec::new();
        files[n].rewind().unwrap();
        files[n].read_to_end(&mut bytes).unwrap();
        bytes
    });
    Watched {
        output: Output {
            status: ended,
            stdout,
            stderr,
        },
        peak,
        took,
    }
}

/// `analyze` of one input.
fn analyze(input: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = common::tapscope();
    command
        .arg("analyze")
        .arg(input)
        .arg("--out")
        .arg(out)
        .args(more);
    command
}

/// Codes of the issues of a run, with their counts.
fn issues(out: &Path) -> Vec<(String, u64)> {
    common::rows(
        out,
        "SELECT code, sum(count) FROM issues GROUP BY code ORDER BY code",
    )
    .into_iter()
    .map(|row| (row[0].clone(), row[1].parse().unwrap_or_default()))
    .collect()
}

/// A line of a terminal's log that says something.
const LINE: &str = "07-15 10:56:49.152   889  6213 E PosEngine: transaction failed, stan=000123 rrn=715000000123\n";

/// True where a program is here; says so loudly where not.
fn tool(name: &str, what: &str) -> bool {
    let there = Command::new(name)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !there {
        eprintln!("SKIPPED: {what}: {name} is not here");
    }
    there
}
