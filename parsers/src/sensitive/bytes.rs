//! Finds what is secret in a byte string: an APDU, data objects, a cut piece of either, or anything else.

use super::brands::numbers_in_run;
use super::objects::{Secret, hide_value, nibble, nibbles, secret_of_tag};
use super::{Span, text};
use crate::protocol::emv::{tags, tlv};
use crate::protocol::iso7816;

/// Adds the nibbles to hide (two to a byte, the high half first).
///
/// Looks at the structure where there is one, then for the beginnings of secret objects anywhere (so that a cut or
/// shifted piece gives nothing away), then for digits in BCD, ASCII and EBCDIC.
///
/// True where the structure accounts for every byte.
pub fn in_bytes(bytes: &[u8], found: &mut Vec<Span>) -> bool {
    let mut done = Vec::new();
    // Within values too: they may hold anything.
    beginnings(bytes, 0, found, &mut done);
    wide(bytes, found, &mut done);
    if structured(bytes, found, &mut done) {
        // The objects were looked at one by one: what runs from one into the next is no number.
        return true;
    }
    // Between the objects that are surely card numbers.
    super::normalise(&mut done);
    let mut at = 0;
    for span in done {
        if let Some(gap) = bytes.get(at..span.start) {
            bcd(gap, 2 * at, found);
        }
        at = span.end;
    }
    bcd(bytes.get(at..).unwrap_or_default(), 2 * at, found);
    // An object that looks sure by chance must not cover the beginning of a number in characters.
    characters(bytes, 0, found);
    false
}

/// Secret objects, and secret command data. True where the structure accounts for every byte, so that nothing is left to look for.
fn structured(bytes: &[u8], found: &mut Vec<Span>, done: &mut Vec<Span>) -> bool {
    // NCI data packets and ISO/IEC 14443-4 blocks carry a head.
    let head = match bytes {
        [0x00, 0x00, n, rest @ ..] if usize::from(*n) == rest.len() => 3,
        [
            0x02 | 0x03 | 0x0A | 0x0B,
            0x00 | 0x80 | 0x6F | 0x70 | 0x77,
            ..,
        ] => 1,
        _ => 0,
    };
    let body = bytes.get(head..).unwrap_or_default();
    if iso7816::looks_like_command(body)
        && let Some(command) = iso7816::command(body)
    {
        command_data(&command, head, found, done);
        return true;
    }
    objects(body, head, found, done)
        || match body.split_last_chunk::<2>() {
            Some((data, [0x61..=0x6F | 0x90..=0x9F, _])) => objects(data, head, found, done),
            _ => false,
        }
}

/// The data of a command: the PIN of VERIFY and CHANGE REFERENCE DATA, objects, values in the order of a list.
fn command_data(
    command: &iso7816::Command<'_>,
    head: usize,
    found: &mut Vec<Span>,
    done: &mut Vec<Span>,
) {
    if command.data.is_empty() {
        return;
    }
    let offset = head + command.data_offset;
    match command.header {
        [_, 0x20 | 0x21 | 0x24, ..] => found.push(Span {
            start: 2 * offset,
            end: 2 * (offset + command.data.len()),
        }),
        // Cryptograms and random numbers.
        [_, 0x82 | 0x88, ..] => {}
        _ => {
            if !objects(command.data, offset, found, done) {
                loose_digits(command.data, 2 * offset, found);
            }
        }
    }
}

/// Hides secret objects. True where the byte string is surely objects to its end.
fn objects(bytes: &[u8], offset: usize, found: &mut Vec<Span>, done: &mut Vec<Span>) -> bool {
    let (before, done_before) = (found.len(), done.len());
    let mut walk = tlv::walk(bytes);
    for object in walk.by_ref() {
        if object.constructed {
            continue;
        }
        let at = offset + object.value_offset;
        if let Some(secret) = secret_of_tag(object.tag, object.value.len()) {
            hide_value(secret, object.value, 2 * at, found);
            if object.complete && object.value.len() >= 7 {
                done.push(Span {
                    start: offset + object.offset,
                    end: at + object.value.len(),
                });
            }
        } else if super::may_hold_secrets(object.tag, object.value) {
            loose_digits(object.value, 2 * at, found);
        } else {
            // Lists, cryptograms and certificates look like BCD by chance, but not like text.
            characters(object.value, 2 * at, found);
        }
    }
    let template = matches!(
        bytes.first(),
        Some(0x61 | 0x6F | 0x70 | 0x77 | 0x73 | 0xA5 | 0xBF | 0xE0..=0xFF)
    );
    // Objects by chance have chance tags.
    let by_name = || {
        let count = tlv::siblings(bytes).count();
        let known = tlv::siblings(bytes)
            .filter(|o| !tags::meanings(o.tag).is_empty())
            .count();
        known > 0 && known * 2 >= count
    };
    let sure = walk.damage().is_none() && (template || by_name());
    if !sure && !template {
        found.truncate(before);
        done.truncate(done_before);
    }
    sure
}

