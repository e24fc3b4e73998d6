//! Estimates each source's clock from events that are the same event seen twice.
//!
//! Strong keys only (cryptogram, trace number and terminal, RRN): no time enters the pairing, so offsets of any size are found.
//! Hosts write their own time into answers (F12, F13): each host is one more clock, which joins places that share no payment.
//! Robust: medians, Theil-Sen slopes, bounds where times are cut to seconds; a false pair moves nothing, a clock that is set
//! in mid-day begins a new segment.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

mod fit;
mod samples;

use fit::{Point, fit, median_f64};
use samples::{COARSE_MS, Kind, Sample, centre_of_resolution, collect, host_samples, resolutions};

use super::capture_set::capture_sets;
use super::fragment::{Fragment, Shape};
use super::model::{Clock, Step};
use crate::event::{Events, Source, SourceKind};

/// How well a source without any pair is trusted.
const OWN_WORD_MS: f64 = 120_000.0;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// A leap by more than this, and back, is a clock that was wrong in between: a dead battery shows the year of the firmware.
/// Less is a log whose days were put together out of order.
const EXCURSION: i64 = 30 * DAY;
/// How well the way back undoes the way out.
const HOME: i64 = DAY / 2;
const HOUR_MS: f64 = 3_600_000.0;

impl Clock {
    pub(super) fn unknown(method: &'static str) -> Self {
        Self {
            offset_ms: 0.0,
            drift_ppm: 0.0,
            uncertainty_ms: OWN_WORD_MS,
            pairs: 0,
            method,
            anchor: 0,
            steps: Vec::new(),
            island: u32::MAX,
            grounded: false,
        }
    }

    /// Source time to reference time, by the segment with most support.
    #[must_use]
    pub fn align(&self, at: i64) -> i64 {
        shift(at, self.offset_ms, self.drift_ppm, self.anchor)
    }

    /// Source time of an event (by its number in the inputs) to reference time.
    #[must_use]
    pub fn align_event(&self, index: u32, at: i64) -> i64 {
        let part = self.steps.partition_point(|step| step.from <= index);
        match part.checked_sub(1).and_then(|part| self.steps.get(part)) {
            Some(step) => shift(at, step.offset_ms, step.drift_ppm, step.anchor),
            None => self.align(at),
        }
    }

    /// Moves the clock, every part of it.
    pub(super) fn move_by(&mut self, micros: i64) {
        self.offset_ms += micros as f64 / 1000.0;
        for step in &mut self.steps {
            step.offset_ms += micros as f64 / 1000.0;
        }
    }

    /// Uncertainty in microseconds.
    pub(super) fn uncertainty(&self) -> i64 {
        (self.uncertainty_ms * 1000.0) as i64
    }
}

fn shift(at: i64, offset_ms: f64, drift_ppm: f64, anchor: i64) -> i64 {
    let drift = (at - anchor) as f64 * drift_ppm / 1e6;
    at - (offset_ms * 1000.0 + drift).round() as i64
}

/// One clock per source.
pub(super) fn estimate(
    sources: &[Source],
    fragments: &[Fragment],
    pairs: &[(u32, u32)],
    events: &Events,
) -> Vec<Clock> {
    let sets = capture_sets(sources);
    let mut resolution = resolutions(sources.len(), events);
    let mut samples = collect(fragments, pairs, &sets, &resolution);
    let hosts = host_samples(sources.len(), fragments, &sets, &mut samples);
    let count = sources.len() + hosts;
    resolution.resize(count, 1000.0);
    centre_of_resolution(&mut samples, &resolution);
    let mut support = vec![0_usize; count];
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (&(a, b), list) in &samples {
        for (one, other) in [(a as usize, b as usize), (b as usize, a as usize)] {
            support[one] += list.len();
            neighbours[one].push(other);
        }
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
    // What hosts write first where they write much, then captures (their clocks are usually disciplined), then host logs,
    // then by support; ties by order.
    let rank = |source: usize| {
        let kind = match sources.get(source).map(|source| source.kind) {
            None => 0,
            Some(Some(SourceKind::Capture)) => 1,
            Some(_) if host_log[source] => 2,
            Some(_) => 3,
        };
        (kind, Reverse(support[source]), source)
    };
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&source| rank(source));

    let mut clocks: Vec<Clock> = vec![Clock::unknown("own_word"); count];
    let mut placed = vec![false; count];
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
        let members = grow(
            root,
            &samples,
            &neighbours,
            &resolution,
            events,
            &mut clocks,
            &mut placed,
        );
        centre(&members, sources, &mut clocks);
        let grounded = members.iter().any(|&member| {
            sources
                .get(member)
                .is_none_or(|source| source.kind == Some(SourceKind::Capture))
        });
        for member in members {
            clocks[member].island = u32::try_from(root).unwrap_or(u32::MAX);
            clocks[member].grounded = grounded;
        }
    }
    clocks.truncate(sources.len());
    for source in 0..clocks.len() {
        let of_set = sets[source] as usize;
        if of_set != source {
            clocks[source] = clocks[of_set].clone();
        }
    }
    excursions(sources, events, &mut clocks);
    for clock in &mut clocks {
        clock.method = told(clock);
    }
    clocks
}

