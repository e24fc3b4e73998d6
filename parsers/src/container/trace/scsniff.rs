//! scsniff: bytes on the contact interface in both directions: T=0 with its procedure bytes (ISO/IEC 7816-3, 10.3), T=1 with its
//! blocks (clause 11). `CARD<?>` are data whose direction the sniffer does not know.

use super::{Account, Seen, TraceFormat, What, many, numbered};
use crate::hex;

/// The format. `CARD<<<` goes to the card.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "scsniff",
    title: "scsniff: time | CARD<<< or CARD>>> | bytes (T=0, T=1)",
    spec: "scsniff (ESP-IDF and host tools); ISO/IEC 7816-3, 10.3",
    binary: false,
    fits: |head| many(head, 2, |line| row(line).is_some()),
    read,
    sample: "+0.1s | CARD<<< | 00 B2 01 0C 00\n+0.2s | CARD>>> | 6A 83\n",
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Reader,
    Card,
    Unknown,
}

fn row(line: &[u8]) -> Option<(Option<i64>, Side, Vec<u8>)> {
    let mut cells = line.splitn(3, |b| *b == b'|');
    let time = cells.next()?.trim_ascii();
    let side = match cells.next()?.trim_ascii() {
        b"CARD<<<" => Side::Reader,
        b"CARD>>>" => Side::Card,
        b"CARD<?>" => Side::Unknown,
        _ => return None,
    };
    let bytes = hex::decode_all(cells.next()?)?;
    let seconds = time.strip_prefix(b"+").and_then(|t| t.strip_suffix(b"s"));
    Some((seconds.and_then(super::billionths), side, bytes))
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

/// True where an answer to reset offers T=1 first: the lower half of TD1 (ISO/IEC 7816-3, 8.2.3).
fn offers_t1(reset: &[u8]) -> bool {
    let [0x3B | 0x3F, t0, rest @ ..] = reset else {
        return false;
    };
    let before = (t0 >> 4 & 0x7).count_ones() as usize;
    t0 & 0x80 != 0 && rest.get(before).is_some_and(|td1| td1 & 0x0F == 1)
}

/// The content of an I-block, and whether more follows; `None` for what is none.
fn block(bytes: &[u8]) -> Option<(&[u8], bool)> {
    let [nad, pcb, length, rest @ ..] = bytes else {
        return None;
    };
    let content = rest.get(..usize::from(*length))?;
    let check = rest.get(usize::from(*length)..)?;
    let whole = matches!(check.len(), 1 | 2) && nad & 0x88 == 0;
    (whole && pcb & 0x80 == 0).then_some((content, pcb & 0x20 != 0))
}

/// Commands whose data go to the card, so that bytes of unknown direction behind them are theirs.
fn sends_data(header: &[u8]) -> bool {
    matches!(
        header.get(1),
        Some(
            0x20 | 0x82
                | 0x88
                | 0xA4
                | 0xA8
                | 0xAE
                | 0xD0
                | 0xD6
                | 0xDA
                | 0xDC
                | 0xE2
                | 0xEA
                | 0x24
                | 0x2A
        )
    )
}

fn read(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut open = Exchange::default();
    let mut blocks = false;
    // Parts from the reader, and from the card.
    let mut chains: (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
    let mut reset: Vec<u8> = Vec::new();
    for (place, line, length) in numbered(text) {
        let Some((nanos, side, bytes)) = row(&line) else {
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
        // A new answer to reset: the sniffer starts anew with each.
        let restarts = side == Side::Card
            && matches!(bytes.as_slice(), [0x3B | 0x3F, _, ..])
            && open.status.is_empty()
            && !open.acknowledged
            && (blocks || !open.header.is_empty());
        if restarts {
            open = Exchange::default();
            blocks = false;
            chains = (Vec::new(), Vec::new());
        }
        if side == Side::Reader && !reset.is_empty() {
            blocks = offers_t1(&reset);
            see(place, nanos, What::Reset(core::mem::take(&mut reset)));
        }
        if blocks && side != Side::Unknown {
            let from_card = side == Side::Card;
            let chain = if from_card {
                &mut chains.1
            } else {
                &mut chains.0
            };
            if let Some((content, more)) = block(&bytes)
                && chain.len() < 70_000
            {
                chain.extend_from_slice(content);
                if !more && !chain.is_empty() {
                    let what = What::Apdu {
                        from_card,
                        bytes: core::mem::take(chain),
                        micros: None,
                    };
                    see(place, nanos, what);
                }
            }
            continue;
        }
        let to_card = match side {
            Side::Reader => true,
            Side::Card => false,
            Side::Unknown => open.acknowledged && sends_data(&open.header) && open.sent.is_empty(),
        };
        if to_card {
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
