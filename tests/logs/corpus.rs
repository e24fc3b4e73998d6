//! Every file of the corpus of logs: recognised as its SOURCES.md says, with counts taken from the files by other means.

use std::path::{Path, PathBuf};

use super::reading::read;
use tapscope::event::Payload;

/// Path, format, encoding, status, records, damaged records, and how many events of each kind: log, apdu, nfc, iso8583.
/// Records are lines that begin one (`grep -c`); APDUs are the commands of the dialogue; messages are `<isomsg direction` in the file;
/// packets of ZVT count but for acknowledgements and printing.
type Row = (&'static str, &'static str, &'static str, &'static str, u64, u64, [usize; 4]);

#[rustfmt::skip]
const FILES: &[Row] = &[
    ("SOURCES.md", "-", "UTF-8", "Unrecognised", 24, 0, [0, 0, 0, 0]),
    ("apdu-app/girocard-voba.txt", "apdu-text", "UTF-8", "Ok", 350, 0, [1, 23, 0, 0]),
    ("apdu-app/mc-credit-db.txt", "apdu-text", "UTF-8", "Ok", 143, 0, [1, 9, 0, 0]),
    ("apdu-app/mc-debit-aab.txt", "apdu-text", "UTF-8", "Ok", 127, 0, [1, 7, 0, 0]),
    ("apdu-app/visa-credit-comd.txt", "apdu-text", "UTF-8", "Ok", 160, 0, [2, 6, 0, 0]),
    ("apdu-app/visa-credit-dkb.txt", "apdu-text", "UTF-8", "Ok", 290, 0, [2, 12, 0, 0]),
    ("jpos/LICENSE-jmeter-iso8583.txt", "-", "UTF-8", "Unrecognised", 17, 0, [0, 0, 0, 0]),
    ("jpos/jmeter-iso8583-demo.log", "applog", "UTF-8", "Ok", 242, 0, [0, 0, 0, 2]),
    ("jpos/jmeter-iso8583-traces.xml", "jtl", "UTF-8", "Ok", 2, 0, [2, 0, 0, 4]),
    ("jpos/jpos-doc-log-snippets.xml.log", "jpos", "UTF-8", "Ok", 14, 0, [0, 0, 0, 1]),
    ("jpos/jpos-svfe-balance-1100-1110.xml.log", "jpos", "UTF-8", "Damaged", 1, 1, [0, 0, 0, 2]),
    ("loghub/Android_2k.log", "logcat", "UTF-8", "Ok", 2000, 0, [0, 0, 0, 0]),
    ("loghub/HealthApp_2k.log", "timed", "UTF-8", "Ok", 2000, 0, [0, 0, 0, 0]),
    ("loghub/LICENSE", "-", "UTF-8", "Unrecognised", 8, 0, [0, 0, 0, 0]),
    ("loghub/Linux_2k.log", "syslog", "UTF-8", "Ok", 2000, 0, [0, 0, 0, 0]),
    ("loghub/Mac_2k.log", "syslog", "UTF-8", "Ok", 2000, 0, [0, 0, 0, 0]),
    ("loghub/OpenStack_2k.log", "prefixed", "UTF-8", "Ok", 2000, 0, [0, 0, 0, 0]),
    ("nexo/LICENSE-adyen.txt", "-", "UTF-8", "Unrecognised", 17, 0, [0, 0, 0, 0]),
    ("nexo/abort-request.json", "json", "UTF-8", "Ok", 1, 0, [1, 0, 0, 0]),
    ("nexo/clouddevice-payment-sync-error.json", "json", "UTF-8", "Ok", 1, 0, [1, 0, 0, 0]),
    ("nexo/event-notification.json", "json", "UTF-8", "Ok", 1, 0, [1, 0, 0, 0]),
    ("nexo/payment-local-success.json", "json", "UTF-8", "Ok", 1, 0, [1, 0, 0, 0]),
    ("nexo/payment-sync-error-empty.json", "json", "UTF-8", "Ok", 1, 0, [1, 0, 0, 0]),
    ("nexo/payment-sync-success.json", "json", "UTF-8", "Ok", 1, 0, [1, 0, 0, 0]),
    ("nexo/sale-to-poi-response-transaction-status.json", "json", "UTF-8", "Ok", 1, 0, [1, 0, 0, 0]),
    ("nfc-stack/nxp-gen-lxdebug-rf.logcat", "logcat", "UTF-8", "Ok", 12, 0, [0, 0, 0, 0]),
    ("nfc-stack/pax-a6650-nci-compare.logcat", "logcat", "UTF-8", "Ok", 9, 0, [0, 0, 0, 0]),
    ("nfc-stack/pax-a6650-typeb-timeout.logcat", "logcat", "UTF-8", "Ok", 24, 0, [3, 0, 0, 0]),
    ("nfc-stack/pax-mifare-write-irq.logcat", "logcat", "UTF-8", "Ok", 24, 0, [0, 0, 0, 0]),
    ("nfc-stack/pax-nfc-antenna-config.logcat", "logcat", "UTF-8", "Ok", 12, 0, [0, 0, 0, 0]),
    ("nfc-stack/pax-x4-nci-compare.logcat", "logcat", "UTF-8", "Ok", 2, 0, [0, 0, 0, 0]),
    ("pcscd/pcscd-foreground-notime.log", "pcscd", "UTF-8", "Ok", 20, 0, [0, 0, 0, 0]),
    ("zvt/ingenico-zvt-serial-tracer-redacted.log", "zvt-tracer", "UTF-8", "Ok", 889, 0, [36, 0, 0, 0]),
    // 04 0F and 04 FF, 06 0F, 06 1E say something; 06 D3 prints, 04 FF 0E asks to wait.
    ("zvt/bezahl-online-hex/1617177992186PT.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/1617181236803PT.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/1617777384987PT.hex", "zvt-packet", "", "Ok", 1, 0, [0, 0, 0, 0]),
    ("zvt/bezahl-online-hex/1618046758827PT.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/1618593839564PT.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/1619070661833PT.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/1620217578711PT.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/1620217579741PT.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/1620218414428PT.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/data050730027.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/data051327012.hex", "zvt-packet", "", "Ok", 1, 0, [0, 0, 0, 0]),
    ("zvt/bezahl-online-hex/data081537024.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/data081537039.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/data081621025.hex", "zvt-packet", "", "Ok", 1, 0, [0, 0, 0, 0]),
    ("zvt/bezahl-online-hex/data081649050.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
    ("zvt/bezahl-online-hex/data091355012.hex", "zvt-packet", "", "Ok", 1, 0, [1, 0, 0, 0]),
];

pub fn logs() -> Option<PathBuf> {
    let folder = std::env::var_os("TAPSCOPE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    let logs = folder.join("logs");
    if logs.is_dir() {
        return Some(logs);
    }
    eprintln!("SKIPPED: no corpus at {}", folder.display());
    None
}

fn below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            below(&path, out);
        } else {
            out.push(path);
        }
    }
}

