//! Throughput of card dialogues in text: logcat of an Android terminal, pcscd, bare hex pairs, NCI.
//!
//! Two figures a dress, each for one and two threads. *Read*: from text to commands with their answers and the EMV content of both
//! (every data object of every answer, the data of commands cut by the card's lists), as the parsers give it; this is what the aim
//! of 400 MB/s on two threads is measured by. *Events*: the same through the whole first stage, with clocks, sessions and copies,
//! every byte searched for card numbers, masked hex and objects packed to be kept: what a run of the program costs.
//!
//! `cargo bench --bench apdu -- [MEGABYTES] [DRESS]`; MB a second by the clock, and by the seconds that all threads together ran
//! (others on the machine count in the first and not in the second). The card numbers are test numbers.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures"
)]

use std::fmt::Write as _;
use std::time::Instant;

use rayon::prelude::*;
use tapscope::parse::edge::Edge;
use tapscope::parse::{Context, text};
use tapscope::plan::Plan;
use tapscope_parsers::container::{self, LogFormat};
use tapscope_parsers::content::apdu::{self, ApduLine, Labels, Way};
use tapscope_parsers::protocol::emv::dialogue::Lists;
use tapscope_parsers::protocol::emv::{dol, tlv};
use tapscope_parsers::protocol::iso7816;

/// Megabytes a second that two threads shall read.
const AIM: f64 = 400.0;

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

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    exchanges: usize,
    objects: usize,
}

/// Commands with their answers and what both say: one part of a text, cut at a line.
fn pairs(text: &[u8], format: Option<&LogFormat>, labels: &Labels) -> Tally {
    let mut tally = Tally::default();
    let mut command: Vec<u8> = Vec::new();
    // The card's lists outlive the answers that gave them.
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        let line = &text[begin..end];
        begin = end + 1;
        let message = match format {
            Some(format) => match format.head(line) {
                Some(head) => head.message,
                None => continue,
            },
            None => line,
        };
        let (way, bytes, sw) = match apdu::read(labels, message, !command.is_empty()) {
            Some(ApduLine::Bytes { way, bytes, sw, .. }) => (way, bytes, sw),
            // Bare hex behind a command.
            Some(ApduLine::More(bytes)) if apdu::is_answer(&bytes) => (Way::Answer, bytes, None),
            _ => continue,
        };
        if way == Way::Command {
            command = bytes;
            continue;
        }
        if command.is_empty() {
            continue;
        }
        let asked = std::mem::take(&mut command);
        let Some(asked) = iso7816::command(&asked) else {
            continue;
        };
        let data = match sw {
            Some(_) => Some(&bytes[..]),
            None => iso7816::response(&bytes).map(|answer| answer.data),
        };
        tally.exchanges += 1;
        let kind = asked.kind();
        if matches!(kind, iso7816::Kind::SelectPpse | iso7816::Kind::SelectAid) {
            kept.clear();
        }
        {
            let mut lists = Lists::default();
            for answer in &kept {
                lists.observe(iso7816::Kind::ReadRecord, answer);
            }
            if let Some((list, sent)) = lists.list_for(&asked) {
                tally.objects += dol::split(list, sent).0.len();
            }
        }
        let data = data.unwrap_or_default();
        let mut lists = false;
        for object in tlv::walk(data) {
            tally.objects += 1;
            lists |= matches!(object.tag, 0x9F38 | 0x8C | 0x8D | 0x9F49 | 0x9F69);
        }
        if lists {
            kept.push(data.to_vec());
        }
    }
    tally
}

/// The same for a whole text, in parts of a megabyte that begin with a tap.
fn read(text: &[u8], format: Option<&LogFormat>, labels: &Labels) -> Tally {
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut rest = text;
    while rest.len() > 1 << 20 {
        // The first SELECT PPSE behind: its line begins the next part.
        let near = &rest[1 << 20..];
        let Some(found) = ["00A404000E325041", "00 A4 04 00 0E 32"]
            .iter()
            .find_map(|select| memchr::memmem::find(near, select.as_bytes()))
        else {
            break;
        };
        let at = memchr::memrchr(b'\n', &rest[..(1 << 20) + found]).map_or(0, |at| at + 1);
        let (part, after) = rest.split_at(at);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
        .par_iter()
        .map(|part| pairs(part, format, labels))
        .reduce(Tally::default, |a, b| Tally {
            exchanges: a.exchanges + b.exchanges,
            objects: a.objects + b.objects,
        })
}

/// Best of some runs: seconds by the clock, and seconds that all threads ran.
fn timed(mut run: impl FnMut()) -> (f64, f64) {
    let (mut best, mut least) = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        let before = busy();
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
        if let (Some(before), Some(after)) = (before, busy()) {
            least = least.min((after - before).max(0.01));
        }
    }
    (best, least)
}

fn main() {
    let mut words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let megabytes = words
        .iter()
        .position(|word| word.parse::<usize>().is_ok())
        .map_or(128, |at| words.remove(at).parse().unwrap());
    let only = words.join(" ");
    let plan = Plan::default();
    let edge = Edge::new(Some([1; 32]));
    let labels = Labels::new().unwrap();
    let mut missed = Vec::new();
    for (dress, format) in [
        ("app log", Some("logcat")),
        ("app log with chatter", Some("logcat")),
        ("pcscd", Some("pcscd")),
        ("hex pairs", None),
        ("NCI in logcat", None),
    ] {
        if !dress.contains(&only) {
            continue;
        }
        let file = generate(dress, megabytes << 20);
        let size = file.len() as f64 / 1e6;
        let format = format.and_then(container::by_name);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads");
            let context = Context {
                edge: &edge,
                plan: &plan,
                spill: &tapscope::event::Spill::unbounded(),
                source: 0,
                path: "bench.log",
                forced_format: None,
                progress: &|_| {},
            };
            let mut exchanges = 0;
            let (best, least) = timed(|| {
                let parsed = pool.install(|| text::run(&mut file.as_slice(), &context));
                exchanges = parsed.events.len();
            });
            let events = (size / best, size / least, exchanges);
            // NCI packets are put together by the stage behind.
            let reads = (dress != "NCI in logcat").then(|| {
                let mut tally = Tally::default();
                let (best, least) = timed(|| tally = pool.install(|| read(&file, format, &labels)));
                (size / best, size / least, tally)
            });
            if let Some((clock, core, tally)) = reads {
                // What two free cores would do, where others hold these.
                let two = core * 2.0;
                let verdict = if threads == 2 && clock.max(two) < AIM {
                    missed.push(dress);
                    "MISSED"
                } else {
                    "ok"
                };
                println!(
                    "{dress:<22} {threads} threads, read:   {clock:>7.1} MB/s, {core:>7.1} MB a second of one core, {} exchanges, {} objects; aim on two cores {AIM:.0}: {two:.0} {verdict}",
                    tally.exchanges, tally.objects,
                );
                assert!(
                    tally.exchanges * 100 >= exchanges * 99,
                    "{dress}: {} of {exchanges} exchanges",
                    tally.exchanges
                );
            }
            println!(
                "{dress:<22} {threads} threads, events: {:>7.1} MB/s, {:>7.1} MB a second of one core, {} events in {} MB",
                events.0,
                events.1,
                events.2,
                file.len() >> 20
            );
        }
    }
    if missed.is_empty() {
        println!("aim of {AIM:.0} MB/s on two cores: met by every dress that is read");
    } else {
        println!("aim of {AIM:.0} MB/s on two cores: MISSED by {missed:?}");
    }
}
