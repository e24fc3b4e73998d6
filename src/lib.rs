//! tapscope: why a contactless tap failed, from the terminal's log, the card dialogue and the network capture.
//!
//! source -> decode -> parse -> event -> correlate -> attribute -> report; see ARCHITECTURE.md.

pub mod attribute;
pub mod cli;
pub mod correlate;
pub mod decode;
pub mod event;
pub mod parse;
pub mod plan;
pub mod report;
pub mod source;
