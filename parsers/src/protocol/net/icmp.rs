//! Reads ICMP and `ICMPv6` errors and the packet that they complain about (RFC 792, RFC 4443).

use core::net::{IpAddr, SocketAddr};

use super::bytes::{be16, u8_at};
use super::link;

/// An error report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpError {
    /// 4 or 6.
    pub version: u8,
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Protocol of the packet complained about, where its header is there.
    pub about_protocol: Option<u8>,
    /// Its source and destination; port 0 where the ports are not there.
    pub about: Option<(SocketAddr, SocketAddr)>,
}

/// Reads an error message; `None` for echo, neighbour discovery and everything else that is none.
#[must_use]
pub fn parse(v6: bool, b: &[u8]) -> Option<IcmpError> {
    let kind = u8_at(b, 0)?;
    let error = if v6 {
        (1..=4).contains(&kind)
    } else {
        matches!(kind, 3 | 4 | 5 | 11 | 12)
    };
    if !error {
        return None;
    }
    let inner = b.get(8..).and_then(|b| link::datagram(b).ok());
    let about = inner.map(|d| {
        let ports = matches!(d.protocol, 6 | 17)
            .then(|| Some((be16(d.payload, 0)?, be16(d.payload, 2)?)))
            .flatten()
            .unwrap_or((0, 0));
        (address(d.source, ports.0), address(d.destination, ports.1))
    });
    Some(IcmpError {
        version: if v6 { 6 } else { 4 },
        kind,
        code: u8_at(b, 1)?,
        about_protocol: inner.map(|d| d.protocol),
        about,
    })
}

fn address(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_unreachable_names_the_flow() {
        let mut b = vec![3, 3, 0, 0, 0, 0, 0, 0];
        b.extend_from_slice(&[
            0x45, 0, 0, 28, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x9C, 0x40, 0x17,
            0x70, 0, 0, 0, 1,
        ]);
        let got = parse(false, &b).unwrap();
        assert_eq!((got.kind, got.code), (3, 3));
        let (from, to) = got.about.unwrap();
        assert_eq!(from.to_string(), "10.0.0.1:40000");
        assert_eq!(to.to_string(), "10.0.0.2:6000");
        assert!(parse(false, &[8, 0, 0, 0]).is_none());
    }
}
