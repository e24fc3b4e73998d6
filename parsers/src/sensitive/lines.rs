//! Finds card data that is split over lines: numbers that go on in the next line, and rows of a hex dump.

use super::Span;
use super::renderings::Reading;

/// Bytes of a row of a dump.
const COLUMNS: usize = 32;

/// Adds what is to be hidden where lines are read as one.
pub(super) fn in_text(text: &[u8], found: &mut Vec<Span>) {
    joined(text, found);
    dumps(text, found);
}

/// Reads lines that end and go on with a digit as one: once without anything between, once with a blank.
fn joined(text: &[u8], found: &mut Vec<Span>) {
    let mut breaks: Vec<Span> = Vec::new();
    for at in memchr::memchr_iter(b'\n', text) {
        let head = text.get(..at).unwrap_or_default();
        let blanks = head
            .iter()
            .rev()
            .take_while(|b| matches!(b, b'\r' | b' ' | b'\t'))
            .count();
        let start = at - blanks;
        let rest = text.get(at + 1..).unwrap_or_default();
        let indent = rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        let rest = rest.get(indent..).unwrap_or_default();
        let ends = start
            .checked_sub(1)
            .and_then(|last| text.get(last))
            .is_some_and(u8::is_ascii_hexdigit);
        let goes_on = rest.first().is_some_and(u8::is_ascii_hexdigit) && !is_date(rest);
        if ends && goes_on {
            breaks.push(Span {
                start,
                end: at + 1 + indent,
            });
        }
    }
    if breaks.is_empty() {
        return;
    }
    for blank in [false, true] {
        let mut reading = Reading::default();
        let mut next = breaks.iter().peekable();
        let mut at = 0;
        while at < text.len() {
            if let Some(gap) = next.next_if(|gap| gap.start == at) {
                if blank {
                    reading.push(b' ', gap.start, gap.start);
                }
                at = gap.end;
                continue;
            }
            reading.push(text.get(at).copied().unwrap_or(b' '), at, at + 1);
            at += 1;
        }
        reading.as_text(true, found);
    }
}

/// `2026-08-22`, `08-22 10:00`, `10:00:01`: a line that begins like this begins a record.
fn is_date(line: &[u8]) -> bool {
    let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
    let then = |n: usize| line.get(n).copied().unwrap_or(0);
    matches!(digits, 2 | 4)
        && matches!(then(digits), b'-' | b'/' | b'.' | b':')
        && then(digits + 1).is_ascii_digit()
        && then(digits + 2).is_ascii_digit()
        && !then(digits + 3).is_ascii_digit()
}

/// One row of a hex dump.
struct Row {
    /// Places of the high and the low half of each byte.
    bytes: Vec<(usize, usize)>,
    /// Where the column of characters stands, if there is one.
    characters: Option<usize>,
}

/// Rows that follow each other are one byte string, and their character columns one text.
fn dumps(text: &[u8], found: &mut Vec<Span>) {
    let mut rows: Vec<Row> = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text).chain([text.len()]) {
        let row = text.get(start..end).and_then(|line| row(line, start));
        let full = row.as_ref().is_some_and(|row| row.bytes.len() >= 8);
        match row {
            Some(row) => {
                rows.push(row);
                if !full {
                    close(text, &mut rows, found);
                }
            }
            None => close(text, &mut rows, found),
        }
        start = end + 1;
    }
    close(text, &mut rows, found);
}

fn close(text: &[u8], rows: &mut Vec<Row>, found: &mut Vec<Span>) {
    if rows.len() > 1 {
        let value = |at: usize| {
            let digit = text.get(at).map(|b| char::from(*b));
            digit.and_then(|c| c.to_digit(16)).unwrap_or(0) as u8
        };
        let mut whole = Reading::default();
        let mut characters = Reading::default();
        for row in rows.iter() {
            for (high, low) in &row.bytes {
                whole.push(value(*high) << 4 | value(*low), *high, *low + 1);
            }
            if let Some(column) = row.characters {
                for at in column..column + row.bytes.len() {
                    let b = text.get(at).copied().unwrap_or(b'\n');
                    if b == b'\n' {
                        break;
                    }
                    characters.push(b, at, at + 1);
                }
            }
        }
        whole.as_bytes(found);
        characters.as_text(false, found);
    }
    rows.clear();
}

/// Reads a row: an offset (or a log line's head before it), then bytes in pairs or in groups of whole bytes.
fn row(line: &[u8], base: usize) -> Option<Row> {
    if line.len() < 8 {
        return None;
    }
    let first = line.iter().take_while(|b| **b == b' ').count();
    row_at(line, first, base).or_else(|| {
        // Behind the head of a log line, or behind a label.
        let colon = memchr::memmem::rfind(line, b": ")?;
        row_at(line, colon + 2, base)
    })
}

fn row_at(line: &[u8], start: usize, base: usize) -> Option<Row> {
    let word = |at: usize| {
        line.get(at..).map_or(0, |rest| {
            rest.iter().take_while(|b| b.is_ascii_hexdigit()).count()
        })
    };
    let byte = |at: usize| line.get(at).copied().unwrap_or(b' ');
    let blanks = |at: usize| {
        line.get(at..)
            .map_or(0, |rest| rest.iter().take_while(|b| **b == b' ').count())
    };
    let mut at = start + blanks(start);
    let offset = word(at);
    // An offset of four to eight digits, with a colon or two blanks behind, or of three digits or more than the groups have.
    if offset >= 3 {
        let behind = at + offset;
        let colon = usize::from(byte(behind) == b':' || byte(behind) == b'|');
        let gap = blanks(behind + colon);
        let group = word(behind + colon + gap);
        if gap > 0 && (colon == 1 || gap > 1 || group == 2) {
            at = behind + colon + gap;
        }
    }
    let mut bytes = Vec::new();
    loop {
        let length = word(at);
        let ends = !byte(at + length).is_ascii_alphanumeric();
        if length == 0 || length % 2 == 1 || length > 8 || !ends {
            break;
        }
        if bytes.len() + length / 2 > COLUMNS {
            break;
        }
        bytes.extend((0..length / 2).map(|n| (base + at + 2 * n, base + at + 2 * n + 1)));
        at += length;
        let gap = blanks(at);
        // Eight and eight may stand apart; more than two blanks begin the characters.
        if gap == 0 || gap > 2 {
            break;
        }
        at += gap;
        if byte(at) == b'|' {
            break;
        }
    }
    if bytes.len() < 4 {
        return None;
    }
    let column = at + blanks(at);
    let column = column + usize::from(byte(column) == b'|');
    Some(Row {
        characters: (column < line.len()).then_some(base + column),
        bytes,
    })
}
