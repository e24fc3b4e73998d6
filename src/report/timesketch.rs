//! Turns the tables of a run into lines of JSON that Timesketch takes as they are: each with `message`, `datetime` and `timestamp_desc`.
//!
//! Written: every failed attempt with its verdict, all events of these, and the incidents. What has no time cannot stand on a timeline and is left out.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::html::PageOptions;
use super::parquet::TableReader;
use super::row::Micros;
use super::schema::{EventRow, IncidentRow, Transaction};
use super::time::rfc3339;
use super::{Error, Folder, UNDETERMINED};
use crate::event::Text;

/// OpenSearch refuses keywords that are longer than 32,766 bytes; no text of ours needs nearly that.
const TEXT_BYTES: usize = 8_000;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Lines in the file.
    pub lines: u64,
    /// Events, attempts and incidents without a time, which are not in it.
    pub left_out: u64,
}

struct Lines<'a> {
    path: &'a Path,
    out: BufWriter<File>,
    done: Timeline,
}

impl Lines<'_> {
    /// One line; `more` names fields beside the three that must be there.
    fn push(
        &mut self,
        at: Option<Micros>,
        kind: &str,
        described: &str,
        message: &str,
        more: Value,
    ) -> Result<(), Error> {
        let Some(at) = at else {
            self.done.left_out += 1;
            return Ok(());
        };
        let mut line = match more {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        line.retain(|_, value| !value.is_null());
        line.insert("message".into(), json!(cut(message)));
        line.insert("datetime".into(), json!(rfc3339(at)));
        line.insert("timestamp".into(), json!(at.0));
        line.insert("timestamp_desc".into(), json!(described));
        line.insert("data_type".into(), json!(format!("tapscope:{kind}")));
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        self.done.lines += 1;
        self.out
            .write_all(text.as_bytes())
            .map_err(|e| Error::file(self.path, e))
    }

    fn attempt(&mut self, t: &Transaction) -> Result<(), Error> {
        let words = [
            t.scheme.as_deref(),
            t.pan_masked.as_deref(),
            t.terminal_id.as_deref().or(t.device.as_deref()),
        ];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        let cause = t.cause.as_deref().unwrap_or(UNDETERMINED);
        let sure = t
            .confidence
            .map(|c| format!(" ({:.0} %)", c * 100.0))
            .unwrap_or_default();
        let message = format!(
            "{}: {}, {cause}{sure}",
            words.join(" "),
            t.outcome.replace('_', " ")
        );
        let mut tags = vec!["failed".to_owned()];
        tags.extend(t.family.as_deref().map(str::to_owned));
        tags.extend(t.incident_id.is_some().then(|| "incident".to_owned()));
        let more = json!({
            "tx_id": text(&t.tx_id), "sale_id": text(&t.sale_id), "ended": t.ended_at.map(rfc3339), "duration_ms": t.duration_ms,
            "terminal_id": maybe(&t.terminal_id), "merchant_id": maybe(&t.merchant_id), "device": maybe(&t.device), "host": maybe(&t.host),
            "stan": maybe(&t.stan), "rrn": maybe(&t.rrn), "amount_minor": t.amount_minor, "currency": maybe(&t.currency),
            "pan_masked": maybe(&t.pan_masked), "pan_token": maybe(&t.pan_token), "scheme": maybe(&t.scheme),
            "interface": text(&t.interface), "stage": text(&t.stage), "outcome": text(&t.outcome),
            "cause": cut(cause), "family": maybe(&t.family), "confidence": t.confidence, "strength": maybe(&t.strength),
            "owners": t.owners.iter().map(|owner| cut(owner)).collect::<Vec<_>>(), "incident_id": maybe(&t.incident_id),
            "response_code": maybe(&t.response_code), "last_sw": maybe(&t.last_sw), "tag": tags,
        });
        self.push(t.started_at, "attempt", "Attempt started", &message, more)
    }

    fn event(&mut self, e: &EventRow) -> Result<(), Error> {
        let more = json!({
            "tx_id": maybe(&e.tx_id), "kind": text(&e.kind), "step": maybe(&e.step), "locator": text(&e.locator),
            "source_clock": e.at_source.map(rfc3339),
        });
        let kind = format!("event:{}", e.kind);
        self.push(e.at, &kind, "Event seen (clocks aligned)", &e.summary, more)
    }

    fn incident(&mut self, i: &IncidentRow) -> Result<(), Error> {
        for (at, described) in [
            (i.started_at, "Incident: first failure"),
            (i.ended_at, "Incident: last failure"),
        ] {
            let more = json!({
                "incident_id": text(&i.incident_id), "scope": text(&i.scope), "scope_value": text(&i.scope_value),
                "transactions": i.transactions, "failed": i.failed, "cause": maybe(&i.cause), "tag": ["incident"],
            });
            self.push(at, "incident", described, &i.text_en, more)?;
        }
        Ok(())
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn text(text: &Text) -> Value {
    json!(cut(text))
}

fn maybe(text: &Option<Text>) -> Value {
    text.as_deref().map_or(Value::Null, |text| json!(cut(text)))
}

/// Writes the timeline of a folder's tables.
pub(super) fn write(
    folder: &Path,
    target: &Path,
    options: &PageOptions,
) -> Result<Timeline, Error> {
    let file = File::create(target).map_err(|e| Error::file(target, e))?;
    let mut lines = Lines {
        path: target,
        out: BufWriter::with_capacity(1 << 18, file),
        done: Timeline::default(),
    };
    let mut ids: Vec<Text> = Vec::new();
    let mut incidents = hashbrown::HashSet::new();
    for batch in TableReader::<Transaction>::open(&folder.join("transactions.parquet"))? {
        for t in batch?.iter().filter(|t| t.failed && options.fits(t)) {
            lines.attempt(t)?;
            ids.push(t.tx_id.clone());
            incidents.extend(t.incident_id.clone());
        }
    }
    let wanted: hashbrown::HashMap<&str, usize> = ids.iter().map(AsRef::as_ref).zip(0..).collect();
    let mut failed = None;
    TableReader::<EventRow>::open(&folder.join("events.parquet"))?.each_of(&wanted, |event| {
        if failed.is_none() {
            failed = lines.event(event).err();
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    for batch in TableReader::<IncidentRow>::open(&folder.join("incidents.parquet"))? {
        for incident in batch?.iter().filter(|i| incidents.contains(&i.incident_id)) {
            lines.incident(incident)?;
        }
    }
    lines.out.flush().map_err(|e| Error::file(target, e))?;
    Ok(lines.done)
}

impl Folder {
    /// Writes failed attempts, their events and the incidents as lines for Timesketch.
    ///
    /// # Errors
    /// When a table cannot be read or the file not be written.
    pub fn write_timesketch(
        &self,
        target: &Path,
        options: &PageOptions,
    ) -> Result<Timeline, Error> {
        let mut written = Timeline::default();
        super::publish::replace_file(target, |partial| {
            written = write(self.path(), partial, options)?;
            Ok(())
        })?;
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::{TEXT_BYTES, cut};

    #[test]
    fn long_text_is_cut_between_characters() {
        let long = "卡".repeat(TEXT_BYTES);
        assert!(cut(&long).len() <= TEXT_BYTES && cut(&long).ends_with('卡'));
        assert_eq!(cut("short"), "short");
    }
}
