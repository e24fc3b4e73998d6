//! Android logcat in all its layouts, also mixed in one file.

use super::scan::{
    bracketed, digits, find_colon_blank, from, level_from_letter, level_from_word, skip_blanks, to,
    trim_end, word,
};
use super::{Head, Level, LogFormat, never};
use crate::time::{self, RawTime};

/// logcat.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "logcat",
    title: "Android logcat: threadtime, time, brief, tag, long, Eclipse, Studio, with year, zone, µs, epoch or monotonic times",
    spec: "AOSP system/logging liblog/logprint.cpp; Android Studio's Logcat window",
    specificity: 8,
    is_head,
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "07-15 10:56:49.152   889  6213 D NxpNciR : len =   6 > 600603010001",
        "08-29 03:02:34.760     0     0 E nfc nRead: CORE_SET_CONFIG_RSP                4002020000",
        "2024-07-15 10:56:49.152 +0800   889  6213 D NxpNciR : len =   6 > 600603010001",
        "07-15 10:56:49.152345   889  6213 D NxpNciR : x",
        "1531234567.123   889  6213 I Tag: x",
        "   123.456   889  6213 I Tag: x",
        "07-15 10:56:49.152  1000   889  6213 D NxpNciR : with uid",
        "04-05 08:16:38.504 V/PPHSDK( 5053): text",
        "D/UsbRequestJNI( 812): init",
        "I/flutter ( 5239): text",
        "[ 07-15 10:56:49.152   889: 6213 D/NxpNciR ]",
        "04-05 08:16:38.504: ERROR/NFC(704): text",
        "2021-03-04 10:11:12.131 1234-1250/com.acme.pay E/PaySdk: text",
        "03-04 10:11:12.131 1234-1250/? E/PaySdk: text",
        "2023-03-04 10:11:12.131  1234-1250  PaySdk                  com.acme.pay                         E  text",
        "10:11:12.131  1234-1250  PaySdk                  com.acme.pay                         E  text",
        "--------- beginning of main",
    ],
    counter_samples: &[
        "07-15 10:56:49.152 text without a tag",
        "2024-03-14 13:16:47.974 DEBUG {main} [001] [Tracer] COMMON    --- x",
        "I am a sentence: yes",
        "Jun 14 15:16:01 combo sshd[19939]: x",
        "    at com.acme.Pay.main(Pay.java:3)",
        "A/B testing",
        "[main] text",
    ],
};

/// Cheap for the layouts that make up volume; the rarer ones are parsed.
fn is_head(line: &[u8]) -> bool {
    match line.first() {
        Some(b'0'..=b'9') => {
            if let Some(h) = line.first_chunk::<15>()
                && h[2] == b'-'
            {
                return h[5] == b' ' && h[8] == b':' && h[11] == b':' && h[14] == b'.';
            }
            year_shape(line) || head(line).is_some()
        }
        Some(b'[' | b' ' | b'-') => head(line).is_some(),
        Some(letter) if level_from_letter(*letter).is_some() => {
            line.get(1) == Some(&b'/') && head(line).is_some()
        }
        _ => false,
    }
}

pub(super) fn head(line: &[u8]) -> Option<Head<'_>> {
    match line.first()? {
        b'0'..=b'9' => {
            let (raw, used) = stamp(line)?;
            after_time(from(line, used), raw)
        }
        b' ' => {
            // Only the monotonic clock is padded.
            let (raw, used) = time::uptime(line)?;
            threadtime(from(line, used), raw)
        }
        b'[' => long(line),
        b'-' => line
            .starts_with(b"--------- beginning of ")
            .then_some(Head {
                message: line,
                ..Head::default()
            }),
        _ if line.get(1) == Some(&b'/') => brief(line),
        _ => None,
    }
}

/// `YYYY-MM-DD hh:mm:ss.`, whatever the digits.
fn year_shape(line: &[u8]) -> bool {
    line.first_chunk::<20>().is_some_and(|h| {
        h[4] == b'-'
            && h[7] == b'-'
            && h[10] == b' '
            && h[13] == b':'
            && h[16] == b':'
            && h[19] == b'.'
    })
}

fn stamp(line: &[u8]) -> Option<(RawTime, usize)> {
    match (line.get(2), line.get(4)) {
        (Some(b'-'), _) => time::logcat(line),
        (_, Some(b'-')) => {
            // logcat always writes a blank between date and time, and a dot before the fraction.
            year_shape(line).then(|| time::iso(line))?
        }
        (Some(b':'), _) => time::clock_only_with_millis(line),
        _ => time::epoch(line).or_else(|| time::uptime(line)),
    }
}

fn after_time(rest: &[u8], raw: RawTime) -> Option<Head<'_>> {
    if let Some(eclipse) = rest.strip_prefix(b": ") {
        let mut head = brief(eclipse)?;
        head.time = Some(raw);
        return Some(head);
    }
    if rest.first() != Some(&b' ') {
        return None;
    }
    let inner = skip_blanks(rest);
    if inner.first().is_some_and(u8::is_ascii_alphabetic) && inner.get(1) == Some(&b'/') {
        let mut head = brief(inner)?;
        head.time = Some(raw);
        return Some(head);
    }
    threadtime(rest, raw).or_else(|| studio(inner, raw))
}

