//! EBCDIC with binary bitmap (Mastercard CIS and others).

use crate::protocol::iso8583::dialect::{Bitmap, Charset, Dialect, Digits, Prefix, with};

pub(super) static DIALECT: Dialect = Dialect {
    name: "ebcdic",
    family: "ebcdic",
    title: (
        "EBCDIC with binary bitmap (Mastercard CIS and others)",
        "EBCDIC报文、二进制位图（万事达等）",
    ),
    source: "Mastercard Customer Interface Specification, published example",
    mti: Digits::Ebcdic,
    bitmap: Bitmap::Raw,
    number: Digits::Ebcdic,
    text: Charset::Ebcdic,
    prefix: Prefix::Digits(Digits::Ebcdic),
    fields: with(&[]),
    variants: &[],
};
