//! Masks neighbouring lines together: a card number may go on where a line ends.

use tapscope_parsers::sensitive::{self, Span};

use crate::event::SeenCards;
use crate::parse::edge::Edge;
use crate::report::gate::Gate;

/// Hex digits from which on a stretch is taken for bytes.
const HEX_DIGITS: usize = 8;

/// Lines as they may be shown, each on its own line again.
pub(super) fn lines(raw: &[String], edge: &Edge) -> Vec<String> {
    let mut hidden: Vec<Vec<Span>> = vec![Vec::new(); raw.len()];
    labels_above(raw, &mut hidden);
    for skip_offsets in [false, true] {
        bytes_across(raw, skip_offsets, &mut hidden);
    }
    let gate = Gate::new(&SeenCards::default());
    raw.iter()
        .zip(hidden)
        .map(|(line, mut spans)| {
            sensitive::normalise(&mut spans);
            let line = edge.text(&starred(line, &spans)).to_string();
            // Another look by other code, as before anything is written.
            if gate.search(line.as_bytes()).is_some() {
                return line.replace(|c: char| c.is_ascii_digit(), "*");
            }
            line
        })
        .collect()
}

/// What a label says of a value that stands in the next line.
fn labels_above(raw: &[String], hidden: &mut [Vec<Span>]) {
    let mut found = Vec::new();
    sensitive::in_text(raw.join(" ").as_bytes(), &mut found);
    let mut start = 0;
    for (line, spans) in raw.iter().zip(hidden) {
        let end = start + line.len();
        for span in &found {
            if span.end > start && span.start < end {
                spans.push(Span {
                    start: span.start.max(start) - start,
                    end: span.end.min(end) - start,
                });
            }
        }
        start = end + 1;
    }
}

/// A hex digit: its value, its line and its place there.
type Digit = (u8, usize, usize);

/// Hex that goes on from line to line: hidden where it is secret as a whole.
fn bytes_across(raw: &[String], skip_offsets: bool, hidden: &mut [Vec<Span>]) {
    let mut run: Vec<Digit> = Vec::new();
    for (number, line) in raw.iter().enumerate() {
        let digits = longest(line, number, skip_offsets);
        if digits.len() < HEX_DIGITS {
            hide(&run, raw, hidden);
            run.clear();
        }
        run.extend(digits.into_iter().take(1 << 16));
    }
    hide(&run, raw, hidden);
}

fn hide(run: &[Digit], raw: &[String], hidden: &mut [Vec<Span>]) {
    let several = run
        .first()
        .zip(run.last())
        .is_some_and(|(first, last)| first.1 != last.1);
    if !several {
        return;
    }
    let bytes: Vec<u8> = run
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit.0))
        .collect();
    let mut found = Vec::new();
    sensitive::in_bytes(&bytes, &mut found);
    for span in found {
        for (_, line, place) in run
            .get(span.start..span.end.min(run.len()))
            .unwrap_or_default()
        {
            let Some(spans) = hidden.get_mut(*line) else {
                continue;
            };
            spans.push(Span {
                start: *place,
                end: *place + 1,
            });
            // Whatever renders the same bytes once more, as the text column of a dump does.
            let rest = run.iter().filter(|digit| digit.1 == *line).map(|d| d.2);
            let end = raw.get(*line).map_or(0, String::len);
            if let Some(last) = rest.max() {
                spans.push(Span {
                    start: last + 1,
                    end,
                });
            }
        }
    }
}

/// The longest stretch of hex digits of a line, whatever stands between the bytes; the same between all of them, or it is a time.
fn longest(line: &str, number: usize, skip_offsets: bool) -> Vec<Digit> {
    let mut best: Vec<Digit> = Vec::new();
    let mut run: Vec<Digit> = Vec::new();
    let mut separator = None;
    for word in words(line) {
        let digits = word.end - word.start;
        // `0x62,0x12`: the separator stands before the prefix.
        let joined = match (run.is_empty(), separator) {
            (true, _) => true,
            (false, None) => word.before.is_some(),
            (false, known) => word.before == known,
        };
        // Times and addresses have words of other lengths.
        let fits = digits.is_multiple_of(2)
            && (word.before != Some('-') && word.before != Some(':') || digits == 2);
        if !joined || !fits {
            keep_longer(&mut best, &mut run);
            separator = None;
        } else if !run.is_empty() {
            separator = word.before;
        }
        // An offset in front of a dump's row is no part of its bytes.
        let offset = skip_offsets && run.is_empty() && matches!(digits, 4 | 8);
        if digits.is_multiple_of(2) && !offset {
            let places = word.start..word.end;
            run.extend(places.filter_map(|at| {
                let value = (*line.as_bytes().get(at)? as char).to_digit(16)?;
                Some((u8::try_from(value).ok()?, number, at))
            }));
        }
    }
    keep_longer(&mut best, &mut run);
    best
}

