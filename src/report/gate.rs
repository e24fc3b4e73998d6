//! The last look: searches what is about to be written for card data, on its own, and fails the run on a find.
//!
//! Masking happens where events are made (`parse::edge`); this is another piece of code, with another way of looking, at the other
//! end. Text files are searched in the pass that hashes them for the manifest, tables before their columns are encoded.

use aho_corasick::{AhoCorasick, MatchKind};
use polars::prelude::{Column, DataFrame, DataType, Series};
use rayon::prelude::*;
use tapscope_parsers::sensitive::{is_card_number, kept_digits};

use crate::event::SeenCards;

/// A run of digits that holds a card number has so many characters: one in every so many is looked at.
const STEP: usize = 13;
/// How much of a stream is looked at again with what follows, so that nothing is missed at a border.
const OVERLAP: usize = 256;
/// What has no border within so many bytes is cut anywhere.
const LONGEST: usize = 1 << 20;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leak {
    /// A card number.
    CardNumber,
    /// A PIN block behind its label.
    PinBlock,
    /// A verification value behind its label.
    VerificationValue,
}

impl Leak {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CardNumber => "a card number",
            Self::PinBlock => "a PIN block",
            Self::VerificationValue => "a card verification value",
        }
    }
}

/// Knows what must not be written.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    seen: SeenCards,
    lengths: u32,
    labels: Option<AhoCorasick>,
}

/// Labels of what may never be kept, and whether what they stand before is a PIN block.
const LABELS: [(&str, bool); 9] = [
    ("pinblock", true),
    ("pin_block", true),
    ("pin block", true),
    ("cvv", false),
    ("cvv2", false),
    ("cvc2", false),
    ("cvn2", false),
    ("安全码", false),
    ("pinblk", true),
];

