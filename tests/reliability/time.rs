//! E: clocks that jump, zones that change, figures that stand for times, and clocks that are wrong.

use super::{Random, figure, long, net};
use crate::net::writer::{End, Writer, union_pay};
use tapscope::correlate::correlate;
use tapscope::decode::StreamInfo;
use tapscope::event::{Events, Source, Spill, Text};
use tapscope::parse::edge::Edge;
use tapscope::parse::{Context, Parsed, capture, stream};
use tapscope::plan::Plan;

fn plan(zone: &str, year: Option<i16>) -> Plan {
    Plan {
        zone: (!zone.is_empty()).then(|| jiff::tz::TimeZone::get(zone).unwrap()),
        year,
        ..Plan::default()
    }
}

fn read(name: &str, text: &[u8], plan: &Plan) -> Parsed {
    let info = StreamInfo {
        path: Text::new(name),
        member: false,
        size: None,
        file: None,
        head: &text[..text.len().min(64 << 10)],
    };
    stream(
        &info,
        &mut &text[..],
        plan,
        &Edge::new(Some([1; 32])),
        &Spill::unbounded(),
        &|_| {},
    )
}

fn times(parsed: &Parsed) -> Vec<String> {
    let all = parsed.events.heads().iter().map(|head| {
        head.at().utc_micros.map_or("?".to_owned(), |micros| {
            jiff::Timestamp::from_microsecond(micros)
                .unwrap()
                .to_string()
        })
    });
    all.collect()
}

/// What, zone, year, times as written, times as understood.
type Row = (
    &'static str,
    &'static str,
    Option<i16>,
    &'static [&'static str],
    &'static [&'static str],
);

