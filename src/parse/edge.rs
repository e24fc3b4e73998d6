//! The edge of the house: everything owned that comes from input bytes is made here, masked.

use compact_str::CompactString;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tapscope_parsers::protocol::{emv::tlv, iso7816};
use tapscope_parsers::sensitive::{self, Pan, Secret, Span};

use crate::event::{CardNumber, CommandKind, SeenCards, Tag, TagValue, Text};

/// Longest text that is kept, in bytes.
const TEXT_BYTES: usize = 4096;
/// How far past the cut card numbers are still looked for, so that none is cut into something that no longer looks like one.
const LOOK_AHEAD: usize = 256;

/// Names a key without giving it away: the first eight hex digits of HMAC-SHA-256 over a fixed word.
#[must_use]
pub fn key_id(key: &[u8; 32]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(b"tapscope-key-id");
    mac.finalize()
        .into_bytes()
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Makes masked, owned values under the run's key.
pub struct Edge {
    /// Keyed once; `None` where the system gave no random key: then there are no tokens, rather than weak ones.
    mac: Option<Hmac<Sha256>>,
    /// The numbers that were masked as such (not what has the form of one by chance), so that the outputs can be searched for them.
    seen: SeenCards,
}

impl Edge {
    /// An edge under the given key, or under a random one that dies with the run.
    #[must_use]
    pub fn new(key: Option<[u8; 32]>) -> Self {
        let key = key.or_else(|| {
            let mut random = [0; 32];
            getrandom::fill(&mut random).ok().map(|()| random)
        });
        Self {
            mac: key.and_then(|key| Hmac::new_from_slice(&key).ok()),
            seen: SeenCards::default(),
        }
    }

    /// The card numbers that were masked so far.
    #[must_use]
    pub fn seen(&self) -> SeenCards {
        self.seen.clone()
    }

    /// First 128 bits of HMAC-SHA-256 under the run's key.
    fn token(&self, number: &[u8]) -> Option<u128> {
        let mut mac = self.mac.clone()?;
        mac.update(number);
        let full = mac.finalize().into_bytes();
        full.first_chunk::<16>()
            .map(|head| u128::from_be_bytes(*head))
    }

    /// Masks a card number given as ASCII digits (a masked one keeps its own mask: `621234******1234`, no token).
    ///
    /// Blanks and dashes are left out, `* X x _ . #` stand for hidden digits, a pad `F` at the end is no digit.
    #[must_use]
    pub fn card(&self, digits: &[u8]) -> CardNumber {
        let mut shown: Vec<u8> = Vec::with_capacity(digits.len().min(32));
        let mut whole = true;
        for &b in digits.iter().take(64) {
            match b {
                b'0'..=b'9' => shown.push(b),
                b'*' | b'x' | b'X' | b'_' | b'.' | b'#' => {
                    whole = false;
                    shown.push(b'*');
                }
                _ => {}
            }
        }
        if let Some(pan) = whole.then(|| Pan::from_ascii(&shown)).flatten() {
            shown.fill(0);
            let enough = shown.len() >= 8;
            return pan.expose(|digits| {
                self.seen.note(digits);
                CardNumber {
                    masked: CompactString::from(pan.masked()),
                    token: enough.then(|| self.token(digits)).flatten(),
                }
            });
        }
        let (first, last) = match shown.len() {
            // What the source had hidden stays hidden; of a short mask six and four may still be seen.
            n if n >= 10 => (6, 4),
            n => (0, n.min(4)),
        };
        let tail = shown.len().saturating_sub(last);
        for b in shown.iter_mut().take(tail).skip(first) {
            *b = b'*';
        }
        CardNumber {
            masked: CompactString::from_utf8_lossy(&shown),
            token: None,
        }
    }

    /// Free text: card numbers, tracks, PIN blocks masked in every rendering; control and bidi characters replaced; one line; at most 4 KiB.
    #[must_use]
    pub fn text(&self, text: &str) -> Text {
        let looked_at = text.floor_char_boundary(TEXT_BYTES + LOOK_AHEAD);
        let text = text.get(..looked_at).unwrap_or(text);
        let mut spans = Vec::new();
        sensitive::in_text(text.as_bytes(), &mut spans);
        if spans.is_empty() && text.len() <= TEXT_BYTES && is_plain(text.as_bytes()) {
            return Text::new(text);
        }
        sensitive::normalise(&mut spans);
        masked(text, &spans)
    }

    /// As [`Self::text`], from bytes in UTF-8 (invalid sequences become U+FFFD).
    #[must_use]
    pub fn bytes_as_text(&self, bytes: &[u8]) -> Text {
        // Cut before the check: of a long record only the beginning is kept. A character cut there is behind the text's own cut.
        let bytes = bytes.get(..TEXT_BYTES + LOOK_AHEAD + 4).unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text),
            Err(_) => self.text(&String::from_utf8_lossy(bytes)),
        }
    }

    /// One data object (5A, 57, 56, 9F6B, 5F20 … masked or hidden by the tag table).
    #[must_use]
    pub fn tag(&self, tag: u32, value: &[u8], sent: bool) -> Tag {
        Tag {
            tag,
            sent,
            value: self.tag_value(tag, value),
        }
    }

    fn tag_value(&self, tag: u32, value: &[u8]) -> TagValue {
        let hidden = || TagValue::Hidden(u16::try_from(value.len()).unwrap_or(u16::MAX));
        match sensitive::secret_of_tag(tag, value.len()) {
            Some(Secret::CardNumber | Secret::Track2) => {
                let (count, expiry) = sensitive::track2_digits(value);
                if count < 8 {
                    return hidden();
                }
                let digit = |at: usize| {
                    let byte = value.get(at / 2).copied().unwrap_or(0);
                    b'0' + if at.is_multiple_of(2) {
                        byte >> 4
                    } else {
                        byte & 0xF
                    }
                };
                let number: Vec<u8> = (0..count.min(19)).map(digit).collect();
                TagValue::Card {
                    number: self.card(&number),
                    expiry: expiry.map(|at| std::array::from_fn(|i| digit(at + i))),
                }
            }
            Some(Secret::Track1) => self.track1(value).unwrap_or_else(hidden),
            Some(Secret::AccountReference) => {
                if value.len() < 12 || !value.iter().all(u8::is_ascii_alphanumeric) {
                    return hidden();
                }
                let mut shown = value.to_vec();
                let tail = shown.len() - 4;
                shown.iter_mut().take(tail).skip(4).for_each(|b| *b = b'*');
                TagValue::Card {
                    number: CardNumber {
                        masked: CompactString::from_utf8_lossy(&shown),
                        token: self.token(value),
                    },
                    expiry: None,
                }
            }
            Some(Secret::Hidden) => hidden(),
            None if sensitive::may_hold_secrets(tag, value) && holds_secret(value) => hidden(),
            None => TagValue::Bytes(value.into()),
        }
    }

    /// `B4111111111111111^NAME/FIRST^2512201…`
    fn track1(&self, value: &[u8]) -> Option<TagValue> {
        let mut parts = value.split(|&b| b == b'^');
        let number = parts.next()?;
        let number = match number {
            [b'A'..=b'Z' | b'a'..=b'z', rest @ ..] => rest,
            whole => whole,
        };
        if number.len() < 8 || !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let expiry = parts
            .nth(1)
            .and_then(|rest| rest.first_chunk::<4>())
            .copied()
            .filter(|e| e.iter().all(u8::is_ascii_digit));
        Some(TagValue::Card {
            number: self.card(number),
            expiry,
        })
    }

    /// All primitive data objects of a BER-TLV byte string, in order.
    #[must_use]
    pub fn tags(&self, tlv: &[u8], sent: bool) -> Vec<Tag> {
        tlv::walk(tlv)
            .filter(|object| !object.constructed)
            .map(|object| self.tag(object.tag, object.value, sent))
            .collect()
    }

    /// Upper-case hex of an APDU or TLV string, with the values of sensitive objects (and digits that look like a card number in BCD or ASCII) replaced by `*` for all but first six and last four.
    #[must_use]
    pub fn hex(&self, bytes: &[u8]) -> Text {
        self.hex_of(bytes, &[])
    }

    /// As [`Self::hex`], where some values have a tag although the bytes do not show it: tag and the bytes' range.
    #[must_use]
    pub fn hex_of(&self, bytes: &[u8], values: &[(u32, std::ops::Range<usize>)]) -> Text {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut spans = Vec::new();
        sensitive::in_bytes(bytes, &mut spans);
        for (tag, range) in values {
            if let Some(value) = bytes.get(range.clone()) {
                sensitive::hide_object(*tag, value, 2 * range.start, &mut spans);
            }
        }
        let mut out = vec![0_u8; bytes.len() * 2];
        for (pair, b) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 0xF)]];
        }
        for span in spans {
            let end = span.end.min(out.len());
            if let Some(hide) = out.get_mut(span.start..end) {
                hide.fill(b'*');
            }
        }
        String::from_utf8(out).map_or_else(|_| Text::default(), CompactString::from)
    }
}

