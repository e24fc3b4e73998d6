//! Facts out of what the card says of itself: cryptogram type, expiry, missing and damaged data.

use super::Row;
use super::dialogue::hex;
use super::list::Fact;
use super::view::View;
use crate::correlate::Stage;
use crate::event::{CommandKind, TagValue};
use crate::plan::Plan;

/// Card data facts.
pub fn facts(view: &View<'_>, plan: &Plan, row: &mut Row) {
    cryptogram(view, row);
    expiry(view, plan, row);
    faults(view, row);
    others(view, row);
}

/// Packed decimal digits as a number.
pub fn bcd(bytes: &[u8]) -> Option<i64> {
    let mut value = 0i64;
    for byte in bytes {
        let (high, low) = (byte >> 4, byte & 15);
        if high > 9 || low > 9 {
            return None;
        }
        value = value
            .checked_mul(100)?
            .checked_add(i64::from(high) * 10 + i64::from(low))?;
    }
    Some(value)
}

fn cryptogram(view: &View<'_>, row: &mut Row) {
    let covered = view.has_dialogue();
    let from_cid = view.tag(0x9F27, Some(false)).and_then(|(value, event)| {
        let kind = match value.first()? & 0xC0 {
            0x00 => "AAC",
            0x40 => "TC",
            0x80 => "ARQC",
            _ => return None,
        };
        Some((kind, event))
    });
    // Kernels 3 and 7 may leave 9F27 out: the issuer application data then says it (CVR byte 2 of VIS 1.5, bits 6-5).
    let from_iad = || {
        let (value, event) = view.tag(0x9F10, Some(false))?;
        let &[_, _, _, length, cvr, ..] = value else {
            return None;
        };
        if length != 3 {
            return None;
        }
        let kind = match cvr & 0x30 {
            0x00 => "AAC",
            0x10 => "TC",
            0x20 => "ARQC",
            _ => return None,
        };
        Some((kind, event))
    };
    let scheme = view.attempt.keys.scheme;
    let visa_like = matches!(scheme, Some("Visa" | "UnionPay"));
    let found = from_cid.or_else(|| if visa_like { from_iad() } else { None });
    row.text_or(Fact::cid, found, covered);
    let has: Vec<u32> = view
        .tag(0x9F26, Some(false))
        .map(|(_, event)| event)
        .into_iter()
        .collect();
    row.seen(Fact::has_cryptogram, &has, covered);
}

/// YYMMDD with the century made good: 70 to 99 lie before 2000.
fn ordinal(yymmdd: i64) -> i64 {
    if yymmdd >= 700_000 {
        yymmdd - 1_000_000
    } else {
        yymmdd
    }
}

fn expiry(view: &View<'_>, plan: &Plan, row: &mut Row) {
    let full = view
        .tag(0x5F24, None)
        .and_then(|(value, event)| Some((bcd(value.get(..3)?)?, event)));
    let yymm = |digits: &[u8; 4]| std::str::from_utf8(digits).ok()?.parse::<i64>().ok();
    let from_track = || {
        view.exchanges.iter().find_map(|seen| {
            seen.what
                .tags
                .iter()
                .find_map(|object| match &object.value {
                    TagValue::Card {
                        expiry: Some(digits),
                        ..
                    } => Some((yymm(digits)? * 100 + 31, seen.index)),
                    _ => None,
                })
        })
    };
    let from_message = || {
        view.messages.iter().find_map(|seen| {
            if let Some(month) = seen.what.field(14).filter(|f| f.len() == 4)
                && let Ok(value) = month.parse::<i64>()
            {
                return Some((value * 100 + 31, seen.index));
            }
            seen.what
                .tags
                .iter()
                .find_map(|object| match &object.value {
                    TagValue::Card {
                        expiry: Some(digits),
                        ..
                    } => Some((yymm(digits)? * 100 + 31, seen.index)),
                    _ => None,
                })
        })
    };
    let terminal = view
        .any_tag(0x9A)
        .and_then(|(value, event)| Some((bcd(value.get(..3)?)?, event)));
    if let Some((date, event)) = terminal {
        row.text(Fact::terminal_date, &format!("{date:06}"), &[event]);
    }
    if let Some((expires, event)) = full.or_else(from_track).or_else(from_message) {
        if let Some(today) = view.true_date(plan) {
            let expired = ordinal(expires) < ordinal(i64::from(today));
            row.bool(Fact::card_expired, expired, &[event]);
        }
        if let Some((date, dated)) = terminal {
            let expired = ordinal(expires) < ordinal(date);
            row.bool(Fact::card_expired_by_terminal, expired, &[event, dated]);
        }
    }
    let from = view
        .tag(0x5F25, None)
        .and_then(|(value, event)| Some((bcd(value.get(..3)?)?, event)));
    if let Some((starts, event)) = from {
        let today = terminal
            .map(|(date, _)| date)
            .or_else(|| view.true_date(plan).map(i64::from));
        if let Some(today) = today {
            let early = ordinal(today) < ordinal(starts);
            row.bool(Fact::not_yet_effective, early, &[event]);
        }
    } else if view.has_dialogue() && view.attempt.stage >= Stage::Read {
        row.bool(Fact::not_yet_effective, false, &[]);
    }
}

