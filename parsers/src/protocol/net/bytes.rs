//! Fixed-width numbers at an offset of a slice, `None` where the slice is too short.

pub(super) fn u8_at(b: &[u8], at: usize) -> Option<u8> {
    b.get(at).copied()
}

pub(super) fn be16(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*b.get(at..)?.first_chunk()?))
}

pub(super) fn be32(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*b.get(at..)?.first_chunk()?))
}

pub(super) fn le16(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*b.get(at..)?.first_chunk()?))
}

pub(super) fn le32(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*b.get(at..)?.first_chunk()?))
}

/// A 32-bit number in the order that the file says.
pub(super) fn u32_at(b: &[u8], at: usize, big: bool) -> Option<u32> {
    if big { be32(b, at) } else { le32(b, at) }
}

/// A 16-bit number in the order that the file says.
pub(super) fn u16_at(b: &[u8], at: usize, big: bool) -> Option<u16> {
    if big { be16(b, at) } else { le16(b, at) }
}

/// Widens without a cast that could lose bits: `usize` is 32 or 64 bits wide on every target that we build for.
pub(super) fn size(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// A length as 64 bits.
pub(super) fn long(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
