//! Turns times as written into instants with a quality: years, dates and zones that a log leaves out are inferred and marked.
//!
//! Blocks of one file are parsed in parallel. Each block keeps a [`BlockClock`], which sees the block's times in order and counts
//! roll-overs (New Year in logs without years, midnight in logs without dates); its [`BlockSpan`] is what the file-level pass needs.
//! [`Calendar::new`] looks at all spans in order and decides year, date order and zone once; [`Calendar::resolve`] is then a pure
//! function of block and time, O(1), in any order and from any thread.

mod jumps;
mod run;
mod source;
mod told;

pub use jumps::{Jump, settle_jumps};
pub use run::{settle_years, year_said};
pub use source::{SourceClock, survey};

use crate::event::{Stamp, TimeQuality};
use crate::plan::Plan;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use tapscope_parsers::time::{RawTime, zone_name_offset};

/// A time of one record, with what its block knew about the way there. Eight bytes more than the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// As written; `None` where no record of the block had a time yet.
    pub raw: Option<RawTime>,
    /// Roll-overs in this block so far.
    pub turns: i32,
    /// The record has no time of its own: `raw` is that of the record before.
    pub inherited: bool,
    /// The clock went back by an hour earlier that day: what it says twice is meant for the second time.
    pub again: bool,
}

/// Sees the times of one block in the order of its records.
#[derive(Debug, Clone, Default)]
pub struct BlockClock {
    /// The last time that was no late line, and the turns up to it.
    last: Option<RawTime>,
    turns: i32,
    /// The day on which the clock went back by an hour.
    again: Option<(u8, u8)>,
    /// What the last record with a time got: what those without one inherit.
    before: Option<Written>,
    span: BlockSpan,
}

/// What the file-level pass needs to know of a block.
#[derive(Debug, Clone, Copy, Default)]
pub struct BlockSpan {
    first: Option<RawTime>,
    last: Option<RawTime>,
    turns: i32,
    /// First written year, and the turns before it.
    year: Option<(i16, i32)>,
    /// What the last record got.
    tail: Option<Written>,
    /// The day on which the clock went back by an hour.
    again: Option<(u8, u8)>,
    order: OrderEvidence,
}

/// True where a time is of that day.
fn is_that_day(day: Option<(u8, u8)>, raw: Option<RawTime>) -> bool {
    day.is_some() && raw.is_some_and(|raw| raw.month_day == day)
}

/// True where a clock that is set to winter time went back: by an hour (half an hour on Lord Howe), the lines before and behind it being some
/// minutes apart. Only zones that have an hour twice make use of it.
fn went_back(last: &RawTime, next: &RawTime) -> bool {
    const MINUTE: i64 = 60_000_000_000;
    last.month_day == next.month_day
        && last.year == next.year
        && last.month_day.is_some()
        && (10 * MINUTE..=61 * MINUTE).contains(&(last.nanos_of_day() - next.nanos_of_day()))
}

/// What speaks for one order of `a/b` dates or `a-b-c` dates.
#[derive(Debug, Clone, Copy, Default)]
struct OrderEvidence {
    first: Option<[u8; 3]>,
    last: Option<[u8; 3]>,
    changes: [u32; 3],
    largest: [u8; 3],
    /// Dates that only fit day first, and only month first.
    told: [u32; 2],
}

impl BlockClock {
    /// The next record's time; `None` where it has none.
    pub fn see(&mut self, raw: Option<RawTime>) -> Written {
        let Some(raw) = raw else {
            return Written {
                inherited: true,
                ..self.before.unwrap_or_default()
            };
        };
        let mut turn = 0;
        if raw.is_civil() {
            if let Some(last) = self.last {
                turn = turn_between(&last, &raw);
                if went_back(&last, &raw) {
                    self.again = raw.month_day;
                }
            }
            // A late line from just before the roll-over belongs there, and does not turn the clock back.
            if turn >= 0 {
                self.turns += turn;
                self.last = Some(raw);
            }
            self.span.first = self.span.first.or(Some(raw));
            self.span.order.see(&raw);
            if let (Some(year), None) = (raw.year, self.span.year) {
                self.span.year = Some((year, self.turns));
            }
        }
        let written = Written {
            raw: Some(raw),
            turns: self.turns + turn.min(0),
            inherited: false,
            again: self.again.is_some() && self.again == raw.month_day,
        };
        self.before = Some(written);
        written
    }

