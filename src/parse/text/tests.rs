//! The driver on texts written here, and on real files where they are present.

use super::*;
use crate::event::{CommandKind, FieldState, Signal};
use crate::parse::edge::Edge;
use crate::plan::Plan;

/// What a run gave, its events alive.
struct Alive {
    source: Source,
    events: Vec<Event>,
    issues: Vec<Issue>,
}

impl From<Parsed> for Alive {
    fn from(parsed: Parsed) -> Self {
        Self {
            source: parsed.source,
            events: parsed.events.iter().collect(),
            issues: parsed.issues,
        }
    }
}

fn parse_at(path: &str, text: &[u8]) -> Alive {
    let edge = Edge::new(Some([7; 32]));
    let plan = Plan::default();
    let ctx = Context {
        edge: &edge,
        plan: &plan,
        spill: &crate::event::Spill::unbounded(),
        source: 0,
        path,
        forced_format: None,
        progress: &|_| {},
    };
    let parsed = Alive::from(run(&mut &*text, &ctx));
    let l = &parsed.source.ledger;
    assert_eq!(l.bytes, text.len() as u64, "{path}");
    assert_eq!(
        l.understood + l.ignored + l.not_understood + l.unreadable,
        l.bytes,
        "{path}"
    );
    assert!(parsed.events.is_sorted_by_key(|e| e.place), "{path}");
    parsed
}

fn parse(text: &str) -> Alive {
    parse_at("pos.log", text.as_bytes())
}

fn exchanges(parsed: &Alive) -> Vec<&crate::event::Exchange> {
    parsed
        .events
        .iter()
        .filter_map(|e| {
            if let Payload::Apdu(x) = &e.payload {
                Some(&**x)
            } else {
                None
            }
        })
        .collect()
}

/// `PPSE 9000`, `GPO -` for one without an answer.
fn brief(parsed: &Alive) -> Vec<String> {
    exchanges(parsed)
        .iter()
        .map(|x| {
            let name = match x.command {
                CommandKind::SelectPpse => "PPSE",
                CommandKind::SelectPse => "PSE",
                CommandKind::SelectAid => "AID",
                CommandKind::GetProcessingOptions => "GPO",
                CommandKind::ReadRecord => "RR",
                CommandKind::GenerateAc => "GAC",
                CommandKind::GetData => "GD",
                _ => "other",
            };
            match (x.sw, x.answered) {
                (Some(sw), _) => format!("{name} {sw:04X}"),
                (None, Some(false)) => format!("{name} -"),
                (None, _) => format!("{name} ?"),
            }
        })
        .collect()
}

fn signals(parsed: &Alive) -> Vec<Signal> {
    parsed
        .events
        .iter()
        .filter_map(|e| {
            if let Payload::Log(l) = &e.payload {
                Some(l.signal)
            } else {
                None
            }
        })
        .collect()
}

const PPSE: &str = "00A404000E325041592E5359532E444446303100";
const FCI: &str = "6F23840E325041592E5359532E4444463031A511BF0C0E610C4F07A00000000410108701019000";
const GPO: &str = "80A8000002830000";

