//! An instant and how well it is known.

/// When something happened, as its source says. Never without a quality; never without a zone, known or assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp {
    /// Microseconds since 1970-01-01T00:00:00Z by the source's clock; `None` where only the order is known.
    pub utc_micros: Option<i64>,
    /// How well it is known.
    pub quality: TimeQuality,
}

/// What is known about a time and what was inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TimeQuality {
    /// The year was not written, it was inferred.
    pub year_inferred: bool,
    /// The zone was not written, it was assumed.
    pub zone_assumed: bool,
    /// The date was not written, it was inferred.
    pub date_inferred: bool,
    /// The record has no time of its own: it carries that of the record before.
    pub inherited: bool,
    /// Resolution in microseconds: 1, 1_000, 1_000_000.
    pub resolution_micros: u32,
}

impl Stamp {
    /// A time that is not known at all.
    pub const UNKNOWN: Self = Self {
        utc_micros: None,
        quality: TimeQuality {
            year_inferred: false,
            zone_assumed: false,
            date_inferred: false,
            inherited: false,
            resolution_micros: 0,
        },
    };
}
