//! Stories of hosts and captures, in which messages of many terminals lie between each other.

use super::*;

#[test]
fn host_log_with_many_terminals_is_cut_by_keys() {
    let mut story = Story::default();
    story.source("q2.log", SourceKind::Log);
    for (t, terminal, stan) in [(1.0, "A", 5), (1.1, "B", 5), (1.2, "C", 6)] {
        story.iso(t, 200, None, sale(terminal, stan, 100));
    }
    for (t, terminal, stan, code) in [
        (2.0, "C", 6, "51"),
        (2.1, "A", 5, "00"),
        (2.2, "B", 5, "54"),
    ] {
        story.iso(t, 210, Some(code), sale(terminal, stan, 100));
    }
    let told = story.tell();
    let mut seen: Vec<_> = told
        .attempts
        .iter()
        .map(|a| {
            (
                a.keys.terminal.clone().unwrap(),
                a.keys.response_code.clone().unwrap(),
            )
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen.iter()
            .map(|(t, c)| (t.as_str(), c.as_str()))
            .collect::<Vec<_>>(),
        [("A", "00"), ("B", "54"), ("C", "51")]
    );
}

/// A switch's log names the terminal in the request alone. Where two of one trace number wait, nobody can say whose the answer is.
#[test]
fn an_answer_without_a_terminal_goes_to_the_only_one_that_waits() {
    let mut story = Story::default();
    story.source("switch.log", SourceKind::Log);
    for (at, terminal, stan) in [(1.0, "A", 5), (1.1, "B", 5), (1.2, "C", 6)] {
        story.iso(at, 100, None, sale(terminal, stan, 100));
    }
    let nameless = |stan| Keys {
        stan: Some(stan),
        ..Keys::default()
    };
    story.iso(1.5, 110, Some("51"), nameless(6));
    story.iso(1.6, 110, Some("00"), nameless(5));
    // Too late to be an answer to it.
    story.iso(2000.0, 110, Some("54"), nameless(6));
    let told = story.tell();
    let mut seen: Vec<_> = told
        .attempts
        .iter()
        .map(|attempt| {
            let keys = &attempt.keys;
            (keys.terminal.as_deref(), keys.response_code.as_deref())
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (None, Some("00")),
            (None, Some("54")),
            (Some("A"), None),
            (Some("B"), None),
            (Some("C"), Some("51")),
        ]
    );
}

fn referred(rrn: &str, keys: Keys) -> Keys {
    Keys {
        rrn: Some(Text::new(rrn)),
        ..keys
    }
}

/// Trace numbers of the attempts, each with its answer, by number.
fn answered(told: &Correlated) -> Vec<(Option<u32>, Option<&str>)> {
    let mut seen: Vec<_> = told
        .attempts
        .iter()
        .map(|attempt| (attempt.keys.stan, attempt.keys.response_code.as_deref()))
        .collect();
    seen.sort_unstable();
    seen
}

/// Some hosts write one reference number into all their messages: the trace number tells payments apart.
#[test]
fn one_reference_number_for_two_payments() {
    let mut story = Story::default();
    story.source("wire.pcap", SourceKind::Capture);
    for (at, stan, amount, code) in [(1000.0, 70, 30_000, "00"), (1060.0, 73, 2_000_000, "13")] {
        let keys = referred("000000000101", sale("T0000001", stan, amount));
        story
            .iso(at, 200, None, keys.clone())
            .iso(at + 0.5, 210, Some(code), keys);
    }
    let told = story.tell();
    assert_eq!(
        answered(&told),
        [(Some(70), Some("00")), (Some(73), Some("13"))]
    );
}

/// The log names neither terminal nor card; the host's reference number, with trace number and amount, still sets its clock.
#[test]
fn a_reference_number_sets_the_clock() {
    let mut story = Story::default();
    let off = -412.25;
    story.source("till.jsonl", SourceKind::Log);
    for n in 0..12_u32 {
        let at = 1000.0 + 300.0 * f64::from(n);
        let keys = |rrn: bool| Keys {
            stan: Some(700 + n),
            amount_minor: Some(4200 + i64::from(n)),
            rrn: rrn.then(|| Text::from(format!("3020{n:08}"))),
            ..Keys::default()
        };
        story.log(at + off, Signal::SaleStart, keys(false)).log(
            at + off + 6.0,
            Signal::ResponseReceived,
            keys(true),
        );
    }
    story.source("wire.pcap", SourceKind::Capture);
    for n in 0..12_u32 {
        let at = 1000.0 + 300.0 * f64::from(n);
        let keys = on_wire("10000019", 700 + n, 4200 + i64::from(n), u64::from(n) + 1);
        let rrn = format!("3020{n:08}");
        story.iso(at + 5.5, 200, None, keys.clone()).iso(
            at + 6.0,
            210,
            Some("00"),
            referred(&rrn, keys),
        );
    }
    let told = story.tell();
    assert_eq!(told.attempts.len(), 12);
    let clock = &told.clocks[0];
    assert!((clock.offset_ms - off * 1000.0).abs() < 50.0, "{clock:?}");
}

/// A server names the request in each line and works on several at once. A terminal that names some of its lines is cut as ever: what its
/// host answers belongs to the sale at hand, whatever name stands in the line.
#[test]
fn a_server_works_on_several_requests_at_a_time() {
    let line = |story: &mut Story, at: f64, request: u64, signal: Signal, amount: Option<i64>| {
        let keys = Keys {
            amount_minor: amount,
            ..Keys::default()
        };
        story.log(at, signal, keys);
        story.events.last_mut().unwrap().lane = request | crate::event::REQUEST;
    };
    let mut story = Story::default();
    story.source("switch.log", SourceKind::Log);
    line(&mut story, 10.0, 1, Signal::RequestSent, Some(1500));
    line(&mut story, 11.0, 2, Signal::RequestSent, Some(1600));
    line(&mut story, 11.4, 2, Signal::ResponseReceived, None);
    line(&mut story, 40.0, 1, Signal::ReadTimeout, None);
    let told = story.tell();
    let mut seen: Vec<(Option<i64>, Outcome)> = told
        .attempts
        .iter()
        .map(|a| (a.keys.amount_minor, a.outcome))
        .collect();
    seen.sort_by_key(|(amount, _)| *amount);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[0], (Some(1500), Outcome::TimedOut));

    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    line(&mut story, 10.0, 1, Signal::SaleStart, Some(1500));
    story
        .log(10.1, Signal::PresentCard, Keys::default())
        .log(11.0, Signal::CardDetected, Keys::default())
        .log(11.5, Signal::CardReadOk, Keys::default());
    line(&mut story, 12.0, 2, Signal::RequestSent, None);
    line(&mut story, 12.5, 1, Signal::ResponseReceived, None);
    assert_eq!(story.tell().attempts.len(), 1);
}

