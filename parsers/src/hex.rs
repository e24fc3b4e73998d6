//! Turns hex in all the dress that logs give it into bytes: blanks, colons, dashes, commas, `0x`, upper and lower case, or nothing between.

/// A run of hex found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Offset of its first character.
    pub start: usize,
    /// Offset behind its last digit.
    pub end: usize,
    /// How many bytes it stands for.
    pub bytes: usize,
}

/// Value of one hex digit.
#[must_use]
pub const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Stands for what is no digit.
const NONE: u8 = 0xFF;

/// The value of every byte as a digit.
static VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut digit = 0_u8;
    loop {
        if let Some(value) = nibble(digit) {
            // A constant: it is worked out by the compiler, and the index fits.
            #[allow(clippy::indexing_slicing, reason = "every byte has its place")]
            {
                values[digit as usize] = value;
            }
        }
        if digit == u8::MAX {
            break;
        }
        digit += 1;
    }
    values
};

#[inline]
fn value(digit: u8) -> u8 {
    VALUES.get(usize::from(digit)).copied().unwrap_or(NONE)
}

/// The byte that two digits stand for.
#[inline]
fn pair(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (value(high), value(low));
    ((high | low) < 16).then_some(high << 4 | low)
}

fn at(text: &[u8], index: usize) -> Option<u8> {
    text.get(index).copied()
}

fn digits_from(text: &[u8], start: usize) -> usize {
    text.get(start..).map_or(0, |rest| {
        rest.iter()
            .position(|b| value(*b) == NONE)
            .unwrap_or(rest.len())
    })
}

/// Length of what may stand between two bytes: one to four blanks, or one colon or dash, or a comma with blanks. `None` where the run ends.
fn separator(text: &[u8], start: usize) -> Option<usize> {
    match at(text, start)? {
        b':' | b'-' => Some(1),
        b',' => Some(1 + blanks(text, start + 1)),
        // A wide gap separates columns, not bytes.
        b' ' | b'\t' => Some(blanks(text, start)).filter(|n| *n <= 4),
        _ => None,
    }
}

fn blanks(text: &[u8], start: usize) -> usize {
    text.get(start..).map_or(0, |rest| {
        rest.iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count()
    })
}

/// Appends the bytes of the run of hex that begins at `start`; returns the offset behind it (`start` where there is none).
///
/// A token is an even number of hex digits, bounded by characters that are not letters or digits; at most `limit` bytes are read.
pub fn decode_run(text: &[u8], start: usize, limit: usize, out: &mut Vec<u8>) -> usize {
    let mut cursor = start;
    let mut end = start;
    let mut taken = 0;
    loop {
        // Pairs with one blank between, as most tools write them.
        let mut used = 0;
        if let Some([_, _, b' ', _, _, b' ', ..]) = text.get(cursor..) {
            out.reserve(
                ((text.len() - cursor) / 3)
                    .min(limit.saturating_sub(taken))
                    .min(512),
            );
        }
        for three in text.get(cursor..).unwrap_or_default().chunks_exact(3) {
            let [high, low, b' '] = three else { break };
            let Some(byte) = pair(*high, *low).filter(|_| taken < limit) else {
                break;
            };
            out.push(byte);
            taken += 1;
            used += 3;
        }
        if used > 0 {
            end = cursor + used - 1;
            match separator(text, end) {
                Some(gap) => cursor = end + gap,
                None => return end,
            }
        }
        let mut token = cursor;
        let prefixed = at(text, token) == Some(b'0')
            && matches!(at(text, token + 1), Some(b'x' | b'X'))
            && at(text, token + 2).is_some_and(|b| nibble(b).is_some());
        if prefixed {
            token += 2;
        }
        let digits = digits_from(text, token);
        let after = at(text, token + digits);
        let bounded = after.is_none_or(|b| {
            !b.is_ascii_alphanumeric() && b != b'_' && b != b'.' || b == b'.' && digits > 2
        });
        if digits == 0 || digits % 2 == 1 || !bounded {
            return end;
        }
        if taken + digits / 2 > limit {
            return end;
        }
        let Some(run) = text.get(token..token + digits) else {
            return end;
        };
        // All of them are digits: their number is known, and nothing grows on the way.
        out.extend(
            run.as_chunks::<2>()
                .0
                .iter()
                .map(|[high, low]| value(*high) << 4 | value(*low)),
        );
        taken += digits / 2;
        end = token + digits;
        match separator(text, end) {
            Some(gap) if gap > 0 => cursor = end + gap,
            _ => return end,
        }
    }
}

