//! D: disks that are full, files that cannot be read or change, terminals and environments that are odd, faults of the program itself.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{LINE, Random, analyze, common, figure, issues, long, made, names, verified, watched};
use tapscope::decode::StreamInfo;
use tapscope::event::{Spill, Text};
use tapscope::parse::edge::Edge;
use tapscope::parse::{Parsed, stream};
use tapscope::plan::Plan;

/// A file system in memory, taken away when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, kib: usize) -> Option<Self> {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|status| status.success())
            .then(|| Self(at.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn d1_disks_of_many_sizes() {
    let parent = tempfile::tempdir().unwrap();
    let at = parent.path().join("disk");
    std::fs::create_dir(&at).unwrap();
    let day = common::sample_day();
    let sizes = if long() { 50 } else { 8 };
    let (mut full, mut whole) = (0, 0);
    for n in 0..sizes {
        // Most of the sizes lie where writing really ends in the middle.
        let kib = 16 + n * 1500 / sizes + (n * n * 64) % 97;
        let Some(_disk) = Disk::mount(&at, kib) else {
            eprintln!("SKIPPED: D1: no file system can be mounted here");
            return;
        };
        let out = at.join("out");
        let run = watched(analyze(&day, &out, &[]));
        let words = run.words();
        match run.code() {
            Some(0 | 3) => {
                whole += 1;
                assert!(verified(&out), "{kib} KiB");
            }
            Some(1) => {
                full += 1;
                assert!(
                    words.to_lowercase().contains("no space") && words.contains("disk"),
                    "{kib} KiB: {words}"
                );
                assert!(names(&at).is_empty(), "{kib} KiB: {:?}", names(&at));
            }
            other => panic!("{kib} KiB: {other:?} {words}"),
        }
    }
    assert!(
        full > 0 && whole > 0,
        "{full} full, {whole} whole: the sizes show nothing"
    );
    figure(
        "D1",
        "50 sizes: path named, partial folder removed",
        &format!(
            "{sizes} sizes: {full} full disks named and left empty, {whole} whole and verified"
        ),
    );
    // What cannot be written to a pipe or a device.
    for words in [
        &["query", "--format", "csv"][..],
        &["inspect"],
        &["causes"],
        &["formats"],
        &["decode", "apdu", "00A4040007A0000000041010"],
    ] {
        let out = parent.path().join("out");
        if !out.exists() {
            common::analyze(&[&day], &out, &[]);
        }
        let mut command = common::tapscope();
        command.args(words);
        match words[0] {
            "query" => drop(command.arg(&out).arg("SELECT * FROM events")),
            "inspect" => drop(command.arg(&out).arg("interface=contactless")),
            _ => {}
        }
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = command
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(
            said.to_lowercase().contains("no space"),
            "{words:?}: {said}"
        );
    }
}

fn parse(head: &[u8], reader: &mut dyn Read) -> Parsed {
    let info = StreamInfo {
        path: Text::new("memory.log"),
        member: false,
        size: None,
        file: None,
        head: &head[..head.len().min(64 << 10)],
    };
    let plan = Plan {
        year: Some(2026),
        ..Plan::default()
    };
    stream(
        &info,
        reader,
        &plan,
        &Edge::new(Some([1; 32])),
        &Spill::unbounded(),
        &|_| {},
    )
}

/// Gives what it has in small pieces, and breaks at a place. (What interrupts is dealt with before: `decode`'s own reader.)
struct Shim<'a> {
    bytes: &'a [u8],
    at: usize,
    breaks: Option<usize>,
    random: Random,
}

impl Read for Shim<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let end = self.breaks.unwrap_or(self.bytes.len());
        if self.at >= end && self.breaks.is_some() {
            return Err(std::io::Error::from_raw_os_error(5));
        }
        let n = (1 + self.random.below(700))
            .min(buffer.len())
            .min(end - self.at);
        buffer[..n].copy_from_slice(&self.bytes[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[test]
fn d3_short_reads_change_nothing_and_errors_end_a_source() {
    let day = common::sample_day();
    let files = super::net::files(&day);
    let mut tried = 0;
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&day)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    folders.sort();
    let inside = folders.iter().flat_map(|folder| super::net::files(folder));
    for path in files
        .into_iter()
        .chain(inside)
        .filter(|path| {
            path.extension().is_some_and(|e| {
                e == "log" || e == "txt" || e == "trace" || e == "pcap" || e == "pcapng"
            })
        })
        .take(if long() { 400 } else { 12 })
    {
        let bytes = std::fs::read(&path).unwrap();
        let whole = parse(&bytes, &mut &bytes[..]);
        let mut shim = Shim {
            bytes: &bytes,
            at: 0,
            breaks: None,
            random: Random(0xD3),
        };
        let short = parse(&bytes, &mut shim);
        assert_eq!(
            short.source.ledger,
            whole.source.ledger,
            "{}",
            path.display()
        );
        assert_eq!(short.events.len(), whole.events.len(), "{}", path.display());
        assert_eq!(format!("{:?}", short.issues), format!("{:?}", whole.issues));
        for part in [0, 1, bytes.len() / 3, bytes.len() - 1] {
            let mut shim = Shim {
                bytes: &bytes,
                at: 0,
                breaks: Some(part),
                random: Random(0xD3),
            };
            let broken = parse(&bytes[..part], &mut shim);
            assert!(broken.events.len() <= whole.events.len() + 3);
            assert_eq!(
                broken.source.ledger.bytes,
                part as u64,
                "{} broken at {part}",
                path.display()
            );
            tried += 1;
        }
    }
    figure(
        "D3",
        "counted with offset; other files go on; no SIGBUS",
        &format!("{tried} read errors end a source where they stand, short reads change nothing"),
    );
}

/// Files that are cut, removed, replaced, emptied or made unreadable while they are read.
#[test]
fn d3_files_that_change_under_the_reader() {
    let parent = tempfile::tempdir().unwrap();
    let (good, bad) = (
        parent.path().join("in/good.log"),
        parent.path().join("in/bad.log"),
    );
    std::fs::create_dir(parent.path().join("in")).unwrap();
    std::fs::write(&good, LINE.repeat(20)).unwrap();
    let moments = if long() { 40 } else { 1 };
    let (mut told, mut runs) = (0, 0);
    for what in ["cut", "emptied", "removed", "replaced"] {
        for moment in 0..moments {
            std::fs::write(&bad, LINE.repeat(250_000)).unwrap();
            let out = parent.path().join("out");
            let mut child = analyze(&parent.path().join("in"), &out, &["--force"])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // Not before it is open, and then a little later each time.
            let open = format!("/proc/{}/fd", child.id());
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none() {
                let links = std::fs::read_dir(&open).into_iter().flatten().flatten();
                let mut links = links.filter_map(|link| std::fs::read_link(link.path()).ok());
                if links.any(|link| link == bad) {
                    break;
                }
            }
            std::thread::sleep(Duration::from_millis(60 * moment / moments));
            match what {
                "cut" | "emptied" => {
                    let file = std::fs::OpenOptions::new().write(true).open(&bad).unwrap();
                    file.set_len(if what == "cut" { 1_000_003 } else { 0 })
                        .unwrap();
                }
                "removed" => std::fs::remove_file(&bad).unwrap(),
                _ => {
                    std::fs::write(parent.path().join("new"), LINE).unwrap();
                    std::fs::rename(parent.path().join("new"), &bad).unwrap();
                }
            }
            let mut words = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut words)
                .unwrap();
            let status = child.wait().unwrap();
            runs += 1;
            let before = told;
            assert!(
                matches!(status.code(), Some(0 | 3)),
                "{what}: {status:?} {words}"
            );
            let rows = common::rows(
                &out,
                "SELECT path, status FROM sources WHERE path LIKE '%good.log'",
            );
            assert_eq!(rows[0][1], "ok", "{what}: other files go on");
            let codes = issues(&out);
            let named = [
                "changed_while_read",
                "read_error",
                "not_found",
                "unreadable",
            ];
            told += u32::from(codes.iter().any(|(code, _)| named.contains(&code.as_str())));
            // Read as it was before or as it is since: whole either way. Else it is told.
            let bytes = common::number(&out, "SELECT bytes FROM sources WHERE path LIKE '%bad.log'")
                as usize;
            let states = [250_000 * LINE.len(), 1_000_003, 0, LINE.len()];
            assert!(
                told > before || states.contains(&bytes),
                "{what}: {bytes} bytes read, and no word: {codes:?} {words}"
            );
        }
    }
    assert!(
        told > 0,
        "only {told} of {runs} changes fell into the reading"
    );
    figure(
        "D3",
        "no SIGBUS; the change is named",
        &format!(
            "{runs} files cut, emptied, removed or replaced while read: {told} named, the others read whole as they were before or after"
        ),
    );
    // Not allowed to be read: where a user without rights can be had.
    std::fs::write(&bad, LINE).unwrap();
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o0);
    std::fs::set_permissions(&bad, mode).unwrap();
    if std::fs::File::open(&bad).is_ok() {
        eprintln!("SKIPPED: D3: this user may read everything (root): no file without permission");
    } else {
        let out = parent.path().join("out");
        let run = watched(analyze(&parent.path().join("in"), &out, &["--force"]));
        assert_eq!(run.code(), Some(3));
        assert!(run.words().contains("bad.log"), "{}", run.words());
    }
}

