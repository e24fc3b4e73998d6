//! What the card remembers and stores: verification results, and the data storage of kernel 2 and 8, as facts of a whole trace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod traced;

use tapscope::Analysis;
use tapscope::attribute::Catalogue;
use traced::{analysis, exchanges, fact, sequence};

const PPSE: (&str, &str) = (
    "00A404000E325041592E5359532E444446303100",
    "6F2F840E325041592E5359532E4444463031A51DBF0C1A61184F07A0000000041010500A4D4153544552434152448701019000",
);
const SELECT: (&str, &str) = (
    "00A4040007A000000004101000",
    "6F208407A0000000041010A515500A4D4153544552434152448701019F38039F33039000",
);
/// PDOL: DS requested operator identifier, DS identifier, unpredictable number.
const SELECT_STORAGE: (&str, &str) = (
    "00A4040007A000000004101000",
    "6F1A8407A0000000041010A50F8701019F38099F5C089F5E099F37049000",
);
const PLAIN_GPO: (&str, &str) = ("80A80000058303E0F0C800", "770A820219809404080101009000");
const STORAGE_GPO: &str = "80A80000178315112233445566778854133300890100100101020304 00";

fn object(tag: &str, value: &str) -> String {
    format!("{tag}{:02X}{value}", value.len() / 2)
}

