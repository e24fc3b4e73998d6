//! Says what a capture holds, host by host, and by which evidence its messages were recognised: `formats --why CAPTURE`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tapscope_parsers::protocol::iso8583::{Candidate, Choice, Dialect, Verdict, Wire, candidates};

use crate::event::Spill;
use crate::parse::Context;
use crate::parse::capture::{Followed, follow};
use crate::parse::edge::Edge;
use crate::plan::Plan;

/// Bytes of each direction that are looked at.
const LOOKED_AT: usize = 4 << 10;
/// Hosts and readings that are told.
const MAX_HOSTS: usize = 50;
const MAX_READINGS: usize = 6;

/// What is told of one host.
pub(crate) struct Host {
    address: SocketAddr,
    connections: usize,
    carried: BTreeMap<&'static str, usize>,
    messages: u64,
    wire: Option<Wire>,
    forced: Option<&'static str>,
    readings: Vec<Candidate>,
}

/// What is told of a capture.
pub(crate) struct Told {
    packets: u64,
    hosts: Vec<Host>,
    left_out: usize,
}

/// Reads a capture and finds out.
pub(crate) fn look(reader: &mut dyn Read, plan: &Plan) -> Told {
    let edge = Edge::new(None);
    let ctx = Context {
        edge: &edge,
        plan,
        source: 0,
        path: "",
        forced_format: None,
        progress: &|_| {},
        spill: &Spill::unbounded(),
    };
    let (parsed, streams) = follow(reader, &ctx, LOOKED_AT);
    let mut by_host: BTreeMap<SocketAddr, Vec<Followed>> = BTreeMap::new();
    for stream in streams {
        if let Some((_, server)) = stream.ends {
            by_host.entry(server).or_default().push(stream);
        }
    }
    let mut hosts: Vec<Host> = by_host
        .into_iter()
        .map(|(address, streams)| host(address, &streams, plan))
        .collect();
    // Payments first, then by traffic.
    hosts.sort_by_key(|h| std::cmp::Reverse((h.messages, h.connections)));
    let left_out = hosts.len().saturating_sub(MAX_HOSTS);
    hosts.truncate(MAX_HOSTS);
    Told {
        packets: parsed.source.ledger.records,
        hosts,
        left_out,
    }
}

fn host(address: SocketAddr, streams: &[Followed], plan: &Plan) -> Host {
    let mut carried: BTreeMap<&'static str, usize> = BTreeMap::new();
    for stream in streams {
        *carried
            .entry(stream.carried.unwrap_or("not recognised"))
            .or_default() += 1;
    }
    let wire = streams.iter().find_map(|s| s.wire);
    let own: Vec<&'static Dialect> = plan.network.dialects.iter().map(|d| d.dialect).collect();
    let described = plan.network.dialects.iter().find(|d| d.is_for(&address));
    let choice = match described {
        Some(d) => Choice {
            first: std::slice::from_ref(&d.dialect),
            built_in: false,
            length: d.length,
            header: d.header,
        },
        None => Choice {
            first: &own,
            ..Choice::BUILT_IN
        },
    };
    // Readings of the first stream of the kind that was recognised, else of any with bytes in it.
    let told = streams
        .iter()
        .filter(|s| wire.is_none() || s.wire.is_some())
        .flat_map(|s| s.bytes.iter())
        .filter(|bytes| bytes.len() >= 20);
    let clear = wire.is_some() || carried.keys().all(|k| *k == "not recognised");
    let readings = told
        .map(|bytes| candidates(bytes, choice))
        .find(|list| !list.is_empty())
        .filter(|_| clear)
        .unwrap_or_default();
    Host {
        address,
        connections: streams.len(),
        carried,
        messages: streams.iter().map(|s| u64::from(s.messages)).sum(),
        wire,
        forced: described.map(|d| d.dialect.name),
        readings: readings.into_iter().take(MAX_READINGS).collect(),
    }
}

fn wire_name(wire: &Wire) -> String {
    let mut name = wire.length.name().to_owned();
    if !wire.header.name().is_empty() {
        name.push('-');
        name.push_str(wire.header.name());
    }
    format!("{name}, {}", wire.dialect.name)
}

fn reading(candidate: &Candidate) -> String {
    let mut text = format!(
        "{}: type {:04}, {} fields, ",
        wire_name(&candidate.wire),
        candidate.mti,
        candidate.fields
    );
    let _ = match &candidate.verdict {
        Verdict::Even {
            points,
            wanted,
            evidence,
        } => {
            let reasons: Vec<String> = evidence
                .iter()
                .map(|(field, why, by)| match field {
                    0 => format!("{why} {by:+}"),
                    _ => format!("F{field} {why} {by:+}"),
                })
                .collect();
            write!(
                text,
                "all {} bytes read; {points} points, {wanted} wanted ({})",
                candidate.bytes,
                reasons.join(", ")
            )
        }
        Verdict::Stopped {
            field,
            offset,
            expected,
        } => write!(
            text,
            "stopped at byte {offset} in field {field}: expected {expected}"
        ),
        Verdict::LeftOver(bytes) => write!(text, "{bytes} bytes left over"),
        Verdict::TooFewBytes(bytes) => write!(text, "{bytes} bytes are not there yet"),
    };
    text
}

impl Told {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("  {} packets\n", self.packets);
        for host in &self.hosts {
            let carried: Vec<String> = host
                .carried
                .iter()
                .map(|(what, count)| format!("{count} {what}"))
                .collect();
            let _ = writeln!(
                text,
                "  {}: {} connections ({})",
                host.address,
                host.connections,
                carried.join(", ")
            );
            if let Some(wire) = &host.wire {
                let _ = writeln!(
                    text,
                    "    ISO 8583 as {}; {} messages",
                    wire_name(wire),
                    host.messages
                );
            }
            if let Some(name) = host.forced {
                let _ = writeln!(text, "    dialect `{name}` is described for this host");
            }
            for candidate in &host.readings {
                let _ = writeln!(text, "    {}", reading(candidate));
            }
            let unknown = host.carried.contains_key("not recognised");
            if host.readings.is_empty() && host.wire.is_none() && unknown {
                let _ = writeln!(
                    text,
                    "    no length and header form has a message type indicator behind it"
                );
            }
        }
        if self.left_out > 0 {
            let _ = writeln!(text, "  and {} hosts more", self.left_out);
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let hosts: Vec<Value> = self
            .hosts
            .iter()
            .map(|host| {
                json!({
                    "host": host.address.to_string(), "connections": host.connections,
                    "carried": host.carried, "messages": host.messages,
                    "wire": host.wire.as_ref().map(wire_name), "described": host.forced,
                    "readings": host.readings.iter().map(reading).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({"packets": self.packets, "hosts": hosts, "hosts_left_out": self.left_out})
    }
}
