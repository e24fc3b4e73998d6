//! A message that is itself a line of another log: syslog around logcat, log4j around logcat, a collector around anything.

use super::{Head, LogFormat, applog, jpos, json, logcat, zvt};

/// The inner line's format and head, where a record's message is a whole line of a more telling format. Both clocks are kept:
/// the outer head stands in the record, the inner one is what this returns.
#[must_use]
pub fn unwrap(message: &[u8]) -> Option<(&'static LogFormat, Head<'_>)> {
    let message = message.trim_ascii_start();
    match message.first()? {
        b'0'..=b'9' => logcat::head(message)
            .map(|head| (&logcat::FORMAT, head))
            .or_else(|| (zvt::TRACER.head)(message).map(|head| (&zvt::TRACER, head)))
            .or_else(|| applog::head(message).map(|head| (&applog::FORMAT, head))),
        b'V' | b'D' | b'I' | b'W' | b'E' | b'F' | b'A' if message.get(1) == Some(&b'/') => {
            // Without a time only the layout with a process number is telling enough.
            logcat::head(message)
                .filter(|head| !head.process.is_empty())
                .map(|head| (&logcat::FORMAT, head))
        }
        b'[' => logcat::head(message)
            .map(|head| (&logcat::FORMAT, head))
            .or_else(|| applog::head(message).map(|head| (&applog::FORMAT, head))),
        b'<' => (jpos::FORMAT.head)(message).map(|head| (&jpos::FORMAT, head)),
        b'{' => (json::LINES.head)(message)
            .filter(|head| head.time.is_some())
            .map(|head| (&json::LINES, head)),
        _ => None,
    }
}
