//! Turns one block of text into items: finds the lines that hold an anchor in one pass and reads only those.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};

use tapscope_parsers::container::{self, Head, trim_line};
use tapscope_parsers::content::{self, Readers, apdu::ApduLine};
use tapscope_parsers::time::RawTime;

use super::anchors::{Anchors, Hits};
use super::damage::{self, Damage};
use super::line::{self, Found};
use super::shape::{Line, Shape};
use super::snoop;
use crate::event::{REQUEST, Signal};
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
    /// Finds the lines that are worth reading.
    pub(super) anchors: Anchors,
    pub(super) readers: Readers,
}

/// The scanner, with the user's rows of wording; nothing where the tables are broken (which tests exclude).
pub(super) fn scanner(wording: &[String]) -> Option<&'static Scanner> {
    static SCANNER: OnceLock<Option<Scanner>> = OnceLock::new();
    /// One for each set of rows: a process has few.
    static OWN: Mutex<Vec<(Vec<String>, &'static Scanner)>> = Mutex::new(Vec::new());
    if wording.is_empty() {
        return SCANNER.get_or_init(|| build(&[])).as_ref();
    }
    let mut own = OWN.lock().ok()?;
    if let Some((_, known)) = own.iter().find(|(rows, _)| rows == wording) {
        return Some(*known);
    }
    let made: &'static Scanner = Box::leak(Box::new(build(wording)?));
    own.push((wording.to_vec(), made));
    Some(made)
}

fn build(wording: &[String]) -> Option<Scanner> {
    let readers = Readers::with_wording(wording).ok()?;
    let anchors = Anchors::new(
        &content::anchors(&readers),
        &content::general_anchors(&readers),
    )?;
    Some(Scanner { anchors, readers })
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
    /// Microseconds since the block began, where lines only tell the time since the line before.
    pub ticks: Option<i64>,
    /// Hash of the process.
    pub process: u64,
    /// Hash of process and thread.
    pub lane: u64,
    /// The inner time of a line that wraps another; few do.
    pub wrapped: Option<Box<RawTime>>,
    /// What was found.
    pub found: Found,
}

/// What a block gave.
#[derive(Default)]
pub(super) struct Block {
    pub items: Vec<Item>,
    /// Line ends in the block.
    pub lines: u32,
    /// Microseconds that its lines take together, where they tell the time since the line before.
    pub ticks: i64,
    /// What is damaged in it.
    pub damage: Vec<Damage>,
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

/// Lists that were emptied, for the next blocks: fresh memory has to be cleared by the system first.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Vec<Item>>>);

impl Spare {
    fn take(&self) -> Vec<Item> {
        let list = self.0.lock().ok().and_then(|mut lists| lists.pop());
        list.unwrap_or_default()
    }

    /// Takes back a list.
    pub(super) fn give_back(&self, mut list: Vec<Item>) {
        list.clear();
        if let Ok(mut lists) = self.0.lock() {
            lists.push(list);
        }
    }
}

/// Reads a block that begins and ends at record borders.
pub(super) fn block(
    scanner: &Scanner,
    shape: &Shape,
    text: &[u8],
    first: bool,
    beside: bool,
    ctx: &Context<'_>,
    spare: &Spare,
) -> Block {
    let mut walk = Walk {
        scanner,
        shape,
        text,
        ctx,
        attention: if shape.all { u32::MAX } else { AFTERGLOW },
        fields: AFTERGLOW,
        hits: if shape.all {
            Hits::default()
        } else {
            scanner.anchors.find(text)
        },
        passed: 0,
        open: true,
        head_cache: None,
        ticks: (0, 0),
        items: spare.take(),
        read: Vec::new(),
        taken: BTreeSet::new(),
        too_long: RefCell::default(),
    };
    walk.payments();
    let ticks = walk.ticks_at(text.len()).unwrap_or(0);
    if beside {
        walk.of_the_device();
    } else {
        walk.general();
    }
    let mut items = walk.items;
    items.sort_by_key(|item| item.at);
    let (mut lines, mut at) = (0, 0);
    for item in &mut items {
        lines += count_lines(&text[at..item.at]);
        at = item.at;
        item.line = lines;
    }
    lines += count_lines(&text[at..]);
    let too_long = walk.too_long.into_inner();
    let mut damage = damage::find(
        shape.format,
        text,
        ctx.plan.limits.line_bytes,
        first,
        too_long,
    );
    let (mut line, mut at) = (0, 0);
    for one in &mut damage {
        line += count_lines(&text[at..one.at]);
        at = one.at;
        one.line = line;
    }
    Block {
        items,
        lines,
        ticks,
        damage,
    }
}

fn count_lines(text: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(u32::MAX)
}

/// What befalls a device, whoever uses it.
const fn befalls_a_device(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::PeripheralLost
            | Signal::LowPower
            | Signal::LinkDown
            | Signal::Blocked
            | Signal::SignalLow
            | Signal::Roamed
            | Signal::ReaderIoError
            | Signal::ReaderInitFailed
    )
}

