//! Turns the twenty-five scenario scripts of the domain reference into what every party does: who fails, why, and what misleads.

use super::Run;
use crate::day::{Incident, Scope};
use crate::emv::Mishap;
use crate::fleet::{Card, Scheme, card};
use crate::online::{Net, Sale};
use crate::say::Say;
use crate::time::{DAY, H, MS, Micros, S};
use crate::world::ReaderNote;
use std::io::{self, Write};

/// One script.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// `SC01` to `SC25`.
    pub id: &'static str,
    /// What happens.
    pub title: &'static str,
    /// The cause that must be found, empty where nothing failed in the end.
    pub truth: &'static str,
    /// Causes that play a part.
    pub contributing: &'static [&'static str],
    /// Terminals of each site of each merchant.
    pub layout: &'static [&'static [usize]],
}

const fn script(
    id: &'static str,
    title: &'static str,
    truth: &'static str,
    contributing: &'static [&'static str],
    layout: &'static [&'static [usize]],
) -> Script {
    Script {
        id,
        title,
        truth,
        contributing,
        layout,
    }
}

/// All scripts.
#[rustfmt::skip]
pub const SCRIPTS: &[Script] = &[
    script("SC01", "A tap that goes well", "", &[], &[&[2]]),
    script("SC02", "The phone must be unlocked first", "DEV_CDCVM_REQUIRED", &["DEV_CDCVM_REQUIRED"], &[&[2]]),
    script("SC03", "A reader module fails at one merchant and is replaced", "HW_READER_FAULT", &[], &[&[3], &[2]]),
    script("SC04", "A promotion clogs the uplink of a mall", "NET_CONGESTION", &[], &[&[24], &[3], &[3], &[4], &[3], &[3]]),
    script("SC05", "Taken away too soon, then well", "USER_CARD_REMOVED_EARLY", &["USER_CARD_REMOVED_EARLY"], &[&[2]]),
    script("SC06", "Taken away too soon, and then the network is slow", "NET_CONGESTION", &["USER_CARD_REMOVED_EARLY"], &[&[6], &[4]]),
    script("SC07", "The card has expired", "CARD_EXPIRED", &[], &[&[3]]),
    script("SC08", "The terminal's clock is wrong: cards look expired", "SW_CLOCK_WRONG", &[], &[&[3]]),
    script("SC09", "Above the contactless limit, then the chip", "LIM_READER_LIMIT", &[], &[&[3]]),
    script("SC10", "The limit is zero after a download", "CFG_LIMIT_MISSET", &[], &[&[8, 8], &[8]]),
    script("SC11", "One terminal lacks an application", "CFG_AID_MISSING", &[], &[&[3], &[2]]),
    script("SC12", "The merchant is not enabled for taps", "MER_CONTACTLESS_NOT_ENABLED", &[], &[&[3], &[3]]),
    script("SC13", "The issuer has switched taps off for one card", "ISS_CONTACTLESS_BLOCKED", &[], &[&[3], &[3]]),
    script("SC14", "The host is under maintenance", "HOST_MAINTENANCE", &[], &[&[6], &[6], &[6]]),
    script("SC15", "The host is silent for a minute", "HOST_RESPONSE_TIMEOUT", &[], &[&[8], &[8], &[8]]),
    script("SC16", "One issuer times out", "ISS_UNAVAILABLE", &[], &[&[6], &[6]]),
    script("SC17", "A firewall blocks one site", "NET_BLOCKED", &[], &[&[9], &[4], &[4]]),
    script("SC18", "Old terminals do not trust the new certificate", "NET_TLS_CERT", &[], &[&[4], &[4]]),
    script("SC19", "A host name is misspelt on one terminal", "CFG_HOST_ADDRESS", &[], &[&[4]]),
    script("SC20", "A PIN is asked for; tapped again without", "LIM_STEP_UP_REQUIRED", &["USER_DUPLICATE_TAP"], &[&[2]]),
    script("SC21", "The approval comes too late; tapped again", "HOST_RESPONSE_TIMEOUT", &[], &[&[2]]),
    script("SC22", "The card asks for the chip", "CARD_REQUIRES_CONTACT", &[], &[&[2]]),
    script("SC23", "Two cards in the wallet", "USER_MULTIPLE_CARDS", &["USER_MULTIPLE_CARDS"], &[&[2]]),
    script("SC24", "A loose antenna", "HW_RF_DEGRADED", &[], &[&[4]]),
    script("SC25", "The application crashes after the tap", "SW_APP_FAULT", &[], &[&[3]]),
];

