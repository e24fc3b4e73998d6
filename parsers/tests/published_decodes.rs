//! Holds our decode against published decodes of real dialogues, tag by tag and bit by bit.
//!
//! The dialogues are not part of this project. They are looked for in `$TAPSCOPE_CORPUS/apdu` or `../../shared/corpus/apdu`;
//! without them the test says so and passes.
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests may say what they mean"
)]

use std::path::PathBuf;

use tapscope_parsers::explain::{Context, Kind, Node, explain};
use tapscope_parsers::protocol::emv::dialogue::Lists;
use tapscope_parsers::protocol::iso7816;

fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("TAPSCOPE_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
        PathBuf::from,
    );
    let folder = root.join("apdu");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no corpus at {}", folder.display());
    None
}

fn unhex(text: &str) -> Vec<u8> {
    text.trim()
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// One line of either decode: a tag with its value, or a set bit (byte, bit).
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Tag(u32, Option<String>),
    Bit(u8, u8),
}

/// Tags and bits of a published decode, one list for each command and each answer.
fn published(text: &str) -> Vec<Vec<Line>> {
    let mut blocks: Vec<Vec<Line>> = Vec::new();
    for line in text.lines() {
        if line.starts_with("C-APDU") || line.starts_with("R-APDU") {
            blocks.push(Vec::new());
            continue;
        }
        let Some(block) = blocks.last_mut() else {
            continue;
        };
        let line = line.trim();
        let bit = |text: &str| -> Option<(u8, u8)> {
            let rest = text.strip_prefix("Byte ")?;
            let (byte, rest) = rest.split_once(" Bit ")?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            Some((byte.parse().ok()?, digits.parse().ok()?))
        };
        if let Some((mask, rest)) = line.split_once(" (")
            && let Some((byte, bit)) = bit(rest)
        {
            // A mask of zero explains a bit that is not set.
            if mask.bytes().any(|b| b != b'0') {
                block.push(Line::Bit(byte, bit));
            }
            continue;
        }
        // `Byte 3 Bit 8 = 1: …` of card verification results; two-bit values are compared by their tag only.
        if line.starts_with("Byte ") {
            if line.contains(" = 1: ") && !line.contains(", Byte") {
                block.extend(bit(line).map(|(byte, bit)| Line::Bit(byte, bit)));
            }
            continue;
        }
        let Some((tag, rest)) = line.split_once(" (") else {
            continue;
        };
        let Ok(tag) = u32::from_str_radix(tag, 16) else {
            continue;
        };
        let value = rest
            .split_once("): ")
            .map(|(_, value)| value.to_owned())
            .filter(|value| {
                value.len() % 2 == 0
                    && value
                        .bytes()
                        .all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'))
            });
        block.push(Line::Tag(tag, value));
    }
    blocks
}

/// The same from our tree.
fn ours(node: &Node, out: &mut Vec<Line>) {
    let tag = node.label_en.split(' ').next().and_then(|word| {
        let hex = word.len() >= 2
            && word.len() % 2 == 0
            && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
        hex.then(|| u32::from_str_radix(word, 16).ok()).flatten()
    });
    // The published decode does not show the wrapper of the GPO data.
    if let Some(tag) = tag.filter(|&tag| tag != 0x83) {
        out.push(Line::Tag(
            tag,
            (!node.hex.contains('*')).then(|| node.hex.clone()),
        ));
    }
    if let Some(rest) = node.label_en.strip_prefix("byte ")
        && let Some((byte, bit)) = rest.split_once(", bit ")
    {
        out.push(Line::Bit(byte.parse().unwrap(), bit.parse().unwrap()));
    }
    // The published decode gives these as codes, not as bits.
    let as_codes = matches!(tag, Some(0x9F34 | 0x9F27));
    for child in node.children.iter().filter(|_| !as_codes) {
        ours(child, out);
    }
}

