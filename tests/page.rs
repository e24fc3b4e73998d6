//! The page in a real browser: what it shows, what its filters count, what opens, and that it runs and loads nothing but its own.
//!
//! `tests/page/check.py` drives a headless Chromium through a pipe and holds the page against the tables beside it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests may say what they mean"
)]

mod made;

use std::path::{Path, PathBuf};
use std::process::Command;

use tapscope::Analysis;
use tapscope::attribute::Catalogue;
use tapscope::plan::Language;
use tapscope::report::{self, Folder, Selector};

/// Runs a part of `check.py`. Without a browser it says so, loudly; where one must be, that is a failure.
fn in_chromium(arguments: &[&Path], what: &str) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page/check.py");
    let browser = Command::new("python3")
        .args([
            "-c",
            "import browser, sys; sys.exit(browser.executable() is None)",
        ])
        .current_dir(script.parent().unwrap())
        .status();
    if !browser.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("TAPSCOPE_REQUIRE_CHROMIUM").is_none(),
            "python3 and Chromium are wanted and not here"
        );
        eprintln!("SKIPPED: {what}: python3 or Chromium is not here (apt-get install chromium)");
        return None;
    }
    let output = Command::new("python3")
        .arg("-B")
        .arg(&script)
        .arg(what)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{what}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

fn written(analysis: &Analysis, catalogue: &Catalogue) -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    report::write(analysis, catalogue, &made::plan(), &out, false).unwrap();
    (parent, out)
}

fn first_page(out: &Path, tx_id: &str) -> PathBuf {
    let folder = Folder::open(out).unwrap();
    let selector = Selector::parse(&[tx_id.to_owned()]).unwrap();
    let (mut found, count) = folder.find(&selector, 1).unwrap();
    assert_eq!(count, 1);
    let target = out.join("one.html");
    folder
        .story(found.remove(0))
        .unwrap()
        .write_page(&target, Language::En)
        .unwrap();
    target
}

/// Filters, zoom, drill-down, both languages, keyboard, names for screen readers, contrast, phone to wide screen, print, policy.
#[test]
fn the_report_works_in_a_browser() {
    let catalogue = Catalogue::load(&[]).unwrap();
    let (_parent, out) = written(&made::day(1500), &catalogue);
    in_chromium(&[&out], "report");
}

