//! Turns what vendors write into signals, by a table of phrases: English and Chinese in full, and what terminals of Europe and Latin America
//! show in German, French, Spanish, Italian, Portuguese and Dutch. Adding a phrase is a line in `tables/wording.tsv`.
//!
//! Phrases are compared without case and without blanks, underscores and dashes, so that `Card removed`, `CARD_REMOVED` and `cardRemoved` are one.
//! A phrase must begin and end at a word's border, must not be negated, and must not be the name of a setting (`timeout=60`).

use aho_corasick::{AhoCorasick, MatchKind};

use super::ContentKind;

/// What this file reads; its anchors come from the table.
pub const KIND: ContentKind = ContentKind {
    name: "wording",
    title: "what terminals and hosts say, in eight languages",
    anchors: &[],
};

/// The table: signal, language, scope, phrase, words needed, words that rule it out, source.
const TABLE: &str = include_str!("../../tables/wording.tsv");

/// Longest text that is looked at; wording stands at the front.
const TEXT_BYTES: usize = 2048;
/// Most phrases of one line.
const MOST: usize = 64;

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Phrase {
    /// Stable name of the signal.
    pub signal: &'static str,
    /// `en`, `zh`, or one of `de`, `fr`, `es`, `it`, `pt`, `nl`.
    pub language: &'static str,
    /// True where only payment software says so; false for general computing, which needs payments nearby.
    pub payment: bool,
    /// As written in the table, lower case.
    pub text: &'static str,
    need: Vec<Vec<u8>>,
    veto: Vec<Vec<u8>>,
    squeezed: Vec<u8>,
}

/// A phrase found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Stable name of the signal.
    pub signal: &'static str,
    /// True where only payment software says so.
    pub payment: bool,
    /// The phrase.
    pub phrase: &'static str,
    /// Where it begins in the text.
    pub at: usize,
}

/// All phrases, ready to be found in one pass.
pub struct Wording {
    phrases: Vec<Phrase>,
    finder: AhoCorasick,
}

/// A text without case and blanks, and where its words begin.
struct Squeezed {
    bytes: Vec<u8>,
    /// Offset in the text, and whether a word begins here.
    origin: Vec<(u32, bool)>,
}

const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'_' | b'-' | b'\'')
}

fn squeeze(text: &[u8]) -> Squeezed {
    let text = text.get(..TEXT_BYTES).unwrap_or(text);
    let mut bytes = Vec::with_capacity(text.len());
    let mut origin = Vec::with_capacity(text.len());
    let mut before = b' ';
    let mut all = text.iter().copied().enumerate().peekable();
    while let Some((index, byte)) = all.next() {
        let next = all.peek().map_or(b' ', |(_, b)| *b);
        // `tap.done`: a dot that joins words.
        let joint = byte == b'.' && before.is_ascii_alphabetic() && next.is_ascii_alphabetic();
        if !is_gap(byte) && !joint {
            let begins = !before.is_ascii_alphanumeric()
                || byte.is_ascii_uppercase() && before.is_ascii_lowercase()
                || byte.is_ascii_uppercase()
                    && before.is_ascii_uppercase()
                    && next.is_ascii_lowercase()
                || !byte.is_ascii();
            bytes.push(byte.to_ascii_lowercase());
            origin.push((u32::try_from(index).unwrap_or(u32::MAX), begins));
        }
        before = byte;
    }
    Squeezed { bytes, origin }
}

fn squeeze_words(list: &str) -> Vec<Vec<u8>> {
    list.split(';')
        .filter(|w| !w.is_empty())
        .map(|w| squeeze(w.as_bytes()).bytes)
        .collect()
}

/// Words that turn a phrase round when they stand right before it.
const NEGATIONS: &[&str] = &[
    "no", "not", "non", "without", "never", "donot", "dont", "isnot", "zero", "ignore", "disable",
    "nicht", "kein", "keine", "ohne", "pas", "sans", "sin", "senza", "nao", "sem", "niet", "geen",
];
/// Likewise in Chinese.
const NEGATIONS_ZH: &[&str] = &["未", "没有", "无", "非", "不", "没", "请勿", "勿", "免"];
/// Values that say that a thing is not so.
const NAYS: &[&[u8]] = &[
    b"0",
    b"false",
    b"no",
    b"none",
    b"null",
    b"off",
    b"n",
    b"\xe5\x90\xa6",
];

