//! Turns candidate pairs with costs into the cheapest one-to-one matching that pairs as many as can be paired.
//!
//! What is matched stands on one time axis, so the best matching never crosses: an alignment by dynamic programming finds it.

use std::collections::BTreeMap;

/// Cells of an alignment table; larger knots of candidates are left to the greedy order.
const MOST_CELLS: usize = 1 << 18;

/// The pairs of the cheapest matching, by cost; `at` gives each item's time.
pub(super) fn cheapest(
    candidates: &[(i64, u32, u32)],
    at: impl Fn(u32) -> i64,
) -> Vec<(i64, u32, u32)> {
    let mut found = Vec::new();
    for knot in knots(candidates) {
        if let [only] = knot.as_slice() {
            found.push(*only);
        } else if let Some((left, right)) = sides(&knot, &at) {
            align(&knot, &left, &right, &mut found);
        }
    }
    found.sort_unstable();
    found
}

/// Candidates that share items, each set by itself.
fn knots(candidates: &[(i64, u32, u32)]) -> Vec<Vec<(i64, u32, u32)>> {
    let mut parent: BTreeMap<u32, u32> = BTreeMap::new();
    fn root(parent: &mut BTreeMap<u32, u32>, of: u32) -> u32 {
        let mut at = of;
        loop {
            let up = *parent.entry(at).or_insert(at);
            if up == at {
                return at;
            }
            let grand = *parent.entry(up).or_insert(up);
            parent.insert(at, grand);
            at = grand;
        }
    }
    for &(_, a, b) in candidates {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        parent.insert(a.max(b), a.min(b));
    }
    let mut by: BTreeMap<u32, Vec<(i64, u32, u32)>> = BTreeMap::new();
    for &candidate in candidates {
        by.entry(root(&mut parent, candidate.1))
            .or_default()
            .push(candidate);
    }
    by.into_values().collect()
}

/// The two sides of a knot, each in time order; `None` where three kinds are tangled.
fn sides(knot: &[(i64, u32, u32)], at: &impl Fn(u32) -> i64) -> Option<(Vec<u32>, Vec<u32>)> {
    let mut next: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for &(_, a, b) in knot {
        next.entry(a).or_default().push(b);
        next.entry(b).or_default().push(a);
    }
    let mut side: BTreeMap<u32, bool> = BTreeMap::new();
    let start = *next.keys().next()?;
    side.insert(start, false);
    let mut todo = vec![start];
    while let Some(item) = todo.pop() {
        let mine = side.get(&item).copied()?;
        for &other in next.get(&item).map_or(&[][..], Vec::as_slice) {
            match side.get(&other) {
                None => {
                    side.insert(other, !mine);
                    todo.push(other);
                }
                Some(theirs) if *theirs == mine => return None,
                Some(_) => {}
            }
        }
    }
    let of = |wanted: bool| {
        let mut items: Vec<u32> = side
            .iter()
            .filter(|(_, s)| **s == wanted)
            .map(|(item, _)| *item)
            .collect();
        items.sort_by_key(|&item| (at(item), item));
        items
    };
    let (left, right) = (of(false), of(true));
    ((left.len() + 1) * (right.len() + 1) <= MOST_CELLS).then_some((left, right))
}

fn align(knot: &[(i64, u32, u32)], left: &[u32], right: &[u32], found: &mut Vec<(i64, u32, u32)>) {
    let place = |of: &[u32]| -> BTreeMap<u32, usize> { of.iter().copied().zip(0..).collect() };
    let (in_left, in_right) = (place(left), place(right));
    let width = right.len() + 1;
    let mut cost: Vec<Option<(i64, u32, u32)>> = vec![None; left.len() * right.len()];
    let mut skip = 1;
    for &candidate in knot {
        let (c, a, b) = candidate;
        skip = skip.max(c + 1);
        let cell = match (in_left.get(&a), in_right.get(&b)) {
            (Some(l), Some(r)) => l * right.len() + r,
            _ => match (in_left.get(&b), in_right.get(&a)) {
                (Some(l), Some(r)) => l * right.len() + r,
                _ => continue,
            },
        };
        if let Some(slot) = cost.get_mut(cell)
            && slot.is_none_or(|(old, ..)| c < old)
        {
            *slot = Some(candidate);
        }
    }
    // Leaving two items unmatched costs more than matching them ever does.
    let mut best = vec![0_i64; (left.len() + 1) * width];
    let mut from = vec![0_u8; best.len()];
    for l in 0..=left.len() {
        for r in 0..=right.len() {
            if l == 0 && r == 0 {
                continue;
            }
            let mut choice = (i64::MAX, 0);
            if l > 0 {
                choice = choice.min((best[(l - 1) * width + r] + skip, 1));
            }
            if r > 0 {
                choice = choice.min((best[l * width + r - 1] + skip, 2));
            }
            if l > 0
                && r > 0
                && let Some((c, ..)) = cost[(l - 1) * right.len() + r - 1]
            {
                choice = choice.min((best[(l - 1) * width + r - 1] + c, 0));
            }
            best[l * width + r] = choice.0;
            from[l * width + r] = choice.1;
        }
    }
    let (mut l, mut r) = (left.len(), right.len());
    while l > 0 || r > 0 {
        match from[l * width + r] {
            1 => l -= 1,
            2 => r -= 1,
            _ => {
                found.extend(cost[(l - 1) * right.len() + r - 1]);
                l -= 1;
                r -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_pair_may_have_to_give_way() {
        // Greedy takes 2-10 (cost 1) and leaves 1 with nothing: together 1-10 and 2-11 pair everyone.
        let candidates = [(5, 1, 10), (1, 2, 10), (6, 2, 11)];
        let at = |item: u32| i64::from(item % 10);
        assert_eq!(cheapest(&candidates, at), [(5, 1, 10), (6, 2, 11)]);
    }

    #[test]
    fn a_canteen_is_paired_in_order() {
        let mut candidates = Vec::new();
        let at = |item: u32| i64::from(item % 100) * 10 + i64::from(item / 100) * 4;
        for a in 0..20_u32 {
            for b in 100..120_u32 {
                candidates.push(((at(a) - at(b)).abs(), a, b));
            }
        }
        let found = cheapest(&candidates, at);
        assert_eq!(found.len(), 20);
        assert!(found.iter().all(|(cost, a, b)| *cost == 4 && a + 100 == *b));
    }
}
