//! Decodes the packets of a window in parallel and deals them to shards by flow.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use rayon::prelude::*;
use tapscope_parsers::protocol::iso7816::{ccid, gsmtap};
use tapscope_parsers::protocol::net::capture::Packet;
use tapscope_parsers::protocol::net::ip::{FragmentLimits, Fragments, Whole};
use tapscope_parsers::protocol::net::link::{Datagram, Frame, decode, inside};
use tapscope_parsers::protocol::net::{http, icmp, local, tcp};

use super::links::{Link, What as Below};

use super::card::{Card, Wire, usb};
use crate::plan::Limits;

/// One packet's worth for a shard.
pub(super) struct Item<'w> {
    pub(super) frame: u32,
    pub(super) nanos: i64,
    /// False where the record has no time of its own.
    pub(super) timed: bool,
    /// Bytes of its record in the file.
    pub(super) record: u32,
    /// Which file of the set.
    pub(super) file: u16,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) ttl: u8,
    pub(super) id: u16,
    pub(super) body: Body<'w>,
}

pub(super) enum Body<'w> {
    Tcp {
        segment: tcp::Segment<'w>,
        missing: u32,
    },
    Dns(&'w [u8]),
    Icmp(icmp::IcmpError),
}

/// Packets of a window, by shard, in file order.
pub(super) struct Dealt<'w> {
    /// For each piece of the window, for each shard.
    pieces: Vec<Vec<Vec<Item<'w>>>>,
    /// Card traffic, in file order.
    pub(super) cards: Vec<Card<'w>>,
    pub(super) ignored: u64,
    pub(super) not_understood: u64,
    pub(super) malformed: Vec<(u32, &'static str)>,
    /// What comes before connections, in file order.
    pub(super) links: Vec<Link<'w>>,
    /// Packets of link types that are not read: by type, how many and the first.
    pub(super) unknown: BTreeMap<u16, (u64, u32)>,
}

impl<'w> Dealt<'w> {
    pub(super) fn of(&self, shard: usize) -> impl Iterator<Item = &Item<'w>> {
        self.pieces
            .iter()
            .flat_map(move |piece| piece.get(shard).into_iter().flatten())
    }
}

/// State that lives longer than a window: fragments under way, and the datagrams put together in this window.
#[derive(Default)]
pub(super) struct Decoder {
    fragments: Fragments,
    wholes: Vec<(Packet, IpMeta, Whole)>,
    last_nanos: i64,
}

#[derive(Clone, Copy)]
struct IpMeta {
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    id: u16,
}

/// What one piece of a window gave.
#[derive(Default)]
struct Piece<'w> {
    shards: Vec<Vec<Item<'w>>>,
    cards: Vec<Card<'w>>,
    fragments: Vec<(Packet, Datagram<'w>)>,
    ignored: u64,
    not_understood: u64,
    malformed: Vec<(u32, &'static str)>,
    links: Vec<Link<'w>>,
    unknown: BTreeMap<u16, (u64, u32)>,
}

impl Decoder {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            fragments: Fragments::within(FragmentLimits {
                pieces: limits.fragments,
                nanos: limits.fragment_seconds.saturating_mul(1_000_000_000),
                bytes: limits.fragment_bytes,
            }),
            ..Self::default()
        }
    }

    pub(super) fn decode<'w>(
        &'w mut self,
        window: &'w [u8],
        packets: &[Packet],
        shards: usize,
        file: u16,
    ) -> Dealt<'w> {
        // Packets without a time carry that of the packet before.
        let start = self.last_nanos;
        if let Some(last) = packets.iter().rev().find_map(|p| p.nanos) {
            self.last_nanos = last;
        }
        let size = packets.len().div_ceil(8).max(256);
        let mut pieces: Vec<Piece<'w>> = packets
            .par_chunks(size)
            .enumerate()
            .map(|(n, chunk)| {
                let before = packets[..n * size].iter().rev().find_map(|p| p.nanos);
                piece(window, chunk, (shards, file), before.unwrap_or(start))
            })
            .collect();
        self.wholes.clear();
        for piece in &mut pieces {
            for (packet, datagram) in piece.fragments.drain(..) {
                let nanos = packet.nanos.unwrap_or(start);
                if let Some(whole) = self.fragments.push(&datagram, packet.frame, nanos) {
                    let meta = IpMeta {
                        source: datagram.source,
                        destination: datagram.destination,
                        ttl: datagram.ttl,
                        id: datagram.id,
                    };
                    self.wholes.push((packet, meta, whole));
                }
                // Its record is counted with the frame that completes it, or as ignored.
                piece.ignored += u64::from(packet.record_len);
            }
        }
        let mut dealt = Dealt {
            pieces: Vec::with_capacity(pieces.len()),
            cards: Vec::new(),
            ignored: 0,
            not_understood: 0,
            malformed: Vec::new(),
            links: Vec::new(),
            unknown: BTreeMap::new(),
        };
        for piece in pieces {
            for (link, (count, first)) in piece.unknown {
                dealt.unknown.entry(link).or_insert((0, first)).0 += count;
            }
            dealt.ignored += piece.ignored;
            dealt.not_understood += piece.not_understood;
            dealt.malformed.extend(piece.malformed);
            dealt.links.extend(piece.links);
            dealt.cards.extend(piece.cards);
            dealt.pieces.push(piece.shards);
        }
        let wholes = &self.wholes;
        add_wholes(&mut dealt, wholes, (shards, file), start);
        dealt
    }

    /// What is left over: issue codes and counts.
    pub(super) fn finish(&mut self) -> [(&'static str, u64); 3] {
        self.fragments.finish();
        let counts = self.fragments.counts;
        [
            ("frag_limit", counts.limited),
            ("frag_incomplete", counts.incomplete),
            ("frag_overlap_conflict", counts.conflicts),
        ]
    }
}

