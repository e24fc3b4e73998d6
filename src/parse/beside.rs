//! Which files without payments stand beside one with payments, so that what befell the device (its kernel's log, its modem's) is worth
//! keeping: a reader that was unplugged is often told of nowhere else.

use std::collections::BTreeMap;

use super::Parsed;
use crate::event::{SourceKind, SourceStatus};

/// Files of a folder beyond which it is no collection about one device.
const FILES: usize = 16;
/// Bytes of a file that is read a second time.
const BYTES: u64 = 8 << 20;

/// Numbers of those that are to be read again: plain files of few, without an event, in a folder in which another has events.
#[must_use]
pub fn worth_reading_again(read: &[(usize, Vec<Parsed>)]) -> Vec<usize> {
    let mut folders: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for source in read.iter().flat_map(|(_, all)| all).map(|one| &one.source) {
        let folder = folders.entry(source.folder()).or_default();
        folder.0 += 1;
        folder.1 |= source.kind == Some(SourceKind::Log) && source.ledger.events > 0
            || source.kind == Some(SourceKind::Trace);
    }
    let worth = |one: &Parsed| {
        let source = &one.source;
        let (files, payments) = folders.get(source.folder()).copied().unwrap_or_default();
        let is_text = source.kind == Some(SourceKind::Log)
            || source.kind.is_none() && source.encoding.is_some();
        payments
            && files <= FILES
            && is_text
            && source.ledger.events == 0
            && (1..=BYTES).contains(&source.ledger.bytes)
            && !matches!(source.status, SourceStatus::Unreadable)
            && !source.path.contains('!')
            && source.path.as_str() != "-"
    };
    (0..)
        .zip(read)
        .filter(|(_, (_, all))| matches!(all.as_slice(), [one] if worth(one)))
        .map(|(at, _)| at)
        .collect()
}
