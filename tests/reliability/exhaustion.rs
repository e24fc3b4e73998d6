//! C: inputs that would take all memory, all time or all names.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::{LINE, Random, analyze, common, figure, issues, long, names, verified, watched};
use crate::net::writer::{End, Writer, union_pay};

const CLIENT: End = ([10, 0, 0, 1], 40_000);
const HOST: End = ([203, 0, 113, 10], 5811);

/// A capture of one open connection, its data segments in a given order, then a real exchange of another terminal.
fn one_flow(path: &Path, segments: impl Iterator<Item = (u32, usize)>) {
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    let mut w = Writer::default();
    w.tcp(CLIENT, HOST, (999, 0), 2, &[]);
    w.tcp(HOST, CLIENT, (0, 1000), 0x12, &[]);
    let data = vec![b'a'; 1400];
    for (at, length) in segments {
        w.tcp(
            CLIENT,
            HOST,
            (1000_u32.wrapping_add(at), 1),
            0x18,
            &data[..length],
        );
        if w.file.len() > 1 << 20 {
            file.write_all(&w.file).unwrap();
            w.file.clear();
        }
    }
    let other: End = ([10, 99, 0, 1], 50_000);
    w.exchange(other, HOST, &union_pay(true, 7, 7), &union_pay(false, 7, 7));
    file.write_all(&w.file).unwrap();
}

#[test]
fn c3_one_flow_in_the_worst_order() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("flow.pcap");
    let (holes, single): (u32, u32) = if long() {
        (740_000, 1_000_000)
    } else {
        (20_000, 50_000)
    };
    let mut worst = (0, String::new());
    for (name, times) in [
        ("every 2nd missing", holes),
        ("backwards", holes),
        ("single bytes", single),
    ] {
        let mut seconds = Vec::new();
        for n in [times, 2 * times] {
            match name {
                "every 2nd missing" => one_flow(&path, (0..n).map(|k| (k * 2800, 1400))),
                "backwards" => one_flow(&path, (0..n).rev().map(|k| (k * 1400, 1400))),
                _ => one_flow(&path, (0..n).map(|k| (k, 1))),
            }
            let out = parent.path().join("out");
            let run = watched(analyze(&path, &out, &["--force"]));
            assert!(matches!(run.code(), Some(0 | 3)), "{name}: {}", run.words());
            assert!(run.mebibytes() <= 512, "{name}: {} MiB", run.mebibytes());
            let exchange =
                common::number(&out, "SELECT count(*) FROM events WHERE kind = 'iso8583'");
            assert_eq!(exchange, 2, "{name}: what comes after is still read");
            if name == "every 2nd missing" {
                let told = issues(&out);
                assert!(
                    told.iter().any(|(code, _)| code.starts_with("tcp_")),
                    "{told:?}"
                );
            }
            worst = worst.max((run.mebibytes(), name.to_owned()));
            seconds.push(run.took.as_secs_f64());
        }
        // The counts of instructions (tests/growth.rs) are the exact figure; this only excludes the square.
        assert!(seconds[1] < 3.5 * seconds[0] + 1.0, "{name}: {seconds:?}");
    }
    figure(
        "C3",
        "RSS <= 512 MiB, time linear",
        &format!(
            "{} MiB ({}), {} and {} segments, then twice as many",
            worst.0, worst.1, holes, single
        ),
    );
}

