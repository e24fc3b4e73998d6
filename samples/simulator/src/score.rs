//! Compares tapscope's `transactions.csv` with the truth in `labels.csv`: attempts found, links,
//! failed or not, cause, family, calibration, and what was taken for what.

use crate::table::{Table, instant};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Cause where the evidence does not decide.
pub const UNDETERMINED: &str = "UNDETERMINED";

/// A share, with what it is a share of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ratio {
    /// Right ones.
    pub hit: u64,
    /// All.
    pub of: u64,
}

impl Ratio {
    /// Counts one.
    pub fn add(&mut self, hit: bool) {
        self.of += 1;
        self.hit += u64::from(hit);
    }

    /// Between 0 and 1; 1 of nothing.
    #[must_use]
    pub fn share(self) -> f64 {
        if self.of == 0 {
            1.0
        } else {
            self.hit as f64 / self.of as f64
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:7.2} %  ({} of {})",
            self.share() * 100.0,
            self.hit,
            self.of
        )
    }
}

/// What the comparison says.
#[derive(Debug, Clone, Default)]
pub struct Score {
    /// Attempts that some source saw, and how many of them have a row.
    pub found: Ratio,
    /// Rows that are an attempt.
    pub precise: Ratio,
    /// Attempts no source saw.
    pub unseen: u64,
    /// Attempts whose row has events of every kind of source that saw it.
    pub links: Ratio,
    /// The same, of those that two or more kinds saw.
    pub links_multi: Ratio,
    /// The same, of those whose connection was encrypted.
    pub links_tls: Ratio,
    /// Attempts whose `failed` is right.
    pub failed: Ratio,
    /// Failed attempts whose cause is right.
    pub cause: Ratio,
    /// Failed attempts whose family is right.
    pub family: Ratio,
    /// Failed attempts left `UNDETERMINED`.
    pub undetermined: Ratio,
    /// Failed attempts whose true cause is the first or among the alternatives.
    pub listed: Ratio,
    /// Verdicts that name a cause, and how many are right.
    pub named: Ratio,
    /// Approved attempts without a cause in truth that got none.
    pub quiet: Ratio,
    /// `failed` right, of the attempts whose outcome some source shows.
    pub failed_told: Ratio,
    /// Cause right, of the failed attempts whose cause some source can tell.
    pub cause_told: Ratio,
    /// The same for the family.
    pub family_told: Ratio,
    /// Failed attempts whose evidence was removed, and that are left `UNDETERMINED` or without a verdict.
    pub removed_open: Ratio,
    /// The same, or the true cause named all the same.
    pub removed_honest: Ratio,
    /// Attempts with contributing causes in truth that have all of them.
    pub contributing: Ratio,
    /// Right cause, counting attempts that were not found as wrong.
    pub end_to_end: Ratio,
    /// Expected calibration error of the named verdicts.
    pub ece: f64,
    /// Mean squared error of the confidence.
    pub brier: f64,
    /// True cause to named cause.
    pub confusion: BTreeMap<(String, String), u64>,
    /// Failed attempts that were not found, by cause.
    pub lost: BTreeMap<String, u64>,
    /// Some rows that fit no attempt (line number, terminal, trace number).
    pub strangers: Vec<String>,
    /// Each attempt that was found: its sale and number, the row's `tx_id`, true and named cause, whether some source can tell it.
    pub pairs: Vec<[String; 6]>,
    /// How matches were made.
    pub matched_by: BTreeMap<&'static str, u64>,
}

struct Row {
    t: Option<i64>,
    terminal: String,
    device: String,
    stan: String,
    rrn: String,
    amount: String,
    last4: String,
    interface: String,
}

fn rows(t: &Table) -> Vec<Row> {
    (0..t.rows.len())
        .map(|i| {
            let pan = t.get(i, "pan_masked");
            let last4 = if pan.is_empty() {
                t.get(i, "last4").to_string()
            } else {
                pan.chars()
                    .rev()
                    .take(4)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .collect()
            };
            Row {
                t: instant(t.get(i, "started_at")),
                terminal: t.get(i, "terminal_id").trim().to_string(),
                device: t.get(i, "device").to_string(),
                stan: t.get(i, "stan").to_string(),
                rrn: t.get(i, "rrn").trim().to_string(),
                amount: t.get(i, "amount_minor").to_string(),
                last4,
                interface: t.get(i, "interface").to_string(),
            }
        })
        .collect()
}

