//! Turns what a radio link says into exchanges and field events: for sniffers, radio captures and controllers without a block layer.

use tapscope_parsers::protocol::net::iso14443::link::{Frame, Link, Said};

use super::{Moment, Pairing};
use crate::event::{Event, Field, FieldState, Keys, Payload, Place, Text};

/// Something that happened in the field.
pub(crate) struct FieldSeen {
    /// When and where.
    pub now: Moment,
    /// Link.
    pub lane: u64,
    /// What.
    pub field: Field,
}

impl FieldSeen {
    /// The event; `place` makes a place of its number.
    pub(crate) fn event(self, source: u32, place: fn(u32) -> Place) -> Event {
        Event {
            source,
            place: place(self.now.place),
            at: self.now.at,
            lane: self.lane,
            keys: Keys::default(),
            payload: Payload::Nfc(Box::new(self.field)),
        }
    }
}

/// What happened in the field, with the identifier where it was read.
pub(crate) fn field(state: FieldState, uid: &[u8], sak: Option<u8>, text: &str) -> Field {
    let hex: String = uid.iter().map(|b| format!("{b:02X}")).collect();
    Field {
        state,
        // A random identifier of four bytes begins with 08 (ISO/IEC 14443-3): phones use it.
        phone_hint: uid.len() == 4 && uid.first() == Some(&8),
        uid: (!uid.is_empty()).then(|| Text::from(hex)),
        sak,
        text: Text::from(text),
    }
}

/// One radio link.
#[derive(Default)]
pub(crate) struct Radio {
    link: Link,
    said: Vec<Said>,
    sak: Option<u8>,
}

impl Radio {
    /// Takes up a frame.
    pub(crate) fn frame(
        &mut self,
        frame: &Frame<'_>,
        lane: u64,
        now: Moment,
        pairing: &mut Pairing,
        fields: &mut Vec<FieldSeen>,
    ) {
        self.link.frame(frame, &mut self.said);
        self.tell(lane, now, pairing, fields);
    }

    /// The field was switched on or off.
    pub(crate) fn field(
        &mut self,
        on: bool,
        lane: u64,
        now: Moment,
        pairing: &mut Pairing,
        fields: &mut Vec<FieldSeen>,
    ) {
        let state = if on {
            FieldState::On
        } else {
            self.link.field_off(&mut self.said);
            FieldState::Off
        };
        self.tell(lane, now, pairing, fields);
        fields.push(FieldSeen {
            now,
            lane,
            field: field(
                state,
                &[],
                None,
                if on { "carrier on" } else { "carrier off" },
            ),
        });
    }

    fn tell(&mut self, lane: u64, now: Moment, pairing: &mut Pairing, fields: &mut Vec<FieldSeen>) {
        for said in std::mem::take(&mut self.said) {
            let seen = match said {
                Said::Command(bytes) => {
                    pairing.command(lane, bytes, None, now);
                    continue;
                }
                Said::Answer(bytes) => {
                    pairing.answer(lane, 0, bytes, None, None, None, true, now);
                    continue;
                }
                Said::NoAnswer => {
                    pairing.silent(lane);
                    continue;
                }
                Said::Partly(bytes) => {
                    pairing.partly(lane, bytes, now);
                    continue;
                }
                Said::AnswerNotHeard => {
                    pairing.unheard(lane);
                    continue;
                }
                // What was sent again was not lost on the way to the application.
                Said::Repeated => field(
                    FieldState::TransmissionError,
                    &[],
                    None,
                    "the reader repeats itself: command or answer did not get through",
                ),
                Said::Polling => field(FieldState::On, &[], None, "polling"),
                Said::Collision => field(FieldState::Collision, &[], None, "more than one card"),
                Said::Selected { uid, sak, iso_dep } => {
                    self.sak = Some(sak);
                    if iso_dep {
                        continue;
                    }
                    field(
                        FieldState::NotIsoDep,
                        &uid,
                        Some(sak),
                        "SAK without ISO/IEC 14443-4",
                    )
                }
                Said::Activated { uid } => {
                    field(FieldState::Activated, &uid, self.sak.take(), "activated")
                }
                Said::ActivationFailed => field(
                    FieldState::ActivationFailed,
                    &[],
                    self.sak.take(),
                    "RATS or ATTRIB without an answer",
                ),
                Said::WaitingTime(multiplier) => field(
                    FieldState::WaitingTimeExtension,
                    &[],
                    None,
                    &format!("S(WTX) {multiplier}"),
                ),
                Said::StillPresent => field(
                    FieldState::StillPresent,
                    &[],
                    None,
                    "the card answers after it was served",
                ),
                Said::TransmissionError(why) => field(
                    FieldState::TransmissionError,
                    &[],
                    None,
                    &format!("damaged frame: {why}"),
                ),
                Said::ProtocolError(why) => field(
                    FieldState::ProtocolError,
                    &[],
                    None,
                    &format!("expected {why}"),
                ),
                Said::Released => field(FieldState::Off, &[], None, "released"),
            };
            fields.push(FieldSeen {
                now,
                lane,
                field: seen,
            });
        }
    }
}