#[test]
#[ignore = "under work"]
fn c4_other_bombs_stop_at_their_limit() {
    let parent = tempfile::tempdir().unwrap();
    let zeros = |n: u64| std::io::Read::take(std::io::repeat(0), n);
    let size: u64 = if long() { 10 << 30 } else { 90 << 20 };
    let place = parent.path().join("in");
    std::fs::create_dir(&place).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 0);
    std::io::copy(&mut zeros(size), &mut xz).unwrap();
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    std::io::copy(&mut zeros(size.min(1 << 30)), &mut bz2).unwrap();
    // A member that says it has 8 GiB and has a line; PAX says so of another.
    let mut pax = Vec::new();
    let record = "19 size=9999999999\n";
    for (name, kind, body) in [("lie", b'x', record), ("a.log", b'0', LINE)] {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
        header[156] = kind;
        header[257..263].copy_from_slice(b"ustar\0");
        header[263..265].copy_from_slice(b"00");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        pax.extend(header);
        pax.extend(body.as_bytes());
        pax.resize(pax.len().next_multiple_of(512), 0);
    }
    pax.extend([0; 1024]);
    // As in 42.zip: the same zip in a zip in a zip, sixteen times each.
    let mut many = LINE.repeat(4000).into_bytes();
    for _ in 0..5 {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for n in 0..16 {
            zip.start_file(format!("{n}.zip"), zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(&many).unwrap();
        }
        many = zip.finish().unwrap().into_inner();
    }
    // A zip with very many members, each nothing.
    let mut crowd = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let members = if long() { 1_000_100 } else { 20_000 };
    for n in 0..members {
        crowd
            .start_file(format!("{n}"), zip::write::SimpleFileOptions::default())
            .unwrap();
    }
    let mut reached = Vec::new();
    for (name, bytes, limit, code) in [
        (
            "bomb.xz",
            xz.finish().unwrap(),
            "",
            Some("decompress_limit"),
        ),
        (
            "bomb.bz2",
            bz2.finish().unwrap(),
            "",
            Some("decompress_limit"),
        ),
        ("lie.tar", pax, "", None),
        ("42.zip", many, "", Some("archive_depth")),
        (
            "crowd.zip",
            crowd.finish().unwrap().into_inner(),
            if long() { "" } else { "archive_members=10000" },
            Some("archive_members"),
        ),
    ] {
        let path = place.join(name);
        std::fs::write(&path, bytes).unwrap();
        let out = parent.path().join("out");
        let limit: Vec<&str> = if limit.is_empty() {
            vec![]
        } else {
            vec!["--limit", limit]
        };
        let run = watched(analyze(&path, &out, &[&["--force"], &limit[..]].concat()));
        assert_eq!(run.code(), Some(3), "{name}: {}", run.words());
        let told = issues(&out);
        if let Some(code) = code {
            assert!(told.iter().any(|(c, _)| c == code), "{name}: {told:?}");
        } else {
            assert!(!told.is_empty(), "{name}");
        }
        if name != "crowd.zip" {
            assert!(run.mebibytes() <= 256, "{name}: {} MiB", run.mebibytes());
        }
        reached.push(format!(
            "{name} {:.1} s {} MiB",
            run.took.as_secs_f64(),
            run.mebibytes()
        ));
        std::fs::remove_file(&path).unwrap();
        assert!(names(&place).is_empty(), "nothing is unpacked to disk");
    }
    figure(
        "C4",
        "stop at the limit in 5 s, RSS <= 256 MiB, no file made",
        &reached.join(", "),
    );
}

/// A simulated day of so many bytes.
fn mixed(folder: &Path, bytes: u64) {
    use tapscope_simulator::day::{Config, midnight, simulate};
    let config = Config {
        transactions: if bytes == 0 { 500 } else { 20_000 },
        seed: 77,
        terminals: 0,
        zero: midnight("2026-03-18").unwrap(),
        profile: tapscope_simulator::fleet::Profile::Skewed,
        noise: 12,
        bytes,
        failures: 46,
        only: None,
        rich: true,
    };
    simulate(&config, folder).unwrap();
}

