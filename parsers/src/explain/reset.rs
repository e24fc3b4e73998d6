//! Explains what a card says when it is powered or activated: ATR (ISO/IEC 7816-3, 8) and ATS (ISO/IEC 14443-4, 5.2).

use super::{Node, Work};
use crate::damage::Damage;

#[allow(clippy::unnecessary_wraps, reason = "every caller needs an option")]
fn short(code: &'static str, offset: usize, expected: &'static str) -> Option<Damage> {
    Some(Damage {
        code,
        offset,
        expected,
    })
}

/// True where the bytes are an ATR from the first byte to the last, with a right check byte where one is due.
pub(super) fn is_atr(bytes: &[u8]) -> bool {
    matches!(bytes, [0x3B | 0x3F, _, ..]) && parts(bytes).1.is_none()
}

/// True where the bytes are an ATS: their own length in front, and a format byte that the rest agrees with.
pub(super) fn is_ats(bytes: &[u8]) -> bool {
    match bytes {
        [length, t0, ..] => {
            usize::from(*length) == bytes.len()
                && t0 & 0x80 == 0
                && t0 & 0xF <= 8
                && bytes.len() >= 2 + (t0 & 0x70).count_ones() as usize
        }
        _ => false,
    }
}

/// Interface bytes by name with their offsets, historical bytes, check byte.
type Parts = Vec<(String, usize, usize)>;

fn parts(bytes: &[u8]) -> (Parts, Option<Damage>) {
    let mut parts: Parts = vec![("TS".to_owned(), 0, 1)];
    let Some(&t0) = bytes.get(1) else {
        return (parts, short("atr_short", 1, "the format byte T0"));
    };
    parts.push(("T0".to_owned(), 1, 1));
    let historical = usize::from(t0 & 0xF);
    let mut at = 2;
    let mut follow = t0 >> 4;
    let mut check = false;
    // TA, TB, TC, TD of each group; TD says which of the next one are there.
    for group in 1..=8 {
        let mut next = None;
        for (bit, letter) in ["TA", "TB", "TC", "TD"].into_iter().enumerate() {
            if follow >> bit & 1 == 0 {
                continue;
            }
            let Some(&byte) = bytes.get(at) else {
                return (
                    parts,
                    short(
                        "atr_short",
                        at,
                        "the interface bytes that T0 and TD announce",
                    ),
                );
            };
            parts.push((format!("{letter}{group}"), at, 1));
            if letter == "TD" {
                next = Some(byte >> 4);
                check |= byte & 0xF != 0;
            }
            at += 1;
        }
        match next {
            Some(bits) => follow = bits,
            None => break,
        }
    }
    let end = at + historical;
    if bytes.len() < end + usize::from(check) {
        return (
            parts,
            short("atr_short", at, "the historical bytes and the check byte"),
        );
    }
    if historical > 0 {
        parts.push(("Historical bytes".to_owned(), at, historical));
    }
    at = end;
    if check {
        parts.push(("TCK".to_owned(), at, 1));
        at += 1;
        if bytes.iter().skip(1).take(at - 1).fold(0, |x, b| x ^ b) != 0 {
            return (
                parts,
                short(
                    "atr_check",
                    at - 1,
                    "a check byte that makes the sum of bytes after TS zero",
                ),
            );
        }
    }
    let long = bytes.len() > at;
    (
        parts,
        if long {
            short("atr_long", at, "the end of the ATR")
        } else {
            None
        },
    )
}

