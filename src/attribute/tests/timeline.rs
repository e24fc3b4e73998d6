//! Attempts told line by line: `MILLISECONDS SOURCE WHAT...`, each source its own kind of words.
//!
//! `log SIGNAL [VENDOR CODE] [name=value]`, `nfc on|nocard|card UID|collision|lost|crc|present`,
//! `apdu ppse|pse|aid|gpo|rr|gac SW|none [TAG=HEX] [>TAG=HEX]` (`>`: sent), `net MTI [fN=..] [pin] [ack=MS] [55:TAG=HEX]`,
//! `tcp open|refused|silent N|reset SIDE|slow ADDR|fast ADDR`, `dns RCODE NAME [ADDR]`, `tls ALERT SIDE`, `icmp TYPE/CODE`.

use crate::attribute::facts::Facts;
use crate::attribute::facts::list::Fact;
use crate::attribute::model::{Attributed, Value, Verdict};
use crate::attribute::{Catalogue, attribute};
use crate::correlate::{
    Attempt, Clock, Correlated, Coverage, Covered, Interface, Outcome, read_story,
};
use crate::event::{
    CardNumber, CommandKind, Connection, DnsEvent, Event, Exchange, Field, FieldState, IcmpEvent,
    IsoMessage, Keys, Ledger, LogEvent, Payload, Place, Severity, Side, Signal, Source, SourceKind,
    SourceStatus, Spill, Stamp, Tag, TagValue, Text, TlsEvent, TlsStage,
};
use crate::plan::Plan;

/// 2026-11-22 00:00 UTC.
const MIDNIGHT: i64 = 1_795_305_600_000_000;

/// One attempt in the making.
struct Told {
    terminal: String,
    merchant: Option<String>,
    sale: usize,
    card: Option<CardNumber>,
    events: Vec<(i64, Event)>,
}

/// A day of attempts.
#[derive(Default)]
pub struct Day {
    told: Vec<Told>,
}

/// What came out.
pub struct Done {
    pub attributed: Attributed,
    place: Vec<usize>,
}

impl Day {
    pub fn new() -> Self {
        Self::default()
    }

    /// An attempt at a terminal, so many milliseconds into the day.
    pub fn attempt(&mut self, terminal: &str, at: i64, story: &str) -> usize {
        let sale = self.told.len();
        self.tell(terminal, at, story, sale, None)
    }

    /// Another attempt of the same sale, so many milliseconds after the first began.
    pub fn same_sale(&mut self, first: usize, after: i64, story: &str) -> usize {
        let terminal = self.told[first].terminal.clone();
        let start = self.told[first].events[0].0;
        let at = (start - MIDNIGHT) / 1000 + after;
        let merchant = self.told[first].merchant.clone();
        self.tell(&terminal, at, story, first, merchant)
    }

