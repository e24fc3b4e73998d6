//! The same captures read by tshark and by us: packets, streams, names, TLS, ICMP, ISO 8583; no unexplained difference.
//!
//! `TAPSCOPE_TSHARK=all` compares the whole corpus and a hundred generated captures, else a sample of both.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;
mod net;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use net::writer::{End, Rng, Writer, ascii, datagram, segment, union_pay};
use net::{follow, parse, plan};
use tapscope::parse::capture::Followed;
use tapscope_parsers::protocol::net::capture::Reader;
use tapscope_parsers::protocol::net::ip::Fragments;
use tapscope_parsers::protocol::net::link::{Frame, decode};
use tapscope_parsers::protocol::net::{dns, icmp, tcp};

/// tshark, or a loud word that it is not here.
fn tshark() -> bool {
    let there = Command::new("tshark").arg("--version").output().is_ok();
    if !there {
        eprintln!("SKIPPED: tshark is not installed (apt-get install tshark)");
    }
    there
}

fn all() -> bool {
    std::env::var("TAPSCOPE_TSHARK").is_ok_and(|v| v == "all")
}

/// Lines of fields of the packets that the filter lets through; several values of a field are separated by commas.
fn fields(file: &Path, filter: &str, names: &[&str], options: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command
        .env("LC_ALL", "C")
        .args(["-n", "-r"])
        .arg(file)
        .args(["-T", "fields", "-E", "separator=|", "-E", "occurrence=a"])
        .args(options);
    if !filter.is_empty() {
        command.args(["-Y", filter]);
    }
    for name in names {
        command.args(["-e", name]);
    }
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| line.split('|').map(str::to_owned).collect())
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok())
        .collect()
}

/// Streams as tshark follows them: ends, bytes of each.
fn followed(file: &Path) -> Vec<(String, String, [Vec<u8>; 2])> {
    let mut count = 0;
    for row in fields(file, "tcp", &["tcp.stream"], &[]) {
        let last = row[0].rsplit(',').next().unwrap_or_default();
        if let Ok(n) = last.parse::<usize>() {
            count = count.max(n + 1);
        }
    }
    let causes: Vec<(usize, Vec<u8>)> = fields(
        file,
        "tcp.reset_cause",
        &["tcp.stream", "tcp.reset_cause"],
        &[],
    )
    .into_iter()
    .filter_map(|row| Some((row[0].parse().ok()?, row.get(1)?.clone().into_bytes())))
    .collect();
    let mut streams = Vec::new();
    for chunk in (0..count).collect::<Vec<_>>().chunks(200) {
        let mut command = Command::new("tshark");
        command
            .env("LC_ALL", "C")
            .args(["-n", "-q", "-r"])
            .arg(file);
        for n in chunk {
            command.args(["-z", &format!("follow,tcp,raw,{n}")]);
        }
        let output = command.output().unwrap();
        let mut found = Vec::new();
        let mut one: Option<(usize, String, String, [Vec<u8>; 2])> = None;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            if let Some(n) = line.strip_prefix("Filter: tcp.stream eq ") {
                one = Some((
                    n.parse().unwrap(),
                    String::new(),
                    String::new(),
                    <[Vec<u8>; 2]>::default(),
                ));
            } else if line.starts_with("====") {
                found.extend(one.take().filter(|o| !o.1.is_empty()));
            } else if let Some(one) = &mut one {
                if let Some(node) = line.strip_prefix("Node 0: ") {
                    one.1 = node.to_owned();
                } else if let Some(node) = line.strip_prefix("Node 1: ") {
                    one.2 = node.to_owned();
                } else if let Some(data) = line.strip_prefix('\t') {
                    one.3[1].extend(unhex(data));
                } else if line.bytes().all(|b| b.is_ascii_hexdigit()) {
                    one.3[0].extend(unhex(line));
                }
            }
        }
        found.sort_by_key(|f| f.0);
        // Words in a RST say why (RFC 9293, 3.5.3): tshark's own field for them is no part of the stream, only its dump has them.
        for one in &mut found {
            for (_, cause) in causes.iter().filter(|(n, _)| *n == one.0) {
                for side in &mut one.3 {
                    if side.ends_with(cause) {
                        side.truncate(side.len() - cause.len());
                    }
                }
            }
        }
        streams.extend(found.into_iter().map(|f| (f.1, f.2, f.3)));
    }
    streams
}