impl Wording {
    /// Reads the table.
    ///
    /// # Errors
    /// Where the table does not make an automaton.
    pub fn new() -> Result<Self, aho_corasick::BuildError> {
        Self::with(&[])
    }

    /// As [`Self::new`], with rows of the user's; they live as long as the program.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with(rows: &[String]) -> Result<Self, aho_corasick::BuildError> {
        let own = rows.iter().filter_map(|line| {
            let line: &'static str = Box::leak(line.clone().into_boxed_str());
            row(line)
        });
        let phrases: Vec<Phrase> = TABLE.lines().skip(1).filter_map(row).chain(own).collect();
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(phrases.iter().map(|p| &p.squeezed))?;
        Ok(Self { phrases, finder })
    }

    /// The rows.
    #[must_use]
    pub fn phrases(&self) -> &[Phrase] {
        &self.phrases
    }

    /// What must stand in a line for a phrase to be in it: the phrase's begin, in each way that its words may be joined.
    /// `payment` picks the phrases that only payment software has, or those of general computing.
    pub fn anchors(&self, payment: bool) -> impl Iterator<Item = String> + '_ {
        self.phrases
            .iter()
            // Named values have anchors of their own.
            .filter(move |phrase| phrase.payment == payment && phrase.signal != "note")
            .flat_map(move |phrase| {
                if phrase.text.is_ascii() {
                    latin_anchors(phrase.text, payment)
                } else {
                    vec![han_anchor(phrase.text)]
                }
            })
    }

    /// What a text says: non-overlapping, the longest phrase first served, in the order of the text.
    #[must_use]
    pub fn read(&self, text: &[u8]) -> Vec<Said> {
        let squeezed = squeeze(text);
        let mut hits: Vec<(usize, usize, &Phrase)> = Vec::new();
        // What a longer phrase denies, a shorter one inside it does not say: "no pending reversal".
        let mut denied: Vec<(usize, usize)> = Vec::new();
        for hit in self.finder.find_overlapping_iter(&squeezed.bytes) {
            let Some(phrase) = self.phrases.get(hit.pattern().as_usize()) else {
                continue;
            };
            if !stands(&squeezed, hit.start(), hit.end(), phrase) {
                continue;
            }
            if negated(&squeezed, hit.start()) || setting(&squeezed, text, hit.end(), phrase) {
                denied.push((hit.start(), hit.end()));
            } else {
                hits.push((hit.start(), hit.end(), phrase));
                if hits.len() >= MOST {
                    break;
                }
            }
        }
        hits.sort_by_key(|(start, end, _)| (core::cmp::Reverse(end - start), *start));
        let mut kept: Vec<(usize, usize, &Phrase)> = Vec::new();
        for hit in hits {
            let apart = |k: (usize, usize)| hit.1 <= k.0 || k.1 <= hit.0;
            if kept.iter().all(|k| apart((k.0, k.1)))
                && denied
                    .iter()
                    .all(|d| apart(*d) || hit.0 <= d.0 && d.1 <= hit.1 && hit.1 - hit.0 > d.1 - d.0)
            {
                kept.push(hit);
            }
        }
        kept.sort_by_key(|(start, _, _)| *start);
        kept.iter()
            .map(|(start, _, phrase)| Said {
                signal: phrase.signal,
                payment: phrase.payment,
                phrase: phrase.text,
                at: squeezed
                    .origin
                    .get(*start)
                    .map_or(0, |(at, _)| *at as usize),
            })
            .collect()
    }
}

/// Up to three Chinese characters and the letters before them are telling enough; a blank ends the anchor.
fn han_anchor(text: &str) -> String {
    let solid = text
        .split(' ')
        .find(|part| !part.is_ascii())
        .unwrap_or(text);
    let mut han = 0;
    solid
        .chars()
        .take_while(|c| {
            han += usize::from(!c.is_ascii());
            han <= 3
        })
        .collect()
}

