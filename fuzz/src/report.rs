//! The whole program: inputs to events to causes to every file of a report, with a card number planted. The last look before
//! writing must find nothing, nor may the number stand in any file. Bytes: where the number is put (2), how it is written, then
//! the inputs, parted by `FF FE FD FC`: each is a file.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tapscope::attribute::Catalogue;
use tapscope::plan::Plan;
use tapscope::{Observer, analyze, report};

const PLANTED: &str = "6212345678900000003";

struct Silent;

impl Observer for Silent {
    fn total(&self, _: u64) {}
    fn advance(&self, _: u64) {}
    fn stage(&self, _: &str) {}
}

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| Catalogue::load(&[]).unwrap())
}

/// In memory where the system has such a folder.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    tempfile::Builder::new()
        .prefix("tapscope-fuzz-")
        .tempdir_in(parent)
        .unwrap()
}

/// Runs the program on the bytes.
pub fn run(data: &[u8]) {
    let Some((&[low, high, how], rest)) = data.split_first_chunk::<3>() else {
        return;
    };
    let at = usize::from(u16::from_le_bytes([low, high])) % (rest.len() + 1);
    let number = match how % 4 {
        0 => format!(" {PLANTED} "),
        1 => format!(" ;{PLANTED}=29122011234567890123? "),
        2 => " 5A 0A 62 12 34 56 78 90 00 00 00 3F ".to_owned(),
        _ => format!(" \"cardNo\":\"{PLANTED}\" "),
    };
    let bytes = [&rest[..at], number.as_bytes(), &rest[at..]].concat();
    let folder = scratch();
    let inputs = folder.path().join("inputs");
    std::fs::create_dir(&inputs).unwrap();
    for (n, part) in parts(&bytes).into_iter().take(8).enumerate() {
        std::fs::write(inputs.join(format!("{n}.log")), part).unwrap();
    }
    let plan = Plan {
        inputs: vec![inputs],
        by_day: how & 4 != 0,
        timesketch: how & 8 != 0,
        custody: how & 16 != 0,
        scratch: folder.path().to_owned(),
        ..crate::plan::plan()
    };
    let Ok(analysis) = analyze(&plan, catalogue(), &Silent) else {
        return;
    };
    assert!(
        analysis
            .issues
            .iter()
            .all(|issue| issue.code != "internal_error"),
        "{:?}",
        analysis.issues
    );
    let out = folder.path().join("out");
    if let Err(error) = report::write(&analysis, catalogue(), &plan, &out, false) {
        panic!("{error}");
    }
    let mut files = Vec::new();
    walk(&out, &mut files);
    assert!(files.len() >= 10);
    for file in files {
        let text = std::fs::read(&file).unwrap();
        assert!(
            !holds(&text, PLANTED) && !holds(&text, &PLANTED[..16]),
            "{}",
            file.display()
        );
    }
    let read = report::Folder::open(&out).unwrap();
    for transaction in read.failed().unwrap() {
        let story = read.story(transaction).unwrap();
        let said = format!("{story:?}");
        assert!(!said.contains(&PLANTED[..16]), "{said}");
    }
}

fn holds(text: &[u8], wanted: &str) -> bool {
    text.windows(wanted.len())
        .any(|window| window == wanted.as_bytes())
}

/// What stands between the marks.
fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest
        .windows(4)
        .position(|window| window == [0xFF, 0xFE, 0xFD, 0xFC])
    {
        parts.push(&rest[..at]);
        rest = &rest[at + 4..];
    }
    parts.push(rest);
    parts
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, out);
        } else {
            out.push(path);
        }
    }
}