const LOGS: &[Row] = &[
    (
        "an hour back in mid-log",
        "UTC",
        None,
        &[
            "2026-07-15 10:00:00.000",
            "2026-07-15 10:05:00.000",
            "2026-07-15 09:06:00.000",
            "2026-07-15 09:07:00.000",
        ],
        &[
            "2026-07-15T10:00:00Z",
            "2026-07-15T10:05:00Z",
            "2026-07-15T09:06:00Z",
            "2026-07-15T09:07:00Z",
        ],
    ),
    (
        "a day forward in mid-log",
        "UTC",
        None,
        &[
            "2026-07-15 10:00:00.000",
            "2026-07-16 10:05:00.000",
            "2026-07-16 10:06:00.000",
        ],
        &[
            "2026-07-15T10:00:00Z",
            "2026-07-16T10:05:00Z",
            "2026-07-16T10:06:00Z",
        ],
    ),
    (
        "Berlin, the hour that is not",
        "Europe/Berlin",
        None,
        &[
            "2024-03-31 01:59:59.000",
            "2024-03-31 02:30:00.000",
            "2024-03-31 03:30:00.000",
        ],
        &[
            "2024-03-31T00:59:59Z",
            "2024-03-31T01:30:00Z",
            "2024-03-31T01:30:00Z",
        ],
    ),
    (
        "Berlin, summer and winter",
        "Europe/Berlin",
        None,
        &["2024-07-01 12:00:00.000", "2024-12-01 12:00:00.000"],
        &["2024-07-01T10:00:00Z", "2024-12-01T11:00:00Z"],
    ),
    (
        "Berlin, the hour that is twice",
        "Europe/Berlin",
        None,
        &[
            "2024-10-27 01:59:00.000",
            "2024-10-27 02:30:00.000",
            "2024-10-27 02:59:00.000",
            "2024-10-27 02:01:00.000",
            "2024-10-27 02:31:00.000",
            "2024-10-27 03:00:00.000",
        ],
        &[
            "2024-10-26T23:59:00Z",
            "2024-10-27T00:30:00Z",
            "2024-10-27T00:59:00Z",
            "2024-10-27T01:01:00Z",
            "2024-10-27T01:31:00Z",
            "2024-10-27T02:00:00Z",
        ],
    ),
    (
        "Sydney, the hour that is twice",
        "Australia/Sydney",
        None,
        &[
            "2024-04-07 02:30:00.000",
            "2024-04-07 02:59:59.000",
            "2024-04-07 02:00:01.000",
            "2024-04-07 03:00:00.000",
        ],
        &[
            "2024-04-06T15:30:00Z",
            "2024-04-06T15:59:59Z",
            "2024-04-06T16:00:01Z",
            "2024-04-06T17:00:00Z",
        ],
    ),
    (
        "Sydney, the hour that is not",
        "Australia/Sydney",
        None,
        &["2024-10-06 01:59:59.000", "2024-10-06 03:00:00.000"],
        &["2024-10-05T15:59:59Z", "2024-10-05T16:00:00Z"],
    ),
    (
        "São Paulo, with and without summer time",
        "America/Sao_Paulo",
        None,
        &["2018-12-01 12:00:00.000", "2019-12-01 12:00:00.000"],
        &["2018-12-01T14:00:00Z", "2019-12-01T15:00:00Z"],
    ),
    (
        "Shanghai, summers of 1986 to 1991",
        "Asia/Shanghai",
        None,
        &[
            "1986-07-01 12:00:00.000",
            "1991-07-01 12:00:00.000",
            "1992-07-01 12:00:00.000",
        ],
        &[
            "1986-07-01T03:00:00Z",
            "1991-07-01T03:00:00Z",
            "1992-07-01T04:00:00Z",
        ],
    ),
    (
        "a leap second",
        "UTC",
        None,
        &[
            "2016-12-31 23:59:59.500",
            "2016-12-31 23:59:60.500",
            "2017-01-01 00:00:00.500",
        ],
        &[
            "2016-12-31T23:59:59.5Z",
            "2016-12-31T23:59:60.5Z",
            "2017-01-01T00:00:00.5Z",
        ],
    ),
    (
        "no year, over New Year",
        "UTC",
        Some(2025),
        &[
            "12-31 23:59:58.000",
            "12-31 23:59:59.000",
            "01-01 00:00:01.000",
        ],
        &[
            "2025-12-31T23:59:58Z",
            "2025-12-31T23:59:59Z",
            "2026-01-01T00:00:01Z",
        ],
    ),
    (
        "twelve hours",
        "UTC",
        None,
        &[
            "5/29/2020 11:59:59 AM",
            "5/29/2020 12:00:01 PM",
            "5/29/2020 11:59:59 PM",
            "5/30/2020 12:00:01 AM",
        ],
        &[
            "2020-05-29T11:59:59Z",
            "2020-05-29T12:00:01Z",
            "2020-05-29T23:59:59Z",
            "2020-05-30T00:00:01Z",
        ],
    ),
    (
        "上午 and 下午",
        "UTC",
        None,
        &[
            "2021/7/20 上午 11:59:59",
            "2021/7/20 下午 12:00:01",
            "2021/7/20 下午 4:21:08",
            "2021/7/21 上午 12:00:01",
        ],
        &[
            "2021-07-20T11:59:59Z",
            "2021-07-20T12:00:01Z",
            "2021-07-20T16:21:08Z",
            "2021-07-21T00:00:01Z",
        ],
    ),
    (
        "the first second of 1970",
        "UTC",
        None,
        &["1970-01-01 00:00:01.000"],
        &["1970-01-01T00:00:01Z"],
    ),
    (
        "2036",
        "UTC",
        None,
        &["2036-02-07 06:28:15.000", "2036-02-07 06:28:16.000"],
        &["2036-02-07T06:28:15Z", "2036-02-07T06:28:16Z"],
    ),
    (
        "2038",
        "UTC",
        None,
        &["2038-01-19 03:14:07.000", "2038-01-19 03:14:08.000"],
        &["2038-01-19T03:14:07Z", "2038-01-19T03:14:08Z"],
    ),
    (
        "2106",
        "UTC",
        None,
        &["2106-02-07 06:28:15.000", "2106-02-07 06:28:16.000"],
        &["2106-02-07T06:28:15Z", "2106-02-07T06:28:16Z"],
    ),
    (
        "29 February",
        "UTC",
        None,
        &["2024-02-29 12:00:00.000", "2024-03-01 12:00:00.000"],
        &["2024-02-29T12:00:00Z", "2024-03-01T12:00:00Z"],
    ),
    (
        "an offset beats the zone",
        "Asia/Shanghai",
        None,
        &[
            "2026-07-15T10:00:00.000+02:00",
            "2026-07-15T10:00:00.000Z",
            "2026-07-15T10:00:00.000-09:30",
        ],
        &[
            "2026-07-15T08:00:00Z",
            "2026-07-15T10:00:00Z",
            "2026-07-15T19:30:00Z",
        ],
    ),
    (
        "seconds since 1970",
        "UTC",
        None,
        &["1531234567.123", "1531234568.123"],
        &["2018-07-10T14:56:07.123Z", "2018-07-10T14:56:08.123Z"],
    ),
];

