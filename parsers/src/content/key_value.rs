//! Turns `trace no: 000123`, `"amount":"10.00"`, `流水号：000123` into named values, with English and Chinese labels in every joining.

mod labels;

use labels::LABELS;

use aho_corasick::{AhoCorasick, MatchKind};

use super::ContentKind;

/// What this file reads; its anchors come from the labels that only payments have.
pub const KIND: ContentKind = ContentKind {
    name: "key_value",
    title: "named values: trace, reference, terminal, merchant, amount, response code …",
    anchors: &[],
};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// F11, trace number.
    Stan,
    /// F37.
    Rrn,
    /// F38.
    AuthCode,
    /// Batch number.
    Batch,
    /// F41.
    Terminal,
    /// F42.
    Merchant,
    /// Serial number or device name.
    Device,
    /// F4, in whichever unit.
    Amount,
    /// F4 in minor units, by its label.
    AmountMinor,
    /// F49.
    Currency,
    /// Card number.
    Card,
    /// F39.
    ResponseCode,
    /// Host name or address, perhaps with port.
    Host,
    /// Port.
    Port,
    /// Contactless transaction limit.
    Limit,
    /// Limit for cardholder verification.
    CvmLimit,
    /// Floor limit.
    FloorLimit,
    /// A version.
    Version,
    /// Status word.
    Sw,
    /// Tag 95.
    Tvr,
    /// Outcome parameter set.
    Ops,
    /// User interface request.
    Ui,
    /// Error indication, DF8115.
    ErrorIndication,
    /// Tag 9F26.
    Cryptogram,
    /// Tag 9F37.
    UnpredictableNumber,
    /// Tag 9F36.
    Atc,
    /// Application identifier.
    Aid,
    /// The card's identifier on the air.
    Uid,
    /// Signal strength.
    Rssi,
    /// F22.
    EntryMode,
    /// Message type.
    Mti,
    /// A vendor's result code.
    Code,
    /// A timer or duration.
    Timer,
    /// Transaction type.
    TransactionType,
}

impl Key {
    /// Short name for values that events keep.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stan => "stan",
            Self::Rrn => "rrn",
            Self::AuthCode => "auth_code",
            Self::Batch => "batch",
            Self::Terminal => "terminal",
            Self::Merchant => "merchant",
            Self::Device => "device",
            Self::Amount | Self::AmountMinor => "amount_minor",
            Self::Currency => "currency",
            Self::Card => "card",
            Self::ResponseCode => "f39",
            Self::Host => "host",
            Self::Port => "port",
            Self::Limit => "limit_minor",
            Self::CvmLimit => "cvm_limit_minor",
            Self::FloorLimit => "floor_limit_minor",
            Self::Version => "version",
            Self::Sw => "sw",
            Self::Tvr => "tvr",
            Self::Ops => "ops",
            Self::Ui => "ui",
            Self::ErrorIndication => "error_indication",
            Self::Cryptogram => "cryptogram",
            Self::UnpredictableNumber => "unpredictable_number",
            Self::Atc => "atc",
            Self::Aid => "aid",
            Self::Uid => "uid",
            Self::Rssi => "rssi_dbm",
            Self::EntryMode => "entry_mode",
            Self::Mti => "mti",
            Self::Code => "code",
            Self::Timer => "timer_ms",
            Self::TransactionType => "transaction_type",
        }
    }
}

/// A named value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// What it is.
    pub key: Key,
    /// The value as written.
    pub value: &'a [u8],
    /// What follows it: units (`元`, `dBm`, `CNY`).
    pub after: &'a [u8],
    /// True where only payments have such a label.
    pub payment: bool,
    /// Offset of the label.
    pub at: usize,
}

/// Finds labels.
pub struct Labels {
    finder: AhoCorasick,
    owners: Vec<(Key, bool, bool)>,
}

fn joined(label: &str) -> Vec<String> {
    if !label.contains(' ') {
        return vec![label.to_owned()];
    }
    ["", " ", "_", "-", "."]
        .iter()
        .map(|join| label.replace(' ', join))
        .collect()
}

