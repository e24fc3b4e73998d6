//! Small steps that the formats share: words, brackets, levels, line trimming.

use super::Level;

/// The line without its end, without a byte order mark, and without the NUL padding that a power loss leaves before it.
#[must_use]
pub fn trim_line(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.first() == Some(&0) {
        let from = line.iter().position(|b| *b != 0).unwrap_or(line.len());
        line = line.get(from..).unwrap_or_default();
    }
    line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
}

pub(super) fn from(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

pub(super) fn to(bytes: &[u8], end: usize) -> &[u8] {
    bytes.get(..end).unwrap_or(bytes)
}

pub(super) fn skip_blanks(bytes: &[u8]) -> &[u8] {
    let n = bytes
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    from(bytes, n)
}

pub(super) fn trim_end(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_end()
}

/// The next word up to a blank (at most `most` bytes), and what follows it.
pub(super) fn word(bytes: &[u8], most: usize) -> Option<(&[u8], &[u8])> {
    let n = bytes
        .iter()
        .take(most + 1)
        .take_while(|b| !matches!(b, b' ' | b'\t'))
        .count();
    (1..=most)
        .contains(&n)
        .then(|| (to(bytes, n), from(bytes, n)))
}

/// A number: the next digits, and what follows them.
pub(super) fn digits(bytes: &[u8], most: usize) -> Option<(&[u8], &[u8])> {
    let n = bytes
        .iter()
        .take(most + 1)
        .take_while(|b| b.is_ascii_digit())
        .count();
    (1..=most)
        .contains(&n)
        .then(|| (to(bytes, n), from(bytes, n)))
}

/// What stands between `open` (the first byte) and the next `close`, within `most` bytes, and what follows.
pub(super) fn bracketed(bytes: &[u8], open: u8, close: u8, most: usize) -> Option<(&[u8], &[u8])> {
    if bytes.first() != Some(&open) {
        return None;
    }
    let inner = from(bytes, 1);
    let n = memchr::memchr(close, to(inner, most))?;
    Some((to(inner, n), from(inner, n + 1)))
}

/// Position of `: ` within the first `most` bytes.
pub(super) fn find_colon_blank(bytes: &[u8], most: usize) -> Option<usize> {
    let window = to(bytes, most);
    memchr::memchr_iter(b':', window).find(|at| window.get(at + 1) == Some(&b' '))
}

/// Position of a short literal within the first `most` bytes.
pub(super) fn find(bytes: &[u8], literal: &[u8], most: usize) -> Option<usize> {
    memchr::memmem::find(to(bytes, most), literal)
}

pub(super) fn all_digits(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
}

/// A level as loggers spell it, in any case, with `:` or `,` behind it or not.
#[must_use]
pub fn level_from_word(word: &[u8]) -> Option<Level> {
    let word = word
        .strip_suffix(b":")
        .or_else(|| word.strip_suffix(b","))
        .unwrap_or(word)
        .trim_ascii();
    if !(2..=12).contains(&word.len()) {
        return None;
    }
    const NAMES: &[(&[u8], Level)] = &[
        (b"INFO", Level::Info),
        (b"DEBUG", Level::Debug),
        (b"WARN", Level::Warning),
        (b"ERROR", Level::Error),
        (b"TRACE", Level::Debug),
        (b"VERBOSE", Level::Debug),
        (b"WARNING", Level::Warning),
        (b"FATAL", Level::Error),
        (b"DBG", Level::Debug),
        (b"INF", Level::Info),
        (b"WRN", Level::Warning),
        (b"ERR", Level::Error),
        (b"FTL", Level::Error),
        (b"VRB", Level::Debug),
        (b"TRC", Level::Debug),
        (b"INFORMATION", Level::Info),
        (b"NOTICE", Level::Info),
        (b"CONFIG", Level::Info),
        (b"FINE", Level::Debug),
        (b"FINER", Level::Debug),
        (b"FINEST", Level::Debug),
        (b"SEVERE", Level::Error),
        (b"CRITICAL", Level::Error),
        (b"CRIT", Level::Error),
        (b"ALERT", Level::Error),
        (b"EMERG", Level::Error),
        (b"PANIC", Level::Error),
        ("调试".as_bytes(), Level::Debug),
        ("信息".as_bytes(), Level::Info),
        ("警告".as_bytes(), Level::Warning),
        ("错误".as_bytes(), Level::Error),
    ];
    NAMES
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name))
        .map(|(_, level)| *level)
}

/// Android's one-letter priorities (`android/log.h`).
pub(super) fn level_from_letter(letter: u8) -> Option<Level> {
    match letter {
        b'V' | b'D' => Some(Level::Debug),
        b'I' => Some(Level::Info),
        b'W' => Some(Level::Warning),
        b'E' | b'F' | b'A' => Some(Level::Error),
        b'S' => Some(Level::Unknown),
        _ => None,
    }
}

/// The severity part of a syslog priority (RFC 5424, table 2).
pub(super) fn level_from_severity(severity: u16) -> Level {
    match severity {
        0..=3 => Level::Error,
        4 => Level::Warning,
        5 | 6 => Level::Info,
        _ => Level::Debug,
    }
}

/// `<PRI>`: facility and severity in one number up to 191, and what follows.
pub(super) fn priority(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bracketed(bytes, b'<', b'>', 5)?;
    if !all_digits(number) || number.len() > 3 {
        return None;
    }
    let value = number
        .iter()
        .fold(0_u16, |v, b| v * 10 + u16::from(b - b'0'));
    (value <= 191).then_some((value, rest))
}
