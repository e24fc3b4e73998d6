//! Cuts a message into its fields; what cannot be read is located, and what stands before it is kept.

use std::borrow::Cow;

use super::charset;
use super::dialect::{Bitmap, Charset, Dialect, Digits, Field, Kind, Length, Prefix};
use crate::damage::Damage;

/// A field of a message, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// Its number.
    pub number: u8,
    /// How the dialect writes it.
    pub field: Field,
    /// Its bytes, without the length.
    pub raw: &'a [u8],
    /// Digits or characters that it holds (packed digits: not counting the filler).
    pub count: u16,
    /// Where its bytes stand in the message.
    pub offset: usize,
    dialect: &'a Dialect,
}

/// A field's value as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown<'a> {
    /// Characters.
    Text(Cow<'a, str>),
    /// Text in a superset of ASCII that is not ASCII: GBK or UTF-8, up to the caller.
    Foreign(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value as text, or as bytes where it is none.
    #[must_use]
    pub fn shown(&self) -> Shown<'a> {
        match self.field.kind {
            Kind::Number | Kind::Signed | Kind::Track => Shown::Text(self.digits()),
            Kind::Text | Kind::HexBinary => match self.dialect.text {
                Charset::Ebcdic => Shown::Text(charset::ebcdic_text(self.raw).into()),
                Charset::Ascii => match std::str::from_utf8(self.raw) {
                    Ok(text) if text.is_ascii() && !text.bytes().any(|b| b < 0x20) => {
                        Shown::Text(text.into())
                    }
                    _ if self.raw.iter().any(|b| *b < 0x20) => Shown::Bytes(self.raw),
                    _ => Shown::Foreign(self.raw),
                },
            },
            Kind::Binary => Shown::Bytes(self.raw),
        }
    }

    /// Digits of a numeric or track field, `=` for the separator.
    #[must_use]
    pub fn digits(&self) -> Cow<'a, str> {
        match (self.field.kind, self.dialect.number) {
            (Kind::Signed, Digits::Bcd) => {
                let (sign, rest) = self.raw.split_at_checked(1).unwrap_or((&[], self.raw));
                let mut text: String = sign.iter().map(|b| char::from(*b)).collect();
                text.extend(nibbles(rest).map(|n| nibble_digit(n, false)));
                text.into()
            }
            (_, Digits::Bcd) => {
                let all = self.raw.len() * 2;
                let count = usize::from(self.count).min(all);
                let skip = if self.field.right { all - count } else { 0 };
                let track = self.field.kind == Kind::Track;
                let mut text = String::with_capacity(count);
                text.extend(
                    nibbles(self.raw)
                        .skip(skip)
                        .take(count)
                        .map(|n| nibble_digit(n, track)),
                );
                text.into()
            }
            (_, Digits::Ascii) => match std::str::from_utf8(self.raw) {
                Ok(text) => text.into(),
                Err(_) => String::from_utf8_lossy(self.raw),
            },
            (_, Digits::Ebcdic) => charset::ebcdic_text(self.raw).into(),
        }
    }

    /// The number that a numeric field holds; `None` where it holds other things than up to 19 digits.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        let add = |n: u64, d: u8| {
            (d < 10)
                .then(|| n.checked_mul(10)?.checked_add(u64::from(d)))
                .flatten()
        };
        match (self.field.kind, self.dialect.number) {
            (Kind::Number, Digits::Bcd) => {
                let all = self.raw.len() * 2;
                let count = usize::from(self.count).min(all);
                let skip = if self.field.right { all - count } else { 0 };
                nibbles(self.raw).skip(skip).take(count).try_fold(0, add)
            }
            (Kind::Number, Digits::Ascii) => self
                .raw
                .iter()
                .try_fold(0, |n, b| add(n, b.wrapping_sub(b'0'))),
            (Kind::Number, Digits::Ebcdic) => self
                .raw
                .iter()
                .try_fold(0, |n, b| add(n, b.wrapping_sub(0xF0))),
            _ => None,
        }
    }

    /// True where a numeric field holds nothing but digits.
    #[must_use]
    pub fn all_digits(&self) -> bool {
        match (self.field.kind, self.dialect.number) {
            (Kind::Number, Digits::Bcd) => {
                let all = self.raw.len() * 2;
                let count = usize::from(self.count).min(all);
                let skip = if self.field.right { all - count } else { 0 };
                nibbles(self.raw).skip(skip).take(count).all(|n| n < 10)
            }
            (Kind::Number, Digits::Ascii) => self.raw.iter().all(u8::is_ascii_digit),
            (Kind::Number, Digits::Ebcdic) => self.raw.iter().all(|b| (0xF0..=0xF9).contains(b)),
            _ => false,
        }
    }

    /// True where a text field holds nothing but printable characters of its character set.
    #[must_use]
    pub fn printable(&self) -> bool {
        match self.dialect.text {
            Charset::Ascii => self.raw.iter().all(|b| (0x20..0x7F).contains(b)),
            Charset::Ebcdic => self.raw.iter().all(|b| charset::ebcdic(*b).is_some()),
        }
    }
}

fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    bytes.iter().flat_map(|b| [b >> 4, b & 0xF])
}

fn nibble_digit(n: u8, track: bool) -> char {
    match n {
        0..=9 => char::from(b'0' + n),
        0xD if track => '=',
        _ => char::from(b'A' + (n - 10)),
    }
}

/// A message, cut into fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// The dialect that it was read in.
    pub dialect: &'a Dialect,
    /// Message type indicator as a number: 200 is 0200.
    pub mti: u16,
    /// Bits 1 to 128 of the bitmap; bit 1 is the highest.
    pub bitmap: u128,
    /// The fields, in order.
    pub fields: Vec<Value<'a>>,
    /// Bytes read.
    pub consumed: usize,
    /// Why it ends before its last field: the field (0: before the first) and where.
    pub damage: Option<(u8, Damage)>,
}

impl<'a> Message<'a> {
    /// The field of that number.
    #[must_use]
    pub fn field(&self, number: u8) -> Option<&Value<'a>> {
        self.fields.iter().find(|v| v.number == number)
    }

    /// A numeric or text field as text, trimmed; `None` where it is missing or holds bytes.
    #[must_use]
    pub fn text(&self, number: u8) -> Option<Cow<'a, str>> {
        match self.field(number)?.shown() {
            Shown::Text(Cow::Borrowed(t)) => Some(t.trim().into()),
            Shown::Text(Cow::Owned(t)) => Some(t.trim().to_owned().into()),
            _ => None,
        }
    }

    /// True where every field was read.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.damage.is_none()
    }
}

/// Four digits of a message type indicator, and how many bytes they take; `None` where there are none.
#[must_use]
pub fn mti(digits: Digits, bytes: &[u8]) -> Option<(u16, usize)> {
    let (text, used): ([u8; 4], usize) = match digits {
        Digits::Ascii => (bytes.first_chunk::<4>()?.map(|b| b.wrapping_sub(b'0')), 4),
        Digits::Ebcdic => (bytes.first_chunk::<4>()?.map(|b| b.wrapping_sub(0xF0)), 4),
        Digits::Bcd => {
            let [a, b] = *bytes.first_chunk::<2>()?;
            ([a >> 4, a & 15, b >> 4, b & 15], 2)
        }
    };
    // [0-2][1-9][0-9][0-5]: version, class, function, origin.
    let [v, c, f, o] = text;
    if v > 2 || !(1..=9).contains(&c) || f > 9 || o > 5 {
        return None;
    }
    let number = text.iter().fold(0u16, |n, d| n * 10 + u16::from(*d));
    Some((number, used))
}

/// Reads a message that begins at its message type indicator.
#[must_use]
pub fn parse<'a>(dialect: &'a Dialect, bytes: &'a [u8]) -> Message<'a> {
    parse_as(dialect, bytes, None)
}

/// As [`parse`], with one field written otherwise.
#[must_use]
pub fn parse_as<'a>(
    dialect: &'a Dialect,
    bytes: &'a [u8],
    variant: Option<(u8, Field)>,
) -> Message<'a> {
    let mut message = Message {
        dialect,
        mti: 0,
        bitmap: 0,
        fields: Vec::new(),
        consumed: 0,
        damage: None,
    };
    let damage = |code, offset, expected| {
        Some((
            0,
            Damage {
                code,
                offset,
                expected,
            },
        ))
    };
    let Some((number, used)) = mti(dialect.mti, bytes) else {
        message.damage = damage("iso8583_mti", 0, "a message type indicator");
        return message;
    };
    message.mti = number;
    message.consumed = used;
    let Some((bits, used)) = bitmap(dialect, bytes.get(used..).unwrap_or_default()) else {
        message.damage = damage("iso8583_bitmap", message.consumed, "a whole bitmap");
        return message;
    };
    message.bitmap = bits;
    message.consumed += used;
    message
        .fields
        .reserve_exact(usize::try_from(bits.count_ones()).unwrap_or(0));
    let version = u8::try_from(number / 1000).unwrap_or(0);
    // Bit 1 says that there is a second bitmap; it is no field.
    let mut left = bits & (u128::MAX >> 1);
    while left != 0 {
        let zeros = left.leading_zeros();
        left &= !(1 << (127 - zeros));
        let number = u8::try_from(zeros + 1).unwrap_or(128);
        let spec = match variant {
            Some((n, field)) if n == number => Some(field),
            _ => dialect.field(number, version),
        };
        let at = message.consumed;
        let rest = bytes.get(at..).unwrap_or_default();
        match spec
            .ok_or("a field that the dialect knows")
            .and_then(|f| cut(dialect, f, rest).map(|(count, lead, raw)| (f, count, lead, raw)))
        {
            Ok((field, count, lead, raw)) => {
                message.fields.push(Value {
                    number,
                    field,
                    raw,
                    count,
                    offset: at + lead,
                    dialect,
                });
                message.consumed = at + lead + raw.len();
            }
            Err(expected) => {
                message.damage = Some((
                    number,
                    Damage {
                        code: "iso8583_field",
                        offset: at,
                        expected,
                    },
                ));
                return message;
            }
        }
    }
    message
}

