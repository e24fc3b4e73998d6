//! B: input damaged in every way that can be counted.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{LINE, Random, figure, long, net, tool};
use crate::net::writer::{End, Writer, union_pay};
use tapscope::decode::StreamInfo;
use tapscope::event::{Spill, Text};
use tapscope::parse::edge::Edge;
use tapscope::parse::{Parsed, stream};
use tapscope::plan::Plan;

pub fn parse(name: &str, bytes: &[u8]) -> Parsed {
    probed(name, bytes, 64 << 10)
}

/// As [`parse`], where the file is recognised by its first `probe` bytes.
fn probed(name: &str, bytes: &[u8], probe: usize) -> Parsed {
    let info = StreamInfo {
        path: Text::new(name),
        member: false,
        size: None,
        file: None,
        head: &bytes[..bytes.len().min(probe)],
    };
    let plan = Plan {
        year: Some(2026),
        ..Plan::default()
    };
    let parsed = stream(
        &info,
        &mut &bytes[..],
        &plan,
        &Edge::new(Some([1; 32])),
        &Spill::unbounded(),
        &|_| {},
    );
    let l = &parsed.source.ledger;
    assert_eq!(
        l.understood + l.ignored + l.not_understood + l.unreadable,
        l.bytes,
        "{name}: every byte is accounted for"
    );
    let fault = parsed
        .issues
        .iter()
        .find(|issue| issue.code == "internal_error");
    assert!(fault.is_none(), "{name}: {}", fault.unwrap().text);
    parsed
}

/// What was read, without times that depend on the rest of the file.
fn brief(parsed: &Parsed) -> Vec<String> {
    parsed
        .events
        .iter()
        .map(|event| format!("{:?} {:?}", event.keys, event.payload))
        .collect()
}

/// Files of the samples whose names end so, sorted.
fn samples(endings: &[&str]) -> Vec<PathBuf> {
    fn walk(folder: &Path, endings: &[&str], out: &mut Vec<PathBuf>) {
        for path in std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if path.is_dir() {
                walk(&path, endings, out);
            } else if path.components().any(|part| part.as_os_str() == "input")
                && endings.iter().any(|e| path.to_string_lossy().ends_with(e))
            {
                out.push(path);
            }
        }
    }
    let mut all = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"),
        endings,
        &mut all,
    );
    all.sort();
    all
}

/// Some of each kind of file.
fn kinds(of_each: usize) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for ending in [
        ".log", ".txt", ".json", ".trace", ".xml", ".pcap", ".pcapng", ".gz", ".zip", ".csv",
        ".hex",
    ] {
        let all = samples(&[ending]);
        let step = (all.len() / of_each).max(1);
        for path in all.iter().step_by(step).take(of_each) {
            let bytes = std::fs::read(path).unwrap();
            if (100..64 << 10).contains(&bytes.len()) {
                out.push((
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    bytes,
                ));
            }
        }
    }
    out
}

#[test]
fn b1_what_a_cut_leaves_is_what_stood_before_it() {
    let (mut runs, mut late, mut events) = (0_u64, 0_u64, 0_u64);
    for (name, bytes) in kinds(4)
        .into_iter()
        .filter(|(name, _)| !name.ends_with(".zip") && !name.ends_with(".gz"))
    {
        let whole = brief(&parse(&name, &bytes));
        let step = if long() { 1 } else { (bytes.len() / 10).max(1) };
        for end in (1..bytes.len()).step_by(step) {
            let cut = brief(&parse(&name, &bytes[..end]));
            // Events at the very end may lack what came behind them.
            let mut left = whole.clone();
            let strangers = cut
                .iter()
                .filter(|one| {
                    let at = left.iter().position(|other| other == *one);
                    at.map(|at| left.swap_remove(at)).is_none()
                })
                .count();
            events += cut.len() as u64;
            late += strangers as u64;
            runs += 1;
        }
    }
    // Where encoding or format cannot be told yet, or a connection is still open, an event looks different.
    assert!(
        late * 10 <= events,
        "{late} of {events} events of cut files are not those of the whole ones"
    );
    figure(
        "B1",
        "every byte of 40 samples: no panic, events of a cut are events of the whole",
        &format!(
            "{runs} cuts (and those of tests/hostile.rs): no panic; {:.2} % of {events} events differ (unfinished at the cut)",
            late as f64 * 100.0 / events.max(1) as f64
        ),
    );
}

