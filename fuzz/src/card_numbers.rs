//! A number is planted among the fuzzer's own bytes, in one of the renderings that logs use: it must not survive the mask.

use tapscope_parsers::sensitive::{Span, in_bytes, in_text, is_card_number, normalise};

/// Brand prefixes and lengths of sixteen digits and more: shorter ones may stay behind a label of another kind.
const BRANDS: [(&[u8], usize); 7] = [
    (&[4], 16),
    (&[5, 1], 16),
    (&[2, 7, 2, 0], 16),
    (&[6, 2, 1, 2], 16),
    (&[6, 2], 19),
    (&[3, 5, 2, 8], 16),
    (&[6, 0, 1, 1], 16),
];

fn number(seed: &[u8]) -> Option<Vec<u8>> {
    let (prefix, length) = *BRANDS.get(usize::from(*seed.first()?) % BRANDS.len())?;
    let mut digits = prefix.to_vec();
    digits.extend(seed.iter().skip(1).map(|b| b % 10));
    digits.truncate(length - 1);
    (digits.len() == length - 1).then_some(())?;
    (0..10).find_map(|last| {
        let mut whole = digits.clone();
        whole.push(last);
        is_card_number(&whole).then_some(whole)
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn in_groups(text: &str, size: usize, separator: &str) -> String {
    text.as_bytes()
        .chunks(size)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect::<Vec<_>>()
        .join(separator)
}

fn rendering(which: u8, pan: &str) -> String {
    let pad = |text: String| {
        if text.len() % 2 == 1 {
            text + "F"
        } else {
            text
        }
    };
    let bcd = pad(pan.to_owned());
    let track = pad(format!("{pan}D2512201000001234"));
    let object = format!("57{:02X}{track}", track.len() / 2);
    match which % 12 {
        0 => pan.to_owned(),
        1 => in_groups(pan, 4, " "),
        2 => in_groups(pan, 4, "-"),
        3 => format!(";{pan}=25122010000012345?"),
        4 => format!("%B{pan}^DOE/JOHN^25122010000012345?"),
        5 => format!("5A{:02X}{bcd}", bcd.len() / 2),
        6 => in_groups(&object, 2, " "),
        7 => format!("0x{}", in_groups(&object, 2, ", 0x")),
        8 => hex(pan.as_bytes()),
        9 => in_groups(&hex(pan.as_bytes()), 2, " "),
        10 => format!("\"cardNo\":\"{pan}\""),
        _ => format!("卡号:{pan}"),
    }
}

fn mask(bytes: &mut [u8], spans: &mut Vec<Span>) {
    normalise(spans);
    for span in spans {
        assert!(
            span.start < span.end && span.end <= bytes.len(),
            "spans lie in the input"
        );
        bytes[span.start..span.end].fill(b'*');
    }
}

/// First byte: rendering; then the number's seed; then the text before and behind.
pub fn run(data: &[u8]) {
    let mut spans = Vec::new();
    in_bytes(data, &mut spans);
    let mut all = hex(data).into_bytes();
    mask(&mut all, &mut spans);
    let mut spans = Vec::new();
    in_text(data, &mut spans);
    mask(&mut data.to_vec(), &mut spans);

    let Some((&which, rest)) = data.split_first() else {
        return;
    };
    let Some((seed, around)) = rest.split_at_checked(20) else {
        return;
    };
    let Some(digits) = number(seed) else { return };
    let pan: String = digits.iter().map(|d| char::from(b'0' + d)).collect();
    let around = String::from_utf8_lossy(around);
    let middle = around.floor_char_boundary(around.len() / 2);
    let (before, behind) = around.split_at(middle);
    // A label of another kind before digits that begin like a time keeps them: not what is tested here.
    let lower = before.to_lowercase();
    if ["time", "order", "trade", "trace", "txn", "ref", "号"]
        .iter()
        .any(|label| lower.contains(label))
    {
        return;
    }
    let line = format!("{before} {} {behind}", rendering(which, &pan));
    let mut masked = line.clone().into_bytes();
    let mut spans = Vec::new();
    in_text(line.as_bytes(), &mut spans);
    mask(&mut masked, &mut spans);
    let masked = String::from_utf8_lossy(&masked);
    let of_hex = hex(pan.as_bytes());
    let joined: String = masked
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | ','))
        .collect();
    assert!(
        !joined.contains(&pan) && !joined.contains(&of_hex),
        "{line}\n{masked}"
    );
    assert!(!joined.replace("0x", "").contains(&pan), "{line}\n{masked}");
}
