//! Joins fragments of different sources into attempts: exact keys first, then what agrees within the clocks' uncertainty.
//!
//! Every step lists its candidate pairs with a cost, sorts them, and takes the cheapest that still fit: never first come.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use super::fragment::{Fragment, Shape};
use super::identity::Identity;
use super::keys::JoinKeys;
use super::matching;
use super::model::{Clock, LinkMethod};
use crate::event::{Moment, Text};

/// Time within which equal trace numbers of one terminal are one payment.
const STAN_WINDOW: i64 = 300_000_000;
/// Time within which card and amount, or terminal and amount, are one payment, beyond the clocks' uncertainty.
const AMOUNT_WINDOW: i64 = 20_000_000;
/// A rival within this (and the clocks' uncertainty) makes a link doubtful.
const DOUBT: i64 = 2_000_000;
/// Beyond this a link by time alone says nothing.
const TIME_LIMIT: i64 = 180_000_000;

/// Fragments that are surely the same payment, without looking at time: equal cryptograms, or an equal trace number and terminal,
/// amount and card, or amount and reference number, where that is unique in both sources.
pub(super) fn sure_pairs(
    fragments: &[Fragment],
    limit: usize,
    untried: &mut Untried,
) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    if fragments
        .windows(2)
        .all(|two| two[0].source == two[1].source)
    {
        return pairs;
    }
    let keys = |index: u32| &fragments[index as usize].keys;
    let all = || 0..fragments.len() as u32;
    for group in alike(all(), |index| keys(index).cryptogram) {
        pair_up(&group, fragments, limit, &mut pairs, untried);
    }
    let by_trace = alike(all(), |index| {
        let keys = keys(index);
        Some((keys.terminal.clone()?, keys.stan?, keys.amount_minor))
    });
    let by_trace_and_card = alike(all(), |index| {
        let keys = keys(index);
        let last4 = keys
            .card
            .as_ref()?
            .last4()
            .filter(|last4| !last4.is_empty());
        Some((keys.stan?, keys.amount_minor?, Text::new(last4?)))
    });
    for group in by_trace.iter().chain(&by_trace_and_card) {
        pair_unique(group, fragments, limit, &mut pairs, untried);
    }
    // A host gives each payment a reference number of its own; where trace number and amount agree as well, it is that payment.
    for group in alike(all(), |index| {
        let keys = keys(index);
        Some((keys.rrn.clone()?, keys.stan?, keys.amount_minor?))
    }) {
        pair_unique(&group, fragments, limit, &mut pairs, untried);
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Those with equal keys, where there are two or more of a key: each list in order, the lists by key.
///
/// Most keys are of one only: those are told apart by their hashes, without keeping any.
fn alike<K: Hash + Ord>(
    of: impl Iterator<Item = u32>,
    key: impl Fn(u32) -> Option<K>,
) -> Vec<Vec<u32>> {
    let state = FixedState::default();
    let mut hashes: Vec<(u64, u32)> = of
        .filter_map(|index| Some((state.hash_one(key(index)?), index)))
        .collect();
    hashes.sort_unstable();
    let mut found: Vec<(K, u32)> = Vec::new();
    for same in hashes.chunk_by(|a, b| a.0 == b.0) {
        if same.len() > 1 {
            found.extend(same.iter().filter_map(|&(_, i)| Some((key(i)?, i))));
        }
    }
    found.sort_unstable();
    found
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1)
        .map(|group| group.iter().map(|(_, index)| *index).collect())
        .collect()
}

/// The trace number differs, and the terminal or the amount too: the same cryptogram was sent again, in another payment (test
/// data, a replay). Sent again for the same amount it is the same tap.
fn other_payment(a: &JoinKeys, b: &JoinKeys) -> bool {
    let terminals = (a.terminal.as_deref(), b.terminal.as_deref());
    let amounts = (a.amount_minor, b.amount_minor);
    matches!((a.stan, b.stan), (Some(a), Some(b)) if a != b)
        && (matches!(terminals, (Some(a), Some(b)) if a != b)
            || matches!(amounts, (Some(a), Some(b)) if a != b))
}

/// Fragments that had more partners than are tried of one (`link_candidates`).
#[derive(Debug, Default)]
pub(super) struct Untried(Vec<u32>);

