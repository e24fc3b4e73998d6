//! Cuts issuer application data (9F10) into its parts, by the layouts that schemes publish; others stay whole.

/// Which layout 9F10 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Visa (VIS) format 0/1/3: `06 DKI CVN 03 CVR CVR CVR`, then issuer data.
    Vis,
    /// UnionPay (PBOC, UICS): `07 DKI CVN 03 CVR CVR CVR ALG`, then issuer data.
    UnionPay,
    /// Visa format 2: `1F CVN DKI CVR[5]`, then issuer data.
    VisFormat2,
    /// M/Chip: DKI, CVN, six bytes of CVR, DAC or ICC dynamic number, counters.
    MChip,
    /// Common core definitions: `0F CCI DKI CVR[5] …`.
    CommonCore,
}

/// The parts of 9F10 that mean something to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuerData<'a> {
    /// The layout.
    pub layout: Layout,
    /// Derivation key index.
    pub key_index: u8,
    /// Cryptogram version number.
    pub cryptogram_version: u8,
    /// Card verification results as the bit tables count them (with the length byte for Visa and UnionPay).
    pub cvr: &'a [u8],
    /// UnionPay: algorithm identifier, 01 triple DES, 04 SM4.
    pub algorithm: Option<u8>,
    /// What follows.
    pub rest: &'a [u8],
}

/// Reads 9F10; `None` where no published layout fits.
#[must_use]
pub fn issuer_data(value: &[u8]) -> Option<IssuerData<'_>> {
    let part = |from: usize, to: usize| value.get(from..to);
    Some(match value {
        [0x06, key, version, 0x03, _, _, _, ..] => IssuerData {
            layout: Layout::Vis,
            key_index: *key,
            cryptogram_version: *version,
            cvr: part(3, 7)?,
            algorithm: None,
            rest: part(7, value.len())?,
        },
        [0x07, key, version, 0x03, _, _, _, algorithm, ..] => IssuerData {
            layout: Layout::UnionPay,
            key_index: *key,
            cryptogram_version: *version,
            cvr: part(3, 7)?,
            algorithm: Some(*algorithm),
            rest: part(8, value.len())?,
        },
        [0x1F, version, key, ..] if value.len() == 32 => IssuerData {
            layout: Layout::VisFormat2,
            key_index: *key,
            cryptogram_version: *version,
            cvr: part(3, 8)?,
            algorithm: None,
            rest: part(8, value.len())?,
        },
        [0x0F, version @ 0xA0..=0xAF, key, ..] if value.len() == 32 => IssuerData {
            layout: Layout::CommonCore,
            key_index: *key,
            cryptogram_version: *version,
            cvr: part(3, 8)?,
            algorithm: None,
            rest: part(8, value.len())?,
        },
        // M/Chip has no length byte: told by its sizes, and by a CVN of the 1x family.
        [key, version, ..] if matches!(value.len(), 18 | 20 | 26 | 28) && version & 0xC0 == 0 => {
            IssuerData {
                layout: Layout::MChip,
                key_index: *key,
                cryptogram_version: *version,
                cvr: part(2, 8)?,
                algorithm: None,
                rest: part(8, value.len())?,
            }
        }
        _ => return None,
    })
}
