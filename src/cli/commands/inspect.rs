//! `tapscope inspect`: one transaction's story, or the list of those that fit.

use crate::cli::args::InspectArgs;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::story::{self, Depth};
use crate::cli::{DONE, Ending, NO, table};
use crate::report::{Folder, Selector, Transaction, clean, readable};

/// Transactions that the list shows.
const LISTED: usize = 50;

pub(crate) fn run(args: &InspectArgs, output: &Output) -> Ending {
    let selector = Selector::parse(&args.selector).map_err(|message| {
        Failure::usage(message).hint("tapscope inspect DIR stan=000123 terminal=10000019")
    })?;
    let folder = Folder::open(&args.dir)?;
    let (mut found, count) = folder.find(&selector, LISTED)?;
    if count == 1
        && let Some(transaction) = found.pop()
    {
        let story = folder.story(transaction)?;
        if let Some(target) = &args.html {
            story.write_page(target, args.lang.into())?;
            output.result(&format!("{}\n", target.display()))?;
        } else if args.json {
            output.json(&story)?;
        } else {
            let depth = if args.full {
                Depth::Whole
            } else {
                Depth::Brief
            };
            let columns = args.width.map_or_else(|| output.columns(), usize::from);
            let page = story::tell(&story, args.lang.into(), depth, columns);
            output.result(&page.text(output))?;
        }
        return Ok(DONE);
    }
    if args.json {
        output.json(&found)?;
    } else if count > 0 {
        output.result(&list(&found))?;
    }
    if count == 0 {
        let none = output.paint_err(Paint::Yellow, "nothing found");
        let words = clean(&args.selector.join(" "));
        output.note(&format!("{none} for {words}"));
        let hint = output.paint_err(Paint::Cyan, "hint:");
        let dir = clean(&args.dir.display().to_string());
        output.note(&format!(
            " {hint} times are UTC; fewer keys find more; `tapscope browse {dir}` lists all failed attempts"
        ));
        return Ok(NO);
    }
    let shown = found.len() as u64;
    output.note(&format!("{count} transactions fit; name one by its tx_id, or narrow with stan= rrn= terminal= merchant= amount= last4= interface= cause= at="));
    if count > shown {
        output.note(&format!("(the first {shown} are listed)"));
    }
    Ok(DONE)
}

fn list(found: &[Transaction]) -> String {
    let text = |value: &Option<crate::event::Text>| value.as_deref().unwrap_or("").to_owned();
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|t| {
            vec![
                t.tx_id.to_string(),
                t.started_at.map(readable).unwrap_or_default(),
                text(&t.terminal_id),
                text(&t.stan),
                story::money(t),
                text(&t.pan_masked),
                t.interface.to_string(),
                t.outcome.to_string(),
                text(&t.cause),
            ]
        })
        .collect();
    let header = [
        "tx_id",
        "started (UTC)",
        "terminal",
        "stan",
        "amount",
        "card",
        "interface",
        "outcome",
        "cause",
    ];
    table::render(&header, &rows)
}
