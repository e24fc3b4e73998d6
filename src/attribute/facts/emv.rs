//! Facts out of EMV data beyond the cryptogram: lists against what was sent, issuer application data, cardholder verification,
//! offline authentication, relay resistance, data storage, scripts, form factor.

use super::Row;
use super::dialogue::hex;
use super::list::Fact;
use super::view::View;
use crate::event::{CommandKind, TagValue};

/// EMV data facts.
pub fn facts(view: &View<'_>, row: &mut Row) {
    if !view.has_dialogue() {
        return;
    }
    lists(view, row);
    super::issuer_data::facts(view, row);
    verification(view, row);
    authentication(view, row);
    relay(view, row);
    super::storage::facts(view, row);
    others(view, row);
}

/// First fault of a command that stands in the list of names (or begins with one).
fn fault(view: &View<'_>, kinds: &[CommandKind], names: &[&str]) -> Option<(&'static str, u32)> {
    view.exchanges.iter().find_map(|seen| {
        if !kinds.is_empty() && !kinds.contains(&seen.what.command) {
            return None;
        }
        let name = seen
            .what
            .faults
            .iter()
            .find(|fault| names.iter().any(|name| fault.starts_with(name)))?;
        Some((*name, seen.index))
    })
}

fn lists(view: &View<'_>, row: &mut Row) {
    let sent = |kinds: &[CommandKind]| {
        view.exchanges
            .iter()
            .any(|seen| kinds.contains(&seen.what.command))
    };
    let gpo = [CommandKind::GetProcessingOptions];
    if sent(&gpo) {
        row.text_or(Fact::pdol_fault, fault(view, &gpo, &["gpo_", "dol_"]), true);
    }
    let generate = [
        CommandKind::GenerateAc,
        CommandKind::ComputeCryptographicChecksum,
    ];
    if sent(&generate) {
        let found = fault(view, &generate, &["cdol_", "udol_", "dol_"]);
        row.text_or(Fact::cdol_fault, found, true);
    }
    row.text_or(
        Fact::command_fault,
        fault(view, &[], &["lc_", "le_missing", "apdu_"]),
        true,
    );
}

/// Names of cardholder verification methods (EMV Book 3, annex C3).
fn method(code: u8) -> &'static str {
    match code & 0x3F {
        0x00 => "fail",
        0x01 => "plaintext_pin",
        0x02 => "online_pin",
        0x03 => "plaintext_pin_signature",
        0x04 => "enciphered_pin",
        0x05 => "enciphered_pin_signature",
        0x1E => "signature",
        0x1F => "no_cvm",
        0x20 => "device",
        0x3F => "none_performed",
        _ => "other",
    }
}

