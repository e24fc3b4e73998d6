//! What a TLS connection said in clear, and whether its handshake failed.

use tapscope_parsers::protocol::net::tls::{Half, Said};

use crate::event::{Text, TlsStage};
use crate::parse::edge::Edge;

/// A TLS connection.
#[derive(Default)]
pub(super) struct TlsState {
    halves: [Half; 2],
    encrypted: [bool; 2],
    data: [bool; 2],
    /// Bytes are missing: what was not heard may have been said.
    blind: bool,
    stage: Option<TlsStage>,
    pub(super) client_version: Option<u16>,
    pub(super) server_version: Option<u16>,
    name: Option<Text>,
    pub(super) validity: Option<(i64, i64)>,
    pub(super) issuer: Option<Text>,
    /// Description, direction, frame and time of the alert that counts: the first fatal one, else the last warning.
    pub(super) alert: Option<(u8, u8, usize, u32, i64)>,
}

impl TlsState {
    pub(super) fn server_name(&self) -> Option<Text> {
        self.name.clone()
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

    pub(super) fn push(
        &mut self,
        direction: usize,
        bytes: &[u8],
        frame: u32,
        nanos: i64,
        edge: &Edge,
    ) {
        let mut half = std::mem::take(&mut self.halves[direction]);
        half.push(bytes, &mut |said| {
            self.hear(direction, said, frame, nanos, edge);
        });
        self.halves[direction] = half;
    }

    pub(super) fn gap(&mut self, direction: usize) {
        self.halves[direction].gap();
        self.blind = true;
    }

    fn hear(&mut self, direction: usize, said: Said<'_>, frame: u32, nanos: i64, edge: &Edge) {
        match said {
            Said::ClientHello { version, name } => {
                self.client_version = Some(version);
                self.name = name.map(|n| edge.bytes_as_text(n));
                self.stage = self.stage.max(Some(TlsStage::ClientHello));
            }
            Said::ServerHello { version, .. } => {
                self.server_version = Some(version);
                self.stage = self.stage.max(Some(TlsStage::ServerHello));
            }
            Said::Certificate(certificate) => {
                // The server's comes first; a client's own is of no interest here.
                if self.stage.max(Some(TlsStage::ServerHello)) == Some(TlsStage::ServerHello) {
                    self.validity = certificate.validity;
                    self.issuer = certificate.issuer.map(|n| edge.bytes_as_text(n));
                }
                self.stage = self.stage.max(Some(TlsStage::Certificate));
            }
            Said::Alert { level, description } => {
                if self.alert.is_none_or(|(before, ..)| before != 2) {
                    self.alert = Some((level, description, direction, frame, nanos));
                }
            }
            Said::Encrypted => self.encrypted[direction] = true,
            Said::ApplicationData => self.data[direction] = true,
        }
    }
}
