//! `tapscope compare`: what changed between two analyses.

use crate::cli::args::{CompareArgs, Lang};
use crate::cli::output::{Output, Paint};
use crate::cli::page::{Page, painted, plain};
use crate::cli::{DONE, Ending, NO};
use crate::report::{Change, Comparison, Folder, Pair, Totals, compare};

/// Rows of each list that are printed.
const LISTED: usize = 30;

pub(crate) fn run(args: &CompareArgs, output: &Output) -> Ending {
    let (before, after) = (Folder::open(&args.before)?, Folder::open(&args.after)?);
    let comparison = compare(&before, &after)?;
    if args.json {
        output.json(&comparison)?;
    } else {
        let names = [&args.before, &args.after].map(|path| path.display().to_string());
        let page = tell(&comparison, &names, args.lang == Lang::Zh, output.columns());
        output.result(&page.text(output))?;
    }
    Ok(if comparison.differs() { NO } else { DONE })
}

fn tell(c: &Comparison, names: &[String; 2], zh: bool, columns: usize) -> Page {
    let mut page = Page::new(columns);
    let say = |en: &'static str, cn: &'static str| if zh { cn } else { en };
    totals(&mut page, say("before", "之前"), &names[0], &c.before, zh);
    totals(&mut page, say("after ", "之后"), &names[1], &c.after, zh);
    if !c.differs() {
        page.title(say("No difference", "没有差异"));
        let text = say(
            "No cause came or went, no place does clearly better or worse, and no attempt that is in both has another verdict.",
            "没有新增或消失的原因，没有明显变好或变差的地点，两次都有的交易结论相同。",
        );
        page.indented(2, text, None);
        return page;
    }
    for (change, en, cn) in [
        (Change::New, "New causes", "新出现的原因"),
        (Change::Worse, "Causes that are more frequent", "增多的原因"),
        (
            Change::Better,
            "Causes that are less frequent",
            "减少的原因",
        ),
        (Change::Gone, "Causes that are gone", "已消失的原因"),
    ] {
        let rows: Vec<_> = c.causes.iter().filter(|x| x.change == change).collect();
        if rows.is_empty() {
            continue;
        }
        page.title(say(en, cn));
        for row in rows.iter().take(LISTED) {
            let name = if zh && !row.text.name_zh.is_empty() {
                &row.text.name_zh
            } else {
                &row.text.name_en
            };
            let owners = row.text.owners.join(", ");
            let text = format!("{}  {name}  ({owners})", row.code);
            line(&mut page, change, row.counts, &text.replace("  ()", ""));
        }
        more(&mut page, rows.len());
    }
    for (change, en, cn) in [
        (Change::Worse, "Worse", "变差"),
        (Change::Better, "Mended", "已修复"),
    ] {
        let rows: Vec<_> = c.places.iter().filter(|x| x.change == change).collect();
        if rows.is_empty() {
            continue;
        }
        page.title(say(en, cn));
        for row in rows.iter().take(LISTED) {
            let cause = row.cause.as_deref().unwrap_or("");
            let text = format!("{} {}  {cause}", row.scope, row.id);
            line(&mut page, change, row.counts, &text);
        }
        more(&mut page, rows.len());
    }
    for (change, en, cn) in [
        (Change::New, "New incidents", "新的聚集事件"),
        (Change::Gone, "Incidents that are over", "已结束的聚集事件"),
    ] {
        let rows: Vec<_> = c.incidents.iter().filter(|x| x.change == change).collect();
        if rows.is_empty() {
            continue;
        }
        page.title(say(en, cn));
        for row in rows.iter().take(LISTED) {
            let text = if zh { &row.text_zh } else { &row.text_en };
            let lead = [painted(paint(change), "  ● ")];
            page.hang(&lead, &[plain("    ")], text, None);
        }
        more(&mut page, rows.len());
    }
    if !c.verdicts.is_empty() {
        page.title(say(
            "Other verdicts of the same attempts",
            "同一交易的不同结论",
        ));
        for row in c.verdicts.iter().take(LISTED) {
            let none = say("none", "无");
            let text = format!(
                "{}  {} → {}",
                row.tx_id,
                row.before.as_deref().unwrap_or(none),
                row.after.as_deref().unwrap_or(none)
            );
            page.indented(2, &text, None);
        }
        more(&mut page, c.verdicts.len());
    }
    page
}

fn totals(page: &mut Page, label: &str, name: &str, t: &Totals, zh: bool) {
    let share = t.failed as f64 * 100.0 / t.attempts.max(1) as f64;
    let mut text = if zh {
        format!(
            "{name}：{}笔，失败{}笔（{share:.1} %），未判定{}笔",
            t.attempts, t.failed, t.undetermined
        )
    } else {
        format!(
            "{name}: {} attempts, {} failed ({share:.1} %), {} undetermined",
            t.attempts, t.failed, t.undetermined
        )
    };
    if let Some((from, to)) = &t.period {
        let minute = |time: &str| time.get(..16).unwrap_or(time).replace('T', " ");
        text = format!("{text}, {} – {} UTC", minute(from), minute(to));
    }
    let lead = [painted(Paint::Dim, &format!("{label}  "))];
    page.hang(&lead, &[plain("        ")], &text, None);
}

/// `   3 → 12   of 240 → 260   text`
fn line(page: &mut Page, change: Change, counts: Pair, text: &str) {
    let numbers = format!("  {:>5} → {:<5}", counts.failed_before, counts.failed_after);
    let of = format!(
        " of {:>6} → {:<6}  ",
        counts.attempts_before, counts.attempts_after
    );
    let lead = [painted(paint(change), &numbers), painted(Paint::Dim, &of)];
    let under = [plain(&" ".repeat(34))];
    page.hang(&lead, &under, text, None);
}

fn more(page: &mut Page, count: usize) {
    if count > LISTED {
        let text = format!("… +{} (--json)", count - LISTED);
        page.indented(2, &text, Some(Paint::Dim));
    }
}

fn paint(change: Change) -> Paint {
    match change {
        Change::New | Change::Worse => Paint::Red,
        Change::Better | Change::Gone => Paint::Green,
    }
}
