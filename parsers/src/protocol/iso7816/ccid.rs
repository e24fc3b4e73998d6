//! Reads messages between a host and a USB card reader (CCID 1.1), and the USB captures that carry them.

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is.
    pub kind: Kind,
    /// Slot of the reader.
    pub slot: u8,
    /// Sequence number: an answer has that of its command.
    pub sequence: u8,
    /// What it carries.
    pub data: &'a [u8],
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PC_to_RDR_IccPowerOn.
    PowerOn,
    /// PC_to_RDR_XfrBlock.
    Transfer,
    /// RDR_to_PC_DataBlock.
    Block {
        /// `bStatus`: upper two bits 1 failed, 2 more time; lower two bits 1 inactive, 2 no card.
        status: u8,
        /// `bError`, where failed.
        error: u8,
    },
    /// Any other.
    Other(u8),
}

/// Reads a message that is there from its first to its last byte.
#[must_use]
pub fn message(bytes: &[u8]) -> Option<Message<'_>> {
    let (head, rest) = bytes.split_first_chunk::<10>()?;
    let [kind, l0, l1, l2, l3, slot, sequence, seven, eight, _] = *head;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
    if rest.len() != length || !matches!(kind, 0x61..=0x73 | 0x80..=0x84) {
        return None;
    }
    Some(Message {
        kind: match kind {
            0x62 => Kind::PowerOn,
            0x6F => Kind::Transfer,
            0x80 => Kind::Block {
                status: seven,
                error: eight,
            },
            other => Kind::Other(other),
        },
        slot,
        sequence,
        data: rest,
    })
}

/// Name of `bError` (CCID 1.1, table 6.2-2).
#[must_use]
pub const fn error_name(error: u8) -> &'static str {
    match error {
        0xFF => "ccid_aborted",
        0xFE => "ccid_icc_mute",
        0xFD => "ccid_parity_error",
        0xFC => "ccid_overrun",
        0xFB => "ccid_hardware_error",
        0xF8 => "ccid_bad_atr_ts",
        0xF7 => "ccid_bad_atr_tck",
        0xF6 => "ccid_protocol_not_supported",
        0xF5 => "ccid_class_not_supported",
        0xF4 => "ccid_procedure_byte_conflict",
        0xF3 => "ccid_deactivated_protocol",
        0xF2 => "ccid_busy_with_auto_sequence",
        0xF0 => "ccid_pin_timeout",
        0xEF => "ccid_pin_cancelled",
        0xE0 => "ccid_slot_busy",
        _ => "ccid_error",
    }
}

/// Data of one transfer on a USB bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer<'a> {
    /// Bus and device.
    pub device: u32,
    /// From device to host.
    pub from_device: bool,
    /// What went over.
    pub data: &'a [u8],
}

/// Link types that carry USB transfers: Linux usbmon (two layouts), USBPcap.
pub const LINK_TYPES: [u16; 3] = [189, 220, 249];

/// Reads a bulk transfer out of a packet of one of [`LINK_TYPES`]; `None` for every other transfer, or one without data.
#[must_use]
pub fn transfer(link: u16, packet: &[u8]) -> Option<Transfer<'_>> {
    let number = |at: usize| -> Option<u32> {
        packet
            .get(at..at + 4)?
            .first_chunk::<4>()
            .map(|b| u32::from_le_bytes(*b))
    };
    if link == 249 {
        let &[h0, h1] = packet.first_chunk::<2>()?;
        let header = usize::from(u16::from_le_bytes([h0, h1]));
        let info = *packet.get(16)?;
        let place = packet.get(17..21)?.first_chunk::<4>()?;
        if packet.get(22) != Some(&3) {
            return None;
        }
        return Some(Transfer {
            device: u32::from_le_bytes(*place),
            from_device: info & 1 == 1,
            data: packet.get(header..).filter(|d| !d.is_empty())?,
        });
    }
    let header = if link == 189 { 48 } else { 64 };
    let kind = *packet.get(8)?;
    let endpoint = *packet.get(10)?;
    let device = *packet.get(11)?;
    let from_device = endpoint & 0x80 != 0;
    // Bulk; data go out with the submission and come in with the completion.
    if packet.get(9) != Some(&3) || kind != if from_device { b'C' } else { b'S' } {
        return None;
    }
    let bus = packet.get(12..14)?.first_chunk::<2>()?;
    let length = usize::try_from(number(36)?).ok()?;
    let data = packet.get(header..)?;
    Some(Transfer {
        device: u32::from(u16::from_le_bytes(*bus)) << 8 | u32::from(device),
        from_device,
        data: data.get(..length).unwrap_or(data),
    })
    .filter(|t| !t.data.is_empty())
}

/// What a T=1 block carries, and whether more follows; `None` where the bytes are no block (ISO/IEC 7816-3, 11.3).
#[must_use]
pub fn t1_information(bytes: &[u8]) -> Option<(&[u8], bool)> {
    let &[nad, control, length, ref rest @ ..] = bytes else {
        return None;
    };
    if nad & 0x88 != 0 || rest.len() != usize::from(length) + 1 {
        return None;
    }
    let sum = bytes.iter().fold(0, |sum, byte| sum ^ byte);
    let content = rest.get(..usize::from(length))?;
    if sum != 0 {
        return None;
    }
    Some(if control & 0x80 == 0 {
        (content, control & 0x20 != 0)
    } else {
        // R- and S-blocks carry no part of an APDU.
        (&[], true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_their_transfers() {
        let sent = [
            0x6F, 5, 0, 0, 0, 0, 7, 0, 0, 0, 0x00, 0xB2, 0x01, 0x0C, 0x00,
        ];
        let got = message(&sent).unwrap();
        assert_eq!(
            (got.kind, got.sequence, got.data.len()),
            (Kind::Transfer, 7, 5)
        );
        let answer = [0x80, 2, 0, 0, 0, 0, 7, 0, 0, 0, 0x6A, 0x83];
        assert_eq!(
            message(&answer).unwrap().kind,
            Kind::Block {
                status: 0,
                error: 0
            }
        );
        assert!(message(&sent[..14]).is_none());
        // usbmon: submission of a bulk-out transfer on bus 3, device 9.
        let mut packet = vec![0_u8; 64];
        packet[8] = b'S';
        packet[9] = 3;
        packet[10] = 2;
        packet[11] = 9;
        packet[12] = 3;
        packet[36] = 15;
        packet.extend(sent);
        let got = transfer(220, &packet).unwrap();
        assert_eq!(
            (got.device, got.from_device, got.data),
            (0x0309, false, &sent[..])
        );
        packet[8] = b'C';
        assert!(transfer(220, &packet).is_none());
        for end in 0..packet.len() {
            for link in LINK_TYPES {
                let _ = transfer(link, &packet[..end]);
            }
        }
    }

    #[test]
    fn blocks_lose_their_prologue() {
        let block = [0x00, 0x00, 0x05, 0x00, 0xB2, 0x01, 0x0C, 0x00, 0xBA];
        assert_eq!(
            t1_information(&block),
            Some((&[0x00, 0xB2, 0x01, 0x0C, 0x00][..], false))
        );
        assert_eq!(
            t1_information(&[0x00, 0xC1, 0x01, 0xFE, 0x3E]),
            Some((&[][..], true))
        );
        assert_eq!(t1_information(&[0x00, 0xB2, 0x01, 0x0C, 0x00]), None);
    }
}
