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

#[path = "renderings/forms.rs"]
mod forms;

use forms::renderings;
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
