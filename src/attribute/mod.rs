//! Judgement: facts in Rust, causes as data, and an arbiter that may say that it does not know.
//!
//! Left border: [`crate::correlate`]. Sees events, never bytes.

mod arbiter;
mod baseline;
mod builtin;
mod catalogue;
mod check;
mod cohort;
mod columns;
mod evaluate;
mod facts;
mod incident;
mod model;
mod packed;
#[cfg(test)]
mod tests;
mod tuning;

use std::collections::BTreeMap;

use rayon::prelude::*;

pub use arbiter::UNDETERMINED;
pub use baseline::Baseline;
pub use catalogue::{
    Catalogue, Cause, Condition, EvidenceRule, Example, LookAlike, RuleError, nearest,
};
pub use check::{Checked, rule_check, rules_check};
pub use columns::columns as fact_columns;
pub use facts::list::FACTS;
pub use model::{
    Attributed, Evidence, FactDef, FactRow, FactType, Incident, Role, Strength, Value, Verdict,
};
pub use packed::{FactTable, PackedRow, Seen};

use crate::correlate::{Correlated, Outcome};
use crate::event::Spill;
use crate::plan::Plan;
use facts::Facts;
use facts::list::Fact;

/// The cause of an approval that should not have been.
const DUPLICATE: &str = "USER_DUPLICATE_TAP";

/// Works out the facts of all attempts, names the cause of each that failed, and gathers incidents.
#[must_use]
pub fn attribute(
    correlated: &Correlated,
    catalogue: &Catalogue,
    plan: &Plan,
    spill: &Spill,
) -> Attributed {
    let context = facts::Context::new(correlated, plan);
    let (mut rows, needs) = FactTable::build(correlated.attempts.len(), spill, |index| {
        let row = facts::build(&context, index);
        (PackedRow::new(&row), needs_explaining(&row))
    });
    let needed: Vec<usize> = (0..needs.len())
        .filter(|&index| needs.get(index) == Some(&true))
        .collect();
    let cohort = cohort::Cohort::new(&context, &rows);
    rows.replace(&needed, spill, |rows, index| {
        PackedRow::new(&cohort.facts(index, rows.get(index)))
    });
    let mut attributed = Attributed {
        verdicts: BTreeMap::new(),
        facts: rows,
        incidents: Vec::new(),
    };
    let baseline = Baseline::read(&plan.baseline);
    judge(
        correlated,
        catalogue,
        &cohort,
        &needed,
        &baseline,
        &mut attributed,
    );
    carry_over(correlated, &mut attributed);
    attributed
}

/// Failed, or approved although the same sale was approved before.
fn needs_explaining(row: &FactRow) -> bool {
    row.yes(Fact::failed) || row.yes(Fact::duplicate_of_approved)
}

fn judge(
    correlated: &Correlated,
    catalogue: &Catalogue,
    cohort: &cohort::Cohort,
    needed: &[usize],
    baseline: &Baseline,
    attributed: &mut Attributed,
) {
    // Conditions were tried when the catalogue was loaded: this cannot fail for a reason that a user could mend here.
    let facts = &attributed.facts;
    let Ok(answers) = evaluate::evaluate(catalogue, facts, needed) else {
        return;
    };
    let decide = |place: usize, row: &FactRow, incident: Option<&str>| {
        let approved = !row.yes(Fact::failed);
        arbiter::decide(&arbiter::Case {
            catalogue,
            answers: &answers,
            row: place,
            facts: row,
            incident,
            only: approved.then_some(DUPLICATE),
        })
    };
    let first: Vec<Verdict> = needed
        .par_iter()
        .enumerate()
        .map(|(place, &index)| decide(place, &facts.get(index), None))
        .collect();
    let found = incident::find(correlated, catalogue, cohort, needed, &first, baseline);
    let verdicts: Vec<Verdict> = needed
        .par_iter()
        .enumerate()
        .zip(first)
        .map(|((place, &index), verdict)| {
            let row = &facts.get(index);
            let incident = found.of(index);
            let cause = incident.and_then(|at| found.incidents.get(at as usize)?.cause.as_deref());
            let mut verdict = match cause {
                Some(cause) => decide(place, row, Some(cause)),
                None => verdict,
            };
            verdict.incident = incident;
            // An approval is explained only where the evidence decides.
            if !row.yes(Fact::failed) && verdict.cause.as_deref() != Some(DUPLICATE) {
                verdict = Verdict::default();
            }
            verdict
        })
        .collect();
    attributed
        .verdicts
        .extend(needed.iter().copied().zip(verdicts));
    attributed.incidents = found.incidents;
}

/// Causes of earlier attempts of a sale contribute to its last one, unless that has the same cause.
fn carry_over(correlated: &Correlated, attributed: &mut Attributed) {
    let sales = facts::Sales::new(correlated);
    for (index, attempt) in correlated.attempts.iter().enumerate() {
        let sale = sales.of(&attempt.sale_id);
        let last = sale
            .iter()
            .max_by_key(|&&other| {
                let number = correlated.attempts.get(other as usize).map(|a| a.number);
                (number, other)
            })
            .copied();
        if sale.len() < 2 || last != u32::try_from(index).ok() {
            continue;
        }
        let mut earlier = Vec::new();
        for &other in sale {
            let cause = attributed
                .verdicts
                .get(&(other as usize))
                .and_then(|verdict| verdict.cause.clone());
            if let Some(cause) = cause
                && other as usize != index
                && cause != UNDETERMINED
                && !earlier.contains(&cause)
            {
                earlier.push(cause);
            }
        }
        if !earlier.is_empty() {
            let verdict = attributed.verdicts.entry(index).or_default();
            for cause in earlier {
                if verdict.cause.as_ref() != Some(&cause) && !verdict.contributing.contains(&cause)
                {
                    verdict.contributing.push(cause);
                }
            }
        }
    }
}

/// The attempt ended otherwise than in an approval that stood.
#[must_use]
pub fn failed(correlated: &Correlated, index: usize) -> bool {
    match correlated
        .attempts
        .get(index)
        .map(|attempt| attempt.outcome)
    {
        None => false,
        Some(Outcome::Approved) => false,
        Some(_) => facts::failed(correlated, index),
    }
}
