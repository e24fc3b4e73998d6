//! Every prefix and every changed byte of every sample: no panic, and the ledger adds up (which `reading` checks on each).

use std::path::Path;

use super::reading::read;
use super::stories::TEXTS;
use tapscope_parsers::container::FORMATS;

/// How many of all changes are tried: one in so many. `TAPSCOPE_ALL_DAMAGE` tries all.
fn step(usual: usize) -> usize {
    if std::env::var_os("TAPSCOPE_ALL_DAMAGE").is_some() { 1 } else { usual }
}

/// A sample of every text format made of its own lines, every story, and the logs of the shipped day.
fn samples() -> Vec<(String, Vec<u8>)> {
    let mut out: Vec<(String, Vec<u8>)> = FORMATS
        .iter()
        .filter(|format| !format.samples.is_empty())
        .map(|format| {
            let mut text = format.samples.join("\n");
            text.push('\n');
            (format.name.to_owned(), text.into_bytes())
        })
        .collect();
    for story in TEXTS {
        out.push((story.name.to_owned(), story.text.as_bytes().to_vec()));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_dir(entry.path().join("input")).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "log" || e == "txt" || e == "json"))
        .collect();
    files.sort();
    for path in files.iter().step_by(step(8)) {
        let bytes = std::fs::read(path).unwrap();
        if bytes.len() < 20_000 {
            out.push((path.display().to_string(), bytes));
        }
    }
    out
}

#[test]
fn every_prefix_is_read_and_adds_up() {
    let mut tried = 0;
    for (name, bytes) in samples() {
        let whole = read(&name, &bytes);
        for end in (0..bytes.len()).step_by(step(1 + bytes.len() / 24)) {
            let part = read(&name, &bytes[..end]);
            assert_eq!(part.source.ledger.bytes, end as u64, "{name} {end}");
            assert!(part.events.len() <= whole.events.len() + 3, "{name} {end}");
            tried += 1;
        }
    }
    assert!(tried > 900, "{tried}");
}

#[test]
fn every_changed_byte_is_read_and_adds_up() {
    let mut tried = 0;
    for (name, bytes) in samples() {
        let mut changed = bytes.clone();
        for at in (0..bytes.len()).step_by(step(1 + bytes.len() / 16)) {
            for byte in [0, b'\n', b'"', b'<', 0xFF] {
                changed[at] = byte;
                let got = read(&name, &changed);
                assert_eq!(got.source.ledger.bytes, got_bytes(&got, bytes.len()), "{name} {at}");
                tried += 1;
            }
            changed[at] = bytes[at];
        }
    }
    assert!(tried > 2000, "{tried}");
}

/// UTF-16 is counted as decoded; everything else as it stands.
fn got_bytes(got: &super::reading::Read1, bytes: usize) -> u64 {
    match got.source.encoding {
        Some("UTF-8" | "GB18030") | None => bytes as u64,
        _ => got.source.ledger.bytes,
    }
}

#[test]
fn lines_deleted_doubled_and_swapped_add_up() {
    for (name, bytes) in samples() {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
        for at in (0..lines.len()).step_by(step(1 + lines.len() / 4)) {
            let mut deleted = lines.clone();
            deleted.remove(at);
            let mut doubled = lines.clone();
            doubled.insert(at, lines[at]);
            let mut swapped = lines.clone();
            swapped.swap(at, lines.len() / 2);
            for text in [deleted.concat(), doubled.concat(), swapped.concat()] {
                read(&name, &text);
            }
        }
    }
}
