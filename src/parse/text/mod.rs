//! Turns a text source, whatever its container, into masked events: anchors first, heads and contents only for lines that hold one.
//!
//! Blocks are cut at record borders and read in parallel, in bounded batches; one sequential pass joins what they gave.

mod anchors;
mod damage;
mod gather;
mod iso;
mod keys;
mod line;
mod merge;
mod nexo;
mod scan;
mod shape;
mod snoop;
mod span;
mod worth;
mod zvt;

use std::cell::OnceCell;
use std::io::Read;

use rayon::prelude::*;
use tapscope_parsers::container::{self, LogFormat};

use crate::decode::blocks::{BLOCK_BYTES, Block, Blocks};
use crate::event::{
    Event, Events, Issue, Ledger, Payload, Place, Source, SourceKind, SourceStatus, Text,
};
use crate::parse::clock::{Jump, SourceClock, settle_jumps};
use crate::parse::dialogue::CardFaults;
use crate::parse::{Context, Parsed};
use damage::Issues;
use merge::{Made, Merge};
use shape::Shape;

pub(in crate::parse) use shape::written;
pub(in crate::parse) use zvt::file as zvt_file;

/// Blocks that are read before they are processed: bounds memory, and results do not depend on it.
const BATCH: usize = 4;
/// Bytes of the head, middle and tail of the first block that tell the format.
const SAMPLE: usize = 64 << 10;

/// ISO 4217 letters of a currency's number.
pub(crate) fn currency_letters(number: i64) -> Option<[u8; 3]> {
    keys::currency(number.to_string().as_bytes())
}

/// What is known before a file is read.
#[derive(Debug, Default)]
pub struct Carry {
    /// Where the clock of the file before it in a rotated set stood.
    clock: Option<SourceClock>,
    /// Payments are told of beside it, not in it: what befell the device is kept all the same.
    beside: bool,
}

impl Carry {
    /// For a file without payments beside one with payments.
    #[must_use]
    pub fn beside() -> Self {
        Self {
            beside: true,
            ..Self::default()
        }
    }
}

/// Reads a text source to its end.
pub fn run(reader: &mut dyn Read, ctx: &Context<'_>) -> Parsed {
    run_after(reader, ctx, &mut Carry::default())
}

