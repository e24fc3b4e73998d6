//! Turns the truth of a day into the `expect.toml` of a sample folder.

use crate::table::Table;
use std::fmt::Write as _;

/// Every attempt that has a cause, and the totals.
#[must_use]
pub fn expectations(labels_csv: &str) -> String {
    let t = Table::parse(labels_csv);
    let n = t.rows.len();
    let seen = |i: usize| {
        ["log_source", "apdu_source", "net_source"]
            .iter()
            .any(|c| !t.get(i, c).is_empty())
            || t.get(i, "host_log") == "true"
    };
    let failed = (0..n).filter(|i| t.get(*i, "failed") == "true").count();
    let mut s = String::from(
        "# What is true of input/. Written by the simulator; see README.md.\n\n[totals]\n",
    );
    let _ = writeln!(
        s,
        "attempts = {n}\nfailed = {failed}\nunseen = {}",
        (0..n).filter(|i| !seen(*i)).count()
    );
    for i in 0..n {
        if t.get(i, "cause").is_empty() {
            continue;
        }
        s.push_str("\n[[attempt]]\n");
        for c in [
            "sale_id",
            "started_at",
            "terminal_id",
            "stan",
            "interface",
            "outcome",
            "cause",
        ] {
            let _ = writeln!(s, "{c} = \"{}\"", t.get(i, c));
        }
        let _ = writeln!(
            s,
            "amount_minor = {}\nfailed = {}",
            t.get(i, "amount_minor"),
            t.get(i, "failed")
        );
        if !t.get(i, "response_code").is_empty() {
            let _ = writeln!(s, "response_code = \"{}\"", t.get(i, "response_code"));
        }
    }
    s
}
