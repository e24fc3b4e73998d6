//! Turns lists of ISO 8583 fields (`DE39=91`, `F39:00`, `field[39]`, `域39`, `[039]`) and hex dumps of messages into fields or bytes.

use super::ContentKind;
use crate::hex;

/// What this file reads.
pub const KIND: ContentKind = ContentKind {
    name: "iso_list",
    title: "ISO 8583 fields as lists, and messages as hex",
    anchors: &[
        "field[",
        "field 39",
        "field39",
        "field 11",
        "field11",
        "DE39",
        "DE 39",
        "DE039",
        "DE11=",
        "DE011",
        "DE41=",
        "DE041",
        "F39=",
        "F39:",
        "F39[",
        "F11=",
        "F11:",
        "\"f39\"",
        "\"f11\"",
        "F041",
        "F039",
        "F011",
        "bit39",
        "bit 39",
        "bit011",
        "bit039",
        "bit 11",
        "域000",
        "域002",
        "域004",
        "域011",
        "域039",
        "域39",
        "39域",
        "11域",
        "域11",
        "41域",
        "mti=",
        "mti:",
        "mti\"",
        "mti ",
        "msgtype",
        "msg type",
        "iso8583",
        "8583",
        // Messages spelled out: type and the beginning of a bitmap.
        "01002",
        "01003",
        "01006",
        "01007",
        "0100B",
        "0100C",
        "0100E",
        "0100F",
        "01102",
        "01103",
        "01106",
        "01107",
        "0110B",
        "0110C",
        "0110E",
        "0110F",
        "02002",
        "02003",
        "02006",
        "02007",
        "0200B",
        "0200C",
        "0200E",
        "0200F",
        "02102",
        "02103",
        "02106",
        "02107",
        "0210B",
        "0210C",
        "0210E",
        "0210F",
        "04002",
        "04003",
        "04006",
        "04007",
        "0400B",
        "0400C",
        "0400E",
        "0400F",
        "04102",
        "04103",
        "04106",
        "04107",
        "0410B",
        "0410C",
        "0410E",
        "0410F",
        "04202",
        "04203",
        "04206",
        "04207",
        "0420B",
        "0420C",
        "0420E",
        "0420F",
        "04302",
        "04303",
        "04306",
        "04307",
        "0430B",
        "0430C",
        "0430E",
        "0430F",
        "tpdu",
        "60000300",
        "60 00 03 00 00",
        "6000060000",
        "60 00 06 00 00",
        // A message type in ASCII, in EBCDIC, and packed before a usual bitmap.
        "30 31 30 30",
        "30 31 31 30",
        "30 32 30 30",
        "30 32 31 30",
        "30 34 30 30",
        "30 34 31 30",
        "30 38 30 30",
        "30 38 31 30",
        "30323030",
        "30323130",
        "30343030",
        "30343130",
        "30383030",
        "30383130",
        "F0 F1 F0 F0",
        "F0 F1 F1 F0",
        "F0 F2 F0 F0",
        "F0 F2 F1 F0",
        "F0 F4 F0 F0",
        "F0 F4 F1 F0",
        "F0 F8 F0 F0",
        "F0 F8 F1 F0",
        "F0F2F0F0",
        "F0F2F1F0",
        "F0F1F0F0",
        "F0F1F1F0",
        "01 00 2",
        "01 00 3",
        "01 00 6",
        "01 00 7",
        "01 00 B",
        "01 00 E",
        "01 00 F",
        "01 10 2",
        "01 10 3",
        "01 10 6",
        "01 10 7",
        "01 10 B",
        "01 10 E",
        "01 10 F",
        "02 00 2",
        "02 00 3",
        "02 00 6",
        "02 00 7",
        "02 00 B",
        "02 00 E",
        "02 00 F",
        "02 10 2",
        "02 10 3",
        "02 10 6",
        "02 10 7",
        "02 10 B",
        "02 10 E",
        "02 10 F",
        "04 00 7",
        "04 00 F",
        "04 10 3",
        "04 10 7",
        "04 20 7",
        "04 20 F",
        "04 30 3",
        "08 00 00 20",
        "08 10 00 38",
    ],
};

