//! Finds inputs: files, folders, globs, archives, standard input; gives each an identity and a stable order.
//!
//! Nothing is opened here. What cannot be an input (a pipe, a device, a name that is not there) is listed with its reason and never
//! stops the rest.

mod sets;
mod walk;

pub use sets::sets;

use crate::event::{Ledger, Source, SourceStatus, Text};
use crate::plan::Plan;
use std::path::{Path, PathBuf};

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it is; empty for standard input.
    pub path: PathBuf,
    /// As given on the command line (for files of a folder: the folder as given, and the way from there), control characters escaped.
    pub shown: Text,
    /// Size in bytes, as the file system says; zero for standard input.
    pub size: u64,
    /// True for standard input.
    pub stdin: bool,
}

/// Something that was named and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// As [`Input::shown`].
    pub shown: Text,
    /// Stable name: `not_found`, `permission_denied`, `not_a_file`, `glob_without_match`, `bad_glob`, `unreadable_folder`.
    pub code: &'static str,
    /// Why, in words.
    pub text: Text,
}

impl Refused {
    /// The row of the source table that stands for it.
    #[must_use]
    pub fn source(&self) -> Source {
        unreadable(self.shown.clone())
    }
}

/// A source that could not be read at all.
#[must_use]
pub fn unreadable(path: Text) -> Source {
    Source {
        path,
        blake3: [0; 32],
        sha256: None,
        kind: None,
        format: None,
        encoding: None,
        status: SourceStatus::Unreadable,
        ledger: Ledger::default(),
        first_damage: None,
        device: None,
        year_said: None,
    }
}

/// What was found: inputs in the order of their shown names, each file once however often it was named.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What can be read.
    pub inputs: Vec<Input>,
    /// What cannot.
    pub refused: Vec<Refused>,
}

/// Finds everything that the plan names. The result does not depend on the order of the arguments.
#[must_use]
pub fn find(plan: &Plan) -> Found {
    let mut arguments: Vec<&Path> = plan.inputs.iter().map(PathBuf::as_path).collect();
    arguments.sort();
    arguments.dedup();
    let mut walk = walk::Walk::default();
    for argument in arguments {
        if argument == Path::new("-") {
            walk.found.inputs.push(Input {
                path: PathBuf::new(),
                shown: Text::new("-"),
                size: 0,
                stdin: true,
            });
        } else {
            walk.argument(argument);
        }
    }
    walk.finish()
}

/// A path as it may be shown: control characters, marks that change the reading direction, and bytes that are not UTF-8 as escapes.
#[must_use]
pub fn shown_path(path: &Path) -> Text {
    shown_bytes(path.as_os_str().as_encoded_bytes())
}

/// As [`shown_path`], for names that come out of archives.
#[must_use]
pub fn shown_bytes(bytes: &[u8]) -> Text {
    use std::fmt::Write as _;
    let mut out = Text::default();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let hidden = c.is_control()
                || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}');
            if hidden && u32::from(c) < 0x100 {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            } else if hidden {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests;