#[test]
fn e_logs_of_every_clock() {
    let mut wrong = Vec::new();
    for (what, zone, year, written, want) in LOGS {
        let text: String = written
            .iter()
            .map(|time| format!("{time} traceNo=000123 declined\n"))
            .collect();
        let got = times(&read("x.log", text.as_bytes(), &plan(zone, *year)));
        // The leap second itself may be the last moment before or the first after it; never anything else.
        let same = got.len() == want.len()
            && got.iter().zip(*want).all(|(got, want)| {
                got == want
                    || (want.contains(":60")
                        && (got.contains("23:59:59") || got.contains("00:00:00")))
            });
        if !same {
            wrong.push(format!("{what}:\n  got  {got:?}\n  want {want:?}"));
        }
    }
    // The same instant in every unit, as a JSON number.
    for (digits, unit) in [
        ("1770595666", "s"),
        ("1770595666569", "ms"),
        ("1770595666569123", "µs"),
        ("1770595666569123456", "ns"),
    ] {
        let text: String = (0..3)
            .map(|_| {
                format!(
                    "{{\"ts\":{digits},\"level\":\"error\",\"msg\":\"traceNo=000123 declined\"}}\n"
                )
            })
            .collect();
        let got = times(&read("x.json", text.as_bytes(), &plan("UTC", None)));
        if got.len() != 3 || !got[0].starts_with("2026-02-09T00:07:46") {
            wrong.push(format!("epoch in {unit}: {got:?}"));
        }
    }
    // Syslog without a year, over New Year.
    let text = "Dec 31 23:59:59 pos1 pay[7]: traceNo=000123 declined\nJan  1 00:00:01 pos1 pay[7]: traceNo=000124 declined\n";
    let got = times(&read("messages", text.as_bytes(), &plan("UTC", Some(2025))));
    if got != ["2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z"] {
        wrong.push(format!("syslog over New Year: {got:?}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    figure(
        "E",
        "every row of the list",
        &format!("{} kinds of written times right", LOGS.len() + 5),
    );
}

/// A pcapng of one exchange; each interface option as given, and time stamps in its units.
fn pcapng(options: &[u8], stamp: impl Fn(u64) -> u64) -> Vec<u8> {
    let mut w = Writer::default();
    w.exchange(
        ([10, 0, 0, 1], 40_000),
        ([203, 0, 113, 10], 5811),
        &union_pay(true, 7, 7),
        &union_pay(false, 7, 7),
    );
    let mut out = vec![
        0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 28, 0, 0, 0,
    ];
    let length = (20 + options.len()) as u32;
    out.extend(1_u32.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend([1, 0, 0, 0, 0, 0, 4, 0]);
    out.extend(options);
    out.extend(length.to_le_bytes());
    let mut at = 24;
    while at < w.file.len() {
        let word = |n: usize| u32::from_le_bytes(w.file[at + n..at + n + 4].try_into().unwrap());
        let micros = u64::from(word(0)) * 1_000_000 + u64::from(word(4));
        let size = word(8) as usize;
        let data = &w.file[at + 16..at + 16 + size];
        let padded = size.next_multiple_of(4);
        let stamp = stamp(micros);
        let length = (32 + padded) as u32;
        out.extend(6_u32.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        out.extend(((stamp >> 32) as u32).to_le_bytes());
        out.extend((stamp as u32).to_le_bytes());
        out.extend((size as u32).to_le_bytes());
        out.extend((size as u32).to_le_bytes());
        out.extend(data);
        out.resize(out.len() + padded - size, 0);
        out.extend(length.to_le_bytes());
        at += 16 + size;
    }
    out
}

#[test]
fn e_captures_of_every_resolution() {
    let start = 1_760_000_000_i64;
    let tsresol = |value: u8| vec![9, 0, 1, 0, value, 0, 0, 0, 0, 0, 0, 0];
    let with_offset = |value: u8, offset: i64| {
        let mut options = vec![9, 0, 1, 0, value, 0, 0, 0, 14, 0, 8, 0];
        options.extend(offset.to_le_bytes());
        options.extend([0, 0, 0, 0]);
        options
    };
    type Case = (&'static str, Vec<u8>, fn(u64) -> u64, i64);
    let cases: Vec<Case> = vec![
        ("microseconds by default", Vec::new(), |us| us, 100),
        (
            "whole seconds (0)",
            tsresol(0),
            |us| us / 1_000_000,
            1_000_000,
        ),
        ("microseconds (6)", tsresol(6), |us| us, 100),
        ("nanoseconds (9)", tsresol(9), |us| us * 1000, 100),
        (
            "1/1024 s (0x8A)",
            tsresol(0x8A),
            |us| us * 1024 / 1_000_000,
            1100,
        ),
        (
            "an offset of an hour",
            with_offset(6, 3600),
            |us| us - 3_600_000_000,
            100,
        ),
        (
            "an offset back",
            with_offset(6, -3600),
            |us| us + 3_600_000_000,
            100,
        ),
    ];
    let mut seen = 0;
    for (what, options, stamp, coarse) in cases {
        let parsed = net::parse(&pcapng(&options, stamp), &net::plan());
        let messages = net::messages(&parsed);
        assert_eq!(messages.len(), 2, "{what}");
        let at = messages[0].1.at.utc_micros.unwrap();
        let off = at - start * 1_000_000;
        assert!(
            (0..=coarse + 2000).contains(&off) || (off < 0 && -off <= coarse),
            "{what}: {off} microseconds off"
        );
        seen += 1;
    }
    // A resolution that no time can have: no panic, the packets are read, and no time is made up.
    for odd in [0xFF, 0x7F, 20, 0xBF] {
        let parsed = net::parse(&pcapng(&tsresol(odd), |us| us), &net::plan());
        assert_eq!(net::messages(&parsed).len(), 2, "resolution {odd:#x}");
        seen += 1;
    }
    // Times on the edge in the classic format: its seconds end in 2106.
    for seconds in [0_u32, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE] {
        let mut w = Writer {
            micros: u64::from(seconds) * 1_000_000,
            ..Writer::default()
        };
        w.exchange(
            ([10, 0, 0, 1], 40_000),
            ([203, 0, 113, 10], 5811),
            &union_pay(true, 7, 7),
            &union_pay(false, 7, 7),
        );
        let parsed = net::parse(&w.file, &net::plan());
        let at = net::messages(&parsed)[0].1.at.utc_micros.unwrap();
        assert!(
            (at / 1_000_000 - i64::from(seconds)).abs() <= 1,
            "{seconds}: {at}"
        );
        seen += 1;
    }
    figure(
        "E",
        "if_tsresol 0, 6, 9, 0x8A, 0xFF, if_tsoffset; 1970, 2036, 2038, 2106",
        &format!("{seen} captures read, times right"),
    );
}

fn wire(payments: &[(u64, u32)]) -> Vec<u8> {
    let mut w = Writer::default();
    let mut all = payments.to_vec();
    all.sort_unstable();
    for (micros, stan) in all {
        w.micros = micros;
        let client: End = ([10, 0, 0, 7], 20_000 + (stan % 40_000) as u16);
        w.exchange(
            client,
            ([203, 0, 113, 10], 5811),
            &union_pay(true, stan, 7),
            &union_pay(false, stan, 7),
        );
    }
    w.file
}

fn seen_on_wire(file: &[u8], plan: &Plan) -> Parsed {
    let edge = Edge::new(Some([1; 32]));
    let context = Context {
        edge: &edge,
        plan,
        source: 0,
        path: "site.pcap",
        forced_format: None,
        progress: &|_| {},
        spill: &Spill::unbounded(),
    };
    capture::run(&mut &file[..], &context)
}

fn stamp(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).unwrap();
    jiff::fmt::strtime::format(
        "%Y-%m-%d %H:%M:%S%.3f",
        &at.to_zoned(jiff::tz::TimeZone::UTC),
    )
    .unwrap()
}

/// A terminal's log of payments: request and answer, at its own times.
fn log(payments: &[(i64, i64, u32)]) -> String {
    payments
        .iter()
        .map(|(request, answer, stan)| {
            let amount = 100 + stan % 90_000;
            format!(
                "{} INFO pay: F0=0200 F4={amount:012} F11={stan:06} F41=00000007\n{} INFO pay: F0=0210 F4={amount:012} F11={stan:06} F39=00 F41=00000007\n",
                stamp(*request),
                stamp(*answer)
            )
        })
        .collect()
}

fn laid(parsed: Vec<Parsed>) -> (Vec<Source>, Events) {
    let (mut sources, mut events) = (Vec::new(), Events::default());
    for (id, mut one) in parsed.into_iter().enumerate() {
        for event in one.events.heads_mut() {
            event.source = id as u32;
        }
        sources.push(one.source);
        events.append(one.events);
    }
    (sources, events)
}

/// Offset and uncertainty (milliseconds) that are found for a log beside a capture.
fn offset(text: &str, file: &[u8]) -> Option<(f64, f64, f64)> {
    let plan = plan("UTC", None);
    let (sources, events) = laid(vec![
        read("pos.log", text.as_bytes(), &plan),
        seen_on_wire(file, &plan),
    ]);
    let found = correlate(sources, events, &plan);
    let clock = &found.clocks[0];
    (clock.pairs > 0).then_some((clock.offset_ms, clock.uncertainty_ms, clock.drift_ppm))
}

const MORNING: i64 = 1_760_000_000_000_000;

#[test]
fn e_clocks_that_are_wrong_are_found() {
    let mut random = Random(0xE7);
    // 13 hours off, as a capture from the other side of the world.
    let payments: Vec<(u64, u32)> = (0..20)
        .map(|k| (MORNING as u64 + k * 97_000_000, 100 + k as u32))
        .collect();
    let off = 13 * 3_600_000_000_i64;
    let told: Vec<(i64, i64, u32)> = payments
        .iter()
        .map(|(at, stan)| (*at as i64 - off, *at as i64 - off + 1_000, *stan))
        .collect();
    let (found, uncertainty, _) = offset(&log(&told), &wire(&payments)).expect("pairs");
    assert!(
        (found + 13.0 * 3_600_000.0).abs() < uncertainty.max(50.0),
        "13 h off: {found} ± {uncertainty}"
    );
    // 50 ppm: 4.3 s a day.
    let payments: Vec<(u64, u32)> = (0..60)
        .map(|k| (MORNING as u64 + k * 1_200_000_000, 100 + k as u32))
        .collect();
    let told: Vec<(i64, i64, u32)> = payments
        .iter()
        .map(|(at, stan)| {
            let gone = *at as i64 - MORNING;
            let mine = MORNING + gone + gone / 20_000;
            (mine, mine + 1_000, *stan)
        })
        .collect();
    let (_, _, drift) = offset(&log(&told), &wire(&payments)).expect("pairs");
    assert!((drift - 50.0).abs() < 5.0, "50 ppm: {drift}");
    // Terminals up to ten minutes off, three pairs each, delays that nobody knows.
    let days = if long() { 1000 } else { 150 };
    let (mut covered, mut of, mut widest) = (0, 0, 0.0_f64);
    for _ in 0..days {
        let truth = random.below(1_200_000) as i64 - 600_000;
        let payments: Vec<(u64, u32)> = (0..3)
            .map(|k| {
                (
                    MORNING as u64 + k * 3_600_000_000 + random.below(1_000_000_000) as u64,
                    100 + k as u32 * 7 + random.below(7) as u32,
                )
            })
            .collect();
        let told: Vec<(i64, i64, u32)> = payments
            .iter()
            .map(|(at, stan)| {
                // The line is written a little before the request leaves, and the answer's a little after it came.
                let (before, after) = (random.below(40_000) as i64, random.below(40_000) as i64);
                (
                    *at as i64 - before + truth * 1000,
                    *at as i64 + 1_000 + after + truth * 1000,
                    *stan,
                )
            })
            .collect();
        let Some((found, uncertainty, _)) = offset(&log(&told), &wire(&payments)) else {
            continue;
        };
        of += 1;
        covered += u32::from((found - truth as f64).abs() <= uncertainty);
        widest = widest.max(uncertainty);
    }
    assert!(
        of * 100 >= days * 99,
        "a clock was found on {of} of {days} days"
    );
    let share = f64::from(covered) * 100.0 / of as f64;
    assert!(
        share >= 93.0,
        "the interval holds the truth on {share:.1} % of {of} days"
    );
    assert!(widest < 1000.0, "an interval of {widest} ms says nothing");
    figure(
        "E",
        "13 h off; 50 ppm; the interval covers the truth on >= 93 % of 1,000 days",
        &format!(
            "13 h found; {drift:.1} ppm; {share:.1} % of {of} days, widest interval {widest:.0} ms"
        ),
    );
}

/// What has the same time keeps the order of source and offset.
#[test]
fn e_ties_keep_their_order() {
    let text: String = (0..40).map(|k| format!("2026-07-15 10:00:00.000 INFO pay: F0=0210 F4=000000001200 F11={:06} F39=51 F41=00000007\n", 100 + k)).collect();
    let plan = plan("UTC", None);
    let parsed = read("x.log", text.as_bytes(), &plan);
    let (sources, events) = laid(vec![parsed, read("y.log", text.as_bytes(), &plan)]);
    let found = correlate(sources, events, &plan);
    for attempt in &found.attempts {
        let places: Vec<_> = attempt
            .events
            .iter()
            .map(|index| found.events.head(*index))
            .map(|head| (found.aligned[0].get().is_some(), head.source, head.place()))
            .collect();
        let mut sorted = places.clone();
        sorted.sort();
        assert_eq!(places, sorted);
    }
    assert!(!found.attempts.is_empty());
}
