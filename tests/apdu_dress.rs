//! The same short dialogue in every dress that logs give it: arrows, prefixes, lists, folded lines, columns of characters, split
//! status words, commands in parts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod traced;

use tapscope::attribute::Catalogue;
use traced::{analysis, exchanges, sequence};

/// SELECT PPSE, SELECT, GET PROCESSING OPTIONS refused.
const PAIRS: &[(&str, &str)] = &[
    (
        "00A404000E325041592E5359532E444446303100",
        "6F2F840E325041592E5359532E4444463031A51DBF0C1A61184F07A0000000041010500A4D4153544552434152448701019000",
    ),
    (
        "00A4040007A000000004101000",
        "6F208407A0000000041010A515500A4D4153544552434152448701019F38039F33039000",
    ),
    ("80A80000058303E0F0C800", "6985"),
];

fn joined(hex: &str, by: &str) -> String {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap())
        .collect::<Vec<_>>()
        .join(by)
}

fn spaced(hex: &str) -> String {
    joined(hex, " ")
}

/// Lines of sixteen bytes each.
fn folded(hex: &str, width: usize) -> Vec<String> {
    hex.as_bytes()
        .chunks(width * 2)
        .map(|part| spaced(std::str::from_utf8(part).unwrap()))
        .collect()
}

fn characters(hex: &str) -> String {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .map(|b| {
            if (0x20..0x7F).contains(&b) {
                char::from(b)
            } else {
                '.'
            }
        })
        .collect()
}

fn split(answer: &str) -> (&str, &str) {
    answer.split_at(answer.len() - 4)
}

