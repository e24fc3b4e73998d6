//! The simulator is a blind test only while its words are its own: no sentence of it stands in the program's wording table or rules.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Lower case, without blanks and punctuation: what the program compares by, and stricter.
fn squeeze(s: &str) -> String {
    s.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// String literals of a source file, format holes cut out.
fn literals(source: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '/' && chars.peek() == Some(&'/') {
            for c in chars.by_ref() {
                if c == '\n' {
                    break;
                }
            }
        } else if c == '\'' {
            // A character: skip it, a quote among them.
            if let Some(first) = chars.next() {
                if first == '\\' {
                    chars.next();
                }
                if chars.peek() == Some(&'\'') {
                    chars.next();
                }
            }
        } else if c == '"' {
            let mut text = String::new();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => {
                        chars.next();
                    }
                    '"' => break,
                    c => text.push(c),
                }
            }
            out.insert(text);
        }
    }
    out
}

fn sentences() -> BTreeSet<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = BTreeSet::new();
    for file in [
        "vendor_a/mod.rs",
        "vendor_a/remote.rs",
        "vendor_b.rs",
        "vendor_c.rs",
        "say_f39.rs",
    ] {
        all.extend(literals(&fs::read_to_string(src.join(file)).unwrap()));
    }
    // Words that a language leaves no choice about (`approved`) are no sentences.
    all.retain(|s| {
        let han = s.chars().filter(|c| !c.is_ascii()).count();
        han >= 5 || s.split_whitespace().count() >= 4
    });
    assert!(all.len() > 200, "{}", all.len());
    all
}

#[test]
fn no_sentence_is_a_phrase_of_the_wording_table() {
    let table = fs::read_to_string(root().join("parsers/tables/wording.tsv")).unwrap();
    let phrases: BTreeSet<String> = table
        .lines()
        .skip(1)
        .filter_map(|l| l.split('\t').nth(3))
        .map(squeeze)
        .collect();
    assert!(phrases.len() > 1000);
    let mut shared = Vec::new();
    for s in sentences() {
        // What a terminal's screen says of a response code, and exceptions of platforms, are given by others.
        if s.contains("java") || s.contains("Exception") || s.contains("ENETUNREACH") {
            continue;
        }
        if phrases.contains(&squeeze(&s)) {
            shared.push(s);
        }
    }
    assert!(
        shared.is_empty(),
        "the table has whole sentences of the simulator: {shared:?}"
    );
}

#[test]
fn no_sentence_stands_in_a_rule() {
    let mut rules = String::new();
    for e in fs::read_dir(root().join("rules")).unwrap() {
        let p = e.unwrap().path();
        if p.extension().is_some_and(|x| x == "toml") {
            rules += &squeeze(&fs::read_to_string(&p).unwrap());
        }
    }
    let shared: Vec<String> = sentences()
        .into_iter()
        .filter(|s| squeeze(s).len() > 24 && rules.contains(&squeeze(s)))
        .collect();
    assert!(shared.is_empty(), "{shared:?}");
}

#[test]
fn nothing_of_the_program_is_used() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let own = |line: &&str| line.starts_with("name") || line.starts_with("default-run");
    for line in manifest.lines().filter(|line| !own(line)) {
        assert!(!line.contains("tapscope"), "{line}");
    }
}