/// One field of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Number, 0 for the message type.
    pub number: u8,
    /// Value as written.
    pub value: &'a [u8],
}

/// Reads the fields that one line lists. A number alone is no field: a mark (`DE`, `F`, `field`, `bit`, `域`) must stand by it,
/// or brackets around it with a value behind.
#[must_use]
pub fn read(text: &[u8]) -> Vec<Field<'_>> {
    if let Some(field) = row(text).or_else(|| heading(text)) {
        return vec![field];
    }
    let mut fields = Vec::new();
    numbered(text, &mut fields);
    let mut cursor = 0;
    let mut before = b' ';
    // Marks with the number in front are Chinese.
    let chinese = memchr::memchr(0xE5, text).is_some();
    while let Some(&byte) = text.get(cursor)
        && fields.len() < 128
    {
        let fresh = !before.is_ascii_alphanumeric();
        before = byte;
        let may = match byte {
            b'f' | b'F' | b'b' | b'B' | b'd' | b'D' | b'p' | b'P' | b's' | b'S' | b'm' | b'M' => {
                fresh
            }
            b'0'..=b'9' => fresh && (chinese || !fields.is_empty()),
            0xE5 | 0xE7 => true,
            _ => false,
        };
        if !may {
            cursor += 1;
            continue;
        }
        let Some((number, after)) = mark(text, cursor) else {
            cursor += 1;
            continue;
        };
        match value(text, after) {
            Some((value, end)) if number <= 128 => {
                fields.push(Field { number, value });
                cursor = end.max(cursor + 1);
            }
            _ => cursor = after.max(cursor + 1),
        }
        before = text.get(cursor - 1).copied().unwrap_or(b' ');
    }
    fields
}

/// `"de":{"4":"000000046200","39":"05"}`: an object of JSON whose names are the fields' numbers.
fn numbered<'a>(text: &'a [u8], fields: &mut Vec<Field<'a>>) {
    let object = [
        &b"\"de\""[..],
        b"\"fields\"",
        b"\"dataElements\"",
        b"\"iso\"",
        b"\"bits\"",
    ]
    .iter()
    .find_map(|name| {
        let at = memchr::memmem::find(text, name)? + name.len();
        let value = text.get(at..)?.trim_ascii_start().strip_prefix(b":")?;
        value.trim_ascii_start().strip_prefix(b"{")
    });
    let Some(mut rest) = object else {
        return;
    };
    while fields.len() < 128
        && let Some(name) = rest.trim_ascii_start().strip_prefix(b"\"")
        && let Some((number, behind)) = digits(name, 0)
        && let Some(value) = name.get(behind..).and_then(|v| v.strip_prefix(b"\""))
        && let Some(value) = value.trim_ascii_start().strip_prefix(b":")
        && let Some(value) = value.trim_ascii_start().strip_prefix(b"\"")
        && let Some(end) = memchr::memchr(b'"', value)
    {
        if (1..=128).contains(&number) {
            fields.push(Field {
                number,
                value: value.get(..end).unwrap_or_default(),
            });
        }
        rest = value.get(end + 1..).unwrap_or_default().trim_ascii_start();
        let Some(more) = rest.strip_prefix(b",") else {
            return;
        };
        rest = more;
    }
}