const S: i64 = 1_000_000;

struct Matcher<'a> {
    labels: &'a [Row],
    rows: &'a [Row],
    of_label: Vec<Option<usize>>,
    taken: Vec<bool>,
    by: BTreeMap<&'static str, u64>,
}

impl Matcher<'_> {
    /// Pairs everything with the same key, nearest in time first, one to one.
    fn pass<K: Ord>(
        &mut self,
        name: &'static str,
        within: i64,
        label_key: impl Fn(&Row) -> Vec<K>,
        row_key: impl Fn(&Row) -> Vec<K>,
        fits: impl Fn(&Row, &Row) -> bool,
    ) {
        let mut by: BTreeMap<K, Vec<usize>> = BTreeMap::new();
        for (i, l) in self.labels.iter().enumerate() {
            if self.of_label[i].is_none() {
                for k in label_key(l) {
                    by.entry(k).or_default().push(i);
                }
            }
        }
        let mut pairs: Vec<(i64, usize, usize)> = Vec::new();
        for (j, r) in self.rows.iter().enumerate() {
            if self.taken[j] {
                continue;
            }
            for k in row_key(r) {
                for &i in by.get(&k).map_or(&[][..], Vec::as_slice) {
                    let l = &self.labels[i];
                    let cost = distance(l, r);
                    if cost <= within && fits(l, r) {
                        pairs.push((cost, i, j));
                    }
                }
            }
        }
        pairs.sort_unstable();
        for (_, i, j) in pairs {
            if self.of_label[i].is_none() && !self.taken[j] {
                self.of_label[i] = Some(j);
                self.taken[j] = true;
                *self.by.entry(name).or_default() += 1;
            }
        }
    }
}

/// Time apart, with a penalty for another interface; unknown times count as an hour.
fn distance(l: &Row, r: &Row) -> i64 {
    let dt = match (l.t, r.t) {
        (Some(a), Some(b)) => (a - b).abs(),
        _ => 3600 * S,
    };
    let other = r.interface != l.interface && !r.interface.is_empty() && r.interface != "unknown";
    dt + if other { 20 * S } else { 0 }
}

fn same_amount(l: &Row, r: &Row) -> bool {
    r.amount.is_empty() || r.amount == l.amount
}

