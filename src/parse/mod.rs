//! Drives the pure parsers over decoded bytes and turns what they saw into owned, masked events.
//!
//! Left border: blocks of decoded bytes. Right border: [`Parsed`]. No borrowed parser type and no unmasked card number leaves here.

use std::sync::Arc;

use crate::event::{Events, Issue, Source, Spill};

/// What became of one source.
#[derive(Debug)]
pub struct Parsed {
    /// The source with its ledger, format and status.
    pub source: Source,
    /// Its events in the order of their places.
    pub events: Events,
    /// What was damaged, limited or left out; sampled (the first 20 of a code, then one with the rest).
    pub issues: Vec<Issue>,
}

/// What every parse driver is given.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Masks and tokenises card data: the only way from borrowed bytes to owned text.
    pub edge: &'a edge::Edge,
    /// Settings of the run.
    pub plan: &'a crate::plan::Plan,
    /// Where events go that the memory budget has no room for.
    pub spill: &'a Arc<Spill>,
    /// Index of the source; goes into every event.
    pub source: u32,
    /// The source's path as shown.
    pub path: &'a str,
    /// Format forced by the user for this path, if any.
    pub forced_format: Option<&'a str>,
    /// Called with the number of decoded bytes done, every block or so.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

pub mod beside;
pub mod capture;
pub mod clock;
mod dialogue;
mod dispatch;
pub mod edge;
pub mod own;
pub mod probe;
pub mod text;
mod trace;

pub use dispatch::{failed, settle, shown_path, stream, stream_after};
