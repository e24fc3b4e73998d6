//! Short logs of every container with contents of every kind: recognised as what they are, and read for what they say.

use super::reading::{at, read, read_with};
use tapscope::event::Payload;
use tapscope::plan::Plan;

/// A log, and what is to come of it.
pub struct Story {
    pub name: &'static str,
    pub text: &'static str,
    pub format: &'static str,
    /// Events in order, see `reading`.
    pub events: &'static [&'static str],
}

const fn story(
    name: &'static str,
    format: &'static str,
    text: &'static str,
    events: &'static [&'static str],
) -> Story {
    Story {
        name,
        text,
        format,
        events,
    }
}

#[rustfmt::skip]
pub const TEXTS: &[Story] = &[
    // ---- containers ----
    story("syslog around logcat", "syslog",
        "Mar 14 13:16:47 pos-17 logcat[88]: 03-14 13:16:46.974   889  6213 E EmvKernel: card removed too early\n\
         Mar 14 13:16:48 pos-17 logcat[88]: 03-14 13:16:47.974   889  6213 I Other: text\n",
        &["card_removed"]),
    story("rfc 5424 around log4j", "syslog5424",
        "<13>1 2024-03-14T13:16:47.974+01:00 host paysvc 88 - - 2024-03-14 13:16:47,970 ERROR [main] com.acme.Pay - 终端号=10000019 交易失败 应答码=51\n\
         <13>1 2024-03-14T13:16:48.974+01:00 host paysvc 88 - - started\n",
        &["declined terminal=10000019"]),
    story("octet counts", "syslog5424",
        "95 <34>1 2024-03-14T13:16:47Z host pay - - - EMV card removed, please tap again traceNo=000123 x\n\
         60 <34>1 2024-03-14T13:16:48Z host pay - - - Nothing of interest\n",
        &["card_removed stan=123", "retry_prompt stan=123"]),
    story("journal export", "journal-export",
        "__CURSOR=s=739a;i=4ece7;b=6c7c;m=4fc72436e;t=4c508a7243799;x=8859\n__REALTIME_TIMESTAMP=1342540861421465\n_HOSTNAME=pos-17\nPRIORITY=3\nSYSLOG_IDENTIFIER=paysvc\n_PID=88\nMESSAGE=EMV: card removed, traceNo=000123\n\n\
         __CURSOR=s=739a;i=4ece8;b=6c7c;m=4fc724370;t=4c508a7243800;x=8860\n_PID=89\nMESSAGE=next\n\n",
        &["card_removed stan=123"]),
    story("journal json", "json-lines",
        "{\"__REALTIME_TIMESTAMP\":\"1710422207974000\",\"_HOSTNAME\":\"pos-17\",\"_PID\":\"88\",\"MESSAGE\":\"card removed, traceNo=000123\"}\n\
         {\"__REALTIME_TIMESTAMP\":\"1710422208974000\",\"_HOSTNAME\":\"pos-17\",\"_PID\":\"88\",\"MESSAGE\":\"text\"}\n",
        &["card_removed stan=123"]),
    story("csv", "csv",
        "Time,Level,Trace No,Amount,Response Code,Message\n\
         2024-03-14 13:16:47.974,ERROR,000123,10.00,51,\"declined, \"\"do not honour\"\"\"\n\
         2024-03-14 13:16:49.000,INFO,000124,12.00,00,approved\n",
        &["declined stan=123 amount=1000", "approved stan=124 amount=1200"]),
    story("tsv without words", "csv",
        "时间\t流水号\t金额\t终端号\t应答码\n2024-03-14 13:16:47\t000123\t10.00\t10000019\t51\n2024-03-14 13:17:47\t000124\t10.00\t10000019\t00\n",
        &["response_received stan=123 amount=1000 terminal=10000019", "response_received stan=124 amount=1000 terminal=10000019"]),
    story("java.util.logging", "jul",
        "Mar 14, 2024 1:16:47 PM com.acme.pay.Terminal authorise\nSEVERE: Transaction declined, traceNo=000123\n\
         Mar 14, 2024 1:16:48 PM com.acme.pay.Terminal authorise\nINFO: ready\n",
        &["declined stan=123"]),
    story("jpos 3", "json-lines",
        "{\"ts\":\"2024-03-14T13:16:47.974Z\",\"kind\":\"receive\",\"lifespan\":12,\"tags\":{\"realm\":\"channel/10.1.2.3:6432\"},\"payload\":[{\"t\":\"<isomsg direction=\\\"incoming\\\">\\n  <field id=\\\"0\\\" value=\\\"0210\\\"/>\\n  <field id=\\\"11\\\" value=\\\"000123\\\"/>\\n  <field id=\\\"39\\\" value=\\\"51\\\"/>\\n  <field id=\\\"41\\\" value=\\\"10000019\\\"/>\\n</isomsg>\"}]}\n\
         {\"ts\":\"2024-03-14T13:16:48.974Z\",\"kind\":\"info\",\"tags\":{\"realm\":\"q2\"},\"payload\":[]}\n",
        &["iso 0210 f39=51 stan=123 terminal=10000019"]),
    story("zvt tracer", "zvt-tracer",
        "2024-04-04 13:47:19.906 DEBUG {TerminalPayment} [001] [Tracer] POS->TERM CMD CLASS - 6 INSTR  - 1 DATA - 04 00 00 00 00 50 00 19 30 \n\
         2024-04-04 13:47:20.075 DEBUG {Thread-37} [001] [Tracer] POS<-TERM 2 CLASS - 80 INSTR  - 0\n\
         2024-04-04 13:47:20.974 DEBUG {Thread-37} [001] [Tracer] POS<-TERM 4 CLASS - 4 INSTR  - ff DATA - a 03 06 11 24 f 07 d 4b 61 72 74 65 20 73 74 65 63 6b 65 6e \n\
         2024-04-04 13:47:32.548 DEBUG {Thread-37} [001] [Tracer] POS<-TERM 12 CLASS - 6 INSTR  - 1e DATA - 7a \n",
        &["sale_start amount=5000", "present_card", "scheme_not_accepted ZVT:7A"]),
    story("zvt html", "zvt-html",
        "<TR><TD>03.05.2022 10:11:12</TD><TD>ECR-&gt;PT</TD><TD>06-01-07-04-00-00-00-00-10-00</TD></TR>\n\
         <TR><TD>03.05.2022 10:11:13</TD><TD>PT-&gt;ECR</TD><TD>80-00-00</TD></TR>\n\
         <TR><TD>03.05.2022 10:11:40</TD><TD>PT-&gt;ECR</TD><TD>04-0F-09-27-6C-29-52-00-00-01-0B-00</TD></TR>\n\
         <TR><TD>03.05.2022 10:11:41</TD><TD>PT-&gt;ECR</TD><TD>06-1E-01-6C</TD></TR>\n",
        &["sale_start amount=1000", "cancelled ZVT:6C terminal=52000001", "cancelled ZVT:6C"]),
    story("zvt .net", "applog",
        "10:15:02.617 DBG Portalum.Zvt.TcpNetworkDeviceCommunication Transmit - 06-01-07-04-00-00-00-00-10-00\n\
         10:15:02.717 DBG Portalum.Zvt.TcpNetworkDeviceCommunication Receive - 80-00-00\n\
         10:15:09.717 DBG Portalum.Zvt.TcpNetworkDeviceCommunication Receive - 04-0F-12-27-00-04-00-00-00-00-10-00-0B-00-01-23-29-12-34-56-78\n\
         10:15:09.817 DBG Portalum.Zvt.TcpNetworkDeviceCommunication Receive - 06-0F-00\n",
        &["sale_start amount=1000", "approved stan=123 amount=1000 terminal=12345678", "sale_end"]),
    story("no time at all", "plain",
        "EMV start\ncard removed, please tap again traceNo=000123\nend\n",
        &["card_removed stan=123", "retry_prompt stan=123"]),
    // ---- contents that span lines, interleaved by process and thread ----
    story("nexo in logcat, two threads", "logcat",
        "03-14 13:16:47.974   889   901 D Nexo    : Response: {\n\
         03-14 13:16:47.974   889   902 D Nexo    : {\n\
         03-14 13:16:47.974   889   901 D Nexo    :   \"SaleToPOIResponse\": {\n\
         03-14 13:16:47.974   889   902 D Nexo    :   \"SaleToPOIResponse\": {\n\
         03-14 13:16:47.975   889   901 D Nexo    :     \"MessageHeader\": { \"MessageCategory\": \"Payment\", \"MessageType\": \"Response\", \"POIID\": \"V400m-000000001\" },\n\
         03-14 13:16:47.975   889   903 D Other   : noise }\n\
         03-14 13:16:47.975   889   902 D Nexo    :     \"MessageHeader\": { \"MessageCategory\": \"Payment\", \"MessageType\": \"Response\", \"POIID\": \"V400m-000000002\" },\n\
         03-14 13:16:47.976   889   901 D Nexo    :     \"PaymentResponse\": { \"Response\": { \"Result\": \"Failure\", \"ErrorCondition\": \"Refusal\" } }\n\
         03-14 13:16:47.976   889   902 D Nexo    :     \"PaymentResponse\": { \"Response\": { \"Result\": \"Success\" } }\n\
         03-14 13:16:47.977   889   901 D Nexo    :   }\n\
         03-14 13:16:47.977   889   902 D Nexo    :   }\n\
         03-14 13:16:47.978   889   901 D Nexo    : }\n\
         03-14 13:16:47.978   889   902 D Nexo    : }\n",
        &["declined nexo:Refusal", "approved"]),
    story("isomsg in logcat, two processes", "logcat",
        "03-14 13:16:47.974   889   901 D Iso     : <isomsg direction=\"incoming\">\n\
         03-14 13:16:47.974   777   902 D Iso     : <isomsg direction=\"outgoing\">\n\
         03-14 13:16:47.975   777   902 D Iso     :   <field id=\"0\" value=\"0200\"/>\n\
         03-14 13:16:47.975   889   901 D Iso     :   <field id=\"0\" value=\"0210\"/>\n\
         03-14 13:16:47.975   889   901 D Iso     :   <field id=\"11\" value=\"000123\"/>\n\
         03-14 13:16:47.976   777   902 D Iso     :   <field id=\"11\" value=\"000456\"/>\n\
         03-14 13:16:47.976   889   901 D Iso     :   <field id=\"39\" value=\"51\"/>\n\
         03-14 13:16:47.976   889   901 D Iso     : </isomsg>\n\
         03-14 13:16:47.977   777   902 D Iso     : </isomsg>\n",
        &["iso 0210 f39=51 stan=123", "iso 0200 stan=456"]),
    story("log4j around isomsg", "applog",
        "2026-02-09 13:08:11,482 INFO n.c.Q2: (channel/10.0.0.1:9999) [send] <isomsg direction=\"outgoing\">\n  <field id=\"0\" value=\"0200\"/>\n  <field id=\"11\" value=\"000123\"/>\n</isomsg>\n\n\
         2026-02-09 13:08:11,483 INFO n.c.Q2: text\n",
        &["iso 0200 stan=123"]),
    story("nexo in a text log", "applog",
        "2024-03-14 13:16:47,974 INFO [main] com.acme.Till - Request:\n{\n  \"SaleToPOIRequest\": {\n    \"MessageHeader\": {\n      \"MessageCategory\": \"Payment\",\n      \"MessageType\": \"Request\",\n      \"POIID\": \"P400-1\"\n    },\n    \"PaymentRequest\": {\n      \"PaymentTransaction\": { \"AmountsReq\": { \"Currency\": \"EUR\", \"RequestedAmount\": 10.99 } }\n    }\n  }\n}\n\
         2024-03-14 13:16:48,974 INFO [main] com.acme.Till - text\n",
        &["sale_start amount=1099"]),
    story("nexo as a string in json", "json-lines",
        "{\"ts\":\"2024-03-14T13:16:47Z\",\"level\":\"info\",\"msg\":\"{\\\"SaleToPOIResponse\\\":{\\\"MessageHeader\\\":{\\\"MessageCategory\\\":\\\"Payment\\\",\\\"MessageType\\\":\\\"Response\\\",\\\"POIID\\\":\\\"P400-1\\\"},\\\"PaymentResponse\\\":{\\\"Response\\\":{\\\"Result\\\":\\\"Failure\\\",\\\"ErrorCondition\\\":\\\"WrongPIN\\\"}}}}\"}\n\
         {\"ts\":\"2024-03-14T13:16:48Z\",\"level\":\"info\",\"msg\":\"x\"}\n",
        &["pin_wrong nexo:WrongPIN"]),
    // ---- contents ----
    story("callback", "logcat",
        "03-14 13:16:47.974   889   901 D Till    : onNewIntent acmepos://callback?smp-status=failed&smp-failure-cause=transaction-failed&smp-tx-code=TAAA&amount=10.00\n\
         03-14 13:16:48.974   889   901 D Till    : text\n",
        &["declined amount=1000"]),
    story("sunmi trace", "plain",
        "T: 00 A4 04 00 0E 32 50 41 59 2E 53 59 53 2E 44 44 46 30 31 00\nC: 6A 82\n",
        &["apdu 00A4 6A82"]),
    story("dump without offset, packed", "plain",
        "8583 send\n02 10 30 38 00 00 0A C0 00 00 00 00 00 00 00 00 ..08............\n00 10 00 00 01 23 13 16 47 03 14 31 32 33 34 35 .....#..G..12345\n36 37 38 39 30 31 32 35 31 54 30 30 30 30 30 30 678901251T000000\n31 31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 1123456789012345\n",
        &["iso 0210 f39=51 stan=123 amount=1000 terminal=T0000001"]),
    story("dump with offset, ascii", "plain",
        "0000  30 32 31 30 33 30 33 38 30 30 30 30 30 41 43 30  0210303800000AC0\n0010  30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30  0000000000000000\n0020  30 30 31 30 30 30 30 30 30 31 32 33 31 33 31 36  0010000001231316\n0030  34 37 30 33 31 34 31 32 33 34 35 36 37 38 39 30  4703141234567890\n0040  31 32 35 31 54 30 30 30 30 30 30 31 31 32 33 34  1251T00000011234\n0050  35 36 37 38 39 30 31 32 33 34 35                 56789012345\n",
        &["iso 0210 f39=51 stan=123 amount=1000 terminal=T0000001"]),
    story("dump without offset, ebcdic", "plain",
        "F0 F2 F1 F0 30 38 00 00 0A C0 00 00 F0 F0 F0 F0 0210............\nF0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F1 F0 F0 F0 F0 F0 ................\nF0 F1 F2 F3 F1 F3 F1 F6 F4 F7 F0 F3 F1 F4 F1 F2 ................\nF3 F4 F5 F6 F7 F8 F9 F0 F1 F2 F5 F1 E3 F0 F0 F0 ................\nF0 F0 F0 F1 F1 F2 F3 F4 F5 F6 F7 F8 F9 F0 F1 F2 ................\nF3 F4 F5                                        ...\n",
        &["iso 0210 f39=51 stan=123 amount=1000 terminal=T0000001"]),
    story("exceptions of four kinds", "logcat",
        "03-14 13:16:47.974   889   901 D EmvPay  : sale start traceNo=000123\n\
         03-14 13:16:48.001   889   901 E EmvPay  : javax.net.ssl.SSLHandshakeException: Handshake failed\n\
         03-14 13:16:48.001   889   901 E EmvPay  : \tat com.acme.Pay.run(Pay.java:3)\n\
         03-14 13:16:48.001   777   902 E Other   : something else\n\
         03-14 13:16:48.001   889   901 E EmvPay  : Caused by: java.security.cert.CertPathValidatorException: Trust anchor for certification path not found.\n\
         03-14 13:16:48.001   889   901 E EmvPay  : \t... 12 more\n\
         03-14 13:16:49.001   889   901 E EmvPay  : kotlinx.coroutines.TimeoutCancellationException: Timed out waiting for 30000 ms\n\
         03-14 13:16:49.001   889   901 E EmvPay  : \tat kotlinx.coroutines.TimeoutKt.withTimeout(Timeout.kt:22)\n\
         03-14 13:16:50.001   889   901 E EmvPay  : System.Net.Http.HttpRequestException: Connection refused (pos.example.test:6000)\n\
         03-14 13:16:50.001   889   901 E EmvPay  :  ---> System.Net.Sockets.SocketException (111): Connection refused\n\
         03-14 13:16:50.001   889   901 E EmvPay  :    at System.Net.Http.HttpConnectionPool.ConnectAsync() in Pool.cs:line 7\n\
         03-14 13:16:51.001   889   901 E EmvPay  : Error Domain=NSURLErrorDomain Code=-1009 \"The Internet connection appears to be offline.\"\n",
        &["sale_start stan=123", "tls_certificate", "read_timeout", "connect_refused", "link_down"]),
    story("bug report", "bugreport",
        "========================================================\n== dumpstate: 2024-03-14 13:16:47\n========================================================\n\nBuild: POS-17\n  mWakefulness=Awake\n------ SYSTEM LOG (logcat -v threadtime -v printable -v uid -d *:v) ------\n--------- beginning of main\n03-14 13:16:47.974  1000   889  6213 E EmvKernel: card removed traceNo=000123\n------ 0.412s was the duration of 'SYSTEM LOG' ------\n",
        &["card_removed stan=123"]),
];

