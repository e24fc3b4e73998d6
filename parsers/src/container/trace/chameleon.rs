//! ChameleonMini's live log: frames that it received from a reader, sent as a card, or sniffed.

use super::{Account, Seen, TraceFormat, What, many, numbered};
use crate::hex;

/// The format.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "chameleon",
    title: "ChameleonMini log: CODEC RX/TX and SNI frames",
    spec: "ChameleonMini Software/Chameleon/Log.py",
    binary: false,
    fits: |head| many(head, 2, |line| frame(line).is_some()),
    read,
    sample: "  100 ms <    +1 ms>:CODEC RX         (1   bytes) [26]\n  101 ms <    +1 ms>:CODEC TX         (2   bytes) [0400]\n",
};

fn frame(line: &[u8]) -> Option<(i64, bool, bool, Vec<u8>)> {
    let at = memchr::memmem::find(line, b" ms <")?;
    let millis = core::str::from_utf8(line.get(..at)?.trim_ascii())
        .ok()?
        .parse::<i64>()
        .ok()?;
    let colon = memchr::memmem::find(line, b">:")?;
    let rest = line.get(colon + 2..)?;
    let open = memchr::memrchr(b'[', rest)?;
    let name = rest.get(..open)?;
    let has = |word: &[u8]| memchr::memmem::find(name, word).is_some();
    // It plays the card: what it receives comes from the reader.
    let from_card = if has(b"CODEC RX") || has(b"READER") {
        false
    } else if has(b"CODEC TX") || has(b"CARD") {
        true
    } else {
        return None;
    };
    let bytes = hex::decode_all(rest.get(open + 1..)?.trim_ascii_end().strip_suffix(b"]")?)?;
    Some((millis, from_card, has(b"PARITY"), bytes))
}

fn read(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    for (place, line, length) in numbered(text) {
        let Some((millis, from_card, _, bytes)) = frame(&line) else {
            continue;
        };
        account.understood += length;
        account.records += 1;
        sink(Seen {
            place,
            nanos: Some(millis.saturating_mul(1_000_000)),
            absolute: false,
            lane: 0,
            what: What::Radio {
                from_card,
                bytes,
                code_kept: true,
                parity_error: false,
            },
        });
    }
    account
}
