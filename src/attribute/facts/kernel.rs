//! Facts out of the kernel's outcome: OPS, UI, error indication, TVR, TTQ, CTQ, limits.

use super::Row;
use super::card_data::bcd;
use super::dialogue::hex;
use super::list::Fact;
use super::settings::Settings;
use super::view::View;
use crate::event::Signal;

/// Kernel facts.
pub fn facts(view: &View<'_>, settings: &Settings, row: &mut Row) {
    outcome(view, row);
    tvr(view, row);
    qualifiers(view, row);
    limits(view, settings, row);
    let pin: Vec<u32> = view
        .messages
        .iter()
        .filter(|seen| seen.what.pin_present)
        .map(|seen| seen.index)
        .collect();
    let by_tvr = row_bit(row, 2, 0x04);
    if !pin.is_empty() || by_tvr == Some(true) {
        row.bool(Fact::pin_entered, true, &pin);
    } else if !view.messages.is_empty() || by_tvr.is_some() {
        row.bool(Fact::pin_entered, false, &[]);
    }
}

/// A value of the log or a tag of the dialogue, as hex.
fn stated(view: &View<'_>, name: &str, tags: &[u32]) -> Option<(String, u32)> {
    let from_log = view.value(name).map(|(value, event)| {
        let digits: String = value
            .chars()
            .filter(char::is_ascii_hexdigit)
            .collect::<String>()
            .to_ascii_uppercase();
        (digits, event)
    });
    tags.iter()
        .find_map(|&tag| view.any_tag(tag).map(|(value, event)| (hex(value), event)))
        .or(from_log)
        .filter(|(text, _)| text.len() >= 2)
}

fn outcome(view: &View<'_>, row: &mut Row) {
    let covered = view.has_log();
    let byte = |text: &str, at: usize| {
        text.get(at * 2..at * 2 + 2)
            .filter(|byte| *byte != "00")
            .unwrap_or("")
            .to_owned()
    };
    let ops = stated(view, "ops", &[0xDF_8129, 0x9F_8210]);
    let first = ops.as_ref().map(|(text, event)| (byte(text, 0), *event));
    row.text_or(
        Fact::ops,
        first.as_ref().map(|(text, event)| (text.as_str(), *event)),
        covered,
    );
    let ui = stated(view, "ui", &[0xDF_8116, 0x9F_8205]);
    let first = ui
        .as_ref()
        .map(|(text, event)| (text.get(..2).unwrap_or("").to_owned(), *event));
    row.text_or(
        Fact::ui,
        first.as_ref().map(|(text, event)| (text.as_str(), *event)),
        covered,
    );
    let error = stated(view, "error_indication", &[0xDF_8115, 0x9F_8204]);
    for (fact, at) in [(Fact::ei_l1, 0), (Fact::ei_l2, 1), (Fact::ei_l3, 2)] {
        let part = error.as_ref().map(|(text, event)| (byte(text, at), *event));
        row.text_or(
            fact,
            part.as_ref().map(|(text, event)| (text.as_str(), *event)),
            covered,
        );
    }
}

/// Bits of the terminal verification results (EMV Book 3, annex C5): fact, byte, mask.
const TVR_BITS: &[(Fact, usize, u8)] = &[
    (Fact::tvr_oda_failed, 0, 0x4C),
    (Fact::tvr_icc_data_missing, 0, 0x20),
    (Fact::tvr_exception_file, 0, 0x10),
    (Fact::tvr_version_differs, 1, 0x80),
    (Fact::tvr_expired, 1, 0x40),
    (Fact::tvr_not_effective, 1, 0x20),
    (Fact::tvr_service_not_allowed, 1, 0x10),
    (Fact::tvr_cvm_failed, 2, 0x80),
    (Fact::tvr_cvm_unknown, 2, 0x40),
    (Fact::tvr_pin_tries, 2, 0x20),
    (Fact::tvr_pin_pad, 2, 0x10),
    (Fact::tvr_pin_not_entered, 2, 0x08),
    (Fact::tvr_issuer_auth_failed, 4, 0x40),
];

