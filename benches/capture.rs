//! Throughput of the capture parser on a generated capture: half payments over UnionPay framing, half other traffic.
//!
//! `cargo bench --bench capture -- [MEGABYTES]` prints GB/s and packets/s for one and for all threads.
//! The card numbers are test numbers.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures"
)]

use std::io::Read;
use std::time::Instant;

use tapscope::event::Payload;
use tapscope::parse::edge::Edge;
use tapscope::parse::{Context, capture};
use tapscope::plan::{Language, Plan};

fn main() {
    if std::env::args().any(|a| a == "flows") {
        return open_flows(1_000_000);
    }
    let megabytes = std::env::args()
        .skip(1)
        .find_map(|a| a.parse::<usize>().ok())
        .unwrap_or(256);
    let file = generate(megabytes << 20);
    println!("capture of {} MB", file.len() >> 20);
    let plan = plan();
    let edge = Edge::new(Some([1; 32]));
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        let mut best = f64::MAX;
        let mut seen = (0, 0, 0);
        for _ in 0..3 {
            let ctx = Context {
                edge: &edge,
                plan: &plan,
                spill: &tapscope::event::Spill::unbounded(),
                source: 0,
                path: "bench.pcap",
                forced_format: None,
                progress: &|_| {},
            };
            let start = Instant::now();
            let parsed = pool.install(|| capture::run(&mut file.as_slice(), &ctx));
            best = best.min(start.elapsed().as_secs_f64());
            let messages = parsed
                .events
                .iter()
                .filter(|e| matches!(e.payload, Payload::Iso8583(_)))
                .count();
            seen = (parsed.source.ledger.records, messages, parsed.events.len());
        }
        println!(
            "{threads} threads: {best:.3} s, {:.2} GB/s, {:.2} M packets/s, {} packets, {} messages, {} events",
            file.len() as f64 / best / 1e9,
            seen.0 as f64 / best / 1e6,
            seen.0,
            seen.1,
            seen.2,
        );
    }
    // The whole file through a reader of small pieces, as from a pipe or a decompressor.
    let mut trickle = Trickle(&file);
    let ctx = Context {
        edge: &edge,
        plan: &plan,
        spill: &tapscope::event::Spill::unbounded(),
        source: 0,
        path: "bench.pcap",
        forced_format: None,
        progress: &|_| {},
    };
    let start = Instant::now();
    let parsed = capture::run(&mut trickle, &ctx);
    println!(
        "from a pipe: {:.3} s, {} events",
        start.elapsed().as_secs_f64(),
        parsed.events.len()
    );
}

/// A million connections that stay open, then one payment: memory, and whether the payment is still seen.
fn open_flows(count: u32) {
    let before = peak_kib();
    let mut made = 0;
    let mut tail = None;
    let mut source = Generated(Vec::new(), 0, move |w: &mut Writer| {
        if made < count {
            for _ in 0..1000 {
                made += 1;
                let ip = made.to_be_bytes();
                let client = ([10, ip[1], ip[2], ip[3]], 40_000);
                w.packet(client, ([203, 0, 113, 10], 5811), (1000, 0), 2, &[]);
                w.packet(([203, 0, 113, 10], 5811), client, (90_000, 1001), 0x12, &[]);
                w.packet(
                    client,
                    ([203, 0, 113, 10], 5811),
                    (1001, 90_001),
                    0x18,
                    b"hello",
                );
            }
            return true;
        }
        if tail.is_none() {
            tail = Some(());
            w.connection(
                ([10, 99, 0, 1], 50_000),
                ([203, 0, 113, 10], 5811),
                &message(true, 7, 7),
                &message(false, 7, 7),
            );
            return true;
        }
        false
    });
    let plan = plan();
    let edge = Edge::new(Some([1; 32]));
    let ctx = Context {
        edge: &edge,
        plan: &plan,
        spill: &tapscope::event::Spill::unbounded(),
        source: 0,
        path: "flows.pcap",
        forced_format: None,
        progress: &|_| {},
    };
    let start = Instant::now();
    let parsed = capture::run(&mut source, &ctx);
    let messages = parsed
        .events
        .iter()
        .filter(|e| matches!(e.payload, Payload::Iso8583(_)))
        .count();
    println!(
        "{count} open flows: {:.1} s, {} events, {messages} messages (2 expected), peak {} MiB (before {} MiB), {:?}",
        start.elapsed().as_secs_f64(),
        parsed.events.len(),
        peak_kib() >> 10,
        before >> 10,
        parsed.issues.last().map(|i| (i.code, i.count)),
    );
}

fn peak_kib() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|l| {
            l.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

/// A capture that is made while it is read.
struct Generated<F>(Vec<u8>, u64, F);

impl<F: FnMut(&mut Writer) -> bool> Read for Generated<F> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            let mut w = Writer {
                file: Vec::new(),
                micros: self.1,
                id: self.1 as u16,
            };
            if self.1 == 0 {
                w.head();
            }
            if !(self.2)(&mut w) {
                return Ok(0);
            }
            self.1 = w.micros;
            self.0 = w.file;
        }
        let n = into.len().min(self.0.len());
        into[..n].copy_from_slice(&self.0[..n]);
        self.0.drain(..n);
        Ok(n)
    }
}

struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = into.len().min(self.0.len()).min(64 << 10);
        into[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

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
        ..Plan::default()
    }
}

struct Writer {
    file: Vec<u8>,
    micros: u64,
    id: u16,
}

