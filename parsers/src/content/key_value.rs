//! Turns `trace no: 000123`, `"amount":"10.00"`, `流水号：000123` into named values, with English and Chinese labels in every joining.

use aho_corasick::{AhoCorasick, MatchKind};

use super::ContentKind;

/// What this file reads; its anchors come from the labels that only payments have.
pub const KIND: ContentKind = ContentKind {
    name: "key_value",
    title: "named values: trace, reference, terminal, merchant, amount, response code …",
    anchors: &[],
};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// F11, trace number.
    Stan,
    /// F37.
    Rrn,
    /// F38.
    AuthCode,
    /// Batch number.
    Batch,
    /// F41.
    Terminal,
    /// F42.
    Merchant,
    /// Serial number or device name.
    Device,
    /// F4, in whichever unit.
    Amount,
    /// F4 in minor units, by its label.
    AmountMinor,
    /// F49.
    Currency,
    /// Card number.
    Card,
    /// F39.
    ResponseCode,
    /// Host name or address, perhaps with port.
    Host,
    /// Port.
    Port,
    /// Contactless transaction limit.
    Limit,
    /// Limit for cardholder verification.
    CvmLimit,
    /// Floor limit.
    FloorLimit,
    /// A version.
    Version,
    /// Status word.
    Sw,
    /// Tag 95.
    Tvr,
    /// Outcome parameter set.
    Ops,
    /// User interface request.
    Ui,
    /// Error indication, DF8115.
    ErrorIndication,
    /// Tag 9F26.
    Cryptogram,
    /// Tag 9F37.
    UnpredictableNumber,
    /// Tag 9F36.
    Atc,
    /// Application identifier.
    Aid,
    /// Signal strength.
    Rssi,
    /// F22.
    EntryMode,
    /// Message type.
    Mti,
    /// A vendor's result code.
    Code,
    /// A timer or duration.
    Timer,
    /// Transaction type.
    TransactionType,
}

impl Key {
    /// Short name for values that events keep.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stan => "stan",
            Self::Rrn => "rrn",
            Self::AuthCode => "auth_code",
            Self::Batch => "batch",
            Self::Terminal => "terminal",
            Self::Merchant => "merchant",
            Self::Device => "device",
            Self::Amount | Self::AmountMinor => "amount_minor",
            Self::Currency => "currency",
            Self::Card => "card",
            Self::ResponseCode => "f39",
            Self::Host => "host",
            Self::Port => "port",
            Self::Limit => "limit_minor",
            Self::CvmLimit => "cvm_limit_minor",
            Self::FloorLimit => "floor_limit_minor",
            Self::Version => "version",
            Self::Sw => "sw",
            Self::Tvr => "tvr",
            Self::Ops => "ops",
            Self::Ui => "ui",
            Self::ErrorIndication => "error_indication",
            Self::Cryptogram => "cryptogram",
            Self::UnpredictableNumber => "unpredictable_number",
            Self::Atc => "atc",
            Self::Aid => "aid",
            Self::Rssi => "rssi_dbm",
            Self::EntryMode => "entry_mode",
            Self::Mti => "mti",
            Self::Code => "code",
            Self::Timer => "timer_ms",
            Self::TransactionType => "transaction_type",
        }
    }
}

/// A named value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// What it is.
    pub key: Key,
    /// The value as written.
    pub value: &'a [u8],
    /// What follows it: units (`元`, `dBm`, `CNY`).
    pub after: &'a [u8],
    /// True where only payments have such a label.
    pub payment: bool,
    /// Offset of the label.
    pub at: usize,
}

