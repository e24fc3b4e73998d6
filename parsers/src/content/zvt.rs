//! Turns ZVT packets (till to terminal, ECR to PT) into what they say, from every dress that logs give them.
//!
//! Source of the numbers: ZVT Protokoll PA00P015; the codes are data (`tables/zvt_codes.tsv`).

use super::ContentKind;
use crate::hex;

/// What this file reads.
pub const KIND: ContentKind = ContentKind {
    name: "zvt",
    title: "ZVT packets between till and terminal: dashed, blank-separated, unpadded, CLASS/INSTR",
    anchors: &[
        "CLASS - ",
        "PT->ECR",
        "ECR->PT",
        "PT-&gt;ECR",
        "ECR-&gt;PT",
        "PT<-ECR",
        "ECR<-PT",
        "portalum.zvt",
        "zvt",
        "-> 06-01-",
        "04-0F-",
        "06-1E-",
    ],
};

/// Result and status codes.
const TABLE: &str = include_str!("../../tables/zvt_codes.tsv");
/// Longest packet: an extended length is two bytes.
const MOST: usize = 65_540;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// CLASS and INSTR.
    pub control: [u8; 2],
    /// Data block.
    pub data: Vec<u8>,
    /// True from till to terminal, where the log says so.
    pub to_terminal: Option<bool>,
}

/// One data object of a packet (a "bitmap"), with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<'a> {
    /// BMP number.
    pub number: u8,
    /// Value without its length.
    pub value: &'a [u8],
}

/// A row of the table of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Its meaning.
    pub meaning: &'static str,
    /// Signal that says the same.
    pub signal: &'static str,
}

fn lookup(kind: &str, code: u8) -> Option<Code> {
    let wanted = format!("{code:02X}");
    TABLE.lines().skip(1).find_map(|line| {
        let mut cells = line.split('\t');
        (cells.next()? == kind && cells.next()? == wanted).then_some(())?;
        Some(Code {
            meaning: cells.next()?,
            signal: cells.next()?,
        })
    })
}

/// Meaning of a result code (BMP 27, or the byte of an abort). Up to 99 it is the host's own.
#[must_use]
pub fn result(code: u8) -> Code {
    lookup("result", code).unwrap_or(if code <= 99 {
        Code {
            meaning: "error code of the authorisation system",
            signal: "declined",
        }
    } else {
        Code {
            meaning: "unknown result code",
            signal: "other_error",
        }
    })
}

/// Meaning of an intermediate status; from 41 on it is the same with "please remove card".
#[must_use]
pub fn status(code: u8) -> Option<Code> {
    lookup("status", code).or_else(|| {
        (0x41..=0x5D)
            .contains(&code)
            .then(|| lookup("status", code - 0x40))?
    })
}

/// Name of a command, where it is known. The list also decides what may be taken for a packet at all.
#[must_use]
pub fn name(control: [u8; 2]) -> Option<&'static str> {
    Some(match control {
        [0x04, 0x01] => "set date and time",
        [0x04, 0x0D] => "input request",
        [0x04, 0x0E] => "menu request",
        [0x04, 0x0F] => "status information",
        [0x04, 0xFF] => "intermediate status",
        [0x05, 0x01] => "status enquiry",
        [0x06, 0x00] => "registration",
        [0x06, 0x01] => "authorisation",
        [0x06, 0x02] => "log-off",
        [0x06, 0x0F] => "completion",
        [0x06, 0x10] => "send turnover totals",
        [0x06, 0x18] => "reset terminal",
        [0x06, 0x1A] => "print system configuration",
        [0x06, 0x1E] => "abort",
        [0x06, 0x20] => "repeat receipt",
        [0x06, 0x22] => "pre-authorisation",
        [0x06, 0x23] => "partial reversal of a pre-authorisation",
        [0x06, 0x24] => "book total",
        [0x06, 0x25] => "reversal of a pre-authorisation",
        [0x06, 0x30] => "reversal",
        [0x06, 0x31] => "refund",
        [0x06, 0x50] => "end of day",
        [0x06, 0x70] => "diagnosis",
        [0x06, 0x79] => "selftest",
        [0x06, 0x93] => "initialisation",
        [0x06, 0xB0] => "abort by the till",
        [0x06, 0xC0] => "read card",
        [0x06, 0xD1] => "print line",
        [0x06, 0xD3] => "print text block",
        [0x06, 0xE0] => "display text",
        [0x08, 0x30] => "select language",
        [0x80, 0x00] => "acknowledgement",
        [0x84, 0x00] => "acknowledgement, takes longer",
        [0x84, _] => "refused",
        _ => return None,
    })
}

