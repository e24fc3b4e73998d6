//! Comparison with other attempts: what no single transaction can show, as further columns of the same table.
//!
//! A second pass over all attempts. Everything is looked up by dense identifiers in order of first appearance, so the same
//! inputs give the same facts.

mod brief;
mod chance;
mod customer;
mod host;
mod marks;
mod site;
mod terminal;

use super::facts::list::Fact;
use super::facts::{Context, Facts, Row};
use super::model::FactRow;
use super::packed::FactTable;

pub(super) use brief::{Brief, NONE};
pub(super) use chance::tail;

/// Microseconds of a minute.
pub(super) const MINUTE: i64 = 60_000_000;
/// Attempts before and after a time that are looked at one by one. Where more lie within a span (a test rig, a terminal that
/// stands for a whole gateway), the nearest tell, and the work stays linear.
pub(super) const NEAREST: usize = 1024;

/// Attempts in brief, and who belongs together.
pub(super) struct Cohort {
    /// One per attempt, in order.
    pub briefs: Vec<Brief>,
    /// Names by identifier.
    pub names: brief::Names,
    by_terminal: Lists,
    /// Sums by terminal.
    terminals: Vec<terminal::OfTerminal>,
    by_merchant: Lists,
    by_site: Lists,
    by_card: Lists,
    by_bin: Lists,
    /// Of each sale, the attempts whose dialogue broke.
    broken_by_sale: Lists,
    by_server: Lists,
    by_address: Lists,
    by_firmware: Lists,
    fleet: Lists,
    /// All attempts with a time, by time.
    all: Vec<u32>,
    marks: marks::Marks,
    totals: Totals,
}

/// Attempts of each identifier, by time.
#[derive(Default)]
pub(super) struct Lists(Vec<Vec<u32>>);

impl Lists {
    fn new(briefs: &[Brief], order: &[u32], of: impl Fn(&Brief) -> u32) -> Self {
        let mut lists: Vec<Vec<u32>> = Vec::new();
        for &index in order {
            let Some(brief) = briefs.get(index as usize) else {
                continue;
            };
            let id = of(brief);
            if id == NONE {
                continue;
            }
            let id = id as usize;
            if lists.len() <= id {
                lists.resize_with(id + 1, Vec::new);
            }
            if let Some(list) = lists.get_mut(id) {
                list.push(index);
            }
        }
        Self(lists)
    }

    /// Of all attempts of an identifier that are alike in what `kind` tells, the first: what holds of one of them or of none is
    /// found among these, however many there are.
    fn kinds<K: Eq + std::hash::Hash>(
        briefs: &[Brief],
        order: &[u32],
        kind: impl Fn(&Brief) -> Option<(u32, K)>,
    ) -> Self {
        let mut seen = foldhash::HashSet::default();
        let first: Vec<u32> = order
            .iter()
            .copied()
            .filter(|&index| {
                let kind = briefs.get(index as usize).and_then(&kind);
                kind.is_some_and(|kind| seen.insert(kind))
            })
            .collect();
        Self::new(briefs, &first, |brief| {
            kind(brief).map_or(NONE, |(id, _)| id)
        })
    }

    /// Attempts of one.
    pub fn of(&self, id: u32) -> &[u32] {
        self.0.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// All lists with their identifiers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[u32])> {
        (0u32..).zip(self.0.iter().map(Vec::as_slice))
    }
}

/// Sums over all attempts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    taps: u32,
    rf: u32,
}

impl Cohort {
    /// Reads all attempts once.
    pub fn new(context: &Context<'_>, rows: &FactTable) -> Self {
        let (briefs, names) = brief::read(context, rows);
        let mut all: Vec<u32> = (0u32..)
            .zip(&briefs)
            .filter(|(_, brief)| brief.at.is_some())
            .map(|(index, _)| index)
            .collect();
        all.sort_by_key(|&index| (briefs.get(index as usize).and_then(|b| b.at), index));
        let lists = |of: fn(&Brief) -> u32| Lists::new(&briefs, &all, of);
        let taps = briefs.iter().filter(|brief| brief.tap);
        let totals = Totals {
            taps: count(taps.clone().count()),
            rf: count(taps.filter(|brief| brief.rf_trouble).count()),
        };
        let by_merchant = lists(|b| b.merchant);
        let by_terminal = lists(|b| b.terminal);
        Self {
            marks: marks::Marks::new(&briefs, &all, &by_merchant),
            terminals: terminal::OfTerminal::all(&briefs, &by_terminal),
            by_terminal,
            by_merchant,
            by_site: lists(|b| b.site),
            by_card: lists(|b| b.card),
            by_bin: lists(|b| b.bin),
            // In whichever order, and with or without a time.
            broken_by_sale: Lists::new(
                &briefs,
                &(0..count(briefs.len())).collect::<Vec<u32>>(),
                |b| if b.error == NONE { NONE } else { b.sale },
            ),
            by_server: lists(|b| b.server),
            by_address: lists(|b| b.address),
            by_firmware: lists(|b| b.firmware),
            fleet: lists(|_| 0),
            briefs,
            names,
            all,
            totals,
        }
    }

