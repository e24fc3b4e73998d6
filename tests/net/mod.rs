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

use tapscope::event::{Connection, DnsEvent, Event, IcmpEvent, IsoMessage, Payload, Place, TlsEvent};
use tapscope::parse::capture::Followed;
use tapscope::parse::edge::Edge;
use tapscope::parse::{Context, Parsed, capture};
use tapscope::plan::{Language, Limits, Network, Plan};

pub mod writer;

/// A plan with nothing in it.
pub fn plan() -> Plan {
    Plan {
        inputs: Vec::new(),
        zone: None,
        year: None,
        since: None,
        until: None,
        formats: Vec::new(),
        rules: Vec::new(),
        inventory: None,
        pan_key: None,
        custody: false,
        language: Language::En,
        limits: Limits::default(),
        network: Network::default(),
    }
}

/// Reads a capture; its ledger must add up.
pub fn parse(bytes: &[u8], plan: &Plan) -> Parsed {
    follow(bytes, plan, 0).0
}

/// As [`parse`], with the streams.
pub fn follow(bytes: &[u8], plan: &Plan, limit: usize) -> (Parsed, Vec<Followed>) {
    let edge = Edge::new(Some([7; 32]));
    let ctx = Context {
        edge: &edge,
        plan,
        source: 0,
        path: "test.pcap",
        forced_format: None,
        progress: &|_| {},
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
    (parsed, streams)
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
pub fn messages(parsed: &Parsed) -> Vec<(u32, &Event, &IsoMessage)> {
    parsed
        .events
        .iter()
        .filter_map(|e| match (&e.payload, e.place) {
            (Payload::Iso8583(m), Place::Frame(n)) => Some((n, e, &**m)),
            _ => None,
        })
        .collect()
}

pub fn connections(parsed: &Parsed) -> Vec<&Connection> {
    let all = parsed.events.iter();
    all.filter_map(|e| match &e.payload {
        Payload::Tcp(c) => Some(&**c),
        _ => None,
    })
    .collect()
}

pub fn names(parsed: &Parsed) -> Vec<&DnsEvent> {
    let all = parsed.events.iter();
    all.filter_map(|e| match &e.payload {
        Payload::Dns(c) => Some(&**c),
        _ => None,
    })
    .collect()
}

pub fn handshakes(parsed: &Parsed) -> Vec<&TlsEvent> {
    let all = parsed.events.iter();
    all.filter_map(|e| match &e.payload {
        Payload::Tls(c) => Some(&**c),
        _ => None,
    })
    .collect()
}

pub fn icmp_errors(parsed: &Parsed) -> Vec<&IcmpEvent> {
    let all = parsed.events.iter();
    all.filter_map(|e| match &e.payload {
        Payload::Icmp(c) => Some(&**c),
        _ => None,
    })
    .collect()
}
