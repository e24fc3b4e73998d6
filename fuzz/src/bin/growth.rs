//! Does work of a given kind and size, for counting its instructions: `growth NAME N`; `growth list` names the kinds and their sizes.
//! `growth.sh` runs each at n, 2n and 4n under callgrind and holds that no doubling costs more than 2.6 times as much.

use std::fmt::Write as _;
use std::hint::black_box;

use tapscope_parsers::container;
use tapscope_parsers::protocol::emv::{dol, tlv};
use tapscope_parsers::protocol::iso8583;
use tapscope_parsers::protocol::net::tcp::{Stream, StreamLimits};
use tapscope_parsers::protocol::net::{capture::Reader, dns, http, tls};
use tapscope_parsers::sensitive::{in_bytes, in_text, normalise};
use tapscope_pipeline::correlate::correlate;
use tapscope_pipeline::decode::StreamInfo;
use tapscope_pipeline::event::{Events, Spill, Text};
use tapscope_pipeline::parse::{Parsed, edge::Edge, stream};
use tapscope_pipeline::plan::{Limits, Plan};

/// Name, size, work.
type Kind = (&'static str, usize, fn(usize));

const KINDS: &[Kind] = &[
    ("tlv_nested", 20_000, |n| walk(&[0x70, 0x80].repeat(n))),
    ("tlv_siblings", 20_000, |n| {
        walk(&[0x9F, 0x36, 2, 0, 1].repeat(n))
    }),
    ("tlv_long_lengths", 20_000, |n| {
        walk(&[0x5A, 0x84, 0xFF, 0xFF, 0xFF, 0xFF].repeat(n))
    }),
    ("dol", 20_000, |n| {
        black_box(dol::split(&[0x9A, 3].repeat(n), &vec![0; 3 * n]));
    }),
    ("iso8583_locate", 2_000, |n| {
        black_box(iso8583::locate(&b"02003238".repeat(n)));
    }),
    ("iso8583_zeros", 20_000, |n| {
        black_box(iso8583::locate(&vec![0; n]));
    }),
    ("mask_digits", 20_000, |n| mask(&b"4111 ".repeat(n))),
    ("mask_one_run", 40_000, |n| mask(&vec![b'4'; n])),
    ("mask_hex", 20_000, |n| mask(&b"5A08".repeat(n))),
    ("mask_tags", 20_000, |n| mask(&b"57 13 62 ".repeat(n))),
    ("mask_list", 10_000, |n| mask(&b"98, ".repeat(n))),
    ("mask_base64", 20_000, |n| mask(&b"NDEx".repeat(n))),
    ("mask_escapes", 10_000, |n| mask(&b"\\u0034".repeat(n))),
    ("mask_lines", 10_000, |n| mask(&b"4111\n".repeat(n))),
    ("mask_dump", 1_000, |n| {
        mask(&b"0000  62 12 34 00 00 00 12 31 62 12 34 00 00 00 12 31\n".repeat(n))
    }),
    ("mask_labels", 10_000, |n| {
        mask(&b"pan pin cvv track2 ".repeat(n))
    }),
    ("mask_carets", 10_000, |n| {
        mask(&b"4111111111111111^".repeat(n))
    }),
    ("mask_bytes", 40_000, |n| {
        let mut spans = Vec::new();
        in_bytes(&[0x57, 0x13, 0x62, 0x12].repeat(n), &mut spans);
        black_box(spans);
    }),
    ("records_every_format", 400, |n| {
        let text = b"07-15 10:56:49.152   889  6213 D Tag: x\n  more\n{\"a\":1}\n<log>\n".repeat(n);
        for format in container::FORMATS {
            black_box(container::count(format, &text));
        }
        black_box(container::detect(&[&text]));
    }),
    ("record_folded", 10_000, |n| {
        let text = [
            b"07-15 10:56:49.152   889  6213 D Tag: x\n".to_vec(),
            b"  more\n".repeat(n),
        ]
        .concat();
        for format in container::FORMATS {
            black_box(container::count(format, &text));
        }
    }),
    ("json_nested", 10_000, |n| {
        black_box(log(&b"{\"a\":".repeat(n)));
    }),
    ("dns_pointers", 4_000, |n| {
        // A name of pointers to pointers.
        let mut packet = vec![0, 1, 0x81, 0x80, 0, 1, 0xFF, 0xFF, 0, 0, 0, 0];
        for at in 0..n.min(16_000) {
            let to = 12 + 2 * at.saturating_sub(1);
            packet.extend([0xC0 | (to >> 8) as u8 & 0x3F, to as u8]);
        }
        black_box(dns::parse(&packet));
    }),
    ("tls_small_records", 10_000, |n| {
        let mut half = tls::Half::default();
        let records = [22, 3, 3, 0, 1, 1].repeat(n);
        half.push(&records, &mut |said| {
            black_box(said);
        });
    }),
    ("http_headers", 10_000, |n| {
        let text = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"a: b\r\n".repeat(n)].concat();
        black_box(http::answer(&text));
    }),
    ("tcp_every_second_missing", 4_000, |n| {
        segments((0..n as u32).map(|k| k * 20))
    }),
    ("tcp_backwards", 4_000, |n| {
        segments((0..n as u32).rev().map(|k| k * 10))
    }),
    ("tcp_overlaps", 4_000, |n| {
        segments((0..n as u32).map(|k| 100 + (k * 7919) % 5000))
    }),
    ("pcap_packets", 10_000, |n| {
        let mut file = vec![
            0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
        ];
        file.extend([0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4].repeat(n));
        read(&file);
    }),
    ("pcap_garbage", 40_000, |n| {
        let mut file = vec![
            0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
        ];
        file.extend([0xFF, 0x0A, 0x0D, 0x0D, 0x0A].repeat(n / 5));
        read(&file);
    }),
    ("log_dialogues", 100, |n| {
        black_box(log(DIALOGUE.repeat(n).as_bytes()));
    }),
    ("log_messages", 200, |n| {
        black_box(log(messages(n, |k| k).as_bytes()));
    }),
    ("correlate_distinct", 200, |n| joined(n, |k| k)),
    ("correlate_one_key", 200, |n| joined(n, |_| 7)),
];

