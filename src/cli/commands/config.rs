//! `tapscope config show`: every setting, its value, and who says so.

use std::ffi::OsString;

use serde_json::{Value, json};

use crate::cli::args::{ConfigArgs, ConfigCommand};
use crate::cli::config::{Origin, Setting, show, told};
use crate::cli::output::Output;
use crate::cli::{DONE, Ending, table};

/// What happens where a setting has no value.
const UNSET: &[(&str, &str)] = &[
    ("jobs", "all cores"),
    ("memory", "half of the machine's"),
    ("tz", "as the logs say, else UTC"),
    ("year", "as the logs and their neighbours say"),
    ("since", "from the first"),
    ("until", "to the last"),
    ("lang", "en"),
    ("custody", "false"),
    ("no-sandbox", "false"),
    ("reproducible", "false"),
    ("rules", "built in only"),
    ("format", "told by content"),
    ("pan-key", "none: tokens are names within the run"),
];

pub(crate) fn run(args: &ConfigArgs, output: &Output) -> Ending {
    let ConfigCommand::Show { json, flags } = &args.command;
    let flags: Vec<OsString> = flags.clone();
    let mut settings = show(&flags)?;
    settings.sort_by(|a, b| a.name.cmp(&b.name));
    no_color(&mut settings);
    if *json {
        let list: Vec<Value> = settings.iter().map(as_json).collect();
        output.json(&list)?;
        return Ok(DONE);
    }
    let rows: Vec<Vec<String>> = settings
        .iter()
        .map(|setting| {
            let unset = UNSET.iter().find(|(name, _)| *name == setting.name);
            let value = match (setting.values.is_empty(), unset) {
                (false, _) => setting.values.join(", "),
                (true, Some((_, words))) => format!("({words})"),
                (true, None) => "(none)".to_owned(),
            };
            vec![setting.name.clone(), value, told(&setting.origin)]
        })
        .collect();
    output.result(&table::render(&["setting", "value", "origin"], &rows))?;
    Ok(DONE)
}

/// `NO_COLOR` is everybody's setting, and outdone only by an explicit one.
fn no_color(settings: &mut [Setting]) {
    let wanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    for setting in settings {
        if wanted && setting.name == "color" && setting.origin == Origin::Default {
            setting.values = vec!["never".to_owned()];
            setting.origin = Origin::Environment("NO_COLOR".to_owned());
        }
    }
}

fn as_json(setting: &Setting) -> Value {
    let (kind, place) = match &setting.origin {
        Origin::Flag => ("flag", None),
        Origin::Environment(variable) => ("environment", Some(variable.clone())),
        Origin::File(path, line) => ("file", Some(format!("{}:{line}", path.display()))),
        Origin::Default => ("default", None),
    };
    json!({"setting": setting.name, "values": setting.values, "origin": kind, "place": place})
}
