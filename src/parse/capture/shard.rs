//! One shard: the flows that fell to it, and the events they make.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hashbrown::HashMap;
use tapscope_parsers::protocol::iso8583::Wire;
use tapscope_parsers::protocol::net::tcp::{Piece, Segment, StreamLimits};

use super::Issues;
use super::dns::Names;
use super::endpoints::Endpoints;
use super::flow::{ByFile, Flow, Meta, Step};
use super::follow::{Follow, Followed};
use super::out::{Bytes, Out, With, stamp};
use super::packets::{Body, Item};
use super::payload::Payload as Carried;
use crate::event::{Event, Events, IcmpEvent, Keys, Payload, Place, Spill};
use crate::plan::Limits;

/// Nanoseconds that a closed flow is kept, so that late resends are known as such.
pub(super) const LINGER: i64 = 5_000_000_000;
/// ICMP errors kept.
const MAX_ICMP: usize = 20_000;

/// Finished events that are worth packing.
const PACK: usize = 1024;

type Key = [SocketAddr; 2];

/// What a shard leaves behind.
pub(super) struct Done {
    /// By file of the set.
    pub(super) events: Vec<Events>,
    pub(super) issues: Issues,
    pub(super) bytes: Vec<Bytes>,
}

/// One shard.
pub(super) struct Shard {
    flows: HashMap<Key, Box<Flow>, foldhash::fast::RandomState>,
    idle: VecDeque<(i64, Key)>,
    closed: VecDeque<(i64, Key)>,
    /// Of each file of the set.
    names: Vec<Names>,
    out: Out,
    icmp: usize,
    max_flows: usize,
    idle_nanos: i64,
    limits: StreamLimits,
    /// Bytes held ahead of holes by all flows, and how many there may be.
    pending: usize,
    max_pending: usize,
}

impl Shard {
    pub(super) fn new(source: u32, limits: &Limits, shards: usize) -> Self {
        Self {
            flows: HashMap::default(),
            idle: VecDeque::new(),
            closed: VecDeque::new(),
            names: vec![Names::default()],
            out: Out {
                source,
                events: Vec::new(),
                packed: vec![Events::default()],
                starts: vec![0],
                servers: BTreeSet::new(),
                candidates: Vec::new(),
                learnt: Vec::new(),
                own: Endpoints::default(),
                issues: Issues::new(source),
                bytes: vec![Bytes::default()],
                clock: i64::MIN,
                rows: 0,
                follow: None,
            },
            icmp: 0,
            max_flows: (limits.flows / shards).max(16),
            idle_nanos: limits.flow_idle_seconds.saturating_mul(1_000_000_000),
            limits: StreamLimits {
                pending_bytes: limits.flow_pending_bytes,
                pending_segments: limits.flow_pending_segments,
            },
            pending: 0,
            max_pending: (limits.pending_bytes / shards).max(1),
        }
    }

    /// Keeps the beginning of every stream, so many bytes of each direction.
    pub(super) fn follow(&mut self, limit: usize) {
        self.out.follow = Some(Follow::new(limit));
    }

    /// The streams kept.
    pub(super) fn take_followed(&mut self) -> Vec<Followed> {
        self.out.follow.take().map(|f| f.done).unwrap_or_default()
    }

    /// The next file of the set begins behind so many frames.
    pub(super) fn next_file(&mut self, start: u32) {
        let clock = self.out.clock;
        if let Some(names) = self.names.last_mut() {
            names.finish(clock);
        }
        let number = u16::try_from(self.names.len()).unwrap_or(u16::MAX);
        self.names.push(Names::of_file(number));
        self.out.next_file(start);
    }

    pub(super) fn clock(&self) -> i64 {
        self.out.clock
    }

    pub(super) fn take_learnt(&mut self) -> Vec<(SocketAddr, Wire)> {
        std::mem::take(&mut self.out.learnt)
    }

    pub(super) fn take(&mut self, item: &Item<'_>, with: With<'_>) {
        self.out.clock = self.out.clock.max(item.nanos);
        match &item.body {
            Body::Tcp { segment, missing } => {
                self.tcp(item, segment, *missing, with);
            }
            Body::Dns(payload) => {
                if let Some(names) = self.names.last_mut() {
                    names.take(item, payload);
                }
            }
            Body::Icmp(error) => self.icmp(item, error),
        }
    }

