//! Why a report could not be written or read.

use std::path::{Path, PathBuf};

/// Why a report could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A table.
    #[error("{path}: {reason}")]
    Table {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The folder is there already.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// The folder is there, and is not one of ours.
    #[error("{0} holds other files than those of an analysis, and is left alone")]
    Foreign(PathBuf),
    /// Not a folder that `analyze` wrote.
    #[error("{0} is not a folder that `tapscope analyze` wrote: it holds no manifest.json")]
    NotAnalysed(PathBuf),
    /// Written by another version.
    #[error("{path} has schema version {found}, this program reads version {expected}")]
    Version {
        /// Which folder.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// Ours.
        expected: u32,
    },
    /// The page could not be made.
    #[error("report.html: {0}")]
    Page(String),
    /// A question in SQL.
    #[error("{0}")]
    Sql(String),
    /// Card data was about to be written.
    #[error("{place} would hold {what}: nothing was written")]
    Leak {
        /// The file, and the column of a table.
        place: String,
        /// What was found; never the value.
        what: &'static str,
    },
    /// The user interrupted the run.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    pub(super) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn table(path: &Path, reason: &polars::error::PolarsError) -> Self {
        Self::Table {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists(_) => Some("give another --out, or --force to replace it"),
            Self::Foreign(_) => Some("--force replaces only what `tapscope analyze` wrote"),
            Self::NotAnalysed(_) => Some("name the folder that was given to `analyze --out`"),
            Self::Version { .. } => Some("analyse the inputs again with this version"),
            Self::Table { .. } => Some("the file may be damaged: analyse the inputs again"),
            Self::Leak { .. } => Some(
                "a fault of the program: its masking has a hole, and its last look found it; please report the file and the column",
            ),
            Self::Sql(_) => Some(
                "tables: transactions, facts, events, evidence, incidents, sources, issues; `tapscope query --list` shows examples",
            ),
            _ => None,
        }
    }
}