/// Labels that only payments have, as anchors.
pub fn anchors() -> impl Iterator<Item = String> {
    LABELS
        .iter()
        // Tags and field numbers are looked for with what marks them as such.
        .filter(|(label, _, payment)| *payment && label.len() > 4)
        .flat_map(|(label, _, _)| {
            if label.chars().count() <= 4 && label.is_ascii() {
                ["=", ":", "]", " =", " :", "\""]
                    .iter()
                    .map(|mark| format!("{label}{mark}"))
                    .collect()
            } else {
                joined(label)
            }
        })
        .chain(
            [
                "sak=",
                "sak:",
                "sak 0x",
                "\"sak\"",
                "atqa",
                "stan=",
                "stan:",
                "stan\"",
                "stan[",
                "stan ",
                "rrn=",
                "rrn[",
                "rrn ",
                "rrn:",
                "rrn\"",
                "tvr=",
                "tvr:",
                "f39=",
                "f39:",
                "39域",
                "f11=",
                "f37=",
                "f41=",
                "\"pan\"",
                "\"pem\"",
                "\"tid\"",
                "\"maskedpan\"",
                "\"masked_pan\"",
            ]
            .map(str::to_owned),
        )
}

impl Labels {
    /// Builds the finder.
    ///
    /// # Errors
    /// Where the table does not make an automaton.
    pub fn new() -> Result<Self, aho_corasick::BuildError> {
        let mut words = Vec::new();
        let mut owners = Vec::new();
        for (label, key, payment) in LABELS {
            for form in joined(label) {
                words.push(form);
                owners.push((*key, *payment, label.len() >= 3));
            }
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&words)?;
        Ok(Self { finder, owners })
    }

    /// All named values of a text, in order.
    #[must_use]
    pub fn read<'a>(&self, text: &'a [u8]) -> Vec<Pair<'a>> {
        let mut pairs = Vec::new();
        let mut behind = 0;
        for hit in self.finder.find_iter(text) {
            if hit.start() < behind || pairs.len() >= 48 {
                continue;
            }
            let Some((key, payment, long)) = self.owners.get(hit.pattern().as_usize()) else {
                continue;
            };
            if !bounded(text, hit.start(), hit.end()) {
                continue;
            }
            // `TID 65432187`: eight characters need no mark (ISO 8583, data element 41).
            let terminal = || {
                let found = value(text, hit.end(), true).filter(|(value, _)| value.len() == 8);
                (*key == Key::Terminal).then_some(found).flatten()
            };
            if let Some((value, end)) = value(text, hit.end(), *payment && *long).or_else(terminal)
            {
                behind = end;
                pairs.push(Pair {
                    key: *key,
                    value,
                    after: text.get(end..).unwrap_or_default(),
                    payment: *payment,
                    at: hit.start(),
                });
            }
        }
        pairs
    }
}

fn bounded(text: &[u8], start: usize, end: usize) -> bool {
    let Some(first) = text.get(start) else {
        return false;
    };
    if !first.is_ascii() {
        return true;
    }
    let before = start.checked_sub(1).and_then(|i| text.get(i));
    let front = before.is_none_or(|b| {
        !b.is_ascii_alphanumeric() || b.is_ascii_lowercase() && first.is_ascii_uppercase()
    });
    let last_ascii = end
        .checked_sub(1)
        .and_then(|i| text.get(i))
        .is_some_and(u8::is_ascii_alphanumeric);
    let back = !last_ascii || text.get(end).is_none_or(|b| !b.is_ascii_alphanumeric());
    front && back
}

