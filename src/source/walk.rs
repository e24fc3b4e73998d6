//! Walks folders and globs: sorted, each folder and file once, whatever links point where.

use super::{Found, Input, Refused, shown_bytes, shown_path};
use crate::event::Text;
use std::collections::HashSet;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// What makes a file itself: device and inode where the system has them, else its resolved path.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    #[cfg(unix)]
    Inode(u64, u64),
    #[cfg(not(unix))]
    Resolved(PathBuf),
}

#[derive(Default)]
pub(super) struct Walk {
    pub(super) found: Found,
    folders: HashSet<Identity>,
    files: Vec<(Input, Option<Identity>)>,
}

impl Walk {
    /// A file, a folder, or a glob.
    pub(super) fn argument(&mut self, path: &Path) {
        match std::fs::metadata(path) {
            Ok(metadata) => self.entry(path.to_path_buf(), &metadata, None, true),
            Err(error) => {
                if is_glob(path) {
                    self.glob(path);
                } else {
                    self.refuse_error(path, &error);
                }
            }
        }
    }

    /// Sorts by shown name and drops files that were named twice.
    pub(super) fn finish(mut self) -> Found {
        self.files
            .sort_by(|(a, _), (b, _)| a.shown.cmp(&b.shown).then(a.path.cmp(&b.path)));
        let mut seen = HashSet::new();
        for (input, identity) in self.files {
            if identity.is_none_or(|identity| seen.insert(identity)) {
                self.found.inputs.push(input);
            }
        }
        self.found.inputs.sort_by(|a, b| a.shown.cmp(&b.shown));
        self.found.refused.sort_by(|a, b| a.shown.cmp(&b.shown));
        self.found.refused.dedup();
        self.found
    }

    fn entry(
        &mut self,
        path: PathBuf,
        metadata: &Metadata,
        glob: Option<&globset::GlobMatcher>,
        named: bool,
    ) {
        if metadata.is_dir() {
            self.folder(path, metadata, glob);
        } else if metadata.is_file() {
            if glob.is_none_or(|glob| glob.is_match(&path)) {
                let identity = identity(&path, metadata);
                let shown = shown_path(&path);
                self.files.push((
                    Input {
                        shown,
                        size: metadata.len(),
                        stdin: false,
                        path,
                    },
                    identity,
                ));
            }
        } else if named || glob.is_none_or(|glob| glob.is_match(&path)) {
            self.refuse(
                &path,
                "not_a_file",
                Text::new(format!(
                    "expected a file or folder, found a {}: only `-` reads from a stream",
                    special(metadata)
                )),
            );
        }
    }

    /// Everything below a folder. An explicit stack: folders may be nested as deep as the file system allows.
    fn folder(&mut self, root: PathBuf, metadata: &Metadata, glob: Option<&globset::GlobMatcher>) {
        let mut stack = Vec::new();
        if self.enter(&root, metadata) {
            stack.push(root);
        }
        while let Some(folder) = stack.pop() {
            let mut names: Vec<PathBuf> = Vec::new();
            match std::fs::read_dir(&folder) {
                Ok(entries) => {
                    for entry in entries {
                        match entry {
                            Ok(entry) => names.push(entry.path()),
                            Err(error) => self.refuse_folder(&folder, &error),
                        }
                    }
                }
                Err(error) => self.refuse_folder(&folder, &error),
            }
            names.sort();
            // Reversed, so that the stack gives them back in order.
            let mut below = Vec::new();
            for path in names {
                match std::fs::metadata(&path) {
                    Ok(metadata) if metadata.is_dir() => {
                        if self.enter(&path, &metadata) {
                            below.push(path);
                        }
                    }
                    Ok(metadata) => self.entry(path, &metadata, glob, false),
                    Err(error) => self.refuse_error(&path, &error),
                }
            }
            stack.extend(below.into_iter().rev());
        }
    }

    /// True the first time that a folder is met.
    fn enter(&mut self, path: &Path, metadata: &Metadata) -> bool {
        identity(path, metadata).is_none_or(|identity| self.folders.insert(identity))
    }

    fn glob(&mut self, pattern: &Path) {
        let text = pattern.to_string_lossy();
        let matcher = match globset::GlobBuilder::new(&text)
            .literal_separator(true)
            .build()
        {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                self.refuse(pattern, "bad_glob", Text::new(error.kind().to_string()));
                return;
            }
        };
        let mut base = PathBuf::new();
        for part in pattern.components() {
            if is_glob(Path::new(part.as_os_str())) {
                break;
            }
            base.push(part);
        }
        let here = base.as_os_str().is_empty();
        let start = if here { Path::new(".") } else { &base };
        let before = self.files.len() + self.found.refused.len();
        match std::fs::metadata(start) {
            Ok(metadata) => {
                // A glob reads its own folders again: another glob may have passed them without a match.
                let folders = std::mem::take(&mut self.folders);
                if here {
                    self.glob_here(&matcher);
                } else {
                    self.entry(base, &metadata, Some(&matcher), false);
                }
                self.folders = folders;
            }
            Err(error) => self.refuse_error(start, &error),
        }
        if self.files.len() + self.found.refused.len() == before {
            self.refuse(
                pattern,
                "glob_without_match",
                Text::new(
                    "no file matches; quote the pattern so that the shell does not change it",
                ),
            );
        }
    }

    /// A glob relative to the working folder: names are shown without `./`, as the user wrote them.
    fn glob_here(&mut self, matcher: &globset::GlobMatcher) {
        let Ok(entries) = std::fs::read_dir(".") else {
            return;
        };
        let mut names: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| PathBuf::from(entry.file_name())))
            .collect();
        names.sort();
        for name in names {
            if let Ok(metadata) = std::fs::metadata(&name) {
                self.entry(name, &metadata, Some(matcher), false);
            }
        }
    }

    fn refuse_folder(&mut self, path: &Path, error: &io::Error) {
        let text = Text::new(error.kind().to_string());
        self.refuse(path, "unreadable_folder", text);
    }

    fn refuse_error(&mut self, path: &Path, error: &io::Error) {
        let code = match error.kind() {
            io::ErrorKind::NotFound => "not_found",
            io::ErrorKind::PermissionDenied => "permission_denied",
            _ => "unreadable",
        };
        let text = shown_bytes(error.kind().to_string().as_bytes());
        self.refuse(path, code, text);
    }

    fn refuse(&mut self, path: &Path, code: &'static str, text: Text) {
        self.found.refused.push(Refused {
            shown: shown_path(path),
            code,
            text,
        });
    }
}

fn is_glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems may not know")]
fn identity(_path: &Path, metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    Some(Identity::Inode(metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path, _metadata: &Metadata) -> Option<Identity> {
    std::fs::canonicalize(path).ok().map(Identity::Resolved)
}

#[cfg(unix)]
fn special(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "named pipe"
    } else if kind.is_socket() {
        "socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "device"
    } else {
        "special file"
    }
}

#[cfg(not(unix))]
fn special(_metadata: &Metadata) -> &'static str {
    "special file"
}
