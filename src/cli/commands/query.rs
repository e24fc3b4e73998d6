//! `tapscope query`: questions in SQL over the tables.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::attribute::nearest;
use crate::cli::args::{QueryArgs, QueryFormat};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::{DONE, Ending, table};
use crate::report::{self, Answer, Folder, QUESTIONS};

pub(crate) fn run(args: &QueryArgs, output: &Output) -> Ending {
    if args.list {
        return list(args.format, output);
    }
    let (Some(dir), Some(sql)) = (&args.dir, &args.sql) else {
        return Err(Failure::usage("DIR and SQL are needed"));
    };
    let folder = Folder::open(dir)?;
    let ready = QUESTIONS.iter().find(|question| question.name == sql);
    let word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if ready.is_none() && !report::TABLES.contains(&sql.as_str()) && sql.chars().all(word) {
        let names = QUESTIONS.iter().map(|question| question.name);
        let failure = Failure::failed(format!("no question and no table is called {sql}"));
        return Err(match nearest(sql, names.chain(report::TABLES)) {
            Some(near) => failure.hint(format!(
                "did you mean {near}? `tapscope query --list` lists the questions"
            )),
            None => failure.hint(format!(
                "`tapscope query --list` lists the questions; tables: {}",
                report::TABLES.join(", ")
            )),
        });
    }
    let answer = report::query(&folder, ready.map_or(sql.as_str(), |question| question.sql))?;
    match args.format {
        QueryFormat::Table => {
            let header: Vec<&str> = answer.columns.iter().map(String::as_str).collect();
            let rows: Vec<Vec<String>> = answer
                .rows
                .iter()
                .map(|row| row.iter().map(short).collect())
                .collect();
            output.result(&table::render(&header, &rows))?;
        }
        QueryFormat::Csv => output.result(&csv(&answer))?,
        QueryFormat::Json => {
            let rows: Vec<Map<String, Value>> = answer
                .rows
                .iter()
                .map(|row| {
                    answer
                        .columns
                        .iter()
                        .cloned()
                        .zip(row.iter().cloned())
                        .collect()
                })
                .collect();
            output.json(&rows)?;
        }
    }
    Ok(DONE)
}

fn list(format: QueryFormat, output: &Output) -> Ending {
    if format == QueryFormat::Json {
        let list: Vec<Value> = QUESTIONS
            .iter()
            .map(|q| serde_json::json!({"name": q.name, "title": q.title, "sql": q.sql}))
            .collect();
        output.json(&list)?;
        return Ok(DONE);
    }
    let mut text = String::new();
    for question in QUESTIONS {
        let _ = writeln!(
            text,
            "{}: {}\n    {}\n",
            question.name, question.title, question.sql
        );
    }
    text.push_str("Ask one by its name: tapscope query DIR causes\n");
    output.result(&text)?;
    Ok(DONE)
}

/// A value for people: six digits after the point are enough.
fn short(value: &Value) -> String {
    match value.as_f64().filter(|_| value.is_f64()) {
        Some(number) if number != 0.0 && number.abs() < 1e-4 => format!("{number:.2e}"),
        Some(number) => ((number * 1e6).round() / 1e6).to_string(),
        None => text(value),
    }
}

/// A value on one line.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(";"),
        Value::Object(fields) => fields.values().map(text).collect::<Vec<_>>().join("="),
        other => other.to_string(),
    }
}

fn csv(answer: &Answer) -> String {
    let quote = |text: &str| {
        if text.contains([',', '"', '\n', '\r', '\'']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let mut out = answer
        .columns
        .iter()
        .map(|name| quote(name))
        .collect::<Vec<_>>()
        .join(",");
    out.push_str("\r\n");
    for row in &answer.rows {
        let cells: Vec<String> = row
            .iter()
            .map(|value| match value {
                Value::Null | Value::Bool(_) | Value::Number(_) => text(value),
                // Spreadsheets take some texts for formulas.
                other => quote(&report::cell(&text(other))),
            })
            .collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}
