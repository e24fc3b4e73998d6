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
        let marks = &self.marks;
        let (measured, failing) = (
            marks.site_measured.of(brief.site),
            marks.site_bad.of(brief.site),
        );
        let window = || self.near(measured, brief.at, 5 * MINUTE, 5 * MINUTE);
        let around = |list: &[u32]| self.number(list, brief.at, 5 * MINUTE, 5 * MINUTE);
        let terminals = distinct(window().map(|b| b.terminal));
        let bad = self.near(failing, brief.at, 5 * MINUTE, 5 * MINUTE);
        let bad = distinct(bad.map(|b| b.terminal));
        row.int(Fact::site_terminals, i64::from(terminals), &[]);
        row.int(Fact::site_net_fail_terminals, i64::from(bad), &[]);
        row.float(Fact::site_net_share, share(bad, terminals));
        let (tries, hits) = (around(measured), around(failing));
        let other_all = around(&marks.measured) - tries;
        let other_bad = around(&marks.measured_bad) - hits;
        let elsewhere = share(other_bad, other_all);
        if other_all > 0 {
            row.float(Fact::other_sites_net_share, elsewhere);
        }
        // With no other site to compare with, the site's own quiet hours are the measure.
        let expected = if other_all > 0 {
            elsewhere
        } else {
            let all = count(measured.len());
            let all_bad = count(failing.len());
            share(all_bad.saturating_sub(hits), all.saturating_sub(tries))
        };
        // Several terminals without a way out are cut off; congestion lets something through, late.
        let slow = || count(window().filter(|b| b.slow).count());
        let fail = bad >= 3
            && slow() * 4 >= hits
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
            let near = around(list);
            let mean = f64::from(count(list.len())) / (span as f64 / MINUTE as f64) * 10.0;
            row.float(Fact::site_load_ratio, f64::from(near) / mean.max(0.1));
        }
    }

    pub(super) fn server_facts(&self, brief: &Brief, row: &mut Row) {
        let marks = &self.marks;
        let connected = self
            .near(&marks.connected, brief.at, 30 * MINUTE, 30 * MINUTE)
            .any(|b| b.terminal != brief.terminal);
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
            let connected = if full {
                marks.server_connected.of(brief.server)
            } else {
                list
            };
            let window = || {
                self.near(connected, brief.at, 30 * MINUTE, 30 * MINUTE)
                    .filter(|b| b.terminal != brief.terminal && b.connected)
            };
            let at_site = brief.site != NONE
                && if full {
                    let site = marks.site_connected.of(brief.site);
                    self.near(site, brief.at, 30 * MINUTE, 30 * MINUTE)
                        .any(|b| b.terminal != brief.terminal && b.server == brief.server)
                } else {
                    window().any(|b| b.site == brief.site)
                };
            row.bool(Fact::server_ok_site, at_site, &[]);
            let elsewhere = window().any(|b| b.site != brief.site);
            row.bool(Fact::server_ok_elsewhere, elsewhere, &[]);
            let kinds = if full {
                marks.server_kinds.of(brief.server)
            } else {
                marks.address_kinds.of(brief.address)
            };
            let others = self.used_by_others(brief, kinds, |b| b.connected);
            row.bool(Fact::server_used_by_others, others, &[]);
            let here = if full && brief.terminal != NONE {
                self.each(marks.terminal_servers.of(brief.terminal))
                    .any(|b| b.server == brief.server)
            } else {
                self.each(kinds)
                    .any(|b| b.terminal == brief.terminal && b.connected)
            };
            row.bool(Fact::server_ok_here, here, &[]);
            let tls = window().any(|b| !b.tls_alert);
            row.bool(Fact::tls_ok_others, tls, &[]);
            if brief.tls_alert {
                let failing = distinct(
                    self.each(kinds)
                        .filter(|b| b.alert == brief.alert)
                        .map(|b| b.terminal),
                );
                row.int(Fact::tls_fail_terminals, i64::from(failing), &[]);
            }
            if brief.tls_issuer != NONE {
                let differs = self.each(kinds).any(|b| {
                    b.tls_issuer != NONE && b.tls_issuer != brief.tls_issuer && b.site != brief.site
                });
                row.bool(Fact::tls_issuer_differs, differs, &[]);
            }
        }
        if brief.site != NONE {
            let site = marks.site_connected.of(brief.site);
            let reaches = self.names.server.len() > usize::from(brief.server != NONE)
                && self
                    .near(site, brief.at, 30 * MINUTE, 30 * MINUTE)
                    .any(|b| b.server != brief.server && b.server != NONE);
            row.bool(Fact::other_server_ok_site, reaches, &[]);
        }
        if brief.name != NONE {
            let list = marks.name_kinds.of(brief.name);
            let others = self.used_by_others(brief, list, |b| b.name_resolved);
            row.bool(Fact::name_used_by_others, others, &[]);
            let resolved = self
                .each(list)
                .any(|b| b.terminal != brief.terminal && b.name_resolved && b.site != brief.site);
            row.bool(Fact::name_ok_elsewhere, resolved, &[]);
        }
    }

    /// Whether a place is one where others go: one of them got there, a neighbour at the same site tries, or many do. Two
    /// or three far apart that share what nobody ever reached share a mistake.
    fn used_by_others(&self, brief: &Brief, list: &[u32], there: fn(&Brief) -> bool) -> bool {
        let mut tried: Vec<u32> = Vec::new();
        self.each(list)
            .filter(|b| b.terminal != brief.terminal)
            .any(|b| {
                if b.terminal != NONE && !tried.contains(&b.terminal) {
                    tried.push(b.terminal);
                }
                there(b) || (b.site == brief.site && b.site != NONE) || tried.len() >= MANY
            })
    }
}
