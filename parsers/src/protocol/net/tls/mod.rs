//! Follows the clear part of a TLS connection: hellos, certificates, alerts, the sizes of what is encrypted (RFC 8446,
//! RFC 5246). Deciphering is the caller's; whole encrypted records are handed on where it asks for them.

mod certificate;
mod hello;
pub mod keylog;
pub mod names;

use super::bytes::{be16, long, u8_at};

pub use certificate::{Certificate, Chain, certificates};
pub use hello::{ClientHello, ServerHello};

/// Largest record (RFC 8446: 2^14 + 256) and its header.
const MAX_RECORD: usize = 16_640;
/// Handshake bytes looked at, unless told otherwise.
const HANDSHAKE: u32 = 1 << 20;

/// True where the bytes begin like a TLS handshake record.
#[must_use]
pub fn is_handshake(b: &[u8]) -> bool {
    matches!(b, [0x16, 3, 0..=4, _, _, 1 | 2, ..])
}

/// True where the bytes begin with a `ClientHello`, by its record, its own length and its version.
#[must_use]
pub fn is_client_hello(b: &[u8]) -> bool {
    let &[0x16, 3, 0..=4, r1, r0, 1, 0, h1, h0, 3, 0..=4, ..] = b else {
        return false;
    };
    let (record, hello) = (u16::from_be_bytes([r1, r0]), u16::from_be_bytes([h1, h0]));
    // A hello that goes on in further records fills its first.
    hello >= 38 && (hello.saturating_add(4) <= record || record >= 512)
}

/// True where the bytes begin like a TLS alert in clear.
#[must_use]
pub fn is_alert(b: &[u8]) -> bool {
    matches!(b, [0x15, 3, 0..=4, 0, 2, 1 | 2, _, ..])
}

