//! What the logs and traces of a small folder tell of payments: [`super::lone`] lays it beside a capture, [`super::fellow`] beside another
//! log.

use std::collections::BTreeMap;

use super::fragment::{Fragment, Shape};
use crate::event::{Source, SourceKind};

/// Tellers beyond which this is no small folder.
pub(super) const FEW: usize = 8;
/// Payments of one of them that are looked at.
pub(super) const PAYMENTS: usize = 64;
/// What a terminal takes from the cryptogram to its first packet.
const CRYPTOGRAM_TO_CONNECT: i64 = 350_000;

/// A payment as a log or trace tells of it, by its own clock.
pub(super) struct Told {
    pub first: i64,
    pub last: i64,
    /// When it went online.
    pub online: Option<i64>,
    /// It says so, where otherwise the cryptogram tells.
    pub said: bool,
    pub amount: Option<i64>,
}

/// The first payments of each source that is no capture.
pub(super) fn by_source(sources: &[Source], fragments: &[Fragment]) -> BTreeMap<u32, Vec<Told>> {
    let mut told: BTreeMap<u32, Vec<Told>> = BTreeMap::new();
    for fragment in fragments {
        let kind = sources[fragment.source as usize].kind;
        if fragment.shape != Shape::Stretch
            || !fragment.is_attempt
            || kind == Some(SourceKind::Capture)
        {
            continue;
        }
        let (Some(first), Some(last)) = (fragment.first.get(), fragment.last.get()) else {
            continue;
        };
        let list = told.entry(fragment.source).or_default();
        if list.len() < PAYMENTS {
            let generated = fragment
                .cryptogram_at
                .get()
                .map(|at| at + CRYPTOGRAM_TO_CONNECT);
            let said = fragment.connecting_at.get().or(fragment.request_at.get());
            list.push(Told {
                first,
                last,
                online: said.or(generated),
                said: said.is_some(),
                amount: fragment.keys.amount_minor,
            });
        }
    }
    told
}
