//! Answers questions in SQL over the tables of an output folder.

use polars::prelude::*;
use polars::sql::SQLContext;
use serde_json::{Map, Value, json};

use super::parquet::read_frame;
use super::row::Micros;
use super::time::rfc3339;
use super::{Error, Folder};
use crate::attribute::nearest;

/// The tables that can be asked.
pub const TABLES: [&str; 7] = [
    "transactions",
    "facts",
    "events",
    "evidence",
    "incidents",
    "sources",
    "issues",
];

/// A table of values, ready to print.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows of JSON values; times as RFC 3339.
    pub rows: Vec<Vec<Value>>,
}

/// A question that is often asked.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Its name.
    pub name: &'static str,
    /// What it answers.
    pub title: &'static str,
    /// The question.
    pub sql: &'static str,
}

/// Questions that are often asked.
pub const QUESTIONS: &[Question] = &[
    Question {
        name: "causes",
        title: "Failed attempts by cause",
        sql: "SELECT cause, family, COUNT(*) AS failed, ROUND(AVG(confidence), 3) AS mean_confidence FROM transactions WHERE failed GROUP BY cause, family ORDER BY failed DESC, cause",
    },
    Question {
        name: "causes-by-hour",
        title: "Failed attempts by cause and hour (UTC)",
        sql: "SELECT EXTRACT(HOUR FROM started_at) AS hour, cause, COUNT(*) AS failed FROM transactions WHERE failed GROUP BY hour, cause ORDER BY hour, failed DESC, cause",
    },
    Question {
        name: "terminals",
        title: "Terminals by share of failed attempts (at least 10 attempts)",
        sql: "SELECT terminal_id, COUNT(*) AS attempts, SUM(CAST(failed AS INTEGER)) AS failed, ROUND(AVG(CAST(failed AS DOUBLE)), 3) AS share FROM transactions WHERE terminal_id IS NOT NULL GROUP BY terminal_id HAVING COUNT(*) >= 10 ORDER BY share DESC, failed DESC, terminal_id LIMIT 50",
    },
    Question {
        name: "replace",
        title: "Terminals whose reader or device is to blame: candidates for replacement",
        sql: "SELECT terminal_id, merchant_id, cause, COUNT(*) AS failed FROM transactions WHERE failed AND family IN ('HW', 'SW') GROUP BY terminal_id, merchant_id, cause ORDER BY failed DESC, terminal_id LIMIT 50",
    },
    Question {
        name: "merchants",
        title: "Merchants by failed attempts",
        sql: "SELECT merchant_id, COUNT(*) AS attempts, SUM(CAST(failed AS INTEGER)) AS failed FROM transactions WHERE merchant_id IS NOT NULL GROUP BY merchant_id ORDER BY failed DESC, merchant_id LIMIT 50",
    },
    Question {
        name: "issuers",
        title: "Issuers (first six digits) by failed attempts and cause",
        sql: "SELECT SUBSTR(pan_masked, 1, 6) AS issuer, cause, COUNT(*) AS failed FROM transactions WHERE failed AND pan_masked IS NOT NULL GROUP BY issuer, cause ORDER BY failed DESC, issuer, cause LIMIT 50",
    },
    Question {
        name: "owners",
        title: "Who is to act first",
        sql: "SELECT owners[1] AS owner, COUNT(*) AS failed FROM transactions WHERE failed GROUP BY owner ORDER BY failed DESC, owner",
    },
    Question {
        name: "undetermined",
        title: "Undetermined attempts and what would decide them",
        sql: "SELECT tx_id, started_at, terminal_id, confidence, missing_evidence FROM transactions WHERE cause = 'UNDETERMINED' ORDER BY started_at, tx_id LIMIT 100",
    },
    Question {
        name: "codes",
        title: "Response codes and what became of them",
        sql: "SELECT response_code, outcome, COUNT(*) AS attempts FROM transactions WHERE response_code IS NOT NULL GROUP BY response_code, outcome ORDER BY attempts DESC, response_code, outcome",
    },
    Question {
        name: "incidents",
        title: "Incidents, largest first",
        sql: "SELECT incident_id, scope, scope_value, started_at, ended_at, failed, expected_failed, cause FROM incidents ORDER BY failed DESC, incident_id",
    },
    Question {
        name: "steps",
        title: "Where failed attempts stopped",
        sql: "SELECT stage, COUNT(*) AS failed FROM transactions WHERE failed GROUP BY stage ORDER BY failed DESC, stage",
    },
    Question {
        name: "coverage",
        title: "Inputs by how little of them was understood",
        sql: "SELECT path, format, status, bytes, bytes_understood, bytes_ignored, bytes_not_understood, bytes_unreadable FROM sources ORDER BY bytes_not_understood + bytes_unreadable DESC, path LIMIT 50",
    },
];

