//! scsniff: bytes on the contact interface in both directions, T=0 with its procedure bytes (ISO/IEC 7816-3, 10.3).

use super::{Account, Seen, TraceFormat, What, many, numbered};
use crate::hex;

/// The format. `CARD<<<` goes to the card.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "scsniff",
    title: "scsniff: time | CARD<<< or CARD>>> | bytes (T=0)",
    spec: "scsniff (ESP-IDF and host tools); ISO/IEC 7816-3, 10.3",
    binary: false,
    fits: |head| many(head, 2, |line| row(line).is_some()),
    read,
    sample: "+0.1s | CARD<<< | 00 B2 01 0C 00\n+0.2s | CARD>>> | 6A 83\n",
};

fn row(line: &[u8]) -> Option<(Option<i64>, bool, Vec<u8>)> {
    let mut cells = line.splitn(3, |b| *b == b'|');
    let time = cells.next()?.trim_ascii();
    let from_card = match cells.next()?.trim_ascii() {
        b"CARD<<<" => false,
        b"CARD>>>" => true,
        _ => return None,
    };
    let bytes = hex::decode_all(cells.next()?)?;
    let seconds = time.strip_prefix(b"+").and_then(|t| t.strip_suffix(b"s"));
    Some((seconds.and_then(super::billionths), from_card, bytes))
}

/// One command under way.
#[derive(Default)]
struct Exchange {
    place: u32,
    nanos: Option<i64>,
    header: Vec<u8>,
    /// Data that went to the card.
    sent: Vec<u8>,
    received: Vec<u8>,
    /// The card asked for data, or announced its own.
    acknowledged: bool,
    status: Vec<u8>,
}

impl Exchange {
    fn card_byte(&mut self, byte: u8) {
        let ins = self.header.get(1).copied().unwrap_or(0);
        let wanted = self
            .header
            .get(4)
            .map_or(0, |n| if *n == 0 { 256 } else { usize::from(*n) });
        if !self.status.is_empty() {
            self.status.push(byte);
        } else if self.acknowledged && self.sent.is_empty() && self.received.len() < wanted {
            self.received.push(byte);
        } else if byte == 0x60 {
            // Wait.
        } else if byte == ins || byte == !ins || byte == ins ^ 1 {
            self.acknowledged = true;
        } else if matches!(byte >> 4, 6 | 9) {
            self.status.push(byte);
        }
    }
}

fn read(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut open = Exchange::default();
    let mut reset: Vec<u8> = Vec::new();
    for (place, line, length) in numbered(text) {
        let Some((nanos, from_card, bytes)) = row(&line) else {
            continue;
        };
        account.understood += length;
        let mut see = |place, nanos, what| {
            account.records += 1;
            sink(Seen {
                place,
                nanos,
                absolute: false,
                lane: 0,
                what,
            });
        };
        if !from_card {
            if !reset.is_empty() {
                see(place, nanos, What::Reset(core::mem::take(&mut reset)));
            }
            if open.acknowledged && !open.header.is_empty() && open.status.is_empty() {
                open.sent.extend(bytes);
            } else if bytes.len() >= 5 && bytes.first() != Some(&0xFF) {
                let (header, data) = bytes.split_at_checked(5).unwrap_or((&bytes, &[]));
                open = Exchange {
                    place,
                    nanos,
                    header: header.to_vec(),
                    sent: data.to_vec(),
                    ..Exchange::default()
                };
            }
            continue;
        }
        if open.header.is_empty() {
            // Before any command: the answer to reset.
            reset.extend(bytes);
            continue;
        }
        for byte in bytes {
            open.card_byte(byte);
            if open.status.len() < 2 {
                continue;
            }
            let done = core::mem::take(&mut open);
            let mut command = done.header;
            command.extend(done.sent);
            let mut answer = done.received;
            answer.extend(done.status);
            see(
                done.place,
                done.nanos,
                What::Apdu {
                    from_card: false,
                    bytes: command,
                    micros: None,
                },
            );
            see(
                place,
                nanos,
                What::Apdu {
                    from_card: true,
                    bytes: answer,
                    micros: None,
                },
            );
        }
    }
    account
}
