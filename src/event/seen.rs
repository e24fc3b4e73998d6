//! Remembers which card numbers a run has met, so that what is written can be searched for them. The numbers themselves are not kept.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Numbers that are remembered at most, in all; what comes later is still masked, and still looked for by its form.
const MOST: usize = 4_000_000;
const SHARDS: usize = 16;

/// Fingerprints of card numbers, under a random key of this run. Clones share them.
#[derive(Clone, Default)]
pub struct SeenCards(Arc<Inner>);

#[derive(Default)]
struct Inner {
    key: RandomState,
    shards: [RwLock<HashSet<u64>>; SHARDS],
    /// Lengths of the numbers, as a bit set.
    lengths: AtomicU32,
}

impl std::fmt::Debug for SeenCards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SeenCards(…)")
    }
}

impl SeenCards {
    /// Remembers a number of 13 to 19 ASCII digits; anything else is passed over.
    pub fn note(&self, digits: &[u8]) {
        let Some(mark) = self.mark(digits) else {
            return;
        };
        let Some(shard) = self.0.shards.get(mark as usize % SHARDS) else {
            return;
        };
        let known = shard
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&mark);
        if known {
            return;
        }
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if shard.len() < MOST / SHARDS {
            shard.insert(mark);
            self.0
                .lengths
                .fetch_or(1 << digits.len(), Ordering::Relaxed);
        }
    }

    /// True where these ASCII digits are a number that was met.
    #[must_use]
    pub fn contains(&self, digits: &[u8]) -> bool {
        self.mark(digits).is_some_and(|mark| {
            self.0
                .shards
                .get(mark as usize % SHARDS)
                .is_some_and(|shard| {
                    shard
                        .read()
                        .unwrap_or_else(PoisonError::into_inner)
                        .contains(&mark)
                })
        })
    }

    /// Which lengths the numbers have: bit 16 for sixteen digits.
    #[must_use]
    pub fn lengths(&self) -> u32 {
        self.0.lengths.load(Ordering::Relaxed)
    }

    fn mark(&self, digits: &[u8]) -> Option<u64> {
        if !(13..=19).contains(&digits.len()) {
            return None;
        }
        let value = digits.iter().try_fold(0_u64, |value, b| {
            let digit = b.checked_sub(b'0').filter(|d| *d <= 9)?;
            Some(value * 10 + u64::from(digit))
        })?;
        Some(self.0.key.hash_one((digits.len(), value)))
    }
}

#[cfg(test)]
mod tests {
    use super::SeenCards;

    #[test]
    fn numbers_are_remembered_and_nothing_else() {
        let seen = SeenCards::default();
        let other = seen.clone();
        assert_eq!(seen.lengths(), 0);
        seen.note(b"4111111111111111");
        seen.note(b"411111111111");
        seen.note(b"4111-1111-1111-1112");
        assert!(other.contains(b"4111111111111111"));
        assert!(!other.contains(b"04111111111111111"));
        assert!(!other.contains(b"4111111111111112"));
        assert_eq!(other.lengths(), 1 << 16);
        assert!(!format!("{seen:?}").contains('1'));
    }
}
