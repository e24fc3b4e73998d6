//! Says what bytes could be, the likeliest first.

use super::Kind;
use crate::protocol::emv::{afl, dol, tags, tlv};
use crate::protocol::iso7816;

/// True where at least half of the top-level objects are known ones; in a short string all of them, and one of them has a value.
fn objects_known(bytes: &[u8]) -> bool {
    let objects = tlv::siblings(bytes).count();
    let named = tlv::siblings(bytes)
        .filter(|o| !tags::meanings(o.tag).is_empty())
        .count();
    if bytes.len() <= 8 {
        return objects > 0
            && named == objects
            && tlv::siblings(bytes).any(|o| !o.value.is_empty());
    }
    objects > 0 && named * 2 >= objects
}

/// True where the values of all top-level objects have a length, and where they are digits a form, that their specifications allow.
fn values_fit(bytes: &[u8]) -> bool {
    let decimal = |value: &[u8]| value.iter().all(|b| b >> 4 < 10 && b & 0xF < 10);
    tlv::siblings(bytes).all(|o| {
        let meanings = tags::meanings(o.tag);
        let fits = |info: &tags::TagInfo| {
            let digits = info.format.strip_prefix('n').unwrap_or("-");
            info.fits(o.value.len()) && (digits.parse::<u8>().is_err() || decimal(o.value))
        };
        meanings.is_empty() || meanings.iter().any(fits)
    })
}

/// True where a known object begins whose length is the one that its specification asks for, and whose value is cut.
fn cut_object(bytes: &[u8]) -> bool {
    let Some((tag, [length @ 1..0x80, value @ ..])) = tlv::take_tag(bytes) else {
        return false;
    };
    let length = usize::from(*length);
    value.len() < length
        && tags::meanings(tag).iter().any(|info| {
            info.length.parse() == Ok(length)
                || (info.length.contains('-') || info.format.starts_with("cn")) && info.fits(length)
                || tlv::is_constructed(tag)
        })
}

/// True where a command of the flow begins, whatever its lengths say.
fn begins_command(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0x80, 0xA8, 0, 0, _, ..]
            | [0x80, 0xAE, _, 0, _, ..]
            | [0x80, 0x2A, 0x8E, 0x80, _, ..]
            | [0x00, 0xA4, 0x04, 0x00 | 0x02, _, ..]
    )
}

/// True where a message type stands in front of enough bytes for a bitmap, in packed digits or in characters.
fn begins_message(bytes: &[u8]) -> bool {
    match bytes {
        [0x01..=0x08, low, ..] if bytes.len() >= 10 => low & 0x0F == 0 && low >> 4 <= 4,
        [b'0', b'1'..=b'8', b'0'..=b'4', b'0', ..] => bytes.len() >= 20,
        _ => false,
    }
}

/// What a string of a data object list says that is at least as good as one of data objects.
fn is_list(bytes: &[u8]) -> bool {
    let (entries, fault) = dol::entries(bytes);
    fault.is_none()
        && !entries.is_empty()
        && entries
            .iter()
            .all(|e| tags::meanings(e.tag).iter().any(|info| info.fits(e.length)))
}

/// What bytes could be, the likeliest first; the last is always [`Kind::Unknown`].
#[must_use]
pub fn guess(bytes: &[u8]) -> Vec<Kind> {
    let mut kinds = Vec::new();
    if crate::protocol::iso8583::detect_bare(bytes).is_some() {
        kinds.push(Kind::Iso8583);
    }
    if iso7816::looks_like_command(bytes) {
        kinds.push(Kind::Command);
    }
    if super::reset::is_atr(bytes) {
        kinds.push(Kind::Atr);
    }
    if bytes.len() == 2 {
        if iso7816::looks_like_response(bytes) {
            kinds.push(Kind::StatusWord);
        }
        kinds.extend([Kind::Value(0x82), Kind::Value(0x9F6C), Kind::Value(0x9B)]);
    }
    if let Some(response) = iso7816::response(bytes)
        && !response.data.is_empty()
        && iso7816::looks_like_response(bytes)
        && (tlv::is_whole(response.data) && objects_known(response.data))
    {
        kinds.push(Kind::Response);
    }
    let list = is_list(bytes);
    let whole = tlv::is_whole(bytes) && objects_known(bytes);
    // Two and more objects that are asked for in their own lengths are no accident.
    if list && dol::entries(bytes).0.len() > 1 && !(whole && values_fit(bytes)) {
        kinds.push(Kind::Dol);
    }
    let ats = super::reset::is_ats(bytes);
    // A file locator can begin with its own length.
    let locator = afl::entries(bytes).1.is_none();
    if ats && !locator {
        kinds.push(Kind::Ats);
    }
    if whole {
        kinds.push(Kind::Tlv);
    }
    if begins_command(bytes) && !kinds.contains(&Kind::Command) {
        kinds.push(Kind::Command);
    }
    if begins_message(bytes) && !kinds.contains(&Kind::Iso8583) {
        kinds.push(Kind::Iso8583);
    }
    if !whole && cut_object(bytes) {
        kinds.push(Kind::Tlv);
    }
    if !kinds.contains(&Kind::Response) && bytes.len() > 2 && bytes.ends_with(&[0x90, 0x00]) {
        kinds.push(Kind::Response);
    }
    if list && !kinds.contains(&Kind::Dol) {
        kinds.push(Kind::Dol);
    }
    if locator && bytes.len() <= 64 {
        kinds.push(Kind::Value(0x94));
    }
    if ats && locator {
        kinds.push(Kind::Ats);
    }
    match bytes {
        [_] => kinds.push(Kind::Value(0x9F27)),
        [_, _, _] => kinds.extend([Kind::Value(0x9F34), Kind::Value(0x9F33)]),
        [_, _, _, _] => kinds.push(Kind::Value(0x9F66)),
        [_, _, _, _, _] => kinds.push(Kind::Value(0x95)),
        // L1, L2 and L3 have few values each.
        [0..=3, 0..=0x13, 0..=3, _, _, _] => kinds.push(Kind::Value(0xDF8115)),
        // Outcome, start, online data, CVM are upper nibbles.
        [a, b, c, d, ..]
            if bytes.len() == 8 && (a | b | c | d).trailing_zeros() >= 4 && *a != 0 =>
        {
            kinds.push(Kind::Value(0xDF8129));
        }
        [0xA0 | 0xB0 | 0xD2 | 0xD5, ..] if (5..=16).contains(&bytes.len()) => {
            kinds.push(Kind::Value(0x84));
        }
        _ => {}
    }
    // A cut string of objects is still one.
    if !kinds.contains(&Kind::Tlv) && bytes.len() > 2 && objects_known(bytes) {
        kinds.push(Kind::Tlv);
    }
    kinds.push(Kind::Unknown);
    kinds
}
