//! From the bytes of a capture to events: payment messages, connections, TLS and DNS trouble, ICMP errors.
//!
//! The file is read in windows into one buffer. In each window packets are cut out in file order, decoded in parallel,
//! and dealt by flow to a fixed number of shards, each with its own flow table; so the result is the same for any number
//! of threads. What the shards made is merged by frame at the end.

mod card;
mod dns;
mod endpoints;
mod flow;
mod health;
mod message;
mod out;
mod packets;
mod payload;
mod shard;
mod tls;

use std::io::Read;

use rayon::prelude::*;
use tapscope_parsers::protocol::net::capture::{FileIssue, FileKind, Packet, Reader, is_snoop};

use crate::event::{Event, Events, Issue, Ledger, Place, Source, SourceKind, SourceStatus};
use crate::parse::{Context, Parsed};
use endpoints::Endpoints;
use packets::Decoder;
use shard::Shard;

/// Bytes read at a time: more than this falls out of the processor's cache before it is used.
const WINDOW: usize = 4 << 20;
/// The first window is smaller: most captures are.
const FIRST_WINDOW: usize = 256 << 10;
/// Flow tables; fixed, so that results do not depend on the number of threads.
const SHARDS: usize = 4;
/// Issues of one kind that are kept one by one.
const SAMPLES: u64 = 20;

/// Parses a capture.
///
/// Never fails: what could not be read is in the issues and in the ledger.
pub fn run(reader: &mut dyn Read, ctx: &Context<'_>) -> Parsed {
    let mut run = Run::new(ctx);
    run.read(reader);
    run.finish()
}

/// A message that stands alone, as a hex dump in a log: masked, with its keys; `None` where no dialect fits.
pub(crate) fn bare_message(
    bytes: &[u8],
    edge: &crate::parse::edge::Edge,
) -> Option<(crate::event::IsoMessage, crate::event::Keys)> {
    let (wire, message) = tapscope_parsers::protocol::iso8583::detect_bare(bytes)?;
    let header = wire.header.read(bytes).unwrap_or_default();
    let cut = payload::Cut {
        message,
        header,
        frames: &[],
        nanos: 0,
        end: 0,
        cut: None,
    };
    Some(message::build(&cut, 0, edge))
}

/// Collects issues: the first of each kind one by one, the rest as a count.
pub(crate) struct Issues {
    source: u32,
    kept: Vec<Issue>,
    counts: std::collections::BTreeMap<&'static str, (u64, u64, Place)>,
}

impl Issues {
    pub(crate) fn new(source: u32) -> Self {
        Self {
            source,
            kept: Vec::new(),
            counts: std::collections::BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, place: Place, code: &'static str, count: u64, text: String) {
        let entry = self.counts.entry(code).or_insert((0, 0, place));
        if entry.0 < SAMPLES {
            entry.0 += 1;
            self.kept.push(Issue {
                source: self.source,
                place,
                code,
                count,
                text: text.into(),
            });
        } else {
            entry.1 += count;
            entry.2 = entry.2.max(place);
        }
    }

    /// Merges the issues of all shards, in the order of their places, sampled as one.
    pub(crate) fn merge(all: Vec<Self>, source: u32) -> Vec<Issue> {
        let mut out = Self::new(source);
        let mut rest = std::collections::BTreeMap::<&'static str, (u64, Place)>::new();
        let mut kept = Vec::new();
        for issues in all {
            kept.extend(issues.kept);
            for (code, (_, more, place)) in issues.counts {
                let entry = rest.entry(code).or_insert((0, place));
                entry.0 += more;
                entry.1 = entry.1.max(place);
            }
        }
        kept.sort_by(|a, b| (a.place, a.code, &a.text).cmp(&(b.place, b.code, &b.text)));
        for issue in kept {
            out.add(issue.place, issue.code, issue.count, issue.text.into());
        }
        let mut issues = out.kept;
        for (code, (_, more, place)) in out.counts {
            let (before, at) = rest.get(code).copied().unwrap_or((0, place));
            let count = more + before;
            if count > 0 {
                issues.push(Issue {
                    source,
                    place: at.max(place),
                    code,
                    count,
                    text: "and more of the same".into(),
                });
            }
        }
        issues
    }
}

struct Run<'c> {
    ctx: &'c Context<'c>,
    reader: Reader,
    decoder: Decoder,
    shards: Vec<Shard>,
    cards: card::Cards<'c>,
    endpoints: Endpoints,
    issues: Issues,
    ledger: Ledger,
    head: Vec<u8>,
    damaged: bool,
    unreadable: bool,
    first_damage: Option<String>,
}

