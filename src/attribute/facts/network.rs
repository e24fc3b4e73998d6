//! Facts out of what the network did: names, connections, TLS, ICMP, HTTP.

use rayon::prelude::*;
use tapscope_parsers::protocol::net::tls::names as tls_names;

use super::Row;
use super::list::Fact;
use super::view::{Seen, View};
use crate::correlate::Correlated;
use crate::event::{
    Connection, DnsEvent, LinkFault, Payload, Side, Signal, TlsSeen, TlsStage, What,
};

/// Median connect or round trip time of all connections, microseconds.
pub fn rtt_median(correlated: &Correlated) -> Option<i64> {
    let events = &correlated.events;
    let mut times: Vec<i64> = (0..events.len() as u32)
        .into_par_iter()
        .filter(|&index| events.head(index).what == What::Tcp)
        .filter_map(|index| match &events.get(index).payload {
            Payload::Tcp(connection) => trip(connection),
            _ => None,
        })
        .collect();
    if times.is_empty() {
        return None;
    }
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    Some(*median)
}

fn trip(connection: &Connection) -> Option<i64> {
    connection.connect_micros.max(connection.rtt_micros)
}

/// The capture shows that the connection got through.
fn opened(connection: &Connection) -> bool {
    connection.connect_micros.is_some()
        || connection.server_data.is_some()
        || (!connection.opening_seen && !connection.refused && connection.client_data.is_some())
}

/// The last word was the terminal's: it waits for an answer.
fn waiting(connection: &Connection) -> bool {
    match (connection.client_data, connection.server_data) {
        (Some((_, client)), Some((_, server))) => client > server,
        (Some(_), None) => true,
        _ => false,
    }
}

/// Microseconds within which data that is not acknowledged is sent again at least once (RFC 6298: after a second or so).
const SENT_AGAIN: i64 = 3_000_000;

/// Data that was never acknowledged, and was missed: where nobody sends it again although the connection goes on for seconds, it is the
/// capture that lacks the acknowledgement.
pub(super) fn unacked(connection: &Connection) -> bool {
    connection.client_unacked > 0 && !ack_not_captured(connection)
}

/// See [`unacked`].
pub(super) fn ack_not_captured(connection: &Connection) -> bool {
    connection.client_unacked > 0
        && connection.client_retransmissions == 0
        && connection
            .client_data
            .is_some_and(|(_, last)| connection.last_at - last >= SENT_AGAIN)
}

/// Network facts.
pub fn facts(view: &View<'_>, median: Option<i64>, row: &mut Row) {
    let covered = view.has_capture();
    let mut traffic: Vec<u32> = view
        .connections
        .iter()
        .map(|seen| seen.index)
        .chain(view.dns.iter().map(|seen| seen.index))
        .chain(view.tls.iter().map(|seen| seen.index))
        .collect();
    if view.captured && traffic.is_empty() {
        traffic.extend(view.messages.iter().map(|seen| seen.index));
    }
    row.seen(Fact::traffic_seen, &traffic, covered);
    connections(view, row, covered);
    speed(view, median, row, covered);
    names(view, row, covered);
    tls(view, row, covered);
    opaque(view, row, covered);
    idle(view, row, covered);
    errors(view, row, covered);
    trouble(view, row, covered);
}

fn of(view: &View<'_>, test: impl Fn(&Connection) -> bool) -> Vec<u32> {
    view.connections
        .iter()
        .filter(|seen| test(seen.what))
        .map(|seen| seen.index)
        .collect()
}

