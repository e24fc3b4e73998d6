//! Says what kind of card data a stretch found in a text is.

use super::Span;
use super::labels::{self, Label};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A card number.
    CardNumber,
    /// Track 1: number, holder's name, expiry, discretionary data.
    Track1,
    /// Track 2: number, expiry, discretionary data.
    Track2,
    /// A PIN or a PIN block.
    Pin,
    /// A card verification value.
    VerificationValue,
    /// The holder's name.
    Name,
}

impl Kind {
    /// Stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CardNumber => "card_number",
            Self::Track1 => "track1",
            Self::Track2 => "track2",
            Self::Pin => "pin",
            Self::VerificationValue => "verification_value",
            Self::Name => "name",
        }
    }

    /// True for what may never be kept after authorisation, not even encrypted (PCI DSS 4.0.1, 3.3.1).
    #[must_use]
    pub const fn is_authentication_data(self) -> bool {
        !matches!(self, Self::CardNumber | Self::Name)
    }
}

/// The kind of a stretch that [`super::in_text`] found, by its label and by what stands around it.
#[must_use]
pub fn kind_of(text: &[u8], span: Span) -> Kind {
    let word = |b: &&u8| b.is_ascii_hexdigit();
    let head = text.get(..span.start).unwrap_or_default();
    let start = span.start - head.iter().rev().take_while(word).count().min(24);
    match labels::before(text, start) {
        Some(Label::Cvv) => return Kind::VerificationValue,
        Some(Label::Pin) => return Kind::Pin,
        _ => {}
    }
    let inside = text.get(span.start..span.end).unwrap_or_default();
    let rest = text.get(span.end..).unwrap_or_default();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let behind = rest.get(digits..).unwrap_or_default();
    match behind {
        [b'^', ..] => return Kind::Track1,
        [b'=' | b'D' | b'd', a, b, c, d, ..] if [a, b, c, d].iter().all(|x| x.is_ascii_digit()) => {
            return Kind::Track2;
        }
        _ => {}
    }
    if labels::before(text, start) == Some(Label::Track) {
        return Kind::Track2;
    }
    let letters = inside
        .iter()
        .filter(|b| b.is_ascii_alphabetic() || !b.is_ascii())
        .count();
    let figures = inside.iter().filter(|b| b.is_ascii_digit()).count();
    if letters > figures && figures == 0 {
        Kind::Name
    } else {
        Kind::CardNumber
    }
}
