//! Fills the page's template. Everything from input goes through auto-escape or into the JSON block, never into markup.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use std::fmt::Write as _;

use minijinja::{Environment, Value, context};
use sha2::{Digest as _, Sha256};

use super::PageOptions;
use super::chart::{bar, escape, stack, timeline};
use super::data::PageData;
use crate::plan::Language;
use crate::report::folder::Story;
use crate::report::overview::{Ledger, PlaceCount, Summary, share};
use crate::report::{Error, UNDETERMINED, readable};

const REPORT: &str = include_str!("report.html");
const TRANSACTION: &str = include_str!("transaction.html");
const STYLE: &str = concat!(
    include_str!("report.css"),
    include_str!("vendor/uplot-1.6.32.min.css")
);
/// The bulk report's script: the chart library, then ours in one scope.
const SCRIPT: &str = concat!(
    "/*\n",
    include_str!("vendor/uplot-LICENSE"),
    "*/\n",
    include_str!("vendor/uplot-1.6.32.min.js"),
    "\n\"use strict\";(() => {\n",
    include_str!("js/base.js"),
    include_str!("js/lanes.js"),
    include_str!("js/story.js"),
    include_str!("js/facets.js"),
    include_str!("js/when.js"),
    include_str!("js/places.js"),
    include_str!("js/list.js"),
    include_str!("js/report.js"),
    "})();\n"
);
/// The script of one transaction's page.
const SCRIPT_ONE: &str = concat!(
    "\"use strict\";(() => {\n",
    include_str!("js/base.js"),
    include_str!("js/lanes.js"),
    include_str!("js/story.js"),
    include_str!("js/one.js"),
    "})();\n"
);
/// Places of each kind that the page names.
const PLACES: usize = 10;
/// Incidents that the page names.
const INCIDENTS: usize = 100;
/// Inputs with problems that the page names.
const PROBLEMS: usize = 60;

/// Nothing is loaded, nothing is sent, and only this style and this script run.
fn policy(script: &str) -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        BASE64.encode(Sha256::digest(STYLE)),
        BASE64.encode(Sha256::digest(script)),
    )
}

/// Fills a template; its name ends in `.html`, so that every value is escaped.
fn fill(name: &'static str, template: &'static str, values: &Value) -> Result<String, Error> {
    let fail = |e: minijinja::Error| Error::Page(format!("{e:#}"));
    let mut environment = Environment::new();
    environment.add_function("t", both);
    environment.add_filter("thousands", thousands);
    environment.add_filter("percent", percent);
    environment.add_filter("bytes", bytes);
    environment.add_template(name, template).map_err(fail)?;
    let template = environment.get_template(name).map_err(fail)?;
    template.render(values).map_err(fail)
}

fn language_code(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Zh => "zh-Hans",
    }
}

/// Makes the page of one transaction.
pub(super) fn render_one(
    story: &Story,
    data: &PageData,
    language: Language,
) -> Result<String, Error> {
    let values = context! {
        policy => policy(SCRIPT_ONE),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT_ONE.to_owned()),
        data => Value::from_safe_string(json_block(&data.json)),
        lang => language_code(language),
        tx => value(&story.transaction),
        failed => story.transaction.failed,
        started => story.transaction.started_at.map(readable),
        version => env!("CARGO_PKG_VERSION"),
    };
    fill("transaction.html", TRANSACTION, &values)
}

/// Makes the bulk report.
pub(super) fn render(
    summary: &Summary,
    data: &PageData,
    options: &PageOptions,
) -> Result<String, Error> {
    let places = [
        ("terminal", "Terminals", "终端", &summary.terminals),
        ("merchant", "Merchants", "商户", &summary.merchants),
        ("host", "Hosts", "主机", &summary.hosts),
        (
            "issuer",
            "Issuers (first six digits)",
            "发卡行（卡号前六位）",
            &summary.issuers,
        ),
        ("scheme", "Schemes", "卡组织", &summary.schemes),
    ];
    let values = context! {
        policy => policy(SCRIPT),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        data => Value::from_safe_string(json_block(&data.json)),
        lang => language_code(options.language),
        summary => value(summary),
        failed_share => share(summary.failed, summary.attempts),
        understood => share(summary.coverage.total.understood, summary.coverage.total.bytes),
        ignored => share(summary.coverage.total.ignored, summary.coverage.total.bytes),
        understood_share => share(known(&summary.coverage.total), summary.coverage.total.bytes),
        narrowed => options.narrowed(),
        merchant => options.merchant.clone(),
        timeline => Value::from_safe_string(timeline(&summary.timeline)),
        step => step_name(summary.timeline.step_seconds),
        causes => causes(summary),
        named => summary.causes.iter().filter(|c| c.code != UNDETERMINED).take(2).map(value).collect::<Vec<_>>(),
        incidents => incidents(summary),
        places => places.map(|(kind, en, zh, list)| place_card(kind, en, zh, list)).to_vec(),
        ledgers => ledgers(summary),
        problems => value(summary.coverage.problems.iter().take(PROBLEMS).collect::<Vec<_>>()),
        problems_left => summary.coverage.problems.len().saturating_sub(PROBLEMS),
        held => data.held,
        shortened => data.shortened,
        left_out => summary.failed.saturating_sub(data.held as u64),
    };
    fill("report.html", REPORT, &values)
}