#[test]
fn c6_any_memory_budget_gives_the_same() {
    let parent = tempfile::tempdir().unwrap();
    mixed(parent.path(), if long() { 2 << 30 } else { 0 });
    let key = common::key_file(parent.path());
    let budgets = if long() {
        ["256M", "512M", "1G", "8G"]
    } else {
        ["1K", "1M", "16M", "4G"]
    };
    let mut first: Option<Vec<(String, blake3::Hash)>> = None;
    let mut reached = Vec::new();
    for memory in budgets {
        let out = parent.path().join(format!("out-{memory}"));
        let run = watched(analyze(
            &parent.path().join("input"),
            &out,
            &["--memory", memory, "--pan-key", key.to_str().unwrap()],
        ));
        assert!(
            matches!(run.code(), Some(0 | 3)),
            "{memory}: {}",
            run.words()
        );
        let hashes: Vec<_> = names(&out)
            .into_iter()
            .filter(|name| name != "manifest.json")
            .map(|name| {
                let bytes = std::fs::read(out.join(&name)).unwrap();
                (name, blake3::hash(&bytes))
            })
            .collect();
        assert_eq!(
            first.get_or_insert_with(|| hashes.clone()),
            &hashes,
            "{memory}"
        );
        reached.push(format!(
            "{memory}: {} MiB in {:.0} s",
            run.mebibytes(),
            run.took.as_secs_f64()
        ));
        std::fs::remove_dir_all(&out).unwrap();
    }
    figure(
        "C6",
        "finishes, same result, RSS <= budget + 10 %",
        &format!("finishes, same bytes; RSS {}", reached.join(", ")),
    );
}

/// Memory that is refused at any size: a whole output, or none and a word; never a hang.
#[test]
fn c7_memory_that_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let input = parent.path().join("input");
    mixed(&parent.path().join("day"), 0);
    std::fs::rename(parent.path().join("day/input"), &input).unwrap();
    let place = parent.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let out = place.join("out");
    let mut random = Random(0xC7);
    let times = if long() { 5000 } else { 16 };
    let (mut whole, mut refused, mut killed, mut silent, mut silent_to) = (0, 0, 0, 0, 0);
    for n in 0..times {
        // From where it does not even start to where there is plenty.
        let kib = 20_000 + random.below(3_000_000 >> (2 * (n % 4)));
        let script = format!(
            "ulimit -c 0; ulimit -v {kib}; exec \"$0\" analyze \"$1\" --out \"$2\" --jobs 2 --progress never"
        );
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_tapscope")])
            .args([&input, &out]);
        command.env("TZ", "UTC");
        let run = watched(command);
        match run.code() {
            Some(0 | 3) => {
                whole += 1;
                assert!(verified(&out), "{kib} KiB");
                std::fs::remove_dir_all(&out).unwrap();
            }
            Some(code @ (1 | 2 | 127)) => {
                refused += 1;
                assert!(
                    !run.words().trim().is_empty(),
                    "{kib} KiB: exit {code} without a word"
                );
            }
            Some(code) => panic!("{kib} KiB: exit {code}: {}", run.words()),
            None => {
                // The allocator's last word: the system's own end of a program.
                killed += 1;
                if run.words().trim().is_empty() {
                    silent += 1;
                    silent_to = silent_to.max(kib >> 10);
                }
            }
        }
        assert!(!out.exists(), "{kib} KiB: a torn output");
        for name in names(&place) {
            assert!(name.starts_with(".tapscope-"), "{name}");
            std::fs::remove_dir_all(place.join(name)).unwrap();
        }
    }
    assert!(
        whole > 0 && refused + killed > 0,
        "{whole} {refused} {killed}"
    );
    figure(
        "C7",
        "a message, never a hang or a torn file",
        &format!(
            "{times} budgets: {whole} whole and verified, {refused} ended with a message and exit code 1, {killed} ended by the system ({silent} of them without a word, below {silent_to} MiB); 0 torn, 0 hung"
        ),
    );
}

