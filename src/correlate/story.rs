//! Reads an attempt's events as a story: interface, last step reached, outcome, merged keys.

use super::keys::merge_keys;
use super::model::{AttemptKeys, Interface, Outcome, Stage};
use crate::event::{
    CommandKind, Direction, Event, Exchange, FieldState, IsoMessage, Keys, Payload, Side, Signal,
    Text,
};

/// What the events of an attempt say together.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub keys: AttemptKeys,
    pub interface: Interface,
    pub stage: Stage,
    pub outcome: Outcome,
    /// A reversal of this payment was accepted.
    pub reversed: bool,
}

/// Reads the story; `events` in time order, with their aligned times.
pub(crate) fn read(events: &[(&Event, Option<i64>)], terminal: Option<&Text>) -> Story {
    let mut reader = Reader::default();
    for &(event, at) in events {
        reader.see(event, at);
    }
    reader.finish(terminal)
}

#[derive(Default)]
struct Reader {
    merged: Keys,
    story: Story,
    contactless: bool,
    contact: bool,
    /// Commands that no tap has, or not twice.
    contact_only: u32,
    magstripe: bool,
    response: Option<(Text, Option<i64>)>,
    gave_up_at: Option<Option<i64>>,
    request: bool,
    reversal_sent: bool,
    reversal_accepted: bool,
    approved_in_log: bool,
    declined_in_log: bool,
    /// The last signal that ends a presentment, in order.
    ending: Option<Outcome>,
    card_says: Option<Outcome>,
    connection_trouble: Option<Outcome>,
    /// The card was read to the end.
    read: bool,
    /// Commands of a contactless dialogue.
    commands: usize,
    /// The answer came when the terminal had closed the connection.
    late_on_the_wire: bool,
}

/// `071`, `0510`: how the card was read, and what the terminal can do about a PIN (ISO 8583, field 22).
fn is_entry_mode(mode: &str) -> bool {
    matches!(mode.len(), 3 | 4) && mode.bytes().all(|b| b.is_ascii_digit())
}

impl Reader {
    fn see(&mut self, event: &Event, at: Option<i64>) {
        merge_keys(&mut self.merged, &event.keys);
        match &event.payload {
            Payload::Log(line) => {
                self.signal(line.signal, at);
                if self.story.keys.response_code.is_none()
                    && let Some((_, code)) = line.values.iter().find(|(name, _)| *name == "f39")
                {
                    self.story.keys.response_code = Some(code.clone());
                    self.response.get_or_insert_with(|| (code.clone(), at));
                }
                if let Some((_, mode)) = line
                    .values
                    .iter()
                    .find(|(name, mode)| *name == "entry_mode" && is_entry_mode(mode))
                {
                    let known = &mut self.story.keys.entry_mode;
                    known.get_or_insert_with(|| mode.clone());
                }
                if let Some((_, ops)) = line.values.iter().find(|(name, _)| *name == "ops") {
                    self.ending = outcome_of_ops(ops).or(self.ending);
                    self.reach(Stage::Outcome);
                }
            }
            Payload::Apdu(exchange) => self.exchange(exchange),
            Payload::Nfc(field) => {
                self.contactless = true;
                match field.state {
                    FieldState::On | FieldState::NoCard => self.reach(Stage::Polling),
                    FieldState::Activated
                    | FieldState::NotIsoDep
                    | FieldState::WaitingTimeExtension => {
                        self.reach(Stage::Activated);
                    }
                    FieldState::Collision => {
                        self.reach(Stage::Polling);
                        self.card_says = Some(Outcome::TryAgain);
                    }
                    FieldState::Lost
                    | FieldState::ActivationFailed
                    | FieldState::TransmissionError => {
                        self.card_says.get_or_insert(Outcome::TryAgain);
                    }
                    _ => {}
                }
            }
            Payload::Iso8583(message) => self.message(message, at),
            Payload::Tcp(connection) => {
                self.late_on_the_wire |= connection.closed_by == Some(Side::Client)
                    && connection.client_data.is_some()
                    && matches!(
                        (connection.server_data, connection.ended_at),
                        (Some((first, _)), Some(ended)) if first > ended
                    );
                if connection.refused || connection.reset_by.is_some() {
                    self.connection_trouble = Some(Outcome::Aborted);
                } else if connection.connect_micros.is_none() && connection.opening_seen {
                    self.connection_trouble = Some(Outcome::TimedOut);
                }
            }
            Payload::Tls(_)
            | Payload::Dns(_)
            | Payload::Icmp(_)
            | Payload::Http(_)
            | Payload::Link(_) => {
                self.connection_trouble.get_or_insert(Outcome::Aborted);
            }
        }
    }

