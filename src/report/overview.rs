//! Turns the stream of transactions, with incidents, sources and issues, into the figures that a reader wants first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalogue::{CauseText, UNDETERMINED};
use super::failures::{CAUSE, Failures};
use super::row::Micros;
use super::schema::{IncidentRow, IssueRow, SourceRow, Transaction};
use super::time::rfc3339;
use crate::event::Text;

/// How many of the worst terminals, merchants, hosts and issuers are named.
const PLACES: usize = 50;

/// The figures of a run; `summary.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the files' layout.
    pub schema_version: u32,
    /// Version of the program.
    pub tool_version: String,
    /// First and last start of an attempt, UTC, without those whose clock is far off.
    pub period: Option<(String, String)>,
    /// Attempts that start outside of this period.
    pub outside_period: u64,
    /// Attempts in all.
    pub attempts: u64,
    /// Sales in all.
    pub sales: u64,
    /// Attempts that did not end in an approval.
    pub failed: u64,
    /// Attempts that were approved.
    pub approved: u64,
    /// Failed attempts whose cause the evidence does not decide.
    pub undetermined: u64,
    /// Attempts by outcome.
    pub outcomes: Vec<Count>,
    /// Failed attempts by cause, most first.
    pub causes: Vec<CauseCount>,
    /// Failed attempts by who is to act first.
    pub owners: Vec<Count>,
    /// Failed attempts by the last step reached.
    pub stages: Vec<Count>,
    /// The worst terminals.
    pub terminals: Vec<PlaceCount>,
    /// The worst merchants.
    pub merchants: Vec<PlaceCount>,
    /// The worst hosts.
    pub hosts: Vec<PlaceCount>,
    /// The worst issuers, by the first six digits.
    pub issuers: Vec<PlaceCount>,
    /// Payment schemes.
    pub schemes: Vec<PlaceCount>,
    /// Failures over time.
    pub timeline: Timeline,
    /// Clusters of failures.
    pub incidents: Vec<Incident>,
    /// What became of every byte of the input.
    pub coverage: Coverage,
    /// Issues by code.
    pub issues: Vec<Count>,
    /// What is said of each cause that occurs anywhere.
    pub texts: BTreeMap<String, CauseText>,
}

/// A name and how often.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Count {
    /// What is counted.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// A cause and how often.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CauseCount {
    /// Code.
    pub code: String,
    /// Family.
    pub family: String,
    /// Failed attempts.
    pub failed: u64,
    /// Of all failed ones.
    pub share: f64,
    /// Name.
    pub name_en: String,
    /// Name.
    pub name_zh: String,
    /// Who can mend it.
    pub owners: Vec<String>,
}

/// How a terminal, merchant, host or issuer does.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlaceCount {
    /// Which.
    pub id: String,
    /// Attempts there.
    pub attempts: u64,
    /// Failed ones.
    pub failed: u64,
    /// Most frequent cause.
    pub cause: Option<String>,
}

/// Failures over time, in equal steps.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// Start of the first step, UTC microseconds.
    pub start: i64,
    /// Length of a step.
    pub step_seconds: i64,
    /// Attempts of each step.
    pub attempts: Vec<u64>,
    /// Failed ones.
    pub failed: Vec<u64>,
    /// Failed ones of the most frequent causes.
    pub causes: Vec<(String, Vec<u64>)>,
}

/// A cluster of failures, as in `incidents.parquet`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub incident_id: String,
    /// What the failures share.
    pub scope: String,
    /// Which one.
    pub scope_value: String,
    /// First failure, UTC.
    pub started_at: Option<String>,
    /// Last failure, UTC.
    pub ended_at: Option<String>,
    /// Attempts.
    pub transactions: u32,
    /// Failed ones.
    pub failed: u32,
    /// Expected failed ones.
    pub expected_failed: f64,
    /// Corrected for many comparisons.
    pub p_value: f64,
    /// Common cause.
    pub cause: Option<String>,
    /// Sentence.
    pub text_en: String,
    /// Sentence.
    pub text_zh: String,
}

