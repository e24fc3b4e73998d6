//! Cuts the tables of a run into one folder a day, as warehouses read them: `by_day/TABLE/day=2026-08-22/run=ID/part-0.parquet`.
//!
//! The day is the UTC day on which the attempt started, for all of its rows, so that no attempt is torn apart. The run's id follows from its inputs: the same
//! inputs give the same paths, another run's files stand beside them, and so days are appended by copying folders together.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hashbrown::HashMap;
use polars::prelude::*;

use super::Error;
use super::gate::Gate;
use super::manifest::Output;
use super::parquet::{FrameWriter, ROW_GROUP, height, read_slice};
use super::schema::SourceRow;
use crate::event::Text;

/// The folder beside the contract's own files.
const FOLDER: &str = "by_day";
/// What Hive, Spark, DuckDB and pyarrow read as "no value".
const NO_DAY: &str = "__HIVE_DEFAULT_PARTITION__";
const DAY: i64 = 86_400_000_000;
/// Folders of days, each with a file that is open while its table is cut: a log of nonsense has a year in every line. Rows of
/// further days stand under [`NO_DAY`].
const MOST_DAYS: usize = 400;

/// How the rows of a table find their day.
#[derive(Clone, Copy)]
enum DayOf {
    /// By this time of their own.
    Time(&'static str),
    /// By their attempt; else by this time of their own.
    Attempt(Option<&'static str>),
    /// They belong to the run, not to a day.
    None,
}

const TABLES: [(&str, DayOf); 7] = [
    // First: the others look their attempts up.
    ("transactions", DayOf::Time("started_at")),
    ("facts", DayOf::Attempt(None)),
    ("events", DayOf::Attempt(Some("at"))),
    ("evidence", DayOf::Attempt(None)),
    ("incidents", DayOf::Time("started_at")),
    ("sources", DayOf::None),
    ("issues", DayOf::None),
];

/// Names a run by what went into it: 16 letters.
pub(super) fn run_id(sources: &[SourceRow], since: Option<i64>, until: Option<i64>) -> String {
    let mut hashes: Vec<&str> = sources.iter().map(|s| s.blake3.as_str()).collect();
    hashes.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for hash in hashes {
        hasher.update(hash.as_bytes());
    }
    hasher.update(format!("{since:?} {until:?}").as_bytes());
    let letter = |byte: &u8| char::from(b'a' + byte % 26);
    hasher
        .finalize()
        .as_bytes()
        .iter()
        .take(16)
        .map(letter)
        .collect()
}

/// Writes all tables of a folder again, by day. Returns what was written, sorted.
pub(super) fn write(folder: &Path, run: &str, gate: &Gate) -> Result<Vec<Output>, Error> {
    let mut outputs = Vec::new();
    let mut days: HashMap<Text, Option<i64>> = HashMap::new();
    for (table, day_of) in TABLES {
        cut(folder, table, day_of, run, gate, &mut days, &mut outputs)?;
    }
    outputs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(outputs)
}

fn cut(
    folder: &Path,
    table: &str,
    day_of: DayOf,
    run: &str,
    gate: &Gate,
    days: &mut HashMap<Text, Option<i64>>,
    outputs: &mut Vec<Output>,
) -> Result<(), Error> {
    let source = folder.join(table).with_extension("parquet");
    let fail = |e: PolarsError| Error::table(&source, &e);
    let mut writers: BTreeMap<Option<i64>, (String, FrameWriter)> = BTreeMap::new();
    let mut known: BTreeSet<Option<i64>> = BTreeSet::new();
    let rows = height(&source)?;
    for start in (0..rows).step_by(ROW_GROUP) {
        let frame = read_slice(&source, start, ROW_GROUP)?;
        let mut row_days = days_of(&frame, day_of, days).map_err(fail)?;
        few(&mut row_days, &mut known);
        if table == "transactions" {
            let ids = frame
                .column("tx_id")
                .and_then(|c| c.str().cloned())
                .map_err(fail)?;
            let pairs = ids.iter().zip(&row_days);
            days.extend(pairs.filter_map(|(id, day)| Some((Text::from(id?), *day))));
        }
        let mut present = row_days.clone();
        present.sort_unstable();
        present.dedup();
        for day in present {
            let mask = row_days.iter().map(|d| Some(*d == day));
            let mask = BooleanChunked::from_iter_options("day".into(), mask);
            let part = frame.filter(&mask).map_err(fail)?;
            if let Entry::Vacant(slot) = writers.entry(day) {
                let name = name(table, day_of, day, run);
                let path = folder.join(&name);
                let parent = path.parent().unwrap_or(folder);
                std::fs::create_dir_all(parent).map_err(|e| Error::file(parent, e))?;
                slot.insert((name, FrameWriter::create(&path, &frame.clear(), gate)?));
            }
            if let Some((_, writer)) = writers.get_mut(&day) {
                writer.write(&part)?;
            }
        }
    }
    for (name, writer) in writers.into_values() {
        let rows = Some(writer.finish()?);
        outputs.push(Output {
            name: name.into(),
            rows,
        });
    }
    Ok(())
}

fn name(table: &str, day_of: DayOf, day: Option<i64>, run: &str) -> String {
    let day = match (day_of, day) {
        (DayOf::None, _) => String::new(),
        (_, None) => format!("day={NO_DAY}/"),
        (_, Some(day)) => {
            let date = super::time::rfc3339(super::Micros(day.saturating_mul(DAY)));
            format!("day={}/", date.get(..10).unwrap_or(NO_DAY))
        }
    };
    format!("{FOLDER}/{table}/{day}run={run}/part-0.parquet")
}

/// Days beyond the first [`MOST_DAYS`] become none.
fn few(days: &mut [Option<i64>], known: &mut BTreeSet<Option<i64>>) {
    for day in days.iter_mut().filter(|day| day.is_some()) {
        if known.len() < MOST_DAYS {
            known.insert(*day);
        } else if !known.contains(day) {
            *day = None;
        }
    }
}

/// The day of each row, since 1970.
fn days_of(
    frame: &DataFrame,
    day_of: DayOf,
    days: &HashMap<Text, Option<i64>>,
) -> PolarsResult<Vec<Option<i64>>> {
    let by_time = |column: &str| -> PolarsResult<Vec<Option<i64>>> {
        let times = frame.column(column)?.datetime()?.physical().clone();
        Ok(times
            .iter()
            .map(|at| at.map(|at| at.div_euclid(DAY)))
            .collect())
    };
    match day_of {
        DayOf::None => Ok(vec![None; frame.height()]),
        DayOf::Time(column) => by_time(column),
        DayOf::Attempt(column) => {
            let own = column.map(by_time).transpose()?;
            let ids = frame.column("tx_id")?.str()?;
            let day = |(row, id): (usize, Option<&str>)| match id {
                Some(id) => days.get(id).copied().flatten(),
                None => own.as_ref().and_then(|own| own.get(row).copied().flatten()),
            };
            Ok(ids.iter().enumerate().map(day).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DayOf, MOST_DAYS, few, name};
    use std::collections::BTreeSet;

    #[test]
    fn a_log_of_nonsense_opens_few_files() {
        let mut known = BTreeSet::new();
        let mut days: Vec<Option<i64>> = (0..10_000).map(|day| Some(day % 5_000)).collect();
        days.push(None);
        few(&mut days, &mut known);
        assert_eq!(known.len(), MOST_DAYS);
        let kept: BTreeSet<_> = days.iter().flatten().collect();
        assert_eq!(kept.len(), MOST_DAYS);
        // A day that is known stays one in what comes later.
        assert_eq!((days[5_003], days[9_999]), (Some(3), None));
    }

    #[test]
    fn paths_are_as_warehouses_read_them() {
        let time = DayOf::Time("at");
        for (day_of, day, expected) in [
            (
                time,
                Some(20_687),
                "by_day/events/day=2026-08-22/run=abc/part-0.parquet",
            ),
            (
                time,
                Some(-1),
                "by_day/events/day=1969-12-31/run=abc/part-0.parquet",
            ),
            (
                time,
                None,
                "by_day/events/day=__HIVE_DEFAULT_PARTITION__/run=abc/part-0.parquet",
            ),
            (DayOf::None, None, "by_day/events/run=abc/part-0.parquet"),
        ] {
            assert_eq!(name("events", day_of, day, "abc"), expected);
        }
    }
}