    /// Ends the block.
    #[must_use]
    pub fn finish(mut self) -> BlockSpan {
        self.span.turns = self.turns;
        self.span.last = self.last;
        self.span.tail = self.before;
        self.span.again = self.again;
        self.span
    }
}

/// +1 where a roll-over lies between two neighbouring times, -1 where the second is a late line from before one, 0 otherwise.
fn turn_between(last: &RawTime, next: &RawTime) -> i32 {
    const HOUR: i64 = 3_600_000_000_000;
    match (last.month_day, next.month_day) {
        (Some((last_month, last_day)), Some((month, day)))
            if last.year.is_none() && next.year.is_none() =>
        {
            let back = i32::from(last_month) - i32::from(month);
            // A battery that died sets a device to 1 January: that is no New Year, unless it comes from November or later.
            let reset = month == 1 && day <= 2 && last_month < 11;
            if back >= 6 && !reset {
                1
            } else if (last_month, last_day) == (1, 1) && (month, day) == (12, 31) {
                -1
            } else {
                0
            }
        }
        (None, None) => {
            let step = next.nanos_of_day() - last.nanos_of_day();
            // Clocks are set back by an hour for winter, or by a little; not by three hours.
            if step < -3 * HOUR {
                1
            } else if step > 23 * HOUR + HOUR / 2 {
                -1
            } else {
                0
            }
        }
        _ => 0,
    }
}

impl OrderEvidence {
    fn see(&mut self, raw: &RawTime) {
        match raw.day_first {
            Some(true) => self.told[0] += 1,
            Some(false) => self.told[1] += 1,
            None => {}
        }
        let parts = match (raw.short_date, raw.month_day, raw.ambiguous_order) {
            (Some(parts), ..) => parts,
            (None, Some((month, day)), true) => [month, day, 0],
            _ => return,
        };
        self.step(parts);
        for (largest, part) in self.largest.iter_mut().zip(parts) {
            *largest = (*largest).max(part);
        }
        self.first = self.first.or(Some(parts));
        self.last = Some(parts);
    }

    /// Counts which parts change from the last date to this one.
    fn step(&mut self, parts: [u8; 3]) {
        if let Some(last) = self.last {
            for ((count, a), b) in self.changes.iter_mut().zip(parts).zip(last) {
                *count += u32::from(a != b);
            }
        }
    }

    /// Goes on with the next block's evidence.
    fn join(&mut self, next: &Self) {
        if let Some(first) = next.first {
            self.step(first);
        }
        for (a, b) in self.changes.iter_mut().zip(next.changes) {
            *a += b;
        }
        for (a, b) in self.largest.iter_mut().zip(next.largest) {
            *a = (*a).max(b);
        }
        for (a, b) in self.told.iter_mut().zip(next.told) {
            *a += b;
        }
        self.first = self.first.or(next.first);
        self.last = next.last.or(self.last);
    }
}

/// How dates of two-digit parts are to be read in this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// As the grammar read them: nothing in the file speaks for another order.
    #[default]
    AsWritten,
    /// Day, month, year.
    DayMonthYear,
    /// Month, day, year.
    MonthDayYear,
    /// Year, month, day.
    YearMonthDay,
}

/// What is known from outside the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints {
    /// Year, for files without one: of the run's other sources, or of the file's name (see [`date_in_name`]).
    pub year: Option<i16>,
    /// Date, for files without dates.
    pub date: Option<(i16, u8, u8)>,
}

/// Where a file's year came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YearOrigin {
    /// Written in the file, or not needed.
    Written,
    /// Given by option.
    Option,
    /// From another line of the file, its name, or other sources.
    Inferred,
    /// Nothing said anything: 1970 stands in for it. [`move_years`] can mend it later.
    Unknown,
}

