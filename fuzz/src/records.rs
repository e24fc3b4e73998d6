//! Log lines: every format cuts, every grammar of times reads; the first bytes choose the limits.

use tapscope_parsers::container::{
    FORMATS, LogFormat, TextLimits, detect, lines, record_around, records, split_point, trim_line,
    unwrap,
};
use tapscope_parsers::time;

/// Cuts the bytes in every way, and holds what must be true of the records.
pub fn run(data: &[u8]) {
    let Some((&[a, b, c], text)) = data.split_first_chunk::<3>() else {
        return;
    };
    let tight = TextLimits {
        line_bytes: usize::from(a) + 1,
        record_lines: usize::from(b % 16) + 1,
        record_bytes: usize::from(c) * 4 + 1,
    };
    for format in FORMATS {
        cover(format, text, tight);
        cover(format, text, TextLimits::default());
        let cut = split_point(format, text);
        assert!(cut <= text.len());
        if text.len() > usize::from(c) {
            let range = record_around(format, text, usize::from(c), 0, tight);
            assert!(range.contains(&usize::from(c)) && range.end <= text.len());
        }
        for (_, line) in lines(text) {
            let line = trim_line(line);
            assert!(
                (format.head)(line).is_none() || (format.is_head)(line),
                "{}: a head that the cheap test does not see",
                format.name
            );
        }
    }
    for (_, line) in lines(text) {
        let _ = unwrap(trim_line(line));
        for grammar in [
            time::parse_at_start,
            time::jpos,
            time::uptime,
            time::chromium,
        ] {
            if let Some((raw, used)) = grammar(line) {
                assert!(used <= line.len());
                assert!(raw.hour < 24 && raw.minute < 60 && raw.second < 61);
                assert!(raw.nanos < 1_000_000_000);
                let (month, day) = raw.month_day.unwrap_or((1, 1));
                assert!((1..=12).contains(&month) && (1..=31).contains(&day));
            }
        }
    }
    let _ = detect(&[text]);
}

/// Records follow each other without a gap and count their lines.
fn cover(format: &'static LogFormat, text: &[u8], limits: TextLimits) {
    let mut at = 0;
    let mut line = 0;
    for record in records(format, text, limits) {
        assert_eq!((record.offset, record.line), (at, line));
        assert!(record.len > 0 && record.rest.len() < record.len);
        assert!(record.lines as usize <= limits.record_lines);
        at += record.len;
        line += record.lines;
    }
    assert_eq!(at, text.len());
}