fn connections(view: &View<'_>, row: &mut Row, covered: bool) {
    let mut tried = of(view, |c| c.opening_seen || c.client_data.is_some());
    tried.extend(view.signals(&[
        Signal::Connecting,
        Signal::Connected,
        Signal::ConnectTimeout,
        Signal::ConnectRefused,
    ]));
    row.seen(Fact::connect_attempted, &tried, covered || view.has_log());
    if let Some(seen) = view.connections.last() {
        row.text(Fact::server, &seen.what.server.to_string(), &[seen.index]);
    } else if let Some(host) = &view.attempt.keys.host {
        row.text(Fact::server, host, &[]);
    }
    let known = !view.connections.is_empty();
    if known {
        let syns = view
            .connections
            .iter()
            .map(|seen| i64::from(seen.what.syn_count))
            .sum();
        row.int(Fact::syn_count, syns, &of(view, |c| c.opening_seen));
    }
    let silent = of(view, |c| {
        c.opening_seen
            && c.connect_micros.is_none()
            && !c.refused
            && c.syn_count >= 2
            && c.server_bytes == 0
            && c.server_data.is_none()
    });
    row.seen(Fact::syn_unanswered, &silent, covered);
    row.seen(Fact::connect_ok, &of(view, opened), covered);
    let mut refused = of(view, |c| c.refused);
    refused.extend(view.signal(Signal::ConnectRefused));
    row.seen(Fact::connect_refused, &refused, covered || view.has_log());
    let reset = of(view, |c| {
        !c.refused
            && matches!(c.reset_by, Some(Side::Server | Side::Middlebox))
            && waiting(c)
            && c.gap_bytes == 0
    });
    // What the capture lacks may have been the answer.
    let full = of(view, |c| {
        waiting(c) && c.gap_bytes > 0 && (c.reset_by.is_some() || c.closed_by.is_some())
    });
    let full = covered && full.is_empty();
    row.seen(Fact::reset_mid, &reset, full);
    let by = view.connections.iter().find_map(|seen| {
        let side = match seen.what.reset_by? {
            Side::Client => "client",
            Side::Server => "server",
            Side::Middlebox => "middlebox",
        };
        Some((side, seen.index))
    });
    row.text_or(Fact::reset_by, by, covered);
    let fin = of(view, |c| {
        c.closed_by == Some(Side::Server) && c.reset_by.is_none() && waiting(c) && c.gap_bytes == 0
    });
    row.seen(Fact::fin_early, &fin, full);
    let told = covered && of(view, ack_not_captured).is_empty();
    row.seen(Fact::data_unacked, &of(view, unacked), told);
    let mut opaque = of(view, |c| c.carried == Some("tls"));
    opaque.extend(view.tls.iter().map(|seen| seen.index));
    row.seen(Fact::opaque, &opaque, covered);
}

fn speed(view: &View<'_>, median: Option<i64>, row: &mut Row, covered: bool) {
    let connect = view
        .connections
        .iter()
        .filter_map(|seen| Some((seen.what.connect_micros?, seen.index)))
        .max();
    if let Some((micros, event)) = connect {
        row.int(Fact::connect_ms, micros / 1000, &[event]);
    }
    let rtt = view
        .connections
        .iter()
        .filter_map(|seen| Some((seen.what.rtt_micros?, seen.index)))
        .max();
    if let Some((micros, event)) = rtt {
        row.int(Fact::rtt_ms, micros / 1000, &[event]);
    }
    if let Some((micros, event)) = connect.max(rtt) {
        let high = micros >= 1_000_000
            || median.is_some_and(|median| micros >= 5 * median && micros >= 100_000);
        row.bool(Fact::rtt_high, high, &[event]);
    }
    if !view.connections.is_empty() || covered {
        let again = of(view, |c| {
            c.client_retransmissions + c.server_retransmissions > 0
        });
        let sum = view
            .connections
            .iter()
            .map(|seen| {
                i64::from(seen.what.client_retransmissions)
                    + i64::from(seen.what.server_retransmissions)
            })
            .sum();
        row.int(Fact::retransmissions, sum, &again);
        let zero = of(view, |c| c.zero_windows > 0);
        let sum = view
            .connections
            .iter()
            .map(|seen| i64::from(seen.what.zero_windows))
            .sum();
        row.int(Fact::zero_windows, sum, &zero);
    }
}

