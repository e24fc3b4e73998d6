//! Turns a line of text into a command or an answer of a card dialogue, whatever arrows, prefixes or brackets dress it.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::ContentKind;
use crate::hex;

mod block;
mod bytes;
mod dump;
mod exchange;
mod status;
mod words;
use bytes::{begins_template, starts_template};
pub use bytes::{is_answer, is_command, is_template_answer};
use dump::bare;
use status::bracketed_status;
pub use status::{ends_in_status, status_apart};
use words::WORDS;

/// What this file reads.
pub const KIND: ContentKind = ContentKind {
    name: "apdu",
    title: "hex APDU lines: arrows, prefixes, pairs, dumps",
    anchors: &[
        "00A404",
        "00 A4 04",
        "00:A4:04",
        "00-A4-04",
        "0x00, 0xA4",
        "0x00,0xA4",
        "0x00 0xA4",
        "00a4 0400",
        "80A800",
        "80 A8 00",
        "80:A8:00",
        "80-A8-00",
        "0x80, 0xA8",
        "0x80,0xA8",
        "80a8 0000",
        "00B20",
        "00 B2 0",
        "00B21",
        "00 B2 1",
        "00-B2-0",
        "00:B2:0",
        "0x00, 0xB2",
        "0x00,0xB2",
        "00b2 0",
        "80AE",
        "80 AE ",
        "80-AE-",
        "80:AE:",
        "0x80, 0xAE",
        "0x80,0xAE",
        "80CA9F",
        "80 CA 9F",
        "802A8E80",
        "80 2A 8E 80",
        "80EA0000",
        "80 EA 00 00",
        "80D00000",
        "80 D0 00 00",
        "0084000",
        "00 84 00 00",
        "00200080",
        "00 20 00 80",
        "008800",
        "00 88 00 00",
        "008200",
        "00 82 00 00",
        "00C000",
        "00 C0 00 00",
        "apdu",
        "2PAY.SYS",
        "1PAY.SYS",
        "325041592E",
        "315041592E",
        "32 50 41 59",
        "31 50 41 59",
    ],
};

/// Which way an APDU goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the card.
    Command,
    /// From the card.
    Answer,
}

/// Announced by a block that another follows: as many bytes as come.
pub const CHAINED: usize = usize::MAX;

/// What one line gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApduLine {
    /// Bytes that go one way.
    Bytes {
        /// Which way.
        way: Way,
        /// False where the text did not say so and the bytes did.
        labelled: bool,
        /// The bytes; for an answer with its status word unless that stands apart.
        bytes: Vec<u8>,
        /// Status word that stands apart from the data.
        sw: Option<u16>,
        /// Duration in microseconds where the line states it.
        micros: Option<u32>,
        /// How many bytes were announced; [`CHAINED`] where it is not said and more follow.
        announced: Option<usize>,
    },
    /// A line that announces bytes on the following lines.
    Announced {
        /// Which way.
        way: Way,
        /// How many.
        bytes: Option<usize>,
        /// Status word that the line already tells.
        sw: Option<u16>,
    },
    /// Bytes that belong to the line before.
    More(Vec<u8>),
    /// A further part of a command that is told in parts: Lc, data, Le.
    Part(Vec<u8>),
    /// A command and its answer on one line.
    Exchange {
        /// The command.
        command: Vec<u8>,
        /// The answer, with its status word unless that stands apart.
        answer: Vec<u8>,
        /// Status word that stands apart from the data.
        sw: Option<u16>,
        /// Duration in microseconds where the line states it.
        micros: Option<u32>,
    },
}

/// Finds direction words.
pub struct Labels {
    words: AhoCorasick,
}

