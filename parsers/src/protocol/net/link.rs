//! From a captured frame of any link type to the innermost IP datagram in it: tags, labels, sessions and tunnels peeled off.

use core::net::IpAddr;

use etherparse::{LaxIpSlice, LenSource};

use super::bytes::{be16, be32, le16, le32, long, size, u8_at};
use super::iso14443;

/// Layers that are peeled off at most.
const DEPTH: usize = 12;

/// Which part of a datagram a fragment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Identification.
    pub id: u32,
    /// Offset in the datagram's payload, bytes.
    pub offset: u32,
    /// More fragments follow.
    pub more: bool,
}

/// An IP datagram and what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Sender.
    pub source: IpAddr,
    /// Receiver.
    pub destination: IpAddr,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Identification (0 for IPv6).
    pub id: u16,
    /// Protocol of the payload (6 TCP, 17 UDP, 1 ICMP, 58 `ICMPv6`).
    pub protocol: u8,
    /// What was captured of the payload.
    pub payload: &'a [u8],
    /// Bytes of the payload that went over the wire and were not captured.
    pub missing: u32,
    /// Set where this is but a part.
    pub fragment: Option<Fragment>,
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// An IP datagram.
    Ip(Datagram<'a>),
    /// An ARP packet.
    Arp(&'a [u8]),
    /// An ISO/IEC 14443 frame.
    Radio(iso14443::RadioEvent<'a>),
    /// A known link layer with something else in it.
    Other,
    /// A link type that this program does not know.
    UnknownLink,
    /// Too short or contradictory: what was wanted.
    Malformed(&'static str),
}

/// What the next layer is.
enum Layer<'a> {
    EtherType(u16, &'a [u8]),
    Ethernet(&'a [u8]),
    Ip(&'a [u8]),
    Ppp(&'a [u8]),
    Llc(&'a [u8]),
    Done(Frame<'a>),
}

/// Decodes a frame of the given LINKTYPE.
#[must_use]
pub fn decode(link: u16, data: &[u8]) -> Frame<'_> {
    if link == 1
        && let Some(datagram) = plain_ipv4(data)
    {
        return Frame::Ip(datagram);
    }
    peel(first_layer(link, data).unwrap_or(Layer::Done(Frame::Malformed("a link-layer header"))))
}

/// Decodes what a datagram carries where that is a tunnel; the datagram itself where it is not.
#[must_use]
pub fn inside(datagram: Datagram<'_>) -> Frame<'_> {
    match tunnel(&datagram) {
        Some(layer) => peel(layer),
        None => Frame::Ip(datagram),
    }
}

/// The quick way for the common frame: Ethernet II, IPv4 without options, whole.
fn plain_ipv4(data: &[u8]) -> Option<Datagram<'_>> {
    let header: &[u8; 34] = data.first_chunk()?;
    let [
        ..,
        t0,
        t1,
        v,
        _tos,
        l0,
        l1,
        i0,
        i1,
        f0,
        f1,
        ttl,
        proto,
        _,
        _,
        s0,
        s1,
        s2,
        s3,
        d0,
        d1,
        d2,
        d3,
    ] = *header;
    if t0 != 8 || t1 != 0 || v != 0x45 || f0 & 0x3F != 0 || f1 != 0 {
        return None;
    }
    // Tunnels take the long way.
    if !matches!(proto, 6 | 1) {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([l0, l1]));
    let payload = data.get(34..14 + total)?;
    Some(Datagram {
        source: IpAddr::from([s0, s1, s2, s3]),
        destination: IpAddr::from([d0, d1, d2, d3]),
        ttl,
        id: u16::from_be_bytes([i0, i1]),
        protocol: proto,
        payload,
        missing: 0,
        fragment: None,
    })
}

fn peel(mut layer: Layer<'_>) -> Frame<'_> {
    const SHORT: Layer<'static> = Layer::Done(Frame::Malformed("a longer header"));
    for _ in 0..DEPTH {
        layer = match layer {
            Layer::Done(frame) => return frame,
            Layer::Ethernet(b) => ethernet(b).unwrap_or(SHORT),
            Layer::EtherType(kind, b) => ether_type(kind, b).unwrap_or(SHORT),
            Layer::Ppp(b) => ppp(b).unwrap_or(SHORT),
            Layer::Llc(b) => llc(b).unwrap_or(Layer::Done(Frame::Other)),
            Layer::Ip(b) => match datagram(b) {
                Ok(d) => match tunnel(&d) {
                    Some(next) => next,
                    None => return Frame::Ip(d),
                },
                Err(expected) => return Frame::Malformed(expected),
            },
        };
    }
    Frame::Malformed("fewer layers")
}

fn first_layer(link: u16, b: &[u8]) -> Option<Layer<'_>> {
    Some(match link {
        1 => Layer::Ethernet(b),
        // BSD loopback: address family in the capturing host's order (0) or big-endian (108).
        0 | 108 => {
            if matches!(be16(b, 0)?, 0x0F00 | 0x8F00) {
                // Cisco HDLC under another name: the family would be none that is known.
                return Some(Layer::EtherType(be16(b, 2)?, b.get(4..)?));
            }
            let family = match (le32(b, 0)?, be32(b, 0)?) {
                (n, _) if n < 256 => n,
                (_, n) => n,
            };
            match family {
                2 | 10 | 23 | 24 | 28 | 30 => Layer::Ip(b.get(4..)?),
                _ => Layer::Done(Frame::Other),
            }
        }
        8 => Layer::Ip(b),
        9 | 50 | 51 => Layer::Ppp(b),
        12 | 14 | 101 | 228 | 229 => Layer::Ip(b),
        104 => match be16(b, 0)? {
            0x0F00 | 0x8F00 => Layer::EtherType(be16(b, 2)?, b.get(4..)?),
            // Some captures of "Cisco HDLC" are plain PPP in HDLC framing.
            _ => Layer::Ppp(b),
        },
        105 => ieee80211(b)?,
        113 => Layer::EtherType(be16(b, 14)?, b.get(16..)?),
        127 => ieee80211(b.get(usize::from(le16(b, 2)?)..)?)?,
        149 | 258 => pktap(b)?,
        239 => nflog(b)?,
        264 => Layer::Done(match iso14443::parse(b) {
            Some(event) => Frame::Radio(event),
            None => Frame::Malformed("an ISO 14443 pseudo-header"),
        }),
        276 => Layer::EtherType(be16(b, 0)?, b.get(20..)?),
        _ => Layer::Done(Frame::UnknownLink),
    })
}

fn ethernet(b: &[u8]) -> Option<Layer<'_>> {
    let kind = be16(b, 12)?;
    let rest = b.get(14..)?;
    Some(if kind <= 1500 {
        let length = usize::from(kind);
        Layer::Llc(rest.get(..length).unwrap_or(rest))
    } else {
        Layer::EtherType(kind, rest)
    })
}

fn ether_type(kind: u16, b: &[u8]) -> Option<Layer<'_>> {
    Some(match kind {
        0x0800 | 0x86DD => Layer::Ip(b),
        0x0806 => Layer::Done(Frame::Arp(b)),
        0x8100 | 0x88A8 | 0x9100 | 0x9200 => {
            let inner = be16(b, 2)?;
            let rest = b.get(4..)?;
            if inner <= 1500 {
                Layer::Llc(rest)
            } else {
                Layer::EtherType(inner, rest)
            }
        }
        0x8847 | 0x8848 => mpls(b)?,
        0x8864 => Layer::Ppp(b.get(6..)?),
        // Transparent Ethernet bridging (in GRE).
        0x6558 => Layer::Ethernet(b),
        0x88BE | 0x22EB => erspan(kind, b, true)?,
        _ => Layer::Done(Frame::Other),
    })
}

fn mpls(mut b: &[u8]) -> Option<Layer<'_>> {
    for _ in 0..DEPTH {
        let label = be32(b, 0)?;
        b = b.get(4..)?;
        if label & 0x100 != 0 {
            return Some(match u8_at(b, 0)? >> 4 {
                4 | 6 => Layer::Ip(b),
                // Pseudo-wire with a control word, then Ethernet.
                0 => Layer::Ethernet(b.get(4..)?),
                _ => Layer::Ethernet(b),
            });
        }
    }
    None
}

fn ppp(b: &[u8]) -> Option<Layer<'_>> {
    // Cisco HDLC under another name: unicast or multicast, then the type as in Ethernet.
    if matches!(be16(b, 0)?, 0x0F00 | 0x8F00) {
        return Some(Layer::EtherType(be16(b, 2)?, b.get(4..)?));
    }
    let b = if be16(b, 0)? == 0xFF03 {
        b.get(2..)?
    } else {
        b
    };
    let first = u8_at(b, 0)?;
    // The protocol field may be compressed to one (odd) byte.
    let (protocol, rest) = if first & 1 == 1 {
        (u16::from(first), b.get(1..)?)
    } else {
        (be16(b, 0)?, b.get(2..)?)
    };
    Some(match protocol {
        0x0021 | 0x0057 => Layer::Ip(rest),
        0x0281 | 0x0283 => mpls(rest)?,
        _ => Layer::Done(Frame::Other),
    })
}

fn llc(b: &[u8]) -> Option<Layer<'_>> {
    let [0xAA, 0xAA, 0x03, _, _, _] = *b.first_chunk::<6>()? else {
        return None;
    };
    Some(Layer::EtherType(be16(b, 6)?, b.get(8..)?))
}

fn ieee80211(b: &[u8]) -> Option<Layer<'_>> {
    let control = le16(b, 0)?;
    let other = Some(Layer::Done(Frame::Other));
    // Data frames that carry data; protected ones cannot be read.
    if control & 0x0C != 0x08 || control & 0x40 != 0 || control & 0x4000 != 0 {
        return other;
    }
    let four_addresses = control & 0x0300 == 0x0300;
    let quality = control & 0x80 != 0;
    let header = 24
        + if four_addresses { 6 } else { 0 }
        + if quality { 2 } else { 0 }
        + if quality && control & 0x8000 != 0 {
            4
        } else {
            0
        };
    Some(Layer::Llc(b.get(header..)?))
}

/// macOS PKTAP: its own header says its length and the link type of what follows.
fn pktap(b: &[u8]) -> Option<Layer<'_>> {
    let length = size(le32(b, 0)?);
    let dlt = le32(b, 8)?;
    let rest = b.get(length..)?;
    Some(match dlt {
        1 => Layer::Ethernet(rest),
        12 | 14 | 101 => Layer::Ip(rest),
        0 | 108 => Layer::Ip(rest.get(4..)?),
        _ => Layer::Done(Frame::Other),
    })
}

