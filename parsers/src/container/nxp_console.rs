//! NXP's NFC library on a Linux console: `seconds:milliseconds:microseconds - Tag: text`, the clock counting from anywhere.

use super::scan::{digits, find, from, skip_blanks, to, trim_end};
use super::{Head, LogFormat, never};
use crate::time::RawTime;

/// linux_libnfc-nci.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "nxp-console",
    title: "NXP NFC library on a Linux console: s:ms:µs - Tag: text",
    spec: "seen in the field (linux_libnfc-nci)",
    specificity: 7,
    is_head: |line| line.first().is_some_and(u8::is_ascii_digit) && head(line).is_some(),
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "3:564:942 - NxpNciR:     len =  28 > 6105190102",
        "3:567:43 - NxpNciX:     len =   4 > 21060101",
    ],
    counter_samples: &["10:15:02 - text", "3:564 - Tag: x", "3:564:942 text"],
};

fn head(line: &[u8]) -> Option<Head<'_>> {
    let (seconds, rest) = digits(line, 7)?;
    let (millis, rest) = digits(rest.strip_prefix(b":")?, 3)?;
    let (micros, rest) = digits(rest.strip_prefix(b":")?, 3)?;
    let rest = rest.strip_prefix(b" - ")?;
    let end = find(rest, b":", 64)?;
    let tag = trim_end(to(rest, end));
    if !tag.starts_with(b"Nxp") && !tag.starts_with(b"Nfc") && !tag.starts_with(b"nfc") {
        return None;
    }
    let number = |text: &[u8]| text.iter().fold(0_i64, |v, b| v * 10 + i64::from(b - b'0'));
    let nanos = (number(seconds) * 1_000_000 + number(millis) * 1000 + number(micros)) * 1000;
    Some(Head {
        time: Some(RawTime {
            uptime_nanos: Some(nanos),
            resolution_nanos: 1000,
            ..RawTime::default()
        }),
        tag,
        message: skip_blanks(from(rest, end + 1)),
        ..Head::default()
    })
}
