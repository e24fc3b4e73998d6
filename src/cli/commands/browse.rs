//! `tapscope browse`: all failed attempts, to look through.

use std::io::IsTerminal as _;

use crate::cli::args::BrowseArgs;
use crate::cli::browse::{self, Browser};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::{DONE, Ending};
use crate::report::Folder;

pub(crate) fn run(args: &BrowseArgs, output: &Output) -> Ending {
    let folder = Folder::open(&args.dir)?;
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(
            Failure::failed("browse needs a terminal, and this is none").hint(format!(
                "tapscope query {} undetermined; tapscope inspect {0} TX_ID",
                args.dir.display()
            )),
        );
    }
    let summary = folder.summary()?;
    let failed = folder.failed()?;
    let name = args.dir.display().to_string();
    let mut browser = Browser::new(
        name,
        summary.attempts,
        failed,
        summary.texts,
        args.lang.into(),
    );
    browse::run(&mut browser, &folder, output.colours())
        .map_err(|e| Failure::failed(format!("the terminal: {e}")))?;
    Ok(DONE)
}
