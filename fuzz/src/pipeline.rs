//! From bytes to attempts, with a card number planted: no event may hold it, in whatever field.

use tapscope::correlate::correlate;
use tapscope::decode::StreamInfo;
use tapscope::event::{Event, Spill, Text};
use tapscope::parse::{edge::Edge, stream};

const PLANTED: &str = "6212345678900000003";

/// First two bytes: where the number is put in; then how it is written.
pub fn run(data: &[u8]) {
    let Some((&[low, high, how], text)) = data.split_first_chunk::<3>() else {
        return;
    };
    let at = usize::from(u16::from_le_bytes([low, high])) % (text.len() + 1);
    let number = match how % 4 {
        0 => format!(" {PLANTED} "),
        1 => format!(" ;{PLANTED}=29122011234567890123? "),
        2 => " 5A 0A 62 12 34 56 78 90 00 00 00 3F ".to_owned(),
        _ => format!(" \"cardNo\":\"{PLANTED}\" "),
    };
    let bytes = [&text[..at], number.as_bytes(), &text[at..]].concat();
    let plan = crate::plan::plan();
    let edge = Edge::new(Some([7; 32]));
    let info = StreamInfo {
        path: Text::new("memory"),
        member: false,
        size: None,
        file: None,
        head: &bytes[..bytes.len().min(65_536)],
    };
    let parsed = stream(
        &info,
        &mut &bytes[..],
        &plan,
        &edge,
        &Spill::unbounded(),
        &|_| {},
    );
    assert!(
        parsed.issues.iter().all(|i| i.code != "internal_error"),
        "{:?}",
        parsed.issues
    );
    let events: Vec<Event> = parsed.events.iter().collect();
    let said = format!("{events:?}{:?}{:?}", parsed.issues, parsed.source);
    assert!(
        !said.contains(PLANTED) && !said.contains(&PLANTED[4..]),
        "{said}"
    );
    assert!(!said.contains("6212345678900000"), "{said}");
    let _ = correlate(vec![parsed.source], parsed.events, &plan);
}
