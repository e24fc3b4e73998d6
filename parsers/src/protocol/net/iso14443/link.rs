//! Turns the frames of a radio link, in their order, into commands, answers and what happened in the field
//! (ISO/IEC 14443-3 activation, 14443-4 blocks): codes checked, blocks joined, repetitions and waiting times told apart.
//!
//! Sniffers lose frames: acknowledgements are not required, and a command whose answer was not heard is told from one that
//! the card did not answer, by whether the reader repeats itself or goes on.

use super::block::{self, Block};
use super::crc;

/// What is known of the code at a frame's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The code stands at the end of frames that have one.
    Kept,
    /// The capturing device took it away.
    Dropped,
}

/// One frame on the air.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// True from card to reader.
    pub from_card: bool,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Whether the code is there.
    pub ending: Ending,
    /// A parity bit was wrong, as the capturing device says.
    pub parity_error: bool,
}

/// What a frame, seen in its place, says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A whole command.
    Command(Vec<u8>),
    /// A whole answer.
    Answer(Vec<u8>),
    /// The reader polls; given once until a card answers.
    Polling,
    /// More than one card answered.
    Collision,
    /// The card was selected (type A): identifier and SAK; `iso_dep` tells whether blocks can follow.
    Selected {
        /// Identifier, cascade tags taken out.
        uid: Vec<u8>,
        /// Select acknowledge.
        sak: u8,
        /// SAK bit 6.
        iso_dep: bool,
    },
    /// The card can take blocks: ATS, or the answer to ATTRIB.
    Activated {
        /// Identifier (PUPI for type B); empty where it was not seen.
        uid: Vec<u8>,
    },
    /// RATS or ATTRIB got no answer.
    ActivationFailed,
    /// The card asked for more time: the multiplier.
    WaitingTime(u8),
    /// The card answered a presence check, or polling, after it was served.
    StillPresent,
    /// A frame that is damaged: why.
    TransmissionError(&'static str),
    /// A frame that has no place here: why.
    ProtocolError(&'static str),
    /// The reader repeats itself: the last command or its answer did not get through.
    Repeated,
    /// The reader went on without an answer having been heard: the capture lost it.
    AnswerNotHeard,
    /// The beginning of an answer that was damaged on its way to the capture, and that the reader had in the end.
    Partly(Vec<u8>),
    /// The command before got no answer: the reader began to poll anew.
    NoAnswer,
    /// The session ended in order.
    Released,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Nothing,
    /// Anticollision: a part of the identifier.
    Identifier,
    /// Select: SAK.
    Acknowledge,
    Ats,
    Attrib,
    Block,
}

/// Most bytes of a chain of blocks.
const CHAIN: usize = 70_000;

#[derive(Debug, Default)]
struct Side {
    chain: Vec<u8>,
    last: Vec<u8>,
    number: Option<u8>,
}

/// The state of a link.
#[derive(Debug)]
pub struct Link {
    wait: Wait,
    uid: Vec<u8>,
    active: bool,
    /// A command waits for its answer.
    asked: bool,
    /// At least one command was answered in this session.
    served: bool,
    polling: bool,
    /// After the session ended: an answer to polling says that the card is still there.
    after: bool,
    /// Beginning of an answer whose code was wrong.
    doubtful: Vec<u8>,
    reader: Side,
    card: Side,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            wait: Wait::Nothing,
            uid: Vec::new(),
            active: false,
            asked: false,
            served: false,
            polling: false,
            after: false,
            doubtful: Vec::new(),
            reader: Side::default(),
            card: Side::default(),
        }
    }
}

impl Link {
    /// Takes up a frame; what it says is put behind what is there.
    pub fn frame(&mut self, frame: &Frame<'_>, out: &mut Vec<Said>) {
        if frame.bytes.is_empty() {
            return;
        }
        if frame.parity_error {
            out.push(Said::TransmissionError("parity"));
        }
        if frame.from_card {
            self.card_said(frame, out);
        } else {
            self.reader_said(frame, out);
        }
    }

    /// The field was switched off: whatever was under way has ended.
    pub fn field_off(&mut self, out: &mut Vec<Said>) {
        if self.asked {
            out.push(Said::NoAnswer);
        }
        *self = Self::default();
    }

    fn poll(&mut self, out: &mut Vec<Said>) {
        if self.wait == Wait::Ats || self.wait == Wait::Attrib {
            out.push(Said::ActivationFailed);
        }
        if self.asked {
            out.push(Said::NoAnswer);
        }
        let after = self.after || self.served;
        if !self.polling && !after {
            out.push(Said::Polling);
        }
        *self = Self {
            polling: true,
            after,
            ..Self::default()
        };
    }

