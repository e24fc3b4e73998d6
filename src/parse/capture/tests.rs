use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::event::{Connection, Event, IsoMessage, Payload};
use crate::parse::edge::Edge;
use crate::plan::{Language, Limits, Plan};

fn plan() -> Plan {
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
    }
}

fn parse(bytes: &[u8], plan: &Plan) -> Parsed {
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
    let parsed = run(&mut input, &ctx);
    let l = parsed.source.ledger;
    assert_eq!(
        l.understood + l.ignored + l.not_understood + l.unreadable,
        bytes.len() as u64,
        "the ledger adds up: {l:?}"
    );
    parsed
}

fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("TAPSCOPE_CORPUS")
        .map(PathBuf::from)
        .or_else(|| {
            [
                "../shared/corpus",
                "../../shared/corpus",
                "../../../shared/corpus",
            ]
            .iter()
            .map(|p| Path::new(env!("CARGO_MANIFEST_DIR")).join(p))
            .find(|p| p.is_dir())
        })
        .map(|p| p.join("net"))
        .filter(|p| p.is_dir());
    if root.is_none() {
        eprintln!("SKIPPED: the corpus is not here (set TAPSCOPE_CORPUS)");
    }
    root
}

fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let Some(root) = corpus() else {
        return Vec::new();
    };
    let mut paths: Vec<_> = std::fs::read_dir(root.join(folder))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_file())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|p| {
            let mut bytes = std::fs::read(&p).unwrap();
            if p.extension().is_some_and(|e| e == "gz") {
                let mut out = Vec::new();
                flate2::read::MultiGzDecoder::new(&bytes[..])
                    .read_to_end(&mut out)
                    .unwrap();
                bytes = out;
            }
            (p.file_name().unwrap().to_string_lossy().into_owned(), bytes)
        })
        .collect()
}

fn messages(parsed: &Parsed) -> Vec<(u32, &Event, &IsoMessage)> {
    parsed
        .events
        .iter()
        .filter_map(|e| match (&e.payload, e.place) {
            (Payload::Iso8583(m), Place::Frame(n)) => Some((n, e, &**m)),
            _ => None,
        })
        .collect()
}

fn connections(parsed: &Parsed) -> Vec<&Connection> {
    parsed
        .events
        .iter()
        .filter_map(|e| match &e.payload {
            Payload::Tcp(c) => Some(&**c),
            _ => None,
        })
        .collect()
}

fn number(v: &serde_json::Value) -> Option<u32> {
    v.as_u64().and_then(|n| u32::try_from(n).ok())
}

#[test]
fn every_truth_file_is_matched() {
    let mut report = String::new();
    let mut checked = 0;
    let all: BTreeMap<_, _> = files("iso8583-pcap").into_iter().collect();
    for (name, truth) in all.iter().filter(|(n, _)| n.ends_with(".truth.json")) {
        let capture = &all[&name.replace(".truth.json", ".pcap")];
        let parsed = parse(capture, &plan());
        let truth: serde_json::Value = serde_json::from_slice(truth).unwrap();
        let got = messages(&parsed);
        let find = |frame: Option<u32>, stan: &str, mti: Option<u16>| {
            got.iter().find(|(n, e, m)| {
                Some(*n) == frame
                    && e.keys.stan == stan.parse().ok()
                    && mti.is_none_or(|mti| m.mti == mti)
            })
        };
        let mut miss = |text: String| report += &format!("{name}: {text}\n");
        for t in truth["transactions"].as_array().unwrap() {
            let stan = t["stan"].as_str().unwrap_or_default();
            let f39 = t["f39"].as_str();
            if let Some(frame) = number(&t["frame"]) {
                checked += 1;
                let mti: u16 = t["mti"].as_str().unwrap().parse().unwrap();
                match find(Some(frame), stan, Some(mti)) {
                    None => miss(format!("frame {frame} stan {stan} mti {mti} not found")),
                    // The truth names F39 of answers only.
                    Some((_, _, m)) if f39.is_some() && m.field(39) != f39 => {
                        miss(format!("frame {frame}: F39 {:?} not {f39:?}", m.field(39)));
                    }
                    Some(_) => {}
                }
            }
            if let Some(frame) = number(&t["request_frame"]) {
                checked += 1;
                match find(Some(frame), stan, None) {
                    None => miss(format!("request {frame} stan {stan} not found")),
                    Some((_, e, m)) => {
                        if let Some(terminal) = t["terminal"].as_str()
                            && e.keys.terminal.as_deref() != Some(terminal)
                        {
                            miss(format!("terminal {:?} not {terminal}", e.keys.terminal));
                        }
                        if let Some(amount) = t["amount"].as_i64()
                            && e.keys.amount_minor != Some(amount)
                        {
                            miss(format!("amount {:?} not {amount}", e.keys.amount_minor));
                        }
                        if let Some(mode) = t["f22"].as_str()
                            && m.field(22) != Some(mode)
                        {
                            miss(format!("F22 {:?} not {mode}", m.field(22)));
                        }
                        if t["outcome"] == "timeout" && m.acked_after_micros.is_none() {
                            miss("the request was acknowledged by TCP".into());
                        }
                    }
                }
            }
            if let Some(frame) = number(&t["response_frame"]) {
                checked += 1;
                match find(Some(frame), stan, None) {
                    Some((_, _, m)) if m.field(39) == f39 => {}
                    other => miss(format!(
                        "response {frame} stan {stan} {f39:?}: {:?}",
                        other.map(|o| o.2)
                    )),
                }
            }
            if let Some(frame) = number(&t["reversal_frame"]) {
                checked += 1;
                let reason = t["reversal_f39_in_request"].as_str();
                match find(Some(frame), stan, Some(400)) {
                    Some((_, _, m)) if m.field(39) == reason => {}
                    _ => miss(format!("reversal {frame} stan {stan} {reason:?}")),
                }
                if find(number(&t["reversal_response_frame"]), stan, Some(410)).is_none() {
                    miss(format!("reversal answer of {frame}"));
                }
            }
        }
        if let Some(n) = truth["transactions"][0]["before"].as_str()
            && n.starts_with("2 connects")
            && connections(&parsed).iter().filter(|c| c.refused).count() != 2
        {
            miss("two refused connections".into());
        }
    }
    assert!(report.is_empty(), "{checked} checked\n{report}");
    println!("{checked} truths checked");
}

#[test]
fn other_protocols_are_no_payments() {
    let mut captures = 0;
    for folder in [
        "control",
        "dns",
        "fileformat",
        "icmp",
        "ip",
        "link",
        "malformed",
        "tcp-connect",
        "tcp-loss",
        "tcp-reasm",
        "tls",
    ] {
        for (name, bytes) in files(folder) {
            captures += 1;
            let parsed = parse(&bytes, &plan());
            let got = messages(&parsed);
            assert!(got.is_empty(), "{folder}/{name}: {:?}", got[0].2);
        }
    }
    println!("{captures} captures without a payment");
}
