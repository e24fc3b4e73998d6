//! ASCII with hexadecimal bitmap, binary fields raw.

use crate::protocol::iso8583::dialect::{Bitmap, Charset, Dialect, Digits, Prefix, with};

pub(super) static DIALECT: Dialect = Dialect {
    name: "ascii-hexbitmap",
    family: "ascii-hexbitmap",
    title: (
        "ASCII with hexadecimal bitmap, binary fields raw",
        "ASCII报文、十六进制位图",
    ),
    source: "ISO 8583:1987; moov-io/iso8583 Spec87ASCII",
    mti: Digits::Ascii,
    bitmap: Bitmap::Hex,
    number: Digits::Ascii,
    text: Charset::Ascii,
    prefix: Prefix::Digits(Digits::Ascii),
    fields: with(&[]),
    variants: &[],
};
