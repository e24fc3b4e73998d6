//! What attribution hands on: facts, verdicts with their evidence, and incidents.

use std::collections::BTreeMap;

use crate::event::Text;

/// A fact's value; absent means that it could not be observed.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// Count, code, milliseconds, minor units.
    Int(i64),
    /// Ratio, probability.
    Float(f64),
    /// Code or name.
    Text(Text),
}

/// Type of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactType {
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Int`].
    Int,
    /// [`Value::Float`].
    Float,
    /// [`Value::Text`].
    Text,
}

/// One fact as documented: the column's name, type, unit and meaning, and when it is NULL.
#[derive(Debug, Clone, Copy)]
pub struct FactDef {
    /// Column name.
    pub name: &'static str,
    /// Column type.
    pub ty: FactType,
    /// Unit, or empty.
    pub unit: &'static str,
    /// One sentence.
    pub meaning: &'static str,
    /// When it could not be observed.
    pub null_when: &'static str,
}

/// The facts of one attempt. `values[i]` belongs to `FACTS[i]`.
#[derive(Debug, Clone, Default)]
pub struct FactRow {
    /// Values in the order of the list of facts.
    pub values: Vec<Option<Value>>,
    /// For each fact that was made by events: (fact index, event indexes). Sorted by fact index.
    pub citations: Vec<(u16, Vec<u32>)>,
}

/// How strong the evidence is, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Little speaks for it.
    Weak,
    /// Something speaks for it.
    Moderate,
    /// Much speaks for it, little against.
    Strong,
    /// Decisive evidence, nothing against it.
    Conclusive,
}

impl Strength {
    /// As in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Moderate => "moderate",
            Self::Strong => "strong",
            Self::Conclusive => "conclusive",
        }
    }
}

/// The verdict on one attempt.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Code from the catalogue or `UNDETERMINED`; `None` where there is nothing to explain.
    pub cause: Option<Text>,
    /// Family of the cause.
    pub family: Option<Text>,
    /// Further causes that played a part.
    pub contributing: Vec<Text>,
    /// Probability that `cause` is right.
    pub confidence: Option<f64>,
    /// In words.
    pub strength: Option<Strength>,
    /// What else it could be, best first.
    pub alternatives: Vec<(Text, f64)>,
    /// What further source would decide.
    pub missing_evidence: Option<Text>,
    /// Who can mend it, first the one to call.
    pub owners: Vec<Text>,
    /// Index into the incidents.
    pub incident: Option<u32>,
    /// Evidence for and against the cause and its alternatives.
    pub evidence: Vec<Evidence>,
}

/// Role of a piece of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Enough by itself.
    Decisive,
    /// Speaks for it.
    Supporting,
    /// Speaks against it.
    Refuting,
}

impl Role {
    /// As in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Decisive => "decisive",
            Self::Supporting => "supporting",
            Self::Refuting => "refuting",
        }
    }
}

/// One piece of evidence that held.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Cause it speaks for or against.
    pub cause: Text,
    /// Name of the evidence in the rule file: `CARD_EXPIRED/3`.
    pub rule: Text,
    /// Role.
    pub role: Role,
    /// Log-odds, signed.
    pub weight: f64,
    /// The facts that the condition names, comma separated, and their values.
    pub fact: Text,
    /// Likewise.
    pub value: Text,
    /// Events that made the facts, in time order.
    pub events: Vec<u32>,
    /// Where events cannot be cited (absence, group facts): what was searched or compared.
    pub searched: Option<Text>,
    /// Sentence.
    pub text_en: Text,
    /// Sentence.
    pub text_zh: Text,
}

/// A cluster of failures that share an origin.
#[derive(Debug, Clone, Default)]
pub struct Incident {
    /// 16 letters from content.
    pub incident_id: Text,
    /// `terminal`, `merchant`, `site`, `issuer`, `card`, `host`, `firmware`, `fleet`.
    pub scope: &'static str,
    /// Which one.
    pub scope_value: Text,
    /// UTC microseconds.
    pub started_at: Option<i64>,
    /// Likewise.
    pub ended_at: Option<i64>,
    /// Attempts in it.
    pub transactions: u32,
    /// Failed ones.
    pub failed: u32,
    /// Expected failed ones.
    pub expected_failed: f64,
    /// After correction for many comparisons.
    pub p_value: f64,
    /// Common cause.
    pub cause: Option<Text>,
    /// Sentence.
    pub text_en: Text,
    /// Sentence.
    pub text_zh: Text,
}

/// Everything that attribution found out; goes with `Correlated`.
#[derive(Debug, Default)]
pub struct Attributed {
    /// One row per attempt.
    pub facts: super::FactTable,
    /// By attempt; most need no explanation and have none.
    pub verdicts: BTreeMap<usize, Verdict>,
    /// Incidents, sorted by start, then id.
    pub incidents: Vec<Incident>,
}
