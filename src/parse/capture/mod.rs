//! From the bytes of a capture to events: payment messages, connections, TLS and DNS trouble, ICMP errors.
//!
//! The file is read in windows into one buffer. In each window packets are cut out in file order, decoded in parallel,
//! and dealt by flow to a fixed number of shards, each with its own flow table; so the result is the same for any number
//! of threads. What the shards made is merged by frame at the end.

mod card;
pub mod described;
mod dns;
mod endpoints;
mod file;
mod flow;
mod follow;
mod health;
mod issues;
mod links;
mod message;
mod out;
mod packets;
mod payload;
pub mod rotated;
mod shard;
mod tls;
mod web;

use std::io::Read;

use rayon::prelude::*;
use tapscope_parsers::protocol::iso8583::Dialect;
use tapscope_parsers::protocol::net::capture::Packet;
use tapscope_parsers::protocol::net::tls::keylog::KeyLog;

use crate::event::{Event, Events, Issue, Place, Source, SourceKind, SourceStatus, Text};
use crate::parse::{Context, Parsed};
use endpoints::Endpoints;
use file::File;
pub use follow::Followed;
pub(crate) use issues::Issues;
use issues::localise;
use out::With;
use packets::Decoder;
use shard::Shard;
use tls::Secrets;

/// Flow tables; fixed, so that results do not depend on the number of threads.
const SHARDS: usize = 4;

/// Parses a capture.
///
/// Never fails: what could not be read is in the issues and in the ledger.
pub fn run(reader: &mut dyn Read, ctx: &Context<'_>) -> Parsed {
    follow_some(reader, ctx, None).0
}

/// As [`run`], and gives the beginning of every connection's bytes beside: at most `limit` of each direction.
pub fn follow(reader: &mut dyn Read, ctx: &Context<'_>, limit: usize) -> (Parsed, Vec<Followed>) {
    follow_some(reader, ctx, Some(limit))
}

fn follow_some(
    reader: &mut dyn Read,
    ctx: &Context<'_>,
    limit: Option<usize>,
) -> (Parsed, Vec<Followed>) {
    let mut run = Run::new(ctx);
    for shard in &mut run.shards {
        if let Some(limit) = limit {
            shard.follow(limit);
        }
    }
    run.following = limit.is_some();
    let mut file = File::new(ctx);
    file.read(reader, ctx, &mut |file, window, packets| {
        run.window(file, window, packets);
    });
    run.end(file);
    let (mut parsed, followed) = run.finish();
    // One file was read: there is one.
    let parsed = parsed.pop().unwrap_or_else(|| nothing(ctx));
    (parsed, followed)
}

fn nothing(ctx: &Context<'_>) -> Parsed {
    Parsed {
        source: crate::source::unreadable(ctx.path.into()),
        events: Events::default(),
        issues: Vec::new(),
    }
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

/// Largest step back of the clock from one file of a set to the next, nanoseconds.
const STEP_BACK: i64 = 1_000_000_000;
/// Longest pause between two files of a set.
const PAUSE: i64 = 3_600_000_000_000;

/// Captures that may be one: files of a ring buffer, in order. Connections go on from file to file; each file keeps its
/// own events, issues and bytes.
pub struct Set<'c> {
    ctx: &'c Context<'c>,
    run: Option<Run<'c>>,
    done: Vec<Parsed>,
    members: Vec<Text>,
    reading: bool,
}

impl<'c> Set<'c> {
    /// A set without files.
    #[must_use]
    pub fn new(ctx: &'c Context<'c>) -> Self {
        Self {
            ctx,
            run: None,
            done: Vec::new(),
            members: Vec::new(),
            reading: false,
        }
    }

    /// A fault of the program stopped it in the middle of a file.
    pub(crate) fn is_broken(&self) -> bool {
        self.reading
    }

    /// Reads the next file and gives what stands for it until the set is finished.
    pub(crate) fn read_member(&mut self, reader: &mut dyn Read, path: &Text) -> Parsed {
        self.reading = true;
        self.read(reader);
        self.reading = false;
        self.members.push(path.clone());
        Parsed {
            source: Source {
                status: SourceStatus::Ok,
                kind: Some(SourceKind::Capture),
                ..crate::source::unreadable(path.clone())
            },
            events: Events::default(),
            issues: Vec::new(),
        }
    }

    /// Finishes the set and puts what was read where it was stood for; hashes and faults of decoding stay.
    pub fn settle(self, read: &mut [(usize, Vec<Parsed>)]) {
        let members = self.members.clone();
        let mut waiting = read.iter_mut().flat_map(|(_, parsed)| parsed);
        for (member, done) in members.iter().zip(self.finish()) {
            let Some(place) = waiting.find(|p| p.source.path == *member) else {
                return;
            };
            let before = std::mem::replace(place, done);
            place.source.path = before.source.path;
            place.source.blake3 = before.source.blake3;
            place.source.sha256 = before.source.sha256;
            if place.source.status == SourceStatus::Ok {
                place.source.status = before.source.status;
            }
            let damage = before.source.first_damage;
            place.source.first_damage = place.source.first_damage.take().or(damage);
            place.issues.extend(before.issues);
        }
    }

