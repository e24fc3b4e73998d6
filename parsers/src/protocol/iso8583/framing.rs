//! What stands before a message on the wire: a length in one of many forms, then perhaps a header.

/// How the length of a message is written before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LengthForm {
    /// Two bytes, big-endian.
    Be16,
    /// Four ASCII digits.
    Ascii4,
    /// Two bytes of packed digits.
    Bcd2,
    /// Two bytes, then two reserved ones.
    Be16Reserved,
    /// Four bytes, big-endian.
    Be32,
    /// Two reserved bytes, then two bytes.
    ReservedBe16,
    /// Two bytes, big-endian, that count themselves.
    Be16Inclusive,
    /// Two bytes, little-endian.
    Le16,
    /// Four ASCII hexadecimal digits.
    Hex4,
    /// None: one message a segment.
    None,
}

/// What stands between length and message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeaderForm {
    /// Nothing.
    None,
    /// TPDU of five bytes.
    Tpdu,
    /// TPDU and the UnionPay header of six bytes.
    TpduUnionPay,
    /// The UnionPay header alone.
    UnionPay,
    /// TPDU and a version of two bytes.
    TpduVersion,
    /// Visa BASE I, 22 bytes.
    VisaBase1,
    /// UnionPay CUPS, 46 bytes.
    Cups,
    /// UnionPay Data, 41 bytes.
    Cupd,
    /// `ISO` and nine digits (BASE24).
    Base24,
    /// Eight printable characters (A4M, `TranzWare`).
    Product,
    /// So many bytes of anything: only where a description says so.
    Fixed(u8),
}

/// Every length form, in the order in which ties are broken.
pub const LENGTHS: [LengthForm; 10] = [
    LengthForm::Be16,
    LengthForm::Ascii4,
    LengthForm::Bcd2,
    LengthForm::Be16Reserved,
    LengthForm::Be32,
    LengthForm::ReservedBe16,
    LengthForm::Be16Inclusive,
    LengthForm::Le16,
    LengthForm::Hex4,
    LengthForm::None,
];

/// Every header form, the longest first: a header that fits is better evidence than none.
pub const HEADERS: [HeaderForm; 10] = [
    HeaderForm::Cups,
    HeaderForm::Cupd,
    HeaderForm::VisaBase1,
    HeaderForm::TpduUnionPay,
    HeaderForm::Base24,
    HeaderForm::Product,
    HeaderForm::TpduVersion,
    HeaderForm::UnionPay,
    HeaderForm::Tpdu,
    HeaderForm::None,
];

/// Shortest and longest message that is believed.
pub const MIN_MESSAGE: usize = 20;
/// Likewise.
pub const MAX_MESSAGE: usize = 4096;

/// What a length says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// So many bytes of length, then so many of message with its header.
    Message {
        /// Bytes before the header.
        lead: usize,
        /// Header and message.
        body: usize,
    },
    /// Length zero: the link is being kept alive; so many bytes.
    KeepAlive(usize),
    /// Too few bytes to tell.
    More,
    /// No length that is believed.
    Bad,
}

