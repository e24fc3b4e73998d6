//! Times as logs write them: what was there, and nothing more. Years, zones and dates that are missing stay missing.
//!
//! Byte-level grammars, one function a style, none of them allocates; [`parse_at_start`] tries them by the first bytes.
//! Which zone a name means, which year a log without one belongs to, and whether `03/05` is in March or in May are for the caller,
//! who sees the whole file.

mod cursor;
mod grammar;
mod parts;
mod zone;

pub use grammar::{
    chinese, chromium, clock_only, clock_only_with_millis, day_month_name, epoch, iso, jpos,
    logcat, looks_dated, month_day_packed, month_name_first, numeric_date, parse_at_start,
    short_packed, syslog, uptime, weekday_first, year_first,
};
pub use zone::{offset, zone_name_offset};

/// A time as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RawTime {
    /// Year, where written.
    pub year: Option<i16>,
    /// Month and day, where written.
    pub month_day: Option<(u8, u8)>,
    /// True where day and month could be the other way round (`03/05/2024`): month first is what stands in `month_day`.
    pub ambiguous_order: bool,
    /// Where only one order fits (`13/05/2024`): true for day first. It speaks for the file's other dates.
    pub day_first: Option<bool>,
    /// Three two-digit parts as written (`20-07-22`), where even the year's place is open; `year` and `month_day` hold the usual reading.
    pub short_date: Option<[u8; 3]>,
    /// Hour 0..=23 (after AM/PM, 上午/下午).
    pub hour: u8,
    /// Minute.
    pub minute: u8,
    /// Second 0..=60.
    pub second: u8,
    /// Nanoseconds.
    pub nanos: u32,
    /// Resolution in nanoseconds: 1_000_000 for three fraction digits.
    pub resolution_nanos: u32,
    /// Offset from UTC in seconds, where written.
    pub offset_seconds: Option<i32>,
    /// Zone abbreviation, where written instead of an offset: `CST` (ambiguous, up to the caller).
    pub zone_name: Option<[u8; 5]>,
    /// Set instead of everything else for epoch times: nanoseconds since 1970 UTC.
    pub epoch_nanos: Option<i64>,
    /// Set instead of everything else for times since the device (or program) started: nanoseconds.
    pub uptime_nanos: Option<i64>,
    /// Set instead of everything else where only the time since the line before is written: nanoseconds.
    pub delta_nanos: Option<i64>,
}

impl RawTime {
    /// Nanoseconds since midnight, as written.
    #[must_use]
    pub fn nanos_of_day(&self) -> i64 {
        let seconds =
            i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        seconds * 1_000_000_000 + i64::from(self.nanos)
    }

    /// True where hour, minute and second are what was written (not an epoch, an uptime or a difference).
    #[must_use]
    pub const fn is_civil(&self) -> bool {
        self.epoch_nanos.is_none() && self.uptime_nanos.is_none() && self.delta_nanos.is_none()
    }
}

#[cfg(test)]
mod tests;