/// Lines about the device that are kept of a block without payments.
const DEVICE_LINES: usize = 256;

/// One pass over a block.
pub(super) struct Walk<'a> {
    scanner: &'a Scanner,
    pub(super) shape: &'a Shape,
    pub(super) text: &'a [u8],
    pub(super) ctx: &'a Context<'a>,
    attention: u32,
    /// Lines in which fields of a list may go on.
    fields: u32,
    /// Where anchors stand; nowhere where every line is read.
    hits: Hits,
    /// Anchors of payments that were passed.
    passed: usize,
    /// True while an answer is awaited or a dump may go on.
    open: bool,
    /// Start of the last record head that was parsed, and what it said.
    head_cache: Option<(usize, Head<'a>)>,
    /// Where times since the line before are added up to, and their sum in microseconds.
    ticks: (usize, i64),
    items: Vec<Item>,
    /// Lines that were read: start and end.
    read: Vec<(usize, usize)>,
    /// Lines further on that belong to what was read already.
    taken: BTreeSet<usize>,
    /// Where records begin that go beyond what is looked at of one.
    pub(super) too_long: RefCell<BTreeSet<usize>>,
}

impl<'a> Walk<'a> {
    /// Lines that hold an anchor of payments, and those after a command in which its answer may stand.
    fn payments(&mut self) {
        let text = self.text;
        let mut at = 0;
        while at < text.len() {
            if self.attention == 0 {
                let anchor = self.next_anchor(at);
                if anchor == text.len() {
                    break;
                }
                at = memchr::memrchr(b'\n', &text[at..anchor]).map_or(at, |n| at + n + 1);
            } else if self.attention < u32::MAX {
                self.attention -= 1;
            }
            let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n + 1);
            let bare = !self.shape.all && self.fields == 0 && self.next_anchor(at) >= end;
            self.fields = self.fields.saturating_sub(1);
            let before = self.items.len();
            let used = self.line(at, end, bare);
            // A line at which was only glanced may still hold words of general computing.
            if !bare || self.items.len() > before {
                self.read.push((at, used));
            }
            if matches!(self.items.last(), Some(Item { at: here, found: Found::IsoFields(_), .. }) if *here == at)
            {
                self.fields_before(at);
            }
            at = used;
        }
    }

    /// Where the next anchor stands, or the end of the text.
    fn next_anchor(&mut self, at: usize) -> usize {
        loop {
            match self.hits.payments.get(self.passed) {
                Some(anchor) if *anchor < at => self.passed += 1,
                Some(anchor) => return *anchor,
                None => return self.text.len(),
            }
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
            self.line(start, end, false);
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

    /// Lines of general computing that tell what befell the device, in a file beside which payments are told of.
    fn of_the_device(&mut self) {
        let text = self.text;
        self.open = false;
        let mut read = std::mem::take(&mut self.read);
        read.sort_unstable();
        let mut done = read.iter().copied().peekable();
        let mut at = 0;
        for hit in std::mem::take(&mut self.hits.general) {
            if hit <= at || self.items.len() >= DEVICE_LINES {
                continue;
            }
            let start = memchr::memrchr(b'\n', &text[..hit - 1]).map_or(0, |n| n + 1);
            let end = memchr::memchr(b'\n', &text[hit - 1..]).map_or(text.len(), |n| hit + n);
            while done.next_if(|(_, end)| *end <= start).is_some() {}
            if done.peek().is_none_or(|(from, _)| *from > start) {
                self.line(start, end, false);
            }
            at = end;
        }
        // The payments stand in another file.
        self.items.retain_mut(|item| match &mut item.found {
            Found::Said { log, payment, .. } if befalls_a_device(log.signal) => {
                *payment = true;
                true
            }
            Found::Said { payment, .. } => *payment,
            _ => true,
        });
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
        let general = std::mem::take(&mut self.hits.general);
        let mut general = general.iter().copied().peekable();
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
                while general.next_if(|end| *end <= at).is_some() {}
                let Some(hit) = general.peek().filter(|end| **end <= stop) else {
                    at = stop;
                    continue;
                };
                let hit = hit - 1;
                let start = memchr::memrchr(b'\n', &text[at..hit]).map_or(at, |n| at + n + 1);
                let end = memchr::memchr(b'\n', &text[hit..]).map_or(text.len(), |n| hit + n + 1);
                at = self.line(start, end, false).max(end);
                at = self.fields_behind(at, stop);
            }
        }
    }

    /// Behind the heading of a list its fields stand, a row each.
    fn fields_behind(&mut self, at: usize, stop: usize) -> usize {
        let mut at = at;
        let lists = |items: &[Item]| {
            matches!(
                items.last(),
                Some(Item {
                    found: Found::IsoFields(_),
                    ..
                })
            )
        };
        let mut before = self.items.len().saturating_sub(1);
        while at < stop && self.items.len() > before && lists(&self.items) {
            before = self.items.len();
            let end = memchr::memchr(b'\n', &self.text[at..]).map_or(stop, |n| at + n + 1);
            self.line(at, end, false);
            at = end;
        }
        at
    }

    /// Reads the line at `start..end`; returns where reading goes on (behind the line, or behind all lines of a message).
    /// In a `bare` line, one without an anchor, only bytes are looked for: those of an answer, or of a dump that goes on.
    fn line(&mut self, start: usize, end: usize, bare: bool) -> usize {
        let limit = self.ctx.plan.limits.line_bytes;
        let whole = trim_line(&self.text[start..end.min(start + limit)]);
        if whole.is_empty() || !self.taken.is_empty() && self.taken.contains(&start) {
            return end;
        }
        if whole.starts_with(b"--- BEGIN:NFCSNOOP_")
            && let Some(snooped) = snoop::read(&self.text[start..])
        {
            return self.snooped(start, snooped);
        }
        let (line, inherited) = self.apart(start, whole);
        let mut found = Vec::new();
        // Where more than this line was read: all of them.
        let mut lines = Vec::new();
        if bare {
            match self.dumped_message(start, end, &line) {
                Some(spanned) => {
                    found.push(spanned.found);
                    lines = spanned.lines;
                }
                None => found.extend(
                    content::apdu::read(&self.scanner.readers.apdu, &line.message, self.open)
                        .map(Found::Apdu),
                ),
            }
        } else if let Some(spanned) = self.spanned(start, end, &line) {
            found.push(spanned.found);
            lines = spanned.lines;
        } else if let Some((text, more)) = self
            .uncut(end, &line)
            .or_else(|| self.with_causes(end, &line))
        {
            self.read_into(&line.head, &text, &mut found);
            if !found.is_empty() {
                lines.push((start, end));
                lines.extend(more);
            }
        } else {
            self.read_into(&line.head, &line.message, &mut found);
        }
        self.attend(&found);
        if found.is_empty() {
            if self.attention == 0 {
                self.open = false;
            }
            return end;
        }
        if lines.is_empty() {
            lines.push((start, end));
        }
        let used = self.take(start, end, &lines);
        let head = &line.head;
        let process = hash(&[
            head.host,
            if head.process.is_empty() {
                head.tag
            } else {
                head.process
            },
        ]);
        let lane = hash(&[head.host, head.process, head.thread]) & !REQUEST;
        let at = lines.first().map_or(start, |(first, _)| *first);
        let bytes: usize = lines.iter().map(|(from, to)| to - from).sum();
        let ticks = match line.head.time {
            Some(RawTime {
                delta_nanos: Some(_),
                ..
            }) => self.ticks_at(end),
            Some(RawTime {
                uptime_nanos: Some(nanos),
                ..
            }) => Some(nanos.div_euclid(1000)),
            _ => None,
        };
        for (index, found) in found.into_iter().enumerate() {
            self.items.push(Item {
                at,
                line: 0,
                bytes: if index == 0 { bytes as u64 } else { 0 },
                time: head.time,
                inherited,
                ticks,
                process,
                // Bytes of a card dialogue stay with what talks to the card.
                lane: match found {
                    Found::Apdu(_) | Found::Nci(_) => lane,
                    _ => content::reference::read(&line.message)
                        .map_or(lane, |name| hash(&[name]) | REQUEST),
                },
                wrapped: line.inner.map(Box::new),
                found,
            });
        }
        used
    }

    /// Microseconds from the block's begin to the end of a line, from the differences that lines tell; each line is added once.
    fn ticks_at(&mut self, end: usize) -> Option<i64> {
        let (from, mut sum) = self.ticks;
        if end < from {
            return None;
        }
        if self.shape.format.name == "pcscd" {
            for (_, line) in container::lines(&self.text[from..end]) {
                let delta = line
                    .first_chunk::<8>()
                    .filter(|digits| digits.iter().all(u8::is_ascii_digit))
                    .filter(|_| line.get(8) == Some(&b' '));
                if let Some(digits) = delta {
                    sum += digits
                        .iter()
                        .fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
                }
            }
        }
        self.ticks = (end, sum);
        Some(sum)
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
                ticks: None,
                process,
                lane: process,
                wrapped: None,
                found: Found::Nci(frame),
            });
        }
        start + snooped.end
    }

    /// The line's head and message, and whether the head is that of a line before.
    fn apart(&mut self, start: usize, whole: &'a [u8]) -> (Line<'a>, bool) {
        let (line, inherited) = if let Some(line) = self.shape.own(whole) {
            self.head_cache = Some((start, line.head));
            (line, false)
        } else {
            let head = self.head_before(start);
            (self.shape.further(self.text, start, whole, head), true)
        };
        let timed = line.head.time.is_some();
        let line = line.unwrapped();
        let inherited = inherited && (timed || line.head.time.is_none());
        (line, inherited)
    }

    fn read_into(&self, head: &Head<'_>, message: &[u8], found: &mut Vec<Found>) {
        line::read(self.scanner, head, message, self.open, self.ctx, found);
    }

    /// After a command its answer is awaited, and lists and dumps go on.
    fn attend(&mut self, found: &[Found]) {
        for item in found {
            match item {
                Found::Understood => {}
                Found::Apdu(
                    ApduLine::Bytes {
                        way: content::apdu::Way::Command,
                        ..
                    }
                    | ApduLine::Announced { .. },
                ) => {
                    self.open = true;
                    self.attention = self.attention_for(ATTENTION);
                }
                Found::Apdu(_) => {
                    self.open = true;
                    self.attention = self.attention_for(AFTERGLOW);
                }
                Found::Iso(_) | Found::IsoFields(_) => {
                    self.attention = self.attention.max(3);
                    self.fields = 3;
                }
                _ => {}
            }
        }
    }

    const fn attention_for(&self, lines: u32) -> u32 {
        if self.shape.all { u32::MAX } else { lines }
    }

    /// Marks the lines of one find as read; where nothing stands between them, reading goes on behind the last.
    fn take(&mut self, start: usize, end: usize, lines: &[(usize, usize)]) -> usize {
        let mut used = lines
            .iter()
            .find(|(from, _)| *from == start)
            .map_or(end, |(_, to)| *to);
        for (from, to) in lines {
            if *from == used {
                used = *to;
            } else if *from > used {
                self.taken.insert(*from);
                self.read.push((*from, *to));
            } else if *from < start {
                self.read.push((*from, *to));
            }
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
            if let Some(Line { head, .. }) = self.shape.own(line) {
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
