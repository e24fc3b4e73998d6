//! `tapscope show`: the cited bytes in their context, masked.

use std::path::PathBuf;

use serde_json::{Value, json};
use tapscope_parsers::explain::Node;

use crate::cli::args::ShowArgs;
use crate::cli::excerpt::{self, Excerpt, FrameShown, LineShown, Reference, Shown};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::page::{Page, painted, plain};
use crate::cli::table::pad;
use crate::cli::{DONE, Ending};
use crate::plan::Language;
use crate::report::{Folder, Micros, SourceRow, clean, readable};

/// Bytes of a row of hex.
const ROW: usize = 16;

pub(crate) fn run(args: &ShowArgs, output: &Output) -> Ending {
    let references = args
        .references
        .iter()
        .map(|text| Reference::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    let run = args.run.as_deref().map(Run::open).transpose()?;
    if let Some(base) = &args.from {
        std::env::set_current_dir(base).map_err(|e| {
            Failure::failed(format!(
                "--from {}: {e}",
                clean(&base.display().to_string())
            ))
        })?;
    }
    let mut found = Vec::new();
    for reference in &references {
        let inputs = run.as_ref().map(|run| run.inputs.as_slice());
        let excerpt = excerpt::read(reference, inputs, args.context)?;
        let verified = match &run {
            Some(run) => Some(run.verify(reference, &excerpt)?),
            None => None,
        };
        refuse(reference, &excerpt.shown)?;
        found.push((reference, excerpt, verified));
    }
    if args.json {
        let list: Vec<Value> = found
            .iter()
            .map(|(reference, excerpt, verified)| as_json(reference, excerpt, verified.as_deref()))
            .collect();
        output.json(&list)?;
        return Ok(DONE);
    }
    let mut page = Page::new(output.columns());
    for (i, (reference, excerpt, verified)) in found.iter().enumerate() {
        if i > 0 {
            page.push(Vec::new());
        }
        heading(&mut page, reference, excerpt, verified.is_some());
        match &excerpt.shown {
            Shown::Lines(lines) => show_lines(&mut page, lines),
            Shown::Frame(frame) => show_frame(&mut page, frame, args.lang.into()),
            Shown::Behind(_) | Shown::Other(_) => {}
        }
    }
    output.result(&page.text(output))?;
    Ok(DONE)
}

/// What a run says of its inputs.
struct Run {
    dir: PathBuf,
    sources: Vec<SourceRow>,
    inputs: Vec<PathBuf>,
}

impl Run {
    fn open(dir: &std::path::Path) -> Result<Self, Failure> {
        let folder = Folder::open(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            sources: folder.sources()?,
            inputs: folder.inputs()?.into_iter().map(PathBuf::from).collect(),
        })
    }

    /// The hash at the time of the run, where the source still is what it was.
    fn verify(&self, reference: &Reference, excerpt: &Excerpt) -> Result<String, Failure> {
        let dir = clean(&self.dir.display().to_string());
        let Some(source) = self.sources.iter().find(|s| s.path == reference.path) else {
            return Err(Failure::failed(format!(
                "{}: {dir} read no such source",
                clean(&reference.path)
            ))
            .hint(format!(
                "tapscope query {dir} \"SELECT path FROM sources\" lists them"
            )));
        };
        if source.blake3 != excerpt.blake3 {
            return Err(Failure::failed(format!(
                "{} has changed since {dir} was made: its BLAKE3 was {}, and is {}",
                clean(&reference.path),
                source.blake3,
                excerpt.blake3
            ))
            .hint(
                "find the file as it was, or analyse again; without --run it is shown as it is now",
            ));
        }
        Ok(source.blake3.to_string())
    }
}

/// A place that is not there is an error.
fn refuse(reference: &Reference, shown: &Shown) -> Result<(), Failure> {
    let path = clean(&reference.path);
    match shown {
        Shown::Behind(count) => Err(Failure::failed(format!(
            "{path} has {count} {} only",
            match reference.place {
                excerpt::Cited::Lines(..) => "lines",
                excerpt::Cited::Frame(_) => "frames",
            }
        ))),
        Shown::Other(why) => Err(Failure::failed(format!("{path}: {why}"))),
        Shown::Lines(_) | Shown::Frame(_) => Ok(()),
    }
}

fn heading(page: &mut Page, reference: &Reference, excerpt: &Excerpt, verified: bool) {
    let mut row = vec![painted(Paint::Bold, &reference.path)];
    if let Some(encoding) = excerpt.encoding {
        row.push(painted(Paint::Dim, &format!("  {encoding}")));
    }
    if verified {
        row.push(painted(Paint::Green, "  unchanged since the run"));
    }
    page.push(row);
}

fn show_lines(page: &mut Page, lines: &[LineShown]) {
    let digits = lines.last().map_or(1, |line| line.number.to_string().len());
    for line in lines {
        let number = pad(&line.number.to_string(), digits, true);
        let (mark, paint) = if line.cited {
            (painted(Paint::Red, "► "), Some(Paint::Bold))
        } else {
            (plain("  "), None)
        };
        let lead = [mark, painted(Paint::Dim, &format!("{number} │ "))];
        let under = [plain(&" ".repeat(digits + 2)), painted(Paint::Dim, " │ ")];
        if line.text.is_empty() {
            page.push(lead.to_vec());
        } else {
            page.hang(&lead, &under, &line.text, paint);
        }
    }
}

