//! Writes what was found: Parquet, CSV, JSON, HTML. All together or not at all. Reads it back for `inspect`, `query` and `report`.

mod catalogue;
mod clean;
mod csv;
mod detail;
mod error;
mod fill;
mod folder;
mod html;
mod manifest;
mod overview;
mod parquet;
mod publish;
mod query;
mod row;
mod schema;
mod time;

pub use catalogue::{CauseText, UNDETERMINED, cause_text};
pub use clean::{cell, clean};
pub use error::Error;
pub use folder::{Folder, Selector, Story};
pub use html::PageOptions;
pub use overview::{
    CauseCount, Count, Coverage, Incident, Ledger, PlaceCount, Problem, Summary, Timeline,
};
pub use publish::{check_target, interrupt};
pub use query::{Answer, QUESTIONS, Question, query};
pub use row::{Alternative, Micros};
pub use schema::{EventRow, EvidenceRow, IncidentRow, IssueRow, SourceRow, Transaction};
pub use time::{clock, readable, rfc3339};

use std::path::Path;

use rayon::prelude::*;

use crate::Analysis;
use crate::attribute::Catalogue;
use crate::plan::Plan;

/// Version of the layout of all files in an output folder.
pub const SCHEMA_VERSION: u32 = 1;

/// Writes the whole output folder.
///
/// # Errors
/// When something stands there already (without `force`), or cannot be written. What stood there before still stands then.
pub fn write(
    analysis: &Analysis,
    catalogue: &Catalogue,
    plan: &Plan,
    out_dir: &Path,
    force: bool,
) -> Result<Summary, Error> {
    let staging = publish::Staging::beside(out_dir, force)?;
    let folder = staging.path();
    let filler = fill::Filler::new(analysis, plan.pan_key.is_some());
    let mut outputs = Vec::new();
    let mut done = |name, rows| outputs.push(manifest::Output { name, rows });

    let incidents = filler.incidents();
    let sources = filler.sources();
    let issues = filler.issues();

    let csv_path = folder.join("transactions.csv");
    let mut table = parquet::TableWriter::create(&folder.join("transactions.parquet"))?;
    let mut csv = csv::CsvWriter::create(&csv_path)?;
    let mut overview = overview::Overview::default();
    let mut tx_ids = Vec::with_capacity(analysis.correlated.attempts.len());
    for start in (0..analysis.correlated.attempts.len()).step_by(parquet::ROW_GROUP) {
        let end = (start + parquet::ROW_GROUP).min(analysis.correlated.attempts.len());
        let rows: Vec<Transaction> = (start..end)
            .into_par_iter()
            .filter_map(|index| filler.transaction(index))
            .collect();
        for (index, transaction) in rows.iter().enumerate() {
            overview.add(
                u32::try_from(start + index).unwrap_or(u32::MAX),
                transaction,
            );
            csv.push(transaction)?;
            tx_ids.push(transaction.tx_id.clone());
        }
        table.group(&rows)?;
    }
    csv.finish()?;
    done("transactions.csv", Some(tx_ids.len() as u64));
    done("transactions.parquet", Some(table.finish()?));

    // The events are as much work as all the rest: they get a thread of their own.
    let facts = &analysis.attributed.facts;
    let (events, rest) = std::thread::scope(|scope| {
        let events = scope.spawn(|| write_events(folder, &filler));
        let rest = parquet::write_facts(&folder.join("facts.parquet"), &tx_ids, facts)
            .and_then(|facts| Ok((facts, write_evidence(folder, &filler, tx_ids.len())?)));
        (events.join(), rest)
    });
    let events = events.map_err(|_| Error::file(folder, std::io::Error::other("a writer failed")))?;
    let (facts, evidence) = rest?;
    done("facts.parquet", Some(facts));
    done("events.parquet", Some(events?));
    done("evidence.parquet", Some(evidence));
    done(
        "incidents.parquet",
        Some(write_rows(folder, "incidents.parquet", &incidents)?),
    );
    done(
        "sources.parquet",
        Some(write_rows(folder, "sources.parquet", &sources)?),
    );
    done(
        "issues.parquet",
        Some(write_rows(folder, "issues.parquet", &issues)?),
    );

    let texts = |code: &str| cause_text(catalogue, code);
    let summary = overview.summary(&texts, &incidents, &sources, &issues);
    write_json(&folder.join("summary.json"), &summary)?;
    done("summary.json", None);

    let options = PageOptions {
        language: plan.language,
        ..PageOptions::default()
    };
    html::write(
        folder,
        &folder.join("report.html"),
        &overview,
        &summary,
        &options,
    )?;
    done("report.html", None);

    outputs.sort_by_key(|output| output.name);
    let key_id = analysis.key_id.as_deref();
    manifest::write(folder, &outputs, &sources, catalogue, plan, key_id)?;
    staging.publish()?;
    Ok(summary)
}

fn write_evidence(folder: &Path, filler: &fill::Filler<'_>, attempts: usize) -> Result<u64, Error> {
    let mut table = parquet::TableWriter::create(&folder.join("evidence.parquet"))?;
    for index in 0..attempts {
        for row in filler.evidence(index) {
            table.push(row)?;
        }
    }
    table.finish()
}

/// Events by attempt, in time order within each; those that belong to none come last.
fn write_events(folder: &Path, filler: &fill::Filler<'_>) -> Result<u64, Error> {
    let mut table = parquet::TableWriter::create(&folder.join("events.parquet"))?;
    let correlated = &filler.analysis.correlated;
    let linked = correlated.attempts.iter().flat_map(|attempt| {
        let id = attempt.tx_id.as_str();
        (1_u32..)
            .zip(&attempt.events)
            .map(move |(seq, index)| (*index, Some(id), seq))
    });
    let free = (0_u32..)
        .zip(&correlated.attempt_of)
        .filter(|(_, attempt)| **attempt == u32::MAX);
    let free = (1_u32..)
        .zip(free)
        .map(|(seq, (index, _))| (index, None, seq));
    let mut all = linked.chain(free);
    loop {
        let group: Vec<(u32, Option<&str>, u32)> = all.by_ref().take(parquet::ROW_GROUP).collect();
        if group.is_empty() {
            break;
        }
        let rows: Vec<EventRow> = group
            .into_par_iter()
            .filter_map(|(index, id, seq)| filler.event_row(index, id, seq))
            .collect();
        table.group(&rows)?;
    }
    table.finish()
}

fn write_rows<T: row::Table + Clone>(folder: &Path, name: &str, rows: &[T]) -> Result<u64, Error> {
    let mut table = parquet::TableWriter::create(&folder.join(name))?;
    for row in rows {
        table.push(row.clone())?;
    }
    table.finish()
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), Error> {
    let fail = |e: serde_json::Error| Error::file(path, std::io::Error::other(e));
    let mut text = serde_json::to_string_pretty(value).map_err(fail)?;
    text.push('\n');
    std::fs::write(path, text).map_err(|e| Error::file(path, e))
}

/// `1.5 GB`: powers of ten, as disks are sold.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn text_bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 999.5 {
            let digits = usize::from(unit != "B" && size < 9.95);
            return format!("{size:.digits$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}