fn verification(view: &View<'_>, row: &mut Row) {
    if let Some((&[performed, condition, result], event)) = view.any_tag(0x9F34) {
        row.text(Fact::cvm_method, method(performed), &[event]);
        let result = match result {
            1 => "failed",
            2 => "successful",
            _ => "unknown",
        };
        row.text(Fact::cvm_result, result, &[event]);
        row.text(Fact::cvm_condition, &hex(&[condition]), &[event]);
    }
    if let Some((list, event)) = view.tag(0x8E, Some(false)) {
        let mut names: Vec<&str> = Vec::new();
        for [code, _] in list.get(8..).unwrap_or_default().as_chunks::<2>().0 {
            let name = method(*code);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        row.text(Fact::cvm_list, &names.join(","), &[event]);
    }
}

/// What the application interchange profile says of offline authentication (EMV Book 3, annex C1).
fn authentication(view: &View<'_>, row: &mut Row) {
    let profile = view.tag(0x82, Some(false));
    if let Some((&[first, ..], event)) = profile {
        let methods: Vec<&str> = [(0x40, "SDA"), (0x20, "DDA"), (0x01, "CDA")]
            .into_iter()
            .filter(|(bit, _)| first & bit != 0)
            .map(|(_, name)| name)
            .collect();
        row.text(Fact::oda_methods, &methods.join(","), &[event]);
    }
    let read = view
        .exchanges
        .iter()
        .any(|seen| seen.what.command == CommandKind::ReadRecord && seen.what.sw == Some(0x9000));
    if !read {
        return;
    }
    let holder = |tag: u32| {
        view.exchanges.iter().find_map(|seen| {
            seen.what
                .tags
                .iter()
                .any(|object| object.tag == tag && !object.sent)
                .then_some(seen.index)
        })
    };
    // Index of the authority's key, and the issuer's certificate; a signature or the card's own certificate.
    let needed = [0x8F_u32, 0x90];
    let mut seen: Vec<u32> = needed.iter().filter_map(|tag| holder(*tag)).collect();
    let own = [0x93_u32, 0x9F46, 0x9F4B]
        .iter()
        .find_map(|tag| holder(*tag));
    let present = seen.len() == needed.len() && own.is_some();
    seen.extend(own);
    row.bool(
        Fact::oda_data_present,
        present,
        if present { &seen } else { &[] },
    );
}

fn number(value: &[u8]) -> i64 {
    value
        .iter()
        .fold(0, |sum, byte| sum << 8 | i64::from(*byte))
}

/// Relay resistance: the card states how long it takes, in hundreds of microseconds (EMV Contactless Book C-2, 3.10).
fn relay(view: &View<'_>, row: &mut Row) {
    let exchanges: Vec<_> = view
        .exchanges
        .iter()
        .filter(|seen| seen.what.command == CommandKind::ExchangeRelayResistanceData)
        .collect();
    let events: Vec<u32> = exchanges.iter().map(|seen| seen.index).collect();
    row.int(
        Fact::relay_exchanges,
        i64::try_from(events.len()).unwrap_or(i64::MAX),
        &events,
    );
    let mut longest: Option<(i64, u32)> = None;
    let mut late = Vec::new();
    let mut judged = false;
    for seen in &exchanges {
        let Some(micros) = seen.what.duration_micros.map(i64::from) else {
            continue;
        };
        if longest.is_none_or(|(most, _)| micros > most) {
            longest = Some((micros, seen.index));
        }
        if let Some(limit) = seen.what.bytes(0xDF_8304) {
            judged = true;
            if micros > number(limit) * 100 {
                late.push(seen.index);
            }
        }
    }
    if let Some((micros, event)) = longest {
        row.int(Fact::relay_micros, micros, &[event]);
    }
    if judged {
        row.seen(Fact::relay_too_slow, &late, true);
    }
}

fn others(view: &View<'_>, row: &mut Row) {
    let tagged = |wanted: &[u32]| -> Vec<u32> {
        view.exchanges
            .iter()
            .filter(|seen| {
                seen.what
                    .tags
                    .iter()
                    .any(|object: &crate::event::Tag| wanted.contains(&object.tag))
            })
            .map(|seen| seen.index)
            .collect()
    };
    // Mag-stripe mode: a dynamic CVC3, or a profile without EMV mode and nothing but track data.
    let mut stripe: Vec<u32> = view
        .exchanges
        .iter()
        .filter(|seen| seen.what.command == CommandKind::ComputeCryptographicChecksum)
        .map(|seen| seen.index)
        .collect();
    stripe.extend(tagged(&[0x9F60, 0x9F61]));
    row.seen(Fact::magstripe_mode, &stripe, true);
    let scripts: Vec<u32> = view
        .exchanges
        .iter()
        .filter(|seen| seen.what.command == CommandKind::IssuerScript)
        .map(|seen| seen.index)
        .collect();
    row.int(
        Fact::issuer_scripts,
        i64::try_from(scripts.len()).unwrap_or(i64::MAX),
        &scripts,
    );
    let failed = view.exchanges.iter().find_map(|seen| {
        let sw = seen
            .what
            .sw
            .filter(|sw| !matches!(sw >> 8, 0x90 | 0x62 | 0x63))?;
        (seen.what.command == CommandKind::IssuerScript).then(|| (format!("{sw:04X}"), seen.index))
    });
    if !scripts.is_empty() {
        row.text_or(
            Fact::issuer_script_sw,
            failed.as_ref().map(|(sw, event)| (sw.as_str(), *event)),
            true,
        );
    }
    if let Some((value, event)) = view.tag(0x9F6E, Some(false)) {
        row.text(Fact::form_factor, &hex(value), &[event]);
    }
    if let Some((&[high, low], event)) = view.tag(0x9F36, Some(false)) {
        row.int(Fact::atc, number(&[high, low]), &[event]);
    }
    let track = view.exchanges.iter().find_map(|seen| {
        seen.what
            .tags
            .iter()
            .any(|object| {
                object.tag == 0x57 && !object.sent && matches!(object.value, TagValue::Card { .. })
            })
            .then_some(seen.index)
    });
    let here: Vec<u32> = track.into_iter().collect();
    row.seen(Fact::track2_read, &here, true);
}