/// Splits `[12 bytes missing in capture file].` out of what tshark writes for a hole, as zero bytes are not there either.
fn without_holes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, b" bytes missing in capture file]") {
        let start = rest[..at].iter().rposition(|b| *b == b'[').unwrap_or(0);
        out.extend_from_slice(&rest[..start]);
        let end = at + b" bytes missing in capture file]".len();
        let end = end + usize::from(rest[end..].first() == Some(&b'.'));
        rest = rest[end..].strip_prefix(b"\0").unwrap_or(&rest[end..]);
    }
    out.extend_from_slice(rest);
    out
}

fn reader_frames(bytes: &[u8]) -> usize {
    let mut packets = Vec::new();
    Reader::new().feed(bytes, true, &mut packets);
    packets.len()
}

/// What our own decoders make of every packet: names and ICMP errors by frame.
fn by_frame(bytes: &[u8]) -> (BTreeMap<u32, dns::Message>, BTreeMap<u32, (u8, u8)>) {
    let mut packets = Vec::new();
    let mut reader = Reader::new();
    reader.feed(bytes, true, &mut packets);
    let (mut names, mut errors) = (BTreeMap::new(), BTreeMap::new());
    let mut parts = Fragments::default();
    for packet in packets {
        let Frame::Ip(d) = decode(packet.link, packet.data(bytes)) else {
            continue;
        };
        let whole;
        let payload = if d.fragment.is_some() {
            let Some(w) = parts.push(&d, packet.frame, packet.nanos.unwrap_or(0)) else {
                continue;
            };
            whole = w.payload;
            &whole
        } else {
            d.payload
        };
        match d.protocol {
            17 => {
                if let Some(u) = tcp::udp(payload)
                    && (u.source_port == 53 || u.destination_port == 53)
                    && let Some(message) = dns::parse(u.payload)
                {
                    names.insert(packet.frame, message);
                }
            }
            1 | 58 => {
                if let Some(error) = icmp::parse(d.protocol == 58, payload) {
                    errors.insert(packet.frame, (error.kind, error.code));
                }
            }
            _ => {}
        }
    }
    (names, errors)
}

/// Differences that are understood, each with its reason: file, and what may differ.
const EXPLAINED: &[(&str, &str)] = &[
    // Four overlaps hold other bytes than the first copy: we keep the first, tshark the later one where it came early.
    ("tcp_reassembly_zeek.pcap", "bytes"),
    // Thirteen bytes in a RST: words about the reset (RFC 9293, 3.10.7), no part of the stream.
    ("tcp_rst_with_data.pcap", "bytes"),
    // Blocks that are no packets; capinfos counts none either.
    ("pcapng_be_test017.pcapng", "packets"),
    ("pcapng_le_test017.pcapng", "packets"),
    // The only record is cut in its middle.
    ("fuzz_2021-10-13.pcap", "packets"),
    // TLS that begins inside MySQL, after its greeting.
    ("control_mysql.pcapng", "tls"),
    ("pcapng_zstd.pcapng.zst", "tls"),
    // Fragments at random offsets: tshark puts together what lacks its beginning or goes past its end.
    ("fuzz_ip_fragmented_garbage.pcap", "streams"),
    // Port numbers changed at random: which end is the client is a guess on both sides.
    ("fuzz_2006-09-29-28586.pcap", "bytes"),
    // Behind the first private field of tshark's table everything is shifted (it calls these frames malformed).
    ("ascii_hexbitmap_len2bin.pcap", "iso8583"),
];

