//! Offsets and zone abbreviations, as written.

use super::RawTime;
use super::cursor::Cursor;

/// Abbreviations that stand for one offset only (IANA tz database, `northamerica`, `europe`, `asia`, `australasia`, `southamerica`).
/// Ambiguous ones (CST, IST, BST, AST …) are in the list without an offset: the caller decides.
const NAMES: &[(&[u8], Option<i32>)] = &[
    (b"UTC", Some(0)),
    (b"GMT", Some(0)),
    (b"CET", Some(3600)),
    (b"CEST", Some(7200)),
    (b"MEZ", Some(3600)),
    (b"MESZ", Some(7200)),
    (b"EET", Some(7200)),
    (b"EEST", Some(10_800)),
    (b"WET", Some(0)),
    (b"WEST", Some(3600)),
    (b"MSK", Some(10_800)),
    (b"TRT", Some(10_800)),
    (b"SAST", Some(7200)),
    (b"HKT", Some(28_800)),
    (b"SGT", Some(28_800)),
    (b"WIB", Some(25_200)),
    (b"ICT", Some(25_200)),
    (b"JST", Some(32_400)),
    (b"KST", Some(32_400)),
    (b"AEST", Some(36_000)),
    (b"AEDT", Some(39_600)),
    (b"AWST", Some(28_800)),
    (b"NZST", Some(43_200)),
    (b"NZDT", Some(46_800)),
    (b"EST", Some(-18_000)),
    (b"EDT", Some(-14_400)),
    (b"CDT", Some(-18_000)),
    (b"MST", Some(-25_200)),
    (b"MDT", Some(-21_600)),
    (b"PST", Some(-28_800)),
    (b"PDT", Some(-25_200)),
    (b"BRT", Some(-10_800)),
    (b"BRST", Some(-7200)),
    (b"ART", Some(-10_800)),
    (b"UYT", Some(-10_800)),
    (b"UYST", Some(-7200)),
    (b"CLT", Some(-14_400)),
    (b"CLST", Some(-10_800)),
    (b"COT", Some(-18_000)),
    (b"PET", Some(-18_000)),
    (b"CST", None),
    (b"IST", None),
    (b"BST", None),
    (b"AST", None),
    (b"GST", None),
];

/// The offset that a zone abbreviation stands for, in seconds; `None` where it is ambiguous or unknown.
#[must_use]
pub fn zone_name_offset(name: &[u8]) -> Option<i32> {
    let name = name.split(|b| *b == 0).next().unwrap_or_default();
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .and_then(|(_, offset)| *offset)
}

/// An offset at the start: `Z`, `+08:00`, `-0330`, `+08`; seconds, and how many bytes.
#[must_use]
pub fn offset(bytes: &[u8]) -> Option<(i32, usize)> {
    let mut c = Cursor::new(bytes);
    let seconds = take_offset(&mut c, true)?;
    Some((seconds, c.at()))
}

/// `short`: also `±hh` without minutes.
pub(super) fn take_offset(c: &mut Cursor<'_>, short: bool) -> Option<i32> {
    let mut t = *c;
    let seconds = match t.peek()? {
        b'Z' => {
            t.eat(b'Z');
            0
        }
        sign @ (b'+' | b'-') => {
            t.eat(sign);
            let hours = i32::from(t.pair(0, 18)?);
            let minutes = if t.eat(b':') || (t.digits_ahead(3) == 2) {
                i32::from(t.pair(0, 59).filter(|m| m % 15 == 0)?)
            } else if short {
                0
            } else {
                return None;
            };
            let seconds = hours * 3600 + minutes * 60;
            if sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    if t.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    *c = t;
    Some(seconds)
}

/// What may follow a time of day: an offset (after at most one blank), or a zone name that the list knows.
pub(super) fn take_zone(c: &mut Cursor<'_>, raw: &mut RawTime) {
    let mut t = *c;
    let blanks = t.blanks(2);
    if blanks > 1 {
        return;
    }
    if let Some(seconds) = take_offset(&mut t, blanks == 0) {
        raw.offset_seconds = Some(seconds);
        *c = t;
    } else if take_zone_name(&mut t, raw, false) {
        *c = t;
    }
}

/// A zone name: `CST`, `GMT-03:00`, or any 3 to 5 capitals where `any`.
pub(super) fn take_zone_name(c: &mut Cursor<'_>, raw: &mut RawTime, any: bool) -> bool {
    let mut t = *c;
    let word: usize = t
        .rest()
        .iter()
        .take(6)
        .take_while(|b| b.is_ascii_uppercase())
        .count();
    if !(3..=5).contains(&word) {
        return false;
    }
    let name = t.rest().get(..word).unwrap_or_default();
    let known = NAMES.iter().any(|(n, _)| *n == name);
    if !(known || any) {
        return false;
    }
    let plain_zero = name == b"GMT" || name == b"UTC";
    let mut held = [0_u8; 5];
    for (to, from) in held.iter_mut().zip(name) {
        *to = *from;
    }
    t.literal(name);
    if plain_zero && let Some(seconds) = take_offset(&mut t, true) {
        raw.offset_seconds = Some(seconds);
        *c = t;
        return true;
    }
    if t.peek()
        .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
    {
        return false;
    }
    if plain_zero {
        raw.offset_seconds = Some(0);
    } else {
        raw.zone_name = Some(held);
    }
    *c = t;
    true
}
