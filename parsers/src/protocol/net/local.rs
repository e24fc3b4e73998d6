//! Reads what a terminal needs before it can connect: ARP (RFC 826) and DHCP (RFC 2131).

use core::net::Ipv4Addr;

use super::bytes::{be16, be32, u8_at};

/// Options of one DHCP message looked at.
const MAX_OPTIONS: usize = 64;

/// An ARP packet for IPv4 over Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// True for a question.
    pub request: bool,
    /// Who speaks.
    pub sender: Ipv4Addr,
    /// Who is meant.
    pub target: Ipv4Addr,
}

/// Reads an ARP packet; `None` for other address kinds.
#[must_use]
pub fn arp(b: &[u8]) -> Option<Arp> {
    if (be16(b, 0)?, be16(b, 2)?, u8_at(b, 4)?, u8_at(b, 5)?) != (1, 0x0800, 6, 4) {
        return None;
    }
    let kind = be16(b, 6)?;
    matches!(kind, 1 | 2).then_some(Arp {
        request: kind == 1,
        sender: Ipv4Addr::from(be32(b, 14)?),
        target: Ipv4Addr::from(be32(b, 24)?),
    })
}

/// A DHCP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dhcp<'a> {
    /// Message type: 1 DISCOVER, 2 OFFER, 3 REQUEST, 5 ACK, 6 NAK.
    pub kind: u8,
    /// Hardware address of the client.
    pub hardware: &'a [u8; 6],
    /// Address asked for.
    pub wanted: Option<Ipv4Addr>,
}

/// Reads a DHCP message; `None` for plain BOOTP and what is none.
#[must_use]
pub fn dhcp(b: &[u8]) -> Option<Dhcp<'_>> {
    if be32(b, 236)? != 0x6382_5363 {
        return None;
    }
    let hardware = b.get(28..)?.first_chunk()?;
    let (mut kind, mut wanted) = (None, None);
    let mut at = 240;
    for _ in 0..MAX_OPTIONS {
        let code = match u8_at(b, at) {
            None | Some(255) => break,
            Some(0) => {
                at += 1;
                continue;
            }
            Some(code) => code,
        };
        let length = usize::from(u8_at(b, at + 1)?);
        match code {
            53 => kind = u8_at(b, at + 2),
            50 => wanted = be32(b, at + 2).map(Ipv4Addr::from),
            _ => {}
        }
        at += 2 + length;
    }
    Some(Dhcp {
        kind: kind?,
        hardware,
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_for_addresses() {
        let mut b = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9];
        b.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
        let got = arp(&b).unwrap();
        assert!(got.request);
        assert_eq!(
            (got.sender.octets(), got.target.octets()),
            ([10, 0, 0, 9], [10, 0, 0, 1])
        );
        for n in 0..b.len() {
            assert_eq!(arp(&b[..n]), None);
        }
        let mut b = vec![1, 1, 6, 0];
        b.resize(28, 0);
        b.extend([2, 0, 0, 0, 0, 9]);
        b.resize(236, 0);
        b.extend([0x63, 0x82, 0x53, 0x63, 0, 53, 1, 6, 50, 4, 10, 0, 0, 9, 255]);
        let got = dhcp(&b).unwrap();
        assert_eq!((got.kind, got.hardware[5]), (6, 9));
        assert_eq!(got.wanted, Some(Ipv4Addr::new(10, 0, 0, 9)));
        for n in 0..b.len() {
            let _ = dhcp(&b[..n]);
        }
    }
}