/// Resolves the times of one file.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: Option<TimeZone>,
    /// Year of the first record without one.
    year: i16,
    year_origin: YearOrigin,
    /// Date of the first record without one.
    date: Option<Date>,
    /// When the device started, for times since then, in microseconds.
    started: Option<i64>,
    order: DateOrder,
    order_open: bool,
    /// Turns before each block, what the last record before it got, with all turns, and the day on which the clock had gone back.
    blocks: Vec<(i32, Option<Written>, Option<(u8, u8)>)>,
}

impl Calendar {
    /// Decides what the file leaves out. `spans` are its blocks in order.
    #[must_use]
    pub fn new(plan: &Plan, hints: Hints, spans: &[BlockSpan]) -> Self {
        let mut blocks = Vec::with_capacity(spans.len());
        let mut turns = 0;
        let mut last: Option<RawTime> = None;
        let mut tail: Option<Written> = None;
        let mut again: Option<(u8, u8)> = None;
        let mut order = OrderEvidence::default();
        let mut written_year = None;
        for span in spans {
            if let (Some(last), Some(first)) = (last, span.first) {
                // Less than zero where the block begins with a late line: its own first turn makes up for it.
                turns += turn_between(&last, &first);
                if went_back(&last, &first) {
                    again = first.month_day;
                }
            }
            blocks.push((turns, tail, again));
            if let (Some((year, before)), None) = (span.year, written_year) {
                written_year = Some(year - i16::try_from(turns + before).unwrap_or(0));
            }
            order.join(&span.order);
            tail = span.tail.map_or(tail, |written| {
                Some(Written {
                    turns: turns + written.turns,
                    again: written.again || is_that_day(again, written.raw),
                    ..written
                })
            });
            again = span.again.or(again);
            turns += span.turns;
            last = span.last.or(last);
        }
        let (year, year_origin) = if let Some(year) = plan.year {
            // The option names the year of the file's first record.
            (year, YearOrigin::Option)
        } else if let Some(year) = written_year.or(hints.year).or(hints.date.map(|d| d.0)) {
            (year, YearOrigin::Inferred)
        } else {
            (1970, YearOrigin::Unknown)
        };
        let date = hints.date.and_then(|(y, m, d)| civil_date(y, m, d));
        let (order, order_open) = decide_order(&order, hints.year.or(plan.year));
        Self {
            zone: plan.zone.clone(),
            year,
            year_origin,
            date,
            started: None,
            order,
            order_open,
            blocks,
        }
    }

    /// Places times since the start by the instant of the start, which the file tells as a time of day and date.
    fn start_at(&mut self, start: Option<(RawTime, i64)>) {
        let mut quality = TimeQuality::default();
        self.started = start.and_then(|(raw, before)| {
            let at = self.civil(&raw, 0, false, &mut quality)?;
            Some(at - before.div_euclid(1000))
        });
    }

    /// Where the year of records without one came from.
    #[must_use]
    pub const fn year_origin(&self) -> YearOrigin {
        self.year_origin
    }

    /// True where a date is known for records without one.
    #[must_use]
    pub const fn is_dated(&self) -> bool {
        self.date.is_some()
    }

    /// True where day and month could be the other way round in this file and nothing decides: worth an issue.
    #[must_use]
    pub const fn order_is_open(&self) -> bool {
        self.order_open
    }

    /// Forgets the blocks that it was made from, and keeps what they decided: for a source that is then read from its start.
    fn start_again(&mut self) {
        self.blocks = vec![(0, None, None)];
    }

