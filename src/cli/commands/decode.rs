//! `tapscope decode`: explains one thing: an APDU, data objects, a bit field, a status word, an ISO 8583 message.

use std::fmt::Write as _;
use std::io::Read as _;

use serde_json::{Value, json};
use tapscope_parsers::explain::{Context, Kind, Node, explain, guess};
use tapscope_parsers::protocol::iso7816::{self, looks_like_command};

use crate::cli::args::{DecodeArgs, Lang};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::{DONE, Ending};
use crate::report::clean;

/// Bytes of an input that are explained.
const MOST: usize = 1 << 20;

pub(crate) fn run(args: &DecodeArgs, output: &Output) -> Ending {
    let (asked, rest) = split(&args.words);
    let bytes = bytes(rest)?;
    if bytes.is_empty() {
        return Err(Failure::usage("nothing to decode: no hex digit was given"));
    }
    let guessed = asked.is_none();
    let dol = args.dol.as_deref().map(list).transpose()?;
    let kinds = match asked {
        Some(kind) => vec![kind],
        None if dol.is_some() && !looks_like_command(&bytes) => vec![Kind::DolData],
        None => guess(&bytes),
    };
    let kind = kinds.first().copied().unwrap_or(Kind::Unknown);
    let name = kind.name();
    let others: Vec<String> = kinds
        .iter()
        .skip(1)
        .filter(|kind| **kind != Kind::Unknown)
        .map(|kind| kind.name())
        .collect();
    let context = Context {
        kernel: args.kernel,
        command: args.command.as_deref().map(command).transpose()?,
        dol: dol.as_deref(),
    };
    let node = explain(kind, &bytes, context);
    if args.json {
        output.json(&json!({
            "kind": name, "guessed": guessed, "could_also_be": others, "node": as_json(&node),
        }))?;
        return Ok(DONE);
    }
    let zh = args.lang == Lang::Zh;
    let mut text = String::new();
    if guessed {
        let line = match (zh, others.is_empty()) {
            (false, true) => format!("taken for {name}"),
            (false, false) => format!("taken for {name}; could also be {}", others.join(", ")),
            (true, true) => format!("按 {name} 解析"),
            (true, false) => format!("按 {name} 解析；也可能是 {}", others.join("、")),
        };
        let _ = writeln!(text, "{}", output.paint(Paint::Dim, &line));
    }
    tree(&mut text, &node, "", "", zh, output);
    output.result(&text)?;
    Ok(DONE)
}

/// The bytes of a list given as an option.
fn list(text: &str) -> Result<Vec<u8>, Failure> {
    unhex(text)
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| Failure::usage("--dol takes hex: 9F66049F0206"))
}

/// The command given as an option.
fn command(name: &str) -> Result<iso7816::Kind, Failure> {
    iso7816::Kind::from_name(name).ok_or_else(|| {
        Failure::usage(
            "--command takes ppse, select, gpo, read-record, generate-ac, verify, get-data …",
        )
    })
}

/// The kind, where the first word names one and something follows.
fn split(words: &[String]) -> (Option<Kind>, &[String]) {
    if let [first, rest @ ..] = words
        && !rest.is_empty()
        && let Some(kind) = Kind::from_name(first)
        // Hex that is set apart may begin like a tag.
        && (first.len() > 2 || unhex(first).is_none() || first.eq_ignore_ascii_case("sw"))
    {
        return (Some(kind), rest);
    }
    (None, words)
}

/// Hex on the command line, a file, or standard input; the latter two as hex text or as they are.
fn bytes(words: &[String]) -> Result<Vec<u8>, Failure> {
    let text = words.join(" ");
    if text != "-"
        && let Some(bytes) = unhex(&text)
    {
        return Ok(bytes);
    }
    let mut content = Vec::new();
    if text == "-" {
        let stdin = std::io::stdin().lock();
        stdin.take(MOST as u64).read_to_end(&mut content)
    } else {
        std::fs::File::open(&text).and_then(|file| file.take(MOST as u64).read_to_end(&mut content))
    }
    .map_err(|e| {
        Failure::failed(format!(
            "{text}: neither hex nor a file that can be read: {e}"
        ))
        .hint("tapscope decode 9F6604B6004000; tapscope decode tlv FILE; tapscope decode sw 6985")
    })?;
    let hex = std::str::from_utf8(&content).ok().and_then(unhex);
    Ok(hex.unwrap_or(content))
}

/// Bytes of hex digits, however they are set apart: `00 A4`, `00:A4`, `0x00,0xA4`.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("0x", " ").replace("0X", " ");
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, ':' | ',' | '-' | ';' | '{' | '}'))
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect(),
    )
}

fn tree(text: &mut String, node: &Node, lead: &str, below: &str, zh: bool, output: &Output) {
    let pick = |en: &str, cn: &str| clean(if zh && !cn.is_empty() { cn } else { en });
    let mut line = output.paint(Paint::Bold, &pick(&node.label_en, &node.label_zh));
    if !node.hex.is_empty() {
        let _ = write!(line, "  {}", output.paint(Paint::Cyan, &clean(&node.hex)));
    }
    let meaning = pick(&node.meaning_en, &node.meaning_zh);
    if !meaning.is_empty() {
        let _ = write!(line, "  {meaning}");
    }
    if let Some(fault) = node.fault {
        let fault = format!(
            "[{}: expected {} at byte {}]",
            fault.code, fault.expected, fault.offset
        );
        let _ = write!(line, "  {}", output.paint(Paint::Red, &fault));
    }
    let _ = writeln!(text, "{lead}{line}");
    let last = node.children.len().saturating_sub(1);
    for (i, child) in node.children.iter().enumerate() {
        let (branch, rest) = if i == last {
            ("└ ", "  ")
        } else {
            ("├ ", "│ ")
        };
        tree(
            text,
            child,
            &format!("{below}{branch}"),
            &format!("{below}{rest}"),
            zh,
            output,
        );
    }
}

fn as_json(node: &Node) -> Value {
    json!({
        "label_en": node.label_en.trim(), "label_zh": node.label_zh.trim(), "hex": node.hex,
        "meaning_en": node.meaning_en, "meaning_zh": node.meaning_zh,
        "offset": node.place.map(|(offset, _)| offset), "length": node.place.map(|(_, length)| length),
        "fault": node.fault.map(|fault| json!({"code": fault.code, "offset": fault.offset, "expected": fault.expected})),
        "children": node.children.iter().map(as_json).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::{split, unhex};

    #[test]
    fn hex_is_read_in_any_dress() {
        for text in [
            "00A404",
            "00 a4 04",
            "00:A4:04",
            "0x00, 0xA4, 0x04",
            "{0x00,0xA4,0x04}",
        ] {
            assert_eq!(unhex(text), Some(vec![0, 0xA4, 4]), "{text}");
        }
        for text in ["00A", "hello", "./file"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }

    #[test]
    fn a_kind_comes_first() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(split(&words("sw 6985")).0.is_some());
        assert!(split(&words("00 A4 04 00")).0.is_none());
        assert!(split(&words("6985")).0.is_none());
    }
}
