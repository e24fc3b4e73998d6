//! Small made-up attempts, told line by line, through facts, rules and arbiter to the verdict.

use super::timeline::Day;
use crate::attribute::facts::list::Fact;
use crate::attribute::model::Value;

#[test]
fn null_is_not_false() {
    // Only a capture covers it: the card dialogue could not be observed.
    let mut day = Day::new();
    let tap = day.attempt("T1", 0, "10 net 0200 f22=072 f4=100\n600 net 0210 f39=51");
    let done = day.run();
    assert_eq!(done.fact(tap, Fact::gpo_sw), None);
    assert_eq!(done.fact(tap, Fact::log_cancelled), None);
    assert_eq!(done.fact(tap, Fact::f39), Some(Value::Text("51".into())));
    assert_eq!(
        done.fact(tap, Fact::syn_unanswered),
        Some(Value::Bool(false))
    );
    // A trace and a log cover it: what is not there was not so.
    let mut day = Day::new();
    let tap = day.attempt("T1", 0, "0 log sale_start\n10 apdu ppse 6A82");
    let done = day.run();
    assert_eq!(done.fact(tap, Fact::gpo_sw), Some(Value::Text("".into())));
    assert_eq!(
        done.fact(tap, Fact::log_cancelled),
        Some(Value::Bool(false))
    );
    assert_eq!(
        done.fact(tap, Fact::ppse_sw),
        Some(Value::Text("6A82".into()))
    );
    assert_eq!(done.fact(tap, Fact::f39), Some(Value::Text("".into())));
    assert_eq!(done.fact(tap, Fact::dns_failed), None);
}

#[test]
fn verdicts_of_single_attempts() {
    let table: &[(&str, &str, &str)] = &[
        (
            "no directory",
            "0 nfc on\n5 nfc card 04A1B2C3\n10 apdu ppse 6A82",
            "CARD_NOT_CONTACTLESS",
        ),
        (
            "phone without wallet",
            "0 nfc on\n5 nfc card 08A1B2C3\n10 apdu ppse 6A82",
            "DEV_WALLET_NOT_READY",
        ),
        (
            "application blocked",
            "0 apdu ppse 9000 4F=A000000333010101\n10 apdu aid 6283",
            "CARD_BLOCKED",
        ),
        (
            "torn",
            "0 nfc card 04A1B2C3\n5 apdu ppse 9000 4F=A000000333010101\n10 apdu aid 9000 84=A000000333010101\n20 apdu gpo 9000\n30 apdu rr none\n40 nfc lost",
            "USER_CARD_REMOVED_EARLY",
        ),
        (
            "please remove card after a good read is no loss",
            "0 apdu ppse 9000 4F=A000000333010101\n10 apdu aid 9000\n20 apdu gpo 9000 9F26=0102030405060708 9F27=80\n25 log card_read_ok\n30 log card_removed\n50 net 0200 f22=072 f4=100\n700 net 0210 f39=51",
            "ISS_INSUFFICIENT_FUNDS",
        ),
        (
            "two cards",
            "0 nfc collision\n10 log multiple_cards",
            "USER_MULTIPLE_CARDS",
        ),
        (
            "see phone",
            "0 nfc card 08A1B2C3\n5 apdu ppse 9000 4F=A0000000041010\n10 apdu aid 9000\n20 apdu gpo 6986\n30 log see_phone",
            "DEV_CDCVM_REQUIRED",
        ),
        (
            "card wants contact",
            "0 apdu ppse 9000 4F=A000000333010101\n10 apdu aid 9000\n20 apdu gpo 6984\n30 log use_chip",
            "CARD_REQUIRES_CONTACT",
        ),
        (
            "limit",
            "0 log sale_start\n10 log limit_exceeded SUNMI -4141\n20 log use_chip",
            "LIM_READER_LIMIT",
        ),
        (
            "limit zero",
            "0 log sale_start\n10 log limit_exceeded limit_minor=0\n20 log use_chip",
            "CFG_LIMIT_MISSET",
        ),
        (
            "cancelled",
            "0 log sale_start\n10 log polling_start\n900 log cancelled",
            "USER_ABANDONED",
        ),
        (
            "no kernel",
            "0 apdu ppse 9000 4F=A000000333010101 9F2A=2E\n30 log kernel_unsupported",
            "SW_KERNEL_OUTDATED",
        ),
        (
            "key missing",
            "0 log card_read_ok\n10 log capk_missing",
            "CFG_CAPK_MISSING",
        ),
        (
            "crash",
            "0 log card_read_ok\n10 log app_crash",
            "SW_APP_FAULT",
        ),
        (
            "refused",
            "0 log connecting\n10 tcp refused",
            "NET_HOST_UNREACHABLE",
        ),
        (
            "prohibited",
            "0 log connecting\n10 tcp silent 3\n20 icmp 3/13",
            "NET_BLOCKED",
        ),
        (
            "names fail",
            "0 log connecting\n10 dns 2 pos.example.test\n20 log dns_failed",
            "NET_DNS_FAILURE",
        ),
        (
            "tls version",
            "0 tcp open\n10 tls 70 server",
            "NET_TLS_HANDSHAKE",
        ),
        (
            "tls authority",
            "0 tcp open\n10 tls 48 client",
            "NET_TLS_CERT",
        ),
        (
            "acknowledged and silent",
            "0 net 0200 f22=072 f4=100 ack=40\n30000 log read_timeout\n31000 net 0400 f39=98",
            "HOST_RESPONSE_TIMEOUT",
        ),
        (
            "reset while waiting",
            "0 net 0200 f22=072 f4=100 ack=40\n1200 tcp reset server\n1300 log connection_reset",
            "NET_CONN_DROPPED",
        ),
        (
            "step up",
            "0 net 0200 f22=072 f4=100\n500 net 0210 f39=55",
            "LIM_STEP_UP_REQUIRED",
        ),
        (
            "wrong PIN",
            "0 net 0200 f22=071 f4=100 pin\n500 net 0210 f39=55",
            "USER_PIN_WRONG",
        ),
        (
            "MAC",
            "0 net 0200 f22=072 f4=100\n500 net 0210 f39=A0",
            "CFG_KEYS_INVALID",
        ),
        (
            "data changed on the way",
            "0 apdu gpo 9000 9F36=0042 9F26=0102030405060708\n50 net 0200 f22=072 f4=100 55:9F36=0043 55:9F26=0102030405060708\n500 net 0210 f39=05",
            "ISS_CRYPTOGRAM_FAILED",
        ),
        (
            "duplicate",
            "0 net 0200 f22=072 f4=100\n500 net 0210 f39=94",
            "USER_DUPLICATE_TAP",
        ),
        (
            "a number in an offline log is no response code",
            "0 apdu gpo 9000 9F26=0102030405060708 9F27=80 >9F66=26404000 9F6C=8000\n20 log cvm_not_possible f39=20",
            "LIM_CVM_NOT_POSSIBLE",
        ),
    ];
    for (name, story, expected) in table {
        let mut day = Day::new();
        let tap = day.attempt("T1", 0, story);
        let done = day.run();
        assert_eq!(
            done.cause(tap),
            Some(*expected),
            "{name}: {:#?}",
            done.verdict(tap)
        );
        let verdict = done.verdict(tap);
        assert!(
            !verdict.evidence.is_empty() && !verdict.owners.is_empty(),
            "{name}"
        );
        let own = verdict.evidence.iter().filter(|e| e.cause == *expected);
        for piece in own {
            assert!(
                !piece.events.is_empty() || piece.searched.is_some(),
                "{name}: {piece:?}"
            );
        }
    }
}

