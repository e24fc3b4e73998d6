//! What the network did: connections whole, TLS trouble, names, ICMP errors.

use std::net::{IpAddr, SocketAddr};

use super::{Place, Text};

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The one that opened it: the terminal.
    Client,
    /// The one that was called: the host.
    Server,
    /// A third party: a middlebox (time-to-live or identification do not fit either end).
    Middlebox,
}

/// A TCP connection, or the attempt at one. Times are microseconds of the capture's clock.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The end that opened it.
    pub client: SocketAddr,
    /// The end that was called.
    pub server: SocketAddr,
    /// True where the opening was seen; false for captures that start in mid-stream.
    pub opening_seen: bool,
    /// SYNs sent by the client.
    pub syn_count: u16,
    /// First SYN to SYN-ACK.
    pub connect_micros: Option<i64>,
    /// A RST answered the SYN.
    pub refused: bool,
    /// Who reset it after it was open.
    pub reset_by: Option<Side>,
    /// Who closed first, in order.
    pub closed_by: Option<Side>,
    /// Time of the first frame.
    pub first_at: i64,
    /// Time of the last frame.
    pub last_at: i64,
    /// Time of the reset or first close.
    pub ended_at: Option<i64>,
    /// Payload bytes from the client, and to it.
    pub client_bytes: u64,
    /// Payload bytes from the server.
    pub server_bytes: u64,
    /// Time of the first and last payload of each side.
    pub client_data: Option<(i64, i64)>,
    /// Likewise for the server.
    pub server_data: Option<(i64, i64)>,
    /// Data segments sent again by the client.
    pub client_retransmissions: u32,
    /// Likewise by the server.
    pub server_retransmissions: u32,
    /// Client data that the server never acknowledged, in bytes.
    pub client_unacked: u64,
    /// Median round trip of data, microseconds.
    pub rtt_micros: Option<i64>,
    /// Times a side advertised a zero window.
    pub zero_windows: u16,
    /// Bytes missing from the capture (gaps).
    pub gap_bytes: u64,
    /// Overlapping segments with different bytes (first copy kept).
    pub overlap_conflicts: u16,
    /// What it carried: `iso8583`, `tls`, `http`, or nothing recognised.
    pub carried: Option<&'static str>,
    /// Server name from the TLS ClientHello.
    pub server_name: Option<Text>,
    /// What TLS showed, where it was TLS.
    pub tls: Option<Box<TlsSeen>>,
    /// Frames worth citing: first SYN, SYN-ACK, RST or FIN, last data (each at most once), in order.
    pub frames: Vec<Place>,
}

/// How far a TLS handshake got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsStage {
    /// ClientHello sent.
    ClientHello,
    /// ServerHello seen.
    ServerHello,
    /// Certificate seen.
    Certificate,
    /// Both sides changed to encryption.
    Established,
}

/// What can be told of a TLS connection, read or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSeen {
    /// How far it got.
    pub stage: Option<TlsStage>,
    /// Highest version that the client offers, as on the wire: 0x0303.
    pub client_version: Option<u16>,
    /// Version that the server chose.
    pub server_version: Option<u16>,
    /// Cipher suite that the server chose.
    pub cipher: Option<u16>,
    /// Server name indication.
    pub server_name: Option<Text>,
    /// First application protocol that the client offers.
    pub application: Option<Text>,
    /// Subject of the server's certificate.
    pub subject: Option<Text>,
    /// Names of hosts that it is for, the first few.
    pub names: Vec<Text>,
    /// Its issuer, common name.
    pub issuer: Option<Text>,
    /// Its validity, seconds since the epoch.
    pub validity: Option<(i64, i64)>,
    /// Certificates that the server sent; `None` where none was seen.
    pub certificates: Option<u8>,
    /// Likewise the client; zero where it was asked and had none.
    pub client_certificates: Option<u8>,
    /// The certificate is for the name that the client asked for; `None` where one of them was not seen.
    pub name_fits: Option<bool>,
    /// The certificate was sent without that of its issuer.
    pub lacks_intermediate: bool,
    /// The certificate names itself as its issuer.
    pub self_issued: bool,
    /// An earlier session goes on: no certificate is sent.
    pub resumed: bool,
    /// Some of it was read with secrets.
    pub decrypted: bool,
    /// Request-sized records that an answer-sized one followed.
    pub exchanges: u16,
    /// Bytes of the last such request, and of its answer.
    pub request_bytes: u32,
    /// Likewise of the answer.
    pub answer_bytes: u32,
    /// Microseconds between them.
    pub answer_micros: Option<i64>,
    /// Bytes of a request-sized record that no answer-sized one followed.
    pub unanswered_request: Option<u32>,
}

