//! Turns an event into the step that it shows, one line for people, and JSON for programs.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tapscope_parsers::protocol::net::tls::names as tls;
use tapscope_parsers::sensitive;

use super::clean::clean;
use crate::correlate::Stage;
use crate::event::{
    CommandKind, Connection, Exchange, FieldState, IsoMessage, LinkFault, LogEvent, Payload, Place,
    Severity, Side, Signal, Tag, TagValue, Text, TlsSeen, TlsStage,
};

/// What the events table says of an event.
pub(super) struct Description {
    pub step: Option<Stage>,
    pub summary: String,
    /// JSON, its keys sorted.
    pub detail: String,
}

/// Describes any event.
pub(super) fn describe(payload: &Payload) -> Description {
    match payload {
        Payload::Log(log) => Description {
            step: step_of_signal(log.signal),
            summary: log.text.to_string(),
            detail: log_detail(log),
        },
        Payload::Apdu(exchange) => apdu(exchange),
        Payload::Nfc(field) => {
            let state = field_state(field.state);
            let mut summary = state.replace('_', " ");
            if let Some(uid) = &field.uid {
                let _ = write!(summary, ", UID {uid}");
            }
            if !field.text.is_empty() {
                let _ = write!(summary, ": {}", field.text);
            }
            Description {
                step: match field.state {
                    FieldState::On | FieldState::NoCard | FieldState::Off => Some(Stage::Polling),
                    FieldState::Activated => Some(Stage::Activated),
                    _ => None,
                },
                summary,
                detail: json!({
                    "state": state, "uid": field.uid.as_deref().map(clean), "sak": field.sak.map(|sak| format!("{sak:02X}")),
                    "phone_hint": field.phone_hint, "text": clean(&field.text),
                }).to_string(),
            }
        }
        Payload::Iso8583(message) => iso8583(message),
        Payload::Tcp(connection) => tcp(connection),
        Payload::Tls(tls) => {
            let stage = match tls.stage {
                TlsStage::ClientHello => "client_hello",
                TlsStage::ServerHello => "server_hello",
                TlsStage::Certificate => "certificate",
                TlsStage::Established => "established",
            };
            let mut summary = format!("TLS {} > {}, got as far as {stage}", tls.client, tls.server);
            if let Some(alert) = tls.alert {
                let _ = write!(summary, ", alert {alert}");
                if let Some(side) = tls.alert_from {
                    let _ = write!(summary, " from the {}", side_name(side));
                }
            }
            Description {
                step: None,
                summary,
                detail: json!({
                    "stage": stage, "alert": tls.alert, "alert_from": tls.alert_from.map(side_name),
                    "client_version": tls.client_version.map(|v| format!("{v:04X}")),
                    "server_name": tls.server_name.as_deref().map(clean),
                    "client": tls.client.to_string(), "server": tls.server.to_string(),
                    "certificate_not_before": tls.certificate_validity.map(|(from, _)| from),
                    "certificate_not_after": tls.certificate_validity.map(|(_, to)| to),
                    "certificate_issuer": tls.certificate_issuer.as_deref().map(clean),
                }).to_string(),
            }
        }
        Payload::Dns(dns) => {
            let answer = match dns.rcode {
                None => "no answer".to_owned(),
                Some(0) => format!("{} addresses", dns.addresses.len()),
                Some(rcode) => format!("rcode {rcode}"),
            };
            Description {
                step: None,
                summary: format!("DNS {} asked of {}: {answer}", dns.name, dns.resolver),
                detail: json!({
                    "client": dns.client.to_string(), "resolver": dns.resolver.to_string(), "name": clean(&dns.name),
                    "rcode": dns.rcode, "addresses": dns.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "queries": dns.queries, "answer_us": dns.answer_micros,
                }).to_string(),
            }
        }
        Payload::Icmp(icmp) => Description {
            step: None,
            summary: format!(
                "ICMPv{} type {} code {} from {}{}",
                icmp.version,
                icmp.kind,
                icmp.code,
                icmp.from,
                icmp.about_destination
                    .map(|to| format!(" about {to}"))
                    .unwrap_or_default()
            ),
            detail: json!({
                "from": icmp.from.to_string(), "version": icmp.version, "type": icmp.kind, "code": icmp.code,
                "about_source": icmp.about_source.map(|a| a.to_string()),
                "about_destination": icmp.about_destination.map(|a| a.to_string()),
            }).to_string(),
        },
        Payload::Link(link) => {
            let who = match (link.client, link.hardware) {
                (Some(ip), _) => ip.to_string(),
                (None, Some(address)) => hex(&address),
                (None, None) => "a terminal".to_owned(),
            };
            let wanted = link.wanted.map(|ip| ip.to_string()).unwrap_or_default();
            Description {
                step: None,
                summary: match link.fault {
                    LinkFault::NoArpAnswer => {
                        format!("ARP: nobody answered {who} for {wanted}, asked {} times", link.asked)
                    }
                    LinkFault::NoDhcpAnswer => {
                        format!("DHCP: nobody gave {who} an address, asked {} times", link.asked)
                    }
                    LinkFault::DhcpRefused => format!("DHCP: {who} was refused {wanted}"),
                },
                detail: json!({
                    "fault": format!("{:?}", link.fault), "client": link.client.map(|ip| ip.to_string()),
                    "hardware": link.hardware.map(|h| hex(&h)), "wanted": link.wanted.map(|ip| ip.to_string()),
                    "asked": link.asked,
                }).to_string(),
            }
        }
        Payload::Http(http) => Description {
            step: None,
            summary: format!(
                "HTTP {}{} from {} to {}{}{}",
                http.request
                    .as_ref()
                    .map(|r| format!("{r}: "))
                    .unwrap_or_default(),
                http.status,
                http.server,
                http.client,
                http.result
                    .as_ref()
                    .map(|r| format!(", result {r}"))
                    .unwrap_or_default(),
                http.location
                    .as_ref()
                    .map(|l| format!(", location {l}"))
                    .unwrap_or_default()
            ),
            detail: json!({
                "status": http.status, "location": http.location.as_deref().map(clean),
                "client": http.client.to_string(), "server": http.server.to_string(),
            }).to_string(),
        },
    }
}

