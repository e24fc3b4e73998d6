//! Cuts each source's events into fragments: what one source saw of one attempt.
//!
//! A terminal's log or trace is a sequence: the cuts lie where a sale starts, a card comes back or another interface takes over.
//! A host's log and a capture interleave many terminals: there the keys of each ISO 8583 message decide.

mod messages;
mod sequence;

use std::collections::BTreeMap;

use crate::event::{
    CommandKind, Event, Events, FieldState, Moment, Payload, REQUEST, Signal, SourceKind, Text,
    What,
};

use super::keys::JoinKeys;
use messages::{ByKey, cut_capture};
use sequence::{cut_indexes, is_select};

/// What one source saw of one attempt.
#[derive(Debug, Clone, Default)]
pub(super) struct Fragment {
    /// The source.
    pub source: u32,
    /// Event indexes in the arena, in the source's order.
    pub events: Vec<u32>,
    /// Keys merged from the events, first one wins.
    pub keys: JoinKeys,
    /// First and last time by the source's clock.
    pub first: Moment,
    /// Likewise.
    pub last: Moment,
    /// When the cryptogram came from the card.
    pub cryptogram_at: Moment,
    /// When the request was sent, as this source saw it.
    pub request_at: Moment,
    /// When the answer came.
    pub response_at: Moment,
    /// When it began to connect: the line that says so, or the first packet.
    pub connecting_at: Moment,
    /// When a card was there: the activation, or the line about it.
    pub activated_at: Moment,
    /// When an answer came, and the host's own time of day in it.
    pub host_time: Option<(i64, i64)>,
    /// When the terminal told how it ended.
    pub told_at: Moment,
    /// What a packet took to the other end and back, as a capture saw it.
    pub round_trip: Moment,
    /// Time of day that the request states, `HHMMSS` as a number; a host that only repeats it tells no time.
    stated: Option<u32>,
    /// The card was read to the end, or more.
    pub read: bool,
    /// A stripe was swiped.
    pub magstripe: bool,
    /// How it was cut.
    pub shape: Shape,
    /// It shows a presentment or a payment message, not only ambient lines.
    pub is_attempt: bool,
    /// A contact dialogue or prompt.
    pub contact: bool,
    /// The card talked (or an activation was seen).
    pub dialogue: bool,
    /// A capture saw it.
    pub wire: bool,
    /// A contact dialogue got beyond selecting its directory.
    pub contact_began: bool,
    /// GENERATE AC was sent.
    pub generated: bool,
    /// A host was asked, whether the time is known or not.
    requested: bool,
    /// A host answered, likewise.
    answered: bool,
}

/// How a fragment was cut from its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub(super) enum Shape {
    /// A stretch of one terminal's log or trace.
    #[default]
    Stretch,
    /// Messages with the same keys.
    Messages,
    /// A connection (with its TLS, DNS and ICMP trouble) that carried no message we could read.
    Connection,
}

/// Messages with the same trace number further apart than this are different payments.
const MESSAGE_WINDOW: i64 = 15 * 60_000_000;
/// Connects of one client to one server within this time are retries of one attempt.
const RECONNECT_WINDOW: i64 = 20_000_000;

impl Fragment {
    fn new(source: u32, shape: Shape) -> Self {
        Self {
            source,
            shape,
            ..Self::default()
        }
    }

    fn push(&mut self, index: u32, event: &Event) {
        self.events.push(index);
        if let Some(at) = event.at.utc_micros {
            self.first = Moment::new(self.first.get().map_or(at, |first| first.min(at)));
            self.last = Moment::new(self.last.get().map_or(at, |last| last.max(at)));
        }
        self.keys.add(&event.keys);
        let at = event.at.utc_micros;
        match &event.payload {
            Payload::Apdu(exchange) => {
                self.is_attempt = true;
                self.dialogue = true;
                if matches!(exchange.command, CommandKind::SelectPse) {
                    self.contact = true;
                }
                self.contact_began |= self.contact && exchange.command == CommandKind::ReadRecord;
                self.generated |= exchange.command == CommandKind::GenerateAc;
                if exchange.bytes(0x9F26).is_some() {
                    self.cryptogram_at.fill(at);
                    self.read = true;
                }
            }
            Payload::Iso8583(message) => {
                self.is_attempt |= is_financial(message.mti);
                match message.mti % 1000 {
                    100 | 200 => {
                        self.requested = true;
                        self.request_at.fill(at);
                        self.stated = message.field(12).and_then(|time| time.parse().ok());
                    }
                    110 | 210 => {
                        self.answered = true;
                        self.response_at.fill(at);
                        let shown = message.field(12).filter(|time| {
                            self.stated.is_none() || time.parse().ok() != self.stated
                        });
                        self.host_time = self.host_time.or(at.zip(shown.and_then(time_of_day)));
                    }
                    _ => {}
                }
            }
            Payload::Log(line) => self.push_signal(line.signal, at),
            Payload::Nfc(field) => {
                self.is_attempt = true;
                if matches!(field.state, FieldState::Activated | FieldState::NotIsoDep) {
                    self.dialogue = true;
                    self.activated_at.fill(at);
                }
            }
            Payload::Tcp(connection) => {
                if connection.opening_seen {
                    self.connecting_at.fill(at);
                }
                let once = connection.connect_micros.into_iter();
                let shortest = once.chain(connection.rtt_micros).min();
                self.round_trip.fill(shortest);
            }
            Payload::Tls(_)
            | Payload::Dns(_)
            | Payload::Icmp(_)
            | Payload::Http(_)
            | Payload::Link(_) => {}
        }
    }

