//! What stands on several lines: messages in XML and JSON, hex dumps, exceptions with their causes, messages that the logger cut.

use tapscope_parsers::container::Head;
use tapscope_parsers::content::{exception, iso_list};
use tapscope_parsers::hex;

use super::gather::{CUT_AT, Depth, Part, Writer};
use super::line::{self, Found};
use super::scan::Walk;
use super::shape::Line;

/// What several lines gave together.
pub(super) struct Spanned {
    /// What was found.
    pub found: Found,
    /// The lines that it took, in order.
    pub lines: Vec<(usize, usize)>,
}

/// Marks of JSON messages, one of which stands near their beginning.
const JSON_MARKS: &[&[u8]] = &[
    b"SaleToPOI",
    b"\"MessageCategory",
    b"\"MessageReference\"",
    b"\"EventToNotify",
    b"\\\"MessageCategory",
    b"\\\"EventToNotify",
];

/// Bytes of a row, where rows of a dump do not begin with their offset.
const ROWS: std::ops::RangeInclusive<usize> = 16..=64;

/// Where `<isomsg` or `&lt;isomsg` begins.
fn iso_xml_start(line: &[u8]) -> Option<usize> {
    // The bracket is rarer than the word is cheap to look for.
    let from = memchr::memchr2(b'<', b'&', line)?;
    let at = from + memchr::memmem::find(line.get(from..)?, b"isomsg")?;
    let head = line.get(..at)?;
    if head.ends_with(b"&lt;") {
        Some(at - 4)
    } else {
        head.ends_with(b"<").then(|| at - 1)
    }
}

/// Messages that a piece opens, less those that it closes.
fn xml_balance(piece: &[u8]) -> i32 {
    memchr::memmem::find_iter(piece, b"isomsg")
        .map(|at| {
            if at > 0 && piece.get(at - 1) == Some(&b'/') {
                -1
            } else {
                1
            }
        })
        .sum()
}

/// How far back a message may begin that a cut would part.
const MESSAGE_BYTES: usize = 64 << 10;

/// Where a block is cut so that no message in XML or JSON is parted: at `at`, or before the message that lies across it.
pub(super) fn whole_messages(text: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(MESSAGE_BYTES);
    let window = text.get(from..at).unwrap_or_default();
    let mut cut = at;
    // Backwards over all marks: one that opens and has no close behind it lies across the cut. Writers may be interleaved.
    let mut closed = 0_u32;
    for mark in memchr::memmem::rfind_iter(window, b"isomsg") {
        if mark > 0 && window.get(mark - 1) == Some(&b'/') {
            closed += 1;
        } else if closed > 0 {
            closed -= 1;
        } else {
            cut = line_start(text, from + mark);
        }
    }
    if let Some(mark) = memchr::memmem::rfind(window, b"\"SaleToPOI")
        && let Some(open) = window
            .get(..mark)
            .and_then(|front| memchr::memrchr(b'{', front))
        && let Some(rest) = window.get(open..)
        && memchr::memchr_iter(b'{', rest).count() > memchr::memchr_iter(b'}', rest).count()
    {
        cut = cut.min(line_start(text, from + open));
    }
    // A message that fills the whole block is cut where it can be.
    if cut == 0 { at } else { cut }
}

fn line_start(text: &[u8], at: usize) -> usize {
    memchr::memrchr(b'\n', text.get(..at).unwrap_or_default()).map_or(0, |n| n + 1)
}

const fn laned(head: &Head<'_>) -> bool {
    !(head.process.is_empty() && head.thread.is_empty())
}

/// Pieces joined, with where each began.
struct Joined {
    text: Vec<u8>,
    lines: Vec<(usize, usize, usize)>,
}

impl Joined {
    fn of(piece: &[u8], start: usize, end: usize) -> Self {
        Self {
            text: piece.to_vec(),
            lines: vec![(0, start, end)],
        }
    }

    fn push(&mut self, part: &Part<'_>) {
        // A message that the logger cut goes on without a break.
        let cut = self
            .lines
            .last()
            .is_some_and(|(at, ..)| part.own && self.text.len() - at >= CUT_AT);
        if !cut {
            self.text.push(b'\n');
        }
        self.lines.push((self.text.len(), part.start, part.end));
        self.text.extend_from_slice(part.message);
    }

    /// The lines that the first `length` bytes take.
    fn lines_of(&self, length: usize) -> Vec<(usize, usize)> {
        self.lines
            .iter()
            .take_while(|(at, ..)| *at < length.max(1))
            .map(|(_, start, end)| (*start, *end))
            .collect()
    }
}

