//! Packs what all failed attempts can be filtered by into a few bits each, so that a page's figures hold for a whole run, not only for the transactions that it can show.

use base64::Engine as _;
use base64::alphabet::{self, Alphabet};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use serde_json::{Map, Value, json};

use crate::report::failures::{DIMENSIONS, Failure, Failures, Names, PLACES};
use crate::report::overview::Overview;

/// Failed attempts beyond this are thinned out evenly, and the page says so.
const ATTEMPTS: usize = 200_000;
/// Names of one dimension, the most failing first; the rest is "other".
const NAMES: usize = 16_383;
/// Bytes that the names of all dimensions may take.
const NAME_BYTES: usize = 500_000;
/// Times are told apart this well: as many steps as fit into 18 bits.
const INSTANTS: i64 = (1 << 18) - 2;
/// Steps in which all attempts are counted, so that a page can say which share failed.
const STEPS: i64 = 1_500;

/// None of them means anything in JSON or markup.
const SIGNS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%()*+-./~";

/// What the page's script counts: `{"n", "every", "time", "dims", "bits"}`.
pub(super) fn pack(overview: &Overview) -> Value {
    let failures = &overview.failures;
    let every = failures.list.len().div_ceil(ATTEMPTS).max(1);
    let picked: Vec<&Failure> = failures.list.iter().step_by(every).collect();
    let clock = Clock::new(overview.period());
    let mut bits = Bits::default();
    let unit = clock.unit_seconds;
    let instants: Vec<u32> = picked.iter().map(|f| clock.instant(f.at)).collect();
    let time = json!({
        "start": clock.start, "unit": unit, "width": bits.column(&instants), "last": clock.last,
        "step": clock.step_seconds, "attempts": clock.attempts(failures),
    });
    let mut dimensions = Map::new();
    for (index, dimension) in DIMENSIONS.into_iter().enumerate() {
        let Some(names) = failures.names.get(index) else {
            continue;
        };
        let kept = Kept::new(names);
        let numbers: Vec<u32> = picked
            .iter()
            .map(|f| kept.number(f.of.get(index).copied().flatten()))
            .collect();
        let mut entry =
            json!({"names": kept.names, "width": bits.column(&numbers), "other": kept.other});
        if PLACES.contains(&index) {
            entry["attempts"] = json!(kept.attempts);
        }
        dimensions.insert(dimension.to_owned(), entry);
    }
    json!({
        "n": picked.len(), "failed": failures.list.len(), "every": every, "time": time, "dims": dimensions,
        "bits": signs(&bits.bytes),
    })
}

/// As base 64, but without digits: nobody who searches the page for card numbers stumbles over it.
fn signs(bytes: &[u8]) -> String {
    let alphabet = Alphabet::new(SIGNS).unwrap_or(alphabet::URL_SAFE);
    let engine = GeneralPurpose::new(&alphabet, NO_PAD);
    // Whole groups of three bytes: the page's script knows no others.
    let mut whole = bytes.to_vec();
    whole.resize(bytes.len().next_multiple_of(3), 0);
    engine.encode(whole)
}

/// Numbers of equal width, one after another, lowest bit first; each column starts at a byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
}

impl Bits {
    /// Appends a column; returns its width in bits.
    fn column(&mut self, numbers: &[u32]) -> u32 {
        let top = numbers.iter().copied().max().unwrap_or(0);
        let width = u32::BITS - top.leading_zeros();
        let (mut pending, mut held) = (0_u64, 0_u32);
        for number in numbers {
            pending |= u64::from(*number) << held;
            held += width;
            while held >= 8 {
                self.bytes.push((pending & 0xFF) as u8);
                pending >>= 8;
                held -= 8;
            }
        }
        if held > 0 {
            self.bytes.push((pending & 0xFF) as u8);
        }
        width
    }
}

/// How times become small numbers: 0 is "no time, or far outside of the period".
struct Clock {
    start: i64,
    last: i64,
    unit_seconds: i64,
    step_seconds: i64,
    known: bool,
}

impl Clock {
    fn new(period: Option<(i64, i64)>) -> Self {
        let (first, last) = period.unwrap_or((0, 0));
        let span = last.saturating_sub(first) / 1_000_000;
        let smallest = |limit: i64| {
            [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 21_600, 86_400]
                .into_iter()
                .find(|unit| span / unit < limit - 2)
                .unwrap_or(span / (limit - 2) + 1)
        };
        let step_seconds = smallest(STEPS);
        let step = step_seconds.saturating_mul(1_000_000);
        Self {
            start: first.div_euclid(step).saturating_mul(step),
            last,
            unit_seconds: smallest(INSTANTS),
            step_seconds,
            known: period.is_some(),
        }
    }

