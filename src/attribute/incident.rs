//! Clusters of failures that chance does not explain become incidents: who is struck, when it began and ended, by what.
//!
//! For each cause that can strike many, occurrences at one terminal, merchant, site, issuer, card or host are cut into stretches
//! and each stretch is held against the rate of the same cause everywhere else, corrected for the number of stretches tried.

use std::collections::BTreeMap;

use super::UNDETERMINED;
use super::baseline::Baseline;
use super::catalogue::Catalogue;
use super::cohort::{Brief, Cohort, MINUTE, NONE, Scope, count, distinct, tail};
use super::model::{Incident, Verdict};
use crate::correlate::Correlated;
use crate::event::Text;

/// Corrected probability below which chance is ruled out.
const SIGNIFICANT: f64 = 0.01;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub incidents: Vec<Incident>,
    of: BTreeMap<usize, u32>,
}

impl Found {
    /// The incident of an attempt.
    pub fn of(&self, index: usize) -> Option<u32> {
        self.of.get(&index).copied()
    }
}

/// A stretch of occurrences.
struct Stretch {
    scope: Scope,
    entity: u32,
    cause: Text,
    members: Vec<u32>,
    transactions: u32,
    expected: f64,
    p: f64,
}

/// Gathers incidents out of first verdicts.
pub(super) fn find(
    correlated: &Correlated,
    catalogue: &Catalogue,
    cohort: &Cohort,
    needed: &[usize],
    verdicts: &[Verdict],
    baseline: &Baseline,
) -> Found {
    // Label of each failed attempt: its cause, or the best candidate where none was decided.
    let mut labels: Vec<Option<&str>> = vec![None; cohort.briefs.len()];
    let mut totals: BTreeMap<&str, u32> = BTreeMap::new();
    for (&index, verdict) in needed.iter().zip(verdicts) {
        if !cohort.briefs.get(index).is_some_and(|brief| brief.failed) {
            continue;
        }
        let label = match verdict.cause.as_deref() {
            Some(UNDETERMINED) | None => {
                verdict.alternatives.first().map(|(code, _)| code.as_str())
            }
            decided => decided,
        };
        if let (Some(label), Some(slot)) = (label, labels.get_mut(index)) {
            *slot = Some(label);
            *totals.entry(label).or_default() += 1;
        }
    }
    let mut stretches = Vec::new();
    let mut tried = 0u32;
    for (cause, total) in totals {
        let Some(rule) = catalogue.get(cause) else {
            continue;
        };
        for scope in rule.scopes.iter().filter_map(|name| scope_of(name)) {
            for (entity, list) in cohort.lists(scope).iter() {
                let hits: Vec<u32> = list
                    .iter()
                    .copied()
                    .filter(|&i| labels.get(i as usize).copied().flatten() == Some(cause))
                    .collect();
                if hits.len() < 3 {
                    continue;
                }
                for members in cut(cohort, &hits, gap(scope)) {
                    tried += 1;
                    stretches.extend(weigh(
                        cohort, scope, entity, cause, list, members, total, baseline,
                    ));
                }
            }
        }
    }
    for stretch in &mut stretches {
        // As many comparisons as were made: chance gets no second draw.
        stretch.p = (stretch.p * f64::from(tried)).min(1.0);
    }
    stretches.retain(|stretch| stretch.p < SIGNIFICANT);
    let mut found = choose(correlated, catalogue, cohort, stretches);
    for incident in &mut found.incidents {
        baseline.compare(incident);
    }
    found
}

fn scope_of(name: &str) -> Option<Scope> {
    Some(match name {
        "card" => Scope::Card,
        "host" => Scope::Host,
        "issuer" => Scope::Issuer,
        "merchant" => Scope::Merchant,
        "site" => Scope::Site,
        "terminal" => Scope::Terminal,
        "firmware" => Scope::Firmware,
        "fleet" => Scope::Fleet,
        _ => return None,
    })
}

fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Card => "card",
        Scope::Terminal => "terminal",
        Scope::Firmware => "firmware",
        Scope::Fleet => "fleet",
        Scope::Merchant => "merchant",
        Scope::Site => "site",
        Scope::Issuer => "issuer",
        Scope::Host => "host",
    }
}

