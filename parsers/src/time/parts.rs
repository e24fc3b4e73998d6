//! The parts that the grammars share: dates, clocks, fractions, marks of the half of the day.

use super::RawTime;
use super::cursor::{Cursor, in_range};

/// 上午, 下午 in UTF-8 and in GBK.
const MORNING: [&[u8]; 2] = ["上午".as_bytes(), b"\xC9\xCF\xCE\xE7"];
const AFTERNOON: [&[u8]; 2] = ["下午".as_bytes(), b"\xCF\xC2\xCE\xE7"];

/// What may come between the parts of a time.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fraction {
    /// `.`, `,` and `:` before digits.
    Any,
    /// Only `.` and `,`: where a colon ends the time.
    NoColon,
}

pub(super) fn year_of(value: u32) -> Option<i16> {
    // Devices with dead clocks say 1966; nothing earlier has been seen.
    (1900..=2199)
        .contains(&value)
        .then(|| i16::try_from(value).ok())?
}

pub(super) fn year_month_day(c: &mut Cursor<'_>) -> Option<(i16, u8, u8)> {
    let (year, _) = c.number(4, 4)?;
    let year = year_of(year)?;
    let separator = c.one_of(b"-/.")?;
    let month = c.small(1, 12)?;
    c.need(separator)?;
    let day = c.small(1, 31)?;
    c.at_digit_end().then_some((year, month, day))
}

/// Between date and time: `T`, `_`, `-`, blanks, a tab, the border of a column.
pub(super) fn date_gap(c: &mut Cursor<'_>) -> Option<()> {
    if c.one_of(b"Tt_-\t").is_some() {
        return Some(());
    }
    let blanks = c.blanks(3) > 0;
    let border = c.one_of(b";|,").is_some();
    if border {
        c.blanks(3);
    }
    (blanks || border).then_some(())
}

/// Month and day from two numbers, and whether the other order is possible too.
pub(super) fn month_and_day(a: u8, b: u8, day_first: bool) -> Option<((u8, u8), bool)> {
    let fits = |m: u8, d: u8| (1..=12).contains(&m) && (1..=31).contains(&d);
    match (fits(a, b), fits(b, a)) {
        // Dots are day first wherever they are used.
        (_, true) if day_first => Some(((b, a), false)),
        (true, true) => Some(((a, b), a != b)),
        (true, false) => Some(((a, b), false)),
        (false, true) => Some(((b, a), false)),
        (false, false) => None,
    }
}

/// Three two-digit parts: day-month-year unless impossible; the file decides later.
pub(super) fn short_date(raw: &mut RawTime, parts: [u8; 3], separator: u8) -> Option<()> {
    let [a, b, y] = parts;
    if separator == b'.' || (1..=31).contains(&a) && (1..=12).contains(&b) {
        raw.year = Some(2000 + i16::from(y));
        raw.month_day = Some((in_range(b.into(), 1, 12)?, in_range(a.into(), 1, 31)?));
    } else if (1..=12).contains(&b) && (1..=31).contains(&y) {
        raw.year = Some(2000 + i16::from(a));
        raw.month_day = Some((b, y));
    } else {
        raw.year = Some(2000 + i16::from(y));
        raw.month_day = Some((in_range(a.into(), 1, 12)?, in_range(b.into(), 1, 31)?));
    }
    if separator != b'.' {
        raw.short_date = Some(parts);
        raw.ambiguous_order = true;
    }
    Some(())
}

pub(super) fn month_name(c: &mut Cursor<'_>) -> Option<u8> {
    if let Some((word, number)) = FOREIGN_MONTHS
        .iter()
        .find(|(word, _)| c.rest().starts_with(word.as_bytes()))
    {
        c.literal(word.as_bytes());
        return end_of_month(c, *number);
    }
    let three = c.rest().first_chunk::<3>()?;
    let number = match three.map(|b| b | 0x20) {
        [b'j' | b'g', b'a' | b'e', b'n'] | [b'e', b'n', b'e'] => 1,
        [b'f', b'e', b'b' | b'v'] => 2,
        [b'm', b'a', b'r'] | [b'm', b'r', b't'] => 3,
        [b'a', b'p' | b'v' | b'b', b'r'] => 4,
        [b'm', b'a', b'y' | b'i' | b'g'] | [b'm', b'e', b'i'] => 5,
        [b'j', b'u', b'n'] | [b'g', b'i', b'u'] => 6,
        [b'j', b'u', b'l'] | [b'l', b'u', b'g'] => 7,
        [b'a', b'u', b'g'] | [b'a', b'g', b'o'] => 8,
        [b's', b'e', b'p' | b't'] => 9,
        [b'o', b'c' | b'k' | b't' | b'u', b't'] => 10,
        [b'n', b'o', b'v'] => 11,
        [b'd', b'e' | b'i', b'c' | b'z'] => 12,
        _ => return None,
    };
    c.literal(three);
    end_of_month(c, number)
}

