//! Reads flags of `analyze` from a TOML file; the command line wins.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::args::{AnalyzeArgs, Lang};
use super::failure::Failure;

/// What the file may say: the flags, by their long names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    inventory: Option<PathBuf>,
    custody: Option<bool>,
    #[serde(default)]
    rules: Vec<PathBuf>,
    #[serde(default)]
    format: Vec<String>,
    #[serde(default)]
    formats: Vec<PathBuf>,
    tz: Option<String>,
    year: Option<i16>,
    since: Option<String>,
    until: Option<String>,
    jobs: Option<usize>,
    lang: Option<FileLang>,
    pan_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FileLang {
    En,
    Zh,
}

/// The arguments, filled up from the file that they name. Paths in the file are relative to it.
pub(crate) fn fill_up(args: &AnalyzeArgs) -> Result<AnalyzeArgs, Failure> {
    let mut args = args.clone();
    let Some(path) = args.config.clone() else {
        return Ok(args);
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|e| Failure::failed(format!("--config {}: {e}", path.display())))?;
    let config: Config = toml::from_str(&text).map_err(|e| {
        let line = e.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        Failure::usage(format!("--config {}: {line}", path.display()))
            .hint("keys are the long flags: tz, year, rules, format, formats, inventory, lang, pan-key, custody, jobs, since, until")
    })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let beside = |path: PathBuf| folder.join(path);
    args.inventory = args.inventory.or(config.inventory.map(beside));
    args.pan_key = args.pan_key.or(config.pan_key.map(beside));
    if args.rules.is_empty() {
        args.rules = config.rules.into_iter().map(beside).collect();
    }
    if args.format.is_empty() {
        args.format = config.format;
    }
    if args.formats.is_empty() {
        args.formats = config.formats.into_iter().map(beside).collect();
    }
    args.custody |= config.custody.unwrap_or(false);
    args.tz = args.tz.or(config.tz);
    args.year = args.year.or(config.year);
    args.since = args.since.or(config.since);
    args.until = args.until.or(config.until);
    args.jobs = args.jobs.or(config.jobs);
    args.lang = args.lang.or(config.lang.map(|lang| match lang {
        FileLang::En => Lang::En,
        FileLang::Zh => Lang::Zh,
    }));
    Ok(args)
}
