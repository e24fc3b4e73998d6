//! Aligns rows of text in columns, wide characters counted as wide.

/// Columns of a character on a terminal: wide ones take two.
fn width_of(c: char) -> usize {
    match c {
        '\u{0300}'..='\u{036F}' => 0,
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF00}'..='\u{FF60}'
        | '\u{FFE0}'..='\u{FFE6}'
        | '\u{1F300}'..='\u{1FAFF}'
        | '\u{20000}'..='\u{3FFFD}' => 2,
        _ => 1,
    }
}

/// Columns of a text.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// Fills up with spaces, at the right or (for numbers) at the left.
pub(crate) fn pad(text: &str, columns: usize, right: bool) -> String {
    let spaces = " ".repeat(columns.saturating_sub(width(text)));
    if right {
        format!("{spaces}{text}")
    } else {
        format!("{text}{spaces}")
    }
}

/// Breaks text at spaces (and between wide characters) so that each line fits.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    wrap_hanging(text, columns, columns)
}

/// As [`wrap`], with another width for the first line.
pub(crate) fn wrap_hanging(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    let mut last_space = None;
    for c in text.chars() {
        let columns = if lines.is_empty() { first } else { rest };
        if used + width_of(c) > columns && !line.is_empty() {
            let rest = match last_space.filter(|at| *at > 0) {
                Some(at) if width_of(c) == 1 => line.split_off(at),
                _ => String::new(),
            };
            lines.push(line.trim_end().to_owned());
            rest.trim_start().clone_into(&mut line);
            used = width(&line);
            last_space = None;
        }
        if c == ' ' {
            last_space = Some(line.len());
            if line.is_empty() {
                continue;
            }
        }
        line.push(c);
        used += width_of(c);
    }
    if !line.trim_end().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Rows under a header, each cell cleaned of control characters; numbers to the right.
pub(crate) fn render(header: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|c| crate::report::clean(c).to_string())
                .collect()
        })
        .collect();
    let mut widths: Vec<usize> = header.iter().map(|name| width(name)).collect();
    let mut numeric = vec![!rows.is_empty(); header.len()];
    for row in &rows {
        for ((cell, columns), number) in row.iter().zip(&mut widths).zip(&mut numeric) {
            *columns = (*columns).max(width(cell));
            *number &= cell.is_empty() || cell.parse::<f64>().is_ok();
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (i, ((cell, columns), right)) in cells.zip(&widths).zip(&numeric).enumerate() {
            if i > 0 {
                line.push_str("  ");
            }
            line.push_str(&pad(cell, *columns, *right));
        }
        format!("{}\n", line.trim_end())
    };
    let mut out = line(&mut header.iter().copied());
    let rule: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
    out.push_str(&line(&mut rule.iter().map(String::as_str)));
    for row in &rows {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{render, width, wrap};

    #[test]
    fn columns_line_up() {
        let rows = vec![
            vec!["插卡".to_owned(), "7".to_owned()],
            vec!["tap".to_owned(), "12".to_owned()],
        ];
        assert_eq!(
            render(&["what", "n"], &rows),
            "what   n\n----  --\n插卡   7\ntap   12\n"
        );
        assert_eq!(width("a插"), 3);
    }

    #[test]
    fn text_is_broken_at_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("请插卡交易", 4), ["请插", "卡交", "易"]);
        assert_eq!(wrap("unbreakable", 4), ["unbr", "eaka", "ble"]);
    }
}
