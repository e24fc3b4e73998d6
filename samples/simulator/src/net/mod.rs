//! Turns an online request into the frames of its connection: name query, TCP, TLS, messages, and
//! what may go wrong with each.

mod above;

use crate::fleet::Host;
use crate::pcap::{self, End, flag};
use crate::time::{MS, Micros, S};
use crate::world::{World, host_index};
use std::io;

/// Where a frame is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Arrives.
    Through,
    /// Seen at the sender's end only.
    Lost,
}

/// One connection.
#[derive(Debug, Clone)]
pub struct Tcp {
    term: usize,
    host: Option<Host>,
    client: End,
    server: End,
    cseq: u32,
    sseq: u32,
    ident: u16,
    /// Round trip.
    pub rtt: i64,
    /// Now, at the terminal.
    pub t: Micros,
    ttl_host: u8,
}

/// Address and port of a host.
#[must_use]
pub fn host_end(h: Host) -> End {
    match h {
        Host::One => End {
            ip: [10, 8, 0, 5],
            port: 6000,
        },
        Host::TwoHex => End {
            ip: [10, 9, 0, 20],
            port: 7100,
        },
        Host::TwoBin => End {
            ip: [10, 9, 0, 21],
            port: 7101,
        },
    }
}

/// Name of a host.
#[must_use]
pub fn host_name(h: Host) -> &'static str {
    match h {
        Host::One => "pos.acq-one.example",
        Host::TwoHex => "gw1.acq-two.example",
        Host::TwoBin => "gw2.acq-two.example",
    }
}

impl World {
    /// Address of a terminal.
    #[must_use]
    pub fn address(&self, term: usize) -> [u8; 4] {
        let t = &self.fleet.terminals[term];
        let (a, b) = self.fleet.sites[t.site].net;
        [10, a, b, t.ip]
    }

    /// Next port of a terminal.
    pub fn next_port(&mut self, term: usize) -> u16 {
        let t = &mut self.fleet.terminals[term];
        t.port = if t.port >= 60_900 { 33_000 } else { t.port + 1 };
        t.port
    }

    /// A frame between a terminal and elsewhere; `at` is when its sender sent it.
    #[allow(clippy::too_many_arguments, reason = "a frame has that many parts")]
    pub fn frame(
        &mut self,
        term: usize,
        host: Option<Host>,
        up: bool,
        at: Micros,
        path: Path,
        half: i64,
        proto: u8,
        src: [u8; 4],
        dst: [u8; 4],
        ttl: u8,
        ident: u16,
        l4: &[u8],
    ) -> io::Result<()> {
        let site = self.fleet.terminals[term].site;
        let (cap, shown_at) = if let Some(c) = self.site_caps[site] {
            if !up && path == Path::Lost {
                return Ok(());
            }
            (c, if up { at } else { at + half })
        } else {
            let Some(h) = host else { return Ok(()) };
            let Some(c) = self.host_caps[host_index(h)] else {
                return Ok(());
            };
            if up && path == Path::Lost {
                return Ok(());
            }
            (c, if up { at + half } else { at })
        };
        let f = pcap::frame(cap.format, up, src, dst, proto, ttl, ident, l4);
        let mut rec = std::mem::take(&mut self.buf);
        rec.clear();
        pcap::record(cap.format, cap.clock.shows(shown_at), &f, &mut rec);
        self.saw.net = true;
        let r = self.sinks.put(cap.stream, shown_at, &rec);
        self.buf = rec;
        r
    }

