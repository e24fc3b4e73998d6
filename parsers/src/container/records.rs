//! Cuts a block into records and lines, and finds where a block may be cut.

use super::scan::{from, to, trim_line};
use super::{Head, LogFormat, Record};

/// Bounds of what one record may hold.
#[derive(Debug, Clone, Copy)]
pub struct TextLimits {
    /// Bytes of one physical line; the rest up to the line end is counted and left out.
    pub line_bytes: usize,
    /// Lines of one record.
    pub record_lines: usize,
    /// Bytes of one record.
    pub record_bytes: usize,
}

impl Default for TextLimits {
    fn default() -> Self {
        Self {
            line_bytes: 1 << 20,
            record_lines: 4096,
            record_bytes: 4 << 20,
        }
    }
}

/// Physical lines with their ends, and the offset of each.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    block: &'a [u8],
    at: usize,
}

/// The physical lines of a block.
#[must_use]
pub const fn lines(block: &[u8]) -> Lines<'_> {
    Lines { block, at: 0 }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.block.get(self.at..).filter(|r| !r.is_empty())?;
        let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
        let offset = self.at;
        self.at += len;
        Some((offset, to(rest, len)))
    }
}

/// Start of the line that holds the byte at `at`.
#[must_use]
pub fn line_start(block: &[u8], at: usize) -> usize {
    memchr::memrchr(b'\n', to(block, at)).map_or(0, |n| n + 1)
}

/// End of the line that holds the byte at `at`, its line end included.
#[must_use]
pub fn line_end(block: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', from(block, at)).map_or(block.len(), |n| at + n + 1)
}

/// The records of a block, one after the other.
pub struct Records<'a> {
    format: &'static LogFormat,
    limits: TextLimits,
    lines: Lines<'a>,
    block: &'a [u8],
    /// The line that begins the next record, and whether it has a head.
    pending: Option<(usize, &'a [u8], bool)>,
    line: u32,
}

/// Cuts a block into records. The block should begin at a record's start, as [`split_point`] finds it.
#[must_use]
pub fn records<'a>(format: &'static LogFormat, block: &'a [u8], limits: TextLimits) -> Records<'a> {
    let mut lines = lines(block);
    let pending = lines.next().map(|(at, line)| {
        let seen = trim_line(to(line, limits.line_bytes));
        (at, line, format.is_head(seen))
    });
    Records {
        format,
        limits,
        lines,
        block,
        pending,
        line: 0,
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (offset, first, has_head) = self.pending.take()?;
        let shown = trim_line(to(first, self.limits.line_bytes));
        let mut end = offset + first.len();
        let mut count = 1_u32;
        let mut cut_record = false;
        let mut cut_rest = 0_usize;
        let mut ended = self.format.ends(shown);
        let mut after_end = false;
        for (at, line) in self.lines.by_ref() {
            let seen = trim_line(to(line, self.limits.line_bytes));
            let begins = self.format.is_head(seen);
            if ended && !begins {
                // Blank lines behind an end belong to it; anything else stands by itself.
                after_end = !seen.trim_ascii().is_empty();
            }
            let full = count as usize >= self.limits.record_lines
                || end - offset + line.len() > self.limits.record_bytes;
            if begins || after_end || full {
                cut_record = full && !begins && !after_end;
                self.pending = Some((at, line, begins));
                break;
            }
            ended = ended || self.format.ends(seen);
            end = at + line.len();
            count += 1;
            cut_rest += line.len().saturating_sub(self.limits.line_bytes);
        }
        let head = if has_head {
            self.format
                .head(shown)
                .or_else(|| super::text::timed_head(shown))
                .unwrap_or(Head {
                    message: shown,
                    ..Head::default()
                })
        } else {
            // A stranger among this format's lines (another log mixed in) may still tell its time.
            super::unwrap(shown).map_or(
                Head {
                    message: shown,
                    ..Head::default()
                },
                |(_, head)| head,
            )
        };
        let line = self.line;
        self.line = self.line.saturating_add(count);
        let rest_at = offset + first.len();
        Some(Record {
            offset,
            len: end - offset,
            line,
            lines: count,
            head,
            rest: self.block.get(rest_at..end).unwrap_or_default(),
            has_head,
            cut_bytes: cut_rest + first.len().saturating_sub(self.limits.line_bytes),
            cut_record: cut_record && self.format.specificity > 0,
        })
    }
}

