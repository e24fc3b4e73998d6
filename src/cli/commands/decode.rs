//! `tapscope decode`: explains one thing: an APDU, data objects, a bit field, a status word, an ISO 8583 message.

use std::fmt::Write as _;
use std::io::Read as _;

use serde_json::{Value, json};
use tapscope_parsers::explain::{Context, Kind, Node, explain, guess};
use tapscope_parsers::protocol::emv::{tags, tlv};
use tapscope_parsers::protocol::iso7816::{self, looks_like_command, looks_like_response};

use crate::cli::args::{DecodeArgs, Lang};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::{DONE, Ending};
use crate::report::clean;

/// Bytes of an input that are explained.
const MOST: usize = 1 << 20;

pub(crate) fn run(args: &DecodeArgs, output: &Output) -> Ending {
    let (asked, rest) = split(&args.words);
    let (named, rest) = match asked {
        Some(_) => (None, rest),
        None => of_command(rest),
    };
    let bytes = bytes(rest)?;
    if bytes.is_empty() {
        return Err(Failure::usage("nothing to decode: no hex digit was given"));
    }
    let guessed = asked.is_none();
    let dol = args.dol.as_deref().map(list).transpose()?;
    let kinds = if let Some(kind) = asked {
        vec![kind]
    } else {
        let kinds = guess(&bytes);
        if dol.is_some() && kinds.first() != Some(&Kind::Command) {
            vec![Kind::DolData]
        } else {
            kinds
        }
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
        command: args.command.as_deref().map(command).transpose()?.or(named),
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
    {
        // Hex that is set apart may begin like a tag: `95 05 …` is an object, `95 0400008000` a tag and its value.
        let hex = first.len() == 2 && unhex(first).is_some();
        let apart = first.eq_ignore_ascii_case("sw");
        if !hex || apart || is_value(kind, first, &rest.concat()) {
            return (Some(kind), rest);
        }
    }
    (None, words)
}

/// True where the bytes have the length of that tag's value, and both together are not something whole.
fn is_value(kind: Kind, tag: &str, rest: &str) -> bool {
    let (Kind::Value(number), Some(value), Some(both)) =
        (kind, unhex(rest), unhex(&format!("{tag}{rest}")))
    else {
        return false;
    };
    let fits = |length: usize| tags::meanings(number).iter().any(|info| info.fits(length));
    let whole = tlv::is_whole(&both) && fits(value.len().saturating_sub(1));
    let status = both.len() == 2 && looks_like_response(&both);
    fits(value.len())
        && !tlv::is_constructed(number)
        && !whole
        && !status
        && !looks_like_command(&both)
}

/// The command that an answer or a status word belongs to, where the first word names it: `gpo 6985`.
fn of_command(words: &[String]) -> (Option<iso7816::Kind>, &[String]) {
    if let [first, rest @ ..] = words
        && !rest.is_empty()
        && unhex(first).is_none()
        && let Some(command) = iso7816::Kind::from_name(first)
    {
        return (Some(command), rest);
    }
    (None, words)
}

/// Hex on the command line, a file, or standard input; the latter two as hex text or as they are.
fn bytes(words: &[String]) -> Result<Vec<u8>, Failure> {
    let text = words.join(" ");
    if text != "-" {
        if let Some(bytes) = unhex(&text).or_else(|| labelled(&text)) {
            return Ok(bytes);
        }
        let digits = text.chars().filter(|c| !c.is_whitespace()).count();
        if digits % 2 == 1 && unhex(&format!("{text}0")).is_some() {
            return Err(Failure::usage(format!(
                "{digits} hex digits: one is missing or one too many"
            )));
        }
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
    let hex = std::str::from_utf8(&content)
        .ok()
        .and_then(|text| unhex(text).or_else(|| labelled(text)));
    Ok(hex.unwrap_or(content))
}

/// The hex of one line of a log: what stands behind its last label, arrow or sign (`APDU: 00 A4 …`, `<< 6A82`, `sw=6985`).
fn labelled(text: &str) -> Option<Vec<u8>> {
    let line = text.trim();
    if line.contains('\n') {
        return None;
    }
    let start = line
        .rfind(['>', '<', '=', '(', '['])
        .into_iter()
        .chain(line.find(": ").map(|at| at + 1))
        .max()?;
    let hex = line
        .get(start + 1..)?
        .trim_end_matches([')', ']', ';', '.']);
    unhex(hex).filter(|bytes| bytes.len() >= 2)
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
    use super::{labelled, of_command, split, unhex};
    use tapscope_parsers::explain::Kind;

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
        for (text, hex) in [
            ("> 80A80000028300", "80A80000028300"),
            ("C-APDU: 00 A4 04 00", "00A40400"),
            ("11:22:33 sw=6985", "6985"),
            ("[recv] -> (9000)", "9000"),
        ] {
            assert_eq!(labelled(text), unhex(hex), "{text}");
        }
        assert_eq!(labelled("no: hex"), None);
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
        let value = |text: &str| match split(&words(text)).0 {
            Some(Kind::Value(tag)) => Some(tag),
            _ => None,
        };
        assert_eq!(value("95 0400008000"), Some(0x95));
        assert_eq!(value("82 7C 00"), Some(0x82));
        assert_eq!(value("95 05 00 00 00 80 00"), None);
        assert_eq!(value("90 00"), None);
        assert_eq!(value("80 A8 00 00 02 83 00 00"), None);
        assert!(of_command(&words("gpo 6985")).0.is_some());
        assert!(of_command(&words("00 A4")).0.is_none());
    }
}
