//! Fills the rows of the output tables from an analysis.

use std::collections::HashMap;

use compact_str::ToCompactString as _;

use super::clean::clean;
use super::detail::{describe, hex};
use super::gate::Gate;
use super::row::{Alternative, Micros};
use super::schema::{EventRow, EvidenceRow, IncidentRow, IssueRow, SourceRow, Transaction};
use crate::Analysis;
use crate::attribute::{FACTS, Verdict};
use crate::correlate::{Attempt, LinkMethod};
use crate::event::{Head, Place, Source, SourceKind, SourceStatus, Text, What};

/// Makes rows; knows what they need beside the analysis.
pub(super) struct Filler<'a> {
    pub analysis: &'a Analysis,
    /// Names of cards whose tokens may not be shown, by first appearance.
    pseudonyms: Option<HashMap<u128, Text>>,
    empty: Verdict,
    failed_fact: Option<usize>,
    /// The sources' paths as they may be shown.
    paths: Vec<Text>,
    gate: Gate,
}

impl<'a> Filler<'a> {
    /// `keyed`: the user gave a key, so that tokens mean something beyond this run.
    pub(super) fn new(analysis: &'a Analysis, keyed: bool) -> Self {
        let pseudonyms = (!keyed).then(|| {
            let mut names = HashMap::new();
            for attempt in &analysis.correlated.attempts {
                if let Some(token) = attempt.keys.card.as_ref().and_then(|card| card.token) {
                    let next = names.len();
                    names.entry(token).or_insert_with(|| pseudonym(next));
                }
            }
            names
        });
        Self {
            analysis,
            pseudonyms,
            empty: Verdict::default(),
            failed_fact: FACTS.iter().position(|fact| fact.name == "failed"),
            paths: analysis
                .correlated
                .sources
                .iter()
                .map(|source| clean(&source.path))
                .collect(),
            gate: Gate::new(&analysis.seen),
        }
    }

    pub(super) fn verdict(&self, index: usize) -> &Verdict {
        self.analysis
            .attributed
            .verdicts
            .get(&index)
            .unwrap_or(&self.empty)
    }

    fn token(&self, token: u128) -> Option<Text> {
        match &self.pseudonyms {
            None => Some(keyed_token(token)),
            Some(names) => names.get(&token).cloned(),
        }
    }

    pub(super) fn transaction(&self, index: usize, attempt: &Attempt) -> Transaction {
        let verdict = self.verdict(index);
        let keys = &attempt.keys;
        let (log_events, apdu_events, net_events) = self.count_events(attempt);
        let (link_method, link_confidence) = self.link(attempt);
        let text = |value: &Option<Text>| value.as_deref().map(clean);
        let codes = |list: &[Text]| list.iter().map(|code| clean(code)).collect();
        Transaction {
            tx_id: clean(&attempt.tx_id),
            sale_id: clean(&attempt.sale_id),
            attempt: attempt.number,
            sale_outcome: attempt.sale_outcome.name().into(),
            started_at: attempt.started_at.map(Micros),
            ended_at: attempt.ended_at.map(Micros),
            duration_ms: attempt
                .started_at
                .zip(attempt.ended_at)
                .map(|(from, to)| to.saturating_sub(from) / 1000),
            terminal_id: text(&keys.terminal),
            merchant_id: text(&keys.merchant),
            device: text(&keys.device),
            host: text(&keys.host),
            stan: keys
                .stan
                .map(|stan| compact_str::format_compact!("{stan:06}")),
            rrn: text(&keys.rrn),
            auth_code: text(&keys.auth_code),
            amount_minor: keys.amount_minor,
            currency: keys.currency.map(|c| clean(&String::from_utf8_lossy(&c))),
            pan_masked: keys.card.as_ref().map(|card| clean(&card.masked)),
            pan_token: keys
                .card
                .as_ref()
                .and_then(|card| card.token)
                .and_then(|token| self.token(token)),
            scheme: keys.scheme.map(Text::from),
            aid: text(&keys.aid),
            kernel: keys.kernel.map(Text::from),
            interface: attempt.interface.name().into(),
            entry_mode: text(&keys.entry_mode),
            stage: attempt.stage.name().into(),
            outcome: attempt.outcome.name().into(),
            failed: self.failed(index, attempt),
            cause: text(&verdict.cause),
            family: text(&verdict.family),
            contributing: codes(&verdict.contributing),
            confidence: verdict.confidence,
            strength: verdict.strength.map(|strength| strength.name().into()),
            alternatives: verdict
                .alternatives
                .iter()
                .map(|(cause, confidence)| Alternative {
                    cause: clean(cause),
                    confidence: *confidence,
                })
                .collect(),
            missing_evidence: text(&verdict.missing_evidence),
            owners: codes(&verdict.owners),
            incident_id: verdict
                .incident
                .and_then(|i| self.analysis.attributed.incidents.get(i as usize))
                .map(|incident| clean(&incident.incident_id)),
            response_code: text(&keys.response_code),
            last_sw: keys
                .last_sw
                .map(|sw| compact_str::format_compact!("{sw:04X}")),
            tvr: text(&keys.tvr),
            log_events,
            apdu_events,
            net_events,
            link_method: link_method.name().into(),
            link_confidence,
        }
    }

