//! The grammars: each turns the start of a line into a time and the number of bytes that it took.

use super::RawTime;
use super::cursor::{Cursor, in_range};
use super::parts::{
    Fraction, clock, date_gap, fraction, fraction_digits, month_and_day, month_name, short_date,
    year_month_day, year_of,
};
use super::zone::{take_zone, take_zone_name};

const DAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
/// The time at the start of a line, in any known style; opening blanks are the caller's, an opening `[` or `{` is taken with its end.
#[must_use]
pub fn parse_at_start(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let first = *bytes.first()?;
    if first == b'[' || first == b'{' {
        let inner = bytes.get(1..)?;
        let blanks = inner.iter().take(16).take_while(|b| **b == b' ').count();
        let (raw, used) = bare(inner.get(blanks..)?)?;
        let mut c = Cursor::new(inner.get(blanks + used..)?);
        c.blanks(4);
        c.need(if first == b'[' { b']' } else { b'}' })?;
        return Some((raw, 1 + blanks + used + c.at()));
    }
    bare(bytes)
}

fn bare(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let first = *bytes.first()?;
    if first.is_ascii_alphabetic() {
        return weekday_first(bytes).or_else(|| month_name_first(bytes));
    }
    if !first.is_ascii_digit() {
        return None;
    }
    let digits = Cursor::new(bytes).digits_ahead(20);
    let next = bytes.get(digits).copied().unwrap_or(0);
    match (digits, next) {
        (2, b'-') => logcat(bytes)
            .or_else(|| numeric_date(bytes))
            .or_else(|| day_month_name(bytes)),
        (4, b'-' | b'/' | b'.') | (8 | 14 | 17, _) => iso(bytes),
        (4, 0xC4 | 0xE5) => chinese(bytes),
        (1 | 2, b'-' | b'/' | b'.') => numeric_date(bytes).or_else(|| day_month_name(bytes)),
        (1 | 2, b' ') => day_month_name(bytes),
        (1 | 2, b':' | b'h' | b'H') => clock_only(bytes),
        (6, b' ' | b'-' | b'_') => short_packed(bytes),
        (4..=9, b'.') => ticks(bytes),
        (1..=9, b'|' | b';' | b',' | b'\t' | b' ') => numbered(bytes, digits),
        (10, _) => month_day_packed(bytes).or_else(|| epoch(bytes)),
        (13 | 16 | 19, _) => epoch(bytes),
        _ => None,
    }
}

/// A line's number, or the ticks of a counter, before date and time: `000123|02-10-2026 13:20:00.000`, `4940010 08:02:40`.
fn numbered(bytes: &[u8], digits: usize) -> Option<(RawTime, usize)> {
    let rest = bytes.get(digits + 1..)?;
    let after = Cursor::new(rest).digits_ahead(20);
    let marks = matches!(
        (after, rest.get(after)),
        (2 | 4, Some(b'-' | b'/' | b'.')) | (2, Some(b':')) | (8 | 14 | 17, Some(_))
    );
    // What a blank parts from the time is no column: longer than a day of a month.
    let column = bytes.get(digits) != Some(&b' ') || digits >= 4;
    let (raw, used) = bare(rest).filter(|_| marks && column)?;
    let clocked = raw.month_day.is_some() || rest.get(5) == Some(&b':');
    clocked.then_some((raw, digits + 1 + used))
}

/// logcat: `MM-DD hh:mm:ss.mmm` with three or six digits, and an optional offset after one blank.
#[must_use]
pub fn logcat(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let head = bytes.first_chunk::<18>()?;
    if head[2] != b'-' || head[5] != b' ' || head[8] != b':' || head[11] != b':' || head[14] != b'.'
    {
        return None;
    }
    let month = two(head[0], head[1], 12).filter(|m| *m > 0)?;
    let day = two(head[3], head[4], 31).filter(|d| *d > 0)?;
    let mut raw = RawTime {
        month_day: Some((month, day)),
        hour: two(head[6], head[7], 23)?,
        minute: two(head[9], head[10], 59)?,
        second: two(head[12], head[13], 60)?,
        ..RawTime::default()
    };
    let mut c = Cursor::new(bytes.get(15..)?);
    fraction_digits(&mut c, &mut raw)?;
    if matches!(
        bytes.get(15 + c.at()..15 + c.at() + 2),
        Some([b' ', b'+' | b'-'])
    ) {
        take_zone(&mut c, &mut raw);
    }
    Some((raw, 15 + c.at()))
}

