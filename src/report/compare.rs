//! Turns two output folders into what changed between them: causes, terminals, incidents, verdicts.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::catalogue::{CauseText, UNDETERMINED};
use super::row::{Micros, table};
use super::time::rfc3339;
use super::{Error, Folder};
use crate::event::Text;

/// What chance explains less often than this is a change.
const SIGNIFICANT: f64 = 0.01;
/// Chance that any place at all is called changed without being so; shared out among all that are compared.
const FAMILY: f64 = 0.05;
/// Attempts that a place must have on each side to be compared.
const FEWEST: u64 = 5;

table! {
    /// What is compared of an attempt.
    Compared {
        /// As in `Transaction`.
        tx_id: Text,
        /// As in `Transaction`.
        started_at: Option<Micros>,
        /// As in `Transaction`.
        terminal_id: Option<Text>,
        /// As in `Transaction`.
        merchant_id: Option<Text>,
        /// As in `Transaction`.
        host: Option<Text>,
        /// As in `Transaction`.
        pan_masked: Option<Text>,
        /// As in `Transaction`.
        failed: bool,
        /// As in `Transaction`.
        cause: Option<Text>,
    }
}

/// One of the two.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Totals {
    /// Attempts in all.
    pub attempts: u64,
    /// Failed ones.
    pub failed: u64,
    /// Failed ones whose cause is not decided.
    pub undetermined: u64,
    /// First and last start, UTC.
    pub period: Option<(String, String)>,
}

/// Attempts and failures before and after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// Attempts before.
    pub attempts_before: u64,
    /// Failed ones.
    pub failed_before: u64,
    /// Attempts after.
    pub attempts_after: u64,
    /// Failed ones.
    pub failed_after: u64,
}

/// Which way something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Was not there before.
    New,
    /// Is there more often.
    Worse,
    /// Is there less often.
    Better,
    /// Is not there any more.
    Gone,
}

/// A cause whose share of all attempts changed.
#[derive(Debug, Clone, Serialize)]
pub struct CauseChange {
    /// Code.
    pub code: String,
    /// Which way.
    pub change: Change,
    /// Of all attempts, how many failed for it.
    #[serde(flatten)]
    pub counts: Pair,
    /// How often chance alone gives as much.
    pub p_value: f64,
    /// What is said of the cause.
    pub text: CauseText,
}

/// A terminal, merchant, host or issuer that changed.
#[derive(Debug, Clone, Serialize)]
pub struct PlaceChange {
    /// `terminal`, `merchant`, `host`, `issuer`.
    pub scope: &'static str,
    /// Which one.
    pub id: String,
    /// Worse or better.
    pub change: Change,
    /// Its attempts and failures.
    #[serde(flatten)]
    pub counts: Pair,
    /// How often chance alone gives as much.
    pub p_value: f64,
    /// Its most frequent cause on the side where it is worse.
    pub cause: Option<String>,
}

/// An incident that is on one side only.
#[derive(Debug, Clone, Serialize)]
pub struct IncidentChange {
    /// New or gone.
    pub change: Change,
    /// What the failures share.
    pub scope: String,
    /// Which one.
    pub scope_value: String,
    /// Common cause.
    pub cause: Option<String>,
    /// Failed attempts in it.
    pub failed: u32,
    /// What is said of it.
    pub text_en: String,
    /// What is said of it.
    pub text_zh: String,
}

/// An attempt that is in both, with another verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerdictChange {
    /// The attempt.
    pub tx_id: String,
    /// Its cause before.
    pub before: Option<String>,
    /// Its cause after.
    pub after: Option<String>,
}

/// What changed between two analyses.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The first.
    pub before: Totals,
    /// The second.
    pub after: Totals,
    /// Attempts that are in both.
    pub in_both: u64,
    /// Causes, new ones first.
    pub causes: Vec<CauseChange>,
    /// Places, worse ones first.
    pub places: Vec<PlaceChange>,
    /// Incidents, new ones first.
    pub incidents: Vec<IncidentChange>,
    /// Other verdicts of the same attempts.
    pub verdicts: Vec<VerdictChange>,
}

impl Comparison {
    /// True where anything is listed.
    #[must_use]
    pub fn differs(&self) -> bool {
        !(self.causes.is_empty()
            && self.places.is_empty()
            && self.incidents.is_empty()
            && self.verdicts.is_empty())
    }
}

/// One side as it is read.
#[derive(Default)]
struct Side {
    totals: Totals,
    period: Option<(i64, i64)>,
    causes: BTreeMap<Text, u64>,
    places: BTreeMap<(&'static str, Text), Place>,
    verdicts: HashMap<Text, Option<Text>>,
}

#[derive(Default)]
struct Place {
    attempts: u64,
    failed: u64,
    causes: BTreeMap<Text, u64>,
}

impl Place {
    fn main_cause(&self) -> Option<String> {
        let most = self.causes.iter().max_by_key(|(_, count)| **count);
        most.map(|(code, _)| code.to_string())
    }
}

impl Side {
    fn read(folder: &Folder) -> Result<Self, Error> {
        let mut side = Self::default();
        let path = folder.path().join("transactions.parquet");
        for batch in super::parquet::TableReader::<Compared>::open(&path)? {
            for row in batch? {
                side.add(row);
            }
        }
        side.totals.period = side
            .period
            .map(|(from, to)| (rfc3339(Micros(from)), rfc3339(Micros(to))));
        Ok(side)
    }

