//! Reads a tar's members one after the other: POSIX ustar, GNU long names, pax names and sizes. Nothing is ever unpacked.

use super::magic::checksum_fits;
use std::io::{self, Read};

const BLOCK: u64 = 512;
/// Long names and pax headers are small; what claims more is damage.
const EXTENSION_BYTES: u64 = 1 << 20;

/// A member.
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) size: u64,
    pub(super) is_file: bool,
}

/// The archive, and at the same time the reader of the member that [`Tar::next_entry`] gave last.
pub(super) struct Tar<'r> {
    inner: &'r mut dyn Read,
    /// Bytes of the member that are still to come, and its padding behind them.
    left: u64,
    padding: u64,
    offset: u64,
}

impl<'r> Tar<'r> {
    pub(super) fn new(inner: &'r mut dyn Read) -> Self {
        Self {
            inner,
            left: 0,
            padding: 0,
            offset: 0,
        }
    }

    /// Bytes of the archive read so far.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next member, whatever its type; `None` at the end. What was left of the one before is passed over.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, &'static str> {
        let mut long_name: Option<Vec<u8>> = None;
        let mut pax_size: Option<u64> = None;
        // Each turn reads one header; extensions may precede the header that they are about.
        loop {
            self.pass_over()?;
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let size = number(&header[124..136]).ok_or("expected a size in the header")?;
            let kind = header[156];
            match kind {
                b'L' | b'K' | b'x' | b'g' => {
                    if size > EXTENSION_BYTES {
                        return Err("expected an extension of at most 1 MiB");
                    }
                    self.begin(size);
                    let mut bytes = Vec::new();
                    self.read_to_end(&mut bytes)
                        .map_err(|_| "expected an extension, found the end")?;
                    match kind {
                        b'L' => long_name = Some(until_zero(&bytes).to_vec()),
                        b'x' => {
                            let (name, size) = pax(&bytes);
                            long_name = name.or(long_name);
                            pax_size = size.or(pax_size);
                        }
                        _ => {}
                    }
                }
                _ => {
                    let is_file = matches!(kind, 0 | b'0' | b'7');
                    let size = pax_size.unwrap_or(size);
                    // Links and devices have no content, whatever size they state.
                    let size = if matches!(kind, b'1'..=b'6') { 0 } else { size };
                    self.begin(size);
                    return Ok(Some(Entry {
                        name: long_name.unwrap_or_else(|| short_name(&header)),
                        size,
                        is_file,
                    }));
                }
            }
        }
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK) - size;
    }

    fn pass_over(&mut self) -> Result<(), &'static str> {
        let want = self.left.saturating_add(self.padding);
        let got = io::copy(&mut self.inner.take(want), &mut io::sink())
            .map_err(|_| "read error between members")?;
        self.offset += got;
        let short = got < want;
        self.left = 0;
        self.padding = 0;
        if short {
            return Err("expected the rest of a member, found the end");
        }
        Ok(())
    }

    /// A header block; `None` at two blocks of zeros, or at the end of the stream where a block might begin.
    fn header(&mut self) -> Result<Option<[u8; 512]>, &'static str> {
        let mut zeros = 0;
        loop {
            let mut bytes = Vec::with_capacity(512);
            self.inner
                .take(BLOCK)
                .read_to_end(&mut bytes)
                .map_err(|_| "read error in a header")?;
            self.offset += bytes.len() as u64;
            let Ok(header) = <[u8; 512]>::try_from(bytes.as_slice()) else {
                return if bytes.is_empty() {
                    Ok(None)
                } else {
                    Err("expected a header of 512 bytes, found the end")
                };
            };
            if header.iter().all(|b| *b == 0) {
                zeros += 1;
                if zeros == 2 {
                    return Ok(None);
                }
                continue;
            }
            if !checksum_fits(&header) {
                return Err("expected a header with a checksum that fits");
            }
            return Ok(Some(header));
        }
    }
}

impl Read for Tar<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let n = self
            .inner
            .read(buffer.get_mut(..most).unwrap_or_default())?;
        if n == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "expected the rest of a member, found the end",
            ));
        }
        self.left -= n as u64;
        self.offset += n as u64;
        Ok(n)
    }
}

/// Octal digits, or GNU's base-256 for sizes above 8 GiB.
fn number(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|b| b & 0x80 != 0) {
        return field.iter().skip(1).try_fold(0_u64, |value, byte| {
            value.checked_mul(256)?.checked_add(u64::from(*byte))
        });
    }
    let digits = until_zero(field).trim_ascii();
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|d| *d < 8)?;
        value.checked_mul(8)?.checked_add(u64::from(digit))
    })
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}

fn short_name(header: &[u8; 512]) -> Vec<u8> {
    let name = until_zero(&header[..100]);
    let prefix = until_zero(&header[345..500]);
    if prefix.is_empty() || header[257..263] != *b"ustar\0" {
        return name.to_vec();
    }
    [prefix, b"/", name].concat()
}

/// `path` and `size` of a pax header: records of `length key=value\n`.
fn pax(mut bytes: &[u8]) -> (Option<Vec<u8>>, Option<u64>) {
    let (mut name, mut size) = (None, None);
    while let Some(blank) = memchr::memchr(b' ', bytes) {
        let length = bytes
            .get(..blank)
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| d.parse::<usize>().ok())
            .filter(|n| *n > blank + 1 && *n <= bytes.len());
        let Some(length) = length else { break };
        let record = bytes.get(blank + 1..length).unwrap_or_default();
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        if let Some(path) = record.strip_prefix(b"path=") {
            name = Some(path.to_vec());
        } else if let Some(digits) = record.strip_prefix(b"size=") {
            size = std::str::from_utf8(digits)
                .ok()
                .and_then(|d| d.parse().ok());
        }
        bytes = bytes.get(length..).unwrap_or_default();
    }
    (name, size)
}
