//! Finds where a source's clock was set while it wrote, and moves what it wrote with a dead clock next to what followed.

use crate::event::{Events, Place};

/// Nothing that is analysed happened before 2005: such a clock lost its battery.
const DEAD: i64 = 1_104_537_600_000_000;
/// A second.
const SECOND: i64 = 1_000_000;
/// Lines of other threads come late by less than this.
const LATE: i64 = 120 * SECOND;
/// Events after a step back that must all lie behind it.
const SURE: usize = 3;

/// A step of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// The first event after it.
    pub place: Place,
    /// By how much, in microseconds; negative where the clock was put back.
    pub micros: i64,
    /// True where what was written before was moved.
    pub mended: bool,
}

/// The steps of one source's clock, whose events are in the order of their places. A dead clock's events are moved to where the clock
/// was set, in their own rhythm, and marked: their date is inferred.
pub fn settle_jumps(events: &mut Events) -> Vec<Jump> {
    let mut jumps = Vec::new();
    let times: Vec<(Place, i64)> = events
        .heads()
        .iter()
        .filter(|head| !head.at().quality.year_inferred && !head.at().quality.date_inferred)
        .filter_map(|head| Some((head.place(), head.at().utc_micros?)))
        .collect();
    for (index, pair) in times.windows(2).enumerate() {
        let [(_, before), (place, after)] = pair else {
            continue;
        };
        let step = after - before;
        if *before < DEAD && *after >= DEAD {
            mend(events, *place, *before, step);
            jumps.push(Jump {
                place: *place,
                micros: step,
                mended: true,
            });
        } else if step < -LATE {
            let behind = times
                .get(index + 2..)
                .unwrap_or_default()
                .iter()
                .take(SURE)
                .all(|(_, at)| *at < before - LATE);
            if behind {
                jumps.push(Jump {
                    place: *place,
                    micros: step,
                    mended: false,
                });
            }
        }
    }
    jumps
}

/// Moves the events of a dead clock that stand before a place.
fn mend(events: &mut Events, until: Place, last: i64, step: i64) {
    for head in events.heads_mut() {
        if head.place() >= until {
            break;
        }
        let mut at = head.at();
        if let Some(micros) = at
            .utc_micros
            .filter(|micros| *micros <= last.max(0) && *micros < DEAD)
        {
            at.utc_micros = Some(micros + step);
            at.quality.date_inferred = true;
            head.set_at(at);
        }
    }
}