/// Microseconds after a question within which no resolver gives up.
const AT_ONCE: i64 = 900_000;

/// A name was asked for without an answer, and the one who asked opens a connection right away.
fn went_on(view: &View<'_>, asked: &Seen<'_, DnsEvent>) -> bool {
    asked.what.rcode.is_none()
        && view.connections.iter().any(|seen| {
            let after = seen.at.zip(asked.at).map(|(open, ask)| open - ask);
            seen.what.opening_seen
                && seen.what.client.ip() == asked.what.client
                && seen.what.server.port() != 53
                && after.is_some_and(|after| (0..AT_ONCE).contains(&after))
        })
}

fn names(view: &View<'_>, row: &mut Row, covered: bool) {
    let hits = |test: &dyn Fn(Option<u8>) -> bool| -> Vec<u32> {
        view.dns
            .iter()
            .filter(|seen| test(seen.what.rcode))
            .map(|seen| seen.index)
            .collect()
    };
    let mut failed = hits(&|code| !matches!(code, Some(0 | 3)));
    // Who connects at once has the address: it is the capture that lacks the answer.
    failed.retain(|index| {
        !view
            .dns
            .iter()
            .any(|seen| seen.index == *index && went_on(view, seen))
    });
    row.seen(Fact::dns_failed, &failed, covered);
    row.seen(Fact::dns_nx, &hits(&|code| code == Some(3)), covered);
    let bad = view
        .dns
        .iter()
        .rev()
        .find(|seen| seen.what.rcode != Some(0))
        .or_else(|| view.dns.last());
    if let Some(seen) = bad {
        row.text(Fact::dns_name, &seen.what.name, &[seen.index]);
        if let Some(micros) = seen.what.answer_micros {
            row.int(Fact::dns_ms, micros / 1000, &[seen.index]);
        }
    }
}

fn tls(view: &View<'_>, row: &mut Row, covered: bool) {
    let alert = view
        .tls
        .iter()
        .find_map(|seen| Some((seen.what.alert?, seen.what.alert_from, seen.index)));
    match alert {
        Some((alert, from, event)) => {
            row.int(Fact::tls_alert, i64::from(alert), &[event]);
            let side = match from {
                Some(Side::Client) => "client",
                Some(Side::Server) => "server",
                Some(Side::Middlebox) => "middlebox",
                None => "",
            };
            row.text(Fact::tls_alert_from, side, &[event]);
        }
        None if covered => {
            row.int(Fact::tls_alert, -1, &[]);
            row.text(Fact::tls_alert_from, "", &[]);
        }
        None => {}
    }
    let stalled: Vec<u32> = view
        .tls
        .iter()
        .filter(|seen| seen.what.stage == TlsStage::ClientHello && seen.what.alert.is_none())
        .map(|seen| seen.index)
        .collect();
    row.seen(Fact::tls_no_server_hello, &stalled, covered);
    let old: Vec<u32> = view
        .tls
        .iter()
        .filter(|seen| seen.what.client_version.is_some_and(|v| v <= 0x0302))
        .map(|seen| seen.index)
        .collect();
    row.seen(Fact::tls_client_old, &old, !view.tls.is_empty());
    let dated = view.tls.iter().find_map(|seen| {
        let (from, until) = seen.what.certificate_validity?;
        let now = seen.at?.div_euclid(1_000_000);
        Some((now < from || now > until, seen.index))
    });
    if let Some((invalid, event)) = dated {
        row.bool(Fact::tls_cert_invalid, invalid, &[event]);
    }
    if let Some((issuer, event)) = view
        .tls
        .iter()
        .find_map(|seen| Some((seen.what.certificate_issuer.as_deref()?, seen.index)))
    {
        row.text(Fact::tls_issuer, issuer, &[event]);
    }
}

