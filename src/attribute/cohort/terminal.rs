//! What a terminal's other attempts say of it: its reader, radio, clock, keys and limits.

use super::{Brief, Cohort, MINUTE, NONE, count, distinct, share, tail};
use crate::attribute::facts::Row;
use crate::attribute::facts::list::Fact;

impl Cohort {
    pub(super) fn terminal_facts(&self, index: usize, brief: &Brief, row: &mut Row) {
        if brief.terminal == NONE {
            return;
        }
        let list = self.by_terminal.of(brief.terminal);
        let taps: Vec<&Brief> = self.each(list).filter(|b| b.tap).collect();
        let ok = taps.iter().filter(|b| b.reached_card).count();
        let int = |number: usize| i64::from(count(number));
        row.int(Fact::term_taps, int(taps.len()), &[]);
        row.int(Fact::term_taps_ok, int(ok), &[]);
        self.run(index, list, brief, row);
        let near = |before, after| self.near(list, brief.at, before, after);
        let ok_near = near(30 * MINUTE, 30 * MINUTE).any(|b| b.tap && b.reached_card);
        row.bool(Fact::term_tap_ok_near, ok_near, &[]);
        let other = near(120 * MINUTE, 120 * MINUTE).any(|b| !b.tap && b.approved);
        row.bool(Fact::term_other_interface_ok, other, &[]);
        let approvals = self.each(list).filter(|b| b.approved).count();
        row.int(Fact::term_approvals, int(approvals), &[]);
        self.radio(&taps, brief, row);
        self.unopened(index, list, brief, row);
        if brief.error != NONE {
            let alike = near(360 * MINUTE, 360 * MINUTE).filter(|b| b.error == brief.error);
            let cards = distinct(alike.map(|b| if b.card == NONE { b.sale } else { b.card }));
            row.int(Fact::term_same_error_cards, i64::from(cards), &[]);
        }
        let expired = distinct(
            self.each(list)
                .filter(|b| b.expired_said)
                .map(|b| if b.card == NONE { b.sale } else { b.card }),
        );
        row.int(Fact::term_expired_cards, i64::from(expired), &[]);
        let wrong = near(24 * 60 * MINUTE, 24 * 60 * MINUTE).any(|b| b.clock_wrong);
        row.bool(Fact::term_clock_wrong, wrong, &[]);
        row.int(
            Fact::term_pin_wrong_cards,
            self.pins_in_a_row(index, list),
            &[],
        );
        let keys = near(60 * MINUTE, 60 * MINUTE)
            .filter(|b| b.key_failure)
            .count();
        row.int(Fact::term_key_failures, int(keys), &[]);
        let limits = self.each(list).filter(|b| b.limit_refused).count();
        row.int(Fact::term_limit_refusals, int(limits), &[]);
        let largest = taps
            .iter()
            .filter(|b| b.approved || b.step >= 7)
            .filter_map(|b| b.amount)
            .max();
        if let Some(largest) = largest {
            row.int(Fact::term_max_tap_ok_minor, largest, &[]);
        }
        if brief.init_failed {
            let later = near(0, 240 * MINUTE).filter(|b| b.at > brief.at);
            let again = later.clone().filter(|b| b.init_failed).count();
            let first_ok = later.clone().find(|b| b.tap && b.reached_card);
            let cured = first_ok.is_some_and(
                |b| matches!((b.at, brief.at), (Some(a), Some(start)) if a - start <= 30 * MINUTE),
            );
            row.bool(Fact::term_init_failed_after_restart, again > 0, &[]);
            row.bool(Fact::term_works_after_restart, cured && again == 0, &[]);
        }
        self.applications(brief, list, row);
    }

    /// Taps in a row, around this one, in which no card came to answer.
    fn run(&self, index: usize, list: &[u32], brief: &Brief, row: &mut Row) {
        if !brief.dead {
            row.int(Fact::term_fail_run, 0, &[]);
            return;
        }
        let Some(here) = list.iter().position(|&other| other as usize == index) else {
            return;
        };
        // Taps with no bearing (refused for a limit, cancelled) neither break nor make a run.
        let dead = |side: &mut dyn Iterator<Item = &u32>| {
            let mut found = Vec::new();
            for other in side.filter_map(|&other| self.brief(other)) {
                if !other.tap {
                    continue;
                }
                if other.dead {
                    found.push(*other);
                } else if other.reached_card {
                    break;
                }
            }
            found
        };
        let mut run = dead(&mut list.get(..here).unwrap_or_default().iter().rev());
        run.extend(dead(&mut list.get(here + 1..).unwrap_or_default().iter()));
        run.push(*brief);
        row.int(Fact::term_fail_run, i64::from(count(run.len())), &[]);
        let sales = distinct(run.iter().map(|b| b.sale));
        let cards = distinct(run.iter().map(|b| b.card));
        // Where the chip shows the cards afterwards, one card that comes again counts once.
        let known = run.iter().filter(|b| b.card != NONE).count();
        let different = if known * 2 >= run.len() { cards } else { sales };
        row.int(Fact::term_fail_run_sales, i64::from(different), &[]);
    }

