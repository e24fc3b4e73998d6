//! Cuts each source's events into fragments: what one source saw of one attempt.
//!
//! A terminal's log or trace is a sequence: the cuts lie where a sale starts, a card comes back or another interface takes over.
//! A host's log and a capture interleave many terminals: there the keys of each ISO 8583 message decide.

mod messages;

use std::collections::BTreeMap;

use crate::event::{
    CommandKind, Direction, Event, Events, FieldState, Moment, Payload, REQUEST, Signal,
    SourceKind, Text, What,
};

use super::keys::JoinKeys;
use messages::{ByKey, cut_capture};

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

/// Idle time after which a stretch is over.
const STRETCH_IDLE: i64 = 120_000_000;
/// Ambient lines (service died, link down) this long before a sale belong to it.
const AMBIENT_BEFORE: i64 = 60_000_000;
/// Messages with the same trace number further apart than this are different payments.
const MESSAGE_WINDOW: i64 = 15 * 60_000_000;
/// A card that comes back so soon after a lost exchange, unprompted, is still the same presentment: held badly, not tapped again.
const SAME_PRESENTMENT: i64 = 1_200_000;
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
        self.is_attempt |= !is_ambient(signal) && signal != Signal::Note;
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
fn is_ambient(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::ServiceDied
            | Signal::UpdateRunning
            | Signal::LinkDown
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
        let heads = arena.heads().iter();
        let mut terminals = heads
            .skip(range.start as usize)
            .take(range.len())
            .map(|head| head.terminal)
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
    let heads = arena.heads().iter();
    for head in heads.skip(range.start as usize).take(range.len()) {
        let What::Apdu(command, _) = head.what else {
            continue;
        };
        if is_select(head.what) {
            selecting = Some(head.lane);
            selected.insert(head.lane);
        } else if matches!(
            command,
            CommandKind::GetProcessingOptions | CommandKind::ReadRecord | CommandKind::GenerateAc
        ) && selecting != Some(head.lane)
            && selected.contains(&head.lane)
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
    let heads = arena.heads().iter();
    for head in heads.skip(range.start as usize).take(range.len()) {
        // Who talks to a card is a terminal.
        if matches!(head.what, What::Apdu(..)) {
            return false;
        }
        if head.lane & REQUEST != 0 {
            named += 1;
            again |= head.lane != last && !seen.insert(head.lane);
            last = head.lane;
        }
    }
    again && named * 3 >= range.len() * 2
}

/// The log of a server that works on several requests at a time: each that it names is a sequence of its own, and so is what it
/// says beside them.
fn cut_requests(arena: &Events, range: std::ops::Range<u32>, out: &mut Vec<Fragment>) {
    let mut sequences: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for index in range {
        let lane = arena.head(index).lane;
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
        let head = arena.head(index);
        if matches!(head.what, What::Apdu(..)) {
            last = Some(head.lane);
            sequences.entry(head.lane).or_default().push(index);
        } else if let Some(own) = sequences.get_mut(&head.lane) {
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

/// How the terminal wants the card once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    ByTap,
    ByChip,
}

impl Again {
    fn of(prompt: Signal) -> Option<Self> {
        match prompt {
            Signal::RetryPrompt | Signal::SeePhone | Signal::MultipleCards => Some(Self::ByTap),
            Signal::UseChip | Signal::Fallback => Some(Self::ByChip),
            _ => None,
        }
    }
}

/// The state of the sequence cutter.
struct Sequence<'a> {
    out: &'a mut Vec<Fragment>,
    current: Option<usize>,
    /// A prompt or result has ended the presentment: what comes next is another attempt.
    ended: bool,
    /// The terminal has said that it cannot read this card without contact.
    barred: bool,
    /// The terminal has asked for another try, and whether by chip: what a host answers now, it answers to that.
    asked: Option<Again>,
    /// Ambient events seen since the last attempt.
    ambient: Vec<u32>,
    /// Fragments by trace number, for answers and reversals that come later.
    by_stan: BTreeMap<u32, usize>,
}

fn cut_indexes(arena: &Events, indexes: impl Iterator<Item = u32>, out: &mut Vec<Fragment>) {
    let mut sequence = Sequence {
        out,
        current: None,
        ended: false,
        barred: false,
        asked: None,
        ambient: Vec::new(),
        by_stan: BTreeMap::new(),
    };
    for index in indexes {
        sequence.place(index, arena);
    }
}

impl Sequence<'_> {
    fn place(&mut self, index: u32, arena: &Events) {
        let event = &arena.get(index);
        if let Some(current) = self.current
            && let (Some(last), Some(at)) = (self.out[current].last.get(), event.at.utc_micros)
            && at - last > STRETCH_IDLE
        {
            self.current = None;
        }
        match &event.payload {
            Payload::Log(line) => self.place_signal(index, event, line.signal, arena),
            Payload::Apdu(exchange) => {
                let restart = match exchange.command {
                    CommandKind::SelectPpse => self.ended || self.comes_back(event, arena),
                    // A contact flow selects its directory once: again is a new session.
                    CommandKind::SelectPse => {
                        self.ended
                            || self.now(|f| f.dialogue && (!f.contact || f.contact_began))
                    }
                    // The same application once more after its cryptogram: readers that know it skip the directory.
                    CommandKind::SelectAid if self.asked == Some(Again::ByChip) => true,
                    CommandKind::SelectAid => self.now(|f| {
                        f.generated
                            && f.events.iter().any(|&e| {
                                arena.head(e).what == What::Apdu(CommandKind::SelectAid, true)
                                    && matches!(arena.get(e).payload, Payload::Apdu(ref known) if known.command_hex == exchange.command_hex)
                            })
                    }),
                    _ => false,
                };
                let by_chip = self.asked == Some(Again::ByChip)
                    && restart
                    && exchange.command == CommandKind::SelectAid;
                self.append(index, event, restart, arena);
                if by_chip && let Some(at) = self.current {
                    self.out[at].contact = true;
                }
            }
            Payload::Nfc(field) => {
                let restart = match field.state {
                    FieldState::Activated | FieldState::NotIsoDep => {
                        self.ended
                            || self.now(|f| f.events.iter().any(|&e| is_select(arena.head(e).what)))
                    }
                    FieldState::On | FieldState::Collision => self.ended,
                    _ => false,
                };
                if field.state == FieldState::Off && self.current.is_none() {
                    return;
                }
                self.append(index, event, restart, arena);
            }
            Payload::Iso8583(message) => {
                if is_reversal(message.mti) || !is_financial(message.mti) {
                    // Reversals belong to what they reverse; sign-on and settlement to no sale.
                    if let Some(&at) = event
                        .keys
                        .stan
                        .as_ref()
                        .and_then(|stan| self.by_stan.get(stan))
                        && is_reversal(message.mti)
                    {
                        self.out[at].push(index, event);
                    }
                    return;
                }
                if let Some(&at) = event
                    .keys
                    .stan
                    .as_ref()
                    .and_then(|stan| self.by_stan.get(stan))
                {
                    self.out[at].push(index, event);
                    return;
                }
                let asks = message.direction() == Direction::Request;
                let restart = self.now(|f| {
                    stans_differ(f, event)
                        || asks && (Self::is_over(f) || f.requested && other_payment(f, event))
                });
                self.append(index, event, restart, arena);
            }
            _ => self.append(index, event, false, arena),
        }
    }

    fn place_signal(&mut self, index: u32, event: &Event, signal: Signal, arena: &Events) {
        match signal {
            Signal::SaleStart => {
                // Some applications announce a sale twice within a moment.
                let twice = self.now(|f| {
                    !f.dialogue
                        && !self.ended
                        && f.keys.stan.is_none_or(|stan| event.keys.stan.is_none_or(|new| new == stan))
                        && f.keys.amount_minor.is_none_or(|amount| event.keys.amount_minor.is_none_or(|new| new == amount))
                        && matches!((f.first.get(), event.at.utc_micros), (Some(first), Some(at)) if at - first < 3_000_000)
                });
                // A slip, or a line of the journal, says the sale once more when it is done.
                let repeated = self.now(|f| {
                    Self::is_over(f)
                        && f.keys.amount_minor.is_some()
                        && f.keys.amount_minor == event.keys.amount_minor
                        && matches!((f.last.get(), event.at.utc_micros), (Some(last), Some(at)) if at - last < 3_000_000)
                });
                self.append(index, event, !twice && !repeated, arena);
            }
            Signal::CardDetected => {
                let restart =
                    self.ended || self.now(Self::is_over) || self.comes_back(event, arena);
                self.append(index, event, restart, arena);
            }
            Signal::PresentCard | Signal::PollingStart => {
                let restart = self.ended || self.now(Self::is_over);
                self.append(index, event, restart, arena);
            }
            Signal::ContactInserted | Signal::ContactReadFailed => {
                // The chip is another attempt than the tap before it, whether a card could be read then or not.
                let restart = self.now(|f| !f.contact && (f.dialogue || self.ended || self.barred));
                self.append(index, event, restart, arena);
            }
            Signal::MagstripeReadFailed => {
                let restart = self.now(|f| !f.magstripe && (f.contact || f.dialogue || self.ended));
                self.append(index, event, restart, arena);
            }
            Signal::MultipleCards => {
                let again = self.ended
                    && self.now(|f| {
                        let said = f.events.iter().any(|&e| {
                            arena.head(e).what == What::Log(Signal::MultipleCards)
                        });
                        said && matches!((f.last.get(), event.at.utc_micros), (Some(last), Some(now)) if now - last > 300_000)
                    });
                self.append(index, event, again, arena);
                self.ended = true;
                self.asked = Some(Again::ByTap);
            }
            // A card that is read, or a cryptogram that was not there before, after an answer came: the next sale.
            Signal::CardReadOk | Signal::OnlineRequest
                if self.now(|f| {
                    Self::is_over(f) || f.told_at.get().is_some() || other_payment(f, event)
                }) =>
            {
                self.append(index, event, true, arena);
            }
            // The tap ended unread and with a prompt for the next: the host answers to what came after it.
            Signal::OnlineRequest
            | Signal::RequestSent
            | Signal::ResponseReceived
            | Signal::Approved
                if self.asked.is_some() && self.now(Self::is_unread) =>
            {
                let by_chip = self.asked == Some(Again::ByChip);
                self.append(index, event, true, arena);
                if by_chip && let Some(at) = self.current {
                    self.out[at].contact = true;
                }
                self.ended |= ends_presentment(signal);
            }
            Signal::CardRemoved if self.now(|f| f.read) => {
                self.append(index, event, false, arena);
            }
            Signal::Note
                if event.keys.amount_minor.is_some()
                    && event.keys.stan.is_some_and(|stan| {
                        !self.by_stan.contains_key(&stan) && self.now(|f| f.keys.stan.is_some())
                    }) =>
            {
                self.append(index, event, true, arena);
            }
            Signal::Reversal => {
                let at = event
                    .keys
                    .stan
                    .as_ref()
                    .and_then(|stan| self.by_stan.get(stan))
                    .copied()
                    .or(self.current);
                if let Some(at) = at {
                    self.out[at].push(index, event);
                }
            }
            Signal::Note if self.current.is_none() && announces(event) => {
                self.append(index, event, true, arena);
            }
            Signal::Note | Signal::ConfigValue if self.current.is_none() => {
                self.ambient.push(index)
            }
            _ if is_ambient(signal)
                && (self.current.is_none() || (self.ended && self.now(Self::is_over))) =>
            {
                self.ambient.push(index);
            }
            _ => {
                let stan_changed = self.now(|f| stans_differ(f, event));
                if stan_changed
                    && let Some(&at) = event
                        .keys
                        .stan
                        .as_ref()
                        .and_then(|stan| self.by_stan.get(stan))
                {
                    self.out[at].push(index, event);
                    return;
                }
                self.append(index, event, stan_changed, arena);
                self.ended |= ends_presentment(signal);
                self.barred |= bars_contactless(signal);
                self.asked = Again::of(signal).or(self.asked);
            }
        }
    }

    /// A dialogue begins though the current attempt had one, and it is not the same presentment going on.
    fn comes_back(&self, event: &Event, arena: &Events) -> bool {
        self.now(|fragment| {
            if fragment.contact {
                return true;
            }
            let last = fragment
                .events
                .iter()
                .rev()
                .map(|&index| arena.head(index))
                .find(|head| is_select(head.what));
            let Some(last) = last else { return false };
            let lost =
                fragment
                    .events
                    .iter()
                    .rev()
                    .find_map(|&index| match arena.head(index).what {
                        What::Apdu(_, answered) => Some(!answered),
                        _ => None,
                    });
            let soon = match (
                fragment.last.get().or(last.at().utc_micros),
                event.at.utc_micros,
            ) {
                (Some(then), Some(now)) => now - then <= SAME_PRESENTMENT,
                _ => false,
            };
            !(lost == Some(true) && soon)
        })
    }

    /// True where no card was read and nothing was asked of a host.
    fn is_unread(fragment: &Fragment) -> bool {
        !fragment.contact && !fragment.read && !fragment.requested
    }

    fn is_over(fragment: &Fragment) -> bool {
        fragment.answered
    }

    fn now(&self, test: impl FnOnce(&Fragment) -> bool) -> bool {
        self.current.is_some_and(|at| test(&self.out[at]))
    }

    fn append(&mut self, index: u32, event: &Event, restart: bool, arena: &Events) {
        if restart || self.current.is_none() {
            let mut fragment = Fragment::new(event.source, Shape::Stretch);
            for &before in &self.ambient {
                let ambient = &arena.get(before);
                let near = match (ambient.at.utc_micros, event.at.utc_micros) {
                    (Some(then), Some(now)) => now - then <= AMBIENT_BEFORE,
                    _ => true,
                };
                if near {
                    fragment.push(before, ambient);
                }
            }
            self.ambient.clear();
            fragment.is_attempt = false;
            self.inherit(&mut fragment, event, restart);
            self.out.push(fragment);
            self.current = Some(self.out.len() - 1);
            self.ended = false;
            self.barred = false;
            self.asked = None;
        }
        if let Some(at) = self.current {
            self.out[at].push(index, event);
            if let Some(stan) = event.keys.stan {
                self.by_stan.insert(stan, at);
            }
        }
    }

    /// A further attempt at the same sale knows the amount and terminal that were said once.
    fn inherit(&self, fragment: &mut Fragment, event: &Event, restart: bool) {
        let Some(before) = self.current.filter(|_| restart).map(|at| &self.out[at]) else {
            return;
        };
        let same_sale = !matches!(&event.payload, Payload::Log(line) if line.signal == Signal::SaleStart)
            && !announces(event);
        fragment.keys.terminal.clone_from(&before.keys.terminal);
        fragment.keys.merchant.clone_from(&before.keys.merchant);
        if same_sale {
            fragment.keys.amount_minor = before.keys.amount_minor;
            fragment.keys.currency = before.keys.currency;
        }
    }
}

/// True where cryptogram or amount are those of another payment.
fn other_payment(fragment: &Fragment, event: &Event) -> bool {
    let (known, new) = (&fragment.keys, &event.keys);
    matches!((known.cryptogram, new.cryptogram), (Some(a), Some(b)) if a != b)
        || matches!((known.amount_minor, new.amount_minor), (Some(a), Some(b)) if a != b)
}

/// A trace number and an amount: what opens a sale.
fn announces(event: &Event) -> bool {
    event.keys.stan.is_some() && event.keys.amount_minor.is_some()
}

fn is_select(what: What) -> bool {
    matches!(
        what,
        What::Apdu(
            CommandKind::SelectPpse | CommandKind::SelectAid | CommandKind::GetProcessingOptions,
            _
        )
    )
}

/// After these the sale goes on by another interface, if at all.
fn bars_contactless(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::NoContactlessHardware
            | Signal::ContactlessOff
            | Signal::ReaderInitFailed
            | Signal::CardNotContactless
            | Signal::KernelUnsupported
    )
}

/// After these, a card that comes is another attempt.
fn ends_presentment(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::RetryPrompt
            | Signal::UseChip
            | Signal::SeePhone
            | Signal::Approved
            | Signal::Declined
            | Signal::SaleEnd
            | Signal::Cancelled
            | Signal::PollTimeout
            | Signal::OfflineDeclined
            | Signal::MultipleCards
            | Signal::CardRemoved
            | Signal::LimitExceeded
            | Signal::Fallback
            | Signal::ReadTimeout
            | Signal::ConnectTimeout
            | Signal::ConnectRefused
    )
}
