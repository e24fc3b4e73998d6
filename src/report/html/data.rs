//! Gathers the listed transactions with their evidence and events, small enough for a page: every string once, rows as lists.

use std::path::Path;

use hashbrown::HashMap;
use serde_json::{Value, json};

use crate::report::Error;
use crate::report::overview::Summary;
use crate::report::parquet::{ROW_GROUP, TableReader};
use crate::report::row::Micros;
use crate::report::schema::{EventLine, EvidenceRow, Transaction};

/// Bytes of evidence and events that a page may hold, by estimate.
const DETAIL_BYTES: usize = 3_500_000;
/// Events of one attempt that a page shows.
const EVENTS_EACH: usize = 60;
/// Pieces of evidence of one attempt that a page shows.
const EVIDENCE_EACH: usize = 24;

/// What the page's script reads.
pub(super) struct PageData {
    pub json: Value,
    /// Transactions in the list.
    pub listed: usize,
    /// Of these, those whose timeline and evidence is in the page.
    pub detailed: usize,
}

/// Every string once.
#[derive(Default)]
struct Strings {
    numbers: HashMap<String, usize>,
    list: Vec<String>,
    bytes: usize,
}

impl Strings {
    fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.list.len();
        self.bytes += text.len() + 3;
        self.numbers.insert(text.to_owned(), number);
        self.list.push(text.to_owned());
        number
    }

    /// `-1` for none.
    fn maybe(&mut self, text: Option<&str>) -> Value {
        text.map_or(json!(-1), |text| json!(self.number(text)))
    }

    fn all<'a>(&mut self, texts: impl Iterator<Item = &'a str>) -> Value {
        texts.map(|text| json!(self.number(text))).collect()
    }
}

/// Reads what the listed rows (ascending) need.
pub(super) fn collect(folder: &Path, rows: &[u32], summary: &Summary) -> Result<PageData, Error> {
    let listed = read_listed(folder, rows)?;
    let place_of: HashMap<&str, usize> = listed
        .iter()
        .enumerate()
        .map(|(i, t)| (t.tx_id.as_str(), i))
        .collect();
    let mut strings = Strings::default();
    let shown: Vec<Value> = listed.iter().map(|t| row(&mut strings, t)).collect();

    let mut evidence: Vec<Vec<Value>> = vec![Vec::new(); listed.len()];
    let mut events: Vec<Vec<Value>> = vec![Vec::new(); listed.len()];
    let mut more_events = vec![0_usize; listed.len()];
    let mut used = 0;
    let table = TableReader::<EvidenceRow>::open(&folder.join("evidence.parquet"))?;
    table.each_of(&place_of, |e| {
        let Some(slot) = place_of
            .get(e.tx_id.as_str())
            .and_then(|i| evidence.get_mut(*i))
        else {
            return;
        };
        if slot.len() < EVIDENCE_EACH && used + strings.bytes < DETAIL_BYTES / 2 {
            used += 40;
            slot.push(piece(&mut strings, e));
        }
    })?;
    let table = TableReader::<EventLine>::open(&folder.join("events.parquet"))?;
    table.each_of(&place_of, |e| {
        let id = e.tx_id.as_deref().unwrap_or_default();
        let Some(i) = place_of.get(id).copied() else {
            return;
        };
        let Some(slot) = events.get_mut(i) else {
            return;
        };
        if slot.len() < EVENTS_EACH && used + strings.bytes < DETAIL_BYTES {
            used += 40;
            slot.push(event(&mut strings, e));
        } else if let Some(more) = more_events.get_mut(i) {
            *more += 1;
        }
    })?;
    let detailed = events.iter().filter(|list| !list.is_empty()).count();
    let json = json!({
        "rows": shown,
        "evidence": evidence,
        "events": events,
        "more": more_events,
        "causes": summary.texts,
        "strings": strings.list,
    });
    Ok(PageData {
        json,
        listed: listed.len(),
        detailed,
    })
}

fn read_listed(folder: &Path, rows: &[u32]) -> Result<Vec<Transaction>, Error> {
    let mut listed = Vec::with_capacity(rows.len());
    let mut wanted = rows.iter().map(|row| *row as usize).peekable();
    let mut start = 0;
    for batch in TableReader::<Transaction>::open(&folder.join("transactions.parquet"))? {
        let batch = batch?;
        while let Some(row) = wanted.next_if(|row| *row < start + ROW_GROUP) {
            listed.extend(batch.get(row - start).cloned());
        }
        start += ROW_GROUP;
    }
    Ok(listed)
}

fn micros(time: Option<Micros>) -> Value {
    time.map_or(Value::Null, |Micros(at)| json!(at))
}

/// One transaction; the order is that of `COLUMNS` in `report.js`.
fn row(s: &mut Strings, t: &Transaction) -> Value {
    let alternatives: Vec<Value> = t
        .alternatives
        .iter()
        .map(|a| json!([s.number(&a.cause), rounded(a.confidence)]))
        .collect();
    json!([
        t.tx_id.as_str(),
        micros(t.started_at),
        t.duration_ms,
        s.maybe(t.terminal_id.as_deref().or(t.device.as_deref())),
        s.maybe(t.merchant_id.as_deref()),
        s.maybe(t.host.as_deref()),
        t.amount_minor,
        s.maybe(t.currency.as_deref()),
        s.maybe(t.pan_masked.as_deref()),
        s.maybe(t.scheme.as_deref()),
        s.number(&t.interface),
        s.number(&t.stage),
        s.number(&t.outcome),
        s.maybe(t.cause.as_deref()),
        t.confidence.map(rounded),
        s.maybe(t.strength.as_deref()),
        s.maybe(t.missing_evidence.as_deref()),
        alternatives,
        s.all(t.contributing.iter().map(AsRef::as_ref)),
        s.all(t.owners.iter().map(AsRef::as_ref)),
        s.maybe(t.incident_id.as_deref()),
        s.maybe(t.stan.as_deref()),
        s.maybe(t.rrn.as_deref()),
        s.maybe(t.response_code.as_deref()),
        s.maybe(t.last_sw.as_deref()),
        s.maybe(t.tvr.as_deref()),
        s.maybe(t.aid.as_deref()),
        s.number(&t.link_method),
    ])
}

fn piece(s: &mut Strings, e: &EvidenceRow) -> Value {
    json!([
        s.number(&e.cause),
        s.number(&e.role),
        rounded(e.weight),
        s.number(&e.text_en),
        s.number(&e.text_zh),
        s.number(&e.fact),
        s.number(&e.value),
        s.all(e.locators.iter().take(6).map(AsRef::as_ref)),
        s.number(&e.rule),
    ])
}

fn event(s: &mut Strings, e: &EventLine) -> Value {
    let summary: String = e.summary.chars().take(200).collect();
    json!([
        micros(e.at),
        s.number(&e.kind),
        s.maybe(e.step.as_deref()),
        s.number(&summary),
        s.number(&e.locator),
    ])
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
