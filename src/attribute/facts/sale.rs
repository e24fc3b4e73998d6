//! Facts out of the other attempts of the same sale and card: retries, chip afterwards, duplicates.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::dialogue::is_random;
use super::list::Fact;
use super::{Context, Row};
use crate::correlate::{Attempt, Correlated, Interface, Outcome, Stage};
use crate::event::{CommandKind, Payload, Signal, Text, What};

/// Attempts by sale and by card.
pub struct Sales {
    /// Attempts of each sale, by start. Looked up, never walked.
    by_sale: HashMap<Text, Vec<u32>>,
    /// Attempts of each card, by start. Looked up, never walked.
    by_card: HashMap<u128, Vec<u32>>,
    /// Attempts of each source whose terminal is not known, in the order of their events: a trace of a reader.
    by_trace: BTreeMap<u32, Vec<u32>>,
}

const SECOND: i64 = 1_000_000;
/// Attempts with the same card that are looked at before and after one: keeps the work linear.
const NEIGHBOURS: usize = 256;
/// Taps of a trace that are looked at before and after one, where no terminal tells which belong together.
const NEAR_TAPS: usize = 1;

fn first_event(correlated: &Correlated, index: u32) -> Option<u32> {
    let attempt = correlated.attempts.get(index as usize)?;
    attempt.events.first().copied()
}

/// The source of a tap whose terminal is not known.
fn trace_of(correlated: &Correlated, attempt: &Attempt) -> Option<u32> {
    if attempt.keys.terminal.is_some() {
        return None;
    }
    let head = correlated.events.head(*attempt.events.first()?);
    matches!(head.what, What::Apdu(..) | What::Nfc(..)).then_some(head.source)
}

impl Sales {
    /// Reads all attempts once.
    pub fn new(correlated: &Correlated) -> Self {
        let mut sales = Self {
            by_sale: HashMap::default(),
            by_card: HashMap::default(),
            by_trace: BTreeMap::new(),
        };
        for (index, attempt) in (0u32..).zip(&correlated.attempts) {
            if !attempt.sale_id.is_empty() {
                sales
                    .by_sale
                    .entry(attempt.sale_id.clone())
                    .or_default()
                    .push(index);
            }
            if let Some(token) = attempt.keys.card.as_ref().and_then(|card| card.token) {
                sales.by_card.entry(token).or_default().push(index);
            }
            if let Some(source) = trace_of(correlated, attempt) {
                sales.by_trace.entry(source).or_default().push(index);
            }
        }
        for list in sales.by_trace.values_mut() {
            list.sort_by_key(|&index| first_event(correlated, index));
        }
        sales
    }

    /// The attempts that may be taps of one sale with this one, in their order: its sale, or what its trace holds beside it.
    fn taps(&self, correlated: &Correlated, attempt: &Attempt) -> Vec<u32> {
        if let Some(source) = trace_of(correlated, attempt)
            && let Some(list) = self.by_trace.get(&source)
            && let Ok(own) = list.binary_search_by_key(&attempt.events.first().copied(), |&other| {
                first_event(correlated, other)
            })
        {
            let from = own.saturating_sub(NEAR_TAPS);
            return list
                .iter()
                .copied()
                .skip(from)
                .take(2 * NEAR_TAPS + 1)
                .collect();
        }
        self.of(&attempt.sale_id).to_vec()
    }

    /// Attempts of a sale.
    pub fn of(&self, sale: &Text) -> &[u32] {
        self.by_sale.get(sale).map_or(&[], Vec::as_slice)
    }

    /// The amount of an attempt: its own, else the one that another attempt of the sale shows.
    pub fn amount(&self, correlated: &Correlated, attempt: &Attempt) -> Option<i64> {
        attempt.keys.amount_minor.or_else(|| {
            self.of(&attempt.sale_id)
                .iter()
                .find_map(|&index| correlated.attempts.get(index as usize)?.keys.amount_minor)
        })
    }

