//! Names what an ISO 8583 message and its fields are, for the events table.

use serde_json::{Map, Value, json};
use tapscope_parsers::hex;
use tapscope_parsers::protocol::emv::tlv;
use tapscope_parsers::protocol::iso8583::{names, subfields};

use super::clean::clean;
use crate::event::IsoMessage;

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
pub(super) fn parts(message: &IsoMessage) -> Value {
    let mut out = Map::new();
    for (number, text) in &message.fields {
        for part in subfields::parts(message.dialect, *number, text) {
            out.insert(
                part.id.to_owned(),
                json!({
                    "name": part.name.0, "value": clean(part.value),
                    "meaning": part.meaning.map(|m| m.0),
                }),
            );
        }
    }
    if let Some(bytes) = message
        .field(62)
        .and_then(|f| hex::decode_all(f.as_bytes()))
    {
        let objects: Vec<Value> = tlv::walk(&bytes)
            .filter(|o| !o.constructed)
            .take(MAX_OBJECTS)
            .map(|o| json!({"tag": format!("{:02X}", o.tag), "value": super::detail::hex(o.value)}))
            .collect();
        if objects.len() > 1 {
            out.insert("62".to_owned(), Value::Array(objects));
        }
    }
    Value::Object(out)
}