/// As [`decode_run`], without keeping the bytes.
#[must_use]
pub fn measure_run(text: &[u8], start: usize) -> Area {
    let mut scratch = Vec::new();
    let end = decode_run(text, start, 4096, &mut scratch);
    Area {
        start,
        end,
        bytes: scratch.len(),
    }
}

/// The longest run of hex at or behind `from`.
#[must_use]
pub fn longest_run(text: &[u8], from: usize) -> Option<Area> {
    longest_run_into(text, from, &mut Vec::new())
}

/// As [`longest_run`], with its bytes.
pub fn longest_run_into(text: &[u8], from: usize, bytes: &mut Vec<u8>) -> Option<Area> {
    let mut best: Option<Area> = None;
    let mut index = from;
    let mut scratch = Vec::new();
    bytes.clear();
    if index > 0 && at(text, index - 1).is_some_and(|b| b.is_ascii_alphanumeric()) {
        index = word_end(text, index);
    }
    while let Some(start) = next_word(text, index) {
        index = start;
        let digits = digits_from(text, index);
        // An odd number of digits is no token, unless it is the zero of `0x`.
        let prefixed = digits == 1 && matches!(at(text, index + 1), Some(b'x' | b'X'));
        if digits == 0 || digits % 2 == 1 && !prefixed {
            index = word_end(text, index + digits);
            continue;
        }
        scratch.clear();
        let end = decode_run(text, index, 70_000, &mut scratch);
        if end == index {
            index = word_end(text, index);
            continue;
        }
        // Of two as long as each other the later: lengths and counters stand in front.
        if best.is_none_or(|b| scratch.len() >= b.bytes) {
            best = Some(Area {
                start: index,
                end,
                bytes: scratch.len(),
            });
            core::mem::swap(bytes, &mut scratch);
        }
        index = end.max(index + 1);
        if at(text, index - 1).is_some_and(|b| b.is_ascii_alphanumeric()) {
            index = word_end(text, index);
        }
    }
    best
}

/// Where the next letter or digit stands.
fn next_word(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.iter()
        .position(u8::is_ascii_alphanumeric)
        .map(|at| from + at)
}

/// Where the word that begins before `from` or at it ends.
fn word_end(text: &[u8], from: usize) -> usize {
    text.get(from..).map_or(from, |rest| {
        from + rest
            .iter()
            .position(|b| !b.is_ascii_alphanumeric())
            .unwrap_or(rest.len())
    })
}

/// All bytes of a text that is nothing but hex in some dress; `None` where anything else stands in it.
#[must_use]
pub fn decode_all(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let mut out = Vec::with_capacity(text.len() / 2);
    let end = decode_run(text, 0, 70_000, &mut out);
    (end == text.len() && !out.is_empty()).then_some(out)
}