    fn reader_said(&mut self, frame: &Frame<'_>, out: &mut Vec<Said>) {
        let bytes = frame.bytes;
        match bytes {
            // REQA, WUPA; REQB and WUPB.
            [0x26 | 0x52] => return self.poll(out),
            [0x05, _, _, ..] if bytes.len() <= 5 && !self.active => return self.poll(out),
            [0x93 | 0x95 | 0x97, valid, ..] if (0x20..0x70).contains(valid) && !self.active => {
                if *valid > 0x20 && bytes.len() > 2 {
                    out.push(Said::Collision);
                }
                self.wait = Wait::Identifier;
                return;
            }
            _ => {}
        }
        let Some(data) = self.checked(frame, out) else {
            return;
        };
        match data {
            [level @ (0x93 | 0x95 | 0x97), 0x70, part @ ..] if !self.active => {
                if *level == 0x93 {
                    self.uid.clear();
                }
                if let [a, b, c, d, ..] = part {
                    if *a == 0x88 {
                        self.uid.extend([*b, *c, *d]);
                    } else {
                        self.uid.extend([*a, *b, *c, *d]);
                    }
                }
                self.wait = Wait::Acknowledge;
            }
            [0xE0, _] if !self.active => self.wait = Wait::Ats,
            [0x1D, a, b, c, d, ..] if data.len() >= 9 && !self.active => {
                self.uid = vec![*a, *b, *c, *d];
                self.wait = Wait::Attrib;
            }
            // HLTA; HLTB; Apple's polling frame; PPS.
            [0x50, 0x00] => self.end(out),
            [0x50, _, _, _, _] if !self.active => self.end(out),
            [0x6A, ..] if !self.active => {}
            [0xD0..=0xDF, 0x11, ..] => self.wait = Wait::Nothing,
            _ => match block::read(data) {
                Some(block) => self.reader_block(block, data, out),
                None if self.active => out.push(Said::ProtocolError("no block of ISO/IEC 14443-4")),
                None => {}
            },
        }
    }

    fn reader_block(&mut self, block: Block<'_>, data: &[u8], out: &mut Vec<Said>) {
        match block {
            Block::Information {
                chained,
                number,
                content,
            } => {
                if self.asked && self.reader.last == data && self.reader.number == Some(number) {
                    out.push(Said::Repeated);
                    return;
                }
                if self.asked {
                    // The reader goes on, so it got an answer; a part of it may have been heard.
                    if !self.doubtful.is_empty() {
                        out.push(Said::Partly(core::mem::take(&mut self.doubtful)));
                    }
                    out.push(Said::AnswerNotHeard);
                    self.asked = false;
                }
                self.active = true;
                self.card.chain.clear();
                self.doubtful.clear();
                data.clone_into(&mut self.reader.last);
                self.reader.number = Some(number);
                if self.reader.chain.len() + content.len() > CHAIN {
                    self.reader.chain.clear();
                    out.push(Said::ProtocolError("a chain without end"));
                    return;
                }
                self.reader.chain.extend_from_slice(content);
                if !chained {
                    let command = core::mem::take(&mut self.reader.chain);
                    if !command.is_empty() {
                        self.asked = true;
                        self.wait = Wait::Block;
                        self.card.last.clear();
                        out.push(Said::Command(command));
                    }
                }
            }
            Block::Ready { negative, .. } => {
                self.wait = Wait::Block;
                if negative && self.asked {
                    out.push(Said::Repeated);
                }
            }
            Block::Deselect => {
                if self.asked {
                    out.push(Said::NoAnswer);
                    self.asked = false;
                }
                self.wait = Wait::Block;
            }
            Block::WaitingTime(_) | Block::Parameters => {}
        }
    }

    fn end(&mut self, out: &mut Vec<Said>) {
        if self.asked {
            out.push(Said::NoAnswer);
        }
        if self.active {
            out.push(Said::Released);
        }
        *self = Self {
            after: self.after || self.served,
            polling: self.polling,
            ..Self::default()
        };
    }

