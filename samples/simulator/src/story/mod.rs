//! Turns a cause into what a customer, a card, a terminal, the network and a host do in one sale.

mod local;
mod remote;
pub mod script;
mod together;

pub use together::Together;

use crate::emv::{Ask, Mishap, Tap, contact, tap};
use crate::fleet::{Card, Scheme, card};
use crate::labels::{self, End};
use crate::online::{ChipData, Net, Sale};
use crate::say::Say;
use crate::time::{MS, Micros};
use crate::world::{ReaderNote, Saw, World};
use std::io::{self, Write};

/// A running simulation.
#[derive(Debug)]
pub struct Run<L: Write> {
    /// The world.
    pub w: World,
    /// `labels.csv`.
    pub labels: L,
    /// Sales so far.
    pub sales: u64,
    /// Attempts so far.
    pub attempts: u64,
    /// Attempts by cause.
    pub tally: std::collections::BTreeMap<String, u64>,
}

/// Failures that the host reports after a complete tap: cause and codes.
pub const BY_HOST: &[(&str, &[&str])] = &[
    ("ISS_INSUFFICIENT_FUNDS", &["51"]),
    ("ISS_RISK_DECLINE", &["05", "01", "59"]),
    ("ISS_CARD_RESTRICTED", &["41", "43", "62"]),
    ("ISS_ACCOUNT_INVALID", &["14", "21"]),
    ("ISS_PIN_TRIES_EXCEEDED", &["38", "75"]),
    ("ISS_CRYPTOGRAM_FAILED", &["34", "82"]),
    ("ISS_CONTACTLESS_BLOCKED", &["57"]),
    ("ISS_UNAVAILABLE", &["91", "98", "68"]),
    ("LIM_ISSUER_AMOUNT", &["61"]),
    ("LIM_STEP_UP_REQUIRED", &["65", "1A", "70", "55"]),
    ("USER_PIN_WRONG", &["55"]),
    ("CARD_EXPIRED", &["54"]),
    ("MER_CONTACTLESS_NOT_ENABLED", &["58"]),
    ("MER_TERMINAL_UNREGISTERED", &["97"]),
    ("MER_MERCHANT_INVALID", &["03"]),
    ("MER_FEE_NOT_CONFIGURED", &["23"]),
    ("MER_SESSION_STATE", &["77"]),
    ("CFG_KEYS_INVALID", &["A0"]),
    ("HOST_SYSTEM_FAULT", &["96"]),
    ("HOST_MAINTENANCE", &["90"]),
    ("HOST_FORMAT_ERROR", &["30"]),
];

/// Failures of the network: cause and what happens.
pub const BY_NET: &[(&str, &[Net])] = &[
    ("NET_HOST_UNREACHABLE", &[Net::SynLost, Net::Refused]),
    ("NET_DNS_FAILURE", &[Net::Dns(Some(2)), Net::Dns(None)]),
    (
        "NET_TLS_HANDSHAKE",
        &[Net::Tls(true, 70), Net::Tls(true, 40)],
    ),
    ("NET_TLS_CERT", &[Net::Tls(false, 48), Net::Tls(false, 45)]),
    ("NET_BLOCKED", &[Net::Denied(13), Net::Denied(10)]),
    ("NET_NO_LINK", &[Net::LinkDown]),
    ("NET_CONN_DROPPED", &[Net::ResetMid]),
    ("NET_WEAK_SIGNAL", &[Net::Unacked]),
    (
        "CFG_HOST_ADDRESS",
        &[
            Net::WrongAddress(0),
            Net::WrongAddress(1),
            Net::WrongAddress(2),
        ],
    ),
    (
        "HOST_RESPONSE_TIMEOUT",
        &[Net::NoAnswer(None), Net::NoAnswer(Some(75))],
    ),
];

