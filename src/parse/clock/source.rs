//! The clock of one source that is read from start to end: a [`Calendar`] that looked at a sample first, then one stamp after the other.

use super::{BlockClock, BlockSpan, Calendar, Hints, date_in_name, told};
use crate::event::Stamp;
use crate::plan::Plan;
use tapscope_parsers::container::{LogFormat, TextLimits, lines, records, trim_line};
use tapscope_parsers::time::RawTime;

/// Bytes of a sample that are looked at for the order of dates and for years.
const SAMPLE: usize = 1 << 20;

/// Stamps the records of one source, in order.
#[derive(Debug)]
pub struct SourceClock {
    calendar: Calendar,
    block: BlockClock,
}

impl SourceClock {
    /// Decides year, order of dates and zone from the options, from a sample of the source (its first block), and from its path.
    #[must_use]
    pub fn new(plan: &Plan, path: &str, format: &'static LogFormat, sample: &[u8]) -> Self {
        let mut span = survey(format, sample);
        let sample = sample.get(..SAMPLE).unwrap_or(sample);
        let undated = span.first.is_some_and(|raw| raw.month_day.is_none());
        let date = date_in_name(path).or_else(|| undated.then(|| told::date(sample)).flatten());
        if date.is_none() && span.year.is_none() {
            let day = span.first.and_then(|raw| raw.month_day);
            let year = day.and_then(|day| told::year(sample, day));
            span.year = year.map(|year| (year, 0));
        }
        let hints = Hints {
            year: date.map(|(year, ..)| year),
            date,
        };
        let mut calendar = Calendar::new(plan, hints, &[span]);
        calendar.start_at(told::start(sample));
        calendar.start_again();
        Self {
            calendar,
            block: BlockClock::default(),
        }
    }

    /// Goes on where the file before ended, unless this file says itself what its times leave out.
    #[must_use]
    pub fn after(self, before: Option<Self>) -> Self {
        let says = matches!(
            self.calendar.year_origin(),
            super::YearOrigin::Inferred | super::YearOrigin::Written
        ) || self.calendar.is_dated();
        match before {
            Some(before) if !says => before,
            _ => self,
        }
    }

    /// The stamp of the next record; without a time of its own it carries that of the record before.
    pub fn stamp(&mut self, raw: Option<&RawTime>) -> Stamp {
        let written = self.block.see(raw.copied());
        self.calendar.resolve(0, written)
    }

    /// As [`Self::stamp`], for a time that belongs to a record before: it does not move the clock.
    #[must_use]
    pub fn stamp_again(&self, raw: &RawTime) -> Stamp {
        let mut block = self.block.clone();
        let mut written = block.see(Some(*raw));
        written.inherited = true;
        self.calendar.resolve(0, written)
    }

    /// What was decided.
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }
}

/// Sees all times of the first megabyte of a block that begins at a record.
#[must_use]
pub fn survey(format: &'static LogFormat, block: &[u8]) -> BlockSpan {
    let mut clock = BlockClock::default();
    let sample = block.get(..SAMPLE).unwrap_or(block);
    for record in records(format, sample, TextLimits::default()) {
        if record.head.time.is_some() {
            clock.see(record.head.time);
        }
        // A date in a banner or a message names the year as well as a head does.
        if clock.span.year.is_none() && record.head.time.is_none_or(|raw| raw.year.is_none()) {
            let message = record
                .head
                .message
                .get(..256)
                .unwrap_or(record.head.message);
            clock.span.year = year_in(message).map(|year| (year, clock.turns));
        }
    }
    if clock.span.year.is_none() {
        // A banner before the first time, such as that of a bug report.
        let year = lines(sample)
            .take(16)
            .find_map(|(_, line)| year_in(trim_line(line).get(..256).unwrap_or(line)));
        clock.span.year = year.map(|year| (year, 0));
    }
    clock.finish()
}

