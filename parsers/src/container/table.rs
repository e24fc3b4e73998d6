//! CSV and TSV with a header: which column is what, and a row as `name=value`, so that every content is found in it.

use std::borrow::Cow;

use super::scan::{all_digits, from, skip_blanks, to, trim_line};
use super::{Head, Level, LogFormat, level_from_word, lines, never};
use crate::time::{self, RawTime};

/// A table.
pub(super) static FORMAT: LogFormat = LogFormat {
    name: "csv",
    title: "CSV or TSV with a header: comma, semicolon, tab or bar",
    spec: "RFC 4180; exports of spreadsheets and log viewers",
    specificity: 7,
    is_head: |line| separator_of(line).is_some(),
    head,
    ends: never,
    within: None,
    whole: Some(|samples| {
        samples
            .first()
            .is_some_and(|head| Columns::of(head).is_some())
    }),
    described: None,
    samples: &[
        "2024-03-14 13:16:47.974,ERROR,PaySdk,\"declined, code 51\"",
        "14.03.2024;13:16:47;000123;10,00;51",
        "2024-03-14T13:16:47Z\t000123\t226809630767\t51",
    ],
    counter_samples: &["text", "a,b", "07-15 10:56:49.152   889  6213 D Tag: x"],
};

/// Cells that are looked at.
const MOST_CELLS: usize = 128;

/// The separator that cuts the line into three cells or more.
fn separator_of(line: &[u8]) -> Option<u8> {
    [b'\t', b';', b',', b'|']
        .into_iter()
        .find(|s| Cells::new(line, *s).take(3).count() == 3)
}

/// Without its header a row still shows its time and level.
fn head(line: &[u8]) -> Option<Head<'_>> {
    let separator = separator_of(line)?;
    let mut out = Head {
        message: line,
        ..Head::default()
    };
    let mut before: &[u8] = b"";
    for cell in Cells::new(line, separator).take(12) {
        let cell = cell.plain();
        if out.time.is_none() {
            out.time = dated(cell).or_else(|| two_cells(before, cell));
        }
        if out.level == Level::Unknown {
            out.level = level_from_word(cell).unwrap_or(Level::Unknown);
        }
        before = cell;
    }
    Some(out)
}

fn dated(cell: &[u8]) -> Option<RawTime> {
    let (raw, used) = time::parse_at_start(cell)?;
    (from(cell, used).trim_ascii().is_empty()
        && (raw.month_day.is_some() || raw.epoch_nanos.is_some()))
    .then_some(raw)
}

/// A date in one cell and the time in the next.
fn two_cells(date: &[u8], clock: &[u8]) -> Option<RawTime> {
    if !(6..=12).contains(&date.len()) || !(5..=24).contains(&clock.len()) {
        return None;
    }
    let mut both = [b' '; 40];
    both.get_mut(..date.len())?.copy_from_slice(date);
    both.get_mut(date.len() + 1..date.len() + 1 + clock.len())?
        .copy_from_slice(clock);
    dated(to(&both, date.len() + 1 + clock.len()))
}

/// One cell as it stands, quotes included.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a>(&'a [u8]);

impl<'a> Cell<'a> {
    /// Without its outer quotes; doubled quotes inside stay doubled.
    #[must_use]
    pub fn plain(self) -> &'a [u8] {
        let cell = self.0.trim_ascii();
        cell.strip_prefix(b"\"")
            .map_or(cell, |c| c.strip_suffix(b"\"").unwrap_or(c))
    }

    /// The value: outer quotes off, doubled quotes single.
    #[must_use]
    pub fn value(self) -> Cow<'a, [u8]> {
        let plain = self.plain();
        if memchr::memmem::find(plain, b"\"\"").is_none() {
            return Cow::Borrowed(plain);
        }
        let mut out = Vec::with_capacity(plain.len());
        let mut quoted = false;
        for byte in plain {
            quoted = *byte == b'"' && !quoted;
            if !quoted {
                out.push(*byte);
            }
        }
        Cow::Owned(out)
    }
}

