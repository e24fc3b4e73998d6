//! Finds the next good record of a damaged capture: a chain of plausible headers, each where the one before says.

use super::bytes::{size, u32_at};
use super::capture::Lengths;

/// How many records in a row make a position believable.
const CHAIN: usize = 4;
/// Seconds within which a capture stays together (31 days).
const SPAN: u32 = 31 * 86_400;

/// Layout of a classic capture.
pub(super) struct Style {
    pub(super) big: bool,
    pub(super) modified: bool,
    pub(super) nanos: bool,
    pub(super) order: Lengths,
    pub(super) near_seconds: Option<u32>,
    /// Largest packet that is believed.
    pub(super) most: u32,
}

/// Where the search ended.
pub(super) enum Found {
    /// A good record stands here.
    At(usize),
    /// None in the first so many bytes; go on from there.
    Nowhere(usize),
}

enum Verdict {
    Good,
    Bad,
    /// The chain runs past the bytes that are there.
    Unsure,
}

/// Searches a classic capture from `from` on. `sure` says that no more bytes will come, or that enough are there.
pub(super) fn classic(b: &[u8], from: usize, style: &Style, sure: bool) -> Found {
    search(b, from, 16, sure, |at| chain_classic(b, at, style))
}

/// Searches a pcapng section for the next block.
pub(super) fn block(b: &[u8], from: usize, big: bool, most: u32, sure: bool) -> Found {
    search(b, from, 12, sure, |at| chain_block(b, at, big, most))
}

fn search(
    b: &[u8],
    from: usize,
    least: usize,
    sure: bool,
    test: impl Fn(usize) -> (Verdict, usize),
) -> Found {
    let last = b.len().saturating_sub(least);
    for at in from..=last.max(from) {
        if at > last {
            break;
        }
        match test(at) {
            (Verdict::Good, _) => return Found::At(at),
            (Verdict::Unsure, seen) if sure => {
                if seen > 0 {
                    return Found::At(at);
                }
            }
            (Verdict::Unsure, _) => return Found::Nowhere(at),
            (Verdict::Bad, _) => {}
        }
    }
    Found::Nowhere(if sure {
        b.len().min((last + 1).max(from))
    } else {
        last.max(from).min(b.len())
    })
}

/// Follows the chain; also says how many whole records it held.
fn chain_classic(b: &[u8], start: usize, style: &Style) -> (Verdict, usize) {
    let header = if style.modified { 24 } else { 16 };
    let limit = if style.nanos {
        1_000_000_000
    } else {
        1_000_000
    };
    let mut at = start;
    let mut near = style.near_seconds;
    for seen in 0..CHAIN {
        if at == b.len() && seen > 0 {
            return (Verdict::Unsure, seen);
        }
        let (Some(seconds), Some(fraction), Some(first), Some(second)) = (
            u32_at(b, at, style.big),
            u32_at(b, at + 4, style.big),
            u32_at(b, at + 8, style.big),
            u32_at(b, at + 12, style.big),
        ) else {
            return (Verdict::Unsure, seen);
        };
        let (len, original) = style.order.sort(first, second);
        let near_enough = near.is_none_or(|n| n.abs_diff(seconds) <= SPAN);
        if !near_enough
            || seconds == 0
            || fraction >= limit
            || !(14..=style.most).contains(&len)
            || original < len
            || original > style.most
        {
            return (Verdict::Bad, 0);
        }
        near = Some(seconds);
        at = at.saturating_add(header).saturating_add(size(len));
        if at > b.len() {
            return (Verdict::Unsure, seen);
        }
    }
    (Verdict::Good, CHAIN)
}

fn chain_block(b: &[u8], start: usize, big: bool, most: u32) -> (Verdict, usize) {
    let mut at = start;
    for seen in 0..CHAIN {
        if at == b.len() && seen > 0 {
            return (Verdict::Unsure, seen);
        }
        let (Some(kind), Some(length)) = (u32_at(b, at, big), u32_at(b, at + 4, big)) else {
            return (Verdict::Unsure, seen);
        };
        let known = matches!(
            kind,
            1..=12 | 0x0A0D_0D0A | 0x0000_0BAD | 0x4000_0BAD | 0x8000_0001
        );
        if !known || length < 12 || length % 4 != 0 || length > most {
            return (Verdict::Bad, 0);
        }
        let end = at.saturating_add(size(length));
        if end > b.len() {
            return (Verdict::Unsure, seen);
        }
        if u32_at(b, end - 4, big) != Some(length) {
            return (Verdict::Bad, 0);
        }
        at = end;
    }
    (Verdict::Good, CHAIN)
}
