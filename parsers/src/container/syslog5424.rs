//! IETF syslog, framed by newlines or by octet counts.

use super::scan::{digits, from, level_from_severity, priority, word};
use super::{Head, LogFormat, never};
use crate::time;

/// RFC 5424.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "syslog5424",
    title: "syslog (RFC 5424), newline or octet-counted framing",
    spec: "RFC 5424, 6; RFC 6587, 3.4",
    specificity: 9,
    is_head: |line| matches!(line.first(), Some(b'<' | b'0'..=b'9')) && head(line).is_some(),
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed",
        r#"<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [exampleSDID@32473 iut="3" x="a\]b"][b@1 c="d"] An event"#,
        "83 <34>1 2003-10-11T22:14:15.003Z host app 12 - - text",
        "<34>1 - host app - - -",
    ],
    counter_samples: &[
        "<34>Oct 11 22:14:15 mymachine su: text",
        "<192>1 2003-10-11T22:14:15.003Z h a - - - x",
        "<34>1 text",
    ],
};

fn head(line: &[u8]) -> Option<Head<'_>> {
    let line = match digits(line, 6) {
        Some((_, rest)) => rest.strip_prefix(b" ")?,
        None => line,
    };
    let (pri, rest) = priority(line)?;
    let rest = rest.strip_prefix(b"1 ")?;
    let (stamp, rest) = word(rest, 40)?;
    let time = if stamp == b"-" {
        None
    } else {
        Some(time::iso(stamp)?.0)
    };
    let (host, rest) = word(rest.strip_prefix(b" ")?, 255)?;
    let (tag, rest) = word(rest.strip_prefix(b" ")?, 48)?;
    let (process, rest) = word(rest.strip_prefix(b" ")?, 128)?;
    let (_message_id, rest) = word(rest.strip_prefix(b" ")?, 32)?;
    let rest = structured_data(rest.strip_prefix(b" ")?)?;
    let message = rest.strip_prefix(b" ").unwrap_or(rest);
    let nil = |part| if part == &b"-"[..] { &b""[..] } else { part };
    Some(Head {
        time,
        host: nil(host),
        process: nil(process),
        tag: nil(tag),
        level: level_from_severity(pri % 8),
        message: message.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(message),
        ..Head::default()
    })
}

/// Passes over `-` or `[id k="v"]…`; inside values `\]`, `\"` and `\\` are escapes.
fn structured_data(bytes: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = bytes.strip_prefix(b"-") {
        return Some(rest);
    }
    let mut at = 0;
    while bytes.get(at) == Some(&b'[') {
        let mut quoted = false;
        let mut escaped = false;
        let len = from(bytes, at).iter().position(|byte| {
            if escaped {
                escaped = false;
            } else if quoted && *byte == b'\\' {
                escaped = true;
            } else if *byte == b'"' {
                quoted = !quoted;
            } else if *byte == b']' && !quoted {
                return true;
            }
            false
        })?;
        at += len + 1;
    }
    (at > 0).then(|| from(bytes, at))
}
