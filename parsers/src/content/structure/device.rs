//! What a reader, a modem or the system says of itself in forms of its own.

use super::words;

/// True for `"oda":"fail"`, `cda=KO`: the result of offline data authentication under its name (EMV Book 2, 5 and 6).
#[must_use]
pub fn authentication_failed(text: &[u8]) -> bool {
    words(text).any(|(at, word)| {
        let named = [&b"oda"[..], b"sda", b"dda", b"cda", b"fdda"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name));
        let rest = text.get(at + word.len()..).unwrap_or_default();
        let marks = rest
            .iter()
            .take_while(|b| matches!(b, b'"' | b':' | b'=' | b' '))
            .count();
        let marked = rest
            .get(..marks)
            .is_some_and(|m| m.iter().any(|b| matches!(b, b':' | b'=')));
        let value = rest.get(marks..).unwrap_or_default();
        let value = value
            .iter()
            .take_while(|b| b.is_ascii_alphabetic())
            .map(u8::to_ascii_lowercase)
            .collect::<Vec<u8>>();
        named
            && marked
            && matches!(
                value.as_slice(),
                b"fail" | b"failed" | b"failure" | b"ko" | b"nok"
            )
    })
}

/// True for `AT+CSQ -> 5,4`, `+CSQ: 7,99`: a modem that hears its cell at -95 dBm or less (3GPP TS 27.007, 8.5); 99 is not known.
#[must_use]
pub fn modem_hears_little(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"CSQ").any(|at| {
        let rest = text.get(at + 3..).unwrap_or_default();
        let marks = rest
            .iter()
            .take(8)
            .take_while(|b| matches!(b, b' ' | b':' | b'=' | b'-' | b'>' | b'?' | b'"'))
            .count();
        matches!(rest.get(marks..), Some([b'0'..=b'9', b',', ..])) && marks > 0
    })
}

/// True for `Fatal signal 6 (SIGABRT) … in tid 655 (worker), pid 612 (paysrvd)`: what fell is a program of the system. The name of an
/// application's process is that of its package, which has dots.
#[must_use]
pub fn falls_as_daemon(text: &[u8]) -> bool {
    let name = || {
        let at = memchr::memmem::find(text, b", pid ")?;
        let rest = text.get(at + 6..)?;
        let open = rest
            .iter()
            .position(|b| !b.is_ascii_digit() && *b != b' ')?;
        let name = rest.get(open..)?.strip_prefix(b"(")?;
        name.get(..memchr::memchr(b')', name)?)
    };
    // Android's own processes are named like packages: `com.android.nfc`, `com.android.phone`.
    let of_system = |name: &[u8]| {
        !name.is_empty() && (!name.contains(&b'.') || name.starts_with(b"com.android."))
    };
    memchr::memmem::find(text, b"Fatal signal").is_some() && name().is_some_and(of_system)
        || memchr::memmem::find(text, b"Process com.android.").is_some()
}

/// True where PC/SC software names the contactless half of a reader: `uTrust 4701 F CL`, `OMNIKEY 5422CL`, `ACR1252 PICC`.
#[must_use]
pub fn names_contactless_slot(text: &[u8]) -> bool {
    text.split(|b| !b.is_ascii_alphanumeric()).any(|word| {
        let named = [&b"picc"[..], b"contactless", b"nfc", b"rfid"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name));
        let model = word.strip_suffix(b"CL");
        named || model.is_some_and(|model| model.iter().all(u8::is_ascii_digit))
    })
}

/// The signal for what a card answered on the air, by `ATQA=0044 SAK=20`: bit 6 of the SAK says whether it speaks ISO/IEC 14443-4 (ISO/IEC 14443-3, 6.5.3.4).
#[must_use]
pub fn answered_on_air(text: &[u8]) -> Option<&'static str> {
    let Some(sak) = labelled_byte(text, b"sak") else {
        return labelled_byte(text, b"atqa").map(|_| "card_detected");
    };
    match sak {
        // The identifier goes on: no answer yet.
        sak if sak & 0x04 != 0 => None,
        sak if sak & 0x20 != 0 => Some("card_detected"),
        _ => Some("card_not_contactless"),
    }
}

/// The first byte in hex behind a label that stands by itself: `sak=20`, `SAK 0x08`, `ATQA: 0044`.
fn labelled_byte(text: &[u8], label: &[u8]) -> Option<u8> {
    let first = *label.first()?;
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), text).find_map(|at| {
        let word = text.get(at..at + label.len())?;
        let before = at.checked_sub(1).and_then(|i| text.get(i));
        if !word.eq_ignore_ascii_case(label) || before.is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let rest = text.get(at + label.len()..)?;
        let marks = rest
            .iter()
            .take(5)
            .take_while(|b| matches!(b, b'=' | b':' | b' ' | b'[' | b'(' | b'"'))
            .count();
        let value = rest.get(marks..).filter(|_| marks > 0)?;
        let value = value
            .strip_prefix(b"0x")
            .or_else(|| value.strip_prefix(b"0X"))
            .unwrap_or(value);
        let digits = value.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let bounded = !value.get(digits).is_some_and(u8::is_ascii_alphanumeric);
        if !matches!(digits, 2 | 4) || !bounded {
            return None;
        }
        u8::from_str_radix(std::str::from_utf8(value.get(..2)?).ok()?, 16).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authentication_fails_under_its_name() {
        assert!(authentication_failed(
            br#"{"ev":"tap","oda":"fail","res":"STAFF"}"#
        ));
        assert!(authentication_failed(b"CDA=KO tvr=0400000000"));
        assert!(!authentication_failed(br#"{"oda":"ok"}"#));
        assert!(!authentication_failed(b"oda failures today"));
    }

    #[test]
    fn a_modem_says_how_it_hears() {
        for (text, want) in [
            ("[MOD] AT+CSQ -> 5,4", true),
            ("+CSQ: 7,99", true),
            ("+CSQ: 17,99", false),
            ("+CSQ: 99,99", false),
            ("AT+CSQ", false),
        ] {
            assert_eq!(modem_hears_little(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn a_slot_is_contactless_by_its_name() {
        assert!(names_contactless_slot(
            b"Card inserted into Identiv uTrust 4701 F Dual Interface Reader [uTrust 4701 F CL] 01 00"
        ));
        assert!(names_contactless_slot(
            b"Card inserted into HID OMNIKEY 5422CL 00 00"
        ));
        assert!(!names_contactless_slot(
            b"Card inserted into Gemalto PC Twin Reader 00 00"
        ));
    }

    #[test]
    fn a_daemon_falls_by_its_name() {
        let text = "Fatal signal 6 (SIGABRT), code -1 (SI_QUEUE) in tid 655 (picc_worker), pid 612 (paysrvd)";
        assert!(falls_as_daemon(text.as_bytes()));
        let text =
            "Fatal signal 11 (SIGSEGV), code 1 in tid 8190 (Thread-3), pid 8123 (x.cobrafacil.tap)";
        assert!(!falls_as_daemon(text.as_bytes()));
    }

    #[test]
    fn a_card_on_the_air_is_one_that_speaks_or_not() {
        for (text, want) in [
            ("rf.up atqa=0044 sak=20 uidlen=7", Some("card_detected")),
            ("ICC type A SAK: 0x28", Some("card_detected")),
            ("ATQA 0400, SAK 08", Some("card_not_contactless")),
            ("RF|REQA|ATQA=0344", Some("card_detected")),
            ("cascade sak=04", None),
            ("task=20", None),
            ("sakura 20", None),
        ] {
            assert_eq!(answered_on_air(text.as_bytes()), want, "{text}");
        }
    }
}