/// The bits (field 1 highest) and the bytes that they take. A third bitmap is passed over: its fields have no table.
fn bitmap(dialect: &Dialect, bytes: &[u8]) -> Option<(u128, usize)> {
    let half = |raw: &[u8]| -> Option<u64> { Some(u64::from_be_bytes(*raw.first_chunk()?)) };
    let hex_half = |text: &[u8]| -> Option<u64> {
        let mut n = 0u64;
        for b in text.get(..16)? {
            n = n << 4 | u64::from(char::from(*b).to_digit(16)?);
        }
        Some(n)
    };
    let join = |a: u64, b: u64| u128::from(a) << 64 | u128::from(b);
    const FIRST: u64 = 1 << 63;
    match dialect.bitmap {
        Bitmap::Raw => {
            let first = half(bytes)?;
            if first & FIRST == 0 {
                return Some((join(first, 0), 8));
            }
            Some((join(first, half(bytes.get(8..)?)?), 16))
        }
        Bitmap::Hex => {
            let first = hex_half(bytes)?;
            if first & FIRST == 0 {
                return Some((join(first, 0), 16));
            }
            Some((join(first, hex_half(bytes.get(16..)?)?), 32))
        }
        Bitmap::Hex128 => Some((join(hex_half(bytes)?, hex_half(bytes.get(16..)?)?), 32)),
    }
}

/// Cuts one field off: digits or characters in it, bytes of its length, its bytes.
fn cut<'a>(
    dialect: &Dialect,
    field: Field,
    rest: &'a [u8],
) -> Result<(u16, usize, &'a [u8]), &'static str> {
    let (count, lead) = match field.length {
        Length::Fixed => (field.max, 0),
        length => prefix(dialect, length, rest).ok_or("a field length")?,
    };
    if count > field.max {
        return Err("a shorter field");
    }
    let n = usize::from(count);
    let packed = dialect.number == Digits::Bcd;
    let bytes = match field.kind {
        Kind::Number | Kind::Track if packed => n.div_ceil(2),
        Kind::Signed if packed => 1 + n.div_ceil(2),
        Kind::Signed => n + 1,
        Kind::HexBinary => n * 2,
        _ => n,
    };
    let raw = rest.get(lead..lead + bytes).ok_or("the whole field")?;
    Ok((count, lead, raw))
}

fn prefix(dialect: &Dialect, length: Length, rest: &[u8]) -> Option<(u16, usize)> {
    let digits = match length {
        Length::Two => 2,
        _ => 3,
    };
    match dialect.prefix {
        Prefix::Binary if length == Length::TwoBytes => {
            Some((u16::from_be_bytes(*rest.first_chunk()?), 2))
        }
        Prefix::Binary => Some((u16::from(*rest.first()?), 1)),
        Prefix::Digits(Digits::Bcd) => {
            let bytes = rest.get(..if digits == 2 { 1 } else { 2 })?;
            let mut n = 0u16;
            for nibble in nibbles(bytes) {
                if nibble > 9 {
                    return None;
                }
                n = n * 10 + u16::from(nibble);
            }
            Some((n, bytes.len()))
        }
        Prefix::Digits(kind) => {
            let zero = if kind == Digits::Ascii { b'0' } else { 0xF0 };
            let mut n = 0u16;
            for b in rest.get(..digits)? {
                let d = b.wrapping_sub(zero);
                if d > 9 {
                    return None;
                }
                n = n * 10 + u16::from(d);
            }
            Some((n, digits))
        }
    }
}
