//! Compares the clocks that tapscope found with the true ones: offsets, wrong zones, jumps.

use crate::score::Ratio;
use crate::table::{Table, instant};
use std::collections::BTreeMap;
use std::fmt;

/// What the comparison says.
#[derive(Debug, Clone, Default)]
pub struct ClockScore {
    /// Sources with 20 attempts or more that another source saw too, within 50 ms.
    pub within_50ms: Ratio,
    /// The same, of sources whose times are finer than a second.
    pub fine_within_50ms: Ratio,
    /// All sources that have an aligned event, within two seconds.
    pub within_2s: Ratio,
    /// Sources in a wrong zone (whole hours, half a day): within two seconds.
    pub zones: Ratio,
    /// Those half a day off.
    pub half_days: Ratio,
    /// Sources that were set during the day: both parts within two seconds.
    pub jumps: Ratio,
    /// Those that are off: source, error in milliseconds, pairs, what is wrong with its clock.
    pub off: Vec<(String, f64, u64, String)>,
}

struct Truth {
    offset: f64,
    ppm: f64,
    hours: f64,
    jump_at: Option<i64>,
    jump: f64,
    zero: f64,
}

impl Truth {
    /// What the clock shows too much (milliseconds) when it shows this.
    fn error_at(&self, shown: i64) -> f64 {
        let shown_ms = shown as f64 / 1000.0;
        let drift = |true_ms: f64| (true_ms - self.zero) * self.ppm / 1e6;
        let mut true_ms = shown_ms - self.offset;
        true_ms -= drift(true_ms);
        let mut error = self.offset + drift(true_ms);
        if let Some(at) = self.jump_at
            && shown_ms - error - self.jump >= at as f64 / 1000.0
        {
            error += self.jump;
        }
        error
    }
}

fn truths(clocks: &Table) -> BTreeMap<String, Truth> {
    let number = |i: usize, c: &str| clocks.get(i, c).parse::<f64>().unwrap_or(0.0);
    (0..clocks.rows.len())
        .map(|i| {
            (
                clocks.get(i, "source").to_string(),
                Truth {
                    offset: number(i, "offset_ms"),
                    ppm: number(i, "drift_ppm"),
                    hours: number(i, "zone_hours"),
                    jump_at: instant(clocks.get(i, "jump_at")),
                    jump: number(i, "jump_ms"),
                    zero: number(i, "zero_ms"),
                },
            )
        })
        .collect()
}

fn median(v: &mut [f64]) -> f64 {
    v.sort_unstable_by(f64::total_cmp);
    v.get(v.len() / 2).copied().unwrap_or(0.0)
}

