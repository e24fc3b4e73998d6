//! What bytes mean: EMV, ISO 7816, ISO 8583, network protocols.

pub mod emv;
