//! What no single transaction can show: scenarios of the causes reference on synthetic attempts.

use super::timeline::Day;

const MINUTE: i64 = 60_000;
const GOOD: &str = "0 nfc card 04A1B2C3\n5 apdu ppse 9000 4F=A000000333010101\n10 apdu aid 9000\n20 apdu gpo 9000 9F26=0102030405060708 9F27=80\n50 net 0200 f22=072 f4=100 ack=40\n600 net 0210 f39=00";
const CHIP: &str =
    "0 apdu pse 9000\n5 apdu aid 9000\n50 net 0200 f22=051 f4=100 pin\n600 net 0210 f39=00";
const SILENT: &str = "0 nfc on\n10 log polling_start\n30000 nfc nocard\n30010 log poll_timeout";

/// SC03: the reader module of one terminal fails; the first failure is blamed on it as well once the run shows.
#[test]
fn a_reader_that_reads_no_card() {
    let mut day = Day::new();
    for i in 0..6 {
        let other = day.attempt("T2", i * 5 * MINUTE, GOOD);
        day.merchant(other, "M1");
        let own = day.attempt("T1", i * 5 * MINUTE + MINUTE, GOOD);
        day.merchant(own, "M1");
    }
    let mut silent = Vec::new();
    for i in 0..9 {
        let tap = day.attempt("T1", 40 * MINUTE + i * 5 * MINUTE, SILENT);
        day.merchant(tap, "M1");
        silent.push(tap);
        let chip = day.same_sale(tap, 40_000, CHIP);
        day.card(chip, 100 + i as u128);
        let other = day.attempt("T2", 41 * MINUTE + i * 5 * MINUTE, GOOD);
        day.merchant(other, "M1");
    }
    let done = day.run();
    for &tap in &silent {
        assert_eq!(
            done.cause(tap),
            Some("HW_READER_FAULT"),
            "{:#?}",
            done.verdict(tap)
        );
        assert!(done.verdict(tap).incident.is_some());
    }
    let incident = &done.attributed.incidents[0];
    assert_eq!(
        (
            incident.scope,
            incident.scope_value.as_str(),
            incident.failed
        ),
        ("terminal", "T1", 9)
    );
    assert!(incident.p_value < 1e-6 && incident.incident_id.len() == 16);
}

/// One silent poll at a terminal that works is nobody's fault but the customer's.
#[test]
fn one_silent_poll_is_no_reader_fault() {
    let mut day = Day::new();
    day.attempt("T1", 0, GOOD);
    let tap = day.attempt("T1", 5 * MINUTE, SILENT);
    day.attempt("T1", 10 * MINUTE, GOOD);
    assert_eq!(day.run().cause(tap), Some("USER_ABANDONED"));
}

/// SC04: a mall's uplink is congested; decisive evidence of single payments is not swallowed.
#[test]
fn a_congested_mall() {
    let slow = "0 apdu gpo 9000 9F26=0102030405060708 9F27=80\n10 tcp slow 10.20.7.%\n50 net 0200 f22=072 f4=100 ack=1800\n30000 log read_timeout\n31000 net 0400 f39=98\n33000 net 0210 f39=00";
    let fine = "10 tcp fast 10.20.7.%\n50 net 0200 f22=072 f4=100 ack=40\n600 net 0210 f39=00";
    let elsewhere = "10 tcp fast 10.30.%.9\n50 net 0200 f22=072 f4=100 ack=40\n600 net 0210 f39=00";
    let expired = "10 tcp slow 10.20.7.%\n50 net 0200 f22=072 f4=100 ack=900\n1900 net 0210 f39=54";
    let mut day = Day::new();
    let mut bad = Vec::new();
    for i in 0..8i64 {
        let terminal = format!("S{i}");
        let address = i.to_string();
        day.attempt(&terminal, 0, &fine.replace('%', &address));
        bad.push(day.attempt(
            &terminal,
            60 * MINUTE + i * 20_000,
            &slow.replace('%', &address),
        ));
        day.attempt(
            &format!("E{i}"),
            60 * MINUTE + i * 15_000,
            &elsewhere.replace('%', &address),
        );
        day.attempt(
            &format!("E{i}"),
            62 * MINUTE + i * 15_000,
            &elsewhere.replace('%', &address),
        );
        day.attempt(&terminal, 120 * MINUTE, &fine.replace('%', &address));
    }
    let own = day.attempt("S3", 61 * MINUTE, &expired.replace('%', "3"));
    let done = day.run();
    for &tap in &bad {
        assert_eq!(
            done.cause(tap),
            Some("NET_CONGESTION"),
            "{:#?}",
            done.verdict(tap)
        );
    }
    assert_eq!(done.cause(own), Some("CARD_EXPIRED"));
    let site = done
        .attributed
        .incidents
        .iter()
        .find(|i| i.scope == "site")
        .expect("an incident of the site");
    assert_eq!(site.scope_value, "10.20.7.0/24");
}

