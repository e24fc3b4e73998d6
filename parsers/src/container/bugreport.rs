//! Android bug reports: logcat, kernel log and dumps of services in one text, each behind a line of dashes.

use super::scan::find;
use super::{Head, LogFormat, logcat, never};

/// bugreport-*.txt, also as the zip's main member.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "bugreport",
    title: "Android bug report: logcat and kernel log between dumps of services",
    spec: "AOSP frameworks/native/cmds/dumpstate",
    specificity: 9,
    is_head,
    head,
    ends: never,
    within: None,
    whole: Some(|samples| {
        samples
            .first()
            .is_some_and(|head| find(head, b"== dumpstate: ", 8192).is_some())
    }),
    described: None,
    samples: &[
        "== dumpstate: 2024-03-14 13:16:47",
        "------ SYSTEM LOG (logcat -v threadtime -v printable -v uid -d *:v) ------",
        "------ 0.412s was the duration of 'SYSTEM LOG' ------",
        "07-15 10:56:49.152  1000   889  6213 D NxpNciR : len =   6 > 600603010001",
    ],
    counter_samples: &["------", "  mWakefulness=Awake", "text"],
};

fn is_head(line: &[u8]) -> bool {
    (logcat::FORMAT.is_head)(line) || section(line).is_some()
}

fn section(line: &[u8]) -> Option<Head<'_>> {
    let dashed = line.starts_with(b"------ ") && line.ends_with(b" ------");
    (dashed || line.starts_with(b"== dumpstate: ")).then_some(Head {
        message: line,
        ..Head::default()
    })
}

fn head(line: &[u8]) -> Option<Head<'_>> {
    logcat::head(line).or_else(|| section(line))
}
