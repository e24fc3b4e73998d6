//! Turns exception names (Java, Android, .NET, NSError, PC/SC) into what they mean for a payment.

use super::ContentKind;

/// What this file reads.
pub const KIND: ContentKind = ContentKind {
    name: "exception",
    title: "exceptions and error names of platforms",
    anchors: &[
        "TagLostException",
        "SCARD_W_REMOVED",
        "SCARD_E_NO_SMARTCARD",
        "SCARD_W_UN",
        "SCARD_E_READER_UNAVAIL",
        "0x80100069",
        "0x80100066",
        "0x80100017",
        "Transceive failed",
    ],
};

/// Names that any program may throw.
pub const GENERAL_ANCHORS: &[&str] = &[
    "SocketTimeoutException",
    "UnknownHostException",
    "SSLHandshakeException",
    "SSLException",
    "SSLProtocolException",
    "SSLPeerUnverified",
    "CertPathValidator",
    "CertificateExpired",
    "CertificateNotYetValid",
    "ConnectException",
    "NoRouteToHostException",
    "ConnectTimeoutException",
    "SocketException",
    "EOFException",
    "DeadObjectException",
    "FATAL EXCEPTION",
    "Fatal signal",
    "ANR in",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "EAI_NODATA",
    "EAI_NONAME",
    "NSURLErrorDomain",
    "AuthenticationException",
    "SCARD_E_NO_SERVICE",
    "0x8010001D",
    "0x8010000C",
];

/// Names and the signal they stand for. `payment` where the name belongs to card handling alone.
/// The first that fits wins: the more telling stand first.
pub const NAMES: &[(&str, &str, bool)] = &[
    ("TagLostException", "card_removed", true),
    ("Transceive failed", "card_removed", true),
    ("SCARD_W_REMOVED_CARD", "card_removed", true),
    ("0x80100069", "card_removed", true),
    ("SCARD_E_NO_SMARTCARD", "poll_timeout", true),
    ("0x8010000C", "poll_timeout", true),
    ("SCARD_W_UNRESPONSIVE_CARD", "contact_read_failed", true),
    ("SCARD_W_UNPOWERED_CARD", "contact_read_failed", true),
    ("0x80100066", "contact_read_failed", true),
    ("SCARD_E_READER_UNAVAILABLE", "peripheral_lost", true),
    ("0x80100017", "peripheral_lost", true),
    ("SCARD_E_NO_SERVICE", "service_died", true),
    ("0x8010001D", "service_died", true),
    ("UnknownHostException", "dns_failed", false),
    ("EAI_NODATA", "dns_failed", false),
    ("EAI_NONAME", "dns_failed", false),
    ("CertPathValidatorException", "tls_certificate", false),
    ("CertificateExpiredException", "tls_certificate", false),
    ("CertificateNotYetValidException", "tls_certificate", false),
    ("SSLPeerUnverifiedException", "tls_certificate", false),
    ("SSLHandshakeException", "tls_failed", false),
    ("SSLProtocolException", "tls_failed", false),
    ("SSLException", "tls_failed", false),
    ("AuthenticationException", "tls_failed", false),
    ("ConnectTimeoutException", "connect_timeout", false),
    ("NoRouteToHostException", "connect_timeout", false),
    ("EHOSTUNREACH", "connect_timeout", false),
    ("ECONNREFUSED", "connect_refused", false),
    ("ENETUNREACH", "link_down", false),
    ("ECONNRESET", "connection_reset", false),
    ("EOFException", "connection_reset", false),
    ("SocketTimeoutException", "read_timeout", false),
    ("ETIMEDOUT", "connect_timeout", false),
    ("DeadObjectException", "service_died", false),
    ("FATAL EXCEPTION", "app_crash", false),
    ("Fatal signal", "app_crash", false),
    ("ANR in", "app_crash", false),
    ("NSURLErrorDomain", "other_error", false),
    ("SocketException", "connection_reset", false),
    ("ConnectException", "connect_timeout", false),
];

