//! Turns vendors' result codes into what they mean, by a table; a bare number is a code only next to words that fit.

use super::ContentKind;

/// What this file reads.
pub const KIND: ContentKind = ContentKind {
    name: "codes",
    title: "result codes of payment SDKs and reader drivers",
    anchors: &[
        "EMV_",
        "QPBOC_",
        "AARESULT_",
        "ENDAPPLICATION_",
        "CLS_ERR_",
        "CLS_HAL_",
        "CLS_TYPEA_",
        "RET_RF_ERR",
        "ERROR_ICC_",
        "ERROR_KEYPAD_",
        "ERROR_MAGNETIC_",
        "SEC_ERR_",
        "CARD_ERR_",
        "TRY_ANOTHER_INTERFACE",
    ],
};

/// The table: family, code, symbol, meaning (zh, en), step, cause hints, source.
const TABLE: &str = include_str!("../../tables/sdk_codes.tsv");

/// One code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Short name of the family: `SUNMI`, `VFI`, `PAX`, `SMARTWIN`, `ANDROID`.
    pub family: &'static str,
    /// The code as the table has it.
    pub code: &'static str,
    /// Its symbol.
    pub symbol: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Signal that says the same.
    pub signal: &'static str,
}

/// All codes.
pub struct Codes {
    rows: Vec<Code>,
    /// Rows with a telling symbol, sorted by it.
    by_symbol: Vec<u32>,
    /// First letters of those symbols.
    initials: Vec<u8>,
}

/// Words that show whose code it is.
const FAMILY_WORDS: &[(&str, &[&str])] = &[
    (
        "SUNMI",
        &[
            "sunmi",
            "商米",
            "emvopt",
            "readcardopt",
            "paysdk",
            "endapplication",
            "cls_",
        ],
    ),
    (
        "VFI",
        &[
            "verifone",
            "vfi",
            "pboc",
            "qpboc",
            "x990",
            "x9",
            "onerror",
            "transresult",
            "aaresult",
        ],
    ),
    (
        "PAX",
        &["pax", "picc", "rf_err", "ret_rf", "rf ret", "rfret"],
    ),
    (
        "SMARTWIN",
        &[
            "smartwin",
            "tianyu",
            "tps",
            "error_ic",
            "error_keypad",
            "error_magnetic",
            "天喻",
        ],
    ),
];

/// Symbols up to this length are words of other domains too.
const SHORT_SYMBOL: usize = 8;

/// Words that show that a number is a result of card handling.
const CARD_WORDS: &[&str] = &[
    "emv",
    "card",
    "picc",
    "rf",
    "nfc",
    "kernel",
    "pboc",
    "contactless",
    "ctls",
    "clss",
    "内核",
    "卡",
    "射频",
    "非接",
    "交易",
    "tap",
    "密钥",
];

impl Codes {
    /// Reads the table.
    #[must_use]
    pub fn new() -> Self {
        let rows: Vec<Code> = TABLE.lines().skip(1).filter_map(row).collect();
        let mut by_symbol: Vec<u32> = (0_u32..)
            .zip(&rows)
            .filter(|(_, row)| row.family != "ANDROID" && row.symbol.len() > SHORT_SYMBOL)
            .map(|(at, _)| at)
            .collect();
        by_symbol.sort_by_key(|&at| rows.get(at as usize).map(|row| row.symbol));
        let mut initials: Vec<u8> = by_symbol
            .iter()
            .filter_map(|&at| rows.get(at as usize)?.symbol.bytes().next())
            .collect();
        initials.dedup();
        Self {
            rows,
            by_symbol,
            initials,
        }
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> &[Code] {
        &self.rows
    }

    /// The longest symbol that stands in the text as a word of its own.
    #[must_use]
    pub fn symbol(&self, text: &[u8]) -> Option<&Code> {
        text.split(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))
            .filter(|word| word.len() > SHORT_SYMBOL)
            // Nearly all begin with a capital letter, as few other words do.
            .filter(|word| word.first().is_some_and(|b| self.initials.contains(b)))
            .filter_map(|word| {
                let at = self
                    .by_symbol
                    .binary_search_by_key(&word, |row| self.symbol_at(*row))
                    .ok()?;
                self.rows.get(*self.by_symbol.get(at)? as usize)
            })
            .max_by_key(|row| row.symbol.len())
    }

