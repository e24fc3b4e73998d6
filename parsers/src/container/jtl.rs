//! JMeter result files in XML, whose samples carry requests and answers as text.

use super::scan::{find, from, skip_blanks, to};
use super::{Head, LogFormat};
use crate::time;

/// JMeter JTL.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "jtl",
    title: "JMeter results in XML: <sample ts=…> … </sample>",
    spec: "JMeter user manual, listeners: attributes of the XML log",
    specificity: 9,
    is_head,
    head,
    ends,
    within: None,
    whole: None,
    described: None,
    samples: &[
        r#"<sample t="22" it="0" lt="0" ct="0" ts="1770595666569" s="true" lb="ISO8583 Sampler" rc="00">"#,
    ],
    counter_samples: &["<sample>", "<samplerData>x", "</sample>"],
};

fn is_head(line: &[u8]) -> bool {
    let line = skip_blanks(line);
    line.starts_with(b"<sample ") || line.starts_with(b"<httpSample ")
}

fn ends(line: &[u8]) -> bool {
    let line = skip_blanks(line);
    line.starts_with(b"</sample>") || line.starts_with(b"</httpSample>")
}

fn head(line: &[u8]) -> Option<Head<'_>> {
    let line = skip_blanks(line);
    if !is_head(line) {
        return None;
    }
    let at = find(line, b" ts=\"", 1024)?;
    let (raw, _) = time::epoch(from(line, at + 5))?;
    let tag = find(line, b" lb=\"", 1024).map_or(&b""[..], |n| {
        let value = from(line, n + 5);
        memchr::memchr(b'"', to(value, 128)).map_or(&b""[..], |end| to(value, end))
    });
    Some(Head {
        time: Some(raw),
        tag,
        message: line,
        ..Head::default()
    })
}