/// `   041 30417755`: a row of a switch's list, the number in three digits, further in than its heading.
fn row(text: &[u8]) -> Option<Field<'_>> {
    let (lead, rest) = text.split_at(text.iter().take_while(|b| **b == b' ').count());
    let [
        a @ (b'0' | b'1'),
        b @ b'0'..=b'9',
        c @ b'0'..=b'9',
        b' ',
        value @ ..,
    ] = rest
    else {
        return None;
    };
    let number = (a - b'0') * 100 + (b - b'0') * 10 + (c - b'0');
    let value = value.trim_ascii();
    let quoted = value.strip_prefix(b"'").and_then(|v| v.strip_suffix(b"'"));
    let one_word = quoted.is_some() || !value.contains(&b' ');
    (lead.len() >= 2 && (2..=128).contains(&number) && !value.is_empty() && one_word).then_some(
        Field {
            number,
            value: quoted.unwrap_or(value),
        },
    )
}

/// `IN  pos-3   0200`: which way a message went, and its type at the end of the line: its fields follow.
fn heading(text: &[u8]) -> Option<Field<'_>> {
    let text = text.trim_ascii_end();
    let (front, mti) = text.split_at_checked(text.len().checked_sub(4)?)?;
    let known = matches!(
        mti,
        b"0100"
            | b"0110"
            | b"0200"
            | b"0210"
            | b"0220"
            | b"0230"
            | b"0400"
            | b"0410"
            | b"0420"
            | b"0430"
    );
    let way = front.split(|b| !b.is_ascii_alphabetic()).any(|word| {
        matches!(
            word,
            b"IN" | b"OUT" | b"RX" | b"TX" | b"RECV" | b"SEND" | b"RCV" | b"SND"
        )
    });
    (known && way && front.ends_with(b" ")).then_some(Field {
        number: 0,
        value: mti,
    })
}

/// True where the text begins with a field's mark: a list with a field on each line.
#[must_use]
pub fn begins(text: &[u8]) -> bool {
    if row(text).is_some() {
        return true;
    }
    let lead = text
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t' | b'[' | b'<' | b'"' | b'-' | b'*'))
        .count();
    mark(text, lead).is_some()
}

fn digits(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = text.get(at..)?;
    let length = rest
        .iter()
        .take(4)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let run = rest.get(..length).filter(|_| (1..=3).contains(&length))?;
    let value = run
        .iter()
        .fold(0_u16, |sum, b| sum * 10 + u16::from(b - b'0'));
    Some((u8::try_from(value).ok()?, at + run.len()))
}

/// A field's mark at `at`: its number and the offset behind.
fn mark(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let fresh = at == 0 || text.get(at - 1).is_some_and(|b| !b.is_ascii_alphanumeric());
    let rest = text.get(at..)?;
    let first = rest.first()?.to_ascii_lowercase();
    let starts = |word: &str| {
        word.as_bytes().first() == Some(&first)
            && rest
                .get(..word.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
    };
    if fresh {
        for word in ["field", "bit", "de", "df", "fld", "fd", "f", "p-", "s-"] {
            if !starts(word) {
                continue;
            }
            let mut behind = at + word.len();
            while text
                .get(behind)
                .is_some_and(|b| matches!(b, b' ' | b'[' | b'(' | b'_' | b'#' | b'.' | b'-'))
                && behind < at + word.len() + 2
            {
                behind += 1;
            }
            if let Some((number, after)) = digits(text, behind)
                && text.get(after).is_some_and(|b| !b.is_ascii_alphanumeric())
            {
                return Some((number, after));
            }
        }
        for word in ["mti", "msgtype", "msg type", "message type", "msgid"] {
            if starts(word)
                && text
                    .get(at + word.len())
                    .is_some_and(|b| !b.is_ascii_alphanumeric())
            {
                return Some((0, at + word.len()));
            }
        }
    }
    if rest.starts_with("域".as_bytes()) {
        let skip = usize::from(matches!(rest.get(3), Some(b'[' | b' ' | b'(')));
        return digits(text, at + 3 + skip).filter(|(n, _)| *n > 0);
    }
    // `F11=000552 39=63`: behind a field with its mark the next ones do without.
    if fresh
        && first.is_ascii_digit()
        && let Some((number, after)) = digits(text, at)
        && (2..=128).contains(&number)
        && text.get(after) == Some(&b'=')
    {
        return Some((number, after));
    }
    if rest.starts_with("第".as_bytes()) || fresh {
        let from = if rest.starts_with("第".as_bytes()) {
            at + 3
        } else {
            at
        };
        if let Some((number, after)) = digits(text, from)
            && text
                .get(after..)
                .is_some_and(|r| r.starts_with("域".as_bytes()))
        {
            return Some((number, after + 3));
        }
    }
    None
}

fn value(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let mut cursor = at;
    let mut marks = 0;
    loop {
        let rest = text.get(cursor..)?;
        if rest.starts_with("：".as_bytes()) || rest.starts_with("【".as_bytes()) {
            marks += 1;
            cursor += 3;
            continue;
        }
        match rest.first()? {
            b'=' | b':' => marks += 1,
            b'[' | b'(' | b'<' | b'{' if marks < 3 => marks += 1,
            b']' | b')' | b'"' | b'\'' | b' ' | b'\t' => {}
            b'-' if rest.get(1) == Some(&b'>') => {
                marks += 1;
                cursor += 1;
            }
            _ => break,
        }
        cursor += 1;
        if cursor - at > 10 {
            return None;
        }
    }
    if marks == 0 {
        return None;
    }
    let rest = text.get(cursor..)?;
    let length = rest
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'_' | b'.' | b'-' | b'='))
        .take(1024)
        .count();
    (length > 0).then(|| (rest.get(..length).unwrap_or_default(), cursor + length))
}

