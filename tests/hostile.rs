//! Hostile and damaged input: nothing stops a run, every limit that is met is named, and no byte goes unaccounted for.
//! `TAPSCOPE_LONG=1` cuts at every byte and mutates for minutes.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use common::{Random, analyze, rows};
use tapscope::decode::StreamInfo;
use tapscope::event::{Spill, Text};
use tapscope::parse::edge::Edge;
use tapscope::parse::{Parsed, stream};
use tapscope::plan::Plan;

fn long() -> bool {
    std::env::var_os("TAPSCOPE_LONG").is_some()
}

fn plan(inputs: &[&Path]) -> Plan {
    Plan {
        inputs: inputs.iter().map(|path| path.to_path_buf()).collect(),
        year: Some(2026),
        ..Plan::default()
    }
}

fn parse(bytes: &[u8], edge: &Edge, plan: &Plan) -> Parsed {
    let info = StreamInfo {
        path: Text::new("memory"),
        member: false,
        size: None,
        file: None,
        head: &bytes[..bytes.len().min(64 << 10)],
    };
    let mut reader = bytes;
    stream(&info, &mut reader, plan, edge, &Spill::unbounded(), &|_| {})
}

/// Small samples of every format.
fn samples() -> Vec<(PathBuf, Vec<u8>)> {
    fn walk(folder: &Path, out: &mut Vec<(PathBuf, Vec<u8>)>) {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, out);
            } else if path.components().any(|part| part.as_os_str() == "input") {
                let bytes = std::fs::read(&path).unwrap();
                if (100..64 << 10).contains(&bytes.len()) {
                    out.push((path, bytes));
                }
            }
        }
    }
    let mut all = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"),
        &mut all,
    );
    // Spread over the folders: their formats differ.
    let step = (all.len() / 40).max(1);
    all.into_iter().step_by(step).collect()
}

/// Holds what must be true of any parse.
fn sound(what: &str, bytes: &[u8], parsed: &Parsed) {
    let ledger = &parsed.source.ledger;
    assert_eq!(ledger.bytes, bytes.len() as u64, "{what}");
    assert_eq!(
        ledger.understood + ledger.ignored + ledger.not_understood + ledger.unreadable,
        ledger.bytes,
        "{what}: every byte is accounted for"
    );
    let fault = parsed
        .issues
        .iter()
        .find(|issue| issue.code == "internal_error");
    assert!(fault.is_none(), "{what}: {}", fault.unwrap().text);
}

#[test]
fn cut_anywhere() {
    let (edge, plan) = (Edge::new(Some([1; 32])), plan(&[]));
    let samples = samples();
    assert!(samples.len() >= 20);
    let mut runs = 0;
    for (path, bytes) in &samples {
        let step = if long() { 1 } else { (bytes.len() / 12).max(1) };
        // Cuts wander over all offsets as the samples go on.
        for end in (runs % step..bytes.len()).step_by(step) {
            let cut = &bytes[..end];
            sound(
                &format!("{} cut at {end}", path.display()),
                cut,
                &parse(cut, &edge, &plan),
            );
            runs += 1;
        }
    }
    println!("{runs} cuts");
}

