//! Turns ISO 8583 fields found in logs into masked messages with keys.

use tapscope_parsers::content::iso_list;
use tapscope_parsers::content::iso_xml;
use tapscope_parsers::hex;

use super::keys;
use crate::event::{IsoMessage, Keys, TOLD, Text};
use crate::parse::Context;

/// Fields gathered from one or more lines.
pub(in crate::parse) struct Fields {
    message: IsoMessage,
    keys: Keys,
    mti: bool,
    /// The first line, masked.
    shown: Text,
}

fn empty(dialect: &'static str) -> IsoMessage {
    IsoMessage {
        mti: 0,
        fields: Vec::new(),
        tags: Vec::new(),
        pin_present: false,
        dialect,
        flow: 0,
        frames: Vec::new(),
        processing_demand: None,
        damage: None,
        inner_time: None,
        acked_after_micros: None,
    }
}

/// A message from XML fields; `None` without a message type.
pub(super) fn from_xml(
    xml: &iso_xml::Message<'_>,
    ctx: &Context<'_>,
) -> Option<(IsoMessage, Keys)> {
    let mut message = empty("xml");
    let mut keys = Keys::default();
    for field in xml.fields.iter().filter(|f| f.sub.is_none()) {
        set(&mut message, &mut keys, field.number, field.value, ctx);
    }
    if message.mti == 0 {
        return None;
    }
    if !xml.whole {
        message.damage = Some(Text::from("message ends early"));
    }
    Some((message, keys))
}

/// Least bytes of chip data: a cryptogram and what it was made from take more.
const CHIP_DATA: usize = 40;

/// The request that a line tells about: the data of the chip (field 55) as hex beside a trace number, an amount or a card, as gateways
/// log them as JSON or in columns.
pub(super) fn told_by(
    line: &[u8],
    keys: &Keys,
    values: &keys::Values,
    ctx: &Context<'_>,
) -> Option<(IsoMessage, Keys)> {
    // Most lines are too short for it.
    if line.len() < 2 * CHIP_DATA {
        return None;
    }
    if keys.stan.is_none()
        && keys.rrn.is_none()
        && keys.amount_minor.is_none()
        && keys.card.is_none()
    {
        return None;
    }
    let mut chip = Vec::new();
    hex::longest_run_into(line, 0, &mut chip)?;
    if chip.len() < CHIP_DATA {
        return None;
    }
    let tags = ctx.edge.tags(&chip, true);
    if !tags.iter().any(|tag| tag.tag == 0x9F26) {
        return None;
    }
    let mut message = empty(TOLD);
    message.mti = 200;
    if let Some(stan) = keys.stan {
        message.fields.push((11, Text::from(format!("{stan:06}"))));
    }
    let mode = values
        .iter()
        .find(|(name, value)| *name == "entry_mode" && value.len() == 3);
    if let Some((_, mode)) = mode {
        message.fields.push((22, mode.clone()));
    }
    let mut keys = keys.clone();
    crate::parse::dialogue::keys_from_tags(&tags, &mut keys);
    message.tags = tags;
    Some((message, keys))
}

/// A message from its bytes.
pub(super) fn from_bytes(bytes: &[u8], ctx: &Context<'_>) -> Option<(IsoMessage, Keys)> {
    crate::parse::capture::bare_message(bytes, ctx.edge)
}

/// Digits that were hidden by their writer, in whichever way.
fn masked(value: &[u8]) -> bool {
    value
        .iter()
        .any(|b| matches!(b, b'*' | b'_' | b'X' | b'x' | b'[' | b'#'))
}

