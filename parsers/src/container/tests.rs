use super::*;

#[test]
fn samples_match_and_counter_samples_do_not() {
    for format in FORMATS {
        for sample in format.samples {
            let line = sample.as_bytes();
            assert!(format.is_head(line), "{}: {sample}", format.name);
            assert!(format.head(line).is_some(), "{}: {sample}", format.name);
        }
        for sample in format.counter_samples {
            assert!(
                format.head(sample.as_bytes()).is_none(),
                "{}: {sample}",
                format.name
            );
        }
    }
}

#[test]
fn every_format_is_chosen_for_its_own_samples() {
    for format in FORMATS {
        if format.name == "timed"
            || format.name == "plain"
            || format.name == "json"
            || format.whole.is_some()
        {
            continue;
        }
        for sample in format.samples {
            let text = format!("{sample}\n{sample}\n{sample}\n{sample}\n{sample}\n{sample}\n");
            let best = &detect(&[text.as_bytes()])[0];
            assert_eq!(best.format.name, format.name, "{sample}");
        }
    }
}

/// format, line, process, thread, tag, level, message
const HEADS: &[(&str, &str, &str, &str, &str, Level, &str)] = &[
    (
        "logcat",
        "07-15 10:56:49.152   889  6213 D NxpNciR : len =   6 > 600603010001",
        "889",
        "6213",
        "NxpNciR",
        Level::Debug,
        "len =   6 > 600603010001",
    ),
    (
        "logcat",
        "08-29 03:02:34.760     0     0 E nfc nRead: CORE_SET_CONFIG_RSP   4002020000",
        "0",
        "0",
        "nfc nRead",
        Level::Error,
        "CORE_SET_CONFIG_RSP   4002020000",
    ),
    (
        "logcat",
        "07-15 10:56:49.152  1000   889  6213 W A: b",
        "889",
        "6213",
        "A",
        Level::Warning,
        "b",
    ),
    (
        "logcat",
        "07-15 10:56:49.152   889  6213 I BCSunMi v1.60: x: y",
        "889",
        "6213",
        "BCSunMi v1.60",
        Level::Info,
        "x: y",
    ),
    (
        "logcat",
        "07-15 10:56:49.152   889  6213 I Empty   :",
        "889",
        "6213",
        "Empty",
        Level::Info,
        "",
    ),
    (
        "logcat",
        "04-05 08:16:38.504 V/PPHSDK( 5053): text",
        "5053",
        "",
        "PPHSDK",
        Level::Debug,
        "text",
    ),
    (
        "logcat",
        "04-05 08:16:38.504: ERROR/NFC(704): text",
        "704",
        "",
        "NFC",
        Level::Error,
        "text",
    ),
    (
        "logcat",
        "[ 07-15 10:56:49.152   889: 6213 D/NxpNciR ]",
        "889",
        "6213",
        "NxpNciR",
        Level::Debug,
        "",
    ),
    (
        "logcat",
        "2021-03-04 10:11:12.131 1234-1250/com.acme.pay E/PaySdk: text",
        "1234",
        "1250",
        "PaySdk",
        Level::Error,
        "text",
    ),
    (
        "logcat",
        "2023-03-04 10:11:12.131  1234-1250  Pay Sdk                 com.acme.pay                         E  text  x",
        "1234",
        "1250",
        "Pay Sdk",
        Level::Error,
        "text  x",
    ),
    (
        "logcat",
        "2023-03-04 10:11:12.131  1234-1250  AVeryLongTagThatIsCutHe com.acme.payment.terminal.nfc.reader E  text",
        "1234",
        "1250",
        "AVeryLongTagThatIsCutHe",
        Level::Error,
        "text",
    ),
    (
        "applog",
        "2026-02-09 13:06:32,461 INFO o.a.j.u.JMeterUtils: Setting Locale to en_EN",
        "",
        "",
        "o.a.j.u.JMeterUtils",
        Level::Info,
        "Setting Locale to en_EN",
    ),
    (
        "applog",
        "2026-02-09 13:08:11,482 INFO n.c.Q2: (channel/10.0.0.1:9999) [send] Out: 0200",
        "",
        "",
        "n.c.Q2",
        Level::Info,
        "(channel/10.0.0.1:9999) [send] Out: 0200",
    ),
    (
        "applog",
        "2024-01-01 10:00:00,123 [main] INFO  com.acme.Pay - text - more",
        "",
        "main",
        "com.acme.Pay",
        Level::Info,
        "text - more",
    ),
    (
        "applog",
        "2024-01-01 10:00:00.123  INFO 1234 --- [nio-8080-exec-1] c.acme.Pay   : text",
        "1234",
        "nio-8080-exec-1",
        "c.acme.Pay",
        Level::Info,
        "text",
    ),
    (
        "applog",
        "2024-01-01 10:00:00,123 - acme.pay - WARNING - text",
        "",
        "",
        "acme.pay",
        Level::Warning,
        "text",
    ),
    (
        "applog",
        "2024-01-01 10:00:00.1234|INFO|Acme.Pay|text",
        "",
        "",
        "Acme.Pay",
        Level::Info,
        "text",
    ),
    (
        "applog",
        "2024-01-01 10:00:00.123 +01:00 [ERR] GPO failed",
        "",
        "",
        "",
        Level::Error,
        "GPO failed",
    ),
    (
        "applog",
        "[10:00:00 INF] text",
        "",
        "",
        "",
        Level::Info,
        "text",
    ),
    (
        "applog",
        "INFO  [2024-01-01 10:00:00,123] com.acme.Pay: text",
        "",
        "",
        "com.acme.Pay",
        Level::Info,
        "text",
    ),
    (
        "applog",
        "I0412 08:15:02.100200  1234 file.cc:99] text",
        "",
        "1234",
        "file.cc:99",
        Level::Info,
        "text",
    ),
    (
        "applog",
        "2026-11-22 16:49:19.378193 +00:00 DEBUG termsim - Card",
        "",
        "",
        "termsim",
        Level::Debug,
        "Card",
    ),
    (
        "applog",
        "2024-01-01 10:00:00.008 25746 INFO nova.wsgi [req-1] text",
        "25746",
        "req-1",
        "nova.wsgi",
        Level::Info,
        "text",
    ),
    (
        "applog",
        "2024-01-01 10:00:00.008 INFO 00 A4 04 00",
        "",
        "",
        "",
        Level::Info,
        "00 A4 04 00",
    ),
    (
        "jpos",
        r#"<log realm="channel/10.1.2.3:6432" at="2022-09-25T12:16:04.787" lifespan="17172ms">"#,
        "",
        "",
        "channel/10.1.2.3:6432",
        Level::Unknown,
        r#"<log realm="channel/10.1.2.3:6432" at="2022-09-25T12:16:04.787" lifespan="17172ms">"#,
    ),
    (
        "syslog",
        "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: failure; x",
        "19939",
        "",
        "sshd(pam_unix)",
        Level::Unknown,
        "failure; x",
    ),
    (
        "syslog",
        "<11>Jun 14 15:16:01 combo app: text",
        "",
        "",
        "app",
        Level::Error,
        "text",
    ),
    (
        "syslog",
        "Jul  1 09:00:55 h com.apple.xpc.launchd[1] (com.apple.x[11815]): text",
        "1",
        "",
        "com.apple.xpc.launchd",
        Level::Unknown,
        "text",
    ),
    (
        "syslog5424",
        "<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [a@1 x=\"a\\]b\"][b@1 c=\"d\"] An event",
        "",
        "",
        "evntslog",
        Level::Info,
        "An event",
    ),
    (
        "pcscd",
        "00021205 [139811002240768] <- 000000 80 00",
        "",
        "139811002240768",
        "",
        Level::Unknown,
        "<- 000000 80 00",
    ),
    (
        "zvt-tracer",
        "2024-04-04 13:47:32.548 DEBUG {Thread-37} [001] [Tracer] POS<-TERM 12",
        "",
        "Thread-37",
        "Tracer",
        Level::Debug,
        "POS<-TERM 12",
    ),
    (
        "kernel",
        "<3>[    3.100000] [  T123] pn553: i2c error",
        "",
        "T123",
        "",
        Level::Error,
        "pn553: i2c error",
    ),
    (
        "timed",
        "20171223-22:15:29:606|Step_LSC|30002312|on x",
        "30002312",
        "",
        "Step_LSC",
        Level::Unknown,
        "on x",
    ),
    (
        "timed",
        "20-07-22 10:02:41:318:ISS: MessageType : 0810",
        "",
        "",
        "",
        Level::Unknown,
        "ISS: MessageType : 0810",
    ),
    (
        "json-lines",
        r#"{"level":"error","time":1710422207974,"msg":"text"}"#,
        "",
        "",
        "",
        Level::Error,
        r#"{"level":"error","time":1710422207974,"msg":"text"}"#,
    ),
];