fn explained(name: &str, what: &str) -> bool {
    EXPLAINED.iter().any(|(n, w)| name == *n && what == *w)
}

struct Report(Vec<String>, usize);

impl Report {
    fn differ(&mut self, name: &str, what: &str, text: String) {
        if explained(name, what) {
            eprintln!("explained: {name}: {what}: {text}");
            self.1 += 1;
        } else {
            self.0.push(format!("{name}: {what}: {text}"));
        }
    }
}

fn compare_packets(name: &str, file: &Path, bytes: &[u8], report: &mut Report) {
    // tshark shows custom blocks as frames; they have no link type, and are no packets.
    let theirs = fields(file, "frame.encap_type", &["frame.number"], &[]).len();
    let ours = reader_frames(bytes);
    if theirs != ours {
        report.differ(name, "packets", format!("tshark {theirs}, we {ours}"));
    }
}

fn compare_streams(name: &str, file: &Path, streams: &[Followed], report: &mut Report) -> usize {
    let theirs = followed(file);
    // Ours by their two ends, in order of time.
    let mut ours: BTreeMap<BTreeSet<String>, Vec<&Followed>> = BTreeMap::new();
    for one in streams {
        let (a, b) = one.ends.unwrap();
        let ends = [a, b].map(|e| e.to_string().replace(['[', ']'], "")).into();
        ours.entry(ends).or_default().push(one);
    }
    let mut taken: BTreeMap<BTreeSet<String>, usize> = BTreeMap::new();
    for (node0, node1, bytes) in &theirs {
        let plain = |node: &String| node.replace(['[', ']'], "");
        let (node0, node1) = (&plain(node0), &plain(node1));
        let total: usize = bytes.iter().map(Vec::len).sum();
        if total == 0 {
            continue;
        }
        // Where only one side spoke, tshark names only that one.
        let ends: BTreeSet<String> = [node0.clone(), node1.clone()].into();
        let found = ours.iter().find(|(key, _)| **key == ends).or_else(|| {
            ours.iter()
                .find(|(key, _)| key.contains(node0) || key.contains(node1))
        });
        let Some((key, list)) = found else {
            report.differ(name, "streams", format!("{node0} {node1} is not ours"));
            continue;
        };
        let n = taken.entry(key.clone()).or_default();
        let Some(one) = list.get(*n) else {
            report.differ(name, "streams", format!("{node0} {node1} number {n}"));
            continue;
        };
        *n += 1;
        let client = one.ends.unwrap().0.to_string().replace(['[', ']'], "");
        let mut want = [without_holes(&bytes[0]), without_holes(&bytes[1])];
        if client != *node0 && (client == *node1 || !node0.starts_with(':')) {
            want.swap(0, 1);
        }
        for (side, want) in want.iter().enumerate() {
            let got = &one.bytes[side];
            if got != want {
                let at = got.iter().zip(want).take_while(|(a, b)| a == b).count();
                report.differ(
                    name,
                    "bytes",
                    format!(
                        "{node0} {node1} side {side}: we {} bytes, tshark {}, alike up to {at}",
                        got.len(),
                        want.len()
                    ),
                );
            }
        }
    }
    theirs.len()
}

