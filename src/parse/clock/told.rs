//! The date that a log without dates tells beside its times: in a banner, or as the transaction date (tag 9A) that the terminal gives
//! to the card (EMV Book 3, 5.4 and 10.5.4).

use std::collections::BTreeMap;

use tapscope_parsers::container::{lines, trim_line};
use tapscope_parsers::hex;
use tapscope_parsers::time::{self, RawTime};

/// Lines at the start of a file in which a banner may stand.
const BANNER: usize = 24;
/// Bytes of a line that are looked at.
const LINE: usize = 1024;

/// The date of the file's first record: of its banner, else the commonest transaction date.
pub(super) fn date(sample: &[u8]) -> Option<(i16, u8, u8)> {
    let mut banner = lines(sample).take(BANNER);
    banner
        .find_map(|(_, line)| written(trim_line(line.get(..LINE).unwrap_or(line))))
        .or_else(|| commonest(sample, |_, _| true))
}

/// The year of the file's first record, whose month and day are known: that of a transaction on that day.
pub(super) fn year(sample: &[u8], day: (u8, u8)) -> Option<i16> {
    commonest(sample, |month, of| (month, of) == day).map(|(year, ..)| year)
}

/// `2026-05-19`, `19/05/2026`, `19.05.2026` as a word of its own; where day and month may be the other way round it says nothing.
fn written(line: &[u8]) -> Option<(i16, u8, u8)> {
    let mut before = b' ';
    for (at, byte) in line.iter().enumerate() {
        let fresh = !before.is_ascii_alphanumeric() && !matches!(before, b'.' | b'-' | b'/' | b':');
        before = *byte;
        if !fresh || !byte.is_ascii_digit() {
            continue;
        }
        let word = line.get(at..)?;
        let length = word
            .iter()
            .take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'/'))
            .count();
        if !(8..=10).contains(&length) {
            continue;
        }
        // The grammars of times want a time behind a date.
        let mut dated = word.get(..length)?.to_vec();
        dated.extend_from_slice(b" 00:00:00");
        if let Some((raw, used)) = time::parse_at_start(&dated)
            && let RawTime {
                year: Some(year),
                month_day: Some((month, day)),
                ambiguous_order: false,
                ..
            } = raw
            && used == dated.len()
            && (2000..2100).contains(&year)
        {
            return Some((year, month, day));
        }
    }
    None
}

/// When the device started, by a banner that says so (`# uptime origin = 2026-01-14 04:00:00`, `000000.000 START clock 2026-08-24T05:00:00`):
/// date and time, and the nanoseconds that the line itself is behind the start.
pub(super) fn start(sample: &[u8]) -> Option<(RawTime, i64)> {
    lines(sample).take(BANNER).find_map(|(_, line)| {
        let line = trim_line(line.get(..LINE).unwrap_or(line));
        let since = uptime_of(line);
        let names = STARTS.iter().any(|word| {
            line.windows(word.len())
                .any(|part| part.eq_ignore_ascii_case(word))
        });
        if !names {
            return None;
        }
        let at = dated(line).or_else(|| {
            let (year, month, day) = written(line)?;
            let clock = words(line).find_map(time::clock_only)?.0;
            Some(RawTime {
                year: Some(year),
                month_day: Some((month, day)),
                ..clock
            })
        })?;
        Some((at, since.unwrap_or(0)))
    })
}

/// What the line of a banner calls the start.
const STARTS: &[&[u8]] = &[
    b"boot", b"start", b"origin", b"uptime", b"since", b"begin", b"epoch",
];

/// Nanoseconds since the start that a line begins with, in brackets or not.
fn uptime_of(line: &[u8]) -> Option<i64> {
    let line = line.strip_prefix(b"[").unwrap_or(line);
    time::uptime(line)?.0.uptime_nanos
}

/// What stands at each word's begin.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..line.len()).filter_map(|at| {
        let fresh = at == 0
            || !line.get(at - 1)?.is_ascii_alphanumeric() && line.get(at - 1) != Some(&b':');
        line.get(at..)
            .filter(|word| fresh && word.first().is_some_and(u8::is_ascii_digit))
    })
}

