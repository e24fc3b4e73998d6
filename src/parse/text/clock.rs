//! Turns times as written into stamps.

use tapscope_parsers::time::RawTime;

use crate::event::{Stamp, TimeQuality};
use crate::parse::Context;

/// Resolves the times of one source.
pub(super) struct Clock {
    zone: jiff::tz::TimeZone,
    zone_assumed: bool,
    year: i16,
    last: Stamp,
}

impl Clock {
    pub(super) fn new(ctx: &Context<'_>) -> Self {
        Self {
            zone: ctx.plan.zone.clone().unwrap_or(jiff::tz::TimeZone::UTC),
            zone_assumed: ctx.plan.zone.is_none(),
            year: ctx.plan.year.unwrap_or(2025),
            last: Stamp::UNKNOWN,
        }
    }

    /// The stamp of a record; without a time of its own it carries that of the record before.
    pub(super) fn stamp(&mut self, raw: Option<&RawTime>, inherited: bool) -> Stamp {
        let Some(stamp) = raw.and_then(|raw| self.resolve(raw)) else {
            let mut last = self.last;
            last.quality.inherited = true;
            return last;
        };
        self.last = stamp;
        Stamp {
            quality: TimeQuality {
                inherited,
                ..stamp.quality
            },
            ..stamp
        }
    }

    fn resolve(&self, raw: &RawTime) -> Option<Stamp> {
        let resolution_micros = (raw.resolution_nanos / 1000).max(1);
        let mut quality = TimeQuality {
            resolution_micros,
            ..TimeQuality::default()
        };
        if let Some(epoch) = raw.epoch_nanos {
            return Some(Stamp {
                utc_micros: Some(epoch / 1000),
                quality,
            });
        }
        let (month, day) = raw.month_day?;
        quality.year_inferred = raw.year.is_none();
        let civil = jiff::civil::DateTime::new(
            raw.year.unwrap_or(self.year),
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
            i8::try_from(raw.hour).ok()?,
            i8::try_from(raw.minute).ok()?,
            i8::try_from(raw.second.min(59)).ok()?,
            i32::try_from(raw.nanos).ok()?,
        )
        .ok()?;
        let at = if let Some(offset) = raw.offset_seconds {
            jiff::tz::Offset::from_seconds(offset)
                .ok()?
                .to_timestamp(civil)
                .ok()?
        } else {
            quality.zone_assumed = self.zone_assumed;
            self.zone.to_ambiguous_timestamp(civil).compatible().ok()?
        };
        Some(Stamp {
            utc_micros: Some(at.as_microsecond()),
            quality,
        })
    }
}
