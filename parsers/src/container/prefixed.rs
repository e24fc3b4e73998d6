//! Lines that carry the name of the file or container they came from: `grep -H`, `tail -f` of many files, docker compose, collected dumps.

use super::scan::{from, skip_blanks, to};
use super::{Head, LogFormat, applog, logcat, never, text};
use crate::time;

/// A name, then a dated line.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "prefixed",
    title: "Log lines behind the name of their file or container",
    spec: "grep -H, docker compose logs, collected dumps",
    specificity: 3,
    is_head,
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-1 - - -] text",
        "pos.log:2024-03-14 13:16:47.974 INFO text",
        "pos.log:118:07-15 10:56:49.152   889  6213 D NxpNciR : x",
        "paysvc_1  | 2024-03-14 13:16:47.974 text",
    ],
    counter_samples: &[
        "2024-03-14 13:16:47.974 text",
        "at 2024-03-14 13:16:47 it rained",
        "text without any time",
        "update: 2024-03-14 13:16:47",
    ],
};

fn is_head(line: &[u8]) -> bool {
    prefix(line).is_some()
}

fn head(line: &[u8]) -> Option<Head<'_>> {
    let (name, rest) = prefix(line)?;
    let mut head = logcat::head(rest)
        .or_else(|| applog::head(rest))
        .or_else(|| text::timed_head(rest))?;
    head.host = name;
    Some(head)
}

/// The name (it holds a dot, slash or underscore and no blank) and the dated line behind it.
fn prefix(line: &[u8]) -> Option<(&[u8], &[u8])> {
    if !line.first()?.is_ascii_alphanumeric() && line.first() != Some(&b'/') {
        return None;
    }
    let named = |n: usize| {
        let name = to(line, n);
        (1..=160).contains(&n)
            && name.iter().any(u8::is_ascii_alphabetic)
            && name.iter().any(|b| matches!(b, b'.' | b'/' | b'_'))
    };
    let dated =
        |rest: &[u8]| time::parse_at_start(rest).is_some_and(|(raw, _)| raw.month_day.is_some());
    let window = to(line, 160);
    let blank = memchr::memchr(b' ', window).unwrap_or(window.len());
    if named(blank) {
        let rest = skip_blanks(from(line, blank));
        let rest = rest.strip_prefix(b"|").map_or(rest, skip_blanks);
        if dated(rest) {
            return Some((to(line, blank), rest));
        }
    }
    // `file:` or `file:line:`; a Windows drive's colon comes first.
    for colon in memchr::memchr_iter(b':', to(line, blank)).take(3) {
        let rest = from(line, colon + 1);
        if named(colon) && dated(rest) {
            return Some((to(line, colon), rest));
        }
    }
    None
}
