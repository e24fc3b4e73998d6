//! Turns a data object list (PDOL, CDOL, DDOL, UDOL …) and the data sent by it into data objects (EMV Book 3, 5.4).

use crate::damage::Damage;

/// How many entries a list may have: 252 bytes hold no more.
const MAX_ENTRIES: usize = 126;

/// One entry: a tag and the length that the card wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The tag.
    pub tag: u32,
    /// The length wanted.
    pub length: usize,
    /// Offset of the entry in the list.
    pub offset: usize,
}

/// The entries, and the first thing that is wrong: `dol_truncated`, `dol_length_form`, `dol_repeated_tag`, `dol_too_long`.
#[must_use]
pub fn entries(dol: &[u8]) -> (Vec<Entry>, Option<Damage>) {
    let mut entries: Vec<Entry> = Vec::new();
    let mut damage = None;
    let mut note = |code, offset, expected| {
        if damage.is_none() {
            damage = Some(Damage {
                code,
                offset,
                expected,
            });
        }
    };
    let mut rest = dol;
    while !rest.is_empty() {
        let offset = dol.len() - rest.len();
        if entries.len() == MAX_ENTRIES {
            note("dol_too_long", offset, "at most 126 entries");
            break;
        }
        let Some((tag, after)) = super::tlv::take_tag(rest) else {
            note(
                "dol_truncated",
                offset,
                "a tag of at most four bytes and a length",
            );
            break;
        };
        let Some((&length, after)) = after.split_first() else {
            note("dol_truncated", offset, "a length behind the tag");
            break;
        };
        if length >= 0xFD {
            note(
                "dol_length_form",
                offset,
                "a length of one byte, at most 252",
            );
        }
        if entries.iter().any(|e| e.tag == tag) {
            note("dol_repeated_tag", offset, "each tag once");
        }
        entries.push(Entry {
            tag,
            length: usize::from(length),
            offset,
        });
        rest = after;
    }
    (entries, damage)
}

/// How many data bytes a list asks for.
#[must_use]
pub fn data_length(dol: &[u8]) -> usize {
    entries(dol).0.iter().map(|e| e.length).sum()
}

/// The data sent, cut by the list: tag and value in the list's order, and the first thing that is wrong: that of the list itself, `dol_data_short`, `dol_data_long`.
/// A value that the data cut short is given as far as it goes; entries behind it are left out.
#[must_use]
pub fn split<'a>(dol: &[u8], data: &'a [u8]) -> (Vec<(u32, &'a [u8])>, Option<Damage>) {
    let (entries, mut damage) = entries(dol);
    let mut values = Vec::with_capacity(entries.len());
    let mut rest = data;
    for entry in entries {
        if let Some((value, after)) = rest.split_at_checked(entry.length) {
            values.push((entry.tag, value));
            rest = after;
        } else {
            if !rest.is_empty() {
                values.push((entry.tag, rest));
            }
            damage = damage.or(Some(Damage {
                code: "dol_data_short",
                offset: data.len() - rest.len(),
                expected: "as many bytes as the list asks for",
            }));
            return (values, damage);
        }
    }
    if !rest.is_empty() {
        damage = damage.or(Some(Damage {
            code: "dol_data_long",
            offset: data.len() - rest.len(),
            expected: "no more bytes than the list asks for",
        }));
    }
    (values, damage)
}
