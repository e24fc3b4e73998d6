//! What fields, message types and header values are called, in English and Chinese.
//!
//! English names after ISO 8583:1987 and 1993, Chinese ones after the UnionPay terminal and interbank specifications.

/// English and Chinese.
pub type Name = (&'static str, &'static str);

/// Name of a field; a general one where the norm leaves it to national or private use.
#[must_use]
pub fn field(number: u8) -> Name {
    match number {
        1 => ("second bitmap", "扩展位图"),
        2 => ("primary account number", "主账号"),
        3 => ("processing code", "交易处理码"),
        4 => ("amount, transaction", "交易金额"),
        5 => ("amount, settlement", "清算金额"),
        6 => ("amount, cardholder billing", "扣账金额"),
        7 => ("transmission date and time", "交易传输时间"),
        8 => ("amount, cardholder billing fee", "持卡人扣账手续费"),
        9 => ("conversion rate, settlement", "清算汇率"),
        10 => ("conversion rate, cardholder billing", "扣账汇率"),
        11 => ("system trace audit number", "受卡方系统跟踪号"),
        12 => ("time, local transaction", "受卡方所在地时间"),
        13 => ("date, local transaction", "受卡方所在地日期"),
        14 => ("date, expiration", "卡有效期"),
        15 => ("date, settlement", "清算日期"),
        16 => ("date, conversion", "兑换日期"),
        17 => ("date, capture", "受理日期"),
        18 => ("merchant type", "商户类型"),
        19 => ("acquiring institution country code", "商户国家代码"),
        20 => ("PAN country code", "主账号国家代码"),
        21 => ("forwarding institution country code", "转发机构国家代码"),
        22 => ("point of service entry mode", "服务点输入方式码"),
        23 => ("card sequence number", "卡序列号"),
        24 => ("network international identifier", "网络国际标识"),
        25 => ("point of service condition code", "服务点条件码"),
        26 => ("point of service PIN capture code", "服务点PIN获取码"),
        27 => (
            "authorisation identification response length",
            "授权标识应答长度",
        ),
        28 => ("amount, transaction fee", "交易费"),
        29 => ("amount, settlement fee", "清算费"),
        30 => ("amount, transaction processing fee", "交易处理费"),
        31 => ("amount, settlement processing fee", "清算处理费"),
        32 => ("acquiring institution identification", "受理机构标识码"),
        33 => ("forwarding institution identification", "发送机构标识码"),
        34 => ("primary account number, extended", "扩展主账号"),
        35 => ("track 2 data", "第二磁道数据"),
        36 => ("track 3 data", "第三磁道数据"),
        37 => ("retrieval reference number", "检索参考号"),
        38 => ("authorisation identification response", "授权标识应答码"),
        39 => ("response code", "应答码"),
        40 => ("service restriction code", "服务限制码"),
        41 => ("card acceptor terminal identification", "受卡机终端标识码"),
        42 => ("card acceptor identification", "受卡方标识码"),
        43 => ("card acceptor name and location", "受卡方名称地址"),
        44 => ("additional response data", "附加响应数据"),
        45 => ("track 1 data", "第一磁道数据"),
        46 => ("additional data, ISO", "附加数据（ISO）"),
        47 => ("additional data, national", "附加数据（国内）"),
        48 => ("additional data, private", "附加数据（私有）"),
        49 => ("currency code, transaction", "交易货币代码"),
        50 => ("currency code, settlement", "清算货币代码"),
        51 => ("currency code, cardholder billing", "扣账货币代码"),
        52 => ("personal identification number data", "个人标识码数据"),
        53 => ("security related control information", "安全控制信息"),
        54 => ("additional amounts", "附加金额（余额）"),
        55 => ("integrated circuit card data", "IC卡数据域"),
        56 => ("reserved, ISO", "保留域（ISO）"),
        57..=59 => ("reserved, national", "保留域（国内）"),
        60 => ("reserved, private", "自定义域"),
        61 => ("original message", "原始信息域"),
        62 => ("reserved, private", "自定义域"),
        63 => ("reserved, private", "自定义域"),
        64 | 128 => ("message authentication code", "报文鉴别码"),
        65 => ("bitmap, extended", "扩展位图"),
        66 => ("settlement code", "清算代码"),
        67 => ("extended payment code", "扩展付款代码"),
        68 => ("receiving institution country code", "接收机构国家代码"),
        69 => ("settlement institution country code", "清算机构国家代码"),
        70 => ("network management information code", "网络管理信息码"),
        71 => ("message number", "报文编号"),
        72 => ("message number, last", "最后报文编号"),
        73 => ("date, action", "动作日期"),
        74..=89 => ("reconciliation totals", "对账合计"),
        90 => ("original data elements", "原始数据元"),
        91 => ("file update code", "文件更新码"),
        92 => ("file security code", "文件安全码"),
        93 => ("response indicator", "应答指示"),
        94 => ("service indicator", "服务指示"),
        95 => ("replacement amounts", "替换金额"),
        96 => ("message security code", "报文安全码"),
        97 => ("amount, net settlement", "净清算金额"),
        98 => ("payee", "收款方"),
        99 => ("settlement institution identification", "清算机构标识码"),
        100 => ("receiving institution identification", "接收机构标识码"),
        101 => ("file name", "文件名"),
        102 => ("account identification 1", "账户标识1"),
        103 => ("account identification 2", "账户标识2"),
        104 => ("transaction description", "交易描述"),
        105..=111 => ("reserved, ISO", "保留域（ISO）"),
        112..=119 => ("reserved, national", "保留域（国内）"),
        _ => ("reserved, private", "自定义域"),
    }
}

