//! Draws a transaction's events in three lanes on one time axis: terminal, card, network.

use super::Teller;
use super::unfold::{Depth, unfold};
use crate::cli::output::Paint;
use crate::cli::page::{Word, painted, plain};
use crate::cli::table::{pad, width};
use crate::report::{EventRow, EvidenceRow, Micros, clock};

/// Silence that is worth a line, in microseconds.
const SILENCE: i64 = 5_000_000;
/// Columns before the lanes: mark, time, difference.
const BEFORE: usize = 2 + 12 + 1 + 10 + 1;
/// From this width on there is room for the step.
const WIDE: usize = 112;
/// Columns of the step.
const STEP: usize = 16;

/// Name, first letter of its sources, and colour of each lane.
const LANES: [(&str, &str, char, Paint); 3] = [
    ("terminal", "终端", 'T', Paint::Blue),
    ("card", "卡片", 'C', Paint::Magenta),
    ("network", "网络", 'N', Paint::Cyan),
];

/// Which of the three saw it.
fn lane_of(event: &EventRow) -> usize {
    match event.kind.as_str() {
        "log" => 0,
        "apdu" | "nfc" => 1,
        _ => 2,
    }
}

/// A locator's source and place: `logs/a.log` and `:12`.
fn split(locator: &str) -> (&str, &str) {
    let digits = locator.len() - locator.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let at = locator.len() - digits;
    match locator.get(..at).and_then(|head| head.chars().next_back()) {
        Some(':' | '#') if digits > 0 => locator.split_at(at - 1),
        _ => (locator, ""),
    }
}

/// The sources of a timeline: path, short name, and how wrong the clock is.
struct Legend<'a> {
    sources: Vec<(&'a str, String, Option<i64>)>,
}

impl<'a> Legend<'a> {
    fn new(events: &'a [EventRow]) -> Self {
        let mut sources: Vec<(&str, String, Option<i64>)> = Vec::new();
        let mut counts = [0; 3];
        for event in events {
            let (path, _) = split(&event.locator);
            if sources.iter().any(|(known, ..)| *known == path) {
                continue;
            }
            let lane = lane_of(event);
            let letter = LANES.get(lane).map_or('?', |lane| lane.2);
            let count = counts.get_mut(lane).map_or(0, |count| {
                *count += 1;
                *count
            });
            let wrong = event
                .at
                .zip(event.at_source)
                .map(|(Micros(at), Micros(own))| own.saturating_sub(at));
            sources.push((path, format!("{letter}{count}"), wrong));
        }
        Self { sources }
    }

    fn short(&self, locator: &str) -> String {
        let (path, place) = split(locator);
        let name = self.sources.iter().find(|(known, ..)| *known == path);
        match name {
            Some((_, name, _)) => format!("{name}{place}"),
            None => locator.to_owned(),
        }
    }
}

