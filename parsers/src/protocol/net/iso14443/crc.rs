//! Checks and strips the cyclic redundancy code at the end of a frame (ISO/IEC 14443-3, annex B).

/// Which code a frame ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// CRC_A: initial value 6363.
    A,
    /// CRC_B: initial value FFFF, inverted.
    B,
}

fn register(bytes: &[u8], initial: u16) -> u16 {
    bytes.iter().fold(initial, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| {
            if sum & 1 == 1 {
                sum >> 1 ^ 0x8408
            } else {
                sum >> 1
            }
        })
    })
}

/// The two bytes as they are sent, low byte first.
#[must_use]
pub fn of(code: Code, bytes: &[u8]) -> [u8; 2] {
    match code {
        Code::A => register(bytes, 0x6363),
        Code::B => !register(bytes, 0xFFFF),
    }
    .to_le_bytes()
}

/// The frame without its code, and which code it was; `None` where neither fits.
#[must_use]
pub fn strip(frame: &[u8]) -> Option<(&[u8], Code)> {
    let (data, sent) = frame.split_last_chunk::<2>()?;
    if data.is_empty() {
        return None;
    }
    [Code::A, Code::B]
        .into_iter()
        .find(|code| of(*code, data) == *sent)
        .map(|code| (data, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_codes_fit() {
        // HLTA, RATS and a block of type A; the standard's own examples of type B.
        for frame in [
            &[0x50, 0x00, 0x57, 0xCD][..],
            &[0xE0, 0x50, 0xBC, 0xA5],
            &[0xF2, 0x01, 0x91, 0x40],
        ] {
            assert_eq!(strip(frame).map(|(_, code)| code), Some(Code::A));
        }
        assert_eq!(of(Code::B, &[0, 0, 0]), [0xCC, 0xC6]);
        assert_eq!(of(Code::B, &[0x0F, 0xAA, 0xFF]), [0xFC, 0xD1]);
        assert_eq!(strip(&[0x50, 0x00, 0x57, 0xCE]), None);
        assert_eq!(strip(&[0x57]), None);
    }
}
