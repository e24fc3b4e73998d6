//! Finds card numbers, tracks, PIN blocks and verification values in text.

use super::brands::{begins_with_time, is_card_number, numbers_in_run};
use super::labels::{self, Label};
use super::{Span, bytes, kept_digits};

/// Adds what is to be hidden of a text (UTF-8 or any other superset of ASCII), as byte ranges.
pub fn in_text(text: &[u8], found: &mut Vec<Span>) {
    scan(text, found, true);
}

/// As [`in_text`]; `hex` says whether hex strings are looked into (not twice: hex of hex is no rendering that logs use).
pub(super) fn scan(text: &[u8], found: &mut Vec<Span>, hex: bool) {
    let digits: usize = text
        .chunks(255)
        .map(|chunk| {
            usize::from(
                chunk
                    .iter()
                    .map(|b| u8::from(b.is_ascii_digit()))
                    .sum::<u8>(),
            )
        })
        .sum();
    if digits >= 3 {
        let mut scanner = Scanner {
            text,
            found,
            hex,
            values: Vec::new(),
            places: Vec::new(),
        };
        let mut at = 0;
        while let Some(step) = text
            .get(at..)
            .and_then(|rest| rest.iter().position(u8::is_ascii_digit))
        {
            let digit = at + step;
            let start = scanner.word_start(digit, at);
            at = scanner.sequence(start).max(digit + 1);
        }
    }
    names(text, found);
}

/// A holder's name behind its label, up to the end of the value.
fn names(text: &[u8], found: &mut Vec<Span>) {
    const LABELS: [&[u8]; 6] = [
        "持卡人姓名".as_bytes(),
        b"older name",
        b"olderName",
        b"older_name",
        b"olderNm",
        b"older Name",
    ];
    // One cheap search decides for nearly all texts.
    let worth = memchr::memmem::find(text, b"older").is_some()
        || memchr::memmem::find(text, "姓名".as_bytes()).is_some();
    if !worth {
        return;
    }
    for label in LABELS {
        for at in memchr::memmem::find_iter(text, label) {
            let from = at + label.len();
            let lead = text.get(from..).map_or(0, |rest| {
                rest.iter()
                    .take_while(|b| {
                        matches!(
                            b,
                            b'"' | b'\'' | b':' | b'=' | b' ' | b'[' | b'>' | 0xEF | 0xBC | 0x9A
                        )
                    })
                    .count()
            });
            let start = from + lead;
            let length = text.get(start..).map_or(0, |rest| {
                rest.iter()
                    .take_while(|b| {
                        !matches!(
                            b,
                            b'"' | b'\''
                                | b','
                                | b';'
                                | b'|'
                                | b']'
                                | b'}'
                                | b'<'
                                | b'\n'
                                | b'\r'
                                | b'='
                        )
                    })
                    .count()
            });
            if lead > 0 && length > 0 {
                found.push(Span {
                    start,
                    end: start + length,
                });
            }
        }
    }
}

fn hex_value(b: u8) -> u8 {
    match b {
        b'0'..=b'9' => b - b'0',
        b'a'..=b'f' => b - b'a' + 10,
        b'A'..=b'F' => b - b'A' + 10,
        _ => 0xFF,
    }
}

/// What stands for a digit that the source has hidden.
fn is_filler(b: &u8) -> bool {
    matches!(b, b'*' | b'x' | b'X' | b'#')
}

struct Scanner<'t, 'f> {
    text: &'t [u8],
    found: &'f mut Vec<Span>,
    hex: bool,
    /// Nibbles of the sequence at hand, and where each stands in the text.
    values: Vec<u8>,
    places: Vec<usize>,
}

