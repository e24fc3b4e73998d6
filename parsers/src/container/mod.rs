//! How a text file is cut into records. One file a format; the list below is the only place that names them.
//!
//! A line that has a head begins a record; lines without one belong to the record before (stack traces, hex dumps, XML, JSON),
//! up to the caller's limits.

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
    /// Host or device.
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

/// A record, borrowed from its block.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Offset of its first byte in the block.
    pub offset: usize,
    /// Its first line, from 0, counted within the block.
    pub line: u32,
    /// How many physical lines it spans.
    pub lines: u32,
    /// What stands before the message.
    pub head: Head<'a>,
    /// Continuation lines, whole, with their line ends; empty for most records.
    pub rest: &'a [u8],
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
    /// Parses the head of a line; `None` where the line does not begin a record.
    pub head: for<'a> fn(&'a [u8]) -> Option<Head<'a>>,
    /// Lines (or blocks of lines) that must match.
    pub samples: &'static [&'static str],
    /// Lines that must not.
    pub counter_samples: &'static [&'static str],
}
