//! Turns one block of text into items: finds the lines that hold an anchor in one pass and reads only those.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind, StartKind};
use tapscope_parsers::container::{Head, LogFormat, trim_line};
use tapscope_parsers::content::{self, Readers, apdu::ApduLine};
use tapscope_parsers::hex;
use tapscope_parsers::time::RawTime;

use super::line::{self, Found};
use super::snoop;
use crate::parse::Context;

/// Lines after a command in which its answer is looked for without an anchor.
const ATTENTION: u32 = 300;
/// Lines after an answer in which it may go on.
const AFTERGLOW: u32 = 12;
/// Bytes around a payment in which general words are looked for: some thousand lines; what is too far by time or lines is left out later.
const WINDOW: usize = 256 << 10;
/// Lines before the first telling field of a list that may be fields too.
const FIELDS_BEFORE: usize = 16;
/// Name of the lane of an NFCSNOOP block.
pub(super) const SNOOP: &[u8] = b"nfcsnoop";
/// How far back the head of a continuation line is looked for.
const LOOK_BACK: usize = 96;

/// What is built once for the process: finders, and readers of each content.
pub(super) struct Scanner {
    /// What only payments have.
    gate: AhoCorasick,
    /// General computing: looked for near payments only.
    general: AhoCorasick,
    pub(super) readers: Readers,
}

/// The scanner, or nothing where the tables are broken (which tests exclude).
pub(super) fn scanner() -> Option<&'static Scanner> {
    static SCANNER: OnceLock<Option<Scanner>> = OnceLock::new();
    SCANNER.get_or_init(build).as_ref()
}

fn build() -> Option<Scanner> {
    let readers = Readers::new().ok()?;
    let gate = finder(content::anchors(&readers))?;
    let general = finder(content::general_anchors(&readers))?;
    Some(Scanner {
        gate,
        general,
        readers,
    })
}

/// Anchors in UTF-8 and, the Chinese ones, in GB18030 too.
fn finder(anchors: Vec<String>) -> Option<AhoCorasick> {
    let mut patterns: Vec<Vec<u8>> = Vec::with_capacity(anchors.len() * 2);
    for anchor in anchors {
        if !anchor.is_ascii() {
            let (bytes, _, lossy) = encoding_rs::GB18030.encode(&anchor);
            if !lossy {
                patterns.push(bytes.into_owned());
            }
        }
        patterns.push(anchor.into_bytes());
    }
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostFirst)
        .start_kind(StartKind::Unanchored)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&patterns)
        .ok()
}

/// What one line (or a few) gave.
pub(super) struct Item {
    /// Offset of its line in the block.
    at: usize,
    /// Line within the block, from 0.
    pub line: u32,
    /// Bytes of the lines that gave it.
    pub bytes: u64,
    /// Time as written, of the line or of the record that it belongs to.
    pub time: Option<RawTime>,
    /// True where the time is that of a line before.
    pub inherited: bool,
    /// Hash of the process.
    pub process: u64,
    /// Hash of process and thread.
    pub lane: u64,
    /// What was found.
    pub found: Found,
}

/// What a block gave.
#[derive(Default)]
pub(super) struct Block {
    pub items: Vec<Item>,
    /// Line ends in the block.
    pub lines: u32,
}

