//! What is known of the hosts called: which framing and dialect their messages have.

use std::net::SocketAddr;

use hashbrown::HashMap;
use tapscope_parsers::protocol::iso8583::Wire;

/// Hosts whose messages are known. Shards read it during a window and add to it between windows, so that what one
/// connection taught helps the others, and the order of learning does not depend on threads.
#[derive(Default)]
pub(super) struct Endpoints {
    wires: HashMap<SocketAddr, Wire>,
}

/// Hosts remembered at most.
const MAX: usize = 65_536;

impl Endpoints {
    pub(super) fn wire(&self, host: &SocketAddr) -> Option<Wire> {
        self.wires.get(host).copied()
    }

    pub(super) fn carries_payments(&self, host: &SocketAddr) -> bool {
        self.wires.contains_key(host)
    }

    /// Takes what a shard learnt; the first lesson on a host stays.
    pub(super) fn learn(&mut self, lessons: Vec<(SocketAddr, Wire)>) {
        for (host, wire) in lessons {
            if self.wires.len() < MAX {
                self.wires.entry(host).or_insert(wire);
            }
        }
    }
}
