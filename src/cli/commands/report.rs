//! `tapscope report`: writes the page again without parsing again.

use super::analyze::instant;
use crate::cli::args::ReportArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::{DONE, Ending};
use crate::report::{Folder, PageOptions, Recorded};

pub(crate) fn run(args: &ReportArgs, output: &Output) -> Ending {
    let folder = Folder::open(&args.dir)?;
    let time = |text: &Option<String>, flag| {
        text.as_deref()
            .map(|text| instant(text, None, flag))
            .transpose()
    };
    let options = PageOptions {
        language: args.lang.into(),
        since: time(&args.since, "--since")?,
        until: time(&args.until, "--until")?,
        merchant: args.merchant.clone(),
        limits: Recorded::read(&args.dir)?.bounds(),
    };
    let part = options.since.is_some() || options.until.is_some() || options.merchant.is_some();
    let target = match &args.out {
        Some(path) => path.clone(),
        // The folder's own page tells of all of it.
        None if part => {
            return Err(Failure::usage("a report of a part needs --out FILE"));
        }
        None => args.dir.join("report.html"),
    };
    if args.timesketch {
        let written = folder.write_timesketch(&target, &options)?;
        if written.left_out > 0 {
            output.note(&format!(
                "{} without a time are not in it",
                written.left_out
            ));
        }
        output.result(&format!("{}\n", target.display()))?;
        return Ok(DONE);
    }
    let attempts = folder.write_page(&target, &options)?;
    if attempts == 0 && part {
        output.note("no attempt fits: the page is empty");
    }
    output.result(&format!("{}\n", target.display()))?;
    Ok(DONE)
}