impl Gate {
    /// A gate that knows the numbers that were met, and the forms of those that were not.
    #[must_use]
    pub fn new(seen: &SeenCards) -> Self {
        Self {
            seen: seen.clone(),
            lengths: seen.lengths(),
            labels: AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::LeftmostLongest)
                .build(LABELS.map(|(label, _)| label))
                .ok(),
        }
    }

    /// Searches a text.
    #[must_use]
    pub fn search(&self, text: &[u8]) -> Option<Leak> {
        self.digits(text).or_else(|| self.labelled(text))
    }

    /// Hides, in any rendering made of digits, the numbers that the run has met: first six and last four stay.
    pub fn hide_met(&self, text: &mut String) {
        if self.lengths == 0 {
            return;
        }
        let mut hide: Vec<usize> = Vec::new();
        let bytes = text.as_bytes();
        let in_run = |b: &u8| b.is_ascii_digit() || matches!(b, b' ' | b'-');
        let mut floor = 0;
        let mut at = STEP - 1;
        while let Some(b) = bytes.get(at) {
            if !in_run(b) {
                floor = at + 1;
                at += STEP;
                continue;
            }
            let head = bytes.get(floor..at).unwrap_or_default();
            let start = at - head.iter().rev().take_while(|b| in_run(b)).count();
            let rest = bytes.get(at..).unwrap_or_default();
            let end = at + rest.iter().take_while(|b| in_run(b)).count();
            if end - start >= STEP {
                self.met_places(bytes, start, end, &mut hide);
            }
            floor = end;
            at = end + STEP;
        }
        if hide.is_empty() {
            return;
        }
        let mut masked = std::mem::take(text).into_bytes();
        for at in hide {
            if let Some(b) = masked.get_mut(at) {
                *b = b'*';
            }
        }
        // Digits became stars: it is text as before.
        *text = String::from_utf8(masked).unwrap_or_default();
    }

    /// The places of digits to hide in a run: read as they stand, and as hex of ASCII.
    fn met_places(&self, text: &[u8], start: usize, end: usize, hide: &mut Vec<usize>) {
        let run = text.get(start..end).unwrap_or_default();
        if run.iter().all(u8::is_ascii_digit) {
            self.met_digits(run, &|nth| start + nth, hide);
        } else {
            let (digits, places): (Vec<u8>, Vec<usize>) = run
                .iter()
                .copied()
                .zip(start..end)
                .filter(|(b, _)| b.is_ascii_digit())
                .unzip();
            let place = |nth: usize| places.get(nth).copied().unwrap_or(end);
            self.met_digits(&digits, &place, hide);
        }
        // Thirteen digits take twice as many characters there.
        if run.len() < 2 * STEP {
            return;
        }
        for offset in [0, 1] {
            let pairs = run.get(offset..).unwrap_or_default().as_chunks::<2>().0;
            let mut at = start + offset;
            for part in pairs.chunk_by(|a, b| spells_digit(a) == spells_digit(b)) {
                if part.len() >= STEP && part.first().is_some_and(spells_digit) {
                    let digits: Vec<u8> = part.iter().map(|[_, digit]| *digit).collect();
                    self.met_digits(&digits, &|nth| at + 2 * nth + 1, hide);
                }
                at += 2 * part.len();
            }
        }
    }

    /// The places of the middles of numbers that were met among these digits.
    fn met_digits(&self, digits: &[u8], place: &dyn Fn(usize) -> usize, hide: &mut Vec<usize>) {
        for length in (13..=19).filter(|length| self.lengths >> length & 1 == 1) {
            for (nth, window) in digits.windows(length).enumerate() {
                if self.seen.contains(window) {
                    let (first, last) = kept_digits(length);
                    hide.extend((nth + first..nth + length - last).map(place));
                }
            }
        }
    }

    /// Searches every text column of a table; gives the column's name with what was found.
    #[must_use]
    pub fn search_frame(&self, frame: &DataFrame) -> Option<(String, Leak)> {
        frame
            .columns()
            .par_iter()
            .find_map_first(|column| Some((column.name().to_string(), self.column(column)?)))
    }

    fn column(&self, column: &Column) -> Option<Leak> {
        self.series(column.as_materialized_series())
    }

    fn series(&self, series: &Series) -> Option<Leak> {
        match series.dtype() {
            DataType::String => {
                let texts = series.str().ok()?;
                texts
                    .iter()
                    .flatten()
                    .find_map(|text| self.search(text.as_bytes()))
            }
            DataType::List(_) => self.series(&series.list().ok()?.get_inner()),
            DataType::Struct(_) => series
                .struct_()
                .ok()?
                .fields_as_series()
                .iter()
                .find_map(|field| self.series(field)),
            _ => None,
        }
    }

    fn digits(&self, text: &[u8]) -> Option<Leak> {
        let in_run = |b: &u8| b.is_ascii_digit() || matches!(b, b' ' | b'-');
        let mut floor = 0;
        let mut at = STEP - 1;
        while let Some(b) = text.get(at) {
            if !in_run(b) {
                floor = at + 1;
                at += STEP;
                continue;
            }
            let head = text.get(floor..at).unwrap_or_default();
            let start = at - head.iter().rev().take_while(|b| in_run(b)).count();
            let rest = text.get(at..).unwrap_or_default();
            let end = at + rest.iter().take_while(|b| in_run(b)).count();
            if end - start >= STEP && self.run(text, start, end) {
                return Some(Leak::CardNumber);
            }
            floor = end;
            at = end + STEP;
        }
        None
    }

    /// Digits, blanks and dashes.
    fn run(&self, text: &[u8], start: usize, end: usize) -> bool {
        let run = text.get(start..end).unwrap_or_default();
        if run.iter().all(u8::is_ascii_digit) {
            return self.word(text, start, run);
        }
        let mut words: Vec<&[u8]> = Vec::new();
        let mut at = start;
        for word in run.split(|b| !b.is_ascii_digit()) {
            if word.len() >= 13 && self.word(text, at, word) {
                return true;
            }
            words.push(word);
            at += word.len() + 1;
        }
        self.groups(&words) || self.pairs(&words)
    }

    /// An unbroken run of digits.
    fn word(&self, text: &[u8], start: usize, word: &[u8]) -> bool {
        let at = |place: Option<usize>| place.and_then(|place| text.get(place)).copied();
        let before = at(start.checked_sub(1));
        let behind = at(Some(start + word.len()));
        // Behind or before hex digits, or what was masked, it is a part of something longer.
        let hex = |b: Option<u8>| {
            b.is_some_and(|b| b == b'*' || (b.is_ascii_alphabetic() && b.is_ascii_hexdigit()))
        };
        // A fraction has as many digits; a date and a time may have the form of a number.
        let fraction =
            before == Some(b'.') && at(start.checked_sub(2)).is_some_and(|b| b.is_ascii_digit());
        if word.len() <= 19
            && !hex(before)
            && !hex(behind)
            && !fraction
            && !is_time(word)
            && is_number(word)
        {
            return true;
        }
        if self.met_within(word) {
            return true;
        }
        // Hex of ASCII digits: 3x, twice as long.
        word.len() >= 26
            && [0, 1].into_iter().any(|offset| {
                let pairs = word.get(offset..).unwrap_or_default().chunks_exact(2);
                let digits: Vec<u8> = pairs
                    .map(|pair| match pair {
                        [b'3', digit] => *digit,
                        _ => b' ',
                    })
                    .collect();
                digits.split(|b| *b == b' ').any(|digits| {
                    digits.len() >= 13
                        && (self.met_within(digits) || (digits.len() <= 19 && is_number(digits)))
                })
            })
    }

    /// True where one of the numbers that were met stands anywhere in the digits.
    fn met_within(&self, digits: &[u8]) -> bool {
        (13..=19)
            .filter(|length| self.lengths >> length & 1 == 1)
            .any(|length| {
                digits
                    .windows(length)
                    .any(|window| self.seen.contains(window))
            })
    }

    /// Digits in groups: as cards print them, where the form alone decides (a terminal's number and a date are eight and eight); in
    /// any groups where the number was met.
    fn groups(&self, words: &[&[u8]]) -> bool {
        (0..words.len()).any(|first| {
            let mut number: Vec<u8> = Vec::with_capacity(24);
            let mut sizes: Vec<usize> = Vec::with_capacity(5);
            for word in words.iter().skip(first).take(5) {
                number.extend_from_slice(word);
                sizes.push(word.len());
                if word.is_empty() || number.len() > 19 {
                    break;
                }
                let printed = matches!(
                    sizes.as_slice(),
                    [4, 4, 4, 4] | [4, 4, 4, 4, 1..=3] | [4, 6, 4 | 5]
                );
                let form = printed && is_number(&number) && !is_time(&number);
                if sizes.len() > 1 && (form || self.seen.contains(&number)) {
                    return true;
                }
            }
            false
        })
    }

    /// Bytes with blanks between: BCD.
    fn pairs(&self, words: &[&[u8]]) -> bool {
        self.lengths != 0
            && words
                .chunk_by(|a, b| a.len() == 2 && b.len() == 2)
                .any(|pairs| pairs.len() >= 7 && self.met_within(&pairs.concat()))
    }

    fn labelled(&self, text: &[u8]) -> Option<Leak> {
        if !may_hold_label(text) {
            return None;
        }
        let labels = self.labels.as_ref()?;
        labels.find_iter(text).find_map(|found| {
            let (_, pin_block) = LABELS.get(found.pattern().as_usize())?;
            let rest = text.get(found.end()..)?;
            let gap = rest
                .iter()
                .take(4)
                .take_while(|b| matches!(b, b'"' | b':' | b'=' | b' ' | b'\'' | b'\\'))
                .count();
            let value = rest.get(gap..)?;
            let hex = value.iter().take_while(|b| b.is_ascii_hexdigit()).count();
            let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
            let ends = !value.get(hex).is_some_and(u8::is_ascii_alphanumeric);
            match pin_block {
                true if gap > 0 && (14..=64).contains(&hex) => Some(Leak::PinBlock),
                false if gap > 0 && ends && digits == hex && matches!(digits, 3 | 4) => {
                    Some(Leak::VerificationValue)
                }
                _ => None,
            }
        })
    }
}

