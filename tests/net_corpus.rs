//! Captures that others made and that the corpus describes: each is read as its list says.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;
mod net;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use net::writer::{End, Writer};
use net::{follow, messages, parse, plan};
use tapscope::event::{Payload, Side};

/// What a capture shows, in words: connections and how they fared, names, errors, damage.
fn shows(bytes: &[u8]) -> String {
    let (parsed, streams) = follow(bytes, &plan(), 1 << 20);
    let mut out = format!("{} packets", parsed.source.ledger.records);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut add = |what: &'static str, n: u64| {
        if n > 0 {
            *counts.entry(what).or_default() += n;
        }
    };
    for stream in &streams {
        // QUIC is named only.
        let Some(c) = stream.connection.as_ref() else {
            continue;
        };
        add("connections", 1);
        add("opened", u64::from(c.connect_micros.is_some()));
        add("refused", u64::from(c.refused));
        let silent =
            c.syn_count > 0 && c.connect_micros.is_none() && !c.refused && c.server_bytes == 0;
        add(
            "SYN without answer",
            u64::from(silent) * u64::from(c.syn_count),
        );
        add(
            "reset by client",
            u64::from(c.reset_by == Some(Side::Client)),
        );
        add(
            "reset by server",
            u64::from(c.reset_by == Some(Side::Server)),
        );
        add(
            "reset by a third",
            u64::from(c.reset_by == Some(Side::Middlebox)),
        );
        add(
            "sent again",
            u64::from(c.client_retransmissions + c.server_retransmissions),
        );
        add("zero windows", u64::from(c.zero_windows));
        add("bytes missing", c.gap_bytes);
        add("overlaps that differ", u64::from(c.overlap_conflicts));
        add("bytes", stream.total[0] + stream.total[1]);
        match c.carried {
            Some("tls") => add("TLS", 1),
            Some("http") => add("HTTP", 1),
            Some("http2") => add("HTTP/2", 1),
            Some("ssh") => add("SSH", 1),
            Some("iso8583") => add("ISO 8583", 1),
            _ => {}
        }
        if let Some(tls) = c.tls.as_deref() {
            add("decrypted", u64::from(tls.decrypted));
            add("resumed", u64::from(tls.resumed));
            add(
                "certificate for another name",
                u64::from(tls.name_fits == Some(false)),
            );
            add("intermediate missing", u64::from(tls.lacks_intermediate));
            add(
                "client certificates",
                u64::from(tls.client_certificates.unwrap_or(0)),
            );
        }
    }
    for (what, n) in counts {
        let _ = write!(out, "; {what} {n}");
    }
    for event in &parsed.events {
        let _ = match &event.payload {
            Payload::Dns(d) => match d.rcode {
                Some(0) => Ok(()),
                Some(code) => write!(out, "; DNS {} code {code}", d.name),
                None => write!(out, "; DNS {} asked {} times", d.name, d.queries),
            },
            Payload::Tls(t) => match (t.alert, t.alert_from) {
                (Some(alert), Some(side)) => write!(out, "; alert {alert} from {side:?}"),
                _ => write!(out, "; TLS ends at {:?}", t.stage),
            },
            Payload::Icmp(i) => write!(out, "; ICMP {} {}/{}", i.version, i.kind, i.code),
            Payload::Http(h) => write!(out, "; HTTP status {}", h.status),
            Payload::Iso8583(m) => write!(out, "; {:04}", m.mti),
            _ => Ok(()),
        };
    }
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    for issue in &parsed.issues {
        if !issue.code.starts_with("tcp_gap") {
            *codes.entry(issue.code).or_default() += issue.count;
        }
    }
    for (code, n) in codes {
        let _ = write!(out, "; {code} {n}");
    }
    out
}

/// File and what it shows, beside what `SOURCES.md` of the corpus says of it; reviewed line by line.
const SHOWN: &str = include_str!("data/net_corpus.txt");

const FOLDERS: [&str; 11] = [
    "tcp-connect",
    "tcp-loss",
    "tcp-reasm",
    "ip",
    "link",
    "fileformat",
    "malformed",
    "tls",
    "dns",
    "icmp",
    "control",
];

