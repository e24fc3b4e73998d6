//! `tapscope scan`: says which inputs hold card data, where and of what kind, and never shows any.

use std::collections::BTreeMap;
use std::io::Read;

use rayon::prelude::*;
use serde::Serialize;
use tapscope_parsers::protocol::emv::tlv;
use tapscope_parsers::protocol::iso8583;
use tapscope_parsers::protocol::net::{capture::Reader, link, tcp};
use tapscope_parsers::sensitive::{self, Kind, Secret, Span};

use crate::cli::args::{Arguments, ScanArgs};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::{DONE, Ending, NO, PARTLY, sandbox};
use crate::decode::blocks::Blocks;
use crate::decode::encoding::text_reader;
use crate::decode::{self, StreamInfo};
use crate::parse::edge::Edge;
use crate::parse::probe::{InputKind, probe};
use crate::parse::shown_path;
use crate::plan::{Limits, Plan};
use crate::source;

/// Bytes that are looked through at once.
const BLOCK: usize = 256 << 10;
/// Blocks that are looked through side by side.
const BATCH: usize = 16;
/// Bytes of the window over a capture; grows where a block is larger.
const WINDOW: usize = 4 << 20;
/// Stretches this close together are one find: a track is hidden in parts.
const SAME: usize = 12;

/// Finds of one kind in one input.
#[derive(Debug, Clone, Serialize)]
struct Finding {
    path: String,
    kind: &'static str,
    /// May never be kept after authorisation, not even encrypted.
    authentication_data: bool,
    count: u64,
    /// `path:LINE`, `path#FRAME`, `path@BYTE`; the first ones.
    places: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Scanned {
    inputs: u64,
    bytes: u64,
    clean: u64,
    findings: Vec<Finding>,
    /// What could not be read whole: path and why.
    problems: Vec<(String, String)>,
}

/// Finds of one stream: how many of each kind, and the first places.
#[derive(Default)]
struct Tally {
    most: usize,
    kinds: BTreeMap<Kind, (u64, Vec<String>)>,
}

impl Tally {
    fn add(&mut self, kind: Kind, place: impl FnOnce() -> String) {
        let (count, places) = self.kinds.entry(kind).or_default();
        *count += 1;
        if places.len() < self.most {
            let place = place();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }
}

pub(crate) fn run(args: &ScanArgs, all: &Arguments, output: &Output) -> Ending {
    let plan = Plan {
        inputs: args.inputs.clone(),
        limits: super::analyze::limits(&args.limit)?,
        ..Plan::default()
    };
    let found = source::find(&plan);
    let edge = Edge::new(None);
    if let (true, Some(refused)) = (found.inputs.is_empty(), found.refused.first()) {
        let path = shown_path(&refused.shown, &edge);
        return Err(Failure::failed(format!(
            "cannot read {path}: {}",
            refused.text
        )));
    }
    if !args.no_sandbox {
        let read = sandbox::resolved(plan.inputs.clone(), &plan);
        sandbox::confine(&read, None).tell(all, output);
    }
    let mut scanned = Scanned {
        inputs: 0,
        bytes: 0,
        clean: 0,
        findings: Vec::new(),
        problems: found
            .refused
            .iter()
            .map(|r| (shown_path(&r.shown, &edge).to_string(), r.text.to_string()))
            .collect(),
    };
    let parts: Vec<Scanned> = found
        .inputs
        .par_iter()
        .map(|input| self::input(input, &plan, &edge, args.places))
        .collect();
    for part in parts {
        scanned.inputs += part.inputs;
        scanned.bytes += part.bytes;
        scanned.clean += part.clean;
        scanned.findings.extend(part.findings);
        scanned.problems.extend(part.problems);
    }
    if args.json {
        output.json(&scanned)?;
    } else {
        tell(&scanned, output)?;
    }
    Ok(
        match (scanned.findings.is_empty(), scanned.problems.is_empty()) {
            (false, _) => NO,
            (true, false) => PARTLY,
            (true, true) => DONE,
        },
    )
}

fn tell(scanned: &Scanned, output: &Output) -> Result<(), Failure> {
    let mut text = String::new();
    for finding in &scanned.findings {
        let paint = if finding.authentication_data {
            Paint::Red
        } else {
            Paint::Yellow
        };
        let kind = output.paint(paint, finding.kind);
        let more = if (finding.places.len() as u64) < finding.count {
            " …"
        } else {
            ""
        };
        let places = crate::report::clean(&finding.places.join(" "));
        text.push_str(&format!("{kind} {} {places}{more}\n", finding.count));
    }
    for (path, why) in &scanned.problems {
        let word = output.paint_err(Paint::Yellow, "not read whole:");
        output.note(&format!(
            "{word} {}: {}",
            crate::report::clean(path),
            crate::report::clean(why)
        ));
    }
    let holding = scanned.inputs - scanned.clean;
    text.push_str(&format!(
        "{holding} of {} inputs hold card data ({})\n",
        scanned.inputs,
        crate::report::text_bytes(scanned.bytes)
    ));
    output.result(&text)
}

fn input(input: &source::Input, plan: &Plan, edge: &Edge, places: usize) -> Scanned {
    let mut done = Scanned {
        inputs: 0,
        bytes: 0,
        clean: 0,
        findings: Vec::new(),
        problems: Vec::new(),
    };
    let report = decode::each_stream(input, plan, &mut |info, reader| {
        let path = shown_path(&info.path, edge).to_string();
        let mut tally = Tally {
            most: places,
            ..Tally::default()
        };
        // There should be no panic; if there is one, it costs this input and not the run.
        let whole = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            stream(info, reader, &path, &plan.limits, &mut tally);
        }));
        if whole.is_err() {
            done.problems
                .push((path.clone(), "internal error".to_owned()));
        }
        done.inputs += 1;
        done.clean += u64::from(tally.kinds.is_empty());
        for (kind, (count, places)) in tally.kinds {
            done.findings.push(Finding {
                path: path.clone(),
                kind: kind.name(),
                authentication_data: kind.is_authentication_data(),
                count,
                places,
            });
        }
    });
    for stream in &report.streams {
        done.bytes += stream.bytes;
        for fault in &stream.faults {
            let path = shown_path(&stream.path, edge).to_string();
            done.problems
                .push((path, edge.text(&fault.text).to_string()));
        }
    }
    done
}

