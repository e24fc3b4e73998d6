//! pcsc-spy: every call to the PC/SC library with what went in and out.

use super::{Account, Seen, TraceFormat, What, many, numbered};
use crate::hex;

/// The format.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "pcsc-spy",
    title: "pcsc-spy: SCard calls with arguments, buffers and results",
    spec: "PCSC src/libpcscspy.c, src/spy/pcsc-spy.py",
    binary: false,
    fits: |head| {
        many(head, 1, |line| call(line).is_some())
            && many(head, 2, |line| {
                line.starts_with(b" i ") || line.starts_with(b" o ") || line.starts_with(b" => ")
            })
    },
    read,
    sample: "SCardTransmit\n i hCard: 0x00000001\n i bSendLength 0x00000005 (5)\n i bSendBuffer\n i  0000 00 B2 01 0C 00 .....\n o bRecvLength 0x00000002 (2)\n o bRecvBuffer\n o  0000 6A 83 j.\n => Command successful. (SCARD_S_SUCCESS [0x00000000])  [0.010000]\n",
};

/// The name of the call that a line begins; a thread's number or blanks may stand before it.
fn call(line: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(line, b"SCard").filter(|at| *at <= 24)?;
    let name = line.get(at..)?.trim_ascii_end();
    let before = line.get(..at)?;
    (name.iter().all(u8::is_ascii_alphanumeric)
        && before
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'[' | b']' | b':' | b'\t')))
    .then_some(name)
}

#[derive(Default)]
struct Call {
    transmits: bool,
    card: u64,
    place: u32,
    sent: Vec<u8>,
    received: Vec<u8>,
    received_place: u32,
    lengths: [usize; 2],
    filling: Option<usize>,
}

fn hexadecimal(text: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(text, b"0x")?;
    let digits = text.get(at + 2..)?;
    let count = digits
        .iter()
        .take(16)
        .take_while(|b| hex::nibble(**b).is_some())
        .count();
    (count > 0).then(|| {
        digits.iter().take(count).fold(0, |sum, d| {
            sum << 4 | u64::from(hex::nibble(*d).unwrap_or(0))
        })
    })
}

/// `0010 46 30 31 00    F01.`: at most 16 bytes, then characters.
fn dump(text: &[u8]) -> Option<Vec<u8>> {
    let (offset, bytes) = hex::dump_line(text, 16)?;
    offset.is_some().then_some(bytes)
}

/// What a result means for the card.
fn failure(text: &[u8]) -> Option<(&'static str, bool)> {
    [
        ("SCARD_W_REMOVED_CARD", true),
        ("SCARD_E_NO_SMARTCARD", true),
        ("SCARD_W_UNRESPONSIVE_CARD", false),
        ("SCARD_W_UNPOWERED_CARD", true),
        ("SCARD_W_RESET_CARD", true),
        ("SCARD_E_READER_UNAVAILABLE", false),
        ("SCARD_E_COMM_DATA_LOST", false),
        ("SCARD_E_NOT_TRANSACTED", false),
        ("SCARD_E_TIMEOUT", false),
        ("SCARD_F_COMM_ERROR", false),
    ]
    .into_iter()
    .find(|(name, _)| memchr::memmem::find(text, name.as_bytes()).is_some())
}

/// `[0.059840]` at the end, in microseconds.
fn duration(line: &[u8]) -> Option<u32> {
    let open = memchr::memrchr(b'[', line)?;
    let text = line.get(open + 1..)?.strip_suffix(b"]")?;
    u32::try_from(super::billionths(text)? / 1000).ok()
}

fn read(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut open = Call::default();
    for (place, line, length) in numbered(text) {
        if let Some(name) = call(&line) {
            open = Call {
                transmits: name == b"SCardTransmit",
                place,
                ..Call::default()
            };
            account.understood += length;
            continue;
        }
        let rest = line.trim_ascii();
        let (side, body) = match rest {
            [b'i', b' ', body @ ..] => (0, body.trim_ascii_start()),
            [b'o', b' ', body @ ..] => (1, body.trim_ascii_start()),
            [b'=', b'>', ..] => {
                account.understood += length;
                result(&mut open, rest, place, sink, &mut account);
                continue;
            }
            _ => continue,
        };
        account.understood += length;
        if body.starts_with(b"hCard") {
            open.card = hexadecimal(body).unwrap_or(0);
        } else if body.starts_with(b"bSendLength") {
            open.lengths[0] = usize::try_from(hexadecimal(body).unwrap_or(0)).unwrap_or(0);
        } else if body.starts_with(b"bRecvLength") {
            open.lengths[1] = usize::try_from(hexadecimal(body).unwrap_or(0)).unwrap_or(0);
        } else if body.starts_with(b"bSendBuffer") {
            open.filling = Some(0);
        } else if body.starts_with(b"bRecvBuffer") {
            open.filling = Some(1);
            open.received_place = place;
        } else if open.filling == Some(side)
            && let Some(bytes) = dump(body)
        {
            let want = open.lengths.get(side).copied().unwrap_or(0);
            let into = if side == 0 {
                &mut open.sent
            } else {
                &mut open.received
            };
            // The announced length says where the characters begin.
            let room = want.saturating_sub(into.len());
            into.extend(bytes.into_iter().take(room));
        }
    }
    account
}

fn result(
    open: &mut Call,
    line: &[u8],
    place: u32,
    sink: &mut dyn FnMut(Seen),
    account: &mut Account,
) {
    let done = core::mem::take(open);
    let seen = |place, what| Seen {
        place,
        nanos: None,
        absolute: false,
        lane: done.card,
        what,
    };
    if !done.transmits || done.sent.is_empty() {
        return;
    }
    account.records += 1;
    sink(seen(
        done.place,
        What::Apdu {
            from_card: false,
            bytes: done.sent,
            micros: None,
        },
    ));
    if let Some((why, gone)) = failure(line) {
        sink(seen(place, What::Failed { why, gone }));
    } else if !done.received.is_empty() {
        sink(seen(
            done.received_place,
            What::Apdu {
                from_card: true,
                bytes: done.received,
                micros: duration(line),
            },
        ));
    }
}
