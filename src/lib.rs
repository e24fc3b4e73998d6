//! tapscope: why a contactless tap failed, from the terminal's log, the card dialogue and the network capture.
//!
//! source -> decode -> parse -> event -> correlate -> attribute -> report; see ARCHITECTURE.md. This page is the pipeline.

pub mod attribute;
pub mod cli;
pub mod correlate;
pub mod decode;
pub mod event;
pub mod parse;
pub mod plan;
pub mod report;
pub mod source;

use std::sync::Arc;

use rayon::prelude::*;

use attribute::{Attributed, Catalogue};
use correlate::Correlated;
use event::{Events, Issue, Place, Source, Spill};
use parse::Parsed;
use parse::edge::Edge;
use parse::text::Carry;
use plan::Plan;
use source::Input;

/// Everything that a run found out.
#[derive(Debug)]
pub struct Analysis {
    /// Sources, events and attempts.
    pub correlated: Correlated,
    /// What was damaged, limited or left out.
    pub issues: Vec<Issue>,
    /// Facts, verdicts and incidents.
    pub attributed: Attributed,
    /// Names the key of the card tokens without giving it away; `None` for the key of one run.
    pub key_id: Option<String>,
    /// Fingerprints of the card numbers that were met: what is written is searched for them.
    pub seen: event::SeenCards,
}

/// Is told how far a run has come.
pub trait Observer: Sync {
    /// How many bytes there are to read in all.
    fn total(&self, bytes: u64);
    /// That many bytes more are done.
    fn advance(&self, bytes: u64);
    /// A stage begins.
    fn stage(&self, name: &str);
    /// An input is being read.
    fn file(&self, _shown: &str) {}
}

/// Hears nothing: what is read a second time was counted.
struct Silent;

impl Observer for Silent {
    fn total(&self, _bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn stage(&self, _name: &str) {}
}

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing of what the user named can be read.
    #[error("cannot read {path}: {reason}")]
    Input {
        /// What was named.
        path: String,
        /// Why.
        reason: String,
    },
    /// A rule file is wrong.
    #[error("{0}")]
    Rules(String),
    /// The disk for what memory has no room for is full or broken.
    #[error("cannot keep events on disk in {path}: no space, or it cannot be read back")]
    Scratch {
        /// The folder.
        path: String,
    },
}

/// The part of the memory budget for what is packed: it costs little on disk, and what is made of it has to stand in memory.
const PACKED: u64 = 16;

/// Reads all inputs, joins what they saw, and names the causes.
///
/// # Errors
/// When nothing that was named can be read, or a rule file is wrong. Damaged inputs are no error.
pub fn analyze(
    plan: &Plan,
    catalogue: &Catalogue,
    observer: &dyn Observer,
) -> Result<Analysis, Error> {
    observer.stage("find inputs");
    let edge = Edge::new(plan.pan_key.as_ref().map(|key| *key.bytes()));
    let spill = Spill::new(plan.memory / PACKED, &plan.scratch);
    let found = source::find(plan);
    if let (true, Some(refused)) = (found.inputs.is_empty(), found.refused.first()) {
        return Err(Error::Input {
            path: parse::shown_path(&refused.shown, &edge).to_string(),
            reason: edge.text(&refused.text).to_string(),
        });
    }
    observer.total(found.inputs.iter().map(|input| input.size).sum());

    observer.stage("read");
    let sets = source::sets(&found.inputs);
    let sets = parse::capture::rotated::with_captures(sets, &found.inputs);
    let mut read: Vec<(usize, Vec<Parsed>)> = sets
        .par_iter()
        .flat_map_iter(|set| read_set(set, &found.inputs, plan, &edge, &spill, observer))
        .collect();
    read.sort_by_key(|(index, _)| *index);
    for at in parse::beside::worth_reading_again(&read) {
        if let Some((index, before)) = read.get_mut(at)
            && let Some(input) = found.inputs.get(*index)
        {
            let again = self::read(
                input,
                plan,
                &edge,
                &spill,
                &mut Carry::beside(),
                None,
                &Silent,
            );
            // A file that changed meanwhile is what it was when it was read first.
            let same = |one: &Parsed| before.iter().any(|b| b.source.blake3 == one.source.blake3);
            if again.iter().all(same) {
                *before = again;
            }
        }
    }
    let mut parsed: Vec<Parsed> = read.into_iter().flat_map(|(_, parsed)| parsed).collect();
    parsed.extend(found.refused.iter().map(|refused| Parsed {
        source: Source {
            path: parse::shown_path(&refused.shown, &edge),
            ..refused.source()
        },
        events: Events::default(),
        issues: vec![Issue {
            source: 0,
            place: Place::Whole,
            code: refused.code,
            count: 1,
            text: edge.text(&refused.text),
        }],
    }));
    let (sources, mut events, mut issues) = number(parsed);
    parse::clock::settle_years(&mut events, &sources);

    observer.stage("correlate");
    let mut correlated = correlate::correlate(sources, events, plan);
    issues.extend(full_attempts(&correlated, plan));
    issues.extend(crowd(&correlated, plan));
    correlated.clip(plan.since, plan.until);

    observer.stage("attribute");
    let attributed = attribute::attribute(&correlated, catalogue, plan, &spill);
    if spill.failed() {
        return Err(Error::Scratch {
            path: plan.scratch.display().to_string(),
        });
    }
    Ok(Analysis {
        correlated,
        issues,
        attributed,
        key_id: plan
            .pan_key
            .as_ref()
            .map(|key| parse::edge::key_id(key.bytes())),
        seen: edge.seen(),
    })
}

