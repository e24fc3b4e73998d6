//! Cuts composite fields into named parts: entry mode, private fields of UnionPay terminals and host links, totals.

use super::names::Name;

/// One part of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// `60.2`.
    pub id: &'static str,
    /// English and Chinese.
    pub name: Name,
    /// Its characters.
    pub value: &'a str,
    /// What the value means, where a table says so.
    pub meaning: Option<Name>,
}

/// Parts: id, characters (0: all the rest), English, Chinese.
type Layout = &'static [(&'static str, usize, &'static str, &'static str)];

/// UnionPay terminals (Q/CUP 009), field 60.
const UP_60: Layout = &[
    ("60.1", 2, "transaction type", "交易类型码"),
    ("60.2", 6, "batch number", "批次号"),
    ("60.3", 3, "network management code", "网络管理信息码"),
    ("60.4", 1, "terminal reading capability", "终端读取能力"),
    (
        "60.5",
        1,
        "chip condition code",
        "基于PBOC借/贷记标准的IC卡条件代码",
    ),
    (
        "60.6",
        1,
        "partial debit and balance support",
        "支持部分扣款和返回余额的标志",
    ),
    ("60.7", 3, "account type", "账户类型"),
];

/// UnionPay terminals, field 61.
const UP_61: Layout = &[
    ("61.1", 6, "original batch number", "原始交易批次号"),
    ("61.2", 6, "original trace number", "原始交易POS流水号"),
    ("61.3", 4, "original date", "原始交易日期"),
    ("61.4", 2, "original authorisation mode", "原交易授权方式"),
    (
        "61.5",
        11,
        "original authorising institution",
        "原交易授权机构代码",
    ),
];

/// UnionPay terminals, field 48 of settlements.
const UP_48: Layout = &[
    ("48.1", 12, "domestic debit amount", "内卡借记总金额"),
    ("48.2", 3, "domestic debit count", "内卡借记总笔数"),
    ("48.3", 12, "domestic credit amount", "内卡贷记总金额"),
    ("48.4", 3, "domestic credit count", "内卡贷记总笔数"),
    (
        "48.5",
        1,
        "domestic reconciliation answer",
        "内卡对账应答代码",
    ),
    ("48.6", 12, "foreign debit amount", "外卡借记总金额"),
    ("48.7", 3, "foreign debit count", "外卡借记总笔数"),
    ("48.8", 12, "foreign credit amount", "外卡贷记总金额"),
    ("48.9", 3, "foreign credit count", "外卡贷记总笔数"),
    (
        "48.10",
        1,
        "foreign reconciliation answer",
        "外卡对账应答代码",
    ),
];

const ENTRY_MODE: Layout = &[
    ("22.1", 2, "how the card number was read", "主账号输入方式"),
    ("22.2", 1, "PIN entry capability", "PIN输入能力"),
];

const SECURITY: Layout = &[
    ("53.1", 1, "PIN format", "PIN格式及主账号是否参与运算"),
    ("53.2", 1, "encryption algorithm", "加密算法标志"),
    ("53.3", 1, "track encryption", "磁道加密标志"),
];

const PROCESSING: Layout = &[
    ("3.1", 2, "transaction type", "交易类型"),
    ("3.2", 2, "account from", "转出账户类型"),
    ("3.3", 2, "account to", "转入账户类型"),
];

const ORIGINAL: Layout = &[
    ("90.1", 4, "original message type", "原始报文类型"),
    ("90.2", 6, "original trace number", "原始系统跟踪号"),
    ("90.3", 10, "original transmission time", "原始系统日期时间"),
    ("90.4", 11, "original acquirer", "原始受理机构标识码"),
    ("90.5", 11, "original forwarder", "原始发送机构标识码"),
];

/// UnionPay host links (Q/CUP 006), field 60.
const CUPS_60: Layout = &[
    ("60.1", 4, "message reason code", "报文原因码"),
    ("60.2.1", 1, "kind of account holder", "账户所有人类型"),
    ("60.2.2", 1, "terminal reading capability", "终端读取能力"),
    ("60.2.3", 1, "chip condition code", "IC卡条件代码"),
    ("60.2.4", 1, "reserved", "保留使用"),
    ("60.2.5", 2, "terminal type", "终端类型"),
    ("60.2.6", 1, "no-PIN acceptance", "受理免验密码标志"),
    (
        "60.2.7",
        1,
        "chip verification reliability",
        "IC卡验证可靠性标志",
    ),
    ("60.2.8", 2, "electronic commerce", "电子商务标志"),
    ("60.2.9", 1, "interaction mode", "交互方式标志"),
];

const BALANCE: Layout = &[
    ("54.1", 2, "account type", "账户类型"),
    ("54.2", 2, "amount type", "金额类型"),
    ("54.3", 3, "currency", "货币代码"),
    ("54.4", 1, "sign", "余额符号"),
    ("54.5", 12, "amount", "余额"),
];

const ADDITIONAL: Layout = &[
    (
        "44.1",
        11,
        "receiving (issuing) institution",
        "接收机构标识码",
    ),
    ("44.2", 11, "acquiring institution", "收单机构标识码"),
];

