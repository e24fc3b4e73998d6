//! Facts out of issuer application data (9F10): what the card itself remembers and decided, bit by bit where the scheme publishes it.

use tapscope_parsers::protocol::emv::issuer_data::{self, Layout};

use super::Row;
use super::dialogue::hex;
use super::list::Fact;
use super::view::View;

/// Facts of the first 9F10 that the card gave, else of that in field 55.
pub fn facts(view: &View<'_>, row: &mut Row) {
    asked_and_given(view, row);
    let found = view.tag(0x9F10, Some(false)).or_else(|| view.tag55(0x9F10));
    let Some((value, event)) = found else {
        return;
    };
    let here = [event];
    let Some(data) = issuer_data::issuer_data(value).filter(|data| is_of(view, data.layout)) else {
        row.text(Fact::iad_layout, "", &here);
        return;
    };
    let layout = match data.layout {
        Layout::Vis => "vis",
        Layout::UnionPay => "unionpay",
        Layout::VisFormat2 => "vis2",
        Layout::MChip => "mchip",
        Layout::CommonCore => "ccd",
    };
    row.text(Fact::iad_layout, layout, &here);
    row.text(
        Fact::cryptogram_version,
        &hex(&[data.cryptogram_version]),
        &here,
    );
    row.text(Fact::cvr, &hex(data.cvr), &here);
    let said = data.verification();
    for (fact, text) in [
        (Fact::cvr_first_ac, said.first),
        (Fact::cvr_second_ac, said.second),
        (Fact::cvr_pin, said.pin),
    ] {
        if let Some(text) = text {
            row.text(fact, text, &here);
        }
    }
    for (fact, number) in [
        (Fact::cvr_pin_tries, said.pin_tries),
        (Fact::cvr_scripts, said.scripts),
    ] {
        if let Some(number) = number {
            row.int(fact, i64::from(number), &here);
        }
    }
    for (fact, flag) in [
        (Fact::cvr_pin_try_limit, said.pin_try_limit),
        (Fact::cvr_device_verified, said.device_verified),
        (
            Fact::cvr_last_online_incomplete,
            said.last_online_incomplete,
        ),
        (Fact::cvr_unable_online, said.unable_online),
        (
            Fact::cvr_issuer_auth_failed,
            said.issuer_authentication_failed,
        ),
        (Fact::cvr_script_failed, said.script_failed),
        (
            Fact::cvr_oda_failed_before,
            said.authentication_failed_before,
        ),
        (Fact::cvr_offline_limit, said.offline_limit),
        (Fact::cvr_go_online_next, said.go_online_next),
        (Fact::cvr_new_card, said.new_card),
        (Fact::cvr_date_check_failed, said.date_check_failed),
    ] {
        if let Some(flag) = flag {
            row.bool(fact, flag, &here);
        }
    }
    // The first cryptogram by the card's own account against the type that it announced.
    if let (Some(first), Some((&[information], given))) =
        (said.first, view.tag(0x9F27, Some(false)))
    {
        let differs = kind(information).is_some_and(|kind| kind != first);
        row.bool(Fact::cvr_contradicts_cid, differs, &[event, given]);
    }
}

/// A layout is told by its first bytes; those of Visa and Mastercard occur by chance with schemes that publish none.
fn is_of(view: &View<'_>, layout: Layout) -> bool {
    match (layout, view.attempt.keys.scheme) {
        (Layout::CommonCore, _) | (_, None) => true,
        (Layout::MChip, Some(scheme)) => scheme == "Mastercard",
        (Layout::UnionPay, Some(scheme)) => scheme == "UnionPay",
        (Layout::Vis, Some(scheme)) => matches!(scheme, "Visa" | "UnionPay"),
        (Layout::VisFormat2, Some(scheme)) => scheme == "Visa",
    }
}

/// Type of a cryptogram by the bits that cryptogram information data and P1 of GENERATE AC share.
fn kind(byte: u8) -> Option<&'static str> {
    match byte & 0xC0 {
        0x00 => Some("AAC"),
        0x40 => Some("TC"),
        0x80 => Some("ARQC"),
        _ => None,
    }
}

/// GENERATE AC that was answered with a lower type than asked for: the card decided otherwise than the terminal.
fn asked_and_given(view: &View<'_>, row: &mut Row) {
    let rank = |kind: &str| match kind {
        "TC" => 2,
        "ARQC" => 1,
        _ => 0,
    };
    let mut compared = false;
    let mut lower = Vec::new();
    for seen in &view.exchanges {
        if seen.what.command != crate::event::CommandKind::GenerateAc {
            continue;
        }
        let [_, _, p1, _] = seen.what.header;
        let given = match seen.what.bytes(0x9F27) {
            Some(&[information]) => kind(information),
            _ => None,
        };
        if let (Some(asked), Some(given)) = (kind(p1), given) {
            compared = true;
            if rank(given) < rank(asked) {
                lower.push(seen.index);
            }
        }
    }
    row.seen(Fact::ac_lower_than_asked, &lower, compared);
}
