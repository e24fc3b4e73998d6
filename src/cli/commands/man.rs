//! `tapscope man`: the manual pages.

use clap::CommandFactory as _;

use crate::cli::args::{Arguments, ManArgs};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::{DONE, Ending};

pub(crate) fn run(args: &ManArgs, output: &Output) -> Ending {
    let command = Arguments::command();
    if let Some(dir) = &args.out {
        std::fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(command, dir))
            .map_err(|e| Failure::failed(format!("{}: {e}", dir.display())))?;
        return Ok(DONE);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    output.result(&String::from_utf8_lossy(&page))?;
    Ok(DONE)
}
