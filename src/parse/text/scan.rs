//! Turns one block of text into items: finds the lines that hold an anchor in one pass and reads only those.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind, StartKind};
use tapscope_parsers::container::{Head, LogFormat, trim_line};
use tapscope_parsers::content::{self, Readers, apdu::ApduLine};
use tapscope_parsers::time::RawTime;

use super::line::{self, Found};
use crate::parse::Context;

/// Lines after a command in which its answer is looked for without an anchor.
const ATTENTION: u32 = 300;
/// Lines after an answer in which it may go on.
const AFTERGLOW: u32 = 12;
/// How far back the head of a continuation line is looked for.
const LOOK_BACK: usize = 96;

/// What is built once for the process: finders, and readers of each content.
pub(super) struct Scanner {
    gate: AhoCorasick,
    pub(super) readers: Readers,
}

/// The scanner, or nothing where the tables are broken (which tests exclude).
pub(super) fn scanner() -> Option<&'static Scanner> {
    static SCANNER: OnceLock<Option<Scanner>> = OnceLock::new();
    SCANNER.get_or_init(build).as_ref()
}

fn build() -> Option<Scanner> {
    let readers = Readers::new().ok()?;
    let mut patterns: Vec<Vec<u8>> = Vec::new();
    for anchor in content::anchors(&readers) {
        if !anchor.is_ascii() {
            let (bytes, _, lossy) = encoding_rs::GB18030.encode(&anchor);
            if !lossy {
                patterns.push(bytes.into_owned());
            }
        }
        patterns.push(anchor.into_bytes());
    }
    let gate = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostFirst)
        .start_kind(StartKind::Unanchored)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&patterns)
        .ok()?;
    Some(Scanner { gate, readers })
}

/// What one line (or a few) gave.
pub(super) struct Item {
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
    /// First and last time written in the block.
    pub last_time: Option<RawTime>,
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
    let mut out = Block::default();
    let mut walk = Walk {
        scanner,
        format,
        text,
        ctx,
        attention: AFTERGLOW,
        open: true,
        head_cache: None,
    };
    let mut at = 0;
    while at < text.len() {
        if walk.attention == 0 {
            let input = Input::new(text).span(at..text.len()).anchored(Anchored::No);
            let Some(hit) = walk.scanner.gate.find(input) else {
                break;
            };
            let start = memchr::memrchr(b'\n', &text[at..hit.start()]).map_or(at, |n| at + n + 1);
            out.lines += count_lines(&text[at..start]);
            at = start;
        } else {
            walk.attention -= 1;
        }
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n + 1);
        let used = walk.line(at, end, &mut out);
        out.lines += count_lines(&text[at..used]);
        at = used;
    }
    out.lines += count_lines(&text[at.min(text.len())..]);
    out
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
}

impl<'a> Walk<'a> {
    /// Reads the line at `start..end`; returns where reading goes on (behind the line, or behind all lines of a message).
    fn line(&mut self, start: usize, end: usize, out: &mut Block) -> usize {
        let limit = self.ctx.plan.limits.line_bytes;
        let whole = trim_line(&self.text[start..end.min(start + limit)]);
        if whole.is_empty() {
            return end;
        }
        let own = (self.format.is_head)(whole)
            .then(|| (self.format.head)(whole))
            .flatten();
        let (head, message, inherited) = match own {
            Some(head) => {
                self.head_cache = Some((start, head));
                (head, head.message, false)
            }
            None => {
                let head = self.head_before(start);
                (head, whole, true)
            }
        };
        let mut used = end;
        let mut found = Vec::new();
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
                    self.attention = self.attention.min(AFTERGLOW).max(AFTERGLOW);
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
            out.items.push(Item {
                line: out.lines,
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