/// Tag and length of a secret object, with a value that fits it, wherever they stand.
fn beginnings(bytes: &[u8], offset: usize, found: &mut Vec<Span>, done: &mut Vec<Span>) {
    for at in memchr::memchr3_iter(0x57, 0x5A, 0x56, bytes) {
        let Some([tag, length, value @ ..]) = bytes.get(at..) else {
            continue;
        };
        // 9F5A (Visa: application program identifier) is another tag.
        let longer_tag =
            *length == 5 && at.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&0x9F);
        if longer_tag {
            continue;
        }
        if let Some(length) = beginning(
            u32::from(*tag),
            *length,
            value,
            2 * (offset + at + 2),
            found,
        ) {
            done.push(Span {
                start: offset + at,
                end: offset + at + 2 + length,
            });
        }
    }
    for at in memchr::memchr2_iter(0x9F, 0x5F, bytes) {
        let Some(
            [
                first,
                second @ (0x6B | 0x1F | 0x20 | 0x0B),
                length,
                value @ ..,
            ],
        ) = bytes.get(at..)
        else {
            continue;
        };
        let tag = u32::from(*first) << 8 | u32::from(*second);
        if let Some(length) = beginning(tag, *length, value, 2 * (offset + at + 3), found) {
            done.push(Span {
                start: offset + at,
                end: offset + at + 3 + length,
            });
        }
    }
}

/// Hides the value where it fits; gives its length where it surely is a whole card number.
fn beginning(
    tag: u32,
    length: u8,
    value: &[u8],
    base: usize,
    found: &mut Vec<Span>,
) -> Option<usize> {
    let length = usize::from(length);
    let secret = secret_of_tag(tag, length)?;
    // A cut value counts too.
    let value = value.get(..length).unwrap_or(value);
    let digits = || nibbles(value).take_while(|&n| n <= 9).count();
    let printable = || !value.is_empty() && value.iter().all(|b| matches!(b, 0x20..=0x7E));
    let fits = match secret {
        Secret::CardNumber => {
            let n = digits();
            (4..=10).contains(&length) && n >= 7 && nibbles(value).skip(n).all(|n| n == 0xF)
        }
        Secret::Track2 => {
            let n = digits();
            (8..=24).contains(&length)
                && n >= 7
                && (n == 2 * value.len()
                    || (n >= 12 && matches!(nibbles(value).nth(n), Some(0xD | 0xF))))
        }
        // `B` and the number; a word that happens to begin with `V` (56) is none.
        Secret::Track1 => {
            (8..=79).contains(&length)
                && printable()
                && matches!(value, [b'B', rest @ ..] if rest.iter().take(8).all(u8::is_ascii_digit))
        }
        Secret::Hidden => (2..=60).contains(&length) && value.len() >= 2 && printable(),
        Secret::AccountReference => false,
    };
    if !fits {
        return None;
    }
    hide_value(secret, value, base, found);
    let sure = matches!(secret, Secret::CardNumber | Secret::Track2)
        && digits() >= 13
        && (value.len() == length || 2 * value.len() > digits());
    sure.then_some(length)
}

/// Card numbers in BCD, in ASCII and in EBCDIC.
fn loose_digits(bytes: &[u8], base: usize, found: &mut Vec<Span>) {
    bcd(bytes, base, found);
    characters(bytes, base, found);
}

/// Card numbers in ASCII and EBCDIC.
fn characters(bytes: &[u8], base: usize, found: &mut Vec<Span>) {
    // Thirteen digits of one kind, or nothing to look for.
    let digits = |kind: u8| {
        bytes
            .iter()
            .filter(|&&b| (kind..kind + 10).contains(&b))
            .count()
    };
    if bytes.len() < 13 || (digits(b'0') < 13 && digits(0xF0) < 13) {
        return;
    }
    runs(
        bytes,
        |b| matches!(b, 0x20..=0x7E),
        13,
        |start, run| {
            let from = found.len();
            text::scan(run, found, false);
            for span in found.iter_mut().skip(from) {
                span.start = base + 2 * (start + span.start);
                span.end = base + 2 * (start + span.end);
            }
        },
    );
    runs(
        bytes,
        |b| matches!(b, 0xF0..=0xF9),
        13,
        |start, run| {
            let digits: Vec<u8> = run.iter().map(|b| b & 0xF).collect();
            numbers_in_run(&digits, 1, true, |at, length, _| {
                hide_number(base + 2 * (start + at), length, 2, found);
            });
        },
    );
}

