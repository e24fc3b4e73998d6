//! The JSON of an event: its shape for each kind, written without a tree; every text is cleaned, every figure hidden that has the form of a
//! card number.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use tapscope_parsers::sensitive;

use crate::event::{Place, Tag, TagValue, Text};
use crate::report::clean::clean;

/// What has a form of its own.
pub(super) struct Shown<'a, T>(pub &'a T);

impl<T: std::fmt::Display> Serialize for Shown<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self.0)
    }
}

/// Places in a source: `{"frame": 7}`.
pub(super) struct Places<'a>(pub &'a [Place]);

impl Serialize for Places<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|place| InSource(*place)))
    }
}

pub(super) struct InSource(pub Place);

impl Serialize for InSource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (name, number) = match self.0 {
            Place::Line(line) => ("line", line),
            Place::Frame(frame) => ("frame", frame),
            Place::Whole => return to.serialize_none(),
        };
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry(name, &number)?;
        map.end()
    }
}

/// Text that is cleaned as it is written.
pub(super) struct Clean<'a>(pub &'a str);

impl Serialize for Clean<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.bytes().all(|b| (0x20..0x7F).contains(&b)) {
            return to.serialize_str(self.0);
        }
        to.serialize_str(&clean(self.0))
    }
}

// Fields in the order of the alphabet: the keys of every detail are sorted.
#[derive(Serialize)]
pub(super) struct LogDetail<'a> {
    pub code: Option<CodeDetail<'a>>,
    pub severity: &'static str,
    pub signal: &'static str,
    pub text: Clean<'a>,
    pub values: Named<'a>,
}

#[derive(Serialize)]
pub(super) struct CodeDetail<'a> {
    pub code: Clean<'a>,
    pub vendor: &'static str,
}

#[derive(Serialize)]
pub(super) struct ApduDetail<'a> {
    pub answer_at: Option<InSource>,
    pub answer_hex: Clean<'a>,
    pub answered: Option<bool>,
    pub command: &'static str,
    pub command_hex: Clean<'a>,
    pub duration_us: Option<u32>,
    pub faults: &'a [&'static str],
    pub header: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner_time: Option<Clean<'a>>,
    pub sw: Option<String>,
    pub tags: Tags<'a>,
}

#[derive(Serialize)]
pub(super) struct TcpDetail<'a> {
    pub carried: Option<&'static str>,
    pub client: Shown<'a, SocketAddr>,
    pub client_bytes: u64,
    pub client_retransmissions: u32,
    pub client_unacked: u64,
    pub closed_by: Option<&'static str>,
    pub connect_us: Option<i64>,
    pub duration_us: i64,
    pub frames: Places<'a>,
    pub gap_bytes: u64,
    pub opening_seen: bool,
    pub overlap_conflicts: u16,
    pub refused: bool,
    pub reset_by: Option<&'static str>,
    pub rtt_us: Option<i64>,
    pub server: Shown<'a, SocketAddr>,
    pub server_bytes: u64,
    pub server_name: Option<Clean<'a>>,
    pub server_retransmissions: u32,
    pub syn_count: u16,
    pub tls: Option<Value>,
    pub zero_windows: u16,
}

#[derive(Serialize)]
pub(super) struct IsoDetail<'a> {
    pub acked_after_us: Option<i64>,
    pub damage: Option<Clean<'a>>,
    pub dialect: &'static str,
    pub fields: Fields<'a>,
    pub frames: Places<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner_time: Option<Clean<'a>>,
    pub mti: String,
    pub parts: crate::report::iso8583::Parts<'a>,
    pub pin_present: bool,
    pub processing_demand: Option<u8>,
    pub purpose: &'static str,
    pub tags: Tags<'a>,
}

/// Values by name, sorted.
pub(super) struct Named<'a>(pub &'a [(&'a str, &'a str)]);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, Clean(value))))
    }
}

/// Fields by number, sorted as text.
pub(super) struct Fields<'a>(pub &'a [(u8, Text)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields: Vec<(u32, u8, &str)> = self
            .0
            .iter()
            .map(|(number, value)| (in_text_order(*number), *number, &**value))
            .collect();
        fields.sort_unstable();
        to.collect_map(
            fields
                .iter()
                .map(|(_, number, value)| (number, Figure(value))),
        )
    }
}

/// A number that sorts as the decimal digits of this one do: 1, 10, 100, 101, 11, 2.
fn in_text_order(number: u8) -> u32 {
    let (number, digits) = match u32::from(number) {
        n @ 0..10 => (n * 100, 1),
        n @ 10..100 => (n * 10, 2),
        n => (n, 3),
    };
    number * 4 + digits
}

/// The value of a field, cleaned as it is written.
pub(super) struct Figure<'a>(pub &'a str);

impl Serialize for Figure<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Clean(&figure(self.0)).serialize(to)
    }
}

/// Data objects.
pub(super) struct Tags<'a>(pub &'a [Tag]);

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(One))
    }
}

struct One<'a>(&'a Tag);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let tag = self.0;
        let mut map = to.serialize_map(None)?;
        let from = if tag.sent { "reader" } else { "card" };
        if let TagValue::Card { number, expiry } = &tag.value {
            map.serialize_entry("card", &Clean(&number.masked))?;
            let expiry = expiry.map(|e| String::from_utf8_lossy(&e).into_owned());
            map.serialize_entry("expiry", &expiry.as_deref().map(Clean))?;
        }
        map.serialize_entry("from", from)?;
        if let TagValue::Hidden(length) = &tag.value {
            map.serialize_entry("hidden_bytes", length)?;
        }
        map.serialize_entry("tag", &tag_name(tag.tag))?;
        if let TagValue::Bytes(bytes) = &tag.value {
            map.serialize_entry("value", &hex(bytes))?;
        }
        map.end()
    }
}

/// Upper-case hex, two digits at least.
fn tag_name(tag: u32) -> Text {
    let mut out = Text::default();
    // Writing into text does not fail.
    let _ = write!(out, "{tag:02X}");
    out
}

/// The two hexadecimal digits of a byte.
fn digits(byte: u8) -> [char; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [byte >> 4, byte & 15].map(|half| char::from(DIGITS[usize::from(half)]))
}

/// Upper case without spaces. A cryptogram may have the form of a card number by chance (some 2 in 100,000 do): as no one who
/// reads a report can tell, its middle is hidden as well.
pub(in crate::report) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.extend(digits(*byte));
    }
    if (7..=9).contains(&bytes.len()) {
        return figure(&out).into_owned();
    }
    out
}

/// A figure that is no card number, as it may be shown: where it has the form of one, its middle is hidden all the same.
pub(super) fn figure(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    if (13..=19).contains(&out.len()) && out.bytes().all(|b| b.is_ascii_digit()) {
        let digits: Vec<u8> = out.bytes().map(|b| b - b'0').collect();
        if sensitive::is_card_number(&digits) {
            let (first, last) = sensitive::kept_digits(digits.len());
            let tail = out.len() - last;
            out.to_mut()
                .replace_range(first..tail, &"*".repeat(tail - first));
        }
    }
    out
}
