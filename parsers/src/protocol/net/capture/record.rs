//! What comes out of a capture file: packets, issues, and the count of what is no packet.

use super::super::bytes::size;

/// Where a packet stands in the window, and what its record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Number as Wireshark counts: packets only, from 1.
    pub frame: u32,
    /// Nanoseconds since 1970 UTC; `None` where the record has none (simple packet blocks).
    pub nanos: Option<i64>,
    /// Link type (LINKTYPE_ number).
    pub link: u16,
    /// Offset of its first byte in the window.
    pub start: usize,
    /// Captured bytes.
    pub len: u32,
    /// Bytes on the wire.
    pub original_len: u32,
    /// Bytes of the whole record, header and padding included.
    pub record_len: u32,
}

impl Packet {
    /// The packet's bytes in the window that it was cut from.
    #[must_use]
    pub fn data<'a>(&self, window: &'a [u8]) -> &'a [u8] {
        let end = self.start.saturating_add(size(self.len));
        window.get(self.start..end).unwrap_or_default()
    }
}

/// Something odd about the file itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIssue {
    /// Stable name.
    pub code: &'static str,
    /// Number of the last good frame before it.
    pub frame: u32,
    /// Byte offset in the file.
    pub offset: u64,
    /// What was wanted there.
    pub expected: &'static str,
    /// What was found (a length, a type, a version).
    pub found: u64,
    /// Bytes passed over because of it.
    pub skipped: u64,
}

/// Bytes of the file that are not packet records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileBytes {
    /// File headers and blocks without packets: parsed, of no interest here.
    pub structure: u64,
    /// Passed over to get back in step, or cut off at the end.
    pub lost: u64,
    /// Belonging to no known structure at all (unsupported version, foreign format).
    pub foreign: u64,
}

/// Kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Classic pcap.
    Pcap,
    /// pcapng.
    PcapNg,
}

/// Time units since 1970 to nanoseconds, for any power of ten or two (pcapng `if_tsresol`).
pub(super) fn to_nanos(units: u64, resolution: u8, offset_seconds: i64) -> Option<i64> {
    let units = u128::from(units);
    let exponent = u32::from(resolution & 0x7F);
    let nanos = if resolution & 0x80 == 0 {
        if exponent <= 9 {
            units.checked_mul(10u128.pow(9 - exponent))?
        } else {
            units / 10u128.checked_pow(exponent - 9).unwrap_or(u128::MAX)
        }
    } else {
        units.checked_mul(1_000_000_000)?.checked_shr(exponent)?
    };
    let offset = i128::from(offset_seconds).checked_mul(1_000_000_000)?;
    i64::try_from(i128::try_from(nanos).ok()?.checked_add(offset)?).ok()
}
