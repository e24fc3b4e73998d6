//! Keys that join fragments, merged from their events: the first one wins.

use crate::event::{CardNumber, Keys, Text};

macro_rules! join_keys {
    ($($name:ident: $type:ty,)*) => {
        /// Of [`Keys`], those that join: there are as many as fragments.
        #[derive(Debug, Clone, Default)]
        pub(super) struct JoinKeys {
            $(pub $name: Option<$type>,)*
            pub card: Option<Box<CardNumber>>,
        }

        impl JoinKeys {
            /// Fills what is not there yet from an event.
            pub fn add(&mut self, from: &Keys) {
                $(fill(&mut self.$name, &from.$name);)*
                fill_card(&mut self.card, &from.card);
            }

            /// Fills what is not there yet from another fragment.
            pub fn merge(&mut self, from: &Self) {
                $(fill(&mut self.$name, &from.$name);)*
                fill_card(&mut self.card, &from.card);
            }
        }

        /// Fills what `into` does not have yet.
        pub(super) fn merge_keys(into: &mut Keys, from: &Keys) {
            $(fill(&mut into.$name, &from.$name);)*
            fill_card(&mut into.card, &from.card);
            fill(&mut into.auth_code, &from.auth_code);
            fill(&mut into.batch, &from.batch);
            fill(&mut into.unpredictable_number, &from.unpredictable_number);
            fill(&mut into.atc, &from.atc);
        }
    };
}

join_keys! {
    terminal: Text,
    merchant: Text,
    device: Text,
    stan: u32,
    rrn: Text,
    amount_minor: i64,
    currency: [u8; 3],
    cryptogram: u64,
    host: Text,
}

fn fill<T: Clone>(into: &mut Option<T>, from: &Option<T>) {
    if into.is_none() {
        into.clone_from(from);
    }
}

/// A whole number (with a token) tells more than one that the source had masked.
fn fill_card(into: &mut Option<Box<CardNumber>>, from: &Option<Box<CardNumber>>) {
    match (&*into, from) {
        (None, Some(card)) => *into = Some(card.clone()),
        (Some(old), Some(new)) if old.token.is_none() && new.token.is_some() => {
            *into = Some(new.clone());
        }
        _ => {}
    }
}