/// A full date anywhere in a text: `2024-03-14`, `2024/03/14`, followed by a time.
fn year_in(text: &[u8]) -> Option<i16> {
    memchr::memmem::find_iter(text, b"20").find_map(|at| {
        if at > 0 && text.get(at - 1).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let (raw, _) = tapscope_parsers::time::iso(text.get(at..)?)?;
        raw.year.filter(|year| (2000..2100).contains(year))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use tapscope_parsers::container::by_name;

    fn first(path: &str, text: &str) -> String {
        let format = by_name("logcat").unwrap();
        let mut clock = SourceClock::new(&Plan::default(), path, format, text.as_bytes());
        let record = records(format, text.as_bytes(), TextLimits::default())
            .find(|r| r.head.time.is_some())
            .unwrap();
        let stamp = clock.stamp(record.head.time.as_ref());
        jiff::Timestamp::from_microsecond(stamp.utc_micros.unwrap())
            .unwrap()
            .to_string()
    }

    #[test]
    fn the_year_comes_from_messages_names_or_nothing() {
        let line = "07-15 10:56:49.152   889  6213 D Tag: text\n";
        let set = "07-15 10:56:50.000   889  6213 I Clock: network time 2023-07-15 10:56:50 set\n";
        assert_eq!(first("x.log", line), "1970-07-15T10:56:49.152Z");
        assert_eq!(
            first("pos-2021-07-15.log", line),
            "2021-07-15T10:56:49.152Z"
        );
        assert_eq!(
            first("pos-2021-07-15.log", &format!("{line}{set}")),
            "2023-07-15T10:56:49.152Z"
        );
    }

    #[test]
    fn dialogues_and_banners_tell_what_times_leave_out() {
        let stamp = |format: &str, text: &str| {
            let format = by_name(format).unwrap();
            let mut clock = SourceClock::new(&Plan::default(), "x.log", format, text.as_bytes());
            let record = records(format, text.as_bytes(), TextLimits::default())
                .filter(|record| record.head.time.is_some())
                .last()
                .unwrap();
            let micros = clock.stamp(record.head.time.as_ref()).utc_micros.unwrap();
            jiff::Timestamp::from_microsecond(micros)
                .unwrap()
                .to_string()
        };
        let gpo =
            "80A8000023832136804000000000001842000000000000084000000000000840260715007051766400";
        assert_eq!(
            stamp(
                "logcat",
                &format!("07-15 10:56:49.152   889  6213 D Tag: > {gpo}\n")
            ),
            "2026-07-15T10:56:49.152Z"
        );
        assert_eq!(
            stamp("timed", &format!("10:56:49.152 > {gpo}\n")),
            "2026-07-15T10:56:49.152Z"
        );
        let kernel = "# uptime origin = 2026-01-14 04:00:00 local\n[43201.500000] usb 1-1.2: USB disconnect, device number 11\n";
        assert_eq!(stamp("kernel", kernel), "2026-01-14T16:00:01.5Z");
    }

    #[test]
    fn the_sample_does_not_wind_the_clock() {
        let text = "12-31 23:59:59.000   1  1 D T: x\n01-01 00:00:00.000   1  1 D T: x\n";
        let format = by_name("logcat").unwrap();
        let plan = crate::plan::Plan {
            year: Some(2023),
            ..Plan::default()
        };
        let mut clock = SourceClock::new(&plan, "x", format, text.as_bytes());
        let years: Vec<i16> = records(format, text.as_bytes(), TextLimits::default())
            .map(|r| clock.stamp(r.head.time.as_ref()).utc_micros.unwrap())
            .map(|m| {
                jiff::Timestamp::from_microsecond(m)
                    .unwrap()
                    .to_zoned(jiff::tz::TimeZone::UTC)
                    .year()
            })
            .collect();
        assert_eq!(years, [2023, 2024]);
        let late = clock.stamp_again(
            records(format, text.as_bytes(), TextLimits::default())
                .next()
                .unwrap()
                .head
                .time
                .as_ref()
                .unwrap(),
        );
        assert!(late.quality.inherited);
    }
}