impl<L: Write> Run<L> {
    /// Plays one script on the day that begins at `zero`; the incidents that it holds.
    pub fn play(&mut self, script: &Script, zero: Micros) -> io::Result<Vec<Incident>> {
        let ten = zero + 10 * H;
        let mut crowd = Vec::new();
        let mut incident = |cause, scope, from, to| {
            crowd.push(Incident {
                id: "INC0001".into(),
                cause,
                scope,
                from,
                to,
                share: 1000,
                hit: 1,
                phase: 2,
            });
        };
        match script.id {
            "SC01" => self.goods(&[0, 1], ten, 75 * S, 20)?,
            "SC02" | "SC05" | "SC09" | "SC20" | "SC21" | "SC22" | "SC23" | "SC25" | "SC07" => {
                self.goods(&[1, 0], ten, 75 * S, 8)?;
                self.one_sale(script.id, ten + 14 * 60 * S)?;
                self.goods(&[0, 1], ten + 25 * 60 * S, 75 * S, 8)?;
            }
            "SC03" => {
                incident(
                    "HW_READER_FAULT",
                    Scope::Terminal(0),
                    ten + 42 * 60 * S,
                    ten + 332 * 60 * S,
                );
                self.reader_fault(ten)?;
            }
            "SC04" => {
                incident(
                    "NET_CONGESTION",
                    Scope::Site(0),
                    zero + 12 * H,
                    zero + 12 * H + 50 * 60 * S,
                );
                self.promotion(zero)?;
            }
            "SC06" => {
                incident(
                    "NET_CONGESTION",
                    Scope::Site(0),
                    ten + 600 * S,
                    ten + 1800 * S,
                );
                self.slow_and_torn(ten)?;
            }
            "SC08" => {
                incident("SW_CLOCK_WRONG", Scope::Terminal(0), ten, ten + H);
                self.clock_wrong(ten)?;
            }
            "SC10" => {
                incident("CFG_LIMIT_MISSET", Scope::Fleet, ten, ten + 3 * H);
                self.limit_misset(ten)?;
            }
            "SC11" => {
                incident("CFG_AID_MISSING", Scope::Terminal(0), ten, ten + 3 * H);
                self.aid_missing(ten)?;
            }
            "SC12" => {
                incident(
                    "MER_CONTACTLESS_NOT_ENABLED",
                    Scope::Merchant(0),
                    zero,
                    zero + DAY,
                );
                for k in 0..7_usize {
                    let t = ten + k as i64 * 400 * S;
                    let c = self.some_card(500 + k as u64, Some(Scheme::UnionPay));
                    let mut s = self.sale_of(k % 3, t, c, 6600)?;
                    self.host_refuses(&mut s, "MER_CONTACTLESS_NOT_ENABLED", "58", "INC0001")?;
                    self.goods(&[3, 4, 5], t + 30 * S, 70 * S, 3)?;
                }
            }
            "SC13" => {
                for (k, term) in [0_usize, 3].into_iter().enumerate() {
                    let t = ten + k as i64 * 2 * H;
                    self.goods(&[0, 1, 2, 3, 4, 5], t - 900 * S, 60 * S, 12)?;
                    let mut c = self.some_card(77, Some(Scheme::UnionPay));
                    c.phone = false;
                    let mut s = self.sale_of(term, t, c, 8800)?;
                    s.atc += k as u16 * 4;
                    self.poll(&mut s)?;
                    self.present(&mut s, Mishap::None, 1500 * MS)?;
                    self.w.online(&mut s, Net::Good, "57", 400)?;
                    self.refused(&mut s)?;
                    self.end(
                        &s,
                        "declined_online",
                        "ISS_CONTACTLESS_BLOCKED",
                        "contactless",
                        "",
                    )?;
                    self.chip(&mut s)?;
                    self.goods(&[0, 1, 2, 3, 4, 5], t + 300 * S, 60 * S, 12)?;
                }
            }
            "SC14" => {
                let night = zero + 23 * H;
                incident("HOST_MAINTENANCE", Scope::Fleet, night, night + 510 * S);
                let all: Vec<usize> = (0..18).collect();
                self.goods(&all, night - 900 * S, 20 * S, 40)?;
                for k in 0..40 {
                    let t = night + k * 12 * S;
                    let mut s = self.some_sale(k as usize % 18, t)?;
                    if k * 12 < 90 {
                        self.net_fails(&mut s, "HOST_MAINTENANCE", Net::Refused, "INC0001")?;
                    } else {
                        self.host_refuses(&mut s, "HOST_MAINTENANCE", "90", "INC0001")?;
                    }
                }
                self.goods(&all, night + 525 * S, 20 * S, 40)?;
            }
            "SC15" => {
                let all: Vec<usize> = (0..24).collect();
                self.goods(&all, ten - 600 * S, 15 * S, 36)?;
                for k in 0..3_usize {
                    let mut s = self.some_sale(k * 8, ten + k as i64 * 8 * S)?;
                    self.net_fails(&mut s, "HOST_RESPONSE_TIMEOUT", Net::NoAnswer(None), "")?;
                    let rest: Vec<usize> = (1..8).map(|x| k * 8 + x).collect();
                    self.goods(&rest, ten + k as i64 * 8 * S, 4 * S, 7)?;
                }
                self.goods(&all, ten + 200 * S, 15 * S, 36)?;
            }
            "SC16" => {
                let two = zero + 14 * H;
                incident("ISS_UNAVAILABLE", Scope::Issuer(0), two, two + 25 * 60 * S);
                let all: Vec<usize> = (0..12).collect();
                self.goods(&all, two - 1200 * S, 30 * S, 36)?;
                for k in 0..60_usize {
                    let t = two + k as i64 * 25 * S;
                    let c = self.some_card(900 + k as u64, None);
                    let hit = c.issuer == 0 && k % 11 != 7;
                    let mut s = self.sale_of(k % 12, t, c, 4500)?;
                    if hit {
                        self.host_refuses(&mut s, "ISS_UNAVAILABLE", "98", "INC0001")?;
                    } else {
                        self.ordinary(&mut s, "")?;
                    }
                }
                self.goods(&all, two + 1600 * S, 30 * S, 36)?;
            }
            "SC17" => {
                incident("NET_BLOCKED", Scope::Site(0), ten, ten + 3 * H);
                self.blocked_site(ten)?;
            }
            "SC18" => {
                incident("NET_TLS_CERT", Scope::Fleet, zero + 2 * H, ten + 2 * H);
                self.new_certificate(ten)?;
            }
            "SC19" => {
                for k in 0..8_i64 {
                    let t = ten + k * 500 * S;
                    let mut s = self.some_sale(0, t)?;
                    self.net_fails(&mut s, "CFG_HOST_ADDRESS", Net::WrongAddress(2), "")?;
                    self.goods(&[1, 2, 3], t + 60 * S, 90 * S, 4)?;
                }
            }
            "SC24" => {
                incident("HW_RF_DEGRADED", Scope::Terminal(0), ten, ten + 5 * H);
                for k in 0..60_usize {
                    let t = ten + k as i64 * 300 * S;
                    let mut s = self.some_sale(0, t)?;
                    if k % 20 < 9 {
                        self.fail(&mut s, "HW_RF_DEGRADED", "INC0001")?;
                    } else {
                        self.ordinary(&mut s, "")?;
                    }
                    self.goods(&[1, 2, 3], t + 20 * S, 70 * S, 3)?;
                }
            }
            _ => {}
        }
        Ok(crowd)
    }

