//! BSD syslog as sent and as stored, and the file layout with ISO times that rsyslog and others write.

use super::scan::{
    bracketed, digits, find, from, level_from_severity, priority, skip_blanks, to, word,
};
use super::{Head, Level, LogFormat, never};
use crate::time;

/// RFC 3164 and its relatives.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "syslog",
    title: "syslog (RFC 3164), as sent or as stored, also with ISO times (rsyslog)",
    spec: "RFC 3164, 4.1; rsyslog RSYSLOG_FileFormat",
    specificity: 5,
    is_head,
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed on /dev/pts/8",
        "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; logname= uid=0",
        "Jul  1 09:00:55 calvisitor-10-105-160-95 kernel[0]: text",
        "Jun 14 15:16:01 combo last message repeated 3 times",
        "2024-05-01T10:00:00.123456+08:00 pos-17 paysvc[88]: text",
        "<13>Jun 14 2021 15:16:01.123 pos-17 paysvc: text",
    ],
    counter_samples: &[
        "Jun 14 is a day",
        "2024-05-01T10:00:00.123456+08:00 INFO text without a tag",
        "Jul 20, 2021 4:21:08 PM com.acme.Pay run",
        "<34>1 2003-10-11T22:14:15.003Z host app - - - text",
    ],
};

fn is_head(line: &[u8]) -> bool {
    match line.first() {
        Some(b'A'..=b'Z' | b'a'..=b'z') => time::syslog(line).is_some(),
        Some(b'<' | b'0'..=b'9') => head(line).is_some(),
        _ => false,
    }
}

fn head(line: &[u8]) -> Option<Head<'_>> {
    let (level, line) = match priority(line) {
        Some((value, rest)) => (level_from_severity(value % 8), rest),
        None => (Level::Unknown, line),
    };
    let (raw, used, iso) = if let b'0'..=b'9' = line.first()? {
        let (raw, used) = time::iso(line)?;
        if line.get(10) != Some(&b'T') || raw.offset_seconds.is_none() {
            return None;
        }
        (raw, used, true)
    } else {
        let (raw, used) = time::syslog(line)?;
        (raw, used, false)
    };
    let rest = from(line, used);
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    if rest.first() != Some(&b' ') {
        return None;
    }
    let (host, rest) = word(skip_blanks(rest), 255)?;
    let rest = skip_blanks(rest);
    let named = program(rest);
    if named.is_none() && (iso || host.ends_with(b":")) {
        return None;
    }
    let (tag, process, message) = named.unwrap_or((b"", b"", rest));
    Some(Head {
        time: Some(raw),
        host,
        process,
        tag,
        level,
        message,
        ..Head::default()
    })
}

/// `tag[pid]: text` or `tag: text`; the tag has no blank, but Apple puts a parenthesis behind the pid.
fn program(rest: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let end = rest
        .iter()
        .take(96)
        .position(|b| matches!(b, b' ' | b':' | b'['))?;
    let tag = to(rest, end);
    if tag.is_empty() {
        return None;
    }
    let after = from(rest, end);
    if let Some((inside, after)) = bracketed(after, b'[', b']', 24) {
        let process = digits(inside, 20).map_or(inside, |(n, _)| n);
        let message = if let Some(message) = after.strip_prefix(b":") {
            message
        } else if after.starts_with(b" (") {
            from(after, find(after, b"): ", 160)? + 2)
        } else {
            return None;
        };
        return Some((tag, process, skip_one(message)));
    }
    let message = after.strip_prefix(b":")?;
    Some((tag, b"", skip_one(message)))
}

fn skip_one(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b" ").unwrap_or(bytes)
}