#[test]
#[ignore = "under work"]
fn c8_very_many_files_and_very_deep_folders() {
    let parent = tempfile::tempdir().unwrap();
    let input = parent.path().join("input");
    let (files, folders) = if long() {
        (100_000, 10_000)
    } else {
        (2_000, 500)
    };
    for n in 0..files {
        let folder = input.join(format!("d{:03}", n % 100));
        if n < 100 {
            std::fs::create_dir_all(&folder).unwrap();
        }
        std::fs::write(folder.join(format!("{n}.log")), LINE).unwrap();
    }
    for n in 0..folders {
        // Long names, many of them.
        std::fs::create_dir_all(input.join(format!(
            "deep/{}{n}/{}",
            "n".repeat(200),
            "m".repeat(200)
        )))
        .unwrap();
    }
    std::os::unix::fs::symlink(&input, input.join("deep/around")).unwrap();
    // Deeper than any path may be: only a shell that walks there can make it.
    let depth = 5000;
    let script = format!(
        "cd \"$0\" && i=0; while [ $i -lt {depth} ]; do mkdir d && cd -P d || exit 0; i=$((i+1)); done; echo x > bottom.log"
    );
    let made = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(&input)
        .status()
        .unwrap();
    assert!(made.success());
    let out = parent.path().join("out");
    let run = watched(analyze(&input, &out, &[]));
    let words = run.words();
    assert!(matches!(run.code(), Some(0 | 3)), "{words}");
    let read = common::number(
        &out,
        "SELECT count(*) FROM sources WHERE path LIKE '%.log' AND status = 'ok'",
    );
    assert_eq!(read, files, "every file once");
    let told = issues(&out);
    assert!(
        run.code() == Some(3) && !told.is_empty(),
        "what is too deep to be opened is told: {told:?}"
    );
    let removed = std::process::Command::new("rm")
        .arg("-rf")
        .arg(&input)
        .status()
        .unwrap();
    assert!(removed.success());
    figure(
        "C8",
        "all listed, none followed twice",
        &format!(
            "{files} files and {folders} folders of long names listed once in {:.1} s and {} MiB; a path of {depth} folders named",
            run.took.as_secs_f64(),
            run.mebibytes()
        ),
    );
}

/// Very many terminals, and very many taps under one reference number.
#[test]
fn c9_very_many_names_and_one_name_for_all() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("host.log");
    let (terminals, taps) = if long() {
        (1_000_000, 1_000_000)
    } else {
        (10_000, 10_000)
    };
    for (name, n) in [("distinct terminals", terminals), ("one RRN", taps)] {
        let mut seconds = Vec::new();
        let mut peak = 0;
        for n in [n / 2, n] {
            let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
            for k in 0..n {
                let (second, minute, hour) = (k / 20 % 60, k / 1200 % 60, k / 72_000 % 24);
                let rrn = if name == "one RRN" { 7 } else { k };
                writeln!(
                    file,
                    "2026-07-{:02} {hour:02}:{minute:02}:{second:02}.{:03} INFO pay: F0=0210 F4={:012} F11={:06} F37={rrn:012} F39=51 F41={k:08}",
                    1 + k / 1_728_000,
                    k % 20 * 50,
                    100 + k % 90,
                    k % 1_000_000,
                )
                .unwrap();
            }
            drop(file);
            let out = parent.path().join("out");
            let run = watched(analyze(&path, &out, &["--force", "--progress", "never"]));
            assert!(matches!(run.code(), Some(0 | 3)), "{name}: {}", run.words());
            let found = common::number(&out, "SELECT count(*) FROM transactions");
            assert!(found > 0, "{name}");
            if name == "distinct terminals" {
                assert!(found >= n * 99 / 100, "{found} of {n}");
            }
            seconds.push(run.took.as_secs_f64());
            peak = run.mebibytes();
        }
        assert!(seconds[1] < 3.0 * seconds[0] + 1.0, "{name}: {seconds:?}");
        figure(
            "C9",
            "caps named, no quadratic time",
            &format!(
                "{name}: {} in {:.1} s, {n} in {:.1} s and {peak} MiB",
                n / 2,
                seconds[0],
                seconds[1]
            ),
        );
    }
}
