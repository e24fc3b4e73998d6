//! What could not be read, and where: located reasons instead of errors.

/// A located reason why (part of) an input could not be read. What was read before it stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Stable name: `tlv_truncated`, `bitmap_short`, `field_overrun` …
    pub code: &'static str,
    /// Byte offset in the slice that the parser was given.
    pub offset: usize,
    /// What the grammar wanted there.
    pub expected: &'static str,
}