impl<'a> Walk<'a> {
    /// The further lines of a record that begins on the line that ends at `end`, within the bounds; where one is met, it is noted.
    fn after(&self, head: Head<'a>, end: usize, more: &mut dyn FnMut(&Part<'a>) -> bool) {
        let limits = &self.ctx.plan.limits;
        if Writer::of(head).after(self.shape, self.text, end, limits, more) {
            self.too_long.borrow_mut().insert(end.saturating_sub(1));
        }
    }

    /// Reads what begins on, or lies around, the line at `start..end`.
    pub(super) fn spanned(&self, start: usize, end: usize, line: &Line<'a>) -> Option<Spanned> {
        self.xml_message(start, end, line)
            .or_else(|| self.json_message(start, end, line))
            .or_else(|| self.dumped_message(start, end, line))
    }

    fn xml_message(&self, start: usize, end: usize, line: &Line<'a>) -> Option<Spanned> {
        let physical = self.text.get(start..end)?;
        let open = iso_xml_start(physical)?;
        let piece = physical.get(open..)?;
        if !laned(&line.head) || xml_balance(piece) <= 0 {
            let (found, length) = line::iso_xml(self.text.get(start + open..)?, self.ctx)?;
            let behind = (start + open + length)
                .max(end - 1)
                .min(self.text.len() - 1);
            let used = memchr::memchr(b'\n', self.text.get(behind..)?)
                .map_or(self.text.len(), |n| behind + n + 1);
            return Some(Spanned {
                found,
                lines: vec![(start, used)],
            });
        }
        let mut joined = Joined::of(piece.trim_ascii_end(), start, end);
        let mut balance = xml_balance(piece);
        self.after(line.head, end, &mut |part| {
            let text = part.message.trim_ascii_start();
            let markup = text.starts_with(b"<") || text.starts_with(b"&lt;") || text.is_empty();
            if part.own && !markup {
                return false;
            }
            balance += xml_balance(part.message);
            joined.push(part);
            balance > 0
        });
        let (found, length) = line::iso_xml(&joined.text, self.ctx)?;
        Some(Spanned {
            found,
            lines: joined.lines_of(length),
        })
    }

    /// A nexo message, on this line or around it.
    fn json_message(&self, start: usize, end: usize, line: &Line<'a>) -> Option<Spanned> {
        let message: &[u8] = &line.message;
        memchr::memchr(b'"', message)?;
        if !JSON_MARKS
            .iter()
            .any(|mark| memchr::memmem::find(message, mark).is_some())
        {
            return None;
        }
        if memchr::memmem::find(message, b"\\\"").is_some() {
            return self.escaped_json(start, end, message);
        }
        // On one line?
        if let Some(open) = memchr::memchr(b'{', message)
            && let Some((found, _, true)) = line::nexo_message(message.get(open..)?, self.ctx)
        {
            return Some(Spanned {
                found,
                lines: vec![(start, end)],
            });
        }
        let mut pieces = self.document_start(start, end, line, message);
        let (first, ..) = *pieces.first()?;
        let open = memchr::memchr2(b'{', b'[', first)?;
        let mut depth = Depth::default();
        let (_, from, to) = pieces.remove(0);
        let mut joined = Joined::of(first.get(open..)?, from, to);
        let mut closed = depth.piece(first.get(open..)?);
        for (message, from, to) in pieces {
            closed = closed || depth.piece(message);
            joined.push(&Part {
                start: from,
                end: to,
                message,
                own: true,
            });
        }
        if !closed {
            self.after(line.head, end, &mut |part| {
                joined.push(part);
                !depth.piece(part.message)
            });
        }
        let (found, length, _) = line::nexo_message(&joined.text, self.ctx)?;
        Some(Spanned {
            found,
            lines: joined.lines_of(length),
        })
    }

    /// The lines from where the document around this line begins, this line included, in order.
    fn document_start<'m>(
        &self,
        start: usize,
        end: usize,
        line: &Line<'a>,
        message: &'m [u8],
    ) -> Vec<(&'m [u8], usize, usize)>
    where
        'a: 'm,
    {
        let balance = |text: &[u8]| -> i32 {
            text.iter()
                .map(|b| match b {
                    b'{' | b'[' => 1,
                    b'}' | b']' => -1,
                    _ => 0,
                })
                .sum()
        };
        let mut pieces: Vec<(&'m [u8], usize, usize)> = vec![(message, start, end)];
        let (mut open, mut best, mut keep) = (0, 0, 0);
        if memchr::memchr(b'{', message).is_some()
            && message.trim_ascii_start().first() != Some(&b'"')
        {
            // It begins here.
            return pieces;
        }
        Writer::of(line.head).before(self.shape, self.text, start, &mut |part| {
            let text = part.message.trim_ascii();
            let inside =
                matches!(text.first(), Some(b'"' | b'{' | b'}' | b'[' | b']')) || text.is_empty();
            open += balance(text);
            pieces.push((part.message, part.start, part.end));
            if open > best {
                best = open;
                keep = pieces.len() - 1;
            }
            inside && pieces.len() < 64
        });
        pieces.truncate(keep + 1);
        pieces.reverse();
        pieces
    }

    /// A message as a string inside of JSON.
    fn escaped_json(&self, start: usize, end: usize, message: &[u8]) -> Option<Spanned> {
        let plain = tapscope_parsers::content::json::unescape(message);
        let at = [
            &b"{\"SaleToPOI"[..],
            b"{\"Message",
            b"{\"EventToNotify",
            b"{\"TimeStamp",
        ]
        .iter()
        .filter_map(|mark| memchr::memmem::find(&plain, mark))
        .min()?;
        let (found, ..) = line::nexo_message(plain.get(at..)?, self.ctx)?;
        Some(Spanned {
            found,
            lines: vec![(start, end)],
        })
    }

    /// An ISO 8583 message dumped over this and the following lines: offset (or none), bytes, characters.
    pub(super) fn dumped_message(
        &self,
        start: usize,
        end: usize,
        line: &Line<'a>,
    ) -> Option<Spanned> {
        let (offset, mut bytes) = hex::dump_row(&line.message)?;
        let width = bytes.len();
        match offset {
            Some(0) => {}
            None if ROWS.contains(&width) && iso_list::begins_message(&bytes) => {}
            _ => return None,
        }
        let counted = offset.is_some();
        let mut lines = vec![(start, end)];
        self.after(line.head, end, &mut |part| {
            if bytes.len() % width != 0 || bytes.len() >= 4096 {
                return false;
            }
            match hex::dump_row(part.message) {
                Some((at, more)) if more.len() <= width && at.is_some() == counted => {
                    if at.is_some_and(|at| at != bytes.len() && at != bytes.len() / width) {
                        return false;
                    }
                    bytes.extend(more);
                }
                _ => return false,
            }
            lines.push((part.start, part.end));
            true
        });
        let found = line::iso_bytes(&bytes, self.ctx)?;
        Some(Spanned { found, lines })
    }

    /// The message with what its exception was caused by, and the lines that the block takes beyond the first.
    pub(super) fn with_causes(
        &self,
        end: usize,
        line: &Line<'a>,
    ) -> Option<(Vec<u8>, Vec<(usize, usize)>)> {
        let message: &[u8] = &line.message;
        exception::begins(message).then_some(())?;
        let mut text = message.to_vec();
        let mut lines = Vec::new();
        self.after(line.head, end, &mut |part| {
            let frame = exception::is_frame(part.message);
            let cause = exception::cause(part.message);
            if let Some(cause) = cause
                && text.len() < 2048
            {
                text.extend_from_slice(b" <- ");
                text.extend_from_slice(cause);
            }
            if frame || cause.is_some() {
                lines.push((part.start, part.end));
            }
            (frame || cause.is_some()) && lines.len() < 512
        });
        (!lines.is_empty()).then_some((text, lines))
    }

    /// A message that the logger cut, with its further pieces.
    pub(super) fn uncut(
        &self,
        end: usize,
        line: &Line<'a>,
    ) -> Option<(Vec<u8>, Vec<(usize, usize)>)> {
        let message: &[u8] = &line.message;
        if message.len() < CUT_AT || message.len() > CUT_AT + 400 || !laned(&line.head) {
            return None;
        }
        let mut text = message.to_vec();
        let mut lines = Vec::new();
        let mut last = message.len();
        self.after(line.head, end, &mut |part| {
            if !part.own || last < CUT_AT || text.len() > 256 << 10 {
                return false;
            }
            last = part.message.len();
            text.extend_from_slice(part.message);
            lines.push((part.start, part.end));
            last >= CUT_AT
        });
        (!lines.is_empty()).then_some((text, lines))
    }
}
