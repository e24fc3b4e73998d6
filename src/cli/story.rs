//! Tells one transaction on a terminal: who, what, why, a timeline in three lanes, and the evidence.

use std::fmt::Write as _;

use super::output::{Output, Paint};
use super::table::{pad, width, wrap};
use crate::plan::Language;
use crate::report::{
    CauseText, EventRow, EvidenceRow, Micros, Story, Transaction, clean, clock, readable,
};

/// Columns of running text.
const COLUMNS: usize = 100;
/// Silence that is worth a line, in microseconds.
const SILENCE: i64 = 5_000_000;

/// Renders a story.
pub(crate) fn render(story: &Story, language: Language, full: bool, output: &Output) -> String {
    let mut teller = Teller {
        story,
        zh: language == Language::Zh,
        output,
        text: String::new(),
    };
    teller.head();
    teller.verdict();
    teller.timeline(full);
    teller.evidence();
    teller.rest();
    teller.text
}

/// Amount with its currency.
pub(crate) fn money(t: &Transaction) -> String {
    let Some(minor) = t.amount_minor else {
        return String::new();
    };
    let currency = t.currency.as_deref().unwrap_or("");
    let whole = matches!(currency, "JPY" | "KRW" | "VND" | "CLP");
    let number = if whole {
        minor.to_string()
    } else {
        let sign = if minor < 0 { "-" } else { "" };
        let minor = minor.unsigned_abs();
        format!("{sign}{}.{:02}", minor / 100, minor % 100)
    };
    format!("{number} {currency}").trim_end().to_owned()
}

struct Teller<'a> {
    story: &'a Story,
    zh: bool,
    output: &'a Output,
    text: String,
}

