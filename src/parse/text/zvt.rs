//! Turns ZVT packets into what they say: signals, codes, keys; masked.

use tapscope_parsers::content::zvt::{self, Packet};

use super::line::Found;
use crate::event::{
    Event, Events, Keys, Ledger, LogEvent, Payload, Place, Severity, Signal, SourceKind,
    SourceStatus, Stamp, Text, TimeQuality,
};
use crate::parse::edge::Edge;
use crate::parse::{Context, Parsed};

/// Digits of a BCD value; `None` where a half byte is no digit.
fn digits(value: &[u8]) -> Option<String> {
    value
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xF])
        .map(|half| char::from_digit(u32::from(half), 10))
        .collect()
}

/// A card number as the terminal gives it: BCD, E for what it hides, F for padding.
fn card(value: &[u8], edge: &Edge) -> Option<Box<crate::event::CardNumber>> {
    let shown: Vec<u8> = value
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xF])
        .filter(|half| *half != 0xF)
        .map(|half| match half {
            0..=9 => b'0' + half,
            _ => b'*',
        })
        .collect();
    ((12..=19).contains(&shown.len()) && shown.iter().filter(|b| b.is_ascii_digit()).count() >= 4)
        .then(|| Box::new(edge.card(&shown)))
}

/// Text as terminals write it: ISO 8859-1.
fn latin(value: &[u8]) -> String {
    value
        .iter()
        .map(|byte| char::from(*byte))
        .filter(|c| !c.is_control())
        .collect()
}

