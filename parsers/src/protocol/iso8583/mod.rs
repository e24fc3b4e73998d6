//! ISO 8583 messages: from bytes to fields, in every dialect that terminals and hosts speak.
//!
//! [`dialect`] says how a dialect writes numbers, text and lengths (one file a dialect in `dialects`), [`framing`] what
//! stands before a message on the wire, [`message`] cuts a message into fields, [`mod@detect`] finds framing and dialect from
//! the bytes alone, [`names`] and [`subfields`] say what the fields mean.

pub mod charset;
pub mod detect;
pub mod dialect;
mod dialects;
pub mod framing;
pub mod message;
pub mod names;
pub mod subfields;
mod why;

pub use detect::{Choice, Detected, Located, Wire, detect, detect_bare, detect_in, locate};
pub use dialect::{Dialect, all as dialects};
pub use message::{Message, Value, parse};
pub use why::{Candidate, Verdict, candidates};
