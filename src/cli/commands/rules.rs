//! `tapscope rules check`: proves a rule folder on its own examples.

use crate::cli::Ending;
use crate::cli::args::{RulesArgs, RulesCommand};
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(crate) fn run(args: &RulesArgs, _output: &Output) -> Ending {
    let RulesCommand::Check { dir } = &args.command;
    Err(Failure::failed(format!(
        "{}: rules are not part of this build",
        dir.display()
    )))
}