impl<'c> Run<'c> {
    fn new(ctx: &'c Context<'c>) -> Self {
        let limits = &ctx.plan.limits;
        Self {
            ctx,
            reader: Reader::new(),
            decoder: Decoder::default(),
            shards: (0..SHARDS)
                .map(|_| Shard::new(ctx.source, limits, SHARDS))
                .collect(),
            cards: card::Cards::new(ctx),
            endpoints: Endpoints::default(),
            issues: Issues::new(ctx.source),
            ledger: Ledger::default(),
            head: Vec::new(),
            damaged: false,
            unreadable: false,
            first_damage: None,
        }
    }

    fn read(&mut self, input: &mut dyn Read) {
        let mut buffer = vec![0u8; FIRST_WINDOW];
        let mut filled = 0;
        let mut packets: Vec<Packet> = Vec::new();
        loop {
            let (more, end) = self.fill(input, &mut buffer[filled..]);
            filled += more;
            if self.head.is_empty() {
                self.head = buffer[..filled.min(16)].to_vec();
            }
            self.ledger.bytes += more as u64;
            packets.clear();
            let used = self.reader.feed(&buffer[..filled], end, &mut packets);
            self.window(&buffer[..used], &packets);
            self.file_issues();
            (self.ctx.progress)(more as u64);
            buffer.copy_within(used..filled, 0);
            filled -= used;
            if end {
                return;
            }
            if buffer.len() < WINDOW {
                buffer.resize(WINDOW, 0);
            } else if filled == buffer.len() {
                // A block that is larger than the window, and that holds a packet: make room, up to what is believed.
                buffer.resize(buffer.len() * 2, 0);
            }
        }
    }

