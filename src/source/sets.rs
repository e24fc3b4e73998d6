//! Finds rotated logs: `pos.log.2.gz`, `pos.log.1`, `pos.log` are one log, the highest number first.

use super::Input;

/// Endings of compression that a rotated file may have.
const COMPRESSED: &[&str] = &[".gz", ".xz", ".zst", ".bz2", ".lz4"];

/// The log that a file belongs to, and how often it was rotated since; zero for the one that is still written.
fn rotation(shown: &str) -> (&str, u32) {
    let plain = COMPRESSED
        .iter()
        .find_map(|ending| shown.strip_suffix(ending))
        .unwrap_or(shown);
    let Some((base, number)) = plain.rsplit_once('.') else {
        return (shown, 0);
    };
    let digits = (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    match number.parse() {
        // `1.2.3.4` is an address, `capture.0001` a part: a log has letters in its last name part, and a dot in its name.
        Ok(number) if digits && number > 0 && is_log(base) => (base, number),
        _ => (shown, 0),
    }
}

fn is_log(base: &str) -> bool {
    let name = base.rsplit(['/', '\\']).next().unwrap_or(base);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let lower = name.to_ascii_lowercase();
    matches!(
        ending,
        "log" | "txt" | "out" | "json" | "jsonl" | "csv" | "logcat"
    ) || ["log", "logcat", "messages", "syslog", "dmesg", "kern"]
        .iter()
        .any(|word| {
            lower == *word
                || lower.ends_with(&format!("_{word}"))
                || lower.ends_with(&format!("-{word}"))
        })
}

/// Inputs by the log that they are part of: each set oldest first, sets in the order of their first input. Most sets have one.
#[must_use]
pub fn sets(inputs: &[Input]) -> Vec<Vec<usize>> {
    let mut sets: Vec<(&str, Vec<(u32, usize)>)> = Vec::new();
    let mut known: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for (index, input) in inputs.iter().enumerate() {
        let (base, number) = if input.stdin {
            (input.shown.as_str(), 0)
        } else {
            rotation(&input.shown)
        };
        let slot = *known.entry(base).or_insert_with(|| {
            sets.push((base, Vec::new()));
            sets.len() - 1
        });
        if let Some((_, members)) = sets.get_mut(slot) {
            members.push((number, index));
        }
    }
    sets.into_iter()
        .map(|(_, mut members)| {
            members.sort_by_key(|(number, index)| (std::cmp::Reverse(*number), *index));
            members.into_iter().map(|(_, index)| index).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Text;

    fn input(shown: &str) -> Input {
        Input {
            path: shown.into(),
            shown: Text::new(shown),
            size: 0,
            stdin: false,
        }
    }

    #[test]
    fn rotated_logs_are_one_log_oldest_first() {
        let names = [
            "a/pos.log",
            "a/pos.log.1",
            "a/pos.log.10.gz",
            "a/pos.log.2.gz",
            "b/pos.log",
            "capture.1",
            "logcat.1",
            "logcat.2",
            "x/messages.1",
            "10.0.0.1",
        ];
        let inputs: Vec<Input> = names.iter().map(|name| input(name)).collect();
        let seen: Vec<Vec<&str>> = sets(&inputs)
            .into_iter()
            .map(|set| set.into_iter().map(|i| names[i]).collect())
            .collect();
        assert_eq!(
            seen,
            [
                vec![
                    "a/pos.log.10.gz",
                    "a/pos.log.2.gz",
                    "a/pos.log.1",
                    "a/pos.log"
                ],
                vec!["b/pos.log"],
                vec!["capture.1"],
                vec!["logcat.2", "logcat.1"],
                vec!["x/messages.1"],
                vec!["10.0.0.1"],
            ]
        );
    }
}
