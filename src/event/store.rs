//! All events of a run at rest: a small head of each in memory, the rest packed, in memory or past the budget on disk.
//!
//! Heads answer what sorting, cutting and counting ask; [`Events::get`] brings an event back to life.

use std::sync::Arc;

use rayon::prelude::*;

use super::pack::{Pack, Packer, Unpacker, Words};
use super::spill::{Spill, Spilled};
use super::{
    CommandKind, Event, FieldState, Keys, LogEvent, Payload, Place, Severity, Signal, Stamp, Text,
    TimeQuality,
};

/// Events that are packed together: one piece of work, and one list of words.
const PACKED_TOGETHER: usize = 1024;
/// Stands for a time that is not known.
const NO_TIME: i64 = i64::MIN;

/// What an event is, without unpacking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A log line that says this.
    Log(Signal),
    /// A command, and whether an answer came.
    Apdu(CommandKind, bool),
    /// The field.
    Nfc(FieldState),
    /// A message with its type.
    Iso8583(u16),
    /// A connection.
    Tcp,
    /// TLS trouble.
    Tls,
    /// A name resolution.
    Dns,
    /// An ICMP error.
    Icmp,
    /// An HTTP answer.
    Http,
    /// A failure of the local network.
    Link,
}

impl What {
    fn of(payload: &Payload) -> Self {
        match payload {
            Payload::Log(line) => Self::Log(line.signal),
            Payload::Apdu(exchange) => Self::Apdu(exchange.command, exchange.sw.is_some()),
            Payload::Nfc(field) => Self::Nfc(field.state),
            Payload::Iso8583(message) => Self::Iso8583(message.mti),
            Payload::Tcp(_) => Self::Tcp,
            Payload::Tls(_) => Self::Tls,
            Payload::Dns(_) => Self::Dns,
            Payload::Icmp(_) => Self::Icmp,
            Payload::Http(_) => Self::Http,
            Payload::Link(_) => Self::Link,
        }
    }

    /// The `kind` of the events table.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Log(_) => "log",
            Self::Apdu(..) => "apdu",
            Self::Nfc(_) => "nfc",
            Self::Iso8583(_) => "iso8583",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Dns => "dns",
            Self::Icmp => "icmp",
            Self::Http => "http",
            Self::Link => "link",
        }
    }
}

/// What is known of an event without unpacking it.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Index of the source in the run's source list.
    pub source: u32,
    /// Where in the source.
    pub place: Place,
    /// As in [`Event::lane`].
    pub lane: u64,
    /// What it is.
    pub what: What,
    /// A hash of the terminal number, zero where the event names none: tells terminals apart without unpacking.
    pub terminal: u32,
    micros: i64,
    quality: u32,
    chunk: u32,
    from: u32,
    length: u32,
}

impl Head {
    /// When, by the source's own clock.
    #[must_use]
    pub fn at(&self) -> Stamp {
        Stamp {
            utc_micros: (self.micros != NO_TIME).then_some(self.micros),
            quality: TimeQuality {
                year_inferred: self.quality & 1 != 0,
                zone_assumed: self.quality & 2 != 0,
                date_inferred: self.quality & 4 != 0,
                inherited: self.quality & 8 != 0,
                resolution_micros: self.quality >> 4,
            },
        }
    }

    /// Puts the event at another time.
    pub fn set_at(&mut self, at: Stamp) {
        let quality = at.quality;
        self.micros = at.utc_micros.unwrap_or(NO_TIME);
        self.quality = u32::from(quality.year_inferred)
            | u32::from(quality.zone_assumed) << 1
            | u32::from(quality.date_inferred) << 2
            | u32::from(quality.inherited) << 3
            | quality.resolution_micros.min(u32::MAX >> 4) << 4;
    }
}

/// Packed bytes of some events, with the words in them.
#[derive(Debug)]
struct Chunk {
    bytes: Bytes,
    words: Box<[&'static str]>,
}

#[derive(Debug)]
enum Bytes {
    Memory(Box<[u8]>),
    Disk(Spilled),
}

/// Events at rest.
#[derive(Debug, Default)]
pub struct Events {
    heads: Vec<Head>,
    chunks: Vec<Chunk>,
}

impl Events {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// None.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The heads, in order.
    #[must_use]
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The heads, to be moved in time or given to a source.
    pub fn heads_mut(&mut self) -> &mut [Head] {
        &mut self.heads
    }

    /// One head.
    ///
    /// # Panics
    /// When there is no such event: indexes come from this list.
    #[must_use]
    pub fn head(&self, index: u32) -> &Head {
        &self.heads[index as usize]
    }

    /// One event, alive.
    ///
    /// # Panics
    /// When there is no such event: indexes come from this list.
    #[must_use]
    pub fn get(&self, index: u32) -> Event {
        let head = self.head(index);
        let (keys, payload) = self.unpack(head).unwrap_or_else(lost);
        Event {
            source: head.source,
            place: head.place,
            at: head.at(),
            lane: head.lane,
            keys,
            payload,
        }
    }

    /// Only the keys of an event.
    ///
    /// # Panics
    /// When there is no such event: indexes come from this list.
    #[must_use]
    pub fn keys(&self, index: u32) -> Keys {
        self.with(self.head(index), Keys::unpack)
            .unwrap_or_default()
    }