/// What a message type indicator says.
#[must_use]
pub fn message_type(mti: u16) -> Name {
    match mti % 1000 {
        100 => ("authorisation request", "授权请求"),
        110 => ("authorisation answer", "授权应答"),
        120 | 121 => ("authorisation advice", "授权通知"),
        130 => ("authorisation advice answer", "授权通知应答"),
        200 => ("financial request", "金融交易请求"),
        210 => ("financial answer", "金融交易应答"),
        220 | 221 => ("financial advice", "金融交易通知"),
        230 => ("financial advice answer", "金融交易通知应答"),
        300..=302 => ("file action request", "文件操作请求"),
        310 | 312 => ("file action answer", "文件操作应答"),
        320 => ("batch upload or advice", "批上送"),
        330 => ("batch upload answer", "批上送应答"),
        400 | 401 => ("reversal request", "冲正请求"),
        410 => ("reversal answer", "冲正应答"),
        420 | 421 => ("reversal advice", "冲正通知"),
        430 => ("reversal advice answer", "冲正通知应答"),
        500 | 520 => ("settlement request", "批结算请求"),
        510 | 530 => ("settlement answer", "批结算应答"),
        600 | 620 => ("administrative request", "管理请求"),
        610 | 630 => ("administrative answer", "管理应答"),
        800 => ("network management request", "网络管理请求"),
        810 => ("network management answer", "网络管理应答"),
        820 => ("status or parameter upload", "状态上送、参数下载"),
        830 => ("status or parameter answer", "状态上送、参数下载应答"),
        900 => ("electronic signature upload", "电子签名上送"),
        910 => ("electronic signature answer", "电子签名上送应答"),
        n if (n / 10) % 2 == 0 => ("request", "请求"),
        _ => ("answer", "应答"),
    }
}

/// What the host wants the terminal to do (UnionPay message header).
#[must_use]
pub fn processing_demand(demand: u8) -> Name {
    match demand {
        0 => ("nothing", "无处理要求"),
        1 => ("download magnetic stripe parameters", "下传终端磁条卡参数"),
        2 => ("upload terminal status", "上传终端磁条卡状态信息"),
        3 => ("sign in again", "重新签到"),
        4 => (
            "update certification authority keys",
            "通知终端发起更新公钥信息操作",
        ),
        5 => ("download chip card parameters", "下载终端IC卡参数"),
        6 => ("update parameters by TMS", "TMS参数下载"),
        7 => ("download card blacklist", "卡BIN黑名单下载"),
        _ => ("unknown", "未知"),
    }
}

/// What a message is for, from its type, processing code and network management code.
#[must_use]
pub fn purpose(mti: u16, processing_code: Option<&str>, management: Option<&str>) -> Name {
    match (mti % 1000 / 100, management) {
        (8, Some("001" | "003" | "004" | "005" | "006")) => return ("sign in", "签到"),
        (8, Some("002")) => return ("sign off", "签退"),
        (5, _) => return ("settlement", "批结算"),
        (3, Some("202" | "207")) => return ("end of batch upload", "批上送结束"),
        (6 | 3, Some("203" | "204" | "205" | "206")) => {
            return (
                "chip card script result or batch upload",
                "IC卡批上送、脚本结果通知",
            );
        }
        (8, Some("301" | "270")) => return ("link test", "线路测试"),
        (8, Some("135")) => return ("terminal master key download", "终端主密钥下载"),
        (8, Some("370")) => return ("certification authority key download", "公钥下载"),
        (8, Some("371")) => return ("end of key download", "公钥下载结束"),
        (8, Some("372")) => return ("certification authority key query", "公钥信息查询"),
        (8, Some("380")) => return ("chip card parameter download", "IC卡参数下载"),
        (8, Some("381")) => return ("end of parameter download", "IC卡参数下载结束"),
        (8, Some("382")) => return ("chip card parameter query", "IC卡参数查询"),
        (4, _) => return ("reversal", "冲正"),
        (9, _) => return ("electronic signature upload", "电子签名上送"),
        _ => {}
    }
    if !matches!(mti % 1000 / 100, 1 | 2) {
        return message_type(mti);
    }
    match processing_code.and_then(|c| c.get(..2)) {
        Some("00") => ("purchase", "消费"),
        Some("01") => ("cash withdrawal", "取现"),
        Some("02") => ("debit adjustment", "借记调整"),
        Some("03") => ("pre-authorisation", "预授权"),
        Some("09") => ("purchase with cash back", "消费返现"),
        Some("20") => ("refund or void", "退货、撤销"),
        Some("21") => ("deposit", "存款"),
        Some("30" | "31") => ("balance enquiry", "余额查询"),
        Some("33") => ("account verification", "账户验证"),
        Some("40" | "47") => ("transfer", "转账"),
        Some("50") => ("payment", "缴费"),
        Some("60" | "62" | "63") => ("electronic cash load", "电子现金充值"),
        _ => message_type(mti),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes() {
        assert_eq!(purpose(200, Some("000000"), None).0, "purchase");
        assert_eq!(purpose(210, Some("310000"), None).0, "balance enquiry");
        assert_eq!(purpose(800, None, Some("003")).0, "sign in");
        assert_eq!(purpose(400, Some("000000"), None).0, "reversal");
        assert_eq!(purpose(1200, Some("000000"), None).0, "purchase");
    }
}
