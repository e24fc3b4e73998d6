//! The vocabulary of what was seen: small, owned, masked events, each with its place in a source.
//!
//! Knows nothing of any other stage. `parse` makes events, every later stage reads them. No unmasked card number fits
//! into any type here: [`CardNumber`] holds what may be shown and a keyed token, [`Tag`] values are masked before they arrive.

mod card;
mod dialogue;
mod fault;
mod head;
mod log;
mod network;
mod pack;
mod payment;
mod place;
mod seen;
mod short;
mod spill;
mod stamp;
mod store;

pub use card::CardNumber;
pub use dialogue::{CommandKind, Exchange, Field, FieldState, Tag, TagValue};
pub use fault::{note_fault, take_fault};
pub use head::{Head, Strand, What};
pub use log::{LogEvent, Severity, Signal};
pub use network::{
    Connection, DnsEvent, HttpEvent, IcmpEvent, LinkEvent, LinkFault, Side, TlsEvent, TlsSeen,
    TlsStage,
};
pub use payment::{Direction, IsoMessage, TOLD};
pub use place::{Issue, Ledger, Place, Source, SourceKind, SourceStatus};
pub use seen::SeenCards;
pub use short::ShortBytes;
pub use spill::{Kept, Spill};
pub use stamp::{Moment, Stamp, TimeQuality};
pub use store::Events;

/// Set in the lane of a line that names the request it belongs to: servers work on several at a time (see [`Event::lane`]).
pub const REQUEST: u64 = 1 << 63;

/// Short owned text: 24 bytes, inline up to 24 characters.
pub type Text = compact_str::CompactString;

/// One thing that was seen, by one source, at one place.
#[derive(Debug, Clone)]
pub struct Event {
    /// Index of the source in the run's source list.
    pub source: u32,
    /// Where in the source: line or frame.
    pub place: Place,
    /// When, by the source's own clock.
    pub at: Stamp,
    /// What keeps interleaved dialogues of one source apart: process and thread, reader, or flow. Zero where there is but one.
    pub lane: u64,
    /// What this event says about which payment it belongs to.
    pub keys: Keys,
    /// What was seen.
    pub payload: Payload,
}

/// What was seen. Two levels: the domain here, the kind inside.
#[derive(Debug, Clone)]
pub enum Payload {
    /// A line of a log that bears on a payment.
    Log(Box<LogEvent>),
    /// A command to the card and its answer, or the missing answer.
    Apdu(Box<Exchange>),
    /// The radio field and the card in it.
    Nfc(Box<Field>),
    /// An ISO 8583 message, from a capture or a log.
    Iso8583(Box<IsoMessage>),
    /// A TCP connection (or the attempt at one), whole.
    Tcp(Box<Connection>),
    /// A TLS handshake that failed or an alert.
    Tls(Box<TlsEvent>),
    /// A name resolution.
    Dns(Box<DnsEvent>),
    /// An ICMP error about a flow.
    Icmp(Box<IcmpEvent>),
    /// An HTTP answer that bears on a payment (gateway error, captive portal).
    Http(Box<HttpEvent>),
    /// A failure of the local network: no address, nobody there.
    Link(Box<LinkEvent>),
}

impl Payload {
    /// The `kind` of the events table.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Log(_) => "log",
            Self::Apdu(_) => "apdu",
            Self::Nfc(_) => "nfc",
            Self::Iso8583(_) => "iso8583",
            Self::Tcp(_) => "tcp",
            Self::Tls(_) => "tls",
            Self::Dns(_) => "dns",
            Self::Icmp(_) => "icmp",
            Self::Http(_) => "http",
            Self::Link(_) => "link",
        }
    }
}

/// What can join an event to others (causes reference, section 8.1). All optional; nothing is guessed here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// ISO 8583 F41 or the log's terminal number.
    pub terminal: Option<Text>,
    /// ISO 8583 F42.
    pub merchant: Option<Text>,
    /// Host name, serial number or address of the terminal.
    pub device: Option<Text>,
    /// F11, six digits.
    pub stan: Option<u32>,
    /// F37.
    pub rrn: Option<Text>,
    /// F38.
    pub auth_code: Option<Text>,
    /// Batch number (F60.2 of UnionPay POS).
    pub batch: Option<u32>,
    /// Minor units of the currency.
    pub amount_minor: Option<i64>,
    /// ISO 4217 letters.
    pub currency: Option<[u8; 3]>,
    /// The card, masked.
    pub card: Option<Box<CardNumber>>,
    /// Tag 9F26.
    pub cryptogram: Option<u64>,
    /// Tag 9F37.
    pub unpredictable_number: Option<u32>,
    /// Tag 9F36.
    pub atc: Option<u16>,
    /// The host side of a connection as the source writes it: `10.8.0.5:6000` or `pos.example.test:6000`.
    pub host: Option<Text>,
}