    fn push_signal(&mut self, signal: Signal, at: Option<i64>) {
        match signal {
            Signal::RequestSent => {
                self.request_at.fill(at);
                self.requested = true;
                self.read = true;
            }
            Signal::ResponseReceived => {
                self.response_at.fill(at);
                self.answered = true;
            }
            Signal::ContactInserted | Signal::ContactReadFailed => self.contact = true,
            Signal::MagstripeReadFailed => self.magstripe = true,
            Signal::Connecting => {
                self.connecting_at.fill(at);
                self.read = true;
            }
            Signal::Approved | Signal::Declined => self.told_at.fill(at),
            Signal::CardDetected => self.activated_at.fill(at),
            Signal::CardReadOk | Signal::OnlineRequest => self.read = true,
            _ => {}
        }
        // What ends without a beginning is something else: a sign-on, a download.
        self.is_attempt |= !is_ambient(signal) && !matches!(signal, Signal::Note | Signal::SaleEnd);
    }
}

/// `HHMMSS` as microseconds of the day.
fn time_of_day(text: &str) -> Option<i64> {
    let part = |from: usize| -> Option<i64> { text.get(from..from + 2)?.parse().ok() };
    let (h, m, s) = (part(0)?, part(2)?, part(4)?);
    (text.len() == 6 && h < 24 && m < 60 && s < 61).then_some(((h * 60 + m) * 60 + s) * 1_000_000)
}

/// Requests, answers and reversals of payments; not network management, settlement or batch upload.
pub(super) fn is_financial(mti: u16) -> bool {
    matches!((mti / 100) % 10, 1 | 2) && (mti % 100) / 10 < 2
}

fn is_reversal(mti: u16) -> bool {
    (mti / 100) % 10 == 4
}

/// What happens to a device, not to a sale: belongs to a sale only when it happens in or shortly before it.
pub(super) fn is_ambient(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::ServiceDied
            | Signal::UpdateRunning
            | Signal::LinkDown
            | Signal::Blocked
            | Signal::SignalLow
            | Signal::Roamed
            | Signal::ConfigValue
            | Signal::SignOn
            | Signal::ParameterDownloadFailed
            | Signal::LowPower
            | Signal::PeripheralLost
            | Signal::Tamper
            | Signal::ClockBad
            | Signal::Repaired
            | Signal::OtherError
            | Signal::ReaderInitFailed
            | Signal::ReaderIoError
            | Signal::ContactlessOff
            | Signal::NoContactlessHardware
            | Signal::NotSignedOn
            | Signal::KeyError
            | Signal::AppCrash
    )
}

fn stans_differ(fragment: &Fragment, event: &Event) -> bool {
    matches!((fragment.keys.stan, event.keys.stan), (Some(old), Some(new)) if old != new)
}

/// Cuts one source's events; `range` are its indexes in the arena.
pub(super) fn cut(
    kind: SourceKind,
    arena: &Events,
    range: std::ops::Range<u32>,
    out: &mut Vec<Fragment>,
) {
    let many_terminals = {
        let strands = arena.strands().iter();
        let mut terminals = strands
            .skip(range.start as usize)
            .take(range.len())
            .map(|strand| strand.terminal)
            .filter(|terminal| *terminal != 0);
        let first = terminals.next();
        first.is_some_and(|first| terminals.any(|other| other != first))
    };
    if kind == SourceKind::Capture {
        cut_capture(arena, range, out);
    } else if many_terminals {
        cut_many(arena, range, out);
    } else if requests_interleave(arena, &range) {
        cut_requests(arena, range, out);
    } else if interleaved(arena, &range) {
        cut_lanes(arena, range, out);
    } else {
        cut_indexes(arena, range, out);
    }
}

