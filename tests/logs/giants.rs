//! Inputs that are too large in one direction: bounded memory, a named issue, no stop. `TAPSCOPE_GIANT_MB` makes them larger.

use std::io::Read;

use super::reading::{Read1, stream};
use tapscope::plan::Plan;

fn megabytes() -> u64 {
    std::env::var("TAPSCOPE_GIANT_MB")
        .ok()
        .and_then(|mb| mb.parse().ok())
        .unwrap_or(48)
}

/// Peak resident memory of this process in KiB, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A prefix, then a pattern over and over.
fn giant(prefix: &[u8], pattern: &[u8], bytes: u64) -> (Vec<u8>, impl Read) {
    let block = pattern.repeat((1 << 16) / pattern.len());
    let mut head = prefix.to_vec();
    head.extend_from_slice(&block);
    head.truncate(64 << 10);
    struct Endless {
        block: Vec<u8>,
        at: usize,
    }
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let rest = &self.block[self.at..];
            let n = rest.len().min(buffer.len());
            buffer[..n].copy_from_slice(&rest[..n]);
            self.at = (self.at + n) % self.block.len();
            Ok(n)
        }
    }
    let rest = Endless { block, at: 0 };
    let reader = std::io::Cursor::new(prefix.to_vec()).chain(rest.take(bytes));
    (head, reader)
}

fn run(prefix: &[u8], pattern: &[u8]) -> Read1 {
    let bytes = megabytes() << 20;
    let (head, mut reader) = giant(prefix, pattern, bytes);
    let before = peak();
    let started = std::time::Instant::now();
    let read = stream("giant.log", &head, &mut reader, &Plan::default());
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(read.source.ledger.bytes, prefix.len() as u64 + bytes);
    if let (Some(before), Some(after)) = (before, peak()) {
        // Other tests run beside this one in the same process, unless it was asked for alone.
        let room = if std::env::var_os("TAPSCOPE_GIANT_MB").is_some() {
            256
        } else {
            1024
        };
        assert!(
            after - before.min(after) < room << 10,
            "{before} to {after} KiB"
        );
    }
    // Ten seconds for a gigabyte where it is asked for; else room for a busy machine without optimisation.
    let allowed = if std::env::var_os("TAPSCOPE_GIANT_MB").is_some() {
        10.0 + megabytes() as f64 / 50.0
    } else {
        300.0
    };
    assert!(seconds < allowed, "{seconds} s");
    eprintln!(
        "{:?}: {} MB in {seconds:.2} s, {:?} {:?}",
        String::from_utf8_lossy(&pattern[..pattern.len().min(8)]),
        megabytes(),
        read.source.status,
        read.issues.first().map(|issue| issue.code),
    );
    read
}

const LINE: &[u8] = b"07-15 10:56:49.152   889  6213 D Tag: text\n";

#[test]
fn giants_are_read_in_bounded_memory() {
    // One line, behind some that make it a log.
    let one = run(&LINE.repeat(40), b"x");
    assert!(
        one.issues.iter().any(|issue| issue.code == "line_too_long"),
        "{:?}",
        one.issues
    );
    assert_eq!(one.source.ledger.damaged_records, 1);
    let hex = run(&LINE.repeat(40), b"00A40400");
    assert!(hex.issues.iter().any(|issue| issue.code == "line_too_long"));
    // No line end at all.
    let endless = run(b"", b"{");
    assert!(
        endless
            .issues
            .iter()
            .any(|issue| issue.code == "line_too_long" || issue.code == "unrecognised")
    );
    let zeros = run(b"", b"\0");
    assert_eq!(
        zeros.issues.first().map(|issue| issue.code),
        Some("unrecognised")
    );
    let padded = run(&LINE.repeat(400), b"\0");
    assert!(!padded.issues.is_empty() && padded.events.is_empty());
    // Nothing but line ends.
    for pattern in [&b"\n"[..], b"\r\n", b" \n"] {
        let blank = run(&LINE.repeat(40), pattern);
        assert_eq!(blank.source.ledger.records, 40);
        assert!(blank.events.is_empty());
    }
    // A record that never ends, of lines that look like one.
    let frames = run(&LINE.repeat(40), b"\tat com.acme.Pay.run(Pay.java:3)\n");
    assert_eq!(frames.source.ledger.records, 40);
}
