//! What the same card, the same merchant and the same issuer range do elsewhere.

use super::{Brief, Cohort, MINUTE, NONE, distinct};
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
        let here = if brief.terminal == NONE {
            day.clone().filter(|b| b.terminal == brief.terminal).any(ok)
        } else {
            self.near(self.by_terminal.of(brief.terminal), brief.at, DAY, DAY)
                .filter(|b| b.card == brief.card && b.sale != brief.sale)
                .any(ok)
        };
        row.bool(Fact::card_ok_here, here, &[]);
        let alike = |b: &&Brief| {
            b.failed && b.tap && b.code == brief.code && (b.step == brief.step || b.code != NONE)
        };
        let terminals = distinct(
            self.each(self.marks.card_failed.of(brief.card))
                .filter(elsewhere)
                .filter(alike)
                .map(|b| b.terminal),
        );
        row.int(Fact::card_fail_terminals, i64::from(terminals), &[]);
        let marks = &self.marks;
        let contact = marks.card_contact.of(brief.card);
        let contact = self.number(contact, brief.at, 10 * MINUTE, 10 * MINUTE) > 0;
        row.bool(Fact::card_contact_ok, contact, &[]);
        // Before it, not at the same time.
        let before = |list: &[u32]| i64::from(self.number(list, brief.at, DAY, -1));
        let taps = before(marks.card_taps.of(brief.card));
        row.int(Fact::card_taps_today, taps, &[]);
        let wrong = before(marks.card_pin_wrong.of(brief.card));
        row.int(Fact::card_pin_wrong_before, wrong, &[]);
        let _ = index;
    }

    pub(super) fn merchant_facts(&self, brief: &Brief, row: &mut Row) {
        if let Some(amount) = brief.amount.filter(|_| brief.limit_refused) {
            let accepted = self
                .marks
                .accepted
                .iter()
                .any(|(terminal, most)| *terminal != brief.terminal && *most >= amount);
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
        let sums = self.marks.merchant(brief.merchant);
        let other_refused = match brief.code {
            NONE => 0,
            code => self.marks.other_refused(brief.merchant, code),
        };
        for (fact, number) in [
            (Fact::merchant_taps_refused, sums.refused),
            (Fact::merchant_issuers_refused, sums.issuers_refused),
            (Fact::merchant_approvals, sums.approvals),
            (Fact::merchant_taps_approved, sums.taps_approved),
            (Fact::merchant_other_approved, sums.other_approved),
            (Fact::merchant_other_refused, other_refused),
        ] {
            row.int(fact, i64::from(number), &[]);
        }
        if brief.scheme != NONE {
            let scheme_ok = self
                .each(self.marks.merchant_selected.of(brief.merchant))
                .any(|b| b.scheme == brief.scheme && b.terminal != brief.terminal);
            row.bool(Fact::merchant_scheme_ok, scheme_ok, &[]);
            let lacking = distinct(
                self.each(self.marks.merchant_lacking.of(brief.merchant))
                    .filter(|b| b.scheme == brief.scheme)
                    .map(|b| b.terminal),
            );
            row.int(
                Fact::merchant_scheme_refused_terminals,
                i64::from(lacking),
                &[],
            );
        }
    }

    /// Whether the attempts of a sale broke at one place.
    pub(super) fn sale_facts(&self, brief: &Brief, row: &mut Row) {
        if brief.error == NONE {
            return;
        }
        let same = self
            .each(self.broken_by_sale.of(brief.sale))
            .filter(|b| (b.error, b.records) == (brief.error, brief.records))
            .count();
        row.int(Fact::sale_same_error, same as i64, &[]);
    }

    /// The same issuer range with the same broken command.
    pub(super) fn range_facts(&self, brief: &Brief, broken: bool, row: &mut Row) {
        if brief.bin == NONE || (brief.error == NONE && !broken) {
            return;
        }
        let same = || {
            self.each(self.marks.bin_errors.of(brief.bin))
                .filter(|b| b.error == brief.error)
        };
        row.int(
            Fact::bin_same_error,
            i64::from(distinct(
                same().map(|b| if b.card == NONE { b.sale } else { b.card }),
            )),
            &[],
        );
        let mut failing: Vec<u32> = same().map(|b| b.terminal).collect();
        failing.sort_unstable();
        failing.dedup();
        let ok = self
            .each(self.marks.bin_passed.of(brief.bin))
            .any(|b| failing.binary_search(&b.terminal).is_err());
        row.bool(Fact::bin_other_terminals_ok, ok, &[]);
    }
}