/// Class, instruction, length (FF and two bytes, low one first, where it is long), data; serial framing (DLE STX … DLE ETX CRC) is taken off.
/// `None` where the length does not fit or the command is not known.
#[must_use]
pub fn packet(bytes: &[u8]) -> Option<Packet> {
    let unframed;
    let bytes = if let Some(inner) = bytes.strip_prefix(&[0x10, 0x02]) {
        unframed = unstuff(inner)?;
        &unframed[..]
    } else {
        bytes
    };
    let (control, data, want) = cut(bytes)?;
    (data.len() == want).then(|| Packet {
        control,
        data: data.to_vec(),
        to_terminal: None,
    })
}

/// As [`packet`], for a whole buffer that may hold what an earlier packet left behind.
#[must_use]
pub fn packet_in_buffer(bytes: &[u8]) -> Option<Packet> {
    let (control, data, want) = cut(bytes)?;
    let data = data.get(..want);
    // Some tills keep a status without its length: its first object, the result code, then stands where the length should.
    if control == [0x04, 0x0F]
        && data.is_none_or(|data| objects(data).is_empty())
        && let Some(rest @ [0x27, _, 0x04, ..]) = bytes.get(2..)
    {
        return Some(Packet {
            control,
            data: rest.to_vec(),
            to_terminal: None,
        });
    }
    Some(Packet {
        control,
        data: data?.to_vec(),
        to_terminal: None,
    })
}

fn cut(bytes: &[u8]) -> Option<([u8; 2], &[u8], usize)> {
    let (class, instruction, length, rest) = match bytes {
        [class, instruction, length, rest @ ..] => (*class, *instruction, *length, rest),
        _ => return None,
    };
    let control = [class, instruction];
    name(control)?;
    let (want, data) = match (length, rest) {
        (0xFF, [low, high, data @ ..]) => (usize::from(u16::from_le_bytes([*low, *high])), data),
        (short, data) => (usize::from(short), data),
    };
    Some((control, data, want))
}

/// DLE is doubled inside; DLE ETX ends the packet, two bytes of CRC follow.
fn unstuff(inner: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != 0x10 {
            out.push(byte);
            continue;
        }
        match bytes.next()? {
            0x10 => out.push(0x10),
            0x03 => return Some(out),
            _ => return None,
        }
    }
    None
}

/// The packet that a line of a log shows.
#[must_use]
pub fn read(text: &[u8]) -> Option<Packet> {
    spelled(text).or_else(|| dumped(text))
}

/// `POS->TERM ACK confirmation on received message`: the serial line's own acknowledgement, one byte.
#[must_use]
pub fn is_acknowledgement(text: &[u8]) -> bool {
    [&b"POS->TERM"[..], b"POS<-TERM", b"ECR->PT", b"PT->ECR"]
        .iter()
        .find_map(|way| text.get(memchr::memmem::find(text, way)? + way.len()..))
        .map(<[u8]>::trim_ascii_start)
        .is_some_and(|rest| rest.starts_with(b"ACK") || rest.starts_with(b"NAK"))
}

/// `POS<-TERM 12 CLASS - 6 INSTR  - 1e DATA - 7a`: each byte as a number in hex, without leading zeros.
fn spelled(text: &[u8]) -> Option<Packet> {
    let at = memchr::memmem::find(text, b"CLASS - ")?;
    let before = text.get(..at)?;
    let (class, rest) = number(text.get(at + 8..)?)?;
    let rest = rest.trim_ascii_start().strip_prefix(b"INSTR")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"-")?;
    let (instruction, rest) = number(rest.trim_ascii_start())?;
    let mut data = Vec::new();
    if let Some(list) = rest
        .trim_ascii_start()
        .strip_prefix(b"DATA")
        .and_then(|r| r.trim_ascii_start().strip_prefix(b"-"))
    {
        let mut list = list.trim_ascii_start();
        while let Some((byte, rest)) = number(list) {
            data.push(byte);
            list = rest.trim_ascii_start();
            if data.len() > MOST {
                break;
            }
        }
    }
    name([class, instruction])?;
    let has = |mark: &[u8]| memchr::memmem::find(before, mark).is_some();
    let to_terminal = if has(b"<-") {
        Some(false)
    } else {
        has(b"->").then_some(true)
    };
    Some(Packet {
        control: [class, instruction],
        data,
        to_terminal,
    })
}

/// One or two hex digits that stand alone.
fn number(text: &[u8]) -> Option<(u8, &[u8])> {
    let digits = text
        .iter()
        .take(3)
        .take_while(|b| b.is_ascii_hexdigit())
        .count();
    let bounded = text.get(digits).is_none_or(|b| !b.is_ascii_alphanumeric());
    if !(1..=2).contains(&digits) || !bounded {
        return None;
    }
    let value = text.iter().take(digits).fold(0_u8, |sum, digit| {
        sum << 4 | hex::nibble(*digit).unwrap_or(0)
    });
    Some((value, text.get(digits..)?))
}

