//! Turns exception names (Java, Android, .NET, NSError, PC/SC) into what they mean for a payment.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

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
        "NFCError",
        "NFCReaderError",
        "NFCISO7816",
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
    "NSPOSIXErrorDomain",
    "kCFErrorDomainCFNetwork",
    "AuthenticationException",
    "TimeoutCancellationException",
    "HttpRequestException",
    "TaskCanceledException",
    "System.TimeoutException",
    "UninitializedPropertyAccess",
    "System.Net.WebException",
    "System.IO.IOException",
    "NullReferenceException",
    "ObjectDisposedException",
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
    ("NFCReaderError", "other_error", true),
    ("NFCError", "other_error", true),
    ("NSPOSIXErrorDomain", "other_error", false),
    ("kCFErrorDomainCFNetwork", "other_error", false),
    ("TimeoutCancellationException", "read_timeout", false),
    ("System.TimeoutException", "read_timeout", false),
    ("TaskCanceledException", "read_timeout", false),
    ("UninitializedPropertyAccessException", "app_crash", false),
    ("NullReferenceException", "app_crash", false),
    ("ObjectDisposedException", "connection_reset", false),
    ("HttpRequestException", "connect_timeout", false),
    ("WebException", "connect_timeout", false),
    ("System.IO.IOException", "connection_reset", false),
    ("SocketException", "connection_reset", false),
    ("ConnectException", "connect_timeout", false),
];

/// Finds all names in one pass; nothing where the table is broken, which a test excludes.
static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(NAMES.iter().map(|(name, _, _)| name))
        .ok()
});

/// Marks of a text that names an exception or error.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(["xception", "Error Domain=", "Error: "]).ok());

/// True where a text names an exception or error of Java, Kotlin, .NET or Foundation, so that its stack may follow.
#[must_use]
pub fn begins(text: &[u8]) -> bool {
    BEGINNINGS
        .as_ref()
        .is_some_and(|marks| marks.is_match(text))
}

/// True for a line of a stack: `at com.acme.Pay.run(Pay.kt:7)`, `... 12 more`, `   at Acme.Pay.Run() in Pay.cs:line 7`,
/// `--- End of inner exception stack trace ---`, Foundation's user info.
#[must_use]
pub fn is_frame(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    text.starts_with(b"at ")
        || text.starts_with(b"... ") && text.ends_with(b" more")
        || text.starts_with(b"--- End of ")
        || text.starts_with(b"in ") && memchr::memmem::find(text, b":line ").is_some()
        || text.starts_with(b"NSLocalizedDescription=")
        || text.starts_with(b"NSUnderlyingError=")
        || text.starts_with(b"_kCFStreamError")
        || text.starts_with(b"NSErrorFailingURL")
}

