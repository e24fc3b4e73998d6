//! Shows how far a run has come: a bar by bytes on standard error, or a word for each stage.

use std::io::IsTerminal as _;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::ProgressChoice;
use super::output::Output;
use crate::Observer;

/// A bar, or nothing.
pub(crate) struct Progress {
    bar: ProgressBar,
    words: Option<Output>,
    started: Instant,
}

impl Progress {
    pub(crate) fn new(choice: ProgressChoice, quiet: bool, verbose: bool, output: Output) -> Self {
        let shown = match choice {
            ProgressChoice::Always => true,
            ProgressChoice::Never => false,
            ProgressChoice::Auto => !quiet && std::io::stderr().is_terminal(),
        };
        let target = if shown {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        Self {
            bar,
            words: (verbose && !shown).then_some(output),
            started: Instant::now(),
        }
    }

    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// Greatest resident memory so far, where the system tells (Linux); zero elsewhere.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .map_or(0, |kib| kib / 1024)
}

impl Observer for Progress {
    fn total(&self, bytes: u64) {
        let style = ProgressStyle::with_template(
            "{msg:12} {wide_bar:.cyan/dim} {percent:>3} % {bytes:>10} of {total_bytes} {bytes_per_sec} {eta}",
        );
        if let Ok(style) = style {
            self.bar.set_style(style);
        }
        self.bar.set_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn stage(&self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.bar.tick();
        if let Some(output) = &self.words {
            let seconds = self.started.elapsed().as_secs_f64();
            output.note(&format!("{seconds:8.1} s {:>6} MiB  {name}", peak_memory()));
        }
    }
}
