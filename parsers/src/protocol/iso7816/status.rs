//! Explains status words by the command that they answer (`tables/status_words.tsv`).

use std::sync::LazyLock;

use super::Kind;
use crate::protocol::table;

const TSV: &str = include_str!("../../../tables/status_words.tsv");

/// How a reader takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Normal in its place.
    Info,
    /// The transaction can go on.
    Warning,
    /// The command failed.
    Error,
}

/// What a status word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The command it is explained for: `any`, `SELECT PPSE` …
    pub command: &'static str,
    /// The words it covers: `6A82`, `61XX`, `63CX`, `93XX-9FXX`, `not 9000`.
    pub pattern: &'static str,
    /// Meaning in English.
    pub en: &'static str,
    /// Meaning in Chinese.
    pub zh: &'static str,
    /// What readers usually do.
    pub action: &'static str,
    /// Causes it points at, separated by `|`; `-` for none.
    pub causes: &'static str,
    /// How a reader takes it.
    pub severity: Severity,
    /// Where this is from.
    pub source: &'static str,
}

static TABLE: LazyLock<Vec<Status>> = LazyLock::new(|| {
    table::rows::<10>(TSV)
        .filter_map(
            |[
                command,
                _,
                pattern,
                en,
                zh,
                _,
                action,
                causes,
                severity,
                source,
            ]| {
                Some(Status {
                    command,
                    pattern,
                    en,
                    zh,
                    action,
                    causes,
                    severity: match severity {
                        "ok" => Severity::Ok,
                        "info" => Severity::Info,
                        "warn" => Severity::Warning,
                        "error" => Severity::Error,
                        _ => return None,
                    },
                    source,
                })
            },
        )
        .collect()
});

/// True where the pattern covers the word; `X` stands for any digit.
fn covers(pattern: &str, sw: u16) -> bool {
    let digit = |sw: u16, at: u32| (sw >> (12 - 4 * at)) & 0xF;
    match pattern {
        "not 9000" => sw != 0x9000,
        "93XX-9FXX" => (0x9300..=0x9FFF).contains(&sw),
        _ => {
            pattern.len() == 4
                && (0..)
                    .zip(pattern.chars())
                    .all(|(at, c)| c == 'X' || c.to_digit(16) == Some(u32::from(digit(sw, at))))
        }
    }
}

/// How narrow a pattern is: exact words before families, families before "anything else".
fn narrowness(pattern: &str) -> usize {
    match pattern {
        "not 9000" => 0,
        _ if pattern.len() != 4 => 1,
        _ => 2 + pattern.bytes().filter(|&b| b != b'X').count(),
    }
}

/// What the word means as an answer to this command; in general where the table has nothing for the command.
#[must_use]
pub fn explain(kind: Option<Kind>, sw: u16) -> Option<&'static Status> {
    let name = kind.map_or("any", Kind::name);
    let rank = |row: &Status| {
        // The table adds where a command is seen: `VERIFY (contact fallback)`.
        let command = row.command.split(" (").next().unwrap_or_default();
        let fits = match command {
            "any" | "GET RESPONSE / proprietary" => 0,
            _ if command == name => 1,
            _ => return None,
        };
        let narrow = narrowness(row.pattern);
        // "Anything but 9000" says less than a general row that knows the word.
        covers(row.pattern, sw).then_some(if narrow == 0 {
            (0, 1)
        } else {
            (fits + 1, narrow)
        })
    };
    TABLE
        .iter()
        .filter_map(|row| rank(row).map(|rank| (rank, row)))
        .max_by_key(|&(rank, _)| rank)
        .map(|(_, row)| row)
}

/// What the word means by command, for each command of which the table knows it exactly; what it means in general is not among them.
pub fn meanings(sw: u16) -> impl Iterator<Item = &'static Status> {
    TABLE.iter().filter(move |row| {
        row.command != "any" && row.pattern.len() == 4 && covers(row.pattern, sw)
    })
}

#[cfg(test)]
pub(super) fn table() -> (&'static [Status], &'static str) {
    (&TABLE, TSV)
}
