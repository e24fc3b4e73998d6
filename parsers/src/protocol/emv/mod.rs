//! What EMV data objects and bit fields mean (EMV Books 1, 3; contactless Books A, B, C-n; JR/T 0025).

pub mod afl;
pub mod aid;
pub mod bits;
pub mod dialogue;
pub mod dol;
pub mod issuer_data;
pub mod tags;
pub mod tlv;
pub mod value;

#[cfg(test)]
mod tests;
