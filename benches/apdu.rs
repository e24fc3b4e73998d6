//! Throughput of card dialogues in text, from bytes to masked events: logcat of an Android terminal, pcscd, bare hex pairs, NCI.
//!
//! `cargo bench --bench apdu -- [MEGABYTES]` prints MB/s for one and two threads. The card numbers are test numbers.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures"
)]

use std::fmt::Write as _;
use std::time::Instant;

use tapscope::event::Payload;
use tapscope::parse::edge::Edge;
use tapscope::parse::{Context, text};
use tapscope::plan::Plan;

/// A UnionPay tap and a Mastercard tap with invented test numbers: commands and answers.
const TAPS: &[(&str, &str)] = &[
    (
        "00A404000E325041592E5359532E444446303100",
        "6F34840E325041592E5359532E4444463031A522BF0C1F611D4F08A000000333010101500E556E696F6E5061792044656269748701019000",
    ),
    (
        "00A4040008A00000033301010100",
        "6F538408A000000333010101A547500E556E696F6E5061792044656269748701019F381E9F66049F02069F03069F1A0295055F2A029A039C019F3704DF6001DF69015F2D047A68656E9F110101BF0C059F4D020B0A9000",
    ),
    (
        "80A8000025832326000080000000008800000000000000015600000000000156261122001A2B3C4D000000",
        "774B82027C009F3602004257126212340000001232D30122200000000000FF9F101307010103A00000010A010000000000AABBCCDD9F26080123456789ABCDEF9F2701805F3401019F6C0200009000",
    ),
    (
        "00A404000E325041592E5359532E444446303100",
        "6F2F840E325041592E5359532E4444463031A51DBF0C1A61184F07A0000000041010500A4D4153544552434152448701019000",
    ),
    (
        "00A4040007A000000004101000",
        "6F208407A0000000041010A515500A4D4153544552434152448701019F38039F33039000",
    ),
    ("80A80000058303E0F0C800", "770A820219809404080101009000"),
    (
        "00B2010C00",
        "70818B57115413330089010010D2812201090000000F5A0854133300890100105F24032812315F25032201015F280200565F3401018C219F02069F03069F1A0295055F2A029A039C019F37049F35019F45029F4C089F34038E0E000000000000000042031E031F039F0702FF009F080200029F0D05B0508088009F0E0500000000009F0F05B0708098009F4A01829000",
    ),
    (
        "80AE80002B000000008800000000000000015600000080000156261122001A2B3C4D22000000000000000000001F030200",
        "77299F2701809F360201239F2608FEDCBA98765432109F10120110A00003220000000000000000000000FF9000",
    ),
];

fn spaced(hex: &str) -> String {
    let mut out = String::with_capacity(hex.len() * 3 / 2);
    for (at, pair) in hex.as_bytes().chunks(2).enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(std::str::from_utf8(pair).unwrap());
    }
    out
}

/// Lines around the dialogue, as a terminal writes them.
const CHATTER: &[&str] = &[
    "I ActivityManager: Start proc 4503:com.example.pos/u0a12 for service",
    "D WifiHAL : getting scan results, ignore cached",
    "D SurfaceFlinger: duplicate frame dropped by layer com.example.pos/MainActivity#0",
    "V AudioTrack: set(): streamType 3, sampleRate 44100, format 0x1, channelMask 0x3",
];

fn generate(dress: &str, bytes: usize) -> Vec<u8> {
    let mut text = String::with_capacity(bytes + 4096);
    let mut millis = 0_u64;
    let mut n = 0_usize;
    while text.len() < bytes {
        let (command, answer) = TAPS[n % TAPS.len()];
        n += 1;
        let stamp = |millis: u64| {
            let s = millis / 1000;
            format!(
                "11-22 {:02}:{:02}:{:02}.{:03}",
                s / 3600 % 24,
                s / 60 % 60,
                s % 60,
                millis % 1000
            )
        };
        match dress {
            "app log" => {
                writeln!(
                    text,
                    "{}  4503  4511 D PosKernel: transceive send: {command}",
                    stamp(millis)
                )
                .unwrap();
                writeln!(
                    text,
                    "{}  4503  4511 D PosKernel: transceive recv: {answer}",
                    stamp(millis + 30)
                )
                .unwrap();
            }
            "app log with chatter" => {
                for (k, line) in CHATTER.iter().enumerate() {
                    writeln!(text, "{}   920  1204 {line}", stamp(millis + k as u64)).unwrap();
                }
                writeln!(
                    text,
                    "{}  4503  4511 D PosKernel: transceive send: {command}",
                    stamp(millis + 6)
                )
                .unwrap();
                writeln!(
                    text,
                    "{}  4503  4511 D PosKernel: transceive recv: {answer}",
                    stamp(millis + 30)
                )
                .unwrap();
            }
            "pcscd" => {
                writeln!(text, "00000002 APDU: {} ", spaced(command)).unwrap();
                writeln!(text, "00079718 SW: {} ", spaced(answer)).unwrap();
            }
            "hex pairs" => {
                writeln!(text, "{command}\n{answer}").unwrap();
            }
            _ => {
                let frame = |hex: &str| format!("0000{:02X}{hex}", hex.len() / 2);
                let (c, a) = (frame(command), frame(answer));
                writeln!(
                    text,
                    "{}   920  3943 D NxpNciX : len = {:3} > {c}",
                    stamp(millis),
                    c.len() / 2
                )
                .unwrap();
                writeln!(
                    text,
                    "{}   920  3942 D NxpNciR : len =   6 > 600603010001",
                    stamp(millis + 2)
                )
                .unwrap();
                writeln!(
                    text,
                    "{}   920  3942 D NxpNciR : len = {:3} > {a}",
                    stamp(millis + 30),
                    a.len() / 2
                )
                .unwrap();
            }
        }
        millis += if n.is_multiple_of(TAPS.len()) {
            4000
        } else {
            45
        };
    }
    text.into_bytes()
}

/// Seconds that all threads have run: what others do on the machine does not count. `None` where the system does not tell.
fn busy() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

fn main() {
    let megabytes = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse::<usize>().ok())
        .unwrap_or(128);
    let plan = Plan::default();
    let edge = Edge::new(Some([1; 32]));
    for dress in [
        "app log",
        "app log with chatter",
        "pcscd",
        "hex pairs",
        "NCI in logcat",
    ] {
        let file = generate(dress, megabytes << 20);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads");
            let mut best = f64::MAX;
            let mut least = f64::MAX;
            let mut exchanges = 0;
            for _ in 0..3 {
                let context = Context {
                    edge: &edge,
                    plan: &plan,
                    spill: &tapscope::event::Spill::unbounded(),
                    source: 0,
                    path: "bench.log",
                    forced_format: None,
                    progress: &|_| {},
                };
                let before = busy();
                let start = Instant::now();
                let parsed = pool.install(|| text::run(&mut file.as_slice(), &context));
                best = best.min(start.elapsed().as_secs_f64());
                if let (Some(before), Some(after)) = (before, busy()) {
                    least = least.min(after - before);
                }
                exchanges = parsed
                    .events
                    .iter()
                    .filter(|event| matches!(event.payload, Payload::Apdu(_)))
                    .count();
            }
            println!(
                "{dress:<22} {threads} threads: {:>7.1} MB/s, {:>7.1} MB a second of one core, {:>6.2} M exchanges/s, {exchanges} exchanges in {} MB",
                file.len() as f64 / best / 1e6,
                file.len() as f64 / least / 1e6,
                exchanges as f64 / best / 1e6,
                file.len() >> 20
            );
        }
    }
}
