//! ASCII with binary bitmap (UnionPay CUPS host links and others).

use crate::protocol::iso8583::dialect::{Bitmap, Charset, Dialect, Digits, Prefix, with};

pub(super) static DIALECT: Dialect = Dialect {
    name: "ascii-binbitmap",
    family: "ascii-binbitmap",
    title: (
        "ASCII with binary bitmap (UnionPay CUPS host links and others)",
        "ASCII报文、二进制位图（银联CUPS等）",
    ),
    source: "Q/CUP 006, interbank message specification; jPOS iso87ascii-binary-bitmap",
    mti: Digits::Ascii,
    bitmap: Bitmap::Raw,
    number: Digits::Ascii,
    text: Charset::Ascii,
    prefix: Prefix::Digits(Digits::Ascii),
    fields: with(&[]),
    variants: &[],
};