/// Linux netfilter log: attributes, of which number 9 is the packet.
fn nflog(b: &[u8]) -> Option<Layer<'_>> {
    let mut at = 4;
    for _ in 0..64 {
        let length = usize::from(le16(b, at)?);
        let kind = le16(b, at + 2)? & 0x7FFF;
        if length < 4 {
            return None;
        }
        if kind == 9 {
            let end = (at + length).min(b.len());
            return Some(Layer::Ip(b.get(at + 4..end)?));
        }
        at += length.next_multiple_of(4);
    }
    None
}

/// Mirrored frames in GRE: type I has no header, II eight bytes, III twelve and perhaps eight more.
fn erspan(kind: u16, b: &[u8], sequenced: bool) -> Option<Layer<'_>> {
    Some(match kind {
        0x88BE if !sequenced => Layer::Ethernet(b),
        0x88BE => Layer::Ethernet(b.get(8..)?),
        _ => {
            let more = if u8_at(b, 11)? & 1 == 1 { 20 } else { 12 };
            Layer::Ethernet(b.get(more..)?)
        }
    })
}

fn tunnel<'a>(d: &Datagram<'a>) -> Option<Layer<'a>> {
    if d.fragment.is_some() {
        return None;
    }
    match d.protocol {
        4 | 41 => Some(Layer::Ip(d.payload)),
        47 => gre(d.payload),
        137 => mpls(d.payload),
        // VXLAN, on its registered port and the older Linux one.
        17 if matches!(be16(d.payload, 2), Some(4789 | 8472))
            && u8_at(d.payload, 8) == Some(0x08) =>
        {
            Some(Layer::Ethernet(d.payload.get(16..)?))
        }
        // GTP-U, on its registered port: what a mobile network carries for its terminals.
        17 if be16(d.payload, 2) == Some(2152) || be16(d.payload, 0) == Some(2152) => {
            gtp(d.payload.get(8..)?)
        }
        _ => None,
    }
}

