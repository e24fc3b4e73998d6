//! Settles what was not said on the command line: from the environment, from `tapscope.toml`, else as built in; and says which.
//!
//! A setting is a long flag of `analyze`, or one that all commands have. What is found is put among the arguments, so that it
//! is checked like them: a new flag is a new setting without a line here.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _};

use super::args::Arguments;
use super::failure::Failure;

/// The file that is looked for where none is named.
const FILE: &str = "tapscope.toml";
/// Flags that are about one run, or about where settings come from.
const NEVER: [&str; 7] = [
    "out", "force", "config", "help", "version", "verbose", "quiet",
];
/// Settings of `analyze` that other commands take over, where they have the flag.
const SHARED: [&str; 4] = ["lang", "rules", "color", "error-format"];

/// The flag that the file has as a table, `[limits]`.
const LIMIT: &str = "limit";

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// This variable.
    Environment(String),
    /// This file, at this line.
    File(PathBuf, usize),
    /// Nobody said anything.
    Default,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The long flag, without dashes.
    pub name: String,
    /// Several where the flag may be repeated; none where nothing is set.
    pub values: Vec<String>,
    pub origin: Origin,
}

/// What the arguments become, and the file that was found without being named.
pub(crate) struct Settled {
    pub arguments: Vec<OsString>,
    pub found: Option<PathBuf>,
}

/// Adds to the arguments what environment and file say of the command's settings.
pub(crate) fn settle(arguments: &[OsString], matches: &ArgMatches) -> Result<Settled, Failure> {
    let unchanged = || Settled {
        arguments: arguments.to_vec(),
        found: None,
    };
    let root = built();
    let Some((name, sub)) = matches.subcommand() else {
        return Ok(unchanged());
    };
    let Some(command) = root.find_subcommand(name) else {
        return Ok(unchanged());
    };
    let file = File::load(sub)?;
    let mut extra: Vec<OsString> = Vec::new();
    let mut from_file = false;
    for arg in settings(&root) {
        let long = arg.get_long().unwrap_or_default();
        let taken = name == "analyze" || SHARED.contains(&long);
        let known = command
            .get_arguments()
            .any(|own| own.get_long() == Some(long) && same_kind(own, arg));
        // Bounds add up, and the later ones win: those of the command line stand behind.
        if !taken || !known || (said(sub, arg) && long != LIMIT) {
            continue;
        }
        let setting = look_up(arg, file.as_ref())?;
        from_file |= matches!(setting.origin, Origin::File(..));
        for value in &setting.values {
            check(arg, value, &setting.origin)?;
            extra.push(argument(arg, value));
        }
    }
    let at = arguments
        .iter()
        .position(|word| {
            let aliases = || {
                command
                    .get_all_aliases()
                    .any(|alias| word == OsStr::new(alias))
            };
            word == OsStr::new(name) || aliases()
        })
        .unwrap_or(arguments.len().saturating_sub(1));
    let mut settled = arguments.to_vec();
    settled.splice((at + 1)..=at, extra);
    let found = file.filter(|file| from_file && !file.named);
    Ok(Settled {
        arguments: settled,
        found: found.map(|file| file.path),
    })
}

/// All settings with their values and origins, as `analyze` with these flags would have them.
pub(crate) fn show(flags: &[OsString]) -> Result<Vec<Setting>, Failure> {
    let root = built();
    let words = ["tapscope", "analyze", "-", "--out", "-"].map(OsString::from);
    let matches = root
        .clone()
        .try_get_matches_from(words.iter().chain(flags))
        .map_err(|error| {
            Failure::usage(first_line(&error)).hint("`tapscope analyze --help` lists the flags")
        })?;
    let Some((_, sub)) = matches.subcommand() else {
        return Ok(Vec::new());
    };
    let file = File::load(sub)?;
    settings(&root)
        .map(|arg| {
            if said(sub, arg) {
                return Ok(Setting {
                    name: arg.get_long().unwrap_or_default().to_owned(),
                    values: raw_values(sub, arg),
                    origin: Origin::Flag,
                });
            }
            let setting = look_up(arg, file.as_ref())?;
            for value in &setting.values {
                if setting.origin != Origin::Default {
                    check(arg, value, &setting.origin)?;
                }
            }
            Ok(setting)
        })
        .collect()
}

