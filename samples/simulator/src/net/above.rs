//! What rides above TCP and UDP besides payment messages: TLS, DNS, other programs' traffic.

use super::{Path, Tcp};
use crate::pcap::{self, End};
use crate::time::{MS, Micros, S};
use crate::world::World;
use std::io;

impl World {
    /// TLS 1.2 greeting. `alert`: who ends it (from the server?) and with which number.
    pub fn tls_open(
        &mut self,
        c: &mut Tcp,
        name: &str,
        old: bool,
        alert: Option<(bool, u8)>,
    ) -> io::Result<()> {
        let hello = client_hello(name, old, &self.rng.bytes(32));
        self.up(c, &hello, 0)?;
        if let Some((true, n)) = alert {
            let at = c.t - c.rtt / 2 + 2 * MS;
            self.down(c, at, &[21, 3, 3, 0, 2, 2, n])?;
            return self.close(c);
        }
        let mut reply = server_hello(&self.rng.bytes(32));
        reply.extend(record(22, &certificate(&self.rng.bytes(620))));
        reply.extend(record(22, &[14, 0, 0, 0]));
        let at = c.t - c.rtt / 2 + self.rng.range(2, 9) * MS;
        self.down(c, at, &reply)?;
        if let Some((false, n)) = alert {
            c.t += 4 * MS;
            self.up(c, &[21, 3, 3, 0, 2, 2, n], 0)?;
            return self.close(c);
        }
        let mut fin = record(22, &[&[16, 0, 1, 0][..], &self.rng.bytes(256)].concat());
        fin.extend(record(20, &[1]));
        fin.extend(record(22, &self.rng.bytes(40)));
        c.t += 6 * MS;
        self.up(c, &fin, 0)?;
        let mut sfin = record(20, &[1]);
        sfin.extend(record(22, &self.rng.bytes(40)));
        let at = c.t - c.rtt / 2 + MS;
        self.down(c, at, &sfin)
    }

    /// A message as this connection carries it.
    #[must_use]
    pub fn sealed(&mut self, plain: Vec<u8>, tls: bool) -> Vec<u8> {
        if tls {
            record(23, &self.rng.bytes(plain.len() + 24))
        } else {
            plain
        }
    }

    /// Traffic that is none of payments' business.
    pub fn background(&mut self, term: usize, t: Micros) -> io::Result<()> {
        let kept = self.saw;
        match self.rng.below(4) {
            0 => {
                let name = *self.rng.pick(&[
                    "time.vendor-a.example",
                    "mdm.fleet.example",
                    "weather.example",
                ]);
                self.dns(term, t, name, Some(0), [203, 0, 113, 9])?;
            }
            1 => {
                let mut c = self.tcp(
                    term,
                    None,
                    End {
                        ip: [203, 0, 113, 80],
                        port: 80,
                    },
                    t,
                );
                self.open(&mut c, 0)?;
                self.up(&mut c, b"GET /status HTTP/1.1\r\nHost: mdm.fleet.example\r\nUser-Agent: okhttp/3.12\r\n\r\n", 0)?;
                let at = c.t;
                self.down(&mut c, at, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"status\":\"idle\"}")?;
                self.close(&mut c)?;
            }
            _ => {
                let mut c = self.tcp(
                    term,
                    None,
                    End {
                        ip: [203, 0, 113, 43],
                        port: 443,
                    },
                    t,
                );
                self.open(&mut c, 0)?;
                self.tls_open(&mut c, "mdm.fleet.example", false, None)?;
                for _ in 0..3 {
                    let n = self.rng.range(200, 1300) as usize;
                    let d = record(23, &self.rng.bytes(n));
                    self.up(&mut c, &d, 0)?;
                    let at = c.t;
                    let d = record(23, &self.rng.bytes(n / 2 + 60));
                    self.down(&mut c, at, &d)?;
                }
                self.close(&mut c)?;
            }
        }
        self.saw = kept;
        Ok(())
    }