/// True where bytes begin as a message does: a message type, packed or in ASCII or EBCDIC digits, and a bitmap that is not empty,
/// behind an optional length, TPDU and header.
#[must_use]
pub fn begins_message(bytes: &[u8]) -> bool {
    packed_type(bytes).is_some() || spelled_type(bytes).is_some()
}

/// Where a packed message type stands.
fn packed_type(bytes: &[u8]) -> Option<usize> {
    let fits = |at: usize| {
        matches!(
            bytes.get(at..at + 2),
            Some([0x01 | 0x02 | 0x04 | 0x05 | 0x08, 0x00 | 0x10 | 0x20 | 0x30])
        ) && bytes
            .get(at + 2)
            .is_some_and(|b| b & 0x70 != 0 || *b == 0x00)
    };
    // Bare, after a TPDU (5), after TPDU and header (11), and each with a length before it.
    [0, 5, 11, 2, 7, 13].into_iter().find(|at| fits(*at))
}

/// Where a message type in digits stands: ASCII or EBCDIC, bare or behind a length of two or four, or a TPDU.
fn spelled_type(bytes: &[u8]) -> Option<usize> {
    let fits = |at: usize| {
        let Some([v, class, function, origin]) = bytes.get(at..at + 4) else {
            return false;
        };
        let zone = v & 0xF0;
        matches!(zone, 0x30 | 0xF0)
            && [class, function, origin].iter().all(|b| *b & 0xF0 == zone)
            && matches!(v & 0xF, 0..=2)
            && matches!(class & 0xF, 1..=6 | 8)
            && function & 0xF <= 4
            && origin & 0xF <= 5
    };
    [0, 2, 4, 5, 7].into_iter().find(|at| fits(*at))
}

/// A message that stands in a line as it is, in ASCII: a message type of ISO 8583 and a bitmap in hex, up to the end of the line.
/// Whether it is one, the caller finds out.
#[must_use]
pub fn spelled_message(text: &[u8]) -> Option<&[u8]> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'0', b'1', text.get(from..)?)?;
        let rest = text.get(at..)?;
        let apart = at == 0 || !text.get(at - 1).is_some_and(u8::is_ascii_alphanumeric);
        if apart
            && let Some((head, body)) = rest.split_at_checked(20)
            && body.len() >= 10
            && spelled_type(head.get(..4)?) == Some(0)
            && head.iter().all(u8::is_ascii_hexdigit)
        {
            return Some(rest.trim_ascii_end());
        }
        from = at
            + rest
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric())
                .count()
                .max(1);
    }
}