/// Failures between card and reader: cause, mishaps, what the terminal says.
fn at_card(cause: &str, card: &Card, r: u64) -> Option<(Mishap, Say<'static>)> {
    let scheme = card.scheme;
    let torn = [
        Mishap::TornAtRecord,
        Mishap::TornAtGpo,
        Mishap::TornAtRecord,
        Mishap::TornAtAc,
    ];
    Some(match cause {
        "USER_CARD_REMOVED_EARLY" if scheme == Scheme::Mastercard => {
            (torn[(r % 4) as usize], Say::Torn)
        }
        "USER_CARD_REMOVED_EARLY" => (torn[(r % 3) as usize], Say::Torn),
        "CARD_NOT_CONTACTLESS" if r.is_multiple_of(3) => (Mishap::TransportOnly, Say::NoAid),
        "CARD_NOT_CONTACTLESS" => (Mishap::NoPpse, Say::NoPpse),
        "DEV_WALLET_NOT_READY" => (Mishap::NoPpse, Say::NoPpse),
        "DEV_CDCVM_REQUIRED" => (Mishap::Cdcvm, Say::SeePhone),
        "CARD_BLOCKED" if r.is_multiple_of(2) => (Mishap::CardBlocked, Say::CardBlocked),
        "CARD_BLOCKED" => (Mishap::AppBlocked, Say::AppBlocked),
        "CARD_DATA_INVALID" if scheme == Scheme::Mastercard && r.is_multiple_of(2) => {
            (Mishap::MissingTag, Say::DataError { missing: true })
        }
        "CARD_DATA_INVALID" => (Mishap::RecordError, Say::DataError { missing: false }),
        "CARD_OFFLINE_DECLINED" => (Mishap::Aac, Say::CardDeclined),
        "CARD_ODA_FAILED" => (Mishap::OdaFailed, Say::OdaFailed),
        "CARD_REQUIRES_CONTACT" => (Mishap::Gpo(0x6984), Say::NeedsContact),
        "CARD_EXPIRED" => (Mishap::ExpiredAac, Say::Expired),
        "SW_CLOCK_WRONG" => (Mishap::ExpiredAac, Say::Expired),
        "SW_KERNEL_OUTDATED" => (Mishap::KernelEight, Say::KernelUnsupported),
        "SW_INTEROP" => (Mishap::L1Protocol, Say::L1Protocol),
        "CFG_AID_MISSING" => (Mishap::NoCommonAid, Say::NoAid),
        "MER_SCHEME_NOT_ACCEPTED" => (Mishap::NoCommonAid, Say::SchemeRefused),
        "CFG_CAPK_MISSING" => (
            Mishap::OdaFailed,
            Say::CapkMissing {
                rid: scheme.rid(),
                index: card.capk,
            },
        ),
        "CFG_KERNEL_PARAMS" => (Mishap::BadTtq, Say::Sw6985),
        "LIM_CVM_NOT_POSSIBLE" => (Mishap::CtqPin, Say::CvmImpossible),
        "HW_RF_DEGRADED" => (Mishap::RfError((r % 4) as u8), Say::RfError),
        _ => return None,
    })
}

/// What the reader says of a card that never got as far as a dialogue.
fn before_card(cause: &str, s: &Sale, limit: u64) -> Option<(Say<'static>, &'static str)> {
    Some(match cause {
        "LIM_READER_LIMIT" => (
            Say::OverLimit {
                amount: s.amount,
                limit,
            },
            "other_interface",
        ),
        "CFG_LIMIT_MISSET" => (
            Say::OverLimit {
                amount: s.amount,
                limit: 0,
            },
            "other_interface",
        ),
        "CFG_CONTACTLESS_OFF" => (Say::CtlsOff, "other_interface"),
        "HW_NO_CONTACTLESS" => (Say::NoCtls, "other_interface"),
        "HW_READER_FAULT" => (Say::RfInitFail, "aborted"),
        "SW_UPDATE_IN_PROGRESS" => (Say::Update { percent: 45 }, "aborted"),
        "SW_OS_FAULT" => (Say::ServiceDead, "aborted"),
        "HW_PERIPHERAL_LINK" => (Say::PeriphLost, "aborted"),
        "HW_SECURITY_TAMPER" => (Say::Tamper, "aborted"),
        "MER_CASHIER_ERROR" => (Say::ChipOnlyMenu, "other_interface"),
        _ => return None,
    })
}

impl<L: Write> Run<L> {
    fn end(
        &mut self,
        s: &Sale,
        outcome: &str,
        cause: &str,
        interface: &str,
        incident: &str,
    ) -> io::Result<()> {
        self.end_with(s, outcome, cause, "", interface, incident)
    }

