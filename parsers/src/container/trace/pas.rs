//! A terminal's log that is itself a hex dump of text, in which `T:` precedes what the terminal sent and `C:` what the card said.

use super::{Account, Seen, TraceFormat, What, numbered};
use crate::hex;

/// The format.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "pas-hex",
    title: "hex dump of text with T: (terminal) and C: (card) before hex APDUs, as SUNMI PAS logs",
    spec: "seen in the field (SUNMI PAS logs)",
    binary: false,
    fits: |head| {
        let (text, _, cut) = inner(head, true);
        let marks = |mark: &[u8]| memchr::memmem::find(&text, mark).is_some();
        text.len() >= 16 && !cut && marks(b"T:") && marks(b"C:") && text.iter().all(printable)
    },
    read,
    sample: "54 3A 30 30 42 32 30 31 30 43 30 30 0A 43 3A 36 41 38 33 0A\n",
};

fn printable(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t')
}

/// The text within, the line of the dump that each of its bytes stands on, and whether something else stands there too.
fn inner(dump: &[u8], head_only: bool) -> (Vec<u8>, Vec<u32>, bool) {
    let mut text = Vec::new();
    let mut places = Vec::new();
    let mut other = false;
    for (place, line, _) in numbered(dump) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        // The last line of a sample may be cut.
        if head_only && text.len() > 4096 {
            break;
        }
        match hex::decode_all(&line) {
            Some(bytes) => {
                places.resize(places.len() + bytes.len(), place);
                text.extend(bytes);
            }
            None => other = true,
        }
    }
    (text, places, other)
}

fn read(dump: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account {
        understood: dump.len(),
        ..Account::default()
    };
    let (text, places, _) = inner(dump, false);
    let mut at = 0;
    while let Some(colon) = text
        .get(at..)
        .and_then(|rest| memchr::memchr(b':', rest))
        .map(|n| n + at)
    {
        at = colon + 1;
        let mark = colon.checked_sub(1).and_then(|n| text.get(n));
        let from_card = match mark {
            Some(b'T' | b't') => false,
            Some(b'C' | b'c') => true,
            _ => continue,
        };
        let start = at
            + text
                .get(at..)
                .map_or(0, |rest| rest.iter().take_while(|b| **b == b' ').count());
        let mut bytes = Vec::new();
        at = hex::decode_run(&text, start, 70_000, &mut bytes).max(at);
        if bytes.len() < 2 {
            continue;
        }
        account.records += 1;
        sink(Seen {
            place: places.get(colon).copied().unwrap_or(1),
            nanos: None,
            absolute: false,
            lane: 0,
            what: What::Apdu {
                from_card,
                bytes,
                micros: None,
            },
        });
    }
    account
}
