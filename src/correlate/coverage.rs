//! Which kinds of evidence cover a terminal at a time: "nothing was seen" counts only where something would have been.

use std::collections::BTreeMap;

use super::identity::Identity;
use super::model::Covered;
use crate::event::{Events, Keys, Moment, Source, SourceKind, Text, What};

/// A log covers what lies this near to its own lines.
const LOG_MARGIN: i64 = 10 * 60_000_000;
/// A capture (or card trace) covers a terminal this long around what it saw of it.
const SEEN_MARGIN: i64 = 60 * 60_000_000;

/// Times at which each terminal was seen, by kind of evidence, in buckets of ten minutes.
pub(super) struct Index {
    log: BTreeMap<Text, Vec<i64>>,
    apdu: BTreeMap<Text, Vec<i64>>,
    capture: BTreeMap<Text, Vec<i64>>,
}

impl Index {
    pub fn new(
        sources: &[Source],
        events: &Events,
        aligned: &[Moment],
        identity: &Identity,
    ) -> Self {
        let mut index = Self {
            log: BTreeMap::new(),
            apdu: BTreeMap::new(),
            capture: BTreeMap::new(),
        };
        let devices: BTreeMap<&Text, &Text> = identity.devices().collect();
        for ((number, event), at) in (0_u32..).zip(events.heads()).zip(aligned) {
            let Some(at) = at.get() else { continue };
            let capture = sources[event.source as usize].kind == Some(SourceKind::Capture);
            let known = identity
                .terminal_of_source(event.source)
                .filter(|_| !capture);
            // Only what the source does not tell is worth unpacking.
            let keys = match known {
                Some(_) => Keys::default(),
                None => events.keys(number),
            };
            let named = keys.terminal.as_ref();
            let terminal = known.or(named).or_else(|| {
                let device = keys.device.as_ref().filter(|_| capture)?;
                Some(devices.get(device).copied().unwrap_or(device))
            });
            let Some(terminal) = terminal else { continue };
            let map = match event.what {
                _ if capture => &mut index.capture,
                What::Apdu(..) | What::Nfc(_) => {
                    mark(&mut index.apdu, terminal, at);
                    if sources[event.source as usize].kind == Some(SourceKind::Trace) {
                        continue;
                    }
                    &mut index.log
                }
                _ => &mut index.log,
            };
            mark(map, terminal, at);
        }
        for map in [&mut index.log, &mut index.apdu, &mut index.capture] {
            for times in map.values_mut() {
                times.sort_unstable();
                times.dedup();
            }
        }
        index
    }

    /// What covers a terminal at a time.
    pub fn of(&self, terminal: Option<&Text>, at: Option<i64>) -> Covered {
        let near = |map: &BTreeMap<Text, Vec<i64>>, margin: i64| {
            let Some(times) = terminal.and_then(|terminal| map.get(terminal)) else {
                return false;
            };
            let Some(at) = at else { return true };
            let from = times.partition_point(|&time| time < at - margin);
            times.get(from).is_some_and(|&time| time <= at + margin)
        };
        Covered {
            log: near(&self.log, LOG_MARGIN),
            apdu: near(&self.apdu, SEEN_MARGIN),
            capture: near(&self.capture, SEEN_MARGIN),
        }
    }
}

/// Ten-minute buckets keep this small: one number for each, at its middle.
fn mark(map: &mut BTreeMap<Text, Vec<i64>>, terminal: &Text, at: i64) {
    const BUCKET: i64 = 60_000_000;
    let at = at.div_euclid(BUCKET) * BUCKET + BUCKET / 2;
    if let Some(times) = map.get_mut(terminal) {
        if times.last() != Some(&at) {
            times.push(at);
        }
    } else {
        map.insert(terminal.clone(), vec![at]);
    }
}