    /// As the facts have it: attribution knows which unknown ends are failures.
    fn failed(&self, index: usize, attempt: &Attempt) -> bool {
        let facts = &self.analysis.attributed.facts;
        self.failed_fact
            .and_then(|fact| facts.flag(index, fact))
            .unwrap_or_else(|| attempt.failed())
    }

    fn source(&self, id: u32) -> Option<&Source> {
        self.analysis.correlated.sources.get(id as usize)
    }

    fn count_events(&self, attempt: &Attempt) -> (u32, u32, u32) {
        let (mut log, mut apdu, mut net) = (0, 0, 0);
        for event in attempt.events.iter().filter_map(|i| self.head(*i)) {
            let kind = self.source(event.source).and_then(|source| source.kind);
            match (event.what, kind) {
                // A dialogue in a log is a dialogue.
                (What::Apdu(..) | What::Nfc(_), _) | (_, Some(SourceKind::Trace)) => apdu += 1,
                (_, Some(SourceKind::Capture)) => net += 1,
                _ => log += 1,
            }
        }
        (log, apdu, net)
    }

    fn head(&self, index: u32) -> Option<&Head> {
        self.analysis.correlated.events.heads().get(index as usize)
    }

    /// The strongest key that joined the sources, and how sure the weakest of the sources' best joints is.
    fn link(&self, attempt: &Attempt) -> (LinkMethod, f64) {
        let mut best: Vec<(u32, LinkMethod)> = Vec::new();
        for link in &attempt.links {
            let (Some(from), Some(to)) = (self.head(link.from), self.head(link.to)) else {
                continue;
            };
            if from.source == to.source {
                continue;
            }
            for source in [from.source, to.source] {
                match best.iter_mut().find(|(id, _)| *id == source) {
                    Some((_, method)) => *method = (*method).min(link.method),
                    None => best.push((source, link.method)),
                }
            }
        }
        let strongest = best.iter().map(|(_, method)| *method).min();
        let weakest = best.iter().map(|(_, method)| *method).max();
        let weakest = weakest.unwrap_or(LinkMethod::SingleSource);
        // Where another partner would have fitted as well, the link is worth little more than a guess between the two.
        let doubt = attempt
            .links
            .iter()
            .any(|link| link.ambiguous && link.method == weakest);
        (
            strongest.unwrap_or(LinkMethod::SingleSource),
            link_confidence(weakest) * if doubt { 0.6 } else { 1.0 },
        )
    }

    /// Where an event stands: `path:LINE`, `path#FRAME`.
    pub(super) fn locator(&self, source: u32, place: Place) -> Text {
        let path = self.paths.get(source as usize);
        let path = path.map_or("?", Text::as_str);
        let (mark, number) = match place {
            Place::Line(line) => (':', line),
            Place::Frame(frame) => ('#', frame),
            Place::Whole => return path.into(),
        };
        let mut out = Text::with_capacity(path.len() + 11);
        out.push_str(path);
        out.push(mark);
        out.push_str(&number.to_compact_string());
        out
    }