#[test]
fn heads_are_taken_apart() {
    for (format, line, process, thread, tag, level, message) in HEADS {
        let format = by_name(format).unwrap();
        let head = format
            .head(line.as_bytes())
            .unwrap_or_else(|| panic!("{line}"));
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        assert_eq!(text(head.process), *process, "process of {line}");
        assert_eq!(text(head.thread), *thread, "thread of {line}");
        assert_eq!(text(head.tag), *tag, "tag of {line}");
        assert_eq!(head.level, *level, "level of {line}");
        assert_eq!(text(head.message), *message, "message of {line}");
    }
}

/// All the text that tests cut and break.
fn material() -> Vec<(&'static LogFormat, Vec<u8>)> {
    let mut out = Vec::new();
    for format in FORMATS {
        let mut text = String::from("a line before the first head\n  indented\n");
        for (n, sample) in format.samples.iter().enumerate() {
            text += sample;
            text += if n % 2 == 0 { "\r\n" } else { "\n" };
            if n % 3 == 0 {
                text += "\tat com.acme.Pay.main(Pay.java:3)\n\n  00 A4 04 00\n</log>\nbetween\n";
            }
        }
        text += "\0\0\0last without end";
        out.push((*format, text.into_bytes()));
    }
    out
}

/// Records follow each other without a gap, lines are counted right, and heads and rests lie inside.
fn check_cover(format: &'static LogFormat, bytes: &[u8], limits: TextLimits) {
    let mut at = 0;
    let mut line = 0;
    for record in records(format, bytes, limits) {
        assert_eq!(record.offset, at, "{}", format.name);
        assert!(record.len > 0);
        assert_eq!(record.line, line);
        let part = &bytes[at..at + record.len];
        let lines_in_part = lines(part).count();
        assert_eq!(record.lines as usize, lines_in_part);
        assert!(record.lines as usize <= limits.record_lines);
        assert!(record.rest.len() < record.len || record.len == 0);
        line += record.lines;
        at += record.len;
    }
    assert_eq!(at, bytes.len(), "{}", format.name);
}

