//! Readers that count, hash, forgive and limit.

use super::{Fault, Hashes};
use crate::event::Text;
use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

/// Faults of the stream that is being read, shared by its layers.
pub(super) type Faults = Rc<RefCell<Vec<Fault>>>;

/// Hashes and counts what passes.
pub(super) struct Hashing<R> {
    inner: R,
    blake3: blake3::Hasher,
    sha256: Option<sha2::Sha256>,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Hashing<R> {
    pub(super) fn new(inner: R, custody: bool) -> Self {
        use sha2::Digest as _;
        Self {
            inner,
            blake3: blake3::Hasher::new(),
            sha256: custody.then(sha2::Sha256::new),
            count: Rc::default(),
        }
    }

    /// How many bytes have passed; goes on counting.
    pub(super) fn counter(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.count)
    }

    pub(super) fn finish(self) -> Hashes {
        use sha2::Digest as _;
        Hashes {
            blake3: *self.blake3.finalize().as_bytes(),
            sha256: self.sha256.map(|hasher| hasher.finalize().into()),
            bytes: self.count.get(),
        }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use sha2::Digest as _;
        let n = self.inner.read(buffer)?;
        let part = buffer.get(..n).unwrap_or_default();
        self.blake3.update(part);
        if let Some(hasher) = &mut self.sha256 {
            hasher.update(part);
        }
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}

/// Turns a read error into a fault and the end of the stream: what was read before it stays.
pub(super) struct Lenient<R> {
    inner: R,
    code: &'static str,
    faults: Faults,
    count: u64,
    ended: bool,
}

impl<R: Read> Lenient<R> {
    pub(super) fn new(inner: R, code: &'static str, faults: &Faults) -> Self {
        Self {
            inner,
            code,
            faults: Rc::clone(faults),
            count: 0,
            ended: false,
        }
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) const fn inner(&self) -> &R {
        &self.inner
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Lenient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.inner.read(buffer) {
                Ok(n) => {
                    self.count += n as u64;
                    self.ended = n == 0;
                    return Ok(n);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    let text = crate::source::shown_bytes(error.to_string().as_bytes());
                    self.faults.borrow_mut().push(Fault {
                        code: if wants_more_memory(&error) {
                            "decompress_limit"
                        } else {
                            self.code
                        },
                        offset: self.count,
                        text,
                    });
                    return Ok(0);
                }
            }
        }
    }
}

/// Whether a decoder stopped at the memory that it may have (`xz_memory`, `zstd_window_log`): the data may be sound.
fn wants_more_memory(error: &io::Error) -> bool {
    use liblzma::stream::Error::MemLimit;
    let inner = error.get_ref();
    let xz = inner.and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>());
    // zstd gives its error's name alone (`ZSTD_error_frameParameter_windowTooLarge`).
    matches!(xz, Some(MemLimit))
        || error.to_string() == "Frame requires too much memory for decoding"
}

/// Stops a decompressed stream that grows too large, or too large for what it was made of.
pub(super) struct Bounded<R> {
    inner: R,
    out: u64,
    /// Compressed bytes so far.
    raw: Rc<Cell<u64>>,
    most: u64,
    ratio: u64,
    ratio_after: u64,
    faults: Faults,
    ended: bool,
}

impl<R: Read> Bounded<R> {
    pub(super) fn new(
        inner: R,
        raw: &Rc<Cell<u64>>,
        limits: &crate::plan::Limits,
        faults: &Faults,
    ) -> Self {
        Self {
            inner,
            out: 0,
            raw: Rc::clone(raw),
            most: limits.member_bytes,
            ratio: limits.ratio,
            ratio_after: limits.ratio_after,
            faults: Rc::clone(faults),
            ended: false,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        // Steps of at most 1 MiB, so that a limit is met where it stands and not a buffer later.
        let step = buffer.len().min(1 << 20);
        let n = self
            .inner
            .read(buffer.get_mut(..step).unwrap_or_default())?;
        self.out += n as u64;
        let raw = self.raw.get().max(1);
        let by_ratio = self.out > self.ratio_after && self.out / raw > self.ratio;
        if by_ratio || self.out > self.most {
            self.ended = true;
            let text = if by_ratio {
                format!(
                    "stopped: {} bytes from {raw} compressed ones, more than {}:1",
                    self.out, self.ratio
                )
            } else {
                format!("stopped: more than {} bytes", self.most)
            };
            self.faults.borrow_mut().push(Fault {
                code: "decompress_limit",
                offset: self.out,
                text: Text::new(text),
            });
        }
        Ok(n)
    }
}

/// lz4 frames one after the other: the decoder ends after each.
pub(super) struct Lz4Frames<R: Read> {
    decoder: lz4_flex::frame::FrameDecoder<io::BufReader<R>>,
}

impl<R: Read> Lz4Frames<R> {
    pub(super) fn new(inner: R) -> Self {
        let inner = io::BufReader::with_capacity(1 << 16, inner);
        Self {
            decoder: lz4_flex::frame::FrameDecoder::new(inner),
        }
    }
}

impl<R: Read> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::BufRead as _;
        loop {
            let n = self.decoder.read(buffer)?;
            if n > 0 || buffer.is_empty() || self.decoder.get_mut().fill_buf()?.is_empty() {
                return Ok(n);
            }
        }
    }
}

/// Reads until the buffer is full or the stream ends.
pub(super) fn fill(reader: &mut dyn Read, most: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(most as u64).read_to_end(&mut head)?;
    Ok(head)
}