fn set(message: &mut IsoMessage, keys: &mut Keys, number: u8, value: &[u8], ctx: &Context<'_>) {
    let value = value.trim_ascii();
    let text = || ctx.edge.bytes_as_text(value);
    let digits = |most: usize| {
        (value.len() <= most && !value.is_empty() && value.iter().all(u8::is_ascii_digit))
            .then(|| String::from_utf8_lossy(value).into_owned())
    };
    match number {
        0 => {
            if let Some(mti) = digits(4) {
                message.mti = mti.parse().unwrap_or(0);
            }
            return;
        }
        2 => {
            keys.card = card(value, ctx).or_else(|| keys.card.take());
            return;
        }
        // Extended card number; working keys in network management; security data.
        34 => return,
        48 | 62 if message.mti / 100 == 8 => return,
        35 | 36 | 45 => {
            if keys.card.is_none() {
                let number: &[u8] = value
                    .split(|b| matches!(b, b'=' | b'D' | b'd' | b'^'))
                    .next()
                    .unwrap_or_default();
                let number = number.strip_prefix(b"B").unwrap_or(number);
                keys.card = card(number, ctx);
            }
            return;
        }
        52 => {
            message.pin_present = true;
            return;
        }
        55 => {
            if let Some(bytes) = hex::decode_all(value) {
                let request = (message.mti / 10).is_multiple_of(2);
                message.tags = ctx.edge.tags(&bytes, request);
                crate::parse::dialogue::keys_from_tags(&message.tags, keys);
            }
            return;
        }
        4 => {
            keys.amount_minor = digits(12)
                .and_then(|d| d.parse().ok())
                .or(keys.amount_minor)
        }
        11 => {
            keys.stan = digits(12)
                .and_then(|d| d.parse::<u64>().ok())
                .and_then(|n| u32::try_from(n % 1_000_000).ok())
                .or(keys.stan)
        }
        37 if !masked(value) => keys.rrn = Some(text()).filter(|t| !t.is_empty() && t.len() <= 12),
        38 if !masked(value) => {
            keys.auth_code = Some(text()).filter(|t| !t.is_empty() && t.len() <= 6)
        }
        41 if !masked(value) => {
            keys.terminal = Some(text()).filter(|t| !t.is_empty() && t.len() <= 16)
        }
        42 if !masked(value) => {
            keys.merchant = Some(text()).filter(|t| !t.is_empty() && t.len() <= 15)
        }
        49 => keys.currency = keys::currency(value).or(keys.currency),
        _ => {}
    }
    if number == 60
        && keys.batch.is_none()
        && value.len() >= 8
        && value.iter().all(u8::is_ascii_digit)
    {
        keys.batch = std::str::from_utf8(&value[2..8])
            .ok()
            .and_then(|b| b.parse().ok());
    }
    message.fields.push((number, text()));
}

fn card(value: &[u8], ctx: &Context<'_>) -> Option<Box<crate::event::CardNumber>> {
    let shown = value.iter().filter(|b| b.is_ascii_digit()).count();
    let fits = (12..=19).contains(&value.len())
        && shown >= 4
        && value
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'_' | b'X' | b'x'));
    fits.then(|| Box::new(ctx.edge.card(value)))
}