fn faults(view: &View<'_>, row: &mut Row) {
    let covered = view.has_dialogue();
    let fault = view.exchanges.iter().find_map(|seen| {
        let name = seen
            .what
            .faults
            .iter()
            .find(|name| name.starts_with("tlv") || name.starts_with("fci"))?;
        seen.what.sw.map(|_| (*name, seen.index))
    });
    row.text_or(Fact::tlv_fault, fault, covered);
    let card_of = |tag: u32| {
        view.exchanges.iter().find_map(|seen| {
            seen.what
                .tags
                .iter()
                .find_map(|object| match &object.value {
                    TagValue::Card { number, .. } if object.tag == tag && !object.sent => {
                        Some((number, seen.index))
                    }
                    _ => None,
                })
        })
    };
    let (pan, track) = (card_of(0x5A), card_of(0x57));
    if let (Some((a, first)), Some((b, second))) = (&pan, &track) {
        let differ =
            a.masked != b.masked || (a.token.is_some() && b.token.is_some() && a.token != b.token);
        row.bool(Fact::pan_mismatch, differ, &[*first, *second]);
    }
    let all_good = view
        .exchanges
        .iter()
        .all(|seen| seen.what.sw == Some(0x9000));
    let present = |tag: u32| {
        view.exchanges.iter().any(|seen| {
            seen.what
                .tags
                .iter()
                .any(|object| object.tag == tag && !object.sent)
        })
    };
    let read = view
        .exchanges
        .iter()
        .any(|seen| seen.what.command == CommandKind::ReadRecord);
    let generated = view
        .exchanges
        .iter()
        .any(|seen| seen.what.command == CommandKind::GenerateAc);
    let options = view
        .exchanges
        .iter()
        .any(|seen| seen.what.command == CommandKind::GetProcessingOptions);
    let kernel = super::steps::kernel(view);
    // A card that gives CDOL1 waits for GENERATE AC: its options hold no cryptogram.
    let in_full = view.tag(0x8C, Some(false)).is_some();
    // Mandatory objects: EMV Book C-2 for kernel 2, C-3 and C-7 for kernels 3 and 7 (domain reference, signal A_MISSING_TAG).
    let mandatory: &[u32] = match kernel {
        Some("2") if read && !generated => &[0x5A, 0x5F24, 0x8C],
        Some("3" | "7") if options && read && !in_full => &[0x57, 0x9F26, 0x9F36, 0x9F10, 0x82],
        _ => &[],
    };
    if mandatory.is_empty() || !all_good {
        if covered && !view.exchanges.is_empty() {
            row.text(Fact::missing_mandatory, "", &[]);
        }
        return;
    }
    let last = view.exchanges.last().map_or(0, |seen| seen.index);
    match mandatory.iter().find(|&&tag| !present(tag)) {
        Some(tag) => row.text(Fact::missing_mandatory, &format!("{tag:X}"), &[last]),
        None => row.text(Fact::missing_mandatory, "", &[]),
    }
}

fn others(view: &View<'_>, row: &mut Row) {
    if let Some((value, event)) = view.tag(0x8F, None) {
        row.text(Fact::capk_index, &hex(value), &[event]);
    }
    if let Some((&[kind, ..], event)) = view.any_tag(0x9F35) {
        row.bool(
            Fact::unattended,
            matches!(kind, 0x14..=0x16 | 0x24..=0x26),
            &[event],
        );
    }
    let balance = [0x9F5D, 0x9F79].iter().find_map(|&tag| {
        let (value, event) = view.tag(tag, Some(false))?;
        (value.len() == 6).then_some((bcd(value)?, event))
    });
    if let (Some((balance, event)), Some(amount)) = (balance, view.amount) {
        row.bool(Fact::ec_balance_short, balance < amount, &[event]);
    }
    if let Some((value, event)) = view.tag(0xDF4B, Some(false)) {
        row.bool(Fact::see_phone_flag, asks_holder(value), &[event]);
    } else if view.has_dialogue() {
        row.bool(Fact::see_phone_flag, false, &[]);
    }
}

/// POS Cardholder Interaction Information (EMV Contactless Book C-2): byte 2, bits 1 to 5 ask for an act on the device.
pub fn asks_holder(value: &[u8]) -> bool {
    value.get(1).is_some_and(|byte| byte & 0x1F != 0) || value.get(2).is_some_and(|byte| *byte != 0)
}