/// A TLS handshake that failed, or an alert before application data.
#[derive(Debug, Clone)]
pub struct TlsEvent {
    /// Lane of the connection.
    pub flow: u64,
    /// How far it got.
    pub stage: TlsStage,
    /// Alert description (RFC 8446, section 6), where one was sent in clear.
    pub alert: Option<u8>,
    /// Who sent the alert.
    pub alert_from: Option<Side>,
    /// Highest version that the client offers, as on the wire: 0x0303.
    pub client_version: Option<u16>,
    /// Server name indication.
    pub server_name: Option<Text>,
    /// The client's and server's addresses.
    pub client: SocketAddr,
    /// Likewise.
    pub server: SocketAddr,
    /// Certificate validity, seconds since the epoch, where seen in clear (TLS 1.2 and below).
    pub certificate_validity: Option<(i64, i64)>,
    /// Certificate issuer, common name.
    pub certificate_issuer: Option<Text>,
}

/// A name asked for, and what came back.
#[derive(Debug, Clone)]
pub struct DnsEvent {
    /// Who asked.
    pub client: IpAddr,
    /// Who was asked.
    pub resolver: IpAddr,
    /// The name.
    pub name: Text,
    /// Response code (RFC 1035, 4.1.1); `None` where no answer came.
    pub rcode: Option<u8>,
    /// Addresses answered.
    pub addresses: Vec<IpAddr>,
    /// How often it was asked.
    pub queries: u16,
    /// Microseconds to the answer.
    pub answer_micros: Option<i64>,
}

/// An ICMP error about a packet that was sent.
#[derive(Debug, Clone)]
pub struct IcmpEvent {
    /// Who complains.
    pub from: IpAddr,
    /// ICMP or ICMPv6.
    pub version: u8,
    /// Type (RFC 792, RFC 4443).
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Source of the packet complained about.
    pub about_source: Option<SocketAddr>,
    /// Its destination.
    pub about_destination: Option<SocketAddr>,
}

/// An HTTP answer that explains something: gateway error, captive portal, redirect on a payment port.
#[derive(Debug, Clone)]
pub struct HttpEvent {
    /// Lane of the connection.
    pub flow: u64,
    /// Status code.
    pub status: u16,
    /// Where it points to, without query.
    pub location: Option<Text>,
    /// What was asked: method and path, without query.
    pub request: Option<Text>,
    /// What the answer's JSON says of the result: code and words.
    pub result: Option<Text>,
    /// Microseconds from request to answer.
    pub answer_micros: Option<i64>,
    /// The client's address.
    pub client: SocketAddr,
    /// The server's address.
    pub server: SocketAddr,
}

/// What failed before a connection could be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkFault {
    /// Nobody answered for an address of the own network (ARP).
    NoArpAnswer,
    /// Nobody gave out an address (DHCP).
    NoDhcpAnswer,
    /// The address asked for was refused (DHCP NAK).
    DhcpRefused,
}

/// A failure of the local network, as the terminal sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkEvent {
    /// What failed.
    pub fault: LinkFault,
    /// Who asked; `None` where it has no address yet.
    pub client: Option<IpAddr>,
    /// Hardware address of who asked.
    pub hardware: Option<[u8; 6]>,
    /// The address wanted.
    pub wanted: Option<IpAddr>,
    /// How often it was asked.
    pub asked: u16,
}