    fn symbol_at(&self, row: u32) -> &[u8] {
        self.rows
            .get(row as usize)
            .map_or(&[], |row| row.symbol.as_bytes())
    }

    /// A number as a code, where the words around it name its family (`SUNMI`) or the number is as telling as `-4141` beside card words.
    /// `payment` where the logger is known to be payment software.
    #[must_use]
    pub fn number(&self, number: &[u8], context: &[u8], payment: bool) -> Option<&Code> {
        let number = core::str::from_utf8(number).ok()?;
        let lower = context.to_ascii_lowercase();
        let has = |word: &str| memchr::memmem::find(&lower, word.as_bytes()).is_some();
        let family = FAMILY_WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|w| has(w)))
            .map(|(family, _)| *family);
        let same = |row: &&Code| {
            row.code.eq_ignore_ascii_case(number)
                || row.code.strip_prefix("0x").is_some_and(|hex| {
                    number.strip_prefix("0x").is_some_and(|n| {
                        n.trim_start_matches('0')
                            .eq_ignore_ascii_case(hex.trim_start_matches('0'))
                    })
                })
        };
        if let Some(family) = family
            && let Some(row) = self
                .rows
                .iter()
                .filter(same)
                .find(|row| row.family == family)
        {
            return Some(row);
        }
        // Four digits below zero are telling where no other domain has them (-1001 is also a time-out of Apple's); a small number is not.
        let telling = number.len() == 5 && (number.starts_with("-2") || number.starts_with("-4"));
        (telling && (payment || CARD_WORDS.iter().any(|w| word(&lower, w))))
            .then(|| self.rows.iter().find(same))
            .flatten()
    }
}

/// True where a word stands in the text, for ASCII words with a border in front.
fn word(text: &[u8], word: &str) -> bool {
    memchr::memmem::find_iter(text, word.as_bytes()).any(|at| {
        !word.is_ascii() || at == 0 || text.get(at - 1).is_none_or(|b| !b.is_ascii_alphabetic())
    })
}

impl Default for Codes {
    fn default() -> Self {
        Self::new()
    }
}

fn row(line: &'static str) -> Option<Code> {
    let mut cells = line.split('\t');
    let (family, code, symbol, _zh, meaning) = (
        cells.next()?,
        cells.next()?,
        cells.next()?,
        cells.next()?,
        cells.next()?,
    );
    let family = match family {
        f if f.starts_with("SUNMI") => "SUNMI",
        f if f.starts_with("SmartPOS") => "VFI",
        f if f.starts_with("PAX") => "PAX",
        f if f.starts_with("SmartWin") => "SMARTWIN",
        _ => "ANDROID",
    };
    Some(Code {
        family,
        code,
        symbol,
        meaning,
        signal: signal(family, code),
    })
}