/// Labels, what they name, and whether only payments have them. Words are joined in every way; longest label wins.
const LABELS: &[(&str, Key, bool)] = &[
    ("trace no", Key::Stan, true),
    ("trace num", Key::Stan, true),
    ("trace number", Key::Stan, true),
    ("trace", Key::Stan, false),
    ("stan", Key::Stan, true),
    ("system trace", Key::Stan, true),
    ("system trace no", Key::Stan, true),
    ("system trace number", Key::Stan, true),
    ("systrace", Key::Stan, true),
    ("sys trace no", Key::Stan, true),
    ("sys trace", Key::Stan, true),
    ("pos trace", Key::Stan, true),
    ("pos trace no", Key::Stan, true),
    ("voucher no", Key::Stan, true),
    ("voucher", Key::Stan, false),
    ("voucher number", Key::Stan, true),
    ("trans no", Key::Stan, true),
    ("serial no of trans", Key::Stan, true),
    ("audit number", Key::Stan, true),
    ("f11", Key::Stan, true),
    ("de11", Key::Stan, true),
    ("流水号", Key::Stan, true),
    ("交易流水号", Key::Stan, true),
    ("交易流水", Key::Stan, true),
    ("系统跟踪号", Key::Stan, true),
    ("跟踪号", Key::Stan, true),
    ("受卡方系统跟踪号", Key::Stan, true),
    ("凭证号", Key::Stan, true),
    ("凭证号码", Key::Stan, true),
    ("pos流水号", Key::Stan, true),
    ("终端流水号", Key::Stan, true),
    ("流水", Key::Stan, true),
    ("系统流水号", Key::Stan, true),
    ("追踪号", Key::Stan, true),
    ("rrn", Key::Rrn, true),
    ("ref no", Key::Rrn, true),
    ("refer no", Key::Rrn, true),
    ("reference no", Key::Rrn, true),
    ("reference number", Key::Rrn, true),
    ("retrieval reference", Key::Rrn, true),
    ("retrieval reference number", Key::Rrn, true),
    ("retrieval ref no", Key::Rrn, true),
    ("ref num", Key::Rrn, true),
    ("f37", Key::Rrn, true),
    ("de37", Key::Rrn, true),
    ("参考号", Key::Rrn, true),
    ("检索参考号", Key::Rrn, true),
    ("系统参考号", Key::Rrn, true),
    ("交易参考号", Key::Rrn, true),
    ("检索号", Key::Rrn, true),
    ("auth code", Key::AuthCode, true),
    ("authorization code", Key::AuthCode, true),
    ("authorisation code", Key::AuthCode, true),
    ("approval code", Key::AuthCode, true),
    ("auth no", Key::AuthCode, true),
    ("auth id", Key::AuthCode, true),
    ("f38", Key::AuthCode, true),
    ("授权码", Key::AuthCode, true),
    ("授权号", Key::AuthCode, true),
    ("batch no", Key::Batch, true),
    ("batch number", Key::Batch, true),
    ("batch", Key::Batch, false),
    ("批次号", Key::Batch, true),
    ("批次", Key::Batch, true),
    ("terminal id", Key::Terminal, true),
    ("terminal no", Key::Terminal, true),
    ("terminal number", Key::Terminal, true),
    ("terminal", Key::Terminal, false),
    ("term id", Key::Terminal, true),
    ("term no", Key::Terminal, true),
    ("tid", Key::Terminal, false),
    ("pos id", Key::Terminal, true),
    ("f41", Key::Terminal, true),
    ("de41", Key::Terminal, true),
    ("终端号", Key::Terminal, true),
    ("终端编号", Key::Terminal, true),
    ("终端id", Key::Terminal, true),
    ("终端代码", Key::Terminal, true),
    ("终端标识", Key::Terminal, true),
    ("pos终端号", Key::Terminal, true),
    ("merchant id", Key::Merchant, true),
    ("merchant no", Key::Merchant, true),
    ("merchant number", Key::Merchant, true),
    ("merchant", Key::Merchant, true),
    ("merch id", Key::Merchant, true),
    ("mer id", Key::Merchant, true),
    ("mid", Key::Merchant, false),
    ("mch id", Key::Merchant, true),
    ("mch no", Key::Merchant, true),
    ("f42", Key::Merchant, true),
    ("de42", Key::Merchant, true),
    ("商户号", Key::Merchant, true),
    ("商户编号", Key::Merchant, true),
    ("商户代码", Key::Merchant, true),
    ("商户id", Key::Merchant, true),
    ("serial number", Key::Device, false),
    ("serial no", Key::Device, false),
    ("device sn", Key::Device, false),
    ("terminal sn", Key::Device, true),
    ("tusn", Key::Device, true),
    ("sn", Key::Device, false),
    ("device serial", Key::Device, false),
    ("device id", Key::Device, false),
    ("序列号", Key::Device, false),
    ("终端序列号", Key::Device, true),
    ("设备序列号", Key::Device, false),
    ("机身号", Key::Device, true),
    ("设备号", Key::Device, false),
    ("机具序列号", Key::Device, true),
    ("设备sn", Key::Device, false),
    ("amount", Key::Amount, false),
    ("amt", Key::Amount, false),
    ("trans amount", Key::Amount, true),
    ("transaction amount", Key::Amount, true),
    ("txn amount", Key::Amount, true),
    ("sale amount", Key::Amount, true),
    ("trans amt", Key::Amount, true),
    ("total amount", Key::Amount, false),
    ("pay amount", Key::Amount, true),
    ("order amount", Key::Amount, false),
    ("amount authorised", Key::Amount, true),
    ("amount authorized", Key::Amount, true),
    ("authorised amount", Key::Amount, true),
    ("authorized amount", Key::Amount, true),
    ("9f02", Key::AmountMinor, true),
    ("f4", Key::AmountMinor, false),
    ("de4", Key::AmountMinor, true),
    ("de04", Key::AmountMinor, true),
    ("f04", Key::AmountMinor, true),
    ("amount in cents", Key::AmountMinor, true),
    ("amount cents", Key::AmountMinor, true),
    ("amount minor", Key::AmountMinor, true),
    ("amount fen", Key::AmountMinor, true),
    ("amt cents", Key::AmountMinor, true),
    ("amount(分)", Key::AmountMinor, true),
    ("金额(分)", Key::AmountMinor, true),
    ("金额（分）", Key::AmountMinor, true),
    ("交易金额(分)", Key::AmountMinor, true),
    ("交易金额（分）", Key::AmountMinor, true),
    ("amount(cent)", Key::AmountMinor, true),
    ("amount(fen)", Key::AmountMinor, true),
    ("金额", Key::Amount, true),
    ("交易金额", Key::Amount, true),
    ("消费金额", Key::Amount, true),
    ("支付金额", Key::Amount, true),
    ("收款金额", Key::Amount, true),
    ("授权金额", Key::Amount, true),
    ("订单金额", Key::Amount, true),
    ("金额(元)", Key::Amount, true),
    ("金额（元）", Key::Amount, true),
    ("扣款金额", Key::Amount, true),
    ("应收金额", Key::Amount, true),
    ("实付金额", Key::Amount, true),
    ("currency", Key::Currency, false),
    ("currency code", Key::Currency, false),
    ("币种", Key::Currency, true),
    ("货币代码", Key::Currency, true),
    ("5f2a", Key::Currency, true),
    ("f49", Key::Currency, true),
    ("curr", Key::Currency, false),
    ("pan", Key::Card, false),
    ("card no", Key::Card, true),
    ("card number", Key::Card, true),
    ("card num", Key::Card, true),
    ("masked pan", Key::Card, true),
    ("card pan", Key::Card, true),
    ("primary account number", Key::Card, true),
    ("card", Key::Card, false),
    ("卡号", Key::Card, true),
    ("银行卡号", Key::Card, true),
    ("主账号", Key::Card, true),
    ("f2", Key::Card, false),
    ("f02", Key::Card, false),
    ("de2", Key::Card, false),
    ("de02", Key::Card, false),
    ("response code", Key::ResponseCode, false),
    ("resp code", Key::ResponseCode, false),
    ("rsp code", Key::ResponseCode, false),
    ("rspcd", Key::ResponseCode, true),
    ("respcd", Key::ResponseCode, true),
    ("host response", Key::ResponseCode, false),
    ("host response code", Key::ResponseCode, true),
    ("host code", Key::ResponseCode, true),
    ("host resp", Key::ResponseCode, true),
    ("host rsp code", Key::ResponseCode, true),
    ("iso response code", Key::ResponseCode, true),
    ("issuer response", Key::ResponseCode, true),
    ("issuer response code", Key::ResponseCode, true),
    ("auth response", Key::ResponseCode, true),
    ("auth response code", Key::ResponseCode, true),
    ("authorization response code", Key::ResponseCode, true),
    ("authorisation response code", Key::ResponseCode, true),
    ("arc", Key::ResponseCode, false),
    ("rc", Key::ResponseCode, false),
    ("f39", Key::ResponseCode, true),
    ("de39", Key::ResponseCode, true),
    ("field39", Key::ResponseCode, true),
    ("field 39", Key::ResponseCode, true),
    ("39域", Key::ResponseCode, true),
    ("域39", Key::ResponseCode, true),
    ("bit39", Key::ResponseCode, true),
    ("bit 39", Key::ResponseCode, true),
    ("应答码", Key::ResponseCode, true),
    ("响应码", Key::ResponseCode, true),
    ("返回码", Key::ResponseCode, false),
    ("主机应答码", Key::ResponseCode, true),
    ("主机返回码", Key::ResponseCode, true),
    ("后台返回码", Key::ResponseCode, true),
    ("后台应答码", Key::ResponseCode, true),
    ("平台返回码", Key::ResponseCode, true),
    ("平台应答码", Key::ResponseCode, true),
    ("交易应答码", Key::ResponseCode, true),
    ("收单应答码", Key::ResponseCode, true),
    ("银联应答码", Key::ResponseCode, true),
    ("应答", Key::ResponseCode, false),
    ("拒绝码", Key::ResponseCode, true),
    ("host", Key::Host, false),
    ("host ip", Key::Host, false),
    ("host address", Key::Host, false),
    ("server", Key::Host, false),
    ("server ip", Key::Host, false),
    ("server address", Key::Host, false),
    ("host name", Key::Host, false),
    ("remote", Key::Host, false),
    ("主机", Key::Host, false),
    ("主机地址", Key::Host, false),
    ("服务器", Key::Host, false),
    ("服务器地址", Key::Host, false),
    ("后台地址", Key::Host, false),
    ("地址", Key::Host, false),
    ("port", Key::Port, false),
    ("端口", Key::Port, false),
    ("host port", Key::Port, false),
    ("server port", Key::Port, false),
    ("主机端口", Key::Port, false),
    ("limit", Key::Limit, false),
    ("contactless limit", Key::Limit, true),
    ("ctls limit", Key::Limit, true),
    ("reader limit", Key::Limit, true),
    ("rf limit", Key::Limit, false),
    ("reader contactless transaction limit", Key::Limit, true),
    ("contactless transaction limit", Key::Limit, true),
    ("transaction limit", Key::Limit, false),
    ("max limit", Key::Limit, false),
    ("rctl", Key::Limit, true),
    ("clss limit", Key::Limit, true),
    ("qps limit", Key::Limit, true),
    ("df8124", Key::Limit, true),
    ("df8125", Key::Limit, true),
    ("df20", Key::Limit, true),
    ("限额", Key::Limit, false),
    ("非接限额", Key::Limit, true),
    ("闪付限额", Key::Limit, true),
    ("非接交易限额", Key::Limit, true),
    ("交易限额", Key::Limit, true),
    ("单笔限额", Key::Limit, true),
    ("最大限额", Key::Limit, true),
    ("cvm limit", Key::CvmLimit, true),
    ("cvm required limit", Key::CvmLimit, true),
    ("reader cvm required limit", Key::CvmLimit, true),
    ("contactless cvm limit", Key::CvmLimit, true),
    ("no pin limit", Key::CvmLimit, true),
    ("df8126", Key::CvmLimit, true),
    ("df21", Key::CvmLimit, true),
    ("免密限额", Key::CvmLimit, true),
    ("cvm限额", Key::CvmLimit, true),
    ("小额免密限额", Key::CvmLimit, true),
    ("免签限额", Key::CvmLimit, true),
    ("免密免签限额", Key::CvmLimit, true),
    ("非接cvm限额", Key::CvmLimit, true),
    ("floor limit", Key::FloorLimit, true),
    ("contactless floor limit", Key::FloorLimit, true),
    ("reader contactless floor limit", Key::FloorLimit, true),
    ("df8123", Key::FloorLimit, true),
    ("df19", Key::FloorLimit, true),
    ("脱机限额", Key::FloorLimit, true),
    ("最低限额", Key::FloorLimit, true),
    ("非接脱机限额", Key::FloorLimit, true),
    ("脱机最低限额", Key::FloorLimit, true),
    ("version", Key::Version, false),
    ("app version", Key::Version, false),
    ("kernel version", Key::Version, false),
    ("firmware version", Key::Version, false),
    ("firmware", Key::Version, false),
    ("fw", Key::Version, false),
    ("software version", Key::Version, false),
    ("应用版本", Key::Version, false),
    ("内核版本", Key::Version, false),
    ("固件版本", Key::Version, false),
    ("程序版本", Key::Version, false),
    ("版本号", Key::Version, false),
    ("软件版本", Key::Version, false),
    ("param version", Key::Version, false),
    ("parameter version", Key::Version, false),
    ("参数版本", Key::Version, false),
    ("sw", Key::Sw, false),
    ("sw1sw2", Key::Sw, true),
    ("sw12", Key::Sw, true),
    ("status word", Key::Sw, true),
    ("last sw", Key::Sw, true),
    ("card sw", Key::Sw, true),
    ("状态字", Key::Sw, true),
    ("状态码", Key::Sw, false),
    ("tvr", Key::Tvr, true),
    ("tag 95", Key::Tvr, true),
    ("tag95", Key::Tvr, true),
    ("终端验证结果", Key::Tvr, true),
    ("95", Key::Tvr, false),
    ("ops", Key::Ops, false),
    ("df8129", Key::Ops, true),
    ("outcome parameter set", Key::Ops, true),
    ("outcome", Key::Ops, false),
    ("9f8210", Key::Ops, true),
    ("ui", Key::Ui, false),
    ("df8116", Key::Ui, true),
    ("uird", Key::Ui, true),
    ("ui request", Key::Ui, true),
    ("message identifier", Key::Ui, true),
    ("message id", Key::Ui, false),
    ("ui message", Key::Ui, true),
    ("ui msg", Key::Ui, true),
    ("msg id", Key::Ui, false),
    ("9f8205", Key::Ui, true),
    ("df8115", Key::ErrorIndication, true),
    ("error indication", Key::ErrorIndication, true),
    ("9f8204", Key::ErrorIndication, true),
    ("ei", Key::ErrorIndication, false),
    ("arqc", Key::Cryptogram, true),
    ("cryptogram", Key::Cryptogram, true),
    ("9f26", Key::Cryptogram, true),
    ("tc", Key::Cryptogram, false),
    ("aac", Key::Cryptogram, false),
    ("应用密文", Key::Cryptogram, true),
    ("密文", Key::Cryptogram, false),
    ("ac", Key::Cryptogram, false),
    ("9f37", Key::UnpredictableNumber, true),
    ("unpredictable number", Key::UnpredictableNumber, true),
    ("un", Key::UnpredictableNumber, false),
    ("不可预知数", Key::UnpredictableNumber, true),
    ("9f36", Key::Atc, true),
    ("atc", Key::Atc, false),
    ("应用交易计数器", Key::Atc, true),
    ("aid", Key::Aid, true),
    ("4f", Key::Aid, false),
    ("84", Key::Aid, false),
    ("应用标识", Key::Aid, true),
    ("rssi", Key::Rssi, false),
    ("signal strength", Key::Rssi, false),
    ("信号强度", Key::Rssi, false),
    ("rsrp", Key::Rssi, false),
    ("csq", Key::Rssi, false),
    ("signal", Key::Rssi, false),
    ("信号", Key::Rssi, false),
    ("dbm", Key::Rssi, false),
    ("entry mode", Key::EntryMode, true),
    ("pos entry mode", Key::EntryMode, true),
    ("f22", Key::EntryMode, true),
    ("de22", Key::EntryMode, true),
    ("输入方式", Key::EntryMode, false),
    ("服务点输入方式", Key::EntryMode, true),
    ("mti", Key::Mti, true),
    ("msg type", Key::Mti, false),
    ("message type", Key::Mti, false),
    ("消息类型", Key::Mti, false),
    ("报文类型", Key::Mti, true),
    ("error code", Key::Code, false),
    ("err code", Key::Code, false),
    ("errno", Key::Code, false),
    ("result code", Key::Code, false),
    ("ret code", Key::Code, false),
    ("return code", Key::Code, false),
    ("ret", Key::Code, false),
    ("result", Key::Code, false),
    ("code", Key::Code, false),
    ("rv", Key::Code, false),
    ("err", Key::Code, false),
    ("error", Key::Code, false),
    ("status", Key::Code, false),
    ("返回值", Key::Code, false),
    ("错误码", Key::Code, false),
    ("错误代码", Key::Code, false),
    ("结果码", Key::Code, false),
    ("结果", Key::Code, false),
    ("失败码", Key::Code, false),
    ("异常码", Key::Code, false),
    ("返回", Key::Code, false),
    ("res", Key::Code, false),
    ("reason", Key::Code, false),
    ("失败", Key::Code, false),
    ("错误", Key::Code, false),
    ("onerror", Key::Code, false),
    ("timeout", Key::Timer, false),
    ("elapsed", Key::Timer, false),
    ("cost", Key::Timer, false),
    ("耗时", Key::Timer, false),
    ("超时时间", Key::Timer, false),
    ("duration", Key::Timer, false),
    ("trans type", Key::TransactionType, true),
    ("transaction type", Key::TransactionType, true),
    ("交易类型", Key::TransactionType, true),
    ("processing code", Key::TransactionType, true),
];