    fn card_said(&mut self, frame: &Frame<'_>, out: &mut Vec<Said>) {
        let bytes = frame.bytes;
        match (self.wait, bytes) {
            // ATQA; of two cards with different ones a wired or.
            (Wait::Nothing, [_, 0x00..=0x0F]) if !self.active => {
                if self.after {
                    out.push(Said::StillPresent);
                    self.after = false;
                }
                return;
            }
            (Wait::Identifier, _) => {
                self.wait = Wait::Nothing;
                if let [a, b, c, d, check] = bytes
                    && a ^ b ^ c ^ d != *check
                {
                    out.push(Said::Collision);
                }
                return;
            }
            _ => {}
        }
        let Some(data) = self.checked(frame, out) else {
            if self.asked
                && let Some(Block::Information { content, .. }) = block::read(bytes)
                && content.len() > self.doubtful.len().max(2)
            {
                content.clone_into(&mut self.doubtful);
            }
            return;
        };
        match (self.wait, data) {
            (Wait::Acknowledge, [sak]) => {
                self.wait = Wait::Nothing;
                // Bit 3: the identifier goes on.
                if sak & 0x04 == 0 {
                    self.polling = false;
                    out.push(Said::Selected {
                        uid: self.uid.clone(),
                        sak: *sak,
                        iso_dep: sak & 0x20 != 0,
                    });
                }
            }
            (Wait::Ats, [length, ..]) => {
                self.wait = Wait::Nothing;
                if usize::from(*length) != data.len() {
                    out.push(Said::ProtocolError("an ATS as long as it says"));
                }
                self.activated(out);
            }
            (Wait::Attrib, [_, ..]) => {
                self.wait = Wait::Nothing;
                self.activated(out);
            }
            (Wait::Nothing, [0x50, a, b, c, d, ..]) if data.len() >= 12 && !self.active => {
                // ATQB.
                self.uid = vec![*a, *b, *c, *d];
                if self.after {
                    out.push(Said::StillPresent);
                    self.after = false;
                }
            }
            (Wait::Nothing, [0xD0..=0xDF]) => {}
            _ => match block::read(data) {
                Some(block) => self.card_block(block, data, out),
                None if self.active => out.push(Said::ProtocolError("no block of ISO/IEC 14443-4")),
                None => {}
            },
        }
    }

    fn activated(&mut self, out: &mut Vec<Said>) {
        self.active = true;
        self.polling = false;
        self.after = false;
        self.reader = Side::default();
        self.card = Side::default();
        out.push(Said::Activated {
            uid: self.uid.clone(),
        });
    }

    fn card_block(&mut self, block: Block<'_>, data: &[u8], out: &mut Vec<Said>) {
        match block {
            Block::Information {
                chained,
                number,
                content,
            } => {
                self.active = true;
                if self.card.last == data && self.card.number == Some(number) {
                    // The answer once more, after a repeated request for it.
                    return;
                }
                data.clone_into(&mut self.card.last);
                self.card.number = Some(number);
                self.doubtful.clear();
                if self.card.chain.len() + content.len() > CHAIN {
                    self.card.chain.clear();
                    out.push(Said::ProtocolError("a chain without end"));
                    return;
                }
                self.card.chain.extend_from_slice(content);
                if !chained {
                    let answer = core::mem::take(&mut self.card.chain);
                    self.asked = false;
                    self.served = true;
                    if !answer.is_empty() {
                        out.push(Said::Answer(answer));
                    }
                }
            }
            Block::WaitingTime(multiplier) => out.push(Said::WaitingTime(multiplier)),
            Block::Ready { .. } if !self.asked && self.reader.chain.is_empty() && self.served => {
                out.push(Said::StillPresent);
            }
            Block::Deselect => {
                let served = self.served;
                if self.active {
                    out.push(Said::Released);
                }
                *self = Self {
                    after: served,
                    ..Self::default()
                };
            }
            Block::Ready { .. } | Block::Parameters => {}
        }
    }

