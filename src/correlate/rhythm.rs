//! Finds which address an unnamed terminal has (and its clock) from the rhythm of its connections, where payloads are encrypted.
//!
//! A log's "connecting" lines and an address's connections are two point sequences; at the right offset they fall together.

use std::collections::BTreeMap;

use super::fragment::{Fragment, Shape};
use super::identity::Identity;
use super::model::Clock;
use crate::event::{Event, Payload, Signal, Source, SourceKind, Text};

/// Points needed on both sides.
const ENOUGH: usize = 6;
/// How far a clock may be off, beside whole hours.
const REACH: i64 = 20 * 60_000_000;
/// Two points fall together within this.
const NEAR: i64 = 1_500_000;
/// Connecting and sending, said one after the other, are one moment.
const SAME_MOMENT: i64 = 5_000_000;

/// Binds addresses to terminals and gives their logs a clock, where no payment message could.
pub(super) fn bind(
    sources: &[Source],
    fragments: &[Fragment],
    events: &[Event],
    identity: &mut Identity,
    clocks: &mut [Clock],
) {
    // Address and host together: a terminal also talks to others.
    let mut by_device: BTreeMap<(Text, Text), Vec<i64>> = BTreeMap::new();
    for fragment in fragments.iter().filter(|fragment| fragment.shape == Shape::Connection) {
        let (Some(device), Some(host)) = (&fragment.keys.device, &fragment.keys.host) else {
            continue;
        };
        if identity.knows_device(device) {
            continue;
        }
        for &index in &fragment.events {
            let event = &events[index as usize];
            if let (Payload::Tcp(connection), Some(at)) = (&event.payload, event.at.utc_micros)
                && connection.opening_seen
            {
                let at = clocks[event.source as usize].align(at);
                by_device.entry((device.clone(), host.clone())).or_default().push(at);
            }
        }
    }
    by_device.retain(|_, times| times.len() >= ENOUGH);
    if by_device.is_empty() {
        return;
    }
    for times in by_device.values_mut() {
        times.sort_unstable();
    }
    let mut found: Vec<(usize, u32, Text, i64)> = Vec::new();
    for (source, log) in online_moments(sources, events) {
        if log.len() < ENOUGH || identity.terminal_of_source(source).is_none() {
            continue;
        }
        let clock = &clocks[source as usize];
        for ((device, _), connections) in &by_device {
            let Some((offset, hits)) = best_offset(&log, connections, (clock.pairs > 0).then_some(clock)) else {
                continue;
            };
            if hits >= ENOUGH && hits * 4 >= log.len() * 3 {
                found.push((hits, source, device.clone(), offset));
            }
        }
    }
    // The best supported first; each log and each address once.
    found.sort_by(|a, b| {
        (std::cmp::Reverse(a.0), a.1, &a.2).cmp(&(std::cmp::Reverse(b.0), b.1, &b.2))
    });
    let mut used: Vec<u32> = Vec::new();
    for (hits, source, device, offset) in found {
        if used.contains(&source) || identity.knows_device(&device) {
            continue;
        }
        let Some(terminal) = identity.terminal_of_source(source).cloned() else {
            continue;
        };
        used.push(source);
        identity.bind_device(device, terminal);
        let clock = &mut clocks[source as usize];
        if clock.pairs == 0 {
            *clock = Clock {
                offset_ms: offset as f64 / 1000.0,
                drift_ppm: 0.0,
                uncertainty_ms: 1500.0,
                pairs: u32::try_from(hits).unwrap_or(u32::MAX),
                method: "rhythm",
                anchor: 0,
            };
        }
    }
}

/// When each log says that it goes online; a line soon after another is the same moment.
fn online_moments(sources: &[Source], events: &[Event]) -> BTreeMap<u32, Vec<i64>> {
    let mut by_source: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for event in events {
        if sources[event.source as usize].kind == Some(SourceKind::Capture) {
            continue;
        }
        if let (Payload::Log(line), Some(at)) = (&event.payload, event.at.utc_micros)
            && matches!(line.signal, Signal::Connecting | Signal::RequestSent)
        {
            let moments = by_source.entry(event.source).or_default();
            if moments.last().is_none_or(|&last| at - last > SAME_MOMENT) {
                moments.push(at);
            }
        }
    }
    by_source
}

/// The offset (log minus reference) at which most points fall together, and how many do.
fn best_offset(log: &[i64], reference: &[i64], known: Option<&Clock>) -> Option<(i64, usize)> {
    if let Some(clock) = known {
        let aligned: Vec<i64> = log.iter().map(|&at| clock.align(at)).collect();
        return Some((0, hits(&aligned, reference, 0)));
    }
    // Votes of all near differences, in bins of a second; whole hours for wrong zones.
    let mut votes: BTreeMap<i64, u32> = BTreeMap::new();
    for &at in log.iter().take(400) {
        for hours in -14..=14_i64 {
            let shift = hours * 3_600_000_000;
            let from = reference.partition_point(|&there| there < at - shift - REACH);
            for &there in reference[from..]
                .iter()
                .take_while(|&&there| there <= at - shift + REACH)
            {
                *votes.entry((at - there).div_euclid(1_000_000)).or_default() += 1;
            }
        }
    }
    let (&best, _) = votes
        .iter()
        .max_by_key(|&(bin, count)| (*count, std::cmp::Reverse(bin.abs())))?;
    let offset = best * 1_000_000 + 500_000;
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