/// Terminals at 10.20.7.0/24 whose name server says that the host does not exist; `third` works there all the while.
fn a_small_site(third: bool) -> (Day, Vec<usize>) {
    let mut day = Day::new();
    let fine = |address: &str| {
        format!("10 tcp fast {address}\n50 net 0200 f22=072 f4=100 ack=40\n600 net 0210 f39=00")
    };
    let mut failed = Vec::new();
    for i in 0..20i64 {
        day.attempt(
            &format!("E{}", i % 4),
            i * MINUTE,
            &fine(&format!("10.30.{}.9", i % 4)),
        );
        day.attempt(
            &format!("S{}", i % 2),
            i * MINUTE + 9_000,
            &fine(&format!("10.20.7.{}", i % 2)),
        );
        let at = 60 * MINUTE + i * MINUTE;
        day.attempt(
            &format!("E{}", i % 4),
            at,
            &fine(&format!("10.30.{}.9", i % 4)),
        );
        if third {
            day.attempt("S2", at + 30_000, &fine("10.20.7.2"));
        }
        if i < 6 {
            let story = format!(
                "0 apdu gpo 9000 9F26=0102030405060708 9F27=80\n100 dns 3 pay.host.example 10.20.7.{}\n150 log dns_failed",
                i % 2
            );
            let tap = day.attempt(&format!("S{}", i % 2), at + 5_000, &story);
            day.card(tap, 100 + i as u128);
            failed.push(tap);
        }
    }
    (day, failed)
}

/// Two terminals are a site where they are all that it has, and none where a third beside them works.
#[test]
fn a_site_of_two_terminals() {
    for (third, expected) in [(false, Some("10.20.7.0/24")), (true, None)] {
        let (day, failed) = a_small_site(third);
        let done = day.run();
        for &tap in &failed {
            assert_eq!(
                done.cause(tap),
                Some("NET_DNS_FAILURE"),
                "{:#?}",
                done.verdict(tap)
            );
        }
        let site = done.attributed.incidents.iter().find(|i| i.scope == "site");
        assert_eq!(site.map(|i| i.scope_value.as_str()), expected);
    }
}

/// A name that two terminals far from each other ask for, and that nobody ever resolved, is their mistake.
#[test]
fn a_mistake_of_two() {
    let mut day = Day::new();
    let fine = "10 tcp fast 10.30.1.9\n50 net 0200 f22=072 f4=100 ack=40\n600 net 0210 f39=00";
    let mut wrong = Vec::new();
    for i in 0..12i64 {
        day.attempt(&format!("E{i}"), i * MINUTE, fine);
        let site = i % 2 + 4;
        let story = format!(
            "0 apdu gpo 9000 9F26=0102030405060708 9F27=80\n100 dns 3 pay.hsot.example 10.{site}0.1.9\n150 log dns_failed"
        );
        wrong.push(day.attempt(&format!("W{site}"), i * MINUTE + 5_000, &story));
    }
    let done = day.run();
    for &tap in &wrong {
        assert_eq!(
            done.cause(tap),
            Some("CFG_HOST_ADDRESS"),
            "{:#?}",
            done.verdict(tap)
        );
    }
}

/// SC12 and SC13: the same answer, from one merchant for all issuers, and to one card at all merchants.
#[test]
fn merchant_not_enabled_or_card_switched_off() {
    let refused = |code: &str| format!("0 net 0200 f22=072 f4=100\n500 net 0210 f39={code}");
    let mut day = Day::new();
    let mut merchant = Vec::new();
    for i in 0..7i64 {
        let tap = day.attempt("T1", i * 10 * MINUTE, &refused("58"));
        day.merchant(tap, "M1");
        day.bin(
            tap,
            ["621234", "622848", "621661"][i as usize % 3],
            10 + i as u128,
        );
        merchant.push(tap);
        let chip = day.same_sale(tap, 30_000, CHIP);
        day.merchant(chip, "M1");
    }
    let mut card = Vec::new();
    for (i, (terminal, name)) in [("T2", "M2"), ("T3", "M3")].into_iter().enumerate() {
        for j in 0..4 {
            let tap = day.attempt(terminal, j * 10 * MINUTE, GOOD);
            day.merchant(tap, name);
        }
        let tap = day.attempt(
            terminal,
            100 * MINUTE + i as i64 * 120 * MINUTE,
            &refused("57"),
        );
        day.merchant(tap, name);
        day.bin(tap, "621700", 77);
        card.push(tap);
        let chip = day.same_sale(tap, 40_000, CHIP);
        day.bin(chip, "621700", 77);
    }
    let done = day.run();
    for &tap in &merchant {
        assert_eq!(
            done.cause(tap),
            Some("MER_CONTACTLESS_NOT_ENABLED"),
            "{:#?}",
            done.verdict(tap)
        );
    }
    for &tap in &card {
        assert_eq!(
            done.cause(tap),
            Some("ISS_CONTACTLESS_BLOCKED"),
            "{:#?}",
            done.verdict(tap)
        );
    }
    assert!(
        done.attributed
            .incidents
            .iter()
            .any(|i| i.scope == "merchant" && i.scope_value == "M1")
    );
}