#[test]
fn every_story_is_recognised_and_read() {
    let mut wrong = Vec::new();
    for story in TEXTS {
        let got = read("story.log", story.text.as_bytes());
        let format = if got.format() == "apdu-text" {
            "plain"
        } else {
            got.format()
        };
        let events = got.brief();
        if format != story.format || events != story.events {
            wrong.push(format!(
                "{}: {format}, want {}\n  got  {events:?}\n  want {:?}",
                story.name, story.format, story.events
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn text_of(name: &str) -> &'static str {
    TEXTS.iter().find(|story| story.name == name).unwrap().text
}

fn value(read: &super::reading::Read1, index: usize, name: &str) -> Option<String> {
    let Payload::Log(log) = &read.events[index].payload else {
        return None;
    };
    log.values
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_string())
}

#[test]
fn both_clocks_of_a_wrapped_line_are_kept() {
    let plan = Plan {
        year: Some(2024),
        ..Plan::default()
    };
    let got = read_with("x.log", text_of("syslog around logcat").as_bytes(), &plan);
    assert_eq!(at(&got.events[0]), "2024-03-14T13:16:47Z");
    assert_eq!(
        value(&got, 0, "inner_time").as_deref(),
        Some("03-14 13:16:46.974")
    );
    let got = read("x.log", text_of("rfc 5424 around log4j").as_bytes());
    assert_eq!(at(&got.events[0]), "2024-03-14T12:16:47.974Z");
    assert_eq!(
        value(&got, 0, "inner_time").as_deref(),
        Some("2024-03-14 13:16:47.970")
    );
    // Card dialogues and messages keep both as well.
    let wrapped = "Mar 14 13:16:47 pos-17 logcat: 03-14 13:16:46.974  1889  6213 D EmvKernel: => 00B2010C00\n\
        Mar 14 13:16:48 pos-17 logcat: 03-14 13:16:47.020  1889  6213 D EmvKernel: <= 6A83\n\
        Mar 14 13:16:49 pos-17 logcat: 03-14 13:16:48.100  1889  6213 I Pay: MTI=0210 DE11=000123 DE39=51 DE41=10000019\n";
    let got = read_with("x.log", wrapped.as_bytes(), &plan);
    let inner: Vec<Option<&str>> = (got.events.iter())
        .map(|event| match &event.payload {
            Payload::Apdu(exchange) => exchange.inner_time.as_deref(),
            Payload::Iso8583(message) => message.inner_time.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(
        inner,
        [Some("03-14 13:16:46.974"), Some("03-14 13:16:48.100")]
    );
    assert_eq!(at(&got.events[0]), "2024-03-14T13:16:47Z");
}

/// A log's text in another encoding, by the name that `sources.parquet` uses.
fn encoded(text: &str, name: &str) -> Vec<u8> {
    match name {
        "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "GB18030" => encoding_rs::GB18030.encode(text).0.into_owned(),
        "Big5" => encoding_rs::BIG5.encode(text).0.into_owned(),
        "windows-1252" => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        _ => text.as_bytes().to_vec(),
    }
}

const SIMPLIFIED: &str = "2024-03-14 13:16:47.974 [main] ERROR com.acme.Pay - 流水号：000123 终端号：10000019 交易失败，请插卡\n2024-03-14 13:16:48.974 [main] INFO com.acme.Pay - 正在等待持卡人挥卡，请稍候\n";
const TRADITIONAL: &str = "2024-03-14 13:16:47.974 [main] ERROR com.acme.Pay - traceNo=000123 terminalId=10000019 交易失敗，請插卡，通訊逾時，請重新感應卡片 declined\n2024-03-14 13:16:48.974 [main] INFO com.acme.Pay - 請稍候，金額確認中\n";

#[test]
fn one_log_in_every_encoding() {
    for (text, encodings, first) in [
        (
            SIMPLIFIED,
            &["UTF-8", "GB18030", "UTF-16LE", "UTF-16BE"][..],
            "declined stan=123 terminal=10000019",
        ),
        (
            TRADITIONAL,
            &["UTF-8", "Big5", "UTF-16LE"],
            "declined stan=123 terminal=10000019",
        ),
    ] {
        for encoding in encodings {
            for times in [1, 40] {
                let bytes = encoded(&text.repeat(times), encoding);
                let got = read("x.log", &bytes);
                // One line is too little to tell an encoding by: it is still read.
                if times > 1 {
                    assert_eq!(got.source.encoding, Some(*encoding), "{encoding} {times}");
                }
                assert_eq!(got.format(), "applog", "{encoding} {times}");
                assert_eq!(
                    got.brief().first().map(String::as_str),
                    Some(first),
                    "{encoding} {times}: {:?}",
                    got.brief()
                );
            }
        }
        // With a byte order mark.
        for encoding in ["UTF-8", "UTF-16LE", "UTF-16BE"] {
            let bytes = encoded(&format!("\u{FEFF}{text}"), encoding);
            assert_eq!(
                read("x.log", &bytes).brief().first().map(String::as_str),
                Some(first),
                "{encoding}"
            );
        }
    }
}

#[test]
fn lines_of_other_encodings_and_cut_characters_flip_nothing() {
    let mut bytes = encoded(&SIMPLIFIED.repeat(10), "UTF-8");
    let clean = read("x.log", &bytes).brief();
    // A character is cut in the middle of the first line.
    let hit = bytes
        .windows(6)
        .position(|w| w == "请插".as_bytes())
        .unwrap();
    bytes.remove(hit + 4);
    let got = read("x.log", &bytes);
    assert_eq!(got.source.encoding, Some("UTF-8"));
    assert_eq!(got.brief()[0], clean[0]);
    // The cut word said that the card is to be inserted.
    assert_eq!(got.events.len(), clean.len() - 1);
    let Payload::Log(log) = &got.events[0].payload else {
        panic!()
    };
    assert!(
        log.text.contains("流水号：000123") && log.text.contains('\u{FFFD}'),
        "{}",
        log.text
    );
    // A line in GBK between lines in UTF-8, and the other way round.
    let mixed = [
        encoded(&SIMPLIFIED.repeat(5), "UTF-8"),
        encoded(SIMPLIFIED, "GB18030"),
        encoded(&SIMPLIFIED.repeat(5), "UTF-8"),
    ]
    .concat();
    let got = read("x.log", &mixed);
    assert_eq!(got.events.len(), 11 * clean.len() / 10);
    for event in &got.events {
        if let Payload::Log(log) = &event.payload {
            assert!(!log.text.contains('\u{FFFD}'), "{}", log.text);
        }
    }
    let mixed = [
        encoded(&SIMPLIFIED.repeat(5), "GB18030"),
        encoded(SIMPLIFIED, "UTF-8"),
        encoded(&SIMPLIFIED.repeat(5), "GB18030"),
    ]
    .concat();
    assert_eq!(read("x.log", &mixed).events.len(), 11 * clean.len() / 10);
    // ISO 8859-1 words in a line of an otherwise plain file.
    let german = "2024-03-14 13:16:47.974 [main] ERROR com.acme.Pay - traceNo=000123 declined, Zahlung nicht m\u{f6}glich f\u{fc}r H\u{e4}ndler\n";
    let bytes = [
        encoded(
            "2024-03-14 13:16:46.974 [main] INFO com.acme.Pay - text\n",
            "UTF-8",
        )
        .repeat(50),
        encoded(german, "windows-1252"),
    ]
    .concat();
    let got = read("x.log", &bytes);
    let Payload::Log(log) = &got.events[0].payload else {
        panic!()
    };
    assert!(log.text.contains("möglich für Händler"), "{}", log.text);
}

#[test]
fn a_message_that_the_logger_cut_is_whole_again() {
    let noise = "x".repeat(3950);
    let head = "03-14 13:16:47.974   889   901 D EmvPay  : ";
    let other = "03-14 13:16:47.974   777   902 D Other   : text\n";
    let text = format!(
        "{head}declined traceNo=000123 {noise}\n{other}{head} terminalId=10000019\n{head}next\n"
    );
    let got = read("x.log", text.as_bytes());
    assert_eq!(got.brief(), ["declined stan=123 terminal=10000019"]);
    let json = format!(
        "{head}{{\"SaleToPOIResponse\":{{\"MessageHeader\":{{\"MessageCategory\":\"Payment\",\"MessageType\":\"Response\",\"POIID\":\"P400-1\"}},\"pad\":\"{noise}\n{other}{head}{noise}\n{head}yy\",\"PaymentResponse\":{{\"Response\":{{\"Result\":\"Success\"}}}}}}}}\n"
    );
    assert_eq!(read("x.log", json.as_bytes()).brief(), ["approved"]);
}

#[test]
fn clocks_that_are_set_in_mid_file() {
    let line = |time: &str| format!("{time} [main] ERROR com.acme.Pay - traceNo=000123 declined\n");
    let run = |times: &[&str]| {
        let text: String = times.iter().map(|time| line(time)).collect();
        let got = read("x.log", text.as_bytes());
        let jumps: Vec<String> = got
            .issues
            .iter()
            .filter(|issue| issue.code == "clock_jump")
            .map(|issue| issue.text.to_string())
            .collect();
        (got.events.iter().map(at).collect::<Vec<_>>(), jumps, got)
    };
    // A dead battery: what was written before the clock was set keeps its rhythm, and moves.
    let (times, jumps, got) = run(&[
        "1970-01-01 00:00:10.000",
        "1970-01-01 00:00:20.000",
        "2024-03-14 13:16:47.000",
        "2024-03-14 13:16:48.000",
    ]);
    assert_eq!(
        times,
        [
            "2024-03-14T13:16:37Z",
            "2024-03-14T13:16:47Z",
            "2024-03-14T13:16:47Z",
            "2024-03-14T13:16:48Z"
        ]
    );
    assert_eq!(jumps.len(), 1, "{jumps:?}");
    assert!(got.events[0].at.quality.date_inferred && !got.events[2].at.quality.date_inferred);
    // Put back by twenty minutes, once; a late line is no jump.
    let (_, jumps, _) = run(&[
        "2024-03-14 13:16:47.000",
        "2024-03-14 12:56:48.000",
        "2024-03-14 12:56:49.000",
        "2024-03-14 12:56:50.000",
    ]);
    assert_eq!(jumps, ["the clock was put back by 1199 s"]);
    let (_, jumps, _) = run(&[
        "2024-03-14 13:16:47.000",
        "2024-03-14 13:16:46.000",
        "2024-03-14 13:16:48.000",
        "2024-03-14 13:16:49.000",
    ]);
    assert!(jumps.is_empty());
}

#[test]
fn no_message_is_parted_by_a_block() {
    // Two writers' messages interleaved over many blocks of 4 MiB: none is lost.
    let mut text = String::new();
    let count = 14_000;
    for number in 0..count {
        for (tid, stan) in [(901, number * 2), (902, number * 2 + 1)] {
            text += &format!(
                "03-14 13:16:47.974   889   {tid} D Iso     : <isomsg direction=\"incoming\">\n"
            );
            let _ = stan;
        }
        for (field, value) in [
            (0, "0210".to_owned()),
            (11, String::new()),
            (39, "51".to_owned()),
        ] {
            for (tid, stan) in [(901, number * 2), (902, number * 2 + 1)] {
                let value = if field == 11 {
                    format!("{stan:06}")
                } else {
                    value.clone()
                };
                text += &format!(
                    "03-14 13:16:47.974   889   {tid} D Iso     :   <field id=\"{field}\" value=\"{value}\"/>\n"
                );
            }
        }
        for tid in [901, 902] {
            text += &format!("03-14 13:16:47.974   889   {tid} D Iso     : </isomsg>\n");
        }
    }
    assert!(text.len() > 9 << 20);
    let got = read("x.log", text.as_bytes());
    let stans: std::collections::BTreeSet<Option<u32>> =
        got.events.iter().map(|e| e.keys.stan).collect();
    assert_eq!(
        got.events.len(),
        2 * count,
        "damaged: {}",
        got.source.ledger.damaged_records
    );
    // Zero is no trace number.
    assert!(stans.len() >= 2 * count - 1, "{}", stans.len());
    assert_eq!(got.source.ledger.damaged_records, 0);
}

#[test]
fn times_of_every_kind() {
    let line = |time: &str| format!("{time} traceNo=000123 declined");
    let times = |path: &str, plan: &Plan, lines: &[&str]| -> Vec<String> {
        let text: String = lines.iter().map(|time| line(time) + "\n").collect();
        read_with(path, text.as_bytes(), plan)
            .events
            .iter()
            .map(at)
            .collect()
    };
    let none = Plan::default();
    let year = Plan {
        year: Some(2023),
        ..Plan::default()
    };
    // New Year in a log without years.
    assert_eq!(
        times(
            "x.log",
            &year,
            &[
                "12-31 23:59:59.900",
                "01-01 00:00:00.100",
                "01-03 00:00:00.000"
            ]
        ),
        [
            "2023-12-31T23:59:59.9Z",
            "2024-01-01T00:00:00.1Z",
            "2024-01-03T00:00:00Z"
        ]
    );
    // A gap over New Year that is longer than a day, and longer than a month.
    assert_eq!(
        times(
            "x.log",
            &year,
            &["12-20 08:00:00.000", "02-03 08:00:00.000"]
        ),
        ["2023-12-20T08:00:00Z", "2024-02-03T08:00:00Z"]
    );
    // Midnight in a log without dates.
    assert_eq!(
        times(
            "pos-2024-02-28.log",
            &none,
            &["23:59:59.900", "00:00:00.100", "00:10:00.000"]
        ),
        [
            "2024-02-28T23:59:59.9Z",
            "2024-02-29T00:00:00.1Z",
            "2024-02-29T00:10:00Z"
        ]
    );
    // Twelve hours, month first as the clock says, and 下午.
    assert_eq!(
        times(
            "x.log",
            &none,
            &["5/29/2020 12:14:02 AM", "5/29/2020 8:14:02 PM"]
        ),
        ["2020-05-29T00:14:02Z", "2020-05-29T20:14:02Z"]
    );
    assert_eq!(
        times("x.log", &none, &["2021/7/20 下午 4:21:08"]),
        ["2021-07-20T16:21:08Z"]
    );
    // Day first and month first: the file decides.
    assert_eq!(
        times(
            "x.log",
            &none,
            &["03/05/2024 10:00:00", "13/05/2024 10:00:00"]
        ),
        ["2024-05-03T10:00:00Z", "2024-05-13T10:00:00Z"]
    );
    assert_eq!(
        times(
            "x.log",
            &none,
            &["03/05/2024 10:00:00", "03/13/2024 10:00:00"]
        ),
        ["2024-03-05T10:00:00Z", "2024-03-13T10:00:00Z"]
    );
}
