//! Work of the stages: reading, correlating, attributing and writing inputs of awkward shapes.

use std::fmt::Write as _;
use std::hint::black_box;

use tapscope::attribute::{Catalogue, attribute};
use tapscope::correlate::{Correlated, correlate};
use tapscope::decode::StreamInfo;
use tapscope::event::{Events, Source, Spill, Text};
use tapscope::parse::edge::Edge;
use tapscope::parse::{Context, Parsed, capture, stream};
use tapscope::plan::Plan;
use tapscope_simulator::day::{Config, midnight, simulate};
use tapscope_simulator::fleet::Profile;

use super::net::writer::{End, Writer, union_pay};
use super::{Job, Kind, job, made};

pub const KINDS: &[Kind] = &[
    ("log_dialogues", 100, |n| {
        log_of(DIALOGUE.repeat(n).into_bytes())
    }),
    ("log_messages", 200, |n| {
        log_of(messages(n, &DISTINCT).into_bytes())
    }),
    ("log_one_record", 4_000, |n| {
        log_of(
            [
                LINE.as_bytes(),
                &b"    at com.pos.Engine.pay(Engine.java:17)\n".repeat(n),
            ]
            .concat(),
        )
    }),
    ("log_hex_over_lines", 1_000, |n| {
        let part = "07-15 10:56:49.162   889  6213 D Emv: 6F23840E325041592E5359532E4444\n";
        log_of(
            format!(
                "07-15 10:56:49.152   889  6213 D Emv: => 00A4040000\n{}",
                part.repeat(n)
            )
            .into_bytes(),
        )
    }),
    ("log_taps_without_end", 400, |n| {
        log_of(
            "07-15 10:56:49.152   889  6213 D PosEngine: startTransaction amount=12.00\n"
                .repeat(n)
                .into_bytes(),
        )
    }),
    ("log_answers_alone", 1_000, |n| {
        log_of(
            "07-15 10:56:49.162   889  6213 D Emv: <= 6A82\n"
                .repeat(n)
                .into_bytes(),
        )
    }),
    ("log_threads", 400, |n| {
        // Each line from another process.
        let text: String = (0..n).fold(String::new(), |mut text, k| {
            let _ = writeln!(
                text,
                "07-15 10:56:49.152 {:5} {:5} D Emv: => 00A4040000",
                k % 30_000,
                k % 30_000
            );
            text
        });
        log_of(text.into_bytes())
    }),
    ("log_one_long_line", 60_000, |n| {
        log_of(
            [
                LINE.trim_end().as_bytes(),
                &b" stan=1 rrn=2".repeat(n / 13),
                b"\n",
            ]
            .concat(),
        )
    }),
    ("trace_frames", 400, |n| {
        let sample = tapscope_parsers::container::trace::TRACES;
        let texts: Vec<Vec<u8>> = sample
            .iter()
            .filter(|f| !f.binary)
            .map(|f| f.sample.repeat(n / 20 + 1).into_bytes())
            .collect();
        job(move || {
            for text in &texts {
                black_box(log(text));
            }
        })
    }),
    ("capture_exchanges", 100, |n| {
        capture_of(exchanges(n, |k| k))
    }),
    ("capture_one_address", 100, |n| {
        // The same four addresses and ports again and again.
        capture_of(exchanges(n, |_| 7))
    }),
    ("capture_open", 400, |n| {
        let mut w = Writer::default();
        for k in 0..n as u32 {
            w.tcp((client(k), 40_000), HOST, (1000, 0), 2, &[]);
            w.tcp((client(k), 40_000), HOST, (1001, 1), 0x18, b"hello");
        }
        capture_of(w.file)
    }),
    ("capture_holes", 1_000, |n| {
        flow((0..n as u32).map(|k| (k * 2000, 1000)).collect())
    }),
    ("capture_backwards", 1_000, |n| {
        flow((0..n as u32).rev().map(|k| (k * 1000, 1000)).collect())
    }),
    ("capture_single_bytes", 10_000, |n| {
        flow((0..n as u32).map(|k| (k, 1)).collect())
    }),
    ("capture_again", 1_000, |n| flow(vec![(0, 1000); n])),
    ("capture_names", 400, |n| {
        let mut w = Writer::default();
        for k in 0..n as u32 {
            let mut query = (k as u16).to_be_bytes().to_vec();
            query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4]);
            query.extend(format!("a{k:03}").bytes().take(4));
            query.extend([4, b't', b'e', b's', b't', 0, 0, 1, 0, 1]);
            w.udp((client(k), 5353), ([10, 9, 9, 9], 53), &query);
        }
        capture_of(w.file)
    }),
    ("capture_hellos", 200, |n| {
        let mut w = Writer::default();
        let hello = [
            &[22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3][..],
            &[7; 32],
            &[0, 0, 4, 0x13, 1, 0x13, 2, 1, 0],
        ]
        .concat();
        for k in 0..n as u32 {
            w.exchange((client(k), 40_000), HOST, &hello, &[21, 3, 3, 0, 2, 2, 40]);
        }
        capture_of(w.file)
    }),
    ("capture_endless_stream", 400_000, |n| {
        let mut w = Writer::default();
        w.exchange((client(1), 40_000), HOST, &vec![0x30; n], &vec![0; n]);
        capture_of(w.file)
    }),
    ("join_distinct", 100, |n| joined(n, &DISTINCT)),
    ("join_one_terminal", 100, |n| {
        joined(
            n,
            &Shape {
                terminal: |_| 1,
                ..DISTINCT
            },
        )
    }),
    ("join_one_rrn", 100, |n| {
        joined(
            n,
            &Shape {
                rrn: |_| 7,
                ..DISTINCT
            },
        )
    }),
    ("join_one_trace_number", 100, |n| {
        joined(
            n,
            &Shape {
                stan: |_| 7,
                ..DISTINCT
            },
        )
    }),
    ("join_one_card", 100, |n| {
        joined(
            n,
            &Shape {
                card: |_| 0,
                amount: |_| 1200,
                ..DISTINCT
            },
        )
    }),
    ("join_one_of_all", 100, |n| {
        joined(
            n,
            &Shape {
                stan: |_| 7,
                rrn: |_| 7,
                terminal: |_| 1,
                card: |_| 0,
                amount: |_| 1200,
                seconds: |k| k,
            },
        )
    }),
    ("join_one_moment", 100, |n| {
        joined(
            n,
            &Shape {
                seconds: |_| 0,
                ..DISTINCT
            },
        )
    }),
    ("join_all_alike_at_once", 100, |n| {
        joined(
            n,
            &Shape {
                stan: |_| 7,
                rrn: |_| 7,
                terminal: |_| 1,
                card: |_| 0,
                amount: |_| 1200,
                seconds: |_| 0,
            },
        )
    }),
    ("join_weeks", 100, |n| {
        joined(
            n,
            &Shape {
                seconds: |k| k * 7200,
                ..DISTINCT
            },
        )
    }),
    ("join_log_and_capture", 100, |n| {
        log_and_capture(n, &DISTINCT)
    }),
    ("join_capture_one_terminal", 100, |n| {
        log_and_capture(
            n,
            &Shape {
                terminal: |_| 1,
                ..DISTINCT
            },
        )
    }),
    ("join_capture_one_key", 100, |n| {
        log_and_capture(
            n,
            &Shape {
                terminal: |_| 1,
                stan: |_| 7,
                rrn: |_| 7,
                ..DISTINCT
            },
        )
    }),
    ("join_encrypted", 100, encrypted),
    ("join_many_sources", 128, |n| {
        // A log each, with one payment in it.
        let texts: Vec<String> = (0..n)
            .map(|k| {
                let all = messages(
                    k + 1,
                    &Shape {
                        stan: |_| 7,
                        rrn: |_| 7,
                        ..DISTINCT
                    },
                );
                all.lines()
                    .rev()
                    .take(2)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .map(|l| format!("{l}\n"))
                    .collect()
            })
            .collect();
        correlated(texts.iter().map(|text| log(text.as_bytes())).collect())
    }),
    ("causes_one_terminal", 60, |n| {
        caused(
            n,
            &Shape {
                terminal: |_| 1,
                ..DISTINCT
            },
        )
    }),
    ("causes_many_terminals", 60, |n| caused(n, &DISTINCT)),
    ("causes_one_card", 60, |n| {
        caused(
            n,
            &Shape {
                card: |_| 0,
                amount: |_| 1200,
                ..DISTINCT
            },
        )
    }),
    ("causes_by_rules", 8, |n| {
        // As many rules as asked for, on the same taps.
        let rules = tempfile::tempdir().unwrap();
        for k in 0..n {
            let text = include_str!("../../rules/ISS_INSUFFICIENT_FUNDS.toml")
                .replace("ISS_INSUFFICIENT_FUNDS", &format!("ISS_SITE_RULE_{k}"));
            std::fs::write(rules.path().join(format!("ISS_SITE_RULE_{k}.toml")), text).unwrap();
        }
        let catalogue = Catalogue::load(&[rules.path().to_path_buf()]).unwrap();
        let (sources, events) = two_logs(60, &DISTINCT);
        let correlated = correlate(sources, events, &plan());
        judged(correlated, catalogue)
    }),
    ("write_day", 60, |n| {
        let analysis = made::day(n);
        job(move || {
            let folder = tempfile::tempdir().unwrap();
            let catalogue = Catalogue::default();
            let mut plan = made::plan();
            plan.timesketch = true;
            plan.by_day = true;
            tapscope::report::write(
                &analysis,
                &catalogue,
                &plan,
                &folder.path().join("out"),
                false,
            )
            .unwrap();
        })
    }),
    ("simulated_day", 30, |n| {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            transactions: n as u64,
            seed: 5,
            terminals: 4,
            zero: midnight("2026-03-18").unwrap(),
            profile: Profile::Skewed,
            noise: 4,
            bytes: 0,
            failures: 100,
            only: None,
            rich: true,
        };
        simulate(&config, folder.path()).unwrap();
        let catalogue = Catalogue::load(&[]).unwrap();
        job(move || {
            let plan = Plan {
                inputs: vec![folder.path().join("input")],
                ..plan()
            };
            let analysis = tapscope::analyze(&plan, &catalogue, &Silent).unwrap();
            tapscope::report::write(
                &analysis,
                &catalogue,
                &plan,
                &folder.path().join("out"),
                false,
            )
            .unwrap();
        })
    }),
];

