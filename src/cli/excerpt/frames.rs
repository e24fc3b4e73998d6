//! Reads a frame of a capture and its neighbours on the same connection.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};

use tapscope_parsers::explain::{Context, Kind, Node, explain};
use tapscope_parsers::protocol::iso8583;
use tapscope_parsers::protocol::net::capture::{Packet, Reader};
use tapscope_parsers::protocol::net::iso14443::{RadioEvent, RadioKind};
use tapscope_parsers::protocol::net::link::{Datagram, Frame, decode};
use tapscope_parsers::protocol::net::{dns, http, icmp, tcp, tls};

use super::Shown;
use crate::parse::edge::Edge;

/// Bytes of the file that are looked at at a time.
const WINDOW: usize = 4 << 20;
/// Frames before the cited one that are remembered.
const REMEMBERED: usize = 4096;
/// Frames after it that are looked through for more of the connection.
const LOOKED: u32 = 20_000;
/// Bytes of one message.
const MESSAGE: usize = 64 << 10;

/// A frame as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrameShown {
    /// Its connection, itself marked: number, UTC microseconds, what it is.
    pub around: Vec<(u32, Option<i64>, String, bool)>,
    /// What its payload is.
    pub payload: String,
    /// Frames that hold the rest of the message.
    pub more: Vec<u32>,
    /// The message, decoded and masked.
    pub tree: Option<Node>,
    /// The payload's bytes, masked; empty where they are not shown.
    pub hex: String,
}

/// Who talks to whom.
type Ends = (SocketAddr, SocketAddr);

/// What is kept of a frame.
struct Seen {
    frame: u32,
    micros: Option<i64>,
    ends: Option<Ends>,
    line: String,
    /// Sequence number and payload, of TCP.
    sequence: u32,
    payload: Vec<u8>,
}

pub(super) fn read(input: &mut dyn Read, wanted: u32, context: u64, edge: &Edge) -> Shown {
    let context = usize::try_from(context.min(200)).unwrap_or(200);
    let mut collect = Collect {
        wanted,
        context,
        edge,
        before: VecDeque::new(),
        cited: None,
        after: Vec::new(),
        shown: None,
    };
    let mut reader = Reader::new();
    let mut buffer = vec![0_u8; WINDOW];
    let mut filled = 0;
    let mut packets: Vec<Packet> = Vec::new();
    loop {
        let mut end = false;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match input.read(room) {
                Ok(0) => {
                    end = true;
                    break;
                }
                Ok(more) => filled += more,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => {
                    end = true;
                    break;
                }
            }
        }
        packets.clear();
        let window = buffer.get(..filled).unwrap_or_default();
        let used = reader.feed(window, end, &mut packets).min(filled);
        let enough = packets
            .iter()
            .any(|packet| collect.packet(packet, packet.data(window)));
        if enough || end {
            break;
        }
        if used == 0 && filled == buffer.len() {
            buffer.resize(buffer.len() * 2, 0);
        }
        buffer.copy_within(used..filled, 0);
        filled -= used;
    }
    match collect.finish() {
        Some(shown) => Shown::Frame(Box::new(shown)),
        None => Shown::Behind(u64::from(reader.frames())),
    }
}

struct Collect<'e> {
    wanted: u32,
    context: usize,
    edge: &'e Edge,
    before: VecDeque<Seen>,
    cited: Option<Seen>,
    after: Vec<Seen>,
    /// What the cited frame is, where it is no TCP payload.
    shown: Option<(String, Option<Node>, String)>,
}

