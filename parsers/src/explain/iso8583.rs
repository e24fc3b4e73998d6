//! Explains an ISO 8583 message: framing, header, type, bitmap, and every field with its name and parts.

use super::{Node, Work, object};
use crate::damage::Damage;
use crate::protocol::codes;
use crate::protocol::iso8583::framing::HeaderForm;
use crate::protocol::iso8583::message::{Message, Shown, Value};
use crate::protocol::iso8583::{Located, locate, names, subfields};
use crate::sensitive::{self, Span};

/// Without fields nothing says where a card number begins in a row of digits: whatever could be one is hidden.
fn hide_numbers(work: &mut Work<'_>) {
    let nibbles: Vec<u8> = work.bytes.iter().flat_map(|b| [b >> 4, b & 0xF]).collect();
    for start in 0..nibbles.len() {
        for length in 13..=19 {
            let Some(digits) = nibbles.get(start..start + length) else {
                break;
            };
            if digits.iter().all(|d| *d < 10) && sensitive::is_card_number(digits) {
                let (first, last) = sensitive::kept_digits(length);
                work.hidden.push(Span {
                    start: start + first,
                    end: start + length - last,
                });
            }
        }
    }
}

/// The tree of a message; without one, says so.
pub(super) fn message(work: &mut Work<'_>) -> Node {
    let bytes = work.bytes;
    let Some(found) = locate(bytes) else {
        hide_numbers(work);
        return Node::new("ISO 8583 message", "ISO 8583报文")
            .at(0, bytes.len())
            .faulty(Some(Damage {
                code: "iso8583_none",
                offset: 0,
                expected: "a message in a known dialect",
            }));
    };
    let message = &found.message;
    let management = message.field(60).and_then(|v| {
        let text = v.digits().into_owned();
        subfields::part(message.dialect.family, 60, &text, "60.3").map(str::to_owned)
    });
    let management = management.or_else(|| message.text(70).map(std::borrow::Cow::into_owned));
    let code = message.text(3);
    let purpose = names::purpose(message.mti, code.as_deref(), management.as_deref());
    let (en, zh) = message.dialect.title;
    let mut children = framing(&found);
    children.push(type_indicator(&found));
    children.push(bitmap(&found));
    for value in &message.fields {
        children.push(field(work, &found, value));
    }
    let end = found.offset + message.consumed;
    let mut node = Node::new("ISO 8583 message", "ISO 8583报文")
        .says(
            format!("{} ({en})", purpose.0),
            format!("{}（{zh}）", purpose.1),
        )
        .at(0, bytes.len());
    if let Some((number, damage)) = message.damage {
        node = node.faulty(Some(Damage {
            offset: found.offset + damage.offset,
            ..damage
        }));
        let (en, zh) = names::field(number);
        children.push(
            Node::new(
                format!("From field {number} ({en}) on: not readable"),
                format!("第{number}域（{zh}）起无法解析"),
            )
            .at(end, bytes.len().saturating_sub(end)),
        );
        // Nothing is known of these bytes, so nothing of them is shown.
        work.hidden
            .push(nibbles(end, bytes.len().saturating_sub(end)));
    } else if end < bytes.len() {
        children
            .push(Node::new("Bytes behind the message", "报文后的数据").at(end, bytes.len() - end));
    }
    node.with(children)
}

fn nibbles(offset: usize, length: usize) -> Span {
    Span {
        start: offset * 2,
        end: (offset + length) * 2,
    }
}

fn framing(found: &Located<'_>) -> Vec<Node> {
    let mut nodes = Vec::new();
    if found.header_offset > 0 {
        let name = found.wire.length.name();
        nodes.push(
            Node::new("Length", "报文长度")
                .says(name, name)
                .at(0, found.header_offset),
        );
    }
    if found.wire.header == HeaderForm::None {
        return nodes;
    }
    let at = found.header_offset;
    let mut header = Node::new("Header", "报文头")
        .says(found.wire.header.name(), found.wire.header.name())
        .at(at, found.header.raw.len());
    if found.header.tpdu.is_some() {
        header.children.push(
            Node::new(
                "TPDU: kind, destination, source",
                "TPDU：标识、目的地址、源地址",
            )
            .at(at, 5),
        );
    }
    if let Some(demand) = found.header.processing_demand {
        let (en, zh) = names::processing_demand(demand);
        header.children.push(
            Node::new(
                format!("Processing demand {demand}"),
                format!("处理要求 {demand}"),
            )
            .says(en, zh),
        );
    }
    if let Some(code) = found.header.reject_code {
        let text = String::from_utf8_lossy(code).into_owned();
        header
            .children
            .push(Node::new("Reject code", "拒绝码").says(text.clone(), text));
    }
    nodes.push(header);
    nodes
}

fn type_indicator(found: &Located<'_>) -> Node {
    let message = &found.message;
    let (en, zh) = names::message_type(message.mti);
    let length = match message.dialect.mti {
        crate::protocol::iso8583::dialect::Digits::Bcd => 2,
        _ => 4,
    };
    Node::new(
        format!("Message type {:04}", message.mti),
        format!("报文类型 {:04}", message.mti),
    )
    .says(en, zh)
    .at(found.offset, length)
}

