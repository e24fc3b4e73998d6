//! `tapscope causes`: the catalogue of root causes, or one of them whole.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::analyze::load_catalogue;
use crate::attribute::{Catalogue, Cause, EvidenceRule, Role};
use crate::cli::args::{CausesArgs, Lang};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::table::{render, wrap};
use crate::cli::{DONE, Ending};
use crate::report::clean;

/// Columns of running text.
const COLUMNS: usize = 100;

pub(crate) fn run(args: &CausesArgs, output: &Output) -> Ending {
    let catalogue = load_catalogue(&args.rules)?;
    let zh = args.lang == Lang::Zh;
    let Some(code) = &args.code else {
        if args.json {
            output.json(&catalogue.causes().iter().map(as_json).collect::<Vec<_>>())?;
        } else {
            output.result(&list(&catalogue, zh))?;
        }
        return Ok(DONE);
    };
    let code = code.to_uppercase();
    let Some(cause) = catalogue.get(&code) else {
        let failure = Failure::failed(format!("no cause {code} in the catalogue"));
        return Err(match nearest(&catalogue, &code) {
            Some(near) => failure.hint(format!("did you mean {near}? `tapscope causes` lists all")),
            None => failure.hint("`tapscope causes` lists all"),
        });
    };
    if args.json {
        output.json(&as_json(cause))?;
    } else {
        output.result(&whole(&catalogue, cause, zh, output))?;
    }
    Ok(DONE)
}

fn list(catalogue: &Catalogue, zh: bool) -> String {
    let mut causes: Vec<&Cause> = catalogue.causes().iter().collect();
    causes.sort_by(|a, b| (&a.family, &a.code).cmp(&(&b.family, &b.code)));
    let rows: Vec<Vec<String>> = causes
        .iter()
        .map(|cause| {
            vec![
                cause.code.clone(),
                if zh { &cause.name_zh } else { &cause.name_en }.clone(),
                cause.owners.join(", "),
            ]
        })
        .collect();
    let header = if zh {
        ["代码", "名称", "责任方"]
    } else {
        ["code", "name", "who acts"]
    };
    render(&header, &rows)
}

/// The code that shares most of its words with what was asked for.
fn nearest<'a>(catalogue: &'a Catalogue, asked: &str) -> Option<&'a str> {
    let shared = |code: &str| {
        let words = asked.split('_').filter(|word| !word.is_empty());
        words
            .filter(|word| code.contains(word))
            .map(str::len)
            .sum::<usize>()
    };
    catalogue
        .causes()
        .iter()
        .map(|cause| (shared(&cause.code), cause.code.as_str()))
        .filter(|(score, _)| *score >= 3)
        .max_by_key(|(score, code)| (*score, std::cmp::Reverse(*code)))
        .map(|(_, code)| code)
}

fn whole(catalogue: &Catalogue, cause: &Cause, zh: bool, output: &Output) -> String {
    let say = |en: &'static str, zh_text: &'static str| if zh { zh_text } else { en };
    let pick = |en: &'_ String, zh_text: &'_ String| if zh { zh_text.clone() } else { en.clone() };
    let mut text = format!(
        "{}  {}\n{}: {}\n",
        output.paint(Paint::Bold, &cause.code),
        clean(&pick(&cause.name_en, &cause.name_zh)),
        say("who acts", "责任方"),
        cause.owners.join(", "),
    );
    let paragraph = |text: &mut String, title: &str, body: &str| {
        let _ = writeln!(text, "\n{}", output.paint(Paint::Bold, title));
        for line in wrap(&clean(body), COLUMNS - 2) {
            let _ = writeln!(text, "  {line}");
        }
    };
    let explanation = pick(&cause.explanation_en, &cause.explanation_zh);
    paragraph(&mut text, say("What happens", "现象"), &explanation);
    let remedy = pick(&cause.remedy_en, &cause.remedy_zh);
    paragraph(&mut text, say("What to do", "处理办法"), &remedy);
    for (role, title) in [
        (Role::Decisive, say("Decisive evidence", "决定性证据")),
        (Role::Supporting, say("Supporting evidence", "支持证据")),
        (Role::Refuting, say("Refuting evidence", "反对证据")),
    ] {
        let rules: Vec<&EvidenceRule> = cause.evidence.iter().filter(|e| e.role == role).collect();
        if rules.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}", output.paint(Paint::Bold, title));
        for rule in rules {
            let sentence = format!(
                "{:+.1}  {}",
                rule.weight,
                pick(&rule.text_en, &rule.text_zh)
            );
            for (i, line) in wrap(&clean(&sentence), COLUMNS - 8).iter().enumerate() {
                let _ = writeln!(text, "{}{line}", if i == 0 { "  " } else { "        " });
            }
            let condition = rule
                .when
                .sql
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            for line in wrap(&clean(&condition), COLUMNS - 8) {
                let _ = writeln!(text, "        {}", output.paint(Paint::Dim, &line));
            }
        }
    }
    if !cause.look_alikes.is_empty() {
        let title = say("Look-alikes", "易混淆原因");
        let _ = writeln!(text, "\n{}", output.paint(Paint::Bold, title));
        for other in &cause.look_alikes {
            let name = catalogue
                .get(&other.code)
                .map(|c| pick(&c.name_en, &c.name_zh));
            let _ = writeln!(
                text,
                "  {}  {}",
                other.code,
                clean(&name.unwrap_or_default())
            );
            for line in wrap(
                &clean(&pick(&other.told_apart_en, &other.told_apart_zh)),
                COLUMNS - 6,
            ) {
                let _ = writeln!(text, "      {line}");
            }
        }
    }
    let _ = writeln!(text, "\n{}", output.paint(Paint::Dim, &clean(&cause.file)));
    text
}

fn as_json(cause: &Cause) -> Value {
    json!({
        "code": cause.code, "family": cause.family, "name_en": cause.name_en, "name_zh": cause.name_zh,
        "explanation_en": cause.explanation_en, "explanation_zh": cause.explanation_zh,
        "remedy_en": cause.remedy_en, "remedy_zh": cause.remedy_zh, "owners": cause.owners,
        "look_alikes": cause.look_alikes.iter().map(|l| json!({
            "code": l.code, "told_apart_en": l.told_apart_en, "told_apart_zh": l.told_apart_zh,
        })).collect::<Vec<_>>(),
        "evidence": cause.evidence.iter().map(|e| json!({
            "name": e.name, "role": e.role.name(), "weight": e.weight, "when": e.when.sql,
            "text_en": e.text_en, "text_zh": e.text_zh,
        })).collect::<Vec<_>>(),
        "file": cause.file,
    })
}