/// The cells of a row; separators inside quotes do not count.
#[derive(Debug, Clone)]
struct Cells<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Cells<'a> {
    const fn new(line: &'a [u8], separator: u8) -> Self {
        Self {
            rest: Some(line),
            separator,
        }
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    fn next(&mut self) -> Option<Cell<'a>> {
        let rest = self.rest?;
        let mut end = 0;
        if skip_blanks(rest).first() == Some(&b'"') && self.separator != b' ' {
            let mut quoted = false;
            for byte in rest {
                if *byte == b'"' {
                    quoted = !quoted;
                } else if *byte == self.separator && !quoted {
                    break;
                }
                end += 1;
            }
        } else {
            end = memchr::memchr(self.separator, rest).unwrap_or(rest.len());
        }
        self.rest = (end < rest.len()).then(|| from(rest, end + 1));
        Some(Cell(to(rest, end)))
    }
}

/// What a column is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Date,
    Clock,
    Time,
    Level,
    Tag,
    Process,
    Thread,
    Host,
    Message,
    Value,
}

/// A table's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    separator: u8,
    columns: Vec<(Vec<u8>, Role)>,
}

/// Names of columns that say what a column is. Values of all others keep their column's name.
const ROLES: &[(&str, Role)] = &[
    ("date", Role::Date),
    ("日期", Role::Date),
    ("datum", Role::Date),
    ("clock", Role::Clock),
    ("uhrzeit", Role::Clock),
    ("time", Role::Time),
    ("utc", Role::Time),
    ("timestamp", Role::Time),
    ("datetime", Role::Time),
    ("date time", Role::Time),
    ("date/time", Role::Time),
    ("ts", Role::Time),
    ("@timestamp", Role::Time),
    ("event time", Role::Time),
    ("log time", Role::Time),
    ("txn time", Role::Time),
    ("txn date", Role::Time),
    ("trans time", Role::Time),
    ("tran time", Role::Time),
    ("transaction time", Role::Time),
    ("transaction date", Role::Time),
    ("交易时间", Role::Time),
    ("created", Role::Time),
    ("created at", Role::Time),
    ("时间", Role::Time),
    ("日期时间", Role::Time),
    ("时间戳", Role::Time),
    ("记录时间", Role::Time),
    ("level", Role::Level),
    ("severity", Role::Level),
    ("priority", Role::Level),
    ("级别", Role::Level),
    ("日志级别", Role::Level),
    ("tag", Role::Tag),
    ("logger", Role::Tag),
    ("module", Role::Tag),
    ("component", Role::Tag),
    ("source", Role::Tag),
    ("模块", Role::Tag),
    ("pid", Role::Process),
    ("process", Role::Process),
    ("进程", Role::Process),
    ("tid", Role::Thread),
    ("thread", Role::Thread),
    ("线程", Role::Thread),
    ("host", Role::Host),
    ("hostname", Role::Host),
    ("device", Role::Host),
    ("设备", Role::Host),
    ("message", Role::Message),
    ("msg", Role::Message),
    ("text", Role::Message),
    ("description", Role::Message),
    ("event", Role::Message),
    ("content", Role::Message),
    ("body", Role::Message),
    ("内容", Role::Message),
    ("消息", Role::Message),
    ("日志内容", Role::Message),
    ("描述", Role::Message),
    ("事件", Role::Message),
];

/// Words in a name that show a table of payments.
const TELLING: &[&str] = &[
    "stan",
    "trace",
    "rrn",
    "refer",
    "amount",
    "terminal",
    "merchant",
    "resp",
    "code",
    "status",
    "apdu",
    "sw",
    "hex",
    "direction",
    "card",
    "流水",
    "金额",
    "终端",
    "商户",
    "应答",
    "参考",
    "卡号",
    "结果",
    "状态",
    "sn",
];

impl Columns {
    /// The header at the top of a text, where its first lines make a table.
    #[must_use]
    pub fn of(sample: &[u8]) -> Option<Self> {
        let mut all = lines(sample)
            .map(|(_, line)| trim_line(line))
            .filter(|line| {
                !line.trim_ascii().is_empty()
                    && !line.starts_with(b"#")
                    && !line.starts_with(b"sep=")
            });
        let top = all.next()?.get(..).filter(|top| top.len() <= 4096)?;
        let separator = separator_of(top)?;
        let count = Cells::new(top, separator).take(MOST_CELLS).count();
        let mut columns: Vec<(Vec<u8>, Role)> = Vec::with_capacity(count);
        for cell in Cells::new(top, separator).take(MOST_CELLS) {
            let name = cell.plain().trim_ascii();
            let role = role_of(name);
            if !could_name(name)
                || columns
                    .iter()
                    .any(|(known, _)| !name.is_empty() && known == name)
            {
                return None;
            }
            columns.push((name.to_vec(), role));
        }
        let lower = top.to_ascii_lowercase();
        let known = columns.iter().any(|(_, role)| *role != Role::Value)
            || TELLING
                .iter()
                .any(|word| memchr::memmem::find(&lower, word.as_bytes()).is_some());
        let (mut fit, mut rows) = (0_u32, 0_u32);
        for row in all.take(24) {
            rows += 1;
            fit += u32::from(Cells::new(row, separator).take(MOST_CELLS).count() == count);
        }
        // The last line of a sample may be cut, and a quoted cell may hold line ends.
        (known && rows > 0 && fit * 5 + 5 >= rows * 4 && fit > 0)
            .then_some(Self { separator, columns })
    }

