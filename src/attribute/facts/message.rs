//! Facts out of ISO 8583 messages: request, answer, code, reversal, field 55 against the dialogue, the terminal's clock.

use jiff::Timestamp;
use tapscope_parsers::protocol::iso8583::names;

use super::card_data::bcd;
use super::list::Fact;
use super::view::{Seen, View};
use super::{Context, Row};
use crate::correlate::{Clock, Stage};
use crate::event::{Direction, IsoMessage, Signal, SourceKind};

/// Response codes that mean approval (ISO 8583:1987; UnionPay Q/CUP 006.6-2014 annex A).
pub const APPROVALS: &[&str] = &[
    "00", "000", "08", "10", "11", "16", "85", "A2", "A4", "A5", "A6", "Y1", "Y3",
];
/// Response codes that ask to try later, or to try again.
const RETRY: &[&str] = &["09", "19", "68", "90", "91", "92", "96", "98"];

fn class(message: &IsoMessage) -> u16 {
    (message.mti / 100) % 10
}

fn is_request(message: &IsoMessage) -> bool {
    matches!(class(message), 1 | 2) && message.direction() == Direction::Request
}

fn is_response(message: &IsoMessage) -> bool {
    matches!(class(message), 1 | 2) && message.direction() == Direction::Response
}

fn is_reversal(message: &IsoMessage) -> bool {
    class(message) == 4 && message.direction() == Direction::Request
}

/// Message facts.
pub fn facts(view: &View<'_>, row: &mut Row) {
    let requests: Vec<&Seen<'_, IsoMessage>> = view
        .messages
        .iter()
        .filter(|s| is_request(s.what))
        .collect();
    let responses: Vec<&Seen<'_, IsoMessage>> = view
        .messages
        .iter()
        .filter(|s| is_response(s.what))
        .collect();
    exchange(view, row, &requests, &responses);
    request_fields(view, row, &requests);
    field55(view, row, &requests);
    reversal(view, row);
    purposes(view, row, &requests);
}

/// What a message is for, by type, processing code and network management code (field 70, or 60.3 of UnionPay terminals).
fn purpose(message: &IsoMessage) -> &'static str {
    let management = message.field(70).or_else(|| {
        let private = (message.dialect == "bcd-unionpay-pos").then(|| message.field(60));
        private.flatten().and_then(|f| f.get(8..11))
    });
    names::purpose(message.mti, message.field(3), management).0
}

fn purposes(view: &View<'_>, row: &mut Row, requests: &[&Seen<'_, IsoMessage>]) {
    let visible = !view.messages.is_empty();
    let first = requests
        .iter()
        .find(|seen| !seen.what.fields.is_empty())
        .map(|seen| (purpose(seen.what), seen.index));
    row.text_or(Fact::purpose, first, visible);
    let mut others: Vec<&'static str> = Vec::new();
    let mut cited = Vec::new();
    for seen in &view.messages {
        let other = !matches!(class(seen.what), 1 | 2 | 4);
        if other && seen.what.direction() == Direction::Request {
            let name = purpose(seen.what);
            cited.push(seen.index);
            if !others.contains(&name) {
                others.push(name);
            }
        }
    }
    if visible {
        row.text(Fact::management, &others.join(", "), &cited);
    }
}