#[test]
fn records_cover_their_block_under_any_limit() {
    let tight = TextLimits {
        line_bytes: 8,
        record_lines: 2,
        record_bytes: 40,
    };
    for (format, text) in material() {
        check_cover(format, &text, TextLimits::default());
        check_cover(format, &text, tight);
        for end in 0..text.len() {
            check_cover(format, &text[..end], TextLimits::default());
        }
    }
}

#[test]
fn any_changed_byte_is_safe() {
    for (format, text) in material() {
        let mut changed = text.clone();
        for at in 0..text.len() {
            for byte in [0, b'\n', b' ', b':', b'[', b'9', b'"', 0xFF] {
                changed[at] = byte;
                check_cover(format, &changed, TextLimits::default());
            }
            changed[at] = text[at];
        }
    }
}

#[test]
fn blocks_cut_at_split_points_give_the_same_records() {
    for (format, text) in material() {
        let limits = TextLimits::default();
        let whole: Vec<(usize, usize)> = records(format, &text, limits)
            .map(|r| (r.offset, r.len))
            .collect();
        for cut in 1..text.len() {
            let at = split_point(format, &text[..cut]);
            let mut parts: Vec<(usize, usize)> = records(format, &text[..at], limits)
                .map(|r| (r.offset, r.len))
                .collect();
            parts.extend(records(format, &text[at..], limits).map(|r| (r.offset + at, r.len)));
            assert_eq!(parts, whole, "{} cut at {cut} -> {at}", format.name);
        }
    }
}

#[test]
fn a_record_is_found_from_any_of_its_bytes() {
    for (format, text) in material() {
        let limits = TextLimits::default();
        let mut floor = 0;
        for record in records(format, &text, limits).filter(|r| r.has_head) {
            for at in record.offset..record.offset + record.len {
                let range = record_around(format, &text, at, floor, limits);
                assert!(range.contains(&at));
                if !text[range.clone()].ends_with(b"</log>\n") {
                    assert_eq!(range.start, record.offset, "{} at {at}", format.name);
                }
            }
            floor = record.offset + record.len;
        }
    }
}

#[test]
fn jpos_records_end_with_their_log_element() {
    let text = b"    <field id=\"0\"/>\n</log>\n<log realm=\"a\" at=\"x\">\n <isomsg>\n  <field/>\n </isomsg>\n</log>\n# note\n<log realm=\"b\" at=\"y\">\n";
    let format = by_name("jpos").unwrap();
    let seen: Vec<(bool, u32)> = records(format, text, TextLimits::default())
        .map(|r| (r.has_head, r.lines))
        .collect();
    assert_eq!(seen, [(false, 2), (true, 5), (false, 1), (true, 1)]);
    assert_eq!(
        lifespan_millis(b"<log realm=\"a\" lifespan=\"17172ms\">"),
        Some(17172)
    );
}

#[test]
fn over_long_lines_are_cut_and_counted() {
    let mut text = b"07-15 10:56:49.152   889  6213 D Tag: ".to_vec();
    text.resize(1000, b'x');
    text.extend(b"\n07-15 10:56:49.152   889  6213 D Tag: next\n");
    let limits = TextLimits {
        line_bytes: 100,
        ..TextLimits::default()
    };
    let all: Vec<_> = records(by_name("logcat").unwrap(), &text, limits).collect();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].cut_bytes, 901);
    assert_eq!(all[0].head.message.len(), 100 - 38);
    assert_eq!(all[1].head.message, b"next");
}