    fn tell(
        &mut self,
        terminal: &str,
        at: i64,
        story: &str,
        sale: usize,
        merchant: Option<String>,
    ) -> usize {
        let events = story
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let time = MIDNIGHT + (at + words[0].parse::<i64>().unwrap()) * 1000;
                (time, event(time, &words[1..], terminal))
            })
            .collect();
        self.told.push(Told {
            terminal: terminal.to_owned(),
            merchant,
            sale,
            card: None,
            events,
        });
        self.told.len() - 1
    }

    pub fn merchant(&mut self, attempt: usize, name: &str) {
        self.told[attempt].merchant = Some(name.to_owned());
    }

    pub fn card(&mut self, attempt: usize, token: u128) {
        self.bin(attempt, "621234", token);
    }

    pub fn bin(&mut self, attempt: usize, bin: &str, token: u128) {
        self.told[attempt].card = Some(CardNumber {
            masked: Text::from(format!("{bin}******{:04}", token % 10_000)),
            token: Some(token),
        });
    }

    /// Facts, verdicts, incidents.
    pub fn run(self) -> Done {
        let mut order: Vec<usize> = (0..self.told.len()).collect();
        order.sort_by_key(|&i| (self.told[i].events[0].0, i));
        let mut place = vec![0; self.told.len()];
        for (at, &i) in order.iter().enumerate() {
            place[i] = at;
        }
        let mut all: Vec<(i64, usize, Event)> = Vec::new();
        let mut attempts = Vec::new();
        let mut covered = Vec::new();
        for &i in &order {
            let told = &self.told[i];
            let borrowed: Vec<(&Event, Option<i64>)> =
                told.events.iter().map(|(at, e)| (e, Some(*at))).collect();
            let story = read_story(&borrowed, Some(&Text::new(&told.terminal)));
            let mut keys = story.keys;
            keys.merchant = told.merchant.as_deref().map(Text::new);
            keys.card = told.card.clone();
            if keys.scheme.is_none() {
                keys.scheme = keys
                    .aid
                    .as_deref()
                    .and_then(crate::attribute::facts::scheme_of);
            }
            let has = |kind: SourceKind| told.events.iter().any(|(_, e)| e.source == kind as u32);
            covered.push(Covered {
                log: has(SourceKind::Log),
                apdu: has(SourceKind::Trace),
                capture: has(SourceKind::Capture),
            });
            attempts.push(Attempt {
                tx_id: Text::from(format!("tx{i:06}")),
                sale_id: Text::from(format!("sale{:06}", told.sale)),
                number: 1 + self.told[..i]
                    .iter()
                    .filter(|other| other.sale == told.sale)
                    .count() as u16,
                events: Vec::new(),
                links: Vec::new(),
                keys,
                teller: None,
                started_at: told.events.first().map(|(at, _)| *at),
                ended_at: told.events.last().map(|(at, _)| *at),
                interface: if story.interface == Interface::Unknown {
                    Interface::Contactless
                } else {
                    story.interface
                },
                stage: story.stage,
                outcome: story.outcome,
                sale_outcome: Outcome::Unknown,
            });
            for (at, event) in &told.events {
                all.push((*at, place[i], event.clone()));
            }
        }
        all.sort_by_key(|(at, attempt, _)| (*at, *attempt));
        let mut attempt_of = Vec::new();
        for (index, (_, attempt, _)) in all.iter().enumerate() {
            attempts[*attempt].events.push(index as u32);
            attempt_of.push(*attempt as u32);
        }
        let correlated = Correlated {
            inventory: Default::default(),
            crowd: None,
            sources: [SourceKind::Log, SourceKind::Trace, SourceKind::Capture]
                .map(source)
                .into(),
            clocks: vec![
                Clock {
                    offset_ms: 0.0,
                    drift_ppm: 0.0,
                    uncertainty_ms: 0.0,
                    pairs: 0,
                    method: "reference",
                    anchor: Default::default(),
                    steps: Vec::new(),
                    island: 0,
                    grounded: true,
                };
                3
            ],
            aligned: all
                .iter()
                .map(|(at, ..)| crate::event::Moment::new(*at))
                .collect(),
            events: all.into_iter().map(|(.., event)| event).collect(),
            attempt_of,
            attempts,
            coverage: Coverage { of: covered },
        };
        let catalogue = Catalogue::load(&[]).unwrap_or_else(|error| panic!("{error}"));
        Done {
            attributed: attribute(
                &correlated,
                &catalogue,
                &Plan::default(),
                &Spill::unbounded(),
            ),
            place,
        }
    }
}

impl Done {
    pub fn verdict(&self, attempt: usize) -> &Verdict {
        static NONE: std::sync::LazyLock<Verdict> = std::sync::LazyLock::new(Verdict::default);
        let verdicts = &self.attributed.verdicts;
        verdicts.get(&self.place[attempt]).unwrap_or(&NONE)
    }

    pub fn cause(&self, attempt: usize) -> Option<&str> {
        self.verdict(attempt).cause.as_deref()
    }

    pub fn fact(&self, attempt: usize, fact: Fact) -> Option<Value> {
        self.attributed
            .facts
            .get(self.place[attempt])
            .fact(fact)
            .cloned()
    }
}

fn source(kind: SourceKind) -> Source {
    Source {
        path: Text::from(format!("{kind:?}")),
        blake3: [0; 32],
        sha256: None,
        kind: Some(kind),
        format: None,
        encoding: None,
        status: SourceStatus::Ok,
        ledger: Ledger::default(),
        first_damage: None,
        device: None,
        year_said: None,
    }
}

