//! Joins the few sources of one incident: a log that does not say whose it is, and a capture with a handful of addresses.
//!
//! `rhythm` needs many connections to tell terminals apart. Where there is hardly anybody to confuse, few payments do: the same
//! amounts at the same distances, on clocks that differ by nothing or by whole quarters of an hour.

use std::collections::BTreeMap;

use super::fragment::{Fragment, Shape};
use super::identity::Identity;
use super::model::Clock;
use super::told::{self, FEW, PAYMENTS, Told};
use crate::event::{Source, Text};

/// Clocks of different zones differ by multiples of this, up to a day's half and two hours.
const QUARTER: i64 = 900_000_000;
const QUARTERS: i64 = 56;
/// How far outside of what a log tells of a payment its connection may begin.
const MARGIN: i64 = 5_000_000;
/// Two accounts of one moment.
const NEAR: i64 = 2_000_000;

/// A payment or connection as the capture saw it.
struct Seen {
    at: i64,
    amount: Option<i64>,
}

/// How well a teller and an address keep time with each other.
#[derive(Clone, Copy, Default)]
struct Fit {
    /// Teller minus capture.
    offset: i64,
    hits: usize,
    /// Equal amounts count threefold.
    score: usize,
}

/// Binds tellers to addresses, where few of both are left.
pub(super) fn bind(
    sources: &[Source],
    fragments: &[Fragment],
    identity: &mut Identity,
    clocks: &mut [Clock],
) {
    let seen = seen(fragments, clocks);
    let told = told::by_source(sources, fragments);
    if seen.is_empty() || told.is_empty() || seen.len() > FEW || told.len() > FEW {
        return;
    }
    let alone = seen.len() == 1 && told.len() == 1;
    for (&source, payments) in &told {
        if clocks[source as usize].pairs > 0 {
            continue;
        }
        let own = identity.terminal_of_source(source).cloned();
        let mut fits: Vec<(Fit, &Text)> = seen
            .iter()
            .filter(|(device, _)| {
                let other = identity.terminal_of_device(device);
                own.is_none() || other.is_none() || other == own.as_ref()
            })
            .filter_map(|(device, points)| Some((best(payments, points)?, device)))
            .collect();
        fits.sort_by_key(|(fit, device)| (std::cmp::Reverse(fit.score), *device));
        let rival = fits.get(1).map_or(0, |(fit, _)| fit.score);
        let Some(&(fit, device)) = fits.first().filter(|(fit, _)| fit.score > rival) else {
            continue;
        };
        let most = payments.len().min(seen.get(device).map_or(0, Vec::len));
        let enough = match (alone, fit.offset) {
            (true, 0) => true,
            (true, _) => fit.score >= 3 || fit.hits >= 2,
            (false, 0) => fit.score >= 3,
            (false, _) => fit.score >= 6,
        };
        if !enough || fit.hits * 2 < most {
            continue;
        }
        match (&own, identity.terminal_of_device(device)) {
            (Some(terminal), None) => identity.bind_device(device.clone(), terminal.clone()),
            (Some(_), Some(_)) => {}
            (None, known) => {
                let name = known.unwrap_or(device).clone();
                identity.bind_source(source, name);
            }
        }
        let points = seen.get(device).map_or(&[][..], Vec::as_slice);
        clocks[source as usize] = clock(&fit, payments, points);
    }
}

/// What captures saw of each address that calls.
fn seen(fragments: &[Fragment], clocks: &[Clock]) -> BTreeMap<Text, Vec<Seen>> {
    let mut seen: BTreeMap<Text, Vec<Seen>> = BTreeMap::new();
    for fragment in fragments
        .iter()
        .filter(|f| f.wire || f.shape == Shape::Connection)
    {
        let at = fragment
            .connecting_at
            .get()
            .or(fragment.request_at.get())
            .or(fragment.first.get());
        if let (Some(device), Some(at)) = (&fragment.keys.device, at) {
            let list = seen.entry(device.clone()).or_default();
            if list.len() < PAYMENTS {
                list.push(Seen {
                    at: clocks[fragment.source as usize].align(at),
                    amount: fragment.keys.amount_minor,
                });
            }
        }
    }
    seen
}

/// The offset at which most payments fall together: none before any, whole quarters of an hour before others.
fn best(told: &[Told], seen: &[Seen]) -> Option<Fit> {
    let zones = (0..=QUARTERS).flat_map(|n| [n * QUARTER, -n * QUARTER]);
    let near = told.iter().flat_map(|told| {
        seen.iter().filter_map(|seen| {
            let same = told.amount.is_some() && told.amount == seen.amount;
            same.then(|| told.online.map(|at| at - seen.at)).flatten()
        })
    });
    let mut best: Option<Fit> = None;
    for (offset, margin) in zones.map(|o| (o, MARGIN)).chain(near.map(|o| (o, NEAR))) {
        let fit = at_offset(told, seen, offset, margin);
        if fit.hits > 0 && best.is_none_or(|best| fit.score > best.score) {
            best = Some(fit);
        }
    }
    best
}

fn at_offset(told: &[Told], seen: &[Seen], offset: i64, margin: i64) -> Fit {
    let mut fit = Fit {
        offset,
        ..Fit::default()
    };
    let mut taken = vec![false; seen.len()];
    for told in told {
        let found = seen.iter().enumerate().filter(|(place, seen)| {
            let at = seen.at + offset;
            let apart = matches!((told.amount, seen.amount), (Some(a), Some(b)) if a != b);
            !taken[*place] && !apart && at >= told.first - margin && at <= told.last + margin
        });
        let best = found
            .map(|(place, seen)| {
                (
                    usize::from(told.amount.is_some() && told.amount == seen.amount),
                    place,
                )
            })
            .max_by_key(|&(same, place)| (same, std::cmp::Reverse(place)));
        if let Some((same, place)) = best {
            taken[place] = true;
            fit.hits += 1;
            fit.score += 1 + 2 * same;
        }
    }
    fit
}

/// The teller's clock: by the moments both tell, else by the zone alone.
fn clock(fit: &Fit, told: &[Told], seen: &[Seen]) -> Clock {
    let mut apart: Vec<i64> = told
        .iter()
        .filter(|told| told.said)
        .filter_map(|told| {
            let online = told.online?;
            let each = seen.iter().map(|seen| online - seen.at);
            each.filter(|apart| (apart - fit.offset).abs() <= MARGIN)
                .min_by_key(|apart| (apart - fit.offset).abs())
        })
        .collect();
    apart.sort_unstable();
    let exact = apart.get(apart.len() / 2).copied();
    Clock {
        offset_ms: exact.unwrap_or(fit.offset) as f64 / 1000.0,
        uncertainty_ms: if exact.is_some() { 1_500.0 } else { 10_000.0 },
        pairs: u32::try_from(fit.hits).unwrap_or(u32::MAX),
        grounded: true,
        ..Clock::unknown("rhythm")
    }
}