#[test]
fn inner_lines_are_unwrapped() {
    for (outer, name, tag) in [
        (
            "Jun 14 15:16:01 pos logger[1]: 07-15 10:56:49.152   889  6213 D NxpNciR : len =   6 > 60",
            "logcat",
            "NxpNciR",
        ),
        (
            "Jun 14 15:16:01 pos adb: D/NxpNciR( 889): len =   6 > 60",
            "logcat",
            "NxpNciR",
        ),
        (
            "2026-02-09 13:06:32,461 INFO a.b.C: <log realm=\"x\" at=\"2022-09-25T12:16:04.787\">",
            "jpos",
            "x",
        ),
        (
            "Jun 14 15:16:01 pos app[7]: 2026-02-09 13:06:32,461 INFO o.a.Pay: text",
            "applog",
            "o.a.Pay",
        ),
    ] {
        let head = FORMATS
            .iter()
            .find_map(|f| (f.head)(outer.as_bytes()))
            .unwrap();
        let (format, inner) = unwrap(head.message).unwrap_or_else(|| panic!("{outer}"));
        assert_eq!(format.name, name);
        assert_eq!(inner.tag, tag.as_bytes());
    }
    for message in ["text", "D/Tag: text", "00 A4 04 00", "<isomsg>", "{}", ""] {
        assert!(unwrap(message.as_bytes()).is_none(), "{message}");
    }
}

#[test]
fn names_are_unique_and_the_list_is_the_folder() {
    let mut names: Vec<_> = FORMATS.iter().map(|f| f.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FORMATS.len());
    assert!(
        FORMATS
            .iter()
            .all(|f| !f.samples.is_empty() && !f.counter_samples.is_empty())
    );
}

#[test]
fn odd_spellings_are_seen_by_the_cheap_test_too() {
    // Found by fuzzing: heads that were read, and yet began no record.
    for (name, line) in [
        ("syslog", "jun 14 15:16:01 combo app[1]: text"),
        (
            "syslog5424",
            "083 <34>1 2003-10-11T22:14:15.003Z host app - - - text",
        ),
    ] {
        let format = by_name(name).unwrap();
        assert!(format.head(line.as_bytes()).is_some(), "{line}");
        assert!(format.is_head(line.as_bytes()), "{line}");
    }
    let comma = b"2024-05-01T10:00:00,123456  1234-1250  Tag  com.acme.pay  E  text";
    assert!((by_name("logcat").unwrap().head)(comma).is_none());
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most.max(1)
    }
}

#[test]
fn lines_put_together_from_pieces_of_others_are_safe() {
    let pieces: Vec<&[u8]> = FORMATS
        .iter()
        .flat_map(|f| f.samples.iter().chain(f.counter_samples))
        .map(|s| s.as_bytes())
        .chain([
            &b"\n"[..],
            b"\r\n",
            b"\0\0",
            b" ",
            b"\xEF\xBB\xBF",
            b"\xCF\xC2\xCE\xE7",
            b"99999999999999999999",
            b"[[[[",
            b"\"\\",
        ])
        .collect();
    let rounds = std::env::var("TAPSCOPE_ROUNDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(2000);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..rounds {
        let mut text = Vec::new();
        for _ in 0..=random.below(8) {
            let piece = pieces[random.below(pieces.len())];
            let start = random.below(piece.len());
            let end = start + random.below(piece.len() - start + 1);
            text.extend_from_slice(&piece[start..end.max(start)]);
            if random.below(3) == 0 {
                text.push(b'\n');
            }
        }
        for _ in 0..random.below(4) {
            let at = random.below(text.len());
            if let Some(byte) = text.get_mut(at) {
                *byte = random.below(256) as u8;
            }
        }
        let limits = TextLimits {
            line_bytes: random.below(200) + 1,
            record_lines: random.below(6) + 1,
            record_bytes: random.below(400) + 1,
        };
        for format in FORMATS {
            check_cover(format, &text, limits);
            check_cover(format, &text, TextLimits::default());
            let cut = split_point(format, &text);
            assert!(cut <= text.len());
            let at = random.below(text.len());
            if at < text.len() {
                assert!(record_around(format, &text, at, 0, limits).contains(&at));
            }
            for (_, line) in lines(&text) {
                let line = trim_line(line);
                // A head without the cheap test would be lost when records are cut.
                assert!(
                    format.head(line).is_none() || format.is_head(line),
                    "{}: {:?}",
                    format.name,
                    String::from_utf8_lossy(line)
                );
                let _ = unwrap(line);
            }
        }
        let _ = detect(&[&text]);
    }
}
