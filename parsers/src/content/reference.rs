//! Finds what a server calls one request in each of its lines: `key=K7101`, `txnId: 8f31…`, `[req-77120]`.

/// Labels of such a value, without blanks, dashes and underscores.
const LABELS: &[&[u8]] = &[
    b"key",
    b"txn",
    b"txnid",
    b"tx",
    b"txid",
    b"trx",
    b"trxid",
    b"transactionid",
    b"transid",
    b"req",
    b"reqid",
    b"requestid",
    b"corr",
    b"corrid",
    b"correlation",
    b"correlationid",
    b"traceid",
    b"msgid",
    b"exchangeid",
    b"paymentid",
    b"pspreference",
    b"flow",
    b"ctx",
];

/// The name of the request that a line belongs to: the first value of at least four characters, one of them a digit, behind a label for it.
#[must_use]
pub fn read(text: &[u8]) -> Option<&[u8]> {
    memchr::memchr2_iter(b'=', b':', text)
        .take(32)
        .find_map(|mark| {
            let head = text.get(..mark)?;
            let head = head.strip_suffix(b"\"").unwrap_or(head).trim_ascii_end();
            let name = head
                .iter()
                .rev()
                .take(24)
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
                .count();
            let label: Vec<u8> = head
                .get(head.len() - name..)?
                .iter()
                .filter(|b| b.is_ascii_alphanumeric())
                .map(u8::to_ascii_lowercase)
                .collect();
            LABELS.contains(&label.as_slice()).then_some(())?;
            let rest = text.get(mark + 1..)?.trim_ascii_start();
            let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
            let length = rest
                .iter()
                .take(64)
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
                .count();
            let value = rest.get(..length)?;
            ((4..64).contains(&length) && value.iter().any(u8::is_ascii_digit)).then_some(value)
        })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_request_is_known_by_its_label() {
        for (text, want) in [
            ("CUPS< key=K7101 0210 de39=98", Some("K7101")),
            (r#"{"ts":1,"txnId":"8f31-22","rc":"00"}"#, Some("8f31-22")),
            ("corr_id: ab-12-cd sending", Some("ab-12-cd")),
            ("key=ENTER pressed", None),
            ("keyboard=K7101", None),
            ("no mark at all", None),
            ("10:15:02 tx=", None),
        ] {
            assert_eq!(read(text.as_bytes()), want.map(str::as_bytes), "{text}");
        }
    }
}
