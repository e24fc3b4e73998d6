//! `tapscope rules check`: proves a rule folder on its own examples.

use crate::attribute::rules_check;
use crate::cli::args::{RulesArgs, RulesCommand};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::{DONE, Ending, NO};
use crate::report::clean;

pub(crate) fn run(args: &RulesArgs, output: &Output) -> Ending {
    let RulesCommand::Check { dir } = &args.command;
    let checked = rules_check(dir).map_err(|fault| Failure::failed(fault.to_string()))?;
    for fault in &checked.faults {
        let word = output.paint_err(Paint::Red, "fault:");
        output.note(&format!("{word} {}", clean(&fault.to_string())));
    }
    output.result(&format!(
        "{}: {} rule files, {} examples, {} faults\n",
        clean(&dir.display().to_string()),
        checked.files,
        checked.examples,
        checked.faults.len()
    ))?;
    Ok(if checked.faults.is_empty() { DONE } else { NO })
}
