//! Every bound is met by an input made for it, under a bound set low by `--limit`: the run names it, counts it in `issues.parquet`, shows
//! it under "limits met" and in `coverage.limits`, and goes on behind it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;
#[path = "net/writer.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod writer;

use std::io::Write as _;

use common::{analyze, rows};
use tapscope::plan::Limits;
use writer::{End, Writer};

const CLIENT: End = ([10, 0, 0, 1], 40_000);
const SERVER: End = ([10, 0, 0, 2], 443);

/// A bound, how it is set, the file that meets it, and the issue that names it with how often.
struct Case {
    bounds: &'static [&'static str],
    set: &'static [&'static str],
    name: &'static str,
    bytes: Vec<u8>,
    code: &'static str,
    count: u64,
}

fn case(
    bound: &'static str,
    set: &'static [&'static str],
    name: &'static str,
    bytes: Vec<u8>,
    code: &'static str,
    count: u64,
) -> Case {
    Case {
        bounds: std::slice::from_ref(Box::leak(Box::new(bound))),
        set,
        name,
        bytes,
        code,
        count,
    }
}

fn line(text: &str) -> String {
    format!("07-15 10:56:49.152   889  6213 D PaySdk: {text}\n")
}

/// A message in XML over many lines of one writer.
fn long_record() -> Vec<u8> {
    let mut text = line("started") + &line("<isomsg>");
    for number in 2..40 {
        text += &line(&format!("<field id=\"{number}\" value=\"000000\"/>"));
    }
    text += &line("</isomsg>");
    text += &line("done");
    text.into_bytes()
}

fn exchange(writer: &mut Writer, port: u16) {
    writer.exchange((CLIENT.0, port), SERVER, b"a", b"b");
}

fn big_packet() -> Vec<u8> {
    let mut capture = Writer::default();
    exchange(&mut capture, 40_001);
    capture.frame(&[7; 900]);
    exchange(&mut capture, 40_002);
    capture.file
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = 12 + body.len() as u32;
    let mut block = kind.to_le_bytes().to_vec();
    block.extend(length.to_le_bytes());
    block.extend(body);
    block.extend(length.to_le_bytes());
    block
}

/// A section with so many interfaces, a block that nobody knows, and packets.
fn section(interfaces: usize, unknown: usize, packets: &[usize]) -> Vec<u8> {
    let head = [0x1A2B_3C4D_u32, 1, u32::MAX, u32::MAX];
    let mut file = block(0x0A0D_0D0A, &head.map(u32::to_le_bytes).concat());
    for _ in 0..interfaces {
        file.extend(block(1, &[1, 0, 0, 0, 0, 0, 4, 0]));
    }
    if unknown > 0 {
        file.extend(block(0x0BAD, &vec![0; unknown]));
    }
    for length in packets {
        let length = *length as u32;
        let mut body = [0, 0x0005_8A00, 0, length, length]
            .map(u32::to_le_bytes)
            .concat();
        body.resize(20 + length as usize, 7);
        file.extend(block(6, &body));
    }
    file
}

/// A datagram in six fragments of 16 bytes, the last three so many seconds later; then an exchange.
fn fragments(pause: u32) -> Vec<u8> {
    let mut capture = Writer::default();
    let began = (capture.micros / 1_000_000) as u32;
    capture.ip(CLIENT.0, SERVER.0, 17, &[0; 96], 16);
    for late in 3..6 {
        let at = 24 + late * (16 + 14 + 20 + 16);
        capture.file[at..at + 4].copy_from_slice(&(began + pause).to_le_bytes());
    }
    capture.micros += u64::from(pause) * 1_000_000;
    exchange(&mut capture, 40_003);
    capture.file
}

fn many_flows() -> Vec<u8> {
    let mut capture = Writer::default();
    for port in 0..400 {
        capture.tcp((CLIENT.0, 20_000 + port), SERVER, (1, 0), 2, &[]);
        capture.tcp((CLIENT.0, 20_000 + port), SERVER, (2, 0), 0x10, &[7; 8]);
    }
    capture.file
}

