//! `tapscope decode`: explains one thing.

use crate::cli::Ending;
use crate::cli::args::DecodeArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(crate) fn run(_args: &DecodeArgs, _output: &Output) -> Ending {
    Err(Failure::failed("decode is not part of this build"))
}