    fn some_card(&self, index: u64, want: Option<Scheme>) -> Card {
        card(self.w.seed, index, want, false)
    }

    fn sale_of(&mut self, term: usize, t: Micros, c: Card, amount: u64) -> io::Result<Sale> {
        let t = t.max(self.w.fleet.terminals[term].free);
        self.w.noise_lines(term, t - 60 * S, 55 * S, 3)?;
        let atc = c.atc;
        let s = self.begin(term, t, c, amount, atc)?;
        self.w.fleet.terminals[term].free = t + 90 * S;
        Ok(s)
    }

    fn some_sale(&mut self, term: usize, t: Micros) -> io::Result<Sale> {
        let n = self.w.rng.below(self.w.fleet.cards);
        let c = self.some_card(n, None);
        let amount = self.w.rng.range(500, 30_000) as u64;
        self.sale_of(term, t, c, amount)
    }

    /// `n` ordinary sales in turn at these terminals.
    fn goods(&mut self, terms: &[usize], from: Micros, step: i64, n: usize) -> io::Result<()> {
        for k in 0..n {
            let Some(&term) = terms.get(k % terms.len().max(1)) else {
                return Ok(());
            };
            let t = from + k as i64 * step + self.w.rng.range(0, step / 3);
            let mut s = self.some_sale(term, t)?;
            self.ordinary(&mut s, "")?;
        }
        Ok(())
    }

