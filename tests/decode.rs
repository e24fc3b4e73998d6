//! `tapscope decode` as its user meets it: each kind, named or guessed, sound or damaged, in two languages and for programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

use std::process::Command;

fn decode(words: &str) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tapscope"))
        .arg("decode")
        .args(words.split(' ').map(|word| word.replace('_', " ")))
        .output()
        .unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// What a user types (`_` is a blank within a word), and what the answer says.
const ROWS: &[(&str, &[&str])] = &[
    // Commands and answers, alone and with what belongs to them.
    (
        "00A404000E325041592E5359532E444446303100",
        &["taken for apdu", "SELECT PPSE", "2PAY.SYS.DDF01"],
    ),
    (
        "80AE50000B0000000001000102030400",
        &[
            "taken for apdu",
            "TC (offline approval) asked for, with CDA",
        ],
    ),
    (
        "apdu 80A800000B8309260000800000000088 --dol 9F66049F0205",
        &["83 Command template", "9F66", "EMV mode", "9F02"],
    ),
    (
        "80DA9F7504AABBCCDD",
        &["PUT DATA", "9F75 Unprotected data envelope 1"],
    ),
    (
        "770A820219809404080101009000",
        &[
            "taken for response",
            "82 Application interchange profile",
            "record",
            "Success",
        ],
    ),
    (
        "6985 --command gpo",
        &["taken for sw", "GET PROCESSING OPTIONS"],
    ),
    ("gpo 6985", &["taken for sw", "GET PROCESSING OPTIONS"]),
    ("sw 63C2 --command verify", &["2 tries left"]),
    // A line of a log.
    ("recv:_[6A82]", &["taken for sw", "6A82"]),
    (
        ">_80_A8_00_00_02_83_00_00",
        &["taken for apdu", "GET PROCESSING OPTIONS"],
    ),
    // Data objects, lists, and data by a list.
    (
        "9F2608AABBCCDDEEFF0011",
        &["taken for tlv", "9F26 Application cryptogram"],
    ),
    (
        "9F02069F03069F1A02",
        &[
            "taken for dol",
            "could also be tlv",
            "asks for 3 objects, 14 bytes",
        ],
    ),
    ("dol 9F66049F0206", &["asks for 2 objects, 10 bytes"]),
    (
        "--dol 9F02065F2A02 0000000100000156",
        &["taken for dol-data", "10000 minor units", "5F2A"],
    ),
    // Tag and value, and bit fields by name and by tag.
    (
        "95 0400008000",
        &["95 Terminal verification results", "CDA failed"],
    ),
    ("82 7C00", &["82 Application interchange profile"]),
    (
        "8E 000000000000000042031E031F03",
        &["Rule 3", "No CVM required"],
    ),
    ("tvr 0400008000", &["CDA failed"]),
    ("ttq 26000080", &["EMV mode", "Online PIN supported"]),
    ("ctq 8000", &["9F6C"]),
    ("aip 1980", &["82 Application interchange profile"]),
    (
        "afl 0801010010010301",
        &["4 records to read", "1 of them signed"],
    ),
    ("cid 80", &["ARQC"]),
    ("cvmr 1F0302", &["No CVM required", "Successful"]),
    (
        "iad 07010103A08018010A01",
        &[
            "UnionPay",
            "Last online transaction not completed",
            "Issuer script processing failed",
        ],
    ),
    (
        "iad 1F220152A400000F000000000000000000000000000000000000000000000000",
        &[
            "Visa format 2",
            "Holder verified by the device",
            "Verified with: finger",
        ],
    ),
    (
        "iad 0FA501A03F80280000000000000000000F000000000000000000000000000000",
        &["common core", "PIN try limit exceeded"],
    ),
    (
        "cvr 03A0A000",
        &["card verification results alone", "First GENERATE AC: ARQC"],
    ),
    (
        "9F5F 80",
        &["DS slot availability", "Permanent slot available"],
    ),
    ("aid A000000333010101", &["UnionPay Debit"]),
    ("DF8129 4010F0F000F00A14", &["DF8129"]),
    // Resets.
    (
        "3B6500002063CB6800",
        &["taken for atr", "direct convention"],
    ),
    ("0578807002", &["taken for ats", "could also be"]),
    // Damaged: what can be read is read, the rest is shown, and the damage has a place.
    ("5A08541333", &["taken for tlv", "tlv_truncated"]),
    (
        "response 6F108407A0000000031010A5049F380201029000",
        &[
            "dol_truncated",
            "9F38 PDOL",
            "Bytes that could not be read",
            "02",
        ],
    ),
    ("80A80000068304260000", &["taken for apdu", "lc_too_long"]),
    ("atr 3BFF", &["atr_short"]),
    ("iso8583 0200", &["iso8583_none"]),
    (
        "0102030405060708090A",
        &["taken for unknown", "0102030405060708090A"],
    ),
    // Chinese.
    (
        "tvr 0400008000 --lang zh",
        &["终端验证结果", "第1字节第3位", "复合动态数据认证失败"],
    ),
    ("00B2010C00 --lang zh", &["按 apdu 解析", "读记录"]),
];

#[test]
fn every_kind_is_explained() {
    let mut wrong = Vec::new();
    for (words, wanted) in ROWS {
        let (ok, out, err) = decode(words);
        if !ok {
            wrong.push(format!("{words}: {err}"));
        }
        for want in *wanted {
            if !out.contains(want) {
                wrong.push(format!("{words}: no {want:?} in\n{out}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn card_data_are_masked_in_every_form() {
    for words in [
        "5A085413330089010010",
        "5A 5413330089010010",
        "57 5413330089010010D2812201090000000F",
        "57115413330089010010D2812201090000000F0",
        "571154133300890100",
        "9F5E 541333008901001001",
        "9F5E09541333008901001001",
        "0020008008241234FFFFFFFFFF",
        "70205A0854133300890100105F24032812319F0702FF00",
        "0200702406C020C09A00164111111111111111000000000000010000",
        "--dol 5A089F0206 5413330089010010000000000100",
        "track2 5413330089010010D2812201090000000F",
    ] {
        for form in ["", " --json", " --lang zh"] {
            let (_, out, err) = decode(&format!("{words}{form}"));
            for secret in [
                "5413330089010010",
                "3330089",
                "33300890",
                "4111111111111111",
                "241234",
                "008901001001",
            ] {
                assert!(
                    !out.contains(secret) && !err.contains(secret),
                    "{words}{form}: {secret} in\n{out}{err}"
                );
            }
        }
    }
}

#[test]
fn programs_get_the_same_tree() {
    let (ok, out, _) = decode("--json 770A820219809404080101009000");
    assert!(ok);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["kind"], "response");
    assert_eq!(value["guessed"], true);
    let data = &value["node"]["children"][0];
    assert_eq!(data["children"][0]["hex"], "82021980940408010100");
    assert_eq!(
        data["children"][0]["children"][0]["label_zh"]
            .as_str()
            .unwrap()
            .split(' ')
            .next(),
        Some("82")
    );
    assert_eq!(data["children"][0]["offset"], 2);
    let (_, out, _) = decode("--json 5A08541333");
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["node"]["fault"]["code"], "tlv_truncated");
}

#[test]
fn what_cannot_be_read_is_said() {
    for (words, want) in [
        ("80A8000002830", "13 hex digits"),
        ("nonsense", "neither hex nor a file"),
        ("--dol xyz 00", "--dol takes hex"),
        ("--command nothing 6985", "--command takes"),
    ] {
        let (ok, _, err) = decode(words);
        assert!(!ok && err.contains(want), "{words}: {err}");
    }
}
