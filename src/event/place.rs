//! Where something stands, what a source is, and what became of its bytes.

use super::Text;

/// A place in a source. Renders as `path:LINE` or `path#FRAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Line number of a text source, from 1.
    Line(u32),
    /// Frame number of a capture or record number of a binary trace, from 1.
    Frame(u32),
    /// The source as a whole.
    Whole,
}

/// What kind of evidence a source holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// A terminal's or host's log.
    Log,
    /// A card dialogue.
    Trace,
    /// A network capture.
    Capture,
}

/// What became of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceStatus {
    /// Read whole.
    Ok,
    /// Read, with records that were damaged or left out.
    Damaged,
    /// Read, and no format fits.
    Unrecognised,
    /// Could not be read.
    Unreadable,
}

/// One input stream: a file, or a member of an archive.
#[derive(Debug, Clone)]
pub struct Source {
    /// As given on the command line, plus `!member` for archives. Free of control characters.
    pub path: Text,
    /// BLAKE3 of the file's bytes (of the decoded bytes for an archive member).
    pub blake3: [u8; 32],
    /// SHA-256, where custody asks for it.
    pub sha256: Option<[u8; 32]>,
    /// Kind of evidence, once known.
    pub kind: Option<SourceKind>,
    /// Name of the recognised format.
    pub format: Option<Text>,
    /// Name of the text encoding.
    pub encoding: Option<&'static str>,
    /// What became of it.
    pub status: SourceStatus,
    /// Byte and record counts.
    pub ledger: Ledger,
    /// First damage: where and why.
    pub first_damage: Option<Text>,
    /// Terminal identity that the file itself states (its name, a banner line), if any.
    pub device: Option<Text>,
    /// The year that most dates in its first bytes are of: stands in where no source of the run knows the year of its times.
    pub year_said: Option<i16>,
}

impl Source {
    /// The part of its path before the last separator; an archive is a folder too.
    #[must_use]
    pub fn folder(&self) -> &str {
        let path: &str = &self.path;
        path.rfind(['/', '\\', '!']).map_or("", |at| &path[..at])
    }
}

/// What became of every byte of a source, as decoded. The four byte counts add up to `bytes`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    /// All bytes, as decoded.
    pub bytes: u64,
    /// Belonging to records that were parsed and bear on payments.
    pub understood: u64,
    /// Parsed (their record structure is known), and of no interest for payments.
    pub ignored: u64,
    /// No parser knows what they are.
    pub not_understood: u64,
    /// Could not be read or decompressed.
    pub unreadable: u64,
    /// Records seen.
    pub records: u64,
    /// Events made.
    pub events: u64,
    /// Records that were damaged.
    pub damaged_records: u64,
}

/// One damaged record, limit reached, or input left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Index of the source.
    pub source: u32,
    /// Where in it.
    pub place: Place,
    /// A stable name: `tlv_truncated`, `iso8583_field_overrun`, `line_too_long`, `gzip_damaged`, …
    pub code: &'static str,
    /// How many (1, or the rest after the sampled ones).
    pub count: u64,
    /// What was expected and what was found. Masked, one line.
    pub text: Text,
}