fn stream(
    info: &StreamInfo<'_>,
    reader: &mut dyn Read,
    path: &str,
    limits: &Limits,
    tally: &mut Tally,
) {
    match probe(info.head, &info.later_samples()).kind {
        InputKind::Text { written, .. } => {
            let mut lines = text_reader(Box::new(reader), written);
            text(&mut *lines, path, limits, tally);
        }
        InputKind::Trace(format, written) if !format.binary => {
            let mut lines = text_reader(Box::new(reader), written);
            text(&mut *lines, path, limits, tally);
        }
        InputKind::Capture(_) => capture(reader, path, tally),
        _ => binary(reader, path, tally),
    }
}

/// Lines, a block at a time; numbers that go on in the next line are found too.
fn text(reader: &mut dyn Read, path: &str, limits: &Limits, tally: &mut Tally) {
    let split = |bytes: &[u8]| memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
    let mut blocks = Blocks::new(reader, BLOCK, limits.line_bytes.min(BLOCK));
    loop {
        let batch: Vec<decode::blocks::Block> = std::iter::from_fn(|| blocks.next_block(&split))
            .take(BATCH)
            .collect();
        if batch.is_empty() {
            return;
        }
        let found: Vec<Vec<(Kind, u64)>> = batch
            .par_iter()
            .map(|block| {
                let lines = &block.bytes;
                let mut at = 0;
                let mut line = block.line;
                finds(lines)
                    .into_iter()
                    .map(|span| {
                        let between = lines.get(at..span.start).unwrap_or_default();
                        line += memchr::memchr_iter(b'\n', between).count() as u64;
                        at = span.start.max(at);
                        (sensitive::kind_of(lines, span), line)
                    })
                    .collect()
            })
            .collect();
        for (kind, line) in found.into_iter().flatten() {
            tally.add(kind, || format!("{path}:{line}"));
        }
        for block in batch {
            blocks.recycle(block.bytes);
        }
    }
}

/// Stretches of a text, parts of one thing taken together.
fn finds(text: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    sensitive::in_text(text, &mut spans);
    // What is masked already is no find.
    spans.retain(|span| {
        text.get(span.start..span.end)
            .is_some_and(|part| part.iter().any(|b| !matches!(b, b'*' | b' ' | b'x' | b'X')))
    });
    together(spans, |from, to| {
        text.get(from..to).is_none_or(|gap| gap.contains(&b'\n'))
    })
}

/// Joins stretches that are close and not told apart by `apart`; each keeps its first part.
fn together(mut spans: Vec<Span>, apart: impl Fn(usize, usize) -> bool) -> Vec<Span> {
    sensitive::normalise(&mut spans);
    let mut last_end = None;
    spans.retain(|span| {
        let near =
            last_end.is_some_and(|end: usize| span.start <= end + SAME && !apart(end, span.start));
        last_end = Some(span.end);
        !near
    });
    spans
}

