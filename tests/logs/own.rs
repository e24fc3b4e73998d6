//! Formats and wording that users bring, through the command line.

use std::path::Path;
use std::process::{Command, Output};

use super::reading::{at, read_with};
use tapscope::parse::own;
use tapscope::plan::Plan;

const DAY: &str = r#"
name = "acme-day"
title = "Acme POS, day log"
pattern = '''^(?<time>\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d)~(?<level>.)~(?<tag>\w+)~(?<stan>\d*)~(?<message>.*)$'''
time = "%d.%m.%Y %H:%M:%S"
matches = ["14.03.2024 13:16:47~E~PAY~000123~declined"]
rejects = ["14.03.2024 13:16:47 E PAY declined"]
[levels]
E = "error"
"#;
const WORDS: &str = "signal\tlang\tscope\tphrase\ncard_removed\ten\tpayment\tplastic flew away\n";
const LOG: &str = "14.03.2024 13:16:47~E~PAY~000123~Plastic flew away\n14.03.2024 13:16:48~E~PAY~000124~card not understood\n14.03.2024 13:16:49~E~NET~~nothing\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn tapscope(args: &[&str], folder: &Path, file: Option<&Path>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tapscope"))
        .args(args)
        .arg("--formats")
        .arg(folder)
        .args(file)
        .output()
        .unwrap()
}

#[test]
fn a_described_format_reads_a_log() {
    let folder = folder(&[("a.toml", DAY), ("w.tsv", WORDS)]);
    let own = own::load(folder.path(), &tapscope::plan::Limits::default()).unwrap();
    let plan = Plan {
        own_formats: own.formats,
        own_wording: own.wording,
        ..Plan::default()
    };
    let got = read_with("x.log", LOG.as_bytes(), &plan);
    assert_eq!(got.format(), "acme-day");
    assert_eq!(got.source.ledger.records, 3);
    assert_eq!(got.brief(), ["card_removed stan=123", "note stan=124"]);
    assert_eq!(at(&got.events[0]), "2024-03-14T13:16:47Z");
    let without = read_with("x.log", LOG.as_bytes(), &Plan::default());
    assert_ne!(without.format(), "acme-day");
}

#[test]
fn the_command_lists_checks_and_explains() {
    let good = folder(&[("a.toml", DAY), ("w.tsv", WORDS)]);
    let listed = tapscope(&["formats"], good.path(), None);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.status.success(), "{listed:?}");
    assert!(
        text.contains("acme-day") && text.contains("1 phrases"),
        "{text}"
    );
    let log = good.path().join("x.log");
    std::fs::write(&log, LOG).unwrap();
    let why = tapscope(&["formats", "--why"], good.path(), None);
    assert_eq!(why.status.code(), Some(2), "--why needs a file");
    let why = Command::new(env!("CARGO_BIN_EXE_tapscope"))
        .args(["formats", "--formats"])
        .arg(good.path())
        .arg("--why")
        .arg(&log)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(
        text.contains("acme-day: 3 of 3 lines begin a record"),
        "{text}"
    );
    assert!(text.contains("logcat"), "every detector is shown: {text}");

    let bad = folder(&[
        ("a.toml", &DAY.replace("[\"14.03", "[\"x14.03")),
        (
            "b.toml",
            &DAY.replace(
                "rejects = [\"14.03.2024 13:16:47 E PAY ",
                "rejects = [\"14.03.2024 13:16:47~E~PAY~1~",
            ),
        ),
        ("w.tsv", "use_chop\ten\tpayment\tput it in\n"),
    ]);
    let checked = tapscope(&["formats"], bad.path(), None);
    let text = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(1), "{text}");
    for want in [
        "a.toml",
        "it goes along up to",
        "b.toml",
        "must not",
        "w.tsv",
        "use_chop",
    ] {
        assert!(text.contains(want), "{want}: {text}");
    }
}

#[test]
fn a_format_that_nobody_knows_is_wrong_usage() {
    let output = Command::new(env!("CARGO_BIN_EXE_tapscope"))
        .args([
            "analyze",
            "x.log",
            "--out",
            "never-made",
            "--format",
            "nonsense=*.log",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
