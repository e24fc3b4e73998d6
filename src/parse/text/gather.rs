//! Joins what one writer spread over lines, while others wrote between them: by process, thread and tag.

use tapscope_parsers::container::{Head, trim_line};

use super::shape::Shape;
use crate::plan::Limits;

/// Android's logger cuts messages at 4,068 bytes, its tag included (`LOGGER_ENTRY_MAX_PAYLOAD`).
pub(super) const CUT_AT: usize = 3900;

/// One line of the writer.
pub(super) struct Part<'a> {
    /// Where the line begins and ends in the block.
    pub start: usize,
    pub end: usize,
    /// Its message.
    pub message: &'a [u8],
    /// True where it has a head of its own.
    pub own: bool,
}

/// The writer of a line.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    head: Head<'a>,
}

impl<'a> Writer<'a> {
    pub(super) const fn of(head: Head<'a>) -> Self {
        Self { head }
    }

    fn wrote(&self, other: &Head<'_>) -> bool {
        let mine = &self.head;
        mine.process == other.process
            && mine.thread == other.thread
            && mine.tag == other.tag
            && mine.host == other.host
    }

    /// The lines behind `end` that the same writer wrote, in order, until `more` says no. True where a bound ended it.
    pub(super) fn after(
        &self,
        shape: &Shape,
        text: &'a [u8],
        end: usize,
        limits: &Limits,
        more: &mut dyn FnMut(&Part<'a>) -> bool,
    ) -> bool {
        let mut at = end;
        let mut mine = true;
        let mut bytes = 0;
        for _ in 0..limits.record_lines {
            let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else {
                return false;
            };
            let stop = memchr::memchr(b'\n', rest).map_or(text.len(), |n| at + n + 1);
            let whole = trim_line(text.get(at..stop).unwrap_or_default());
            let own = shape.own(whole);
            let (message, has_head) = match &own {
                Some(line) => {
                    mine = self.wrote(&line.head);
                    (line.head.message, true)
                }
                None => (whole, false),
            };
            if mine {
                bytes += message.len();
                let part = Part {
                    start: at,
                    end: stop,
                    message,
                    own: has_head,
                };
                if bytes > limits.record_bytes {
                    return true;
                }
                if !more(&part) {
                    return false;
                }
            }
            at = stop;
        }
        // A writer that only fell silent left nothing out.
        bytes > 0 && at < text.len()
    }

    /// The lines before `start` that the same writer wrote, nearest first, until `more` says no.
    pub(super) fn before(
        &self,
        shape: &Shape,
        text: &'a [u8],
        start: usize,
        more: &mut dyn FnMut(&Part<'a>) -> bool,
    ) {
        let mut end = start;
        // Lines without a head wait until the head that they belong to is known.
        let mut headless: Vec<Part<'a>> = Vec::new();
        for _ in 0..256 {
            if end == 0 {
                break;
            }
            let at = memchr::memrchr(b'\n', text.get(..end - 1).unwrap_or_default())
                .map_or(0, |n| n + 1);
            let whole = trim_line(text.get(at..end).unwrap_or_default());
            let part = Part {
                start: at,
                end,
                message: whole,
                own: false,
            };
            end = at;
            let Some(line) = shape.own(whole) else {
                headless.push(part);
                continue;
            };
            let waiting = std::mem::take(&mut headless);
            if !self.wrote(&line.head) {
                continue;
            }
            for part in waiting {
                if !more(&part) {
                    return;
                }
            }
            let part = Part {
                message: line.head.message,
                own: true,
                ..part
            };
            if !more(&part) {
                return;
            }
        }
        for part in headless {
            if !more(&part) {
                return;
            }
        }
    }
}

/// Counts open brackets outside of strings over pieces of JSON.
#[derive(Default)]
pub(super) struct Depth {
    open: u32,
    string: bool,
    escaped: bool,
    begun: bool,
}

impl Depth {
    /// Takes up a piece; true once the document is closed.
    pub(super) fn piece(&mut self, text: &[u8]) -> bool {
        for byte in text {
            if self.escaped {
                self.escaped = false;
                continue;
            }
            match byte {
                b'\\' if self.string => self.escaped = true,
                b'"' => self.string = !self.string,
                b'{' | b'[' if !self.string => {
                    self.open += 1;
                    self.begun = true;
                }
                b'}' | b']' if !self.string => {
                    self.open = self.open.saturating_sub(1);
                    if self.open == 0 && self.begun {
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }
}
