//! Turns CSV text into rows that are read by column name.

use std::collections::BTreeMap;

/// A table in memory.
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: BTreeMap<String, usize>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads CSV with a header line (RFC 4180 quotes).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut rows = records(text.strip_prefix('\u{feff}').unwrap_or(text));
        if rows.is_empty() {
            return Self::default();
        }
        let columns = rows
            .remove(0)
            .into_iter()
            .enumerate()
            .map(|(i, n)| (n, i))
            .collect();
        Self { columns, rows }
    }

    /// A cell, empty where the column or the cell is missing.
    #[must_use]
    pub fn get(&self, row: usize, column: &str) -> &str {
        let i = self.columns.get(column).copied().unwrap_or(usize::MAX);
        self.rows
            .get(row)
            .and_then(|r| r.get(i))
            .map_or("", String::as_str)
    }

    /// Whether the table has this column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }
}

fn records(text: &str) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    let mut row = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                out.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        out.push(row);
    }
    out
}

/// Microseconds of a written UTC instant (`T` or blank, optional fraction, `Z` or `+00:00`).
#[must_use]
pub fn instant(s: &str) -> Option<i64> {
    let b = s.as_bytes();
    let n = |from: usize, to: usize| -> Option<i64> { s.get(from..to)?.parse().ok() };
    let (y, mo, d) = (n(0, 4)?, n(5, 7)?, n(8, 10)?);
    let (h, mi, se) = (n(11, 13)?, n(14, 16)?, n(17, 19)?);
    let mut us = 0;
    if b.get(19) == Some(&b'.') {
        let frac: String = s[20..]
            .chars()
            .take_while(char::is_ascii_digit)
            .take(6)
            .collect();
        us = format!("{frac:0<6}").parse().ok()?;
    }
    let (y2, m2) = if mo <= 2 {
        (y - 1, mo + 9)
    } else {
        (y, mo - 3)
    };
    let era = y2.div_euclid(400);
    let yoe = y2.rem_euclid(400);
    let days =
        era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + (153 * m2 + 2) / 5 + d - 1 - 719_468;
    Some(((days * 24 + h) * 3600 + mi * 60 + se) * 1_000_000 + us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quotes_and_times() {
        let t = Table::parse("a,b\n1,\"x, \"\"y\"\"\"\r\n\"li\nne\",\n");
        assert_eq!(
            (t.get(0, "b"), t.get(1, "a"), t.get(1, "b"), t.get(9, "a")),
            ("x, \"y\"", "li\nne", "", "")
        );
        assert_eq!(instant("1970-01-02T00:00:01.5Z"), Some(86_401_500_000));
        assert_eq!(
            instant("2026-03-18 01:05:15.535000+00:00"),
            instant("2026-03-18T01:05:15.535Z")
        );
        assert_eq!(instant("soon"), None);
    }
}
