//! The settings that the targets run under: small bounds, so that they are met.

use tapscope_pipeline::plan::{Language, Limits, Plan};

/// A plan without inputs.
#[must_use]
pub fn plan() -> Plan {
    Plan {
        inputs: Vec::new(),
        zone: None,
        year: Some(2026),
        since: None,
        until: None,
        formats: Vec::new(),
        rules: Vec::new(),
        inventory: None,
        pan_key: None,
        custody: false,
        language: Language::En,
        limits: Limits {
            member_bytes: 1 << 20,
            archive_bytes: 4 << 20,
            archive_members: 64,
            ratio_after: 1 << 18,
            xz_memory: 16 << 20,
            zstd_window_log: 20,
            ..Limits::default()
        },
    }
}
