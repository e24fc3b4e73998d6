//! The command line: the only code that prints, exits or reads the environment.

mod args;
mod browse;
mod capture_why;
mod commands;
mod config;
mod excerpt;
mod failure;
mod network;
mod output;
mod page;
mod panics;
mod progress;
mod sandbox;
mod story;
mod table;

pub use panics::say_where_only;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use args::{Arguments, Command, ErrorFormat};
use failure::Failure;
use output::Output;

/// What a command ends with, when it does not fail.
pub(crate) type Ending = Result<u8, Failure>;

/// Done.
const DONE: u8 = 0;
/// Done, and the answer is no: nothing found, a fault found.
const NO: u8 = 1;
/// Done, but not every input was read whole.
const PARTLY: u8 = 3;

/// Runs the program with the given arguments, its own name first.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_watched(arguments, |_| ())
}

/// As [`run`]; `watch` is told each stage of an analysis as it begins. What it does there is done by the program: a test puts faults in.
#[must_use]
pub fn run_watched(arguments: impl IntoIterator<Item = OsString>, watch: fn(&str)) -> ExitCode {
    say_where_only();
    sandbox::keep_no_core();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match Arguments::command().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return usage(&error, &arguments),
    };
    let settled = match config::settle(&arguments, &matches) {
        Ok(settled) => settled,
        Err(failure) => {
            let format = matches.get_one::<ErrorFormat>("error_format").copied();
            Output::new(args::ColorChoice::Auto)
                .failure(&failure, format.unwrap_or(ErrorFormat::Human));
            return ExitCode::from(failure.exit);
        }
    };
    let parsed = Arguments::command()
        .try_get_matches_from(&settled.arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, &settled.arguments),
    };
    let output = Output::new(parsed.color);
    if let (Some(file), Command::Analyze(_), false) =
        (&settled.found, &parsed.command, parsed.quiet)
    {
        output.note(&format!("settings from {}", file.display()));
    }
    let work = || match &parsed.command {
        Command::Analyze(args) => commands::analyze::run(args, &parsed, &output, watch),
        Command::Inspect(args) => commands::inspect::run(args, &output),
        Command::Browse(args) => commands::browse::run(args, &output),
        Command::Compare(args) => commands::compare::run(args, &output),
        Command::Show(args) => commands::show::run(args, &output),
        Command::Report(args) => commands::report::run(args, &output),
        Command::Query(args) => commands::query::run(args, &output),
        Command::Decode(args) => commands::decode::run(args, &output),
        Command::Causes(args) => commands::causes::run(args, &output),
        Command::Formats(args) => commands::formats::run(args, &output),
        Command::Rules(args) => commands::rules::run(args, &output),
        Command::Config(args) => commands::config::run(args, &output),
        Command::Completions(args) => commands::completions::run(args, &output),
        Command::Man(args) => commands::man::run(args, &output),
        Command::Key(args) => commands::key::run(args, &output),
        Command::Scan(args) => commands::scan::run(args, &parsed, &output),
        Command::Verify(args) => commands::verify::run(args, &output),
    };
    // There should be no panic; the hook has named its place, and no half-made folder stands anywhere.
    let ending =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
            let place = crate::event::take_fault().unwrap_or_else(|| "another thread".to_owned());
            Err(Failure {
                code: "internal",
                ..Failure::failed(format!("internal error at {place}; nothing was written"))
            })
        });
    match ending {
        Ok(code) => ExitCode::from(code),
        // The reader has had enough: a quiet end.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure, parsed.error_format);
            ExitCode::from(failure.exit)
        }
    }
}

/// Help goes to standard output; what is wrong goes to standard error, as asked for.
fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::SUCCESS,
        };
    }
    let words: Vec<&str> = arguments.iter().filter_map(|a| a.to_str()).collect();
    let json = words.contains(&"--error-format=json")
        || words
            .windows(2)
            .any(|pair| pair == ["--error-format", "json"]);
    if json {
        let text = error.render().to_string();
        let message = text.trim_start_matches("error: ").lines().next();
        let failure = Failure::usage(message.unwrap_or_default());
        Output::new(args::ColorChoice::Never).failure(&failure, ErrorFormat::Json);
    } else {
        let _ = error.print();
    }
    ExitCode::from(2)
}
