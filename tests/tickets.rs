//! Support tickets: small folders as makers, banks and shops would send them, each with one payment that failed. They were written without
//! knowledge of what the program reads, then used to mend it: the figures here are a floor that holds, not a measure of the unseen.
//!
//! `tickets/cases.tsv` has a line for each: its folder, the cause, what else would be right, and what proves it. `--nocapture` prints
//! what is told of each.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{analyze, rows};

const CASES: &str = include_str!("tickets/cases.tsv");
/// Failed attempts that were explained, with how sure the program is.
const TOLD: &str = "SELECT cause, confidence FROM transactions WHERE failed OR cause IS NOT NULL ORDER BY started_at, tx_id";
/// Beyond this a wrong answer would be believed.
const SURE: f64 = 0.9;

#[test]
fn tickets_are_told_as_they_were() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut right, mut all) = (0, 0);
    let mut misled = Vec::new();
    for line in CASES.lines().filter(|line| !line.starts_with('#')) {
        let [case, cause, also, why] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("four columns: {line}");
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/tickets")
            .join(case);
        let input = temporary.path().join(case);
        std::fs::create_dir(&input).unwrap();
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            std::fs::copy(&file, input.join(file.file_name().unwrap())).unwrap();
        }
        let out = temporary.path().join(format!("{case}-out"));
        let output = analyze(&[&input], &out, &[]);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{case}");
        let told = rows(&out, TOLD);
        let fits = |code: &str| code == cause || also.split(',').any(|other| other == code);
        let named = told.iter().any(|row| row[0] == cause);
        let apart: Vec<&Vec<String>> = told
            .iter()
            .filter(|row| !fits(&row[0]) && row[0] != "UNDETERMINED")
            .collect();
        all += 1;
        right += usize::from(named && apart.is_empty());
        let sure = |row: &&&Vec<String>| row[1].parse::<f64>().is_ok_and(|c| c >= SURE);
        misled.extend(
            apart
                .iter()
                .filter(sure)
                .map(|row| format!("{case}: {}", row[0])),
        );
        let list: Vec<&str> = told.iter().map(|row| row[0].as_str()).collect();
        let mark = if named && apart.is_empty() {
            "right"
        } else {
            "-"
        };
        println!(
            "{case} {mark:<5} {cause}: told {}\n         {why}",
            list.join(", ")
        );
    }
    println!(
        "{right} of {all} right; wrong and sure: {}",
        misled.join(", ")
    );
    assert!(right >= 87, "{right} of {all}");
    assert!(misled.len() <= 22, "{misled:?}");
}