fn compare_names(name: &str, file: &Path, bytes: &[u8], report: &mut Report) -> usize {
    let (names, errors) = by_frame(bytes);
    let mut compared = 0;
    let rows = fields(
        file,
        "dns && udp.port == 53 && !icmp && !icmpv6 && !_ws.malformed",
        &[
            "frame.number",
            "dns.id",
            "dns.flags.response",
            "dns.flags.rcode",
            "dns.qry.name",
            "dns.qry.type",
            "dns.count.queries",
            "dns.flags.opcode",
        ],
        &[],
    );
    for row in rows {
        let frame: u32 = row[0].parse().unwrap();
        if row[6] != "1" || row[7] != "0" {
            continue;
        }
        compared += 1;
        let Some(ours) = names.get(&frame) else {
            report.differ(name, "dns", format!("frame {frame} is not ours"));
            continue;
        };
        let id = u16::from_str_radix(row[1].trim_start_matches("0x"), 16).unwrap();
        let response = matches!(row[2].as_str(), "1" | "True");
        let same = ours.id == id
            && ours.response == response
            && (!response || row[3] == ours.rcode.to_string())
            && row[5] == ours.kind.to_string()
            && (row[4].to_ascii_lowercase() == ours.name
                || row[4] == "<Root>" && ours.name.is_empty());
        if !same {
            report.differ(
                name,
                "dns",
                format!("frame {frame}: tshark {row:?}, we {ours:?}"),
            );
        }
    }
    for (filter, kind, code) in [
        ("icmp.type in {3,4,5,11,12}", "icmp.type", "icmp.code"),
        ("icmpv6.type in {1,2,3,4}", "icmpv6.type", "icmpv6.code"),
    ] {
        for row in fields(file, filter, &["frame.number", kind, code], &[]) {
            let frame: u32 = row[0].parse().unwrap();
            let first = |cell: &str| cell.split(',').next().unwrap_or_default().parse::<u8>();
            compared += 1;
            match (errors.get(&frame), first(&row[1]), first(&row[2])) {
                (Some(ours), Ok(kind), Ok(code)) if *ours == (kind, code) => {}
                (ours, ..) => {
                    report.differ(
                        name,
                        "icmp",
                        format!("frame {frame}: tshark {row:?}, we {ours:?}"),
                    );
                }
            }
        }
    }
    compared
}

/// Versions, names, suites, alerts of the first handshake of each stream.
fn compare_tls(name: &str, file: &Path, bytes: &[u8], report: &mut Report) -> usize {
    let parsed = parse(bytes, &plan());
    let mut ours: BTreeMap<String, Vec<&tapscope::event::TlsSeen>> = BTreeMap::new();
    for c in net::connections(&parsed) {
        if let Some(tls) = c.tls.as_deref() {
            ours.entry(c.client.to_string().replace(['[', ']'], ""))
                .or_default()
                .push(tls);
        }
    }
    let rows = fields(
        file,
        "tls.handshake.type == 1 && tcp",
        &[
            "ip.src",
            "ipv6.src",
            "tcp.srcport",
            "tls.handshake.extensions_server_name",
            "tcp.stream",
        ],
        &[],
    );
    let mut compared = 0;
    let mut seen = BTreeSet::new();
    for row in rows {
        if !seen.insert(row[4].clone()) || row[2].contains(',') {
            continue;
        }
        let address = if row[0].is_empty() { &row[1] } else { &row[0] };
        let address = address.rsplit(',').next().unwrap_or_default();
        let client = format!("{address}:{}", row[2]);
        compared += 1;
        let Some(list) = ours.get(&client) else {
            report.differ(name, "tls", format!("{client} is not ours"));
            continue;
        };
        let want = row[3].split(',').next().unwrap_or_default();
        if !list
            .iter()
            .any(|t| t.server_name.as_deref().unwrap_or_default() == want)
        {
            report.differ(name, "tls", format!("{client}: name {want:?}, we {list:?}"));
        }
    }
    let rows = fields(
        file,
        "tls.handshake.type == 2 && tcp",
        &[
            "ip.dst",
            "ipv6.dst",
            "tcp.dstport",
            "tls.handshake.ciphersuite",
            "tcp.stream",
        ],
        &[],
    );
    for row in rows {
        if row[2].contains(',') || row[3].contains(',') || row[3].is_empty() {
            continue;
        }
        let address = if row[0].is_empty() { &row[1] } else { &row[0] };
        let client = format!(
            "{}:{}",
            address.rsplit(',').next().unwrap_or_default(),
            row[2]
        );
        let suite = u16::from_str_radix(row[3].trim_start_matches("0x"), 16).ok();
        compared += 1;
        let fits = ours
            .get(&client)
            .is_some_and(|list| list.iter().any(|t| t.cipher == suite));
        if !fits {
            report.differ(
                name,
                "tls",
                format!("{client}: suite {}, we {:?}", row[3], ours.get(&client)),
            );
        }
    }
    compared
}

