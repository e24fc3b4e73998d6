//! How a dialect of ISO 8583 writes its fields. Data only; the list of dialects is in `dialects`.

/// How digits are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// One ASCII character a digit.
    Ascii,
    /// Two digits a byte.
    Bcd,
    /// One EBCDIC character a digit.
    Ebcdic,
}

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// ASCII, or a superset of it (GBK in Chinese dialects).
    Ascii,
    /// EBCDIC, code page 037.
    Ebcdic,
}

/// How the length of a variable field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Two or three digits.
    Digits(Digits),
    /// A number in one byte (two where the field says so).
    Binary,
}

/// How the bitmap is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bitmap {
    /// 8 bytes, 16 where bit 1 is set (24 where bit 65 is set too and the dialect has a third one).
    Raw,
    /// 16 hexadecimal characters, 32 where bit 1 is set.
    Hex,
    /// Always 32 hexadecimal characters, whatever bit 1 says.
    Hex128,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Digits.
    Number,
    /// A sign character, then digits.
    Signed,
    /// Track data: digits and the separator.
    Track,
    /// Characters.
    Text,
    /// Bytes.
    Binary,
    /// Bytes written as hexadecimal characters.
    HexBinary,
}

/// How long a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Always its maximum.
    Fixed,
    /// Two digits before it, or one byte.
    Two,
    /// Three digits before it, or one byte.
    Three,
    /// Two bytes before it in dialects with binary lengths, three digits in others.
    TwoBytes,
}

/// One field of a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// What it holds.
    pub kind: Kind,
    /// How long it is.
    pub length: Length,
    /// Digits, characters or bytes at most.
    pub max: u16,
    /// Packed digits of odd number: true where the filler is on the left.
    pub right: bool,
}

/// Fields by number: index 0 is field 1, which is the second bitmap.
pub type Fields = [Option<Field>; 128];

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Stable name.
    pub name: &'static str,
    /// Name of the built-in dialect whose private fields it shares.
    pub family: &'static str,
    /// For people: English, Chinese.
    pub title: (&'static str, &'static str),
    /// Where it is defined or met.
    pub source: &'static str,
    /// Message type indicator.
    pub mti: Digits,
    /// Bitmap.
    pub bitmap: Bitmap,
    /// Numeric fields.
    pub number: Digits,
    /// Text fields.
    pub text: Charset,
    /// Lengths.
    pub prefix: Prefix,
    /// The fields.
    pub fields: Fields,
    /// Fields that some hosts of this dialect write otherwise; tried when a message does not come out even.
    pub variants: &'static [(u8, Field)],
}

impl Dialect {
    /// The field of that number as a message of that version writes it.
    #[must_use]
    pub fn field(&self, number: u8, version: u8) -> Option<Field> {
        let own = *self.fields.get(usize::from(number).checked_sub(1)?)?;
        match version {
            1 => changed_1993(number).or(own),
            2 => changed_2003(number).or(own),
            _ => own,
        }
    }
}

/// Every dialect, most common first.
#[must_use]
pub fn all() -> &'static [&'static Dialect] {
    super::dialects::ALL
}

/// The dialect of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Dialect> {
    all().iter().copied().find(|d| d.name == name)
}

/// Fields of ISO 8583:1993 that differ from 1987.
fn changed_1993(number: u8) -> Option<Field> {
    Some(match number {
        12 => n(12),
        13 | 25 => n(4),
        22 => an(12),
        24 | 39 => n(3),
        38 => an(6),
        43 => ans(Length::Two, 99),
        44 => ans(Length::Two, 99),
        53 => bin(Length::Two, 48),
        56 => num(Length::Two, 35),
        96 => bin(Length::Three, 999),
        _ => return None,
    })
}

/// Fields of ISO 8583:2003 that differ from 1987: amounts with their currency before them, dates with the century,
/// action codes of four digits.
fn changed_2003(number: u8) -> Option<Field> {
    Some(match number {
        4..=6 => n(16),
        8 => n(12),
        12 => n(14),
        13 => n(6),
        15 => n(8),
        22 => b(16),
        24 => n(3),
        25 | 26 | 39 => n(4),
        38 => an(6),
        43 => ans(Length::Three, 999),
        53 => bin(Length::Two, 99),
        _ => return None,
    })
}

pub(super) const fn field(kind: Kind, length: Length, max: u16) -> Field {
    Field {
        kind,
        length,
        max,
        right: matches!(length, Length::Fixed),
    }
}

pub(super) const fn n(max: u16) -> Field {
    field(Kind::Number, Length::Fixed, max)
}

/// Fixed number with its filler on the right.
pub(super) const fn n_left(max: u16) -> Field {
    Field {
        right: false,
        ..n(max)
    }
}

/// Variable number with its filler on the left.
pub(super) const fn num_right(length: Length, max: u16) -> Field {
    Field {
        right: true,
        ..num(length, max)
    }
}