const OPERATOR: Layout = &[
    (
        "63.1",
        3,
        "international card scheme or operator",
        "国际信用卡公司代码、操作员代码",
    ),
    (
        "63.2",
        0,
        "words of issuer, network and acquirer",
        "发卡方、中心、收单机构保留域",
    ),
];

/// UnionPay terminals, field 48 of a batch upload: a count, then this for each sale (Q/CUP 009, batch upload).
const BATCH_ENTRY: usize = 40;
/// Where the card number stands in such an entry.
const BATCH_CARD: core::ops::Range<usize> = 8..28;

/// Where card numbers stand in the digits of a batch upload's field 48; `None` where it is none.
#[must_use]
pub fn batch_cards(digits: &str) -> Option<Vec<core::ops::Range<usize>>> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: usize = digits.get(..2)?.parse().ok()?;
    let entries = digits.len().checked_sub(2)?;
    if count == 0 || entries != count * BATCH_ENTRY {
        return None;
    }
    Some(
        (0..count)
            .map(|n| {
                let at = 2 + n * BATCH_ENTRY;
                at + BATCH_CARD.start..at + BATCH_CARD.end
            })
            .collect(),
    )
}

/// Parts of a field's text; empty where it has none that are known. A last part that is cut is left out.
#[must_use]
pub fn parts<'a>(dialect: &str, number: u8, text: &'a str) -> Vec<Part<'a>> {
    let union_pay = dialect == "bcd-unionpay-pos";
    let layout = match number {
        3 => PROCESSING,
        22 if text.len() <= 4 => ENTRY_MODE,
        44 if union_pay => ADDITIONAL,
        48 if union_pay && text.len() >= 62 => UP_48,
        53 if text.len() == 16 => SECURITY,
        54 if text.len() >= 20 => BALANCE,
        60 if union_pay => UP_60,
        60 if dialect == "ascii-binbitmap" => CUPS_60,
        61 if union_pay => UP_61,
        63 if union_pay => OPERATOR,
        90 => ORIGINAL,
        _ => return Vec::new(),
    };
    let mut at = 0;
    let mut parts = Vec::new();
    for (id, length, en, zh) in layout {
        let value = match length {
            0 => text.get(at..).filter(|rest| !rest.trim().is_empty()),
            _ => text.get(at..at + length),
        };
        let Some(value) = value else {
            break;
        };
        at += value.len();
        parts.push(Part {
            id,
            name: (en, zh),
            value,
            meaning: meaning(id, value),
        });
    }
    parts
}

/// The part of that name.
#[must_use]
pub fn part<'a>(dialect: &str, number: u8, text: &'a str, id: &str) -> Option<&'a str> {
    parts(dialect, number, text)
        .into_iter()
        .find(|p| p.id == id)
        .map(|p| p.value)
}

