//! What people see, as it was looked at: snapshots of the real program on data made by hand.
//!
//! After a change that is meant: `INSTA_UPDATE=always cargo test --release --test screens --test browse`, and look at the difference.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;
mod made;

use common::tapscope;
use tapscope::attribute::Catalogue;

fn folder() -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    let catalogue = Catalogue::default();
    tapscope::report::write(&made::hostile(), &catalogue, &made::plan(), &out, false).unwrap();
    parent
}

/// Standard output and standard error, and the exit code.
fn screen(parent: &tempfile::TempDir, words: &[&str]) -> String {
    let output = tapscope()
        .args(words)
        .current_dir(parent.path())
        .output()
        .unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    if !errors.is_empty() {
        text.push_str("--- standard error\n");
        text.push_str(&errors);
    }
    format!("{text}--- exit {}\n", output.status.code().unwrap())
}

#[test]
fn inspect() {
    let parent = folder();
    for (name, words) in [
        ("inspect_80", &["stan=123", "--width", "80"][..]),
        ("inspect_140", &["stan=123", "--width", "140"]),
        (
            "inspect_zh",
            &["stan=123", "--width", "100", "--lang", "zh"],
        ),
        ("inspect_full", &["stan=123", "--width", "100", "--full"]),
        ("inspect_several", &["last4=1234"]),
        ("inspect_none", &["stan=999"]),
    ] {
        let words = [&["inspect", "out"], words].concat();
        insta::assert_snapshot!(name, screen(&parent, &words));
    }
}

#[test]
fn help() {
    let parent = folder();
    for command in [
        "inspect", "browse", "show", "compare", "config", "query", "report",
    ] {
        insta::assert_snapshot!(
            format!("help_{command}"),
            screen(&parent, &[command, "--help"])
        );
    }
}

/// Help teaches by example, for every command.
#[test]
fn every_help_has_an_example() {
    let parent = folder();
    let root = screen(&parent, &["--help"]);
    let commands: Vec<&str> = root
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() >= 13, "{commands:?}");
    let without: Vec<&str> = commands
        .into_iter()
        .filter(|name| {
            let help = screen(&parent, &[name, "--help"]);
            // The example of `key` stands with `key new`.
            !help.contains("Example") && *name != "key" && *name != "verify"
        })
        .collect();
    assert!(without.is_empty(), "no example: {without:?}");
}

/// What was mistyped is answered with what to try.
#[test]
fn errors_say_what_to_try() {
    let parent = folder();
    for (words, needle) in [
        (&["inpsect", "out", "x"][..], "inspect"),
        (&["inspect", "missing", "stan=1"], "hint:"),
        (&["inspect", "out", "colour=red"], "hint:"),
        (&["inspect", "out", "stan=999"], "hint:"),
        (
            &["analyze", "x", "--out", "y", "--tz", "Mars"],
            "Asia/Shanghai",
        ),
        (
            &["analyze", "x", "--out", "y", "--formt", "a=b"],
            "--format",
        ),
        (
            &["query", "out", "SELECT * FROM transaction"],
            "transactions",
        ),
        (&["show", "nowhere.log:1"], "--from"),
        (&["compare", "out"], "DIR_B"),
    ] {
        let text = screen(&parent, words);
        assert!(text.contains(needle), "{words:?}: {text}");
        assert!(!text.ends_with("--- exit 0\n"), "{words:?}: {text}");
    }
}

