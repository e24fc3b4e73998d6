//! Weighs the evidence: adds log-odds, honours refuting evidence and steps, and says `UNDETERMINED` when nothing stands out.

use super::catalogue::{Catalogue, Cause, EvidenceRule};
use super::evaluate::Answers;
use super::facts::Facts;
use super::facts::list::{FACTS, Fact, GROUPS, Group};
use super::model::{Evidence, FactRow, Role, Strength, Value, Verdict};
use super::tuning;
use crate::event::Text;

/// Code of a verdict that the evidence does not bear.
pub const UNDETERMINED: &str = "UNDETERMINED";

/// A cause that something speaks for.
struct Candidate<'a> {
    cause: &'a Cause,
    score: f64,
    held: Vec<&'a EvidenceRule>,
    unknown: Vec<&'a EvidenceRule>,
}

impl Candidate<'_> {
    fn has(&self, role: Role) -> bool {
        self.held.iter().any(|piece| piece.role == role)
    }
}

/// One attempt's case.
pub(super) struct Case<'a> {
    /// All causes.
    pub catalogue: &'a Catalogue,
    /// What the conditions say.
    pub answers: &'a Answers,
    /// Row of the answers.
    pub row: usize,
    /// The attempt's facts.
    pub facts: &'a FactRow,
    /// Common cause of the incident that the attempt lies in.
    pub incident: Option<&'a str>,
    /// Only this cause may be named.
    pub only: Option<&'a str>,
}

/// The verdict on an attempt that needs explaining.
pub(super) fn decide(case: &Case<'_>) -> Verdict {
    let mut candidates = candidates(case);
    candidates.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.cause.code.cmp(&b.cause.code))
    });
    let Some(best) = candidates.first() else {
        return Verdict {
            cause: Some(Text::new(UNDETERMINED)),
            confidence: Some(0.0),
            strength: Some(Strength::Weak),
            missing_evidence: uncovered(case.facts),
            ..Verdict::default()
        };
    };
    let probabilities = probabilities(&candidates);
    let second = candidates.get(1);
    let lead = second.map_or(f64::INFINITY, |second| best.score - second.score);
    let decided = best.score >= tuning::THRESHOLD && lead >= tuning::LEAD;
    let evidence = candidates
        .iter()
        .take(4)
        .flat_map(|candidate| evidence_of(candidate, case.facts))
        .collect();
    let skip = usize::from(decided);
    Verdict {
        cause: Some(Text::new(if decided {
            &best.cause.code
        } else {
            UNDETERMINED
        })),
        family: decided.then(|| Text::new(&best.cause.family)),
        contributing: if decided {
            contributing(&candidates)
        } else {
            Vec::new()
        },
        confidence: probabilities.first().map(|p| tuning::calibrate(*p)),
        strength: Some(if decided {
            strength(best, lead)
        } else {
            Strength::Weak
        }),
        alternatives: candidates
            .iter()
            .zip(&probabilities)
            .skip(skip)
            .take(4)
            .filter(|(_, p)| **p >= 0.005)
            .map(|(candidate, p)| (Text::new(&candidate.cause.code), tuning::calibrate(*p)))
            .collect(),
        missing_evidence: if decided && lead >= tuning::SUPPORT_CAP {
            None
        } else {
            missing(case.facts, &candidates)
                .or_else(|| (!decided).then(|| uncovered(case.facts)).flatten())
        },
        owners: if decided {
            best.cause.owners.iter().map(Text::new).collect()
        } else {
            Vec::new()
        },
        incident: None,
        evidence,
    }
}