fn show_frame(page: &mut Page, frame: &FrameShown, language: Language) {
    let digits = frame.around.last().map_or(1, |one| one.0.to_string().len());
    for (number, micros, line, cited) in &frame.around {
        let number = pad(&number.to_string(), digits, true);
        let time = micros.map(|at| readable(Micros(at))).unwrap_or_default();
        let (mark, paint) = if *cited {
            (painted(Paint::Red, "► "), Some(Paint::Bold))
        } else {
            (plain("  "), None)
        };
        let lead = [
            mark,
            painted(Paint::Dim, &format!("#{number} {} ", pad(&time, 23, false))),
        ];
        let under = [plain(&" ".repeat(digits + 4))];
        page.hang(&lead, &under, line, paint);
    }
    page.push(Vec::new());
    let mut text = frame.payload.clone();
    if !frame.more.is_empty() {
        let frames: Vec<String> = frame.more.iter().map(|n| format!("#{n}")).collect();
        text = format!("{text}, going on in {}", frames.join(", "));
    }
    page.indented(2, &text, None);
    if let Some(tree) = &frame.tree {
        branch(page, tree, "  ", "  ", language == Language::Zh);
    }
    if !frame.hex.is_empty() {
        page.push(Vec::new());
        for (row, digits) in frame.hex.as_bytes().chunks(ROW * 2).enumerate() {
            let bytes: Vec<String> = digits
                .chunks(2)
                .map(|pair| String::from_utf8_lossy(pair).into_owned())
                .collect();
            page.push(vec![
                painted(Paint::Dim, &format!("  {:04X}  ", row * ROW)),
                plain(&bytes.join(" ")),
            ]);
        }
    }
}

/// A node and what is below it.
fn branch(page: &mut Page, node: &Node, lead: &str, below: &str, zh: bool) {
    let pick = |en: &str, cn: &str| if zh && !cn.is_empty() { cn } else { en }.to_owned();
    let meaning = pick(&node.meaning_en, &node.meaning_zh);
    // The parts have the bytes again.
    let long = !node.children.is_empty() && node.hex.len() > ROW * 2;
    let mut text = if long || meaning == node.hex {
        String::new()
    } else {
        node.hex.clone()
    };
    if !meaning.is_empty() {
        text = format!("{text}  {meaning}");
    }
    if let Some(fault) = node.fault {
        text = format!("{text}  [{}: expected {}]", fault.code, fault.expected);
    }
    let label = pick(&node.label_en, &node.label_zh);
    let start = [plain(lead), painted(Paint::Cyan, &format!("{label}  "))];
    let under = [plain(&format!("{below}    "))];
    if text.trim().is_empty() {
        page.push(start.to_vec());
    } else {
        page.hang(&start, &under, text.trim_start(), None);
    }
    let last = node.children.len().saturating_sub(1);
    for (i, child) in node.children.iter().enumerate() {
        let (joint, rest) = if i == last {
            ("└ ", "  ")
        } else {
            ("├ ", "│ ")
        };
        branch(
            page,
            child,
            &format!("{below}{joint}"),
            &format!("{below}{rest}"),
            zh,
        );
    }
}

fn as_json(reference: &Reference, excerpt: &Excerpt, verified: Option<&str>) -> Value {
    let mut value = match &excerpt.shown {
        Shown::Lines(lines) => json!({
            "lines": lines.iter().map(|line| json!({
                "line": line.number, "text": line.text, "cited": line.cited,
            })).collect::<Vec<_>>(),
        }),
        Shown::Frame(frame) => json!({
            "frames": frame.around.iter().map(|(number, micros, line, cited)| json!({
                "frame": number, "at": micros.map(|at| crate::report::rfc3339(Micros(at))), "text": clean(line).as_str(), "cited": cited,
            })).collect::<Vec<_>>(),
            "payload": clean(&frame.payload).as_str(),
            "more_frames": frame.more,
            "message": frame.tree.as_ref().map(node_json),
            "hex": frame.hex,
        }),
        Shown::Behind(_) | Shown::Other(_) => json!({}),
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("path".to_owned(), json!(clean(&reference.path).as_str()));
        object.insert("encoding".to_owned(), json!(excerpt.encoding));
        object.insert("blake3".to_owned(), json!(excerpt.blake3));
        object.insert("unchanged".to_owned(), json!(verified.map(|_| true)));
    }
    value
}

fn node_json(node: &Node) -> Value {
    json!({
        "label_en": node.label_en, "label_zh": node.label_zh, "hex": node.hex,
        "meaning_en": node.meaning_en, "meaning_zh": node.meaning_zh,
        "children": node.children.iter().map(node_json).collect::<Vec<_>>(),
    })
}
