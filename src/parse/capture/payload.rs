//! What a connection carries: finds ISO 8583, TLS and HTTP in its bytes and cuts the messages out.

use std::net::SocketAddr;

use tapscope_parsers::protocol::iso8583::framing::{Frame, Header, LengthForm};
use tapscope_parsers::protocol::iso8583::{
    Choice, Detected, Message, Wire, detect_bare, detect_in,
};
use tapscope_parsers::protocol::net::{http, proxy, tls};

use super::tls::{At, Secrets, TlsState};
use super::web::{Web, WebSeen};
use crate::parse::edge::Edge;

/// Bytes kept while it is not known what they are.
const UNDECIDED: usize = 8 << 10;
/// Bytes kept of a message under way.
const PARTIAL: usize = 8 << 10;
/// Fresh starts tried in a connection whose opening is not in the capture.
const TRIES: u8 = 32;

/// What the connection speaks.
#[derive(Default)]
pub(super) enum Protocol {
    #[default]
    Unknown,
    Iso(Wire),
    Tls(Box<TlsState>),
    Http,
    /// Recognised and not read.
    Named(&'static str),
    Other,
}

/// One direction's bytes on their way into messages.
#[derive(Default)]
struct Half {
    buffer: Vec<u8>,
    /// Where in the buffer the bytes of a frame end: end, frame, time.
    marks: Vec<(usize, u32, i64)>,
    /// Stream offset of the first byte of the buffer.
    base: u64,
    /// Not in step: the next segment that begins like a message counts.
    lost: bool,
    /// Looked at, and no protocol that is known.
    barren: bool,
    tries: u8,
}

/// A message cut out, for the caller to turn into an event.
pub(super) struct Cut<'a> {
    pub(super) message: Message<'a>,
    pub(super) header: Header<'a>,
    pub(super) frames: &'a [u32],
    pub(super) nanos: i64,
    /// Stream offset behind it.
    pub(super) end: u64,
    /// Set where bytes of it are missing: why.
    pub(super) cut: Option<&'static str>,
}

/// What else happened.
#[derive(Default)]
pub(super) struct Noted {
    /// The host's messages are of this kind.
    pub(super) learnt: Option<Wire>,
    /// Out of step with the messages.
    pub(super) desync: bool,
}

/// What is at hand while bytes are read.
#[derive(Clone, Copy)]
pub(super) struct Given<'g> {
    /// The opening of the connection is not in the capture.
    pub(super) mid_stream: bool,
    /// How the host's messages are written, where that is known.
    pub(super) known: Option<Wire>,
    /// Framings and dialects to try.
    pub(super) choice: Choice<'g>,
    pub(super) edge: &'g Edge,
    pub(super) secrets: Secrets<'g>,
    /// Bytes of a TLS handshake that are looked at.
    pub(super) handshake_bytes: u32,
}

/// What a connection carries.
#[derive(Default)]
pub(super) struct Payload {
    protocol: Protocol,
    halves: [Half; 2],
    web: Option<Box<Web>>,
    pub(super) messages: u32,
    spoke_http: bool,
    /// What came out of TLS.
    inner: Option<Box<Payload>>,
    /// Bytes so far of each direction of a TLS connection, gaps and all.
    fed: [u64; 2],
    /// Who opened it, as a proxy in between says.
    pub(super) proxied: Option<SocketAddr>,
}

