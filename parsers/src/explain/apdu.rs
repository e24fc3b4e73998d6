//! Explains commands, answers and status words.

use super::{Node, Work, object};
use crate::damage::Damage;
use crate::protocol::emv::{tags, tlv};
use crate::protocol::iso7816::{self, Kind};
use crate::sensitive::Span;

/// Chinese name of a command.
fn name_zh(kind: Kind) -> &'static str {
    match kind {
        Kind::SelectPpse => "选择PPSE",
        Kind::SelectPse => "选择PSE",
        Kind::SelectAid => "选择应用",
        Kind::GetProcessingOptions => "取处理选项",
        Kind::ReadRecord => "读记录",
        Kind::GenerateAc => "生成应用密文",
        Kind::ComputeCryptographicChecksum => "计算密码校验和",
        Kind::ExchangeRelayResistanceData => "交换中继防护数据",
        Kind::RecoverAc => "恢复应用密文",
        Kind::GetData => "取数据",
        Kind::Verify => "验证PIN",
        Kind::ExternalAuthenticate => "外部认证",
        Kind::InternalAuthenticate => "内部认证",
        Kind::GetChallenge => "取随机数",
        Kind::IssuerScript => "发卡行脚本命令",
        Kind::PutData => "写数据",
        Kind::GetResponse => "取响应",
        Kind::Other => "其他命令",
    }
}

/// Name of a command outside of the purchase flow by its instruction (ISO/IEC 7816-4, GlobalPlatform, EMV Contactless Book C-8).
fn other_name(cla: u8, ins: u8) -> Option<&'static str> {
    Some(match (cla & 0x80, ins) {
        (0x00, 0x70) => "MANAGE CHANNEL",
        (0x00, 0xB0) => "READ BINARY",
        (0x00, 0xCB) => "GET DATA (extended)",
        (0x00, 0x22) => "MANAGE SECURITY ENVIRONMENT",
        (0x00, 0x2A) => "PERFORM SECURITY OPERATION",
        (0x80, 0x32) => "READ DATA",
        (0x80, 0x34) => "WRITE DATA",
        (0x80, 0x50) => "INITIALIZE UPDATE or INITIALIZE",
        (0x80, 0x52) => "CREDIT or DEBIT",
        (0x80, 0x5C) => "GET BALANCE",
        (0x80, 0xF2) => "GET STATUS",
        (0x80, 0xFA) => "GET TRANSACTION PROOF",
        _ => return None,
    })
}

/// Name of an issuer script command by its instruction (EMV Book 3, 6.5).
fn script_name(ins: u8) -> (&'static str, &'static str) {
    match ins {
        0x16 => ("CARD BLOCK", "锁卡"),
        0x18 => ("APPLICATION UNBLOCK", "应用解锁"),
        0x1E => ("APPLICATION BLOCK", "应用锁定"),
        0x24 => ("PIN CHANGE/UNBLOCK", "PIN修改/解锁"),
        0xD6 => ("UPDATE BINARY", "更新二进制"),
        0xDA => ("PUT DATA", "设置数据"),
        0xDC => ("UPDATE RECORD", "更新记录"),
        _ => ("issuer script command", "发卡行脚本命令"),
    }
}

/// A command from the whole input.
pub(super) fn command(work: &mut Work<'_>) -> Node {
    command_at(work, 0, work.bytes.len())
}

/// A command that stands in the input (an issuer script holds them as values).
pub(super) fn command_at(work: &mut Work<'_>, offset: usize, length: usize) -> Node {
    let bytes = work.slice(offset, length);
    let Some(command) = iso7816::command(bytes) else {
        return Node::new("Command", "命令")
            .at(offset, length)
            .faulty(Some(Damage {
                code: "apdu_short",
                offset,
                expected: "CLA INS P1 P2",
            }));
    };
    let kind = command.kind();
    let [cla, ins, p1, p2] = command.header;
    let (about_en, about_zh) = parameters(kind, ins, p1, p2);
    let (name_en, name_zh) = match (kind, other_name(cla, ins)) {
        (Kind::Other, Some(name)) => (name, name),
        _ => (kind.name(), name_zh(kind)),
    };
    let mut root = Node::new(format!("Command: {name_en}"), format!("命令: {name_zh}"))
        .at(offset, length)
        .says(about_en, about_zh)
        .faulty(command.fault.map(|fault| Damage {
            offset: offset + fault.offset,
            ..fault
        }));
    root.children
        .push(Node::new("CLA INS P1 P2", "CLA INS P1 P2").at(offset, 4));
    if let Some(lc) = command.lc {
        let width = if command.extended { 3 } else { 1 };
        root.children.push(
            Node::new("Lc", "Lc")
                .at(offset + 4, width)
                .says(format!("{lc} bytes of data"), format!("数据{lc}字节")),
        );
    }
    if !command.data.is_empty() {
        root.children.push(data(
            work,
            kind,
            offset + command.data_offset,
            command.data.len(),
        ));
    }
    let used = command.data_offset.max(4) + command.data.len();
    match command.le {
        Some(le) => {
            let width = if command.extended {
                2.min(length.saturating_sub(used))
            } else {
                1
            };
            let (en, zh) = match le {
                0 => (
                    "as many bytes as there are".to_owned(),
                    "返回全部数据".to_owned(),
                ),
                le => (format!("at most {le} bytes"), format!("最多{le}字节")),
            };
            root.children.push(
                Node::new("Le", "Le")
                    .at(offset + length - width, width)
                    .says(en, zh),
            );
        }
        None if command.le_missing() && command.fault.is_none() => {
            root.children.push(Node::new("Le", "Le").says(
                "missing (right for T=0, wrong over the air)",
                "缺失(T=0时正确, 非接触时错误)",
            ));
        }
        None => {}
    }
    if command
        .fault
        .is_some_and(|fault| fault.code == "lc_too_short")
    {
        let from = command.data_offset + command.data.len();
        root.children.push(
            Node::new("Bytes behind the data", "数据之后的字节")
                .at(offset + from, length.saturating_sub(from)),
        );
    }
    root
}