/// What became of the input.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// Everything.
    pub total: Ledger,
    /// By kind of source.
    pub kinds: Vec<(String, Ledger)>,
    /// Sources by status.
    pub statuses: Vec<Count>,
    /// Sources that were not read whole, worst first.
    pub problems: Vec<Problem>,
    /// Limits that were met, and how often.
    #[serde(default)]
    pub limits: Vec<Count>,
}

/// Bytes by what became of them.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Sources.
    pub sources: u64,
    /// All bytes, as decoded.
    pub bytes: u64,
    /// Parsed, and bearing on payments.
    pub understood: u64,
    /// Parsed, and of no interest.
    pub ignored: u64,
    /// No parser knows what they are.
    pub not_understood: u64,
    /// Could not be read.
    pub unreadable: u64,
    /// Events made.
    pub events: u64,
}

/// A source that was not read whole.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Problem {
    /// Which.
    pub path: String,
    /// What became of it.
    pub status: String,
    /// Where and why.
    pub reason: String,
    /// Damaged records.
    pub damaged_records: u64,
}

impl Ledger {
    fn add(&mut self, source: &SourceRow) {
        self.sources += 1;
        self.bytes += source.bytes;
        self.understood += source.bytes_understood;
        self.ignored += source.bytes_ignored;
        self.not_understood += source.bytes_not_understood;
        self.unreadable += source.bytes_unreadable;
        self.events += source.events;
    }
}

/// Adds up transactions as they come.
#[derive(Debug, Default)]
pub(super) struct Overview {
    attempts: u64,
    approved: u64,
    sales: hashbrown::HashSet<Text>,
    outcomes: BTreeMap<Text, u64>,
    owners: BTreeMap<Text, u64>,
    stages: BTreeMap<Text, u64>,
    /// What a page's reader may filter by.
    pub failures: Failures,
    mentioned: std::collections::BTreeSet<Text>,
}

impl Overview {
    /// Adds the transaction that stands in the given row.
    pub(super) fn add(&mut self, row: u32, t: &Transaction) {
        self.attempts += 1;
        self.sales.insert(t.sale_id.clone());
        *self.outcomes.entry(t.outcome.clone()).or_default() += 1;
        self.approved += u64::from(t.outcome == "approved");
        let mentioned = t.cause.iter().chain(&t.contributing);
        for code in mentioned.chain(t.alternatives.iter().map(|a| &a.cause)) {
            if !self.mentioned.contains(code) {
                self.mentioned.insert(code.clone());
            }
        }
        if t.failed {
            *self.stages.entry(t.stage.clone()).or_default() += 1;
            if let Some(owner) = t.owners.first() {
                *self.owners.entry(owner.clone()).or_default() += 1;
            }
        }
        self.failures.add(row, t);
    }

    fn code(&self, number: u32) -> String {
        self.failures.code(number).to_owned()
    }

    fn failed(&self) -> u64 {
        self.failures.list.len() as u64
    }

    /// Causes by number, most frequent first.
    fn ranking(&self) -> Vec<(u32, u64)> {
        let causes = self.failures.of("cause");
        let failed = |number: &u32| causes.tallies.get(*number as usize).map_or(0, |t| t.failed);
        causes.ranking().iter().map(|n| (*n, failed(n))).collect()
    }

    fn places(&self, dimension: &str) -> Vec<PlaceCount> {
        let names = self.failures.of(dimension);
        let mut places = names.ranking();
        places.truncate(PLACES);
        places
            .into_iter()
            .filter_map(|number| {
                let tally = names.tallies.get(number as usize)?;
                let most = tally.causes.iter().max_by(|a, b| {
                    a.1.cmp(b.1)
                        .then_with(|| self.code(*b.0).cmp(&self.code(*a.0)))
                });
                Some(PlaceCount {
                    id: names.name(number).to_owned(),
                    attempts: tally.attempts,
                    failed: tally.failed,
                    cause: most.map(|(cause, _)| self.code(*cause)),
                })
            })
            .collect()
    }