/// An exception that a line names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// Signal it stands for.
    pub signal: &'static str,
    /// Its name.
    pub name: &'static str,
    /// True where it can only be about a card.
    pub payment: bool,
}

/// The exception that a line names, and what the words beside it make of it.
#[must_use]
pub fn read(text: &[u8]) -> Option<Named> {
    let (name, signal, payment) = NAMES
        .iter()
        .find(|(name, _, _)| memchr::memmem::find(text, name.as_bytes()).is_some())?;
    if *name == "NSURLErrorDomain" {
        return apple(text);
    }
    let lower = text.to_ascii_lowercase();
    let has = |words: &[u8]| memchr::memmem::find(&lower, words).is_some();
    let signal = match *name {
        "SocketTimeoutException" if has(b"connect") && !has(b"read timed out") => "connect_timeout",
        "ConnectException" | "SocketException" if has(b"refused") => "connect_refused",
        "ConnectException" | "SocketException" if has(b"unreachable") && has(b"network") => {
            "link_down"
        }
        "ConnectException" | "SocketException" if has(b"timed out") => "connect_timeout",
        "SSLHandshakeException"
        | "SSLException"
        | "SSLProtocolException"
        | "AuthenticationException"
            if has(b"cert") || has(b"trust anchor") || has(b"unknown ca") =>
        {
            "tls_certificate"
        }
        "SSLException" | "SSLHandshakeException" if has(b"reset") || has(b"closed") => {
            "connection_reset"
        }
        _ => signal,
    };
    Some(Named {
        signal,
        name,
        payment: *payment,
    })
}

/// `Error Domain=NSURLErrorDomain Code=-1003` (Foundation, URL loading system error codes).
fn apple(text: &[u8]) -> Option<Named> {
    let at = memchr::memmem::find(text, b"NSURLErrorDomain")?;
    let rest = text.get(at..)?;
    let code = rest.get(memchr::memmem::find(rest, b"Code=")? + 5..)?;
    let code: Vec<u8> = code
        .iter()
        .copied()
        .take_while(|b| b.is_ascii_digit() || *b == b'-')
        .take(8)
        .collect();
    let signal = match code.as_slice() {
        b"-1001" => "read_timeout",
        b"-1003" | b"-1006" => "dns_failed",
        b"-1004" => "connect_timeout",
        b"-1005" => "connection_reset",
        b"-1009" => "link_down",
        b"-1200" => "tls_failed",
        [b'-', b'1', b'2', b'0', b'1'..=b'6'] => "tls_certificate",
        _ => return None,
    };
    Some(Named {
        signal,
        name: "NSURLErrorDomain",
        payment: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_their_words() {
        for (text, signal) in [
            (
                "android.nfc.TagLostException: Tag was lost.",
                "card_removed",
            ),
            (
                "java.net.SocketTimeoutException: Read timed out",
                "read_timeout",
            ),
            (
                "java.net.SocketTimeoutException: failed to connect to /10.1.2.3 (port 6000) after 10000ms",
                "connect_timeout",
            ),
            (
                "java.net.ConnectException: failed to connect to x: connect failed: ECONNREFUSED (Connection refused)",
                "connect_refused",
            ),
            (
                "java.net.UnknownHostException: Unable to resolve host \"pos.example.test\"",
                "dns_failed",
            ),
            (
                "javax.net.ssl.SSLHandshakeException: java.security.cert.CertPathValidatorException: Trust anchor not found",
                "tls_certificate",
            ),
            (
                "javax.net.ssl.SSLHandshakeException: Handshake failed",
                "tls_failed",
            ),
            ("FATAL EXCEPTION: main", "app_crash"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap().signal, signal, "{text}");
        }
        assert_eq!(read(b"nothing of that kind"), None);
    }
}
