//! Runs the real binary in a sealed environment.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests may say what they mean"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A key for tokens, so that runs can be compared.
pub const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

/// The program, with nothing of the caller's environment but the path.
pub fn tapscope() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapscope"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LANG", "C")
        .env("TZ", "UTC");
    command
}

/// All tables that can be asked.
pub const TABLES: [&str; 7] = [
    "transactions",
    "events",
    "evidence",
    "incidents",
    "sources",
    "issues",
    "facts",
];

/// Numbers that look like chance and are the same everywhere (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Whether `verify` finds a folder whole.
pub fn verified(out: &Path) -> bool {
    let output = tapscope().arg("verify").arg(out).output().unwrap();
    output.status.code() == Some(0)
}

/// What stands in a folder, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Runs `analyze` and gives its output; the files are in `out`.
pub fn analyze(inputs: &[&Path], out: &Path, more: &[&str]) -> Output {
    tapscope()
        .arg("analyze")
        .args(inputs)
        .arg("--out")
        .arg(out)
        .args(more)
        .output()
        .expect("the binary runs")
}

/// Rows of a query, without the header.
pub fn rows(out: &Path, sql: &str) -> Vec<Vec<String>> {
    let output = tapscope()
        .args(["query", "--format", "csv"])
        .arg(out)
        .arg(sql)
        .output()
        .expect("the binary runs");
    assert!(
        output.status.success(),
        "{sql}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    csv::ReaderBuilder::new()
        .from_reader(output.stdout.as_slice())
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

/// One number.
pub fn number(out: &Path, sql: &str) -> i64 {
    rows(out, sql)
        .first()
        .and_then(|row| row.first())
        .and_then(|cell| cell.parse().ok())
        .unwrap_or_default()
}

/// The corpus, or a loud word that it is not here.
pub fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("TAPSCOPE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no corpus at {}", folder.display());
    None
}

/// The shipped sample day.
pub fn sample_day() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/day/input")
}

/// A key file in a folder.
pub fn key_file(folder: &Path) -> PathBuf {
    let path = folder.join("pan.key");
    std::fs::write(&path, KEY).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    path
}