fn apdu(exchange: &Exchange) -> Description {
    let [cla, ins, p1, p2] = exchange.header;
    let name = command_name(exchange.command);
    let mut summary = name.to_owned();
    match exchange.command {
        CommandKind::SelectAid => {
            if let Some(aid) = exchange.bytes(0x84).or_else(|| exchange.bytes(0x4F)) {
                let _ = write!(summary, " {}", hex(aid));
            }
        }
        CommandKind::ReadRecord => {
            let _ = write!(summary, " {p1} of file {}", p2 >> 3);
        }
        CommandKind::Other => {
            let _ = write!(summary, " {cla:02X}{ins:02X}{p1:02X}{p2:02X}");
        }
        _ => {}
    }
    match (exchange.sw, exchange.answered) {
        (Some(sw), _) => {
            let _ = write!(summary, " → {sw:04X}");
        }
        (None, Some(false)) => summary.push_str(" → no answer"),
        (None, _) => summary.push_str(" → answer not recorded"),
    }
    if let Some(micros) = exchange.duration_micros {
        let _ = write!(summary, " in {:.1} ms", f64::from(micros) / 1000.0);
    }
    for fault in &exchange.faults {
        let _ = write!(summary, ", {fault}");
    }
    Description {
        step: step_of_command(exchange),
        summary,
        detail: written(&ApduDetail {
            answer_at: exchange.answer_place.map(InSource),
            answer_hex: Clean(&exchange.answer_hex),
            answered: exchange.answered,
            command: name,
            command_hex: Clean(&exchange.command_hex),
            duration_us: exchange.duration_micros,
            faults: &exchange.faults,
            header: hex(&exchange.header),
            inner_time: exchange.inner_time.as_deref().map(Clean),
            sw: exchange.sw.map(|sw| format!("{sw:04X}")),
            tags: Tags(&exchange.tags),
        }),
    }
}