/// FNV-1a: the same on every machine and in every run.
pub(super) fn hash(parts: &[&[u8]]) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    let mut any = false;
    for part in parts {
        any |= !part.is_empty();
        for byte in part.iter().chain(&[0]) {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    if any { sum } else { 0 }
}

/// Reads a block that begins and ends at record borders.
pub(super) fn block(
    scanner: &Scanner,
    format: &'static LogFormat,
    text: &[u8],
    ctx: &Context<'_>,
) -> Block {
    let mut walk = Walk {
        scanner,
        format,
        text,
        ctx,
        attention: AFTERGLOW,
        open: true,
        head_cache: None,
        items: Vec::new(),
        read: Vec::new(),
    };
    walk.payments();
    walk.general();
    let mut items = walk.items;
    items.sort_by_key(|item| item.at);
    let (mut lines, mut at) = (0, 0);
    for item in &mut items {
        lines += count_lines(&text[at..item.at]);
        at = item.at;
        item.line = lines;
    }
    lines += count_lines(&text[at..]);
    Block { items, lines }
}

fn count_lines(text: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(u32::MAX)
}

/// Where `<isomsg` or `&lt;isomsg` begins.
fn iso_xml_start(line: &[u8]) -> Option<usize> {
    let at = memchr::memmem::find(line, b"isomsg")?;
    let head = &line[..at];
    if head.ends_with(b"&lt;") {
        Some(at - 4)
    } else {
        head.ends_with(b"<").then(|| at - 1)
    }
}

struct Walk<'a> {
    scanner: &'a Scanner,
    format: &'static LogFormat,
    text: &'a [u8],
    ctx: &'a Context<'a>,
    attention: u32,
    /// True while an answer is awaited or a dump may go on.
    open: bool,
    /// Start of the last record head that was parsed, and what it said.
    head_cache: Option<(usize, Head<'a>)>,
    items: Vec<Item>,
    /// Lines that were read: start and end.
    read: Vec<(usize, usize)>,
}

impl<'a> Walk<'a> {
    /// Lines that hold an anchor of payments, and those after a command in which its answer may stand.
    fn payments(&mut self) {
        let text = self.text;
        let mut at = 0;
        while at < text.len() {
            if self.attention == 0 {
                let input = Input::new(text).span(at..text.len()).anchored(Anchored::No);
                let Some(hit) = self.scanner.gate.find(input) else {
                    break;
                };
                at = memchr::memrchr(b'\n', &text[at..hit.start()]).map_or(at, |n| at + n + 1);
            } else {
                self.attention -= 1;
            }
            let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n + 1);
            let used = self.line(at, end);
            self.read.push((at, used));
            if matches!(self.items.last(), Some(Item { at: here, found: Found::IsoFields(_), .. }) if *here == at)
            {
                self.fields_before(at);
            }
            at = used;
        }
    }

    /// A list with a field on each line begins with fields that say too little by themselves: they are read backwards.
    fn fields_before(&mut self, start: usize) {
        let floor = self.read.iter().rev().nth(1).map_or(0, |(_, end)| *end);
        let mut start = start;
        for _ in 0..FIELDS_BEFORE {
            if start <= floor {
                return;
            }
            let end = start;
            start = memchr::memrchr(b'\n', &self.text[..end - 1]).map_or(0, |n| n + 1);
            if start < floor {
                return;
            }
            let before = self.items.len();
            self.line(start, end);
            self.read.push((start, end));
            if !matches!(
                self.items.get(before),
                Some(Item {
                    found: Found::IsoFields(_),
                    ..
                })
            ) {
                return;
            }
        }
    }

    /// Lines of general computing in the neighbourhood of payments.
    fn general(&mut self) {
        let text = self.text;
        let mut windows: Vec<(usize, usize)> = Vec::new();
        for item in &self.items {
            if matches!(
                item.found,
                Found::Said { payment: false, .. } | Found::Nci(_)
            ) {
                continue;
            }
            let (from, to) = (
                item.at.saturating_sub(WINDOW),
                (item.at + WINDOW).min(text.len()),
            );
            match windows.last_mut() {
                Some(last) if from <= last.1 => last.1 = to,
                _ => windows.push((from, to)),
            }
        }
        let mut read = std::mem::take(&mut self.read);
        read.sort_unstable();
        let mut done = read.iter().copied().peekable();
        self.open = false;
        for (from, to) in windows {
            let mut at = if from == 0 {
                0
            } else {
                memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |n| from + n + 1)
            };
            while at < to {
                while done.next_if(|(_, end)| *end <= at).is_some() {}
                if let Some((start, end)) = done.peek()
                    && *start <= at
                {
                    at = *end;
                    continue;
                }
                let stop = done.peek().map_or(to, |(start, _)| (*start).min(to));
                let input = Input::new(text).span(at..stop).anchored(Anchored::No);
                let Some(hit) = self.scanner.general.find(input) else {
                    at = stop;
                    continue;
                };
                let start =
                    memchr::memrchr(b'\n', &text[at..hit.start()]).map_or(at, |n| at + n + 1);
                let end = memchr::memchr(b'\n', &text[hit.start()..])
                    .map_or(text.len(), |n| hit.start() + n + 1);
                self.line(start, end);
                at = end;
            }
        }
    }

    /// Reads the line at `start..end`; returns where reading goes on (behind the line, or behind all lines of a message).
    fn line(&mut self, start: usize, end: usize) -> usize {
        let limit = self.ctx.plan.limits.line_bytes;
        let whole = trim_line(&self.text[start..end.min(start + limit)]);
        if whole.is_empty() {
            return end;
        }
        let own = (self.format.is_head)(whole)
            .then(|| (self.format.head)(whole))
            .flatten();
        let (head, message, inherited) = if let Some(head) = own {
            self.head_cache = Some((start, head));
            (head, head.message, false)
        } else {
            let head = self.head_before(start);
            (head, whole, true)
        };
        let mut used = end;
        let mut found = Vec::new();
        if memchr::memmem::find(whole, b"BEGIN:NFCSNOOP_").is_some()
            && let Some(snooped) = snoop::read(&self.text[start..])
        {
            return self.snooped(start, snooped);
        }
        // A message in XML spans lines.
        if let Some(open) = iso_xml_start(&self.text[start..end])
            && let Some((iso, length)) = line::iso_xml(&self.text[start + open..], self.ctx)
        {
            let behind = (start + open + length)
                .max(end - 1)
                .min(self.text.len() - 1);
            used = memchr::memchr(b'\n', &self.text[behind..])
                .map_or(self.text.len(), |n| behind + n + 1);
            found.push(iso);
        }
        if found.is_empty()
            && let Some((iso, behind)) = self.dumped_message(message, end)
        {
            used = behind;
            found.push(iso);
        }
        if found.is_empty() {
            line::read(
                self.scanner,
                &head,
                message,
                self.open,
                self.ctx,
                &mut found,
            );
        }
        for item in &found {
            match item {
                Found::Apdu(
                    ApduLine::Bytes {
                        way: content::apdu::Way::Command,
                        ..
                    }
                    | ApduLine::Announced { .. },
                ) => {
                    self.open = true;
                    self.attention = ATTENTION;
                }
                Found::Apdu(_) => {
                    self.open = true;
                    self.attention = AFTERGLOW;
                }
                Found::Iso(_) | Found::IsoFields(_) => self.attention = self.attention.max(3),
                _ => {}
            }
        }
        if found.is_empty() {
            if self.attention == 0 {
                self.open = false;
            }
            return used;
        }
        let process = hash(&[if head.process.is_empty() {
            head.tag
        } else {
            head.process
        }]);
        let lane = hash(&[head.process, head.thread]);
        let bytes = (used - start) as u64;
        for (index, found) in found.into_iter().enumerate() {
            self.items.push(Item {
                at: start,
                line: 0,
                bytes: if index == 0 { bytes } else { 0 },
                time: head.time,
                inherited,
                process,
                lane,
                found,
            });
        }
        used
    }

    /// Takes up the frames of a block, which are a source of their own within the text; gives where it ends.
    fn snooped(&mut self, start: usize, snooped: snoop::Snooped) -> usize {
        let process = hash(&[SNOOP]);
        for (index, (time, frame)) in snooped.frames.into_iter().enumerate() {
            self.items.push(Item {
                at: start,
                line: 0,
                bytes: if index == 0 { snooped.end as u64 } else { 0 },
                time: Some(time),
                inherited: false,
                process,
                lane: process,
                found: Found::Nci(frame),
            });
        }
        start + snooped.end
    }

    /// An ISO 8583 message dumped over this and the following lines: offset, bytes, characters. Gives it and where it ends.
    fn dumped_message(&self, message: &[u8], end: usize) -> Option<(Found, usize)> {
        let (Some(0), mut bytes) = hex::dump_line(message, 16)? else {
            return None;
        };
        let mut behind = end;
        while behind < self.text.len() && bytes.len() % 16 == 0 && bytes.len() < 4096 {
            let stop = memchr::memchr(b'\n', &self.text[behind..])
                .map_or(self.text.len(), |n| behind + n + 1);
            let whole = trim_line(&self.text[behind..stop]);
            let line = if (self.format.is_head)(whole) {
                (self.format.head)(whole).map_or(whole, |h| h.message)
            } else {
                whole
            };
            match hex::dump_line(line, 16) {
                Some((Some(offset), more))
                    if offset == bytes.len() || offset == bytes.len() / 16 =>
                {
                    bytes.extend(more)
                }
                _ => break,
            }
            behind = stop;
        }
        line::iso_bytes(&bytes, self.ctx).map(|found| (found, behind))
    }

    /// The head of the record that a line without one belongs to.
    fn head_before(&mut self, start: usize) -> Head<'a> {
        let mut at = start;
        for _ in 0..LOOK_BACK {
            if at == 0 {
                break;
            }
            if let Some((cached, head)) = self.head_cache
                && cached >= at
            {
                return Head {
                    message: &[],
                    ..head
                };
            }
            let before = memchr::memrchr(b'\n', &self.text[..at - 1]).map_or(0, |n| n + 1);
            let line = trim_line(&self.text[before..at]);
            if (self.format.is_head)(line) {
                let head = (self.format.head)(line).unwrap_or_default();
                self.head_cache = Some((before, head));
                return Head {
                    message: &[],
                    ..head
                };
            }
            at = before;
        }
        Head::default()
    }
}
