//! The stages of the program up to events and attempts.
#![allow(dead_code, missing_docs)]

#[path = "../../src/correlate/mod.rs"]
pub mod correlate;
#[path = "../../src/decode/mod.rs"]
pub mod decode;
#[path = "../../src/event/mod.rs"]
pub mod event;
#[path = "../../src/parse/mod.rs"]
pub mod parse;
#[path = "../../src/plan.rs"]
pub mod plan;
#[path = "../../src/source/mod.rs"]
pub mod source;
