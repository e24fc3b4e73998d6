//! What is known of an event without unpacking it.

use super::pack::{Pack, Packer, Unpacker};
use super::{CommandKind, Event, FieldState, Moment, Payload, Place, Signal, Stamp, TimeQuality};

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
    /// What it is.
    pub what: What,
    place: u32,
    micros: Moment,
    /// Kind of place (2 bits), four flags, resolution of the time in microseconds.
    quality: u32,
    pub(super) chunk: u32,
    pub(super) from: u32,
    pub(super) length: u32,
}

/// What tells the sequences of one source apart, without unpacking: needed until the source is cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strand {
    /// As in [`Event::lane`].
    pub lane: u64,
    /// A hash of the terminal number, zero where the event names none.
    pub terminal: u32,
}

impl Strand {
    pub(super) fn of(event: &Event) -> Self {
        Self {
            lane: event.lane,
            terminal: event.keys.terminal.as_deref().map_or(0, hash),
        }
    }

    /// Packs it behind the one before: lanes and terminals are few in a source, and follow each other.
    pub(super) fn pack_after(self, before: Self, to: &mut Packer<'_>) {
        (self == before).pack(to);
        if self != before {
            self.lane.pack(to);
            self.terminal.pack(to);
        }
    }

    /// The way back.
    pub(super) fn unpack_after(before: Self, from: &mut Unpacker<'_>) -> Option<Self> {
        if bool::unpack(from)? {
            return Some(before);
        }
        Some(Self {
            lane: Pack::unpack(from)?,
            terminal: Pack::unpack(from)?,
        })
    }
}

/// Bits of [`Head::quality`] below the resolution.
const FLAGS: u32 = 6;

impl Head {
    /// The head of an event that is packed at `from` with `length` bytes.
    pub(super) fn new(event: &Event, from: usize, length: usize) -> Self {
        let (kind, place) = match event.place {
            Place::Whole => (0, 0),
            Place::Line(line) => (1, line),
            Place::Frame(frame) => (2, frame),
        };
        let mut head = Self {
            source: event.source,
            what: What::of(&event.payload),
            place,
            micros: Moment::default(),
            quality: kind,
            chunk: 0,
            from: from as u32,
            length: length as u32,
        };
        head.set_at(event.at);
        head
    }

    /// Where in the source.
    #[must_use]
    pub fn place(&self) -> Place {
        match self.quality & 3 {
            0 => Place::Whole,
            1 => Place::Line(self.place),
            _ => Place::Frame(self.place),
        }
    }

    /// When, by the source's own clock.
    #[must_use]
    pub fn at(&self) -> Stamp {
        let flag = |bit: u32| self.quality & (4 << bit) != 0;
        Stamp {
            utc_micros: self.micros.get(),
            quality: TimeQuality {
                year_inferred: flag(0),
                zone_assumed: flag(1),
                date_inferred: flag(2),
                inherited: flag(3),
                resolution_micros: self.quality >> FLAGS,
            },
        }
    }

    /// Puts the event at another time.
    pub fn set_at(&mut self, at: Stamp) {
        let quality = at.quality;
        self.micros = at.utc_micros.into();
        self.quality = self.quality & 3
            | u32::from(quality.year_inferred) << 2
            | u32::from(quality.zone_assumed) << 3
            | u32::from(quality.date_inferred) << 4
            | u32::from(quality.inherited) << 5
            // Minutes at most: what is coarser is no better known.
            | quality.resolution_micros.min(u32::MAX >> FLAGS) << FLAGS;
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

impl Pack for What {
    fn pack(&self, to: &mut Packer<'_>) {
        match self {
            Self::Log(signal) => {
                0_u8.pack(to);
                signal.pack(to);
            }
            Self::Apdu(command, answered) => {
                1_u8.pack(to);
                command.pack(to);
                answered.pack(to);
            }
            Self::Nfc(state) => {
                2_u8.pack(to);
                state.pack(to);
            }
            Self::Iso8583(mti) => {
                3_u8.pack(to);
                mti.pack(to);
            }
            Self::Tcp => 4_u8.pack(to),
            Self::Tls => 5_u8.pack(to),
            Self::Dns => 6_u8.pack(to),
            Self::Icmp => 7_u8.pack(to),
            Self::Http => 8_u8.pack(to),
            Self::Link => 9_u8.pack(to),
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some(match u8::unpack(from)? {
            0 => Self::Log(Pack::unpack(from)?),
            1 => Self::Apdu(Pack::unpack(from)?, Pack::unpack(from)?),
            2 => Self::Nfc(Pack::unpack(from)?),
            3 => Self::Iso8583(Pack::unpack(from)?),
            4 => Self::Tcp,
            5 => Self::Tls,
            6 => Self::Dns,
            7 => Self::Icmp,
            8 => Self::Http,
            9 => Self::Link,
            _ => return None,
        })
    }
}

impl Head {
    /// Packs it behind the one before: what stands side by side differs little.
    pub(super) fn pack_after(&self, before: &Self, to: &mut Packer<'_>) {
        self.source.pack(to);
        self.place.pack(to);
        self.what.pack(to);
        self.micros.get().is_some().pack(to);
        if let Some(micros) = self.micros.get() {
            micros.wrapping_sub(before.base()).pack(to);
        }
        self.quality.pack(to);
        self.chunk.pack(to);
        self.from.pack(to);
        self.length.pack(to);
    }

    /// The way back.
    pub(super) fn unpack_after(before: &Self, from: &mut Unpacker<'_>) -> Option<Self> {
        Some(Self {
            source: Pack::unpack(from)?,
            place: Pack::unpack(from)?,
            what: Pack::unpack(from)?,
            micros: if bool::unpack(from)? {
                Moment::new(before.base().wrapping_add(Pack::unpack(from)?))
            } else {
                Moment::default()
            },
            quality: Pack::unpack(from)?,
            chunk: Pack::unpack(from)?,
            from: Pack::unpack(from)?,
            length: Pack::unpack(from)?,
        })
    }

    fn base(&self) -> i64 {
        self.micros.get().unwrap_or(0)
    }

    /// What the first one stands behind.
    pub(super) fn none() -> Self {
        Self {
            source: 0,
            what: What::Tcp,
            place: 0,
            micros: Moment::default(),
            quality: 0,
            chunk: 0,
            from: 0,
            length: 0,
        }
    }
}