/// A clock that leaps by days and later leaps back was wrong in between, though no pair lies there: its own continuity places it.
fn excursions(sources: &[Source], events: &Events, clocks: &mut [Clock]) {
    let mut from = 0_u32;
    for of_source in events.heads().chunk_by(|a, b| a.source == b.source) {
        let begin = from;
        from += of_source.len() as u32;
        let Some(source) = of_source.first().map(|head| head.source as usize) else {
            continue;
        };
        let capture = sources[source].kind == Some(SourceKind::Capture);
        if capture || !clocks[source].steps.is_empty() {
            continue;
        }
        let mut leaps: Vec<(u32, i64)> = Vec::new();
        let mut last: Option<i64> = None;
        for (head, index) in of_source.iter().zip(begin..) {
            let Some(at) = head.at().utc_micros else {
                continue;
            };
            if let Some(last) = last
                && (at - last).abs() > EXCURSION
            {
                leaps.push((index, at - last));
            }
            last = Some(at);
        }
        let Clock {
            offset_ms,
            drift_ppm,
            anchor,
            ..
        } = clocks[source];
        let step = |from: u32, away: i64| Step {
            from,
            offset_ms: offset_ms + away as f64 / 1000.0,
            drift_ppm: if away == 0 { drift_ppm } else { 0.0 },
            anchor,
        };
        let mut steps = Vec::new();
        for pair in leaps.windows(2) {
            if let [(away, out), (back, home)] = *pair
                && out.signum() != home.signum()
                && (out + home).abs() <= HOME
                && steps.last().is_none_or(|last: &Step| last.from <= away)
            {
                if steps.is_empty() {
                    steps.push(step(begin, 0));
                }
                steps.push(step(away, out));
                steps.push(step(back, 0));
            }
        }
        clocks[source].steps = steps;
    }
}

/// What the method's name adds about a clock: set during the day, whole hours or half a day off.
fn told(clock: &Clock) -> &'static str {
    if clock.pairs == 0 || !clock.method.starts_with("pairs") {
        return clock.method;
    }
    if !clock.steps.is_empty() {
        return "pairs:set";
    }
    let halves = (clock.offset_ms / (HOUR_MS / 2.0)).round();
    let near = (clock.offset_ms - halves * HOUR_MS / 2.0).abs() <= 120_000.0;
    match halves.abs() as i64 {
        24 if near => "pairs:half_day",
        2..=28 if near => "pairs:zone",
        _ => clock.method,
    }
}

/// Places sources one by one, the best supported first, each against all that are placed already.
fn grow(
    root: usize,
    samples: &BTreeMap<(u32, u32), Vec<Sample>>,
    neighbours: &[Vec<usize>],
    resolution: &[f64],
    events: &Events,
    clocks: &mut [Clock],
    placed: &mut [bool],
) -> Vec<usize> {
    let mut members = vec![root];
    // Pairs between each unplaced source and the placed ones; the same sources by weight, the heaviest last.
    let mut reach: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue: BTreeSet<(usize, Reverse<usize>)> = BTreeSet::new();
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
        for &other in &neighbours[newest] {
            if !placed[other] {
                // Exact pairs weigh more than guesses: a source is placed by what places it best.
                let weight: usize = list(newest, other)
                    .iter()
                    .map(|sample| match sample.kind {
                        Kind::Same => 4,
                        Kind::Near => 2,
                        Kind::Guess => 1,
                    })
                    .sum();
                let sum = reach.entry(other).or_default();
                queue.remove(&(*sum, Reverse(other)));
                *sum += weight;
                queue.insert((*sum, Reverse(other)));
            }
        }
        let Some((_, Reverse(next))) = queue.pop_last() else {
            return members;
        };
        reach.remove(&next);
        let mut against: Vec<(Kind, Point)> = Vec::new();
        let mut coarse = resolution[next] >= COARSE_MS;
        let (mut rough, mut fine) = (0_usize, 0_usize);
        for &other in &neighbours[next] {
            if !placed[other] {
                continue;
            }
            let here = list(next, other);
            if resolution[other] >= COARSE_MS {
                rough += here.len();
            } else {
                fine += here.len();
            }
            for sample in here {
                let (own, index, theirs, at) = if next < other {
                    (
                        sample.here,
                        sample.here_index,
                        sample.there,
                        sample.there_index,
                    )
                } else {
                    (
                        sample.there,
                        sample.there_index,
                        sample.here,
                        sample.here_index,
                    )
                };
                let reference = clocks[other].align_event(at, theirs);
                let difference = own - reference;
                against.push((
                    sample.kind,
                    Point {
                        index,
                        own,
                        difference,
                    },
                ));
            }
        }
        coarse |= rough > fine;
        clocks[next] = fit(&against, resolution[next], coarse, events);
        placed[next] = true;
        members.push(next);
        newest = next;
    }
}

/// Where three or more captures hang together and no host tells the time, none is better than the others: the median of their
/// clocks is the reference.
fn centre(members: &[usize], sources: &[Source], clocks: &mut [Clock]) {
    if members.iter().any(|&member| member >= sources.len()) {
        return;
    }
    let captures: Vec<usize> = members
        .iter()
        .copied()
        .filter(|&member| {
            sources.get(member).and_then(|source| source.kind) == Some(SourceKind::Capture)
                && clocks[member].steps.is_empty()
        })
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
        for step in &mut clock.steps {
            step.offset_ms -= offset + since(step.anchor);
            step.drift_ppm -= drift;
        }
    }
}

#[cfg(test)]
mod tests;
