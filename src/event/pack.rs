//! Packs events into bytes and back: some 150 bytes at rest for what takes 2 kB alive.
//!
//! The format is of one run and one build: numbers as LEB128, options as a byte, the program's own words as indexes
//! into a list that goes with the bytes. It is never an output.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use foldhash::HashMap;

use super::{
    CardNumber, CommandKind, Connection, DnsEvent, Exchange, Field, FieldState, HttpEvent,
    IcmpEvent, IsoMessage, Keys, LinkEvent, LinkFault, LogEvent, Payload, Place, Severity,
    ShortBytes, Side, Signal, Tag, TagValue, Text, TlsEvent, TlsSeen, TlsStage,
};

/// The program's own words (names of dialects, faults, values), each once.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub list: Vec<&'static str>,
    places: HashMap<&'static str, u32>,
}

impl Words {
    fn place(&mut self, word: &'static str) -> u32 {
        *self.places.entry(word).or_insert_with(|| {
            self.list.push(word);
            self.list.len() as u32 - 1
        })
    }
}

/// Where packed bytes go.
pub(super) struct Packer<'p> {
    pub out: &'p mut Vec<u8>,
    pub words: &'p mut Words,
}

impl Packer<'_> {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }
}

/// Where packed bytes come from.
pub(super) struct Unpacker<'u> {
    pub rest: &'u [u8],
    pub words: &'u [&'static str],
}

impl<'u> Unpacker<'u> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
            if shift > 63 {
                return None;
            }
        }
    }

    fn take(&mut self, count: usize) -> Option<&'u [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn counted(&mut self) -> Option<&'u [u8]> {
        let count = self.number()? as usize;
        self.take(count)
    }
}

/// What can be packed. `unpack` gives back what `pack` was given, and `None` only for bytes that `pack` did not make.
pub(super) trait Pack: Sized {
    fn pack(&self, to: &mut Packer<'_>);
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self>;
}

macro_rules! pack_numbers {
    ($($type:ty),*) => { $(
        impl Pack for $type {
            fn pack(&self, to: &mut Packer<'_>) {
                to.number(u64::from(*self));
            }
            fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
                <$type>::try_from(from.number()?).ok()
            }
        }
    )* };
}
pack_numbers!(u8, u16, u32, u64);

impl Pack for bool {
    fn pack(&self, to: &mut Packer<'_>) {
        to.out.push(u8::from(*self));
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some(from.byte()? != 0)
    }
}

