//! Every trace of the corpus is recognised and gives the dialogue that it holds: commands, status words, how it ended.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests may say what they mean"
)]

mod common;
mod traced;

use std::collections::BTreeSet;

use tapscope::attribute::Catalogue;
use traced::{analysis, fact, sequence};

/// The Mastercard tap that several tools recorded, and its three siblings.
const MASTERCARD: &str = "A G R*4 C";
const REFUSED: &str = "D P A G6985";
const UNIONPAY: &str = "S R*3 R6A83 A G R*9 D*2 I C E6700 C";
const CONTACT: &str = "S R R6A83 A D G R*5 I V H V C E C";

/// File, format, commands and status words (see [`traced::sequence`]; `xN` repeats the whole), outcome of the last attempt.
///
/// Where the corpus' own description and the bytes differ, the bytes are right:
/// `contact-upi` ends with CID 40 (a TC, approved), not with AAC; `contact-mastercard` lacks the answer to its first GPO;
/// `contact-visa` has an answer of four zero bytes; sessions of opensc-tool over T=0 ask without Le and are refused by the replay.
const TRACES: &[(&str, &str, &str, &str)] = &[
    (
        "SYNTH_nci_linux_libnfc-nci_mastercard.log",
        "nxp-console",
        "P A G R*4 C",
        "approved",
    ),
    (
        "SYNTH_nci_logcat_nxp_arrow_gpo_6985.log",
        "logcat",
        REFUSED,
        "other_interface",
    ),
    (
        "SYNTH_nci_logcat_nxp_old_mastercard_ok.log",
        "logcat",
        "P A G R*4 C",
        "approved",
    ),
    (
        "SYNTH_nci_logcat_nxp_old_taglost_in_readrecord.log",
        "logcat",
        "P A G R R!",
        "try_again",
    ),
    (
        "SYNTH_nfcgate_pcapng_contactless-mastercard.pcapng",
        "pcapng",
        MASTERCARD,
        "approved",
    ),
    (
        "SYNTH_nfcgate_pcapng_visa_gpo_6985.pcapng",
        "pcapng",
        REFUSED,
        "other_interface",
    ),
    (
        "SYNTH_nfcsnoop_dumpsys_mastercard_ok.txt",
        "apdu-text",
        "P A G R*4 C",
        "approved",
    ),
    (
        "emvpt_contact_t0.log",
        "applog",
        "S R R6A83 A G R*5 H V C*2",
        "approved",
    ),
    (
        "emvpt_ctls_gpo_6985.log",
        "applog",
        "P A G6985",
        "other_interface",
    ),
    (
        "gsmtap_pysim_frames1-600.pcapng",
        "pcapng",
        "A*2 O A O*2 A R*8 …",
        "unknown",
    ),
    (
        "hexpairs_contact-mastercard-in.txt",
        "apdu-text",
        "A G? R*5 A G R*5 C*2",
        "declined_offline",
    ),
    (
        "hexpairs_contact-upi-in.txt",
        "apdu-text",
        UNIONPAY,
        "approved",
    ),
    ("hexpairs_contact-upi-out.txt", "plain", "", ""),
    (
        "hexpairs_contact-visa-in.txt",
        "apdu-text",
        "A G R0000 R*3 A G R*4 D C E6700 C",
        "approved",
    ),
    (
        "hexpairs_contactless-mastercard-in.txt",
        "apdu-text",
        MASTERCARD,
        "approved",
    ),
    ("hexpairs_contactless-mastercard-out.txt", "plain", "", ""),
    (
        "hexpairs_contactless-msd-in.txt",
        "apdu-text",
        "A G R K",
        "unknown",
    ),
    (
        "isodep_talktoyourcard_mastercard_masked.txt",
        "apdu-text",
        "P A G R*4",
        "unknown",
    ),
    (
        "nfclab_NFC-A_106kbps_004.json",
        "nfc-laboratory",
        "O9100*2 O91AF",
        "unknown",
    ),
    (
        "nfclab_NFC-A_424kbps_002.json",
        "nfc-laboratory",
        "A6E00*3 D6D00 A6E00*6 D6D00 A6E00*6 D6D00 A6E00*6 D6D00 A6E00*4 D6D00 A6E00*3",
        "aborted",
    ),
    (
        "nfclab_NFC-B_106kbps_002.json",
        "nfc-laboratory",
        "D6D00 A?*2",
        "unknown",
    ),
    (
        "pcap264_hf_visa_apple_ecp.pcap",
        "pcap",
        "P A G6986",
        "other_interface",
    ),
    (
        "pcapng264_text2pcap_hf_visa_apple_ecp.pcapng",
        "pcapng",
        "P A G6986",
        "other_interface",
    ),
    (
        "pcsc_emvpt_t0_61_6c.opensc-debug.log",
        "opensc",
        "S6A82 O R*2 R6A83 A6A82 O D G R*10 I6F00 O V H*2 V C6F00 O E C6F00",
        "aborted",
    ),
    (
        "pcsc_emvpt_t0_61_6c.pcscd.log",
        "pcscd",
        "S R R6A83 A D G R*5 I V H V C E C S6A82 O R*2 R6A83 A6A82 O D G R*10 I6F00 O V H*2 V C6F00 O E C6F00 S R R6A83 A D G R*5 I V H V C E C S R R6A83 A D G R*5 I V H V C E C",
        "approved",
    ),
    (
        "pcsc_emvpt_t0_61_6c.scriptor.txt",
        "apdu-text",
        CONTACT,
        "approved",
    ),
    (
        "pcsc_fail_gpo_6985.opensc-debug.log",
        "opensc",
        REFUSED,
        "other_interface",
    ),
    (
        "pcsc_fail_gpo_6985.opensc-tool.txt",
        "apdu-text",
        REFUSED,
        "other_interface",
    ),
    (
        "pcsc_fail_gpo_6985.pcsc-spy.txt",
        "pcsc-spy",
        REFUSED,
        "other_interface",
    ),
    (
        "pcsc_fail_gpo_6985.pcscd.log",
        "pcscd",
        "D P A G6985 x4",
        "",
    ),
    (
        "pcsc_fail_gpo_6985.pyscard.txt",
        "plain",
        REFUSED,
        "other_interface",
    ),
    (
        "pcsc_fail_gpo_6985.scriptor.txt",
        "apdu-text",
        REFUSED,
        "other_interface",
    ),
    (
        "pcsc_mc_ctls.opensc-debug.log",
        "opensc",
        MASTERCARD,
        "approved",
    ),
    (
        "pcsc_mc_ctls.opensc-tool.txt",
        "apdu-text",
        MASTERCARD,
        "approved",
    ),
    (
        "pcsc_mc_ctls.pcsc-spy.txt",
        "pcsc-spy",
        MASTERCARD,
        "approved",
    ),
    (
        "pcsc_mc_ctls.pcscd.log",
        "pcscd",
        "A G R*4 C x4",
        "approved",
    ),
    ("pcsc_mc_ctls.pyscard.txt", "plain", MASTERCARD, "approved"),
    (
        "pcsc_mc_ctls.scriptor.txt",
        "apdu-text",
        MASTERCARD,
        "approved",
    ),
    (
        "pcsc_upi_contact.pcscd.log",
        "pcscd",
        "S R*3 R6A83 A G R*9 D*2 I C E6700 C S6A82 R*3 R6A83 A6A82 G6F00 R*9 D*2 I6F00 C6F00 E6700 C6F00 S R*3 R6A83 A G R*9 D*2 I C E6700 C S R*3 R6A83 A G R*9 D*2 I C E6700 C",
        "",
    ),
    (
        "pcsc_upi_contact.pyscard.txt",
        "apdu-text",
        UNIONPAY,
        "approved",
    ),
    (
        "pm3bin_hf_14a_reader_4b_rats.trace",
        "proxmark-trace",
        "",
        "unknown",
    ),
    (
        "pm3bin_hf_14b_reader.trace",
        "proxmark-trace",
        "",
        "unknown",
    ),
    (
        "pm3bin_hf_visa_apple_ecp.trace",
        "proxmark-trace",
        "P A G6986",
        "other_interface",
    ),
    (
        "pm3bin_hf_visa_apple_normal.trace",
        "proxmark-trace",
        "P A G? R?",
        "try_again",
    ),
    (
        "pm3list_hf_visa_apple_ecp.14a-us-crc.txt",
        "proxmark-list",
        "P A G6986",
        "other_interface",
    ),
    (
        "pm3list_hf_visa_apple_ecp.14a-x.txt",
        "proxmark-hex",
        "P A G6986",
        "other_interface",
    ),
    (
        "pm3list_hf_visa_apple_ecp.14a.txt",
        "proxmark-list",
        "P A G6986",
        "other_interface",
    ),
    (
        "pm3list_hf_visa_apple_ecp.7816.txt",
        "proxmark-list",
        "P A G6986",
        "other_interface",
    ),
    (
        "pm3list_hf_visa_apple_normal.14a.txt",
        "proxmark-list",
        "P A G? R?",
        "try_again",
    ),
    (
        "sendresp_FailErrorCard.txt",
        "apdu-text",
        REFUSED,
        "other_interface",
    ),
    (
        "sendresp_FailPpseVisaAid.txt",
        "apdu-text",
        "D P6700 A R D R*16 R6885 D*2",
        "unknown",
    ),
    (
        "sendresp_InteractPpse.txt",
        "apdu-text",
        "D P A6285 D D6985",
        "aborted",
    ),
    (
        "sendresp_MasterCardPpse2.txt",
        "apdu-text",
        "D P A R D R*10 D*2",
        "unknown",
    ),
    (
        "sendresp_UnknownCard.txt",
        "apdu-text",
        "D P6985",
        "aborted",
    ),
    (
        "sendresp_VisaCardAid.txt",
        "apdu-text",
        "A G R D R*16 R6885 D*2",
        "unknown",
    ),
    (
        "sendresp_VisaCardNullTransaction.txt",
        "apdu-text",
        "D P A G D R6985 D*2 A G D R6985 D*2",
        "unknown",
    ),
    (
        "sendresp_VisaCardPpse.txt",
        "apdu-text",
        "D P A G D R*16 R6885 D*2 A R D R R6885 D*2",
        "unknown",
    ),
    ("sendresp_wrapperTestSW_61.txt", "apdu-text", "A", "unknown"),
    (
        "t1blocks_pi-apdu-logger_decoded.txt",
        "t1-blocks",
        "A O A?",
        "unknown",
    ),
    (
        "yaml_emvpt_t0_61xx_6Cxx.yaml",
        "apdu-text",
        CONTACT,
        "approved",
    ),
];

