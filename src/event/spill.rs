//! Packed events past the memory budget, in a file without a name: gone with the process, whatever happens to it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Keeps the budget of packed events, and the file for what goes beyond it.
#[derive(Debug)]
pub struct Spill {
    budget: u64,
    used: AtomicU64,
    folder: PathBuf,
    file: Mutex<Option<(Arc<File>, u64)>>,
    failed: Arc<AtomicBool>,
}

/// Bytes that are kept: in memory as long as the budget lasts, on disk beyond it.
#[derive(Debug)]
pub struct Kept(Where);

#[derive(Debug)]
enum Where {
    Memory(Box<[u8]>),
    Disk(Spilled),
}

impl Kept {
    /// Keeps a copy of just that size: a buffer that grew would keep what it grew to.
    #[must_use]
    pub fn new(bytes: &[u8], spill: &Spill) -> Self {
        Self(
            spill
                .offer(bytes)
                .map_or_else(|| Where::Memory(bytes.into()), Where::Disk),
        )
    }

    /// Shows a part; `None` where there is no such part, or the disk does not give it back (the run fails then, see
    /// [`Spill::failed`]).
    pub fn read<T>(&self, from: usize, length: usize, show: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match &self.0 {
            Where::Memory(bytes) => bytes.get(from..from.checked_add(length)?).map(show),
            Where::Disk(spilled) => spilled.read(from, length).map(|bytes| show(&bytes)),
        }
    }
}

/// A stretch of the file.
#[derive(Debug)]
struct Spilled {
    file: Arc<File>,
    at: u64,
    failed: Arc<AtomicBool>,
}

impl Spill {
    /// `budget` bytes of packed events stay in memory; the file is made in `folder` when it is needed.
    #[must_use]
    pub fn new(budget: u64, folder: &Path) -> Arc<Self> {
        Arc::new(Self {
            budget,
            used: AtomicU64::new(0),
            folder: folder.to_owned(),
            file: Mutex::new(None),
            failed: Arc::new(AtomicBool::new(false)),
        })
    }

    /// Everything stays in memory.
    #[must_use]
    pub fn unbounded() -> Arc<Self> {
        Self::new(u64::MAX, Path::new("."))
    }

    /// The disk was full, or did not give back what was written: the results are worth nothing.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Bytes that went to disk.
    #[must_use]
    pub fn spilled(&self) -> u64 {
        self.file
            .lock()
            .map_or(0, |file| file.as_ref().map_or(0, |(_, end)| *end))
    }

    /// Takes the bytes to disk where the budget is used up; `None` where they may stay.
    fn offer(&self, bytes: &[u8]) -> Option<Spilled> {
        let count = bytes.len() as u64;
        if self
            .used
            .fetch_add(count, Ordering::Relaxed)
            .saturating_add(count)
            <= self.budget
        {
            return None;
        }
        self.used.fetch_sub(count, Ordering::Relaxed);
        let written = self.write(bytes);
        if written.is_none() {
            self.failed.store(true, Ordering::Relaxed);
        }
        written
    }

    fn write(&self, bytes: &[u8]) -> Option<Spilled> {
        let mut slot = self.file.lock().ok()?;
        if slot.is_none() {
            *slot = Some((Arc::new(tempfile::tempfile_in(&self.folder).ok()?), 0));
        }
        let (file, end) = slot.as_mut()?;
        write_at(file, bytes, *end).ok()?;
        let spilled = Spilled {
            file: Arc::clone(file),
            at: *end,
            failed: Arc::clone(&self.failed),
        };
        *end += bytes.len() as u64;
        Some(spilled)
    }
}

impl Spilled {
    fn read(&self, from: usize, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        let done = read_at(&self.file, &mut bytes, self.at + from as u64);
        if done.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        done.ok().map(|()| bytes)
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        bytes = bytes.get(count..).unwrap_or_default();
        at += count as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let rest = bytes.get_mut(done..).unwrap_or_default();
        match std::os::windows::fs::FileExt::seek_read(file, rest, at + done as u64)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
}
