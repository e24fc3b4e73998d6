//! The whole of `analyze` on a generated capture, beside tshark with its ISO 8583 fields on the same file.
//!
//! `cargo bench --bench capture -- [MEGABYTES]` (1024 for the figures that are published): half of the bytes are payments
//! (ASCII with a hexadecimal bitmap, which tshark reads), half TLS, web pages and names. `-- parse [MEGABYTES]` times the
//! capture reader alone, `-- flows` a million open connections with one payment after them. Card numbers are test numbers.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures"
)]

use std::io::{BufWriter, Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use tapscope::event::{Events, Spill, What};
use tapscope::parse::edge::Edge;
use tapscope::parse::{Context, Parsed, capture};
use tapscope::plan::Plan;

#[allow(
    dead_code,
    reason = "the bench uses its part of what the tests write with"
)]
#[path = "../tests/net/writer.rs"]
mod writer;

use writer::{End, Rng, Writer};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let megabytes = arguments
        .iter()
        .find_map(|a| a.parse::<u64>().ok())
        .unwrap_or(64);
    if arguments.iter().any(|a| a == "flows") {
        return open_flows(1_000_000);
    }
    let folder = tempfile::tempdir().expect("a folder for the capture");
    let file = folder.path().join("day.pcap");
    let (bytes, packets, payments) = generate(&file, megabytes << 20);
    println!(
        "capture of {:.0} MB: {packets} packets, {payments} payments",
        bytes as f64 / 1e6
    );
    if arguments.iter().any(|a| a == "parse") {
        return parse_alone(&file, bytes);
    }
    beside_tshark(folder.path(), &file, bytes);
}

/// The reader alone, on one and on all threads.
fn parse_alone(file: &Path, bytes: u64) {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        for _ in 0..2 {
            let mut input = std::fs::File::open(file).expect("the capture");
            let start = Instant::now();
            let cpu = cpu_seconds();
            let parsed = pool.install(|| run(&mut input));
            let wall = start.elapsed().as_secs_f64();
            println!(
                "{threads} threads: {wall:.3} s, {:.3} s of processor, {:.2} GB/s, {} messages, {} events, peak {} MiB",
                cpu_seconds() - cpu,
                bytes as f64 / wall / 1e9,
                messages(&parsed.events),
                parsed.events.len(),
                peak_kib() >> 10,
            );
        }
    }
}

fn run(input: &mut dyn Read) -> Parsed {
    let (plan, edge) = (Plan::default(), Edge::new(Some([1; 32])));
    let ctx = Context {
        edge: &edge,
        plan: &plan,
        source: 0,
        path: "bench.pcap",
        forced_format: None,
        progress: &|_| {},
        spill: &Spill::unbounded(),
    };
    capture::run(input, &ctx)
}

fn messages(events: &Events) -> usize {
    let heads = events.heads().iter();
    heads
        .filter(|head| matches!(head.what, What::Iso8583(_)))
        .count()
}

/// A program's time and its peak memory.
struct Ran {
    wall: f64,
    peak_mib: u64,
    lines: usize,
}

fn time(mut command: Command) -> Option<Ran> {
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut out = child.stdout.take()?;
    let lines = std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        let mut lines = 0;
        while let Ok(n @ 1..) = out.read(&mut buffer) {
            lines += buffer[..n].iter().filter(|b| **b == b'\n').count();
        }
        lines
    });
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().ok()?.is_none() {
        peak = peak.max(field(&status, "VmHWM:"));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Some(Ran {
        wall: start.elapsed().as_secs_f64(),
        peak_mib: peak >> 10,
        lines: lines.join().ok()?,
    })
}

fn beside_tshark(folder: &Path, file: &Path, bytes: u64) {
    let out = folder.join("out");
    let mut ours = Command::new(env!("CARGO_BIN_EXE_tapscope"));
    ours.arg("analyze")
        .arg(file)
        .arg("--out")
        .arg(&out)
        .args(["-q", "--progress", "never"]);
    let ours = time(ours).expect("tapscope runs");
    println!(
        "tapscope analyze: {:.2} s, {:.1} MB/s, peak {} MiB",
        ours.wall,
        bytes as f64 / ours.wall / 1e6,
        ours.peak_mib
    );
    let mut input = std::fs::File::open(file).expect("the capture");
    let start = Instant::now();
    let parsed = run(&mut input);
    println!(
        "  of which reading the capture: {:.2} s, {} messages",
        start.elapsed().as_secs_f64(),
        messages(&parsed.events)
    );
    let mut theirs = Command::new("tshark");
    theirs.args(["-n", "-r"]).arg(file).args([
        "-o",
        "iso8583.len_endian:Big endian",
        "-o",
        "iso8583.charset:ASCII",
        "-o",
        "iso8583.binencode:ASCII",
        "-d",
        "tcp.port==8583,iso8583",
        "-Y",
        "iso8583",
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "frame.time_epoch",
        "-e",
        "tcp.stream",
        "-e",
        "iso8583.mti",
        "-e",
        "iso8583.bit4",
        "-e",
        "iso8583.bit11",
        "-e",
        "iso8583.bit37",
        "-e",
        "iso8583.bit39",
        "-e",
        "iso8583.bit41",
    ]);
    let Some(theirs) = time(theirs).filter(|ran| ran.lines > 0) else {
        println!("SKIPPED: tshark is not installed");
        return;
    };
    println!(
        "tshark, ISO 8583 fields: {:.2} s, {:.1} MB/s, peak {} MiB, {} frames with messages",
        theirs.wall,
        bytes as f64 / theirs.wall / 1e6,
        theirs.peak_mib,
        theirs.lines
    );
    println!(
        "ratio: {:.1} times its speed, {:.2} of its memory",
        theirs.wall / ours.wall,
        ours.peak_mib as f64 / theirs.peak_mib.max(1) as f64
    );
}