fn spaced(hex: &str) -> String {
    hex.as_bytes()
        .chunks(2)
        .map(|p| std::str::from_utf8(p).unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn every_dress_of_a_dialogue_gives_the_same_exchanges() {
    let (c, a, c2, a2) = (PPSE, FCI, GPO, "6985");
    let (sc, sa, sc2, sa2) = (spaced(c), spaced(a), spaced(c2), spaced(a2));
    let list = |hex: &str| {
        hex.as_bytes()
            .chunks(2)
            .map(|p| format!("0x{}", std::str::from_utf8(p).unwrap()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let dashed = |hex: &str| spaced(hex).replace(' ', "-");
    let cases = [
        format!("=> {c}\n<= {a}\n=> {c2}\n<= {a2}\n"),
        format!(">> {sc}\n<< {sa}\n>> {sc2}\n<< {sa2}\n"),
        format!("> {sc}\n< {sa} : Normal processing.\n> {sc2}\n< {sa2} : Conditions\n"),
        format!("send: {sc}\nresp: {sa}\nsend: {sc2}\nresp: {sa2}\n"),
        format!("TX: {c}\nRX: {a}\nTX: {c2}\nRX: {a2}\n"),
        format!("C-APDU: {c}\nR-APDU: {a}\nC-APDU: {c2}\nR-APDU: {a2}\n"),
        format!("Sending: {sc} \nReceived: {sa} \nSending: {sc2}\nReceived: {sa2}\n"),
        format!("T: {sc}\nC: {sa}\nT: {sc2}\nC: {sa2}\n"),
        format!("APDU: {sc} \nSW: {sa} \nAPDU: {sc2} \nSW: {sa2} \n"),
        format!(
            "A>> T=1 (4+0016) {c}\nA<< (0037+2) (61ms) {a}\nA>> (4+0004) {c2}\nA<< (0000+2) (14ms) {a2}\n"
        ),
        format!(
            "transceive(3) in: {sc}\ntransceive out: {sa}\ntransceive(3) in: {sc2}\ntransceive out: {sa2}\n"
        ),
        format!(
            "01 select PPSE command  length 20 data: {c}\n01 select PPSE response length 39 data: {a}\n02 GPO command length 8 data: {c2}\n02 GPO response length 2 data: {a2}\n"
        ),
        format!(
            "sending [{}]\nreceived [{}]\nsending [{}]\nreceived [{}]\n",
            list(c),
            list(a),
            list(c2),
            list(a2)
        ),
        format!(
            "send {}\nrecv {}\nsend {}\nrecv {}\n",
            dashed(c),
            dashed(a),
            dashed(c2),
            dashed(a2)
        ),
        format!("{c}\n{a}\n{c2}\n{a2}\n"),
        format!("发送: {sc}\n接收: {sa}\n发送: {sc2}\n接收: {sa2}\n"),
        format!(
            "Sending: {sc}\nReceived (SW1=0x90, SW2=0x00):\n{} oZ..2PAY.SYS.DDF\n{} 01.........O....\n{}              .......\nSending: {sc2}\nReceived (SW1=0x69, SW2=0x85)\n",
            &sa[..47],
            &sa[48..95],
            &sa[96..sa.len() - 6]
        ),
        format!(
            "{} Tx: [{sc}]\n{} Rx: [{}], SW1: 90, SW2: 00\n{} Tx: [{sc2}]\n{} Rx: [], SW1: 69, SW2: 85\n",
            "DEBUG:emv",
            "DEBUG:emv",
            &sa[..sa.len() - 6],
            "DEBUG:emv",
            "DEBUG:emv"
        ),
    ];
    for text in &cases {
        let parsed = parse(text);
        assert_eq!(brief(&parsed), ["PPSE 9000", "GPO 6985"], "{text}");
        assert_eq!(exchanges(&parsed)[0].answer_hex, FCI, "{text}");
    }
}

#[test]
fn follow_ups_fold_copies_vanish_and_silence_is_seen() {
    let folded = "> 00 A4 04 00 07 A0 00 00 00 04 10 10\n< 61 06\n> 00 C0 00 00 06\n< 6F 04 84 02 A0 00 90 00\n> 00 B2 01 0C 00\n< 6C 04\n> 00 B2 01 0C 04\n< 70 02 81 00 90 00\n";
    assert_eq!(brief(&parse(folded)), ["AID 9000", "RR 9000"]);
    let copies = format!(
        "07-13 19:21:48.201   920  3943 D HalApdu : send: {PPSE}\n07-13 19:21:48.203  2210  2288 D SdkApdu : -> {PPSE}\n07-13 19:21:48.240   920  3943 D HalApdu : recv: {FCI}\n07-13 19:21:48.242  2210  2288 D SdkApdu : <- {FCI}\n"
    );
    assert_eq!(brief(&parse(&copies)), ["PPSE 9000"]);
    let silent = format!(
        "07-13 19:21:48.201   920  3943 D Apdu    : send: {PPSE}\n07-13 19:21:48.240   920  3943 D Apdu    : recv: {FCI}\n07-13 19:21:48.241   920  3943 D Apdu    : send: {GPO}\n07-13 19:21:48.900   920  3943 E Apdu    : android.nfc.TagLostException: Tag was lost.\n"
    );
    let parsed = parse(&silent);
    assert_eq!(brief(&parsed), ["PPSE 9000", "GPO -"]);
    assert_eq!(signals(&parsed), [Signal::CardRemoved]);
    assert_eq!(exchanges(&parsed)[0].duration_micros, Some(39_000));
    let cut = format!("send: {PPSE}\nrecv: {FCI}\nsend: {GPO}\n");
    assert_eq!(brief(&parse(&cut)), ["PPSE 9000", "GPO ?"]);
}

/// A trace whose card falls silent: the remark is not a host's time-out, and the chip's answer to reset, though it ends in 9000, is
/// not the answer to the command that still waits.
#[test]
fn silence_and_a_reset_are_the_cards_own() {
    let parsed = parse(&format!(
        "2026-08-22T09:00:00.000+08:00 => {PPSE}\n\
         2026-08-22T09:00:00.040+08:00 <= {FCI}\n\
         2026-08-22T09:00:00.050+08:00 => {GPO}\n\
         2026-08-22T09:00:00.300+08:00 -- no response, timeout\n\
         2026-08-22T09:00:08.000+08:00 -- contact card reset ATR=3B6800000073C84012009000\n"
    ));
    assert_eq!(brief(&parsed), ["PPSE 9000", "GPO -"]);
    assert!(!signals(&parsed).contains(&Signal::ReadTimeout));
}

/// Kernels have return codes of their own: 11, an approval of hosts, is none beside "no such kernel".
#[test]
fn a_kernels_return_code_is_not_a_hosts() {
    let f39 = |line: &str| {
        let parsed = parse(&format!(
            "[2026-08-22 09:00:00.000] 交易: 消费开始 金额:23.21 流水号:375817 终端号:25907979\n\
             [2026-08-22 09:00:03.000] {line}\n"
        ));
        let values = parsed.events.into_iter().filter_map(|e| match e.payload {
            Payload::Log(line) => Some(line.values),
            _ => None,
        });
        let found = values
            .flatten()
            .find_map(|(name, value)| (name == "f39").then_some(value));
        found
    };
    assert_eq!(f39("内核: 交易流程结束 返回码:11 没有对应类型的内核"), None);
    assert_eq!(f39("通讯: 接收报文 应答码:11").as_deref(), Some("11"));
}

#[test]
fn lines_of_other_threads_stand_between_a_pair() {
    let mut text = format!("07-13 19:21:48.201   920  3943 D Apdu    : send: {PPSE}\n");
    for _ in 0..250 {
        text.push_str("07-13 19:21:48.202  1702  2395 D WindowManager: printFreezingDisplayLogsopening app wtoken\n");
    }
    text.push_str(&format!(
        "07-13 19:21:48.240   920  3943 D Apdu    : recv: {FCI}\n"
    ));
    assert_eq!(brief(&parse(&text)), ["PPSE 9000"]);
}

#[test]
fn an_app_s_workers_share_one_dialogue() {
    // Each line by whichever worker was free: the answer's own lane may have answered before.
    let mut text = String::new();
    for tap in 0..4 {
        for (k, line) in [
            format!("=> {PPSE}"),
            format!("<= {FCI}"),
            "=> 00A4040007A0000000041010".to_owned(),
            "<= 6A82".to_owned(),
        ]
        .iter()
        .enumerate()
        {
            let worker = (tap + 2 * k) % 3;
            text.push_str(&format!(
                "2026-07-13 19:21:{:02}.{k}00 [DefaultDispatcher-worker-{worker}] DEBUG com.acme.Pay - {line}\n",
                10 + 2 * tap
            ));
        }
    }
    let once = ["PPSE 9000", "AID 6A82"];
    assert_eq!(brief(&parse(&text)), once.repeat(4));
}

#[test]
fn data_of_gpo_and_generate_ac_are_cut_by_the_lists_seen_before() {
    let text = "send: 00A4040007A000000004101000\nrecv: 6F148407A0000000041010A5099F38069F66049F37049000\n\
        send: 80A800000A83083600400012345678 00\nrecv: 770A82021980940408010100 9000\n\
        send: 00B2010C00\nrecv: 700C5A0862123400000012318C009000\n";
    let parsed = parse(text);
    let gpo = exchanges(&parsed)
        .into_iter()
        .find(|x| x.command == CommandKind::GetProcessingOptions)
        .unwrap();
    assert_eq!(gpo.bytes(0x9F37), Some(&[0x12, 0x34, 0x56, 0x78][..]));
    assert_eq!(gpo.bytes(0x9F66), Some(&[0x36, 0, 0x40, 0][..]));
    assert_eq!(gpo.bytes(0x82), Some(&[0x19, 0x80][..]));
    let keys = &parsed.events.iter().find(|e| matches!(&e.payload, Payload::Apdu(x) if x.command == CommandKind::GetProcessingOptions)).unwrap().keys;
    assert_eq!(keys.unpredictable_number, Some(0x1234_5678));
    let card = parsed
        .events
        .iter()
        .find_map(|e| e.keys.card.as_ref())
        .unwrap();
    assert_eq!(card.masked, "621234******1231");
}

#[test]
fn pairs_straddle_blocks() {
    let noise = "07-13 19:21:48.202  1702  2395 D WindowManager: printFreezingDisplayLogsopening app wtoken = AppWindowToken\n";
    let mut text = String::new();
    let mut pairs = 0;
    while text.len() < 3 * crate::decode::blocks::BLOCK_BYTES {
        text.push_str(&format!(
            "07-13 19:21:48.201   920  3943 D Apdu    : send: {PPSE}\n"
        ));
        for _ in 0..7 {
            text.push_str(noise);
        }
        text.push_str(&format!(
            "07-13 19:21:48.240   920  3943 D Apdu    : recv: {FCI}\n"
        ));
        pairs += 1;
    }
    let parsed = parse(&text);
    let brief = brief(&parsed);
    assert_eq!(brief.len(), pairs);
    assert!(brief.iter().all(|b| b == "PPSE 9000"));
    let last = parsed.events.last().unwrap();
    assert_eq!(
        last.place,
        Place::Line(u32::try_from(text.lines().count()).unwrap() - 8)
    );
}

const CHINESE: &str = "03-15 10:21:03.120  2210  2288 I Trade   : 开始消费 金额：128.50元 终端号:12345678 商户号:898310148160568\n\
    03-15 10:21:03.180  2210  2288 I Trade   : 请挥卡、插卡或刷卡\n\
    03-15 10:21:09.690  2210  2288 I Trade   : 流水号 000123 批次号 000007\n\
    03-15 10:21:19.690  2210  2288 E Trade   : java.net.SocketTimeoutException: Read timed out\n\
    03-15 10:21:19.700  2210  2288 W Trade   : 接收超时，发起冲正\n\
    03-15 10:21:25.700  2210  2288 I Trade   : 应答码=96 参考号：123456789012\n\
    03-15 10:21:26.900  2210  2288 I Trade   : 卡号 6212340000001231 有效期已过\n";

#[test]
fn chinese_is_read_in_either_encoding() {
    let parsed = parse(CHINESE);
    assert_eq!(
        signals(&parsed),
        [
            Signal::SaleStart,
            Signal::PresentCard,
            Signal::Note,
            Signal::ReadTimeout,
            Signal::ReadTimeout,
            Signal::Reversal,
            Signal::ResponseReceived,
            Signal::CardExpired
        ]
    );
    let first = &parsed.events[0].keys;
    assert_eq!(
        (
            first.amount_minor,
            first.currency,
            first.terminal.as_deref(),
            first.merchant.as_deref()
        ),
        (
            Some(12_850),
            Some(*b"CNY"),
            Some("12345678"),
            Some("898310148160568")
        )
    );
    let third = &parsed.events[2].keys;
    assert_eq!((third.stan, third.batch), (Some(123), Some(7)));
    assert_eq!(parsed.events[6].keys.rrn.as_deref(), Some("123456789012"));
    assert_eq!(parsed.source.device.as_deref(), Some("12345678"));
    let (gbk, _, _) = encoding_rs::GB18030.encode(CHINESE);
    let other = parse_at("pos.log", &gbk);
    assert_eq!(signals(&other), signals(&parsed));
    assert_eq!(
        other.events.iter().map(|e| &e.keys).collect::<Vec<_>>(),
        parsed.events.iter().map(|e| &e.keys).collect::<Vec<_>>()
    );
}

#[test]
fn general_words_count_near_payments_only() {
    let noise =
        "03-15 10:21:09.690  2210  2288 E Net     : connection refused, reboot, cancelled\n";
    assert_eq!(signals(&parse(&noise.repeat(500))), []);
    let near = format!("{noise}03-15 10:21:10.000  2210  2288 I Trade   : 请挥卡\n{noise}");
    assert_eq!(
        signals(&parse(&near)).len(),
        2 * signals(&parse(&format!(
            "{noise}03-15 10:21:10.000  2210  2288 I Trade   : 请挥卡\n"
        )))
        .len()
            - 1
    );
    let far = "03-15 12:21:09.690  2210  2288 E Net     : connection refused\n";
    let text = format!(
        "03-15 10:21:10.000  2210  2288 I Trade   : 请挥卡\n{}{far}",
        "03-15 11:21:09.690  2210  2288 D Other   : nothing to see here\n".repeat(300)
    );
    assert_eq!(signals(&parse(&text)), [Signal::PresentCard]);
}

#[test]
fn iso_messages_in_all_dresses() {
    let xml = "<log realm=\"channel/10.0.0.1:6432\" at=\"2022-09-25T12:16:04.787\">\n  <receive>\n    <isomsg direction=\"incoming\">\n      <field id=\"0\" value=\"0210\"/>\n      <field id=\"2\" value=\"621234______1231\"/>\n      <field id=\"4\" value=\"000000012850\"/>\n      <field id=\"11\" value=\"000123\"/>\n      <field id=\"37\" value=\"123456789012\"/>\n      <field id=\"39\" value=\"91\"/>\n      <field id=\"41\" value=\"12345678\"/>\n      <field id=\"52\" value=\"[WIPED]\"/>\n    </isomsg>\n  </receive>\n</log>\n";
    let list = "2026-02-09 13:08:11,482 INFO host.Switch: <- MTI=0210 DE4=000000012850 DE11=000123 DE37=123456789012 DE39=91 DE41=12345678\n";
    let lines = "2026-02-09 13:08:11,482 INFO host.Switch: F0: 0210\n2026-02-09 13:08:11,482 INFO host.Switch: F4: 000000012850\n2026-02-09 13:08:11,482 INFO host.Switch: F11: 000123\n2026-02-09 13:08:11,482 INFO host.Switch: F37: 123456789012\n2026-02-09 13:08:11,482 INFO host.Switch: F39: 91\n2026-02-09 13:08:11,483 INFO host.Switch: F41: 12345678\n";
    for text in [xml, list, lines] {
        let parsed = parse(text);
        let messages: Vec<_> = parsed
            .events
            .iter()
            .filter_map(|e| {
                if let Payload::Iso8583(m) = &e.payload {
                    Some((m, &e.keys))
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(messages.len(), 1, "{text}");
        let (message, keys) = &messages[0];
        assert_eq!(
            (message.mti, message.field(39)),
            (210, Some("91")),
            "{text}"
        );
        assert_eq!(
            (
                keys.stan,
                keys.amount_minor,
                keys.rrn.as_deref(),
                keys.terminal.as_deref()
            ),
            (
                Some(123),
                Some(12_850),
                Some("123456789012"),
                Some("12345678")
            ),
            "{text}"
        );
        assert_eq!(message.field(2), None);
    }
}

/// A message dumped far from all else that bears on payments is found by how its type and bitmap begin.
#[test]
fn a_dump_is_found_anywhere() {
    let noise = "07h10m00 [SYS ] cuve GO 41%\n".repeat(400);
    let dump = "07h40m08 [NET ] reception 51 octets\n   0000  01 10 32 20 00 00 0a 80 80 00 00 00 00 00 00 00  |..2 ............|\n   0010  00 35 00 05 19 07 40 03 00 44 02 36 31 33 39 31  |.5....@..D.61391|\n   0020  36 30 30 34 34 30 32 31 41 46 52 30 37 31 31 32  |60044021AFR07112|\n   0030  32 09 78                                         |2.x|\n";
    let parsed = parse(&format!("{noise}{dump}{noise}{dump}"));
    let codes: Vec<_> = parsed
        .events
        .iter()
        .filter_map(|e| match &e.payload {
            Payload::Iso8583(message) => message.field(39),
            _ => None,
        })
        .collect();
    assert_eq!(codes, ["1A", "1A"]);
}

/// What a gateway logs as JSON: the request with the chip's data, and the answer.
#[test]
fn chip_data_in_json_is_the_request() {
    let parsed = parse(
        "{\"ts\":\"2026-02-27T18:15:40Z\",\"stan\":\"000772\",\"entry\":\"071\",\"amt\":2710,\"emv\":\"82022000950500000000009A032602279C01009F02060000000027109F100706010A03A000009F2608EEE79D00EF8AC6029F2701809F360200339F370455BBE3EF\",\"issuer_rc\":\"82\",\"msg\":\"DECLINED\"}\n",
    );
    let message = parsed.events.iter().find_map(|e| match &e.payload {
        Payload::Iso8583(message) => Some((message, &e.keys)),
        _ => None,
    });
    let (message, keys) = message.unwrap();
    assert!(!message.is_whole());
    assert_eq!(
        (keys.stan, keys.cryptogram),
        (Some(772), Some(0xEEE7_9D00_EF8A_C602))
    );
    assert!(message.tags.iter().any(|tag| tag.tag == 0x9F37));
    assert_eq!(signals(&parsed), [Signal::Declined]);
}

#[test]
fn the_radio_field_speaks() {
    let text = "07-13 20:02:11.009   920   922 D NxpNciR : len =  28 > 61051901020400FF010904000408A1B2C30120000000050478807002\n\
        07-13 20:02:11.011   920   923 D NxpNciX : len =  23 > 00001400A404000E325041592E5359532E444446303100\n\
        07-13 20:02:11.012     0     0 E nfc write: DATA:                              00001400A404000E325041592E5359532E444446303100\n\
        07-13 20:02:11.058   920   922 D NxpNciR : len =  42 > 0000276F23840E325041592E5359532E4444463031A511BF0C0E610C4F07A00000000410108701019000\n\
        07-13 20:02:11.060   920   923 D NxpNciX : len =  11 > 00000880A8000002830000\n\
        07-13 20:02:11.259   920   922 D NxpNciR : len =   5 > 6008 02B200\n\
        07-13 20:02:11.300   920   922 D NxpNciR : len =   5 > 6106020302\n";
    let parsed = parse(text);
    assert_eq!(brief(&parsed), ["PPSE 9000", "GPO -"]);
    let fields: Vec<_> = parsed
        .events
        .iter()
        .filter_map(|e| {
            if let Payload::Nfc(f) = &e.payload {
                Some((f.state, f.uid.as_deref(), f.phone_hint))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(fields[0], (FieldState::Activated, Some("08A1B2C3"), true));
    assert!(fields.iter().skip(1).all(|f| f.0 == FieldState::Lost));
}

#[test]
fn no_card_number_leaves() {
    let number = "6212340000001231";
    let bcd = number;
    let ascii: String = number.bytes().map(|b| format!("{b:02X}")).collect();
    let grouped = "6212 3400 0000 1231";
    let text = format!(
        "03-15 10:21:03.120  2210  2288 I Trade   : 请挥卡 卡号:{number}\n\
         03-15 10:21:03.121  2210  2288 I Trade   : card no {grouped} approved\n\
         03-15 10:21:03.122  2210  2288 I Trade   : track2={number}=25122010000012345\n\
         03-15 10:21:03.123  2210  2288 D Apdu    : send: 00B2010C00\n\
         03-15 10:21:03.124  2210  2288 D Apdu    : recv: 701B5A08{bcd}5711{bcd}D25122010000012345 9000\n\
         03-15 10:21:03.125  2210  2288 D Apdu    : recv: 70{:02X}{ascii}9000\n\
         03-15 10:21:03.126  2210  2288 I Host    : MTI=0200 DE2={number} DE11=000001 DE35={number}D25122010000012345 DE41=12345678 DE55=5A08{bcd}\n\
         03-15 10:21:03.127  2210  2288 I Host    : <isomsg><field id=\"0\" value=\"0200\"/><field id=\"2\" value=\"{number}\"/><field id=\"63\" value=\"{number}\"/></isomsg>\n\
         03-15 10:21:03.128  2210  2288 I Host    : 终端号:{number} 商户号:{number} 流水号:000001 version={number} SN={number}\n\
         03-15 10:21:03.129  2210  2288 I Host    : cost={number} ms timeout={number}s limit={number} amount={number} rssi=-{number} approved\n",
        ascii.len() / 2
    );
    let parsed = parse_at(&format!("pos-{number}.log"), text.as_bytes());
    let shown = format!(
        "{:?} {:?} {:?}",
        parsed.events, parsed.issues, parsed.source.device
    );
    assert!(parsed.events.len() >= 6, "{shown}");
    for form in [
        number,
        grouped,
        ascii.as_str(),
        &ascii.to_lowercase(),
        "62, 12, 34, 00, 00, 00, 12, 31",
        "98, 18, 52, 0, 0, 0, 18, 49",
        "2123400000012",
    ] {
        if let Some(at) = shown.find(form) {
            panic!(
                "{form} in …{}…",
                &shown[at.saturating_sub(120)..(at + 60).min(shown.len())]
            );
        }
    }
}

fn corpus() -> Option<std::path::PathBuf> {
    let root = std::env::var_os("TAPSCOPE_CORPUS")
        .map_or_else(|| std::path::PathBuf::from("../shared/corpus"), Into::into);
    if root.is_dir() {
        return Some(root);
    }
    eprintln!(
        "skipped: no corpus at {} (set TAPSCOPE_CORPUS)",
        root.display()
    );
    None
}

#[test]
fn ordinary_logs_hold_no_payments() {
    let Some(root) = corpus() else { return };
    for name in [
        "Android_2k.log",
        "HealthApp_2k.log",
        "Linux_2k.log",
        "Mac_2k.log",
        "OpenStack_2k.log",
    ] {
        let text = std::fs::read(root.join("logs/loghub").join(name)).unwrap();
        let parsed = parse_at(name, &text);
        assert_eq!(
            parsed.events.len(),
            0,
            "{name}: {:?}",
            parsed.events.first()
        );
    }
}

#[test]
fn real_traces_give_their_dialogues() {
    let Some(root) = corpus() else { return };
    // File, exchanges, how many of them end in 9000, and those that do not.
    let cases: &[(&str, usize, usize, &[&str])] = &[
        (
            "apdu/hexpairs_contact-upi-in.txt",
            22,
            20,
            &["RR 6A83", "other 6700"],
        ),
        ("apdu/hexpairs_contactless-mastercard-in.txt", 7, 7, &[]),
        (
            "apdu/pcsc_emvpt_t0_61_6c.scriptor.txt",
            18,
            17,
            &["RR 6A83"],
        ),
        ("apdu/yaml_emvpt_t0_61xx_6Cxx.yaml", 18, 17, &["RR 6A83"]),
        ("apdu/emvpt_contact_t0.log", 14, 13, &["RR 6A83"]),
        ("apdu/emvpt_ctls_gpo_6985.log", 3, 2, &["GPO 6985"]),
        (
            "apdu/pcsc_fail_gpo_6985.opensc-tool.txt",
            4,
            3,
            &["GPO 6985"],
        ),
        ("apdu/pcsc_fail_gpo_6985.pyscard.txt", 4, 3, &["GPO 6985"]),
        ("apdu/pcsc_fail_gpo_6985.scriptor.txt", 4, 3, &["GPO 6985"]),
        ("apdu/pcsc_mc_ctls.scriptor.txt", 7, 7, &[]),
        ("apdu/sendresp_FailErrorCard.txt", 4, 3, &["GPO 6985"]),
        ("apdu/sendresp_UnknownCard.txt", 2, 1, &["PPSE 6985"]),
        ("apdu/sendresp_wrapperTestSW_61.txt", 1, 1, &[]),
        (
            "apdu/SYNTH_nci_logcat_nxp_old_taglost_in_readrecord.log",
            5,
            4,
            &["RR -"],
        ),
        (
            "apdu/SYNTH_nci_logcat_nxp_arrow_gpo_6985.log",
            4,
            3,
            &["GPO 6985"],
        ),
        ("apdu/SYNTH_nci_linux_libnfc-nci_mastercard.log", 8, 8, &[]),
    ];
    let mut wrong = Vec::new();
    for (name, count, good, bad) in cases {
        let text = std::fs::read(root.join(name)).unwrap();
        let all = brief(&parse_at(name, &text));
        let failed: Vec<&String> = all.iter().filter(|b| !b.ends_with("9000")).collect();
        if all.len() != *count || all.len() - failed.len() != *good || failed != *bad {
            wrong.push(format!(
                "{name}: {} exchanges, not good: {failed:?}",
                all.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