/// Year first, to the second at least: `2024-03-14 13:16:47.974`, `2024-03-14T13:16:47,974+01:00`, `2024/3/4 1:02:03 PM`,
/// `20171223-22:15:29:606`, `20240314131647`, `20240314131647974`, `2024-03-14 13:16:47:974`.
#[must_use]
pub fn iso(bytes: &[u8]) -> Option<(RawTime, usize)> {
    if let Some(found) = iso_fixed(bytes) {
        return Some(found);
    }
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime::default();
    let run = c.digits_ahead(18);
    if run == 4 {
        let (y, m, d) = year_month_day(&mut c)?;
        raw.year = Some(y);
        raw.month_day = Some((m, d));
        date_gap(&mut c)?;
        clock(&mut c, &mut raw, Fraction::Any)?;
    } else if matches!(run, 8 | 14 | 17) {
        // `14032024 13:16:47`: no month is the twentieth, so that the day stands first.
        if run == 8 && bytes.get(4..6) == Some(b"20") {
            let day = c.pair(1, 31)?;
            raw.month_day = Some((c.pair(1, 12)?, day));
            raw.year = Some(year_of(c.number(4, 4)?.0)?);
        } else {
            let (year, _) = c.number(4, 4)?;
            raw.year = Some(year_of(year)?);
            raw.month_day = Some((c.pair(1, 12)?, c.pair(1, 31)?));
        }
        let packed = if run >= 14 {
            true
        } else {
            if c.one_of(b"T-_/").is_none() && c.blanks(2) == 0 {
                return None;
            }
            c.digits_ahead(7) == 6
        };
        if packed {
            raw.hour = c.pair(0, 23)?;
            raw.minute = c.pair(0, 59)?;
            raw.second = c.pair(0, 60)?;
            raw.resolution_nanos = 1_000_000_000;
            if run == 17 {
                fraction_digits(&mut c, &mut raw)?;
            } else {
                fraction(&mut c, &mut raw, Fraction::NoColon);
            }
        } else {
            clock(&mut c, &mut raw, Fraction::Any)?;
        }
    } else {
        return None;
    }
    take_zone(&mut c, &mut raw);
    Some((raw, c.at()))
}

/// The bulk of what [`iso`] meets: `YYYY-MM-DD hh:mm:ss` padded, with a fraction behind `.` or `,`.
#[inline]
fn iso_fixed(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let h = bytes.first_chunk::<20>()?;
    if h[4] != b'-'
        || h[7] != b'-'
        || !matches!(h[10], b' ' | b'T')
        || h[13] != b':'
        || h[16] != b':'
        || !matches!(h[19], b'.' | b',')
    {
        return None;
    }
    let year = u16::from(two(h[0], h[1], 99)?) * 100 + u16::from(two(h[2], h[3], 99)?);
    let mut raw = RawTime {
        year: Some(year_of(u32::from(year))?),
        month_day: Some((
            two(h[5], h[6], 12).filter(|m| *m > 0)?,
            two(h[8], h[9], 31).filter(|d| *d > 0)?,
        )),
        hour: two(h[11], h[12], 23)?,
        minute: two(h[14], h[15], 59)?,
        second: two(h[17], h[18], 60)?,
        ..RawTime::default()
    };
    let mut c = Cursor::new(bytes.get(20..)?);
    fraction_digits(&mut c, &mut raw)?;
    match c.peek() {
        // A 12-hour mark may follow: the general grammar reads it.
        Some(b' ') if matches!(c.rest().get(1), Some(b'A' | b'P' | b'a' | b'p' | 0x80..)) => {
            return None;
        }
        Some(b'Z' | b'+' | b'-' | b' ') => take_zone(&mut c, &mut raw),
        Some(b'A' | b'P' | b'a' | b'p' | 0x80..) => return None,
        _ => {}
    }
    Some((raw, 20 + c.at()))
}

/// Two digits that make a number up to `most`.
#[inline]
fn two(a: u8, b: u8, most: u8) -> Option<u8> {
    let (a, b) = (a.wrapping_sub(b'0'), b.wrapping_sub(b'0'));
    (a < 10 && b < 10)
        .then(|| a * 10 + b)
        .filter(|v| *v <= most)
}

/// True where the line begins with a full date and time in digits, whatever its values: cheap, for finding record borders.
#[must_use]
pub fn looks_dated(bytes: &[u8]) -> bool {
    bytes.first_chunk::<19>().is_some_and(|h| {
        h[4] == b'-'
            && h[7] == b'-'
            && matches!(h[10], b' ' | b'T')
            && h[13] == b':'
            && h[16] == b':'
            && h[0].is_ascii_digit()
            && h[5].is_ascii_digit()
            && h[11].is_ascii_digit()
            && h[18].is_ascii_digit()
    })
}

