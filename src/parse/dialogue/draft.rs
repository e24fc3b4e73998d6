//! Turns a paired command and answer into the exchange that is kept: kind, data objects by DOL and TLV, faults, keys; masked.

use std::sync::Arc;

use tapscope_parsers::protocol::emv::{dol, tlv};
use tapscope_parsers::protocol::iso7816;

use super::Moment;
use crate::event::{CommandKind, Exchange, Keys, Place, Tag, TagValue, Text};
use crate::parse::edge::{Edge, command_kind};
use crate::parse::text::written;

/// An exchange before it is decoded.
#[derive(Debug)]
pub(crate) struct Draft {
    pub lane: u64,
    pub start: Moment,
    pub(super) command: Vec<u8>,
    /// Data without status word.
    pub(super) answer: Vec<u8>,
    pub(super) sw: Option<u16>,
    pub(super) answered: Option<bool>,
    pub(super) answer_place: Option<u32>,
    pub(super) micros: Option<u32>,
    pub(super) dol: Option<Arc<[u8]>>,
    /// List of what is to be stored, behind the data of GENERATE AC.
    pub(super) tail: Option<Arc<[u8]>>,
    pub(super) folded: bool,
    pub(super) incomplete: bool,
}

/// Data of a command cut by its list; what is wrong with lengths, list and contents goes to the faults.
fn split(
    dol: &[u8],
    data: &[u8],
    length_fault: &'static str,
    edge: &Edge,
    tags: &mut Vec<Tag>,
    faults: &mut Vec<&'static str>,
) {
    let (values, damage) = dol::split(dol, data);
    for (tag, value) in values {
        tags.push(edge.tag(tag, value, true));
        faults.extend(content_fault(tag, value));
    }
    if let Some(damage) = damage {
        faults.push(match damage.code {
            "dol_data_short" | "dol_data_long" => length_fault,
            code => code,
        });
    }
}

/// What no reader that works would send (EMV Book 3, annex A; Book A, 5.7).
fn content_fault(tag: u32, value: &[u8]) -> Option<&'static str> {
    let zero = value.iter().all(|b| *b == 0);
    match tag {
        0x9F02 | 0x9F03 if !is_decimal(value) => Some("dol_amount_not_decimal"),
        0x9A if value.len() == 3 && !is_date(value) => Some("dol_date_impossible"),
        0x9F66 if value.len() == 4 && zero => Some("dol_ttq_zero"),
        0x9F37 | 0x9F6A if zero && !value.is_empty() => Some("dol_unpredictable_number_zero"),
        0x9F1A if value.len() == 2 && zero => Some("dol_country_zero"),
        0x5F2A if value.len() == 2 && zero => Some("dol_currency_zero"),
        _ => None,
    }
}

/// YYMMDD in packed decimal that can be a day.
fn is_date(value: &[u8]) -> bool {
    let part = |at: usize| value.get(at..=at).and_then(bcd);
    part(0).is_some()
        && part(1).is_some_and(|month| (1..=12).contains(&month))
        && part(2).is_some_and(|day| (1..=31).contains(&day))
}

fn bcd(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0_i64, |sum, byte| {
        let (high, low) = (byte >> 4, byte & 0xF);
        let more = i64::from(high) * 10 + i64::from(low);
        (high < 10 && low < 10).then_some(())?;
        sum.checked_mul(100)?.checked_add(more)
    })
}

