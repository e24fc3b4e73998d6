//! The tap as a state machine, kernel by kernel: wherever it stops, the facts name the furthest step, what was due and what came.
//!
//! Each kernel's dialogue is put on the air whole, refused at each step, met with silence at each step, and cut after each step.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod traced;

use tapscope::attribute::Catalogue;
use traced::air::{Air, CARD, PHONE, tap};
use traced::{TerminalLog, analysis, fact};

/// A step: its name in the facts, command, answer, milliseconds.
type Step = (&'static str, String, String, u32);

/// A card's identifier, and commands with answers and milliseconds.
type Tap = ([u8; 4], Vec<(String, String, u32)>);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

/// A data object of hex.
fn object(tag: &str, value: &str) -> String {
    let length = value.len() / 2;
    match length {
        0..=0x7F => format!("{tag}{length:02X}{value}"),
        _ => format!("{tag}81{length:02X}{value}"),
    }
}

fn ppse(aid: &str, kernel: Option<&str>) -> Step {
    let mut entry = object("4F", aid) + &object("87", "01");
    if let Some(kernel) = kernel {
        entry += &object("9F2A", kernel);
    }
    let listed = object("BF0C", &object("61", &entry));
    let answer = object(
        "6F",
        &(object("84", &hex(b"2PAY.SYS.DDF01")) + &object("A5", &listed)),
    );
    (
        "select_ppse",
        "00A404000E325041592E5359532E444446303100".to_owned(),
        answer + "9000",
        30,
    )
}

fn select(aid: &str, pdol: &str) -> Step {
    let options = if pdol.is_empty() {
        object("87", "01")
    } else {
        object("9F38", pdol)
    };
    let answer = object("6F", &(object("84", aid) + &object("A5", &options)));
    let command = format!("00A40400{:02X}{aid}00", aid.len() / 2);
    ("select_aid", command, answer + "9000", 35)
}

fn gpo(data: &str, answer: &str) -> Step {
    let data = object("83", data);
    (
        "gpo",
        format!("80A80000{:02X}{data}00", data.len() / 2),
        object("77", answer) + "9000",
        60,
    )
}

fn record(file: u8, number: u8, content: &str) -> Step {
    (
        "read_record",
        format!("00B2{number:02X}{:02X}00", file << 3 | 4),
        object("70", content) + "9000",
        25,
    )
}

fn generate(data: &str, answer: &str) -> Step {
    (
        "generate_ac",
        format!("80AE8000{:02X}{data}00", data.len() / 2),
        object("77", answer) + "9000",
        120,
    )
}

const PAN: &str = "5A085413330089010010";
const CRYPTOGRAM: &str = "9F2701809F360200079F2608112233445566778";
const CDOL: &str = "8C069F02069F3704";
const CDOL_DATA: &str = "000000001200AABBCCDD";

fn cryptogram() -> String {
    format!("{CRYPTOGRAM}8")
}

fn qualified(track: &str) -> String {
    format!("82022000{}{}", object("57", track), cryptogram())
}

/// Name, kernel, scheme, dialogue, and whether it is by a phone.
fn dialogues() -> Vec<(&'static str, &'static str, &'static str, Vec<Step>)> {
    let mastercard = "A0000000041010";
    let visa = "A0000000031010";
    let amex = "A00000002501";
    let jcb = "A0000000651010";
    let discover = "A0000001523010";
    let upi = "A000000333010101";
    let ttq = "9F66049F3704";
    let ttq_data = "36004000AABBCCDD";
    let track = "6212340000001232D3012220000000000F";
    vec![
        (
            "kernel 2",
            "2",
            "Mastercard",
            vec![
                ppse(mastercard, None),
                select(mastercard, ""),
                gpo("", "8202190094080801010010010201"),
                record(1, 1, &format!("{PAN}{CDOL}")),
                record(2, 1, "5F24033012318F0105"),
                record(2, 2, "9F4701039F320103"),
                generate(CDOL_DATA, &cryptogram()),
            ],
        ),
        (
            "kernel 2, relay resistance",
            "2",
            "Mastercard",
            vec![
                ppse(mastercard, None),
                select(mastercard, ""),
                gpo("", "8202190194080801010010010100"),
                (
                    "relay_resistance",
                    "80EA00000411223344 00".replace(' ', ""),
                    "800A5566778800320064000A9000".to_owned(),
                    3,
                ),
                record(1, 1, &format!("{PAN}{CDOL}")),
                record(2, 1, "5F2403301231"),
                generate(CDOL_DATA, &cryptogram()),
            ],
        ),
        (
            "kernel 2, mag-stripe mode",
            "2",
            "Mastercard",
            vec![
                ppse(mastercard, None),
                select(mastercard, ""),
                gpo("", "82020000940408010100"),
                record(
                    1,
                    1,
                    "9F6C0200019F6206000000380000 9F630600000000E0E09F6401039F650200389F66020E0E9F6B135413330089010010D3012220000000000000 0F9F670103"
                        .replace(' ', "")
                        .as_str(),
                ),
                (
                    "generate_ac",
                    "802A8E80040000000700".to_owned(),
                    "770F9F6102B8929F6002FBC79F360200079000".to_owned(),
                    90,
                ),
            ],
        ),
        (
            "kernel 3",
            "3",
            "Visa",
            vec![
                ppse(visa, None),
                select(visa, ttq),
                gpo(
                    ttq_data,
                    &(qualified("4111111111111111D3012220000000000F") + "940408010100"),
                ),
                record(1, 1, "5F24033012319F0702FF80"),
            ],
        ),
        (
            "kernel 3, no records",
            "3",
            "Visa",
            vec![
                ppse(visa, None),
                select(visa, ttq),
                gpo(ttq_data, &qualified("4111111111111111D3012220000000000F")),
            ],
        ),
        (
            "kernel 4",
            "4",
            "American Express",
            vec![
                ppse(amex, None),
                select(amex, "9F35019F6E04"),
                gpo("22D8E00000", "82021900940408010100"),
                record(1, 1, &format!("5A08374245001751006F{CDOL}")),
                generate(CDOL_DATA, &cryptogram()),
            ],
        ),
        (
            "kernel 5",
            "5",
            "JCB",
            vec![
                ppse(jcb, None),
                select(jcb, "9F5303"),
                gpo("728000", "82021900940408010100"),
                record(1, 1, &format!("5A083530111333300000{CDOL}")),
                generate(CDOL_DATA, &cryptogram()),
            ],
        ),
        (
            "kernel 6, D-PAS 1",
            "6",
            "Discover",
            vec![
                ppse(discover, None),
                select(discover, ttq),
                gpo(
                    ttq_data,
                    &(qualified("6011111111111117D3012220000000000F") + "940408010100"),
                ),
                record(1, 1, "5F2403301231"),
            ],
        ),
        (
            "kernel 6, D-PAS 2",
            "6",
            "Discover",
            vec![
                ppse(discover, None),
                select(discover, ttq),
                gpo(ttq_data, "82021900940408010100"),
                record(1, 1, &format!("5A086011111111111117{CDOL}")),
                generate(CDOL_DATA, &cryptogram()),
            ],
        ),
        (
            "kernel 7",
            "7",
            "UnionPay",
            vec![
                ppse(upi, None),
                select(upi, ttq),
                gpo(ttq_data, &(qualified(track) + "940408010100")),
                record(1, 1, "5F2403301231"),
            ],
        ),
        (
            "PBOC in full",
            "7",
            "UnionPay",
            vec![
                ppse(upi, None),
                select(upi, ttq),
                gpo(ttq_data, "82027C00940408010100"),
                record(1, 1, &format!("5A086212340000001232{CDOL}")),
                generate(CDOL_DATA, &cryptogram()),
            ],
        ),
        (
            "kernel 8",
            "8",
            "Mastercard",
            vec![
                ppse(mastercard, Some("08")),
                select(mastercard, "9F3704"),
                gpo("AABBCCDD", "8202190194080801010010010100"),
                record(1, 1, &format!("{PAN}{CDOL}")),
                record(2, 1, "5F2403301231"),
                generate(CDOL_DATA, &cryptogram()),
            ],
        ),
    ]
}

/// What is on the air, and the facts that it must give (of the attempt whose events stand last).
struct Story {
    name: String,
    air: Air,
    facts: Vec<(&'static str, String)>,
}

fn plain(steps: &[Step]) -> Vec<(String, String, u32)> {
    steps
        .iter()
        .map(|(_, command, answer, millis)| (command.clone(), answer.clone(), *millis))
        .collect()
}

/// The flow's name of the last step that was good.
fn furthest(steps: &[Step]) -> String {
    steps.last().map_or("", |step| step.0).to_owned()
}

fn check(stories: Vec<Story>) {
    let catalogue = Catalogue::load(&[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (number, story) in stories.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.trace"));
        std::fs::write(&path, &story.air.log).unwrap();
        let analysis = analysis(&[&path], &catalogue);
        let attempts = &analysis.correlated.attempts;
        let Some(last) = (0..attempts.len()).max_by_key(|at| attempts[*at].events.clone()) else {
            wrong.push(format!("{}: no attempt", story.name));
            continue;
        };
        for (name, want) in story.facts {
            let seen = fact(&analysis, last, name);
            if seen != want {
                wrong.push(format!(
                    "{}: {name} is {seen:?}, expected {want:?}",
                    story.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whole_taps_reach_their_outcome() {
    let mut stories = Vec::new();
    for (name, kernel, scheme, steps) in dialogues() {
        let mut air = tap(CARD, &plain(&steps));
        // The reader looks whether the card is still there.
        air.coded(false, &[0xC2]);
        air.coded(true, &[0xC2]);
        air.wait(20);
        air.poll(true);
        let sum = |name: &str| -> u32 {
            steps
                .iter()
                .filter(|step| step.0 == name)
                .map(|step| step.3)
                .sum()
        };
        let mut facts = vec![
            ("furthest_command", furthest(&steps)),
            ("expected_next", "outcome".to_owned()),
            ("came_instead", String::new()),
            ("kernel", kernel.to_owned()),
            ("scheme", scheme.to_owned()),
            ("present_after", "true".to_owned()),
            ("unanswered_command", String::new()),
            ("tlv_fault", String::new()),
            ("pdol_fault", String::new()),
            ("magstripe_mode", name.contains("mag-stripe").to_string()),
            ("ppse_ms", sum("select_ppse").to_string()),
            ("select_ms", sum("select_aid").to_string()),
            ("gpo_ms", sum("gpo").to_string()),
        ];
        if sum("read_record") > 0 {
            facts.push(("read_ms", sum("read_record").to_string()));
            facts.push(("records_missing", "0".to_owned()));
        }
        if sum("generate_ac") > 0 {
            facts.push(("cryptogram_ms", sum("generate_ac").to_string()));
        }
        stories.push(Story {
            name: format!("{name}, whole"),
            air,
            facts,
        });
    }
    check(stories);
}

#[test]
fn a_refusal_at_any_step_is_named() {
    let mut stories = Vec::new();
    for (name, _, _, steps) in dialogues() {
        for at in 0..steps.len() {
            for word in ["6985", "6A82", "6F00"] {
                let mut part = plain(&steps[..=at]);
                word.clone_into(&mut part[at].1);
                stories.push(Story {
                    name: format!("{name}, {} refused with {word}", steps[at].0),
                    air: tap(CARD, &part),
                    facts: vec![
                        ("furthest_command", furthest(&steps[..at])),
                        ("expected_next", due(&steps, at)),
                        ("came_instead", word.to_owned()),
                    ],
                });
            }
        }
    }
    check(stories);
}

/// What the kernel does next by the data that it has: the step itself, except that relay resistance is the kernel's own choice.
fn due(steps: &[Step], at: usize) -> String {
    steps[at..]
        .iter()
        .map(|step| step.0)
        .find(|name| *name != "relay_resistance")
        .unwrap_or("outcome")
        .to_owned()
}

#[test]
fn silence_at_any_step_is_named() {
    let mut stories = Vec::new();
    for (name, _, _, steps) in dialogues() {
        for at in 0..steps.len() {
            let mut air = tap(CARD, &plain(&steps[..at]));
            air.send(&steps[at].1);
            for _ in 0..3 {
                air.wait(40);
                air.coded(false, &[0xB2]);
            }
            air.wait(40);
            for _ in 0..3 {
                air.poll(false);
                air.wait(100);
            }
            let asked = match steps[at].0 {
                "relay_resistance" => "other",
                name => name,
            };
            stories.push(Story {
                name: format!("{name}, {} without an answer", steps[at].0),
                air,
                facts: vec![
                    ("furthest_command", furthest(&steps[..at])),
                    ("expected_next", due(&steps, at)),
                    ("came_instead", "silence".to_owned()),
                    ("unanswered_command", asked.to_owned()),
                    ("present_after", "false".to_owned()),
                ],
            });
        }
    }
    check(stories);
}

#[test]
fn a_dialogue_that_just_ends_is_named() {
    let mut stories = Vec::new();
    for (name, _, _, steps) in dialogues() {
        for at in 1..steps.len() {
            if steps[at].0 == "relay_resistance" {
                continue;
            }
            stories.push(Story {
                name: format!("{name}, nothing after {}", steps[at - 1].0),
                air: tap(CARD, &plain(&steps[..at])),
                facts: vec![
                    ("furthest_command", furthest(&steps[..at])),
                    ("expected_next", due(&steps, at)),
                    ("came_instead", "nothing".to_owned()),
                ],
            });
        }
    }
    check(stories);
}

/// Two taps in a row with a pause, by which cards, and what the last one knows of the first.
#[test]
fn taps_know_the_one_before() {
    let all = dialogues();
    let steps_of = |name: &str| -> Vec<(String, String, u32)> {
        plain(&all.iter().find(|row| row.0 == name).unwrap().3)
    };
    let mut stories = Vec::new();
    let mut pair = |name: &str, first: Tap, second: Tap, facts: &[(&'static str, &str)]| {
        let mut air = tap(first.0, &first.1);
        air.coded(false, &[0xC2]);
        air.coded(true, &[0xC2]);
        air.wait(3000);
        air.poll(false);
        air.activate(second.0);
        for (command, answer, millis) in &second.1 {
            air.exchange(command, answer, *millis);
        }
        stories.push(Story {
            name: name.to_owned(),
            air,
            facts: facts
                .iter()
                .map(|(name, want)| (*name, (*want).to_owned()))
                .collect(),
        });
    };
    let visa = steps_of("kernel 3");
    let upi = steps_of("kernel 7");
    let mc = steps_of("kernel 2");
    let mut refused = visa[..3].to_vec();
    refused[2].1 = "6986".to_owned();
    pair(
        "see phone, kernel 3",
        (PHONE, refused),
        ([0x08, 0x99, 0x88, 0x77], visa.clone()),
        &[
            ("see_phone_before", "true"),
            ("has_cryptogram", "true"),
            ("expected_next", "outcome"),
        ],
    );
    let mut asks = mc.clone();
    let last = asks.len() - 1;
    asks[last].1 = "771A9F2701009F360200079F26081122334455667788DF4B030001009000".to_owned();
    pair(
        "see phone, kernel 2",
        (PHONE, asks),
        ([0x08, 0x99, 0x88, 0x77], mc.clone()),
        &[
            ("see_phone_before", "true"),
            ("see_phone_flag", "false"),
            ("has_cryptogram", "true"),
            // Random identifiers differ, the number in the records is the same.
            ("same_card_before", "true"),
        ],
    );
    pair(
        "the same card again",
        (CARD, upi.clone()),
        (CARD, upi.clone()),
        &[("same_card_before", "true"), ("see_phone_before", "false")],
    );
    pair(
        "another card",
        (CARD, upi.clone()),
        ([0xB1, 0xB2, 0xB3, 0xB4], visa.clone()),
        &[("same_card_before", "false")],
    );
    pair(
        "another phone that told nothing",
        (PHONE, upi[..1].to_vec()),
        ([0x08, 0x99, 0x88, 0x77], upi[..1].to_vec()),
        &[("same_card_before", "NULL")],
    );
    check(stories);
}

/// By a terminal's log with its times: the device asks, its holder acts, and taps again five seconds later; then a chip after a tap.
#[test]
fn taps_of_a_sale_in_a_log() {
    let all = dialogues();
    let visa = plain(&all.iter().find(|row| row.0 == "kernel 3").unwrap().3);
    let mut refused = visa[..3].to_vec();
    refused[2].1 = "6986".to_owned();
    let mut log = TerminalLog::default();
    log.line("PayApp", "消费 终端号：10000019 金额：12.00", 5);
    for (steps, pause) in [(&refused, 5000), (&visa, 0)] {
        for (command, answer, wait) in steps {
            log.exchange(command, answer, *wait);
        }
        log.line("PayApp", "idle", pause);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pos.log");
    std::fs::write(&path, log.text).unwrap();
    let analysis = analysis(&[&path], &Catalogue::load(&[]).unwrap());
    let attempts = &analysis.correlated.attempts;
    assert_eq!(attempts.len(), 2);
    let mut order = [0, 1];
    order.sort_by_key(|at: &usize| attempts[*at].events.clone());
    for (at, name, want) in [
        (0, "device_action_asked", "true"),
        (0, "see_phone_retap", "true"),
        (0, "see_phone_before", "false"),
        (0, "sale_attempts", "2"),
        (0, "retry_ok", "true"),
        (1, "see_phone_before", "true"),
        (1, "see_phone_retap", "NULL"),
        (1, "attempt_number", "2"),
        (1, "has_cryptogram", "true"),
    ] {
        assert_eq!(fact(&analysis, order[at], name), want, "{at} {name}");
    }
    let pause: i64 = fact(&analysis, order[0], "retap_ms").parse().unwrap();
    assert!((4_900..=5_200).contains(&pause), "{pause}");
}

/// The tap is refused, and the chip is read in the same reader: one trace with both.
#[test]
fn contact_after_a_tap() {
    let all = dialogues();
    let upi = plain(&all.iter().find(|row| row.0 == "kernel 7").unwrap().3);
    let mut text = String::new();
    for (command, answer, _) in &upi[..2] {
        text.push_str(&format!("send: {command}\nrecv: {answer}\n"));
    }
    text.push_str(&format!("send: {}\nrecv: 6984\n", upi[2].0));
    text.push_str("send: 00A404000E315041592E5359532E4444463031\nrecv: 6F15840E315041592E5359532E4444463031A5038801019000\n");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reader.txt");
    std::fs::write(&path, text).unwrap();
    let analysis = analysis(&[&path], &Catalogue::load(&[]).unwrap());
    let found: Vec<(String, String)> = (0..analysis.correlated.attempts.len())
        .map(|at| {
            (
                fact(&analysis, at, "gpo_sw"),
                fact(&analysis, at, "contact_dialogue_ok"),
            )
        })
        .collect();
    assert!(
        found.iter().any(|(gpo, _)| gpo == "6984") && found.iter().any(|(_, ok)| ok == "true"),
        "{found:?}"
    );
}
