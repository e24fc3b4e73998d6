//! Explains the value of one data object: bit fields, numbers, dates, texts, issuer data.

use super::{Node, Work, object};
use crate::damage::Damage;
use crate::protocol::codes;
use crate::protocol::emv::bits::{self, Field, Meaning};
use crate::protocol::emv::issuer_data::{Layout, issuer_data};
use crate::protocol::emv::value::{cvm_list, date, number, time, track2};
use crate::protocol::emv::{afl, aid, tags};
use crate::sensitive;

/// Adds what the value says to its node.
pub(super) fn explain(work: &Work<'_>, tag: u32, node: Node, offset: usize, length: usize) -> Node {
    let bytes = work.slice(offset, length);
    let kernel = work.context.kernel;
    match tag {
        _ if bytes.is_empty() => node.says("empty", "空"),
        0x57 | 0x9F6B if sensitive::secret_of_tag(tag, length).is_some() => track(bytes, node),
        0x5A => {
            let (digits, _) = sensitive::track2_digits(bytes);
            node.says(format!("{digits} digits"), format!("{digits}位"))
        }
        _ if sensitive::secret_of_tag(tag, length).is_some() => node.says("hidden", "已隐藏"),
        0x94 => file_locator(bytes, offset, node),
        0x8E => cvm_rules(bytes, offset, kernel, node),
        0x9F10 => issuer_application_data(bytes, offset, node),
        0x4F | 0x84 | 0x9F06 => {
            let (en, zh) = object::application(bytes);
            node.says(en, zh)
        }
        0x5F2A | 0x9F42 | 0x9F76 => match codes::currency_of_tag(bytes) {
            Some(currency) => node.says(currency.as_str(), currency.as_str()),
            None => node.says("unknown currency", "未知货币"),
        },
        0x9A | 0x5F24 | 0x5F25 => match date(bytes) {
            Some((y, m, d)) => {
                let text = format!("20{y:02}-{m:02}-{d:02}");
                node.says(text.clone(), text)
            }
            None => node.says("no date", "不是日期"),
        },
        0x9F21 => match time(bytes) {
            Some((h, m, s)) => {
                let text = format!("{h:02}:{m:02}:{s:02}");
                node.says(text.clone(), text)
            }
            None => node.says("no time", "不是时间"),
        },
        0x8A => authorisation_response(bytes, node),
        0x9F39 => {
            let mode = bytes
                .first()
                .and_then(|b| codes::entry_mode(&format!("{b:02X}")));
            match mode {
                Some(mode) => node.says(mode.en, mode.zh),
                None => node,
            }
        }
        0x9F2A | 0xDF810C => match aid::requested_kernel(bytes) {
            Some(kernel) => node.says(format!("kernel {kernel}"), format!("内核{kernel}")),
            None => node.says("no kernel asked for", "未指定内核"),
        },
        0x9F36 | 0x9F13 | 0x9F17 | 0x87 | 0x8F | 0x9F22 | 0x9F1B | 0x81 => counter(bytes, node),
        0x9F6E if kernel == Some(2) || length > 4 => third_party(bytes, offset, node),
        0x9F5B | 0xDF31 => script_results(bytes, offset, node),
        0xDF8116 => user_interface(bytes, offset, kernel, node),
        _ if bits::is_bit_field(tag) => {
            let mut meanings = bits::describe_tag(tag, kernel, bytes);
            let error_indication = matches!(tag, 0xDF8115 | 0x009F_8204);
            if error_indication {
                // Bytes 4 and 5 are one status word.
                meanings.retain(|m| !matches!(m.bit.byte, 4 | 5));
            }
            let unknown = unknown_bits(&meanings, bytes);
            let mut children: Vec<Node> = meanings.iter().map(|m| bit(m, offset)).collect();
            if error_indication {
                let at = children.len().min(3);
                children.insert(
                    at,
                    super::apdu::status_word(work.bytes, offset + 3, work.context.command),
                );
                return node.with(children);
            }
            children.extend(unknown.map(|text| {
                Node::new("Bits that no table knows", "未知位").says(text.clone(), text)
            }));
            node.with(children)
        }
        _ => by_format(tag, kernel, bytes, node),
    }
}

/// One bit or coded byte: `byte 2, bit 7` and what it says.
fn bit(meaning: &Meaning, offset: usize) -> Node {
    let row = meaning.bit;
    let (en, zh) = if row.is_flag() {
        let bit = row.mask.trailing_zeros() + 1;
        (
            format!("byte {}, bit {bit}", row.byte),
            format!("第{}字节第{bit}位", row.byte),
        )
    } else if row.mask == 0xFF {
        (format!("byte {}", row.byte), format!("第{}字节", row.byte))
    } else {
        let (high, low) = (8 - row.mask.leading_zeros(), row.mask.trailing_zeros() + 1);
        (
            format!("byte {}, bits {high}-{low}", row.byte),
            format!("第{}字节第{high}-{low}位", row.byte),
        )
    };
    let number = meaning.number.map(|n| format!(": {n}")).unwrap_or_default();
    let mut node =
        Node::new(en, zh).says(format!("{}{number}", row.en), format!("{}{number}", row.zh));
    if row.mask == 0xFF {
        node = node.at(offset + usize::from(row.byte) - 1, 1);
    }
    node
}

