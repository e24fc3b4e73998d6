//! Analyses made by hand: a few attempts full of hostile text, or a whole day of any size.
#![allow(dead_code, reason = "each test file uses its own part")]

use tapscope::Analysis;
use tapscope::attribute::{
    Attributed, Evidence, FACTS, FactRow, Incident, PackedRow, Role, Strength, Verdict,
};
use tapscope::correlate::{
    Attempt, AttemptKeys, Clock, Correlated, Coverage, Interface, Link, LinkMethod, Outcome, Stage,
};
use tapscope::event::{
    CardNumber, CommandKind, Connection, DnsEvent, Event, Exchange, Field, FieldState, HttpEvent,
    IcmpEvent, IsoMessage, Issue, Keys, Ledger, LogEvent, Payload, Place, Severity, Side, Signal,
    Source, SourceKind, SourceStatus, Stamp, Tag, TagValue, Text, TimeQuality, TlsEvent, TlsStage,
};
use tapscope::plan::{Language, Plan};

/// What an attacker would write into a terminal's log.
pub const HOSTILE: &[&str] = &[
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "=HYPERLINK(\"http://example.test\",\"click\")",
    "+1+1",
    "@SUM(A1)",
    "＝1+1",
    "\u{1b}]0;owned\u{7}\u{1b}[31mred",
    "\u{202e}gnp.exe",
    "请插卡；交易失败 \"引号\" '单引号' & <b>粗体</b>",
    "{{ 7 * 7 }}{% raw %}",
    "a\r\nb\tc\u{0}d\u{85}",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "`${alert(1)}`",
    "--><svg onload=alert(1)>",
    "\u{2028}line\u{2029}separator",
];

/// 2026-08-22T08:00:00Z.
pub const MORNING: i64 = 1_787_385_600_000_000;

pub fn plan() -> Plan {
    Plan {
        inputs: vec!["logs".into()],
        zone: None,
        year: None,
        since: None,
        until: None,
        formats: Vec::new(),
        rules: Vec::new(),
        inventory: None,
        baseline: Vec::new(),
        pan_key: None,
        custody: false,
        language: Language::En,
        ..Plan::default()
    }
}

/// Letters from a number: an id as content would give it.
pub fn letters(mut number: u64) -> Text {
    let mut out = String::new();
    for _ in 0..16 {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        out.push(char::from(b'a' + ((number >> 33) % 26) as u8));
    }
    out.into()
}

pub fn source(path: &str, kind: SourceKind, status: SourceStatus) -> Source {
    Source {
        path: path.into(),
        blake3: [0xAB; 32],
        sha256: None,
        kind: Some(kind),
        format: Some("logcat".into()),
        encoding: Some("utf-8"),
        status,
        ledger: Ledger {
            bytes: 1000,
            understood: 400,
            ignored: 500,
            not_understood: 90,
            unreadable: 10,
            records: 20,
            events: 9,
            damaged_records: 1,
        },
        first_damage: (status != SourceStatus::Ok).then(|| "line 3: cut".into()),
        device: None,
        year_said: None,
    }
}

fn clock(method: &'static str) -> Clock {
    Clock {
        offset_ms: 1234.5,
        drift_ppm: 2.0,
        uncertainty_ms: 10.0,
        pairs: 7,
        method,
        anchor: MORNING,
        steps: Vec::new(),
        island: 0,
        grounded: true,
    }
}

fn stamp(at: i64) -> Stamp {
    Stamp {
        utc_micros: Some(at),
        quality: TimeQuality::default(),
    }
}

pub fn event(source: u32, place: Place, at: i64, payload: Payload) -> Event {
    Event {
        source,
        place,
        at: stamp(at),
        lane: 0,
        keys: Keys::default(),
        payload,
    }
}

pub fn log(signal: Signal, text: &str) -> Payload {
    Payload::Log(Box::new(LogEvent {
        signal,
        code: Some(("SUNMI", "-4141".into())),
        severity: Severity::Error,
        values: vec![("timer_ms", "30000".into())],
        text: text.into(),
    }))
}

