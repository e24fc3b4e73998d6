//! Rules of the house, held by tests: who may depend on whom, folder equals list, licences, samples without real card numbers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests may say what they mean"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder whose name ends so, sorted; `target` and hidden folders left out.
fn files(below: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "target" || name == "corpus" || name == "artifacts"
            {
                continue;
            }
            if path.is_dir() {
                walk(&path, ending, out);
            } else if name.ends_with(ending) {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    walk(&root().join(below), ending, &mut out);
    out.sort();
    out
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Data flows one way: what each stage may name. `event` and `plan` are common vocabulary.
const MAY_USE: &[(&str, &[&str])] = &[
    ("event", &[]),
    ("plan", &[]),
    ("source", &["event", "plan"]),
    ("decode", &["event", "plan", "source"]),
    ("parse", &["event", "plan", "decode", "source"]),
    ("correlate", &["event", "plan"]),
    ("attribute", &["event", "plan", "correlate"]),
    (
        "report",
        &["event", "plan", "correlate", "attribute", "Analysis"],
    ),
];

#[test]
fn data_flows_one_way() {
    let mut wrong = Vec::new();
    for (stage, allowed) in MAY_USE {
        let mut paths = files(&format!("src/{stage}"), ".rs");
        let single = root().join(format!("src/{stage}.rs"));
        if single.exists() {
            paths.push(single);
        }
        assert!(!paths.is_empty(), "no files of stage {stage}");
        for path in paths {
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for (at, _) in code.match_indices("crate::") {
                    let before = code[..at].chars().next_back();
                    if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                        continue;
                    }
                    let name: String = code[at + 7..]
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                    if !name.is_empty() && name != *stage && !allowed.contains(&name.as_str()) {
                        wrong.push(format!(
                            "{}:{}: {stage} may not use crate::{name}",
                            shown(&path),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Parsers' families never name each other, except that the capture protocols may use the shared lookups.
#[test]
fn parser_families_are_strangers() {
    let mut wrong = Vec::new();
    for (family, others) in [
        ("container", ["content", "protocol"]),
        ("content", ["container", "protocol"]),
        ("protocol", ["container", "content"]),
    ] {
        for path in files(&format!("parsers/src/{family}"), ".rs") {
            let text = fs::read_to_string(&path).unwrap();
            for other in others {
                if text.contains(&format!("crate::{other}")) {
                    wrong.push(format!("{}: {family} names {other}", shown(&path)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each named dependency lives in one place.
#[test]
fn dependencies_live_in_one_place() {
    let places: &[(&str, &[&str])] = &[
        ("polars", &["src/attribute/", "src/report/"]),
        ("clap", &["src/cli/", "samples/simulator/"]),
        ("indicatif", &["src/cli/"]),
        ("minijinja", &["src/report/"]),
        ("pcap_parser", &["parsers/src/protocol/net/"]),
        ("etherparse", &["parsers/src/protocol/net/"]),
    ];
    let mut wrong = Vec::new();
    for folder in ["src", "parsers/src", "samples/simulator/src"] {
        for path in files(folder, ".rs") {
            let text = fs::read_to_string(&path).unwrap();
            for (name, allowed) in places {
                let uses = text.lines().any(|line| {
                    let code = line.split("//").next().unwrap_or_default();
                    code.contains(&format!("{name}::")) || code.contains(&format!("use {name}"))
                });
                if uses && !allowed.iter().any(|place| shown(&path).starts_with(place)) {
                    wrong.push(format!("{} uses {name}", shown(&path)));
                }
            }
        }
    }
    let capture_files: Vec<String> = files("parsers/src", ".rs")
        .iter()
        .filter(|path| fs::read_to_string(path).unwrap().contains("pcap_parser::"))
        .map(|path| shown(path))
        .collect();
    assert!(
        capture_files.len() <= 1,
        "pcap_parser in more than one file: {capture_files:?}"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nom_stays_inside() {
    for path in files("parsers/src", ".rs") {
        for line in fs::read_to_string(&path).unwrap().lines() {
            let public = line.trim_start().starts_with("pub fn")
                || line.trim_start().starts_with("pub struct");
            assert!(
                !(public && (line.contains("IResult") || line.contains("nom::"))),
                "{}: {line}",
                shown(&path)
            );
        }
    }
}

/// One new file and one line in the folder's list: a file that is not listed would silently not exist.
#[test]
fn folder_equals_list() {
    let mut wrong = Vec::new();
    for list in files("src", "mod.rs")
        .into_iter()
        .chain(files("parsers/src", "mod.rs"))
    {
        let text = fs::read_to_string(&list).unwrap();
        let folder = list.parent().unwrap();
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let module = if path.is_dir() && path.join("mod.rs").exists() {
                name
            } else if let Some(stem) = name.strip_suffix(".rs").filter(|stem| *stem != "mod") {
                stem.to_owned()
            } else {
                continue;
            };
            if !text.lines().any(|line| {
                let line = line.trim();
                line.ends_with(&format!("mod {module};"))
            }) {
                wrong.push(format!("{} does not list {module}", shown(&list)));
            }
        }
    }
    for rule in files("rules", ".toml") {
        let name = rule.file_name().unwrap().to_string_lossy().into_owned();
        let listed = files("src/attribute", ".rs")
            .iter()
            .any(|path| fs::read_to_string(path).unwrap().contains(&name));
        if !listed {
            wrong.push(format!("no list in src/attribute names rules/{name}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Past this a file is split along its meaning.
#[test]
fn files_can_be_held_in_mind() {
    let long: Vec<String> = ["src", "parsers/src", "samples/simulator/src", "tests"]
        .iter()
        .flat_map(|folder| files(folder, ".rs"))
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            (lines > 800).then(|| format!("{}: {lines} lines", shown(&path)))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Issuer ranges that the samples may use: reserved or well known for tests.
const TEST_RANGES: &[&str] = &[
    "411111", "400000", "401288", "424242", "541333", "555555", "510510", "222300", "222100",
    "378282", "371449", "353011", "356600", "601111", "6212", "6213", "6214", "6215", "6216",
    "6217", "6222", "6228", "6250", "8171",
];

/// No card number in what is shipped but test numbers.
#[test]
fn samples_hold_test_numbers_only() {
    let mut wrong = Vec::new();
    for path in files("samples", "")
        .into_iter()
        .chain(files("tests", ""))
        .chain(files("rules", ""))
        .chain(files("fuzz/corpus", ""))
    {
        if path.to_string_lossy().contains("/simulator/src/") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let run = bytes[at..]
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .count();
            let digits = std::str::from_utf8(&bytes[at..at + run]).unwrap();
            let card = (15..=19).contains(&run)
                && matches!(digits.as_bytes()[0], b'3'..=b'6')
                && luhn(digits)
                && !TEST_RANGES.iter().any(|range| digits.starts_with(range));
            if card {
                wrong.push(format!(
                    "{} at byte {at}: looks like a card number outside the test ranges",
                    shown(&path)
                ));
            }
            at += run;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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

/// The project speaks of itself alone.
#[test]
fn no_machine_paths() {
    let needles = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("public code ", "index"),
    ];
    let mut wrong = Vec::new();
    for folder in [
        "src", "parsers", "rules", "samples", "tests", "benches", "fuzz",
    ] {
        for path in files(folder, "") {
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            for needle in needles {
                if text.contains(needle) {
                    wrong.push(format!("{}: {needle}", shown(&path)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every package that is really compiled (`cargo metadata` would also name what no feature asks for): name and licence.
fn packages() -> BTreeSet<(String, String)> {
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--edges",
            "normal,build,dev",
            "--prefix",
            "none",
            "--format",
            "{p}|{l}",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
            Some((
                package.split(' ').next()?.to_owned(),
                licence.trim().to_owned(),
            ))
        })
        .collect()
}

/// Every dependency may be combined with Apache-2.0 OR MIT: the list is that of deny.toml.
#[test]
fn licences_are_permitted() {
    let deny: toml::Table = fs::read_to_string(root().join("deny.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let allowed: BTreeSet<String> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    let mut wrong = Vec::new();
    for (name, licence) in packages() {
        let permitted = licence.replace('/', " OR ").split(" OR ").any(|choice| {
            let all = choice.trim().trim_matches(['(', ')']);
            all.split(" AND ")
                .all(|one| allowed.contains(one.trim().trim_matches(['(', ')'])))
        });
        if !permitted {
            wrong.push(format!("{name}: {licence}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A clean build must stay short, and no package may bring a network stack.
#[test]
fn dependencies_stay_few_and_offline() {
    let packages = packages();
    assert!(packages.len() <= 380, "{} packages", packages.len());
    for banned in [
        "reqwest",
        "hyper",
        "rustls",
        "openssl",
        "object_store",
        "native-tls",
    ] {
        assert!(
            !packages.iter().any(|(name, _)| name == banned),
            "{banned} came in"
        );
    }
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for line in lock.lines().filter(|line| line.starts_with("source = ")) {
        assert!(line.contains("\"registry+"), "{line}");
    }
}
