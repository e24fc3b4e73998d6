//! Reads the lines around a place of a text.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};

use super::{Shown, mask};
use crate::decode::encoding::{Encoding, decode_line};
use crate::parse::edge::Edge;

/// Bytes of a line that are kept; more is not shown.
const LINE_BYTES: usize = 64 << 10;
/// Lines beyond the shown ones that are masked together with them.
const BESIDE: u64 = 4;
/// Lines that are shown at most.
const MOST: u64 = 2000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineShown {
    pub number: u64,
    /// Masked, free of control characters.
    pub text: String,
    /// One of those that were asked for.
    pub cited: bool,
}

pub(super) fn read(
    reader: &mut dyn Read,
    encoding: Encoding,
    (from, to): (u64, u64),
    context: u64,
    edge: &Edge,
) -> Shown {
    let to = to.min(from.saturating_add(MOST));
    let context = context.min(MOST);
    let first = from.saturating_sub(context).max(1);
    let last = to.saturating_add(context);
    let mut reader = BufReader::with_capacity(1 << 18, reader);
    let mut kept: VecDeque<(u64, String)> = VecDeque::new();
    let mut number = 0;
    loop {
        number += 1;
        let wanted = number + BESIDE >= first && number <= last + BESIDE;
        if number > last + BESIDE {
            break;
        }
        let Some(line) = next_line(&mut reader, wanted) else {
            break;
        };
        if wanted {
            let line = decode_line(&line, encoding);
            kept.push_back((number, line.trim_end_matches(['\r', '\n']).to_owned()));
        }
    }
    if number <= from {
        return Shown::Behind(number - 1);
    }
    let (numbers, raw): (Vec<u64>, Vec<String>) = kept.into_iter().unzip();
    let lines = numbers
        .into_iter()
        .zip(mask::lines(&raw, edge))
        .filter(|(number, _)| (first..=last).contains(number))
        .map(|(number, text)| LineShown {
            number,
            text,
            cited: (from..=to).contains(&number),
        })
        .collect();
    Shown::Lines(lines)
}

/// The next line without more than it may hold; `None` at the end or where reading fails.
fn next_line(reader: &mut BufReader<&mut dyn Read>, wanted: bool) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let mut any = false;
    loop {
        let bytes = reader.fill_buf().ok()?;
        if bytes.is_empty() {
            return any.then_some(line);
        }
        any = true;
        let end = memchr::memchr(b'\n', bytes);
        let length = end.map_or(bytes.len(), |end| end + 1);
        if wanted {
            let room = LINE_BYTES.saturating_sub(line.len());
            line.extend_from_slice(bytes.get(..length.min(room)).unwrap_or_default());
        }
        reader.consume(length);
        if end.is_some() {
            return Some(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Shown, read};
    use crate::decode::encoding::Encoding;
    use crate::parse::edge::Edge;

    fn numbers(text: &str, wanted: (u64, u64), context: u64) -> Result<Vec<(u64, bool)>, u64> {
        let edge = Edge::new(None);
        match read(&mut text.as_bytes(), Encoding::Utf8, wanted, context, &edge) {
            Shown::Lines(lines) => Ok(lines.iter().map(|l| (l.number, l.cited)).collect()),
            Shown::Behind(lines) => Err(lines),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_lines_around_a_place() {
        let text = "a\nb\nc\nd\ne";
        assert_eq!(
            numbers(text, (3, 3), 1),
            Ok(vec![(2, false), (3, true), (4, false)])
        );
        assert_eq!(numbers(text, (1, 1), 0), Ok(vec![(1, true)]));
        assert_eq!(numbers(text, (5, 5), 9).map(|l| l.len()), Ok(5));
        assert_eq!(numbers(text, (6, 6), 1), Err(5));
        assert_eq!(numbers("", (1, 1), 1), Err(0));
    }
}