/// Compares. `events` has the columns `path`, `at_source`, `at`; `broken` are terminals whose clock was changed on purpose.
#[must_use]
pub fn compare(
    clocks: &str,
    labels: &str,
    events: &str,
    input: &str,
    broken: &[String],
) -> ClockScore {
    let truth = truths(&Table::parse(clocks));
    let labels = Table::parse(labels);
    let mut pairs: BTreeMap<String, u64> = BTreeMap::new();
    let mut out_of_order: Vec<String> = Vec::new();
    for i in 0..labels.rows.len() {
        let net = labels.get(i, "net_source");
        let readable = labels.get(i, "net_kind") == "iso8583";
        let host = labels.get(i, "host_log") == "true";
        for c in ["log_source", "apdu_source"] {
            let source = labels.get(i, c);
            if !source.is_empty() && (readable || host) {
                *pairs.entry(source.to_string()).or_default() += 1;
            }
            if broken.iter().any(|b| b == labels.get(i, "terminal_id")) {
                out_of_order.push(source.to_string());
            }
        }
        if readable && (!labels.get(i, "log_source").is_empty() || host) {
            *pairs.entry(net.to_string()).or_default() += 1;
        }
    }
    let events = Table::parse(events);
    let mut errors: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
    let mut whole_seconds: BTreeMap<String, bool> = BTreeMap::new();
    for i in 0..events.rows.len() {
        let path = events.get(i, "path");
        let Some(name) = path.strip_prefix(input).map(|p| p.trim_start_matches('/')) else {
            continue;
        };
        let (Some(t), Some(shown), Some(aligned)) = (
            truth.get(name),
            instant(events.get(i, "at_source")),
            instant(events.get(i, "at")),
        ) else {
            continue;
        };
        let found = (shown - aligned) as f64 / 1000.0;
        errors
            .entry(name.to_string())
            .or_default()
            .push((shown, found - t.error_at(shown)));
        let whole = whole_seconds.entry(name.to_string()).or_insert(true);
        *whole &= shown % 1_000_000 == 0;
    }
    // The reference is a free choice: what most captures agree on.
    let mut middle: Vec<f64> = errors
        .iter()
        .filter(|(name, list)| name.contains(".pcap") && list.len() >= 20)
        .map(|(_, list)| median(&mut list.iter().map(|e| e.1).collect::<Vec<_>>()))
        .collect();
    if middle.is_empty() {
        middle = errors
            .values()
            .map(|list| median(&mut list.iter().map(|e| e.1).collect::<Vec<_>>()))
            .collect();
    }
    let reference = median(&mut middle);
    let mut score = ClockScore::default();
    for (name, list) in &errors {
        if out_of_order.contains(name) {
            continue;
        }
        let Some(t) = truth.get(name) else { continue };
        let error = median(&mut list.iter().map(|e| e.1).collect::<Vec<_>>()) - reference;
        let n = pairs.get(name).copied().unwrap_or(0);
        if n >= 20 {
            score.within_50ms.add(error.abs() <= 50.0);
            if !whole_seconds.get(name).copied().unwrap_or(false) {
                score.fine_within_50ms.add(error.abs() <= 50.0);
            }
        }
        let near = error.abs() <= 2000.0;
        score.within_2s.add(near);
        if t.hours != 0.0 {
            score.zones.add(near);
            if t.hours.abs() >= 12.0 {
                score.half_days.add(near);
            }
        }
        if t.jump_at.is_some() {
            let good = list.iter().filter(|e| (e.1 - reference).abs() <= 2000.0);
            score.jumps.add(good.count() * 10 >= list.len() * 9);
        }
        if (n >= 20 && error.abs() > 50.0) || !near {
            let what = format!(
                "{:.0} ms {:.0} ppm{}{}",
                t.offset,
                t.ppm,
                if t.hours == 0.0 { "" } else { " zone" },
                if t.jump_at.is_some() { " set" } else { "" }
            );
            score.off.push((name.clone(), error, n, what));
        }
    }
    score
}

impl fmt::Display for ClockScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "clock within 50 ms      {}", self.within_50ms)?;
        writeln!(f, "  finer than a second   {}", self.fine_within_50ms)?;
        writeln!(f, "clock within 2 s        {}", self.within_2s)?;
        writeln!(f, "wrong zone found        {}", self.zones)?;
        writeln!(f, "  half a day off        {}", self.half_days)?;
        writeln!(f, "clock set: both parts   {}", self.jumps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_found_is_right_and_a_clock_missed_is_wrong() {
        let clocks = "source,kind,offset_ms,drift_ppm,zone_hours,jump_at,jump_ms,zero_ms\n\
a.log,log,2000,0,0,,0,0\nb.log,log,3600000,0,1,,0,0\nc.pcap,capture,0,0,0,,0,0\n";
        let mut labels =
            String::from("terminal_id,log_source,apdu_source,net_source,net_kind,host_log\n");
        let mut events = String::from("path,at_source,at\n");
        for i in 0..30 {
            labels += &format!("1,a.log,,c.pcap,iso8583,false\n2,b.log,,c.pcap,iso8583,false\n");
            events += &format!(
                "in/a.log,2026-03-18T01:00:{:02}.500Z,2026-03-18T01:00:{:02}.500Z\n",
                i + 2,
                i
            );
            events += &format!("in/b.log,2026-03-18T02:00:{i:02}Z,2026-03-18T02:00:{i:02}Z\n");
            events +=
                &format!("in/c.pcap,2026-03-18T01:00:{i:02}.250Z,2026-03-18T01:00:{i:02}.250Z\n");
        }
        let s = compare(clocks, &labels, &events, "in", &[]);
        assert_eq!(s.within_50ms, Ratio { hit: 2, of: 3 });
        assert_eq!(s.zones, Ratio { hit: 0, of: 1 });
        assert_eq!(s.off.len(), 1);
    }
}
