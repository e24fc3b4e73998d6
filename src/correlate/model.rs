//! What correlation hands on: attempts, each a set of linked events on one timeline, and the clocks found.

use super::inventory::Inventory;
use crate::event::{CardNumber, Events, Moment, Source, Text};

/// Everything that correlation found out.
#[derive(Debug)]
pub struct Correlated {
    /// The inputs, in the order of their ids.
    pub sources: Vec<Source>,
    /// One per source.
    pub clocks: Vec<Clock>,
    /// All events, sorted by aligned time, then source, then place.
    pub events: Events,
    /// Aligned time of each event (UTC microseconds); `None` where no time is known.
    pub aligned: Vec<Moment>,
    /// Attempt of each event: index into `attempts`; `u32::MAX` for none.
    pub attempt_of: Vec<u32>,
    /// Attempts, sorted by start, then id.
    pub attempts: Vec<Attempt>,
    /// Which sources cover which terminals, and when: absence is evidence only under coverage.
    pub coverage: Coverage,
    /// What the site knows of its terminals.
    pub inventory: Inventory,
    /// What had more partners than are tried of one (`link_candidates`): source and place of the first, and how many.
    pub crowd: Option<(u32, crate::event::Place, u64)>,
}

impl Correlated {
    /// Keeps what starts in the period `since <= start < until`; events of no attempt count by their own time.
    pub fn clip(&mut self, since: Option<i64>, until: Option<i64>) {
        if since.is_none() && until.is_none() {
            return;
        }
        let inside = |at: Option<i64>| {
            at.is_none_or(|at| {
                since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until)
            })
        };
        let keep: Vec<bool> = self
            .attempts
            .iter()
            .map(|attempt| inside(attempt.started_at))
            .collect();
        let mut new_attempt = vec![u32::MAX; keep.len()];
        let mut count = 0_u32;
        for (new, &kept) in new_attempt.iter_mut().zip(&keep) {
            if kept {
                *new = count;
                count += 1;
            }
        }
        let mut new_event = vec![u32::MAX; self.events.len()];
        let mut order = Vec::new();
        let mut aligned = Vec::new();
        let mut attempt_of = Vec::new();
        let old = self.attempt_of.iter().zip(&self.aligned);
        for ((index, (&attempt, &at)), new) in (0_u32..).zip(old).zip(&mut new_event) {
            let kept = keep
                .get(attempt as usize)
                .copied()
                .unwrap_or_else(|| inside(at.get()));
            if kept {
                *new = order.len() as u32;
                aligned.push(at);
                attempt_of.push(
                    new_attempt
                        .get(attempt as usize)
                        .copied()
                        .unwrap_or(u32::MAX),
                );
                order.push(index);
            }
        }
        self.events = std::mem::take(&mut self.events).in_order(&order);
        self.aligned = aligned;
        self.attempt_of = attempt_of;
        let mut kept = keep.iter();
        self.attempts.retain(|_| kept.next() == Some(&true));
        let mut kept = keep.iter();
        self.coverage.of.retain(|_| kept.next() == Some(&true));
        for attempt in &mut self.attempts {
            for index in &mut attempt.events {
                *index = new_event[*index as usize];
            }
            for link in &mut attempt.links {
                link.from = new_event[link.from as usize];
                link.to = new_event[link.to as usize];
            }
        }
    }
}

/// Offset of a source's clock to the reference (captures, else the best supported log).
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// Source clock minus reference, milliseconds; add its negative to align.
    pub offset_ms: f64,
    /// Drift, parts per million.
    pub drift_ppm: f64,
    /// Uncertainty (one side), milliseconds.
    pub uncertainty_ms: f64,
    /// Pairs of events that support it.
    pub pairs: u32,
    /// `reference`, `pairs` (`pairs:connect`, `pairs:cryptogram_to_request` where only less exact ones exist; `pairs:zone`,
    /// `pairs:half_day`, `pairs:set` for clocks whole hours or half a day off, or set in between), `rhythm`, `own_word`.
    pub method: &'static str,
    /// Source time at which `offset_ms` holds exactly; drift counts from here.
    pub anchor: i64,
    /// Where the clock was set in between: its parts, in the source's order; empty for a clock that ran through.
    pub steps: Vec<Step>,
    /// Sources that hang together by pairs have the same number here.
    pub island: u32,
    /// A capture or a host's own time is among them.
    pub grounded: bool,
}

/// A part of a clock that was set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The event (by its number in the inputs, before sorting) with which it begins.
    pub from: u32,
    /// As of the whole clock.
    pub offset_ms: f64,
    /// Likewise.
    pub drift_ppm: f64,
    /// Likewise.
    pub anchor: i64,
}

/// One presentment on one interface, or one request without a presentment.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// 16 lower-case letters from content.
    pub tx_id: Text,
    /// Of the sale that it belongs to; the same form.
    pub sale_id: Text,
    /// Which attempt of the sale, from 1.
    pub number: u16,
    /// Indexes into `Correlated::events`, in time order.
    pub events: Vec<u32>,
    /// Why the sources belong together.
    pub links: Vec<Link>,
    /// Merged keys.
    pub keys: AttemptKeys,
    /// The source that is one terminal's log or trace, where nothing names the terminal: what else it tells is of the same one.
    pub teller: Option<u32>,
    /// First and last event, aligned.
    pub started_at: Option<i64>,
    /// Likewise.
    pub ended_at: Option<i64>,
    /// Interface.
    pub interface: Interface,
    /// Last step reached.
    pub stage: Stage,
    /// How it ended.
    pub outcome: Outcome,
    /// How the sale ended.
    pub sale_outcome: Outcome,
}

