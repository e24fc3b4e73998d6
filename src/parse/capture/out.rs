//! What a shard makes of its flows: messages, rows, TLS and HTTP events, issues, and the bytes that each stands for.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tapscope_parsers::protocol::iso8583::{Choice, Dialect, Wire};
use tapscope_parsers::protocol::net::tcp::Piece;

use super::dns::Resolved;
use super::endpoints::Endpoints;
use super::flow::{Awaited, ByFile, Flow, Meta};
use super::follow::Follow;
use super::payload::{Cut, Given, Payload as Carried};
use super::shard::LINGER;
use super::tls::{At, Secrets};
use super::web::WebSeen;
use super::{Issues, localise};
use super::{health, message};
use crate::event::{
    Connection, Event, Events, HttpEvent, Keys, Payload, Place, Spill, Stamp, Text, TimeQuality,
    TlsEvent,
};
use crate::parse::Context;

/// Healthy connections remembered until it is known whether their host takes payments.
const MAX_CANDIDATES: usize = 16_384;
/// Rows of connections without a payment message that are kept: a port scan is no reason to run out of memory.
const MAX_ROWS: usize = 50_000;
/// Messages of one flow whose acknowledgement is awaited.
const MAX_AWAITED: usize = 64;

/// A finished connection whose worth depends on what others to the same host carried.
pub(super) struct Candidate {
    pub(super) bytes: ByFile,
    pub(super) connection: Connection,
    pub(super) http: Vec<Event>,
    frame: u32,
    lane: u64,
    timed: bool,
    names: (Text, Text),
}

/// What a shard has made so far.
pub(super) struct Out {
    pub(super) source: u32,
    /// Finished, not packed yet.
    pub(super) events: Vec<Event>,
    pub(super) packed: Vec<Events>,
    /// Frames before each file of the set.
    pub(super) starts: Vec<u32>,
    /// Hosts of the connections kept.
    pub(super) servers: BTreeSet<IpAddr>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) learnt: Vec<(SocketAddr, Wire)>,
    pub(super) own: Endpoints,
    pub(super) issues: Issues,
    /// Of each file of the set.
    pub(super) bytes: Vec<Bytes>,
    pub(super) clock: i64,
    /// Rows kept of connections without a payment message.
    pub(super) rows: usize,
    /// Set where the streams themselves are wanted.
    pub(super) follow: Option<Follow>,
}

/// What became of the bytes of one file.
#[derive(Default, Clone, Copy)]
pub(super) struct Bytes {
    pub(super) understood: u64,
    pub(super) ignored: u64,
    pub(super) damaged: u64,
}

/// What is at hand while a flow is worked on.
#[derive(Clone, Copy)]
pub(super) struct With<'w> {
    pub(super) known: &'w Endpoints,
    pub(super) ctx: &'w Context<'w>,
    pub(super) secrets: Secrets<'w>,
    /// Dialects that the user described.
    pub(super) dialects: &'w [&'static Dialect],
}

impl Out {
    pub(super) fn piece(
        &mut self,
        meta: &mut Meta,
        payload: &mut Carried,
        direction: usize,
        piece: Piece<'_>,
        with: With<'_>,
    ) {
        match piece {
            Piece::Bytes { data, frame, nanos } => {
                if let Some(follow) = &mut self.follow {
                    follow.bytes(meta, direction, data);
                }
                let given = self.given(meta, payload.asks(), with);
                let noted = payload.bytes(
                    direction,
                    data,
                    At { frame, nanos },
                    &given,
                    &mut |direction, cut| self.message(meta, direction, &cut, with.ctx),
                );
                if payload.proxied.is_some() {
                    meta.proxied = payload.proxied;
                }
                if let Some(wire) = noted.learnt {
                    self.learn(meta.server_end(), wire);
                }
                if noted.desync {
                    self.damaged();
                    self.issues.add(
                        Place::Frame(frame),
                        "iso8583_desync",
                        1,
                        "expected the length of a message, found something else".into(),
                    );
                }
            }
            Piece::Gap(bytes) => {
                if let Some(follow) = &mut self.follow {
                    follow.gap(meta, direction, bytes);
                }
                payload.gap(direction, bytes, &mut |direction, cut| {
                    self.message(meta, direction, &cut, with.ctx);
                });
            }
        }
    }

