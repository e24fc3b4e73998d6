//! Turns what happens at terminals, cards and hosts into records of every source that saw it.

mod reader;

pub use reader::ReaderNote;

use crate::fleet::{Fleet, Host, Profile, TraceMode, Vendor, clock};
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
    /// Logs of the second host: Q2 of one port, log4j of the other.
    pub host_logs: [Option<(StreamId, Clock)>; 2],
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
        rich: bool,
    ) -> Self {
        let fleet = Fleet::new(seed, terminals, cards, profile, zero, rich);
        Self::with(fleet, seed, input, zero, profile, noise)
    }

    /// Sources for a given fleet below `input`.
    #[must_use]
    pub fn with(
        fleet: Fleet,
        seed: u64,
        input: &Path,
        zero: Micros,
        profile: Profile,
        noise: u32,
    ) -> Self {
        let terminals = fleet.terminals.len();
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
                    Vendor::C => (format!("{dir}/pay-{}", t.serial), ".jsonl"),
                };
                let head: &[u8] = if t.vendor == Vendor::A {
                    b"--------- beginning of main\n"
                } else {
                    b""
                };
                sinks.add(Kind::Log, stem, ext, DAY, head.to_vec(), pack)
            }));
            let own = matches!(
                t.trace,
                TraceMode::FileTxRx | TraceMode::FileArrows | TraceMode::FileWords
            );
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
                false,
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
        let mut host_logs = [None; 2];
        for (i, name) in ["host2/q2", "host2/gateway"].iter().enumerate() {
            if profile != Profile::Sparse || rng.chance(600) {
                let c = clock(Profile::Tidy, zero, false, &mut rng);
                host_logs[i] = Some((
                    sinks.add(
                        Kind::Log,
                        (*name).into(),
                        ".log",
                        DAY,
                        Vec::new(),
                        Pack::Plain,
                    ),
                    c,
                ));
            }
        }
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
            host_logs,
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
        let v = self.rng.draw() >> 8;
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        match self.fleet.terminals[term].vendor {
            Vendor::A => crate::vendor_a::render(say, v, &mut lines),
            Vendor::B => crate::vendor_b::render(say, v, &mut lines),
            Vendor::C => crate::vendor_c::render(say, v, &mut lines),
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
            Vendor::C => {
                let level = match level {
                    'E' => "error",
                    'W' => "warn",
                    'I' => "info",
                    _ => "debug",
                };
                let text = text.replace('\\', "\\\\").replace('"', "\\\"");
                let _ = writeln!(
                    s,
                    "{{\"ts\":\"{}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+08:00\",\"lvl\":\"{level}\",\"mod\":\"{tag}\",\"msg\":\"{text}\"}}",
                    c.y,
                    c.mo,
                    c.d,
                    c.h,
                    c.mi,
                    c.s,
                    c.ms()
                );
                self.buf.clear();
                self.buf.extend_from_slice(s.as_bytes());
            }
            Vendor::B => {
                if term.is_multiple_of(3) {
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
}
