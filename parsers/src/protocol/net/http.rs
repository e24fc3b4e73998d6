//! Reads heads and chunked bodies of HTTP/1 messages (RFC 9112), and knows what is none.

use memchr::{memchr, memmem};

/// Head of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Status code.
    pub status: u16,
    /// `Location`, without query and fragment.
    pub location: Option<&'a [u8]>,
}

/// How requests begin, and answers.
const BEGINNINGS: [&[u8]; 9] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"OPTIONS ",
    b"CONNECT ",
    b"DELETE ",
    b"PATCH ",
    b"HTTP/1.",
];

/// True where the bytes begin like a request of HTTP/1.
#[must_use]
pub fn is_request(b: &[u8]) -> bool {
    BEGINNINGS.iter().take(8).any(|m| b.starts_with(m))
}

/// True where the bytes begin like a message of HTTP/1, or are too few to tell.
#[must_use]
pub fn may_begin(b: &[u8]) -> bool {
    BEGINNINGS
        .iter()
        .any(|m| b.starts_with(m) || m.starts_with(b))
}

/// Name of another protocol that says so in its first bytes.
#[must_use]
pub fn foreign(b: &[u8]) -> Option<&'static str> {
    if b.starts_with(b"PRI * HTTP/2.0\r\n") {
        return Some("http2");
    }
    if b.starts_with(b"SSH-") {
        return Some("ssh");
    }
    None
}

/// True where a UDP payload begins like a QUIC packet with a long header (RFC 9000, 17.2; RFC 9369): version, then two
/// connection identifiers of at most 20 bytes that fit.
#[must_use]
pub fn is_quic(b: &[u8]) -> bool {
    let Some((&first, rest)) = b.split_first() else {
        return false;
    };
    let Some((version, rest)) = rest.split_first_chunk::<4>() else {
        return false;
    };
    let known = matches!(
        u32::from_be_bytes(*version),
        1 | 0x6B33_43CF | 0xFF00_001D..=0xFF00_0022
    );
    if first & 0xC0 != 0xC0 || !known {
        return false;
    }
    let identifier = |b: &[u8]| -> Option<usize> {
        let n = usize::from(*b.first()?);
        (n <= 20 && b.len() > n).then_some(1 + n)
    };
    identifier(rest).is_some_and(|n| rest.get(n..).and_then(identifier).is_some())
}

/// Reads the head of an answer, as far as it is there.
#[must_use]
pub fn answer(b: &[u8]) -> Option<Answer<'_>> {
    let status = status(b)?;
    let head = b.get(..memmem::find(b, b"\r\n\r\n").unwrap_or(b.len()))?;
    Some(Answer {
        status,
        location: place(head),
    })
}

fn status(b: &[u8]) -> Option<u16> {
    let rest = b.strip_prefix(b"HTTP/1.")?;
    let digits: &[u8; 3] = rest.get(2..)?.first_chunk()?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0u16, |n, d| n * 10 + u16::from(d - b'0')),
    )
}

fn place(head: &[u8]) -> Option<&[u8]> {
    header(head, b"location:").and_then(before_query)
}

fn before_query(value: &[u8]) -> Option<&[u8]> {
    let end = value
        .iter()
        .position(|b| matches!(b, b'?' | b'#'))
        .unwrap_or(value.len());
    value.get(..end)
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// A request.
    Request {
        /// `GET`, `POST` …
        method: &'a [u8],
        /// Path, without query.
        path: &'a [u8],
    },
    /// An answer.
    Answer {
        /// Status code.
        status: u16,
    },
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// To the end of the connection.
    Unknown,
}

/// Head of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// Request or answer.
    pub what: What<'a>,
    /// `Location`, without query and fragment.
    pub location: Option<&'a [u8]>,
    /// The body is JSON, as the head says.
    pub json: bool,
    /// How long the body is.
    pub body: Body,
    /// Bytes of the head.
    pub bytes: usize,
}

impl Head<'_> {
    /// An answer of which no more than its status is there.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        Self {
            what: What::Answer { status },
            location: None,
            json: false,
            body: Body::Unknown,
            bytes: 0,
        }
    }
}

