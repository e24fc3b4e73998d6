//! Runs that are stopped, killed, or run out of disk at any moment: the output is whole or absent, and the inputs are what they were.
//! `TAPSCOPE_LONG=1` tries 200 moments of each kind.
#![cfg(unix)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{analyze, names, sample_day, tapscope, verified};

fn moments() -> u32 {
    if std::env::var_os("TAPSCOPE_LONG").is_some() {
        200
    } else {
        10
    }
}

/// How long a whole run takes here.
fn whole_run(input: &Path, folder: &Path) -> Duration {
    let start = Instant::now();
    let output = analyze(&[input], &folder.join("first"), &[]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    start.elapsed()
}

/// Starts a run and sends it a signal after a while; gives its exit code, `None` where the signal killed it.
fn stopped(input: &Path, out: &Path, signal: &str, after: Duration, more: &[&str]) -> Option<i32> {
    let mut child = tapscope()
        .arg("analyze")
        .arg(input)
        .arg("--out")
        .arg(out)
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    let _ = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .stderr(Stdio::null())
        .status();
    child.wait().unwrap().code()
}

#[test]
fn killed_at_any_moment() {
    let parent = tempfile::tempdir().unwrap();
    let day = sample_day();
    let takes = whole_run(&day, parent.path());
    let place = parent.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let out = place.join("out");
    let mut killed = 0;
    for moment in 0..moments() {
        let after = takes.mul_f64(f64::from(moment + 1) / f64::from(moments()) * 1.1);
        let code = stopped(&day, &out, "-KILL", after, &["--force"]);
        killed += u32::from(code.is_none());
        // Whole or absent: once one has come through, there is one at every later moment.
        if out.exists() {
            assert!(verified(&out), "after {after:?}");
        }
        let left: Vec<String> = names(&place).into_iter().filter(|n| n != "out").collect();
        for name in &left {
            assert!(name.starts_with(".tapscope-"), "{name}");
        }
        if let Some(name) = left.first() {
            let again = analyze(&[&day], &out, &["--force"]);
            let words = String::from_utf8_lossy(&again.stderr).into_owned();
            assert!(
                words.contains("left over") && words.contains(name),
                "{words}"
            );
            assert!(place.join(name).exists(), "nothing is removed unasked");
            std::fs::remove_dir_all(place.join(name)).unwrap();
            assert!(verified(&out));
            assert_eq!(names(&place), ["out"], "a run that ends cleans up");
        }
    }
    assert!(killed > 0, "no run was killed: the test shows nothing");
    // verify has hashed the inputs each time: they are what they were.
    assert!(verified(&parent.path().join("first")));
}

#[test]
fn interrupted_at_any_moment() {
    let parent = tempfile::tempdir().unwrap();
    let day = sample_day();
    let takes = whole_run(&day, parent.path());
    let place = parent.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let mut stopped_early = 0;
    for moment in 0..moments() {
        let signal = ["-INT", "-TERM", "-HUP"][moment as usize % 3];
        let after = takes.mul_f64(f64::from(moment + 1) / f64::from(moments()) * 1.1);
        let out = place.join(format!("out{moment}"));
        match stopped(&day, &out, signal, after, &[]) {
            Some(130) => {
                stopped_early += 1;
                assert!(names(&place).is_empty(), "{:?}", names(&place));
            }
            Some(0 | 3) => {
                assert!(verified(&out));
                std::fs::remove_dir_all(&out).unwrap();
            }
            // Before it watches for signals there is nothing to clean up.
            None => assert!(names(&place).is_empty(), "{:?}", names(&place)),
            other => panic!("{signal} after {after:?}: {other:?}"),
        }
    }
    assert!(
        stopped_early > 0,
        "no run was interrupted: the test shows nothing"
    );
}

/// No file may grow beyond so many blocks: what a full disk does, at any size.
#[test]
fn a_full_disk_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let day = sample_day();
    let mut refused = 0;
    for blocks in [0, 1, 8, 16, 64, 128, 256, 100_000] {
        let out = parent.path().join(format!("out{blocks}"));
        let script = format!("ulimit -f {blocks}; exec \"$0\" analyze \"$1\" --out \"$2\"");
        let output = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_tapscope")])
            .args([&day, &out])
            .env("TZ", "UTC")
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(1) => {
                refused += 1;
                assert!(words.contains(".tapscope-"), "the file is named: {words}");
                assert!(!out.exists());
            }
            Some(0 | 3) => {
                assert!(verified(&out));
                std::fs::remove_dir_all(&out).unwrap();
            }
            other => panic!("{blocks}: {other:?}: {words}"),
        }
        assert!(
            names(parent.path()).is_empty(),
            "{:?}",
            names(parent.path())
        );
    }
    assert!(
        refused >= 3,
        "the limit was never met: the test shows nothing"
    );
}

/// A real file system of a few megabytes, where this user may mount one.
#[test]
fn a_small_file_system() {
    let parent = tempfile::tempdir().unwrap();
    let disk = parent.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    struct Mounted(PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(&self.0).status();
        }
    }
    for size in ["64k", "256k", "512k", "64m"] {
        let option = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &option, "tmpfs"])
            .arg(&disk)
            .stderr(Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: no file system can be mounted here");
            return;
        }
        let _mounted = Mounted(disk.clone());
        let out = disk.join("out");
        let output = analyze(&[&sample_day()], &out, &[]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        if size == "64m" {
            assert!(verified(&out), "{words}");
        } else {
            assert_eq!(output.status.code(), Some(1), "{words}");
            assert!(words.to_lowercase().contains("no space"), "{words}");
            assert!(names(&disk).is_empty(), "{:?}", names(&disk));
        }
    }
}

/// A file whose reading fails costs itself and nothing else.
#[test]
fn read_errors_are_named() {
    if !Path::new("/proc/self/mem").exists() {
        eprintln!("SKIPPED: no file here whose reading fails");
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let good = parent.path().join("good.log");
    let line = "07-15 10:56:49.152   889  6213 D PosEngine: transaction failed, stan=000123\n";
    std::fs::write(&good, line.repeat(20)).unwrap();
    let gone = parent.path().join("gone.log");
    let out = parent.path().join("out");
    let output = analyze(&[&good, Path::new("/proc/self/mem"), &gone], &out, &[]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{words}");
    assert!(
        words.contains("/proc/self/mem") && words.contains("gone.log"),
        "{words}"
    );
    let status = common::rows(&out, "SELECT path, status FROM sources ORDER BY path");
    let of = |name: &str| {
        let row = status.iter().find(|row| row[0].ends_with(name)).unwrap();
        row[1].clone()
    };
    assert_ne!(of("mem"), "ok");
    assert_eq!(of("gone.log"), "unreadable");
    assert_eq!(of("good.log"), "ok");
}