fn is_decimal(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte >> 4 < 10 && byte & 0xF < 10)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Keys that data objects carry.
pub(crate) fn keys_from_tags(tags: &[Tag], keys: &mut Keys) {
    for tag in tags {
        match (&tag.value, tag.tag) {
            (TagValue::Bytes(b), 0x9F02) if b.len() == 6 => {
                keys.amount_minor = keys.amount_minor.or_else(|| bcd(b))
            }
            (TagValue::Bytes(b), 0x5F2A) if b.len() == 2 && keys.currency.is_none() => {
                keys.currency = bcd(b).and_then(crate::parse::text::currency_letters);
            }
            (TagValue::Bytes(b), 0x9F26) if b.len() == 8 => {
                keys.cryptogram = keys.cryptogram.or(Some(big_endian(b)))
            }
            (TagValue::Bytes(b), 0x9F37) if b.len() == 4 => {
                keys.unpredictable_number = keys
                    .unpredictable_number
                    .or_else(|| u32::try_from(big_endian(b)).ok())
            }
            (TagValue::Bytes(b), 0x9F36) if b.len() == 2 => {
                keys.atc = keys.atc.or_else(|| u16::try_from(big_endian(b)).ok())
            }
            (TagValue::Card { number, .. }, 0x5A | 0x57 | 0x9F6B) if keys.card.is_none() => {
                keys.card = Some(Box::new(number.clone()))
            }
            _ => {}
        }
    }
}

/// Each fault once, in the order in which they were found.
fn dedup(faults: &mut Vec<&'static str>) {
    let mut seen: Vec<&'static str> = Vec::new();
    faults.retain(|fault| {
        let fresh = !seen.contains(fault);
        seen.push(*fault);
        fresh
    });
}

/// Faults of the card's data that pass a limit or contradict the standard so far that the run names them as issues.
pub(crate) fn is_issue(fault: &str) -> bool {
    matches!(
        fault,
        "tlv_too_deep"
            | "tlv_too_many"
            | "tlv_value_too_long"
            | "tlv_tag_too_long"
            | "tlv_indefinite_length"
            | "dol_repeated_tag"
            | "dol_too_long"
            | "dol_truncated"
            | "dol_length_form"
    )
}

impl Draft {
    /// The exchange in the field's terms, masked.
    pub(crate) fn decode(&self, edge: &Edge) -> (Exchange, Keys) {
        self.decode_at(edge, Place::Line)
    }

    /// The same where places are not lines.
    pub(crate) fn decode_at(&self, edge: &Edge, place: fn(u32) -> Place) -> (Exchange, Keys) {
        let mut faults = Vec::new();
        let mut tags = Vec::new();
        let mut header = [0; 4];
        let mut asked = CommandKind::Unknown;
        if let Some(command) = iso7816::command(&self.command) {
            header = command.header;
            asked = command_kind(command.kind());
            if let Some(fault) = command.fault {
                faults.push(fault.code);
            }
            if command.le_missing() && !self.folded && self.sw.is_some_and(|sw| sw != 0x9000) {
                faults.push("le_missing");
            }
            self.sent(asked, command.data, edge, &mut tags, &mut faults);
        }
        self.received(asked, edge, &mut tags, &mut faults);
        if self.incomplete {
            faults.push("answer_incomplete");
        }
        dedup(&mut faults);
        let mut keys = Keys::default();
        keys_from_tags(&tags, &mut keys);
        let secret = tags
            .iter()
            .any(|tag| tag.sent && !matches!(tag.value, TagValue::Bytes(_)));
        let command_hex = if secret {
            edge.hex_of(&self.command, &self.places_sent(asked))
        } else {
            edge.hex(&self.command)
        };
        let mut answer = self.answer.clone();
        if let Some(sw) = self.sw {
            answer.extend(sw.to_be_bytes());
        }
        let exchange = Exchange {
            command: asked,
            header,
            sw: self.sw,
            answered: self.answered,
            duration_micros: self.micros,
            answer_place: self
                .answer_place
                .filter(|p| *p != self.start.place)
                .map(place),
            tags,
            command_hex,
            answer_hex: edge.hex(&answer),
            inner_time: (self.start.inner.as_ref()).map(|inner| Text::from(written(inner))),
            faults,
        };
        (exchange, keys)
    }

