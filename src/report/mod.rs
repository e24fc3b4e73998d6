//! Writes what was found: Parquet, CSV, JSON, HTML. All together or not at all. Reads it back for `inspect`, `query` and `report`.

mod catalogue;
mod clean;
mod compare;
mod csv;
mod days;
mod detail;
mod error;
mod failures;
mod fill;
mod folder;
pub mod gate;
mod html;
mod iso8583;
mod manifest;
mod overview;
mod parquet;
mod publish;
mod query;
mod row;
mod schema;
mod time;
mod timesketch;

pub use catalogue::{CauseText, UNDETERMINED, cause_text};
pub use clean::{cell, clean};
pub use compare::{
    CauseChange, Change, Comparison, IncidentChange, Pair, PlaceChange, Totals, VerdictChange,
    compare,
};
pub use error::Error;
pub use folder::{Folder, Selector, Story};
pub use html::PageOptions;
pub use manifest::{Recorded, RecordedFile};
pub use overview::{
    CauseCount, Count, Coverage, Incident, Ledger, PlaceCount, Problem, Summary, Timeline,
};
pub use publish::{check_target, interrupt, left_over, parent_of};
pub use query::{Answer, QUESTIONS, Question, TABLES, query};
pub use row::{Alternative, Micros};
pub use schema::{EventRow, EvidenceRow, IncidentRow, IssueRow, SourceRow, Transaction};
pub use time::{clock, readable, rfc3339};
pub use timesketch::Timeline as TimesketchFile;

use std::path::Path;

use rayon::prelude::*;

use crate::Analysis;
use crate::attribute::Catalogue;
use crate::event::Text;
use crate::plan::{Plan, RunRecord};
use gate::Gate;

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
    write_run(analysis, catalogue, plan, None, out_dir, force)
}

/// As [`write()`], and the manifest says when, where and by whom the run was done.
///
/// # Errors
/// As [`write()`].
pub fn write_run(
    analysis: &Analysis,
    catalogue: &Catalogue,
    plan: &Plan,
    run: Option<&RunRecord>,
    out_dir: &Path,
    force: bool,
) -> Result<Summary, Error> {
    write_all(analysis, catalogue, plan, run, out_dir, force).map_err(|error| {
        // An interrupt takes the folder away from under the writers: what they then say is not what happened.
        publish::stop_if_interrupted().err().unwrap_or(error)
    })
}