/// The signal that says the same as a code.
fn signal(family: &str, code: &str) -> &'static str {
    match (family, code) {
        ("SUNMI", "-1001") => "no_contactless_hardware",
        ("SUNMI", "-1002" | "-1009" | "-2500" | "-2501" | "-2502" | "-2503")
        | ("PAX", "0x02" | "0xFF") => "reader_init_failed",
        ("SUNMI", "-2001") | ("SMARTWIN", "-1303") => "poll_timeout",
        ("SUNMI", "-2002" | "-2524")
        | ("VFI", "26")
        | ("PAX", "0x14" | "0x20")
        | ("SMARTWIN", "-1304") => "multiple_cards",
        ("SUNMI", "-2520" | "-4100" | "-4101" | "-4113" | "-4146")
        | ("VFI", "29" | "60")
        | ("PAX", "0x15")
        | ("SMARTWIN", "-1305") => "card_removed",
        ("SUNMI", "-2521") => "reader_io_error",
        ("SUNMI", "-2522" | "-2523" | "-2526" | "-2560" | "-4114")
        | ("PAX", "0x17" | "0x22")
        | ("SMARTWIN", "-1307") => "rf_transmission_error",
        ("SUNMI", "-2525" | "-2541" | "-2544" | "-2564" | "-2570" | "-4115")
        | ("PAX", "0x16")
        | ("SMARTWIN", "-1306") => "rf_protocol_error",
        ("SUNMI", "-2529") | ("PAX", "0x06") => "card_detected",
        ("SUNMI", "-2549" | "-4123") | ("VFI", "207") => "card_not_contactless",
        ("SUNMI", "-2581" | "-4132") => "cancelled",
        ("SUNMI", "1") | ("VFI", "0" | "204") => "approved",
        ("SUNMI", "2") | ("VFI", "2" | "201") => "online_request",
        ("SUNMI", "4" | "-4134") => "retry_prompt",
        ("SUNMI", "8" | "-4120" | "-4141" | "-4144") | ("VFI", "23") => "limit_exceeded",
        ("SUNMI", "-4000" | "-4110") | ("VFI", "1" | "17" | "21" | "22" | "202") => {
            "offline_declined"
        }
        ("SUNMI", "-4001" | "-4136") | ("VFI", "205") => "use_chip",
        ("SUNMI", "-4003") => "see_phone",
        ("SUNMI", "-4104" | "-4105") | ("VFI", "14" | "25") => "card_blocked",
        ("SUNMI", "-4106" | "-4107" | "-4112" | "-4125") | ("VFI", "8" | "206" | "90") => {
            "no_common_aid"
        }
        ("SUNMI", "-4108" | "-4109" | "-4116" | "-4119" | "-4121" | "-4124") | ("VFI", "19") => {
            "card_data_invalid"
        }
        ("SUNMI", "-4111") => "card_expired",
        ("SUNMI", "-4117") | ("VFI", "13") => "oda_failed",
        ("SUNMI", "-4122" | "-4140") => "kernel_unsupported",
        ("SUNMI", "-4130" | "-4502") | ("VFI", "18") => "kernel_parameters",
        ("SUNMI", "-4133" | "-4142") => "cashier_action",
        ("SUNMI", "-4501") => "capk_missing",
        ("SUNMI", "-3050") | ("SMARTWIN", "-1509" | "-1513") => "key_error",
        ("SUNMI", "-3046") | ("SMARTWIN", "-1522") => "tamper",
        ("VFI", "12") => "fallback",
        ("VFI", "20") => "cvm_not_possible",
        ("SMARTWIN", "-1201" | "-1204") => "contact_read_failed",
        ("SMARTWIN", "-1101") => "magstripe_read_failed",
        ("SMARTWIN", "-1504" | "-1505") => "pin_cancelled",
        _ => "other_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_code_only_beside_fitting_words() {
        let codes = Codes::new();
        assert!(codes.rows().len() > 100);
        assert_eq!(
            codes
                .number(b"-4141", b"SUNMI EMVOpt onTransResult", false)
                .unwrap()
                .signal,
            "limit_exceeded"
        );
        assert_eq!(
            codes
                .number(b"-4141", b"emv kernel result", false)
                .unwrap()
                .family,
            "SUNMI"
        );
        assert_eq!(
            codes
                .number(b"23", b"qpboc callback onError", false)
                .unwrap()
                .signal,
            "limit_exceeded"
        );
        assert_eq!(
            codes
                .number(b"0x14", b"PAX picc detect ret", false)
                .unwrap()
                .signal,
            "multiple_cards"
        );
        assert_eq!(
            codes.number(b"23", b"some list has 23 entries", false),
            None
        );
        assert_eq!(codes.number(b"-4141", b"thread pool returned", false), None);
        assert_eq!(
            codes.symbol(b"result EMV_SEE_PHONE").unwrap().signal,
            "see_phone"
        );
    }
}
