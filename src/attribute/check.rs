//! Checks rule folders: syntax, unknown facts, types, and each rule's own examples.

use std::path::Path;

use super::arbiter;
use super::catalogue::{Catalogue, Cause, RuleError, parse, read, rule_files};
use super::evaluate::evaluate;
use super::facts::list::{FACTS, Fact};
#[cfg(test)]
use super::model::Verdict;
use super::model::{FactRow, Value};
use super::packed::PackedRow;

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Rule files read.
    pub files: usize,
    /// Examples tried.
    pub examples: usize,
    /// Everything that is wrong, in file order.
    pub faults: Vec<RuleError>,
}

/// Checks a user's rule folder, on top of the built-in causes.
///
/// # Errors
/// When the folder cannot be read or the built-in catalogue is broken.
pub fn rules_check(folder: &Path) -> Result<Checked, RuleError> {
    let mut checked = Checked::default();
    let mut own = Vec::new();
    for path in rule_files(folder)? {
        checked.files += 1;
        match parse(&path.display().to_string(), &read(&path)?) {
            Ok(cause) => own.push(cause.code),
            Err(fault) => checked.faults.push(fault),
        }
    }
    if checked.faults.is_empty() {
        match Catalogue::load(&[folder.to_owned()]) {
            Ok(catalogue) => {
                let causes = catalogue.causes().iter();
                for cause in causes.filter(|cause| own.contains(&cause.code)) {
                    checked.examples += cause.examples.len();
                    checked.faults.extend(examples(&catalogue, cause));
                }
            }
            Err(fault) => checked.faults.push(fault),
        }
    }
    Ok(checked)
}

/// Checks one rule by itself: its text, its conditions, and that they fit the facts' types.
///
/// # Errors
/// The first fault.
pub fn rule_check(text: &str) -> Result<(), RuleError> {
    parse("rule", text)?.check_types()
}

/// A row with these facts, all others NULL; attempts that need explaining have failed.
pub(super) fn example_row(facts: &[(u16, Value)]) -> FactRow {
    let mut row = FactRow {
        values: vec![None; FACTS.len()],
        citations: Vec::new(),
    };
    if let Some(slot) = row.values.get_mut(Fact::failed.index()) {
        *slot = Some(Value::Bool(true));
    }
    for (fact, value) in facts {
        if let Some(slot) = row.values.get_mut(usize::from(*fact)) {
            *slot = Some(value.clone());
        }
    }
    row
}

/// The verdict on a row by itself.
#[cfg(test)]
pub(super) fn verdict(catalogue: &Catalogue, row: &FactRow) -> Option<Verdict> {
    let answers = evaluate(
        catalogue,
        &[PackedRow::new(row)].into_iter().collect(),
        &[0],
    )
    .ok()?;
    Some(arbiter::decide(&arbiter::Case {
        catalogue,
        answers: &answers,
        row: 0,
        facts: row,
        incident: None,
        only: None,
    }))
}

/// Examples of a cause that do not come out as they must.
pub(super) fn examples(catalogue: &Catalogue, cause: &Cause) -> Vec<RuleError> {
    let rows: Vec<FactRow> = cause
        .examples
        .iter()
        .map(|example| example_row(&example.facts))
        .collect();
    let fault = |name: Option<&str>, problem: String| RuleError {
        file: cause.file.clone(),
        line: None,
        evidence: name.map(|name| format!("example {name}")),
        problem,
    };
    let answers = match evaluate(
        catalogue,
        &rows.iter().map(PackedRow::new).collect(),
        &(0..rows.len()).collect::<Vec<_>>(),
    ) {
        Ok(answers) => answers,
        Err(error) => return vec![fault(None, error.to_string())],
    };
    let mut faults = Vec::new();
    for (number, (example, row)) in cause.examples.iter().zip(&rows).enumerate() {
        let verdict = arbiter::decide(&arbiter::Case {
            catalogue,
            answers: &answers,
            row: number,
            facts: row,
            incident: None,
            only: None,
        });
        let named = verdict.cause.as_deref() == Some(cause.code.as_str());
        if named != example.matches {
            let wanted = if example.matches { "" } else { "anything but " };
            let score: Vec<String> = verdict
                .alternatives
                .iter()
                .map(|(code, p)| format!("{code} {p:.2}"))
                .collect();
            faults.push(fault(
                Some(&example.name),
                format!(
                    "expected {wanted}{}, found {} (then: {})",
                    cause.code,
                    verdict.cause.as_deref().unwrap_or("nothing"),
                    score.join(", ")
                ),
            ));
        }
    }
    faults
}
