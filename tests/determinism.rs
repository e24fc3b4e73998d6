//! Same inputs, same bytes: for any number of threads, any memory budget and any order of the arguments.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{analyze, key_file, sample_day};

/// Hash of each file of a run. `manifest.json` names the arguments, so it is left out where they differ.
fn hashes(out: &Path) -> BTreeMap<String, String> {
    std::fs::read_dir(out)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name() != "manifest.json")
        .map(|entry| {
            let bytes = std::fs::read(entry.path()).unwrap();
            (
                entry.file_name().to_string_lossy().into_owned(),
                blake3::hash(&bytes).to_hex().to_string(),
            )
        })
        .collect()
}

#[test]
fn threads_memory_and_argument_order_change_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let key = key_file(temporary.path());
    let key = key.to_str().unwrap();
    let day = sample_day();
    let mut parts: Vec<_> = std::fs::read_dir(&day)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    parts.sort();
    assert!(parts.len() > 1, "the sample day has several inputs");
    let forward: Vec<&Path> = parts.iter().map(AsRef::as_ref).collect();
    let backward: Vec<&Path> = parts.iter().rev().map(AsRef::as_ref).collect();

    let mut seen: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    for (name, inputs, jobs, memory) in [
        ("one", &forward, "1", "4G"),
        ("two", &forward, "2", "4G"),
        ("eight", &forward, "8", "4G"),
        ("shuffled", &backward, "2", "4G"),
        ("all on disk", &forward, "2", "1K"),
        ("some on disk", &forward, "1", "200K"),
    ] {
        let out = temporary.path().join(name);
        let output = analyze(
            inputs,
            &out,
            &["--jobs", jobs, "--memory", memory, "--pan-key", key],
        );
        assert!(
            output.status.code() == Some(0) || output.status.code() == Some(3),
            "{output:?}"
        );
        seen.push((name.to_owned(), hashes(&out)));
    }
    let (first_name, first) = &seen[0];
    assert!(first.contains_key("transactions.parquet"));
    for (name, other) in &seen[1..] {
        assert_eq!(first, other, "{first_name} and {name}");
    }
}

#[test]
fn without_a_key_runs_are_the_same_too() {
    let temporary = tempfile::tempdir().unwrap();
    let day = sample_day();
    let outs = ["a", "b"].map(|name| {
        let out = temporary.path().join(name);
        analyze(&[&day], &out, &[]);
        hashes(&out)
    });
    assert!(!outs[0].is_empty());
    assert_eq!(outs[0], outs[1]);
}