    /// Adds the group facts to a row.
    pub fn facts(&self, index: usize, row: FactRow) -> FactRow {
        let Some(brief) = self.briefs.get(index) else {
            return row;
        };
        let bin_error = row
            .str(Fact::unanswered_command)
            .is_some_and(|command| !command.is_empty());
        let mut row = Row::reopen(row);
        if brief.at.is_some() {
            self.terminal_facts(index, brief, &mut row);
            self.customer_facts(index, brief, &mut row);
            self.merchant_facts(brief, &mut row);
            self.issuer_facts(brief, &mut row);
            self.host_facts(brief, &mut row);
            self.site_facts(brief, &mut row);
            self.server_facts(brief, &mut row);
            self.range_facts(brief, bin_error, &mut row);
        }
        self.sale_facts(brief, &mut row);
        row.finish()
    }

    /// The brief of an attempt.
    pub fn brief(&self, index: u32) -> Option<&Brief> {
        self.briefs.get(index as usize)
    }

    /// Those of a list (sorted by time) that lie within a span of a time, the attempt itself included: the [`NEAREST`] on
    /// either side.
    pub fn near<'a>(
        &'a self,
        list: &'a [u32],
        at: Option<i64>,
        before: i64,
        after: i64,
    ) -> impl Iterator<Item = &'a Brief> + Clone {
        self.each(self.window(list, at, before, after))
    }

    /// As [`Self::near`], by index.
    fn window<'a>(&self, list: &'a [u32], at: Option<i64>, before: i64, after: i64) -> &'a [u32] {
        let range = self.places(list, at, before, after);
        let here = self.places(list, at, 0, 0);
        let from = here.start.saturating_sub(NEAREST).max(range.start);
        let to = here.end.saturating_add(NEAREST).min(range.end);
        list.get(from..to.max(from)).unwrap_or_default()
    }

    /// How many of a list lie within a span of a time.
    pub fn number(&self, list: &[u32], at: Option<i64>, before: i64, after: i64) -> u32 {
        count(self.places(list, at, before, after).len())
    }

    /// Where in a list those stand that lie within a span of a time.
    fn places(
        &self,
        list: &[u32],
        at: Option<i64>,
        before: i64,
        after: i64,
    ) -> std::ops::Range<usize> {
        let time = |index: &u32| self.brief(*index).and_then(|brief| brief.at);
        let Some(at) = at else { return 0..0 };
        let from = list.partition_point(|index| time(index) < Some(at - before));
        let to = list.partition_point(|index| time(index) <= Some(at + after));
        from..to.max(from)
    }

    /// Where an attempt stands in a list, which is sorted by time and number.
    fn place(&self, list: &[u32], index: usize) -> Option<usize> {
        let key = |index: u32| (self.brief(index).and_then(|brief| brief.at), index);
        let wanted = key(u32::try_from(index).ok()?);
        list.binary_search_by_key(&wanted, |&other| key(other)).ok()
    }

    /// All of a list.
    pub fn each<'a>(&'a self, list: &'a [u32]) -> impl Iterator<Item = &'a Brief> + Clone {
        list.iter().filter_map(|&index| self.brief(index))
    }

    /// Lists by scope, for incidents.
    pub fn lists(&self, scope: Scope) -> &Lists {
        match scope {
            Scope::Terminal => &self.by_terminal,
            Scope::Merchant => &self.by_merchant,
            Scope::Site => &self.by_site,
            Scope::Issuer => &self.by_bin,
            Scope::Card => &self.by_card,
            Scope::Host => &self.by_server,
            Scope::Firmware => &self.by_firmware,
            Scope::Fleet => &self.fleet,
        }
    }

    /// All attempts with a time, by time.
    pub fn all(&self) -> &[u32] {
        &self.all
    }
}

/// What an incident may be confined to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Card,
    Terminal,
    Merchant,
    Site,
    Issuer,
    Host,
    Firmware,
    Fleet,
}

/// A count that fits.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Different identifiers among these, `NONE` left out.
pub(super) fn distinct(ids: impl Iterator<Item = u32>) -> u32 {
    let mut ids: Vec<u32> = ids.filter(|id| *id != NONE).collect();
    let words = ids.iter().max().map_or(0, |most| *most as usize / 64 + 1);
    if ids.len() < words {
        ids.sort_unstable();
        ids.dedup();
        return count(ids.len());
    }
    // Many of few: a bit each.
    let mut seen = vec![0_u64; words];
    for id in ids {
        if let Some(word) = seen.get_mut(id as usize / 64) {
            *word |= 1 << (id % 64);
        }
    }
    seen.iter().map(|word| word.count_ones()).sum()
}

/// A share, zero of nothing.
pub(super) fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        0.0
    } else {
        f64::from(part) / f64::from(whole)
    }
}