/// GTP version 1, user plane (3GPP TS 29.281): the packet in a G-PDU; `None` for signalling.
fn gtp(b: &[u8]) -> Option<Layer<'_>> {
    let flags = u8_at(b, 0)?;
    if flags >> 4 != 3 || u8_at(b, 1)? != 0xFF {
        return None;
    }
    let mut at = 8;
    if flags & 7 != 0 {
        at = 12;
        let mut next = u8_at(b, 11)?;
        for _ in 0..DEPTH {
            if flags & 4 == 0 || next == 0 {
                break;
            }
            let length = 4 * usize::from(u8_at(b, at)?);
            if length == 0 {
                return None;
            }
            next = u8_at(b, at + length - 1)?;
            at += length;
        }
    }
    let inner = b.get(at..)?;
    matches!(u8_at(inner, 0)? >> 4, 4 | 6).then_some(Layer::Ip(inner))
}

fn gre(b: &[u8]) -> Option<Layer<'_>> {
    let flags = be16(b, 0)?;
    let kind = be16(b, 2)?;
    let mut header = 4;
    for bit in [0x8000, 0x2000, 0x1000] {
        if flags & bit != 0 {
            header += 4;
        }
    }
    if flags & 7 == 1 && flags & 0x80 != 0 {
        header += 4;
    }
    let rest = b.get(header..)?;
    Some(match kind {
        0x88BE | 0x22EB => erspan(kind, rest, flags & 0x1000 != 0)?,
        0x880B => Layer::Ppp(rest),
        _ => Layer::EtherType(kind, rest),
    })
}