impl LengthForm {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Be16 => "len2bin",
            Self::Ascii4 => "len4ascii",
            Self::Bcd2 => "len2bcd",
            Self::Be16Reserved => "len2bin-res2",
            Self::Be32 => "len4bin",
            Self::ReservedBe16 => "res2-len2bin",
            Self::Be16Inclusive => "len2bin-incl",
            Self::Le16 => "len2le",
            Self::Hex4 => "len4hex",
            Self::None => "bare",
        }
    }

    /// The form of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        LENGTHS.into_iter().find(|l| l.name() == name)
    }

    /// Reads the length at the start of `b`. For [`LengthForm::None`] everything that is there is the message.
    #[must_use]
    pub fn read(self, b: &[u8]) -> Frame {
        let (lead, body) = match self {
            Self::None => return frame(0, b.len()),
            Self::Be16 | Self::Be16Inclusive | Self::Le16 | Self::Bcd2 => {
                let Some([x, y]) = b.first_chunk::<2>().copied() else {
                    return Frame::More;
                };
                let n = match self {
                    Self::Le16 => Some(u16::from_le_bytes([x, y])),
                    Self::Bcd2 => bcd([x, y]),
                    Self::Be16Inclusive => match u16::from_be_bytes([x, y]) {
                        0 => Some(0),
                        n => n.checked_sub(2).filter(|n| *n > 0),
                    },
                    _ => Some(u16::from_be_bytes([x, y])),
                };
                match n {
                    Some(n) => (2, usize::from(n)),
                    None => return Frame::Bad,
                }
            }
            _ => {
                let Some(four) = b.first_chunk::<4>().copied() else {
                    return Frame::More;
                };
                let [w, x, y, z] = four;
                let n = match self {
                    Self::Ascii4 => number(four, 10),
                    Self::Hex4 => number(four, 16),
                    Self::Be16Reserved if y == 0 && z == 0 => {
                        Some(usize::from(u16::from_be_bytes([w, x])))
                    }
                    Self::ReservedBe16 if w == 0 && x == 0 => {
                        Some(usize::from(u16::from_be_bytes([y, z])))
                    }
                    Self::Be32 => usize::try_from(u32::from_be_bytes(four)).ok(),
                    _ => None,
                };
                match n {
                    Some(n) => (4, n),
                    None => return Frame::Bad,
                }
            }
        };
        if body == 0 {
            return Frame::KeepAlive(lead);
        }
        frame(lead, body)
    }
}

fn frame(lead: usize, body: usize) -> Frame {
    if (MIN_MESSAGE..=MAX_MESSAGE).contains(&body) {
        Frame::Message { lead, body }
    } else {
        Frame::Bad
    }
}

fn bcd([x, y]: [u8; 2]) -> Option<u16> {
    [x >> 4, x & 15, y >> 4, y & 15]
        .iter()
        .try_fold(0u16, |n, d| (*d < 10).then(|| n * 10 + u16::from(*d)))
}

fn number(text: [u8; 4], radix: u32) -> Option<usize> {
    text.iter().try_fold(0usize, |n, b| {
        let d = char::from(*b).to_digit(radix)?;
        Some(n * usize::try_from(radix).ok()? + usize::try_from(d).ok()?)
    })
}

/// A header, read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Header<'a> {
    /// TPDU.
    pub tpdu: Option<&'a [u8]>,
    /// UnionPay header: what the terminal shall do (0 nothing, 3 sign in again …).
    pub processing_demand: Option<u8>,
    /// CUPS: reject code, five digits, `00000` where the network took the message.
    pub reject_code: Option<&'a [u8]>,
    /// All of it.
    pub raw: &'a [u8],
}

