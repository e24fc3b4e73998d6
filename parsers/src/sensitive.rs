//! Finds card numbers and track data in text and bytes, in every rendering, so that the caller can mask them.
//!
//! Unlabelled digits count as a card number by brand range, length and Luhn digit; digits behind a label (`pan=`, `卡号：`, tag 5A)
//! always do. What is found are stretches to hide: the first six and last four digits stay outside of them.

mod brands;
mod bytes;
mod kinds;
mod labels;
mod lines;
mod objects;
mod pan;
mod renderings;
#[cfg(test)]
mod tests;
mod text;

pub use brands::{is_card_number, kept_digits};
pub use bytes::in_bytes;
pub use kinds::{Kind, kind_of};
pub use objects::{Secret, secret_of_tag, track2_digits};
pub use pan::Pan;

/// Adds what is to be hidden of a text (UTF-8 or any other superset of ASCII), as byte ranges, in every rendering.
pub fn in_text(text: &[u8], found: &mut Vec<Span>) {
    text::scan(text, found, true);
    renderings::in_text(text, found);
}

/// A stretch to hide: bytes of a text, or nibbles (half bytes) of a byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First one to hide.
    pub start: usize,
    /// One past the last one to hide.
    pub end: usize,
}

/// Adds the nibbles to hide of one object's value, which begins at the nibble `base`: by its tag, else by what it looks like.
pub fn hide_object(tag: u32, value: &[u8], base: usize, found: &mut Vec<Span>) {
    match secret_of_tag(tag, value.len()) {
        Some(secret) => objects::hide_value(secret, value, base, found),
        None if may_hold_secrets(tag, value) => {
            let from = found.len();
            in_bytes(value, found);
            for span in found.iter_mut().skip(from) {
                span.start += base;
                span.end += base;
            }
        }
        None => {}
    }
}

/// Sorts and joins, so that the stretches follow each other without overlap.
pub fn normalise(spans: &mut Vec<Span>) {
    spans.sort_unstable();
    spans.dedup_by(|next, kept| {
        let joined = next.start <= kept.end;
        if joined {
            kept.end = kept.end.max(next.end);
        }
        joined
    });
}

/// True where a value that is not secret by its tag is worth looking into. Plain figures of fixed meaning are not: an amount or
/// a list of data objects can look like a card number by chance, and is evidence.
#[must_use]
pub fn may_hold_secrets(tag: u32, value: &[u8]) -> bool {
    value.len() >= 7
        && !matches!(
            tag,
            0x82 | 0x84
                | 0x4F
                | 0x8C
                | 0x8D
                | 0x8E
                | 0x90
                | 0x91
                | 0x92
                | 0x93
                | 0x94
                | 0x95
                | 0x9F06
                | 0x9F10
                | 0x9F26
                | 0x9F38
                | 0x9F46
                | 0x9F48
                | 0x9F4B
                | 0x9F49
                | 0x9F1E
                | 0x9F1C
                | 0x9F16
                | 0x9F5A
                | 0x9F7F
                | 0x80
        )
}