/// Compares.
///
/// # Errors
/// When a table lacks the columns that matching needs.
pub fn compare(labels_csv: &str, transactions_csv: &str) -> Result<Score, String> {
    let lt = Table::parse(labels_csv);
    let tt = Table::parse(transactions_csv);
    for (name, t, cols) in [
        ("labels", &lt, &["started_at", "cause", "log_source"][..]),
        (
            "transactions",
            &tt,
            &["started_at", "stan", "terminal_id", "failed", "cause"],
        ),
    ] {
        for c in cols {
            if !t.has(c) {
                return Err(format!("{name}: no column {c}"));
            }
        }
    }
    let labels = rows(&lt);
    let found = rows(&tt);
    let names: Vec<Vec<String>> = (0..labels.len())
        .map(|i| {
            [
                lt.get(i, "terminal_id"),
                lt.get(i, "device"),
                lt.get(i, "address"),
            ]
            .iter()
            .map(|s| (*s).to_string())
            .collect()
        })
        .collect();
    let mut m = Matcher {
        labels: &labels,
        rows: &found,
        of_label: vec![None; labels.len()],
        taken: vec![false; found.len()],
        by: BTreeMap::new(),
    };
    let nonempty = |s: &str| {
        if s.is_empty() {
            vec![]
        } else {
            vec![s.to_string()]
        }
    };
    let day = 86_400 * S;
    m.pass(
        "rrn",
        day,
        |l| nonempty(&l.rrn),
        |r| nonempty(&r.rrn),
        same_amount,
    );
    let key = |r: &Row| {
        if r.stan.is_empty() || r.terminal.is_empty() {
            vec![]
        } else {
            vec![(r.terminal.clone(), r.stan.clone())]
        }
    };
    m.pass("terminal+stan", 12 * 3600 * S, key, key, same_amount);
    let mine: BTreeMap<usize, &Vec<String>> = labels
        .iter()
        .map(|l| std::ptr::from_ref(l) as usize)
        .zip(&names)
        .collect();
    let label_names = |l: &Row| {
        mine.get(&(std::ptr::from_ref(l) as usize))
            .map(|v| (*v).clone())
            .unwrap_or_default()
    };
    let row_names = |r: &Row| {
        [&r.terminal, &r.device]
            .iter()
            .filter(|s| !s.is_empty())
            .map(|s| (*s).clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    };
    m.pass(
        "device+time+amount",
        90 * S,
        label_names,
        row_names,
        same_amount,
    );
    let last4 = |l: &Row| {
        if l.last4.len() == 4 && !l.amount.is_empty() {
            vec![(l.last4.clone(), l.amount.clone())]
        } else {
            vec![]
        }
    };
    m.pass("card+amount", 12 * 3600 * S, last4, last4, |_, r| {
        r.terminal.is_empty() || r.stan.is_empty()
    });
    m.pass(
        "device+amount",
        9 * 3600 * S,
        label_names,
        row_names,
        |l, r| !r.amount.is_empty() && r.amount == l.amount,
    );
    let only4 = |l: &Row| nonempty(&l.last4);
    m.pass("card+time", 90 * S, only4, only4, |l, r| {
        r.terminal.is_empty() && same_amount(l, r)
    });
    Ok(tell(&lt, &tt, &m))
}

fn tell(lt: &Table, tt: &Table, m: &Matcher<'_>) -> Score {
    let mut s = Score {
        matched_by: m.by.clone(),
        ..Score::default()
    };
    let mut verdicts: Vec<(f64, bool)> = Vec::new();
    for (i, row) in m.of_label.iter().enumerate() {
        let (log, apdu, net) = (
            lt.get(i, "log_source"),
            lt.get(i, "apdu_source"),
            lt.get(i, "net_source"),
        );
        let host = lt.get(i, "host_log") == "true";
        let cause = lt.get(i, "cause");
        let failed = lt.get(i, "failed") == "true";
        if log.is_empty() && apdu.is_empty() && net.is_empty() && !host && row.is_none() {
            s.unseen += 1;
            continue;
        }
        s.found.add(row.is_some());
        if failed {
            s.end_to_end
                .add(row.is_some_and(|j| tt.get(j, "cause") == cause));
        }
        let Some(j) = *row else {
            if failed {
                *s.lost.entry(cause.to_string()).or_default() += 1;
            }
            continue;
        };
        links(&mut s, lt, tt, i, j);
        let got = tt.get(j, "cause");
        s.pairs.push(
            [
                lt.get(i, "sale_id"),
                lt.get(i, "attempt"),
                tt.get(j, "tx_id"),
                cause,
                got,
                lt.get(i, "cause_seen"),
            ]
            .map(str::to_owned),
        );
        let agrees = (tt.get(j, "failed") == "true") == failed;
        s.failed.add(agrees);
        if lt.get(i, "outcome_seen") != "false" {
            s.failed_told.add(agrees);
        }
        let played = lt.get(i, "contributing");
        if !played.is_empty() {
            let all = played
                .split('|')
                .all(|c| tt.get(j, "contributing").contains(c) || got == c);
            s.contributing.add(all);
        }
        if !failed {
            if cause.is_empty() {
                s.quiet.add(got.is_empty());
            }
            continue;
        }
        let right = got == cause;
        s.cause.add(right);
        let family = if tt.get(j, "family").is_empty() {
            got.split('_').next().unwrap_or_default()
        } else {
            tt.get(j, "family")
        };
        s.family.add(family == lt.get(i, "family"));
        let family_right = family == lt.get(i, "family");
        if lt.get(i, "cause_seen") == "false" {
            let open = got == UNDETERMINED || got.is_empty();
            s.removed_open.add(open);
            s.removed_honest.add(open || right);
        } else {
            s.cause_told.add(right);
            s.family_told.add(family_right);
        }
        s.undetermined.add(got == UNDETERMINED);
        s.listed
            .add(right || tt.get(j, "alternatives").contains(cause));
        if got != UNDETERMINED && !got.is_empty() {
            s.named.add(right);
            if let Ok(c) = tt.get(j, "confidence").parse::<f64>() {
                verdicts.push((c, right));
            }
        }
        let got = if got.is_empty() { "(none)" } else { got };
        *s.confusion
            .entry((cause.to_string(), got.to_string()))
            .or_default() += 1;
    }
    for (j, taken) in m.taken.iter().enumerate() {
        s.precise.add(*taken);
        if !taken && s.strangers.len() < 20 {
            s.strangers.push(format!(
                "row {}: terminal {} trace {} amount {} at {}",
                j + 2,
                tt.get(j, "terminal_id"),
                tt.get(j, "stan"),
                tt.get(j, "amount_minor"),
                tt.get(j, "started_at")
            ));
        }
    }
    (s.ece, s.brier) = calibration(&verdicts);
    s
}

fn links(s: &mut Score, lt: &Table, tt: &Table, i: usize, j: usize) {
    let has = |c: &str| tt.get(j, c).parse::<u64>().unwrap_or(0) > 0;
    let log = !lt.get(i, "log_source").is_empty() || lt.get(i, "host_log") == "true";
    let apdu = !lt.get(i, "apdu_source").is_empty();
    let inside = lt.get(i, "apdu_source") == lt.get(i, "log_source");
    let kind = lt.get(i, "net_kind");
    let (seen_log, seen_net) = (has("log_events"), has("net_events"));
    let seen_apdu = has("apdu_events") || (inside && seen_log);
    if kind == "tls" && (log || apdu) {
        s.links_tls.add(seen_net);
    }
    let net = matches!(kind, "iso8583" | "tcp");
    let right = (!log || seen_log) && (!apdu || seen_apdu) && (!net || seen_net);
    s.links.add(right);
    if u8::from(log) + u8::from(apdu && !inside) + u8::from(net) >= 2 {
        s.links_multi.add(right);
    }
}

fn calibration(v: &[(f64, bool)]) -> (f64, f64) {
    if v.is_empty() {
        return (0.0, 0.0);
    }
    let mut bins = [(0.0, 0.0, 0.0); 10];
    let mut brier = 0.0;
    for (c, right) in v {
        let hit = f64::from(u8::from(*right));
        let b = &mut bins[((c * 10.0) as usize).min(9)];
        *b = (b.0 + 1.0, b.1 + c, b.2 + hit);
        brier += (c - hit) * (c - hit);
    }
    let n = v.len() as f64;
    let ece = bins
        .iter()
        .filter(|b| b.0 > 0.0)
        .map(|b| (b.1 - b.2).abs())
        .sum::<f64>()
        / n;
    (ece, brier / n)
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "attempts found          {}", self.found)?;
        writeln!(f, "rows that are attempts  {}", self.precise)?;
        writeln!(f, "links right             {}", self.links)?;
        writeln!(f, "  of two kinds or more  {}", self.links_multi)?;
        writeln!(f, "  encrypted connection  {}", self.links_tls)?;
        writeln!(f, "failed or not           {}", self.failed)?;
        writeln!(f, "  where a source tells  {}", self.failed_told)?;
        writeln!(f, "cause right             {}", self.cause)?;
        writeln!(f, "  where a source tells  {}", self.cause_told)?;
        writeln!(f, "family right            {}", self.family)?;
        writeln!(f, "  where a source tells  {}", self.family_told)?;
        writeln!(f, "evidence removed: open  {}", self.removed_open)?;
        writeln!(f, "  or right all the same {}", self.removed_honest)?;
        writeln!(f, "contributing named      {}", self.contributing)?;
        writeln!(f, "cause right, end to end {}", self.end_to_end)?;
        writeln!(f, "true cause listed       {}", self.listed)?;
        writeln!(f, "right where named       {}", self.named)?;
        writeln!(f, "UNDETERMINED            {}", self.undetermined)?;
        writeln!(f, "no cause where none     {}", self.quiet)?;
        writeln!(
            f,
            "calibration error       {:7.4}   Brier {:.4}",
            self.ece, self.brier
        )?;
        writeln!(f, "seen by no source       {:7}", self.unseen)?;
        let by: Vec<String> = self
            .matched_by
            .iter()
            .map(|(k, v)| format!("{k} {v}"))
            .collect();
        writeln!(f, "matched by              {}", by.join(", "))?;
        writeln!(
            f,
            "\ntrue cause                        right   of  taken for"
        )?;
        let mut causes: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
        for ((truth, got), n) in &self.confusion {
            causes.entry(truth).or_default().push((got, *n));
        }
        for (truth, mut got) in causes {
            let of: u64 = got.iter().map(|g| g.1).sum();
            let right = got.iter().find(|g| g.0 == truth).map_or(0, |g| g.1);
            got.retain(|g| g.0 != truth);
            got.sort_by_key(|g| (std::cmp::Reverse(g.1), g.0));
            let rest: Vec<String> = got.iter().map(|(g, n)| format!("{g} {n}")).collect();
            writeln!(f, "{truth:<32} {right:6} {of:4}  {}", rest.join(", "))?;
        }
        if !self.lost.is_empty() {
            let lost: Vec<String> = self.lost.iter().map(|(k, v)| format!("{k} {v}")).collect();
            writeln!(f, "\nfailed attempts not found: {}", lost.join(", "))?;
        }
        for x in &self.strangers {
            writeln!(f, "no such attempt: {x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    const LABELS: &str = "sale_id,attempt,started_at,terminal_id,device,address,stan,rrn,amount_minor,last4,interface,outcome,failed,cause,family,log_source,apdu_source,net_source,net_kind,host_log\n\
S1,1,2026-03-18T01:00:00Z,10000001,VA1,10.1.1.2,000001,,500,1234,contactless,try_again,true,USER_CARD_REMOVED_EARLY,USER,a.log,a.trace,,,false\n\
S1,2,2026-03-18T01:00:09Z,10000001,VA1,10.1.1.2,000001,900,500,1234,contactless,approved,false,,,a.log,a.trace,a.pcap,iso8583,false\n\
S2,1,2026-03-18T02:00:00Z,10000001,VA1,10.1.1.2,000002,901,700,1234,contactless,declined_online,true,ISS_INSUFFICIENT_FUNDS,ISS,a.log,,a.pcap,iso8583,false\n\
S3,1,2026-03-18T03:00:00Z,10000002,VB1,10.1.1.3,000002,,700,1234,contactless,approved,false,,,,,,,false\n";

    #[test]
    fn counts_what_is_right() {
        let tx = "started_at,terminal_id,device,stan,rrn,amount_minor,pan_masked,interface,failed,cause,family,confidence,log_events,apdu_events,net_events,alternatives\n\
2026-03-18T01:00:01Z,10000001,VA1,000001,,500,,contactless,true,USER_CARD_REMOVED_EARLY,USER,0.9,3,5,0,\n\
2026-03-18T01:00:10Z,10000001,VA1,000001,900,500,,contactless,false,,,,3,5,0,\n\
2026-03-18T02:00:01Z,10000001,VA1,000002,901,700,,contactless,true,LIM_ISSUER_AMOUNT,LIM,0.5,3,0,4,\"[ISS_INSUFFICIENT_FUNDS 0.4]\"\n\
2026-03-18T09:00:01Z,10000001,VA1,000009,999,100,,contactless,false,,,,3,0,4,\n";
        let s = compare(LABELS, tx).unwrap();
        assert_eq!(s.found, Ratio { hit: 3, of: 3 });
        assert_eq!(s.unseen, 1);
        assert_eq!(s.precise, Ratio { hit: 3, of: 4 });
        assert_eq!(
            s.links,
            Ratio { hit: 2, of: 3 },
            "the second attempt lacks its capture"
        );
        assert_eq!(s.failed, Ratio { hit: 3, of: 3 });
        assert_eq!(s.cause, Ratio { hit: 1, of: 2 });
        assert_eq!(s.family, Ratio { hit: 1, of: 2 });
        assert_eq!(s.listed, Ratio { hit: 2, of: 2 });
        assert!((s.ece - 0.3).abs() < 1e-9, "{}", s.ece);
        assert!(s.to_string().contains("ISS_INSUFFICIENT_FUNDS"));
    }

    #[test]
    fn missing_columns_are_an_error() {
        assert!(compare(LABELS, "a,b\n1,2\n").is_err());
    }
}