impl Teller<'_> {
    /// Places where the cause was decided: decisive evidence, else the heaviest.
    fn deciding(&self) -> Vec<&str> {
        let cause = self.story.transaction.cause.as_ref();
        let mine = || {
            self.story
                .evidence
                .iter()
                .filter(move |e| Some(&e.cause) == cause && e.role != "refuting")
        };
        let decisive: Vec<&EvidenceRow> = mine().filter(|e| e.role == "decisive").collect();
        let heaviest = mine().max_by(|a, b| a.weight.total_cmp(&b.weight));
        let chosen = if decisive.is_empty() {
            heaviest.into_iter().collect()
        } else {
            decisive
        };
        chosen
            .iter()
            .flat_map(|e| e.locators.iter().map(AsRef::as_ref))
            .collect()
    }

    pub(super) fn timeline(&mut self) {
        self.title("Timeline", "时间线");
        let story = self.story;
        if story.events.is_empty() {
            let none = self.say("no event is linked", "没有关联的事件").to_owned();
            self.page.indented(2, &none, None);
            return;
        }
        let legend = Legend::new(&story.events);
        let deciding: Vec<String> = self.deciding().into_iter().map(str::to_owned).collect();
        self.heading();
        let mut last: Option<i64> = None;
        let mut step = None;
        for event in &story.events {
            let at = event.at.map(|Micros(at)| at);
            let delta = last.zip(at).map(|(last, at)| at.saturating_sub(last));
            if let Some(silence) = delta.filter(|d| *d >= SILENCE) {
                self.silence(silence);
            }
            let decides = deciding.iter().any(|p| *p == event.locator.as_str());
            let new_step = event.step.as_deref().filter(|new| Some(*new) != step);
            self.event(event, delta, decides, new_step, &legend);
            step = event.step.as_deref().or(step);
            last = at.or(last);
        }
        self.sources(&legend);
    }

    /// What the lanes and marks mean.
    fn heading(&mut self) {
        let mut row = vec![plain("  ")];
        for (en, zh, letter, paint) in LANES {
            let name = self.say(en, zh);
            row.push(painted(paint, &format!("{letter} {name}  ")));
        }
        row.push(painted(Paint::Red, "►"));
        row.push(plain(&format!(
            " {}",
            self.say("decides the verdict", "判定依据")
        )));
        let times = self.say(
            "   times are UTC, clocks aligned",
            "   时间为UTC，时钟已对齐",
        );
        if crate::cli::page::row_width(&row) + width(times) <= self.page.columns {
            row.push(painted(Paint::Dim, times));
        }
        self.page.push(row);
        let mut row = vec![plain(&" ".repeat(BEFORE + self.step_columns()))];
        for (_, _, letter, paint) in LANES {
            row.push(painted(paint, &format!("{letter} ")));
        }
        self.page.push(row);
    }

    fn step_columns(&self) -> usize {
        if self.page.columns >= WIDE { STEP } else { 0 }
    }

    fn silence(&mut self, micros: i64) {
        let text = format!("{} {}", self.say("silence:", "无事件："), span(micros));
        let blanks = " ".repeat(BEFORE + self.step_columns());
        self.page
            .push(vec![painted(Paint::Dim, &format!("{blanks}┊ ┊ ┊  {text}"))]);
    }

    fn event(
        &mut self,
        event: &EventRow,
        delta: Option<i64>,
        decides: bool,
        step: Option<&str>,
        legend: &Legend<'_>,
    ) {
        let time = event.at.map_or_else(|| "     ?      ".to_owned(), clock);
        let delta = delta.map(|d| format!("+{}", span(d))).unwrap_or_default();
        let mark = if decides {
            painted(Paint::Red, "► ")
        } else {
            plain("  ")
        };
        let mut lead = vec![
            mark,
            plain(&time),
            painted(Paint::Dim, &format!(" {} ", pad(&delta, 10, true))),
        ];
        if self.step_columns() > 0 {
            let step: String = step.unwrap_or_default().chars().take(STEP - 1).collect();
            lead.push(painted(Paint::Dim, &pad(&step, STEP, false)));
        }
        let lane = lane_of(event);
        lead.extend(lanes(Some(lane), true));
        let mut next = vec![plain(&" ".repeat(BEFORE + self.step_columns()))];
        next.extend(lanes(Some(lane), false));
        let paint = decides.then_some(Paint::Bold);
        let summary: String = event.summary.chars().take(400).collect();
        self.page.hang(&lead, &next, &summary, paint);
        self.place(&next, &legend.short(&event.locator));
        if self.depth == Depth::Whole {
            // Never broken: it is there to be copied.
            let mut row = next.clone();
            row.push(painted(Paint::Dim, &event.locator));
            self.page.push(row);
        }
        let lead = |blanks: &str| {
            let mut lead = next.clone();
            lead.push(plain(blanks));
            lead
        };
        for line in unfold(event, self.depth, self.kernel, self.zh) {
            let text = format!("{}  {}", line.name, line.value);
            self.page
                .hang(&lead("  "), &lead("      "), &text, Some(Paint::Dim));
        }
    }

    /// Puts the short locator at the right end of the last line where there is room, else under it.
    fn place(&mut self, next: &[Word], short: &str) {
        let columns = self.page.columns;
        let wide = width(short);
        if let Some(row) = self.page.rows.last_mut() {
            let used = crate::cli::page::row_width(row);
            if used + 2 + wide <= columns {
                row.push(plain(&" ".repeat(columns - used - wide)));
                row.push(painted(Paint::Dim, short));
                return;
            }
        }
        let mut row = next.to_vec();
        let used = crate::cli::page::row_width(&row);
        row.push(plain(&" ".repeat(columns.saturating_sub(used + wide))));
        row.push(painted(Paint::Dim, short));
        self.page.push(row);
    }

    fn sources(&mut self, legend: &Legend<'_>) {
        self.title("Sources", "来源");
        for (path, name, wrong) in &legend.sources {
            let paint = LANES
                .iter()
                .find(|lane| name.starts_with(lane.2))
                .map_or(Paint::Dim, |lane| lane.3);
            let mut text = (*path).to_owned();
            if let Some(wrong) = wrong.filter(|wrong| wrong.abs() >= 1000) {
                let (ahead, behind) = (
                    self.say("clock ahead by", "时钟快"),
                    self.say("clock behind by", "时钟慢"),
                );
                let word = if wrong > 0 { ahead } else { behind };
                text = format!("{text}  ({word} {})", span(wrong.abs()));
            }
            let lead = [painted(paint, &format!("  {} ", pad(name, 4, false)))];
            let under = [plain("       ")];
            self.page.hang(&lead, &under, &text, None);
        }
    }
}

