//! Sales that end between card and reader.

use super::Run;
use crate::emv::Mishap;
use crate::online::{ChipData, Net, Sale};
use crate::say::Say;
use crate::time::{MS, S};
use crate::world::ReaderNote;
use std::io::{self, Write};

impl<L: Write> Run<L> {
    pub(super) fn no_field(
        &mut self,
        s: &mut Sale,
        cause: &str,
        say: &Say<'_>,
        outcome: &str,
        incident: &str,
    ) -> io::Result<()> {
        s.t += 40 * MS;
        self.w.say(s.term, s.t, say)?;
        if cause == "HW_READER_FAULT" && self.w.rng.chance(600) {
            self.w.say(s.term, s.t + 400 * MS, say)?;
        }
        s.t += self.w.rng.range(500, 2500) * MS;
        let interface = "contactless";
        s.card.phone = false;
        self.end(s, outcome, cause, interface, incident)?;
        if cause == "HW_PERIPHERAL_LINK" {
            s.t += self.w.rng.range(8, 30) * S;
            self.w.say(s.term, s.t, &Say::PeriphBack)?;
            return self.again(s, "");
        }
        let chip = if matches!(
            cause,
            "HW_SECURITY_TAMPER" | "SW_UPDATE_IN_PROGRESS" | "SW_OS_FAULT"
        ) {
            0
        } else {
            800
        };
        self.afterwards(s, chip, 0)
    }

    pub(super) fn card_fails(
        &mut self,
        s: &mut Sale,
        cause: &str,
        mishap: Mishap,
        say: &Say<'_>,
        incident: &str,
    ) -> io::Result<()> {
        self.poll(s)?;
        let wait = self.w.rng.wait(2200 * MS) + 300 * MS;
        if cause == "CARD_EXPIRED" {
            s.card.expiry = "2503".into();
        }
        self.present(s, mishap, wait)?;
        self.w.say(s.term, s.t, say)?;
        s.t += 300 * MS;
        let outcome = match cause {
            "USER_CARD_REMOVED_EARLY" | "DEV_CDCVM_REQUIRED" | "HW_RF_DEGRADED" | "SW_INTEROP" => {
                "try_again"
            }
            "CARD_REQUIRES_CONTACT" | "CFG_KERNEL_PARAMS" => "other_interface",
            "CARD_OFFLINE_DECLINED"
            | "CARD_ODA_FAILED"
            | "CFG_CAPK_MISSING"
            | "LIM_CVM_NOT_POSSIBLE"
            | "CARD_EXPIRED"
            | "SW_CLOCK_WRONG" => "declined_offline",
            _ => "aborted",
        };
        self.end(s, outcome, cause, "contactless", incident)?;
        match cause {
            "USER_CARD_REMOVED_EARLY" | "HW_RF_DEGRADED" if self.w.rng.chance(820) => {
                s.t += self.w.rng.range(1500, 6000) * MS;
                self.again(s, cause)
            }
            "DEV_CDCVM_REQUIRED" | "DEV_WALLET_NOT_READY" if self.w.rng.chance(850) => {
                s.t += self.w.rng.range(3000, 12_000) * MS;
                self.again(s, cause)
            }
            "CARD_REQUIRES_CONTACT"
            | "CARD_NOT_CONTACTLESS"
            | "CFG_KERNEL_PARAMS"
            | "CFG_CAPK_MISSING"
            | "SW_INTEROP" => self.afterwards(s, 750, 100),
            "CARD_BLOCKED"
            | "CARD_OFFLINE_DECLINED"
            | "CARD_EXPIRED"
            | "CFG_AID_MISSING"
            | "MER_SCHEME_NOT_ACCEPTED"
            | "CARD_DATA_INVALID" => self.afterwards(s, 100, 500),
            _ => Ok(()),
        }
    }

    /// The field is on, but no card is ever heard.
    pub(super) fn silent_reader(&mut self, s: &mut Sale, incident: &str) -> io::Result<()> {
        self.poll(s)?;
        let secs = self.w.rng.range(15, 40);
        s.t += secs * S;
        self.w.say(s.term, s.t, &Say::NoCard { secs })?;
        self.w.reader_note(s.term, s.t, ReaderNote::Off)?;
        self.end(s, "timed_out", "HW_READER_FAULT", "contactless", incident)?;
        s.card.phone = false;
        self.afterwards(s, 820, 0)
    }

    /// The kernel itself finds the amount too high, after the records.
    pub(super) fn limit_in_kernel(&mut self, s: &mut Sale) -> io::Result<()> {
        self.poll(s)?;
        let wait = self.w.rng.wait(2200 * MS) + 300 * MS;
        self.present(s, Mishap::StopAfterRecords, wait)?;
        let limit = self.w.fleet.terminals[s.term].limit;
        self.w.say(
            s.term,
            s.t,
            &Say::OverLimit {
                amount: s.amount,
                limit,
            },
        )?;
        s.t += 300 * MS;
        self.end(s, "other_interface", "LIM_READER_LIMIT", "contactless", "")?;
        self.afterwards(s, 850, 0)
    }