fn write_all(
    analysis: &Analysis,
    catalogue: &Catalogue,
    plan: &Plan,
    run: Option<&RunRecord>,
    out_dir: &Path,
    force: bool,
) -> Result<Summary, Error> {
    let gate = Gate::new(&analysis.seen);
    let staging = publish::Staging::beside(out_dir, force)?;
    let folder = staging.path();
    let filler = fill::Filler::new(analysis, plan.pan_key.is_some());
    let mut outputs = Vec::new();
    let mut done = |name: &'static str, rows| {
        outputs.push(manifest::Output {
            name: name.into(),
            rows,
        });
    };

    let incidents = filler.incidents();
    let sources = filler.sources();
    let issues = filler.issues();

    // The events are as much work as all the rest: side by side.
    let attempts = &analysis.correlated.attempts;
    let tx_ids: Vec<Text> = attempts.iter().map(|a| clean(&a.tx_id)).collect();
    let facts = &analysis.attributed.facts;
    let (events, (transactions, rest)) = rayon::join(
        || write_events(folder, &filler, &gate),
        || {
            rayon::join(
                || write_transactions(folder, &filler, &gate),
                || {
                    let path = folder.join("facts.parquet");
                    let facts = parquet::write_facts(&path, &tx_ids, facts, &gate)?;
                    let evidence = write_evidence(folder, &filler, tx_ids.len(), &gate)?;
                    Ok((facts, evidence))
                },
            )
        },
    );
    let (transactions, overview) = transactions?;
    let events = events?;
    let (facts, evidence) = rest?;
    done("transactions.csv", Some(transactions));
    done("transactions.parquet", Some(transactions));
    done("facts.parquet", Some(facts));
    done("events.parquet", Some(events));
    done("evidence.parquet", Some(evidence));
    done(
        "incidents.parquet",
        Some(write_rows(folder, "incidents.parquet", &incidents, &gate)?),
    );
    done(
        "sources.parquet",
        Some(write_rows(folder, "sources.parquet", &sources, &gate)?),
    );
    done(
        "issues.parquet",
        Some(write_rows(folder, "issues.parquet", &issues, &gate)?),
    );

    let texts = |code: &str| cause_text(catalogue, code);
    let summary = overview.summary(&texts, &incidents, &sources, &issues);
    write_json(&folder.join("summary.json"), &summary)?;
    done("summary.json", None);

    let options = PageOptions {
        language: plan.language,
        limits: plan.limits.clone(),
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

    if plan.timesketch {
        let target = folder.join("timesketch.jsonl");
        let written = timesketch::write(folder, &target, &PageOptions::default())?;
        done("timesketch.jsonl", Some(written.lines));
    }
    if plan.by_day {
        let name = days::run_id(&sources, plan.since, plan.until);
        outputs.extend(days::write(folder, &name, &gate)?);
    }

    outputs.sort_by(|a, b| a.name.cmp(&b.name));
    let key_id = analysis.key_id.as_deref();
    manifest::Manifest {
        folder,
        sources: &sources,
        catalogue,
        plan,
        key_id,
        run,
        gate: &gate,
    }
    .write(&outputs)?;
    staging.publish()?;
    Ok(summary)
}

/// The attempts as a table and as CSV, and the figures that they add up to.
fn write_transactions(
    folder: &Path,
    filler: &fill::Filler<'_>,
    gate: &Gate,
) -> Result<(u64, overview::Overview), Error> {
    let csv_path = folder.join("transactions.csv");
    let mut csv = csv::CsvWriter::create(&csv_path)?;
    let mut table = parquet::TableWriter::create(&folder.join("transactions.parquet"), gate)?;
    let mut overview = overview::Overview::default();
    let mut row = 0_u32;
    for (group, attempts) in filler
        .analysis
        .correlated
        .attempts
        .chunks(parquet::ROW_GROUP)
        .enumerate()
    {
        let start = group * parquet::ROW_GROUP;
        let rows: Vec<Transaction> = attempts
            .par_iter()
            .enumerate()
            .map(|(index, attempt)| filler.transaction(start + index, attempt))
            .collect();
        for transaction in &rows {
            overview.add(row, transaction);
            row = row.saturating_add(1);
            csv.push(transaction)?;
        }
        table.group(rows)?;
    }
    csv.finish()?;
    Ok((table.finish()?, overview))
}

fn write_evidence(
    folder: &Path,
    filler: &fill::Filler<'_>,
    attempts: usize,
    gate: &Gate,
) -> Result<u64, Error> {
    let mut table = parquet::TableWriter::create(&folder.join("evidence.parquet"), gate)?;
    for index in 0..attempts {
        for row in filler.evidence(index) {
            table.push(row)?;
        }
    }
    table.finish()
}

/// Events by attempt, in time order within each; those that belong to none come last.
fn write_events(folder: &Path, filler: &fill::Filler<'_>, gate: &Gate) -> Result<u64, Error> {
    let mut table = parquet::TableWriter::create(&folder.join("events.parquet"), gate)?;
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
            .map(|(index, id, seq)| filler.event_row(index, id, seq))
            .collect();
        table.group(rows)?;
    }
    table.finish()
}

fn write_rows<T: row::Table + Clone>(
    folder: &Path,
    name: &str,
    rows: &[T],
    gate: &Gate,
) -> Result<u64, Error> {
    let mut table = parquet::TableWriter::create(&folder.join(name), gate)?;
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