/// The fragment header among IPv6 extension headers (RFC 8200, section 4), where the payload is a part of a datagram.
fn ipv6_fragment(mut next: u8, mut rest: &[u8]) -> Option<Fragment> {
    loop {
        let &[then, length, ..] = rest else {
            return None;
        };
        let size = match next {
            // Hop-by-hop options, routing, destination options.
            0 | 43 | 60 => (usize::from(length) + 1) * 8,
            44 => {
                let &[_, _, high, low, a, b, c, d, ..] = rest else {
                    return None;
                };
                let offset = u32::from(u16::from_be_bytes([high, low]) & !7);
                let more = low & 1 == 1;
                return (offset > 0 || more).then_some(Fragment {
                    id: u32::from_be_bytes([a, b, c, d]),
                    offset,
                    more,
                });
            }
            // Authentication.
            51 => (usize::from(length) + 2) * 4,
            _ => return None,
        };
        next = then;
        rest = rest.get(size..)?;
    }
}

/// Reads an IP header with its extensions.
///
/// # Errors
/// What was wanted, where there is no IP header.
pub fn datagram(b: &[u8]) -> Result<Datagram<'_>, &'static str> {
    let (slice, _) = LaxIpSlice::from_slice(b).map_err(|_| "an IP header")?;
    let payload = slice.payload();
    let (ttl, id, fragment, wire) = match &slice {
        LaxIpSlice::Ipv4(v4) => {
            let h = v4.header();
            let offset = u32::from(h.fragments_offset().value()) * 8;
            let fragment = (offset > 0 || h.more_fragments()).then_some(Fragment {
                id: u32::from(h.identification()),
                offset,
                more: h.more_fragments(),
            });
            let wire = usize::from(h.total_len()).saturating_sub(h.slice().len());
            (h.ttl(), h.identification(), fragment, wire)
        }
        LaxIpSlice::Ipv6(v6) => {
            let h = v6.header();
            // Not etherparse's own iterator over the extensions: on a cut extension it reads past the end.
            let fragment = ipv6_fragment(h.next_header().0, v6.extensions().slice());
            let wire =
                usize::from(h.payload_length()).saturating_sub(v6.extensions().slice().len());
            (h.hop_limit(), 0, fragment, wire)
        }
    };
    // Where the header's length is nonsense or zero (segmentation offload), what was captured is what there is.
    let missing = if payload.incomplete || payload.len_source == LenSource::Slice {
        wire.saturating_sub(payload.payload.len())
    } else {
        0
    };
    Ok(Datagram {
        source: slice.source_addr(),
        destination: slice.destination_addr(),
        ttl,
        id,
        protocol: payload.ip_number.0,
        payload: payload.payload,
        missing: u32::try_from(long(missing)).unwrap_or(0),
        fragment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: [u8; 24] = [
        0x45, 0, 0, 24, 0x12, 0x34, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 2, 3, 4,
    ];

    fn expect(link: u16, prefix: &[u8]) {
        let mut frame = prefix.to_vec();
        frame.extend_from_slice(&IP);
        match decode(link, &frame) {
            Frame::Ip(d) => {
                assert_eq!(d.payload, [1, 2, 3, 4], "{link} {prefix:02x?}");
                assert_eq!(d.protocol, 6);
                assert_eq!(d.destination.to_string(), "10.0.0.2");
            }
            other => panic!("{link} {prefix:02x?}: {other:?}"),
        }
    }

    #[test]
    fn every_link_layer_gives_the_same_datagram() {
        let mac = [0u8; 12];
        let with = |rest: &[u8]| [mac.as_slice(), rest].concat();
        expect(1, &with(&[8, 0]));
        expect(1, &with(&[0x81, 0, 0, 5, 8, 0]));
        expect(1, &with(&[0x88, 0xA8, 0, 5, 0x81, 0, 0, 7, 8, 0]));
        expect(1, &with(&[0x88, 0x47, 0, 0, 0x11, 64]));
        expect(1, &with(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 26, 0, 0x21]));
        expect(0, &[2, 0, 0, 0]);
        expect(108, &[0, 0, 0, 2]);
        expect(101, &[]);
        expect(228, &[]);
        expect(113, &[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]);
        expect(
            276,
            &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0],
        );
        expect(9, &[0xFF, 3, 0, 0x21]);
        expect(9, &[0x21]);
        expect(104, &[0x0F, 0, 8, 0]);
        expect(9, &[0x0F, 0, 8, 0]);
        expect(0, &[0x8F, 0, 8, 0]);
    }

    /// Found by fuzzing: the library's iterator read past the end of a cut extension.
    #[test]
    fn cut_ipv6_extensions_are_not_read_past_their_end() {
        let mut ip = vec![0x60, 0, 0, 0, 0, 16, 0, 64];
        ip.extend([0; 32]);
        // Hop-by-hop, then routing, then fragment.
        let extensions: &[&[u8]] = &[
            &[43, 0, 1, 4, 0, 0, 0, 0],
            &[44, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[17, 0, 0x05, 0xA9, 0, 0, 0, 7],
            &[1, 2, 3, 4],
        ];
        let whole = [ip.clone(), extensions.concat()].concat();
        for end in 40..=whole.len() {
            for first in [0, 43, 44, 51, 60] {
                let mut cut = whole[..end].to_vec();
                cut[6] = first;
                let _ = datagram(&cut);
            }
        }
        let mut sent = whole;
        sent[5] = (sent.len() - 40) as u8;
        let got = datagram(&sent).unwrap();
        let fragment = got.fragment.unwrap();
        assert_eq!(
            (fragment.id, fragment.offset, fragment.more),
            (7, 0x5A8, true)
        );
        assert_eq!((got.payload, got.protocol), (&[1, 2, 3, 4][..], 17));
    }

    #[test]
    fn total_length_zero_takes_what_was_captured() {
        let mut ip = IP;
        ip[3] = 0;
        let got = datagram(&ip).unwrap();
        assert_eq!((got.payload.len(), got.missing), (4, 0));
    }

    #[test]
    fn a_cut_datagram_knows_what_is_missing() {
        let mut ip = IP;
        ip[3] = 34;
        let got = datagram(&ip).unwrap();
        assert_eq!((got.payload.len(), got.missing), (4, 10));
    }
}
