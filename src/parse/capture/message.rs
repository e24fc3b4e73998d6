//! A message cut from a connection as an event: fields masked at the edge, keys filled.

use tapscope_parsers::protocol::codes;
use tapscope_parsers::protocol::iso8583::message::{Message, Shown, Value};
use tapscope_parsers::protocol::iso8583::subfields;
use tapscope_parsers::{hex, sensitive};

use super::payload::Cut;
use crate::event::{IsoMessage, Keys, Place, Tag, TagValue, Text};
use crate::parse::edge::Edge;

/// Fields that never stand in an event, whatever they hold: card number, tracks, PIN block, field 55 (its data objects
/// stand beside the fields), extended card number.
const NEVER: [u8; 7] = [2, 34, 35, 36, 45, 52, 55];

/// Builds the event's message and keys.
pub(super) fn build(cut: &Cut<'_>, flow: u64, edge: &Edge) -> (IsoMessage, Keys) {
    let message = &cut.message;
    let request = (message.mti / 10).is_multiple_of(2);
    let tags = message
        .field(55)
        .map(|v| chip_data(v.raw, request, edge))
        .unwrap_or_default();
    let mut keys = keys(message, &tags, edge);
    let damage = damage(message, cut, edge);
    let mut fields = Vec::with_capacity(message.fields.len());
    for value in &message.fields {
        if !NEVER.contains(&value.number) && !is_secret(message, value) {
            fields.push((value.number, field(message, value, edge)));
        }
    }
    if damage.is_some() && mask_torn(&mut fields, edge) {
        keys.terminal = None;
        keys.merchant = None;
    }
    let iso = IsoMessage {
        mti: message.mti,
        fields,
        tags,
        pin_present: message.field(52).is_some(),
        dialect: message.dialect.name,
        flow,
        frames: cut
            .frames
            .iter()
            .skip(1)
            .map(|f| Place::Frame(*f))
            .collect(),
        processing_demand: cut.header.processing_demand,
        damage,
        inner_time: None,
        acked_after_micros: None,
    };
    (iso, keys)
}

/// In a damaged message a card number may stand where terminal (41) and merchant (42) are looked for, a part in each. True where it did.
fn mask_torn(fields: &mut [(u8, Text)], edge: &Edge) -> bool {
    let Some(at) = fields
        .windows(2)
        .position(|two| matches!(two, [(41, _), (42, _)]))
    else {
        return false;
    };
    let Some([(_, terminal), (_, merchant)]) = fields.get_mut(at..at + 2) else {
        return false;
    };
    let joined = format!("{terminal}{merchant}");
    let masked = edge.text(&joined);
    let torn =
        *masked != *joined && *masked != *format!("{}{}", edge.text(terminal), edge.text(merchant));
    if torn {
        *terminal = Text::new("…");
        *merchant = masked;
    }
    torn
}

/// Data objects of field 55; some hosts write them as hexadecimal characters.
fn chip_data(raw: &[u8], request: bool, edge: &Edge) -> Vec<Tag> {
    let written =
        raw.len() >= 8 && raw.len().is_multiple_of(2) && raw.iter().all(u8::is_ascii_hexdigit);
    match written.then(|| hex::decode_all(raw)).flatten() {
        Some(bytes) => edge.tags(&bytes, request),
        None => edge.tags(raw, request),
    }
}

/// Keys and personal data that have no use as evidence: working keys in sign-in answers, key blocks, and the terminal's
/// SIM, position and base stations in field 59. Parameters that a terminal downloads are evidence.
fn is_secret(message: &Message<'_>, value: &Value<'_>) -> bool {
    let management = message.mti / 100 % 10 == 8;
    match value.number {
        62 => management && !is_download(message),
        48 => management,
        59 => union_pay(message),
        _ => false,
    }
}

fn union_pay(message: &Message<'_>) -> bool {
    message.dialect.family == "bcd-unionpay-pos"
}

/// Parameters, authority keys (public ones) and terminal status of UnionPay terminals: field 60.3 is 36x, 37x, 38x.
fn is_download(message: &Message<'_>) -> bool {
    let code = message.field(60).map(|v| v.digits().into_owned());
    union_pay(message) && code.is_some_and(|c| matches!(c.get(8..10), Some("36" | "37" | "38")))
}

/// A field as it may be shown. A batch upload packs card numbers among other digits: they are masked where they stand.
fn field(message: &Message<'_>, value: &Value<'_>, edge: &Edge) -> Text {
    if value.number == 48 && union_pay(message) && message.mti / 100 % 10 == 3 {
        let digits = value.digits();
        let Some(cards) = subfields::batch_cards(&digits) else {
            if digits.len() < 13 {
                return Text::new(&digits);
            }
            return Text::from(format!("{} digits", digits.len()));
        };
        let mut out = Text::default();
        let mut from = 0;
        for card in cards {
            let number = digits[card.clone()].trim_start_matches('0');
            out.push_str(&digits[from..card.start]);
            out.push_str(&edge.card(number.as_bytes()).masked);
            from = card.end;
        }
        out.push_str(&digits[from..]);
        return out;
    }
    shown(value, edge)
}

