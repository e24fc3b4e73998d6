//! Tells which captures are rotated files of one.

use std::collections::BTreeMap;

use crate::event::{Source, SourceKind};

/// Rotated files of one capture have one clock: each source's first of its set. Only what looks like a date or a running number
/// of five digits and more may differ between their names.
pub(super) fn capture_sets(sources: &[Source]) -> Vec<u32> {
    let mut first: BTreeMap<String, u32> = BTreeMap::new();
    sources
        .iter()
        .zip(0_u32..)
        .map(|(source, number)| {
            if source.kind != Some(SourceKind::Capture) {
                return number;
            }
            *first.entry(without_dates(&source.path)).or_insert(number)
        })
        .collect()
}

/// A path whose file name has lost its dates, and the short numbers right behind them.
pub(super) fn without_dates(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let mut out = format!("{folder}/");
    let mut dated = false;
    let mut rest = file;
    while let Some(c) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            dated &= matches!(c, '-' | '_' | 'T' | '.');
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        if digits >= 5 || dated {
            dated = true;
        } else {
            out.push_str(&rest[..digits]);
        }
        rest = &rest[digits..];
    }
    out
}