/// `● │ │`: the lane that saw it, and the others going on.
fn lanes(lane: Option<usize>, here: bool) -> Vec<Word> {
    let mut words = Vec::with_capacity(7);
    for (i, (_, _, _, paint)) in LANES.iter().enumerate() {
        let mine = lane == Some(i);
        words.push(match (mine, here) {
            (true, true) => painted(*paint, "●"),
            (true, false) => painted(*paint, "│"),
            _ => painted(Paint::Dim, "│"),
        });
        words.push(plain(" "));
    }
    words.push(plain(" "));
    words
}

/// `12.3 ms`, `1.25 s`, `3 min 20 s`.
fn span(micros: i64) -> String {
    match micros {
        m if m < 10_000 => format!("{}.{} ms", m / 1000, (m % 1000) / 100),
        m if m < 1_000_000 => format!("{} ms", m / 1000),
        m if m < 60_000_000 => format!("{}.{:02} s", m / 1_000_000, (m % 1_000_000) / 10_000),
        m if m < 3_600_000_000 => {
            format!("{} min {} s", m / 60_000_000, (m % 60_000_000) / 1_000_000)
        }
        m => format!(
            "{} h {} min",
            m / 3_600_000_000,
            (m % 3_600_000_000) / 60_000_000
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{span, split};

    #[test]
    fn locators_split_at_their_place() {
        for (locator, path, place) in [
            ("a/b.log:12", "a/b.log", ":12"),
            ("a.zip!m.pcap#7", "a.zip!m.pcap", "#7"),
            ("a/b.log", "a/b.log", ""),
            ("a/b:c", "a/b:c", ""),
            ("卡/日志:3", "卡/日志", ":3"),
            ("12", "12", ""),
        ] {
            assert_eq!(split(locator), (path, place), "{locator}");
        }
    }

    #[test]
    fn spans_are_short() {
        for (micros, text) in [
            (1_234, "1.2 ms"),
            (58_000, "58 ms"),
            (2_345_678, "2.34 s"),
            (200_000_000, "3 min 20 s"),
            (7_380_000_000, "2 h 3 min"),
        ] {
            assert_eq!(span(micros), text);
        }
    }
}
