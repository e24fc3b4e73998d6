//! One shard: the flows that fell to it, and the events they make.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use hashbrown::HashMap;
use tapscope_parsers::protocol::iso8583::Wire;
use tapscope_parsers::protocol::net::tcp::{Piece, Segment, StreamLimits};

use super::Issues;
use super::dns::{Names, Resolved};
use super::endpoints::Endpoints;
use super::flow::{Awaited, Flow, Step};
use super::packets::{Body, Item};
use super::payload::Cut;
use super::{health, message};
use crate::event::{
    Connection, Event, HttpEvent, IcmpEvent, Keys, Payload, Place, Stamp, TimeQuality, TlsEvent,
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
    source: u32,
    flows: HashMap<Key, Box<Flow>, foldhash::fast::RandomState>,
    idle: VecDeque<(i64, Key)>,
    closed: VecDeque<(i64, Key)>,
    names: Names,
    events: Vec<Event>,
    candidates: Vec<Candidate>,
    learnt: Vec<(SocketAddr, Wire)>,
    own: Endpoints,
    issues: Issues,
    understood: u64,
    ignored: u64,
    damaged: u64,
    icmp: usize,
    clock: i64,
    max_flows: usize,
    idle_nanos: i64,
    limits: StreamLimits,
}

impl Shard {
    pub(super) fn new(source: u32, limits: &Limits, shards: usize) -> Self {
        Self {
            source,
            flows: HashMap::default(),
            idle: VecDeque::new(),
            closed: VecDeque::new(),
            names: Names::default(),
            events: Vec::new(),
            candidates: Vec::new(),
            learnt: Vec::new(),
            own: Endpoints::default(),
            issues: Issues::new(source),
            understood: 0,
            ignored: 0,
            damaged: 0,
            icmp: 0,
            clock: i64::MIN,
            max_flows: (limits.flows / shards).max(16),
            idle_nanos: limits.flow_idle_seconds.saturating_mul(1_000_000_000),
            limits: StreamLimits {
                pending_bytes: limits.flow_pending_bytes,
                pending_segments: PENDING_SEGMENTS,
            },
        }
    }

    pub(super) fn clock(&self) -> i64 {
        self.clock
    }

    pub(super) fn take_learnt(&mut self) -> Vec<(SocketAddr, Wire)> {
        std::mem::take(&mut self.learnt)
    }

    pub(super) fn take(&mut self, item: &Item<'_>, known: &Endpoints, ctx: &Context<'_>) {
        self.clock = self.clock.max(item.nanos);
        match &item.body {
            Body::Tcp { segment, missing } => self.tcp(item, segment, *missing, known, ctx),
            Body::Dns(payload) => self.names.take(item, payload),
            Body::Icmp(error) => self.icmp(item, error),
        }
    }

    fn icmp(&mut self, item: &Item<'_>, error: &tapscope_parsers::protocol::net::icmp::IcmpError) {
        self.icmp += 1;
        if self.icmp > MAX_ICMP {
            self.ignored += u64::from(item.record);
            self.issues.add(
                Place::Frame(item.frame),
                "icmp_limit",
                1,
                "more ICMP errors than are kept".into(),
            );
            return;
        }
        self.understood += u64::from(item.record);
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
            .map_or(0, |f| f.id);
        self.events.push(Event {
            source: self.source,
            place: Place::Frame(item.frame),
            at: stamp(item.nanos, item.timed),
            lane,
            keys,
            payload: Payload::Icmp(Box::new(event)),
        });
    }

