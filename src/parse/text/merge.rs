//! Joins what the blocks gave, in the order of lines: times, NCI reassembly, pairs, fields over several lines, and which general
//! words stay because payments stand beside them.

use std::collections::{HashMap, VecDeque};

use tapscope_parsers::content::apdu::{self, ApduLine, Way};
use tapscope_parsers::content::nci::{self, Frame};
use tapscope_parsers::protocol::net::iso14443::link::{Ending, Frame as LinkFrame};

use super::iso;
use super::line::Found;
use super::scan::{Block, Item, SNOOP, hash};
use crate::event::{
    Event, Field, FieldState, IsoMessage, Keys, LogEvent, Payload, Place, Severity, Signal, Text,
};
use crate::parse::Context;
use crate::parse::clock::SourceClock;
use crate::parse::dialogue::{Draft, Moment, Pairing, Radio};

/// General words are kept within so many lines of something that only payments have …
const NEAR_LINES: u32 = 200;
/// … or within so many microseconds.
const NEAR_MICROS: i64 = 60_000_000;
/// Lines over which the fields of one message may be spread.
const FIELD_LINES: u32 = 3;

/// An event, or what will be one.
pub(super) enum Made {
    /// Ready.
    Event(Event),
    /// A card exchange, still to be decoded.
    Exchange(Draft),
}

struct Held {
    event: Event,
    line: u32,
    bytes: u64,
}

#[derive(Default)]
struct NciState {
    listening: bool,
    frame_interface: bool,
    parts: [Vec<u8>; 2],
    last_uid: Option<Vec<u8>>,
    polling: bool,
    frames: VecDeque<(bool, u64, Moment)>,
    /// The block layer, where the controller leaves it to the host.
    radio: Radio,
}

/// The sequential pass over a source.
pub(super) struct Merge<'c> {
    ctx: &'c Context<'c>,
    clock: SourceClock,
    lines: u32,
    /// Microseconds of the blocks before, where lines only tell the time since the line before.
    ticks: i64,
    pub(super) made: Vec<Made>,
    pairing: Pairing,
    nci: HashMap<u64, NciState>,
    fields: Option<(iso::Fields, Moment, u64)>,
    /// Messages seen lately: what they say, their dialect, and where.
    messages: VecDeque<(u64, &'static str, Moment)>,
    /// Messages that are damaged: line and why.
    pub(super) damaged: Vec<(u32, Text)>,
    /// General words that wait for a payment nearby.
    held: VecDeque<Held>,
    /// Where payments were last seen.
    payment_at: Option<Moment>,
    /// Terminal numbers and devices that the source names, each once, in order.
    pub(super) terminals: Vec<Text>,
    pub(super) devices: Vec<Text>,
    /// How much of what kind.
    pub(super) dialogue_lines: u64,
    pub(super) other_items: u64,
    /// Bytes of lines that made events.
    pub(super) understood: u64,
}

/// The time of the line that a line wraps, as written.
fn inner_time(at: Moment) -> Option<Text> {
    at.inner
        .as_ref()
        .map(|inner| Text::from(super::shape::written(inner)))
}

impl<'c> Merge<'c> {
    pub(super) fn new(ctx: &'c Context<'c>, clock: SourceClock) -> Self {
        Self {
            ctx,
            clock,
            lines: 0,
            ticks: 0,
            made: Vec::new(),
            pairing: Pairing::default(),
            nci: HashMap::new(),
            fields: None,
            messages: VecDeque::new(),
            damaged: Vec::new(),
            held: VecDeque::new(),
            payment_at: None,
            terminals: Vec::new(),
            devices: Vec::new(),
            dialogue_lines: 0,
            other_items: 0,
            understood: 0,
        }
    }

    /// True where day and month could be the other way round in this source.
    pub(super) fn order_is_open(&self) -> bool {
        self.other_items + self.dialogue_lines > 0 && self.clock.calendar().order_is_open()
    }

    /// Where the clock stands.
    pub(super) fn into_clock(self) -> SourceClock {
        self.clock
    }

    /// True for a message that was just seen in another dress: tracers write it as XML and as a dump.
    fn is_copy(&mut self, message: &IsoMessage, keys: &Keys, now: Moment) -> bool {
        let answer = message.field(39).unwrap_or_default();
        let mark = hash(&[
            &message.mti.to_be_bytes(),
            &keys.stan.unwrap_or_default().to_be_bytes(),
            keys.terminal.as_deref().unwrap_or_default().as_bytes(),
            answer.as_bytes(),
        ]);
        let beside = |at: &Moment| {
            at.at.utc_micros == now.at.utc_micros && now.place.abs_diff(at.place) <= NEAR_LINES
        };
        let copy = keys.stan.is_some()
            && self.messages.iter().any(|(known, dialect, at)| {
                *known == mark && *dialect != message.dialect && beside(at)
            });
        if self.messages.len() >= 16 {
            self.messages.pop_front();
        }
        self.messages.push_back((mark, message.dialect, now));
        copy
    }

