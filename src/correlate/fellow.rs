//! Joins the few logs of one incident that tell of the same payments, where one does not say which terminal it is of: the till's and the
//! reader's, in one folder, on clocks that agree.

use super::fragment::Fragment;
use super::identity::Identity;
use super::model::Clock;
use super::told::{self, FEW, Told};
use crate::event::{Events, Source, Text};

/// How far apart two accounts of one payment may lie.
const MARGIN: i64 = 5_000_000;
/// Clocks of different zones differ by multiples of this, up to a day's half and two hours.
const HALF: i64 = 1_800_000_000;
const HALVES: i64 = 28;

/// Gives logs that tell of the same amounts at the same times one terminal: the one that either names, or one without a name.
pub(super) fn bind(
    sources: &[Source],
    fragments: &[Fragment],
    events: &Events,
    identity: &mut Identity,
    clocks: &mut [Clock],
) {
    let mut told = told::by_source(sources, fragments);
    if told.len() < 2 || told.len() > FEW {
        return;
    }
    // Laid beside each other on the reference clock.
    for (&log, payments) in &mut told {
        let clock = &clocks[log as usize];
        for payment in payments {
            payment.first = clock.align(payment.first);
            payment.last = clock.align(payment.last);
        }
    }
    let logs: Vec<u32> = told.keys().copied().collect();
    let mut partners: Vec<(u32, u32, i64)> = Vec::new();
    for (nth, &a) in logs.iter().enumerate() {
        for &b in logs.iter().skip(nth + 1) {
            let folder = |source: u32| sources[source as usize].folder();
            if folder(a) == folder(b)
                && may_be_one(a, b, sources, identity)
                && let Some(apart) = apart(&told[&a], &told[&b])
            {
                partners.push((a, b, apart));
            }
        }
    }
    let alone = |log: u32| {
        let pairs = partners.iter().filter(|(a, b, _)| *a == log || *b == log);
        pairs.count() == 1
    };
    for &(a, b, apart) in &partners {
        if !alone(a) || !alone(b) {
            continue;
        }
        // Of two zones the one that is written counts.
        let (assumed, offset) = match (zone_assumed(a, events), zone_assumed(b, events)) {
            (true, false) => (a, apart),
            (false, true) => (b, -apart),
            _ if apart == 0 => (a, 0),
            _ => continue,
        };
        if offset != 0 {
            clocks[assumed as usize] = Clock {
                offset_ms: offset as f64 / 1000.0,
                uncertainty_ms: 1_500.0,
                pairs: 1,
                grounded: true,
                ..Clock::unknown("rhythm")
            };
        }
        let named = |log| match name(log, sources, identity) {
            Name::Told(name) => Some(name.clone()),
            _ => None,
        };
        let name = named(a).or_else(|| named(b)).unwrap_or_default();
        identity.bind_source(a, name.clone());
        identity.bind_source(b, name);
    }
}

/// True where the first time that a log tells has no zone written.
fn zone_assumed(source: u32, events: &Events) -> bool {
    let mut heads = events.heads().iter().filter(|head| head.source == source);
    heads.any(|head| head.at().quality.zone_assumed)
}

/// How far the first log's clock is before the second's, in whole halves of an hour, where they tell of the same payments.
fn apart(a: &[Told], b: &[Told]) -> Option<i64> {
    let agree = |offset: i64| agree(a, b, offset);
    if agree(0).is_some_and(|met| met.alike > 0 || met.all >= 3) {
        return Some(0);
    }
    // Of other zones only where more than one payment says so, and one zone alone.
    let zones = (1..=HALVES).flat_map(|n| [n * HALF, -n * HALF]);
    let mut fit =
        zones.filter(|&offset| agree(offset).is_some_and(|met| met.alike >= 2 || met.all >= 4));
    fit.next().filter(|_| fit.next().is_none())
}

/// How a log's terminal is known.
enum Name<'a> {
    /// The log says it.
    Told(&'a Text),
    /// The file's name has something that looks like one.
    OfFile(&'a Text),
    Unknown,
}

fn name<'a>(source: u32, sources: &'a [Source], identity: &'a Identity) -> Name<'a> {
    let device = sources[source as usize].device.as_ref();
    match identity.terminal_of_source(source) {
        Some(name) if Some(name) == device => Name::OfFile(name),
        Some(name) => Name::Told(name),
        None => Name::Unknown,
    }
}

/// False where both say which terminal they are of, each for itself.
fn may_be_one(a: u32, b: u32, sources: &[Source], identity: &Identity) -> bool {
    match (name(a, sources, identity), name(b, sources, identity)) {
        (Name::Unknown, Name::Unknown | Name::Told(_)) | (Name::Told(_), Name::Unknown) => true,
        // `PT65432187_Diagnose.txt` beside a till that names 65432187.
        (Name::OfFile(file), Name::Told(told)) | (Name::Told(told), Name::OfFile(file)) => {
            told.len() >= 6 && file.contains(told.as_str())
        }
        _ => false,
    }
}

/// How many payments two logs tell of at the same time, and of how many they tell the same amount.
struct Met {
    all: usize,
    alike: usize,
}

/// Lays the first log's payments, taken back by an offset, beside the second's; `None` where fewer than half of the log that tells of
/// fewer find a partner, or where one has another amount.
fn agree(a: &[Told], b: &[Told], offset: i64) -> Option<Met> {
    let mut taken = vec![false; b.len()];
    let mut met = Met { all: 0, alike: 0 };
    for one in a {
        let (first, last) = (one.first - offset, one.last - offset);
        let best = b
            .iter()
            .enumerate()
            .filter(|(place, other)| {
                !taken[*place] && first - MARGIN <= other.last && other.first - MARGIN <= last
            })
            .min_by_key(|(_, other)| (one.amount != other.amount, (first - other.first).abs()));
        let Some((place, other)) = best else {
            continue;
        };
        match (one.amount, other.amount) {
            (Some(a), Some(b)) if a != b => return None,
            (Some(_), Some(_)) => met.alike += 1,
            _ => {}
        }
        taken[place] = true;
        met.all += 1;
    }
    (met.all * 2 >= a.len().min(b.len())).then_some(met)
}
