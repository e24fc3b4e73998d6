//! Sends a stream to the driver that can read it, and settles what decoding found out beside.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tapscope_parsers::container::trace::by_name as trace_by_name;

use super::clock::year_said;
use super::edge::Edge;
use super::probe::{InputKind, probe_among};
use super::{Context, Parsed, capture, text, trace};
use crate::decode::encoding::{Written, text_reader};
use crate::decode::{InputReport, StreamInfo};
use crate::event::{
    Events, Issue, Ledger, Place, Source, SourceKind, SourceStatus, Spill, Text, take_fault,
};
use crate::plan::Plan;

/// Reads one stream whole.
pub fn stream(
    info: &StreamInfo<'_>,
    reader: &mut dyn Read,
    plan: &Plan,
    edge: &Edge,
    spill: &Arc<Spill>,
    progress: &(dyn Fn(u64) + Sync),
) -> Parsed {
    let mut carry = text::Carry::default();
    stream_after(info, reader, plan, edge, spill, &mut carry, None, progress)
}

/// As [`stream`], for a file that goes on where another of the same log ended.
pub fn stream_after(
    info: &StreamInfo<'_>,
    reader: &mut dyn Read,
    plan: &Plan,
    edge: &Edge,
    spill: &Arc<Spill>,
    carry: &mut text::Carry,
    captures: Option<&mut capture::Set<'_>>,
    progress: &(dyn Fn(u64) + Sync),
) -> Parsed {
    let shown = shown_path(&info.path, edge);
    let probed = probe_among(info.head, &info.later_samples(), &plan.own_formats);
    let context = Context {
        edge,
        plan,
        spill,
        source: 0,
        path: &shown,
        // What was probed saw the middle and the end of the file as well.
        forced_format: forced(plan, &info.path).or(match probed.kind {
            InputKind::Text { format, .. } => Some(format.name),
            _ => None,
        }),
        progress,
    };
    // There should be no panic; if there is one, it costs this source and not the run.
    let kind = match forced(plan, &info.path).and_then(trace_by_name) {
        Some(format) => InputKind::Trace(format, Written::default()),
        None => probed.kind,
    };
    let set = captures.filter(|set| !set.is_broken());
    let parsed = catch_unwind(AssertUnwindSafe(|| match (kind, set) {
        // Its events come when the set ends.
        (InputKind::Capture(_), Some(set)) => set.read_member(reader, &shown),
        (kind, _) => match kind {
            InputKind::Capture(_) => {
                let mut parsed = capture::run(reader, &context);
                parsed.source.kind.get_or_insert(SourceKind::Capture);
                parsed
                    .source
                    .format
                    .get_or_insert_with(|| Text::new(probed.kind.name()));
                parsed
            }
            InputKind::Text { format, written } => {
                let mut lines = text_reader(Box::new(&mut *reader), written);
                let mut parsed = text::run_after(&mut *lines, &context, carry);
                parsed
                    .source
                    .encoding
                    .get_or_insert(written.encoding.name());
                parsed
                    .source
                    .format
                    .get_or_insert_with(|| Text::new(format.name));
                parsed
            }
            InputKind::Trace(format, _) if format.binary => trace::run(format, reader, &context),
            InputKind::Trace(format, written) => {
                let mut lines = text_reader(Box::new(&mut *reader), written);
                let mut parsed = trace::run(format, &mut *lines, &context);
                parsed
                    .source
                    .encoding
                    .get_or_insert(written.encoding.name());
                parsed
            }
            InputKind::BinaryTrace("zvt-packet") => text::zvt_file(reader, &context),
            InputKind::Empty => nothing(reader, &shown, "empty", SourceStatus::Ok, progress),
            kind => nothing(
                reader,
                &shown,
                kind.name(),
                SourceStatus::Unrecognised,
                progress,
            ),
        },
    }));
    let mut parsed = parsed.unwrap_or_else(|_| {
        let mut parsed = nothing(
            reader,
            &shown,
            "unrecognised",
            SourceStatus::Damaged,
            progress,
        );
        parsed.source.first_damage = Some(internal_error(&mut parsed.issues));
        parsed
    });
    if parsed.source.status == SourceStatus::Unrecognised && parsed.issues.is_empty() {
        parsed.issues.push(unrecognised(
            "text of no known format, and nothing in it bears on payments",
        ));
    }
    if parsed.source.kind != Some(SourceKind::Capture) {
        parsed.source.year_said = year_said(info.head);
    }
    parsed.source.path = shown;
    parsed.source.ledger.events = parsed.events.len() as u64;
    parsed
}

/// Names a fault of the program by its place; the message is not repeated, since it may quote input.
fn internal_error(issues: &mut Vec<Issue>) -> Text {
    let place = take_fault().unwrap_or_else(|| "an unknown place".to_owned());
    let text = Text::from(format!(
        "internal error at {place}: a fault of the program, which cost the events of this source"
    ));
    issues.push(Issue {
        source: 0,
        place: Place::Whole,
        code: "internal_error",
        count: 1,
        text: text.clone(),
    });
    text
}

