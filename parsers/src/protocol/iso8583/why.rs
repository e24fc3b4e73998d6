//! Explains a search for ISO 8583: every reading that got past the message type indicator, and what became of it.

use super::detect::{
    Choice, ENOUGH, PLENTY, Wire, after_header, ends_even, gate, header_points, weigh,
};
use super::framing::{Frame, LengthForm};
use super::message::parse;

/// What became of a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It came out even: points, and how many are wanted.
    Even {
        /// Points of evidence.
        points: u32,
        /// How many are wanted.
        wanted: u32,
        /// Where they come from: field (0: the header), why, how many.
        evidence: Vec<(u8, &'static str, i32)>,
    },
    /// A field could not be read: which, where in the message, what was wanted.
    Stopped {
        /// The field; 0 is the bitmap.
        field: u8,
        /// Byte of the message.
        offset: usize,
        /// What was wanted there.
        expected: &'static str,
    },
    /// Bytes are left after the last field.
    LeftOver(usize),
    /// The message is longer than what is there.
    TooFewBytes(usize),
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Length, header, dialect.
    pub wire: Wire,
    /// Message type indicator.
    pub mti: u16,
    /// Fields read.
    pub fields: usize,
    /// Bytes of the message, without length and header.
    pub bytes: usize,
    /// What became of it.
    pub verdict: Verdict,
}

/// Every reading of the first bytes of a stream that has a message type indicator where one must stand; the best first.
#[must_use]
pub fn candidates(b: &[u8], choice: Choice<'_>) -> Vec<Candidate> {
    let mut found = Vec::new();
    for length in choice.lengths() {
        let mut at = 0;
        let mut frame = length.read(b);
        if let Frame::KeepAlive(n) = frame {
            at = n;
            frame = length.read(b.get(n..).unwrap_or_default());
        }
        let Frame::Message { lead, body } = frame else {
            continue;
        };
        let here = b.get(at + lead..).unwrap_or_default();
        let whole = here.get(..body);
        for header in choice.headers() {
            let Some(Some(rest)) = after_header(header, here, whole.is_some()) else {
                continue;
            };
            for dialect in choice.dialects().filter(|d| gate(d, rest)) {
                let wire = Wire {
                    length,
                    header,
                    dialect,
                };
                let bytes = whole
                    .and_then(|frame| frame.get(header.size()..))
                    .unwrap_or(rest);
                found.push(judge(wire, bytes, body.saturating_sub(here.len())));
            }
        }
    }
    found.sort_by_key(|c| {
        core::cmp::Reverse(match &c.verdict {
            Verdict::Even { points, .. } => (3, u64::from(*points)),
            Verdict::LeftOver(_) => (2, u64::try_from(c.fields).unwrap_or(0)),
            Verdict::Stopped { .. } => (1, u64::try_from(c.fields).unwrap_or(0)),
            Verdict::TooFewBytes(_) => (0, 0),
        })
    });
    found
}

fn judge(wire: Wire, bytes: &[u8], missing: usize) -> Candidate {
    let message = parse(wire.dialect, bytes);
    let verdict = if missing > 0 {
        Verdict::TooFewBytes(missing)
    } else if let Some((field, damage)) = &message.damage {
        Verdict::Stopped {
            field: *field,
            offset: damage.offset,
            expected: damage.expected,
        }
    } else if ends_even(&message, bytes, 0) {
        let mut evidence = Vec::new();
        let header = header_points(&message, wire.header);
        if header > 0 {
            evidence.push((0, "a header", i32::try_from(header).unwrap_or(0)));
        }
        let mut points = header;
        weigh(&message, &mut |field, why, by| {
            points = points.saturating_add_signed(by);
            evidence.push((field, why, by));
        });
        Verdict::Even {
            points,
            wanted: if wire.length == LengthForm::None {
                PLENTY
            } else {
                ENOUGH
            },
            evidence,
        }
    } else {
        Verdict::LeftOver(bytes.len() - message.consumed)
    };
    Candidate {
        wire,
        mti: message.mti,
        fields: message.fields.len(),
        bytes: bytes.len(),
        verdict,
    }
}
