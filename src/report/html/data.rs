//! Gathers the transactions that a page shows whole, with their evidence and events, small enough for a page: every string once, rows as lists.

use std::path::Path;

use hashbrown::HashMap;
use serde_json::{Value, json};

use super::facets;
use crate::plan::Limits;
use crate::report::failures::fair_share;
use crate::report::folder::Story;
use crate::report::overview::{Overview, Summary};
use crate::report::parquet::TableReader;
use crate::report::row::Micros;
use crate::report::schema::{EventRow, EvidenceRow, PageEvent, Transaction};
use crate::report::{Error, UNDETERMINED};

/// Pieces of evidence of one attempt that a page shows.
const EVIDENCE_EACH: usize = 24;
/// Places that a page cites for one piece of evidence.
const PLACES_EACH: usize = 6;

/// What the page's script reads.
pub(super) struct PageData {
    pub json: Value,
    /// Transactions in the page, each with its timeline and evidence.
    pub held: usize,
    /// Some of these have more events than the page shows.
    pub shortened: usize,
}

/// A transaction with what a page shows of it.
struct Held {
    transaction: Transaction,
    cause: u32,
    evidence: Vec<EvidenceRow>,
    more_evidence: usize,
    events: Vec<Event>,
    more_events: usize,
}

/// An event, as far as a page shows it.
struct Event {
    at: Option<i64>,
    lasts: Option<i64>,
    kind: crate::event::Text,
    step: Option<crate::event::Text>,
    summary: String,
    locator: crate::event::Text,
    detail: Option<String>,
}

/// Every string once.
#[derive(Default)]
struct Strings {
    numbers: HashMap<String, usize>,
    list: Vec<String>,
}

impl Strings {
    fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.list.len();
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

    /// A locator in two numbers: its path, and the line (positive), the frame (negative) or nothing (0) in it.
    fn place(&mut self, locator: &str) -> [i64; 2] {
        let cut = locator.rfind([':', '#']).and_then(|at| {
            let number: u32 = locator.get(at + 1..)?.parse().ok()?;
            let number = i64::from(number);
            // Only what is put together again alike: no leading zeros.
            let same = number > 0 && number.to_string() == *locator.get(at + 1..)?;
            let line = locator.get(at..=at) == Some(":");
            same.then_some((at, if line { number } else { -number }))
        });
        let (path, number) = cut.unwrap_or((locator.len(), 0));
        let path = self.number(locator.get(..path).unwrap_or(locator));
        [path as i64, number]
    }
}

/// Chooses the transactions that a page of the whole shows, and reads what it needs of them.
pub(super) fn collect(
    folder: &Path,
    overview: &Overview,
    summary: &Summary,
    limits: &Limits,
) -> Result<PageData, Error> {
    let all = facets::pack(overview);
    let causes = overview.failures.causes();
    let chosen = fair_share(&causes, limits.page_attempts);
    let mut held = read(folder, &causes, chosen, limits.page_events)?;
    // Markup, style and script come on top (0.2 MB).
    let most = limits.page_bytes;
    let mut limit = held.len();
    loop {
        let data = whole(&held, &all, summary);
        let size = data.json.to_string().len();
        if size <= most || limit <= 20 {
            return Ok(data);
        }
        // Thinned out in proportion, and a little more.
        limit = (limit as f64 * most as f64 / size as f64 * 0.93) as usize;
        let items: Vec<(u32, u32)> = (0_u32..).zip(&held).map(|(i, h)| (i, h.cause)).collect();
        let kept: hashbrown::HashSet<u32> = fair_share(&items, limit).into_iter().collect();
        let mut number = 0_u32..;
        held.retain(|_| number.next().is_some_and(|i| kept.contains(&i)));
    }
}

/// The page of one transaction, with all its events and what they hold.
pub(super) fn one(story: &Story) -> PageData {
    let held = Held {
        transaction: story.transaction.clone(),
        cause: 0,
        evidence: story.evidence.clone(),
        more_evidence: 0,
        events: story
            .events
            .iter()
            .map(|e| Event {
                detail: Some(e.detail.to_string()),
                ..Event::of_row(e, usize::MAX)
            })
            .collect(),
        more_events: 0,
    };
    let mut strings = Strings::default();
    let sale: Vec<Value> = story.sale.iter().map(|t| row(&mut strings, t)).collect();
    let causes: serde_json::Map<String, Value> = story
        .causes
        .iter()
        .map(|text| (text.code.clone(), json!(text)))
        .collect();
    let mut json = rows(&mut strings, std::slice::from_ref(&held));
    json["causes"] = Value::Object(causes);
    json["sale"] = Value::Array(sale);
    json["incidents"] = incidents_of(story.incident.iter().map(|i| {
        (
            i.incident_id.as_str(),
            [i.scope.as_str(), &i.scope_value, &i.text_en, &i.text_zh],
        )
    }));
    json["strings"] = json!(strings.list);
    PageData {
        json,
        held: 1,
        shortened: 0,
    }
}