    /// The card of an attempt: its own, else the one that another attempt of the sale shows.
    pub fn card(&self, correlated: &Correlated, attempt: &Attempt) -> Option<u128> {
        let own = |attempt: &Attempt| attempt.keys.card.as_ref()?.token;
        // A card that never answered is known only by the chip that follows; one that answered and was refused is often
        // put away for another.
        own(attempt).or_else(|| {
            if attempt.stage > Stage::Activated {
                return None;
            }
            self.of(&attempt.sale_id).iter().find_map(|&index| {
                let other = correlated.attempts.get(index as usize)?;
                (other.interface == Interface::Contact)
                    .then(|| own(other))
                    .flatten()
            })
        })
    }
}

/// Presented without contact.
pub fn is_tap(attempt: &Attempt) -> bool {
    matches!(
        attempt.interface,
        Interface::Contactless | Interface::Unknown
    )
}

/// Sale facts.
pub fn facts(context: &Context<'_>, index: usize, row: &mut Row) {
    let correlated = context.correlated;
    let Some(attempt) = correlated.attempts.get(index) else {
        return;
    };
    let sale = context.sales.of(&attempt.sale_id);
    if sale.is_empty() {
        return;
    }
    let others = |later: bool| {
        sale.iter().filter_map(move |&other| {
            let found = correlated.attempts.get(other as usize)?;
            let is_later = (found.number, other) > (attempt.number, index as u32);
            (other as usize != index && is_later == later).then_some(found)
        })
    };
    let cite = |attempt: &Attempt| attempt.events.last().copied();
    let within = |other: &Attempt, seconds: i64| matches!((attempt.ended_at.or(attempt.started_at), other.started_at), (Some(end), Some(start)) if start - end <= seconds * SECOND);
    row.int(
        Fact::sale_attempts,
        i64::try_from(sale.len()).unwrap_or(i64::MAX),
        &[],
    );
    let own_tap = is_tap(attempt) || row.is(Fact::is_tap);
    let mut put = |fact: Fact, found: Option<&Attempt>| {
        let cited: Vec<u32> = found.and_then(cite).into_iter().collect();
        row.bool(fact, found.is_some(), &cited);
    };
    let chip = |other: &Attempt| other.interface == Interface::Contact;
    put(
        Fact::retry_ok,
        others(true).find(|other| {
            is_tap(other)
                && within(other, 60)
                && (other.outcome == Outcome::Approved
                    || (other.stage > attempt.stage && other.stage >= Stage::Gpo))
        }),
    );
    put(
        Fact::retry_approved,
        others(true)
            .find(|other| is_tap(other) && within(other, 60) && other.outcome == Outcome::Approved),
    );
    put(
        Fact::retry_phone,
        others(true).find(|other| {
            is_tap(other)
                && within(other, 60)
                && other.outcome == Outcome::Approved
                && is_phone(correlated, other)
        }),
    );
    put(
        Fact::contact_ok_after,
        others(true).find(|other| {
            chip(other)
                && (other.outcome == Outcome::Approved
                    || (other.stage >= Stage::Selected
                        && !has_signal(correlated, other, Signal::ContactReadFailed)))
        }),
    );
    put(
        Fact::contact_approved_after,
        others(true).find(|other| chip(other) && other.outcome == Outcome::Approved),
    );
    put(
        Fact::contact_failed_after,
        std::iter::once(attempt)
            .filter(|_| own_tap)
            .chain(others(true))
            .find(|other| has_signal(correlated, other, Signal::ContactReadFailed)),
    );
    put(
        Fact::other_interface_after,
        others(true)
            .find(|other| !matches!(other.interface, Interface::Contactless | Interface::Unknown)),
    );
    put(
        Fact::earlier_tap_failed,
        others(false).find(|other| is_tap(other) && other.outcome != Outcome::Approved),
    );
    put(
        Fact::earlier_tap_mute,
        others(false).find(|other| {
            is_tap(other) && other.stage <= Stage::Polling && other.outcome == Outcome::TimedOut
        }),
    );
    put(
        Fact::earlier_answer_lost,
        others(false).find(|other| {
            other.stage >= Stage::OnlineRequest
                && matches!(other.outcome, Outcome::TimedOut | Outcome::Reversed)
        }),
    );
    put(
        Fact::retap_of_lost,
        others(false).find(|other| {
            other.stage < Stage::Outcome
                && (other.outcome == Outcome::TryAgain
                    || has_signal(correlated, other, Signal::CardRemoved))
        }),
    );
    put(
        Fact::duplicate_of_approved,
        others(false).find(|other| {
            other.outcome == Outcome::Approved
                && other.keys.amount_minor == attempt.keys.amount_minor
                && attempt.keys.amount_minor.is_some()
                && matches!((other.ended_at, attempt.started_at), (Some(end), Some(start)) if start - end <= 120 * SECOND)
        }),
    );
    put(
        Fact::pin_retry_approved,
        others(true).find(|other| {
            other.outcome == Outcome::Approved && (chip(other) || sent_pin(correlated, other))
        }),
    );
    taps(
        correlated,
        index,
        &context.sales.taps(correlated, attempt),
        row,
    );
    smaller(context, index, attempt, row);
}