/// As [`iso`], where only the date's separator may vary; the name that formats use.
#[must_use]
pub fn year_first(bytes: &[u8]) -> Option<(RawTime, usize)> {
    iso(bytes)
}

/// `2021年7月20日 16:21:08`, also `下午4:21:08`; UTF-8 or GBK.
#[must_use]
pub fn chinese(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let (year, _) = c.number(4, 4)?;
    let mut raw = RawTime {
        year: Some(year_of(year)?),
        ..RawTime::default()
    };
    let mark = |c: &mut Cursor<'_>, utf8: &str, gbk: &[u8]| -> Option<()> {
        (c.literal(utf8.as_bytes()) || c.literal(gbk)).then_some(())
    };
    mark(&mut c, "年", b"\xC4\xEA")?;
    let month = c.small(1, 12)?;
    mark(&mut c, "月", b"\xD4\xC2")?;
    let day = c.small(1, 31)?;
    mark(&mut c, "日", b"\xC8\xD5")?;
    raw.month_day = Some((month, day));
    c.blanks(2);
    clock(&mut c, &mut raw, Fraction::Any)?;
    take_zone(&mut c, &mut raw);
    Some((raw, c.at()))
}

/// Day or month first, in digits: `14.03.2024 13:16:47`, `5/29/2020 8:14:02 AM`, `20-07-22 10:02:41:318`, `03-14-2024 …`, `03/14 13:16:47`.
#[must_use]
pub fn numeric_date(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime::default();
    let a = c.small(0, 99)?;
    let separator = c.one_of(b"-/.")?;
    let b = c.small(1, 99)?;
    if c.eat(separator) {
        let (year, digits) = c.number(2, 4)?;
        match digits {
            4 => {
                raw.year = Some(year_of(year)?);
                let (md, open) = month_and_day(a, b, separator == b'.')?;
                raw.month_day = Some(md);
                raw.ambiguous_order = open;
                raw.day_first = match (a > 12, b > 12) {
                    _ if separator == b'.' => None,
                    (true, _) => Some(true),
                    (_, true) => Some(false),
                    _ => None,
                };
            }
            2 => short_date(&mut raw, [a, b, in_range(year, 0, 99)?], separator)?,
            _ => return None,
        }
    } else if separator == b'.' {
        return None;
    } else {
        // Month and day without a year: month first, as logcat and glog write it.
        raw.month_day = Some((in_range(a.into(), 1, 12)?, in_range(b.into(), 1, 31)?));
    }
    c.eat(b',');
    date_gap(&mut c)?;
    let at_clock = c.at();
    clock(&mut c, &mut raw, Fraction::Any)?;
    let twelve_hours = bytes
        .get(at_clock..c.at())
        .is_some_and(|s| s.last().is_some_and(|b| b.eq_ignore_ascii_case(&b'M')));
    if twelve_hours && raw.short_date.is_some() && separator == b'/' {
        // A 12-hour clock goes with month/day/year.
        if let Some([m, d, y]) = raw.short_date
            && (1..=12).contains(&m)
            && (1..=31).contains(&d)
        {
            raw.short_date = None;
            raw.year = Some(2000 + i16::from(y));
            raw.month_day = Some((m, d));
            raw.ambiguous_order = d <= 12 && m != d;
        }
    }
    take_zone(&mut c, &mut raw);
    Some((raw, c.at()))
}

/// `20 Jul 2021 16:21:08:310`, `20-Jul-2021 16:21:08.310`, `20/Jul/2021:16:21:08 +0800`, `20 Jul 16:21:08`.
#[must_use]
pub fn day_month_name(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime::default();
    let day = c.small(1, 31)?;
    let separator = c.one_of(b" -/")?;
    let month = month_name(&mut c)?;
    raw.month_day = Some((month, day));
    if c.eat(separator) {
        if c.digits_ahead(4) == 4 {
            let (year, _) = c.number(4, 4)?;
            raw.year = Some(year_of(year)?);
            if !c.eat(b':') {
                c.eat(b',');
                date_gap(&mut c)?;
            }
        } else if separator != b' ' {
            let (year, _) = c.number(2, 2)?;
            raw.year = Some(2000 + i16::try_from(year).ok()?);
            date_gap(&mut c)?;
        }
    } else {
        date_gap(&mut c)?;
    }
    clock(&mut c, &mut raw, Fraction::Any)?;
    take_zone(&mut c, &mut raw);
    Some((raw, c.at()))
}