    /// The instant of a record of the given block.
    #[must_use]
    pub fn resolve(&self, block: usize, written: Written) -> Stamp {
        let (before, earlier, back) = self.blocks.get(block).copied().unwrap_or_default();
        let mut quality = TimeQuality {
            inherited: written.inherited,
            ..TimeQuality::default()
        };
        let (raw, turns, again) = match (written.raw, earlier) {
            (Some(raw), _) => (
                raw,
                before + written.turns,
                written.again || is_that_day(back, Some(raw)),
            ),
            (
                None,
                Some(Written {
                    raw: Some(raw),
                    turns,
                    again,
                    ..
                }),
            ) => (raw, turns, again),
            _ => {
                return Stamp {
                    quality,
                    ..Stamp::UNKNOWN
                };
            }
        };
        quality.resolution_micros = (raw.resolution_nanos / 1000).max(1);
        let utc_micros = if let Some(nanos) = raw.epoch_nanos {
            Some(nanos.div_euclid(1000))
        } else if raw.is_civil() {
            self.civil(&raw, turns, again, &mut quality)
        } else {
            quality.date_inferred = true;
            let since = raw.uptime_nanos.map(|nanos| nanos.div_euclid(1000));
            self.started.zip(since).map(|(start, since)| start + since)
        };
        Stamp {
            utc_micros,
            quality,
        }
    }

    fn civil(
        &self,
        raw: &RawTime,
        turns: i32,
        again: bool,
        quality: &mut TimeQuality,
    ) -> Option<i64> {
        let date = self.date(raw, turns, quality)?;
        let nanos = i32::try_from(raw.nanos).ok()?;
        // A leap second is the last second of its minute here.
        let time = Time::new(
            i8::try_from(raw.hour).ok()?,
            i8::try_from(raw.minute).ok()?,
            i8::try_from(raw.second.min(59)).ok()?,
            nanos,
        )
        .ok()?;
        let civil = DateTime::from_parts(date, time);
        let named = raw.zone_name.as_ref();
        let offset = raw
            .offset_seconds
            .or_else(|| named.and_then(|name| zone_name_offset(name)));
        if let Some(seconds) = offset {
            return micros(Offset::from_seconds(seconds).ok()?, civil);
        }
        if let Some(zone) = &self.zone {
            let instant = zone.to_ambiguous_timestamp(civil);
            let twice = matches!(instant.offset(), jiff::tz::AmbiguousOffset::Fold { .. });
            let instant = if again && twice {
                instant.later()
            } else {
                instant.compatible()
            };
            return instant.ok().map(jiff::Timestamp::as_microsecond);
        }
        quality.zone_assumed = true;
        // CST is China's in the logs of payment terminals far more often than North America's.
        let china = named.is_some_and(|name| name.starts_with(b"CST\0"));
        let seconds = if china { 8 * 3600 } else { 0 };
        micros(Offset::from_seconds(seconds).ok()?, civil)
    }

    fn date(&self, raw: &RawTime, turns: i32, quality: &mut TimeQuality) -> Option<Date> {
        let Some((month, day)) = raw.month_day else {
            quality.date_inferred = true;
            // Turns are midnights here.
            return self
                .date?
                .checked_add(jiff::Span::new().try_days(turns).ok()?)
                .ok();
        };
        let (year, month, day) = match (raw.short_date, raw.ambiguous_order) {
            (Some([a, b, c]), _) => match self.order {
                DateOrder::AsWritten => (raw.year, month, day),
                DateOrder::DayMonthYear => (Some(2000 + i16::from(c)), b, a),
                DateOrder::MonthDayYear => (Some(2000 + i16::from(c)), a, b),
                DateOrder::YearMonthDay => (Some(2000 + i16::from(a)), b, c),
            },
            (None, true) if self.order == DateOrder::DayMonthYear => (raw.year, day, month),
            _ => (raw.year, month, day),
        };
        let year = year.unwrap_or_else(|| {
            quality.year_inferred = true;
            self.year.saturating_add(i16::try_from(turns).unwrap_or(0))
        });
        civil_date(year, month, day)
            // 29 February in an inferred year that has none.
            .or_else(|| {
                (quality.year_inferred && (month, day) == (2, 29))
                    .then(|| civil_date(year, 3, 1))?
            })
    }
}

fn civil_date(year: i16, month: u8, day: u8) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn micros(offset: Offset, civil: DateTime) -> Option<i64> {
    offset
        .to_timestamp(civil)
        .ok()
        .map(jiff::Timestamp::as_microsecond)
}

