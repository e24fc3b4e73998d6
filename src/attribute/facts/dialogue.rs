//! Facts out of the card dialogue: the radio field, the commands and their answers.

use super::Row;
use super::list::Fact;
use super::view::View;
use crate::event::{CommandKind, FieldState, Signal};

/// Registered application provider identifiers of payment schemes (domain reference, AID table).
const PAYMENT_RIDS: &[(&str, &str)] = &[
    ("A000000003", "Visa"),
    ("A000000004", "Mastercard"),
    ("A000000025", "Amex"),
    ("A000000065", "JCB"),
    ("A000000152", "Discover"),
    ("A000000277", "Interac"),
    ("A000000324", "Discover"),
    ("A000000333", "UnionPay"),
    ("A000000524", "RuPay"),
    ("A000000658", "Mir"),
];
/// Applications that are no bank cards: T-Union transport.
const NOT_PAYMENT: &[&str] = &["A000000632"];

/// Scheme of an AID in hex.
pub fn scheme_of(aid: &str) -> Option<&'static str> {
    PAYMENT_RIDS
        .iter()
        .find(|(rid, _)| aid.starts_with(rid))
        .map(|(_, scheme)| *scheme)
}

/// Upper-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// Short name of a command.
pub fn command_name(command: CommandKind) -> &'static str {
    match command {
        CommandKind::SelectPpse => "select_ppse",
        CommandKind::SelectAid => "select_aid",
        CommandKind::GetProcessingOptions => "gpo",
        CommandKind::ReadRecord => "read_record",
        CommandKind::GenerateAc | CommandKind::ComputeCryptographicChecksum => "generate_ac",
        _ => "other",
    }
}

/// Field and dialogue facts.
pub fn facts(view: &View<'_>, row: &mut Row) {
    field(view, row);
    commands(view, row);
    loss(view, row);
}

fn states(view: &View<'_>, states: &[FieldState]) -> Vec<u32> {
    view.fields
        .iter()
        .filter(|seen| states.contains(&seen.what.state))
        .map(|seen| seen.index)
        .collect()
}

fn count(events: &[u32]) -> i64 {
    i64::try_from(events.len()).unwrap_or(i64::MAX)
}

fn field(view: &View<'_>, row: &mut Row) {
    let covered = view.has_dialogue() || view.has_log();
    let first_exchange: Vec<u32> = view
        .exchanges
        .first()
        .map(|seen| seen.index)
        .into_iter()
        .collect();
    let join = |mut a: Vec<u32>, b: Vec<u32>| {
        a.extend(b);
        a
    };
    let any_field: Vec<u32> = view
        .fields
        .iter()
        .filter(|seen| seen.what.state != FieldState::Off)
        .map(|seen| seen.index)
        .take(1)
        .collect();
    let tap = view.attempt.interface != crate::correlate::Interface::Contact;
    let mut on = join(any_field, view.signal(Signal::PollingStart));
    on.extend(view.signals(&[
        Signal::CardDetected,
        Signal::CardReadOk,
        Signal::MultipleCards,
        Signal::CardRemoved,
    ]));
    if tap {
        on.extend(&first_exchange);
    }
    row.seen(Fact::field_on, &on, covered);
    let mut answered = states(
        view,
        &[
            FieldState::Activated,
            FieldState::Collision,
            FieldState::NotIsoDep,
            FieldState::ActivationFailed,
            FieldState::Lost,
            FieldState::StillPresent,
        ],
    );
    answered.extend(view.signals(&[
        Signal::CardDetected,
        Signal::CardReadOk,
        Signal::MultipleCards,
        Signal::CardRemoved,
    ]));
    if tap {
        answered.extend(&first_exchange);
    }
    answered.truncate(4);
    row.seen(Fact::card_answered, &answered, covered);
    let pairs: &[(Fact, &[FieldState], &[Signal])] = &[
        (
            Fact::no_card_polled,
            &[FieldState::NoCard],
            &[Signal::PollTimeout],
        ),
        (
            Fact::collision,
            &[FieldState::Collision],
            &[Signal::MultipleCards],
        ),
        (
            Fact::activation_failed,
            &[FieldState::ActivationFailed],
            &[],
        ),
        (Fact::not_iso_dep, &[FieldState::NotIsoDep], &[]),
    ];
    for (fact, field_states, signals) in pairs {
        let mut hits = join(states(view, field_states), view.signals(signals));
        // Waiting for another tap is no waiting for a card that never came.
        if *fact == Fact::no_card_polled && tap && !first_exchange.is_empty() {
            hits.clear();
        }
        let covered = if signals.is_empty() {
            view.has_dialogue()
        } else {
            covered
        };
        row.seen(*fact, &hits, covered);
    }
    lost_before_complete(view, row, covered);
    row.seen(
        Fact::present_after,
        &states(view, &[FieldState::StillPresent]),
        view.has_dialogue(),
    );
    let errors = join(
        states(view, &[FieldState::TransmissionError]),
        view.signal(Signal::RfTransmissionError),
    );
    let protocol = join(
        states(view, &[FieldState::ProtocolError]),
        view.signal(Signal::RfProtocolError),
    );
    if covered {
        row.int(Fact::transmission_errors, count(&errors), &errors);
        row.int(Fact::protocol_errors, count(&protocol), &protocol);
    }
    if view.has_dialogue() {
        let waits = states(view, &[FieldState::WaitingTimeExtension]);
        row.int(Fact::waiting_time_extensions, count(&waits), &waits);
        let activated = states(view, &[FieldState::Activated]);
        row.int(Fact::activations, count(&activated), &activated);
    }
    uids(view, row);
}

