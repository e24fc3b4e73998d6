//! `tapscope formats`: every input format that is recognised.

use crate::cli::Ending;
use crate::cli::args::FormatsArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(crate) fn run(_args: &FormatsArgs, _output: &Output) -> Ending {
    Err(Failure::failed(
        "the list of formats is not part of this build",
    ))
}
