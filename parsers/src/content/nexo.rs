//! Turns nexo Sale to POI messages (JSON) into what they say of a payment: parties, amounts, result, error condition.
//!
//! Source of the names: nexo Sale to POI Protocol 3.0/3.1, as JSON.

use std::borrow::Cow;

use super::{ContentKind, json, uri};

/// What this file reads.
pub const KIND: ContentKind = ContentKind {
    name: "nexo",
    title: "nexo Sale to POI messages in JSON, on one line or many",
    anchors: &[
        "\"SaleToPOI",
        "\\\"SaleToPOI",
        "\"MessageCategory\"",
        "\\\"MessageCategory\\\"",
        "\"MessageReference\"",
        "\"EventToNotify\"",
        "\\\"EventToNotify\\\"",
    ],
};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From the till.
    Request,
    /// From the terminal.
    Response,
    /// An event.
    Notification,
}

/// One message. Empty where the message does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message<'a> {
    /// Request, response or notification; `None` for one without a header.
    pub kind: Option<Kind>,
    /// `MessageCategory`: Payment, Abort, TransactionStatus, Login …
    pub category: &'a [u8],
    /// `ServiceID`, joins request and response.
    pub service: &'a [u8],
    /// `SaleID`.
    pub sale: &'a [u8],
    /// `POIID`.
    pub poi: &'a [u8],
    /// `Response.Result`: Success, Failure, Partial.
    pub result: &'a [u8],
    /// `Response.ErrorCondition`.
    pub condition: &'a [u8],
    /// `EventToNotify`.
    pub event: &'a [u8],
    /// `AbortReason`.
    pub abort: &'a [u8],
    /// `AuthorizedAmount` or `RequestedAmount`, as written.
    pub amount: &'a [u8],
    /// `Currency`.
    pub currency: &'a [u8],
    /// `MaskedPan`.
    pub card: &'a [u8],
    /// `ApprovalCode`.
    pub approval: &'a [u8],
    /// `MerchantID`.
    pub merchant: &'a [u8],
    /// `AcquirerPOIID`: the terminal as the acquirer calls it.
    pub terminal: &'a [u8],
    /// `PaymentBrand`.
    pub brand: &'a [u8],
    /// `EntryMode`: Contactless, Tapped, ICC, MagStripe.
    pub entry: &'a [u8],
    /// `TransactionID` of the POI.
    pub transaction: &'a [u8],
    /// `TimeStamp` of the POI's transaction, or of the event.
    pub time: &'a [u8],
    /// `AdditionalResponse` and `EventDetails`, decoded: names and values.
    pub details: Vec<(String, String)>,
    /// Offset behind the message.
    pub end: usize,
    /// False where it is cut.
    pub whole: bool,
}