/// A card that leaves after it was read whole ("please remove card") is no loss.
fn lost_before_complete(view: &View<'_>, row: &mut Row, covered: bool) {
    let complete = |index: u32| {
        let read = view.logs.iter().any(|line| {
            line.index < index
                && matches!(
                    line.what.signal,
                    Signal::CardReadOk | Signal::OnlineRequest | Signal::RequestSent
                )
        });
        let cryptogram = view
            .exchanges
            .iter()
            .any(|seen| seen.index < index && seen.what.bytes(0x9F26).is_some());
        read || cryptogram
    };
    let mut lost = states(view, &[FieldState::Lost]);
    lost.extend(view.signal(Signal::CardRemoved));
    let torn_read = view
        .exchanges
        .iter()
        .any(|seen| seen.what.answered == Some(false));
    lost.retain(|&index| torn_read || !complete(index));
    row.seen(Fact::card_lost, &lost, covered);
}

/// A random identifier (ISO/IEC 14443-3: four bytes, the first 08): phones and watches have one, and few cards.
pub(super) fn is_random(uid: &str) -> bool {
    uid.len() == 8 && uid.starts_with("08")
}

fn uids(view: &View<'_>, row: &mut Row) {
    let mut uids: Vec<&str> = Vec::new();
    let mut cited = Vec::new();
    let mut phone = Vec::new();
    for seen in &view.fields {
        if let Some(uid) = &seen.what.uid
            && !uids.contains(&uid.as_str())
        {
            uids.push(uid);
            cited.push(seen.index);
        }
        if seen.what.phone_hint || seen.what.uid.as_deref().is_some_and(is_random) {
            phone.push(seen.index);
        }
    }
    if !view.fields.is_empty() {
        row.int(
            Fact::distinct_uids,
            i64::try_from(uids.len()).unwrap_or(i64::MAX),
            &cited,
        );
    }
    let mut stated = false;
    for line in &view.logs {
        for (name, value) in &line.what.values {
            if *name == "uid" {
                stated = true;
                if is_random(value) {
                    phone.push(line.index);
                }
            }
        }
    }
    // A token requestor identifier (9F19) or a device type other than a card (9F6E) is a phone.
    let visa = view.attempt.keys.scheme == Some("Visa");
    let mut card = Vec::new();
    if let Some((_, event)) = view.any_tag(0x9F19) {
        phone.push(event);
    }
    if let Some((value, event)) = view.tag(0x9F6E, Some(false)) {
        let (is_phone, is_card) = match value {
            [first, ..] if visa => (matches!(first & 0x1F, 3..=6), first & 0x1F == 0),
            [_, _, unique, _, kind @ ..] if unique & 0x80 == 0 && kind.len() >= 2 => {
                let card = kind.starts_with(b"00") || kind.starts_with(&[0, 0]);
                (!card, card)
            }
            _ => (false, false),
        };
        if is_phone {
            phone.push(event);
        }
        if is_card {
            card.push(event);
        }
    }
    // Without a UID only a dialogue that reached the card's data can tell a phone.
    let known = stated || !uids.is_empty() || view.tag(0x9F26, Some(false)).is_some();
    row.seen(Fact::phone_hint, &phone, known);
    row.seen(Fact::form_factor_card, &card, known);
}