/// Every command in odd surroundings ends by itself and without a fault of the program.
#[test]
fn d4_odd_surroundings() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    let day = common::sample_day();
    common::analyze(&[&day], &out, &[]);
    let tx = common::rows(&out, "SELECT tx_id FROM transactions")[0][0].clone();
    let program = env!("CARGO_BIN_EXE_tapscope");
    let (out_word, day_word) = (out.display().to_string(), day.display().to_string());
    let commands: Vec<String> = vec![
        format!(
            "{program} analyze {day_word} --out {}/new --force",
            parent.path().display()
        ),
        format!("{program} inspect {out_word} {tx}"),
        format!("{program} query {out_word} 'SELECT * FROM events'"),
        format!("{program} query --format csv {out_word} 'SELECT * FROM events'"),
        format!("{program} causes"),
        format!("{program} formats"),
        format!("{program} compare {out_word} {out_word}"),
        format!("{program} decode tlv 6F0A8408A000000333010101"),
        format!("{program} scan {day_word}"),
        format!("{program} verify {out_word}"),
        format!("{program} config show"),
        format!("{program} --help"),
        format!("{program} completions bash"),
    ];
    let surroundings = [
        ("head", "", "| head -c 100"),
        ("true", "", "| true"),
        ("no stdin", "", "<&-"),
        ("no stdout", "", ">&-"),
        ("no stderr", "", "2>&-"),
        ("nothing open", "", "<&- >&- 2>&-"),
        ("no HOME", "unset HOME;", ""),
        ("HOME nowhere", "HOME=/nowhere/at/all;", ""),
        ("COLUMNS 0", "export COLUMNS=0 LINES=0;", ""),
        ("COLUMNS 1", "export COLUMNS=1 LINES=1;", ""),
        ("COLUMNS odd", "export COLUMNS=-7;", ""),
        ("TZ unset", "unset TZ;", ""),
        ("TZ odd", "export TZ=Mars/Olympus;", ""),
        ("TZ path", "export TZ=:/etc/passwd;", ""),
        ("LANG C", "export LANG=C LC_ALL=C;", ""),
        ("LANG odd", "export LANG=xx_YY.utf-99 LC_ALL=;", ""),
        ("TERM dumb", "export TERM=dumb;", ""),
        ("no TERM", "unset TERM;", ""),
        ("no PATH", "unset PATH;", ""),
        ("read-only folder", "cd /proc;", ""),
        (
            "folder that is gone",
            "d=$(mktemp -d); cd $d; rmdir $d;",
            "",
        ),
        ("TMPDIR nowhere", "export TMPDIR=/nowhere;", ""),
        ("few files", "ulimit -n 24;", ""),
        ("small stack", "ulimit -s 512;", ""),
    ];
    let mut runs = 0;
    let step = if long() { 1 } else { 12 };
    for (s, (name, before, after)) in surroundings.iter().enumerate() {
        for (c, command) in commands.iter().enumerate() {
            // In turn.
            if (s + c) % step != 0 {
                continue;
            }
            let words = parent.path().join("words");
            let script = format!(
                "{before} exec 9>{}; ({command} 2>&9 ; echo code=$? >&9) {after}",
                words.display()
            );
            let script = if after.contains("2>&-") {
                format!(
                    "{before} ({command} {after}; echo code=$? >{})",
                    words.display()
                )
            } else {
                script
            };
            let run = watched({
                let mut sh = Command::new("sh");
                sh.args(["-c", &script]);
                sh
            });
            let said = std::fs::read_to_string(&words).unwrap_or_default();
            let what = format!("{name}: {command}: {said}");
            assert!(
                !said.contains("internal error") && !said.contains("panicked"),
                "{what}"
            );
            let code: i32 = said
                .rsplit("code=")
                .next()
                .and_then(|c| c.trim().parse().ok())
                .unwrap_or_else(|| panic!("{what} {:?}", run.code()));
            assert!([0, 1, 2, 3].contains(&code), "{what}");
            let _ = std::fs::remove_file(&words);
            runs += 1;
            if long() || run.took.as_secs() > 10 {
                println!("     {:.1} s {name}: {command}", run.took.as_secs_f64());
            }
        }
    }
    figure(
        "D4",
        "no panic",
        &format!(
            "{runs} runs of {} commands in {} surroundings: none",
            commands.len(),
            surroundings.len()
        ),
    );
}