fn value(item: impl serde::Serialize) -> Value {
    Value::from(minijinja::value::Serde(item))
}

/// Bytes whose structure is known.
fn known(ledger: &Ledger) -> u64 {
    ledger.understood.saturating_add(ledger.ignored)
}

fn causes(summary: &Summary) -> Vec<Value> {
    let most = summary.causes.first().map_or(1.0, |c| c.share.max(1e-9));
    summary
        .causes
        .iter()
        .zip((0..5).chain(std::iter::repeat(9)))
        .map(|(cause, color)| {
            let text = summary.texts.get(&cause.code);
            context! {
                cause => value(cause),
                text => text.map(value),
                color => color,
                bar => Value::from_safe_string(bar(cause.share / most, &format!("c{color}"))),
            }
        })
        .collect()
}

/// The largest first.
fn incidents(summary: &Summary) -> Vec<Value> {
    let mut list: Vec<_> = summary.incidents.iter().collect();
    list.sort_by_key(|incident| std::cmp::Reverse(incident.failed));
    list.into_iter().take(INCIDENTS).map(value).collect()
}

fn place_card(kind: &str, en: &str, zh: &str, list: &[PlaceCount]) -> Value {
    let rows: Vec<Value> = list
        .iter()
        .filter(|place| place.failed > 0)
        .take(PLACES)
        .map(|place| {
            let rate = share(place.failed, place.attempts);
            context! {
                place => value(place),
                rate => rate,
                bar => Value::from_safe_string(bar(rate, "bad")),
            }
        })
        .collect();
    context! { kind => kind, en => en, zh => zh, rows => rows }
}

fn ledgers(summary: &Summary) -> Vec<Value> {
    let total = ("total".to_owned(), summary.coverage.total);
    summary
        .coverage
        .kinds
        .iter()
        .chain([&total])
        .map(|(kind, ledger)| {
            let parts = [
                ("understood", ledger.understood),
                ("ignored", ledger.ignored),
                ("notunderstood", ledger.not_understood),
                ("unreadable", ledger.unreadable),
            ];
            context! {
                kind => kind,
                ledger => value(ledger),
                stack => Value::from_safe_string(stack(&parts)),
            }
        })
        .collect()
}

/// The same in both languages; the style sheet shows one.
#[allow(
    clippy::needless_pass_by_value,
    reason = "what the template engine hands over"
)]
fn both(en: String, zh: String) -> Value {
    Value::from_safe_string(format!(
        "<span class=\"en\" lang=\"en\">{}</span><span class=\"zh\" lang=\"zh-Hans\">{}</span>",
        escape(&en),
        escape(&zh)
    ))
}

/// `1234567` as `1,234,567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// One decimal below ten per cent, none above.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 99.95 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

fn bytes(number: u64) -> String {
    crate::report::text_bytes(number)
}

fn step_name(seconds: i64) -> String {
    match seconds {
        s if s >= 86_400 => format!("{} d", s / 86_400),
        s if s >= 3600 => format!("{} h", s / 3600),
        s if s >= 60 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// JSON that cannot end the block that it stands in.
fn json_block(json: &serde_json::Value) -> String {
    let text = json.to_string();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{json_block, percent, thousands};

    #[test]
    fn json_cannot_leave_its_block() {
        let json = serde_json::json!(["</script><script>alert(1)</script>", "\u{2028}&"]);
        let text = json_block(&json);
        assert!(!text.contains(['<', '>', '&', '\u{2028}']));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).ok(),
            Some(json)
        );
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.0, 0.0123, 0.5, 1.0].map(percent),
            ["0 %", "1.2 %", "50.0 %", "100 %"]
        );
    }
}