/// Reads a whole head; `None` where it is not all there, or none.
#[must_use]
pub fn head(b: &[u8]) -> Option<Head<'_>> {
    let end = memmem::find(b, b"\r\n\r\n")?;
    let head = b.get(..end)?;
    let line = head.get(..memchr(b'\r', head).unwrap_or(end))?;
    let what = if is_request(b) {
        let mut words = line.split(|c| *c == b' ');
        What::Request {
            method: words.next()?,
            path: before_query(words.next()?)?,
        }
    } else {
        What::Answer { status: status(b)? }
    };
    let request = matches!(what, What::Request { .. });
    let kind = header(head, b"content-type:").unwrap_or_default();
    let json = memmem::find(kind, b"json").is_some();
    let chunked = header(head, b"transfer-encoding:").is_some_and(|v| v.ends_with(b"chunked"));
    let length = header(head, b"content-length:")
        .and_then(|v| core::str::from_utf8(v).ok())
        .and_then(|v| v.parse().ok());
    let body = match (chunked, length, &what) {
        (
            _,
            _,
            What::Answer {
                status: 204 | 304 | 100..=199,
            },
        ) => Body::Length(0),
        (true, ..) => Body::Chunked,
        (false, Some(n), _) => Body::Length(n),
        (false, None, _) if request => Body::Length(0),
        _ => Body::Unknown,
    };
    Some(Head {
        what,
        location: place(head),
        json,
        body,
        bytes: end + 4,
    })
}

/// A body in chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunks {
    /// It is all there.
    Whole {
        /// The body.
        body: Vec<u8>,
        /// Bytes that it took.
        used: usize,
    },
    /// Some of it is not there yet.
    More,
    /// Not in chunks, or longer than is kept.
    Bad,
}

/// Puts a chunked body together, at most `limit` bytes of it.
#[must_use]
pub fn chunks(b: &[u8], limit: usize) -> Chunks {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = b.get(at..).unwrap_or_default();
        let Some(end) = memchr(b'\n', rest.get(..rest.len().min(64)).unwrap_or_default()) else {
            return if rest.len() < 64 {
                Chunks::More
            } else {
                Chunks::Bad
            };
        };
        let line = rest.get(..end).unwrap_or_default();
        let digits = line
            .iter()
            .position(|c| !c.is_ascii_hexdigit())
            .unwrap_or(line.len());
        let length = line
            .get(..digits)
            .filter(|d| !d.is_empty() && d.len() <= 6)
            .and_then(|d| core::str::from_utf8(d).ok())
            .and_then(|d| usize::from_str_radix(d, 16).ok());
        let Some(length) = length else {
            return Chunks::Bad;
        };
        at += end + 1;
        if length == 0 {
            // Trailers are not met with; the empty line is.
            let tail = b.get(at..).unwrap_or_default();
            return match tail {
                [b'\r', b'\n', ..] => Chunks::Whole { body, used: at + 2 },
                [] | [b'\r'] => Chunks::More,
                _ => Chunks::Bad,
            };
        }
        if body.len() + length > limit {
            return Chunks::Bad;
        }
        let Some(chunk) = b.get(at..at + length) else {
            return Chunks::More;
        };
        body.extend_from_slice(chunk);
        at += length;
        match b.get(at..at + 2) {
            Some(b"\r\n") => at += 2,
            Some(_) => return Chunks::Bad,
            None => return Chunks::More,
        }
    }
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = head;
    while let Some(end) = memchr(b'\n', rest) {
        rest = rest.get(end + 1..)?;
        let Some(start) = rest.get(..name.len()) else {
            break;
        };
        if start.eq_ignore_ascii_case(name) {
            let value = rest.get(name.len()..)?;
            let value = value.get(..memchr(b'\r', value).unwrap_or(value.len()))?;
            return Some(value.trim_ascii());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_place() {
        let got = answer(
            b"HTTP/1.1 302 Found\r\nServer: x\r\nLOCATION: http://portal.test/login?mac=1\r\n\r\n",
        );
        let got = got.unwrap();
        assert_eq!(got.status, 302);
        assert_eq!(got.location, Some(&b"http://portal.test/login"[..]));
        assert!(answer(b"HTTP/1.1 OK").is_none());
        assert!(answer(b"SSH-2.0").is_none());
    }

    #[test]
    fn chunked_bodies() {
        let b = b"4\r\nabcd\r\nA;x=y\r\n0123456789\r\n0\r\n\r\nHTTP";
        let want = Chunks::Whole {
            body: b"abcd0123456789".to_vec(),
            used: b.len() - 4,
        };
        assert_eq!(chunks(b, 100), want);
        assert_eq!(chunks(b, 10), Chunks::Bad);
        for n in 0..b.len() - 4 {
            assert_eq!(chunks(&b[..n], 100), Chunks::More, "{n}");
        }
    }

    #[test]
    fn other_protocols_are_named() {
        assert_eq!(foreign(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Some("http2"));
        assert!(is_quic(&[
            0xC3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44
        ]));
        assert!(!is_quic(&[
            0xC3, 0, 0, 0, 9, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44
        ]));
        assert!(!is_quic(&[0xC3, 0, 0, 0, 1, 30, 1]));
    }
}
