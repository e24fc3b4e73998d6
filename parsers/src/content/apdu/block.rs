//! ISO-DEP blocks that are logged with their frame: prologue, what they carry, and the check of ISO/IEC 14443.

use super::bytes::{begins_template, starts_template};
use super::{ApduLine, CHAINED, Way, ends_in_status, is_command};

/// What an information block carries whose CRC is right; `None` for other bytes.
///
/// Prologue: ISO/IEC 14443-4, 7.1.2; CRC_A and CRC_B: ISO/IEC 14443-3, 6.2.4 and 7.2, Annex B.
fn carried(bytes: &[u8]) -> Option<&[u8]> {
    let prologue = *bytes.first()?;
    if prologue & 0xE2 != 0x02 || bytes.len() < 5 {
        return None;
    }
    let frame = checked(bytes)?;
    let card = usize::from(prologue & 0x08 != 0);
    let node = usize::from(prologue & 0x04 != 0);
    frame.get(1 + card + node..).filter(|data| !data.is_empty())
}

/// A frame without its CRC_A or CRC_B, where that is right.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (frame, check) = bytes.split_last_chunk::<2>()?;
    let told = u16::from_le_bytes(*check);
    (told == crc(frame, 0x6363) || told == !crc(frame, 0xFFFF)).then_some(frame)
}

/// True for a frame that carries no APDU: an answer to select, an acknowledgement, a request for more time.
pub(super) fn is_control(bytes: &[u8]) -> bool {
    (3..=32).contains(&bytes.len()) && !ends_in_status(bytes) && checked(bytes).is_some()
}

/// CRC-16 of ITU-T, least bit first.
fn crc(bytes: &[u8], start: u16) -> u16 {
    bytes.iter().fold(start, |mut sum, byte| {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0x8408
            } else {
                sum >> 1
            };
        }
        sum
    })
}

/// What an information block carries that is logged without its CRC: the prologue alone, and behind it what no APDU begins with.
fn bare(bytes: &[u8], way: Option<Way>) -> Option<&[u8]> {
    let (prologue, data) = bytes.split_first()?;
    if prologue & 0xEE != 0x02 {
        return None;
    }
    let fits = match way? {
        Way::Command => is_command(data, true) && !is_command(bytes, true),
        Way::Answer => starts_template(data) && ends_in_status(data) || begins_template(data),
    };
    fits.then_some(data)
}

/// Reads a block: a command, an answer, or the part of one that goes on where another block ended.
pub(super) fn read(bytes: &[u8], way: Option<Way>, open: bool) -> Option<ApduLine> {
    let data = carried(bytes).or_else(|| bare(bytes, way))?;
    let command = way != Some(Way::Answer) && is_command(data, true);
    let chained = !command && bytes.first().is_some_and(|prologue| prologue & 0x10 != 0);
    let answer = !command && (open || way == Some(Way::Answer));
    if command || answer && (ends_in_status(data) || begins_template(data)) {
        return Some(ApduLine::Bytes {
            way: if command { Way::Command } else { Way::Answer },
            labelled: true,
            bytes: data.to_vec(),
            sw: None,
            micros: None,
            // Chained (7.1.2.1, bit 5 of the prologue): more comes, the status word last.
            announced: chained.then_some(CHAINED),
        });
    }
    open.then(|| ApduLine::More(data.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    fn read_hex(text: &str, way: Option<Way>, open: bool) -> Option<ApduLine> {
        read(&hex::decode_all(text.as_bytes()).unwrap(), way, open)
    }

    #[test]
    fn blocks_give_what_they_carry() {
        let select = "0200A404000E325041592E5359532E444446303100E042";
        assert!(matches!(
            read_hex(select, None, false),
            Some(ApduLine::Bytes { way: Way::Command, bytes, .. }) if bytes.starts_with(&[0, 0xA4, 4]) && bytes.len() == 20
        ));
        // Logged without the check, where the line says which way it went.
        let bare = "03 00 A4 04 00 07 A0 00 00 00 04 10 10 00";
        assert!(matches!(
            read_hex(bare, Some(Way::Command), false),
            Some(ApduLine::Bytes { way: Way::Command, bytes, .. }) if bytes.starts_with(&[0, 0xA4, 4])
        ));
        assert!(read_hex(bare, None, false).is_none());
        let answer = "02 77 12 82 02 19 80 94 0C 08 01 02 01 10 01 01 00 18 01 02 00 90 00";
        assert!(matches!(
            read_hex(answer, Some(Way::Answer), true),
            Some(ApduLine::Bytes { way: Way::Answer, bytes, .. }) if bytes.starts_with(&[0x77, 0x12])
        ));
        // One bit of the check differs: these are other bytes.
        let broken = "0200A404000E325041592E5359532E444446303100E043";
        assert!(read_hex(broken, None, false).is_none());
        // A reader asks for more time, and acknowledges.
        assert!(read_hex("F2043C17", Some(Way::Answer), true).is_none());
        assert!(read_hex("A2E6D7", Some(Way::Answer), true).is_none());
        assert!(is_control(&[0x05, 0x78, 0x80, 0x70, 0x02, 0xA5, 0x46]));
        assert!(is_control(&[0xE0, 0x80, 0x31, 0x73]));
        assert!(!is_control(&[0x6F, 0x02, 0x84, 0x00, 0x90, 0x00]));
        // GET PROCESSING OPTIONS in two blocks.
        let first = "1280A800002383213680400000000000199000000000000000560000ED1F";
        assert!(matches!(
            read_hex(first, Some(Way::Command), false),
            Some(ApduLine::Bytes { way: Way::Command, bytes, .. }) if bytes.starts_with(&[0x80, 0xA8])
        ));
        let second = "0300097825100300CBEC195F00E792";
        assert!(matches!(
            read_hex(second, Some(Way::Command), true),
            Some(ApduLine::More(bytes)) if bytes == [0, 9, 0x78, 0x25, 0x10, 3, 0, 0xCB, 0xEC, 0x19, 0x5F, 0]
        ));
    }
}
