//! Judgement: facts in Rust, causes as data, and an arbiter that may say that it does not know.
//!
//! Left border: [`crate::correlate`]. Sees events, never bytes.

mod model;

pub use model::{
    Attributed, Evidence, FactDef, FactRow, FactType, Incident, Role, Strength, Value, Verdict,
};
