//! Entries of the table whose tap is whole or breaks off for a reason outside of the dialogue, and those without one.

use super::Case;
use super::traced::air::{Air, CARD, Templates, refused, tap};

/// Taps that fail before another interface is tried, and dialogues that break off for reasons of the terminal.
pub fn broken_off(t: &Templates) -> Vec<Case> {
    let upi = t.steps("upi_online");
    let mc = t.steps("mc_emv");
    let mut cases: Vec<Case> = Vec::new();
    for (cause, variant) in [
        (
            "FBK_CONTACT_READ_FAILED",
            "tap fails with 6984, then no ATR",
        ),
        ("FBK_MAGSTRIPE_READ_FAILED", "tap fails first"),
        ("FBK_REFUSED", "tap fails, swipe"),
    ] {
        cases.push((
            cause,
            variant,
            refused(CARD, upi.clone(), 2, &t.splice("gpo_6984")),
            &[
                ("gpo_sw", "6984"),
                ("furthest_command", "select_aid"),
                ("expected_next", "gpo"),
                ("came_instead", "6984"),
                ("contact_dialogue_ok", "false"),
                ("has_cryptogram", "false"),
            ],
        ));
    }
    for (cause, stop) in [
        ("HW_PERIPHERAL_LINK", 1),
        ("SW_OS_FAULT", 2),
        ("SW_UPDATE_IN_PROGRESS", 3),
    ] {
        let mut air = tap(CARD, &mc[..stop]);
        air.send(&mc[stop].0);
        let facts: &'static [(&'static str, &'static str)] = match stop {
            1 => &[
                ("furthest_command", "select_ppse"),
                ("expected_next", "select_aid"),
                ("came_instead", "unknown"),
                ("has_cryptogram", "false"),
            ],
            2 => &[
                ("furthest_command", "select_aid"),
                ("expected_next", "gpo"),
                ("came_instead", "unknown"),
                ("has_cryptogram", "false"),
            ],
            _ => &[
                ("furthest_command", "gpo"),
                ("expected_next", "read_record"),
                ("came_instead", "unknown"),
                ("records_missing", "1"),
            ],
        };
        cases.push((cause, "the log stops within a command", air, facts));
    }
    let mut mute = Air::default();
    for _ in 0..60 {
        mute.poll(false);
        mute.wait(500);
    }
    let nobody: &'static [(&'static str, &'static str)] = &[
        ("field_on", "true"),
        ("card_answered", "false"),
        ("stage", "polling"),
        ("activations", "0"),
    ];
    cases.push((
        "HW_READER_FAULT",
        "field on, no card ever answers",
        mute,
        nobody,
    ));
    let mut waits = Air::default();
    for _ in 0..60 {
        waits.poll(false);
        waits.wait(500);
    }
    cases.push(("USER_ABANDONED", "field on for 30 s", waits, nobody));
    let mut zero = upi.clone();
    zero[2].0 = zero[2].0.replacen("000000008800", "000000000000", 1);
    cases.push((
        "MER_CASHIER_ERROR",
        "amount 0",
        tap(CARD, &zero),
        &[
            ("amount_zero", "true"),
            ("amount_minor", "0"),
            ("has_cryptogram", "true"),
        ],
    ));
    cases
}

/// Entries whose tap is whole: the template as it is gives a whole dialogue, and the fault stands elsewhere.
pub fn whole(t: &Templates, entries: &[Entry]) -> Vec<Case> {
    let of =
        |entry: &&Entry| entry.mutation.starts_with("complete") && entry.template != "upi_offline";
    entries
        .iter()
        .filter(of)
        .map(|entry| {
            let facts: &'static [(&'static str, &'static str)] = match entry.template {
                "upi_online" => &[
                    ("furthest_command", "gpo"),
                    ("expected_next", "outcome"),
                    ("came_instead", ""),
                    ("cid", "ARQC"),
                    ("scheme", "UnionPay"),
                    ("lost_mid_dialogue", "false"),
                    ("card_error_sw", ""),
                    ("pdol_fault", ""),
                    ("tlv_fault", ""),
                ],
                _ => &[
                    ("expected_next", "outcome"),
                    ("came_instead", ""),
                    ("cid", "ARQC"),
                    ("scheme", "Visa"),
                    ("lost_mid_dialogue", "false"),
                    ("card_error_sw", ""),
                    ("pdol_fault", ""),
                    ("tlv_fault", ""),
                ],
            };
            (
                entry.cause,
                entry.mutation,
                tap(CARD, &t.steps(entry.template)),
                facts,
            )
        })
        .collect()
}

/// An entry of the table of mutations: cause, template, what changes in the dialogue.
pub struct Entry {
    pub cause: &'static str,
    pub template: &'static str,
    pub mutation: &'static str,
}

/// Reads the table.
pub fn entries() -> Vec<Entry> {
    include_str!("entries.tsv")
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split('\t');
            let mut cell = || cells.next().unwrap();
            Entry {
                cause: cell(),
                template: cell(),
                mutation: cell(),
            }
        })
        .collect()
}

/// Entries without a dialogue, and why there can be none.
pub const NO_DIALOGUE: &[(&str, &str)] = &[
    (
        "HW_NO_CONTACTLESS",
        "the terminal has no reader: nothing is on the air",
    ),
    (
        "HW_SECURITY_TAMPER",
        "a terminal without keys starts no sale",
    ),
    ("CFG_CONTACTLESS_OFF", "the field is never switched on"),
    (
        "CFG_LIMIT_MISSET",
        "the field is never switched on: the amount is refused before",
    ),
];
