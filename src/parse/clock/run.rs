//! Years for sources that say nothing of theirs: from the instants of the run's other sources.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::move_years;
use crate::event::{Events, Head, Source, Stamp};

/// Microseconds of a year, about.
const YEAR: i64 = 31_556_952_000_000;
/// The year that stands in where none is known is 1970; a turn or two may follow.
const STAND_IN: std::ops::Range<i64> = 0..3 * YEAR;

/// Bytes at the front of a source in which dates are looked for.
const HEAD: usize = 16 << 10;

/// The year of most dates (`2026-03-27`, `27/03/2026`) at the front of a source; of two as frequent the earlier: what lies ahead is an end
/// of validity.
#[must_use]
pub fn year_said(head: &[u8]) -> Option<i16> {
    let head = head.get(..HEAD).unwrap_or(head);
    let mark = |b: Option<&u8>| matches!(b, Some(b'-' | b'/' | b'.'));
    let digit = |at: Option<usize>| {
        let byte = at.and_then(|at| head.get(at));
        byte.is_some_and(u8::is_ascii_digit)
    };
    let mut years = BTreeMap::<i16, usize>::new();
    for at in memchr::memmem::find_iter(head, b"20") {
        let Some(&[_, _, tens @ b'0'..=b'9', ones @ b'0'..=b'9']) = head.get(at..at + 4) else {
            continue;
        };
        let before = at.checked_sub(1);
        let front = mark(head.get(at + 4)) && mark(head.get(at + 7)) && !digit(before);
        let back = mark(before.and_then(|at| head.get(at)))
            && mark(at.checked_sub(4).and_then(|at| head.get(at)))
            && !digit(Some(at + 4));
        if front || back {
            let year = 2000 + i16::from(tens - b'0') * 10 + i16::from(ones - b'0');
            *years.entry(year).or_default() += 1;
        }
    }
    most(&years)
}

/// The most frequent year, the earlier of two.
fn most(years: &BTreeMap<i16, usize>) -> Option<i16> {
    let most = years
        .iter()
        .max_by_key(|&(year, count)| (*count, Reverse(*year)));
    most.map(|(year, _)| *year)
}

/// Where times without a year belong.
enum Near {
    /// The middle of all times that are known.
    Instant(i64),
    /// What the texts speak of.
    Year(i16),
}

impl Near {
    /// How many years a source moves that begins at `first` of the stand-in year.
    fn years_from(&self, first: Stamp) -> i16 {
        let median = match *self {
            Self::Year(year) => return year - 1970,
            Self::Instant(median) => median,
        };
        let about = i16::try_from((median - first.utc_micros.unwrap_or(0)) / YEAR).unwrap_or(0);
        let best = (about - 1..=about + 1).min_by_key(|years| {
            move_years(first, *years)
                .utc_micros
                .map_or(i64::MAX, |micros| (micros - median).abs())
        });
        best.unwrap_or(0)
    }
}

/// Moves the events of sources whose year is not known at all next to those of the others, or into the year that the sources' texts
/// speak of. Nothing changes where nothing tells. Events of a source stand together.
pub fn settle_years(events: &mut Events, sources: &[Source]) {
    let mut known: Vec<i64> = events
        .heads()
        .iter()
        .filter(|event| !stands_in(event))
        .filter_map(|event| event.at().utc_micros)
        .collect();
    let near = if known.is_empty() {
        let mut years = BTreeMap::<i16, usize>::new();
        for year in sources.iter().filter_map(|source| source.year_said) {
            *years.entry(year).or_default() += 1;
        }
        let Some(year) = most(&years) else {
            return;
        };
        Near::Year(year)
    } else {
        let middle = known.len() / 2;
        Near::Instant(*known.select_nth_unstable(middle).1)
    };
    for of_source in events.heads_mut().chunk_by_mut(|a, b| a.source == b.source) {
        let Some(first) = of_source
            .iter()
            .find(|event| stands_in(event))
            .map(Head::at)
        else {
            continue;
        };
        let years = near.years_from(first);
        for event in of_source {
            if stands_in(event) {
                event.set_at(move_years(event.at(), years));
            }
        }
    }
}

fn stands_in(event: &Head) -> bool {
    let at = event.at();
    at.quality.year_inferred
        && at
            .utc_micros
            .is_some_and(|micros| STAND_IN.contains(&micros))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Field, FieldState, Keys, Payload, Place, Stamp, Text, TimeQuality};

    fn event(source: u32, time: &str, year_inferred: bool) -> Event {
        Event {
            source,
            place: Place::Line(1),
            at: Stamp {
                utc_micros: Some(time.parse::<jiff::Timestamp>().unwrap().as_microsecond()),
                quality: TimeQuality {
                    year_inferred,
                    ..TimeQuality::default()
                },
            },
            lane: 0,
            keys: Keys::default(),
            payload: Payload::Nfc(Box::new(Field {
                state: FieldState::On,
                uid: None,
                sak: None,
                phone_hint: false,
                text: Text::default(),
            })),
        }
    }

    fn settled(times: &[(u32, &str, bool)]) -> Vec<String> {
        let mut events: Events = times
            .iter()
            .map(|&(source, time, year_inferred)| event(source, time, year_inferred))
            .collect();
        settle_years(&mut events, &[]);
        events
            .iter()
            .map(|e| {
                jiff::Timestamp::from_microsecond(e.at.utc_micros.unwrap())
                    .unwrap()
                    .to_string()
            })
            .collect()
    }

    #[test]
    fn dates_in_a_text_tell_its_year() {
        for (text, want) in [
            (
                "exported 2026-09-02, valid until 2031-01-14, 2026-09-01",
                Some(2026),
            ),
            ("27/03/2026 phi\u{1ebf}u", Some(2026)),
            ("2030-12-31;2025-06-01", Some(2025)),
            ("amount 2026, serial 2026-1190-20", None),
            ("07-15 10:00:00", None),
        ] {
            assert_eq!(year_said(text.as_bytes()), want, "{text}");
        }
        let mut events: Events = [event(0, "1970-12-31T23:00:00Z", true)]
            .into_iter()
            .collect();
        let mut source = crate::source::unreadable(Text::default());
        source.year_said = Some(2026);
        settle_years(&mut events, &[source]);
        let at = events.get(0).at.utc_micros.unwrap();
        assert_eq!(
            jiff::Timestamp::from_microsecond(at).unwrap().to_string(),
            "2026-12-31T23:00:00Z"
        );
    }

    #[test]
    fn sources_without_a_year_move_next_to_the_others() {
        let known = settled(&[
            (0, "2026-01-02T00:00:00Z", false),
            (1, "1970-12-31T23:00:00Z", true),
            (1, "1971-01-01T01:00:00Z", true),
            (2, "2025-12-31T23:00:00Z", true),
        ]);
        assert_eq!(
            known,
            [
                "2026-01-02T00:00:00Z",
                "2025-12-31T23:00:00Z",
                "2026-01-01T01:00:00Z",
                "2025-12-31T23:00:00Z"
            ]
        );
        let alone = settled(&[(0, "1970-12-31T23:00:00Z", true)]);
        assert_eq!(alone, ["1970-12-31T23:00:00Z"]);
    }
}