/// How many records and lines a block holds, without parsing them. Limits are not looked at.
#[must_use]
pub fn count(format: &'static LogFormat, block: &[u8]) -> (u64, u64) {
    let mut records = 0_u64;
    let mut all = 0_u64;
    let mut at = 0;
    while at < block.len() {
        // Blank lines begin no record of any format: a file may hold millions of them.
        let blank = blank_run(from(block, at));
        if blank.1 > 0 {
            at += blank.0;
            all += blank.1;
            continue;
        }
        let end = line_end(block, at);
        all += 1;
        let line = block.get(at..end).unwrap_or_default();
        records += u64::from(format.is_head(trim_line(line)));
        at = end;
    }
    (records, all)
}

/// Bytes and lines of the blank lines at the front: nothing but blanks before their end.
fn blank_run(text: &[u8]) -> (usize, u64) {
    let (mut done, mut lines) = (0, 0);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\n' => {
                done = at + 1;
                lines += 1;
            }
            b' ' | b'\t' | b'\r' => {}
            _ => break,
        }
    }
    (done, lines)
}

/// The last record border in a block: everything before it is whole records, what follows may go on in the next block.
/// Zero where there is none.
#[must_use]
pub fn split_point(format: &'static LogFormat, block: &[u8]) -> usize {
    let mut end = match block.last() {
        Some(b'\n') => block.len(),
        _ => line_start(block, block.len()),
    };
    // The last whole line may be followed by continuation lines: go back to the line that begins its record.
    while end > 0 {
        // Blank lines are passed over byte by byte: looking for the start of each would cost more.
        let blank = to(block, end)
            .iter()
            .rev()
            .take_while(|b| matches!(b, b'\n' | b'\r' | b' ' | b'\t'))
            .count();
        if blank > 2 {
            if blank == end {
                return 0;
            }
            end = line_end(block, end - blank);
        }
        let start = line_start(block, end - 1);
        let line = block.get(start..end).unwrap_or_default();
        if format.is_head(trim_line(line)) {
            return start;
        }
        end = start;
    }
    0
}

/// The bytes of the record that holds the byte at `at`, going back and forward at most to the limits, and never back before `floor`:
/// for drivers that look for anchors first and parse only what they hit, with the end of the record before as the floor.
#[must_use]
pub fn record_around(
    format: &'static LogFormat,
    block: &[u8],
    at: usize,
    floor: usize,
    limits: TextLimits,
) -> std::ops::Range<usize> {
    let line_at = |start: usize, end: usize| {
        trim_line(to(
            block.get(start..end).unwrap_or_default(),
            limits.line_bytes,
        ))
    };
    let mut start = line_start(block, at).max(floor);
    let mut end = line_end(block, at);
    let mut next = end;
    let mut back = 0;
    while start > floor && back < limits.record_lines && !format.is_head(line_at(start, next)) {
        let before = line_start(block, start - 1).max(floor);
        if format.ends(line_at(before, start)) {
            break;
        }
        next = start;
        start = before;
        back += 1;
    }
    let mut ended = format.ends(line_at(line_start(block, at).max(floor), end));
    let mut forward = 0;
    while end < block.len()
        && !ended
        && forward < limits.record_lines
        && end - start < limits.record_bytes
    {
        let next = line_end(block, end);
        let line = line_at(end, next);
        if format.is_head(line) {
            break;
        }
        ended = format.ends(line);
        end = next;
        forward += 1;
    }
    start..end
}
