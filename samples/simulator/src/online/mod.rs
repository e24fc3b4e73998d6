//! Turns an authorisation into messages, frames, log lines of both ends, and a result.

mod connect;
mod host_log;

use crate::emv::{Ask, Tap, field55};
use crate::fleet::{Card, Host};
use crate::iso::{Msg, hex};
use crate::net::{host_end, host_name};
use crate::say::Say;
use crate::time::{MS, Micros, S, civil};
use crate::world::World;
use std::io;

/// What the network and the host do to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Net {
    /// Nothing.
    Good,
    /// Name query answered with this code, or not at all.
    Dns(Option<u8>),
    /// Connect unanswered.
    SynLost,
    /// Connect refused.
    Refused,
    /// Connect denied by ICMP with this code.
    Denied(u8),
    /// TLS ended by an alert from the server or the terminal.
    Tls(bool, u8),
    /// Request acknowledged, no answer; a late one after so many seconds.
    NoAnswer(Option<i64>),
    /// Request never acknowledged.
    Unacked,
    /// Connection reset after the request.
    ResetMid,
    /// No network at all.
    LinkDown,
    /// Another address than everyone's: unanswered, refused, or a name that does not exist.
    WrongAddress(u8),
    /// Slow path: lost SYNs, resent requests, answer late after so many seconds if any.
    Slow(usize, usize, Option<i64>),
}

/// The sale under way.
#[derive(Debug, Clone)]
pub struct Sale {
    /// Terminal.
    pub term: usize,
    /// Card.
    pub card: Card,
    /// Minor units.
    pub amount: u64,
    /// Trace number of the current request.
    pub stan: u32,
    /// Now.
    pub t: Micros,
    /// Number of the sale.
    pub id: u64,
    /// Attempt, from 1.
    pub attempt: u32,
    /// When this attempt began.
    pub start: Micros,
    /// Counter of the next presentment.
    pub atc: u16,
    /// Entry mode, with the PIN digit.
    pub entry: &'static str,
    /// PIN block goes along.
    pub pin: bool,
    /// Dialogue of this attempt.
    pub tap: Tap,
    /// Reference number of the host.
    pub rrn: String,
    /// Approval code.
    pub auth: String,
    /// Response code.
    pub f39: String,
    /// A request was made.
    pub requested: bool,
    /// The reversal was sent.
    pub reversed: bool,
    /// What the terminal's software does to field 55.
    pub chip_data: ChipData,
}

/// How field 55 is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChipData {
    /// As the card gave it.
    Right,
    /// With another unpredictable number.
    Altered,
    /// Not at all.
    Missing,
}

impl World {
    fn request(&mut self, s: &Sale, mti: &'static str) -> Msg {
        let m = self.fleet.merchant_of(s.term).clone();
        let tm = &self.fleet.terminals[s.term];
        let shown = tm.clock.local(s.t);
        let (tid, serial, batch) = (tm.tid.clone(), tm.serial.clone(), tm.batch);
        let one = m.host == Host::One;
        let mut q = Msg::new(mti);
        q.t(3, "000000")
            .t(4, format!("{:012}", s.amount))
            .t(11, format!("{:06}", s.stan));
        if !one || mti == "0400" {
            q.t(2, &s.card.pan);
        }
        if !one {
            q.t(
                7,
                format!(
                    "{:02}{:02}{:02}{:02}{:02}",
                    shown.mo, shown.d, shown.h, shown.mi, shown.s
                ),
            );
            q.t(12, format!("{:02}{:02}{:02}", shown.h, shown.mi, shown.s))
                .t(13, format!("{:02}{:02}", shown.mo, shown.d));
            q.t(32, "90000021");
        }
        q.t(14, &s.card.expiry)
            .t(22, s.entry)
            .t(23, format!("{:03}", s.card.psn))
            .t(25, "00");
        if s.pin && mti == "0200" {
            let block = self.rng.bytes(8);
            q.b(52, block).t(26, "12").t(53, "2600000000000000");
        }
        if mti == "0200" {
            q.t(
                35,
                format!(
                    "{}{}{}20100000",
                    s.card.pan,
                    if one { "D" } else { "=" },
                    s.card.expiry
                ),
            );
        }
        q.t(41, &tid).t(42, &m.mid).t(49, "156");
        if s.tap.cryptogram.is_some() && mti == "0200" && s.chip_data != ChipData::Missing {
            let ask = Ask {
                amount: s.amount,
                date: shown,
                ttq: [0; 4],
                card: &s.card,
                atc: s.tap.atc,
                mishap: crate::emv::Mishap::None,
            };
            let mut sent = s.tap.clone();
            if s.chip_data == ChipData::Altered {
                sent.un = [0, 0, 0, sent.un[3]];
            }
            q.b(55, field55(&ask, &sent, &serial, s.stan));
        }
        let reading = if s.entry.starts_with("02") {
            "52"
        } else {
            "60"
        };
        q.t(60, format!("22{batch:06}000{reading}"));
        if mti == "0400" {
            q.t(39, "98").t(61, format!("{batch:06}{:06}", s.stan));
        }
        if one {
            let mac = hex(&self.rng.bytes(4)).into_bytes();
            q.b(64, mac);
        }
        q
    }

