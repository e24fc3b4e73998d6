//! nfc-laboratory: JSON with a list of frames, each with time, technology, type and data.

use super::{Account, Seen, TraceFormat, What};

/// The format.
pub(super) static FORMAT: TraceFormat = TraceFormat {
    name: "nfc-laboratory",
    title: "nfc-laboratory JSON: frames with time, technology, direction and data",
    spec: "nfc-laboratory src/nfc-lib (RawFrame, storage tasks)",
    binary: false,
    fits: |head| {
        head.trim_ascii_start().starts_with(b"{")
            && memchr::memmem::find(head, b"\"frames\"").is_some()
            && memchr::memmem::find(head, b"\"frameType\"").is_some()
    },
    read,
    sample: "{\"frames\":[{\"frameData\":\"26\",\"frameFlags\":1,\"frameType\":258,\"techType\":257,\"timeStart\":0.5},{\"frameData\":\"04:00\",\"frameFlags\":0,\"frameType\":259,\"techType\":257,\"timeStart\":0.6}]}",
};

const CARRIER_OFF: i64 = 256;
const CARRIER_ON: i64 = 257;
const FROM_READER: i64 = 258;
const FROM_CARD: i64 = 259;
/// Flags: cut, parity error.
const TRUNCATED: i64 = 0x08;
const PARITY: i64 = 0x10;
/// Longest frame object that is looked at.
const OBJECT: usize = 1 << 20;

/// The text of a member's value, without quotes.
fn member<'a>(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(object, name)?;
    let rest = object.get(at + name.len()..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b":")?.trim_ascii_start();
    if let Some(text) = rest.strip_prefix(b"\"") {
        return text.get(..memchr::memchr(b'"', text)?);
    }
    let end = rest
        .iter()
        .position(|b| matches!(b, b',' | b'}' | b'\n' | b'\r' | b' '))
        .unwrap_or(rest.len());
    rest.get(..end)
}

fn integer(text: &[u8]) -> Option<i64> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

fn read(text: &[u8], sink: &mut dyn FnMut(Seen)) -> Account {
    let mut account = Account::default();
    let mut at = 0;
    let mut line = 1_u32;
    let mut counted = 0;
    // Objects that hold no object themselves are the frames.
    while let Some(close) = text.get(at..).and_then(|rest| memchr::memchr(b'}', rest)) {
        let end = at + close + 1;
        let Some(open) = text
            .get(at..end)
            .and_then(|part| memchr::memrchr(b'{', part))
        else {
            at = end;
            continue;
        };
        let start = at + open;
        at = end;
        let Some(object) = text.get(start..end).filter(|o| o.len() <= OBJECT) else {
            continue;
        };
        let Some(kind) = member(object, b"\"frameType\"").and_then(integer) else {
            continue;
        };
        account.understood += object.len();
        line = line.saturating_add(
            u32::try_from(
                text.get(counted..start)
                    .map_or(0, |part| memchr::memchr_iter(b'\n', part).count()),
            )
            .unwrap_or(u32::MAX),
        );
        counted = start;
        let number = |name: &[u8]| member(object, name).and_then(integer).unwrap_or(0);
        let seconds = |name: &[u8]| member(object, name).and_then(super::billionths);
        // The date is that of the recording, or the same as the start where it was not known.
        let dated = seconds(b"\"dateTime\"").filter(|n| *n > 1_000_000_000_000_000_000);
        let what = match kind {
            CARRIER_OFF => What::Field(false),
            CARRIER_ON => What::Field(true),
            FROM_READER | FROM_CARD => {
                let data = member(object, b"\"frameData\"").unwrap_or_default();
                let Some(bytes) = crate::hex::decode_all(data) else {
                    continue;
                };
                let flags = number(b"\"frameFlags\"");
                // Types A and B; F and V are no payment cards.
                if !matches!(number(b"\"techType\""), 257 | 258) {
                    continue;
                }
                if flags & TRUNCATED != 0 {
                    account.damaged += 1;
                }
                What::Radio {
                    from_card: kind == FROM_CARD,
                    bytes,
                    code_kept: true,
                    parity_error: flags & PARITY != 0,
                }
            }
            _ => continue,
        };
        account.records += 1;
        sink(Seen {
            place: line,
            nanos: dated.or_else(|| seconds(b"\"timeStart\"")),
            absolute: dated.is_some(),
            lane: 0,
            what,
        });
    }
    account
}
