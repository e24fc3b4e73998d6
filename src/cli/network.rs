//! Reads what the user knows of the network: TLS secrets and descriptions of dialects.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::parse::capture::described;
use crate::plan::Network;

/// Longest key log, and longest description.
const MAX_KEYLOG: u64 = 1 << 30;
const MAX_DESCRIPTION: u64 = 1 << 20;

/// Reads key logs and folders of descriptions.
pub(crate) fn read(keylogs: &[PathBuf], folders: &[PathBuf]) -> Result<Network, Failure> {
    let mut network = Network::default();
    for path in keylogs {
        let lines = bytes(path, "--keylog", MAX_KEYLOG)?;
        let before = network.keylog.len();
        network.keylog.add(&lines);
        if network.keylog.len() == before && !lines.is_empty() {
            return Err(Failure::failed(format!(
                "--keylog {}: expected lines of label, client random and secret, found none",
                path.display()
            ))
            .hint("a log as SSLKEYLOGFILE makes: CLIENT_RANDOM 64 digits 96 digits"));
        }
    }
    for folder in folders {
        for path in descriptions(folder)? {
            let text = String::from_utf8(bytes(&path, "--dialects", MAX_DESCRIPTION)?)
                .map_err(|_| Failure::failed(format!("{}: expected UTF-8", path.display())))?;
            let one = described::load(&text)
                .map_err(|why| Failure::failed(format!("{}: {why}", path.display())))?;
            let twice = network
                .dialects
                .iter()
                .any(|d| d.dialect.name == one.dialect.name);
            if twice {
                return Err(Failure::failed(format!(
                    "{}: dialect `{}` is described twice",
                    path.display(),
                    one.dialect.name
                )));
            }
            network.dialects.push(one);
        }
    }
    Ok(network)
}

fn bytes(path: &Path, flag: &str, limit: u64) -> Result<Vec<u8>, Failure> {
    let fail = |e: std::io::Error| Failure::failed(format!("{flag} {}: {e}", path.display()));
    let metadata = std::fs::metadata(path).map_err(fail)?;
    if metadata.len() > limit {
        return Err(Failure::failed(format!(
            "{flag} {}: expected at most {limit} bytes, found {}",
            path.display(),
            metadata.len()
        )));
    }
    std::fs::read(path).map_err(fail)
}

/// The descriptions in a folder, by name; a file stands for itself.
fn descriptions(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let fail = |e: std::io::Error| Failure::failed(format!("--dialects {}: {e}", folder.display()));
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(Failure::failed(format!(
            "--dialects {}: expected .toml files, found none",
            folder.display()
        )));
    }
    Ok(paths)
}
