//! `tapscope show`: cited places come back masked, whatever way a card number is written, and only from the input as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use std::path::Path;
use std::process::Output;

use common::{analyze, rows, sample_day, tapscope};

fn show(words: &[String]) -> Output {
    tapscope().arg("show").args(words).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whole card numbers of the sample's ranges in a text, also with one blank between digits or pairs of digits.
fn card_numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        for packed in [line.to_owned(), line.replace(' ', "")] {
            for run in packed.split(|c: char| !c.is_ascii_digit()) {
                for length in [16, 19] {
                    for start in 0..run.len().saturating_sub(length - 1) {
                        let number = &run[start..start + length];
                        let ours = ["6212", "6213", "6214", "6215", "6216", "6217", "6222"]
                            .iter()
                            .any(|range| number.starts_with(range));
                        if ours && luhn(number) {
                            found.push(format!("{}… in {}", &number[..8], line.len()));
                        }
                    }
                }
            }
        }
    }
    found
}

/// Every line and every frame of the sample day, and none shows a whole number.
#[test]
fn every_place_of_the_sample_day_can_be_shown() {
    let temporary = tempfile::tempdir().unwrap();
    let out = temporary.path().join("out");
    let day = sample_day();
    assert!(analyze(&[&day], &out, &["-q"]).status.success());
    let (mut texts, mut captures, mut masked) = (0, 0, 0);
    for row in rows(
        &out,
        "SELECT path, kind, records, format FROM sources ORDER BY path",
    ) {
        let [path, kind, records, _] = row.as_slice() else {
            panic!("{row:?}")
        };
        let records: u64 = records.parse().unwrap();
        let capture = kind == "capture";
        let references: Vec<String> = if capture {
            captures += 1;
            // Not all of a long capture: each one reads the file again.
            let step = usize::try_from(records / 60 + 1).unwrap();
            (1..=records)
                .step_by(step)
                .map(|n| format!("{path}#{n}"))
                .collect()
        } else {
            texts += 1;
            vec![
                format!("{path}:1-1900"),
                format!("{path}:1-2 ").trim().to_owned(),
            ]
        };
        let mut words = references.clone();
        words.extend(["--run".to_owned(), out.display().to_string()]);
        words.extend(["-C", "2"].map(str::to_owned));
        let output = show(&words);
        assert!(output.status.success(), "{path}: {}", errors(&output));
        let shown = text(&output);
        assert!(shown.contains("unchanged since the run"));
        let found = card_numbers(&shown);
        assert!(found.is_empty(), "{path}: {found:?}");
        masked += usize::from(shown.contains("******"));
    }
    assert!(texts >= 10 && captures >= 10 && masked >= 10);
}

#[test]
fn what_evidence_cites_is_there() {
    let temporary = tempfile::tempdir().unwrap();
    let out = temporary.path().join("out");
    let day = sample_day();
    analyze(&[&day], &out, &["-q"]);
    let run = ["--run".to_owned(), out.display().to_string()];
    let cited = |sql: &str| {
        let rows = rows(&out, sql);
        rows.first().unwrap().clone()
    };
    // A log line, as the event has it.
    let row = cited(
        "SELECT locator, summary FROM events WHERE kind = 'log' AND summary LIKE '%no response from host%' ORDER BY locator",
    );
    let output = show(&[&[row[0].clone()][..], &run].concat());
    let line = text(&output);
    let line = line.lines().find(|l| l.starts_with('►')).unwrap();
    assert!(line.contains("no response from host"), "{line}");
    // A member of an archive.
    let row = cited("SELECT locator FROM events WHERE locator LIKE '%.zip!%:%' ORDER BY locator");
    assert!(
        show(&[&[row[0].clone()][..], &run].concat())
            .status
            .success()
    );
    // A message in a capture.
    let row = cited(
        "SELECT locator FROM events WHERE kind = 'iso8583' AND locator LIKE '%#%' AND summary LIKE '0200%' ORDER BY locator",
    );
    let shown = text(&show(&[&[row[0].clone()][..], &run].concat()));
    for needle in [
        "F4 amount, transaction",
        "F35 track 2 data",
        "hidden",
        "► #",
        "0000  00",
    ] {
        assert!(shown.contains(needle), "{needle} is not in\n{shown}");
    }
    let zh = text(&show(
        &[
            &[row[0].clone(), "--lang".to_owned(), "zh".to_owned()][..],
            &run,
        ]
        .concat(),
    ));
    assert!(zh.contains("报文"), "{zh}");
    let json: serde_json::Value = serde_json::from_str(&text(&show(
        &[&[row[0].clone(), "--json".to_owned()][..], &run].concat(),
    )))
    .unwrap();
    assert_eq!(json[0]["unchanged"], true);
    assert!(json[0]["message"]["children"].as_array().unwrap().len() > 5);
}

