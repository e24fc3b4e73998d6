//! Joins events of all sources into attempts, each on one timeline.
//!
//! Left border: [`crate::event`]. Knows nothing of causes.
//! fragments (what one source saw of one attempt) -> sure pairs -> terminals and clocks -> links -> attempts -> sales.

mod beside;
mod capture_set;
mod clock;
mod coverage;
mod fellow;
mod fragment;
mod identity;
mod inventory;
mod keys;
mod link;
mod lone;
mod matching;
mod model;
mod rhythm;
mod sale;
mod story;
#[cfg(test)]
mod tests;
mod told;

use rayon::prelude::*;

#[cfg(test)]
pub(crate) use story::read as read_story;

pub use inventory::{Inventory, Known};
pub use model::{
    Attempt, AttemptKeys, Clock, Correlated, Coverage, Covered, Interface, Link, LinkMethod,
    Outcome, Stage, Step,
};

use crate::event::{Event, Events, Moment, Payload, Place, Signal, Source, SourceKind, Text, What};
use crate::plan::Plan;
use fragment::{Fragment, Shape};
use identity::Identity;
use link::{Linked, Untried};

/// Correlates everything that was parsed. `events` of a source stand together, in the order of the sources.
#[must_use]
pub fn correlate(sources: Vec<Source>, mut events: Events, plan: &Plan) -> Correlated {
    let fragments = cut_all(&sources, &events);
    events.forget_strands();
    let mut untried = Untried::default();
    let pairs = link::sure_pairs(&fragments, plan.limits.link_candidates, &mut untried);
    let mut identity = Identity::learn(&sources, &fragments, &pairs);
    let inventory = Inventory::read(plan.inventory.as_deref());
    identity.know(&inventory);
    let mut clocks = clock::estimate(&sources, &fragments, &pairs, &events);
    lone::bind(&sources, &fragments, &mut identity, &mut clocks);
    fellow::bind(&sources, &fragments, &events, &mut identity, &mut clocks);
    rhythm::bind(&sources, &fragments, &events, &mut identity, &mut clocks);
    let aligned: Vec<Moment> = events
        .heads()
        .par_iter()
        .enumerate()
        .map(|(index, event)| {
            event
                .at()
                .utc_micros
                .map(|at| clocks[event.source as usize].align_event(index as u32, at))
                .into()
        })
        .collect();
    let (mut linked, coverage) = rayon::join(
        || {
            let limit = plan.limits.link_candidates;
            Linked::new(&fragments, &identity, &clocks, limit, untried)
        },
        || coverage::Index::new(&sources, &events, &aligned, &identity),
    );
    let (members, joined) = joined(fragments.len() as u32, &mut linked);
    // What is joined is known: the groups and the fragments' keys are in the way of what is made of them.
    let links = std::mem::take(&mut linked.links);
    let untried = std::mem::take(&mut linked.untried).told();
    let crowd = untried.and_then(|(first, count)| {
        let head = events.head(*fragments[first as usize].events.first()?);
        Some((head.source, head.place(), count))
    });
    drop(linked);
    let fragments = Part::all(fragments);
    let logs = Tellers::new(&sources, &fragments, &events);
    let attempt = |group: &Joined| {
        let parts = members.get(group.parts.clone())?;
        let counts = group.sure
            || stands_alone(
                parts,
                &fragments,
                &events,
                group.terminal.as_ref(),
                &coverage,
                &aligned,
            );
        counts.then(|| {
            let terminal = group.terminal.clone();
            let mut attempt = assemble(
                parts, &fragments, &events, &aligned, &sources, terminal, plan,
            );
            if attempt.outcome == Outcome::Unknown && logs.would_tell(parts, &fragments) {
                // The terminal's log tells of every approval, and of none here.
                attempt.outcome = Outcome::Aborted;
                attempt.sale_outcome = Outcome::Aborted;
            }
            let known = attempt
                .keys
                .terminal
                .as_deref()
                .and_then(|t| inventory.of(t));
            if attempt.keys.merchant.is_none() {
                attempt.keys.merchant = known.and_then(|known| known.merchant.clone());
            }
            attempt
        })
    };
    let mut attempts: Vec<Attempt> = Vec::new();
    for some in joined.chunks(ASSEMBLED_TOGETHER) {
        let mut made: Vec<Attempt> = some.par_iter().filter_map(attempt).collect();
        attempts.append(&mut made);
    }
    add_links(&mut attempts, &links, &fragments, &events);
    let most = plan.limits.transaction_events;
    beside::attach(&mut attempts, &sources, &events, &aligned, most);
    drop((fragments, links, members));
    attempts.sort_unstable_by(|a, b| {
        (a.started_at, &a.tx_id, a.events.first()).cmp(&(b.started_at, &b.tx_id, b.events.first()))
    });
    sale::group(&mut attempts, &sources);
    let mut correlated = finish(sources, clocks, events, aligned, attempts, &coverage);
    correlated.inventory = inventory;
    correlated.crowd = crowd;
    correlated
}

