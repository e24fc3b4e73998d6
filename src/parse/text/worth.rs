//! What the parts of a line are worth: which label and value speak of a payment, which signal says little beside others.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use tapscope_parsers::content::key_value::{Key, Pair};

use crate::event::Signal;

/// True for `card.c:382:sc_connect_card: …`: the place in its own source that PC/SC software prints.
pub(super) fn source_place(text: &[u8]) -> bool {
    let name = text
        .iter()
        .take(40)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        .count();
    text.get(name..)
        .and_then(|rest| rest.strip_prefix(b".c:"))
        .and_then(<[u8]>::first)
        .is_some_and(u8::is_ascii_digit)
}

/// True where a trace number, a reference or an amount has a label of words, not a field's number.
pub(super) fn is_worded(pair: &Pair<'_>, text: &[u8]) -> bool {
    let label = text.get(pair.at..).unwrap_or_default();
    let numbered = label
        .iter()
        .take(8)
        .take_while(|b| b.is_ascii_alphanumeric())
        .any(u8::is_ascii_digit);
    matches!(pair.key, Key::Stan | Key::Rrn | Key::Amount | Key::AuthCode) && !numbered
}

/// Eight characters behind `TID` are a terminal (ISO 8583, data element 41): numbers of threads are shorter or longer.
pub(super) fn is_terminal(pair: &Pair<'_>) -> bool {
    pair.key == Key::Terminal
        && pair.value.len() == 8
        && pair
            .value
            .iter()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && pair.value.iter().any(u8::is_ascii_digit)
}

/// A signal strength at or below -80 dBm (causes reference, signal L_SIGNAL_LOW).
pub(super) fn is_weak_signal(pair: &Pair<'_>) -> bool {
    let digits = pair.value.strip_prefix(b"-").unwrap_or_default();
    let level = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_u32, |sum, byte| {
            sum.saturating_mul(10)
                .saturating_add(u32::from(byte - b'0'))
        });
    pair.key == Key::Rssi && (80..=140).contains(&level)
}

/// True for lines that decode data rather than tell what happened: `9F 02 06 -- Amount, Authorised`, `-8A: Authorisation Response Code`,
/// `0800000000 (Byte 1 Bit 4): DDA failed`, `dda_failed: true,`.
pub(super) fn names_data(text: &[u8]) -> bool {
    let line = text.trim_ascii();
    let line = line
        .strip_prefix(b"Tag")
        .map_or(line, <[u8]>::trim_ascii_start);
    let line = line
        .strip_prefix(b"--")
        .or_else(|| line.strip_prefix(b"-"))
        .or_else(|| line.strip_prefix(b"*"))
        .unwrap_or(line)
        .trim_ascii_start();
    let front = line.get(..64).unwrap_or(line);
    let bytes_named = |at| front.get(at..).is_some_and(|b| b.starts_with(b"(Byte "));
    if memchr::memchr_iter(b'(', front).any(bytes_named) || line.starts_with(b"Byte ") {
        return true;
    }
    // A list of a card, bytes and entries: `data: [8A, 02, …] = 8A - Authorisation Response Code (2b)`.
    if line.starts_with(b"data: [") {
        return true;
    }
    // A structure printed field by field.
    let flag = |at: &usize| {
        let value = line.get(at + 1..).unwrap_or_default();
        value.starts_with(b" false") || value.starts_with(b" true")
    };
    if memchr::memchr_iter(b':', line)
        .filter(flag)
        .nth(2)
        .is_some()
    {
        return true;
    }
    if let Some(colon) = line
        .strip_suffix(b": true,")
        .or_else(|| line.strip_suffix(b": false,"))
        && colon
            .iter()
            .all(|b| b.is_ascii_lowercase() || *b == b'_' || b.is_ascii_digit())
    {
        return true;
    }
    let first = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let head = &line[..first];
    let behind = line.get(first..).unwrap_or_default();
    let two_byte = |h: &[u8]| {
        h.get(..2).is_some_and(|h| {
            h.eq_ignore_ascii_case(b"9F")
                || h.eq_ignore_ascii_case(b"5F")
                || h.eq_ignore_ascii_case(b"BF")
                || h.eq_ignore_ascii_case(b"DF")
        })
    };
    let marked = |rest: &[u8]| {
        let rest = rest.trim_ascii_start();
        matches!(rest.first(), Some(b':' | b'(' | b'|' | b'['))
            || rest.starts_with(b"--")
            || rest.iter().take(2).all(u8::is_ascii_hexdigit)
                && rest.get(2).is_none_or(|b| *b == b' ')
    };
    match first {
        2 if two_byte(head) => {
            behind.starts_with(b" ")
                && behind
                    .get(1..3)
                    .is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit))
        }
        2 => {
            head.iter().any(u8::is_ascii_digit)
                && behind.first().is_some_and(|b| !b.is_ascii_alphanumeric())
                && !behind.starts_with(b":")
                && marked(behind)
                || head.iter().any(u8::is_ascii_alphabetic) && behind.starts_with(b": ")
        }
        4 | 6 if two_byte(head) => behind.first().is_none_or(|b| !b.is_ascii_alphanumeric()),
        _ => false,
    }
}