    /// What is at hand for the bytes of that connection.
    fn given<'w>(&self, meta: &Meta, asked: bool, with: With<'w>) -> Given<'w> {
        let network = &with.ctx.plan.network;
        let server = meta.server_end();
        let forced = network.dialects.iter().find(|d| asked && d.is_for(&server));
        let (known, choice) = if let Some(described) = forced {
            let known = match (described.length, described.header) {
                (Some(length), Some(header)) => Some(Wire {
                    length,
                    header,
                    dialect: described.dialect,
                }),
                _ => None,
            };
            let choice = Choice {
                first: std::slice::from_ref(&described.dialect),
                built_in: false,
                length: described.length,
                header: described.header,
            };
            (known, choice)
        } else {
            let known = if asked {
                self.wire_of(meta, with.known)
            } else {
                None
            };
            let choice = Choice {
                first: with.dialects,
                ..Choice::BUILT_IN
            };
            (known, choice)
        };
        Given {
            mid_stream: !meta.opening_seen,
            known,
            choice,
            edge: with.ctx.edge,
            secrets: with.secrets,
            handshake_bytes: with.ctx.plan.limits.tls_handshake_bytes,
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
            self.damaged();
            self.issues
                .add(Place::Frame(frame), "iso8583_damaged", 1, text.to_string());
        }
        if meta.awaited.len() >= MAX_AWAITED {
            let oldest = meta.awaited.remove(0);
            self.events.push(oldest.event);
        }
        meta.awaited.push(Awaited {
            direction,
            end: i64::try_from(cut.end).unwrap_or(i64::MAX),
            sent: cut.nanos,
            event: Event {
                source: self.source,
                place: Place::Frame(frame),
                at: stamp(cut.nanos, meta.timed),
                lane: meta.id,
                keys,
                payload: Payload::Iso8583(Box::new(iso)),
            },
        });
    }

    /// Notes on messages that TCP has acknowledged by now, and lets them go.
    pub(super) fn acknowledged(&mut self, flow: &mut Flow, nanos: i64) {
        let acked = [flow.halves[0].acked_to, flow.halves[1].acked_to];
        let done = |wait: &Awaited| acked[wait.direction] >= wait.end;
        if !flow.meta.awaited.iter().any(done) {
            return;
        }
        for mut wait in std::mem::take(&mut flow.meta.awaited) {
            if !done(&wait) {
                flow.meta.awaited.push(wait);
                continue;
            }
            if let Payload::Iso8583(iso) = &mut wait.event.payload {
                iso.acked_after_micros = Some(nanos.saturating_sub(wait.sent).max(0) / 1000);
            }
            self.events.push(wait.event);
        }
    }

    /// The next file of the set begins behind so many frames.
    pub(super) fn next_file(&mut self, start: u32) {
        self.starts.push(start);
        self.packed.push(Events::default());
        self.bytes.push(Bytes::default());
    }

    fn damaged(&mut self) {
        if let Some(bytes) = self.bytes.last_mut() {
            bytes.damaged += 1;
        }
    }

    pub(super) fn understood(&mut self, of: &ByFile) {
        for (file, count) in of.each() {
            if let Some(bytes) = self.bytes.get_mut(usize::from(file)) {
                bytes.understood += count;
            }
        }
    }

    pub(super) fn ignored(&mut self, of: &ByFile) {
        for (file, count) in of.each() {
            if let Some(bytes) = self.bytes.get_mut(usize::from(file)) {
                bytes.ignored += count;
            }
        }
    }

    /// Packs what is finished.
    pub(super) fn pack(&mut self, least: usize, spill: &Arc<Spill>) {
        if self.events.len() < least.max(1) {
            return;
        }
        let events = std::mem::take(&mut self.events);
        if let ([only], [_]) = (self.packed.as_mut_slice(), self.starts.as_slice()) {
            only.extend_from(events, |event| event, spill);
            return;
        }
        let mut files: Vec<Vec<Event>> = self.starts.iter().map(|_| Vec::new()).collect();
        for mut event in events {
            let file = to_file(&mut event, &self.starts);
            if let Some(list) = files.get_mut(file) {
                list.push(event);
            }
        }
        for (packed, list) in self.packed.iter_mut().zip(files) {
            if !list.is_empty() {
                packed.extend_from(list, |event| event, spill);
            }
        }
    }

    /// A flow is over: its last messages, its TLS and HTTP, its row.
    pub(super) fn end(&mut self, mut flow: Box<Flow>, with: With<'_>) {
        flow.drain(&mut |meta, payload, direction, piece| {
            self.piece(meta, payload, direction, piece, with);
        });
        let given = self.given(&flow.meta, true, with);
        let Flow { meta, payload, .. } = &mut *flow;
        let noted = payload.finish(&given, &mut |direction, cut| {
            self.message(meta, direction, &cut, with.ctx);
        });
        for wait in std::mem::take(&mut flow.meta.awaited) {
            self.events.push(wait.event);
        }
        if let Some(follow) = &mut self.follow {
            follow.end(&flow);
        }
        if let Some(wire) = noted.learnt {
            self.learn(flow.meta.server_end(), wire);
        }
        self.flow_issues(&flow);
        if let Some(event) = self.tls(&flow) {
            self.events.push(event);
        }
        let carried = flow.payload.carried();
        let payment = carried == Some("iso8583");
        let mut keep = payment
            || !flow.payload.web_payments().is_empty()
            || carried == Some("tls")
            || (health::is_trouble(&flow) && !flow.payload.is_web());
        if keep && !payment {
            self.rows += 1;
            if self.rows > MAX_ROWS {
                keep = false;
                self.issues.add(
                    Place::Frame(flow.meta.first_frame),
                    "connections_limit",
                    1,
                    "more failed or encrypted connections than are kept".into(),
                );
            }
        }
        let known_host = keep || self.candidates.len() < MAX_CANDIDATES;
        if !known_host || (!keep && flow.payload.is_web() && flow.payload.http().is_none()) {
            self.ignored(&flow.meta.record_bytes);
            return;
        }
        let candidate = Candidate {
            bytes: flow.meta.record_bytes.clone(),
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
        if let Some(tls) = flow.payload.tls() {
            let (_, failed) = tls.opened();
            if tls.limited() {
                let what = "handshakes longer than is looked at";
                self.issues
                    .add(place, "tls_handshake_limit", 1, what.to_owned());
            }
            if let Some(why) = tls.useless {
                self.issues
                    .add(place, "tls_secret_useless", 1, why.to_owned());
            } else if failed > 0 {
                self.issues.add(
                    place,
                    "tls_not_deciphered",
                    u64::from(failed),
                    "records that the secrets given do not open".into(),
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
            client_version: state.seen.client_version,
            server_name: state.server_name(),
            client: flow.meta.client_end(),
            server: flow.meta.server_end(),
            certificate_validity: state.seen.validity,
            certificate_issuer: state.seen.issuer.clone(),
        };
        Some(self.event(flow, frame, nanos, Payload::Tls(Box::new(event))))
    }

    /// Answers about payments, and the one that tells of trouble.
    fn http(&self, flow: &Flow) -> Vec<Event> {
        let mut told: Vec<&WebSeen> = flow.payload.web_payments().iter().collect();
        if let Some(seen) = flow.payload.http().filter(|seen| !seen.payment) {
            let telling = matches!(
                seen.status,
                301 | 302 | 303 | 307 | 308 | 407 | 511 | 500..=599
            );
            if telling || flow.payload.strange_http() {
                told.push(seen);
            }
        }
        let event = |seen: &WebSeen| {
            let http = HttpEvent {
                flow: flow.meta.id,
                status: seen.status,
                location: seen.location.clone(),
                request: seen.request.clone(),
                result: seen.result.clone(),
                answer_micros: seen.answer_micros,
                client: flow.meta.client_end(),
                server: flow.meta.server_end(),
            };
            let (frame, nanos) = (seen.at.frame, seen.at.nanos);
            let mut event = self.event(flow, frame, nanos, Payload::Http(Box::new(http)));
            if let Some(keys) = &seen.keys {
                let ends = std::mem::take(&mut event.keys);
                event.keys = Keys {
                    device: ends.device,
                    host: ends.host,
                    ..(**keys).clone()
                };
            }
            event
        };
        told.into_iter().map(event).collect()
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

    pub(super) fn keep(&mut self, candidate: Candidate) {
        self.understood(&candidate.bytes);
        self.events.extend(candidate.http);
        let connection = candidate.connection;
        self.servers.insert(connection.server.ip());
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

    pub(super) fn resolution(&mut self, resolved: Resolved) {
        self.understood(&ByFile::of(resolved.file, resolved.bytes));
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

/// Turns the frames of the set into those of the file that the event stands in; frames of other files cannot be cited.
pub(super) fn to_file(event: &mut Event, starts: &[u32]) -> usize {
    let file = localise(&mut event.place, starts);
    let list = match &mut event.payload {
        Payload::Iso8583(iso) => &mut iso.frames,
        Payload::Tcp(connection) => &mut connection.frames,
        Payload::Apdu(exchange) => {
            let answer = &mut exchange.answer_place;
            if answer
                .as_mut()
                .is_some_and(|place| localise(place, starts) != file)
            {
                *answer = None;
            }
            return file;
        }
        _ => return file,
    };
    list.retain_mut(|place| localise(place, starts) == file);
    file
}

fn ends(client: SocketAddr, server: SocketAddr) -> Keys {
    Keys {
        device: Some(client.ip().to_string().into()),
        host: Some(server.to_string().into()),
        ..Keys::default()
    }
}

pub(super) fn stamp(nanos: i64, timed: bool) -> Stamp {
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