    /// Sends the request and waits. True when an answer came in time.
    pub fn online(&mut self, s: &mut Sale, net: Net, f39: &str, think_ms: i64) -> io::Result<bool> {
        let host = self.fleet.merchant_of(s.term).host;
        s.f39.clear();
        s.t += self.rng.range(30, 120) * MS;
        let Some(mut c) = self.connect(s, net)? else {
            return Ok(false);
        };
        let tls = self.fleet.terminals[s.term].tls;
        s.t = c.t + 2 * MS;
        s.requested = true;
        let q = self.request(s, "0200");
        let plain = encode(host, &q, true);
        let n = plain.len();
        let data = self.sealed(plain, tls);
        self.say(
            s.term,
            s.t - MS,
            &Say::Sent {
                mti: "0200",
                stan: s.stan,
                bytes: n,
            },
        )?;
        c.t = s.t;
        let timer = if host == Host::One { 60 } else { 30 };
        if net == Net::Unacked {
            self.up_unacked(&mut c, &data, timer)?;
            s.t = c.t;
            self.saw.iso |= self.saw.net && !tls;
            self.say(s.term, s.t, &Say::ReadTimeout { secs: timer })?;
            return Ok(false);
        }
        let resend = if let Net::Slow(_, r, _) = net {
            r
        } else {
            usize::from(self.rng.chance(15))
        };
        self.up(&mut c, &data, resend)?;
        self.saw.iso |= self.saw.net && !tls;
        let arrived = c.t - c.rtt / 2;
        let late = match net {
            Net::NoAnswer(l) | Net::Slow(_, _, l) => l,
            _ => None,
        };
        let silent =
            matches!(net, Net::NoAnswer(_)) || (matches!(net, Net::Slow(..)) && late.is_some());
        if net == Net::ResetMid {
            let at = c.t + self.rng.range(300, 2500) * MS;
            self.host_lines(host, &q, None, arrived, s)?;
            self.reset(&mut c, false, at, 126)?;
            s.t = at + c.rtt / 2 + MS;
            self.say(s.term, s.t, &Say::ConnLost)?;
            return Ok(false);
        }
        s.rrn = format!(
            "{:02}{:010}",
            (s.t / crate::time::DAY) % 100,
            self.rng.below(10_000_000_000)
        );
        s.auth = if f39 == "00" {
            format!("{:06}", self.rng.below(1_000_000))
        } else {
            String::new()
        };
        if silent {
            s.t += timer * S;
            let code = if late.is_some() { "00" } else { "" };
            if let Some(secs) = late {
                let at = arrived + secs * S;
                let r = reply(&q, "0210", code, &s.rrn, &s.auth, at);
                let d = encode(host, &r, false);
                let d = self.sealed(d, tls);
                self.host_lines(
                    host,
                    &q,
                    Some((&r, at - MS)),
                    if matches!(net, Net::Slow(..)) {
                        at - 400 * MS
                    } else {
                        arrived
                    },
                    s,
                )?;
                let end = s.t;
                c.t = end;
                self.half_close(&mut c)?;
                self.down_late(&mut c, at, &d)?;
            } else {
                self.host_lines(host, &q, None, arrived, s)?;
                c.t = s.t;
                self.close(&mut c)?;
            }
            s.rrn.clear();
            s.auth.clear();
            self.say(s.term, s.t, &Say::ReadTimeout { secs: timer })?;
            return Ok(false);
        }
        let at = arrived + think_ms * MS;
        let r = reply(&q, "0210", f39, &s.rrn, &s.auth, at);
        let plain = encode(host, &r, false);
        let n = plain.len();
        let d = self.sealed(plain, tls);
        self.host_lines(host, &q, Some((&r, at - MS)), arrived, s)?;
        self.down(&mut c, at, &d)?;
        s.t = c.t + 3 * MS;
        s.f39 = f39.to_string();
        let rrn = s.rrn.clone();
        self.say(
            s.term,
            s.t,
            &Say::Received {
                mti: "0210",
                f39,
                rrn: &rrn,
                bytes: n,
            },
        )?;
        self.close(&mut c)?;
        s.t += 80 * MS;
        Ok(true)
    }