    /// When nearly all attempts started. A terminal whose clock says 2035 must not squeeze the day into a line.
    pub(super) fn period(&self) -> Option<(i64, i64)> {
        let starts = &self.failures.starts;
        let mut starts: Vec<i64> = starts.iter().map(|(at, _)| *at).collect();
        starts.sort_unstable();
        let few = starts.len() / 100;
        let low = *starts.get(few)?;
        let high = *starts.get(starts.len() - 1 - few)?;
        let margin = (high.saturating_sub(low) / 2).max(3_600_000_000);
        let inside =
            |at: &&i64| (low.saturating_sub(margin)..=high.saturating_add(margin)).contains(*at);
        let first = starts.iter().find(inside)?;
        let last = starts.iter().rev().find(inside)?;
        Some((*first, *last))
    }

    fn timeline(&self, ranking: &[(u32, u64)]) -> Timeline {
        let Some((first, last)) = self.period() else {
            return Timeline::default();
        };
        let span = last.saturating_sub(first) / 1_000_000;
        let step_seconds = [
            1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 21_600, 86_400, 604_800,
        ]
        .into_iter()
        .find(|step| span / step < 96)
        .unwrap_or(span / 96 + 1);
        let step = step_seconds.saturating_mul(1_000_000);
        let start = first.div_euclid(step).saturating_mul(step);
        let place = |at: i64| usize::try_from(at.saturating_sub(start) / step).unwrap_or(0);
        let length = place(last) + 1;
        let mut timeline = Timeline {
            start,
            step_seconds,
            attempts: vec![0; length],
            failed: vec![0; length],
            causes: Vec::new(),
        };
        let top: Vec<u32> = ranking.iter().take(5).map(|(cause, _)| *cause).collect();
        let mut series = vec![vec![0_u64; length]; top.len()];
        let inside = |at: &i64| (first..=last).contains(at);
        for (at, _) in self.failures.starts.iter().filter(|(at, _)| inside(at)) {
            if let Some(count) = timeline.attempts.get_mut(place(*at)) {
                *count += 1;
            }
        }
        for failure in &self.failures.list {
            let Some(at) = failure.at.filter(inside) else {
                continue;
            };
            if let Some(count) = timeline.failed.get_mut(place(at)) {
                *count += 1;
            }
            let line = top.iter().position(|c| failure.of[CAUSE] == Some(*c));
            if let Some(count) = line
                .and_then(|line| series.get_mut(line))
                .and_then(|line| line.get_mut(place(at)))
            {
                *count += 1;
            }
        }
        timeline.causes = top.iter().map(|c| self.code(*c)).zip(series).collect();
        timeline
    }

    /// Closes the books.
    pub(super) fn summary(
        &self,
        text: &dyn Fn(&str) -> CauseText,
        incidents: &[IncidentRow],
        sources: &[SourceRow],
        issues: &[IssueRow],
    ) -> Summary {
        let ranking = self.ranking();
        let period = self.period();
        let mut texts: BTreeMap<String, CauseText> = BTreeMap::new();
        let used = self.mentioned.iter().chain(&self.failures.of("cause").list);
        for code in used.chain(incidents.iter().filter_map(|i| i.cause.as_ref())) {
            texts.entry(code.to_string()).or_insert_with(|| text(code));
        }
        let undetermined = ranking
            .iter()
            .find(|(cause, _)| self.code(*cause) == UNDETERMINED)
            .map_or(0, |(_, count)| *count);
        Summary {
            schema_version: super::SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            period: period.map(|(first, last)| (rfc3339(Micros(first)), rfc3339(Micros(last)))),
            outside_period: period.map_or(0, |(first, last)| {
                let outside = |(at, _): &&(i64, bool)| !(first..=last).contains(at);
                self.failures.starts.iter().filter(outside).count() as u64
            }),
            attempts: self.attempts,
            sales: self.sales.len() as u64,
            failed: self.failed(),
            approved: self.approved,
            undetermined,
            outcomes: counts(&self.outcomes),
            causes: ranking
                .iter()
                .map(|(number, failed)| {
                    let text = text(&self.code(*number));
                    CauseCount {
                        failed: *failed,
                        share: share(*failed, self.failed()),
                        code: text.code,
                        family: text.family,
                        name_en: text.name_en,
                        name_zh: text.name_zh,
                        owners: text.owners,
                    }
                })
                .collect(),
            owners: counts(&self.owners),
            stages: counts(&self.stages),
            terminals: self.places("terminal"),
            merchants: self.places("merchant"),
            hosts: self.places("host"),
            issuers: self.places("issuer"),
            schemes: self.places("scheme"),
            timeline: self.timeline(&ranking),
            incidents: incidents.iter().map(incident).collect(),
            coverage: Coverage {
                limits: limits_met(issues),
                ..coverage(sources)
            },
            issues: {
                let mut by_code: BTreeMap<Text, u64> = BTreeMap::new();
                for issue in issues {
                    *by_code.entry(issue.code.clone()).or_default() += issue.count;
                }
                counts(&by_code)
            },
            texts,
        }
    }
}

