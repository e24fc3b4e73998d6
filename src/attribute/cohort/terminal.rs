//! What a terminal's other attempts say of it: its reader, radio, clock, keys and limits.

use super::{Brief, Cohort, Lists, MINUTE, NEAREST, NONE, count, distinct, share, tail};
use crate::attribute::facts::Row;
use crate::attribute::facts::list::Fact;

/// Sums over all attempts of a terminal, made once: a terminal with weeks of attempts must not be walked for each of them.
#[derive(Debug, Default)]
pub(super) struct OfTerminal {
    taps: u32,
    taps_ok: u32,
    approvals: u32,
    expired_cards: u32,
    limit_refusals: u32,
    largest_ok: Option<i64>,
    collisions: u32,
    radio: Radio,
    schemes: Vec<OfScheme>,
    aids: Vec<OfAid>,
}

/// An application that worked: with which card first, and whether with another.
#[derive(Debug)]
struct OfAid {
    aid: u32,
    card: u32,
    another: bool,
}

/// Taps of a terminal from which on it may be called free of radio trouble.
const TELLING_TAPS: u32 = 5;

/// Taps with radio trouble.
#[derive(Debug, Clone, Copy, Default)]
struct Radio {
    trouble: u32,
    all: u32,
    cards: u32,
}

/// Offline data authentication of a scheme's cards.
#[derive(Debug)]
struct OfScheme {
    scheme: u32,
    selected: bool,
    failing_cards: u32,
    passing_cards: u32,
    keys: Vec<OfKey>,
}

/// As of a scheme, of its cards that need one authority key.
#[derive(Debug)]
struct OfKey {
    capk: u32,
    failing_cards: u32,
    passing_cards: u32,
}

/// Whose attempt it is: the card's, or the sale's where the card is not known.
fn who(b: &Brief) -> u32 {
    if b.card == NONE { b.sale } else { b.card }
}

impl Radio {
    fn of<'a>(taps: impl Iterator<Item = &'a Brief>) -> Self {
        let mut all = 0;
        let trouble: Vec<u32> = taps
            .inspect(|_| all += 1)
            .filter(|b| b.rf_trouble)
            .map(who)
            .collect();
        Self {
            trouble: count(trouble.len()),
            all,
            cards: distinct(trouble.into_iter()),
        }
    }

    fn beyond_chance(&self, expected: f64) -> bool {
        share(self.trouble, self.all) >= 5.0 * expected
            && self.cards >= 3
            && self.all >= 5
            && tail(self.trouble, self.all, expected) < 1e-4
    }
}

impl OfTerminal {
    fn new<'a>(all: impl Iterator<Item = &'a Brief> + Clone) -> Self {
        let taps = || all.clone().filter(|b| b.tap);
        let mut schemes: Vec<u32> = taps().map(|b| b.scheme).filter(|s| *s != NONE).collect();
        schemes.sort_unstable();
        schemes.dedup();
        let mut keys: Vec<u32> = taps().map(|b| b.capk).filter(|k| *k != NONE).collect();
        keys.sort_unstable();
        keys.dedup();
        let failing = |its: &mut dyn Iterator<Item = &'a Brief>| {
            distinct(its.filter(|b| b.oda_failed).map(who))
        };
        let passing = |its: &mut dyn Iterator<Item = &'a Brief>| {
            distinct(its.filter(|b| b.authenticated && !b.oda_failed).map(who))
        };
        let of_scheme = |scheme: u32| {
            let its = || taps().filter(move |b| b.scheme == scheme);
            OfScheme {
                scheme,
                selected: its().any(|b| b.step >= 5),
                failing_cards: failing(&mut its()),
                passing_cards: passing(&mut its()),
                keys: keys
                    .iter()
                    .filter(|capk| its().any(|b| b.capk == **capk))
                    .map(|&capk| OfKey {
                        capk,
                        failing_cards: failing(&mut its().filter(|b| b.capk == capk)),
                        passing_cards: passing(&mut its().filter(|b| b.capk == capk)),
                    })
                    .collect(),
            }
        };
        let mut aids: Vec<OfAid> = Vec::new();
        for b in all.clone().filter(|b| b.aid != NONE && b.step >= 4) {
            match aids.iter_mut().find(|of| of.aid == b.aid) {
                Some(of) => of.another |= of.card != b.card,
                None => aids.push(OfAid {
                    aid: b.aid,
                    card: b.card,
                    another: false,
                }),
            }
        }
        Self {
            taps: count(taps().count()),
            taps_ok: count(taps().filter(|b| b.reached_card).count()),
            approvals: count(all.clone().filter(|b| b.approved).count()),
            expired_cards: distinct(all.clone().filter(|b| b.expired_said).map(who)),
            limit_refusals: count(all.clone().filter(|b| b.limit_refused).count()),
            largest_ok: taps()
                .filter(|b| b.approved || b.step >= 7)
                .filter_map(|b| b.amount)
                .max(),
            collisions: count(taps().filter(|b| b.collision).count()),
            radio: Radio::of(taps()),
            schemes: schemes.into_iter().map(of_scheme).collect(),
            aids,
        }
    }

    /// One for each terminal, by its identifier.
    pub fn all(briefs: &[Brief], by_terminal: &Lists) -> Vec<Self> {
        let of =
            |list: &[u32]| Self::new(list.iter().filter_map(|&index| briefs.get(index as usize)));
        by_terminal.iter().map(|(_, list)| of(list)).collect()
    }
}