fn whole(held: &[Held], all: &Value, summary: &Summary) -> PageData {
    let mut strings = Strings::default();
    let mut json = rows(&mut strings, held);
    json["strings"] = json!(strings.list);
    json["causes"] = json!(summary.texts);
    json["order"] = summary.causes.iter().map(|c| json!(c.code)).collect();
    json["incidents"] = incidents_of(summary.incidents.iter().map(|i| {
        (
            i.incident_id.as_str(),
            [i.scope.as_str(), &i.scope_value, &i.text_en, &i.text_zh],
        )
    }));
    json["all"] = all.clone();
    PageData {
        json,
        held: held.len(),
        shortened: held.iter().filter(|h| h.more_events > 0).count(),
    }
}

fn incidents_of<'a>(incidents: impl Iterator<Item = (&'a str, [&'a str; 4])>) -> Value {
    // As many as a reader can look through; the others stand in the table.
    Value::Object(
        incidents
            .take(500)
            .map(|(id, words)| (id.to_owned(), json!(words)))
            .collect(),
    )
}

fn rows(strings: &mut Strings, held: &[Held]) -> Value {
    let list = |pick: &mut dyn FnMut(&Held) -> Value| held.iter().map(pick).collect::<Vec<_>>();
    json!({
        "rows": list(&mut |h| row(strings, &h.transaction)),
        "evidence": list(&mut |h| h.evidence.iter().map(|e| piece(strings, e)).collect()),
        "events": list(&mut |h| {
            let start = h.transaction.started_at.map_or(0, |Micros(at)| at);
            h.events.iter().map(|e| event(strings, e, start)).collect()
        }),
        "more": list(&mut |h| json!(h.more_events)),
        "moreEvidence": list(&mut |h| json!(h.more_evidence)),
    })
}

/// Reads the chosen rows (ascending) with their evidence and events.
fn read(
    folder: &Path,
    causes: &[(u32, u32)],
    chosen: Vec<u32>,
    events_each: usize,
) -> Result<Vec<Held>, Error> {
    let cause_of: HashMap<u32, u32> = causes.iter().copied().collect();
    let mut held: Vec<Held> = Vec::with_capacity(chosen.len());
    let table = TableReader::<Transaction>::open(&folder.join("transactions.parquet"))?;
    table.each_at(&chosen, |row, transaction| {
        held.push(Held {
            transaction,
            cause: cause_of.get(&row).copied().unwrap_or(u32::MAX),
            evidence: Vec::new(),
            more_evidence: 0,
            events: Vec::new(),
            more_events: 0,
        });
    })?;
    let ids: Vec<crate::event::Text> = held.iter().map(|h| h.transaction.tx_id.clone()).collect();
    let place_of: HashMap<&str, usize> = ids.iter().map(AsRef::as_ref).zip(0..).collect();
    let table = TableReader::<EvidenceRow>::open(&folder.join("evidence.parquet"))?;
    table.each_of(&place_of, |e| {
        let place = place_of.get(e.tx_id.as_str());
        if let Some(slot) = place.and_then(|i| held.get_mut(*i)) {
            slot.evidence.push(e.clone());
        }
    })?;
    let table = TableReader::<PageEvent>::open(&folder.join("events.parquet"))?;
    table.each_of(&place_of, |e| {
        let place = place_of.get(e.tx_id.as_deref().unwrap_or_default());
        let Some(slot) = place.and_then(|i| held.get_mut(*i)) else {
            return;
        };
        if slot.events.len() < events_each {
            slot.events.push(Event::of_page(e));
        } else {
            slot.more_events += 1;
        }
    })?;
    held.iter_mut().for_each(Held::shorten_evidence);
    Ok(held)
}

