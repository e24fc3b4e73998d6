//! Joins the few logs of one incident that tell of the same payments, where one does not say which terminal it is of: the till's and the
//! reader's, in one folder, on clocks that agree.

use std::collections::BTreeMap;

use super::fragment::{Fragment, Shape};
use super::identity::Identity;
use super::model::Clock;
use crate::event::{Source, SourceKind, Text};

/// Logs beyond which this is no small folder.
const FEW: usize = 8;
/// Payments of one of them that are looked at.
const PAYMENTS: usize = 64;
/// How far apart two accounts of one payment may lie.
const MARGIN: i64 = 5_000_000;

/// A payment as a log tells of it, on the reference clock.
struct Told {
    first: i64,
    last: i64,
    amount: Option<i64>,
}

/// Gives logs that tell of the same amounts at the same times one terminal: the one that either names, or one without a name.
pub(super) fn bind(
    sources: &[Source],
    fragments: &[Fragment],
    identity: &mut Identity,
    clocks: &[Clock],
) {
    let told = told(sources, fragments, clocks);
    if told.len() < 2 || told.len() > FEW {
        return;
    }
    let logs: Vec<u32> = told.keys().copied().collect();
    let mut partners: Vec<(u32, u32)> = Vec::new();
    for (nth, &a) in logs.iter().enumerate() {
        for &b in logs.iter().skip(nth + 1) {
            let folder = |source: u32| sources[source as usize].folder();
            if folder(a) == folder(b)
                && may_be_one(a, b, sources, identity)
                && agree(&told[&a], &told[&b])
            {
                partners.push((a, b));
            }
        }
    }
    let alone = |log: u32| {
        partners
            .iter()
            .filter(|(a, b)| *a == log || *b == log)
            .count()
            == 1
    };
    for &(a, b) in partners.iter().filter(|(a, b)| alone(*a) && alone(*b)) {
        let named = |log| match name(log, sources, identity) {
            Name::Told(name) => Some(name.clone()),
            _ => None,
        };
        let name = named(a).or_else(|| named(b)).unwrap_or_default();
        identity.bind_source(a, name.clone());
        identity.bind_source(b, name);
    }
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

/// What each log tells of payments.
fn told(sources: &[Source], fragments: &[Fragment], clocks: &[Clock]) -> BTreeMap<u32, Vec<Told>> {
    let mut told: BTreeMap<u32, Vec<Told>> = BTreeMap::new();
    for fragment in fragments {
        let source = fragment.source as usize;
        let kind = sources[source].kind;
        if fragment.shape != Shape::Stretch
            || !fragment.is_attempt
            || kind == Some(SourceKind::Capture)
        {
            continue;
        }
        if let (Some(first), Some(last)) = (fragment.first.get(), fragment.last.get()) {
            let list = told.entry(fragment.source).or_default();
            if list.len() < PAYMENTS {
                list.push(Told {
                    first: clocks[source].align(first),
                    last: clocks[source].align(last),
                    amount: fragment.keys.amount_minor,
                });
            }
        }
    }
    told
}

/// True where most payments of the log that tells of fewer are told by the other at the same time: one at least by its amount, none
/// with another amount.
fn agree(a: &[Told], b: &[Told]) -> bool {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut taken = vec![false; many.len()];
    let (mut met, mut alike) = (0, 0);
    for one in few {
        let best = many
            .iter()
            .enumerate()
            .filter(|(place, other)| {
                !taken[*place]
                    && one.first - MARGIN <= other.last
                    && other.first - MARGIN <= one.last
            })
            .min_by_key(|(_, other)| (one.amount != other.amount, (one.first - other.first).abs()));
        let Some((place, other)) = best else {
            continue;
        };
        match (one.amount, other.amount) {
            (Some(a), Some(b)) if a != b => return false,
            (Some(_), Some(_)) => alike += 1,
            _ => {}
        }
        taken[place] = true;
        met += 1;
    }
    alike > 0 && met * 2 >= few.len()
}
