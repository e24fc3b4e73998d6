//! Lays text out in rows of painted words, for a given number of columns: for standard output and for the browser alike.

use super::output::{Output, Paint};
use super::table::{width, wrap_hanging};
use crate::report::clean;

/// A word and its colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Free of control characters.
    pub text: String,
    pub paint: Option<Paint>,
}

/// One line of a screen.
pub(crate) type Row = Vec<Word>;

/// A word without a colour.
pub(crate) fn plain(text: &str) -> Word {
    Word {
        text: clean(text).to_string(),
        paint: None,
    }
}

/// A coloured word.
pub(crate) fn painted(paint: Paint, text: &str) -> Word {
    Word {
        paint: Some(paint),
        ..plain(text)
    }
}

/// Columns that a row takes.
pub(crate) fn row_width(row: &[Word]) -> usize {
    row.iter().map(|word| width(&word.text)).sum()
}

/// Rows under way.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub rows: Vec<Row>,
    /// Columns that may be filled.
    pub columns: usize,
}

impl Page {
    /// An empty page; less than 40 columns cannot hold a timeline.
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            rows: Vec::new(),
            columns: columns.max(40),
        }
    }

    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// A blank line and a heading.
    pub(crate) fn title(&mut self, text: &str) {
        self.rows.push(Vec::new());
        self.rows.push(vec![painted(Paint::Bold, text)]);
    }

    /// Text behind a lead, wrapped; what does not fit continues behind another lead.
    pub(crate) fn hang(&mut self, lead: &[Word], next: &[Word], text: &str, paint: Option<Paint>) {
        let room = |lead: &[Word]| self.columns.saturating_sub(row_width(lead)).max(12);
        let lines = wrap_hanging(&clean(text), room(lead), room(next));
        for (i, line) in lines.into_iter().enumerate() {
            let mut row = if i == 0 { lead } else { next }.to_vec();
            row.push(Word { text: line, paint });
            self.rows.push(row);
        }
    }

    /// Wrapped text with the same blanks before every line.
    pub(crate) fn indented(&mut self, blanks: usize, text: &str, paint: Option<Paint>) {
        let lead = [plain(&" ".repeat(blanks))];
        self.hang(&lead, &lead, text, paint);
    }

    /// The page as text, coloured where standard output is.
    pub(crate) fn text(&self, output: &Output) -> String {
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (i, word) in row.iter().enumerate() {
                let last = i + 1 == row.len();
                let text = if last {
                    word.text.trim_end()
                } else {
                    &word.text
                };
                match word.paint {
                    Some(paint) if !text.trim().is_empty() => {
                        line.push_str(&output.paint(paint, text));
                    }
                    _ => line.push_str(text),
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, plain};

    #[test]
    fn what_does_not_fit_continues_under_itself() {
        let mut page = Page::new(40);
        let text = "the terminal waited in vain for the answer of its host";
        page.hang(&[plain("cause: ")], &[plain("       ")], text, None);
        let lines: Vec<String> = page
            .rows
            .iter()
            .map(|row| row.iter().map(|word| word.text.as_str()).collect())
            .collect();
        assert_eq!(
            lines,
            [
                "cause: the terminal waited in vain for",
                "       the answer of its host"
            ]
        );
    }

    #[test]
    fn a_word_holds_no_control_character() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}").text, "a\\x1b[2Jb\\u{202e}");
    }
}
