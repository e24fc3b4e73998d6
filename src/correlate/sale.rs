//! Groups attempts into sales: a second tap, see-phone, chip after a failed tap, duplicates.

use super::model::{Attempt, Outcome};
use crate::event::{Source, SourceKind, Text};

/// Attempts further apart than this are different sales (causes reference, section 1).
const SALE_WINDOW: i64 = 180_000_000;
/// A second approval of the same card and amount within this time is a duplicate of the first.
const DUPLICATE_WINDOW: i64 = 120_000_000;

/// Attempts of one sale at most: a test bench that taps one card all day makes no sale of thousands.
const LONGEST: usize = 64;

/// Gives attempts their `sale_id`, number and `sale_outcome`; `attempts` sorted by start.
pub(super) fn group(attempts: &mut [Attempt], sources: &[Source]) {
    // A trace of a laboratory holds cards that have nothing to do with each other.
    let log = |attempt: &Attempt| {
        let kind = |source: u32| sources.get(source as usize).and_then(|s| s.kind);
        attempt
            .teller
            .filter(|&source| kind(source) == Some(SourceKind::Log))
    };

    let mut order: Vec<usize> = (0..attempts.len()).collect();
    order.sort_by(|&a, &b| {
        let key = |i: usize| {
            (
                &attempts[i].keys.terminal,
                log(&attempts[i]),
                attempts[i].started_at,
                attempts[i].events.first(),
                &attempts[i].tx_id,
            )
        };
        key(a).cmp(&key(b))
    });
    let mut sale: Vec<usize> = Vec::new();
    for index in order {
        let same = sale.len() < LONGEST
            && sale.last().is_some_and(|&before| {
                let (before, index) = (&attempts[before], &attempts[index]);
                let known = before.keys.terminal.is_some() || log(before).is_some();
                known && log(before) == log(index) && continues(before, index)
            });
        if !same {
            close(attempts, &sale);
            sale.clear();
        }
        sale.push(index);
    }
    close(attempts, &sale);
}

fn continues(before: &Attempt, after: &Attempt) -> bool {
    if before.keys.terminal != after.keys.terminal {
        return false;
    }
    let (Some(end), Some(start)) = (before.ended_at, after.started_at) else {
        // Where nothing but the order is known: the next tap of the same amount, after one that asked for it.
        let amount = before.keys.amount_minor;
        return before.ended_at.is_none()
            && after.started_at.is_none()
            && before.outcome == Outcome::TryAgain
            && amount.is_some()
            && amount == after.keys.amount_minor;
    };
    if start - end > SALE_WINDOW {
        return false;
    }
    let amounts_agree = match (before.keys.amount_minor, after.keys.amount_minor) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    if !amounts_agree {
        return false;
    }
    if before.outcome == Outcome::Approved {
        let same_card = match (&before.keys.card, &after.keys.card) {
            (Some(a), Some(b)) => {
                a.masked == b.masked
                    && (a.token == b.token || a.token.is_none() || b.token.is_none())
            }
            _ => false,
        };
        return same_card && before.keys.amount_minor.is_some() && start - end <= DUPLICATE_WINDOW;
    }
    true
}

fn close(attempts: &mut [Attempt], sale: &[usize]) {
    let Some((&first, &last)) = sale.first().zip(sale.last()) else {
        return;
    };
    let sale_id: Text = attempts[first].tx_id.clone();
    let outcome = if sale
        .iter()
        .any(|&index| attempts[index].outcome == Outcome::Approved)
    {
        Outcome::Approved
    } else if sale
        .iter()
        .any(|&index| attempts[index].sale_outcome == Outcome::Reversed)
    {
        // `sale_outcome` carries each attempt's own reversal until here.
        Outcome::Reversed
    } else {
        attempts[last].outcome
    };
    for (number, &index) in sale.iter().enumerate() {
        attempts[index].sale_id.clone_from(&sale_id);
        attempts[index].number = u16::try_from(number + 1).unwrap_or(u16::MAX);
        attempts[index].sale_outcome = outcome;
    }
}
