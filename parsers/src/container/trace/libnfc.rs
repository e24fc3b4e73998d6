//! libnfc's debug output: what went to and came from a PN53x, with CCID, PC/SC and PN53x dress taken off.
//!
//! On a serial line each read is a line of its own: confirmation, head, command code, data and checksum of one frame stand apart.

use super::{Account, Seen, TraceFormat, What, many, numbered};
use crate::hex;

/// The format.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "libnfc",
    title: "libnfc debug output: TX/RX of PN53x chips, bare or over CCID",
    spec: "libnfc libnfc/log.c; NXP UM0701-02 (PN532 user manual)",
    binary: false,
    fits: |head| many(head, 2, |line| traffic(line).is_some()),
    read,
    sample: "debug\tlibnfc.bus.uart\tTX: 00 00 ff 08 f8 d4 40 01 00 b2 01 0c 00 2c 00\ndebug\tlibnfc.bus.uart\tRX: 00 00 ff 00 ff 00\ndebug\tlibnfc.bus.uart\tRX: 00 00 ff 05 fb\ndebug\tlibnfc.bus.uart\tRX: d5 41\ndebug\tlibnfc.bus.uart\tRX: 00 6a 83\ndebug\tlibnfc.bus.uart\tRX: fd 00\n",
};

/// Direction and hex of a line of the driver or the bus.
fn traffic(line: &[u8]) -> Option<(bool, &[u8])> {
    // Before 1.6: `TX: 00  00  ff …` alone on its line.
    let bare = line.trim_ascii_start();
    for (mark, from_card) in [(&b"TX: "[..], false), (b"RX: ", true)] {
        if let Some(rest) = bare.strip_prefix(mark)
            && (has_start(rest) || from_card && is_inside(rest))
        {
            return Some((from_card, rest));
        }
    }
    let at = memchr::memmem::find(line, b"libnfc.").filter(|at| *at <= 64)?;
    let rest = line.get(at..)?;
    for (mark, from_card) in [(&b"TX: "[..], false), (b"RX: ", true)] {
        if let Some(found) = memchr::memmem::find(rest, mark) {
            return Some((from_card, rest.get(found + mark.len()..)?));
        }
    }
    None
}

/// A frame of a PN53x, or a pseudo-command of a reader around one.
fn has_start(text: &[u8]) -> bool {
    let mut bytes = Vec::new();
    hex::decode_run(text.trim_ascii_start(), 0, 8, &mut bytes);
    matches!(
        bytes.as_slice(),
        [0x00, 0x00, 0xFF, ..] | [0xFF, 0x00, 0x00, 0x00, _, 0xD4, ..]
    )
}

/// The answer of a PN53x without its frame.
fn is_inside(text: &[u8]) -> bool {
    let mut bytes = Vec::new();
    hex::decode_run(text.trim_ascii_start(), 0, 4, &mut bytes);
    matches!(bytes.as_slice(), [0xD5, code, ..] if code % 2 == 1)
}

/// How many bytes a frame that begins so has; `None` where none begins.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0x00, 0x00, 0xFF, 0xFF, 0xFF] => Some(8),
        [0x00, 0x00, 0xFF, 0xFF, 0xFF, high, low, ..] => {
            Some(8 + (usize::from(*high) << 8 | usize::from(*low)) + 2)
        }
        [0x00, 0x00, 0xFF, length, check, ..] if length.wrapping_add(*check) == 0 => {
            Some(5 + usize::from(*length) + 2)
        }
        _ => None,
    }
}

/// PN53x status that is no success (UM0701-02, table 15): name, and whether the card is gone.
fn error(status: u8) -> (&'static str, bool) {
    match status & 0x3F {
        0x01 => ("pn53x_timeout", true),
        0x02 => ("pn53x_crc", false),
        0x03 => ("pn53x_parity", false),
        0x04 => ("pn53x_bit_count", false),
        0x05 => ("pn53x_framing", false),
        0x06 => ("pn53x_collision", false),
        0x0A => ("pn53x_rf_field", false),
        0x0B => ("pn53x_rf_protocol", false),
        0x13 => ("pn53x_dep_protocol", false),
        0x27 => ("pn53x_target_gone", true),
        0x29 => ("pn53x_target_released", true),
        0x2B => ("pn53x_card_disappeared", true),
        _ => ("pn53x_error", false),
    }
}

/// The chip confirms a command.
const ACK: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];