fn keep_longer(best: &mut Vec<Digit>, run: &mut Vec<Digit>) {
    if run.len() > best.len() {
        std::mem::swap(best, run);
    }
    run.clear();
}

/// Hex digits without a gap, and what alone stands between them and those before.
struct HexWord {
    start: usize,
    end: usize,
    before: Option<char>,
}

/// The runs of hex digits of a line that are no part of a word.
fn words(line: &str) -> Vec<HexWord> {
    let mut words: Vec<HexWord> = Vec::new();
    let bytes = line.as_bytes();
    let is_word = |at: usize| {
        bytes
            .get(at)
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
    };
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(at) {
            at += 1;
            continue;
        }
        let mut start = at;
        while is_word(at) {
            at += 1;
        }
        let mut lead = start;
        if matches!(bytes.get(start..start + 2), Some(b"0x" | b"0X")) {
            start += 2;
        } else if bytes.get(start) == Some(&b'x')
            && start > 0
            && bytes.get(start - 1) == Some(&b'\\')
        {
            lead -= 1;
            start += 1;
        }
        let hex = bytes
            .get(start..at)
            .is_some_and(|word| !word.is_empty() && word.iter().all(u8::is_ascii_hexdigit));
        if !hex {
            continue;
        }
        let between = words.last().and_then(|last| line.get(last.end..lead));
        let before = between.and_then(|gap| {
            let mut chars = gap.chars().filter(|c| *c != ' ');
            match (gap, chars.next(), chars.next()) {
                ("", ..) => Some('\\'),
                (_, None, _) => Some(' '),
                (_, Some(c @ (',' | ':' | '-')), None) => Some(c),
                _ => None,
            }
        });
        words.push(HexWord {
            start,
            end: at,
            before,
        });
    }
    words
}

/// The line with the hidden stretches as stars.
fn starred(line: &str, spans: &[Span]) -> String {
    line.char_indices()
        .map(|(at, c)| {
            let hide = spans.iter().any(|span| span.start <= at && at < span.end);
            if hide && c != ' ' { '*' } else { c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::lines;
    use crate::parse::edge::Edge;

    fn masked(text: &str) -> Vec<String> {
        let raw: Vec<String> = text.lines().map(str::to_owned).collect();
        lines(&raw, &Edge::new(None))
    }

    #[test]
    fn what_is_whole_in_a_line_is_masked_there() {
        assert_eq!(
            masked("PAN=4111111111111111 ok\nnothing here"),
            ["PAN=411111******1111 ok", "nothing here"]
        );
    }

    #[test]
    fn a_number_that_goes_on_in_the_next_line_is_masked() {
        // 5A 08 4111111111111111, cut after the fourth byte.
        for text in [
            "<= 70 0A 5A 08 41 11 11\n<= 11 11 11 11 11 90 00",
            "0000  70 0A 5A 08 41 11 11  p.Z.A..\n0007  11 11 11 11 11 90 00  .......",
            "RX: 700A5A08411111\nRX: 11111111119000",
            "0x70,0x0A,0x5A,0x08,0x41,0x11,0x11,\n0x11,0x11,0x11,0x11,0x11,0x90,0x00",
        ] {
            let out = masked(text).join("\n");
            let digits = out.matches("11").count();
            assert!(digits <= 5, "{out}");
            assert!(out.contains('*'), "{out}");
        }
    }

    #[test]
    fn times_are_no_bytes() {
        let text = "03-18 11:29:01.661 11744 11770 D IsoComm : tx 248 bytes\n03-18 11:30:01.663 1174 1176 E IsoComm : no response\n2026-07-15 10:56:03.152 INFO transaction";
        assert_eq!(masked(text).join("\n"), text);
    }

    #[test]
    fn the_text_column_of_a_dump_hides_what_the_bytes_hide() {
        let out = masked(
"0000  50 41 4E 3D 34 31 31 31 31 31 31 31 31 31 31 31  PAN=411111111111\n0010  31 31 31 31 3B 41 42 43 44 45 46 47 48 49 4A 4B  1111;ABCDEFGHIJK",
        )
        .join("\n");
        assert!(
            !out.contains("1111111") && !out.contains("31 31 31 31 31 31"),
            "{out}"
        );
    }

    #[test]
    fn a_label_hides_the_value_in_the_next_line() {
        let out = masked("pinblock:\n0123456789ABCDEF").join("\n");
        assert!(!out.contains("0123456789ABCDEF"), "{out}");
    }
}
