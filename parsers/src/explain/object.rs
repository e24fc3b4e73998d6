//! Explains data objects, data object lists and the data sent by them.

use super::{Node, Work, value};
use crate::damage::Damage;
use crate::protocol::emv::{aid, dol, tags, tlv};
use crate::protocol::iso7816::Kind;
use crate::sensitive;

/// `9F26 Application cryptogram`.
fn label(tag: u32, kernel: Option<u32>, length: usize) -> (String, String) {
    match tags::lookup(tag, kernel, Some(length)) {
        Some(info) => (
            format!("{tag:02X} {}", info.en),
            format!("{tag:02X} {}", info.zh),
        ),
        None => (
            format!("{tag:02X} (unknown tag)"),
            format!("{tag:02X} (未知标签)"),
        ),
    }
}

/// A template that is open, and how far its bytes are told.
struct Open {
    node: Node,
    told: usize,
    end: usize,
}

impl Open {
    fn new(node: Node, from: usize, end: usize) -> Self {
        Self {
            node,
            told: from,
            end,
        }
    }

    /// Takes in a part whose header begins at `from`; what lies between is told as it is, so that nothing is hidden.
    fn take(&mut self, work: &Work<'_>, part: Node, from: usize, end: usize) {
        self.fill(work, from);
        self.node.children.push(part);
        self.told = self.told.max(end);
    }

    fn fill(&mut self, work: &Work<'_>, to: usize) {
        let to = to.min(self.end);
        if self.told < to {
            let bytes = work.slice(self.told, to - self.told);
            // EMV Book 3, annex B: zeros (and FF in some files) before, between and after objects.
            let padding = bytes.iter().all(|b| *b == 0) || bytes.iter().all(|b| *b == 0xFF);
            let node = if padding {
                Node::new("Padding", "填充")
            } else {
                Node::new("Bytes that could not be read", "无法解析的字节")
            };
            self.node.children.push(node.at(self.told, to - self.told));
            self.told = to;
        }
    }
}

/// Ends the templates below a depth.
fn close(work: &Work<'_>, open: &mut Vec<(usize, Open)>, depth: usize) {
    while open.len() > depth + 1 {
        if let Some((from, mut done)) = open.pop()
            && let Some((_, parent)) = open.last_mut()
        {
            let end = done.end;
            done.fill(work, end);
            parent.take(work, done.node, from, end);
        }
    }
}

/// The objects of a part of the input, as a tree, with the first thing that could not be read.
pub(super) fn objects(
    work: &mut Work<'_>,
    offset: usize,
    length: usize,
) -> (Vec<Node>, Option<Damage>) {
    let mut walk = tlv::walk(work.slice(offset, length));
    // The open templates with the place of their headers, outermost first; at the bottom the top level itself.
    let mut open = vec![(offset, Open::new(Node::default(), offset, offset + length))];
    for object in walk.by_ref() {
        close(work, &mut open, usize::from(object.depth));
        let at = offset + object.value_offset;
        let from = offset + object.offset;
        let end = at + object.value.len();
        let fault = (!object.complete).then_some(Damage {
            code: "tlv_truncated",
            offset: from,
            expected: "the rest of the value",
        });
        if object.constructed {
            let (en, zh) = label(object.tag, work.context.kernel, object.value.len());
            let node = Node::new(en, zh).at(at, object.value.len()).faulty(fault);
            open.push((from, Open::new(node, at, end)));
        } else {
            let node = primitive(work, object.tag, at, object.value.len()).faulty(fault);
            if let Some((_, parent)) = open.last_mut() {
                parent.take(work, node, from, end);
            }
        }
    }
    close(work, &mut open, 0);
    let damage = walk.damage().map(|damage| Damage {
        offset: offset + damage.offset,
        ..damage
    });
    let children = open.pop().map(|(_, mut top)| {
        top.fill(work, offset + length);
        top.node.children
    });
    (children.unwrap_or_default(), damage)
}

/// One value by its tag.
pub(super) fn primitive(work: &mut Work<'_>, tag: u32, offset: usize, length: usize) -> Node {
    let bytes = work.slice(offset, length);
    let kernel = work.context.kernel;
    let (en, zh) = label(tag, kernel, length);
    let node = Node::new(en, zh).at(offset, length);
    sensitive::hide_object(tag, bytes, 2 * offset, &mut work.hidden);
    match tag {
        0x80 => format1(work, node, offset, length),
        // An issuer script holds a command.
        0x86 if !work.nested => {
            work.nested = true;
            let command = super::apdu::command_at(work, offset, length);
            work.nested = false;
            node.with(vec![command])
        }
        0x8C | 0x8D | 0x97 | 0x9F38 | 0x9F49 | 0x9F4F | 0x9F3F | 0xDF811A => {
            list(bytes, offset, kernel, node)
        }
        // UDOL, DRDOL and DSDOL for Mastercard only.
        0x9F69 | 0x9F51 | 0x9F5B if kernel == Some(2) => list(bytes, offset, kernel, node),
        _ => value::explain(work, tag, node, offset, length),
    }
}

