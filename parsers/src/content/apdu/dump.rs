//! Lines that are nothing but hex: whole APDUs, wrapped ones, rows of a dump.

use super::{ApduLine, Way, is_command};
use crate::hex;

/// A whole line of hex, perhaps with an offset, a column of characters, or a remark behind it.
pub(super) fn bare(text: &[u8]) -> Option<ApduLine> {
    if let Some(bytes) = hex::decode_all(text) {
        // Four or eight digits and then pairs: an offset.
        let offset = text
            .iter()
            .take_while(|b| hex::nibble(**b).is_some())
            .count();
        let rest = text.get(offset..)?.trim_ascii_start();
        let pairs = rest.get(2).is_none_or(|b| *b == b' ') && rest.len() >= 2;
        if matches!(offset, 4 | 8)
            && pairs
            && !is_command(&bytes, true)
            && let Some((Some(at), dumped)) = hex::dump_line(text, 16)
            && at % 16 == 0
            && dumped.len() <= 16
        {
            return Some(ApduLine::More(dumped));
        }
        if is_command(&bytes, true) {
            return Some(ApduLine::Bytes {
                way: Way::Command,
                labelled: false,
                bytes,
                sw: None,
                micros: None,
                announced: None,
            });
        }
        return Some(ApduLine::More(bytes));
    }
    let (offset, bytes) = hex::dump_line(text, 16)?;
    if offset.is_some_and(|at| at % 16 == 0)
        || bytes.len() == 16
        || text
            .get((bytes.len() * 3).saturating_sub(1)..)
            .is_some_and(|rest| rest.starts_with(b"  "))
        || text_follows_colon(text, bytes.len())
        || column_follows(text, bytes.len())
    {
        return Some(ApduLine::More(bytes));
    }
    None
}

/// `30 31 90 00 : Normal processing.`
fn text_follows_colon(text: &[u8], bytes: usize) -> bool {
    bytes >= 1
        && text
            .get(bytes * 3..)
            .is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"))
}

/// `61 2E a.`: a column with a character for each byte.
fn column_follows(text: &[u8], bytes: usize) -> bool {
    text.get(bytes * 3..)
        .is_some_and(|rest| rest.len() == bytes)
}
