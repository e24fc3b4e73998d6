//! Turns an event's masked JSON into decoded lines: fields, data objects and bits with their names.

use serde_json::Value;
use tapscope_parsers::explain::{Context, Kind, Node, explain};
use tapscope_parsers::protocol::codes;
use tapscope_parsers::protocol::emv::tags;
use tapscope_parsers::protocol::iso7816;
use tapscope_parsers::protocol::iso8583::names;

use crate::report::EventRow;

/// How much of an event is unfolded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// What is telling at a glance.
    Brief,
    /// Every field and data object.
    Decoded,
    /// That, and the bytes.
    Whole,
}

/// One decoded thing: what it is, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub name: String,
    pub value: String,
}

fn decoded(name: impl Into<String>, value: impl Into<String>) -> Decoded {
    Decoded {
        name: name.into(),
        value: value.into(),
    }
}

/// Data objects that tell much at a glance, whoever sent them.
const TELLING: &[u32] = &[
    0x57, 0x5A, 0x8A, 0x95, 0x9F27, 0x9F34, 0x9F6C, 0x9F6D, 0x5F24, 0xDF8115, 0xDF8129,
];

/// Commands whose answers have a meaning of their own, by the names of the events table.
const KINDS: &[(&str, iso7816::Kind)] = &[
    ("SELECT PPSE", iso7816::Kind::SelectPpse),
    ("SELECT PSE", iso7816::Kind::SelectPse),
    ("SELECT", iso7816::Kind::SelectAid),
    (
        "GET PROCESSING OPTIONS",
        iso7816::Kind::GetProcessingOptions,
    ),
    ("READ RECORD", iso7816::Kind::ReadRecord),
    ("GENERATE AC", iso7816::Kind::GenerateAc),
    ("GET DATA", iso7816::Kind::GetData),
    ("VERIFY", iso7816::Kind::Verify),
    ("EXTERNAL AUTHENTICATE", iso7816::Kind::ExternalAuthenticate),
    ("INTERNAL AUTHENTICATE", iso7816::Kind::InternalAuthenticate),
];

/// Decodes an event. `kernel` says which meaning the scheme's own tags have.
pub(crate) fn unfold(
    event: &EventRow,
    depth: Depth,
    kernel: Option<u32>,
    zh: bool,
) -> Vec<Decoded> {
    let Ok(detail) = serde_json::from_str::<Value>(&event.detail) else {
        return Vec::new();
    };
    match event.kind.as_str() {
        "apdu" => apdu(&detail, depth, kernel, zh),
        "iso8583" => message(&detail, depth, kernel, zh),
        _ if depth == Depth::Brief => Vec::new(),
        _ => plain_fields(&detail),
    }
}

fn text<'v>(detail: &'v Value, key: &str) -> Option<&'v str> {
    detail
        .get(key)
        .and_then(Value::as_str)
        .filter(|t| !t.is_empty())
}

fn apdu(detail: &Value, depth: Depth, kernel: Option<u32>, zh: bool) -> Vec<Decoded> {
    let mut lines = Vec::new();
    if depth == Depth::Whole {
        if let Some(hex) = text(detail, "command_hex") {
            lines.push(decoded("→", hex));
        }
        if let Some(hex) = text(detail, "answer_hex") {
            lines.push(decoded("←", hex));
        }
    }
    let sw = text(detail, "sw").and_then(|sw| u16::from_str_radix(sw, 16).ok());
    if let Some(sw) = sw.filter(|sw| *sw != 0x9000) {
        let name = text(detail, "command").unwrap_or_default();
        let kind = KINDS.iter().find(|(known, _)| *known == name);
        let known = iso7816::explain(kind.map(|(_, kind)| *kind), sw);
        let meaning = known.map_or("", |known| if zh { known.zh } else { known.en });
        let meaning = if meaning.is_empty() {
            if zh { "未知" } else { "not known" }
        } else {
            meaning
        };
        lines.push(decoded(format!("SW {sw:04X}"), meaning));
    }
    lines.extend(objects(detail, depth, kernel, zh));
    lines
}