impl Labels {
    /// Builds the finder.
    ///
    /// # Errors
    /// Where the table itself does not make an automaton, which a test excludes.
    pub fn new() -> Result<Self, aho_corasick::BuildError> {
        Ok(Self {
            words: AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::LeftmostLongest)
                .kind(Some(AhoCorasickKind::DFA))
                .build(WORDS.iter().map(|(word, _, _)| word))?,
        })
    }

    /// The direction word nearest before `end`: way, strength, offset behind it.
    fn last_before(&self, text: &[u8], end: usize) -> Option<(Way, u8, usize)> {
        let head = text.get(..end)?;
        // Words far in front of the bytes say nothing about them.
        let from = end.saturating_sub(96);
        let mut found = None;
        for hit in self.words.find_iter(head.get(from..)?) {
            let (start, stop) = (from + hit.start(), from + hit.end());
            let Some((word, Some(way), strength)) = WORDS.get(hit.pattern().as_usize()) else {
                continue;
            };
            let wordy = word.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
            let letter = |i: usize| text.get(i).is_some_and(u8::is_ascii_alphabetic);
            let camel = text.get(start).is_some_and(u8::is_ascii_uppercase)
                && start > 0
                && text.get(start - 1).is_some_and(u8::is_ascii_lowercase);
            let camel_end = text.get(stop).is_some_and(u8::is_ascii_uppercase)
                && text.get(stop - 1).is_some_and(u8::is_ascii_lowercase);
            if wordy
                && (start > 0 && letter(start - 1) && !camel
                    || letter(stop)
                        && !camel_end
                        && word.as_bytes().last().is_some_and(u8::is_ascii_alphabetic))
            {
                continue;
            }
            // "response to command", "response for SELECT": the first of a pair of words leads.
            if let Some((Way::Answer, 2, _)) = found
                && *strength == 1
            {
                continue;
            }
            found = Some((*way, *strength, stop));
        }
        found
    }
}

fn number_in(text: &[u8], before: usize, units: &[&[u8]]) -> Option<usize> {
    // "(47 bytes)", "length 20", "len=16", "outlen:91"
    let head = text.get(..before)?;
    memchr::memchr(b'b', head)?;
    for unit in units {
        if let Some(at) = memchr::memmem::rfind(head, unit) {
            let digits: Vec<u8> = head
                .get(..at)?
                .iter()
                .rev()
                .skip_while(|b| **b == b' ')
                .take_while(|b| b.is_ascii_digit())
                .take(6)
                .copied()
                .collect();
            if !digits.is_empty() {
                return digits.iter().rev().try_fold(0_usize, |sum, d| {
                    sum.checked_mul(10)?.checked_add(usize::from(d - b'0'))
                });
            }
        }
    }
    None
}

fn millis(text: &[u8]) -> Option<u32> {
    // "(61ms)"
    memchr::memchr(b')', text)?;
    let at = memchr::memmem::find(text, b"ms)")?;
    let head = text.get(..at)?;
    let open = memchr::memrchr(b'(', head)?;
    let digits = head.get(open + 1..)?;
    let value = core::str::from_utf8(digits)
        .ok()?
        .trim()
        .parse::<u32>()
        .ok()?;
    value.checked_mul(1000)
}

/// Reads one line. `open` tells whether a command waits for its answer (or bytes were announced): only then are unlabelled answers,
/// dump lines and wrapped hex looked at.
#[must_use]
pub fn read(labels: &Labels, text: &[u8], open: bool) -> Option<ApduLine> {
    let text = text.trim_ascii();
    if text.len() < 4 {
        return None;
    }
    let found = dressed(labels, text, open);
    if found.is_none() && open {
        return lone_status(labels, text);
    }
    found
}

