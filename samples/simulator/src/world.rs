//! Turns what happens at terminals, cards and hosts into records of every source that saw it.

use crate::emv::Exchange;
use crate::fleet::{Fleet, Host, Profile, TraceMode, Vendor, clock};
use crate::iso::{hex, push_hex};
use crate::pcap;
use crate::rng::Rng;
use crate::say::{Line, Say};
use crate::sink::{Kind, Pack, Sinks, StreamId};
use crate::time::{Clock, DAY, H, MS, Micros};
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// A capture point.
#[derive(Debug, Clone, Copy)]
pub struct Cap {
    /// Its files.
    pub stream: StreamId,
    /// How it writes.
    pub format: pcap::Format,
    /// Its clock.
    pub clock: Clock,
}

/// Which sources saw the attempt.
#[derive(Debug, Clone, Copy, Default)]
pub struct Saw {
    /// Terminal log.
    pub log: bool,
    /// Dialogue.
    pub apdu: bool,
    /// Frames of any kind.
    pub net: bool,
    /// Readable messages among them.
    pub iso: bool,
    /// Host log.
    pub host: bool,
}

/// The simulated day under construction.
#[derive(Debug)]
pub struct World {
    /// Seed of the run.
    pub seed: u64,
    /// Every choice.
    pub rng: Rng,
    /// Who and where.
    pub fleet: Fleet,
    /// Output.
    pub sinks: Sinks,
    /// Start of the first day.
    pub zero: Micros,
    /// Noise lines a transaction.
    pub noise: u32,
    /// Terminal logs.
    pub logs: Vec<Option<StreamId>>,
    /// Dialogue files and their clocks.
    pub traces: Vec<Option<(StreamId, Clock)>>,
    /// Captures at sites.
    pub site_caps: Vec<Option<Cap>>,
    /// Captures at the hosts' edges.
    pub host_caps: [Option<Cap>; 3],
    /// Log of the second host.
    pub host_log: Option<(StreamId, Clock)>,
    /// What the current attempt was seen by.
    pub saw: Saw,
    pub(crate) lines: Vec<Line>,
    pub(crate) buf: Vec<u8>,
    pub(crate) text: String,
}

/// Index of a host's capture.
#[must_use]
pub fn host_index(h: Host) -> usize {
    match h {
        Host::One => 0,
        Host::TwoHex => 1,
        Host::TwoBin => 2,
    }
}

impl World {
    /// Builds fleet and sources below `input`.
    #[must_use]
    pub fn new(
        seed: u64,
        input: &Path,
        zero: Micros,
        terminals: usize,
        cards: u64,
        profile: Profile,
        noise: u32,
    ) -> Self {
        let fleet = Fleet::new(seed, terminals, cards, profile, zero);
        let mut rng = Rng::of(seed, 3, 0);
        let spill = if terminals > 600 { 24 << 10 } else { 96 << 10 };
        let mut sinks = Sinks::new(input, zero, spill);
        let mut logs = Vec::new();
        let mut traces = Vec::new();
        let mut zipped = 0;
        for (i, t) in fleet.terminals.iter().enumerate() {
            let dir = format!("site{:03}", t.site);
            logs.push(t.logged.then(|| {
                let pack = match i % 9 {
                    4 | 7 => Pack::Gzip,
                    8 if zipped < 6 => {
                        zipped += 1;
                        Pack::Zip
                    }
                    _ => Pack::Plain,
                };
                let (stem, ext) = match t.vendor {
                    Vendor::A => (format!("{dir}/logcat-{}", t.serial), ".log"),
                    Vendor::B => (format!("{dir}/{}", t.tid), ".txt"),
                };
                sinks.add(Kind::Log, stem, ext, DAY, Vec::new(), pack)
            }));
            let own = matches!(t.trace, TraceMode::FileTxRx | TraceMode::FileArrows);
            traces.push(own.then(|| {
                let mut c = t.clock;
                c.offset += rng.range(-800 * MS, 800 * MS);
                let id = sinks.add(
                    Kind::Trace,
                    format!("{dir}/apdu-{}", t.tid),
                    ".trace",
                    DAY,
                    Vec::new(),
                    Pack::Plain,
                );
                (id, c)
            }));
        }
        let cap = |sinks: &mut Sinks, stem: String, rotate: i64, rng: &mut Rng| {
            let ng = rng.chance(450);
            let format = pcap::Format {
                ng,
                cooked: rng.chance(200),
                vlan: if rng.chance(250) {
                    100 + rng.below(50) as u16
                } else {
                    0
                },
            };
            let mut c = clock(
                if profile == Profile::Tidy || rng.chance(700) {
                    Profile::Tidy
                } else {
                    profile
                },
                zero,
                rng,
            );
            c.zone_error = 0;
            c.offset /= if c.offset.abs() > 10_000 * MS { 8 } else { 4 };
            let stream = sinks.add(
                Kind::Capture,
                stem,
                if ng { ".pcapng" } else { ".pcap" },
                rotate,
                pcap::header(format),
                Pack::Plain,
            );
            Cap {
                stream,
                format,
                clock: c,
            }
        };
        let mut site_caps = Vec::new();
        for (i, s) in fleet.sites.iter().enumerate() {
            let keep = s.captured && (profile != Profile::Sparse || rng.chance(650));
            let rotate = if s.terminals.len() >= 8 { H } else { DAY };
            site_caps.push(
                keep.then(|| cap(&mut sinks, format!("site{i:03}/capture"), rotate, &mut rng)),
            );
        }
        let mut host_caps = [None; 3];
        for (i, name) in ["host1", "host2a", "host2b"].iter().enumerate() {
            if profile != Profile::Sparse || rng.chance(600) {
                host_caps[i] = Some(cap(&mut sinks, format!("{name}/edge"), H, &mut rng));
            }
        }
        let host_log = (profile != Profile::Sparse || rng.chance(600)).then(|| {
            let c = clock(Profile::Tidy, zero, &mut rng);
            (
                sinks.add(
                    Kind::Log,
                    "host2/q2".into(),
                    ".log",
                    DAY,
                    Vec::new(),
                    Pack::Plain,
                ),
                c,
            )
        });
        Self {
            seed,
            rng,
            fleet,
            sinks,
            zero,
            noise,
            logs,
            traces,
            site_caps,
            host_caps,
            host_log,
            saw: Saw::default(),
            lines: Vec::new(),
            buf: Vec::new(),
            text: String::new(),
        }
    }