fn damage(message: &Message<'_>, cut: &Cut<'_>, edge: &Edge) -> Option<Text> {
    let mut text = String::new();
    if let Some((field, damage)) = &message.damage {
        text = format!(
            "{} in field {field} at byte {}: expected {}",
            damage.code, damage.offset, damage.expected
        );
    }
    if let Some(why) = cut.cut {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(why);
    }
    // Not damage of the message, but the network's word that it did not take it.
    if let Some(code) = cut.header.reject_code.filter(|c| *c != b"00000") {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str("rejected by the network with code ");
        text.push_str(&edge.bytes_as_text(code));
    }
    (!text.is_empty()).then(|| text.into())
}

fn shown(value: &Value<'_>, edge: &Edge) -> Text {
    match value.shown() {
        // Too short for a card number, and digits that are none by length, range or check digit, need no second look.
        Shown::Text(text) if text.len() < 13 && text.bytes().all(|b| (0x20..0x7F).contains(&b)) => {
            Text::new(text.trim_end())
        }
        Shown::Text(text)
            if text.len() <= 19
                && text.bytes().all(|b| b.is_ascii_digit())
                && !sensitive::is_card_number(&digit_values(&text)[..text.len()]) =>
        {
            Text::new(text)
        }
        Shown::Text(text) => edge.text(text.trim_end()),
        Shown::Foreign(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => edge.text(text.trim_end()),
            Err(_) => edge.text(
                encoding_rs::GB18030
                    .decode_without_bom_handling(bytes)
                    .0
                    .trim_end(),
            ),
        },
        Shown::Bytes(bytes) => edge.hex(bytes),
    }
}

fn digit_values(text: &str) -> [u8; 19] {
    let mut values = [0; 19];
    for (value, byte) in values.iter_mut().zip(text.bytes()) {
        *value = byte.wrapping_sub(b'0');
    }
    values
}

fn keys(message: &Message<'_>, tags: &[Tag], edge: &Edge) -> Keys {
    let text = |number: u8| {
        message
            .text(number)
            .filter(|t| !t.is_empty() && !t.bytes().all(|b| b == b'0'))
            .map(|t| match t.len() {
                ..13 if t.bytes().all(|b| (0x20..0x7F).contains(&b)) => Text::new(&t),
                _ => edge.text(&t),
            })
    };
    let mut keys = Keys {
        terminal: text(41),
        merchant: text(42),
        stan: message
            .field(11)
            .and_then(Value::number)
            .and_then(|n| u32::try_from(n).ok()),
        rrn: text(37),
        auth_code: text(38),
        amount_minor: message
            .field(4)
            .and_then(Value::number)
            .and_then(|n| i64::try_from(n).ok()),
        currency: message.text(49).and_then(|t| currency(&t)),
        batch: batch(message),
        card: card(message, edge).map(Box::new),
        ..Keys::default()
    };
    keys.cryptogram = number(tags, 0x9F26).filter(|n| *n != 0);
    keys.unpredictable_number = number(tags, 0x9F37).and_then(|n| u32::try_from(n).ok());
    keys.atc = number(tags, 0x9F36).and_then(|n| u16::try_from(n).ok());
    keys
}

fn number(tags: &[Tag], wanted: u32) -> Option<u64> {
    tags.iter().find_map(|tag| match &tag.value {
        TagValue::Bytes(bytes) if tag.tag == wanted && bytes.len() <= 8 => {
            Some(bytes.iter().fold(0u64, |n, b| n << 8 | u64::from(*b)))
        }
        _ => None,
    })
}

/// Field 2, else the number in track 2.
fn card(message: &Message<'_>, edge: &Edge) -> Option<crate::event::CardNumber> {
    let digits = if let Some(v) = message.field(2) {
        v.digits().into_owned()
    } else {
        let track = message.field(35)?.digits().into_owned();
        let end = track.find(['=', 'D'])?;
        track[..end].to_owned()
    };
    // Filler of odd numbers in the wild.
    let digits = digits.trim_end_matches('F');
    (12..=19)
        .contains(&digits.len())
        .then(|| edge.card(digits.as_bytes()))
}

/// Field 60.2 of UnionPay terminals: digits 3 to 8.
fn batch(message: &Message<'_>) -> Option<u32> {
    if message.dialect.family != "bcd-unionpay-pos" {
        return None;
    }
    message.field(60)?.digits().get(2..8)?.parse().ok()
}

/// ISO 4217 letters of field 49, by number or as they stand.
fn currency(text: &str) -> Option<[u8; 3]> {
    let known = match text.parse() {
        Ok(number) => codes::currency(number),
        Err(_) => codes::currency_by_letters(text.as_bytes()),
    };
    known.map(|c| c.letters)
}
