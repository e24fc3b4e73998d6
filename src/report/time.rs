//! Turns UTC microseconds into what people and programs read.

use super::row::Micros;

/// `2026-08-22T09:15:02.123456Z`.
#[must_use]
pub fn rfc3339(Micros(micros): Micros) -> String {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
        Err(_) => micros.to_string(),
    }
}

/// `2026-08-22 09:15:02.123`: to milliseconds, UTC.
#[must_use]
pub fn readable(Micros(micros): Micros) -> String {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string(),
        Err(_) => micros.to_string(),
    }
}

/// `09:15:02.123`.
#[must_use]
pub fn clock(Micros(micros): Micros) -> String {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(time) => time.strftime("%H:%M:%S.%3f").to_string(),
        Err(_) => micros.to_string(),
    }
}
