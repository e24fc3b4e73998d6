//! Reads what matters of X.509 certificates as they are sent: names, validity, issuer (RFC 5280).

use super::be24;
use crate::protocol::net::bytes::{be16, u8_at};

/// Certificates looked at.
const MAX_CHAIN: usize = 20;
/// Names of one certificate looked at.
const MAX_NAMES: usize = 64;
/// Parts of a distinguished name, and extensions, looked at.
const MAX_PARTS: usize = 64;

/// What stands in a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// Seconds since 1970: not before, not after.
    pub validity: Option<(i64, i64)>,
    /// Common name (else organisation) of the issuer.
    pub issuer: Option<&'a [u8]>,
    /// Common name (else organisation) of the subject.
    pub subject: Option<&'a [u8]>,
    /// Names of hosts that it is for.
    pub names: Vec<&'a [u8]>,
    /// The issuer's and subject's whole names, as encoded.
    issuer_raw: &'a [u8],
    subject_raw: &'a [u8],
}

impl Certificate<'_> {
    /// True where it names itself as its issuer.
    #[must_use]
    pub fn self_issued(&self) -> bool {
        !self.subject_raw.is_empty() && self.subject_raw == self.issuer_raw
    }

    /// True where it is for a host of that name (RFC 6125: `*` stands for the first label only).
    #[must_use]
    pub fn is_for(&self, host: &[u8]) -> bool {
        let fits = |pattern: &[u8]| {
            if pattern.eq_ignore_ascii_case(host) {
                return true;
            }
            let Some(rest) = pattern.strip_prefix(b"*") else {
                return false;
            };
            let dot = host.iter().position(|b| *b == b'.').unwrap_or(host.len());
            rest.len() > 1
                && host
                    .get(dot..)
                    .is_some_and(|h| h.eq_ignore_ascii_case(rest))
        };
        if self.names.is_empty() {
            return self.subject.is_some_and(fits);
        }
        self.names.iter().any(|name| fits(name))
    }
}

/// Certificates as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain<'a> {
    /// In the order sent; that of the end entity first.
    pub list: Vec<Certificate<'a>>,
}

impl<'a> Chain<'a> {
    /// That of the end entity.
    #[must_use]
    pub fn end_entity(&self) -> Option<&Certificate<'a>> {
        self.list.first()
    }

    /// How many of them, from the first on, are each issued by the next.
    #[must_use]
    pub fn linked(&self) -> usize {
        let mut linked = usize::from(!self.list.is_empty());
        for (one, next) in self.list.iter().zip(self.list.iter().skip(1)) {
            if one.issuer_raw.is_empty() || one.issuer_raw != next.subject_raw {
                break;
            }
            linked += 1;
        }
        linked
    }

    /// True where a certificate of its own stands alone that somebody else issued: the one between is not sent.
    #[must_use]
    pub fn lacks_intermediate(&self) -> bool {
        match self.list.as_slice() {
            [only] => !only.issuer_raw.is_empty() && !only.self_issued(),
            [] => false,
            [_, ..] => self.linked() < 2,
        }
    }
}

/// Reads the body of a certificate message; `thirteen` says that it is of TLS 1.3.
#[must_use]
pub fn certificates(b: &[u8], thirteen: bool) -> Chain<'_> {
    read_list(b, thirteen).unwrap_or_default()
}

fn read_list(b: &[u8], thirteen: bool) -> Option<Chain<'_>> {
    let at = if thirteen {
        1 + usize::from(u8_at(b, 0)?)
    } else {
        0
    };
    let total = be24(b, at)?;
    let list = b.get(at + 3..)?;
    let mut list = list.get(..total).unwrap_or(list);
    let mut chain = Chain::default();
    while chain.list.len() < MAX_CHAIN {
        let Some(length) = be24(list, 0) else { break };
        let Some(der) = list.get(3..3 + length) else {
            break;
        };
        chain.list.push(certificate(der).unwrap_or_default());
        let mut rest = list.get(3 + length..).unwrap_or_default();
        if thirteen {
            let extensions = usize::from(be16(rest, 0).unwrap_or(0));
            rest = rest.get(2 + extensions..).unwrap_or_default();
        }
        list = rest;
    }
    Some(chain)
}

fn certificate(der: &[u8]) -> Option<Certificate<'_>> {
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
    let (_, validity, rest) = der_item(rest)?;
    let (tag_a, from, more) = der_item(validity)?;
    let (tag_b, to, _) = der_item(more)?;
    let (_, subject, rest) = der_item(rest)?;
    let names = der_item(rest).map(|(_, _, rest)| host_names(rest));
    Some(Certificate {
        validity: time(tag_a, from).zip(time(tag_b, to)),
        issuer: name(issuer),
        subject: name(subject),
        names: names.unwrap_or_default(),
        issuer_raw: issuer,
        subject_raw: subject,
    })
}

/// DNS names of the subject alternative name (2.5.29.17), from what follows the public key.
fn host_names(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    while let Some((tag, body, more)) = der_item(rest) {
        rest = more;
        if tag != 0xA3 {
            continue;
        }
        let Some((_, mut extensions, _)) = der_item(body) else {
            break;
        };
        for _ in 0..MAX_PARTS {
            let Some((_, extension, more)) = der_item(extensions) else {
                break;
            };
            extensions = more;
            let Some((_, oid, mut value)) = der_item(extension) else {
                continue;
            };
            if oid != [0x55, 0x1D, 0x11] {
                continue;
            }
            // `critical` may stand before the value.
            if value.first() == Some(&0x01) {
                value = der_item(value).map_or(&[], |(_, _, rest)| rest);
            }
            let list = der_item(value).and_then(|(_, octets, _)| der_item(octets));
            let mut list = list.map_or(&[][..], |(_, list, _)| list);
            while let Some((tag, name, more)) = der_item(list) {
                list = more;
                if tag == 0x82 && names.len() < MAX_NAMES {
                    names.push(name);
                }
            }
        }
    }
    names
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
    for _ in 0..MAX_PARTS {
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
    fn names_of_hosts() {
        let with = |names: Vec<&'static [u8]>| Certificate {
            subject: Some(b"pos.example.test"),
            names,
            ..Certificate::default()
        };
        assert!(with(vec![]).is_for(b"POS.example.test"));
        // Where names of hosts stand, the subject counts no more.
        assert!(!with(vec![b"other.test"]).is_for(b"pos.example.test"));
        assert!(with(vec![b"*.example.test"]).is_for(b"pos.example.test"));
        assert!(!with(vec![b"*.example.test"]).is_for(b"a.pos.example.test"));
        assert!(!with(vec![b"*"]).is_for(b"pos"));
    }
}