#[test]
fn every_capture_is_read_as_its_list_says() {
    let Some(corpus) = common::corpus() else {
        return;
    };
    let print = std::env::var_os("TAPSCOPE_PRINT").is_some();
    let want: BTreeMap<&str, &str> = SHOWN
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.split_once(": "))
        .collect();
    let mut wrong = String::new();
    let mut checked = 0;
    for folder in FOLDERS {
        for path in net::files(&corpus.join("net").join(folder)) {
            let name = format!("{folder}/{}", net::name(&path));
            if name.ends_with(".snoop") {
                continue;
            }
            let got = shows(&net::read(&path));
            checked += 1;
            if print {
                println!("{name}: {got}");
            }
            match want.get(name.as_str()) {
                Some(want) if *want == got => {}
                Some(want) => {
                    let _ = writeln!(wrong, "{name}\n  want {want}\n  got  {got}");
                }
                None => {
                    let _ = writeln!(wrong, "{name} is not listed: {got}");
                }
            }
        }
    }
    assert!(print || wrong.is_empty(), "{wrong}");
    assert_eq!(checked, want.len());
}

#[test]
fn other_protocols_give_no_payment() {
    let Some(corpus) = common::corpus() else {
        return;
    };
    for folder in FOLDERS {
        for path in net::files(&corpus.join("net").join(folder)) {
            let parsed = parse(&net::read(&path), &plan());
            let found = messages(&parsed);
            assert!(found.is_empty(), "{}: {:?}", path.display(), found[0].2);
        }
    }
}

