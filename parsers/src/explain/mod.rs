//! Explains bytes as a tree that people can read: commands, answers, data objects, lists, bit fields, status words, in English and Chinese.
//!
//! The tree knows nothing of how it is shown. Every hex string in it is masked: card numbers to six and four, tracks, PINs and names hidden.
//! What cannot be placed is a node too: nothing is left out.

mod apdu;
mod guess;
mod iso8583;
mod object;
mod reset;
mod value;

use crate::damage::Damage;
use crate::protocol::iso7816;
use crate::sensitive::{self, Span};

pub use guess::guess;

/// One thing and what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// What it is, in English: `95 Terminal verification results`.
    pub label_en: String,
    /// What it is, in Chinese.
    pub label_zh: String,
    /// Its bytes in hex, masked; empty where the label says all.
    pub hex: String,
    /// What it says, in English; empty where the bytes or the children say it.
    pub meaning_en: String,
    /// What it says, in Chinese.
    pub meaning_zh: String,
    /// Its parts.
    pub children: Vec<Node>,
    /// What is wrong with it.
    pub fault: Option<Damage>,
    /// Where its bytes stand in the input: offset and length.
    pub place: Option<(usize, usize)>,
}

impl Node {
    fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            label_en: en.into(),
            label_zh: zh.into(),
            ..Self::default()
        }
    }

    fn at(mut self, offset: usize, length: usize) -> Self {
        self.place = Some((offset, length));
        self
    }

    fn says(mut self, en: impl Into<String>, zh: impl Into<String>) -> Self {
        self.meaning_en = en.into();
        self.meaning_zh = zh.into();
        self
    }

    fn with(mut self, children: Vec<Self>) -> Self {
        self.children = children;
        self
    }

    fn faulty(mut self, fault: Option<Damage>) -> Self {
        self.fault = self.fault.or(fault);
        self
    }
}

/// What bytes can be explained as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A command.
    Command,
    /// An answer: data and status word.
    Response,
    /// A string of data objects.
    Tlv,
    /// A data object list.
    Dol,
    /// The data sent by a data object list (given in the context).
    DolData,
    /// A status word.
    StatusWord,
    /// The value of a tag: bit fields, AFL, CVM list, AID, dates …
    Value(u32),
    /// An answer to reset of a contact card.
    Atr,
    /// An answer to select of a contactless card.
    Ats,
    /// An ISO 8583 message, with or without length and header.
    Iso8583,
    /// Bytes that nothing is known of.
    Unknown,
}

impl Kind {
    /// The kind of a name as a user writes it: `apdu`, `tlv`, `tvr`, `9F66` …
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Some(match name.as_str() {
            "apdu" | "command" | "capdu" => Self::Command,
            "response" | "rapdu" | "answer" => Self::Response,
            "tlv" => Self::Tlv,
            "atr" => Self::Atr,
            "ats" => Self::Ats,
            "dol" | "pdol" | "cdol" | "ddol" => Self::Dol,
            "iso8583" | "8583" | "iso" => Self::Iso8583,
            "sw" | "status" => Self::StatusWord,
            "tvr" => Self::Value(0x95),
            "tsi" => Self::Value(0x9B),
            "ttq" => Self::Value(0x9F66),
            "ctq" => Self::Value(0x9F6C),
            "aip" => Self::Value(0x82),
            "afl" => Self::Value(0x94),
            "cid" => Self::Value(0x9F27),
            "cvmr" | "cvm-results" => Self::Value(0x9F34),
            "cvml" | "cvm-list" => Self::Value(0x8E),
            "iad" | "cvr" => Self::Value(0x9F10),
            "auc" => Self::Value(0x9F07),
            "ops" | "outcome" => Self::Value(0xDF8129),
            "ei" | "error-indication" => Self::Value(0xDF8115),
            "ui" | "uird" => Self::Value(0xDF8116),
            "aid" => Self::Value(0x84),
            "track2" => Self::Value(0x57),
            "iac" | "tac" => Self::Value(0x9F0E),
            _ => {
                let tag = u32::from_str_radix(&name, 16).ok()?;
                crate::protocol::emv::tags::lookup(tag, None, None)?;
                Self::Value(tag)
            }
        })
    }

    /// Stable name.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Command => "apdu".to_owned(),
            Self::Response => "response".to_owned(),
            Self::Tlv => "tlv".to_owned(),
            Self::Dol => "dol".to_owned(),
            Self::DolData => "dol-data".to_owned(),
            Self::StatusWord => "sw".to_owned(),
            Self::Iso8583 => "iso8583".to_owned(),
            Self::Value(tag) => format!("{tag:X}"),
            Self::Atr => "atr".to_owned(),
            Self::Ats => "ats".to_owned(),
            Self::Unknown => "unknown".to_owned(),
        }
    }
}

