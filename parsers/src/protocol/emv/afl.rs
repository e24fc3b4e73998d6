//! Turns tag 94 into the list of records that are to be read (EMV Book 3, 10.2).

use crate::damage::Damage;

/// Four bytes of tag 94.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Short file identifier, 1 to 30.
    pub sfi: u8,
    /// First record.
    pub first: u8,
    /// Last record.
    pub last: u8,
    /// How many of them, from the first, are signed.
    pub signed: u8,
}

impl Entry {
    /// How many records it names.
    #[must_use]
    pub fn records(&self) -> usize {
        usize::from(self.last.saturating_sub(self.first)) + 1
    }
}

/// The entries, and the first thing that is wrong: `afl_length`, `afl_sfi`, `afl_records`.
#[must_use]
pub fn entries(value: &[u8]) -> (Vec<Entry>, Option<Damage>) {
    let (fours, rest) = value.as_chunks::<4>();
    let mut damage = None;
    let mut note = |code, offset, expected| {
        if damage.is_none() {
            damage = Some(Damage {
                code,
                offset,
                expected,
            });
        }
    };
    let mut entries = Vec::with_capacity(fours.len().min(64));
    for (i, &[sfi, first, last, signed]) in fours.iter().enumerate() {
        if sfi & 7 != 0 || matches!(sfi >> 3, 0 | 31) {
            note("afl_sfi", i * 4, "an SFI of 1 to 30 in the upper five bits");
        }
        if first == 0
            || last < first
            || usize::from(signed) > usize::from(last - first.min(last)) + 1
        {
            note(
                "afl_records",
                i * 4 + 1,
                "first record, last record, signed records among them",
            );
        }
        entries.push(Entry {
            sfi: sfi >> 3,
            first,
            last,
            signed,
        });
    }
    if !rest.is_empty() || value.is_empty() {
        note("afl_length", fours.len() * 4, "a multiple of four bytes");
    }
    (entries, damage)
}

/// How the records that were read compare with those that the locator asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Records asked for and not read: (SFI, record).
    pub missing: Vec<(u8, u8)>,
    /// Records read and not asked for.
    pub extra: Vec<(u8, u8)>,
    /// True where those asked for were read in another order (EMV Book 3, 10.2, wants the locator's).
    pub out_of_order: bool,
}

/// Compares what was read with the locator. A record read twice counts once.
#[must_use]
pub fn compare(entries: &[Entry], read: &[(u8, u8)]) -> Reading {
    let wanted: Vec<(u8, u8)> = entries
        .iter()
        .flat_map(|e| (e.first..=e.last).map(|record| (e.sfi, record)))
        .take(1024)
        .collect();
    let mut once: Vec<(u8, u8)> = Vec::new();
    for &record in read.iter().take(1024) {
        if !once.contains(&record) {
            once.push(record);
        }
    }
    let positions: Vec<usize> = once
        .iter()
        .filter_map(|record| wanted.iter().position(|w| w == record))
        .collect();
    Reading {
        missing: wanted
            .iter()
            .filter(|w| !once.contains(w))
            .copied()
            .collect(),
        extra: once
            .iter()
            .filter(|r| !wanted.contains(r))
            .copied()
            .collect(),
        out_of_order: !positions.is_sorted(),
    }
}