    fn sent(
        &self,
        kind: CommandKind,
        data: &[u8],
        edge: &Edge,
        tags: &mut Vec<Tag>,
        faults: &mut Vec<&'static str>,
    ) {
        match kind {
            CommandKind::SelectAid | CommandKind::SelectPpse | CommandKind::SelectPse
                if !data.is_empty() =>
            {
                tags.push(edge.tag(0x4F, data, true));
            }
            CommandKind::GetProcessingOptions => {
                let inner = match data {
                    [0x83, 0x81, length, rest @ ..] => rest.get(..usize::from(*length)),
                    [0x83, length, rest @ ..] => rest.get(..usize::from(*length)),
                    _ => None,
                };
                match (inner, &self.dol) {
                    (Some(inner), Some(dol)) => {
                        split(dol, inner, "gpo_length_wrong", edge, tags, faults);
                    }
                    (None, _) => faults.push("gpo_data_malformed"),
                    _ => {}
                }
            }
            CommandKind::GenerateAc => {
                if let Some(dol) = &self.dol {
                    let first = dol::data_length(dol);
                    match (&self.tail, data.split_at_checked(first)) {
                        (Some(tail), Some((data, stored))) if !stored.is_empty() => {
                            split(dol, data, "cdol_length_wrong", edge, tags, faults);
                            self.stored(tail, stored, edge, tags, faults);
                        }
                        _ => split(dol, data, "cdol_length_wrong", edge, tags, faults),
                    }
                }
            }
            CommandKind::ComputeCryptographicChecksum => {
                if let Some(dol) = &self.dol {
                    split(dol, data, "udol_length_wrong", edge, tags, faults);
                }
            }
            CommandKind::InternalAuthenticate => {
                if let Some(dol) = &self.dol {
                    split(dol, data, "ddol_length_wrong", edge, tags, faults);
                }
            }
            CommandKind::RecoverAc => {
                if let Some(dol) = &self.dol {
                    split(dol, data, "drdol_length_wrong", edge, tags, faults);
                }
            }
            CommandKind::PutData => {
                if let [_, _, high, low, ..] = self.command[..] {
                    let tag = u32::from(high) << 8 | u32::from(low);
                    tags.push(edge.tag(tag, data, true));
                }
            }
            CommandKind::ExchangeRelayResistanceData if data.len() == 4 => {
                // Terminal Relay Resistance Entropy.
                tags.push(edge.tag(0xDF_8301, data, true));
            }
            _ => {}
        }
    }

    /// Where the values stand that were sent by a list: nothing in the bytes says what they are.
    fn places_sent(&self, kind: CommandKind) -> Vec<(u32, std::ops::Range<usize>)> {
        let (Some(command), Some(dol)) = (iso7816::command(&self.command), &self.dol) else {
            return Vec::new();
        };
        let skip = match (kind, command.data) {
            (CommandKind::GetProcessingOptions, [0x83, 0x81, ..]) => 3,
            (CommandKind::GetProcessingOptions, _) => 2,
            _ => 0,
        };
        let mut at = command.data_offset + skip;
        let mut rest = command.data.get(skip..).unwrap_or_default();
        let mut places = Vec::new();
        for list in [Some(dol), self.tail.as_ref()].into_iter().flatten() {
            for (tag, value) in dol::split(list, rest).0 {
                places.push((tag, at..at + value.len()));
                at += value.len();
            }
            rest = command
                .data
                .get(at.saturating_sub(command.data_offset)..)
                .unwrap_or_default();
        }
        places
    }

    /// What the card is to store. The last object may be shorter than the list says.
    fn stored(
        &self,
        list: &[u8],
        data: &[u8],
        edge: &Edge,
        tags: &mut Vec<Tag>,
        faults: &mut Vec<&'static str>,
    ) {
        let (values, damage) = dol::split(list, data);
        tags.extend(
            values
                .iter()
                .map(|(tag, value)| edge.tag(*tag, value, true)),
        );
        if damage.is_some_and(|damage| damage.code == "dol_data_long") {
            faults.push("dsdol_length_wrong");
        }
    }

