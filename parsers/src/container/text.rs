//! Text with a time at the start of its records, and text without any.

use super::scan::{all_digits, bracketed, from, skip_blanks, to};
use super::{Head, LogFormat, never};
use crate::time::{RawTime, looks_dated, parse_at_start};

/// Any text whose records begin with a time.
pub(super) static TIMED: LogFormat = LogFormat {
    name: "timed",
    title: "Plain text, each record behind a time",
    spec: "any of the time styles that tapscope knows at the start of a line",
    specificity: 1,
    is_head: timed_is_head,
    head: timed_head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "20171223-22:15:29:606|Step_LSC|30002312|onStandStepChanged 3579",
        "[ 20 Jul 2021 16:21:08:310 ]| text [ value ]",
        "20-07-22 10:02:41:318:ISS: MessageType : 0810",
        "5/29/2020 8:14:02 AM:text",
        "2023-06-01 09:00:00.123\t[Class@1f]:method:text",
        "2021/7/20 下午 4:21:08 交易失败",
    ],
    counter_samples: &[
        "00 A4 04 00",
        "text",
        "    at com.acme.Pay.main(Pay.java:3)",
        "192.168.0.1 ok",
    ],
};

/// Any text.
pub(super) static PLAIN: LogFormat = LogFormat {
    name: "plain",
    title: "Plain text without times: order only",
    spec: "every line a record, indented lines belong to the line before",
    specificity: 0,
    is_head: plain_is_head,
    head: plain_head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &["NFC tag discovered", "00A4040007A0000000041010"],
    counter_samples: &["    indented", "\tindented", ""],
};

fn timed_is_head(line: &[u8]) -> bool {
    looks_dated(line) || starts_with_time(line).is_some()
}

/// The time at the start of a line, after at most one opening bracket or quotation mark.
pub(super) fn starts_with_time(line: &[u8]) -> Option<(RawTime, usize)> {
    let first = *line.first()?;
    if first.is_ascii_digit() || matches!(first, b'[' | b'{') {
        return parse_at_start(line);
    }
    // Month and day names only: cheaper than trying on every word.
    if first.is_ascii_uppercase() && line.get(3..5).is_some_and(|s| s.contains(&b' ')) {
        return parse_at_start(line);
    }
    if first == b'"' {
        return parse_at_start(from(line, 1)).map(|(raw, used)| (raw, used + 1));
    }
    None
}

/// Time, then separators, then the message; `|TAG|pid|text` behind the time is taken apart.
pub(super) fn timed_head(line: &[u8]) -> Option<Head<'_>> {
    let (time, used) = starts_with_time(line)?;
    let rest = from(line, used);
    let mut head = Head {
        time: Some(time),
        ..Head::default()
    };
    if let Some(piped) = rest.strip_prefix(b"|") {
        let mut fields = piped.splitn(3, |b| *b == b'|');
        if let (Some(tag), Some(process), Some(message)) =
            (fields.next(), fields.next(), fields.next())
            && tag.len() <= 80
            && all_digits(process)
        {
            head.tag = tag;
            head.process = process;
            head.message = message;
            return Some(head);
        }
    }
    let mut rest = skip_blanks(rest);
    if let Some(after) = rest
        .strip_prefix(b":")
        .or_else(|| rest.strip_prefix(b"|"))
        .or_else(|| rest.strip_prefix(b"- "))
        .or_else(|| rest.strip_prefix(b","))
        .or_else(|| rest.strip_prefix(b";"))
    {
        rest = skip_blanks(after);
    }
    if let Some((tag, after)) = bracketed(rest, b'[', b']', 80) {
        head.tag = tag;
        rest = skip_blanks(after);
    }
    head.message = rest;
    Some(head)
}

fn plain_is_head(line: &[u8]) -> bool {
    !matches!(line.first(), None | Some(b' ' | b'\t'))
}

fn plain_head(line: &[u8]) -> Option<Head<'_>> {
    plain_is_head(line).then_some(Head {
        message: to(line, line.len()),
        ..Head::default()
    })
}