fn candidates<'a>(case: &Case<'a>) -> Vec<Candidate<'a>> {
    let mut found = Vec::new();
    let mut at = 0;
    for cause in case.catalogue.causes() {
        let applies = cause.applies.as_ref().map(|_| {
            at += 1;
            case.answers.get(at - 1, case.row)
        });
        let first = at;
        at += cause.evidence.len();
        if applies == Some(Some(false)) || case.only.is_some_and(|only| only != cause.code) {
            continue;
        }
        let mut held = Vec::new();
        let mut unknown = Vec::new();
        for (offset, piece) in cause.evidence.iter().enumerate() {
            match case.answers.get(first + offset, case.row) {
                Some(true) => held.push(piece),
                None => unknown.push(piece),
                Some(false) => {}
            }
        }
        let incident = !cause.scopes.is_empty() && case.incident == Some(cause.code.as_str());
        if !incident && !held.iter().any(|piece| piece.weight > 0.0) {
            continue;
        }
        // Hints alone make no candidate before they add up to something.
        let hints: f64 = held
            .iter()
            .filter(|piece| piece.role == Role::Supporting)
            .map(|piece| piece.weight)
            .sum();
        if !incident && hints < tuning::HINTS && !held.iter().any(|p| p.role == Role::Decisive) {
            continue;
        }
        let mut score = score(cause, &held, case.facts);
        if incident {
            score += tuning::INCIDENT_PRIOR;
        }
        found.push(Candidate {
            cause,
            score,
            held,
            unknown,
        });
    }
    found
}

fn score(cause: &Cause, held: &[&EvidenceRule], facts: &FactRow) -> f64 {
    let mut score = cause.prior;
    // A fall-back cause explains the fall-back, never the tap.
    if cause.secondary && !facts.no(Fact::is_tap) {
        score += tuning::SECONDARY;
    }
    if let Some(step) = facts.number(Fact::step)
        && !cause.steps.is_empty()
        && !cause.steps.contains(&step)
    {
        score -= tuning::WRONG_STEP;
    }
    let mut decisive: Vec<&&EvidenceRule> = held
        .iter()
        .filter(|piece| piece.role == Role::Decisive)
        .collect();
    decisive.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    if let Some((first, rest)) = decisive.split_first() {
        score += first.weight;
        let independent = rest.iter().any(|piece| {
            !piece
                .when
                .facts
                .iter()
                .any(|fact| first.when.facts.contains(fact))
        });
        if independent {
            score += tuning::SECOND_DECISIVE;
        }
    }
    let sum = |role: Role| -> f64 {
        held.iter()
            .filter(|piece| piece.role == role)
            .map(|piece| piece.weight)
            .sum()
    };
    score + sum(Role::Supporting).min(tuning::SUPPORT_CAP) + sum(Role::Refuting)
}

