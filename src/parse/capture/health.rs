//! A finished flow as a connection event, and whether it is worth one.

use super::flow::Flow;
use super::tls::TlsState;
use crate::event::{Connection, Place};

/// Builds the connection row.
pub(super) fn connection(flow: &Flow) -> Connection {
    let client = &flow.halves[flow.meta.client];
    let server = &flow.halves[1 - flow.meta.client];
    let micros = |n: i64| n / 1000;
    let span = |d: Option<(i64, i64)>| d.map(|(a, b)| (micros(a), micros(b)));
    let mut rtts = flow.meta.rtts.clone();
    rtts.sort_unstable();
    let tls = flow.payload.tls().map(|t| &**t);
    Connection {
        client: flow.meta.client_end(),
        server: flow.meta.server_end(),
        opening_seen: flow.meta.opening_seen,
        syn_count: flow.meta.syn_count,
        connect_micros: flow.meta.connect_nanos.map(micros),
        refused: flow.meta.refused,
        reset_by: flow.meta.reset_by,
        closed_by: flow.meta.closed_by,
        first_at: micros(flow.meta.first_at),
        last_at: micros(flow.meta.last_at),
        ended_at: flow.meta.ended_at.map(micros),
        client_bytes: client.bytes,
        server_bytes: server.bytes,
        client_data: span(client.data),
        server_data: span(server.data),
        client_retransmissions: client.resent,
        server_retransmissions: server.resent,
        // Where the server's packets are not in the capture, silence proves nothing.
        client_unacked: if server.seen {
            u64::try_from(client.sent_to - client.acked_to).unwrap_or(0)
        } else {
            0
        },
        rtt_micros: rtts.get(rtts.len() / 2).copied().map(micros),
        zero_windows: flow.meta.zero_windows,
        gap_bytes: client.stream.gap_bytes + server.stream.gap_bytes,
        overlap_conflicts: client
            .stream
            .conflicts
            .saturating_add(server.stream.conflicts),
        carried: flow.payload.carried(),
        server_name: tls.and_then(TlsState::server_name),
        tls: tls.map(|tls| Box::new(tls.summary())),
        frames: cites(flow),
    }
}

fn cites(flow: &Flow) -> Vec<Place> {
    let c = &flow.meta.cites;
    let mut frames = vec![c.syn, c.syn_ack, c.last_data, c.end];
    frames.retain(|f| *f > 0);
    if frames.is_empty() {
        frames.push(flow.meta.first_frame);
    }
    frames.sort_unstable();
    frames.dedup();
    frames.into_iter().map(Place::Frame).collect()
}

/// True for a connection that never came about, or that someone broke off.
pub(super) fn is_trouble(flow: &Flow) -> bool {
    let unanswered = flow.meta.syn_count > 0
        && flow.meta.cites.syn_ack == 0
        && !flow.halves[1 - flow.meta.client].seen
        && flow.halves[0].bytes + flow.halves[1].bytes == 0;
    flow.meta.refused || unanswered || flow.meta.reset_by.is_some()
}