fn commands(view: &View<'_>, row: &mut Row) {
    let covered = view.has_dialogue();
    let last_sw = |kind: CommandKind| {
        view.exchanges
            .iter()
            .rev()
            .filter(|seen| seen.what.command == kind)
            .find_map(|seen| Some((format!("{:04X}", seen.what.sw?), seen.index)))
    };
    for (fact, kind) in [
        (Fact::ppse_sw, CommandKind::SelectPpse),
        (Fact::aid_select_sw, CommandKind::SelectAid),
        (Fact::gpo_sw, CommandKind::GetProcessingOptions),
        (Fact::gac_sw, CommandKind::GenerateAc),
        (Fact::pin_verify_sw, CommandKind::Verify),
    ] {
        let found = last_sw(kind);
        row.text_or(
            fact,
            found.as_ref().map(|(sw, event)| (sw.as_str(), *event)),
            covered,
        );
    }
    let of = |kind: CommandKind| {
        view.exchanges
            .iter()
            .filter(move |s| s.what.command == kind)
    };
    let selected: Vec<u32> = of(CommandKind::SelectAid)
        .filter(|seen| seen.what.sw == Some(0x9000))
        .map(|seen| seen.index)
        .collect();
    row.seen(Fact::aid_selected, &selected, covered);
    ppse(view, row, covered);
    let gpo: Vec<u32> = of(CommandKind::GetProcessingOptions)
        .map(|seen| seen.index)
        .collect();
    if covered {
        row.int(Fact::gpo_tried, count(&gpo), &gpo);
    }
    if let Some(last) = of(CommandKind::GetProcessingOptions).next_back() {
        row.bool(Fact::gpo_answered, last.what.sw.is_some(), &[last.index]);
    }
    let bad_record = of(CommandKind::ReadRecord).find_map(|seen| {
        Some((
            format!("{:04X}", seen.what.sw.filter(|&sw| sw != 0x9000)?),
            seen.index,
        ))
    });
    row.text_or(
        Fact::read_record_sw,
        bad_record.as_ref().map(|(sw, event)| (sw.as_str(), *event)),
        covered,
    );
    if covered {
        let read: Vec<u32> = of(CommandKind::ReadRecord)
            .filter(|seen| seen.what.sw == Some(0x9000))
            .map(|seen| seen.index)
            .collect();
        row.int(Fact::records_read, count(&read), &read);
    }
    let requested = of(CommandKind::GenerateAc).next_back().map(|seen| {
        let kind = match seen.what.header[2] & 0xC0 {
            0x00 => "AAC",
            0x40 => "TC",
            _ => "ARQC",
        };
        (kind, seen.index)
    });
    row.text_or(Fact::gac_requested, requested, covered);
    let error = view.exchanges.iter().find_map(|seen| {
        let sw = seen
            .what
            .sw
            .filter(|sw| matches!(sw, 0x6FFF | 0x6581 | 0x6400 | 0x6F00))?;
        Some((format!("{sw:04X}"), seen.index))
    });
    row.text_or(
        Fact::card_error_sw,
        error.as_ref().map(|(sw, event)| (sw.as_str(), *event)),
        covered,
    );
    let recover: Vec<u32> = of(CommandKind::RecoverAc).map(|seen| seen.index).collect();
    row.seen(Fact::recover_ac, &recover, covered);
    let relay: Vec<u32> = of(CommandKind::ExchangeRelayResistanceData)
        .filter(|seen| seen.what.sw != Some(0x9000))
        .map(|seen| seen.index)
        .collect();
    row.seen(Fact::relay_resistance_failed, &relay, covered);
    let contact: Vec<u32> = of(CommandKind::SelectPse)
        .filter(|seen| seen.what.sw.is_some())
        .map(|seen| seen.index)
        .collect();
    row.seen(Fact::contact_dialogue_ok, &contact, covered);
    if !view.exchanges.is_empty() {
        let total: u64 = view
            .exchanges
            .iter()
            .filter_map(|seen| seen.what.duration_micros)
            .map(u64::from)
            .sum();
        if total > 0 {
            row.int(
                Fact::apdu_total_ms,
                i64::try_from(total / 1000).unwrap_or(i64::MAX),
                &[],
            );
        }
    }
}