/// Approvals that a log must tell of before its silence counts.
const APPROVALS: u32 = 3;

/// Logs of terminals that tell of approvals: an attempt without one was none.
struct Tellers {
    approvals: Vec<u32>,
    /// The last fragment of each source: a log may end in mid-sale.
    last: Vec<Option<u32>>,
}

impl Tellers {
    fn new(sources: &[Source], fragments: &[Part], events: &Events) -> Self {
        let mut approvals = vec![0_u32; sources.len()];
        for head in events.heads() {
            if head.what == What::Log(Signal::Approved) {
                approvals[head.source as usize] += 1;
            }
        }
        let mut last = vec![None; sources.len()];
        for (number, fragment) in (0_u32..).zip(fragments) {
            if fragment.shape == Shape::Stretch {
                last[fragment.source as usize] = Some(number);
            }
        }
        Self { approvals, last }
    }

    fn would_tell(&self, parts: &[u32], fragments: &[Part]) -> bool {
        parts.iter().any(|&part| {
            let fragment = &fragments[part as usize];
            let source = fragment.source as usize;
            fragment.shape == Shape::Stretch
                && fragment.is_attempt
                && self.approvals[source] >= APPROVALS
                && self.last[source] != Some(part)
        })
    }
}

/// Groups that become attempts side by side, before they are laid behind the others.
const ASSEMBLED_TOGETHER: usize = 16 * 1024;

/// Sources that are cut side by side: what they give is laid end to end before the next.
const CUT_TOGETHER: usize = 32;

fn cut_all(sources: &[Source], events: &Events) -> Vec<Fragment> {
    let mut ranges: Vec<(SourceKind, std::ops::Range<u32>)> = Vec::new();
    let mut from = 0_u32;
    for of_source in events.heads().chunk_by(|a, b| a.source == b.source) {
        let kind = of_source
            .first()
            .and_then(|head| sources[head.source as usize].kind);
        let end = from + of_source.len() as u32;
        ranges.push((kind.unwrap_or(SourceKind::Log), from..end));
        from = end;
    }
    let mut all: Vec<Fragment> = Vec::new();
    for some in ranges.chunks(CUT_TOGETHER) {
        let cut: Vec<Vec<Fragment>> = some
            .par_iter()
            .map(|(kind, range)| {
                let mut fragments = Vec::new();
                fragment::cut(*kind, events, range.clone(), &mut fragments);
                for fragment in &mut fragments {
                    fragment.events.shrink_to_fit();
                }
                fragments
            })
            .collect();
        for mut fragments in cut {
            if all.is_empty() {
                all = fragments;
            } else {
                all.append(&mut fragments);
            }
        }
    }
    all
}

/// Fragments that were joined.
struct Joined {
    /// Where they stand in the list of all.
    parts: std::ops::Range<usize>,
    /// One of them shows a presentment or a payment message.
    sure: bool,
    terminal: Option<Text>,
}

/// All fragments, those of a group side by side, and the groups.
fn joined(fragments: u32, linked: &mut Linked<'_>) -> (Vec<u32>, Vec<Joined>) {
    let mut by_root: Vec<(u32, u32)> = (0..fragments)
        .map(|index| (linked.root(index), index))
        .collect();
    by_root.sort_unstable();
    let mut from = 0;
    let groups = by_root
        .chunk_by(|a, b| a.0 == b.0)
        .map(|group| {
            let root = group[0].0;
            let parts = from..from + group.len();
            from = parts.end;
            Joined {
                parts,
                sure: linked.is_attempt(root),
                // Without a name where logs were joined that name none.
                terminal: linked.terminal(root).filter(|t| !t.is_empty()).cloned(),
            }
        })
        .collect();
    (
        by_root.into_iter().map(|(_, index)| index).collect(),
        groups,
    )
}

