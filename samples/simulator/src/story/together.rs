//! Sales in which two things go wrong: the first is got over, the second ends the sale (or nearly so).

use super::Run;
use crate::emv::Mishap;
use crate::online::{ChipData, Net, Sale};
use crate::say::Say;
use crate::time::{MS, S};
use crate::world::ReaderNote;
use std::io::{self, Write};

/// Failures that come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Together {
    /// The card was taken away too soon; tapped again, and the host is silent.
    TornThenSilent,
    /// Two cards, twice; then the account is empty.
    SeveralThenEmpty,
    /// Above the limit; the chip cannot be read either.
    LimitThenChip,
    /// A PIN is asked for; the card is tapped again without one; the chip saves the sale.
    StepUpTwice,
    /// The answer comes too late; the second tap is approved as well.
    LateThenAgain,
    /// The phone wants its owner; then the radio link is too weak.
    PhoneThenWeak,
    /// Taken away too soon, twice; the third tap is good.
    TornTwice,
    /// The wallet was asleep; then the PIN is wrong.
    AsleepThenPin,
}

impl Together {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::TornThenSilent,
        Self::SeveralThenEmpty,
        Self::LimitThenChip,
        Self::StepUpTwice,
        Self::LateThenAgain,
        Self::PhoneThenWeak,
        Self::TornTwice,
        Self::AsleepThenPin,
    ];

    /// The cause whose card and amount fit the sale.
    #[must_use]
    pub fn shaped_as(self) -> &'static str {
        match self {
            Self::TornThenSilent | Self::LateThenAgain | Self::TornTwice => {
                "USER_CARD_REMOVED_EARLY"
            }
            Self::SeveralThenEmpty => "USER_MULTIPLE_CARDS",
            Self::LimitThenChip => "LIM_READER_LIMIT",
            Self::StepUpTwice => "LIM_STEP_UP_REQUIRED",
            Self::PhoneThenWeak => "DEV_CDCVM_REQUIRED",
            Self::AsleepThenPin => "DEV_WALLET_NOT_READY",
        }
    }
}

impl<L: Write> Run<L> {
    /// One sale in which two things go wrong.
    pub fn together(&mut self, s: &mut Sale, what: Together) -> io::Result<()> {
        match what {
            Together::TornThenSilent => {
                self.torn(s)?;
                self.next_tap(s, 4 * S)?;
                self.online(s, Net::NoAnswer(None), "")?;
                let answered = self.w.rng.chance(850);
                self.w.reversal(s, answered)?;
                s.t += S;
                self.end_with(
                    s,
                    "reversed",
                    "HOST_RESPONSE_TIMEOUT",
                    "USER_CARD_REMOVED_EARLY",
                    "contactless",
                    "",
                )
            }
            Together::SeveralThenEmpty => {
                s.card.phone = false;
                self.poll(s)?;
                for _ in 0..2 {
                    self.collide(s)?;
                }
                self.next_tap_from(s, 3 * S, false)?;
                self.online(s, Net::Good, "51")?;
                self.refused(s)?;
                self.end_with(
                    s,
                    "declined_online",
                    "ISS_INSUFFICIENT_FUNDS",
                    "USER_MULTIPLE_CARDS",
                    "contactless",
                    "",
                )
            }
            Together::LimitThenChip => self.limit_then_chip(s),
            Together::StepUpTwice => {
                s.card.phone = false;
                self.poll(s)?;
                self.present(s, Mishap::None, 1500 * MS)?;
                self.online(s, Net::Good, "65")?;
                self.refused(s)?;
                self.end(
                    s,
                    "declined_online",
                    "LIM_STEP_UP_REQUIRED",
                    "contactless",
                    "",
                )?;
                self.next_attempt(s, true);
                self.next_tap_from(s, 4 * S, true)?;
                self.online(s, Net::Good, "65")?;
                self.refused(s)?;
                self.end_with(
                    s,
                    "declined_online",
                    "LIM_STEP_UP_REQUIRED",
                    "USER_DUPLICATE_TAP",
                    "contactless",
                    "",
                )?;
                self.chip(s)
            }
            Together::LateThenAgain => {
                self.poll(s)?;
                self.present(s, Mishap::None, 1500 * MS)?;
                self.online(s, Net::NoAnswer(Some(63)), "")?;
                s.t += 2 * S;
                self.end(s, "timed_out", "HOST_RESPONSE_TIMEOUT", "contactless", "")?;
                self.next_attempt(s, true);
                self.next_tap_from(s, 6 * S, true)?;
                self.online(s, Net::Good, "00")?;
                self.approved(s)?;
                self.end_with(
                    s,
                    "approved",
                    "",
                    "HOST_RESPONSE_TIMEOUT",
                    "contactless",
                    "",
                )
            }
            Together::PhoneThenWeak => {
                s.card.phone = true;
                self.poll(s)?;
                self.present(s, Mishap::Cdcvm, 1500 * MS)?;
                self.w.say(s.term, s.t, &Say::SeePhone)?;
                s.t += 300 * MS;
                self.end(s, "try_again", "DEV_CDCVM_REQUIRED", "contactless", "")?;
                self.next_tap(s, 5 * S)?;
                let rssi = -self.w.rng.range(84, 93);
                self.w.say(s.term, s.t, &Say::Signal { rssi })?;
                self.online(s, Net::Unacked, "")?;
                s.t += S;
                self.end_with(
                    s,
                    "timed_out",
                    "NET_WEAK_SIGNAL",
                    "DEV_CDCVM_REQUIRED",
                    "contactless",
                    "",
                )
            }
            Together::TornTwice => {
                self.torn(s)?;
                s.t += self.w.rng.range(2000, 5000) * MS;
                self.next_attempt(s, s.requested);
                self.w.reader_note(s.term, s.t, ReaderNote::FieldOn)?;
                self.present(s, Mishap::TornAtRecord, 1500 * MS)?;
                self.w.say(s.term, s.t, &Say::Torn)?;
                s.t += 300 * MS;
                self.end(s, "try_again", "USER_CARD_REMOVED_EARLY", "contactless", "")?;
                s.t += self.w.rng.range(2000, 5000) * MS;
                self.next_attempt(s, s.requested);
                self.w.reader_note(s.term, s.t, ReaderNote::FieldOn)?;
                self.good_with(s, "", "USER_CARD_REMOVED_EARLY", "")
            }
            Together::AsleepThenPin => {
                s.card.phone = true;
                self.poll(s)?;
                self.present(s, Mishap::NoPpse, 1500 * MS)?;
                self.w.say(s.term, s.t, &Say::NoPpse)?;
                s.t += 300 * MS;
                self.end(s, "aborted", "DEV_WALLET_NOT_READY", "contactless", "")?;
                self.next_tap(s, 5 * S)?;
                self.ask_pin(s)?;
                self.online(s, Net::Good, "55")?;
                self.refused(s)?;
                self.end_with(
                    s,
                    "declined_online",
                    "USER_PIN_WRONG",
                    "DEV_WALLET_NOT_READY",
                    "contactless",
                    "",
                )
            }
        }
    }

