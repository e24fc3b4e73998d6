//! `tapscope formats`: every input format that is recognised, and what the detectors see in a file.

use std::fmt::Write as _;

use serde_json::json;
use tapscope_parsers::{container, content};

use crate::cli::args::FormatsArgs;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::{DONE, Ending, capture_why, network, table};
use crate::decode::each_stream;
use crate::parse::own::Own;
use crate::parse::probe::{InputKind, probe_among};
use crate::plan::{Limits, Plan};
use crate::report::clean;
use crate::source;

/// What is no text: name, title, and what it is recognised by.
const BINARY: &[(&str, &str, &str)] = &[
    (
        "pcap",
        "network capture",
        "magic number, four kinds in two byte orders",
    ),
    (
        "pcapng",
        "network capture, next generation",
        "section header and byte-order mark",
    ),
    (
        "zvt-packet",
        "one ZVT packet, named by its time in milliseconds",
        "class, instruction and a length that fits",
    ),
];
/// What inputs may be wrapped in.
const WRAPPINGS: &[(&str, &str)] = &[
    ("gzip", "one stream; also several in a row"),
    ("zstd", "one stream"),
    ("xz", "one stream"),
    ("bzip2", "one stream"),
    ("lz4", "frames"),
    ("tar", "every member"),
    ("zip", "every member; archives in archives as well"),
];

pub(crate) fn run(args: &FormatsArgs, output: &Output) -> Ending {
    let own = own(&args.formats, &Limits::default())?;
    if let Some(path) = &args.why {
        return why(path, own, args, output);
    }
    if args.json {
        output.json(&json!({
            "own": own.formats.iter().map(|f| json!({"name": f.name, "title": f.title, "spec": f.spec})).collect::<Vec<_>>(),
            "own_wording": own.wording.len(),
            "text": container::FORMATS.iter().map(|f| json!({"name": f.name, "title": f.title, "spec": f.spec})).collect::<Vec<_>>(),
            "traces": container::trace::TRACES.iter().map(|f| json!({"name": f.name, "title": f.title, "spec": f.spec})).collect::<Vec<_>>(),
            "content": content::KINDS.iter().map(|k| json!({"name": k.name, "title": k.title})).collect::<Vec<_>>(),
            "binary": BINARY.iter().map(|(name, title, by)| json!({"name": name, "title": title, "recognised_by": by})).collect::<Vec<_>>(),
            "wrappings": WRAPPINGS.iter().map(|(name, title)| json!({"name": name, "title": title})).collect::<Vec<_>>(),
        }))?;
        return Ok(DONE);
    }
    let row = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
    let mut text = String::new();
    let mut section = |title: &str, header: &[&str], rows: &[Vec<String>]| {
        let _ = writeln!(text, "{}", output.paint(Paint::Bold, title));
        let _ = writeln!(text, "{}", table::render(header, rows));
    };
    if !args.formats.is_empty() {
        let rows: Vec<_> = own
            .formats
            .iter()
            .map(|f| row(&[f.name, f.title, f.spec]))
            .collect();
        let title = format!(
            "Your own, every sample holds; {} phrases of wording",
            own.wording.len()
        );
        section(&title, &["name", "what", "defined in"], &rows);
    }
    let rows: Vec<_> = container::FORMATS
        .iter()
        .map(|f| row(&[f.name, f.title, f.spec]))
        .collect();
    section(
        "Text, by how records are cut",
        &["name", "what", "defined in"],
        &rows,
    );
    let rows: Vec<_> = container::trace::TRACES
        .iter()
        .map(|f| row(&[f.name, f.title, f.spec]))
        .collect();
    section(
        "Card traces, read whole",
        &["name", "what", "defined in"],
        &rows,
    );
    let rows: Vec<_> = content::KINDS
        .iter()
        .map(|k| row(&[k.name, k.title]))
        .collect();
    section("What is found in any text", &["name", "what"], &rows);
    let rows: Vec<_> = BINARY
        .iter()
        .map(|(name, title, by)| row(&[name, title, by]))
        .collect();
    section("Binary", &["name", "what", "recognised by"], &rows);
    let rows: Vec<_> = WRAPPINGS
        .iter()
        .map(|(name, title)| row(&[name, title]))
        .collect();
    section("Read in place", &["name", "what"], &rows);
    text.push_str("Formats are recognised by content. --format NAME=GLOB forces one; --why FILE shows what the detectors see.\n");
    output.result(&text)?;
    Ok(DONE)
}

/// The user's own formats and wording, each proved by its samples.
pub(crate) fn own(folders: &[std::path::PathBuf], limits: &Limits) -> Result<Own, Failure> {
    let mut all = Own::default();
    let mut faults = Vec::new();
    for folder in folders {
        match crate::parse::own::load(folder, limits) {
            Ok(own) => {
                for format in own.formats {
                    if all.formats.iter().any(|known| known.name == format.name) {
                        faults.push(format!(
                            "{}: name {:?} stands twice",
                            folder.display(),
                            format.name
                        ));
                    } else {
                        all.formats.push(format);
                    }
                }
                all.wording.extend(own.wording);
            }
            Err(found) => faults.extend(found.iter().map(ToString::to_string)),
        }
    }
    match faults.split_first() {
        None => Ok(all),
        Some((first, rest)) => {
            let mut text = clean(first).to_string();
            for fault in rest {
                text = format!("{text}\n  {}", clean(fault));
            }
            Err(Failure::failed(format!("--formats: {text}")))
        }
    }
}

/// What every detector saw in a file, member by member.
fn why(path: &std::path::Path, own: Own, args: &FormatsArgs, output: &Output) -> Ending {
    let plan = Plan {
        inputs: vec![path.to_owned()],
        own_formats: own.formats,
        network: network::read(&args.keylog, &args.dialects)?,
        ..Plan::default()
    };
    let found = source::find(&plan);
    if let (true, Some(refused)) = (found.inputs.is_empty(), found.refused.first()) {
        return Err(Failure::failed(format!(
            "{}: {}",
            refused.shown, refused.text
        )));
    }
    let mut streams = Vec::new();
    for input in &found.inputs {
        each_stream(input, &plan, &mut |stream, reader| {
            let probed = probe_among(stream.head, &stream.later_samples(), &plan.own_formats);
            let capture = matches!(probed.kind, InputKind::Capture(_))
                .then(|| capture_why::look(reader, &plan));
            streams.push((stream.path.to_string(), probed, capture));
        });
    }
    if args.json {
        let list: Vec<_> = streams
            .iter()
            .map(|(path, probed, capture)| {
                json!({
                    "path": path, "format": probed.kind.name(), "why": probed.why,
                    "candidates": probed.candidates.iter().map(|c| json!({
                        "format": c.format.name, "score": c.score, "why": c.why,
                    })).collect::<Vec<_>>(),
                    "capture": capture.as_ref().map(capture_why::Told::json),
                })
            })
            .collect();
        output.json(&list)?;
        return Ok(DONE);
    }
    let mut text = String::new();
    for (path, probed, capture) in &streams {
        let name = output.paint(Paint::Bold, probed.kind.name());
        let _ = writeln!(text, "{}: {name}\n  {}", clean(path), clean(&probed.why));
        for candidate in &probed.candidates {
            let line = format!(
                "{:>5}  {:<18} {}",
                candidate.score, candidate.format.name, candidate.why
            );
            let _ = writeln!(text, "  {}", clean(&line));
        }
        if let Some(told) = capture {
            text.push_str(&told.text());
        }
    }
    output.result(&text)?;
    Ok(DONE)
}