    /// The frame without its code; `None` where the code is wrong.
    fn checked<'a>(&self, frame: &Frame<'a>, out: &mut Vec<Said>) -> Option<&'a [u8]> {
        if frame.ending == Ending::Dropped {
            return Some(frame.bytes);
        }
        if let Some((data, _)) = crc::strip(frame.bytes) {
            return Some(data);
        }
        if !frame.parity_error {
            out.push(Said::TransmissionError(if frame.bytes.len() < 3 {
                "a cut frame"
            } else {
                "the code at its end (CRC)"
            }));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_code(bytes: &[u8]) -> Vec<u8> {
        let mut frame = bytes.to_vec();
        frame.extend(crc::of(crc::Code::A, bytes));
        frame
    }

    /// `>` reader, `<` card; `!` breaks the code; what stands behind `|` has none.
    fn story(lines: &[(&str, &[u8])]) -> Vec<Said> {
        let mut link = Link::default();
        let mut out = Vec::new();
        for (mark, bytes) in lines {
            let mut frame = if mark.contains('|') {
                bytes.to_vec()
            } else {
                with_code(bytes)
            };
            if mark.contains('!')
                && let Some(last) = frame.last_mut()
            {
                *last ^= 0xFF;
            }
            let frame = Frame {
                from_card: mark.starts_with('<'),
                bytes: &frame,
                ending: Ending::Kept,
                parity_error: false,
            };
            link.frame(&frame, &mut out);
        }
        out
    }

    #[test]
    fn a_card_is_activated_and_asked() {
        let said = story(&[
            (">|", &[0x52]),
            (">|", &[0x52]),
            ("<|", &[0x04, 0x00]),
            (">|", &[0x93, 0x20]),
            ("<|", &[0xA1, 0xB2, 0xC3, 0xD4, 0x04]),
            (">", &[0x93, 0x70, 0xA1, 0xB2, 0xC3, 0xD4, 0x04]),
            ("<", &[0x28]),
            (">", &[0xE0, 0x80]),
            ("<", &[0x05, 0x78, 0x80, 0x70, 0x02]),
            (">", &[0x02, 0x00, 0xA4, 0x04, 0x00]),
            ("<", &[0xF2, 0x01]),
            (">", &[0xF2, 0x01]),
            ("<", &[0x12, 0x6F, 0x02]),
            (">", &[0xA3]),
            ("<", &[0x03, 0x84, 0x00, 0x90, 0x00]),
            (">", &[0xC2]),
            ("<", &[0xC2]),
            (">|", &[0x52]),
            ("<|", &[0x04, 0x00]),
        ]);
        let uid = vec![0xA1, 0xB2, 0xC3, 0xD4];
        assert_eq!(
            said,
            vec![
                Said::Polling,
                Said::Selected {
                    uid: uid.clone(),
                    sak: 0x28,
                    iso_dep: true
                },
                Said::Activated { uid },
                Said::Command(vec![0x00, 0xA4, 0x04, 0x00]),
                Said::WaitingTime(1),
                Said::Answer(vec![0x6F, 0x02, 0x84, 0x00, 0x90, 0x00]),
                Said::Released,
                Said::StillPresent,
            ]
        );
    }

    #[test]
    fn lost_frames_are_told_from_silence() {
        // The reader goes on with the other number: there was an answer.
        assert_eq!(
            story(&[
                (">", &[0x02, 0x00, 0xB2, 1, 0x0C, 0]),
                (">", &[0x03, 0x00, 0xB2, 2, 0x0C, 0])
            ]),
            vec![
                Said::Command(vec![0x00, 0xB2, 1, 0x0C, 0]),
                Said::AnswerNotHeard,
                Said::Command(vec![0x00, 0xB2, 2, 0x0C, 0]),
            ]
        );
        // It asks again, twice, and then polls: there was none.
        assert_eq!(
            story(&[
                (">", &[0x02, 0x00, 0xB2, 1, 0x0C, 0]),
                (">", &[0xB2]),
                (">", &[0xB2]),
                (">|", &[0x52])
            ]),
            vec![
                Said::Command(vec![0x00, 0xB2, 1, 0x0C, 0]),
                Said::Repeated,
                Said::Repeated,
                Said::NoAnswer,
                Said::Polling,
            ]
        );
        // A damaged answer is sent once more.
        assert_eq!(
            story(&[
                (">", &[0x02, 0x80, 0xA8, 0, 0]),
                ("<!", &[0x02, 0x69, 0x85]),
                (">", &[0xB2]),
                ("<", &[0x02, 0x69, 0x85]),
                ("<", &[0x02, 0x69, 0x85]),
            ]),
            vec![
                Said::Command(vec![0x80, 0xA8, 0, 0]),
                Said::TransmissionError("the code at its end (CRC)"),
                Said::Repeated,
                Said::Answer(vec![0x69, 0x85]),
            ]
        );
    }

    #[test]
    fn long_identifiers_cards_without_blocks_and_collisions() {
        assert_eq!(
            story(&[
                (">|", &[0x26]),
                (">", &[0x93, 0x70, 0x88, 4, 1, 2, 0x8F]),
                ("<", &[0x24]),
                (">", &[0x95, 0x70, 3, 4, 5, 6, 4]),
                ("<", &[0x08]),
            ]),
            vec![
                Said::Polling,
                Said::Selected {
                    uid: vec![4, 1, 2, 3, 4, 5, 6],
                    sak: 8,
                    iso_dep: false
                },
            ]
        );
        let collision = story(&[
            (">|", &[0x26]),
            (">|", &[0x93, 0x20]),
            ("<|", &[1, 2, 3, 4, 9]),
        ]);
        assert_eq!(collision, vec![Said::Polling, Said::Collision]);
        let silent = story(&[(">|", &[0x26]), (">", &[0xE0, 0x80]), (">|", &[0x26])]);
        assert!(silent.contains(&Said::ActivationFailed));
    }
}