    fn unpack(&self, head: &Head) -> Option<(Keys, Payload)> {
        self.with(head, |from| {
            Some((Keys::unpack(from)?, Payload::unpack(from)?))
        })
    }

    fn with<T>(&self, head: &Head, read: impl FnOnce(&mut Unpacker<'_>) -> Option<T>) -> Option<T> {
        let chunk = self.chunks.get(head.chunk as usize)?;
        let (from, length) = (head.from as usize, head.length as usize);
        let fetched;
        let rest = match &chunk.bytes {
            Bytes::Memory(bytes) => bytes.get(from..from + length)?,
            Bytes::Disk(spilled) => {
                fetched = spilled.read(from, length)?;
                &fetched
            }
        };
        let words = &chunk.words;
        read(&mut Unpacker { rest, words })
    }

    /// Packs events in parallel, in the order of what makes them.
    pub fn extend_from<T: Send>(
        &mut self,
        mut made: Vec<T>,
        make: impl Fn(T) -> Event + Sync,
        spill: &Arc<Spill>,
    ) {
        self.drain_from(&mut made, make, spill);
    }

    /// As [`Self::extend_from`], from a list that is filled again afterwards.
    pub fn drain_from<T: Send>(
        &mut self,
        made: &mut Vec<T>,
        make: impl Fn(T) -> Event + Sync,
        spill: &Arc<Spill>,
    ) {
        let packed: Vec<Self> = made
            .par_drain(..)
            .chunks(PACKED_TOGETHER)
            .map(|some| Self::pack(some.into_iter().map(&make), spill))
            .collect();
        for one in packed {
            self.append(one);
        }
    }

    fn pack(events: impl Iterator<Item = Event>, spill: &Arc<Spill>) -> Self {
        let mut heads = Vec::with_capacity(events.size_hint().1.unwrap_or(0));
        let (mut out, mut words) = (Vec::new(), Words::default());
        for event in events {
            let from = out.len();
            let mut to = Packer {
                out: &mut out,
                words: &mut words,
            };
            event.keys.pack(&mut to);
            event.payload.pack(&mut to);
            let mut head = Head {
                source: event.source,
                place: event.place,
                lane: event.lane,
                what: What::of(&event.payload),
                terminal: event.keys.terminal.as_deref().map_or(0, hash),
                micros: NO_TIME,
                quality: 0,
                chunk: 0,
                from: from as u32,
                length: (out.len() - from) as u32,
            };
            head.set_at(event.at);
            heads.push(head);
        }
        let bytes = match spill.offer(&out) {
            Some(spilled) => Bytes::Disk(spilled),
            // A copy of just that size: a buffer that grew would keep what it grew to.
            None => Bytes::Memory(Box::from(out.as_slice())),
        };
        Self {
            heads,
            chunks: vec![Chunk {
                bytes,
                words: words.list.into_boxed_slice(),
            }],
        }
    }

    /// Lays another run of events behind this one.
    pub fn append(&mut self, other: Self) {
        if self.heads.is_empty() && self.chunks.is_empty() {
            *self = other;
            return;
        }
        let before = self.chunks.len() as u32;
        self.heads.extend(other.heads.into_iter().map(|mut head| {
            head.chunk += before;
            head
        }));
        self.chunks.extend(other.chunks);
    }

    /// All events in order, each alive while it is looked at.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Event> + '_ {
        (0..self.len() as u32).map(|index| self.get(index))
    }

    /// Puts the events into another order; those that it leaves out are gone.
    #[must_use]
    pub fn in_order(self, order: &[u32]) -> Self {
        Self {
            heads: order
                .iter()
                .map(|&index| self.heads[index as usize])
                .collect(),
            chunks: self.chunks,
        }
    }

    /// Moves each event to the place that is given for it, `also` swaps what goes along. In place: there are millions.
    pub fn rearrange(&mut self, mut places: Vec<u32>, mut also: impl FnMut(usize, usize)) {
        for at in 0..places.len() {
            while places[at] as usize != at {
                let to = places[at] as usize;
                self.heads.swap(at, to);
                also(at, to);
                places.swap(at, to);
            }
        }
    }

    /// Sorts by place in the source; what stands at one place keeps its order.
    pub fn sort_by_place(&mut self) {
        self.heads.sort_by_key(|head| match head.place {
            Place::Line(number) | Place::Frame(number) => number,
            Place::Whole => 0,
        });
    }
}

impl FromIterator<Event> for Events {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut all = Self::default();
        all.extend_from(
            events.into_iter().collect(),
            |event| event,
            &Spill::unbounded(),
        );
        all
    }
}

/// FNV-1a, never zero: small, and the same everywhere.
fn hash(text: &str) -> u32 {
    text.bytes()
        .fold(0x811C_9DC5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
        .max(1)
}

/// Stands for an event that the disk did not give back; the run ends with an error then (see [`Spill::failed`]).
fn lost() -> (Keys, Payload) {
    let line = LogEvent {
        signal: Signal::Note,
        code: None,
        severity: Severity::Unknown,
        values: Vec::new(),
        text: Text::default(),
    };
    (Keys::default(), Payload::Log(Box::new(line)))
}
