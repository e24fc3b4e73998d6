//! Proxmark3: the table of `trace list`, its hex dump (`-x`), and the binary trace log.

use super::{Account, Seen, TraceFormat, What, many, numbered};
use crate::hex::nibble;

/// Carrier periods in nanoseconds, as a fraction: 1 / 13.56 MHz.
const fn carrier_nanos(ticks: i64) -> i64 {
    ticks.saturating_mul(25_000) / 339
}

/// The table.
pub(super) static TABLE: TraceFormat = TraceFormat {
    name: "proxmark-list",
    title: "Proxmark3 `trace list`: start | end | Rdr/Tag | data | CRC | annotation",
    spec: "Proxmark3 client/src/cmdtrace.c, doc/trace_notes.md",
    binary: false,
    fits: |head| many(head, 2, |line| row(line).is_some()),
    read: table,
    sample: "    0 |  992 | Rdr |52(7)    |     | WUPA\n 2228 | 4596 | Tag |04  00   |     |\n",
};

/// The parts of a row; `start` empty for a continuation.
struct Row<'a> {
    start: &'a [u8],
    source: &'a [u8],
    data: &'a [u8],
}

fn row(line: &[u8]) -> Option<Row<'_>> {
    let mut cells = line.splitn(6, |b| *b == b'|');
    let start = cells.next()?.trim_ascii();
    let end = cells.next()?.trim_ascii();
    let source = cells.next()?.trim_ascii();
    let data = cells.next()?;
    cells.next()?;
    let number = |text: &[u8]| text.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    if !number(start) || !number(end) {
        return None;
    }
    let known = source.eq_ignore_ascii_case(b"Rdr") || source.eq_ignore_ascii_case(b"Tag");
    let continued = source.is_empty() && start.is_empty() && end.is_empty();
    (known && !start.is_empty() || continued).then_some(Row {
        start,
        source,
        data,
    })
}

#[derive(Default)]
struct Frame {
    place: u32,
    nanos: Option<i64>,
    from_card: bool,
    bytes: Vec<u8>,
    parity_error: bool,
    bits: bool,
}

impl Frame {
    fn emit(self, sink: &mut dyn FnMut(Seen), account: &mut Account) {
        if self.bytes.is_empty() {
            return;
        }
        account.records += 1;
        sink(Seen {
            place: self.place,
            nanos: self.nanos,
            absolute: false,
            lane: 0,
            what: What::Radio {
                from_card: self.from_card,
                bytes: self.bytes,
                code_kept: true,
                parity_error: self.parity_error,
            },
        });
    }

    /// `04  00`, `26(7)`, `9a!`, `[E0  42]`.
    fn data(&mut self, cell: &[u8]) {
        let mut rest = cell;
        while let [first, tail @ ..] = rest {
            rest = tail;
            match (nibble(*first), tail) {
                (Some(high), [low, after @ ..]) if nibble(*low).is_some() => {
                    self.bytes.push(high << 4 | nibble(*low).unwrap_or(0));
                    rest = after;
                }
                _ if *first == b'!' => self.parity_error = true,
                _ if *first == b'(' => {
                    // Bits of a frame that is no whole byte.
                    self.bits = true;
                    let skip = tail.iter().position(|b| *b == b')').map_or(0, |n| n + 1);
                    rest = tail.get(skip..).unwrap_or_default();
                }
                _ => {}
            }
        }
    }
}

fn table(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut open: Option<Frame> = None;
    for (place, line, length) in numbered(text) {
        let Some(row) = row(&line) else {
            continue;
        };
        account.understood += length;
        if row.start.is_empty() {
            if let Some(frame) = &mut open {
                frame.data(row.data);
            }
            continue;
        }
        if let Some(done) = open.take() {
            done.emit(sink, &mut account);
        }
        // With `-u` in microseconds and a fraction, else in carrier periods.
        let nanos = if row.start.contains(&b'.') {
            super::billionths(row.start).map(|n| n / 1_000_000)
        } else {
            super::billionths(row.start).map(|n| carrier_nanos(n / 1_000_000_000))
        };
        let mut frame = Frame {
            place,
            nanos,
            from_card: row.source.eq_ignore_ascii_case(b"Tag"),
            ..Frame::default()
        };
        frame.data(row.data);
        open = Some(frame);
    }
    if let Some(done) = open.take() {
        done.emit(sink, &mut account);
    }
    account
}

/// The hex dump.
pub(super) static HEX: TraceFormat = TraceFormat {
    name: "proxmark-hex",
    title: "Proxmark3 `trace list -x`: a line with the time, a line for text2pcap",
    spec: "Proxmark3 client/src/cmdtrace.c, doc/trace_notes.md",
    binary: false,
    fits: |head| many(head, 2, |line| dumped(line).is_some()),
    read: dump,
    sample: "0.0000000000\n000000 00 fe 00 01 52 \n0.0000002260\n000000 00 ff 00 02 04 00 \n",
};