#[test]
fn approvals_need_no_cause_and_unknown_stays_undetermined() {
    let mut day = Day::new();
    let good = day.attempt("T1", 0, "0 net 0200 f22=072 f4=100\n500 net 0210 f39=00");
    let odd = day.attempt("T2", 600_000, "0 log sale_start\n10 log declined");
    let done = day.run();
    assert_eq!(done.cause(good), None);
    assert_eq!(done.cause(odd), Some("UNDETERMINED"));
    assert!(done.verdict(odd).missing_evidence.is_some());
}

#[test]
fn an_approved_duplicate_has_a_cause_and_a_recovered_tap_contributes() {
    let mut day = Day::new();
    let first = day.attempt("T1", 0, "0 net 0200 f22=072 f4=100\n500 net 0210 f39=00");
    let second = day.same_sale(
        first,
        30_000,
        "0 net 0200 f22=072 f4=100\n500 net 0210 f39=00",
    );
    let torn = day.attempt(
        "T2",
        600_000,
        "5 apdu ppse 9000\n10 apdu aid 9000\n20 apdu gpo none\n30 nfc lost",
    );
    let again = day.same_sale(
        torn,
        5_000,
        "5 apdu ppse 9000\n50 net 0200 f22=072 f4=100\n500 net 0210 f39=51",
    );
    let done = day.run();
    assert_eq!(done.cause(first), None);
    assert_eq!(done.cause(second), Some("USER_DUPLICATE_TAP"));
    assert_eq!(done.cause(torn), Some("USER_CARD_REMOVED_EARLY"));
    assert_eq!(done.cause(again), Some("ISS_INSUFFICIENT_FUNDS"));
    assert!(
        done.verdict(again)
            .contributing
            .iter()
            .any(|c| c == "USER_CARD_REMOVED_EARLY")
    );
}