fn bitmap(found: &Located<'_>) -> Node {
    let message = &found.message;
    let numbers: Vec<String> = (1..=128u32)
        .filter(|n| message.bitmap & (1 << (128 - n)) != 0)
        .map(|n| n.to_string())
        .collect();
    let list = numbers.join(" ");
    Node::new("Bitmap", "位图").says(list.clone(), list)
}

fn field(work: &mut Work<'_>, found: &Located<'_>, value: &Value<'_>) -> Node {
    let (en, zh) = names::field(value.number);
    let offset = found.offset + value.offset;
    let length = value.raw.len();
    let node = Node::new(
        format!("F{} {en}", value.number),
        format!("F{} {zh}", value.number),
    )
    .at(offset, length);
    if is_secret(&found.message, value) {
        work.hidden.push(nibbles(offset, length));
        return node.says("hidden", "已隐藏");
    }
    if value.number == 2 {
        work.hidden.push(nibbles(offset, length));
        let digits = value.digits();
        let shown = mask(&digits);
        return node.says(shown.clone(), shown);
    }
    if value.number == 55 {
        let (children, fault) = object::objects(work, offset, length);
        return node.with(children).faulty(fault);
    }
    let text = match value.shown() {
        Shown::Text(text) => text.into_owned(),
        Shown::Foreign(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Shown::Bytes(_) => return node,
    };
    let safe = scrub(&text);
    if safe != text {
        work.hidden.push(nibbles(offset, length));
    }
    let children = subfields::parts(found.message.dialect.family, value.number, &safe)
        .into_iter()
        .map(|part| {
            let mut child = Node::new(
                format!("{} {}", part.id, part.name.0),
                format!("{} {}", part.id, part.name.1),
            );
            let (en, zh) = part.meaning.unwrap_or(("", ""));
            child = child.says(
                [part.value, en].join(" ").trim_end().to_owned(),
                [part.value, zh].join(" ").trim_end().to_owned(),
            );
            child
        })
        .collect();
    let (more_en, more_zh) = meaning(value.number, safe.trim());
    node.says(
        [safe.trim_end(), &more_en].join(" ").trim_end().to_owned(),
        [safe.trim_end(), &more_zh].join(" ").trim_end().to_owned(),
    )
    .with(children)
}

/// What the shared tables say of a coded field.
fn meaning(number: u8, text: &str) -> (String, String) {
    match number {
        39 => codes::response_code(text)
            .map(|c| (format!("({})", c.en), format!("（{}）", c.zh)))
            .unwrap_or_default(),
        49..=51 => {
            let currency = match text.parse() {
                Ok(number) => codes::currency(number),
                Err(_) => codes::currency_by_letters(text.as_bytes()),
            };
            currency
                .map(|c| (format!("({})", c.as_str()), format!("（{}）", c.as_str())))
                .unwrap_or_default()
        }
        _ => (String::new(), String::new()),
    }
}

/// Tracks, PIN blocks, extended numbers, working keys, and the terminal's whereabouts.
fn is_secret(message: &Message<'_>, value: &Value<'_>) -> bool {
    let class = message.mti / 100 % 10;
    match value.number {
        34 | 35 | 36 | 45 | 52 => true,
        48 | 62 => class == 8,
        59 => message.dialect.family == "bcd-unionpay-pos",
        _ => false,
    }
}

/// First six and last four digits.
fn mask(digits: &str) -> String {
    let n = digits.len();
    digits
        .char_indices()
        .map(|(at, c)| {
            if n >= 13 && (at < 6 || at + 4 >= n) {
                c
            } else {
                '*'
            }
        })
        .collect()
}

fn scrub(text: &str) -> String {
    let mut spans = Vec::new();
    sensitive::in_text(text.as_bytes(), &mut spans);
    if spans.is_empty() {
        return text.to_owned();
    }
    text.char_indices()
        .map(|(at, c)| {
            if spans.iter().any(|s| (s.start..s.end).contains(&at)) {
                '*'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Context, Kind, explain, guess};

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes()
            .chunks(2)
            .map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn a_tap_is_explained_and_its_card_number_is_not_shown() {
        let mut b = bytes("6000030000603100311003");
        b.extend(bytes("0200"));
        b.extend(
            [2u32, 3, 4, 11, 22, 25, 41, 42, 49, 60]
                .iter()
                .fold(0u64, |m, f| m | 1 << (64 - f))
                .to_be_bytes(),
        );
        b.extend(bytes("166212340000001232"));
        b.extend(bytes("000000000000001500000123072000"));
        b.extend(b"10000019100000000000001156");
        b.extend(bytes("001422000024000600"));
        let mut framed = u16::try_from(b.len()).unwrap().to_be_bytes().to_vec();
        framed.extend(b);
        assert_eq!(guess(&framed).first(), Some(&Kind::Iso8583));
        let node = explain(Kind::Iso8583, &framed, Context::default());
        let all = format!("{node:?}");
        assert!(all.contains("621234******1232"), "{all}");
        assert!(!all.contains("6212340000001232"));
        assert!(all.contains("chip, contactless"));
        assert!(all.contains("CNY"));
        assert!(all.contains("purchase"));
    }
}