fn iso8583(message: &IsoMessage) -> Description {
    let purpose = super::iso8583::purpose(message);
    let mut summary = format!("{:04} {purpose}", message.mti);
    for (number, label) in [
        (3, "processing code"),
        (4, "amount"),
        (11, "STAN"),
        (37, "RRN"),
        (39, "response"),
        (41, "terminal"),
    ] {
        if let Some(value) = message.field(number) {
            let _ = write!(summary, ", {label} {value}");
        }
    }
    if let Some(damage) = &message.damage {
        let _ = write!(summary, " [{damage}]");
    }
    let function = (message.mti / 10) % 10;
    let reversal = (message.mti / 100) % 10 == 4;
    Description {
        step: match (reversal, function % 2) {
            (true, _) => None,
            (false, 0) => Some(Stage::OnlineRequest),
            (false, _) => Some(Stage::OnlineResponse),
        },
        summary,
        detail: written(&IsoDetail {
            acked_after_us: message.acked_after_micros,
            damage: message.damage.as_deref().map(Clean),
            dialect: message.dialect,
            fields: Fields(&message.fields),
            frames: Places(&message.frames),
            inner_time: message.inner_time.as_deref().map(Clean),
            mti: format!("{:04}", message.mti),
            parts: super::iso8583::Parts(message),
            pin_present: message.pin_present,
            processing_demand: message.processing_demand,
            purpose,
            tags: Tags(&message.tags),
        }),
    }
}

fn tcp(c: &Connection) -> Description {
    let mut summary = format!("TCP {} > {}", c.client, c.server);
    if c.refused {
        summary.push_str(", refused");
    } else if let Some(micros) = c.connect_micros {
        let _ = write!(summary, ", open after {} ms", micros / 1000);
    } else if c.opening_seen {
        let _ = write!(summary, ", {} SYN without answer", c.syn_count);
    }
    if c.client_bytes + c.server_bytes > 0 {
        let _ = write!(
            summary,
            ", {} B out, {} B in",
            c.client_bytes, c.server_bytes
        );
    }
    if c.client_retransmissions > 0 {
        let _ = write!(summary, ", {} sent again", c.client_retransmissions);
    }
    if let Some(side) = c.reset_by {
        let _ = write!(summary, ", reset by the {}", side_name(side));
    } else if let Some(side) = c.closed_by {
        let _ = write!(summary, ", closed by the {}", side_name(side));
    }
    Description {
        step: None,
        summary,
        detail: written(&TcpDetail {
            carried: c.carried,
            client: Shown(&c.client),
            client_bytes: c.client_bytes,
            client_retransmissions: c.client_retransmissions,
            client_unacked: c.client_unacked,
            closed_by: c.closed_by.map(side_name),
            connect_us: c.connect_micros,
            duration_us: c.last_at.saturating_sub(c.first_at),
            frames: Places(&c.frames),
            gap_bytes: c.gap_bytes,
            opening_seen: c.opening_seen,
            overlap_conflicts: c.overlap_conflicts,
            refused: c.refused,
            reset_by: c.reset_by.map(side_name),
            rtt_us: c.rtt_micros,
            server: Shown(&c.server),
            server_bytes: c.server_bytes,
            server_name: c.server_name.as_deref().map(Clean),
            server_retransmissions: c.server_retransmissions,
            syn_count: c.syn_count,
            tls: c.tls.as_deref().map(tls_seen),
            zero_windows: c.zero_windows,
        }),
    }
}

fn log_detail(log: &LogEvent) -> String {
    let mut values: Vec<(&str, &str)> = log.values.iter().map(|(name, v)| (*name, &**v)).collect();
    values.sort_by_key(|(name, _)| *name);
    // Of a name that comes twice the last value counts.
    values.reverse();
    values.dedup_by_key(|(name, _)| *name);
    values.reverse();
    written(&LogDetail {
        code: log.code.as_ref().map(|(vendor, code)| CodeDetail {
            code: Clean(code),
            vendor,
        }),
        severity: severity_name(log.severity),
        signal: log.signal.id(),
        text: Clean(&log.text),
        values: Named(&values),
    })
}