    fn online(&mut self, s: &mut Sale, net: Net, code: &str) -> io::Result<()> {
        let think = self.think();
        self.w.online(s, net, code, think).map(drop)
    }

    /// A tap that ends too soon.
    pub(super) fn torn(&mut self, s: &mut Sale) -> io::Result<()> {
        self.poll(s)?;
        self.present(s, Mishap::TornAtRecord, 1500 * MS)?;
        self.w.say(s.term, s.t, &Say::Torn)?;
        s.t += 300 * MS;
        self.end(s, "try_again", "USER_CARD_REMOVED_EARLY", "contactless", "")
    }

    pub(super) fn collide(&mut self, s: &mut Sale) -> io::Result<()> {
        s.t += self.w.rng.range(1500, 3500) * MS;
        let a = s.card.uid;
        let b = self.w.rng.bytes(4);
        let note = ReaderNote::Collision {
            a,
            b: [b[0] | 1, b[1], b[2], b[3]],
        };
        self.w.reader_note(s.term, s.t, note)?;
        self.w.say(s.term, s.t + 20 * MS, &Say::MultiCard)?;
        s.t += 800 * MS;
        self.end(s, "try_again", "USER_MULTIPLE_CARDS", "contactless", "")?;
        s.t += S;
        self.next_attempt(s, s.requested);
        self.w.reader_note(s.term, s.t, ReaderNote::FieldOn)
    }

    /// The next attempt of the sale: a complete tap after some time.
    pub(super) fn next_tap(&mut self, s: &mut Sale, wait: i64) -> io::Result<()> {
        s.t += wait;
        self.next_attempt(s, s.requested);
        self.next_tap_from(s, S, true)
    }

    fn next_tap_from(&mut self, s: &mut Sale, wait: i64, note: bool) -> io::Result<()> {
        s.entry = "072";
        s.pin = false;
        if note {
            self.w.reader_note(s.term, s.t, ReaderNote::FieldOn)?;
        }
        self.present(s, Mishap::None, wait)
    }

    fn limit_then_chip(&mut self, s: &mut Sale) -> io::Result<()> {
        let limit = self.w.fleet.terminals[s.term].limit;
        s.card.phone = false;
        s.t += 40 * MS;
        self.w.say(
            s.term,
            s.t,
            &Say::OverLimit {
                amount: s.amount,
                limit,
            },
        )?;
        s.t += 900 * MS;
        self.end(s, "other_interface", "LIM_READER_LIMIT", "contactless", "")?;
        self.w.say(s.term, s.t, &Say::AskChip)?;
        self.next_attempt(s, false);
        s.chip_data = ChipData::Right;
        for _ in 0..3 {
            s.t += self.w.rng.range(3000, 7000) * MS;
            self.w.say(s.term, s.t, &Say::ChipFail)?;
        }
        s.t += S;
        self.end_with(
            s,
            "aborted",
            "FBK_CONTACT_READ_FAILED",
            "LIM_READER_LIMIT",
            "contact",
            "",
        )
    }
}