/// Labels before a packet as bytes, and which way each goes.
const LABELS: &[(&[u8], bool)] = &[
    (b"ECR->PT", true),
    (b"ECR-&gt;PT", true),
    (b"PT<-ECR", true),
    (b"PT-&gt;ECR", false),
    (b"PT->ECR", false),
    (b"ECR<-PT", false),
    (b"POS->TERM", true),
    (b"POS<-TERM", false),
    (b"Transmit", true),
    (b"Send", true),
    (b"Sent", true),
    (b"SEND", true),
    (b"send", true),
    (b"TX", true),
    (b"Receive", false),
    (b"RECV", false),
    (b"recv", false),
    (b"receive", false),
    (b"RX", false),
    (b">>", true),
    (b"<<", false),
];

fn dumped(text: &[u8]) -> Option<Packet> {
    let area = hex::longest_run(text, 0).filter(|area| area.bytes >= 3)?;
    let before = text.get(..area.start)?;
    let to_terminal = LABELS
        .iter()
        .find(|(label, _)| memchr::memmem::find(before, label).is_some())
        .map(|(_, to)| *to);
    let mut bytes = Vec::with_capacity(area.bytes);
    hex::decode_run(text, area.start, MOST, &mut bytes);
    let mut packet = packet(&bytes)?;
    // Three bytes look like anything: a label must stand by them, or the packet be longer.
    if to_terminal.is_none() && bytes.len() < 8 && memchr::memmem::find(before, b"vt").is_none() {
        return None;
    }
    packet.to_terminal = to_terminal;
    Some(packet)
}

/// How the length of a BMP's value is known.
enum Size {
    Fixed(usize),
    /// That many bytes `Fx`, each a digit.
    Digits(usize),
    /// BER length.
    Tlv,
}

fn size(number: u8) -> Option<Size> {
    Some(match number {
        0x01..=0x03
        | 0x05
        | 0x19
        | 0x27
        | 0x8A
        | 0x8C
        | 0xA0
        | 0xD0
        | 0xD2
        | 0xD3
        | 0xE0
        | 0xE9
        | 0xEA
        | 0xF0
        | 0xF9..=0xFC => Size::Fixed(1),
        0x0D | 0x0E | 0x17 | 0x3A | 0x49 | 0x87 => Size::Fixed(2),
        0x0B | 0x0C | 0x37 | 0x3D | 0x88 | 0xAA => Size::Fixed(3),
        0x29 => Size::Fixed(4),
        0xBA => Size::Fixed(5),
        0x04 => Size::Fixed(6),
        0x3B | 0xEB => Size::Fixed(8),
        0x2A => Size::Fixed(15),
        0x22 | 0x23 | 0x2D | 0x8B | 0xA7 | 0xD1 | 0xE1..=0xE8 | 0xF1..=0xF8 => Size::Digits(2),
        0x24 | 0x2E | 0x3C | 0x60 | 0x92 | 0x9A | 0xAF => Size::Digits(3),
        0x06 => Size::Tlv,
        _ => return None,
    })
}

/// The data objects of a packet's data block; ends at the first that is not known or does not fit.
#[must_use]
pub fn objects(data: &[u8]) -> Vec<Object<'_>> {
    let mut out = Vec::new();
    let mut rest = data;
    while let [number, after @ ..] = rest {
        let Some((value, next)) = size(*number).and_then(|size| take(&size, after)) else {
            break;
        };
        out.push(Object {
            number: *number,
            value,
        });
        rest = next;
        if out.len() >= 256 {
            break;
        }
    }
    out
}

fn take<'a>(size: &Size, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (length, head) = match size {
        Size::Fixed(length) => (*length, 0),
        Size::Digits(count) => {
            let digits = bytes.get(..*count)?;
            let length = digits.iter().try_fold(0_usize, |sum, byte| {
                (byte & 0xF0 == 0xF0 && byte & 0x0F < 10)
                    .then(|| sum * 10 + usize::from(byte & 0x0F))
            })?;
            (length, *count)
        }
        Size::Tlv => match bytes {
            [0x82, high, low, ..] => (usize::from(u16::from_be_bytes([*high, *low])), 3),
            [0x81, low, ..] => (usize::from(*low), 2),
            [low @ ..=0x7F, ..] => (usize::from(*low), 1),
            _ => return None,
        },
    };
    Some((bytes.get(head..head + length)?, bytes.get(head + length..)?))
}