/// Finds labels.
pub struct Labels {
    finder: AhoCorasick,
    owners: Vec<(Key, bool, bool)>,
}

fn joined(label: &str) -> Vec<String> {
    if !label.contains(' ') {
        return vec![label.to_owned()];
    }
    ["", " ", "_", "-", "."]
        .iter()
        .map(|join| label.replace(' ', join))
        .collect()
}

/// Labels that only payments have, as anchors.
pub fn anchors() -> impl Iterator<Item = String> {
    LABELS
        .iter()
        // Tags and field numbers are looked for with what marks them as such.
        .filter(|(label, _, payment)| *payment && label.len() > 4)
        .flat_map(|(label, _, _)| {
            if label.chars().count() <= 4 && label.is_ascii() {
                ["=", ":", "]", " =", " :", "\""]
                    .iter()
                    .map(|mark| format!("{label}{mark}"))
                    .collect()
            } else {
                joined(label)
            }
        })
        .chain(
            [
                "stan=", "stan:", "stan\"", "stan[", "stan ", "rrn=", "rrn[", "rrn ", "rrn:",
                "rrn\"", "tvr=", "tvr:", "f39=", "f39:", "39域", "f11=", "f37=", "f41=",
            ]
            .map(str::to_owned),
        )
}

impl Labels {
    /// Builds the finder.
    ///
    /// # Errors
    /// Where the table does not make an automaton.
    pub fn new() -> Result<Self, aho_corasick::BuildError> {
        let mut words = Vec::new();
        let mut owners = Vec::new();
        for (label, key, payment) in LABELS {
            for form in joined(label) {
                words.push(form);
                owners.push((*key, *payment, label.len() >= 3));
            }
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&words)?;
        Ok(Self { finder, owners })
    }

