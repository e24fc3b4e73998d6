//! Finds the files of one capture that was cut into pieces while it was made: ring buffers and hourly files, by their names.
//!
//! Names only propose; whether a file goes on where another ended, its times say (see [`super::Set`]).

use std::collections::BTreeMap;

use crate::source::Input;

/// Endings of captures, and of what they may be packed in.
const CAPTURES: [&str; 4] = ["pcapng", "pcap", "cap", "dmp"];
const PACKED: [&str; 6] = ["gz", "zst", "bz2", "xz", "lz4", "zip"];

/// Puts inputs that stand alone into one set where they are files of one capture, in the order in which they were made.
#[must_use]
pub fn with_captures(sets: Vec<Vec<usize>>, inputs: &[Input]) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = Vec::with_capacity(sets.len());
    let mut alone: Vec<usize> = Vec::new();
    for set in sets {
        match set.as_slice() {
            [one] => alone.push(*one),
            _ => out.push(set),
        }
    }
    let singles: Vec<Input> = alone
        .iter()
        .filter_map(|n| inputs.get(*n))
        .cloned()
        .collect();
    for group in groups(&singles) {
        out.push(
            group
                .iter()
                .filter_map(|n| alone.get(*n))
                .copied()
                .collect(),
        );
    }
    out.sort();
    out
}

/// Inputs that belong together, each group in the order in which it was captured; every input is in one group.
fn groups(inputs: &[Input]) -> Vec<Vec<usize>> {
    let mut by_name: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (n, input) in inputs.iter().enumerate() {
        match input.shown.as_str() {
            "-" => groups.push(vec![n]),
            shown => match series(shown) {
                Some((series, order)) => by_name.entry(series).or_default().push((order, n)),
                None => groups.push(vec![n]),
            },
        }
    }
    for (_, mut members) in by_name {
        members.sort();
        groups.push(members.into_iter().map(|(_, n)| n).collect());
    }
    groups.sort();
    groups
}

/// The series that a file belongs to, and its place in it as text that sorts; `None` where its name says nothing of the kind.
fn series(path: &str) -> Option<(String, String)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (name, packed) = match name.rsplit_once('.') {
        Some((rest, ending)) if PACKED.contains(&ending) => (rest, ending),
        _ => (name, ""),
    };
    let (stem, ending) = name.rsplit_once('.')?;
    let kind = |ending: &str| CAPTURES.iter().find(|k| **k == ending).copied();
    let of = |stem: &str, kind: &str, order: String| {
        Some((format!("{folder}/{stem}.{kind}.{packed}"), order))
    };
    // `day.pcap`, `day.pcap1`, `day.pcap2` (tcpdump -C), `day.pcap.1`.
    if let Some(kind) = kind(ending) {
        if let Some((head, order)) = numbered(stem) {
            return of(head, kind, order);
        }
        return of(stem, kind, String::new());
    }
    let digits = ending.trim_start_matches(|c: char| !c.is_ascii_digit());
    let letters = &ending[..ending.len() - digits.len()];
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let order = format!("{digits:0>8}");
    if let Some(kind) = kind(letters) {
        return of(stem, kind, order);
    }
    if letters.is_empty()
        && let Some((stem, ending)) = stem.rsplit_once('.')
        && let Some(kind) = kind(ending)
    {
        return of(stem, kind, order);
    }
    None
}

/// `day_00003_20260823100000` (dumpcap), `day-20260823-1000`, `day_2026-08-23_10-00-00` (tcpdump -G): what stands before
/// the number and time, and those.
fn numbered(stem: &str) -> Option<(&str, String)> {
    let tail = stem
        .rfind(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '_' | 'T' | ':' | '.')))
        .map_or(0, |at| {
            at + stem[at..].chars().next().map_or(1, char::len_utf8)
        });
    let (head, tail) = stem.split_at(tail);
    let digits: String = tail.chars().filter(char::is_ascii_digit).collect();
    // A time of twelve digits and more, perhaps behind a number.
    (digits.len() >= 12).then_some((head, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_ring_buffers_and_hourly_files() {
        let names = [
            "c/other.log",
            "c/day.pcap",
            "c/day.pcap1",
            "c/day.pcap10",
            "c/day.pcap2",
            "c/ring_00001_20260823100000.pcapng",
            "c/ring_00002_20260823110000.pcapng",
            "c/hour-2026-08-23_10-00-00.pcap.gz",
            "c/hour-2026-08-23_11-00-00.pcap.gz",
            "c/many.pcapng.1",
            "c/many.pcapng.2",
            "d/day.pcap",
        ];
        let inputs: Vec<Input> = names
            .iter()
            .map(|name| Input {
                path: name.into(),
                shown: (*name).into(),
                size: 0,
                stdin: false,
            })
            .collect();
        assert_eq!(
            groups(&inputs),
            [
                vec![0],
                vec![1, 2, 4, 3],
                vec![5, 6],
                vec![7, 8],
                vec![9, 10],
                vec![11]
            ]
        );
    }
}
