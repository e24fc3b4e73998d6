//! Writes `transactions.csv`: the transactions table for spreadsheets, with formulas neutralised.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::Error;
use super::clean::cell;
use super::row::{Micros, Table as _};
use super::schema::Transaction;
use crate::event::Text;

/// Writes rows as they come.
pub(super) struct CsvWriter<'a> {
    path: &'a Path,
    out: BufWriter<File>,
}

impl<'a> CsvWriter<'a> {
    pub(super) fn create(path: &'a Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(|e| Error::file(path, e))?;
        let mut writer = Self {
            path,
            out: BufWriter::new(file),
        };
        writer.line(&Transaction::COLUMNS.join(","))?;
        Ok(writer)
    }

    fn line(&mut self, line: &str) -> Result<(), Error> {
        self.out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.write_all(b"\r\n"))
            .map_err(|e| Error::file(self.path, e))
    }

    pub(super) fn push(&mut self, t: &Transaction) -> Result<(), Error> {
        let alternatives: Vec<String> = t
            .alternatives
            .iter()
            .map(|a| format!("{}={:.4}", a.cause, a.confidence))
            .collect();
        let cells = [
            text(&t.tx_id),
            text(&t.sale_id),
            t.attempt.to_string(),
            text(&t.sale_outcome),
            time(t.started_at),
            time(t.ended_at),
            number(t.duration_ms),
            maybe(&t.terminal_id),
            maybe(&t.merchant_id),
            maybe(&t.device),
            maybe(&t.host),
            maybe(&t.stan),
            maybe(&t.rrn),
            maybe(&t.auth_code),
            number(t.amount_minor),
            maybe(&t.currency),
            maybe(&t.pan_masked),
            maybe(&t.pan_token),
            maybe(&t.scheme),
            maybe(&t.aid),
            maybe(&t.kernel),
            text(&t.interface),
            maybe(&t.entry_mode),
            text(&t.stage),
            text(&t.outcome),
            t.failed.to_string(),
            maybe(&t.cause),
            maybe(&t.family),
            list(&t.contributing),
            number(t.confidence),
            maybe(&t.strength),
            text(&alternatives.join(";")),
            maybe(&t.missing_evidence),
            list(&t.owners),
            maybe(&t.incident_id),
            maybe(&t.response_code),
            maybe(&t.last_sw),
            maybe(&t.tvr),
            t.log_events.to_string(),
            t.apdu_events.to_string(),
            t.net_events.to_string(),
            text(&t.link_method),
            t.link_confidence.to_string(),
        ];
        self.line(&cells.join(","))
    }

    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.out.flush().map_err(|e| Error::file(self.path, e))
    }
}

/// Text stands in quotes always, so that no reader takes it for anything else.
fn text(value: &str) -> String {
    format!("\"{}\"", cell(value).replace('"', "\"\""))
}

fn maybe(value: &Option<Text>) -> String {
    value.as_deref().map(text).unwrap_or_default()
}

fn list(values: &[Text]) -> String {
    text(&values.join(";"))
}

fn number(value: Option<impl ToString>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

fn time(value: Option<Micros>) -> String {
    value.map(super::time::rfc3339).unwrap_or_default()
}
