//! java.util.logging as it comes: time, class and method on one line, level and message on the next.

use super::scan::{from, skip_blanks, word};
use super::text::starts_with_time;
use super::{Head, LogFormat, level_from_word, never};

/// SimpleFormatter's two lines.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "jul",
    title: "java.util.logging, two lines a record: time, class, method; then level and message",
    spec: "java.util.logging.SimpleFormatter, default format",
    specificity: 5,
    is_head: |line| head(line).is_some(),
    head,
    ends: never,
    within: Some(within),
    whole: None,
    described: None,
    samples: &[
        "Mar 14, 2024 1:16:47 PM com.acme.pay.Terminal authorise",
        "Jan 04, 2014 6:48:47 PM com.acme.Pay <init>",
        "14.03.2024 13:16:47 com.acme.pay.Terminal authorise",
        "2024-03-14 13:16:47 com.acme.pay.Terminal lambda$run$0",
        "三月 14, 2024 1:16:47 下午 com.acme.pay.Terminal authorise",
    ],
    counter_samples: &[
        "Mar 14, 2024 1:16:47 PM something happened",
        "INFO: text",
        "2024-03-14 13:16:47 com.acme.pay.Terminal says hello",
        "2024-03-14 13:16:47 INFO com.acme.pay.Terminal",
    ],
};

/// The time, a class with its package, a method, and nothing more.
fn head(line: &[u8]) -> Option<Head<'_>> {
    let (time, used) = starts_with_time(line).or_else(|| chinese_month(line))?;
    let (class, rest) = word(skip_blanks(from(line, used)), 200)?;
    let (method, rest) = word(skip_blanks(rest), 120)?;
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'$' | b'_');
    let plain = class.first().is_some_and(u8::is_ascii_alphabetic)
        && memchr::memchr(b'.', class).is_some()
        && class.iter().all(name)
        && method
            .iter()
            .all(|b| name(b) || matches!(b, b'<' | b'>' | b'-'))
        && skip_blanks(rest).is_empty();
    plain.then_some(Head {
        time: Some(time),
        tag: class,
        ..Head::default()
    })
}

/// `三月 14, 2024 1:16:47 下午`: Java's date in Chinese.
fn chinese_month(line: &[u8]) -> Option<(crate::time::RawTime, usize)> {
    const NUMBERS: [&str; 12] = [
        "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二",
    ];
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let at = memchr::memmem::find(line.get(..9)?, "月".as_bytes())?;
    let number = line.get(..at)?;
    let month = NUMBERS.iter().position(|n| n.as_bytes() == number)?;
    let rest = from(line, at + 3);
    let mut english = Vec::with_capacity(64);
    english.extend_from_slice(NAMES.get(month)?.as_bytes());
    english.extend_from_slice(rest.get(..48).unwrap_or(rest));
    let (raw, used) = crate::time::month_name_first(&english)?;
    Some((raw, at + used))
}

/// `SEVERE: text` on the second line.
fn within<'a>(_record: &'a [u8], line: &'a [u8], head: Head<'a>) -> (Head<'a>, &'a [u8]) {
    let colon = memchr::memchr(b':', line.get(..24).unwrap_or(line));
    if let Some(at) = colon
        && let Some(level) = line.get(..at).and_then(level_from_word)
    {
        return (Head { level, ..head }, skip_blanks(from(line, at + 1)));
    }
    (head, line)
}
