//! Keeps of every failed attempt what a reader may filter by, in a few bytes each, and how many attempts each terminal, merchant … has.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::catalogue::UNDETERMINED;
use super::row::Micros;
use super::schema::Transaction;
use crate::event::Text;

/// What failed attempts can be filtered by, beside their time; the order is that of [`Failure::of`].
pub(super) const DIMENSIONS: [&str; 8] = [
    "cause", "owners", "terminal", "merchant", "scheme", "host", "issuer", "incident",
];
/// Place of the cause in [`DIMENSIONS`].
pub(super) const CAUSE: usize = 0;
/// Dimensions of which all attempts are counted, not the failed ones only.
pub(super) const PLACES: std::ops::RangeInclusive<usize> = 2..=6;
/// Between the owners of one attempt.
pub(super) const OWNER_SEPARATOR: char = '\u{1F}'; // no cleaned text holds it

/// A failed attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    /// Row in the transactions table.
    pub row: u32,
    /// Start, UTC microseconds.
    pub at: Option<i64>,
    /// One name of each dimension; none where it is not known.
    pub of: [Option<u32>; DIMENSIONS.len()],
}

/// How one name does.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Attempts; zero where only failed ones are counted.
    pub attempts: u64,
    /// Failed ones.
    pub failed: u64,
    /// Failed ones by cause.
    pub causes: BTreeMap<u32, u64>,
}

/// The names of one dimension, by first appearance.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Text, u32>,
    /// The names.
    pub list: Vec<Text>,
    /// How each does.
    pub tallies: Vec<Tally>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.into(), number);
        self.list.push(name.into());
        self.tallies.push(Tally::default());
        number
    }

    /// A name by its number.
    pub(super) fn name(&self, number: u32) -> &str {
        self.list.get(number as usize).map_or("", Text::as_str)
    }

    /// Numbers, most failed attempts first.
    pub(super) fn ranking(&self) -> Vec<u32> {
        let mut numbers: Vec<(u32, &Tally, &Text)> = (0_u32..)
            .zip(&self.tallies)
            .zip(&self.list)
            .map(|((number, tally), name)| (number, tally, name))
            .collect();
        numbers.sort_by(|a, b| {
            (b.1.failed, b.1.attempts)
                .cmp(&(a.1.failed, a.1.attempts))
                .then_with(|| a.2.cmp(b.2))
        });
        numbers.into_iter().map(|(number, _, _)| number).collect()
    }
}

/// All failed attempts of a run.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// In the order of the transactions table.
    pub list: Vec<Failure>,
    /// Names of each dimension.
    pub names: [Names; DIMENSIONS.len()],
    /// Start of every attempt with a time, failed or not.
    pub starts: Vec<(i64, bool)>,
}

impl Failures {
    /// Counts an attempt that stands in the given row.
    pub(super) fn add(&mut self, row: u32, t: &Transaction) {
        let owners = t.owners.join(&OWNER_SEPARATOR.to_string());
        let values: [Option<&str>; DIMENSIONS.len()] = [
            t.failed.then(|| t.cause.as_deref().unwrap_or(UNDETERMINED)),
            (t.failed && !owners.is_empty()).then_some(owners.as_str()),
            t.terminal_id.as_deref().or(t.device.as_deref()),
            t.merchant_id.as_deref(),
            t.scheme.as_deref(),
            t.host.as_deref(),
            t.pan_masked.as_deref().and_then(|pan| pan.get(..6)),
            t.incident_id.as_deref().filter(|_| t.failed),
        ];
        let mut of = [None; DIMENSIONS.len()];
        for ((names, slot), value) in self.names.iter_mut().zip(&mut of).zip(values) {
            *slot = value.map(|value| names.number(value));
        }
        let cause = of.get(CAUSE).copied().flatten();
        for (dimension, (names, number)) in self.names.iter_mut().zip(of).enumerate() {
            let Some(tally) = number.and_then(|n| names.tallies.get_mut(n as usize)) else {
                continue;
            };
            tally.attempts += u64::from(PLACES.contains(&dimension));
            if let Some(cause) = cause {
                tally.failed += 1;
                *tally.causes.entry(cause).or_default() += 1;
            }
        }
        let at = t.started_at.map(|Micros(at)| at);
        self.starts.extend(at.map(|at| (at, t.failed)));
        if t.failed {
            self.list.push(Failure { row, at, of });
        }
    }

    /// The names of a dimension.
    pub(super) fn of(&self, dimension: &str) -> &Names {
        let place = DIMENSIONS.iter().position(|name| *name == dimension);
        self.names
            .get(place.unwrap_or(CAUSE))
            .unwrap_or(&self.names[CAUSE])
    }

    /// The cause's name.
    pub(super) fn code(&self, number: u32) -> &str {
        self.names[CAUSE].name(number)
    }

    /// Row and cause of each failed attempt.
    pub(super) fn causes(&self) -> Vec<(u32, u32)> {
        let cause = |failure: &Failure| failure.of[CAUSE].unwrap_or(u32::MAX);
        self.list.iter().map(|f| (f.row, cause(f))).collect()
    }
}

/// Picks at most `limit` of the given `(item, cause)`: a fair share of each cause, evenly in their order. Items, ascending.
pub(super) fn fair_share(items: &[(u32, u32)], limit: usize) -> Vec<u32> {
    if items.len() <= limit {
        return items.iter().map(|(item, _)| *item).collect();
    }
    let mut by_cause: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (item, cause) in items {
        by_cause.entry(*cause).or_default().push(*item);
    }
    let mut groups: Vec<(u32, Vec<u32>)> = by_cause.into_iter().collect();
    // Rare causes first: what they leave of their share goes to the frequent ones.
    groups.sort_by_key(|(cause, group)| (group.len(), *cause));
    let mut left = limit;
    let mut chosen = Vec::with_capacity(limit);
    let count = groups.len();
    for (done, (_, group)) in groups.iter().enumerate() {
        let quota = (left / count.saturating_sub(done).max(1)).min(group.len());
        for i in 0..quota {
            chosen.extend(group.get(i * group.len() / quota.max(1)));
        }
        left = left.saturating_sub(quota);
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::fair_share;

    #[test]
    fn rare_causes_are_not_lost_among_frequent_ones() {
        // 1,000 of cause 0, ten of cause 1, one of cause 2.
        let items: Vec<(u32, u32)> = (0..1011)
            .map(|i| {
                (
                    i,
                    if i < 1000 {
                        0
                    } else {
                        1 + u32::from(i == 1010)
                    },
                )
            })
            .collect();
        let chosen = fair_share(&items, 50);
        assert_eq!(chosen.len(), 50);
        assert!(chosen.is_sorted());
        assert!(chosen.contains(&1010));
        assert_eq!(chosen.iter().filter(|i| **i >= 1000).count(), 11);
        // Over the whole day, not its first minutes.
        assert!(chosen.iter().any(|i| (900..1000).contains(i)));
        assert_eq!(fair_share(&items, 5000).len(), 1011);
    }
}
