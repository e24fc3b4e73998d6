//! Turns a paired command and answer into the exchange that is kept: kind, data objects by DOL and TLV, faults, keys; masked.

use std::sync::Arc;

use tapscope_parsers::protocol::emv::tlv;
use tapscope_parsers::protocol::iso7816;

use super::Moment;
use crate::event::{CommandKind, Exchange, Keys, Place, Tag, TagValue};
use crate::parse::edge::{Edge, command_kind};

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
    pub(super) folded: bool,
    pub(super) incomplete: bool,
}

/// Tags and lengths of a DOL (EMV Book 3, 5.4).
fn dol_entries(dol: &[u8]) -> Vec<(u32, usize)> {
    let mut entries = Vec::new();
    let mut at = 0;
    while let Some(first) = dol.get(at) {
        let mut tag = u32::from(*first);
        at += 1;
        if first & 0x1F == 0x1F {
            while let Some(next) = dol.get(at) {
                tag = tag << 8 | u32::from(*next);
                at += 1;
                if next & 0x80 == 0 || tag > 0x00FF_FFFF {
                    break;
                }
            }
        }
        let Some(length) = dol.get(at) else {
            break;
        };
        at += 1;
        entries.push((tag, usize::from(*length)));
        if entries.len() > 64 {
            break;
        }
    }
    entries
}

/// Data of a command cut by its DOL; `false` where the lengths do not fit.
fn split(dol: &[u8], data: &[u8], edge: &Edge, tags: &mut Vec<Tag>) -> bool {
    let mut at = 0;
    for (tag, length) in dol_entries(dol) {
        let Some(value) = data.get(at..at + length) else {
            return false;
        };
        tags.push(edge.tag(tag, value, true));
        at += length;
    }
    at == data.len()
}

fn bcd(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0_i64, |sum, byte| {
        let (high, low) = (byte >> 4, byte & 0xF);
        (high < 10 && low < 10).then(|| sum * 100 + i64::from(high) * 10 + i64::from(low))
    })
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
        let mut keys = Keys::default();
        keys_from_tags(&tags, &mut keys);
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
            command_hex: edge.hex(&self.command),
            answer_hex: edge.hex(&answer),
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
                    (Some(inner), Some(dol)) if !split(dol, inner, edge, tags) => {
                        faults.push("gpo_length_wrong");
                    }
                    (None, _) => faults.push("gpo_data_malformed"),
                    _ => {}
                }
            }
            CommandKind::GenerateAc => {
                if let Some(dol) = &self.dol
                    && !split(dol, data, edge, tags)
                {
                    faults.push("cdol_length_wrong");
                }
            }
            _ => {}
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
            (CommandKind::GetChallenge | CommandKind::InternalAuthenticate, _)
                if !matches!(answer.first(), Some(0x77 | 0x80)) => {}
            (
                CommandKind::ExchangeRelayResistanceData | CommandKind::Other | CommandKind::Verify,
                _,
            ) if !matches!(answer.first(), Some(0x6F | 0x70 | 0x77 | 0x80)) => {}
            _ => {
                let mut walk = tlv::walk(answer);
                while walk.next().is_some() {}
                if let Some(damage) = walk.damage() {
                    faults.push(damage.code);
                }
                tags.extend(edge.tags(answer, false));
            }
        }
    }
}