    /// The scripts that are about one sale.
    fn one_sale(&mut self, id: &str, t: Micros) -> io::Result<()> {
        use super::Together;
        let want = match id {
            "SC02" => Some(Scheme::Mastercard),
            "SC07" | "SC20" => Some(Scheme::Visa),
            _ => Some(Scheme::UnionPay),
        };
        let mut c = self.some_card(4242, want);
        c.phone = id == "SC02";
        let amount = match id {
            "SC09" => 500_000,
            "SC02" => 35_000,
            "SC05" => 1200,
            _ => 4500,
        };
        let mut s = self.sale_of(0, t, c, amount)?;
        match id {
            "SC02" => {
                self.poll(&mut s)?;
                self.present(&mut s, Mishap::Cdcvm, 1200 * MS)?;
                self.w.say(s.term, s.t, &Say::SeePhone)?;
                s.t += 300 * MS;
                self.end(&s, "try_again", "DEV_CDCVM_REQUIRED", "contactless", "")?;
                s.t += 4500 * MS;
                self.played_out(&mut s, "DEV_CDCVM_REQUIRED")
            }
            "SC05" => {
                self.torn(&mut s)?;
                s.t += 3 * S;
                self.played_out(&mut s, "USER_CARD_REMOVED_EARLY")
            }
            "SC07" => {
                self.host_refuses(&mut s, "CARD_EXPIRED", "54", "")?;
                let c = self.some_card(4343, Some(Scheme::Mastercard));
                let mut s = self.sale_of(1, t + 300 * S, c, amount)?;
                self.card_fails(
                    &mut s,
                    "CARD_EXPIRED",
                    Mishap::ExpiredAac,
                    &Say::Expired,
                    "",
                )
            }
            "SC09" => {
                let over = Say::OverLimit {
                    amount,
                    limit: 100_000,
                };
                s.t += 50 * MS;
                self.w.say(s.term, s.t, &over)?;
                s.t += 900 * MS;
                self.end(&s, "other_interface", "LIM_READER_LIMIT", "contactless", "")?;
                self.chip(&mut s)
            }
            "SC20" => self.together(&mut s, Together::StepUpTwice),
            "SC21" => self.together(&mut s, Together::LateThenAgain),
            "SC22" => {
                self.poll(&mut s)?;
                self.present(&mut s, Mishap::Gpo(0x6984), 1200 * MS)?;
                self.w.say(s.term, s.t, &Say::NeedsContact)?;
                s.t += 300 * MS;
                self.end(
                    &s,
                    "other_interface",
                    "CARD_REQUIRES_CONTACT",
                    "contactless",
                    "",
                )?;
                self.chip(&mut s)
            }
            "SC23" => {
                self.poll(&mut s)?;
                for _ in 0..2 {
                    self.collide(&mut s)?;
                }
                s.t += 2 * S;
                self.good_with(&mut s, "", "USER_MULTIPLE_CARDS", "")
            }
            _ => self.crash(&mut s),
        }
    }

    /// The next tap of the sale is good.
    fn played_out(&mut self, s: &mut Sale, contributing: &str) -> io::Result<()> {
        self.next_attempt(s, s.requested);
        self.w.reader_note(s.term, s.t, ReaderNote::FieldOn)?;
        self.good_with(s, "", contributing, "")
    }

    fn reader_fault(&mut self, ten: Micros) -> io::Result<()> {
        self.goods(&[0, 1, 2, 3, 4], ten - H, 40 * S, 120)?;
        for k in 0..14_i64 {
            let t = ten + (42 + k * 20) * 60 * S;
            let mut s = self.some_sale(0, t)?;
            self.no_field(
                &mut s,
                "HW_READER_FAULT",
                &Say::RfInitFail,
                "aborted",
                "INC0001",
            )?;
            self.goods(&[1, 2, 3, 4], t + 30 * S, 200 * S, 5)?;
        }
        self.w.say(0, ten + 332 * 60 * S, &Say::Repaired)?;
        self.w.fleet.terminals[0].free = ten + 333 * 60 * S;
        self.goods(&[0, 1, 2], ten + 334 * 60 * S, 60 * S, 45)
    }

