//! What a TLS connection said in clear, whether its handshake failed, how long answers took, and, with secrets, what it
//! carried.

mod decrypt;

use tapscope_parsers::protocol::net::tls::{
    Chain, ClientHello, Half, Said, ServerHello, certificates,
};

pub(super) use decrypt::Secrets;
use decrypt::{Decryptor, Plain};

use crate::event::{Text, TlsSeen, TlsStage};
use crate::parse::edge::Edge;

/// A record this long may hold a request of a terminal (with the cipher's own bytes); shorter ones are alerts,
/// handshakes and probes.
const REQUEST: std::ops::RangeInclusive<u32> = 72..=6_000;
/// Likewise for an answer.
const ANSWER: std::ops::RangeInclusive<u32> = 48..=6_000;
/// Names of one certificate that are kept.
const MAX_NAMES: usize = 8;

/// Where and when a piece of a stream came.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) frame: u32,
    pub(super) nanos: i64,
}

/// Application data that came open: direction and bytes.
pub(super) type Opened<'o> = &'o mut dyn FnMut(usize, &[u8]);

/// A TLS connection.
#[derive(Default)]
pub(super) struct TlsState {
    halves: [Half; 2],
    started: bool,
    encrypted: [bool; 2],
    data: [bool; 2],
    /// Bytes are missing: what was not heard may have been said.
    blind: bool,
    stage: Option<TlsStage>,
    /// Direction of the client, once it said hello.
    client: Option<usize>,
    session: Vec<u8>,
    pub(super) seen: TlsSeen,
    /// Level, description, direction, frame and time of the alert that counts: the first fatal one, else the last warning.
    pub(super) alert: Option<(u8, u8, usize, u32, i64)>,
    /// Bytes and time of a request-sized record that waits for its answer.
    waiting: Option<(u32, i64)>,
    decryptor: Option<Box<Decryptor>>,
    /// Why secrets were of no use.
    pub(super) useless: Option<&'static str>,
}

impl TlsState {
    /// A connection of whose handshake so many bytes are looked at.
    pub(super) fn within(handshake_bytes: u32) -> Self {
        Self {
            halves: [Half::within(handshake_bytes), Half::within(handshake_bytes)],
            ..Self::default()
        }
    }

    /// True where the handshake went beyond what is looked at.
    pub(super) fn limited(&self) -> bool {
        self.halves.iter().any(|half| half.limited)
    }

    pub(super) fn server_name(&self) -> Option<Text> {
        self.seen.server_name.clone()
    }

    pub(super) fn stage(&self) -> TlsStage {
        if self.encrypted == [true, true] || self.data == [true, true] {
            return TlsStage::Established;
        }
        self.stage.unwrap_or(TlsStage::ClientHello)
    }

    /// True where it got no further than the handshake.
    pub(super) fn failed(&self) -> bool {
        let fatal = self.alert.is_some_and(|(level, ..)| level == 2);
        (self.stage() != TlsStage::Established && !self.blind)
            || (fatal && self.data != [true, true])
    }

    /// Records that came open, and that did not.
    pub(super) fn opened(&self) -> (u32, u32) {
        self.decryptor
            .as_ref()
            .map_or((0, 0), |d| (d.opened, d.failed))
    }

    /// What is told of the connection at its end.
    pub(super) fn summary(&self) -> TlsSeen {
        let mut seen = self.seen.clone();
        seen.stage = Some(self.stage());
        seen.unanswered_request = self.waiting.map(|(bytes, _)| bytes);
        seen.decrypted = self.opened().0 > 0;
        seen
    }

    pub(super) fn push(
        &mut self,
        direction: usize,
        bytes: &[u8],
        at: At,
        edge: &Edge,
        secrets: Secrets<'_>,
        opened: Opened<'_>,
    ) {
        if !self.started {
            self.started = true;
            if !secrets.is_empty() {
                self.decryptor = Some(Box::default());
            }
        }
        let mut half = std::mem::take(&mut self.halves[direction]);
        half.keep = self.decryptor.is_some();
        half.push(bytes, &mut |said| {
            self.hear(direction, said, at, edge, secrets, opened);
        });
        half.keep &= self.decryptor.is_some();
        self.halves[direction] = half;
    }

    pub(super) fn gap(&mut self, direction: usize) {
        self.halves[direction].gap();
        self.blind = true;
    }

    fn hear(
        &mut self,
        direction: usize,
        said: Said<'_>,
        at: At,
        edge: &Edge,
        secrets: Secrets<'_>,
        opened: Opened<'_>,
    ) {
        match said {
            Said::ClientHello(hello) => self.client_hello(direction, &hello, edge),
            Said::ServerHello(hello) => self.server_hello(&hello, secrets),
            Said::Certificates(chain) => self.chain(direction, &chain, edge),
            Said::Alert { level, description } => self.alerted(level, description, direction, at),
            Said::Encrypted => {
                self.encrypted[direction] = true;
                let from = self.role(direction);
                if let Some(decryptor) = &mut self.decryptor {
                    decryptor.change_cipher(from);
                }
            }
            Said::Data(length) => self.measure(direction, u32::from(length), at.nanos),
            Said::Record {
                kind,
                version,
                body,
            } => self.open(direction, (kind, version, body), at, edge, secrets, opened),
        }
    }

    /// 0 for the client's direction, 1 for the server's.
    fn role(&self, direction: usize) -> usize {
        usize::from(self.client.is_some_and(|client| client != direction))
    }