fn indexes(seen: &[&Seen<'_, IsoMessage>]) -> Vec<u32> {
    seen.iter().map(|s| s.index).collect()
}

fn exchange(
    view: &View<'_>,
    row: &mut Row,
    requests: &[&Seen<'_, IsoMessage>],
    responses: &[&Seen<'_, IsoMessage>],
) {
    let mut sent = indexes(requests);
    if sent.is_empty() {
        sent = view.signal(Signal::RequestSent);
    }
    let opaque = view
        .connections
        .iter()
        .any(|seen| seen.what.client_data.is_some() && seen.what.carried != Some("iso8583"));
    let before_network = view.attempt.stage < Stage::OnlineRequest;
    let visible = view.has_capture() && !opaque || view.has_log() && before_network;
    let impossible = !sent.is_empty() || visible;
    row.seen(Fact::request_seen, &sent, visible);
    let mut answered = indexes(responses);
    if answered.is_empty() {
        answered = view.signal(Signal::ResponseReceived);
    }
    // A number in a log is a response code only where the attempt went online, or a message was numbered for it.
    let online = !view.messages.is_empty()
        || view.attempt.keys.stan.is_some()
        || !view.connections.is_empty()
        || !view
            .signals(&[
                Signal::RequestSent,
                Signal::Connecting,
                Signal::Connected,
                Signal::ResponseReceived,
                Signal::OnlineRequest,
            ])
            .is_empty();
    let code = responses
        .iter()
        .find_map(|seen| Some((seen.what.field(39)?, seen.index)))
        .or_else(|| {
            view.told_code()
                .filter(|(code, _)| online && code.len() <= 3)
        });
    let code = code.map(|(code, event)| (code, Some(event))).or_else(|| {
        view.attempt
            .keys
            .response_code
            .as_deref()
            .filter(|_| online)
            .map(|code| (code, None))
    });
    if let Some((_, Some(event))) = code {
        answered.push(event);
    }
    row.seen(Fact::response_seen, &answered, impossible);
    match code {
        Some((code, event)) => {
            let cited: Vec<u32> = event.into_iter().collect();
            row.text(Fact::f39, code, &cited);
            row.bool(Fact::response_approved, APPROVALS.contains(&code), &cited);
            row.bool(Fact::retry_code, RETRY.contains(&code), &cited);
        }
        None if impossible => {
            row.text(Fact::f39, "", &[]);
            row.bool(Fact::response_approved, false, &[]);
            row.bool(Fact::retry_code, false, &[]);
        }
        None => {}
    }
    let silent = !sent.is_empty() && answered.is_empty();
    if silent && view.may_have_missed_it(&sent) {
        // The recording ends before an answer had to come.
    } else if silent {
        row.bool(Fact::no_response, true, &sent);
    } else if impossible || !answered.is_empty() {
        row.bool(Fact::no_response, false, &answered);
    }
    timing(view, row, requests, responses);
    if let Some(first) = requests.first() {
        row.int(Fact::mti, i64::from(first.what.mti), &[first.index]);
    }
    let acked: Vec<&&Seen<'_, IsoMessage>> = requests
        .iter()
        .filter(|seen| seen.what.acked_after_micros.is_some())
        .collect();
    let delivered: Vec<u32> = view
        .connections
        .iter()
        .filter(|seen| seen.what.client_data.is_some() && seen.what.client_unacked == 0)
        .map(|seen| seen.index)
        .collect();
    let lost: Vec<u32> = view
        .connections
        .iter()
        .filter(|seen| super::network::unacked(seen.what))
        .map(|seen| seen.index)
        .collect();
    if let Some(seen) = acked.last() {
        row.bool(Fact::request_acked, true, &[seen.index]);
        if let Some(micros) = seen.what.acked_after_micros {
            row.int(Fact::ack_ms, micros / 1000, &[seen.index]);
        }
    } else if !lost.is_empty() {
        row.bool(Fact::request_acked, false, &lost);
    } else if !delivered.is_empty() {
        row.bool(Fact::request_acked, true, &delivered);
    }
}

fn timing(
    view: &View<'_>,
    row: &mut Row,
    requests: &[&Seen<'_, IsoMessage>],
    responses: &[&Seen<'_, IsoMessage>],
) {
    // The same source saw both: no clock comes between them.
    let pair = requests.iter().find_map(|request| {
        let response = responses
            .iter()
            .find(|response| response.source == request.source)
            .or_else(|| responses.first())?;
        Some((request, response))
    });
    if let Some((request, response)) = pair
        && let (Some(from), Some(to)) = (request.at, response.at)
        && to >= from
    {
        row.int(
            Fact::response_ms,
            (to - from) / 1000,
            &[request.index, response.index],
        );
    }
    let Some(response) = responses.last() else {
        return;
    };
    let gave_up = view
        .logs
        .iter()
        .filter(|line| line.what.signal == Signal::ReadTimeout)
        .map(|line| (line.at, line.index))
        .chain(
            view.messages
                .iter()
                .filter(|seen| is_reversal(seen.what))
                .map(|seen| (seen.at, seen.index)),
        )
        .find(|(at, _)| matches!((at, response.at), (Some(a), Some(b)) if *a < b));
    match gave_up {
        Some((_, event)) => row.bool(Fact::late_response, true, &[response.index, event]),
        None => row.bool(Fact::late_response, false, &[response.index]),
    }
}

fn request_fields(view: &View<'_>, row: &mut Row, requests: &[&Seen<'_, IsoMessage>]) {
    let field = |number: u8| {
        requests
            .iter()
            .find_map(|seen| Some((seen.what.field(number)?, seen.index)))
    };
    if let Some((code, event)) = field(3) {
        row.text(Fact::processing_code, code, &[event]);
    }
    let mode = field(22)
        .map(|(mode, event)| (mode, Some(event)))
        .or_else(|| view.attempt.keys.entry_mode.as_deref().map(|m| (m, None)));
    if let Some((mode, event)) = mode {
        let cited: Vec<u32> = event.into_iter().collect();
        row.text(Fact::entry_mode, mode, &cited);
        let two = mode.get(..2).unwrap_or("");
        row.bool(
            Fact::entry_tap,
            matches!(two, "07" | "91" | "96" | "98"),
            &cited,
        );
        row.bool(
            Fact::entry_fallback,
            matches!(two, "02" | "80" | "90"),
            &cited,
        );
    }
    if !requests.is_empty() {
        let with: Vec<u32> = requests
            .iter()
            .filter(|seen| seen.what.pin_present)
            .map(|seen| seen.index)
            .collect();
        let cited = if with.is_empty() {
            indexes(requests)
        } else {
            with.clone()
        };
        row.bool(Fact::pin_present, !with.is_empty(), &cited);
    } else if let Some((mode, Some(event))) = mode {
        // Third digit 1: PIN entry capability used (UnionPay POS).
        match mode.as_bytes().get(2) {
            Some(b'1') => row.bool(Fact::pin_present, true, &[event]),
            Some(b'2') => row.bool(Fact::pin_present, false, &[event]),
            _ => {}
        }
    }
    let duplicate: Vec<u32> = requests
        .iter()
        .filter(|seen| {
            requests.iter().any(|other| {
                other.index != seen.index
                    && other.source == seen.source
                    && other.what.mti == seen.what.mti
                    && other.what.field(11).is_some()
                    && other.what.field(11) == seen.what.field(11)
            })
        })
        .map(|seen| seen.index)
        .collect();
    row.seen(Fact::duplicate_request, &duplicate, !requests.is_empty());
    let refused: Vec<u32> = view
        .messages
        .iter()
        .filter(|seen| {
            class(seen.what) == 8
                && seen.what.direction() == Direction::Response
                && seen.what.field(39).is_some_and(|code| code != "00")
        })
        .map(|seen| seen.index)
        .collect();
    row.seen(
        Fact::sign_on_refused,
        &refused,
        !view.messages.is_empty() || view.has_capture(),
    );
    let demand = view.messages.iter().find_map(|seen| {
        let demand = seen.what.processing_demand.filter(|d| *d != 0)?;
        Some((demand, seen.index))
    });
    if let Some((demand, event)) = demand {
        row.int(Fact::processing_demand, i64::from(demand), &[event]);
    }
}

/// Data objects that the terminal must pass on as the card and it agreed on them.
const COMPARED: &[u32] = &[0x9F37, 0x9F02, 0x9F36, 0x82, 0x95, 0x9F10, 0x9F26];

fn field55(view: &View<'_>, row: &mut Row, requests: &[&Seen<'_, IsoMessage>]) {
    if requests.is_empty() {
        return;
    }
    let with: Vec<u32> = requests
        .iter()
        .filter(|seen| !seen.what.tags.is_empty() || seen.what.field(55).is_some())
        .map(|seen| seen.index)
        .collect();
    let all = indexes(requests);
    row.bool(
        Fact::f55_present,
        !with.is_empty(),
        if with.is_empty() { &all } else { &with },
    );
    // Requests without damage only: a cut message proves no absence.
    let whole = requests.iter().all(|seen| seen.what.is_whole());
    if whole {
        let sent = requests.iter().any(|seen| seen.what.field(14).is_some());
        row.bool(Fact::f14_sent, sent, &all);
    }
    if row.is(Fact::entry_tap) && whole {
        let cryptogram = requests
            .iter()
            .any(|seen| seen.what.tags.iter().any(|tag| tag.tag == 0x9F26));
        let masked = !with.is_empty() && requests.iter().all(|seen| seen.what.tags.is_empty());
        if !masked {
            row.bool(Fact::f55_without_cryptogram, !cryptogram, &all);
        }
    }
    if with.is_empty() || view.exchanges.is_empty() {
        return;
    }
    let mut different = Vec::new();
    let mut cited = Vec::new();
    let mut compared = 0;
    for &tag in COMPARED {
        let Some((sent, message)) = view.tag55(tag) else {
            continue;
        };
        // The last value counts: a re-read replaces what came before.
        let in_dialogue = view.exchanges.iter().rev().find_map(|seen| {
            Some((
                super::view::bytes_of(&seen.what.tags, tag, None)?,
                seen.index,
            ))
        });
        let Some((value, exchange)) = in_dialogue else {
            continue;
        };
        compared += 1;
        if value != sent {
            different.push(format!("{tag:X}"));
            cited.extend([exchange, message]);
        }
    }
    if compared > 0 {
        row.text(Fact::f55_differences, &different.join(","), &cited);
    }
}

fn reversal(view: &View<'_>, row: &mut Row) {
    let mut reversals: Vec<u32> = view
        .messages
        .iter()
        .filter(|seen| is_reversal(seen.what))
        .map(|seen| seen.index)
        .collect();
    reversals.extend(view.signal(Signal::Reversal));
    row.seen(
        Fact::reversal_seen,
        &reversals,
        view.has_log() || !view.messages.is_empty(),
    );
    let reason = view
        .messages
        .iter()
        .filter(|seen| is_reversal(seen.what))
        .find_map(|seen| {
            // CUPS keeps the message reason code in F60.1, the POS puts its reason into F39.
            let code = seen
                .what
                .field(60)
                .and_then(|f| f.get(..4))
                .filter(|f| f.starts_with("40") || f.starts_with("43"));
            Some((code.or_else(|| seen.what.field(39))?, seen.index))
        });
    if let Some((reason, event)) = reason {
        row.text(Fact::reversal_reason, reason, &[event]);
    } else if row.get(Fact::reversal_seen).is_some() && !view.messages.is_empty() {
        row.text(Fact::reversal_reason, "", &[]);
    }
}

const DAY: i64 = 86_400;
/// Zones lie within this of UTC.
const ZONE_SPAN: i64 = 14 * 3_600 + 1_800;

/// The terminal's date and time (9A and 9F21, else F12 and F13 of the request) against the true time.
pub fn clock(view: &View<'_>, context: &Context<'_>, row: &mut Row) {
    let inferred = |event: u32| {
        context
            .correlated
            .events
            .heads()
            .get(event as usize)
            .map(|head| head.at().quality)
            .is_none_or(|quality| quality.year_inferred || quality.date_inferred)
    };
    let mut wrong_source = false;
    for &index in &view.attempt.events {
        let source = context.correlated.events.head(index).source;
        let clock = context.correlated.clocks.get(source as usize);
        if clock.is_some_and(|clock| clock.pairs >= 2 && clock.offset_ms.abs() > 86_400_000.0)
            && !inferred(index)
        {
            wrong_source = true;
        }
    }
    if let Some((date, event)) = view.any_tag(0x9A)
        && let Some(date) = date.get(..3).and_then(bcd)
        && let Some(at) = context
            .correlated
            .aligned
            .get(event as usize)
            .and_then(|at| at.get())
        && !inferred(event)
    {
        let time = view
            .any_tag(0x9F21)
            .and_then(|(time, _)| bcd(time.get(..3)?));
        if let Some(error) = clock_error(date, time, at, context) {
            // A terminal's own log keeps the terminal's own clock: that both agree proves nothing.
            let source = context.correlated.events.head(event).source as usize;
            let checked = |clock: &Clock| clock.pairs > 0 || clock.method == "reference";
            let clocks = &context.correlated.clocks;
            let captured = context.correlated.sources.get(source).and_then(|s| s.kind)
                == Some(SourceKind::Capture);
            if captured || clocks.get(source).is_some_and(checked) || error.abs() > DAY {
                if time.is_some() {
                    row.int(Fact::clock_error_s, error, &[event]);
                }
                row.bool(Fact::clock_wrong, error.abs() > DAY, &[event]);
                return;
            }
        }
    }
    if wrong_source {
        row.bool(Fact::clock_wrong, true, &[]);
    }
}

/// Seconds of error, zone taken out.
fn clock_error(date: i64, time: Option<i64>, at: i64, context: &Context<'_>) -> Option<i64> {
    let (yy, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    let year = if yy >= 70 { 1900 + yy } else { 2000 + yy };
    let clock = time.unwrap_or(120_000);
    let date = jiff::civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()?;
    let instant = date
        .at(
            i8::try_from(clock / 10_000).ok()?,
            i8::try_from(clock / 100 % 100).ok().filter(|m| *m < 60)?,
            i8::try_from(clock % 100).ok().filter(|s| *s < 60)?,
            0,
        )
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?;
    let difference = instant.timestamp().as_second() - at.div_euclid(1_000_000);
    if let Some(zone) = &context.plan.zone {
        let offset = zone.to_offset(Timestamp::from_microsecond(at).ok()?);
        return Some(difference - i64::from(offset.seconds()));
    }
    if difference.abs() <= ZONE_SPAN {
        // Zones are multiples of a quarter of an hour.
        let quarter = (difference as f64 / 900.0).round() as i64;
        return Some(difference - quarter * 900);
    }
    Some(difference - difference.signum() * ZONE_SPAN)
}