/// Every field of every published message, found in its stream without being told where.
#[test]
fn messages_on_the_wire_hold_what_the_published_ones_do() {
    let Some(corpus) = common::corpus() else {
        return;
    };
    let mut vectors: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    for path in net::files(&corpus.join("net/iso8583-vectors")) {
        if path.extension().is_some_and(|e| e == "jsonl") {
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let vector: serde_json::Value = serde_json::from_str(line).unwrap();
                vectors.insert(vector["id"].as_str().unwrap().to_owned(), vector);
            }
        }
    }
    // Never in an event: card numbers, tracks, PIN, field 55 (its objects are), keys, the terminal's whereabouts.
    const HIDDEN: [&str; 9] = ["2", "34", "35", "36", "45", "52", "55", "59", "62"];
    let (mut fields, mut checked) = (0, 0);
    let mut wrong = String::new();
    for path in net::files(&corpus.join("net/iso8583-pcap")) {
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let truth: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let capture = PathBuf::from(path.to_str().unwrap().replace(".truth.json", ".pcap"));
        let parsed = parse(&net::read(&capture), &plan());
        let found = messages(&parsed);
        for entry in truth["transactions"].as_array().unwrap() {
            let Some(vector) = entry["vector"].as_str().map(|id| &vectors[id]) else {
                continue;
            };
            let frame = entry["frame"].as_u64().unwrap() as u32;
            let stan = entry["stan"].as_str();
            let Some((_, _, message)) = found
                .iter()
                .find(|(n, _, m)| *n == frame && (stan.is_none() || m.field(11) == stan))
            else {
                let _ = writeln!(
                    wrong,
                    "{}: {} is not found",
                    net::name(&capture),
                    vector["id"]
                );
                continue;
            };
            checked += 1;
            if format!("{:04}", message.mti) != vector["mti"].as_str().unwrap() {
                let _ = writeln!(wrong, "{}: type {}", vector["id"], message.mti);
            }
            for (number, want) in vector["fields"].as_object().unwrap() {
                if HIDDEN.contains(&number.as_str()) {
                    continue;
                }
                let want = want.as_str().unwrap().trim().to_lowercase();
                let want = want.strip_prefix("0x").unwrap_or(&want).to_owned();
                let n: u8 = number.parse().unwrap();
                let Some(got) = message.field(n) else {
                    let secret = n == 48 && message.mti % 1000 / 100 == 8;
                    if !secret {
                        let _ = writeln!(wrong, "{}: F{n} is missing", vector["id"]);
                    }
                    continue;
                };
                fields += 1;
                let plain = got.to_lowercase();
                // Masked digits are stars; GBK is text here and hexadecimal there.
                let masked = plain.contains('*') && plain.len() == want.len();
                let foreign = !got.is_ascii() || !want.is_ascii() || want.len() == 2 * got.len();
                if plain.trim() != want && !masked && !foreign {
                    let _ = writeln!(wrong, "{}: F{n} {got:?}, not {want:?}", vector["id"]);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(
        checked >= 70 && fields > 600,
        "{checked} messages, {fields} fields"
    );
}

/// What the truth files say of outcomes and causes, through the whole program.
#[test]
fn outcomes_and_causes_are_those_of_the_truth() {
    let Some(corpus) = common::corpus() else {
        return;
    };
    let folder = corpus.join("net/iso8583-pcap");
    let temporary = tempfile::tempdir().unwrap();
    let mut wrong = String::new();
    for name in [
        "unionpay_mixed_declines_contactless",
        "unionpay_timeout_then_reversal",
        "unionpay_connect_refused_then_backup_host",
    ] {
        let truth: serde_json::Value = serde_json::from_slice(
            &std::fs::read(folder.join(format!("{name}.truth.json"))).unwrap(),
        )
        .unwrap();
        let out = temporary.path().join(name);
        common::analyze(&[&folder.join(format!("{name}.pcap"))], &out, &[]);
        let rows = common::rows(
            &out,
            "SELECT stan, outcome, response_code, cause, amount_minor, terminal_id FROM transactions",
        );
        for entry in truth["transactions"].as_array().unwrap() {
            let stan = entry["stan"].as_str().unwrap();
            let Some(row) = rows.iter().find(|r| r[0] == stan) else {
                let _ = writeln!(wrong, "{name}: {stan} is no transaction");
                continue;
            };
            let outcome = match entry["outcome"].as_str().unwrap() {
                "declined" => "declined_online",
                "timeout" => "reversed",
                other => other,
            };
            if row[1] != outcome && !(outcome == "reversed" && row[1] == "timed_out") {
                let _ = writeln!(wrong, "{name}: {stan} {row:?}, not {outcome}");
            }
            if let Some(f39) = entry["f39"].as_str()
                && row[2] != f39
            {
                let _ = writeln!(wrong, "{name}: {stan} {row:?}, not {f39}");
            }
            if let Some(amount) = entry["amount"].as_i64()
                && row[4] != amount.to_string()
            {
                let _ = writeln!(wrong, "{name}: {stan} {row:?}, not {amount}");
            }
            if let Some(terminal) = entry["terminal"].as_str()
                && row[5] != terminal
            {
                let _ = writeln!(wrong, "{name}: {stan} {row:?}, not {terminal}");
            }
            let failed = entry["cause"].as_str() != Some("none");
            if failed == row[3].is_empty() {
                let _ = writeln!(wrong, "{name}: {stan} {row:?}, cause {}", entry["cause"]);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every prefix of every small capture is read without panic, and gives the packets that stand whole in it.
#[test]
fn prefixes_give_the_packets_of_the_prefix() {
    let Some(corpus) = common::corpus() else {
        return;
    };
    // In CI the smallest ones; `TAPSCOPE_PREFIXES=all` takes those of up to 3,000 bytes.
    let all = std::env::var("TAPSCOPE_PREFIXES").is_ok_and(|v| v == "all");
    let most = if all { 3_000 } else { 1_000 };
    let mut prefixes = 0;
    for folder in FOLDERS.iter().chain(&["iso8583-pcap"]) {
        for path in net::files(&corpus.join("net").join(folder)) {
            let bytes = net::read(&path);
            let small = bytes.len() <= most && path.extension().is_none_or(|e| e != "json");
            if !small || !tapscope_parsers::protocol::net::capture::Reader::recognises(&bytes) {
                continue;
            }
            let ends = record_ends(&bytes);
            if parse(&bytes, &plan()).source.ledger.records != ends.len() as u64 {
                // Damaged or of a version that is not read: no truth to compare with.
                continue;
            }
            for n in 0..=bytes.len() {
                prefixes += 1;
                let parsed = parse(&bytes[..n], &plan());
                let want = ends.iter().filter(|end| **end <= n).count() as u64;
                let got = parsed.source.ledger.records;
                assert!(
                    got == want,
                    "{} cut at {n}: {got} packets, not {want}",
                    path.display()
                );
            }
        }
    }
    assert!(prefixes > if all { 20_000 } else { 5_000 }, "{prefixes}");
}

/// Where each packet's record ends, worked out by hand.
fn record_ends(bytes: &[u8]) -> Vec<usize> {
    let le = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let be = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut ends = Vec::new();
    if bytes.len() < 24 {
        return ends;
    }
    let (mut at, mut big) = (0, false);
    if bytes[0] != 0x0A {
        big = bytes[0] == 0xA1;
        let header = if le(0) == 0xa1b2_cd34 || be(0) == 0xa1b2_cd34 {
            24
        } else {
            16
        };
        at = 24;
        while at + 16 <= bytes.len() {
            let length = if big { be(at + 8) } else { le(at + 8) } as usize;
            at += header + length;
            if at > bytes.len() || length > 262_144 {
                break;
            }
            ends.push(at);
        }
        return ends;
    }
    while at + 12 <= bytes.len() {
        if le(at) == 0x0A0D_0D0A {
            big = be(at + 8) == 0x1A2B_3C4D;
        }
        let word = |at: usize| if big { be(at) } else { le(at) };
        let (kind, length) = (word(at), word(at + 4) as usize);
        if length < 12 || at + length > bytes.len() {
            break;
        }
        at += length;
        if matches!(kind, 2 | 3 | 6) {
            ends.push(at);
        }
    }
    ends
}

/// A dialect that nobody but its user knows: not found without its description, read with it, and `--why` says both.
#[test]
fn a_described_dialect_is_read() {
    use net::writer::{Writer, union_pay};
    let folder = tempfile::tempdir().unwrap();
    let wrapped = |request| {
        let message = union_pay(request, 7, 7)[13..].to_vec();
        let mut framed = (message.len() as u16 + 3).to_be_bytes().to_vec();
        framed.extend([0xAA, 0xBB, 0xCC]);
        framed.extend(message);
        framed
    };
    let mut w = Writer::default();
    let host = ([203, 0, 113, 10], 7001);
    w.exchange(
        ([10, 20, 1, 9], 40_001),
        host,
        &wrapped(true),
        &wrapped(false),
    );
    let capture = folder.path().join("own.pcap");
    std::fs::write(&capture, &w.file).unwrap();
    let dialects = folder.path().join("dialects");
    std::fs::create_dir(&dialects).unwrap();
    let sample: String = wrapped(true).iter().map(|b| format!("{b:02X}")).collect();
    let description = |header: u8| {
        format!(
            "name = \"acme-pos\"\ntitle = \"Acme acquirer\"\nbase = \"bcd-unionpay-pos\"\nlength = \"len2bin\"\nheader = \"{header}\"\nhosts = [\"203.0.113.0/24:7001\"]\nsamples = [\"{sample}\"]\n"
        )
    };
    let file = dialects.join("acme.toml");
    std::fs::write(&file, description(3)).unwrap();
    let count = |out: &str, more: &[&str]| {
        let out = folder.path().join(out);
        common::analyze(&[&capture], &out, more);
        common::number(
            &out,
            "SELECT count(*) AS n FROM events WHERE kind = 'iso8583'",
        )
    };
    let option = ["--dialects", dialects.to_str().unwrap()];
    assert_eq!(count("without", &[]), 0);
    assert_eq!(count("with", &option), 2);
    let why = |more: &[&str]| {
        let output = common::tapscope()
            .args(["formats", "--why", capture.to_str().unwrap()])
            .args(more)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(why(&[]).contains("1 not recognised"), "{}", why(&[]));
    let told = why(&option);
    for want in [
        "`acme-pos` is described for this host",
        "len2bin-fixed, acme-pos; 2 messages",
        "F41 printable text +1",
    ] {
        assert!(told.contains(want), "{want} in {told}");
    }
    assert!(!told.contains("6212340000001232"));
    // A description that its own sample refutes is refused, with the place.
    std::fs::write(&file, description(4)).unwrap();
    let out = folder.path().join("refused");
    let output = common::analyze(&[&capture], &out, &option);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("acme.toml: samples, number 1"), "{errors}");
}

/// What comes before connections, and what is only named.
#[test]
fn the_local_network_and_quic_are_told() {
    use net::writer::{End, Writer};
    use tapscope::event::LinkFault;
    let mut w = Writer::default();
    let arp = |w: &mut Writer, request: bool, sender: [u8; 4], target: [u8; 4]| {
        w.micros += 1_000_000;
        let mut frame = vec![0xFF; 6];
        frame.extend([2, 0, 0, 0, 0, sender[3], 8, 6, 0, 1, 8, 0, 6, 4, 0]);
        frame.push(if request { 1 } else { 2 });
        frame.extend([2, 0, 0, 0, 0, sender[3]]);
        frame.extend(sender);
        frame.extend([0; 6]);
        frame.extend(target);
        w.frame(&frame);
    };
    // The gateway does not answer; the neighbour does.
    for _ in 0..4 {
        arp(&mut w, true, [10, 0, 0, 9], [10, 0, 0, 1]);
    }
    arp(&mut w, true, [10, 0, 0, 9], [10, 0, 0, 8]);
    arp(&mut w, false, [10, 0, 0, 8], [10, 0, 0, 9]);
    let dhcp = |w: &mut Writer, kind: u8, from: End, to: End| {
        let mut b = vec![1, 1, 6, 0];
        b.resize(28, 0);
        b.extend([2, 0, 0, 0, 0, 9]);
        b.resize(236, 0);
        b.extend([0x63, 0x82, 0x53, 0x63, 53, 1, kind, 50, 4, 10, 0, 0, 9, 255]);
        w.udp(from, to, &b);
    };
    let (client, server): (End, End) = (([0, 0, 0, 0], 68), ([255, 255, 255, 255], 67));
    dhcp(&mut w, 3, client, server);
    dhcp(&mut w, 6, ([10, 0, 0, 1], 67), ([10, 0, 0, 9], 68));
    let quic = [0xC3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0];
    w.udp(([10, 0, 0, 9], 50_000), ([198, 51, 100, 7], 443), &quic);
    let (parsed, streams) = follow(&w.file, &plan(), 100);
    let faults: Vec<_> = parsed
        .events
        .iter()
        .filter_map(|e| match &e.payload {
            Payload::Link(l) => Some((l.fault, l.asked, l.wanted.map(|ip| ip.to_string()))),
            _ => None,
        })
        .collect();
    assert_eq!(
        faults,
        [
            (LinkFault::NoArpAnswer, 4, Some("10.0.0.1".to_owned())),
            (LinkFault::DhcpRefused, 1, Some("10.0.0.9".to_owned()))
        ]
    );
    let named: Vec<_> = streams
        .iter()
        .map(|s| (s.carried, s.ends.unwrap().1.to_string()))
        .collect();
    assert_eq!(named, [(Some("quic"), "198.51.100.7:443".to_owned())]);
}

/// A capture cut into files where a connection, a segment and a message go on: read as one, each file its own source.
#[test]
fn files_of_a_ring_buffer_are_one_capture() {
    use net::writer::{Writer, union_pay};
    let folder = tempfile::tempdir().unwrap();
    let client = ([10, 20, 1, 9], 40_001);
    let host = ([203, 0, 113, 10], 5811);
    let mut w = Writer::default();
    w.exchange(
        client,
        host,
        &union_pay(true, 7, 7),
        &union_pay(false, 7, 7),
    );
    w.exchange(
        (client.0, 40_002),
        host,
        &union_pay(true, 8, 7),
        &union_pay(false, 8, 7),
    );
    let ends = record_ends(&w.file);
    // Behind the first request, and in the middle of the second exchange.
    let (a, b) = (ends[3], ends[14]);
    let parts = [&w.file[..a], &w.file[a..b], &w.file[b..]];
    let mut paths = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let path = folder
            .path()
            .join(format!("day_0000{}_2025100909300{n}.pcap", n + 1));
        let head = if n == 0 { &[][..] } else { &w.file[..24] };
        std::fs::write(&path, [head, part].concat()).unwrap();
        paths.push(path);
    }
    let out = folder.path().join("out");
    let inputs: Vec<&std::path::Path> = paths.iter().map(PathBuf::as_path).collect();
    let output = common::analyze(&inputs, &out, &[]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows = common::rows(
        &out,
        "SELECT stan, outcome, net_events FROM transactions ORDER BY stan",
    );
    assert_eq!(
        rows,
        [["000007", "approved", "3"], ["000008", "approved", "3"]]
    );
    let sources = common::rows(
        &out,
        "SELECT records, events, bytes_understood + bytes_ignored + bytes_not_understood + bytes_unreadable = bytes AS whole FROM sources ORDER BY path",
    );
    let packets: Vec<&str> = sources.iter().map(|r| r[0].as_str()).collect();
    assert_eq!(packets, ["4", "11", "5"]);
    assert!(sources.iter().all(|r| r[2] == "true"), "{sources:?}");
    // The answer to the first request is frame 2 of the second file.
    let places = common::rows(
        &out,
        "SELECT e.locator FROM events AS e WHERE e.kind = 'iso8583'",
    );
    assert_eq!(places.len(), 4);
    for want in [
        "day_00001_20251009093000.pcap#4",
        "day_00002_20251009093001.pcap#2",
    ] {
        assert!(
            places.iter().any(|p| p[0].ends_with(want)),
            "{want}: {places:?}"
        );
    }
}

/// A million connections that stay open: bounded memory, and a real exchange after them is still read.
#[test]
fn many_open_connections_are_bounded() {
    use net::writer::{End, Writer, union_pay};
    // In CI a tenth, with a table of a tenth; the bench (`-- flows`) does the whole million.
    let count: u32 = 100_000;
    let mut w = Writer::default();
    let host: End = ([203, 0, 113, 10], 5811);
    for n in 1..=count {
        let ip = n.to_be_bytes();
        let client: End = ([10, ip[1], ip[2], ip[3]], 40_000);
        w.tcp(client, host, (1000, 0), 2, &[]);
        w.tcp(host, client, (90_000, 1001), 0x12, &[]);
        w.tcp(client, host, (1001, 90_001), 0x18, b"hello");
    }
    w.exchange(
        ([10, 99, 0, 1], 50_000),
        host,
        &union_pay(true, 7, 7),
        &union_pay(false, 7, 7),
    );
    let mut plan = plan();
    plan.limits.flows = 26_214;
    let parsed = parse(&w.file, &plan);
    assert_eq!(messages(&parsed).len(), 2);
    assert!(parsed.issues.iter().any(|i| i.code == "flow_evicted"));
}

/// TLS inside another protocol, once both sides agreed on it (mail here; databases and gateways do the same).
#[test]
fn tls_that_begins_later_is_seen() {
    let record = |kind: u8, body: &[u8]| {
        let mut out = vec![0x16, 3, 3];
        out.extend((body.len() as u16 + 4).to_be_bytes());
        out.extend([kind, 0]);
        out.extend((body.len() as u16).to_be_bytes());
        out.extend_from_slice(body);
        out
    };
    let name = b"gate.example.test";
    let mut hello = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
    let length = name.len() as u16;
    for number in [length + 9, 0, length + 5, length + 3] {
        hello.extend(number.to_be_bytes());
    }
    hello.push(0);
    hello.extend(length.to_be_bytes());
    hello.extend(name);
    let answer = [
        &[3, 3][..],
        &[9; 32],
        &[0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4],
    ]
    .concat();
    let (client, server): (End, End) = (([10, 0, 0, 1], 40_001), ([203, 0, 113, 10], 2525));
    let mut w = Writer::default();
    w.tcp(client, server, (1000, 0), 2, &[]);
    w.tcp(server, client, (5000, 1001), 0x12, &[]);
    let (mut c, mut s) = (1001, 5001);
    for (from_client, data) in [
        (false, b"220 gate.example.test\r\n".to_vec()),
        (true, b"STARTTLS\r\n".to_vec()),
        (false, b"220 go ahead\r\n".to_vec()),
        (true, record(1, &hello)),
        (false, record(2, &answer)),
    ] {
        if from_client {
            w.tcp(client, server, (c, s), 0x18, &data);
            c += data.len() as u32;
        } else {
            w.tcp(server, client, (s, c), 0x18, &data);
            s += data.len() as u32;
        }
    }
    let parsed = parse(&w.file, &plan());
    let seen: Vec<_> = net::connections(&parsed)
        .into_iter()
        .filter_map(|c| Some((c.carried, c.tls.as_deref()?)))
        .map(|(carried, tls)| (carried, tls.server_name.as_deref(), tls.cipher))
        .collect();
    assert_eq!(
        seen,
        [(Some("tls"), Some("gate.example.test"), Some(0x1301))]
    );
}
