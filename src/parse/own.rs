//! Turns a user's own descriptions of log formats (TOML) and phrases (TSV) into formats and wording, proved by their samples.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::fmt::strtime::BrokenDownTime;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use tapscope_parsers::container::{self, Described, Head, Level, LogFormat, level_from_word};
use tapscope_parsers::time::{RawTime, parse_at_start};

use crate::plan::Limits;

/// Bytes of a line that a pattern sees.
const LINE_BYTES: usize = 64 * 1024;
/// Groups that say what stands before the message; any other group names a value.
const PARTS: &[&str] = &[
    "time", "level", "tag", "process", "thread", "host", "message",
];

/// What a folder of descriptions holds.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Formats, in the order of their files' names.
    pub formats: Vec<&'static LogFormat>,
    /// Rows for the table of wording.
    pub wording: Vec<String>,
}

/// What is wrong with a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// What, in words.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.text)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    #[serde(default)]
    spec: String,
    pattern: String,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    levels: std::collections::BTreeMap<String, String>,
    matches: Vec<String>,
    rejects: Vec<String>,
}

/// A described format at work.
struct Pattern {
    regex: Regex,
    /// Index of each part's group, in the order of [`PARTS`].
    parts: [Option<usize>; 7],
    /// Groups that name values, and their names.
    values: Vec<usize>,
    names: Vec<String>,
    time: Option<String>,
    levels: Vec<(String, Level)>,
}

impl Pattern {
    fn captures<'a>(&self, line: &'a [u8]) -> Option<regex::bytes::Captures<'a>> {
        self.regex.captures(line.get(..LINE_BYTES).unwrap_or(line))
    }

    fn time(&self, text: &[u8]) -> Option<RawTime> {
        match &self.time {
            None => parse_at_start(text.trim_ascii()).map(|(raw, _)| raw),
            Some(format) => strptime(format, text),
        }
    }

    fn level(&self, word: &[u8]) -> Level {
        self.levels
            .iter()
            .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
            .map(|(_, level)| *level)
            .or_else(|| level_from_word(word))
            .unwrap_or(Level::Unknown)
    }
}

impl Described for Pattern {
    fn is_head(&self, line: &[u8]) -> bool {
        self.regex.is_match(line.get(..LINE_BYTES).unwrap_or(line))
    }

    fn head<'a>(&self, line: &'a [u8]) -> Option<Head<'a>> {
        let captures = self.captures(line)?;
        let part = |index: usize| -> &'a [u8] {
            self.parts
                .get(index)
                .copied()
                .flatten()
                .and_then(|group| captures.get(group))
                .map_or(&b""[..], |found| found.as_bytes())
        };
        let message = match self.parts[6] {
            Some(_) => part(6),
            None => line,
        };
        Some(Head {
            time: self.parts[0].and_then(|_| self.time(part(0))),
            level: self.level(part(1)),
            tag: part(2),
            process: part(3),
            thread: part(4),
            host: part(5),
            message,
        })
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn text(&self, line: &[u8]) -> Option<Vec<u8>> {
        if self.values.is_empty() {
            return None;
        }
        let captures = self.captures(line)?;
        let mut out = Vec::with_capacity(line.len() + 32);
        for (group, name) in self.values.iter().zip(&self.names) {
            if let Some(value) = captures.get(*group)
                && !value.as_bytes().is_empty()
            {
                out.extend_from_slice(name.as_bytes());
                out.push(b'=');
                out.extend_from_slice(value.as_bytes());
                out.push(b' ');
            }
        }
        if let Some(message) = self.parts[6].and_then(|group| captures.get(group)) {
            out.extend_from_slice(message.as_bytes());
        }
        Some(out)
    }
}