/// Stands for an input whose decoding failed by a fault of the program.
#[must_use]
pub fn failed(path: &str, edge: &Edge) -> Parsed {
    let mut parsed = Parsed {
        source: crate::source::unreadable(shown_path(path, edge)),
        events: Events::default(),
        issues: Vec::new(),
    };
    parsed.source.first_damage = Some(internal_error(&mut parsed.issues));
    parsed
}

/// A path as it may be shown. Only an unbroken run of digits can be a card number here: serial numbers and dates side by side
/// are none, and a locator must stay a path that can be opened.
#[must_use]
pub fn shown_path(path: &str, edge: &Edge) -> Text {
    let mut shown = Text::default();
    let mut rest = path;
    while let Some(from) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, digits) = rest.split_at(from);
        let end = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        let (run, after) = digits.split_at(end);
        shown.push_str(before);
        if run.len() >= 13 {
            shown.push_str(&edge.text(run));
        } else {
            shown.push_str(run);
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// The format that the user forces for this path.
fn forced<'p>(plan: &'p Plan, path: &str) -> Option<&'p str> {
    plan.formats
        .iter()
        .find(|(_, glob)| glob.compile_matcher().is_match(path))
        .map(|(name, _)| name.as_str())
}

fn unrecognised(why: &str) -> Issue {
    Issue {
        source: 0,
        place: Place::Whole,
        code: "unrecognised",
        count: 1,
        text: Text::new(why),
    }
}

/// Counts what no driver reads.
fn nothing(
    reader: &mut dyn Read,
    path: &Text,
    format: &str,
    status: SourceStatus,
    progress: &(dyn Fn(u64) + Sync),
) -> Parsed {
    let mut buffer = vec![0_u8; 1 << 16];
    let mut bytes = 0_u64;
    while let Ok(count) = reader.read(&mut buffer) {
        if count == 0 {
            break;
        }
        bytes += count as u64;
        progress(count as u64);
    }
    let mut issues = Vec::new();
    if status == SourceStatus::Unrecognised {
        let text = if format == "unrecognised" {
            Text::const_new("no known format fits; see `tapscope formats --why FILE`")
        } else {
            Text::from(format!("recognised as {format}, which is not read yet"))
        };
        issues.push(Issue {
            source: 0,
            place: Place::Whole,
            code: "unrecognised",
            count: 1,
            text,
        });
    }
    Parsed {
        source: Source {
            path: path.clone(),
            blake3: [0; 32],
            sha256: None,
            kind: None,
            format: Some(Text::new(format)),
            encoding: None,
            status,
            ledger: Ledger {
                bytes,
                not_understood: bytes,
                ..Ledger::default()
            },
            first_damage: None,
            device: None,
            year_said: None,
        },
        events: Events::default(),
        issues,
    }
}

/// Issues of one code that are kept one by one; the rest of them is one row with its count.
const SAMPLES: usize = 20;

fn sampled(issues: Vec<Issue>) -> Vec<Issue> {
    if issues.len() <= SAMPLES {
        return issues;
    }
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    let mut rest = std::collections::BTreeMap::<&str, Issue>::new();
    let mut kept = Vec::new();
    for issue in issues {
        let count = counts.entry(issue.code).or_default();
        *count += 1;
        if *count <= SAMPLES {
            kept.push(issue);
        } else if let Some(more) = rest.get_mut(issue.code) {
            more.count += issue.count;
            more.place = more.place.max(issue.place);
        } else {
            let text = Text::const_new("and more of the same");
            rest.insert(issue.code, Issue { text, ..issue });
        }
    }
    kept.extend(rest.into_values());
    kept
}

/// Adds hashes and the faults of decoding to the sources of one input; what could not be opened becomes a source of its own.
#[must_use]
pub fn settle(parsed: Vec<Parsed>, report: &InputReport, edge: &Edge) -> Vec<Parsed> {
    let mut visited = parsed.into_iter();
    let mut settled = Vec::with_capacity(report.streams.len());
    for stream in &report.streams {
        let next = if stream.visited { visited.next() } else { None };
        let mut one = next.unwrap_or_else(|| Parsed {
            source: crate::source::unreadable(shown_path(&stream.path, edge)),
            events: Events::default(),
            issues: Vec::new(),
        });
        one.source.blake3 = stream.hashes.blake3;
        one.source.sha256 = stream.hashes.sha256;
        for fault in &stream.faults {
            if one.source.status == SourceStatus::Ok {
                one.source.status = SourceStatus::Damaged;
            }
            let text = edge.text(&format!(
                "{} after {} decoded bytes",
                fault.text, fault.offset
            ));
            one.source
                .first_damage
                .get_or_insert_with(|| Text::from(format!("{}: {text}", one.source.path)));
            one.issues.push(Issue {
                source: 0,
                place: Place::Whole,
                code: fault.code,
                count: 1,
                text,
            });
        }
        one.issues = sampled(std::mem::take(&mut one.issues));
        settled.push(one);
    }
    settled
}
