//! Turns named values of a line into event keys and masked values; what does not look like its label is left out.

use tapscope_parsers::content::key_value::{Key, Pair, minor_units};

use crate::event::{Keys, Text};
use crate::parse::edge::Edge;

/// Values that an event keeps under a name.
pub(super) type Values = Vec<(&'static str, Text)>;

/// Keys and further values.
pub(super) fn from_pairs(pairs: &[Pair<'_>], line: &[u8], edge: &Edge) -> (Keys, Values) {
    let mut keys = Keys::default();
    let mut values = Values::new();
    for pair in pairs {
        one(&mut keys, &mut values, pair, edge);
    }
    if let Some(host) = &keys.host
        && !host.contains(':')
        && let Some((_, port)) = values.iter().find(|(name, _)| *name == "port")
    {
        keys.host = Some(Text::from(format!("{host}:{port}")));
    }
    if keys.host.is_none() {
        keys.host = address(line).map(|a| edge.bytes_as_text(a));
    }
    (keys, values)
}

fn number<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Text that card masking leaves alone.
fn plain(value: &[u8], edge: &Edge) -> Option<Text> {
    let text = edge.bytes_as_text(value);
    (!text.contains('*') && !text.is_empty()).then_some(text)
}

fn hex_number(value: &[u8], digits: usize) -> Option<u64> {
    let value = value.strip_prefix(b"0x").unwrap_or(value);
    (value.len() == digits)
        .then(|| {
            std::str::from_utf8(value)
                .ok()
                .and_then(|v| u64::from_str_radix(v, 16).ok())
        })
        .flatten()
}

fn one(keys: &mut Keys, values: &mut Values, pair: &Pair<'_>, edge: &Edge) {
    let value = pair.value;
    let digits = value.iter().all(u8::is_ascii_digit);
    let alnum = value.iter().all(u8::is_ascii_alphanumeric);
    match pair.key {
        Key::Stan if digits && value.len() <= 6 => {
            keys.stan = keys.stan.or_else(|| number(value)).filter(|n| *n > 0)
        }
        Key::Rrn if alnum && (6..=12).contains(&value.len()) => {
            keys.rrn = keys.rrn.take().or_else(|| plain(value, edge))
        }
        Key::AuthCode if alnum && value.len() == 6 => {
            keys.auth_code = keys.auth_code.take().or_else(|| plain(value, edge))
        }
        Key::Batch if digits && value.len() <= 6 => {
            keys.batch = keys.batch.or_else(|| number(value))
        }
        Key::Terminal
            if alnum
                && (if pair.payment {
                    (4..=16).contains(&value.len())
                } else {
                    value.len() == 8
                })
                && value.iter().any(u8::is_ascii_digit) =>
        {
            keys.terminal = keys.terminal.take().or_else(|| plain(value, edge));
        }
        Key::Merchant
            if alnum
                && (if pair.payment {
                    (6..=15).contains(&value.len())
                } else {
                    value.len() == 15
                })
                && value.iter().any(u8::is_ascii_digit) =>
        {
            keys.merchant = keys.merchant.take().or_else(|| plain(value, edge));
        }
        Key::Device if (5..=32).contains(&value.len()) && value.iter().any(u8::is_ascii_digit) => {
            keys.device = keys.device.take().or_else(|| plain(value, edge));
        }
        Key::Amount | Key::AmountMinor if keys.amount_minor.is_none() => {
            keys.amount_minor = minor_units(value, pair.after, pair.key == Key::AmountMinor);
            if keys.amount_minor.is_some() && keys.currency.is_none() {
                keys.currency = unit(pair.after);
            }
        }
        Key::Currency => keys.currency = currency(value).or(keys.currency),
        Key::Card => {
            let shown = value.iter().filter(|b| b.is_ascii_digit()).count();
            let hidden = value
                .iter()
                .filter(|b| matches!(b, b'*' | b'x' | b'X' | b'_'))
                .count();
            if keys.card.is_none()
                && (12..=19).contains(&(shown + hidden))
                && shown >= 4
                && shown + hidden == value.len()
            {
                keys.card = Some(Box::new(edge.card(value)));
            }
        }
        Key::Host if value.len() > 3 && memchr::memchr(b'.', value).is_some() => {
            keys.host = keys.host.take().or_else(|| plain(value, edge))
        }
        Key::Cryptogram => {
            if let Some(ac) = hex_number(value, 16) {
                keys.cryptogram = keys.cryptogram.or(Some(ac));
            }
        }
        Key::UnpredictableNumber => {
            keys.unpredictable_number = keys
                .unpredictable_number
                .or_else(|| hex_number(value, 8).and_then(|n| u32::try_from(n).ok()))
        }
        Key::Atc => {
            keys.atc = keys
                .atc
                .or_else(|| hex_number(value, 4).and_then(|n| u16::try_from(n).ok()))
        }
        Key::Limit | Key::CvmLimit | Key::FloorLimit => {
            if let Some(minor) = minor_units(value, pair.after, false) {
                values.push((pair.key.name(), Text::from(minor.to_string())));
            }
        }
        Key::ResponseCode if alnum && value.len() == 2 => {
            values.push(("f39", edge.bytes_as_text(value)))
        }
        Key::ResponseCode if digits && value.len() == 3 && value.starts_with(b"0") => {
            values.push(("f39", edge.bytes_as_text(&value[1..])))
        }
        // 4, 7 or 10 bytes (ISO/IEC 14443-3); other identifiers have the same name.
        Key::Uid => {
            let hex = value.strip_prefix(b"0x").unwrap_or(value);
            if matches!(hex.len(), 8 | 14 | 20) && hex.iter().all(u8::is_ascii_hexdigit) {
                values.push(("uid", edge.bytes_as_text(&hex.to_ascii_uppercase())));
            }
        }
        Key::Rssi => {
            let level: Vec<u8> = value
                .iter()
                .copied()
                .take_while(|b| b.is_ascii_digit() || *b == b'-')
                .collect();
            if (2..=4).contains(&level.len()) {
                values.push(("rssi_dbm", edge.bytes_as_text(&level)));
            }
        }
        Key::Timer => {
            let count: Vec<u8> = value
                .iter()
                .copied()
                .take_while(u8::is_ascii_digit)
                .collect();
            let unit = &value[count.len()..];
            // Nine digits: eleven days in milliseconds. More may be a card number.
            if count.len() <= 9
                && let Some(n) = number::<u64>(&count)
            {
                let seconds = unit.starts_with(b"s")
                    || pair.after.trim_ascii_start().starts_with(b"s")
                    || pair.after.starts_with("秒".as_bytes());
                values.push((
                    "timer_ms",
                    Text::from(if seconds { n.saturating_mul(1000) } else { n }.to_string()),
                ));
            }
        }
        Key::Port if digits && value.len() <= 5 => values.push(("port", edge.bytes_as_text(value))),
        Key::Sw if value.len() == 4 && value.iter().all(u8::is_ascii_hexdigit) => values.push((
            "sw",
            edge.text(&String::from_utf8_lossy(value).to_uppercase()),
        )),
        Key::Tvr | Key::Ops | Key::Ui | Key::ErrorIndication
            if value.len() >= 2 && value.len() <= 44 && value.iter().all(u8::is_ascii_hexdigit) =>
        {
            values.push((
                pair.key.name(),
                edge.text(&String::from_utf8_lossy(value).to_uppercase()),
            ));
        }
        Key::Code if is_code(value) => values.push(("code", edge.bytes_as_text(value))),
        Key::Version | Key::Aid | Key::EntryMode | Key::Mti | Key::TransactionType
            if value.len() <= 40 =>
        {
            values.push((pair.key.name(), edge.bytes_as_text(value)));
        }
        _ => {}
    }
}

/// `-4141`, `0x14`, `E104`.
fn is_code(value: &[u8]) -> bool {
    let body = value
        .strip_prefix(b"-")
        .or_else(|| value.strip_prefix(b"0x"))
        .unwrap_or(value);
    let body = match body {
        [b'A'..=b'Z', rest @ ..] if !rest.is_empty() => rest,
        _ => body,
    };
    !body.is_empty()
        && body.len() <= 10
        && body.iter().all(u8::is_ascii_hexdigit)
        && body.iter().any(u8::is_ascii_digit)
}

fn unit(after: &[u8]) -> Option<[u8; 3]> {
    let after = after.trim_ascii_start();
    if after.starts_with("元".as_bytes()) || after.starts_with("分".as_bytes()) {
        return Some(*b"CNY");
    }
    let letters = after.first_chunk::<3>()?;
    letters
        .iter()
        .all(u8::is_ascii_uppercase)
        .then(|| currency(letters))
        .flatten()
}

/// ISO 4217: number and letters of the currencies that terminals in scope use.
const CURRENCIES: &[(&str, &str)] = &[
    ("156", "CNY"),
    ("840", "USD"),
    ("978", "EUR"),
    ("344", "HKD"),
    ("446", "MOP"),
    ("901", "TWD"),
    ("392", "JPY"),
    ("410", "KRW"),
    ("826", "GBP"),
    ("702", "SGD"),
    ("764", "THB"),
    ("458", "MYR"),
    ("360", "IDR"),
    ("608", "PHP"),
    ("704", "VND"),
    ("036", "AUD"),
    ("554", "NZD"),
    ("124", "CAD"),
    ("756", "CHF"),
    ("643", "RUB"),
    ("356", "INR"),
    ("784", "AED"),
    ("682", "SAR"),
    ("949", "TRY"),
    ("986", "BRL"),
    ("484", "MXN"),
    ("710", "ZAR"),
    ("985", "PLN"),
    ("203", "CZK"),
    ("348", "HUF"),
    ("752", "SEK"),
    ("578", "NOK"),
    ("208", "DKK"),
    ("368", "IQD"),
    ("586", "PKR"),
    ("818", "EGP"),
];

/// Letters of a currency given as number, letters or word.
pub(super) fn currency(value: &[u8]) -> Option<[u8; 3]> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let number = text.trim_start_matches('0');
    for (digits, letters) in CURRENCIES {
        if text.eq_ignore_ascii_case(letters)
            || (!number.is_empty() && digits.trim_start_matches('0') == number)
        {
            return letters.as_bytes().first_chunk::<3>().copied();
        }
    }
    matches!(text, "RMB" | "rmb" | "元" | "人民币").then_some(*b"CNY")
}

/// `10.8.0.5:6000`, `10.8.0.5` behind a slash or blank, `pos.example.test:6000`.
fn address(line: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    while at < line.len() {
        let run = line[at..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'))
            .count();
        if run == 0 {
            at += 1;
            continue;
        }
        let word = &line[at..at + run];
        let word = word.strip_suffix(b":").unwrap_or(word);
        let word = word.strip_suffix(b".").unwrap_or(word);
        at += run;
        let (host, port) = match memchr::memrchr(b':', word) {
            Some(colon) => (&word[..colon], &word[colon + 1..]),
            None => (word, &[][..]),
        };
        let dots = memchr::memchr_iter(b'.', host).count();
        let ip = dots == 3
            && host
                .split(|b| *b == b'.')
                .all(|part| number::<u8>(part).is_some());
        let port_ok = !port.is_empty() && number::<u16>(port).is_some_and(|p| p > 0);
        let name = dots >= 1
            && host.iter().any(u8::is_ascii_alphabetic)
            && !host.starts_with(b".")
            && memchr::memchr(b':', host).is_none();
        if ip && (port_ok || port.is_empty())
            || name
                && port_ok
                && !host.contains(&b'_')
                && !host.ends_with(b".java")
                && !host.ends_with(b".cpp")
                && !host.ends_with(b".c")
                && !host.ends_with(b".kt")
        {
            return Some(word);
        }
    }
    None
}
