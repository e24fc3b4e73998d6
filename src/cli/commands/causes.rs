//! `tapscope causes`: the catalogue of root causes.

use crate::cli::Ending;
use crate::cli::args::CausesArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(crate) fn run(_args: &CausesArgs, _output: &Output) -> Ending {
    Err(Failure::failed("the catalogue is not part of this build"))
}
