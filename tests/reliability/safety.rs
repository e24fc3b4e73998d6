//! O and H: what is in a table, on a screen or in a line for another program is read there as what it is, and is the same every time.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Random, analyze, common, figure, long, made, names, tool, watched};
use tapscope::attribute::Catalogue;

/// Every sign that starts a formula, behind every sign that spreadsheets skip.
fn formulas() -> Vec<String> {
    let mut out = Vec::new();
    for before in [
        "", " ", "   ", "\t", "\r", "\n", "\u{a0}", "\u{3000}", "\u{feff}", "\u{200b}", "\0",
    ] {
        for formula in [
            "=1+1",
            "+1+1",
            "-1+1",
            "@SUM(1)",
            "＝1+1",
            "＋1",
            "－1+1",
            "＠SUM(1)",
            "=cmd|' /C calc'!A0",
            "=HYPERLINK(\"http://example.test\")",
        ] {
            out.push(format!("{before}{formula}"));
        }
    }
    out.truncate(110);
    out
}

fn written(analysis: &tapscope::Analysis) -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    tapscope::report::write(analysis, &Catalogue::default(), &made::plan(), &out, false).unwrap();
    (parent, out)
}

/// An analysis in which a text stands in the fields that inputs fill: one attempt a text.
fn with_texts(texts: &[String]) -> tapscope::Analysis {
    let mut analysis = made::day(texts.len());
    let attempts = &mut analysis.correlated.attempts;
    assert_eq!(attempts.len(), texts.len());
    for (attempt, text) in attempts.iter_mut().zip(texts) {
        for slot in [
            &mut attempt.keys.terminal,
            &mut attempt.keys.merchant,
            &mut attempt.keys.device,
            &mut attempt.keys.host,
            &mut attempt.keys.rrn,
            &mut attempt.keys.auth_code,
        ] {
            *slot = Some(text.as_str().into());
        }
    }
    analysis
}

