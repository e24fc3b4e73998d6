//! The command line as people and scripts meet it: exit codes, what goes where, help, languages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;
mod made;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use common::tapscope;
use tapscope::attribute::Catalogue;

/// A folder as `analyze` writes it, full of hostile text.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    tapscope::report::write(
        &made::hostile(),
        &Catalogue::default(),
        &made::plan(),
        &out,
        false,
    )
    .unwrap();
    (parent, out)
}

fn run(words: &[&str], dir: &Path) -> Output {
    let words: Vec<String> = words
        .iter()
        .map(|w| w.replace("DIR", dir.to_str().unwrap()))
        .collect();
    tapscope().args(words).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn exit_codes() {
    let (parent, dir) = folder();
    let missing = parent.path().join("missing");
    let missing = missing.to_str().unwrap();
    let taken = parent.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("mine"), "x").unwrap();
    let taken = taken.to_str().unwrap();
    let id = made::letters(1).to_string();
    let cases: &[(i32, &[&str])] = &[
        (0, &["--version"]),
        (0, &["--help"]),
        (0, &["help", "analyze"]),
        (0, &["inspect", "DIR", &id]),
        (0, &["inspect", "DIR", &id[..6], "--json"]),
        (0, &["inspect", "DIR", "last4=1234"]),
        (1, &["inspect", "DIR", "stan=999999"]),
        (1, &["inspect", missing, "stan=999999"]),
        (2, &["inspect", "DIR"]),
        (2, &["inspect", "DIR", "colour=red"]),
        (2, &["inspect", "DIR", "at=yesterday"]),
        (0, &["query", "DIR", "SELECT COUNT(*) FROM transactions"]),
        (0, &["query", "--list"]),
        (1, &["query", "DIR", "SELEC"]),
        (1, &["query", "DIR", "SELECT nothing FROM transactions"]),
        (1, &["query", missing, "SELECT 1"]),
        (2, &["query"]),
        (2, &["report", "DIR", "--merchant", "M1"]),
        (1, &["report", missing]),
        (2, &["analyze"]),
        (2, &["analyze", "x"]),
        (2, &["analyze", "x", "--out", "y", "--tz", "Mars/Olympus"]),
        (2, &["analyze", "x", "--out", "y", "--since", "soon"]),
        (2, &["analyze", "x", "--out", "y", "--format", "logcat"]),
        (2, &["analyze", "x", "--out", "y", "--year", "two"]),
        (1, &["analyze", missing, "--out", "DIR"]),
        (1, &["analyze", "DIR", "--out", "DIR"]),
        (1, &["analyze", "DIR", "--out", taken, "--force"]),
        (2, &["frobnicate"]),
        (0, &["causes"]),
        (0, &["causes", "card_expired"]),
        (0, &["causes", "CARD_EXPIRED", "--lang", "zh", "--json"]),
        (1, &["causes", "CARD_EXPIRY"]),
        (0, &["formats"]),
        (0, &["formats", "--why", "DIR/transactions.csv"]),
        (1, &["formats", "--why", missing]),
        (0, &["decode", "9F6604B6004000"]),
        (0, &["decode", "00", "A4", "04", "00"]),
        (1, &["decode", "no such file"]),
        (1, &["rules", "check", missing]),
        (0, &["completions", "bash"]),
        (0, &["man"]),
    ];
    for (code, words) in cases {
        let output = run(words, &dir);
        assert_eq!(
            output.status.code(),
            Some(*code),
            "{words:?}: {}",
            err(&output)
        );
        if *code == 0 {
            assert!(!output.stdout.is_empty(), "{words:?} says nothing");
        } else {
            assert!(!output.stderr.is_empty(), "{words:?} does not say why");
        }
    }
    assert!(Path::new(taken).join("mine").exists());
    assert!(!Path::new("y").exists());
}

#[test]
fn a_missing_input_writes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    let output = tapscope()
        .args(["analyze", "no/such/input", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no/such/input"), "{}", err(&output));
    assert!(output.stdout.is_empty());
    assert_eq!(
        std::fs::read_dir(parent.path()).unwrap().count(),
        0,
        "nothing is left"
    );
}

#[test]
fn what_is_not_understood_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let input = parent.path().join("noise.bin");
    let noise: Vec<u8> = (0..20_000_u32)
        .flat_map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes())
        .collect();
    std::fs::write(&input, noise).unwrap();
    let dir = parent.path().join("out");
    let output = tapscope()
        .arg("analyze")
        .arg(&input)
        .arg("--out")
        .arg(&dir)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", err(&output));
    assert!(err(&output).contains("noise.bin"), "{}", err(&output));
    assert_eq!(
        out(&output).trim(),
        dir.join("report.html").to_str().unwrap()
    );
    let quiet = tapscope()
        .args(["analyze", "-q", "--force"])
        .arg(&input)
        .arg("--out")
        .arg(&dir)
        .output()
        .unwrap();
    assert_eq!(quiet.status.code(), Some(3));
    assert!(
        err(&quiet).lines().count() <= 2,
        "quiet says only what went wrong: {}",
        err(&quiet)
    );
}