/// As [`run`], for a file that goes on where another ended.
pub fn run_after(reader: &mut dyn Read, ctx: &Context<'_>, carry: &mut Carry) -> Parsed {
    let mut parsed = Parsed {
        source: source(ctx),
        events: Events::default(),
        issues: Vec::new(),
    };
    let Some(scanner) = scan::scanner(&ctx.plan.own_wording) else {
        parsed.source.status = SourceStatus::Unreadable;
        return parsed;
    };
    let mut blocks = Blocks::new(reader, BLOCK_BYTES, ctx.plan.limits.line_bytes);
    let mut ledger = Ledger::default();
    let mut issues = Issues::default();
    let chosen: OnceCell<&'static LogFormat> = OnceCell::new();
    let split = |bytes: &[u8]| {
        let format = chosen.get_or_init(|| choose(bytes, ctx));
        span::whole_messages(bytes, container::split_point(format, bytes))
    };
    let first = blocks.next_block(&split);
    let sample = first.as_ref().map_or(&[][..], |block| &block.bytes);
    let format = (!sample.is_empty()).then(|| *chosen.get_or_init(|| choose(sample, ctx)));
    let scanned = format.unwrap_or_else(container::plain);
    let shape = Shape::new(scanned, sample, &|text| scanner.anchors.is_telling(text));
    let clock = SourceClock::new(ctx.plan, ctx.path, scanned, sample);
    let mut merge = Merge::new(ctx, clock.after(carry.clock.take()));
    let mut waiting = first;
    let beside = carry.beside;
    let card_faults = CardFaults::default();
    let spare = scan::Spare::default();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            let Some(block) = waiting.take().or_else(|| blocks.next_block(&split)) else {
                break;
            };
            batch.push(block);
        }
        if batch.is_empty() {
            break;
        }
        let results: Vec<(scan::Block, u64)> = batch
            .par_iter()
            .map(|block| {
                let records = container::count(scanned, &block.bytes).0;
                let first = block.index == 0;
                (
                    scan::block(scanner, &shape, &block.bytes, first, beside, ctx, &spare),
                    records,
                )
            })
            .collect();
        for (block, (mut result, records)) in batch.into_iter().zip(results) {
            ledger.records += records;
            let bytes = block.bytes.len() as u64 + block.left_out();
            ledger.bytes += bytes;
            ledger.not_understood += block.left_out();
            damaged(&block, &result, &mut ledger, &mut issues, ctx);
            (ctx.progress)(bytes);
            merge.block(&mut result);
            spare.give_back(result.items);
            blocks.recycle(block.bytes);
        }
        decode(&mut merge, &mut parsed.events, &card_faults, ctx);
    }
    merge.finish();
    decode(&mut merge, &mut parsed.events, &card_faults, ctx);
    parsed.events = parsed.events.sorted_by_place();
    let jumps = settle_jumps(&mut parsed.events);
    for (line, text) in std::mem::take(&mut merge.damaged) {
        ledger.damaged_records += 1;
        issues.push(ctx.source, Place::Line(line), "message_damaged", text);
    }
    parsed.issues = issues.finish(ctx.source);
    if let Some(error) = blocks.take_error() {
        parsed.issues.push(Issue {
            source: ctx.source,
            place: Place::Whole,
            code: "read_failed",
            count: 1,
            text: ctx
                .edge
                .text(&format!("after {} bytes: {error}", ledger.bytes)),
        });
    }
    if let Some(worst) = parsed.issues.first() {
        parsed.source.status = SourceStatus::Damaged;
        let place = match worst.place {
            Place::Line(line) => format!(":{line}"),
            _ => String::new(),
        };
        parsed.source.first_damage =
            Some(Text::from(format!("{}{place}: {}", ctx.path, worst.text)));
    }
    parsed.issues.extend(told_jumps(&jumps, ctx));
    if merge.order_is_open() {
        parsed.issues.push(Issue {
            source: ctx.source,
            place: Place::Whole,
            code: "date_order_open",
            count: 1,
            text: Text::const_new(
                "day and month could be the other way round, and no date of the file decides",
            ),
        });
    }
    parsed
        .issues
        .extend(card_faults.tell(Place::Line, ctx.source));
    close(&mut parsed, ledger, format, &merge, ctx);
    carry.clock = Some(merge.into_clock());
    parsed
}

/// Steps of the clock, as issues: the first ones in full.
fn told_jumps(jumps: &[Jump], ctx: &Context<'_>) -> Vec<Issue> {
    let mut issues = Issues::default();
    for jump in jumps {
        let seconds = jump.micros / 1_000_000;
        let text = if jump.mended {
            format!(
                "the clock was set here, {seconds} s forward; what was written before is moved next to it"
            )
        } else {
            format!("the clock was put back by {} s", -seconds)
        };
        issues.push(ctx.source, jump.place, "clock_jump", Text::from(text));
    }
    issues.finish(ctx.source)
}

/// Counts and names what is damaged in a block.
fn damaged(
    block: &Block,
    result: &scan::Block,
    ledger: &mut Ledger,
    issues: &mut Issues,
    ctx: &Context<'_>,
) {
    let at = |line: u64| Place::Line(u32::try_from(line).unwrap_or(u32::MAX));
    let mut last = None;
    for (line, bytes) in &block.cut_lines {
        last = Some(*line);
        ledger.damaged_records += 1;
        let text = Text::from(format!("{bytes} bytes of the line are left out"));
        issues.push(ctx.source, at(*line), "line_too_long", text);
    }
    for one in &result.damage {
        let line = block.line + u64::from(one.line);
        if last != Some(line) {
            ledger.damaged_records += 1;
        }
        last = Some(line);
        if one.code == "line_too_long" {
            ledger.not_understood += one.bytes;
        }
        issues.push(ctx.source, at(line), one.code, Text::from(one.text()));
    }
}

