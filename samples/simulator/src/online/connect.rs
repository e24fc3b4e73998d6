//! What comes before a request: the connection, and signing on.

use super::{Net, Sale, encode};
use crate::fleet::Host;
use crate::iso::Msg;
use crate::net::{host_end, host_name};
use crate::say::Say;
use crate::time::{MS, Micros, S, civil};
use crate::world::World;
use std::io;

impl World {
    /// Opens what the request needs. `None` when that already failed (and was said).
    pub(super) fn connect(
        &mut self,
        s: &mut Sale,
        net: Net,
    ) -> io::Result<Option<crate::net::Tcp>> {
        let host = self.fleet.merchant_of(s.term).host;
        let end = host_end(host);
        let tm = &self.fleet.terminals[s.term];
        let (tls, by_name) = (tm.tls || matches!(net, Net::Tls(..)), tm.by_name);
        let fresh = tm.resolved > s.t;
        let ip = format!("{}.{}.{}.{}", end.ip[0], end.ip[1], end.ip[2], end.ip[3]);
        let name = host_name(host);
        if net == Net::LinkDown {
            self.say(s.term, s.t, &Say::LinkDown)?;
            s.t += 400 * MS;
            return Ok(None);
        }
        if let Net::WrongAddress(kind) = net {
            return self.wrong_address(s, host, kind).map(|()| None);
        }
        if let Net::Dns(code) = net {
            self.say(
                s.term,
                s.t,
                &Say::Online {
                    host: name,
                    port: end.port,
                },
            )?;
            s.t = self.dns(s.term, s.t + 3 * MS, name, code, end.ip)?;
            if code.is_some() {
                s.t = self.dns(s.term, s.t, name, code, end.ip)?;
            }
            self.say(s.term, s.t, &Say::DnsFail { name })?;
            return Ok(None);
        }
        self.say(
            s.term,
            s.t,
            &Say::Online {
                host: if by_name { name } else { &ip },
                port: end.port,
            },
        )?;
        s.t += 4 * MS;
        if by_name && !fresh {
            s.t = self.dns(s.term, s.t, name, Some(0), end.ip)?;
            self.fleet.terminals[s.term].resolved = s.t + 600 * S;
        }
        let mut c = self.tcp(s.term, Some(host), end, s.t);
        match net {
            Net::SynLost => {
                self.open_unanswered(&mut c, 10)?;
                s.t = c.t;
                self.say(
                    s.term,
                    s.t,
                    &Say::ConnectTimeout {
                        host: &ip,
                        port: end.port,
                        secs: 10,
                    },
                )?;
                return Ok(None);
            }
            Net::Refused => {
                self.open_refused(&mut c)?;
                s.t = c.t + MS;
                self.say(
                    s.term,
                    s.t,
                    &Say::ConnectRefused {
                        host: &ip,
                        port: end.port,
                    },
                )?;
                return Ok(None);
            }
            Net::Denied(code) => {
                self.open_denied(&mut c, code)?;
                s.t = c.t + MS;
                self.say(
                    s.term,
                    s.t,
                    &Say::ConnectDenied {
                        host: &ip,
                        port: end.port,
                    },
                )?;
                return Ok(None);
            }
            Net::Slow(lost, _, _) => {
                c.rtt *= self.rng.range(8, 30);
                self.open(&mut c, lost)?;
            }
            _ => self.open(&mut c, 0)?,
        }
        if tls {
            let alert = if let Net::Tls(server, n) = net {
                Some((server, n))
            } else {
                None
            };
            self.tls_open(&mut c, name, matches!(net, Net::Tls(true, _)), alert)?;
            if let Net::Tls(_, n) = net {
                s.t = c.t + 2 * MS;
                let what = if matches!(n, 40 | 70 | 71) {
                    Say::TlsHandshake
                } else {
                    Say::TlsCert { expired: n == 45 }
                };
                self.say(s.term, s.t, &what)?;
                return Ok(None);
            }
        }
        let ms = (c.t - s.t) / MS;
        self.say(s.term, c.t + MS, &Say::Connected { ms })?;
        Ok(Some(c))
    }

    /// A terminal with a mistyped host.
    pub(super) fn wrong_address(&mut self, s: &mut Sale, host: Host, kind: u8) -> io::Result<()> {
        let mut end = host_end(host);
        if kind == 2 {
            let name = host_name(host).replacen("acq", "aqc", 1);
            self.say(
                s.term,
                s.t,
                &Say::Online {
                    host: &name,
                    port: end.port,
                },
            )?;
            for _ in 0..2 {
                s.t = self.dns(s.term, s.t + 3 * MS, &name, Some(3), end.ip)?;
            }
            return self.say(s.term, s.t, &Say::DnsFail { name: &name });
        }
        end.ip[3] = 55;
        end.port -= 1000;
        let ip = format!("{}.{}.{}.{}", end.ip[0], end.ip[1], end.ip[2], end.ip[3]);
        self.say(
            s.term,
            s.t,
            &Say::Online {
                host: &ip,
                port: end.port,
            },
        )?;
        // The wrong address is not the host's: only the site can see it.
        let mut c = self.tcp(s.term, None, end, s.t + 4 * MS);
        if kind == 0 {
            self.open_unanswered(&mut c, 10)?;
            s.t = c.t;
            self.say(
                s.term,
                s.t,
                &Say::ConnectTimeout {
                    host: &ip,
                    port: end.port,
                    secs: 10,
                },
            )
        } else {
            self.open_refused(&mut c)?;
            s.t = c.t + MS;
            self.say(
                s.term,
                s.t,
                &Say::ConnectRefused {
                    host: &ip,
                    port: end.port,
                },
            )
        }
    }

    /// Signs a terminal on: a management message that is no payment.
    pub fn sign_on(&mut self, term: usize, t: Micros, f39: &str) -> io::Result<()> {
        let host = self.fleet.merchant_of(term).host;
        let mid = self.fleet.merchant_of(term).mid.clone();
        let tm = &mut self.fleet.terminals[term];
        tm.stan = tm.stan % 999_999 + 1;
        let (tid, stan, batch, tls) = (tm.tid.clone(), tm.stan, tm.batch, tm.tls);
        let mut q = Msg::new("0800");
        q.t(11, format!("{stan:06}"))
            .t(41, &tid)
            .t(42, &mid)
            .t(60, format!("00{batch:06}003"))
            .t(63, "001");
        let mut c = self.tcp(term, Some(host), host_end(host), t);
        self.open(&mut c, 0)?;
        if tls {
            self.tls_open(&mut c, host_name(host), false, None)?;
        }
        let d = encode(host, &q, true);
        let d = self.sealed(d, tls);
        self.up(&mut c, &d, 0)?;
        let at = c.t - c.rtt / 2 + 90 * MS;
        let n = civil(at + crate::time::ZONE);
        let mut r = Msg::new("0810");
        r.t(11, format!("{stan:06}"))
            .t(12, format!("{:02}{:02}{:02}", n.h, n.mi, n.s))
            .t(13, format!("{:02}{:02}", n.mo, n.d));
        r.t(37, format!("{:012}", self.rng.below(1_000_000_000_000)))
            .t(39, f39)
            .t(41, &tid)
            .t(42, &mid)
            .t(60, format!("00{batch:06}003"));
        if f39 == "00" {
            let keys = self.rng.bytes(40);
            r.b(62, keys);
        }
        let d = encode(host, &r, false);
        let d = self.sealed(d, tls);
        self.down(&mut c, at, &d)?;
        self.say(term, c.t + MS, &Say::SignOn { ok: f39 == "00" })?;
        self.close(&mut c)
    }
}