impl Cohort {
    pub(super) fn terminal_facts(&self, index: usize, brief: &Brief, row: &mut Row) {
        if brief.terminal == NONE {
            return;
        }
        let list = self.by_terminal.of(brief.terminal);
        let Some(sums) = self.terminals.get(brief.terminal as usize) else {
            return;
        };
        let int = |number: usize| i64::from(count(number));
        row.int(Fact::term_taps, i64::from(sums.taps), &[]);
        row.int(Fact::term_taps_ok, i64::from(sums.taps_ok), &[]);
        self.run(index, list, brief, row);
        let near = |before, after| self.near(list, brief.at, before, after);
        let ok_near = near(30 * MINUTE, 30 * MINUTE).any(|b| b.tap && b.reached_card);
        row.bool(Fact::term_tap_ok_near, ok_near, &[]);
        let other = near(120 * MINUTE, 120 * MINUTE).any(|b| !b.tap && b.approved);
        row.bool(Fact::term_other_interface_ok, other, &[]);
        row.int(Fact::term_approvals, i64::from(sums.approvals), &[]);
        self.radio(sums, list, brief, row);
        self.unopened(index, list, brief, row);
        if brief.error != NONE {
            let alike = near(360 * MINUTE, 360 * MINUTE).filter(|b| b.error == brief.error);
            let cards = distinct(alike.map(who));
            row.int(Fact::term_same_error_cards, i64::from(cards), &[]);
        }
        row.int(Fact::term_expired_cards, i64::from(sums.expired_cards), &[]);
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
        row.int(
            Fact::term_limit_refusals,
            i64::from(sums.limit_refusals),
            &[],
        );
        if let Some(largest) = sums.largest_ok {
            row.int(Fact::term_max_tap_ok_minor, largest, &[]);
        }
        if brief.init_failed {
            let later = near(0, 240 * MINUTE).filter(|b| b.at > brief.at);
            let again = later.clone().filter(|b| b.init_failed).count();
            let first_ok = later.clone().find(|b| b.radio && b.reached_card);
            let cured = first_ok.is_some_and(
                |b| matches!((b.at, brief.at), (Some(a), Some(start)) if a - start <= 30 * MINUTE),
            );
            row.bool(Fact::term_init_failed_after_restart, again > 0, &[]);
            row.bool(Fact::term_works_after_restart, cured && again == 0, &[]);
        }
        Self::applications(sums, brief, row);
    }