/// Flips, cuts, doubles, swaps, and puts in what parsers trip over.
fn mutate(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    const NASTY: &[&[u8]] = &[
        b"\0\0\0\0",
        b"\xFF\xFF\xFF\xFF",
        b"\xFF",
        b"\n",
        b"\r",
        b"\r\n",
        b"\x1b[31m",
        b"99999999999999999999",
        b"-1",
        b"5A 81 FF",
        b"4F 40",
        b"57 30",
        b"70 80 70 80",
        b"=cmd",
        b"</script>",
        "\u{202e}".as_bytes(),
        "\u{feff}".as_bytes(),
        b"2026-02-30 25:61:61",
        b"\x80",
        b"\xE4\xB8",
        b"{\"a\":{\"a\":",
        b"]]]]",
        b"%n%s",
    ];
    let mut out = bytes.to_vec();
    for _ in 0..1 + random.below(12) {
        let at = random.below(out.len());
        let length = random.below(64).min(out.len() - at);
        match random.below(6) {
            0 => out[at] ^= 1 << random.below(8),
            1 => out.truncate(at.max(1)),
            2 => {
                let piece = out[at..at + length].to_vec();
                out.splice(at..at, piece);
            }
            3 => {
                out.drain(at..at + length);
            }
            4 => {
                let nasty = NASTY[random.below(NASTY.len())];
                out.splice(at..at, nasty.iter().copied());
            }
            _ => {
                let to = random.below(out.len() - length + 1);
                let piece = out[at..at + length].to_vec();
                out[to..to + length].copy_from_slice(&piece);
            }
        }
        if out.is_empty() {
            out.push(0);
        }
    }
    out
}

#[test]
fn damaged_anywhere() {
    let (edge, plan) = (Edge::new(Some([1; 32])), plan(&[]));
    let rounds = if long() { 4000 } else { 12 };
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (path, bytes) in samples() {
        for round in 0..rounds {
            let damaged = mutate(&bytes, &mut random);
            let parsed = parse(&damaged, &edge, &plan);
            let what = format!("{} round {round}", path.display());
            if parsed.source.format.is_none()
                || !matches!(parsed.source.encoding, Some("utf-16le" | "utf-16be"))
            {
                sound_text(&what, &parsed);
            }
        }
    }
}

/// As [`sound`], where damage may change the encoding and with it the number of bytes.
fn sound_text(what: &str, parsed: &Parsed) {
    let l = &parsed.source.ledger;
    assert_eq!(
        l.understood + l.ignored + l.not_understood + l.unreadable,
        l.bytes,
        "{what}"
    );
    let fault = parsed
        .issues
        .iter()
        .find(|issue| issue.code == "internal_error");
    assert!(fault.is_none(), "{what}: {}", fault.unwrap().text);
}

/// The whole pipeline with all writers, and the output gate behind it.
#[test]
fn whole_runs_on_damaged_days() {
    let catalogue = tapscope::attribute::Catalogue::load(&[]).unwrap();
    let mut random = Random(7);
    let samples = samples();
    struct Silent;
    impl tapscope::Observer for Silent {
        fn total(&self, _: u64) {}
        fn advance(&self, _: u64) {}
        fn stage(&self, _: &str) {}
    }
    let rounds = if long() { 400 } else { 4 };
    for round in 0..rounds {
        let parent = tempfile::tempdir().unwrap();
        let input = parent.path().join("input");
        std::fs::create_dir(&input).unwrap();
        for n in 0..12 {
            let (path, bytes) = &samples[random.below(samples.len())];
            let name = path.file_name().unwrap().to_string_lossy();
            std::fs::write(
                input.join(format!("{n}-{name}")),
                mutate(bytes, &mut random),
            )
            .unwrap();
        }
        let plan = plan(&[&input]);
        let analysis = tapscope::analyze(&plan, &catalogue, &Silent).unwrap();
        let fault = analysis
            .issues
            .iter()
            .find(|issue| issue.code == "internal_error");
        assert!(fault.is_none(), "round {round}: {}", fault.unwrap().text);
        let out = parent.path().join("out");
        tapscope::report::write(&analysis, &catalogue, &plan, &out, false).unwrap();
    }
}

/// Rules that a user wrote, damaged anywhere: named or taken, never a crash, and bounded.
#[test]
fn damaged_rules_are_named() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut files: Vec<PathBuf> = std::fs::read_dir(rules)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let mut random = Random(31);
    let (mut refused, rounds) = (0, if long() { 5000 } else { 60 });
    for _ in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let text = std::fs::read(&files[random.below(files.len())]).unwrap();
        std::fs::write(folder.path().join("MINE.toml"), mutate(&text, &mut random)).unwrap();
        let loaded = std::panic::catch_unwind(|| {
            tapscope::attribute::Catalogue::load(&[folder.path().to_path_buf()]).is_err()
        });
        refused += u32::from(loaded.expect("no rule stops the program"));
    }
    assert!(refused > 0, "no damage was noticed: the test shows nothing");
}