    /// All named values of a text, in order.
    #[must_use]
    pub fn read<'a>(&self, text: &'a [u8]) -> Vec<Pair<'a>> {
        let mut pairs = Vec::new();
        let mut behind = 0;
        for hit in self.finder.find_iter(text) {
            if hit.start() < behind || pairs.len() >= 48 {
                continue;
            }
            let Some((key, payment, long)) = self.owners.get(hit.pattern().as_usize()) else {
                continue;
            };
            if !bounded(text, hit.start(), hit.end()) {
                continue;
            }
            if let Some((value, end)) = value(text, hit.end(), *payment && *long) {
                behind = end;
                pairs.push(Pair {
                    key: *key,
                    value,
                    after: text.get(end..).unwrap_or_default(),
                    payment: *payment,
                    at: hit.start(),
                });
            }
        }
        pairs
    }
}

fn bounded(text: &[u8], start: usize, end: usize) -> bool {
    let Some(first) = text.get(start) else {
        return false;
    };
    if !first.is_ascii() {
        return true;
    }
    let before = start.checked_sub(1).and_then(|i| text.get(i));
    let front = before.is_none_or(|b| {
        !b.is_ascii_alphanumeric() || b.is_ascii_lowercase() && first.is_ascii_uppercase()
    });
    let last_ascii = end
        .checked_sub(1)
        .and_then(|i| text.get(i))
        .is_some_and(u8::is_ascii_alphanumeric);
    let back = !last_ascii || text.get(end).is_none_or(|b| !b.is_ascii_alphanumeric());
    front && back
}