#[test]
fn b2_every_bit_of_the_beginning() {
    let samples: Vec<_> = kinds(2).into_iter().take(10).collect();
    assert_eq!(samples.len(), 10);
    let mut runs = 0;
    let step = if long() { 1 } else { 31 };
    for (name, bytes) in samples {
        let mut bytes = bytes[..bytes.len().min(6 << 10)].to_vec();
        for bit in (runs % step..bytes.len().min(4096) * 8).step_by(step) {
            bytes[bit / 8] ^= 1 << (bit % 8);
            parse(&format!("{name} bit {bit}"), &bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
            runs += 1;
        }
    }
    figure(
        "B2",
        "327,680 runs, no panic",
        &format!("{runs} runs, no panic"),
    );
}

#[test]
fn b3_captures_with_random_errors() {
    if !tool(
        "editcap",
        "B3: captures damaged by editcap (package tshark or wireshark-common)",
    ) {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let mut captures = samples(&[".pcap", ".pcapng"]);
    if let Some(corpus) = super::common::corpus() {
        let out = Command::new("find")
            .arg(&corpus)
            .args([
                "(", "-name", "*.pcap", "-o", "-name", "*.pcapng", ")", "-size", "-400k",
            ])
            .output()
            .unwrap();
        let mut more: Vec<PathBuf> = String::from_utf8_lossy(&out.stdout)
            .lines()
            .map(PathBuf::from)
            .collect();
        more.sort();
        captures.extend(more);
    }
    let (files, seeds) = if long() { (100, 20) } else { (16, 2) };
    let step = (captures.len() / files).max(1);
    let (mut runs, mut read) = (0, 0);
    let damaged = parent.path().join("damaged.pcapng");
    for path in captures.iter().step_by(step).take(files) {
        for seed in 0..seeds {
            let done = Command::new("editcap")
                .args(["-E", "0.02", "--seed", &seed.to_string()])
                .arg(path)
                .arg(&damaged)
                .output()
                .unwrap();
            if !done.status.success() {
                continue;
            }
            let parsed = parse(
                &path.display().to_string(),
                &std::fs::read(&damaged).unwrap(),
            );
            read += parsed.source.ledger.records;
            runs += 1;
        }
    }
    assert!(runs >= files * seeds * 8 / 10, "{runs} runs");
    // A big one, through the program.
    let mut w = Writer::default();
    let target = if long() { 100 << 20 } else { 4 << 20 };
    let mut k = 0;
    while w.file.len() < target {
        k += 1;
        w.exchange(
            (
                [10, 0, (k >> 8) as u8, k as u8],
                20_000 + (k % 40_000) as u16,
            ),
            ([203, 0, 113, 10], 5811),
            &union_pay(true, k, k % 500),
            &union_pay(false, k, k % 500),
        );
    }
    let (whole, out) = (parent.path().join("whole.pcap"), parent.path().join("out"));
    std::fs::write(&whole, &w.file).unwrap();
    let done = Command::new("editcap")
        .args(["-E", "0.0001", "--seed", "1"])
        .arg(&whole)
        .arg(&damaged)
        .status()
        .unwrap();
    assert!(done.success());
    let run = super::watched(super::analyze(&damaged, &out, &[]));
    assert!(matches!(run.code(), Some(0 | 3)), "{}", run.words());
    let found = super::common::number(&out, "SELECT count(*) FROM transactions");
    let exchanges = i64::from(k);
    assert!(found > exchanges * 8 / 10, "{found} of {exchanges}");
    figure(
        "B3",
        "100 captures x 20 seeds at 0.02 and 100 MB at 0.0001: no panic",
        &format!(
            "{runs} damaged captures ({read} records read), and {} MB through the program ({found} of {exchanges} exchanges found): no panic",
            target >> 20
        ),
    );
}

/// Segments deleted, doubled and swapped at random: what is said to be missing is what was taken.
#[test]
fn b4_loss_that_is_told_is_the_loss_there_was() {
    let client: End = ([10, 0, 0, 1], 40_000);
    let host: End = ([203, 0, 113, 10], 5811);
    let mut random = Random(0xB4);
    let data: Vec<u8> = (1..80).flat_map(|k| union_pay(true, k, 7)).collect();
    let runs = if long() { 10_000 } else { 300 };
    let (mut deleted_in_all, mut doubled_in_all, mut swapped_in_all) = (0, 0, 0);
    for run in 0..runs {
        // Segments of one direction, each acknowledged: what is not in the file was seen by the other end.
        let count = 10 + random.below(50);
        let mut packets: Vec<(u32, usize)> =
            (0..count as u32).map(|k| (1000 + k * 100, 100)).collect();
        let last = *packets.last().unwrap();
        let mut lost = 0_u64;
        for _ in 0..random.below(5) {
            // Not the last one: nobody could miss it; not the first message: it tells what is spoken.
            let at = 3 + random.below(packets.len() - 4);
            lost += packets.remove(at).1 as u64;
        }
        deleted_in_all += lost / 100;
        for _ in 0..random.below(4) {
            let at = random.below(packets.len());
            let one = packets[at];
            packets.insert(at + random.below(3).min(packets.len() - at), one);
            doubled_in_all += 1;
        }
        for _ in 0..random.below(4) {
            let at = random.below(packets.len() - 1);
            packets.swap(at, at + 1);
            swapped_in_all += 1;
        }
        let mut w = Writer::default();
        w.tcp(client, host, (999, 0), 2, &[]);
        w.tcp(host, client, (0, 1000), 0x12, &[]);
        w.tcp(client, host, (1000, 1), 0x10, &[]);
        for (at, length) in &packets {
            let from_start = (*at - 1000) as usize;
            let part = &data[from_start..from_start + length];
            w.tcp(client, host, (*at, 1), 0x18, part);
            w.tcp(host, client, (1, at + *length as u32), 0x10, &[]);
        }
        let end = last.0 + last.1 as u32;
        w.tcp(host, client, (1, end), 0x10, &[]);
        w.tcp(client, host, (end, 1), 0x11, &[]);
        w.tcp(host, client, (1, end + 1), 0x11, &[]);
        let parsed = net::parse(&w.file, &net::plan());
        let connections = net::connections(&parsed);
        assert_eq!(connections.len(), 1);
        assert_eq!(connections[0].gap_bytes, lost, "run {run}: {packets:?}");
        assert_eq!(
            connections[0].client_bytes,
            100 * count as u64 - lost,
            "run {run}"
        );
    }
    figure(
        "B4",
        "10,000 runs, loss reported = injected",
        &format!(
            "{runs} runs: {deleted_in_all} segments deleted, {doubled_in_all} doubled, {swapped_in_all} swapped; missing bytes told exactly in every one"
        ),
    );
}

const FORMS: &[(&str, &str)] = &[
    (
        "logcat",
        "07-15 10:56:{s}.152   889  6213 E PosEngine: transaction failed, stan=0001{s}\n",
    ),
    (
        "applog",
        "2026-07-15 10:56:{s}.152 [main] ERROR com.acme.Pay - traceNo=0001{s} declined\n",
    ),
    (
        "json",
        "{\"ts\":\"2026-07-15T10:56:{s}.152Z\",\"level\":\"error\",\"msg\":\"traceNo=0001{s} declined\"}\n",
    ),
    (
        "syslog",
        "<11>1 2026-07-15T10:56:{s}.152Z pos1 pay 77 - - traceNo=0001{s} declined\n",
    ),
    (
        "bracket",
        "[2026-07-15 10:56:{s}] pay.ERROR: traceNo=0001{s} declined\n",
    ),
];

fn lines(form: &str, from: u32, to: u32) -> String {
    (from..to)
        .map(|s| form.replace("{s}", &format!("{s:02}")))
        .collect()
}

fn stans(parsed: &Parsed) -> Vec<u32> {
    let mut all: Vec<u32> = parsed
        .events
        .iter()
        .filter_map(|event| event.keys.stan)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn b5_what_became_of_files_on_their_way() {
    let mut cases = 0;
    let want: Vec<u32> = (110..130).collect();
    let mut hold = |what: String, bytes: &[u8], want: &[u32]| {
        let parsed = parse(&what, bytes);
        assert_eq!(stans(&parsed), want, "{what}: {:?}", parsed.issues);
        cases += 1;
    };
    for (name, form) in FORMS {
        let text = lines(form, 10, 30);
        let (first, second) = (lines(form, 10, 20), lines(form, 20, 30));
        hold(format!("{name} as it is"), text.as_bytes(), &want);
        hold(
            format!("{name} CRLF"),
            text.replace('\n', "\r\n").as_bytes(),
            &want,
        );
        hold(
            format!("{name} CR CRLF"),
            text.replace('\n', "\r\r\n").as_bytes(),
            &want,
        );
        hold(
            format!("{name} CR alone"),
            text.replace('\n', "\r").as_bytes(),
            &want,
        );
        hold(
            format!("{name} CR alone in UTF-16"),
            &utf16(&text.replace('\n', "\r"), name.len() % 2 == 0),
            &want,
        );
        hold(
            format!("{name} half CRLF"),
            (first.clone() + &second.replace('\n', "\r\n")).as_bytes(),
            &want,
        );
        hold(
            format!("{name} mark in front"),
            format!("\u{feff}{text}").as_bytes(),
            &want,
        );
        hold(
            format!("{name} mark in the middle"),
            format!("{first}\u{feff}{second}").as_bytes(),
            &want,
        );
        hold(
            format!("{name} no last line end"),
            text.trim_end().as_bytes(),
            &want,
        );
        hold(
            format!("{name} empty lines"),
            text.replace('\n', "\n\n\n").as_bytes(),
            &want,
        );
        for zeros in [1, 511, 4096, 70_000] {
            hold(
                format!("{name} {zeros} zeros at the end"),
                &[text.as_bytes(), &vec![0; zeros]].concat(),
                &want,
            );
            hold(
                format!("{name} {zeros} zeros in the middle"),
                &[first.as_bytes(), &vec![0; zeros], b"\n", second.as_bytes()].concat(),
                &want,
            );
        }
        // Two files in one: of the same kind, and of the next kind.
        hold(format!("{name} twice"), text.repeat(2).as_bytes(), &want);
    }
    // Files of two kinds in one: what the first kind says is read, and the rest is told or read.
    for (a, (first, form)) in FORMS.iter().enumerate() {
        let (second, other) = FORMS[(a + 1) % FORMS.len()];
        let text = lines(form, 10, 30) + &lines(other, 30, 50);
        let parsed = parse(&format!("{first} and {second}"), text.as_bytes());
        let found = stans(&parsed);
        assert!(
            want.iter().all(|stan| found.contains(stan)),
            "{first} and {second}: {found:?}"
        );
        cases += 1;
    }
    figure("B5", "50 cases", &format!("{cases} cases"));
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        })
        .collect()
}

#[test]
fn b6_encodings_cut_and_mixed() {
    let simplified = "2026-07-15 10:56:{s}.974 [main] ERROR com.acme.Pay - 流水号：0001{s} 终端号：10000019 交易失败，请插卡\n";
    let traditional = "2026-07-15 10:56:{s}.974 [main] ERROR com.acme.Pay - traceNo=0001{s} 交易失敗，請插卡，通訊逾時，請重新感應卡片 declined\n";
    let mut cases = 0;
    let simplified: String = (0..200)
        .map(|k| simplified.replace("{s}", &format!("{:02}", 10 + k % 50)))
        .collect();
    let traditional: String = (0..200)
        .map(|k| traditional.replace("{s}", &format!("{:02}", 10 + k % 50)))
        .collect();
    let want: Vec<u32> = (110..160).collect();
    for (name, bytes) in [
        ("UTF-8", simplified.clone().into_bytes()),
        (
            "GB18030",
            encoding_rs::GB18030.encode(&simplified).0.into_owned(),
        ),
        ("GBK", encoding_rs::GBK.encode(&simplified).0.into_owned()),
        ("UTF-16LE", utf16(&simplified, false)),
        ("UTF-16BE", utf16(&simplified, true)),
        (
            "Big5",
            encoding_rs::BIG5.encode(&traditional).0.into_owned(),
        ),
    ] {
        assert_eq!(stans(&parse(name, &bytes)), want, "{name}");
        // A line that is not text in this encoding, every so often.
        let whole = parse(name, &bytes).events.len();
        // A probe that ends inside a character: at each size, on each side of it.
        for power in 4..=20 {
            for off in 0..3 {
                let size = (1_usize << power) + off;
                let head = &bytes[..size.min(bytes.len())];
                let parsed = probed(name, &bytes, size);
                if size >= 256 {
                    assert_eq!(parsed.events.len(), whole, "{name} probe of {size}");
                }
                let cut = parse(&format!("{name} cut at {size}"), head);
                if size >= 4096 && size < bytes.len() {
                    assert!(
                        cut.events.len() * bytes.len() + bytes.len() * 3 >= whole * size / 2,
                        "{name} cut at {size}"
                    );
                }
                cases += 2;
            }
        }
    }
    // Mixed by lines.
    let mixed: Vec<u8> = simplified
        .split_inclusive('\n')
        .enumerate()
        .flat_map(|(n, line)| {
            if n % 20 == 7 {
                encoding_rs::GB18030.encode(line).0.into_owned()
            } else {
                line.as_bytes().to_vec()
            }
        })
        .collect();
    assert_eq!(stans(&parse("mixed", &mixed)), want);
    cases += 1;
    // EBCDIC is not read as text: every byte is accounted for and the file is said to be something else, never read wrongly.
    let ebcdic: Vec<u8> = LINE
        .repeat(50)
        .bytes()
        .map(|b| match b {
            b'0'..=b'9' => 0xF0 + (b - b'0'),
            b'a'..=b'i' => 0x81 + (b - b'a'),
            b'j'..=b'r' => 0x91 + (b - b'j'),
            b's'..=b'z' => 0xA2 + (b - b's'),
            b'A'..=b'I' => 0xC1 + (b - b'A'),
            b'J'..=b'R' => 0xD1 + (b - b'J'),
            b'S'..=b'Z' => 0xE2 + (b - b'S'),
            b' ' => 0x40,
            b'\n' => 0x15,
            b':' => 0x7A,
            b'.' => 0x4B,
            b',' => 0x6B,
            b'=' => 0x7E,
            b'-' => 0x60,
            _ => 0x6F,
        })
        .collect();
    let parsed = parse("ebcdic", &ebcdic);
    assert!(parsed.events.is_empty(), "{:?}", brief(&parsed));
    cases += 1;
    figure(
        "B6",
        "200 cases",
        &format!(
            "{cases} cases in 6 encodings, mixed, probes of 16 B to 1 MiB ending inside characters; EBCDIC files are not understood and said to be so"
        ),
    );
}