struct Silent;

impl tapscope::Observer for Silent {
    fn total(&self, _: u64) {}
    fn advance(&self, _: u64) {}
    fn stage(&self, _: &str) {}
}

const LINE: &str = "07-15 10:56:49.152   889  6213 E PosEngine: transaction failed, stan=000123\n";

const DIALOGUE: &str = "07-15 10:56:49.152   889  6213 D Emv: => 00A404000E325041592E5359532E444446303100\n07-15 10:56:49.162   889  6213 D Emv: <= 6F23840E325041592E5359532E4444463031A511BF0C0E610C4F08A0000003330101018701019000\n07-15 10:56:49.172   889  6213 D Emv: => 00A4040008A00000033301010100\n07-15 10:56:49.182   889  6213 D Emv: <= 6A82\n";

/// 2025-10-09T08:53:20Z, as the writer of captures has it.
const START: usize = 1_760_000_000;

const HOST: End = ([203, 0, 113, 10], 5811);

fn client(k: u32) -> [u8; 4] {
    let [_, b, c, d] = k.to_be_bytes();
    [10, b, c, d]
}

/// Which keys the payments of a made log have.
struct Shape {
    stan: fn(usize) -> usize,
    rrn: fn(usize) -> usize,
    terminal: fn(usize) -> usize,
    card: fn(usize) -> usize,
    amount: fn(usize) -> usize,
    seconds: fn(usize) -> usize,
}

