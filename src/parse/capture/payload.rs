//! What a connection carries: finds ISO 8583, TLS and HTTP in its bytes and cuts the messages out.

use tapscope_parsers::protocol::iso8583::framing::{Frame, Header, LengthForm};
use tapscope_parsers::protocol::iso8583::{Detected, Message, Wire, detect};
use tapscope_parsers::protocol::net::{http, tls};

use super::tls::TlsState;
use crate::event::Text;
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

/// An HTTP answer that was seen.
pub(super) struct HttpSeen {
    pub(super) status: u16,
    pub(super) location: Option<Text>,
    pub(super) frame: u32,
    pub(super) nanos: i64,
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

/// What a connection carries.
#[derive(Default)]
pub(super) struct Payload {
    protocol: Protocol,
    halves: [Half; 2],
    pub(super) http: Option<HttpSeen>,
    pub(super) messages: u32,
    spoke_http: bool,
}

type Out<'o> = &'o mut dyn FnMut(usize, Cut<'_>);

impl Payload {
    pub(super) fn tls(&self) -> Option<&TlsBox> {
        match &self.protocol {
            Protocol::Tls(state) => Some(state),
            _ => None,
        }
    }

    /// True once it is known what the connection speaks.
    pub(super) fn is_decided(&self) -> bool {
        !matches!(self.protocol, Protocol::Unknown)
    }

    pub(super) fn carried(&self) -> Option<&'static str> {
        match &self.protocol {
            Protocol::Iso(_) if self.messages > 0 => Some("iso8583"),
            Protocol::Tls(_) => Some("tls"),
            Protocol::Http => Some("http"),
            _ if self.http.is_some() => Some("http"),
            _ => None,
        }
    }

    /// True where the connection was in step with TLS or ISO 8583 and an HTTP answer came.
    pub(super) fn strange_http(&self) -> bool {
        self.http.is_some() && !matches!(self.protocol, Protocol::Http)
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
        frame: u32,
        nanos: i64,
        mid_stream: bool,
        known: Option<Wire>,
        edge: &Edge,
        out: Out<'_>,
    ) -> Noted {
        let mut noted = Noted::default();
        match &mut self.protocol {
            Protocol::Tls(state) => {
                state.push(direction, data, frame, nanos, edge);
                if data.starts_with(b"HTTP/1.") {
                    // Plain text in answer to a handshake: a portal, or the wrong port.
                    self.answer(data, frame, nanos, edge);
                }
            }
            Protocol::Iso(wire) => {
                let wire = *wire;
                self.turn(direction, &wire, out);
                noted.desync = self.iso(direction, &wire, data, frame, nanos, edge, out);
            }
            Protocol::Http => self.answer(data, frame, nanos, edge),
            Protocol::Other => self.halves[direction].base += data.len() as u64,
            Protocol::Unknown => {
                self.undecided(direction, data, frame, nanos, mid_stream, known);
                noted.learnt = self.decide(direction, false, mid_stream, known);
                if noted.learnt.is_none() {
                    // The other side answers: what this one said so far may be a whole message without a length.
                    noted.learnt = self.decide(1 - direction, true, mid_stream, known);
                }
                self.replay(edge, out);
            }
        }
        noted
    }

    /// Bytes of one direction are not in the capture.
    pub(super) fn gap(&mut self, direction: usize, bytes: u64, out: Out<'_>) {
        match &mut self.protocol {
            Protocol::Tls(state) => state.gap(direction),
            Protocol::Iso(wire) => {
                let wire = *wire;
                self.flush(direction, &wire, "bytes are missing from the capture", out);
                self.halves[direction].lost = true;
            }
            _ => {}
        }
        let half = &mut self.halves[direction];
        half.base += bytes + half.buffer.len() as u64;
        half.buffer.clear();
        half.marks.clear();
    }

    /// The connection is over.
    pub(super) fn finish(
        &mut self,
        mid_stream: bool,
        known: Option<Wire>,
        edge: &Edge,
        out: Out<'_>,
    ) -> Noted {
        let mut noted = Noted::default();
        for direction in 0..2 {
            if matches!(self.protocol, Protocol::Unknown) {
                noted.learnt = self.decide(direction, true, mid_stream, known);
            }
        }
        self.replay(edge, out);
        if let Protocol::Iso(wire) = &self.protocol {
            let wire = *wire;
            for direction in 0..2 {
                self.turn(1 - direction, &wire, out);
                self.flush(direction, &wire, "the connection ended inside it", out);
            }
        }
        noted
    }

    fn undecided(
        &mut self,
        direction: usize,
        data: &[u8],
        frame: u32,
        nanos: i64,
        mid_stream: bool,
        known: Option<Wire>,
    ) {
        let half = &mut self.halves[direction];
        if half.barren {
            // In mid-stream, or once the other side's messages are known, a segment may begin one.
            let again = (mid_stream || known.is_some()) && half.tries < TRIES;
            if !again {
                half.base += data.len() as u64;
                return;
            }
            half.barren = false;
        }
        half.keep(data, frame, nanos, UNDECIDED);
    }

    /// Decides what the connection speaks, where the bytes of this direction show it.
    fn decide(
        &mut self,
        direction: usize,
        ended: bool,
        mid_stream: bool,
        known: Option<Wire>,
    ) -> Option<Wire> {
        let half = &mut self.halves[direction];
        if half.barren || half.buffer.is_empty() {
            return None;
        }
        let bytes = half.buffer.as_slice();
        if tls::is_handshake(bytes) || tls::is_alert(bytes) {
            self.protocol = Protocol::Tls(Box::default());
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
        if let Some(wire) = known
            && wire.length != LengthForm::None
            && wire.starts(bytes)
        {
            self.protocol = Protocol::Iso(wire);
            return Some(wire);
        }
        match detect(bytes, ended) {
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
        let hopeless = !mid_stream || self.halves.iter().all(|h| h.tries >= TRIES);
        if self.halves.iter().all(|h| h.barren) && hopeless && known.is_none() {
            self.protocol = Protocol::Other;
        }
        None
    }

    /// Once the protocol is known, the bytes kept so far go through it.
    fn replay(&mut self, edge: &Edge, out: Out<'_>) {
        if matches!(self.protocol, Protocol::Unknown) {
            return;
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
                match &mut self.protocol {
                    Protocol::Tls(state) => state.push(direction, piece, frame, nanos, edge),
                    Protocol::Iso(wire) => {
                        let wire = *wire;
                        self.iso(direction, &wire, piece, frame, nanos, edge, out);
                    }
                    Protocol::Http => self.answer(piece, frame, nanos, edge),
                    Protocol::Unknown | Protocol::Other => {}
                }
            }
        }
    }

    fn answer(&mut self, data: &[u8], frame: u32, nanos: i64, edge: &Edge) {
        if self.http.is_none()
            && let Some(answer) = http::answer(data)
        {
            self.http = Some(HttpSeen {
                status: answer.status,
                location: answer.location.map(|l| edge.bytes_as_text(l)),
                frame,
                nanos,
            });
        }
    }

    /// Bytes of a direction whose messages are known. True where they fell out of step.
    fn iso(
        &mut self,
        direction: usize,
        wire: &Wire,
        data: &[u8],
        frame: u32,
        nanos: i64,
        edge: &Edge,
        out: Out<'_>,
    ) -> bool {
        let half = &mut self.halves[direction];
        if half.lost {
            if !wire.fits(data) {
                half.base += data.len() as u64;
                self.answer(data, frame, nanos, edge);
                return false;
            }
            half.lost = false;
        }
        if half.buffer.is_empty() {
            // The common case: whole messages, read where they stand.
            let mark = [(data.len(), frame, nanos)];
            let (used, ok, count) =
                pull(data, half.base, &mark, wire, &mut |cut| out(direction, cut));
            half.base += used as u64;
            self.messages += count;
            let rest = &data[used..];
            return self.settle(direction, ok, rest, frame, nanos, edge);
        }
        half.keep(data, frame, nanos, PARTIAL);
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

    fn settle(
        &mut self,
        direction: usize,
        ok: bool,
        rest: &[u8],
        frame: u32,
        nanos: i64,
        edge: &Edge,
    ) -> bool {
        let half = &mut self.halves[direction];
        if ok {
            half.keep(rest, frame, nanos, PARTIAL);
            return false;
        }
        half.base += rest.len() as u64;
        half.lost = true;
        self.answer(rest, frame, nanos, edge);
        true
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
    fn keep(&mut self, data: &[u8], frame: u32, nanos: i64, limit: usize) {
        let room = limit.saturating_sub(self.buffer.len());
        let data = &data[..data.len().min(room)];
        if data.is_empty() {
            return;
        }
        self.buffer.extend_from_slice(data);
        self.marks.push((self.buffer.len(), frame, nanos));
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
