//! How the lines of one source are read: its format, the header of a table, and the log that its messages may wrap.

use std::borrow::Cow;

use tapscope_parsers::container::{self, Columns, Head, LogFormat, TextLimits};
use tapscope_parsers::time::RawTime;

/// The shape of a source.
pub(super) struct Shape {
    /// Its format.
    pub format: &'static LogFormat,
    columns: Option<Columns>,
    /// True where names that stand once (a table's header, a user's groups) give values their meaning: no line has an anchor then.
    pub all: bool,
}

/// One line, taken apart.
pub(super) struct Line<'a> {
    /// What stands before the message; of a wrapped line the inner names, and the outer time.
    pub head: Head<'a>,
    /// What is read for contents.
    pub message: Cow<'a, [u8]>,
    /// The inner time of a line that wraps another.
    pub inner: Option<RawTime>,
}

impl Shape {
    /// Of a source that begins with `sample`; `telling` says whether a text holds an anchor.
    pub(super) fn new(
        format: &'static LogFormat,
        sample: &[u8],
        telling: &dyn Fn(&[u8]) -> bool,
    ) -> Self {
        let columns = (format.name == "csv")
            .then(|| Columns::of(sample))
            .flatten();
        let mut names = Vec::new();
        if let Some(columns) = &columns {
            for name in columns.names() {
                names.push(b' ');
                names.extend_from_slice(name);
                names.extend_from_slice(b"=0");
            }
        }
        if let Some(own) = format.described {
            for name in own.names() {
                names.push(b' ');
                names.extend_from_slice(name.as_bytes());
                names.extend_from_slice(b"=0");
            }
        }
        Self {
            format,
            columns,
            all: telling(&names),
        }
    }

    /// Head and message of a line that begins a record.
    pub(super) fn own<'a>(&self, line: &'a [u8]) -> Option<Line<'a>> {
        if !self.format.is_head(line) {
            return None;
        }
        if let Some(columns) = &self.columns {
            let head = columns.head(line)?;
            return Some(Line {
                head,
                message: if columns.is_header(line) {
                    Cow::Borrowed(&[])
                } else {
                    Cow::Owned(columns.text(line))
                },
                inner: None,
            });
        }
        let head = self.format.head(line)?;
        let message = self
            .format
            .described
            .and_then(|own| own.text(line))
            .map_or(Cow::Borrowed(head.message), Cow::Owned);
        Some(Line {
            head,
            message,
            inner: None,
        })
    }

    /// Head and message of a line that goes on in the record of `head`.
    pub(super) fn further<'a>(
        &self,
        text: &'a [u8],
        start: usize,
        line: &'a [u8],
        head: Head<'a>,
    ) -> Line<'a> {
        let (head, message) = match self.format.within {
            None => (head, line),
            Some(within) => {
                let limits = TextLimits::default();
                let record = container::record_around(self.format, text, start, 0, limits);
                within(text.get(record).unwrap_or_default(), line, head)
            }
        };
        Line {
            head,
            message: Cow::Borrowed(message),
            inner: None,
        }
    }
}

impl<'a> Line<'a> {
    /// Takes off a log line that the message wraps: names come from inside, the time stays the outer one and the inner is kept.
    pub(super) fn unwrapped(self) -> Self {
        let Cow::Borrowed(message) = self.message else {
            return self;
        };
        let Some((_, inner)) = container::unwrap(message) else {
            return self;
        };
        let pick = |inner: &'a [u8], outer: &'a [u8]| if inner.is_empty() { outer } else { inner };
        let outer = self.head;
        let head = Head {
            time: outer.time.or(inner.time),
            host: pick(outer.host, inner.host),
            process: pick(inner.process, outer.process),
            thread: pick(inner.thread, outer.thread),
            tag: pick(inner.tag, outer.tag),
            level: if inner.level == container::Level::Unknown {
                outer.level
            } else {
                inner.level
            },
            message: inner.message,
        };
        Self {
            head,
            message: Cow::Borrowed(inner.message),
            inner: inner.time.filter(|_| outer.time.is_some()),
        }
    }
}

/// A time as it was written, for people: `2024-03-14 13:16:47.974 +08:00`, without what was not written.
pub(in crate::parse) fn written(raw: &RawTime) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    if let Some(nanos) = raw.epoch_nanos {
        return jiff::Timestamp::from_nanosecond(i128::from(nanos))
            .map(|at| at.to_string())
            .unwrap_or_default();
    }
    if let Some(nanos) = raw.uptime_nanos.or(raw.delta_nanos) {
        let _ = write!(
            out,
            "{}.{:06}",
            nanos / 1_000_000_000,
            nanos % 1_000_000_000 / 1000
        );
        return out;
    }
    if let Some(year) = raw.year {
        let _ = write!(out, "{year:04}-");
    }
    if let Some((month, day)) = raw.month_day {
        let _ = write!(out, "{month:02}-{day:02} ");
    }
    let _ = write!(out, "{:02}:{:02}:{:02}", raw.hour, raw.minute, raw.second);
    if raw.resolution_nanos < 1_000_000_000 {
        let _ = write!(out, ".{:03}", raw.nanos / 1_000_000);
    }
    if let Some(seconds) = raw.offset_seconds {
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.abs() / 60;
        let _ = write!(out, " {sign}{:02}:{:02}", minutes / 60, minutes % 60);
    }
    out
}
