//! Years for sources that say nothing of theirs: from the instants of the run's other sources.

use super::move_years;
use crate::event::{Events, Head};

/// Microseconds of a year, about.
const YEAR: i64 = 31_556_952_000_000;
/// The year that stands in where none is known is 1970; a turn or two may follow.
const STAND_IN: std::ops::Range<i64> = 0..3 * YEAR;

/// Moves the events of sources whose year is not known at all next to those of the others. Nothing changes where no source knows.
/// Events of a source stand together.
pub fn settle_years(events: &mut Events) {
    let mut known: Vec<i64> = events
        .heads()
        .iter()
        .filter(|event| !stands_in(event))
        .filter_map(|event| event.at().utc_micros)
        .collect();
    if known.is_empty() {
        return;
    }
    let middle = known.len() / 2;
    let (_, &mut median, _) = known.select_nth_unstable(middle);
    for of_source in events.heads_mut().chunk_by_mut(|a, b| a.source == b.source) {
        let Some(first) = of_source
            .iter()
            .find(|event| stands_in(event))
            .map(Head::at)
        else {
            continue;
        };
        let about = i16::try_from((median - first.utc_micros.unwrap_or(0)) / YEAR).unwrap_or(0);
        let best = (about - 1..=about + 1).min_by_key(|years| {
            move_years(first, *years)
                .utc_micros
                .map_or(i64::MAX, |micros| (micros - median).abs())
        });
        for event in of_source {
            if stands_in(event) {
                event.set_at(move_years(event.at(), best.unwrap_or(0)));
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
        settle_years(&mut events);
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
