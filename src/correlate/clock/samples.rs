//! Moments that two sources saw, gathered from pairs of fragments and from what hosts write into answers.

use std::collections::BTreeMap;

use super::fit::median;
use super::{DAY, SECOND};
use crate::correlate::fragment::Fragment;
use crate::event::{Events, Text};

/// What a request takes after the cryptogram, where no log tells of both.
const CRYPTOGRAM_TO_REQUEST: i64 = 400_000;
/// Likewise after the line that says that it connects.
const CONNECTING_TO_REQUEST: i64 = 150_000;
/// Likewise the line that tells the outcome after the answer.
const RESPONSE_TO_TOLD: i64 = 100_000;
/// From this resolution on a source's times are cut to seconds.
pub(super) const COARSE_MS: f64 = 500.0;
/// Logs that tell of both are asked from so many payments on.
const BOTH_TOLD: usize = 20;
/// A way to the host that takes longer was held up: it says nothing of the usual one.
const LONGEST_ROUND_TRIP: i64 = SECOND;
/// Times of a host's answers fold into half hours: its zone is not known.
const HALF_HOUR: i64 = 30 * 60_000_000;
/// Pairs that a host must have answered to be a clock.
const HOST_PAIRS: usize = 8;

/// How alike two moments are, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The same moment: a message, a cryptogram.
    Same,
    /// Within some ten milliseconds: connecting and its first packet, a card and the line about it.
    Near,
    /// Cause and consequence.
    Guess,
}

/// One event seen by two sources.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Time by the first source's clock.
    pub here: i64,
    /// Time by the second's.
    pub there: i64,
    pub kind: Kind,
    /// Events at which the two stand: which segment of a clock holds.
    pub here_index: u32,
    pub there_index: u32,
}

pub(super) fn collect(
    fragments: &[Fragment],
    pairs: &[(u32, u32)],
    sets: &[u32],
    resolution: &[f64],
) -> BTreeMap<(u32, u32), Vec<Sample>> {
    let fine = |fragment: &Fragment| resolution[fragment.source as usize] < COARSE_MS;
    let mut samples: BTreeMap<(u32, u32), Vec<Sample>> = BTreeMap::new();
    let usual = Usual::of(fragments);
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
        let mut known = add(Kind::Same, a.cryptogram_at.get(), b.cryptogram_at.get());
        // The way there delays one, the way back the other: their middle is the same at both ends. Times cut to seconds stay
        // apart, since it is the edges of the second that tell.
        if fine(a) && fine(b) && add(Kind::Same, a.middle(), b.middle()) {
            known = true;
        } else {
            known |= add(Kind::Same, a.request_at.get(), b.request_at.get());
            known |= add(Kind::Same, a.response_at.get(), b.response_at.get());
        }
        known |= add(Kind::Near, a.connecting_at.get(), b.connecting_at.get());
        known |= add(Kind::Near, a.activated_at.get(), b.activated_at.get());
        if !known {
            let connects =
                |of: &Fragment| Some(of.connecting_at.get()? + usual.connecting_to_request);
            let read = |of: &Fragment| Some(of.cryptogram_at.get()? + usual.cryptogram_to_request);
            let answered = |of: &Fragment| Some(of.told_at.get()? - usual.response_to_told);
            let _ = add(Kind::Guess, answered(a), b.response_at.get())
                || add(Kind::Guess, a.response_at.get(), answered(b))
                || add(Kind::Guess, connects(a), b.request_at.get())
                || add(Kind::Guess, a.request_at.get(), connects(b))
                || add(Kind::Guess, read(a), b.request_at.get())
                || add(Kind::Guess, a.request_at.get(), read(b))
                || add(Kind::Guess, a.first.get(), b.first.get());
        }
    }
    samples.retain(|_, list| !list.is_empty());
    samples
}

impl Fragment {
    /// Between request and answer.
    fn middle(&self) -> Option<i64> {
        let (request, response) = self.request_at.get().zip(self.response_at.get())?;
        Some(i64::midpoint(request, response))
    }
}

/// What terminals usually take, by those whose logs tell of both ends: where a source shows but one, the other is about there.
struct Usual {
    connecting_to_request: i64,
    cryptogram_to_request: i64,
    response_to_told: i64,
}

impl Usual {
    fn of(fragments: &[Fragment]) -> Self {
        let median_of = |unknown: i64, apart: &dyn Fn(&Fragment) -> Option<i64>| {
            let mut told: Vec<i64> = fragments
                .iter()
                .filter_map(apart)
                .filter(|apart| (0..=10 * SECOND).contains(apart))
                .collect();
            if told.len() < BOTH_TOLD {
                return unknown;
            }
            median(&mut told).unwrap_or(unknown)
        };
        Self {
            connecting_to_request: median_of(CONNECTING_TO_REQUEST, &|of| {
                Some(of.request_at.get()? - of.connecting_at.get()?)
            }),
            cryptogram_to_request: median_of(CRYPTOGRAM_TO_REQUEST, &|of| {
                Some(of.request_at.get()? - of.cryptogram_at.get()?)
            }),
            response_to_told: median_of(RESPONSE_TO_TOLD, &|of| {
                Some(of.told_at.get()? - of.response_at.get()?)
            }),
        }
    }
}

/// Adds each host as a clock of its own, behind the sources; how many there are.
pub(super) fn host_samples(
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
        // The host wrote its time when it sent the answer.
        let way = fragment.round_trip.get().unwrap_or(0) / 2;
        let at = at - way.clamp(0, LONGEST_ROUND_TRIP / 2);
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
        list.len() >= HOST_PAIRS && high - low <= 2 * SECOND
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
pub(super) fn resolutions(count: usize, events: &Events) -> Vec<f64> {
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

/// Times cut to a resolution mean its middle.
pub(super) fn centre_of_resolution(
    samples: &mut BTreeMap<(u32, u32), Vec<Sample>>,
    resolution: &[f64],
) {
    let half = |source: u32| (resolution[source as usize] * 500.0) as i64;
    for (&(a, b), list) in samples {
        for sample in list {
            sample.here += half(a);
            sample.there += half(b);
        }
    }
}