    /// One event as a row; `seq` from 1.
    pub(super) fn event_row(&self, index: u32, tx_id: Option<&str>, seq: u32) -> EventRow {
        let event = self.analysis.correlated.events.get(index);
        let mut description = describe(&event.payload);
        // Only now are all numbers of the run known: one may stand where nothing betrays it (F103, a vendor's own field).
        self.gate.hide_met(&mut description.summary);
        self.gate.hide_met(&mut description.detail);
        let aligned = self.analysis.correlated.aligned.get(index as usize);
        EventRow {
            tx_id: tx_id.map(clean),
            seq,
            at: aligned.and_then(|at| at.get()).map(Micros),
            at_source: event.at.utc_micros.map(Micros),
            source_id: event.source,
            kind: event.payload.kind().into(),
            locator: self.locator(event.source, event.place),
            step: description.step.map(|stage| stage.name().into()),
            summary: cleaned(description.summary),
            detail: description.detail.into(),
        }
    }

    pub(super) fn evidence(&self, index: usize) -> Vec<EvidenceRow> {
        let Some(attempt) = self.analysis.correlated.attempts.get(index) else {
            return Vec::new();
        };
        let mut rows: Vec<EvidenceRow> = self
            .verdict(index)
            .evidence
            .iter()
            .map(|evidence| EvidenceRow {
                tx_id: clean(&attempt.tx_id),
                cause: clean(&evidence.cause),
                rule: clean(&evidence.rule),
                role: evidence.role.name().into(),
                weight: evidence.weight,
                fact: clean(&evidence.fact),
                value: clean(&evidence.value),
                locators: evidence
                    .events
                    .iter()
                    .filter_map(|i| self.head(*i))
                    .map(|event| self.locator(event.source, event.place()))
                    .chain(evidence.searched.as_deref().map(clean))
                    .collect(),
                text_en: clean(&evidence.text_en),
                text_zh: clean(&evidence.text_zh),
            })
            .collect();
        rows.sort_by(|a, b| {
            (&a.cause, &a.rule)
                .cmp(&(&b.cause, &b.rule))
                .then_with(|| a.role.cmp(&b.role))
        });
        rows
    }

    pub(super) fn incidents(&self) -> Vec<IncidentRow> {
        self.analysis
            .attributed
            .incidents
            .iter()
            .map(|incident| IncidentRow {
                incident_id: clean(&incident.incident_id),
                scope: incident.scope.into(),
                scope_value: clean(&incident.scope_value),
                started_at: incident.started_at.map(Micros),
                ended_at: incident.ended_at.map(Micros),
                transactions: incident.transactions,
                failed: incident.failed,
                expected_failed: incident.expected_failed,
                p_value: incident.p_value,
                cause: incident.cause.as_deref().map(clean),
                text_en: clean(&incident.text_en),
                text_zh: clean(&incident.text_zh),
            })
            .collect()
    }

