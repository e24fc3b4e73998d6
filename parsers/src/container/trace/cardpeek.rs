//! cardpeek's reader view (`SEND` with the command, `RECV` with the status word, the data below) and what it saves for replay
//! (`C:COMMAND:STATUS:DATA`).

use super::{Account, Seen, TraceFormat, What, many, numbered};
use crate::hex;

/// The format.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "cardpeek",
    title: "cardpeek: SEND command, RECV status word, data below; saved replays",
    spec: "cardpeek gui_readerview.c, replay.c",
    binary: false,
    fits: |head| {
        many(head, 1, |line| status(line).is_some())
            && many(head, 1, |line| keyword(line, b"SEND").is_some())
            || many(head, 1, |line| line.starts_with(b"# cardpeek"))
                && many(head, 1, |line| replay(line).is_some())
    },
    read,
    sample: "SEND 00B2010C00\nRECV 9000                       # Normal processing\n     70 03 8F 01 92      p....\n",
};

/// What stands behind a keyword; a program's own prefix (`INFO  `, `[cardpeek] `) may stand before it.
fn keyword<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(line, word).filter(|at| *at <= 24)?;
    let before = line.get(..at)?;
    let rest = line.get(at + word.len()..)?;
    (before.last().is_none_or(|b| !b.is_ascii_alphanumeric())
        && rest
            .first()
            .is_some_and(|b| matches!(b, b' ' | b'\t' | b':')))
    .then(|| rest.trim_ascii_start())
}

/// `RECV 9000   # Normal processing`.
fn status(line: &[u8]) -> Option<u16> {
    let rest = keyword(line, b"RECV")?;
    let mut bytes = Vec::new();
    let end = hex::decode_run(rest, 0, 2, &mut bytes);
    let tail = rest.get(end..)?.trim_ascii_start();
    match bytes.as_slice() {
        [high, low] if tail.is_empty() || tail.starts_with(b"#") => {
            Some(u16::from(*high) << 8 | u16::from(*low))
        }
        _ => None,
    }
}

/// A line of a replay: an answer to reset, or a command with its answer.
enum Replay {
    Reset(Vec<u8>),
    Exchange(Vec<u8>, Vec<u8>),
}

fn replay(line: &[u8]) -> Option<Replay> {
    if let Some(atr) = line.strip_prefix(b"R:") {
        return Some(Replay::Reset(hex::decode_all(atr)?));
    }
    let mut cells = line.strip_prefix(b"C:")?.splitn(3, |b| *b == b':');
    let command = hex::decode_all(cells.next()?)?;
    let status = hex::decode_all(cells.next()?).filter(|status| status.len() == 2)?;
    let data = cells.next()?.trim_ascii();
    let mut answer = if data.is_empty() {
        Vec::new()
    } else {
        hex::decode_all(data)?
    };
    answer.extend(status);
    (command.len() >= 4).then_some(Replay::Exchange(command, answer))
}

#[derive(Default)]
struct Open {
    place: u32,
    from_card: bool,
    bytes: Vec<u8>,
    status: Option<u16>,
    cut: bool,
}

impl Open {
    fn emit(mut self, sink: &mut dyn FnMut(Seen), account: &mut Account) {
        if self.bytes.is_empty() && self.status.is_none() {
            return;
        }
        if self.cut {
            account.damaged += 1;
        }
        account.records += 1;
        if let Some(status) = self.status {
            self.bytes.extend(status.to_be_bytes());
        }
        sink(Seen {
            place: self.place,
            nanos: None,
            absolute: false,
            lane: 0,
            what: What::Apdu {
                from_card: self.from_card,
                bytes: self.bytes,
                micros: None,
            },
        });
    }
}

/// Hex of a line up to its characters: two blanks or more set them apart.
fn data(text: &[u8]) -> Vec<u8> {
    let text = text.trim_ascii();
    let end = memchr::memmem::find(text, b"  ").unwrap_or(text.len());
    let mut bytes = Vec::new();
    let hex = text.get(..end).unwrap_or_default();
    hex::decode_run(hex, 0, 4096, &mut bytes);
    bytes
}

fn read(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut open = Open::default();
    for (place, line, length) in numbered(text) {
        let whole = |what| Seen {
            place,
            nanos: None,
            absolute: false,
            lane: 0,
            what,
        };
        if let Some(saved) = replay(&line) {
            account.understood += length;
            account.records += 1;
            match saved {
                Replay::Reset(atr) => sink(whole(What::Reset(atr))),
                Replay::Exchange(command, answer) => {
                    for (from_card, bytes) in [(false, command), (true, answer)] {
                        sink(whole(What::Apdu {
                            from_card,
                            bytes,
                            micros: None,
                        }));
                    }
                }
            }
        } else if let Some(rest) = keyword(&line, b"RSET") {
            core::mem::take(&mut open).emit(sink, &mut account);
            account.understood += length;
            account.records += 1;
            sink(whole(What::Reset(data(rest))));
        } else if let Some(rest) = keyword(&line, b"SEND") {
            core::mem::take(&mut open).emit(sink, &mut account);
            open.place = place;
            open.bytes = data(rest);
            account.understood += length;
        } else if let Some(word) = status(&line) {
            core::mem::take(&mut open).emit(sink, &mut account);
            open.place = place;
            open.from_card = true;
            open.status = Some(word);
            account.understood += length;
        } else if line.first().is_some_and(u8::is_ascii_whitespace) && open.place > 0 {
            let more = data(&line);
            open.cut |= memchr::memmem::find(&line, b"(...)").is_some();
            if !more.is_empty() && open.bytes.len() < 70_000 {
                open.bytes.extend(more);
                account.understood += length;
            }
        } else {
            core::mem::take(&mut open).emit(sink, &mut account);
        }
    }
    open.emit(sink, &mut account);
    account
}