/// The value behind a label that ends at `at`: marks, then what stands up to a blank, comma, quote or bracket.
fn value(text: &[u8], at: usize, may_lack_mark: bool) -> Option<(&[u8], usize)> {
    let mut cursor = at;
    let mut marks = 0;
    let mut blanks = 0;
    loop {
        let rest = text.get(cursor..)?;
        if rest.starts_with("：".as_bytes())
            || rest.starts_with("【".as_bytes())
            || rest.starts_with("为".as_bytes())
            || rest.starts_with("是".as_bytes())
            || rest.starts_with("（".as_bytes())
            || rest.starts_with("￥".as_bytes())
        {
            marks += 1;
            cursor += 3;
            continue;
        }
        if rest.starts_with("¥".as_bytes()) {
            cursor += 2;
            continue;
        }
        match rest.first()? {
            b'=' | b':' => marks += 1,
            b'[' | b'(' | b'{' | b'>' | b'#' if marks <= 2 => marks += 1,
            b'"' | b'\'' | b'\\' | b'$' => {}
            b']' | b')' if marks <= 1 => {}
            b'.' if blanks == 0 && marks == 0 => {}
            b' ' | b'\t' => blanks += 1,
            b'-' if rest.get(1) == Some(&b'>') => {
                marks += 1;
                cursor += 1;
            }
            _ => break,
        }
        cursor += 1;
        if cursor - at > 12 {
            return None;
        }
    }
    let rest = text.get(cursor..)?;
    let first = *rest.first()?;
    if marks == 0
        && !(may_lack_mark && blanks > 0 && (first.is_ascii_digit() || first == b'-'))
        && !(may_lack_mark
            && text.get(at - 1).is_some_and(|b| !b.is_ascii())
            && first.is_ascii_digit())
    {
        return None;
    }
    let length = rest
        .iter()
        .take_while(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'*' | b'_' | b'/' | b':')
        })
        .take(96)
        .count();
    let mut value = rest.get(..length)?;
    // Thousands: 1,234.50
    let mut end = cursor + length;
    if value.len() <= 3
        && value.iter().all(u8::is_ascii_digit)
        && !value.is_empty()
        && let Some([b',', a, b, c, b'.', d, e, ..]) = text.get(end..)
        && [a, b, c, d, e].iter().all(|x| x.is_ascii_digit())
    {
        end += 7;
        value = text.get(cursor..end)?;
    }
    while let [head @ .., b'.' | b':' | b'/' | b'-'] = value {
        value = head;
        end -= 1;
    }
    (!value.is_empty()).then_some((value, end))
}

