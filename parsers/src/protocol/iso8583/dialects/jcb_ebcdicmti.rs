//! JCB host link: EBCDIC type, packed digits.

use crate::protocol::iso8583::dialect::{
    Bitmap, Charset, Dialect, Digits, Length, Prefix, an, ans, bin, n, num_right, track_right, with,
};

pub(super) static DIALECT: Dialect = Dialect {
    name: "jcb-ebcdicmti",
    family: "jcb-ebcdicmti",
    title: ("JCB host link: EBCDIC type, packed digits", "JCB主机报文"),
    source: "JCB message tables in alatka-messages",
    mti: Digits::Ebcdic,
    bitmap: Bitmap::Raw,
    number: Digits::Bcd,
    text: Charset::Ebcdic,
    prefix: Prefix::Binary,
    fields: with(&[
        // Odd numbers of variable length are right aligned in these two networks.
        (2, num_right(Length::Two, 19)),
        (32, num_right(Length::Two, 11)),
        (33, num_right(Length::Two, 11)),
        (35, track_right(Length::Two, 37)),
        (36, track_right(Length::Three, 104)),
        (99, num_right(Length::Two, 11)),
        (100, num_right(Length::Two, 11)),
        (22, n(4)),
        (28, an(9)),
        (29, an(9)),
        (30, an(9)),
        (31, an(9)),
        (48, bin(Length::Three, 255)),
        (55, bin(Length::TwoBytes, 999)),
        (60, bin(Length::Three, 255)),
        (61, bin(Length::Three, 255)),
        (62, bin(Length::Three, 255)),
        (120, ans(Length::TwoBytes, 999)),
        (127, ans(Length::TwoBytes, 999)),
    ]),
    variants: &[],
};