/// Every second segment of a connection is missing.
fn holes() -> Vec<u8> {
    let mut capture = Writer::default();
    capture.tcp(CLIENT, SERVER, (0, 0), 2, &[]);
    for nth in 0..12 {
        capture.tcp(CLIENT, SERVER, (1 + nth * 40, 0), 0x10, &[7; 20]);
    }
    capture.file
}

fn hello() -> Vec<u8> {
    let mut capture = Writer::default();
    capture.tcp(CLIENT, SERVER, (0, 0), 2, &[]);
    capture.tcp(SERVER, CLIENT, (0, 1), 0x12, &[]);
    let mut hello = vec![3, 3];
    hello.extend([9; 32]);
    hello.extend([0, 0, 2, 0x13, 1, 1, 0, 1, 0]);
    // One extension of padding.
    hello.extend([0, 21, 0, 252]);
    hello.extend([0; 252]);
    let mut message = vec![1, 0, (hello.len() >> 8) as u8, hello.len() as u8];
    message.extend(hello);
    let mut record = vec![22, 3, 1, (message.len() >> 8) as u8, message.len() as u8];
    record.extend(message);
    capture.tcp(CLIENT, SERVER, (1, 1), 0x18, &record);
    capture.file
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(22).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Forty commands and answers within a second.
fn busy_attempt() -> Vec<u8> {
    let select = "=> 00A404000E325041592E5359532E444446303100";
    let answer =
        "<= 6F23840E325041592E5359532E4444463031A511BF0C0E610C4F08A0000003330101018701019000";
    let mut text = line(select) + &line(answer);
    for _ in 0..40 {
        text += &line("=> 00B2011400");
        text += &line("<= 70055F340200019000");
    }
    text.into_bytes()
}

fn deep_card() -> Vec<u8> {
    let mut answer = Vec::new();
    for _ in 0..40 {
        let inner = answer;
        answer = vec![0x70, inner.len() as u8];
        answer.extend(inner);
    }
    answer.extend([0x90, 0]);
    let hex: String = answer.iter().map(|b| format!("{b:02X}")).collect();
    let text = line("=> 00B2010C00") + &line(&format!("<= {hex}"));
    (line("=> 00A404000E325041592E5359532E444446303100") + &line("<= 9000") + &text).into_bytes()
}

/// Sales of one amount and terminal, seconds apart, told by two programs.
fn crowd() -> Vec<u8> {
    let sales = |late: u32| -> Vec<u8> {
        let mut text = String::new();
        for nth in 0..6 {
            let (at, name) = (10 + nth * 5 + late, "PaySdk");
            for what in [
                "start sale amount=10.00 terminal=70001234",
                "card detected",
                "DECLINED 39=51",
            ] {
                text += &format!("2026-07-15 10:56:{at:02}.152 D {name}: {what}\n");
            }
        }
        text.into_bytes()
    };
    zip(&[("a.log", &sales(0)), ("b.log", &sales(1))])
}

fn cases() -> Vec<Case> {
    let logs = [
        ("a.log", &b"one\n"[..]),
        ("b.log", b"two\n"),
        ("c.log", b"three\n"),
    ];
    let text = line("declined, code 51").repeat(400).into_bytes();
    let noise: Vec<u8> = (0..300_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    vec![
        case(
            "line_bytes",
            &["line_bytes=1K"],
            "a.log",
            [
                line("x").into_bytes(),
                vec![b'y'; 9_000],
                line("z").into_bytes(),
            ]
            .concat(),
            "line_too_long",
            1,
        ),
        case(
            "record_lines",
            &["record_lines=8"],
            "a.log",
            long_record(),
            "record_too_long",
            1,
        ),
        case(
            "record_bytes",
            &["record_bytes=200"],
            "a.log",
            long_record(),
            "record_too_long",
            1,
        ),
        case(
            "member_bytes",
            &["member_bytes=1000"],
            "a.log.gz",
            gz(&text),
            "decompress_limit",
            1,
        ),
        case(
            "ratio",
            &["ratio=5", "ratio_after=1000"],
            "a.log.gz",
            gz(&text),
            "decompress_limit",
            1,
        ),
        case(
            "ratio_after",
            &["ratio_after=1000", "ratio=5"],
            "a.log.gz",
            gz(&text),
            "decompress_limit",
            1,
        ),
        case(
            "archive_depth",
            &["archive_depth=1"],
            "a.zip",
            zip(&[("b.zip", &zip(&logs))]),
            "archive_depth",
            1,
        ),
        case(
            "archive_members",
            &["archive_members=1"],
            "a.zip",
            zip(&logs),
            "archive_members",
            1,
        ),
        case(
            "archive_bytes",
            &["archive_bytes=3"],
            "a.zip",
            zip(&logs),
            "archive_bytes",
            1,
        ),
        case(
            "nested_zip_bytes",
            &["nested_zip_bytes=20"],
            "a.zip",
            zip(&[("b.zip", &zip(&logs))]),
            "archive_too_big",
            1,
        ),
        case(
            "xz_memory",
            &["xz_memory=64K"],
            "a.log.xz",
            xz(&text),
            "decompress_limit",
            1,
        ),
        case(
            "zstd_window_log",
            &["zstd_window_log=12"],
            "a.log.zst",
            zst(&noise),
            "decompress_limit",
            1,
        ),
        case(
            "packet_bytes",
            &["packet_bytes=600"],
            "a.pcap",
            big_packet(),
            "pcap_packet_too_big",
            1,
        ),
        case(
            "packet_bytes",
            &["packet_bytes=600"],
            "a.pcapng",
            section(1, 0, &[60, 900, 60]),
            "pcap_packet_too_big",
            1,
        ),
        case(
            "block_bytes",
            &["block_bytes=200"],
            "a.pcapng",
            section(1, 400, &[60, 60]),
            "pcap_block_too_big",
            1,
        ),
        case(
            "interfaces",
            &["interfaces=2"],
            "a.pcapng",
            section(5, 0, &[60]),
            "pcapng_interfaces",
            3,
        ),
        case(
            "fragments",
            &["fragments=2"],
            "a.pcap",
            fragments(0),
            "frag_limit",
            2,
        ),
        case(
            "fragment_bytes",
            &["fragment_bytes=40"],
            "a.pcap",
            fragments(0),
            "frag_limit",
            2,
        ),
        case(
            "fragment_seconds",
            &["fragment_seconds=2"],
            "a.pcap",
            fragments(9),
            "frag_incomplete",
            2,
        ),
        case(
            "flows",
            &["flows=64"],
            "a.pcap",
            many_flows(),
            "flow_evicted",
            336,
        ),
        case(
            "flow_pending_bytes",
            &["flow_pending_bytes=30"],
            "a.pcap",
            holes(),
            "tcp_pending_limit",
            10,
        ),
        case(
            "flow_pending_segments",
            &["flow_pending_segments=2"],
            "a.pcap",
            holes(),
            "tcp_pending_limit",
            9,
        ),
        case(
            "pending_bytes",
            &["pending_bytes=120"],
            "a.pcap",
            holes(),
            "tcp_pending_limit",
            10,
        ),
        case(
            "tls_handshake_bytes",
            &["tls_handshake_bytes=100"],
            "a.pcap",
            hello(),
            "tls_handshake_limit",
            1,
        ),
        case(
            "transaction_events",
            &["transaction_events=5"],
            "a.log",
            busy_attempt(),
            "transaction_events",
            1,
        ),
        case(
            "link_candidates",
            &["link_candidates=2"],
            "a.zip",
            crowd(),
            "link_candidates",
            9,
        ),
        // A constant: EMV nests four deep.
        Case {
            bounds: &[],
            set: &[],
            name: "a.log",
            bytes: deep_card(),
            code: "tlv_too_deep",
            count: 1,
        },
    ]
}

/// Bounds that say when something is over, or of what no input is: their own tests are `a_page_holds_what_it_may` and
/// `a_pattern_is_refused`.
const QUIET: &[&str] = &[
    "flow_idle_seconds",
    "page_attempts",
    "page_events",
    "page_bytes",
    "pattern_bytes",
    "pattern_memory",
    "pattern_states",
];

#[test]
fn every_bound_is_met_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    let cases = cases();
    for (nth, one) in cases.iter().enumerate() {
        // Each in a folder of its own: they are no parts of one log.
        let input = folder.path().join(nth.to_string()).join(one.name);
        std::fs::create_dir(folder.path().join(nth.to_string())).unwrap();
        std::fs::write(&input, &one.bytes).unwrap();
        let run = |out: &str, set: &[&str]| {
            let out = folder.path().join(format!("{nth}-{out}"));
            let flags: Vec<&str> = set.iter().flat_map(|bound| ["--limit", bound]).collect();
            let output = analyze(&[&input], &out, &flags);
            let code = output.status.code();
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                matches!(code, Some(0 | 3)),
                "{}: {code:?} {words}",
                one.code
            );
            let sql = format!("SELECT count FROM issues WHERE code = '{}'", one.code);
            let counts = rows(&out, &sql);
            let counted: u64 = counts
                .iter()
                .map(|row| row[0].parse::<u64>().unwrap())
                .sum();
            let summary = std::fs::read_to_string(out.join("summary.json")).unwrap();
            let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
            let shown = summary["coverage"]["limits"]
                .as_array()
                .map_or(0, |limits| {
                    let found = limits.iter().find(|limit| limit["name"] == one.code);
                    found.map_or(0, |limit| limit["count"].as_u64().unwrap())
                });
            (code, words, counted, shown)
        };
        let (code, words, counted, shown) = run("met", one.set);
        let listed = tapscope::plan::LIMIT_CODES.contains(&one.code);
        let told = words.contains(&format!("{} {}", one.count, one.code));
        if counted != one.count || listed && shown != one.count || !told || code != Some(3) {
            wrong.push(format!(
                "{:?}: {} counted {counted}, shown {shown}, expected {}, exit {code:?}: {words}",
                one.set, one.code, one.count
            ));
        }
    }
    // Under the bounds as they are, none of these inputs meets any.
    let out = folder.path().join("free");
    let inputs: Vec<std::path::PathBuf> = (cases.iter().enumerate())
        .filter(|(_, one)| !one.set.is_empty())
        .map(|(nth, one)| folder.path().join(nth.to_string()).join(one.name))
        .collect();
    let inputs: Vec<&std::path::Path> = inputs.iter().map(std::path::PathBuf::as_path).collect();
    analyze(&inputs, &out, &[]);
    for row in rows(&out, "SELECT code, text FROM issues") {
        if cases.iter().any(|one| one.code == row[0]) {
            wrong.push(format!("met without being asked for: {row:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, _) in Limits::default().all() {
        let met = cases.iter().any(|one| one.bounds.contains(&name));
        assert!(met || QUIET.contains(&name), "no input meets {name}");
    }
}

/// The page shows no more than it may, and says so; written again, it is bound as the run was.
#[test]
fn a_page_holds_what_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("a.log");
    let sale = |nth: usize| {
        [
            "start sale amount=10.00 terminal=70001234",
            "card detected",
            "DECLINED 39=51",
        ]
        .map(|what| {
            format!(
                "2026-07-15 10:{:02}:{:02}.152 D PaySdk: {what}\n",
                nth / 2,
                nth % 2 * 30
            )
        })
        .concat()
    };
    std::fs::write(&input, (0..100).map(sale).collect::<String>()).unwrap();
    let held = |out: &std::path::Path| {
        let page = std::fs::read_to_string(out.join("report.html")).unwrap();
        let data = page
            .split("type=\"application/json\" id=\"data\">")
            .nth(1)
            .unwrap();
        let data: serde_json::Value =
            serde_json::from_str(data.split("</script>").next().unwrap()).unwrap();
        let rows = data["rows"].as_array().unwrap().len();
        let events = data["events"].as_array().unwrap();
        let most = events.iter().map(|list| list.as_array().unwrap().len());
        (rows, most.max().unwrap_or(0))
    };
    for (bound, rows, events) in [
        ("page_attempts=5000", 100..=100, 3..=60),
        ("page_attempts=7", 7..=7, 3..=60),
        ("page_events=2", 100..=100, 2..=2),
        // Never fewer than twenty.
        ("page_bytes=20000", 20..=90, 3..=60),
    ] {
        let out = folder.path().join(bound);
        let code = analyze(&[&input], &out, &["--limit", bound]).status.code();
        assert_eq!(code, Some(0), "{bound}");
        let (shown, most) = held(&out);
        assert!(
            rows.contains(&shown) && events.contains(&most),
            "{bound}: {shown} {most}"
        );
        let again = common::tapscope().arg("report").arg(&out).output().unwrap();
        assert!(again.status.success(), "{bound}");
        assert_eq!(held(&out), (shown, most), "{bound}");
    }
}

/// A user's own pattern is refused by its size, by what it grows to, and by the states of its matcher; a bound set higher lets it in.
#[test]
fn a_pattern_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("a.log");
    std::fs::write(&input, "1|declined\n").unwrap();
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    for (pattern, bound, words) in [
        (
            format!("^(?<stan>\\d)\\|(?<message>.*)$|{}", "x".repeat(5000)),
            "pattern_bytes=8K",
            "more than 4096 bytes",
        ),
        (
            r"^(?<stan>\d)\|(?<message>[a-z\p{L}]{0,900})$".to_owned(),
            "pattern_memory=64M",
            "the pattern is wrong",
        ),
    ] {
        let text = format!(
            "name = \"own\"\ntitle = \"t\"\npattern = '''{pattern}'''\nmatches = [\"1|declined\"]\nrejects = [\"-\"]\n"
        );
        std::fs::write(own.join("own.toml"), text).unwrap();
        let run = |flags: &[&str]| {
            let flags = [&["--formats", own.to_str().unwrap()], flags].concat();
            let output = analyze(&[&input], &folder.path().join(bound), &flags);
            (
                output.status.code(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )
        };
        let (code, told) = run(&[]);
        assert!(
            code == Some(1) && told.contains(words),
            "{bound}: {code:?} {told}"
        );
        let (code, told) = run(&["--limit", bound]);
        assert_eq!(code, Some(0), "{bound}: {told}");
    }
}

/// `docs/limits.md` lists every bound with its default and the issue that names it.
#[test]
fn the_page_lists_what_is_there() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/limits.md");
    let page = std::fs::read_to_string(page).unwrap();
    let listed: Vec<(String, u64)> = page
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let name = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
            Some((name.to_owned(), cells.get(2)?.parse().ok()?))
        })
        .collect();
    let limits = Limits::default();
    let real: Vec<(String, u64)> = limits
        .all()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    assert_eq!(listed, real);
    for code in tapscope::plan::LIMIT_CODES {
        assert!(
            page.contains(&format!("`{code}`")),
            "{code} is not on the page"
        );
    }
    for one in cases() {
        let row = |bound: &&str| {
            page.lines()
                .find(|line| line.starts_with(&format!("| `{bound}` |")))
        };
        let told = one
            .bounds
            .iter()
            .all(|bound| row(bound).is_some_and(|line| line.contains(one.code)));
        assert!(
            told,
            "{:?}: the page names another issue than {}",
            one.bounds, one.code
        );
    }
}