fn written(detail: &impl Serialize) -> String {
    thread_local! {
        /// Grown once, not for every detail.
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        match serde_json::to_writer(&mut *buffer, detail) {
            Ok(()) => std::str::from_utf8(buffer).unwrap_or_default().to_owned(),
            Err(_) => String::new(),
        }
    })
}

/// What has a form of its own.
struct Shown<'a, T>(&'a T);

impl<T: std::fmt::Display> Serialize for Shown<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self.0)
    }
}

/// Places in a source: `{"frame": 7}`.
struct Places<'a>(&'a [Place]);

impl Serialize for Places<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|place| InSource(*place)))
    }
}

struct InSource(Place);

impl Serialize for InSource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (name, number) = match self.0 {
            Place::Line(line) => ("line", line),
            Place::Frame(frame) => ("frame", frame),
            Place::Whole => return to.serialize_none(),
        };
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry(name, &number)?;
        map.end()
    }
}

/// Text that is cleaned as it is written.
struct Clean<'a>(&'a str);

impl Serialize for Clean<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.bytes().all(|b| (0x20..0x7F).contains(&b)) {
            return to.serialize_str(self.0);
        }
        to.serialize_str(&clean(self.0))
    }
}

// Fields in the order of the alphabet: the keys of every detail are sorted.
#[derive(Serialize)]
struct LogDetail<'a> {
    code: Option<CodeDetail<'a>>,
    severity: &'static str,
    signal: &'static str,
    text: Clean<'a>,
    values: Named<'a>,
}

#[derive(Serialize)]
struct CodeDetail<'a> {
    code: Clean<'a>,
    vendor: &'static str,
}

#[derive(Serialize)]
struct ApduDetail<'a> {
    answer_at: Option<InSource>,
    answer_hex: Clean<'a>,
    answered: Option<bool>,
    command: &'static str,
    command_hex: Clean<'a>,
    duration_us: Option<u32>,
    faults: &'a [&'static str],
    header: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner_time: Option<Clean<'a>>,
    sw: Option<String>,
    tags: Tags<'a>,
}

#[derive(Serialize)]
struct TcpDetail<'a> {
    carried: Option<&'static str>,
    client: Shown<'a, SocketAddr>,
    client_bytes: u64,
    client_retransmissions: u32,
    client_unacked: u64,
    closed_by: Option<&'static str>,
    connect_us: Option<i64>,
    duration_us: i64,
    frames: Places<'a>,
    gap_bytes: u64,
    opening_seen: bool,
    overlap_conflicts: u16,
    refused: bool,
    reset_by: Option<&'static str>,
    rtt_us: Option<i64>,
    server: Shown<'a, SocketAddr>,
    server_bytes: u64,
    server_name: Option<Clean<'a>>,
    server_retransmissions: u32,
    syn_count: u16,
    tls: Option<Value>,
    zero_windows: u16,
}

#[derive(Serialize)]
struct IsoDetail<'a> {
    acked_after_us: Option<i64>,
    damage: Option<Clean<'a>>,
    dialect: &'static str,
    fields: Fields<'a>,
    frames: Places<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner_time: Option<Clean<'a>>,
    mti: String,
    parts: super::iso8583::Parts<'a>,
    pin_present: bool,
    processing_demand: Option<u8>,
    purpose: &'static str,
    tags: Tags<'a>,
}

/// Values by name, sorted.
struct Named<'a>(&'a [(&'a str, &'a str)]);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, Clean(value))))
    }
}

/// Fields by number, sorted as text.
struct Fields<'a>(&'a [(u8, Text)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields: Vec<(u32, u8, &str)> = self
            .0
            .iter()
            .map(|(number, value)| (in_text_order(*number), *number, &**value))
            .collect();
        fields.sort_unstable();
        to.collect_map(
            fields
                .iter()
                .map(|(_, number, value)| (number, Figure(value))),
        )
    }
}

/// A number that sorts as the decimal digits of this one do: 1, 10, 100, 101, 11, 2.
fn in_text_order(number: u8) -> u32 {
    let (number, digits) = match u32::from(number) {
        n @ 0..10 => (n * 100, 1),
        n @ 10..100 => (n * 10, 2),
        n => (n, 3),
    };
    number * 4 + digits
}

