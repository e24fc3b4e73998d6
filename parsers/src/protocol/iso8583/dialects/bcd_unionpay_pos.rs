//! UnionPay POS terminal messages.

use crate::protocol::iso8583::dialect::{
    Bitmap, Charset, Dialect, Digits, Length, Prefix, ans, bin, n_left, num, with,
};

pub(super) static DIALECT: Dialect = Dialect {
    name: "bcd-unionpay-pos",
    family: "bcd-unionpay-pos",
    title: ("UnionPay POS terminal messages", "银联POS终端报文"),
    source: "Q/CUP 009, terminal application specification; published messages",
    mti: Digits::Bcd,
    bitmap: Bitmap::Raw,
    number: Digits::Bcd,
    text: Charset::Ascii,
    prefix: Prefix::Digits(Digits::Bcd),
    // All variable numbers are left aligned; of the odd fixed ones F22 is, F23 is not.
    fields: with(&[
        (22, n_left(3)),
        (48, num(Length::Three, 322)),
        (54, ans(Length::Three, 40)),
        (60, num(Length::Three, 60)),
        (61, num(Length::Three, 60)),
        (62, bin(Length::Three, 999)),
    ]),
    // One acquirer writes F51 as binary TLV, not as a currency.
    variants: &[(51, bin(Length::Three, 999))],
};
