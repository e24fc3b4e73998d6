//! From TCP segments of one direction, in any order, to its bytes in order, with the frame that brought each.
//!
//! The first copy of a byte wins; what overlaps with other bytes is counted. Gaps are declared when the other side
//! acknowledges bytes that the capture does not have, when a limit is reached, or at the end.

use std::collections::BTreeMap;

use super::bytes::{be16, be32, long, u8_at};

/// FIN.
pub const FIN: u8 = 0x01;
/// SYN.
pub const SYN: u8 = 0x02;
/// RST.
pub const RST: u8 = 0x04;
/// ACK.
pub const ACK: u8 = 0x10;

/// A TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Sender's port.
    pub source_port: u16,
    /// Receiver's port.
    pub destination_port: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Flags, low byte.
    pub flags: u8,
    /// Window as sent, not scaled.
    pub window: u16,
    /// Checksum as sent: it tells copies of a packet from others with the same numbers.
    pub checksum: u16,
    /// Payload that was captured.
    pub payload: &'a [u8],
}

/// Reads a TCP header; `None` where it is cut or contradicts itself.
#[must_use]
pub fn segment(b: &[u8]) -> Option<Segment<'_>> {
    let offset = usize::from(u8_at(b, 12)? >> 4) * 4;
    if offset < 20 {
        return None;
    }
    Some(Segment {
        source_port: be16(b, 0)?,
        destination_port: be16(b, 2)?,
        sequence: be32(b, 4)?,
        acknowledgement: be32(b, 8)?,
        flags: u8_at(b, 13)?,
        window: be16(b, 14)?,
        checksum: be16(b, 16)?,
        payload: b.get(offset..)?,
    })
}

/// A UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpDatagram<'a> {
    /// Sender's port.
    pub source_port: u16,
    /// Receiver's port.
    pub destination_port: u16,
    /// Payload that was captured.
    pub payload: &'a [u8],
}

/// Reads a UDP header.
#[must_use]
pub fn udp(b: &[u8]) -> Option<UdpDatagram<'_>> {
    let length = usize::from(be16(b, 4)?);
    let rest = b.get(8..)?;
    Some(UdpDatagram {
        source_port: be16(b, 0)?,
        destination_port: be16(b, 2)?,
        payload: rest
            .get(..length.saturating_sub(8))
            .filter(|_| length >= 8)
            .unwrap_or(rest),
    })
}

/// Bytes handed on in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The next bytes of the stream.
    Bytes {
        /// The bytes.
        data: &'a [u8],
        /// The frame that brought them.
        frame: u32,
        /// When, nanoseconds.
        nanos: i64,
    },
    /// So many bytes are not in the capture.
    Gap(u64),
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Brought new bytes, in order.
    New,
    /// Brought new bytes, ahead of others that are still missing.
    Early,
    /// Filled (part of) a hole.
    Filled,
    /// Brought nothing new: sent again.
    Again,
    /// A keep-alive probe.
    KeepAlive,
    /// Nothing in it.
    Empty,
    /// Out of the window that can be meant; not used.
    Wild,
}

/// Limits of one direction.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Bytes held ahead of a hole.
    pub pending_bytes: usize,
    /// Segments held ahead of a hole.
    pub pending_segments: usize,
}

#[derive(Debug, Clone)]
struct Held {
    data: Vec<u8>,
    frame: u32,
    nanos: i64,
}

/// Bytes of one direction on their way into order.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// Sequence number that stream offset zero has; `None` before the first segment.
    origin: Option<u32>,
    /// Stream offset of the next byte to hand on.
    next: u64,
    pending: BTreeMap<u64, Held>,
    pending_bytes: usize,
    /// The last few segments handed on: offset, length, hash. They tell a resend from a conflict.
    recent: [(u64, u32, u32); 4],
    recent_at: u8,
    /// Bytes declared missing.
    pub gap_bytes: u64,
    /// Segments that carried other bytes than the first copy.
    pub conflicts: u16,
    /// Times that a limit was reached.
    pub limited: u16,
    /// The first time that an acknowledgement covered bytes that are not here.
    hole_acked_at: Option<i64>,
    /// Where the sender said that it ends.
    end: Option<u64>,
}

/// Holes that the other side has acknowledged are given up after this long: captures swap neighbours, not more.
const HOLE_PATIENCE: i64 = 200_000_000;
/// Sequence numbers further ahead than this are not meant (a window scaled to the utmost is 1 GiB).
const FAR: i64 = 1 << 30;

