//! `tapscope verify`: whether the files of a run, and the inputs that it read, are still what the manifest says.

use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::cli::args::VerifyArgs;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::{DONE, Ending, NO};
use crate::decode::{self, Hashes};
use crate::event::Text;
use crate::plan::{Limits, Plan};
use crate::report::{self, Recorded, RecordedFile};
use crate::source;

/// What is wrong with one file.
#[derive(Debug, Serialize)]
struct Finding {
    /// `output` or `input`.
    what: &'static str,
    path: String,
    /// `missing`, `changed`, `unexpected`, `unreadable`.
    problem: &'static str,
    detail: String,
}

#[derive(Debug, Default, Serialize)]
struct Verdict {
    outputs: usize,
    inputs: usize,
    /// Inputs that cannot be looked at again: standard input, and what could not be read then.
    not_checked: usize,
    findings: Vec<Finding>,
    manifest_blake3: String,
}

pub(crate) fn run(args: &VerifyArgs, output: &Output) -> Ending {
    let recorded = Recorded::read(&args.dir)?;
    let mut verdict = Verdict {
        manifest_blake3: recorded.manifest_blake3.clone(),
        ..Verdict::default()
    };
    outputs(&args.dir, &recorded, &mut verdict)?;
    if !args.outputs_only {
        let from = args
            .from
            .clone()
            .or_else(|| recorded.folder.as_ref().map(PathBuf::from))
            .unwrap_or_default();
        inputs(&from, &recorded, &mut verdict);
    }
    if args.json {
        output.json(&verdict)?;
    } else {
        tell(&verdict, output)?;
    }
    Ok(if verdict.findings.is_empty() {
        DONE
    } else {
        NO
    })
}

fn tell(verdict: &Verdict, output: &Output) -> Result<(), Failure> {
    let mut text = String::new();
    for finding in &verdict.findings {
        let problem = output.paint(Paint::Red, finding.problem);
        let path = report::clean(&finding.path);
        text.push_str(&format!("{problem}: {} {path}", finding.what));
        if !finding.detail.is_empty() {
            text.push_str(&format!(": {}", report::clean(&finding.detail)));
        }
        text.push('\n');
    }
    let word = if verdict.findings.is_empty() {
        output.paint(Paint::Green, "all as it was")
    } else {
        format!("{} differences", verdict.findings.len())
    };
    text.push_str(&format!(
        "{word}: {} outputs, {} inputs, {} not checked\nmanifest.json has BLAKE3 {}\n",
        verdict.outputs, verdict.inputs, verdict.not_checked, verdict.manifest_blake3
    ));
    output.result(&text)
}

fn outputs(dir: &Path, recorded: &Recorded, verdict: &mut Verdict) -> Result<(), Failure> {
    for file in &recorded.outputs {
        verdict.outputs += 1;
        // A manifest that was tampered with may name anything: only files of the folder itself are opened.
        let plain = Path::new(&file.path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let path = dir.join(&file.path);
        if !plain || !path.is_file() {
            verdict.add("output", &file.path, "missing", String::new());
            continue;
        }
        let now = file.as_it_stands(dir)?;
        if now != *file {
            let detail = difference(
                file,
                now.bytes,
                now.blake3.as_deref(),
                now.sha256.as_deref(),
            );
            verdict.add("output", &file.path, "changed", detail);
        }
    }
    for name in files_below(dir)? {
        if name != "manifest.json" && !recorded.outputs.iter().any(|file| file.path == name) {
            verdict.add(
                "output",
                &name,
                "unexpected",
                "not in the manifest".to_owned(),
            );
        }
    }
    Ok(())
}

/// Files of the folder and of those below it, with `/` between their names; links are not followed.
fn files_below(dir: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = dir.join(&folder);
        let fail = |e: std::io::Error| Failure::failed(format!("{}: {e}", path.display()));
        for entry in std::fs::read_dir(&path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = format!("{folder}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(fail)?.is_dir() {
                folders.push(name + "/");
            } else {
                names.push(name);
            }
        }
    }
    names.sort();
    Ok(names)
}