/// The value of a field, cleaned as it is written.
struct Figure<'a>(&'a str);

impl Serialize for Figure<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Clean(&figure(self.0)).serialize(to)
    }
}

/// Data objects.
struct Tags<'a>(&'a [Tag]);

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(One))
    }
}

struct One<'a>(&'a Tag);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let tag = self.0;
        let mut map = to.serialize_map(None)?;
        let from = if tag.sent { "reader" } else { "card" };
        if let TagValue::Card { number, expiry } = &tag.value {
            map.serialize_entry("card", &Clean(&number.masked))?;
            let expiry = expiry.map(|e| String::from_utf8_lossy(&e).into_owned());
            map.serialize_entry("expiry", &expiry.as_deref().map(Clean))?;
        }
        map.serialize_entry("from", from)?;
        if let TagValue::Hidden(length) = &tag.value {
            map.serialize_entry("hidden_bytes", length)?;
        }
        map.serialize_entry("tag", &tag_name(tag.tag))?;
        if let TagValue::Bytes(bytes) = &tag.value {
            map.serialize_entry("value", &hex(bytes))?;
        }
        map.end()
    }
}

/// Upper-case hex, as many bytes as the tag has.
fn tag_name(tag: u32) -> Text {
    let bytes = tag.to_be_bytes();
    let lead = bytes.iter().take(3).take_while(|b| **b == 0).count();
    let mut out = Text::default();
    for byte in bytes.iter().skip(lead) {
        let [high, low] = digits(*byte);
        // As a number is written: without a zero before it, but two digits.
        if high != '0' || !out.is_empty() || lead == 3 {
            out.push(high);
        }
        out.push(low);
    }
    out
}

/// The two hexadecimal digits of a byte.
fn digits(byte: u8) -> [char; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [byte >> 4, byte & 15].map(|half| char::from(DIGITS[usize::from(half)]))
}

/// What can be told of TLS without reading it, and whether it was read.
fn tls_seen(t: &TlsSeen) -> Value {
    json!({
        "client_version": t.client_version.map(tls::version), "version": t.server_version.map(tls::version),
        "cipher": t.cipher.map(|c| tls::cipher(c).map_or_else(|| format!("{c:04X}"), str::to_owned)),
        "server_name": t.server_name.as_deref().map(clean), "application": t.application.as_deref().map(clean),
        "resumed": t.resumed, "decrypted": t.decrypted,
        "certificate": t.certificates.map(|sent| json!({
            "sent": sent, "subject": t.subject.as_deref().map(clean), "issuer": t.issuer.as_deref().map(clean),
            "names": t.names.iter().map(|n| json!(clean(n))).collect::<Vec<_>>(),
            "not_before": t.validity.map(|v| v.0), "not_after": t.validity.map(|v| v.1),
            "for_the_name": t.name_fits, "lacks_intermediate": t.lacks_intermediate, "self_issued": t.self_issued,
        })),
        "client_certificates": t.client_certificates,
        "exchanges": t.exchanges, "request_bytes": t.request_bytes, "answer_bytes": t.answer_bytes,
        "answer_us": t.answer_micros, "unanswered_request_bytes": t.unanswered_request,
    })
}

/// Upper case without spaces. A cryptogram may have the form of a card number by chance (some 2 in 100,000 do): as no one who
/// reads a report can tell, its middle is hidden as well.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.extend(digits(*byte));
    }
    if (7..=9).contains(&bytes.len()) {
        return figure(&out).into_owned();
    }
    out
}

/// A figure that is no card number, as it may be shown: where it has the form of one, its middle is hidden all the same.
fn figure(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    if (13..=19).contains(&out.len()) && out.bytes().all(|b| b.is_ascii_digit()) {
        let digits: Vec<u8> = out.bytes().map(|b| b - b'0').collect();
        if sensitive::is_card_number(&digits) {
            let (first, last) = sensitive::kept_digits(digits.len());
            let tail = out.len() - last;
            out.to_mut()
                .replace_range(first..tail, &"*".repeat(tail - first));
        }
    }
    out
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "unknown",
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Client => "terminal",
        Side::Server => "host",
        Side::Middlebox => "middlebox",
    }
}