/// A time by a `strptime` description; what it does not name stays open.
fn strptime(format: &str, text: &[u8]) -> Option<RawTime> {
    let broken = BrokenDownTime::parse(format, text.trim_ascii()).ok()?;
    if let Some(at) = broken.timestamp() {
        return Some(RawTime {
            epoch_nanos: i64::try_from(at.as_nanosecond()).ok(),
            resolution_nanos: 1_000_000_000,
            ..RawTime::default()
        });
    }
    let time = broken.to_time().ok()?;
    let nanos = u32::try_from(time.subsec_nanosecond()).ok()?;
    let small = |value: i8| u8::try_from(value).ok();
    Some(RawTime {
        year: broken.year(),
        month_day: match (broken.month(), broken.day()) {
            (Some(month), Some(day)) => Some((small(month)?, small(day)?)),
            _ => None,
        },
        hour: small(time.hour())?,
        minute: small(time.minute())?,
        second: small(time.second())?,
        nanos,
        resolution_nanos: if broken.subsec_nanosecond().is_some() {
            1_000_000
        } else {
            1_000_000_000
        },
        offset_seconds: broken.offset().map(jiff::tz::Offset::seconds),
        ..RawTime::default()
    })
}

/// Reads every `*.toml` and `*.tsv` of a folder (or one file).
///
/// # Errors
/// Every fault of every file, so that all can be mended at once.
pub fn load(path: &Path, limits: &Limits) -> Result<Own, Vec<Fault>> {
    let mut own = Own::default();
    let mut faults = Vec::new();
    let fault = |file: &Path, text: String| Fault {
        file: file.to_path_buf(),
        text,
    };
    let mut files: Vec<PathBuf> = if path.is_dir() {
        match std::fs::read_dir(path) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(error) => return Err(vec![fault(path, error.kind().to_string())]),
        }
    } else {
        vec![path.to_path_buf()]
    };
    files.sort();
    for file in files {
        let ending = file
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        if !matches!(ending, "toml" | "tsv") {
            continue;
        }
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                faults.push(fault(&file, error.to_string()));
                continue;
            }
        };
        if ending == "tsv" {
            match wording(&text) {
                Ok(rows) => own.wording.extend(rows),
                Err(texts) => faults.extend(texts.into_iter().map(|text| fault(&file, text))),
            }
            continue;
        }
        match format(&text, limits) {
            Ok(format) if own.formats.iter().any(|known| known.name == format.name) => {
                faults.push(fault(&file, format!("name {:?} stands twice", format.name)));
            }
            Ok(format) => own.formats.push(format),
            Err(texts) => faults.extend(texts.into_iter().map(|text| fault(&file, text))),
        }
    }
    if faults.is_empty() {
        Ok(own)
    } else {
        Err(faults)
    }
}

/// Rows of wording: signal, language, scope, phrase, and optionally words needed and words that rule it out.
fn wording(text: &str) -> Result<Vec<String>, Vec<String>> {
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') || line.starts_with("signal\t") {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').collect();
        let at = number + 1;
        match cells.as_slice() {
            [signal, language, scope, phrase, ..] => {
                if crate::event::Signal::from_id(signal).is_none() {
                    faults.push(format!("line {at}: no signal is called {signal:?}"));
                } else if !matches!(*language, "en" | "zh") {
                    faults.push(format!(
                        "line {at}: language must be en or zh, not {language:?}"
                    ));
                } else if !matches!(*scope, "payment" | "general") {
                    faults.push(format!(
                        "line {at}: scope must be payment or general, not {scope:?}"
                    ));
                } else if phrase.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
                    faults.push(format!("line {at}: {phrase:?} is too short for a phrase"));
                } else {
                    rows.push(line.to_lowercase());
                }
            }
            _ => faults.push(format!(
                "line {at}: expected signal, language, scope and phrase, apart by tabs"
            )),
        }
    }
    if faults.is_empty() {
        Ok(rows)
    } else {
        Err(faults)
    }
}

/// What is wrong with one description; nothing where it is right.
#[must_use]
pub fn format_faults(text: &str) -> Vec<String> {
    proved(text, &Limits::default()).err().unwrap_or_default()
}

/// One description, proved.
fn proved(text: &str, limits: &Limits) -> Result<(File, Pattern), Vec<String>> {
    let file: File = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
    let mut faults = Vec::new();
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(2..=40).contains(&file.name.len()) || !file.name.chars().all(sound) {
        faults.push(format!(
            "name {:?} must be 2 to 40 lower-case letters, digits and dashes",
            file.name
        ));
    }
    if container::by_name(&file.name).is_some() {
        faults.push(format!("name {:?} is that of a built-in format", file.name));
    }
    let pattern = match compile(&file, limits) {
        Ok(pattern) => pattern,
        Err(text) => {
            faults.push(text);
            return Err(faults);
        }
    };
    prove(&file, &pattern, limits, &mut faults);
    if faults.is_empty() {
        Ok((file, pattern))
    } else {
        Err(faults)
    }
}

