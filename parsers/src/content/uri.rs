//! Turns callback URIs (an app that takes payments answers the app that asked) into named values.

use super::ContentKind;

/// What this file reads.
pub const KIND: ContentKind = ContentKind {
    name: "uri",
    title: "callback URIs and query strings of payment apps",
    anchors: &[
        "smp-status=",
        "smp-tx-code=",
        "smp-failure-cause=",
        "callback?",
        "callback/?",
        "callbackurl=",
        "payment-result?",
        "paymentresult?",
        "payment_result?",
        "payment/result?",
        "pay-result?",
        "payresult?",
        "txn-result?",
        "transaction-result?",
        "payment/return?",
        "squareup.pos.",
        "square-commerce",
        "paymentstatus=",
        "payment_status=",
        "transactionstatus=",
        "transaction_status=",
        "txstatus=",
        "resultcode=",
    ],
};

/// Most pairs of one query.
const MOST: usize = 64;

/// A URI with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Scheme: `acmepos`, `https`.
    pub scheme: String,
    /// Names and values, decoded.
    pub pairs: Vec<(String, String)>,
    /// What the status among them says: a signal.
    pub signal: Option<&'static str>,
}

/// Percent signs and plus signs decoded.
#[must_use]
pub fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digit = |i: usize| text.get(i).and_then(|b| crate::hex::nibble(*b));
                if let (Some(high), Some(low)) = (digit(at), digit(at + 1)) {
                    out.push(high << 4 | low);
                    at += 2;
                } else {
                    out.push(b'%');
                }
            }
            other => out.push(*other),
        }
    }
    out
}

/// `k=v&k=v`, decoded; empty where the text is no query.
#[must_use]
pub fn pairs(query: &[u8]) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for part in query.split(|b| *b == b'&').take(MOST) {
        let Some(equals) = memchr::memchr(b'=', part) else {
            continue;
        };
        let (Some(name), Some(value)) = (part.get(..equals), part.get(equals + 1..)) else {
            continue;
        };
        let sound = |b: &u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'%' | b'[' | b']')
        };
        if name.is_empty() || name.len() > 64 || !name.iter().all(sound) {
            continue;
        }
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..512).unwrap_or(bytes)).into_owned();
        out.push((text(&decode(name)), text(&decode(value))));
    }
    out
}

/// The first callback in a text: `scheme://…?k=v&k=v` with at least two pairs, one of which a status or a payment's key.
#[must_use]
pub fn read(text: &[u8]) -> Option<Callback> {
    for at in memchr::memmem::find_iter(text, b"://").take(8) {
        let before = text.get(..at)?;
        let letters = before
            .iter()
            .rev()
            .take(40)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            .count();
        let scheme = before.get(before.len() - letters..)?;
        let rest = text.get(at + 3..)?;
        let length = rest
            .iter()
            .take_while(|b| {
                !b.is_ascii_whitespace()
                    && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b')' | b'}' | b'|')
            })
            .count();
        let rest = rest.get(..length)?;
        let Some(mark) = memchr::memchr2(b'?', b'#', rest) else {
            continue;
        };
        let pairs = pairs(rest.get(mark + 1..)?);
        if letters == 0 || pairs.len() < 2 {
            continue;
        }
        let signal = pairs.iter().find_map(|(name, value)| status(name, value));
        let keyed = pairs.iter().any(|(name, _)| is_payment_key(name));
        if signal.is_some() || keyed {
            return Some(Callback {
                scheme: String::from_utf8_lossy(scheme).into_owned(),
                pairs,
                signal,
            });
        }
    }
    None
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}

fn is_payment_key(name: &str) -> bool {
    let name = plain(name);
    [
        "txcode",
        "transactionid",
        "transactioncode",
        "amount",
        "approvalcode",
        "authcode",
        "cardtype",
        "cardscheme",
        "terminalid",
        "merchantid",
        "stan",
        "rrn",
    ]
    .iter()
    .any(|word| name.ends_with(word))
}

/// What a status says.
fn status(name: &str, value: &str) -> Option<&'static str> {
    let name = plain(name);
    let status = [
        "status",
        "result",
        "resultcode",
        "outcome",
        "errorcode",
        "failurecause",
        "paymentstate",
        "txstate",
    ]
    .iter()
    .any(|word| name.ends_with(word));
    if !status || value.is_empty() {
        return None;
    }
    let value = plain(value);
    Some(match value.as_str() {
        "success" | "successful" | "approved" | "ok" | "paid" | "authorised" | "authorized"
        | "accepted" => "approved",
        v if v.contains("cancel") || v.contains("aborted") => "cancelled",
        v if v.contains("timeout") || v.contains("timedout") => "read_timeout",
        v if v.contains("network") || v.contains("connection") => "connect_timeout",
        v if v.contains("notloggedin") || v.contains("invalidtoken") => "not_signed_on",
        v if v.contains("declin")
            || v.contains("fail")
            || v.contains("refus")
            || v.contains("reject") =>
        {
            "declined"
        }
        v if v.contains("error") || v.contains("invalid") => "other_error",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_and_strangers() {
        for (text, signal) in [
            (
                "onNewIntent acmepos://callback?smp-status=failed&smp-failure-cause=transaction-failed&smp-tx-code=TX1&foreign-tx-id=7",
                Some("declined"),
            ),
            (
                "open acmepos://result?status=success&amount=10.00&smp-message=Transaction%20successful",
                Some("approved"),
            ),
            (
                "uri=square-commerce-v1://x?result=user_canceled&a=b",
                Some("cancelled"),
            ),
            (
                "GET https://shop.example.test/pay/return?transactionId=77&amount=12.00",
                None,
            ),
        ] {
            let seen = read(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(seen.signal, signal, "{text}");
        }
        for text in [
            "https://example.test/search?q=status&lang=en",
            "://?a=b&c=d",
            "see http://x/",
            "status=failed&amount=1",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        let seen = read(b"a://b?status=ok&m=caf%C3%A9+x%2").unwrap();
        assert_eq!(seen.pairs.get(1).unwrap().1, "café x%2");
    }
}