/// The taps of a sale against each other: the same card again, how soon, and the second tap after the device asked its holder.
fn taps(correlated: &Correlated, index: usize, near: &[u32], row: &mut Row) {
    let Some(attempt) = correlated.attempts.get(index) else {
        return;
    };
    let Some(own) = near.iter().position(|&other| other as usize == index) else {
        return;
    };
    let of = |later: bool| {
        let (before, after) = near.split_at(own);
        let list = if later { after } else { before };
        list.iter()
            .filter(move |&&other| other as usize != index)
            .filter_map(|&other| correlated.attempts.get(other as usize))
            .filter(|other| is_tap(other))
    };
    let cite = |attempt: &Attempt| attempt.events.first().copied();
    for (fact, later) in [
        (Fact::same_card_before, false),
        (Fact::same_card_after, true),
    ] {
        let mut told = None;
        for other in of(later) {
            match same_card(correlated, attempt, other) {
                Some(true) => {
                    told = Some((true, cite(other)));
                    break;
                }
                Some(false) => told = told.or(Some((false, None))),
                None => {}
            }
        }
        if let Some((same, cited)) = told {
            let cited: Vec<u32> = cited.into_iter().collect();
            row.bool(fact, same, &cited);
        }
    }
    let next = of(true).next();
    if let Some(next) = next
        && let (Some(end), Some(start)) = (attempt.ended_at.or(attempt.started_at), next.started_at)
    {
        let cited: Vec<u32> = cite(next).into_iter().collect();
        row.int(Fact::retap_ms, (start - end) / 1_000, &cited);
    }
    let asked: Vec<u32> = of(false)
        .filter_map(|other| asks_holder(correlated, other))
        .collect();
    row.bool(Fact::see_phone_before, !asked.is_empty(), &asked);
    if asks_holder(correlated, attempt).is_some() {
        let cited: Vec<u32> = next.and_then(cite).into_iter().collect();
        row.bool(Fact::see_phone_retap, next.is_some(), &cited);
    }
}

/// The same card by its number, else by its identifier on the air, where that is a fixed one. `None` where nothing tells.
fn same_card(correlated: &Correlated, a: &Attempt, b: &Attempt) -> Option<bool> {
    let number = |attempt: &Attempt| attempt.keys.card.as_ref()?.token;
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return Some(a == b);
    }
    let identifier = |attempt: &Attempt| {
        attempt
            .events
            .iter()
            .filter(|&&event| matches!(correlated.events.head(event).what, What::Nfc(..)))
            .find_map(|&event| match correlated.events.get(event).payload {
                Payload::Nfc(field) => field.uid.clone(),
                _ => None,
            })
    };
    let (a, b) = (identifier(a)?, identifier(b)?);
    // A random one is another at each tap.
    if is_random(&a) && is_random(&b) {
        return None;
    }
    Some(a == b)
}

