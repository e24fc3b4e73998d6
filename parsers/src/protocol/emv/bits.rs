//! Names the bits and coded bytes of a data object by kernel (`tables/bits.tsv`): TVR, TSI, AIP, CID, TTQ, CTQ, outcome …

use std::sync::LazyLock;

use crate::protocol::table;

const TSV: &str = include_str!("../../../tables/bits.tsv");

/// A field that the table knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The value of a tag.
    Tag(u32),
    /// Card verification results of M/Chip: six bytes inside 9F10.
    CvrMChip,
    /// Card verification results of Visa and UnionPay: a length byte (03) and three bytes inside 9F10.
    CvrVis,
    /// Card verification results of Visa format 2 (mobile devices): five bytes inside 9F10.
    CvrVisMobile,
    /// Card verification results of the common core definitions: five bytes inside 9F10.
    CvrCommonCore,
}

/// One meaning of one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bit {
    /// The field.
    pub field: Field,
    /// Kernel that gives it this meaning: `*` (all), `2`, `3,7`, `contact` …
    pub variant: &'static str,
    /// Byte, from 1.
    pub byte: u8,
    /// The bits that count.
    pub mask: u8,
    /// What they must be; `None` where they are a number.
    pub value: Option<u8>,
    /// English name.
    pub en: &'static str,
    /// Chinese name.
    pub zh: &'static str,
    /// Causes that it points at, or what else is worth knowing.
    pub hint: &'static str,
    /// Where this is from.
    pub source: &'static str,
}

impl Bit {
    /// True for a single bit that is there or not, as opposed to a coded value.
    #[must_use]
    pub fn is_flag(&self) -> bool {
        self.mask.is_power_of_two() && self.value == Some(self.mask)
    }

    fn suits(&self, kernel: u32) -> bool {
        self.variant.split(',').any(|v| v.parse() == Ok(kernel))
    }
}

/// What a byte of a value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The row of the table.
    pub bit: &'static Bit,
    /// The number, where the bits are one.
    pub number: Option<u8>,
}

static TABLE: LazyLock<Vec<Bit>> = LazyLock::new(|| {
    let mut list: Vec<Bit> = table::rows::<9>(TSV)
        .filter_map(
            |[field, variant, byte, mask, value, en, zh, hint, source]| {
                let byte_of = |text| u8::from_str_radix(text, 16).ok();
                Some(Bit {
                    field: match field {
                        "CVR-MCHIP" => Field::CvrMChip,
                        "CVR-VIS" => Field::CvrVis,
                        "CVR-VIS2" => Field::CvrVisMobile,
                        "CVR-CCD" => Field::CvrCommonCore,
                        tag => Field::Tag(table::hex(tag)?),
                    },
                    variant,
                    byte: byte.parse().ok()?,
                    mask: byte_of(mask)?,
                    value: match value {
                        "nn" => None,
                        value => Some(byte_of(value)?),
                    },
                    en,
                    zh,
                    hint,
                    source,
                })
            },
        )
        .collect();
    list.sort_by_key(|row| {
        (
            row.field,
            row.byte,
            std::cmp::Reverse(row.mask),
            row.value.is_none(),
        )
    });
    list
});

/// The tag whose table also explains this one: action codes have the layout of the TVR.
#[must_use]
fn layout_of(tag: u32) -> u32 {
    match tag {
        // IAC and TAC of all kinds; the card TVR of kernel 8.
        0x9F0D..=0x9F0F
        | 0xDF8120..=0xDF8122
        | 0xDF11..=0xDF13
        | 0x009F_820B
        | 0x009F_820C
        | 0x009F_8104 => 0x95,
        0x009F_8210 => 0xDF8129,
        0x009F_8204 => 0xDF8115,
        0x009F_8205 | 0x009F_8219 => 0xDF8116,
        0xDF8119 => 0xDF8118,
        0xDF812C => 0xDF811E,
        tag => tag,
    }
}

fn rows(field: Field) -> &'static [Bit] {
    let from = TABLE.partition_point(|row| row.field < field);
    let to = TABLE.partition_point(|row| row.field <= field);
    TABLE.get(from..to).unwrap_or_default()
}

/// True where the table can explain values of this tag.
#[must_use]
pub fn is_bit_field(tag: u32) -> bool {
    !rows(Field::Tag(layout_of(tag))).is_empty()
}

/// How well a row suits the kernel; `None` where it must not be used. Kernel 8 has a TVR of its own.
fn suitability(row: &Bit, kernel: Option<u32>) -> Option<u8> {
    match (row.variant, kernel) {
        ("*", Some(8)) if row.field == Field::Tag(0x95) => None,
        ("*", _) => Some(1),
        (_, Some(kernel)) if row.suits(kernel) => Some(2),
        // Without a kernel, a meaning that only some kernel knows is better than none.
        ("contact", _) | (_, Some(_)) => None,
        (_, None) => Some(0),
    }
}

/// What a value says, byte by byte, the highest bits first. Bits that no table knows are left out.
#[must_use]
pub fn describe(field: Field, kernel: Option<u32>, value: &[u8]) -> Vec<Meaning> {
    // An action code says which bits count: its two-bit values mean nothing.
    let (field, flags_only) = match field {
        Field::Tag(tag) => (
            Field::Tag(layout_of(tag)),
            tag != 0x95 && layout_of(tag) == 0x95,
        ),
        other => (other, false),
    };
    let rows = rows(field);
    let mut meanings: Vec<Meaning> = Vec::new();
    for row in rows {
        let Some(byte) = usize::from(row.byte)
            .checked_sub(1)
            .and_then(|at| value.get(at))
        else {
            continue;
        };
        let Some(suits) = suitability(row, kernel) else {
            continue;
        };
        // A kernel's own "not supported" says nothing while the kernel is not known.
        if !row.is_flag() && (flags_only || (suits == 0 && row.value == Some(0))) {
            continue;
        }
        let masked = byte & row.mask;
        let number = match row.value {
            Some(value) if value != masked => continue,
            Some(_) => None,
            None => Some(masked >> row.mask.trailing_zeros()),
        };
        // Of several rows for the same bits the one that suits best counts, then the first: a named value before a number.
        let same = meanings
            .iter_mut()
            .find(|m| m.bit.byte == row.byte && overlaps(m.bit, row));
        let meaning = Meaning { bit: row, number };
        match same {
            Some(known) if suitability(known.bit, kernel) < Some(suits) => *known = meaning,
            Some(_) => {}
            None => meanings.push(meaning),
        }
    }
    meanings
}

/// True where two rows explain the same bits.
fn overlaps(a: &Bit, b: &Bit) -> bool {
    a.mask == b.mask || (a.variant != b.variant && a.mask & b.mask != 0)
}

/// As [`describe`], for the value of a tag.
#[must_use]
pub fn describe_tag(tag: u32, kernel: Option<u32>, value: &[u8]) -> Vec<Meaning> {
    describe(Field::Tag(tag), kernel, value)
}

#[cfg(test)]
pub(super) fn table() -> (&'static [Bit], &'static str) {
    (&TABLE, TSV)
}
