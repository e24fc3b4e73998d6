//! ZVT tracers of German-speaking countries: the till's text tracer, and the HTML table that a .NET library exports.

use super::scan::{bracketed, find, from, level_from_word, skip_blanks, to, word};
use super::{Head, LogFormat, never};
use crate::time;

/// The till's tracer.
pub(super) static TRACER: LogFormat = LogFormat {
    name: "zvt-tracer",
    title: "ZVT tracer of a till: date time LEVEL {thread} [till] [class] text",
    spec: "seen in the field; ZVT Protokoll PA00P015 for what it carries",
    specificity: 9,
    is_head: |line| line.first().is_some_and(u8::is_ascii_digit) && time::iso(line).is_some(),
    head: tracer_head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "2024-04-04 13:47:32.548 DEBUG {Thread-37} [001] [Tracer] POS<-TERM 12 CLASS - 6 INSTR  - 1e DATA - 7a ",
        "2024-04-04 13:47:32.631 DEBUG {TerminalPayment} [001] [Tracer] COMMON    --- property content: x",
    ],
    counter_samples: &[
        "2024-04-04 13:47:32.548 DEBUG [main] Tracer - text",
        "2024-04-04 13:47:32.548 DEBUG {main} text",
    ],
};

fn tracer_head(line: &[u8]) -> Option<Head<'_>> {
    let (raw, used) = time::iso(line)?;
    let (level, rest) = word(skip_blanks(from(line, used)), 12)?;
    let level = level_from_word(level)?;
    let (thread, rest) = bracketed(skip_blanks(rest), b'{', b'}', 96)?;
    let (till, rest) = bracketed(skip_blanks(rest), b'[', b']', 16)?;
    let (tag, rest) = bracketed(skip_blanks(rest), b'[', b']', 64)?;
    Some(Head {
        time: Some(raw),
        host: till,
        thread,
        tag,
        level,
        message: skip_blanks(rest),
        ..Head::default()
    })
}

/// The HTML table.
pub(super) static HTML: LogFormat = LogFormat {
    name: "zvt-html",
    title: "ZVT frames as an HTML table: time, direction, hex",
    spec: "seen in the field (export of a .NET ZVT library's control panel)",
    specificity: 9,
    is_head: |line| html_head(line).is_some(),
    head: html_head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "<TR><TD>03.05.2022 10:11:12</TD><TD>ECR-&gt;PT</TD><TD>06-01-07-04-00-00-00-00-01-00</TD></TR>",
    ],
    counter_samples: &["<TR><TD>text</TD></TR>", "<TD>03.05.2022 10:11:12</TD>"],
};

fn html_head(line: &[u8]) -> Option<Head<'_>> {
    let line = skip_blanks(line);
    if !line.get(..8)?.eq_ignore_ascii_case(b"<tr><td>") {
        return None;
    }
    let cells = from(line, 8);
    let (raw, used) = time::parse_at_start(cells)?;
    let rest = from(cells, used);
    let end = memchr::memchr(b'>', to(rest, 8))?;
    let rest = from(rest, end + 1);
    let tag_at = find(rest, b">", 16)?;
    let message = from(rest, tag_at + 1);
    let close = memchr::memchr(b'<', to(message, 32))?;
    Some(Head {
        time: Some(raw),
        tag: to(message, close),
        message: rest,
        ..Head::default()
    })
}
