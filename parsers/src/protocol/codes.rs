//! Names codes that several protocols share: currencies, response codes, entry modes, reversal reasons.

use std::sync::LazyLock;

use super::table;

const CURRENCIES: &str = include_str!("../../tables/currencies.tsv");
const RESPONSES: &str = include_str!("../../tables/f39.tsv");
const ENTRY_MODES: &str = include_str!("../../tables/entry_modes.tsv");
const REVERSALS: &str = include_str!("../../tables/reversal_reasons.tsv");

/// An active currency of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    /// Three digits as a number: 156.
    pub number: u16,
    /// Three letters: `CNY`.
    pub letters: [u8; 3],
    /// Decimal places of the minor unit.
    pub exponent: u8,
}

impl Currency {
    /// The letters as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.letters).unwrap_or_default()
    }
}

static CURRENCY_TABLE: LazyLock<Vec<Currency>> = LazyLock::new(|| {
    let mut list: Vec<Currency> = table::rows::<4>(CURRENCIES)
        .filter_map(|[number, letters, exponent, _]| {
            Some(Currency {
                number: number.parse().ok()?,
                letters: letters.as_bytes().try_into().ok()?,
                exponent: exponent.parse().ok()?,
            })
        })
        .collect();
    list.sort_by_key(|row| row.number);
    list
});

/// The currency of a number: 156 is CNY.
#[must_use]
pub fn currency(number: u16) -> Option<&'static Currency> {
    let at = CURRENCY_TABLE
        .binary_search_by_key(&number, |row| row.number)
        .ok()?;
    CURRENCY_TABLE.get(at)
}

/// The currency of its letters, in either case.
#[must_use]
pub fn currency_by_letters(letters: &[u8]) -> Option<&'static Currency> {
    CURRENCY_TABLE
        .iter()
        .find(|row| row.letters.eq_ignore_ascii_case(letters))
}

/// The currency of a tag's value (5F2A, 9F42: n3 in two bytes, `0156`).
#[must_use]
pub fn currency_of_tag(value: &[u8]) -> Option<&'static Currency> {
    let &[high, low] = value else { return None };
    let number = super::emv::value::number(&[high, low])?;
    currency(u16::try_from(number).ok()?)
}

/// A response code (ISO 8583 field 39, tag 8A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseCode {
    /// Two characters.
    pub code: &'static str,
    /// ISO 8583:1987 meaning, in English.
    pub en: &'static str,
    /// UnionPay's meaning, in Chinese.
    pub zh: &'static str,
    /// Who uses it at UnionPay.
    pub role: &'static str,
    /// What UnionPay's terminals do.
    pub action: &'static str,
    /// Who decides.
    pub decided_by: &'static str,
    /// Cause that it points at.
    pub cause: &'static str,
    /// What matters for taps.
    pub note: &'static str,
    /// Where this is from.
    pub source: &'static str,
}

static RESPONSE_TABLE: LazyLock<Vec<ResponseCode>> = LazyLock::new(|| {
    let mut list: Vec<ResponseCode> = table::rows::<9>(RESPONSES)
        .map(
            |[code, en, zh, role, action, decided_by, cause, note, source]| ResponseCode {
                code,
                en,
                zh,
                role,
                action,
                decided_by,
                cause,
                note,
                source,
            },
        )
        .collect();
    list.sort_by_key(|row| row.code);
    list
});

/// What a response code means. Codes are case-sensitive: UnionPay has `A0`.
#[must_use]
pub fn response_code(code: &str) -> Option<&'static ResponseCode> {
    let at = RESPONSE_TABLE
        .binary_search_by_key(&code, |row| row.code)
        .ok()?;
    RESPONSE_TABLE.get(at)
}

/// How the card number came in (first two digits of ISO 8583 field 22, tag 9F39).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryMode {
    /// Whose code: `ISO/intl`, `UnionPay`.
    pub network: &'static str,
    /// Two digits.
    pub prefix: &'static str,
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// True for a tap.
    pub contactless: bool,
    /// What the third digit says.
    pub third_digit: &'static str,
    /// Fields that come with it.
    pub companions: &'static str,
    /// Where this is from.
    pub source: &'static str,
}

static ENTRY_TABLE: LazyLock<Vec<EntryMode>> = LazyLock::new(|| {
    table::rows::<8>(ENTRY_MODES)
        .map(
            |[
                network,
                prefix,
                en,
                zh,
                contactless,
                third_digit,
                companions,
                source,
            ]| EntryMode {
                network,
                prefix,
                en,
                zh,
                contactless: contactless == "yes",
                third_digit,
                companions,
                source,
            },
        )
        .collect()
});

