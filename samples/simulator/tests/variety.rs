//! A day has every log style, dialogue style, dialect and kind of clock error; every script and compound failure comes about.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use tapscope_simulator::day::{Config, midnight, simulate};
use tapscope_simulator::fleet::Profile;
use tapscope_simulator::scenario::write_script;
use tapscope_simulator::story::script::SCRIPTS;
use tapscope_simulator::table::Table;

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    for e in fs::read_dir(dir).unwrap() {
        let p = e.unwrap().path();
        if p.is_dir() {
            walk(&p, out);
        } else {
            out.push(p);
        }
    }
}

fn day(profile: Profile) -> (tempfile::TempDir, Table) {
    let d = tempfile::tempdir().unwrap();
    let config = Config {
        transactions: 3000,
        seed: 21,
        terminals: 90,
        zero: midnight("2026-03-18").unwrap(),
        profile,
        noise: 1,
        bytes: 0,
        failures: 150,
        only: None,
        rich: true,
    };
    simulate(&config, d.path()).unwrap();
    let t = Table::parse(&fs::read_to_string(d.path().join("labels.csv")).unwrap());
    (d, t)
}

/// Which of the styles a file's text has.
fn styles(text: &str, into: &mut BTreeSet<&'static str>) {
    for line in text.lines().take(400) {
        let b = line.as_bytes();
        let digits = |from: usize, to: usize| {
            b.get(from..to)
                .is_some_and(|s| s.iter().all(u8::is_ascii_digit))
        };
        if line.starts_with("{\"ts\":") {
            into.insert("json lines");
        } else if line.contains(" APDU: => ") || line.contains("\"=> ") {
            into.insert("arrows in the log");
        } else if line.starts_with('[') && digits(1, 5) {
            into.insert("brackets");
        } else if digits(0, 4) && b.get(4) == Some(&b'/') {
            into.insert("slashes");
        } else if digits(0, 4) && b.get(4) == Some(&b'-') && line.contains(" TX: ") {
            into.insert("trace TX");
        } else if line.contains("+08:00 => ") {
            into.insert("trace arrows");
        } else if line.contains(" C-APDU ") {
            into.insert("trace words");
        } else if line.contains("NxpNci") {
            into.insert("nci in the log");
        } else if digits(0, 4)
            && b.get(4) == Some(&b'-')
            && digits(5, 7)
            && b.get(10) == Some(&b' ')
        {
            into.insert("logcat with year");
        } else if digits(0, 2)
            && b.get(2) == Some(&b'-')
            && line.contains("): ")
            && line.contains('/')
        {
            into.insert("logcat brief");
        } else if digits(0, 2) && b.get(2) == Some(&b'-') {
            into.insert("logcat threadtime");
        }
    }
}

#[test]
fn every_style_is_there() {
    let (d, labels) = day(Profile::Skewed);
    let mut files = Vec::new();
    walk(&d.path().join("input"), &mut files);
    let mut seen = BTreeSet::new();
    for f in &files {
        let b = fs::read(f).unwrap();
        if b.starts_with(&[0x1F, 0x8B]) || b.starts_with(b"PK") {
            continue;
        }
        styles(&String::from_utf8_lossy(&b), &mut seen);
    }
    let expected = [
        "arrows in the log",
        "brackets",
        "json lines",
        "logcat brief",
        "logcat threadtime",
        "logcat with year",
        "nci in the log",
        "slashes",
        "trace TX",
        "trace arrows",
        "trace words",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    let kinds: BTreeSet<&str> = (0..labels.rows.len())
        .map(|i| labels.get(i, "net_kind"))
        .collect();
    assert!(
        kinds.contains("tls") && kinds.contains("iso8583"),
        "{kinds:?}"
    );
}

#[test]
fn clocks_err_in_every_way() {
    let (d, _) = day(Profile::Skewed);
    let t = Table::parse(&fs::read_to_string(d.path().join("clocks.csv")).unwrap());
    let number = |i: usize, c: &str| t.get(i, c).parse::<i64>().unwrap();
    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    for i in 0..t.rows.len() {
        let hours = number(i, "zone_hours");
        let kind = match (
            hours.abs(),
            t.get(i, "jump_at").is_empty(),
            number(i, "drift_ppm").abs(),
        ) {
            (12, _, _) => "half a day",
            (1, _, _) => "an hour",
            (2.., _, _) => "zone",
            (_, false, _) => "set",
            (_, _, 41..) => "drift",
            _ if number(i, "offset_ms").abs() > 5000 => "offset",
            _ => "fine",
        };
        *count.entry(kind).or_default() += 1;
    }
    for kind in [
        "half a day",
        "an hour",
        "zone",
        "set",
        "drift",
        "offset",
        "fine",
    ] {
        assert!(count.contains_key(kind), "{kind}: {count:?}");
    }
}

#[test]
fn sources_are_missing_and_what_they_took_along_is_known() {
    let (_d, t) = day(Profile::Sparse);
    let gone = |c: &str| {
        (0..t.rows.len())
            .filter(|&i| t.get(i, "failed") == "true" && t.get(i, c) == "false")
            .count()
    };
    assert!(gone("cause_seen") >= 10, "{}", gone("cause_seen"));
    assert!(gone("outcome_seen") >= 10, "{}", gone("outcome_seen"));
    let compound = (0..t.rows.len())
        .filter(|&i| !t.get(i, "contributing").is_empty())
        .count();
    assert!(compound >= 10, "{compound}");
}

#[test]
fn every_script_plays() {
    for script in SCRIPTS {
        let d = tempfile::tempdir().unwrap();
        let s = write_script(script, 3, d.path()).unwrap();
        assert!(s.attempts >= 16, "{}: {}", script.id, s.attempts);
        let t = Table::parse(&fs::read_to_string(d.path().join("labels.csv")).unwrap());
        let has = |column: &str, value: &str| {
            (0..t.rows.len()).any(|i| t.get(i, column).split('|').any(|v| v == value))
        };
        assert!(
            script.truth.is_empty() || has("cause", script.truth),
            "{}: nothing fails for {}",
            script.id,
            script.truth
        );
        for c in script.contributing {
            assert!(has("contributing", c), "{}: {c} plays no part", script.id);
        }
    }
    let ids: BTreeSet<&str> = SCRIPTS.iter().map(|s| s.id).collect();
    assert_eq!(ids.len(), 25);
}