fn apdu(command: CommandKind, header: [u8; 4], sw: Option<u16>) -> Payload {
    Payload::Apdu(Box::new(Exchange {
        command,
        header,
        sw,
        answered: Some(sw.is_some()),
        duration_micros: Some(12_345),
        answer_place: Some(Place::Line(8)),
        tags: vec![
            Tag {
                tag: 0x9F26,
                sent: false,
                value: TagValue::Bytes([1, 2, 3, 4, 5, 6, 7, 8][..].into()),
            },
            Tag {
                tag: 0x5A,
                sent: false,
                value: TagValue::Card {
                    number: card(7),
                    expiry: Some(*b"2812"),
                },
            },
            Tag {
                tag: 0x5F20,
                sent: false,
                value: TagValue::Hidden(26),
            },
        ],
        command_hex: "00B2010C00".into(),
        answer_hex: "70009000".into(),
        inner_time: None,
        faults: vec!["tlv_truncated"],
    }))
}

fn iso(mti: u16, code: Option<&str>) -> Payload {
    let mut fields: Vec<(u8, Text)> = vec![
        (3, "000000".into()),
        (4, "000000001234".into()),
        (11, "000123".into()),
        (41, "10000019".into()),
    ];
    fields.extend(code.map(|code| (39, Text::from(code))));
    Payload::Iso8583(Box::new(IsoMessage {
        mti,
        fields,
        tags: Vec::new(),
        pin_present: true,
        dialect: "unionpay_pos",
        flow: 3,
        frames: vec![Place::Frame(12)],
        processing_demand: None,
        damage: None,
        inner_time: None,
        acked_after_micros: Some(900),
    }))
}

fn card(number: u128) -> CardNumber {
    CardNumber {
        masked: format!("621234******{:04}", number % 10_000).into(),
        token: Some(number << 100 | number),
    }
}

fn connection() -> Payload {
    Payload::Tcp(Box::new(Connection {
        client: "10.0.0.5:40000".parse().unwrap(),
        server: "10.8.0.5:6000".parse().unwrap(),
        opening_seen: true,
        syn_count: 3,
        connect_micros: None,
        refused: false,
        reset_by: Some(Side::Server),
        closed_by: None,
        first_at: MORNING,
        last_at: MORNING + 9_000_000,
        ended_at: None,
        client_bytes: 0,
        server_bytes: 0,
        client_data: None,
        server_data: None,
        client_retransmissions: 0,
        server_retransmissions: 0,
        client_unacked: 0,
        rtt_micros: None,
        zero_windows: 0,
        gap_bytes: 0,
        overlap_conflicts: 0,
        carried: None,
        server_name: Some("<b>pos.example.test</b>".into()),
        tls: None,
        frames: vec![Place::Frame(1)],
    }))
}

/// Every kind of event once, all times from `at` on.
fn every_payload(at: i64) -> Vec<Event> {
    let client = "10.0.0.5:40000".parse().unwrap();
    let server = "10.8.0.5:6000".parse().unwrap();
    let payloads = [
        (0, Place::Line(1), log(Signal::SaleStart, HOSTILE[0])),
        (
            1,
            Place::Line(2),
            Payload::Nfc(Box::new(Field {
                state: FieldState::Activated,
                uid: Some("08AABBCC".into()),
                sak: Some(0x20),
                phone_hint: true,
                text: HOSTILE[6].into(),
            })),
        ),
        (
            1,
            Place::Line(3),
            apdu(CommandKind::SelectPpse, [0, 0xA4, 4, 0], Some(0x9000)),
        ),
        (
            1,
            Place::Line(5),
            apdu(CommandKind::ReadRecord, [0, 0xB2, 1, 0x0C], None),
        ),
        (0, Place::Line(9), log(Signal::CardRemoved, HOSTILE[8])),
        (2, Place::Frame(1), connection()),
        (
            2,
            Place::Frame(4),
            Payload::Tls(Box::new(TlsEvent {
                flow: 1,
                stage: TlsStage::ServerHello,
                alert: Some(42),
                alert_from: Some(Side::Client),
                client_version: Some(0x0303),
                server_name: Some(HOSTILE[1].into()),
                client,
                server,
                certificate_validity: Some((0, 1)),
                certificate_issuer: Some(HOSTILE[13].into()),
            })),
        ),
        (
            2,
            Place::Frame(5),
            Payload::Dns(Box::new(DnsEvent {
                client: client.ip(),
                resolver: server.ip(),
                name: HOSTILE[14].into(),
                rcode: Some(3),
                addresses: vec![server.ip()],
                queries: 2,
                answer_micros: None,
            })),
        ),
        (
            2,
            Place::Frame(6),
            Payload::Icmp(Box::new(IcmpEvent {
                from: server.ip(),
                version: 4,
                kind: 3,
                code: 1,
                about_source: Some(client),
                about_destination: Some(server),
            })),
        ),
        (
            2,
            Place::Frame(7),
            Payload::Http(Box::new(HttpEvent {
                flow: 2,
                status: 302,
                location: Some(HOSTILE[11].into()),
                request: None,
                result: None,
                answer_micros: None,
                client,
                server,
            })),
        ),
        (2, Place::Frame(10), iso(200, None)),
        (2, Place::Frame(12), iso(210, Some("51"))),
    ];
    payloads
        .into_iter()
        .enumerate()
        .map(|(i, (source, place, payload))| event(source, place, at + i as i64 * 400_000, payload))
        .collect()
}