/// An amount in minor units: `10.00`, `1,234.50`, `000000001000`, `10元`; `minor` where the label says so.
#[must_use]
pub fn minor_units(value: &[u8], after: &[u8], minor: bool) -> Option<i64> {
    let digits: Vec<u8> = value.iter().copied().filter(|b| *b != b',').collect();
    let yuan = after.trim_ascii_start().starts_with("元".as_bytes());
    let fen = after.trim_ascii_start().starts_with("分".as_bytes());
    let parse = |d: &[u8]| -> Option<i64> {
        (!d.is_empty() && d.len() <= 15 && d.iter().all(u8::is_ascii_digit)).then(|| {
            d.iter()
                .fold(0_i64, |sum, b| sum * 10 + i64::from(b - b'0'))
        })
    };
    if let Some(point) = memchr::memchr(b'.', &digits) {
        let whole = parse(digits.get(..point)?)?;
        let fraction = digits.get(point + 1..)?;
        let cents = match fraction {
            [a] => parse(&[*a])? * 10,
            [a, b] => parse(&[*a, *b])?,
            [a, b, rest @ ..] if rest.iter().all(|b| *b == b'0') => parse(&[*a, *b])?,
            _ => return None,
        };
        return whole.checked_mul(100)?.checked_add(cents);
    }
    let number = parse(&digits)?;
    if yuan && !minor && digits.len() < 12 {
        return number.checked_mul(100);
    }
    let _ = fen;
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_in_every_joining() {
        let labels = Labels::new().unwrap();
        for (text, key, value) in [
            ("traceNo=000123", Key::Stan, "000123"),
            ("trace_no: 000123,", Key::Stan, "000123"),
            ("\"traceNo\":\"000123\"", Key::Stan, "000123"),
            ("STAN[000123]", Key::Stan, "000123"),
            ("流水号：000123", Key::Stan, "000123"),
            ("流水号 000123", Key::Stan, "000123"),
            ("流水号000123", Key::Stan, "000123"),
            ("参考号=123456789012", Key::Rrn, "123456789012"),
            ("终端号:12345678", Key::Terminal, "12345678"),
            ("terminalId=T0000001 x", Key::Terminal, "T0000001"),
            ("交易金额：100.50元", Key::Amount, "100.50"),
            ("金额: ¥ 12.30", Key::Amount, "12.30"),
            ("amount=1,234.50", Key::Amount, "1,234.50"),
            ("F39=55", Key::ResponseCode, "55"),
            ("field[39] = 00", Key::ResponseCode, ""),
            ("应答码[96]", Key::ResponseCode, "96"),
            (
                "connect host=pos.example.test:6000",
                Key::Host,
                "pos.example.test:6000",
            ),
            ("<stan>000123</stan>", Key::Stan, "000123"),
            ("rssi=-83dBm", Key::Rssi, "-83dBm"),
        ] {
            let pairs = labels.read(text.as_bytes());
            let found = pairs.iter().find(|p| p.key == key);
            if value.is_empty() {
                assert!(found.is_none(), "{text}");
            } else {
                assert_eq!(
                    found.map(|p| String::from_utf8_lossy(p.value).into_owned()),
                    Some(value.to_owned()),
                    "{text} {pairs:?}"
                );
            }
        }
        assert!(
            labels
                .read(b"standard output, amounts to nothing")
                .is_empty()
        );
    }

    #[test]
    fn amounts() {
        for (value, after, minor, want) in [
            ("10.00", "", false, Some(1000)),
            ("1,234.50", "", false, Some(123_450)),
            ("000000001000", "", false, Some(1000)),
            ("10", "元", false, Some(1000)),
            ("10", "分", false, Some(10)),
            ("1000", "", true, Some(1000)),
            ("0.5", "", false, Some(50)),
            ("x", "", false, None),
        ] {
            assert_eq!(
                minor_units(value.as_bytes(), after.as_bytes(), minor),
                want,
                "{value}{after}"
            );
        }
    }
}