/// Half payments, half other traffic; bytes, packets, payments.
fn generate(path: &Path, size: u64) -> (u64, u64, u64) {
    let mut file =
        BufWriter::with_capacity(1 << 20, std::fs::File::create(path).expect("the capture"));
    let mut w = Writer::default();
    let mut rng = Rng(8583);
    let (mut payment, mut other, mut stan) = (0_u64, 0_u64, 0_u32);
    let page: Vec<u8> = (0..200_000).map(|n| b'a' + (n % 23) as u8).collect();
    while payment + other < size {
        let before = w.file.len() as u64;
        let terminal = rng.below(5000) as u32;
        let port = 20_000 + (stan % 40_000) as u16;
        let client = |net: u8| -> End { ([10, net, (terminal >> 8) as u8, terminal as u8], port) };
        if payment <= other {
            stan += 1;
            let host: End = ([203, 0, 113, 10], 8583);
            w.exchange(
                client(20),
                host,
                &sale(true, stan, terminal),
                &sale(false, stan, terminal),
            );
            payment += w.file.len() as u64 - before;
        } else {
            match rng.below(10) {
                0..=3 => {
                    let host: End = ([198, 51, 100, rng.below(9) as u8], 443);
                    let (hello, answer) = tls(&mut rng, &page);
                    w.exchange(client(30), host, &hello, &answer);
                }
                4..=6 => {
                    let host: End = ([198, 51, 100, rng.below(9) as u8], 80);
                    let n = 200 + rng.below(20_000) as usize;
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {n}\r\n\r\n"
                    );
                    let answer = [head.as_bytes(), &page[..n]].concat();
                    w.exchange(
                        client(30),
                        host,
                        b"GET /x HTTP/1.1\r\nHost: example.test\r\n\r\n",
                        &answer,
                    );
                }
                _ => {
                    for _ in 0..4 {
                        names(&mut w, &mut rng, client(30));
                    }
                }
            }
            other += w.file.len() as u64 - before;
        }
        w.micros += rng.below(300);
        if w.file.len() > 8 << 20 {
            file.write_all(&w.file).expect("room");
            (payment, other) = (payment, other);
            w.file.clear();
        }
    }
    file.write_all(&w.file).expect("room");
    file.flush().expect("room");
    (payment + other + 24, w.packets, u64::from(stan))
}

/// A query and its answer.
fn names(w: &mut Writer, rng: &mut Rng, client: End) {
    let resolver: End = ([10, 0, 0, 53], 53);
    let id = (rng.next() as u16).to_be_bytes();
    let mut query = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(format!("\x04h{:03}", rng.below(1000)).bytes());
    query.extend(b"\x07example\x04test\x00\x00\x01\x00\x01");
    w.udp(client, resolver, &query);
    let mut answer = query;
    answer[2] = 0x81;
    answer[3] = 0x80;
    answer[7] = 1;
    answer.extend(b"\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x3C\x00\x04\xC6\x33\x64\x07");
    w.udp(resolver, client, &answer);
}

