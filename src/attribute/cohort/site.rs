//! What the network does for the terminals of one site, and for the same server elsewhere.

use super::{Brief, Cohort, MINUTE, NONE, count, distinct, share, tail};
use crate::attribute::facts::Row;
use crate::attribute::facts::list::Fact;

/// Terminals that do not all have the same mistake.
const MANY: usize = 4;

impl Cohort {
    pub(super) fn site_facts(&self, brief: &Brief, row: &mut Row) {
        if brief.site == NONE {
            return;
        }
        let list = self.by_site.of(brief.site);
        let window = || {
            self.near(list, brief.at, 5 * MINUTE, 5 * MINUTE)
                .filter(|b| b.network_measured)
        };
        let terminals = distinct(window().map(|b| b.terminal));
        let bad = distinct(window().filter(|b| b.network_bad).map(|b| b.terminal));
        row.int(Fact::site_terminals, i64::from(terminals), &[]);
        row.int(Fact::site_net_fail_terminals, i64::from(bad), &[]);
        row.float(Fact::site_net_share, share(bad, terminals));
        let others = || {
            self.near(&self.all, brief.at, 5 * MINUTE, 5 * MINUTE)
                .filter(|b| b.network_measured && b.site != brief.site && b.site != NONE)
        };
        let other_all = count(others().count());
        let other_bad = count(others().filter(|b| b.network_bad).count());
        let elsewhere = share(other_bad, other_all);
        if other_all > 0 {
            row.float(Fact::other_sites_net_share, elsewhere);
        }
        let tries = count(window().count());
        let hits = count(window().filter(|b| b.network_bad).count());
        // With no other site to compare with, the site's own quiet hours are the measure.
        let expected = if other_all > 0 {
            elsewhere
        } else {
            let all = count(self.each(list).filter(|b| b.network_measured).count());
            let all_bad = count(self.each(list).filter(|b| b.network_bad).count());
            share(all_bad.saturating_sub(hits), all.saturating_sub(tries))
        };
        // Several terminals without a way out are cut off; congestion lets something through, late.
        let slow = count(window().filter(|b| b.slow).count());
        let fail = bad >= 3
            && slow * 4 >= hits
            && share(bad, terminals) >= 0.3
            && share(hits, tries) >= 3.0 * expected
            && tail(hits, tries, expected.max(0.03)) < 1e-3;
        row.bool(Fact::site_net_fail, fail, &[]);
        let span = match (list.first(), list.last()) {
            (Some(&first), Some(&last)) => {
                let at = |index| self.brief(index).and_then(|b| b.at);
                at(last).zip(at(first)).map_or(0, |(a, b)| a - b)
            }
            _ => 0,
        };
        if span >= 30 * MINUTE {
            let near = count(self.near(list, brief.at, 5 * MINUTE, 5 * MINUTE).count());
            let mean = f64::from(count(list.len())) / (span as f64 / MINUTE as f64) * 10.0;
            row.float(Fact::site_load_ratio, f64::from(near) / mean.max(0.1));
        }
    }

    pub(super) fn server_facts(&self, brief: &Brief, row: &mut Row) {
        let connected = self
            .near(&self.all, brief.at, 30 * MINUTE, 30 * MINUTE)
            .any(|b| b.terminal != brief.terminal && b.connected);
        row.bool(Fact::others_connected, connected, &[]);
        if brief.server != NONE {
            // A log may state the address without its port.
            let full = self
                .names
                .server
                .name(brief.server)
                .rsplit(':')
                .next()
                .is_some_and(|port| port.parse::<u16>().is_ok());
            let list = if full {
                self.by_server.of(brief.server)
            } else {
                self.by_address.of(brief.address)
            };
            let window = || {
                self.near(list, brief.at, 30 * MINUTE, 30 * MINUTE)
                    .filter(|b| b.terminal != brief.terminal && b.connected)
            };
            let at_site = window().any(|b| b.site == brief.site && brief.site != NONE);
            row.bool(Fact::server_ok_site, at_site, &[]);
            let elsewhere = window().any(|b| b.site != brief.site);
            row.bool(Fact::server_ok_elsewhere, elsewhere, &[]);
            let others = self.used_by_others(brief, list, |b| b.connected);
            row.bool(Fact::server_used_by_others, others, &[]);
            let here = self
                .each(list)
                .any(|b| b.terminal == brief.terminal && b.connected);
            row.bool(Fact::server_ok_here, here, &[]);
            let tls = window().any(|b| !b.tls_alert);
            row.bool(Fact::tls_ok_others, tls, &[]);
            if brief.tls_alert {
                let failing = distinct(
                    self.each(list)
                        .filter(|b| b.alert == brief.alert)
                        .map(|b| b.terminal),
                );
                row.int(Fact::tls_fail_terminals, i64::from(failing), &[]);
            }
            if brief.tls_issuer != NONE {
                let differs = self.each(list).any(|b| {
                    b.tls_issuer != NONE && b.tls_issuer != brief.tls_issuer && b.site != brief.site
                });
                row.bool(Fact::tls_issuer_differs, differs, &[]);
            }
        }
        if brief.site != NONE {
            let reaches = self
                .near(
                    self.by_site.of(brief.site),
                    brief.at,
                    30 * MINUTE,
                    30 * MINUTE,
                )
                .any(|b| b.connected && b.server != brief.server && b.server != NONE);
            row.bool(Fact::other_server_ok_site, reaches, &[]);
        }
        if brief.name != NONE {
            let list = self.by_name.of(brief.name);
            let others = self.used_by_others(brief, list, |b| b.name_resolved);
            row.bool(Fact::name_used_by_others, others, &[]);
            let resolved = self
                .each(list)
                .any(|b| b.terminal != brief.terminal && b.name_resolved && b.site != brief.site);
            row.bool(Fact::name_ok_elsewhere, resolved, &[]);
        }
    }
    /// Whether a place is one where others go: one of them got there, or many try. Two or three that share what nobody ever
    /// reached share a mistake.
    fn used_by_others(&self, brief: &Brief, list: &[u32], there: fn(&Brief) -> bool) -> bool {
        let mut tried: Vec<u32> = Vec::new();
        self.each(list)
            .filter(|b| b.terminal != brief.terminal)
            .any(|b| {
                if b.terminal != NONE && !tried.contains(&b.terminal) {
                    tried.push(b.terminal);
                }
                there(b) || tried.len() >= MANY
            })
    }
}