/// A reader that panics stands for any fault of the program: it costs one source, and is named with its place.
#[test]
fn a_panic_costs_one_source() {
    struct Faulty;
    impl Read for Faulty {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("cannot read 4111111111111111")
        }
    }
    tapscope::cli::say_where_only();
    let head = b"07-15 10:56:49.152   889  6213 D Tag: transaction\n".repeat(4);
    let info = StreamInfo {
        path: Text::new("memory"),
        member: false,
        size: None,
        file: None,
        head: &head,
    };
    let edge = Edge::new(None);
    let plan = plan(&[]);
    // The second read is that of what is left: it must not panic again.
    struct Once(bool);
    impl Read for Once {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Ok(0);
            }
            Faulty.read(buffer)
        }
    }
    let parsed = stream(
        &info,
        &mut Once(false),
        &plan,
        &edge,
        &Spill::unbounded(),
        &|_| {},
    );
    let issue = parsed
        .issues
        .iter()
        .find(|i| i.code == "internal_error")
        .unwrap();
    assert!(issue.text.contains("hostile.rs:"), "{}", issue.text);
    assert!(!issue.text.contains("4111"), "{}", issue.text);
    assert_eq!(parsed.source.status, tapscope::event::SourceStatus::Damaged);
}

fn run(input: &Path, more: &[&str]) -> (Option<i32>, Vec<Vec<String>>, String) {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    let output = analyze(&[input], &out, more);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let issues = rows(&out, "SELECT code, count, text FROM issues");
    (output.status.code(), issues, words)
}

fn gzip(bytes: &mut dyn Read) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(bytes, &mut out).unwrap();
    out.finish().unwrap()
}

#[test]
fn bombs_stop_at_their_limit() {
    let parent = tempfile::tempdir().unwrap();
    let zeros = || std::io::repeat(0).take(300 << 20);
    let bombs: Vec<(&str, Vec<u8>)> = vec![
        ("bomb.gz", gzip(&mut zeros())),
        ("bomb.zst", zstd::encode_all(zeros(), 1).unwrap()),
    ];
    for (name, bytes) in bombs {
        let path = parent.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let start = Instant::now();
        let (code, issues, words) = run(&path, &[]);
        assert_eq!(code, Some(3), "{name}");
        assert!(
            issues.iter().any(|row| row[0] == "decompress_limit"),
            "{name}: {issues:?}"
        );
        assert!(words.contains("limits met: 1 decompress_limit"), "{words}");
        assert!(
            start.elapsed().as_secs() < 60,
            "{name} took {:?}",
            start.elapsed()
        );
    }
    // Another bound, met earlier.
    let path = parent.path().join("bomb.gz");
    let (_, issues, _) = run(&path, &["--limit", "member_bytes=1M"]);
    assert!(
        issues
            .iter()
            .any(|row| row[2].contains("more than 1048576 bytes")),
        "{issues:?}"
    );
}