    fn reach(&mut self, stage: Stage) {
        self.story.stage = self.story.stage.max(stage);
    }

    fn signal(&mut self, signal: Signal, at: Option<i64>) {
        match signal {
            Signal::PresentCard | Signal::PollingStart => self.reach(Stage::Polling),
            Signal::CardDetected => self.reach(Stage::Activated),
            Signal::CardReadOk => self.reach(Stage::Read),
            Signal::OnlineRequest | Signal::Connecting | Signal::Connected => {
                self.reach(Stage::Outcome)
            }
            Signal::RequestSent => {
                self.request = true;
                self.reach(Stage::OnlineRequest);
            }
            Signal::ResponseReceived => self.reach(Stage::OnlineResponse),
            Signal::ContactInserted | Signal::ContactReadFailed => self.contact = true,
            Signal::MagstripeReadFailed => self.magstripe = true,
            Signal::Reversal => self.reversal_sent = true,
            _ => {}
        }
        self.read |= matches!(
            signal,
            Signal::CardReadOk | Signal::OnlineRequest | Signal::RequestSent | Signal::Connecting
        );
        match signal {
            // A card that leaves after it was read ends nothing.
            Signal::CardRemoved if self.read => {}
            Signal::Approved => self.approved_in_log = true,
            Signal::Declined => self.declined_in_log = true,
            Signal::ReadTimeout | Signal::ConnectTimeout => {
                self.gave_up_at.get_or_insert(at);
                self.ending = Some(Outcome::TimedOut);
            }
            _ => {
                if let Some(outcome) = outcome_of_signal(signal) {
                    // What stopped it first is the outcome; prompts that follow ("please insert") only say what to do next.
                    self.ending = match self.ending {
                        Some(strong)
                            if !matches!(strong, Outcome::TryAgain | Outcome::OtherInterface) =>
                        {
                            Some(strong)
                        }
                        _ => Some(outcome),
                    };
                }
            }
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let ok = exchange.sw == Some(0x9000);
        self.commands += 1;
        self.contact |= exchange.command == CommandKind::SelectPse;
        self.contactless |= exchange.command == CommandKind::SelectPpse;
        self.contact_only += u32::from(match exchange.command {
            CommandKind::GenerateAc => ok,
            CommandKind::ExternalAuthenticate | CommandKind::Verify => true,
            _ => false,
        });
        if let Some(sw) = exchange.sw {
            self.story.keys.last_sw = Some(sw);
        }
        self.reach(Stage::Activated);
        match exchange.command {
            CommandKind::SelectPpse | CommandKind::SelectPse if ok => self.reach(Stage::Ppse),
            CommandKind::SelectAid if ok => {
                self.reach(Stage::Selected);
                if let Some(aid) = exchange.bytes(0x84).or_else(|| exchange.bytes(0x4F)) {
                    self.story.keys.aid = Some(hex(aid));
                }
            }
            CommandKind::GetProcessingOptions if ok => self.reach(Stage::Gpo),
            CommandKind::ReadRecord if ok => self.reach(Stage::Read),
            CommandKind::GenerateAc | CommandKind::ComputeCryptographicChecksum if ok => {
                self.reach(Stage::Cryptogram)
            }
            _ => {}
        }
        if exchange.bytes(0x9F26).is_some() {
            self.reach(Stage::Cryptogram);
            self.read = true;
        }
        if let Some(tvr) = exchange.bytes(0x95) {
            self.story.keys.tvr = Some(hex(tvr));
        }
        if let Some(&[cid, ..]) = exchange.bytes(0x9F27) {
            self.card_says = match cid & 0xC0 {
                0x00 => Some(Outcome::DeclinedOffline),
                0x40 => Some(Outcome::Approved),
                _ => None,
            };
        }
        if exchange.answered == Some(false) && exchange.sw.is_none() {
            self.card_says = Some(Outcome::TryAgain);
        } else if !ok && exchange.sw.is_some() {
            match exchange.command {
                CommandKind::GetProcessingOptions => self.card_says = Some(Outcome::OtherInterface),
                CommandKind::SelectPpse | CommandKind::SelectAid | CommandKind::GenerateAc => {
                    self.card_says = Some(Outcome::Aborted);
                }
                _ => {}
            }
        } else if ok && exchange.command == CommandKind::SelectAid {
            // The next candidate was accepted: an earlier refusal is not the end.
            self.card_says = None;
        }
    }

    fn message(&mut self, message: &IsoMessage, at: Option<i64>) {
        if let Some(mode) = message.field(22) {
            self.story
                .keys
                .entry_mode
                .get_or_insert_with(|| Text::new(mode));
        }
        for tag in &message.tags {
            if let crate::event::TagValue::Bytes(bytes) = &tag.value {
                match tag.tag {
                    0x95 => self.story.keys.tvr = Some(hex(bytes)),
                    0x84 | 0x4F | 0x9F06 if self.story.keys.aid.is_none() => {
                        self.story.keys.aid = Some(hex(bytes))
                    }
                    _ => {}
                }
            }
        }
        let reversal = (message.mti / 100) % 10 == 4;
        match (message.direction(), reversal) {
            (Direction::Request, false) => {
                self.request = true;
                self.reach(Stage::OnlineRequest);
            }
            (Direction::Response, false) => {
                self.reach(Stage::OnlineResponse);
                if let Some(code) = message.field(39) {
                    self.response = Some((Text::new(code), at));
                    self.story.keys.response_code = Some(Text::new(code));
                }
            }
            (Direction::Request, true) => {
                self.reversal_sent = true;
                // Who takes back before an answer came has given up.
                if self.response.is_none() {
                    self.gave_up_at.get_or_insert(at);
                }
            }
            (Direction::Response, true) => {
                self.reversal_accepted |= message.field(39).is_some_and(is_approval)
            }
        }
    }

    fn finish(mut self, terminal: Option<&Text>) -> Story {
        let outcome = self.outcome();
        let story = &mut self.story;
        story.outcome = outcome;
        story.reversed =
            self.reversal_accepted || (self.reversal_sent && outcome != Outcome::Approved);
        if self.response.is_some() && (self.approved_in_log || self.declined_in_log) {
            story.stage = story.stage.max(Stage::Completed);
        } else if self.approved_in_log {
            story.stage = Stage::Completed;
        }
        story.interface = match story
            .keys
            .entry_mode
            .as_deref()
            .map(|mode| &mode.as_bytes()[..mode.len().min(2)])
        {
            Some(b"07" | b"91" | b"96" | b"98") => Interface::Contactless,
            Some(b"05" | b"95") => Interface::Contact,
            Some(b"02" | b"80" | b"90") => Interface::Magstripe,
            Some(b"01") => Interface::Manual,
            Some(b"03") => Interface::Qr,
            _ if self.contact => Interface::Contact,
            // A tap asks for one cryptogram and authenticates no issuer while the card is there (EMV Book C-2 to C-7).
            _ if self.contact_only > 1 && !self.contactless => Interface::Contact,
            _ if self.contactless
                || (story.stage >= Stage::Polling && story.stage < Stage::OnlineRequest) =>
            {
                Interface::Contactless
            }
            _ if self.magstripe => Interface::Magstripe,
            _ => Interface::Unknown,
        };
        let keys = &mut story.keys;
        let merged = self.merged;
        keys.terminal = terminal.cloned().or(merged.terminal);
        keys.merchant = merged.merchant;
        keys.device = merged.device;
        keys.stan = merged.stan;
        keys.rrn = merged.rrn;
        keys.auth_code = merged.auth_code;
        keys.amount_minor = merged.amount_minor;
        keys.currency = merged.currency;
        keys.card = merged.card.map(|card| *card);
        keys.cryptogram = merged.cryptogram;
        keys.atc = merged.atc;
        keys.host = merged.host;
        self.story
    }

    fn outcome(&self) -> Outcome {
        if let Some((code, at)) = &self.response {
            // An answer after the terminal had given up did not save the attempt.
            let late = match (self.gave_up_at, at) {
                (Some(Some(gave_up)), Some(at)) => *at > gave_up,
                (Some(_), _) => !self.approved_in_log,
                _ => self.late_on_the_wire && !self.approved_in_log,
            };
            return match (is_approval(code), late) {
                (true, true) => Outcome::TimedOut,
                (true, false) if self.reversal_sent && !self.approved_in_log => Outcome::Reversed,
                (true, false) => Outcome::Approved,
                (false, _) => Outcome::DeclinedOnline,
            };
        }
        if self.approved_in_log {
            return Outcome::Approved;
        }
        if let Some(ending) = self.ending {
            return ending;
        }
        if let Some(trouble) = self.connection_trouble {
            return trouble;
        }
        if self.request {
            return if self.reversal_sent || !self.declined_in_log {
                Outcome::TimedOut
            } else {
                Outcome::DeclinedOnline
            };
        }
        if let Some(card) = self.card_says {
            return card;
        }
        if self.declined_in_log {
            return if self.story.stage >= Stage::OnlineRequest {
                Outcome::DeclinedOnline
            } else {
                Outcome::DeclinedOffline
            };
        }
        // The card listed its applications or was selected, and the terminal asked for nothing more. Where records were read,
        // the recording may just as well have ended.
        let between = self.story.stage >= Stage::Ppse && self.story.stage <= Stage::Gpo;
        if self.contactless && self.commands > 0 && between {
            return Outcome::Aborted;
        }
        Outcome::Unknown
    }
}

/// Response codes that mean approval (ISO 8583:1987 and UnionPay: Q/CUP 006.6-2014 annex A).
fn is_approval(code: &str) -> bool {
    matches!(
        code,
        "00" | "000"
            | "001"
            | "002"
            | "003"
            | "08"
            | "10"
            | "11"
            | "16"
            | "A2"
            | "A4"
            | "A5"
            | "A6"
            | "Y1"
            | "Y3"
    )
}

fn outcome_of_signal(signal: Signal) -> Option<Outcome> {
    Some(match signal {
        Signal::Cancelled | Signal::PinCancelled => Outcome::Cancelled,
        Signal::PollTimeout => Outcome::TimedOut,
        Signal::RetryPrompt | Signal::SeePhone | Signal::MultipleCards | Signal::CardRemoved => {
            Outcome::TryAgain
        }
        Signal::UseChip | Signal::Fallback | Signal::LimitExceeded | Signal::ContactlessOff => {
            Outcome::OtherInterface
        }
        Signal::OfflineDeclined
        | Signal::CvmNotPossible
        | Signal::OdaFailed
        | Signal::CardExpired => Outcome::DeclinedOffline,
        Signal::ReaderInitFailed
        | Signal::ReaderIoError
        | Signal::AppCrash
        | Signal::ServiceDied
        | Signal::DnsFailed
        | Signal::ConnectRefused
        | Signal::LinkDown
        | Signal::ConnectionReset
        | Signal::TlsFailed
        | Signal::TlsCertificate
        | Signal::NotSignedOn
        | Signal::KeyError
        | Signal::Tamper
        | Signal::PeripheralLost
        | Signal::UpdateRunning
        | Signal::NoContactlessHardware
        | Signal::NoCommonAid
        | Signal::KernelUnsupported
        | Signal::CardBlocked
        | Signal::CardNotContactless
        | Signal::SchemeNotAccepted
        | Signal::CardDataInvalid
        | Signal::CapkMissing
        | Signal::ContactReadFailed
        | Signal::MagstripeReadFailed => Outcome::Aborted,
        _ => return None,
    })
}

/// Outcome Parameter Set, byte 1 (EMV Book A, table 6-2).
fn outcome_of_ops(ops: &str) -> Option<Outcome> {
    Some(match ops.get(..1)? {
        "1" => Outcome::Approved,
        "2" => Outcome::DeclinedOffline,
        "4" => Outcome::Aborted,
        "5" | "6" => Outcome::OtherInterface,
        "7" => Outcome::TryAgain,
        _ => return None,
    })
}

/// Upper-case hex.
pub(super) fn hex(bytes: &[u8]) -> Text {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = Text::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