/// What a packet says; nothing where it only keeps the talk going.
pub(in crate::parse) fn found(packet: &Packet, edge: &Edge) -> Found {
    let mut keys = Keys::default();
    let mut values: Vec<(&'static str, Text)> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut result = None;
    for object in zvt::objects_of(packet) {
        let value = object.value;
        match object.number {
            0x04 => keys.amount_minor = digits(value).and_then(|d| d.parse().ok()),
            0x0B => {
                keys.stan = digits(value)
                    .and_then(|d| d.parse().ok())
                    .filter(|n| *n > 0);
            }
            0x0C => {
                if let Some(time) = digits(value).filter(|d| d.len() == 6) {
                    values.push(("terminal_time", Text::from(time)));
                }
            }
            0x0D => {
                if let Some(date) = digits(value).filter(|d| d.len() == 4) {
                    values.push(("terminal_date", Text::from(date)));
                }
            }
            0x22 => keys.card = card(value, edge),
            0x27 => result = value.first().copied(),
            0x29 => keys.terminal = digits(value).map(Text::from),
            0x2A => {
                keys.merchant = Some(edge.text(latin(value).trim())).filter(|t| !t.is_empty());
            }
            0x3B => {
                keys.auth_code =
                    Some(edge.text(latin(value).trim())).filter(|t| (1..=6).contains(&t.len()));
            }
            0x3C => words.push(latin(value)),
            0x49 => {
                keys.currency = digits(value)
                    .and_then(|d| d.parse().ok())
                    .and_then(super::currency_letters);
            }
            0x8B => values.push((
                "card_name",
                edge.text(latin(value).trim_end_matches(['\0', ' '])),
            )),
            0x06 => {
                words.extend(zvt::lines(value).into_iter().map(latin));
                if let Some(technology) = zvt::technology(value) {
                    values.push(("interface", Text::const_new(technology)));
                }
            }
            _ => {}
        }
    }
    let name = zvt::name(packet.control).unwrap_or("packet");
    let status = packet.data.first().copied();
    let (signal, code) = match packet.control {
        [0x04, 0x0F] => {
            let code = result.map(|code| (code, zvt::result(code)));
            (
                code.map_or("note", |(_, row)| row.signal),
                code.map(|(code, row)| (code, row.meaning)),
            )
        }
        [0x06, 0x1E] => {
            let code = status.map(|code| (code, zvt::result(code)));
            (
                code.map_or("cancelled", |(_, row)| row.signal),
                code.map(|(code, row)| (code, row.meaning)),
            )
        }
        [0x84, refused] if refused != 0 => (
            zvt::result(refused).signal,
            Some((refused, zvt::result(refused).meaning)),
        ),
        [0x04, 0xFF] => {
            let row = status.and_then(zvt::status);
            (
                row.map_or("note", |row| row.signal),
                status.map(|code| (code, row.map_or("status", |row| row.meaning))),
            )
        }
        [0x06, 0x01 | 0x22] => ("sale_start", None),
        [0x06, 0x25 | 0x30] => ("reversal", None),
        [0x06, 0x00] => ("sign_on", None),
        [0x06, 0x0F] => ("sale_end", None),
        [0x06, 0xB0] => ("cancelled", None),
        // Acknowledgements, printing and housekeeping are understood and of no interest.
        _ => return Found::Understood,
    };
    // A note without a key would only say that the talk goes on.
    let Some(signal) = Signal::from_id(signal) else {
        return Found::Understood;
    };
    if signal == Signal::Note && keys == Keys::default() {
        return Found::Understood;
    }
    let mut text = format!(
        "ZVT {:02X} {:02X} {name}",
        packet.control[0], packet.control[1]
    );
    if let Some((code, meaning)) = code {
        text += &format!(": {code:02X} {meaning}");
    }
    for line in words.iter().take(4) {
        text += &format!(" | {}", line.trim());
    }
    let failed = code.is_some_and(|(code, _)| code != 0) && packet.control != [0x04, 0xFF];
    Found::Said {
        log: Box::new(LogEvent {
            signal,
            code: code
                .filter(|(code, _)| packet.control != [0x04, 0xFF] && *code != 0)
                .map(|(code, _)| ("ZVT", Text::from(format!("{code:02X}")))),
            severity: if failed {
                Severity::Error
            } else {
                Severity::Info
            },
            values,
            text: edge.text(&text),
        }),
        keys: Box::new(keys),
        payment: true,
    }
}

/// Longest file that is one packet: an extended length is two bytes.
const FILE_BYTES: u64 = 70_000;

/// Reads a file that is one packet, named by the time in milliseconds at which it was seen.
pub(in crate::parse) fn file(reader: &mut dyn std::io::Read, ctx: &Context<'_>) -> Parsed {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let _ = reader.take(FILE_BYTES).read_to_end(&mut bytes);
    let rest = std::io::copy(reader, &mut std::io::sink()).unwrap_or(0);
    let all = bytes.len() as u64 + rest;
    (ctx.progress)(all);
    let mut source = super::source(ctx);
    source.kind = Some(SourceKind::Log);
    source.format = Some(Text::const_new("zvt-packet"));
    source.ledger = Ledger {
        bytes: all,
        records: 1,
        ..Ledger::default()
    };
    let mut events = Events::default();
    if let Some(packet) = zvt::packet_in_buffer(&bytes) {
        let extended = u64::from(bytes.get(2) == Some(&0xFF)) * 2;
        // What follows the last object that is known is no part of a packet without a length.
        let taken = (3 + extended + packet.data.len() as u64).min(all);
        source.ledger.understood = taken;
        // What an earlier packet left in the terminal's buffer.
        source.ledger.ignored = all - taken;
        if let Found::Said { log, keys, .. } = found(&packet, ctx.edge) {
            let event = Event {
                source: ctx.source,
                place: Place::Frame(1),
                at: named_time(ctx.path),
                lane: 0,
                keys: *keys,
                payload: Payload::Log(log),
            };
            events.extend_from(vec![event], |event| event, ctx.spill);
        }
    } else {
        source.status = SourceStatus::Damaged;
        source.ledger.damaged_records = 1;
        source.ledger.not_understood = all;
        source.first_damage = Some(Text::const_new(
            "the packet is shorter than its length says",
        ));
    }
    source.ledger.events = events.len() as u64;
    Parsed {
        source,
        events,
        issues: Vec::new(),
    }
}

/// Thirteen digits in the file's name are milliseconds since 1970.
fn named_time(path: &str) -> Stamp {
    let name = path.rsplit(['/', '\\', '!']).next().unwrap_or(path);
    let millis: Option<i64> = name
        .split(|c: char| !c.is_ascii_digit())
        .find(|run| run.len() == 13)
        .and_then(|run| run.parse().ok());
    match millis {
        Some(millis) => Stamp {
            utc_micros: Some(millis * 1000),
            quality: TimeQuality {
                resolution_micros: 1000,
                ..TimeQuality::default()
            },
        },
        None => Stamp::UNKNOWN,
    }
}
