//! Packed digits with binary bitmap, 1987.

use crate::protocol::iso8583::dialect::{
    Bitmap, Charset, Dialect, Digits, Length, Prefix, ans, n, with,
};

pub(super) static DIALECT: Dialect = Dialect {
    name: "bcd-generic-1987",
    family: "bcd-generic-1987",
    title: (
        "Packed digits with binary bitmap, 1987",
        "BCD报文、二进制位图（1987）",
    ),
    source: "jPOS ISO87BPackager",
    mti: Digits::Bcd,
    bitmap: Bitmap::Raw,
    number: Digits::Bcd,
    text: Charset::Ascii,
    prefix: Prefix::Digits(Digits::Bcd),
    fields: with(&[(36, ans(Length::Three, 104))]),
    // Where every number is packed, the currency is one as well.
    variants: &[(49, n(3))],
};
