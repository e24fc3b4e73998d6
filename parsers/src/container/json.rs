//! JSON logs: one object a line, or objects printed over many lines. The object stays whole: it is the message.

use super::scan::{from, level_from_word, skip_blanks, to};
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
    within: None,
    whole: None,
    described: None,
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
    within: None,
    // A log may print documents between its records: only what begins with one is made of them.
    whole: Some(|samples| {
        samples.first().is_some_and(|head| {
            let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
            matches!(head.trim_ascii_start().first(), Some(b'{' | b'['))
        })
    }),
    described: None,
    samples: &["{", "[", "[{"],
    counter_samples: &[
        "{\"a\":1}",
        "  {",
        "[main] text",
        "[ 20 Jul 2021 16:21:08:310 ]| x",
    ],
};

fn lines_head(line: &[u8]) -> Option<Head<'_>> {
    let inner = line.strip_prefix(b"{")?;
    if line.trim_ascii_end().last() != Some(&b'}') || skip_blanks(inner).first() != Some(&b'"') {
        return None;
    }
    let mut head = Head {
        message: line,
        ..Head::default()
    };
    // How good the time's key is: outer keys beat inner ones, then the order of the list.
    let mut time_rank = u8::MAX;
    let mut depth = 0_u8;
    let mut at = 0;
    // Long records keep such keys near the start; the window bounds the work.
    let window = to(line, 4096);
    while let Some(step) = memchr::memchr(b'"', from(window, at)) {
        for byte in to(from(window, at), step) {
            match byte {
                b'{' => depth = depth.saturating_add(1),
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let text = from(window, at + step + 1);
        let Some(end) = end_of_string(text) else {
            break;
        };
        at += step + end + 2;
        let Some(value) = skip_blanks(from(window, at)).strip_prefix(b":") else {
            continue;
        };
        let value = scalar(skip_blanks(value));
        let key = to(text, end);
        if let Some(rank) = time_key(key) {
            let rank = rank + if depth > 1 { 16 } else { 0 };
            if rank < time_rank
                && let Some(raw) = value.and_then(time_of)
            {
                head.time = Some(raw);
                time_rank = rank;
            }
        } else if depth <= 2 {
            name_part(&mut head, key, value.unwrap_or_default());
        }
    }
    Some(head)
}

/// Up to the closing quotation mark.
fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let step = memchr::memchr2(b'"', b'\\', from(text, at))?;
        if text.get(at + step) == Some(&b'"') {
            return Some(at + step);
        }
        at += step + 2;
    }
}

/// Where common loggers put the time, best first.
fn time_key(key: &[u8]) -> Option<u8> {
    Some(match key {
        b"ts" | b"@timestamp" | b"@t" | b"__REALTIME_TIMESTAMP" => 0,
        b"time" | b"timestamp" | b"Timestamp" | b"TimeStamp" => 1,
        b"datetime" | b"dateTime" | b"eventTime" | b"asctime" => 2,
        b"date" | b"t" => 3,
        _ => return None,
    })
}

fn name_part<'a>(head: &mut Head<'a>, key: &[u8], value: &'a [u8]) {
    match key {
        b"level" | b"@l" | b"severity" | b"lvl" | b"Level" if head.level == Level::Unknown => {
            head.level = level_from_word(value).unwrap_or(Level::Unknown);
        }
        b"PRIORITY" => {
            if let [digit @ b'0'..=b'7'] = value {
                head.level = super::scan::level_from_severity(u16::from(digit - b'0'));
            }
        }
        b"host" | b"hostname" | b"_HOSTNAME" if head.host.is_empty() => head.host = value,
        b"pid" | b"_PID" if head.process.is_empty() => head.process = value,
        b"thread" | b"thread_name" if head.thread.is_empty() => head.thread = value,
        b"logger" | b"logger_name" | b"realm" | b"SYSLOG_IDENTIFIER" | b"tag"
            if head.tag.is_empty() =>
        {
            head.tag = value;
        }
        _ => {}
    }
}

/// A string's inside, or a number.
fn scalar(value: &[u8]) -> Option<&[u8]> {
    if let Some(text) = value.strip_prefix(b"\"") {
        return end_of_string(text).map(|end| to(text, end));
    }
    let end = value
        .iter()
        .take(32)
        .take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        .count();
    (end > 0).then(|| to(value, end))
}

fn time_of(value: &[u8]) -> Option<RawTime> {
    time::parse_at_start(value)
        .map(|(raw, _)| raw)
        .filter(|raw| raw.month_day.is_some() || raw.epoch_nanos.is_some())
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