#[test]
fn every_trace_gives_its_dialogue() {
    let Some(corpus) = common::corpus() else {
        return;
    };
    let folder = corpus.join("apdu");
    let there: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "SOURCES.md")
        .collect();
    let known: BTreeSet<String> = TRACES.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(there, known, "every file has a row");
    let catalogue = Catalogue::load(&[]).unwrap();
    let mut wrong = Vec::new();
    for (name, format, dialogue, outcome) in TRACES {
        let analysis = analysis(&[&folder.join(name)], &catalogue);
        let source = &analysis.correlated.sources[0];
        let seen = sequence(&analysis);
        let want = match dialogue.split_once(" x") {
            Some((once, count)) => vec![once; count.parse().unwrap()].join(" "),
            None => (*dialogue).to_owned(),
        };
        let same = match want.strip_suffix('…') {
            Some(begin) => seen.starts_with(begin.trim_end()),
            None => seen == want,
        };
        let last = (0..analysis.correlated.attempts.len())
            .next_back()
            .map_or_else(String::new, |at| fact(&analysis, at, "outcome"));
        let outcome_fits = outcome.is_empty() || last == *outcome;
        if !same || source.format.as_deref() != Some(*format) || !outcome_fits {
            wrong.push(format!(
                "{name}: {:?} {seen:?} {last}, expected {format} {want:?} {outcome}",
                source.format
            ));
        }
        let ledger = &source.ledger;
        assert_eq!(
            ledger.understood + ledger.ignored + ledger.not_understood + ledger.unreadable,
            ledger.bytes,
            "{name}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} traces", TRACES.len());
}