/// As [`read`], by the longest run of hex in the line.
fn dressed(labels: &Labels, text: &[u8], open: bool) -> Option<ApduLine> {
    if let Some(part) = part(text) {
        return Some(part);
    }
    // Wrapped hex and dump lines have no words in front.
    let first = *text.first()?;
    if open
        && hex::nibble(first).is_some()
        && let Some(line) = exchange::begins(text).or_else(|| bare(text))
    {
        return Some(line);
    }
    // Arrows that stand alone at the begin of the line.
    let arrow = match text {
        [b'>', b' ', ..] => Some(Way::Command),
        [b'<', b' ', ..] => Some(Way::Answer),
        _ => None,
    };
    // Behind an arrow the bytes come first; a remark after a colon may hold hex of its own ("6C 32 : … should be 0x32").
    let dump = arrow
        .and_then(|_| memchr::memmem::find(text, b" : "))
        .and_then(|colon| text.get(..colon))
        .and_then(best_area);
    let mut bytes = Vec::new();
    let area = match dump {
        Some(area) => {
            hex::decode_run(text, area.start, 70_000, &mut bytes);
            Some(area)
        }
        None => hex::longest_run_into(text, 0, &mut bytes).filter(|area| area.bytes >= 2),
    };
    let Some(area) = area else {
        return no_bytes(labels, text, open);
    };
    let label = arrow
        .map(|way| (way, 2, 1))
        .or_else(|| labels.last_before(text, area.start));
    if let Some(block) = block::read(&bytes, label.map(|(way, ..)| way), open) {
        return Some(block);
    }
    if block::is_control(&bytes) {
        return None;
    }
    if let Some(both) = exchange::around(text, &area, &bytes) {
        return Some(both);
    }
    if is_reset(text.get(..area.start).unwrap_or_default()) {
        return None;
    }
    let after = text.get(area.end..).unwrap_or_default();
    if bytes.len() < 2 {
        return no_bytes(labels, text, open);
    }
    let sw = status_apart(after)
        .or_else(|| bracketed_status(after))
        .filter(|_| !is_command(&bytes, true));
    if label.is_none()
        && !(after.trim_ascii().is_empty() && before_is_free(text, area.start)
            || area.start <= 1 && is_remark(after) && is_command(&bytes, true))
    {
        return None;
    }
    // "response status: 9000": a status word whose data stand on other lines.
    if bytes.len() == 2
        && ends_in_status(&bytes)
        && sw.is_none()
        && let Some((Way::Answer, _, _)) = label
        && memchr::memmem::find(&text.get(..area.start)?.to_ascii_lowercase(), b"status").is_some()
    {
        let word = bytes.iter().fold(0_u16, |sum, b| sum << 8 | u16::from(*b));
        return Some(ApduLine::Announced {
            way: Way::Answer,
            bytes: None,
            sw: Some(word),
        });
    }
    // "recv: 6F…", "resp (12): 6F…": nothing but marks between the word and the bytes.
    let beside = label.is_some_and(|(_, _, end)| text.get(end..area.start).is_some_and(only_marks));
    let way = decide(
        label.map(|(way, strength, _)| (way, strength)),
        beside,
        &bytes,
        sw,
        open,
    )?;
    Some(ApduLine::Bytes {
        way,
        labelled: label.is_some(),
        bytes,
        sw: if way == Way::Answer { sw } else { None },
        micros: millis(text.get(..area.start).unwrap_or_default()).or_else(|| millis(after)),
        announced: number_in(text, area.start, &[b" bytes", b"bytes)"]),
    })
}

/// A command told in parts: `apduSend = [Command]00A40400`, `[LC]0E`, `[Data]…`, `[LE]00`; its answer's status word alone:
/// `apduRecvState = 9000`.
fn part(text: &[u8]) -> Option<ApduLine> {
    // Rarer than its other letters in what stands between payments.
    let at = memchr::memchr_iter(b'p', text)
        .filter_map(|at| at.checked_sub(1))
        .find(|at| {
            text.get(*at..)
                .is_some_and(|rest| rest.starts_with(b"apdu"))
        })?;
    let rest = text.get(at + 4..)?;
    if let Some(rest) = rest.strip_prefix(b"RecvState") {
        let from = rest.iter().position(u8::is_ascii_hexdigit)?;
        let mut bytes = Vec::with_capacity(2);
        hex::decode_run(rest, from, 2, &mut bytes);
        let [high, low] = *bytes.as_slice() else {
            return None;
        };
        return Some(ApduLine::Announced {
            way: Way::Answer,
            bytes: None,
            sw: Some(u16::from(high) << 8 | u16::from(low)),
        });
    }
    let rest = rest.strip_prefix(b"Send")?;
    let open = memchr::memchr(b'[', rest).filter(|at| *at <= 8)?;
    let close = memchr::memchr(b']', rest)?;
    let name = rest.get(open + 1..close)?;
    let bytes = hex::decode_all(rest.get(close + 1..)?)?;
    match name {
        b"Command" if bytes.len() == 4 => Some(ApduLine::Bytes {
            way: Way::Command,
            labelled: true,
            bytes,
            sw: None,
            micros: None,
            announced: None,
        }),
        b"LC" | b"Data" | b"LE" => Some(ApduLine::Part(bytes)),
        _ => None,
    }
}

