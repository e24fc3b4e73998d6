//! Turns any text into one line that neither a terminal nor a spreadsheet nor a page can be fooled by.

use std::fmt::Write as _;

use crate::event::Text;

/// Control characters and marks that change the direction of text are written out: `\x1b`, `\u{202e}`; line breaks and tabs become spaces.
#[must_use]
pub fn clean(text: &str) -> Text {
    if text.bytes().all(|b| (0x20..0x7F).contains(&b)) {
        return Text::new(text);
    }
    if !text.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Text::new(text);
    }
    let mut out = Text::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() && c.is_ascii() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Marks that show nothing and change how the rest is shown.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Neutralises what a spreadsheet would take for a formula (CWE-1236).
#[must_use]
pub fn cell(text: &str) -> String {
    if is_formula(text) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// What a spreadsheet would take for a formula.
pub(super) fn is_formula(text: &str) -> bool {
    matches!(
        text.trim_start().chars().next(),
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\0' | '＝' | '＋' | '－' | '＠')
    )
}

#[cfg(test)]
mod tests {
    use super::{cell, clean};

    #[test]
    fn hostile_text_becomes_harmless() {
        for (from, to) in [
            ("plain", "plain"),
            ("请插卡", "请插卡"),
            ("a\u{1b}[31mb", "a\\x1b[31mb"),
            ("a\tb\r\nc", "a b  c"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("\u{85}\u{7f}", "\\u{85}\\x7f"),
        ] {
            assert_eq!(clean(from), to);
        }
    }

    #[test]
    fn formulas_become_text() {
        for (from, to) in [
            ("=1+1", "'=1+1"),
            (" @SUM(A1)", "' @SUM(A1)"),
            ("\u{a0}\u{3000}=1", "'\u{a0}\u{3000}=1"),
            ("＝cmd", "'＝cmd"),
            ("-4141", "'-4141"),
            ("1-2", "1-2"),
            ("", ""),
        ] {
            assert_eq!(cell(from), to);
        }
    }
}
