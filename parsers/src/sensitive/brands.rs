//! Says whether digits are a card number: issuer range, length, Luhn digit (ISO/IEC 7812-1).

/// Lengths as a bit set: bit 16 for sixteen digits.
const L13_16_19: u32 = 1 << 13 | 1 << 16 | 1 << 19;
const L14: u32 = 1 << 14;
const L15: u32 = 1 << 15;
const L16: u32 = 1 << 16;
const L16_19: u32 = 0b1111 << 16;

/// First and last four-digit prefix of a range, and its lengths. Source: the brands' published issuer ranges.
#[rustfmt::skip]
const RANGES: &[(u16, u16, u32)] = &[
    (2200, 2204, L16_19),               // Mir
    (2221, 2720, L16),                  // Mastercard
    (3000, 3059, L14),        // Diners Club
    (3095, 3095, L14),
    (3400, 3499, L15),        // American Express
    (3528, 3589, L16_19),               // JCB
    (3600, 3699, L14),        // Diners Club
    (3700, 3799, L15),        // American Express
    (3800, 3999, L14),        // Diners Club
    (4000, 4999, L13_16_19),// Visa
    (5018, 5020, L16_19),               // Maestro, Dankort
    (5038, 5038, L16_19),               // Maestro
    (5060, 5067, L16_19),               // Verve, Elo
    (5078, 5078, L16_19),               // Verve
    (5081, 5089, L16),                  // RuPay
    (5100, 5599, L16),                  // Mastercard
    (5600, 5899, L16_19),               // Maestro
    (6000, 6099, L16_19),               // Discover, RuPay, Hipercard, Chinese banks
    (6200, 6299, L16_19),               // UnionPay
    (6300, 6399, L16_19),               // Maestro, Chinese banks
    (6400, 6599, L16_19),               // Discover, RuPay
    (6700, 6799, L16_19),               // Maestro
    (6907, 6907, L16_19),               // Chinese banks
    (8100, 8199, L16_19),               // UnionPay, RuPay
    (8200, 8299, L16),                  // RuPay
    (8600, 8600, L16),                  // Uzcard
    (9111, 9112, L16),                  // Belkart
    (9400, 9499, L16),                  // BC Card, Chinese banks
    (9558, 9559, L16_19),               // Chinese banks
    (9792, 9792, L16),                  // Troy
    (9860, 9860, L16),                  // Humo
];

/// Lengths by four-digit prefix, bit 0 for thirteen digits: one look instead of a search through the ranges.
static LENGTHS: [u8; 10_000] = {
    let mut table = [0_u8; 10_000];
    let mut ranges = RANGES;
    while let [(from, to, set), rest @ ..] = ranges {
        let mut all: &mut [u8] = &mut table;
        let mut at = 0;
        while let [first, tail @ ..] = all {
            if at >= *from && at <= *to {
                *first |= (*set >> 13) as u8;
            }
            at += 1;
            all = tail;
        }
        ranges = rest;
    }
    table
};

/// Lengths that a brand issues with this beginning, bit 0 for thirteen digits. Values are 0 to 9.
fn lengths_of(digits: &[u8]) -> u8 {
    let Some(&[a, b, c, d]) = digits.first_chunk::<4>() else {
        return 0;
    };
    let prefix =
        usize::from(a) * 1000 + usize::from(b) * 100 + usize::from(c) * 10 + usize::from(d);
    LENGTHS.get(prefix).copied().unwrap_or(0)
}

/// How many leading and trailing digits of a number may be shown (PCI DSS 4.0.1, 3.4.1: first six and last four at most).
/// Below 14 digits six and four would leave fewer than four hidden.
#[must_use]
pub const fn kept_digits(digits: usize) -> (usize, usize) {
    match digits {
        14.. => (6, 4),
        13 => (5, 4),
        8..=12 => (0, 4),
        _ => (0, 0),
    }
}

/// True where the last digit is the Luhn check digit of the rest. Values are 0 to 9.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| match (i % 2, d) {
            (0, d) => u32::from(d),
            (_, d @ 0..=4) => u32::from(d) * 2,
            (_, d) => (u32::from(d) * 2).saturating_sub(9),
        })
        .sum();
    sum.is_multiple_of(10)
}

/// True where a brand issues numbers with this beginning and length. Values are 0 to 9.
pub(super) fn brand_fits(digits: &[u8]) -> bool {
    let length = digits.len();
    (13..=19).contains(&length) && lengths_of(digits) >> (length - 13) & 1 == 1
}

/// True where the digits (values 0 to 9, without separators) are a card number by range, length and Luhn digit.
#[must_use]
pub fn is_card_number(digits: &[u8]) -> bool {
    // `2600000000000000` is how UnionPay terminals fill field 53.
    let says_something = digits.iter().skip(2).any(|d| *d != 0);
    brand_fits(digits) && luhn(digits) && says_something
}

/// True where the digits begin with a date and time of these years: `251122143015`, as in order and trace numbers.
pub(super) fn begins_with_time(digits: &[u8]) -> bool {
    let Some(head) = digits.first_chunk::<12>() else {
        return false;
    };
    let pair = |at: usize| head.get(at).unwrap_or(&9) * 10 + head.get(at + 1).unwrap_or(&9);
    // Most brands begin with what would be another year: 34 to 69.
    (10..=33).contains(&pair(0))
        && (1..=12).contains(&pair(2))
        && (1..=31).contains(&pair(4))
        && pair(6) < 24
        && pair(8) < 60
        && pair(10) < 60
}

/// Looks for card numbers in a run of digits (values 0 to 9) and gives those found as (start, length, whether their length stands before them).
///
/// At the beginning and the end of a run of at most 19 digits every number counts; elsewhere, in longer runs and where `anywhere` says so,
/// one with eight zeros in a row counts only behind its own length (`16` and sixteen digits), since amounts look like that.
pub(super) fn numbers_in_run(
    run: &[u8],
    step: usize,
    anywhere: bool,
    mut found: impl FnMut(usize, usize, bool),
) {
    let total = run.len();
    if total < 13 {
        return;
    }
    for start in (0..=total - 13).step_by(step.max(1)) {
        // Cheap test first: no brand begins with 0, 1 or 7.
        if !matches!(run.get(start), Some(2..=6 | 8 | 9)) {
            continue;
        }
        let lengths = run.get(start..).map_or(0, lengths_of);
        for length in 13..=19_usize {
            if lengths >> (length - 13) & 1 == 0 {
                continue;
            }
            let Some(digits) = run.get(start..start + length) else {
                break;
            };
            if !is_card_number(digits) {
                continue;
            }
            let announced = start
                .checked_sub(2)
                .and_then(|at| run.get(at..start))
                .is_some_and(|ll| matches!(ll, [a, b] if usize::from(a * 10 + b) == length));
            let at_end = start == 0 || start + length == total;
            let counts = ((total <= 19 || anywhere) && at_end)
                || ((total > 19 || anywhere)
                    && !digits.windows(8).any(|w| w.iter().all(|&d| d == 0)));
            if announced || counts {
                found(start, length, announced);
            }
        }
    }
}
