//! Puts taps on the air: a binary trace log of a Proxmark3 with polling, activation and blocks with their codes.

use serde_json::Value;
use tapscope_parsers::protocol::net::iso14443::crc::{self, Code};

/// Bytes of hex digits.
pub fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A tap as a binary trace log of a Proxmark3.
#[derive(Default)]
pub struct Air {
    pub log: Vec<u8>,
    ticks: u32,
    number: u8,
}

/// A card's identifier.
pub const CARD: [u8; 4] = [0xA1, 0xB2, 0xC3, 0xD4];
/// A random identifier, as phones give.
pub const PHONE: [u8; 4] = [0x08, 0x11, 0x22, 0x33];

impl Air {
    /// A frame as it is.
    pub fn frame(&mut self, from_card: bool, bytes: &[u8]) {
        self.ticks += 1356;
        let length = u16::try_from(bytes.len()).unwrap() | u16::from(from_card) << 15;
        self.log.extend(self.ticks.to_le_bytes());
        self.log.extend([0, 0]);
        self.log.extend(length.to_le_bytes());
        self.log.extend(bytes);
        self.log.extend(vec![0; bytes.len().div_ceil(8)]);
    }

    /// A frame with its check bytes.
    pub fn coded(&mut self, from_card: bool, bytes: &[u8]) {
        let mut frame = bytes.to_vec();
        frame.extend(crc::of(Code::A, bytes));
        self.frame(from_card, &frame);
    }

    /// A frame with wrong check bytes.
    pub fn broken(&mut self, from_card: bool, bytes: &[u8]) {
        let mut frame = bytes.to_vec();
        frame.extend(crc::of(Code::A, bytes).map(|b| b ^ 0x55));
        self.frame(from_card, &frame);
    }

    /// Silence.
    pub fn wait(&mut self, millis: u32) {
        self.ticks += millis * 13_560;
    }

    /// A poll, with or without a card.
    pub fn poll(&mut self, answered: bool) {
        self.frame(false, &[0x52]);
        if answered {
            self.frame(true, &[0x04, 0x00]);
        }
    }

    /// Anticollision and selection.
    pub fn select(&mut self, uid: [u8; 4], sak: u8) {
        self.poll(true);
        self.frame(false, &[0x93, 0x20]);
        let check = uid.iter().fold(0, |sum, b| sum ^ b);
        let [a, b, c, d] = uid;
        self.frame(true, &[a, b, c, d, check]);
        self.coded(false, &[0x93, 0x70, a, b, c, d, check]);
        self.coded(true, &[sak]);
    }

    /// Selection, RATS and ATS.
    pub fn activate(&mut self, uid: [u8; 4]) {
        self.select(uid, 0x20);
        self.coded(false, &[0xE0, 0x80]);
        self.coded(true, &[0x05, 0x78, 0x80, 0x70, 0x02]);
        self.number = 0;
    }

    /// A command.
    pub fn send(&mut self, command: &str) {
        let mut block = vec![0x02 | self.number];
        block.extend(unhex(command));
        self.coded(false, &block);
        self.number ^= 1;
    }

    /// Answers of more than 60 bytes come in a chain of blocks.
    pub fn answer(&mut self, answer: &str) {
        let bytes = unhex(answer);
        let mut parts = bytes.chunks(60).peekable();
        let mut number = self.number ^ 1;
        while let Some(part) = parts.next() {
            let more = parts.peek().is_some();
            let mut block = vec![0x02 | number | if more { 0x10 } else { 0 }];
            block.extend(part);
            self.coded(true, &block);
            if more {
                number ^= 1;
                self.coded(false, &[0xA2 | number]);
            }
        }
        self.number = number ^ 1;
    }

    /// A command, and its answer after a time.
    pub fn exchange(&mut self, command: &str, answer: &str, millis: u32) {
        self.send(command);
        self.wait(millis);
        self.answer(answer);
    }
}

/// One step: command, answer, milliseconds.
pub type Step = (String, String, u32);

/// Whole taps, and answers to put in their place.
pub struct Templates(pub Value);

impl Templates {
    /// Reads them.
    pub fn new() -> Self {
        let text = include_str!("../mutations/templates.json");
        Self(serde_json::from_str(text).unwrap())
    }

    /// The steps of a tap.
    pub fn steps(&self, name: &str) -> Vec<Step> {
        self.0[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| {
                (
                    step[0].as_str().unwrap().to_owned(),
                    step[1].as_str().unwrap().to_owned(),
                    u32::try_from(step[2].as_u64().unwrap()).unwrap(),
                )
            })
            .collect()
    }

    /// An answer to put in.
    pub fn splice(&self, name: &str) -> String {
        self.0["splice"][name].as_str().unwrap().to_owned()
    }
}

/// The steps as they are up to `count`, from a card that is put on the reader.
pub fn tap(uid: [u8; 4], steps: &[Step]) -> Air {
    let mut air = Air::default();
    air.poll(false);
    air.activate(uid);
    for (command, answer, millis) in steps {
        air.exchange(command, answer, *millis);
    }
    air
}

/// The steps with the answer of one of them replaced, and nothing behind it.
pub fn refused(uid: [u8; 4], mut steps: Vec<Step>, at: usize, answer: &str) -> Air {
    steps.truncate(at + 1);
    answer.clone_into(&mut steps[at].1);
    tap(uid, &steps)
}