/// What a line says of the cause: behind `Caused by:`, `Suppressed:` or .NET's ` ---> `.
#[must_use]
pub fn cause(line: &[u8]) -> Option<&[u8]> {
    let text = line.trim_ascii();
    [&b"Caused by: "[..], b"Suppressed: ", b"---> "]
        .iter()
        .find_map(|mark| text.strip_prefix(*mark))
        .or_else(|| {
            let at = memchr::memmem::find(text, b"NSUnderlyingError=")?;
            text.get(at + 18..)
        })
}

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
    let first = FINDER
        .as_ref()?
        .find_overlapping_iter(text)
        .map(|hit| hit.pattern().as_usize())
        .min()?;
    let (name, signal, payment) = NAMES.get(first)?;
    if name.starts_with("NS") || name.starts_with("NFC") || name.starts_with("kCF") {
        return apple(text);
    }
    let lower = text.to_ascii_lowercase();
    let has = |words: &[u8]| memchr::memmem::find(&lower, words).is_some();
    let signal = match *name {
        "SocketTimeoutException" if has(b"connect") && !has(b"read timed out") => "connect_timeout",
        "ConnectException" | "SocketException" | "HttpRequestException" | "WebException"
            if has(b"refused") =>
        {
            "connect_refused"
        }
        "HttpRequestException" | "WebException" if has(b"ssl") || has(b"certificate") => {
            "tls_failed"
        }
        "HttpRequestException" | "WebException"
            if has(b"no such host") || has(b"could not be resolved") || has(b"name or service") =>
        {
            "dns_failed"
        }
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

/// `Error Domain=NSURLErrorDomain Code=-1003` (Foundation, URL loading system error codes), POSIX numbers of Darwin,
/// Core NFC's reader errors. Of nested ones the innermost that is known says most.
fn apple(text: &[u8]) -> Option<Named> {
    let mut found = None;
    for at in memchr::memmem::find_iter(text, b"Domain=") {
        let rest = text.get(at + 7..)?;
        let Some(code_at) = memchr::memmem::find(rest.get(..96).unwrap_or(rest), b"Code=") else {
            continue;
        };
        let domain = rest.get(..code_at)?;
        let digits: Vec<u8> = rest
            .get(code_at + 5..)?
            .iter()
            .copied()
            .take_while(|b| b.is_ascii_digit() || *b == b'-')
            .take(8)
            .collect();
        let code: i32 = core::str::from_utf8(&digits).ok()?.parse().unwrap_or(0);
        let (signal, name) = match (domain, code) {
            (d, _) if d.starts_with(b"NFC") => (core_nfc(code), "NFCReaderError"),
            (d, _) if d.starts_with(b"NSPOSIX") => (darwin(code), "NSPOSIXErrorDomain"),
            (d, _) if d.starts_with(b"NSURL") || d.starts_with(b"kCFErrorDomainCFNetwork") => {
                (url_loading(code), "NSURLErrorDomain")
            }
            _ => continue,
        };
        if let Some(signal) = signal {
            found = Some(Named {
                signal,
                name,
                payment: name.starts_with("NFC"),
            });
        }
    }
    found
}

fn url_loading(code: i32) -> Option<&'static str> {
    Some(match code {
        -1001 => "read_timeout",
        -1003 | -1006 => "dns_failed",
        -1004 => "connect_timeout",
        -1005 => "connection_reset",
        -1009 => "link_down",
        -1200 => "tls_failed",
        -1206..=-1201 => "tls_certificate",
        _ => return None,
    })
}

fn darwin(code: i32) -> Option<&'static str> {
    Some(match code {
        50 | 51 => "link_down",
        54 | 57 | 32 => "connection_reset",
        60 | 64 | 65 => "connect_timeout",
        61 => "connect_refused",
        _ => return None,
    })
}

/// Core NFC, `NFCReaderError.Code`.
fn core_nfc(code: i32) -> Option<&'static str> {
    Some(match code {
        1 => "no_contactless_hardware",
        100 | 103 | 104 => "card_removed",
        101 | 102 => "rf_transmission_error",
        200 => "cancelled",
        201 => "poll_timeout",
        202 | 203 => "reader_init_failed",
        _ => return None,
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
            (
                "kotlinx.coroutines.TimeoutCancellationException: Timed out waiting for 30000 ms",
                "read_timeout",
            ),
            (
                "System.Net.Http.HttpRequestException: Connection refused (pos.example.test:6000)",
                "connect_refused",
            ),
            (
                "System.Net.Sockets.SocketException (10061): Connection refused",
                "connect_refused",
            ),
            (
                "Error Domain=NSURLErrorDomain Code=-1001 \"The request timed out.\" UserInfo={NSUnderlyingError=0x6 {Error Domain=kCFErrorDomainCFNetwork Code=-1001}}",
                "read_timeout",
            ),
            (
                "Error Domain=NSPOSIXErrorDomain Code=61 \"Connection refused\"",
                "connect_refused",
            ),
            (
                "Error Domain=NFCError Code=100 \"Tag connection lost\"",
                "card_removed",
            ),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap().signal, signal, "{text}");
        }
        assert_eq!(read(b"nothing of that kind"), None);
    }
}