    /// Reads the next file. Where it does not go on where the last one ended, it begins another capture.
    pub fn read(&mut self, reader: &mut dyn Read) {
        let ctx = self.ctx;
        let mut file = File::new(ctx);
        let (run, done) = (&mut self.run, &mut self.done);
        let mut begun = false;
        file.read(reader, ctx, &mut |file, window, packets| {
            if !begun {
                begun = true;
                let first = packets.iter().find_map(|p| p.nanos);
                if let Some(before) = run.take() {
                    if before.goes_on(first) {
                        *run = Some(before);
                    } else {
                        done.extend(before.finish().0);
                    }
                }
                run.get_or_insert_with(|| Run::new(ctx)).begin(file);
            }
            if let Some(run) = run {
                run.window(file, window, packets);
            }
        });
        let run = run.get_or_insert_with(|| Run::new(ctx));
        if !begun {
            run.begin(&mut file);
        }
        run.end(file);
    }

    /// The files, in the order in which they were read.
    #[must_use]
    pub fn finish(mut self) -> Vec<Parsed> {
        if let Some(run) = self.run.take().filter(|_| !self.reading) {
            self.done.extend(run.finish().0);
        }
        self.done
    }
}

/// One capture, of one file or of several.
struct Run<'c> {
    ctx: &'c Context<'c>,
    decoder: Decoder,
    shards: Vec<Shard>,
    cards: card::Cards<'c>,
    links: links::Links,
    endpoints: Endpoints,
    /// Secrets that stand in the capture itself.
    secrets: KeyLog,
    dialects: Vec<&'static Dialect>,
    files: Vec<File>,
    /// Frames before each file, that under way included.
    starts: Vec<u32>,
    last: Option<i64>,
    following: bool,
}

impl<'c> Run<'c> {
    fn new(ctx: &'c Context<'c>) -> Self {
        let limits = &ctx.plan.limits;
        let described = ctx.plan.network.dialects.iter();
        Self {
            ctx,
            decoder: Decoder::new(limits),
            shards: (0..SHARDS)
                .map(|_| Shard::new(ctx.source, limits, SHARDS))
                .collect(),
            cards: card::Cards::new(ctx),
            links: links::Links::default(),
            endpoints: Endpoints::default(),
            secrets: KeyLog::default(),
            dialects: described.map(|d| d.dialect).collect(),
            files: Vec::new(),
            starts: vec![0],
            last: None,
            following: false,
        }
    }

    /// True where a file that begins at that time may go on here.
    fn goes_on(&self, first: Option<i64>) -> bool {
        match (self.last, first) {
            (Some(last), Some(first)) => (-STEP_BACK..=PAUSE).contains(&(first - last)),
            _ => false,
        }
    }

    /// A file begins.
    fn begin(&mut self, file: &mut File) {
        let number = self.files.len();
        file.number = u16::try_from(number).unwrap_or(u16::MAX);
        file.start = match self.files.last() {
            Some(before) => before.start + before.reader.frames(),
            None => 0,
        };
        if number > 0 {
            self.starts.push(file.start);
            for shard in &mut self.shards {
                shard.next_file(file.start);
            }
        }
    }

    /// A file ends.
    fn end(&mut self, file: File) {
        self.files.push(file);
    }

    fn window(&mut self, file: &mut File, window: &[u8], packets: &mut [Packet]) {
        if file.start > 0 {
            for packet in packets.iter_mut() {
                packet.frame += file.start;
            }
        }
        self.last = packets.iter().rev().find_map(|p| p.nanos).or(self.last);
        self.secrets.add(&file.reader.take_secrets());
        file.ledger.records += packets.len() as u64;
        let dealt = self.decoder.decode(window, packets, SHARDS, file.number);
        let with = With {
            known: &self.endpoints,
            ctx: self.ctx,
            secrets: Secrets {
                given: &self.ctx.plan.network.keylog,
                found: &self.secrets,
            },
            dialects: &self.dialects,
        };
        self.shards
            .par_iter_mut()
            .enumerate()
            .for_each(|(n, shard)| {
                for item in dealt.of(n) {
                    shard.take(item, with);
                }
                shard.tidy(with);
                shard.pack(with.ctx.spill);
            });
        for link in &dealt.links {
            self.links.take(link);
        }
        if let Some(now) = self.last {
            self.links.expire(now);
        }
        for card in &dealt.cards {
            self.cards.take(card);
            file.ledger.understood += u64::from(card.record);
        }
        file.ledger.ignored += dealt.ignored;
        file.ledger.not_understood += dealt.not_understood;
        let start = file.start;
        for (link, (count, first)) in dealt.unknown {
            file.issues.add(
                Place::Frame(first - start),
                "link_type_unknown",
                count,
                format!("packets of link type {link} are not read"),
            );
        }
        for (frame, expected) in dealt.malformed {
            file.ledger.damaged_records += 1;
            file.issues.add(
                Place::Frame(frame - start),
                "packet_malformed",
                1,
                format!("expected {expected}"),
            );
        }
        for shard in &mut self.shards {
            self.endpoints.learn(shard.take_learnt());
        }
    }