/// SC14: all terminals are refused from one minute to the next at night; the same by day and ragged is a fault.
#[test]
fn cut_over_or_fault() {
    for (night, expected) in [(true, "HOST_MAINTENANCE"), (false, "HOST_SYSTEM_FAULT")] {
        let mut day = Day::new();
        let clock = |minute: i64| {
            let base = if night { 22 * 60 + 50 } else { 14 * 60 };
            format!(
                "{:02}{:02}00",
                (base + minute) / 60 % 24,
                (base + minute) % 60
            )
        };
        let mut bad = Vec::new();
        for second in 0..(30 * 6) {
            let minute = second / 6;
            let window = if night {
                (10..19).contains(&minute)
            } else {
                (10..19).contains(&minute) && second % 3 != 0
            };
            let code = if window { "96" } else { "00" };
            let mode = if second % 4 == 0 { "051" } else { "072" };
            let story = format!(
                "0 net 0200 f22={mode} f4=100 f12={}\n100 net 0210 f39={code}",
                clock(minute)
            );
            let tap = day.attempt(&format!("T{}", second % 9), second * 10_000, &story);
            day.bin(
                tap,
                ["621234", "622848", "621661"][second as usize % 3],
                1000 + second as u128,
            );
            if window && (12..17).contains(&minute) {
                bad.push(tap);
            }
        }
        let done = day.run();
        for &tap in &bad {
            assert_eq!(done.cause(tap), Some(expected), "{:#?}", done.verdict(tap));
        }
    }
}

/// SC16: one issuer does not answer, others do.
#[test]
fn one_issuer_is_silent() {
    let mut day = Day::new();
    let mut bad = Vec::new();
    for i in 0..40i64 {
        let silent = i % 4 == 0;
        let story = if silent {
            "0 net 0200 f22=072 f4=100\n25200 net 0210 f39=98"
        } else {
            "0 net 0200 f22=072 f4=100\n600 net 0210 f39=00"
        };
        let tap = day.attempt(&format!("T{}", i % 8), i * 30_000, story);
        let bin = if silent {
            "622848"
        } else {
            ["621234", "621661", "621700"][i as usize % 3]
        };
        day.bin(tap, bin, 500 + i as u128);
        if silent {
            bad.push(tap);
        }
    }
    let done = day.run();
    for &tap in &bad {
        assert_eq!(
            done.cause(tap),
            Some("ISS_UNAVAILABLE"),
            "{:#?}",
            done.verdict(tap)
        );
    }
    assert!(
        done.attributed
            .incidents
            .iter()
            .any(|i| i.scope == "issuer" && i.scope_value == "622848")
    );
}

/// SC24: a loose antenna: each tap looks like bad placement, the terminal's record decides.
#[test]
fn a_loose_antenna() {
    let errors = "0 nfc card 04A1B2C3\n5 nfc crc\n20 nfc card 04A1B2C3\n25 apdu ppse 9000\n30 apdu aid none\n31 nfc crc";
    let mut day = Day::new();
    let mut bad = Vec::new();
    for i in 0..60i64 {
        day.attempt(&format!("T{}", 2 + i % 6), i * MINUTE, GOOD);
    }
    for i in 0..20i64 {
        if i % 2 == 0 {
            let tap = day.attempt("T1", i * 4 * MINUTE, errors);
            day.bin(tap, "621234", 300 + i as u128);
            bad.push(tap);
        } else {
            day.attempt("T1", i * 4 * MINUTE, GOOD);
        }
    }
    let lone = day.attempt("T2", 70 * MINUTE, errors);
    let done = day.run();
    for &tap in &bad {
        assert_eq!(
            done.cause(tap),
            Some("HW_RF_DEGRADED"),
            "{:#?}",
            done.verdict(tap)
        );
    }
    assert_eq!(done.cause(lone), Some("USER_POOR_PLACEMENT"));
}

/// The same attempts in the same order give the same verdicts and ids.
#[test]
fn runs_agree() {
    let run = || {
        let mut day = Day::new();
        for i in 0..30i64 {
            day.attempt(
                &format!("T{}", i % 3),
                i * MINUTE,
                if i % 3 == 0 { SILENT } else { GOOD },
            );
        }
        let done = day.run();
        format!(
            "{:?} {:?}",
            done.attributed.verdicts, done.attributed.incidents
        )
    };
    assert_eq!(run(), run());
}
