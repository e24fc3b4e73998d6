//! Questions and answers of name resolution: failures at once, successes only where a kept connection used them.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use hashbrown::HashMap;
use tapscope_parsers::protocol::net::dns;

use super::packets::Item;
use crate::event::DnsEvent;

/// Nanoseconds after which a question will not be answered any more.
const PATIENCE: i64 = 30_000_000_000;
/// A capture that ends sooner after a question says nothing about its answer.
const TOO_SOON: i64 = 2_000_000_000;
/// Questions open at a time, and answers remembered.
const MAX_OPEN: usize = 16_384;
const MAX_ANSWERED: usize = 65_536;

type Key = (IpAddr, IpAddr, String, u16);

struct Open {
    ids: Vec<u16>,
    frame: u32,
    first: i64,
    last: i64,
    queries: u16,
    bytes: u64,
    timed: bool,
}

/// A resolution, whole.
pub(super) struct Resolved {
    pub(super) frame: u32,
    pub(super) nanos: i64,
    pub(super) timed: bool,
    pub(super) bytes: u64,
    /// Which file of the set.
    pub(super) file: u16,
    pub(super) event: DnsEvent,
}

/// Resolutions of one shard.
#[derive(Default)]
pub(super) struct Names {
    open: HashMap<Key, Open>,
    order: VecDeque<(i64, Key)>,
    pub(super) failures: Vec<Resolved>,
    answered: Vec<Resolved>,
    /// Bytes of messages that led to no event.
    pub(super) ignored: u64,
    pub(super) damaged: Vec<u32>,
    file: u16,
}

impl Names {
    pub(super) fn of_file(file: u16) -> Self {
        Self {
            file,
            ..Self::default()
        }
    }

    pub(super) fn take(&mut self, item: &Item<'_>, payload: &[u8]) {
        self.expire(item.nanos);
        let Some(message) = dns::parse(payload) else {
            self.ignored += u64::from(item.record);
            self.damaged.push(item.frame);
            return;
        };
        if message.name.ends_with(".arpa") {
            // Names of addresses: nobody pays by them.
            self.ignored += u64::from(item.record);
            return;
        }
        if message.response {
            self.answer(item, message);
        } else {
            self.question(item, message);
        }
    }

    fn question(&mut self, item: &Item<'_>, message: dns::Message) {
        if self.open.len() >= MAX_OPEN {
            self.ignored += u64::from(item.record);
            return;
        }
        let key = key(item.source, item.destination, message.name, message.kind);
        let order = &mut self.order;
        let open = self.open.entry(key).or_insert_with_key(|key| {
            order.push_back((item.nanos, key.clone()));
            Open {
                ids: Vec::new(),
                frame: item.frame,
                first: item.nanos,
                last: item.nanos,
                queries: 0,
                bytes: 0,
                timed: item.timed,
            }
        });
        open.queries = open.queries.saturating_add(1);
        open.last = item.nanos;
        open.bytes += u64::from(item.record);
        if open.ids.len() < 16 {
            open.ids.push(message.id);
        }
    }

    fn answer(&mut self, item: &Item<'_>, message: dns::Message) {
        let key = key(item.destination, item.source, message.name, message.kind);
        let open = match self.open.get(&key) {
            Some(open) if open.ids.contains(&message.id) => self.open.remove(&key),
            _ => None,
        };
        let Some(open) = open else {
            // A second answer, or one whose question is not in the capture: a failure is a failure all the same.
            if message.rcode != 0 {
                self.failures.push(Resolved {
                    frame: item.frame,
                    nanos: item.nanos,
                    timed: item.timed,
                    bytes: u64::from(item.record),
                    file: self.file,
                    event: DnsEvent {
                        client: key.0,
                        resolver: key.1,
                        name: key.2.into(),
                        rcode: Some(message.rcode),
                        addresses: message.addresses,
                        queries: 0,
                        answer_micros: None,
                    },
                });
            } else {
                self.ignored += u64::from(item.record);
            }
            return;
        };
        let resolved = Resolved {
            frame: open.frame,
            nanos: open.first,
            timed: open.timed,
            bytes: open.bytes + u64::from(item.record),
            file: self.file,
            event: DnsEvent {
                client: key.0,
                resolver: key.1,
                name: key.2.into(),
                rcode: Some(message.rcode),
                addresses: message.addresses,
                queries: open.queries,
                answer_micros: Some(item.nanos.saturating_sub(open.first) / 1000),
            },
        };
        if message.rcode != 0 {
            self.failures.push(resolved);
        } else if self.answered.len() < MAX_ANSWERED {
            self.answered.push(resolved);
        } else {
            self.ignored += resolved.bytes;
        }
    }

    fn expire(&mut self, now: i64) {
        while let Some((since, _)) = self.order.front() {
            if now.saturating_sub(*since) <= PATIENCE {
                return;
            }
            let Some((since, key)) = self.order.pop_front() else {
                return;
            };
            let Some(open) = self.open.get(&key) else {
                continue;
            };
            if now.saturating_sub(open.last) <= PATIENCE {
                // Asked again since: look again later.
                let last = open.last.max(since + 1);
                self.order.push_back((last, key));
            } else if let Some(open) = self.open.remove(&key) {
                self.unanswered(key, open);
            }
        }
    }

    fn unanswered(&mut self, key: Key, open: Open) {
        self.failures.push(Resolved {
            frame: open.frame,
            nanos: open.first,
            timed: open.timed,
            bytes: open.bytes,
            file: self.file,
            event: DnsEvent {
                client: key.0,
                resolver: key.1,
                name: key.2.into(),
                rcode: None,
                addresses: Vec::new(),
                queries: open.queries,
                answer_micros: None,
            },
        });
    }

    /// The capture ends at `end`.
    pub(super) fn finish(&mut self, end: i64) {
        while let Some((_, key)) = self.order.pop_front() {
            if let Some(open) = self.open.remove(&key) {
                if end.saturating_sub(open.last) > TOO_SOON || open.queries > 1 {
                    self.unanswered(key, open);
                } else {
                    self.ignored += open.bytes;
                }
            }
        }
    }

    /// Answers that led to an address in `wanted`; the bytes of the others are ignored.
    pub(super) fn used(&mut self, wanted: &BTreeSet<IpAddr>) -> Vec<Resolved> {
        let mut used = Vec::new();
        for resolved in self.answered.drain(..) {
            if resolved.event.addresses.iter().any(|a| wanted.contains(a)) {
                used.push(resolved);
            } else {
                self.ignored += resolved.bytes;
            }
        }
        used
    }
}

fn key(client: SocketAddr, resolver: SocketAddr, name: String, kind: u16) -> Key {
    (client.ip(), resolver.ip(), name, kind)
}
