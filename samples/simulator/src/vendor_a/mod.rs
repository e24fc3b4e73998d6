//! Puts what a terminal says into the words of vendor A: an Android terminal, English with the
//! Chinese prompts of its screen, numbers from the SUNMI pay SDK.

mod remote;

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

/// A kernel end with its code.
fn end(o: &mut Vec<Line>, v: u64, code: i32, symbol: &str, prompt: &str) {
    match v % 3 {
        0 => l(
            o,
            'E',
            "CtlsKernel",
            format!("onTransResult ret={code} desc={symbol}"),
        ),
        1 => l(
            o,
            'W',
            "CtlsKernel",
            format!("EMV process finished, result code {code} ({symbol})"),
        ),
        _ => l(
            o,
            'E',
            "EmvFlow",
            format!("kernel callback: onError({code}), {symbol}"),
        ),
    }
    if !prompt.is_empty() {
        l(o, 'I', "UiPrompt", format!("show: {prompt}"));
    }
}

/// Renders.
#[allow(clippy::too_many_lines, reason = "one arm a sentence")]
pub fn render(say: &Say<'_>, v: u64, o: &mut Vec<Line>) {
    match say {
        Say::Boot { version, serial } => l(
            o,
            'I',
            "PayApp",
            format!("application start v{version} sn={serial}"),
        ),
        Say::SignOn { ok: true } => l(
            o,
            'I',
            "TradeFlow",
            one(
                v,
                &[
                    "sign-in done, work keys updated",
                    "login to host OK, TPK/TAK loaded",
                ],
            ),
        ),
        Say::SignOn { ok: false } => l(o, 'W', "TradeFlow", "sign-in refused by host"),
        Say::SaleStart { amount, stan, tid } => {
            let y = yuan(*amount);
            match v % 3 {
                0 => l(
                    o,
                    'I',
                    "TradeFlow",
                    format!("begin SALE amount={y} traceNo={stan:06} tid={tid}"),
                ),
                1 => l(
                    o,
                    'I',
                    "TradeFlow",
                    format!("startTrade type=SALE amt={amount} trace={stan:06} terminalId={tid}"),
                ),
                _ => l(
                    o,
                    'I',
                    "TradeFlow",
                    format!("new purchase, total CNY {y}, voucher/trace {stan:06}, TID {tid}"),
                ),
            }
        }
        Say::AskCard => l(
            o,
            'I',
            "UiPrompt",
            one(
                v,
                &[
                    "show: 请挥卡/插卡/刷卡",
                    "show: 请出示银行卡或手机 (present card)",
                    "screen PRESENT_CARD",
                ],
            ),
        ),
        Say::FieldOn => l(
            o,
            'D',
            "CardReader",
            one(
                v,
                &[
                    "checkCard start, type=NFC|IC|MAG timeout=60",
                    "open RF carrier, polling A/B",
                    "searchCard: rf field on",
                ],
            ),
        ),
        Say::OverLimit { amount, limit } => match v % 3 {
            0 => end(
                o,
                0,
                -4141,
                "contactless limit exceeded",
                "超过非接交易限额, 请插卡",
            ),
            1 => l(
                o,
                'W',
                "CtlsKernel",
                format!(
                    "pre-process: amount {} >= contactless trans limit {}, try another interface (-4144)",
                    yuan(*amount),
                    yuan(*limit)
                ),
            ),
            _ => l(
                o,
                'W',
                "EmvFlow",
                format!(
                    "preProcess failed ret=-4120 amt={amount} rfTransLimit={limit}, please insert"
                ),
            ),
        },
        Say::CardFound { uid } => match v % 2 {
            0 => l(o, 'I', "CardReader", format!("findRFCard uuid={uid}")),
            _ => l(
                o,
                'I',
                "CardReader",
                format!("contactless card detected, uid={uid}"),
            ),
        },
        Say::NoCard { secs } => match v % 3 {
            0 => l(
                o,
                'W',
                "CardReader",
                format!("checkCard timeout after {secs}s"),
            ),
            1 => l(
                o,
                'W',
                "CardReader",
                format!("onError code=-2001 no card, waited {secs} s"),
            ),
            _ => {
                l(
                    o,
                    'W',
                    "CardReader",
                    format!("search card time out ({secs}s)"),
                );
                l(o, 'I', "UiPrompt", "show: 检卡超时");
            }
        },
        Say::Cancelled => l(
            o,
            'I',
            "TradeFlow",
            one(
                v,
                &[
                    "user pressed cancel, trade closed",
                    "cancelCheckCard by operator (-2581)",
                    "transaction cancelled by user",
                ],
            ),
        ),
        Say::MultiCard => {
            l(
                o,
                'W',
                "CardReader",
                one(
                    v,
                    &[
                        "onError code=-2002 more than one card in field",
                        "anticollision: multiple cards, ret=-2524",
                        "multi card conflict ret=-2002",
                    ],
                ),
            );
            l(o, 'I', "UiPrompt", "show: 请只出示一张卡");
        }
        Say::RfInitFail => {
            l(
                o,
                'E',
                "CardReader",
                one(
                    v,
                    &[
                        "open contactless module failed, ret=-2500",
                        "rf module init error -2502, not powered",
                        "NFC chip self test failed (-2500), retry",
                    ],
                ),
            );
        }
        Say::RfError => l(
            o,
            'W',
            "CardReader",
            one(
                v,
                &[
                    "rf exchange crc error, ret=-2526",
                    "L1 transmission error (-4114)",
                    "transceive failed: parity error -2523",
                ],
            ),
        ),
        Say::Torn => {
            match v % 3 {
                0 => end(o, 0, -4146, "torn card, present again", ""),
                1 => {
                    l(
                        o,
                        'W',
                        "System.err",
                        "android.nfc.TagLostException: Tag was lost.",
                    );
                    l(
                        o,
                        'W',
                        "System.err",
                        "\tat android.nfc.TransceiveResult.getResponseOrThrow(TransceiveResult.java:48)",
                    );
                    l(
                        o,
                        'E',
                        "CtlsKernel",
                        "command not answered, card left the field (-4113)",
                    );
                }
                _ => l(
                    o,
                    'E',
                    "CtlsKernel",
                    "card removed before end of transaction, code=-4146",
                ),
            }
            l(
                o,
                'I',
                "UiPrompt",
                one(
                    v / 3,
                    &[
                        "show: 卡片移开过早, 请重新挥卡",
                        "show: 读卡未完成 请再次挥卡",
                    ],
                ),
            );
        }
        Say::Retap => l(
            o,
            'I',
            "UiPrompt",
            one(v, &["show: 请重新挥卡", "screen TRY_AGAIN"]),
        ),
        Say::SeePhone => end(
            o,
            v,
            -4003,
            "customer is to look at the phone",
            "请查看手机并按提示操作",
        ),
        Say::AskChip => l(
            o,
            'I',
            "UiPrompt",
            one(
                v,
                &["show: 请插卡", "screen INSERT_CARD", "show: 请插入芯片卡"],
            ),
        ),
        Say::NoAid => end(
            o,
            v,
            one(v, &["-4107", "-4125"]).parse().unwrap_or(-4107),
            "no common application between card and terminal",
            "暂不支持这张卡",
        ),
        Say::NoPpse => end(o, v, -4123, "PPSE missing on this card", "请换卡或插卡"),
        Say::NotCpu => end(o, v, -2549, "card does not support ISO14443-4", "非银行卡"),
        Say::CardBlocked => end(o, v, -4104, "card is blocked", "卡片已锁"),
        Say::AppBlocked => end(o, v, -4105, "application blocked", "卡片应用已锁定"),
        Say::KernelUnsupported => end(
            o,
            v,
            -4140,
            "no kernel of this type on the device",
            "暂不支持这张卡",
        ),
        Say::CapkMissing { rid, index } => {
            match v % 2 {
                0 => l(
                    o,
                    'E',
                    "CtlsKernel",
                    format!("CA public key not found, RID={rid} index={index:02X}"),
                ),
                _ => l(
                    o,
                    'E',
                    "EmvFlow",
                    format!("getCapk({rid}, {index:02X}) returned null, public key missing"),
                ),
            }
            end(
                o,
                v / 2,
                -4117,
                "card authentication method failed",
                "交易拒绝",
            );
        }
        Say::DataError { missing: true } => {
            end(o, v, -4116, "mandatory card data missing", "读卡失败")
        }
        Say::DataError { missing: false } => end(o, v, -4121, "card data error", "读卡失败"),
        Say::OdaFailed => end(
            o,
            v,
            -4117,
            "ODA result negative, signature wrong",
            "交易拒绝",
        ),
        Say::CardDeclined => end(o, v, -4000, "declined by card (AAC)", "交易拒绝"),
        Say::Expired => end(o, v, -4111, "card expired", "此卡片有效期已过"),
        Say::NeedsContact => end(o, v, -4001, "try another interface", "请插卡"),
        Say::Sw6985 => end(o, v, -4102, "SW 6985 on GPO", "请插卡或换卡"),
        Say::ParamError => end(o, v, -4130, "terminal data error", "参数错误"),
        Say::CvmImpossible => {
            l(
                o,
                'W',
                "CtlsKernel",
                one(
                    v,
                    &[
                        "CVM required but no supported method, outcome DECLINED",
                        "cardholder verification not possible: online PIN not supported by this device",
                    ],
                ),
            );
            end(o, v / 2, -4000, "declined", "交易拒绝");
        }
        Say::L1Protocol => end(o, v, -4115, "L1 protocol error", "读卡失败"),
        Say::SchemeRefused => l(
            o,
            'W',
            "TradeFlow",
            one(
                v,
                &[
                    "foreign card not accepted by this merchant",
                    "scheme not in merchant contract, 暂不受理外卡",
                ],
            ),
        ),
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
                    "CtlsKernel",
                    format!("kernel C{kernel} done, {kind}={arqc} card={}", mask(pan)),
                ),
                1 => l(
                    o,
                    'I',
                    "EmvFlow",
                    format!("onConfirmCardNo {} kernelId={kernel}", mask(pan)),
                ),
                _ => l(
                    o,
                    'I',
                    "EmvFlow",
                    format!("card read ok pan={} 9F27={cid:02X} 9F26={arqc}", mask(pan)),
                ),
            }
            l(
                o,
                'I',
                "UiPrompt",
                one(
                    v / 3,
                    &["beep x1, 读卡成功", "show: 交易处理中, 请勿移开", "led 4/4"],
                ),
            );
        }
        Say::OfflineApproved => l(o, 'I', "TradeFlow", "approved offline (TC)"),
        Say::PinAsk => l(
            o,
            'I',
            "PinPad",
            one(
                v,
                &["show: 请输入密码", "start online pin input, timeout 60"],
            ),
        ),
        Say::PinDone => l(
            o,
            'I',
            "PinPad",
            one(v, &["pin block ready", "pin input confirm, len>0"]),
        ),
        Say::PinCancelled => l(
            o,
            'W',
            "PinPad",
            one(
                v,
                &[
                    "pin input cancelled by cardholder",
                    "onCancel: customer gave up PIN entry",
                ],
            ),
        ),
        Say::Crash => {
            for t in [
                "FATAL EXCEPTION: pool-3-thread-1",
                "Process: com.vendor.pay, PID: 4711",
                "java.lang.NullPointerException: Attempt to invoke virtual method 'java.lang.String java.lang.String.trim()' on a null object reference",
                "\tat com.vendor.pay.iso.Packer.packField60(Packer.java:212)",
            ] {
                l(o, 'E', "AndroidRuntime", t);
            }
            l(
                o,
                'I',
                "ActivityManager",
                "Process com.vendor.pay (pid 4711) has died: fg TOP",
            );
        }
        Say::ServiceDead => {
            l(o, 'E', "ServiceManager", "service 'nfc' died");
            l(
                o,
                'E',
                "CardReader",
                "android.os.DeadObjectException: nfc service gone",
            );
        }
        Say::KeyError => l(
            o,
            'E',
            "TradeFlow",
            one(
                v,
                &[
                    "response MAC check failed, please sign in again",
                    "calcMac error: TAK not valid, 请重新签到",
                ],
            ),
        ),
        Say::NotSignedOn => l(
            o,
            'W',
            "TradeFlow",
            one(
                v,
                &["terminal not signed in, 请先签到", "please logon first"],
            ),
        ),
        Say::ChipIn => l(
            o,
            'I',
            "CardReader",
            one(
                v,
                &[
                    "findICCard atr=3B6800000073C84012009000",
                    "ic card inserted, power up ok",
                ],
            ),
        ),
        Say::ChipFail => l(
            o,
            'E',
            "CardReader",
            one(
                v,
                &["ic card power up failed, no ATR", "ICC reset error -1204"],
            ),
        ),
        Say::SwipeFail => l(
            o,
            'E',
            "CardReader",
            "magnetic stripe read error, ret=-1101",
        ),
        Say::Swiped => l(o, 'I', "CardReader", "findMagCard track2 ok, fallback=true"),
        Say::PeriphLost => l(
            o,
            'E',
            "UsbDeviceManager",
            one(
                v,
                &[
                    "USB pinpad disconnected",
                    "external reader detached from /dev/bus/usb/001",
                ],
            ),
        ),
        Say::PeriphBack => l(o, 'I', "UsbDeviceManager", "external reader attached"),
        Say::Tamper => l(
            o,
            'E',
            "SecurityChip",
            one(
                v,
                &[
                    "tamper detected, keys erased",
                    "security status: TRIGGERED, terminal destroyed (-1522)",
                ],
            ),
        ),
        Say::Update { percent } => l(
            o,
            'I',
            "OtaAgent",
            format!("firmware update in progress {percent}%"),
        ),
        Say::CtlsOff => l(
            o,
            'W',
            "TradeFlow",
            one(
                v,
                &[
                    "contactless disabled in settings",
                    "nfc switch is off, only insert/swipe",
                ],
            ),
        ),
        Say::NoCtls => l(
            o,
            'W',
            "CardReader",
            "device has no contactless reader (-1001)",
        ),
        Say::Params { version, limit } => l(
            o,
            'I',
            "ParamStore",
            format!("parameters v{version} active, rfTransLimit={limit}"),
        ),
        Say::ParamFail => l(
            o,
            'E',
            "ParamStore",
            "AID/CAPK download incomplete, 5 of 12",
        ),
        Say::ChipOnlyMenu => l(
            o,
            'I',
            "TradeFlow",
            "function: insert only sale selected by cashier",
        ),
        Say::Repaired => l(
            o,
            'I',
            "CardReader",
            "contactless module replaced, self test pass",
        ),
        Say::Printed => l(
            o,
            'D',
            "Printer",
            one(v, &["print receipt ok", "receipt printed, 2 copies"]),
        ),
        Say::Removed => l(
            o,
            'D',
            "CardReader",
            one(v, &["card removed, field off", "rf field off"]),
        ),
        Say::ClockSet { was } => l(
            o,
            'I',
            "AlarmManager",
            format!("system time changed, was {was}"),
        ),
        _ => remote::render(say, v, o),
    }
}
