//! From a user's TOML description of an ISO 8583 dialect to the dialect, proved on the samples that it carries.
//!
//! A description starts from a built-in dialect and says what is otherwise. It is read once a run and lives as long.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use tapscope_parsers::protocol::iso8583::dialect::{
    Bitmap, Charset, Dialect, Digits, Field, Kind, Length, Prefix, by_name,
};
use tapscope_parsers::protocol::iso8583::framing::{Frame, HeaderForm, LengthForm};
use tapscope_parsers::protocol::iso8583::{Choice, Detected, Wire, detect_in, parse};

use crate::plan::{Described, Host};

/// What the file may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: Option<String>,
    source: Option<String>,
    base: Option<String>,
    mti: Option<DigitForm>,
    bitmap: Option<BitmapForm>,
    numbers: Option<DigitForm>,
    text: Option<TextForm>,
    lengths: Option<PrefixForm>,
    length: Option<String>,
    header: Option<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    fields: BTreeMap<String, FieldForm>,
    #[serde(default)]
    samples: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DigitForm {
    Ascii,
    Bcd,
    Ebcdic,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BitmapForm {
    Raw,
    Hex,
    Hex128,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TextForm {
    Ascii,
    Ebcdic,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PrefixForm {
    Ascii,
    Bcd,
    Ebcdic,
    Binary,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindForm {
    Number,
    Signed,
    Track,
    Text,
    Binary,
    Hex,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LengthWord {
    Fixed,
    Ll,
    Lll,
    Bytes2,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Filler {
    Left,
    Right,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldForm {
    kind: Option<KindForm>,
    length: Option<LengthWord>,
    max: Option<u16>,
    filler: Option<Filler>,
    #[serde(default)]
    absent: bool,
}

/// Reads a description.
///
/// # Errors
/// What is wrong with it, in one line: a word that is not known, a field without a length, a sample that does not come out even.
pub fn load(text: &str) -> Result<Described, String> {
    let file: File = toml::from_str(text).map_err(|e| {
        e.to_string()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    })?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if file.name.is_empty() || file.name.len() > 40 || !file.name.chars().all(plain) {
        return Err("name: expected lower-case letters, digits and dashes".into());
    }
    if by_name(&file.name).is_some() {
        return Err(format!("name: `{}` is a built-in dialect", file.name));
    }
    let base = file.base.as_deref().unwrap_or("bcd-generic-1987");
    let Some(base) = by_name(base) else {
        return Err(format!(
            "base: no dialect `{base}`; `tapscope formats` lists them"
        ));
    };
    let length = file
        .length
        .as_deref()
        .map(|name| LengthForm::by_name(name).ok_or_else(|| format!("length: no form `{name}`")));
    let header = file
        .header
        .as_deref()
        .map(|name| HeaderForm::by_name(name).ok_or_else(|| format!("header: no form `{name}`")));
    let (length, header) = (length.transpose()?, header.transpose()?);
    let hosts = file
        .hosts
        .iter()
        .map(|h| {
            host(h).ok_or_else(|| {
                format!("hosts: `{h}` is no address, network or *, with a port perhaps")
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let dialect: &'static Dialect = Box::leak(Box::new(dialect(&file, base)?));
    let described = Described {
        dialect,
        length,
        header,
        hosts,
    };
    for (n, sample) in file.samples.iter().enumerate() {
        prove(&described, sample).map_err(|why| format!("samples, number {}: {why}", n + 1))?;
    }
    Ok(described)
}

fn dialect(file: &File, base: &'static Dialect) -> Result<Dialect, String> {
    let digits = |form: DigitForm| match form {
        DigitForm::Ascii => Digits::Ascii,
        DigitForm::Bcd => Digits::Bcd,
        DigitForm::Ebcdic => Digits::Ebcdic,
    };
    let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let title = file.title.as_deref().map_or(base.title.0, leak);
    let mut fields = base.fields;
    for (number, form) in &file.fields {
        let wrong = |why: &str| format!("fields.{number}: {why}");
        let n: usize = number.parse().map_err(|_| wrong("no field number"))?;
        let slot = n
            .checked_sub(2)
            .and_then(|_| fields.get_mut(n - 1))
            .ok_or_else(|| wrong("expected 2 to 128"))?;
        *slot = if form.absent {
            None
        } else {
            Some(field(form, *slot).map_err(wrong)?)
        };
    }
    Ok(Dialect {
        name: leak(&file.name),
        family: base.family,
        title: (title, title),
        source: file.source.as_deref().map_or("a user's description", leak),
        mti: file.mti.map_or(base.mti, digits),
        bitmap: file.bitmap.map_or(base.bitmap, |form| match form {
            BitmapForm::Raw => Bitmap::Raw,
            BitmapForm::Hex => Bitmap::Hex,
            BitmapForm::Hex128 => Bitmap::Hex128,
        }),
        number: file.numbers.map_or(base.number, digits),
        text: file.text.map_or(base.text, |form| match form {
            TextForm::Ascii => Charset::Ascii,
            TextForm::Ebcdic => Charset::Ebcdic,
        }),
        prefix: file.lengths.map_or(base.prefix, |form| match form {
            PrefixForm::Ascii => Prefix::Digits(Digits::Ascii),
            PrefixForm::Bcd => Prefix::Digits(Digits::Bcd),
            PrefixForm::Ebcdic => Prefix::Digits(Digits::Ebcdic),
            PrefixForm::Binary => Prefix::Binary,
        }),
        fields,
        variants: &[],
    })
}

fn field(form: &FieldForm, before: Option<Field>) -> Result<Field, &'static str> {
    let kind = match form.kind {
        Some(KindForm::Number) => Kind::Number,
        Some(KindForm::Signed) => Kind::Signed,
        Some(KindForm::Track) => Kind::Track,
        Some(KindForm::Text) => Kind::Text,
        Some(KindForm::Binary) => Kind::Binary,
        Some(KindForm::Hex) => Kind::HexBinary,
        None => before.ok_or("kind is missing")?.kind,
    };
    let length = match form.length {
        Some(LengthWord::Fixed) => Length::Fixed,
        Some(LengthWord::Ll) => Length::Two,
        Some(LengthWord::Lll) => Length::Three,
        Some(LengthWord::Bytes2) => Length::TwoBytes,
        None => before.ok_or("length is missing")?.length,
    };
    let max = match (form.max, before) {
        (Some(max @ 1..=4096), _) => max,
        (Some(_), _) => return Err("max: expected 1 to 4096"),
        (None, Some(before)) => before.max,
        (None, None) => return Err("max is missing"),
    };
    let right = match (form.filler, before) {
        (Some(filler), _) => matches!(filler, Filler::Left),
        (None, Some(before)) if before.length == length => before.right,
        (None, _) => length == Length::Fixed,
    };
    Ok(Field {
        kind,
        length,
        max,
        right,
    })
}

/// `203.0.113.10:5811`, `10.8.0.0/16`, `*:6000`, `[2001:db8::1]:6000`.
fn host(text: &str) -> Option<Host> {
    let (address, port) = match text.rsplit_once(':') {
        Some((address, port)) if !address.contains(':') || address.ends_with(']') => {
            (address, Some(port.parse().ok()?))
        }
        _ => (text, None),
    };
    let address = address.trim_start_matches('[').trim_end_matches(']');
    if address == "*" {
        return Some(Host { net: None, port });
    }
    let (ip, bits) = address
        .split_once('/')
        .map_or((address, None), |(ip, bits)| (ip, Some(bits)));
    let ip: IpAddr = ip.parse().ok()?;
    let all = if ip.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
    (bits <= all).then_some(Host {
        net: Some((ip, bits)),
        port,
    })
}

/// The sample must be read to its last byte.
fn prove(described: &Described, sample: &str) -> Result<(), String> {
    let digits: Vec<u8> = sample
        .bytes()
        .filter(|b| !b.is_ascii_whitespace())
        .map(|b| char::from(b).to_digit(16).map_or(16, |d| d as u8))
        .collect();
    if digits.iter().any(|d| *d > 15) || !digits.len().is_multiple_of(2) || digits.is_empty() {
        return Err("expected whole bytes in hexadecimal".into());
    }
    let (pairs, _) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[a, b]| a << 4 | b).collect();
    let wire = match (described.length, described.header) {
        (Some(length), Some(header)) => Wire {
            length,
            header,
            dialect: described.dialect,
        },
        (length, header) => {
            let choice = Choice {
                first: &[described.dialect],
                built_in: false,
                length,
                header,
            };
            match detect_in(&bytes, true, choice) {
                Detected::Yes(wire, _) => wire,
                _ => return Err("no length and header form makes it come out even".into()),
            }
        }
    };
    let Frame::Message { lead, body } = wire.length.read(&bytes) else {
        return Err(format!("expected a length as {}", wire.length.name()));
    };
    let have = bytes.len() - lead;
    if have != body {
        return Err(format!("its length says {body} bytes, {have} follow"));
    }
    let header = wire.header.read(&bytes[lead..]);
    let Some(header) = header.filter(|h| lead + h.raw.len() <= bytes.len()) else {
        return Err("expected a header".into());
    };
    let message = parse(described.dialect, &bytes[lead + header.raw.len()..]);
    if let Some((field, damage)) = &message.damage {
        let read: Vec<String> = message
            .fields
            .iter()
            .map(|v| v.number.to_string())
            .collect();
        return Err(format!(
            "field {field} at byte {}: expected {}; fields read before it: {}",
            lead + header.raw.len() + damage.offset,
            damage.expected,
            read.join(" ")
        ));
    }
    let end = header.raw.len() + message.consumed;
    if end != body {
        return Err(format!(
            "{} bytes are left after the last field",
            body - end
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "002E 6000030000 0800 0020000000C00010 000123 3130303030303031 3030303030303030303030303030 31 0003 414243";

    fn description(field: &str, sample: &str) -> String {
        format!(
            "name = \"acme\"\nbase = \"bcd-unionpay-pos\"\nlength = \"len2bin\"\nheader = \"tpdu5\"\nhosts = [\"203.0.113.0/24:5811\", \"*:6000\"]\nsamples = [\"{sample}\"]\n[fields.60]\n{field}\n"
        )
    }

    #[test]
    fn a_description_is_proved_on_its_samples() {
        let good = description("kind = \"text\"\nlength = \"lll\"\nmax = 20", SAMPLE);
        let described = load(&good).unwrap();
        assert_eq!(described.dialect.name, "acme");
        assert!(described.is_for(&"203.0.113.9:5811".parse().unwrap()));
        assert!(described.is_for(&"198.51.100.1:6000".parse().unwrap()));
        assert!(!described.is_for(&"203.0.113.9:5812".parse().unwrap()));
        for (text, want) in [
            (
                description("max = 2", SAMPLE),
                "samples, number 1: field 60 at byte 43: expected a shorter field; fields read before it: 11 41 42",
            ),
            (
                description("max = 0", SAMPLE),
                "fields.60: max: expected 1 to 4096",
            ),
            (
                description("absent = true", SAMPLE),
                "samples, number 1: field 60 at byte 43: expected a field that the dialect knows; fields read before it: 11 41 42",
            ),
            (good.replace("len2bin", "len9"), "length: no form `len9`"),
            (
                good.replace("base = \"bcd-unionpay-pos\"", "base = \"x\""),
                "base: no dialect `x`; `tapscope formats` lists them",
            ),
            (
                good.replace("\"acme\"", "\"ebcdic\""),
                "name: `ebcdic` is a built-in dialect",
            ),
        ] {
            assert_eq!(load(&text).unwrap_err(), want);
        }
        assert!(
            load("name = \"a\"\nrubbish = 1")
                .unwrap_err()
                .contains("rubbish")
        );
    }
}
