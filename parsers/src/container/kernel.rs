//! The kernel's own log: `<6>[   12.345678] text`.

use super::scan::{bracketed, from, level_from_severity, priority, skip_blanks};
use super::{Head, Level, LogFormat, never};
use crate::time;

/// dmesg, /dev/kmsg as saved, pstore.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "kernel",
    title: "Kernel ring buffer (dmesg): seconds since boot",
    spec: "dmesg(1); Linux Documentation/admin-guide/kernel-parameters, printk.time",
    specificity: 6,
    is_head: |line| head(line).is_some(),
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "<6>[   12.345678] nfc_i2c: probe ok",
        "[12345.678901] usb 1-1: USB disconnect, device number 3",
        "<3>[    3.100000] [  T123] pn553: i2c error",
    ],
    counter_samples: &[
        "[main] text",
        "[12] text",
        "[1.2.3] text",
        "[12:00:01] text",
    ],
};

fn head(line: &[u8]) -> Option<Head<'_>> {
    let (level, rest) = match priority(line) {
        Some((value, rest)) => (level_from_severity(value % 8), rest),
        None => (Level::Unknown, line),
    };
    let (inside, after) = bracketed(rest, b'[', b']', 24)?;
    let (raw, used) = time::uptime(inside)?;
    if used != inside.len() || raw.resolution_nanos > 1000 {
        return None;
    }
    let after = after.strip_prefix(b" ").unwrap_or(after);
    // Newer kernels name the caller in a second bracket.
    let (thread, message) = match bracketed(after, b'[', b']', 16) {
        Some((caller, rest)) if caller.trim_ascii_start().starts_with(b"T") => {
            (caller.trim_ascii_start(), skip_blanks(rest))
        }
        _ => (&b""[..], after),
    };
    Some(Head {
        time: Some(raw),
        thread,
        level,
        message: from(message, 0),
        ..Head::default()
    })
}