/// What can be told of TLS that went well, or that was read.
fn opaque(view: &View<'_>, row: &mut Row, covered: bool) {
    let seen: Vec<(u32, Option<i64>, &TlsSeen)> = view
        .connections
        .iter()
        .filter_map(|c| Some((c.index, c.at, c.what.tls.as_deref()?)))
        .collect();
    let last = |pick: &dyn Fn(&TlsSeen) -> Option<String>| {
        seen.iter()
            .rev()
            .find_map(|(index, _, tls)| Some((pick(tls)?, *index)))
    };
    let mut text = |fact: Fact, found: Option<(String, u32)>| {
        row.text_or(fact, found.as_ref().map(|(t, e)| (t.as_str(), *e)), covered);
    };
    text(
        Fact::tls_version,
        last(&|t| Some(tls_names::version(t.server_version?).to_owned())),
    );
    text(
        Fact::tls_cipher,
        last(&|t| {
            let number = t.cipher?;
            Some(tls_names::cipher(number).map_or_else(|| format!("{number:04X}"), str::to_owned))
        }),
    );
    text(
        Fact::tls_name,
        last(&|t| t.server_name.as_ref().map(ToString::to_string)),
    );
    let which = |test: &dyn Fn(&TlsSeen) -> bool| -> Vec<u32> {
        let found = seen.iter().filter(|(_, _, tls)| test(tls));
        found.map(|(index, ..)| *index).collect()
    };
    let certified = !which(&|t| t.certificates.is_some_and(|n| n > 0)).is_empty();
    let fitting = !which(&|t| t.name_fits.is_some()).is_empty();
    row.seen(
        Fact::tls_name_wrong,
        &which(&|t| t.name_fits == Some(false)),
        fitting,
    );
    row.seen(
        Fact::tls_chain_incomplete,
        &which(&|t| t.lacks_intermediate),
        certified,
    );
    row.seen(Fact::tls_self_issued, &which(&|t| t.self_issued), certified);
    let any = !seen.is_empty();
    row.seen(Fact::tls_resumed, &which(&|t| t.resumed), any);
    row.seen(Fact::tls_decrypted, &which(&|t| t.decrypted), any);
    let stalled: Vec<u32> = view
        .tls
        .iter()
        .filter(|t| t.what.alert.is_none() && t.what.stage != TlsStage::Established)
        .map(|t| t.index)
        .collect();
    row.seen(Fact::tls_stalled, &stalled, covered);
    // Where the certificate was seen on a connection that went well.
    if row.get(Fact::tls_cert_invalid).is_none()
        && let Some((invalid, event)) = seen.iter().find_map(|(index, at, tls)| {
            let (from, until) = tls.validity?;
            let now = (*at)?.div_euclid(1_000_000);
            Some((now < from || now > until, *index))
        })
    {
        row.bool(Fact::tls_cert_invalid, invalid, &[event]);
    }
    if row.get(Fact::tls_issuer).is_none()
        && let Some((index, (), issuer)) = seen
            .iter()
            .find_map(|(index, _, tls)| Some((*index, (), tls.issuer.as_deref()?)))
    {
        row.text(Fact::tls_issuer, issuer, &[index]);
    }
    let measured = seen
        .iter()
        .rev()
        .find(|(_, _, tls)| tls.exchanges > 0 || tls.unanswered_request.is_some());
    if let Some((index, _, tls)) = measured {
        if let Some(micros) = tls.answer_micros {
            row.int(Fact::opaque_answer_ms, micros / 1000, &[*index]);
        }
        let silent = tls.unanswered_request.is_some();
        row.bool(Fact::opaque_unanswered, silent, &[*index]);
    }
}

/// Microseconds of silence after which a connection is likely to be forgotten on the way, and to be closed on purpose.
const FORGOTTEN: i64 = 30_000_000;
const IDLE: i64 = 10_000_000;