type Dress = (&'static str, fn(&str, &str) -> String);

fn dresses() -> Vec<Dress> {
    vec![
        ("bare pairs", |c, r| format!("{c}\n{r}\n")),
        ("bare pairs, lower case, blanks", |c, r| {
            format!(
                "{}\n{}\n\n",
                spaced(c).to_lowercase(),
                spaced(r).to_lowercase()
            )
        }),
        ("arrows", |c, r| {
            format!("> {}\n< {}\n", spaced(c), spaced(r))
        }),
        ("double arrows", |c, r| format!(">> {c}\n<< {r}\n")),
        ("fat arrows", |c, r| {
            format!("=> {}\n<= {}\n", spaced(c), spaced(r))
        }),
        ("thin arrows", |c, r| {
            format!("-> {}\n<- {}\n", spaced(c), spaced(r))
        }),
        ("send, resp", |c, r| {
            format!("send: {}\nresp: {}\n", spaced(c), spaced(r))
        }),
        ("TX, RX", |c, r| format!("[NFC] TX: {c}\n[NFC] RX: {r}\n")),
        ("C-APDU, R-APDU", |c, r| {
            format!("C-APDU: {c}\nR-APDU: {r}\n")
        }),
        ("APDU, SW as pcscd", |c, r| {
            format!(
                "00000002 APDU: {} \n00079718 SW: {} \n",
                spaced(c),
                spaced(r)
            )
        }),
        ("in, out", |c, r| {
            format!(
                "   transceive(3) in: {}\n   SendAPDU ret:0,outlen:{},tw:3\n   transceive out: {}\n",
                spaced(c).to_lowercase(),
                r.len() / 2,
                spaced(r).to_lowercase()
            )
        }),
        ("colons", |c, r| {
            format!(
                "Command: {}\nResponse: {}\n",
                joined(c, ":"),
                joined(r, ":")
            )
        }),
        ("dashes", |c, r| {
            format!(
                "Sending: {}\nReceived: {}\n",
                joined(c, "-"),
                joined(r, "-")
            )
        }),
        ("0x lists", |c, r| {
            format!(
                "send 0x{}\nrecv 0x{}\n",
                joined(c, ", 0x"),
                joined(r, ", 0x")
            )
        }),
        ("brackets with commas", |c, r| {
            format!(
                "APDU command: [{}]\nAPDU response: [{}]\n",
                joined(c, ", "),
                joined(r, ", ")
            )
        }),
        ("python-emv", |c, r| {
            let (data, sw) = split(r);
            format!(
                "DEBUG:emv.transmission:Tx: [{}]\nDEBUG:emv.transmission:Rx: [{}], SW1: {}, SW2: {}\n",
                spaced(c),
                spaced(data),
                sw[..2].to_lowercase(),
                sw[2..].to_lowercase()
            )
        }),
        ("opensc-tool", |c, r| {
            let (data, sw) = split(r);
            let mut text = format!(
                "Sending: {} \nReceived (SW1=0x{}, SW2=0x{}){}\n",
                spaced(c),
                &sw[..2],
                &sw[2..],
                if data.is_empty() { "" } else { ":" }
            );
            for part in data.as_bytes().chunks(32) {
                let part = std::str::from_utf8(part).unwrap();
                text.push_str(&format!("{:<48}{}\n", spaced(part), characters(part)));
            }
            text
        }),
        ("GlobalPlatformPro", |c, r| {
            let (data, sw) = split(r);
            format!(
                "A>> T=1 ({}+{:04}) {} {} {}\nA<< ({:04}+2) (61ms) {data} {sw}\n",
                4,
                c.len() / 2 - 6,
                &c[..8],
                &c[8..10],
                &c[10..],
                data.len() / 2
            )
        }),
        ("scriptor", |c, r| {
            let lines = folded(r, 16).join(" \n");
            format!(
                "{}\n> {}\n< {lines} : Normal processing.\n",
                spaced(c),
                spaced(c)
            )
        }),
        ("timed logger", |c, r| {
            format!(
                "2026-11-22 10:00:00.100 DEBUG [main] (PcscProvider.java:50) - send: {}\n2026-11-22 10:00:00.140 DEBUG [main] (PcscProvider.java:61) - resp: {}\n",
                spaced(c),
                spaced(r)
            )
        }),
        ("logcat, folded answer", |c, r| {
            let mut text = format!(
                "11-22 10:00:00.100  4503  4511 D Kernel  : APDU send({} bytes): {c}\n",
                c.len() / 2
            );
            for (n, line) in folded(r, 32).iter().enumerate() {
                let head = if n == 0 {
                    format!("APDU recv({} bytes): ", r.len() / 2)
                } else {
                    String::new()
                };
                text.push_str(&format!(
                    "11-22 10:00:00.140  4503  4511 D Kernel  : {head}{line}\n"
                ));
            }
            text
        }),
        ("hexdump with offsets", |c, r| {
            let dump = |hex: &str| -> String {
                hex.as_bytes()
                    .chunks(32)
                    .enumerate()
                    .map(|(n, part)| {
                        let part = std::str::from_utf8(part).unwrap();
                        format!(
                            "{:08X}  {:<48} | {:<16} |\n",
                            n * 16,
                            spaced(part),
                            characters(part)
                        )
                    })
                    .collect()
            };
            let (data, sw) = split(r);
            format!(
                "2026-11-22 16:49:27.174408 +00:00 DEBUG emvpt - Sending APDU:\n{}2026-11-22 16:49:27.241168 +00:00 DEBUG emvpt - APDU response status: {sw}\n2026-11-22 16:49:27.241204 +00:00 DEBUG emvpt - APDU response({} bytes):\n{}",
                dump(c),
                data.len() / 2,
                dump(data)
            )
        }),
        ("command in parts", |c, r| {
            let (data, sw) = split(r);
            let lc = usize::from_str_radix(&c[8..10], 16).unwrap();
            format!(
                "W/EMV: apduSend = [Command]{}\nW/EMV: apduSend = [LC]{}\nW/EMV: apduSend = [Data]{}\nW/EMV: apduSend = [LE]00\nW/EMV: apduRecvCmd = {data}\nW/EMV: apduRecvState = {sw}\n===========\n",
                &c[..8],
                &c[8..10],
                &c[10..10 + 2 * lc]
            )
        }),
        ("yaml", |c, r| {
            format!("- req: '{}'\n  res: '{}'\n", spaced(c), spaced(r))
        }),
        ("JSON lines", |c, r| {
            format!(
                "{{\"type\":\"apdu\",\"command\":\"{c}\",\"ms\":12}}\n{{\"type\":\"apdu\",\"response\":\"{r}\",\"ms\":30}}\n"
            )
        }),
        ("Chinese prose", |c, r| {
            format!("发送指令 {}\n返回数据\n{r}\n", c.to_lowercase())
        }),
        ("Chinese labels", |c, r| {
            format!("[11-22 10:00:00]发送APDU：{c}\n[11-22 10:00:00]接收APDU：{r}\n")
        }),
        ("with a decoded tree between", |c, r| {
            format!(
                "--> {}\n<-- {}\n  6F File Control Information (FCI) Template\n     84 Dedicated File (DF) Name\n        32 50 41 59\n\n",
                spaced(c),
                spaced(r)
            )
        }),
    ]
}

#[test]
fn every_dress_gives_the_same_dialogue() {
    let catalogue = Catalogue::load(&[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (number, (name, dress)) in dresses().into_iter().enumerate() {
        let text: String = PAIRS.iter().map(|(c, r)| dress(c, r)).collect();
        let path = folder.path().join(format!("{number}.log"));
        std::fs::write(&path, &text).unwrap();
        let analysis = analysis(&[&path], &catalogue);
        let seen = sequence(&analysis);
        let bytes: Vec<(String, String)> = exchanges(&analysis)
            .iter()
            .map(|e| (e.command_hex.to_string(), e.answer_hex.to_string()))
            .collect();
        let same = bytes.len() == PAIRS.len()
            && bytes
                .iter()
                .zip(PAIRS)
                .all(|((c, r), pair)| c == pair.0 && r == pair.1);
        if seen != "P A G6985" || !same {
            wrong.push(format!("{name}: {seen:?}\n  {bytes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two readers of one program select alike in the same moment; what they say to their cards is kept apart.
#[test]
fn dialogues_side_by_side_are_kept_apart() {
    let pairs = |amount: &str, counter: &str| -> Vec<(String, String)> {
        vec![
            (PAIRS[0].0.to_owned(), PAIRS[0].1.to_owned()),
            (PAIRS[1].0.to_owned(), PAIRS[1].1.to_owned()),
            (
                "80A80000058303E0F0C800".to_owned(),
                "770A820219809404080101009000".to_owned(),
            ),
            (
                format!("80AE80000B{amount}00000000000000"),
                format!("77149F2701809F36020{counter}9F2608FEDCBA98765432109000"),
            ),
        ]
    };
    let left = pairs("00000001", "010");
    let right = pairs("00000002", "020");
    let mut text = String::new();
    for (n, (l, r)) in left.iter().zip(&right).enumerate() {
        let at = |millis: usize| format!("11-22 10:00:00.{:03}  4503", 100 + 60 * n + millis);
        text.push_str(&format!("{}  4511 D Reader  : send: {}\n", at(0), l.0));
        text.push_str(&format!("{}  4512 D Reader  : send: {}\n", at(10), r.0));
        text.push_str(&format!("{}  4511 D Reader  : recv: {}\n", at(30), l.1));
        text.push_str(&format!("{}  4512 D Reader  : recv: {}\n", at(40), r.1));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pos.log");
    std::fs::write(&path, text).unwrap();
    let analysis = analysis(&[&path], &Catalogue::load(&[]).unwrap());
    assert_eq!(sequence(&analysis), "P*2 A*2 G*2 C*2");
    assert_eq!(analysis.correlated.attempts.len(), 2);
    for attempt in 0..2 {
        assert_eq!(traced::fact(&analysis, attempt, "ppse_selected"), "1");
        assert_eq!(traced::fact(&analysis, attempt, "cid"), "ARQC");
    }
    let mut counters = [0, 1].map(|attempt| traced::fact(&analysis, attempt, "atc"));
    counters.sort();
    assert_eq!(counters, ["16", "32"]);
}

/// An object around others, with as many length bytes as needed.
fn template(tag: &[u8], inner: &[u8]) -> Vec<u8> {
    let mut out = tag.to_vec();
    let length = inner.len();
    let bytes = u32::try_from(length).unwrap().to_be_bytes();
    match length {
        0..=0x7F => out.push(bytes[3]),
        0x80..=0xFF => out.extend([0x81, bytes[3]]),
        0x100..=0xFFFF => out.extend([0x82, bytes[2], bytes[3]]),
        _ => out.extend([0x83, bytes[1], bytes[2], bytes[3]]),
    }
    out.extend(inner);
    out
}

#[test]
fn hostile_card_data_are_named() {
    let mut deep = vec![0x8F, 0x01, 0x05];
    for _ in 0..10_000 {
        deep = template(&[0xE1], &deep);
    }
    let deep = template(&[0x70], &deep);
    let twice = template(
        &[0x6F],
        &template(
            &[0xA5],
            &template(
                &[0x9F, 0x38],
                &[0x9F, 0x02, 0x06, 0x9F, 0x1A, 0x02, 0x9F, 0x02, 0x06],
            ),
        ),
    );
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02X}")).collect() };
    let text = format!(
        "send: 00A4040007A000000004101000\nresp: {}9000\nsend: 80A8000010830E0000000001000156000000000100 00\nresp: 770A820219809404080101009000\nsend: 00B2010C00\nresp: {}9000\n",
        hex(&twice),
        hex(&deep)
    )
    .replace("0100 00", "010000");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.txt");
    std::fs::write(&path, text).unwrap();
    let analysis = analysis(&[&path], &Catalogue::load(&[]).unwrap());
    let codes: Vec<&str> = analysis.issues.iter().map(|issue| issue.code).collect();
    assert_eq!(sequence(&analysis), "A G R");
    assert!(codes.contains(&"dol_repeated_tag"), "{codes:?}");
    assert!(codes.contains(&"tlv_too_deep"), "{codes:?}");
    let faults: Vec<_> = exchanges(&analysis).into_iter().map(|e| e.faults).collect();
    assert!(faults[0].contains(&"dol_repeated_tag"), "{faults:?}");
    assert!(faults[1].contains(&"dol_repeated_tag"), "{faults:?}");
    assert!(!faults[1].contains(&"gpo_length_wrong"), "{faults:?}");
}