/// RFC 3164 and its relatives: `Jun 14 15:16:01`, `Jun  4 15:16:01.123`, `Jun 14 2021 15:16:01` (Cisco), `*Jun 14 …` is not taken.
#[must_use]
pub fn syslog(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime::default();
    let month = month_name(&mut c)?;
    c.need(b' ')?;
    c.eat(b' ');
    raw.month_day = Some((month, c.small(1, 31)?));
    c.need(b' ')?;
    if c.digits_ahead(5) == 4 {
        let (year, _) = c.number(4, 4)?;
        raw.year = Some(year_of(year)?);
        c.need(b' ')?;
    }
    clock(&mut c, &mut raw, Fraction::NoColon)?;
    take_zone(&mut c, &mut raw);
    Some((raw, c.at()))
}

/// Month name first: [`syslog`], and `Jul 20, 2021 4:21:08 PM` (java.util.logging).
#[must_use]
pub fn month_name_first(bytes: &[u8]) -> Option<(RawTime, usize)> {
    if let Some(found) = syslog(bytes) {
        return Some(found);
    }
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime::default();
    let month = month_name(&mut c)?;
    c.need(b' ')?;
    c.eat(b' ');
    raw.month_day = Some((month, c.small(1, 31)?));
    c.need(b',')?;
    c.need(b' ')?;
    let (year, _) = c.number(4, 4)?;
    raw.year = Some(year_of(year)?);
    c.eat(b',');
    c.need(b' ')?;
    clock(&mut c, &mut raw, Fraction::Any)?;
    take_zone(&mut c, &mut raw);
    Some((raw, c.at()))
}

/// Day name first: `Fri Nov 30 09:09:10 GMT-03:00 2007`, `Fri, 30 Nov 2007 09:09:10 +0300`, `Fri Nov 30 09:09:10.123 2007`.
#[must_use]
pub fn weekday_first(bytes: &[u8]) -> Option<(RawTime, usize)> {
    weekday(bytes, false)
}

/// The `at` of a jPOS log event: [`weekday_first`] with the zone's name, then `year.milliseconds` without leading zeros
/// (`2013.61` is 61 ms: jPOS appends the number as it is), or an ISO time.
#[must_use]
pub fn jpos(bytes: &[u8]) -> Option<(RawTime, usize)> {
    weekday(bytes, true).or_else(|| iso(bytes))
}

fn weekday(bytes: &[u8], millis_after_year: bool) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime::default();
    if !DAYS.iter().any(|day| c.literal_any_case(*day)) {
        return None;
    }
    let comma = c.eat(b',');
    c.need(b' ')?;
    if comma && c.digits_ahead(2) > 0 {
        let (raw, used) = day_month_name(c.rest())?;
        return Some((raw, c.at() + used));
    }
    let month = month_name(&mut c)?;
    c.need(b' ')?;
    c.eat(b' ');
    raw.month_day = Some((month, c.small(1, 31)?));
    c.need(b' ')?;
    clock(&mut c, &mut raw, Fraction::NoColon)?;
    let mut end = c;
    c.need(b' ')?;
    if take_zone_name(&mut c, &mut raw, true) {
        end = c;
        c.need(b' ')?;
    } else if let Some(seconds) = super::zone::take_offset(&mut c, true) {
        raw.offset_seconds = Some(seconds);
        end = c;
        c.need(b' ')?;
    }
    if c.digits_ahead(5) == 4 {
        let (year, _) = c.number(4, 4)?;
        raw.year = Some(year_of(year)?);
        end = c;
        if millis_after_year
            && c.eat(b'.')
            && let Some((millis, _)) = c.number(1, 3)
        {
            raw.nanos = millis * 1_000_000;
            raw.resolution_nanos = 1_000_000;
            end = c;
        }
    }
    Some((raw, end.at()))
}

/// Time only: `10:15:02.617`, `4:21:08 PM`, `下午4:21:08` is taken by the dated styles only.
#[must_use]
pub fn clock_only(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime::default();
    clock(&mut c, &mut raw, Fraction::Any)?;
    Some((raw, c.at()))
}

/// As [`clock_only`], only with a fraction: what may stand where text could look like a time.
#[must_use]
pub fn clock_only_with_millis(bytes: &[u8]) -> Option<(RawTime, usize)> {
    clock_only(bytes).filter(|(raw, _)| raw.resolution_nanos < 1_000_000_000)
}

