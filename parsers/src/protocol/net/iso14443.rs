//! ISO/IEC 14443 captures (link type 264): the pseudo-header that says what happened on the air, and the frame.

pub mod block;
pub mod crc;
pub mod link;

use nom::IResult;
use nom::bytes::complete::tag;
use nom::number::complete::{be_u16, u8};

/// Link type number of radio captures.
pub const LINK_TYPE: u16 = 264;

/// One event on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RadioEvent<'a> {
    /// Which event, and which way.
    pub kind: RadioKind,
    /// The frame, with or without its CRC as `kind` says.
    pub data: &'a [u8],
}

/// Event numbers of the pseudo-header (Wireshark `packet-iso14443.c`, libpcap LINKTYPE_ISO_14443).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RadioKind {
    /// Reader to card, CRC in the data.
    ReaderToCard,
    /// Card to reader, CRC in the data.
    CardToReader,
    /// Reader to card, CRC dropped by the capturing device.
    ReaderToCardNoCrc,
    /// Card to reader, CRC dropped by the capturing device.
    CardToReaderNoCrc,
    /// The field was switched off.
    FieldOff,
    /// The field was switched on.
    FieldOn,
    /// Any other number.
    Other(u8),
}

impl RadioKind {
    fn of(event: u8) -> Self {
        match event {
            0xFF => Self::CardToReader,
            0xFE => Self::ReaderToCard,
            0xFD => Self::FieldOff,
            0xFC => Self::FieldOn,
            0xFB => Self::CardToReaderNoCrc,
            0xFA => Self::ReaderToCardNoCrc,
            n => Self::Other(n),
        }
    }
}

/// Reads a packet of link type 264: version (0), event, length (big-endian), data. A cut packet gives the data that is there.
#[must_use]
pub fn parse(packet: &[u8]) -> Option<RadioEvent<'_>> {
    let (rest, (event, length)) = pseudo_header(packet).ok()?;
    Some(RadioEvent {
        kind: RadioKind::of(event),
        data: rest.get(..usize::from(length)).unwrap_or(rest),
    })
}

/// Version, event, length.
fn pseudo_header(input: &[u8]) -> IResult<&[u8], (u8, u16)> {
    let (input, _version) = tag(&[0_u8][..])(input)?;
    let (input, event) = u8(input)?;
    let (input, length) = be_u16(input)?;
    Ok((input, (event, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_direction_and_data() {
        let got = parse(&[0, 0xFE, 0, 2, 0x30, 0x04, 0x99]).unwrap();
        assert_eq!(got.kind, RadioKind::ReaderToCard);
        assert_eq!(got.data, [0x30, 0x04]);
        assert!(parse(&[1, 0xFE, 0, 0]).is_none());
    }
}
