//! Gives attempts what a log without payments, in the same folder, tells of the device at that moment.

use std::collections::BTreeMap;

use super::fragment::is_ambient;
use super::model::Attempt;
use crate::event::{Events, Moment, Source, SourceKind, What};

/// How long before an attempt, and behind it, something befell its device.
const NEAR: i64 = 10_000_000;

/// Lays the events of such logs into the nearest attempt of their folder, where its attempts are of one terminal.
pub(super) fn attach(
    attempts: &mut [Attempt],
    sources: &[Source],
    events: &Events,
    aligned: &[Moment],
    most: usize,
) {
    let heads = events.heads();
    let mut tells = vec![(false, false); sources.len()];
    for head in heads {
        let tell = &mut tells[head.source as usize];
        tell.0 = true;
        tell.1 |= !matches!(head.what, What::Log(signal) if is_ambient(signal));
    }
    let beside: Vec<&str> = sources
        .iter()
        .zip(&tells)
        .map(|(source, tell)| match tell {
            (true, false) if source.kind == Some(SourceKind::Log) => source.folder(),
            _ => NOWHERE,
        })
        .collect();
    if beside.iter().all(|folder| *folder == NOWHERE) {
        return;
    }
    // Attempts of each folder; none where they are of several terminals.
    let mut by_folder: BTreeMap<&str, Option<Vec<usize>>> = BTreeMap::new();
    let mut terminal_of: BTreeMap<&str, &str> = BTreeMap::new();
    for (number, attempt) in attempts.iter().enumerate() {
        let Some(first) = attempt.events.first() else {
            continue;
        };
        let folder = sources[heads[*first as usize].source as usize].folder();
        let list = by_folder.entry(folder).or_insert_with(|| Some(Vec::new()));
        if let Some(terminal) = attempt.keys.terminal.as_deref()
            && *terminal_of.entry(folder).or_insert(terminal) != terminal
        {
            *list = None;
        }
        if let Some(list) = list {
            list.push(number);
        }
    }
    let mut found: Vec<(usize, u32)> = Vec::new();
    for (index, head) in (0_u32..).zip(heads) {
        let folder = beside[head.source as usize];
        let (Some(Some(list)), Some(at)) = (by_folder.get(folder), aligned[index as usize].get())
        else {
            continue;
        };
        let nearest = list
            .iter()
            .filter_map(|&number| Some((distance(&attempts[number], at)?, number)))
            .min();
        if let Some((distance, number)) = nearest
            && distance <= NEAR
        {
            found.push((number, index));
        }
    }
    for (number, index) in found {
        let attempt = &mut attempts[number];
        if attempt.events.len() < most {
            attempt.events.push(index);
        }
    }
}

/// No folder's name.
const NOWHERE: &str = "\0";

/// How far outside of an attempt a moment lies.
fn distance(attempt: &Attempt, at: i64) -> Option<i64> {
    let (start, end) = (attempt.started_at?, attempt.ended_at?);
    Some((start - at).max(at - end).max(0))
}