    /// Takes up a block.
    pub(super) fn block(&mut self, block: &mut Block) {
        let base = self.lines;
        for item in block.items.drain(..) {
            self.item(item, base);
        }
        self.lines = self.lines.saturating_add(block.lines);
        self.ticks = self.ticks.saturating_add(block.ticks);
        self.collect();
    }

    fn item(&mut self, item: Item, base: u32) {
        let at = match (&item.time, item.inherited) {
            (Some(raw), true) => self.clock.stamp_again(raw),
            (raw, _) => self.clock.stamp(raw.as_ref()),
        };
        let now = Moment {
            place: base.saturating_add(item.line).saturating_add(1),
            at,
            ticks: item.ticks.map(|ticks| self.ticks.saturating_add(ticks)),
            inner: item.wrapped.as_deref().copied(),
        };
        if let Some((_, start, lane)) = &self.fields
            && (*lane != item.lane
                || now.place.saturating_sub(start.place) > FIELD_LINES * 64
                || !matches!(item.found, Found::IsoFields(_)))
        {
            self.flush_fields();
        }
        if !matches!(item.found, Found::Said { .. }) {
            self.understood += item.bytes;
        }
        match item.found {
            Found::Apdu(line) => {
                self.dialogue_lines += 1;
                if matches!(
                    line,
                    ApduLine::Exchange { .. }
                        | ApduLine::Bytes {
                            way: Way::Command,
                            ..
                        }
                ) {
                    self.payment(now);
                }
                self.pairing.line(line, item.process, item.lane, now);
            }
            Found::Nci(frame) => {
                self.dialogue_lines += 1;
                self.nci(frame, item.process, now);
            }
            Found::Understood => {}
            Found::Said {
                mut log,
                keys,
                payment,
            } => {
                self.other_items += 1;
                // "No response, timeout" behind a command that waits is the card's silence, not a host's.
                let silence = matches!(log.signal, Signal::ReadTimeout | Signal::ConnectTimeout);
                if silence && !payment && self.pairing.awaits(item.lane) {
                    log.signal = Signal::Note;
                    self.pairing.lost(item.process, now);
                }
                if let Some(inner) = inner_time(now) {
                    log.values.push(("inner_time", inner));
                }
                let event = self.event(now, item.lane, *keys, Payload::Log(log));
                self.said(event, payment, item.bytes, item.process, now);
            }
            Found::Iso(made) => {
                self.other_items += 1;
                self.payment(now);
                let (mut message, keys) = *made;
                message.inner_time = inner_time(now);
                if self.is_copy(&message, &keys, now) {
                    return;
                }
                if let Some(damage) = &message.damage {
                    self.damaged.push((now.place, damage.clone()));
                }
                self.note_names(&keys);
                self.push(now, item.lane, keys, Payload::Iso8583(Box::new(message)));
            }
            Found::IsoFields(fields) => {
                self.other_items += 1;
                self.iso_fields(*fields, now, item.lane);
            }
        }
    }

    fn event(&self, now: Moment, lane: u64, keys: Keys, payload: Payload) -> Event {
        Event {
            source: self.ctx.source,
            place: Place::Line(now.place),
            at: now.at,
            lane,
            keys,
            payload,
        }
    }

    fn push(&mut self, now: Moment, lane: u64, keys: Keys, payload: Payload) {
        let event = self.event(now, lane, keys, payload);
        self.made.push(Made::Event(event));
    }

    fn near(a: Moment, line: u32, micros: Option<i64>) -> bool {
        if a.place.abs_diff(line) <= NEAR_LINES {
            return true;
        }
        matches!((a.at.utc_micros, micros), (Some(x), Some(y)) if (x - y).abs() <= NEAR_MICROS)
    }

    /// Something that only payments have stands here: general words around it count.
    fn payment(&mut self, now: Moment) {
        self.payment_at = Some(now);
        while let Some(held) = self.held.pop_front() {
            if Self::near(now, held.line, held.event.at.utc_micros) {
                self.understood += held.bytes;
                self.made.push(Made::Event(held.event));
            }
        }
    }

    fn note_names(&mut self, keys: &Keys) {
        for (name, list) in [
            (&keys.terminal, &mut self.terminals),
            (&keys.device, &mut self.devices),
        ] {
            if let Some(name) = name
                && list.len() < 16
                && !list.contains(name)
            {
                list.push(name.clone());
            }
        }
    }