/// Signals that say little where another stands beside them.
pub(super) const fn weak(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::Note
            | Signal::OtherError
            | Signal::SaleEnd
            | Signal::ConfigValue
            | Signal::ResponseReceived
    )
}

pub(super) const fn is_failure(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::DnsFailed
            | Signal::ConnectTimeout
            | Signal::ConnectRefused
            | Signal::LinkDown
            | Signal::ReadTimeout
            | Signal::ConnectionReset
            | Signal::TlsFailed
            | Signal::TlsCertificate
            | Signal::AppCrash
            | Signal::CardRemoved
            | Signal::OtherError
    )
}

/// What happens between reader and card, where no host has a say.
pub(super) const fn is_of_the_reader(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::KernelUnsupported
            | Signal::KernelParameters
            | Signal::NoCommonAid
            | Signal::CardNotContactless
            | Signal::CapkMissing
            | Signal::OdaFailed
            | Signal::MultipleCards
            | Signal::CardRemoved
            | Signal::NoContactlessHardware
            | Signal::ContactlessOff
            | Signal::ReaderInitFailed
            | Signal::ReaderIoError
            | Signal::RfTransmissionError
            | Signal::RfProtocolError
    )
}

/// What a line with keys and no words is about.
pub(super) fn default_signal(pairs: &[Pair<'_>]) -> Signal {
    let has = |key: Key| pairs.iter().any(|p| p.key == key && p.payment);
    if has(Key::ResponseCode) {
        Signal::ResponseReceived
    } else if has(Key::Limit) || has(Key::CvmLimit) || has(Key::FloorLimit) {
        Signal::ConfigValue
    } else {
        Signal::Note
    }
}

/// A card number with its middle hidden: only payments have that, whatever the label is.
pub(super) fn is_masked_card(pair: &Pair<'_>) -> bool {
    let hidden = |b: &&u8| matches!(b, b'*' | b'x' | b'X');
    pair.key == Key::Card
        && pair.value.len() >= 12
        && pair.value.iter().filter(hidden).count() >= 4
        && pair.value.iter().rev().take(4).all(u8::is_ascii_digit)
}

/// True where the value is what its label promises, so that the line is about a payment.
pub(super) fn telling(pair: &Pair<'_>) -> bool {
    let digits = pair.value.iter().filter(|b| b.is_ascii_digit()).count();
    match pair.key {
        Key::Stan | Key::Batch => pair.value.len() <= 12 && digits == pair.value.len(),
        Key::Rrn => digits >= 6 && pair.value.len() <= 16,
        Key::ResponseCode => matches!(pair.value.len(), 2 | 3),
        Key::Amount | Key::AmountMinor | Key::Limit | Key::CvmLimit | Key::FloorLimit => digits > 0,
        Key::Merchant => digits >= 3 && pair.value.len() >= 6,
        Key::Terminal => digits >= 2 && pair.value.len() >= 6,
        Key::Card => digits >= 8,
        Key::Tvr => pair.value.len() == 10 && pair.value.iter().all(u8::is_ascii_hexdigit),
        Key::Cryptogram | Key::UnpredictableNumber | Key::Ops | Key::ErrorIndication => {
            pair.value.len() >= 4 && pair.value.iter().all(u8::is_ascii_hexdigit)
        }
        Key::Sw => pair.value.len() == 4 && pair.value.iter().all(u8::is_ascii_hexdigit),
        Key::AuthCode => pair.value.len() == 6,
        Key::Aid => pair.value.len() >= 10 && pair.value.starts_with(b"A0"),
        _ => false,
    }
}

/// True where the logger's name is that of payment software.
pub(super) fn payment_tag(tag: &[u8]) -> bool {
    if tag.is_empty() {
        return false;
    }
    let Some(names) = TAGS.as_ref() else {
        return false;
    };
    names.find_overlapping_iter(tag).any(|hit| {
        if hit.pattern().as_usize() >= WORDS.len() {
            return true;
        }
        // `POS` or `Pay` as a word of its own.
        let (at, end) = (hit.start(), hit.end());
        let front = at == 0
            || !tag[at - 1].is_ascii_alphabetic()
            || tag[at - 1].is_ascii_lowercase() && tag[at].is_ascii_uppercase();
        let back = tag
            .get(end)
            .is_none_or(|b| !b.is_ascii_alphabetic() || b.is_ascii_uppercase());
        front && back
    })
}

/// In the names of payment software's loggers, as words of their own.
const WORDS: [&str; 4] = ["pos", "pay", "picc", "acq"];
/// In the names of payment software's loggers, anywhere.
const PARTS: [&str; 14] = [
    "emv",
    "pboc",
    "iso8583",
    "payment",
    "unionpay",
    "cardreader",
    "contactless",
    "qpboc",
    "acquir",
    "cardpay",
    "posservice",
    "paysdk",
    "paykernel",
    "smartpos",
];

/// Finds both.
static TAGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(WORDS.iter().chain(&PARTS))
        .ok()
});