/// What is known beside the bytes. Nothing of it is needed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// Number of the contactless kernel: 2, 3, 7 …
    pub kernel: Option<u32>,
    /// The command that an answer or a status word belongs to.
    pub command: Option<iso7816::Kind>,
    /// The list that sent data follow.
    pub dol: Option<&'a [u8]>,
}

/// Explains bytes as what they are said to be.
#[must_use]
pub fn explain(kind: Kind, bytes: &[u8], context: Context<'_>) -> Node {
    let mut work = Work {
        bytes,
        context,
        hidden: Vec::new(),
        nested: false,
    };
    sensitive::in_bytes(bytes, &mut work.hidden);
    let mut root = match kind {
        Kind::Command => apdu::command(&mut work),
        Kind::Response => apdu::response(&mut work),
        Kind::Tlv => {
            let (children, fault) = object::objects(&mut work, 0, bytes.len());
            Node::new("Data objects", "数据对象")
                .with(children)
                .faulty(fault)
        }
        Kind::Dol => object::list(
            bytes,
            0,
            context.kernel,
            Node::new("Data object list", "数据对象列表"),
        ),
        Kind::DolData => object::list_data(
            &mut work,
            context.dol.unwrap_or_default(),
            0,
            bytes.len(),
            Node::new("Data sent by a list", "按列表发送的数据"),
        ),
        Kind::StatusWord => apdu::status_word(bytes, 0, context.command),
        Kind::Value(tag) => object::primitive(&mut work, tag, 0, bytes.len()),
        Kind::Atr => reset::atr(&work),
        Kind::Ats => reset::ats(&work),
        Kind::Iso8583 => iso8583::message(&mut work),
        Kind::Unknown => Node::new("Unknown bytes", "未知数据"),
    };
    if root.place.is_none() {
        root.place = Some((0, bytes.len()));
    }
    sensitive::normalise(&mut work.hidden);
    let hex = masked_hex(bytes, &work.hidden);
    fill(&mut root, &hex);
    root
}

/// What one explanation works on.
struct Work<'a> {
    bytes: &'a [u8],
    context: Context<'a>,
    /// Nibbles to hide.
    hidden: Vec<Span>,
    /// Within the command of an issuer script: such a command is not looked into for further ones.
    nested: bool,
}

impl<'a> Work<'a> {
    fn slice(&self, offset: usize, length: usize) -> &'a [u8] {
        offset
            .checked_add(length)
            .and_then(|end| self.bytes.get(offset..end))
            .unwrap_or_default()
    }
}

fn masked_hex(bytes: &[u8], hidden: &[Span]) -> String {
    let mut hex: Vec<u8> = bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 0xF])
        .map(|n| if n < 10 { b'0' + n } else { b'A' + n - 10 })
        .collect();
    for span in hidden {
        let end = span.end.min(hex.len());
        if let Some(hide) = hex.get_mut(span.start..end) {
            hide.fill(b'*');
        }
    }
    String::from_utf8(hex).unwrap_or_default()
}

/// Writes the masked hex of each node. The tree is at most as deep as data objects may be nested, plus a few levels.
fn fill(node: &mut Node, hex: &str) {
    if let Some((offset, length)) = node.place {
        hex.get(offset * 2..(offset + length) * 2)
            .unwrap_or_default()
            .clone_into(&mut node.hex);
    }
    for child in &mut node.children {
        fill(child, hex);
    }
}

#[cfg(test)]
mod tests;