/// What P1 and P2 say.
fn parameters(kind: Kind, ins: u8, p1: u8, p2: u8) -> (String, String) {
    match kind {
        Kind::ReadRecord => (
            format!("record {p1} of file {}", p2 >> 3),
            format!("文件{}的第{p1}条记录", p2 >> 3),
        ),
        Kind::GenerateAc => {
            let (en, zh) = match p1 & 0xC0 {
                0x00 => ("AAC (decline) asked for", "请求AAC(拒绝)"),
                0x40 => ("TC (offline approval) asked for", "请求TC(脱机批准)"),
                0x80 => ("ARQC (online) asked for", "请求ARQC(联机)"),
                _ => ("RFU cryptogram type", "保留的密文类型"),
            };
            let (cda_en, cda_zh) = if p1 & 0x10 != 0 {
                (", with CDA", ", 带CDA")
            } else {
                ("", "")
            };
            (format!("{en}{cda_en}"), format!("{zh}{cda_zh}"))
        }
        Kind::SelectAid | Kind::SelectPpse | Kind::SelectPse => {
            let (en, zh) = match (p1, p2 & 3) {
                (4, 0) => ("by name, first or only occurrence", "按名称选择第一个"),
                (4, 2) => ("by name, next occurrence", "按名称选择下一个"),
                (4, _) => ("by name", "按名称选择"),
                _ => ("by file identifier or path", "按文件标识或路径选择"),
            };
            (en.to_owned(), zh.to_owned())
        }
        Kind::GetData | Kind::PutData => {
            let tag = u32::from(p1) << 8 | u32::from(p2);
            let tag = if p1 == 0 { u32::from(p2) } else { tag };
            // Data envelopes are of kernel 2 alone.
            let kernel = (kind == Kind::PutData).then_some(2);
            match tags::lookup(tag, kernel, None) {
                Some(info) => (
                    format!("{tag:X} {}", info.en),
                    format!("{tag:X} {}", info.zh),
                ),
                None => (format!("tag {tag:X}"), format!("标签{tag:X}")),
            }
        }
        Kind::Verify => match p2 {
            0x80 => ("plaintext PIN".to_owned(), "明文PIN".to_owned()),
            0x88 => ("enciphered PIN".to_owned(), "加密PIN".to_owned()),
            _ => (String::new(), String::new()),
        },
        Kind::IssuerScript => {
            let (en, zh) = script_name(ins);
            (en.to_owned(), zh.to_owned())
        }
        _ => (String::new(), String::new()),
    }
}

