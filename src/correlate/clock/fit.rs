//! The line, or the lines where a clock was set, through a source's differences from what is placed already.

use super::SECOND;
use super::samples::Kind;
use crate::correlate::model::{Clock, Step};
use crate::event::Events;

/// Pairs needed before a drift is fitted, and over which span.
const DRIFT_PAIRS: usize = 8;
const DRIFT_SPAN: i64 = 60 * 60_000_000;
/// How far moments that two sources saw lie apart, at least, where few pairs tell.
const FEW_SPREAD_MS: f64 = 10.0;
/// How far crystals usually are off.
const USUAL_DRIFT: f64 = 25e-6;
/// Differences of a stretch whose second is looked for.
const STRETCH_POINTS: usize = 40;
/// A change of the offset by more than this, and in so many pairs running, is a clock that was set.
const JUMP: i64 = 4_000_000;
const JUMP_PAIRS: usize = 3;

/// A sample as the source that is being placed sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub index: u32,
    pub own: i64,
    pub difference: i64,
}

/// The clock that explains these points: one line, or one a segment where it was set in between.
pub(super) fn fit(
    against: &[(Kind, Point)],
    resolution_ms: f64,
    coarse: bool,
    events: &Events,
) -> Clock {
    let count = |kind: Kind| against.iter().filter(|(k, _)| *k == kind).count();
    // A few exact pairs say less than many near ones: they leave the drift open.
    let kinds = [Kind::Same, Kind::Near, Kind::Guess];
    let best = [DRIFT_PAIRS, 3]
        .into_iter()
        .find_map(|enough| kinds.into_iter().find(|kind| count(*kind) >= enough))
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
    // A handful of points may lie close together by chance.
    let spread_ms = if main.count < DRIFT_PAIRS {
        main.spread_ms.max(FEW_SPREAD_MS)
    } else {
        main.spread_ms
    };
    let (extra, method) = match best {
        Kind::Same => (1.0, "pairs"),
        Kind::Near => (60.0, "pairs:connect"),
        Kind::Guess => (500.0, "pairs:cryptogram_to_request"),
    };
    Clock {
        offset_ms: main.level as f64 / 1000.0,
        drift_ppm: main.slope * 1e6,
        uncertainty_ms: 3.0 * spread_ms / (main.count.max(1) as f64).sqrt() + resolution_ms + extra,
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
pub(super) fn segments(points: &[Point]) -> Vec<std::ops::Range<usize>> {
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
pub(super) struct Line {
    pub level: i64,
    pub slope: f64,
    spread_ms: f64,
    pub anchor: i64,
    count: usize,
}

pub(super) fn line(points: &[Point], coarse: bool) -> Option<Line> {
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
    // Crystals differ by some tens of ppm: the less the points say, the less of their slope is believed.
    let span = near.iter().map(|point| point.0).max().unwrap_or(0) - anchor;
    let error = spread_ms * 1000.0 * 12_f64.sqrt()
        / (span.max(1) as f64 * (near.len().max(1) as f64).sqrt());
    if slope != 0.0 {
        slope /= 1.0 + (error / USUAL_DRIFT).powi(2);
        levels = levels_at(slope);
        level = median(&mut levels).unwrap_or(rough);
        spread_ms = spread_of(&levels, level);
    }
    if coarse {
        // In the order of the points again: a median puts them in disorder.
        levels = levels_at(slope);
        if let Some(more) = slope_of_seconds(&near, &levels).or_else(|| strip(&near, &levels)) {
            slope += more;
            levels = levels_at(slope);
        }
        levels.sort_unstable();
        level = second(&levels).unwrap_or(level);
    }
    Some(Line {
        level,
        slope,
        spread_ms,
        anchor,
        count: near.len(),
    })
}

/// What slope is left in differences of times that were cut to seconds: by where the second lies in each stretch of the day.
fn slope_of_seconds(points: &[(i64, i64)], levels: &[i64]) -> Option<f64> {
    let mut sorted: Vec<(i64, i64)> = points
        .iter()
        .zip(levels)
        .map(|(p, at)| (p.0, *at))
        .collect();
    sorted.sort_unstable();
    let stretches = (sorted.len() / STRETCH_POINTS).min(48);
    if stretches < DRIFT_PAIRS {
        return None;
    }
    let found: Vec<(i64, i64)> = sorted
        .chunks(sorted.len().div_ceil(stretches))
        .filter(|chunk| chunk.len() >= STRETCH_POINTS / 2)
        .filter_map(|chunk| {
            let mut differences: Vec<i64> = chunk.iter().map(|point| point.1).collect();
            differences.sort_unstable();
            Some((chunk[chunk.len() / 2].0, second(&differences)?))
        })
        .collect();
    if found.len() < DRIFT_PAIRS {
        return None;
    }
    // Every pair: of half-distant ones a crowded quarter of the day would touch the half.
    let pairs = found.iter().enumerate().flat_map(|(n, early)| {
        let later = found.get(n + 1..).unwrap_or_default().iter();
        later.map(move |late| (early, late))
    });
    Some(theil_sen(
        pairs.filter(|(early, late)| late.0 - early.0 > DRIFT_SPAN / 4),
    ))
}

/// Of few differences of times that were cut to seconds, what slope is left: that of the strip, one second high, that holds most.
fn strip(points: &[(i64, i64)], levels: &[i64]) -> Option<f64> {
    const STEPS: i32 = 50;
    if points.len() < DRIFT_PAIRS {
        return None;
    }
    let (from, to) = points.iter().fold((i64::MAX, i64::MIN), |(from, to), p| {
        (from.min(p.0), to.max(p.0))
    });
    if to - from < DRIFT_SPAN {
        return None;
    }
    let mut turned = vec![0; points.len()];
    let held: Vec<(f64, usize)> = (-STEPS..=STEPS)
        .filter_map(|step| {
            let slope = f64::from(step) * 1e-6;
            for ((to, point), at) in turned.iter_mut().zip(points).zip(levels) {
                *to = at - ((point.0 - from) as f64 * slope).round() as i64;
            }
            turned.sort_unstable();
            Some((slope, densest_second(&turned)?.0))
        })
        .collect();
    let most = held.iter().map(|(_, count)| *count).max()?;
    let mut best = held.iter().filter(|(_, count)| *count == most);
    let first = best.next()?.0;
    let last = best.next_back().map_or(first, |(slope, _)| *slope);
    Some(f64::midpoint(first, last))
}

/// The middle of the second that holds most of the (sorted) differences of times that were cut to seconds. They fill it evenly, so
/// that its edges are known far better than their mean; what a crowded line or a slow host delays falls out at one end.
fn second(sorted: &[i64]) -> Option<i64> {
    densest_second(sorted).map(|(_, middle)| middle)
}

/// How many of the differences the fullest second holds, and its middle.
fn densest_second(sorted: &[i64]) -> Option<(usize, i64)> {
    const FEWEST: usize = 5;
    let cut = sorted.len() / 33;
    let width = sorted.get(sorted.len().checked_sub(1 + cut)?)? - sorted[cut];
    // So many that do not fill it were not cut to seconds.
    if sorted.len() < FEWEST || (sorted.len() >= STRETCH_POINTS / 2 && width < SECOND * 3 / 4) {
        return None;
    }
    // How many a second holds that begins here, where a difference enters at its end or one leaves at its beginning.
    let begins = sorted.iter().copied();
    let ends = sorted.iter().map(|at| at - SECOND);
    let mut turns: Vec<i64> = begins.chain(ends).collect();
    turns.sort_unstable();
    let (mut low, mut high) = (0, 0);
    let held: Vec<(i64, usize)> = turns
        .into_iter()
        .map(|from| {
            low += sorted[low..].partition_point(|at| *at < from);
            high += sorted[high..].partition_point(|at| *at <= from + SECOND);
            (from, high - low)
        })
        .collect();
    let most = held.iter().map(|(_, count)| *count).max()?;
    if most * 5 < sorted.len() * 3 {
        return None;
    }
    // The middle of all that hold about as many: where just one more lies is chance.
    let enough = most - (most / 100).max(1).min(most);
    let mut good = held.iter().filter(|(_, count)| *count >= enough);
    let first = good.next()?.0;
    let last = good.next_back().map_or(first, |(from, _)| *from);
    Some((most, i64::midpoint(first, last) + SECOND / 2))
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
    let pairs = sorted.iter().zip(&sorted[half..]);
    theil_sen(pairs.filter(|(early, late)| late.0 - early.0 > DRIFT_SPAN / 4))
}

/// The median slope of pairs of points, zero where there is none.
fn theil_sen<'a>(pairs: impl Iterator<Item = (&'a (i64, i64), &'a (i64, i64))>) -> f64 {
    let mut slopes: Vec<f64> = pairs
        .map(|(early, late)| (late.1 - early.1) as f64 / (late.0 - early.0) as f64)
        .collect();
    if slopes.is_empty() {
        return 0.0;
    }
    let slope = median_f64(&mut slopes);
    // No crystal drifts by more than 500 ppm: that is a jump, not a drift.
    if slope.abs() > 5e-4 { 0.0 } else { slope }
}

pub(super) fn median(values: &mut [i64]) -> Option<i64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    Some(*values.select_nth_unstable(middle).1)
}

pub(super) fn median_f64(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
