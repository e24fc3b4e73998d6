//! pcscd's own log: the time since the line before, in µs, or no time at all.

use super::scan::{all_digits, bracketed, from, skip_blanks, to};
use super::{Head, LogFormat, never};
use crate::time::RawTime;

/// pcscd.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "pcscd",
    title: "pcscd and CCID driver debug output",
    spec: "PCSC src/debuglog.c: eight digits of µs since the line before, saturating",
    specificity: 9,
    is_head,
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "00021205 [139811002240768] <- 000000 80 00 00 00 00 00 31 41 FE 00",
        "00000029 debuglog.c:411:DebugLogSetCategory() Debug options: APDU",
        "winscard.c:235:SCardConnect() Attempting Connect to Reader 00 00 using protocol: 3",
    ],
    counter_samples: &[
        "20240314 131647 text",
        "00A40400 07 A0000000041010",
        "00000010 00 A4 04 00 |....|",
        "0000002 text",
        "text winscard.c",
    ],
};

fn is_head(line: &[u8]) -> bool {
    match line.first() {
        Some(b'0'..=b'9') => delta(line).is_some(),
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'-') => source_place(line),
        _ => false,
    }
}

fn head(line: &[u8]) -> Option<Head<'_>> {
    if let Some(micros) = delta(line) {
        let mut rest = from(line, 9);
        let mut thread = &b""[..];
        if let Some((inside, after)) = bracketed(rest, b'[', b']', 24)
            && all_digits(inside)
        {
            thread = inside;
            rest = skip_blanks(after);
        }
        let known = source_place(rest)
            || !thread.is_empty()
            || [&b"APDU: "[..], b"SW: ", b"-> ", b"<- ", b"Card ATR"]
                .iter()
                .any(|s| rest.starts_with(s));
        return known.then(|| Head {
            time: Some(RawTime {
                delta_nanos: Some(micros * 1000),
                resolution_nanos: 1000,
                ..RawTime::default()
            }),
            thread,
            message: rest,
            ..Head::default()
        });
    }
    source_place(line).then_some(Head {
        message: line,
        ..Head::default()
    })
}

/// Eight digits and a blank.
fn delta(line: &[u8]) -> Option<i64> {
    let eight = line.first_chunk::<8>()?;
    if line.get(8) != Some(&b' ') || !all_digits(eight) {
        return None;
    }
    Some(eight.iter().fold(0, |v, b| v * 10 + i64::from(b - b'0')))
}

/// `file.c:123:Function() text`.
fn source_place(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"- ").unwrap_or(line);
    let Some(at) = memchr::memchr(b':', to(line, 48)) else {
        return false;
    };
    let name = to(line, at);
    if !name.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let known = [&b".c"[..], b".l", b".h", b".cpp", b".y"]
        .iter()
        .any(|end| name.ends_with(end));
    let rest = from(line, at + 1);
    let number = rest
        .iter()
        .take(6)
        .take_while(|b| b.is_ascii_digit())
        .count();
    known
        && !name.contains(&b' ')
        && number > 0
        && rest.get(number) == Some(&b':')
        && memchr::memmem::find(to(from(rest, number), 80), b"()").is_some()
}
