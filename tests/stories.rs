//! Real dialogues and messages, end to end: the step, the outcome and the cause of each attempt, with the reading that makes it right.
//!
//! `stories/corpus.tsv` has a line for each file: its path in the corpus, how it is to be read, and the attempts that are expected
//! (`interface stage outcome cause xCOUNT`). `TAPSCOPE_TELL=1` prints the lines as they come out now.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use common::{analyze, corpus, rows};

const TABLE: &str = include_str!("stories/corpus.tsv");
const ATTEMPTS: &str = "SELECT interface, stage, outcome, COALESCE(cause, 'none') AS cause, COUNT(*) AS n FROM transactions \
                        GROUP BY interface, stage, outcome, cause ORDER BY interface, stage, outcome, cause";

#[test]
fn real_cases_are_told_as_they_were() {
    let Some(corpus) = corpus() else { return };
    let temporary = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    let mut read = 0;
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let [path, reading, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("three columns: {line}");
        };
        assert!(!reading.is_empty(), "{path}: say how it is to be read");
        let input = corpus.join(path);
        if !input.is_file() {
            println!("SKIPPED: {path} is not in this corpus");
            continue;
        }
        let out = temporary.path().join(path.replace('/', "_"));
        let output = analyze(&[&input], &out, &[]);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 3)), "{path}: {code:?}");
        let told: Vec<String> = rows(&out, ATTEMPTS)
            .iter()
            .map(|row| format!("{} x{}", row[..4].join(" "), row[4]))
            .collect();
        let told = if told.is_empty() {
            "-".to_owned()
        } else {
            told.join("; ")
        };
        if std::env::var_os("TAPSCOPE_TELL").is_some() {
            println!("{path}\t{reading}\t{told}");
        }
        if told != expected {
            wrong.push(format!(
                "{path} ({reading}):\n  expected {expected}\n  told     {told}"
            ));
        }
        read += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read == 0 || read > 50, "only {read} files");
}