/// Takes off a CCID header and a PC/SC pseudo-command.
fn inside(bytes: &[u8]) -> &[u8] {
    let bytes = match bytes {
        [0x6F | 0x80, l0, l1, 0, 0, _, _, _, _, _, rest @ ..]
            if usize::from(u16::from_le_bytes([*l0, *l1])) == rest.len() =>
        {
            rest
        }
        _ => bytes,
    };
    let bytes = match bytes {
        [0xFF, 0x00, 0x00, 0x00, length, rest @ ..] if usize::from(*length) <= rest.len() => {
            rest.get(..usize::from(*length)).unwrap_or(rest)
        }
        [0xD5, _, .., 0x90, 0x00] => bytes.split_last_chunk::<2>().map_or(bytes, |(b, _)| b),
        _ => bytes,
    };
    // The chip's confirmation stands in front of its answer where both were read at once.
    let bytes = bytes.strip_prefix(&ACK).unwrap_or(bytes);
    // PN53x frames: preamble, start code, length and its complement; data; checksum and postamble.
    match bytes {
        [0x00, 0x00, 0xFF, 0xFF, 0xFF, high, low, _, rest @ ..] => {
            let length = usize::from(*high) << 8 | usize::from(*low);
            rest.get(..length).unwrap_or(rest)
        }
        [0x00, 0x00, 0xFF, length, check, rest @ ..] if length.wrapping_add(*check) == 0 => {
            rest.get(..usize::from(*length)).unwrap_or(rest)
        }
        _ => bytes,
    }
}

/// What a PN53x command or answer carries for the card.
fn carried(from_card: bool, bytes: &[u8]) -> Option<What> {
    match (from_card, inside(bytes)) {
        // InDataExchange: target number, then the APDU.
        (false, [0xD4, 0x40, _, apdu @ ..]) if apdu.len() >= 4 => Some(What::Apdu {
            from_card: false,
            bytes: apdu.to_vec(),
            micros: None,
        }),
        (true, [0xD5, 0x41, status, apdu @ ..]) if status & 0x3F == 0 => {
            (apdu.len() >= 2).then(|| What::Apdu {
                from_card: true,
                bytes: apdu.to_vec(),
                micros: None,
            })
        }
        (true, [0xD5, 0x41, status, ..]) => {
            let (why, gone) = error(*status);
            Some(What::Failed { why, gone })
        }
        // InCommunicateThru, bare: status and frames of the block protocol without their code.
        (false, [0xD4, 0x42, frame @ ..]) if !frame.is_empty() => Some(What::Radio {
            from_card: false,
            bytes: frame.to_vec(),
            code_kept: false,
            parity_error: false,
        }),
        (true, [0xD5, 0x43, status, frame @ ..]) if status & 0x3F == 0 && !frame.is_empty() => {
            Some(What::Radio {
                from_card: true,
                bytes: frame.to_vec(),
                code_kept: false,
                parity_error: false,
            })
        }
        (true, [0xD5, 0x43, status, ..]) if status & 0x3F != 0 => {
            let (why, gone) = error(*status);
            Some(What::Failed { why, gone })
        }
        // InListPassiveTarget found a target: count and number; of type A ATQA, SAK, identifier.
        (
            true,
            [
                0xD5,
                0x4B,
                1 | 2,
                1,
                _,
                _,
                sak,
                length @ (4 | 7 | 10),
                rest @ ..,
            ],
        ) => {
            let uid = rest.get(..usize::from(*length))?.to_vec();
            Some(What::Target {
                uid,
                sak: Some(*sak),
            })
        }
        _ => None,
    }
}

fn read(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut open: Option<(u32, bool, Vec<u8>)> = None;
    let mut last: Vec<u8> = Vec::new();
    let mut flush = |open: &mut Option<(u32, bool, Vec<u8>)>, account: &mut Account| {
        let Some((place, from_card, bytes)) = open.take() else {
            return;
        };
        // Old versions print an answer as it came, and once more without the confirmation.
        let again = from_card && last.strip_prefix(&ACK) == Some(&bytes);
        last.clone_from(&bytes);
        if !again && let Some(what) = carried(from_card, &bytes) {
            account.records += 1;
            sink(Seen {
                place,
                nanos: None,
                absolute: false,
                lane: 0,
                what,
            });
        }
    };
    for (place, line, length) in numbered(text) {
        if let Some((from_card, text)) = traffic(&line) {
            let mut bytes = Vec::new();
            hex::decode_run(text.trim_ascii_start(), 0, 70_000, &mut bytes);
            account.understood += length;
            // The rest of a frame whose head was read before.
            if from_card
                && let Some((_, true, begun)) = &mut open
                && frame_length(begun).is_some_and(|length| begun.len() < length)
            {
                begun.extend(bytes);
                continue;
            }
            flush(&mut open, &mut account);
            open = Some((place, from_card, bytes));
        } else if let Some(more) = hex::decode_all(&line)
            && let Some((_, _, bytes)) = &mut open
            && bytes.len() < 70_000
        {
            // A long frame goes on on the next line.
            bytes.extend(more);
            account.understood += length;
        } else if !matches!(&open, Some((_, true, begun)) if frame_length(begun).is_some_and(|length| begun.len() < length))
        {
            flush(&mut open, &mut account);
        }
    }
    flush(&mut open, &mut account);
    account
}
