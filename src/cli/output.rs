//! Where words go: results to standard output, all else to standard error; colours only where they are wanted.

use std::io::{IsTerminal as _, Write};

use super::args::{ColorChoice, ErrorFormat};
use super::failure::Failure;

/// How to colour a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
}

/// Lines longer than this are hard to read.
const WIDEST: usize = 160;

/// Where words go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    color_out: bool,
    color_err: bool,
}

impl Output {
    pub(crate) fn new(choice: ColorChoice) -> Self {
        let wanted = |terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let unwanted = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
                terminal && !unwanted("NO_COLOR") && !dumb
            }
        };
        Self {
            color_out: wanted(std::io::stdout().is_terminal()),
            color_err: wanted(std::io::stderr().is_terminal()),
        }
    }

    /// Columns of standard output: the terminal's, else those of `COLUMNS`, else 100.
    pub(crate) fn columns(&self) -> usize {
        if std::io::stdout().is_terminal()
            && let Ok((columns, _)) = ratatui::crossterm::terminal::size()
            && columns > 0
        {
            return usize::from(columns).min(WIDEST);
        }
        let said = std::env::var("COLUMNS").ok();
        said.and_then(|columns| columns.parse().ok())
            .unwrap_or(100)
            .clamp(40, WIDEST)
    }

    /// True where standard output is coloured.
    pub(crate) fn colours(&self) -> bool {
        self.color_out
    }

    /// A word for standard output.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        painted(self.color_out, paint, text)
    }

    /// A word for standard error.
    pub(crate) fn paint_err(&self, paint: Paint, text: &str) -> String {
        painted(self.color_err, paint, text)
    }

    /// Writes a result.
    pub(crate) fn result(&self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    /// Writes a result as JSON.
    pub(crate) fn json(&self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.result(&text)
    }

    /// Writes a line to people. Nobody listening is no reason to stop.
    pub(crate) fn note(&self, line: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{}", harmless(line));
    }

    /// Says why a command could not do its job.
    pub(crate) fn failure(&self, failure: &Failure, format: ErrorFormat) {
        let message = crate::report::clean(&failure.message);
        match format {
            ErrorFormat::Human => {
                let error = self.paint_err(Paint::Red, "error:");
                self.note(&format!("{error} {message}"));
                if let Some(hint) = &failure.hint {
                    let word = self.paint_err(Paint::Cyan, "hint:");
                    self.note(&format!(" {word} {}", crate::report::clean(hint)));
                }
            }
            ErrorFormat::Json => self.note(
                &serde_json::json!({
                    "error": failure.code, "message": message.as_str(),
                    "hint": failure.hint, "exit_code": failure.exit,
                })
                .to_string(),
            ),
        }
    }
}

/// A line without card data, whatever it was made of: a path or an argument may hold a number.
fn harmless(line: &str) -> std::borrow::Cow<'_, str> {
    use tapscope_parsers::sensitive;
    static GATE: std::sync::LazyLock<crate::report::gate::Gate> = std::sync::LazyLock::new(|| {
        crate::report::gate::Gate::new(&crate::event::SeenCards::default())
    });
    if GATE.search(line.as_bytes()).is_none() {
        return line.into();
    }
    let mut spans = Vec::new();
    sensitive::in_text(line.as_bytes(), &mut spans);
    let hidden = |at: usize| {
        spans
            .iter()
            .any(|span| (span.start..span.end).contains(&at))
    };
    line.char_indices()
        .map(|(at, c)| if hidden(at) { '*' } else { c })
        .collect::<String>()
        .into()
}

fn painted(wanted: bool, paint: Paint, text: &str) -> String {
    if !wanted {
        return text.to_owned();
    }
    let code = match paint {
        Paint::Bold => "1",
        Paint::Dim => "2",
        Paint::Red => "31",
        Paint::Green => "32",
        Paint::Yellow => "33",
        Paint::Blue => "34",
        Paint::Magenta => "35",
        Paint::Cyan => "36",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