/// Meaning of coded parts (UnionPay terminal specification, entry modes also ISO 8583:1987).
fn meaning(id: &str, value: &str) -> Option<Name> {
    Some(match (id, value) {
        ("22.1", "00") => ("not specified", "未指明"),
        ("22.1", "01") => ("manual entry", "手工输入"),
        ("22.1", "02") => ("magnetic stripe", "磁条读入"),
        ("22.1", "03") => ("bar code or QR code", "条码、二维码"),
        ("22.1", "05") => ("chip, contact", "集成电路卡（接触式）"),
        ("22.1", "07") => ("chip, contactless", "快速IC卡读入（非接触式）"),
        ("22.1", "10") => ("credential on file", "已存凭证"),
        ("22.1", "80") => ("fallback to magnetic stripe", "降级为磁条"),
        ("22.1", "81") => ("electronic commerce", "电子商务"),
        ("22.1", "90") => ("magnetic stripe, whole track", "磁条读入信息可靠"),
        ("22.1", "91") => ("magnetic stripe data, contactless", "非接触式磁条读入"),
        ("22.1", "95") => ("chip, data unreliable", "集成电路卡，卡信息不可靠"),
        ("22.1", "96") => (
            "phone chip, contactless",
            "采用非接触方式读取移动支付手机芯片",
        ),
        ("22.1", "98") => (
            "chip, full EMV over contactless",
            "标准IC卡读入（非接触式）",
        ),
        ("22.2", "0") => ("not specified", "未指明"),
        ("22.2", "1") => ("with PIN", "交易中包含PIN"),
        ("22.2", "2") => ("without PIN", "交易中不包含PIN"),
        ("53.1", "0") => ("no PIN", "无PIN"),
        ("53.1", "1") => ("PIN without account number", "PIN不带主账号"),
        ("53.1", "2") => ("PIN with account number", "PIN带主账号"),
        ("53.2", "0") => ("single DES", "单倍长密钥算法"),
        ("53.2", "6") => ("triple DES", "双倍长密钥算法"),
        ("60.4" | "60.2.2", "0") => ("unknown", "不可预知"),
        ("60.4" | "60.2.2", "2") => ("magnetic stripe", "磁条卡"),
        ("60.4" | "60.2.2", "5") => ("chip, contact", "接触式IC卡"),
        ("60.4" | "60.2.2", "6") => ("chip, contactless", "非接触式IC卡"),
        ("60.5" | "60.2.3", "0") => ("not used, or no chip", "未使用或非IC卡交易"),
        ("60.5" | "60.2.3", "1") => ("last chip transaction was read", "上一笔IC卡交易成功"),
        ("60.5" | "60.2.3", "2") => (
            "last chip transaction failed: fallback",
            "上一笔IC卡交易失败（降级）",
        ),
        ("63.1", "CUP") => ("UnionPay", "中国银联"),
        ("63.1", "VIS") => ("Visa", "维萨"),
        ("63.1", "MCC") => ("Mastercard", "万事达"),
        ("63.1", "JCB") => ("JCB", "JCB"),
        ("63.1", "AMX") => ("American Express", "美国运通"),
        ("63.1", "DCC") => ("Diners Club", "大来"),
        ("60.1", "00") => ("management", "管理类"),
        ("60.1", "01") => ("balance enquiry", "余额查询"),
        ("60.1", "10") => ("pre-authorisation", "预授权"),
        ("60.1", "11") => ("pre-authorisation void", "预授权撤销"),
        ("60.1", "20") => ("pre-authorisation completion", "预授权完成（请求）"),
        ("60.1", "21") => ("pre-authorisation completion void", "预授权完成撤销"),
        ("60.1", "22") => ("sale", "消费"),
        ("60.1", "23") => ("sale void", "消费撤销"),
        ("60.1", "24") => ("pre-authorisation completion advice", "预授权完成（通知）"),
        ("60.1", "25") => ("refund", "退货"),
        ("60.3", "000") => ("a payment", "交易类"),
        ("60.3", "001") => ("sign in, single length keys", "签到（单倍长密钥）"),
        ("60.3", "002") => ("sign off", "签退"),
        ("60.3", "003") => ("sign in, double length keys", "签到（双倍长密钥）"),
        ("60.3", "004") => (
            "sign in, double length keys and track key",
            "签到（双倍长密钥含磁道密钥）",
        ),
        ("60.3", "135") => ("terminal master key download", "终端主密钥下载"),
        ("60.3", "201") => ("settlement or batch upload", "批结算、批上送"),
        ("60.3", "202") => ("end of batch upload, totals equal", "批上送结束（平账）"),
        ("60.3", "207") => ("end of batch upload, totals differ", "批上送结束（不平账）"),
        ("60.3", "203") => (
            "script result or chip batch upload",
            "脚本结果通知、IC卡批上送",
        ),
        ("60.3", "301") => ("link test", "线路测试"),
        ("60.3", "362") => ("status upload", "状态上送"),
        ("60.3", "364") => ("magnetic stripe parameter download", "磁条卡参数下载"),
        ("60.3", "370") => ("authority key download", "公钥下载"),
        ("60.3", "371") => ("end of authority key download", "公钥下载结束"),
        ("60.3", "372") => ("authority key query", "公钥查询"),
        ("60.3", "380") => ("chip parameter download", "IC卡参数下载"),
        ("60.3", "381") => ("end of chip parameter download", "IC卡参数下载结束"),
        ("60.3", "382") => ("chip parameter query", "IC卡参数查询"),
        ("54.4", "C") => ("positive", "正"),
        ("54.4", "D") => ("negative", "负"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_60_of_a_tap() {
        let got = parts("bcd-unionpay-pos", 60, "22000024000600");
        let ids: Vec<_> = got.iter().map(|p| (p.id, p.value)).collect();
        assert_eq!(
            ids,
            [
                ("60.1", "22"),
                ("60.2", "000024"),
                ("60.3", "000"),
                ("60.4", "6"),
                ("60.5", "0"),
                ("60.6", "0")
            ]
        );
        assert_eq!(got[3].meaning.map(|m| m.0), Some("chip, contactless"));
    }

    #[test]
    fn field_63_and_batches() {
        let got = parts("bcd-unionpay-pos", 63, "CUP余额不足");
        let ids: Vec<_> = got.iter().map(|p| (p.id, p.value)).collect();
        assert_eq!(ids, [("63.1", "CUP"), ("63.2", "余额不足")]);
        // Kind of card, trace number, card number filled up in front, amount.
        let entry = ["00", "000042", "00006212340000001232", "000000001200"].concat();
        let digits = format!("02{entry}{entry}");
        let cards = batch_cards(&digits).unwrap();
        assert_eq!(cards.len(), 2);
        assert_eq!(&digits[cards[0].clone()], "00006212340000001232");
        assert_eq!(&digits[cards[1].clone()], "00006212340000001232");
        assert_eq!(batch_cards("0"), None);
        assert_eq!(batch_cards(&digits[..50]), None);
    }

    #[test]
    fn entry_mode() {
        let got = parts("bcd-unionpay-pos", 22, "072");
        assert_eq!(got[0].meaning.map(|m| m.0), Some("chip, contactless"));
        assert_eq!(got[1].meaning.map(|m| m.0), Some("without PIN"));
    }
}