    fn tcp(
        &mut self,
        item: &Item<'_>,
        segment: &Segment<'_>,
        missing: u32,
        known: &Endpoints,
        ctx: &Context<'_>,
    ) {
        let key = sorted(item.source, item.destination);
        let mut flow = match self.flows.remove(&key) {
            Some(flow) => flow,
            None => self.open(item, segment, key, known, ctx),
        };
        let limits = self.limits;
        let mut was_over = flow.is_over();
        let step = flow.take(
            item,
            segment,
            missing,
            &limits,
            &mut |flow, direction, piece| {
                self.piece(flow, direction, piece, known, ctx);
            },
        );
        if matches!(step, Step::Reopens) {
            self.end(flow, known, ctx);
            flow = self.open(item, segment, key, known, ctx);
            was_over = false;
            let _ = flow.take(
                item,
                segment,
                missing,
                &limits,
                &mut |flow, direction, piece| {
                    self.piece(flow, direction, piece, known, ctx);
                },
            );
        }
        self.acknowledged(&mut flow, item.nanos);
        if flow.is_over() && !was_over {
            self.closed.push_back((item.nanos, key));
        }
        self.flows.insert(key, flow);
    }

    fn open(
        &mut self,
        item: &Item<'_>,
        segment: &Segment<'_>,
        key: Key,
        known: &Endpoints,
        ctx: &Context<'_>,
    ) -> Box<Flow> {
        while self.flows.len() >= self.max_flows {
            if !self.evict_oldest(known, ctx) {
                break;
            }
        }
        self.idle.push_back((item.nanos, key));
        Box::new(Flow::new(item, segment, key))
    }

    /// Makes room: the flow that is idle for longest, those with payments last.
    fn evict_oldest(&mut self, known: &Endpoints, ctx: &Context<'_>) -> bool {
        for round in 0..64 {
            let Some((since, key)) = self.idle.pop_front() else {
                return false;
            };
            let Some(flow) = self.flows.get(&key) else {
                continue;
            };
            let newer = flow.last_at > since;
            let payment = flow.payload.carried() == Some("iso8583");
            if (newer || payment) && round < 32 {
                self.idle.push_back((flow.last_at, key));
                continue;
            }
            if let Some(flow) = self.flows.remove(&key) {
                self.issues.add(
                    Place::Frame(flow.first_frame),
                    "flow_evicted",
                    1,
                    "more connections at a time than are kept".into(),
                );
                self.end(flow, known, ctx);
                return true;
            }
        }
        true
    }

    /// Ends flows that closed a while ago or that are idle for long.
    pub(super) fn tidy(&mut self, ctx: &Context<'_>, known: &Endpoints) {
        while let Some((since, key)) = self.closed.front().copied() {
            if self.clock.saturating_sub(since) <= LINGER {
                break;
            }
            self.closed.pop_front();
            let quiet = self
                .flows
                .get(&key)
                .is_some_and(|f| f.is_over() && self.clock.saturating_sub(f.last_at) > LINGER);
            if quiet {
                if let Some(flow) = self.flows.remove(&key) {
                    self.end(flow, known, ctx);
                }
            } else if self.flows.get(&key).is_some_and(|f| f.is_over()) {
                self.closed.push_back((self.clock, key));
            }
        }
        while let Some((since, key)) = self.idle.front().copied() {
            if self.clock.saturating_sub(since) <= self.idle_nanos {
                break;
            }
            self.idle.pop_front();
            let Some(flow) = self.flows.get(&key) else {
                continue;
            };
            if self.clock.saturating_sub(flow.last_at) > self.idle_nanos {
                if let Some(flow) = self.flows.remove(&key) {
                    self.end(flow, known, ctx);
                }
            } else {
                self.idle.push_back((flow.last_at, key));
            }
        }
    }

    /// The capture ends at `end`: so do all flows.
    pub(super) fn finish(&mut self, end: i64, known: &Endpoints, ctx: &Context<'_>) {
        self.clock = self.clock.max(end);
        let mut flows: Vec<Box<Flow>> = self.flows.drain().map(|(_, f)| f).collect();
        flows.sort_by_key(|f| f.first_frame);
        for flow in flows {
            self.end(flow, known, ctx);
        }
        self.names.finish(end);
    }