/// The first words, until they are telling, joined in each way; a short word alone needs a mark before it.
///
/// Of general computing one long word (`application`) says too little where another follows.
fn latin_anchors(text: &str, payment: bool) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut letters = 0;
    for word in text.split([' ', '-', '_']).filter(|w| !w.is_empty()) {
        let whole = word.len() <= 12;
        let word: String = word
            .chars()
            .take(14_usize.saturating_sub(letters).max(1))
            .collect();
        letters += word.len();
        words.push(word);
        if letters >= 11 && (payment || words.len() > 1 || !whole) {
            break;
        }
    }
    let dashed = text.contains('-') || !payment && words.first().is_some_and(|w| w.len() >= 11);
    match words.as_slice() {
        [one] if one.len() <= 4 => [" ", "=", ":", "(", "[", "_", "\""]
            .iter()
            .map(|mark| format!("{mark}{one}"))
            .collect(),
        [one] => vec![one.clone()],
        _ => ["", " ", "_", "."]
            .iter()
            .chain(dashed.then_some(&"-"))
            .map(|join| words.join(join))
            .collect(),
    }
}

fn row(line: &'static str) -> Option<Phrase> {
    let mut cells = line.split('\t');
    let (signal, language, scope, text) =
        (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let (need, veto) = (
        cells.next().unwrap_or_default(),
        cells.next().unwrap_or_default(),
    );
    Some(Phrase {
        signal,
        language,
        payment: scope == "payment",
        text,
        need: squeeze_words(need),
        veto: squeeze_words(veto),
        squeezed: squeeze(text.as_bytes()).bytes,
    })
}

/// True where a phrase stands by itself, with the words it needs and without those that rule it out.
fn stands(text: &Squeezed, start: usize, end: usize, phrase: &Phrase) -> bool {
    let first = phrase.squeezed.first().copied().unwrap_or_default();
    let last = phrase.squeezed.last().copied().unwrap_or_default();
    let begins = |at: usize| text.origin.get(at).is_none_or(|(_, begins)| *begins);
    let plain = |at: usize| {
        text.bytes
            .get(at)
            .is_none_or(|b| !b.is_ascii_alphanumeric())
    };
    if first.is_ascii_alphanumeric() && !begins(start) {
        return false;
    }
    if last.is_ascii_alphanumeric() {
        let plural = last.is_ascii_alphabetic()
            && text.bytes.get(end) == Some(&b's')
            && (plain(end + 1) || begins(end + 1));
        if !(plain(end) || begins(end) || plural) {
            return false;
        }
    }
    let near = |word: &Vec<u8>| {
        let plain = word.first().is_some_and(u8::is_ascii_alphanumeric);
        memchr::memmem::find_iter(&text.bytes, word).any(|at| !plain || begins(at))
    };
    (phrase.need.is_empty() || phrase.need.iter().any(near)) && !phrase.veto.iter().any(near)
}

fn negated(text: &Squeezed, start: usize) -> bool {
    let Some(before) = text.bytes.get(..start) else {
        return false;
    };
    NEGATIONS.iter().any(|word| {
        before.ends_with(word.as_bytes())
            && text
                .origin
                .get(start - word.len())
                .is_some_and(|(_, begins)| *begins)
    }) || NEGATIONS_ZH
        .iter()
        .any(|word| before.ends_with(word.as_bytes()))
}

/// True where what stands before is the beginning of a longer name of a value that does not say yes: `aac` of `aac_tc=TC`.
fn begins_name(rest: &[u8]) -> bool {
    let name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let tail = rest.iter().take_while(|b| name(b)).count();
    let value = rest.get(tail..).and_then(|rest| rest.strip_prefix(b"="));
    let Some(value) = value.filter(|_| rest.first() == Some(&b'_')) else {
        return false;
    };
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let length = value.iter().take_while(|b| name(b)).count();
    let value = value.get(..length).unwrap_or_default();
    ![&b"1"[..], b"true", b"yes", b"y"]
        .iter()
        .any(|yes| value.eq_ignore_ascii_case(yes))
}

/// True where the phrase is the name of a setting or flag: `timeout=60`, `cardRemoved: false`.
fn setting(text: &Squeezed, original: &[u8], end: usize, phrase: &Phrase) -> bool {
    let Some((last, _)) = end.checked_sub(1).and_then(|at| text.origin.get(at)) else {
        return false;
    };
    let rest = original.get(*last as usize + 1..).unwrap_or_default();
    if begins_name(rest) {
        return phrase.signal != "config_value";
    }
    let skip = rest
        .iter()
        .take_while(|b| matches!(b, b' ' | b'"' | b'\''))
        .count();
    let Some(value) = rest.get(skip..).and_then(|r| {
        r.strip_prefix(b"=")
            .or_else(|| r.strip_prefix(b":"))
            .or_else(|| r.strip_prefix("：".as_bytes()))
    }) else {
        return false;
    };
    let value: &[u8] = value.trim_ascii_start();
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let word: Vec<u8> = value
        .iter()
        .take_while(|b| !b.is_ascii_whitespace() && !matches!(b, b',' | b';' | b'"' | b'}' | b')'))
        .take(16)
        .map(u8::to_ascii_lowercase)
        .collect();
    let carries = matches!(
        phrase.signal,
        "config_value"
            | "note"
            | "other_error"
            | "response_received"
            | "sale_end"
            | "request_sent"
            | "approved"
    );
    if carries && !matches!(phrase.signal, "approved") {
        return false;
    }
    NAYS.contains(&word.as_slice())
        || (phrase.signal.ends_with("timeout") || phrase.text.ends_with("timeout"))
            && word.first().is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn signals(wording: &Wording, text: &str) -> Vec<&'static str> {
        wording
            .read(text.as_bytes())
            .iter()
            .map(|s| s.signal)
            .collect()
    }

    #[test]
    fn the_beginning_of_a_name_is_no_statement() {
        let wording = Wording::new().unwrap();
        let declined = |text: &str| signals(&wording, text).contains(&"offline_declined");
        assert!(!declined("unit=TR-3290 atc=00EC aac_tc=TC denylist=no"));
        assert!(declined("aac"));
        for (text, want) in [
            (&b"_tc=TC"[..], true),
            (b"_early=true", false),
            (b"=TC", false),
            (b" uuid=0012", false),
            (b"_and more", false),
        ] {
            assert_eq!(begins_name(text), want);
        }
    }

    #[test]
    fn each_row_is_found_by_its_own_phrase() {
        let wording = Wording::new().unwrap();
        assert!(wording.phrases().len() > 2000);
        let mut wrong = Vec::new();
        for phrase in wording.phrases() {
            let needed = phrase
                .need
                .first()
                .map(|w| String::from_utf8_lossy(w).into_owned())
                .unwrap_or_default();
            let text = format!("{} {needed}", phrase.text);
            let said = wording.read(text.as_bytes());
            if !said.iter().any(|s| s.signal == phrase.signal) {
                wrong.push((phrase.signal, phrase.text, said));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn each_signal_has_phrases_in_both_languages() {
        let wording = Wording::new().unwrap();
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for phrase in wording.phrases() {
            *counts.entry((phrase.signal, phrase.language)).or_default() += 1;
        }
        let signals: std::collections::BTreeSet<&str> =
            wording.phrases().iter().map(|p| p.signal).collect();
        for signal in signals {
            for language in ["en", "zh"] {
                assert!(
                    counts.get(&(signal, language)).copied().unwrap_or(0) >= 2,
                    "{signal} {language}"
                );
            }
        }
    }

    #[test]
    fn spelling_does_not_matter_and_words_have_borders() {
        let wording = Wording::new().unwrap();
        for text in [
            "Card removed",
            "CARD_REMOVED",
            "onCardRemoved()",
            "card-removed!",
            "卡片移开",
            "ERR: 卡片 已移开",
        ] {
            assert_eq!(signals(&wording, text), ["card_removed"], "{text}");
        }
        for text in ["discard removed items", "cardremovedx", "scorecard removed"] {
            assert_eq!(signals(&wording, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn negation_and_settings_are_no_signal() {
        let wording = Wording::new().unwrap();
        for text in [
            "no timeout",
            "card not removed",
            "cardRemoved=false",
            "readTimeout=60",
            "connect timeout: 30000",
            "not cancelled",
            "未超过非接限额",
            "no pending reversal",
            "sd card removed",
        ] {
            assert_eq!(signals(&wording, text), Vec::<&str>::new(), "{text}");
        }
        assert_eq!(
            signals(&wording, "connect timeout after 30000 ms"),
            ["connect_timeout"]
        );
    }

    #[test]
    fn natural_lines() {
        let wording = Wording::new().unwrap();
        for (text, expected) in [
            ("交易失败: 连接超时", &["declined", "connect_timeout"][..]),
            ("超过非接限额, 请插卡", &["limit_exceeded", "use_chip"]),
            ("Please present one card only", &["multiple_cards"]),
            ("请在手机上验证后重新挥卡", &["see_phone", "retry_prompt"]),
            ("Transaction approved", &["approved"]),
            ("java.net.UnknownHostException", &["dns_failed"]),
        ] {
            assert_eq!(signals(&wording, text), expected, "{text}");
        }
    }
}
