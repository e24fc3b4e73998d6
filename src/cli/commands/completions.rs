//! `tapscope completions`: completions for a shell.

use clap::CommandFactory as _;

use crate::cli::args::{Arguments, CompletionsArgs};
use crate::cli::output::Output;
use crate::cli::{DONE, Ending};

pub(crate) fn run(args: &CompletionsArgs, output: &Output) -> Ending {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut Arguments::command(),
        "tapscope",
        &mut script,
    );
    output.result(&String::from_utf8_lossy(&script))?;
    Ok(DONE)
}