impl Writer {
    fn head(&mut self) {
        for n in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
            self.file.extend(n.to_le_bytes());
        }
    }

    fn packet(
        &mut self,
        from: ([u8; 4], u16),
        to: ([u8; 4], u16),
        numbers: (u32, u32),
        flags: u8,
        data: &[u8],
    ) {
        self.micros += 40;
        self.id = self.id.wrapping_add(1);
        let length = 54 + data.len() as u32;
        for n in [
            1_700_000_000 + (self.micros / 1_000_000) as u32,
            (self.micros % 1_000_000) as u32,
            length,
            length,
        ] {
            self.file.extend(n.to_le_bytes());
        }
        self.file
            .extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
        self.file.extend((40 + data.len() as u16).to_be_bytes());
        self.file.extend(self.id.to_be_bytes());
        self.file.extend([0x40, 0, 64, 6, 0, 0]);
        self.file.extend(from.0);
        self.file.extend(to.0);
        self.file.extend(from.1.to_be_bytes());
        self.file.extend(to.1.to_be_bytes());
        self.file.extend(numbers.0.to_be_bytes());
        self.file.extend(numbers.1.to_be_bytes());
        self.file.extend([0x50, flags, 0xFF, 0xFF]);
        self.file.extend((self.id ^ 0x5A5A).to_be_bytes());
        self.file.extend([0, 0]);
        self.file.extend_from_slice(data);
    }

    /// A connection with one exchange; the answer in segments of at most 1400 bytes.
    fn connection(
        &mut self,
        client: ([u8; 4], u16),
        server: ([u8; 4], u16),
        request: &[u8],
        answer: &[u8],
    ) {
        let (mut c, mut s) = (1000u32, 90_000u32);
        self.packet(client, server, (c, 0), 2, &[]);
        self.packet(server, client, (s, c + 1), 0x12, &[]);
        c += 1;
        s += 1;
        self.packet(client, server, (c, s), 0x10, &[]);
        self.packet(client, server, (c, s), 0x18, request);
        c += request.len() as u32;
        for part in answer.chunks(1400) {
            self.packet(server, client, (s, c), 0x18, part);
            s += part.len() as u32;
            self.packet(client, server, (c, s), 0x10, &[]);
        }
        self.packet(client, server, (c, s), 0x11, &[]);
        self.packet(server, client, (s, c + 1), 0x11, &[]);
        self.packet(client, server, (c + 1, s + 1), 0x10, &[]);
    }
}

/// Packs digits two a byte.
fn bcd(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|p| (p[0] - b'0') << 4 | (p[1] - b'0'))
        .collect()
}

fn message(request: bool, stan: u32, terminal: u32) -> Vec<u8> {
    let mut b = bcd("6000030000603100311003");
    b.extend(bcd(if request { "0200" } else { "0210" }));
    // 2 3 4 11 22 25 41 42 49 55 60, and 39 in the answer.
    let mut fields = vec![2u8, 3, 4, 11, 22, 25, 41, 42, 49, 55, 60];
    if !request {
        fields.push(39);
        fields.sort_unstable();
    }
    let map = fields
        .iter()
        .fold(0u64, |m, f| m | 1 << (64 - u64::from(*f)));
    b.extend(map.to_be_bytes());
    for f in fields {
        match f {
            2 => b.extend([&[0x16][..], &bcd("6212340000001232")].concat()),
            3 => b.extend(bcd("000000")),
            4 => b.extend(bcd(&format!("{:012}", 100 + stan % 90_000))),
            11 => b.extend(bcd(&format!("{:06}", stan % 1_000_000))),
            22 => b.extend(bcd("0720")),
            25 => b.extend(bcd("00")),
            39 => b.extend(b"00"),
            41 => b.extend(format!("{terminal:08}").bytes()),
            42 => b.extend(b"100000000000001"),
            49 => b.extend(b"156"),
            55 => {
                let mut tlv = vec![0x9F, 0x26, 8];
                tlv.extend(
                    u64::from(stan)
                        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                        .to_be_bytes(),
                );
                tlv.extend([
                    0x9F,
                    0x36,
                    2,
                    (stan >> 8) as u8,
                    stan as u8,
                    0x95,
                    5,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0x9F,
                    0x27,
                    1,
                    0x80,
                ]);
                tlv.extend([0x9F, 0x10, 19]);
                tlv.extend([7u8; 19]);
                b.extend(bcd(&format!("{:04}", tlv.len())));
                b.extend(tlv);
            }
            _ => {
                b.extend(bcd("0011"));
                b.extend(bcd("220000240006"));
            }
        }
    }
    let mut framed = (b.len() as u16).to_be_bytes().to_vec();
    framed.extend(b);
    framed
}

fn generate(size: usize) -> Vec<u8> {
    let mut w = Writer {
        file: Vec::with_capacity(size + 100_000),
        micros: 0,
        id: 0,
    };
    w.head();
    let page = vec![b'x'; 1800];
    let web = [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 1800\r\n\r\n"[..],
        &page,
    ]
    .concat();
    let mut stan = 0u32;
    while w.file.len() < size {
        stan += 1;
        let terminal = stan % 5000;
        let client = (
            [10, 20, (terminal >> 8) as u8, terminal as u8],
            40_000 + (stan % 20_000) as u16,
        );
        w.connection(
            client,
            ([203, 0, 113, 10], 5811),
            &message(true, stan, terminal),
            &message(false, stan, terminal),
        );
        if stan.is_multiple_of(2) {
            let client = ([10, 30, (terminal >> 8) as u8, terminal as u8], client.1);
            w.connection(
                client,
                ([198, 51, 100, 7], 80),
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                &web,
            );
        }
    }
    w.file
}
