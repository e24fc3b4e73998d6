//! Finds what is damaged in a block: zero bytes that a power loss left, lines longer than is looked at, a first record without its head.

use std::collections::{BTreeMap, BTreeSet};

use tapscope_parsers::container::LogFormat;

use crate::event::{Issue, Place, Text};

/// Issues of one code that are named in full.
const NAMED: u64 = 20;
/// Damaged lines of one block that are listed; the rest is counted.
const LISTED: usize = 4096;

/// One damaged record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    /// Offset of its line in the block; then the line in the block.
    pub at: usize,
    /// Line within the block, from 0.
    pub line: u32,
    /// Stable name.
    pub code: &'static str,
    /// Bytes that it concerns.
    pub bytes: u64,
}

impl Damage {
    const fn new(at: usize, code: &'static str, bytes: u64) -> Self {
        Self {
            at,
            line: 0,
            code,
            bytes,
        }
    }

    /// What was found, in words.
    pub(super) fn text(&self) -> String {
        match self.code {
            "zero_bytes" => format!(
                "{} zero bytes: a write that a power loss cut, or padding",
                self.bytes
            ),
            "line_too_long" => format!("{} bytes of the line are left out", self.bytes),
            "record_too_long" => "the record goes on beyond what is looked at of one".to_owned(),
            "record_cut" => {
                "the record's beginning is missing: the file was cut before it".to_owned()
            }
            _ => "the message ends early".to_owned(),
        }
    }
}

/// Lines of a block that hold zero bytes.
fn zeros(text: &[u8], out: &mut Vec<Damage>) {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr(0, rest)) {
        let start = memchr::memrchr(b'\n', text.get(at..at + found).unwrap_or_default())
            .map_or(at, |n| at + n + 1);
        let end = memchr::memchr(b'\n', text.get(at + found..).unwrap_or_default())
            .map_or(text.len(), |n| at + found + n + 1);
        let line = text.get(start..end).unwrap_or_default();
        let bytes = memchr::memchr_iter(0, line).count() as u64;
        // The binary values of a journal hold their length.
        if bytes > 7 || line.len() < 16 {
            out.push(Damage::new(start, "zero_bytes", bytes));
        }
        if out.len() >= LISTED {
            return;
        }
        at = end;
    }
}

/// Lines of a block that go beyond what is looked at. Only lines of twice the limit are sure to be met: that is what bounds memory.
fn long_lines(text: &[u8], limit: usize, out: &mut Vec<Damage>) {
    let mut at = 0;
    while at + limit < text.len() {
        let window = text.get(at..at + limit).unwrap_or_default();
        if let Some(last) = memchr::memrchr(b'\n', window) {
            at += last + 1;
            continue;
        }
        let end = memchr::memchr(b'\n', text.get(at..).unwrap_or_default())
            .map_or(text.len(), |n| at + n);
        if end - at > limit {
            let left_out = (end - at - limit) as u64;
            out.push(Damage::new(at, "line_too_long", left_out));
        }
        at = end + 1;
    }
}

/// The first record of a file, where its head was cut off.
fn cut_head(format: &LogFormat, text: &[u8], out: &mut Vec<Damage>) {
    if format.name != "jpos" {
        return;
    }
    let line = text
        .split(|b| *b == b'\n')
        .find(|line| !line.trim_ascii().is_empty());
    let inside = line.map(<[u8]>::trim_ascii_start).is_some_and(|line| {
        [&b"<isomsg"[..], b"<field", b"</", b"<send>", b"<receive>"]
            .iter()
            .any(|mark| line.starts_with(mark))
    });
    if inside {
        out.push(Damage::new(0, "record_cut", 0));
    }
}

/// What is damaged in a block, in order; `first` for the first block of a file.
pub(super) fn find(
    format: &LogFormat,
    text: &[u8],
    limit: usize,
    first: bool,
    too_long: BTreeSet<usize>,
) -> Vec<Damage> {
    let mut out = Vec::new();
    if first {
        cut_head(format, text, &mut out);
    }
    zeros(text, &mut out);
    long_lines(text, limit, &mut out);
    let too_long = too_long.into_iter().take(LISTED);
    out.extend(too_long.map(|at| Damage::new(at, "record_too_long", 0)));
    out.sort_by_key(|damage| damage.at);
    out
}

/// Issues of one source: the first of a code in full, the rest counted.
#[derive(Default)]
pub(super) struct Issues {
    list: Vec<Issue>,
    counts: BTreeMap<&'static str, u64>,
}

impl Issues {
    /// One more.
    pub(super) fn push(&mut self, source: u32, place: Place, code: &'static str, text: Text) {
        let count = self.counts.entry(code).or_default();
        *count += 1;
        if *count <= NAMED {
            self.list.push(Issue {
                source,
                place,
                code,
                count: 1,
                text,
            });
        }
    }

    /// All of them, those that were only counted as one row a code.
    pub(super) fn finish(mut self, source: u32) -> Vec<Issue> {
        for (code, count) in &self.counts {
            if *count > NAMED {
                self.list.push(Issue {
                    source,
                    place: Place::Whole,
                    code,
                    count: count - NAMED,
                    text: Text::const_new("further ones of this kind"),
                });
            }
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapscope_parsers::container::by_name;

    fn seen(format: &str, text: &[u8]) -> Vec<(usize, &'static str, u64)> {
        let limit = if format == "plain" { 10 } else { 100 };
        find(by_name(format).unwrap(), text, limit, true, BTreeSet::new())
            .iter()
            .map(|d| (d.at, d.code, d.bytes))
            .collect()
    }

    #[test]
    fn each_damage_is_counted_once() {
        assert_eq!(
            seen("plain", b"abc\nde\0\0\0\0\0\0\0\0\nx\0y"),
            [(4, "zero_bytes", 8), (15, "zero_bytes", 1)]
        );
        assert_eq!(
            seen("plain", b"ab\n0123456789012345678901234567890\nx\n"),
            [(3, "line_too_long", 21)]
        );
        assert_eq!(seen("jpos", b"\n</isomsg>\n"), [(0, "record_cut", 0)]);
        assert_eq!(seen("jpos", b"<log realm=\"x\">\n"), []);
        assert_eq!(seen("plain", b"</isomsg>\n"), []);
    }

    #[test]
    fn many_issues_are_sampled() {
        let mut issues = Issues::default();
        for line in 0..50 {
            issues.push(0, Place::Line(line), "zero_bytes", Text::default());
        }
        let list = issues.finish(0);
        assert_eq!((list.len(), list[20].count), (21, 30));
    }
}
