//! Tests of attribution.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod catalogue;
mod cohorts;
mod stories;
mod timeline;