impl Stream {
    /// True before anything set the origin.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.origin.is_none()
    }

    /// Sets the sequence number of the first byte, from a SYN. Ignored once bytes were handed on.
    pub fn begin(&mut self, first: u32) {
        if self.next == 0 && self.pending.is_empty() {
            self.origin = Some(first);
        }
    }

    /// Stream offset of the next byte to hand on.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Bytes held ahead of holes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.pending_bytes
    }

    /// Stream offset of a sequence number, near the current position; `None` before the origin.
    #[must_use]
    pub fn offset_of(&self, sequence: u32) -> Option<i64> {
        let origin = self.origin?;
        // Low 32 bits of the position, as a sequence number.
        let low = u32::try_from(self.next & 0xFFFF_FFFF).unwrap_or(0);
        let at = origin.wrapping_add(low);
        let distance = i64::from(i32::from_ne_bytes(sequence.wrapping_sub(at).to_ne_bytes()));
        i64::try_from(self.next).ok()?.checked_add(distance)
    }

    /// Takes a segment's payload. `missing` bytes after it went over the wire but were not captured.
    pub fn push<'a>(
        &mut self,
        sequence: u32,
        data: &'a [u8],
        missing: u32,
        at: (u32, i64),
        limits: &StreamLimits,
        sink: &mut dyn FnMut(Piece<'_>),
    ) -> Fate {
        let (frame, nanos) = at;
        if data.is_empty() && missing == 0 {
            return Fate::Empty;
        }
        if self.origin.is_none() {
            self.origin = Some(sequence);
        }
        let Some(offset) = self.offset_of(sequence) else {
            return Fate::Wild;
        };
        let position = i64::try_from(self.next).unwrap_or(i64::MAX);
        let end = offset + i64::try_from(data.len()).unwrap_or(0) + i64::from(missing);
        if offset - position > FAR || position - offset > FAR {
            return Fate::Wild;
        }
        if end <= position {
            if data.len() <= 1 && end == position {
                return Fate::KeepAlive;
            }
            self.check_again(offset, data);
            return Fate::Again;
        }
        let skip = usize::try_from((position - offset).max(0)).unwrap_or(usize::MAX);
        let fresh: &'a [u8] = data.get(skip..).unwrap_or_default();
        let start = u64::try_from(offset.max(position)).unwrap_or(0);
        if start > self.next {
            let acked = self.hole_acked_at;
            let fate = self.hold(start, fresh, frame, nanos, limits, sink);
            // Only now: it may hold bytes of the very hole that is given up.
            if acked.is_some_and(|t| nanos.saturating_sub(t) > HOLE_PATIENCE) {
                self.skip_hole(sink);
            }
            return fate;
        }
        let filled = !self.pending.is_empty();
        if filled {
            // What is held came first, so it wins where both have a byte.
            self.hold(start, fresh, frame, nanos, limits, sink);
            self.drain(sink);
        } else {
            self.hand_on(fresh, frame, nanos, sink);
        }
        if missing > 0 && self.pending.is_empty() {
            self.jump(u64::from(missing), sink);
        }
        if filled { Fate::Filled } else { Fate::New }
    }

    /// The other side acknowledges everything below `acknowledgement`.
    pub fn acknowledged(
        &mut self,
        acknowledgement: u32,
        nanos: i64,
        sink: &mut dyn FnMut(Piece<'_>),
    ) {
        if self.pending.is_empty() {
            return;
        }
        let Some(upto) = self.offset_of(acknowledgement) else {
            return;
        };
        let first = self.pending.keys().next().copied().unwrap_or(u64::MAX);
        if u64::try_from(upto).is_ok_and(|upto| upto > first) {
            let since = *self.hole_acked_at.get_or_insert(nanos);
            if nanos.saturating_sub(since) > HOLE_PATIENCE {
                self.skip_hole(sink);
            }
        }
    }

    /// The sender's FIN stands at that sequence number: what lies before it was sent.
    pub fn ends_at(&mut self, sequence: u32) {
        let offset = self.offset_of(sequence).and_then(|o| u64::try_from(o).ok());
        let near = |o: &u64| o.saturating_sub(self.next) < (1 << 30);
        self.end = self.end.or(offset.filter(near));
    }

    /// Hands on everything that is still held, with gaps: at the end, or when the flow is given up.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Piece<'_>)) {
        while !self.pending.is_empty() {
            self.skip_hole(sink);
        }
        if let Some(by) = self.end.and_then(|end| end.checked_sub(self.next))
            && by > 0
        {
            self.jump(by, sink);
        }
    }

    fn hand_on(&mut self, data: &[u8], frame: u32, nanos: i64, sink: &mut dyn FnMut(Piece<'_>)) {
        if data.is_empty() {
            return;
        }
        let entry = (
            self.next,
            u32::try_from(data.len()).unwrap_or(u32::MAX),
            hash(data),
        );
        if let Some(slot) = self.recent.get_mut(usize::from(self.recent_at & 3)) {
            *slot = entry;
        }
        self.recent_at = self.recent_at.wrapping_add(1);
        self.next += long(data.len());
        sink(Piece::Bytes { data, frame, nanos });
    }

    fn jump(&mut self, by: u64, sink: &mut dyn FnMut(Piece<'_>)) {
        self.next += by;
        self.gap_bytes += by;
        sink(Piece::Gap(by));
    }

    fn skip_hole(&mut self, sink: &mut dyn FnMut(Piece<'_>)) {
        self.hole_acked_at = None;
        let Some(first) = self.pending.keys().next().copied() else {
            return;
        };
        if first > self.next {
            self.jump(first - self.next, sink);
        }
        self.drain(sink);
    }

    fn drain(&mut self, sink: &mut dyn FnMut(Piece<'_>)) {
        while let Some(entry) = self.pending.first_entry() {
            if *entry.key() > self.next {
                return;
            }
            let (offset, held) = entry.remove_entry();
            self.pending_bytes -= held.data.len();
            let skip = usize::try_from(self.next - offset).unwrap_or(usize::MAX);
            let fresh = held.data.get(skip..).unwrap_or_default();
            self.hand_on(fresh, held.frame, held.nanos, sink);
        }
        self.hole_acked_at = None;
    }

    /// Keeps bytes that are ahead of a hole: only where no earlier copy is held.
    fn hold(
        &mut self,
        start: u64,
        data: &[u8],
        frame: u32,
        nanos: i64,
        limits: &StreamLimits,
        sink: &mut dyn FnMut(Piece<'_>),
    ) -> Fate {
        let mut at = start;
        let mut rest = data;
        let mut fresh = false;
        let mut differs = false;
        // What is held before or at `at` may cover the beginning.
        while !rest.is_empty() {
            let before = self.pending.range(..=at).next_back();
            let covered = before.map_or(0, |(o, h)| (o + long(h.data.len())).saturating_sub(at));
            let n = usize::try_from(covered)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            if n > 0 {
                if let Some((o, h)) = before {
                    let from = usize::try_from(at - o).unwrap_or(usize::MAX);
                    differs |= h.data.get(from..from.saturating_add(n)) != rest.get(..n);
                }
                rest = rest.get(n..).unwrap_or_default();
                at += long(n);
                continue;
            }
            let next = self.pending.range(at..).next().map(|(o, _)| *o);
            let room = next.map_or(usize::MAX, |o| {
                usize::try_from(o - at).unwrap_or(usize::MAX)
            });
            let n = rest.len().min(room);
            let part = rest.get(..n).unwrap_or_default();
            self.pending.insert(
                at,
                Held {
                    data: part.to_vec(),
                    frame,
                    nanos,
                },
            );
            self.pending_bytes += n;
            fresh = true;
            rest = rest.get(n..).unwrap_or_default();
            at += long(n);
        }
        if differs {
            self.conflicts = self.conflicts.saturating_add(1);
        }
        if self.pending_bytes > limits.pending_bytes || self.pending.len() > limits.pending_segments
        {
            self.limited = self.limited.saturating_add(1);
            self.skip_hole(sink);
        }
        if fresh { Fate::Early } else { Fate::Again }
    }

    fn check_again(&mut self, offset: i64, data: &[u8]) {
        let Ok(offset) = u64::try_from(offset) else {
            return;
        };
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let other = self
            .recent
            .iter()
            .any(|&(o, l, h)| o == offset && l == length && l > 0 && h != hash(data));
        if other {
            self.conflicts = self.conflicts.saturating_add(1);
        }
    }
}

/// A quick hash to tell two payloads apart (not against an adversary: it only decides whether a count goes up).
fn hash(data: &[u8]) -> u32 {
    let mut h: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, tail) = data.as_chunks::<8>();
    for word in words {
        h = (h ^ u64::from_le_bytes(*word)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        h ^= h >> 32;
    }
    for byte in tail {
        h = (h ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    h ^= h >> 29;
    u32::try_from(h & 0xFFFF_FFFF).unwrap_or(0)
}

#[cfg(test)]
mod tests;