impl Untried {
    fn add(&mut self, fragment: u32) {
        self.0.push(fragment);
    }

    /// The first of them, and how many they are.
    pub fn told(mut self) -> Option<(u32, u64)> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0.first().map(|first| (*first, self.0.len() as u64))
    }
}

fn pair_up(
    group: &[u32],
    fragments: &[Fragment],
    limit: usize,
    pairs: &mut Vec<(u32, u32)>,
    untried: &mut Untried,
) {
    let source = |index: u32| fragments[index as usize].source;
    for &left in group.iter().skip(limit) {
        // In one source nothing is joined by this.
        if group.iter().any(|&other| source(other) != source(left)) {
            untried.add(left);
        }
    }
    for (nth, &a) in group.iter().take(limit).enumerate() {
        for &b in group.iter().take(limit).skip(nth + 1) {
            if source(a) != source(b) {
                pairs.push((a, b));
            }
        }
    }
}

/// Only where each source holds the key once: a trace number that wraps proves nothing.
fn pair_unique(
    group: &[u32],
    fragments: &[Fragment],
    limit: usize,
    pairs: &mut Vec<(u32, u32)>,
    untried: &mut Untried,
) {
    let mut count: BTreeMap<u32, u32> = BTreeMap::new();
    for &index in group {
        *count.entry(fragments[index as usize].source).or_default() += 1;
    }
    let unique: Vec<u32> = group
        .iter()
        .copied()
        .filter(|&i| count[&fragments[i as usize].source] == 1)
        .collect();
    pair_up(&unique, fragments, limit, pairs, untried);
}

/// Keys of a group: its only fragment's, as long as nothing was joined to it.
enum KeysOf<'f> {
    One(&'f JoinKeys),
    Merged(Box<JoinKeys>),
}

/// What is joined so far, with merged keys. Small: there are as many as fragments.
struct Group<'f> {
    parent: u32,
    keys: KeysOf<'f>,
    terminal: Option<&'f Text>,
    /// On the reference clock.
    first: Moment,
    last: Moment,
    uncertainty: i64,
    /// Sources whose log or trace is in it: never twice the same.
    stretches: SmallVec<[u32; 4]>,
    /// It has a stretch, messages, a connection.
    has: [bool; 3],
    /// A capture saw its messages: its connection is known.
    wire: bool,
    is_attempt: bool,
    /// When a request was (or would have been) sent.
    online_at: Moment,
    answered: bool,
}

impl<'f> Group<'f> {
    fn new(index: u32, fragment: &'f Fragment, identity: &'f Identity, clocks: &[Clock]) -> Self {
        let aligned = |at: Option<i64>| at.map(|at| align(fragment, clocks, at)).into();
        let is = |shape: Shape| fragment.shape == shape;
        Self {
            parent: index,
            keys: KeysOf::One(&fragment.keys),
            terminal: identity.terminal(fragment),
            first: aligned(fragment.first.get()),
            last: aligned(fragment.last.get()),
            uncertainty: clocks[fragment.source as usize].uncertainty(),
            stretches: is(Shape::Stretch)
                .then_some(fragment.source)
                .into_iter()
                .collect(),
            has: [Shape::Stretch, Shape::Messages, Shape::Connection].map(is),
            wire: fragment.wire,
            is_attempt: fragment.is_attempt,
            online_at: aligned(fragment.request_at.get().or(fragment.cryptogram_at.get())),
            answered: fragment.response_at.get().is_some(),
        }
    }

    fn keys(&self) -> &JoinKeys {
        match &self.keys {
            KeysOf::One(keys) => keys,
            KeysOf::Merged(keys) => keys,
        }
    }

    /// Takes over what the other has and this one lacks.
    fn merge_keys(&mut self, from: &JoinKeys) {
        if let KeysOf::One(keys) = self.keys {
            self.keys = KeysOf::Merged(Box::new(keys.clone()));
        }
        if let KeysOf::Merged(keys) = &mut self.keys {
            keys.merge(from);
        }
    }
}

/// Fragments joined into groups, and why.
pub(super) struct Linked<'f> {
    groups: Vec<Group<'f>>,
    /// Fragment, fragment, why, and whether another would have fitted as well.
    pub links: Vec<(u32, u32, LinkMethod, bool)>,
    pub untried: Untried,
}

