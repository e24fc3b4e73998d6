//! Reads client and server hellos (RFC 8446, 4.1; RFC 5246, 7.4.1).

use nom::multi::length_data;
use nom::number::complete::{be_u16, u8};
use nom::{IResult, Parser};

use crate::protocol::net::bytes::be16;

/// What a server says who wants another hello (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// What a client offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// Highest version offered, as on the wire: 0x0303, 0x0304.
    pub version: u16,
    /// Server name indication.
    pub name: Option<&'a [u8]>,
    /// Random number: what a key log goes by.
    pub random: &'a [u8; 32],
    /// Session to go on with; empty where there is none.
    pub session: &'a [u8],
    /// True where a ticket or a pre-shared key of an earlier connection is offered.
    pub ticket: bool,
    /// Cipher suites offered, as they stand.
    pub suites: &'a [u8],
    /// First application protocol offered.
    pub application: Option<&'a [u8]>,
}

/// What a server chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// Version chosen.
    pub version: u16,
    /// Cipher suite.
    pub cipher: u16,
    /// Random number.
    pub random: &'a [u8; 32],
    /// Session, as sent.
    pub session: &'a [u8],
    /// True where it takes a pre-shared key (TLS 1.3).
    pub resumed: bool,
    /// True where it asks for another hello.
    pub retry: bool,
}

/// Splits off a vector with a length of one or two bytes (RFC 8446, 3.4).
pub(super) fn vector(b: &[u8], wide: bool) -> Option<(&[u8], &[u8])> {
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

pub(super) fn client(b: &[u8]) -> Option<ClientHello<'_>> {
    let legacy = be16(b, 0)?;
    let random = b.get(2..34)?.first_chunk()?;
    let (session, rest) = vector(b.get(34..)?, false)?;
    let (suites, rest) = vector(rest, true)?;
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
    let application = extension(extensions, 16)
        .and_then(|b| vector(b, true))
        .and_then(|(list, _)| vector(list, false))
        .map(|(name, _)| name);
    let ticket = extension(extensions, 41).is_some()
        || extension(extensions, 35).is_some_and(|ticket| !ticket.is_empty());
    Some(ClientHello {
        version,
        name,
        random,
        session,
        ticket,
        suites,
        application,
    })
}

pub(super) fn server(b: &[u8]) -> Option<ServerHello<'_>> {
    let legacy = be16(b, 0)?;
    let random: &[u8; 32] = b.get(2..34)?.first_chunk()?;
    let (session, rest) = vector(b.get(34..)?, false)?;
    let cipher = be16(rest, 0)?;
    let extensions = rest
        .get(3..)
        .and_then(|b| vector(b, true))
        .map_or(&[][..], |(list, _)| list);
    let version = extension(extensions, 43)
        .and_then(|b| be16(b, 0))
        .unwrap_or(legacy);
    Some(ServerHello {
        version,
        cipher,
        random,
        session,
        resumed: extension(extensions, 41).is_some(),
        retry: *random == RETRY,
    })
}
