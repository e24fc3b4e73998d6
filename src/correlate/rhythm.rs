//! Finds which address an unnamed terminal has (and the clocks of both) from the rhythm of its connections, where payloads are encrypted.
//!
//! A log's "connecting" lines and an address's connections are two point sequences; at the right offset they fall together.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::fragment::{Fragment, Shape};
use super::identity::Identity;
use super::model::Clock;
use crate::event::{Events, Payload, Signal, Source, SourceKind, Text, What};

/// Points needed on both sides.
const ENOUGH: usize = 6;
/// How far clocks may be apart, beside whole hours.
const REACH: i64 = 20 * 60_000_000;
/// Clocks of other zones are off by so many whole hours at most.
const ZONES: i64 = 14;
const HOUR: i64 = 3_600_000_000;
/// Two points fall together within this.
const NEAR: i64 = 1_500_000;
/// Connecting and sending, said one after the other, are one moment.
const SAME_MOMENT: i64 = 5_000_000;
/// What a terminal takes from the cryptogram to its first packet.
const CRYPTOGRAM_TO_CONNECT: i64 = 350_000;
/// Points of a log that vote for an offset; more add cost and no certainty.
const VOTERS: usize = 64;

/// A capture set (rotated files of one place), an address in it, and a host it calls: a terminal also talks to others.
type Line = (Text, Text, Text);

/// An address whose connections keep the time of a log.
struct Match {
    hits: usize,
    log: u32,
    line: Line,
    /// Log minus capture, both as aligned so far.
    offset: i64,
}

