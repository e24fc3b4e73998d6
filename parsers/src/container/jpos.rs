//! jPOS Q2 logs: many roots of XML that need not be valid, so they are read line by line.

use super::scan::{find, from, skip_blanks, to};
use super::{Head, Level, LogFormat};
use crate::time;

/// jPOS Q2 XML log.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "jpos",
    title: "jPOS Q2 log: <log realm=… at=…> … </log>",
    spec: "jPOS Programmer's Guide, Logger; org.jpos.util.LogEvent",
    specificity: 9,
    is_head,
    head,
    ends,
    within: None,
    whole: None,
    described: None,
    samples: &[
        r#"<log realm="Q2.system" at="Fri Nov 30 09:09:10 GMT-03:00 2007.775">"#,
        r#"<log realm="channel/10.1.2.3:6432" at="2022-09-25T12:16:04.787" lifespan="17172ms">"#,
        r#"    <log realm="server" at="Fri May 17 08:11:34 UYT 2002.824">"#,
        r#"<log at="2022-09-25T12:16:04.787" realm="x"/>"#,
    ],
    counter_samples: &[
        r#"<isomsg direction="incoming">"#,
        "<logger name=\"Q2\"/>",
        "</log>",
        "log realm",
        "<log>",
    ],
};

fn is_head(line: &[u8]) -> bool {
    skip_blanks(line).starts_with(b"<log ")
}

fn ends(line: &[u8]) -> bool {
    memchr::memchr_iter(b'<', line).any(|at| from(line, at).starts_with(b"</log>"))
        || (is_head(line) && line.trim_ascii_end().ends_with(b"/>"))
}

fn head(line: &[u8]) -> Option<Head<'_>> {
    let line = skip_blanks(line);
    let attributes = line.strip_prefix(b"<log ")?;
    let at = attribute(attributes, b"at=\"");
    let realm = attribute(attributes, b"realm=\"");
    if at.is_none() && realm.is_none() {
        return None;
    }
    Some(Head {
        time: at.and_then(time::jpos).map(|(raw, _)| raw),
        tag: realm.unwrap_or_default(),
        level: Level::Unknown,
        message: line,
        ..Head::default()
    })
}

/// An attribute's value: up to the closing quotation mark, within the first kilobyte.
fn attribute<'a>(attributes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = find(attributes, name, 1024)?;
    // `at="` is also the end of `format="`.
    if at > 0 && attributes.get(at - 1) != Some(&b' ') {
        return None;
    }
    let value = from(attributes, at + name.len());
    let end = memchr::memchr(b'"', to(value, 512))?;
    Some(to(value, end))
}

/// `lifespan="17172ms"` of a `<log>` line: how long the event was open before it was written, in milliseconds.
#[must_use]
pub fn lifespan_millis(line: &[u8]) -> Option<u32> {
    let attributes = skip_blanks(line).strip_prefix(b"<log ")?;
    let digits = attribute(attributes, b"lifespan=\"")?.strip_suffix(b"ms")?;
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + u32::from(byte - b'0'))
    })
}