fn attempt(number: u64, events: Vec<u32>, at: i64) -> Attempt {
    Attempt {
        tx_id: letters(number),
        sale_id: letters(number | 1 << 40),
        number: 1,
        events,
        links: Vec::new(),
        keys: AttemptKeys::default(),
        teller: None,
        started_at: Some(at),
        ended_at: Some(at + 4_400_000),
        interface: Interface::Contactless,
        stage: Stage::Read,
        outcome: Outcome::TryAgain,
        sale_outcome: Outcome::Approved,
    }
}

fn evidence(cause: &str, role: Role, weight: f64, events: Vec<u32>, text: &str) -> Evidence {
    Evidence {
        cause: cause.into(),
        rule: format!("{cause}/1").into(),
        role,
        weight,
        fact: "last_step,card_lost".into(),
        value: "read,true".into(),
        events,
        searched: None,
        text_en: text.into(),
        text_zh: "读卡过程中卡片离开感应区。".into(),
    }
}

/// Four attempts, with hostile text wherever text can stand.
pub fn hostile() -> Analysis {
    let mut events = every_payload(MORNING);
    let whole = events.len() as u32;
    events.extend(HOSTILE.iter().enumerate().map(|(i, text)| {
        let place = Place::Line(100 + i as u32);
        event(
            0,
            place,
            MORNING + 60_000_000 + i as i64,
            log(Signal::OtherError, text),
        )
    }));
    let second: Vec<u32> = (whole..events.len() as u32).collect();
    events.push(event(
        0,
        Place::Whole,
        MORNING,
        log(Signal::Note, "belongs to none"),
    ));

    let mut first = attempt(1, (0..whole).collect(), MORNING);
    first.links = vec![
        Link {
            from: 0,
            to: 2,
            method: LinkMethod::Time,
            ambiguous: false,
        },
        Link {
            from: 2,
            to: 11,
            method: LinkMethod::Cryptogram,
            ambiguous: false,
        },
    ];
    first.keys = AttemptKeys {
        terminal: Some("10000019".into()),
        merchant: Some("=cmd|'/c calc'!A1".into()),
        device: Some(HOSTILE[1].into()),
        stan: Some(123),
        rrn: Some("123456789012".into()),
        auth_code: Some("A1B2C3".into()),
        amount_minor: Some(1234),
        currency: Some(*b"CNY"),
        card: Some(card(1234)),
        scheme: Some("UnionPay"),
        aid: Some("A000000333010101".into()),
        kernel: Some("7"),
        entry_mode: Some("071".into()),
        cryptogram: Some(1),
        atc: Some(2),
        response_code: Some("51".into()),
        last_sw: Some(0x6985),
        tvr: Some("0000008000".into()),
        host: Some("10.8.0.5:6000".into()),
    };
    let mut other = attempt(2, second, MORNING + 60_000_000);
    other.keys.terminal = Some(HOSTILE[0].into());
    other.keys.merchant = Some(HOSTILE[8].into());
    other.keys.amount_minor = Some(-5);
    other.keys.card = Some(card(1234));
    other.outcome = Outcome::DeclinedOnline;
    let mut unclear = attempt(3, Vec::new(), MORNING + 120_000_000);
    unclear.started_at = None;
    unclear.ended_at = None;
    unclear.keys.card = Some(card(99));
    unclear.outcome = Outcome::TimedOut;
    let mut fine = attempt(4, Vec::new(), MORNING + 180_000_000);
    fine.outcome = Outcome::Approved;
    fine.sale_id = first.sale_id.clone();
    fine.number = 2;

    let mut attempt_of = vec![0_u32; whole as usize];
    attempt_of.extend(vec![1; HOSTILE.len()]);
    attempt_of.push(u32::MAX);
    let aligned = events.iter().map(|e| e.at.utc_micros.into()).collect();
    let mut sources = vec![
        source("logs/terminal.log", SourceKind::Log, SourceStatus::Ok),
        source(
            "traces/日志 <b>.txt",
            SourceKind::Trace,
            SourceStatus::Damaged,
        ),
        source("net.zip!day.pcap", SourceKind::Capture, SourceStatus::Ok),
        source(
            "\u{1b}[2Jodd\u{202e}name",
            SourceKind::Log,
            SourceStatus::Unrecognised,
        ),
    ];
    sources[3].kind = None;
    sources[3].first_damage = Some(HOSTILE[0].into());
    let mut verdicts = vec![Verdict::default(); 4];
    verdicts[0] = Verdict {
        cause: Some("CARD_EARLY_REMOVAL".into()),
        family: Some("CARD".into()),
        contributing: vec!["NET_ROAMED".into()],
        confidence: Some(0.93),
        strength: Some(Strength::Conclusive),
        alternatives: vec![("RF_WEAK".into(), 0.04), ("READER_FAULT".into(), 0.02)],
        missing_evidence: None,
        owners: vec!["cardholder".into(), "merchant".into()],
        incident: Some(0),
        evidence: vec![
            evidence(
                "CARD_EARLY_REMOVAL",
                Role::Decisive,
                5.0,
                vec![3, 4],
                HOSTILE[0],
            ),
            evidence(
                "CARD_EARLY_REMOVAL",
                Role::Refuting,
                -1.0,
                vec![2],
                "The card answered before.",
            ),
            evidence("RF_WEAK", Role::Supporting, 0.5, Vec::new(), HOSTILE[8]),
        ],
    };
    verdicts[0].evidence[2].searched = Some("logs/terminal.log: no signal strength".into());
    verdicts[1] = Verdict {
        cause: Some(HOSTILE[0].into()),
        family: Some("ISS".into()),
        confidence: Some(0.8),
        strength: Some(Strength::Moderate),
        owners: vec!["issuer".into()],
        ..Verdict::default()
    };
    verdicts[2] = Verdict {
        cause: Some("UNDETERMINED".into()),
        confidence: Some(0.4),
        strength: Some(Strength::Weak),
        alternatives: vec![("CARD_EARLY_REMOVAL".into(), 0.4)],
        missing_evidence: Some(HOSTILE[2].into()),
        ..Verdict::default()
    };
    let mut facts = vec![FactRow::default(); 4];
    facts[0].values = vec![None; FACTS.len()];
    Analysis {
        seen: tapscope::event::SeenCards::default(),
        correlated: Correlated {
            sources,
            clocks: vec![
                clock("pairs"),
                clock("own_word"),
                clock("reference"),
                clock("own_word"),
            ],
            events: events.into_iter().collect(),
            aligned,
            attempt_of,
            attempts: vec![first, other, unclear, fine],
            coverage: Coverage::default(),
            inventory: tapscope::correlate::Inventory::default(),
            crowd: None,
        },
        issues: vec![
            Issue {
                source: 1,
                place: Place::Line(3),
                code: "tlv_truncated",
                count: 1,
                text: HOSTILE[1].into(),
            },
            Issue {
                source: 3,
                place: Place::Whole,
                code: "not_recognised",
                count: 7,
                text: HOSTILE[6].into(),
            },
        ],
        attributed: Attributed {
            facts: facts.iter().map(PackedRow::new).collect(),
            verdicts: verdicts.into_iter().enumerate().collect(),
            incidents: vec![Incident {
                incident_id: letters(77),
                scope: "terminal",
                scope_value: HOSTILE[1].into(),
                started_at: Some(MORNING),
                ended_at: Some(MORNING + 600_000_000),
                transactions: 30,
                failed: 25,
                expected_failed: 1.5,
                p_value: 1e-9,
                cause: Some("READER_FAULT".into()),
                text_en: HOSTILE[0].into(),
                text_zh: HOSTILE[8].into(),
            }],
        },
        key_id: None,
    }
}

