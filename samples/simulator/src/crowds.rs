//! Compares the incidents that tapscope found with the true ones.

use crate::score::Ratio;
use crate::table::{Table, instant};
use std::fmt;

/// What the comparison says.
#[derive(Debug, Clone, Default)]
pub struct CrowdScore {
    /// True incidents with eight failures or more that were found with the right cause.
    pub found: Ratio,
    /// Found incidents that are true ones.
    pub precise: Ratio,
    /// Of those found: the first failure named within ten minutes of the true first.
    pub onset: Ratio,
    /// Those missed.
    pub missed: Vec<String>,
    /// Those that nobody planned.
    pub strangers: Vec<String>,
}

/// Sales that a true incident needs before anyone could see it.
const ENOUGH: u64 = 8;

struct Crowd {
    cause: String,
    scope: String,
    value: String,
    from: i64,
    to: i64,
    n: u64,
    name: String,
}

fn crowds(t: &Table, from: &str, to: &str, n: &str, name: &str) -> Vec<Crowd> {
    (0..t.rows.len())
        .filter_map(|i| {
            Some(Crowd {
                cause: t.get(i, "cause").to_string(),
                scope: t.get(i, "scope").to_string(),
                value: t.get(i, "scope_value").to_string(),
                from: instant(t.get(i, from))?,
                to: instant(t.get(i, to))?,
                n: t.get(i, n).parse().unwrap_or(0),
                name: t.get(i, name).to_string(),
            })
        })
        .collect()
}

/// Same cause, overlapping in time, and the same terminal, merchant or issuer where both say which.
fn same(truth: &Crowd, found: &Crowd) -> bool {
    let names_one = |s: &str| matches!(s, "terminal" | "merchant" | "issuer");
    let place = truth.scope != found.scope
        || !names_one(&truth.scope)
        || truth.value == found.value
        || truth.value.is_empty();
    truth.cause == found.cause && found.from < truth.to && found.to >= truth.from && place
}

/// Compares; `labels` says when each incident really struck first.
#[must_use]
pub fn compare(truth_csv: &str, labels_csv: &str, found_csv: &str) -> CrowdScore {
    let truth = crowds(&Table::parse(truth_csv), "from", "to", "sales", "incident");
    let found = crowds(
        &Table::parse(found_csv),
        "started_at",
        "ended_at",
        "failed",
        "incident_id",
    );
    let labels = Table::parse(labels_csv);
    let mut s = CrowdScore::default();
    for t in &truth {
        let mut first = None;
        let mut seen = 0;
        for i in 0..labels.rows.len() {
            if labels.get(i, "incident") == t.name
                && labels.get(i, "failed") == "true"
                && labels.get(i, "cause_seen") != "false"
            {
                seen += 1;
                first = first.or(instant(labels.get(i, "started_at")));
            }
        }
        if t.n < ENOUGH || seen < ENOUGH {
            continue;
        }
        let hit = found.iter().filter(|f| same(t, f)).min_by_key(|f| f.from);
        s.found.add(hit.is_some());
        match (hit, first) {
            (Some(hit), Some(first)) => s.onset.add((hit.from - first).abs() <= 600 * 1_000_000),
            _ => s
                .missed
                .push(format!("{} {} {} ({seen})", t.cause, t.scope, t.value)),
        }
    }
    for f in &found {
        let known = truth.iter().any(|t| same(t, f));
        s.precise.add(known);
        if !known {
            s.strangers
                .push(format!("{} {} {} ({})", f.cause, f.scope, f.value, f.n));
        }
    }
    s
}

impl fmt::Display for CrowdScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "incidents found         {}", self.found)?;
        writeln!(f, "incidents that are true {}", self.precise)?;
        writeln!(f, "onset within 10 min     {}", self.onset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_time_and_place_must_agree() {
        let truth = "incident,cause,scope,scope_value,from,to,sales\n\
I1,HW_READER_FAULT,terminal,7,2026-03-18T01:00:00Z,2026-03-18T05:00:00Z,9\n\
I2,NET_DNS_FAILURE,site,site003,2026-03-18T01:00:00Z,2026-03-18T02:00:00Z,9\n";
        let mut labels = String::from("started_at,incident,failed,cause_seen\n");
        for k in 0..9 {
            labels += &format!(
                "2026-03-18T01:0{k}:00Z,I1,true,true\n2026-03-18T01:1{k}:00Z,I2,true,true\n"
            );
        }
        let found = "incident_id,cause,scope,scope_value,started_at,ended_at,failed\n\
a,HW_READER_FAULT,terminal,8,2026-03-18T01:02:00Z,2026-03-18T04:00:00Z,9\n\
b,NET_DNS_FAILURE,site,10.1.3.0/24,2026-03-18T01:10:00Z,2026-03-18T01:40:00Z,9\n";
        let s = compare(truth, &labels, found);
        assert_eq!(s.found, Ratio { hit: 1, of: 2 });
        assert_eq!(s.precise, Ratio { hit: 1, of: 2 });
        assert_eq!(s.onset, Ratio { hit: 1, of: 1 });
    }
}