/// The data of a command.
fn data(work: &mut Work<'_>, kind: Kind, offset: usize, length: usize) -> Node {
    let bytes = work.slice(offset, length);
    let node = Node::new("Data", "数据").at(offset, length);
    match kind {
        Kind::SelectPpse | Kind::SelectPse => {
            let name: String = bytes.iter().map(|&b| char::from(b)).collect();
            node.says(name.clone(), name)
        }
        Kind::SelectAid => {
            let (en, zh) = object::application(bytes);
            node.says(en, zh)
        }
        Kind::GetProcessingOptions => {
            // 83 and a length, then the values that the PDOL asked for.
            match (work.context.dol, tlv::walk(bytes).next()) {
                (Some(dol), Some(template)) if template.tag == 0x83 => {
                    let inner = object::list_data(
                        work,
                        dol,
                        offset + template.value_offset,
                        template.value.len(),
                        Node::new("83 Command template", "83 命令模板"),
                    );
                    node.with(vec![inner])
                }
                _ => {
                    let (children, fault) = object::objects(work, offset, length);
                    node.with(children).faulty(fault)
                }
            }
        }
        Kind::GenerateAc
        | Kind::ComputeCryptographicChecksum
        | Kind::RecoverAc
        | Kind::InternalAuthenticate => match work.context.dol {
            Some(dol) => object::list_data(work, dol, offset, length, node),
            None => node.says(
                "values in the order of the card's list (CDOL, UDOL, DDOL)",
                "按卡片列表(CDOL/UDOL/DDOL)顺序的值",
            ),
        },
        // Whatever stands here is a PIN.
        Kind::Verify => {
            work.hidden.push(Span {
                start: 2 * offset,
                end: 2 * (offset + length),
            });
            node.says("PIN data, hidden", "PIN数据, 已隐藏")
        }
        _ => {
            if tlv::is_whole(bytes) {
                let (children, fault) = object::objects(work, offset, length);
                node.with(children).faulty(fault)
            } else {
                node
            }
        }
    }
}

/// An answer from the whole input.
pub(super) fn response(work: &mut Work<'_>) -> Node {
    let length = work.bytes.len();
    let Some(response) = iso7816::response(work.bytes) else {
        return Node::new("Answer", "响应").faulty(Some(Damage {
            code: "apdu_short",
            offset: 0,
            expected: "a status word of two bytes",
        }));
    };
    let mut root = Node::new("Answer", "响应").at(0, length);
    if !response.data.is_empty() {
        let (children, fault) = object::objects(work, 0, response.data.len());
        let node = Node::new("Data", "数据").at(0, response.data.len());
        root.children.push(node.with(children).faulty(fault));
    }
    let status = status_word(work.bytes, length - 2, work.context.command);
    root.meaning_en.clone_from(&status.meaning_en);
    root.meaning_zh.clone_from(&status.meaning_zh);
    root.children.push(status);
    root
}

/// The status word at an offset, with its meaning for the command.
pub(super) fn status_word(bytes: &[u8], offset: usize, command: Option<Kind>) -> Node {
    let node = Node::new("Status word", "状态字");
    let Some(&[sw1, sw2]) = bytes.get(offset..).and_then(|rest| rest.first_chunk::<2>()) else {
        return node.faulty(Some(Damage {
            code: "sw_short",
            offset,
            expected: "two bytes",
        }));
    };
    let sw = u16::from_be_bytes([sw1, sw2]);
    let node = node.at(offset, 2);
    match iso7816::explain(command, sw) {
        Some(row) => {
            let (en, zh) = match (row.pattern, sw1) {
                ("61XX", _) => (
                    format!("{sw2} bytes wait for GET RESPONSE"),
                    format!("有{sw2}字节待取"),
                ),
                ("6CXX", _) => (
                    format!("wrong Le; right is {sw2}"),
                    format!("Le错误, 应为{sw2}"),
                ),
                ("63CX", _) => (
                    format!("wrong PIN, {} tries left", sw2 & 0xF),
                    format!("密码错误, 剩余{}次", sw2 & 0xF),
                ),
                _ => (row.en.to_owned(), row.zh.to_owned()),
            };
            let for_en = if row.command == "any" {
                String::new()
            } else {
                format!("{}: ", row.command)
            };
            node.says(format!("{for_en}{en}"), zh)
        }
        None => node
            .says(class_en(sw1), class_zh(sw1))
            .with(by_command(command, sw)),
    }
}

/// Without a command: what the word means after each command of the flow.
fn by_command(command: Option<Kind>, sw: u16) -> Vec<Node> {
    if command.is_some() {
        return Vec::new();
    }
    iso7816::meanings(sw)
        .map(|row| {
            Node::new(
                format!("after {}", row.command),
                format!("{}之后", row.command),
            )
            .says(row.en, row.zh)
        })
        .collect()
}

/// Class of a status word that no table has (ISO/IEC 7816-4, table 5).
fn class_en(sw1: u8) -> &'static str {
    match sw1 {
        0x62 | 0x63 => "warning",
        0x64..=0x66 => "execution error",
        0x67..=0x6F => "checking error",
        0x90..=0x9F => "proprietary",
        _ => "no status word of ISO/IEC 7816-4",
    }
}

fn class_zh(sw1: u8) -> &'static str {
    match sw1 {
        0x62 | 0x63 => "警告",
        0x64..=0x66 => "执行错误",
        0x67..=0x6F => "检查错误",
        0x90..=0x9F => "自定义状态字",
        _ => "不是ISO/IEC 7816-4状态字",
    }
}
