//! Which format a text has, by counting the lines that each format knows; and why.

use super::scan::trim_line;
use super::{FORMATS, LogFormat, lines, plain};

/// How a format fitted.
#[derive(Clone)]
pub struct Candidate {
    /// The format.
    pub format: &'static LogFormat,
    /// Share of the sampled lines that could begin a record and do, in thousandths.
    pub score: u16,
    /// Lines that begin a record of this format.
    pub heads: u32,
    /// Lines looked at that could have.
    pub lines: u32,
    /// For people: what was counted, and why the format was (not) chosen.
    pub why: String,
}

/// Lines that are looked at in each sample.
const SAMPLE_LINES: usize = 400;
/// Bytes of a line that are looked at.
const LINE_BYTES: usize = 4096;

/// Ranks the formats for samples taken from the head, the middle and the tail of a file. The best comes first; the last is always
/// plain text. A sample that does not begin at a line's start loses its first line.
#[must_use]
pub fn detect(samples: &[&[u8]]) -> Vec<Candidate> {
    detect_among(samples, &[])
}

/// As [`detect`], with formats of the user's beside the built-in ones.
#[must_use]
pub fn detect_among(samples: &[&[u8]], own: &[&'static LogFormat]) -> Vec<Candidate> {
    let formats: Vec<&'static LogFormat> = own.iter().chain(FORMATS).copied().collect();
    let mut heads = vec![0_u32; formats.len()];
    let mut first = vec![String::new(); formats.len()];
    let lacking: Vec<bool> = formats
        .iter()
        .map(|format| format.whole.is_some_and(|holds| !holds(samples)))
        .collect();
    let mut seen = 0_u32;
    let mut number = 0_usize;
    for (index, sample) in samples.iter().enumerate() {
        let skip = usize::from(index > 0);
        let cut_tail = usize::from(sample.last() != Some(&b'\n'));
        let all = lines(sample).take(SAMPLE_LINES + skip);
        let mut taken: Vec<&[u8]> = all.skip(skip).map(|(_, line)| line).collect();
        if cut_tail > 0 && taken.len() > 1 && index + 1 < samples.len() {
            taken.pop();
        }
        for line in taken {
            number += 1;
            let line = trim_line(line.get(..LINE_BYTES).unwrap_or(line));
            if !could_begin(line) {
                continue;
            }
            seen += 1;
            for ((format, count), first) in formats.iter().zip(&mut heads).zip(&mut first) {
                if format.head(line).is_some() {
                    *count += 1;
                    if first.is_empty() {
                        *first = format!("first at sampled line {number}");
                    }
                }
            }
        }
    }
    rank(&formats, &heads, &first, &lacking, seen)
}

/// Lines that no format begins a record with are not held against any: blank, indented, closing brackets, markup, stack frames.
fn could_begin(line: &[u8]) -> bool {
    match line.first() {
        None | Some(b'\t' | b'}' | b']') => false,
        Some(b' ') => {
            // jPOS indents, and a monotonic clock is padded.
            let rest = line.trim_ascii_start();
            rest.starts_with(b"<log ")
                || rest.starts_with(b"<sample ")
                || crate::time::uptime(line).is_some()
        }
        Some(b'<') => {
            !(line.starts_with(b"</") || line.starts_with(b"<field") || line.starts_with(b"<iso"))
        }
        Some(_) => !(line.starts_with(b"at ") || line.starts_with(b"Caused by:")),
    }
}

fn rank(
    formats: &[&'static LogFormat],
    heads: &[u32],
    first: &[String],
    lacking: &[bool],
    lines: u32,
) -> Vec<Candidate> {
    let most = formats
        .iter()
        .zip(heads)
        .zip(lacking)
        .filter(|((f, _), lacking)| f.specificity > 0 && !**lacking)
        .map(|((f, n), _)| (f, n))
        .map(|(_, n)| *n)
        .max()
        .unwrap_or(0);
    let mut out: Vec<(bool, Candidate)> = Vec::new();
    for (((format, count), first), lacking) in formats.iter().zip(heads).zip(first).zip(lacking) {
        let score = u16::try_from(u64::from(*count) * 1000 / u64::from(lines.max(1))).unwrap_or(0);
        let base = format!(
            "{count} of {lines} lines begin a record{}{first}",
            if first.is_empty() { "" } else { ", " }
        );
        let is_plain = format.specificity == 0;
        // A telling format wins with half of the best count; a generic one needs a fifth of the lines, or it is an accident.
        let enough = u64::from(*count) * 2 >= u64::from(most) && *count > 0;
        let dense = match format.specificity {
            0 => true,
            1..=5 => *count >= 2 && score >= 100 || lines <= 4 && *count > 0,
            _ => *count >= 2 && score >= 20 || lines <= 4 && *count > 0 || score >= 300,
        };
        // What the file's beginning decides needs no counting.
        let told = format.whole.is_some() && *count > 0;
        let fits = is_plain || (!lacking && (told || enough && dense));
        let why = if is_plain {
            format!("{base}; any text fits")
        } else if *count == 0 {
            base
        } else if *lacking {
            format!("{base}; the file's beginning does not make it one")
        } else if !enough {
            format!("{base}; less than half of what another format has ({most})")
        } else if !dense {
            format!("{base}; too few to be the file's format")
        } else {
            format!("{base}; specificity {}", format.specificity)
        };
        out.push((
            fits,
            Candidate {
                format,
                score,
                heads: *count,
                lines,
                why,
            },
        ));
    }
    out.sort_by(|(fits_a, a), (fits_b, b)| {
        fits_b
            .cmp(fits_a)
            .then(b.format.specificity.cmp(&a.format.specificity))
            .then(b.heads.cmp(&a.heads))
            .then(a.format.name.cmp(b.format.name))
    });
    let mut ranked: Vec<Candidate> = out
        .iter()
        .filter(|(fits, _)| *fits)
        .map(|(_, c)| c.clone())
        .collect();
    ranked.extend(out.into_iter().filter(|(fits, _)| !*fits).map(|(_, c)| c));
    debug_assert!(ranked.iter().any(|c| std::ptr::eq(c.format, plain())));
    ranked
}