/// `3x`: hex of a digit in ASCII.
fn spells_digit(pair: &[u8; 2]) -> bool {
    pair[0] == b'3' && pair[1].is_ascii_digit()
}

/// Each of [`LABELS`] has a `v` behind a `c`, a `k` behind a `c` or an `l`, or is Chinese: few texts need more than this look.
fn may_hold_label(text: &[u8]) -> bool {
    let behind = |at: usize, letters: &[u8]| {
        at.checked_sub(1)
            .and_then(|at| text.get(at))
            .is_some_and(|b| letters.contains(b))
    };
    memchr::memchr2_iter(b'v', b'V', text).any(|at| behind(at, b"cC"))
        || memchr::memchr2_iter(b'k', b'K', text).any(|at| behind(at, b"cClL"))
        || memchr::memchr(0xE5, text).is_some()
}

fn is_number(digits: &[u8]) -> bool {
    let values: Vec<u8> = digits.iter().map(|b| b.wrapping_sub(b'0')).collect();
    is_card_number(&values)
}

/// `251122143015…`: order and trace numbers begin with a date and a time.
fn is_time(digits: &[u8]) -> bool {
    let pair = |at: usize| {
        let two = digits.get(at..at + 2)?;
        std::str::from_utf8(two).ok()?.parse::<u8>().ok()
    };
    let fits = |at: usize, from: u8, to: u8| pair(at).is_some_and(|v| (from..=to).contains(&v));
    let from = |at: usize| {
        fits(at, 1, 12)
            && fits(at + 2, 1, 31)
            && fits(at + 4, 0, 23)
            && fits(at + 6, 0, 59)
            && fits(at + 8, 0, 59)
    };
    // Of this time: any later year may begin a card number.
    (fits(0, 20, 39) && from(2)) || (digits.starts_with(b"20") && from(4))
}