#[test]
fn completions_and_manual_pages() {
    let parent = folder();
    for (shell, needle) in [
        ("bash", "complete -F _tapscope"),
        ("zsh", "#compdef tapscope"),
        ("fish", "complete -c tapscope"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = screen(&parent, &["completions", shell]);
        assert!(script.contains(needle), "{shell}");
        for word in ["browse", "compare", "show", "pan-key"] {
            assert!(script.contains(word), "{word} is not completed in {shell}");
        }
    }
    screen(&parent, &["man", "--out", "man/man1"]);
    let mut pages: Vec<String> = std::fs::read_dir(parent.path().join("man/man1"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    pages.sort();
    for page in [
        "tapscope.1",
        "tapscope-analyze.1",
        "tapscope-browse.1",
        "tapscope-show.1",
        "tapscope-config-show.1",
    ] {
        assert!(
            pages.iter().any(|p| p == page),
            "{page} is not in {pages:?}"
        );
    }
    let page = std::fs::read_to_string(parent.path().join("man/man1/tapscope-show.1")).unwrap();
    assert!(page.contains("NAME") && page.contains("tapscope show"));
}

#[test]
fn settings_and_their_origins() {
    let parent = folder();
    let root = parent.path();
    std::fs::create_dir(root.join("site")).unwrap();
    std::fs::write(
        root.join("tapscope.toml"),
        "tz = \"Asia/Shanghai\"\nlang = \"zh\"\n",
    )
    .unwrap();
    std::fs::write(
        root.join("site/site.toml"),
        "tz = \"UTC\"\nrules = [\"mine\"]\ncustody = true\n\n[limits]\nline_bytes = \"2M\"\n",
    )
    .unwrap();
    let show = |environment: &[(&str, &str)], flags: &[&str]| {
        let output = tapscope()
            .args(["config", "show", "--json"])
            .args(flags)
            .envs(environment.iter().copied())
            .current_dir(root)
            .output()
            .unwrap();
        let list: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        move |name: &str| {
            let list = list.as_array().unwrap();
            let one = list.iter().find(|s| s["setting"] == name).unwrap();
            let values: Vec<&str> = one["values"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|v| v.as_str())
                .collect();
            format!(
                "{} {} {}",
                values.join(","),
                one["origin"].as_str().unwrap(),
                one["place"].as_str().unwrap_or("-")
            )
        }
    };
    let found = show(
        &[
            ("TAPSCOPE_YEAR", "2026"),
            ("TAPSCOPE_LANG", "en"),
            ("NO_COLOR", "1"),
        ],
        &["--jobs", "3"],
    );
    assert_eq!(found("jobs"), "3 flag -");
    assert_eq!(found("year"), "2026 environment TAPSCOPE_YEAR");
    assert_eq!(found("lang"), "en environment TAPSCOPE_LANG");
    assert_eq!(found("tz"), "Asia/Shanghai file tapscope.toml:1");
    assert_eq!(found("color"), "never environment NO_COLOR");
    assert_eq!(found("progress"), "auto default -");
    let named = show(&[], &["--config", "site/site.toml", "--tz", "+01:00"]);
    assert_eq!(named("tz"), "+01:00 flag -");
    assert_eq!(
        named("rules"),
        "site/mine file site/site.toml:2",
        "relative to the file"
    );
    assert_eq!(named("custody"), "true file site/site.toml:3");
    assert_eq!(named("limit"), "line_bytes=2M file site/site.toml:5");
    assert_eq!(named("lang"), " default -", "only one file is read");
    let by_variable = show(&[("TAPSCOPE_CONFIG", "site/site.toml")], &[]);
    assert_eq!(by_variable("tz"), "UTC file site/site.toml:1");
    // Other commands take the language over, and nothing else.
    let zh = screen(&parent, &["inspect", "out", "stan=123"]);
    assert!(zh.contains("时间线"), "{zh}");
    let wrong = tapscope()
        .args(["analyze", "x", "--out", "y"])
        .env("TAPSCOPE_YEAR", "soon")
        .current_dir(root)
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("environment TAPSCOPE_YEAR"));
}

/// The same analysis twice is no difference; a part of it is.
#[test]
fn comparisons() {
    let parent = folder();
    let same = screen(&parent, &["compare", "out", "out"]);
    assert!(
        same.contains("No difference") && same.ends_with("--- exit 0\n"),
        "{same}"
    );
    let other = parent.path().join("day");
    let plan = made::plan();
    tapscope::report::write(&made::day(400), &Catalogue::default(), &plan, &other, false).unwrap();
    let text = screen(&parent, &["compare", "out", "day"]);
    assert!(
        text.contains("New causes") && text.contains("Causes that are gone"),
        "{text}"
    );
    assert!(text.ends_with("--- exit 1\n"));
    let json = screen(&parent, &["compare", "out", "day", "--json"]);
    let json = json.split("--- exit").next().unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["after"]["attempts"], 400);
    assert!(
        json["causes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|c| c["change"] != "worse")
    );
}
