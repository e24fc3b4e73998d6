//! What bytes mean: EMV, ISO 7816, ISO 8583, network protocols.

pub mod codes;
pub mod emv;
pub mod iso7816;
pub(crate) mod table;