fn event(at: i64, words: &[&str], terminal: &str) -> Event {
    let mut keys = Keys {
        terminal: Some(Text::new(terminal)),
        ..Keys::default()
    };
    let (kind, payload) = match words[0] {
        "log" => (SourceKind::Log, log(&words[1..])),
        "nfc" => (SourceKind::Trace, nfc(&words[1..])),
        "apdu" => (SourceKind::Trace, apdu(&words[1..])),
        "net" => (SourceKind::Capture, net(&words[1..], &mut keys)),
        "tcp" => (SourceKind::Capture, tcp(at, &words[1..])),
        "dns" => (SourceKind::Capture, dns(&words[1..])),
        "tls" => (SourceKind::Capture, tls(&words[1..])),
        "icmp" => (SourceKind::Capture, icmp(words[1])),
        other => panic!("no source `{other}`"),
    };
    Event {
        source: kind as u32,
        place: Place::Line(1),
        at: Stamp {
            utc_micros: Some(at),
            ..Stamp::UNKNOWN
        },
        lane: 0,
        keys,
        payload,
    }
}

fn log(words: &[&str]) -> Payload {
    let signal = Signal::from_id(words[0]).unwrap_or_else(|| panic!("no signal `{}`", words[0]));
    let code = match words {
        [_, "SUNMI", code, ..] => Some(("SUNMI", Text::new(code))),
        [_, "VFI", code, ..] => Some(("VFI", Text::new(code))),
        _ => None,
    };
    let names = [
        "limit_minor",
        "rssi_dbm",
        "f39",
        "ops",
        "ui",
        "error_indication",
        "tvr",
    ];
    let values = words
        .iter()
        .filter_map(|word| {
            let (name, value) = word.split_once('=')?;
            let name = names.iter().find(|known| **known == name)?;
            Some((*name, Text::new(value)))
        })
        .collect();
    Payload::Log(Box::new(LogEvent {
        signal,
        code,
        severity: Severity::Unknown,
        values,
        text: Text::new(words.join(" ")),
    }))
}

fn nfc(words: &[&str]) -> Payload {
    let state = match words[0] {
        "on" => FieldState::On,
        "nocard" => FieldState::NoCard,
        "card" => FieldState::Activated,
        "collision" => FieldState::Collision,
        "lost" => FieldState::Lost,
        "crc" => FieldState::TransmissionError,
        "present" => FieldState::StillPresent,
        other => panic!("no field state `{other}`"),
    };
    Payload::Nfc(Box::new(Field {
        state,
        uid: words.get(1).map(|uid| Text::new(uid)),
        sak: None,
        phone_hint: false,
        text: Text::default(),
    }))
}

fn bytes(hex: &str) -> Box<[u8]> {
    (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[i * 2..i * 2 + 2], 16).unwrap())
        .collect()
}

fn tag(word: &str) -> Option<Tag> {
    let (name, value) = word.split_once('=')?;
    let (sent, name) = name
        .strip_prefix('>')
        .map_or((false, name), |name| (true, name));
    Some(Tag {
        tag: u32::from_str_radix(name, 16).ok()?,
        sent,
        value: TagValue::Bytes((&*bytes(value)).into()),
    })
}

fn apdu(words: &[&str]) -> Payload {
    let (command, header) = match words[0] {
        "ppse" => (CommandKind::SelectPpse, [0, 0xA4, 4, 0]),
        "pse" => (CommandKind::SelectPse, [0, 0xA4, 4, 0]),
        "aid" => (CommandKind::SelectAid, [0, 0xA4, 4, 0]),
        "gpo" => (CommandKind::GetProcessingOptions, [0x80, 0xA8, 0, 0]),
        "rr" => (CommandKind::ReadRecord, [0, 0xB2, 1, 0x0C]),
        "gac" => (CommandKind::GenerateAc, [0x80, 0xAE, 0x80, 0]),
        other => panic!("no command `{other}`"),
    };
    let sw = (words[1] != "none").then(|| u16::from_str_radix(words[1], 16).unwrap());
    Payload::Apdu(Box::new(Exchange {
        command,
        header,
        sw,
        answered: Some(sw.is_some()),
        duration_micros: Some(20_000),
        answer_place: None,
        tags: words[2..].iter().filter_map(|word| tag(word)).collect(),
        command_hex: Text::default(),
        answer_hex: Text::default(),
        inner_time: None,
        faults: Vec::new(),
    }))
}

