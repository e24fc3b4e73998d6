//! One TCP connection while it lives: who opened it, what each side sent, how it fared.

use std::net::SocketAddr;

use tapscope_parsers::protocol::net::tcp::{
    ACK, FIN, Fate, Piece, RST, SYN, Segment, Stream, StreamLimits,
};

use super::packets::Item;
use super::payload::Payload;
use crate::event::{Event, Side, Text};

/// Nanoseconds within which the same packet again is a copy made by a mirror port, not a resend.
const MIRROR: i64 = 2_000_000;
/// The same without an IP identification to tell them apart.
const MIRROR_UNNAMED: i64 = 200_000;
/// A hole filled sooner than this was a matter of order, not of loss.
const REORDER: i64 = 3_000_000;
/// Round-trip samples of one flow.
const SAMPLES: usize = 32;

/// One direction.
#[derive(Default)]
pub(super) struct Half {
    pub(super) stream: Stream,
    pub(super) bytes: u64,
    pub(super) data: Option<(i64, i64)>,
    pub(super) resent: u32,
    /// Stream offset behind the last byte sent.
    pub(super) sent_to: i64,
    /// Highest offset that the other side acknowledged.
    pub(super) acked_to: i64,
    pub(super) fin: bool,
    pub(super) seen: bool,
    ttl: u8,
    zero_window: bool,
    /// Data whose acknowledgement is awaited: offset behind it, and when it was sent.
    timing: Option<(i64, i64)>,
    last: [(u32, u32, u16, i64); 2],
    newest: i64,
}

/// Frames worth citing.
#[derive(Default, Clone, Copy)]
pub(super) struct Cites {
    pub(super) syn: u32,
    pub(super) syn_ack: u32,
    pub(super) end: u32,
    pub(super) last_data: u32,
}

/// Bytes of records, by file of the set: nearly always of one.
#[derive(Default, Clone)]
pub(super) struct ByFile {
    file: u16,
    bytes: u64,
    earlier: Vec<(u16, u64)>,
}

impl ByFile {
    fn add(&mut self, file: u16, bytes: u32) {
        if file != self.file {
            if self.bytes > 0 {
                self.earlier.push((self.file, self.bytes));
            }
            (self.file, self.bytes) = (file, 0);
        }
        self.bytes += u64::from(bytes);
    }

    pub(super) fn of(file: u16, bytes: u64) -> Self {
        Self {
            file,
            bytes,
            earlier: Vec::new(),
        }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let last = std::iter::once((self.file, self.bytes));
        self.earlier.iter().copied().chain(last)
    }
}

/// A message whose acknowledgement is awaited.
pub(super) struct Awaited {
    pub(super) direction: usize,
    pub(super) end: i64,
    pub(super) event: Event,
    pub(super) sent: i64,
}

/// A connection: what is known of it, its two directions, and what it carries. Apart, so that bytes can go from a
/// direction to the payload while the rest is at hand.
pub(super) struct Flow {
    pub(super) meta: Meta,
    pub(super) halves: [Half; 2],
    pub(super) payload: Payload,
}