/// Reads the message whose first bracket is at the front of `text`. `None` where it is no nexo message.
#[must_use]
pub fn read(text: &[u8]) -> Option<Message<'_>> {
    let mut message = Message::default();
    let mut additional: Vec<&[u8]> = Vec::new();
    let mut named = 0_u32;
    let walked = json::walk(text, &mut |path, value| {
        let value = value.bytes();
        let Some(key) = path.last().copied() else {
            return;
        };
        for step in path {
            if step.starts_with(b"SaleToPOI") {
                named += 2;
                let kind = if step.ends_with(b"Request") {
                    Kind::Request
                } else {
                    Kind::Response
                };
                message.kind = message.kind.or(Some(kind));
            }
        }
        let inside = |name: &[u8]| path.contains(&name);
        // A reference names another message.
        let referred = inside(b"MessageReference") || inside(b"OriginalPOITransaction");
        let slot = match key {
            b"MessageCategory" if !referred => {
                named += 1;
                &mut message.category
            }
            b"MessageType" => {
                named += 1;
                message.kind = match value {
                    b"Request" => Some(Kind::Request),
                    b"Response" => Some(Kind::Response),
                    b"Notification" => Some(Kind::Notification),
                    _ => message.kind,
                };
                return;
            }
            b"MessageCategory" => {
                named += 1;
                return;
            }
            b"ServiceID" => &mut message.service,
            b"SaleID" => &mut message.sale,
            b"POIID" => {
                named += 1;
                &mut message.poi
            }
            b"Result" if inside(b"Response") => {
                named += 1;
                &mut message.result
            }
            b"ErrorCondition" => {
                named += 1;
                &mut message.condition
            }
            b"EventToNotify" => {
                named += 2;
                message.kind = message.kind.or(Some(Kind::Notification));
                &mut message.event
            }
            b"AbortReason" => {
                named += 1;
                &mut message.abort
            }
            b"AuthorizedAmount" => {
                message.amount = value;
                return;
            }
            b"RequestedAmount" => &mut message.amount,
            b"Currency" => &mut message.currency,
            b"MaskedPan" | b"MaskedPAN" => &mut message.card,
            b"ApprovalCode" => &mut message.approval,
            b"MerchantID" => &mut message.merchant,
            b"AcquirerPOIID" => &mut message.terminal,
            b"PaymentBrand" => &mut message.brand,
            b"EntryMode" | b"" if inside(b"EntryMode") => &mut message.entry,
            b"TransactionID" if inside(b"POITransactionID") => &mut message.transaction,
            b"TimeStamp" if inside(b"POITransactionID") || path.len() <= 3 => &mut message.time,
            b"AdditionalResponse" | b"EventDetails" => {
                additional.push(value);
                return;
            }
            _ => return,
        };
        if slot.is_empty() {
            *slot = value;
        }
    })?;
    if named < 2 {
        return None;
    }
    message.end = walked.end;
    message.whole = walked.whole;
    for value in additional {
        message.details.extend(details(&json::unescape(value)));
    }
    Some(message)
}

/// `k=v&k=v`, URL-encoded; or the same, or JSON, in base64; else one text.
fn details(value: &[u8]) -> Vec<(String, String)> {
    let decoded = base64(value).map_or(Cow::Borrowed(value), Cow::Owned);
    if decoded.first() == Some(&b'{') {
        let mut out = Vec::new();
        let _ = json::walk(&decoded, &mut |path, value| {
            if let Some(key) = path.last()
                && out.len() < 64
            {
                out.push((shown(key), shown(&json::unescape(value.bytes()))));
            }
        });
        return out;
    }
    let pairs: Vec<(String, String)> = uri::pairs(&decoded);
    if pairs.is_empty() && !value.is_empty() {
        return vec![("text".to_owned(), shown(&uri::decode(value)))];
    }
    pairs
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..512).unwrap_or(bytes)).into_owned()
}

/// Standard alphabet; only what gives text is taken.
fn base64(value: &[u8]) -> Option<Vec<u8>> {
    let body = value.trim_ascii();
    let body = body
        .strip_suffix(b"==")
        .or_else(|| body.strip_suffix(b"="))
        .unwrap_or(body);
    if body.len() < 16 || body.len() > 64 * 1024 {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() * 3 / 4);
    let (mut sum, mut bits) = (0_u32, 0_u32);
    for byte in body {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        sum = sum << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(sum >> bits & 0xFF).unwrap_or(0));
        }
    }
    out.iter()
        .all(|b| b.is_ascii_graphic() || matches!(b, b' ' | b'\n' | b'\r' | b'\t'))
        .then_some(out)
}

/// The signal that an error condition stands for.
#[must_use]
pub fn condition_signal(condition: &[u8]) -> &'static str {
    match condition {
        b"Aborted" | b"Cancel" => "cancelled",
        b"Refusal" => "declined",
        b"UnreachableHost" => "connect_timeout",
        b"WrongPIN" => "pin_wrong",
        b"InvalidCard" => "card_data_invalid",
        b"InsertedCard" => "contact_inserted",
        b"PaymentRestriction" => "scheme_not_accepted",
        b"MessageFormat" => "format_error",
        b"LoggedOut" => "not_signed_on",
        b"DeviceOut" | b"UnavailableDevice" => "peripheral_lost",
        b"NotAllowed" | b"UnavailableService" => "not_registered",
        _ => "other_error",
    }
}

