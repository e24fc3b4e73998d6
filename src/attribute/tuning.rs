//! All numbers of the arbiter in one place: weights, limits, and the calibration of confidence.
//!
//! Starting values come from the domain reference (section 3.2: points of about half a nat); they are to be fitted on labelled days.

use super::model::Role;

/// Log-odds of a piece of evidence that states no weight.
pub const fn default_weight(role: Role) -> f64 {
    match role {
        Role::Decisive => 5.0,
        Role::Supporting => 1.0,
        Role::Refuting => 5.0,
    }
}

/// A second decisive piece from other facts adds this.
pub const SECOND_DECISIVE: f64 = 2.0;
/// Supporting evidence adds at most this.
pub const SUPPORT_CAP: f64 = 3.0;
/// Supporting evidence alone makes a candidate from here on.
pub const HINTS: f64 = 1.5;
/// What a cause loses when the attempt stopped at a step where it does not strike.
pub const WRONG_STEP: f64 = 2.0;
/// What an incident adds to its cause, never more: decisive evidence of the attempt itself must win.
pub const INCIDENT_PRIOR: f64 = 1.5;
/// Score of "something that the catalogue does not know, or that left no trace".
pub const SOMETHING_ELSE: f64 = 1.0;
/// A verdict needs at least this score.
pub const THRESHOLD: f64 = 2.4;
/// A verdict must lead the next by this.
pub const LEAD: f64 = 1.0;
/// What a fall-back cause loses on a tap: it may contribute, it cannot explain.
pub const SECONDARY: f64 = -10.0;
/// Temperature of the softmax over scores: decisive evidence is right less often than its log-odds say.
pub const TEMPERATURE: f64 = 1.25;

/// Calibration: raw softmax probability to the share that was right, as a piecewise line. To be fitted on labelled days.
pub const CALIBRATION: &[(f64, f64)] = &[
    (0.0, 0.02),
    (0.3, 0.30),
    (0.5, 0.50),
    (0.7, 0.70),
    (0.9, 0.90),
    (0.97, 0.96),
    (1.0, 0.99),
];

/// A raw probability made honest.
pub fn calibrate(raw: f64) -> f64 {
    let mut before = (0.0, 0.0);
    for &(x, y) in CALIBRATION {
        if raw <= x {
            let span: f64 = x - before.0;
            let share = if span > 0.0 {
                (raw - before.0) / span
            } else {
                1.0
            };
            return before.1 + share * (y - before.1);
        }
        before = (x, y);
    }
    before.1
}
