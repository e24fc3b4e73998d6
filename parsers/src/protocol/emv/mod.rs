//! What EMV data objects and bit fields mean (EMV Books 1, 3; contactless Books A, B, C-n; JR/T 0025).

pub mod tlv;