/// Every payment has its own.
const DISTINCT: Shape = Shape {
    stan: |k| k,
    rrn: |k| k,
    terminal: |k| k,
    card: |k| k,
    amount: |k| 100 + k % 50,
    seconds: |k| k,
};

fn plan() -> Plan {
    Plan {
        year: Some(2025),
        ..Plan::default()
    }
}

/// `2025-10-09 08:53:20` and so many seconds.
fn moment(seconds: usize) -> String {
    let all = 8 * 3600 + 53 * 60 + 20 + seconds;
    let (day, s) = (9 + all / 86_400, all % 86_400);
    let (month, day) = (10 + (day - 1) / 30 % 3, (day - 1) % 30 + 1);
    format!(
        "2025-{month:02}-{day:02} {:02}:{:02}:{:02}",
        s / 3600,
        s / 60 % 60,
        s % 60
    )
}

/// A log of requests and refusals.
fn messages(n: usize, shape: &Shape) -> String {
    (0..n).fold(String::new(), |mut text, k| {
        let at = moment((shape.seconds)(k));
        let stan = (shape.stan)(k) % 1_000_000;
        let (rrn, terminal) = ((shape.rrn)(k), (shape.terminal)(k));
        let (card, amount) = ((shape.card)(k) % 90_000, (shape.amount)(k));
        let _ = write!(
            text,
            "{at}.100 INFO pay: F0=0200 F2=62123456{card:05}000003 F4={amount:012} F11={stan:06} F37={rrn:012} F41={terminal:08} F42=898310148160001\n{at}.900 INFO pay: F0=0210 F4={amount:012} F11={stan:06} F37={rrn:012} F39=51 F41={terminal:08}\n"
        );
        text
    })
}

/// The same payments on the wire.
fn wire(n: usize, shape: &Shape) -> Vec<u8> {
    let mut w = Writer::default();
    for k in 0..n {
        w.micros = (START + (shape.seconds)(k)) as u64 * 1_000_000 + 200_000;
        let (stan, terminal) = ((shape.stan)(k) as u32, (shape.terminal)(k) as u32);
        w.exchange(
            (client(terminal), 20_000 + (k % 40_000) as u16),
            HOST,
            &union_pay(true, stan, terminal),
            &union_pay(false, stan, terminal),
        );
    }
    w.file
}

