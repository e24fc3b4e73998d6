//! Turns an event into the step that it shows, one line for people, and JSON for programs.

mod shapes;

use std::cell::RefCell;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};
use tapscope_parsers::protocol::net::tls::names as tls;

pub(super) use shapes::hex;
use shapes::{
    ApduDetail, Clean, CodeDetail, Fields, InSource, IsoDetail, LogDetail, Named, Places, Shown,
    Tags, TcpDetail,
};

use super::clean::clean;
use crate::correlate::Stage;
use crate::event::{
    CommandKind, Connection, Exchange, FieldState, IsoMessage, LinkFault, LogEvent, Payload,
    Severity, Side, Signal, TOLD, TlsSeen, TlsStage,
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
    if message.dialect == TOLD {
        summary.push_str(" [told by a line of a log]");
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
