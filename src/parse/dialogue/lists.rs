//! Remembers which data object lists a card gave, and in which answer, so that the data of later commands can be cut into objects.

use std::sync::Arc;

use tapscope_parsers::protocol::emv::tlv;

/// Default UDOL of EMV Contactless Book C-2: the unpredictable number alone.
const DEFAULT_UDOL: &[u8] = &[0x9F, 0x6A, 0x04];

/// The lists of the application that is selected.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// PDOL; empty where the card's answer to SELECT has none, `None` where that answer was not seen.
    pdol: Option<Arc<[u8]>>,
    cdol1: Option<Arc<[u8]>>,
    cdol2: Option<Arc<[u8]>>,
    ddol: Option<Arc<[u8]>>,
    udol: Option<Arc<[u8]>>,
    drdol: Option<Arc<[u8]>>,
    dsdol: Option<Arc<[u8]>>,
    generated: u8,
}

impl Lists {
    /// The list that the data of this command follow.
    pub(super) fn list_for(&self, instruction: Option<u8>) -> Option<Arc<[u8]>> {
        match instruction? {
            0xA8 => self.pdol.clone(),
            0xAE if self.generated == 0 => self.cdol1.clone(),
            0xAE => self.cdol2.clone(),
            0x88 => self.ddol.clone(),
            0xD0 => self.drdol.clone(),
            0x2A => Some(self.udol.clone().unwrap_or_else(|| DEFAULT_UDOL.into())),
            _ => None,
        }
    }

    /// The list of what stands behind the data of GENERATE AC: what the card is to store (EMV Contactless Book C-2, 5.5.2).
    pub(super) fn tail_for(&self, instruction: Option<u8>) -> Option<Arc<[u8]>> {
        self.dsdol.clone().filter(|_| instruction == Some(0xAE))
    }

    /// Takes in a command and the data of its answer. A new selection forgets the application before.
    pub(super) fn observe(&mut self, instruction: Option<u8>, status: Option<u16>, answer: &[u8]) {
        let good =
            status == Some(0x9000) || status.is_some_and(|sw| matches!(sw >> 8, 0x62 | 0x63));
        match instruction {
            Some(0xA4) if good && !answer.is_empty() => {
                *self = Self {
                    pdol: Some(tlv::find(answer, 0x9F38).unwrap_or_default().into()),
                    ..Self::default()
                };
            }
            Some(0xB2 | 0xA8) if good => {
                for (tag, slot) in [
                    (0x8C, &mut self.cdol1),
                    (0x8D, &mut self.cdol2),
                    (0x9F49, &mut self.ddol),
                    (0x9F69, &mut self.udol),
                    (0x9F51, &mut self.drdol),
                    (0x9F5B, &mut self.dsdol),
                ] {
                    // In kernel 3 and 7 data 9F69 are the card's authentication data, not a list.
                    if let Some(found) = tlv::find(answer, tag)
                        && (tag != 0x9F69 || found.starts_with(&[0x9F]))
                    {
                        *slot = Some(found.into());
                    }
                }
            }
            // A refused GENERATE AC may be asked again by the same list.
            Some(0xAE) if status.is_none_or(|sw| sw == 0x9000) => {
                self.generated = self.generated.saturating_add(1);
            }
            _ => {}
        }
    }
}