/// The signal that an event stands for.
#[must_use]
pub fn event_signal(event: &[u8]) -> &'static str {
    match event {
        b"BeginMaintenance" => "host_maintenance",
        b"Shutdown" | b"OutOfOrder" => "service_died",
        b"SecurityAlarm" => "tamper",
        b"CardInserted" => "contact_inserted",
        b"CardRemoved" => "card_removed",
        b"Reject" => "format_error",
        b"Abort" => "cancelled",
        _ => "note",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_whole() {
        let text = br#"{"SaleToPOIResponse": {"MessageHeader": {"MessageClass":"Service","MessageCategory":"Payment","ServiceID":"77","SaleID":"till-3","POIID":"V400m-000000001","MessageType":"Response"},
 "PaymentResponse": {"POIData":{"POITransactionID":{"TimeStamp":"2024-03-14T12:16:47Z","TransactionID":"T1"}},
  "PaymentResult":{"PaymentAcquirerData":{"MerchantID":"ACME","AcquirerPOIID":"T0000001","ApprovalCode":"123456"},
  "AmountsResp":{"Currency":"EUR","AuthorizedAmount":10.5},
  "PaymentInstrumentData":{"CardData":{"MaskedPan":"541333 **** 0010","EntryMode":["Contactless"],"PaymentBrand":"mc"}}},
  "Response":{"Result":"Failure","ErrorCondition":"Refusal","AdditionalResponse":"refusalReason=51%20Not+enough&posEntryMode=CLESS_CHIP"}}}} tail"#;
        let message = read(text).unwrap();
        assert!(message.whole);
        assert_eq!(text.get(message.end..).unwrap(), b" tail");
        assert_eq!(message.kind, Some(Kind::Response));
        for (got, want) in [
            (message.category, "Payment"),
            (message.service, "77"),
            (message.poi, "V400m-000000001"),
            (message.result, "Failure"),
            (message.condition, "Refusal"),
            (message.amount, "10.5"),
            (message.currency, "EUR"),
            (message.card, "541333 **** 0010"),
            (message.terminal, "T0000001"),
            (message.approval, "123456"),
            (message.entry, "Contactless"),
            (message.time, "2024-03-14T12:16:47Z"),
        ] {
            assert_eq!(String::from_utf8_lossy(got), want);
        }
        assert_eq!(
            message.details.first().unwrap(),
            &("refusalReason".to_owned(), "51 Not enough".to_owned())
        );
        for end in 0..text.len() {
            assert!(
                read(text.get(..end).unwrap()).is_none_or(|m| !m.whole || end >= message.end),
                "{end}"
            );
        }
    }

    #[test]
    fn events_aborts_and_strangers() {
        let event = read(br#"{"TimeStamp":"2026-03-27T10:30:00Z","EventToNotify":"BeginMaintenance","EventDetails":"window started"}"#).unwrap();
        assert_eq!(
            (event.kind, event_signal(event.event)),
            (Some(Kind::Notification), "host_maintenance")
        );
        assert_eq!(
            event.details,
            [("text".to_owned(), "window started".to_owned())]
        );
        let abort = read(br#"{"MessageReference":{"MessageCategory":"Payment","POIID":"p"},"AbortReason":"shopper"}"#).unwrap();
        assert_eq!((abort.abort, abort.category), (&b"shopper"[..], &b""[..]));
        assert!(read(br#"{"Result":"Success","POIID":"x"}"#).is_none());
        assert!(read(b"{ text }").is_none());
        let packed = details(b"eyJyZWZ1c2FsUmVhc29uIjoiMTAgRGVjbGluZWQifQ==");
        assert_eq!(
            packed,
            [("refusalReason".to_owned(), "10 Declined".to_owned())]
        );
    }
}
