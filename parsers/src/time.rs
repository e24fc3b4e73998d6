//! Times as logs write them: what was there, and nothing more. Years, zones and dates that are missing stay missing.

/// A time as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RawTime {
    /// Year, where written.
    pub year: Option<i16>,
    /// Month and day, where written.
    pub month_day: Option<(u8, u8)>,
    /// True where day and month could be the other way round (`03/05/2024`): month first is what stands in `month_day`.
    pub ambiguous_order: bool,
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
}
