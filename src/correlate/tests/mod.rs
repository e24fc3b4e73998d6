//! Stories: what sources saw, and the attempts that must come out.

mod messages;
mod taps;

use super::{Correlated, Interface, Outcome, Stage, correlate};
use crate::event::{
    CardNumber, CommandKind, Connection, Event, Exchange, Field, FieldState, IsoMessage, Keys,
    Ledger, LogEvent, Payload, Place, Severity, Signal, Source, SourceKind, SourceStatus, Stamp,
    Tag, TagValue, Text, TimeQuality,
};
use crate::plan::Plan;

const SECOND: i64 = 1_000_000;

/// Builds sources and their events; times in seconds by the source's own clock.
#[derive(Default)]
struct Story {
    sources: Vec<Source>,
    events: Vec<Event>,
}

impl Story {
    fn source(&mut self, path: &str, kind: SourceKind) -> &mut Self {
        self.sources.push(Source {
            path: Text::new(path),
            blake3: *blake3::hash(path.as_bytes()).as_bytes(),
            sha256: None,
            kind: Some(kind),
            format: None,
            encoding: None,
            status: SourceStatus::Ok,
            ledger: Ledger::default(),
            first_damage: None,
            device: None,
            year_said: None,
        });
        self
    }

    fn at(&mut self, seconds: f64, keys: Keys, payload: Payload) -> &mut Self {
        let source = self.sources.len() as u32 - 1;
        let number = self.events.len() as u32 + 1;
        let capture = self.sources[source as usize].kind == Some(SourceKind::Capture);
        self.events.push(Event {
            source,
            place: if capture {
                Place::Frame(number)
            } else {
                Place::Line(number)
            },
            at: Stamp {
                utc_micros: Some((seconds * 1e6) as i64),
                quality: TimeQuality {
                    resolution_micros: 1000,
                    ..TimeQuality::default()
                },
            },
            lane: 0,
            keys,
            payload,
        });
        self
    }

    fn log(&mut self, seconds: f64, signal: Signal, keys: Keys) -> &mut Self {
        let line = LogEvent {
            signal,
            code: None,
            severity: Severity::Info,
            values: Vec::new(),
            text: Text::default(),
        };
        self.at(seconds, keys, Payload::Log(Box::new(line)))
    }

    fn apdu(
        &mut self,
        seconds: f64,
        command: CommandKind,
        sw: Option<u16>,
        tags: &[(u32, &[u8])],
    ) -> &mut Self {
        let mut keys = Keys::default();
        for (tag, value) in tags {
            if *tag == 0x9F26 {
                keys.cryptogram = value
                    .first_chunk::<8>()
                    .map(|bytes| u64::from_be_bytes(*bytes));
            }
        }
        let exchange = Exchange {
            command,
            header: [0; 4],
            sw,
            answered: Some(sw.is_some()),
            duration_micros: None,
            answer_place: None,
            tags: tags
                .iter()
                .map(|(tag, value)| Tag {
                    tag: *tag,
                    sent: false,
                    value: TagValue::Bytes((*value).into()),
                })
                .collect(),
            command_hex: Text::default(),
            answer_hex: Text::default(),
            inner_time: None,
            faults: Vec::new(),
        };
        self.at(seconds, keys, Payload::Apdu(Box::new(exchange)))
    }

    fn iso(&mut self, seconds: f64, mti: u16, f39: Option<&str>, keys: Keys) -> &mut Self {
        let mut fields = vec![(22, Text::new("072"))];
        if let Some(code) = f39 {
            fields.push((39, Text::new(code)));
        }
        let message = IsoMessage {
            mti,
            fields,
            tags: Vec::new(),
            pin_present: false,
            dialect: "test",
            flow: 0,
            frames: Vec::new(),
            processing_demand: None,
            damage: None,
            inner_time: None,
            acked_after_micros: None,
        };
        self.at(seconds, keys, Payload::Iso8583(Box::new(message)))
    }

    /// A connect that nobody answered.
    fn unanswered(&mut self, seconds: f64, client: &str, server: &str) -> &mut Self {
        let at = (seconds * 1e6) as i64;
        let connection = Connection {
            client: client.parse().unwrap(),
            server: server.parse().unwrap(),
            opening_seen: true,
            syn_count: 4,
            connect_micros: None,
            refused: false,
            reset_by: None,
            closed_by: None,
            first_at: at,
            last_at: at + 7 * SECOND,
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
            server_name: None,
            tls: None,
            frames: Vec::new(),
        };
        let keys = Keys {
            device: Some(Text::new(client.split(':').next().unwrap())),
            host: Some(Text::new(server)),
            ..Keys::default()
        };
        self.at(seconds, keys, Payload::Tcp(Box::new(connection)));
        if let Some(event) = self.events.last_mut() {
            event.lane = 99;
        }
        self
    }