    pub(super) fn sources(&self) -> Vec<SourceRow> {
        let correlated = &self.analysis.correlated;
        let mut seen: Vec<Option<(i64, i64)>> = vec![None; correlated.sources.len()];
        for (event, at) in correlated.events.heads().iter().zip(&correlated.aligned) {
            if let (Some(at), Some(slot)) = (at.get(), seen.get_mut(event.source as usize)) {
                let (first, last) = slot.unwrap_or((at, at));
                *slot = Some((first.min(at), last.max(at)));
            }
        }
        let mut rows = Vec::with_capacity(correlated.sources.len());
        for (index, source) in correlated.sources.iter().enumerate() {
            let clock = correlated.clocks.get(index);
            // A clock that nothing was held against has no known offset.
            let known = clock.filter(|c| !matches!(c.method, "own_word" | "none"));
            let seen = seen.get(index).copied().flatten();
            let ledger = &source.ledger;
            rows.push(SourceRow {
                source_id: u32::try_from(index).unwrap_or(u32::MAX),
                path: clean(&source.path),
                blake3: hex(&source.blake3).to_lowercase().into(),
                sha256: source.sha256.map(|hash| hex(&hash).to_lowercase().into()),
                bytes: ledger.bytes,
                bytes_understood: ledger.understood,
                bytes_ignored: ledger.ignored,
                bytes_not_understood: ledger.not_understood,
                bytes_unreadable: ledger.unreadable,
                kind: source.kind.map(|kind| {
                    Text::from(match kind {
                        SourceKind::Log => "log",
                        SourceKind::Trace => "trace",
                        SourceKind::Capture => "capture",
                    })
                }),
                format: source.format.as_deref().map(clean),
                encoding: source.encoding.map(Text::from),
                records: ledger.records,
                events: ledger.events,
                damaged_records: ledger.damaged_records,
                first_damage: source.first_damage.as_deref().map(clean),
                first_at: seen.map(|(first, _)| Micros(first)),
                last_at: seen.map(|(_, last)| Micros(last)),
                clock_offset_ms: known.map(|c| c.offset_ms),
                clock_drift_ppm: known.map(|c| c.drift_ppm),
                clock_method: clock.map(|c| c.method.into()),
                status: match source.status {
                    SourceStatus::Ok => "ok",
                    SourceStatus::Damaged => "damaged",
                    SourceStatus::Unrecognised => "unrecognised",
                    SourceStatus::Unreadable => "unreadable",
                }
                .into(),
            });
        }
        rows
    }

    pub(super) fn issues(&self) -> Vec<IssueRow> {
        let mut issues: Vec<_> = self.analysis.issues.iter().collect();
        issues.sort_by_key(|issue| (issue.source, issue.place, issue.code));
        issues
            .into_iter()
            .map(|issue| IssueRow {
                source_id: issue.source,
                locator: self.locator(issue.source, issue.place),
                code: issue.code.into(),
                count: issue.count,
                text: clean(&issue.text),
            })
            .collect()
    }
}

/// As [`clean`], without a copy where there is nothing to clean.
fn cleaned(text: String) -> Text {
    if text.bytes().all(|b| (0x20..0x7F).contains(&b)) {
        return text.into();
    }
    clean(&text)
}

/// How often a joint by this key is right, as far as one can say beforehand.
fn link_confidence(method: LinkMethod) -> f64 {
    match method {
        LinkMethod::SingleSource => 1.0,
        LinkMethod::Cryptogram | LinkMethod::Rrn => 0.999,
        LinkMethod::Stan => 0.995,
        LinkMethod::CardAmountTime => 0.98,
        LinkMethod::AmountTime => 0.9,
        LinkMethod::Time => 0.7,
    }
}

/// `tk_` and the first 80 bits in base 32 (RFC 4648, lower case).
fn keyed_token(token: u128) -> Text {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut out = Text::from("tk_");
    for digit in 0..16_u32 {
        let five_bits = (token >> (123 - 5 * digit)) & 0x1F;
        let letter = ALPHABET.get(usize::try_from(five_bits).unwrap_or(0));
        out.push(char::from(*letter.unwrap_or(&b'a')));
    }
    out
}

/// `run_a` … `run_z`, `run_aa` …: the order of first appearance says nothing about the card.
fn pseudonym(mut number: usize) -> Text {
    let mut letters = Vec::new();
    loop {
        letters.push(b'a' + u8::try_from(number % 26).unwrap_or(0));
        number /= 26;
        if number == 0 {
            break;
        }
        number -= 1;
    }
    letters.reverse();
    let mut out = Text::from("run_");
    out.push_str(&String::from_utf8_lossy(&letters));
    out
}

#[cfg(test)]
mod tests {
    use super::{keyed_token, pseudonym};

    #[test]
    fn cards_are_named_by_token_or_by_order() {
        assert_eq!(keyed_token(0), "tk_aaaaaaaaaaaaaaaa");
        assert_eq!(keyed_token(u128::MAX), "tk_7777777777777777");
        assert_eq!(keyed_token(1 << 123), "tk_baaaaaaaaaaaaaaa");
        let names: Vec<_> = [0, 25, 26, 701, 702].map(pseudonym).to_vec();
        assert_eq!(names, ["run_a", "run_z", "run_aa", "run_zz", "run_aaa"]);
    }
}