fn net(words: &[&str], keys: &mut Keys) -> Payload {
    let mut message = IsoMessage {
        mti: words[0].parse().unwrap(),
        fields: Vec::new(),
        tags: Vec::new(),
        pin_present: words.contains(&"pin"),
        dialect: "test",
        flow: 1,
        frames: Vec::new(),
        processing_demand: None,
        damage: None,
        inner_time: None,
        acked_after_micros: None,
    };
    for word in &words[1..] {
        if let Some(ms) = word.strip_prefix("ack=") {
            message.acked_after_micros = Some(ms.parse::<i64>().unwrap() * 1000);
        } else if let Some(object) = word.strip_prefix("55:") {
            message.tags.extend(tag(object));
        } else if let Some((number, value)) =
            word.strip_prefix('f').and_then(|word| word.split_once('='))
        {
            message
                .fields
                .push((number.parse().unwrap(), Text::new(value)));
            if number == "4" {
                keys.amount_minor = value.parse().ok();
            }
        }
    }
    if !message.tags.is_empty() {
        message.fields.push((55, Text::new("decoded")));
    }
    Payload::Iso8583(Box::new(message))
}

fn tcp(at: i64, words: &[&str]) -> Payload {
    let client = words
        .get(1)
        .filter(|word| word.contains('.'))
        .map_or("10.20.1.9", |word| *word);
    let mut connection = Connection {
        client: format!("{client}:40000").parse().unwrap(),
        server: "10.8.0.5:6000".parse().unwrap(),
        opening_seen: true,
        syn_count: 1,
        connect_micros: Some(40_000),
        refused: false,
        reset_by: None,
        closed_by: None,
        first_at: at,
        last_at: at,
        ended_at: None,
        client_bytes: 300,
        server_bytes: 0,
        client_data: Some((at, at)),
        server_data: None,
        client_retransmissions: 0,
        server_retransmissions: 0,
        client_unacked: 0,
        rtt_micros: Some(40_000),
        zero_windows: 0,
        gap_bytes: 0,
        overlap_conflicts: 0,
        carried: Some("iso8583"),
        server_name: None,
        tls: None,
        frames: Vec::new(),
    };
    match words[0] {
        "open" | "fast" => {}
        "slow" => {
            connection.connect_micros = Some(2_400_000);
            connection.rtt_micros = Some(1_800_000);
            connection.syn_count = 2;
            connection.client_retransmissions = 3;
        }
        "refused" | "silent" => {
            connection.refused = words[0] == "refused";
            connection.syn_count = words.get(1).map_or(1, |n| n.parse().unwrap());
            connection.connect_micros = None;
            connection.rtt_micros = None;
            connection.client_data = None;
        }
        "reset" => {
            connection.reset_by = Some(if words[1] == "server" {
                Side::Server
            } else {
                Side::Middlebox
            })
        }
        other => panic!("no connection `{other}`"),
    }
    Payload::Tcp(Box::new(connection))
}

fn dns(words: &[&str]) -> Payload {
    Payload::Dns(Box::new(DnsEvent {
        client: words.get(2).unwrap_or(&"10.20.1.9").parse().unwrap(),
        resolver: "10.20.1.1".parse().unwrap(),
        name: Text::new(words[1]),
        rcode: words[0].parse().ok(),
        addresses: Vec::new(),
        queries: 2,
        answer_micros: Some(30_000),
    }))
}

fn tls(words: &[&str]) -> Payload {
    Payload::Tls(Box::new(TlsEvent {
        flow: 1,
        stage: TlsStage::Certificate,
        alert: words[0].parse().ok(),
        alert_from: Some(if words[1] == "client" {
            Side::Client
        } else {
            Side::Server
        }),
        client_version: Some(0x0303),
        server_name: None,
        client: "10.20.1.9:40000".parse().unwrap(),
        server: "10.8.0.5:6000".parse().unwrap(),
        certificate_validity: None,
        certificate_issuer: None,
    }))
}

fn icmp(word: &str) -> Payload {
    let (kind, code) = word.split_once('/').unwrap();
    Payload::Icmp(Box::new(IcmpEvent {
        from: "10.20.1.1".parse().unwrap(),
        version: 4,
        kind: kind.parse().unwrap(),
        code: code.parse().unwrap(),
        about_source: None,
        about_destination: None,
    }))
}