impl Teller<'_> {
    fn say<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        if self.zh && !zh.is_empty() { zh } else { en }
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        self.output.paint(paint, text)
    }

    fn title(&mut self, en: &str, zh: &str) {
        let title = self.paint(Paint::Bold, self.say(en, zh));
        let _ = writeln!(self.text, "\n{title}");
    }

    /// A label and its value, wrapped under itself.
    fn pair(&mut self, en: &str, zh: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let label = pad(self.say(en, zh), 14, false);
        for (i, line) in wrap(&clean(value), COLUMNS - 16).iter().enumerate() {
            let first = if i == 0 {
                label.as_str()
            } else {
                "              "
            };
            let _ = writeln!(
                self.text,
                "{}  {line}",
                self.output.paint(Paint::Dim, first)
            );
        }
    }

    fn cause(&self, code: &str) -> Option<&CauseText> {
        self.story.causes.iter().find(|cause| cause.code == code)
    }

    fn name(&self, code: &str) -> String {
        match self.cause(code) {
            Some(cause) => clean(self.say(&cause.name_en, &cause.name_zh)).to_string(),
            None => clean(code).to_string(),
        }
    }

    fn head(&mut self) {
        let t = &self.story.transaction;
        let _ = write!(
            self.text,
            "{}",
            self.output.paint(Paint::Bold, &clean(&t.tx_id))
        );
        if let Some(start) = t.started_at {
            let _ = write!(self.text, "  {} UTC", readable(start));
        }
        if let Some(ms) = t.duration_ms {
            let _ = write!(self.text, "  {}.{:03} s", ms / 1000, ms.rem_euclid(1000));
        }
        self.text.push('\n');
        let join = |parts: &[(&str, Option<&str>)]| {
            let parts: Vec<String> = parts
                .iter()
                .filter_map(|(label, value)| value.map(|v| format!("{label}{v}")))
                .collect();
            parts.join(" · ")
        };
        let money = money(t);
        let card = join(&[
            ("", t.scheme.as_deref()),
            ("", t.pan_masked.as_deref()),
            ("", t.pan_token.as_deref()),
            ("AID ", t.aid.as_deref()),
            ("kernel ", t.kernel.as_deref()),
            ("", Some(&t.interface)),
        ]);
        let place = join(&[
            ("", t.terminal_id.as_deref()),
            ("device ", t.device.as_deref()),
            ("merchant ", t.merchant_id.as_deref()),
            ("host ", t.host.as_deref()),
        ]);
        let numbers = join(&[
            ("STAN ", t.stan.as_deref()),
            ("RRN ", t.rrn.as_deref()),
            ("auth ", t.auth_code.as_deref()),
            ("F22 ", t.entry_mode.as_deref()),
            ("F39 ", t.response_code.as_deref()),
            ("SW ", t.last_sw.as_deref()),
            ("TVR ", t.tvr.as_deref()),
        ]);
        let joined = format!(
            "{} ({:.1} %): {} log, {} card, {} network",
            t.link_method,
            t.link_confidence * 100.0,
            t.log_events,
            t.apdu_events,
            t.net_events
        );
        self.pair("amount", "金额", &money);
        self.pair("card", "卡片", &card);
        self.pair("terminal", "终端", &place);
        self.pair("numbers", "编号", &numbers);
        self.pair("joined by", "关联依据", &joined);
        if !self.story.sale.is_empty() {
            let others: Vec<String> = self
                .story
                .sale
                .iter()
                .map(|o| format!("{} {} ({} {})", o.attempt, o.tx_id, o.interface, o.outcome))
                .collect();
            let line = format!(
                "{} ({} {}); {}",
                t.sale_id,
                self.say("this is attempt", "本次为第"),
                t.attempt,
                others.join(", ")
            );
            self.pair("sale", "同笔销售", &line);
        }
    }

    fn verdict(&mut self) {
        let t = &self.story.transaction;
        let result = format!(
            "{} ({} {})",
            t.outcome,
            self.say("last step:", "最后步骤："),
            t.stage
        );
        self.title("Verdict", "结论");
        self.pair("outcome", "结果", &result);
        let Some(code) = t.cause.as_deref() else {
            let none = self.say("nothing to explain", "无需解释").to_owned();
            self.pair("cause", "原因", &none);
            return;
        };
        let mut line = format!("{code}: {}", self.name(code));
        if let Some(confidence) = t.confidence {
            let _ = write!(line, " ({:.0} %", confidence * 100.0);
            if let Some(strength) = &t.strength {
                let _ = write!(line, ", {strength}");
            }
            line.push(')');
        }
        let label = pad(self.say("cause", "原因"), 14, false);
        let label = self.paint(Paint::Dim, &label);
        let line = self.paint(Paint::Red, &clean(&line));
        let _ = writeln!(self.text, "{label}  {line}");
        if let Some(cause) = self.cause(code).cloned() {
            let explanation = self
                .say(&cause.explanation_en, &cause.explanation_zh)
                .to_owned();
            let remedy = self.say(&cause.remedy_en, &cause.remedy_zh).to_owned();
            self.pair("meaning", "含义", &explanation);
            self.pair("what to do", "处理办法", &remedy);
        }
        self.pair("who acts", "责任方", &t.owners.join(", "));
        let also: Vec<String> = t
            .contributing
            .iter()
            .map(|c| format!("{c}: {}", self.name(c)))
            .collect();
        self.pair("also", "促成因素", &also.join("; "));
    }

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

    fn timeline(&mut self, full: bool) {
        self.title("Timeline", "时间线");
        let deciding: Vec<String> = self.deciding().into_iter().map(str::to_owned).collect();
        let legend = format!(
            "  {}  {}  {}   {} {}",
            self.paint(Paint::Blue, self.say("T terminal", "T 终端")),
            self.paint(Paint::Magenta, self.say("C card", "C 卡片")),
            self.paint(Paint::Cyan, self.say("N network", "N 网络")),
            self.paint(Paint::Red, "►"),
            self.say("decides the verdict", "判定依据"),
        );
        let _ = writeln!(self.text, "{legend}\n  {}  T C N", " ".repeat(24));
        let summaries: Vec<String> = self
            .story
            .events
            .iter()
            .map(|event| clean(&event.summary).chars().take(160).collect())
            .collect();
        let column = summaries
            .iter()
            .map(|s| width(s))
            .max()
            .unwrap_or(0)
            .min(72);
        let mut last: Option<i64> = None;
        for (event, summary) in self.story.events.iter().zip(&summaries) {
            let at = event.at.map(|Micros(at)| at);
            let delta = last.zip(at).map(|(last, at)| at.saturating_sub(last));
            if let Some(silence) = delta.filter(|d| *d >= SILENCE) {
                let gap = format!(
                    "  {}  ┊ ┊ ┊  {} {}",
                    " ".repeat(24),
                    self.say("silence:", "无事件："),
                    span(silence)
                );
                let gap = self.paint(Paint::Dim, &gap);
                let _ = writeln!(self.text, "{gap}");
            }
            let mark = if deciding
                .iter()
                .any(|place| *place == event.locator.as_str())
            {
                self.paint(Paint::Red, "►")
            } else {
                " ".to_owned()
            };
            let time = event.at.map_or_else(|| "     ?      ".to_owned(), clock);
            let delta = delta.map(|d| format!("+{}", span(d))).unwrap_or_default();
            let place = self.paint(Paint::Dim, &clean(&event.locator));
            let _ = writeln!(
                self.text,
                "{mark} {time} {}  {}  {}  {place}",
                self.paint(Paint::Dim, &pad(&delta, 11, true)),
                self.lanes(event),
                pad(summary, column, false),
            );
            if full {
                for line in wrap(&clean(&event.detail), COLUMNS - 6) {
                    let line = self.paint(Paint::Dim, &line);
                    let _ = writeln!(self.text, "      {line}");
                }
            }
            last = at.or(last);
        }
        if self.story.events.is_empty() {
            let none = self.say("no event is linked", "没有关联的事件").to_owned();
            let _ = writeln!(self.text, "  {none}");
        }
    }

    /// `● │ │`: which of the three saw it.
    fn lanes(&self, event: &EventRow) -> String {
        let lane = match event.kind.as_str() {
            "log" => 0,
            "apdu" | "nfc" => 1,
            _ => 2,
        };
        let paints = [Paint::Blue, Paint::Magenta, Paint::Cyan];
        let signs: Vec<String> = paints
            .iter()
            .enumerate()
            .map(|(i, paint)| {
                if i == lane {
                    self.paint(*paint, "●")
                } else {
                    self.paint(Paint::Dim, "│")
                }
            })
            .collect();
        signs.join(" ")
    }

    fn evidence(&mut self) {
        let cause = self.story.transaction.cause.clone();
        let (mine, others): (Vec<&EvidenceRow>, Vec<&EvidenceRow>) = self
            .story
            .evidence
            .iter()
            .partition(|e| Some(&e.cause) == cause.as_ref());
        let (against, speaks_for): (Vec<&EvidenceRow>, Vec<&EvidenceRow>) = mine
            .into_iter()
            .partition(|e| e.role == "refuting" || e.weight < 0.0);
        if !speaks_for.is_empty() {
            self.title("Evidence for", "支持证据");
            speaks_for.iter().for_each(|e| self.piece(e));
        }
        if !against.is_empty() {
            self.title("Evidence against", "反对证据");
            against.iter().for_each(|e| self.piece(e));
        }
        if !others.is_empty() {
            self.title("Evidence about other causes", "关于其他原因的证据");
            let mut last = None;
            for piece in others {
                if last != Some(&piece.cause) {
                    let line = format!("{}: {}", piece.cause, self.name(&piece.cause));
                    let _ = writeln!(self.text, "  {}", clean(&line));
                    last = Some(&piece.cause);
                }
                self.piece(piece);
            }
        }
    }

    fn piece(&mut self, e: &EvidenceRow) {
        let sign = match e.role.as_str() {
            "decisive" => self.paint(Paint::Green, "●"),
            "refuting" => self.paint(Paint::Red, "−"),
            _ if e.weight < 0.0 => self.paint(Paint::Red, "−"),
            _ => self.paint(Paint::Green, "+"),
        };
        let sentence = clean(self.say(&e.text_en, &e.text_zh));
        let mut lines = wrap(&sentence, COLUMNS - 4).into_iter();
        let _ = writeln!(self.text, "  {sign} {}", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(self.text, "    {line}");
        }
        let fact = pairs(&e.fact, &e.value);
        let fact = clean(&format!("{fact}  [{} {:+.1}]", e.rule, e.weight));
        let fact = self.paint(Paint::Dim, &fact);
        let _ = writeln!(self.text, "    {fact}");
        for place in e.locators.iter().take(6) {
            let place = self.paint(Paint::Dim, &clean(place));
            let _ = writeln!(self.text, "      {place}");
        }
        if e.locators.len() > 6 {
            let _ = writeln!(self.text, "      +{}", e.locators.len() - 6);
        }
    }

    fn rest(&mut self) {
        let t = &self.story.transaction;
        if !t.alternatives.is_empty() {
            self.title("What else it could be", "其他可能");
            for a in &t.alternatives {
                let line = format!(
                    "{:>4.0} %  {}: {}",
                    a.confidence * 100.0,
                    a.cause,
                    self.name(&a.cause)
                );
                let _ = writeln!(self.text, "  {}", clean(&line));
            }
        }
        if let Some(missing) = &t.missing_evidence {
            self.title("What would decide", "可判定的缺失证据");
            for line in wrap(&clean(missing), COLUMNS - 2) {
                let _ = writeln!(self.text, "  {line}");
            }
        }
        if let Some(incident) = &self.story.incident {
            self.title("Part of an incident", "所属聚集事件");
            let line = format!(
                "{} {} {}: {}",
                incident.incident_id,
                incident.scope,
                incident.scope_value,
                self.say(&incident.text_en, &incident.text_zh)
            );
            for line in wrap(&clean(&line), COLUMNS - 2) {
                let _ = writeln!(self.text, "  {line}");
            }
        }
    }
}

/// `a,b` and `1,2` as `a = 1, b = 2`.
fn pairs(names: &str, values: &str) -> String {
    if names.split(',').count() != values.split(',').count() {
        return format!("{names} = {values}");
    }
    let pairs = names.split(',').zip(values.split(','));
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    pairs.join(", ")
}

/// `12.3 ms`, `1.25 s`, `3 min 20 s`.
fn span(micros: i64) -> String {
    match micros {
        m if m < 10_000 => format!("{}.{} ms", m / 1000, (m % 1000) / 100),
        m if m < 1_000_000 => format!("{} ms", m / 1000),
        m if m < 60_000_000 => format!("{}.{:02} s", m / 1_000_000, (m % 1_000_000) / 10_000),
        m => format!("{} min {} s", m / 60_000_000, (m % 60_000_000) / 1_000_000),
    }
}