/// One row of a hex dump, of any usual width: that of [`dump_line`], or up to 64 bytes with nothing behind them.
#[must_use]
pub fn dump_row(line: &[u8]) -> Option<(Option<usize>, Vec<u8>)> {
    let (offset, mut bytes) = dump_line(line, 16)?;
    let line = line.trim_ascii();
    // More than sixteen: pairs up to the end, each a space apart.
    if bytes.len() == 16 && line.len() > 17 * 3 - 1 {
        let skip = offset.map_or(0, |_| digits_from(line, 0));
        let row = line.get(skip..)?.trim_ascii_start();
        let row = row.strip_prefix(b":").unwrap_or(row).trim_ascii_start();
        let pairs = row.split(|b| *b == b' ');
        let wide: Option<Vec<u8>> = pairs
            .take(65)
            .map(|pair| match pair {
                [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
                _ => None,
            })
            .collect();
        if let Some(wide) = wide.filter(|wide| (17..=64).contains(&wide.len())) {
            bytes = wide;
        }
    }
    Some((offset, bytes))
}

/// One line of a hex dump: offset, up to 16 (or 32) bytes, and perhaps a column of characters. Gives the bytes.
///
/// `columns` bounds the bytes of a line, so that a character column that looks like hex is not read as such.
#[must_use]
pub fn dump_line(line: &[u8], columns: usize) -> Option<(Option<usize>, Vec<u8>)> {
    let line = line.trim_ascii();
    let first = digits_from(line, 0);
    let (offset, mut cursor) = if matches!(first, 4 | 6 | 8) {
        let value = line.get(..first)?.iter().fold(0_usize, |sum, digit| {
            sum << 4 | usize::from(nibble(*digit).unwrap_or(0))
        });
        let skip = line
            .get(first..)?
            .iter()
            .take_while(|b| matches!(b, b' ' | b':' | b'\t'))
            .count();
        if skip == 0 {
            return None;
        }
        (Some(value), first + skip)
    } else {
        (None, 0)
    };
    // Most lines are no rows: they end here, before anything is allocated.
    if !line
        .get(cursor..cursor + 2)?
        .iter()
        .all(|b| value(*b) != NONE)
    {
        return None;
    }
    let mut bytes = Vec::with_capacity(columns);
    while bytes.len() < columns {
        let [high, low] = line.get(cursor..cursor + 2)? else {
            return None;
        };
        let (Some(high), Some(low)) = (nibble(*high), nibble(*low)) else {
            break;
        };
        bytes.push(high << 4 | low);
        cursor += 2;
        match (at(line, cursor), at(line, cursor + 1)) {
            (None, _) => return Some((offset, bytes)),
            (Some(b' ' | b'-'), Some(b' ' | b'|'))
                if bytes.len() % 8 == 0
                    && at(line, cursor + 2).is_some_and(|b| nibble(b).is_some())
                    && at(line, cursor + 4).is_some_and(|b| b == b' ') =>
            {
                cursor += 2
            }
            (Some(b' ' | b'-' | b':'), Some(next)) if nibble(next).is_some() => cursor += 1,
            (Some(b' ' | b'\t' | b'|'), _) => break,
            _ => {
                // The character column began: this pair is part of it.
                bytes.pop();
                break;
            }
        }
        if line.len() < cursor + 2 {
            break;
        }
    }
    (!bytes.is_empty()).then_some((offset, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dress_gives_the_same_bytes() {
        for text in [
            "00A40400",
            "00a40400",
            "00 A4 04 00",
            "00:a4:04:00",
            "00-A4-04-00",
            "0x00, 0xA4, 0x04, 0x00",
            "0x00,0xA4,0x04,0x00",
            "00A4 0400",
            "  00  A4 04  00 ",
        ] {
            assert_eq!(
                decode_all(text.as_bytes()),
                Some(vec![0, 0xA4, 4, 0]),
                "{text}"
            );
        }
        for text in ["", "0", "00A", "00 A4 x", "Feb 12", "zz"] {
            assert_eq!(decode_all(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_longest_run_is_found() {
        let text = b"len = 16 > 00000D00A4040007A000000004101000 (ok)";
        let area = longest_run(text, 0).unwrap();
        assert_eq!((area.start, area.bytes), (11, 16));
        assert_eq!(longest_run(b"send nothing here", 0), None);
    }

    #[test]
    fn dump_lines_lose_offset_and_characters() {
        for (line, bytes) in [
            (
                "00000000  00 A4 04 00 0E 31 50 41 59 2E 53 59 53 2E 44 44  | .x |",
                16,
            ),
            (
                "00000010  46 30 31 00                                      | F01.             |",
                4,
            ),
            (
                "0000 6F 1C 84 07 A0 00 00 00 04 10 10 A5 11 50 0F 50 o............P.P",
                16,
            ),
            (
                "9F 7F 2A 47 90 50 37 16 71 92 59 48 04 10 46 95 ..*G.P7.q.YH..F.",
                16,
            ),
            (
                "91 00 00 00 74 00 00 00 00 00 00 00 00          ....t........",
                13,
            ),
            ("30 31 A5 45 BF 0C 42 61 10 4F 07 A0 00 00 00 42 AE 50", 16),
            ("00000010  46 30", 2),
        ] {
            assert_eq!(
                dump_line(line.as_bytes(), 16).unwrap().1.len(),
                bytes,
                "{line}"
            );
        }
        assert_eq!(dump_line(b"hello world", 16), None);
    }
}