/// ISO 8583 in the dialect that tshark reads: every field that both show, up to the first that tshark calls malformed.
fn compare_iso(name: &str, file: &Path, bytes: &[u8], how: &[&str], report: &mut Report) -> usize {
    const COMPARED: [u8; 13] = [3, 4, 7, 11, 12, 13, 14, 25, 37, 38, 39, 41, 42];
    let mut names = vec!["frame.number".to_owned(), "iso8583.mti".to_owned()];
    names.extend(COMPARED.iter().map(|n| format!("iso8583.bit{n}")));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let parsed = parse(bytes, &plan());
    // By type and trace number: which frame a message is shown at differs where its parts came in another order.
    let mut ours: BTreeMap<(String, String), Vec<_>> = BTreeMap::new();
    for (_, _, message) in net::messages(&parsed) {
        let stan = message.field(11).unwrap_or_default().to_owned();
        ours.entry((format!("{:04}", message.mti), stan))
            .or_default()
            .push(message);
    }
    let mut compared = 0;
    let (mut theirs, mut left) = (0, ours.values().map(Vec::len).sum::<usize>());
    for row in fields(file, "iso8583", &names, how) {
        let types: Vec<&str> = row[1].split(',').collect();
        theirs += types.len();
        let stans: Vec<&str> = row[5].split(',').collect();
        if types.len() != stans.len() {
            // A message without a trace number among others: which is which cannot be told from columns.
            continue;
        }
        for (n, (kind, stan)) in types.iter().zip(&stans).enumerate() {
            let key = ((*kind).to_owned(), (*stan).to_owned());
            let Some(message) = ours.get_mut(&key).and_then(Vec::pop) else {
                report.differ(
                    name,
                    "iso8583",
                    format!("frame {}: {kind} {stan} is not ours", row[0]),
                );
                continue;
            };
            left -= 1;
            compared += 1;
            for (number, cell) in COMPARED.iter().zip(&row[2..]) {
                let values: Vec<&str> = cell.split(',').collect();
                let want = match values.len() == types.len() {
                    true => values[n],
                    false => continue,
                };
                let got = message.field(*number).unwrap_or_default();
                if !want.is_empty() && got.trim() != want.trim() {
                    report.differ(
                        name,
                        "iso8583",
                        format!("frame {}: F{number} {want:?}, we {got:?}", row[0]),
                    );
                }
            }
        }
    }
    if left > 0 && theirs != compared + left {
        report.differ(
            name,
            "iso8583",
            format!("{left} messages of ours are not tshark's"),
        );
    }
    compared
}

/// A capture of many connections with loss, reordering, overlap and fragments.
fn troubled(seed: u64) -> Writer {
    let mut rng = Rng(seed);
    let mut w = Writer::default();
    let connections = 3 + rng.below(6);
    // Packets of all connections, each with its time; shuffled by a little.
    let mut timeline: Vec<(u64, Box<dyn Fn(&mut Writer)>)> = Vec::new();
    for n in 0..connections {
        let client: End = ([10, 20, (seed % 250) as u8, n as u8 + 1], 40_000 + n as u16);
        let server: End = ([203, 0, 113, 10], 8583);
        conversation(&mut rng, client, server, n, &mut timeline);
    }
    timeline.sort_by_key(|(at, _)| *at);
    let start = w.micros;
    for (at, write) in timeline {
        w.micros = start + at;
        write(&mut w);
    }
    w
}

type Timeline = Vec<(u64, Box<dyn Fn(&mut Writer)>)>;