/// Card numbers in UTF-16, either byte order: digits with zeros between.
fn wide(bytes: &[u8], found: &mut Vec<Span>, done: &mut Vec<Span>) {
    // Thirteen digits have twelve zeros between them.
    if memchr::memchr_iter(0, bytes).nth(11).is_none() {
        return;
    }
    let pairs = |at: usize| {
        bytes
            .get(at..)
            .map_or(&[][..], |rest| rest.as_chunks::<2>().0)
    };
    for order in [0, 1] {
        // The digit first, or the zero first; from an even and from an odd byte on.
        for offset in [0, 1] {
            let digit = |pair: &[u8; 2]| match (order, *pair) {
                (0, [d @ b'0'..=b'9', 0]) | (1, [0, d @ b'0'..=b'9']) => Some(d - b'0'),
                _ => None,
            };
            let mut at = 0;
            for run in pairs(offset).chunk_by(|a, b| digit(a).is_some() == digit(b).is_some()) {
                let start = offset + 2 * at;
                at += run.len();
                if run.len() < 13 || run.first().is_none_or(|pair| digit(pair).is_none()) {
                    continue;
                }
                let digits: Vec<u8> = run.iter().filter_map(digit).collect();
                let from = found.len();
                numbers_in_run(&digits, 1, true, |at, length, _| {
                    hide_number(2 * (start + 2 * at), length, 4, found);
                });
                if found.len() > from {
                    done.push(Span {
                        start,
                        end: start + 2 * run.len(),
                    });
                }
            }
        }
    }
}

/// Numbers in runs of decimal nibbles. They begin at a whole byte; a run that begins at a low half counts from its first whole byte as well.
fn bcd(bytes: &[u8], base: usize, found: &mut Vec<Span>) {
    if bytes.len() < 7 {
        return;
    }
    let decimal = |b: u8| b & 0xF <= 9 && b >> 4 <= 9;
    let mut digits: Vec<u8> = Vec::new();
    let is = |at: usize| bytes.get(at).is_some_and(|&b| decimal(b));
    // A run of six holds every sixth place: only those are looked at, and runs grown from them.
    let (mut look, mut floor) = (5, 0);
    while look < bytes.len() {
        if !is(look) {
            look += 6;
            continue;
        }
        let mut start = look;
        while start > floor && is(start - 1) {
            start -= 1;
        }
        let mut end = look + 1;
        while is(end) {
            end += 1;
        }
        floor = end;
        look = end + 6;
        let Some(run) = bytes.get(start..end).filter(|run| run.len() >= 6) else {
            continue;
        };
        digits.clear();
        let low = start
            .checked_sub(1)
            .and_then(|at| bytes.get(at))
            .map(|b| b & 0xF)
            .filter(|&n| n <= 9);
        let odd = usize::from(low.is_some());
        digits.extend(low);
        digits.extend(nibbles(run));
        digits.extend(bytes.get(end).map(|b| b >> 4).filter(|&n| n <= 9));
        // Words and ASCII digits are decimal nibbles too: such a number counts only behind its length or before `D`, `F`.
        let is_text = |at: usize, length: usize| {
            let from = (2 * start + at).saturating_sub(odd) / 2;
            let to = (2 * start + at + length).saturating_sub(odd).div_ceil(2);
            let next = nibble(bytes, 2 * start + at + length - odd);
            !matches!(next, Some(0xD | 0xF))
                && bytes.get(from..to).is_some_and(|part| {
                    part.iter().all(|b| b.is_ascii_alphanumeric() || *b == b' ')
                })
        };
        let mut hide = |at: usize, length: usize, announced: bool| {
            if announced || !is_text(at, length) {
                hide_number(base + 2 * start + at - odd, length, 1, found);
            }
        };
        if digits.len() <= 19 {
            numbers_in_run(&digits, 1, false, hide);
        } else if let Some(aligned) = digits.get(odd..) {
            numbers_in_run(aligned, 2, false, |at, length, announced| {
                hide(odd + at, length, announced);
            });
        }
    }
}

/// Hides the middle of a number whose digits are `width` units each.
fn hide_number(start: usize, digits: usize, width: usize, found: &mut Vec<Span>) {
    let (first, last) = super::kept_digits(digits);
    found.push(Span {
        start: start + first * width,
        end: start + (digits - last) * width,
    });
}

/// Calls `each` with every longest stretch of at least `least` bytes that fit.
fn runs(bytes: &[u8], fits: impl Fn(u8) -> bool, least: usize, mut each: impl FnMut(usize, &[u8])) {
    let mut at = 0;
    for run in bytes.chunk_by(|&a, &b| fits(a) == fits(b)) {
        if run.len() >= least && run.first().is_some_and(|&b| fits(b)) {
            each(at, run);
        }
        at += run.len();
    }
}
