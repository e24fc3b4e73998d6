//! What a run vouches for: hashes, options and limits in the manifest; `verify` finds every change.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use common::{analyze, key_file, sample_day, tapscope};

fn verify(dir: &Path, more: &[&str]) -> (i32, String) {
    let output = tapscope()
        .arg("verify")
        .arg(dir)
        .args(more)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

fn manifest(dir: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(dir.join("manifest.json")).unwrap()).unwrap()
}

/// A plain log, a gzip, a tar and a zip of two, in a folder.
fn inputs(folder: &Path) -> PathBuf {
    let input = folder.join("input");
    std::fs::create_dir(&input).unwrap();
    let log =
        "07-15 10:56:49.152   889  6213 D PosEngine: transaction failed, stan=000123\n".repeat(40);
    std::fs::write(input.join("plain.log"), &log).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(log.as_bytes()).unwrap();
    std::fs::write(input.join("packed.log.gz"), gzip.finish().unwrap()).unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(input.join("two.zip")).unwrap());
    for name in ["a.log", "deep/b.log"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(format!("{name}\n{log}").as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    input
}

#[test]
fn verify_finds_every_change() {
    let parent = tempfile::tempdir().unwrap();
    let input = inputs(parent.path());
    let out = parent.path().join("out");
    analyze(&[&input], &out, &["--custody"]);
    let (code, text) = verify(&out, &[]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("10 outputs") && text.contains("4 inputs"),
        "{text}"
    );

    // One bit of each file of the folder, one after the other.
    let mut names: Vec<PathBuf> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("manifest.json"))
        .collect();
    names.sort();
    for path in names {
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let (code, text) = verify(&out, &["--outputs-only"]);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("changed") && text.contains(name), "{text}");
        std::fs::remove_file(&path).unwrap();
        assert!(verify(&out, &["--outputs-only"]).1.contains("missing"));
        std::fs::write(&path, whole).unwrap();
    }
    std::fs::write(out.join("extra.csv"), "put here").unwrap();
    let (code, text) = verify(&out, &[]);
    assert_eq!(code, 1);
    assert!(
        text.contains("unexpected") && text.contains("extra.csv"),
        "{text}"
    );
    std::fs::remove_file(out.join("extra.csv")).unwrap();
    assert_eq!(verify(&out, &[]).0, 0);

    // An input that changes, in each kind of wrapping, and one that goes away.
    let zip = input.join("two.zip");
    let whole = std::fs::read(&zip).unwrap();
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&zip).unwrap());
    for (name, text) in [("a.log", "other"), ("deep/b.log", "things")] {
        writer
            .start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    let (code, text) = verify(&out, &[]);
    assert_eq!(code, 1);
    assert!(
        text.contains("two.zip!a.log") && text.contains("two.zip!deep/b.log"),
        "{text}"
    );
    std::fs::write(&zip, whole).unwrap();
    assert_eq!(verify(&out, &[]).0, 0);
    std::fs::remove_file(input.join("packed.log.gz")).unwrap();
    let (code, text) = verify(&out, &[]);
    assert_eq!(code, 1);
    assert!(
        text.contains("missing") && text.contains("packed.log.gz"),
        "{text}"
    );
    assert_eq!(verify(&out, &["--outputs-only"]).0, 0);
}

#[test]
fn a_manifest_that_was_tampered_with_opens_nothing_else() {
    let parent = tempfile::tempdir().unwrap();
    let input = inputs(parent.path());
    let out = parent.path().join("out");
    analyze(&[&input], &out, &[]);
    std::fs::write(parent.path().join("other"), "x").unwrap();
    let text = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    std::fs::write(
        out.join("manifest.json"),
        text.replace("\"report.html\"", "\"../other\""),
    )
    .unwrap();
    let (code, text) = verify(&out, &["--outputs-only"]);
    assert_eq!(code, 1);
    assert!(text.contains("missing: output ../other"), "{text}");
}

