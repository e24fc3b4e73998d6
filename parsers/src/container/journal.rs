//! journald's export format: one field a line, records apart by blank lines, binary values behind their length.

use super::scan::{from, level_from_severity, to};
use super::{Head, LogFormat, never};
use crate::time::RawTime;

/// `journalctl -o export`, systemd-journal-remote.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "journal-export",
    title: "systemd journal in export format: __CURSOR=, NAME=value, a blank line",
    spec: "systemd, JOURNAL_EXPORT_FORMATS; systemd.journal-fields(7)",
    specificity: 9,
    is_head: |line| line.starts_with(b"__CURSOR="),
    head,
    ends: never,
    within: Some(within),
    whole: None,
    described: None,
    samples: &[
        "__CURSOR=s=739ad463348b4ceca5a9e69c95a3c93f;i=4ece7;b=6c7c6013a26343b29e964691ff25d04c;m=4fc72436e;t=4c508a7243799;x=88597d4d7e0e5bbc",
    ],
    counter_samples: &[
        "__REALTIME_TIMESTAMP=1342540861421465",
        "MESSAGE=text",
        "CURSOR=x",
    ],
};

/// The cursor holds the wall clock: `t=`, microseconds in hex.
fn head(line: &[u8]) -> Option<Head<'_>> {
    let cursor = line.strip_prefix(b"__CURSOR=")?;
    let mut head = Head::default();
    for part in cursor.split(|b| *b == b';') {
        if let Some(hex) = part.strip_prefix(b"t=") {
            head.time = micros(hex, 16);
        }
    }
    Some(head)
}

fn micros(digits: &[u8], radix: u32) -> Option<RawTime> {
    let text = core::str::from_utf8(digits).ok()?;
    let micros = i64::from_str_radix(text, radix).ok()?;
    Some(RawTime {
        epoch_nanos: Some(micros.checked_mul(1000)?),
        resolution_nanos: 1000,
        ..RawTime::default()
    })
}

/// A field's value, where the record has it as a line of text.
fn field<'a>(record: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find_iter(record, name)
        .find(|at| *at == 0 || record.get(at - 1) == Some(&b'\n'))?;
    let value = from(record, at + name.len());
    let end = memchr::memchr(b'\n', value).unwrap_or(value.len());
    Some(to(value, end))
}

fn within<'a>(record: &'a [u8], line: &'a [u8], head: Head<'a>) -> (Head<'a>, &'a [u8]) {
    let mut head = head;
    // The time of the program's own call, where journald keeps it, is nearer to the event than that of the entry.
    let written = field(record, b"_SOURCE_REALTIME_TIMESTAMP=")
        .or_else(|| field(record, b"__REALTIME_TIMESTAMP="))
        .and_then(|value| micros(value, 10));
    head.time = written.or(head.time);
    head.host = field(record, b"_HOSTNAME=").unwrap_or(head.host);
    head.process = field(record, b"_PID=")
        .or_else(|| field(record, b"SYSLOG_PID="))
        .unwrap_or(head.process);
    head.thread = field(record, b"TID=").unwrap_or(head.thread);
    head.tag = field(record, b"SYSLOG_IDENTIFIER=")
        .or_else(|| field(record, b"_COMM="))
        .unwrap_or(head.tag);
    if let Some([digit @ b'0'..=b'7']) = field(record, b"PRIORITY=") {
        head.level = level_from_severity(u16::from(digit - b'0'));
    }
    let message = if let Some(text) = line.strip_prefix(b"MESSAGE=") {
        text
    } else if line.len() > 8 && line.get(4..8) == Some(&[0; 4]) {
        // A binary value: eight bytes of length, then text.
        from(line, 8)
    } else {
        line
    };
    (head, message)
}
