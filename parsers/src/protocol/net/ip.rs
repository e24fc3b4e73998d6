//! Puts fragmented IP datagrams together again, under limits, first copy of a byte wins.

use core::net::IpAddr;
use std::collections::{BTreeMap, HashMap, VecDeque};

use super::bytes::{long, size};
use super::link::Datagram;

/// Bounds on what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentLimits {
    /// Fragments of one datagram.
    pub pieces: usize,
    /// Nanoseconds until an incomplete datagram is given up.
    pub nanos: i64,
    /// Bytes held in all.
    pub bytes: u64,
}

impl Default for FragmentLimits {
    fn default() -> Self {
        Self {
            pieces: 64,
            nanos: 30_000_000_000,
            bytes: 32 << 20,
        }
    }
}

/// Largest datagram.
const MAX_DATAGRAM: u32 = 65_535;

type Key = (IpAddr, IpAddr, u32, u8);

#[derive(Debug, Default)]
struct Parts {
    pieces: BTreeMap<u32, (Vec<u8>, u32)>,
    end: Option<u32>,
    bytes: u64,
    since: i64,
    head_protocol: Option<u8>,
}

/// A datagram put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Its payload.
    pub payload: Vec<u8>,
    /// The frames that carried it, in order of their bytes.
    pub frames: Vec<u32>,
    /// Protocol of the payload.
    pub protocol: u8,
}

/// What went wrong so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FragmentCounts {
    /// Datagrams given up for a limit.
    pub limited: u64,
    /// Datagrams that never became whole in time.
    pub incomplete: u64,
    /// Bytes that came twice and differed.
    pub conflicts: u64,
}

/// Datagrams under way.
#[derive(Debug, Default)]
pub struct Fragments {
    limits: FragmentLimits,
    parts: HashMap<Key, Parts>,
    order: VecDeque<(i64, Key)>,
    bytes: u64,
    /// What went wrong so far.
    pub counts: FragmentCounts,
}

impl Fragments {
    /// None yet.
    #[must_use]
    pub fn within(limits: FragmentLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Adds a fragment; gives the datagram back when it is whole.
    pub fn push(&mut self, d: &Datagram<'_>, frame: u32, nanos: i64) -> Option<Whole> {
        self.expire(nanos);
        let f = d.fragment?;
        let length = u32::try_from(d.payload.len()).ok()?;
        let end = f.offset.checked_add(length)?;
        // IPv4 tells its protocol in every fragment, IPv6 only in the first; the key leaves it out for IPv6.
        let key_protocol = if d.source.is_ipv4() { d.protocol } else { 0 };
        let key = (d.source, d.destination, f.id, key_protocol);
        if end > MAX_DATAGRAM || d.missing > 0 || (f.more && !length.is_multiple_of(8)) {
            self.counts.limited += 1;
            self.drop_key(&key);
            return None;
        }
        if !self.parts.contains_key(&key) {
            self.order.push_back((nanos, key));
        }
        let parts = self.parts.entry(key).or_insert_with(|| Parts {
            since: nanos,
            ..Parts::default()
        });
        if parts.pieces.len() >= self.limits.pieces
            || self.bytes + long(d.payload.len()) > self.limits.bytes
        {
            self.counts.limited += 1;
            self.drop_key(&key);
            return None;
        }
        if f.offset == 0 {
            parts.head_protocol = Some(d.protocol);
        }
        if !f.more {
            parts.end.get_or_insert(end);
        }
        if let Some((old, _)) = parts.pieces.get(&f.offset) {
            let n = old.len().min(d.payload.len());
            if old.get(..n) != d.payload.get(..n) {
                self.counts.conflicts += 1;
            }
        }
        let kept = parts.pieces.get(&f.offset).map_or(0, |(old, _)| old.len());
        if d.payload.len() > kept {
            let added = long(d.payload.len() - kept);
            parts.pieces.insert(f.offset, (d.payload.to_vec(), frame));
            parts.bytes += added;
            self.bytes += added;
        }
        let whole = assemble(parts)?;
        self.drop_key(&key);
        Some(whole)
    }

    fn drop_key(&mut self, key: &Key) {
        if let Some(parts) = self.parts.remove(key) {
            self.bytes = self.bytes.saturating_sub(parts.bytes);
        }
    }

    fn expire(&mut self, now: i64) {
        while let Some((since, key)) = self.order.front().copied() {
            let live = self.parts.get(&key).is_some_and(|p| p.since == since);
            if live && now.saturating_sub(since) <= self.limits.nanos {
                break;
            }
            self.order.pop_front();
            if live {
                self.counts.incomplete += 1;
                self.drop_key(&key);
            }
        }
    }

    /// Gives up what is still under way at the end of the capture.
    pub fn finish(&mut self) {
        self.counts.incomplete += long(self.parts.len());
        self.parts.clear();
        self.order.clear();
        self.bytes = 0;
    }
}

fn assemble(parts: &Parts) -> Option<Whole> {
    let end = parts.end?;
    let protocol = parts.head_protocol?;
    let mut next = 0u32;
    for (offset, (bytes, _)) in &parts.pieces {
        if *offset > next {
            return None;
        }
        next = next.max(offset + u32::try_from(bytes.len()).ok()?);
    }
    if next < end {
        return None;
    }
    let mut payload = Vec::with_capacity(size(end));
    let mut frames = Vec::new();
    for (offset, (bytes, frame)) in &parts.pieces {
        let skip = payload.len().saturating_sub(size(*offset));
        if let Some(fresh) = bytes.get(skip..)
            && !fresh.is_empty()
        {
            payload.extend_from_slice(fresh);
            frames.push(*frame);
        }
    }
    payload.truncate(size(end));
    Some(Whole {
        payload,
        frames,
        protocol,
    })
}

#[cfg(test)]
mod tests {
    use super::super::link::Fragment;
    use super::*;

    fn part(id: u32, offset: u32, more: bool, payload: &[u8]) -> Datagram<'_> {
        Datagram {
            source: IpAddr::from([10, 0, 0, 1]),
            destination: IpAddr::from([10, 0, 0, 2]),
            ttl: 64,
            id: 0,
            protocol: 6,
            payload,
            missing: 0,
            fragment: Some(Fragment { id, offset, more }),
        }
    }

    #[test]
    fn any_order_gives_the_whole() {
        let mut f = Fragments::default();
        assert!(f.push(&part(1, 8, false, b"tail"), 1, 0).is_none());
        let whole = f.push(&part(1, 0, true, b"12345678"), 2, 0).unwrap();
        assert_eq!(whole.payload, b"12345678tail");
        assert_eq!(whole.frames, [2, 1]);
    }

    #[test]
    fn old_parts_are_given_up_and_counted() {
        let mut f = Fragments::default();
        f.push(&part(1, 8, false, b"tail"), 1, 0);
        f.push(
            &part(2, 8, false, b"tail"),
            2,
            FragmentLimits::default().nanos + 1,
        );
        assert_eq!(f.counts.incomplete, 1);
        assert!(
            f.push(
                &part(1, 0, true, b"12345678"),
                3,
                FragmentLimits::default().nanos + 2
            )
            .is_none()
        );
    }
}