fn counts(map: &BTreeMap<Text, u64>) -> Vec<Count> {
    let mut counts: Vec<Count> = map
        .iter()
        .map(|(name, count)| Count {
            name: name.to_string(),
            count: *count,
        })
        .collect();
    counts.sort_by_key(|c| std::cmp::Reverse(c.count));
    counts
}

/// A share to six digits: no more is meant.
#[allow(
    clippy::cast_precision_loss,
    reason = "counts of attempts stay far below 2^52"
)]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 / whole as f64 * 1e6).round() / 1e6
}

fn incident(row: &IncidentRow) -> Incident {
    Incident {
        incident_id: row.incident_id.to_string(),
        scope: row.scope.to_string(),
        scope_value: row.scope_value.to_string(),
        started_at: row.started_at.map(rfc3339),
        ended_at: row.ended_at.map(rfc3339),
        transactions: row.transactions,
        failed: row.failed,
        expected_failed: row.expected_failed,
        p_value: row.p_value,
        cause: row.cause.as_deref().map(str::to_owned),
        text_en: row.text_en.to_string(),
        text_zh: row.text_zh.to_string(),
    }
}

/// Issues that say that a limit was met, by code.
fn limits_met(issues: &[IssueRow]) -> Vec<Count> {
    let mut by_code: BTreeMap<Text, u64> = BTreeMap::new();
    for issue in issues {
        if crate::plan::LIMIT_CODES.contains(&issue.code.as_str()) {
            *by_code.entry(issue.code.clone()).or_default() += issue.count;
        }
    }
    counts(&by_code)
}

/// First damage, without the path that stands before it anyway.
fn reason(source: &SourceRow) -> String {
    let damage = source.first_damage.as_deref().unwrap_or_default();
    let short = damage.strip_prefix(source.path.as_str());
    let short = short.map(|rest| rest.trim_start_matches([':', ' ']));
    short.unwrap_or(damage).to_owned()
}

fn coverage(sources: &[SourceRow]) -> Coverage {
    let mut coverage = Coverage::default();
    let mut kinds: BTreeMap<Text, Ledger> = BTreeMap::new();
    let mut statuses: BTreeMap<Text, u64> = BTreeMap::new();
    for source in sources {
        coverage.total.add(source);
        let kind = source.kind.clone().unwrap_or_else(|| "unknown".into());
        kinds.entry(kind).or_default().add(source);
        *statuses.entry(source.status.clone()).or_default() += 1;
        if source.status != "ok" {
            coverage.problems.push(Problem {
                path: source.path.to_string(),
                status: source.status.to_string(),
                reason: reason(source),
                damaged_records: source.damaged_records,
            });
        }
    }
    let rank = |status: &str| match status {
        "unreadable" => 0,
        "unrecognised" => 1,
        _ => 2,
    };
    coverage
        .problems
        .sort_by(|a, b| (rank(&a.status), &a.path).cmp(&(rank(&b.status), &b.path)));
    coverage.kinds = kinds
        .into_iter()
        .map(|(kind, ledger)| (kind.to_string(), ledger))
        .collect();
    coverage.statuses = counts(&statuses);
    coverage
}
