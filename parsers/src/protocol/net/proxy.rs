//! Reads the header that a proxy puts before a connection to say who opened it (PROXY protocol, versions 1 and 2).

use core::net::{IpAddr, SocketAddr};

use memchr::memchr;

use super::bytes::be16;

/// Longest header of version 1, line end included.
const MAX_LINE: usize = 107;
/// Longest header of version 2 that is believed.
const MAX_BINARY: usize = 2048;
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What stands at the start of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A header of so many bytes; the address that opened the connection, where it names one.
    Header {
        /// Bytes of the header.
        bytes: usize,
        /// Who opened the connection.
        source: Option<SocketAddr>,
    },
    /// It may be one, once more bytes are there.
    More,
    /// None.
    No,
}

/// Looks for a header.
#[must_use]
pub fn read(b: &[u8]) -> Found {
    if b.starts_with(b"PROXY ") {
        return match memchr(b'\n', b.get(..MAX_LINE.min(b.len())).unwrap_or_default()) {
            Some(end) => text(b, end),
            None if b.len() < MAX_LINE => Found::More,
            None => Found::No,
        };
    }
    if b.starts_with(SIGNATURE) {
        return binary(b).unwrap_or(Found::More);
    }
    let beginning = !b.is_empty() && (b"PROXY ".starts_with(b) || SIGNATURE.starts_with(b));
    if beginning { Found::More } else { Found::No }
}

fn text(b: &[u8], end: usize) -> Found {
    let line = b.get(..end).unwrap_or_default().trim_ascii_end();
    let mut words = line.split(|c| *c == b' ').skip(1);
    let known = matches!(words.next(), Some(b"TCP4" | b"TCP6"));
    let mut word = || core::str::from_utf8(words.next()?).ok();
    let source = known
        .then(|| {
            let ip: IpAddr = word()?.parse().ok()?;
            let _ = word()?;
            Some(SocketAddr::new(ip, word()?.parse().ok()?))
        })
        .flatten();
    Found::Header {
        bytes: end + 1,
        source,
    }
}

fn binary(b: &[u8]) -> Option<Found> {
    let length = usize::from(be16(b, 14)?);
    if length > MAX_BINARY || b.get(12)? >> 4 != 2 {
        return Some(Found::No);
    }
    let body = b.get(16..16 + length)?;
    // LOCAL (the proxy itself speaks) names nobody.
    let source = match (b.get(12)? & 15, b.get(13)? >> 4) {
        (1, 1) => body
            .first_chunk::<4>()
            .and_then(|ip| Some(SocketAddr::new(IpAddr::from(*ip), be16(body, 8)?))),
        (1, 2) => body
            .first_chunk::<16>()
            .and_then(|ip| Some(SocketAddr::new(IpAddr::from(*ip), be16(body, 32)?))),
        _ => None,
    };
    Some(Found::Header {
        bytes: 16 + length,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_name_the_client() {
        let line = b"PROXY TCP4 10.1.2.3 203.0.113.10 40001 5811\r\n\x00\x20rest";
        let header = |bytes, source: &str| Found::Header {
            bytes,
            source: source.parse().ok(),
        };
        assert_eq!(read(line), header(45, "10.1.2.3:40001"));
        for n in 1..45 {
            assert_eq!(read(&line[..n]), Found::More, "{n}");
        }
        assert_eq!(read(b"PROXY UNKNOWN\r\n"), header(15, ""));
        let mut b = SIGNATURE.to_vec();
        b.extend([
            0x21, 0x11, 0, 12, 10, 1, 2, 3, 203, 0, 113, 10, 0x9C, 0x41, 0x16, 0xB3,
        ]);
        assert_eq!(read(&b), header(28, "10.1.2.3:40001"));
        for n in 1..b.len() {
            assert_eq!(read(&b[..n]), Found::More, "{n}");
        }
        assert_eq!(read(b"POST / HTTP/1.1\r\n"), Found::No);
        assert_eq!(read(&[0, 0x45, 0x60]), Found::No);
    }
}
