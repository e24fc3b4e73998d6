//! Puts what a terminal says into the words of vendor C: an English middleware that writes JSON lines,
//! one thought a line, codes of its own that no table knows.

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

/// Ends of a tap: what the middleware tells, by what happened.
fn ends(say: &Say<'_>) -> Option<(&'static [&'static str], &'static str)> {
    Some(match say {
        Say::Torn => (
            &[
                "card left too soon, ask to hold it longer",
                "lost contact with card while reading",
            ],
            "Hold card still until the tone",
        ),
        Say::SeePhone => (
            &[
                "phone wants its owner to confirm",
                "handset asks for unlock before paying",
            ],
            "Follow the steps on your phone",
        ),
        Say::NoAid => (
            &[
                "candidate list empty, none of the card's applications is configured",
                "no matching application between card and reader",
            ],
            "Card type not set up",
        ),
        Say::NoPpse => (
            &[
                "card answered but has no proximity payment directory",
                "2PAY directory not found on card",
            ],
            "Use another card",
        ),
        Say::NotCpu => (&["card speaks no ISO-DEP"], "Use a bank card"),
        Say::CardBlocked => (&["the card reports itself blocked"], "Card blocked"),
        Say::AppBlocked => (
            &["payment application on card is blocked (6283)"],
            "Card blocked",
        ),
        Say::KernelUnsupported => (
            &[
                "card requests a kernel that is not installed",
                "requested kernel id has no implementation here",
            ],
            "Card type not set up",
        ),
        Say::DataError { missing: true } => (
            &["a mandatory data element is absent on the card"],
            "Cannot read card",
        ),
        Say::DataError { missing: false } => {
            (&["malformed data returned by card"], "Cannot read card")
        }
        Say::OdaFailed => (
            &["card authentication (DDA/fDDA) did not verify"],
            "Not accepted",
        ),
        Say::CardDeclined => (&["card returned an AAC, offline decline"], "Not accepted"),
        Say::Expired => (&["expiry date of application has passed"], "Card expired"),
        Say::NeedsContact => (
            &[
                "card asks for contact interface",
                "kernel outcome: try another interface",
            ],
            "Insert card",
        ),
        Say::Sw6985 => (
            &["get processing options answered 6985"],
            "Insert or use another card",
        ),
        Say::ParamError => (&["terminal data error in kernel configuration"], "Error"),
        Say::CvmImpossible => (
            &["cardholder verification required, no method in common"],
            "Not accepted",
        ),
        Say::L1Protocol => (
            &["ISO 14443-4 block protocol error, card still there"],
            "Cannot read card",
        ),
        _ => return None,
    })
}

/// Renders.
#[allow(clippy::too_many_lines, reason = "one arm a sentence")]
pub fn render(say: &Say<'_>, v: u64, o: &mut Vec<Line>) {
    if let Some((texts, shown)) = ends(say) {
        l(o, 'W', "kernel", one(v, texts));
        l(o, 'I', "display", format!("text=\"{shown}\""));
        return;
    }
    match say {
        Say::Boot { version, serial } => l(
            o,
            'I',
            "core",
            format!("middleware up, build {version}, serialNumber {serial}"),
        ),
        Say::SignOn { ok } => l(
            o,
            if *ok { 'I' } else { 'W' },
            "acq",
            if *ok {
                "logon complete"
            } else {
                "logon turned down by acquirer"
            },
        ),
        Say::SaleStart { amount, stan, tid } => l(
            o,
            'I',
            "till",
            format!(
                "{} amount={} currency=CNY stan={stan:06} terminalId={tid}",
                one(v, &["purchase requested,", "payment started,"]),
                yuan(*amount)
            ),
        ),
        Say::AskCard => l(
            o,
            'I',
            "display",
            one(
                v,
                &["text=\"Present card\"", "text=\"Tap, insert or swipe\""],
            ),
        ),
        Say::FieldOn => l(
            o,
            'D',
            "pcd",
            one(v, &["carrier on, polling", "RF on, looking for a card"]),
        ),
        Say::OverLimit { amount, limit } => l(
            o,
            'W',
            "entry",
            match v % 2 {
                0 => format!(
                    "amount {} over contactless limit {}, contact only",
                    yuan(*amount),
                    yuan(*limit)
                ),
                _ => format!(
                    "contactless not allowed for {}, transaction limit is {}",
                    yuan(*amount),
                    yuan(*limit)
                ),
            },
        ),
        Say::CardFound { uid } => l(o, 'D', "pcd", format!("card in field, uid {uid}")),
        Say::NoCard { secs } => l(
            o,
            'W',
            "pcd",
            match v % 2 {
                0 => format!("nobody presented a card in {secs} s"),
                _ => format!("card wait timed out after {secs} s"),
            },
        ),
        Say::Cancelled => l(
            o,
            'I',
            "till",
            one(
                v,
                &[
                    "cashier pressed stop, payment cancelled",
                    "cancelled by customer",
                ],
            ),
        ),
        Say::MultiCard => {
            l(
                o,
                'W',
                "pcd",
                one(
                    v,
                    &[
                        "collision: several cards answered",
                        "more than one card presented",
                    ],
                ),
            );
            l(o, 'I', "display", "text=\"One card only\"");
        }
        Say::RfInitFail => l(
            o,
            'E',
            "pcd",
            one(
                v,
                &[
                    "reader chip does not start",
                    "contactless front end: init failed",
                ],
            ),
        ),
        Say::RfError => l(
            o,
            'W',
            "pcd",
            one(
                v,
                &[
                    "CRC wrong in answer",
                    "parity error on air",
                    "frame damaged",
                ],
            ),
        ),
        Say::Retap => l(o, 'I', "display", "text=\"Tap again\""),
        Say::AskChip => l(o, 'I', "display", "text=\"Insert card\""),
        Say::CapkMissing { rid, index } => {
            l(
                o,
                'E',
                "kernel",
                format!("no CA key for RID {rid} index {index:02X}"),
            );
            l(
                o,
                'W',
                "kernel",
                "card authentication (DDA/fDDA) did not verify",
            );
        }
        Say::SchemeRefused => l(
            o,
            'W',
            "till",
            "brand not part of this merchant's agreement",
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
            l(
                o,
                'I',
                "kernel",
                format!(
                    "card read complete kernel={kernel} pan={} ac={kind} 9F26={arqc}",
                    mask(pan)
                ),
            );
        }
        Say::OfflineApproved => l(o, 'I', "kernel", "offline approval"),
        Say::PinAsk => l(o, 'I', "keypad", "PIN requested"),
        Say::PinDone => l(o, 'I', "keypad", "PIN entered"),
        Say::PinCancelled => l(o, 'W', "keypad", "PIN entry given up"),
        Say::Online { host, port } => l(o, 'D', "line", format!("connecting to {host}:{port}")),
        Say::Connected { ms } => l(o, 'D', "line", format!("connected after {ms} ms")),
        Say::Sent { mti, stan, bytes } => l(
            o,
            'D',
            "line",
            format!("sent mti={mti} stan={stan:06} bytes={bytes}"),
        ),
        Say::Received {
            mti,
            f39,
            rrn,
            bytes,
        } => l(
            o,
            'D',
            "line",
            format!("received mti={mti} responseCode={f39} rrn={rrn} bytes={bytes}"),
        ),
        Say::Approved {
            rrn,
            auth,
            amount,
            stan,
        } => l(
            o,
            'I',
            "till",
            format!(
                "payment approved stan={stan:06} rrn={rrn} authCode={auth} amount={}",
                yuan(*amount)
            ),
        ),
        Say::Refused { f39 } => l(
            o,
            'W',
            "till",
            format!(
                "{} responseCode={f39}",
                one(v, &["payment declined,", "issuer or host said no,"])
            ),
        ),
        Say::ConnectTimeout { host, port, secs } => l(
            o,
            'E',
            "line",
            format!("{host}:{port} did not answer the connect within {secs} s"),
        ),
        Say::ConnectRefused { host, port } => {
            l(o, 'E', "line", format!("{host}:{port} connection refused"))
        }
        Say::ConnectDenied { host, port } => l(
            o,
            'E',
            "line",
            format!("{host}:{port} filtered: ICMP administratively prohibited"),
        ),
        Say::DnsFail { name } => l(o, 'E', "line", format!("cannot resolve {name}")),
        Say::TlsHandshake => l(
            o,
            'E',
            "line",
            "TLS negotiation failed: no common protocol version or cipher",
        ),
        Say::TlsCert { expired } => l(
            o,
            'E',
            "line",
            if *expired {
                "TLS: server certificate has expired"
            } else {
                "TLS: issuer of server certificate unknown"
            },
        ),
        Say::ConnLost => l(o, 'E', "line", "connection reset while waiting"),
        Say::ReadTimeout { secs } => l(
            o,
            'E',
            "line",
            format!("no answer after {secs} s, giving up"),
        ),
        Say::Reversal { stan } => l(o, 'W', "till", format!("reversal stored stan={stan:06}")),
        Say::ReversalDone { stan } => {
            l(o, 'I', "till", format!("reversal confirmed stan={stan:06}"))
        }
        Say::LinkDown => l(o, 'E', "line", "network interface down, no route"),
        Say::LinkUp => l(o, 'I', "line", "network interface up"),
        Say::Signal { rssi } => l(o, 'D', "modem", format!("signal rssi={rssi} dBm")),
        Say::Crash => l(
            o,
            'E',
            "core",
            "unhandled exception in payment module: IndexOutOfRange, restarting",
        ),
        Say::ServiceDead => l(o, 'E', "core", "reader service process died"),
        Say::KeyError => l(
            o,
            'E',
            "acq",
            "MAC of response does not match, keys out of step",
        ),
        Say::NotSignedOn => l(o, 'W', "acq", "not logged on to acquirer"),
        Say::ChipIn => l(o, 'I', "icc", "chip card inserted, ATR received"),
        Say::ChipFail => l(
            o,
            'E',
            "icc",
            one(v, &["chip mute, no ATR", "chip card does not respond"]),
        ),
        Say::SwipeFail => l(o, 'E', "msr", "swipe unreadable"),
        Say::Swiped => l(o, 'I', "msr", "stripe read, fallback"),
        Say::PeriphLost => l(o, 'E', "usb", "pin pad unplugged"),
        Say::PeriphBack => l(o, 'I', "usb", "pin pad plugged in"),
        Say::Tamper => l(o, 'E', "sec", "tamper switch open, keys wiped"),
        Say::Update { percent } => l(
            o,
            'I',
            "core",
            format!("software update running, {percent} %"),
        ),
        Say::CtlsOff => l(o, 'W', "entry", "contactless turned off by configuration"),
        Say::NoCtls => l(o, 'W', "entry", "this model has no contactless reader"),
        Say::Params { version, limit } => l(
            o,
            'I',
            "tms",
            format!("parameter set {version} loaded, contactlessLimit={limit}"),
        ),
        Say::ParamFail => l(
            o,
            'E',
            "tms",
            "parameter load broke off, AID table incomplete",
        ),
        Say::ChipOnlyMenu => l(o, 'I', "till", "cashier chose insert-only sale"),
        Say::Repaired => l(
            o,
            'I',
            "pcd",
            "new contactless module fitted, self-test passed",
        ),
        Say::Printed => l(o, 'D', "prn", "receipt printed"),
        Say::Removed => l(o, 'D', "pcd", "card gone"),
        Say::ClockSet { was } => l(o, 'I', "core", format!("clock corrected, showed {was}")),
        _ => {}
    }
}