    fn icmp(&mut self, item: &Item<'_>, error: &tapscope_parsers::protocol::net::icmp::IcmpError) {
        self.icmp += 1;
        if self.icmp > MAX_ICMP {
            let bytes = ByFile::of(item.file, u64::from(item.record));
            self.out.ignored(&bytes);
            self.out.issues.add(
                Place::Frame(item.frame),
                "icmp_limit",
                1,
                "more ICMP errors than are kept".into(),
            );
            return;
        }
        let bytes = ByFile::of(item.file, u64::from(item.record));
        self.out.understood(&bytes);
        let event = IcmpEvent {
            from: item.source.ip(),
            version: error.version,
            kind: error.kind,
            code: error.code,
            about_source: error.about.map(|a| a.0),
            about_destination: error.about.map(|a| a.1),
        };
        let keys = Keys {
            device: error.about.map(|a| a.0.ip().to_string().into()),
            host: error.about.map(|a| a.1.to_string().into()),
            ..Keys::default()
        };
        let lane = error
            .about
            .and_then(|(a, b)| self.flows.get(&sorted(a, b)))
            .map_or(0, |f| f.meta.id);
        self.out.events.push(Event {
            source: self.out.source,
            place: Place::Frame(item.frame),
            at: stamp(item.nanos, item.timed),
            lane,
            keys,
            payload: Payload::Icmp(Box::new(event)),
        });
    }

