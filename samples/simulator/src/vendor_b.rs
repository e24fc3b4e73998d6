//! Puts what a terminal says into the words of vendor B: a Chinese text log with key-values,
//! numbers from the PBOC service of SmartPOS systems and an RF driver's hexadecimal codes.

use crate::say::{Line, Say, mask, yuan};

fn l(out: &mut Vec<Line>, level: char, tag: &'static str, text: impl Into<String>) {
    out.push(Line {
        level,
        tag,
        text: text.into(),
    });
}

fn one<'a>(v: u64, of: &[&'a str]) -> &'a str {
    of[(v % of.len() as u64) as usize]
}

fn end(o: &mut Vec<Line>, v: u64, code: u32, what: &str) {
    match v % 3 {
        0 => l(o, 'E', "内核", format!("交易流程结束 返回码:{code} {what}")),
        1 => l(o, 'E', "非接", format!("处理结果={code}, {what}")),
        _ => l(o, 'E', "内核", format!("{what} (错误码 {code})")),
    }
}

/// Renders.
#[allow(clippy::too_many_lines, reason = "one arm a sentence")]
pub fn render(say: &Say<'_>, v: u64, o: &mut Vec<Line>) {
    match say {
        Say::Boot { version, serial } => l(
            o,
            'I',
            "系统",
            format!("收单程序启动 版本:{version} 序列号:{serial}"),
        ),
        Say::SignOn { ok: true } => l(
            o,
            'I',
            "交易",
            one(v, &["签到成功, 工作密钥已更新", "终端签到完成"]),
        ),
        Say::SignOn { ok: false } => l(o, 'W', "交易", "签到失败"),
        Say::SaleStart { amount, stan, tid } => match v % 3 {
            0 => l(
                o,
                'I',
                "交易",
                format!(
                    "消费开始 金额:{} 流水号:{stan:06} 终端号:{tid}",
                    yuan(*amount)
                ),
            ),
            1 => l(
                o,
                'I',
                "交易",
                format!(
                    "发起消费交易, 交易金额={}, 流水号={stan:06}, 终端号={tid}",
                    yuan(*amount)
                ),
            ),
            _ => l(
                o,
                'I',
                "交易",
                format!(
                    "[消费] 金额 {} 元 终端号:{tid} 流水号:{stan:06}",
                    yuan(*amount)
                ),
            ),
        },
        Say::AskCard => l(
            o,
            'I',
            "界面",
            one(
                v,
                &["提示: 请刷卡、插卡或挥卡", "显示 请出示卡片", "提示:请挥卡"],
            ),
        ),
        Say::FieldOn => l(
            o,
            'D',
            "非接",
            one(v, &["打开射频, 开始寻卡", "寻卡中", "射频场已开启"]),
        ),
        Say::OverLimit { amount, limit } => match v % 3 {
            0 => end(o, 0, 23, "交易金额超过非接限额"),
            1 => l(
                o,
                'W',
                "非接",
                format!(
                    "金额{}元超过非接交易限额{}元, 请插卡",
                    yuan(*amount),
                    yuan(*limit)
                ),
            ),
            _ => l(
                o,
                'W',
                "内核",
                format!("预处理不通过: 超非接限额 金额={amount} 限额={limit} 返回码:23"),
            ),
        },
        Say::CardFound { uid } => l(
            o,
            'I',
            "非接",
            format!(
                "{} UID:{uid}",
                one(v, &["感应到一张卡片", "寻到卡", "卡片进场"])
            ),
        ),
        Say::NoCard { secs } => match v % 3 {
            0 => l(o, 'W', "非接", format!("寻卡超时({secs}秒)")),
            1 => l(o, 'W', "非接", format!("{secs}秒内未检测到卡片")),
            _ => l(o, 'W', "界面", "等待出示卡片超时"),
        },
        Say::Cancelled => l(
            o,
            'I',
            "交易",
            one(
                v,
                &[
                    "用户按取消键, 交易取消",
                    "操作员取消交易",
                    "本笔消费已被取消",
                ],
            ),
        ),
        Say::MultiCard => match v % 3 {
            0 => end(o, 0, 26, "多卡冲突"),
            1 => l(o, 'W', "非接", "感应区内有多张卡 0x14, 请只放一张卡"),
            _ => l(o, 'W', "非接", "检测到多张卡片, 请出示单张卡"),
        },
        Say::RfInitFail => l(
            o,
            'E',
            "非接",
            one(
                v,
                &[
                    "射频模块初始化失败 0xFF",
                    "读卡芯片无响应, 非接模块异常",
                    "打开射频失败(0xFF), 非接读卡器故障",
                ],
            ),
        ),
        Say::RfError => l(
            o,
            'W',
            "非接",
            one(
                v,
                &["射频通信错误 0x17", "CRC校验错 0x22", "传输错误, 重试"],
            ),
        ),
        Say::Torn => {
            match v % 3 {
                0 => end(o, 0, 29, "卡片指令超时, 卡片已离开感应区"),
                1 => end(o, 2, 60, "挥卡失败, 卡片移开过快"),
                _ => l(o, 'E', "非接", "读卡中断: 卡片过早移开(闪卡)"),
            }
            l(
                o,
                'I',
                "界面",
                one(v / 3, &["提示: 请重新挥卡", "提示: 请再次挥卡并保持不动"]),
            );
        }
        Say::Retap => l(o, 'I', "界面", "提示: 请重新挥卡"),
        Say::SeePhone => l(
            o,
            'I',
            "界面",
            one(v, &["提示: 请查看手机", "请按手机提示完成验证后再次挥卡"]),
        ),
        Say::AskChip => l(
            o,
            'I',
            "界面",
            one(v, &["提示: 请插卡", "请改为插卡交易", "提示:请插入IC卡"]),
        ),
        Say::NoAid => end(
            o,
            v,
            if v.is_multiple_of(2) { 206 } else { 8 },
            "卡与终端没有共同的应用",
        ),
        Say::NoPpse => end(o, v, 206, "卡片不支持非接支付应用"),
        Say::NotCpu => end(o, v, 207, "非CPU卡"),
        Say::CardBlocked => end(o, v, 25, "卡片被锁"),
        Say::AppBlocked => end(o, v, 14, "卡内应用已经被锁"),
        Say::KernelUnsupported => end(o, v, 11, "没有对应类型的内核"),
        Say::CapkMissing { rid, index } => {
            if v.is_multiple_of(2) {
                l(
                    o,
                    'E',
                    "内核",
                    format!("找不到公钥 RID:{rid} 索引:{index:02X}, 脱机数据认证失败 返回码:13"),
                );
            } else {
                l(
                    o,
                    'E',
                    "内核",
                    format!("CA公钥不存在 RID={rid} INDEX={index:02X}"),
                );
                end(o, v / 2, 13, "脱机数据认证未通过");
            }
        }
        Say::DataError { missing: true } => end(o, v, 11, "卡片必备数据缺失"),
        Say::DataError { missing: false } => end(o, v, 19, "卡片数据有误"),
        Say::OdaFailed => end(o, v, 13, "脱机数据认证未通过"),
        Say::CardDeclined => end(o, v, 202, one(v / 3, &["卡片拒绝(AAC)", "qPBOC交易拒绝"])),
        Say::Expired => end(o, v, 203, "卡片已过有效期"),
        Say::NeedsContact => end(o, v, 205, "卡片要求转接触式"),
        Say::Sw6985 => end(o, v, 203, "GPO返回6985"),
        Say::ParamError => end(o, v, 18, "终端参数设置有误"),
        Say::CvmImpossible => end(o, v, 20, "持卡人验证方式不支持, 交易拒绝"),
        Say::L1Protocol => l(o, 'E', "非接", "协议错误 0x16"),
        Say::SchemeRefused => end(o, v, 90, "外卡业务暂未开放"),
        Say::ReadOk {
            pan,
            kernel,
            arqc,
            cid,
        } => {
            let kind = match cid {
                0x80 => "ARQC",
                0x40 => "TC",
                _ => "AAC",
            };
            match v % 3 {
                0 => l(
                    o,
                    'I',
                    "内核",
                    format!("读卡成功 卡号:{} 内核:{kernel} {kind}:{arqc}", mask(pan)),
                ),
                1 => l(
                    o,
                    'I',
                    "内核",
                    format!("卡号={} 密文={arqc} 密文类型={kind}", mask(pan)),
                ),
                _ => l(
                    o,
                    'I',
                    "内核",
                    format!(
                        "{} 卡号:{}",
                        match cid {
                            0x80 => "qPBOC联机请求 返回码:201",
                            0x40 => "qPBOC交易批准 返回码:204",
                            _ => "qPBOC交易拒绝 返回码:202",
                        },
                        mask(pan)
                    ),
                ),
            }
        }
        Say::OfflineApproved => l(o, 'I', "交易", "脱机批准 返回码:204"),
        Say::PinAsk => l(
            o,
            'I',
            "密码",
            one(v, &["提示: 请输入密码", "等待输入联机密码"]),
        ),
        Say::PinDone => l(o, 'I', "密码", "密码输入完成"),
        Say::PinCancelled => l(
            o,
            'W',
            "密码",
            one(v, &["持卡人放弃了输密", "取消密码输入(-1504)"]),
        ),
        Say::Online { host, port } => match v % 2 {
            0 => l(o, 'I', "通讯", format!("正在连接主机 {host}:{port}")),
            _ => l(
                o,
                'I',
                "通讯",
                format!("连接服务器 地址={host} 端口={port}"),
            ),
        },
        Say::Connected { ms } => l(o, 'I', "通讯", format!("连接成功 耗时{ms}毫秒")),
        Say::Sent { mti, stan, bytes } => match v % 2 {
            0 => l(
                o,
                'I',
                "通讯",
                format!("发送报文 {mti} 流水号:{stan:06} 长度:{bytes}"),
            ),
            _ => l(
                o,
                'I',
                "通讯",
                format!("报文已发送, 类型={mti}, 流水号={stan:06}, {bytes}字节"),
            ),
        },
        Say::Received {
            mti,
            f39,
            rrn,
            bytes,
        } => match v % 2 {
            0 => l(
                o,
                'I',
                "通讯",
                format!("收到应答 {mti} 应答码:{f39} 参考号:{rrn} 长度:{bytes}"),
            ),
            _ => l(
                o,
                'I',
                "通讯",
                format!("接收报文成功, 类型={mti}, 应答码={f39}, 检索参考号={rrn}"),
            ),
        },
        Say::Approved {
            rrn,
            auth,
            amount,
            stan,
        } => match v % 3 {
            0 => l(
                o,
                'I',
                "交易",
                format!(
                    "交易成功 流水号:{stan:06} 参考号:{rrn} 授权码:{auth} 金额:{}",
                    yuan(*amount)
                ),
            ),
            1 => l(
                o,
                'I',
                "交易",
                format!("消费完成, 参考号={rrn}, 流水号={stan:06}"),
            ),
            _ => l(o, 'I', "交易", format!("应答码:00 交易批准 参考号:{rrn}")),
        },
        Say::Refused { f39 } => {
            let t = crate::say_f39::screen(f39);
            match v % 3 {
                0 => l(o, 'W', "交易", format!("交易失败 应答码:{f39} {t}")),
                1 => l(o, 'W', "交易", format!("主机拒绝, 应答码={f39}, {t}")),
                _ => l(o, 'W', "交易", format!("{f39}-{t}")),
            }
        }
        Say::ConnectTimeout { host, port, secs } => l(
            o,
            'E',
            "通讯",
            format!(
                "{} {host}:{port} {secs}秒",
                one(v, &["连接主机迟迟没有回应", "连接超时"])
            ),
        ),
        Say::ConnectRefused { host, port } => l(
            o,
            'E',
            "通讯",
            format!(
                "{} {host}:{port}",
                one(v, &["连接请求被对方拒绝", "对端主机拒绝了本次连接"])
            ),
        ),
        Say::ConnectDenied { host, port } => l(
            o,
            'E',
            "通讯",
            format!("连接失败 目标不可达(被禁止) {host}:{port}"),
        ),
        Say::DnsFail { name } => l(
            o,
            'E',
            "通讯",
            format!(
                "{} {name}",
                one(v, &["查询域名没有结果", "主机名解析不出来"])
            ),
        ),
        Say::TlsHandshake => l(
            o,
            'E',
            "通讯",
            one(v, &["SSL握手失败: 协议版本不支持", "TLS握手失败"]),
        ),
        Say::TlsCert { expired: false } => l(o, 'E', "通讯", "SSL握手失败: 服务器证书不受信任"),
        Say::TlsCert { expired: true } => l(o, 'E', "通讯", "SSL握手失败: 服务器证书已过期"),
        Say::ConnLost => l(
            o,
            'E',
            "通讯",
            one(v, &["连接被对方断开", "等待应答时连接中断"]),
        ),
        Say::ReadTimeout { secs } => match v % 3 {
            0 => l(o, 'E', "通讯", format!("接收超时 {secs}秒")),
            1 => l(o, 'E', "交易", format!("等待主机应答超时({secs}秒)")),
            _ => l(o, 'E', "通讯", "交易超时, 未收到应答"),
        },
        Say::Reversal { stan } => l(
            o,
            'W',
            "交易",
            format!(
                "{} 原流水号:{stan:06}",
                one(v, &["登记冲正", "准备冲正", "冲正已保存"])
            ),
        ),
        Say::ReversalDone { stan } => l(o, 'I', "交易", format!("冲正成功 原流水号:{stan:06}")),
        Say::LinkDown => l(
            o,
            'E',
            "通讯",
            one(
                v,
                &[
                    "网络不可用, 请检查网络",
                    "当前没有可用网络",
                    "无线网络已断开, 通讯失败",
                ],
            ),
        ),
        Say::LinkUp => l(o, 'I', "通讯", "网络已恢复"),
        Say::Signal { rssi } => l(o, 'D', "通讯", format!("无线信号强度:{rssi}dBm")),
        Say::Crash => {
            l(o, 'E', "系统", "收单程序异常退出: 空指针 组包 packField60");
            l(o, 'I', "系统", "收单程序重新启动");
        }
        Say::ServiceDead => l(o, 'E', "系统", "非接服务进程异常终止, 系统服务重启"),
        Say::KeyError => l(
            o,
            'E',
            "交易",
            one(
                v,
                &["应答报文MAC校验失败, 请重新签到", "密钥错误, 请重新签到"],
            ),
        ),
        Say::NotSignedOn => l(
            o,
            'W',
            "交易",
            one(v, &["终端未签到, 请先签到", "请先签到"]),
        ),
        Say::ChipIn => l(
            o,
            'I',
            "接触",
            one(
                v,
                &[
                    "IC卡已插入, 上电成功 ATR:3B6800000073C84012009000",
                    "检测到IC卡",
                ],
            ),
        ),
        Say::ChipFail => l(
            o,
            'E',
            "接触",
            one(v, &["IC卡上电无反应", "卡未上电(-1204), 请检查卡片方向"]),
        ),
        Say::SwipeFail => l(o, 'E', "磁条", "刷卡失败(-1101), 磁道数据错误"),
        Say::Swiped => l(o, 'I', "磁条", "刷卡成功, 降级交易"),
        Say::PeriphLost => l(
            o,
            'E',
            "外设",
            one(v, &["找不到密码键盘", "外接读卡器已被拔出"]),
        ),
        Say::PeriphBack => l(o, 'I', "外设", "外接设备已连接"),
        Say::Tamper => l(o, 'E', "安全", "安全模块触发, 终端已自毁(-1522)"),
        Say::Update { percent } => l(o, 'I', "系统", format!("程序升级中 {percent}%, 请勿断电")),
        Say::CtlsOff => l(
            o,
            'W',
            "交易",
            one(
                v,
                &["非接功能处于关闭状态", "非接开关已关闭, 仅支持插卡刷卡"],
            ),
        ),
        Say::NoCtls => l(o, 'W', "非接", "本机型无非接读卡模块(-1001)"),
        Say::Params { version, limit } => l(
            o,
            'I',
            "参数",
            format!("参数生效 版本:{version} 非接交易限额:{}", yuan(*limit)),
        ),
        Say::ParamFail => l(o, 'E', "参数", "IC卡参数下载未完成 5/12"),
        Say::ChipOnlyMenu => l(o, 'I', "交易", "收银员选择功能: 插卡消费"),
        Say::Repaired => l(o, 'I', "非接", "更换非接模块后自检通过"),
        Say::Printed => l(o, 'D', "打印", one(v, &["签购单打印完成", "打印成功"])),
        Say::Removed => l(o, 'D', "非接", "卡片离场, 关闭射频"),
        Say::ClockSet { was } => l(o, 'I', "系统", format!("系统时间已修改 原时间:{was}")),
    }
}
