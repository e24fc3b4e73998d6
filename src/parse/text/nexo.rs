//! Turns nexo messages and callback URIs into what they say: signals, keys, values; masked.

use tapscope_parsers::content::nexo::{self, Kind, Message};
use tapscope_parsers::content::uri::Callback;
use tapscope_parsers::protocol::codes;

use super::line::Found;
use crate::event::{Keys, LogEvent, Severity, Signal, Text};
use crate::parse::edge::Edge;

/// Three letters of a currency.
fn letters(value: &[u8]) -> Option<[u8; 3]> {
    <[u8; 3]>::try_from(value)
        .ok()
        .filter(|code| code.iter().all(u8::is_ascii_uppercase))
}

/// An amount in minor units. It is written as a decimal of the main unit, without a point where it is whole; how many minor units
/// make a main one, the currency says (ISO 4217: none for JPY and KRW, three for KWD), and two digits are usual where it does not.
fn minor_units(amount: &[u8], currency: &[u8]) -> Option<i64> {
    let exponent = codes::currency_by_letters(currency).map_or(2, |c| usize::from(c.exponent));
    let (whole, fraction) = match memchr::memchr(b'.', amount) {
        Some(point) => (&amount[..point], &amount[point + 1..]),
        None => (amount, &[][..]),
    };
    let (fraction, rest) = fraction
        .split_at_checked(exponent)
        .unwrap_or((fraction, &[]));
    let digits = whole.iter().chain(fraction);
    let sound = !whole.is_empty()
        && whole.len() <= 15
        && digits.clone().all(u8::is_ascii_digit)
        && rest.iter().all(|b| *b == b'0');
    let missing = u32::try_from(exponent - fraction.len()).ok()?;
    sound
        .then(|| digits.fold(0_i64, |sum, b| sum.saturating_mul(10) + i64::from(b - b'0')))?
        .checked_mul(10_i64.checked_pow(missing)?)
}

/// A masked number with blanks inside: `541333 **** 0010`.
fn card(value: &[u8], edge: &Edge) -> Option<Box<crate::event::CardNumber>> {
    let solid: Vec<u8> = value.iter().copied().filter(|b| *b != b' ').collect();
    let shown = solid.iter().filter(|b| b.is_ascii_digit()).count();
    let sound = solid
        .iter()
        .all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'x' | b'X' | b'#'));
    (sound && shown >= 4 && (8..=19).contains(&solid.len())).then(|| Box::new(edge.card(&solid)))
}

/// What a message says; nothing for messages that do not bear on a payment.
pub(super) fn found(message: &Message<'_>, edge: &Edge) -> Found {
    let said = |bytes: &[u8]| Some(edge.bytes_as_text(bytes)).filter(|text| !text.is_empty());
    let keys = Keys {
        terminal: said(message.terminal),
        merchant: said(message.merchant),
        device: said(message.poi).filter(|poi| poi.len() > 3),
        auth_code: said(message.approval).filter(|code| code.len() <= 6),
        amount_minor: minor_units(message.amount, message.currency),
        currency: letters(message.currency),
        card: card(message.card, edge),
        ..Keys::default()
    };
    let failure = !message.result.is_empty() && message.result != b"Success";
    let paying = message.category.is_empty()
        || matches!(
            message.category,
            b"Payment"
                | b"Reversal"
                | b"CardAcquisition"
                | b"LoyaltyPayment"
                | b"TransactionStatus"
        );
    let signal = if !message.abort.is_empty() || message.category == b"Abort" {
        "cancelled"
    } else if !message.event.is_empty() {
        nexo::event_signal(message.event)
    } else if failure {
        if message.condition.is_empty() {
            "declined"
        } else {
            nexo::condition_signal(message.condition)
        }
    } else {
        match (message.kind, message.category) {
            (Some(Kind::Request), b"Payment" | b"CardAcquisition") => "sale_start",
            (_, b"Reversal") => "reversal",
            (Some(Kind::Response), b"Payment") if message.result == b"Success" => "approved",
            (Some(Kind::Response), b"")
                if message.result == b"Success" && keys.amount_minor.is_some() =>
            {
                "approved"
            }
            (_, b"Login") => "sign_on",
            _ if paying => "note",
            _ => return Found::Understood,
        }
    };
    let Some(signal) = Signal::from_id(signal) else {
        return Found::Understood;
    };
    if signal == Signal::Note && keys == Keys::default() && message.details.is_empty() {
        return Found::Understood;
    }
    let mut values: Vec<(&'static str, Text)> = Vec::new();
    for (name, value) in [
        ("service_id", message.service),
        ("sale_id", message.sale),
        ("transaction_id", message.transaction),
        ("result", message.result),
        ("error_condition", message.condition),
        ("event", message.event),
        ("abort_reason", message.abort),
        ("entry", message.entry),
        ("card_name", message.brand),
        ("terminal_time", message.time),
    ] {
        if let Some(value) = said(value) {
            values.push((name, value));
        }
    }
    let kind = match message.kind {
        Some(Kind::Request) => "request",
        Some(Kind::Response) => "response",
        Some(Kind::Notification) => "notification",
        None => "message",
    };
    let mut text = format!("nexo {} {kind}", String::from_utf8_lossy(message.category));
    for part in [
        message.result,
        message.condition,
        message.event,
        message.abort,
    ] {
        if !part.is_empty() {
            text += &format!(" {}", String::from_utf8_lossy(part));
        }
    }
    for (name, value) in message.details.iter().take(12) {
        text += &format!("; {name}={value}");
    }
    // The authorisation host's code and reason stand in the details.
    for (name, value) in &message.details {
        if name == "refusalReason" {
            values.push(("refusal", edge.text(value)));
        }
    }
    Found::Said {
        log: Box::new(LogEvent {
            signal,
            code: said(message.condition).map(|condition| ("nexo", condition)),
            severity: if failure {
                Severity::Error
            } else {
                Severity::Info
            },
            values,
            text: edge.text(&text),
        }),
        keys: Box::new(keys),
        payment: true,
    }
}

/// A callback as one line of named values, in which the rest is found.
pub(super) fn callback_text(callback: &Callback) -> String {
    let mut text = format!("callback {}:", callback.scheme);
    for (name, value) in callback.pairs.iter().take(32) {
        // Blanks end a value elsewhere; a bracket keeps it together.
        text += &format!(" {name}={value};");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::minor_units;

    #[test]
    fn currencies_have_the_minor_units_of_their_table() {
        for (amount, currency, want) in [
            ("10.5", "EUR", Some(1050)),
            ("10.50", "EUR", Some(1050)),
            ("10.500", "EUR", Some(1050)),
            ("10", "EUR", Some(1000)),
            ("10.505", "EUR", None),
            ("1500", "JPY", Some(1500)),
            ("1500.00", "KRW", Some(1500)),
            ("1500.5", "JPY", None),
            ("1.25", "KWD", Some(1250)),
            ("1.257", "KWD", Some(1257)),
            ("12", "", Some(1200)),
            ("", "EUR", None),
            (".5", "EUR", None),
            ("-1", "EUR", None),
            ("999999999999999", "KWD", Some(999_999_999_999_999_000)),
        ] {
            let got = minor_units(amount.as_bytes(), currency.as_bytes());
            assert_eq!(got, want, "{amount} {currency}");
        }
    }
}
