//! ISO 8583 messages, from the wire or from a log.

use super::{Place, Tag, Text};

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Towards the host.
    Request,
    /// Back to the terminal.
    Response,
}

/// One ISO 8583 message.
#[derive(Debug, Clone)]
pub struct IsoMessage {
    /// Message type indicator as four digits: 200 is 0200.
    pub mti: u16,
    /// Fields by number, in order, as text (hex for binary ones), masked; 2, 35, 36, 45, 52 and 55 never stand here in clear.
    pub fields: Vec<(u8, Text)>,
    /// Field 55, decoded and masked.
    pub tags: Vec<Tag>,
    /// True where field 52 (PIN) was present.
    pub pin_present: bool,
    /// Name of the dialect that fitted.
    pub dialect: &'static str,
    /// Lane of the TCP connection that carried it; zero for logs.
    pub flow: u64,
    /// All frames that carried it, beyond the event's own place.
    pub frames: Vec<Place>,
    /// UnionPay header: what the host wants done (0 nothing, 3 sign in again …).
    pub processing_demand: Option<u8>,
    /// Where it is damaged: offset, field and reason.
    pub damage: Option<Text>,
    /// Where the line wraps one of another log: the time which that one tells, as written. The event's own time is the outer one.
    pub inner_time: Option<Text>,
    /// For captures: microseconds until TCP acknowledged the last byte; `None` where it never was, or is not known.
    pub acked_after_micros: Option<i64>,
}

/// The dialect of a message that a log only tells about: fields that it lacks prove nothing.
pub const TOLD: &str = "told";
/// A list of fewer fields is no dump of a message: the log tells of some, and lacks the others.
const LISTED_WHOLE: usize = 8;

impl IsoMessage {
    /// True where all of the message is known, so that what it lacks was not sent.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let told_in_part = self.dialect == "list" && self.fields.len() < LISTED_WHOLE;
        self.damage.is_none() && self.dialect != TOLD && !told_in_part
    }

    /// A field's text.
    #[must_use]
    pub fn field(&self, number: u8) -> Option<&str> {
        self.fields
            .iter()
            .find(|(n, _)| *n == number)
            .map(|(_, v)| v.as_str())
    }

    /// From the function digit: even is a request or advice, odd a response.
    #[must_use]
    pub fn direction(&self) -> Direction {
        if (self.mti / 10).is_multiple_of(2) {
            Direction::Request
        } else {
            Direction::Response
        }
    }
}
