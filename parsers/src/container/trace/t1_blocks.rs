//! T=1 blocks of a contact interface as bare hex, one a line, with answers to reset and stray bytes between (ISO/IEC 7816-3, 11).

use super::{Account, Seen, TraceFormat, What, many, numbered};
use crate::hex;

/// The format.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "t1-blocks",
    title: "T=1 blocks in hex: NAD PCB LEN data EDC",
    spec: "ISO/IEC 7816-3, clause 11",
    binary: false,
    fits: |head| {
        let all = numbered(head)
            .take(400)
            .filter(|(_, line, _)| !line.trim_ascii().is_empty())
            .count();
        let blocks = numbered(head)
            .take(400)
            .filter(|(_, line, _)| bytes(line).is_some_and(|b| block(&b).is_some()))
            .count();
        blocks >= 2
            && blocks * 2 > all
            && many(head, 1, |line| {
                bytes(line)
                    .is_some_and(|b| is_reset(&b) || block(&b).is_some_and(|b| b.pcb & 0x80 == 0))
            })
    },
    read,
    sample: "3BF91300008131FE454A434F503234325233A2\n00000500B2010C00BA\n0000026A83EB\n",
};

fn bytes(line: &[u8]) -> Option<Vec<u8>> {
    hex::decode_all(line)
}

fn is_reset(bytes: &[u8]) -> bool {
    matches!(bytes, [0x3B | 0x3F, ..]) && (4..=34).contains(&bytes.len())
}

struct Block<'a> {
    pcb: u8,
    content: &'a [u8],
}

/// A block whose check byte (or code) fits; what stands behind it is stray.
fn block(bytes: &[u8]) -> Option<Block<'_>> {
    let &[nad, pcb, length, ref rest @ ..] = bytes else {
        return None;
    };
    // 255 is no length; source and destination must differ or both be 0.
    if length == 255 || nad & 0x88 != 0 {
        return None;
    }
    let content = rest.get(..usize::from(length))?;
    let check = *rest.get(usize::from(length))?;
    let sum = content
        .iter()
        .fold(nad ^ pcb ^ length, |sum, byte| sum ^ byte);
    (sum == check).then_some(Block { pcb, content })
}

fn read(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut chain: Vec<u8> = Vec::new();
    let mut from_card = false;
    for (place, line, length) in numbered(text) {
        let Some(bytes) = bytes(&line) else {
            continue;
        };
        let mut see = |what| {
            sink(Seen {
                place,
                nanos: None,
                absolute: false,
                lane: 0,
                what,
            });
        };
        if let Some(block) = block(&bytes) {
            account.understood += length;
            account.records += 1;
            // I-blocks carry parts; R- and S-blocks do not.
            if block.pcb & 0x80 == 0 {
                if chain.len() + block.content.len() > 70_000 {
                    chain.clear();
                }
                chain.extend_from_slice(block.content);
                if block.pcb & 0x20 == 0 && !chain.is_empty() {
                    see(What::Apdu {
                        from_card,
                        bytes: core::mem::take(&mut chain),
                        micros: None,
                    });
                    from_card = !from_card;
                }
            }
        } else if is_reset(&bytes) {
            account.understood += length;
            account.records += 1;
            from_card = false;
            chain.clear();
            see(What::Reset(bytes));
        } else if matches!(bytes.as_slice(), [0xFF, ..]) && bytes.len() <= 8 {
            // PPS.
            account.understood += length;
        } else {
            account.damaged += 1;
        }
    }
    account
}