/// `000000 00 fe 00 01 52`: direction and frame.
fn dumped(line: &[u8]) -> Option<(bool, Vec<u8>)> {
    let rest = line.strip_prefix(b"000000 00 ")?;
    let bytes = crate::hex::decode_all(rest)?;
    let (head, data) = bytes.split_at_checked(3)?;
    let from_card = match head.first()? {
        0xFE => false,
        0xFF => true,
        _ => return None,
    };
    let length = head
        .iter()
        .skip(1)
        .fold(0_usize, |sum, b| sum << 8 | usize::from(*b));
    (length == data.len()).then(|| (from_card, data.to_vec()))
}

fn dump(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut clock = Wrapping::default();
    let mut nanos = None;
    for (place, line, length) in numbered(text) {
        if let Some((from_card, bytes)) = dumped(&line) {
            account.understood += length;
            account.records += 1;
            sink(Seen {
                place,
                nanos: nanos.take(),
                absolute: false,
                lane: 0,
                what: What::Radio {
                    from_card,
                    bytes,
                    code_kept: true,
                    parity_error: false,
                },
            });
        } else if let Some(ticks) = line.strip_prefix(b"0.")
            && (1..=10).contains(&ticks.len())
            && ticks.iter().all(u8::is_ascii_digit)
        {
            // Not a fraction of a second: the tick counter, printed as if it were one.
            let ticks = ticks
                .iter()
                .fold(0_i64, |sum, d| sum * 10 + i64::from(d - b'0'));
            nanos = Some(carrier_nanos(clock.ticks(ticks)));
            account.understood += length;
        }
    }
    account
}

/// A counter of 32 bits that starts again after 316 seconds.
#[derive(Default)]
struct Wrapping {
    last: i64,
    turns: i64,
}

impl Wrapping {
    fn ticks(&mut self, raw: i64) -> i64 {
        // Frames of both sides are logged when they end: a little back is no turn.
        if raw + (1 << 31) < self.last {
            self.turns += 1 << 32;
        }
        self.last = raw;
        raw + self.turns
    }
}

/// The binary log.
pub(super) static BINARY: TraceFormat = TraceFormat {
    name: "proxmark-trace",
    title: "Proxmark3 binary trace log: time, duration, length and direction, data, parity",
    spec: "Proxmark3 include/pm3_cmd.h (tracelog_hdr_t)",
    binary: true,
    fits: is_binary,
    read: binary,
    sample: "000000000000010052000200000000000280040000",
};

/// Time, direction, data, bytes of the record; `None` where the file ends within it.
fn record(bytes: &[u8]) -> Option<(u32, bool, &[u8], usize)> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let [t0, t1, t2, t3, _, _, l0, l1] = *head;
    let length = u16::from_le_bytes([l0, l1]);
    let count = usize::from(length & 0x7FFF);
    let data = rest.get(..count)?;
    let whole = 8 + count + count.div_ceil(8);
    (bytes.len() >= whole).then_some((
        u32::from_le_bytes([t0, t1, t2, t3]),
        length & 0x8000 != 0,
        data,
        whole,
    ))
}

/// No magic number: several records must follow each other with times that grow, to the end of what is there.
fn is_binary(head: &[u8]) -> bool {
    let mut rest = head;
    let mut last = 0_u32;
    let mut count = 0;
    while count < 8 {
        if rest.is_empty() {
            return count >= 2;
        }
        let Some((time, _, data, whole)) = record(rest) else {
            return count >= 4;
        };
        let turned = last > 0xC000_0000 && time < 0x4000_0000;
        if data.is_empty() || data.len() > 512 || count > 0 && (time == 0 || time < last && !turned)
        {
            return false;
        }
        last = time;
        count += 1;
        rest = rest.get(whole..).unwrap_or_default();
    }
    true
}

fn binary(bytes: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut clock = Wrapping::default();
    let mut rest = bytes;
    let mut place = 0_u32;
    while let Some((time, from_card, data, whole)) = record(rest) {
        place = place.saturating_add(1);
        account.records += 1;
        account.understood += whole;
        rest = rest.get(whole..).unwrap_or_default();
        if data.is_empty() {
            continue;
        }
        sink(Seen {
            place,
            nanos: Some(carrier_nanos(clock.ticks(i64::from(time)))),
            absolute: false,
            lane: 0,
            what: What::Radio {
                from_card,
                bytes: data.to_vec(),
                code_kept: true,
                parity_error: false,
            },
        });
    }
    if !rest.is_empty() {
        account.damaged += 1;
        account.foreign = rest.len();
    }
    account
}