/// Month, day and time in one number: `1003211500.250`. As seconds since 1970 these would be years before 2009.
#[must_use]
pub fn month_day_packed(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime {
        month_day: Some((c.pair(1, 12)?, c.pair(1, 31)?)),
        hour: c.pair(0, 23)?,
        minute: c.pair(0, 59)?,
        second: c.pair(0, 59)?,
        resolution_nanos: 1_000_000_000,
        ..RawTime::default()
    };
    fraction(&mut c, &mut raw, Fraction::NoColon);
    c.peek()
        .is_none_or(|b| !b.is_ascii_alphanumeric())
        .then_some((raw, c.at()))
}

/// A date of six digits, and a time: `260112 101502`, `120126 10:15:02.118`. Which of its parts is the year is for the file to say.
#[must_use]
pub fn short_packed(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime::default();
    let parts = [c.pair(0, 99)?, c.pair(1, 12)?, c.pair(0, 99)?];
    c.one_of(b" -_")?;
    if c.digits_ahead(7) == 6 {
        raw.hour = c.pair(0, 23)?;
        raw.minute = c.pair(0, 59)?;
        raw.second = c.pair(0, 59)?;
        raw.resolution_nanos = 1_000_000_000;
        fraction(&mut c, &mut raw, Fraction::NoColon);
    } else {
        clock(&mut c, &mut raw, Fraction::Any)?;
    }
    // The usual reading is the year first: `260112`; a day above 31 in its place tells.
    short_date(&mut raw, parts, b'-')?;
    c.peek()
        .is_none_or(|b| !b.is_ascii_alphanumeric())
        .then_some((raw, c.at()))
}

/// Chromium and glog style inside logs: `0412/081502.100200` (month, day, packed time, microseconds).
#[must_use]
pub fn chromium(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let mut raw = RawTime {
        month_day: Some((c.pair(1, 12)?, c.pair(1, 31)?)),
        ..RawTime::default()
    };
    c.need(b'/')?;
    raw.hour = c.pair(0, 23)?;
    raw.minute = c.pair(0, 59)?;
    raw.second = c.pair(0, 60)?;
    raw.resolution_nanos = 1_000_000_000;
    fraction(&mut c, &mut raw, Fraction::NoColon);
    c.at_digit_end().then_some((raw, c.at()))
}

/// Epoch times in 2000..=2099: seconds with an optional fraction, milliseconds, microseconds, nanoseconds, told apart by their digits.
#[must_use]
pub fn epoch(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    let digits = c.digits_ahead(20);
    let (unit, resolution) = match digits {
        10 => (1_000_000_000_i64, 1_000_000_000_u32),
        13 => (1_000_000, 1_000_000),
        16 => (1000, 1000),
        19 => (1, 1),
        _ => return None,
    };
    let mut value = 0_i64;
    for byte in bytes.iter().take(digits) {
        value = value
            .checked_mul(10)?
            .checked_add(i64::from(byte.wrapping_sub(b'0')))?;
    }
    let mut raw = RawTime {
        resolution_nanos: resolution,
        ..RawTime::default()
    };
    let mut nanos = value.checked_mul(unit)?;
    if !(946_684_800_000_000_000..4_102_444_800_000_000_000).contains(&nanos) {
        return None;
    }
    c = Cursor::new(bytes.get(digits..)?);
    if digits == 10 {
        fraction(&mut c, &mut raw, Fraction::NoColon);
        nanos += i64::from(raw.nanos);
        raw.nanos = 0;
    }
    if c.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    raw.epoch_nanos = Some(nanos);
    Some((raw, digits + c.at()))
}

/// As [`uptime`], where nothing marks it as such: four digits or more, and three or six behind the dot.
fn ticks(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let (raw, used) = uptime(bytes)?;
    let ends = bytes
        .get(used)
        .is_none_or(|b| matches!(b, b' ' | b'\t' | b']' | b'|' | b';'));
    (ends && matches!(raw.resolution_nanos, 1_000_000 | 1000)).then_some((raw, used))
}

/// Seconds since the start, with a fraction: `123.456`, `   12.345678` (kernel ring buffer, logcat's monotonic); leading blanks are taken.
#[must_use]
pub fn uptime(bytes: &[u8]) -> Option<(RawTime, usize)> {
    let mut c = Cursor::new(bytes);
    c.blanks(16);
    let (seconds, _) = c.number(1, 9)?;
    let mut raw = RawTime::default();
    c.need(b'.')?;
    fraction_digits(&mut c, &mut raw)?;
    raw.uptime_nanos = Some(i64::from(seconds) * 1_000_000_000 + i64::from(raw.nanos));
    raw.nanos = 0;
    Some((raw, c.at()))
}
