//! One shard: the flows that fell to it, and the events they make.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use hashbrown::HashMap;
use tapscope_parsers::protocol::iso8583::Wire;
use tapscope_parsers::protocol::net::tcp::{Piece, Segment, StreamLimits};

use super::Issues;
use super::dns::{Names, Resolved};
use super::endpoints::Endpoints;
use super::flow::{Awaited, Flow, Meta, Step};
use super::packets::{Body, Item};
use super::payload::{Cut, Payload as Carried};
use super::{health, message};
use crate::event::{
    Connection, Event, HttpEvent, IcmpEvent, Keys, Payload, Place, Stamp, Text, TimeQuality,
    TlsEvent,
};
use crate::parse::Context;
use crate::plan::Limits;

/// Nanoseconds that a closed flow is kept, so that late resends are known as such.
const LINGER: i64 = 5_000_000_000;
/// Segments held ahead of a hole, of one direction.
const PENDING_SEGMENTS: usize = 4096;
/// Healthy connections remembered until it is known whether their host takes payments.
const MAX_CANDIDATES: usize = 65_536;
/// ICMP errors kept.
const MAX_ICMP: usize = 20_000;
/// Messages of one flow whose acknowledgement is awaited.
const MAX_AWAITED: usize = 64;

type Key = [SocketAddr; 2];

/// A finished connection whose worth depends on what others to the same host carried.
struct Candidate {
    bytes: u64,
    connection: Connection,
    http: Option<Event>,
    frame: u32,
    lane: u64,
    timed: bool,
    names: (Text, Text),
}

/// What a shard leaves behind.
pub(super) struct Done {
    pub(super) events: Vec<Event>,
    pub(super) issues: Issues,
    pub(super) understood: u64,
    pub(super) ignored: u64,
    pub(super) damaged: u64,
}

/// One shard.
pub(super) struct Shard {
    flows: HashMap<Key, Box<Flow>, foldhash::fast::RandomState>,
    idle: VecDeque<(i64, Key)>,
    closed: VecDeque<(i64, Key)>,
    names: Names,
    out: Out,
    icmp: usize,
    max_flows: usize,
    idle_nanos: i64,
    limits: StreamLimits,
}

/// What a shard has made so far.
struct Out {
    source: u32,
    events: Vec<Event>,
    candidates: Vec<Candidate>,
    learnt: Vec<(SocketAddr, Wire)>,
    own: Endpoints,
    issues: Issues,
    understood: u64,
    ignored: u64,
    damaged: u64,
    clock: i64,
}

/// What is at hand while a flow is worked on.
#[derive(Clone, Copy)]
struct With<'w> {
    known: &'w Endpoints,
    ctx: &'w Context<'w>,
}

impl Shard {
    pub(super) fn new(source: u32, limits: &Limits, shards: usize) -> Self {
        Self {
            flows: HashMap::default(),
            idle: VecDeque::new(),
            closed: VecDeque::new(),
            names: Names::default(),
            out: Out {
                source,
                events: Vec::new(),
                candidates: Vec::new(),
                learnt: Vec::new(),
                own: Endpoints::default(),
                issues: Issues::new(source),
                understood: 0,
                ignored: 0,
                damaged: 0,
                clock: i64::MIN,
            },
            icmp: 0,
            max_flows: (limits.flows / shards).max(16),
            idle_nanos: limits.flow_idle_seconds.saturating_mul(1_000_000_000),
            limits: StreamLimits {
                pending_bytes: limits.flow_pending_bytes,
                pending_segments: PENDING_SEGMENTS,
            },
        }
    }

    pub(super) fn clock(&self) -> i64 {
        self.out.clock
    }

    pub(super) fn take_learnt(&mut self) -> Vec<(SocketAddr, Wire)> {
        std::mem::take(&mut self.out.learnt)
    }

    pub(super) fn take(&mut self, item: &Item<'_>, known: &Endpoints, ctx: &Context<'_>) {
        self.out.clock = self.out.clock.max(item.nanos);
        match &item.body {
            Body::Tcp { segment, missing } => {
                self.tcp(item, segment, *missing, With { known, ctx });
            }
            Body::Dns(payload) => self.names.take(item, payload),
            Body::Icmp(error) => self.icmp(item, error),
        }
    }

