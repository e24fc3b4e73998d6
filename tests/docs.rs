//! The commands of the README and of docs/ run as they stand, and print what the pages say.
//!
//! In a page, a block marked `sh` holds commands; those of `tapscope` are run, in order, in one folder a page that holds `samples/`.
//! A block marked `text` behind it holds lines that the commands before it must have printed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Language and content of each fenced block.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, content)), None) => {
                content.push_str(line);
                content.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs a page; gives what is wrong with it.
fn run(page: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join(".bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tapscope"), bin.join("tapscope")).unwrap();
    std::os::unix::fs::symlink(root().join("samples"), folder.path().join("samples")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut wrong = Vec::new();
    let mut said = String::new();
    let mut commands = 0;
    for (language, content) in blocks(&std::fs::read_to_string(page).unwrap()) {
        match language.as_str() {
            "sh" => {
                said.clear();
                for line in content.lines().filter(|l| l.starts_with("tapscope ")) {
                    commands += 1;
                    let output = Command::new("sh")
                        .args(["-c", line])
                        .current_dir(folder.path())
                        .env_clear()
                        .env("PATH", &path)
                        .output()
                        .unwrap();
                    said.push_str(&String::from_utf8_lossy(&output.stdout));
                    said.push_str(&String::from_utf8_lossy(&output.stderr));
                    // `compare` ends with 1 where there is a difference, and the pages show one.
                    let expected = i32::from(line.starts_with("tapscope compare"));
                    if output.status.code() != Some(expected) {
                        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
                        wrong.push(format!("{line}: {:?}: {errors}", output.status.code()));
                    }
                }
            }
            "text" => {
                let all = flat(&said);
                for line in content.lines().filter(|line| !line.trim().is_empty()) {
                    if !all.contains(&flat(line)) {
                        wrong.push(format!("{line:?} is not in\n{said}"));
                    }
                }
            }
            _ => {}
        }
    }
    if commands == 0 {
        wrong.push("no command was found in it".to_owned());
    }
    wrong
}

#[test]
fn every_page_holds() {
    let mut pages: Vec<PathBuf> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        // Tables and lists without commands of their own.
        .filter(|path| {
            std::fs::read_to_string(path)
                .unwrap()
                .contains("```sh\ntapscope ")
        })
        .collect();
    pages.extend([root().join("README.md"), root().join("README.zh.md")]);
    pages.sort();
    assert!(pages.len() >= 7, "{pages:?}");
    let wrong: Vec<String> = pages
        .iter()
        .flat_map(|page| {
            let name = page.file_name().unwrap().to_string_lossy().into_owned();
            run(page).into_iter().map(move |w| format!("{name}: {w}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A link to a file of the project leads somewhere.
#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    let docs = std::fs::read_dir(root().join("docs")).unwrap().flatten();
    let pages = docs
        .map(|entry| entry.path())
        .chain([root().join("README.md"), root().join("README.zh.md")])
        .filter(|path| path.extension().is_some_and(|e| e == "md"));
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            seen += 1;
            if !page.parent().unwrap().join(file).exists() {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(seen > 10);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
