//! What the same card, the same merchant and the same issuer range do elsewhere.

use super::{Brief, Cohort, MINUTE, NONE, count, distinct};
use crate::attribute::facts::Row;
use crate::attribute::facts::list::Fact;

const DAY: i64 = 24 * 60 * MINUTE;

impl Cohort {
    pub(super) fn customer_facts(&self, index: usize, brief: &Brief, row: &mut Row) {
        if brief.card == NONE {
            return;
        }
        let list = self.by_card.of(brief.card);
        // The same sale proves nothing: its card is what is in question.
        let day = self
            .near(list, brief.at, DAY, DAY)
            .filter(|b| b.sale != brief.sale);
        let ok = |b: &Brief| b.tap && (b.approved || b.step >= 7 && !b.failed);
        let elsewhere = |b: &&Brief| b.terminal != brief.terminal;
        row.bool(
            Fact::card_ok_elsewhere,
            day.clone().filter(elsewhere).any(ok),
            &[],
        );
        row.bool(
            Fact::card_ok_here,
            day.clone().filter(|b| b.terminal == brief.terminal).any(ok),
            &[],
        );
        let alike = |b: &&Brief| {
            b.failed && b.tap && b.code == brief.code && (b.step == brief.step || b.code != NONE)
        };
        let terminals = distinct(
            self.each(list)
                .filter(elsewhere)
                .filter(alike)
                .map(|b| b.terminal),
        );
        row.int(Fact::card_fail_terminals, i64::from(terminals), &[]);
        let contact = self
            .near(list, brief.at, 10 * MINUTE, 10 * MINUTE)
            .any(|b| b.contact && b.approved);
        row.bool(Fact::card_contact_ok, contact, &[]);
        let before = self
            .near(list, brief.at, DAY, 0)
            .filter(|b| b.tap && b.at < brief.at);
        let taps = before.clone().count();
        row.int(Fact::card_taps_today, i64::from(count(taps)), &[]);
        let wrong = self
            .near(list, brief.at, DAY, 0)
            .filter(|b| b.pin_wrong && b.at < brief.at)
            .count();
        row.int(Fact::card_pin_wrong_before, i64::from(count(wrong)), &[]);
        let _ = index;
    }

    pub(super) fn merchant_facts(&self, brief: &Brief, row: &mut Row) {
        let int = |number: usize| i64::from(count(number));
        let accepted = brief.amount.is_some_and(|amount| {
            self.each(&self.all).any(|b| {
                b.terminal != brief.terminal
                    && b.tap
                    && b.step >= 7
                    && b.amount.is_some_and(|other| other >= amount)
            })
        });
        if brief.limit_refused && brief.amount.is_some() {
            row.bool(Fact::others_accept_amount, accepted, &[]);
        }
        let group = if brief.merchant == NONE {
            self.by_site.of(brief.site)
        } else {
            self.by_merchant.of(brief.merchant)
        };
        let neighbours = || {
            self.near(group, brief.at, 30 * MINUTE, 30 * MINUTE)
                .filter(|b| b.terminal != brief.terminal && b.tap)
        };
        if neighbours().next().is_some() {
            row.bool(
                Fact::neighbours_tap_ok,
                neighbours().any(|b| b.reached_card),
                &[],
            );
        }
        if brief.merchant == NONE {
            return;
        }
        let list = self.by_merchant.of(brief.merchant);
        let refused = self.each(list).filter(|b| b.tap && b.not_permitted);
        row.int(
            Fact::merchant_taps_refused,
            int(refused.clone().count()),
            &[],
        );
        let issuers = distinct(refused.map(|b| b.bin));
        row.int(Fact::merchant_issuers_refused, i64::from(issuers), &[]);
        let approved = self.each(list).filter(|b| b.approved);
        row.int(Fact::merchant_approvals, int(approved.clone().count()), &[]);
        // Approved taps that went online: an offline approval proves nothing about the acquirer.
        let taps = approved.clone().filter(|b| b.tap && b.online).count();
        row.int(Fact::merchant_taps_approved, int(taps), &[]);
        let other = approved.filter(|b| !b.tap).count();
        row.int(Fact::merchant_other_approved, int(other), &[]);
        let other_refused = self
            .each(list)
            .filter(|b| !b.tap && b.code == brief.code && b.code != NONE)
            .count();
        row.int(Fact::merchant_other_refused, int(other_refused), &[]);
        if brief.scheme != NONE {
            let scheme_ok = self.each(list).any(|b| {
                b.scheme == brief.scheme && b.terminal != brief.terminal && b.tap && b.step >= 5
            });
            row.bool(Fact::merchant_scheme_ok, scheme_ok, &[]);
            let lacking = distinct(
                self.each(list)
                    .filter(|b| b.no_common_aid && b.scheme == brief.scheme)
                    .map(|b| b.terminal),
            );
            row.int(
                Fact::merchant_scheme_refused_terminals,
                i64::from(lacking),
                &[],
            );
        }
    }

    /// The same issuer range with the same broken command.
    pub(super) fn range_facts(&self, brief: &Brief, broken: bool, row: &mut Row) {
        if brief.bin == NONE || (brief.error == NONE && !broken) {
            return;
        }
        let list = self.by_bin.of(brief.bin);
        let same = || {
            self.each(list)
                .filter(|b| b.error == brief.error && b.failed && b.error != NONE)
        };
        row.int(
            Fact::bin_same_error,
            i64::from(distinct(
                same().map(|b| if b.card == NONE { b.sale } else { b.card }),
            )),
            &[],
        );
        let failing: Vec<u32> = same().map(|b| b.terminal).collect();
        let ok = self
            .each(list)
            .any(|b| b.tap && b.step >= 7 && !b.failed && !failing.contains(&b.terminal));
        row.bool(Fact::bin_other_terminals_ok, ok, &[]);
    }
}
