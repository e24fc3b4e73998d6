use super::*;

/// `Y-M-D h:m:s.nanos zone` of what was read, for tables.
fn shown(raw: &RawTime) -> String {
    if let Some(e) = raw.epoch_nanos {
        return format!("epoch {e}");
    }
    if let Some(u) = raw.uptime_nanos {
        return format!("uptime {u}");
    }
    let mut s = String::new();
    match raw.year {
        Some(y) => s += &format!("{y}-"),
        None => s += "?-",
    }
    match raw.month_day {
        Some((m, d)) => s += &format!("{m}-{d}"),
        None => s += "?",
    }
    s += &format!(
        " {}:{}:{}.{} r{}",
        raw.hour, raw.minute, raw.second, raw.nanos, raw.resolution_nanos
    );
    if let Some(o) = raw.offset_seconds {
        s += &format!(" {o:+}");
    }
    if let Some(z) = raw.zone_name {
        s += &format!(" {}", String::from_utf8_lossy(&z).trim_end_matches('\0'));
    }
    if raw.ambiguous_order {
        s += " open";
    }
    s
}

const STYLES: &[(&str, &str, &str)] = &[
    // text, what was read, what is left
    ("07-15 10:56:49.152   889", "?-7-15 10:56:49.152000000 r1000000", "   889"),
    ("07-15 10:56:49.152345 889", "?-7-15 10:56:49.152345000 r1000", " 889"),
    ("07-15 10:56:49.152 +0800 889", "?-7-15 10:56:49.152000000 r1000000 +28800", " 889"),
    ("2024-03-14 13:16:47.974 DEBUG", "2024-3-14 13:16:47.974000000 r1000000", " DEBUG"),
    ("2026-02-09 13:08:11,482 INFO", "2026-2-9 13:8:11.482000000 r1000000", " INFO"),
    ("2003-10-11T22:14:15.003Z host", "2003-10-11 22:14:15.3000000 r1000000 +0", " host"),
    ("2024-05-01T10:00:00.123456+08:00 h", "2024-5-1 10:0:0.123456000 r1000 +28800", " h"),
    ("2026-11-22 16:49:19.378193 +00:00 DEBUG", "2026-11-22 16:49:19.378193000 r1000 +0", " DEBUG"),
    ("2016-10-16T20:19:41.174", "2016-10-16 20:19:41.174000000 r1000000", ""),
    ("2024-03-14 13:16:47 UTC [1] LOG", "2024-3-14 13:16:47.0 r1000000000 +0", " [1] LOG"),
    ("2024-03-14 13:16:47 CST x", "2024-3-14 13:16:47.0 r1000000000 CST", " x"),
    ("2021-07-20 16:21:08:310 x", "2021-7-20 16:21:8.310000000 r1000000", " x"),
    ("20171223-22:15:29:606|Step", "2017-12-23 22:15:29.606000000 r1000000", "|Step"),
    ("20171224-0:0:9:12|Step", "2017-12-24 0:0:9.12000000 r1000000", "|Step"),
    ("20240314131647 x", "2024-3-14 13:16:47.0 r1000000000", " x"),
    ("20240314 131647.5 x", "2024-3-14 13:16:47.500000000 r100000000", " x"),
    ("[ 20 Jul 2021 16:21:08:310 ]| text", "2021-7-20 16:21:8.310000000 r1000000", "| text"),
    ("20-07-22 10:02:41:318:ISS: x", "2022-7-20 10:2:41.318000000 r1000000 open", ":ISS: x"),
    ("5/29/2020 8:14:02 AM:text", "2020-5-29 8:14:2.0 r1000000000", ":text"),
    ("5/4/2020 12:14:02 AM x", "2020-5-4 0:14:2.0 r1000000000 open", " x"),
    ("5/4/20 1:14:02 PM x", "2020-5-4 13:14:2.0 r1000000000 open", " x"),
    ("29/5/2020 12:14:02 PM x", "2020-5-29 12:14:2.0 r1000000000", " x"),
    ("03.05.2022 10:11:12</TD>", "2022-5-3 10:11:12.0 r1000000000", "</TD>"),
    ("2021/7/20 下午 4:21:08 x", "2021-7-20 16:21:8.0 r1000000000", " x"),
    ("2021/7/20 上午12:01:08 x", "2021-7-20 0:1:8.0 r1000000000", " x"),
    ("2021-07-20 04:21:08 下午 x", "2021-7-20 16:21:8.0 r1000000000", " x"),
    ("2021年07月20日 16:21:08 x", "2021-7-20 16:21:8.0 r1000000000", " x"),
    ("Jul 20, 2021 4:21:08 PM com.acme", "2021-7-20 16:21:8.0 r1000000000", " com.acme"),
    ("Jul 20, 2021 4:21:08\u{202F}PM com.acme", "2021-7-20 16:21:8.0 r1000000000", " com.acme"),
    ("Jun 14 15:16:01 combo", "?-6-14 15:16:1.0 r1000000000", " combo"),
    ("Jul  1 09:00:55 calv", "?-7-1 9:0:55.0 r1000000000", " calv"),
    ("Jun 14 2021 15:16:01.123: %ASA", "2021-6-14 15:16:1.123000000 r1000000", ": %ASA"),
    ("Fri Nov 30 09:09:10 2007 x", "2007-11-30 9:9:10.0 r1000000000", " x"),
    ("Fri, 30 Nov 2007 09:09:10 +0300 x", "2007-11-30 9:9:10.0 r1000000000 +10800", " x"),
    ("20/Jul/2021:16:21:08 +0800] x", "2021-7-20 16:21:8.0 r1000000000 +28800", "] x"),
    ("20-Jul-2021 16:21:08.310 INFO", "2021-7-20 16:21:8.310000000 r1000000", " INFO"),
    ("1531234567.123 x", "epoch 1531234567123000000", " x"),
    ("1770595666569", "epoch 1770595666569000000", ""),
    ("1770595666569123 x", "epoch 1770595666569123000", " x"),
    ("10:15:02.617 DBG", "?-? 10:15:2.617000000 r1000000", " DBG"),
    ("10:15:02: text", "?-? 10:15:2.0 r1000000000", ": text"),
    ("23:59:60 leap", "?-? 23:59:60.0 r1000000000", " leap"),
];

