//! Each mutation of a whole tap that changes its dialogue yields the step that it stopped at and the facts that name it.
//!
//! The taps are put on the air as a sniffer's log: polling, activation, blocks with their codes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod traced;
#[path = "mutations/whole.rs"]
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use tapscope::attribute::Catalogue;
use traced::air::{Air, CARD, PHONE, Step, Templates, refused, tap, unhex};
use traced::{TerminalLog, analysis, fact};
use whole::{NO_DIALOGUE, broken_off, entries, whole};

/// Cause, variant, what is on the air, facts (of the last attempt).
type Case = (
    &'static str,
    &'static str,
    Air,
    &'static [(&'static str, &'static str)],
);

fn cards(t: &Templates) -> Vec<Case> {
    let upi = t.steps("upi_online");
    let offline = t.steps("upi_offline");
    let mc = t.steps("mc_emv");
    let visa = t.steps("visa_qvsdc");
    let mut cases: Vec<Case> = Vec::new();
    let mut air = Air::default();
    air.poll(false);
    air.select(CARD, 0x20);
    air.coded(false, &[0xE0, 0x80]);
    air.wait(20);
    air.coded(false, &[0xE0, 0x80]);
    air.wait(20);
    air.poll(false);
    cases.push((
        "CARD_CHIP_DAMAGED",
        "ATQA, and RATS without ATS",
        air,
        &[
            ("field_on", "true"),
            ("activation_failed", "true"),
            ("stage", "polling"),
            ("activations", "0"),
        ],
    ));
    let mut air = Air::default();
    for _ in 0..40 {
        air.poll(false);
        air.wait(500);
    }
    cases.push((
        "CARD_ANTENNA_FAULT",
        "nothing answers",
        air,
        &[
            ("field_on", "true"),
            ("card_answered", "false"),
            ("stage", "polling"),
            ("activations", "0"),
        ],
    ));
    let mut air = Air::default();
    air.poll(false);
    air.select(CARD, 0x08);
    cases.push((
        "CARD_NOT_CONTACTLESS",
        "SAK 08",
        air,
        &[("not_iso_dep", "true"), ("stage", "activated")],
    ));
    cases.push((
        "CARD_NOT_CONTACTLESS",
        "PPSE 6A82",
        refused(CARD, upi.clone(), 0, &t.splice("ppse_6A82")),
        &[
            ("ppse_sw", "6A82"),
            ("furthest_command", ""),
            ("expected_next", "select_ppse"),
            ("came_instead", "6A82"),
            ("phone_hint", "false"),
        ],
    ));
    cases.push((
        "CARD_NOT_CONTACTLESS",
        "T-Union only",
        refused(CARD, upi.clone(), 0, &t.splice("ppse_tunion_only")),
        &[
            ("ppse_aids", "1"),
            ("ppse_payment_aids", "0"),
            ("expected_next", "select_aid"),
            ("came_instead", "nothing"),
        ],
    ));
    let old: Vec<Step> = visa
        .iter()
        .map(|(c, r, ms)| {
            (
                c.clone(),
                r.replace("D2812", "D2012")
                    .replace("5F2403281231", "5F2403201231"),
                *ms,
            )
        })
        .collect();
    cases.push((
        "CARD_EXPIRED",
        "ARQC all the same",
        tap(CARD, &old),
        &[
            ("card_expired_by_terminal", "true"),
            ("cid", "ARQC"),
            ("expected_next", "outcome"),
            ("came_instead", ""),
        ],
    ));
    cases.push((
        "CARD_BLOCKED",
        "SELECT 6283",
        refused(CARD, mc.clone(), 1, &t.splice("aid_6283")),
        &[
            ("aid_select_sw", "6283"),
            ("furthest_command", "select_ppse"),
            ("expected_next", "select_aid"),
            ("came_instead", "6283"),
        ],
    ));
    cases.push((
        "CARD_BLOCKED",
        "PPSE 6A81",
        refused(CARD, mc.clone(), 0, &t.splice("card_6A81")),
        &[
            ("ppse_sw", "6A81"),
            ("came_instead", "6A81"),
            ("furthest_command", ""),
        ],
    ));
    let bare =
        "70205F24032812315A0854133300896041115F280200565F3401019F0702FF008F01059000".to_owned();
    cases.push((
        "CARD_DATA_INVALID",
        "record without 8C",
        refused(CARD, mc.clone(), 3, &bare),
        &[
            ("missing_mandatory", "8C"),
            ("records_missing", "0"),
            ("expected_next", "generate_ac"),
            ("came_instead", "nothing"),
        ],
    ));
    cases.push((
        "CARD_DATA_INVALID",
        "READ RECORD 6A83",
        refused(CARD, mc.clone(), 3, &t.splice("rr_6A83")),
        &[
            ("read_record_sw", "6A83"),
            ("records_missing", "1"),
            ("first_record_missing", "1.1"),
            ("expected_next", "read_record"),
            ("came_instead", "6A83"),
        ],
    ));
    let declined = offline[2]
        .1
        .replace("9F101307010103900000", "9F101307010103800000")
        .replace("9F5D06000000050000", "9F5D06000000000100");
    cases.push((
        "CARD_OFFLINE_DECLINED",
        "CVR says AAC, balance too small",
        refused(CARD, offline.clone(), 2, &declined),
        &[
            ("cid", "AAC"),
            ("ec_balance_short", "true"),
            ("iad_layout", "unionpay"),
            ("cvr", "03800000"),
        ],
    ));
    let signed: Vec<Step> = mc
        .iter()
        .map(|(c, r, ms)| {
            (
                c.replace("01560000008000", "01560400008000"),
                r.clone(),
                *ms,
            )
        })
        .collect();
    cases.push((
        "CARD_ODA_FAILED",
        "TVR byte 1 bit 3",
        tap(CARD, &signed),
        &[
            ("tvr", "0400008000"),
            ("tvr_oda_failed", "true"),
            ("oda_methods", "CDA"),
            ("oda_data_present", "false"),
        ],
    ));
    cases.push((
        "CARD_REQUIRES_CONTACT",
        "GPO 6984",
        refused(CARD, upi.clone(), 2, &t.splice("gpo_6984")),
        &[
            ("gpo_sw", "6984"),
            ("furthest_command", "select_aid"),
            ("expected_next", "gpo"),
            ("came_instead", "6984"),
            ("phone_hint", "false"),
        ],
    ));
    cases
}

