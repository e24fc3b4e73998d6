//! Fits the weights of the rules' evidence, and the curve of confidence, to labelled days.
//!
//! What is fitted is what the arbiter computes: the strongest decisive piece, supporting pieces up to a cap, refuting pieces, and a
//! softmax over the candidates. Weights stay near what the domain reference says: a penalty pulls them back, and bounds hold them.

use crate::table::Table;
use std::collections::BTreeMap;

/// A piece of evidence by rule file and name.
pub type Piece = (String, String);

/// How a piece speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Decides.
    Decisive,
    /// Supports.
    Supporting,
    /// Refutes.
    Refuting,
}

/// One failed attempt: its candidates with the pieces that held, and which of them is true.
#[derive(Debug, Clone)]
pub struct Case {
    /// Candidates: pieces by index.
    pub candidates: Vec<Vec<usize>>,
    /// The true one.
    pub truth: usize,
}

/// What there is to fit.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    /// All pieces.
    pub pieces: Vec<Piece>,
    /// Their roles.
    pub roles: Vec<Role>,
    /// Their weights as they stand, refuting ones negative.
    pub weights: Vec<f64>,
    /// All cases.
    pub cases: Vec<Case>,
    index: BTreeMap<Piece, usize>,
}

/// Temperature of the arbiter's softmax.
const TEMPERATURE: f64 = 1.25;
/// Most that supporting pieces add.
const CAP: f64 = 3.0;
/// Score of what the catalogue does not know.
const SOMETHING_ELSE: f64 = 1.0;
/// How strongly weights are pulled back.
const PULL: f64 = 0.02;
/// How far a weight may move.
const REACH: f64 = 1.5;

impl Problem {
    /// Adds a day: `evidence` has `tx_id, cause, rule, role, weight`, `truth` gives the true cause of each attempt.
    pub fn add(&mut self, evidence: &str, truth: &BTreeMap<String, String>) {
        let table = Table::parse(evidence);
        let mut by: BTreeMap<&str, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for i in 0..table.rows.len() {
            let Some((code, name)) = table.get(i, "rule").split_once('/') else {
                continue;
            };
            let role = match table.get(i, "role") {
                "decisive" => Role::Decisive,
                "supporting" => Role::Supporting,
                _ => Role::Refuting,
            };
            let weight: f64 = table.get(i, "weight").parse().unwrap_or(0.0);
            let piece = (code.to_owned(), name.to_owned());
            let at = if let Some(at) = self.index.get(&piece) {
                *at
            } else {
                self.index.insert(piece.clone(), self.pieces.len());
                self.pieces.push(piece);
                self.roles.push(role);
                self.weights.push(weight);
                self.pieces.len() - 1
            };
            by.entry(table.get(i, "tx_id"))
                .or_default()
                .entry(table.get(i, "cause"))
                .or_default()
                .push(at);
        }
        for (tx, candidates) in by {
            let Some(truth) = truth.get(tx) else { continue };
            let Some(place) = candidates.keys().position(|c| c == truth) else {
                continue;
            };
            self.cases.push(Case {
                candidates: candidates.into_values().collect(),
                truth: place,
            });
        }
    }

    /// Score of a candidate, and the pieces through which it moves.
    fn score(&self, weights: &[f64], pieces: &[usize]) -> (f64, Vec<usize>) {
        let mut moves = Vec::new();
        let mut score = 0.0;
        let best = pieces
            .iter()
            .filter(|&&p| self.roles[p] == Role::Decisive)
            .max_by(|a, b| weights[**a].total_cmp(&weights[**b]));
        if let Some(&best) = best {
            score += weights[best];
            moves.push(best);
        }
        let support: f64 = pieces
            .iter()
            .filter(|&&p| self.roles[p] == Role::Supporting)
            .map(|&p| weights[p])
            .sum();
        score += support.min(CAP);
        for &p in pieces {
            match self.roles[p] {
                Role::Refuting => {
                    score += weights[p];
                    moves.push(p);
                }
                Role::Supporting if support < CAP => moves.push(p),
                _ => {}
            }
        }
        (score, moves)
    }

    /// Mean log-likelihood of the truth.
    #[must_use]
    pub fn likelihood(&self, weights: &[f64]) -> f64 {
        let sum: f64 = self
            .cases
            .iter()
            .map(|case| {
                let scores: Vec<f64> = case
                    .candidates
                    .iter()
                    .map(|pieces| self.score(weights, pieces).0 / TEMPERATURE)
                    .collect();
                let top = scores
                    .iter()
                    .copied()
                    .fold(SOMETHING_ELSE / TEMPERATURE, f64::max);
                let total: f64 = scores.iter().map(|s| (s - top).exp()).sum::<f64>()
                    + (SOMETHING_ELSE / TEMPERATURE - top).exp();
                scores[case.truth] - top - total.ln()
            })
            .sum();
        sum / self.cases.len().max(1) as f64
    }

    /// The fitted weights.
    #[must_use]
    pub fn fit(&self, rounds: usize) -> Vec<f64> {
        let mut weights = self.weights.clone();
        let n = self.cases.len().max(1) as f64;
        for round in 0..rounds {
            let mut slope = vec![0.0; weights.len()];
            for case in &self.cases {
                let scored: Vec<(f64, Vec<usize>)> = case
                    .candidates
                    .iter()
                    .map(|pieces| self.score(&weights, pieces))
                    .collect();
                let top = scored
                    .iter()
                    .map(|(s, _)| *s)
                    .fold(SOMETHING_ELSE, f64::max);
                let power = |s: f64| ((s - top) / TEMPERATURE).exp();
                let total: f64 =
                    scored.iter().map(|(s, _)| power(*s)).sum::<f64>() + power(SOMETHING_ELSE);
                for (k, (s, moves)) in scored.iter().enumerate() {
                    let share = power(*s) / total;
                    let push = (f64::from(u8::from(k == case.truth)) - share) / TEMPERATURE;
                    for &piece in moves {
                        slope[piece] += push;
                    }
                }
            }
            let step = 40.0 / (1.0 + round as f64 / 40.0);
            for (p, weight) in weights.iter_mut().enumerate() {
                let pull = PULL * (self.weights[p] - *weight);
                *weight += step * (slope[p] / n + pull / 40.0);
                *weight = self.bound(p, *weight);
            }
        }
        weights
    }

