//! The renderings of a card number that logs use.

use std::ops::Range;

/// A text, and where each digit of the number stands in it.
#[derive(Default)]
pub struct Rendered {
    pub text: Vec<u8>,
    pub digits: Vec<Range<usize>>,
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

/// The number in every rendering, with the rendering's name.
pub fn renderings(pan: &str) -> Vec<(&'static str, Rendered)> {
    let r = Rendered::default;
    let none = |_: usize| "";
    let groups = |n: usize| {
        if n > 0 && n.is_multiple_of(4) {
            " "
        } else {
            ""
        }
    };
    let dashes = |n: usize| {
        if n > 0 && n.is_multiple_of(4) {
            "-"
        } else {
            ""
        }
    };
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
                |n| {
                    if n > 0 && n.is_multiple_of(4) {
                        "\u{a0}"
                    } else {
                        ""
                    }
                },
            ),
        ),
        (
            "thin spaces",
            r().each(
                pan,
                |c| c.into(),
                |n| {
                    if n > 0 && n.is_multiple_of(4) {
                        "\u{2009}"
                    } else {
                        ""
                    }
                },
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
            r().each(pan, wide, |n| {
                if n > 0 && n.is_multiple_of(4) {
                    "\u{3000}"
                } else {
                    ""
                }
            }),
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
                |n| {
                    if n > 0 && n.is_multiple_of(4) {
                        "\r\n"
                    } else {
                        ""
                    }
                },
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