/// What looks like TLS 1.3: hellos, then sealed records.
fn tls(rng: &mut Rng, page: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let record = |kind: u8, body: &[u8]| {
        let mut r = vec![kind, 3, 3];
        r.extend((body.len() as u16).to_be_bytes());
        r.extend_from_slice(body);
        r
    };
    let mut hello = vec![1, 0, 0, 0, 3, 3];
    hello.extend((0..4).flat_map(|_| rng.next().to_be_bytes()));
    hello.push(0);
    hello.extend([0, 2, 0x13, 1, 1, 0]);
    hello.extend([0, 7, 0, 43, 0, 3, 2, 3, 4]);
    hello[3] = (hello.len() - 4) as u8;
    let mut server = vec![2, 0, 0, 0, 3, 3];
    server.extend((0..4).flat_map(|_| rng.next().to_be_bytes()));
    server.push(0);
    server.extend([0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
    server[3] = (server.len() - 4) as u8;
    let mut out = record(22, &hello);
    out.extend(record(23, &page[..517]));
    let mut back = record(22, &server);
    for _ in 0..1 + rng.below(6) {
        let n = 100 + rng.below(16_000) as usize;
        back.extend(record(23, &page[..n]));
    }
    (out, back)
}

/// A sale (or its answer) as a switch with ASCII messages has it, field 55 in hexadecimal characters.
fn sale(request: bool, stan: u32, terminal: u32) -> Vec<u8> {
    let mut b: Vec<u8> = if request { b"0200" } else { b"0210" }.to_vec();
    let fields: &[u8] = if request {
        &[
            2, 3, 4, 7, 11, 12, 13, 14, 22, 25, 32, 37, 41, 42, 49, 55, 60,
        ]
    } else {
        &[3, 4, 7, 11, 12, 13, 32, 37, 38, 39, 41, 42, 49, 55]
    };
    let map = fields
        .iter()
        .fold(0_u64, |m, f| m | 1 << (64 - u64::from(*f)));
    b.extend(format!("{map:016X}").bytes());
    for f in fields {
        let text = match f {
            2 => format!("16{}", CARDS[stan as usize % CARDS.len()]),
            3 => "000000".into(),
            4 => format!("{:012}", 100 + stan % 90_000),
            7 => "1009093000".into(),
            11 => format!("{:06}", stan % 1_000_000),
            12 => "093000".into(),
            13 => "1009".into(),
            14 => "3012".into(),
            22 => "071".into(),
            25 => "00".into(),
            32 => "0800010000".into(),
            37 => format!("{stan:012}"),
            38 => format!("{:06}", stan % 999_983),
            39 => if stan % 50 == 0 { "51" } else { "00" }.into(),
            41 => format!("{terminal:08}"),
            42 => "100000000000001".into(),
            49 => "156".into(),
            55 if request => {
                let tlv = format!(
                    "9F2608{:016X}9F2701809F101307010103A00000010A010000000000ED538FE49F3704{:08X}9F3602{:04X}95050000000000\
                     9A032510099C01009F0206{:012}5F2A02015682027C009F1A0201569F03060000000000009F3303E0E1C8",
                    u64::from(stan).wrapping_mul(0x9E37_79B9_7F4A_7C15),
                    stan.wrapping_mul(0x9E37_79B9),
                    stan & 0xFFFF,
                    100 + stan % 90_000
                );
                format!("{:03}{tlv}", tlv.len())
            }
            55 => "024910A11223344556677883030".into(),
            _ => "01122000024000".into(),
        };
        b.extend(text.bytes());
    }
    let mut framed = (b.len() as u16).to_be_bytes().to_vec();
    framed.extend(b);
    framed
}

/// Test card numbers.
const CARDS: [&str; 4] = [
    "4111111111111111",
    "5555555555554444",
    "6212340000001232",
    "4012888888881881",
];

/// A million connections that stay open, then one payment: memory, and whether the payment is still seen.
fn open_flows(count: u32) {
    let before = peak_kib();
    let start = Instant::now();
    let parsed = run(&mut Generated::new(count));
    println!(
        "{count} open flows: {:.1} s, {} events, {} messages (2 expected), peak {} MiB (before {} MiB), {:?}",
        start.elapsed().as_secs_f64(),
        parsed.events.len(),
        messages(&parsed.events),
        peak_kib() >> 10,
        before >> 10,
        parsed.issues.last().map(|i| (i.code, i.count)),
    );
}

/// A capture that is made while it is read.
struct Generated {
    w: Writer,
    done: u32,
    count: u32,
    at: usize,
}

impl Generated {
    fn new(count: u32) -> Self {
        Self {
            w: Writer::default(),
            done: 0,
            count,
            at: 0,
        }
    }

    fn more(&mut self) -> bool {
        let host: End = ([203, 0, 113, 10], 8583);
        self.w.file.clear();
        self.at = 0;
        if self.done > self.count {
            return false;
        }
        if self.done == self.count {
            self.done += 1;
            self.w.exchange(
                ([10, 99, 0, 1], 50_000),
                host,
                &sale(true, 7, 7),
                &sale(false, 7, 7),
            );
            return true;
        }
        for _ in 0..1000.min(self.count - self.done) {
            self.done += 1;
            let ip = self.done.to_be_bytes();
            let client: End = ([10, ip[1], ip[2], ip[3]], 40_000);
            self.w.tcp(client, host, (1000, 0), 2, &[]);
            self.w.tcp(host, client, (90_000, 1001), 0x12, &[]);
            self.w.tcp(client, host, (1001, 90_001), 0x18, b"hello");
        }
        true
    }
}

impl Read for Generated {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.w.file.len() && !self.more() {
            return Ok(0);
        }
        let rest = &self.w.file[self.at..];
        let n = into.len().min(rest.len());
        into[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

fn field(path: &str, name: &str) -> u64 {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .find_map(|l| {
            l.strip_prefix(name)?
                .trim()
                .strip_suffix(" kB")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

fn peak_kib() -> u64 {
    field("/proc/self/status", "VmHWM:")
}

/// User and system time of this process; clock ticks are hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}
