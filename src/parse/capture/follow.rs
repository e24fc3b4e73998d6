//! Keeps the beginning of every connection's bytes in order, for `formats --why` and for tests against other readers.

use std::net::SocketAddr;

use hashbrown::HashMap;

use super::flow::{Flow, Meta};
use super::health;
use crate::event::Connection;
use tapscope_parsers::protocol::iso8583::Wire;

/// Connections kept.
const MAX_FLOWS: usize = 20_000;

/// One connection's bytes.
#[derive(Debug, Clone, Default)]
pub struct Followed {
    /// Who opened it, and who was called; `None` until its end.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// First frame.
    pub first_frame: u32,
    /// True where its opening was seen.
    pub opening_seen: bool,
    /// What it carried.
    pub carried: Option<&'static str>,
    /// How its messages were written.
    pub wire: Option<Wire>,
    /// ISO 8583 messages.
    pub messages: u32,
    /// Bytes from the client and from the server.
    pub bytes: [Vec<u8>; 2],
    /// Where bytes are missing: offset in the bytes above, and how many.
    pub gaps: [Vec<(usize, u64)>; 2],
    /// Bytes that came in all.
    pub total: [u64; 2],
    /// How it fared.
    pub connection: Option<Connection>,
}

impl Followed {
    /// Traffic that is recognised and not read.
    pub(super) fn named(
        name: &'static str,
        client: SocketAddr,
        server: SocketAddr,
        frame: u32,
    ) -> Self {
        Self {
            ends: Some((client, server)),
            first_frame: frame,
            carried: Some(name),
            ..Self::default()
        }
    }
}

/// What is kept while connections last.
#[derive(Debug, Default)]
pub(super) struct Follow {
    limit: usize,
    open: HashMap<u64, Followed>,
    pub(super) done: Vec<Followed>,
}

impl Follow {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    fn of(&mut self, meta: &Meta) -> Option<&mut Followed> {
        if self.open.len() + self.done.len() >= MAX_FLOWS && !self.open.contains_key(&meta.id) {
            return None;
        }
        Some(self.open.entry(meta.id).or_default())
    }

    pub(super) fn bytes(&mut self, meta: &Meta, direction: usize, data: &[u8]) {
        let limit = self.limit;
        if let Some(one) = self.of(meta) {
            // By direction of the key, until it is known who the client is.
            let room = limit.saturating_sub(one.bytes[direction].len());
            one.bytes[direction].extend_from_slice(&data[..data.len().min(room)]);
            one.total[direction] += data.len() as u64;
        }
    }

    pub(super) fn gap(&mut self, meta: &Meta, direction: usize, bytes: u64) {
        if let Some(one) = self.of(meta) {
            let at = one.bytes[direction].len();
            one.gaps[direction].push((at, bytes));
        }
    }

    pub(super) fn end(&mut self, flow: &Flow) {
        let meta = &flow.meta;
        let mut one = match self.open.remove(&meta.id) {
            Some(one) => one,
            None if self.done.len() < MAX_FLOWS => Followed::default(),
            None => return,
        };
        if meta.client == 1 {
            one.bytes.swap(0, 1);
            one.gaps.swap(0, 1);
            one.total.swap(0, 1);
        }
        one.ends = Some((meta.client_end(), meta.server_end()));
        one.first_frame = meta.first_frame;
        one.opening_seen = meta.opening_seen;
        one.carried = flow.payload.carried();
        one.wire = flow.payload.wire();
        one.messages = flow.payload.messages;
        one.connection = Some(health::connection(flow));
        self.done.push(one);
    }
}