/// Searches what flows past, in pieces of any size.
pub(super) struct Stream<'g> {
    gate: &'g Gate,
    carry: Vec<u8>,
    found: Option<Leak>,
}

impl<'g> Stream<'g> {
    pub(super) fn new(gate: &'g Gate) -> Self {
        Self {
            gate,
            carry: Vec::new(),
            found: None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.found.is_some() {
            return;
        }
        self.carry.extend_from_slice(bytes);
        // What stands at the end may go on: it waits.
        let border = |text: &[u8]| text.iter().rposition(|b| !goes_on(*b)).map(|at| at + 1);
        let most = self.carry.len() > LONGEST;
        let Some(cut) = border(&self.carry).or(most.then_some(self.carry.len())) else {
            return;
        };
        let settled = self.carry.get(..cut).unwrap_or_default();
        self.found = self.gate.search(settled);
        let keep = settled
            .get(..cut.saturating_sub(OVERLAP))
            .and_then(border)
            .unwrap_or(if most { cut } else { 0 });
        self.carry.drain(..keep);
    }

    pub(super) fn finish(self) -> Option<Leak> {
        self.found.or_else(|| self.gate.search(&self.carry))
    }
}

/// What a number, a word or a group of digits goes on with.
fn goes_on(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::{Gate, Leak, Stream};
    use crate::event::SeenCards;

    fn gate() -> Gate {
        let seen = SeenCards::default();
        // No Luhn digit: known only because it was met.
        seen.note(b"6212340000001233");
        Gate::new(&seen)
    }

    #[test]
    fn leaks_are_found() {
        for text in [
            "4111111111111111",
            "x 4111111111111111.",
            "{\"a\":\"4111 1111 1111 1111\"}",
            "3782-822463-10005",
            "card 4111-1111-1111-1111,",
            "34313131313131313131313131313131",
            "70115708621234000000123390",
            "5A 08 62 12 34 00 00 00 12 33 9F",
            "note: 6212 3400 0000 1233",
            "D6212340000001233D2512",
        ] {
            assert_eq!(
                gate().search(text.as_bytes()),
                Some(Leak::CardNumber),
                "{text}"
            );
        }
        assert_eq!(
            gate().search(b"{\"PinBlock\": \"0412AC89ABCDEF67\"}"),
            Some(Leak::PinBlock)
        );
        assert_eq!(gate().search(b"cvv2=123,"), Some(Leak::VerificationValue));
    }

    #[test]
    fn other_figures_pass() {
        for text in [
            "411111******1111 621234******1233",
            "0.4111111111111111",
            "2026-08-22 14:30:15.123456 +08:00",
            "F4111111111111111A",
            "20251122143015123456 251122143015",
            "1763822000123456",
            "pin block: ****************, cvv2: ***, cvv check failed 12",
            "41111111111111112222222222",
            "in/41111111-11111111.log:7",
            "",
        ] {
            assert_eq!(gate().search(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_was_met_is_hidden_wherever_it_stands() {
        let gate = gate();
        for (text, want) in [
            (
                "\"103\":\"6212340000001233\"",
                "\"103\":\"621234******1233\"",
            ),
            ("99621234000000123399", "99621234******123399"),
            ("62 12 34 00 00 00 12 33", "62 12 34 ** ** ** 12 33"),
            (
                "x36323132333430303030303031323333y",
                "x3632313233343*3*3*3*3*3*31323333y",
            ),
            ("4111111111111111", "4111111111111111"),
            ("6212340000001234", "6212340000001234"),
        ] {
            let mut masked = text.to_owned();
            gate.hide_met(&mut masked);
            assert_eq!(masked, want);
            if masked != text {
                assert_eq!(gate.search(masked.as_bytes()), None, "{masked}");
            }
        }
    }

    #[test]
    fn borders_hide_nothing_and_make_nothing_up() {
        let gate = gate();
        let text = format!("{} 4111111111111111 {}", "x".repeat(700), "y".repeat(700));
        for step in [1, 3, 7, 100, 256, 500, 1000] {
            let mut stream = Stream::new(&gate);
            text.as_bytes().chunks(step).for_each(|c| stream.push(c));
            assert_eq!(stream.finish(), Some(Leak::CardNumber), "{step}");
        }
        // A long run of digits that holds the form of a number is none, wherever it is cut.
        let digits = "0123456789".repeat(120) + "4111111111111111" + &"0123456789".repeat(90);
        for step in [300, 500, 777] {
            let mut stream = Stream::new(&gate);
            digits.as_bytes().chunks(step).for_each(|c| stream.push(c));
            assert_eq!(stream.finish(), None, "{step}");
        }
    }
}