/// Softmax over the scores, with a seat for what the catalogue does not know.
fn probabilities(candidates: &[Candidate<'_>]) -> Vec<f64> {
    let top = candidates.first().map_or(tuning::SOMETHING_ELSE, |c| {
        c.score.max(tuning::SOMETHING_ELSE)
    });
    let power = |score: f64| ((score - top) / tuning::TEMPERATURE).exp();
    let total: f64 =
        candidates.iter().map(|c| power(c.score)).sum::<f64>() + power(tuning::SOMETHING_ELSE);
    candidates.iter().map(|c| power(c.score) / total).collect()
}

/// Causes with decisive evidence that are no look-alike of the best: they played a part.
fn contributing(candidates: &[Candidate<'_>]) -> Vec<Text> {
    let Some((best, rest)) = candidates.split_first() else {
        return Vec::new();
    };
    rest.iter()
        .filter(|other| {
            let alike = |a: &Cause, b: &Cause| a.look_alikes.iter().any(|x| x.code == b.code);
            let plays = other.score
                + if other.cause.secondary {
                    -tuning::SECONDARY
                } else {
                    0.0
                };
            other.has(Role::Decisive)
                && !other.has(Role::Refuting)
                && plays >= tuning::THRESHOLD
                && !alike(best.cause, other.cause)
                && !alike(other.cause, best.cause)
        })
        .map(|other| Text::new(&other.cause.code))
        .take(3)
        .collect()
}

fn strength(best: &Candidate<'_>, lead: f64) -> Strength {
    let decisive = best.has(Role::Decisive);
    let refuted = best.has(Role::Refuting);
    let mut groups: Vec<Group> = best
        .held
        .iter()
        .filter(|piece| piece.weight > 0.0)
        .flat_map(|piece| piece.when.facts.iter())
        .filter_map(|fact| Some(GROUPS.get(usize::from(*fact))?.witness()))
        .filter(|group| *group != Group::Attempt)
        .collect();
    groups.sort_unstable();
    groups.dedup();
    match (decisive, refuted) {
        (true, false) if lead >= 2.0 && groups.len() >= 2 => Strength::Conclusive,
        (true, false) if lead >= 1.5 => Strength::Strong,
        (true, _) => Strength::Moderate,
        (false, false) if best.score >= 3.0 => Strength::Moderate,
        _ => Strength::Weak,
    }
}

fn show(value: Option<&Value>) -> String {
    match value {
        None => "null".to_owned(),
        Some(Value::Bool(yes)) => yes.to_string(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Float(number)) => format!("{number:.3}"),
        Some(Value::Text(text)) if text.is_empty() => "''".to_owned(),
        Some(Value::Text(text)) => text.to_string(),
    }
}

fn evidence_of(candidate: &Candidate<'_>, facts: &FactRow) -> Vec<Evidence> {
    candidate
        .held
        .iter()
        .map(|piece| {
            let named: Vec<usize> = piece.when.facts.iter().map(|f| usize::from(*f)).collect();
            let mut events: Vec<u32> = facts
                .citations
                .iter()
                .filter(|(fact, _)| named.contains(&usize::from(*fact)))
                .flat_map(|(_, events)| events.iter().copied())
                .collect();
            events.sort_unstable();
            events.dedup();
            let names: Vec<&str> = named
                .iter()
                .filter_map(|&fact| Some(FACTS.get(fact)?.name))
                .collect();
            let values: Vec<String> = named
                .iter()
                .map(|&fact| show(facts.values.get(fact).and_then(Option::as_ref)))
                .collect();
            Evidence {
                cause: Text::new(&candidate.cause.code),
                rule: Text::from(format!("{}/{}", candidate.cause.code, piece.name)),
                role: piece.role,
                weight: piece.weight,
                fact: Text::from(names.join(",")),
                value: Text::from(values.join(",")),
                searched: events.is_empty().then(|| searched(&named, facts)),
                events,
                text_en: Text::new(&piece.text_en),
                text_zh: Text::new(&piece.text_zh),
            }
        })
        .collect()
}

/// What was searched or compared where no event can be cited.
fn searched(named: &[usize], facts: &FactRow) -> Text {
    let compared = named
        .iter()
        .any(|fact| matches!(GROUPS.get(*fact), Some(Group::Group | Group::Sale)));
    if compared {
        return Text::new("compared with the other attempts in all inputs");
    }
    let mut places = Vec::new();
    for (fact, place) in [
        (Fact::log_covered, "log of the terminal"),
        (Fact::apdu_covered, "card trace of the terminal"),
        (Fact::capture_covered, "capture of the terminal's traffic"),
    ] {
        if facts.yes(fact) {
            places.push(place);
        }
    }
    if places.is_empty() {
        return Text::new("the attempt as linked");
    }
    Text::from(format!("searched: {}", places.join(", ")))
}

/// Sources whose absence keeps the first two apart from each other.
fn missing(facts: &FactRow, candidates: &[Candidate<'_>]) -> Option<Text> {
    let mut votes: Vec<(&'static str, f64)> = Vec::new();
    for candidate in candidates.iter().take(2) {
        for piece in &candidate.unknown {
            if piece.role == Role::Supporting {
                continue;
            }
            for &fact in &piece.when.facts {
                let fact = usize::from(fact);
                if facts.values.get(fact).is_some_and(Option::is_some) {
                    continue;
                }
                let Some(group) = GROUPS.get(fact) else {
                    continue;
                };
                let source = group.source();
                match votes.iter_mut().find(|(name, _)| *name == source) {
                    Some((_, weight)) => *weight += piece.weight.abs(),
                    None => votes.push((source, piece.weight.abs())),
                }
            }
        }
    }
    votes.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let named: Vec<&str> = votes.iter().take(2).map(|(name, _)| *name).collect();
    (!named.is_empty()).then(|| Text::from(named.join("; ")))
}

/// Sources that do not cover the attempt at all.
fn uncovered(facts: &FactRow) -> Option<Text> {
    let mut named = Vec::new();
    for (fact, name) in [
        (Fact::log_covered, "terminal log"),
        (Fact::apdu_covered, "card trace"),
        (Fact::capture_covered, "network capture"),
    ] {
        if !facts.yes(fact) {
            named.push(name);
        }
    }
    (!named.is_empty()).then(|| Text::from(named.join("; ")))
}
