//! Turns a trace of a card reader or sniffer, which has a format of its own, into masked events.
//!
//! Such files are small beside logs: they are read whole, up to a limit; what lies beyond is counted and named.

use std::collections::BTreeMap;
use std::io::Read;

use rayon::prelude::*;
use tapscope_parsers::container::trace::{Account, Seen, TraceFormat, What};
use tapscope_parsers::protocol::net::iso14443::link::{Ending, Frame};

use crate::event::{
    Event, Events, FieldState, Issue, Ledger, Payload, Place, Source, SourceKind, SourceStatus,
    Stamp, Text, TimeQuality,
};
use crate::parse::dialogue::{CardFaults, Draft, FieldSeen, Moment, Pairing, Radio, field};
use crate::parse::{Context, Parsed};

/// Most bytes of a trace that are read.
const MOST: usize = 256 << 20;

/// Reads a trace to its end.
pub(super) fn run(
    format: &'static TraceFormat,
    reader: &mut dyn Read,
    ctx: &Context<'_>,
) -> Parsed {
    let mut bytes = Vec::new();
    let mut error = None;
    let mut chunk = vec![0_u8; 1 << 16];
    let mut beyond = 0_u64;
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => {
                let room = MOST - bytes.len();
                let kept = chunk.get(..count.min(room)).unwrap_or_default();
                bytes.extend_from_slice(kept);
                beyond += (count - kept.len()) as u64;
                (ctx.progress)(count as u64);
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => {
                error = Some(e);
                break;
            }
        }
    }
    let place = if format.binary {
        Place::Frame
    } else {
        Place::Line
    };
    let mut run = Run {
        place,
        ..Run::new(ctx)
    };
    let account = (format.read)(&bytes, &mut |seen| run.see(seen));
    let (events, faults) = run.finish();
    let mut packed = Events::default();
    packed.extend_from(events, |event| event, ctx.spill);
    let mut parsed = Parsed {
        source: source(format, ctx),
        events: packed,
        issues: Vec::new(),
    };
    let mut issue = |code: &'static str, count: u64, text: String| {
        parsed.issues.push(Issue {
            source: ctx.source,
            place: Place::Whole,
            code,
            count,
            text: ctx.edge.text(&text),
        });
    };
    if account.damaged > 0 {
        issue(
            "trace_damaged",
            account.damaged,
            format!("{} records are damaged or cut", account.damaged),
        );
    }
    if beyond > 0 {
        issue(
            "trace_too_long",
            1,
            format!("{beyond} bytes beyond the first {MOST} are left out"),
        );
    }
    if let Some(error) = error {
        issue("read_failed", 1, error.to_string());
    }
    let damage = parsed.issues.first().map(|issue| issue.text.clone());
    if let Some(first) = damage {
        parsed.source.status = SourceStatus::Damaged;
        parsed.source.first_damage = Some(first);
    }
    parsed.issues.extend(faults.tell(place, ctx.source));
    parsed.source.ledger = ledger(
        &account,
        bytes.len() as u64,
        beyond,
        parsed.events.len() as u64,
    );
    parsed
}

fn ledger(account: &Account, read: u64, beyond: u64, events: u64) -> Ledger {
    let understood = (account.understood as u64).min(read);
    let foreign = (account.foreign as u64).min(read - understood);
    Ledger {
        bytes: read + beyond,
        understood,
        ignored: read - understood - foreign,
        not_understood: foreign + beyond,
        unreadable: 0,
        records: account.records,
        events,
        damaged_records: account.damaged,
    }
}

fn source(format: &TraceFormat, ctx: &Context<'_>) -> Source {
    Source {
        path: Text::new(ctx.path),
        blake3: [0; 32],
        sha256: None,
        kind: Some(SourceKind::Trace),
        format: Some(Text::new(format.name)),
        encoding: None,
        status: SourceStatus::Ok,
        ledger: Ledger::default(),
        first_damage: None,
        device: None,
        year_said: None,
    }
}