#[test]
fn every_file_is_what_its_sources_say() {
    let Some(logs) = logs() else { return };
    let mut files = Vec::new();
    below(&logs, &mut files);
    files.sort();
    let mut wrong = Vec::new();
    for file in &files {
        let path = file.strip_prefix(&logs).unwrap().display().to_string();
        let got = read(&path, &std::fs::read(file).unwrap());
        let mut kinds = [0; 4];
        for event in &got.events {
            match event.payload {
                Payload::Log(_) => kinds[0] += 1,
                Payload::Apdu(_) => kinds[1] += 1,
                Payload::Nfc(_) => kinds[2] += 1,
                Payload::Iso8583(_) => kinds[3] += 1,
                _ => panic!("{path}: {}", event.payload.kind()),
            }
        }
        let ledger = &got.source.ledger;
        let seen = format!(
            "(\"{path}\", \"{}\", \"{}\", \"{:?}\", {}, {}, {kinds:?})",
            if got.source.kind.is_some() { got.format() } else { "-" },
            got.source.encoding.unwrap_or_default(),
            got.source.status,
            ledger.records,
            ledger.damaged_records,
        );
        let want = FILES.iter().find(|row| row.0 == path).map(|row| format!("{row:?}"));
        if want.as_ref() != Some(&seen) {
            wrong.push(format!("want {}\n got {seen}\n {:?}", want.unwrap_or_default(), got.brief()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(files.len(), FILES.len());
}

#[test]
fn what_is_said_of_failed_payments() {
    let Some(logs) = logs() else { return };
    let brief = |path: &str| read(path, &std::fs::read(logs.join(path)).unwrap()).brief();
    let zvt = brief("zvt/ingenico-zvt-serial-tracer-redacted.log");
    let count = |start: &str| zvt.iter().filter(|line| line.starts_with(start)).count();
    // SOURCES.md: three failed payments and a good one; aborts carry the terminal's code.
    assert_eq!(count("sale_start"), 4, "{zvt:#?}");
    assert!(count("approved") >= 1, "{zvt:#?}");
    assert!(count("scheme_not_accepted ZVT:7A") >= 1, "{zvt:#?}");
    let failed = brief("nexo/clouddevice-payment-sync-error.json");
    assert_eq!(failed, ["connect_timeout nexo:UnreachableHost"]);
    let lost = brief("nfc-stack/pax-a6650-typeb-timeout.logcat");
    assert!(lost.iter().any(|line| line == "card_removed"), "{lost:?}");
}