/// Unlabelled bytes stand alone, or behind a blank, a quotation mark, a colon, a bracket, an arrow, the border of a column; not
/// behind what joins words or hides digits.
fn before_is_free(text: &[u8], start: usize) -> bool {
    text.get(..start).is_some_and(|head| {
        head.last().is_none_or(|b| {
            matches!(
                b,
                b' ' | b'\t'
                    | b':'
                    | b'"'
                    | b'\''
                    | b'['
                    | b'='
                    | b'('
                    | b'>'
                    | b'<'
                    | b'|'
                    | b';'
                    | b','
            )
        })
    })
}

/// A status word by itself behind a word for answers, where longer hex (a date, a counter) stands elsewhere in the line: `rx 6986`.
fn lone_status(labels: &Labels, text: &[u8]) -> Option<ApduLine> {
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| {
        let word = rest.iter().position(u8::is_ascii_alphanumeric)?;
        Some(at + word)
    }) {
        let length = text
            .get(start..)?
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        at = start + length;
        let mut bytes = Vec::with_capacity(2);
        if length != 4
            || hex::decode_run(text.get(..at)?, start, 2, &mut bytes) != at
            || !ends_in_status(&bytes)
        {
            continue;
        }
        let Some((Way::Answer, 2, end)) = labels.last_before(text, start) else {
            continue;
        };
        let behind = text.get(at..)?;
        let closed = behind
            .first()
            .is_none_or(|b| !matches!(b, b'-' | b'.' | b'/' | b'_'));
        if closed && text.get(end..start).is_some_and(only_marks) {
            return Some(ApduLine::Bytes {
                way: Way::Answer,
                labelled: true,
                bytes,
                sw: None,
                micros: millis(behind),
                announced: None,
            });
        }
    }
    None
}

/// `ATR=3B68…`, `ATS: 0578…`: the card's answer to a reset or a request to speak (ISO/IEC 7816-3, 14443-4), not to a command,
/// though it may well end in `9000`.
fn is_reset(before: &[u8]) -> bool {
    let name = before.trim_ascii_end();
    let name = name.strip_suffix(b"[").unwrap_or(name).trim_ascii_end();
    let name = name.strip_suffix(b"=").or_else(|| name.strip_suffix(b":"));
    let name = name.unwrap_or(before).trim_ascii_end();
    let Some((head, word)) = name.split_last_chunk::<3>() else {
        return false;
    };
    (word.eq_ignore_ascii_case(b"atr") || word.eq_ignore_ascii_case(b"ats"))
        && !head.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// `# SELECT`, `// GPO`, `: Normal processing.`, `(2PAY.SYS.DDF01)`, but not `(Byte 1 Bit 7)`.
fn is_remark(after: &[u8]) -> bool {
    let after = after.trim_ascii_start();
    after.is_empty()
        || matches!(
            after.first(),
            Some(b'#' | b':' | b'"' | b'\'' | b',' | b'(' | b'/' | b';' | b']')
        ) && !after.starts_with(b"(Byte")
}

/// True where only punctuation, a bracketed remark, or words for the length and the data stand between.
fn only_marks(between: &[u8]) -> bool {
    let mut rest = between;
    while let Some((first, tail)) = rest.split_first() {
        rest = match first {
            b'(' | b'[' => match memchr::memchr2(b')', b']', tail) {
                Some(close) if close < 24 => tail.get(close + 1..).unwrap_or_default(),
                _ => tail,
            },
            b if !b.is_ascii_alphanumeric() && b.is_ascii() => tail,
            0xEF if rest.starts_with("：".as_bytes()) => rest.get(3..).unwrap_or_default(),
            _ => {
                let word = rest
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric())
                    .count();
                let head = rest.get(..word).unwrap_or_default().to_ascii_lowercase();
                let known =
                    matches!(
                        head.as_slice(),
                        b"data"
                            | b"len"
                            | b"length"
                            | b"apdu"
                            | b"hex"
                            | b"bytes"
                            | b"buf"
                            | b"buffer"
                            | b"from"
                            | b"card"
                            | b"t"
                            | b"0x"
                            | b"msg"
                            | b"str"
                            | b"cmd"
                            | b"raw"
                    ) || !head.is_empty() && head.len() <= 4 && head.iter().all(u8::is_ascii_digit);
                if !known {
                    return false;
                }
                rest.get(word..).unwrap_or_default()
            }
        };
    }
    true
}