fn format(text: &str, limits: &Limits) -> Result<&'static LogFormat, Vec<String>> {
    let (file, pattern) = proved(text, limits)?;
    // Formats live as long as the program: there are few, and every stage may hold on to one.
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let spec = if file.spec.is_empty() {
        "described by the user".to_owned()
    } else {
        file.spec
    };
    let own: &'static dyn Described = Box::leak(Box::new(pattern));
    Ok(Box::leak(Box::new(LogFormat::described(
        leak(file.name),
        leak(file.title),
        leak(spec),
        own,
    ))))
}

/// Compiles a pattern within bounds; the engine is linear in time.
fn regex(pattern: &str, limits: &Limits) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .size_limit(limits.pattern_memory)
        .dfa_size_limit(limits.pattern_states)
        .build()
}

fn compile(file: &File, limits: &Limits) -> Result<Pattern, String> {
    if file.pattern.len() > limits.pattern_bytes {
        return Err(format!(
            "the pattern has more than {} bytes (--limit pattern_bytes)",
            limits.pattern_bytes
        ));
    }
    let regex =
        regex(&file.pattern, limits).map_err(|error| format!("the pattern is wrong: {error}"))?;
    let mut parts = [None; 7];
    let (mut values, mut names) = (Vec::new(), Vec::new());
    for (index, name) in regex.capture_names().enumerate() {
        let Some(name) = name else { continue };
        let part = PARTS.iter().position(|part| *part == name);
        if let Some(slot) = part.and_then(|part| parts.get_mut(part)) {
            *slot = Some(index);
        } else {
            values.push(index);
            names.push(name.to_owned());
        }
    }
    if parts[0].is_none() && parts[6].is_none() && values.is_empty() {
        return Err(format!(
            "the pattern names no group: expected any of {}, or names of values such as stan, rrn, amount",
            PARTS.join(", ")
        ));
    }
    let mut levels = Vec::new();
    for (word, level) in &file.levels {
        let level = match level.as_str() {
            "debug" => Level::Debug,
            "info" => Level::Info,
            "warning" => Level::Warning,
            "error" => Level::Error,
            other => {
                return Err(format!(
                    "level {other:?} is none of debug, info, warning, error"
                ));
            }
        };
        levels.push((word.clone(), level));
    }
    Ok(Pattern {
        regex,
        parts,
        values,
        names,
        time: file.time.clone(),
        levels,
    })
}

/// Every sample must do what it says.
fn prove(file: &File, pattern: &Pattern, limits: &Limits, faults: &mut Vec<String>) {
    if file.matches.is_empty() || file.rejects.is_empty() {
        faults
            .push("expected at least one line under `matches` and one under `rejects`".to_owned());
    }
    for (number, line) in file.matches.iter().enumerate() {
        let at = number + 1;
        match pattern.head(line.as_bytes()) {
            None => faults.push(format!(
                "matches, line {at}: the pattern does not match it; it goes along up to {}",
                reach(&file.pattern, line, limits)
            )),
            Some(head) if pattern.parts[0].is_some() && head.time.is_none() => {
                let how = file
                    .time
                    .as_ref()
                    .map_or("any style that is known".to_owned(), |f| format!("{f:?}"));
                faults.push(format!(
                    "matches, line {at}: group `time` is no time by {how}"
                ));
            }
            Some(_) => {}
        }
    }
    for (number, line) in file.rejects.iter().enumerate() {
        if pattern.is_head(line.as_bytes()) {
            faults.push(format!(
                "rejects, line {}: the pattern matches it and must not",
                number + 1
            ));
        }
    }
}