/// The value behind a label that ends at `at`: marks, then what stands up to a blank, comma, quote or bracket.
fn value(text: &[u8], at: usize, may_lack_mark: bool) -> Option<(&[u8], usize)> {
    let mut cursor = at;
    let mut marks = 0;
    let mut blanks = 0;
    loop {
        let rest = text.get(cursor..)?;
        if rest.starts_with("：".as_bytes())
            || rest.starts_with("【".as_bytes())
            || rest.starts_with("为".as_bytes())
            || rest.starts_with("是".as_bytes())
            || rest.starts_with("（".as_bytes())
            || rest.starts_with("￥".as_bytes())
        {
            marks += 1;
            cursor += 3;
            continue;
        }
        if rest.starts_with("¥".as_bytes()) {
            cursor += 2;
            continue;
        }
        match rest.first()? {
            b'=' | b':' => marks += 1,
            b'[' | b'(' | b'{' | b'>' | b'#' if marks <= 2 => marks += 1,
            b'"' | b'\'' | b'\\' | b'$' => {}
            b']' | b')' if marks <= 1 => {}
            b'.' if blanks == 0 && marks == 0 => {}
            b' ' | b'\t' => blanks += 1,
            b'-' if rest.get(1) == Some(&b'>') => {
                marks += 1;
                cursor += 1;
            }
            _ => break,
        }
        cursor += 1;
        if cursor - at > 12 {
            return None;
        }
    }
    let rest = text.get(cursor..)?;
    let first = *rest.first()?;
    if marks == 0
        && !(may_lack_mark && blanks > 0 && (first.is_ascii_digit() || first == b'-'))
        && !(may_lack_mark
            && text.get(at - 1).is_some_and(|b| !b.is_ascii())
            && first.is_ascii_digit())
    {
        return None;
    }
    let length = rest
        .iter()
        .take_while(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'*' | b'_' | b'/' | b':')
        })
        .take(96)
        .count();
    let mut value = rest.get(..length)?;
    // Thousands: 1,234.50
    let mut end = cursor + length;
    if value.len() <= 3
        && value.iter().all(u8::is_ascii_digit)
        && !value.is_empty()
        && let Some([b',', a, b, c, b'.', d, e, ..]) = text.get(end..)
        && [a, b, c, d, e].iter().all(|x| x.is_ascii_digit())
    {
        end += 7;
        value = text.get(cursor..end)?;
    }
    while let [head @ .., b'.' | b':' | b'/' | b'-'] = value {
        value = head;
        end -= 1;
    }
    // `ERROR: traceNo=000123`: what stands there is the next name, not a value.
    if blanks > 0
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && matches!(text.get(end..), Some([b'=', next, ..]) if next.is_ascii_alphanumeric())
    {
        return None;
    }
    (!value.is_empty()).then_some((value, end))
}

/// The amount in a sentence about a sale: `SALE 19.99`, `Zahlung 23,90 EUR`, `消费 88.00`, `SATIS 1.120,00 TL`, `8,900원`, `SALE 460 cents`,
/// `AMT 000000000640`, in minor units. The first that looks like one.
#[must_use]
pub fn spoken_amount(text: &[u8]) -> Option<i64> {
    let mut at = 0;
    loop {
        let start = at + text.get(at..)?.iter().position(u8::is_ascii_digit)?;
        let rest = text.get(start..)?;
        let (number, length, grouped) = grouped(rest);
        at = start + length.max(1);
        let before = start.checked_sub(1).and_then(|i| text.get(i));
        let apart = before.is_none_or(|b| {
            !b.is_ascii_alphanumeric() && !matches!(b, b'.' | b',' | b':' | b'-' | b'#' | b'_')
        });
        let (Some(number), true) = (number, apart) else {
            continue;
        };
        let behind = rest.get(length..).unwrap_or_default();
        if let [b'.' | b',', a, b, more @ ..] = behind
            && a.is_ascii_digit()
            && b.is_ascii_digit()
            && length <= 12
            && !matches!(
                more,
                [b'0'..=b'9', ..] | [b'.' | b',' | b':', b'0'..=b'9', ..]
            )
        {
            return Some(number * 100 + i64::from(a - b'0') * 10 + i64::from(b - b'0'));
        }
        let unit = behind.trim_ascii_start();
        let whole = WHOLE.iter().any(|name| unit.starts_with(name.as_bytes()))
            && !unit.starts_with("分钟".as_bytes());
        if whole || unit.starts_with(b"cent") || length == 12 && !grouped {
            return Some(number);
        }
    }
}

/// Currencies without a minor unit (ISO 4217: KRW, JPY, VND, CLP), and amounts that are told in minor units.
const WHOLE: &[&str] = &["원", "円", "KRW", "JPY", "VND", "CLP", "分"];

/// The number at the front of a text, with its length; a comma or point between groups of three belongs to it, and is told.
fn grouped(text: &[u8]) -> (Option<i64>, usize, bool) {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut length = digits(text);
    let first = length;
    if (1..=3).contains(&first) {
        while let Some([b'.' | b',', more @ ..]) = text.get(length..)
            && digits(more) == 3
        {
            length += 4;
        }
    }
    let number = text
        .get(..length)
        .unwrap_or_default()
        .iter()
        .filter(|b| b.is_ascii_digit())
        .try_fold(0_i64, |sum, b| {
            sum.checked_mul(10)?.checked_add(i64::from(b - b'0'))
        });
    (number.filter(|n| *n < MOST), length, length > first)
}

