//! What reports say of a cause, out of the catalogue: the one place that knows the catalogue's shape.

use serde::{Deserialize, Serialize};

use crate::attribute::Catalogue;

/// A cause as people read it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
pub struct CauseText {
    /// Code from the catalogue.
    pub code: String,
    /// Family.
    pub family: String,
    /// Name.
    pub name_en: String,
    /// Name.
    pub name_zh: String,
    /// What happens.
    pub explanation_en: String,
    /// What happens.
    pub explanation_zh: String,
    /// What to do.
    pub remedy_en: String,
    /// What to do.
    pub remedy_zh: String,
    /// Who, first the one to call.
    pub owners: Vec<String>,
}

/// The code of a verdict that the evidence does not bear.
pub const UNDETERMINED: &str = "UNDETERMINED";

/// What the catalogue says of a code; a code that it does not know speaks for itself.
#[must_use]
pub fn cause_text(catalogue: &Catalogue, code: &str) -> CauseText {
    if let Some(cause) = catalogue.get(code) {
        return CauseText {
            code: cause.code.clone(),
            family: cause.family.clone(),
            name_en: cause.name_en.clone(),
            name_zh: cause.name_zh.clone(),
            explanation_en: cause.explanation_en.clone(),
            explanation_zh: cause.explanation_zh.clone(),
            remedy_en: cause.remedy_en.clone(),
            remedy_zh: cause.remedy_zh.clone(),
            owners: cause.owners.clone(),
        };
    }
    if code == UNDETERMINED {
        return CauseText {
            code: code.to_owned(),
            name_en: "Not decided by the evidence".to_owned(),
            name_zh: "证据不足，无法判定".to_owned(),
            explanation_en: "No cause is clearly better than the others. The best candidates, and what would decide between them, stand with each transaction.".to_owned(),
            explanation_zh: "没有一个原因明显优于其他原因。每笔交易列出最可能的候选原因，以及能够判定的证据。".to_owned(),
            remedy_en: "Provide the missing evidence named with the transaction and analyse again.".to_owned(),
            remedy_zh: "补充该交易所列的缺失证据后重新分析。".to_owned(),
            ..CauseText::default()
        };
    }
    CauseText {
        code: code.to_owned(),
        name_en: code.to_owned(),
        name_zh: code.to_owned(),
        ..CauseText::default()
    }
}