    fn place(&self, at: i64, seconds: i64) -> Option<u32> {
        let inside = self.known && at >= self.start && at <= self.last;
        let steps = at.saturating_sub(self.start) / seconds.saturating_mul(1_000_000);
        inside.then(|| u32::try_from(steps).ok()).flatten()
    }

    fn instant(&self, at: Option<i64>) -> u32 {
        let place = at.and_then(|at| self.place(at, self.unit_seconds));
        place.map_or(0, |place| place.saturating_add(1))
    }

    /// All attempts of each step.
    fn attempts(&self, failures: &Failures) -> Vec<u64> {
        let mut counts = Vec::new();
        for (at, _) in &failures.starts {
            let Some(place) = self.place(*at, self.step_seconds) else {
                continue;
            };
            let place = place as usize;
            if counts.len() <= place {
                counts.resize(place + 1, 0);
            }
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        counts
    }
}

/// The names that a page holds of one dimension: only those that failed, most first.
struct Kept {
    names: Vec<String>,
    attempts: Vec<u64>,
    /// New number of each old one; 0 is none.
    numbers: Vec<u32>,
    /// Names that were left out; together they are the number after the last.
    other: usize,
}

impl Kept {
    fn new(names: &Names) -> Self {
        let mut kept = Self {
            names: Vec::new(),
            attempts: Vec::new(),
            numbers: vec![0; names.list.len()],
            other: 0,
        };
        let failed = |number: &u32| {
            names
                .tallies
                .get(*number as usize)
                .is_some_and(|tally| tally.failed > 0)
        };
        let mut bytes = 0;
        for number in names.ranking().into_iter().filter(failed) {
            let name = names.name(number);
            bytes += name.len() + 8;
            if kept.names.len() < NAMES && bytes * DIMENSIONS.len() < NAME_BYTES * 2 {
                kept.names.push(name.to_owned());
                let tally = names.tallies.get(number as usize);
                kept.attempts.push(tally.map_or(0, |t| t.attempts));
            } else {
                kept.other += 1;
            }
            let new = kept.names.len() + usize::from(kept.other > 0);
            if let Some(slot) = kept.numbers.get_mut(number as usize) {
                *slot = u32::try_from(new).unwrap_or(0);
            }
        }
        kept
    }

    fn number(&self, old: Option<u32>) -> u32 {
        old.and_then(|old| self.numbers.get(old as usize))
            .copied()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bits, Clock, signs};

    #[test]
    fn packed_bits_hold_no_digit() {
        let all: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        let text = signs(&all);
        assert!(!text.contains(|c: char| c.is_ascii_digit() || "<>&\"'\\".contains(c)));
        // 111111 111111 000000 000001
        assert_eq!(signs(&[0xFF, 0xF0, 0x01]), "~~AB");
        assert_eq!(signs(&[0, 0, 0]), "AAAA");
    }

    #[test]
    fn columns_are_packed_without_gaps() {
        let mut bits = Bits::default();
        // 3 bits each: 101 001 111 → 1 1100 1101, lowest bit first.
        assert_eq!(bits.column(&[5, 1, 7]), 3);
        assert_eq!(bits.bytes, [0b1100_1101, 0b1]);
        assert_eq!(
            bits.column(&[0, 0]),
            0,
            "nothing to tell apart takes nothing"
        );
        assert_eq!(bits.column(&[256]), 9);
        assert_eq!(bits.bytes, [0b1100_1101, 0b1, 0, 1]);
    }

    #[test]
    fn a_day_is_told_by_the_second_and_counted_by_the_minute() {
        let second = 1_000_000;
        let clock = Clock::new(Some((61 * second, 86_400 * second)));
        assert_eq!(
            (clock.start, clock.unit_seconds, clock.step_seconds),
            (60 * second, 1, 60)
        );
        assert_eq!(clock.instant(Some(61 * second)), 2);
        assert_eq!(clock.instant(None), 0);
        assert_eq!(
            clock.instant(Some(90_000 * second)),
            0,
            "outside of the period"
        );
        assert_eq!(Clock::new(None).instant(Some(5)), 0);
    }
}
