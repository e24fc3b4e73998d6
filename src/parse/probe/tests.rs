use super::*;

fn name(bytes: &[u8]) -> &'static str {
    probe(bytes, &[]).kind.name()
}

#[test]
fn inputs_are_told_by_content() {
    let utf16: Vec<u8> = "07-15 10:56:49.152   889  6213 D NxpNciR : x\r\n"
        .repeat(3)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: &[(&[u8], &str)] = &[
        (b"", "empty"),
        (&[0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0], "pcap"),
        (&[0xA1, 0xB2, 0x3C, 0x4D, 0, 2, 0, 4], "pcap"),
        (&[0x0A, 0x0D, 0x0D, 0x0A, 0x1C, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A], "pcapng"),
        (b"\n\r\r\nfour line ends", "plain"),
        (b"snoop\0\0\0\0\0\0\x02", "snoop"),
        (&[0x1F, 0x8B, 8, 0, 0], "gzip"),
        (&[0x06, 0x0F, 0x02, 0x19, 0x00], "zvt-packet"),
        (&[0; 4096], "unrecognised"),
        (b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0", "unrecognised"),
        (b"07-15 10:56:49.152   889  6213 D NxpNciR : x\n", "logcat"),
        (&utf16, "logcat"),
        (b"<log realm=\"a\" at=\"2022-09-25T12:16:04.787\">\n  <info>\n    text\n  </info>\n</log>\n", "jpos"),
        (b"00 A4 04 00\n90 00\n", "plain"),
        (b"{\n  \"SaleToPOIRequest\": {\n  }\n}\n", "json"),
    ];
    for (bytes, want) in cases {
        assert_eq!(name(bytes), *want, "{:?}", bytes.get(..12));
    }
}

#[test]
fn padding_of_zeros_is_no_binary() {
    let mut text = b"07-15 10:56:49.152   889  6213 D NxpNciR : x\n".repeat(4);
    text.extend([0; 4096]);
    text.extend(b"07-15 10:56:49.152   889  6213 D NxpNciR : x\n");
    assert_eq!(name(&text), "logcat");
}

#[test]
fn later_samples_count_too() {
    let head = b"banner\nbanner of the device\n".to_vec();
    let later = vec![
        b"xx cut\n"
            .iter()
            .copied()
            .chain(b"07-15 10:56:49.152   889  6213 D NxpNciR : x\n".repeat(20))
            .collect(),
    ];
    assert_eq!(probe(&head, &later).kind.name(), "logcat");
    let why = probe(&head, &later).why;
    assert!(why.contains("20 of 2"), "{why}");
}

/// The corpus, where it is present.
fn corpus() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("TAPSCOPE_CORPUS").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        Into::into,
    );
    path.is_dir().then_some(path)
}

/// Every stream below a folder of the corpus: path from there, and what it is.
fn kinds(root: &std::path::Path, folder: &str) -> Vec<(String, String)> {
    let plan = crate::plan::Plan {
        inputs: vec![root.join(folder)],
        ..crate::plan::Plan::default()
    };
    let mut out = Vec::new();
    for input in crate::source::find(&plan).inputs {
        crate::decode::each_stream(&input, &plan, &mut |info, _| {
            let probe = probe(info.head, &info.later_samples());
            let encoding = match probe.kind {
                InputKind::Text { written, .. } => written.encoding.name(),
                _ => "",
            };
            let from = root.join(folder).display().to_string();
            let path = info.path.replace(&format!("{from}/"), "");
            out.push((path, format!("{} {encoding}", probe.kind.name())));
        });
    }
    out
}