fn ppse(view: &View<'_>, row: &mut Row, covered: bool) {
    let answer =
        view.exchanges.iter().rev().find(|seen| {
            seen.what.command == CommandKind::SelectPpse && seen.what.sw == Some(0x9000)
        });
    let Some(seen) = answer else {
        if covered {
            row.int(Fact::ppse_aids, 0, &[]);
            row.bool(Fact::no_aid_selected_after_ppse, false, &[]);
        }
        return;
    };
    let mut aids: Vec<String> = Vec::new();
    let mut kernel_id = None;
    for object in &seen.what.tags {
        if let crate::event::TagValue::Bytes(bytes) = &object.value
            && !object.sent
        {
            match object.tag {
                0x4F => aids.push(hex(bytes)),
                0x9F2A => kernel_id = Some(hex(bytes)),
                _ => {}
            }
        }
    }
    let here = [seen.index];
    row.int(
        Fact::ppse_aids,
        i64::try_from(aids.len()).unwrap_or(i64::MAX),
        &here,
    );
    let payment: Vec<&String> = aids
        .iter()
        .filter(|aid| !NOT_PAYMENT.iter().any(|rid| aid.starts_with(rid)))
        .collect();
    row.int(
        Fact::ppse_payment_aids,
        i64::try_from(payment.len()).unwrap_or(i64::MAX),
        &here,
    );
    let mut schemes: Vec<&str> = payment.iter().filter_map(|aid| scheme_of(aid)).collect();
    schemes.sort_unstable();
    schemes.dedup();
    row.text(Fact::ppse_schemes, &schemes.join(","), &here);
    row.text(
        Fact::ppse_kernel_id,
        kernel_id.as_deref().unwrap_or(""),
        &here,
    );
    let later_select = view
        .exchanges
        .iter()
        .any(|other| other.index > seen.index && other.what.command == CommandKind::SelectAid);
    // Only where the dialogue is recorded to its end: something of the attempt follows the answer.
    let unselected = !aids.is_empty() && !later_select;
    row.bool(Fact::no_aid_selected_after_ppse, unselected, &here);
}

fn loss(view: &View<'_>, row: &mut Row) {
    let covered = view.has_dialogue();
    let lost = view
        .exchanges
        .iter()
        .position(|seen| seen.what.answered == Some(false) && seen.what.sw.is_none());
    let name = lost
        .and_then(|at| view.exchanges.get(at))
        .map(|seen| (command_name(seen.what.command), seen.index));
    row.text_or(Fact::unanswered_command, name, covered);
    let errors: Vec<u32> = states(
        view,
        &[FieldState::TransmissionError, FieldState::ProtocolError],
    );
    let in_log = view.signals(&[Signal::RfTransmissionError, Signal::RfProtocolError]);
    let clean = errors.is_empty() && in_log.is_empty();
    if let Some(at) = lost {
        let before = view
            .exchanges
            .iter()
            .take(at)
            .filter(|seen| seen.what.sw.is_some())
            .count();
        let Some(seen) = view.exchanges.get(at) else {
            return;
        };
        let late_command = matches!(
            seen.what.command,
            CommandKind::GetProcessingOptions
                | CommandKind::ReadRecord
                | CommandKind::GenerateAc
                | CommandKind::ComputeCryptographicChecksum
        );
        row.bool(
            Fact::lost_mid_dialogue,
            late_command && before > 0 && clean,
            &[seen.index],
        );
        row.bool(Fact::clean_before_loss, clean, &[seen.index]);
    } else if covered {
        row.bool(Fact::lost_mid_dialogue, false, &[]);
    }
}
