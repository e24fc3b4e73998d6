//! ChameleonMini's log as its tools print it: frames that it received from a reader, sent as a card, or sniffed.

use super::{Account, Seen, TraceFormat, What, many, numbered};
use crate::hex;

/// The format.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "chameleon",
    title: "ChameleonMini log: CODEC RX/TX and SNI frames",
    spec: "ChameleonMini Software/Chameleon/Log.py, chamlog.py",
    binary: false,
    fits: |head| many(head, 2, |line| frame(line).is_some()),
    read,
    sample: "RDR 00100 ms <    +1 ms>:CODEC RX                     [26]   \nTAG 00101 ms <    +1 ms>:CODEC TX                     [04 00]   \n",
};

/// What a line tells.
enum Event {
    Frame {
        from_card: bool,
        bytes: Vec<u8>,
        parity_error: bool,
    },
    /// The field of a reader came up.
    Field,
    /// Settings, states and commands of the card that it plays.
    Other,
}

/// Milliseconds since the line before, and the event: `RDR 00100 ms <    +1 ms>:CODEC RX  [26]  note`.
fn frame(line: &[u8]) -> Option<(i64, Event)> {
    let at = memchr::memmem::find(line, b" ms <")?;
    let stamp = line.get(..at)?.trim_ascii();
    let digits = stamp.rsplit(|b| *b == b' ').next()?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let rest = line.get(at + 5..)?;
    let end = memchr::memmem::find(rest, b" ms>:")?;
    let delta = core::str::from_utf8(rest.get(..end)?.trim_ascii()).ok()?;
    let millis = delta
        .strip_prefix('+')
        .unwrap_or(delta)
        .parse::<i64>()
        .ok()?;
    let rest = rest.get(end + 5..)?;
    let open = memchr::memchr(b'[', rest)?;
    let name = rest.get(..open)?.trim_ascii();
    // Older versions put the number of bytes in between: `CODEC RX   (1   bytes) [26]`.
    let name = match memchr::memchr(b'(', name) {
        Some(at) => name.get(..at)?.trim_ascii(),
        None => name,
    };
    let close = memchr::memchr(b']', rest.get(open..)?)? + open;
    let data = rest.get(open + 1..close)?.trim_ascii();
    let (data, broken) = match data.strip_suffix(b"!") {
        Some(data) => (data, true),
        None => (data, false),
    };
    if name.ends_with(b"FIELD DETECTED") {
        return Some((millis, Event::Field));
    }
    // It plays the card: what it receives comes from the reader. Where it sniffs, the name says whose frame it is.
    let Some(rest) = name.strip_prefix(b"CODEC ") else {
        return Some((millis, Event::Other));
    };
    let has = |word: &[u8]| memchr::memmem::find(rest, word).is_some();
    let sniffed = has(b"SNI");
    let from_card = if sniffed {
        has(b"CARD")
    } else {
        rest.starts_with(b"TX")
    };
    let bytes = hex::decode_all(data)?;
    // Sniffed frames are printed without their parity bits, others with them in between.
    let (bytes, wrong) = if has(b"PARITY") && !sniffed {
        without_parity(&bytes)
    } else {
        (bytes, false)
    };
    Some((
        millis,
        Event::Frame {
            from_card,
            bytes,
            parity_error: broken || wrong,
        },
    ))
}

/// Nine bits a byte, the lowest first, the ninth for odd parity; true where one is wrong. A short frame has none.
fn without_parity(bytes: &[u8]) -> (Vec<u8>, bool) {
    if bytes.len() < 2 {
        return (bytes.to_vec(), false);
    }
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (at % 8) & 1);
    let mut wrong = false;
    let plain = (0..bytes.len() * 8 / 9)
        .map(|group| {
            let byte = (0..8).fold(0_u8, |byte, n| byte | bit(group * 9 + n) << n);
            wrong |= byte.count_ones() % 2 == u32::from(bit(group * 9 + 8));
            byte
        })
        .collect();
    (plain, wrong)
}

fn read(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    // The device's own counter has 16 bits; the differences go on.
    let mut millis = 0_i64;
    for (place, line, length) in numbered(text) {
        let Some((delta, event)) = frame(&line) else {
            continue;
        };
        millis = millis.saturating_add(delta);
        account.understood += length;
        let what = match event {
            Event::Frame {
                from_card,
                bytes,
                parity_error,
            } => What::Radio {
                from_card,
                bytes,
                code_kept: true,
                parity_error,
            },
            Event::Field => What::Field(true),
            Event::Other => continue,
        };
        account.records += 1;
        sink(Seen {
            place,
            nanos: Some(millis.saturating_mul(1_000_000)),
            absolute: false,
            lane: 0,
            what,
        });
    }
    account
}
