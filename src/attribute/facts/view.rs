//! One attempt's events, sorted by what they are.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Row;
use super::list::Fact;
use crate::correlate::{Attempt, Correlated, Covered, Interface, Outcome, Stage};
use crate::event::{
    Connection, Direction, DnsEvent, Event, Exchange, Field, HttpEvent, IcmpEvent, IsoMessage,
    LinkEvent, LogEvent, Payload, Signal, SourceKind, TlsEvent,
};
use crate::plan::Plan;

/// An event's index and aligned time, and what it holds.
pub struct Seen<'a, T> {
    pub index: u32,
    pub at: Option<i64>,
    pub source: u32,
    pub what: &'a T,
}

/// One attempt's events, alive, in time order.
pub struct Alive(Vec<(u32, Event)>);

impl Alive {
    /// Unpacks them.
    pub fn new(correlated: &Correlated, index: usize) -> Self {
        let events = &correlated.attempts[index].events;
        Self(
            events
                .iter()
                .map(|&index| (index, correlated.events.get(index)))
                .collect(),
        )
    }
}

/// One attempt's events, sorted by what they are.
pub struct View<'a> {
    pub attempt: &'a Attempt,
    pub covered: Covered,
    pub logs: Vec<Seen<'a, LogEvent>>,
    pub exchanges: Vec<Seen<'a, Exchange>>,
    pub fields: Vec<Seen<'a, Field>>,
    pub messages: Vec<Seen<'a, IsoMessage>>,
    pub connections: Vec<Seen<'a, Connection>>,
    pub tls: Vec<Seen<'a, TlsEvent>>,
    pub dns: Vec<Seen<'a, DnsEvent>>,
    pub icmp: Vec<Seen<'a, IcmpEvent>>,
    pub http: Vec<Seen<'a, HttpEvent>>,
    pub links: Vec<Seen<'a, LinkEvent>>,
    /// A capture contributed events to the attempt.
    pub captured: bool,
    /// Amount of the attempt, else of its sale.
    pub amount: Option<i64>,
    /// When each source's last event is.
    pub ends: &'a [Option<i64>],
}

/// Microseconds that a host may take: a recording that ends before has not seen that no answer came.
const PATIENCE: i64 = 20_000_000;

impl<'a> View<'a> {
    /// All of these stand so near to the end of what was recorded that an answer may have come after it.
    pub fn may_have_missed_it(&self, sent: &[u32]) -> bool {
        let gave_up = self.logs.iter().any(|line| {
            matches!(
                line.what.signal,
                Signal::ReadTimeout | Signal::ConnectionReset | Signal::Reversal | Signal::SaleEnd
            )
        });
        let ended = self.connections.iter().any(|seen| {
            seen.what.closed_by.is_some()
                || seen.what.reset_by.is_some()
                || seen.what.client_unacked > 0
        });
        let late = |index: &u32| {
            let seen = self.messages.iter().find(|seen| seen.index == *index);
            let Some((at, source)) = seen.and_then(|seen| Some((seen.at?, seen.source))) else {
                return false;
            };
            // A connection stands where it began, and was watched to its last frame.
            let watched = self.connections.iter().filter(|c| c.source == source);
            let watched = watched.filter_map(|c| Some(c.at? + c.what.last_at - c.what.first_at));
            let end = self.ends.get(source as usize).copied().flatten();
            end.into_iter()
                .chain(watched)
                .max()
                .is_some_and(|end| end - at < PATIENCE)
        };
        !gave_up && !ended && !sent.is_empty() && sent.iter().all(late)
    }

    /// Sorts an attempt's events.
    pub fn new(correlated: &'a Correlated, index: usize, alive: &'a Alive) -> Self {
        let attempt = &correlated.attempts[index];
        let mut view = Self {
            attempt,
            covered: correlated
                .coverage
                .of
                .get(index)
                .copied()
                .unwrap_or_default(),
            logs: Vec::new(),
            exchanges: Vec::new(),
            fields: Vec::new(),
            messages: Vec::new(),
            connections: Vec::new(),
            tls: Vec::new(),
            dns: Vec::new(),
            icmp: Vec::new(),
            http: Vec::new(),
            links: Vec::new(),
            captured: false,
            amount: attempt.keys.amount_minor,
            ends: &[],
        };
        for (index, event) in &alive.0 {
            let index = *index;
            let at = correlated
                .aligned
                .get(index as usize)
                .and_then(|at| at.get());
            let kind = correlated
                .sources
                .get(event.source as usize)
                .and_then(|source| source.kind);
            view.captured |= kind == Some(SourceKind::Capture);
            let source = event.source;
            match &event.payload {
                Payload::Log(what) => view.logs.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
                Payload::Apdu(what) => view.exchanges.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
                Payload::Nfc(what) => view.fields.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
                Payload::Iso8583(what) => view.messages.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
                Payload::Tcp(what) => view.connections.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
                Payload::Tls(what) => view.tls.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
                Payload::Dns(what) => view.dns.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
                Payload::Icmp(what) => view.icmp.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
                Payload::Http(what) => view.http.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
                Payload::Link(what) => view.links.push(Seen {
                    index,
                    at,
                    source,
                    what,
                }),
            }
        }
        view
    }

