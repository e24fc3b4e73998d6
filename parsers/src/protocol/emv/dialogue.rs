//! Remembers which data object lists a card gave, so that the data of later commands can be cut into objects.

use super::tlv;
use crate::protocol::iso7816::{Command, Kind};

/// The lists of the application that is selected, borrowed from the card's answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lists<'a> {
    /// PDOL (9F38), for GET PROCESSING OPTIONS.
    pub pdol: Option<&'a [u8]>,
    /// CDOL1 (8C), for the first GENERATE AC.
    pub cdol1: Option<&'a [u8]>,
    /// CDOL2 (8D), for the second one.
    pub cdol2: Option<&'a [u8]>,
    /// DDOL (9F49), for INTERNAL AUTHENTICATE.
    pub ddol: Option<&'a [u8]>,
    /// UDOL (9F69), for COMPUTE CRYPTOGRAPHIC CHECKSUM.
    pub udol: Option<&'a [u8]>,
    /// DRDOL (9F51), for RECOVER AC.
    pub drdol: Option<&'a [u8]>,
    /// How many GENERATE AC the application has answered.
    pub cryptograms: u8,
}

/// Default UDOL of EMV Contactless Book C-2: the unpredictable number alone.
const DEFAULT_UDOL: &[u8] = &[0x9F, 0x6A, 0x04];

impl<'a> Lists<'a> {
    /// Takes in a command and the data of its answer (without status word). A new selection forgets the application before.
    pub fn observe(&mut self, kind: Kind, answer: &'a [u8]) {
        match kind {
            Kind::SelectAid | Kind::SelectPpse | Kind::SelectPse => *self = Self::default(),
            Kind::GenerateAc if !answer.is_empty() => {
                self.cryptograms = self.cryptograms.saturating_add(1);
                return;
            }
            Kind::ReadRecord | Kind::GetProcessingOptions => {}
            _ => return,
        }
        for object in tlv::walk(answer).filter(|o| o.complete) {
            match object.tag {
                0x9F38 => self.pdol = Some(object.value),
                0x8C => self.cdol1 = Some(object.value),
                0x8D => self.cdol2 = Some(object.value),
                0x9F49 => self.ddol = Some(object.value),
                0x9F69 => self.udol = Some(object.value),
                0x9F51 => self.drdol = Some(object.value),
                _ => {}
            }
        }
    }

    /// The list that the data of this command follow, and those data; GET PROCESSING OPTIONS wraps them in tag 83.
    #[must_use]
    pub fn list_for<'c>(&self, command: &Command<'c>) -> Option<(&'a [u8], &'c [u8])> {
        match command.kind() {
            Kind::GetProcessingOptions => {
                let template = tlv::walk(command.data).next().filter(|o| o.tag == 0x83)?;
                Some((self.pdol?, template.value))
            }
            Kind::GenerateAc => {
                let list = if self.cryptograms == 0 {
                    self.cdol1
                } else {
                    self.cdol2
                };
                Some((list?, command.data))
            }
            Kind::InternalAuthenticate => Some((self.ddol?, command.data)),
            Kind::RecoverAc => Some((self.drdol?, command.data)),
            Kind::ComputeCryptographicChecksum => {
                Some((self.udol.unwrap_or(DEFAULT_UDOL), command.data))
            }
            _ => None,
        }
    }
}