/// What one direction said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<'a> {
    /// `ClientHello`.
    ClientHello(ClientHello<'a>),
    /// `ServerHello` (or a request to say hello again).
    ServerHello(ServerHello<'a>),
    /// Certificates, as sent, that of the end entity first.
    Certificates(Chain<'a>),
    /// Alert in clear: level, description.
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        /// Description (RFC 8446, section 6).
        description: u8,
    },
    /// Change of cipher: everything after is encrypted (up to TLS 1.2).
    Encrypted,
    /// A record of application data, as long as that.
    Data(u16),
    /// A whole encrypted record, where the caller asked for them: its type and what it holds.
    Record {
        /// 20 to 24.
        kind: u8,
        /// Version in the record header.
        version: u16,
        /// What it holds, still encrypted.
        body: &'a [u8],
    },
}

/// One direction of a TLS connection.
#[derive(Debug, Clone)]
pub struct Half {
    /// Handshake bytes that are looked at.
    most: u32,
    /// True once that bound was met.
    pub limited: bool,
    record: Vec<u8>,
    handshake: Vec<u8>,
    handshake_total: u64,
    encrypted: bool,
    /// Set where whole encrypted records are wanted.
    pub keep: bool,
    /// Bytes left of a record of application data that nobody wants, and its length.
    skip: usize,
    length: u16,
    /// True once nothing more is to be learnt, or the stream is no TLS after all.
    pub done: bool,
}

impl Default for Half {
    fn default() -> Self {
        Self::within(HANDSHAKE)
    }
}

impl Half {
    /// One that looks at so many handshake bytes.
    #[must_use]
    pub fn within(most: u32) -> Self {
        Self {
            most,
            limited: false,
            record: Vec::new(),
            handshake: Vec::new(),
            handshake_total: 0,
            encrypted: false,
            keep: false,
            skip: 0,
            length: 0,
            done: false,
        }
    }

    /// Takes the next bytes and reports what they say.
    pub fn push(&mut self, mut data: &[u8], say: &mut dyn FnMut(Said<'_>)) {
        while !self.done && !data.is_empty() {
            if self.skip > 0 {
                let n = self.skip.min(data.len());
                self.skip -= n;
                data = data.get(n..).unwrap_or_default();
                if self.skip == 0 {
                    say(Said::Data(self.length));
                }
                continue;
            }
            if self.record.is_empty() {
                if let Some((kind, version, body, rest)) = record(data) {
                    self.take(kind, version, body, say);
                    data = rest;
                    continue;
                }
                if let ([23, 3, _, a, b, rest @ ..], false) = (data, self.keep)
                    && plausible(data)
                {
                    self.length = u16::from_be_bytes([*a, *b]);
                    self.skip = usize::from(self.length).saturating_sub(rest.len());
                    return;
                }
            }
            let wanted = match (be16(&self.record, 3), self.record.len()) {
                (Some(length), have) => (5 + usize::from(length)).saturating_sub(have),
                (None, have) => 5 - have.min(5),
            };
            let n = wanted.min(data.len());
            let (now, later) = data.split_at_checked(n).unwrap_or((data, &[]));
            self.record.extend_from_slice(now);
            data = later;
            if self.record.len() > MAX_RECORD + 5 || !plausible(&self.record) {
                self.done = true;
                return;
            }
            if self.record.len() >= 5 {
                let whole = core::mem::take(&mut self.record);
                match record(&whole) {
                    Some((kind, version, body, _)) => self.take(kind, version, body, say),
                    None => self.record = whole,
                }
            }
        }
    }

    /// Bytes are missing: nothing after them can be placed.
    pub fn gap(&mut self) {
        self.done = true;
    }

    fn take(&mut self, kind: u8, version: u16, body: &[u8], say: &mut dyn FnMut(Said<'_>)) {
        match kind {
            20 => {
                self.encrypted = true;
                say(Said::Encrypted);
            }
            21 if !self.encrypted && body.len() == 2 => {
                if let [level, description] = *body {
                    say(Said::Alert { level, description });
                }
            }
            22 if !self.encrypted => self.handshake(body, say),
            23 => {
                if self.keep {
                    say(Said::Record {
                        kind,
                        version,
                        body,
                    });
                }
                say(Said::Data(u16::try_from(body.len()).unwrap_or(u16::MAX)));
            }
            21 | 22 | 24 => {
                if self.keep {
                    say(Said::Record {
                        kind,
                        version,
                        body,
                    });
                }
            }
            _ => self.done = true,
        }
    }

    fn handshake(&mut self, body: &[u8], say: &mut dyn FnMut(Said<'_>)) {
        self.handshake_total += long(body.len());
        if self.handshake_total > u64::from(self.most) {
            self.limited = true;
            self.done = true;
            return;
        }
        self.handshake.extend_from_slice(body);
        let mut rest = core::mem::take(&mut self.handshake);
        while let Some((kind, message, used)) = handshake_message(&rest) {
            match kind {
                1 | 2 => {
                    if let Some(hello) = hello_of(kind, message) {
                        say(hello);
                    }
                }
                11 => say(Said::Certificates(certificates(message, false))),
                _ => {}
            }
            rest.drain(..used);
        }
        self.handshake = rest;
    }
}

/// A client's (1) or server's (2) hello.
#[must_use]
pub fn hello_of(kind: u8, body: &[u8]) -> Option<Said<'_>> {
    match kind {
        1 => hello::client(body).map(Said::ClientHello),
        2 => hello::server(body).map(Said::ServerHello),
        _ => None,
    }
}

/// The first handshake message in `b`: its type, its body, the bytes it takes; `None` where it is not all there.
#[must_use]
pub fn handshake_message(b: &[u8]) -> Option<(u8, &[u8], usize)> {
    let kind = u8_at(b, 0)?;
    let end = 4 + be24(b, 1)?;
    Some((kind, b.get(4..end)?, end))
}

fn be24(b: &[u8], at: usize) -> Option<usize> {
    let [x, y, z] = *b.get(at..)?.first_chunk::<3>()?;
    Some(usize::from(x) << 16 | usize::from(y) << 8 | usize::from(z))
}

fn plausible(head: &[u8]) -> bool {
    head.first().is_none_or(|k| (20..=24).contains(k))
        && head.get(1).is_none_or(|v| *v == 3)
        && be16(head, 3).is_none_or(|n| usize::from(n) <= MAX_RECORD)
}

fn record(b: &[u8]) -> Option<(u8, u16, &[u8], &[u8])> {
    if !plausible(b) {
        return None;
    }
    let length = usize::from(be16(b, 3)?);
    let (body, rest) = b.get(5..)?.split_at_checked(length)?;
    Some((u8_at(b, 0)?, be16(b, 1)?, body, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(parts: &[&[u8]], keep: bool) -> Vec<String> {
        let mut half = Half {
            keep,
            ..Half::default()
        };
        let mut got = Vec::new();
        for part in parts {
            half.push(part, &mut |s| got.push(format!("{s:?}")));
        }
        got
    }

    #[test]
    fn alert_split_over_segments() {
        assert_eq!(
            said(&[&[0x15, 3], &[3, 0, 2, 2], &[40]], false),
            ["Alert { level: 2, description: 40 }"]
        );
    }

    #[test]
    fn what_is_no_tls_ends_at_once() {
        let mut half = Half::default();
        half.push(b"HTTP/1.1 400", &mut |_| panic!("nothing was said"));
        assert!(half.done);
    }

    #[test]
    fn data_is_measured_however_it_is_cut() {
        let mut stream = vec![23, 3, 3, 0, 5];
        stream.extend(b"hello");
        stream.extend([23, 3, 3, 0, 3]);
        stream.extend(b"you");
        for cut in 0..stream.len() {
            let (a, b) = stream.split_at(cut);
            assert_eq!(said(&[a, b], false), ["Data(5)", "Data(3)"], "cut at {cut}");
            let kept = said(&[a, b], true);
            assert_eq!(kept.len(), 4, "cut at {cut}");
            assert!(kept[0].starts_with("Record { kind: 23"), "{kept:?}");
        }
    }
}