/// Server endpoints that carried payments, or that terminals name when they pay.
fn payment_hosts(fragments: &[Fragment]) -> std::collections::BTreeSet<Text> {
    fragments
        .iter()
        .filter(|fragment| fragment.shape != Shape::Connection)
        .filter_map(|fragment| fragment.keys.host.clone())
        .collect()
}

/// What is left of a fragment when all is joined.
struct Part {
    source: u32,
    shape: Shape,
    is_attempt: bool,
    /// Its host carries payments.
    payment_host: bool,
    events: Vec<u32>,
    amount_minor: Option<i64>,
    currency: Option<[u8; 3]>,
    merchant: Option<Text>,
}

impl Part {
    fn all(fragments: Vec<Fragment>) -> Vec<Self> {
        let hosts = payment_hosts(&fragments);
        let mut parts: Vec<Self> = fragments
            .into_iter()
            .map(|fragment| Self {
                source: fragment.source,
                shape: fragment.shape,
                is_attempt: fragment.is_attempt,
                payment_host: fragment.keys.host.is_some_and(|host| hosts.contains(&host)),
                events: fragment.events,
                amount_minor: fragment.keys.amount_minor,
                currency: fragment.keys.currency,
                merchant: fragment.keys.merchant,
            })
            .collect();
        // Collected in place: it still has the room of what it was made from.
        parts.shrink_to_fit();
        parts
    }
}

/// A failed connection to a payment host is an attempt of its own only where no log of the terminal could have told of one.
fn stands_alone(
    parts: &[u32],
    fragments: &[Part],
    events: &Events,
    terminal: Option<&Text>,
    coverage: &coverage::Index,
    aligned: &[Moment],
) -> bool {
    parts.iter().any(|&part| {
        let fragment = &fragments[part as usize];
        let failed = fragment
            .events
            .iter()
            .filter(|&&index| events.head(index).what == What::Tcp)
            .any(|&index| match &events.get(index).payload {
                Payload::Tcp(connection) => {
                    connection.opening_seen && connection.connect_micros.is_none()
                }
                _ => false,
            });
        let at = fragment
            .events
            .first()
            .and_then(|&index| aligned[index as usize].get());
        fragment.shape == Shape::Connection
            && failed
            && fragment.payment_host
            && !coverage.of(terminal, at).log
    })
}

fn assemble(
    parts: &[u32],
    fragments: &[Part],
    events: &Events,
    aligned: &[Moment],
    sources: &[Source],
    terminal: Option<Text>,
    plan: &Plan,
) -> Attempt {
    let mut indexes: Vec<u32> = parts
        .iter()
        .flat_map(|&part| fragments[part as usize].events.iter().copied())
        .collect();
    indexes.sort_by_key(|&index| order_key(index, events, aligned));
    indexes.dedup();
    indexes.truncate(plan.limits.transaction_events);
    indexes.shrink_to_fit();
    let alive: Vec<Event> = indexes.iter().map(|&index| events.get(index)).collect();
    let view: Vec<(&Event, Option<i64>)> = alive
        .iter()
        .zip(&indexes)
        .map(|(event, &index)| (event, aligned[index as usize].get()))
        .collect();
    let mut story = story::read(&view, terminal.as_ref());
    for &part in parts {
        let keys = &fragments[part as usize];
        let merged = &mut story.keys;
        merged.amount_minor = merged.amount_minor.or(keys.amount_minor);
        merged.currency = merged.currency.or(keys.currency);
        if merged.merchant.is_none() {
            merged.merchant.clone_from(&keys.merchant);
        }
    }
    if story.keys.scheme.is_none() {
        story.keys.scheme = story
            .keys
            .card
            .as_ref()
            .and_then(|card| scheme_of_bin(card.bin()?));
    }
    let times = || view.iter().filter_map(|(_, at)| *at);
    let teller = parts
        .iter()
        .map(|&part| &fragments[part as usize])
        .find(|fragment| fragment.shape == Shape::Stretch)
        .filter(|_| story.keys.terminal.is_none())
        .map(|fragment| fragment.source);
    Attempt {
        tx_id: identifier(&indexes, events, sources),
        sale_id: Text::default(),
        number: 1,
        links: Vec::new(),
        started_at: times().min(),
        ended_at: times().max(),
        interface: story.interface,
        stage: story.stage,
        outcome: story.outcome,
        sale_outcome: if story.reversed {
            Outcome::Reversed
        } else {
            story.outcome
        },
        keys: story.keys,
        teller,
        events: indexes,
    }
}

