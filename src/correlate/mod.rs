//! Joins events of all sources into attempts, each on one timeline.
//!
//! Left border: [`crate::event`]. Knows nothing of causes.

mod model;

pub use model::{
    Attempt, AttemptKeys, Clock, Correlated, Coverage, Covered, Interface, Link, LinkMethod,
    Outcome, Stage,
};
