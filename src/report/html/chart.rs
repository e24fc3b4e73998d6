//! Draws the fixed charts as SVG text; the page needs no script for them. All numbers and escaped text, no style attributes (the policy forbids them).

use std::fmt::Write as _;

use crate::report::Micros;
use crate::report::overview::Timeline;
use crate::report::time::readable;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 8.0;

/// Escapes text for markup.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts and indexes far below 2^52"
)]
fn float(number: u64) -> f64 {
    number as f64
}

/// Failed attempts over time, stacked by cause; all attempts as a line on their own scale.
pub(super) fn timeline(t: &Timeline) -> String {
    if t.failed.is_empty() {
        return String::new();
    }
    let top = t.failed.iter().copied().max().unwrap_or(0).max(1);
    let ticks = ticks(top);
    let scale_top = float(ticks.last().copied().unwrap_or(top)).max(1.0);
    let plot_height = HEIGHT - TOP - BOTTOM;
    let y = |count: f64| TOP + plot_height * (1.0 - count / scale_top);
    let step = (WIDTH - LEFT) / float(t.failed.len() as u64);
    let bar = (step * 0.86).clamp(0.5, 48.0);
    let mut svg = format!(
        "<svg class=\"timeline\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Failed attempts over time\">"
    );
    for tick in &ticks {
        let at = y(float(*tick));
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/><text class=\"axis\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    for i in 0..t.failed.len() {
        let failed = t.failed.get(i).copied().unwrap_or(0);
        let x = LEFT + step * float(i as u64) + (step - bar) / 2.0;
        let _ = write!(svg, "<g class=\"column\"><title>{}</title>", label(t, i));
        let _ = write!(
            svg,
            "<rect class=\"hit\" x=\"{:.1}\" y=\"{TOP}\" width=\"{step:.2}\" height=\"{plot_height:.1}\"/>",
            LEFT + step * float(i as u64)
        );
        let mut base = 0_u64;
        let known = t
            .causes
            .iter()
            .map(|(_, series)| series.get(i).copied().unwrap_or(0));
        let named: Vec<u64> = known.collect();
        let rest = failed.saturating_sub(named.iter().sum());
        for (class, count) in named.iter().copied().chain([rest]).enumerate() {
            if count == 0 {
                continue;
            }
            let (from, to) = (y(float(base)), y(float(base + count)));
            let class = if class < named.len() { class } else { 9 };
            let _ = write!(
                svg,
                "<rect class=\"c{class}\" x=\"{x:.1}\" y=\"{to:.1}\" width=\"{bar:.2}\" height=\"{:.1}\"/>",
                (from - to).max(0.6)
            );
            base += count;
        }
        svg.push_str("</g>");
    }
    times(&mut svg, t, step);
    svg.push_str("</svg>");
    svg
}

fn label(t: &Timeline, i: usize) -> String {
    let start = t.start.saturating_add(
        i64::try_from(i)
            .unwrap_or(0)
            .saturating_mul(t.step_seconds)
            .saturating_mul(1_000_000),
    );
    let mut label = format!(
        "{} UTC: {} / {}",
        readable(Micros(start)).trim_end_matches(".000"),
        t.failed.get(i).copied().unwrap_or(0),
        t.attempts.get(i).copied().unwrap_or(0),
    );
    for (cause, series) in &t.causes {
        match series.get(i) {
            Some(count) if *count > 0 => {
                let _ = write!(label, "\n{cause}: {count}");
            }
            _ => {}
        }
    }
    escape(&label)
}

fn times(svg: &mut String, t: &Timeline, step: f64) {
    let columns = t.failed.len();
    let every = columns.div_ceil(8).max(1);
    for i in (0..columns).step_by(every) {
        let start = t.start.saturating_add(
            i64::try_from(i)
                .unwrap_or(0)
                .saturating_mul(t.step_seconds)
                .saturating_mul(1_000_000),
        );
        let text = readable(Micros(start));
        let text = if t.step_seconds >= 86_400 {
            text.get(..10)
        } else if t.step_seconds >= 60 {
            text.get(11..16)
        } else {
            text.get(11..19)
        };
        let _ = write!(
            svg,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT + step * float(i as u64),
            HEIGHT - 6.0,
            text.unwrap_or_default()
        );
    }
}

/// A few round numbers from 0 up to at least `top`.
fn ticks(top: u64) -> Vec<u64> {
    let mut step = 1_u64;
    'search: loop {
        for factor in [1, 2, 5] {
            if top.div_ceil(step * factor) <= 4 {
                step *= factor;
                break 'search;
            }
        }
        step = step.saturating_mul(10);
    }
    (0..=top.div_ceil(step)).map(|n| n * step).collect()
}

/// A bar of parts that add up to a whole: `(class, count)`.
pub(super) fn stack(parts: &[(&str, u64)]) -> String {
    let whole = parts.iter().map(|(_, count)| *count).sum::<u64>().max(1);
    let mut svg =
        "<svg class=\"stack\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            .to_owned();
    let mut x = 0.0;
    for (class, count) in parts {
        let width = 1000.0 * float(*count) / float(whole);
        if width > 0.0 {
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{x:.2}\" y=\"0\" width=\"{width:.2}\" height=\"10\"/>"
            );
        }
        x += width;
    }
    svg.push_str("</svg>");
    svg
}

/// A share as a bar.
pub(super) fn bar(share: f64, class: &str) -> String {
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"track\" width=\"100\" height=\"8\"/><rect class=\"{class}\" width=\"{:.2}\" height=\"8\"/></svg>",
        (share * 100.0).clamp(0.0, 100.0)
    )
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        assert_eq!(ticks(1), [0, 1]);
        assert_eq!(ticks(7), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(100), [0, 50, 100]);
        assert_eq!(ticks(1234), [0, 500, 1000, 1500]);
    }
}