/// Takes bytes of a direction, in order.
pub(super) type Sink<'s> = &'s mut dyn FnMut(&mut Meta, &mut Payload, usize, Piece<'_>);

/// What is known of a connection.
pub(super) struct Meta {
    pub(super) id: u64,
    /// Addresses in key order: direction 0 is from the first to the second.
    pub(super) ends: [SocketAddr; 2],
    /// Which of them opened it, as far as known.
    pub(super) client: usize,
    /// Both sides said FIN.
    both_closed: bool,
    pub(super) opening_seen: bool,
    pub(super) role_sure: bool,
    pub(super) first_frame: u32,
    pub(super) timed: bool,
    pub(super) first_at: i64,
    pub(super) last_at: i64,
    pub(super) record_bytes: ByFile,
    pub(super) syn_count: u16,
    syn_at: i64,
    syn_sequence: u32,
    pub(super) connect_nanos: Option<i64>,
    pub(super) refused: bool,
    pub(super) reset_by: Option<Side>,
    pub(super) closed_by: Option<Side>,
    pub(super) ended_at: Option<i64>,
    pub(super) zero_windows: u16,
    pub(super) rtts: Vec<i64>,
    pub(super) cites: Cites,
    pub(super) awaited: Vec<Awaited>,
    pub(super) wild: u16,
    /// The client's address and the server's with its port, as text, once asked for: which end was the client then.
    names: Option<(usize, Text, Text)>,
    /// Who opened it, as a proxy in between says.
    pub(super) proxied: Option<SocketAddr>,
}

/// What a packet did to its flow.
pub(super) enum Step {
    /// It belongs to this flow.
    Taken,
    /// It opens another connection with the same addresses and ports.
    Reopens,
}

impl Flow {
    pub(super) fn new(item: &Item<'_>, segment: &Segment<'_>, ends: [SocketAddr; 2]) -> Self {
        let direction = usize::from(item.source != ends[0]);
        let syn = segment.flags & SYN != 0;
        let ack = segment.flags & ACK != 0;
        let client = match (syn, ack) {
            (true, false) => direction,
            (true, true) => 1 - direction,
            // No opening: servers have the lower port.
            _ => match segment.source_port.cmp(&segment.destination_port) {
                std::cmp::Ordering::Less => 1 - direction,
                _ => direction,
            },
        };
        let meta = Meta {
            id: id(&ends, item.frame),
            ends,
            client,
            both_closed: false,
            opening_seen: false,
            role_sure: syn,
            first_frame: item.frame,
            timed: item.timed,
            first_at: item.nanos,
            last_at: item.nanos,
            record_bytes: ByFile::default(),
            syn_count: 0,
            syn_at: 0,
            syn_sequence: 0,
            connect_nanos: None,
            refused: false,
            reset_by: None,
            closed_by: None,
            ended_at: None,
            zero_windows: 0,
            rtts: Vec::new(),
            cites: Cites::default(),
            awaited: Vec::new(),
            wild: 0,
            names: None,
            proxied: None,
        };
        Self {
            meta,
            halves: [Half::default(), Half::default()],
            payload: Payload::default(),
        }
    }

    /// Takes a segment; what it brings in order goes to `sink` with its direction.
    pub(super) fn take(
        &mut self,
        item: &Item<'_>,
        segment: &Segment<'_>,
        missing: u32,
        limits: &StreamLimits,
        sink: Sink<'_>,
    ) -> Step {
        let direction = usize::from(item.source != self.meta.ends[0]);
        let flags = segment.flags;
        if flags & (SYN | ACK | RST) == SYN && self.reopens(direction, segment, item.nanos) {
            return Step::Reopens;
        }
        self.meta.record_bytes.add(item.file, item.record);
        if self.is_copy(direction, item, segment) {
            return Step::Taken;
        }
        self.meta.last_at = self.meta.last_at.max(item.nanos);
        self.meta.first_at = self.meta.first_at.min(item.nanos);
        if flags & SYN != 0 {
            self.opening(direction, item, segment);
        }
        if flags & RST != 0 {
            self.reset(direction, item, flags);
            return Step::Taken;
        }
        let half = &mut self.halves[direction];
        half.seen = true;
        half.ttl = item.ttl;
        self.window(direction, segment);
        if flags & ACK != 0 {
            self.acknowledge(direction, segment.acknowledgement, item.nanos, sink);
        }
        let wire = i64::try_from(segment.payload.len()).unwrap_or(0) + i64::from(missing);
        if wire > 0 && self.meta.reset_by == Some(self.meta.side(direction)) {
            // Who resets a connection does not go on sending: the reset was not its own.
            self.meta.reset_by = Some(Side::Middlebox);
        }
        if wire > 0 {
            self.data(direction, item, segment, missing, limits, sink);
        }
        if flags & FIN != 0 && !self.halves[direction].fin {
            let length = u32::try_from(wire).unwrap_or(0);
            let end = segment.sequence.wrapping_add(length);
            self.halves[direction].stream.ends_at(end);
            self.halves[direction].fin = true;
            self.meta.both_closed = self.halves[1 - direction].fin;
            if self.meta.closed_by.is_none() {
                // One more than what the other side was seen to send is acknowledged: its own FIN came before, and was not captured.
                let other = &self.halves[1 - direction];
                let second = other.seen && other.acked_to == other.sent_to + 1;
                let first = if second { 1 - direction } else { direction };
                self.meta.closed_by = Some(self.meta.side(first));
                self.meta.cites.end = item.frame;
            }
            self.meta.ended_at.get_or_insert(item.nanos);
        }
        Step::Taken
    }

    /// Bytes held ahead of holes.
    pub(super) fn held(&self) -> usize {
        self.halves.iter().map(|half| half.stream.held()).sum()
    }

    /// Hands on what is still held, at the end of the flow.
    pub(super) fn drain(&mut self, sink: Sink<'_>) {
        let Self {
            meta,
            halves,
            payload,
        } = self;
        for (direction, half) in halves.iter_mut().enumerate() {
            half.stream
                .finish(&mut |piece| sink(meta, payload, direction, piece));
        }
    }

    fn reopens(&self, direction: usize, segment: &Segment<'_>, nanos: i64) -> bool {
        if self.meta.is_over() {
            return segment.sequence != self.meta.syn_sequence
                || nanos.saturating_sub(self.meta.syn_at) > 120_000_000_000;
        }
        let used = self.halves.iter().any(|h| h.bytes > 0);
        (used || self.meta.connect_nanos.is_some())
            && (direction != self.meta.client || segment.sequence != self.meta.syn_sequence)
            && self.meta.opening_seen
    }

    fn is_copy(&mut self, direction: usize, item: &Item<'_>, segment: &Segment<'_>) -> bool {
        let within = if item.id == 0 { MIRROR_UNNAMED } else { MIRROR };
        let half = &mut self.halves[direction];
        let print = u32::from(segment.checksum) << 16 | u32::from(segment.flags);
        let tag = (segment.sequence, segment.acknowledgement ^ print, item.id);
        let copy = half.last.iter().any(|l| {
            (l.0, l.1, l.2) == tag
                && l.3 > 0
                && item.nanos.saturating_sub(l.3).saturating_abs() <= within
        });
        if !copy {
            half.last.swap(0, 1);
            half.last[0] = (tag.0, tag.1, tag.2, item.nanos);
        }
        copy
    }

    fn opening(&mut self, direction: usize, item: &Item<'_>, segment: &Segment<'_>) {
        let first = segment.sequence.wrapping_add(1);
        if segment.flags & ACK == 0 {
            if !self.meta.role_sure || self.meta.syn_count == 0 {
                self.meta.client = direction;
                self.meta.role_sure = true;
            }
            if self.meta.syn_count == 0 {
                self.meta.syn_at = item.nanos;
                self.meta.cites.syn = item.frame;
            }
            self.meta.syn_count = self.meta.syn_count.saturating_add(1);
            self.meta.syn_sequence = segment.sequence;
        } else {
            self.meta.client = if self.meta.role_sure {
                self.meta.client
            } else {
                1 - direction
            };
            self.meta.role_sure = true;
            if self.meta.connect_nanos.is_none() && self.meta.syn_count > 0 {
                self.meta.connect_nanos = Some(item.nanos.saturating_sub(self.meta.syn_at));
            }
            if self.meta.refused && direction != self.meta.client {
                // It was open after all: somebody else sent that reset.
                self.meta.refused = false;
                self.meta.reset_by = Some(Side::Middlebox);
            }
            if self.meta.cites.syn_ack == 0 {
                self.meta.cites.syn_ack = item.frame;
            }
        }
        self.meta.opening_seen = true;
        self.halves[direction].stream.begin(first);
    }

    fn reset(&mut self, direction: usize, item: &Item<'_>, _flags: u8) {
        if self.meta.is_over() {
            return;
        }
        let from = self.meta.side(direction);
        let answered = self.meta.cites.syn_ack != 0;
        let open = answered || !self.meta.opening_seen || self.halves[direction].bytes > 0;
        if !open && from == Side::Server {
            self.meta.refused = true;
        } else if self.halves[direction].fin {
            // Reset after its own orderly close: nothing was lost.
            return;
        } else {
            let half = &self.halves[direction];
            // A sender's packets all come the same way: another remaining lifetime is another sender.
            let foreign = half.seen
                && half.ttl.abs_diff(item.ttl) > 3
                && item.ttl != 255
                && item.ttl != 64
                && item.ttl != 128;
            self.meta.reset_by = Some(if foreign { Side::Middlebox } else { from });
        }
        self.meta.cites.end = item.frame;
        self.meta.ended_at.get_or_insert(item.nanos);
    }

    fn window(&mut self, direction: usize, segment: &Segment<'_>) {
        if segment.flags & SYN != 0 {
            return;
        }
        let half = &mut self.halves[direction];
        let zero = segment.window == 0;
        if zero && !half.zero_window && segment.flags & FIN == 0 {
            self.meta.zero_windows = self.meta.zero_windows.saturating_add(1);
        }
        half.zero_window = zero;
    }

    fn acknowledge(&mut self, direction: usize, number: u32, nanos: i64, sink: Sink<'_>) {
        let other = 1 - direction;
        let half = &mut self.halves[other];
        let Some(offset) = half.stream.offset_of(number) else {
            return;
        };
        // Beyond what was sent: the FIN counts one, anything more was not captured.
        half.acked_to = half.acked_to.max(offset);
        if let Some((end, sent)) = half.timing
            && offset >= end
        {
            half.timing = None;
            if self.meta.rtts.len() < SAMPLES {
                self.meta.rtts.push(nanos.saturating_sub(sent));
            }
        }
        if half.stream.held() > 0 {
            let (meta, payload) = (&mut self.meta, &mut self.payload);
            half.stream.acknowledged(number, nanos, &mut |piece| {
                sink(meta, payload, other, piece)
            });
        }
    }

    fn data(
        &mut self,
        direction: usize,
        item: &Item<'_>,
        segment: &Segment<'_>,
        missing: u32,
        limits: &StreamLimits,
        sink: Sink<'_>,
    ) {
        let (meta, payload) = (&mut self.meta, &mut self.payload);
        let half = &mut self.halves[direction];
        let sequence = segment
            .sequence
            .wrapping_add(u32::from(segment.flags & SYN != 0));
        let fate = half.stream.push(
            sequence,
            segment.payload,
            missing,
            (item.frame, item.nanos),
            limits,
            &mut |piece| sink(meta, payload, direction, piece),
        );
        let length = i64::try_from(segment.payload.len()).unwrap_or(0) + i64::from(missing);
        let end = half.stream.offset_of(sequence).map_or(0, |o| o + length);
        match fate {
            Fate::Wild => {
                self.meta.wild = self.meta.wild.saturating_add(1);
                return;
            }
            Fate::KeepAlive | Fate::Empty => return,
            Fate::Again => {
                half.resent += 1;
                half.timing = None;
                return;
            }
            Fate::Filled => {
                if item.nanos.saturating_sub(half.newest) > REORDER {
                    half.resent += 1;
                }
                half.timing = None;
            }
            Fate::New | Fate::Early => {
                if half.timing.is_none() && end > half.sent_to {
                    half.timing = Some((end, item.nanos));
                }
                half.newest = item.nanos;
            }
        }
        half.sent_to = half.sent_to.max(end);
        half.bytes += u64::try_from(length).unwrap_or(0);
        half.data = Some(match half.data {
            Some((first, last)) => (first.min(item.nanos), last.max(item.nanos)),
            None => (item.nanos, item.nanos),
        });
        self.meta.cites.last_data = item.frame;
    }
}

impl Meta {
    pub(super) fn client_end(&self) -> SocketAddr {
        self.ends[self.client]
    }

    pub(super) fn server_end(&self) -> SocketAddr {
        self.ends[1 - self.client]
    }

    /// The client's address and the server's with its port, as text.
    pub(super) fn names(&mut self) -> (Text, Text) {
        if let Some((client, a, b)) = &self.names
            && *client == self.client
            && self.proxied.is_none()
        {
            return (a.clone(), b.clone());
        }
        let client = self.proxied.unwrap_or(self.client_end());
        let a: Text = client.ip().to_string().into();
        let b: Text = self.server_end().to_string().into();
        self.names = Some((self.client, a.clone(), b.clone()));
        (a, b)
    }

    pub(super) fn side(&self, direction: usize) -> Side {
        if direction == self.client {
            Side::Client
        } else {
            Side::Server
        }
    }

    /// Closed or reset, as far as seen.
    pub(super) fn is_over(&self) -> bool {
        self.refused || self.reset_by.is_some() || self.both_closed
    }
}

/// A stable number for a flow: its endpoints and its first frame.
fn id(ends: &[SocketAddr; 2], frame: u32) -> u64 {
    let mut h: u64 = 0xCBF2_9CE4_8422_2325;
    let mut eat = |byte: u8| h = (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    for end in ends {
        match end.ip() {
            std::net::IpAddr::V4(ip) => ip.octets().into_iter().for_each(&mut eat),
            std::net::IpAddr::V6(ip) => ip.octets().into_iter().for_each(&mut eat),
        }
        end.port().to_be_bytes().into_iter().for_each(&mut eat);
    }
    frame.to_be_bytes().into_iter().for_each(&mut eat);
    // Zero is the lane of events without a flow.
    h.max(1)
}
