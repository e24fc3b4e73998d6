//! Says what bytes could be, the likeliest first.

use super::Kind;
use crate::protocol::emv::{afl, dol, tags, tlv};
use crate::protocol::iso7816;

/// What bytes could be, the likeliest first; the last is always [`Kind::Unknown`].
#[must_use]
pub fn guess(bytes: &[u8]) -> Vec<Kind> {
    let mut kinds = Vec::new();
    let known = |bytes: &[u8]| {
        let objects = tlv::siblings(bytes).count();
        let named = tlv::siblings(bytes)
            .filter(|o| !tags::meanings(o.tag).is_empty())
            .count();
        objects > 0 && named * 2 >= objects
    };
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
        && (tlv::is_whole(response.data) && known(response.data))
    {
        kinds.push(Kind::Response);
    }
    if tlv::is_whole(bytes) && known(bytes) {
        kinds.push(Kind::Tlv);
    }
    if !kinds.contains(&Kind::Response) && bytes.len() > 2 && bytes.ends_with(&[0x90, 0x00]) {
        kinds.push(Kind::Response);
    }
    let (entries, fault) = dol::entries(bytes);
    let all_known = entries
        .iter()
        .all(|e| tags::meanings(e.tag).iter().any(|info| info.fits(e.length)));
    if fault.is_none() && !entries.is_empty() && all_known {
        kinds.push(Kind::Dol);
    }
    if afl::entries(bytes).1.is_none() && bytes.len() <= 64 {
        kinds.push(Kind::Value(0x94));
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
    if super::reset::is_ats(bytes) {
        kinds.push(Kind::Ats);
    }
    // A cut string of objects is still one.
    if !kinds.contains(&Kind::Tlv) && bytes.len() > 2 && known(bytes) {
        kinds.push(Kind::Tlv);
    }
    kinds.push(Kind::Unknown);
    kinds
}
