//! Sales that the network or a host ends.

use super::Run;
use crate::emv::Mishap;
use crate::online::{ChipData, Net, Sale};
use crate::say::Say;
use crate::time::{MS, S};
use crate::world::ReaderNote;
use std::io::{self, Write};

impl<L: Write> Run<L> {
    pub(super) fn host_refuses(
        &mut self,
        s: &mut Sale,
        cause: &str,
        code: &str,
        incident: &str,
    ) -> io::Result<()> {
        self.poll(s)?;
        let wait = self.w.rng.wait(2200 * MS) + 300 * MS;
        if cause == "CARD_EXPIRED" {
            let c = self.w.fleet.terminals[s.term].clock.local(s.t);
            s.card.expiry = format!("{:02}{:02}", c.y % 100 - 1, self.w.rng.range(1, 12));
        }
        s.chip_data = match cause {
            "ISS_CRYPTOGRAM_FAILED" => ChipData::Altered,
            "HOST_FORMAT_ERROR" => ChipData::Missing,
            _ => ChipData::Right,
        };
        self.present(s, Mishap::None, wait)?;
        let needs_pin = matches!(cause, "USER_PIN_WRONG" | "ISS_PIN_TRIES_EXCEEDED");
        if needs_pin || (s.amount > 100_000 && !s.card.phone && cause != "LIM_STEP_UP_REQUIRED") {
            self.ask_pin(s)?;
        }
        let think = match (cause, code) {
            ("ISS_UNAVAILABLE", "98" | "68") => self.w.rng.range(20_000, 26_000),
            (
                "HOST_SYSTEM_FAULT" | "HOST_MAINTENANCE" | "CFG_KEYS_INVALID" | "HOST_FORMAT_ERROR",
                _,
            ) => self.w.rng.range(40, 300),
            _ => self.think(),
        };
        self.w.online(s, Net::Good, code, think)?;
        self.refused(s)?;
        self.end(s, "declined_online", cause, "contactless", incident)?;
        match cause {
            "USER_PIN_WRONG" if self.w.rng.chance(700) => {
                self.next_attempt(s, true);
                s.entry = "072";
                self.w.reader_note(s.term, s.t, ReaderNote::FieldOn)?;
                self.present(s, Mishap::None, 3 * S)?;
                self.ask_pin(s)?;
                let think = self.think();
                self.w.online(s, Net::Good, "00", think)?;
                self.approved(s)?;
                self.end(s, "approved", "", "contactless", "")
            }
            "MER_MERCHANT_INVALID" | "MER_TERMINAL_UNREGISTERED"
                if !s.card.phone && self.w.rng.chance(450) =>
            {
                self.chip_with(s, code, cause, incident)
            }
            "MER_CONTACTLESS_NOT_ENABLED"
            | "LIM_STEP_UP_REQUIRED"
            | "ISS_CONTACTLESS_BLOCKED"
            | "MER_FEE_NOT_CONFIGURED"
                if !s.card.phone =>
            {
                self.afterwards(s, 800, 0)
            }
            "ISS_INSUFFICIENT_FUNDS"
            | "CARD_EXPIRED"
            | "ISS_CARD_RESTRICTED"
            | "ISS_RISK_DECLINE"
            | "ISS_ACCOUNT_INVALID" => self.afterwards(s, 0, 400),
            _ => Ok(()),
        }
    }

    pub(super) fn net_fails(
        &mut self,
        s: &mut Sale,
        cause: &str,
        net: Net,
        incident: &str,
    ) -> io::Result<()> {
        self.poll(s)?;
        let wait = self.w.rng.wait(2200 * MS) + 300 * MS;
        self.present(s, Mishap::None, wait)?;
        if cause == "NET_WEAK_SIGNAL" {
            let rssi = -self.w.rng.range(84, 93);
            self.w.say(s.term, s.t, &Say::Signal { rssi })?;
        }
        self.w.online(s, net, "00", 0)?;
        let mut outcome = "aborted";
        if s.requested {
            outcome = "timed_out";
            if net != Net::Unacked || self.w.rng.chance(500) {
                let answered = self.w.rng.chance(850);
                self.w.reversal(s, answered)?;
                outcome = "reversed";
            }
        }
        s.t += S;
        self.end(s, outcome, cause, "contactless", incident)
    }

    pub(super) fn congestion(&mut self, s: &mut Sale, r: u64, incident: &str) -> io::Result<()> {
        self.poll(s)?;
        self.present(s, Mishap::None, 1800 * MS)?;
        let timer = 60;
        let net = Net::Slow(
            (r % 3) as usize + 1,
            (r / 3 % 3) as usize + 1,
            Some(timer + 3 + (r / 9 % 9) as i64),
        );
        self.w.online(s, net, "00", 0)?;
        let answered = self.w.rng.chance(800);
        self.w.reversal(s, answered)?;
        self.end(s, "reversed", "NET_CONGESTION", "contactless", incident)
    }

    /// A slow but good sale in a congested hour.
    pub fn slow(&mut self, s: &mut Sale, incident: &str) -> io::Result<()> {
        self.poll(s)?;
        self.present(s, Mishap::None, 1800 * MS)?;
        let lost = self.w.rng.below(3) as usize;
        let think = self.think();
        self.w.online(s, Net::Slow(lost, 1, None), "00", think)?;
        self.approved(s)?;
        self.end(s, "approved", "", "contactless", incident)
    }

    pub(super) fn crash(&mut self, s: &mut Sale) -> io::Result<()> {
        self.poll(s)?;
        self.present(s, Mishap::None, 1800 * MS)?;
        s.t += 40 * MS;
        self.w.say(s.term, s.t, &Say::Crash)?;
        s.t += 2100 * MS;
        let (v, sn) = (
            self.w.fleet.terminals[s.term].version,
            self.w.fleet.terminals[s.term].serial.clone(),
        );
        self.w.say(
            s.term,
            s.t,
            &Say::Boot {
                version: v,
                serial: &sn,
            },
        )?;
        self.end(s, "aborted", "SW_APP_FAULT", "contactless", "")?;
        s.t += 8 * S;
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
        self.good(s, "")
    }
}