    fn tell(&mut self) -> Correlated {
        correlate(
            std::mem::take(&mut self.sources),
            std::mem::take(&mut self.events).into_iter().collect(),
            &Plan::default(),
        )
    }
}

fn sale(terminal: &str, stan: u32, amount: i64) -> Keys {
    Keys {
        terminal: Some(Text::new(terminal)),
        stan: Some(stan),
        amount_minor: Some(amount),
        ..Keys::default()
    }
}

fn on_wire(terminal: &str, stan: u32, amount: i64, cryptogram: u64) -> Keys {
    Keys {
        cryptogram: Some(cryptogram),
        device: Some(Text::new("10.1.0.7")),
        host: Some(Text::new("10.9.0.1:6000")),
        ..sale(terminal, stan, amount)
    }
}

fn good_tap(story: &mut Story, at: f64, cryptogram: u64) {
    story
        .apdu(at, CommandKind::SelectPpse, Some(0x9000), &[])
        .apdu(
            at + 0.04,
            CommandKind::SelectAid,
            Some(0x9000),
            &[(0x84, &[0xA0, 0, 0, 3, 0x33, 1, 1, 1])],
        )
        .apdu(
            at + 0.2,
            CommandKind::GetProcessingOptions,
            Some(0x9000),
            &[(0x9F26, &cryptogram.to_be_bytes()), (0x9F27, &[0x80])],
        );
}

#[test]
fn three_sources_with_three_clocks_become_one_attempt() {
    let mut story = Story::default();
    // The log runs 100 s ahead of the capture, the trace 37 s behind.
    story.source("pos.log", SourceKind::Log);
    for n in 0..4_u32 {
        let t = 1000.0 + 300.0 * f64::from(n);
        story
            .log(t + 100.0, Signal::SaleStart, sale("T0000001", n + 1, 8800))
            .log(t + 102.0, Signal::RequestSent, Keys::default());
        story.log(t + 103.0, Signal::Approved, Keys::default());
    }
    story.source("card.trace", SourceKind::Trace);
    for n in 0..4_u32 {
        good_tap(
            &mut story,
            1000.0 + 300.0 * f64::from(n) + 1.0 - 37.0,
            0xABC0 + u64::from(n),
        );
    }
    story.source("wire.pcap", SourceKind::Capture);
    for n in 0..4_u32 {
        let t = 1000.0 + 300.0 * f64::from(n);
        let keys = on_wire("T0000001", n + 1, 8800, 0xABC0 + u64::from(n));
        story
            .iso(t + 2.0, 200, None, keys.clone())
            .iso(t + 2.8, 210, Some("00"), keys);
    }
    let told = story.tell();
    assert_eq!(told.attempts.len(), 4);
    for attempt in &told.attempts {
        assert_eq!(attempt.events.len(), 8, "{attempt:?}");
        assert_eq!(attempt.outcome, Outcome::Approved);
        assert_eq!(attempt.stage, Stage::Completed);
        assert_eq!(attempt.interface, Interface::Contactless);
    }
    assert!(
        (told.clocks[0].offset_ms - 100_000.0).abs() < 50.0,
        "{:?}",
        told.clocks[0]
    );
    assert!(
        (told.clocks[1].offset_ms + 37_000.0).abs() < 1000.0,
        "{:?}",
        told.clocks[1]
    );
    assert_eq!(told.clocks[2].method, "reference");
}

#[test]
fn an_unanswered_connect_finds_its_sale_by_terminal_and_time() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    story
        .log(1000.0, Signal::SaleStart, sale("T1", 1, 500))
        .log(1001.0, Signal::RequestSent, Keys::default());
    story.log(1002.0, Signal::Approved, Keys::default());
    story
        .log(2000.0, Signal::SaleStart, sale("T1", 2, 700))
        .log(2001.0, Signal::Connecting, Keys::default());
    story.log(2011.0, Signal::ConnectTimeout, Keys::default());
    story.source("wire.pcap", SourceKind::Capture);
    let keys = on_wire("T1", 1, 500, 77);
    story
        .iso(1001.0, 200, None, keys.clone())
        .iso(1001.5, 210, Some("00"), keys);
    story.unanswered(2001.1, "10.1.0.7:40000", "10.9.0.1:6000");
    let told = story.tell();
    assert_eq!(told.attempts.len(), 2);
    let failed = &told.attempts[1];
    assert_eq!(failed.outcome, Outcome::TimedOut);
    assert!(
        failed
            .events
            .iter()
            .any(|&e| matches!(told.events.get(e).payload, Payload::Tcp(_))),
        "{failed:?}"
    );
    assert!(told.coverage.of[1].capture && told.coverage.of[1].log);
}