    /// The names, as written.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.columns.iter().map(|(name, _)| name.as_slice())
    }

    /// True for the header itself, which some writers repeat.
    #[must_use]
    pub fn is_header(&self, row: &[u8]) -> bool {
        let mut cells = Cells::new(row, self.separator);
        self.columns
            .iter()
            .all(|(name, _)| cells.next().is_some_and(|cell| cell.plain() == name))
    }

    /// The head of a row, by what the header calls its columns.
    #[must_use]
    pub fn head<'a>(&self, row: &'a [u8]) -> Option<Head<'a>> {
        let mut out = Head {
            message: row,
            ..Head::default()
        };
        let (mut date, mut clock): (&[u8], &[u8]) = (b"", b"");
        let mut count = 0;
        for (cell, (_, role)) in Cells::new(row, self.separator).zip(&self.columns) {
            let cell = cell.plain();
            count += 1;
            match role {
                Role::Date => date = cell,
                Role::Clock => clock = cell,
                Role::Time if out.time.is_none() => {
                    out.time = dated(cell);
                    if out.time.is_none() {
                        clock = cell;
                    }
                }
                Role::Level => out.level = level_from_word(cell).unwrap_or(Level::Unknown),
                Role::Tag => out.tag = cell,
                Role::Process => out.process = cell,
                Role::Thread => out.thread = cell,
                Role::Host => out.host = cell,
                Role::Time | Role::Message | Role::Value => {}
            }
        }
        if out.time.is_none() {
            out.time = dated(date)
                .or_else(|| two_cells(date, clock))
                .or_else(|| time::parse_at_start(clock).map(|(raw, _)| raw));
        }
        (count > 1).then_some(out)
    }

    /// A row as text in which contents are found: messages as they are, other values behind their column's name.
    #[must_use]
    pub fn text(&self, row: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(row.len() + 64);
        for (cell, (name, role)) in Cells::new(row, self.separator).zip(&self.columns) {
            let value = cell.value();
            if value.is_empty() {
                continue;
            }
            match role {
                Role::Message => {
                    out.extend_from_slice(&value);
                    out.push(b' ');
                }
                Role::Value => {
                    out.extend_from_slice(name);
                    out.push(b'=');
                    // `10,00` is an amount where semicolons part the cells.
                    match decimal_comma(&value) {
                        Some(at) if self.separator != b',' => {
                            out.extend_from_slice(to(&value, at));
                            out.push(b'.');
                            out.extend_from_slice(from(&value, at + 1));
                        }
                        _ => out.extend_from_slice(&value),
                    }
                    out.push(b' ');
                }
                _ => {}
            }
        }
        out
    }
}

fn decimal_comma(value: &[u8]) -> Option<usize> {
    let at = value.len().checked_sub(3)?;
    (value.get(at) == Some(&b',') && all_digits(to(value, at)) && all_digits(from(value, at + 1)))
        .then_some(at)
}

fn role_of(name: &[u8]) -> Role {
    let name = String::from_utf8_lossy(name)
        .to_lowercase()
        .replace(['_', '-'], " ");
    ROLES
        .iter()
        .find(|(word, _)| *word == name)
        .map_or(Role::Value, |(_, role)| *role)
}

/// A column's name is no number, no time, no sentence.
fn could_name(name: &[u8]) -> bool {
    name.len() <= 48
        && name
            .first()
            .is_none_or(|b| b.is_ascii_alphabetic() || !b.is_ascii() || matches!(b, b'@' | b'_'))
        && !name
            .iter()
            .any(|b| matches!(b, b'=' | b':' | b'{' | b'}' | b'[' | b'<' | b'>' | b'"'))
        && name.split(|b| *b == b' ').count() <= 5
        && time::parse_at_start(name).is_none()
}