#[test]
fn o2_no_cell_is_a_formula_for_an_independent_reader() {
    let place = tempfile::tempdir().unwrap();
    let payloads = formulas();
    let (_parent, out) = written(&with_texts(&payloads));
    std::fs::copy(out.join("transactions.csv"), place.path().join("0.csv")).unwrap();
    // What `query` writes is opened in spreadsheets too.
    let output = common::tapscope()
        .args(["query", "--format", "csv"])
        .arg(&out)
        .arg("SELECT * FROM transactions")
        .output()
        .unwrap();
    assert!(output.status.success());
    std::fs::write(place.path().join("1.csv"), output.stdout).unwrap();
    let mut reached = String::new();
    if tool("python3", "O2: the tables read by Python's csv") {
        let script = "import csv,glob,sys\nbad=0;cells=0\nfor name in glob.glob(sys.argv[1]+'/*.csv'):\n    rows=csv.reader(open(name,newline='',encoding='utf-8-sig'))\n    for row in rows:\n        for cell in row:\n            cells+=1\n            first=cell.lstrip(' \\t\\r\\n\\u00a0\\u3000\\ufeff\\u200b\\0')[:1]\n            try: float(cell); continue\n            except ValueError: pass\n            if first and first in '=+-@＝＋－＠': bad+=1; print(name,repr(cell))\nprint(cells,'cells,',bad,'formulas')\nsys.exit(bool(bad))";
        let output = Command::new("python3")
            .args(["-c", script])
            .arg(place.path())
            .output()
            .unwrap();
        reached = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(
            output.status.success(),
            "{reached}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    if tool("soffice", "O2: the tables opened in LibreOffice") {
        // Opened, recalculated and written again: a formula would have become its value.
        let to = place.path().join("again");
        let done = Command::new("soffice")
            .args([
                "--headless",
                "--convert-to",
                "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true",
                "--outdir",
            ])
            .arg(&to)
            .args((0..2).map(|n| place.path().join(format!("{n}.csv"))))
            .output()
            .unwrap();
        assert!(done.status.success());
        for n in 0..2 {
            // With formulas shown as formulas, none may begin with its sign.
            let text = std::fs::read_to_string(to.join(format!("{n}.csv"))).unwrap_or_default();
            assert!(!text.contains("\"=") && !text.contains(",="), "{n}: {text}");
        }
    }
    figure(
        "O2",
        "100 payloads: no formula cell",
        &format!("{} payloads: {reached}", payloads.len()),
    );
}

/// What would move the cursor, name the window, hide or turn text.
fn escapes() -> Vec<String> {
    let mut out: Vec<String> = (0..32_u8)
        .chain([127])
        .filter(|b| !b"\n\r\t".contains(b))
        .map(|b| format!("a{}b", char::from(b)))
        .collect();
    out.extend((0x80..0xA0_u32).map(|c| format!("a{}b", char::from_u32(c).unwrap())));
    for sequence in [
        "[31mred",
        "]0;owned\u{7}",
        "]2;owned\u{1b}\\",
        "]8;;http://example.test\u{7}x",
        "[2J",
        "[H",
        "[10A",
        "[?1049h",
        "c",
        "[6n",
        "[5i",
        "]52;c;b3duZWQ=\u{7}",
        "P$q\"p\u{1b}\\",
        "#8",
        "(0",
        "[!p",
        "[8m",
        "_x\u{1b}\\",
        "^x\u{1b}\\",
    ] {
        out.push(format!("a\u{1b}{sequence}b"));
        out.push(format!("a\u{9b}{}b", sequence.trim_start_matches('[')));
    }
    out.extend("\u{202a}\u{202b}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}\u{2028}\u{2029}\u{feff}".chars().map(|c| format!("a{c}b")));
    out
}

/// What a terminal would act upon, but line ends and our own colours.
fn odd(text: &str) -> Option<char> {
    strip_colours(text).chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

#[test]
fn o3_no_text_moves_the_terminal() {
    let payloads = escapes();
    assert!(payloads.len() >= 100);
    let (parent, out) = written(&with_texts(&payloads));
    let words = |words: &[&str], last: &str| -> String {
        let output = common::tapscope()
            .args(["--color", "always", words[0]])
            .arg(&out)
            .args(&words[1..])
            .arg(last)
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    const ALL: &str = "SELECT terminal_id, merchant_id, device FROM transactions";
    for format in ["table", "csv", "json"] {
        let text = words(&["query", "--format", format], ALL);
        assert!(text.lines().count() >= payloads.len(), "{format}: {text}");
        assert_eq!(odd(&text.replace('\r', "")), None, "{format}");
    }
    let ids = common::rows(&out, "SELECT tx_id FROM transactions");
    let step = if long() { 1 } else { 9 };
    for (payload, id) in payloads.iter().zip(&ids).step_by(step) {
        let text = words(&["inspect", "--full"], &id[0]);
        assert!(text.lines().count() > 3, "{payload:?}: {text}");
        assert_eq!(odd(&text), None, "{payload:?}: {text:?}");
        // What the user typed comes back in the error.
        let text = words(
            &["inspect"],
            &format!("terminal={payload}x").replace('\0', ""),
        );
        assert_eq!(odd(&text), None, "{payload:?}: {text:?}");
    }
    // Files of these names, in messages too.
    let input = parent.path().join("input");
    std::fs::create_dir(&input).unwrap();
    for payload in &payloads {
        let file: String = payload.replace(['/', '\0'], "");
        std::fs::write(input.join(format!("{file}.log")), super::LINE).unwrap();
        std::fs::write(input.join(format!("{file}.gz")), [0x1F, 0x8B, 8, 0, 1]).unwrap();
    }
    let again = parent.path().join("again");
    let run = analyze(&input, &again, &["-vv", "--progress", "never"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
    assert!(text.lines().count() > 20, "{text}");
    assert_eq!(odd(&text), None, "{text:?}");
    let shown = if tool("tmux", "O3: a screen kept by tmux capture-pane") {
        on_a_screen(&out, payloads.len())
    } else {
        0
    };
    figure(
        "O3",
        "100 payloads: screen shows \\x1b, title unchanged",
        &format!(
            "{} payloads in tables, views, errors and file names: nothing acts; {shown} of them on tmux's screen, title unchanged",
            payloads.len()
        ),
    );
}

/// Shows all payloads on one high screen; gives how many rows stand there.
fn on_a_screen(out: &Path, rows: usize) -> usize {
    struct Server(String);
    impl Drop for Server {
        fn drop(&mut self) {
            let _ = Command::new("tmux")
                .args(["-L", &self.0, "kill-server"])
                .output();
        }
    }
    let server = Server(format!("tapscope-{}", std::process::id()));
    let run = |words: &[&str]| {
        let output = Command::new("tmux")
            .args(["-L", &server.0, "-f", "/dev/null"])
            .args(words)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let high = (rows + 20).to_string();
    let command = format!(
        "printf '\\033]2;before\\033\\\\'; {} --color always query {} 'SELECT terminal_id FROM transactions'; echo END; sleep 60",
        env!("CARGO_BIN_EXE_tapscope"),
        out.display()
    );
    run(&[
        "new-session",
        "-d",
        "-s",
        "t",
        "-x",
        "100",
        "-y",
        &high,
        &command,
    ]);
    let start = std::time::Instant::now();
    let mut screen = String::new();
    while !screen.contains("END") && start.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        screen = run(&["capture-pane", "-p", "-t", "t"]);
    }
    let title = run(&["display-message", "-p", "-t", "t", "#{pane_title}"]);
    assert!(
        screen.contains("END") && screen.contains("terminal_id"),
        "{screen}"
    );
    assert_eq!(title.trim(), "before");
    assert!(
        screen.contains("\\x1b") && screen.contains("\\u{202e}"),
        "{screen}"
    );
    let shown = screen.lines().filter(|line| line.starts_with('a')).count();
    assert!(shown >= rows, "{shown} of {rows} rows:\n{screen}");
    shown
}

/// Without our own colours (`ESC [ … m`).
fn strip_colours(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let after = &rest[at + 2..];
        let end = after
            .find(|c: char| !c.is_ascii_digit() && c != ';')
            .unwrap_or(after.len());
        out.push_str(&rest[..at]);
        if after[end..].starts_with('m') {
            rest = &after[end + 1..];
        } else {
            out.push_str("\u{1b}[");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// The same rows for polars (ours), pyarrow, DuckDB and, where it is there, polars for Python.
#[test]
fn o4_every_reader_has_the_same_rows() {
    let there = Command::new("python3")
        .args(["-c", "import pyarrow, duckdb"])
        .output();
    if !there.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("TAPSCOPE_REQUIRE_PYTHON").is_none(),
            "pyarrow and duckdb were asked for"
        );
        eprintln!("SKIPPED: O4: pyarrow or DuckDB is not here");
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    common::analyze(&[&common::sample_day()], &out, &["--timesketch"]);
    for table in common::TABLES {
        let output = common::tapscope()
            .args(["query", "--format", "json"])
            .arg(&out)
            .arg(format!("SELECT * FROM {table}"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{table}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        std::fs::File::create(parent.path().join(format!("{table}.json")))
            .unwrap()
            .write_all(&output.stdout)
            .unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reliability/rows.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(&out)
        .arg(parent.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    figure(
        "O4",
        "equal rows in all readers; Timesketch's fields, keyword <= 32,766 B",
        &said,
    );
}

/// Any number of threads, any order in which a folder was filled, any zone and language of the machine: the same bytes.
#[test]
fn h_the_same_bytes_whatever_the_machine_is() {
    let parent = tempfile::tempdir().unwrap();
    let key = common::key_file(parent.path());
    let day = common::sample_day();
    let mut files = Vec::new();
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for path in std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if path.is_dir() {
                walk(&path, out)
            } else {
                out.push(path)
            }
        }
    }
    walk(&day, &mut files);
    files.sort();
    let mut random = Random(0x48);
    let rounds = if long() { 20 } else { 2 };
    let mut first: Option<Vec<(String, blake3::Hash)>> = None;
    let mut runs = 0;
    for jobs in ["1", "2", "4", "16"] {
        for round in 0..rounds {
            for at in (1..files.len()).rev() {
                files.swap(at, random.below(at + 1));
            }
            let input = parent.path().join("input");
            let _ = std::fs::remove_dir_all(&input);
            for path in &files {
                let to = input.join(path.strip_prefix(&day).unwrap());
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::copy(path, &to).unwrap();
            }
            let out = parent.path().join("out");
            let zone =
                ["UTC", "Asia/Shanghai", "America/Sao_Paulo", "Mars/Olympus"][(runs + round) % 4];
            let language = ["C", "zh_CN.UTF-8", "tr_TR.UTF-8", "xx"][runs % 4];
            let mut command = analyze(
                &input,
                &out,
                &[
                    "--force",
                    "--jobs",
                    jobs,
                    "--reproducible",
                    "--custody",
                    "--timesketch",
                    "--pan-key",
                    key.to_str().unwrap(),
                ],
            );
            command
                .env("TZ", zone)
                .env("LANG", language)
                .env("LC_ALL", language)
                .env("HOME", parent.path());
            let run = watched(command);
            assert!(matches!(run.code(), Some(0 | 3)), "{}", run.words());
            let hashes: Vec<_> = names(&out)
                .into_iter()
                .map(|name| {
                    let bytes = std::fs::read(out.join(&name)).unwrap();
                    (name, blake3::hash(&bytes))
                })
                .collect();
            assert_eq!(
                first.get_or_insert_with(|| hashes.clone()),
                &hashes,
                "{jobs} threads, {zone}, {language}"
            );
            runs += 1;
        }
    }
    figure(
        "H",
        "1, 2, 4, 16 threads x 20 x order x TZ x LANG: one hash",
        &format!("{runs} runs, one hash of {} files", first.unwrap().len()),
    );
}