/// Variable track data with its filler on the left.
pub(super) const fn track_right(length: Length, max: u16) -> Field {
    Field {
        right: true,
        ..track(length, max)
    }
}

pub(super) const fn num(length: Length, max: u16) -> Field {
    field(Kind::Number, length, max)
}

pub(super) const fn track(length: Length, max: u16) -> Field {
    field(Kind::Track, length, max)
}

pub(super) const fn an(max: u16) -> Field {
    field(Kind::Text, Length::Fixed, max)
}

pub(super) const fn ans(length: Length, max: u16) -> Field {
    field(Kind::Text, length, max)
}

pub(super) const fn b(max: u16) -> Field {
    field(Kind::Binary, Length::Fixed, max)
}

pub(super) const fn bin(length: Length, max: u16) -> Field {
    field(Kind::Binary, length, max)
}

pub(super) const fn signed(max: u16) -> Field {
    field(Kind::Signed, Length::Fixed, max)
}

/// The fields of ISO 8583:1987.
pub(super) const BASE: Fields = {
    use Length::{Three, Two};
    let mut f: Fields = [None; 128];
    set(
        &mut f,
        &[
            (2, num(Two, 19)),
            (3, n(6)),
            (4, n(12)),
            (5, n(12)),
            (6, n(12)),
            (7, n(10)),
            (8, n(8)),
            (9, n(8)),
            (10, n(8)),
            (11, n(6)),
            (12, n(6)),
            (13, n(4)),
            (14, n(4)),
            (15, n(4)),
            (16, n(4)),
            (17, n(4)),
            (18, n(4)),
            (19, n(3)),
            (20, n(3)),
            (21, n(3)),
            (22, n(3)),
            (23, n(3)),
            (24, n(3)),
            (25, n(2)),
            (26, n(2)),
            (27, n(1)),
            (28, signed(8)),
            (29, signed(8)),
            (30, signed(8)),
            (31, signed(8)),
            (32, num(Two, 11)),
            (33, num(Two, 11)),
            (34, ans(Two, 28)),
            (35, track(Two, 37)),
            (36, track(Three, 104)),
            (37, an(12)),
            (38, an(6)),
            (39, an(2)),
            (40, an(3)),
            (41, an(8)),
            (42, an(15)),
            (43, an(40)),
            (44, ans(Two, 99)),
            (45, ans(Two, 79)),
            (46, ans(Three, 999)),
            (47, ans(Three, 999)),
            (48, ans(Three, 999)),
            (49, an(3)),
            (50, an(3)),
            (51, an(3)),
            (52, b(8)),
            (53, n(16)),
            (54, ans(Three, 255)),
            (55, bin(Three, 999)),
            (56, ans(Three, 999)),
            (57, ans(Three, 999)),
            (58, ans(Three, 999)),
            (59, ans(Three, 999)),
            (60, ans(Three, 999)),
            (61, ans(Three, 999)),
            (62, ans(Three, 999)),
            (63, ans(Three, 999)),
            (64, b(8)),
            (65, b(1)),
            (66, n(1)),
            (67, n(2)),
            (68, n(3)),
            (69, n(3)),
            (70, n(3)),
            (71, n(4)),
            (72, n(4)),
            (73, n(6)),
            (74, n(10)),
            (75, n(10)),
            (76, n(10)),
            (77, n(10)),
            (78, n(10)),
            (79, n(10)),
            (80, n(10)),
            (81, n(10)),
            (82, n(12)),
            (83, n(12)),
            (84, n(12)),
            (85, n(12)),
            (86, n(16)),
            (87, n(16)),
            (88, n(16)),
            (89, n(16)),
            (90, n(42)),
            (91, an(1)),
            (92, an(2)),
            (93, an(5)),
            (94, an(7)),
            (95, an(42)),
            (96, b(8)),
            (97, signed(16)),
            (98, an(25)),
            (99, num(Two, 11)),
            (100, num(Two, 11)),
            (101, ans(Two, 17)),
            (102, ans(Two, 28)),
            (103, ans(Two, 28)),
            (104, ans(Three, 100)),
            (128, b(8)),
        ],
    );
    let mut i = 105;
    while i <= 127 {
        set(&mut f, &[(i, ans(Three, 999))]);
        i += 1;
    }
    f
};

const fn set(fields: &mut Fields, changes: &[(u8, Field)]) {
    let mut rest = changes;
    while let [(number, field), tail @ ..] = rest {
        put(fields, *number, *field);
        rest = tail;
    }
}

const fn put(fields: &mut Fields, number: u8, field: Field) {
    let mut slots = fields.as_mut_slice();
    let mut at = 1;
    while let [first, tail @ ..] = slots {
        if at == number {
            *first = Some(field);
            return;
        }
        at += 1;
        slots = tail;
    }
}

/// The fields of 1987 with changes.
pub(super) const fn with(changes: &[(u8, Field)]) -> Fields {
    let mut f = BASE;
    set(&mut f, changes);
    f
}
