//! What bytes mean: EMV, ISO 7816, ISO 8583, network protocols.

pub mod codes;
pub mod emv;
pub mod iso7816;
pub mod iso8583;
pub mod net;
pub(crate) mod table;