    fn add(&mut self, row: Compared) {
        self.totals.attempts += 1;
        self.totals.failed += u64::from(row.failed);
        if let Some(Micros(at)) = row.started_at {
            let (from, to) = self.period.unwrap_or((at, at));
            self.period = Some((from.min(at), to.max(at)));
        }
        let issuer = row.pan_masked.as_deref().and_then(|pan| pan.get(..6));
        let issuer = issuer.filter(|bin| bin.bytes().all(|b| b.is_ascii_digit()));
        let cause = row.cause.filter(|_| row.failed);
        if cause.as_deref() == Some(UNDETERMINED) {
            self.totals.undetermined += 1;
        }
        if let Some(cause) = &cause {
            *self.causes.entry(cause.clone()).or_default() += 1;
        }
        for (scope, id) in [
            ("terminal", row.terminal_id),
            ("merchant", row.merchant_id),
            ("host", row.host),
            ("issuer", issuer.map(Text::new)),
        ] {
            let Some(id) = id else { continue };
            let place = self.places.entry((scope, id)).or_default();
            place.attempts += 1;
            place.failed += u64::from(row.failed);
            if let Some(cause) = &cause {
                *place.causes.entry(cause.clone()).or_default() += 1;
            }
        }
        self.verdicts.insert(row.tx_id, cause);
    }
}

/// Compares two analyses.
///
/// # Errors
/// When a table cannot be read.
pub fn compare(before: &Folder, after: &Folder) -> Result<Comparison, Error> {
    let mut texts = before.summary()?.texts;
    texts.extend(after.summary()?.texts);
    let (a, b) = (Side::read(before)?, Side::read(after)?);
    let mut verdicts: Vec<VerdictChange> = a
        .verdicts
        .iter()
        .filter_map(|(id, cause)| {
            let other = b.verdicts.get(id)?;
            (other != cause).then(|| VerdictChange {
                tx_id: id.to_string(),
                before: cause.as_deref().map(str::to_owned),
                after: other.as_deref().map(str::to_owned),
            })
        })
        .collect();
    verdicts.sort_by(|x, y| x.tx_id.cmp(&y.tx_id));
    let in_both = a.verdicts.keys().filter(|id| b.verdicts.contains_key(*id));
    Ok(Comparison {
        in_both: in_both.count() as u64,
        causes: causes(&a, &b, &texts),
        places: places(&a, &b),
        incidents: incidents(before, after)?,
        verdicts,
        before: a.totals,
        after: b.totals,
    })
}

fn causes(a: &Side, b: &Side, texts: &BTreeMap<String, CauseText>) -> Vec<CauseChange> {
    let mut codes: Vec<&Text> = a.causes.keys().chain(b.causes.keys()).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut changes: Vec<CauseChange> = codes
        .into_iter()
        .filter_map(|code| {
            let counts = Pair {
                attempts_before: a.totals.attempts,
                failed_before: a.causes.get(code).copied().unwrap_or(0),
                attempts_after: b.totals.attempts,
                failed_after: b.causes.get(code).copied().unwrap_or(0),
            };
            let p_value = chance(counts);
            let change = match (counts.failed_before, counts.failed_after) {
                (0, _) => Change::New,
                (_, 0) => Change::Gone,
                _ if p_value >= SIGNIFICANT => return None,
                _ => direction(counts),
            };
            Some(CauseChange {
                code: code.to_string(),
                change,
                counts,
                p_value,
                text: texts.get(code.as_str()).cloned().unwrap_or_default(),
            })
        })
        .collect();
    changes.sort_by(|x, y| {
        let most = |c: &CauseChange| c.counts.failed_before.max(c.counts.failed_after);
        (x.change, most(y), &x.code).cmp(&(y.change, most(x), &y.code))
    });
    changes
}

fn places(a: &Side, b: &Side) -> Vec<PlaceChange> {
    let both: Vec<_> = a
        .places
        .iter()
        .filter_map(|(key, before)| Some((key, before, b.places.get(key)?)))
        .filter(|(_, before, after)| before.attempts >= FEWEST && after.attempts >= FEWEST)
        .collect();
    let limit = FAMILY / both.len().max(1) as f64;
    let mut changes: Vec<PlaceChange> = both
        .into_iter()
        .filter_map(|((scope, id), before, after)| {
            let counts = Pair {
                attempts_before: before.attempts,
                failed_before: before.failed,
                attempts_after: after.attempts,
                failed_after: after.failed,
            };
            let p_value = chance(counts);
            if p_value >= limit.min(SIGNIFICANT) {
                return None;
            }
            let change = direction(counts);
            let worse = if change == Change::Worse {
                after
            } else {
                before
            };
            Some(PlaceChange {
                scope,
                id: id.to_string(),
                change,
                counts,
                p_value,
                cause: worse.main_cause(),
            })
        })
        .collect();
    changes.sort_by(|x, y| {
        x.change
            .cmp(&y.change)
            .then(x.p_value.total_cmp(&y.p_value))
            .then_with(|| (x.scope, &x.id).cmp(&(y.scope, &y.id)))
    });
    changes
}

/// Incidents with the same scope and cause are the same one going on.
fn incidents(before: &Folder, after: &Folder) -> Result<Vec<IncidentChange>, Error> {
    let (a, b) = (before.incidents()?, after.incidents()?);
    let mut changes = Vec::new();
    for (change, mine, other) in [(Change::New, &b, &a), (Change::Gone, &a, &b)] {
        for incident in mine {
            let goes_on = other.iter().any(|o| {
                (&o.scope, &o.scope_value, &o.cause)
                    == (&incident.scope, &incident.scope_value, &incident.cause)
            });
            if !goes_on {
                changes.push(IncidentChange {
                    change,
                    scope: incident.scope.to_string(),
                    scope_value: incident.scope_value.to_string(),
                    cause: incident.cause.as_deref().map(str::to_owned),
                    failed: incident.failed,
                    text_en: incident.text_en.to_string(),
                    text_zh: incident.text_zh.to_string(),
                });
            }
        }
    }
    Ok(changes)
}

fn direction(counts: Pair) -> Change {
    let rate = |failed: u64, attempts: u64| failed as f64 / attempts.max(1) as f64;
    let before = rate(counts.failed_before, counts.attempts_before);
    let after = rate(counts.failed_after, counts.attempts_after);
    if after > before {
        Change::Worse
    } else {
        Change::Better
    }
}

/// How often chance alone shares out the failures as unevenly: exact, two-sided, given how many there are in all.
fn chance(counts: Pair) -> f64 {
    let failures = counts.failed_before + counts.failed_after;
    let attempts = counts.attempts_before + counts.attempts_after;
    if failures == 0 || counts.attempts_before == 0 || counts.attempts_after == 0 {
        return 1.0;
    }
    let share = counts.attempts_after as f64 / attempts as f64;
    let tail = |k: u64, n: u64, p: f64| -> f64 {
        // P(X >= k) for X ~ Binomial(n, p), from the largest term down.
        let mut log = log_choose(n, k) + k as f64 * p.ln() + (n - k) as f64 * (1.0 - p).ln();
        let mut sum = 0.0;
        for i in k..=n {
            sum += log.exp();
            if i < n {
                log += ((n - i) as f64 / (i + 1) as f64).ln() + (p / (1.0 - p)).ln();
            }
            if log < -745.0 && i as f64 > n as f64 * p {
                break;
            }
        }
        sum.min(1.0)
    };
    let upper = tail(counts.failed_after, failures, share);
    let lower = tail(counts.failed_before, failures, 1.0 - share);
    (2.0 * upper.min(lower)).min(1.0)
}

/// Logarithm of the number of ways to choose `k` of `n`.
fn log_choose(n: u64, k: u64) -> f64 {
    let k = k.min(n - k);
    (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::{Change, Pair, chance, direction, log_choose};

    fn pair(
        failed_before: u64,
        attempts_before: u64,
        failed_after: u64,
        attempts_after: u64,
    ) -> Pair {
        Pair {
            attempts_before,
            failed_before,
            attempts_after,
            failed_after,
        }
    }

    #[test]
    fn chance_is_exact() {
        // Ten heads of ten: 2 / 1024.
        assert!((chance(pair(0, 50, 10, 50)) - 2.0 / 1024.0).abs() < 1e-9);
        // Three of four heads or more, both ends: 2 * 5 / 16.
        assert!((chance(pair(1, 50, 3, 50)) - 0.625).abs() < 1e-9);
        assert!((chance(pair(5, 50, 5, 50)) - 1.0).abs() < 1e-9);
        assert!((chance(pair(0, 50, 0, 50)) - 1.0).abs() < 1e-9);
        // Large counts neither overflow nor take long.
        assert!(chance(pair(100_000, 1_000_000, 120_000, 1_000_000)) < 1e-100);
        assert!(chance(pair(100_000, 1_000_000, 100_100, 1_000_000)) > 0.5);
        assert!((log_choose(5, 2) - 10_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn rates_tell_the_direction() {
        assert_eq!(direction(pair(5, 100, 6, 400)), Change::Better);
        assert_eq!(direction(pair(5, 100, 6, 100)), Change::Worse);
    }
}
