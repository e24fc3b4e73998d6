//! Reads captures with the library, and makes them.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::panic,
    reason = "tests may say what they mean"
)]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use tapscope::event::{
    Connection, DnsEvent, Event, IcmpEvent, IsoMessage, Issue, Payload, Place, Source, Spill,
    TlsEvent,
};
use tapscope::parse::capture::Followed;
use tapscope::parse::edge::Edge;
use tapscope::parse::{Context, capture};
use tapscope::plan::Plan;

pub mod writer;

/// What a run gave, its events alive.
pub struct Alive {
    pub source: Source,
    pub events: Vec<Event>,
    pub issues: Vec<Issue>,
}

/// A plan with nothing in it.
pub fn plan() -> Plan {
    Plan::default()
}

/// Reads a capture; its ledger must add up.
pub fn parse(bytes: &[u8], plan: &Plan) -> Alive {
    follow(bytes, plan, 0).0
}

/// As [`parse`], with the streams.
pub fn follow(bytes: &[u8], plan: &Plan, limit: usize) -> (Alive, Vec<Followed>) {
    let edge = Edge::new(Some([7; 32]));
    let ctx = Context {
        edge: &edge,
        plan,
        source: 0,
        path: "test.pcap",
        forced_format: None,
        progress: &|_| {},
        spill: &Spill::unbounded(),
    };
    let mut input = bytes;
    let (parsed, streams) = if limit == 0 {
        (capture::run(&mut input, &ctx), Vec::new())
    } else {
        capture::follow(&mut input, &ctx, limit)
    };
    let l = parsed.source.ledger;
    assert_eq!(
        l.understood + l.ignored + l.not_understood + l.unreadable,
        bytes.len() as u64,
        "the ledger adds up: {l:?}"
    );
    let alive = Alive {
        source: parsed.source,
        events: parsed.events.iter().collect(),
        issues: parsed.issues,
    };
    (alive, streams)
}

/// A file, unpacked where it is packed.
pub fn read(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut out = Vec::new();
    match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => {
            flate2::read::MultiGzDecoder::new(&bytes[..])
                .read_to_end(&mut out)
                .unwrap();
            out
        }
        Some("zst") => zstd::decode_all(&bytes[..]).unwrap(),
        _ => bytes,
    }
}

/// Files of a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_file())
        .collect();
    paths.sort();
    paths
}

pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Messages with their first frame.
pub fn messages(parsed: &Alive) -> Vec<(u32, &Event, &IsoMessage)> {
    parsed
        .events
        .iter()
        .filter_map(|e| match (&e.payload, e.place) {
            (Payload::Iso8583(m), Place::Frame(n)) => Some((n, e, &**m)),
            _ => None,
        })
        .collect()
}

pub fn connections(parsed: &Alive) -> Vec<&Connection> {
    let all = parsed.events.iter();
    all.filter_map(|e| match &e.payload {
        Payload::Tcp(c) => Some(&**c),
        _ => None,
    })
    .collect()
}

pub fn names(parsed: &Alive) -> Vec<&DnsEvent> {
    let all = parsed.events.iter();
    all.filter_map(|e| match &e.payload {
        Payload::Dns(c) => Some(&**c),
        _ => None,
    })
    .collect()
}

pub fn handshakes(parsed: &Alive) -> Vec<&TlsEvent> {
    let all = parsed.events.iter();
    all.filter_map(|e| match &e.payload {
        Payload::Tls(c) => Some(&**c),
        _ => None,
    })
    .collect()
}

pub fn icmp_errors(parsed: &Alive) -> Vec<&IcmpEvent> {
    let all = parsed.events.iter();
    all.filter_map(|e| match &e.payload {
        Payload::Icmp(c) => Some(&**c),
        _ => None,
    })
    .collect()
}