/// Names of months beyond ASCII, and those whose first three letters do not tell (German, French).
const FOREIGN_MONTHS: &[(&str, u8)] = &[
    ("Mär", 3),
    ("mär", 3),
    ("M\u{E4}r", 3),
    ("févr", 2),
    ("juin", 6),
    ("juil", 7),
    ("août", 8),
    ("aoû", 8),
    ("déc", 12),
];

/// Passes over the rest of a longer name: `June`, `Sept.`.
fn end_of_month(c: &mut Cursor<'_>, number: u8) -> Option<u8> {
    let longer = c
        .rest()
        .iter()
        .take(7)
        .take_while(|b| b.is_ascii_lowercase())
        .count();
    if longer > 6 {
        return None;
    }
    for _ in 0..longer {
        let Some(b) = c.peek() else { break };
        c.eat(b);
    }
    c.eat(b'.');
    Some(number)
}

/// `h:mm:ss` or `06h00m01`, fraction, 12-hour marks before or after.
pub(super) fn clock(c: &mut Cursor<'_>, raw: &mut RawTime, fractions: Fraction) -> Option<()> {
    let mut half = None;
    for (marks, pm) in [(MORNING, false), (AFTERNOON, true)] {
        if marks.iter().any(|m| c.literal(m)) {
            half = Some(pm);
            c.blanks(2);
            break;
        }
    }
    raw.hour = c.small(0, 24)?;
    let spelled = c.one_of(b":hH")? != b':';
    raw.minute = c.small(0, 59)?;
    if spelled {
        c.one_of(b":mM'")?;
    } else {
        c.need(b':')?;
    }
    raw.second = c.small(0, 60)?;
    if spelled {
        c.one_of(b"sS");
    }
    if !c.at_digit_end() {
        return None;
    }
    raw.resolution_nanos = 1_000_000_000;
    fraction(c, raw, fractions);
    if half.is_none() {
        half = half_of_day(c);
    }
    match half {
        Some(_) if raw.hour > 12 || (raw.hour == 0 && half == Some(true)) => {}
        Some(true) if raw.hour < 12 => raw.hour += 12,
        Some(false) if raw.hour == 12 => raw.hour = 0,
        _ => {}
    }
    if raw.hour == 24 {
        return None;
    }
    Some(())
}

/// ` AM`, `PM`, with a blank, a no-break blank (U+00A0) or a narrow one (U+202F, newer Java) before it.
pub(super) fn half_of_day(c: &mut Cursor<'_>) -> Option<bool> {
    let mut t = *c;
    if !t.eat(b' ') && !t.literal("\u{202F}".as_bytes()) {
        t.literal("\u{A0}".as_bytes());
    }
    let pm = if t.literal_any_case(b"am") || t.literal_any_case(b"a.m.") {
        false
    } else if t.literal_any_case(b"pm") || t.literal_any_case(b"p.m.") {
        true
    } else if MORNING.iter().any(|m| t.literal(m)) {
        false
    } else if AFTERNOON.iter().any(|m| t.literal(m)) {
        true
    } else {
        return None;
    };
    if t.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    *c = t;
    Some(pm)
}

pub(super) fn fraction(c: &mut Cursor<'_>, raw: &mut RawTime, fractions: Fraction) {
    let mut t = *c;
    match t.peek() {
        Some(b'.' | b',') => {
            let mark = t.peek().unwrap_or_default();
            t.eat(mark);
            if fraction_digits(&mut t, raw).is_some() {
                *c = t;
            }
        }
        Some(b':') if fractions == Fraction::Any => {
            t.eat(b':');
            // After a colon the digits are a number of ms (or µs), not a fraction: `0:0:9:12` is 12 ms.
            if let Some((value, digits)) = t.number(1, 6) {
                let unit = match digits {
                    1..=3 => 1_000_000,
                    6 => 1000,
                    _ => return,
                };
                if t.at_digit_end() {
                    raw.nanos = value * unit;
                    raw.resolution_nanos = unit;
                    *c = t;
                }
            }
        }
        _ => {}
    }
}

/// One to nine digits as a decimal fraction of a second; further digits are passed over.
pub(super) fn fraction_digits(c: &mut Cursor<'_>, raw: &mut RawTime) -> Option<()> {
    let (value, digits) = c.number(1, 9)?;
    const SCALE: [u32; 10] = [
        1_000_000_000,
        100_000_000,
        10_000_000,
        1_000_000,
        100_000,
        10_000,
        1000,
        100,
        10,
        1,
    ];
    let scale = SCALE.get(digits).copied()?;
    raw.nanos = value.checked_mul(scale)?;
    raw.resolution_nanos = scale;
    let more = c.digits_ahead(9);
    for _ in 0..more {
        let Some(b) = c.peek() else { break };
        c.eat(b);
    }
    Some(())
}
