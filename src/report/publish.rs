//! Lets a folder appear whole or not at all: written beside its place, then renamed into it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Error;

/// What an interrupt has to know and to remove; a signal has no other way to learn of it.
static STAGING: Mutex<Option<PathBuf>> = Mutex::new(None);
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static PUBLISHED: AtomicBool = AtomicBool::new(false);

/// A folder in the making, beside the place where it will stand.
pub(super) struct Staging {
    folder: tempfile::TempDir,
    target: PathBuf,
    force: bool,
}

/// What the name of a folder in the making begins with; the number of the process follows.
const PREFIX: &str = ".tapscope-";

/// Folders beside the target that a run left over which could not clean up (killed, or the machine went down). Nothing is removed:
/// whether that process is really gone only the user can know where the disk is shared.
#[must_use]
pub fn left_over(target: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent_of(target)) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let process = name
                .to_str()
                .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next())
                .and_then(|number| number.parse::<u32>().ok());
            process.is_some_and(|number| number != std::process::id() && !is_alive(number))
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Whether a process runs; where the system cannot say, it does.
fn is_alive(process: u32) -> bool {
    !Path::new("/proc/self").exists() || Path::new(&format!("/proc/{process}")).exists()
}

/// The folder that the target stands in.
#[must_use]
pub fn parent_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Puts each of two folders in the other's place.
#[cfg(target_os = "linux")]
fn exchange(new: &Path, old: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE).map_err(Into::into)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_new: &Path, _old: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// The new name itself reaches the disk. Not all systems open folders: then it does so in its own time.
fn sync_folder(folder: Option<&Path>) {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = std::fs::File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}

/// Looks whether a report can be put there, before any work is done.
///
/// # Errors
/// When something stands there that may not be replaced.
pub fn check_target(target: &Path, force: bool) -> Result<(), Error> {
    let Ok(about) = std::fs::symlink_metadata(target) else {
        return Ok(());
    };
    if !about.is_dir() {
        return Err(Error::Foreign(target.to_owned()));
    }
    let empty = std::fs::read_dir(target)
        .map_err(|e| Error::file(target, e))?
        .next()
        .is_none();
    let ours = target.join("manifest.json").is_file();
    match (empty, ours, force) {
        (true, ..) | (_, true, true) => Ok(()),
        (_, true, false) => Err(Error::Exists(target.to_owned())),
        (_, false, true) => Err(Error::Foreign(target.to_owned())),
        (_, false, false) => Err(Error::Exists(target.to_owned())),
    }
}

/// Stops writing and removes what is half-written. Returns false where the report already stands whole.
#[must_use]
pub fn interrupt() -> bool {
    INTERRUPTED.store(true, Ordering::SeqCst);
    let staging = STAGING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(path) = staging.as_deref() {
        // A thread may still be creating a file there: it stops at its next look at the flag.
        for _ in 0..50 {
            let _ = std::fs::remove_dir_all(path);
            if !path.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    !PUBLISHED.load(Ordering::SeqCst)
}

/// Writes a file through a neighbour, so that the target is whole or as it was.
pub(super) fn replace_file(
    target: &Path,
    write: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let partial = target.with_file_name(name);
    let written = write(&partial)
        .and_then(|()| std::fs::rename(&partial, target).map_err(|e| Error::file(target, e)));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// Looks whether the user has interrupted the run.
pub(super) fn stop_if_interrupted() -> Result<(), Error> {
    if INTERRUPTED.load(Ordering::SeqCst) {
        Err(Error::Interrupted)
    } else {
        Ok(())
    }
}

impl Staging {
    pub(super) fn beside(target: &Path, force: bool) -> Result<Self, Error> {
        check_target(target, force)?;
        let parent = parent_of(target);
        std::fs::create_dir_all(parent).map_err(|e| Error::file(parent, e))?;
        // Locked before the folder is there: an interrupt finds it by its name, or keeps it from being made.
        let mut staging = STAGING
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        stop_if_interrupted()?;
        let folder = temporary(parent)?;
        *staging = Some(folder.path().to_owned());
        Ok(Self {
            folder,
            target: target.to_owned(),
            force,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the folder in its place. What stood there before stays until the new one is whole.
    pub(super) fn publish(self) -> Result<(), Error> {
        // Held to the end: an interrupt comes before or after, never in between.
        let mut staging = STAGING
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        stop_if_interrupted()?;
        sync(self.folder.path())?;
        check_target(&self.target, self.force)?;
        let fail = |e| Error::file(&self.target, e);
        let stands = self.target.join("manifest.json").is_file();
        // In one step where the system can: then there is no moment at which neither stands. What stood there before is then
        // in the temporary folder, which is removed.
        let exchanged = stands && exchange(self.folder.path(), &self.target).is_ok();
        if stands && !exchanged {
            let parent = self.folder.path().parent().unwrap_or(Path::new("."));
            let old = temporary(parent)?;
            let aside = old.path().join("old");
            std::fs::rename(&self.target, &aside).map_err(fail)?;
            if let Err(error) = std::fs::rename(self.folder.path(), &self.target) {
                std::fs::rename(&aside, &self.target).map_err(fail)?;
                return Err(fail(error));
            }
        } else if !exchanged {
            std::fs::rename(self.folder.path(), &self.target).map_err(fail)?;
        }
        *staging = None;
        PUBLISHED.store(true, Ordering::SeqCst);
        if exchanged {
            drop(self.folder);
        } else {
            // The temporary name is gone: nothing is left to remove.
            let _ = self.folder.keep();
        }
        sync_folder(self.target.parent());
        Ok(())
    }
}

/// A folder that vanishes unless kept; its rights are those of any new folder of this user.
fn temporary(parent: &Path) -> Result<tempfile::TempDir, Error> {
    let mut builder = tempfile::Builder::new();
    // The process is named, so that a later run can tell what was left over.
    let prefix = format!("{PREFIX}{}-", std::process::id());
    builder.prefix(&prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    builder
        .tempdir_in(parent)
        .map_err(|e| Error::file(parent, e))
}

fn sync(folder: &Path) -> Result<(), Error> {
    let entries = std::fs::read_dir(folder).map_err(|e| Error::file(folder, e))?;
    for entry in entries {
        let path = entry.map_err(|e| Error::file(folder, e))?.path();
        if path.is_dir() {
            sync(&path)?;
        }
        std::fs::File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|e| Error::file(&path, e))?;
    }
    Ok(())
}
