//! The card dialogue: commands and answers, and the radio field.

use super::{CardNumber, ShortBytes, Text};

/// Which command of the contactless flow this is (EMV Book 3, section 6.5; ISO/IEC 7816-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CommandKind {
    /// SELECT 2PAY.SYS.DDF01.
    SelectPpse,
    /// SELECT 1PAY.SYS.DDF01 (contact).
    SelectPse,
    /// SELECT by AID.
    SelectAid,
    /// GET PROCESSING OPTIONS, 80A8.
    GetProcessingOptions,
    /// READ RECORD, 00B2.
    ReadRecord,
    /// GENERATE AC, 80AE.
    GenerateAc,
    /// COMPUTE CRYPTOGRAPHIC CHECKSUM, 802A.
    ComputeCryptographicChecksum,
    /// EXCHANGE RELAY RESISTANCE DATA, 80EA.
    ExchangeRelayResistanceData,
    /// RECOVER AC, 80D0.
    RecoverAc,
    /// GET DATA, 80CA.
    GetData,
    /// VERIFY, 0020.
    Verify,
    /// EXTERNAL AUTHENTICATE, 0082.
    ExternalAuthenticate,
    /// INTERNAL AUTHENTICATE, 0088.
    InternalAuthenticate,
    /// GET CHALLENGE, 0084.
    GetChallenge,
    /// Issuer script commands.
    IssuerScript,
    /// PUT DATA of a data envelope, 80DA (data storage).
    PutData,
    /// Any other command.
    Other,
    /// An answer without its command.
    Unknown,
}

/// A command and its answer; T=0 `61xx`/`6Cxx` are already folded in.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Which command.
    pub command: CommandKind,
    /// CLA INS P1 P2; zero where only the answer was seen.
    pub header: [u8; 4],
    /// Status word; `None` where no answer came (or it was not seen, see `answered`).
    pub sw: Option<u16>,
    /// `Some(false)`: the source shows that no answer came (time-out, card lost). `None`: the source ends or is cut.
    pub answered: Option<bool>,
    /// Microseconds from command to answer, where the source tells.
    pub duration_micros: Option<u32>,
    /// Where the answer stands, when not at the event's own place.
    pub answer_place: Option<super::Place>,
    /// Data objects sent (by DOL) and received, in order, sensitive values masked.
    pub tags: Vec<Tag>,
    /// Command bytes, hex, masked.
    pub command_hex: Text,
    /// Answer bytes, hex, masked.
    pub answer_hex: Text,
    /// Where the line wraps one of another log: the time which that one tells, as written. The event's own time is the outer one.
    pub inner_time: Option<Text>,
    /// What is odd about it: stable names such as `tlv_truncated`, `gpo_length_wrong`, `le_missing`.
    pub faults: Vec<&'static str>,
}

/// One data object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The tag as a number: 0x9F26.
    pub tag: u32,
    /// True when the reader sent it, false when the card did.
    pub sent: bool,
    /// Its value.
    pub value: TagValue,
}

/// A value that may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagValue {
    /// Plain bytes of an object that is not sensitive.
    Bytes(ShortBytes),
    /// A card number (5A, 57, 9F6B, 56, 9F24 …); `expiry` as YYMM digits where the object carries one.
    Card {
        /// The number, masked.
        number: CardNumber,
        /// YYMM.
        expiry: Option<[u8; 4]>,
    },
    /// Present, and not kept (PIN block, name, track discretionary data): its length.
    Hidden(u16),
}

impl Exchange {
    /// First value of a tag with plain bytes, in either direction.
    #[must_use]
    pub fn bytes(&self, tag: u32) -> Option<&[u8]> {
        self.tags.iter().find_map(|t| match &t.value {
            TagValue::Bytes(bytes) if t.tag == tag => Some(&**bytes),
            _ => None,
        })
    }
}

/// The radio field and what is in it.
#[derive(Debug, Clone)]
pub struct Field {
    /// What happened.
    pub state: FieldState,
    /// UID, hex, where read.
    pub uid: Option<Text>,
    /// SAK (type A), where read.
    pub sak: Option<u8>,
    /// True where the UID or data object says it is a phone (random UID starting 08).
    pub phone_hint: bool,
    /// As the source says it, masked.
    pub text: Text,
}

/// What happened in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldState {
    /// Field on, polling.
    On,
    /// Field off.
    Off,
    /// Polling ended with no card.
    NoCard,
    /// A card answered (ATQA/ATQB) or was activated.
    Activated,
    /// More than one card.
    Collision,
    /// A card that is not ISO/IEC 14443-4.
    NotIsoDep,
    /// RATS without ATS, or activation failed.
    ActivationFailed,
    /// The link to the card was lost.
    Lost,
    /// CRC, parity or framing error.
    TransmissionError,
    /// Block protocol violated.
    ProtocolError,
    /// The card answered a presence check after the outcome.
    StillPresent,
    /// The card asked for more time.
    WaitingTimeExtension,
}
