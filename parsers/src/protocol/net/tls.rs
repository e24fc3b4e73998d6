//! Follows the clear part of a TLS connection: hellos, certificate, alerts (RFC 8446, RFC 5246).

use nom::multi::length_data;
use nom::number::complete::{be_u16, u8};
use nom::{IResult, Parser};

use super::bytes::{be16, long, u8_at};

/// Largest record (RFC 8446: 2^14 + 256) and its header.
const MAX_RECORD: usize = 16_640;
/// Handshake bytes looked at.
const MAX_HANDSHAKE: usize = 1 << 20;

/// True where the bytes begin like a TLS handshake record.
#[must_use]
pub fn is_handshake(b: &[u8]) -> bool {
    matches!(b, [0x16, 3, 0..=4, _, _, 1 | 2, ..])
}

/// True where the bytes begin like a TLS alert in clear.
#[must_use]
pub fn is_alert(b: &[u8]) -> bool {
    matches!(b, [0x15, 3, 0..=4, 0, 2, 1 | 2, _, ..])
}

/// What one direction said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// `ClientHello`: highest version offered, server name.
    ClientHello {
        /// As on the wire: 0x0303, 0x0304.
        version: u16,
        /// Server name indication.
        name: Option<&'a [u8]>,
    },
    /// `ServerHello`: version chosen, cipher suite.
    ServerHello {
        /// Version chosen.
        version: u16,
        /// Cipher suite.
        cipher: u16,
    },
    /// Certificate: of the end entity, what could be read.
    Certificate(Certificate<'a>),
    /// Alert in clear: level, description.
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        /// Description (RFC 8446, section 6).
        description: u8,
    },
    /// Change of cipher: everything after is encrypted.
    Encrypted,
    /// First record of application data.
    ApplicationData,
}

/// What stands in a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// Seconds since 1970: not before, not after.
    pub validity: Option<(i64, i64)>,
    /// Common name (else organisation) of the issuer.
    pub issuer: Option<&'a [u8]>,
}

/// One direction of a TLS connection.
#[derive(Debug, Clone, Default)]
pub struct Half {
    record: Vec<u8>,
    handshake: Vec<u8>,
    handshake_total: u64,
    encrypted: bool,
    /// True once nothing more is to be learnt, or the stream is no TLS after all.
    pub done: bool,
}

impl Half {
    /// Takes the next bytes and reports what they say.
    pub fn push(&mut self, mut data: &[u8], say: &mut dyn FnMut(Said<'_>)) {
        while !self.done && !data.is_empty() {
            if self.record.is_empty()
                && let Some((kind, body, rest)) = record(data)
            {
                self.take(kind, body, say);
                data = rest;
                continue;
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
                    Some((kind, body, _)) => self.take(kind, body, say),
                    None => self.record = whole,
                }
            }
        }
    }

    /// Bytes are missing: nothing after them can be placed.
    pub fn gap(&mut self) {
        self.done = true;
    }

    fn take(&mut self, kind: u8, body: &[u8], say: &mut dyn FnMut(Said<'_>)) {
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
                say(Said::ApplicationData);
                self.done = true;
            }
            21 | 22 | 24 => {}
            _ => self.done = true,
        }
    }

    fn handshake(&mut self, body: &[u8], say: &mut dyn FnMut(Said<'_>)) {
        self.handshake_total += long(body.len());
        if self.handshake_total > long(MAX_HANDSHAKE) {
            self.done = true;
            return;
        }
        self.handshake.extend_from_slice(body);
        loop {
            let (Some(kind), Some(length)) = (u8_at(&self.handshake, 0), be24(&self.handshake, 1))
            else {
                return;
            };
            let end = 4 + length;
            let Some(message) = self.handshake.get(4..end) else {
                return;
            };
            match kind {
                1 => {
                    if let Some(hello) = client_hello(message) {
                        say(hello);
                    }
                }
                2 => {
                    if let Some(hello) = server_hello(message) {
                        say(hello);
                    }
                }
                11 => say(Said::Certificate(certificate(message).unwrap_or_default())),
                _ => {}
            }
            self.handshake.drain(..end);
        }
    }
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

fn record(b: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    if !plausible(b) {
        return None;
    }
    let length = usize::from(be16(b, 3)?);
    let (body, rest) = b.get(5..)?.split_at_checked(length)?;
    Some((u8_at(b, 0)?, body, rest))
}

/// Splits off a vector with a length of one or two bytes (RFC 8446, 3.4).
fn vector(b: &[u8], wide: bool) -> Option<(&[u8], &[u8])> {
    let split: IResult<&[u8], &[u8]> = if wide {
        length_data(be_u16).parse(b)
    } else {
        length_data(u8).parse(b)
    };
    split.ok().map(|(rest, body)| (body, rest))
}

fn extension(mut list: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let kind = be16(list, 0)?;
        let (body, rest) = vector(list.get(2..)?, true)?;
        if kind == wanted {
            return Some(body);
        }
        list = rest;
    }
}