    fn promotion(&mut self, zero: Micros) -> io::Result<()> {
        let (noon, over) = (zero + 12 * H, zero + 12 * H + 50 * 60 * S);
        let mall: Vec<usize> = (0..24).collect();
        self.goods(&mall, noon - 40 * 60 * S, 20 * S, 120)?;
        let others: Vec<usize> = (24..40).collect();
        self.goods(&others, noon - 40 * 60 * S, 27 * S, 260)?;
        let inject = [
            ("CARD_EXPIRED", 6_usize),
            ("ISS_INSUFFICIENT_FUNDS", 9),
            ("USER_CARD_REMOVED_EARLY", 5),
            ("LIM_READER_LIMIT", 3),
        ];
        let mut extra: Vec<&str> = inject
            .iter()
            .flat_map(|(cause, n)| std::iter::repeat_n(*cause, *n))
            .collect();
        self.w.rng.shuffle(&mut extra);
        let n = 460_usize;
        for k in 0..n {
            let t = noon + k as i64 * (over - noon) / n as i64;
            let term = k % 24;
            if self.w.fleet.terminals[term].free > t + 30 * S {
                continue;
            }
            let mut s = self.some_sale(term, t)?;
            if k % 20 == 7
                && let Some(cause) = extra.pop()
            {
                if cause == "LIM_READER_LIMIT" {
                    s.amount = 130_000;
                }
                self.fail(&mut s, cause, "")?;
            } else if self.w.rng.chance(340) {
                let r = self.w.rng.draw() >> 20;
                self.congestion(&mut s, r, "INC0001")?;
            } else {
                self.slow(&mut s, "")?;
            }
            self.w.fleet.terminals[term].free = s.t + 10 * S;
        }
        self.goods(&mall, over + 90 * S, 20 * S, 90)
    }

    fn slow_and_torn(&mut self, ten: Micros) -> io::Result<()> {
        self.goods(&[0, 1, 2, 3, 4, 5], ten - 900 * S, 40 * S, 36)?;
        self.goods(&[6, 7, 8, 9], ten - 900 * S, 40 * S, 80)?;
        for k in 0..30_usize {
            let t = ten + 600 * S + k as i64 * 40 * S;
            let term = k % 6;
            if term == 0 {
                continue;
            }
            let mut s = self.some_sale(term, t)?;
            if k % 3 == 0 {
                let r = self.w.rng.draw() >> 20;
                self.congestion(&mut s, r, "INC0001")?;
            } else {
                self.slow(&mut s, "")?;
            }
        }
        let mut c = self.some_card(4242, Some(Scheme::UnionPay));
        c.phone = false;
        let mut s = self.sale_of(0, ten + 1000 * S, c, 4500)?;
        self.poll(&mut s)?;
        self.present(&mut s, Mishap::TornAtGpo, 1200 * MS)?;
        self.w.say(s.term, s.t, &Say::Torn)?;
        s.t += 300 * MS;
        self.end(
            &s,
            "try_again",
            "USER_CARD_REMOVED_EARLY",
            "contactless",
            "",
        )?;
        self.next_tap(&mut s, 3 * S)?;
        let net = Net::Slow(2, 3, Some(66));
        self.w.online(&mut s, net, "00", 0)?;
        self.w.reversal(&mut s, true)?;
        self.end_with(
            &s,
            "reversed",
            "NET_CONGESTION",
            "USER_CARD_REMOVED_EARLY",
            "contactless",
            "INC0001",
        )?;
        self.goods(&[0, 1, 2, 3, 4, 5], ten + 2000 * S, 40 * S, 30)
    }

    fn clock_wrong(&mut self, ten: Micros) -> io::Result<()> {
        self.goods(&[0, 1, 2], ten - H, 90 * S, 36)?;
        let skew = 9 * 365 * DAY;
        let version = self.w.fleet.terminals[0].version;
        let serial = self.w.fleet.terminals[0].serial.clone();
        self.w.fleet.terminals[0].clock.offset += skew;
        let boot = Say::Boot {
            version,
            serial: &serial,
        };
        self.w.say(0, ten, &boot)?;
        for k in 0..6_u64 {
            let t = ten + (1 + k as i64 * 9) * 60 * S;
            let mut c = self.some_card(600 + k, Some(Scheme::Mastercard));
            c.phone = false;
            let mut s = self.sale_of(0, t, c.clone(), 5000)?;
            self.card_fails(
                &mut s,
                "SW_CLOCK_WRONG",
                Mishap::ExpiredAac,
                &Say::Expired,
                "INC0001",
            )?;
            // The same card is fine next door.
            c.atc += 5;
            let mut s = self.sale_of(1 + k as usize % 2, t + 200 * S, c, 5000)?;
            self.ordinary(&mut s, "")?;
        }
        self.w.fleet.terminals[0].clock.offset -= skew;
        self.w.say(0, ten + H, &Say::ClockSet { was: "2035" })?;
        self.goods(&[0, 1, 2], ten + H + 60 * S, 90 * S, 24)
    }

