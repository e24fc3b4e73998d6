//! The settings that the targets run under: small bounds, so that they are met.

use tapscope::plan::{Limits, Plan};

/// A plan without inputs.
#[must_use]
pub fn plan() -> Plan {
    Plan {
        year: Some(2026),
        limits: Limits {
            member_bytes: 1 << 20,
            archive_bytes: 4 << 20,
            archive_members: 64,
            ratio_after: 1 << 18,
            xz_memory: 16 << 20,
            zstd_window_log: 20,
            ..Limits::default()
        },
        ..Plan::default()
    }
}
