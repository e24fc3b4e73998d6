//! Shows how far a run has come: a bar by bytes on standard error, or a word for each stage.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::ProgressChoice;
use super::output::Output;
use super::table::width;
use crate::Observer;

/// A bar, or nothing.
pub(crate) struct Progress {
    bar: ProgressBar,
    words: Option<Output>,
    shown: bool,
    started: Instant,
    watch: fn(&str),
}

impl Progress {
    pub(crate) fn new(
        choice: ProgressChoice,
        quiet: bool,
        verbose: bool,
        output: Output,
        watch: fn(&str),
    ) -> Self {
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
            shown,
            started: Instant::now(),
            watch,
        }
    }

    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
        self.say("end");
    }

    fn say(&self, stage: &str) {
        if let Some(output) = &self.words {
            let seconds = self.started.elapsed().as_secs_f64();
            output.note(&format!(
                "{seconds:8.1} s {:>6} MiB  {stage}",
                peak_memory()
            ));
        }
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

/// Columns of a file's name.
const NAME: usize = 36;

impl Observer for Progress {
    fn total(&self, bytes: u64) {
        self.bar.set_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
        // What is packed has more bytes than its file.
        let position = self.bar.position();
        if self.bar.length().is_some_and(|length| position > length) {
            self.bar.set_length(position);
        }
    }

    fn stage(&self, name: &str) {
        (self.watch)(name);
        // Only reading knows how much there is to do.
        let template = if name == "read" {
            "{msg:8} {wide_bar:.cyan/dim} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left  {prefix:.dim}"
        } else {
            "{spinner} {msg:12} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_message(name.to_owned());
        if self.shown {
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
        self.say(name);
    }

    fn file(&self, shown: &str) {
        self.bar.set_prefix(tail(&crate::report::clean(shown)));
    }
}

/// The end of a path tells more than its beginning.
fn tail(path: &str) -> String {
    let mut columns = 0;
    let cut = path.char_indices().rev().find(|(_, c)| {
        columns += width(c.encode_utf8(&mut [0; 4]));
        columns > NAME
    });
    match cut {
        Some((at, c)) => format!("…{}", path.get(at + c.len_utf8()..).unwrap_or_default()),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn long_paths_show_their_end() {
        assert_eq!(tail("logs/a.log"), "logs/a.log");
        let long = format!("{}/terminal-10000019.log", "folder/".repeat(9));
        let short = tail(&long);
        assert!(short.starts_with('…') && short.ends_with("/terminal-10000019.log"));
        assert_eq!(short.chars().count(), 37);
        assert_eq!(crate::cli::table::width(&tail(&"卡".repeat(30))), 37);
    }
}
