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

/// What the card says in its verification results. `None` where the layout has no such bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verification {
    /// Cryptogram given to the first GENERATE AC, or to GET PROCESSING OPTIONS: `AAC`, `TC`, `ARQC`.
    pub first: Option<&'static str>,
    /// Cryptogram given to the second GENERATE AC: `AAC`, `TC`, or `not_requested`.
    pub second: Option<&'static str>,
    /// Result of the offline PIN: `ok`, `failed`, `not_performed`.
    pub pin: Option<&'static str>,
    /// The PIN may not be tried any more.
    pub pin_try_limit: Option<bool>,
    /// PIN tries left, modulo 16.
    pub pin_tries: Option<u8>,
    /// The device verified its holder.
    pub device_verified: Option<bool>,
    /// The online transaction before this one was not completed.
    pub last_online_incomplete: Option<bool>,
    /// The terminal could not go online.
    pub unable_online: Option<bool>,
    /// Issuer authentication failed, now or in the last online transaction.
    pub issuer_authentication_failed: Option<bool>,
    /// An issuer script failed.
    pub script_failed: Option<bool>,
    /// Issuer script commands processed, modulo 16.
    pub scripts: Option<u8>,
    /// Offline data authentication failed in the transaction before this one.
    pub authentication_failed_before: Option<bool>,
    /// A counter or amount of offline transactions passed a limit of the card.
    pub offline_limit: Option<bool>,
    /// The card wants to go online with its next transaction.
    pub go_online_next: Option<bool>,
    /// The card was never online.
    pub new_card: Option<bool>,
    /// The card's own date check failed.
    pub date_check_failed: Option<bool>,
}

/// Two bits of the second and two of the first cryptogram: all layouts have them alike.
fn given(byte: u8) -> (Option<&'static str>, Option<&'static str>) {
    let first = match byte & 0x30 {
        0x00 => Some("AAC"),
        0x10 => Some("TC"),
        0x20 => Some("ARQC"),
        _ => None,
    };
    let second = match byte & 0xC0 {
        0x00 => Some("AAC"),
        0x40 => Some("TC"),
        0x80 => Some("not_requested"),
        _ => None,
    };
    (first, second)
}

fn pin(performed: bool, failed: bool) -> &'static str {
    match (performed, failed) {
        (_, true) => "failed",
        (true, false) => "ok",
        (false, false) => "not_performed",
    }
}

impl IssuerData<'_> {
    /// What the verification results say.
    #[must_use]
    pub fn verification(&self) -> Verification {
        match (self.layout, self.cvr) {
            (Layout::Vis | Layout::UnionPay, &[_, b2, b3, b4]) => visa(false, b2, b3, b4, 0),
            (Layout::VisFormat2, &[_, b2, b3, b4, b5]) => visa(true, b2, b3, b4, b5),
            (Layout::MChip, &[b1, _, b3, b4, b5, b6]) => m_chip(b1, b3, b4, b5, b6),
            (Layout::CommonCore, &[b1, b2, b3, b4, _]) => common_core(b1, b2, b3, b4),
            _ => Verification::default(),
        }
    }
}

/// Visa's formats; that of mobile devices has device verification where the others have the offline PIN.
fn visa(mobile: bool, b2: u8, b3: u8, b4: u8, b5: u8) -> Verification {
    let (first, second) = given(b2);
    Verification {
        first,
        second,
        pin: if mobile {
            None
        } else {
            Some(pin(b2 & 0x04 != 0, b2 & 0x02 != 0))
        },
        device_verified: mobile.then_some(b2 & 0x04 != 0 || b5 & 0x02 != 0),
        unable_online: Some(b2 & 0x01 != 0),
        issuer_authentication_failed: Some(b2 & 0x08 != 0 || b3 & 0x08 != 0),
        last_online_incomplete: Some(b3 & 0x80 != 0),
        pin_try_limit: Some(b3 & 0x42 != 0),
        offline_limit: Some(b3 & 0x20 != 0),
        new_card: Some(b3 & 0x10 != 0),
        authentication_failed_before: Some(b3 & 0x01 != 0 || b4 & 0x04 != 0),
        scripts: Some(b4 >> 4),
        script_failed: Some(b4 & 0x08 != 0),
        ..Verification::default()
    }
}

fn m_chip(b1: u8, b3: u8, b4: u8, b5: u8, b6: u8) -> Verification {
    let (first, second) = given(b1);
    Verification {
        first,
        second,
        // Performed, and told apart by a bit of success and one of failure.
        pin: if b1 & 0x01 != 0 {
            Some("ok")
        } else {
            Some(pin(false, b4 & 0x10 != 0))
        },
        date_check_failed: Some(b1 & 0x08 != 0),
        scripts: Some(b3 >> 4),
        pin_tries: Some(b3 & 0x0F),
        last_online_incomplete: Some(b4 & 0x80 != 0),
        unable_online: Some(b4 & 0x40 != 0),
        pin_try_limit: Some(b4 & 0x08 != 0),
        offline_limit: Some(b5 & 0xF0 != 0 || b6 & 0xFC != 0),
        go_online_next: Some(b5 & 0x08 != 0),
        issuer_authentication_failed: Some(b5 & 0x04 != 0),
        script_failed: Some(b5 & 0x01 != 0),
        ..Verification::default()
    }
}

/// Common core definitions (EMV Book 3, annex C).
fn common_core(b1: u8, b2: u8, b3: u8, b4: u8) -> Verification {
    let (first, second) = given(b1);
    Verification {
        first,
        second,
        pin: Some(pin(b2 & 0x08 != 0, b2 & 0x04 != 0)),
        pin_tries: Some(b2 >> 4),
        pin_try_limit: Some(b2 & 0x02 != 0),
        last_online_incomplete: Some(b2 & 0x01 != 0),
        issuer_authentication_failed: Some(b1 & 0x01 != 0),
        offline_limit: Some(b3 & 0xF0 != 0),
        scripts: Some(b4 >> 4),
        script_failed: Some(b4 & 0x08 != 0),
        authentication_failed_before: Some(b4 & 0x04 != 0),
        go_online_next: Some(b4 & 0x02 != 0),
        unable_online: Some(b4 & 0x01 != 0),
        ..Verification::default()
    }
}
