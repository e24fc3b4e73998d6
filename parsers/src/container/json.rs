//! JSON logs: one object a line, or objects printed over many lines. The object stays whole: it is the message.

use super::scan::{find, from, level_from_word, skip_blanks, to};
use super::{Head, Level, LogFormat};
use crate::time::{self, RawTime};

/// One object a line.
pub(super) static LINES: LogFormat = LogFormat {
    name: "json-lines",
    title: "JSON lines (also jPOS 3, journald -o json, Serilog compact)",
    spec: "jsonlines.org; systemd.journal-fields(7)",
    specificity: 6,
    is_head: |line| line.first() == Some(&b'{') && line.len() > 2,
    head: lines_head,
    ends: |line| line.last() == Some(&b'}'),
    samples: &[
        r#"{"ts":"2024-03-14T13:16:47.974Z","kind":"send","lifespan":12,"tags":{"realm":"channel"},"payload":[]}"#,
        r#"{"@t":"2024-03-14T13:16:47.974Z","@l":"Error","@m":"text"}"#,
        r#"{"__REALTIME_TIMESTAMP":"1710422207974000","_HOSTNAME":"pos-17","PRIORITY":"3","MESSAGE":"text"}"#,
        r#"{"level":"error","time":1710422207974,"msg":"text"}"#,
        r#"{"code": "T01", "message": "no time"}"#,
    ],
    counter_samples: &["{", "{ text }", "[1]", "{\"open\": ", "text {\"a\":1}"],
};

/// Objects over many lines.
pub(super) static PRETTY: LogFormat = LogFormat {
    name: "json",
    title: "JSON documents printed over many lines (nexo and SDK messages)",
    spec: "RFC 8259",
    specificity: 5,
    is_head: |line| matches!(line.first(), Some(b'{' | b'[')),
    head: pretty_head,
    ends: |line| matches!(line, [b'}' | b']'] | [b'}' | b']', b',']),
    samples: &["{", "[", "[{"],
    counter_samples: &["{\"a\":1}", "  {", "[main] text", "[ 20 Jul 2021 16:21:08:310 ]| x"],
};

/// Where common loggers put the time, best first.
const TIMES: [&[u8]; 11] = [
    b"\"ts\"",
    b"\"time\"",
    b"\"timestamp\"",
    b"\"@timestamp\"",
    b"\"@t\"",
    b"\"__REALTIME_TIMESTAMP\"",
    b"\"TimeStamp\"",
    b"\"Timestamp\"",
    b"\"datetime\"",
    b"\"date\"",
    b"\"t\"",
];

fn lines_head(line: &[u8]) -> Option<Head<'_>> {
    let inner = line.strip_prefix(b"{")?;
    if line.trim_ascii_end().last() != Some(&b'}') || skip_blanks(inner).first() != Some(&b'"') {
        return None;
    }
    let level = text_value(line, &[b"\"level\"", b"\"@l\"", b"\"severity\"", b"\"lvl\"", b"\"Level\""])
        .and_then(level_from_word)
        .or_else(|| {
            let digit = *text_value(line, &[b"\"PRIORITY\""])?.first()?;
            Some(super::scan::level_from_severity(u16::from(digit.wrapping_sub(b'0'))))
        })
        .unwrap_or(Level::Unknown);
    Some(Head {
        time: TIMES.iter().find_map(|key| time_value(line, key)),
        host: text_value(line, &[b"\"host\"", b"\"hostname\"", b"\"_HOSTNAME\""]).unwrap_or_default(),
        process: text_value(line, &[b"\"pid\"", b"\"_PID\""]).unwrap_or_default(),
        thread: text_value(line, &[b"\"thread\"", b"\"thread_name\""]).unwrap_or_default(),
        tag: text_value(line, &[b"\"logger\"", b"\"logger_name\"", b"\"realm\"", b"\"SYSLOG_IDENTIFIER\"", b"\"tag\""])
            .unwrap_or_default(),
        level,
        message: line,
    })
}

/// A document begins with a bracket that stands alone (or a few of them).
fn pretty_head(line: &[u8]) -> Option<Head<'_>> {
    (!line.is_empty()
        && line.len() <= 4
        && line
            .trim_ascii()
            .iter()
            .all(|b| matches!(b, b'{' | b'[' | b' ')))
    .then_some(Head {
        message: line,
        ..Head::default()
    })
    .filter(|_| matches!(line.first(), Some(b'{' | b'[')))
}

/// The raw value of the first of the keys that the line holds: a string's inside, or a number.
fn text_value<'a>(line: &'a [u8], keys: &[&[u8]]) -> Option<&'a [u8]> {
    keys.iter().find_map(|key| value(line, key))
}

fn value<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    // Long records keep such keys near the start; the window bounds the work.
    let at = find(line, key, 4096)?;
    let rest = skip_blanks(from(line, at + key.len())).strip_prefix(b":")?;
    let rest = skip_blanks(rest);
    if let Some(text) = rest.strip_prefix(b"\"") {
        let end = memchr::memchr(b'"', to(text, 256))?;
        return Some(to(text, end));
    }
    let end = rest
        .iter()
        .take(32)
        .take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        .count();
    (end > 0).then(|| to(rest, end))
}

fn time_value(line: &[u8], key: &[u8]) -> Option<RawTime> {
    time::parse_at_start(value(line, key)?)
        .map(|(raw, _)| raw)
        .filter(|raw| raw.month_day.is_some() || raw.epoch_nanos.is_some())
}
