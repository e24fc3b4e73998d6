//! What bytes can be, whatever the text around them says: a command, an answer, a template (ISO/IEC 7816-4, 5.1; EMV Book 3, 6).

use super::ends_in_status;

/// Instructions of ISO/IEC 7816-4, EMV and GlobalPlatform that a terminal or card management system sends.
const INSTRUCTIONS: &[u8] = &[
    0x04, 0x0C, 0x0E, 0x16, 0x18, 0x1E, 0x20, 0x21, 0x22, 0x24, 0x2A, 0x2C, 0x32, 0x34, 0x40, 0x44,
    0x50, 0x52, 0x54, 0x5A, 0x5C, 0x70, 0x82, 0x84, 0x86, 0x87, 0x88, 0xA2, 0xA4, 0xA8, 0xAE, 0xB0,
    0xB2, 0xC0, 0xC2, 0xCA, 0xCB, 0xCC, 0xD0, 0xD2, 0xD4, 0xD6, 0xD8, 0xDA, 0xDC, 0xDD, 0xE0, 0xE2,
    0xE4, 0xE6, 0xE8, 0xEA, 0xF0, 0xF2,
];

/// True where the bytes can be a command: class, instruction and length fit (malformed lengths pass only for the EMV commands).
#[must_use]
pub fn is_command(bytes: &[u8], strict: bool) -> bool {
    let [cla, ins, p1, p2, rest @ ..] = bytes else {
        return false;
    };
    if !matches!(cla, 0x00..=0x0F | 0x80 | 0x84 | 0x8C | 0x90 | 0xA0) || !INSTRUCTIONS.contains(ins)
    {
        return false;
    }
    let fits = match rest {
        [] | [_] => true,
        [lc, data @ ..] => {
            let lc = usize::from(*lc);
            data.len() == lc || data.len() == lc + 1 || (lc == 0 && data.len() > 3)
        }
    };
    let emv = matches!(
        (*cla, *ins, *p1, *p2),
        (0x00, 0xA4, 0x04, 0x00 | 0x02)
            | (0x80, 0xA8 | 0xEA | 0xD0, 0, 0)
            | (0x80, 0xAE, _, 0)
            | (0x80, 0xCA, 0x9F | 0x00 | 0x5F | 0xDF, _)
            | (0x80, 0x2A, 0x8E, 0x80)
            | (0x00, 0x20 | 0x84 | 0x88 | 0x82 | 0xC0, _, _)
            | (
                0x84 | 0x8C,
                0x16 | 0x18 | 0x1E | 0x24 | 0xDA | 0xDC | 0xD6 | 0xE2,
                _,
                _
            )
    ) || (*cla == 0 && *ins == 0xB2 && p2 & 7 == 4);
    if strict {
        // A command of four zero-like bytes in a text of its own says too little.
        emv && (fits || bytes.len() >= 7 && matches!(ins, 0xA4 | 0xA8))
    } else {
        fits || emv
    }
}

pub(super) fn starts_template(bytes: &[u8]) -> bool {
    match bytes {
        [0x6F | 0x70 | 0x77 | 0x80 | 0x61, length, rest @ ..] => match length {
            0x81 => rest.first().is_some_and(|l| usize::from(*l) <= rest.len()),
            0x82 => rest.len() > 256,
            _ => usize::from(*length) <= rest.len(),
        },
        _ => false,
    }
}

/// True where bytes are the beginning of a template that is longer than they are: the rest stands on the next lines.
pub(super) fn begins_template(bytes: &[u8]) -> bool {
    match bytes {
        [0x6F | 0x70 | 0x77, 0x81, length, rest @ ..] => usize::from(*length) > rest.len(),
        [0x6F | 0x70 | 0x77, length @ ..=0x7F, rest @ ..] => {
            usize::from(*length) > rest.len() && rest.len() >= 6
        }
        _ => false,
    }
}

/// True where an answer can be believed without its command: a template of the right length, or a status word alone.
#[must_use]
pub fn is_answer(bytes: &[u8]) -> bool {
    ends_in_status(bytes) && (bytes.len() == 2 || starts_template(bytes) || bytes.len() > 3)
}

/// True where an answer can be believed although its command was never seen: a whole template with its status word.
#[must_use]
pub fn is_template_answer(bytes: &[u8], sw_apart: bool) -> bool {
    starts_template(bytes) && (sw_apart || ends_in_status(bytes))
}