/// A day as people have it: the shipped sample, read by the real program.
#[test]
fn the_sample_days_report_works_in_a_browser() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("day");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/day/input");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_tapscope"))
            .args(arguments)
            .env("LANG", "C")
            .output()
            .unwrap()
    };
    let (sample, folder) = (sample.to_str().unwrap(), out.to_str().unwrap());
    let output = run(&["analyze", sample, "--out", folder, "-q"]);
    assert!(out.join("report.html").exists(), "{output:?}");
    in_chromium(&[&out], "report");

    let mut reader = csv::Reader::from_path(out.join("transactions.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|h| h == name).unwrap();
    let failed = reader
        .records()
        .map(Result::unwrap)
        .find(|row| &row[column("failed")] == "true" && row[column("apdu_events")] != *"0")
        .unwrap();
    let page = out.join("one.html");
    let output = run(&[
        "inspect",
        folder,
        &failed[0],
        "--html",
        page.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        page.to_str().unwrap()
    );
    in_chromium(&[&page], "one");
}

/// 300 hostile strings in every field that can hold text.
#[test]
fn hostile_text_is_shown_as_text() {
    let payloads = hostile_strings();
    assert!(payloads.len() >= 300);
    let analysis = full_of(&payloads);
    let first = analysis.correlated.attempts[0].tx_id.clone();
    let (_parent, out) = written(&analysis, &Catalogue::default());
    let expected: Vec<String> = payloads
        .iter()
        .map(|text| report::clean(text).to_string())
        .collect();
    std::fs::write(
        out.join("expected.json"),
        serde_json::to_string(&expected).unwrap(),
    )
    .unwrap();
    first_page(&out, &first);
    in_chromium(&[&out], "hostile");
}

/// `TAPSCOPE_PAGE_ATTEMPTS=1000000 cargo test --release --test page large -- --nocapture`: time to write, size, time until usable.
#[test]
fn a_large_report_stays_small_and_quick() {
    let asked = std::env::var("TAPSCOPE_PAGE_ATTEMPTS").ok();
    let attempts = asked.and_then(|n| n.parse().ok()).unwrap_or(60_000);
    let analysis = made::day(attempts);
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    let catalogue = Catalogue::load(&[]).unwrap();
    let start = std::time::Instant::now();
    report::write(&analysis, &catalogue, &made::plan(), &out, false).unwrap();
    let all = start.elapsed();
    drop(analysis);
    let start = std::time::Instant::now();
    let folder = Folder::open(&out).unwrap();
    let again = out.join("again.html");
    folder
        .write_page(&again, &report::PageOptions::default())
        .unwrap();
    eprintln!(
        "{attempts} attempts: all files in {all:.1?}, the page alone again from the tables in {:.1?}",
        start.elapsed()
    );
    let page = std::fs::read(out.join("report.html")).unwrap();
    assert!(page.len() <= 5_000_000, "{} bytes", page.len());
    assert!(
        page == std::fs::read(&again).unwrap(),
        "written again it is the same"
    );
    if let Some(figures) = in_chromium(&[&out], "large") {
        eprintln!("{attempts} attempts: {}", figures.trim());
    }
}

/// `TAPSCOPE_DEMO=OUT cargo test --release --test page look -- --ignored`: pictures of `OUT/report.html` in `OUT/look`.
#[test]
#[ignore = "for looking at"]
fn look() {
    let out =
        PathBuf::from(std::env::var_os("TAPSCOPE_DEMO").expect("TAPSCOPE_DEMO names a folder"));
    in_chromium(&[&out, &out.join("look")], "look");
}

/// Each line of `hostile.txt` in four disguises, no two alike after cleaning.
fn hostile_strings() -> Vec<String> {
    let lines = include_str!("page/hostile.txt").lines();
    let disguises = |line: &str| {
        [
            line.to_owned(),
            format!("\u{202e}{line}\u{202c}\u{2066}"),
            format!("\u{1b}[31m{line}\u{0}\u{7}"),
            format!("请插卡\u{2028}{line}\r\n\"'><script>alert(0)</script>"),
        ]
    };
    lines.flat_map(disguises).collect()
}

/// One failed attempt for each string, which stands in every field of it that can hold text.
fn full_of(payloads: &[String]) -> Analysis {
    use tapscope::attribute::{Evidence, Role, Strength, Verdict};
    use tapscope::event::{Place, SourceKind, SourceStatus, Text};
    let mut analysis = made::hostile();
    let template = analysis.correlated.attempts[0].clone();
    let incident = analysis.attributed.incidents[0].clone();
    let mut events = Vec::new();
    let c = &mut analysis.correlated;
    c.attempts.clear();
    c.attempt_of.clear();
    c.sources.clear();
    analysis.issues.clear();
    analysis.attributed.verdicts.clear();
    analysis.attributed.incidents.clear();
    for (i, payload) in payloads.iter().enumerate() {
        let text = || Some(Text::from(payload.as_str()));
        let fixed: &'static str = Box::leak(report::clean(payload).to_string().into_boxed_str());
        let at = made::MORNING + i as i64 * 60_000_000;
        let number = i as u32;
        let mut source = made::source(payload, SourceKind::Log, SourceStatus::Damaged);
        source.first_damage = text();
        c.sources.push(source);
        for n in 0..3_u32 {
            let signal = tapscope::event::Signal::CardRemoved;
            let at = at + i64::from(n) * 700_000;
            events.push(made::event(
                number,
                Place::Line(n + 1),
                at,
                made::log(signal, payload),
            ));
            c.attempt_of.push(number);
        }
        let mut attempt = template.clone();
        attempt.tx_id = made::letters(i as u64 + 9000);
        attempt.sale_id = attempt.tx_id.clone();
        attempt.events = (number * 3..number * 3 + 3).collect();
        attempt.links.clear();
        attempt.started_at = Some(at);
        attempt.ended_at = Some(at + 1_400_000);
        let keys = &mut attempt.keys;
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
            *slot = text();
        }
        keys.scheme = Some(fixed);
        keys.kernel = Some(fixed);
        c.attempts.push(attempt);
        let evidence = |cause: &str, role| Evidence {
            cause: cause.into(),
            rule: payload.as_str().into(),
            role,
            weight: 2.0,
            fact: payload.as_str().into(),
            value: payload.as_str().into(),
            events: vec![number * 3 + 1],
            searched: text(),
            text_en: payload.as_str().into(),
            text_zh: payload.as_str().into(),
        };
        let verdict = Verdict {
            cause: text(),
            family: text(),
            contributing: vec![payload.as_str().into()],
            confidence: Some(0.9),
            strength: Some(Strength::Strong),
            alternatives: vec![(payload.as_str().into(), 0.1)],
            missing_evidence: text(),
            owners: vec![payload.as_str().into(), "vendor".into()],
            incident: Some(number),
            evidence: vec![
                evidence(payload, Role::Decisive),
                evidence(&format!("{payload} other"), Role::Supporting),
            ],
        };
        analysis.attributed.verdicts.insert(i, verdict);
        let mut incident = incident.clone();
        incident.incident_id = payload.as_str().into();
        incident.scope_value = payload.as_str().into();
        incident.text_en = payload.as_str().into();
        incident.text_zh = payload.as_str().into();
        incident.cause = text();
        analysis.attributed.incidents.push(incident);
    }
    let c = &mut analysis.correlated;
    c.clocks = vec![c.clocks[1].clone(); payloads.len()];
    c.aligned = events
        .iter()
        .map(|e: &tapscope::event::Event| e.at.utc_micros.into())
        .collect();
    c.events = events.into_iter().collect();
    let row = tapscope::attribute::FactRow::default();
    analysis.attributed.facts = payloads
        .iter()
        .map(|_| tapscope::attribute::PackedRow::new(&row))
        .collect();
    analysis
}