/// What SOURCES.md says of the corpus' files: folder, end of the path, kind. The last entry that fits holds.
const CORPUS: &[(&str, &str, &str)] = &[
    ("logs", ".md", "plain UTF-8"),
    ("logs", "LICENSE", "plain UTF-8"),
    ("logs", ".txt", "plain UTF-8"),
    ("logs", "loghub/Android_2k.log", "logcat UTF-8"),
    ("logs", "loghub/HealthApp_2k.log", "timed UTF-8"),
    ("logs", "loghub/Linux_2k.log", "syslog UTF-8"),
    ("logs", "loghub/Mac_2k.log", "syslog UTF-8"),
    ("logs", "loghub/OpenStack_2k.log", "prefixed UTF-8"),
    ("logs", "jpos/jmeter-iso8583-demo.log", "applog UTF-8"),
    ("logs", "jpos/jmeter-iso8583-traces.xml", "jtl UTF-8"),
    ("logs", ".xml.log", "jpos UTF-8"),
    ("logs", ".json", "json UTF-8"),
    ("logs", ".logcat", "logcat UTF-8"),
    ("logs", "pcscd/pcscd-foreground-notime.log", "pcscd UTF-8"),
    ("logs", ".hex", "zvt-packet "),
    (
        "logs",
        "zvt/ingenico-zvt-serial-tracer-redacted.log",
        "zvt-tracer UTF-8",
    ),
    ("apdu", ".txt", "plain UTF-8"),
    ("apdu", ".md", "plain UTF-8"),
    ("apdu", ".yaml", "plain UTF-8"),
    ("apdu", ".json", "json UTF-8"),
    ("apdu", "kbps_002.json", "nfc-laboratory"),
    ("apdu", "kbps_004.json", "nfc-laboratory"),
    ("apdu", ".pcsc-spy.txt", "pcsc-spy"),
    ("apdu", ".14a.txt", "proxmark-list"),
    ("apdu", ".14a-us-crc.txt", "proxmark-list"),
    ("apdu", ".14a-x.txt", "proxmark-hex"),
    ("apdu", ".7816.txt", "proxmark-list"),
    ("apdu", "logger_decoded.txt", "t1-blocks"),
    ("apdu", ".pcscd.log", "pcscd UTF-8"),
    ("apdu", ".opensc-debug.log", "opensc UTF-8"),
    ("apdu", ".trace", "proxmark-trace "),
    ("apdu", ".pcap", "pcap"),
    ("apdu", ".pcapng", "pcapng "),
    ("apdu", "emvpt_contact_t0.log", "applog UTF-8"),
    ("apdu", "emvpt_ctls_gpo_6985.log", "applog UTF-8"),
    (
        "apdu",
        "SYNTH_nci_linux_libnfc-nci_mastercard.log",
        "nxp-console UTF-8",
    ),
    (
        "apdu",
        "SYNTH_nci_logcat_nxp_arrow_gpo_6985.log",
        "logcat UTF-8",
    ),
    (
        "apdu",
        "SYNTH_nci_logcat_nxp_old_mastercard_ok.log",
        "logcat UTF-8",
    ),
    (
        "apdu",
        "SYNTH_nci_logcat_nxp_old_taglost_in_readrecord.log",
        "logcat UTF-8",
    ),
    ("net", ".pcap", "pcap"),
    ("net", ".pcap.gz", "pcap"),
    ("net", ".pcapng", "pcapng "),
    ("net", ".pcapng.gz", "pcapng "),
    ("net", ".pcapng.zst", "pcapng "),
    ("net", ".snoop", "snoop "),
    ("net", ".jsonl", "json-lines UTF-8"),
    ("net", ".truth.json", "json UTF-8"),
    ("net/jpos-logs", "log", "jpos UTF-8"),
    ("net/jpos-logs", "xml", "jpos UTF-8"),
    ("net/jpos-logs", "lagotto/log4j.txt", "applog UTF-8"),
    ("net/jpos-logs", "lagotto/mixed-bag.txt", "jpos UTF-8"),
    // A micro sign in ISO 8859-1.
    (
        "net/jpos-logs",
        "q2_custom_impl_jpos3.log",
        "jpos windows-1252",
    ),
];

#[test]
fn the_corpus_is_recognised_as_its_sources_say() {
    let Some(root) = corpus() else {
        eprintln!("SKIPPED: no corpus at ../shared/corpus or $TAPSCOPE_CORPUS");
        return;
    };
    let mut checked = 0;
    let mut wrong = Vec::new();
    for folder in ["logs", "apdu", "net"] {
        for (path, kind) in kinds(&root, folder) {
            let full = format!("{folder}/{path}");
            let want = CORPUS
                .iter()
                .rev()
                .find(|(folder, end, _)| full.starts_with(folder) && path.ends_with(end));
            if let Some((_, _, want)) = want {
                if !kind.starts_with(want) {
                    wrong.push(format!("{full}: {kind}, not {want}"));
                }
                checked += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 280, "{checked}");
}