    /// A name query. `answer`: None stays silent, Some(0) answers, Some(n) is an error code.
    pub fn dns(
        &mut self,
        term: usize,
        t: Micros,
        name: &str,
        rcode: Option<u8>,
        ip: [u8; 4],
    ) -> io::Result<Micros> {
        let me = End {
            ip: self.address(term),
            port: self.next_port(term),
        };
        let mut router = me.ip;
        router[3] = 1;
        let server = End {
            ip: router,
            port: 53,
        };
        let id = self.rng.draw() as u16;
        let mut q = vec![(id >> 8) as u8, id as u8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            q.push(label.len() as u8);
            q.extend_from_slice(label.as_bytes());
        }
        q.extend_from_slice(&[0, 0, 1, 0, 1]);
        let Some(rcode) = rcode else {
            for k in 0..2 {
                let l4 = pcap::udp(me, server, &q);
                self.frame(
                    term,
                    None,
                    true,
                    t + k * 5 * S,
                    Path::Lost,
                    0,
                    17,
                    me.ip,
                    server.ip,
                    64,
                    k as u16,
                    &l4,
                )?;
            }
            return Ok(t + 10 * S);
        };
        let mut a = q.clone();
        a[2] = 0x81;
        a[3] = 0x80 | rcode;
        if rcode == 0 {
            a[7] = 1;
            a.extend_from_slice(&[0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0x02, 0x58, 0, 4]);
            a.extend_from_slice(&ip);
        }
        let wait = self.rng.range(3, 40) * MS;
        let l4 = pcap::udp(me, server, &q);
        self.frame(
            term,
            None,
            true,
            t,
            Path::Through,
            0,
            17,
            me.ip,
            server.ip,
            64,
            1,
            &l4,
        )?;
        let l4 = pcap::udp(server, me, &a);
        self.frame(
            term,
            None,
            false,
            t + wait,
            Path::Through,
            0,
            17,
            server.ip,
            me.ip,
            64,
            2,
            &l4,
        )?;
        Ok(t + wait + MS)
    }
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut v = vec![kind, 3, 3, (body.len() >> 8) as u8, body.len() as u8];
    v.extend_from_slice(body);
    v
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut v = vec![kind, 0, (body.len() >> 8) as u8, body.len() as u8];
    v.extend_from_slice(body);
    v
}

fn client_hello(name: &str, old: bool, random: &[u8]) -> Vec<u8> {
    let mut b = vec![3, if old { 1 } else { 3 }];
    b.extend_from_slice(random);
    b.push(0);
    b.extend_from_slice(&[0, 8, 0xC0, 0x2F, 0xC0, 0x30, 0, 0x9C, 0, 0x2F, 1, 0]);
    let mut ext = vec![0, 0];
    let n = name.len() as u16;
    ext.extend_from_slice(&(n + 5).to_be_bytes());
    ext.extend_from_slice(&(n + 3).to_be_bytes());
    ext.push(0);
    ext.extend_from_slice(&n.to_be_bytes());
    ext.extend_from_slice(name.as_bytes());
    ext.extend_from_slice(&[0, 0x0A, 0, 4, 0, 2, 0, 0x17]);
    b.extend_from_slice(&(ext.len() as u16).to_be_bytes());
    b.extend(ext);
    let mut r = record(22, &handshake(1, &b));
    r[2] = 1;
    r
}

fn server_hello(random: &[u8]) -> Vec<u8> {
    let mut b = vec![3, 3];
    b.extend_from_slice(random);
    b.extend_from_slice(&[0, 0xC0, 0x2F, 0]);
    record(22, &handshake(2, &b))
}

fn certificate(opaque: &[u8]) -> Vec<u8> {
    let mut der = vec![0x30, 0x82, (opaque.len() >> 8) as u8, opaque.len() as u8];
    der.extend_from_slice(opaque);
    let n = der.len();
    let mut b = vec![
        0,
        ((n + 3) >> 8) as u8,
        (n + 3) as u8,
        0,
        (n >> 8) as u8,
        n as u8,
    ];
    b.extend(der);
    handshake(11, &b)
}
