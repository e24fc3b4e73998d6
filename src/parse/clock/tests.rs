use super::*;
use crate::plan::Plan;
use tapscope_parsers::time::{jpos, parse_at_start};

/// Resolves lines that begin with times, cut into blocks of the given size, as `2024-01-01T00:00:00Z flags`.
fn stamps(plan: &Plan, hints: Hints, lines: &[&str], block: usize) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut spans = Vec::new();
    for part in lines.chunks(block) {
        let mut clock = BlockClock::default();
        let written: Vec<Written> = part
            .iter()
            .map(|line| {
                let bytes = line.as_bytes();
                clock.see(
                    jpos(bytes)
                        .or_else(|| parse_at_start(bytes))
                        .map(|(raw, _)| raw),
                )
            })
            .collect();
        blocks.push(written);
        spans.push(clock.finish());
    }
    let calendar = Calendar::new(plan, hints, &spans);
    let mut out = Vec::new();
    for (index, written) in blocks.iter().enumerate() {
        for written in written {
            let stamp = calendar.resolve(index, *written);
            let mut text = stamp.utc_micros.map_or_else(
                || "?".to_owned(),
                |m| jiff::Timestamp::from_microsecond(m).unwrap().to_string(),
            );
            for (set, name) in [
                (stamp.quality.year_inferred, " year"),
                (stamp.quality.date_inferred, " date"),
                (stamp.quality.zone_assumed, " zone"),
                (stamp.quality.inherited, " inherited"),
            ] {
                text += if set { name } else { "" };
            }
            out.push(text);
        }
    }
    out
}

fn check(plan: &Plan, hints: Hints, table: &[(&str, &str)]) {
    let lines: Vec<&str> = table.iter().map(|(line, _)| *line).collect();
    let want: Vec<&str> = table.iter().map(|(_, want)| *want).collect();
    // The blocks must not matter.
    for block in 1..=lines.len() {
        assert_eq!(
            stamps(plan, hints, &lines, block),
            want,
            "blocks of {block}"
        );
    }
}

fn zoned(name: &str) -> Plan {
    Plan {
        zone: Some(TimeZone::get(name).unwrap()),
        ..Plan::default()
    }
}

#[test]
fn years_roll_over_and_late_lines_do_not() {
    let hints = Hints {
        year: Some(2023),
        date: None,
    };
    check(
        &Plan::default(),
        hints,
        &[
            ("12-31 23:59:59.900", "2023-12-31T23:59:59.9Z year zone"),
            ("01-01 00:00:00.010", "2024-01-01T00:00:00.01Z year zone"),
            ("12-31 23:59:59.990", "2023-12-31T23:59:59.99Z year zone"),
            ("01-01 00:00:00.020", "2024-01-01T00:00:00.02Z year zone"),
            ("03-01 00:00:00.000", "2024-03-01T00:00:00Z year zone"),
        ],
    );
    // A device that lost its battery goes to 1 January and comes back: the same year.
    check(
        &Plan::default(),
        hints,
        &[
            ("06-15 10:00:00.000", "2023-06-15T10:00:00Z year zone"),
            ("01-01 08:00:00.000", "2023-01-01T08:00:00Z year zone"),
            ("06-15 10:05:00.000", "2023-06-15T10:05:00Z year zone"),
        ],
    );
}

#[test]
fn the_option_wins_and_lines_with_a_year_help_those_without() {
    let plan = Plan {
        year: Some(2021),
        ..zoned("Asia/Shanghai")
    };
    check(
        &plan,
        Hints {
            year: Some(2023),
            date: None,
        },
        &[
            ("07-15 10:56:49.152", "2021-07-15T02:56:49.152Z year"),
            ("no time", "2021-07-15T02:56:49.152Z year inherited"),
        ],
    );
    check(
        &Plan::default(),
        Hints::default(),
        &[
            ("07-15 10:00:00.000", "2022-07-15T10:00:00Z year zone"),
            ("2022-07-15 10:00:01", "2022-07-15T10:00:01Z zone"),
        ],
    );
    check(
        &Plan::default(),
        Hints::default(),
        &[("07-15 10:00:00.000", "1970-07-15T10:00:00Z year zone")],
    );
}

#[test]
fn times_without_dates_take_them_from_the_file_and_cross_midnight() {
    let hints = Hints {
        year: None,
        date: Some((2024, 2, 28)),
    };
    check(
        &Plan::default(),
        hints,
        &[
            ("text", "? inherited"),
            ("23:59:59.900 x", "2024-02-28T23:59:59.9Z date zone"),
            ("00:00:00.100 x", "2024-02-29T00:00:00.1Z date zone"),
            ("23:59:59.950 x", "2024-02-28T23:59:59.95Z date zone"),
            ("13:00:00.000 x", "2024-02-29T13:00:00Z date zone"),
            ("00:10:00.000 x", "2024-03-01T00:10:00Z date zone"),
        ],
    );
    check(
        &Plan::default(),
        Hints::default(),
        &[("23:59:59.900 x", "? date")],
    );
}