    /// A connection not yet opened.
    pub fn tcp(&mut self, term: usize, host: Option<Host>, server: End, t: Micros) -> Tcp {
        let port = self.next_port(term);
        let rtt = self.fleet.sites[self.fleet.terminals[term].site].rtt;
        let rtt = rtt + self.rng.range(0, rtt / 4);
        let r = self.rng.draw();
        Tcp {
            term,
            host,
            client: End {
                ip: self.address(term),
                port,
            },
            server,
            cseq: r as u32,
            sseq: (r >> 32) as u32,
            ident: (r >> 16) as u16,
            rtt,
            t,
            ttl_host: 57,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a frame has that many parts")]
    fn seg(
        &mut self,
        c: &mut Tcp,
        up: bool,
        at: Micros,
        path: Path,
        flags: u8,
        seq: u32,
        data: &[u8],
    ) -> io::Result<()> {
        let (src, dst) = if up {
            (c.client, c.server)
        } else {
            (c.server, c.client)
        };
        let ack = if flags & flag::ACK == 0 {
            0
        } else if up {
            c.sseq
        } else {
            c.cseq
        };
        let l4 = pcap::tcp(src, dst, seq, ack, flags, data);
        c.ident = c.ident.wrapping_add(1);
        self.frame(
            c.term,
            c.host,
            up,
            at,
            path,
            c.rtt / 2,
            6,
            src.ip,
            dst.ip,
            if up { 64 } else { c.ttl_host },
            c.ident,
            &l4,
        )
    }

    /// SYN, SYN-ACK, ACK. `tries` SYNs are lost before.
    pub fn open(&mut self, c: &mut Tcp, lost: usize) -> io::Result<()> {
        for (i, gap) in [0, 1, 3, 7, 15].iter().take(lost).enumerate() {
            let at = c.t + gap * S + i as i64 * 4 * MS;
            self.seg(c, true, at, Path::Lost, flag::SYN, c.cseq, b"")?;
        }
        c.t += [0, 1, 3, 7, 15, 31][lost.min(5)] * S;
        let t = c.t;
        self.seg(c, true, t, Path::Through, flag::SYN, c.cseq, b"")?;
        c.cseq = c.cseq.wrapping_add(1);
        self.seg(
            c,
            false,
            t + c.rtt / 2,
            Path::Through,
            flag::SYN | flag::ACK,
            c.sseq,
            b"",
        )?;
        c.sseq = c.sseq.wrapping_add(1);
        c.t += c.rtt;
        let t = c.t + 200;
        self.seg(c, true, t, Path::Through, flag::ACK, c.cseq, b"")
    }

    /// SYNs that nobody answers within `secs`.
    pub fn open_unanswered(&mut self, c: &mut Tcp, secs: i64) -> io::Result<()> {
        for gap in [0, 1, 3, 7, 15, 31] {
            if gap < secs {
                let at = c.t + gap * S + gap * 3 * MS;
                self.seg(c, true, at, Path::Lost, flag::SYN, c.cseq, b"")?;
            }
        }
        c.t += secs * S;
        Ok(())
    }

    /// A SYN answered by a reset.
    pub fn open_refused(&mut self, c: &mut Tcp) -> io::Result<()> {
        let t = c.t;
        self.seg(c, true, t, Path::Through, flag::SYN, c.cseq, b"")?;
        c.cseq = c.cseq.wrapping_add(1);
        self.seg(
            c,
            false,
            t + c.rtt / 2,
            Path::Through,
            flag::RST | flag::ACK,
            0,
            b"",
        )?;
        c.t += c.rtt;
        Ok(())
    }

    /// A SYN answered by an ICMP message of the site's router.
    pub fn open_denied(&mut self, c: &mut Tcp, code: u8) -> io::Result<()> {
        let l4 = pcap::tcp(c.client, c.server, c.cseq, 0, flag::SYN, b"");
        let t = c.t;
        self.frame(
            c.term,
            c.host,
            true,
            t,
            Path::Lost,
            0,
            6,
            c.client.ip,
            c.server.ip,
            64,
            c.ident,
            &l4,
        )?;
        let f = pcap::frame(
            pcap::Format {
                ng: false,
                cooked: false,
                vlan: 0,
            },
            true,
            c.client.ip,
            c.server.ip,
            6,
            64,
            c.ident,
            &l4,
        );
        let icmp = pcap::icmp_unreachable(code, &f[14..]);
        let mut router = c.client.ip;
        router[3] = 1;
        self.frame(
            c.term,
            c.host,
            false,
            t + 2 * MS,
            Path::Through,
            0,
            1,
            router,
            c.client.ip,
            64,
            7,
            &icmp,
        )?;
        c.t += 3 * MS;
        Ok(())
    }

    /// Data from the terminal, acknowledged; `resend` copies are lost before one gets through.
    pub fn up(&mut self, c: &mut Tcp, data: &[u8], resend: usize) -> io::Result<()> {
        let chunks = self.cut(data);
        let mut at = c.t;
        let mut rto = (220 * MS).max(2 * c.rtt);
        let first = c.cseq;
        for _ in 0..resend {
            self.seg(
                c,
                true,
                at,
                Path::Lost,
                flag::PSH | flag::ACK,
                first,
                data.get(..data.len().min(1400)).unwrap_or(data),
            )?;
            at += rto;
            rto *= 2;
        }
        let mut seq = first;
        let mut order: Vec<(u32, &[u8])> = Vec::new();
        for n in &chunks {
            order.push((seq, n));
            seq = seq.wrapping_add(n.len() as u32);
        }
        if order.len() > 1 && self.rng.chance(250) {
            order.swap(0, 1);
        }
        for (s, d) in order {
            self.seg(c, true, at, Path::Through, flag::PSH | flag::ACK, s, d)?;
            at += 150;
        }
        c.cseq = seq;
        self.seg(
            c,
            false,
            at + c.rtt / 2 + 300,
            Path::Through,
            flag::ACK,
            c.sseq,
            b"",
        )?;
        c.t = at + c.rtt;
        Ok(())
    }

    /// Data from the terminal that nobody acknowledges.
    pub fn up_unacked(&mut self, c: &mut Tcp, data: &[u8], secs: i64) -> io::Result<()> {
        let (mut at, mut rto) = (c.t, 300 * MS);
        while at < c.t + secs * S {
            self.seg(c, true, at, Path::Lost, flag::PSH | flag::ACK, c.cseq, data)?;
            at += rto;
            rto *= 2;
        }
        c.t += secs * S;
        Ok(())
    }

    fn cut<'a>(&mut self, data: &'a [u8]) -> Vec<&'a [u8]> {
        if data.len() > 60 && self.rng.chance(70) {
            let n = self.rng.range(1, data.len() as i64 - 1) as usize;
            return vec![&data[..n], &data[n..]];
        }
        data.chunks(1400).collect()
    }

