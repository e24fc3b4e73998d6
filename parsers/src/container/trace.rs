//! Traces of card readers and sniffers that are read whole: what went over the air or the wire, frame by frame. One file a format;
//! [`TRACES`] is the only place that names them.

mod cardpeek;
mod chameleon;
mod libnfc;
mod nfc_laboratory;
mod nfcsnoop;
mod pas;
mod pcsc_spy;
mod proxmark;
mod scsniff;
mod t1_blocks;

pub use nfcsnoop::{Packet as SnoopPacket, block as snoop_block, packets as snoop_packets};

/// One thing that a trace shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Line (text) or record (binary) that it begins at, from 1.
    pub place: u32,
    /// Nanoseconds: since 1970 where `absolute`, else since any start.
    pub nanos: Option<i64>,
    /// True where the trace tells the time of day and the date.
    pub absolute: bool,
    /// Which card, connection or reader, where the trace tells several apart.
    pub lane: u64,
    /// What.
    pub what: What,
}

/// What a trace can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A frame on the air.
    Radio {
        /// True from card to reader.
        from_card: bool,
        /// Its bytes.
        bytes: Vec<u8>,
        /// The code at its end is among them where the frame has one.
        code_kept: bool,
        /// A parity bit was wrong.
        parity_error: bool,
    },
    /// The field was switched on or off.
    Field(bool),
    /// A whole command or answer.
    Apdu {
        /// True from card to reader.
        from_card: bool,
        /// Its bytes; an answer with its status word.
        bytes: Vec<u8>,
        /// Microseconds that the exchange took, where stated with the answer.
        micros: Option<u32>,
    },
    /// A card answered and was selected.
    Target {
        /// Its identifier.
        uid: Vec<u8>,
        /// SAK (type A), where told.
        sak: Option<u8>,
    },
    /// Answer to reset: a contact card was powered.
    Reset(Vec<u8>),
    /// The reader says that no answer came: why.
    Failed {
        /// Its own name for it.
        why: &'static str,
        /// True where the card is gone, false for a fault on the line.
        gone: bool,
    },
}

/// How much of a trace was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Bytes of lines or records that were understood.
    pub understood: usize,
    /// Frames, commands, answers.
    pub records: u64,
    /// Records that are damaged or cut.
    pub damaged: u64,
    /// Bytes that are no part of any record.
    pub foreign: usize,
}

/// One format.
pub struct TraceFormat {
    /// Short name, as in `--format NAME=GLOB` and `sources.parquet`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Where the format is defined.
    pub spec: &'static str,
    /// True for what is no text.
    pub binary: bool,
    /// Whether the beginning of a file is of this format.
    pub fits: fn(&[u8]) -> bool,
    /// Reads a file from its first byte to its last.
    pub read: fn(&[u8], &mut dyn FnMut(Seen)) -> Account,
    /// A file of this format, as small as it can be; binary ones in hex.
    pub sample: &'static str,
}

/// All formats; the first that fits is taken.
pub const TRACES: &[&TraceFormat] = &[
    &proxmark::TABLE,
    &proxmark::HEX,
    &proxmark::BINARY,
    &nfc_laboratory::FORMAT,
    &pcsc_spy::FORMAT,
    &cardpeek::FORMAT,
    &libnfc::FORMAT,
    &scsniff::FORMAT,
    &chameleon::FORMAT,
    &pas::FORMAT,
    &t1_blocks::FORMAT,
];

/// The format of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static TraceFormat> {
    TRACES.iter().find(|f| f.name == name).copied()
}

/// The format of a text that begins so.
#[must_use]
pub fn detect_text(head: &[u8]) -> Option<&'static TraceFormat> {
    TRACES.iter().find(|f| !f.binary && (f.fits)(head)).copied()
}

/// Lines of a text, numbered from 1, without their ends and colours; a line's bytes with its end as third.
fn numbered(text: &[u8]) -> impl Iterator<Item = (u32, std::borrow::Cow<'_, [u8]>, usize)> {
    super::lines(text)
        .zip(1_u32..)
        .map(|((_, line), number)| (number, plain(super::trim_line(line)), line.len()))
}

/// A line without the sequences that colour it.
fn plain(line: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if memchr::memchr(0x1B, line).is_none() {
        return std::borrow::Cow::Borrowed(line);
    }
    let mut out = Vec::with_capacity(line.len());
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != 0x1B {
            out.push(byte);
        } else if bytes.next_if_eq(&b'[').is_some() {
            for b in bytes.by_ref() {
                if b.is_ascii_alphabetic() {
                    break;
                }
            }
        }
    }
    std::borrow::Cow::Owned(out)
}

/// True where at least `least` of the first 400 lines satisfy the test.
fn many(head: &[u8], least: usize, mut test: impl FnMut(&[u8]) -> bool) -> bool {
    numbered(head)
        .take(400)
        .filter(|(_, line, _)| test(line))
        .take(least)
        .count()
        >= least
}

/// A decimal number with up to nine fraction digits, in billionths.
fn billionths(text: &[u8]) -> Option<i64> {
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(dot) => (text.get(..dot)?, text.get(dot + 1..)?),
        None => (text, &b""[..]),
    };
    if whole.is_empty() || whole.len() > 10 || !whole.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits < fraction.len() {
        return None;
    }
    let number = |digits: &[u8]| {
        digits
            .iter()
            .fold(0_i64, |sum, d| sum * 10 + i64::from(d - b'0'))
    };
    let kept = fraction.get(..digits.min(9))?;
    let scale = 10_i64.checked_pow(u32::try_from(9 - kept.len()).ok()?)?;
    number(whole)
        .checked_mul(1_000_000_000)?
        .checked_add(number(kept) * scale)
}

#[cfg(test)]
mod tests;