    /// The first event after which nothing more is asked of the card: its cryptogram, or that it was read.
    fn read_at(&self) -> Option<u32> {
        let given = self.exchanges.iter();
        let given = given.filter(|seen| bytes_of(&seen.what.tags, 0x9F26, Some(false)).is_some());
        let told = self.logs.iter().filter(|seen| {
            matches!(
                seen.what.signal,
                Signal::CardReadOk | Signal::OnlineRequest | Signal::RequestSent
            )
        });
        given
            .map(|seen| seen.index)
            .chain(told.map(|seen| seen.index))
            .min()
    }

    /// A log or its lines cover the attempt.
    pub fn has_log(&self) -> bool {
        self.covered.log || !self.logs.is_empty()
    }

    /// A card dialogue covers the attempt.
    pub fn has_dialogue(&self) -> bool {
        self.covered.apdu || !self.exchanges.is_empty() || !self.fields.is_empty()
    }

    /// A capture covers the attempt.
    pub fn has_capture(&self) -> bool {
        self.covered.capture || self.captured
    }

    /// Events of a signal.
    pub fn signal(&self, signal: Signal) -> Vec<u32> {
        self.logs
            .iter()
            .filter(|line| line.what.signal == signal)
            .map(|line| line.index)
            .collect()
    }

    /// Events of any of these signals.
    pub fn signals(&self, signals: &[Signal]) -> Vec<u32> {
        self.logs
            .iter()
            .filter(|line| signals.contains(&line.what.signal))
            .map(|line| line.index)
            .collect()
    }

    /// Last value of that name in the log.
    pub fn value(&self, name: &str) -> Option<(&'a str, u32)> {
        self.logs.iter().rev().find_map(|line| {
            let (_, value) = line.what.values.iter().find(|(key, _)| *key == name)?;
            Some((value.as_str(), line.index))
        })
    }

    /// The response code that lines tell: the last, but for one that says least, where a line before it tells more. A switch passes
    /// a network's `82` to the terminal as `05`.
    pub fn told_code(&self) -> Option<(&'a str, u32)> {
        let last = self.value("f39")?;
        if !matches!(last.0, "05" | "06" | "12" | "96") {
            return Some(last);
        }
        let says_more =
            |code: &str| !matches!(code, "00" | "05" | "06" | "12" | "96") && code.len() == 2;
        let mut told = self.logs.iter().rev().filter_map(|line| {
            let (_, value) = line.what.values.iter().find(|(key, _)| *key == "f39")?;
            Some((value.as_str(), line.index))
        });
        Some(told.find(|(code, _)| says_more(code)).unwrap_or(last))
    }

    /// First plain value of a tag in the dialogue, by direction where given.
    pub fn tag(&self, tag: u32, sent: Option<bool>) -> Option<(&'a [u8], u32)> {
        self.exchanges
            .iter()
            .find_map(|seen| Some((bytes_of(&seen.what.tags, tag, sent)?, seen.index)))
    }

    /// First plain value of a tag in field 55 of a request.
    pub fn tag55(&self, tag: u32) -> Option<(&'a [u8], u32)> {
        self.messages
            .iter()
            .filter(|seen| seen.what.direction() == Direction::Request)
            .find_map(|seen| Some((bytes_of(&seen.what.tags, tag, None)?, seen.index)))
    }

    /// First plain value of a tag, from the dialogue, else from field 55.
    pub fn any_tag(&self, tag: u32) -> Option<(&'a [u8], u32)> {
        self.tag(tag, None).or_else(|| self.tag55(tag))
    }

    /// The true date as YYMMDD, in the zone of the run.
    pub fn true_date(&self, plan: &Plan) -> Option<u32> {
        let at = Timestamp::from_microsecond(self.attempt.started_at?).ok()?;
        let zone = plan.zone.clone().unwrap_or(TimeZone::UTC);
        let date = at.to_zoned(zone).date();
        let year = u32::try_from(date.year().rem_euclid(100)).ok()?;
        let month = u32::try_from(date.month()).ok()?;
        let day = u32::try_from(date.day()).ok()?;
        Some(year * 10_000 + month * 100 + day)
    }