    fn end_with(
        &mut self,
        s: &Sale,
        outcome: &str,
        cause: &str,
        contributing: &str,
        interface: &str,
        incident: &str,
    ) -> io::Result<()> {
        let failed = outcome != "approved";
        let e = End {
            outcome,
            failed,
            cause,
            contributing,
            interface,
            incident,
        };
        labels::row(&mut self.labels, &self.w, s, &e)?;
        self.attempts += 1;
        *self
            .tally
            .entry(if cause.is_empty() {
                "-".into()
            } else {
                cause.to_string()
            })
            .or_default() += 1;
        self.w.saw = Saw::default();
        Ok(())
    }

    fn next_attempt(&mut self, s: &mut Sale, new_stan: bool) {
        s.attempt += 1;
        s.start = s.t;
        s.tap = Tap::default();
        s.f39.clear();
        s.rrn.clear();
        s.auth.clear();
        s.requested = false;
        s.reversed = false;
        s.chip_data = ChipData::Right;
        s.atc += 1;
        if new_stan {
            let tm = &mut self.w.fleet.terminals[s.term];
            tm.stan = tm.stan % 999_999 + 1;
            s.stan = tm.stan;
        }
    }

    /// Opens a sale.
    pub fn begin(
        &mut self,
        term: usize,
        t: Micros,
        card: Card,
        amount: u64,
        atc: u16,
    ) -> io::Result<Sale> {
        self.sales += 1;
        let tm = &mut self.w.fleet.terminals[term];
        tm.stan = tm.stan % 999_999 + 1;
        let (stan, tid) = (tm.stan, tm.tid.clone());
        let s = Sale {
            term,
            card,
            amount,
            stan,
            t,
            id: self.sales,
            attempt: 1,
            start: t,
            atc,
            entry: "072",
            pin: false,
            tap: Tap::default(),
            rrn: String::new(),
            auth: String::new(),
            f39: String::new(),
            requested: false,
            reversed: false,
            chip_data: ChipData::Right,
        };
        self.w.saw = Saw::default();
        self.w.say(
            term,
            t,
            &Say::SaleStart {
                amount,
                stan,
                tid: &tid,
            },
        )?;
        Ok(s)
    }

    fn poll(&mut self, s: &mut Sale) -> io::Result<()> {
        self.w.say(s.term, s.t + 12 * MS, &Say::AskCard)?;
        s.t += 40 * MS;
        if self.w.rng.chance(600) {
            self.w.say(s.term, s.t, &Say::FieldOn)?;
        }
        self.w.reader_note(s.term, s.t + MS, ReaderNote::FieldOn)
    }

    fn uid(&mut self, s: &Sale) -> [u8; 4] {
        if s.card.phone {
            let r = self.w.rng.bytes(3);
            [0x08, r[0], r[1], r[2]]
        } else {
            s.card.uid
        }
    }

    /// A card comes into the field and talks.
    fn present(&mut self, s: &mut Sale, mishap: Mishap, wait: i64) -> io::Result<()> {
        s.t += wait;
        let uid = self.uid(s);
        self.w.say(
            s.term,
            s.t + 18 * MS,
            &Say::CardFound {
                uid: &crate::iso::hex(&uid),
            },
        )?;
        self.w.reader_note(
            s.term,
            s.t,
            ReaderNote::Activated {
                uid,
                sak: if s.card.phone { 0x20 } else { 0x28 },
            },
        )?;
        let date = self.w.fleet.terminals[s.term].clock.local(s.t);
        let ttq = match s.card.scheme {
            Scheme::UnionPay if mishap == Mishap::BadTtq => [0x86, 0, 0, 0x80],
            _ if mishap == Mishap::BadTtq => [0x86, 0, 0x40, 0],
            _ if mishap == Mishap::CtqPin => [0x22, 0x40, 0, 0],
            Scheme::UnionPay => [0x36, if s.amount > 100_000 { 0x40 } else { 0 }, 0, 0x80],
            _ => [0x36, if s.amount > 100_000 { 0x40 } else { 0 }, 0x40, 0],
        };
        let ask = Ask {
            amount: s.amount,
            date,
            ttq,
            card: &s.card,
            atc: s.atc,
            mishap,
        };
        s.tap = tap(&ask, &mut self.w.rng);
        let steps = std::mem::take(&mut s.tap.steps);
        let end = self.w.dialogue(s.term, s.t + 25 * MS, &steps, false)?;
        s.t = end;
        if steps.last().is_some_and(|l| l.rsp.is_none()) {
            let note = match mishap {
                Mishap::RfError(_) => ReaderNote::Garbled,
                Mishap::L1Protocol => ReaderNote::Protocol,
                _ => ReaderNote::Lost,
            };
            self.w.reader_note(s.term, s.t, note)?;
            s.t += self.w.rng.range(10, 300) * MS;
        }
        if s.tap.complete {
            let arqc = s
                .tap
                .cryptogram
                .map(|c| crate::iso::hex(&c))
                .unwrap_or_default();
            let (pan, kernel, cid) = (s.card.pan.clone(), s.card.scheme.kernel(), s.tap.cid);
            self.w.say(
                s.term,
                s.t,
                &Say::ReadOk {
                    pan: &pan,
                    kernel,
                    arqc: &arqc,
                    cid,
                },
            )?;
        }
        self.w.reader_note(s.term, s.t + 60 * MS, ReaderNote::Off)?;
        if s.tap.complete && self.w.rng.chance(350) {
            let gone = s.t + self.w.rng.range(200, 1500) * MS;
            self.w.say(s.term, gone, &Say::Removed)?;
        }
        s.t += 15 * MS;
        Ok(())
    }