/// What an entry mode (`072`, `07`, `0710`) means.
#[must_use]
pub fn entry_mode(code: &str) -> Option<&'static EntryMode> {
    let prefix = code.get(..2)?;
    ENTRY_TABLE.iter().find(|row| row.prefix == prefix)
}

/// Why a reversal was sent (UnionPay field 60, or field 39 of a 0400).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReversalReason {
    /// `4021`, or `F39=98 in 0400`.
    pub code: &'static str,
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// Causes that it is evidence for.
    pub causes: &'static str,
    /// Where this is from.
    pub source: &'static str,
}

static REVERSAL_TABLE: LazyLock<Vec<ReversalReason>> = LazyLock::new(|| {
    table::rows::<5>(REVERSALS)
        .map(|[code, en, zh, causes, source]| ReversalReason {
            code,
            en,
            zh,
            causes,
            source,
        })
        .collect()
});

/// What a four-digit reason code means.
#[must_use]
pub fn reversal_reason(code: &str) -> Option<&'static ReversalReason> {
    REVERSAL_TABLE.iter().find(|row| row.code == code)
}

/// What field 39 of a POS reversal (0400) means: there it is the reason, not an answer.
#[must_use]
pub fn reversal_response_code(f39: &str) -> Option<&'static ReversalReason> {
    REVERSAL_TABLE.iter().find(|row| {
        row.code
            .strip_prefix("F39=")
            .and_then(|rest| rest.strip_suffix(" in 0400"))
            == Some(f39)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_parses_once_with_a_source() {
        let unique = |keys: Vec<String>, tsv: &str| {
            assert_eq!(keys.len(), table::lines(tsv), "a row is lost");
            assert_eq!(
                keys.iter().collect::<BTreeSet<_>>().len(),
                keys.len(),
                "a row is there twice"
            );
        };
        unique(
            CURRENCY_TABLE
                .iter()
                .map(|c| c.as_str().to_owned())
                .collect(),
            CURRENCIES,
        );
        unique(
            CURRENCY_TABLE
                .iter()
                .map(|c| c.number.to_string())
                .collect(),
            CURRENCIES,
        );
        unique(
            RESPONSE_TABLE.iter().map(|r| r.code.to_owned()).collect(),
            RESPONSES,
        );
        unique(
            ENTRY_TABLE.iter().map(|e| e.prefix.to_owned()).collect(),
            ENTRY_MODES,
        );
        unique(
            REVERSAL_TABLE.iter().map(|r| r.code.to_owned()).collect(),
            REVERSALS,
        );
        assert!(RESPONSE_TABLE.iter().all(|r| !r.source.is_empty()));
        assert!(ENTRY_TABLE.iter().all(|r| !r.source.is_empty()));
        assert!(REVERSAL_TABLE.iter().all(|r| !r.source.is_empty()));
        assert!(
            CURRENCY_TABLE
                .iter()
                .all(|c| c.letters.iter().all(u8::is_ascii_uppercase) && c.exponent <= 4)
        );
    }

    #[test]
    fn lookups() {
        assert_eq!(
            currency(156).map(|c| (c.as_str(), c.exponent)),
            Some(("CNY", 2))
        );
        assert_eq!(
            currency_of_tag(&[0x03, 0x92]).map(|c| (c.as_str(), c.exponent)),
            Some(("JPY", 0))
        );
        assert_eq!(
            currency_by_letters(b"kwd").map(|c| (c.number, c.exponent)),
            Some((414, 3))
        );
        assert_eq!(currency(999), None);
        assert_eq!(currency_of_tag(&[0x0A, 0x56]), None);
        assert_eq!(
            response_code("51").map(|r| r.cause),
            Some("ISS_INSUFFICIENT_FUNDS")
        );
        assert!(response_code("A0").is_some() && response_code("a0").is_none());
        assert_eq!(entry_mode("072").map(|m| m.contactless), Some(true));
        assert_eq!(entry_mode("98").map(|m| m.network), Some("UnionPay"));
        assert_eq!(entry_mode("05").map(|m| m.contactless), Some(false));
        assert_eq!(entry_mode("中"), None);
        assert_eq!(
            reversal_reason("4021").map(|r| r.en),
            Some("Timeout waiting for response")
        );
        assert!(
            reversal_response_code("98")
                .is_some_and(|r| r.causes.starts_with("HOST_RESPONSE_TIMEOUT"))
        );
    }
}