#[test]
fn errors_for_programs() {
    let (_parent, dir) = folder();
    for words in [
        &["query", "DIR", "SELEC", "--error-format", "json"][..],
        &["frobnicate", "--error-format=json"],
        &["inspect", "DIR", "x=1", "--error-format=json"],
    ] {
        let output = run(words, &dir);
        let error: serde_json::Value = serde_json::from_str(&err(&output)).unwrap();
        assert_eq!(error["exit_code"], output.status.code().unwrap());
        assert!(
            error["message"].as_str().is_some_and(|m| !m.is_empty()),
            "{error}"
        );
    }
}

#[test]
fn nothing_from_input_reaches_the_terminal_raw() {
    let (_parent, dir) = folder();
    let story = |n| {
        ["inspect", "DIR", "--full"]
            .into_iter()
            .map(str::to_owned)
            .chain([made::letters(n).to_string()])
            .collect::<Vec<_>>()
    };
    let mut runs: Vec<Vec<String>> = (1..=4).map(story).collect();
    for table in common::TABLES {
        for format in ["table", "csv", "json"] {
            runs.push(
                ["query", "DIR", table, "--format", format]
                    .map(str::to_owned)
                    .to_vec(),
            );
        }
    }
    runs.push(
        ["inspect", "DIR", "terminal=\u{1b}[31m\u{202e}"]
            .map(str::to_owned)
            .to_vec(),
    );
    runs.push(["query", "DIR", "\u{1b}[31m"].map(str::to_owned).to_vec());
    for words in runs {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = run(&words, &dir);
        for text in [out(&output), err(&output)] {
            let odd = |c: char| (c.is_control() && c != '\n' && c != '\r') || c == '\u{202e}';
            assert!(!text.contains(odd), "{words:?}: {text:?}");
        }
    }
}

#[test]
fn colours_only_where_wanted() {
    let (_parent, dir) = folder();
    let id = made::letters(1);
    let plain = run(&["inspect", "DIR", &id], &dir);
    assert!(!out(&plain).contains('\u{1b}'), "not on a pipe");
    let painted = run(&["inspect", "DIR", &id, "--color", "always"], &dir);
    assert!(out(&painted).contains("\u{1b}[31m"));
}