fn difference(
    file: &RecordedFile,
    bytes: u64,
    blake3: Option<&str>,
    sha256: Option<&str>,
) -> String {
    let mut said = Vec::new();
    if file.bytes != bytes {
        said.push(format!("{} bytes, were {}", bytes, file.bytes));
    }
    for (name, was, is) in [
        ("BLAKE3", file.blake3.as_deref(), blake3),
        ("SHA-256", file.sha256.as_deref(), sha256),
    ] {
        if was != is {
            said.push(format!(
                "{name} {}, was {}",
                is.unwrap_or("none"),
                was.unwrap_or("none")
            ));
        }
    }
    said.join("; ")
}

/// Reads the inputs again, as they were read then: members of archives one by one.
fn inputs(from: &Path, recorded: &Recorded, verdict: &mut Verdict) {
    let limits = recorded.bounds();
    let mut at = 0;
    while let Some(file) = recorded.inputs.get(at) {
        let Some(on_disk) = file_of(from, &file.path) else {
            at += 1;
            // Standard input, what could not be read, and names that were masked themselves.
            if file.path == "-" || file.path.contains('*') || file.blake3.is_none() {
                verdict.not_checked += 1
            } else {
                verdict.inputs += 1;
                verdict.add("input", &file.path, "missing", String::new());
            }
            continue;
        };
        // The streams of one file follow each other.
        let same = recorded.inputs.iter().skip(at);
        let group: Vec<&RecordedFile> = same
            .take_while(|next| file_of(from, &next.path).as_ref() == Some(&on_disk))
            .collect();
        at += group.len();
        check(&on_disk, &group, &limits, verdict);
    }
}

/// The file that a recorded path stands in: the path itself, or what stands before `!member`.
fn file_of(from: &Path, path: &str) -> Option<PathBuf> {
    let whole = from.join(path);
    if whole.is_file() {
        return Some(whole);
    }
    path.match_indices('!')
        .filter_map(|(at, _)| path.get(..at))
        .map(|outer| from.join(outer))
        .find(|outer| outer.is_file())
}

fn check(on_disk: &Path, group: &[&RecordedFile], limits: &Limits, verdict: &mut Verdict) {
    let custody = group.iter().any(|file| file.sha256.is_some());
    let plan = Plan {
        inputs: vec![on_disk.to_owned()],
        custody,
        limits: limits.clone(),
        ..Plan::default()
    };
    let found = source::find(&plan);
    let Some(input) = found.inputs.first() else {
        for file in group {
            verdict.inputs += 1;
            verdict.add("input", &file.path, "unreadable", String::new());
        }
        return;
    };
    let report = decode::each_stream(input, &plan, &mut |_, _| {});
    // As the manifest names them: what stands before the member's name is the path as it was given then.
    let shown = input.shown.as_str();
    let members: Vec<(&str, Hashes)> = report
        .streams
        .iter()
        .map(|stream| {
            (
                stream.path.strip_prefix(shown).unwrap_or(&stream.path),
                stream.hashes,
            )
        })
        .collect();
    let mut next = members.iter();
    for file in group {
        if file.blake3.is_none() {
            verdict.not_checked += 1;
            continue;
        }
        verdict.inputs += 1;
        // In their order: names of members may have been masked, and may repeat.
        let Some((_, hashes)) = next.next() else {
            verdict.add("input", &file.path, "missing", String::new());
            continue;
        };
        let blake3 = hex(&hashes.blake3);
        let sha256 = hashes.sha256.map(|hash| hex(&hash));
        if file.blake3.as_deref() != Some(blake3.as_str())
            || (file.sha256.is_some() && file.sha256.as_deref() != sha256.as_deref())
        {
            let detail = difference(file, file.bytes, Some(&blake3), sha256.as_deref());
            verdict.add("input", &file.path, "changed", detail);
        }
    }
}

fn hex(bytes: &[u8]) -> Text {
    use std::fmt::Write as _;
    bytes.iter().fold(Text::default(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Verdict {
    fn add(&mut self, what: &'static str, path: &str, problem: &'static str, detail: String) {
        self.findings.push(Finding {
            what,
            path: path.to_owned(),
            problem,
            detail,
        });
    }
}