    fn bound(&self, piece: usize, weight: f64) -> f64 {
        let was = self.weights[piece];
        let (low, high) = match self.roles[piece] {
            Role::Decisive => (2.6, 8.0),
            Role::Supporting => (0.3, 3.0),
            Role::Refuting => (-8.0, -0.5),
        };
        weight
            .clamp(was - REACH, was + REACH)
            .clamp(f64::min(low, was), f64::max(high, was))
    }
}

/// Writes weights into a rule file's text: the piece's `weight` line is changed or added.
#[must_use]
pub fn rewrite(rule: &str, weights: &BTreeMap<String, f64>) -> String {
    let mut out = String::new();
    for (k, part) in rule.split("[[").enumerate() {
        if k > 0 {
            out.push_str("[[");
        }
        let name = part
            .lines()
            .find_map(|l| l.strip_prefix("name = \""))
            .and_then(|l| l.strip_suffix('"'));
        let new = name
            .filter(|_| part.starts_with("evidence]]"))
            .and_then(|n| weights.get(n));
        let Some(new) = new else {
            out.push_str(part);
            continue;
        };
        let line = format!("weight = {:.1}", new.abs());
        let mut written = false;
        for l in part.split_inclusive('\n') {
            if l.starts_with("weight = ") {
                out.push_str(&line);
                out.push('\n');
                written = true;
            } else {
                out.push_str(l);
                if l.starts_with("role = ") && !part.contains("\nweight = ") && !written {
                    out.push_str(&line);
                    out.push('\n');
                    written = true;
                }
            }
        }
    }
    out
}

/// A rising curve through (confidence, right or not): isotonic regression, then a few points of it.
#[must_use]
pub fn curve(verdicts: &[(f64, bool)]) -> Vec<(f64, f64)> {
    let mut sorted = verdicts.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Pools of neighbours that violate the order are merged.
    let mut pools: Vec<(f64, f64, f64)> = Vec::new();
    for (raw, right) in sorted {
        pools.push((raw, f64::from(u8::from(right)), 1.0));
        while let [.., a, b] = pools.as_slice()
            && a.1 / a.2 >= b.1 / b.2
        {
            let merged = ((a.0 * a.2 + b.0 * b.2) / (a.2 + b.2), a.1 + b.1, a.2 + b.2);
            pools.truncate(pools.len() - 2);
            pools.push(merged);
        }
    }
    // Small pools say little: join them until each has forty verdicts.
    let mut points: Vec<(f64, f64, f64)> = Vec::new();
    for pool in pools {
        match points.last_mut() {
            Some(last) if last.2 < 40.0 => {
                *last = (
                    (last.0 * last.2 + pool.0 * pool.2) / (last.2 + pool.2),
                    last.1 + pool.1,
                    last.2 + pool.2,
                );
            }
            _ => points.push(pool),
        }
    }
    points
        .into_iter()
        .map(|(raw, right, n)| (raw, ((right + 1.0) / (n + 2.0)).min(0.995)))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_misleads_loses_weight() {
        let mut p = Problem::default();
        let mut evidence = String::from("tx_id,cause,rule,role,weight\n");
        let mut truth = BTreeMap::new();
        for i in 0..200 {
            evidence += &format!("t{i},A,A/loud,decisive,5.0\nt{i},B,B/quiet,decisive,4.8\n");
            truth.insert(format!("t{i}"), "B".to_owned());
        }
        p.add(&evidence, &truth);
        assert_eq!(p.cases.len(), 200);
        let w = p.fit(200);
        assert!(p.likelihood(&w) > p.likelihood(&p.weights) + 0.2);
        assert!(w[1] > w[0] + 1.0, "{w:?}");
        assert!((w[0] - 5.0).abs() <= REACH + 1e-9);
    }

    #[test]
    fn weights_are_written_where_they_stand() {
        let rule = "code = \"A\"\n\n[[evidence]]\nname = \"loud\"\nrole = \"decisive\"\nwhen = \"x\"\n\n[[evidence]]\nname = \"quiet\"\nrole = \"refuting\"\nweight = 3.0\nwhen = \"y\"\n\n[[example]]\nname = \"loud\"\n";
        let weights = BTreeMap::from([("loud".to_owned(), 4.26), ("quiet".to_owned(), -2.0)]);
        let new = rewrite(rule, &weights);
        assert!(
            new.contains("role = \"decisive\"\nweight = 4.3\nwhen = \"x\""),
            "{new}"
        );
        assert!(new.contains("weight = 2.0\nwhen = \"y\""), "{new}");
        assert!(new.ends_with("[[example]]\nname = \"loud\"\n"), "{new}");
    }

    #[test]
    fn the_curve_rises() {
        let mut v = Vec::new();
        for i in 0..1000 {
            let raw = f64::from(i) / 1000.0;
            v.push((raw, (i * 7919) % 1000 < i * 9 / 10));
        }
        let c = curve(&v);
        assert!(
            c.windows(2)
                .all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1 + 0.05)
        );
    }
}