impl Held {
    /// Keeps what speaks loudest: about its own cause first, then by weight.
    fn shorten_evidence(&mut self) {
        if self.evidence.len() <= EVIDENCE_EACH {
            return;
        }
        let cause = self.transaction.cause.as_deref().unwrap_or(UNDETERMINED);
        self.evidence.sort_by(|a, b| {
            (b.cause == cause)
                .cmp(&(a.cause == cause))
                .then(b.weight.abs().total_cmp(&a.weight.abs()))
        });
        self.more_evidence = self.evidence.len() - EVIDENCE_EACH;
        self.evidence.truncate(EVIDENCE_EACH);
    }
}

impl Event {
    fn of_page(e: &PageEvent) -> Self {
        Self {
            at: e.at.map(|Micros(at)| at),
            lasts: duration(&e.detail),
            kind: e.kind.clone(),
            step: e.step.clone(),
            summary: e.summary.chars().take(200).collect(),
            locator: e.locator.clone(),
            detail: None,
        }
    }

    fn of_row(e: &EventRow, width: usize) -> Self {
        Self {
            at: e.at.map(|Micros(at)| at),
            lasts: duration(&e.detail),
            kind: e.kind.clone(),
            step: e.step.clone(),
            summary: e.summary.chars().take(width).collect(),
            locator: e.locator.clone(),
            detail: None,
        }
    }
}

/// How long what the event tells of took: a command until its answer, a connection, a question to the resolver.
fn duration(detail: &str) -> Option<i64> {
    ["\"duration_us\":", "\"answer_us\":"]
        .iter()
        .find_map(|key| {
            // Text values cannot hold this: quotes in them are escaped.
            let at = detail.find(key)? + key.len();
            let digits = detail.get(at..)?;
            let end = digits.find(|c: char| !c.is_ascii_digit())?;
            digits.get(..end)?.parse().ok().filter(|micros| *micros > 0)
        })
}

/// One transaction; the order is that of `C` in `base.js`.
fn row(s: &mut Strings, t: &Transaction) -> Value {
    let micros = |time: Option<Micros>| time.map_or(Value::Null, |Micros(at)| json!(at));
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
        s.number(&t.sale_outcome),
        t.attempt,
        s.maybe(t.device.as_deref()),
        s.maybe(t.pan_token.as_deref()),
        s.maybe(t.entry_mode.as_deref()),
        s.maybe(t.auth_code.as_deref()),
        s.maybe(t.kernel.as_deref()),
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
        e.locators
            .iter()
            .take(PLACES_EACH)
            .flat_map(|l| s.place(l))
            .collect::<Vec<_>>(),
        e.locators.len().saturating_sub(PLACES_EACH),
    ])
}

/// Times count from the attempt's start.
fn event(s: &mut Strings, e: &Event, start: i64) -> Value {
    let [path, number] = s.place(&e.locator);
    let mut event = json!([
        e.at.map(|at| at.saturating_sub(start)),
        e.lasts.unwrap_or(0),
        s.number(&e.kind),
        s.maybe(e.step.as_deref()),
        s.number(&e.summary),
        path,
        number,
    ]);
    if let (Some(detail), Some(list)) = (&e.detail, event.as_array_mut()) {
        list.push(json!(s.number(detail)));
    }
    event
}

fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::{Strings, duration};

    #[test]
    fn places_are_cut_only_where_they_can_be_put_together_again() {
        let mut s = Strings::default();
        for (locator, path, number) in [
            ("a.log:12", "a.log", 12),
            ("day.zip!net.pcap#7", "day.zip!net.pcap", -7),
            ("a.log:012", "a.log:012", 0),
            ("C:0", "C:0", 0),
            ("a.log", "a.log", 0),
            ("odd:name", "odd:name", 0),
            ("big:99999999999", "big:99999999999", 0),
        ] {
            let [found, at] = s.place(locator);
            assert_eq!(
                (s.list[found as usize].as_str(), at),
                (path, number),
                "{locator}"
            );
        }
    }

    #[test]
    fn durations_come_from_the_detail() {
        assert_eq!(
            duration(r#"{"answered":true,"duration_us":25000,"sw":"9000"}"#),
            Some(25_000)
        );
        assert_eq!(duration(r#"{"answer_us":35000}"#), Some(35_000));
        assert_eq!(duration(r#"{"duration_us":null}"#), None);
        assert_eq!(duration(r#"{"text":"\"duration_us\":5"}"#), None);
        assert_eq!(duration(r#"{"duration_us":"#), None);
    }
}