/// Response format 1: what it holds depends on the command (EMV Book 3, 6.5.5.4 and 6.5.8.4).
fn format1(work: &mut Work<'_>, node: Node, offset: usize, length: usize) -> Node {
    if work.context.command == Some(Kind::ExchangeRelayResistanceData) && length == 10 {
        return relay_resistance(work.slice(offset, length), node, offset);
    }
    let parts: &[(u32, usize)] = match (work.context.command, length) {
        (Some(Kind::GenerateAc), 11..) => {
            &[(0x9F27, 1), (0x9F36, 2), (0x9F26, 8), (0x9F10, usize::MAX)]
        }
        (Some(Kind::GetProcessingOptions), 6..) => &[(0x82, 2), (0x94, usize::MAX)],
        // Without the command: an AFL has whole entries, a cryptogram has a CID in front.
        (None, 6..) if length % 4 == 2 && length != 18 => &[(0x82, 2), (0x94, usize::MAX)],
        (None, 11..) => &[(0x9F27, 1), (0x9F36, 2), (0x9F26, 8), (0x9F10, usize::MAX)],
        _ => &[],
    };
    let mut children = Vec::new();
    let mut at = offset;
    let end = offset + length;
    for &(tag, width) in parts {
        let width = width.min(end - at);
        if width > 0 {
            children.push(primitive(work, tag, at, width));
        }
        at += width;
    }
    node.with(children)
}

/// Answer to EXCHANGE RELAY RESISTANCE DATA: entropy and three times in units of 100 microseconds (EMV Contactless Book C-2, 5.3.4).
fn relay_resistance(bytes: &[u8], node: Node, offset: usize) -> Node {
    let mut children = vec![Node::new("Device entropy", "设备随机数").at(offset, 4)];
    let times = bytes.get(4..).unwrap_or_default().as_chunks::<2>().0;
    let names = [
        ("Minimum processing time", "最短处理时间"),
        ("Maximum processing time", "最长处理时间"),
        ("Estimated transmission time", "预计传输时间"),
    ];
    for (i, ((en, zh), time)) in names.into_iter().zip(times).enumerate() {
        let micros = u32::from(u16::from_be_bytes(*time)) * 100;
        children.push(
            Node::new(en, zh)
                .at(offset + 4 + 2 * i, 2)
                .says(format!("{micros} us"), format!("{micros}微秒")),
        );
    }
    node.with(children)
}

/// A data object list: which objects in which lengths.
pub(super) fn list(bytes: &[u8], offset: usize, kernel: Option<u32>, node: Node) -> Node {
    let (entries, fault) = dol::entries(bytes);
    let children = entries
        .iter()
        .map(|entry| {
            let (en, zh) = label(entry.tag, kernel, entry.length);
            Node::new(en, zh).says(
                format!("{} bytes", entry.length),
                format!("{}字节", entry.length),
            )
        })
        .collect();
    let total: usize = entries.iter().map(|e| e.length).sum();
    node.says(
        format!("asks for {} objects, {total} bytes", entries.len()),
        format!("要求{}个对象, 共{total}字节", entries.len()),
    )
    .with(children)
    .faulty(fault.map(|fault| Damage {
        offset: offset + fault.offset,
        ..fault
    }))
}

/// Data sent by a list.
pub(super) fn list_data(
    work: &mut Work<'_>,
    dol: &[u8],
    offset: usize,
    length: usize,
    node: Node,
) -> Node {
    let (values, fault) = dol::split(dol, work.slice(offset, length));
    let mut at = offset;
    let mut children = Vec::with_capacity(values.len());
    for (tag, value) in values {
        children.push(primitive(work, tag, at, value.len()));
        at += value.len();
    }
    if at < offset + length {
        children.push(
            Node::new("Bytes beyond the list", "列表之外的字节").at(at, offset + length - at),
        );
    }
    let located = matches!(
        fault,
        Some(Damage {
            code: "dol_data_short" | "dol_data_long",
            ..
        })
    );
    node.at(offset, length)
        .with(children)
        .faulty(fault.map(|fault| Damage {
            // Damage of the list itself has no place in the data.
            offset: if located {
                offset + fault.offset
            } else {
                offset
            },
            ..fault
        }))
}

/// Scheme and product of an application identifier.
pub(super) fn application(bytes: &[u8]) -> (String, String) {
    match aid::lookup(bytes) {
        Some(app) if app.scheme == "-" => (app.product.to_owned(), app.product.to_owned()),
        Some(app) => {
            let kernel = app
                .kernel
                .map(|k| format!(", kernel {k}"))
                .unwrap_or_default();
            let kernel_zh = app.kernel.map(|k| format!(", 内核{k}")).unwrap_or_default();
            (
                format!("{} {}{kernel}", app.scheme, app.product),
                format!("{} {}{kernel_zh}", app.scheme, app.product),
            )
        }
        None => match aid::scheme(bytes) {
            Some(scheme) => (
                format!("{scheme}, unknown product"),
                format!("{scheme}, 未知产品"),
            ),
            None => ("unknown application".to_owned(), "未知应用".to_owned()),
        },
    }
}