    /// Fills the buffer from the input, so that windows do not depend on how the bytes arrive.
    fn fill(&mut self, input: &mut dyn Read, buffer: &mut [u8]) -> (usize, bool) {
        let mut n = 0;
        while n < buffer.len() {
            match input.read(&mut buffer[n..]) {
                Ok(0) => return (n, true),
                Ok(more) => n += more,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.unreadable = true;
                    let place = self.place();
                    self.damage(
                        "read_error",
                        place,
                        1,
                        format!("reading stopped: {}", e.kind()),
                    );
                    return (n, true);
                }
            }
        }
        (n, false)
    }

    fn place(&self) -> Place {
        match self.reader.frames() {
            0 => Place::Whole,
            n => Place::Frame(n),
        }
    }

    fn damage(&mut self, code: &'static str, place: Place, count: u64, text: String) {
        self.damaged = true;
        self.ledger.damaged_records += count;
        if self.first_damage.is_none() {
            self.first_damage = Some(format!("{code}: {text}"));
        }
        self.issues.add(place, code, count, text);
    }

    fn file_issues(&mut self) {
        for issue in self.reader.take_issues() {
            let FileIssue {
                code,
                frame,
                offset,
                expected,
                found,
                skipped,
            } = issue;
            let place = if frame == 0 {
                Place::Whole
            } else {
                Place::Frame(frame)
            };
            let text = format!(
                "expected {expected}, found {found}, at offset {offset}; {skipped} bytes passed over"
            );
            self.damage(code, place, 1, text);
        }
    }

    fn window(&mut self, window: &[u8], packets: &[Packet]) {
        if packets.is_empty() {
            return;
        }
        self.ledger.records += packets.len() as u64;
        let dealt = self.decoder.decode(window, packets, SHARDS);
        let (known, ctx) = (&self.endpoints, self.ctx);
        self.shards
            .par_iter_mut()
            .enumerate()
            .for_each(|(n, shard)| {
                for item in dealt.of(n) {
                    shard.take(item, known, ctx);
                }
                shard.tidy(ctx, known);
            });
        for card in &dealt.cards {
            self.cards.take(card);
            self.ledger.understood += u64::from(card.record);
        }
        self.ledger.ignored += dealt.ignored;
        self.ledger.not_understood += dealt.not_understood;
        for (link, (count, first)) in dealt.unknown {
            self.issues.add(
                Place::Frame(first),
                "link_type_unknown",
                count,
                format!("packets of link type {link} are not read"),
            );
        }
        for (frame, expected) in dealt.malformed {
            self.ledger.damaged_records += 1;
            self.issues.add(
                Place::Frame(frame),
                "packet_malformed",
                1,
                format!("expected {expected}"),
            );
        }
        for shard in &mut self.shards {
            self.endpoints.learn(shard.take_learnt());
        }
    }

    fn finish(mut self) -> Parsed {
        let ctx = self.ctx;
        let fragments = self.decoder.finish();
        for (code, count) in fragments {
            if count > 0 {
                self.issues
                    .add(Place::Whole, code, count, "IP fragments left over".into());
            }
        }
        let end = self
            .shards
            .iter()
            .map(Shard::clock)
            .max()
            .unwrap_or(i64::MIN);
        let known = &self.endpoints;
        self.shards
            .par_iter_mut()
            .for_each(|shard| shard.finish(end, known, ctx));
        for shard in &mut self.shards {
            self.endpoints.learn(shard.take_learnt());
        }
        let known = &self.endpoints;
        self.shards.par_iter_mut().for_each(|s| s.settle(known));

        let mut wanted = std::collections::BTreeSet::new();
        for shard in &self.shards {
            wanted.extend(shard.kept_servers());
        }
        let mut events = Vec::new();
        let mut issues = vec![self.issues];
        for shard in self.shards {
            let done = shard.into_parts(&wanted);
            self.ledger.understood += done.understood;
            self.ledger.ignored += done.ignored;
            self.ledger.damaged_records += done.damaged;
            self.damaged |= done.damaged > 0;
            events.extend(done.events);
            issues.push(done.issues);
        }
        let (cards, card_faults) = self.cards.finish();
        events.extend(cards);
        let mut packed = Events::default();
        packed.extend_from(by_place(events), |event| event, ctx.spill);
        let bytes = self.reader.bytes();
        self.ledger.ignored += bytes.structure;
        self.ledger.unreadable += bytes.lost;
        self.ledger.not_understood += bytes.foreign;
        self.ledger.events = packed.len() as u64;
        let format = match self.reader.kind() {
            Some(FileKind::Pcap) => Some("pcap"),
            Some(FileKind::PcapNg) => Some("pcapng"),
            None if is_snoop(&self.head) => Some("snoop (not supported)"),
            None => None,
        };
        let status = if self.unreadable {
            SourceStatus::Unreadable
        } else if self.reader.kind().is_none() {
            SourceStatus::Unrecognised
        } else if self.damaged {
            SourceStatus::Damaged
        } else {
            SourceStatus::Ok
        };
        Parsed {
            source: Source {
                path: ctx.path.into(),
                blake3: [0; 32],
                sha256: None,
                kind: self.reader.kind().map(|_| SourceKind::Capture),
                format: format.map(Into::into),
                encoding: None,
                status,
                ledger: self.ledger,
                first_damage: self.first_damage.map(Into::into),
                device: None,
            },
            events: packed,
            issues: {
                let mut issues = Issues::merge(issues, ctx.source);
                issues.extend(card_faults.tell(Place::Frame, ctx.source));
                issues
            },
        }
    }
}

/// Sorts by frame; within a frame the order of the shard stays (a frame is of one flow, and so of one shard). Events are
/// large: sorting their numbers and moving each once is much cheaper than sorting them.
fn by_place(events: Vec<Event>) -> Vec<Event> {
    let mut order: Vec<(Place, u64, usize)> = events
        .iter()
        .enumerate()
        .map(|(n, e)| (e.place, e.lane, n))
        .collect();
    order.sort_unstable();
    let mut slots: Vec<Option<Event>> = events.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|(_, _, n)| slots.get_mut(n).and_then(Option::take))
        .collect()
}

#[cfg(test)]
mod tests;
