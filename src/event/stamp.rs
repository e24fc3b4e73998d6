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

/// A time in UTC microseconds that may not be known, in eight bytes: there are millions of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(i64);

impl Moment {
    /// A time that is known.
    #[must_use]
    pub const fn new(at: i64) -> Self {
        Self(at)
    }

    /// The time, where it is known.
    #[must_use]
    pub fn get(self) -> Option<i64> {
        (self != Self::default()).then_some(self.0)
    }

    /// The first one that is told stays.
    pub fn fill(&mut self, at: Option<i64>) {
        if self.get().is_none() {
            *self = at.into();
        }
    }
}

impl Default for Moment {
    /// Not known. No clock shows the year -290308.
    fn default() -> Self {
        Self(i64::MIN)
    }
}

impl From<Option<i64>> for Moment {
    fn from(at: Option<i64>) -> Self {
        at.map_or_else(Self::default, Self)
    }
}