/// A date with its time, anywhere in a line.
fn dated(line: &[u8]) -> Option<RawTime> {
    words(line).find_map(|word| {
        let (raw, _) = time::parse_at_start(word)?;
        (raw.year.is_some_and(|year| (2000..2100).contains(&year)) && !raw.ambiguous_order)
            .then_some(raw)
    })
}

/// The transaction date that most commands to a card hold: GET PROCESSING OPTIONS and GENERATE AC.
fn commonest(sample: &[u8], fits: impl Fn(u8, u8) -> bool) -> Option<(i16, u8, u8)> {
    let mut seen = BTreeMap::<(i16, u8, u8), usize>::new();
    for (_, line) in lines(sample) {
        let Some(bytes) = command(line.get(..LINE).unwrap_or(line)) else {
            continue;
        };
        let mut dates: Vec<(i16, u8, u8)> = bytes
            .windows(3)
            .skip(5)
            .filter_map(packed)
            .filter(|(_, month, day)| fits(*month, *day))
            .collect();
        dates.sort_unstable();
        dates.dedup();
        for date in dates {
            *seen.entry(date).or_default() += 1;
        }
    }
    let most = *seen.values().max()?;
    let mut best = seen.iter().filter(|(_, count)| **count == most);
    let (date, _) = best.next()?;
    // Of two that are told as often as each other one is chance.
    best.next().is_none().then_some(*date)
}

/// The bytes of a command of the two kinds that a line holds.
fn command(line: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    hex::longest_run_into(line, 0, &mut bytes)?;
    let holds_data = matches!(
        bytes.as_slice(),
        [0x80, 0xA8, 0, 0, ..] | [0x80, 0xAE, _, 0, ..]
    );
    holds_data.then_some(bytes)
}

/// Three packed bytes as year, month and day (EMV tag 9A), in the years of contactless payments.
fn packed(bytes: &[u8]) -> Option<(i16, u8, u8)> {
    let two = |byte: u8| {
        let (high, low) = (byte >> 4, byte & 15);
        (high < 10 && low < 10).then_some(high * 10 + low)
    };
    let [year, month, day] = bytes else {
        return None;
    };
    let (year, month, day) = (two(*year)?, two(*month)?, two(*day)?);
    ((10..50).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day))
        .then(|| (2000 + i16::from(year), month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_tells_the_date_unless_its_order_is_open() {
        for (text, want) in [
            (
                "#AUTOMATE 4 - JOURNAL DU 19/05/2026 - v7.02.1\n06h00m01 x\n",
                Some((2026, 5, 19)),
            ),
            ("log opened 2026-03-04\n", Some((2026, 3, 4))),
            ("Tagesprotokoll 04.03.2026\n", Some((2026, 3, 4))),
            ("of 03/04/2026\n", None),
            ("version 2026.01\nserial 12-34-5678\n", None),
        ] {
            assert_eq!(date(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn a_banner_tells_when_the_device_started() {
        for (text, want) in [
            (
                "# dmesg -T is off; uptime origin = 2026-01-14 04:00:00 local\n[43201.118820] EXT4-fs\n",
                Some((14, 4, 0, 0)),
            ),
            (
                "boot 2026-01-24 (seconds since boot, boot = 09:00:00 JST)\n",
                Some((24, 9, 0, 0)),
            ),
            (
                "000001.500 START clock 2026-08-24T05:00:00\n",
                Some((24, 5, 0, 1_500_000_000)),
            ),
            ("opened 2026-08-24T05:00:00\n", None),
            ("booted at some time\n", None),
        ] {
            let read = start(text.as_bytes())
                .map(|(raw, since)| (raw.month_day.unwrap().1, raw.hour, raw.minute, since));
            assert_eq!(read, want, "{text}");
        }
    }

    #[test]
    fn transaction_dates_tell_year_and_date() {
        let log = "10:15:01 > 80A8000023832136804000000000001842000000000000084000000000000840260227007051766400\n\
                   10:16:01 > 80A800002383213680400000000000271000000000000008400000000000084026022700F252AF4700\n";
        assert_eq!(date(log.as_bytes()), Some((2026, 2, 27)));
        assert_eq!(year(log.as_bytes(), (2, 27)), Some(2026));
        assert_eq!(year(log.as_bytes(), (2, 28)), None);
        assert_eq!(date(b"10:15:01 > 00A4040007A000000004101000\n"), None);
    }
}
