//! Real data that nobody here invented: read whole, nothing invented from noise.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use common::{analyze, corpus, number, rows};

#[test]
fn the_whole_corpus_is_read_and_accounted_for() {
    let Some(corpus) = corpus() else { return };
    let temporary = tempfile::tempdir().unwrap();
    let out = temporary.path().join("out");
    let output = analyze(&[&corpus], &out, &[]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    assert_eq!(
        output.status.code(),
        Some(3),
        "damaged and unknown files are named: {errors}"
    );

    let files = count_files(&corpus);
    let listed = number(&out, "SELECT count(*) AS n FROM sources");
    assert!(listed >= files, "{files} files, {listed} sources");
    let unbalanced = rows(
        &out,
        "SELECT path FROM sources WHERE bytes_understood + bytes_ignored + bytes_not_understood + bytes_unreadable <> bytes",
    );
    assert!(
        unbalanced.is_empty(),
        "ledgers that do not add up: {unbalanced:?}"
    );
    for path in rows(&out, "SELECT path FROM sources WHERE status <> 'ok'")
        .iter()
        .map(|row| &row[0])
    {
        assert!(
            errors.contains(path.as_str()),
            "{path} has a problem and is not named on standard error"
        );
    }

    assert_eq!(
        number(
            &out,
            "SELECT count(*) AS n FROM events AS e JOIN sources AS s ON e.source_id = s.source_id WHERE s.path LIKE '%loghub%'"
        ),
        0,
        "noise must give no payment event"
    );
    assert_eq!(
        number(
            &out,
            "SELECT count(*) AS n FROM events AS e JOIN sources AS s ON e.source_id = s.source_id WHERE s.path LIKE '%/control/%' AND e.kind = 'iso8583'"
        ),
        0,
        "other protocols must not be taken for ISO 8583"
    );
    for kind in ["apdu", "iso8583", "tcp"] {
        let sql = format!("SELECT count(*) AS n FROM events WHERE kind = '{kind}'");
        assert!(number(&out, &sql) > 50, "{kind} events of the corpus");
    }
}

fn count_files(folder: &std::path::Path) -> i64 {
    std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| {
            if entry.path().is_dir() {
                count_files(&entry.path())
            } else {
                1
            }
        })
        .sum()
}
