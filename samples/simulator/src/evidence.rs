//! Turns a cause and the sources that saw an attempt into whether anyone could tell: what was removed with a missing source.
//!
//! From what each place of observation can and cannot see (terminal log, card dialogue, capture, host log), not from any rule of tapscope.

use crate::world::Saw;

/// What it takes to tell a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// The terminal's own words.
    Log,
    /// The terminal's words or the card dialogue.
    LogOrDialogue,
    /// The card dialogue itself: words alone are the words of another cause.
    Dialogue,
    /// An answer that can be read, wherever.
    Answer,
    /// The terminal's words or the way to the host.
    LogOrNet,
    /// The way to the host itself: words alone are the words of another cause.
    Net,
}

fn takes(cause: &str) -> Takes {
    match cause {
        "CFG_KERNEL_PARAMS" | "HW_RF_DEGRADED" => Takes::Dialogue,
        "NET_CONGESTION" => Takes::Net,
        "NET_NO_LINK" | "SW_APP_FAULT" | "CFG_CAPK_MISSING" | "CFG_AID_MISSING" => Takes::Log,
        "MER_SCHEME_NOT_ACCEPTED" => Takes::LogOrDialogue,
        "MER_FEE_NOT_CONFIGURED" | "MER_MERCHANT_INVALID" | "MER_TERMINAL_UNREGISTERED" => {
            Takes::Answer
        }
        "MER_CONTACTLESS_NOT_ENABLED" | "MER_SESSION_STATE" | "CFG_KEYS_INVALID" => Takes::Answer,
        "CFG_HOST_ADDRESS" => Takes::LogOrNet,
        "CARD_EXPIRED" | "SW_CLOCK_WRONG" => Takes::LogOrDialogue,
        "HOST_RESPONSE_TIMEOUT" => Takes::LogOrNet,
        "USER_PIN_WRONG" | "USER_DUPLICATE_TAP" | "FBK_REFUSED" => Takes::Answer,
        "LIM_ISSUER_AMOUNT" | "LIM_STEP_UP_REQUIRED" => Takes::Answer,
        "SW_KERNEL_OUTDATED" | "SW_INTEROP" | "LIM_CVM_NOT_POSSIBLE" => Takes::LogOrDialogue,
        "USER_MULTIPLE_CARDS" | "USER_POOR_PLACEMENT" | "USER_CARD_REMOVED_EARLY" => {
            Takes::LogOrDialogue
        }
        _ => match cause.split('_').next().unwrap_or_default() {
            "ISS" | "HOST" => Takes::Answer,
            "NET" => Takes::LogOrNet,
            "CARD" | "DEV" => Takes::LogOrDialogue,
            _ => Takes::Log,
        },
    }
}

/// Whether what was seen of the attempt can tell its cause.
#[must_use]
pub fn tells_cause(cause: &str, code: &str, saw: Saw, at_site: bool) -> bool {
    let answer = saw.log || saw.iso || saw.host;
    // A card may expire at the card or at the host.
    if !code.is_empty() && code != "00" {
        return answer;
    }
    match takes(cause) {
        Takes::Log => saw.log,
        Takes::LogOrDialogue => saw.log || saw.apdu,
        Takes::Dialogue => saw.apdu,
        Takes::Answer => answer,
        // The host's edge sees no radio, no names, and no request that never came.
        Takes::LogOrNet => saw.log || (saw.net && (at_site || seen_at_the_edge(cause))),
        Takes::Net => saw.net && at_site,
    }
}

fn seen_at_the_edge(cause: &str) -> bool {
    matches!(
        cause,
        "HOST_RESPONSE_TIMEOUT"
            | "NET_CONN_DROPPED"
            | "NET_TLS_CERT"
            | "NET_TLS_HANDSHAKE"
            | "NET_HOST_UNREACHABLE"
    )
}

/// Whether what was seen of the attempt can tell how it ended.
#[must_use]
pub fn tells_outcome(cause: &str, requested: bool, saw: Saw) -> bool {
    if saw.log {
        return true;
    }
    if requested {
        // Encrypted answers say nothing; a missing answer shows in any capture.
        return saw.iso || saw.host || (saw.net && matches!(takes(cause), Takes::LogOrNet));
    }
    match takes(cause) {
        Takes::LogOrDialogue | Takes::Dialogue => saw.apdu,
        Takes::LogOrNet | Takes::Net => saw.net,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_cannot_tell() {
        let only = |log, apdu, net, iso| Saw {
            log,
            apdu,
            net,
            iso,
            host: false,
        };
        assert!(tells_cause(
            "ISS_INSUFFICIENT_FUNDS",
            "51",
            only(false, false, true, true),
            true
        ));
        assert!(!tells_cause(
            "ISS_INSUFFICIENT_FUNDS",
            "51",
            only(false, true, true, false),
            true
        ));
        assert!(!tells_cause(
            "NET_CONGESTION",
            "",
            only(true, true, false, false),
            true
        ));
        assert!(tells_cause(
            "CARD_BLOCKED",
            "",
            only(false, true, false, false),
            true
        ));
        assert!(!tells_outcome(
            "SW_APP_FAULT",
            false,
            only(false, true, false, false)
        ));
        assert!(tells_outcome(
            "CARD_BLOCKED",
            false,
            only(false, true, false, false)
        ));
    }
}
