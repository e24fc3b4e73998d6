//! Which data objects are secret, and which nibbles of their values are to be hidden.

use super::{Span, kept_digits};

/// What a data object holds that must not be kept as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// A card number in BCD (5A).
    CardNumber,
    /// Track 2 in BCD (57, 9F6B): number, `D`, expiry, service code, discretionary data.
    Track2,
    /// Track 1 in ASCII (56).
    Track1,
    /// Payment account reference (9F24): stands for a card, in letters and digits.
    AccountReference,
    /// Nothing of it may be kept: PIN data, names, discretionary data.
    Hidden,
}

/// What the tag holds, where it is secret. The same tag can mean different things by kernel: the length decides.
#[must_use]
pub fn secret_of_tag(tag: u32, length: usize) -> Option<Secret> {
    match tag {
        0x5A => Some(Secret::CardNumber),
        0x57 => Some(Secret::Track2),
        // Mastercard: track 2 data; Visa and UnionPay: card CVM limit (six bytes).
        0x9F6B if length > 6 => Some(Secret::Track2),
        0x56 => Some(Secret::Track1),
        0x9F24 => Some(Secret::AccountReference),
        // Names, IBAN, track discretionary data, PIN data.
        0x5F20 | 0x5F53 | 0x9F0B | 0x9F1F | 0x9F20 | 0x99 | 0xDF812A | 0xDF812B => {
            Some(Secret::Hidden)
        }
        // UnionPay: number of the holder's identity card; Mastercard: CVC3 (two bytes, a cryptogram).
        0x9F61 if length > 2 => Some(Secret::Hidden),
        // Mastercard: data storage identifier, which is card number and sequence number in one string of digits.
        0x9F5E if length >= 8 => Some(Secret::Hidden),
        _ => None,
    }
}

/// High and low half of each byte.
pub(super) fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> + Clone + '_ {
    bytes.iter().flat_map(|b| [b >> 4, b & 0xF])
}

/// One half of a byte; `nibbles(..).nth(..)` would walk there.
pub(super) fn nibble(bytes: &[u8], at: usize) -> Option<u8> {
    let byte = *bytes.get(at / 2)?;
    Some(if at.is_multiple_of(2) {
        byte >> 4
    } else {
        byte & 0xF
    })
}

/// Digits of the card number at the start of track 2 or of tag 5A, and the offset (in nibbles) of the expiry date, where there is one.
#[must_use]
pub fn track2_digits(value: &[u8]) -> (usize, Option<usize>) {
    let digits = nibbles(value).take_while(|&n| n <= 9).count();
    let expiry = (nibbles(value).nth(digits) == Some(0xD)
        && nibbles(value)
            .skip(digits + 1)
            .take(4)
            .filter(|&n| n <= 9)
            .count()
            == 4)
        .then_some(digits + 1);
    (digits, expiry)
}

/// Adds what is to be hidden of a secret value that begins at the nibble `base`.
pub(super) fn hide_value(secret: Secret, value: &[u8], base: usize, found: &mut Vec<Span>) {
    let end = base + value.len() * 2;
    let mut hide = |from: usize, to: usize| {
        let to = to.min(end);
        if from < to {
            found.push(Span {
                start: from,
                end: to,
            });
        }
    };
    match secret {
        Secret::Hidden => hide(base, end),
        Secret::AccountReference => {
            // Four characters of the scheme's controller stay, and the last four.
            if value.len() > 8 {
                hide(base + 8, end - 8);
            } else {
                hide(base, end);
            }
        }
        Secret::CardNumber | Secret::Track2 => {
            let (digits, expiry) = track2_digits(value);
            let digits = digits.min(19);
            let (first, last) = kept_digits(digits);
            hide(base + first, base + digits - last);
            if let Some(at) = expiry {
                hide(base + at + 4, end)
            } else {
                let pad = nibbles(value)
                    .skip(digits)
                    .take_while(|&n| n == 0xF)
                    .count();
                hide(base + digits + pad, end);
            }
        }
        Secret::Track1 => {
            let Some(first_caret) = value.iter().position(|&b| b == b'^') else {
                return hide(base, end);
            };
            let lead = usize::from(value.first().is_some_and(u8::is_ascii_alphabetic));
            let digits = first_caret.saturating_sub(lead);
            let (first, last) = kept_digits(digits);
            hide(
                base + 2 * (lead + first),
                base + 2 * (first_caret - last.min(first_caret)),
            );
            let after = value
                .iter()
                .skip(first_caret + 1)
                .position(|&b| b == b'^')
                .map_or(value.len(), |at| first_caret + 1 + at);
            hide(base + 2 * first_caret, base + 2 * after);
            hide(base + 2 * (after + 5), end);
        }
    }
}