fn run(pairs: &[(&str, &str)]) -> Analysis {
    let text: String = pairs
        .iter()
        .map(|(command, answer)| {
            let command = command.replace(' ', "");
            if answer.is_empty() {
                format!("send: {command}\n")
            } else {
                format!("send: {command}\nrecv: {answer}\n")
            }
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reader.txt");
    std::fs::write(&path, text).unwrap();
    analysis(&[&path], &Catalogue::load(&[]).unwrap())
}

fn expect(analysis: &Analysis, name: &str, facts: &[(&str, &str)]) {
    for (fact_name, want) in facts {
        assert_eq!(
            fact(analysis, 0, fact_name),
            *want,
            "{name}: {fact_name} in {}",
            sequence(analysis)
        );
    }
}

/// A tap up to GENERATE AC whose issuer application data are these.
fn generated(requested: &str, information: &str, data: &str) -> Analysis {
    let record = "7017 8C089F02069F37049C01 5A085413330089010010".replace(' ', "") + "9000";
    let command = format!("80AE{requested}000B000000001200AABBCCDD0000");
    let inner = object("9F27", information)
        + &object("9F36", "0007")
        + &object("9F26", "1122334455667788")
        + &object("9F10", data);
    let answer = object("77", &inner) + "9000";
    run(&[
        PPSE,
        SELECT,
        PLAIN_GPO,
        ("00B2010C00", &record),
        (&command, &answer),
    ])
}

#[test]
fn what_the_card_says_of_itself() {
    let failed = generated("80", "00", "0110A00013900900DAC0000000000000000F");
    expect(
        &failed,
        "M/Chip",
        &[
            ("iad_layout", "mchip"),
            ("cvr_first_ac", "ARQC"),
            ("cvr_second_ac", "not_requested"),
            ("cvr_pin", "failed"),
            ("cvr_pin_tries", "3"),
            ("cvr_pin_try_limit", "false"),
            ("cvr_last_online_incomplete", "true"),
            ("cvr_script_failed", "true"),
            ("cvr_scripts", "1"),
            ("cvr_go_online_next", "true"),
            ("cvr_new_card", "NULL"),
            ("cvr_device_verified", "NULL"),
            // AAC by 9F27, ARQC by its own account, ARQC asked for.
            ("cvr_contradicts_cid", "true"),
            ("ac_lower_than_asked", "true"),
            ("gac_requested", "ARQC"),
            ("cid", "AAC"),
        ],
    );
    let good = generated("80", "80", "0110A10003200000DAC0000000000000000F");
    expect(
        &good,
        "M/Chip",
        &[
            ("cvr_pin", "ok"),
            ("cvr_contradicts_cid", "false"),
            ("ac_lower_than_asked", "false"),
            ("cvr_last_online_incomplete", "false"),
            ("cvr_script_failed", "false"),
        ],
    );
    // Visa's bytes from a Mastercard are chance: no layout is claimed.
    let foreign = generated("80", "80", "06010A03A0A000");
    expect(
        &foreign,
        "foreign",
        &[
            ("iad_layout", ""),
            ("cvr", "NULL"),
            ("cvr_first_ac", "NULL"),
            ("cvr_last_online_incomplete", "NULL"),
        ],
    );
}

#[test]
fn standalone_storage() {
    let read_and_written = run(&[
        PPSE,
        SELECT,
        PLAIN_GPO,
        ("80CA9F7500", "9F7504010203049000"),
        ("80DA9F7504AABBCCDD", "9000"),
        ("80DA9F7604AABBCCDD", "6985"),
        ("80CA9F7700", "6A88"),
    ]);
    expect(
        &read_and_written,
        "standalone",
        &[
            ("data_storage", "true"),
            ("storage_kind", "standalone"),
            ("storage_read", "9F75"),
            ("storage_written", "9F75"),
            ("storage_failed", "write 9F76 6985"),
            ("storage_write_stands", "NULL"),
            // They are no issuer scripts.
            ("issuer_scripts", "0"),
        ],
    );
    let sent = exchanges(&read_and_written)
        .iter()
        .find_map(|e| e.bytes(0x9F76).map(<[u8]>::to_vec));
    assert_eq!(sent, Some(vec![0xAA, 0xBB, 0xCC, 0xDD]));
    // The card goes while it is written to.
    let torn = run(&[
        PPSE,
        SELECT,
        PLAIN_GPO,
        ("80DA9F7504AABBCCDD", ""),
        ("00A404000E325041592E5359532E444446303100", "6A82"),
    ]);
    assert_eq!(fact(&torn, 0, "storage_failed"), "write 9F75 silence");
    // UnionPay's electronic cash has the same tags and is no storage.
    let cash = run(&[
        (
            PPSE.0,
            "6F30840E325041592E5359532E4444463031A51EBF0C1B61194F08A0000003330101015009515549434B504153538701019000",
        ),
        (
            "00A4040008A00000033301010100",
            "6F108408A000000333010101A504870101 9F1A"
                .split(' ')
                .next()
                .unwrap(),
        ),
        ("80CA9F7900", "9F79060000000050009000"),
    ]);
    assert_eq!(fact(&cash, 0, "data_storage"), "false");
    assert_eq!(fact(&cash, 0, "storage_kind"), "");
    assert_eq!(fact(&cash, 0, "storage_read"), "NULL");
    let scripted = run(&[PPSE, SELECT, ("04DA9F790A0000000050001122334455", "9000")]);
    expect(
        &scripted,
        "script",
        &[("issuer_scripts", "1"), ("data_storage", "false")],
    );
}

#[test]
fn integrated_storage() {
    let stored = object("9F5F", "40")
        + &object("9F6F", "80")
        + &object("9F7D", "0102030405060708")
        + &object("9F54", "CAFE")
        + "82021980940408010100";
    let options = object("77", &stored) + "9000";
    // CDOL1, and DSDOL for what is to be stored.
    let record = object(
        "70",
        &("5A085413330089010010".to_owned()
            + &object("8C", "9F02069F3704")
            + &object(
                "9F5B",
                "DF6008DF610FDF6304".replace("DF610F", "DF6108").as_str(),
            )),
    ) + "9000";
    let command = "80AE90001E000000001200AABBCCDD 1111111111111111 2222222222222222 0A0B0C0D 00";
    let answer = |second: &str, third: &str| {
        object(
            "77",
            &(object("9F27", "80")
                + &object("9F36", "0007")
                + &object("9F26", "1122334455667788")
                + &object("DF8101", second)
                + &object("DF8102", third)),
        ) + "9000"
    };
    let run_with = |second: &str, third: &str| {
        run(&[
            PPSE,
            SELECT_STORAGE,
            (STORAGE_GPO, &options),
            ("00B2010C00", &record),
            (command, &answer(second, third)),
        ])
    };
    let good = run_with("0102030405060708", "1112131415161718");
    expect(
        &good,
        "integrated",
        &[
            ("storage_kind", "integrated"),
            ("storage_read", "9F5F,9F6F,9F7D,9F54"),
            ("storage_written", "DF63"),
            ("storage_failed", ""),
            ("storage_write_stands", "true"),
            ("cdol_fault", ""),
            ("pdol_fault", ""),
        ],
    );
    let sent = exchanges(&good)
        .iter()
        .find_map(|e| e.bytes(0xDF63).map(<[u8]>::to_vec));
    assert_eq!(sent, Some(vec![10, 11, 12, 13]));
    // The identifier is the card's number: it is nowhere.
    for exchange in exchanges(&good) {
        assert!(
            !exchange.command_hex.contains("5413330089010010"),
            "{}",
            exchange.command_hex
        );
        assert!(exchange.bytes(0x9F5E).is_none());
    }
    expect(
        &run_with("0102030405060708", "0102030405060708"),
        "not written",
        &[
            ("storage_written", ""),
            ("storage_failed", "write DF63 unchanged"),
            ("storage_write_stands", "false"),
        ],
    );
    expect(
        &run_with("FF02030405060708", "1112131415161718"),
        "another card's data",
        &[("storage_failed", "read 9F7D summary differs")],
    );
    let nothing = run(&[PPSE, SELECT_STORAGE, (STORAGE_GPO, PLAIN_GPO.1)]);
    expect(
        &nothing,
        "no storage on the card",
        &[
            ("storage_read", ""),
            ("storage_failed", "read 9F5C nothing"),
        ],
    );
}

#[test]
fn storage_of_kernel_8() {
    let found = run(&[
        PPSE,
        SELECT,
        PLAIN_GPO,
        (
            "8032000000",
            "70020000 9000".split(' ').collect::<String>().as_str(),
        ),
        ("8034000002ABCD", "6982"),
    ]);
    expect(
        &found,
        "kernel 8",
        &[
            ("storage_kind", "kernel_8"),
            ("storage_read", "0000"),
            ("storage_written", ""),
            ("storage_failed", "write 0000 6982"),
        ],
    );
}