/// Screens of no or one column, by a real pseudo-terminal.
#[test]
fn d4_screens_of_no_width() {
    use super::pty::{Session, possible};
    if !possible() {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    common::analyze(&[&common::sample_day()], &out, &[]);
    let tx = common::rows(&out, "SELECT tx_id FROM transactions")[0][0].clone();
    let program = env!("CARGO_BIN_EXE_tapscope");
    for (columns, rows) in [(0, 0), (1, 1), (2, 1), (7, 3)] {
        for words in [
            format!("inspect out {tx}"),
            "query out 'SELECT * FROM transactions'".to_owned(),
            format!(
                "analyze {} --out new --force --progress always",
                common::sample_day().display()
            ),
        ] {
            let session = Session::start(
                &format!("{program} {words}"),
                parent.path(),
                columns,
                rows,
                &[("LANG", "C.UTF-8")],
            );
            let screen = std::sync::Arc::clone(&session.screen);
            let code = session.end();
            let raw = String::from_utf8_lossy(&screen.lock().unwrap().raw).into_owned();
            assert!(
                [0, 3].contains(&code),
                "{columns}x{rows} {words}: {code}: {raw}"
            );
            assert!(!raw.contains("internal error"), "{raw}");
        }
        let mut session = Session::start(
            &format!("{program} browse out"),
            parent.path(),
            columns,
            rows,
            &[("LANG", "C.UTF-8")],
        );
        std::thread::sleep(Duration::from_millis(400));
        // It may have refused such a screen and ended by itself.
        if session.alive() {
            session.press("jjq");
        }
        let screen = std::sync::Arc::clone(&session.screen);
        let code = session.end();
        let raw = String::from_utf8_lossy(&screen.lock().unwrap().raw).into_owned();
        assert!(
            !raw.contains("internal error"),
            "{columns}x{rows}: {code} {raw}"
        );
    }
}

const STAGES: &[&str] = &["find inputs", "read", "correlate", "attribute", "write"];

/// Not a test of its own: the program, with a fault put into one of its stages.
#[test]
#[ignore = "is run by the test below"]
fn fault() {
    if std::env::var_os("TAPSCOPE_FAULT_STAGE").is_none() {
        return;
    }
    let words = std::env::var("TAPSCOPE_FAULT_WORDS").unwrap();
    let words = words.split('\n').map(std::ffi::OsString::from);
    let code = tapscope::cli::run_watched(words, |stage| {
        let wanted = std::env::var("TAPSCOPE_FAULT_STAGE").unwrap_or_default();
        assert!(stage != wanted, "card 4111111111111111 in {stage}");
    });
    // `ExitCode` does not show itself; the caller looks at this word.
    println!("ended={code:?}");
}

#[test]
fn d5_a_fault_of_the_program_in_each_stage() {
    let parent = tempfile::tempdir().unwrap();
    let day = common::sample_day();
    let mut told = 0;
    for stage in STAGES {
        for old in [false, true] {
            let out = parent.path().join("out");
            if old {
                common::analyze(&[&day], &out, &["--force"]);
            }
            let words = [
                "tapscope",
                "analyze",
                day.to_str().unwrap(),
                "--out",
                out.to_str().unwrap(),
                "--force",
            ]
            .join("\n");
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args([
                    "--exact",
                    "faults::fault",
                    "--ignored",
                    "--nocapture",
                    "--test-threads=1",
                ])
                .env("TAPSCOPE_FAULT_STAGE", stage)
                .env("TAPSCOPE_FAULT_WORDS", words);
            let run = watched(command);
            let said = run.words() + &String::from_utf8_lossy(&run.output.stdout);
            assert!(
                said.contains("internal error at") && said.contains("faults.rs:"),
                "{stage}: {said}"
            );
            assert!(!said.contains("4111"), "{stage}: {said}");
            assert!(
                said.contains("ended=ExitCode(unix_exit_status(1))"),
                "{stage}: {said}"
            );
            // What stood there before stands there still.
            assert_eq!(out.exists(), old, "{stage}");
            assert!(!old || verified(&out), "{stage}");
            assert!(
                names(parent.path()).iter().all(|name| name == "out"),
                "{stage}: {:?}",
                names(parent.path())
            );
            if old {
                std::fs::remove_dir_all(&out).unwrap();
            }
            told += 1;
        }
    }
    // While writing: an analysis that cannot be.
    let mut broken = made::day(40);
    broken.correlated.attempts[7].events.push(u32::MAX - 7);
    let out = parent.path().join("out");
    let catalogue = tapscope::attribute::Catalogue::default();
    let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        tapscope::report::write(&broken, &catalogue, &made::plan(), &out, false).is_ok()
    }));
    assert!(
        !matches!(written, Ok(true)),
        "the broken analysis was written: the test shows nothing"
    );
    assert!(
        names(parent.path()).is_empty(),
        "{:?}",
        names(parent.path())
    );
    figure(
        "D5",
        "the run ends, other files reported (in reading: tests/hostile.rs)",
        &format!(
            "{told} runs with a fault in {}: place named, no value, exit code 1, the old output untouched; in mid-write nothing left",
            STAGES.join(", ")
        ),
    );
}

/// What reads our output may stop at any byte.
#[test]
fn d4_readers_that_stop() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    common::analyze(&[&common::sample_day()], &out, &[]);
    for bytes in [0, 1, 10, 4096, 5000, 70_000] {
        let mut child = common::tapscope()
            .args(["query", "--format", "csv"])
            .arg(&out)
            .arg("SELECT * FROM events")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut some = vec![0; bytes];
        let mut pipe = child.stdout.take().unwrap();
        let _ = pipe.read_exact(&mut some);
        drop(pipe);
        let mut words = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut words)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{bytes}: {words}");
        assert_eq!(words, "", "{bytes}");
    }
    // And what feeds us may stop as well.
    let mut child = common::tapscope()
        .args(["analyze", "-", "--out"])
        .arg(parent.path().join("piped"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let _ = pipe.write_all(&LINE.repeat(1000).as_bytes()[..40_001]);
    drop(pipe);
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 3)));
}