    /// Taps in a row, around this one, that were sent to the chip with the field never on.
    fn unopened(&self, index: usize, list: &[u32], brief: &Brief, row: &mut Row) {
        if !brief.unopened {
            row.int(Fact::term_unopened_run, 0, &[]);
            return;
        }
        let Some(here) = list.iter().position(|&other| other as usize == index) else {
            return;
        };
        let side = |others: &mut dyn Iterator<Item = &u32>| {
            others
                .filter_map(|&other| self.brief(other))
                .filter(|other| other.tap && !other.limit_refused)
                .take_while(|other| other.unopened)
                .count()
        };
        let before = side(&mut list.get(..here).unwrap_or_default().iter().rev());
        let after = side(&mut list.get(here + 1..).unwrap_or_default().iter());
        let run = i64::from(count(before + after)) + 1;
        row.int(Fact::term_unopened_run, run, &[]);
    }

    fn radio(&self, taps: &[&Brief], brief: &Brief, row: &mut Row) {
        let here = count(taps.iter().filter(|b| b.rf_trouble).count());
        let all = count(taps.len());
        let collisions = count(taps.iter().filter(|b| b.collision).count());
        if all == 0 {
            return;
        }
        row.float(Fact::term_rf_error_rate, share(here, all));
        row.float(Fact::term_collision_rate, share(collisions, all));
        let others = self.totals.taps.saturating_sub(all);
        let elsewhere = share(self.totals.rf.saturating_sub(here), others);
        if others > 0 {
            row.float(Fact::fleet_rf_error_rate, elsewhere);
        }
        // The floor keeps a spotless fleet from indicting a terminal for two bad taps.
        let expected = elsewhere.max(0.02);
        let beyond_chance = |taps: &[&Brief]| {
            let trouble: Vec<&&Brief> = taps.iter().filter(|b| b.rf_trouble).collect();
            let (here, all) = (count(trouble.len()), count(taps.len()));
            let who = |b: &&&Brief| if b.card == NONE { b.sale } else { b.card };
            share(here, all) >= 5.0 * expected
                && distinct(trouble.iter().map(who)) >= 3
                && all >= 5
                && tail(here, all, expected) < 1e-4
        };
        // A fault that came in mid-day drowns in a whole day's rate: the hours around count as well.
        let around: Vec<&Brief> = taps
            .iter()
            .filter(
                |b| matches!((b.at, brief.at), (Some(a), Some(t)) if (a - t).abs() <= 180 * MINUTE),
            )
            .copied()
            .collect();
        row.bool(
            Fact::term_rf_high,
            beyond_chance(taps) || beyond_chance(&around),
            &[],
        );
    }

    /// Different cards in a row, this attempt included, whose PIN was called wrong.
    fn pins_in_a_row(&self, index: usize, list: &[u32]) -> i64 {
        let Some(here) = list.iter().position(|&other| other as usize == index) else {
            return 0;
        };
        if !self
            .brief(u32::try_from(index).unwrap_or(NONE))
            .is_some_and(|b| b.pin_wrong)
        {
            return 0;
        }
        let mut cards = Vec::new();
        let sides: [Box<dyn Iterator<Item = &u32>>; 2] = [
            Box::new(list.get(..=here).unwrap_or_default().iter().rev()),
            Box::new(list.get(here..).unwrap_or_default().iter()),
        ];
        for side in sides {
            for other in side.filter_map(|&other| self.brief(other)) {
                if other.pin_wrong {
                    cards.push(if other.card == NONE {
                        other.sale
                    } else {
                        other.card
                    });
                } else if other.approved && !other.tap {
                    break;
                }
            }
        }
        i64::from(distinct(cards.into_iter()))
    }

    fn applications(&self, brief: &Brief, list: &[u32], row: &mut Row) {
        if brief.aid != NONE {
            let same = self
                .each(list)
                .any(|b| b.aid == brief.aid && b.card != brief.card && b.step >= 4);
            row.bool(Fact::term_same_aid_ok, same, &[]);
        }
        if brief.scheme == NONE {
            return;
        }
        let scheme = |b: &&Brief| b.scheme == brief.scheme && b.tap;
        let ok = self.each(list).filter(scheme).any(|b| b.step >= 5);
        row.bool(Fact::term_same_scheme_ok, ok, &[]);
        let failing = distinct(
            self.each(list)
                .filter(scheme)
                .filter(|b| b.oda_failed)
                .map(|b| if b.card == NONE { b.sale } else { b.card }),
        );
        row.int(Fact::term_capk_fail_cards, i64::from(failing), &[]);
        let passing = distinct(
            self.each(list)
                .filter(scheme)
                .filter(|b| b.authenticated && !b.oda_failed)
                .map(|b| if b.card == NONE { b.sale } else { b.card }),
        );
        row.int(Fact::term_capk_ok_cards, i64::from(passing), &[]);
    }
}