    fn ask_pin(&mut self, s: &mut Sale) -> io::Result<()> {
        self.w.say(s.term, s.t, &Say::PinAsk)?;
        s.t += self.w.rng.range(3000, 9000) * MS;
        self.w.say(s.term, s.t, &Say::PinDone)?;
        s.pin = true;
        s.entry = if s.entry.starts_with("05") {
            "051"
        } else {
            "071"
        };
        Ok(())
    }

    fn think(&mut self) -> i64 {
        if self.w.rng.chance(60) {
            self.w.rng.range(900, 4000)
        } else {
            self.w.rng.range(120, 700)
        }
    }

    fn approved(&mut self, s: &mut Sale) -> io::Result<()> {
        let (rrn, auth) = (s.rrn.clone(), s.auth.clone());
        self.w.say(
            s.term,
            s.t,
            &Say::Approved {
                rrn: &rrn,
                auth: &auth,
                amount: s.amount,
                stan: s.stan,
            },
        )?;
        if self.w.rng.chance(800) {
            self.w.say(s.term, s.t + 900 * MS, &Say::Printed)?;
        }
        s.t += 1500 * MS;
        Ok(())
    }

    fn refused(&mut self, s: &mut Sale) -> io::Result<()> {
        let f39 = s.f39.clone();
        self.w.say(s.term, s.t, &Say::Refused { f39: &f39 })?;
        s.t += 900 * MS;
        Ok(())
    }

    /// A tap that goes well, to its end.
    pub fn good(&mut self, s: &mut Sale, incident: &str) -> io::Result<()> {
        self.good_with(s, "", "", incident)
    }

    fn good_with(
        &mut self,
        s: &mut Sale,
        cause: &str,
        contributing: &str,
        incident: &str,
    ) -> io::Result<()> {
        let wait = self.w.rng.wait(2200 * MS) + 300 * MS;
        s.pin = false;
        s.entry = "072";
        self.present(s, Mishap::None, wait)?;
        if s.amount > 100_000 && !s.card.phone {
            self.ask_pin(s)?;
        }
        let think = self.think();
        self.w.online(s, Net::Good, "00", think)?;
        self.approved(s)?;
        self.end_with(s, "approved", cause, contributing, "contactless", incident)
    }

    /// The chip goes in after the tap failed.
    pub fn chip(&mut self, s: &mut Sale) -> io::Result<()> {
        self.chip_with(s, "00", "", "")
    }

    fn chip_with(
        &mut self,
        s: &mut Sale,
        code: &str,
        cause: &str,
        incident: &str,
    ) -> io::Result<()> {
        self.w.say(s.term, s.t, &Say::AskChip)?;
        s.t += 400 * MS;
        self.next_attempt(s, s.requested);
        s.t += self.w.rng.range(4000, 15_000) * MS;
        self.w.say(s.term, s.t, &Say::ChipIn)?;
        let date = self.w.fleet.terminals[s.term].clock.local(s.t);
        let ask = Ask {
            amount: s.amount,
            date,
            ttq: [0; 4],
            card: &s.card,
            atc: s.atc,
            mishap: Mishap::None,
        };
        s.tap = contact(&ask, &mut self.w.rng);
        let steps = std::mem::take(&mut s.tap.steps);
        self.w
            .reader_note(s.term, s.t + 250 * MS, ReaderNote::Reset)?;
        s.t = self.w.dialogue(s.term, s.t + 300 * MS, &steps, true)?;
        s.entry = "052";
        self.ask_pin(s)?;
        let think = self.think();
        self.w.online(s, Net::Good, code, think)?;
        if code != "00" {
            self.refused(s)?;
            return self.end(s, "declined_online", cause, "contact", incident);
        }
        self.approved(s)?;
        self.end(s, "approved", "", "contact", "")
    }

