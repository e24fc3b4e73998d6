//! Judgement: facts in Rust, causes as data, and an arbiter that may say that it does not know.
//!
//! Left border: [`crate::correlate`]. Sees events, never bytes.

mod model;

pub use model::{
    Attributed, Evidence, FactDef, FactRow, FactType, Incident, Role, Strength, Value, Verdict,
};

/// Placeholder until the catalogue is there.
pub const FACTS: &[FactDef] = &[FactDef {
    name: "last_step",
    ty: FactType::Text,
    unit: "",
    meaning: "Last step reached.",
    null_when: "never",
}];

/// The catalogue of root causes.
#[derive(Debug, Default)]
pub struct Catalogue {}