#[test]
fn nesting_and_numbers_of_members_end_somewhere() {
    let parent = tempfile::tempdir().unwrap();
    let line = b"07-15 10:56:49.152   889  6213 D PosEngine: transaction failed\n".repeat(9);
    let mut nested = line.clone();
    for _ in 0..5 {
        nested = gzip(&mut nested.as_slice());
    }
    let path = parent.path().join("nested.gz");
    std::fs::write(&path, nested).unwrap();
    let (code, issues, _) = run(&path, &[]);
    assert_eq!(code, Some(3));
    assert!(
        issues.iter().any(|row| row[0] == "archive_depth"),
        "{issues:?}"
    );
    // Deeper, where the user wants so.
    let (code, issues, _) = run(&path, &["--limit", "archive_depth=6"]);
    assert_eq!(code, Some(0), "{issues:?}");

    let many = parent.path().join("many.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&many).unwrap());
    for n in 0..300 {
        zip.start_file(
            format!("../../{n}.log"),
            zip::write::SimpleFileOptions::default(),
        )
        .unwrap();
        zip.write_all(&line).unwrap();
    }
    zip.finish().unwrap();
    for (limit, code) in [
        ("archive_members=100", "archive_members"),
        ("archive_bytes=20K", "archive_bytes"),
    ] {
        let (exit, issues, words) = run(&many, &["--limit", limit]);
        assert_eq!(exit, Some(3));
        assert!(issues.iter().any(|row| row[0] == code), "{issues:?}");
        assert!(words.contains("limits met"), "{words}");
    }
    // Names of members lead nowhere.
    let names: Vec<_> = std::fs::read_dir(parent.path()).unwrap().collect();
    assert_eq!(names.len(), 2);
}

#[test]
fn endless_lines_take_linear_time_and_little_memory() {
    let parent = tempfile::tempdir().unwrap();
    let size: usize = if long() { 1 << 30 } else { 48 << 20 };
    for (name, byte) in [
        ("line", b'x'),
        ("braces", b'{'),
        ("zeros", 0),
        ("empty-lines", b'\n'),
        ("digits", b'4'),
    ] {
        let path = parent.path().join(name);
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
        file.write_all(b"07-15 10:56:49.152   889  6213 D PosEngine: transaction failed\n")
            .unwrap();
        std::io::copy(&mut std::io::repeat(byte).take(size as u64), &mut file).unwrap();
        drop(file);
        let start = Instant::now();
        let (code, issues, _) = run(&path, &[]);
        assert!(matches!(code, Some(0 | 3)), "{name}: {code:?}");
        if byte != b'\n' && byte != 0 {
            assert!(
                issues.iter().any(|row| row[0] == "line_too_long"),
                "{name}: {issues:?}"
            );
        }
        assert!(
            start.elapsed().as_secs() < 60,
            "{name} took {:?}",
            start.elapsed()
        );
        std::fs::remove_file(&path).unwrap();
    }
}

/// Links in circles, one file under several names, and names that would draw on a terminal.
#[cfg(unix)]
#[test]
fn folders_of_all_kinds() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    let parent = tempfile::tempdir().unwrap();
    let input = parent.path().join("input");
    std::fs::create_dir_all(input.join("a/b")).unwrap();
    let line = b"07-15 10:56:49.152   889  6213 D PosEngine: transaction failed\n".repeat(9);
    symlink("../..", input.join("a/b/up")).unwrap();
    symlink("itself", input.join("itself")).unwrap();
    std::fs::write(input.join("first.log"), &line).unwrap();
    std::fs::hard_link(input.join("first.log"), input.join("second.log")).unwrap();
    for name in [
        &b"line\nbreak.log"[..],
        b"\x1b[31mred.log",
        b"\xFF\xFE.log",
        &[b'n'; 255],
    ] {
        std::fs::write(input.join(std::ffi::OsStr::from_bytes(name)), &line).unwrap();
    }
    let outside = parent.path().join("outside.log");
    std::fs::write(&outside, &line).unwrap();
    symlink(&outside, input.join("link.log")).unwrap();
    let mut deep = input.clone();
    for _ in 0..200 {
        deep.push("d");
    }
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("deep.log"), &line).unwrap();
    let out = parent.path().join("out");
    let output = analyze(&[&input], &out, &["-v"]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!words.contains('\u{1b}'), "{words}");
    let paths = rows(&out, "SELECT path, status FROM sources");
    let read = paths.iter().filter(|row| row[1] == "ok").count();
    // One of two hard links, four odd names, the linked one (also inside the sandbox), the deep one.
    assert_eq!(read, 7, "{paths:?}");
    assert!(paths.iter().all(|row| !row[0].contains(['\n', '\u{1b}'])));
}