/// Answers a question.
///
/// # Errors
/// When the question cannot be understood, or a table not be read.
pub fn query(folder: &Folder, sql: &str) -> Result<Answer, Error> {
    // A table's name alone means all of it.
    let whole = TABLES
        .contains(&sql.trim())
        .then(|| format!("SELECT * FROM {}", sql.trim()));
    let sql = whole.as_deref().unwrap_or(sql);
    let words: Vec<&str> = sql
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();
    let says = |name: &str| words.iter().any(|word| word.eq_ignore_ascii_case(name));
    let mut context = SQLContext::new();
    for table in TABLES.into_iter().filter(|table| says(table)) {
        let path = folder.path().join(table).with_extension("parquet");
        let columns = wanted_columns(&path, sql, &says)?;
        let frame = read_frame(&path, columns).map(without_zones)?;
        let frame = frame.map_err(|e| Error::table(&path, &e))?;
        context.register(table, frame.lazy());
    }
    let frame = context
        .execute(sql)
        .and_then(LazyFrame::collect)
        .map_err(|e| Error::Sql(explained(folder, &e.to_string(), &says)))?;
    Ok(answer(&frame))
}

/// What polars says, in terms of the tables: it was given only the columns that the question names, and would list these.
fn explained(folder: &Folder, said: &str, says: &dyn Fn(&str) -> bool) -> String {
    let missing = said
        .split_once("unable to find column \"")
        .and_then(|(_, rest)| rest.split('"').next());
    let Some(missing) = missing else {
        return said.to_owned();
    };
    let tables: Vec<&str> = TABLES.into_iter().filter(|table| says(table)).collect();
    let columns: Vec<String> = tables
        .iter()
        .filter_map(|table| {
            let path = folder.path().join(table).with_extension("parquet");
            super::parquet::column_names(&path).ok()
        })
        .flatten()
        .collect();
    let place = tables.join(" and ");
    match nearest(missing, columns.iter().map(String::as_str)) {
        Some(near) => format!("no column {missing} in {place}; did you mean {near}?"),
        // The facts are too many to be of help in a line.
        None if columns.len() > 60 => format!("no column {missing} in {place}"),
        None => format!(
            "no column {missing} in {place}, which has {}",
            columns.join(", ")
        ),
    }
}

/// Times without their zone (they all are UTC): SQL's time literals have none, and would not compare.
fn without_zones(mut frame: DataFrame) -> PolarsResult<DataFrame> {
    for i in 0..frame.width() {
        let Some(column) = frame.columns().get(i) else {
            break;
        };
        if let Ok(times) = column.datetime() {
            let naive = times
                .physical()
                .clone()
                .into_datetime(TimeUnit::Microseconds, None)
                .into_column();
            frame.replace_column(i, naive)?;
        }
    }
    Ok(frame)
}

/// Only the columns that the question names; all of them where it may mean any. Reading `events.detail` for nothing is slow.
fn wanted_columns(
    path: &std::path::Path,
    sql: &str,
    says: &dyn Fn(&str) -> bool,
) -> Result<Option<Vec<String>>, Error> {
    let compact: String = sql.chars().filter(|c| !c.is_whitespace()).collect();
    let compact = compact.to_lowercase().replace("count(*)", "");
    if compact.contains('*') || compact.contains("columns(") || compact.contains("naturaljoin") {
        return Ok(None);
    }
    let names = super::parquet::column_names(path)?;
    let mut wanted: Vec<String> = names.iter().filter(|name| says(name)).cloned().collect();
    if wanted.is_empty() {
        wanted.extend(names.into_iter().next());
    }
    Ok(Some(wanted))
}

fn answer(frame: &DataFrame) -> Answer {
    Answer {
        columns: frame
            .columns()
            .iter()
            .map(|column| column.name().to_string())
            .collect(),
        rows: (0..frame.height())
            .map(|row| {
                frame
                    .columns()
                    .iter()
                    .map(|column| column.get(row).map_or(Value::Null, |value| plain(&value)))
                    .collect()
            })
            .collect(),
    }
}

/// Any value as JSON.
fn plain(value: &AnyValue<'_>) -> Value {
    match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(yes) => json!(yes),
        AnyValue::String(text) => json!(text),
        AnyValue::StringOwned(text) => json!(text.as_str()),
        AnyValue::Float32(number) => json!(number),
        AnyValue::Float64(number) => json!(number),
        AnyValue::Datetime(number, unit, _) => json!(rfc3339(in_micros(*number, *unit))),
        AnyValue::DatetimeOwned(number, unit, _) => json!(rfc3339(in_micros(*number, *unit))),
        AnyValue::List(series) => items(series),
        AnyValue::Struct(..) | AnyValue::StructOwned(..) => {
            let mut object = Map::new();
            if let DataType::Struct(fields) = value.dtype() {
                for (field, item) in fields.iter().zip(value._iter_struct_av()) {
                    object.insert(field.name().to_string(), plain(&item));
                }
            }
            Value::Object(object)
        }
        other => match other.extract::<i64>() {
            Some(number) => json!(number),
            None => match other.extract::<u64>() {
                Some(number) => json!(number),
                None => json!(other.to_string()),
            },
        },
    }
}

fn in_micros(number: i64, unit: TimeUnit) -> Micros {
    Micros(match unit {
        TimeUnit::Nanoseconds => number / 1000,
        TimeUnit::Microseconds => number,
        TimeUnit::Milliseconds => number.saturating_mul(1000),
    })
}

fn items(series: &Series) -> Value {
    series.iter().map(|item| plain(&item)).collect()
}