    /// Writes what a terminal says.
    pub fn say(&mut self, term: usize, t: Micros, say: &Say<'_>) -> io::Result<()> {
        if self.logs[term].is_none() {
            return Ok(());
        }
        self.saw.log = true;
        let v = self.rng.next() >> 8;
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        match self.fleet.terminals[term].vendor {
            Vendor::A => crate::vendor_a::render(say, v, &mut lines),
            Vendor::B => crate::vendor_b::render(say, v, &mut lines),
        }
        for (i, l) in lines.iter().enumerate() {
            self.line(term, t + i as i64 * 300, l.level, l.tag, &l.text)?;
        }
        self.lines = lines;
        Ok(())
    }

    /// Writes one line of a terminal's log in its dress.
    pub fn line(
        &mut self,
        term: usize,
        t: Micros,
        level: char,
        tag: &str,
        text: &str,
    ) -> io::Result<()> {
        let Some(id) = self.logs[term] else {
            return Ok(());
        };
        let tm = &self.fleet.terminals[term];
        let c = tm.clock.local(t);
        self.text.clear();
        let s = &mut self.text;
        match tm.vendor {
            Vendor::A => {
                let tid = tm.pid + (text.len() as u32 * 7) % 40;
                if term % 11 == 3 {
                    let _ = write!(s, "{}-", c.y);
                }
                let _ = write!(
                    s,
                    "{:02}-{:02} {:02}:{:02}:{:02}.{:03} ",
                    c.mo,
                    c.d,
                    c.h,
                    c.mi,
                    c.s,
                    c.ms()
                );
                let _ = if term % 7 == 5 {
                    writeln!(s, "{level}/{tag:<8}({:5}): {text}", tm.pid)
                } else {
                    writeln!(s, "{:5} {tid:5} {level} {tag:<8}: {text}", tm.pid)
                };
                self.buf.clear();
                self.buf.extend_from_slice(s.as_bytes());
            }
            Vendor::B => {
                if term % 3 == 0 {
                    let _ = writeln!(
                        s,
                        "{}/{:02}/{:02} {:02}:{:02}:{:02} [{level}][{tag}] {text}\r",
                        c.y, c.mo, c.d, c.h, c.mi, c.s
                    );
                } else {
                    let _ = writeln!(
                        s,
                        "[{}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}] {tag}: {text}",
                        c.y,
                        c.mo,
                        c.d,
                        c.h,
                        c.mi,
                        c.s,
                        c.ms()
                    );
                }
                let (bytes, _, _) = encoding_rs::GB18030.encode(s);
                self.buf.clear();
                self.buf.extend_from_slice(&bytes);
            }
        }
        self.sinks.put(id, t, &self.buf)
    }