impl<'f> Linked<'f> {
    /// Joins all fragments.
    pub fn new(
        fragments: &'f [Fragment],
        identity: &'f Identity,
        clocks: &[Clock],
        limit: usize,
        untried: Untried,
    ) -> Self {
        let groups = (0_u32..)
            .zip(fragments)
            .map(|(index, fragment)| Group::new(index, fragment, identity, clocks))
            .collect();
        let mut linked = Self {
            groups,
            links: Vec::new(),
            untried,
        };
        linked.join_cryptograms(fragments, limit);
        linked.join_keyed(LinkMethod::Stan, STAN_WINDOW, limit, |group| {
            Some((
                group.terminal.cloned()?,
                i64::from(group.keys().stan?),
                Text::default(),
            ))
        });
        linked.join_keyed(LinkMethod::Stan, STAN_WINDOW, limit, |group| {
            // One side may not say which terminal it is: trace number, amount and last four then stand for it.
            let last4 = group.keys().card.as_ref()?.last4()?;
            Some((
                Text::new(last4),
                i64::from(group.keys().stan?),
                Text::from(group.keys().amount_minor?.to_string()),
            ))
        });
        linked.join_keyed(LinkMethod::Rrn, STAN_WINDOW, limit, |group| {
            Some((group.keys().rrn.clone()?, 0, Text::default()))
        });
        linked.join_keyed(LinkMethod::CardAmountTime, AMOUNT_WINDOW, limit, |group| {
            let card = group.keys().card.as_ref()?;
            Some((
                Text::new(card.last4()?),
                group.keys().amount_minor?,
                Text::default(),
            ))
        });
        linked.join_keyed(LinkMethod::AmountTime, AMOUNT_WINDOW, limit, |group| {
            Some((
                group.terminal.cloned()?,
                group.keys().amount_minor?,
                Text::default(),
            ))
        });
        linked.join_time(limit);
        linked
    }

    /// The group that a fragment is in, by its root.
    pub fn root(&mut self, index: u32) -> u32 {
        let mut at = index;
        while self.groups[at as usize].parent != at {
            let grand = self.groups[self.groups[at as usize].parent as usize].parent;
            self.groups[at as usize].parent = grand;
            at = grand;
        }
        at
    }

    /// The terminal of a group.
    pub fn terminal(&self, root: u32) -> Option<&Text> {
        self.groups[root as usize].terminal
    }

    /// Whether any fragment of the group shows a presentment or payment message.
    pub fn is_attempt(&self, root: u32) -> bool {
        self.groups[root as usize].is_attempt
    }

    fn join_cryptograms(&mut self, fragments: &[Fragment], limit: usize) {
        let groups = alike(0..fragments.len() as u32, |index| {
            fragments[index as usize].keys.cryptogram
        });
        for group in &groups {
            for pair in group.iter().take(limit).collect::<Vec<_>>().windows(2) {
                if let [a, b] = pair
                    && !other_payment(&fragments[**a as usize].keys, &fragments[**b as usize].keys)
                {
                    self.join(**a, **b, LinkMethod::Cryptogram, false);
                }
            }
        }
    }