/// Amounts have twelve digits (EMV tag 9F02); more may be a card number.
const MOST: i64 = 1_000_000_000_000;

/// An amount in minor units: `10.00`, `1,234.50`, `000000001000`, `10元`; `minor` where the label says so.
#[must_use]
pub fn minor_units(value: &[u8], after: &[u8], minor: bool) -> Option<i64> {
    let digits: Vec<u8> = value.iter().copied().filter(|b| *b != b',').collect();
    let yuan = after.trim_ascii_start().starts_with("元".as_bytes());
    let fen = after.trim_ascii_start().starts_with("分".as_bytes());
    let parse = |d: &[u8]| -> Option<i64> {
        (!d.is_empty() && d.len() <= 12 && d.iter().all(u8::is_ascii_digit)).then(|| {
            d.iter()
                .fold(0_i64, |sum, b| sum * 10 + i64::from(b - b'0'))
        })
    };
    if let Some(point) = memchr::memchr(b'.', &digits) {
        let whole = parse(digits.get(..point)?)?;
        let fraction = digits.get(point + 1..)?;
        let cents = match fraction {
            [a] => parse(&[*a])? * 10,
            [a, b] => parse(&[*a, *b])?,
            [a, b, rest @ ..] if rest.iter().all(|b| *b == b'0') => parse(&[*a, *b])?,
            _ => return None,
        };
        let all = whole.checked_mul(100)?.checked_add(cents)?;
        return (all < MOST).then_some(all);
    }
    let number = parse(&digits)?;
    if yuan && !minor && digits.len() < 12 {
        return number.checked_mul(100).filter(|all| *all < MOST);
    }
    let _ = fen;
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_in_every_joining() {
        let labels = Labels::new().unwrap();
        for (text, key, value) in [
            ("traceNo=000123", Key::Stan, "000123"),
            ("trace_no: 000123,", Key::Stan, "000123"),
            ("\"traceNo\":\"000123\"", Key::Stan, "000123"),
            ("STAN[000123]", Key::Stan, "000123"),
            ("流水号：000123", Key::Stan, "000123"),
            ("流水号 000123", Key::Stan, "000123"),
            ("流水号000123", Key::Stan, "000123"),
            ("参考号=123456789012", Key::Rrn, "123456789012"),
            ("终端号:12345678", Key::Terminal, "12345678"),
            ("terminalId=T0000001 x", Key::Terminal, "T0000001"),
            ("交易金额：100.50元", Key::Amount, "100.50"),
            ("金额: ¥ 12.30", Key::Amount, "12.30"),
            ("amount=1,234.50", Key::Amount, "1,234.50"),
            ("F39=55", Key::ResponseCode, "55"),
            ("field[39] = 00", Key::ResponseCode, "00"),
            ("field[11] = 00", Key::Stan, ""),
            ("应答码[96]", Key::ResponseCode, "96"),
            (
                "connect host=pos.example.test:6000",
                Key::Host,
                "pos.example.test:6000",
            ),
            ("<stan>000123</stan>", Key::Stan, "000123"),
            ("rssi=-83dBm", Key::Rssi, "-83dBm"),
            ("pay.ERROR: traceNo=000123 declined", Key::Stan, "000123"),
        ] {
            let pairs = labels.read(text.as_bytes());
            let found = pairs.iter().find(|p| p.key == key);
            if value.is_empty() {
                assert!(found.is_none(), "{text}");
            } else {
                assert_eq!(
                    found.map(|p| String::from_utf8_lossy(p.value).into_owned()),
                    Some(value.to_owned()),
                    "{text} {pairs:?}"
                );
            }
        }
        assert!(
            labels
                .read(b"standard output, amounts to nothing")
                .is_empty()
        );
    }

    #[test]
    fn amounts() {
        for (value, after, minor, want) in [
            ("10.00", "", false, Some(1000)),
            ("1,234.50", "", false, Some(123_450)),
            ("000000001000", "", false, Some(1000)),
            ("10", "元", false, Some(1000)),
            ("10", "分", false, Some(10)),
            ("1000", "", true, Some(1000)),
            ("0.5", "", false, Some(50)),
            ("4111111111111111", "", false, None),
            ("378282246310005", "", true, None),
            ("41111111111111.11", "", false, None),
            ("x", "", false, None),
        ] {
            assert_eq!(
                minor_units(value.as_bytes(), after.as_bytes(), minor),
                want,
                "{value}{after}"
            );
        }
    }
}