fn conversation(rng: &mut Rng, client: End, server: End, n: u64, timeline: &mut Timeline) {
    let mut at = rng.below(50_000);
    let (mut c, mut s) = (rng.next() as u32, rng.next() as u32);
    if rng.one_in(5) {
        // Near the wrap-around.
        c = u32::MAX - rng.below(300) as u32;
    }
    let put = |timeline: &mut Timeline,
               at: u64,
               from: End,
               to: End,
               numbers,
               flags,
               data: Vec<u8>,
               mtu| {
        timeline.push((
            at,
            Box::new(move |w: &mut Writer| {
                let b = segment(from, to, numbers, flags, &data);
                w.ip(from.0, to.0, 6, &b, mtu);
            }),
        ));
    };
    put(timeline, at, client, server, (c, 0), 2, Vec::new(), 1480);
    put(
        timeline,
        at + 900,
        server,
        client,
        (s, c.wrapping_add(1)),
        0x12,
        Vec::new(),
        1480,
    );
    c = c.wrapping_add(1);
    s = s.wrapping_add(1);
    put(
        timeline,
        at + 1000,
        client,
        server,
        (c, s),
        0x10,
        Vec::new(),
        1480,
    );
    at += 2000;
    for round in 0..1 + rng.below(6) {
        for request in [true, false] {
            let stan = (n * 100 + round) as u32 + 1;
            let mut data = ascii(request, stan, n as u32);
            if rng.one_in(4) {
                data.extend(ascii(request, stan + 50, n as u32));
            }
            let (from, to) = if request {
                (client, server)
            } else {
                (server, client)
            };
            let (mut seq, ack) = if request { (c, s) } else { (s, c) };
            let mut from_byte = 0;
            while from_byte < data.len() {
                let size = 1 + rng.below(90) as usize;
                let end = (from_byte + size).min(data.len());
                let part = data[from_byte..end].to_vec();
                let mtu = if rng.one_in(6) { 40 } else { 1480 };
                // Late by up to what a second path makes late.
                let late = if rng.one_in(5) { rng.below(2_500) } else { 0 };
                put(
                    timeline,
                    at + late,
                    from,
                    to,
                    (seq, ack),
                    0x18,
                    part.clone(),
                    mtu,
                );
                if rng.one_in(6) {
                    // Sent again, some of it with what comes next.
                    let more = (end + rng.below(30) as usize).min(data.len());
                    let again = data[from_byte..more].to_vec();
                    put(
                        timeline,
                        at + 210_000,
                        from,
                        to,
                        (seq, ack),
                        0x18,
                        again,
                        1480,
                    );
                }
                seq = seq.wrapping_add(part.len() as u32);
                from_byte = end;
                at += 600;
            }
            at += 4_000;
            if request {
                c = seq;
                put(timeline, at, server, client, (s, c), 0x10, Vec::new(), 1480);
            } else {
                s = seq;
                put(timeline, at, client, server, (c, s), 0x10, Vec::new(), 1480);
            }
            at += 500;
        }
    }
    at += 400_000;
    put(timeline, at, client, server, (c, s), 0x11, Vec::new(), 1480);
    put(
        timeline,
        at + 500,
        server,
        client,
        (s, c.wrapping_add(1)),
        0x11,
        Vec::new(),
        1480,
    );
    put(
        timeline,
        at + 900,
        client,
        server,
        (c.wrapping_add(1), s.wrapping_add(1)),
        0x10,
        Vec::new(),
        1480,
    );
}

const ISO_ASCII: &[&str] = &[
    "-d",
    "tcp.port==8583,iso8583",
    "-o",
    "iso8583.len_endian:Big endian",
    "-o",
    "iso8583.charset:ASCII",
    "-o",
    "iso8583.binencode:ASCII",
    "-o",
    "tcp.reassemble_out_of_order:TRUE",
];

