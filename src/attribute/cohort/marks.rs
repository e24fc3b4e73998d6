//! Attempts by a mark and by what they have in common, each list by time: what a window holds of them is a difference of two
//! places, where a walk over the window would make a day of many failures cost the square of its length.

use foldhash::HashMap;

use super::host::host_trouble;
use super::{Brief, Lists, NONE, count, distinct};

/// Lists by mark.
#[derive(Default)]
pub(super) struct Marks {
    pub online: Vec<u32>,
    /// Online, and of these in trouble, without an answer, refused, not a tap.
    pub trouble: Vec<u32>,
    pub silent: Vec<u32>,
    pub refused: Vec<u32>,
    pub no_tap: Vec<u32>,
    /// Online at a known site, and how often the site changes up to each place.
    pub sited: Vec<u32>,
    turns: Vec<u32>,
    /// Online with a known issuer, and of these in trouble.
    pub issued: Vec<u32>,
    pub issued_bad: Vec<u32>,
    pub issuer_online: Lists,
    pub issuer_bad: Lists,
    /// Whose network was measured, at a known site, and of these bad.
    pub measured: Vec<u32>,
    pub measured_bad: Vec<u32>,
    pub site_measured: Lists,
    pub site_bad: Lists,
    pub connected: Vec<u32>,
    pub site_connected: Lists,
    pub server_connected: Lists,
    /// Taps of a card; those that failed; approvals by contact; wrong PINs.
    pub card_taps: Lists,
    pub card_failed: Lists,
    pub card_contact: Lists,
    pub card_pin_wrong: Lists,
    /// Failed with a broken command, by issuer range.
    pub bin_errors: Lists,
    /// Taps that got through, by issuer range: one for each terminal.
    pub bin_passed: Lists,
    /// Lacking the card's application, one for each scheme and terminal; and those that chose one.
    pub merchant_lacking: Lists,
    pub merchant_selected: Lists,
    /// Who tried to reach a server, an address or a name, and how it went: one for each kind.
    pub server_kinds: Lists,
    pub address_kinds: Lists,
    pub name_kinds: Lists,
    /// Servers that a terminal reached: one attempt for each.
    pub terminal_servers: Lists,
    /// The largest amounts that taps got through with, at two different terminals.
    pub accepted: Vec<(u32, i64)>,
    merchants: Vec<OfMerchant>,
    other_refused: HashMap<(u32, u32), u32>,
    codes: HashMap<u32, Vec<u32>>,
}

/// Sums over all attempts of a merchant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OfMerchant {
    pub refused: u32,
    pub issuers_refused: u32,
    pub approvals: u32,
    pub taps_approved: u32,
    pub other_approved: u32,
}

/// The issuer does not answer, or the way to it is in trouble.
pub(super) fn issuer_trouble(b: &Brief) -> bool {
    b.issuer_code || b.system_code || b.no_answer
}

