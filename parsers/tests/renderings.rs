//! Card numbers in every rendering that logs use: each digit between the first six and the last four must be hidden, and figures of
//! other kinds must stay. `TAPSCOPE_LONG=1` plants 100,000 numbers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests may say what they mean"
)]

use std::ops::Range;

use tapscope_parsers::sensitive::{Kind, Span, in_text, kept_digits, kind_of, normalise};

fn long() -> bool {
    std::env::var_os("TAPSCOPE_LONG").is_some()
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// The Luhn digit, written apart from the program's own.
fn check_digit(digits: &str) -> char {
    let sum: u32 = digits
        .chars()
        .rev()
        .map(|c| c.to_digit(10).unwrap())
        .enumerate()
        .map(|(i, d)| {
            if i % 2 == 0 {
                d * 2 / 10 + d * 2 % 10
            } else {
                d
            }
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap()
}

fn number(random: &mut Random) -> String {
    const BRANDS: &[(&str, usize)] = &[
        ("411111", 16),
        ("541333", 16),
        ("2223", 16),
        ("378282", 15),
        ("6212", 16),
        ("6222", 19),
        ("6217", 19),
        ("6250", 16),
        ("3530", 16),
        ("601111", 16),
        ("6228", 18),
        ("6214", 17),
    ];
    let (prefix, length) = BRANDS[random.below(BRANDS.len() as u64) as usize];
    let mut digits = prefix.to_owned();
    while digits.len() < length - 1 {
        digits.push(char::from(b'0' + random.below(10) as u8));
    }
    digits.push(check_digit(&digits));
    digits
}

/// A text, and where each digit of the number stands in it.
#[derive(Default)]
struct Rendered {
    text: Vec<u8>,
    digits: Vec<Range<usize>>,
}

impl Rendered {
    fn plain(mut self, text: &str) -> Self {
        self.text.extend(text.as_bytes());
        self
    }
    fn digit(&mut self, text: &[u8]) {
        let start = self.text.len();
        self.text.extend(text);
        self.digits.push(start..self.text.len());
    }
    /// Each digit by itself, with something between some of them.
    fn each(
        mut self,
        pan: &str,
        write: impl Fn(char) -> String,
        between: impl Fn(usize) -> &'static str,
    ) -> Self {
        for (n, c) in pan.chars().enumerate() {
            self.text.extend(between(n).as_bytes());
            self.digit(write(c).as_bytes());
        }
        self
    }
    /// Bytes in hex, of which some half bytes are the digits.
    fn nibbles(
        mut self,
        hex: &str,
        from: usize,
        count: usize,
        before_byte: impl Fn(usize) -> String,
    ) -> Self {
        for (n, c) in hex.chars().enumerate() {
            if n % 2 == 0 {
                self.text.extend(before_byte(n / 2).as_bytes());
            }
            let start = self.text.len();
            self.text.push(c as u8);
            if (from..from + count).contains(&n) {
                self.digits.push(start..start + 1);
            }
        }
        self
    }
    /// Bytes in base64, of which some are the digits.
    fn base64(
        mut self,
        bytes: &[u8],
        from: usize,
        per_digit: impl Fn(usize) -> usize,
        count: usize,
    ) -> Self {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let base = self.text.len();
        for chunk in bytes.chunks(3) {
            let mut group = [0; 3];
            group[..chunk.len()].copy_from_slice(chunk);
            let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
            for k in 0..4 {
                self.text.push(if k <= chunk.len() {
                    ALPHABET[(bits >> (18 - 6 * k) & 63) as usize]
                } else {
                    b'='
                });
            }
        }
        for digit in 0..count {
            let byte = from + per_digit(digit);
            // The two characters that hold its bits.
            self.digits
                .push(base + byte * 8 / 6..base + (byte * 8 + 7) / 6 + 1);
        }
        self
    }
}

fn renderings(pan: &str) -> Vec<(&'static str, Rendered)> {
    let r = Rendered::default;
    let none = |_: usize| "";
    let groups = |n: usize| if n > 0 && n % 4 == 0 { " " } else { "" };
    let dashes = |n: usize| if n > 0 && n % 4 == 0 { "-" } else { "" };
    let bcd = if pan.len() % 2 == 1 {
        format!("{pan}F")
    } else {
        pan.to_owned()
    };
    let track = format!("{pan}D2512201000001234");
    let track = if track.len() % 2 == 1 {
        format!("{track}F")
    } else {
        track
    };
    let tag57 = format!("57{:02X}{track}", track.len() / 2);
    let tag5a = format!("5A{:02X}{bcd}", bcd.len() / 2);
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len() / 2)
            .map(|k| u8::from_str_radix(&hex[2 * k..2 * k + 2], 16).unwrap())
            .collect()
    };
    let wide = |c: char| {
        char::from_u32(c as u32 - '0' as u32 + 0xFF10)
            .unwrap()
            .to_string()
    };
    let list = |r: Rendered, hex: &str, signed: bool| {
        let mut r = r;
        for (n, byte) in bytes(hex).into_iter().enumerate() {
            if n > 0 {
                r.text.extend(b", ");
            }
            let shown = if signed {
                (byte as i8).to_string()
            } else {
                byte.to_string()
            };
            let start = r.text.len();
            r.text.extend(shown.as_bytes());
            for digit in [2 * n, 2 * n + 1] {
                if (4..4 + pan.len()).contains(&digit) {
                    r.digits.push(start..r.text.len());
                }
            }
        }
        r.plain("]")
    };
    let n = pan.len();
    let json = format!("{{\"pan\":\"{pan}\",\"amount\":1}}");
    vec![
        ("plain", r().each(pan, |c| c.into(), none)),
        ("spaced", r().each(pan, |c| c.into(), groups)),
        ("dashed", r().each(pan, |c| c.into(), dashes)),
        (
            "no-break spaces",
            r().each(
                pan,
                |c| c.into(),
                |n| if n > 0 && n % 4 == 0 { "\u{a0}" } else { "" },
            ),
        ),
        (
            "thin spaces",
            r().each(
                pan,
                |c| c.into(),
                |n| if n > 0 && n % 4 == 0 { "\u{2009}" } else { "" },
            ),
        ),
        (
            "zero-width spaces",
            r().each(
                pan,
                |c| c.into(),
                |n| if n == 3 || n == 9 { "\u{200b}" } else { "" },
            ),
        ),
        ("full-width", r().each(pan, wide, none)),
        (
            "full-width spaced",
            r().each(
                pan,
                wide,
                |n| if n > 0 && n % 4 == 0 { "\u{3000}" } else { "" },
            ),
        ),
        ("UTF-16 as bytes", r().each(pan, |c| format!("{c}\0"), none)),
        (
            "JSON escapes",
            r().each(pan, |c| format!("\\u{:04x}", c as u32), none),
        ),
        (
            "URL escapes",
            r().each(pan, |c| format!("%{:02X}", c as u32), none),
        ),
        (
            "HTML escapes",
            r().each(pan, |c| format!("&#{};", c as u32), none),
        ),
        (
            "C escapes",
            r().each(pan, |c| format!("{:02x}", c as u32), |_| "\\x"),
        ),
        (
            "hex of ASCII",
            r().each(pan, |c| format!("{:02X}", c as u32), none),
        ),
        (
            "hex of ASCII, spaced",
            r().each(
                pan,
                |c| format!("{:02x}", c as u32),
                |n| if n > 0 { " " } else { "" },
            ),
        ),
        ("hex of EBCDIC", r().each(pan, |c| format!("F{c}"), none)),
        (
            "hex of UTF-16",
            r().each(pan, |c| format!("00{:02X}", c as u32), none),
        ),
        ("BCD in a tag", r().nibbles(&tag5a, 4, n, |_| String::new())),
        (
            "BCD in a tag, spaced",
            r().nibbles(
                &tag5a,
                4,
                n,
                |k| if k > 0 { " ".into() } else { String::new() },
            ),
        ),
        (
            "track in a tag, colons",
            r().nibbles(
                &tag57,
                4,
                n,
                |k| if k > 0 { ":".into() } else { String::new() },
            ),
        ),
        (
            "C array",
            r().nibbles(&tag57, 4, n, |k| {
                if k > 0 { ", 0x".into() } else { "0x".into() }
            }),
        ),
        (
            "record and status",
            r().plain("70 ")
                .nibbles(&format!("{tag57}9000"), 4, n, |k| {
                    if k > 0 { " ".into() } else { String::new() }
                }),
        ),
        ("Java bytes of a tag", list(r().plain("["), &tag57, true)),
        ("Python bytes of a tag", list(r().plain("["), &tag5a, false)),
        ("Java bytes of ASCII", {
            let ascii: String = pan.bytes().map(|b| format!("{b:02X}")).collect();
            let mut r = list(r().plain("["), &format!("2020{ascii}"), true);
            // Two half bytes a digit.
            let all = std::mem::take(&mut r.digits);
            let mut places: Vec<Range<usize>> = all.into_iter().step_by(2).collect();
            let rest: Vec<Range<usize>> = r
                .text
                .split(|b| *b == b',' || *b == b'[' || *b == b']')
                .scan(0, |at, part| {
                    let lead = part.iter().take_while(|b| **b == b' ').count();
                    let range = *at + lead..*at + part.len();
                    *at += part.len() + 1;
                    Some(range)
                })
                .filter(|range| !range.is_empty())
                .skip(2)
                .collect();
            places.clear();
            places.extend(rest);
            r.digits = places;
            r
        }),
        (
            "list of digits",
            r().plain("[")
                .each(pan, |c| c.into(), |n| if n > 0 { ", " } else { "" })
                .plain("]"),
        ),
        ("base64 of digits", r().base64(pan.as_bytes(), 0, |d| d, n)),
        ("base64 of JSON", r().base64(json.as_bytes(), 8, |d| d, n)),
        (
            "base64 of a tag",
            r().base64(&bytes(&tag5a), 2, |d| d / 2, n),
        ),
        (
            "split over lines",
            r().each(pan, |c| c.into(), |n| if n == 8 { "\n    " } else { "" }),
        ),
        (
            "split into lines of four",
            r().each(
                pan,
                |c| c.into(),
                |n| if n > 0 && n % 4 == 0 { "\r\n" } else { "" },
            ),
        ),
        (
            "hex dump",
            r().nibbles(
                &format!("000102030405060708{tag57}01020304"),
                22,
                n,
                |k| match k {
                    0 => "0000  ".into(),
                    k if k % 16 == 0 => format!("\n{k:04X}  "),
                    k if k % 8 == 0 => "  ".into(),
                    _ => " ".into(),
                },
            ),
        ),
        (
            "hex dump as xxd",
            r().nibbles(
                &format!("000102030405060708{tag57}01020304"),
                22,
                n,
                |k| match k {
                    0 => "00000000: ".into(),
                    k if k % 16 == 0 => format!("\n{k:08x}: "),
                    k if k % 2 == 0 => " ".into(),
                    _ => String::new(),
                },
            ),
        ),
        (
            "hex dump in a log",
            r().nibbles(
                &format!("000102030405060708{tag57}01020304"),
                22,
                n,
                |k| match k {
                    0 => "07-15 10:56:49.152   889  6213 D Dump: 0000 ".into(),
                    k if k % 16 == 0 => {
                        format!("\n07-15 10:56:49.152   889  6213 D Dump: {k:04X} ")
                    }
                    _ => " ".into(),
                },
            ),
        ),
        (
            "track 1",
            r().plain("%B")
                .each(pan, |c| c.into(), none)
                .plain("^DOE/JOHN^25122010000012345?"),
        ),
        (
            "track 2",
            r().plain(";")
                .each(pan, |c| c.into(), none)
                .plain("=25122010000012345?"),
        ),
        (
            "JSON",
            r().plain("{\"cardNo\": \"")
                .each(pan, |c| c.into(), none)
                .plain("\"}"),
        ),
        (
            "Chinese label",
            r().plain("银行卡号：").each(pan, |c| c.into(), none),
        ),
        (
            "URL parameter",
            r().plain("GET /pay?pan=")
                .each(pan, |c| c.into(), none)
                .plain("&amount=1"),
        ),
        (
            "XML field",
            r().plain("<field id=\"2\" value=\"")
                .each(pan, |c| c.into(), none)
                .plain("\"/>"),
        ),
        (
            "length before it",
            r().plain(&format!("data={n:02}"))
                .each(pan, |c| c.into(), none)
                .plain("000000"),
        ),
    ]
}

fn hidden(text: &[u8]) -> Vec<bool> {
    let mut spans: Vec<Span> = Vec::new();
    in_text(text, &mut spans);
    normalise(&mut spans);
    let mut hidden = vec![false; text.len()];
    for span in spans {
        hidden[span.start..span.end].fill(true);
    }
    hidden
}

#[test]
fn no_digit_between_six_and_four_is_left() {
    let mut random = Random(0x5DEE_CE66_D1CE_4E5B);
    let rounds = if long() { 100_000 } else { 1_500 };
    let before = ["", "I/Pos: ", "resp=", "{\"d\":\"", "数据：", "x = "];
    let behind = ["", "\"", " ok", ", stan=000123", "}"];
    let mut kinds = 0;
    let mut misses: std::collections::BTreeMap<&str, (u32, String)> =
        std::collections::BTreeMap::new();
    for round in 0..rounds {
        let pan = number(&mut random);
        let all = renderings(&pan);
        kinds = all.len();
        for (name, rendered) in all {
            // Those that begin a line themselves have nothing before them.
            let alone = name.contains("dump");
            let lead = if alone {
                ""
            } else {
                before[random.below(before.len() as u64) as usize]
            };
            let tail = if alone {
                "\n"
            } else {
                behind[random.below(behind.len() as u64) as usize]
            };
            let text = [lead.as_bytes(), &rendered.text, tail.as_bytes()].concat();
            let hidden = hidden(&text);
            let (first, last) = kept_digits(pan.len());
            assert_eq!(rendered.digits.len(), pan.len(), "{name}");
            let whole = rendered.digits[first..pan.len() - last]
                .iter()
                .all(|place| {
                    hidden[place.start + lead.len()..place.end + lead.len()]
                        .iter()
                        .all(|h| *h)
                });
            if !whole {
                let miss = misses
                    .entry(name)
                    .or_insert((0, String::from_utf8_lossy(&text).into_owned()));
                miss.0 += 1;
            }
        }
        let _ = round;
    }
    assert!(misses.is_empty(), "{misses:#?}");
    println!("{rounds} numbers in {kinds} renderings");
}

/// Retrieval reference, trace and serial numbers, times, amounts: none that is labelled is masked, and few that are not.
#[test]
fn other_figures_stay() {
    let mut random = Random(4711);
    let rounds = if long() { 1_000_000 } else { 40_000 };
    let mut masked = [0_u32; 8];
    for _ in 0..rounds {
        let mut digits = |n: u32| {
            format!(
                "{:0width$}",
                random.below(10_u64.pow(n)),
                width = n as usize
            )
        };
        let figures = [
            format!("rrn={}", digits(12)),
            format!("参考号：{}", digits(12)),
            format!("imei: 35{}", digits(13)),
            format!("2026-07-15 10:56:49.{} stan {}", digits(6), digits(6)),
            format!("amount=0000{} rrn {}", digits(8), digits(12)),
            format!("barcode 69{}", digits(11)),
            format!(
                "[{}, {}, {}, {}, {}, {}, {}, {}]",
                digits(1),
                digits(2),
                digits(1),
                digits(3),
                digits(2),
                digits(1),
                digits(3),
                digits(2)
            ),
            format!(
                "took {} ms, {} bytes, id {}",
                digits(4),
                digits(7),
                digits(9)
            ),
        ];
        for (count, text) in masked.iter_mut().zip(&figures) {
            *count += u32::from(hidden(text.as_bytes()).iter().any(|h| *h));
        }
    }
    println!("masked by mistake of {rounds} each: {masked:?}");
    assert_eq!(&masked[..3], [0, 0, 0], "labelled figures stay");
    let all: u32 = masked.iter().sum();
    assert!(
        f64::from(all) <= 0.001 * f64::from(rounds) * masked.len() as f64,
        "{masked:?}"
    );
}

#[test]
fn kinds_are_told() {
    let rows: &[(&str, Kind)] = &[
        ("paid with 4111111111111111", Kind::CardNumber),
        ("卡号:6212340000001232", Kind::CardNumber),
        (";4111111111111111=25122010000012345678?", Kind::Track2),
        ("track2=6212340000001232D25122010000", Kind::Track2),
        (
            "%B4111111111111111^DOE/JOHN^25122010000012345678?",
            Kind::Track1,
        ),
        ("pinblock=0412AC89ABCDEF67", Kind::Pin),
        ("cvv2: 123,", Kind::VerificationValue),
        ("cardholder name: JOHN DOE, amount", Kind::Name),
    ];
    for (text, want) in rows {
        let mut spans = Vec::new();
        in_text(text.as_bytes(), &mut spans);
        normalise(&mut spans);
        assert_eq!(kind_of(text.as_bytes(), spans[0]), *want, "{text}");
    }
}
