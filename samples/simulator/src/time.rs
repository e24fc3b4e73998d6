//! Turns instants into the written times of each source, through that source's own wrong clock.

/// Microseconds since 1970-01-01 UTC.
pub type Micros = i64;
/// One millisecond.
pub const MS: i64 = 1_000;
/// One second.
pub const S: i64 = 1_000_000;
/// One hour.
pub const H: i64 = 3_600 * S;
/// One day.
pub const DAY: i64 = 24 * H;
/// Local time of the simulated country (Asia/Shanghai, no summer time).
pub const ZONE: i64 = 8 * H;

/// A written date and time.
#[derive(Debug, Clone, Copy)]
pub struct Civil {
    /// Year.
    pub y: i64,
    /// Month 1-12.
    pub mo: i64,
    /// Day 1-31.
    pub d: i64,
    /// Hour.
    pub h: i64,
    /// Minute.
    pub mi: i64,
    /// Second.
    pub s: i64,
    /// Microsecond of the second.
    pub us: i64,
}

impl Civil {
    /// Millisecond of the second.
    #[must_use]
    pub fn ms(self) -> i64 {
        self.us / 1000
    }
}

/// The calendar of an instant taken as it is (add the zone before).
#[must_use]
pub fn civil(t: Micros) -> Civil {
    let days = t.div_euclid(DAY);
    let r = t.rem_euclid(DAY);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let mo = if mp < 10 { mp + 3 } else { mp - 9 };
    let y = yoe + era * 400 + i64::from(mo <= 2);
    Civil {
        y,
        mo,
        d,
        h: r / H,
        mi: r / (60 * S) % 60,
        s: r / S % 60,
        us: r % S,
    }
}

/// A source's clock: where it stands against true time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// Offset at the start of the day.
    pub offset: i64,
    /// Drift in parts per million.
    pub ppm: i64,
    /// Wrong zone, in hours.
    pub zone_error: i64,
    /// Start of the first day.
    pub zero: Micros,
    /// When it was set, and by how much it moved then; `i64::MAX` for never.
    pub jump_at: Micros,
    /// Likewise.
    pub jump: i64,
}

impl Clock {
    /// What this clock shows at a true instant (UTC as the source believes it).
    #[must_use]
    pub fn shows(self, t: Micros) -> Micros {
        let set = if self.jump != 0 && t >= self.jump_at {
            self.jump
        } else {
            0
        };
        t + self.offset + set + self.zone_error * H + (t - self.zero) / S * self.ppm
    }

    /// What it shows in local time.
    #[must_use]
    pub fn local(self, t: Micros) -> Civil {
        civil(self.shows(t) + ZONE)
    }

    /// Local time as microseconds.
    #[must_use]
    pub fn local_micros(self, t: Micros) -> Micros {
        self.shows(t) + ZONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_agrees_with_jiff() {
        for day in (-1000..40_000).step_by(37) {
            let t = day * DAY + 3 * H + 7 * S;
            let z = jiff::Timestamp::from_microsecond(t)
                .unwrap()
                .to_zoned(jiff::tz::TimeZone::UTC);
            let c = civil(t);
            assert_eq!(
                (c.y, c.mo, c.d, c.h),
                (
                    i64::from(z.year()),
                    i64::from(z.month()),
                    i64::from(z.day()),
                    3
                )
            );
        }
    }
}
