//! A card number as it may be kept: first six, last four, and a keyed token for joining.

use super::Text;

/// A primary account number after masking. There is no way back from here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CardNumber {
    /// `621234******1234`: first six and last four at most (PCI DSS 4.0.1, 3.4.1).
    pub masked: Text,
    /// First 128 bits of HMAC-SHA-256 over the whole number, under the run's key; `None` where the source itself had masked it.
    /// Never written out as it is: the report stage turns it into a token.
    pub token: Option<u128>,
}

impl CardNumber {
    /// The last four digits, where they are known.
    #[must_use]
    pub fn last4(&self) -> Option<&str> {
        let at = self.masked.len().checked_sub(4)?;
        self.masked
            .get(at..)
            .filter(|s| s.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The first six digits (issuer identification number), where they are known.
    #[must_use]
    pub fn bin(&self) -> Option<&str> {
        self.masked
            .get(..6)
            .filter(|s| s.bytes().all(|b| b.is_ascii_digit()))
    }
}
