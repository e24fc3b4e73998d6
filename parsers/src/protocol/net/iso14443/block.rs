//! Reads the first bytes of a transmission block (ISO/IEC 14443-4, 7.1): which block, and where its content begins.

/// One block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block<'a> {
    /// Carries a part of an APDU.
    Information {
        /// More parts follow.
        chained: bool,
        /// Block number, 0 or 1.
        number: u8,
        /// The part.
        content: &'a [u8],
    },
    /// R-block: receive ready.
    Ready {
        /// True where it says that something was not received well.
        negative: bool,
        /// Block number.
        number: u8,
    },
    /// S(DESELECT).
    Deselect,
    /// S(WTX): the multiplier of the frame waiting time, 1 to 59.
    WaitingTime(u8),
    /// S(PARAMETERS).
    Parameters,
}

/// Reads a block; `None` where the first byte belongs to none.
#[must_use]
pub fn read(frame: &[u8]) -> Option<Block<'_>> {
    let (&control, rest) = frame.split_first()?;
    let after_cid = |rest| {
        if control & 0x08 == 0 {
            Some(rest)
        } else {
            <[u8]>::split_first(rest).map(|(_, rest)| rest)
        }
    };
    match control {
        _ if control & 0xE2 == 0x02 => {
            let rest = after_cid(rest)?;
            let content = if control & 0x04 == 0 {
                rest
            } else {
                rest.split_first()?.1
            };
            Some(Block::Information {
                chained: control & 0x10 != 0,
                number: control & 1,
                content,
            })
        }
        _ if control & 0xE6 == 0xA2 => after_cid(rest)?.is_empty().then_some(Block::Ready {
            negative: control & 0x10 != 0,
            number: control & 1,
        }),
        0xC2 | 0xCA => after_cid(rest)?.is_empty().then_some(Block::Deselect),
        0xF2 | 0xFA => match after_cid(rest)? {
            [multiplier] => Some(Block::WaitingTime(multiplier & 0x3F)),
            _ => None,
        },
        0xF0 | 0xF8 => Some(Block::Parameters),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lose_their_dress() {
        let information = |chained, number, content| {
            Some(Block::Information {
                chained,
                number,
                content,
            })
        };
        let cases: &[(&[u8], Option<Block<'_>>)] = &[
            (&[0x02, 0x90, 0x00], information(false, 0, &[0x90, 0x00])),
            (&[0x13, 0x6F], information(true, 1, &[0x6F])),
            (
                &[0x0A, 0x00, 0x6E, 0x00],
                information(false, 0, &[0x6E, 0x00]),
            ),
            (
                &[0x0F, 0x00, 0x21, 0x6E, 0x00],
                information(false, 1, &[0x6E, 0x00]),
            ),
            (
                &[0xA2],
                Some(Block::Ready {
                    negative: false,
                    number: 0,
                }),
            ),
            (
                &[0xAB, 0x01],
                Some(Block::Ready {
                    negative: false,
                    number: 1,
                }),
            ),
            (
                &[0xB2],
                Some(Block::Ready {
                    negative: true,
                    number: 0,
                }),
            ),
            (&[0xC2], Some(Block::Deselect)),
            (&[0xCA, 0x01], Some(Block::Deselect)),
            (&[0xF2, 0x01], Some(Block::WaitingTime(1))),
            (&[0xFA, 0x00, 0xFB], Some(Block::WaitingTime(0x3B))),
            (&[0xA2, 0x01], None),
            (&[0x26], None),
            (&[0xE0, 0x80], None),
            (&[0x0A], None),
            (&[], None),
        ];
        for (frame, want) in cases {
            assert_eq!(read(frame), *want, "{frame:02X?}");
        }
    }
}
