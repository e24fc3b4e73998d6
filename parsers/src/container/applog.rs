//! Application logs: a time, a level, and thread and logger in the usual orders (log4j, logback, Spring, Python, .NET, glog).

use super::scan::{all_digits, bracketed, from, level_from_word, skip_blanks, to};
use super::text::starts_with_time;
use super::{Head, LogFormat, never};
use crate::time::{self, RawTime};

/// Time and level at the start.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "applog",
    title: "Application log with time and level: log4j, logback, Spring, java.util.logging, Python, NLog, Serilog, glog",
    spec: "log4j2 PatternLayout; logback; Python logging; NLog and Serilog default templates; glog",
    specificity: 4,
    is_head,
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "2026-02-09 13:06:32,461 INFO o.a.j.u.JMeterUtils: Setting Locale to en_EN",
        "2026-02-09 13:08:11,482 INFO n.c.b.j.i.Q2: (channel/10.0.0.1:9999) [send] Out: 0200 000133 TERM0001",
        "2024-01-01 10:00:00,123 [main] INFO  com.acme.Pay - text",
        "10:00:00.123 [main] DEBUG com.acme.Pay - text",
        "2024-01-01 10:00:00.123  INFO 1234 --- [nio-8080-exec-1] c.acme.Pay   : text",
        "2024-01-01 10:00:00,123 - acme.pay - WARNING - text",
        "2024-01-01 10:00:00.123 +01:00 [INF] text",
        "[10:00:00 INF] text",
        "2024-01-01 10:00:00.1234|INFO|Acme.Pay|text",
        "INFO  [2024-01-01 10:00:00,123] com.acme.Pay: text",
        "I0412 08:15:02.100200  1234 file.cc:99] text",
        "2026-11-22 16:49:19.378193 +00:00 DEBUG terminalsimulator - Card reader",
        "10:15:02.617 DBG Portalum.Zvt.TcpNetworkDeviceCommunication Receive - 80-00-00",
        "[2024-01-01 10:00:00] [ERROR] text",
        "20 Jul 2021 16:21:08,310 ERROR (Thread-3) text",
        "2024-01-01 10:00:00.008 25746 INFO nova.osapi_compute.wsgi.server [req-1 - - -] text",
    ],
    counter_samples: &[
        "2024-01-01 10:00:00 a plain sentence with an error in it",
        "07-15 10:56:49.152   889  6213 D NxpNciR : x",
        "INFO text without a time",
        "    at com.acme.Pay.main(Pay.java:3)",
        "20-07-22 10:02:41:318:ISS: MessageType : 0810",
    ],
};

/// Levels spelled at the start of a line are rare: parsed. Everything else is decided by the time.
fn is_head(line: &[u8]) -> bool {
    match line.first() {
        Some(b'0'..=b'9' | b'[' | b'"') => {
            time::looks_dated(line) || starts_with_time(line).is_some() || head(line).is_some()
        }
        Some(b'A'..=b'Z' | b'a'..=b'z') => {
            starts_with_time(line).is_some() || level_first(line).is_some()
        }
        _ => false,
    }
}

pub(super) fn head(line: &[u8]) -> Option<Head<'_>> {
    if let Some((raw, used)) = starts_with_time(line) {
        return after_time(raw, from(line, used));
    }
    match line.first()? {
        b'[' => serilog(line),
        b'A'..=b'Z' | b'a'..=b'z' => level_first(line),
        _ => None,
    }
}

/// `[10:00:00 INF] text`.
fn serilog(line: &[u8]) -> Option<Head<'_>> {
    let (inside, rest) = bracketed(line, b'[', b']', 64)?;
    let (raw, used) = time::parse_at_start(inside)?;
    let level = level_from_word(from(inside, used))?;
    Some(Head {
        time: Some(raw),
        level,
        message: skip_blanks(rest),
        ..Head::default()
    })
}

/// `INFO  [time] logger: text`, `INFO time …`, and glog's `I0412 08:15:02.100200  1234 file.cc:99] text`.
fn level_first(line: &[u8]) -> Option<Head<'_>> {
    let letters = line
        .iter()
        .take(12)
        .take_while(|b| b.is_ascii_alphabetic())
        .count();
    let rest = from(line, letters);
    if letters == 1 {
        return glog(line);
    }
    let level = level_from_word(to(line, letters))?;
    let rest = skip_blanks(rest.strip_prefix(b":").unwrap_or(rest));
    let (raw, used) = starts_with_time(rest)?;
    let mut head = Head {
        time: Some(raw),
        level,
        ..Head::default()
    };
    names(&mut head, from(rest, used));
    Some(head)
}

