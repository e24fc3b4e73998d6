//! Merges the keys of events of one attempt: the first one wins.

use crate::event::Keys;

/// Fills what `into` does not have yet.
pub(super) fn merge_keys(into: &mut Keys, from: &Keys) {
    fn fill<T: Clone>(into: &mut Option<T>, from: &Option<T>) {
        if into.is_none() {
            into.clone_from(from);
        }
    }
    fill(&mut into.terminal, &from.terminal);
    fill(&mut into.merchant, &from.merchant);
    fill(&mut into.device, &from.device);
    fill(&mut into.stan, &from.stan);
    fill(&mut into.rrn, &from.rrn);
    fill(&mut into.auth_code, &from.auth_code);
    fill(&mut into.batch, &from.batch);
    fill(&mut into.amount_minor, &from.amount_minor);
    fill(&mut into.currency, &from.currency);
    fill(&mut into.cryptogram, &from.cryptogram);
    fill(&mut into.unpredictable_number, &from.unpredictable_number);
    fill(&mut into.atc, &from.atc);
    fill(&mut into.host, &from.host);
    match (&into.card, &from.card) {
        (None, Some(card)) => into.card = Some(card.clone()),
        // A whole number (with a token) tells more than one that the source had masked.
        (Some(old), Some(new)) if old.token.is_none() && new.token.is_some() => {
            into.card = Some(new.clone())
        }
        _ => {}
    }
}