    fn said(&mut self, event: Event, payment: bool, bytes: u64, process: u64, now: Moment) {
        if matches!(&event.payload, Payload::Log(log) if matches!(log.signal, Signal::CardRemoved | Signal::RfTransmissionError | Signal::RfProtocolError | Signal::RetryPrompt))
        {
            self.pairing.lost(process, now);
        }
        if payment {
            self.understood += bytes;
            self.payment(now);
            self.note_names(&event.keys);
            self.made.push(Made::Event(event));
            return;
        }
        if self
            .payment_at
            .is_some_and(|p| Self::near(p, now.place, now.at.utc_micros))
        {
            self.understood += bytes;
            self.made.push(Made::Event(event));
            return;
        }
        // What stands too far back by lines and by time will not be near any more.
        while let Some(first) = self.held.front() {
            if Self::near(now, first.line, first.event.at.utc_micros) && self.held.len() < 100_000 {
                break;
            }
            self.held.pop_front();
        }
        self.held.push_back(Held {
            event,
            line: now.place,
            bytes,
        });
    }

    fn iso_fields(&mut self, fields: iso::Fields, now: Moment, lane: u64) {
        match self.fields.take() {
            None => self.fields = Some((fields, now, lane)),
            Some((mut known, start, lane)) => match known.join(fields) {
                None => self.fields = Some((known, start, lane)),
                Some(next) => {
                    self.fields = Some((known, start, lane));
                    self.flush_fields();
                    self.fields = Some((next, now, lane));
                }
            },
        }
    }

    fn flush_fields(&mut self) {
        let Some((fields, start, lane)) = self.fields.take() else {
            return;
        };
        match fields.finish() {
            Ok((mut message, keys)) => {
                message.inner_time = inner_time(start);
                self.payment(start);
                self.note_names(&keys);
                self.push(start, lane, keys, Payload::Iso8583(Box::new(message)));
            }
            Err((keys, values, _)) if values.is_empty() && keys == Keys::default() => {}
            Err((keys, values, text)) => {
                self.payment(start);
                self.note_names(&keys);
                let signal = if values.is_empty() {
                    Signal::Note
                } else {
                    Signal::ResponseReceived
                };
                let log = LogEvent {
                    signal,
                    code: None,
                    severity: Severity::Unknown,
                    values,
                    text,
                };
                self.push(start, lane, keys, Payload::Log(Box::new(log)));
            }
        }
    }

    fn field(
        &mut self,
        state: FieldState,
        uid: Option<&[u8]>,
        sak: Option<u8>,
        text: &str,
        lane: u64,
        now: Moment,
    ) {
        let hex = uid.map(|u| Text::from(u.iter().map(|b| format!("{b:02X}")).collect::<String>()));
        let field = Field {
            state,
            // A random identifier of four bytes begins with 08 (ISO/IEC 14443-3): phones use it.
            phone_hint: uid.is_some_and(|u| u.len() == 4 && u.first() == Some(&8)),
            uid: hex,
            sak,
            text: Text::from(text),
        };
        self.push(now, lane, Keys::default(), Payload::Nfc(Box::new(field)));
    }

    fn nci(&mut self, logged: nci::Logged, process: u64, now: Moment) {
        // The kernel's copies come from process 0: one state for the controller.
        let snooped = hash(&[SNOOP]);
        let lane = if process == snooped {
            snooped
        } else {
            hash(&[b"nci"])
        };
        let mark = logged.bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |s, b| {
            (s ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
        });
        let state = self.nci.entry(lane).or_default();
        let copy = state.frames.iter().any(|(kernel, known, at)| {
            *kernel != logged.kernel
                && *known == mark
                && match (now.at.utc_micros, at.at.utc_micros) {
                    (Some(a), Some(b)) => (a - b).abs() <= 100_000,
                    _ => now.place.abs_diff(at.place) <= 20,
                }
        });
        state.frames.push_back((logged.kernel, mark, now));
        if state.frames.len() > 64 {
            state.frames.pop_front();
        }
        if copy {
            return;
        }
        self.frame(&logged, lane, process, now);
    }