const DIALOGUE: &str = "07-15 10:56:49.152   889  6213 D Emv: => 00A404000E325041592E5359532E444446303100\n07-15 10:56:49.162   889  6213 D Emv: <= 6F23840E325041592E5359532E4444463031A511BF0C0E610C4F08A0000003330101018701019000\n07-15 10:56:49.172   889  6213 D Emv: => 00A4040008A00000033301010100\n07-15 10:56:49.182   889  6213 D Emv: <= 6A82\n";

fn walk(bytes: &[u8]) {
    black_box(tlv::walk(bytes).count());
}

fn mask(text: &[u8]) {
    let mut spans = Vec::new();
    in_text(text, &mut spans);
    normalise(&mut spans);
    black_box(spans);
}

fn read(file: &[u8]) {
    let mut packets = Vec::new();
    black_box(Reader::new().feed(file, true, &mut packets));
    black_box(packets);
}

fn segments(at: impl Iterator<Item = u32>) {
    let limits = StreamLimits {
        pending_bytes: 1 << 20,
        pending_segments: 4096,
    };
    let mut stream = Stream::default();
    stream.begin(0);
    for (n, at) in at.enumerate() {
        stream.push(at, &[7; 10], 0, (n as u32, 0), &limits, &mut |piece| {
            black_box(piece);
        });
    }
}

fn plan() -> Plan {
    Plan {
        year: Some(2026),
        ..Plan::default()
    }
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

/// A log of requests and answers a second apart; `key` says which trace number each has.
fn messages(n: usize, key: fn(usize) -> usize) -> String {
    (0..n).fold(String::new(), |mut text, k| {
        let (s, m, h) = (k % 60, k / 60 % 60, 8 + k / 3600 % 12);
        let stan = key(k) % 1_000_000;
        let _ = write!(
            text,
            "2026-07-15 {h:02}:{m:02}:{s:02}.100 INFO pay: F0=0200 F2=6212345678900000003 F4=000000001200 F11={stan:06} F37=7150{stan:08} F41=10000019 F42=898310148160001\n2026-07-15 {h:02}:{m:02}:{s:02}.900 INFO pay: F0=0210 F4=000000001200 F11={stan:06} F37=7150{stan:08} F39=51 F41=10000019\n"
        );
        text
    })
}

/// The same payments seen by two sources.
fn joined(n: usize, key: fn(usize) -> usize) {
    let text = messages(n, key);
    let mut sources = Vec::new();
    let mut events = Events::default();
    for id in 0..2 {
        let mut parsed = log(text.as_bytes());
        for event in parsed.events.heads_mut() {
            event.source = id;
        }
        sources.push(parsed.source);
        events.append(parsed.events);
    }
    black_box(correlate(sources, events, &plan()));
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let find = |name: &str| KINDS.iter().find(|(kind, ..)| *kind == name);
    match words.as_slice() {
        [name, n] if find(name).is_some() => {
            let (n, work) = (n.parse().unwrap_or(0), find(name).unwrap().2);
            work(n);
        }
        _ => KINDS.iter().for_each(|(name, n, _)| println!("{name} {n}")),
    }
}