/// Time, then source and place: the same for any number of threads.
fn order_key(index: u32, events: &Events, aligned: &[Moment]) -> (i64, u32, Place, u32) {
    let event = events.head(index);
    (
        aligned[index as usize].get().unwrap_or(i64::MAX),
        event.source,
        event.place(),
        index,
    )
}

/// Issuer identification ranges (ISO/IEC 7812; scheme by first digits).
fn scheme_of_bin(bin: &str) -> Option<&'static str> {
    Some(match bin.as_bytes() {
        [b'6', b'2', ..] | [b'8', b'1', ..] => "UnionPay",
        [b'4', ..] => "Visa",
        [b'5', b'1'..=b'5', ..] | [b'2', b'2'..=b'7', ..] => "Mastercard",
        [b'3', b'4' | b'7', ..] => "American Express",
        [b'3', b'5', ..] => "JCB",
        [b'6', b'0' | b'4' | b'5', ..] | [b'3', b'0' | b'6' | b'8', ..] => "Discover",
        _ => return None,
    })
}

/// 16 lower-case letters from what the attempt is made of: the sources' hashes and the places in them.
fn identifier(indexes: &[u32], events: &Events, sources: &[Source]) -> Text {
    let mut parts: Vec<([u8; 32], Place, &'static str)> = indexes
        .iter()
        .map(|&index| {
            let event = events.head(index);
            (
                sources[event.source as usize].blake3,
                event.place(),
                event.what.kind(),
            )
        })
        .collect();
    parts.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for (source, place, kind) in parts {
        hasher.update(&source);
        let (tag, number) = match place {
            Place::Line(line) => (1_u8, line),
            Place::Frame(frame) => (2, frame),
            Place::Whole => (3, 0),
        };
        hasher
            .update(&[tag])
            .update(&number.to_le_bytes())
            .update(kind.as_bytes());
    }
    hasher
        .finalize()
        .as_bytes()
        .iter()
        .take(16)
        .map(|byte| char::from(b'a' + byte % 26))
        .collect()
}

/// The links belong to the attempt that holds both ends.
fn add_links(
    attempts: &mut [Attempt],
    links: &[(u32, u32, LinkMethod, bool)],
    fragments: &[Part],
    events: &Events,
) {
    let mut attempt_of: Vec<u32> = vec![u32::MAX; events.len()];
    for (number, attempt) in attempts.iter().enumerate() {
        for &index in &attempt.events {
            attempt_of[index as usize] = number as u32;
        }
    }
    for &(a, b, method, ambiguous) in links {
        let ends = [a, b].map(|part| fragments[part as usize].events.first().copied());
        if let [Some(from), Some(to)] = ends
            && let Some(attempt) = attempts.get_mut(attempt_of[from as usize] as usize)
        {
            attempt.links.push(Link {
                from,
                to,
                method,
                ambiguous,
            });
        }
    }
    for attempt in attempts {
        attempt.links.shrink_to_fit();
        attempt
            .links
            .sort_unstable_by_key(|link| (link.method, link.from, link.to));
    }
}

/// Sorts all events by aligned time and renumbers what refers to them.
fn finish(
    sources: Vec<Source>,
    clocks: Vec<Clock>,
    mut events: Events,
    mut aligned: Vec<Moment>,
    mut attempts: Vec<Attempt>,
    coverage: &coverage::Index,
) -> Correlated {
    let mut order: Vec<u32> = (0..events.len() as u32).collect();
    order.par_sort_unstable_by_key(|&index| order_key(index, &events, &aligned));
    let mut new_place: Vec<u32> = vec![0; events.len()];
    for (new, &old) in order.iter().enumerate() {
        new_place[old as usize] = new as u32;
    }
    drop(order);
    let mut attempt_of = vec![u32::MAX; events.len()];
    for (number, attempt) in attempts.iter_mut().enumerate() {
        for index in &mut attempt.events {
            *index = new_place[*index as usize];
            attempt_of[*index as usize] = number as u32;
        }
        attempt.events.sort_unstable();
        for link in &mut attempt.links {
            link.from = new_place[link.from as usize];
            link.to = new_place[link.to as usize];
        }
    }
    events.rearrange(new_place, |a, b| aligned.swap(a, b));
    let of = attempts
        .iter()
        .map(|attempt| coverage.of(attempt.keys.terminal.as_ref(), attempt.started_at))
        .collect();
    Correlated {
        sources,
        clocks,
        events,
        aligned,
        attempt_of,
        attempts,
        coverage: Coverage { of },
        inventory: Inventory::default(),
        crowd: None,
    }
}