/// The command line with what clap adds to it, so that global flags stand with every command.
fn built() -> Command {
    let mut root = Arguments::command();
    root.build();
    root
}

/// The flags of `analyze` that are settings.
fn settings(root: &Command) -> impl Iterator<Item = &Arg> {
    root.find_subcommand("analyze")
        .into_iter()
        .flat_map(Command::get_arguments)
        .filter(|arg| arg.get_long().is_some_and(|long| !NEVER.contains(&long)))
}

fn same_kind(own: &Arg, other: &Arg) -> bool {
    own.get_value_parser().type_id() == other.get_value_parser().type_id()
}

/// True where the flag was given.
fn said(sub: &ArgMatches, arg: &Arg) -> bool {
    let id = arg.get_id().as_str();
    sub.try_contains_id(id).is_ok() && sub.value_source(id) == Some(ValueSource::CommandLine)
}

fn raw_values(sub: &ArgMatches, arg: &Arg) -> Vec<String> {
    let id = arg.get_id().as_str();
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return vec![sub.get_flag(id).to_string()];
    }
    let raw = sub.try_get_raw(id).ok().flatten();
    raw.into_iter()
        .flatten()
        .map(|value| value.to_string_lossy().into_owned())
        .collect()
}

/// What environment, file or the built-in default say, in this order.
fn look_up(arg: &Arg, file: Option<&File>) -> Result<Setting, Failure> {
    let name = arg.get_long().unwrap_or_default().to_owned();
    let variable = format!("TAPSCOPE_{}", name.to_uppercase().replace('-', "_"));
    if let Some(value) = std::env::var_os(&variable).filter(|value| !value.is_empty()) {
        let values = match arg.get_action() {
            ArgAction::Append if is_path(arg) => std::env::split_paths(&value)
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            ArgAction::Append => value
                .to_string_lossy()
                .split(',')
                .map(str::to_owned)
                .collect(),
            ArgAction::SetTrue => truth(&value.to_string_lossy(), &variable)?,
            _ => vec![value.to_string_lossy().into_owned()],
        };
        return Ok(Setting {
            name,
            values,
            origin: Origin::Environment(variable),
        });
    }
    if let Some((values, line)) = file.map(|file| file.values(arg)).transpose()?.flatten() {
        let path = file.map(|file| file.path.clone()).unwrap_or_default();
        return Ok(Setting {
            name,
            values,
            origin: Origin::File(path, line),
        });
    }
    let values = if arg.get_action().takes_values() {
        arg.get_default_values()
            .iter()
            .map(|value| value.to_string_lossy().into_owned())
            .collect()
    } else {
        Vec::new()
    };
    Ok(Setting {
        name,
        values,
        origin: Origin::Default,
    })
}

/// A yes is a flag; a no is none.
fn truth(text: &str, variable: &str) -> Result<Vec<String>, Failure> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(vec!["true".to_owned()]),
        "0" | "false" | "no" | "off" => Ok(Vec::new()),
        _ => Err(
            Failure::usage(format!("{variable}={text}: neither true nor false"))
                .hint(format!("{variable}=true, or unset it")),
        ),
    }
}

fn is_path(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == ValueParser::path_buf().type_id()
}

fn argument(arg: &Arg, value: &str) -> OsString {
    let long = arg.get_long().unwrap_or_default();
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return OsString::from(format!("--{long}"));
    }
    OsString::from(format!("--{long}={value}"))
}

/// Refuses what the flag would refuse, and says where it stands.
fn check(arg: &Arg, value: &str, origin: &Origin) -> Result<(), Failure> {
    // Defaults are sound, and giving them would make them look given.
    if *origin == Origin::Default {
        return Ok(());
    }
    let words = ["tapscope", "analyze", "-", "--out", "-"].map(OsString::from);
    let words = words.into_iter().chain([argument(arg, value)]);
    match Arguments::command().try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) => Err(
            Failure::usage(format!("{}: {}", told(origin), first_line(&error)))
                .hint("`tapscope config show` tells where each setting comes from"),
        ),
    }
}