/// Reads the files of one rotated log or capture, oldest first; most are one file.
fn read_set(
    set: &[usize],
    inputs: &[Input],
    plan: &Plan,
    edge: &Edge,
    spill: &Arc<Spill>,
    observer: &dyn Observer,
) -> Vec<(usize, Vec<Parsed>)> {
    let mut carry = Carry::default();
    let mut out = Vec::with_capacity(set.len());
    let context = parse::Context {
        edge,
        plan,
        source: 0,
        path: "",
        forced_format: None,
        progress: &|bytes| observer.advance(bytes),
        spill,
    };
    let mut captures = (set.len() > 1).then(|| parse::capture::Set::new(&context));
    for index in set {
        if let Some(input) = inputs.get(*index) {
            let captures = captures.as_mut();
            let parsed = read(input, plan, edge, spill, &mut carry, captures, observer);
            out.push((*index, parsed));
        }
    }
    if let Some(captures) = captures {
        captures.settle(&mut out);
    }
    for one in out.iter_mut().flat_map(|(_, parsed)| parsed) {
        one.events.fall_asleep(spill);
    }
    out
}

/// Reads one input: one source for each stream in it.
fn read(
    input: &Input,
    plan: &Plan,
    edge: &Edge,
    spill: &Arc<Spill>,
    carry: &mut Carry,
    mut captures: Option<&mut parse::capture::Set<'_>>,
    observer: &dyn Observer,
) -> Vec<Parsed> {
    let advance = |bytes: u64| observer.advance(bytes);
    observer.file(&parse::shown_path(&input.shown, edge));
    let mut sources: Vec<Parsed> = Vec::new();
    // There should be no panic; if a decoder fails, it costs this input and not the run.
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        decode::each_stream(input, plan, &mut |stream, reader| {
            // The members of an archive are logs of their own.
            let mut own = Carry::default();
            let carry = if stream.member { &mut own } else { &mut *carry };
            let captures = captures.as_deref_mut().filter(|_| !stream.member);
            sources.push(parse::stream_after(
                stream, reader, plan, edge, spill, carry, captures, &advance,
            ));
        })
    }));
    if let Ok(report) = done {
        return parse::settle(sources, &report, edge);
    }
    sources.push(parse::failed(&input.shown, edge));
    sources
}

/// Attempts that hold as many events as are kept of one.
fn full_attempts(correlated: &Correlated, plan: &Plan) -> Option<Issue> {
    let most = plan.limits.transaction_events;
    let mut full = correlated
        .attempts
        .iter()
        .filter(|attempt| attempt.events.len() >= most);
    let first = *full.next()?.events.first()?;
    let head = correlated.events.head(first);
    Some(Issue {
        source: head.source,
        place: head.place(),
        code: "transaction_events",
        count: 1 + full.count() as u64,
        text: event::Text::from(format!(
            "attempts with {most} events: no more of one are kept; this is the first"
        )),
    })
}

/// What had more partners than are tried of one.
fn crowd(correlated: &Correlated, plan: &Plan) -> Option<Issue> {
    let (source, place, count) = correlated.crowd?;
    let most = plan.limits.link_candidates;
    Some(Issue {
        source,
        place,
        code: "link_candidates",
        count,
        text: event::Text::from(format!(
            "more than {most} partners to join with: the nearest are tried; this is the first"
        )),
    })
}

/// Gives sources their ids, in order, and lays events and issues end to end.
fn number(parsed: Vec<Parsed>) -> (Vec<Source>, Events, Vec<Issue>) {
    let mut sources = Vec::with_capacity(parsed.len());
    let mut events = Events::default();
    events.reserve(parsed.iter().map(|one| one.events.len()).sum());
    let mut issues = Vec::new();
    for (id, mut one) in parsed.into_iter().enumerate() {
        for issue in &mut one.issues {
            issue.source = id as u32;
        }
        sources.push(one.source);
        let before = events.len();
        events.append(one.events);
        for event in events.heads_mut().iter_mut().skip(before) {
            event.source = id as u32;
        }
        issues.append(&mut one.issues);
    }
    (sources, events, issues)
}