fn holders(t: &Templates) -> Vec<Case> {
    let upi = t.steps("upi_online");
    let offline = t.steps("upi_offline");
    let mc = t.steps("mc_emv");
    let mut cases: Vec<Case> = Vec::new();
    let asks = "77329F2701009F360201239F2608FEDCBA98765432109F10120110A00003220000000000000000000000FFDF4B030001009000";
    let asks = asks.replacen("7732", "772F", 1);
    cases.push((
        "DEV_CDCVM_REQUIRED",
        "DF4B asks for an act",
        refused(PHONE, mc.clone(), 4, &asks),
        &[
            ("see_phone_flag", "true"),
            ("phone_hint", "true"),
            ("cid", "AAC"),
        ],
    ));
    cases.push((
        "DEV_CDCVM_REQUIRED",
        "GPO 6986",
        refused(PHONE, upi.clone(), 2, &t.splice("gpo_6986")),
        &[
            ("device_action_asked", "true"),
            ("phone_hint", "true"),
            ("came_instead", "6986"),
        ],
    ));
    cases.push((
        "DEV_WALLET_NOT_READY",
        "phone, PPSE 6A82",
        refused(PHONE, upi.clone(), 0, &t.splice("ppse_6A82")),
        &[
            ("phone_hint", "true"),
            ("ppse_sw", "6A82"),
            ("came_instead", "6A82"),
        ],
    ));
    let mut air = tap(CARD, &offline[..5]);
    air.send(&offline[5].0);
    for _ in 0..3 {
        air.wait(40);
        air.coded(false, &[0xB2]);
    }
    air.wait(40);
    for _ in 0..3 {
        air.poll(false);
    }
    cases.push((
        "USER_CARD_REMOVED_EARLY",
        "no answer to the last READ RECORD",
        air,
        &[
            ("unanswered_command", "read_record"),
            ("records_located", "3"),
            ("records_missing", "1"),
            ("first_record_missing", "2.4"),
            ("expected_next", "read_record"),
            ("came_instead", "silence"),
            ("furthest_command", "read_record"),
        ],
    ));
    let mut air = Air::default();
    air.poll(true);
    air.frame(false, &[0x93, 0x20]);
    air.frame(true, &[0xA1, 0xB2, 0xFF, 0xD4, 0x04]);
    cases.push((
        "USER_MULTIPLE_CARDS",
        "identifiers collide",
        air,
        &[("collision", "true"), ("stage", "polling")],
    ));
    let mut air = Air::default();
    air.poll(false);
    for _ in 0..3 {
        air.activate(CARD);
        air.send(&upi[0].0);
        air.broken(true, &unhex("026F34840E32"));
        air.coded(false, &[0xB2]);
        air.wait(80);
        air.poll(false);
        air.wait(100);
    }
    air.activate(CARD);
    for (command, answer, millis) in &upi {
        air.exchange(command, answer, *millis);
    }
    cases.push((
        "USER_POOR_PLACEMENT",
        "damaged three times, then complete",
        air,
        &[
            ("has_cryptogram", "true"),
            ("expected_next", "outcome"),
            ("came_instead", ""),
            ("distinct_uids", "1"),
        ],
    ));
    let mut air = tap(CARD, &upi);
    air.coded(false, &[0xC2]);
    air.coded(true, &[0xC2]);
    air.wait(4000);
    air.poll(false);
    air.activate(CARD);
    for (command, answer, millis) in &upi {
        air.exchange(
            command,
            &answer.replace("9F36020042", "9F36020043"),
            *millis,
        );
    }
    cases.push((
        "USER_DUPLICATE_TAP",
        "the same card again, counter one higher",
        air,
        &[("atc", "67"), ("has_cryptogram", "true")],
    ));
    let mut air = tap(CARD, &mc[..2]);
    air.send(&mc[2].0);
    air.broken(true, &unhex("02770A8202"));
    air.coded(false, &[0xB2]);
    air.broken(true, &unhex("02770A8202"));
    air.coded(false, &[0xB2]);
    air.wait(80);
    air.poll(false);
    cases.push((
        "HW_RF_DEGRADED",
        "damaged frames within a command",
        air,
        &[
            ("transmission_errors", "4"),
            ("clean_before_loss", "false"),
            ("lost_mid_dialogue", "false"),
            ("unanswered_command", "gpo"),
        ],
    ));
    cases
}

