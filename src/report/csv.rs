//! Writes `transactions.csv`: the transactions table for spreadsheets, with formulas neutralised.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::Error;
use super::clean::is_formula;
use super::row::{Micros, Table as _};
use super::schema::Transaction;
use crate::event::Text;

/// Writes rows as they come.
pub(super) struct CsvWriter<'a> {
    path: &'a Path,
    out: BufWriter<File>,
    line: String,
}

impl<'a> CsvWriter<'a> {
    pub(super) fn create(path: &'a Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(|e| Error::file(path, e))?;
        let mut writer = Self {
            path,
            out: BufWriter::with_capacity(1 << 16, file),
            line: Transaction::COLUMNS.join(","),
        };
        writer.write()?;
        Ok(writer)
    }

    fn write(&mut self) -> Result<(), Error> {
        self.line.push_str("\r\n");
        let written = self.out.write_all(self.line.as_bytes());
        self.line.clear();
        written.map_err(|e| Error::file(self.path, e))
    }

    pub(super) fn push(&mut self, t: &Transaction) -> Result<(), Error> {
        let out = &mut self.line;
        text(out, &t.tx_id);
        text(out, &t.sale_id);
        plain(out, t.attempt);
        text(out, &t.sale_outcome);
        time(out, t.started_at);
        time(out, t.ended_at);
        number(out, t.duration_ms);
        for value in [
            &t.terminal_id,
            &t.merchant_id,
            &t.device,
            &t.host,
            &t.stan,
            &t.rrn,
            &t.auth_code,
        ] {
            maybe(out, value);
        }
        number(out, t.amount_minor);
        for value in [
            &t.currency,
            &t.pan_masked,
            &t.pan_token,
            &t.scheme,
            &t.aid,
            &t.kernel,
        ] {
            maybe(out, value);
        }
        text(out, &t.interface);
        maybe(out, &t.entry_mode);
        text(out, &t.stage);
        text(out, &t.outcome);
        plain(out, t.failed);
        maybe(out, &t.cause);
        maybe(out, &t.family);
        list(out, &t.contributing);
        number(out, t.confidence);
        maybe(out, &t.strength);
        let alternatives: Vec<String> = t
            .alternatives
            .iter()
            .map(|a| format!("{}={:.4}", a.cause, a.confidence))
            .collect();
        text(out, &alternatives.join(";"));
        maybe(out, &t.missing_evidence);
        list(out, &t.owners);
        for value in [&t.incident_id, &t.response_code, &t.last_sw, &t.tvr] {
            maybe(out, value);
        }
        plain(out, t.log_events);
        plain(out, t.apdu_events);
        plain(out, t.net_events);
        text(out, &t.link_method);
        plain(out, t.link_confidence);
        // Each cell put a comma behind it.
        out.pop();
        self.write()
    }

    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.out.flush().map_err(|e| Error::file(self.path, e))
    }
}

/// Text stands in quotes always, so that no reader takes it for anything else.
fn text(out: &mut String, value: &str) {
    out.push('"');
    if is_formula(value) {
        out.push('\'');
    }
    let mut parts = value.split('"');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str("\"\"");
        out.push_str(part);
    }
    out.push_str("\",");
}

fn maybe(out: &mut String, value: &Option<Text>) {
    match value {
        Some(value) => text(out, value),
        None => out.push(','),
    }
}

fn list(out: &mut String, values: &[Text]) {
    text(out, &values.join(";"));
}

fn plain(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value},");
}

fn number(out: &mut String, value: Option<impl std::fmt::Display>) {
    match value {
        Some(value) => plain(out, value),
        None => out.push(','),
    }
}

fn time(out: &mut String, value: Option<Micros>) {
    number(out, value.map(super::time::rfc3339));
}
