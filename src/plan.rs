//! What a run shall do: the only configuration that the stages see. Made by `cli`, validated there.

use std::path::PathBuf;

/// Settings of one `analyze` run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Files, folders, globs, archives; `-` is standard input.
    pub inputs: Vec<PathBuf>,
    /// Zone of logs that carry none; `None`: inferred, else UTC, and marked as assumed.
    pub zone: Option<jiff::tz::TimeZone>,
    /// Year of logs that carry none.
    pub year: Option<i16>,
    /// Keep only transactions that start at or after this (UTC microseconds).
    pub since: Option<i64>,
    /// Keep only transactions that start before this.
    pub until: Option<i64>,
    /// Formats forced per glob: name and pattern.
    pub formats: Vec<(String, globset::Glob)>,
    /// Formats that the user described.
    pub own_formats: Vec<&'static tapscope_parsers::container::LogFormat>,
    /// Rows that the user adds to the table of wording.
    pub own_wording: Vec<String>,
    /// Folders with the user's own rules.
    pub rules: Vec<PathBuf>,
    /// Terminals: id, device, address, site, merchant, firmware, limits (CSV).
    pub inventory: Option<PathBuf>,
    /// Earlier analyses: expected rates, and what is not new.
    pub baseline: Vec<PathBuf>,
    /// Key for card tokens; `None`: tokens are numbers of this run only.
    pub pan_key: Option<[u8; 32]>,
    /// SHA-256 beside BLAKE3.
    pub custody: bool,
    /// Language of the report's first view.
    pub language: Language,
    /// Bytes of packed events that stay in memory; what goes beyond is kept on disk. Never changes what comes out.
    pub event_bytes: u64,
    /// Folder for what is kept on disk while the run lasts.
    pub scratch: PathBuf,
    /// Bounds on every stage.
    pub limits: Limits,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            zone: None,
            year: None,
            since: None,
            until: None,
            formats: Vec::new(),
            own_formats: Vec::new(),
            own_wording: Vec::new(),
            rules: Vec::new(),
            inventory: None,
            baseline: Vec::new(),
            pan_key: None,
            custody: false,
            language: Language::default(),
            event_bytes: u64::MAX,
            scratch: std::env::temp_dir(),
            limits: Limits::default(),
        }
    }
}

/// Language of what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese (simplified).
    Zh,
}

/// Bounds that keep memory and time in hand on hostile input. Constants of the configuration, never taken from free memory, so that results do not depend on the machine.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one physical line; the rest up to the next line end is skipped and counted.
    pub line_bytes: usize,
    /// Lines of one record.
    pub record_lines: usize,
    /// Bytes of one record.
    pub record_bytes: usize,
    /// Decompressed bytes of one member.
    pub member_bytes: u64,
    /// Decompressed to compressed ratio, after `ratio_after` bytes.
    pub ratio: u64,
    /// From which many bytes on the ratio counts.
    pub ratio_after: u64,
    /// Archives in archives.
    pub archive_depth: u8,
    /// Members in all.
    pub archive_members: u64,
    /// Concurrent TCP flows.
    pub flows: usize,
    /// Idle time of a flow in capture seconds.
    pub flow_idle_seconds: i64,
    /// Out-of-order bytes of one flow.
    pub flow_pending_bytes: usize,
    /// Candidate partners of one event in linking.
    pub link_candidates: usize,
    /// Events of one transaction.
    pub transaction_events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: 1 << 20,
            record_lines: 4096,
            record_bytes: 4 << 20,
            member_bytes: 64 << 30,
            ratio: 200,
            ratio_after: 64 << 20,
            archive_depth: 3,
            archive_members: 1_000_000,
            flows: 262_144,
            flow_idle_seconds: 300,
            flow_pending_bytes: 1 << 20,
            link_candidates: 64,
            transaction_events: 10_000,
        }
    }
}