/// Occurrences further apart belong to different stretches.
fn gap(scope: Scope) -> i64 {
    match scope {
        Scope::Card | Scope::Merchant | Scope::Firmware => 24 * 60 * MINUTE,
        Scope::Terminal => 4 * 60 * MINUTE,
        Scope::Site | Scope::Issuer | Scope::Host | Scope::Fleet => 15 * MINUTE,
    }
}

fn transactions_of(cohort: &Cohort) -> usize {
    cohort.all().len()
}

fn cut(cohort: &Cohort, hits: &[u32], gap: i64) -> Vec<Vec<u32>> {
    let mut stretches: Vec<Vec<u32>> = Vec::new();
    let at = |index: u32| cohort.brief(index).and_then(|brief| brief.at);
    for &hit in hits {
        let near = stretches
            .last()
            .and_then(|stretch| at(*stretch.last()?))
            .zip(at(hit))
            .is_some_and(|(before, now)| now - before <= gap);
        match stretches.last_mut() {
            Some(stretch) if near => stretch.push(hit),
            _ => stretches.push(vec![hit]),
        }
    }
    stretches
}

#[allow(clippy::too_many_arguments, reason = "one place that weighs a stretch")]
fn weigh(
    cohort: &Cohort,
    scope: Scope,
    entity: u32,
    cause: &str,
    list: &[u32],
    members: Vec<u32>,
    total: u32,
    baseline: &Baseline,
) -> Option<Stretch> {
    let briefs: Vec<&Brief> = members.iter().filter_map(|&i| cohort.brief(i)).collect();
    let hits = count(members.len());
    let who = |b: &&Brief| if b.card == NONE { b.sale } else { b.card };
    let cards = distinct(briefs.iter().map(who));
    let terminals = distinct(briefs.iter().map(|b| b.terminal));
    let merchants = distinct(briefs.iter().map(|b| b.merchant));
    let servers = distinct(briefs.iter().map(|b| b.server));
    // Where two terminals are all there are, both failing is everybody.
    let everybody = || distinct(list.iter().filter_map(|&i| Some(cohort.brief(i)?.terminal)));
    // One card does not indict a terminal, one terminal no site.
    let enough = match scope {
        Scope::Card => hits >= 3 && terminals >= 2,
        Scope::Terminal => hits >= 4 && cards >= 3,
        Scope::Merchant => hits >= 4 && cards >= 3,
        Scope::Issuer => hits >= 5 && cards >= 3,
        Scope::Site | Scope::Host => {
            (hits >= 4 && terminals >= 3) || (hits >= 5 && terminals == 2 && everybody() == 2)
        }
        // More than one version must be there, or it says nothing of the version; one host or site is no fleet.
        Scope::Firmware => hits >= 5 && terminals >= 3 && transactions_of(cohort) > list.len(),
        Scope::Fleet => hits >= 8 && terminals >= 5 && merchants >= 3 && servers >= 2,
    };
    if !enough {
        return None;
    }
    let (first, last) = (briefs.first()?.at?, briefs.last()?.at?);
    let transactions = cohort.number(list, Some(first), 0, last - first);
    let all = count(cohort.all().len());
    let rest = all.saturating_sub(transactions).max(1);
    // The rate elsewhere, with one occurrence more than seen: what never happened may still happen once.
    // What earlier days say of the cause counts with them.
    let (before, of) = baseline.cause(cause);
    let rate =
        (f64::from(total.saturating_sub(hits)) + before + 1.0) / (f64::from(rest) + of + 2.0);
    let p = tail(hits, transactions, rate.min(0.9));
    Some(Stretch {
        scope,
        entity,
        cause: Text::new(cause),
        members,
        transactions,
        expected: rate * f64::from(transactions),
        p,
    })
}

