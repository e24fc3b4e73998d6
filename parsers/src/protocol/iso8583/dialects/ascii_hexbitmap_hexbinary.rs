//! ASCII with hexadecimal bitmap and hexadecimal binary fields.

use crate::protocol::iso8583::dialect::{
    Bitmap, Charset, Dialect, Digits, Kind, Length, Prefix, field, with,
};

pub(super) static DIALECT: Dialect = Dialect {
    name: "ascii-hexbitmap-hexbinary",
    family: "ascii-hexbitmap-hexbinary",
    title: (
        "ASCII with hexadecimal bitmap and hexadecimal binary fields",
        "ASCII报文、十六进制位图与二进制域",
    ),
    source: "jPOS ISO87APackager",
    mti: Digits::Ascii,
    bitmap: Bitmap::Hex,
    number: Digits::Ascii,
    text: Charset::Ascii,
    prefix: Prefix::Digits(Digits::Ascii),
    fields: with(&[
        (52, field(Kind::HexBinary, Length::Fixed, 8)),
        (64, field(Kind::HexBinary, Length::Fixed, 8)),
        (65, field(Kind::HexBinary, Length::Fixed, 1)),
        (96, field(Kind::HexBinary, Length::Fixed, 8)),
        (128, field(Kind::HexBinary, Length::Fixed, 8)),
    ]),
    variants: &[],
};