    fn limit_misset(&mut self, ten: Micros) -> io::Result<()> {
        let all: Vec<usize> = (0..24).collect();
        self.goods(&all, ten - H, 30 * S, 96)?;
        for term in 0..18 {
            let set = Say::Params {
                version: 37,
                limit: 0,
            };
            self.w.say(term, ten - 20 * S, &set)?;
        }
        for k in 0..72_usize {
            let t = ten + k as i64 * 100 * S;
            let term = k % 24;
            let mut s = self.some_sale(term, t)?;
            if term < 18 {
                let over = Say::OverLimit {
                    amount: s.amount,
                    limit: 0,
                };
                self.no_field(
                    &mut s,
                    "CFG_LIMIT_MISSET",
                    &over,
                    "other_interface",
                    "INC0001",
                )?;
            } else {
                self.ordinary(&mut s, "")?;
            }
        }
        Ok(())
    }

    fn aid_missing(&mut self, ten: Micros) -> io::Result<()> {
        self.w.say(0, ten - 300 * S, &Say::ParamFail)?;
        for k in 0..7_u64 {
            let t = ten + k as i64 * 900 * S;
            let c = self.some_card(700 + k, Some(Scheme::Mastercard));
            let mut s = self.sale_of(0, t, c, 5000)?;
            self.card_fails(
                &mut s,
                "CFG_AID_MISSING",
                Mishap::NoCommonAid,
                &Say::NoAid,
                "INC0001",
            )?;
            for (j, term) in [1_usize, 2, 0].into_iter().enumerate() {
                let want = if term == 0 {
                    Scheme::UnionPay
                } else {
                    Scheme::Mastercard
                };
                let c = self.some_card(800 + k * 3 + j as u64, Some(want));
                let mut s = self.sale_of(term, t + (2 + j as i64) * 100 * S, c, 5000)?;
                self.ordinary(&mut s, "")?;
            }
        }
        Ok(())
    }

    fn blocked_site(&mut self, ten: Micros) -> io::Result<()> {
        let site: Vec<usize> = (0..9).collect();
        let others: Vec<usize> = (9..17).collect();
        self.goods(&site, ten - 2 * H, 200 * S, 30)?;
        self.goods(&others, ten - 2 * H, 100 * S, 190)?;
        for k in 0..27_usize {
            let t = ten + k as i64 * 400 * S;
            let term = k % 9;
            let mut s = self.some_sale(term, t)?;
            let net = if k % 3 == 0 {
                Net::Denied(13)
            } else {
                Net::SynLost
            };
            self.net_fails(&mut s, "NET_BLOCKED", net, "INC0001")?;
            self.w.background(term, t + 60 * S)?;
        }
        self.goods(&site, ten + 3 * H + 60 * S, 120 * S, 18)
    }

    fn new_certificate(&mut self, ten: Micros) -> io::Result<()> {
        for t in 0..8_usize {
            let tm = &mut self.w.fleet.terminals[t];
            tm.tls = true;
            tm.version = if t % 2 == 0 { "4.1.0" } else { "5.2.8" };
        }
        for term in 0..8 {
            let version = self.w.fleet.terminals[term].version;
            let serial = self.w.fleet.terminals[term].serial.clone();
            let boot = Say::Boot {
                version,
                serial: &serial,
            };
            self.w.say(term, ten - 3 * H + term as i64 * S, &boot)?;
        }
        for k in 0..40_usize {
            let t = ten + k as i64 * 150 * S;
            let term = k % 8;
            let mut s = self.some_sale(term, t)?;
            if term % 2 == 0 {
                self.net_fails(&mut s, "NET_TLS_CERT", Net::Tls(false, 48), "INC0001")?;
            } else {
                self.ordinary(&mut s, "")?;
            }
        }
        Ok(())
    }
}
