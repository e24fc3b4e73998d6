//! Names scheme, product and kernel of an application identifier (`tables/aids.tsv`).

use std::sync::LazyLock;

use crate::protocol::table;

const TSV: &str = include_str!("../../../tables/aids.tsv");

/// A known application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aid {
    /// The bytes that an AID of it begins with.
    pub prefix: Vec<u8>,
    /// `UnionPay`, `Visa` …; `-` for directories.
    pub scheme: &'static str,
    /// Product.
    pub product: &'static str,
    /// Country or region.
    pub country: &'static str,
    /// Number of the contactless kernel, where one is public: 2, 3, 7 …
    pub kernel: Option<u32>,
    /// What the scheme calls its contactless payment.
    pub brand: &'static str,
    /// Where this is from.
    pub source: &'static str,
}

/// Two hex digits a byte; `None` for anything else.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

static TABLE: LazyLock<Vec<Aid>> = LazyLock::new(|| {
    let mut list: Vec<Aid> = table::rows::<8>(TSV)
        .filter_map(
            |[_, prefix, scheme, product, country, kernel, brand, source]| {
                Some(Aid {
                    prefix: unhex(prefix)?,
                    scheme,
                    product,
                    country,
                    kernel: kernel.split(' ').next().and_then(|k| k.parse().ok()),
                    brand,
                    source,
                })
            },
        )
        .collect();
    list.sort_by(|a, b| a.prefix.cmp(&b.prefix));
    list
});

/// The known application whose prefix fits longest; AIDs may carry more bytes than the table has.
#[must_use]
pub fn lookup(aid: &[u8]) -> Option<&'static Aid> {
    // Prefixes of one AID need not be neighbours in the sorted list, so each length is looked up for itself.
    (5..=aid.len().min(16)).rev().find_map(|length| {
        let wanted = aid.get(..length)?;
        let at = TABLE
            .binary_search_by(|row| row.prefix.as_slice().cmp(wanted))
            .ok()?;
        TABLE.get(at)
    })
}

/// Scheme by registered identifier (first five bytes), where the AID itself is not in the table.
#[must_use]
pub fn scheme(aid: &[u8]) -> Option<&'static str> {
    if let Some(row) = lookup(aid) {
        return (row.scheme != "-").then_some(row.scheme);
    }
    let rid = aid.get(..5)?;
    TABLE
        .iter()
        .find(|row| row.prefix.starts_with(rid) && row.scheme != "-")
        .map(|row| row.scheme)
}

/// Kernel number that a card asks for in tag 9F2A (EMV Contactless Book B, 3.3.2.5): international kernels are a number, domestic ones three bytes.
#[must_use]
pub fn requested_kernel(value: &[u8]) -> Option<u32> {
    match value {
        [first, ..] if first & 0xC0 == 0 => Some(u32::from(first & 0x3F)).filter(|&k| k != 0),
        [a @ 0x80..=0xFF, b, c, ..] => Some(u32::from_be_bytes([0, *a, *b, *c])),
        _ => None,
    }
}

#[cfg(test)]
pub(super) fn table() -> (&'static [Aid], &'static str) {
    (&TABLE, TSV)
}