    fn icmp(&mut self, item: &Item<'_>, error: &tapscope_parsers::protocol::net::icmp::IcmpError) {
        self.icmp += 1;
        if self.icmp > MAX_ICMP {
            self.out.ignored += u64::from(item.record);
            self.out.issues.add(
                Place::Frame(item.frame),
                "icmp_limit",
                1,
                "more ICMP errors than are kept".into(),
            );
            return;
        }
        self.out.understood += u64::from(item.record);
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
        let (out, limits) = (&mut self.out, &self.limits);
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
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
                self.out.end(flow, with);
                return true;
            }
        }
        true
    }

    /// Ends flows that closed a while ago or that are idle for long.
    pub(super) fn tidy(&mut self, ctx: &Context<'_>, known: &Endpoints) {
        let with = With { known, ctx };
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
                self.out.end(flow, with);
            }
        }
    }

    /// The capture ends at `end`: so do all flows.
    pub(super) fn finish(&mut self, end: i64, known: &Endpoints, ctx: &Context<'_>) {
        self.out.clock = self.out.clock.max(end);
        let mut flows: Vec<Box<Flow>> = self.flows.drain().map(|(_, f)| f).collect();
        flows.sort_by_key(|f| f.meta.first_frame);
        for flow in flows {
            self.out.end(flow, With { known, ctx });
        }
        self.names.finish(end);
    }

    /// All hosts are known: decides on the connections put aside.
    pub(super) fn settle(&mut self, known: &Endpoints) {
        let out = &mut self.out;
        for candidate in std::mem::take(&mut out.candidates) {
            let server = candidate.connection.server;
            let portal = matches!(
                candidate.http.as_ref().map(|e| &e.payload),
                Some(Payload::Http(h)) if h.status == 511
            );
            if known.carries_payments(&server) || portal {
                out.keep(candidate);
            } else {
                out.ignored += candidate.bytes;
            }
        }
        for resolved in std::mem::take(&mut self.names.failures) {
            out.resolution(resolved);
        }
        for frame in std::mem::take(&mut self.names.damaged) {
            out.issues.add(
                Place::Frame(frame),
                "dns_malformed",
                1,
                "expected a DNS message with one question".into(),
            );
        }
    }

    /// Hosts of the connections kept.
    pub(super) fn kept_servers(&self) -> BTreeSet<IpAddr> {
        self.out
            .events
            .iter()
            .filter_map(|e| match &e.payload {
                Payload::Tcp(c) => Some(c.server.ip()),
                _ => None,
            })
            .collect()
    }

    /// Events, issues and bytes; resolutions that led to `wanted` hosts are added.
    pub(super) fn into_parts(mut self, wanted: &BTreeSet<IpAddr>) -> Done {
        for resolved in self.names.used(wanted) {
            self.out.resolution(resolved);
        }
        Done {
            events: self.out.events,
            issues: self.out.issues,
            understood: self.out.understood,
            ignored: self.out.ignored + self.names.ignored,
            damaged: self.out.damaged,
        }
    }
}

impl Out {
    fn piece(
        &mut self,
        meta: &mut Meta,
        payload: &mut Carried,
        direction: usize,
        piece: Piece<'_>,
        with: With<'_>,
    ) {
        match piece {
            Piece::Bytes { data, frame, nanos } => {
                let known = if payload.is_decided() {
                    None
                } else {
                    self.wire_of(meta, with.known)
                };
                let mid_stream = !meta.opening_seen;
                let noted = payload.bytes(
                    direction,
                    data,
                    frame,
                    nanos,
                    mid_stream,
                    known,
                    with.ctx.edge,
                    &mut |direction, cut| self.message(meta, direction, &cut, with.ctx),
                );
                if let Some(wire) = noted.learnt {
                    self.learn(meta.server_end(), wire);
                }
                if noted.desync {
                    self.damaged += 1;
                    self.issues.add(
                        Place::Frame(frame),
                        "iso8583_desync",
                        1,
                        "expected the length of a message, found something else".into(),
                    );
                }
            }
            Piece::Gap(bytes) => payload.gap(direction, bytes, &mut |direction, cut| {
                self.message(meta, direction, &cut, with.ctx);
            }),
        }
    }

    fn wire_of(&self, meta: &Meta, known: &Endpoints) -> Option<Wire> {
        let server = meta.server_end();
        known.wire(&server).or_else(|| self.own.wire(&server))
    }

    fn learn(&mut self, server: SocketAddr, wire: Wire) {
        if self.own.wire(&server).is_none() {
            self.own.learn(vec![(server, wire)]);
            self.learnt.push((server, wire));
        }
    }