/// True where one lane goes on with its dialogue after another lane selected in between: several readers, sockets or threads.
fn interleaved(arena: &Events, range: &std::ops::Range<u32>) -> bool {
    let mut selecting: Option<u64> = None;
    let mut selected: std::collections::BTreeSet<u64> = std::collections::BTreeSet::new();
    let both = arena.heads().iter().zip(arena.strands());
    for (head, strand) in both.skip(range.start as usize).take(range.len()) {
        let What::Apdu(command, _) = head.what else {
            continue;
        };
        if is_select(head.what) {
            selecting = Some(strand.lane);
            selected.insert(strand.lane);
        } else if matches!(
            command,
            CommandKind::GetProcessingOptions | CommandKind::ReadRecord | CommandKind::GenerateAc
        ) && selecting != Some(strand.lane)
            && selected.contains(&strand.lane)
        {
            return true;
        }
    }
    false
}

/// True for the log of a server that names the request in most of its lines, and in which one goes on after another began.
fn requests_interleave(arena: &Events, range: &std::ops::Range<u32>) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    let (mut last, mut named, mut again) = (0, 0, false);
    let both = arena.heads().iter().zip(arena.strands());
    for (head, strand) in both.skip(range.start as usize).take(range.len()) {
        // Who talks to a card is a terminal.
        if matches!(head.what, What::Apdu(..)) {
            return false;
        }
        if strand.lane & REQUEST != 0 {
            named += 1;
            again |= strand.lane != last && !seen.insert(strand.lane);
            last = strand.lane;
        }
    }
    again && named * 3 >= range.len() * 2
}

/// The log of a server that works on several requests at a time: each that it names is a sequence of its own, and so is what it
/// says beside them.
fn cut_requests(arena: &Events, range: std::ops::Range<u32>, out: &mut Vec<Fragment>) {
    let mut sequences: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for index in range {
        let lane = arena.lane(index);
        let lane = if lane & REQUEST == 0 { 0 } else { lane };
        sequences.entry(lane).or_default().push(index);
    }
    let mut in_order: Vec<Vec<u32>> = sequences.into_values().collect();
    in_order.sort_unstable_by_key(|indexes| indexes.first().copied());
    for indexes in in_order {
        cut_indexes(arena, indexes.into_iter(), out);
    }
}

/// Dialogues that run side by side: each lane that talks to a card is a sequence of its own; what stands between goes to the lane
/// that talked last.
fn cut_lanes(arena: &Events, range: std::ops::Range<u32>, out: &mut Vec<Fragment>) {
    let mut sequences: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    let mut early: Vec<u32> = Vec::new();
    let mut last: Option<u64> = None;
    for index in range {
        let lane = arena.lane(index);
        if matches!(arena.head(index).what, What::Apdu(..)) {
            last = Some(lane);
            sequences.entry(lane).or_default().push(index);
        } else if let Some(own) = sequences.get_mut(&lane) {
            own.push(index);
        } else if let Some(own) = last.and_then(|lane| sequences.get_mut(&lane)) {
            own.push(index);
        } else {
            early.push(index);
        }
    }
    for (number, indexes) in sequences.into_values().enumerate() {
        // What came before the first command belongs to the sequence that begins first.
        let begins = if number == 0 {
            std::mem::take(&mut early)
        } else {
            Vec::new()
        };
        cut_indexes(arena, begins.into_iter().chain(indexes), out);
    }
}

/// A log of several terminals: messages by key, the rest as one sequence per terminal.
fn cut_many(arena: &Events, range: std::ops::Range<u32>, out: &mut Vec<Fragment>) {
    let mut messages = ByKey::default();
    let mut lanes: BTreeMap<u64, Text> = BTreeMap::new();
    let mut sequences: BTreeMap<Text, Vec<u32>> = BTreeMap::new();
    for index in range {
        let event = &arena.get(index);
        if matches!(event.payload, Payload::Iso8583(_)) {
            let _ = messages.place(index, event, out);
            continue;
        }
        let terminal = match &event.keys.terminal {
            Some(terminal) => {
                lanes.insert(event.lane, terminal.clone());
                Some(terminal.clone())
            }
            None => lanes.get(&event.lane).cloned(),
        };
        if let Some(terminal) = terminal {
            sequences.entry(terminal).or_default().push(index);
        }
    }
    for (terminal, indexes) in sequences {
        let from = out.len();
        cut_indexes(arena, indexes.into_iter(), out);
        for fragment in &mut out[from..] {
            fragment
                .keys
                .terminal
                .get_or_insert_with(|| terminal.clone());
        }
    }
}