/// Binds addresses to terminals and gives clocks to logs and captures, where no payment message could.
pub(super) fn bind(
    sources: &[Source],
    fragments: &[Fragment],
    events: &Events,
    identity: &mut Identity,
    clocks: &mut [Clock],
) {
    let sets: Vec<Text> = sources
        .iter()
        .map(|source| capture_set(&source.path))
        .collect();
    // First round: captures that no message could place; second: addresses, on the clocks found.
    for settle_captures in [true, false] {
        // A capture may be placed by terminals whose address is known, too.
        let moments = online_moments(sources, fragments, events, identity, settle_captures);
        if moments.is_empty() {
            continue;
        }
        let lines = lines(&sets, fragments, events, identity, clocks, settle_captures);
        let mut found: Vec<Match> = moments
            .par_iter()
            .flat_map_iter(|(&log, times)| {
                let clock = &clocks[log as usize];
                let aligned: Vec<i64> = times
                    .iter()
                    .map(|&(index, at)| clock.align_event(index, at))
                    .collect();
                let free = settle_captures || !clock.grounded;
                let reach = if free { ZONES * HOUR + REACH } else { NEAR };
                let first = aligned.iter().min().map_or(0, |at| at - reach);
                let last = aligned.iter().max().map_or(0, |at| at + reach);
                lines
                    .iter()
                    .filter(|(_, connections)| {
                        let within = connections.partition_point(|&at| at <= last)
                            - connections.partition_point(|&at| at < first);
                        // A connection is met by one point of a log, or by its retry: too few are no rhythm.
                        within * 2 >= needed(aligned.len())
                    })
                    .filter_map(|(line, connections)| {
                        let (offset, hits) = best_offset(&aligned, connections, free)?;
                        (hits >= needed(aligned.len())).then(|| Match {
                            hits,
                            log,
                            line: line.clone(),
                            offset,
                        })
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        // The best supported first; each log and each address once.
        found.sort_by(|a, b| {
            (std::cmp::Reverse(a.hits), a.log, &a.line).cmp(&(
                std::cmp::Reverse(b.hits),
                b.log,
                &b.line,
            ))
        });
        if settle_captures {
            settle(&found, &sets, clocks);
        } else {
            bind_addresses(&found, identity, clocks);
        }
    }
}

/// Moves captures without a clock next to the logs whose rhythm they keep.
fn settle(found: &[Match], sets: &[Text], clocks: &mut [Clock]) {
    let mut done: BTreeSet<&Text> = BTreeSet::new();
    for one in found {
        let log = &clocks[one.log as usize];
        let (island, grounded) = (log.island, log.grounded);
        if log.pairs == 0 || !done.insert(&one.line.0) {
            continue;
        }
        for (clock, set) in clocks.iter_mut().zip(sets) {
            if clock.pairs == 0 && *set == one.line.0 {
                *clock = Clock {
                    island,
                    grounded,
                    ..rhythm_clock(-one.offset, one.hits)
                };
            }
        }
        // What hung together with the log now hangs together with the capture.
        if !grounded {
            for clock in clocks.iter_mut().filter(|clock| clock.island == island) {
                clock.grounded = true;
            }
        }
    }
}

fn bind_addresses(found: &[Match], identity: &mut Identity, clocks: &mut [Clock]) {
    let mut used: BTreeSet<u32> = BTreeSet::new();
    for one in found {
        let device = &one.line.1;
        if used.contains(&one.log) || identity.knows_device(device) {
            continue;
        }
        let Some(terminal) = identity.terminal_of_source(one.log).cloned() else {
            continue;
        };
        used.insert(one.log);
        identity.bind_device(device.clone(), terminal);
        let (pairs, grounded, island) = {
            let clock = &clocks[one.log as usize];
            (clock.pairs, clock.grounded, clock.island)
        };
        if pairs == 0 {
            clocks[one.log as usize] = Clock {
                grounded: true,
                ..rhythm_clock(one.offset, one.hits)
            };
        } else if !grounded {
            // The log and its dialogue file know each other, but no capture: they move together.
            for clock in clocks.iter_mut().filter(|clock| clock.island == island) {
                clock.move_by(one.offset);
                clock.grounded = true;
                clock.uncertainty_ms = clock.uncertainty_ms.max(1500.0);
            }
        }
    }
}

fn rhythm_clock(offset: i64, hits: usize) -> Clock {
    Clock {
        offset_ms: offset as f64 / 1000.0,
        drift_ppm: 0.0,
        uncertainty_ms: 1500.0,
        pairs: u32::try_from(hits).unwrap_or(u32::MAX),
        method: "rhythm",
        anchor: 0,
        steps: Vec::new(),
        island: u32::MAX,
        grounded: false,
    }
}

/// Rotated files of one place share a clock: the path without its digits names the set.
fn capture_set(path: &str) -> Text {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let plain: String = file.chars().filter(|c| !c.is_ascii_digit()).collect();
    Text::from(format!("{folder}/{plain}"))
}

/// When each address opened connections to each host, by capture set.
fn lines(
    sets: &[Text],
    fragments: &[Fragment],
    events: &Events,
    identity: &Identity,
    clocks: &[Clock],
    only_unplaced: bool,
) -> BTreeMap<Line, Vec<i64>> {
    let mut lines: BTreeMap<Line, Vec<i64>> = BTreeMap::new();
    for fragment in fragments
        .iter()
        .filter(|fragment| fragment.shape == Shape::Connection)
    {
        let clock = &clocks[fragment.source as usize];
        let (Some(device), Some(host)) = (&fragment.keys.device, &fragment.keys.host) else {
            continue;
        };
        let placed = if only_unplaced {
            clock.pairs > 0
        } else {
            identity.knows_device(device)
        };
        if placed {
            continue;
        }
        for &index in &fragment.events {
            if events.head(index).what != What::Tcp {
                continue;
            }
            let event = events.get(index);
            if let (Payload::Tcp(connection), Some(at)) = (&event.payload, event.at.utc_micros)
                && connection.opening_seen
            {
                let line = (
                    sets[event.source as usize].clone(),
                    device.clone(),
                    host.clone(),
                );
                lines.entry(line).or_default().push(clock.align(at));
            }
        }
    }
    lines.retain(|_, times| times.len() >= ENOUGH);
    for times in lines.values_mut() {
        times.sort_unstable();
    }
    lines
}

/// When each log says that it goes online (or its dialogue gives a cryptogram, where no line says so); only of terminals
/// whose address is not known. A line soon after another is the same moment.
fn online_moments(
    sources: &[Source],
    fragments: &[Fragment],
    events: &Events,
    identity: &Identity,
    all: bool,
) -> BTreeMap<u32, Vec<(u32, i64)>> {
    // Serial numbers name terminals too: only addresses count here.
    let known: BTreeSet<&Text> = identity
        .devices()
        .filter(|(device, _)| is_address(device))
        .map(|(_, terminal)| terminal)
        .collect();
    let wanted = |source: u32| {
        sources[source as usize].kind != Some(SourceKind::Capture)
            && identity
                .terminal_of_source(source)
                .is_some_and(|terminal| all || !known.contains(terminal))
    };
    let mut by_source: BTreeMap<u32, Vec<(u32, i64)>> = BTreeMap::new();
    let mut add = |source: u32, index: u32, at: i64| {
        let moments = by_source.entry(source).or_default();
        if moments
            .last()
            .is_none_or(|&(_, last)| (at - last).abs() > SAME_MOMENT)
        {
            moments.push((index, at));
        }
    };
    for (event, index) in events.heads().iter().zip(0_u32..) {
        if let (What::Log(Signal::Connecting | Signal::RequestSent), Some(at)) =
            (event.what, event.at().utc_micros)
            && wanted(event.source)
        {
            add(event.source, index, at);
        }
    }
    let said: BTreeSet<u32> = by_source.keys().copied().collect();
    let mut add = |source: u32, index: u32, at: i64| {
        by_source.entry(source).or_default().push((index, at));
    };
    for fragment in fragments {
        if fragment.shape == Shape::Stretch
            && !said.contains(&fragment.source)
            && let (Some(at), Some(&index)) =
                (fragment.cryptogram_at.get(), fragment.events.first())
            && wanted(fragment.source)
        {
            add(fragment.source, index, at + CRYPTOGRAM_TO_CONNECT);
        }
    }
    by_source.retain(|_, moments| moments.len() >= ENOUGH);
    by_source
}

fn is_address(device: &str) -> bool {
    device.parse::<std::net::IpAddr>().is_ok() || device.parse::<std::net::SocketAddr>().is_ok()
}

/// How many of a log's points must meet a connection.
fn needed(points: usize) -> usize {
    (points * 3).div_ceil(5).max(ENOUGH)
}

/// The offset (log minus reference) at which most points fall together, and how many do.
fn best_offset(log: &[i64], reference: &[i64], free: bool) -> Option<(i64, usize)> {
    if !free {
        return Some((0, hits(log, reference, 0)));
    }
    // All near differences vote, in bins of a second; whole hours for wrong zones.
    let step = log.len().div_ceil(VOTERS).max(1);
    let mut votes: Vec<i64> = Vec::new();
    for &at in log.iter().step_by(step) {
        let earliest = at - ZONES * HOUR - REACH;
        let from = reference.partition_point(|&there| there < earliest);
        let apart = reference[from..].iter().map(|&there| at - there);
        votes.extend(
            apart
                .take_while(|&apart| apart >= -ZONES * HOUR - REACH)
                // A window is less than an hour wide: a difference lies in that of its nearest hour, or in none.
                .filter(|&apart| ((apart + HOUR / 2).rem_euclid(HOUR) - HOUR / 2).abs() <= REACH)
                .map(|apart| apart.div_euclid(1_000_000)),
        );
    }
    votes.sort_unstable();
    let best = votes
        .chunk_by(|a, b| a == b)
        .max_by_key(|bin| (bin.len(), std::cmp::Reverse(bin[0].abs())))?;
    // What is counted below lies in seven bins at most, none of them fuller: most pairs end here.
    if step == 1 && best.len() * 7 < needed(log.len()) {
        return None;
    }
    let best = best[0];
    // The bin is a second wide: the median difference within it and its neighbours is finer.
    let mut near: Vec<i64> = log
        .iter()
        .filter_map(|&at| {
            let wanted = at - best * 1_000_000 - 500_000;
            let from = reference.partition_point(|&there| there < wanted - NEAR);
            reference
                .get(from)
                .filter(|&&there| there <= wanted + NEAR)
                .map(|&there| at - there)
        })
        .collect();
    let middle = near.len() / 2;
    let offset = *near
        .get_mut(..)
        .filter(|near| !near.is_empty())?
        .select_nth_unstable(middle)
        .1;
    Some((offset, hits(log, reference, offset)))
}

fn hits(log: &[i64], reference: &[i64], offset: i64) -> usize {
    log.iter()
        .filter(|&&at| {
            let at = at - offset;
            let from = reference.partition_point(|&there| there < at - NEAR);
            reference.get(from).is_some_and(|&there| there <= at + NEAR)
        })
        .count()
}
