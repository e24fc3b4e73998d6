//! Finds status words (ISO/IEC 7816-4, 5.6): at the end of an answer, or written apart from it.

use crate::hex;

/// True where the last two bytes can be a status word (ISO/IEC 7816-4, 5.6).
#[must_use]
pub fn ends_in_status(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [.., 0x90, 0x00] | [.., 0x61..=0x6F | 0x91 | 0x92 | 0x93 | 0x94 | 0x98 | 0x9F, _]
    ) && !matches!(bytes, [.., 0x60, _])
}

fn two_hex(text: &[u8]) -> Option<u8> {
    let text = text.trim_ascii_start();
    let text = text
        .strip_prefix(b"0x")
        .or_else(|| text.strip_prefix(b"0X"))
        .unwrap_or(text);
    match text {
        [high, low, rest @ ..] if !rest.first().is_some_and(u8::is_ascii_alphanumeric) => {
            Some(hex::nibble(*high)? << 4 | hex::nibble(*low)?)
        }
        _ => None,
    }
}

/// Where a word of ASCII letters stands in a text, in either case; its first letter is `s`.
fn find_word(text: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memchr2_iter(b's', b'S', text).find(|at| {
        text.get(*at..at + word.len())
            .is_some_and(|here| here.eq_ignore_ascii_case(word))
    })
}

/// A status word written apart: `SW1=0x90, SW2=0x00`, `SW: 6985`, `status: 9000`, `<6A82>`, `(6985)`.
#[must_use]
pub fn status_apart(text: &[u8]) -> Option<u16> {
    // `sw` or `stat` must stand there.
    find_word(text, b"sw").or_else(|| find_word(text, b"stat"))?;
    let behind = |name: &[u8]| -> Option<usize> {
        let at = find_word(text, name)?;
        let rest = text.get(at + name.len()..)?;
        let skip = rest
            .iter()
            .take_while(|b| matches!(b, b'=' | b':' | b' ' | b'[' | b'(' | b'<'))
            .count();
        (skip > 0).then_some(at + name.len() + skip)
    };
    if let (Some(first), Some(second)) = (behind(b"sw1"), behind(b"sw2")) {
        let high = two_hex(text.get(first..)?)?;
        let low = two_hex(text.get(second..)?)?;
        return Some(u16::from(high) << 8 | u16::from(low));
    }
    for name in [
        &b"sw1sw2"[..],
        b"sw12",
        b"sw",
        b"status word",
        b"status",
        b"state",
    ] {
        if let Some(at) = behind(name) {
            let rest = text.get(at..)?;
            let rest = rest
                .strip_prefix(b"0x")
                .or_else(|| rest.strip_prefix(b"0X"))
                .unwrap_or(rest);
            let mut bytes = Vec::with_capacity(2);
            hex::decode_run(rest, 0, 2, &mut bytes);
            if let [high, low] = bytes.as_slice()
                && ends_in_status(&[*high, *low])
            {
                return Some(u16::from(*high) << 8 | u16::from(*low));
            }
        }
    }
    None
}

pub(super) fn bracketed_status(after: &[u8]) -> Option<u16> {
    let after = after.trim_ascii_start();
    let inner = after
        .strip_prefix(b"<")
        .or_else(|| after.strip_prefix(b"["))
        .or_else(|| after.strip_prefix(b"("))?;
    let mut bytes = Vec::with_capacity(2);
    hex::decode_run(inner, 0, 2, &mut bytes);
    match bytes.as_slice() {
        [high, low] if ends_in_status(&bytes) => Some(u16::from(*high) << 8 | u16::from(*low)),
        _ => None,
    }
}