    /// Joins groups with equal keys that lie within the window, the nearest first.
    fn join_keyed(
        &mut self,
        method: LinkMethod,
        window: i64,
        limit: usize,
        key: impl Fn(&Group<'_>) -> Option<(Text, i64, Text)>,
    ) {
        let mut groups = alike(self.roots().into_iter(), |root| {
            key(&self.groups[root as usize])
        });
        if is_weak(method) {
            groups.retain(|group| !self.only_messages(group));
        }
        let mut candidates: Vec<(i64, u32, u32)> = Vec::new();
        for group in &mut groups {
            group.sort_by_key(|&root| (self.groups[root as usize].first.get(), root));
            for (nth, &a) in group.iter().enumerate() {
                for (tried, &b) in group.iter().skip(nth + 1).take(limit + 1).enumerate() {
                    let (here, there) = (&self.groups[a as usize], &self.groups[b as usize]);
                    let Some(distance) = distance(here, there) else {
                        continue;
                    };
                    // Inaccurate clocks widen the window, but not without end: a wrong link is worse than none.
                    let slack = (here.uncertainty + there.uncertainty).min(TIME_LIMIT);
                    if distance <= window + slack {
                        // Two sales of one log are two payments: no candidates, and no rivals of those that are.
                        if of_one_source(here, there) {
                            continue;
                        }
                        if tried == limit {
                            self.untried.add(a);
                        } else {
                            candidates.push((distance, a, b));
                        }
                    } else if let (Some(first), Some(last)) = (there.first.get(), here.last.get())
                        && first - last > window + slack
                    {
                        break;
                    }
                }
            }
        }
        self.take_best(candidates, method);
    }

    /// Joins what only terminal and time can join: card dialogues without a cryptogram, connections without a message.
    fn join_time(&mut self, limit: usize) {
        let mut groups = alike(self.roots().into_iter(), |root| {
            self.groups[root as usize].terminal
        });
        groups.retain(|group| !self.only_messages(group));
        let mut candidates = Vec::new();
        for group in &mut groups {
            group.sort_by_key(|&root| (self.groups[root as usize].first.get(), root));
            for (nth, &a) in group.iter().enumerate() {
                for (tried, &b) in group.iter().skip(nth + 1).take(limit + 1).enumerate() {
                    let (here, there) = (&self.groups[a as usize], &self.groups[b as usize]);
                    if !of_one_source(here, there)
                        && let Some(cost) = time_cost(here, there)
                    {
                        if tried == limit {
                            self.untried.add(a);
                        } else {
                            candidates.push((cost, a, b));
                        }
                    }
                }
            }
        }
        self.take_best(candidates, LinkMethod::Time);
    }

    /// Joins the cheapest set of pairs, one to one, then what still fits.
    fn take_best(&mut self, mut candidates: Vec<(i64, u32, u32)>, method: LinkMethod) {
        candidates.sort_unstable();
        candidates.dedup();
        let weak = is_weak(method);
        let first = |root: u32| self.groups[root as usize].first.get().unwrap_or(0);
        let chosen = if weak {
            matching::cheapest(&candidates, first)
        } else {
            Vec::new()
        };
        let mut cost_of: BTreeMap<u32, Vec<(i64, u32)>> = BTreeMap::new();
        if weak {
            for &(cost, a, b) in &candidates {
                cost_of.entry(a).or_default().push((cost, b));
                cost_of.entry(b).or_default().push((cost, a));
            }
        }
        let doubt = |groups: &[Group<'_>], cost: i64, a: u32, b: u32| {
            let uncertain = groups[a as usize].uncertainty + groups[b as usize].uncertainty;
            let near = cost + uncertain.min(DOUBT);
            let rival = |of: u32, partner: u32| {
                cost_of
                    .get(&of)
                    .is_some_and(|list| list.iter().any(|&(c, x)| x != partner && c <= near))
            };
            weak && (rival(a, b) || rival(b, a))
        };
        for (cost, a, b) in chosen.into_iter().chain(candidates.iter().copied()) {
            let ambiguous = doubt(&self.groups, cost, a, b);
            self.join(a, b, method, ambiguous);
        }
    }

    /// Messages alone: without an exact key no two of them are ever joined, so that there is nothing to weigh.
    fn only_messages(&self, group: &[u32]) -> bool {
        group.iter().all(|&root| self.groups[root as usize].has[1])
    }

    fn roots(&self) -> Vec<u32> {
        self.groups
            .iter()
            .enumerate()
            .filter(|(i, g)| g.parent as usize == *i)
            .map(|(i, _)| i as u32)
            .collect()
    }

    fn join(&mut self, a: u32, b: u32, method: LinkMethod, ambiguous: bool) {
        let (into, from) = {
            let (a, b) = (self.root(a), self.root(b));
            (a.min(b), a.max(b))
        };
        if into == from
            || !compatible(
                &self.groups[into as usize],
                &self.groups[from as usize],
                method,
            )
        {
            return;
        }
        let (left, right) = self.groups.split_at_mut(from as usize);
        let (target, source) = (&mut left[into as usize], &mut right[0]);
        target.merge_keys(source.keys());
        if target.terminal.is_none() || (source.has[1] && source.terminal.is_some()) {
            target.terminal = source.terminal;
        }
        target.first = earliest(target.first, source.first);
        target.last = target.last.get().max(source.last.get()).into();
        target.uncertainty = target.uncertainty.min(source.uncertainty);
        target.stretches.append(&mut source.stretches);
        for (have, has) in target.has.iter_mut().zip(source.has) {
            *have |= has;
        }
        target.wire |= source.wire;
        target.is_attempt |= source.is_attempt;
        target.online_at = earliest(target.online_at, source.online_at);
        target.answered |= source.answered;
        source.parent = into;
        self.links.push((a, b, method, ambiguous));
    }
}

/// Joins by likeness, not by a key that is the payment's own.
fn is_weak(method: LinkMethod) -> bool {
    matches!(
        method,
        LinkMethod::CardAmountTime | LinkMethod::AmountTime | LinkMethod::Time
    )
}

fn earliest(a: Moment, b: Moment) -> Moment {
    match (a.get(), b.get()) {
        (Some(one), Some(other)) => Moment::new(one.min(other)),
        (_, None) => a,
        (None, _) => b,
    }
}

/// A fragment's time on the reference clock: the part of its source's clock that held then.
fn align(fragment: &Fragment, clocks: &[Clock], at: i64) -> i64 {
    let index = fragment.events.first().copied().unwrap_or(0);
    clocks[fragment.source as usize].align_event(index, at)
}

/// Gap between two groups on the time axis; zero where they overlap.
fn distance(a: &Group<'_>, b: &Group<'_>) -> Option<i64> {
    let (a_first, a_last) = (a.first.get()?, a.last.get()?);
    let (b_first, b_last) = (b.first.get()?, b.last.get()?);
    Some((b_first - a_last).max(a_first - b_last).max(0))
}

/// What it costs to call two groups of one terminal one payment, by time; `None` where it makes no sense.
fn time_cost(a: &Group<'_>, b: &Group<'_>) -> Option<i64> {
    let slack = (a.uncertainty + b.uncertainty).min(TIME_LIMIT);
    // A connection (or its absence of one) belongs to the attempt that wanted to go online just then.
    let connection = |conn: &Group<'_>, attempt: &Group<'_>| {
        let seen = attempt.wire || attempt.has[2];
        if seen || !(attempt.has[0] || attempt.has[1]) || conn.has[0] || conn.has[1] {
            return None;
        }
        let opened = conn.first.get()?;
        let from = attempt.online_at.get().or(attempt.first.get())?;
        let until = attempt.last.get()? + 2_000_000;
        let off = (from - 2_000_000 - opened).max(opened - until).max(0);
        (off <= slack).then(|| (opened - from).abs())
    };
    if a.has[2] && !a.has[0] && !a.has[1] {
        return connection(a, b);
    }
    if b.has[2] && !b.has[0] && !b.has[1] {
        return connection(b, a);
    }
    // Two stretches (log and trace), or a stretch and messages, that overlap in time.
    let gap = distance(a, b)?;
    (gap <= 2_000_000 + slack.min(10_000_000)).then(|| {
        let [a_first, b_first] = [a, b].map(|group| group.first.get().unwrap_or(0));
        (a_first - b_first).abs()
    })
}

/// Whether one log or trace tells of both, each by itself: then they are never one payment.
fn of_one_source(a: &Group<'_>, b: &Group<'_>) -> bool {
    a.stretches
        .iter()
        .any(|source| b.stretches.contains(source))
}

/// Whether two groups may be one payment.
fn compatible(a: &Group<'_>, b: &Group<'_>, method: LinkMethod) -> bool {
    fn differ<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
        matches!((a, b), (Some(a), Some(b)) if a != b)
    }
    if of_one_source(a, b) {
        return false;
    }
    if method == LinkMethod::Cryptogram {
        return true;
    }
    if differ(&a.keys().cryptogram, &b.keys().cryptogram)
        || differ(&a.keys().stan, &b.keys().stan)
        || differ(&a.keys().amount_minor, &b.keys().amount_minor)
        || differ(&a.keys().rrn, &b.keys().rrn)
    {
        return false;
    }
    if method != LinkMethod::Rrn && differ(&a.terminal, &b.terminal) {
        return false;
    }
    let last4 = |keys: &JoinKeys| {
        keys.card
            .as_ref()
            .and_then(|card| card.last4().map(Text::new))
    };
    if differ(&last4(a.keys()), &last4(b.keys())) {
        return false;
    }
    // Two sets of messages without a common exact key are two payments.
    !(a.has[1] && b.has[1] && !matches!(method, LinkMethod::Stan | LinkMethod::Rrn))
}