/// ` pid tid P TAG: text`, with an optional uid before the pid.
fn threadtime(rest: &[u8], raw: RawTime) -> Option<Head<'_>> {
    let (first, rest) = word(skip_blanks(rest), 24)?;
    let (second, rest) = digits(skip_blanks(rest), 10)?;
    let rest = skip_blanks(rest);
    let (process, thread, rest) = if level_and_rest(rest).is_some() {
        (first, second, rest)
    } else {
        let (third, rest) = digits(rest, 10)?;
        (second, third, skip_blanks(rest))
    };
    let (level, rest) = level_and_rest(rest)?;
    if !process.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (tag, message) = tag_and_message(rest);
    Some(Head {
        time: Some(raw),
        process,
        thread,
        tag,
        level,
        message,
        ..Head::default()
    })
}

fn level_and_rest(rest: &[u8]) -> Option<(Level, &[u8])> {
    let level = level_from_letter(*rest.first()?)?;
    (rest.get(1) == Some(&b' ')).then(|| (level, from(rest, 2)))
}

/// The tag ends at the first `: `; a tag may hold blanks, and a kernel tag (`nfc nRead:`) has none of the padding.
fn tag_and_message(rest: &[u8]) -> (&[u8], &[u8]) {
    let at = match find_colon_blank(rest, 256) {
        Some(at) => at,
        None if rest.ends_with(b":") => rest.len() - 1,
        // A kernel line without a tag, or an empty message whose blank was trimmed.
        None => memchr::memchr(b':', to(rest, 128)).unwrap_or(0),
    };
    let message = from(rest, at);
    let message = message.strip_prefix(b":").unwrap_or(message);
    (
        trim_end(to(rest, at)),
        message.strip_prefix(b" ").unwrap_or(message),
    )
}

/// `P/TAG( pid): text` and `P/TAG: text`; Eclipse spells the level out.
fn brief(line: &[u8]) -> Option<Head<'_>> {
    let slash = memchr::memchr(b'/', to(line, 8))?;
    let level = match to(line, slash) {
        [letter] => level_from_letter(*letter)?,
        name => level_from_word(name)?,
    };
    let rest = from(line, slash + 1);
    if let Some(open) = memchr::memchr(b'(', to(rest, 128))
        && let Some((inside, after)) = bracketed(from(rest, open), b'(', b')', 12)
    {
        let process = inside.trim_ascii();
        if let (true, Some(message)) = (super::scan::all_digits(process), after.strip_prefix(b":"))
        {
            return Some(Head {
                process,
                tag: trim_end(to(rest, open)),
                level,
                message: message.strip_prefix(b" ").unwrap_or(message),
                ..Head::default()
            });
        }
    }
    let at = find_colon_blank(rest, 80)?;
    let tag = to(rest, at);
    (!tag.is_empty() && !tag.contains(&b' ')).then(|| Head {
        tag,
        level,
        message: from(rest, at + 2),
        ..Head::default()
    })
}

/// `[ MM-DD hh:mm:ss.mmm pid: tid P/TAG ]`: the message follows on the next lines.
fn long(line: &[u8]) -> Option<Head<'_>> {
    let inner = line.strip_prefix(b"[ ")?.trim_ascii_end();
    let inner = inner.strip_suffix(b" ]")?;
    let (raw, used) = match inner.first()? {
        b' ' => time::uptime(inner)?,
        _ => stamp(inner)?,
    };
    let (process, rest) = digits(skip_blanks(from(inner, used)), 10)?;
    let (thread, rest) = word(skip_blanks(rest.strip_prefix(b":")?), 12)?;
    let rest = skip_blanks(rest);
    let level = level_from_letter(*rest.first()?)?;
    let tag = from(rest, 1).strip_prefix(b"/")?;
    Some(Head {
        time: Some(raw),
        process,
        thread,
        tag: trim_end(tag),
        level,
        ..Head::default()
    })
}

/// `pid-tid/package P/TAG: text` (old Studio), `pid-tid  TAG  package  P  text` (new Studio).
fn studio(rest: &[u8], raw: RawTime) -> Option<Head<'_>> {
    let (process, after) = digits(rest, 10)?;
    let (thread, after) = digits(after.strip_prefix(b"-")?, 10)?;
    if let Some(after) = after.strip_prefix(b"/") {
        let (_package, after) = word(after, 160)?;
        let mut head = brief(skip_blanks(after))?;
        head.time = Some(raw);
        head.process = process;
        head.thread = thread;
        return Some(head);
    }
    // Columns are padded; a tag of 23 characters leaves one blank only. The level stands alone behind the package.
    let columns = skip_blanks(after);
    let mut rest = columns;
    let mut before: Option<(&[u8], usize)> = None;
    for _ in 0..12 {
        let (name, after) = word(rest, 160)?;
        if let (Some((level, next)), Some((package, gap))) = (level_and_rest(rest), before)
            && (gap > 1 || next.starts_with(b" ") || memchr::memchr(b'.', package).is_some())
        {
            let package_at = columns.len() - rest.len() - gap - package.len();
            return Some(Head {
                time: Some(raw),
                process,
                thread,
                tag: trim_end(to(columns, package_at)),
                level,
                message: skip_blanks(next),
                ..Head::default()
            });
        }
        rest = skip_blanks(after);
        before = Some((name, after.len() - rest.len()));
    }
    None
}