impl HeaderForm {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Tpdu => "tpdu5",
            Self::TpduUnionPay => "tpdu5-hdr6",
            Self::UnionPay => "hdr6",
            Self::TpduVersion => "tpdu5-hdr2",
            Self::VisaBase1 => "visa22",
            Self::Cups => "cups46",
            Self::Cupd => "cupd41",
            Self::Base24 => "base24",
            Self::Product => "product8",
            Self::Fixed(_) => "fixed",
        }
    }

    /// The header of that name; a number stands for so many bytes of anything.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        if name == "none" {
            return Some(Self::None);
        }
        if let Ok(bytes) = name.parse() {
            return Some(Self::Fixed(bytes));
        }
        HEADERS.into_iter().find(|h| h.name() == name)
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::None => 0,
            Self::Tpdu => 5,
            Self::TpduUnionPay => 11,
            Self::UnionPay => 6,
            Self::TpduVersion => 7,
            Self::VisaBase1 => 22,
            Self::Cups => 46,
            Self::Cupd => 41,
            Self::Base24 => 12,
            Self::Product => 8,
            Self::Fixed(bytes) => usize::from(bytes),
        }
    }

    /// Reads the header at the start of `b`; `None` where it does not look like one.
    #[must_use]
    pub fn read(self, b: &[u8]) -> Option<Header<'_>> {
        let raw = b.get(..self.size())?;
        let mut header = Header {
            raw,
            ..Header::default()
        };
        match self {
            Self::None | Self::Fixed(_) => {}
            Self::Tpdu | Self::TpduVersion => header.tpdu = Some(tpdu(raw)?),
            Self::TpduUnionPay => {
                header.tpdu = Some(tpdu(raw)?);
                header.processing_demand = Some(union_pay(raw.get(5..)?)?);
            }
            Self::UnionPay => header.processing_demand = Some(union_pay(raw)?),
            Self::VisaBase1 => {
                // Own length, text format, and the total length, which counts the header.
                let [22, _, 2, l0, l1, ..] = *raw else {
                    return None;
                };
                if usize::from(u16::from_be_bytes([l0, l1])) < MIN_MESSAGE {
                    return None;
                }
            }
            Self::Cups | Self::Cupd => {
                let own = u8::try_from(self.size()).ok()?;
                if raw.first() != Some(&own) || !raw.get(2..6)?.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                header.reject_code = raw
                    .get(raw.len() - 5..)
                    .filter(|c| c.iter().all(u8::is_ascii_digit));
            }
            Self::Base24 => {
                let digits = raw.strip_prefix(b"ISO")?;
                if !digits.iter().all(u8::is_ascii_digit) {
                    return None;
                }
            }
            Self::Product => {
                if !raw.first()?.is_ascii_uppercase() || !raw.iter().all(u8::is_ascii_alphanumeric)
                {
                    return None;
                }
            }
        }
        Some(header)
    }
}

/// `60` (or `68`) and two addresses of four digits.
fn tpdu(b: &[u8]) -> Option<&[u8]> {
    let tpdu = b.get(..5)?;
    let digits = tpdu.iter().all(|b| b >> 4 < 10 && b & 15 < 10);
    (matches!(tpdu.first(), Some(0x60 | 0x68)) && digits).then_some(tpdu)
}

/// Application class `6x`, software version, terminal status, processing demand, sub-version: all digits.
fn union_pay(b: &[u8]) -> Option<u8> {
    let header: &[u8; 6] = b.first_chunk()?;
    let digits = header.iter().all(|b| b >> 4 < 10 && b & 15 < 10);
    let [class, _, status, ..] = *header;
    (digits && class >> 4 == 6).then_some(status & 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let m = |lead, body| Frame::Message { lead, body };
        for (form, bytes, want) in [
            (LengthForm::Be16, &[1, 0xAA][..], m(2, 426)),
            (LengthForm::Le16, &[0xAA, 1], m(2, 426)),
            (LengthForm::Be16Inclusive, &[0, 102], m(2, 100)),
            (LengthForm::Bcd2, &[0x04, 0x26], m(2, 426)),
            (LengthForm::Bcd2, &[0x0A, 0x26], Frame::Bad),
            (LengthForm::Ascii4, b"0069", m(4, 69)),
            (LengthForm::Hex4, b"01aa", m(4, 426)),
            (LengthForm::Be16Reserved, &[0, 69, 0, 0], m(4, 69)),
            (LengthForm::ReservedBe16, &[0, 0, 0, 69], m(4, 69)),
            (LengthForm::Be32, &[0, 0, 0, 69], m(4, 69)),
            (LengthForm::Be16, &[0, 0], Frame::KeepAlive(2)),
            (LengthForm::Ascii4, b"0000", Frame::KeepAlive(4)),
            (LengthForm::Be16, &[0], Frame::More),
            (LengthForm::Be16, &[0xFF, 0xFF], Frame::Bad),
            (LengthForm::Be16, &[0, 5], Frame::Bad),
        ] {
            assert_eq!(form.read(bytes), want, "{form:?} {bytes:02x?}");
        }
    }

    #[test]
    fn demand_of_the_union_pay_header() {
        let b = [0x60, 0, 1, 0, 2, 0x60, 0x31, 0x03, 0x31, 0, 0x30];
        let header = HeaderForm::TpduUnionPay.read(&b).unwrap();
        assert_eq!(header.processing_demand, Some(3));
        assert!(HeaderForm::TpduUnionPay.read(&[0x61; 11]).is_none());
    }
}