/// Puts completed datagrams where their last fragment stood.
fn add_wholes<'w>(
    dealt: &mut Dealt<'w>,
    wholes: &'w [(Packet, IpMeta, Whole)],
    (shards, file): (usize, u16),
    start: i64,
) {
    for (packet, meta, whole) in wholes {
        let datagram = Datagram {
            source: meta.source,
            destination: meta.destination,
            ttl: meta.ttl,
            id: meta.id,
            protocol: whole.protocol,
            payload: &whole.payload,
            missing: 0,
            fragment: None,
        };
        let Frame::Ip(datagram) = inside(datagram) else {
            continue;
        };
        let Ok(Some(mut item)) = item(packet, packet.nanos.unwrap_or(start), file, &datagram)
        else {
            continue;
        };
        item.record = 0;
        let shard = shard_of(&item, shards);
        // The piece whose packets of this shard come after it.
        let at = dealt
            .pieces
            .iter()
            .position(|p| p[shard].last().is_some_and(|last| last.frame > item.frame))
            .unwrap_or(dealt.pieces.len() - 1);
        let list = &mut dealt.pieces[at][shard];
        let place = list.partition_point(|i| i.frame < item.frame);
        list.insert(place, item);
    }
}

fn link<'w>(packet: &Packet, nanos: i64, what: Below<'w>) -> Link<'w> {
    Link {
        frame: packet.frame,
        nanos,
        timed: packet.nanos.is_some(),
        what,
    }
}

/// DHCP, and QUIC on its port.
fn below<'w>(d: &Datagram<'w>) -> Option<Below<'w>> {
    if d.protocol != 17 {
        return None;
    }
    let udp = tcp::udp(d.payload)?;
    match (udp.source_port, udp.destination_port) {
        (67 | 68, 67 | 68) => local::dhcp(udp.payload).map(Below::Dhcp),
        (_, 443) if http::is_quic(udp.payload) => Some(Below::Quic(
            SocketAddr::new(d.source, udp.source_port),
            SocketAddr::new(d.destination, 443),
        )),
        _ => None,
    }
}