/// An origin in words.
pub(crate) fn told(origin: &Origin) -> String {
    match origin {
        Origin::Flag => "flag".to_owned(),
        Origin::Environment(variable) => format!("environment {variable}"),
        Origin::File(path, line) => format!("file {}:{line}", path.display()),
        Origin::Default => "default".to_owned(),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let line = text.trim_start_matches("error: ").lines().next();
    line.unwrap_or_default().to_owned()
}

/// A file of settings.
struct File {
    path: PathBuf,
    /// The user named it.
    named: bool,
    text: String,
    table: toml::Table,
}

impl File {
    /// The file that `--config` or `TAPSCOPE_CONFIG` names, else `tapscope.toml` in the current folder, else none.
    fn load(sub: &ArgMatches) -> Result<Option<Self>, Failure> {
        let flag = sub
            .try_get_one::<PathBuf>("config")
            .ok()
            .flatten()
            .cloned()
            .map(|path| ("--config ", path));
        let variable = std::env::var_os("TAPSCOPE_CONFIG")
            .filter(|path| !path.is_empty())
            .map(|path| ("TAPSCOPE_CONFIG ", PathBuf::from(path)));
        let (how, path, named) = match flag.or(variable) {
            Some((how, path)) => (how, path, true),
            None if Path::new(FILE).is_file() => ("", PathBuf::from(FILE), false),
            None => return Ok(None),
        };
        let shown = path.display();
        let text = std::fs::read_to_string(&path)
            .map_err(|e| Failure::failed(format!("{how}{shown}: {e}")))?;
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
            let line = e
                .to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            Failure::usage(format!("{how}{shown}: {line}"))
                .hint("a setting is written like this: tz = \"Asia/Shanghai\"")
        })?;
        let root = built();
        let known: Vec<&str> = settings(&root)
            .filter_map(Arg::get_long)
            .map(|long| if long == LIMIT { "limits" } else { long })
            .collect();
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(
                Failure::usage(format!("{how}{shown}: unknown setting {key:?}"))
                    .hint(format!("settings are the long flags: {}", known.join(", "))),
            );
        }
        Ok(Some(Self {
            path,
            named,
            text,
            table,
        }))
    }

    /// The flag's values and their line. Paths are relative to the file.
    fn values(&self, arg: &Arg) -> Result<Option<(Vec<String>, usize)>, Failure> {
        let name = match arg.get_long().unwrap_or_default() {
            LIMIT => "limits",
            long => long,
        };
        let Some(value) = self.table.get(name) else {
            return Ok(None);
        };
        let line = self.line_of(name);
        let wrong = |expected: &str| {
            Failure::usage(format!(
                "{}:{line}: {name}: expected {expected}",
                self.path.display()
            ))
        };
        let one = |value: &toml::Value| match value {
            toml::Value::String(text) => Some(self.beside(arg, text)),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Datetime(time) => Some(time.to_string()),
            _ => None,
        };
        let values = match (arg.get_action(), value) {
            (ArgAction::SetTrue, toml::Value::Boolean(yes)) => {
                if *yes {
                    vec!["true".to_owned()]
                } else {
                    Vec::new()
                }
            }
            (ArgAction::SetTrue, _) => return Err(wrong("true or false")),
            (ArgAction::Append, toml::Value::Array(items)) => items
                .iter()
                .map(one)
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| wrong("a list of texts"))?,
            (ArgAction::Append, toml::Value::Table(items)) if name == "limits" => items
                .iter()
                .map(|(name, value)| one(value).map(|value| format!("{name}={value}")))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| wrong("names and numbers"))?,
            (_, value) => vec![one(value).ok_or_else(|| wrong("a text or a number"))?],
        };
        Ok(Some((values, line)))
    }

    fn beside(&self, arg: &Arg, text: &str) -> String {
        if !is_path(arg) {
            return text.to_owned();
        }
        let folder = self.path.parent().unwrap_or(Path::new(""));
        folder.join(text).display().to_string()
    }

    fn line_of(&self, name: &str) -> usize {
        let stands = |line: &str| {
            let key = line.split('=').next().unwrap_or_default();
            key.trim().trim_matches(['"', '\'', '[', ']']) == name
        };
        self.text
            .lines()
            .position(stands)
            .map_or(1, |line| line + 1)
    }
}
