//! Facts out of the terminal's log: its signals, vendor codes and stated values.

use super::Row;
use super::list::Fact;
use super::list::fact_index;
use super::view::View;
use crate::attribute::model::Value;
use crate::event::Signal;

/// Result codes of vendors' kits and the causes that they point to.
const CODES: &str = include_str!("../../../rules/sdk_causes.tsv");

/// Column of the first signal; the others follow in the order of [`Signal::ALL`], which a test holds.
pub const FIRST_SIGNAL: Fact = Fact::log_note;

/// Signal facts, codes, values.
pub fn facts(view: &View<'_>, row: &mut Row) {
    let covered = view.has_log();
    for (offset, &signal) in Signal::ALL.iter().enumerate() {
        let column = FIRST_SIGNAL.index() + offset;
        debug_assert_eq!(
            fact_index(&format!("log_{}", signal.id())).unwrap_or(column),
            column
        );
        if covered && let Some(slot) = row.values.get_mut(column) {
            *slot = Some(Value::Bool(false));
        }
    }
    let mut cited: Vec<(u16, Vec<u32>)> = Vec::new();
    let mut read = false;
    for line in &view.logs {
        read |= matches!(
            line.what.signal,
            Signal::CardReadOk | Signal::OnlineRequest | Signal::RequestSent | Signal::Connecting
        );
        // A card that leaves after it was read was not taken away too early.
        if read && line.what.signal == Signal::CardRemoved {
            continue;
        }
        let column = FIRST_SIGNAL.index() + line.what.signal as usize;
        if let Some(slot) = row.values.get_mut(column) {
            *slot = Some(Value::Bool(true));
        }
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        match cited.iter_mut().find(|(fact, _)| *fact == column) {
            Some((_, events)) if events.len() < 8 => events.push(line.index),
            Some(_) => {}
            None => cited.push((column, vec![line.index])),
        }
    }
    row.citations.extend(cited);
    codes(view, row, covered);
    let failures = view.signal(Signal::ReaderInitFailed);
    if covered {
        let count = i64::try_from(failures.len()).unwrap_or(i64::MAX);
        row.int(Fact::reader_init_failures, count, &failures);
    }
    signal_strength(view, row);
    let limit = view.signals(&[Signal::LimitExceeded, Signal::UseChip]);
    if covered || view.has_dialogue() {
        let dark = view.exchanges.is_empty()
            && view.fields.is_empty()
            && view
                .signals(&[
                    Signal::PollingStart,
                    Signal::CardDetected,
                    Signal::CardReadOk,
                    Signal::PollTimeout,
                ])
                .is_empty();
        let hit = !limit.is_empty() && dark;
        row.bool(
            Fact::limit_prompt_before_field,
            hit,
            if hit { &limit } else { &[] },
        );
    }
}

fn codes(view: &View<'_>, row: &mut Row, covered: bool) {
    let mut last: Option<(String, u32)> = None;
    let mut causes: Vec<&str> = Vec::new();
    let mut cited = Vec::new();
    for line in &view.logs {
        let Some((family, code)) = &line.what.code else {
            continue;
        };
        let found = CODES.lines().skip(1).find_map(|line| {
            let mut parts = line.split('\t');
            (parts.next()? == *family && parts.next()? == code.as_str())
                .then(|| parts.next().unwrap_or(""))
        });
        match found {
            Some("") => {}
            Some(hints) => {
                last = Some((format!("{family} {code}"), line.index));
                cited.push(line.index);
                for hint in hints.split('|') {
                    if !causes.contains(&hint) {
                        causes.push(hint);
                    }
                }
            }
            None => last = last.or_else(|| Some((format!("{family} {code}"), line.index))),
        }
    }
    match &last {
        Some((code, event)) => row.text(Fact::sdk_code, code, &[*event]),
        None if covered => row.text(Fact::sdk_code, "", &[]),
        None => {}
    }
    if !causes.is_empty() {
        row.text(Fact::sdk_causes, &format!("|{}|", causes.join("|")), &cited);
    } else if covered {
        row.text(Fact::sdk_causes, "", &[]);
    }
}

fn signal_strength(view: &View<'_>, row: &mut Row) {
    let mut weakest: Option<(i64, u32)> = None;
    for line in &view.logs {
        for (name, value) in &line.what.values {
            let digits: String = value
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '-')
                .collect();
            if *name == "rssi_dbm"
                && let Ok(dbm) = digits.parse::<i64>()
                && dbm < 0
                && weakest.is_none_or(|(old, _)| dbm < old)
            {
                weakest = Some((dbm, line.index));
            }
        }
    }
    if let Some((dbm, event)) = weakest {
        row.int(Fact::rssi_dbm, dbm, &[event]);
        row.bool(Fact::signal_good, dbm > -70, &[event]);
    }
}