fn decide(
    label: Option<(Way, u8)>,
    beside: bool,
    bytes: &[u8],
    sw: Option<u16>,
    open: bool,
) -> Option<Way> {
    // `recv 0210 …`: the type of a message. No card answers with less than a status word (ISO/IEC 7816-4, 5.6).
    if matches!(
        bytes,
        [0x01 | 0x02 | 0x04 | 0x08, 0x00 | 0x10 | 0x20 | 0x30, ..]
    ) && bytes.len() <= 3
    {
        return None;
    }
    match label {
        Some((Way::Command, strength)) => {
            if is_command(bytes, strength < 2) {
                Some(Way::Command)
            } else if open && strength < 2 && is_answer(bytes) {
                Some(Way::Answer)
            } else {
                None
            }
        }
        Some((Way::Answer, strength)) => {
            if is_command(bytes, true) && bytes.len() > 5 && !ends_in_status(bytes) {
                return Some(Way::Command);
            }
            // While an answer is awaited, whatever a plain label brings is it, whole or wrapped.
            let believed = if open {
                sw.is_some()
                    || beside && (is_answer(bytes) || begins_template(bytes) || strength == 2)
                    || is_template_answer(bytes, false)
            } else {
                (starts_template(bytes) && (ends_in_status(bytes) || sw.is_some()))
                    || bytes.len() == 2
                        && strength == 2
                        && matches!(
                            bytes,
                            [0x90, 0] | [0x69 | 0x6A | 0x6D | 0x6E | 0x67 | 0x62 | 0x63, _]
                        )
            };
            believed.then_some(Way::Answer)
        }
        None => {
            if is_command(bytes, true) {
                Some(Way::Command)
            } else if open && (is_answer(bytes) || begins_template(bytes)) {
                Some(Way::Answer)
            } else {
                None
            }
        }
    }
}

/// The run of hex that is the APDU: of two or more bytes, the longest.
fn best_area(text: &[u8]) -> Option<hex::Area> {
    hex::longest_run(text, 0).filter(|area| area.bytes >= 2)
}

fn no_bytes(labels: &Labels, text: &[u8], open: bool) -> Option<ApduLine> {
    let sw = status_apart(text);
    let mentions = memchr::memchr2_iter(b'p', b'P', text)
        .filter_map(|at| text.get(at.checked_sub(1)?..at + 3))
        .any(|word| word.eq_ignore_ascii_case(b"apdu"));
    if sw.is_none() && !mentions {
        return None;
    }
    let (way, strength, _) = labels.last_before(text, text.len())?;
    if strength < 2 && sw.is_none() {
        return None;
    }
    let announced = number_in(text, text.len(), &[b" bytes", b"bytes)"]);
    if sw.is_some() && open
        || mentions && (announced.is_some() || text.ends_with(b":"))
        || sw.is_some() && mentions
    {
        let way = if sw.is_some() { Way::Answer } else { way };
        return Some(ApduLine::Announced {
            way,
            bytes: announced,
            sw,
        });
    }
    None
}
