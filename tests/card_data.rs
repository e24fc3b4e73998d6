//! Card numbers planted in every kind of input: none may come out, in any output, message or file name.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::{analyze, rows, tapscope};

/// Test numbers only; all pass Luhn.
const NUMBERS: &[&str] = &[
    "6212345678900000003",
    "4111111111111111",
    "5413330089010012",
    "378282246310005",
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn bcd(digits: &str) -> Vec<u8> {
    let padded = if digits.len() % 2 == 1 {
        format!("{digits}F")
    } else {
        digits.to_owned()
    };
    padded
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Tag 57: number, D, expiry, service code, discretionary data.
fn track2(number: &str) -> Vec<u8> {
    let mut text = format!("{number}D2912201123456789");
    if text.len() % 2 == 1 {
        text.push('F');
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn tlv(tag: &[u8], value: &[u8]) -> Vec<u8> {
    [tag, &[u8::try_from(value.len()).unwrap()], value].concat()
}

fn spaced(number: &str) -> String {
    number
        .as_bytes()
        .chunks(4)
        .map(|four| std::str::from_utf8(four).unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

fn wide(digits: &str) -> String {
    digits
        .bytes()
        .filter_map(|b| char::from_u32(u32::from(b - b'0') + 0xFF10))
        .collect()
}

fn escaped(digits: &str) -> String {
    digits.bytes().map(|b| format!("\\u{b:04x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, b| bits << 8 | u32::from(*b))
            << (8 * (3 - chunk.len()));
        for k in 0..4 {
            out.push(if k <= chunk.len() {
                char::from(ALPHABET[(bits >> (18 - 6 * k) & 63) as usize])
            } else {
                '='
            });
        }
    }
    out
}

/// Writes inputs of every kind with the numbers in every rendering.
fn plant(folder: &Path) {
    let mut logcat = String::new();
    let mut plain = String::new();
    let mut jpos = String::from("<logger class=\"org.jpos.q2.Q2\">\n");
    let mut trace = String::new();
    for (nth, number) in NUMBERS.iter().enumerate() {
        let answer = {
            let record = tlv(
                &[0x70],
                &[tlv(&[0x57], &track2(number)), tlv(&[0x5A], &bcd(number))].concat(),
            );
            [record, vec![0x90, 0]].concat()
        };
        let second = nth * 10;
        for text in [
            format!("PAN={number} amount=12.00"),
            format!("card {} read", spaced(number)),
            format!("card_no: {}-{}", &number[..8], &number[8..]),
            format!("track2 ;{number}=29122011234567890123?"),
            format!("%B{number}^TEST/CARD^29122011234567890123?"),
            format!("5A {} 9F3602", hex(&bcd(number))),
            format!("ascii {}", hex(number.as_bytes())),
            format!("{{\"pan\":\"{number}\",\"cvv\":\"987\",\"pinblock\":\"0123456789ABCDEF\"}}"),
            format!("卡号:{number}"),
            format!("java.lang.IllegalStateException: cannot parse {number}"),
            format!("<= {}", hex(&answer)),
            format!("wide {}", wide(number)),
            format!("escaped {}", escaped(number)),
            format!(
                "java {:?}",
                tlv(&[0x57], &track2(number))
                    .iter()
                    .map(|b| *b as i8)
                    .collect::<Vec<_>>()
            ),
            format!("base64 {}", base64(number.as_bytes())),
            format!("base64 of a tag {}", base64(&tlv(&[0x5A], &bcd(number)))),
            format!(
                "ebcdic {}",
                number
                    .bytes()
                    .map(|b| format!("F{}", b - b'0'))
                    .collect::<String>()
            ),
            format!("{{\"fields\":{{\"2\":\"{number}\",\"52\":\"0123456789ABCDEF\"}}}}"),
            format!("磁道2：{number}=29122011234567890123，密码：123456"),
        ] {
            let _ = writeln!(
                logcat,
                "07-15 10:56:{second:02}.152   889  6213 D PosEngine: transaction {text}"
            );
            let _ = writeln!(
                plain,
                "2026-07-15 10:56:{second:02}.152 INFO transaction {text}"
            );
        }
        let _ = write!(
            jpos,
            "<log realm=\"channel/10.0.0.1:5000\" at=\"2026-07-15T10:56:{second:02}.152\">\n  <receive>\n    <isomsg direction=\"incoming\">\n      <field id=\"0\" value=\"0200\"/>\n      <field id=\"2\" value=\"{number}\"/>\n      <field id=\"4\" value=\"000000001200\"/>\n      <field id=\"11\" value=\"0001{nth:02}\"/>\n      <field id=\"35\" value=\"{number}=29122011234567890123\"/>\n      <field id=\"41\" value=\"10000019\"/>\n      <field id=\"63\" value=\"note {number}\"/>\n    </isomsg>\n  </receive>\n</log>\n"
        );
        let _ = write!(trace, "=> 00B2010C00\n<= {}\n", hex(&answer));
    }
    std::fs::write(folder.join("terminal.logcat"), logcat).unwrap();
    std::fs::write(folder.join("terminal.txt"), plain).unwrap();
    std::fs::write(folder.join("host.xml"), jpos).unwrap();
    std::fs::write(folder.join("card.trace"), trace).unwrap();
    std::fs::write(folder.join("wire.pcap"), capture()).unwrap();
    // Damaged and unknown inputs, and a number where one would not look.
    std::fs::write(
        folder.join(format!("export-{}.bin", NUMBERS[1])),
        [0_u8, 1, 2, 3, 255, 254].repeat(40),
    )
    .unwrap();
    std::fs::write(folder.join("cut.gz"), [0x1F, 0x8B, 8, 0, 1, 2, 3]).unwrap();
}

/// An ISO 8583 request for each number: ASCII with a hex bitmap, framed by two length bytes.
fn capture() -> Vec<u8> {
    let mut file = Vec::new();
    file.extend_from_slice(&0xA1B2_C3D4_u32.to_le_bytes());
    file.extend_from_slice(&[
        2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 1, 0, 0, 0,
    ]);
    let mut sequence = 1000_u32;
    let mut packet = |at: u32, flags: u8, payload: &[u8], sequence: u32| {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        let total = u16::try_from(40 + payload.len()).unwrap();
        frame.extend_from_slice(&[0x45, 0]);
        frame.extend_from_slice(&total.to_be_bytes());
        frame.extend_from_slice(&[0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 7, 10, 0, 0, 9]);
        frame.extend_from_slice(&40000_u16.to_be_bytes());
        frame.extend_from_slice(&7001_u16.to_be_bytes());
        frame.extend_from_slice(&sequence.to_be_bytes());
        frame.extend_from_slice(&1_u32.to_be_bytes());
        frame.extend_from_slice(&[0x50, flags, 0x20, 0, 0, 0, 0, 0]);
        frame.extend_from_slice(payload);
        let length = u32::try_from(frame.len()).unwrap();
        file.extend_from_slice(&(1_784_000_000 + at).to_le_bytes());
        file.extend_from_slice(&[0; 4]);
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&frame);
    };
    packet(0, 2, &[], sequence);
    sequence += 1;
    for (nth, number) in NUMBERS.iter().enumerate() {
        // Fields 2 3 4 7 11 12 13 22 25 35 41 42 49.
        let mut bits = [0_u8; 8];
        for field in [2_usize, 3, 4, 7, 11, 12, 13, 22, 25, 35, 41, 42, 49] {
            bits[(field - 1) / 8] |= 0x80 >> ((field - 1) % 8);
        }
        let track = format!("{number}=2912201123456");
        let body = format!(
            "0200{}{:02}{number}0000000000000012000715105600{:06}1056000715072{}{:02}{track}10000019TESTMERCHANT001156",
            hex(&bits),
            number.len(),
            nth + 1,
            "00",
            track.len()
        );
        let message = [
            &u16::try_from(body.len()).unwrap().to_be_bytes()[..],
            body.as_bytes(),
        ]
        .concat();
        packet(u32::try_from(nth).unwrap() + 1, 0x18, &message, sequence);
        sequence += u32::try_from(message.len()).unwrap();
    }
    file
}

/// Every rendering in which a number must not be found.
fn renderings(number: &str) -> Vec<String> {
    vec![
        number.to_owned(),
        spaced(number),
        format!("{}-{}", &number[..8], &number[8..]),
        hex(&bcd(number)).trim_end_matches('F').to_owned(),
        hex(number.as_bytes()),
        number[4..].to_owned(),
        wide(number),
        wide(&number[4..]),
        escaped(number),
        base64(number.as_bytes()),
        base64(&tlv(&[0x5A], &bcd(number))),
        number.bytes().map(|b| format!("F{}", b - b'0')).collect(),
        format!(
            "{:?}",
            bcd(number).iter().map(|b| *b as i8).collect::<Vec<_>>()
        )
        .trim_matches(['[', ']'])
        .to_owned(),
    ]
}

fn assert_clean(what: &str, text: &str) {
    for number in NUMBERS {
        for form in renderings(number) {
            assert!(
                !text.contains(&form),
                "{what} holds a card number ({}…)",
                &form[..4]
            );
        }
    }
    assert!(
        !text.contains("0123456789ABCDEF"),
        "{what} holds a PIN block"
    );
    assert!(!text.contains("\"987\""), "{what} holds a CVV");
}

#[test]
fn no_number_comes_out() {
    let temporary = tempfile::tempdir().unwrap();
    let input = temporary.path().join("input");
    std::fs::create_dir(&input).unwrap();
    plant(&input);
    let out = temporary.path().join("out");
    let output = analyze(&[&input], &out, &["-v"]);
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_clean("standard error", &String::from_utf8_lossy(&output.stderr));
    assert_clean("standard output", &String::from_utf8_lossy(&output.stdout));

    for entry in std::fs::read_dir(&out).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = std::fs::read(entry.path()).unwrap();
        assert_clean(&name, &String::from_utf8_lossy(&bytes));
    }
    // Parquet is compressed: read every cell of every table.
    let mut events = 0;
    for table in common::TABLES {
        for row in rows(&out, &format!("SELECT * FROM {table}")) {
            events += usize::from(table == "events");
            assert_clean(table, &row.join("\u{1f}"));
        }
    }
    assert!(
        events > 20,
        "the planted inputs gave {events} events: the test must not pass on nothing"
    );
    let masked = rows(
        &out,
        "SELECT DISTINCT pan_masked FROM transactions WHERE pan_masked IS NOT NULL",
    );
    assert!(
        masked
            .iter()
            .any(|row| row[0].starts_with("411111") && row[0].ends_with("1111")),
        "{masked:?}"
    );

    for row in rows(&out, "SELECT tx_id FROM transactions") {
        let shown = tapscope()
            .arg("inspect")
            .arg(&out)
            .arg(&row[0])
            .output()
            .unwrap();
        assert_clean("inspect", &String::from_utf8_lossy(&shown.stdout));
    }
}

/// Whatever masking misses, nothing that the gate sees is written; and the run fails.
#[test]
fn the_gate_stops_what_masking_missed() {
    struct Silent;
    impl tapscope::Observer for Silent {
        fn total(&self, _: u64) {}
        fn advance(&self, _: u64) {}
        fn stage(&self, _: &str) {}
    }
    let temporary = tempfile::tempdir().unwrap();
    let input = temporary.path().join("input");
    std::fs::create_dir(&input).unwrap();
    plant(&input);
    let place = temporary.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let catalogue = tapscope::attribute::Catalogue::load(&[]).unwrap();
    let plan = tapscope::plan::Plan {
        inputs: vec![input],
        ..tapscope::plan::Plan::default()
    };
    let analyze = || tapscope::analyze(&plan, &catalogue, &Silent).unwrap();
    let write = |analysis: &tapscope::Analysis| {
        tapscope::report::write(analysis, &catalogue, &plan, &place.join("out"), true)
    };
    write(&analyze()).unwrap();
    let before = std::fs::read(place.join("out/manifest.json")).unwrap();
    // By its form; in groups; without a Luhn digit, but met in this run; hex of ASCII.
    for leak in [
        "number 4111111111111111".to_owned(),
        "number 5413 3300 8901 0012, twice".to_owned(),
        format!("x{}y", hex(NUMBERS[0].as_bytes())),
        format!("70145A0A{}9F", hex(&bcd(NUMBERS[0]))),
    ] {
        let mut analysis = analyze();
        analysis.issues.push(tapscope::event::Issue {
            source: 0,
            place: tapscope::event::Place::Whole,
            code: "leak",
            count: 1,
            text: leak.as_str().into(),
        });
        match write(&analysis) {
            Err(error @ tapscope::report::Error::Leak { .. }) => {
                let words = error.to_string();
                assert!(
                    words.contains("issues.parquet") && words.contains("text"),
                    "{words}"
                );
                assert_clean("the error", &words);
            }
            other => panic!("{}: {other:?}", &leak[..6]),
        }
        assert_eq!(
            std::fs::read_dir(&place).unwrap().count(),
            1,
            "nothing is left beside"
        );
        assert_eq!(
            std::fs::read(place.join("out/manifest.json")).unwrap(),
            before
        );
    }
}

/// It says where, and of what kind; and shows nothing.
#[test]
fn scan_says_where_and_shows_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let input = temporary.path().join("input");
    std::fs::create_dir(&input).unwrap();
    plant(&input);
    let scan = |more: &[&str], path: &Path| {
        let output = tapscope()
            .arg("scan")
            .arg(path)
            .args(more)
            .output()
            .unwrap();
        for said in [&output.stdout, &output.stderr] {
            assert_clean("scan", &String::from_utf8_lossy(said));
        }
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (code, text) = scan(&["--json"], &input);
    assert_eq!(code, Some(1), "{text}");
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let of = |name: &str, kind: &str| {
        found["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["path"].as_str().unwrap().ends_with(name) && f["kind"] == kind)
            .unwrap_or_else(|| panic!("{kind} in {name}: {text}"))
            .clone()
    };
    let numbers = of("terminal.txt", "card_number");
    assert!(numbers["count"].as_u64().unwrap() >= 4 * 8, "{numbers}");
    assert!(
        numbers["places"][0]
            .as_str()
            .unwrap()
            .ends_with("terminal.txt:1")
    );
    assert_eq!(of("terminal.txt", "pin")["authentication_data"], true);
    assert!(of("terminal.txt", "track2")["count"].as_u64().unwrap() >= 4);
    assert_eq!(of("wire.pcap", "track2")["count"], 4);
    assert!(
        of("wire.pcap", "track2")["places"][0]
            .as_str()
            .unwrap()
            .ends_with("wire.pcap#2")
    );
    // Clean inputs, and those that cannot be read.
    let clean = temporary.path().join("clean.log");
    std::fs::write(
        &clean,
        "07-15 10:56:49.152   889  6213 D PosEngine: card 411111******1111 rrn=251122143015\n",
    )
    .unwrap();
    assert_eq!(scan(&[], &clean).0, Some(0));
    let damaged = temporary.path().join("cut.gz");
    std::fs::write(&damaged, [0x1F, 0x8B, 8, 0, 1, 2, 3]).unwrap();
    assert_eq!(scan(&[], &damaged).0, Some(3));
    assert_eq!(scan(&[], Path::new("no/such/file")).0, Some(1));
}

#[test]
fn errors_do_not_quote_card_numbers() {
    let missing = format!("no-such-{}", NUMBERS[0]);
    let temporary = tempfile::tempdir().unwrap();
    let output = analyze(&[Path::new(&missing)], &temporary.path().join("out"), &[]);
    assert_clean("standard error", &String::from_utf8_lossy(&output.stderr));
}

/// Not a test of its own: the failing half of the next one.
#[test]
fn a_panic_that_quotes_input() {
    if std::env::var_os("TAPSCOPE_TEST_PANIC").is_some() {
        tapscope::cli::say_where_only();
        let input = NUMBERS[1];
        let outcome = std::panic::catch_unwind(|| panic!("cannot read {input}"));
        assert!(outcome.is_err());
    }
}

#[test]
fn panics_say_where_and_nothing_of_the_input() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_panic_that_quotes_input", "--nocapture"])
        .env("TAPSCOPE_TEST_PANIC", "1")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        words.contains("internal error at") && words.contains("card_data.rs:"),
        "{words}"
    );
    assert_clean("a panic", &words);
    assert_clean("a panic", &String::from_utf8_lossy(&output.stdout));
}