fn exchanges(n: usize, terminal: fn(usize) -> usize) -> Vec<u8> {
    wire(
        n,
        &Shape {
            terminal,
            ..DISTINCT
        },
    )
}

/// Framed requests, one behind the other.
pub fn union_pay_messages(n: usize) -> Vec<u8> {
    (0..n as u32).flat_map(|k| union_pay(true, k, k)).collect()
}

fn log(text: &[u8]) -> Parsed {
    let info = StreamInfo {
        path: Text::new("memory.log"),
        member: false,
        size: None,
        file: None,
        head: &text[..text.len().min(65_536)],
    };
    stream(
        &info,
        &mut &text[..],
        &plan(),
        &Edge::new(Some([7; 32])),
        &Spill::unbounded(),
        &|_| {},
    )
}

fn capture(file: &[u8]) -> Parsed {
    let edge = Edge::new(Some([7; 32]));
    let context = Context {
        edge: &edge,
        plan: &plan(),
        source: 0,
        path: "memory.pcap",
        forced_format: None,
        progress: &|_| {},
        spill: &Spill::unbounded(),
    };
    capture::run(&mut &file[..], &context)
}

fn log_of(text: Vec<u8>) -> Job {
    job(move || drop(black_box(log(&text))))
}

fn capture_of(file: Vec<u8>) -> Job {
    job(move || drop(black_box(capture(&file))))
}

/// One connection, with segments at these places and of these lengths.
fn flow(segments: Vec<(u32, usize)>) -> Job {
    let mut w = Writer::default();
    let from: End = (client(1), 40_000);
    w.tcp(from, HOST, (999, 0), 2, &[]);
    w.tcp(HOST, from, (0, 1000), 0x12, &[]);
    for (at, length) in segments {
        w.tcp(from, HOST, (1000 + at, 1), 0x18, &vec![b'a'; length]);
    }
    capture_of(w.file)
}

/// Sources and events laid end to end, as a run does it.
fn laid(parsed: Vec<Parsed>) -> (Vec<Source>, Events) {
    let (mut sources, mut events) = (Vec::new(), Events::default());
    for (id, mut one) in parsed.into_iter().enumerate() {
        for event in one.events.heads_mut() {
            event.source = id as u32;
        }
        one.source.blake3[0] = id as u8;
        sources.push(one.source);
        events.append(one.events);
    }
    (sources, events)
}

fn two_logs(n: usize, shape: &Shape) -> (Vec<Source>, Events) {
    let text = messages(n, shape);
    laid((0..2).map(|_| log(text.as_bytes())).collect())
}

fn correlated(parsed: Vec<Parsed>) -> Job {
    let (sources, events) = laid(parsed);
    assert!(!events.is_empty());
    job(move || drop(black_box(correlate(sources, events, &plan()))))
}

/// The same payments seen by two sources.
fn joined(n: usize, shape: &Shape) -> Job {
    let text = messages(n, shape);
    correlated((0..2).map(|_| log(text.as_bytes())).collect())
}

fn log_and_capture(n: usize, shape: &Shape) -> Job {
    correlated(vec![
        log(messages(n, shape).as_bytes()),
        capture(&wire(n, shape)),
    ])
}

/// Nothing to join by but when something happened.
fn encrypted(n: usize) -> Job {
    let text = messages(
        n,
        &Shape {
            terminal: |_| 1,
            seconds: |k| k * 37 % 80_000,
            ..DISTINCT
        },
    );
    let mut w = Writer::default();
    for k in 0..n {
        w.micros = (START + k * 37 % 80_000) as u64 * 1_000_000;
        let hello = [
            &[22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3][..],
            &[7; 32],
            &[0, 0, 4, 0x13, 1, 0x13, 2, 1, 0],
        ]
        .concat();
        w.exchange(
            (client(1), 20_000 + (k % 40_000) as u16),
            HOST,
            &hello,
            &[23, 3, 3, 0, 2, 2, 40],
        );
    }
    correlated(vec![log(text.as_bytes()), capture(&w.file)])
}

fn judged(correlated: Correlated, catalogue: Catalogue) -> Job {
    job(move || {
        drop(black_box(attribute(
            &correlated,
            &catalogue,
            &plan(),
            &Spill::unbounded(),
        )))
    })
}

fn caused(n: usize, shape: &Shape) -> Job {
    let (sources, events) = two_logs(n, shape);
    let correlated = correlate(sources, events, &plan());
    assert!(!correlated.attempts.is_empty());
    let catalogue = Catalogue::load(&[]).unwrap();
    judged(correlated, catalogue)
}