#[test]
fn zones_are_kept_known_or_marked() {
    check(
        &Plan::default(),
        Hints::default(),
        &[
            (
                "2024-05-01T10:00:00.123456+08:00",
                "2024-05-01T02:00:00.123456Z",
            ),
            (
                "Sun Oct 20 16:16:47 UYST 2013.61",
                "2013-10-20T18:16:47.061Z",
            ),
            (
                "Sat Jan 04 18:48:47 CST 2014.437",
                "2014-01-04T10:48:47.437Z zone",
            ),
            (
                "Sat Jan 04 18:48:47 XYZ 2014.437",
                "2014-01-04T18:48:47.437Z zone",
            ),
            ("1531234567.123", "2018-07-10T14:56:07.123Z"),
        ],
    );
    check(
        &zoned("America/Chicago"),
        Hints::default(),
        &[
            (
                "Sat Jan 04 18:48:47 CST 2014.437",
                "2014-01-05T00:48:47.437Z",
            ),
            ("2024-07-04 12:00:00", "2024-07-04T17:00:00Z"),
        ],
    );
    // Gap and fold of Berlin: the offset before the change holds in both.
    check(
        &zoned("Europe/Berlin"),
        Hints::default(),
        &[
            ("2024-03-31 02:30:00", "2024-03-31T01:30:00Z"),
            ("2024-10-27 02:30:00", "2024-10-27T00:30:00Z"),
            ("2016-12-31 23:59:60", "2016-12-31T22:59:59Z"),
        ],
    );
}

#[test]
fn date_order_is_decided_by_the_file() {
    check(
        &Plan::default(),
        Hints::default(),
        &[
            ("03/05/2024 10:00:00", "2024-05-03T10:00:00Z zone"),
            ("04/05/2024 10:00:00", "2024-05-04T10:00:00Z zone"),
        ],
    );
    check(
        &Plan::default(),
        Hints::default(),
        &[
            ("05/03/2024 10:00:00", "2024-05-03T10:00:00Z zone"),
            ("05/04/2024 10:00:00", "2024-05-04T10:00:00Z zone"),
        ],
    );
    check(
        &Plan::default(),
        Hints::default(),
        &[("20-07-22 10:02:41:318:ISS", "2022-07-20T10:02:41.318Z zone")],
    );
    // No contactless terminal kept a log in 2008.
    for (line, want) in [
        ("26-02-08 10:30:00 x", "2026-02-08T10:30:00Z zone"),
        ("08-02-26 10:30:00 x", "2026-02-08T10:30:00Z zone"),
        ("26-02-19 10:30:00 x", "2026-02-19T10:30:00Z zone"),
        ("260219-103000 x", "2026-02-19T10:30:00Z zone"),
        ("19-02-26 10:30:00 x", "2026-02-19T10:30:00Z zone"),
    ] {
        check(&Plan::default(), Hints::default(), &[(line, want)]);
    }
    check(
        &Plan::default(),
        Hints {
            year: Some(2020),
            date: None,
        },
        &[("20-07-22 10:02:41", "2020-07-22T10:02:41Z zone")],
    );
    check(
        &Plan::default(),
        Hints::default(),
        &[
            ("17/06/09 20:10:40", "2017-06-09T20:10:40Z zone"),
            ("17/06/10 20:10:40", "2017-06-10T20:10:40Z zone"),
        ],
    );
    let mut clock = BlockClock::default();
    clock.see(parse_at_start(b"03/05/2024 10:00:00").map(|(raw, _)| raw));
    assert!(Calendar::new(&Plan::default(), Hints::default(), &[clock.finish()]).order_is_open());
}

#[test]
fn names_state_dates() {
    for (name, want) in [
        ("logs/2024-03-14/pos.log", Some((2024, 3, 14))),
        ("pos-17_20240314.log.gz", Some((2024, 3, 14))),
        ("20240314131647.txt", Some((2024, 3, 14))),
        ("a_2024_03_14_b", Some((2024, 3, 14))),
        ("pos-20249914.log", None),
        ("build-12345678", None),
        ("日志2024-03-14", Some((2024, 3, 14))),
        ("x", None),
        ("2024-", None),
    ] {
        assert_eq!(date_in_name(name), want, "{name}");
    }
}

#[test]
fn years_can_be_moved_later() {
    let stamp = Stamp {
        utc_micros: Some(0),
        ..Stamp::UNKNOWN
    };
    assert_eq!(
        move_years(stamp, 54).utc_micros,
        Some(1_704_067_200_000_000)
    );
}

/// The hour that winter time brings twice: the second time round it is an hour later, wherever blocks end; lines without a time go along.
#[test]
fn the_hour_that_comes_twice() {
    check(
        &zoned("Europe/Berlin"),
        Hints::default(),
        &[
            ("2024-10-27 01:59:00.000", "2024-10-26T23:59:00Z"),
            ("2024-10-27 02:30:00.000", "2024-10-27T00:30:00Z"),
            ("2024-10-27 02:59:00.000", "2024-10-27T00:59:00Z"),
            ("2024-10-27 02:01:00.000", "2024-10-27T01:01:00Z"),
            ("    at com.acme.Pay", "2024-10-27T01:01:00Z inherited"),
            ("2024-10-27 02:31:00.000", "2024-10-27T01:31:00Z"),
            ("2024-10-27 03:00:00.000", "2024-10-27T02:00:00Z"),
            ("2024-10-28 02:30:00.000", "2024-10-28T01:30:00Z"),
        ],
    );
    // A line that is a little late is no second hour.
    check(
        &zoned("Europe/Berlin"),
        Hints::default(),
        &[
            ("2024-10-27 02:30:05.000", "2024-10-27T00:30:05Z"),
            ("2024-10-27 02:30:01.000", "2024-10-27T00:30:01Z"),
            ("2024-10-27 02:30:06.000", "2024-10-27T00:30:06Z"),
        ],
    );
}
