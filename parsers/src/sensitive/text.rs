//! Finds card numbers, tracks, PIN blocks and verification values in text.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::brands::{begins_with_time, is_card_number, numbers_in_run};
use super::labels::{self, Label};
use super::{Span, bytes, kept_digits};

/// Adds what is to be hidden of a text as it stands, as byte ranges; `hex` says whether hex strings are looked into (not twice: hex of hex is no rendering that logs use).
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
            words: Vec::new(),
            packed: Vec::new(),
            spans: Vec::new(),
            tail: Span { start: 0, end: 0 },
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

static OLDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("older"));
static NAME_ZH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("姓名"));

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
    let worth = OLDER.find(text).is_some() || NAME_ZH.find(text).is_some();
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
fn is_filler(b: u8) -> bool {
    matches!(b, b'*' | b'x' | b'X')
}

struct Scanner<'t, 'f> {
    text: &'t [u8],
    found: &'f mut Vec<Span>,
    hex: bool,
    /// Nibbles of the sequence at hand, and where each stands in the text.
    values: Vec<u8>,
    places: Vec<usize>,
    /// Words of the sequence at hand.
    words: Vec<(usize, usize)>,
    /// Buffers that are used again and again.
    packed: Vec<u8>,
    spans: Vec<Span>,
    /// The last run of what may stand in a track: tracks one behind the other share it.
    tail: Span,
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
        self.words.clear();
        self.words.push((start, end));
        let mut total = end - start;
        let mut last = (start, end);
        while let Some(next) = self.next_word(last.0, last.1) {
            total += next.1 - next.0;
            self.words.push(next);
            last = next;
        }
        let label = self.label(start, end);
        if self.words.len() == 1 || total < 13 || (total <= 16 && self.is_date()) {
            self.word(start, end, label);
            return end;
        }
        let words = std::mem::take(&mut self.words);
        self.values.clear();
        self.places.clear();
        for &(from, to) in &words {
            let digits = self.text.get(from..to).unwrap_or_default();
            self.values.extend(digits.iter().map(|&b| hex_value(b)));
            self.places.extend(from..to);
        }
        match label {
            Some(Label::Pan) => {
                let digits = self.values.iter().take_while(|&&v| v <= 9).count();
                if digits >= 8 {
                    self.hide_number(0, digits.min(19));
                }
            }
            Some(Label::Track) => self.hide_track_values(),
            Some(Label::Pin) if total.is_multiple_of(2) => self.hide(0, total),
            _ => {}
        }
        self.groups(&words);
        if self.hex {
            self.even_stretches(&words);
        }
        // Whole numbers among the words.
        for &(from, to) in &words {
            if to - from >= 12 {
                let label = self.label(from, to);
                self.word(from, to, label);
            }
        }
        self.words = words;
        last.1
    }

    /// The label of a word that is long enough for one to matter.
    fn label(&self, start: usize, end: usize) -> Option<Label> {
        let length = end - start;
        let matters =
            length >= 8 || (length >= 3 && self.count(start, u8::is_ascii_digit) >= length);
        matters.then(|| labels::before(self.text, start)).flatten()
    }

    /// `2025-11-22 14:30:15`: a date and a time are as long as a short number, and begin as none does.
    fn is_date(&self) -> bool {
        let [(start, end), month, day, ..] = *self.words.as_slice() else {
            return false;
        };
        let century = matches!(
            (self.byte(start), self.byte(start + 1)),
            (b'1', b'9') | (b'2', b'0')
        );
        century && end - start == 4 && month.1 - month.0 == 2 && day.1 - day.0 == 2
    }

    /// Looks into each longest stretch of words of one length in whole bytes, as hex is written; the last may be shorter.
    fn even_stretches(&mut self, words: &[(usize, usize)]) {
        let mut at = 0;
        let mut rest = words;
        while let Some(&(start, end)) = rest.first() {
            let length = end - start;
            let same = rest.iter().take_while(|(a, b)| b - a == length).count();
            let (stretch, mut after) = rest.split_at_checked(same).unwrap_or((rest, &[]));
            let mut nibbles = stretch.len() * length;
            if let Some((&(a, b), others)) = after.split_first()
                && b - a < length
                && (b - a) % 2 == 0
                && others.first().is_none_or(|&(c, d)| d - c != b - a)
            {
                nibbles += b - a;
                after = others;
            }
            if length % 2 == 0 {
                self.hex_string(at, at + nibbles);
            }
            at += nibbles;
            rest = after;
        }
    }

    /// Decimal groups with one kind of separator: 4-4-4-4, 4-6-5, 6-13 …
    fn groups(&mut self, words: &[(usize, usize)]) {
        let mut from = 0;
        for (i, &(start, end)) in words.iter().enumerate() {
            let mut length = end - start;
            if length < 4 {
                from += length;
                continue;
            }
            for &(start, end) in words.iter().skip(i + 1).take(4) {
                length += end - start;
                if length > 19 {
                    break;
                }
                if length >= 13 {
                    let digits = self.values.get(from..from + length).unwrap_or_default();
                    if digits.iter().all(|&d| d <= 9) && is_card_number(digits) {
                        self.hide_number(from, length);
                    }
                }
                // Only the last group may be shorter than four.
                if end - start < 4 {
                    break;
                }
            }
            from += end - start;
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
            Some(Label::Pan) if decimal >= 8 && !is_filler(self.byte(end)) => {
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
        let text = self.text;
        let word = text.get(start..end).unwrap_or_default();
        let is_hex = self.hex && (decimal < length || length > 19) && length >= 14;
        if is_hex {
            self.values.clear();
            self.values.extend(word.iter().map(|&b| hex_value(b)));
            self.places.clear();
            self.places.extend(start..end);
            let tail = word.iter().rev().take_while(|b| b.is_ascii_digit()).count();
            // `B4000000900000003^`: a letter and a number can look like objects too.
            if self.hex_string(0, length) && !matches!(length - tail, 1 | 2) {
                return;
            }
            let glued = start
                .checked_sub(1)
                .is_some_and(|at| self.byte(at).is_ascii_alphanumeric());
            if glued || length % 2 == 1 {
                self.hex_string(1, length);
            }
        }
        let mut at = start;
        for run in word.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
            if run.len() >= 12 && run.first().is_some_and(u8::is_ascii_digit) {
                self.run(at, run.len(), keep, is_hex && decimal < length);
            }
            at += run.len();
        }
    }

    /// One run of decimal digits, at least twelve.
    ///
    /// Within a hex string a long run counts only with a length before the number: what begins at a whole byte has been found before.
    fn run(&mut self, start: usize, length: usize, keep: bool, within_hex: bool) {
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
        numbers_in_run(&digits, 1, anywhere, |at, count, announced| {
            if within_hex && !announced && length > 19 {
                return;
            }
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
        if !(self.tail.start..self.tail.end).contains(&from) {
            let rest = self.count(from, |b| {
                b.is_ascii_alphanumeric() || matches!(b, b'=' | b'^')
            });
            self.tail = Span {
                start: from,
                end: from + rest,
            };
        }
        self.push(from, self.tail.end);
    }

    /// `6212340000**1234`: digits beyond the first six and the last four of a number that its source has masked too little.
    fn masked_too_little(&mut self, start: usize, end: usize) {
        let fillers = self.count(end, |&b| is_filler(b));
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
    ///
    /// True where they are a structure that accounts for each of them.
    fn hex_string(&mut self, from: usize, to: usize) -> bool {
        if to.saturating_sub(from) < 14 {
            return false;
        }
        let (pairs, _) = self
            .values
            .get(from..to)
            .unwrap_or_default()
            .as_chunks::<2>();
        self.packed.clear();
        self.packed
            .extend(pairs.iter().map(|[high, low]| (high << 4) | (low & 0xF)));
        self.spans.clear();
        let sure = bytes::in_bytes(&self.packed, &mut self.spans);
        for at in 0..self.spans.len() {
            if let Some(&Span { start, end }) = self.spans.get(at) {
                self.hide(from + start, from + end);
            }
        }
        sure
    }
}