/// Bits that are set and that no row explains: `byte 2: 04`.
fn unknown_bits(meanings: &[Meaning], bytes: &[u8]) -> Option<String> {
    let odd: Vec<String> = (1usize..)
        .zip(bytes)
        .filter_map(|(at, &byte)| {
            let known = meanings
                .iter()
                .filter(|m| usize::from(m.bit.byte) == at)
                .fold(0, |mask, m| mask | m.bit.mask);
            let rest = byte & !known;
            (rest != 0).then(|| format!("{at}:{rest:02X}"))
        })
        .collect();
    (!odd.is_empty()).then(|| odd.join(" "))
}

fn track(bytes: &[u8], node: Node) -> Node {
    let Some(track) = track2(bytes) else {
        return node.says("no card number at its beginning", "开头不是卡号");
    };
    let text = |digits: &[u8]| String::from_utf8_lossy(digits).into_owned();
    let (mut en, mut zh) = (
        format!("{} digits", track.digits),
        format!("{}位", track.digits),
    );
    if let Some([y1, y2, m1, m2]) = track.expiry {
        let date = format!("20{}-{}", text(&[y1, y2]), text(&[m1, m2]));
        en = format!("{en}, expires {date}");
        zh = format!("{zh}, 有效期{date}");
    }
    if let Some(code) = track.service_code {
        en = format!("{en}, service code {}", text(&code));
        zh = format!("{zh}, 服务码{}", text(&code));
    }
    node.says(en, zh)
}

fn file_locator(bytes: &[u8], offset: usize, node: Node) -> Node {
    let (entries, fault) = afl::entries(bytes);
    let children = entries
        .iter()
        .enumerate()
        .map(|(i, e)| {
            Node::new(format!("File {}", e.sfi), format!("文件{}", e.sfi))
                .at(offset + 4 * i, 4)
                .says(
                    format!(
                        "records {} to {}, {} of them signed",
                        e.first, e.last, e.signed
                    ),
                    format!("记录{}至{}, 其中{}条参与认证", e.first, e.last, e.signed),
                )
        })
        .collect();
    let records: usize = entries.iter().map(afl::Entry::records).sum();
    node.says(
        format!("{records} records to read"),
        format!("需读{records}条记录"),
    )
    .with(children)
    .faulty(fault.map(|fault| Damage {
        offset: offset + fault.offset,
        ..fault
    }))
}