/// Where the data objects of a packet begin: some commands put fixed bytes first.
#[must_use]
pub fn objects_of(packet: &Packet) -> Vec<Object<'_>> {
    let skip = match packet.control {
        // Password; for a registration also configuration byte and currency.
        [0x06, 0x00] => 6,
        [0x06, 0x30 | 0x31 | 0x50 | 0x02 | 0x10] => 3,
        [0x04, 0xFF] => 2,
        [0x06, 0x1E | 0xC0] => 1,
        _ => 0,
    };
    objects(packet.data.get(skip..).unwrap_or_default())
}

/// Text lines in the TLV container (24, then 07), as written: ISO 8859-1 or CP437.
#[must_use]
pub fn lines(container: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    let mut stack = vec![container];
    while let Some(mut rest) = stack.pop() {
        while let Some((tag, value, next)) = tlv(rest) {
            match tag {
                0x24 | 0x25 => stack.push(value),
                0x07 if !value.is_empty() => out.push(value),
                _ => {}
            }
            rest = next;
            if out.len() >= 64 || stack.len() >= 16 {
                return out;
            }
        }
    }
    out
}

/// Card technology (1F12) in the TLV container: stripe, chip, contactless.
#[must_use]
pub fn technology(container: &[u8]) -> Option<&'static str> {
    let mut stack = vec![container];
    while let Some(mut rest) = stack.pop() {
        while let Some((tag, value, next)) = tlv(rest) {
            match (tag, value) {
                (0x1F12, [0]) => return Some("magstripe"),
                (0x1F12, [1]) => return Some("contact"),
                (0x1F12, [2]) => return Some("contactless"),
                (0x60, inner) if stack.len() < 16 => stack.push(inner),
                _ => {}
            }
            rest = next;
        }
    }
    None
}

fn tlv(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (tag, rest) = match bytes {
        [first, second, rest @ ..] if first & 0x1F == 0x1F => {
            (u16::from_be_bytes([*first, *second]), rest)
        }
        [first, rest @ ..] => (u16::from(*first), rest),
        [] => return None,
    };
    let (value, next) = take(&Size::Tlv, rest)?;
    Some((tag, value, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dress_of_an_abort() {
        for (line, to) in [
            ("POS<-TERM 12 CLASS - 6 INSTR  - 1e DATA - 7a ", Some(false)),
            (
                "Portalum.Zvt.TcpNetworkDeviceCommunication Receive - 06-1E-01-7A",
                Some(false),
            ),
            (
                "</TD><TD>PT-&gt;ECR</TD><TD>06-1E-01-7A</TD></TR>",
                Some(false),
            ),
            ("PT->ECR: 06 1E 01 7A", Some(false)),
            ("zvt 061E017A", None),
            ("zvt RX 10 02 06 1E 01 7A 10 03 12 34", Some(false)),
        ] {
            let packet = read(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (packet.control, packet.data.as_slice()),
                ([6, 0x1E], &[0x7A][..]),
                "{line}"
            );
            assert_eq!(packet.to_terminal, to, "{line}");
        }
        for line in [
            "06 1E 01 7A",
            "06-1E-02-7A",
            "CLASS - action",
            "len 80 00 00",
            "",
        ] {
            assert!(read(line.as_bytes()).is_none(), "{line}");
        }
    }

    #[test]
    fn objects_of_a_status() {
        let data = [
            0x27, 0x6C, 0x29, 0x12, 0x34, 0x56, 0x78, 0x04, 0, 0, 0, 0, 0x12, 0x50, 0x8B, 0xF0,
            0xF4, b'V', b'i', b's', b'a', 0x06, 0x04, 0x1F, 0x12, 0x01, 0x02, 0x3C, 0xF0, 0xF0,
            0xF2, b'o', b'k',
        ];
        let seen = objects(&data);
        assert_eq!(
            seen.iter().map(|o| o.number).collect::<Vec<_>>(),
            [0x27, 0x29, 0x04, 0x8B, 6, 0x3C]
        );
        assert_eq!(seen.get(3).unwrap().value, b"Visa");
        assert_eq!(technology(seen.get(4).unwrap().value), Some("contactless"));
        assert_eq!(result(0x6C).signal, "cancelled");
        assert_eq!(result(0x05).signal, "declined");
        assert_eq!(status(0x43).unwrap().meaning, "not accepted");
        for end in 0..data.len() {
            let _ = objects(data.get(..end).unwrap());
        }
    }

    #[test]
    fn text_lines_are_found() {
        let status = [
            0x24, 0x0F, 0x07, 0x05, b'K', b'a', b'r', b't', b'e', 0x07, 0x06, b's', b't', b'e',
            b'c', b'k', b'!',
        ];
        assert_eq!(lines(&status), [&b"Karte"[..], b"steck!"]);
    }

    #[test]
    fn the_table_is_whole() {
        for line in TABLE.lines().skip(1) {
            assert_eq!(line.split('\t').count(), 5, "{line}");
        }
    }
}