impl Marks {
    /// `order`: all attempts with a time, by time.
    pub fn new(briefs: &[Brief], order: &[u32], by_merchant: &Lists) -> Self {
        let all = |keep: fn(&Brief) -> bool| -> Vec<u32> {
            let has = |index: &u32| briefs.get(*index as usize).is_some_and(keep);
            order.iter().copied().filter(has).collect()
        };
        let lists = |of: fn(&Brief) -> Option<u32>| {
            Lists::new(briefs, order, |brief| of(brief).unwrap_or(NONE))
        };
        let mut marks = Self {
            online: all(|b| b.online),
            trouble: all(|b| b.online && host_trouble(b)),
            silent: all(|b| b.online && b.no_answer),
            refused: all(|b| b.online && b.refused),
            no_tap: all(|b| b.online && !b.tap),
            sited: all(|b| b.online && b.site != NONE),
            issued: all(|b| b.online && b.bin != NONE),
            issued_bad: all(|b| b.online && b.bin != NONE && issuer_trouble(b)),
            issuer_online: lists(|b| b.online.then_some(b.bin)),
            issuer_bad: lists(|b| (b.online && issuer_trouble(b)).then_some(b.bin)),
            measured: all(|b| b.network_measured && b.site != NONE),
            measured_bad: all(|b| b.network_measured && b.network_bad && b.site != NONE),
            site_measured: lists(|b| b.network_measured.then_some(b.site)),
            site_bad: lists(|b| (b.network_measured && b.network_bad).then_some(b.site)),
            connected: all(|b| b.connected),
            site_connected: lists(|b| b.connected.then_some(b.site)),
            server_connected: lists(|b| b.connected.then_some(b.server)),
            card_taps: lists(|b| b.tap.then_some(b.card)),
            card_failed: Lists::kinds(briefs, order, |b| {
                (b.tap && b.failed).then_some((b.card, (b.terminal, b.code, b.step)))
            }),
            card_contact: lists(|b| (b.contact && b.approved).then_some(b.card)),
            card_pin_wrong: lists(|b| b.pin_wrong.then_some(b.card)),
            bin_errors: Lists::kinds(briefs, order, |b| {
                let who = if b.card == NONE { b.sale } else { b.card };
                (b.failed && b.error != NONE).then_some((b.bin, (b.error, who, b.terminal)))
            }),
            bin_passed: Lists::kinds(briefs, order, |b| {
                (b.tap && b.step >= 7 && !b.failed).then_some((b.bin, b.terminal))
            }),
            merchant_lacking: Lists::kinds(briefs, order, |b| {
                b.no_common_aid
                    .then_some((b.merchant, (b.scheme, b.terminal)))
            }),
            merchant_selected: Lists::kinds(briefs, order, |b| {
                (b.tap && b.step >= 5).then_some((b.merchant, (b.scheme, b.terminal)))
            }),
            server_kinds: Lists::kinds(briefs, order, |b| Some((b.server, reached(b)))),
            address_kinds: Lists::kinds(briefs, order, |b| Some((b.address, reached(b)))),
            name_kinds: Lists::kinds(briefs, order, |b| Some((b.name, reached(b)))),
            terminal_servers: Lists::kinds(briefs, order, |b| {
                b.connected.then_some((b.terminal, b.server))
            }),
            accepted: accepted(briefs, order),
            ..Self::default()
        };
        let mut turns = 0;
        let mut site = NONE;
        for &index in &marks.sited {
            let here = briefs.get(index as usize).map_or(NONE, |b| b.site);
            turns += u32::from(here != site);
            site = here;
            marks.turns.push(turns);
        }
        for &index in order {
            let Some(brief) = briefs.get(index as usize) else {
                continue;
            };
            if brief.code != NONE {
                marks.codes.entry(brief.code).or_default().push(index);
                if brief.merchant != NONE && !brief.tap {
                    let key = (brief.merchant, brief.code);
                    *marks.other_refused.entry(key).or_default() += 1;
                }
            }
        }
        marks.merchants = by_merchant
            .iter()
            .map(|(_, list)| of_merchant(briefs, list))
            .collect();
        marks
    }

    /// All with that response code.
    pub fn with_code(&self, code: u32) -> &[u32] {
        self.codes.get(&code).map_or(&[], Vec::as_slice)
    }

    /// Sums of a merchant.
    pub fn merchant(&self, id: u32) -> OfMerchant {
        self.merchants.get(id as usize).copied().unwrap_or_default()
    }

    /// Other than taps at a merchant that were answered with that code.
    pub fn other_refused(&self, merchant: u32, code: u32) -> u32 {
        let known = self.other_refused.get(&(merchant, code));
        known.copied().unwrap_or(0)
    }

    /// True where those of `sited` from one place to another are of one site.
    pub fn one_site(&self, range: &std::ops::Range<usize>) -> bool {
        let turns = |at: usize| self.turns.get(at);
        range.len() < 2 || turns(range.start) == turns(range.end - 1)
    }
}

/// Who tried to reach a place, and what came of it.
fn reached(b: &Brief) -> (u32, u32, bool, bool, i64, u32) {
    (
        b.terminal,
        b.site,
        b.connected,
        b.name_resolved,
        b.alert,
        b.tls_issuer,
    )
}

/// The largest amounts of taps that got through, of the two terminals with the largest.
fn accepted(briefs: &[Brief], order: &[u32]) -> Vec<(u32, i64)> {
    let mut most: Vec<(u32, i64)> = Vec::new();
    let each = order.iter().filter_map(|&index| briefs.get(index as usize));
    for b in each.filter(|b| b.tap && b.step >= 7) {
        let Some(amount) = b.amount else { continue };
        match most
            .iter_mut()
            .find(|(terminal, _)| *terminal == b.terminal)
        {
            Some((_, known)) => *known = amount.max(*known),
            None => most.push((b.terminal, amount)),
        }
        most.sort_by_key(|(_, amount)| std::cmp::Reverse(*amount));
        most.truncate(2);
    }
    most
}

fn of_merchant(briefs: &[Brief], list: &[u32]) -> OfMerchant {
    let each = || list.iter().filter_map(|&index| briefs.get(index as usize));
    let refused = || each().filter(|b| b.tap && b.not_permitted);
    let approved = || each().filter(|b| b.approved);
    OfMerchant {
        refused: count(refused().count()),
        issuers_refused: distinct(refused().map(|b| b.bin)),
        approvals: count(approved().count()),
        // Approved taps that went online: an offline approval proves nothing about the acquirer.
        taps_approved: count(approved().filter(|b| b.tap && b.online).count()),
        other_approved: count(approved().filter(|b| !b.tap).count()),
    }
}