    fn message(&mut self, meta: &mut Meta, direction: usize, cut: &Cut<'_>, ctx: &Context<'_>) {
        let (iso, mut keys) = message::build(cut, meta.id, ctx.edge);
        if !meta.role_sure {
            // Without an opening, the first message tells which end is the host.
            let request = (iso.mti / 10) % 2 == 0;
            meta.client = if request { direction } else { 1 - direction };
            meta.role_sure = true;
        }
        let (device, host) = meta.names();
        keys.device = Some(device);
        keys.host = Some(host);
        let frame = cut.frames.first().copied().unwrap_or(meta.first_frame);
        if let Some(text) = &iso.damage {
            self.damaged += 1;
            self.issues
                .add(Place::Frame(frame), "iso8583_damaged", 1, text.to_string());
        }
        if meta.awaited.len() < MAX_AWAITED {
            meta.awaited.push(Awaited {
                direction,
                end: i64::try_from(cut.end).unwrap_or(i64::MAX),
                event: self.events.len(),
                sent: cut.nanos,
            });
        }
        self.events.push(Event {
            source: self.source,
            place: Place::Frame(frame),
            at: stamp(cut.nanos, meta.timed),
            lane: meta.id,
            keys,
            payload: Payload::Iso8583(Box::new(iso)),
        });
    }

    /// Notes on messages that TCP has acknowledged by now.
    fn acknowledged(&mut self, flow: &mut Flow, nanos: i64) {
        let acked = [flow.halves[0].acked_to, flow.halves[1].acked_to];
        let events = &mut self.events;
        flow.meta.awaited.retain(|wait| {
            let done = acked[wait.direction] >= wait.end;
            if done
                && let Some(event) = events.get_mut(wait.event)
                && let Payload::Iso8583(iso) = &mut event.payload
            {
                iso.acked_after_micros = Some((nanos - wait.sent).max(0) / 1000);
            }
            !done
        });
    }

    /// A flow is over: its last messages, its TLS and HTTP, its row.
    fn end(&mut self, mut flow: Box<Flow>, with: With<'_>) {
        flow.drain(&mut |meta, payload, direction, piece| {
            self.piece(meta, payload, direction, piece, with);
        });
        let known = self.wire_of(&flow.meta, with.known);
        let Flow { meta, payload, .. } = &mut *flow;
        let mid_stream = !meta.opening_seen;
        let noted = payload.finish(mid_stream, known, with.ctx.edge, &mut |direction, cut| {
            self.message(meta, direction, &cut, with.ctx);
        });
        if let Some(wire) = noted.learnt {
            self.learn(flow.meta.server_end(), wire);
        }
        self.flow_issues(&flow);
        if let Some(event) = self.tls(&flow) {
            self.events.push(event);
        }
        let carried = flow.payload.carried();
        let keep = health::is_trouble(&flow) && !flow.payload.is_web()
            || matches!(carried, Some("iso8583" | "tls"));
        let known_host = keep || self.candidates.len() < MAX_CANDIDATES;
        if !known_host || (!keep && flow.payload.is_web() && flow.payload.http.is_none()) {
            self.ignored += flow.meta.record_bytes;
            return;
        }
        let candidate = Candidate {
            bytes: flow.meta.record_bytes,
            connection: health::connection(&flow),
            http: self.http(&flow),
            frame: flow.meta.first_frame,
            lane: flow.meta.id,
            timed: flow.meta.timed,
            names: flow.meta.names(),
        };
        if keep {
            self.keep(candidate);
        } else {
            self.candidates.push(candidate);
        }
    }

    fn flow_issues(&mut self, flow: &Flow) {
        let place = Place::Frame(flow.meta.first_frame);
        for half in &flow.halves {
            let stream = &half.stream;
            if stream.gap_bytes > 0 {
                self.issues.add(
                    place,
                    "tcp_gap",
                    1,
                    format!(
                        "{} bytes of the connection are not in the capture",
                        stream.gap_bytes
                    ),
                );
            }
            if stream.conflicts > 0 {
                self.issues.add(
                    place,
                    "tcp_overlap_conflict",
                    u64::from(stream.conflicts),
                    "segments that overlap with other bytes; the first copy was kept".into(),
                );
            }
            if stream.limited > 0 {
                self.issues.add(
                    place,
                    "tcp_pending_limit",
                    u64::from(stream.limited),
                    "more bytes ahead of a hole than are kept".into(),
                );
            }
        }
        if flow.meta.wild > 0 {
            self.issues.add(
                place,
                "tcp_out_of_window",
                u64::from(flow.meta.wild),
                "segments far outside the window".into(),
            );
        }
    }

