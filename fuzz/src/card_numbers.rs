//! A number is planted among the fuzzer's own bytes, in one of the renderings that logs use: none of its middle digits may stand.

use tapscope_parsers::sensitive::{
    Span, in_bytes, in_text, is_card_number, kept_digits, normalise,
};

/// Those that `parsers/tests/renderings.rs` holds with surroundings of its own.
#[allow(
    clippy::pedantic,
    missing_docs,
    reason = "a file of the parsers' tests"
)]
#[path = "../../parsers/tests/renderings/forms.rs"]
mod forms;

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

/// Which bytes the spans hide.
fn hidden(length: usize, spans: &mut Vec<Span>) -> Vec<bool> {
    normalise(spans);
    let mut hidden = vec![false; length];
    for span in spans {
        assert!(
            span.start < span.end && span.end <= length,
            "spans lie in the input"
        );
        hidden[span.start..span.end].fill(true);
    }
    hidden
}

/// First byte: rendering; then the number's seed; then the text before and behind.
pub fn run(data: &[u8]) {
    let mut spans = Vec::new();
    in_bytes(data, &mut spans);
    hidden(hex(data).len(), &mut spans);
    let mut spans = Vec::new();
    in_text(data, &mut spans);
    hidden(data.len(), &mut spans);

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
    let mut all = forms::renderings(&pan);
    let (name, form) = all.swap_remove(usize::from(which) % all.len());
    // Those of several lines begin a line; bytes and digits before or behind others would go on with them.
    let own_line = form.text.contains(&b'\n') || name.contains("dump");
    let (lead, tail) = if own_line { ("\n", "\n") } else { (" ", " ") };
    let lead = format!("{before}{lead}");
    let text = [
        lead.as_bytes(),
        &form.text,
        tail.as_bytes(),
        behind.as_bytes(),
    ]
    .concat();
    let mut spans = Vec::new();
    in_text(&text, &mut spans);
    let hidden = hidden(text.len(), &mut spans);
    let (first, last) = kept_digits(pan.len());
    for place in &form.digits[first..pan.len() - last] {
        let place = place.start + lead.len()..place.end + lead.len();
        assert!(
            hidden[place].iter().all(|hidden| *hidden),
            "{name}: {}",
            String::from_utf8_lossy(&text)
        );
    }
}