    fn received(
        &self,
        kind: CommandKind,
        edge: &Edge,
        tags: &mut Vec<Tag>,
        faults: &mut Vec<&'static str>,
    ) {
        let answer = &self.answer[..];
        if answer.is_empty() {
            return;
        }
        let value = match answer {
            [0x80, 0x81, length, rest @ ..] => rest.get(..usize::from(*length)),
            [0x80, length, rest @ ..] => rest.get(..usize::from(*length)),
            _ => None,
        };
        match (kind, value) {
            (CommandKind::GetProcessingOptions, Some(aip)) if aip.len() >= 2 => {
                let (aip, afl) = aip.split_at(2);
                tags.push(edge.tag(0x82, aip, false));
                if !afl.is_empty() {
                    tags.push(edge.tag(0x94, afl, false));
                }
            }
            (CommandKind::GenerateAc, Some([cid, atc_high, atc_low, rest @ ..]))
                if rest.len() >= 8 =>
            {
                let (ac, iad) = rest.split_at(8);
                tags.push(edge.tag(0x9F27, &[*cid], false));
                tags.push(edge.tag(0x9F36, &[*atc_high, *atc_low], false));
                tags.push(edge.tag(0x9F26, ac, false));
                if !iad.is_empty() {
                    tags.push(edge.tag(0x9F10, iad, false));
                }
            }
            (CommandKind::ExchangeRelayResistanceData, Some(timing)) if timing.len() == 10 => {
                // Device entropy, least and most time, estimated transmission time (EMV Contactless Book C-2, 5.3.2).
                for (tag, part) in [
                    (0xDF_8302, timing.get(..4)),
                    (0xDF_8303, timing.get(4..6)),
                    (0xDF_8304, timing.get(6..8)),
                    (0xDF_8305, timing.get(8..)),
                ] {
                    tags.extend(part.map(|part| edge.tag(tag, part, false)));
                }
            }
            (CommandKind::ReadRecord, _)
                if self.command.get(3).is_some_and(|p2| p2 >> 3 > 10)
                    && answer.first() != Some(&0x70) =>
            {
                // Records of files above 10 are the scheme's own: a transaction log is no string of data objects.
            }
            (CommandKind::GetChallenge | CommandKind::InternalAuthenticate, _)
                if !matches!(answer.first(), Some(0x77 | 0x80)) => {}
            (
                CommandKind::ExchangeRelayResistanceData | CommandKind::Other | CommandKind::Verify,
                _,
            ) if !matches!(answer.first(), Some(0x6F | 0x70 | 0x77 | 0x80)) => {}
            _ => {
                let mut walk = tlv::walk(answer);
                for object in walk.by_ref().filter(|object| !object.constructed) {
                    if object.complete
                        && matches!(
                            object.tag,
                            0x9F38 | 0x8C | 0x8D | 0x9F49 | 0x97 | 0x9F51 | 0x9F5B
                        )
                        && let Some(damage) = dol::entries(object.value).1
                    {
                        // A list of the card that is itself wrong.
                        faults.push(damage.code);
                    }
                    tags.push(edge.tag(object.tag, object.value, false));
                }
                if let Some(damage) = walk.damage() {
                    faults.push(damage.code);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{bcd, content_fault};

    /// Found by fuzzing: an amount of ten bytes (a list that asks for 9F02 with that length) passed what 64 bits hold.
    #[test]
    fn amounts_of_any_length() {
        assert_eq!(bcd(&[0x12, 0x34]), Some(1234));
        assert_eq!(bcd(&[0x1A]), None);
        assert_eq!(bcd(&[0x99; 10]), None);
        assert_eq!(content_fault(0x9F02, &[0x99; 10]), None);
        assert_eq!(
            content_fault(0x9F02, &[0x9A; 10]),
            Some("dol_amount_not_decimal")
        );
    }
}