    fn piece(
        &mut self,
        flow: &mut Flow,
        direction: usize,
        piece: Piece<'_>,
        known: &Endpoints,
        ctx: &Context<'_>,
    ) {
        let mut payload = std::mem::take(&mut flow.payload);
        match piece {
            Piece::Bytes { data, frame, nanos } => {
                let wire = self.wire_of(flow, known);
                let mid_stream = !flow.opening_seen;
                let noted = payload.bytes(
                    direction,
                    data,
                    frame,
                    nanos,
                    mid_stream,
                    wire,
                    ctx.edge,
                    &mut |direction, cut| self.message(flow, direction, &cut, ctx),
                );
                if let Some(wire) = noted.learnt {
                    self.learn(flow.server_end(), wire);
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
            Piece::Gap(bytes) => {
                payload.gap(direction, bytes, &mut |direction, cut| {
                    self.message(flow, direction, &cut, ctx);
                });
            }
        }
        flow.payload = payload;
    }

    fn wire_of(&self, flow: &Flow, known: &Endpoints) -> Option<Wire> {
        let server = flow.server_end();
        self.own.wire(&server).or_else(|| known.wire(&server))
    }

    fn learn(&mut self, server: SocketAddr, wire: Wire) {
        self.own.learn(vec![(server, wire)]);
        self.learnt.push((server, wire));
    }

    fn message(&mut self, flow: &mut Flow, direction: usize, cut: &Cut<'_>, ctx: &Context<'_>) {
        let Some((iso, keys)) =
            message::build(cut, flow.id, flow.client_end(), flow.server_end(), ctx.edge)
        else {
            return;
        };
        // Without an opening, the first message tells which end is the host.
        let request = (iso.mti / 10) % 2 == 0;
        let (iso, keys) = if !flow.role_sure {
            let client = if request { direction } else { 1 - direction };
            flow.role_sure = true;
            if client == flow.client {
                (iso, keys)
            } else {
                flow.client = client;
                match message::build(cut, flow.id, flow.client_end(), flow.server_end(), ctx.edge) {
                    Some(built) => built,
                    None => return,
                }
            }
        } else {
            (iso, keys)
        };
        let frame = cut.frames.first().copied().unwrap_or(flow.first_frame);
        if let Some(text) = &iso.damage {
            self.damaged += 1;
            self.issues
                .add(Place::Frame(frame), "iso8583_damaged", 1, text.to_string());
        }
        if flow.awaited.len() < MAX_AWAITED {
            flow.awaited.push(Awaited {
                direction,
                end: i64::try_from(cut.end).unwrap_or(i64::MAX),
                event: self.events.len(),
                sent: cut.nanos,
            });
        }
        self.events.push(Event {
            source: self.source,
            place: Place::Frame(frame),
            at: stamp(cut.nanos, flow.timed),
            lane: flow.id,
            keys,
            payload: Payload::Iso8583(Box::new(iso)),
        });
    }

    /// Notes on messages that TCP has acknowledged by now.
    fn acknowledged(&mut self, flow: &mut Flow, nanos: i64) {
        if flow.awaited.is_empty() {
            return;
        }
        let acked = [flow.halves[0].acked_to, flow.halves[1].acked_to];
        let events = &mut self.events;
        flow.awaited.retain(|wait| {
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
    fn end(&mut self, mut flow: Box<Flow>, known: &Endpoints, ctx: &Context<'_>) {
        flow.drain(&mut |flow, direction, piece| self.piece(flow, direction, piece, known, ctx));
        let mut payload = std::mem::take(&mut flow.payload);
        let wire = self.wire_of(&flow, known);
        let noted = payload.finish(!flow.opening_seen, wire, ctx.edge, &mut |direction, cut| {
            self.message(&mut flow, direction, &cut, ctx);
        });
        flow.payload = payload;
        if let Some(wire) = noted.learnt {
            self.learn(flow.server_end(), wire);
        }
        self.flow_issues(&flow);
        let connection = health::connection(&flow);
        let http = self.http(&flow);
        if let Some(event) = self.tls(&flow) {
            self.events.push(event);
        }
        let carried = flow.payload.carried();
        let keep = health::is_trouble(&flow) && !flow.payload.is_web()
            || matches!(carried, Some("iso8583" | "tls"));
        let candidate = Candidate {
            bytes: flow.record_bytes,
            connection,
            http,
            frame: flow.first_frame,
            lane: flow.id,
            timed: flow.timed,
        };
        if keep {
            self.keep(candidate);
        } else if self.candidates.len() < MAX_CANDIDATES {
            self.candidates.push(candidate);
        } else {
            self.ignored += flow.record_bytes;
        }
    }

    fn flow_issues(&mut self, flow: &Flow) {
        let place = Place::Frame(flow.first_frame);
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
        if flow.wild > 0 {
            self.issues.add(
                place,
                "tcp_out_of_window",
                u64::from(flow.wild),
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
        let silent = self.clock.saturating_sub(flow.last_at) > LINGER;
        if state.alert.is_none() && flow.ended_at.is_none() && !silent {
            return None;
        }
        let (frame, nanos) = match state.alert {
            Some((_, _, _, frame, nanos)) => (frame, nanos),
            None => (flow.cites.last_data.max(flow.first_frame), flow.last_at),
        };
        let event = TlsEvent {
            flow: flow.id,
            stage: state.stage(),
            alert: state.alert.map(|(_, description, ..)| description),
            alert_from: state
                .alert
                .map(|(_, _, direction, ..)| flow.side(direction)),
            client_version: state.client_version,
            server_name: state.server_name(),
            client: flow.client_end(),
            server: flow.server_end(),
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
                flow: flow.id,
                status: seen.status,
                location: seen.location.clone(),
                client: flow.client_end(),
                server: flow.server_end(),
            };
            self.event(flow, seen.frame, seen.nanos, Payload::Http(Box::new(event)))
        })
    }

    fn event(&self, flow: &Flow, frame: u32, nanos: i64, payload: Payload) -> Event {
        Event {
            source: self.source,
            place: Place::Frame(frame),
            at: stamp(nanos, flow.timed),
            lane: flow.id,
            keys: ends(flow.client_end(), flow.server_end()),
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
            keys: ends(connection.client, connection.server),
            payload: Payload::Tcp(Box::new(connection)),
        });
    }

    /// All hosts are known: decides on the connections put aside.
    pub(super) fn settle(&mut self, known: &Endpoints) {
        for candidate in std::mem::take(&mut self.candidates) {
            let server = candidate.connection.server;
            let portal = matches!(
                candidate.http.as_ref().map(|e| &e.payload),
                Some(Payload::Http(h)) if h.status == 511
            );
            if known.carries_payments(&server) || portal {
                self.keep(candidate);
            } else {
                self.ignored += candidate.bytes;
            }
        }
        for resolved in std::mem::take(&mut self.names.failures) {
            self.resolution(resolved);
        }
        for frame in std::mem::take(&mut self.names.damaged) {
            self.issues.add(
                Place::Frame(frame),
                "dns_malformed",
                1,
                "expected a DNS message with one question".into(),
            );
        }
    }

    /// Hosts of the connections kept.
    pub(super) fn kept_servers(&self) -> BTreeSet<IpAddr> {
        self.events
            .iter()
            .filter_map(|e| match &e.payload {
                Payload::Tcp(c) => Some(c.server.ip()),
                _ => None,
            })
            .collect()
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

    /// Events, issues and bytes; resolutions that led to `wanted` hosts are added.
    pub(super) fn into_parts(mut self, wanted: &BTreeSet<IpAddr>) -> Done {
        for resolved in self.names.used(wanted) {
            self.resolution(resolved);
        }
        Done {
            events: self.events,
            issues: self.issues,
            understood: self.understood,
            ignored: self.ignored + self.names.ignored,
            damaged: self.damaged,
        }
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