/// Decodes and masks in parallel, keeping the order.
fn decode(merge: &mut Merge<'_>, events: &mut Events, faults: &CardFaults, ctx: &Context<'_>) {
    let make = |made| match made {
        Made::Event(event) => event,
        Made::Exchange(draft) => {
            let (exchange, keys) = draft.decode(ctx.edge);
            faults.note(draft.start.place, &exchange.faults);
            Event {
                source: ctx.source,
                place: Place::Line(draft.start.place),
                at: draft.start.at,
                lane: draft.lane,
                keys,
                payload: Payload::Apdu(Box::new(exchange)),
            }
        }
    };
    events.drain_from(&mut merge.made, make, ctx.spill);
}

fn source(ctx: &Context<'_>) -> Source {
    Source {
        path: Text::new(ctx.path),
        blake3: [0; 32],
        sha256: None,
        kind: None,
        format: None,
        encoding: None,
        status: SourceStatus::Ok,
        ledger: Ledger::default(),
        first_damage: None,
        device: None,
        year_said: None,
    }
}

/// Fills in what is known at the end: ledger, kind, device.
fn close(
    parsed: &mut Parsed,
    mut ledger: Ledger,
    format: Option<&'static LogFormat>,
    merge: &Merge<'_>,
    ctx: &Context<'_>,
) {
    let format = format.unwrap_or_else(container::plain);
    let known = format.specificity > 0;
    // What was left out of over-long lines is not understood, whatever the rest is.
    let seen = ledger.bytes - ledger.not_understood;
    ledger.understood = merge.understood.min(seen);
    let rest = seen - ledger.understood;
    if known {
        ledger.ignored = rest;
    } else {
        ledger.not_understood += rest;
    }
    ledger.events = parsed.events.len() as u64;
    let dialogue_only = merge.dialogue_lines > 0 && merge.other_items * 20 <= merge.dialogue_lines;
    let bare = format.specificity == 0;
    let source = &mut parsed.source;
    source.ledger = ledger;
    source.kind = Some(if bare && dialogue_only {
        SourceKind::Trace
    } else {
        SourceKind::Log
    });
    if known || !parsed.events.is_empty() {
        source.format = Some(Text::from(if bare && dialogue_only {
            "apdu-text"
        } else {
            format.name
        }));
    } else if source.status == SourceStatus::Ok {
        source.status = SourceStatus::Unrecognised;
        source.kind = None;
    }
    source.device = match (merge.terminals.as_slice(), merge.devices.as_slice()) {
        ([one], _) | ([], [one]) => Some(one.clone()),
        _ => name_hint(ctx.path).map(|hint| ctx.edge.text(&hint)),
    };
}

/// A terminal number or serial number in a file's name: a word of six or more characters with at least five digits that is no date.
fn name_hint(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\', '!']).next()?;
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| {
            let digits = word.bytes().filter(u8::is_ascii_digit).count();
            let date = digits == word.len()
                && (matches!(word.len(), 8 | 14)
                    && (word.starts_with("20") || word.starts_with("19"))
                    || matches!(word.len(), 10 | 13));
            (6..=20).contains(&word.len()) && digits >= 4 && !date
        })
        .map(str::to_owned)
}

/// The format of a source: the one that was asked for, or the one that fits head, middle and tail of the first block best.
fn choose(block: &[u8], ctx: &Context<'_>) -> &'static LogFormat {
    if let Some(name) = ctx.forced_format {
        let own = ctx.plan.own_formats.iter().find(|own| own.name == name);
        if let Some(forced) = own.copied().or_else(|| container::by_name(name)) {
            return forced;
        }
    }
    let middle = block.len() / 2;
    let samples: Vec<&[u8]> = if block.len() > 4 * SAMPLE {
        vec![
            &block[..SAMPLE],
            &block[middle..middle + SAMPLE],
            &block[block.len() - SAMPLE..],
        ]
    } else {
        vec![block]
    };
    container::detect_among(&samples, &ctx.plan.own_formats)
        .first()
        .map_or_else(container::plain, |best| best.format)
}

#[cfg(test)]
mod tests;