#[test]
fn generated_captures_are_read_alike() {
    if !tshark() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let count = if all() { 100 } else { 4 };
    let mut report = Report(Vec::new(), 0);
    let (mut streams, mut messages) = (0, 0);
    for seed in 1..=count {
        let w = troubled(seed);
        let name = format!("generated {seed}");
        let file = folder.path().join("c.pcap");
        std::fs::write(&file, &w.file).unwrap();
        assert_eq!(reader_frames(&w.file) as u64, w.packets);
        compare_packets(&name, &file, &w.file, &mut report);
        let (_, ours) = follow(&w.file, &plan(), 1 << 20);
        streams += compare_streams(&name, &file, &ours, &mut report);
        messages += compare_iso(&name, &file, &w.file, ISO_ASCII, &mut report);
    }
    println!("{count} captures, {streams} streams, {messages} messages compared");
    assert!(report.0.is_empty(), "{}", report.0.join("\n"));
    assert!(streams > count as usize * 2 && messages > count as usize * 4);
}

/// One capture of each folder that shows most, for every run.
const SAMPLE: &[&str] = &[
    "tcp-loss/tcp_retransmit_fast009.pcap",
    "tcp-reasm/tcp_out_of_order_http.pcap",
    "tcp-reasm/tcp_seq_wraparound.pcap",
    "tcp-connect/net_no_access_1_dns_unanswered.pcapng",
    "dns/dns_over_tcp.pcapng",
    "dns/dns_nxdomain_edns.pcap",
    "ip/ipv4_fragmented_http_request.pcap",
    "icmp/icmp_dest_unreachable.pcap",
    "tls/tls12_alert_handshake_failure.pcap",
    "tls/tls13_hello_retry.pcap",
    "link/sll2_http.pcap",
    "iso8583-pcap/ascii_hexbitmap_len2bin.pcap",
];

#[test]
fn the_corpus_is_read_alike() {
    let Some(corpus) = common::corpus().filter(|_| tshark()) else {
        return;
    };
    let root = corpus.join("net");
    let folders = [
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
        "iso8583-pcap",
    ];
    let files: Vec<PathBuf> = if all() {
        folders
            .iter()
            .flat_map(|f| net::files(&root.join(f)))
            .filter(|p| !net::name(p).ends_with(".json") && !net::name(p).ends_with(".snoop"))
            .collect()
    } else {
        SAMPLE.iter().map(|name| root.join(name)).collect()
    };
    let mut report = Report(Vec::new(), 0);
    let mut counts = [0; 3];
    for file in &files {
        let name = net::name(file);
        let bytes = net::read(file);
        if !Reader::recognises(&bytes) {
            continue;
        }
        compare_packets(&name, file, &bytes, &mut report);
        let (_, streams) = follow(&bytes, &plan(), 4 << 20);
        counts[0] += compare_streams(&name, file, &streams, &mut report);
        counts[1] += compare_names(&name, file, &bytes, &mut report);
        counts[2] += compare_tls(&name, file, &bytes, &mut report);
        if name == "ascii_hexbitmap_len2bin.pcap" {
            compare_iso(&name, file, &bytes, ISO_ASCII, &mut report);
        }
    }
    println!(
        "{} captures, {} streams, {} names and errors, {} handshakes compared; {} explained differences",
        files.len(),
        counts[0],
        counts[1],
        counts[2],
        report.1
    );
    assert!(report.0.is_empty(), "{}", report.0.join("\n"));
}

/// Not compared with tshark, which knows neither: that the generator's other messages are read at all.
#[test]
fn what_tshark_cannot_frame_is_read() {
    let mut w = Writer::default();
    w.exchange(
        ([10, 0, 0, 1], 40_001),
        ([203, 0, 113, 10], 5811),
        &union_pay(true, 7, 7),
        &union_pay(false, 7, 7),
    );
    let b = datagram(([10, 0, 0, 1], 1), ([10, 0, 0, 2], 2), b"x");
    w.ip([10, 0, 0, 1], [10, 0, 0, 2], 17, &b, 1480);
    let parsed = parse(&w.file, &plan());
    assert_eq!(net::messages(&parsed).len(), 2);
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