#[test]
fn every_style_is_read_as_written() {
    for (text, want, left) in STYLES {
        let Some((raw, used)) = parse_at_start(text.as_bytes()) else {
            panic!("not read: {text}");
        };
        assert_eq!(shown(&raw), *want, "{text}");
        assert_eq!(&text[used..], *left, "{text}");
    }
}

#[test]
fn jpos_years_carry_milliseconds_without_leading_zeros() {
    for (text, want) in [
        ("Fri Nov 30 09:09:10 GMT-03:00 2007.775", "2007-11-30 9:9:10.775000000 r1000000 -10800"),
        ("Sun Oct 20 16:16:47 UYST 2013.61", "2013-10-20 16:16:47.61000000 r1000000 UYST"),
        ("Sat Jan 04 18:48:47 CST 2014.437", "2014-1-4 18:48:47.437000000 r1000000 CST"),
        ("2022-09-25T12:16:04.787", "2022-9-25 12:16:4.787000000 r1000000"),
    ] {
        let (raw, used) = jpos(text.as_bytes()).expect(text);
        assert_eq!(shown(&raw), want);
        assert_eq!(used, text.len());
    }
}

#[test]
fn what_is_no_time_is_left_alone() {
    for text in [
        "", "x", "00 A4 04 00", "00A4040007A0000000041010", "13-15 10:56:49.152", "07-32 10:56:49.152",
        "07-15 25:56:49.152", "2024-13-01 10:00:00", "12345", "0000000000000", "99:99:99", "1:2", "3B 6E 00 00",
        "Mon", "Januar", "6F 3C -- File", "10 items", "192.168.1.10 - -", "1.2.3.4:80", "12.5 EUR", "20 Jules 10:00",
        "9999999999", "1770595666569x", "4111111111111111",
    ] {
        assert_eq!(parse_at_start(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn any_prefix_and_any_changed_byte_is_safe() {
    for (text, ..) in STYLES {
        let bytes = text.as_bytes();
        for end in 0..bytes.len() {
            let _ = parse_at_start(&bytes[..end]);
        }
        let mut changed = bytes.to_vec();
        for at in 0..bytes.len() {
            for byte in 0..=255_u8 {
                changed[at] = byte;
                if let Some((_, used)) = parse_at_start(&changed) {
                    assert!(used <= changed.len());
                }
                let _ = (jpos(&changed), uptime(&changed), chromium(&changed), epoch(&changed));
            }
            changed[at] = bytes[at];
        }
    }
}