fn field_state(state: FieldState) -> &'static str {
    match state {
        FieldState::On => "field_on",
        FieldState::Off => "field_off",
        FieldState::NoCard => "no_card",
        FieldState::Activated => "card_activated",
        FieldState::Collision => "collision",
        FieldState::NotIsoDep => "not_iso_dep",
        FieldState::ActivationFailed => "activation_failed",
        FieldState::Lost => "card_lost",
        FieldState::TransmissionError => "transmission_error",
        FieldState::ProtocolError => "protocol_error",
        FieldState::StillPresent => "card_still_present",
        FieldState::WaitingTimeExtension => "waiting_time_extension",
    }
}

/// Names as in EMV Book 3 and the contactless books.
fn command_name(command: CommandKind) -> &'static str {
    match command {
        CommandKind::SelectPpse => "SELECT PPSE",
        CommandKind::SelectPse => "SELECT PSE",
        CommandKind::SelectAid => "SELECT",
        CommandKind::GetProcessingOptions => "GET PROCESSING OPTIONS",
        CommandKind::ReadRecord => "READ RECORD",
        CommandKind::GenerateAc => "GENERATE AC",
        CommandKind::ComputeCryptographicChecksum => "COMPUTE CRYPTOGRAPHIC CHECKSUM",
        CommandKind::ExchangeRelayResistanceData => "EXCHANGE RELAY RESISTANCE DATA",
        CommandKind::RecoverAc => "RECOVER AC",
        CommandKind::GetData => "GET DATA",
        CommandKind::Verify => "VERIFY",
        CommandKind::ExternalAuthenticate => "EXTERNAL AUTHENTICATE",
        CommandKind::InternalAuthenticate => "INTERNAL AUTHENTICATE",
        CommandKind::GetChallenge => "GET CHALLENGE",
        CommandKind::IssuerScript => "ISSUER SCRIPT COMMAND",
        CommandKind::PutData => "PUT DATA",
        CommandKind::Other => "COMMAND",
        CommandKind::Unknown => "ANSWER WITHOUT COMMAND",
    }
}

/// The step that an exchange proves: only an answer of success does.
fn step_of_command(exchange: &Exchange) -> Option<Stage> {
    let sw = exchange.sw?;
    let done = sw == 0x9000 || (sw & 0xFF00) == 0x6200 || (sw & 0xFF00) == 0x6300;
    match exchange.command {
        _ if !done => None,
        CommandKind::SelectPpse | CommandKind::SelectPse => Some(Stage::Ppse),
        CommandKind::SelectAid => Some(Stage::Selected),
        CommandKind::GetProcessingOptions if exchange.bytes(0x9F26).is_some() => {
            Some(Stage::Cryptogram)
        }
        CommandKind::GetProcessingOptions => Some(Stage::Gpo),
        CommandKind::ReadRecord => Some(Stage::Read),
        CommandKind::GenerateAc
        | CommandKind::ComputeCryptographicChecksum
        | CommandKind::RecoverAc => Some(Stage::Cryptogram),
        _ => None,
    }
}

fn step_of_signal(signal: Signal) -> Option<Stage> {
    Some(match signal {
        Signal::SaleStart | Signal::PresentCard => Stage::Started,
        Signal::PollingStart | Signal::PollTimeout => Stage::Polling,
        Signal::CardDetected | Signal::MultipleCards => Stage::Activated,
        Signal::CardReadOk => Stage::Read,
        Signal::OnlineRequest
        | Signal::RetryPrompt
        | Signal::UseChip
        | Signal::SeePhone
        | Signal::OfflineDeclined => Stage::Outcome,
        Signal::RequestSent => Stage::OnlineRequest,
        Signal::ResponseReceived => Stage::OnlineResponse,
        Signal::Approved | Signal::Declined | Signal::SaleEnd => Stage::Completed,
        _ => return None,
    })
}