    fn trace_line(
        &mut self,
        term: usize,
        t: Micros,
        up: Option<bool>,
        bytes: &[u8],
        note: &str,
    ) -> io::Result<()> {
        let Some((id, clock)) = self.traces[term] else {
            return Ok(());
        };
        let c = clock.local(t);
        let s = &mut self.text;
        s.clear();
        let txrx = self.fleet.terminals[term].trace == TraceMode::FileTxRx;
        if txrx {
            let _ = write!(
                s,
                "{}-{:02}-{:02} {:02}:{:02}:{:02}.{:03} ",
                c.y,
                c.mo,
                c.d,
                c.h,
                c.mi,
                c.s,
                c.ms()
            );
        } else {
            let _ = write!(
                s,
                "{}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+08:00 ",
                c.y, c.mo, c.d, c.h, c.mi, c.s, c.us
            );
        }
        match (up, txrx) {
            (Some(true), true) => s.push_str("TX: "),
            (Some(false), true) => s.push_str("RX: "),
            (Some(true), false) => s.push_str("=> "),
            (Some(false), false) => s.push_str("<= "),
            (None, _) => s.push_str("-- "),
        }
        if up.is_some() {
            push_hex(s, bytes, if txrx { " " } else { "" });
        }
        s.push_str(note);
        s.push('\n');
        self.buf.clear();
        self.buf.extend_from_slice(s.as_bytes());
        self.sinks.put(id, t, &self.buf)
    }

    fn nci(&mut self, term: usize, t: Micros, out: bool, packet: &[u8]) -> io::Result<()> {
        let text = format!("len = {:3} > {}", packet.len(), hex(packet));
        self.line(term, t, 'D', if out { "NxpNciX" } else { "NxpNciR" }, &text)
    }