    fn client_hello(&mut self, direction: usize, hello: &ClientHello<'_>, edge: &Edge) {
        self.client = Some(direction);
        self.session = hello.session.to_vec();
        self.seen.client_version = Some(hello.version);
        self.seen.server_name = hello.name.map(|n| edge.bytes_as_text(n));
        self.seen.application = hello.application.map(|n| edge.bytes_as_text(n));
        self.stage = self.stage.max(Some(TlsStage::ClientHello));
        if let Some(decryptor) = &mut self.decryptor {
            decryptor.client_hello(hello.random);
        }
    }

    fn server_hello(&mut self, hello: &ServerHello<'_>, secrets: Secrets<'_>) {
        self.seen.server_version = Some(hello.version);
        self.seen.cipher = Some(hello.cipher);
        self.stage = self.stage.max(Some(TlsStage::ServerHello));
        if hello.retry {
            return;
        }
        // Up to TLS 1.2 a server that goes on with a session says its name again.
        self.seen.resumed = if hello.version >= 0x0304 {
            hello.resumed
        } else {
            !hello.session.is_empty() && hello.session == self.session
        };
        if let Some(decryptor) = &mut self.decryptor {
            match decryptor.server_hello(hello.version, hello.cipher, hello.random, secrets) {
                Some(Ok(())) => {}
                Some(Err(why)) => {
                    self.useless = Some(why);
                    self.decryptor = None;
                }
                None => self.decryptor = None,
            }
        }
    }

    fn chain(&mut self, direction: usize, chain: &Chain<'_>, edge: &Edge) {
        let client = self.client == Some(direction);
        self.stage = self.stage.max(Some(TlsStage::Certificate));
        if client {
            self.seen.client_certificates = Some(u8::try_from(chain.list.len()).unwrap_or(u8::MAX));
            return;
        }
        if self.seen.certificates.is_some() {
            return;
        }
        self.seen.certificates = Some(u8::try_from(chain.list.len()).unwrap_or(u8::MAX));
        let Some(first) = chain.end_entity() else {
            return;
        };
        let text = |n: &[u8]| edge.bytes_as_text(n);
        self.seen.validity = first.validity;
        self.seen.issuer = first.issuer.map(text);
        self.seen.subject = first.subject.map(text);
        self.seen.names = first
            .names
            .iter()
            .take(MAX_NAMES)
            .map(|n| text(n))
            .collect();
        self.seen.self_issued = first.self_issued();
        self.seen.lacks_intermediate = chain.lacks_intermediate();
        self.seen.name_fits = self
            .seen
            .server_name
            .as_deref()
            .map(|host| first.is_for(host.as_bytes()));
    }

    fn alerted(&mut self, level: u8, description: u8, direction: usize, at: At) {
        if self.alert.is_none_or(|(before, ..)| before != 2) {
            self.alert = Some((level, description, direction, at.frame, at.nanos));
        }
    }

    /// A request goes out, an answer comes back: what can be told without reading either.
    fn measure(&mut self, direction: usize, length: u32, nanos: i64) {
        self.data[direction] = true;
        if self.client.is_none() {
            return;
        }
        if self.role(direction) == 0 {
            if REQUEST.contains(&length) {
                // A request in several records is one.
                let before = self.waiting.map_or(0, |(bytes, _)| bytes);
                self.waiting = Some((before + length, nanos));
            }
        } else if ANSWER.contains(&length)
            && let Some((bytes, since)) = self.waiting.take()
        {
            self.seen.exchanges = self.seen.exchanges.saturating_add(1);
            self.seen.request_bytes = bytes;
            self.seen.answer_bytes = length;
            self.seen.answer_micros = Some(nanos.saturating_sub(since).max(0) / 1000);
        }
    }

    fn open(
        &mut self,
        direction: usize,
        (kind, version, body): (u8, u16, &[u8]),
        at: At,
        edge: &Edge,
        secrets: Secrets<'_>,
        opened: Opened<'_>,
    ) {
        let Some(mut decryptor) = self.decryptor.take() else {
            return;
        };
        let from = self.role(direction);
        let mut hellos: Vec<(u8, Vec<u8>)> = Vec::new();
        decryptor.record(from, kind, version, body, &mut |plain| match plain {
            Plain::Data(data) => opened(direction, data),
            Plain::Handshake(11, body) => {
                let thirteen = self.seen.server_version.is_some_and(|v| v >= 0x0304);
                self.chain(direction, &certificates(body, thirteen), edge);
            }
            // A renegotiation, inside the connection that it renews.
            Plain::Handshake(kind @ (1 | 2), body) => hellos.push((kind, body.to_vec())),
            Plain::Handshake(..) => {}
            // The end that everyone says is no trouble.
            Plain::Alert(_, 0) => {}
            Plain::Alert(level, description) => self.alerted(level, description, direction, at),
        });
        self.decryptor = Some(decryptor);
        for (kind, body) in hellos {
            match tapscope_parsers::protocol::net::tls::hello_of(kind, &body) {
                Some(Said::ClientHello(hello)) => {
                    if let Some(decryptor) = &mut self.decryptor {
                        decryptor.client_hello(hello.random);
                    }
                }
                Some(Said::ServerHello(hello)) => self.server_hello(&hello, secrets),
                _ => {}
            }
        }
    }
}