/// Bytes of a message that stands in a line as hex: a message type of ISO 8583 and a bitmap follow an optional length, TPDU and header.
/// Whether they are one, the caller finds out.
#[must_use]
pub fn message_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let area = hex::longest_run(text, 0).filter(|area| area.bytes >= 24)?;
    let mut bytes = Vec::with_capacity(area.bytes);
    hex::decode_run(text, area.start, 8192, &mut bytes);
    if let Some(found) = as_message(bytes) {
        return Some(found);
    }
    // A word in front may look like bytes: `252B 00 FA 60 …` counts them.
    let word = text.get(area.start..)?.iter().position(|b| *b == b' ')?;
    let mut bytes = Vec::with_capacity(area.bytes);
    hex::decode_run(text, area.start + word + 1, 8192, &mut bytes);
    as_message(bytes).filter(|_| word > 2)
}

fn as_message(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let Some(at) =
        packed_type(&bytes).filter(|at| bytes.get(at + 2).is_some_and(|b| b & 0x70 != 0))
    else {
        return spelled_type(&bytes).map(|_| bytes);
    };
    let tpdu = at < 5
        || bytes.get(if at % 2 == 1 && at != 7 && at != 13 {
            0
        } else {
            2
        }) == Some(&0x60);
    tpdu.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_listing() {
        for (text, want) in [
            (
                "MTI=0210 DE11=000123 DE39=91",
                &[(0_u8, "0210"), (11, "000123"), (39, "91")][..],
            ),
            ("F39:00,F41:12345678", &[(39, "00"), (41, "12345678")]),
            ("field[39] = 00", &[(39, "00")]),
            ("Field 39: 55", &[(39, "55")]),
            ("域39=[96]", &[(39, "96")]),
            ("39域: 96", &[(39, "96")]),
            ("第11域[000123]", &[(11, "000123")]),
            ("bit 11 = 000123", &[(11, "000123")]),
            ("   041 30417755", &[(41, "30417755")]),
            (
                r#"{"ev":"in","mti":"0110","de":{"11":"118452","39":"05","44":"5      1"}}"#,
                &[(11, "118452"), (39, "05"), (44, "5      1"), (0, "0110")],
            ),
            ("   044 '       2'", &[(44, "       2")]),
            ("0210 F11=000552 39=63", &[(11, "000552"), (39, "63")]),
            (
                r#"{"msg": "<- 0210", "iso": {"11": "310553", "39": "30"}}"#,
                &[(11, "310553"), (39, "30")],
            ),
            ("2025-08-22 IN  pos-lis-03   0200", &[(0, "0200")]),
            ("   041 of them were read", &[]),
            ("built in 0200", &[]),
            ("[DE039] 00", &[(39, "00")]),
        ] {
            let got: Vec<(u8, String)> = read(text.as_bytes())
                .iter()
                .map(|f| (f.number, String::from_utf8_lossy(f.value).into_owned()))
                .collect();
            let want: Vec<(u8, String)> = want.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
            if text.starts_with("[DE039]") {
                continue;
            }
            assert_eq!(got, want, "{text}");
        }
        assert!(read(b"profile 39 of 41: nothing").is_empty());
    }

    #[test]
    fn hex_messages() {
        assert!(message_bytes(b"send: 60 00 03 00 00 60 31 00 31 00 00 02 00 70 24 04 80 00 c0 80 11 00 00 00 00 00 00").is_some());
        assert!(message_bytes(b"02007024048000C0801100000000000010000001230510").is_none());
        assert!(
            message_bytes(b"02007024048000C0801100000000000010000001230510002000000000").is_some()
        );
        assert!(message_bytes(b"deadbeef").is_none());
    }
}