/// How far into a line the longest front part of the pattern goes that is a pattern by itself.
fn reach(pattern: &str, line: &str, limits: &Limits) -> String {
    let cuts = pattern.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
    // Each front part is compiled anew: of a long pattern only some are tried.
    let step = cuts.len() / 128 + 1;
    for cut in cuts.into_iter().rev().step_by(step) {
        let front = pattern.get(..cut).unwrap_or_default();
        if let Ok(regex) = regex(front, limits)
            && let Some(found) = regex.find(line.as_bytes())
        {
            let rest: String = line
                .get(found.end()..)
                .unwrap_or_default()
                .chars()
                .take(24)
                .collect();
            return format!("byte {} (before {rest:?}), with {front:?}", found.end());
        }
    }
    "its first byte".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "acme-day"
title = "Acme POS, day log"
pattern = '''^(?<time>\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d)\|(?<level>.)\|(?<tag>\w+)\|(?<stan>\d*)\|(?<message>.*)$'''
time = "%d.%m.%Y %H:%M:%S"
matches = ["14.03.2024 13:16:47|E|PAY|000123|declined"]
rejects = ["14.03.2024 13:16:47 E PAY declined"]
[levels]
E = "error"
"#;

    #[test]
    fn a_description_reads_lines() {
        let made = format(GOOD, &Limits::default()).unwrap();
        let line = b"14.03.2024 13:16:47|E|PAY|000123|declined";
        let head = made.head(line).unwrap();
        let time = head.time.unwrap();
        assert_eq!(
            (time.year, time.month_day, time.hour),
            (Some(2024), Some((3, 14)), 13)
        );
        assert_eq!(
            (head.tag, head.level, head.message),
            (&b"PAY"[..], Level::Error, &b"declined"[..])
        );
        assert_eq!(
            made.described.unwrap().text(line).unwrap(),
            b"stan=000123 declined"
        );
        assert!(made.head(b"something else").is_none());
        let text = "14.03.2024 13:16:47|E|PAY|000123|declined\n".repeat(3);
        let best = &container::detect_among(&[text.as_bytes()], &[made])[0];
        assert_eq!(best.format.name, "acme-day");
    }

    #[test]
    fn samples_prove_it() {
        for (from, to, want) in [
            (
                "matches = [\"14",
                "matches = [\"x14",
                "matches, line 1: the pattern does not match it; it goes along up to",
            ),
            ("47 E PAY", "47|E|PAY|000123|", "rejects, line 1"),
            ("%d.%m.%Y %H", "%Y.%m.%d %H", "is no time by"),
            ("name = \"acme-day\"", "name = \"logcat\"", "built-in"),
            ("name = \"acme-day\"", "name = \"Acme day\"", "lower-case"),
            ("(?<time>", "(?<time", "the pattern is wrong"),
            ("matches = [", "matchs = [", "unknown field"),
            ("E = \"error\"", "E = \"loud\"", "is none of"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD, "{from}");
            let faults = format(&text, &Limits::default()).err().unwrap().join("\n");
            assert!(faults.contains(want), "{from}: {faults}");
        }
        // Twelve hours, and no year.
        let text = GOOD
            .replace(
                r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d",
                r"\d+/\d+ \d+:\d\d:\d\d [AP]M",
            )
            .replace("%d.%m.%Y %H:%M:%S", "%m/%d %I:%M:%S %p")
            .replace("14.03.2024 13:16:47|", "3/14 1:16:47 PM|");
        let made = format(&text, &Limits::default()).unwrap();
        let time = made
            .head(b"3/14 1:16:47 PM|E|PAY|1|x")
            .unwrap()
            .time
            .unwrap();
        assert_eq!(
            (time.year, time.month_day, time.hour),
            (None, Some((3, 14)), 13)
        );
    }

    #[test]
    fn wording_is_checked() {
        assert_eq!(
            wording("signal\tlang\n# remark\nuse_chip\ten\tpayment\tStick It In\n").unwrap(),
            ["use_chip\ten\tpayment\tstick it in"]
        );
        for (row, want) in [
            ("use_chop\ten\tpayment\tx y", "no signal"),
            ("use_chip\tde\tpayment\tx y", "language"),
            ("use_chip\ten\tall\tx y", "scope"),
            ("use_chip\ten\tpayment\t-", "short"),
            ("use_chip en payment x", "tabs"),
        ] {
            assert!(wording(row).unwrap_err()[0].contains(want), "{row}");
        }
    }
}