    /// An answer that finds the connection closed.
    fn down_late(&mut self, c: &mut crate::net::Tcp, at: Micros, d: &[u8]) -> io::Result<()> {
        self.down_only(c, at, d)?;
        self.reset(c, true, at + c.rtt / 2 + MS, 64)
    }

    /// Takes back what may have been booked.
    pub fn reversal(&mut self, s: &mut Sale, answered: bool) -> io::Result<()> {
        let host = self.fleet.merchant_of(s.term).host;
        let tls = self.fleet.terminals[s.term].tls;
        self.say(s.term, s.t + 30 * MS, &Say::Reversal { stan: s.stan })?;
        s.t += self.rng.range(500, 3000) * MS;
        let mut c = self.tcp(s.term, Some(host), host_end(host), s.t);
        self.open(&mut c, 0)?;
        if tls {
            self.tls_open(&mut c, host_name(host), false, None)?;
        }
        let q = self.request(s, "0400");
        let d = encode(host, &q, true);
        let n = d.len();
        self.say(
            s.term,
            c.t,
            &Say::Sent {
                mti: "0400",
                stan: s.stan,
                bytes: n,
            },
        )?;
        let d = self.sealed(d, tls);
        self.up(&mut c, &d, 0)?;
        s.reversed = true;
        let arrived = c.t - c.rtt / 2;
        if answered {
            let rrn = format!("{:012}", self.rng.below(1_000_000_000_000));
            let at = arrived + self.rng.range(150, 700) * MS;
            let r = reply(&q, "0410", "00", &rrn, "", at);
            let d = encode(host, &r, false);
            let d = self.sealed(d, tls);
            self.host_lines(host, &q, Some((&r, at - MS)), arrived, s)?;
            self.down(&mut c, at, &d)?;
            s.t = c.t + 5 * MS;
            self.say(s.term, s.t, &Say::ReversalDone { stan: s.stan })?;
        } else {
            self.host_lines(host, &q, None, arrived, s)?;
            s.t = c.t + 2 * S;
        }
        self.close(&mut c)
    }
}

fn reply(q: &Msg, mti: &'static str, f39: &str, rrn: &str, auth: &str, at: Micros) -> Msg {
    let c = civil(at + crate::time::ZONE);
    let mut r = Msg::new(mti);
    for n in [3, 4, 7, 11, 25, 32, 41, 42, 49] {
        let v = q.text(n);
        if !v.is_empty() {
            r.t(n, v);
        }
    }
    r.t(12, format!("{:02}{:02}{:02}", c.h, c.mi, c.s))
        .t(13, format!("{:02}{:02}", c.mo, c.d));
    r.t(37, rrn).t(39, f39);
    if !auth.is_empty() {
        r.t(38, auth);
    }
    r
}

fn encode(host: Host, m: &Msg, up: bool) -> Vec<u8> {
    match host {
        Host::One => m.unionpay(up),
        Host::TwoHex => m.ascii(true),
        Host::TwoBin => m.ascii(false),
    }
}