/// Takes the stretches that explain most first; each attempt lies in one incident.
fn choose(
    correlated: &Correlated,
    catalogue: &Catalogue,
    cohort: &Cohort,
    mut stretches: Vec<Stretch>,
) -> Found {
    stretches.sort_by(|a, b| {
        let key = |s: &Stretch| (std::cmp::Reverse(s.members.len()), s.scope, s.entity);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.cause.cmp(&b.cause))
            .then_with(|| a.members.cmp(&b.members))
    });
    let mut taken: BTreeMap<u32, usize> = BTreeMap::new();
    let mut kept: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        let free = stretch
            .members
            .iter()
            .filter(|member| !taken.contains_key(member))
            .count();
        if free * 2 < stretch.members.len() {
            continue;
        }
        for member in &stretch.members {
            taken.entry(*member).or_insert(kept.len());
        }
        kept.push(stretch);
    }
    let mut numbered: Vec<(Incident, Vec<usize>)> = kept
        .iter()
        .enumerate()
        .map(|(number, stretch)| {
            let members: Vec<usize> = taken
                .iter()
                .filter(|(_, at)| **at == number)
                .map(|(member, _)| *member as usize)
                .collect();
            (incident(correlated, catalogue, cohort, stretch), members)
        })
        .collect();
    numbered.sort_by(|(a, _), (b, _)| {
        (a.started_at, &a.incident_id).cmp(&(b.started_at, &b.incident_id))
    });
    let mut found = Found::default();
    for (at, (incident, members)) in (0u32..).zip(numbered) {
        found
            .of
            .extend(members.into_iter().map(|member| (member, at)));
        found.incidents.push(incident);
    }
    found
}

fn incident(
    correlated: &Correlated,
    catalogue: &Catalogue,
    cohort: &Cohort,
    stretch: &Stretch,
) -> Incident {
    let value = match stretch.scope {
        // A card is named by its masked number, never by its token.
        Scope::Card => stretch
            .members
            .iter()
            .find_map(|&member| {
                let attempt = correlated.attempts.get(member as usize)?;
                Some(attempt.keys.card.as_ref()?.masked.clone())
            })
            .unwrap_or_default(),
        Scope::Terminal => Text::new(cohort.names.terminal.name(stretch.entity)),
        Scope::Merchant => Text::new(cohort.names.merchant.name(stretch.entity)),
        Scope::Site => Text::new(cohort.names.site.name(stretch.entity)),
        Scope::Issuer => Text::new(cohort.names.bin.name(stretch.entity)),
        Scope::Host => Text::new(cohort.names.server.name(stretch.entity)),
        Scope::Firmware => Text::new(cohort.names.firmware.name(stretch.entity)),
        Scope::Fleet => Text::new("all"),
    };
    let scope = scope_name(stretch.scope);
    let times = || {
        stretch
            .members
            .iter()
            .filter_map(|&member| correlated.attempts.get(member as usize))
    };
    let started_at = times().filter_map(|attempt| attempt.started_at).min();
    let ended_at = times()
        .filter_map(|attempt| attempt.ended_at.or(attempt.started_at))
        .max();
    let failed = count(stretch.members.len());
    let (name_en, name_zh) = catalogue
        .get(&stretch.cause)
        .map_or(("", ""), |cause| (&cause.name_en, &cause.name_zh));
    let (tries, expected) = (stretch.transactions, stretch.expected);
    let text_en = format!(
        "{failed} of {tries} attempts at {scope} {value} failed alike: {name_en}. Chance would explain {expected:.1}."
    );
    let place = match stretch.scope {
        Scope::Card => "卡片",
        Scope::Terminal => "终端",
        Scope::Merchant => "商户",
        Scope::Site => "场所网络",
        Scope::Issuer => "发卡行",
        Scope::Host => "主机",
        Scope::Firmware => "软件版本",
        Scope::Fleet => "全体终端",
    };
    let text_zh = format!(
        "{place} {value} 的 {tries} 次交易中有 {failed} 次以同样方式失败：{name_zh}；偶然情况下预计 {expected:.1} 次。"
    );
    Incident {
        incident_id: letters(correlated, stretch, scope, &value),
        scope,
        scope_value: value,
        started_at,
        ended_at,
        transactions: tries,
        failed,
        expected_failed: expected,
        p_value: stretch.p,
        cause: Some(stretch.cause.clone()),
        text_en: Text::from(text_en),
        text_zh: Text::from(text_zh),
    }
}

/// 16 letters from what the incident is and whom it struck.
fn letters(correlated: &Correlated, stretch: &Stretch, scope: &str, value: &str) -> Text {
    let mut hasher = blake3::Hasher::new();
    for part in [scope, value, stretch.cause.as_str()] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    let mut ids: Vec<&Text> = stretch
        .members
        .iter()
        .filter_map(|&member| Some(&correlated.attempts.get(member as usize)?.tx_id))
        .collect();
    ids.sort();
    for id in ids {
        hasher.update(id.as_bytes());
        hasher.update(&[0]);
    }
    hasher
        .finalize()
        .as_bytes()
        .iter()
        .take(16)
        .map(|byte| char::from(b'a' + byte % 26))
        .collect()
}
