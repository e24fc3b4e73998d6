//! Finds the lines of a block that hold an anchor, in one pass over its bytes, before any line is split.
//!
//! The automaton's next step waits for the one before it, so four parts of the block are walked side by side.

use std::sync::OnceLock;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

/// Parts of a block that are walked side by side.
const STRANDS: usize = 4;

/// What only payments have, and words of general computing.
pub(super) struct Anchors {
    ascii: Finder,
    /// Patterns beyond ASCII, payments first, and how many those are: blocks in ASCII, most of all, never need their automaton.
    other: (Vec<Vec<u8>>, usize),
    wide: OnceLock<Option<Finder>>,
}

/// One automaton, over lower-case letters: half of the bytes mean the same, and its table is as much smaller.
struct Finder {
    dfa: DFA,
    /// Patterns below are those of payments.
    payments: usize,
}

/// Where anchors stand in a block: the place of one of their bytes, in order.
#[derive(Default)]
pub(super) struct Hits {
    /// Of payments: the first of each line.
    pub payments: Vec<usize>,
    /// Of general computing, in lines without one of payments before it: where they end.
    pub general: Vec<usize>,
}

/// A part of the block: whole lines.
struct Strand {
    at: usize,
    end: usize,
    state: StateID,
    hits: Hits,
}

/// What is beyond ASCII, in UTF-8 and in GB18030.
fn encoded(anchors: &[String]) -> impl Iterator<Item = Vec<u8>> {
    let wide = anchors.iter().filter(|anchor| !anchor.is_ascii());
    wide.flat_map(|anchor| {
        let anchor = anchor.to_ascii_lowercase();
        let (bytes, _, lossy) = encoding_rs::GB18030.encode(&anchor);
        // Second bytes of GB18030 may be capital letters.
        let gb = (!lossy).then(|| bytes.to_ascii_lowercase());
        gb.into_iter().chain([anchor.into_bytes()])
    })
}

/// What is ASCII.
fn plain(anchors: &[String]) -> impl Iterator<Item = Vec<u8>> {
    let ascii = anchors.iter().filter(|anchor| anchor.is_ascii());
    ascii.map(|anchor| anchor.to_ascii_lowercase().into_bytes())
}

impl Anchors {
    /// Builds the automaton; nothing where the tables are broken.
    pub(super) fn new(payments: &[String], general: &[String]) -> Option<Self> {
        let mut patterns: Vec<Vec<u8>> = plain(payments).collect();
        let own = patterns.len();
        patterns.extend(plain(general));
        let mut other: Vec<Vec<u8>> = encoded(payments).collect();
        let others = other.len();
        other.extend(encoded(general));
        Some(Self {
            ascii: Finder::new(&patterns, own)?,
            other: (other, others),
            wide: OnceLock::new(),
        })
    }

    fn wide(&self) -> Option<&Finder> {
        let (patterns, payments) = &self.other;
        let wide = self.wide.get_or_init(|| Finder::new(patterns, *payments));
        wide.as_ref()
    }

    /// True where a text holds what only payments have.
    pub(super) fn is_telling(&self, text: &[u8]) -> bool {
        self.ascii.is_telling(text) || self.wide().is_some_and(|wide| wide.is_telling(text))
    }

    /// All lines of a block that hold an anchor.
    pub(super) fn find(&self, text: &[u8]) -> Hits {
        let mut all = self.ascii.find(text);
        if !text.is_ascii()
            && let Some(wide) = self.wide()
        {
            let mut more = wide.find(text);
            all.payments.append(&mut more.payments);
            all.payments.sort_unstable();
            all.general.append(&mut more.general);
            all.general.sort_unstable();
        }
        all
    }
}

impl Finder {
    fn new(patterns: &[Vec<u8>], payments: usize) -> Option<Self> {
        let dfa = DFA::builder()
            // Whether a line holds an anchor is all that is asked.
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .prefilter(false)
            .build(patterns)
            .ok()?;
        Some(Self { dfa, payments })
    }

    #[inline]
    fn next(&self, state: StateID, byte: u8) -> StateID {
        self.dfa
            .next_state(Anchored::No, state, byte.to_ascii_lowercase())
    }

    fn start(&self) -> StateID {
        // An automaton that was built for searches without an anchor has this state.
        self.dfa.start_state(Anchored::No).unwrap_or_default()
    }

    fn is_of_payments(&self, state: StateID) -> bool {
        (0..self.dfa.match_len(state))
            .any(|nth| self.dfa.match_pattern(state, nth).as_usize() < self.payments)
    }

    fn is_telling(&self, text: &[u8]) -> bool {
        let mut state = self.start();
        text.iter().any(|byte| {
            state = self.next(state, *byte);
            self.dfa.is_match(state) && self.is_of_payments(state)
        })
    }

