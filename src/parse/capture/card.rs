//! Card traffic in captures: radio frames, USB readers, SIM tracers. Frames are taken in file order, by one link each.

use std::collections::BTreeMap;

use tapscope_parsers::container::trace::{Seen, What};
use tapscope_parsers::protocol::iso7816::ccid::{self, Kind};
use tapscope_parsers::protocol::iso7816::gsmtap;
use tapscope_parsers::protocol::net::iso14443::link::{Ending, Frame};
use tapscope_parsers::protocol::net::iso14443::{RadioEvent, RadioKind};

use crate::event::Event;
use crate::parse::Context;
use crate::parse::dialogue::CardFaults;
use crate::parse::trace::Run;

/// One packet that carries card traffic.
pub(super) struct Card<'w> {
    pub(super) frame: u32,
    pub(super) nanos: i64,
    pub(super) timed: bool,
    /// Bytes of its record in the file.
    pub(super) record: u32,
    pub(super) wire: Wire<'w>,
}

/// How it came.
pub(super) enum Wire<'w> {
    Radio(RadioEvent<'w>),
    Usb(ccid::Transfer<'w>),
    Sim(gsmtap::Card<'w>),
}

/// Card traffic of USB packets, where it is any; other transfers are of no interest.
pub(super) fn usb(link: u16, packet: &[u8]) -> Option<Wire<'_>> {
    ccid::transfer(link, packet).map(Wire::Usb)
}

#[derive(Default)]
struct Reader {
    /// Sequence numbers of transfers whose answer is awaited, and whether it is an answer to reset.
    asked: Option<(u8, bool)>,
    chain: Vec<u8>,
}

/// The cards of a capture.
pub(super) struct Cards<'c> {
    run: Run<'c>,
    readers: BTreeMap<(u32, u8), Reader>,
}

impl<'c> Cards<'c> {
    pub(super) fn new(ctx: &'c Context<'c>) -> Self {
        Self {
            run: Run::new(ctx),
            readers: BTreeMap::new(),
        }
    }

    /// Takes up a packet.
    pub(super) fn take(&mut self, card: &Card<'_>) {
        match &card.wire {
            Wire::Radio(event) => self.radio(card, event),
            Wire::Usb(transfer) => self.usb(card, transfer),
            Wire::Sim(gsmtap::Card::Reset(bytes)) => {
                self.see(card, 0, What::Reset(bytes.to_vec()));
            }
            Wire::Sim(gsmtap::Card::Exchange(command, answer)) => {
                self.apdu(card, 0, false, command);
                self.apdu(card, 0, true, answer);
            }
        }
    }

    fn see(&mut self, card: &Card<'_>, lane: u64, what: What) {
        self.run.see(Seen {
            place: card.frame,
            nanos: card.timed.then_some(card.nanos),
            absolute: card.timed,
            lane,
            what,
        });
    }

    fn apdu(&mut self, card: &Card<'_>, lane: u64, from_card: bool, bytes: &[u8]) {
        let what = What::Apdu {
            from_card,
            bytes: bytes.to_vec(),
            micros: None,
        };
        self.see(card, lane, what);
    }

    fn radio(&mut self, card: &Card<'_>, event: &RadioEvent<'_>) {
        let (from_card, ending) = match event.kind {
            RadioKind::ReaderToCard => (false, Ending::Kept),
            RadioKind::CardToReader => (true, Ending::Kept),
            RadioKind::ReaderToCardNoCrc => (false, Ending::Dropped),
            RadioKind::CardToReaderNoCrc => (true, Ending::Dropped),
            RadioKind::FieldOff => return self.see(card, 0, What::Field(false)),
            RadioKind::FieldOn => return self.see(card, 0, What::Field(true)),
            RadioKind::Other(_) => return,
        };
        let frame = Frame {
            from_card,
            bytes: event.data,
            ending,
            parity_error: false,
        };
        self.see(
            card,
            0,
            What::Radio {
                from_card: frame.from_card,
                bytes: frame.bytes.to_vec(),
                code_kept: frame.ending == Ending::Kept,
                parity_error: false,
            },
        );
    }

    fn usb(&mut self, card: &Card<'_>, transfer: &ccid::Transfer<'_>) {
        let Some(message) = ccid::message(transfer.data) else {
            return;
        };
        let lane = u64::from(transfer.device) << 8 | u64::from(message.slot);
        let reader = self
            .readers
            .entry((transfer.device, message.slot))
            .or_default();
        match (message.kind, transfer.from_device) {
            (Kind::PowerOn, false) => reader.asked = Some((message.sequence, true)),
            (Kind::Transfer, false) => {
                reader.asked = Some((message.sequence, false));
                if let Some(apdu) = whole(&mut reader.chain, message.data) {
                    self.apdu(card, lane, false, &apdu);
                }
            }
            (Kind::Block { status, error }, true) => {
                let asked = reader.asked;
                let Some((_, reset)) = asked.filter(|(number, _)| *number == message.sequence)
                else {
                    return;
                };
                match status >> 6 {
                    // More time: the answer is still to come.
                    2 => {}
                    1 => {
                        reader.asked = None;
                        reader.chain.clear();
                        let gone = status & 3 == 2 || error == 0xFE;
                        let why = ccid::error_name(error);
                        self.see(card, lane, What::Failed { why, gone });
                    }
                    _ if reset => {
                        reader.asked = None;
                        self.see(card, lane, What::Reset(message.data.to_vec()));
                    }
                    _ => {
                        reader.asked = None;
                        if let Some(apdu) = whole(&mut reader.chain, message.data) {
                            self.apdu(card, lane, true, &apdu);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// All events, in the order of frames.
    pub(super) fn finish(self) -> (Vec<Event>, CardFaults) {
        self.run.finish()
    }
}

/// The APDU of a transfer: the reader takes whole ones, or blocks of T=1, whose parts are put together.
fn whole(chain: &mut Vec<u8>, data: &[u8]) -> Option<Vec<u8>> {
    let Some((part, more)) = ccid::t1_information(data) else {
        chain.clear();
        return (data.len() >= 2).then(|| data.to_vec());
    };
    if chain.len() + part.len() > 70_000 {
        chain.clear();
    }
    chain.extend_from_slice(part);
    (!more && !chain.is_empty()).then(|| std::mem::take(chain))
}
