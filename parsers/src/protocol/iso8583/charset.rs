//! EBCDIC code page 037 to ASCII, for what stands in payment messages.

/// The character of an EBCDIC byte; `None` for control and accented ones.
#[must_use]
pub fn ebcdic(byte: u8) -> Option<char> {
    Some(match byte {
        0x40 => ' ',
        0x4A => '¢',
        0x4B => '.',
        0x4C => '<',
        0x4D => '(',
        0x4E => '+',
        0x4F => '|',
        0x50 => '&',
        0x5A => '!',
        0x5B => '$',
        0x5C => '*',
        0x5D => ')',
        0x5E => ';',
        0x5F => '¬',
        0x60 => '-',
        0x61 => '/',
        0x6A => '¦',
        0x6B => ',',
        0x6C => '%',
        0x6D => '_',
        0x6E => '>',
        0x6F => '?',
        0x79 => '`',
        0x7A => ':',
        0x7B => '#',
        0x7C => '@',
        0x7D => '\'',
        0x7E => '=',
        0x7F => '"',
        0xA1 => '~',
        0xC0 => '{',
        0xD0 => '}',
        0xE0 => '\\',
        0xB0 => '^',
        0xBA => '[',
        0xBB => ']',
        0x81..=0x89 => char::from(b'a' + (byte - 0x81)),
        0x91..=0x99 => char::from(b'j' + (byte - 0x91)),
        0xA2..=0xA9 => char::from(b's' + (byte - 0xA2)),
        0xC1..=0xC9 => char::from(b'A' + (byte - 0xC1)),
        0xD1..=0xD9 => char::from(b'J' + (byte - 0xD1)),
        0xE2..=0xE9 => char::from(b'S' + (byte - 0xE2)),
        0xF0..=0xF9 => char::from(b'0' + (byte - 0xF0)),
        _ => return None,
    })
}

/// EBCDIC text; characters that have no place in a payment message become U+FFFD.
#[must_use]
pub fn ebcdic_text(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|b| ebcdic(*b).unwrap_or('\u{FFFD}'))
        .collect()
}