impl Fields {
    /// Fields of one line; `None` where none of them can be kept.
    pub(super) fn read(
        fields: &[iso_list::Field<'_>],
        line: &[u8],
        ctx: &Context<'_>,
    ) -> Option<Self> {
        let mut out = Self {
            message: empty("list"),
            keys: Keys::default(),
            mti: false,
            shown: Text::default(),
        };
        for field in fields {
            if fits(field.number, field.value) {
                set(
                    &mut out.message,
                    &mut out.keys,
                    field.number,
                    field.value,
                    ctx,
                );
            }
        }
        out.shown = ctx.edge.bytes_as_text(line);
        out.mti = out.message.mti != 0;
        if out.message.mti == 0 {
            out.message.mti = mti_in(line).unwrap_or(0);
            out.mti = out.message.mti != 0;
        }
        let says = !out.message.fields.is_empty() || !out.message.tags.is_empty();
        (says || out.message.pin_present || out.mti || out.keys.card.is_some()).then_some(out)
    }

    /// True where the line alone is a message.
    pub(super) fn is_message(&self) -> bool {
        let known = self
            .message
            .fields
            .iter()
            .filter(|(n, _)| matches!(n, 3 | 4 | 11 | 12 | 13 | 22 | 37 | 39 | 41 | 42))
            .count();
        self.mti && known >= 2 || known >= 3
    }

    /// Takes up the fields of a following line; gives them back where they begin another message.
    pub(in crate::parse) fn join(&mut self, other: Self) -> Option<Self> {
        let repeats = other.mti && self.mti
            || other
                .message
                .fields
                .iter()
                .any(|(n, _)| self.message.field(*n).is_some());
        if repeats {
            return Some(other);
        }
        if other.mti {
            self.message.mti = other.message.mti;
            self.mti = true;
        }
        self.message.fields.extend(other.message.fields);
        if self.message.tags.is_empty() {
            self.message.tags = other.message.tags;
        }
        self.message.pin_present |= other.message.pin_present;
        let (a, b) = (&mut self.keys, other.keys);
        a.terminal = a.terminal.take().or(b.terminal);
        a.merchant = a.merchant.take().or(b.merchant);
        a.stan = a.stan.or(b.stan);
        a.rrn = a.rrn.take().or(b.rrn);
        a.auth_code = a.auth_code.take().or(b.auth_code);
        a.batch = a.batch.or(b.batch);
        a.amount_minor = a.amount_minor.or(b.amount_minor);
        a.currency = a.currency.or(b.currency);
        a.card = a.card.take().or(b.card);
        a.cryptogram = a.cryptogram.or(b.cryptogram);
        None
    }

    /// The message, where the fields make one: else what a log line says of it.
    pub(in crate::parse) fn finish(
        mut self,
    ) -> Result<(IsoMessage, Keys), (Keys, Vec<(&'static str, Text)>, Text)> {
        if self.is_message() {
            if self.message.mti == 0 {
                let answered = self.message.field(39).is_some();
                self.message.mti = if answered { 210 } else { 200 };
                self.message.damage = Some(Text::from(
                    "message type not written, inferred from field 39",
                ));
            }
            self.message.fields.sort_by_key(|(n, _)| *n);
            return Ok((self.message, self.keys));
        }
        let values = self
            .message
            .field(39)
            .map(|v| ("f39", Text::new(v)))
            .into_iter()
            .collect();
        Err((self.keys, values, self.shown))
    }
}

/// A field's value as its number promises, so that `F11: key pressed` is none.
fn fits(number: u8, value: &[u8]) -> bool {
    let digits = value.iter().all(u8::is_ascii_digit);
    match number {
        0 => digits && value.len() == 4,
        3 => digits && value.len() == 6,
        4 => digits && value.len() <= 12 && value.len() >= 3,
        11 => digits && value.len() <= 6,
        12 | 13 => digits && matches!(value.len(), 4 | 6 | 12),
        22 => digits && (3..=12).contains(&value.len()),
        37 => value.len() <= 12 && value.len() >= 6,
        39 => matches!(value.len(), 2 | 3) && value.iter().all(u8::is_ascii_alphanumeric),
        41 => (4..=16).contains(&value.len()),
        42 => (4..=15).contains(&value.len()),
        1 => false,
        _ => !value.is_empty(),
    }
}

/// A message type that stands in the line: `0210` as a word of its own.
fn mti_in(line: &[u8]) -> Option<u16> {
    for class in [&b"02"[..], b"01", b"04", b"08", b"03", b"05"] {
        for at in memchr::memmem::find_iter(line, class) {
            let word = line.get(at..at + 4)?;
            let bounded = (at == 0
                || !line[at - 1].is_ascii_alphanumeric()
                    && line[at - 1] != b'='
                    && line[at - 1] != b'.')
                && line
                    .get(at + 4)
                    .is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'-' && *b != b'.');
            if bounded && matches!(word[2], b'0'..=b'3') && word[3] == b'0' {
                return std::str::from_utf8(word).ok()?.parse().ok();
            }
        }
    }
    None
}
