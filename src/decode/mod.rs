//! Turns an input into streams of decoded bytes: decompression and archive members under limits, and text encodings.
//!
//! What an input is wrapped in is told by its first bytes, never by its name. Nothing is unpacked to disk. Damage keeps what was read
//! before it and is reported as a [`Fault`]; no fault of one member stops the next. Hashes are made in the same pass.

pub mod blocks;
pub mod encoding;
mod layers;
mod magic;
mod readers;
mod tar;

pub use magic::{Wrapping, wrapping};

use crate::event::Text;
use crate::plan::Plan;
use crate::source::Input;
use readers::Hashing;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that are looked at to tell what a stream is.
pub const HEAD_BYTES: usize = 64 * 1024;

/// What a stream is, before it is read.
#[derive(Debug, Clone)]
pub struct StreamInfo<'a> {
    /// Shown path, with `!member` for archives.
    pub path: Text,
    /// True for a member of an archive.
    pub member: bool,
    /// Decoded size, where known beforehand.
    pub size: Option<u64>,
    /// The file itself, where it is not wrapped in anything: for drivers that read it in parallel. They need not touch the stream then.
    pub file: Option<&'a Path>,
    /// The first bytes (64 KiB at most), which the stream gives again.
    pub head: &'a [u8],
}

impl StreamInfo<'_> {
    /// Samples from the middle and the end of a file that is not wrapped, for telling its format; empty where there are none.
    #[must_use]
    pub fn later_samples(&self) -> Vec<Vec<u8>> {
        let (Some(path), Some(size)) = (self.file, self.size) else {
            return Vec::new();
        };
        let head = u64::try_from(self.head.len()).unwrap_or(u64::MAX);
        if size <= head {
            return Vec::new();
        }
        let tail = size.saturating_sub(head).max(head);
        let mut at = vec![tail];
        if size / 2 > head {
            at.insert(0, size / 2);
        }
        at.into_iter()
            .filter_map(|at| sample(path, at).ok())
            .collect()
    }
}

fn sample(path: &Path, at: u64) -> io::Result<Vec<u8>> {
    use std::io::{Seek as _, SeekFrom};
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Damage, a limit, or a read error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable name: `gzip_damaged`, `zip_damaged`, `decompress_limit`, `archive_depth`, `read_error` …
    pub code: &'static str,
    /// Decoded bytes of the stream that were read before it.
    pub offset: u64,
    /// What was found, one line, free of control characters.
    pub text: Text,
}

/// Hashes of a file's raw bytes, or of an archive member's bytes as the archive gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hashes {
    /// BLAKE3.
    pub blake3: [u8; 32],
    /// SHA-256, where custody asks for it.
    pub sha256: Option<[u8; 32]>,
    /// Bytes hashed.
    pub bytes: u64,
}

/// What became of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamReport {
    /// As in its [`StreamInfo`].
    pub path: Text,
    /// True where the visitor was called for it. False for what could not be opened: then `faults` says why.
    pub visited: bool,
    /// Hashes of the file, or of the archive member.
    pub hashes: Hashes,
    /// Decoded bytes.
    pub bytes: u64,
    /// What went wrong, in order.
    pub faults: Vec<Fault>,
}

/// What became of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputReport {
    /// Hashes of the file's raw bytes.
    pub hashes: Hashes,
    /// Outermost wrapping.
    pub wrapping: Wrapping,
    /// Its streams, in the order in which the visitor saw them.
    pub streams: Vec<StreamReport>,
}

/// Called once for every stream. What it leaves unread is read and dropped, so that hashes and faults are whole.
pub type Visit<'v> = dyn FnMut(&StreamInfo<'_>, &mut dyn Read) + 'v;

/// Opens an input and calls `visit` for each decoded stream in it: one for a plain or compressed file, one a member for archives.
pub fn each_stream(input: &Input, plan: &Plan, visit: &mut Visit<'_>) -> InputReport {
    if input.stdin {
        return layers::read_input(input, plan, &mut io::stdin().lock(), visit);
    }
    match File::open(&input.path) {
        Ok(mut file) => {
            // Of the file that was opened; the second look is by name, so that a file put in its place is seen too.
            let before = file.metadata().ok().map(|about| Identity::of(&about));
            let mut report = layers::read_input(input, plan, &mut file, visit);
            let after = std::fs::metadata(&input.path)
                .ok()
                .map(|about| Identity::of(&about));
            let change = match (before, after) {
                (Some(_), None) => Some("the file was removed while it was read"),
                (Some(before), Some(after)) => before.change(&after, report.hashes.bytes),
                (None, _) => None,
            };
            if let (Some(change), Some(stream)) = (change, report.streams.last_mut()) {
                stream.faults.push(Fault {
                    code: "changed_while_read",
                    offset: stream.bytes,
                    text: Text::new(change),
                });
            }
            report
        }
        Err(error) => InputReport {
            hashes: Hashes::default(),
            wrapping: Wrapping::None,
            streams: vec![StreamReport {
                path: input.shown.clone(),
                visited: false,
                hashes: Hashes::default(),
                bytes: 0,
                faults: vec![Fault {
                    code: "unreadable",
                    offset: 0,
                    text: Text::new(error.kind().to_string()),
                }],
            }],
        },
    }
}

/// As [`each_stream`], of bytes that are no file.
pub fn each_stream_of(
    input: &Input,
    plan: &Plan,
    raw: &mut dyn Read,
    visit: &mut Visit<'_>,
) -> InputReport {
    layers::read_input(input, plan, raw, visit)
}

/// What tells one state of a file from another.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    size: u64,
    modified: Option<std::time::SystemTime>,
    inode: (u64, u64),
}

impl Identity {
    fn of(about: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt as _;
            (about.dev(), about.ino())
        };
        #[cfg(not(unix))]
        let inode = (0, 0);
        Self {
            size: about.len(),
            modified: about.modified().ok(),
            inode,
        }
    }

    /// What happened between two looks, of a file of which so many bytes were read.
    fn change(&self, after: &Self, read: u64) -> Option<&'static str> {
        if self.inode != after.inode {
            return Some("another file was put in its place while it was read");
        }
        match self.size.cmp(&after.size) {
            std::cmp::Ordering::Less => return Some("the file grew while it was read"),
            std::cmp::Ordering::Greater => return Some("the file was cut while it was read"),
            std::cmp::Ordering::Equal => {}
        }
        if self.modified != after.modified {
            return Some("the file was written to while it was read");
        }
        // Pseudo-files state no size.
        (read < after.size).then_some("less could be read than the file's size")
    }
}

/// Hashes bytes that are no file: for tests and for drivers that cut their own streams.
#[must_use]
pub fn hash(bytes: &[u8], custody: bool) -> Hashes {
    let mut reader = Hashing::new(bytes, custody);
    let _ = io::copy(&mut reader, &mut io::sink());
    reader.finish()
}

#[cfg(test)]
mod tests;
