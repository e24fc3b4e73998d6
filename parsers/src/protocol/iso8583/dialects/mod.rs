//! The dialects, one file each, in the order in which ties are broken.

mod ascii_binbitmap;
mod ascii_hexbitmap;
mod ascii_hexbitmap_fixed128;
mod ascii_hexbitmap_hexbinary;
mod bcd_generic_1987;
mod bcd_unionpay_pos;
mod ebcdic;
mod jcb_ebcdicmti;
mod visa_jcb_bcd_ebcdic;

use super::dialect::Dialect;

pub(super) static ALL: &[&Dialect] = &[
    &bcd_unionpay_pos::DIALECT,
    &ascii_binbitmap::DIALECT,
    &ascii_hexbitmap::DIALECT,
    &ascii_hexbitmap_hexbinary::DIALECT,
    &ascii_hexbitmap_fixed128::DIALECT,
    &bcd_generic_1987::DIALECT,
    &visa_jcb_bcd_ebcdic::DIALECT,
    &ebcdic::DIALECT,
    &jcb_ebcdicmti::DIALECT,
];