fn piece<'w>(
    window: &'w [u8],
    packets: &[Packet],
    (shards, file): (usize, u16),
    start: i64,
) -> Piece<'w> {
    let mut piece = Piece {
        shards: (0..shards)
            .map(|_| Vec::with_capacity(packets.len() / shards + 16))
            .collect(),
        ..Piece::default()
    };
    let mut nanos = start;
    for packet in packets {
        nanos = packet.nanos.unwrap_or(nanos);
        let record = u64::from(packet.record_len);
        let mut card = |wire| {
            piece.cards.push(Card {
                frame: packet.frame,
                nanos,
                timed: packet.nanos.is_some(),
                record: packet.record_len,
                wire,
            });
        };
        if ccid::LINK_TYPES.contains(&packet.link) {
            match usb(packet.link, packet.data(window)) {
                Some(wire) => card(wire),
                None => piece.ignored += record,
            }
            continue;
        }
        match decode(packet.link, packet.data(window)) {
            Frame::Ip(datagram) if datagram.fragment.is_some() => {
                piece.fragments.push((*packet, datagram));
            }
            Frame::Ip(datagram) if let Some(sim) = sim(&datagram) => card(Wire::Sim(sim)),
            Frame::Radio(event) => card(Wire::Radio(event)),
            Frame::Arp(bytes) => {
                piece.ignored += record;
                if let Some(arp) = local::arp(bytes) {
                    piece.links.push(link(packet, nanos, Below::Arp(arp)));
                }
            }
            Frame::Ip(datagram) if let Some(what) = below(&datagram) => {
                piece.ignored += record;
                piece.links.push(link(packet, nanos, what));
            }
            Frame::Ip(datagram) => match item(packet, nanos, file, &datagram) {
                Ok(Some(item)) => {
                    let shard = shard_of(&item, shards);
                    piece.shards[shard].push(item);
                }
                Ok(None) => piece.ignored += record,
                Err(expected) => {
                    piece.not_understood += record;
                    piece.malformed.push((packet.frame, expected));
                }
            },
            Frame::Other => piece.ignored += record,
            Frame::UnknownLink => {
                piece.not_understood += record;
                piece
                    .unknown
                    .entry(packet.link)
                    .or_insert((0, packet.frame))
                    .0 += 1;
            }
            Frame::Malformed(expected) => {
                piece.not_understood += record;
                piece.malformed.push((packet.frame, expected));
            }
        }
    }
    piece
}

/// Traffic of a SIM tracer in a datagram.
fn sim<'w>(d: &Datagram<'w>) -> Option<gsmtap::Card<'w>> {
    if d.protocol != 17 {
        return None;
    }
    let udp = tcp::udp(d.payload).filter(|udp| udp.destination_port == gsmtap::PORT)?;
    gsmtap::card(udp.payload)
}

/// The part of a datagram that a shard wants; `None` for what bears on no payment.
fn item<'w>(
    packet: &Packet,
    nanos: i64,
    file: u16,
    d: &Datagram<'w>,
) -> Result<Option<Item<'w>>, &'static str> {
    let (ports, body) = match d.protocol {
        6 => {
            let Some(segment) = tcp::segment(d.payload) else {
                // A header that was cut by the capture length is no fault of the sender.
                return if d.missing > 0 {
                    Ok(None)
                } else {
                    Err("a TCP header")
                };
            };
            (
                (segment.source_port, segment.destination_port),
                Body::Tcp {
                    segment,
                    missing: d.missing,
                },
            )
        }
        17 => {
            let Some(udp) = tcp::udp(d.payload) else {
                return if d.missing > 0 {
                    Ok(None)
                } else {
                    Err("a UDP header")
                };
            };
            if udp.source_port != 53 && udp.destination_port != 53 {
                return Ok(None);
            }
            (
                (udp.source_port, udp.destination_port),
                Body::Dns(udp.payload),
            )
        }
        1 | 58 => match icmp::parse(d.protocol == 58, d.payload) {
            Some(error) => ((0, 0), Body::Icmp(error)),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(Item {
        frame: packet.frame,
        nanos,
        timed: packet.nanos.is_some(),
        record: packet.record_len,
        file,
        source: SocketAddr::new(d.source, ports.0),
        destination: SocketAddr::new(d.destination, ports.1),
        ttl: d.ttl,
        id: d.id,
        body,
    }))
}

/// Both directions of a flow go to the same shard. For errors: the flow complained about.
fn shard_of(item: &Item<'_>, shards: usize) -> usize {
    let (a, b) = match &item.body {
        Body::Icmp(error) => error.about.unwrap_or((item.source, item.destination)),
        _ => (item.source, item.destination),
    };
    let h = mix(&a) ^ mix(&b);
    // The upper bits: only there do the ports count.
    usize::try_from((h >> 48) % shards as u64).unwrap_or(0)
}

fn mix(address: &SocketAddr) -> u64 {
    let ip = match address.ip() {
        IpAddr::V4(v4) => u64::from(u32::from(v4)),
        IpAddr::V6(v6) => {
            let n = u128::from(v6);
            u64::try_from(n >> 64).unwrap_or(0)
                ^ u64::try_from(n & u128::from(u64::MAX)).unwrap_or(0)
        }
    };
    (ip ^ u64::from(address.port()).rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
