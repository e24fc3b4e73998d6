//! What fails below the connections: addresses that nobody answers for (ARP, RFC 826), and that nobody gives out (DHCP, RFC 2131).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tapscope_parsers::protocol::net::local::{Arp, Dhcp};

use super::out::stamp;
use crate::event::{Event, Keys, LinkEvent, LinkFault, Payload, Place};

/// Questions after which silence is a failure.
const ENOUGH: u16 = 3;
/// Nanoseconds after which a question is over.
const PATIENCE: i64 = 10_000_000_000;
/// Who asks for more addresses than this looks around; nobody is missing.
const SCAN: usize = 8;
/// Questions under way, and failures kept.
const MAX_OPEN: usize = 16_384;
const MAX_KEPT: usize = 4_096;
/// Hosts that speak QUIC, at most.
const MAX_QUIC: usize = 4_096;

/// One packet that matters here.
pub(super) struct Link<'w> {
    pub(super) frame: u32,
    pub(super) nanos: i64,
    pub(super) timed: bool,
    pub(super) what: What<'w>,
}

/// What it is.
pub(super) enum What<'w> {
    Arp(Arp),
    Dhcp(Dhcp<'w>),
    /// Recognised, named, not read: who called, and who was called.
    Quic(SocketAddr, SocketAddr),
}

struct Open {
    asked: u16,
    frame: u32,
    first: i64,
    last: i64,
    timed: bool,
}

/// Questions of a capture.
#[derive(Default)]
pub(super) struct Links {
    /// By who is wanted, and who asks.
    arp: BTreeMap<(Ipv4Addr, Ipv4Addr), Open>,
    dhcp: BTreeMap<[u8; 6], Open>,
    failed: Vec<(Option<Ipv4Addr>, Event)>,
    pub(super) quic: BTreeMap<SocketAddr, (SocketAddr, u32, u64)>,
}

impl Links {
    /// Takes a packet up.
    pub(super) fn take(&mut self, link: &Link<'_>) {
        match &link.what {
            What::Arp(arp) => self.arp(link, arp),
            What::Dhcp(dhcp) => self.dhcp(link, dhcp),
            What::Quic(client, server) => {
                if self.quic.len() < MAX_QUIC || self.quic.contains_key(server) {
                    let seen = self.quic.entry(*server);
                    seen.or_insert((*client, link.frame, 0)).2 += 1;
                }
            }
        }
    }

    /// Questions that nobody answered for long are over.
    pub(super) fn expire(&mut self, now: i64) {
        let over: Vec<_> = self
            .arp
            .iter()
            .filter(|(_, open)| now.saturating_sub(open.last) > PATIENCE)
            .map(|(key, _)| *key)
            .collect();
        for key in over {
            if let Some(open) = self.arp.remove(&key) {
                self.no_arp(key, open);
            }
        }
    }

    fn arp(&mut self, link: &Link<'_>, arp: &Arp) {
        // Whoever speaks is there.
        let all = (arp.sender, Ipv4Addr::UNSPECIFIED)..=(arp.sender, Ipv4Addr::BROADCAST);
        let waiting: Vec<_> = self.arp.range(all).map(|(key, _)| *key).collect();
        for key in waiting {
            self.arp.remove(&key);
        }
        if !arp.request || arp.sender == arp.target || arp.sender.is_unspecified() {
            return;
        }
        let key = (arp.target, arp.sender);
        if self.arp.len() >= MAX_OPEN && !self.arp.contains_key(&key) {
            return;
        }
        let open = self.arp.entry(key).or_insert_with(|| Open::new(link));
        open.asked = open.asked.saturating_add(1);
        open.last = link.nanos;
    }

    fn no_arp(&mut self, (wanted, client): (Ipv4Addr, Ipv4Addr), open: Open) {
        let fault = LinkEvent {
            fault: LinkFault::NoArpAnswer,
            client: Some(IpAddr::V4(client)),
            hardware: None,
            wanted: Some(IpAddr::V4(wanted)),
            asked: open.asked,
        };
        self.fail(Some(client), fault, open);
    }

    fn dhcp(&mut self, link: &Link<'_>, dhcp: &Dhcp<'_>) {
        let hardware = *dhcp.hardware;
        match dhcp.kind {
            // DISCOVER, REQUEST.
            1 | 3 => {
                if self.dhcp.len() >= MAX_OPEN && !self.dhcp.contains_key(&hardware) {
                    return;
                }
                let open = self.dhcp.entry(hardware).or_insert_with(|| Open::new(link));
                open.asked = open.asked.saturating_add(1);
                open.last = link.nanos;
            }
            // OFFER, ACK.
            2 | 5 => {
                self.dhcp.remove(&hardware);
            }
            // NAK.
            6 => {
                let open = self
                    .dhcp
                    .remove(&hardware)
                    .unwrap_or_else(|| Open::new(link));
                let fault = LinkEvent {
                    fault: LinkFault::DhcpRefused,
                    client: None,
                    hardware: Some(hardware),
                    wanted: dhcp.wanted.map(IpAddr::V4),
                    asked: open.asked,
                };
                self.fail(None, fault, open);
            }
            _ => {}
        }
    }

    fn fail(&mut self, client: Option<Ipv4Addr>, fault: LinkEvent, open: Open) {
        let silent = fault.fault != LinkFault::DhcpRefused;
        if (silent && open.asked < ENOUGH) || self.failed.len() >= MAX_KEPT {
            return;
        }
        let device = fault.client.map(|ip| ip.to_string().into());
        let event = Event {
            source: 0,
            place: Place::Frame(open.frame),
            at: stamp(open.first, open.timed),
            lane: 0,
            keys: Keys {
                device,
                ..Keys::default()
            },
            payload: Payload::Link(Box::new(fault)),
        };
        self.failed.push((client, event));
    }

    /// The capture ends: what failed, those who only looked around left out.
    pub(super) fn finish(mut self) -> Vec<Event> {
        for (key, open) in std::mem::take(&mut self.arp) {
            self.no_arp(key, open);
        }
        for (hardware, open) in std::mem::take(&mut self.dhcp) {
            let fault = LinkEvent {
                fault: LinkFault::NoDhcpAnswer,
                client: None,
                hardware: Some(hardware),
                wanted: None,
                asked: open.asked,
            };
            self.fail(None, fault, open);
        }
        let mut asked: BTreeMap<Ipv4Addr, usize> = BTreeMap::new();
        for (client, _) in &self.failed {
            if let Some(client) = client {
                *asked.entry(*client).or_default() += 1;
            }
        }
        let scans = |client: &Option<Ipv4Addr>| client.is_some_and(|c| asked.get(&c) > Some(&SCAN));
        let kept = self.failed.into_iter().filter(|(client, _)| !scans(client));
        kept.map(|(_, event)| event).collect()
    }
}

impl Open {
    fn new(link: &Link<'_>) -> Self {
        Self {
            asked: 0,
            frame: link.frame,
            first: link.nanos,
            last: link.nanos,
            timed: link.timed,
        }
    }
}
