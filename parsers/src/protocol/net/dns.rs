//! Reads a DNS message: what was asked, how it was answered (RFC 1035).

use core::net::IpAddr;

use super::bytes::{be16, u8_at};

/// Compression pointers followed in one name.
const MAX_JUMPS: usize = 20;
/// Longest name, in characters as written.
const MAX_NAME: usize = 255;
/// Answers looked at.
const MAX_ANSWERS: u16 = 64;

/// A DNS message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Transaction number.
    pub id: u16,
    /// True for an answer.
    pub response: bool,
    /// Response code.
    pub rcode: u8,
    /// First name asked for, dots between labels, odd bytes as `\DDD`.
    pub name: String,
    /// Type asked for (1 A, 28 AAAA).
    pub kind: u16,
    /// Addresses in the answer section.
    pub addresses: Vec<IpAddr>,
    /// True where the answers could not be read to their end.
    pub damaged: bool,
}

/// Reads a message; `None` where not even the question can be read, or it is no query at all.
#[must_use]
pub fn parse(b: &[u8]) -> Option<Message> {
    let flags = be16(b, 2)?;
    let questions = be16(b, 4)?;
    // Standard queries only, with the one question that everyone sends.
    if (flags >> 11) & 0xF != 0 || questions != 1 {
        return None;
    }
    let (name, mut at) = name(b, 12)?;
    let kind = be16(b, at)?;
    at += 4;
    let mut message = Message {
        id: be16(b, 0)?,
        response: flags & 0x8000 != 0,
        rcode: u8::try_from(flags & 0xF).unwrap_or(0),
        name,
        kind,
        addresses: Vec::new(),
        damaged: false,
    };
    for _ in 0..be16(b, 6)?.min(MAX_ANSWERS) {
        if let Some((next, address)) = record(b, at) {
            message.addresses.extend(address);
            at = next;
        } else {
            message.damaged = true;
            break;
        }
    }
    Some(message)
}

fn record(b: &[u8], at: usize) -> Option<(usize, Option<IpAddr>)> {
    let at = skip_name(b, at)?;
    let kind = be16(b, at)?;
    let length = usize::from(be16(b, at + 8)?);
    let data = b.get(at + 10..at + 10 + length)?;
    let address = match kind {
        1 => data.first_chunk::<4>().map(|a| IpAddr::from(*a)),
        28 => data.first_chunk::<16>().map(|a| IpAddr::from(*a)),
        _ => None,
    };
    Some((at + 10 + length, address))
}

fn skip_name(b: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..128 {
        let n = u8_at(b, at)?;
        match n {
            0 => return Some(at + 1),
            0xC0..=0xFF => return Some(at + 2),
            1..=63 => at += 1 + usize::from(n),
            _ => return None,
        }
    }
    None
}

/// Reads a name; gives it and the offset behind it.
fn name(b: &[u8], start: usize) -> Option<(String, usize)> {
    let after = skip_name(b, start)?;
    let mut out = String::new();
    let mut at = start;
    let mut jumps = 0;
    loop {
        let n = u8_at(b, at)?;
        match n {
            0 => break,
            0xC0..=0xFF => {
                jumps += 1;
                if jumps > MAX_JUMPS {
                    return None;
                }
                at = usize::from(be16(b, at)? & 0x3FFF);
            }
            1..=63 => {
                if !out.is_empty() {
                    out.push('.');
                }
                for byte in b.get(at + 1..at + 1 + usize::from(n))? {
                    if byte.is_ascii_graphic() && *byte != b'\\' {
                        out.push(char::from(*byte).to_ascii_lowercase());
                    } else {
                        out.push('\\');
                        out.push_str(&byte.to_string());
                    }
                }
                if out.len() > MAX_NAME {
                    return None;
                }
                at += 1 + usize::from(n);
            }
            _ => return None,
        }
    }
    Some((out, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tail: &[u8], answers: u8) -> Vec<u8> {
        let mut b = vec![0x12, 0x34, 0x81, 0x83, 0, 1, 0, answers, 0, 0, 0, 0];
        b.extend_from_slice(b"\x03pos\x04TEST\x00\x00\x01\x00\x01");
        b.extend_from_slice(tail);
        b
    }

    #[test]
    fn reads_question_code_and_addresses() {
        let b = message(
            b"\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x3C\x00\x04\x0A\x01\x02\x03",
            1,
        );
        let got = parse(&b).unwrap();
        assert_eq!(
            (got.name.as_str(), got.rcode, got.response),
            ("pos.test", 3, true)
        );
        assert_eq!(got.addresses, [IpAddr::from([10, 1, 2, 3])]);
        for n in 0..b.len() {
            let _ = parse(&b[..n]);
        }
    }

    #[test]
    fn pointer_loops_end() {
        let mut b = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        b.extend_from_slice(&[0xC0, 12, 0, 1, 0, 1]);
        assert_eq!(parse(&b), None);
    }
}