type Out<'o> = &'o mut dyn FnMut(usize, Cut<'_>);

impl Payload {
    pub(super) fn tls(&self) -> Option<&TlsBox> {
        match &self.protocol {
            Protocol::Tls(state) => Some(state),
            _ => None,
        }
    }

    /// True where it helps to know how the host's messages are written.
    pub(super) fn asks(&self) -> bool {
        match &self.protocol {
            Protocol::Unknown => true,
            Protocol::Tls(_) => self.inner.as_ref().is_some_and(|inner| inner.asks()),
            _ => false,
        }
    }

    pub(super) fn carried(&self) -> Option<&'static str> {
        match &self.protocol {
            Protocol::Iso(_) if self.messages > 0 => Some("iso8583"),
            Protocol::Tls(_) if self.read_inside() => Some("iso8583"),
            Protocol::Tls(_) => Some("tls"),
            Protocol::Http if self.messages > 0 => Some("iso8583"),
            Protocol::Http => Some("http"),
            Protocol::Named(name) => Some(name),
            _ if self.http().is_some() => Some("http"),
            _ => None,
        }
    }

    fn read_inside(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.messages > 0)
    }

    /// How the messages are written, once that is known.
    pub(super) fn wire(&self) -> Option<Wire> {
        match &self.protocol {
            Protocol::Iso(wire) => Some(*wire),
            Protocol::Tls(_) => self.inner.as_ref()?.wire(),
            _ => None,
        }
    }

    /// The HTTP answer that tells most, in the clear or in TLS.
    pub(super) fn http(&self) -> Option<&WebSeen> {
        let own = self.web.as_ref().and_then(|web| web.seen());
        own.or_else(|| self.inner.as_ref()?.http())
    }

    /// HTTP exchanges about payments, in the clear or in TLS.
    pub(super) fn web_payments(&self) -> &[WebSeen] {
        match (&self.web, &self.inner) {
            (Some(web), _) if !web.payments.is_empty() => &web.payments,
            (_, Some(inner)) => inner.web_payments(),
            _ => &[],
        }
    }

    /// True where the connection was in step with TLS or ISO 8583 and an HTTP answer came.
    pub(super) fn strange_http(&self) -> bool {
        self.web.as_ref().is_some_and(|web| web.seen().is_some())
            && !matches!(self.protocol, Protocol::Http)
    }

    /// True where the client spoke HTTP itself.
    pub(super) fn is_web(&self) -> bool {
        self.spoke_http
    }

    /// Takes the next bytes of one direction.
    pub(super) fn bytes(
        &mut self,
        direction: usize,
        data: &[u8],
        at: At,
        given: &Given<'_>,
        out: Out<'_>,
    ) -> Noted {
        let mut noted = Noted::default();
        match &mut self.protocol {
            Protocol::Tls(_) => noted = self.tls_bytes(direction, data, at, given, out),
            Protocol::Iso(wire) => {
                let wire = *wire;
                self.turn(direction, &wire, out);
                noted.desync = self.iso(direction, &wire, data, at, given.edge, out);
            }
            Protocol::Http => self.web(direction, data, at, given.edge, out),
            Protocol::Other | Protocol::Named(_) if tls::is_client_hello(data) => {
                // TLS inside another protocol, once both sides agreed on it: mail, databases, gateways.
                self.protocol = Protocol::Tls(Box::new(TlsState::within(given.handshake_bytes)));
                self.fed = [self.halves[0].base, self.halves[1].base];
                noted = self.tls_bytes(direction, data, at, given, out);
            }
            Protocol::Other | Protocol::Named(_) => {
                self.halves[direction].base += data.len() as u64;
            }
            Protocol::Unknown => {
                self.undecided(direction, data, at, given);
                noted.learnt = self.decide(direction, false, given);
                if noted.learnt.is_none() {
                    // The other side answers: what this one said so far may be a whole message without a length.
                    noted.learnt = self.decide(1 - direction, true, given);
                }
                let more = self.replay(given, out);
                noted.learnt = noted.learnt.or(more.learnt);
            }
        }
        noted
    }

    /// Bytes of a TLS connection; what comes open goes to the payload inside.
    fn tls_bytes(
        &mut self,
        direction: usize,
        data: &[u8],
        at: At,
        given: &Given<'_>,
        out: Out<'_>,
    ) -> Noted {
        let mut noted = Noted::default();
        let Protocol::Tls(state) = &mut self.protocol else {
            return noted;
        };
        self.fed[direction] += data.len() as u64;
        let (inner, fed) = (&mut self.inner, self.fed);
        let inside = Given {
            mid_stream: false,
            ..*given
        };
        state.push(
            direction,
            data,
            at,
            given.edge,
            given.secrets,
            &mut |direction, plain| {
                let inner = inner.get_or_insert_with(Box::default);
                let end = fed[direction];
                let more = inner.bytes(direction, plain, at, &inside, &mut |direction, cut| {
                    out(direction, Cut { end, ..cut });
                });
                noted.learnt = noted.learnt.or(more.learnt);
                noted.desync |= more.desync;
            },
        );
        if data.starts_with(b"HTTP/1.") {
            // Plain text in answer to a handshake: a portal, or the wrong port.
            self.web(direction, data, at, given.edge, out);
        }
        noted
    }

    fn web(&mut self, direction: usize, data: &[u8], at: At, edge: &Edge, out: Out<'_>) {
        let web = self.web.get_or_insert_with(Box::default);
        web.push(direction, data, at, edge);
        self.halves[direction].base += data.len() as u64;
        for (direction, body, since) in web.bodies() {
            let Some((wire, message)) = detect_bare(&body) else {
                continue;
            };
            self.messages += 1;
            out(
                direction,
                Cut {
                    message,
                    header: wire.header.read(&body).unwrap_or_default(),
                    frames: &[since.frame],
                    nanos: since.nanos,
                    end: self.halves[direction].base,
                    cut: None,
                },
            );
        }
    }

    /// Bytes of one direction are not in the capture.
    pub(super) fn gap(&mut self, direction: usize, bytes: u64, out: Out<'_>) {
        match &mut self.protocol {
            Protocol::Tls(state) => {
                state.gap(direction);
                self.fed[direction] += bytes;
            }
            Protocol::Iso(wire) => {
                let wire = *wire;
                self.flush(direction, &wire, "bytes are missing from the capture", out);
                self.halves[direction].lost = true;
            }
            _ => {}
        }
        if let Some(web) = &mut self.web {
            web.gap(direction);
        }
        let half = &mut self.halves[direction];
        half.base += bytes + half.buffer.len() as u64;
        half.buffer.clear();
        half.marks.clear();
    }

    /// The connection is over.
    pub(super) fn finish(&mut self, given: &Given<'_>, out: Out<'_>) -> Noted {
        let mut noted = Noted::default();
        for direction in 0..2 {
            if matches!(self.protocol, Protocol::Unknown) {
                noted.learnt = self.decide(direction, true, given);
            }
        }
        let more = self.replay(given, out);
        noted.learnt = noted.learnt.or(more.learnt);
        if let Protocol::Iso(wire) = &self.protocol {
            let wire = *wire;
            for direction in 0..2 {
                self.turn(1 - direction, &wire, out);
                self.flush(direction, &wire, "the connection ended inside it", out);
            }
        }
        if let Some(inner) = &mut self.inner {
            let inside = Given {
                mid_stream: false,
                ..*given
            };
            let fed = self.fed;
            let more = inner.finish(&inside, &mut |direction, cut| {
                let end = fed[direction];
                out(direction, Cut { end, ..cut });
            });
            noted.learnt = noted.learnt.or(more.learnt);
        }
        noted
    }

    fn undecided(&mut self, direction: usize, data: &[u8], at: At, given: &Given<'_>) {
        let half = &mut self.halves[direction];
        if half.barren {
            // In mid-stream, or once the other side's messages are known, a segment may begin one.
            let again = (given.mid_stream || given.known.is_some()) && half.tries < TRIES;
            if !again {
                half.base += data.len() as u64;
                return;
            }
            half.barren = false;
        }
        half.keep(data, at, UNDECIDED);
    }

    /// Decides what the connection speaks, where the bytes of this direction show it.
    fn decide(&mut self, direction: usize, ended: bool, given: &Given<'_>) -> Option<Wire> {
        let half = &mut self.halves[direction];
        if half.barren || half.buffer.is_empty() {
            return None;
        }
        if half.base == 0 && self.proxied.is_none() {
            match proxy::read(&half.buffer) {
                proxy::Found::Header { bytes, source } => {
                    half.pass(bytes);
                    self.proxied = source;
                }
                proxy::Found::More if !ended => return None,
                _ => {}
            }
        }
        let bytes = half.buffer.as_slice();
        if tls::is_handshake(bytes) || tls::is_alert(bytes) {
            self.protocol = Protocol::Tls(Box::new(TlsState::within(given.handshake_bytes)));
            return None;
        }
        if let Some(name) = http::foreign(bytes) {
            self.protocol = Protocol::Named(name);
            return None;
        }
        if http::is_request(bytes) {
            self.protocol = Protocol::Http;
            self.spoke_http = true;
            return None;
        }
        if bytes.starts_with(b"HTTP/1.") {
            self.protocol = Protocol::Http;
            return None;
        }
        if let Some(wire) = given.known
            && wire.length != LengthForm::None
            && wire.starts(bytes)
        {
            self.protocol = Protocol::Iso(wire);
            return Some(wire);
        }
        match detect_in(bytes, ended, given.choice) {
            Detected::Yes(wire, _) => {
                self.protocol = Protocol::Iso(wire);
                return Some(wire);
            }
            Detected::More(_) if bytes.len() < UNDECIDED => {}
            _ => {
                half.barren = true;
                half.tries = half.tries.saturating_add(1);
                half.forget();
            }
        }
        let hopeless = !given.mid_stream || self.halves.iter().all(|h| h.tries >= TRIES);
        if self.halves.iter().all(|h| h.barren) && hopeless && given.known.is_none() {
            self.protocol = Protocol::Other;
        }
        None
    }

    /// Once the protocol is known, the bytes kept so far go through it.
    fn replay(&mut self, given: &Given<'_>, out: Out<'_>) -> Noted {
        let mut noted = Noted::default();
        if matches!(self.protocol, Protocol::Unknown) {
            return noted;
        }
        // The side that spoke first goes first.
        let mut order = [0, 1];
        let first = |h: &Half| h.marks.first().map_or(u32::MAX, |m| m.1);
        if first(&self.halves[1]) < first(&self.halves[0]) {
            order = [1, 0];
        }
        for direction in order {
            let half = &mut self.halves[direction];
            let bytes = std::mem::take(&mut half.buffer);
            let marks = std::mem::take(&mut half.marks);
            if half.barren {
                half.barren = false;
                half.lost = true;
            }
            let mut from = 0;
            for (end, frame, nanos) in marks {
                let piece = &bytes[from..end];
                from = end;
                let at = At { frame, nanos };
                match &mut self.protocol {
                    Protocol::Tls(_) => {
                        let more = self.tls_bytes(direction, piece, at, given, out);
                        noted.learnt = noted.learnt.or(more.learnt);
                    }
                    Protocol::Iso(wire) => {
                        let wire = *wire;
                        self.iso(direction, &wire, piece, at, given.edge, out);
                    }
                    Protocol::Http => self.web(direction, piece, at, given.edge, out),
                    Protocol::Unknown | Protocol::Other | Protocol::Named(_) => {}
                }
            }
        }
        noted
    }

    /// Bytes of a direction whose messages are known. True where they fell out of step.
    fn iso(
        &mut self,
        direction: usize,
        wire: &Wire,
        data: &[u8],
        at: At,
        edge: &Edge,
        out: Out<'_>,
    ) -> bool {
        let half = &mut self.halves[direction];
        if half.lost {
            if !wire.fits(data) {
                half.base += data.len() as u64;
                self.stray(direction, data, at, edge);
                return false;
            }
            half.lost = false;
        }
        if half.buffer.is_empty() {
            // The common case: whole messages, read where they stand.
            let mark = [(data.len(), at.frame, at.nanos)];
            let (used, ok, count) =
                pull(data, half.base, &mark, wire, &mut |cut| out(direction, cut));
            half.base += used as u64;
            self.messages += count;
            let rest = &data[used..];
            return self.settle(direction, ok, rest, at, edge);
        }
        half.keep(data, at, PARTIAL);
        let buffer = std::mem::take(&mut half.buffer);
        let marks = std::mem::take(&mut half.marks);
        let (used, ok, count) = pull(&buffer, half.base, &marks, wire, &mut |cut| {
            out(direction, cut)
        });
        half.base += used as u64;
        self.messages += count;
        let half = &mut self.halves[direction];
        if ok && buffer.len() - used < PARTIAL {
            half.marks = marks
                .iter()
                .filter(|m| m.0 > used)
                .map(|m| (m.0 - used, m.1, m.2))
                .collect();
            half.buffer = buffer;
            half.buffer.drain(..used);
            return false;
        }
        half.base += (buffer.len() - used) as u64;
        half.lost = true;
        true
    }

    fn settle(&mut self, direction: usize, ok: bool, rest: &[u8], at: At, edge: &Edge) -> bool {
        let half = &mut self.halves[direction];
        if ok {
            half.keep(rest, at, PARTIAL);
            return false;
        }
        half.base += rest.len() as u64;
        half.lost = true;
        self.stray(direction, rest, at, edge);
        true
    }

    /// Bytes that are no message: perhaps what a web server says on a payment port.
    fn stray(&mut self, direction: usize, data: &[u8], at: At, edge: &Edge) {
        if data.starts_with(b"HTTP/1.") {
            self.web(direction, data, at, edge, &mut |_, _| {});
        }
    }

    /// The other side speaks: a message without a length ends here.
    fn turn(&mut self, speaker: usize, wire: &Wire, out: Out<'_>) {
        if wire.length == LengthForm::None {
            self.flush(1 - speaker, wire, "", out);
        }
    }

    /// Gives out what is left in the buffer, where it is the beginning of a message.
    fn flush(&mut self, direction: usize, wire: &Wire, why: &'static str, out: Out<'_>) {
        let half = &mut self.halves[direction];
        let buffer = std::mem::take(&mut half.buffer);
        let marks = std::mem::take(&mut half.marks);
        if !buffer.is_empty() {
            let lead = match wire.length.read(&buffer) {
                Frame::Message { lead, .. } => Some(lead),
                _ => None,
            };
            if let Some(lead) = lead
                && let Some((message, header)) = wire.read_body(&buffer[lead..])
                && (message.fields.len() >= 3 || message.whole())
            {
                let (frames, nanos) = carriers(&marks, 0, buffer.len());
                self.messages += 1;
                out(
                    direction,
                    Cut {
                        message,
                        header,
                        frames: &frames,
                        nanos,
                        end: self.halves[direction].base + buffer.len() as u64,
                        cut: (!why.is_empty()).then_some(why),
                    },
                );
            }
        }
        self.halves[direction].base += buffer.len() as u64;
    }
}