fn decode(dialogue: &str) -> Vec<Vec<Line>> {
    let apdus: Vec<Vec<u8>> = dialogue
        .lines()
        .filter(|l| !l.trim().is_empty())
        .map(unhex)
        .collect();
    let mut lists = Lists::default();
    let mut blocks = Vec::new();
    for pair in apdus.chunks_exact(2) {
        let [sent, received] = pair else {
            unreachable!()
        };
        let command = iso7816::command(sent).unwrap();
        let kind = command.kind();
        let dol = lists.list_for(&command).map(|(list, _)| list);
        let context = Context {
            kernel: None,
            command: Some(kind),
            dol,
        };
        for (kind, bytes) in [(Kind::Command, sent), (Kind::Response, received)] {
            let mut lines = Vec::new();
            ours(&explain(kind, bytes, context), &mut lines);
            blocks.push(lines);
        }
        if let Some(response) = iso7816::response(received) {
            lists.observe(kind, response.data);
        }
    }
    blocks
}

/// Where ours differs from a published decode on purpose: what it calls it, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "83 around the data of GET PROCESSING OPTIONS",
        "the published decode shows the values and leaves out the template that the command holds",
    ),
    (
        "bits of 9F34 and 9F27",
        "the published decode gives them as codes: compared by tag and value",
    ),
    (
        "two-bit values of card verification results",
        "the published decode gives them as a sentence: compared by tag and value",
    ),
    (
        "entries of data object lists",
        "the published value of an entry is the length that the list asks for: ours is in words",
    ),
    (
        "counters and text",
        "the published value is decimal or characters, ours hex with the meaning beside it",
    ),
];

/// Names of all published decodes that are there: `hexpairs_NAME-out.txt` beside `hexpairs_NAME-in.txt`.
fn published_names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            Some(
                name.strip_prefix("hexpairs_")?
                    .strip_suffix("-out.txt")?
                    .to_owned(),
            )
        })
        .collect();
    names.sort();
    names
}

#[test]
fn dialogues_decode_as_published() {
    let Some(folder) = corpus() else { return };
    let names = published_names(&folder);
    assert!(names.len() >= 2, "{names:?}");
    let (mut tags, mut values, mut bits) = (0, 0, 0);
    for name in &names {
        let read = |suffix: &str| {
            let path = folder.join(format!("hexpairs_{name}-{suffix}.txt"));
            String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
        };
        let want = published(&read("out"));
        let seen = decode(&read("in"));
        assert_eq!(want.len(), seen.len(), "{name}: commands and answers");
        for (at, (want, seen)) in want.iter().zip(&seen).enumerate() {
            let (t, v, b) = compare(&format!("{name}, APDU {at}"), want, seen);
            tags += t;
            values += v;
            bits += b;
        }
    }
    println!(
        "{}: {tags} tags, {values} of them with their values, and {bits} bits agree; differences by rule:",
        names.join(", ")
    );
    for (what, why) in DIFFERENCES {
        println!("  {what}: {why}");
    }
    assert!(
        tags > 150 && values >= 100 && bits > 60,
        "{tags} tags, {values} values, {bits} bits"
    );
}

/// Tags in their order, values where both give one, bits in their order; how many of each.
fn compare(place: &str, want: &[Line], seen: &[Line]) -> (usize, usize, usize) {
    let tags_of = |lines: &[Line]| -> Vec<(u32, Option<String>)> {
        lines
            .iter()
            .filter_map(|line| match line {
                Line::Tag(tag, value) => Some((*tag, value.clone())),
                Line::Bit(..) => None,
            })
            .collect()
    };
    let bits_of = |lines: &[Line]| -> Vec<Line> {
        lines
            .iter()
            .filter(|line| matches!(line, Line::Bit(..)))
            .cloned()
            .collect()
    };
    let names = |tags: &[(u32, Option<String>)]| -> Vec<String> {
        tags.iter().map(|(tag, _)| format!("{tag:X}")).collect()
    };
    let (wanted, found) = (tags_of(want), tags_of(seen));
    assert_eq!(names(&found), names(&wanted), "{place}");
    assert_eq!(bits_of(seen), bits_of(want), "{place}");
    let mut values = 0;
    for ((tag, seen), (_, want)) in found.iter().zip(&wanted) {
        let (Some(seen), Some(want)) = (seen, want) else {
            continue;
        };
        if seen.is_empty() {
            // An entry of a list.
            continue;
        }
        let decimal = u64::from_str_radix(seen, 16).map(|n| n.to_string());
        assert!(
            seen == want || decimal.as_ref() == Ok(want) || unhex(seen) == want.as_bytes(),
            "{place}, {tag:X}: {seen} {want}"
        );
        values += 1;
    }
    (wanted.len(), values, bits_of(want).len())
}
