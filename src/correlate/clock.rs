//! Estimates each source's clock from events that are the same event seen twice.
//!
//! Strong keys only (cryptogram, trace number and terminal, RRN): no time enters the pairing, so offsets of any size are found.
//! Hosts write their own time into answers (F12, F13): each host is one more clock, which joins places that share no payment.
//! Robust: medians, Theil-Sen slopes, bounds where times are cut to seconds; a false pair moves nothing, a clock that is set
//! in mid-day begins a new segment.

use std::collections::BTreeMap;

use super::capture_set::capture_sets;
use super::fragment::{Fragment, Shape};
use super::model::{Clock, Step};
use crate::event::{Events, Source, SourceKind, Text};

/// From log line to wire: what a request takes after the cryptogram, where only the cryptogram is seen on one side.
const CRYPTOGRAM_TO_REQUEST: i64 = 400_000;
/// How well a source without any pair is trusted.
const OWN_WORD_MS: f64 = 120_000.0;
/// Pairs needed before a drift is fitted, and over which span.
const DRIFT_PAIRS: usize = 8;
const DRIFT_SPAN: i64 = 60 * 60_000_000;
/// A change of the offset by more than this, and in so many pairs running, is a clock that was set.
const JUMP: i64 = 4_000_000;
const JUMP_PAIRS: usize = 3;
/// Times of a host's answers fold into half hours: its zone is not known.
const HALF_HOUR: i64 = 30 * 60_000_000;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// A leap by more than this, and back, is a clock that was wrong in between.
const EXCURSION: i64 = DAY / 2;
const HOUR_MS: f64 = 3_600_000.0;

/// How alike two moments are, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The same moment: a message, a cryptogram.
    Same,
    /// Within some ten milliseconds: connecting and its first packet, a card and the line about it.
    Near,
    /// Cause and consequence.
    Guess,
}

/// One event seen by two sources.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Time by the first source's clock.
    here: i64,
    /// Time by the second's.
    there: i64,
    kind: Kind,
    /// Events at which the two stand: which segment of a clock holds.
    here_index: u32,
    there_index: u32,
}