/// A switch sends a request on under a number of its own: both legs are one payment.
#[test]
fn a_request_that_is_sent_on() {
    let mut story = Story::default();
    story.source("wire.pcap", SourceKind::Capture);
    let leg = |stan| referred("000000000011", sale("T0000001", stan, 30_000));
    story
        .iso(1000.0, 200, None, leg(99))
        .iso(1000.02, 200, None, leg(903_458))
        .iso(1000.1, 210, Some("00"), leg(903_458))
        .iso(1000.12, 210, Some("00"), leg(99));
    assert_eq!(story.tell().attempts.len(), 1);
}

/// Test data carry one cryptogram in every message: amounts tell payments apart; the same amount again is the same tap.
#[test]
fn one_cryptogram_for_two_amounts() {
    for (second, expected) in [(200, 2), (100, 1)] {
        let mut story = Story::default();
        story.source("wire.pcap", SourceKind::Capture);
        for (at, stan, amount) in [(1000.0, 701, 100), (1001.0, 702, second)] {
            let keys = on_wire("T0000001", stan, amount, 0xAA);
            story
                .iso(at, 200, None, keys.clone())
                .iso(at + 0.3, 210, Some("00"), keys);
        }
        assert_eq!(story.tell().attempts.len(), expected, "{second}");
    }
}