fn client_hello(b: &[u8]) -> Option<Said<'_>> {
    let legacy = be16(b, 0)?;
    let (_, rest) = vector(b.get(34..)?, false)?;
    let (_, rest) = vector(rest, true)?;
    let (_, rest) = vector(rest, false)?;
    let extensions = vector(rest, true).map_or(&[][..], |(list, _)| list);
    let version = extension(extensions, 43)
        .and_then(|b| vector(b, false))
        .and_then(|(list, _)| {
            let (pairs, _) = list.as_chunks::<2>();
            pairs
                .iter()
                .map(|p| u16::from_be_bytes(*p))
                // Grease values (RFC 8701) are no versions.
                .filter(|v| (0x0300..=0x0304).contains(v))
                .max()
        })
        .unwrap_or(legacy);
    let name = extension(extensions, 0)
        .and_then(|b| vector(b, true))
        .and_then(|(list, _)| vector(list.get(1..)?, true))
        .map(|(name, _)| name);
    Some(Said::ClientHello { version, name })
}

fn server_hello(b: &[u8]) -> Option<Said<'_>> {
    let legacy = be16(b, 0)?;
    let (_, rest) = vector(b.get(34..)?, false)?;
    let cipher = be16(rest, 0)?;
    let version = rest
        .get(3..)
        .and_then(|b| vector(b, true))
        .and_then(|(list, _)| extension(list, 43))
        .and_then(|b| be16(b, 0))
        .unwrap_or(legacy);
    Some(Said::ServerHello { version, cipher })
}

fn certificate(b: &[u8]) -> Option<Certificate<'_>> {
    // Up to TLS 1.2: list length, then certificates, each with its length.
    let first = be24(b, 3)?;
    let der = b.get(6..6 + first)?;
    let (tag, certificate, _) = der_item(der)?;
    let (tag2, mut rest, _) = der_item(certificate)?;
    if tag != 0x30 || tag2 != 0x30 {
        return None;
    }
    // version [0] may be absent.
    if rest.first() == Some(&0xA0) {
        rest = der_item(rest)?.2;
    }
    let (_, _, rest) = der_item(rest)?; // serial number
    let (_, _, rest) = der_item(rest)?; // signature algorithm
    let (_, issuer, rest) = der_item(rest)?;
    let (_, validity, _) = der_item(rest)?;
    let (tag_a, from, more) = der_item(validity)?;
    let (tag_b, to, _) = der_item(more)?;
    Some(Certificate {
        validity: time(tag_a, from).zip(time(tag_b, to)),
        issuer: name(issuer),
    })
}

/// Tag, contents, and what follows.
fn der_item(b: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let tag = u8_at(b, 0)?;
    let first = u8_at(b, 1)?;
    let (length, header) = match first {
        0..=0x7F => (usize::from(first), 2),
        0x81 => (usize::from(u8_at(b, 2)?), 3),
        0x82 => (usize::from(be16(b, 2)?), 4),
        0x83 => (be24(b, 2)?, 5),
        _ => return None,
    };
    let (body, rest) = b.get(header..)?.split_at_checked(length)?;
    Some((tag, body, rest))
}

/// Common name, or else organisation, of a distinguished name.
fn name(mut rdns: &[u8]) -> Option<&[u8]> {
    let mut organisation = None;
    for _ in 0..32 {
        let Some((_, set, rest)) = der_item(rdns) else {
            break;
        };
        rdns = rest;
        let (_, pair, _) = der_item(set)?;
        let (_, oid, value) = der_item(pair)?;
        let (_, text, _) = der_item(value)?;
        match oid {
            [0x55, 4, 3] => return Some(text),
            [0x55, 4, 10] => organisation = Some(text),
            _ => {}
        }
    }
    organisation
}

/// `UTCTime` (YYMMDDhhmmssZ) and `GeneralizedTime` (YYYYMMDDhhmmssZ) to seconds since 1970.
fn time(tag: u8, b: &[u8]) -> Option<i64> {
    let digits = b.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |from: usize, n: usize| {
        digits
            .get(from..from + n)
            .map(|d| d.iter().fold(0i64, |sum, d| sum * 10 + i64::from(d - b'0')))
    };
    let (year, at) = match tag {
        0x17 => {
            let y = number(0, 2)?;
            (if y < 50 { 2000 + y } else { 1900 + y }, 2)
        }
        0x18 => (number(0, 4)?, 4),
        _ => return None,
    };
    let (month, day) = (number(at, 2)?, number(at + 2, 2)?);
    let clock =
        number(at + 4, 2)? * 3600 + number(at + 6, 2)? * 60 + number(at + 8, 2).unwrap_or(0);
    Some(days(year, month, day) * 86_400 + clock)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (years counted from March).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (y, m) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * m + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_certificates() {
        assert_eq!(time(0x17, b"700101000000Z"), Some(0));
        assert_eq!(time(0x18, b"20240229120000Z"), Some(1_709_208_000));
        assert_eq!(time(0x17, b"49123123595"), None);
    }

    #[test]
    fn alert_split_over_segments() {
        let mut half = Half::default();
        let mut got = Vec::new();
        for part in [&[0x15, 3][..], &[3, 0, 2, 2], &[40]] {
            half.push(part, &mut |s| {
                if let Said::Alert { level, description } = s {
                    got.push((level, description));
                }
            });
        }
        assert_eq!(got, [(2, 40)]);
    }

    #[test]
    fn what_is_no_tls_ends_at_once() {
        let mut half = Half::default();
        half.push(b"HTTP/1.1 400", &mut |_| panic!("nothing was said"));
        assert!(half.done);
    }
}