    /// A note of the reader's lower layer: activation, collision, removal, field.
    pub fn reader_note(&mut self, term: usize, t: Micros, note: ReaderNote) -> io::Result<()> {
        let tm = &self.fleet.terminals[term];
        match (tm.trace, tm.vendor) {
            (TraceMode::InLog, Vendor::A) if self.logs[term].is_some() => {
                let packets: Vec<(bool, Vec<u8>)> = match note {
                    ReaderNote::FieldOn => vec![
                        (true, vec![0x21, 0x03, 0x05, 0x02, 0x00, 0x01, 0x01, 0x01]),
                        (false, vec![0x41, 0x03, 0x01, 0x00]),
                    ],
                    ReaderNote::Activated { uid, sak } => {
                        let mut p = vec![
                            0x61, 0x05, 0x19, 0x01, 0x02, 0x04, 0x00, 0xFF, 0x01, 0x09, 0x04, 0x00,
                            0x04,
                        ];
                        p.extend_from_slice(&uid);
                        p.extend_from_slice(&[
                            0x01, sak, 0, 0, 0, 0x05, 0x04, 0x78, 0x80, 0x70, 0x02,
                        ]);
                        vec![(false, p)]
                    }
                    ReaderNote::NotIsoDep { uid } => {
                        let mut p = vec![
                            0x61, 0x05, 0x13, 0x01, 0x01, 0x02, 0x00, 0xFF, 0x01, 0x09, 0x04, 0x00,
                            0x04,
                        ];
                        p.extend_from_slice(&uid);
                        p.extend_from_slice(&[0x01, 0x08, 0, 0, 0]);
                        p[2] = (p.len() - 3) as u8;
                        vec![(false, p)]
                    }
                    ReaderNote::Collision { a, b } => {
                        let ntf = |id: u8, u: [u8; 4], more: u8| {
                            let mut p = vec![0x61, 0x03, 0, id, 0x04, 0x00, 0x09, 0x04, 0x00, 0x04];
                            p.extend_from_slice(&u);
                            p.extend_from_slice(&[0x01, 0x20, more]);
                            p[2] = (p.len() - 3) as u8;
                            p
                        };
                        vec![(false, ntf(1, a, 2)), (false, ntf(2, b, 0))]
                    }
                    ReaderNote::NoAts => vec![(false, vec![0x60, 0x07, 0x01, 0xA1])],
                    ReaderNote::Reset => vec![],
                    ReaderNote::Lost => vec![(false, vec![0x60, 0x08, 0x02, 0xB2, 0x00])],
                    ReaderNote::Garbled => vec![(false, vec![0x60, 0x08, 0x02, 0xB0, 0x00])],
                    ReaderNote::Protocol => vec![(false, vec![0x60, 0x08, 0x02, 0xB1, 0x00])],
                    ReaderNote::Off => vec![
                        (true, vec![0x21, 0x06, 0x01, 0x00]),
                        (false, vec![0x41, 0x06, 0x01, 0x00]),
                        (false, vec![0x61, 0x06, 0x02, 0x00, 0x00]),
                    ],
                };
                for (i, (out, p)) in packets.into_iter().enumerate() {
                    self.nci(term, t + i as i64 * 2 * MS, out, &p)?;
                }
            }
            (TraceMode::FileTxRx | TraceMode::FileArrows, _) => {
                let s = match note {
                    ReaderNote::FieldOn => "field on, polling A/B".to_string(),
                    ReaderNote::Activated { uid, sak } => format!(
                        "card activated UID={} SAK={sak:02X} ATS=0578807002",
                        hex(&uid)
                    ),
                    ReaderNote::NotIsoDep { uid } => {
                        format!("card found UID={} SAK=08, no ISO 14443-4", hex(&uid))
                    }
                    ReaderNote::Collision { a, b } => {
                        format!("collision: UID={} UID={}", hex(&a), hex(&b))
                    }
                    ReaderNote::NoAts => "ATQA received, no ATS after RATS".into(),
                    ReaderNote::Reset => "contact card reset ATR=3B6800000073C84012009000".into(),
                    ReaderNote::Lost => "no response, timeout".into(),
                    ReaderNote::Garbled => "CRC error".into(),
                    ReaderNote::Protocol => "protocol error, card still present".into(),
                    ReaderNote::Off => "field off".into(),
                };
                self.trace_line(term, t, None, &[], &s)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes a dialogue where this terminal records it; returns when it ended.
    pub fn dialogue(
        &mut self,
        term: usize,
        t: Micros,
        steps: &[Exchange],
        contact: bool,
    ) -> io::Result<Micros> {
        let tm = &self.fleet.terminals[term];
        let (mode, vendor, logged) = (tm.trace, tm.vendor, self.logs[term].is_some());
        let mut t = t;
        for s in steps {
            let end = t + s.ms * MS;
            match mode {
                TraceMode::InLog if logged => {
                    self.saw.apdu = true;
                    if vendor == Vendor::A && contact {
                        let up = format!("icc >> {}", hex(&s.cmd));
                        self.line(term, t, 'D', "IccReader", &up)?;
                        if let Some(r) = &s.rsp {
                            let down = format!("icc << {}", hex(r));
                            self.line(term, end, 'D', "IccReader", &down)?;
                        }
                    } else if vendor == Vendor::A {
                        self.nci(term, t, true, &data_packet(&s.cmd))?;
                        self.nci(
                            term,
                            t + 4 * MS,
                            false,
                            &[0x60, 0x06, 0x03, 0x01, 0x00, 0x01],
                        )?;
                        if let Some(r) = &s.rsp {
                            self.nci(term, end, false, &data_packet(r))?;
                        }
                    } else {
                        let up = format!("=> {}", hex(&s.cmd));
                        self.line(term, t, 'D', "APDU", &up)?;
                        if let Some(r) = &s.rsp {
                            let down = format!("<= {}", hex(r));
                            self.line(term, end, 'D', "APDU", &down)?;
                        }
                    }
                }
                TraceMode::FileTxRx | TraceMode::FileArrows => {
                    self.saw.apdu = true;
                    self.trace_line(term, t, Some(true), &s.cmd, "")?;
                    if let Some(r) = &s.rsp {
                        self.trace_line(term, end, Some(false), r, "")?;
                    }
                }
                _ => {}
            }
            t = end + 3 * MS;
        }
        Ok(t)
    }
}

/// What the lower layer of a reader notes.
#[derive(Debug, Clone, Copy)]
pub enum ReaderNote {
    /// Carrier on.
    FieldOn,
    /// ISO-DEP card ready.
    Activated {
        /// Identifier.
        uid: [u8; 4],
        /// Type.
        sak: u8,
    },
    /// A card, but no processor card.
    NotIsoDep {
        /// Identifier.
        uid: [u8; 4],
    },
    /// Two cards.
    Collision {
        /// First.
        a: [u8; 4],
        /// Second.
        b: [u8; 4],
    },
    /// A card that answers the poll, but not the activation.
    NoAts,
    /// Contact card powered up.
    Reset,
    /// Card silent.
    Lost,
    /// Frame garbled.
    Garbled,
    /// Protocol error.
    Protocol,
    /// Carrier off.
    Off,
}

fn data_packet(apdu: &[u8]) -> Vec<u8> {
    let mut p = vec![0x00, 0x00, apdu.len().min(255) as u8];
    p.extend_from_slice(&apdu[..apdu.len().min(255)]);
    p
}