/// The state of a TLS connection, boxed as most connections have none.
pub(super) type TlsBox = Box<TlsState>;

impl Half {
    /// Passes over the first bytes of the buffer.
    fn pass(&mut self, bytes: usize) {
        self.buffer.drain(..bytes.min(self.buffer.len()));
        self.base += bytes as u64;
        self.marks.retain_mut(|mark| {
            let more = mark.0 > bytes;
            mark.0 = mark.0.saturating_sub(bytes);
            more
        });
    }

    fn keep(&mut self, data: &[u8], at: At, limit: usize) {
        let room = limit.saturating_sub(self.buffer.len());
        let data = &data[..data.len().min(room)];
        if data.is_empty() {
            return;
        }
        self.buffer.extend_from_slice(data);
        self.marks.push((self.buffer.len(), at.frame, at.nanos));
    }

    fn forget(&mut self) {
        self.base += self.buffer.len() as u64;
        self.buffer = Vec::new();
        self.marks = Vec::new();
    }
}

/// The frames that carried the bytes from `from` to `to`, in order, and the time of the first of them.
fn carriers(marks: &[(usize, u32, i64)], from: usize, to: usize) -> (Vec<u32>, i64) {
    let mut carriers: Vec<(u32, i64)> = Vec::with_capacity(1);
    let mut start = 0;
    for (end, frame, nanos) in marks {
        if *end > from && start < to {
            carriers.push((*frame, *nanos));
        }
        start = *end;
    }
    carriers.sort_unstable();
    carriers.dedup();
    let nanos = carriers.first().map_or(0, |c| c.1);
    (carriers.into_iter().map(|c| c.0).collect(), nanos)
}