    fn tls(&self, flow: &Flow) -> Option<Event> {
        let state = flow.payload.tls()?;
        if !state.failed() {
            return None;
        }
        // Where the server's packets are not in the capture, its silence proves nothing.
        if state.alert.is_none() && flow.halves.iter().any(|h| !h.seen) {
            return None;
        }
        // A handshake that was under way when the capture ended proves nothing.
        let silent = self.clock.saturating_sub(flow.meta.last_at) > LINGER;
        if state.alert.is_none() && flow.meta.ended_at.is_none() && !silent {
            return None;
        }
        let (frame, nanos) = match state.alert {
            Some((_, _, _, frame, nanos)) => (frame, nanos),
            None => (
                flow.meta.cites.last_data.max(flow.meta.first_frame),
                flow.meta.last_at,
            ),
        };
        let event = TlsEvent {
            flow: flow.meta.id,
            stage: state.stage(),
            alert: state.alert.map(|(_, description, ..)| description),
            alert_from: state
                .alert
                .map(|(_, _, direction, ..)| flow.meta.side(direction)),
            client_version: state.client_version,
            server_name: state.server_name(),
            client: flow.meta.client_end(),
            server: flow.meta.server_end(),
            certificate_validity: state.validity,
            certificate_issuer: state.issuer.clone(),
        };
        Some(self.event(flow, frame, nanos, Payload::Tls(Box::new(event))))
    }

    fn http(&self, flow: &Flow) -> Option<Event> {
        let seen = flow.payload.http.as_ref()?;
        let telling = matches!(
            seen.status,
            301 | 302 | 303 | 307 | 308 | 407 | 511 | 500..=599
        );
        (telling || flow.payload.strange_http()).then(|| {
            let event = HttpEvent {
                flow: flow.meta.id,
                status: seen.status,
                location: seen.location.clone(),
                client: flow.meta.client_end(),
                server: flow.meta.server_end(),
            };
            self.event(flow, seen.frame, seen.nanos, Payload::Http(Box::new(event)))
        })
    }

    fn event(&self, flow: &Flow, frame: u32, nanos: i64, payload: Payload) -> Event {
        Event {
            source: self.source,
            place: Place::Frame(frame),
            at: stamp(nanos, flow.meta.timed),
            lane: flow.meta.id,
            keys: ends(flow.meta.client_end(), flow.meta.server_end()),
            payload,
        }
    }

    fn keep(&mut self, candidate: Candidate) {
        self.understood += candidate.bytes;
        self.events.extend(candidate.http);
        let connection = candidate.connection;
        self.events.push(Event {
            source: self.source,
            place: Place::Frame(candidate.frame),
            at: stamp(connection.first_at.saturating_mul(1000), candidate.timed),
            lane: candidate.lane,
            keys: Keys {
                device: Some(candidate.names.0),
                host: Some(candidate.names.1),
                ..Keys::default()
            },
            payload: Payload::Tcp(Box::new(connection)),
        });
    }

    fn resolution(&mut self, resolved: Resolved) {
        self.understood += resolved.bytes;
        let keys = Keys {
            device: Some(resolved.event.client.to_string().into()),
            ..Keys::default()
        };
        self.events.push(Event {
            source: self.source,
            place: Place::Frame(resolved.frame),
            at: stamp(resolved.nanos, resolved.timed),
            lane: 0,
            keys,
            payload: Payload::Dns(Box::new(resolved.event)),
        });
    }
}

fn sorted(a: SocketAddr, b: SocketAddr) -> Key {
    if a <= b { [a, b] } else { [b, a] }
}

fn ends(client: SocketAddr, server: SocketAddr) -> Keys {
    Keys {
        device: Some(client.ip().to_string().into()),
        host: Some(server.to_string().into()),
        ..Keys::default()
    }
}

fn stamp(nanos: i64, timed: bool) -> Stamp {
    if !timed {
        return Stamp::UNKNOWN;
    }
    Stamp {
        utc_micros: Some(nanos.div_euclid(1000)),
        quality: TimeQuality {
            resolution_micros: 1,
            ..TimeQuality::default()
        },
    }
}
