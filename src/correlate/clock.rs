//! Estimates each source's clock from events that are the same event seen twice.
//!
//! Strong keys only (cryptogram, trace number and terminal, RRN): no time enters the pairing, so offsets of any size are found.
//! Robust: medians and Theil-Sen slopes; a false pair moves nothing.

use std::collections::BTreeMap;

use super::fragment::{Fragment, Shape};
use super::model::Clock;
use crate::event::{Events, Source, SourceKind};

/// From log line to wire: what a request takes after the cryptogram, where only the cryptogram is seen on one side.
const CRYPTOGRAM_TO_REQUEST: i64 = 400_000;
/// How well a source without any pair is trusted.
const OWN_WORD_MS: f64 = 120_000.0;
/// Pairs needed before a drift is fitted, and over which span.
const DRIFT_PAIRS: usize = 8;
const DRIFT_SPAN: i64 = 60 * 60_000_000;

/// One event seen by two sources.
#[derive(Clone, Copy)]
struct Sample {
    /// Time by the first source's clock.
    here: i64,
    /// Time by the second's.
    there: i64,
    /// The two are the same moment, not cause and consequence.
    same_moment: bool,
}

impl Clock {
    pub(super) fn unknown(method: &'static str) -> Self {
        Self {
            offset_ms: 0.0,
            drift_ppm: 0.0,
            uncertainty_ms: OWN_WORD_MS,
            pairs: 0,
            method,
            anchor: 0,
        }
    }

    /// Source time to reference time.
    #[must_use]
    pub fn align(&self, at: i64) -> i64 {
        let drift = (at - self.anchor) as f64 * self.drift_ppm / 1e6;
        at - (self.offset_ms * 1000.0 + drift).round() as i64
    }

    /// Uncertainty in microseconds.
    pub(super) fn uncertainty(&self) -> i64 {
        (self.uncertainty_ms * 1000.0) as i64
    }
}

/// One clock per source.
pub(super) fn estimate(
    sources: &[Source],
    fragments: &[Fragment],
    pairs: &[(u32, u32)],
    events: &Events,
) -> Vec<Clock> {
    let samples = collect(fragments, pairs);
    let resolution = resolutions(sources.len(), events);
    let mut support = vec![0_usize; sources.len()];
    for (&(a, b), list) in &samples {
        support[a as usize] += list.len();
        support[b as usize] += list.len();
    }
    let host_log = {
        let mut host = vec![false; sources.len()];
        for fragment in fragments {
            if fragment.shape == Shape::Messages {
                host[fragment.source as usize] = true;
            }
        }
        host
    };
    // Captures first (their clocks are usually disciplined), then host logs, then by support; ties by order.
    let rank = |source: usize| {
        let kind = match sources[source].kind {
            Some(SourceKind::Capture) => 0,
            _ if host_log[source] => 1,
            _ => 2,
        };
        (kind, std::cmp::Reverse(support[source]), source)
    };
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&source| rank(source));

    let mut clocks: Vec<Clock> = vec![Clock::unknown("own_word"); sources.len()];
    let mut placed = vec![false; sources.len()];
    for root in order {
        if placed[root] {
            continue;
        }
        placed[root] = true;
        if support[root] > 0 {
            clocks[root] = Clock {
                uncertainty_ms: resolution[root],
                method: "reference",
                ..Clock::unknown("reference")
            };
        }
        let members = grow(root, &samples, &resolution, &mut clocks, &mut placed);
        centre(&members, sources, &mut clocks);
    }
    clocks
}

