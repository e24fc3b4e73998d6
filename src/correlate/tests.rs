//! Stories: what sources saw, and the attempts that must come out.

use super::{Correlated, Interface, Outcome, Stage, correlate};
use crate::event::{
    CardNumber, CommandKind, Connection, Event, Exchange, Field, FieldState, IsoMessage, Keys,
    Ledger, LogEvent, Payload, Place, Severity, Signal, Source, SourceKind, SourceStatus, Stamp,
    Tag, TagValue, Text, TimeQuality,
};
use crate::plan::{Language, Plan};

const SECOND: i64 = 1_000_000;

fn plan() -> Plan {
    Plan {
        inputs: Vec::new(),
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
            &plan(),
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
fn a_torn_tap_and_its_second_tap_are_two_attempts_of_one_sale() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    story.log(10.0, Signal::SaleStart, sale("T1", 9, 1200));
    story
        .apdu(11.0, CommandKind::SelectPpse, Some(0x9000), &[])
        .apdu(11.1, CommandKind::SelectAid, Some(0x9000), &[])
        .apdu(11.2, CommandKind::GetProcessingOptions, None, &[]);
    story.log(11.6, Signal::RetryPrompt, Keys::default());
    good_tap(&mut story, 14.0, 5);
    story.log(15.0, Signal::Approved, Keys::default());
    let told = story.tell();
    let seen: Vec<_> = told
        .attempts
        .iter()
        .map(|a| (a.number, a.outcome, a.sale_outcome))
        .collect();
    assert_eq!(
        seen,
        [
            (1, Outcome::TryAgain, Outcome::Approved),
            (2, Outcome::Approved, Outcome::Approved)
        ]
    );
    assert_eq!(told.attempts[0].sale_id, told.attempts[1].sale_id);
    assert_eq!(told.attempts[1].keys.amount_minor, Some(1200));
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
fn a_card_seen_twice_in_the_field_belongs_to_the_attempt_it_spoils() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    story.log(0.0, Signal::SaleStart, sale("T1", 3, 900));
    let collision = Field {
        state: FieldState::Collision,
        uid: None,
        sak: None,
        phone_hint: false,
        text: Text::default(),
    };
    story.at(1.0, Keys::default(), Payload::Nfc(Box::new(collision)));
    story.log(1.1, Signal::MultipleCards, Keys::default());
    good_tap(&mut story, 7.0, 5);
    story.log(8.0, Signal::Approved, Keys::default());
    let told = story.tell();
    assert_eq!(
        told.attempts.iter().map(|a| a.outcome).collect::<Vec<_>>(),
        [Outcome::TryAgain, Outcome::Approved]
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
fn host_log_with_many_terminals_is_cut_by_keys() {
    let mut story = Story::default();
    story.source("q2.log", SourceKind::Log);
    for (t, terminal, stan) in [(1.0, "A", 5), (1.1, "B", 5), (1.2, "C", 6)] {
        story.iso(t, 200, None, sale(terminal, stan, 100));
    }
    for (t, terminal, stan, code) in [
        (2.0, "C", 6, "51"),
        (2.1, "A", 5, "00"),
        (2.2, "B", 5, "54"),
    ] {
        story.iso(t, 210, Some(code), sale(terminal, stan, 100));
    }
    let told = story.tell();
    let mut seen: Vec<_> = told
        .attempts
        .iter()
        .map(|a| {
            (
                a.keys.terminal.clone().unwrap(),
                a.keys.response_code.clone().unwrap(),
            )
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen.iter()
            .map(|(t, c)| (t.as_str(), c.as_str()))
            .collect::<Vec<_>>(),
        [("A", "00"), ("B", "54"), ("C", "51")]
    );
}

/// A switch's log names the terminal in the request alone. Where two of one trace number wait, nobody can say whose the answer is.
#[test]
fn an_answer_without_a_terminal_goes_to_the_only_one_that_waits() {
    let mut story = Story::default();
    story.source("switch.log", SourceKind::Log);
    for (at, terminal, stan) in [(1.0, "A", 5), (1.1, "B", 5), (1.2, "C", 6)] {
        story.iso(at, 100, None, sale(terminal, stan, 100));
    }
    let nameless = |stan| Keys {
        stan: Some(stan),
        ..Keys::default()
    };
    story.iso(1.5, 110, Some("51"), nameless(6));
    story.iso(1.6, 110, Some("00"), nameless(5));
    // Too late to be an answer to it.
    story.iso(2000.0, 110, Some("54"), nameless(6));
    let told = story.tell();
    let mut seen: Vec<_> = told
        .attempts
        .iter()
        .map(|attempt| {
            let keys = &attempt.keys;
            (keys.terminal.as_deref(), keys.response_code.as_deref())
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (None, Some("00")),
            (None, Some("54")),
            (Some("A"), None),
            (Some("B"), None),
            (Some("C"), Some("51")),
        ]
    );
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

fn referred(rrn: &str, keys: Keys) -> Keys {
    Keys {
        rrn: Some(Text::new(rrn)),
        ..keys
    }
}

/// Trace numbers of the attempts, each with its answer, by number.
fn answered(told: &Correlated) -> Vec<(Option<u32>, Option<&str>)> {
    let mut seen: Vec<_> = told
        .attempts
        .iter()
        .map(|attempt| (attempt.keys.stan, attempt.keys.response_code.as_deref()))
        .collect();
    seen.sort_unstable();
    seen
}

/// Some hosts write one reference number into all their messages: the trace number tells payments apart.
#[test]
fn one_reference_number_for_two_payments() {
    let mut story = Story::default();
    story.source("wire.pcap", SourceKind::Capture);
    for (at, stan, amount, code) in [(1000.0, 70, 30_000, "00"), (1060.0, 73, 2_000_000, "13")] {
        let keys = referred("000000000101", sale("T0000001", stan, amount));
        story
            .iso(at, 200, None, keys.clone())
            .iso(at + 0.5, 210, Some(code), keys);
    }
    let told = story.tell();
    assert_eq!(
        answered(&told),
        [(Some(70), Some("00")), (Some(73), Some("13"))]
    );
}

/// The log names neither terminal nor card; the host's reference number, with trace number and amount, still sets its clock.
#[test]
fn a_reference_number_sets_the_clock() {
    let mut story = Story::default();
    let off = -412.25;
    story.source("till.jsonl", SourceKind::Log);
    for n in 0..12_u32 {
        let at = 1000.0 + 300.0 * f64::from(n);
        let keys = |rrn: bool| Keys {
            stan: Some(700 + n),
            amount_minor: Some(4200 + i64::from(n)),
            rrn: rrn.then(|| Text::from(format!("3020{n:08}"))),
            ..Keys::default()
        };
        story.log(at + off, Signal::SaleStart, keys(false)).log(
            at + off + 6.0,
            Signal::ResponseReceived,
            keys(true),
        );
    }
    story.source("wire.pcap", SourceKind::Capture);
    for n in 0..12_u32 {
        let at = 1000.0 + 300.0 * f64::from(n);
        let keys = on_wire("10000019", 700 + n, 4200 + i64::from(n), u64::from(n) + 1);
        let rrn = format!("3020{n:08}");
        story.iso(at + 5.5, 200, None, keys.clone()).iso(
            at + 6.0,
            210,
            Some("00"),
            referred(&rrn, keys),
        );
    }
    let told = story.tell();
    assert_eq!(told.attempts.len(), 12);
    let clock = &told.clocks[0];
    assert!((clock.offset_ms - off * 1000.0).abs() < 50.0, "{clock:?}");
}

/// The reader says that it cannot, and a chip follows, with or without a prompt in between: two attempts of one sale.
#[test]
fn a_barred_tap_and_the_chip_after_it() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    let sale = sale("10000019", 7, 1200);
    story
        .log(10.0, Signal::SaleStart, sale.clone())
        .log(10.1, Signal::NoContactlessHardware, Keys::default())
        .log(21.0, Signal::ContactInserted, Keys::default())
        .log(27.0, Signal::Approved, sale);
    let told = story.tell();
    let outcomes: Vec<Outcome> = told.attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(told.attempts.len(), 2, "{outcomes:?}");
    assert_eq!(told.attempts[0].sale_id, told.attempts[1].sale_id);
    assert_eq!(told.attempts[1].outcome, Outcome::Approved);
}

/// The terminal asked for the chip: what the host answers then, it answers to the chip, though nobody logged that it was inserted.
#[test]
fn the_host_answers_to_what_came_after_the_prompt() {
    let mut story = Story::default();
    story
        .source("pos.log", SourceKind::Log)
        .apdu(10.0, CommandKind::SelectPpse, Some(0x9000), &[])
        .apdu(10.1, CommandKind::SelectAid, Some(0x9000), &[])
        .apdu(10.2, CommandKind::GetProcessingOptions, Some(0x6984), &[])
        .log(10.3, Signal::UseChip, Keys::default())
        .log(19.0, Signal::ResponseReceived, Keys::default())
        .log(19.2, Signal::Approved, Keys::default());
    let told = story.tell();
    let outcomes: Vec<Outcome> = told.attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, [Outcome::OtherInterface, Outcome::Approved]);
}

/// Without a word that opens a sale, the next one begins where a card is read after an answer.
#[test]
fn a_card_that_is_read_after_an_answer_is_the_next_sale() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    for at in [10.0, 40.0, 70.0] {
        story.log(at, Signal::OnlineRequest, Keys::default()).log(
            at + 1.0,
            Signal::ResponseReceived,
            Keys::default(),
        );
    }
    assert_eq!(story.tell().attempts.len(), 3);
}

/// A server names the request in each line and works on several at once. A terminal that names some of its lines is cut as ever: what its
/// host answers belongs to the sale at hand, whatever name stands in the line.
#[test]
fn a_server_works_on_several_requests_at_a_time() {
    let line = |story: &mut Story, at: f64, request: u64, signal: Signal, amount: Option<i64>| {
        let keys = Keys {
            amount_minor: amount,
            ..Keys::default()
        };
        story.log(at, signal, keys);
        story.events.last_mut().unwrap().lane = request | crate::event::REQUEST;
    };
    let mut story = Story::default();
    story.source("switch.log", SourceKind::Log);
    line(&mut story, 10.0, 1, Signal::RequestSent, Some(1500));
    line(&mut story, 11.0, 2, Signal::RequestSent, Some(1600));
    line(&mut story, 11.4, 2, Signal::ResponseReceived, None);
    line(&mut story, 40.0, 1, Signal::ReadTimeout, None);
    let told = story.tell();
    let mut seen: Vec<(Option<i64>, Outcome)> = told
        .attempts
        .iter()
        .map(|a| (a.keys.amount_minor, a.outcome))
        .collect();
    seen.sort_by_key(|(amount, _)| *amount);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[0], (Some(1500), Outcome::TimedOut));

    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    line(&mut story, 10.0, 1, Signal::SaleStart, Some(1500));
    story
        .log(10.1, Signal::PresentCard, Keys::default())
        .log(11.0, Signal::CardDetected, Keys::default())
        .log(11.5, Signal::CardReadOk, Keys::default());
    line(&mut story, 12.0, 2, Signal::RequestSent, None);
    line(&mut story, 12.5, 1, Signal::ResponseReceived, None);
    assert_eq!(story.tell().attempts.len(), 1);
}

/// A switch sends a request on under a number of its own: both legs are one payment.
#[test]
fn a_request_that_is_sent_on() {
    let mut story = Story::default();
    story.source("wire.pcap", SourceKind::Capture);
    let leg = |stan| referred("000000000011", sale("T0000001", stan, 30_000));
    story
        .iso(1000.0, 200, None, leg(99))
        .iso(1000.02, 200, None, leg(903_458))
        .iso(1000.1, 210, Some("00"), leg(903_458))
        .iso(1000.12, 210, Some("00"), leg(99));
    assert_eq!(story.tell().attempts.len(), 1);
}

/// Test data carry one cryptogram in every message: amounts tell payments apart; the same amount again is the same tap.
#[test]
fn one_cryptogram_for_two_amounts() {
    for (second, expected) in [(200, 2), (100, 1)] {
        let mut story = Story::default();
        story.source("wire.pcap", SourceKind::Capture);
        for (at, stan, amount) in [(1000.0, 701, 100), (1001.0, 702, second)] {
            let keys = on_wire("T0000001", stan, amount, 0xAA);
            story
                .iso(at, 200, None, keys.clone())
                .iso(at + 0.3, 210, Some("00"), keys);
        }
        assert_eq!(story.tell().attempts.len(), expected, "{second}");
    }
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

/// No tap has a second cryptogram; where the payment directory of taps was read, a second one is a tap that was repeated.
#[test]
fn two_cryptograms_are_a_contact_dialogue() {
    for (directory, expected) in [(false, Interface::Contact), (true, Interface::Contactless)] {
        let mut story = Story::default();
        story.source("card.trace", SourceKind::Trace);
        if directory {
            story.apdu(1000.0, CommandKind::SelectPpse, Some(0x9000), &[]);
        }
        story.apdu(1000.1, CommandKind::SelectAid, Some(0x9000), &[]);
        for at in [1000.2, 1000.6] {
            story.apdu(at, CommandKind::GenerateAc, Some(0x9000), &[]);
        }
        assert_eq!(story.tell().attempts[0].interface, expected);
    }
}
