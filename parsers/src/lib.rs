//! Pure parsers for everything that tapscope reads: bytes in, borrowed structure out.
//!
//! No I/O, no clock, no locale, no unsafe, no panic; work is linear in the input, recursion and allocation are bounded.
//! Three families that never name each other:
//! - [`container`]: how a file is cut into records (logcat, syslog, jPOS …),
//! - [`content`]: what a record's text carries (hex APDUs, NCI, ISO 8583 dumps, wording …),
//! - [`protocol`]: what bytes mean (EMV, ISO 7816, ISO 8583, network).

pub mod container;
pub mod content;
pub mod damage;
pub mod explain;
pub mod hex;
pub mod protocol;
pub mod sensitive;
pub mod time;