/// The event by which a device asks its holder to act: 6986 to GET PROCESSING OPTIONS, or its interaction information (DF4B).
fn asks_holder(correlated: &Correlated, attempt: &Attempt) -> Option<u32> {
    attempt.events.iter().copied().find(|&event| {
        use CommandKind::{GenerateAc, GetProcessingOptions};
        let What::Apdu(GetProcessingOptions | GenerateAc, _) = correlated.events.head(event).what
        else {
            return false;
        };
        let Payload::Apdu(exchange) = correlated.events.get(event).payload else {
            return false;
        };
        let refused =
            exchange.command == CommandKind::GetProcessingOptions && exchange.sw == Some(0x6986);
        refused
            || exchange
                .bytes(0xDF4B)
                .is_some_and(super::card_data::asks_holder)
    })
}

fn has_signal(correlated: &Correlated, attempt: &Attempt, signal: Signal) -> bool {
    attempt
        .events
        .iter()
        .any(|&event| correlated.events.head(event).what == What::Log(signal))
}

/// A random UID, a token requestor (9F19), or verification done on the device (CTQ byte 2, bit 8).
fn is_phone(correlated: &Correlated, attempt: &Attempt) -> bool {
    let tags = |tags: &[crate::event::Tag]| {
        use super::view::bytes_of;
        bytes_of(tags, 0x9F19, None).is_some()
            || bytes_of(tags, 0x9F6C, None)
                .and_then(|ctq| ctq.get(1))
                .is_some_and(|byte| byte & 0x80 != 0)
    };
    attempt
        .events
        .iter()
        .any(|&event| match &correlated.events.get(event).payload {
            Payload::Nfc(field) => field.phone_hint || field.uid.as_deref().is_some_and(is_random),
            Payload::Apdu(exchange) => tags(&exchange.tags),
            Payload::Iso8583(message) => tags(&message.tags),
            Payload::Log(line) => line
                .values
                .iter()
                .any(|(name, value)| *name == "uid" && is_random(value)),
            _ => false,
        })
}

fn sent_pin(correlated: &Correlated, attempt: &Attempt) -> bool {
    attempt.events.iter().any(|&event| {
        matches!(correlated.events.head(event).what, What::Iso8583(_))
            && matches!(
                &correlated.events.get(event).payload,
                Payload::Iso8583(message) if message.pin_present
            )
    })
}

fn smaller(context: &Context<'_>, index: usize, attempt: &Attempt, row: &mut Row) {
    let Some(token) = context.sales.card(context.correlated, attempt) else {
        return;
    };
    let (Some(amount), Some(at)) = (attempt.keys.amount_minor, attempt.started_at) else {
        return;
    };
    // By start: the hour around, and of a card that is tapped all day long only the neighbours.
    let list = context.sales.by_card.get(&token).map_or(&[][..], |v| v);
    let own = list.partition_point(|&other| (other as usize) < index);
    let near = own.saturating_sub(NEIGHBOURS)..list.len().min(own + NEIGHBOURS);
    let found = list[near]
        .iter()
        .filter(|&&other| other as usize != index)
        .filter_map(|&other| context.correlated.attempts.get(other as usize))
        .find(|other| {
            other.outcome == Outcome::Approved
                && other.keys.amount_minor.is_some_and(|small| small < amount)
                && other
                    .started_at
                    .is_some_and(|start| (start - at).abs() <= 3_600 * SECOND)
        });
    let cited: Vec<u32> = found
        .and_then(|other| other.events.last().copied())
        .into_iter()
        .collect();
    row.bool(Fact::smaller_amount_approved, found.is_some(), &cited);
}