/// The event's name for a command.
#[must_use]
pub fn command_kind(kind: iso7816::Kind) -> CommandKind {
    use iso7816::Kind;
    match kind {
        Kind::SelectPpse => CommandKind::SelectPpse,
        Kind::SelectPse => CommandKind::SelectPse,
        Kind::SelectAid => CommandKind::SelectAid,
        Kind::GetProcessingOptions => CommandKind::GetProcessingOptions,
        Kind::ReadRecord => CommandKind::ReadRecord,
        Kind::GenerateAc => CommandKind::GenerateAc,
        Kind::ComputeCryptographicChecksum => CommandKind::ComputeCryptographicChecksum,
        Kind::ExchangeRelayResistanceData => CommandKind::ExchangeRelayResistanceData,
        Kind::RecoverAc => CommandKind::RecoverAc,
        Kind::GetData => CommandKind::GetData,
        Kind::Verify => CommandKind::Verify,
        Kind::ExternalAuthenticate => CommandKind::ExternalAuthenticate,
        Kind::InternalAuthenticate => CommandKind::InternalAuthenticate,
        Kind::GetChallenge => CommandKind::GetChallenge,
        Kind::IssuerScript => CommandKind::IssuerScript,
        Kind::PutData => CommandKind::PutData,
        // GET RESPONSE is folded into the command that it serves before it gets here.
        Kind::GetResponse | Kind::Other => CommandKind::Other,
    }
}

