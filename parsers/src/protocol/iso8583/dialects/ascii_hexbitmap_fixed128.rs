//! ASCII with a hexadecimal bitmap that is always 128 bits.

use crate::protocol::iso8583::dialect::{Bitmap, Charset, Dialect, Digits, Prefix, with};

pub(super) static DIALECT: Dialect = Dialect {
    name: "ascii-hexbitmap-fixed128",
    family: "ascii-hexbitmap-fixed128",
    title: (
        "ASCII with a hexadecimal bitmap that is always 128 bits",
        "ASCII报文、固定128位十六进制位图",
    ),
    source: "moov-io/iso8583 default bitmap; iso8583tool",
    mti: Digits::Ascii,
    bitmap: Bitmap::Hex128,
    number: Digits::Ascii,
    text: Charset::Ascii,
    prefix: Prefix::Digits(Digits::Ascii),
    fields: with(&[]),
    variants: &[],
};
