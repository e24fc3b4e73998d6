//! Turns rows of facts and the catalogue's conditions into yes, no or unknown, in batches, by polars.

use polars::prelude::{DataFrame, DataType, Expr, IntoLazy, PlSmallStr, PolarsResult};

use super::catalogue::Catalogue;
use super::columns::columns;
use super::facts::list::FACTS;
use super::model::FactRow;
use super::packed::{FactTable, PackedRow};
use crate::event::Text;

/// Rows of one batch: bounds memory.
const BATCH: usize = 4096;

/// What each condition says of one row, in the order of [`conditions`].
pub(super) struct Answers {
    columns: Vec<Vec<Option<bool>>>,
}

impl Answers {
    /// What a condition says of a row.
    pub fn get(&self, condition: usize, row: usize) -> Option<bool> {
        self.columns.get(condition)?.get(row).copied().flatten()
    }
}

/// All conditions of the catalogue: for each cause `applies` (if any), then its evidence in order.
pub(super) fn conditions(catalogue: &Catalogue) -> Vec<&super::catalogue::Condition> {
    let mut all = Vec::new();
    for cause in catalogue.causes() {
        all.extend(cause.applies.as_ref());
        all.extend(cause.evidence.iter().map(|piece| &piece.when));
    }
    all
}

/// Evaluates every condition over every row.
///
/// # Errors
/// When a condition does not fit the facts' types.
pub(super) fn evaluate(
    catalogue: &Catalogue,
    table: &FactTable,
    rows: &[usize],
) -> PolarsResult<Answers> {
    let conditions = conditions(catalogue);
    let mut used = vec![false; FACTS.len()];
    for condition in &conditions {
        for &fact in &condition.facts {
            if let Some(slot) = used.get_mut(usize::from(fact)) {
                *slot = true;
            }
        }
    }
    let exprs: Vec<Expr> = conditions
        .iter()
        .enumerate()
        .map(|(number, condition)| {
            condition
                .expr
                .clone()
                .cast(DataType::Boolean)
                .alias(PlSmallStr::from_string(format!("c{number}")))
        })
        .collect();
    let mut all: Vec<Vec<Option<bool>>> = vec![Vec::with_capacity(rows.len()); exprs.len()];
    for batch in rows.chunks(BATCH) {
        let frame = frame(table, batch, &used)?;
        let answers = frame.lazy().select(exprs.clone()).collect()?;
        for (into, column) in all.iter_mut().zip(answers.columns()) {
            let values = column.bool()?;
            if values.len() == 1 && batch.len() > 1 {
                // A condition that polars folded to a constant.
                into.extend(std::iter::repeat_n(values.get(0), batch.len()));
            } else {
                into.extend(values.iter());
            }
        }
    }
    Ok(Answers { columns: all })
}

/// Tries one condition on a row of NULLs.
///
/// # Errors
/// When it does not fit the facts' types.
pub(super) fn try_one(condition: &super::catalogue::Condition) -> PolarsResult<()> {
    let table = FactTable::from_iter([PackedRow::new(&FactRow::default())]);
    let frame = frame(&table, &[0], &vec![true; FACTS.len()])?;
    let expr = condition.expr.clone().cast(DataType::Boolean);
    frame.lazy().select([expr]).collect().map(|_| ())
}

fn frame(table: &FactTable, rows: &[usize], used: &[bool]) -> PolarsResult<DataFrame> {
    let wanted = |index: usize| used.get(index) == Some(&true);
    DataFrame::new(
        rows.len(),
        columns(table, rows, wanted, |text| Text::new(text)),
    )
}