    fn again(&mut self, s: &mut Sale, why: &str) -> io::Result<()> {
        self.next_attempt(s, s.requested);
        self.w.reader_note(s.term, s.t, ReaderNote::FieldOn)?;
        let _ = why;
        self.good_with(s, "", "", "")
    }

    /// Another card saves the sale.
    fn other_card(&mut self, s: &mut Sale) -> io::Result<()> {
        s.t += self.w.rng.range(4000, 9000) * MS;
        self.next_attempt(s, s.requested);
        let n = self.w.rng.below(self.w.fleet.cards);
        // A card that is taken everywhere.
        s.card = card(self.w.seed, n, Some(Scheme::UnionPay), false);
        s.atc = s.card.atc;
        self.w.say(s.term, s.t, &Say::AskCard)?;
        self.good_with(s, "", "", "")
    }

    /// How a customer goes on after a refusal.
    fn afterwards(&mut self, s: &mut Sale, chip: u32, other: u32) -> io::Result<()> {
        let x = self.w.rng.below(1000) as u32;
        if x < chip {
            self.chip(s)
        } else if x < chip + other {
            self.other_card(s)
        } else {
            Ok(())
        }
    }

    /// One sale that goes wrong for this cause.
    pub fn fail(&mut self, s: &mut Sale, cause: &str, incident: &str) -> io::Result<()> {
        let r = self.w.rng.draw() >> 20;
        if let Some((_, codes)) = BY_HOST.iter().find(|(c, _)| *c == cause)
            && !(cause == "CARD_EXPIRED"
                && s.card.scheme == Scheme::Mastercard
                && r.is_multiple_of(2))
        {
            return self.host_refuses(s, cause, codes[(r % codes.len() as u64) as usize], incident);
        }
        if let Some((_, nets)) = BY_NET.iter().find(|(c, _)| *c == cause) {
            let net = nets[(r % nets.len() as u64) as usize];
            return self.net_fails(s, cause, net, incident);
        }
        if cause == "HW_READER_FAULT" && s.term % 2 == 1 {
            return self.silent_reader(s, incident);
        }
        if cause == "LIM_READER_LIMIT" && s.card.scheme == Scheme::Mastercard && r.is_multiple_of(2)
        {
            return self.limit_in_kernel(s);
        }
        let limit = self.w.fleet.terminals[s.term].limit;
        if let Some((say, outcome)) = before_card(cause, s, limit) {
            return self.no_field(s, cause, &say, outcome, incident);
        }
        if let Some((mishap, say)) = at_card(cause, &s.card, r) {
            return self.card_fails(s, cause, mishap, &say, incident);
        }
        match cause {
            "USER_MULTIPLE_CARDS" => self.several_cards(s),
            "USER_ABANDONED" => self.abandoned(s, r),
            "USER_POOR_PLACEMENT" => self.poor_placement(s),
            "USER_DUPLICATE_TAP" => self.duplicate(s),
            "CARD_ANTENNA_FAULT" => self.mute_card(s, cause, false, incident),
            "CARD_CHIP_DAMAGED" => self.mute_card(s, cause, true, incident),
            "FBK_CONTACT_READ_FAILED" | "FBK_MAGSTRIPE_READ_FAILED" | "FBK_REFUSED" => {
                self.fallback(s, cause)
            }
            "SW_APP_FAULT" => self.crash(s),
            "NET_CONGESTION" => self.congestion(s, r, incident),
            _ => self.good(s, incident),
        }
    }

    /// An ordinary sale.
    pub fn ordinary(&mut self, s: &mut Sale, incident: &str) -> io::Result<()> {
        self.poll(s)?;
        self.good(s, incident)
    }
}
