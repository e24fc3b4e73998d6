//! Turns rows of facts and the catalogue's conditions into yes, no or unknown, in batches, by polars.

use polars::prelude::{
    BooleanChunked, Column, DataFrame, DataType, Expr, Float64Chunked, Int64Chunked, IntoColumn,
    IntoLazy, NewChunkedArray, PlSmallStr, PolarsResult, StringChunked,
};

use rayon::prelude::*;

use super::catalogue::Catalogue;
use super::facts::list::FACTS;
use super::model::{FactRow, FactType, Value};

/// Rows of one batch: bounds memory.
const BATCH: usize = 8_192;

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
    count: usize,
    row: impl Fn(usize) -> FactRow + Sync,
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
    let mut columns: Vec<Vec<Option<bool>>> = vec![Vec::with_capacity(count); exprs.len()];
    for start in (0..count).step_by(BATCH) {
        let batch: Vec<FactRow> = (start..count.min(start + BATCH))
            .into_par_iter()
            .map(&row)
            .collect();
        let frame = frame(&batch, &used)?;
        let answers = frame.lazy().select(exprs.clone()).collect()?;
        for (into, column) in columns.iter_mut().zip(answers.columns()) {
            let values = column.bool()?;
            if values.len() == 1 && batch.len() > 1 {
                // A condition that polars folded to a constant.
                into.extend(std::iter::repeat_n(values.get(0), batch.len()));
            } else {
                into.extend(values.iter());
            }
        }
    }
    Ok(Answers { columns })
}

/// Tries one condition on a row of NULLs.
///
/// # Errors
/// When it does not fit the facts' types.
pub(super) fn try_one(condition: &super::catalogue::Condition) -> PolarsResult<()> {
    let row = FactRow::default();
    let frame = frame(&[row], &vec![true; FACTS.len()])?;
    let expr = condition.expr.clone().cast(DataType::Boolean);
    frame.lazy().select([expr]).collect().map(|_| ())
}

fn frame(rows: &[FactRow], used: &[bool]) -> PolarsResult<DataFrame> {
    let mut columns = Vec::new();
    for (index, fact) in FACTS.iter().enumerate() {
        if used.get(index) == Some(&true) {
            let name = PlSmallStr::from_static(fact.name);
            columns.push(column(name, fact.ty, rows, index));
        }
    }
    DataFrame::new(rows.len(), columns)
}

fn column(name: PlSmallStr, ty: FactType, rows: &[FactRow], index: usize) -> Column {
    let values = rows
        .iter()
        .map(|row| row.values.get(index).and_then(Option::as_ref));
    match ty {
        FactType::Bool => BooleanChunked::from_iter_options(
            name,
            values.map(|value| match value {
                Some(Value::Bool(yes)) => Some(*yes),
                _ => None,
            }),
        )
        .into_column(),
        FactType::Int => Int64Chunked::from_iter_options(
            name,
            values.map(|value| match value {
                Some(Value::Int(number)) => Some(*number),
                _ => None,
            }),
        )
        .into_column(),
        FactType::Float => Float64Chunked::from_iter_options(
            name,
            values.map(|value| match value {
                Some(Value::Float(number)) => Some(*number),
                _ => None,
            }),
        )
        .into_column(),
        FactType::Text => StringChunked::from_iter_options(
            name,
            values.map(|value| match value {
                Some(Value::Text(text)) => Some(text.as_str()),
                _ => None,
            }),
        )
        .into_column(),
    }
}