/// Places sources one by one, the best supported first, each against all that are placed already.
fn grow(
    root: usize,
    samples: &BTreeMap<(u32, u32), Vec<Sample>>,
    resolution: &[f64],
    clocks: &mut [Clock],
    placed: &mut [bool],
) -> Vec<usize> {
    let mut members = vec![root];
    // Pairs between each unplaced source and the placed ones.
    let mut reach: BTreeMap<usize, usize> = BTreeMap::new();
    let mut neighbours: BTreeMap<usize, Vec<(usize, bool)>> = BTreeMap::new();
    for &(a, b) in samples.keys() {
        neighbours
            .entry(a as usize)
            .or_default()
            .push((b as usize, false));
        neighbours
            .entry(b as usize)
            .or_default()
            .push((a as usize, true));
    }
    let list = |a: usize, b: usize| {
        let key = if a < b {
            (a as u32, b as u32)
        } else {
            (b as u32, a as u32)
        };
        samples.get(&key).map_or(&[][..], Vec::as_slice)
    };
    let mut newest = root;
    loop {
        for &(other, _) in neighbours.get(&newest).map_or(&[][..], Vec::as_slice) {
            if !placed[other] {
                *reach.entry(other).or_default() += list(newest, other).len();
            }
        }
        let Some((&next, _)) = reach
            .iter()
            .max_by_key(|&(&source, &count)| (count, std::cmp::Reverse(source)))
        else {
            return members;
        };
        reach.remove(&next);
        let mut against: Vec<(i64, i64, bool)> = Vec::new();
        for &(other, _) in neighbours.get(&next).map_or(&[][..], Vec::as_slice) {
            if !placed[other] {
                continue;
            }
            for sample in list(next, other) {
                let (own, theirs) = if next < other {
                    (sample.here, sample.there)
                } else {
                    (sample.there, sample.here)
                };
                against.push((own, clocks[other].align(theirs), sample.same_moment));
            }
        }
        clocks[next] = fit(&against, resolution[next]);
        placed[next] = true;
        members.push(next);
        newest = next;
    }
}

/// Where three or more captures hang together, none is better than the others: the median of their clocks is the reference.
fn centre(members: &[usize], sources: &[Source], clocks: &mut [Clock]) {
    let captures: Vec<usize> = members
        .iter()
        .copied()
        .filter(|&source| sources[source].kind == Some(SourceKind::Capture))
        .collect();
    if captures.len() < 3 {
        return;
    }
    let mut drifts: Vec<f64> = captures
        .iter()
        .map(|&source| clocks[source].drift_ppm)
        .filter(|drift| *drift != 0.0)
        .collect();
    let drift = if drifts.len() < 3 {
        0.0
    } else {
        median_f64(&mut drifts)
    };
    let zero = captures
        .iter()
        .map(|&source| clocks[source].anchor)
        .filter(|&anchor| anchor != 0)
        .min()
        .unwrap_or(0);
    let since = |anchor: i64| {
        if anchor == 0 {
            0.0
        } else {
            (anchor - zero) as f64 / 1000.0 * drift / 1e6
        }
    };
    let mut offsets: Vec<f64> = captures
        .iter()
        .map(|&source| clocks[source].offset_ms - since(clocks[source].anchor))
        .collect();
    let offset = median_f64(&mut offsets);
    for &source in members {
        let clock = &mut clocks[source];
        if clock.anchor == 0 {
            clock.anchor = zero;
        }
        clock.offset_ms -= offset + since(clock.anchor);
        clock.drift_ppm -= drift;
    }
}

fn fit(against: &[(i64, i64, bool)], resolution_ms: f64) -> Clock {
    let exact = against.iter().filter(|sample| sample.2).count();
    let use_exact = exact >= 3 || exact == against.len();
    let points: Vec<(i64, i64)> = against
        .iter()
        .filter(|sample| sample.2 || !use_exact)
        .map(|&(own, reference, _)| (own, own - reference))
        .collect();
    let mut differences: Vec<i64> = points.iter().map(|point| point.1).collect();
    let Some(rough) = median(&mut differences) else {
        return Clock::unknown("own_word");
    };
    // A false pair lies far off: keep what lies near the median (drift over a day is seconds).
    let near: Vec<(i64, i64)> = points
        .iter()
        .copied()
        .filter(|point| (point.1 - rough).abs() <= 30_000_000)
        .collect();
    let anchor = near.iter().map(|point| point.0).min().unwrap_or(0);
    let slope = slope(&near);
    let mut levels: Vec<i64> = near
        .iter()
        .map(|&(own, difference)| difference - ((own - anchor) as f64 * slope).round() as i64)
        .collect();
    let level = median(&mut levels).unwrap_or(rough);
    let mut residuals: Vec<i64> = levels.iter().map(|value| (value - level).abs()).collect();
    let spread = median(&mut residuals).unwrap_or(0) as f64 / 1000.0 * 1.4826;
    let count = near.len().max(1) as f64;
    Clock {
        offset_ms: level as f64 / 1000.0,
        drift_ppm: slope * 1e6,
        uncertainty_ms: 3.0 * spread / count.sqrt()
            + resolution_ms
            + if use_exact { 1.0 } else { 500.0 },
        pairs: u32::try_from(near.len()).unwrap_or(u32::MAX),
        method: if use_exact {
            "pairs"
        } else {
            "pairs:cryptogram_to_request"
        },
        anchor,
    }
}

