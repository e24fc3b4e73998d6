//! Terminal logs: every container, every content, damaged in every way, and every real file that is at hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "tests may say what they mean"
)]

#[path = "logs/corpus.rs"]
mod corpus;
#[path = "logs/damage.rs"]
mod damage;
#[path = "logs/giants.rs"]
mod giants;
#[path = "logs/own.rs"]
mod own;
#[path = "logs/reading.rs"]
mod reading;
#[path = "logs/stories.rs"]
mod stories;