fn message(detail: &Value, depth: Depth, kernel: Option<u32>, zh: bool) -> Vec<Decoded> {
    let mut lines = Vec::new();
    let mut fields: Vec<(u8, &str)> = detail
        .get("fields")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(number, value)| Some((number.parse().ok()?, value.as_str()?)))
        .collect();
    fields.sort_unstable();
    let mti = text(detail, "mti").unwrap_or_default();
    for (number, value) in fields {
        let meaning = field_meaning(mti, number, value, zh);
        // The summary has the numbers already; what they mean it has not.
        let telling = matches!(number, 22 | 39) && !meaning.is_empty() || number == 44;
        if depth == Depth::Brief && !telling {
            continue;
        }
        let (en, zh_name) = names::field(number);
        let name = format!("F{number} {}", if zh { zh_name } else { en });
        let value = match (meaning.is_empty(), zh) {
            (true, _) => value.to_owned(),
            (false, true) => format!("{value}：{meaning}"),
            (false, false) => format!("{value}: {meaning}"),
        };
        lines.push(decoded(name, value));
    }
    if depth > Depth::Brief {
        if let Some(dialect) = text(detail, "dialect") {
            lines.push(decoded(if zh { "方言" } else { "dialect" }, dialect));
        }
        if detail.get("pin_present").and_then(Value::as_bool) == Some(true) {
            let (name, value) = if zh {
                ("F52", "有PIN数据，不显示")
            } else {
                ("F52", "a PIN block is there, and is not shown")
            };
            lines.push(decoded(name, value));
        }
    }
    if let Some(damage) = text(detail, "damage") {
        lines.push(decoded(if zh { "损坏" } else { "damage" }, damage));
    }
    lines.extend(objects(detail, depth, kernel, zh));
    lines
}

fn field_meaning(mti: &str, number: u8, value: &str, zh: bool) -> String {
    let choose = |en: &str, zh_text: &str| {
        let chosen = if zh && !zh_text.is_empty() {
            zh_text
        } else {
            en
        };
        chosen.to_owned()
    };
    match number {
        22 => codes::entry_mode(value).map(|mode| choose(mode.en, mode.zh)),
        39 if mti == "0400" => {
            codes::reversal_response_code(value).map(|reason| choose(reason.en, reason.zh))
        }
        39 => codes::response_code(value).map(|code| choose(code.en, code.zh)),
        49 => value
            .parse()
            .ok()
            .and_then(codes::currency)
            .map(|currency| currency.as_str().to_owned()),
        _ => None,
    }
    .unwrap_or_default()
}

/// Data objects of the card dialogue or of field 55.
fn objects(detail: &Value, depth: Depth, kernel: Option<u32>, zh: bool) -> Vec<Decoded> {
    let mut lines: Vec<Decoded> = Vec::new();
    let list = detail.get("tags").and_then(Value::as_array);
    for object in list.into_iter().flatten() {
        let Some(tag) = text(object, "tag").and_then(|t| u32::from_str_radix(t, 16).ok()) else {
            continue;
        };
        if depth == Depth::Brief && !TELLING.contains(&tag) {
            continue;
        }
        if let Some(line) = data_object(object, tag, depth, kernel, zh)
            && !lines.contains(&line)
        {
            lines.push(line);
        }
    }
    lines
}

fn data_object(
    object: &Value,
    tag: u32,
    depth: Depth,
    kernel: Option<u32>,
    zh: bool,
) -> Option<Decoded> {
    let name = |length: Option<usize>| {
        let info = tags::lookup(tag, kernel, length);
        let name = info.map_or("", |info| if zh { info.zh } else { info.en });
        format!("{tag:02X} {name}").trim_end().to_owned()
    };
    if let Some(card) = text(object, "card") {
        let value = match text(object, "expiry") {
            Some(expiry) if expiry.len() == 4 => {
                let (year, month) = expiry.split_at(2);
                let word = if zh { "有效期" } else { "expires" };
                format!("{card}, {word} 20{year}-{month}")
            }
            _ => card.to_owned(),
        };
        return Some(decoded(name(None), value));
    }
    if let Some(count) = object.get("hidden_bytes").and_then(Value::as_u64) {
        let value = if zh {
            format!("{count}字节，不显示")
        } else {
            format!("{count} bytes, not shown")
        };
        return (depth > Depth::Brief).then(|| decoded(name(None), value));
    }
    let hex = text(object, "value")?;
    let bytes = unhex(hex)?;
    // Nothing set: nothing to tell at a glance.
    if depth == Depth::Brief && bytes.iter().all(|byte| *byte == 0) {
        return None;
    }
    let context = Context {
        kernel,
        ..Context::default()
    };
    let node = explain(Kind::Value(tag), &bytes, context);
    let said = says(&node, zh);
    let value = if said.is_empty() {
        node.hex
    } else {
        format!("{}: {said}", node.hex)
    };
    Some(decoded(name(Some(bytes.len())), value))
}

/// What a node and its parts say, on one line.
fn says(node: &Node, zh: bool) -> String {
    let meaning = |node: &Node| {
        let chosen = if zh && !node.meaning_zh.is_empty() {
            &node.meaning_zh
        } else {
            &node.meaning_en
        };
        chosen.clone()
    };
    let mut parts = vec![meaning(node)];
    for child in &node.children {
        let mut part = meaning(child);
        if part.is_empty() {
            part = if zh && !child.label_zh.is_empty() {
                child.label_zh.clone()
            } else {
                child.label_en.clone()
            };
            if !child.hex.is_empty() {
                part = format!("{part} {}", child.hex);
            }
        }
        parts.push(part);
    }
    parts.retain(|part| !part.is_empty());
    parts.join(if zh { "；" } else { "; " })
}