    /// Taps in a row, around this one, in which no card came to answer.
    fn run(&self, index: usize, list: &[u32], brief: &Brief, row: &mut Row) {
        if !brief.dead {
            row.int(Fact::term_fail_run, 0, &[]);
            return;
        }
        let Some(here) = self.place(list, index) else {
            return;
        };
        // Taps with no bearing (refused for a limit, cancelled) neither break nor make a run.
        let dead = |side: &mut dyn Iterator<Item = &u32>| {
            let mut found = Vec::new();
            for other in side.filter_map(|&other| self.brief(other)).take(NEAREST) {
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
        let Some(here) = self.place(list, index) else {
            return;
        };
        let side = |others: &mut dyn Iterator<Item = &u32>| {
            others
                .filter_map(|&other| self.brief(other))
                .filter(|other| other.tap && !other.limit_refused)
                .take(NEAREST)
                .take_while(|other| other.unopened)
                .count()
        };
        let before = side(&mut list.get(..here).unwrap_or_default().iter().rev());
        let after = side(&mut list.get(here + 1..).unwrap_or_default().iter());
        let run = i64::from(count(before + after)) + 1;
        row.int(Fact::term_unopened_run, run, &[]);
    }

    fn radio(&self, sums: &OfTerminal, list: &[u32], brief: &Brief, row: &mut Row) {
        let Radio {
            trouble: here, all, ..
        } = sums.radio;
        if all == 0 {
            return;
        }
        row.float(Fact::term_rf_error_rate, share(here, all));
        row.float(Fact::term_collision_rate, share(sums.collisions, all));
        let others = self.totals.taps.saturating_sub(all);
        let elsewhere = share(self.totals.rf.saturating_sub(here), others);
        if others > 0 {
            row.float(Fact::fleet_rf_error_rate, elsewhere);
        }
        // The floor keeps a spotless fleet from indicting a terminal for two bad taps.
        let expected = elsewhere.max(0.02);
        // A fault that came in mid-day drowns in a whole day's rate: the hours around count as well.
        let around = || {
            let near = self.near(list, brief.at, 180 * MINUTE, 180 * MINUTE);
            Radio::of(near.filter(|b| b.tap))
        };
        let high = sums.radio.beyond_chance(expected) || around().beyond_chance(expected);
        // A handful of taps clears no terminal.
        if high || all >= TELLING_TAPS {
            row.bool(Fact::term_rf_high, high, &[]);
        }
    }

    /// Different cards in a row, this attempt included, whose PIN was called wrong.
    fn pins_in_a_row(&self, index: usize, list: &[u32]) -> i64 {
        let Some(here) = self.place(list, index) else {
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
            for other in side.filter_map(|&other| self.brief(other)).take(NEAREST) {
                if other.pin_wrong {
                    cards.push(who(other));
                } else if other.approved && !other.tap {
                    break;
                }
            }
        }
        i64::from(distinct(cards.into_iter()))
    }

    fn applications(sums: &OfTerminal, brief: &Brief, row: &mut Row) {
        if brief.aid != NONE {
            let same = sums
                .aids
                .iter()
                .any(|of| of.aid == brief.aid && (of.another || of.card != brief.card));
            row.bool(Fact::term_same_aid_ok, same, &[]);
        }
        if brief.scheme == NONE {
            return;
        }
        let of_scheme = sums.schemes.iter().find(|of| of.scheme == brief.scheme);
        row.bool(
            Fact::term_same_scheme_ok,
            of_scheme.is_some_and(|of| of.selected),
            &[],
        );
        // A missing key fails the cards that need it and no other; where no card tells its key, the scheme stands for it.
        let all = of_scheme.map_or((0, 0), |of| (of.failing_cards, of.passing_cards));
        let key = of_scheme.and_then(|of| of.keys.iter().find(|key| key.capk == brief.capk));
        let (failing, passing) = key.map_or(all, |key| (key.failing_cards, key.passing_cards));
        if key.is_some() {
            let others = i64::from(all.1) - i64::from(passing);
            row.int(Fact::term_capk_others_ok, others.max(0), &[]);
        }
        row.int(Fact::term_capk_fail_cards, i64::from(failing), &[]);
        row.int(Fact::term_capk_ok_cards, i64::from(passing), &[]);
    }
}