fn glog(line: &[u8]) -> Option<Head<'_>> {
    let level = super::scan::level_from_letter(*line.first()?)?;
    let date = line.get(1..5).filter(|d| all_digits(d))?;
    let (mut raw, used) = time::clock_only_with_millis(from(line, 6))?;
    let number = |a: u8, b: u8| (a - b'0') * 10 + (b - b'0');
    if let [a, b, c, d] = date {
        let (month, day) = (number(*a, *b), number(*c, *d));
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        raw.month_day = Some((month, day));
    }
    let rest = skip_blanks(from(line, 6 + used));
    let close = memchr::memchr(b']', to(rest, 128))?;
    let mut parts = to(rest, close).splitn(2, |b| *b == b' ');
    Some(Head {
        time: Some(raw),
        thread: parts.next().unwrap_or_default(),
        tag: parts.next().unwrap_or_default().trim_ascii(),
        level,
        message: skip_blanks(from(rest, close + 1)),
        ..Head::default()
    })
}

/// What stands before the level: brackets are the thread, a number the process, another word the logger.
fn after_time(raw: RawTime, rest: &[u8]) -> Option<Head<'_>> {
    let mut head = Head {
        time: Some(raw),
        ..Head::default()
    };
    let mut rest = rest;
    for place in 0..6 {
        rest = separators(rest);
        let (part, after, closed) = part(rest)?;
        // Anywhere but first, a level must look like one: capitals, or in brackets.
        let loud = closed || place == 0 || !part.iter().any(u8::is_ascii_lowercase);
        if let Some(level) = level_from_word(part).filter(|_| loud) {
            head.level = level;
            names(&mut head, after);
            return Some(head);
        }
        if closed {
            if head.thread.is_empty() {
                head.thread = part;
            }
        } else if all_digits(part) {
            head.process = part;
        } else if head.tag.is_empty() && looks_like_name(part) {
            head.tag = part;
        } else {
            return None;
        }
        rest = after;
    }
    None
}

/// What stands behind the level: process, thread and logger, each only where it is set off as one; the rest is the message.
fn names<'a>(head: &mut Head<'a>, rest: &'a [u8]) {
    let mut rest = separators(rest);
    for _ in 0..4 {
        if let Some((inside, after)) = bracketed(rest, b'[', b']', 96)
            .or_else(|| bracketed(rest, b'{', b'}', 96))
            .or_else(|| bracketed(rest, b'(', b')', 96))
        {
            if rest.first() == Some(&b'(') && !head.tag.is_empty() {
                break;
            }
            if head.thread.is_empty() && !inside.is_empty() {
                head.thread = inside;
            } else if head.tag.is_empty() && looks_like_name(inside) {
                head.tag = inside;
            } else {
                break;
            }
            rest = separators(after);
            continue;
        }
        let Some((word, after)) = plain_part(rest) else {
            break;
        };
        let set_off = after.starts_with(b" - ")
            || after.starts_with(b"|")
            || after.starts_with(b" : ")
            || after.starts_with(b": ")
            || skip_blanks(after).starts_with(b": ")
            || skip_blanks(after).starts_with(b"--- ")
            || after.starts_with(b" [");
        let colon = word.strip_suffix(b":");
        if all_digits(word) && head.process.is_empty() && set_off {
            head.process = word;
        } else if head.tag.is_empty()
            && (set_off || colon.is_some() || memchr::memchr(b'.', word).is_some())
            && looks_like_name(colon.unwrap_or(word))
        {
            head.tag = colon.unwrap_or(word);
            if colon.is_some() {
                rest = skip_blanks(after);
                break;
            }
        } else {
            break;
        }
        rest = separators(after);
    }
    head.message = rest;
}

/// Blanks, bars, and dashes or a colon that stand alone.
fn separators(bytes: &[u8]) -> &[u8] {
    let mut rest = skip_blanks(bytes);
    for _ in 0..3 {
        rest = if let Some(after) = rest.strip_prefix(b"|") {
            skip_blanks(after)
        } else if let Some(after) = rest
            .strip_prefix(b"--- ")
            .or_else(|| rest.strip_prefix(b"- "))
            .or_else(|| rest.strip_prefix(b": "))
        {
            skip_blanks(after)
        } else {
            return rest;
        };
    }
    rest
}

/// The next bracket's inside (true) or word (false), and what follows.
fn part(bytes: &[u8]) -> Option<(&[u8], &[u8], bool)> {
    let close = match bytes.first()? {
        b'[' => b']',
        b'(' => b')',
        b'{' => b'}',
        b'<' => b'>',
        _ => return plain_part(bytes).map(|(word, rest)| (word, rest, false)),
    };
    let (inside, rest) = bracketed(bytes, *bytes.first()?, close, 96)?;
    Some((inside.trim_ascii(), rest, true))
}

fn plain_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let n = bytes
        .iter()
        .take(97)
        .take_while(|b| !matches!(b, b' ' | b'\t' | b'|'))
        .count();
    (1..=96)
        .contains(&n)
        .then(|| (to(bytes, n), from(bytes, n)))
}

/// A logger, class, thread or host name: no quotes, no `=`, some letter.
fn looks_like_name(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_alphabetic)
        && word.iter().all(|b| {
            b.is_ascii_alphanumeric()
                || matches!(
                    b,
                    b'.' | b'_' | b'-' | b'$' | b'/' | b'#' | b'@' | b':' | b'~'
                )
        })
}