/// The whole input as an ATR.
pub(super) fn atr(work: &Work<'_>) -> Node {
    let (parts, fault) = parts(work.bytes);
    let mut protocols: Vec<u8> = Vec::new();
    let children: Vec<Node> = parts
        .into_iter()
        .map(|(name, at, length)| {
            let byte = work.bytes.get(at).copied().unwrap_or(0);
            let node = Node::new(name.clone(), name.replace("Historical bytes", "历史字节"))
                .at(at, length);
            match name.get(..2) {
                Some("TS") if byte == 0x3B => node.says("direct convention", "正向约定"),
                Some("TS") if byte == 0x3F => node.says("inverse convention", "反向约定"),
                Some("TD") => {
                    protocols.push(byte & 0xF);
                    node.says(format!("T={}", byte & 0xF), format!("T={}", byte & 0xF))
                }
                _ => node,
            }
        })
        .collect();
    protocols.dedup();
    let list = if protocols.is_empty() {
        "T=0".to_owned()
    } else {
        protocols
            .iter()
            .map(|p| format!("T={p}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    Node::new("Answer to reset", "复位应答")
        .says(list.clone(), list)
        .with(children)
        .faulty(fault)
}

/// Largest frame by its code (ISO/IEC 14443-4, table 1).
fn frame_size(code: u8) -> u16 {
    match code {
        0 => 16,
        1 => 24,
        2 => 32,
        3 => 40,
        4 => 48,
        5 => 64,
        6 => 96,
        7 => 128,
        _ => 256,
    }
}

/// The whole input as an ATS.
pub(super) fn ats(work: &Work<'_>) -> Node {
    let bytes = work.bytes;
    let root = Node::new("Answer to select", "选择应答(ATS)");
    let Some(&length) = bytes.first() else {
        return root.faulty(short("ats_short", 0, "the length byte TL"));
    };
    let mut children = vec![
        Node::new("TL", "TL")
            .at(0, 1)
            .says(format!("{length} bytes"), format!("{length}字节")),
    ];
    let mut fault = (usize::from(length) != bytes.len())
        .then(|| short("ats_length", 0, "as many bytes as TL says"))
        .flatten();
    let mut at = 1;
    if let Some(&t0) = bytes.get(1) {
        let size = frame_size(t0 & 0xF);
        children.push(Node::new("T0", "T0").at(1, 1).says(
            format!("frames of at most {size} bytes to the card"),
            format!("发往卡片的帧最大{size}字节"),
        ));
        at = 2;
        for (bit, name) in [(0x10, "TA"), (0x20, "TB"), (0x40, "TC")] {
            if t0 & bit == 0 {
                continue;
            }
            let Some(&byte) = bytes.get(at) else {
                fault = fault.or(short(
                    "ats_short",
                    at,
                    "the interface bytes that T0 announces",
                ));
                break;
            };
            let node = Node::new(name, name).at(at, 1);
            children.push(match name {
                "TA" => node.says(rates(byte, false), rates(byte, true)),
                "TB" => {
                    // FWT = 256 x 16 / 13.56 MHz x 2^FWI; SFGT likewise.
                    let time = |exponent: u8| {
                        format!("{:.1} ms", 0.302_f64 * f64::from(1u32 << exponent.min(14)))
                    };
                    let (fwt, sfgt) = (time(byte >> 4), time(byte & 0xF));
                    node.says(
                        format!("the card answers within {fwt}; start-up guard time {sfgt}"),
                        format!("卡片在{fwt}内应答; 启动保护时间{sfgt}"),
                    )
                }
                _ => {
                    let yes = |bit: u8| if byte & bit != 0 { "yes" } else { "no" };
                    let yes_zh = |bit: u8| if byte & bit != 0 { "是" } else { "否" };
                    node.says(
                        format!("CID supported: {}, NAD supported: {}", yes(2), yes(1)),
                        format!("支持CID: {}, 支持NAD: {}", yes_zh(2), yes_zh(1)),
                    )
                }
            });
            at += 1;
        }
    }
    if at < bytes.len() {
        children.push(Node::new("Historical bytes", "历史字节").at(at, bytes.len() - at));
    }
    root.with(children).faulty(fault)
}

/// Bit rates of TA beyond 106 kbit/s.
fn rates(byte: u8, zh: bool) -> String {
    let list = |bits: u8| {
        let more: Vec<&str> = [(1, "212"), (2, "424"), (4, "848")]
            .into_iter()
            .filter(|(bit, _)| bits & bit != 0)
            .map(|(_, rate)| rate)
            .collect();
        if more.is_empty() {
            "106".to_owned()
        } else {
            format!("106, {}", more.join(", "))
        }
    };
    let (from, to) = (list(byte >> 4 & 7), list(byte & 7));
    if zh {
        format!("卡到终端{from} kbit/s, 终端到卡{to} kbit/s")
    } else {
        format!("card to reader {from} kbit/s, reader to card {to} kbit/s")
    }
}