fn tvr(view: &View<'_>, row: &mut Row) {
    let Some((text, event)) = stated(view, "tvr", &[0x95]).filter(|(text, _)| text.len() == 10)
    else {
        return;
    };
    row.text(Fact::tvr, &text, &[event]);
    let bit = |byte: usize, mask: u8| {
        text.get(byte * 2..byte * 2 + 2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .is_some_and(|value| value & mask != 0)
    };
    for &(fact, byte, mask) in TVR_BITS {
        row.bool(fact, bit(byte, mask), &[event]);
    }
    let relay_kernel = matches!(view.attempt.keys.kernel, Some("2" | "8"))
        || view.attempt.keys.scheme == Some("Mastercard");
    row.bool(Fact::tvr_relay, relay_kernel && bit(4, 0x0C), &[event]);
}

fn row_bit(row: &Row, byte: usize, mask: u8) -> Option<bool> {
    let super::Value::Text(text) = row.get(Fact::tvr)? else {
        return None;
    };
    let digits = text.get(byte * 2..byte * 2 + 2)?;
    Some(u8::from_str_radix(digits, 16).ok()? & mask != 0)
}

fn qualifiers(view: &View<'_>, row: &mut Row) {
    // 9F66 is TTQ for Visa, UnionPay and D-PAS; for Mastercard it is something else.
    let has_ttq = view.attempt.keys.scheme != Some("Mastercard");
    if let Some((&[one, two, three, ..], event)) = view.tag(0x9F66, Some(true))
        && has_ttq
    {
        let here = [event];
        row.bool(Fact::ttq_emv_mode, one & 0x20 != 0, &here);
        row.bool(Fact::ttq_online_pin, one & 0x04 != 0, &here);
        row.bool(Fact::ttq_cvm_required, two & 0x40 != 0, &here);
        row.bool(Fact::ttq_cdcvm, three & 0x40 != 0, &here);
    }
    if let Some((&[one, two, ..], event)) = view.tag(0x9F6C, Some(false))
        && has_ttq
    {
        let here = [event];
        row.bool(Fact::ctq_present, true, &here);
        row.bool(Fact::ctq_online_pin, one & 0x80 != 0, &here);
        row.bool(Fact::ctq_switch, one & 0x16 != 0, &here);
        row.bool(Fact::ctq_go_online_if_expired, one & 0x08 != 0, &here);
        row.bool(Fact::ctq_cdcvm, two & 0x80 != 0, &here);
    } else if row.is(Fact::has_cryptogram) {
        row.bool(Fact::ctq_present, false, &[]);
    }
    if let Some((value, event)) = view.any_tag(0x9F34) {
        row.text(Fact::cvm, hex(value).get(..2).unwrap_or(""), &[event]);
    }
}

fn limits(view: &View<'_>, settings: &Settings, row: &mut Row) {
    let number = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
            .parse::<i64>()
            .ok()
    };
    let of = |name: &str, tags: &[u32]| {
        view.value(name)
            .and_then(|(value, event)| Some((number(value)?, event)))
            .or_else(|| {
                tags.iter().find_map(|&tag| {
                    let (value, event) = view.tag(tag, None)?;
                    Some((bcd(value)?, event))
                })
            })
            .or_else(|| {
                let first = view.logs.first()?;
                let aid = view.attempt.keys.aid.as_deref();
                let aid = aid.or_else(|| view.value("aid").map(|(aid, _)| aid));
                let (value, event) = settings.before(first.source, first.index, name, aid)?;
                Some((number(value)?, event))
            })
    };
    let phone = row.is(Fact::phone_hint);
    let reader_tags: &[u32] = if phone {
        &[0xDF_8125, 0xDF_8124, 0xDF20]
    } else {
        &[0xDF_8124, 0xDF_8125, 0xDF20]
    };
    if let Some((limit, event)) = of("limit_minor", reader_tags) {
        let mut cited = vec![event];
        cited.extend(view.signal(Signal::LimitExceeded));
        row.int(Fact::reader_limit_minor, limit, &cited);
        row.bool(Fact::limit_absurd, limit < 100, &cited);
        if let Some(amount) = view.amount {
            row.bool(Fact::amount_at_limit, amount >= limit, &cited);
        }
    }
    if let Some((limit, event)) = of("cvm_limit_minor", &[0xDF_8126, 0xDF21]) {
        row.int(Fact::cvm_limit_minor, limit, &[event]);
    }
}
