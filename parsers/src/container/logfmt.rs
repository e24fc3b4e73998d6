//! logfmt: `time=… level=… msg="…" key=value`.

use super::scan::{find, from, level_from_word, to};
use super::{Head, Level, LogFormat, never};
use crate::time;

/// key=value lines.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "logfmt",
    title: "logfmt: key=value pairs with time and level among them",
    spec: "Go log/slog TextHandler; logrus TextFormatter",
    specificity: 4,
    is_head: |line| head(line).is_some(),
    head,
    ends: never,
    within: None,
    whole: None,
    described: None,
    samples: &[
        r#"time="2024-03-14T13:16:47Z" level=info msg="text" stan=120866"#,
        "ts=2024-03-14T13:16:47.974+08:00 lvl=error msg=declined",
        "level=warn ts=1710422207.974 caller=x.go:12 msg=\"text\"",
    ],
    counter_samples: &[
        "time flies",
        "a=b",
        r#"class=TerminalSession message="text""#,
        "2024-03-14 13:16:47 level=info",
    ],
};

fn head(line: &[u8]) -> Option<Head<'_>> {
    if !line.first()?.is_ascii_alphabetic() {
        return None;
    }
    let stamp = value(line, b"time=")
        .or_else(|| value(line, b"ts="))
        .or_else(|| value(line, b"timestamp="))
        .or_else(|| value(line, b"t="))?;
    let (raw, _) = time::parse_at_start(stamp)?;
    let level = value(line, b"level=")
        .or_else(|| value(line, b"lvl="))
        .and_then(level_from_word);
    Some(Head {
        time: Some(raw),
        tag: value(line, b"logger=")
            .or_else(|| value(line, b"component="))
            .unwrap_or_default(),
        level: level.unwrap_or(Level::Unknown),
        message: line,
        ..Head::default()
    })
}

/// The value of a key at the start or behind a blank, within the first 256 bytes.
fn value<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let at = if line.starts_with(key) {
        0
    } else {
        let at = find(line, key, 256)?;
        if line.get(at.checked_sub(1)?) != Some(&b' ') {
            return None;
        }
        at
    };
    let rest = from(line, at + key.len());
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let end = memchr::memchr(b'"', to(quoted, 128))?;
        return Some(to(quoted, end));
    }
    let end = memchr::memchr(b' ', to(rest, 128)).unwrap_or(rest.len().min(128));
    (end > 0).then(|| to(rest, end))
}