/// Where the bytes say more than commands: waiting times, identifiers, what was left unread.
#[test]
fn traces_give_their_facts() {
    let Some(corpus) = common::corpus() else {
        return;
    };
    let catalogue = Catalogue::load(&[]).unwrap();
    let rows: &[(&str, &[(&str, &str)])] = &[
        (
            "pm3bin_hf_visa_apple_ecp.trace",
            &[
                ("waiting_time_extensions", "1"),
                ("phone_hint", "true"),
                ("gpo_sw", "6986"),
                ("furthest_command", "select_aid"),
                ("expected_next", "gpo"),
                ("came_instead", "6986"),
                ("device_action_asked", "true"),
                ("amount_minor", "100"),
                ("pdol_fault", ""),
                ("gpo_ms", "42"),
                ("transmission_errors", "0"),
            ],
        ),
        (
            "pm3bin_hf_visa_apple_normal.trace",
            &[
                ("waiting_time_extensions", "3"),
                ("atc", "45"),
                ("furthest_command", "select_aid"),
                ("came_instead", "unknown"),
            ],
        ),
        (
            "SYNTH_nci_logcat_nxp_old_taglost_in_readrecord.log",
            &[
                ("records_located", "5"),
                ("records_missing", "4"),
                ("first_record_missing", "3.1"),
                ("expected_next", "read_record"),
                ("came_instead", "silence"),
                ("lost_mid_dialogue", "true"),
            ],
        ),
        (
            "hexpairs_contactless-mastercard-in.txt",
            &[
                ("records_located", "5"),
                ("records_missing", "1"),
                ("first_record_missing", "3.2"),
                ("records_out_of_order", "false"),
                ("expected_next", "outcome"),
                ("came_instead", ""),
                ("cid", "TC"),
                ("iad_layout", "mchip"),
                ("oda_data_present", "true"),
                ("cdol_fault", ""),
                ("magstripe_mode", "false"),
            ],
        ),
        (
            "hexpairs_contactless-msd-in.txt",
            &[
                ("magstripe_mode", "true"),
                ("cdol_fault", "dol_unpredictable_number_zero"),
                ("expected_next", "outcome"),
            ],
        ),
        (
            "sendresp_FailErrorCard.txt",
            &[
                ("ppse_aids", "2"),
                ("furthest_command", "select_aid"),
                ("expected_next", "gpo"),
                ("came_instead", "6985"),
            ],
        ),
        (
            "sendresp_VisaCardPpse.txt",
            &[("pdol_fault", "gpo_length_wrong"), ("iad_layout", "")],
        ),
        (
            "hexpairs_contact-upi-in.txt",
            &[
                ("iad_layout", "unionpay"),
                ("contact_dialogue_ok", "true"),
                ("cvm_result", "unknown"),
            ],
        ),
    ];
    let mut wrong = Vec::new();
    for (name, facts) in rows {
        let analysis = analysis(&[&corpus.join("apdu").join(name)], &catalogue);
        for (fact_name, want) in *facts {
            let seen = fact(&analysis, 0, fact_name);
            if seen != *want {
                wrong.push(format!(
                    "{name}: {fact_name} is {seen:?}, expected {want:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Any beginning of any trace is read without a panic: what is cut gives less, and never nothing understood for all bytes.
#[test]
fn every_prefix_is_read() {
    let Some(corpus) = common::corpus() else {
        return;
    };
    let catalogue = Catalogue::load(&[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let every = std::env::var_os("TAPSCOPE_EVERY_PREFIX").is_some();
    let mut prefixes = 0;
    for (name, ..) in TRACES {
        let bytes = std::fs::read(corpus.join("apdu").join(name)).unwrap();
        // A dozen cuts at odd places each; all of them where asked for.
        let step = if every { 1 } else { (bytes.len() / 12).max(1) };
        let ends: Vec<usize> = (0..bytes.len()).step_by(step).collect();
        // A few at a time: all beginnings of a long trace are gigabytes.
        for part in ends.chunks(512) {
            let paths: Vec<_> = part
                .iter()
                .map(|end| {
                    let path = folder.path().join(format!("{end}-{name}"));
                    std::fs::write(&path, &bytes[..*end]).unwrap();
                    path
                })
                .collect();
            let inputs: Vec<&std::path::Path> = paths.iter().map(AsRef::as_ref).collect();
            prefixes += inputs.len();
            let analysis = analysis(&inputs, &catalogue);
            let panicked: Vec<_> = analysis
                .issues
                .iter()
                .filter(|issue| issue.code == "internal_error")
                .collect();
            assert!(panicked.is_empty(), "{name}: {panicked:?}");
            for path in paths {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
    println!("{prefixes} prefixes");
}