impl Collect<'_> {
    /// True once there is enough.
    fn packet(&mut self, packet: &Packet, data: &[u8]) -> bool {
        let frame = decode(packet.link, data);
        if packet.frame == self.wanted {
            self.shown = self.other(&frame, packet.link, data.len());
            self.cited = Some(seen(packet, &frame, data.len()));
            return false;
        }
        let Some(cited) = &self.cited else {
            if self.before.len() == REMEMBERED {
                self.before.pop_front();
            }
            let mut one = seen(packet, &frame, data.len());
            one.payload.clear();
            self.before.push_back(one);
            return false;
        };
        let one = seen(packet, &frame, data.len());
        if same(&one, cited) {
            self.after.push(one);
        }
        let behind = packet.frame.saturating_sub(cited.frame);
        // A message may go on in a few frames more than are shown.
        self.after.len() >= self.context + 16 || behind > LOOKED
    }

    fn finish(self) -> Option<FrameShown> {
        let cited = self.cited?;
        let before: Vec<&Seen> = self.before.iter().filter(|one| same(one, &cited)).collect();
        let skip = before.len().saturating_sub(self.context);
        let line = |one: &Seen, marked| (one.frame, one.micros, one.line.clone(), marked);
        let mut around: Vec<_> = before
            .iter()
            .skip(skip)
            .map(|one| line(one, false))
            .collect();
        around.push(line(&cited, true));
        around.extend(
            self.after
                .iter()
                .take(self.context)
                .map(|one| line(one, false)),
        );
        if let Some((payload, tree, hex)) = self.shown {
            return Some(FrameShown {
                around,
                payload,
                more: Vec::new(),
                tree,
                hex,
            });
        }
        let (bytes, more) = message(&cited, &self.after);
        let (payload, tree, hex) = stream_payload(&bytes, self.edge);
        Some(FrameShown {
            around,
            payload,
            more,
            tree,
            hex,
        })
    }

    /// What a frame is that carries no TCP payload.
    fn other(
        &self,
        frame: &Frame<'_>,
        link: u16,
        length: usize,
    ) -> Option<(String, Option<Node>, String)> {
        let said = |text: String| Some((text, None, String::new()));
        match frame {
            Frame::Ip(d) if d.fragment.is_some() => {
                said("a fragment of a datagram: its bytes are not shown".to_owned())
            }
            Frame::Ip(d) => match d.protocol {
                6 => None,
                17 => said(
                    match tcp::udp(d.payload).and_then(|u| dns::parse(u.payload)) {
                        Some(dns) => {
                            let name = self.edge.text(&dns.name);
                            let mut text = if dns.response {
                                format!("DNS answer for {name}: rcode {}", dns.rcode)
                            } else {
                                format!("DNS query for {name}")
                            };
                            for address in &dns.addresses {
                                let _ = write!(text, ", {address}");
                            }
                            text
                        }
                        None => "UDP, not DNS: its bytes are not shown".to_owned(),
                    },
                ),
                1 | 58 => said(match icmp::parse(d.protocol == 58, d.payload) {
                    Some(error) => format!("ICMP error: {error:?}"),
                    None => "ICMP, no error".to_owned(),
                }),
                other => said(format!("IP protocol {other}: its bytes are not shown")),
            },
            Frame::Arp(_) => said("ARP".to_owned()),
            Frame::Radio(radio) => Some(self.radio(radio)),
            Frame::Other => said(format!("no IP in it, {length} bytes: they are not shown")),
            Frame::UnknownLink => said(format!("link type {link}, which is not read")),
            Frame::Malformed(expected) => said(format!("malformed: expected {expected}")),
        }
    }

    fn radio(&self, radio: &RadioEvent<'_>) -> (String, Option<Node>, String) {
        let mut hex = self.edge.hex(radio.data).to_string();
        // The first digits may be the rest of a number that begins in the frame before.
        let lead = hex.bytes().skip(2).take_while(u8::is_ascii_digit).count();
        if lead >= 5 {
            hex.replace_range(2..2 + lead, &"*".repeat(lead));
        }
        (way(radio.kind).to_owned(), None, hex)
    }
}

fn way(kind: RadioKind) -> &'static str {
    match kind {
        RadioKind::ReaderToCard | RadioKind::ReaderToCardNoCrc => "reader to card",
        RadioKind::CardToReader | RadioKind::CardToReaderNoCrc => "card to reader",
        RadioKind::FieldOff => "field off",
        RadioKind::FieldOn => "field on",
        RadioKind::Other(_) => "radio event",
    }
}

/// On the same connection, in either direction.
fn same(one: &Seen, other: &Seen) -> bool {
    match (one.ends, other.ends) {
        (Some((a, b)), Some((c, d))) => (a, b) == (c, d) || (a, b) == (d, c),
        // Radio and the like: neighbours are those in the file.
        (None, None) => true,
        _ => false,
    }
}

fn seen(packet: &Packet, frame: &Frame<'_>, length: usize) -> Seen {
    let mut seen = Seen {
        frame: packet.frame,
        micros: packet.nanos.map(|nanos| nanos.div_euclid(1000)),
        ends: None,
        line: String::new(),
        sequence: 0,
        payload: Vec::new(),
    };
    seen.line = match frame {
        Frame::Ip(datagram) => datagram_line(datagram, &mut seen),
        Frame::Arp(_) => "ARP".to_owned(),
        Frame::Radio(radio) => format!("{}, {} bytes", way(radio.kind), radio.data.len()),
        Frame::Other => format!("no IP, {length} bytes"),
        Frame::UnknownLink => format!("link type {}, {length} bytes", packet.link),
        Frame::Malformed(expected) => format!("malformed: expected {expected}"),
    };
    seen
}

