//! P: card numbers planted by an independent program, and looked for by it in everything that comes out.

use std::path::Path;
use std::process::Command;

use super::{analyze, common, figure, long, tool, watched};
use tapscope::parse::edge::Edge;

fn script() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reliability/planted.py")
}

#[test]
fn p1_nothing_that_was_planted_comes_out() {
    if !tool(
        "python3",
        "P1: card numbers planted and looked for by an independent script",
    ) {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let input = parent.path().join("input");
    std::fs::create_dir(&input).unwrap();
    let list = parent.path().join("planted.txt");
    let count = if long() { 100_000 } else { 5_000 };
    let made = Command::new("python3")
        .arg(script())
        .arg("plant")
        .arg(&input)
        .arg(&list)
        .arg(count.to_string())
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let planted = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    let out = parent.path().join("out");
    let scratch = parent.path().join("words");
    std::fs::create_dir(&scratch).unwrap();
    // Little memory: what goes to disk is looked at as well, while the run lasts.
    let run = watched(analyze(
        &input,
        &out,
        &[
            "-vv",
            "--memory",
            "64M",
            "--timesketch",
            "--progress",
            "never",
        ],
    ));
    assert!(
        matches!(run.code(), Some(0 | 3)),
        "{}",
        run.words().chars().take(2000).collect::<String>()
    );
    std::fs::write(scratch.join("stderr"), &run.output.stderr).unwrap();
    std::fs::write(scratch.join("stdout"), &run.output.stdout).unwrap();
    let mut events = 0;
    for table in common::TABLES {
        let output = common::tapscope()
            .args(["query", "--format", "csv"])
            .arg(&out)
            .arg(format!("SELECT * FROM {table}"))
            .output()
            .unwrap();
        assert!(output.status.success());
        if table == "events" {
            events = output.stdout.iter().filter(|b| **b == b'\n').count();
        }
        std::fs::write(scratch.join(format!("{table}.csv")), &output.stdout).unwrap();
    }
    let scan = common::tapscope().arg("scan").arg(&input).output().unwrap();
    std::fs::write(scratch.join("scan"), [scan.stdout, scan.stderr].concat()).unwrap();
    for row in common::rows(&out, "SELECT tx_id FROM transactions")
        .iter()
        .take(30)
    {
        let shown = common::tapscope()
            .args(["inspect", "--full"])
            .arg(&out)
            .arg(&row[0])
            .output()
            .unwrap();
        std::fs::write(scratch.join(format!("inspect-{}", row[0])), shown.stdout).unwrap();
    }
    assert!(
        events > 200,
        "{events} events: the test must not pass on nothing"
    );
    let looked = Command::new("python3")
        .arg(script())
        .arg("look")
        .arg(&list)
        .arg(&out)
        .arg(&scratch)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&looked.stdout).into_owned();
    assert!(
        looked.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&looked.stderr)
    );
    figure(
        "P1",
        "100,000 numbers x 30 renderings: 0 whole numbers, 0 track, PIN or CVV bytes",
        &format!("{planted}; {}", said.trim()),
    );
}

/// While it runs: no core file is possible, and neither arguments nor environment hold the key.
#[test]
fn p4_the_key_is_nowhere_and_no_core_is_left() {
    let parent = tempfile::tempdir().unwrap();
    let key = common::key_file(parent.path());
    let input = parent.path().join("big.log");
    std::fs::write(&input, super::LINE.repeat(400_000)).unwrap();
    let out = parent.path().join("out");
    let mut child = analyze(&input, &out, &["--pan-key", key.to_str().unwrap()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let secret = common::KEY.trim();
    let (mut looks, mut confined) = (0, 0);
    while child.try_wait().unwrap().is_none() {
        let read =
            |name: &str| std::fs::read(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
        for name in ["environ", "cmdline", "limits"] {
            let text = String::from_utf8_lossy(&read(name)).into_owned();
            assert!(!text.contains(secret), "{name} holds the key");
            if name == "limits" {
                confined += u32::from(text.lines().any(|line| {
                    line.starts_with("Max core file size")
                        && line.split_whitespace().nth(4) == Some("0")
                }));
            }
        }
        looks += 1;
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(
        looks > 3 && confined > 0,
        "{looks} looks, {confined} with cores off"
    );
    figure(
        "P4",
        "environ and argv hold no key, core off",
        &format!("{looks} looks: never; core size 0"),
    );
}

fn check_digit(digits: &str) -> char {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(n, b)| {
            let d = u32::from(b - b'0');
            if n % 2 == 0 {
                (d * 2) / 10 + (d * 2) % 10
            } else {
                d
            }
        })
        .sum();
    char::from(b'0' + ((10 - sum % 10) % 10) as u8)
}

/// Masks of every brand and length: first six and last four, never fewer than what must be hidden.
#[test]
fn p5_masks_of_all_brands_and_lengths() {
    let edge = Edge::new(Some([5; 32]));
    let mut cases = 0;
    for (prefix, lengths) in [
        ("4", &[13, 16, 18, 19][..]),
        ("51", &[16]),
        ("2221", &[16]),
        ("34", &[15]),
        ("37", &[15]),
        ("62", &[16, 17, 18, 19]),
        ("6212", &[16, 19]),
        ("81", &[16]),
        ("35", &[16, 19]),
        ("6011", &[16, 19]),
        ("36", &[14, 19]),
        ("5018", &[12, 13, 16, 19]),
        ("6521", &[16]),
    ] {
        for length in lengths {
            for salt in 0..9_u64 {
                let body: String = prefix
                    .chars()
                    .chain((0..).map(|k| char::from(b'0' + ((salt * 7 + k * 3) % 10) as u8)))
                    .take(length - 1)
                    .collect();
                let number = format!("{body}{}", check_digit(&body));
                let card = edge.card(number.as_bytes());
                let masked = card.masked.to_string();
                let shown: String = masked.chars().filter(char::is_ascii_digit).collect();
                let hidden = number.len() - shown.len();
                let (first, rest) = masked.split_once('*').unwrap();
                let last = rest.trim_start_matches('*');
                assert_eq!(masked.len(), number.len(), "{masked}");
                assert!(first.len() <= 6 && last.len() <= 4, "{masked}");
                assert!(
                    number.starts_with(first) && number.ends_with(last),
                    "{masked}"
                );
                // FAQ 1091: four of sixteen, five of an American Express number at the least.
                assert!(
                    hidden
                        >= if number.len() == 15 {
                            5
                        } else {
                            number.len().saturating_sub(10).max(2)
                        },
                    "{masked}"
                );
                assert!(!masked.contains(&number));
                cases += 1;
            }
        }
    }
    assert!(cases >= 200);
    figure(
        "P5",
        "masks right, 200 cases",
        &format!("{cases} cases of 13 prefixes and 12 to 19 digits"),
    );
}
