//! Reads GSMTAP packets with traffic of a smart card: command and answer in one payload, T=0 (Osmocom gsmtap.h, SIMtrace 2).

/// UDP port of GSMTAP.
pub const PORT: u16 = 4729;

/// What a packet says of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card<'a> {
    /// A command and its answer with the status word.
    Exchange(&'a [u8], &'a [u8]),
    /// An answer to reset.
    Reset(&'a [u8]),
}

/// Reads the payload of a datagram; `None` where it says nothing of a card.
#[must_use]
pub fn card(payload: &[u8]) -> Option<Card<'_>> {
    let &[2, words, 4, ..] = payload else {
        return None;
    };
    let kind = *payload.get(12)?;
    let data = payload.get(usize::from(words) * 4..)?;
    match kind {
        0 => exchange(data).map(|(command, answer)| Card::Exchange(command, answer)),
        1 => Some(Card::Reset(data)),
        _ => None,
    }
}

/// True for instructions whose data go to the card (ISO/IEC 7816-4; ETSI TS 102 221, table 10.5).
const fn sends(instruction: u8) -> bool {
    matches!(
        instruction,
        0x04 | 0x0E
            | 0x10
            | 0x14
            | 0x16
            | 0x18
            | 0x1E
            | 0x20
            | 0x22
            | 0x24
            | 0x26
            | 0x28
            | 0x2A
            | 0x2C
            | 0x32
            | 0x44
            | 0x70
            | 0x73
            | 0x75
            | 0x76
            | 0x82
            | 0x88
            | 0x89
            | 0xA2
            | 0xA4
            | 0xA8
            | 0xAA
            | 0xAC
            | 0xAE
            | 0xC2
            | 0xC3
            | 0xD0
            | 0xD2
            | 0xD6
            | 0xDA
            | 0xDB
            | 0xDC
            | 0xE0
            | 0xE2
            | 0xE4
            | 0xE6
            | 0xE8
    )
}

/// Cuts command and answer apart by P3 and the direction of the instruction's data.
fn exchange(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let &[_, instruction, _, _, third, ref rest @ ..] = data else {
        return None;
    };
    let outgoing = usize::from(third);
    // A status word alone, or data in one direction; T=1 cards may have both.
    let command = if rest.len() <= 2 || !sends(instruction) || rest.len() < outgoing + 2 {
        5
    } else {
        5 + outgoing
    };
    let (command, answer) = data.split_at_checked(command)?;
    (answer.len() >= 2).then_some((command, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, data: &[u8]) -> Vec<u8> {
        let mut packet = vec![2, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, kind, 0, 0, 0];
        packet.extend(data);
        packet
    }

    #[test]
    fn command_and_answer_are_cut_apart() {
        let cases: &[(&[u8], &[u8], &[u8])] = &[
            (
                &[0, 0xA4, 0, 4, 2, 0x3F, 0, 0x61, 0x2F],
                &[0, 0xA4, 0, 4, 2, 0x3F, 0],
                &[0x61, 0x2F],
            ),
            (
                &[0, 0xC0, 0, 0, 2, 0x62, 0, 0x90, 0],
                &[0, 0xC0, 0, 0, 2],
                &[0x62, 0, 0x90, 0],
            ),
            (
                &[0, 0xB2, 1, 4, 0, 0x6C, 0x1C],
                &[0, 0xB2, 1, 4, 0],
                &[0x6C, 0x1C],
            ),
            (
                &[0, 0xA4, 0, 4, 2, 0x6A, 0x82],
                &[0, 0xA4, 0, 4, 2],
                &[0x6A, 0x82],
            ),
        ];
        for (data, command, answer) in cases {
            assert_eq!(
                card(&packet(0, data)),
                Some(Card::Exchange(command, answer))
            );
        }
        assert_eq!(card(&packet(1, &[0x3B])), Some(Card::Reset(&[0x3B])));
        assert_eq!(card(&packet(0, &[0, 0xA4])), None);
        assert_eq!(card(&[2, 4, 1]), None);
    }
}