/// A day of any size, for looking at and for measuring.
pub fn day(attempts: usize) -> Analysis {
    const CAUSES: &[(&str, &str, &str)] = &[
        ("CARD_EARLY_REMOVAL", "CARD", "cardholder"),
        ("ISS_INSUFFICIENT_FUNDS", "ISS", "cardholder"),
        ("NET_RESPONSE_TIMEOUT", "NET", "acquirer"),
        ("LIM_READER_LIMIT", "LIM", "merchant"),
        ("DEV_READER_FAULT", "DEV", "vendor"),
        ("CARD_EXPIRED", "CARD", "issuer"),
        ("UNDETERMINED", "", "merchant"),
    ];
    let mut analysis = hostile();
    analysis.attributed.incidents[0].scope_value = "10000007".into();
    analysis.attributed.incidents[0].text_en =
        "Terminal 10000007 fails every card since 15:00: its reader is at fault.".into();
    analysis.attributed.incidents[0].text_zh =
        "终端 10000007 自 15:00 起所有卡均失败：读卡器故障。".into();
    let c = &mut analysis.correlated;
    let mut events: Vec<Event> = Vec::new();
    c.attempt_of.clear();
    c.attempts.clear();
    analysis.attributed.verdicts.clear();
    let mut facts = Vec::new();
    let mut random = 42_u64;
    let mut next = move |below: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % below
    };
    for i in 0..attempts {
        let at = MORNING + (i as i64 * 43_200_000_000 / attempts.max(1) as i64);
        let terminal = next(40);
        let bad_reader = terminal == 7 && i > attempts * 6 / 10;
        let failed = bad_reader || next(100) < 14;
        let first = events.len() as u32;
        let texts = [
            "Amount 12.34 entered, please tap",
            "card detected",
            "GENERATE AC answered",
            "request sent to host",
        ];
        for (n, text) in texts.iter().enumerate() {
            let at = at + n as i64 * 310_000;
            let payload = match n {
                0 => log(Signal::SaleStart, text),
                1 => apdu(CommandKind::SelectPpse, [0, 0xA4, 4, 0], Some(0x9000)),
                2 => apdu(
                    CommandKind::ReadRecord,
                    [0, 0xB2, 1, 0x0C],
                    (!failed).then_some(0x9000),
                ),
                _ if failed => log(Signal::CardRemoved, "card lost while reading"),
                _ => iso(210, Some("00")),
            };
            let source = [0, 1, 1, 2][n];
            events.push(event(
                source,
                Place::Line((i * 4 + n) as u32 + 1),
                at,
                payload,
            ));
            c.attempt_of.push(i as u32);
        }
        let mut a = attempt(1000 + i as u64, (first..first + 4).collect(), at);
        a.keys.terminal = Some(format!("100000{terminal:02}").into());
        a.keys.merchant = Some(format!("M8910000000{:04}", terminal / 3).into());
        a.keys.host = Some(["10.8.0.5:6000", "10.8.0.6:6000"][next(2) as usize].into());
        a.keys.amount_minor = Some(500 + next(90_000) as i64);
        a.keys.currency = Some(*b"CNY");
        a.keys.stan = Some(i as u32 % 1_000_000);
        a.keys.card = Some(CardNumber {
            masked: format!(
                "{}******{:04}",
                ["621234", "411111", "541333"][next(3) as usize],
                next(9000)
            )
            .into(),
            token: Some(u128::from(next(5000)) << 90),
        });
        a.keys.scheme = Some(["UnionPay", "Visa", "Mastercard"][next(3) as usize]);
        let mut verdict = Verdict::default();
        if failed {
            let pick = if bad_reader {
                4
            } else {
                [0, 0, 0, 1, 1, 2, 3, 5, 6][next(9) as usize]
            };
            let (code, family, owner) = CAUSES[pick];
            verdict = Verdict {
                cause: Some(code.into()),
                family: Some(family.into()),
                confidence: Some(0.6 + next(39) as f64 / 100.0),
                strength: Some(Strength::Strong),
                alternatives: vec![("RF_WEAK".into(), 0.05)],
                owners: vec![owner.into()],
                incident: bad_reader.then_some(0),
                evidence: vec![
                    evidence(
                        code,
                        Role::Decisive,
                        4.0,
                        vec![first + 3],
                        "The card left the field while the reader was reading.",
                    ),
                    evidence(
                        code,
                        Role::Supporting,
                        1.0,
                        vec![first + 2],
                        "READ RECORD had no answer.",
                    ),
                ],
                ..Verdict::default()
            };
        } else {
            a.outcome = Outcome::Approved;
            a.stage = Stage::Completed;
        }
        c.attempts.push(a);
        let number = facts.len();
        analysis.attributed.verdicts.insert(number, verdict);
        facts.push(PackedRow::new(&FactRow::default()));
    }
    c.aligned = events.iter().map(|e| e.at.utc_micros.into()).collect();
    c.events = events.into_iter().collect();
    analysis.attributed.facts = facts.into_iter().collect();
    analysis
}