    /// All lines of a block that hold an anchor.
    fn find(&self, text: &[u8]) -> Hits {
        let mut strands = self.strands(text);
        loop {
            let common = strands.iter().map(|s| s.end - s.at).min().unwrap_or(0);
            let windows = strands
                .each_ref()
                .map(|s| text.get(s.at..s.at + common).unwrap_or_default());
            let states = strands.each_ref().map(|s| s.state);
            let (done, states) = self.together(windows, states);
            if done == 0 {
                break;
            }
            for (strand, state) in strands.iter_mut().zip(states) {
                strand.at += done;
                strand.state = state;
                if self.dfa.is_match(state) {
                    self.note(text, strand);
                }
            }
        }
        let mut all = Hits::default();
        for mut strand in strands {
            self.finish(text, &mut strand);
            all.payments.append(&mut strand.hits.payments);
            all.general.append(&mut strand.hits.general);
        }
        all
    }

    fn strands(&self, text: &[u8]) -> [Strand; STRANDS] {
        let mut from = 0;
        std::array::from_fn(|nth| {
            let near = (text.len() * (nth + 1) / STRANDS).max(from);
            let end = memchr::memchr(b'\n', text.get(near..).unwrap_or_default())
                .map_or(text.len(), |n| near + n + 1);
            let strand = Strand {
                at: from,
                end,
                state: self.start(),
                hits: Hits::default(),
            };
            from = end;
            strand
        })
    }

    /// Walks windows of one length side by side up to a byte at which any ends an anchor; gives how many bytes that took.
    fn together(
        &self,
        windows: [&[u8]; STRANDS],
        states: [StateID; STRANDS],
    ) -> (usize, [StateID; STRANDS]) {
        let [mut a, mut b, mut c, mut d] = states;
        let [first, second, third, fourth] = windows;
        let mut done = 0;
        for (((w, x), y), z) in first.iter().zip(second).zip(third).zip(fourth) {
            a = self.next(a, *w);
            b = self.next(b, *x);
            c = self.next(c, *y);
            d = self.next(d, *z);
            done += 1;
            // Matches have the lowest numbers.
            if self.dfa.is_special(a.min(b).min(c.min(d))) {
                break;
            }
        }
        (done, [a, b, c, d])
    }

    /// The byte before `at` ends an anchor.
    fn note(&self, text: &[u8], strand: &mut Strand) {
        if !self.is_of_payments(strand.state) {
            strand.hits.general.push(strand.at);
            return;
        }
        strand.hits.payments.push(strand.at - 1);
        // The rest of the line adds nothing.
        let rest = text.get(strand.at..strand.end).unwrap_or_default();
        strand.at = memchr::memchr(b'\n', rest).map_or(strand.end, |n| strand.at + n + 1);
        strand.state = self.start();
    }

    fn finish(&self, text: &[u8], strand: &mut Strand) {
        while strand.at < strand.end {
            let Some(byte) = text.get(strand.at) else {
                return;
            };
            strand.state = self.next(strand.state, *byte);
            strand.at += 1;
            if self.dfa.is_match(strand.state) {
                self.note(text, strand);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_with_an_anchor_is_found_wherever_the_parts_meet() {
        let payments = ["apdu".to_owned(), "请插卡".to_owned()];
        let general = ["timeout".to_owned(), "rssi".to_owned()];
        let anchors = Anchors::new(&payments, &general).unwrap();
        let lines = [
            "x",
            "APDU one apdu two",
            "a Timeout, then an apdu",
            "",
            "rssi=-3 timeout",
            "请插卡",
            "noise noise noise apd",
            "u",
        ];
        for shift in 0..lines.len() {
            let mut text = String::new();
            let (mut want_payments, mut want_general) = (Vec::new(), Vec::new());
            for nth in 0..50 {
                let line = lines[(nth * 3 + shift) % lines.len()];
                let start = text.len();
                text.push_str(line);
                text.push('\n');
                let lower = line.to_lowercase();
                if lower.contains("apdu") || lower.contains("请插卡") {
                    want_payments.push(start);
                }
                if lower.contains("timeout") || lower.contains("rssi") {
                    want_general.push(start);
                }
            }
            let start =
                |at: usize| memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |n| n + 1);
            let hits = anchors.find(text.as_bytes());
            let payments: Vec<usize> = hits.payments.iter().map(|at| start(*at)).collect();
            let mut general: Vec<usize> = hits.general.iter().map(|at| start(*at - 1)).collect();
            general.dedup();
            assert_eq!(payments, want_payments);
            assert_eq!(general, want_general);
        }
        let gbk = encoding_rs::GB18030.encode("请插卡").0;
        assert!(anchors.is_telling(&gbk));
        assert!(!anchors.is_telling(b"timeout"));
        assert!(anchors.find(b"").payments.is_empty());
    }
}