    /// Data from the host, sent at `at`; arrival becomes now.
    pub fn down(&mut self, c: &mut Tcp, at: Micros, data: &[u8]) -> io::Result<()> {
        let chunks = self.cut(data);
        let again = self.rng.chance(12);
        for d in chunks {
            self.seg(
                c,
                false,
                at,
                Path::Through,
                flag::PSH | flag::ACK,
                c.sseq,
                d,
            )?;
            if again {
                self.seg(
                    c,
                    false,
                    at + 210 * MS,
                    Path::Through,
                    flag::PSH | flag::ACK,
                    c.sseq,
                    d,
                )?;
            }
            c.sseq = c.sseq.wrapping_add(d.len() as u32);
        }
        c.t = c.t.max(at + c.rtt / 2);
        let t = c.t + 250;
        self.seg(c, true, t, Path::Through, flag::ACK, c.cseq, b"")
    }

    /// Terminal closes in order.
    pub fn close(&mut self, c: &mut Tcp) -> io::Result<()> {
        let t = c.t + self.rng.range(5, 60) * MS;
        self.seg(
            c,
            true,
            t,
            Path::Through,
            flag::FIN | flag::ACK,
            c.cseq,
            b"",
        )?;
        c.cseq = c.cseq.wrapping_add(1);
        self.seg(
            c,
            false,
            t + c.rtt / 2,
            Path::Through,
            flag::FIN | flag::ACK,
            c.sseq,
            b"",
        )?;
        c.sseq = c.sseq.wrapping_add(1);
        self.seg(c, true, t + c.rtt, Path::Through, flag::ACK, c.cseq, b"")
    }

    /// Terminal closes its side; the host only acknowledges that.
    pub fn half_close(&mut self, c: &mut Tcp) -> io::Result<()> {
        let t = c.t + 8 * MS;
        self.seg(
            c,
            true,
            t,
            Path::Through,
            flag::FIN | flag::ACK,
            c.cseq,
            b"",
        )?;
        c.cseq = c.cseq.wrapping_add(1);
        self.seg(
            c,
            false,
            t + c.rtt / 2,
            Path::Through,
            flag::ACK,
            c.sseq,
            b"",
        )
    }

    /// A reset from one end (or, with another TTL, from a box between).
    pub fn reset(&mut self, c: &mut Tcp, up: bool, at: Micros, ttl: u8) -> io::Result<()> {
        c.ttl_host = ttl;
        let seq = if up { c.cseq } else { c.sseq };
        c.t = c.t.max(at);
        self.seg(c, up, at, Path::Through, flag::RST | flag::ACK, seq, b"")
    }
}

impl World {
    /// Data from the host that the terminal does not acknowledge.
    pub fn down_only(&mut self, c: &mut Tcp, at: Micros, data: &[u8]) -> io::Result<()> {
        self.seg(
            c,
            false,
            at,
            Path::Through,
            flag::PSH | flag::ACK,
            c.sseq,
            data,
        )
    }
}
