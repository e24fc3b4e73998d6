//! Rotated logs, archives and standard input, through the whole program.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn tapscope(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapscope"));
    command.args(arguments);
    command
}

/// `path:line time` of every event.
fn events(out: &Path) -> Vec<String> {
    let output = tapscope(&["query", "--format", "csv"])
        .arg(out)
        .arg("SELECT locator, at_source, summary FROM events ORDER BY at_source, locator")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .skip(1)
        .map(str::to_owned)
        .collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn rotated_files_are_one_log_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let line = |time: &str, stan: u32| {
        format!("{time}   889  6213 E EmvKernel: card removed traceNo={stan:06}\n")
    };
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("pos.log.2.gz"), gzip(&line("12-30 10:00:00.000", 1))).unwrap();
    std::fs::write(
        at("pos.log.1"),
        line("12-31 23:59:59.000", 2) + &line("01-01 00:00:01.000", 3),
    )
    .unwrap();
    std::fs::write(at("pos.log"), line("01-02 10:00:00.000", 4)).unwrap();
    let out = folder.path().join("out");
    let run = tapscope(&["analyze", "--year", "2023", "--out"])
        .arg(&out)
        .args([at("pos.log"), at("pos.log.1"), at("pos.log.2.gz")])
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    let got = events(&out);
    assert_eq!(got.len(), 4, "{got:#?}");
    for (event, (name, date)) in got.iter().zip([
        ("pos.log.2.gz:1", "2023-12-30"),
        ("pos.log.1:1", "2023-12-31"),
        ("pos.log.1:2", "2024-01-01"),
        ("pos.log:1", "2024-01-02"),
    ]) {
        assert!(
            event.contains(name) && event.contains(date),
            "{name} {date}: {event}"
        );
    }
}

#[test]
fn a_bug_report_is_read_out_of_its_zip_and_from_standard_input() {
    let report = "========================================================\n== dumpstate: 2024-03-14 13:16:47\n========================================================\n\n------ SYSTEM LOG (logcat -v threadtime -d *:v) ------\n--------- beginning of main\n03-14 13:16:47.974   889  6213 E EmvKernel: card removed traceNo=000123\n";
    let folder = tempfile::tempdir().unwrap();
    let zip_path = folder.path().join("bugreport-pos-17.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&zip_path).unwrap());
    zip.start_file(
        "bugreport-pos-17.txt",
        zip::write::SimpleFileOptions::default(),
    )
    .unwrap();
    zip.write_all(report.as_bytes()).unwrap();
    zip.start_file("version.txt", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"2.0\n").unwrap();
    zip.finish().unwrap();
    let out = folder.path().join("out");
    tapscope(&["analyze", "--out"])
        .arg(&out)
        .arg(&zip_path)
        .output()
        .unwrap();
    let got = events(&out);
    assert_eq!(got.len(), 1, "{got:?}");
    assert!(
        got[0].contains("!bugreport-pos-17.txt:7") && got[0].contains("2024-03-14"),
        "{got:?}"
    );

    let out = folder.path().join("out2");
    let mut child = tapscope(&["analyze", "-", "--out"])
        .arg(&out)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Compressed, as it comes out of a pipe.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&gzip(report))
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(events(&out).len(), 1);
}

/// A kernel's log has no payment in it: it is kept beside a log of payments, by time, and only there.
#[test]
fn what_befell_the_device_is_kept_beside_payments() {
    let kernel = "\
2026-10-18 17:20:00.000  systemd: Started daily cleanup
2026-10-18 17:29:40.120  usb 1-3: USB disconnect, device number 7
2026-10-18 19:00:00.000  usb 1-3: USB disconnect, device number 8
";
    let payments = "\
2026-10-18 17:28:02.000 PaySdk: start sale amount=120.50
2026-10-18 17:28:02.500 PaySdk: please tap your card
2026-10-18 17:28:05.000 PaySdk: card read ok
2026-10-18 17:28:06.000 PaySdk: host rc=00 approved
2026-10-18 17:29:39.000 PaySdk: start sale amount=45.60
2026-10-18 17:29:39.500 PaySdk: please tap your card
2026-10-18 17:29:44.000 PaySdk: transaction failed
";
    let other = "2026-10-18 17:29:41.000 web: GET /index.html 200\n";
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, files: &[(&str, &str)]| {
        let input = folder.path().join(name);
        std::fs::create_dir(&input).unwrap();
        for (file, text) in files {
            std::fs::write(input.join(file), text).unwrap();
        }
        let out = folder.path().join(format!("{name}-out"));
        let run = tapscope(&["analyze", "--out"])
            .arg(&out)
            .arg(&input)
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        let query = "SELECT locator, cause FROM transactions t JOIN events e ON t.tx_id = e.tx_id \
                     WHERE locator LIKE '%kern.log%' ORDER BY locator";
        let joined = tapscope(&["query", "--format", "csv"])
            .arg(&out)
            .arg(query)
            .output()
            .unwrap();
        assert!(joined.status.success(), "{joined:?}");
        let of_kernel = |text: &String| text.contains("kern.log");
        (
            events(&out).iter().filter(|text| of_kernel(text)).count(),
            String::from_utf8_lossy(&joined.stdout).into_owned(),
        )
    };
    let (kept, joined) = run("both", &[("kern.log", kernel), ("pos.log", payments)]);
    assert_eq!(kept, 2);
    assert!(
        joined.contains("kern.log:2") && joined.contains("HW_PERIPHERAL_LINK"),
        "{joined}"
    );
    // An hour and a half later nobody paid.
    assert!(!joined.contains("kern.log:3"), "{joined}");
    assert_eq!(run("alone", &[("kern.log", kernel)]).0, 0);
    assert_eq!(
        run("no-payments", &[("kern.log", kernel), ("web.log", other)]).0,
        0
    );
}