impl Attempt {
    /// The attempt did not end in an approval, though a card or a request was there.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.outcome.is_failure()
    }
}

/// Keys of an attempt, merged from its events.
#[derive(Debug, Clone, Default)]
pub struct AttemptKeys {
    /// F41 or the log's terminal number.
    pub terminal: Option<Text>,
    /// F42.
    pub merchant: Option<Text>,
    /// Host name, serial number or address.
    pub device: Option<Text>,
    /// F11.
    pub stan: Option<u32>,
    /// F37.
    pub rrn: Option<Text>,
    /// F38.
    pub auth_code: Option<Text>,
    /// Minor units.
    pub amount_minor: Option<i64>,
    /// ISO 4217 letters.
    pub currency: Option<[u8; 3]>,
    /// The card.
    pub card: Option<CardNumber>,
    /// `UnionPay`, `Visa`, …
    pub scheme: Option<&'static str>,
    /// Application identifier selected (hex).
    pub aid: Option<Text>,
    /// Kernel: `2`, `3`, `7` …
    pub kernel: Option<&'static str>,
    /// F22 as sent.
    pub entry_mode: Option<Text>,
    /// Tag 9F26.
    pub cryptogram: Option<u64>,
    /// Tag 9F36.
    pub atc: Option<u16>,
    /// F39 of the answer.
    pub response_code: Option<Text>,
    /// Last status word.
    pub last_sw: Option<u16>,
    /// Tag 95.
    pub tvr: Option<Text>,
    /// The host's address where known, `10.8.0.5:6000`.
    pub host: Option<Text>,
}

/// Why two events are one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// Event index.
    pub from: u32,
    /// Event index.
    pub to: u32,
    /// By what.
    pub method: LinkMethod,
    /// Another partner would have fitted as well.
    pub ambiguous: bool,
}

/// Keys that join sources, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkMethod {
    /// Tag 9F26 in both.
    Cryptogram,
    /// F37 in both.
    Rrn,
    /// F11 and F41 (or device) in both.
    Stan,
    /// Card, amount and time.
    CardAmountTime,
    /// Amount, terminal and time.
    AmountTime,
    /// Terminal and time.
    Time,
    /// Nothing to join: one source.
    SingleSource,
}

impl LinkMethod {
    /// As in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cryptogram => "cryptogram",
            Self::Rrn => "rrn",
            Self::Stan => "stan",
            Self::CardAmountTime => "card_amount_time",
            Self::AmountTime => "amount_time",
            Self::Time => "time",
            Self::SingleSource => "single_source",
        }
    }
}

/// How the card was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Interface {
    /// Not known.
    #[default]
    Unknown,
    /// Tap.
    Contactless,
    /// Chip inserted.
    Contact,
    /// Swipe.
    Magstripe,
    /// Typed.
    Manual,
    /// QR code.
    Qr,
}

impl Interface {
    /// As in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Contactless => "contactless",
            Self::Contact => "contact",
            Self::Magstripe => "magstripe",
            Self::Manual => "manual",
            Self::Qr => "qr",
        }
    }
}

/// Steps of a payment, in order (causes reference, section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Stage {
    /// Sale started.
    #[default]
    Started,
    /// Field on.
    Polling,
    /// Card activated.
    Activated,
    /// SELECT PPSE answered.
    Ppse,
    /// Application selected.
    Selected,
    /// GET PROCESSING OPTIONS answered.
    Gpo,
    /// Records read.
    Read,
    /// Cryptogram obtained.
    Cryptogram,
    /// Kernel outcome.
    Outcome,
    /// Request sent.
    OnlineRequest,
    /// Answer received.
    OnlineResponse,
    /// Completed.
    Completed,
}

impl Stage {
    /// As in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Polling => "polling",
            Self::Activated => "activated",
            Self::Ppse => "ppse",
            Self::Selected => "selected",
            Self::Gpo => "gpo",
            Self::Read => "read",
            Self::Cryptogram => "cryptogram",
            Self::Outcome => "outcome",
            Self::OnlineRequest => "online_request",
            Self::OnlineResponse => "online_response",
            Self::Completed => "completed",
        }
    }
}

/// How an attempt or sale ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Outcome {
    /// Not known.
    #[default]
    Unknown,
    /// Approved.
    Approved,
    /// Declined by card or terminal.
    DeclinedOffline,
    /// Declined by host or issuer.
    DeclinedOnline,
    /// Asked to tap again.
    TryAgain,
    /// Asked to use another interface.
    OtherInterface,
    /// Cancelled by a person.
    Cancelled,
    /// Nothing came in time.
    TimedOut,
    /// Broken off by a fault.
    Aborted,
    /// Reversed.
    Reversed,
}

impl Outcome {
    /// As in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Approved => "approved",
            Self::DeclinedOffline => "declined_offline",
            Self::DeclinedOnline => "declined_online",
            Self::TryAgain => "try_again",
            Self::OtherInterface => "other_interface",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Aborted => "aborted",
            Self::Reversed => "reversed",
        }
    }

    /// The attempt did not end in an approval. Unknown counts as failed only where a presentment or request was seen (the caller decides).
    #[must_use]
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Approved | Self::Unknown)
    }
}

/// Which kinds of evidence cover an attempt's terminal around its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Covered {
    /// A log of this terminal runs through the time of the attempt.
    pub log: bool,
    /// Card dialogues of this terminal are recorded around the time.
    pub apdu: bool,
    /// A capture shows traffic of this terminal around the time.
    pub capture: bool,
}

/// Coverage of each attempt, by its index.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// One per attempt.
    pub of: Vec<Covered>,
}
