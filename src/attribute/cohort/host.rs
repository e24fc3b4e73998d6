//! What the issuer and the host do for others in the same minutes.

use super::{Brief, Cohort, MINUTE, NONE, distinct, share, tail};
use crate::attribute::facts::Row;
use crate::attribute::facts::list::Fact;

/// Failed for the host or the way to it.
pub(super) fn host_trouble(b: &Brief) -> bool {
    b.system_code || b.no_answer || b.refused || b.issuer_code
}

impl Cohort {
    pub(super) fn issuer_facts(&self, brief: &Brief, row: &mut Row) {
        let marks = &self.marks;
        if brief.code != NONE {
            let same = distinct(
                self.near(
                    marks.with_code(brief.code),
                    brief.at,
                    10 * MINUTE,
                    10 * MINUTE,
                )
                .map(|b| b.bin),
            );
            row.int(Fact::same_code_issuers, i64::from(same), &[]);
        }
        if brief.bin == NONE {
            return;
        }
        let around = |list: &[u32]| self.number(list, brief.at, 10 * MINUTE, 10 * MINUTE);
        let tries = around(marks.issuer_online.of(brief.bin));
        let bad = around(marks.issuer_bad.of(brief.bin));
        let other_tries = around(&marks.issued) - tries;
        let other_bad = around(&marks.issued_bad) - bad;
        row.int(Fact::issuer_attempts, i64::from(tries), &[]);
        row.float(Fact::issuer_fail_share, share(bad, tries));
        if other_tries > 0 {
            let others = share(other_bad, other_tries);
            row.float(Fact::others_fail_share, others);
            let fail = bad >= 3
                && share(bad, tries) >= 0.5
                && share(bad, tries) >= 5.0 * others
                && tail(bad, tries, others.max(0.02)) < 1e-3;
            row.bool(Fact::issuer_fail, fail, &[]);
        }
    }

    pub(super) fn host_facts(&self, brief: &Brief, row: &mut Row) {
        let marks = &self.marks;
        let around = |list: &[u32]| self.number(list, brief.at, 5 * MINUTE, 5 * MINUTE);
        let tries = around(&marks.online);
        if tries == 0 {
            return;
        }
        let failing = || self.near(&marks.trouble, brief.at, 5 * MINUTE, 5 * MINUTE);
        let bad = around(&marks.trouble);
        let terminals = distinct(failing().map(|b| b.terminal));
        let silent = around(&marks.silent);
        row.int(Fact::host_attempts, i64::from(tries), &[]);
        row.float(Fact::host_fail_share, share(bad, tries));
        row.int(Fact::host_fail_terminals, i64::from(terminals), &[]);
        row.float(Fact::host_timeout_share, share(silent, tries));
        let refused = self.near(&marks.refused, brief.at, 5 * MINUTE, 5 * MINUTE);
        let refused = distinct(refused.map(|b| b.terminal));
        row.int(Fact::refused_terminals, i64::from(refused), &[]);
        let sites = distinct(failing().map(|b| b.site));
        let sited = self.places(&marks.sited, brief.at, 5 * MINUTE, 5 * MINUTE);
        let issuers = distinct(failing().map(|b| b.bin));
        // One issuer or one site in trouble is not the host.
        let broad = (issuers >= 2 || bad == tries) && (sites >= 2 || marks.one_site(&sited));
        let fleet = bad >= 4
            && terminals >= 3
            && broad
            && share(bad, tries) >= 0.2
            && tail(bad, tries, 0.03) < 1e-4;
        row.bool(Fact::fleet_fail, fleet, &[]);
        if around(&marks.no_tap) > 0 {
            let all_modes = failing().any(|b| !b.tap) && failing().any(|b| b.tap);
            row.bool(Fact::all_modes_fail, all_modes, &[]);
        }
        if fleet {
            row.bool(Fact::sharp_edges, self.sharp(brief), &[]);
        }
    }

    /// The failing stretch around an attempt begins and ends within a minute of full success.
    fn sharp(&self, brief: &Brief) -> bool {
        let here = self
            .all
            .partition_point(|&index| self.brief(index).and_then(|b| b.at) < brief.at);
        if here == self.all.len() {
            return false;
        }
        // Walk both ways over online attempts to the first three successes in a row.
        let edge = |side: &mut dyn Iterator<Item = &u32>| {
            let (mut good, mut last_bad, mut first_good) = (0, brief.at, None);
            let mut mixed = 0u32;
            for b in side.filter_map(|&index| self.brief(index)).take(5_000) {
                if !b.online {
                    continue;
                }
                if host_trouble(b) {
                    mixed += good;
                    good = 0;
                    last_bad = b.at;
                    first_good = None;
                } else {
                    good += 1;
                    first_good = first_good.or(b.at);
                    if good >= 4 {
                        break;
                    }
                }
            }
            let gap = match (first_good, last_bad) {
                (Some(good), Some(bad)) => (good - bad).abs(),
                _ => return None,
            };
            Some((gap, mixed))
        };
        let before = edge(&mut self.all.get(..here).unwrap_or_default().iter().rev());
        let after = edge(&mut self.all.get(here..).unwrap_or_default().iter());
        // A window that is sharp has hardly any success inside.
        let sharp = |side: Option<(i64, u32)>| {
            side.is_none_or(|(gap, mixed)| gap <= 2 * MINUTE && mixed <= 2)
        };
        (before.is_some() || after.is_some()) && sharp(before) && sharp(after)
    }
}