    /// A card whose antenna (or chip) is broken: nothing, or no answer to the activation.
    pub(super) fn mute_card(
        &mut self,
        s: &mut Sale,
        cause: &str,
        chip: bool,
        incident: &str,
    ) -> io::Result<()> {
        self.poll(s)?;
        for _ in 0..2 {
            s.t += self.w.rng.range(2500, 5000) * MS;
            if chip {
                self.w.reader_note(s.term, s.t, ReaderNote::NoAts)?;
                self.w.say(s.term, s.t + 30 * MS, &Say::RfError)?;
            }
        }
        s.t += 20 * S;
        self.w.say(s.term, s.t, &Say::NoCard { secs: 30 })?;
        self.w.reader_note(s.term, s.t, ReaderNote::Off)?;
        self.end(s, "timed_out", cause, "contactless", incident)?;
        if !chip {
            return self.chip(s);
        }
        self.w.say(s.term, s.t, &Say::AskChip)?;
        self.next_attempt(s, false);
        for _ in 0..2 {
            s.t += 6 * S;
            self.w.say(s.term, s.t, &Say::ChipFail)?;
        }
        s.t += S;
        self.end(s, "aborted", cause, "contact", incident)
    }

    /// The tap is sent to another interface, and that fails as well.
    pub(super) fn fallback(&mut self, s: &mut Sale, cause: &str) -> io::Result<()> {
        self.poll(s)?;
        let wait = self.w.rng.wait(2200 * MS) + 300 * MS;
        self.present(s, Mishap::Gpo(0x6984), wait)?;
        self.w.say(s.term, s.t, &Say::NeedsContact)?;
        s.t += 300 * MS;
        self.end(
            s,
            "other_interface",
            "CARD_REQUIRES_CONTACT",
            "contactless",
            "",
        )?;
        self.w.say(s.term, s.t, &Say::AskChip)?;
        self.next_attempt(s, false);
        for _ in 0..3 {
            s.t += self.w.rng.range(3000, 7000) * MS;
            self.w.say(s.term, s.t, &Say::ChipFail)?;
        }
        s.t += S;
        self.end(s, "aborted", "FBK_CONTACT_READ_FAILED", "contact", "")?;
        if cause == "FBK_CONTACT_READ_FAILED" {
            return Ok(());
        }
        self.next_attempt(s, false);
        s.t += 5 * S;
        if cause == "FBK_MAGSTRIPE_READ_FAILED" {
            for _ in 0..3 {
                s.t += 3 * S;
                self.w.say(s.term, s.t, &Say::SwipeFail)?;
            }
            s.t += S;
            return self.end(s, "aborted", cause, "magstripe", "");
        }
        self.w.say(s.term, s.t, &Say::Swiped)?;
        s.entry = "022";
        s.chip_data = ChipData::Missing;
        let think = self.think();
        self.w.online(s, Net::Good, "45", think)?;
        self.refused(s)?;
        self.end(s, "declined_online", cause, "magstripe", "")
    }

    pub(super) fn several_cards(&mut self, s: &mut Sale) -> io::Result<()> {
        self.poll(s)?;
        s.t += self.w.rng.wait(2 * S);
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
        if self.w.rng.chance(900) {
            s.t += self.w.rng.range(2000, 6000) * MS;
            return self.again(s, "");
        }
        Ok(())
    }

    pub(super) fn abandoned(&mut self, s: &mut Sale, r: u64) -> io::Result<()> {
        self.poll(s)?;
        s.card.pan.clear();
        if r.is_multiple_of(2) {
            s.t += self.w.rng.range(4, 25) * S;
            self.w.say(s.term, s.t, &Say::Cancelled)?;
            self.w.reader_note(s.term, s.t, ReaderNote::Off)?;
            return self.end(s, "cancelled", "USER_ABANDONED", "contactless", "");
        }
        s.t += 60 * S;
        self.w.say(s.term, s.t, &Say::NoCard { secs: 60 })?;
        self.w.reader_note(s.term, s.t, ReaderNote::Off)?;
        self.end(s, "timed_out", "USER_ABANDONED", "contactless", "")
    }

    pub(super) fn poor_placement(&mut self, s: &mut Sale) -> io::Result<()> {
        self.poll(s)?;
        let n = self.w.rng.range(2, 3);
        for k in 0..n {
            let wait = if k == 0 { 1500 * MS } else { 500 * MS };
            let at = self.w.rng.below(3) as u8;
            self.present(s, Mishap::RfError(at), wait)?;
            self.w.say(s.term, s.t, &Say::RfError)?;
            s.t += 200 * MS;
        }
        self.w.say(s.term, s.t, &Say::Retap)?;
        self.end(s, "try_again", "USER_POOR_PLACEMENT", "contactless", "")?;
        s.t += 400 * MS;
        self.again(s, "")
    }

    pub(super) fn duplicate(&mut self, s: &mut Sale) -> io::Result<()> {
        self.poll(s)?;
        self.good(s, "")?;
        s.t += self.w.rng.range(6, 20) * S;
        self.next_attempt(s, true);
        let tid = self.w.fleet.terminals[s.term].tid.clone();
        self.w.say(
            s.term,
            s.t,
            &Say::SaleStart {
                amount: s.amount,
                stan: s.stan,
                tid: &tid,
            },
        )?;
        self.poll(s)?;
        self.present(s, Mishap::None, 1500 * MS)?;
        let think = self.think();
        let code = if self.w.rng.chance(650) { "94" } else { "00" };
        self.w.online(s, Net::Good, code, think)?;
        if code == "94" {
            self.refused(s)?;
            return self.end(
                s,
                "declined_online",
                "USER_DUPLICATE_TAP",
                "contactless",
                "",
            );
        }
        self.approved(s)?;
        self.end(s, "approved", "USER_DUPLICATE_TAP", "contactless", "")
    }
}
