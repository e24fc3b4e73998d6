//! ISO 8583: detection, every dialect, explanation.

use tapscope_parsers::protocol::iso8583::{
    Choice, Detected, candidates, detect, dialects, locate, parse, subfields,
};

/// Reads the bytes in every way, and holds what must be true of the result.
pub fn run(data: &[u8]) {
    for dialect in dialects() {
        let message = parse(dialect, data);
        assert!(message.consumed <= data.len());
        if let Some((_, damage)) = message.damage {
            assert!(damage.offset <= data.len());
        }
        let mut last = 0;
        for value in &message.fields {
            assert!(
                value.number > 1 && value.number > last,
                "fields come in their order"
            );
            assert_eq!(
                data.get(value.offset..value.offset + value.raw.len()),
                Some(value.raw)
            );
            last = value.number;
            let _ = (value.shown(), value.number(), value.printable());
            let _ = subfields::parts(dialect.name, value.number, &value.digits());
        }
    }
    for ended in [false, true] {
        if let Detected::Yes(wire, points) = detect(data, ended) {
            assert!(points > 0);
            let _ = (wire.read(data), wire.fits(data));
        }
    }
    for candidate in candidates(data, Choice::BUILT_IN) {
        assert!(candidate.bytes <= data.len());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        for card in subfields::batch_cards(text).unwrap_or_default() {
            assert!(card.end <= text.len());
        }
    }
    if let Some(found) = locate(data) {
        assert!(
            found.header_offset <= found.offset
                && found.offset + found.message.consumed <= data.len()
        );
    }
}