fn terminals(t: &Templates) -> Vec<Case> {
    let upi = t.steps("upi_online");
    let offline = t.steps("upi_offline");
    let mc = t.steps("mc_emv");
    let visa = t.steps("visa_qvsdc");
    let mut cases: Vec<Case> = Vec::new();
    cases.push((
        "SW_KERNEL_OUTDATED",
        "kernel 8 asked for",
        refused(CARD, mc.clone(), 0, &t.splice("ppse_kernel8")),
        &[
            ("ppse_kernel_id", "08"),
            ("expected_next", "select_aid"),
            ("came_instead", "nothing"),
            ("no_aid_selected_after_ppse", "true"),
        ],
    ));
    let mut late: Vec<Step> = mc.clone();
    late[4].0 = late[4]
        .0
        .replace("80AE8000", "80AE0000")
        .replace("0000000000000156261122", "0040000000000156350101")
        .replace("0080000156261122", "4080000156350101");
    late[4].1 = t.splice("gac_AAC");
    cases.push((
        "SW_CLOCK_WRONG",
        "date 350101, TVR expired, AAC asked for",
        tap(CARD, &late),
        &[
            ("terminal_date", "350101"),
            ("gac_requested", "AAC"),
            ("cid", "AAC"),
            ("card_expired_by_terminal", "true"),
        ],
    ));
    let mut air = tap(CARD, &mc[..2]);
    air.send(&mc[2].0);
    air.coded(true, &[0x60, 0x01, 0x02]);
    air.coded(false, &[0xB2]);
    air.coded(true, &[0x60, 0x01, 0x02]);
    air.coded(false, &[0xC2]);
    air.coded(true, &[0xC2]);
    air.poll(true);
    cases.push((
        "SW_INTEROP",
        "no block, and the card is still there",
        air,
        &[
            ("protocol_errors", "2"),
            ("present_after", "true"),
            ("unanswered_command", "gpo"),
            ("came_instead", "silence"),
        ],
    ));
    cases.push((
        "CFG_AID_MISSING",
        "nothing after the PPSE",
        tap(CARD, &mc[..1]),
        &[
            ("ppse_schemes", "Mastercard"),
            ("no_aid_selected_after_ppse", "true"),
            ("expected_next", "select_aid"),
            ("came_instead", "nothing"),
        ],
    ));
    cases.push((
        "CFG_CAPK_MISSING",
        "everything read, key index 0B",
        tap(CARD, &offline),
        &[
            ("capk_index", "0B"),
            ("records_missing", "0"),
            ("records_out_of_order", "false"),
            ("oda_data_present", "true"),
            ("cid", "TC"),
            ("expected_next", "outcome"),
            ("records_located", "3"),
        ],
    ));
    let mut params = upi.clone();
    params[2].0 = params[2]
        .0
        .replace("26000080", "86000080")
        .replace("8325832326000080", "8325832386000080")
        .replacen("832326", "832386", 1);
    cases.push((
        "CFG_KERNEL_PARAMS",
        "TTQ without EMV mode",
        refused(CARD, params, 2, &t.splice("gpo_6985")),
        &[
            ("gpo_sw", "6985"),
            ("ttq_emv_mode", "false"),
            ("came_instead", "6985"),
            ("pdol_fault", ""),
        ],
    ));
    let mut short = upi.clone();
    short[2].0 = "80A800000483022600 00".replace(' ', "");
    cases.push((
        "CFG_KERNEL_PARAMS",
        "PDOL answered with two bytes",
        refused(CARD, short, 2, "6700"),
        &[("gpo_sw", "6700"), ("pdol_fault", "gpo_length_wrong")],
    ));
    cases.push((
        "LIM_READER_LIMIT",
        "kernel 2 stops after READ RECORD",
        tap(CARD, &mc[..4]),
        &[
            ("furthest_command", "read_record"),
            ("expected_next", "generate_ac"),
            ("came_instead", "nothing"),
            ("gac_sw", ""),
            ("amount_minor", "NULL"),
        ],
    ));
    let mut cvm = upi.clone();
    cvm[2].0 = cvm[2].0.replacen("832326000080", "832322400080", 1);
    cvm[2].1 = cvm[2].1.replace("9F6C020000", "9F6C028000");
    cases.push((
        "LIM_CVM_NOT_POSSIBLE",
        "CVM required, no online PIN, CTQ wants it",
        tap(CARD, &cvm),
        &[
            ("ttq_online_pin", "false"),
            ("ttq_cvm_required", "true"),
            ("ctq_online_pin", "true"),
            ("cid", "ARQC"),
        ],
    ));
    cases.push((
        "MER_SCHEME_NOT_ACCEPTED",
        "Visa only",
        tap(CARD, &visa[..1]),
        &[
            ("ppse_schemes", "Visa"),
            ("no_aid_selected_after_ppse", "true"),
            ("came_instead", "nothing"),
        ],
    ));
    for (name, steps, read) in [
        ("upi_online", &upi, "0"),
        ("upi_offline", &offline, "3"),
        ("mc_emv", &mc, "1"),
        ("visa_qvsdc", &visa, "1"),
    ] {
        let facts: &'static [(&'static str, &'static str)] = match read {
            "0" => &[
                ("expected_next", "outcome"),
                ("came_instead", ""),
                ("records_read", "0"),
                ("transmission_errors", "0"),
                ("gpo_ms", "160"),
                ("pdol_fault", ""),
            ],
            "3" => &[
                ("expected_next", "outcome"),
                ("came_instead", ""),
                ("records_read", "3"),
                ("transmission_errors", "0"),
                ("cid", "TC"),
            ],
            _ => &[
                ("expected_next", "outcome"),
                ("came_instead", ""),
                ("records_read", "1"),
                ("transmission_errors", "0"),
                ("cid", "ARQC"),
                ("pdol_fault", ""),
            ],
        };
        cases.push(("none", name, tap(CARD, steps), facts));
    }
    cases
}

