//! OpenSC debug logs: `P:pid; T:thread hh:mm:ss.mmm [program] file.c:line:function: text`.

use super::scan::{bracketed, digits, from, skip_blanks, word};
use super::{Head, LogFormat, never};
use crate::time;

/// OpenSC debug log.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "opensc",
    title: "OpenSC debug log",
    spec: "OpenSC src/libopensc/log.c",
    specificity: 9,
    is_head: |line| line.starts_with(b"P:") && head(line).is_some(),
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        "P:13347; T:0x139816757663808 16:40:20.559 [opensc-tool] ctx.c:727:process_config_file: Used",
    ],
    counter_samples: &["P: text", "P:13347; text"],
};

fn head(line: &[u8]) -> Option<Head<'_>> {
    let (process, rest) = digits(line.strip_prefix(b"P:")?, 10)?;
    let (thread, rest) = word(rest.strip_prefix(b"; T:")?, 24)?;
    let rest = skip_blanks(rest);
    let (raw, used) = time::clock_only(rest)?;
    let (tag, message) = bracketed(skip_blanks(from(rest, used)), b'[', b']', 64)?;
    Some(Head {
        time: Some(raw),
        process,
        thread,
        tag,
        message: skip_blanks(message),
        ..Head::default()
    })
}
