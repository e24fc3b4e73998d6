//! Turns packed rows of facts into polars columns, one for each fact that is asked for.

use polars::prelude::{
    BooleanChunked, ChunkFullNull, Column, Float64Chunked, Int64Chunked, IntoColumn,
    NewChunkedArray, PlSmallStr, StringChunked,
};
use rayon::prelude::*;

use super::facts::list::FACTS;
use super::model::{FactDef, FactType};
use super::packed::{FactTable, Seen};
use crate::event::Text;

/// Up to so many rows are no work.
const FEW: usize = 256;

/// A column in the making; empty as long as every row is NULL.
enum Cells {
    Bool(Vec<Option<bool>>),
    Int(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Text(Vec<Option<Text>>),
    /// Not asked for.
    None,
}

/// The columns of the facts for which `wanted` holds, over the given rows; `text` is what becomes of each text.
#[must_use]
pub fn columns(
    table: &FactTable,
    rows: &[usize],
    wanted: impl Fn(usize) -> bool,
    text: impl Fn(&str) -> Text,
) -> Vec<Column> {
    let mut cells: Vec<Cells> = FACTS
        .iter()
        .enumerate()
        .map(|(index, fact)| match fact.ty {
            _ if !wanted(index) => Cells::None,
            FactType::Bool => Cells::Bool(Vec::new()),
            FactType::Int => Cells::Int(Vec::new()),
            FactType::Float => Cells::Float(Vec::new()),
            FactType::Text => Cells::Text(Vec::new()),
        })
        .collect();
    let height = rows.len();
    for (at, &row) in rows.iter().enumerate() {
        table.visit(row, |index, seen| {
            let Some(column) = cells.get_mut(index) else {
                return;
            };
            match (column, seen) {
                (Cells::Bool(column), Seen::Bool(value)) => put(column, height, at, value),
                (Cells::Int(column), Seen::Int(value)) => put(column, height, at, value),
                (Cells::Float(column), Seen::Float(value)) => put(column, height, at, value),
                (Cells::Text(column), Seen::Text(value)) => put(column, height, at, text(value)),
                _ => {}
            }
        });
    }
    let finish = |(fact, cells): (&FactDef, Cells)| {
        let name = PlSmallStr::from_static(fact.name);
        Some(match cells {
            Cells::Bool(column) if column.is_empty() => {
                BooleanChunked::full_null(name, height).into_column()
            }
            Cells::Int(column) if column.is_empty() => {
                Int64Chunked::full_null(name, height).into_column()
            }
            Cells::Float(column) if column.is_empty() => {
                Float64Chunked::full_null(name, height).into_column()
            }
            Cells::Text(column) if column.is_empty() => {
                StringChunked::full_null(name, height).into_column()
            }
            Cells::Bool(column) => {
                BooleanChunked::from_iter_options(name, column.into_iter()).into_column()
            }
            Cells::Int(column) => {
                Int64Chunked::from_iter_options(name, column.into_iter()).into_column()
            }
            Cells::Float(column) => {
                Float64Chunked::from_iter_options(name, column.into_iter()).into_column()
            }
            Cells::Text(column) => {
                StringChunked::from_iter_options(name, column.iter().map(Option::as_deref))
                    .into_column()
            }
            Cells::None => return None,
        })
    };
    // Rules are tried on a row or two before there is a thread pool, and must not start one.
    if rows.len() < FEW {
        FACTS.iter().zip(cells).filter_map(finish).collect()
    } else {
        FACTS.par_iter().zip(cells).filter_map(finish).collect()
    }
}

fn put<T: Clone>(column: &mut Vec<Option<T>>, height: usize, at: usize, value: T) {
    if column.is_empty() {
        column.resize(height, None);
    }
    if let Some(slot) = column.get_mut(at) {
        *slot = Some(value);
    }
}