#[test]
fn a_changed_input_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let log = temporary.path().join("terminal.log");
    let lines = "2026-03-18 10:00:00.000 INFO sale start amount=12.00\n2026-03-18 10:00:01.000 INFO transaction declined 51\n";
    std::fs::write(&log, lines).unwrap();
    let out = temporary.path().join("out");
    analyze(&[&log], &out, &["-q"]);
    let reference = format!("{}:2", log.display());
    let run = ["--run".to_owned(), out.display().to_string()];
    let same = show(&[&[reference.clone()][..], &run].concat());
    assert_eq!(same.status.code(), Some(0), "{}", errors(&same));
    assert!(text(&same).contains("declined 51"));
    std::fs::write(&log, lines.replace("51", "05")).unwrap();
    let changed = show(&[&[reference.clone()][..], &run].concat());
    assert_eq!(changed.status.code(), Some(1));
    assert!(text(&changed).is_empty(), "nothing is shown of it");
    assert!(
        errors(&changed).contains("has changed since"),
        "{}",
        errors(&changed)
    );
    assert!(errors(&changed).contains("BLAKE3"));
    let anyway = show(std::slice::from_ref(&reference));
    assert_eq!(anyway.status.code(), Some(0));
    assert!(!text(&anyway).contains("unchanged"));
    // Another folder, and --from to find it.
    std::fs::write(&log, lines).unwrap();
    let elsewhere = tapscope()
        .args(["show", "terminal.log:1"])
        .current_dir(temporary.path())
        .output()
        .unwrap();
    assert!(elsewhere.status.success());
    let based = show(&[
        "terminal.log:1".to_owned(),
        "--from".to_owned(),
        temporary.path().display().to_string(),
    ]);
    assert!(based.status.success(), "{}", errors(&based));
}

#[test]
fn what_is_not_there_is_said() {
    let temporary = tempfile::tempdir().unwrap();
    let log = temporary.path().join("a.log");
    std::fs::write(&log, "one\ntwo\n").unwrap();
    let at = |place: &str| format!("{}{place}", log.display());
    for (reference, code, words) in [
        (at(":3"), 1, "has 2 lines only"),
        (at("#3"), 1, "cite it as path:LINE"),
        (at(""), 2, "expected path:LINE"),
        ("no/such.log:1".to_owned(), 1, "--from"),
    ] {
        let output = show(std::slice::from_ref(&reference));
        assert_eq!(output.status.code(), Some(code), "{reference}");
        assert!(errors(&output).contains(words), "{}", errors(&output));
    }
}

/// Frames of one connection with the given payloads, Ethernet and IPv4.
fn capture(payloads: &[&[u8]]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend_from_slice(&0xA1B2_C3D4_u32.to_le_bytes());
    file.extend_from_slice(&[
        2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 1, 0, 0, 0,
    ]);
    let mut sequence = 1000_u32;
    for payload in payloads {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
        let total = u16::try_from(40 + payload.len()).unwrap();
        frame.extend_from_slice(&total.to_be_bytes());
        frame.extend_from_slice(&[0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 7, 10, 0, 0, 9]);
        frame.extend_from_slice(&40000_u16.to_be_bytes());
        frame.extend_from_slice(&7001_u16.to_be_bytes());
        frame.extend_from_slice(&sequence.to_be_bytes());
        frame.extend_from_slice(&1_u32.to_be_bytes());
        frame.extend_from_slice(&[0x50, 0x18, 0x20, 0, 0, 0, 0, 0]);
        frame.extend_from_slice(payload);
        sequence += u32::try_from(payload.len()).unwrap();
        file.extend_from_slice(&1_784_000_000_u32.to_le_bytes());
        file.extend_from_slice(&[0; 4]);
        for _ in 0..2 {
            file.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_le_bytes());
        }
        file.extend_from_slice(&frame);
    }
    file
}

/// A message cut in two anywhere: neither frame gives a piece of the number away, and the first shows the message whole.
#[test]
fn a_number_cut_by_a_segment_stays_hidden() {
    let number = "6212345678901232";
    let mut bits = [0_u8; 8];
    for field in [2_usize, 3, 4, 11, 41] {
        bits[(field - 1) / 8] |= 0x80 >> ((field - 1) % 8);
    }
    let bits: String = bits.iter().map(|b| format!("{b:02X}")).collect();
    let body = format!("0200{bits}16{number}00000000000000120000012310000019");
    let message = [
        &u16::try_from(body.len()).unwrap().to_be_bytes()[..],
        body.as_bytes(),
    ]
    .concat();
    let start = 2 + 4 + 16 + 2;
    for cut in [start + 3, start + 9, start + 14, message.len()] {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("wire.pcap");
        let (first, second) = message.split_at(cut);
        std::fs::write(&path, capture(&[first, second])).unwrap();
        let frame = |n: u32| {
            let output = show(&[format!("{}#{n}", path.display())]);
            assert!(output.status.success(), "{}", errors(&output));
            text(&output)
        };
        let (one, two) = (frame(1), frame(2));
        assert!(one.contains("F4 amount"), "cut at {cut}:\n{one}");
        for text in [&one, &two] {
            let packed: String = text.chars().filter(|c| *c != ' ').collect();
            for piece in ["5678901", "678901232", "35363738", "39303132"] {
                assert!(!packed.contains(piece), "cut at {cut}: {piece} in\n{text}");
            }
        }
        if cut < message.len() {
            assert!(one.contains("going on in #2"), "{one}");
            assert!(two.contains("not shown"), "{two}");
        }
    }
}

/// No byte of the input can move the cursor.
#[test]
fn control_characters_are_written_out() {
    let temporary = tempfile::tempdir().unwrap();
    let log = temporary.path().join("a.log");
    std::fs::write(&log, b"x \x1b[2J\x07\xE2\x80\xAE y \x9b31m\n".as_slice()).unwrap();
    let output = show(&[format!("{}:1", Path::new(&log).display())]);
    let shown = text(&output);
    assert!(
        !shown.contains(|c: char| c.is_control() && c != '\n'),
        "{shown:?}"
    );
    assert!(!shown.contains('\u{202e}'));
    assert!(shown.contains("\\x1b"));
}