/// Feeds frames, commands and answers to the dialogue; shared by trace files and captures.
pub(super) struct Run<'c> {
    ctx: &'c Context<'c>,
    /// What the numbers of places count.
    pub(super) place: fn(u32) -> Place,
    pairing: Pairing,
    radios: BTreeMap<u64, Radio>,
    fields: Vec<FieldSeen>,
    drafts: Vec<Draft>,
}

impl<'c> Run<'c> {
    /// Nothing seen yet.
    pub(super) fn new(ctx: &'c Context<'c>) -> Self {
        Self {
            ctx,
            place: Place::Frame,
            pairing: Pairing::default(),
            radios: BTreeMap::new(),
            fields: Vec::new(),
            drafts: Vec::new(),
        }
    }

    /// Takes up what a trace shows next.
    pub(super) fn see(&mut self, seen: Seen) {
        let now = Moment {
            place: seen.place,
            at: match seen.nanos {
                Some(nanos) if seen.absolute => Stamp {
                    utc_micros: Some(nanos.div_euclid(1000)),
                    quality: TimeQuality {
                        resolution_micros: 1,
                        ..TimeQuality::default()
                    },
                },
                _ => Stamp::UNKNOWN,
            },
            ticks: seen.nanos.map(|nanos| nanos.div_euclid(1000)),
            inner: None,
        };
        let lane = seen.lane;
        match seen.what {
            What::Radio {
                from_card,
                bytes,
                code_kept,
                parity_error,
            } => self.radio(
                &Frame {
                    from_card,
                    bytes: &bytes,
                    ending: if code_kept {
                        Ending::Kept
                    } else {
                        Ending::Dropped
                    },
                    parity_error,
                },
                lane,
                now,
            ),
            What::Field(on) => self.radios.entry(lane).or_default().field(
                on,
                lane,
                now,
                &mut self.pairing,
                &mut self.fields,
            ),
            What::Apdu {
                from_card: false,
                bytes,
                ..
            } => self.pairing.command(lane, bytes, None, now),
            What::Apdu {
                from_card: true,
                bytes,
                micros,
            } => self
                .pairing
                .answer(lane, 0, bytes, None, micros, None, true, now),
            What::Target { uid, sak } => {
                self.pairing.unheard(lane);
                let state = match sak {
                    Some(sak) if sak & 0x20 == 0 => FieldState::NotIsoDep,
                    _ => FieldState::Activated,
                };
                self.fields.push(FieldSeen {
                    now,
                    lane,
                    field: field(state, &uid, sak, "the reader found a card"),
                });
            }
            What::Reset(_) => self.pairing.unheard(lane),
            What::Failed { why, gone } => {
                self.pairing.silent(lane);
                let state = if gone {
                    FieldState::Lost
                } else {
                    FieldState::TransmissionError
                };
                self.fields.push(FieldSeen {
                    now,
                    lane,
                    field: field(state, &[], None, why),
                });
            }
        }
        self.drafts.append(&mut self.pairing.take());
    }

    /// Takes up a frame on the air.
    pub(super) fn radio(&mut self, frame: &Frame<'_>, lane: u64, now: Moment) {
        self.radios.entry(lane).or_default().frame(
            frame,
            lane,
            now,
            &mut self.pairing,
            &mut self.fields,
        );
    }

    /// All events, in the order of their places.
    pub(super) fn finish(mut self) -> (Vec<Event>, CardFaults) {
        self.drafts.append(&mut self.pairing.finish());
        let (ctx, place) = (self.ctx, self.place);
        let faults = CardFaults::default();
        let mut events: Vec<Event> = self
            .drafts
            .par_iter()
            .map(|draft| {
                let (exchange, keys) = draft.decode_at(ctx.edge, place);
                faults.note(draft.start.place, &exchange.faults);
                Event {
                    source: ctx.source,
                    place: place(draft.start.place),
                    at: draft.start.at,
                    lane: draft.lane,
                    keys,
                    payload: Payload::Apdu(Box::new(exchange)),
                }
            })
            .collect();
        events.extend(
            self.fields
                .into_iter()
                .map(|seen| seen.event(ctx.source, place)),
        );
        events.sort_by_key(|event| event.place);
        (events, faults)
    }
}