#[test]
fn each_mutation_yields_its_step_and_facts() {
    let templates = Templates::new();
    let catalogue = Catalogue::load(&[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let entries = entries();
    let mut cases = cards(&templates);
    cases.extend(holders(&templates));
    cases.extend(terminals(&templates));
    cases.extend(broken_off(&templates));
    cases.extend(whole(&templates, &entries));
    let mut wrong = Vec::new();
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, (cause, variant, air, facts)) in cases.into_iter().enumerate() {
        *tried.entry(cause).or_default() += 1;
        let path = folder.path().join(format!("{number}.trace"));
        std::fs::write(&path, &air.log).unwrap();
        let analysis = analysis(&[&path], &catalogue);
        let format = analysis.correlated.sources[0].format.as_deref();
        assert_eq!(format, Some("proxmark-trace"), "{cause}: {variant}");
        // Without a clock attempts have no order of their own: the last is the one whose events stand last.
        let attempts = &analysis.correlated.attempts;
        let Some(last) = (0..attempts.len()).max_by_key(|at| attempts[*at].events.clone()) else {
            wrong.push(format!("{cause}: {variant}: no attempt"));
            continue;
        };
        for (name, want) in facts {
            let seen = fact(&analysis, last, name);
            if seen != *want {
                wrong.push(format!(
                    "{cause}: {variant}: {name} is {seen:?}, expected {want:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Every entry of the table is tried, or it is said why it is not.
    let without: BTreeMap<&str, &str> = NO_DIALOGUE.iter().copied().collect();
    let mut known = BTreeSet::new();
    for entry in &entries {
        assert!(known.insert(entry.cause), "{} twice", entry.cause);
        let (has, not) = (tried.get(entry.cause), without.get(entry.cause));
        assert!(
            has.is_some() != not.is_some(),
            "{}: {:?} is tried {has:?} times, left out for {not:?}",
            entry.cause,
            entry.mutation
        );
    }
    for cause in tried.keys().chain(without.keys()) {
        assert!(*cause == "none" || known.contains(cause), "{cause}");
    }
    println!(
        "{} entries: {} variants tried, {} without a dialogue",
        entries.len(),
        tried.values().sum::<usize>(),
        without.len()
    );
}

/// The contact chip that gives no answer to reset after a refused tap stands in the terminal's log: the whole entry at once.
#[test]
fn a_tap_that_fails_and_a_chip_without_an_answer() {
    let t = Templates::new();
    let mut steps = t.steps("upi_online");
    steps[2].1 = t.splice("gpo_6984");
    let mut log = TerminalLog::default();
    log.line("PayApp", "消费 终端号：10000019 金额：88.00", 5);
    for (command, answer, wait) in &steps {
        log.exchange(command, answer, *wait);
    }
    log.line("PayApp", "请插卡", 300);
    for _ in 0..3 {
        log.line("PayApp", "卡未上电", 4000);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pos.log");
    std::fs::write(&path, log.text).unwrap();
    let analysis = analysis(&[&path], &Catalogue::load(&[]).unwrap());
    let attempts = &analysis.correlated.attempts;
    let tap = (0..attempts.len())
        .min_by_key(|at| attempts[*at].events.clone())
        .unwrap();
    for (name, want) in [
        ("gpo_sw", "6984"),
        ("came_instead", "6984"),
        ("contact_failed_after", "true"),
        ("contact_dialogue_ok", "false"),
    ] {
        assert_eq!(fact(&analysis, tap, name), want, "{name}");
    }
}
