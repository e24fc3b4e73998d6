//! Facts: what follows from an attempt's events, as typed columns. Order, timing and absence are worked out here.
//!
//! NULL means "could not be observed"; false, zero and empty text mean "observed, and it was not so". An absence is a fact
//! only where a source covers the terminal at the time.

mod card_data;
mod dialogue;
mod emv;
mod issuer_data;
mod kernel;
pub(super) mod list;
mod log;
mod message;
mod network;
mod sale;
mod settings;
mod steps;
mod storage;
mod view;

use list::{FACTS, Fact};

use super::model::{FactRow, Value};
use crate::correlate::Correlated;
use crate::event::Text;
use crate::plan::Plan;

#[cfg(test)]
pub(super) use dialogue::scheme_of;
pub(super) use sale::Sales;
pub(super) use sale::is_tap;
use view::{Alive, View};

/// A row of facts in the making.
#[derive(Debug)]
pub(super) struct Row {
    values: Vec<Option<Value>>,
    citations: Vec<(u16, Vec<u32>)>,
}

impl Row {
    /// All NULL.
    pub fn new() -> Self {
        Self {
            values: vec![None; FACTS.len()],
            citations: Vec::new(),
        }
    }

    /// A row that goes on where another ended.
    pub fn reopen(row: FactRow) -> Self {
        Self {
            values: row.values,
            citations: row.citations,
        }
    }

    /// Citations sorted by fact.
    pub fn finish(mut self) -> FactRow {
        self.citations.sort_by_key(|(fact, _)| *fact);
        FactRow {
            values: self.values,
            citations: self.citations,
        }
    }

    fn set(&mut self, fact: Fact, value: Value) {
        if let Some(slot) = self.values.get_mut(fact.index()) {
            *slot = Some(value);
        }
    }

    /// Events that made a fact.
    pub fn cite(&mut self, fact: Fact, events: &[u32]) {
        if events.is_empty() {
            return;
        }
        let mut events = events.to_vec();
        events.sort_unstable();
        events.dedup();
        events.truncate(8);
        self.citations.push((fact as u16, events));
    }

    /// Yes or no.
    pub fn bool(&mut self, fact: Fact, value: bool, events: &[u32]) {
        self.set(fact, Value::Bool(value));
        self.cite(fact, events);
    }

    /// True where an event shows it, false where something covers the attempt, else NULL.
    pub fn seen(&mut self, fact: Fact, events: &[u32], covered: bool) {
        if !events.is_empty() {
            self.bool(fact, true, events);
        } else if covered {
            self.bool(fact, false, &[]);
        }
    }

    /// A number.
    pub fn int(&mut self, fact: Fact, value: i64, events: &[u32]) {
        self.set(fact, Value::Int(value));
        self.cite(fact, events);
    }

    /// A ratio.
    pub fn float(&mut self, fact: Fact, value: f64) {
        self.set(fact, Value::Float(value));
    }

    /// A code or name.
    pub fn text(&mut self, fact: Fact, value: &str, events: &[u32]) {
        self.set(fact, Value::Text(Text::new(value)));
        self.cite(fact, events);
    }

    /// A code or name where an event shows it, empty where something covers the attempt, else NULL.
    pub fn text_or(&mut self, fact: Fact, value: Option<(&str, u32)>, covered: bool) {
        match value {
            Some((value, event)) => self.text(fact, value, &[event]),
            None if covered => self.text(fact, "", &[]),
            None => {}
        }
    }

    /// What a fact is so far.
    pub fn get(&self, fact: Fact) -> Option<&Value> {
        self.values.get(fact.index())?.as_ref()
    }

    /// A fact that is yes.
    pub fn is(&self, fact: Fact) -> bool {
        matches!(self.get(fact), Some(Value::Bool(true)))
    }
}

/// Reading access to a finished row, by name.
pub(super) trait Facts {
    /// What a fact is.
    fn fact(&self, fact: Fact) -> Option<&Value>;

    /// Yes.
    fn yes(&self, fact: Fact) -> bool {
        matches!(self.fact(fact), Some(Value::Bool(true)))
    }

    /// No (and not NULL).
    fn no(&self, fact: Fact) -> bool {
        matches!(self.fact(fact), Some(Value::Bool(false)))
    }

    /// Its text.
    fn str(&self, fact: Fact) -> Option<&str> {
        match self.fact(fact) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Its number.
    fn number(&self, fact: Fact) -> Option<i64> {
        match self.fact(fact) {
            Some(Value::Int(value)) => Some(*value),
            _ => None,
        }
    }
}

impl Facts for FactRow {
    fn fact(&self, fact: Fact) -> Option<&Value> {
        self.values.get(fact.index())?.as_ref()
    }
}

/// Things that are worked out once for all attempts.
pub(super) struct Context<'a> {
    /// All attempts.
    pub correlated: &'a Correlated,
    /// Settings.
    pub plan: &'a Plan,
    /// Attempts by sale and card.
    pub sales: Sales,
    /// Median connect or round trip time of all connections, microseconds.
    pub rtt_median: Option<i64>,
    /// When each source's last event is, aligned.
    pub ends: Vec<Option<i64>>,
    /// What logs told of limits.
    pub settings: settings::Settings,
}

impl<'a> Context<'a> {
    /// Reads all attempts once.
    pub fn new(correlated: &'a Correlated, plan: &'a Plan) -> Self {
        Self {
            correlated,
            plan,
            sales: Sales::new(correlated),
            rtt_median: network::rtt_median(correlated),
            ends: ends(correlated),
            settings: settings::Settings::new(correlated),
        }
    }
}

/// When each source's last event is, aligned.
fn ends(correlated: &Correlated) -> Vec<Option<i64>> {
    let mut ends = vec![None; correlated.sources.len()];
    for (head, at) in correlated.events.heads().iter().zip(&correlated.aligned) {
        if let Some(end) = ends.get_mut(head.source as usize) {
            *end = (*end).max(at.get());
        }
    }
    ends
}

/// The attempt ended in a failure.
pub(super) fn failed(correlated: &Correlated, index: usize) -> bool {
    let alive = Alive::new(correlated, index);
    view::failed(&View::new(correlated, index, &alive))
}

/// The facts of one attempt by itself and its sale; comparison with other attempts comes later.
pub(super) fn build(context: &Context<'_>, index: usize) -> FactRow {
    let mut row = Row::new();
    let alive = Alive::new(context.correlated, index);
    let mut view = View::new(context.correlated, index, &alive);
    let failed = view::failed(&view);
    view.amount = context.sales.amount(context.correlated, view.attempt);
    view.ends = &context.ends;
    row.bool(Fact::failed, failed, &[]);
    view.attempt_facts(context.plan, &mut row);
    let known = view.attempt.keys.terminal.as_deref();
    let known = known.and_then(|terminal| context.correlated.inventory.of(terminal));
    if let Some(limit) = known.and_then(|known| known.limit_minor) {
        row.int(Fact::limit_expected_minor, limit, &[]);
    }
    log::facts(&view, &mut row);
    dialogue::facts(&view, &mut row);
    steps::facts(&view, &mut row);
    emv::facts(&view, &mut row);
    card_data::facts(&view, context.plan, &mut row);
    kernel::facts(&view, &context.settings, &mut row);
    message::facts(&view, &mut row);
    network::facts(&view, context.rtt_median, &mut row);
    message::clock(&view, context, &mut row);
    sale::facts(context, index, &mut row);
    row.finish()
}

/// Column of the first signal fact.
#[cfg(test)]
pub(super) fn first_signal() -> usize {
    log::FIRST_SIGNAL.index()
}
