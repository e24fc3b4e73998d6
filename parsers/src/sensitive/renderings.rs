//! Finds card data in a text that writes its characters or bytes in another way: escapes, wide digits, lists of decimal bytes,
//! base64, and what is split over lines.
//!
//! Each way gives a reading: plain bytes, and for each the stretch of the text that it came from. The reading is looked through as
//! any text or byte string is, and what was found is carried back. A cheap look decides first whether a way is there at all.

use super::brands::is_card_number;
use super::{Span, bytes, kept_digits, text};

/// Fewer characters than this hold no card number in any rendering here.
const LEAST: usize = 13;
/// Base64 text shorter than this holds no card number: ten bytes are fourteen characters.
const BASE64_LEAST: usize = 11;
/// Longest run of base64 that is read at once; longer runs are read in pieces that overlap.
const BASE64_PIECE: usize = 4096;

/// Plain bytes, and where each came from.
#[derive(Default)]
pub(super) struct Reading {
    bytes: Vec<u8>,
    from: Vec<Span>,
}

impl Reading {
    pub(super) fn push(&mut self, byte: u8, start: usize, end: usize) {
        self.bytes.push(byte);
        self.from.push(Span { start, end });
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Looks through the reading as text, and carries back what is found.
    pub(super) fn as_text(&self, hex: bool, found: &mut Vec<Span>) {
        let mut spans = Vec::new();
        text::scan(&self.bytes, &mut spans, hex);
        for span in spans {
            self.carry(span.start, span.end, found);
        }
    }

    /// Looks through the reading as a byte string, and carries back what is found: where half a byte is to be hidden, all that stands for it is.
    pub(super) fn as_bytes(&self, found: &mut Vec<Span>) {
        let mut spans = Vec::new();
        bytes::in_bytes(&self.bytes, &mut spans);
        for span in spans {
            self.carry(span.start / 2, span.end.div_ceil(2), found);
        }
    }

    /// Hides the text that these bytes of the reading came from; what stands between two of them (a comma) stays.
    fn carry(&self, start: usize, end: usize, found: &mut Vec<Span>) {
        for from in self.from.get(start..end).unwrap_or_default() {
            match found.last_mut() {
                Some(last) if last.end == from.start => last.end = from.end,
                _ if from.start < from.end => found.push(*from),
                _ => {}
            }
        }
    }
}

/// Adds what is to be hidden in the other renderings.
pub(super) fn in_text(text: &[u8], found: &mut Vec<Span>) {
    if text.len() < LEAST {
        return;
    }
    if has_escapes(text) {
        escapes(text, found);
    }
    if memchr::memchr_iter(b',', text).nth(6).is_some() {
        lists(text, found);
    }
    base64(text, found);
    if memchr::memchr(b'\n', text).is_some() {
        super::lines::in_text(text, found);
    }
}

// ---- escapes and wide characters ----

/// True where a character is written in a way that [`escape`] reads and that may stand for a digit.
fn has_escapes(text: &[u8]) -> bool {
    let ascii = memchr::memchr3_iter(b'\\', b'%', b'&', text).any(|at| {
        matches!(
            text.get(at..at + 3),
            Some(
                [b'\\', b'u', b'0' | b'f' | b'F']
                    | [b'%', b'3', _]
                    | [b'&', b'#', _]
                    | [b'\\', b'0', b'6' | b'7']
                    | [b'\\', b'x', b'3']
            )
        )
    });
    // Full-width digits, invisible and thin blanks, blanks as wide as a character; zeros between the bytes of UTF-16.
    let beside_digit = |at: usize, length: usize| {
        let digit = |at: Option<usize>| {
            at.and_then(|at| text.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        digit(at.checked_sub(1)) && digit(Some(at + length))
    };
    ascii
        || memchr::memchr3_iter(0xEF, 0xE2, 0xE3, text).any(|at| match text.get(at..at + 3) {
            Some([0xEF, 0xBC, 0x90..=0x99]) => true,
            Some([0xEF, 0xBB, 0xBF] | [0xE2, 0x80 | 0x81, _] | [0xE3, 0x80, 0x80]) => {
                beside_digit(at, 3)
            }
            _ => false,
        })
        || memchr::memchr_iter(0, text).any(|at| beside_digit(at, 1))
        || memchr::memchr_iter(0xAD, text).any(|at| at > 0 && beside_digit(at - 1, 2))
}

/// What one escape stands for (nothing, for what is not seen), and its length.
fn escape(rest: &[u8]) -> Option<(Option<u8>, usize)> {
    let hex = |digits: &[u8]| {
        digits.iter().try_fold(0_u32, |value, b| {
            Some(value * 16 + char::from(*b).to_digit(16)?)
        })
    };
    let narrow = |code: u32| match code {
        0xFF01..=0xFF5E => u8::try_from(code - 0xFEE0).ok(),
        code => u8::try_from(code).ok().filter(u8::is_ascii),
    };
    match rest {
        [b'\\', b'u' | b'U', a, b, c, d, ..] => Some((Some(narrow(hex(&[*a, *b, *c, *d])?)?), 6)),
        // Octal `\066`, as C programs and `ls` write it.
        [b'\\', b'0', a @ (b'6' | b'7'), b @ b'0'..=b'7', ..] => {
            Some((Some((a - b'0') * 8 + (b - b'0')), 4))
        }
        // `\x36`: beside plain digits that could be bytes as well, it is only so apart from them.
        [b'\\', b'x', a, b, ..] => Some((Some(narrow(hex(&[*a, *b])?)?), 4)),
        [b'%', a, b, ..] => Some((Some(narrow(hex(&[*a, *b])?)?), 3)),
        [b'&', b'#', more @ ..] => {
            let (digits, base, lead) = match more {
                [b'x' | b'X', digits @ ..] => (digits, 16, 3),
                digits => (digits, 10, 2),
            };
            let length = digits.iter().take(7).position(|b| *b == b';')?;
            let code = digits.get(..length)?.iter().try_fold(0_u32, |value, b| {
                Some(value * base + char::from(*b).to_digit(base)?)
            })?;
            Some((Some(narrow(code)?), lead + length + 1))
        }
        [0xEF, 0xBC, c @ 0x81..=0xBF, ..] => Some((Some(c - 0x81 + b'!'), 3)),
        [0xEF, 0xBD, c @ 0x80..=0x9E, ..] => Some((Some(c - 0x80 + b'`'), 3)),
        // Zero-width characters, joiners, byte order marks, soft hyphens, and the zeros of UTF-16.
        [0xE2, 0x80, 0x8B..=0x8F | 0xAA..=0xAE, ..]
        | [0xE2, 0x81, 0xA0..=0xAF, ..]
        | [0xEF, 0xBB, 0xBF, ..] => Some((None, 3)),
        [0xC2, 0xAD, ..] => Some((None, 2)),
        [0, ..] => Some((None, 1)),
        // Blanks of all widths, and dashes.
        [0xE2, 0x80, 0x80..=0x8A | 0xAF, ..] | [0xE2, 0x81, 0x9F, ..] | [0xE3, 0x80, 0x80, ..] => {
            Some((Some(b' '), 3))
        }
        [0xE2, 0x80, 0x90..=0x95, ..] => Some((Some(b'-'), 3)),
        _ => None,
    }
}

fn escapes(text: &[u8], found: &mut Vec<Span>) {
    let mut reading = Reading::default();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (byte, length) = escape(rest).unwrap_or((rest.first().copied(), 1));
        if let Some(byte) = byte {
            reading.push(byte, at, at + length);
        } else if let Some(last) = reading.from.last_mut() {
            // What is not seen goes with what stands before it.
            last.end = at + length;
        }
        at += length;
    }
    reading.as_text(true, found);
}

// ---- lists of bytes in decimal ----

/// `[98, 18, 52, 0, -1]`: bytes as Java, Python or C print them. Digits one by one count too.
fn lists(text: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    let mut reading = Reading::default();
    while let Some(step) = text
        .get(at..)
        .and_then(|rest| rest.iter().position(u8::is_ascii_digit))
    {
        at += step;
        reading.bytes.clear();
        reading.from.clear();
        while let Some((byte, start, end)) = list_entry(text, at) {
            reading.push(byte, start, end);
            at = end;
            let comma = text.get(end) == Some(&b',');
            let blanks = usize::from(comma) + usize::from(text.get(end + 1) == Some(&b' '));
            let next = text.get(end + blanks);
            if !comma || !next.is_some_and(|b| b.is_ascii_digit() || *b == b'-') {
                break;
            }
            at = end + blanks;
        }
        if reading.len() >= 7 {
            reading.as_bytes(found);
            digits_one_by_one(&reading, found);
        } else if reading.len() == 0 {
            // A number that is no byte.
            at += text.get(at..).map_or(1, |rest| {
                rest.iter()
                    .take_while(|b| b.is_ascii_digit())
                    .count()
                    .max(1)
            });
        }
    }
}

/// The byte written at `at`, where one is (its sign may stand before).
fn list_entry(text: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    let (negative, start) = match text.get(at)? {
        b'-' => (true, at + 1),
        _ => match at.checked_sub(1).and_then(|before| text.get(before)) {
            Some(b'-') => (true, at),
            _ => (false, at),
        },
    };
    let digits = text.get(start..)?;
    let length = digits
        .iter()
        .take(4)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let value = digits
        .get(..length)
        .filter(|d| (1..=3).contains(&d.len()))?
        .iter()
        .fold(0_i16, |value, b| value * 10 + i16::from(b - b'0'));
    let value = if negative { -value } else { value };
    let start = start - usize::from(negative);
    let byte = match value {
        -128..=-1 => u8::try_from(value + 256).ok()?,
        value => u8::try_from(value).ok()?,
    };
    Some((byte, start, start + length + usize::from(negative)))
}

/// `[6, 2, 1, 2, …]`: a card number's digits as a list.
fn digits_one_by_one(reading: &Reading, found: &mut Vec<Span>) {
    let mut at = 0;
    for run in reading.bytes.chunk_by(|a, b| (*a <= 9) == (*b <= 9)) {
        let digits = run.first().is_some_and(|d| *d <= 9);
        if digits && (13..=19).contains(&run.len()) && is_card_number(run) {
            let (first, last) = kept_digits(run.len());
            reading.carry(at + first, at + run.len() - last, found);
        }
        at += run.len();
    }
}

// ---- base64 ----

/// The six bits of a character of either alphabet (RFC 4648, sections 4 and 5).
const fn six_bits(b: u8) -> Option<u8> {
    match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

static IS_BASE64: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = six_bits(b as u8).is_some();
        b += 1;
    }
    table
};

fn is_base64(b: u8) -> bool {
    IS_BASE64.get(usize::from(b)).copied().unwrap_or(false)
}

/// Runs of base64 characters. Where one is long enough, a character stands at each multiple of that length: most texts are passed over in steps.
fn base64(text: &[u8], found: &mut Vec<Span>) {
    let mut floor = 0;
    let mut at = BASE64_LEAST - 1;
    while let Some(&b) = text.get(at) {
        if !is_base64(b) {
            floor = at + 1;
            at += BASE64_LEAST;
            continue;
        }
        let start = at
            - text.get(floor..at).map_or(0, |head| {
                head.iter().rev().take_while(|b| is_base64(**b)).count()
            });
        let end = at
            + text
                .get(at..)
                .map_or(1, |rest| rest.iter().take_while(|b| is_base64(**b)).count());
        if end - start >= BASE64_LEAST {
            base64_run(text, start, end, found);
        }
        floor = end;
        at = end + BASE64_LEAST;
    }
}

fn base64_run(text: &[u8], start: usize, end: usize, found: &mut Vec<Span>) {
    let run = text.get(start..end).unwrap_or_default();
    // Hex and plain words are read elsewhere. Base64 of binary data mixes cases and digits, that of digits has its own pattern.
    let upper = run.iter().any(u8::is_ascii_uppercase);
    let lower = run.iter().any(|b| matches!(b, b'g'..=b'z'));
    if !upper || run.iter().all(u8::is_ascii_hexdigit) {
        return;
    }
    let padded = text.get(end) == Some(&b'=');
    // Without a digit in it a word of mixed case is more likely a name; but `V`, `W`, `c`, `d` begin what begins with a record or a card number.
    let mixed = || {
        matches!(run.first(), Some(b'V' | b'W' | b'c' | b'd'))
            || run
                .iter()
                .any(|b| b.is_ascii_digit() || matches!(b, b'+' | b'/'))
    };
    let binary = lower && (padded || (run.len() % 4 == 0 && mixed()));
    if binary {
        pieces(run, start, found, |reading, found| {
            reading.as_bytes(found);
            reading.as_text(true, found);
        });
        return;
    }
    // Digits in ASCII, wherever their groups of four begin.
    for offset in 0..4 {
        let groups = run.get(offset..).unwrap_or_default();
        if digit_groups(groups) {
            pieces(groups, start + offset, found, |reading, found| {
                reading.as_text(true, found);
            });
        }
    }
}

/// True where three groups in a row stand for three ASCII digits each: among thirteen digits there always are three such groups.
fn digit_groups(run: &[u8]) -> bool {
    let mut row = 0;
    run.chunks_exact(4).any(|group| {
        let digits = matches!(
            group,
            [
                b'M' | b'N' | b'O',
                b'D' | b'T' | b'j' | b'z',
                _,
                b'w'..=b'z' | b'0'..=b'5',
            ]
        );
        row = if digits { row + 1 } else { 0 };
        row == 3
    })
}

/// Decodes a run in pieces that overlap, each into a reading whose bytes stand for the characters that they touch.
fn pieces(
    run: &[u8],
    start: usize,
    found: &mut Vec<Span>,
    look: impl Fn(&Reading, &mut Vec<Span>),
) {
    let mut at = 0;
    while let Some(rest) = run.get(at..).filter(|rest| !rest.is_empty()) {
        let piece = rest.get(..BASE64_PIECE).unwrap_or(rest);
        let mut reading = Reading::default();
        let mut bits = 0_u32;
        let mut have = 0_u32;
        for (n, b) in piece.iter().enumerate() {
            bits = bits << 6 | u32::from(six_bits(*b).unwrap_or(0));
            have += 6;
            if have >= 8 {
                have -= 8;
                let place = start + at + n;
                reading.push((bits >> have) as u8, place.saturating_sub(1), place + 1);
            }
        }
        look(&reading, found);
        if piece.len() == rest.len() {
            break;
        }
        at += BASE64_PIECE - 512;
    }
}