/// Theil-Sen over half-distant pairs; zero where there is too little to tell.
fn slope(points: &[(i64, i64)]) -> f64 {
    if points.len() < DRIFT_PAIRS {
        return 0.0;
    }
    let mut sorted = points.to_vec();
    sorted.sort_unstable();
    let (first, last) = (sorted[0].0, sorted[sorted.len() - 1].0);
    if last - first < DRIFT_SPAN {
        return 0.0;
    }
    let half = sorted.len() / 2;
    let mut slopes: Vec<f64> = sorted
        .iter()
        .zip(&sorted[half..])
        .filter(|(early, late)| late.0 - early.0 > DRIFT_SPAN / 4)
        .map(|(early, late)| (late.1 - early.1) as f64 / (late.0 - early.0) as f64)
        .collect();
    if slopes.is_empty() {
        return 0.0;
    }
    let slope = median_f64(&mut slopes);
    // No crystal drifts by more than 500 ppm: that is a jump, not a drift.
    if slope.abs() > 5e-4 { 0.0 } else { slope }
}

fn collect(fragments: &[Fragment], pairs: &[(u32, u32)]) -> BTreeMap<(u32, u32), Vec<Sample>> {
    let mut samples: BTreeMap<(u32, u32), Vec<Sample>> = BTreeMap::new();
    for &(a, b) in pairs {
        let (a, b) = (&fragments[a as usize], &fragments[b as usize]);
        let (a, b) = if a.source <= b.source { (a, b) } else { (b, a) };
        if a.source == b.source {
            continue;
        }
        let list = samples.entry((a.source, b.source)).or_default();
        let mut exact = false;
        for (here, there) in [
            (a.cryptogram_at, b.cryptogram_at),
            (a.request_at, b.request_at),
            (a.response_at, b.response_at),
        ] {
            if let (Some(here), Some(there)) = (here, there) {
                list.push(Sample {
                    here,
                    there,
                    same_moment: true,
                });
                exact = true;
            }
        }
        if !exact {
            if let (Some(here), Some(there)) = (a.cryptogram_at, b.request_at) {
                list.push(Sample {
                    here: here + CRYPTOGRAM_TO_REQUEST,
                    there,
                    same_moment: false,
                });
            } else if let (Some(here), Some(there)) = (a.request_at, b.cryptogram_at) {
                list.push(Sample {
                    here,
                    there: there + CRYPTOGRAM_TO_REQUEST,
                    same_moment: false,
                });
            } else if let (Some(here), Some(there)) = (a.first, b.first) {
                list.push(Sample {
                    here,
                    there,
                    same_moment: false,
                });
            }
        }
    }
    samples.retain(|_, list| !list.is_empty());
    samples
}

/// The coarsest usual resolution of each source, milliseconds.
fn resolutions(count: usize, events: &Events) -> Vec<f64> {
    let mut resolution = vec![0_u32; count];
    for event in events.heads() {
        let worst = &mut resolution[event.source as usize];
        *worst = (*worst).max(event.at().quality.resolution_micros);
    }
    resolution
        .into_iter()
        .map(|micros| f64::from(micros.min(1_000_000)) / 1000.0)
        .collect()
}

fn median(values: &mut [i64]) -> Option<i64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    Some(*values.select_nth_unstable(middle).1)
}

fn median_f64(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
