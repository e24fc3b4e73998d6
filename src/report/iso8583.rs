//! Names what an ISO 8583 message and its fields are, for the events table.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tapscope_parsers::hex;
use tapscope_parsers::protocol::emv::tlv;
use tapscope_parsers::protocol::iso8583::{names, subfields};

use super::clean::clean;
use crate::event::{IsoMessage, Text};

/// Objects of one downloaded parameter set that are told.
const MAX_OBJECTS: usize = 64;

/// What the message is for: `sign in`, `purchase`, `chip card parameter download`.
pub(super) fn purpose(message: &IsoMessage) -> &'static str {
    let management = message.field(70).or_else(|| part(message, 60, "60.3"));
    names::purpose(message.mti, message.field(3), management).0
}

fn part<'m>(message: &'m IsoMessage, number: u8, id: &str) -> Option<&'m str> {
    subfields::part(message.dialect, number, message.field(number)?, id)
}

/// Parts of composite fields by their names, and what a terminal downloads.
pub(super) struct Parts<'a>(pub &'a IsoMessage);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let message = self.0;
        let fields = message.fields.iter();
        let mut parts: Vec<subfields::Part<'_>> = fields
            .flat_map(|(number, text)| subfields::parts(message.dialect, *number, text))
            .collect();
        // Sorted as text; of a name that comes twice the last value counts.
        parts.reverse();
        parts.sort_by_key(|part| part.id);
        parts.dedup_by_key(|part| part.id);
        let objects = message.field(62).map(downloaded).unwrap_or_default();
        let several = objects.len() > 1;
        let mut map = to.serialize_map(None)?;
        for part in parts.iter().filter(|part| part.id < "62") {
            map.serialize_entry(part.id, &One::of(part))?;
        }
        if several {
            map.serialize_entry("62", &objects)?;
        }
        for part in parts.iter().filter(|part| part.id >= "62") {
            map.serialize_entry(part.id, &One::of(part))?;
        }
        map.end()
    }
}

/// Fields in the order of the alphabet: the keys of every detail are sorted.
#[derive(Serialize)]
struct One {
    meaning: Option<&'static str>,
    name: &'static str,
    value: Text,
}

impl One {
    fn of(part: &subfields::Part<'_>) -> Self {
        Self {
            meaning: part.meaning.map(|m| m.0),
            name: part.name.0,
            value: clean(part.value),
        }
    }
}

/// Objects of a parameter set, where the field holds one.
fn downloaded(field: &str) -> Vec<Value> {
    let Some(bytes) = hex::decode_all(field.as_bytes()) else {
        return Vec::new();
    };
    tlv::walk(&bytes)
        .filter(|o| !o.constructed)
        .take(MAX_OBJECTS)
        .map(|o| json!({"tag": format!("{:02X}", o.tag), "value": super::detail::hex(o.value)}))
        .collect()
}