#[test]
fn a_broken_pipe_is_a_quiet_end() {
    let (_parent, dir) = folder();
    let mut child = tapscope()
        .args(["query", dir.to_str().unwrap(), "events", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(err(&output), "");
}

#[test]
fn an_interrupt_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("out");
    // Standard input stays open: the program waits for it.
    let mut child = tapscope()
        .args(["analyze", "-", "--out"])
        .arg(&dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let waiting = child.try_wait().unwrap().is_none();
    if !waiting {
        eprintln!("SKIPPED: standard input is not waited for");
        return;
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", err(&output));
    assert!(err(&output).contains("nothing was written"));
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn inspect_tells_the_story() {
    let (_parent, dir) = folder();
    let text = out(&run(
        &["inspect", "DIR", "stan=123", "--width", "150"],
        &dir,
    ));
    for needle in [
        "621234******1234",
        "CARD_EARLY_REMOVAL",
        "(93 %, conclusive)",
        "cardholder, merchant",
        "T1   logs/terminal.log",
        "N1   net.zip!day.pcap",
        "logs/terminal.log:9",
        "N1#12",
        "► 08:00:01.200",
        "READ RECORD 1 of file 1 → no answer",
        "0210 purchase, processing code 000000, amount 000000001234, STAN 000123, response 51",
        "Evidence against",
        "no signal strength",
        "4 %  RF_WEAK",
        "this is attempt 1",
    ] {
        assert!(text.contains(needle), "{needle} is not in\n{text}");
    }
    let zh = out(&run(&["inspect", "DIR", "stan=123", "--lang", "zh"], &dir));
    for needle in ["时间线", "支持证据", "责任方", "读卡过程中卡片离开感应区。"]
    {
        assert!(zh.contains(needle), "{needle} is not in\n{zh}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&out(&run(&["inspect", "DIR", "stan=123", "--json"], &dir))).unwrap();
    assert_eq!(json["transaction"]["stan"], "000123");
    assert_eq!(json["events"].as_array().unwrap().len(), 12);
    assert_eq!(json["evidence"].as_array().unwrap().len(), 3);
    assert_eq!(json["sale"].as_array().unwrap().len(), 1);
}

#[test]
fn several_matches_are_listed() {
    let (_parent, dir) = folder();
    let output = run(&["inspect", "DIR", "last4=1234"], &dir);
    assert!(
        err(&output).contains("2 transactions fit"),
        "{}",
        err(&output)
    );
    assert!(out(&output).contains(made::letters(1).as_str()));
    assert!(out(&output).contains(made::letters(2).as_str()));
}

#[test]
fn questions_are_answered() {
    let (_parent, dir) = folder();
    let ask = |sql: &str| {
        let output = run(&["query", "DIR", sql, "--format", "csv"], &dir);
        assert_eq!(output.status.code(), Some(0), "{sql}: {}", err(&output));
        out(&output)
    };
    for (sql, answer) in [
        (
            "SELECT COUNT(*) AS n FROM transactions WHERE failed",
            "n\r\n3\r\n",
        ),
        (
            "SELECT tx_id FROM transactions WHERE started_at < TIMESTAMP '2026-08-22 08:00:30'",
            "tx_id\r\nTX1\r\n",
        ),
        (
            "SELECT tx_id FROM transactions WHERE started_at < '2026-08-22T08:00:30'",
            "tx_id\r\nTX1\r\n",
        ),
        (
            "SELECT owners[1] AS o FROM transactions WHERE stan = '000123'",
            "o\r\ncardholder\r\n",
        ),
        (
            "SELECT t.stan, COUNT(*) AS n FROM transactions t JOIN events e ON t.tx_id = e.tx_id WHERE e.kind = 'apdu' GROUP BY t.stan",
            "stan,n\r\n000123,2\r\n",
        ),
        (
            "SELECT merchant_id FROM transactions WHERE stan = '000123'",
            "merchant_id\r\n\"'=cmd|'/c calc'!A1\"\r\n",
        ),
        (
            "SELECT started_at FROM transactions WHERE stan = '000123'",
            "started_at\r\n2026-08-22T08:00:00.000000Z\r\n",
        ),
        ("SELECT COUNT(*) AS n FROM facts", "n\r\n4\r\n"),
    ] {
        assert_eq!(ask(sql), answer.replace("TX1", &made::letters(1)), "{sql}");
    }
    let list: serde_json::Value =
        serde_json::from_str(&out(&run(&["query", "--list", "--format", "json"], &dir))).unwrap();
    let list = list.as_array().unwrap();
    assert!(list.len() >= 10);
    for question in list {
        ask(question["name"].as_str().unwrap());
    }
}

#[test]
fn the_page_can_be_written_again() {
    let (parent, dir) = folder();
    let whole = std::fs::read_to_string(dir.join("report.html")).unwrap();
    assert_eq!(run(&["report", "DIR"], &dir).status.code(), Some(0));
    assert_eq!(
        std::fs::read_to_string(dir.join("report.html")).unwrap(),
        whole,
        "the same page again"
    );
    run(&["report", "DIR", "--lang", "zh"], &dir);
    assert!(
        std::fs::read_to_string(dir.join("report.html"))
            .unwrap()
            .contains("<html lang=\"zh-Hans\">")
    );
    let part = parent.path().join("part.html");
    let output = run(
        &[
            "report",
            "DIR",
            "--until",
            "2026-08-22T08:00:30",
            "--out",
            part.to_str().unwrap(),
        ],
        &dir,
    );
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let part = std::fs::read_to_string(part).unwrap();
    assert!(part.contains("<title>tapscope: 1 / 1</title>"));
    assert!(part.contains("<b>1</b>"), "one attempt is left");
}

#[test]
fn help_teaches() {
    let help = out(&run(&["--help"], Path::new("")));
    for command in [
        "analyze",
        "inspect",
        "report",
        "query",
        "decode",
        "causes",
        "formats",
        "rules",
        "completions",
        "man",
    ] {
        assert!(
            help.contains(&format!("\n  {command}")),
            "{command} is not in the help"
        );
    }
    let help = out(&run(&["analyze", "--help"], Path::new("")));
    for flag in [
        "--out",
        "--inventory",
        "--baseline",
        "--custody",
        "--config",
        "--rules",
        "--format",
        "--tz",
        "--year",
        "--since",
        "--until",
        "--jobs",
        "--memory",
        "--lang",
        "--pan-key",
        "--keylog",
        "--progress",
        "--force",
        "--verbose",
        "--quiet",
        "--error-format",
    ] {
        assert!(help.contains(flag), "{flag} is not in the help");
    }
    assert!(help.contains("Examples:"));
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let key = common::key_file(parent.path());
    let try_it = || {
        tapscope()
            .args(["analyze", "no/such/input", "--out", "nowhere", "--pan-key"])
            .arg(&key)
            .output()
            .unwrap()
    };
    assert!(
        err(&try_it()).contains("no/such/input"),
        "the key is taken, the input is not there"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let output = try_it();
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("chmod 600"), "{}", err(&output));
    }
    std::fs::write(&key, "short").unwrap();
    let output = try_it();
    assert_eq!(output.status.code(), Some(1));
    assert!(!err(&output).contains("short\n"), "the secret is not shown");
}

#[test]
fn a_cause_is_told_whole() {
    let text = out(&run(&["causes", "CARD_EXPIRED"], Path::new("")));
    for needle in [
        "Decisive evidence",
        "f39 IN",
        "Look-alikes",
        "What to do",
        "who acts: ",
    ] {
        assert!(text.contains(needle), "{needle} is not in\n{text}");
    }
    let output = run(&["causes", "CARD_EXPIRY"], Path::new(""));
    assert!(
        err(&output).contains("did you mean CARD_"),
        "{}",
        err(&output)
    );
    let list: serde_json::Value =
        serde_json::from_str(&out(&run(&["causes", "--json"], Path::new("")))).unwrap();
    assert!(list.as_array().unwrap().len() >= 70);
}

#[test]
fn decode_explains_and_masks() {
    let decode = |words: &[&str]| out(&run(&[&["decode"], words].concat(), Path::new("")));
    insta::assert_snapshot!(decode(&["9F6604B6004000"]), @r"
    taken for tlv
    Data objects  9F6604B6004000
    └ 9F66 Terminal transaction qualifiers (TTQ)  B6004000
      ├ byte 1, bit 8  Mag-stripe mode (MSD) supported
      ├ byte 1, bit 6  EMV mode (qVSDC / qPBOC) supported
      ├ byte 1, bit 5  EMV contact chip supported
      ├ byte 1, bit 3  Online PIN supported
      ├ byte 1, bit 2  Signature supported
      └ byte 3, bit 7  Consumer device CVM supported
    ");
    let masked = decode(&["5A08", "6212340000001232"]);
    assert!(masked.contains("621234******1232"), "{masked}");
    assert!(!masked.contains("6212340000001232"), "{masked}");
    assert!(decode(&["sw", "6985", "--lang", "zh"]).contains("6985"));
    let json: serde_json::Value =
        serde_json::from_str(&decode(&["95050000008000", "--json"])).unwrap();
    assert_eq!(json["kind"], "tlv");
    assert_eq!(json["guessed"], true);
}

#[test]
fn flags_can_stand_in_a_file() {
    let parent = tempfile::tempdir().unwrap();
    let input = parent.path().join("input.log");
    std::fs::write(&input, "2026-08-22 10:00:00 nothing of interest\n").unwrap();
    let config = parent.path().join("tapscope.toml");
    let out = parent.path().join("out");
    let analyze = |text: &str, more: &[&str]| {
        std::fs::write(&config, text).unwrap();
        tapscope()
            .args(["analyze", "--force", "--config"])
            .args([&config, &input])
            .arg("--out")
            .arg(&out)
            .args(more)
            .output()
            .unwrap()
    };
    let manifest = || {
        let text = std::fs::read_to_string(out.join("manifest.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    analyze(
        "tz = \"Asia/Shanghai\"\nyear = 2026\nlang = \"zh\"\ncustody = true\n",
        &[],
    );
    let options = &manifest()["options"];
    assert_eq!(options["zone"], "Asia/Shanghai");
    assert_eq!(options["language"], "zh");
    assert_eq!(options["custody"], true);
    analyze("tz = \"Asia/Shanghai\"\n", &["--tz", "Europe/Berlin"]);
    assert_eq!(
        manifest()["options"]["zone"],
        "Europe/Berlin",
        "the command line wins"
    );
    let wrong = analyze("timezone = \"UTC\"\n", &[]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(err(&wrong).contains("timezone"), "{}", err(&wrong));
}
