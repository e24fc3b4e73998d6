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

// Stands in for the catalogue until it is merged.
/// A rule fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct RuleError {
    /// What.
    pub problem: String,
}
/// A condition.
#[derive(Debug, Clone)]
pub struct Condition {
    /// As written.
    pub sql: String,
    /// Facts that it names.
    pub facts: Vec<u16>,
}
/// One piece of evidence of a cause.
#[derive(Debug, Clone)]
pub struct EvidenceRule {
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Log-odds.
    pub weight: f64,
    /// Sentence.
    pub text_en: String,
    /// Sentence.
    pub text_zh: String,
    /// When it holds.
    pub when: Condition,
}
/// Another cause that looks alike.
#[derive(Debug, Clone)]
pub struct LookAlike {
    /// Code.
    pub code: String,
    /// Sentence.
    pub told_apart_en: String,
    /// Sentence.
    pub told_apart_zh: String,
}
/// One root cause.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Cause {
    pub code: String,
    pub family: String,
    pub name_en: String,
    pub name_zh: String,
    pub explanation_en: String,
    pub explanation_zh: String,
    pub remedy_en: String,
    pub remedy_zh: String,
    pub owners: Vec<String>,
    pub steps: Vec<i64>,
    pub applies: Option<Condition>,
    pub prior: f64,
    pub secondary: bool,
    pub look_alikes: Vec<LookAlike>,
    pub evidence: Vec<EvidenceRule>,
    pub file: String,
}
/// The catalogue of root causes.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    causes: Vec<Cause>,
    hash: String,
}
impl Catalogue {
    /// Loads.
    pub fn load(_folders: &[std::path::PathBuf]) -> Result<Self, RuleError> {
        Ok(Self::default())
    }
    /// All.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }
    /// One.
    pub fn get(&self, code: &str) -> Option<&Cause> {
        self.causes.iter().find(|cause| cause.code == code)
    }
    /// Hash.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}
/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Files.
    pub files: usize,
    /// Examples.
    pub examples: usize,
    /// Faults.
    pub faults: Vec<RuleError>,
}
/// Checks.
pub fn rules_check(_folder: &std::path::Path) -> Result<Checked, RuleError> {
    Ok(Checked::default())
}
/// Attributes.
#[must_use]
pub fn attribute(
    correlated: &crate::correlate::Correlated,
    _catalogue: &Catalogue,
    _plan: &crate::plan::Plan,
) -> Attributed {
    Attributed {
        facts: vec![FactRow::default(); correlated.attempts.len()],
        verdicts: vec![Verdict::default(); correlated.attempts.len()],
        incidents: Vec::new(),
    }
}