#[test]
fn the_manifest_says_how_it_was_done() {
    let parent = tempfile::tempdir().unwrap();
    let input = inputs(parent.path());
    let key = key_file(parent.path());
    let out = parent.path().join("out");
    let key = key.to_str().unwrap();
    analyze(
        &[&input],
        &out,
        &[
            "--custody",
            "--pan-key",
            key,
            "--limit",
            "archive-depth=2",
            "--limit",
            "line_bytes=2M",
        ],
    );
    let made = manifest(&out);
    assert_eq!(made["limits"]["archive_depth"], 2);
    assert_eq!(made["limits"]["line_bytes"], 2 << 20);
    assert_eq!(made["key_id"].as_str().unwrap().len(), 8);
    assert!(made["run"]["started"].as_str().unwrap().ends_with('Z'));
    assert!(made["run"]["arguments"].as_array().unwrap().len() > 3);
    let plain = std::fs::read(input.join("plain.log")).unwrap();
    let recorded = made["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["path"].as_str().unwrap().ends_with("plain.log"))
        .unwrap();
    assert_eq!(recorded["blake3"], blake3::hash(&plain).to_hex().as_str());
    let sha256 = {
        use sha2::Digest as _;
        sha2::Sha256::digest(&plain)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    assert_eq!(recorded["sha256"], sha256);
    for file in made["outputs"].as_array().unwrap() {
        assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
    }
    // The secret itself is nowhere.
    let secret = common::KEY.trim();
    for entry in std::fs::read_dir(&out).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(
            !String::from_utf8_lossy(&bytes)
                .to_lowercase()
                .contains(secret)
        );
    }
}

#[test]
fn reproducible_runs_are_equal_to_the_last_byte() {
    let parent = tempfile::tempdir().unwrap();
    let day = sample_day();
    let outs = ["a", "b"].map(|name| {
        let out = parent.path().join(name);
        analyze(&[&day], &out, &["--reproducible", "--custody"]);
        std::fs::read(out.join("manifest.json")).unwrap()
    });
    assert_eq!(outs[0], outs[1]);
    assert!(manifest(&parent.path().join("a"))["run"].is_null());
}

#[test]
fn wrong_limits_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let input = inputs(parent.path());
    for wrong in ["wishes=3", "line_bytes", "line_bytes=many", "line_bytes=0"] {
        let output = analyze(&[&input], &parent.path().join("out"), &["--limit", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            text.contains("archive_members"),
            "the names are told: {text}"
        );
    }
    let config = parent.path().join("config.toml");
    std::fs::write(&config, "[limits]\nline_bytes = \"4M\"\nflows = 1000\n").unwrap();
    let out = parent.path().join("out");
    analyze(
        &[&input],
        &out,
        &[
            "--config",
            config.to_str().unwrap(),
            "--limit",
            "flows=2000",
        ],
    );
    let limits = &manifest(&out)["limits"];
    assert_eq!(limits["line_bytes"], 4 << 20);
    assert_eq!(limits["flows"], 2000, "the command line wins");
}

#[test]
fn a_new_key_is_secret_and_never_overwritten() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("pan.key");
    let make = || tapscope().args(["key", "new"]).arg(&path).output().unwrap();
    let made = make();
    assert_eq!(made.status.code(), Some(0));
    let secret = std::fs::read_to_string(&path).unwrap();
    assert_eq!(secret.trim().len(), 64);
    for said in [&made.stdout, &made.stderr] {
        assert!(!String::from_utf8_lossy(said).contains(secret.trim()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = make();
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), secret);
    // It is taken; and without one the run says what tokens are worth.
    let input = inputs(parent.path());
    let out = parent.path().join("out");
    let with = analyze(&[&input], &out, &["--pan-key", path.to_str().unwrap()]);
    let words = String::from_utf8_lossy(&with.stderr).into_owned();
    assert!(!words.contains("for this run only"), "{words}");
    let without = analyze(&[&input], &out, &["--force"]);
    let words = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(words.contains("for this run only"), "{words}");
}

/// An input that changes while it is read is named.
#[test]
fn a_changing_input_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("growing.log");
    let line = "07-15 10:56:49.152   889  6213 D PosEngine: transaction started\n";
    std::fs::write(&path, line.repeat(400_000)).unwrap();
    let out = parent.path().join("out");
    let growing = path.clone();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let halt = stop.clone();
    let writer = std::thread::spawn(move || {
        while !halt.load(std::sync::atomic::Ordering::Relaxed) {
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .open(&growing)
                .unwrap();
            file.write_all(line.as_bytes()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
    let output = analyze(&[&path], &out, &[]);
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let issues = common::rows(&out, "SELECT code, text FROM issues");
    assert!(
        issues
            .iter()
            .any(|row| row[0] == "changed_while_read" && row[1].contains("grew")),
        "{issues:?}"
    );
    assert_eq!(
        verify(&out, &[]).0,
        1,
        "what was read is not what stands there now"
    );
}
