//! How a text file is cut into records. One file a format; [`FORMATS`] is the only place that names them.
//!
//! A line that has a head begins a record; lines without one belong to the record before (stack traces, hex dumps, XML, JSON),
//! up to the caller's limits.

mod applog;
mod bugreport;
mod detect;
mod journal;
mod jpos;
mod json;
mod jtl;
mod jul;
mod kernel;
mod logcat;
mod logfmt;
mod nxp_console;
mod opensc;
mod pcscd;
mod prefixed;
mod records;
mod scan;
mod syslog3164;
mod syslog5424;
mod table;
mod text;
pub mod trace;
mod unwrap;
mod zvt;

pub use detect::{Candidate, detect, detect_among};
pub use jpos::lifespan_millis;
pub use records::{
    Lines, Records, TextLimits, count, line_end, line_start, lines, record_around, records,
    split_point,
};
pub use scan::{level_from_word, trim_line};
pub use table::Columns;
pub use unwrap::unwrap;

use crate::time::RawTime;

/// How serious the writer calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Level {
    /// Not said.
    #[default]
    Unknown,
    /// Verbose, trace, debug.
    Debug,
    /// Information.
    Info,
    /// Warning.
    Warning,
    /// Error, fatal, assert.
    Error,
}

/// What stands before the message of a record. Empty slices where the format has no such part.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head<'a> {
    /// Time as written.
    pub time: Option<RawTime>,
    /// Host or device; the file's name where lines carry one.
    pub host: &'a [u8],
    /// Process number or name.
    pub process: &'a [u8],
    /// Thread.
    pub thread: &'a [u8],
    /// Tag, logger, program, realm.
    pub tag: &'a [u8],
    /// Level.
    pub level: Level,
    /// The message: the rest of the first line.
    pub message: &'a [u8],
}

/// A record, borrowed from its block. Records follow each other without gaps: their bytes are the block.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Offset of its first byte in the block.
    pub offset: usize,
    /// Its bytes in the block, with all line ends.
    pub len: usize,
    /// Its first line, from 0, counted within the block.
    pub line: u32,
    /// How many physical lines it spans.
    pub lines: u32,
    /// What stands before the message.
    pub head: Head<'a>,
    /// Continuation lines, whole, with their line ends; empty for most records.
    pub rest: &'a [u8],
    /// False where its first line has no head: text before the first head, or after the end of one.
    pub has_head: bool,
    /// Bytes of over-long lines that `head.message` and `rest` leave out.
    pub cut_bytes: usize,
    /// True where a limit ended it: what follows is a record of its own without a head.
    pub cut_record: bool,
}

/// One log format.
pub struct LogFormat {
    /// Short name, as in `--format NAME=GLOB` and `sources.parquet`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Where the format is defined.
    pub spec: &'static str,
    /// When two formats fit, the higher one wins: generic text is 0.
    pub specificity: u8,
    /// Cheap: true where the line begins a record. It may say yes where [`Self::head`] finds less than it knows, never the other way.
    pub is_head: fn(&[u8]) -> bool,
    /// Parses the head of a line; `None` where the line does not begin a record of this very format.
    pub head: for<'a> fn(&'a [u8]) -> Option<Head<'a>>,
    /// True where the line ends its record (`</log>`): what follows up to the next head stands by itself.
    pub ends: fn(&[u8]) -> bool,
    /// Where lines behind the first say more of the head (journald's `_PID=`): the record, one of its lines, and the head so far
    /// give the whole head and the line's message.
    pub within: Option<Within>,
    /// Where lines alone do not make the format (a table needs its header): what the samples of a file must hold.
    pub whole: Option<fn(&[&[u8]]) -> bool>,
    /// Set where the user described the format: it then reads the lines, and the functions above do not.
    pub described: Option<&'static dyn Described>,
    /// Lines that must match.
    pub samples: &'static [&'static str],
    /// Lines that must not.
    pub counter_samples: &'static [&'static str],
}

impl core::fmt::Debug for LogFormat {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name)
    }
}

/// See [`LogFormat::within`].
pub type Within =
    for<'a> fn(record: &'a [u8], line: &'a [u8], head: Head<'a>) -> (Head<'a>, &'a [u8]);

/// A format that a user described: patterns live outside of this crate.
pub trait Described: Send + Sync {
    /// True where the line begins a record.
    fn is_head(&self, line: &[u8]) -> bool;
    /// The head of a line.
    fn head<'a>(&self, line: &'a [u8]) -> Option<Head<'a>>;
    /// Names of the values that the description takes out of a line.
    fn names(&self) -> &[String] {
        &[]
    }
    /// The text in which contents are found, where the description names values: `name=value`, then the message.
    fn text(&self, line: &[u8]) -> Option<Vec<u8>> {
        let _ = line;
        None
    }
}

impl LogFormat {
    /// True where the line begins a record.
    #[inline]
    #[must_use]
    pub fn is_head(&self, line: &[u8]) -> bool {
        match self.described {
            None => (self.is_head)(line),
            Some(own) => own.is_head(line),
        }
    }

    /// The head of a line.
    #[inline]
    #[must_use]
    pub fn head<'a>(&self, line: &'a [u8]) -> Option<Head<'a>> {
        match self.described {
            None => (self.head)(line),
            Some(own) => own.head(line),
        }
    }

    /// True where the line ends its record.
    #[inline]
    #[must_use]
    pub fn ends(&self, line: &[u8]) -> bool {
        (self.ends)(line)
    }

    /// A format whose lines `own` reads.
    #[must_use]
    pub const fn described(
        name: &'static str,
        title: &'static str,
        spec: &'static str,
        own: &'static dyn Described,
    ) -> Self {
        Self {
            name,
            title,
            spec,
            // What a user describes is meant: it beats what is built in.
            specificity: 10,
            is_head: never,
            head: |_| None,
            ends: never,
            within: None,
            whole: None,
            described: Some(own),
            samples: &[],
            counter_samples: &[],
        }
    }
}

/// All formats, most specific first, the one for anything last.
pub const FORMATS: &[&LogFormat] = &[
    &jpos::FORMAT,
    &jtl::FORMAT,
    &journal::FORMAT,
    &bugreport::FORMAT,
    &logcat::FORMAT,
    &pcscd::FORMAT,
    &opensc::FORMAT,
    &zvt::TRACER,
    &zvt::HTML,
    &syslog5424::FORMAT,
    &syslog3164::FORMAT,
    &nxp_console::FORMAT,
    &kernel::FORMAT,
    &table::FORMAT,
    &json::LINES,
    &json::PRETTY,
    &jul::FORMAT,
    &applog::FORMAT,
    &prefixed::FORMAT,
    &logfmt::FORMAT,
    &text::TIMED,
    &text::PLAIN,
];

/// The format of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static LogFormat> {
    FORMATS.iter().find(|f| f.name == name).copied()
}

/// The format that every text fits: each line a record, indented lines joined.
#[must_use]
pub const fn plain() -> &'static LogFormat {
    &text::PLAIN
}

/// For formats whose records only end where the next begins.
fn never(_line: &[u8]) -> bool {
    false
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod whole_tests;