    /// Facts of the attempt as correlated.
    pub fn attempt_facts(&self, plan: &Plan, row: &mut Row) {
        let attempt = self.attempt;
        row.text(Fact::stage, attempt.stage.name(), &[]);
        row.int(Fact::step, attempt.stage as i64, &[]);
        row.text(Fact::outcome, attempt.outcome.name(), &[]);
        row.text(Fact::sale_outcome, attempt.sale_outcome.name(), &[]);
        row.int(Fact::attempt_number, i64::from(attempt.number), &[]);
        row.text(Fact::interface, attempt.interface.name(), &[]);
        // A tap whose chip could not be read afterwards is told as one attempt: the tap came first.
        let polled = self.messages.is_empty()
            && (!self.fields.is_empty()
                || !self
                    .signals(&[
                        Signal::PollingStart,
                        Signal::PollTimeout,
                        Signal::RetryPrompt,
                        Signal::RfTransmissionError,
                        Signal::CardRemoved,
                    ])
                    .is_empty());
        let tap = match attempt.interface {
            Interface::Contactless | Interface::Unknown => true,
            Interface::Contact => polled,
            _ => false,
        };
        row.bool(Fact::is_tap, tap, &[]);
        let keys = &attempt.keys;
        if let Some(scheme) = keys.scheme {
            row.text(Fact::scheme, scheme, &[]);
        }
        // What a kernel is for a chip that is put in or a stripe that is swiped is nobody's question.
        if let Some(kernel) = keys
            .kernel
            .or_else(|| super::steps::kernel(self).filter(|_| self.has_dialogue() && tap))
        {
            row.text(Fact::kernel, kernel, &[]);
        }
        if let Some(aid) = &keys.aid {
            row.text(Fact::aid, aid, &[]);
        }
        if let Some(bin) = keys.card.as_ref().and_then(|card| card.bin()) {
            row.text(Fact::issuer_bin, bin, &[]);
        }
        if let Some(amount) = self.amount {
            row.int(Fact::amount_minor, amount, &[]);
            row.bool(Fact::amount_zero, amount == 0, &[]);
        }
        row.bool(Fact::log_covered, self.has_log(), &[]);
        row.bool(Fact::apdu_covered, self.has_dialogue(), &[]);
        row.bool(Fact::capture_covered, self.has_capture(), &[]);
        if let Some(minute) = self.local_minute(plan) {
            let night = !(5 * 60..22 * 60 + 50).contains(&minute);
            row.bool(Fact::night_window, night, &[]);
        }
    }

    /// Minute of the local day: from a message's own F12, else by the zone of the run.
    fn local_minute(&self, plan: &Plan) -> Option<i64> {
        let from_message = self.messages.iter().find_map(|seen| {
            let time = seen.what.field(12)?;
            let hour: i64 = time.get(..2)?.parse().ok()?;
            let minute: i64 = time.get(2..4)?.parse().ok()?;
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        });
        from_message.or_else(|| {
            let zone = plan.zone.clone()?;
            let at = Timestamp::from_microsecond(self.attempt.started_at?).ok()?;
            let time = at.to_zoned(zone).time();
            Some(i64::from(time.hour()) * 60 + i64::from(time.minute()))
        })
    }
}

/// A plain value of a tag.
pub fn bytes_of(tags: &[crate::event::Tag], tag: u32, sent: Option<bool>) -> Option<&[u8]> {
    tags.iter().find_map(|object| match &object.value {
        crate::event::TagValue::Bytes(bytes)
            if object.tag == tag && sent.is_none_or(|sent| sent == object.sent) =>
        {
            Some(&**bytes)
        }
        _ => None,
    })
}

/// The attempt ended in a failure; unknown ends count where something went visibly wrong.
pub fn failed(view: &View<'_>) -> bool {
    match view.attempt.outcome {
        Outcome::Approved => false,
        Outcome::Unknown => {
            let unanswered = view
                .exchanges
                .iter()
                .any(|seen| seen.what.answered == Some(false));
            let network = view
                .connections
                .iter()
                .any(|seen| seen.what.refused || seen.what.reset_by.is_some());
            // Who has been read takes the card away.
            let read_at = view.read_at();
            let taken_away = |seen: &Seen<'_, LogEvent>| {
                seen.what.signal == Signal::CardRemoved
                    && read_at.is_some_and(|read| read < seen.index)
            };
            let trouble = view
                .logs
                .iter()
                .any(|seen| is_trouble(seen.what.signal) && !taken_away(seen));
            let refused = view
                .exchanges
                .last()
                .and_then(|seen| seen.what.sw)
                .is_some_and(|sw| sw != 0x9000);
            // A dialogue that was recorded and stopped before a cryptogram came to nothing.
            let stopped = !view.exchanges.is_empty()
                && view.attempt.stage >= Stage::Ppse
                && view.attempt.stage < Stage::Cryptogram
                && (view.attempt.sale_outcome == Outcome::Approved || view.covered.log);
            unanswered || network || trouble || refused || stopped
        }
        _ => true,
    }
}

/// Signals that say that something went wrong.
pub fn is_trouble(signal: Signal) -> bool {
    use Signal as S;
    !matches!(
        signal,
        S::Note
            | S::SaleStart
            | S::PresentCard
            | S::PollingStart
            | S::CardDetected
            | S::CardReadOk
            | S::PinAsked
            | S::OnlineRequest
            | S::Connecting
            | S::Connected
            | S::RequestSent
            | S::ResponseReceived
            | S::SignOn
            | S::Approved
            | S::SaleEnd
            | S::ContactInserted
            | S::OtherPayment
            | S::ConfigValue
            | S::Repaired
            | S::SignalLow
            | S::Roamed
            | S::LowPower
            | S::OtherError
            | S::UseChip
    )
}