fn holds_secret(value: &[u8]) -> bool {
    let mut spans = Vec::new();
    sensitive::in_bytes(value, &mut spans);
    !spans.is_empty()
}

/// True where nothing needs an escape: no control character, and nothing beyond ASCII that could be one.
fn is_plain(text: &[u8]) -> bool {
    let odd = text.iter().fold(false, |odd, &b| {
        odd || (b < 0x20) || (b == 0x7F) | matches!(b, 0xC2 | 0xE2 | 0xEF | 0xD8)
    });
    !odd
}

/// Characters that move the cursor, hide or turn text (C0, C1, DEL, zero-width, bidi, line separators, byte order mark).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

/// The text with the spans starred, unsafe characters escaped, on one line, cut at the limit.
fn masked(text: &str, spans: &[Span]) -> Text {
    use std::fmt::Write as _;
    const CUT: &str = "…";
    let text = text.trim_end_matches(['\r', '\n', '\0']);
    let mut out = String::with_capacity(text.len().min(TEXT_BYTES) + 16);
    let mut spans = spans.iter().copied().peekable();
    for (at, c) in text.char_indices() {
        while spans.next_if(|span| span.end <= at).is_some() {}
        let before = out.len();
        let hidden = spans.peek().is_some_and(|span| span.start <= at);
        match c {
            _ if hidden && c != ' ' => out.push('*'),
            '\t' => out.push(' '),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => {
                let code = u32::from(c);
                // Writing to a string cannot fail.
                let _ = if code < 0x100 {
                    write!(out, "\\x{code:02x}")
                } else {
                    write!(out, "\\u{{{code:x}}}")
                };
            }
            c => out.push(c),
        }
        if out.len() > TEXT_BYTES - CUT.len()
            && (out.len() > TEXT_BYTES || at + c.len_utf8() < text.len())
        {
            // The rest may still fit: only cut where it does not.
            let rest = text.len() - at - c.len_utf8();
            if out.len() + rest > TEXT_BYTES {
                out.truncate(before);
                let room = out.floor_char_boundary(TEXT_BYTES - CUT.len());
                out.truncate(room);
                out.push_str(CUT);
                break;
            }
        }
    }
    CompactString::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge() -> Edge {
        Edge::new(Some([7; 32]))
    }

    #[test]
    fn cards_keep_six_and_four() {
        let rows = [
            ("4111111111111111", "411111******1111"),
            ("6222 0000 0000 0000 018", "622200*********0018"),
            ("378282246310005", "378282*****0005"),
            ("4000000000006", "40000****0006"),
            ("123456789012", "********9012"),
            ("6212340000001231F", "621234******1231"),
            ("621234******1234", "621234******1234"),
            ("62123400XXXX1234", "621234******1234"),
            ("621234____1234", "621234****1234"),
            ("****1234", "****1234"),
            ("123", "***"),
        ];
        for (digits, want) in rows {
            assert_eq!(edge().card(digits.as_bytes()).masked, want, "{digits}");
        }
    }

    #[test]
    fn tokens_depend_on_number_and_key_only() {
        let a = edge().card(b"4111111111111111").token;
        assert!(a.is_some());
        assert_eq!(a, edge().card(b"4111 1111 1111 1111").token);
        assert_ne!(a, edge().card(b"4111111111111112").token);
        assert_ne!(a, Edge::new(Some([8; 32])).card(b"4111111111111111").token);
        assert_ne!(a, Edge::new(None).card(b"4111111111111111").token);
        assert_eq!(None, edge().card(b"411111******1111").token);
        let number = edge().tag(
            0x57,
            &[
                0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xD2, 0x51, 0x22, 0x01,
            ],
            false,
        );
        let TagValue::Card { number, expiry } = number.value else {
            panic!("no card")
        };
        assert_eq!((number.token, expiry), (a, Some(*b"2512")));
    }

    #[test]
    fn text_is_one_safe_line() {
        let rows = [
            ("plain 中文", "plain 中文"),
            (
                "a\u{1b}[31mb\u{202e}c\td\ne\n",
                "a\\x1b[31mb\\u{202e}c d\\ne",
            ),
            ("card 4111111111111111\u{7}", "card 411111******1111\\x07"),
            ("cardholder name: 张三, ok", "cardholder name: **, ok"),
        ];
        for (text, want) in rows {
            assert_eq!(edge().text(text), want);
        }
        let long = edge().text(&"中".repeat(3000));
        assert!(long.len() <= 4096 && long.ends_with('…'));
        // A number across the cut shows no more than its six.
        for pad in 4070..4100 {
            let out = edge().text(&format!(
                "{}4111111111111111 {}",
                "x".repeat(pad),
                "y".repeat(500)
            ));
            assert!(!out.contains("4111111"), "{pad}");
        }
        assert_eq!(
            edge().bytes_as_text(b"a\xff 4111111111111111"),
            "a\u{fffd} 411111******1111"
        );
    }

    #[test]
    fn objects_are_masked_by_their_tag() {
        let tlv = [
            &[
                0x70, 0x1E, 0x5A, 0x08, 0x62, 0x12, 0x34, 0, 0, 0, 0x12, 0x31,
            ][..],
            &[
                0x5F, 0x20, 0x03, b'A', b'/', b'B', 0x9F, 0x02, 0x06, 0, 0, 0, 0, 1, 0,
            ],
            &[0x99, 0x02, 0x12, 0x34],
        ]
        .concat();
        let shown: Vec<String> = edge()
            .tags(&tlv, false)
            .iter()
            .map(|t| format!("{:X} {:?}", t.tag, t.value))
            .collect();
        assert_eq!(shown.len(), 4);
        assert!(shown[0].contains("621234******1231"));
        assert!(shown[1].ends_with("Hidden(3)"));
        assert!(shown[2].contains("Bytes"));
        assert!(shown[3].ends_with("Hidden(2)"));
        assert_eq!(
            edge().hex(&tlv),
            "701E5A08621234******12315F2003******9F02060000000001009902****"
        );
    }
}