fn datagram_line(d: &Datagram<'_>, seen: &mut Seen) -> String {
    let ends = |from: IpAddr, to: IpAddr, ports: (u16, u16)| {
        (SocketAddr::new(from, ports.0), SocketAddr::new(to, ports.1))
    };
    match d.protocol {
        6 => {
            let Some(segment) = tcp::segment(d.payload) else {
                return "TCP, header cut".to_owned();
            };
            let ports = (segment.source_port, segment.destination_port);
            let (from, to) = ends(d.source, d.destination, ports);
            seen.ends = Some((from, to));
            seen.sequence = segment.sequence;
            segment.payload.clone_into(&mut seen.payload);
            let mut flags = String::new();
            for (bit, name) in [(2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (16, "ACK")] {
                if segment.flags & bit != 0 {
                    flags.push_str(name);
                    flags.push(' ');
                }
            }
            format!(
                "{from} > {to}  {}, {} bytes",
                flags.trim_end(),
                segment.payload.len()
            )
        }
        17 => {
            let Some(udp) = tcp::udp(d.payload) else {
                return "UDP, header cut".to_owned();
            };
            let ports = (udp.source_port, udp.destination_port);
            let (from, to) = ends(d.source, d.destination, ports);
            seen.ends = Some((from, to));
            format!("{from} > {to}  UDP, {} bytes", udp.payload.len())
        }
        other => {
            seen.ends = Some(ends(d.source, d.destination, (0, 0)));
            let name = match other {
                1 => "ICMP".to_owned(),
                58 => "ICMPv6".to_owned(),
                _ => format!("protocol {other}"),
            };
            format!("{} > {}  {name}", d.source, d.destination)
        }
    }
}

/// The cited frame's payload, and of the frames after it what belongs to the same message.
fn message(cited: &Seen, after: &[Seen]) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = cited.payload.clone();
    let mut more = Vec::new();
    let whole = |bytes: &[u8]| iso8583::locate(bytes).is_some_and(|found| found.message.whole());
    let mut joined = bytes.clone();
    let mut frames = Vec::new();
    for one in after.iter().filter(|one| one.ends == cited.ends) {
        if whole(&joined) || joined.is_empty() || joined.len() > MESSAGE {
            break;
        }
        let expected = cited.sequence.wrapping_add(joined.len() as u32);
        // Bytes that were sent before are passed over; a gap ends it.
        let old = expected.wrapping_sub(one.sequence) as usize;
        match one.payload.get(old..) {
            Some(new) if !new.is_empty() => {
                joined.extend_from_slice(new);
                frames.push(one.frame);
            }
            Some(_) => {}
            None if old > usize::from(u16::MAX) => break,
            None => {}
        }
    }
    if whole(&joined) {
        bytes = joined;
        more = frames;
    }
    (bytes, more)
}

/// What a TCP payload is. Bytes of which nothing is known are not shown: a part of a card number could not be told.
fn stream_payload(bytes: &[u8], edge: &Edge) -> (String, Option<Node>, String) {
    if bytes.is_empty() {
        return ("no payload".to_owned(), None, String::new());
    }
    if tls::is_handshake(bytes) || tls::is_alert(bytes) || matches!(bytes, [0x14..=0x17, 3, ..]) {
        let kind = match bytes.first() {
            Some(0x14) => "change cipher spec",
            Some(0x15) => "alert",
            Some(0x16) => "handshake",
            _ => "application data, encrypted",
        };
        let mut text = format!("TLS {kind}, {} bytes", bytes.len());
        if let (true, [.., level, code]) = (tls::is_alert(bytes) && bytes.len() == 7, bytes) {
            let _ = write!(text, ": level {level}, description {code}");
        }
        return (text, None, String::new());
    }
    if let Some(answer) = http::answer(bytes) {
        let mut text = format!("HTTP answer {}", answer.status);
        if let Some(location) = answer.location {
            let _ = write!(text, ", location {}", edge.bytes_as_text(location));
        }
        return (text, None, String::new());
    }
    if http::is_request(bytes) {
        return (
            format!("HTTP request, {} bytes: not shown", bytes.len()),
            None,
            String::new(),
        );
    }
    let Some(found) = iso8583::locate(bytes) else {
        return (
            format!(
                "{} bytes that are no message of a known kind, or a part of one: not shown, as a part of a card number could not be told",
                bytes.len()
            ),
            None,
            String::new(),
        );
    };
    let mut tree = explain(Kind::Iso8583, bytes, Context::default());
    let end = found.offset + found.message.consumed;
    let mut hex = tree.hex.clone();
    // What follows may be the beginning of another message.
    let shown = end.min(bytes.len()) * 2;
    if let Some(rest) = hex.len().checked_sub(shown) {
        hex.replace_range(shown.., &"*".repeat(rest));
    }
    tree.hex.clear();
    for child in &mut tree.children {
        if child.place.is_some_and(|(offset, _)| offset >= end) {
            child.hex.clear();
        }
    }
    (format!("{} bytes", bytes.len()), Some(tree), hex)
}