impl Pack for i64 {
    fn pack(&self, to: &mut Packer<'_>) {
        to.number(((self << 1) ^ (self >> 63)) as u64);
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        let number = from.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

impl Pack for u128 {
    fn pack(&self, to: &mut Packer<'_>) {
        to.out.extend_from_slice(&self.to_le_bytes());
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some(Self::from_le_bytes(from.take(16)?.try_into().ok()?))
    }
}

impl<const N: usize> Pack for [u8; N] {
    fn pack(&self, to: &mut Packer<'_>) {
        to.out.extend_from_slice(self);
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        from.take(N)?.try_into().ok()
    }
}

impl Pack for ShortBytes {
    fn pack(&self, to: &mut Packer<'_>) {
        to.number(self.len() as u64);
        to.out.extend_from_slice(self);
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        from.counted().map(Into::into)
    }
}

impl Pack for Text {
    fn pack(&self, to: &mut Packer<'_>) {
        to.number(self.len() as u64);
        to.out.extend_from_slice(self.as_bytes());
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Self::from_utf8(from.counted()?).ok()
    }
}

impl Pack for &'static str {
    fn pack(&self, to: &mut Packer<'_>) {
        let place = to.words.place(self);
        to.number(u64::from(place));
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        let place = from.number()? as usize;
        from.words.get(place).copied()
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, to: &mut Packer<'_>) {
        match self {
            None => to.out.push(0),
            Some(value) => {
                to.out.push(1);
                value.pack(to);
            }
        }
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some(match from.byte()? {
            0 => None,
            _ => Some(T::unpack(from)?),
        })
    }
}

impl<T: Pack> Pack for Box<T> {
    fn pack(&self, to: &mut Packer<'_>) {
        (**self).pack(to);
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        T::unpack(from).map(Self::new)
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, to: &mut Packer<'_>) {
        to.number(self.len() as u64);
        for item in self {
            item.pack(to);
        }
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        let count = from.number()? as usize;
        // Every item takes a byte or more: what is left bounds what may be asked for.
        let mut items = Self::with_capacity(count.min(from.rest.len()));
        for _ in 0..count {
            items.push(T::unpack(from)?);
        }
        Some(items)
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn pack(&self, to: &mut Packer<'_>) {
        self.0.pack(to);
        self.1.pack(to);
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some((A::unpack(from)?, B::unpack(from)?))
    }
}

impl Pack for IpAddr {
    fn pack(&self, to: &mut Packer<'_>) {
        match self {
            Self::V4(v4) => {
                to.out.push(4);
                v4.octets().pack(to);
            }
            Self::V6(v6) => {
                to.out.push(6);
                v6.octets().pack(to);
            }
        }
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some(match from.byte()? {
            4 => Self::V4(Ipv4Addr::from(<[u8; 4]>::unpack(from)?)),
            _ => Self::V6(Ipv6Addr::from(<[u8; 16]>::unpack(from)?)),
        })
    }
}

impl Pack for SocketAddr {
    fn pack(&self, to: &mut Packer<'_>) {
        self.ip().pack(to);
        self.port().pack(to);
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some(Self::new(IpAddr::unpack(from)?, u16::unpack(from)?))
    }
}

impl Pack for Place {
    fn pack(&self, to: &mut Packer<'_>) {
        let (kind, number) = match self {
            Self::Whole => (0, 0),
            Self::Line(line) => (1, *line),
            Self::Frame(frame) => (2, *frame),
        };
        to.number(u64::from(number) << 2 | kind);
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        let packed = from.number()?;
        let number = u32::try_from(packed >> 2).ok()?;
        Some(match packed & 3 {
            0 => Self::Whole,
            1 => Self::Line(number),
            _ => Self::Frame(number),
        })
    }
}

macro_rules! pack_enum {
    ($type:ident: $($variant:ident),* $(,)?) => {
        impl Pack for $type {
            fn pack(&self, to: &mut Packer<'_>) {
                to.out.push(*self as u8);
            }
            fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
                const ALL: &[$type] = &[$($type::$variant),*];
                let byte = from.byte()?;
                ALL.iter().copied().find(|one| *one as u8 == byte)
            }
        }
        // A variant that is missing above does not compile.
        const _: fn($type) = |one| match one { $($type::$variant => (),)* };
    };
}
pack_enum!(Severity: Unknown, Debug, Info, Warning, Error);
pack_enum!(Side: Client, Server, Middlebox);
pack_enum!(LinkFault: NoArpAnswer, NoDhcpAnswer, DhcpRefused);
pack_enum!(TlsStage: ClientHello, ServerHello, Certificate, Established);
pack_enum!(FieldState: On, Off, NoCard, Activated, Collision, NotIsoDep, ActivationFailed, Lost,
    TransmissionError, ProtocolError, StillPresent, WaitingTimeExtension);
pack_enum!(CommandKind: SelectPpse, SelectPse, SelectAid, GetProcessingOptions, ReadRecord, GenerateAc,
    ComputeCryptographicChecksum, ExchangeRelayResistanceData, RecoverAc, GetData, Verify, ExternalAuthenticate,
    InternalAuthenticate, GetChallenge, IssuerScript, PutData, Other, Unknown);

impl Pack for Signal {
    fn pack(&self, to: &mut Packer<'_>) {
        to.out.push(*self as u8);
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Self::ALL.get(usize::from(from.byte()?)).copied()
    }
}

macro_rules! pack_struct {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl Pack for $type {
            fn pack(&self, to: &mut Packer<'_>) {
                $(self.$field.pack(to);)*
            }
            fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
                Some(Self { $($field: Pack::unpack(from)?,)* })
            }
        }
    };
}
pack_struct!(CardNumber { masked, token });
pack_struct!(LogEvent {
    signal,
    code,
    severity,
    values,
    text
});
pack_struct!(Tag { tag, sent, value });
pack_struct!(Exchange {
    command,
    header,
    sw,
    answered,
    duration_micros,
    answer_place,
    tags,
    command_hex,
    answer_hex,
    inner_time,
    faults,
});
pack_struct!(Field {
    state,
    uid,
    sak,
    phone_hint,
    text
});
pack_struct!(IsoMessage {
    mti,
    fields,
    tags,
    pin_present,
    dialect,
    flow,
    frames,
    processing_demand,
    damage,
    inner_time,
    acked_after_micros,
});
pack_struct!(Connection {
    client,
    server,
    opening_seen,
    syn_count,
    connect_micros,
    refused,
    reset_by,
    closed_by,
    first_at,
    last_at,
    ended_at,
    client_bytes,
    server_bytes,
    client_data,
    server_data,
    client_retransmissions,
    server_retransmissions,
    client_unacked,
    rtt_micros,
    zero_windows,
    gap_bytes,
    overlap_conflicts,
    carried,
    server_name,
    tls,
    frames,
});
pack_struct!(TlsSeen {
    stage,
    client_version,
    server_version,
    cipher,
    server_name,
    application,
    subject,
    names,
    issuer,
    validity,
    certificates,
    client_certificates,
    name_fits,
    lacks_intermediate,
    self_issued,
    resumed,
    decrypted,
    exchanges,
    request_bytes,
    answer_bytes,
    answer_micros,
    unanswered_request,
});
pack_struct!(TlsEvent {
    flow,
    stage,
    alert,
    alert_from,
    client_version,
    server_name,
    client,
    server,
    certificate_validity,
    certificate_issuer,
});
pack_struct!(DnsEvent {
    client,
    resolver,
    name,
    rcode,
    addresses,
    queries,
    answer_micros
});
pack_struct!(IcmpEvent {
    from,
    version,
    kind,
    code,
    about_source,
    about_destination
});
pack_struct!(LinkEvent {
    fault,
    client,
    hardware,
    wanted,
    asked
});
pack_struct!(HttpEvent {
    flow,
    status,
    location,
    request,
    result,
    answer_micros,
    client,
    server
});