/// Connections that were kept open and given up.
fn idle(view: &View<'_>, row: &mut Row, covered: bool) {
    let given_up = of(view, |c| {
        let Some((_, client)) = c.client_data else {
            return false;
        };
        let before = c.server_data.map_or(c.first_at, |(_, server)| server);
        let refused = matches!(c.reset_by, Some(Side::Server | Side::Middlebox));
        waiting(c) && client - before >= FORGOTTEN && (refused || unacked(c))
    });
    row.seen(Fact::half_open, &given_up, covered);
    let closed = of(view, |c| {
        let host = c.closed_by == Some(Side::Server)
            || matches!(c.reset_by, Some(Side::Server | Side::Middlebox));
        let data = [c.client_data, c.server_data];
        let last = data.iter().flatten().map(|(_, last)| *last).max();
        match (
            c.ended_at,
            last.or(c.connect_micros.map(|m| c.first_at + m)),
        ) {
            (Some(end), Some(last)) => host && end - last >= IDLE && !waiting(c),
            _ => false,
        }
    });
    row.seen(Fact::idle_close, &closed, covered);
}

fn errors(view: &View<'_>, row: &mut Row, covered: bool) {
    let icmp = view.icmp.first().map(|seen| {
        let version = if seen.what.version == 6 { 6 } else { 4 };
        (
            format!("{version}/{}/{}", seen.what.kind, seen.what.code),
            seen.index,
        )
    });
    row.text_or(
        Fact::icmp,
        icmp.as_ref().map(|(text, event)| (text.as_str(), *event)),
        covered,
    );
    let link = view.links.first().map(|seen| {
        let fault = match seen.what.fault {
            LinkFault::NoArpAnswer => "no_arp_answer",
            LinkFault::NoDhcpAnswer => "no_dhcp_answer",
            LinkFault::DhcpRefused => "dhcp_refused",
        };
        (fault, seen.index)
    });
    row.text_or(Fact::link_fault, link, covered);
    if let Some(seen) = view.http.first() {
        let status = seen.what.status;
        row.int(Fact::http_status, i64::from(status), &[seen.index]);
        let redirect = (300..400).contains(&status) || status == 511;
        row.bool(Fact::http_redirect, redirect, &[seen.index]);
        let result = view
            .http
            .iter()
            .find_map(|seen| Some((seen.what.result.as_deref()?, seen.index)));
        row.text_or(Fact::http_result, result, covered);
        if let Some(micros) = seen.what.answer_micros {
            row.int(Fact::http_ms, micros / 1000, &[seen.index]);
        }
    } else if covered {
        row.text(Fact::http_result, "", &[]);
        row.int(Fact::http_status, 0, &[]);
        row.bool(Fact::http_redirect, false, &[]);
    }
}

fn trouble(view: &View<'_>, row: &mut Row, covered: bool) {
    let facts = [
        Fact::syn_unanswered,
        Fact::connect_refused,
        Fact::reset_mid,
        Fact::fin_early,
        Fact::data_unacked,
        Fact::rtt_high,
        Fact::dns_failed,
        Fact::dns_nx,
        Fact::tls_no_server_hello,
        Fact::http_redirect,
    ];
    let mut any = facts.iter().any(|&fact| row.is(fact));
    any |= matches!(row.get(Fact::tls_alert), Some(super::Value::Int(alert)) if *alert > 0);
    any |= matches!(row.get(Fact::link_fault), Some(super::Value::Text(text)) if !text.is_empty());
    any |= matches!(row.get(Fact::icmp), Some(super::Value::Text(text)) if !text.is_empty());
    let logged = view.signals(&[
        Signal::DnsFailed,
        Signal::ConnectTimeout,
        Signal::ConnectRefused,
        Signal::Blocked,
        Signal::LinkDown,
        Signal::ConnectionReset,
        Signal::TlsFailed,
        Signal::TlsCertificate,
    ]);
    if any || !logged.is_empty() {
        row.bool(Fact::network_trouble, true, &logged);
    } else if covered || view.has_log() {
        row.bool(Fact::network_trouble, false, &[]);
    }
}