/// Cuts whole messages off the front: bytes used, still in step, how many.
fn pull(
    bytes: &[u8],
    base: u64,
    marks: &[(usize, u32, i64)],
    wire: &Wire,
    out: &mut dyn FnMut(Cut<'_>),
) -> (usize, bool, u32) {
    let mut at = 0;
    let mut count = 0;
    if wire.length == LengthForm::None {
        return (0, true, 0);
    }
    loop {
        let rest = &bytes[at..];
        match wire.length.read(rest) {
            Frame::More => return (at, true, count),
            Frame::KeepAlive(n) => at += n,
            Frame::Bad => return (at, false, count),
            Frame::Message { lead, body } => {
                let Some(whole) = rest.get(lead..lead + body) else {
                    // Not all there: is it one at all?
                    let visible = rest.get(lead..).unwrap_or_default();
                    let enough = visible.len() >= wire.header.size() + 4;
                    let ok = !enough || wire.begins(visible);
                    return (at, ok, count);
                };
                let Some((message, header)) = wire.read_body(whole) else {
                    return (at, false, count);
                };
                let end = at + lead + body;
                let (frames, nanos) = carriers(marks, at, end);
                count += 1;
                out(Cut {
                    message,
                    header,
                    frames: &frames,
                    nanos,
                    end: base + end as u64,
                    cut: None,
                });
                at = end;
            }
        }
        if at >= bytes.len() {
            return (at, true, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapscope_parsers::protocol::net::tls::keylog::KeyLog;

    /// A 0200 over HTTP, in segments that end anywhere: it comes out once, and the connection is known for what it carries.
    #[test]
    fn messages_in_the_body_of_http_come_out() {
        let body = tapscope_parsers::hex::decode_all(
            b"6000030000603200320000\
              0200302004802000811100000000000000420000006100720012303030303030303138383430303030373031353031393030303139313536",
        )
        .unwrap();
        let head = format!(
            "POST /mpos/unp HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let stream = [head.as_bytes(), &body].concat();
        let edge = Edge::new(Some([3; 32]));
        let keys = KeyLog::default();
        let given = Given {
            mid_stream: false,
            known: None,
            choice: Choice::BUILT_IN,
            edge: &edge,
            secrets: Secrets {
                given: &keys,
                found: &keys,
            },
            handshake_bytes: 1 << 16,
        };
        for cut in [7, 60, 4096] {
            let mut payload = Payload::default();
            let mut seen = Vec::new();
            for (frame, part) in stream.chunks(cut).enumerate() {
                let at = At {
                    frame: frame as u32,
                    nanos: 1,
                };
                payload.bytes(0, part, at, &given, &mut |direction, cut| {
                    seen.push((direction, cut.message.mti, cut.end));
                });
            }
            assert_eq!(seen, [(0, 200, stream.len() as u64)], "segments of {cut}");
            assert_eq!(payload.carried(), Some("iso8583"));
        }
    }
}