impl Pack for TagValue {
    fn pack(&self, to: &mut Packer<'_>) {
        match self {
            Self::Bytes(bytes) => {
                to.out.push(0);
                bytes.pack(to);
            }
            Self::Card { number, expiry } => {
                to.out.push(1);
                number.pack(to);
                expiry.pack(to);
            }
            Self::Hidden(length) => {
                to.out.push(2);
                length.pack(to);
            }
        }
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some(match from.byte()? {
            0 => Self::Bytes(Pack::unpack(from)?),
            1 => Self::Card {
                number: Pack::unpack(from)?,
                expiry: Pack::unpack(from)?,
            },
            _ => Self::Hidden(Pack::unpack(from)?),
        })
    }
}

/// Most events have few keys: a mask says which.
impl Pack for Keys {
    fn pack(&self, to: &mut Packer<'_>) {
        let at = to.out.len();
        to.out.extend_from_slice(&[0, 0]);
        let mut mask = 0_u16;
        macro_rules! put {
            ($($bit:literal $field:ident),*) => { $(
                if let Some(value) = &self.$field {
                    mask |= 1 << $bit;
                    value.pack(to);
                }
            )* };
        }
        put!(0 terminal, 1 merchant, 2 device, 3 stan, 4 rrn, 5 auth_code, 6 batch, 7 amount_minor, 8 currency,
            9 card, 10 cryptogram, 11 unpredictable_number, 12 atc, 13 host);
        if let Some(slot) = to.out.get_mut(at..at + 2) {
            slot.copy_from_slice(&mask.to_le_bytes());
        }
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        let mask = u16::from_le_bytes(from.take(2)?.try_into().ok()?);
        macro_rules! get {
            ($($bit:literal $field:ident),*) => {
                Self { $($field: if mask & 1 << $bit == 0 { None } else { Some(Pack::unpack(from)?) },)* }
            };
        }
        Some(
            get!(0 terminal, 1 merchant, 2 device, 3 stan, 4 rrn, 5 auth_code, 6 batch, 7 amount_minor, 8 currency,
            9 card, 10 cryptogram, 11 unpredictable_number, 12 atc, 13 host),
        )
    }
}

impl Pack for Payload {
    fn pack(&self, to: &mut Packer<'_>) {
        match self {
            Self::Log(what) => tagged(0, what, to),
            Self::Apdu(what) => tagged(1, what, to),
            Self::Nfc(what) => tagged(2, what, to),
            Self::Iso8583(what) => tagged(3, what, to),
            Self::Tcp(what) => tagged(4, what, to),
            Self::Tls(what) => tagged(5, what, to),
            Self::Dns(what) => tagged(6, what, to),
            Self::Icmp(what) => tagged(7, what, to),
            Self::Http(what) => tagged(8, what, to),
            Self::Link(what) => tagged(9, what, to),
        }
    }
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some(match from.byte()? {
            0 => Self::Log(Pack::unpack(from)?),
            1 => Self::Apdu(Pack::unpack(from)?),
            2 => Self::Nfc(Pack::unpack(from)?),
            3 => Self::Iso8583(Pack::unpack(from)?),
            4 => Self::Tcp(Pack::unpack(from)?),
            5 => Self::Tls(Pack::unpack(from)?),
            6 => Self::Dns(Pack::unpack(from)?),
            7 => Self::Icmp(Pack::unpack(from)?),
            8 => Self::Http(Pack::unpack(from)?),
            9 => Self::Link(Pack::unpack(from)?),
            _ => return None,
        })
    }
}

fn tagged(tag: u8, what: &impl Pack, to: &mut Packer<'_>) {
    to.out.push(tag);
    what.pack(to);
}