    fn tcp(&mut self, item: &Item<'_>, segment: &Segment<'_>, missing: u32, with: With<'_>) {
        let key = sorted(item.source, item.destination);
        if !self.flows.contains_key(&key) {
            self.open(item, segment, key, with);
        }
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
        // What this flow may hold is also what all together may still hold.
        let before = flow.held();
        let room = self.max_pending.saturating_sub(self.pending) + before;
        let limits = &StreamLimits {
            pending_bytes: self.limits.pending_bytes.min(room),
            ..self.limits
        };
        let out = &mut self.out;
        let mut was_over = flow.meta.is_over();
        let mut sink = |meta: &mut Meta, payload: &mut Carried, direction, piece: Piece<'_>| {
            out.piece(meta, payload, direction, piece, with);
        };
        if matches!(
            flow.take(item, segment, missing, limits, &mut sink),
            Step::Reopens
        ) {
            let old = std::mem::replace(flow, Box::new(Flow::new(item, segment, key)));
            self.idle.push_back((item.nanos, key));
            was_over = false;
            out.end(old, with);
            let mut sink = |meta: &mut Meta, payload: &mut Carried, direction, piece: Piece<'_>| {
                out.piece(meta, payload, direction, piece, with);
            };
            flow.take(item, segment, missing, limits, &mut sink);
        }
        self.pending = (self.pending + flow.held()).saturating_sub(before);
        if !flow.meta.awaited.is_empty() {
            out.acknowledged(flow, item.nanos);
        }
        if !was_over && flow.meta.is_over() {
            self.closed.push_back((item.nanos, key));
        }
    }

    fn open(&mut self, item: &Item<'_>, segment: &Segment<'_>, key: Key, with: With<'_>) {
        while self.flows.len() >= self.max_flows {
            if !self.evict_oldest(with) {
                break;
            }
        }
        self.idle.push_back((item.nanos, key));
        self.flows
            .insert(key, Box::new(Flow::new(item, segment, key)));
    }

    /// Makes room: the flow that is idle for longest, those with payments last.
    fn evict_oldest(&mut self, with: With<'_>) -> bool {
        for round in 0..64 {
            let Some((since, key)) = self.idle.pop_front() else {
                return false;
            };
            let Some(flow) = self.flows.get(&key) else {
                continue;
            };
            let newer = flow.meta.last_at > since;
            let payment = flow.payload.carried() == Some("iso8583");
            if (newer || payment) && round < 32 {
                self.idle.push_back((flow.meta.last_at, key));
                continue;
            }
            if let Some(flow) = self.flows.remove(&key) {
                self.out.issues.add(
                    Place::Frame(flow.meta.first_frame),
                    "flow_evicted",
                    1,
                    "more connections at a time than are kept".into(),
                );
                self.pending = self.pending.saturating_sub(flow.held());
                self.out.end(flow, with);
                return true;
            }
        }
        true
    }

    /// Ends flows that closed a while ago or that are idle for long.
    pub(super) fn tidy(&mut self, with: With<'_>) {
        let clock = self.out.clock;
        while let Some((since, key)) = self.closed.front().copied() {
            if clock.saturating_sub(since) <= LINGER {
                break;
            }
            self.closed.pop_front();
            let Some(flow) = self.flows.get(&key).filter(|f| f.meta.is_over()) else {
                continue;
            };
            if clock.saturating_sub(flow.meta.last_at) <= LINGER {
                self.closed.push_back((clock, key));
            } else if let Some(flow) = self.flows.remove(&key) {
                self.pending = self.pending.saturating_sub(flow.held());
                self.out.end(flow, with);
            }
        }
        while let Some((since, key)) = self.idle.front().copied() {
            if clock.saturating_sub(since) <= self.idle_nanos {
                break;
            }
            self.idle.pop_front();
            let Some(flow) = self.flows.get(&key) else {
                continue;
            };
            if clock.saturating_sub(flow.meta.last_at) <= self.idle_nanos {
                self.idle.push_back((flow.meta.last_at, key));
            } else if let Some(flow) = self.flows.remove(&key) {
                self.pending = self.pending.saturating_sub(flow.held());
                self.out.end(flow, with);
            }
        }
    }

    /// Packs what is finished, once there is enough of it.
    pub(super) fn pack(&mut self, spill: &Arc<Spill>) {
        self.out.pack(PACK, spill);
    }

    /// The capture ends at `end`: so do all flows.
    pub(super) fn finish(&mut self, end: i64, with: With<'_>) {
        self.out.clock = self.out.clock.max(end);
        let mut flows: Vec<Box<Flow>> = self.flows.drain().map(|(_, f)| f).collect();
        flows.sort_by_key(|f| f.meta.first_frame);
        for flow in flows {
            self.out.end(flow, with);
        }
        if let Some(names) = self.names.last_mut() {
            names.finish(end);
        }
    }

    /// All hosts are known: decides on the connections put aside.
    pub(super) fn settle(&mut self, known: &Endpoints) {
        let out = &mut self.out;
        for candidate in std::mem::take(&mut out.candidates) {
            let server = candidate.connection.server;
            let portal = matches!(
                candidate.http.first().map(|e| &e.payload),
                Some(Payload::Http(h)) if h.status == 511
            );
            if known.carries_payments(&server) || portal {
                out.keep(candidate);
            } else {
                out.ignored(&candidate.bytes);
            }
        }
        for names in &mut self.names {
            for resolved in std::mem::take(&mut names.failures) {
                out.resolution(resolved);
            }
            for frame in std::mem::take(&mut names.damaged) {
                out.issues.add(
                    Place::Frame(frame),
                    "dns_malformed",
                    1,
                    "expected a DNS message with one question".into(),
                );
            }
        }
    }

    /// Hosts of the connections kept.
    pub(super) fn kept_servers(&self) -> &BTreeSet<IpAddr> {
        &self.out.servers
    }

    /// Events, issues and bytes; resolutions that led to `wanted` hosts are added.
    pub(super) fn into_parts(mut self, wanted: &BTreeSet<IpAddr>, spill: &Arc<Spill>) -> Done {
        for (file, names) in self.names.iter_mut().enumerate() {
            for resolved in names.used(wanted) {
                self.out.resolution(resolved);
            }
            let file = u16::try_from(file).unwrap_or(u16::MAX);
            self.out.ignored(&ByFile::of(file, names.ignored));
        }
        self.out.pack(1, spill);
        Done {
            events: self.out.packed,
            issues: self.out.issues,
            bytes: self.out.bytes,
        }
    }
}

fn sorted(a: SocketAddr, b: SocketAddr) -> Key {
    if a <= b { [a, b] } else { [b, a] }
}