    fn finish(mut self) -> (Vec<Parsed>, Vec<Followed>) {
        let ctx = self.ctx;
        for (code, count) in self.decoder.finish() {
            if count > 0
                && let Some(file) = self.files.last_mut()
            {
                let text = "IP fragments left over".into();
                file.issues.add(Place::Whole, code, count, text);
            }
        }
        let clocks = self.shards.iter().map(Shard::clock);
        let end = clocks.max().unwrap_or(i64::MIN);
        let with = With {
            known: &self.endpoints,
            ctx,
            secrets: Secrets {
                given: &ctx.plan.network.keylog,
                found: &self.secrets,
            },
            dialects: &self.dialects,
        };
        self.shards
            .par_iter_mut()
            .for_each(|shard| shard.finish(end, with));
        let streams = self.shards.iter_mut().flat_map(Shard::take_followed);
        let mut followed: Vec<Followed> = streams.collect();
        let followed_too = self.following;
        followed.sort_by_key(|f| f.first_frame);
        for shard in &mut self.shards {
            self.endpoints.learn(shard.take_learnt());
        }
        let known = &self.endpoints;
        self.shards.par_iter_mut().for_each(|s| s.settle(known));

        let mut wanted = std::collections::BTreeSet::new();
        for shard in &self.shards {
            wanted.extend(shard.kept_servers().iter().copied());
        }
        let mut events: Vec<Events> = self.files.iter().map(|_| Events::default()).collect();
        let mut issues: Vec<Vec<Issues>> = self.files.iter().map(|_| Vec::new()).collect();
        for shard in self.shards {
            let done = shard.into_parts(&wanted, ctx.spill);
            for (file, bytes) in self.files.iter_mut().zip(&done.bytes) {
                file.ledger.understood += bytes.understood;
                file.ledger.ignored += bytes.ignored;
                file.ledger.damaged_records += bytes.damaged;
                file.damaged |= bytes.damaged > 0;
            }
            for (all, more) in events.iter_mut().zip(done.events) {
                all.append(more);
            }
            for (all, more) in issues.iter_mut().zip(done.issues.split(&self.starts)) {
                all.push(more);
            }
        }
        let (cards, card_faults) = self.cards.finish();
        let mut dealt: Vec<Vec<Event>> = self.files.iter().map(|_| Vec::new()).collect();
        if followed_too {
            for (server, (client, frame, _)) in &self.links.quic {
                followed.push(Followed::named("quic", *client, *server, *frame));
            }
        }
        let below = self.links.finish();
        for mut event in cards.into_iter().chain(below) {
            let file = out::to_file(&mut event, &self.starts);
            if let Some(list) = dealt.get_mut(file) {
                list.push(event);
            }
        }
        // A capture of nothing but a card is a trace: one sequence, cut where the card comes back.
        let only_cards: Vec<bool> = events
            .iter()
            .zip(&dealt)
            .map(|(events, cards)| events.is_empty() && !cards.is_empty())
            .collect();
        for (events, more) in events.iter_mut().zip(dealt) {
            events.extend_from(more, |event| event, ctx.spill);
        }
        let mut faults: Vec<Vec<Issue>> = self.files.iter().map(|_| Vec::new()).collect();
        for mut issue in card_faults.tell(Place::Frame, ctx.source) {
            let file = localise(&mut issue.place, &self.starts);
            if let Some(list) = faults.get_mut(file) {
                list.push(issue);
            }
        }
        let mut parsed = Vec::with_capacity(self.files.len());
        let files = self.files.into_iter().zip(events).zip(issues).zip(faults);
        for ((((mut file, events), mut issues), faults), only_cards) in files.zip(only_cards) {
            // A frame is of one flow, and so of one shard: within it the order of the shard stays.
            let events = events.sorted_by_place();
            issues.insert(
                0,
                std::mem::replace(&mut file.issues, Issues::new(ctx.source)),
            );
            let mut issues = Issues::merge(issues, ctx.source);
            issues.extend(faults);
            let mut one = file.parsed(events, issues, ctx);
            if only_cards {
                one.source.kind = one.source.kind.map(|_| SourceKind::Trace);
            }
            parsed.push(one);
        }
        (parsed, followed)
    }
}

#[cfg(test)]
mod tests;