/// Values above 12 decide; else the part that changes most often is the day; else the known year.
fn decide_order(seen: &OrderEvidence, year: Option<i16>) -> (DateOrder, bool) {
    if seen.first.is_none() {
        return (DateOrder::AsWritten, false);
    }
    let [a, b, c] = seen.largest;
    let [change_a, change_b, change_c] = seen.changes;
    if c == 0 {
        match seen.told {
            [0, 0] => {}
            [day, month] if day > month => return (DateOrder::DayMonthYear, false),
            [day, month] if day < month => return (DateOrder::MonthDayYear, false),
            _ => return (DateOrder::AsWritten, true),
        }
        // Two parts and a four-digit year, each at most 12 where the order is open.
        return match change_a.cmp(&change_b) {
            std::cmp::Ordering::Greater => (DateOrder::DayMonthYear, false),
            std::cmp::Ordering::Less => (DateOrder::MonthDayYear, false),
            std::cmp::Ordering::Equal => (DateOrder::AsWritten, true),
        };
    }
    if b > 12 {
        return (DateOrder::MonthDayYear, false);
    }
    if c > 31 {
        return if a > 12 || change_a > change_b {
            (DateOrder::DayMonthYear, false)
        } else {
            (DateOrder::AsWritten, true)
        };
    }
    if a > 31 || change_c > change_a {
        return (DateOrder::YearMonthDay, false);
    }
    if change_a > change_c {
        return (DateOrder::DayMonthYear, false);
    }
    match year.map(|y| y.rem_euclid(100)) {
        Some(y) if y == i16::from(c) && y != i16::from(a) => (DateOrder::DayMonthYear, false),
        Some(y) if y == i16::from(a) && y != i16::from(c) => (DateOrder::YearMonthDay, false),
        // Contactless terminals keep logs since 2012 or so: `26-02-08` is not of 2008.
        _ if a >= 15 && c < 12 => (DateOrder::YearMonthDay, false),
        _ if c >= 15 && a < 12 => (DateOrder::DayMonthYear, false),
        // Of two years that could be, the later by far: logs are looked at while they are young.
        _ if a >= 22 && c + 4 <= a => (DateOrder::YearMonthDay, true),
        _ if c >= 22 && a + 4 <= c => (DateOrder::DayMonthYear, true),
        _ => (DateOrder::AsWritten, true),
    }
}

/// Moves an instant by whole years, keeping the day of the year: for files whose year was not known when they were read.
#[must_use]
pub fn move_years(stamp: Stamp, years: i16) -> Stamp {
    let moved = stamp
        .utc_micros
        .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
        .and_then(|instant| {
            let civil = instant.to_zoned(TimeZone::UTC).datetime();
            let moved = civil
                .checked_add(jiff::Span::new().try_years(years).ok()?)
                .ok()?;
            micros(Offset::UTC, moved)
        });
    Stamp {
        utc_micros: moved.or(stamp.utc_micros),
        ..stamp
    }
}

/// The date that a file's name states: `2024-03-14`, `20240314`, `2024_03_14`; the last one in the path wins.
#[must_use]
pub fn date_in_name(path: &str) -> Option<(i16, u8, u8)> {
    let bytes = path.as_bytes();
    let mut found = None;
    let mut at = 0;
    while let Some(rest) = bytes.get(at..) {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            if rest.is_empty() {
                break;
            }
            at += 1;
            continue;
        }
        let text = |from: usize, len: usize| -> Option<i16> {
            std::str::from_utf8(rest.get(from..from + len)?)
                .ok()?
                .parse()
                .ok()
        };
        let parts = if digits == 8 || digits == 14 {
            (text(0, 4), text(4, 2), text(6, 2))
        } else if digits == 4 && matches!(rest.get(4), Some(b'-' | b'_' | b'.')) {
            (
                text(0, 4),
                text(5, 2),
                text(8, 2).filter(|_| rest.get(4) == rest.get(7)),
            )
        } else {
            (None, None, None)
        };
        if let (Some(y @ 1990..=2099), Some(m), Some(d)) = parts
            && let (Ok(m), Ok(d)) = (u8::try_from(m), u8::try_from(d))
            && civil_date(y, m, d).is_some()
        {
            found = Some((y, m, d));
        }
        at += digits;
    }
    found
}

#[cfg(test)]
mod tests;
