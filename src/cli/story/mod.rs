//! Tells one transaction on a screen: who, what, why, a timeline in three lanes, and the evidence.

mod timeline;
mod unfold;

pub(crate) use unfold::Depth;

use std::fmt::Write as _;

use super::output::Paint;
use super::page::{Page, painted, plain};
use super::table::pad;
use crate::plan::Language;
use crate::report::{CauseText, EvidenceRow, Story, Transaction, UNDETERMINED, readable};

/// Columns of a label.
const LABEL: usize = 14;
/// Running text is not wider than this, however wide the screen.
const TEXT: usize = 120;

/// Tells a story on a page of so many columns.
pub(crate) fn tell(story: &Story, language: Language, depth: Depth, columns: usize) -> Page {
    let kernel = story.transaction.kernel.as_deref();
    let mut teller = Teller {
        story,
        zh: language == Language::Zh,
        depth,
        kernel: kernel.and_then(|kernel| kernel.parse().ok()),
        page: Page::new(columns),
    };
    teller.head();
    teller.verdict();
    teller.timeline();
    teller.page.columns = columns.clamp(40, TEXT);
    teller.evidence();
    teller.rest();
    teller.page
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

/// How many per cent, and how good the evidence is.
pub(crate) fn how_sure(t: &Transaction) -> String {
    let confidence = t.confidence.map(|c| format!("{:.0} %", c * 100.0));
    let parts: Vec<String> = confidence
        .into_iter()
        .chain(t.strength.as_deref().map(str::to_owned))
        .collect();
    parts.join(", ")
}

struct Teller<'a> {
    story: &'a Story,
    zh: bool,
    depth: Depth,
    kernel: Option<u32>,
    page: Page,
}

impl Teller<'_> {
    fn say<'s>(&self, en: &'s str, zh: &'s str) -> &'s str {
        if self.zh && !zh.is_empty() { zh } else { en }
    }

    fn title(&mut self, en: &str, zh: &str) {
        let title = self.say(en, zh).to_owned();
        self.page.title(&title);
    }

    /// A label and its value, wrapped under itself.
    fn pair(&mut self, en: &str, zh: &str, value: &str, paint: Option<Paint>) {
        if value.is_empty() {
            return;
        }
        let label = format!("{}  ", pad(self.say(en, zh), LABEL, false));
        let under = [plain(&" ".repeat(LABEL + 2))];
        self.page
            .hang(&[painted(Paint::Dim, &label)], &under, value, paint);
    }

    fn cause(&self, code: &str) -> Option<&CauseText> {
        self.story.causes.iter().find(|cause| cause.code == code)
    }

    fn name(&self, code: &str) -> String {
        match self.cause(code) {
            Some(cause) => self.say(&cause.name_en, &cause.name_zh).to_owned(),
            None => code.to_owned(),
        }
    }

    fn head(&mut self) {
        let t = &self.story.transaction;
        let mut when = String::new();
        if let Some(start) = t.started_at {
            let _ = write!(when, "  {} UTC", readable(start));
        }
        if let Some(ms) = t.duration_ms {
            let took = self.say("took", "历时");
            let _ = write!(when, "  {took} {}.{:03} s", ms / 1000, ms.rem_euclid(1000));
        }
        self.page
            .push(vec![painted(Paint::Bold, &t.tx_id), plain(&when)]);
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
        self.pair("amount", "金额", &money, None);
        self.pair("card", "卡片", &card, None);
        self.pair("terminal", "终端", &place, None);
        self.pair("numbers", "编号", &numbers, None);
        self.pair("joined by", "关联依据", &joined, None);
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
            self.pair("sale", "同笔销售", &line, None);
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
        let Some(code) = t.cause.as_deref() else {
            self.pair("outcome", "结果", &result, None);
            let none = self.say("nothing to explain", "无需解释").to_owned();
            self.pair("cause", "原因", &none, None);
            return;
        };
        let mut line = format!("{code}: {}", self.name(code));
        let sure = how_sure(t);
        if !sure.is_empty() && code != UNDETERMINED {
            let _ = write!(line, " ({sure})");
        }
        let paint = if code == UNDETERMINED {
            Paint::Yellow
        } else {
            Paint::Red
        };
        self.pair("cause", "原因", &line, Some(paint));
        if let (true, Some(best)) = (code == UNDETERMINED, t.alternatives.first()) {
            let line = format!("{}: {} ({sure})", best.cause, self.name(&best.cause));
            self.pair("likeliest", "最可能", &line, None);
        }
        self.pair("outcome", "结果", &result, None);
        if let Some(cause) = self.cause(code).cloned() {
            let explanation = self
                .say(&cause.explanation_en, &cause.explanation_zh)
                .to_owned();
            let remedy = self.say(&cause.remedy_en, &cause.remedy_zh).to_owned();
            self.pair("meaning", "含义", &explanation, None);
            self.pair("what to do", "处理办法", &remedy, Some(Paint::Green));
        }
        self.pair("who acts", "责任方", &t.owners.join(", "), None);
        let also: Vec<String> = t
            .contributing
            .iter()
            .map(|c| format!("{c}: {}", self.name(c)))
            .collect();
        self.pair("also", "促成因素", &also.join("; "), None);
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
                    self.page.indented(2, &line, None);
                    last = Some(&piece.cause);
                }
                self.piece(piece);
            }
        }
    }

    fn piece(&mut self, e: &EvidenceRow) {
        let sign = match e.role.as_str() {
            "decisive" => painted(Paint::Green, "●"),
            "refuting" => painted(Paint::Red, "−"),
            _ if e.weight < 0.0 => painted(Paint::Red, "−"),
            _ => painted(Paint::Green, "+"),
        };
        let under = [plain("    ")];
        let sentence = self.say(&e.text_en, &e.text_zh).to_owned();
        let lead = [plain("  "), sign, plain(" ")];
        self.page.hang(&lead, &under, &sentence, None);
        let fact = pairs(&e.fact, &e.value);
        let fact = format!("{fact}  [{} {:+.1}]", e.rule, e.weight);
        self.page.hang(&under, &under, &fact, Some(Paint::Dim));
        let shown = if self.depth == Depth::Whole {
            usize::MAX
        } else {
            6
        };
        for place in e.locators.iter().take(shown) {
            // Never broken: it is there to be copied.
            let row = vec![plain("      "), painted(Paint::Cyan, place)];
            self.page.push(row);
        }
        if e.locators.len() > shown {
            let more = format!("+{}", e.locators.len() - shown);
            self.page.indented(6, &more, Some(Paint::Dim));
        }
    }

    fn rest(&mut self) {
        let t = &self.story.transaction;
        if !t.alternatives.is_empty() {
            self.title("What else it could be", "其他可能");
            for a in &t.alternatives {
                let share = format!("{:>4.0} %  ", a.confidence * 100.0);
                let line = format!("{}: {}", a.cause, self.name(&a.cause));
                let under = [plain("        ")];
                self.page.hang(&[plain(&share)], &under, &line, None);
            }
        }
        if let Some(missing) = &t.missing_evidence {
            self.title("What would decide", "可判定的缺失证据");
            self.page.indented(2, missing, None);
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
            self.page.indented(2, &line, None);
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