/// Numbers, texts and yeses; what is zero, empty or no is left out.
fn plain_fields(detail: &Value) -> Vec<Decoded> {
    let mut lines = Vec::new();
    for (name, value) in detail.as_object().into_iter().flatten() {
        let value = match value {
            Value::String(text) if !text.is_empty() && name != "text" => text.clone(),
            Value::Number(number) if number.as_f64() != Some(0.0) => number.to_string(),
            Value::Bool(true) => "true".to_owned(),
            Value::Object(fields) if !fields.is_empty() => fields
                .iter()
                .map(|(name, value)| {
                    let value = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    format!("{name}={value}")
                })
                .collect::<Vec<_>>()
                .join(", "),
            Value::Array(items) if !items.is_empty() => items
                .iter()
                .map(|item| {
                    item.get("frame")
                        .or(item.get("line"))
                        .unwrap_or(item)
                        .to_string()
                })
                .collect::<Vec<_>>()
                .join(" "),
            _ => continue,
        };
        lines.push(decoded(name.replace('_', " "), value));
    }
    lines
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| {
        digits
            .chunks(2)
            .map(|p| p.iter().fold(0, |b, d| b << 4 | d))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{Depth, unfold};
    use crate::event::Text;
    use crate::report::EventRow;

    fn event(kind: &str, detail: &str) -> EventRow {
        EventRow {
            tx_id: None,
            seq: 1,
            at: None,
            at_source: None,
            source_id: 0,
            kind: Text::new(kind),
            locator: Text::new("log:1"),
            step: None,
            summary: Text::default(),
            detail: Text::new(detail),
        }
    }

    fn lines(kind: &str, detail: &str, depth: Depth, zh: bool) -> Vec<String> {
        unfold(&event(kind, detail), depth, None, zh)
            .into_iter()
            .map(|line| format!("{} = {}", line.name, line.value))
            .collect()
    }

    #[test]
    fn a_card_answer_says_what_matters() {
        let detail = r#"{"command":"GENERATE AC","sw":"6985","command_hex":"80AE8000","answer_hex":"6985",
            "tags":[{"tag":"95","from":"reader","value":"0000008000"},{"tag":"9F36","from":"card","value":"0011"},
            {"tag":"5A","from":"card","card":"621234******1234","expiry":"2809"},{"tag":"9F27","from":"card","value":"00"}]}"#;
        let brief = lines("apdu", detail, Depth::Brief, false);
        assert!(
            brief.contains(
                &"95 Terminal verification results = 0000008000: Transaction exceeds floor limit"
                    .to_owned()
            ),
            "{brief:?}"
        );
        assert!(brief.iter().any(|l| l.starts_with("SW 6985 = ")));
        assert!(
            brief
                .iter()
                .any(|l| l.starts_with("5A ") && l.ends_with("621234******1234, expires 2028-09"))
        );
        // Nothing set, and nothing that tells at a glance.
        assert!(
            !brief
                .iter()
                .any(|l| l.starts_with("9F27") || l.starts_with("9F36"))
        );
        let whole = lines("apdu", detail, Depth::Whole, false);
        assert!(whole.contains(&"→ = 80AE8000".to_owned()));
        assert!(whole.iter().any(|l| l.starts_with("9F36 ")));
    }

    #[test]
    fn a_message_says_what_its_codes_mean() {
        let detail = r#"{"mti":"0210","dialect":"bcd-unionpay-pos","fields":{"39":"51","4":"000000001234","22":"072"},"tags":[],"pin_present":true}"#;
        let brief = lines("iso8583", detail, Depth::Brief, false);
        assert_eq!(brief.len(), 2, "{brief:?}");
        assert!(
            brief
                .iter()
                .any(|l| l.starts_with("F39 ") && l.contains("51: "))
        );
        let whole = lines("iso8583", detail, Depth::Decoded, true);
        assert!(
            whole
                .iter()
                .any(|l| l.starts_with("F4 ") && l.ends_with("000000001234"))
        );
        assert!(whole.iter().any(|l| l.contains("不显示")));
    }

    #[test]
    fn damaged_json_is_no_reason_to_stop() {
        assert!(lines("apdu", "{", Depth::Whole, false).is_empty());
        assert_eq!(
            lines(
                "tcp",
                r#"{"syn_count":3,"refused":false,"rtt_us":null}"#,
                Depth::Decoded,
                false
            ),
            ["syn count = 3"]
        );
    }
}