/// Packets, one by one: what is split over segments is found in neither.
fn capture(input: &mut dyn Read, path: &str, tally: &mut Tally) {
    let mut reader = Reader::new();
    let mut buffer = vec![0_u8; WINDOW];
    let mut filled = 0;
    let mut packets = Vec::new();
    loop {
        let more = fill(input, buffer.get_mut(filled..).unwrap_or_default());
        filled += more;
        let end = filled < buffer.len();
        packets.clear();
        let window = buffer.get(..filled).unwrap_or_default();
        let used = reader.feed(window, end, &mut packets);
        let found: Vec<(Kind, u32)> = packets
            .par_iter()
            .flat_map_iter(|packet| {
                packet_finds(packet.link, packet.data(window))
                    .into_iter()
                    .map(|kind| (kind, packet.frame))
            })
            .collect();
        for (kind, frame) in found {
            tally.add(kind, || format!("{path}#{frame}"));
        }
        if end {
            return;
        }
        buffer.copy_within(used..filled, 0);
        filled -= used;
        if filled == buffer.len() {
            buffer.resize(buffer.len() * 2, 0);
        }
    }
}

/// In the payload: the fields of an ISO 8583 message, else any bytes or text. What is encrypted holds nothing to be found.
fn packet_finds(link_type: u16, frame: &[u8]) -> Vec<Kind> {
    let payload = match link::decode(link_type, frame) {
        link::Frame::Ip(datagram) => match datagram.protocol {
            6 => tcp::segment(datagram.payload).map_or(&[][..], |segment| segment.payload),
            17 => tcp::udp(datagram.payload).map_or(&[][..], |datagram| datagram.payload),
            _ => datagram.payload,
        },
        link::Frame::Radio(_) | link::Frame::UnknownLink => frame,
        _ => return Vec::new(),
    };
    if let [0x14..=0x17, 3, 0..=4, ..] = payload {
        return Vec::new();
    }
    match iso8583::locate(payload) {
        Some(found) => found.message.fields.iter().filter_map(field_kind).collect(),
        None => loose_finds(payload),
    }
}

/// What a field of an ISO 8583 message holds: by its number, else by what it looks like.
fn field_kind(field: &iso8583::Value<'_>) -> Option<Kind> {
    let hidden = |text: &str| text.contains(['*', 'x', 'X']);
    match field.number {
        2 if !hidden(&field.digits()) => Some(Kind::CardNumber),
        35 | 36 if !hidden(&field.digits()) => Some(Kind::Track2),
        45 => Some(Kind::Track1),
        52 if field.raw.iter().any(|b| *b != 0) => Some(Kind::Pin),
        55 => {
            let secret = |object: tlv::Object<'_>| match sensitive::secret_of_tag(
                object.tag,
                object.value.len(),
            )? {
                Secret::CardNumber => Some(Kind::CardNumber),
                Secret::Track2 => Some(Kind::Track2),
                Secret::Track1 => Some(Kind::Track1),
                Secret::AccountReference | Secret::Hidden => None,
            };
            tlv::walk(field.raw).find_map(secret)
        }
        // Additional and private data, where numbers are hidden in subfields.
        43 | 44 | 46..=48 | 57..=63 | 104 | 112..=127 => loose_finds(field.raw).into_iter().next(),
        _ => None,
    }
}

fn loose_finds(bytes: &[u8]) -> Vec<Kind> {
    let mut spans = Vec::new();
    sensitive::in_bytes(bytes, &mut spans);
    let binary = together(spans, |_, _| false).len();
    let characters = finds(bytes);
    let mut kinds: Vec<Kind> = characters
        .into_iter()
        .map(|span| sensitive::kind_of(bytes, span))
        .collect();
    // What both see is one find.
    let rest = binary.saturating_sub(kinds.len());
    kinds.extend(std::iter::repeat_n(Kind::CardNumber, rest));
    kinds
}

/// Bytes of no known format, in pieces that overlap.
fn binary(input: &mut dyn Read, path: &str, tally: &mut Tally) {
    const OVERLAP: usize = 128;
    let mut buffer = vec![0_u8; BLOCK];
    let mut filled = 0;
    let mut offset = 0_u64;
    loop {
        let more = fill(input, buffer.get_mut(filled..).unwrap_or_default());
        filled += more;
        let end = filled < buffer.len();
        let window = buffer.get(..filled).unwrap_or_default();
        let mut spans = Vec::new();
        sensitive::in_bytes(window, &mut spans);
        let mut spans: Vec<Span> = spans
            .into_iter()
            .map(|span| Span {
                start: span.start / 2,
                end: span.end.div_ceil(2),
            })
            .collect();
        spans.extend(finds(window));
        // What begins in the overlap is found again with the next piece.
        let border = if end {
            filled
        } else {
            filled.saturating_sub(OVERLAP)
        };
        for span in together(spans, |_, _| false) {
            if span.start < border {
                tally.add(sensitive::kind_of(window, span), || {
                    format!("{path}@{}", offset + span.start as u64)
                });
            }
        }
        if end {
            return;
        }
        buffer.copy_within(border..filled, 0);
        offset += border as u64;
        filled -= border;
    }
}

/// Fills the buffer as far as the input goes. Read errors were made faults before.
fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    filled
}