/// A sample as the source that is being placed sees it.
#[derive(Debug, Clone, Copy)]
struct Point {
    index: u32,
    own: i64,
    difference: i64,
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
    let mut samples = collect(fragments, pairs, &sets);
    let hosts = host_samples(sources.len(), fragments, &sets, &mut samples);
    let count = sources.len() + hosts;
    let mut resolution = resolutions(sources.len(), events);
    resolution.resize(count, 1000.0);
    centre_of_resolution(&mut samples, &resolution);
    let mut support = vec![0_usize; count];
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
    // What hosts write first where they write much, then captures (their clocks are usually disciplined), then host logs,
    // then by support; ties by order.
    let rank = |source: usize| {
        let kind = match sources.get(source).map(|source| source.kind) {
            None => 0,
            Some(Some(SourceKind::Capture)) => 1,
            Some(_) if host_log[source] => 2,
            Some(_) => 3,
        };
        (kind, std::cmp::Reverse(support[source]), source)
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
                && (out + home).abs() <= EXCURSION
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

/// Times cut to a resolution mean its middle.
fn centre_of_resolution(samples: &mut BTreeMap<(u32, u32), Vec<Sample>>, resolution: &[f64]) {
    let half = |source: u32| (resolution[source as usize] * 500.0) as i64;
    for (&(a, b), list) in samples {
        for sample in list {
            sample.here += half(a);
            sample.there += half(b);
        }
    }
}

/// Places sources one by one, the best supported first, each against all that are placed already.
fn grow(
    root: usize,
    samples: &BTreeMap<(u32, u32), Vec<Sample>>,
    resolution: &[f64],
    events: &Events,
    clocks: &mut [Clock],
    placed: &mut [bool],
) -> Vec<usize> {
    let mut members = vec![root];
    // Pairs between each unplaced source and the placed ones.
    let mut reach: BTreeMap<usize, usize> = BTreeMap::new();
    let mut neighbours: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &(a, b) in samples.keys() {
        neighbours.entry(a as usize).or_default().push(b as usize);
        neighbours.entry(b as usize).or_default().push(a as usize);
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
        for &other in neighbours.get(&newest).map_or(&[][..], Vec::as_slice) {
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
                *reach.entry(other).or_default() += weight;
            }
        }
        let Some((&next, _)) = reach
            .iter()
            .max_by_key(|&(&source, &count)| (count, std::cmp::Reverse(source)))
        else {
            return members;
        };
        reach.remove(&next);
        let mut against: Vec<(Kind, Point)> = Vec::new();
        let mut coarse = resolution[next] >= 500.0;
        let (mut rough, mut fine) = (0_usize, 0_usize);
        for &other in neighbours.get(&next).map_or(&[][..], Vec::as_slice) {
            if !placed[other] {
                continue;
            }
            let here = list(next, other);
            if resolution[other] >= 500.0 {
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

/// The clock that explains these points: one line, or one a segment where it was set in between.
fn fit(against: &[(Kind, Point)], resolution_ms: f64, coarse: bool, events: &Events) -> Clock {
    let count = |kind: Kind| against.iter().filter(|(k, _)| *k == kind).count();
    let best = [Kind::Same, Kind::Near, Kind::Guess]
        .into_iter()
        .find(|kind| count(*kind) >= 3)
        .or_else(|| against.iter().map(|(kind, _)| *kind).min())
        .unwrap_or(Kind::Guess);
    let mut points: Vec<Point> = against
        .iter()
        .filter(|(kind, _)| *kind <= best)
        .map(|(_, point)| *point)
        .collect();
    points.sort_unstable_by_key(|point| (point.index, point.own, point.difference));
    let parts = if best == Kind::Guess {
        std::iter::once(0..points.len()).collect()
    } else {
        segments(&points)
    };
    let mut lines: Vec<(Line, usize, u32)> = Vec::new();
    let mut before: Option<Point> = None;
    for part in parts {
        let Some(of_part) = points.get(part) else {
            continue;
        };
        let (Some(first), Some(last)) = (of_part.first(), of_part.last()) else {
            continue;
        };
        let Some(line) = line(of_part, coarse) else {
            continue;
        };
        let from = before.map_or(0, |before| boundary(before, *first, events));
        lines.push((line, of_part.len(), from));
        before = Some(*last);
    }
    let Some((main, _, _)) = lines
        .iter()
        .max_by_key(|(line, _, from)| (line.count, std::cmp::Reverse(*from)))
        .copied()
    else {
        return Clock::unknown("own_word");
    };
    let steps = if lines.len() > 1 {
        lines
            .iter()
            .map(|(line, _, from)| Step {
                from: *from,
                offset_ms: line.level as f64 / 1000.0,
                drift_ppm: line.slope * 1e6,
                anchor: line.anchor,
            })
            .collect()
    } else {
        Vec::new()
    };
    let (extra, method) = match best {
        Kind::Same => (1.0, "pairs"),
        Kind::Near => (60.0, "pairs:connect"),
        Kind::Guess => (500.0, "pairs:cryptogram_to_request"),
    };
    Clock {
        offset_ms: main.level as f64 / 1000.0,
        drift_ppm: main.slope * 1e6,
        uncertainty_ms: 3.0 * main.spread_ms / (main.count.max(1) as f64).sqrt()
            + resolution_ms
            + extra,
        pairs: u32::try_from(lines.iter().map(|(line, ..)| line.count).sum::<usize>())
            .unwrap_or(u32::MAX),
        method,
        anchor: main.anchor,
        steps,
        island: u32::MAX,
        grounded: false,
    }
}

/// Cuts points (in the source's own order) where the offset changes for good.
fn segments(points: &[Point]) -> Vec<std::ops::Range<usize>> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while at < points.len() {
        let recent = &points[from.max(at.saturating_sub(9))..at];
        let mut differences: Vec<i64> = recent.iter().map(|point| point.difference).collect();
        if let Some(level) = median(&mut differences)
            && recent.len() >= JUMP_PAIRS
            && let Some(next) = points.get(at..at + JUMP_PAIRS)
        {
            let away = next
                .iter()
                .all(|point| (point.difference - level).abs() > JUMP);
            let together = next
                .iter()
                .all(|point| (point.difference - next[0].difference).abs() <= JUMP / 2);
            if away && together {
                parts.push(from..at);
                from = at;
            }
        }
        at += 1;
    }
    parts.push(from..points.len());
    parts
}

/// The event with which the clock's new segment begins: where its own time runs back or leaps most between two pairs.
fn boundary(before: Point, after: Point, events: &Events) -> u32 {
    let change = after.difference - before.difference;
    let mut best = (0_i64, after.index);
    let mut last: Option<i64> = None;
    for index in before.index..=after.index {
        let Some(at) = events.head(index).at().utc_micros else {
            continue;
        };
        if let Some(last) = last {
            // A leap in the direction of the change.
            let leap = (at - last) * change.signum();
            if leap > best.0 {
                best = (leap, index);
            }
        }
        last = Some(at);
    }
    if best.0 * 2 >= change.abs() {
        best.1
    } else {
        after.index
    }
}

/// A straight line through differences.
#[derive(Debug, Clone, Copy)]
struct Line {
    level: i64,
    slope: f64,
    spread_ms: f64,
    anchor: i64,
    count: usize,
}

fn line(points: &[Point], coarse: bool) -> Option<Line> {
    let mut differences: Vec<i64> = points.iter().map(|point| point.difference).collect();
    let rough = median(&mut differences)?;
    // A false pair lies far off: keep what lies near the median (drift over a day is seconds).
    let near: Vec<(i64, i64)> = points
        .iter()
        .filter(|point| (point.difference - rough).abs() <= 30 * SECOND)
        .map(|point| (point.own, point.difference))
        .collect();
    let anchor = near.iter().map(|point| point.0).min().unwrap_or(0);
    let mut slope = slope(&near);
    let levels_at = |slope: f64| -> Vec<i64> {
        near.iter()
            .map(|&(own, difference)| difference - ((own - anchor) as f64 * slope).round() as i64)
            .collect()
    };
    let mut levels = levels_at(slope);
    let mut level = median(&mut levels).unwrap_or(rough);
    let spread_of = |levels: &[i64], level: i64| {
        let mut residuals: Vec<i64> = levels.iter().map(|value| (value - level).abs()).collect();
        median(&mut residuals).unwrap_or(0) as f64 / 1000.0 * 1.4826
    };
    let mut spread_ms = spread_of(&levels, level);
    // A slope within its own error is none.
    let span = near.iter().map(|point| point.0).max().unwrap_or(0) - anchor;
    let error = spread_ms * 1000.0 * 12_f64.sqrt()
        / (span.max(1) as f64 * (near.len().max(1) as f64).sqrt());
    if slope != 0.0 && slope.abs() < 2.5 * error {
        slope = 0.0;
        levels = levels_at(0.0);
        level = median(&mut levels).unwrap_or(rough);
        spread_ms = spread_of(&levels, level);
    }
    if coarse && levels.len() >= 5 {
        // Times cut to seconds bound the offset from both sides: their middle is finer than any mean.
        levels.sort_unstable();
        let cut = levels.len() / 33;
        let (low, high) = (levels[cut], levels[levels.len() - 1 - cut]);
        if high - low <= SECOND + SECOND / 4 {
            level = i64::midpoint(low, high);
        }
    }
    Some(Line {
        level,
        slope,
        spread_ms,
        anchor,
        count: near.len(),
    })
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

fn collect(
    fragments: &[Fragment],
    pairs: &[(u32, u32)],
    sets: &[u32],
) -> BTreeMap<(u32, u32), Vec<Sample>> {
    let mut samples: BTreeMap<(u32, u32), Vec<Sample>> = BTreeMap::new();
    for &(a, b) in pairs {
        let (a, b) = (&fragments[a as usize], &fragments[b as usize]);
        let set = |fragment: &Fragment| sets[fragment.source as usize];
        let (a, b) = if set(a) <= set(b) { (a, b) } else { (b, a) };
        if set(a) == set(b) {
            continue;
        }
        let (Some(&here_index), Some(&there_index)) = (a.events.first(), b.events.first()) else {
            continue;
        };
        let list = samples.entry((set(a), set(b))).or_default();
        let mut add = |kind: Kind, here: Option<i64>, there: Option<i64>| {
            if let (Some(here), Some(there)) = (here, there) {
                list.push(Sample {
                    here,
                    there,
                    kind,
                    here_index,
                    there_index,
                });
                return true;
            }
            false
        };
        let mut known = add(Kind::Same, a.cryptogram_at, b.cryptogram_at);
        known |= add(Kind::Same, a.request_at, b.request_at);
        known |= add(Kind::Same, a.response_at, b.response_at);
        known |= add(Kind::Near, a.connecting_at, b.connecting_at);
        known |= add(Kind::Near, a.activated_at, b.activated_at);
        if !known {
            let later = |at: Option<i64>| at.map(|at| at + CRYPTOGRAM_TO_REQUEST);
            let _ = add(Kind::Guess, later(a.cryptogram_at), b.request_at)
                || add(Kind::Guess, a.request_at, later(b.cryptogram_at))
                || add(Kind::Guess, a.first, b.first);
        }
    }
    samples.retain(|_, list| !list.is_empty());
    samples
}

/// Adds each host as a clock of its own, behind the sources; how many there are.
fn host_samples(
    sources: usize,
    fragments: &[Fragment],
    sets: &[u32],
    samples: &mut BTreeMap<(u32, u32), Vec<Sample>>,
) -> usize {
    let mut by: BTreeMap<(&Text, u32), Vec<Sample>> = BTreeMap::new();
    for fragment in fragments {
        let (Some(host), Some((at, of_day)), Some(&index)) = (
            fragment.keys.host.as_ref(),
            fragment.host_time,
            fragment.events.first(),
        ) else {
            continue;
        };
        let apart = (at.rem_euclid(DAY) - of_day).rem_euclid(HALF_HOUR);
        let apart = if apart > HALF_HOUR / 2 {
            apart - HALF_HOUR
        } else {
            apart
        };
        by.entry((host, sets[fragment.source as usize]))
            .or_default()
            .push(Sample {
                here: at,
                there: at - apart,
                kind: Kind::Same,
                here_index: index,
                there_index: 0,
            });
    }
    // A host that writes something else than the time is no clock: its differences do not stay together.
    by.retain(|_, list| {
        let mut apart: Vec<i64> = list.iter().map(|s| s.here - s.there).collect();
        apart.sort_unstable();
        let (low, high) = (apart[apart.len() / 4], apart[apart.len() * 3 / 4]);
        list.len() >= DRIFT_PAIRS && high - low <= 2 * SECOND
    });
    let mut hosts: BTreeMap<&Text, usize> = BTreeMap::new();
    for (host, _) in by.keys() {
        let next = hosts.len();
        hosts.entry(*host).or_insert(next);
    }
    for ((host, source), list) in by {
        let node = (sources + hosts[host]) as u32;
        samples.insert((source, node), list);
    }
    hosts.len()
}

/// The coarsest usual resolution of each source, milliseconds.
fn resolutions(count: usize, events: &Events) -> Vec<f64> {
    // The worst of the fine ones, how many are coarse, how many there are: a stray line in seconds makes no log coarse.
    let mut seen = vec![(0_u32, 0_usize, 0_usize); count];
    for event in events.heads() {
        let (worst, coarse, all) = &mut seen[event.source as usize];
        let micros = event.at().quality.resolution_micros.min(1_000_000);
        *all += 1;
        if micros >= 500_000 {
            *coarse += 1;
        } else {
            *worst = (*worst).max(micros);
        }
    }
    seen.into_iter()
        .map(|(worst, coarse, all)| {
            let micros = if coarse * 2 >= all.max(1) {
                1_000_000
            } else {
                worst
            };
            f64::from(micros) / 1000.0
        })
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

#[cfg(test)]
mod tests;
