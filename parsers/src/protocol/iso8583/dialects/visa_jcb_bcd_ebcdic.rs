//! Visa BASE I and VIP: packed digits, EBCDIC text.

use crate::protocol::iso8583::dialect::{
    Bitmap, Charset, Dialect, Digits, Length, Prefix, an, bin, n, num_right, track_right, with,
};

pub(super) static DIALECT: Dialect = Dialect {
    name: "visa-jcb-bcd-ebcdic",
    family: "visa-jcb-bcd-ebcdic",
    title: (
        "Visa BASE I and VIP: packed digits, EBCDIC text",
        "Visa BASE I 报文",
    ),
    source: "Visa BASE I technical specifications as met in published examples",
    mti: Digits::Bcd,
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
        (49, n(3)),
        (50, n(3)),
        (51, n(3)),
        (55, bin(Length::Three, 255)),
        (60, bin(Length::Three, 255)),
        (61, bin(Length::Three, 255)),
        (62, bin(Length::Three, 255)),
        (63, bin(Length::Three, 255)),
    ]),
    variants: &[],
};