fn cvm_rules(bytes: &[u8], offset: usize, kernel: Option<u32>, node: Node) -> Node {
    let Some((x, y, rules)) = cvm_list(bytes) else {
        return node.faulty(Some(Damage {
            code: "cvm_list_short",
            offset,
            expected: "two amounts and at least one rule",
        }));
    };
    let fault = (bytes.len() % 2 == 1).then_some(Damage {
        code: "cvm_list_odd",
        offset: offset + bytes.len() - 1,
        expected: "whole rules of two bytes",
    });
    let children = rules
        .iter()
        .enumerate()
        .map(|(i, rule)| {
            // Method and condition have the coding of the CVM results' first two bytes.
            let meanings = bits::describe_tag(0x9F34, kernel, &[rule.code, rule.condition]);
            let of = |byte: u8, zh: bool| {
                meanings
                    .iter()
                    .filter(|m| m.bit.byte == byte)
                    .map(|m| if zh { m.bit.zh } else { m.bit.en })
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let next = rule.code & 0x40 != 0;
            Node::new(format!("Rule {}", i + 1), format!("规则{}", i + 1))
                .at(offset + 8 + 2 * i, 2)
                .says(
                    format!(
                        "{}; {}{}",
                        of(1, false),
                        of(2, false),
                        if next { "" } else { "; fails if unsuccessful" }
                    ),
                    format!(
                        "{}; {}{}",
                        of(1, true),
                        of(2, true),
                        if next { "" } else { "; 失败则终止" }
                    ),
                )
        })
        .collect();
    node.says(format!("X {x}, Y {y}"), format!("X {x}, Y {y}"))
        .with(children)
        .faulty(fault)
}

fn issuer_application_data(bytes: &[u8], offset: usize, node: Node) -> Node {
    // The results alone, as a report or a log shows them.
    let alone = match bytes.len() {
        4 if bytes.first() == Some(&3) => Some(Field::CvrVis),
        6 => Some(Field::CvrMChip),
        _ => None,
    };
    if let Some(field) = alone {
        let children = bits::describe(field, None, bytes)
            .iter()
            .map(|m| bit(m, offset))
            .collect();
        return node
            .says("card verification results alone", "仅卡片验证结果")
            .with(children);
    }
    let Some(data) = issuer_data(bytes) else {
        return node.says("layout not known", "格式未知");
    };
    let (layout, field) = match data.layout {
        Layout::Vis => ("Visa format 0/1/3", Field::CvrVis),
        Layout::UnionPay => ("UnionPay", Field::CvrVis),
        Layout::VisFormat2 => ("Visa format 2", Field::CvrVisMobile),
        Layout::MChip => ("M/Chip", Field::CvrMChip),
        Layout::CommonCore => ("common core definitions", Field::CvrCommonCore),
    };
    let cvr_offset = if data.layout == Layout::MChip { 2 } else { 3 };
    let cvr_bits = bits::describe(field, None, data.cvr)
        .iter()
        .map(|m| bit(m, offset + cvr_offset))
        .collect::<Vec<_>>();
    let mut children = vec![
        Node::new("Derivation key index", "密钥索引").says(
            format!("{:02X}", data.key_index),
            format!("{:02X}", data.key_index),
        ),
        Node::new("Cryptogram version", "密文版本").says(
            format!("{:02X}", data.cryptogram_version),
            format!("{:02X}", data.cryptogram_version),
        ),
        Node::new("Card verification results", "卡片验证结果")
            .at(offset + cvr_offset, data.cvr.len())
            .with(cvr_bits),
    ];
    if let Some(algorithm) = data.algorithm {
        let (en, zh) = match algorithm {
            1 => ("triple DES", "3DES"),
            4 => ("SM4", "SM4"),
            _ => ("unknown", "未知"),
        };
        children.push(Node::new("Algorithm", "算法标识").says(en, zh));
    }
    if !data.rest.is_empty() {
        children.push(
            Node::new("Issuer data", "发卡行数据")
                .at(offset + bytes.len() - data.rest.len(), data.rest.len()),
        );
    }
    node.says(layout, layout).with(children)
}

fn authorisation_response(bytes: &[u8], node: Node) -> Node {
    let code = String::from_utf8_lossy(bytes);
    let (en, zh) = match &*code {
        "Y1" => ("offline approved", "脱机批准"),
        "Z1" => ("offline declined", "脱机拒绝"),
        "Y2" => ("approved after referral", "参考后批准"),
        "Z2" => ("declined after referral", "参考后拒绝"),
        "Y3" => (
            "unable to go online, offline approved",
            "无法联机, 脱机批准",
        ),
        "Z3" => (
            "unable to go online, offline declined",
            "无法联机, 脱机拒绝",
        ),
        code => match codes::response_code(code) {
            Some(row) => (row.en, row.zh),
            None => ("unknown code", "未知代码"),
        },
    };
    node.says(
        format!("{}: {en}", code.escape_default()),
        format!("{}: {zh}", code.escape_default()),
    )
}

fn counter(bytes: &[u8], node: Node) -> Node {
    if bytes.len() > 8 {
        return node;
    }
    let value = bytes.iter().fold(0u64, |sum, &b| sum << 8 | u64::from(b));
    node.says(value.to_string(), value.to_string())
}

/// Third party data of Mastercard: country, identifier, device type, the rest (EMV Contactless Book C-2, A.1.171).
fn third_party(bytes: &[u8], offset: usize, node: Node) -> Node {
    let [c1, c2, id1, _, rest @ ..] = bytes else {
        return node;
    };
    let mut children = vec![
        Node::new("Country", "国家").at(offset, 2).says(
            number(&[*c1, *c2]).map_or_else(String::new, |n| format!("{n:03}")),
            number(&[*c1, *c2]).map_or_else(String::new, |n| format!("{n:03}")),
        ),
        Node::new("Unique identifier", "唯一标识").at(offset + 2, 2),
    ];
    let mut at = offset + 4;
    // With the upper bit of the identifier clear, the device type follows.
    if id1 & 0x80 == 0
        && let [d1, d2, ..] = rest
    {
        let (en, zh) = match (d1, d2) {
            (b'0', b'0') => ("card", "卡片"),
            (b'0', b'1') => (
                "mobile phone or tablet, removable secure element (operator)",
                "手机, 可移除安全单元(运营商)",
            ),
            (b'0', b'2') => ("key fob", "钥匙扣"),
            (b'0', b'3') => ("watch", "手表"),
            (b'0', b'4') => ("mobile tag", "贴片"),
            (b'0', b'5') => ("wristband", "手环"),
            (b'0', b'6') => ("mobile phone case or sleeve", "手机壳"),
            (b'0', b'7') => (
                "mobile phone or tablet, fixed secure element",
                "手机, 内置安全单元",
            ),
            (b'0', b'8') => (
                "removable secure element, not by an operator",
                "可移除安全单元(非运营商)",
            ),
            (b'0', b'9') => (
                "mobile phone or tablet, fixed secure element (operator)",
                "手机, 内置安全单元(运营商)",
            ),
            _ => ("another device", "其他设备"),
        };
        children.push(Node::new("Device type", "设备类型").at(at, 2).says(en, zh));
        at += 2;
    }
    let end = offset + bytes.len();
    if at < end {
        children.push(Node::new("Proprietary data", "自定义数据").at(at, end - at));
    }
    node.with(children)
}

/// Issuer script results: five bytes a script (EMV Book 4, annex A5).
fn script_results(bytes: &[u8], offset: usize, node: Node) -> Node {
    let (scripts, rest) = bytes.as_chunks::<5>();
    let children = scripts
        .iter()
        .enumerate()
        .map(|(i, [result, id @ ..])| {
            let (en, zh) = match result >> 4 {
                0 => ("not performed", "未执行"),
                1 => ("failed", "失败"),
                2 => ("successful", "成功"),
                _ => ("unknown result", "未知结果"),
            };
            let (at_en, at_zh) = match result & 0xF {
                0 => (String::new(), String::new()),
                15 => (
                    " at command 15 or later".to_owned(),
                    ", 第15条或之后".to_owned(),
                ),
                n => (format!(" at command {n}"), format!(", 第{n}条命令")),
            };
            let id = u32::from_be_bytes(*id);
            Node::new(format!("Script {id:08X}"), format!("脚本{id:08X}"))
                .at(offset + 5 * i, 5)
                .says(format!("{en}{at_en}"), format!("{zh}{at_zh}"))
        })
        .collect();
    let fault = (!rest.is_empty()).then_some(Damage {
        code: "script_results_length",
        offset: offset + bytes.len() - rest.len(),
        expected: "five bytes a script",
    });
    node.with(children).faulty(fault)
}

/// Message, status, hold time, language, value (EMV Contactless Book C-2, A.1.194).
fn user_interface(bytes: &[u8], offset: usize, kernel: Option<u32>, node: Node) -> Node {
    let meanings = bits::describe_tag(0xDF8116, kernel, bytes);
    let mut children: Vec<Node> = meanings.iter().map(|m| bit(m, offset)).collect();
    if bytes.len() == 22 {
        let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
        if let Some(hold) = number(part(2, 5)) {
            children.push(
                Node::new("Hold time", "保持时间")
                    .at(offset + 2, 3)
                    .says(format!("{} ms", hold * 100), format!("{}毫秒", hold * 100)),
            );
        }
        let language: String = part(5, 13)
            .iter()
            .filter(|b| b.is_ascii_lowercase())
            .map(|&b| char::from(b))
            .collect();
        children.push(
            Node::new("Language", "语言")
                .at(offset + 5, 8)
                .says(language.clone(), language),
        );
        let (en, zh) = match part(13, 14) {
            [0x10] => ("amount", "金额"),
            [0x20] => ("balance", "余额"),
            _ => ("none", "无"),
        };
        children.push(
            Node::new("Value qualifier", "数值类型")
                .at(offset + 13, 1)
                .says(en, zh),
        );
        children.push(Node::new("Value", "数值").at(offset + 14, 6));
        let currency = codes::currency_of_tag(part(20, 22))
            .map(codes::Currency::as_str)
            .unwrap_or_default();
        children.push(
            Node::new("Currency", "货币")
                .at(offset + 20, 2)
                .says(currency, currency),
        );
    }
    node.with(children)
}

/// By the format that the dictionary gives: numbers and texts.
fn by_format(tag: u32, kernel: Option<u32>, bytes: &[u8], node: Node) -> Node {
    let Some(info) = tags::lookup(tag, kernel, Some(bytes.len())) else {
        return node;
    };
    let text_format = info.format.starts_with('a');
    if text_format && bytes.iter().all(|b| matches!(b, 0x20..=0x7E)) {
        let mut text = bytes.to_vec();
        let mut spans = Vec::new();
        sensitive::in_text(bytes, &mut spans);
        for span in spans {
            if let Some(hide) = text.get_mut(span.start..span.end) {
                hide.fill(b'*');
            }
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        return node.says(text.clone(), text);
    }
    match number(bytes) {
        Some(value) if info.format == "n12" => node.says(
            format!("{value} minor units"),
            format!("{value} (最小货币单位)"),
        ),
        Some(value) if info.format.starts_with('n') => {
            node.says(value.to_string(), value.to_string())
        }
        _ => node,
    }
}
