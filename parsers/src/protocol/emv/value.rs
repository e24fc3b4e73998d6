//! Reads plain values of data objects: numbers in BCD, dates, times, track 2, rules of the CVM list.

/// A number in BCD (format n), up to 19 digits; `None` where a nibble is no digit.
#[must_use]
pub fn number(value: &[u8]) -> Option<u64> {
    if value.len() > 9 {
        return None;
    }
    value.iter().try_fold(0u64, |sum, b| {
        let (high, low) = (b >> 4, b & 0xF);
        (high <= 9 && low <= 9).then(|| sum * 100 + u64::from(high) * 10 + u64::from(low))
    })
}

/// A date YYMMDD: year of the century, month, day; `None` where it is no date. Day 00 stands for the end of the month on some cards.
#[must_use]
pub fn date(value: &[u8]) -> Option<(u8, u8, u8)> {
    let &[year, month, day] = value else {
        return None;
    };
    let two = |b: u8| number(&[b]).and_then(|n| u8::try_from(n).ok());
    let (year, month, day) = (two(year)?, two(month)?, two(day)?);
    ((1..=12).contains(&month) && day <= 31).then_some((year, month, day))
}

/// A time HHMMSS.
#[must_use]
pub fn time(value: &[u8]) -> Option<(u8, u8, u8)> {
    let &[hour, minute, second] = value else {
        return None;
    };
    let two = |b: u8| number(&[b]).and_then(|n| u8::try_from(n).ok());
    let (hour, minute, second) = (two(hour)?, two(minute)?, two(second)?);
    (hour < 24 && minute < 60 && second < 60).then_some((hour, minute, second))
}

/// What track 2 equivalent data (57) say beside the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track2 {
    /// How many digits the number has.
    pub digits: usize,
    /// Expiry YYMM, as digits.
    pub expiry: Option<[u8; 4]>,
    /// Service code, as digits: 201 is international, chip.
    pub service_code: Option<[u8; 3]>,
}

/// Splits track 2 equivalent data; `None` where no number stands at the beginning.
#[must_use]
pub fn track2(value: &[u8]) -> Option<Track2> {
    let nibbles = || value.iter().flat_map(|b| [b >> 4, b & 0xF]);
    let digits = nibbles().take_while(|&n| n <= 9).count();
    if !(8..=19).contains(&digits) {
        return None;
    }
    let mut behind = nibbles().skip(digits);
    let mut next = |wanted: bool| {
        behind
            .next()
            .filter(|&n| wanted && n <= 9)
            .map(|n| b'0' + n)
    };
    let separated = nibbles().nth(digits) == Some(0xD);
    next(false);
    let expiry = (|| Some([next(separated)?, next(true)?, next(true)?, next(true)?]))();
    let service_code = (|| Some([next(expiry.is_some())?, next(true)?, next(true)?]))();
    Some(Track2 {
        digits,
        expiry,
        service_code,
    })
}

/// One rule of the CVM list (8E).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CvmRule {
    /// What is asked for, and whether the next rule applies when it fails.
    pub code: u8,
    /// When the rule applies.
    pub condition: u8,
}

/// Amounts X and Y and the rules of the CVM list; `None` below ten bytes. A half rule at the end is left out.
#[must_use]
pub fn cvm_list(value: &[u8]) -> Option<(u32, u32, Vec<CvmRule>)> {
    let (x, rest) = value.split_first_chunk::<4>()?;
    let (y, rules) = rest.split_first_chunk::<4>()?;
    let rules: Vec<CvmRule> = rules
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&[code, condition]| CvmRule { code, condition })
        .collect();
    (!rules.is_empty()).then(|| (u32::from_be_bytes(*x), u32::from_be_bytes(*y), rules))
}