    fn frame(&mut self, logged: &nci::Logged, lane: u64, process: u64, now: Moment) {
        let state = self.nci.entry(lane).or_default();
        match nci::frame(&logged.bytes) {
            Frame::Data { more, payload } => {
                let side = usize::from(logged.to_controller);
                state.parts[side].extend_from_slice(payload);
                if more || state.parts[side].len() > 70_000 {
                    return;
                }
                let mut bytes = std::mem::take(&mut state.parts[side]);
                if state.frame_interface {
                    // The host does the block layer: the payload has its control byte, and no code at its end.
                    bytes.truncate(70_000);
                    let frame = LinkFrame {
                        from_card: logged.to_controller == state.listening,
                        bytes: &bytes,
                        ending: Ending::Dropped,
                        parity_error: false,
                    };
                    let mut fields = Vec::new();
                    state
                        .radio
                        .frame(&frame, lane, now, &mut self.pairing, &mut fields);
                    for seen in fields {
                        let event = seen.event(self.ctx.source, Place::Line);
                        self.made.push(Made::Event(event));
                    }
                    self.payment(now);
                    return;
                }
                // A phone that emulates a card hears commands.
                let command = logged.to_controller != state.listening;
                if command {
                    if apdu::is_command(&bytes, false) {
                        self.payment(now);
                        self.pairing.line(
                            ApduLine::Bytes {
                                way: Way::Command,
                                labelled: true,
                                bytes,
                                sw: None,
                                micros: None,
                                announced: None,
                            },
                            process,
                            lane,
                            now,
                        );
                    }
                } else if apdu::ends_in_status(&bytes) {
                    self.pairing.line(
                        ApduLine::Bytes {
                            way: Way::Answer,
                            labelled: true,
                            bytes,
                            sw: None,
                            micros: None,
                            announced: None,
                        },
                        process,
                        lane,
                        now,
                    );
                }
            }
            Frame::DiscoverStart => {
                if !state.polling {
                    state.polling = true;
                    self.field(FieldState::On, None, None, "RF_DISCOVER_CMD", lane, now);
                }
            }
            Frame::Selected { interface } => state.frame_interface = interface == 1,
            Frame::Discovered {
                uid, mode, more, ..
            } => {
                let uid = uid.map(<[u8]>::to_vec);
                let other = matches!((&state.last_uid, &uid), (Some(a), Some(b)) if a != b);
                let polled = mode < 0x80;
                state.last_uid = if more { uid } else { None };
                if other && polled {
                    self.field(
                        FieldState::Collision,
                        None,
                        None,
                        "RF_DISCOVER_NTF: more than one card",
                        lane,
                        now,
                    );
                }
            }
            Frame::Activated {
                interface,
                protocol,
                mode,
                uid,
                sak,
            } => {
                state.listening = mode >= 0x80;
                state.frame_interface = interface == 1;
                state.polling = false;
                state.last_uid = None;
                state.parts = [Vec::new(), Vec::new()];
                state.radio = Radio::default();
                if mode < 0x80 {
                    let kind = if protocol == 4 {
                        FieldState::Activated
                    } else {
                        FieldState::NotIsoDep
                    };
                    self.field(kind, uid, sak, "RF_INTF_ACTIVATED_NTF", lane, now);
                }
            }
            Frame::Deactivated { kind, reason } => {
                if reason == 2 {
                    self.pairing.lost(process, now);
                    self.field(
                        FieldState::Lost,
                        None,
                        None,
                        "RF_DEACTIVATE_NTF: RF link loss",
                        lane,
                        now,
                    );
                } else if kind == 0 && reason == 0 {
                    self.field(
                        FieldState::Off,
                        None,
                        None,
                        "RF_DEACTIVATE_NTF: idle",
                        lane,
                        now,
                    );
                }
            }
            Frame::InterfaceError(status) => {
                let (kind, text) = match status {
                    0xB0 => (
                        FieldState::TransmissionError,
                        "CORE_INTERFACE_ERROR_NTF: transmission error",
                    ),
                    0xB1 => (
                        FieldState::ProtocolError,
                        "CORE_INTERFACE_ERROR_NTF: protocol error",
                    ),
                    0xB2 => (FieldState::Lost, "CORE_INTERFACE_ERROR_NTF: timeout"),
                    _ => return,
                };
                self.pairing.lost(process, now);
                self.field(kind, None, None, text, lane, now);
            }
            Frame::GenericError(0xA1) => self.field(
                FieldState::ActivationFailed,
                None,
                None,
                "CORE_GENERIC_ERROR_NTF: target activation failed",
                lane,
                now,
            ),
            Frame::GenericError(_) | Frame::RemoteField(_) | Frame::Other => {}
        }
    }

    fn collect(&mut self) {
        for draft in self.pairing.take() {
            self.made.push(Made::Exchange(draft));
        }
    }

    /// Ends the source.
    pub(super) fn finish(&mut self) {
        self.flush_fields();
        for draft in self.pairing.finish() {
            self.made.push(Made::Exchange(draft));
        }
        self.held.clear();
    }
}