impl Scanner<'_, '_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn count(&self, from: usize, fits: impl Fn(&u8) -> bool) -> usize {
        self.text
            .get(from..)
            .map_or(0, |rest| rest.iter().take_while(|b| fits(b)).count())
    }

    /// Start of the run of hex digits around a digit, not before `floor`.
    fn word_start(&self, digit: usize, floor: usize) -> usize {
        let letters = self.text.get(floor..digit).map_or(0, |head| {
            head.iter()
                .rev()
                .take_while(|b| b.is_ascii_hexdigit())
                .count()
        });
        digit - letters
    }

    fn word_end(&self, start: usize) -> usize {
        start + self.count(start, u8::is_ascii_hexdigit)
    }

    /// The next run of hex digits, where only a separator stands between: ` `, `-`, NBSP, and between bytes also `:`, `,`, `, `, `0x`.
    fn next_word(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let pair = end - start == 2;
        let mut at = end;
        let mut only_pairs = false;
        for _ in 0..2 {
            match self.byte(at) {
                b' ' | b'-' => at += 1,
                b',' | b':' if pair => {
                    only_pairs = true;
                    at += 1;
                }
                0xC2 if self.byte(at + 1) == 0xA0 => at += 2,
                _ => break,
            }
        }
        if matches!(
            (self.byte(at), self.byte(at + 1)),
            (b'0' | b'\\', b'x' | b'X')
        ) {
            at += 2;
        } else if at == end {
            return None;
        }
        let next_end = self.word_end(at);
        let fits = next_end > at
            && !self.byte(next_end).is_ascii_alphanumeric()
            && (!only_pairs || next_end - at == 2);
        fits.then_some((at, next_end))
    }

    /// Deals with the word at `start` and those that follow it in the same layout; gives where to go on.
    fn sequence(&mut self, start: usize) -> usize {
        let end = self.word_end(start);
        let mut words = 1;
        let mut total = end - start;
        let mut even = total.is_multiple_of(2);
        let mut last = (start, end);
        while let Some(next) = self.next_word(last.0, last.1) {
            words += 1;
            total += next.1 - next.0;
            even &= (next.1 - next.0).is_multiple_of(2);
            last = next;
        }
        let label = labels::before(self.text, start);
        if words == 1 || total < 13 {
            self.word(start, end, label);
            return end;
        }
        self.values.clear();
        self.places.clear();
        let mut groups = Vec::with_capacity(words);
        let mut word = Some((start, end));
        while let Some((from, to)) = word {
            groups.push(self.values.len());
            for at in from..to {
                self.values.push(hex_value(self.byte(at)));
                self.places.push(at);
            }
            word = self.next_word(from, to);
        }
        groups.push(self.values.len());
        match label {
            Some(Label::Pan) => {
                let digits = self.values.iter().take_while(|&&v| v <= 9).count();
                if digits >= 8 {
                    self.hide_number(0, digits.min(19));
                }
            }
            Some(Label::Track) => self.hide_track_values(),
            Some(Label::Pin) if even => self.hide(0, self.values.len()),
            _ => {}
        }
        self.groups(&groups);
        if self.hex {
            self.even_stretches(&groups);
        }
        // Whole numbers among the words.
        let mut word = Some((start, end));
        while let Some((from, to)) = word {
            word = self.next_word(from, to);
            if to - from >= 12 {
                let label = labels::before(self.text, from);
                self.values.clear();
                self.places.clear();
                self.word(from, to, label);
            }
        }
        // What is glued to the last word (`=2512…` of a track) is dealt with by then.
        last.1
    }

    /// Looks into each longest stretch of words that are whole bytes.
    fn even_stretches(&mut self, groups: &[usize]) {
        let mut from = 0;
        for pair in groups.windows(2) {
            let &[start, end] = pair else { continue };
            if (end - start) % 2 == 1 {
                self.hex_string(from, start);
                from = end;
            }
        }
        self.hex_string(from, self.values.len());
    }

    /// Decimal groups with one kind of separator: 4-4-4-4, 4-6-5, 6-13 …
    fn groups(&mut self, groups: &[usize]) {
        for (i, &from) in groups.iter().enumerate() {
            for &to in groups.iter().skip(i + 2).take(5) {
                let length = to - from;
                if length > 19 {
                    break;
                }
                let digits = self.values.get(from..to).unwrap_or_default();
                if length >= 13 && digits.iter().all(|&d| d <= 9) && is_card_number(digits) {
                    self.hide_number(from, length);
                }
            }
        }
    }

    /// One run of hex digits.
    fn word(&mut self, start: usize, end: usize, label: Option<Label>) {
        let length = end - start;
        let decimal = self.count(start, u8::is_ascii_digit).min(length);
        match label {
            Some(Label::Cvv) if decimal == length && (3..=4).contains(&length) => {
                self.push(start, end);
            }
            Some(Label::Pin)
                if (decimal == length && (4..=12).contains(&length)) || length >= 14 =>
            {
                self.push(start, end);
            }
            Some(Label::Track) if length >= 8 => self.track(start, decimal),
            Some(Label::Pan) if decimal >= 8 && !is_filler(&self.byte(end)) => {
                let (first, last) = kept_digits(decimal);
                self.push(start + first, start + decimal - last);
            }
            _ => {}
        }
        self.masked_too_little(start, end);
        if length < 12 {
            return;
        }
        let keep = label == Some(Label::Keep);
        let mut at = start;
        while at < end {
            let run = self.count(at, u8::is_ascii_digit).min(end - at);
            if run >= 12 {
                self.run(at, run, keep);
            }
            at += run.max(1);
        }
        if self.hex && (decimal < length || length > 19) && length >= 14 {
            self.values.clear();
            self.places.clear();
            for place in start..end {
                self.values.push(hex_value(self.byte(place)));
                self.places.push(place);
            }
            self.hex_string(0, length);
            let glued = start
                .checked_sub(1)
                .is_some_and(|at| self.byte(at).is_ascii_alphanumeric());
            if glued || length % 2 == 1 {
                self.hex_string(1, length);
            }
        }
    }

    /// One run of decimal digits, at least twelve.
    fn run(&mut self, start: usize, length: usize, keep: bool) {
        let end = start + length;
        let follows = self.byte(end);
        let behind = self.count(end + 1, u8::is_ascii_digit);
        if follows == b'^' || (follows == b'=' && behind >= 7) {
            self.track(start, length);
            return;
        }
        let digits: Vec<u8> = self
            .text
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .map(|b| b - b'0')
            .collect();
        if matches!(follows, b'D' | b'd') && behind >= 7 && length <= 19 && is_card_number(&digits)
        {
            self.track(start, length);
            return;
        }
        if keep && (length <= 15 || begins_with_time(&digits)) {
            return;
        }
        let anywhere = !self.hex;
        let found = &mut *self.found;
        numbers_in_run(&digits, 1, anywhere, |at, count| {
            let (first, last) = kept_digits(count);
            found.push(Span {
                start: start + at + first,
                end: start + at + count - last,
            });
        });
    }

    /// Track 1 or 2 that begins with a number of `digits` digits; longer runs carry a length or other fields in front.
    fn track(&mut self, start: usize, digits: usize) {
        let end = start + digits;
        let shown = digits.min(19);
        let (first, last) = kept_digits(shown);
        if digits > 19 {
            // Which of the digits in front belong to the number is not known: fewer are shown.
            self.push(end - shown, end - last);
        } else {
            self.push(start + first, end - last);
        }
        let mut at = end;
        if self.byte(at) == b'^' {
            let name = self.count(at + 1, |b| !matches!(b, b'^' | b'?' | b'\n' | b'\r'));
            self.push(at + 1, at + 1 + name);
            at += 1 + name;
        }
        let expiry = self.count(at + 1, u8::is_ascii_digit).min(4);
        let from = at + 1 + expiry;
        let rest = self.count(from, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'=' | b'^')
        });
        self.push(from, from + rest);
    }

    /// `6212340000**1234`: digits beyond the first six and the last four of a number that its source has masked too little.
    fn masked_too_little(&mut self, start: usize, end: usize) {
        let fillers = self.count(end, is_filler);
        if fillers < 2 {
            return;
        }
        let tail = end + fillers;
        let behind = self.count(tail, u8::is_ascii_digit);
        let decimal = self.count(start, u8::is_ascii_digit).min(end - start);
        let total = end - start + fillers + behind;
        if decimal != end - start || !(10..=20).contains(&total) {
            return;
        }
        if decimal > 6 {
            self.push(start + 6, end);
        }
        if behind > 4 {
            self.push(tail, tail + behind - 4);
        }
    }

    fn push(&mut self, start: usize, end: usize) {
        let end = end.min(self.text.len());
        if start < end {
            self.found.push(Span { start, end });
        }
    }

    /// Hides nibbles of the sequence at hand.
    fn hide(&mut self, from: usize, to: usize) {
        for &place in self.places.get(from..to).unwrap_or_default() {
            match self.found.last_mut() {
                Some(span) if span.end == place => span.end += 1,
                _ => self.found.push(Span {
                    start: place,
                    end: place + 1,
                }),
            }
        }
    }

    fn hide_number(&mut self, from: usize, digits: usize) {
        let (first, last) = kept_digits(digits);
        self.hide(from + first, from + digits - last);
    }

    /// The sequence at hand is a track 2: number, `D`, expiry, the rest.
    fn hide_track_values(&mut self) {
        let digits = self.values.iter().take_while(|&&v| v <= 9).count();
        let length = self.values.len();
        if digits > 19 {
            self.hide(0, length);
        } else if digits >= 8 {
            self.hide_number(0, digits);
            self.hide(digits + 5, length);
        }
    }

    /// These nibbles of the sequence at hand are hex of bytes.
    fn hex_string(&mut self, from: usize, to: usize) {
        if to.saturating_sub(from) < 14 {
            return;
        }
        let packed: Vec<u8> = self
            .values
            .get(from..to)
            .unwrap_or_default()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[high, low]| high << 4 | low & 0xF)
            .collect();
        let mut spans = Vec::new();
        bytes::in_bytes(&packed, &mut spans);
        for span in spans {
            self.hide(from + span.start, from + span.end);
        }
    }
}