#[test]
fn equal_amounts_in_a_canteen_pair_by_time_one_to_one() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    for n in 0..5 {
        let keys = Keys {
            terminal: Some(Text::new("T1")),
            amount_minor: Some(1500),
            ..Keys::default()
        };
        story
            .log(100.0 + 12.0 * f64::from(n), Signal::SaleStart, keys)
            .log(
                102.0 + 12.0 * f64::from(n),
                Signal::Approved,
                Keys::default(),
            );
    }
    story.source("wire.pcap", SourceKind::Capture);
    for n in 0..5_u32 {
        let keys = Keys {
            stan: Some(n + 1),
            ..on_wire("T1", 1, 1500, u64::from(n) + 50)
        };
        let t = 101.0 + 12.0 * f64::from(n);
        story
            .iso(t, 200, None, keys.clone())
            .iso(t + 0.5, 210, Some("00"), keys);
    }
    let told = story.tell();
    assert_eq!(told.attempts.len(), 5, "each sale finds its own message");
    assert!(
        told.attempts
            .iter()
            .all(|attempt| attempt.events.len() == 4)
    );
}

#[test]
fn a_late_answer_does_not_save_the_attempt() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    story.log(0.0, Signal::SaleStart, sale("T1", 3, 900)).log(
        1.0,
        Signal::RequestSent,
        Keys::default(),
    );
    story.log(31.0, Signal::ReadTimeout, Keys::default()).log(
        31.1,
        Signal::Reversal,
        Keys::default(),
    );
    story.source("wire.pcap", SourceKind::Capture);
    let keys = on_wire("T1", 3, 900, 8);
    story
        .iso(1.0, 200, None, keys.clone())
        .iso(33.0, 210, Some("00"), keys.clone());
    story
        .iso(35.0, 400, None, keys.clone())
        .iso(35.5, 410, Some("00"), keys);
    let told = story.tell();
    assert_eq!(told.attempts.len(), 1);
    assert_eq!(
        (told.attempts[0].outcome, told.attempts[0].sale_outcome),
        (Outcome::TimedOut, Outcome::Reversed)
    );
}

#[test]
fn sources_in_another_order_give_the_same_identifiers() {
    let build = |first: bool| {
        let mut story = Story::default();
        let log = |story: &mut Story| {
            story.source("pos.log", SourceKind::Log);
            story.log(10.0, Signal::SaleStart, sale("T1", 9, 1200)).log(
                12.0,
                Signal::Approved,
                Keys::default(),
            );
        };
        if first {
            log(&mut story);
        }
        story.source("other.log", SourceKind::Log);
        if !first {
            story.events.clear();
            log(&mut story);
        }
        story
            .tell()
            .attempts
            .first()
            .map(|attempt| attempt.tx_id.len())
    };
    assert_eq!(build(true), Some(16));
    assert_eq!(build(true), build(false));
}

#[test]
fn masked_and_whole_numbers_of_one_card_agree() {
    let masked = CardNumber {
        masked: Text::new("621234******1234"),
        token: None,
    };
    assert_eq!(
        (masked.bin(), masked.last4()),
        (Some("621234"), Some("1234"))
    );
}

/// A log whose days stand out of order keeps its times; a clock that falls back by years is placed between its neighbours.
#[test]
fn days_out_of_order_and_a_dead_battery() {
    const DAY: f64 = 86_400.0;
    for (away, kept) in [(-7.0 * DAY, true), (-9.0 * 365.0 * DAY, false)] {
        let base = 20_000.0 * DAY;
        let mut story = Story::default();
        story.source("pos.log", SourceKind::Log);
        for (stan, at) in [(1, base), (2, base + 300.0 + away), (3, base + 600.0)] {
            story
                .log(at, Signal::SaleStart, sale("T0000001", stan, 8800))
                .log(at + 3.0, Signal::Approved, Keys::default());
        }
        let told = story.tell();
        let middle = told
            .attempts
            .iter()
            .find(|attempt| attempt.keys.stan == Some(2))
            .and_then(|attempt| attempt.started_at)
            .unwrap() as f64
            / 1e6;
        if kept {
            assert_eq!(middle, base + 300.0 + away);
        } else {
            assert!((base..base + 600.0).contains(&middle), "{}", middle - base);
        }
    }
}
