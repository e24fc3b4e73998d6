//! Finds framing and dialect from the bytes of a connection or dump alone, by evidence, and says what the evidence is.
//!
//! A candidate counts only when its message comes out exactly as long as its frame says. The test of the message type
//! indicator turns nearly everything else away at the cost of a few comparisons.

use super::dialect::{Bitmap, Dialect, Digits, Kind, all};
use super::framing::{
    Frame, HEADERS, Header, HeaderForm, LENGTHS, LengthForm, MAX_MESSAGE, MIN_MESSAGE,
};
use super::message::{Message, mti, parse, parse_as};

/// How messages of one host are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// Length before each message.
    pub length: LengthForm,
    /// Header after the length.
    pub header: HeaderForm,
    /// Dialect.
    pub dialect: &'static Dialect,
}

/// What was found in the first bytes of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Detected {
    /// Messages of this kind, with so many points of evidence.
    Yes(Wire, u32),
    /// It may still be one, once this many bytes are there.
    More(usize),
    /// None.
    No,
}

/// Points that a lone message needs.
pub(super) const ENOUGH: u32 = 3;
/// Points that a message without a length before it, or one that is cut, needs.
pub(super) const PLENTY: u32 = 6;

/// Which framings and dialects a search goes through.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'d> {
    /// Dialects before those that are built in.
    pub first: &'d [&'static Dialect],
    /// The built-in ones as well.
    pub built_in: bool,
    /// This length only.
    pub length: Option<LengthForm>,
    /// This header only.
    pub header: Option<HeaderForm>,
}

impl Choice<'static> {
    /// Everything that is built in.
    pub const BUILT_IN: Self = Self {
        first: &[],
        built_in: true,
        length: None,
        header: None,
    };
}

impl<'d> Choice<'d> {
    pub(super) fn dialects(self) -> impl Iterator<Item = &'static Dialect> + use<'d> {
        let built_in = if self.built_in { all() } else { &[] };
        self.first.iter().chain(built_in).copied()
    }

    pub(super) fn lengths(self) -> impl Iterator<Item = LengthForm> {
        let listed = LENGTHS.iter().copied();
        let all = if self.length.is_some() {
            0
        } else {
            LENGTHS.len()
        };
        self.length.into_iter().chain(listed.take(all))
    }

    pub(super) fn headers(self) -> impl Iterator<Item = HeaderForm> {
        let listed = HEADERS.iter().copied();
        let all = if self.header.is_some() {
            0
        } else {
            HEADERS.len()
        };
        self.header.into_iter().chain(listed.take(all))
    }
}

/// Looks at the first bytes of one direction. `ended` says that no more will come, or that a segment ends here and
/// a message without a length would be whole.
#[must_use]
pub fn detect(b: &[u8], ended: bool) -> Detected {
    detect_in(b, ended, Choice::BUILT_IN)
}

/// As [`detect`], among the framings and dialects chosen.
#[must_use]
pub fn detect_in(b: &[u8], ended: bool, choice: Choice<'_>) -> Detected {
    let mut best: Option<(Wire, u32)> = None;
    let mut more: Option<usize> = None;
    for length in choice.lengths() {
        let (lead, body) = match length.read(b) {
            Frame::Message { lead, body } => (lead, body),
            // A link test before the first message.
            Frame::KeepAlive(n) => match length.read(b.get(n..).unwrap_or_default()) {
                Frame::Message { lead, body } => (n + lead, body),
                Frame::More => {
                    more = Some(more.unwrap_or(usize::MAX).min(n + 4));
                    continue;
                }
                _ => continue,
            },
            Frame::More => {
                more = Some(more.unwrap_or(usize::MAX).min(4));
                continue;
            }
            Frame::Bad => continue,
        };
        let here = b.get(lead..).unwrap_or_default();
        let whole = here.get(..body);
        let bare = length == LengthForm::None;
        if bare && !ended {
            continue;
        }
        for header in choice.headers() {
            let Some(rest) = after_header(header, here, whole.is_some()) else {
                continue;
            };
            let Some(rest) = rest else {
                // The header is not all there yet.
                more = Some(more.unwrap_or(usize::MAX).min(lead + body));
                continue;
            };
            for dialect in choice.dialects() {
                if !gate(dialect, rest) {
                    continue;
                }
                match whole {
                    Some(frame) => {
                        let message = frame.get(header.size()..).unwrap_or_default();
                        let wire = Wire {
                            length,
                            header,
                            dialect,
                        };
                        if let Some(points) = evidence(dialect, header, message) {
                            let needed = if bare { PLENTY } else { ENOUGH };
                            if points >= needed && best.is_none_or(|(_, p)| points > p) {
                                best = Some((wire, points));
                            }
                        }
                    }
                    None if ended => {
                        let wire = Wire {
                            length,
                            header,
                            dialect,
                        };
                        if let Some(points) = cut_evidence(dialect, header, rest)
                            && points >= PLENTY
                            && best.is_none_or(|(_, p)| points > p)
                        {
                            best = Some((wire, points));
                        }
                    }
                    None => more = Some(more.unwrap_or(usize::MAX).min(lead + body)),
                }
            }
        }
        if best.is_some() && bare {
            break;
        }
    }
    match (best, more) {
        (Some((wire, points)), _) => Detected::Yes(wire, points),
        (None, Some(n)) if !ended && b.len() < MAX_MESSAGE + 64 => {
            Detected::More(n.max(b.len() + 1))
        }
        _ => Detected::No,
    }
}

/// Finds the dialect of a message that stands alone (a hex dump in a log): with or without length and header.
#[must_use]
pub fn detect_bare(b: &[u8]) -> Option<(Wire, Message<'_>)> {
    locate(b).map(|found| (found.wire, found.message))
}

/// A message found in bytes that stand alone, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<'a> {
    /// How it is written.
    pub wire: Wire,
    /// Offset of the header (or of the message where it has none).
    pub header_offset: usize,
    /// The header.
    pub header: Header<'a>,
    /// Offset of the message type indicator: field offsets count from here.
    pub offset: usize,
    /// The message.
    pub message: Message<'a>,
}

/// As [`detect_bare`], with the places of length, header and message.
#[must_use]
pub fn locate(b: &[u8]) -> Option<Located<'_>> {
    let (wire, at) = match detect(b, true) {
        Detected::Yes(wire, _) => {
            let mut at = 0;
            if let Frame::KeepAlive(n) = wire.length.read(b) {
                at = n;
            }
            match wire.length.read(b.get(at..)?) {
                Frame::Message { lead, .. } => (wire, at + lead),
                _ => return None,
            }
        }
        // The length may count something else (hexadecimal digits) or more than was printed.
        _ => alone(b)
            .map(|w| (w, 0))
            .or_else(|| Some((alone(b.get(2..)?)?, 2)))?,
    };
    let (message, header) = wire.read_body(b.get(at..)?)?;
    Some(Located {
        wire,
        header_offset: at,
        offset: at + header.raw.len(),
        header,
        message,
    })
}

/// A message without a length: whole with some evidence, or cut with plenty of it.
fn alone(b: &[u8]) -> Option<Wire> {
    if !(MIN_MESSAGE..=MAX_MESSAGE).contains(&b.len()) {
        return None;
    }
    let mut best: Option<(Wire, u32)> = None;
    for header in HEADERS {
        let Some(Some(rest)) = after_header(header, b, true) else {
            continue;
        };
        for dialect in all().iter().copied().filter(|d| gate(d, rest)) {
            // One that comes out even beats any that does not.
            let points = match evidence(dialect, header, rest) {
                Some(points) if points >= ENOUGH => 1000 + points,
                _ => match cut_evidence(dialect, header, rest) {
                    Some(points) if points >= PLENTY => points,
                    _ => continue,
                },
            };
            if best.is_none_or(|(_, p)| points > p) {
                let length = LengthForm::None;
                best = Some((
                    Wire {
                        length,
                        header,
                        dialect,
                    },
                    points,
                ));
            }
        }
    }
    best.map(|(wire, _)| wire)
}

impl Wire {
    /// The first message in `b`, with its header; what is cut off is damage.
    #[must_use]
    pub fn read<'a>(&self, b: &'a [u8]) -> Option<(Message<'a>, Header<'a>)> {
        let mut b = b;
        let mut frame = self.length.read(b);
        if let Frame::KeepAlive(n) = frame {
            b = b.get(n..)?;
            frame = self.length.read(b);
        }
        let Frame::Message { lead, body } = frame else {
            return None;
        };
        let rest = b.get(lead..)?;
        self.read_body(rest.get(..body).unwrap_or(rest))
    }

    /// A message with its header, without its length.
    #[must_use]
    pub fn read_body<'a>(&self, frame: &'a [u8]) -> Option<(Message<'a>, Header<'a>)> {
        let header = self.header.read(frame)?;
        let bytes = frame.get(header.raw.len()..)?;
        mti(self.dialect.mti, bytes)?;
        Some((best_reading(self.dialect, bytes), header))
    }

    /// True where header and type indicator stand at the start of `frame`.
    #[must_use]
    pub fn begins(&self, frame: &[u8]) -> bool {
        self.header.read(frame).is_some_and(|header| {
            let bytes = frame.get(header.raw.len()..).unwrap_or_default();
            gate(self.dialect, bytes)
        })
    }

    /// True where a length, a header and a type indicator stand at the start of `b`.
    #[must_use]
    pub fn starts(&self, b: &[u8]) -> bool {
        let Frame::Message { lead, body } = self.length.read(b) else {
            return false;
        };
        let rest = b.get(lead..).unwrap_or_default();
        self.begins(rest.get(..body).unwrap_or(rest))
    }

    /// True where a whole message, or the visible part of one, stands at the start of `b`.
    #[must_use]
    pub fn fits(&self, b: &[u8]) -> bool {
        let Frame::Message { lead, body } = self.length.read(b) else {
            return false;
        };
        let rest = b.get(lead..).unwrap_or_default();
        let frame = rest.get(..body).unwrap_or(rest);
        match self.read_body(frame) {
            Some((message, _)) => {
                (message.whole() && ends_even(&message, frame, self.header.size()))
                    || (rest.len() < body && message.fields.len() >= 3)
            }
            None => false,
        }
    }
}

pub(super) fn ends_even(message: &Message<'_>, frame: &[u8], header: usize) -> bool {
    let left = frame.get(header + message.consumed..).unwrap_or_default();
    // Some BASE24 links end each message with ETX, counted.
    left.is_empty() || left == [3]
}

/// Reads a message in its dialect, in a variant, or in a sister dialect where only that one comes out even.
fn best_reading<'a>(dialect: &'static Dialect, bytes: &'a [u8]) -> Message<'a> {
    let first = parse(dialect, bytes);
    let even = |m: &Message<'_>| m.whole() && ends_even(m, bytes, 0);
    if even(&first) {
        return first;
    }
    for (number, field) in dialect.variants {
        if has(&first, *number) {
            let other = parse_as(dialect, bytes, Some((*number, *field)));
            if even(&other) {
                return other;
            }
        }
    }
    for sister in all() {
        if sister.mti == dialect.mti && sister.name != dialect.name && gate(sister, bytes) {
            let other = parse(sister, bytes);
            if even(&other) && score(&other) >= ENOUGH {
                return other;
            }
        }
    }
    first
}

fn has(message: &Message<'_>, field: u8) -> bool {
    message.bitmap & (1 << (128 - u32::from(field))) != 0
}

/// The bytes behind a header. Outer `None`: no such header here; inner: it is not all there.
pub(super) fn after_header(form: HeaderForm, here: &[u8], whole: bool) -> Option<Option<&[u8]>> {
    match form.read(here) {
        Some(header) => {
            let rest = here.get(header.raw.len()..)?;
            // Enough for the type indicator in its longest form?
            if rest.len() < 4 && !whole {
                return Some(None);
            }
            Some(Some(rest))
        }
        None if here.len() < form.size() && !whole => {
            let first = here.first().copied();
            let may = match form {
                HeaderForm::Cups => first == Some(0x2E),
                HeaderForm::Cupd => first == Some(0x29),
                HeaderForm::VisaBase1 => first == Some(22),
                HeaderForm::Base24 => first == Some(b'I'),
                HeaderForm::Product => first.is_some_and(|b| b.is_ascii_uppercase()),
                HeaderForm::None | HeaderForm::Fixed(_) => true,
                _ => matches!(first, Some(0x60..=0x69)),
            };
            (may || here.is_empty()).then_some(None)
        }
        None => None,
    }
}

/// Type indicator, and for hexadecimal bitmaps its first characters.
pub(super) fn gate(dialect: &Dialect, b: &[u8]) -> bool {
    let Some((_, used)) = mti(dialect.mti, b) else {
        return false;
    };
    let map = b.get(used..).unwrap_or_default();
    match dialect.bitmap {
        Bitmap::Raw => true,
        Bitmap::Hex | Bitmap::Hex128 => map.iter().take(16).all(u8::is_ascii_hexdigit),
    }
}

/// Points for a message that comes out exactly as long as its frame; `None` where it does not.
fn evidence(dialect: &'static Dialect, header: HeaderForm, bytes: &[u8]) -> Option<u32> {
    let mut message = parse(dialect, bytes);
    if !(message.whole() && ends_even(&message, bytes, 0)) {
        let (number, field) = dialect
            .variants
            .iter()
            .find(|(number, _)| has(&message, *number))?;
        message = parse_as(dialect, bytes, Some((*number, *field)));
        if !(message.whole() && ends_even(&message, bytes, 0)) {
            return None;
        }
    }
    if message.fields.len() < 2 || !message.fields.iter().all(|v| digits_where_due(&message, v)) {
        return None;
    }
    Some(score(&message) + header_points(&message, header))
}

/// Points for a message that ends before its frame does.
fn cut_evidence(dialect: &'static Dialect, header: HeaderForm, bytes: &[u8]) -> Option<u32> {
    let message = parse(dialect, bytes);
    if message.fields.len() < 5 || !message.fields.iter().all(|v| digits_where_due(&message, v)) {
        return None;
    }
    // Only the end of the bytes may be the reason.
    let (_, damage) = message.damage?;
    if bytes.len() - damage.offset > 999 {
        return None;
    }
    Some(score(&message) + header_points(&message, header))
}

pub(super) fn header_points(message: &Message<'_>, header: HeaderForm) -> u32 {
    let union_pay = message.dialect.family == "bcd-unionpay-pos";
    match header {
        HeaderForm::None | HeaderForm::Fixed(_) => 0,
        HeaderForm::TpduUnionPay | HeaderForm::Cups => 3,
        HeaderForm::VisaBase1 | HeaderForm::Cupd | HeaderForm::Base24 => 2,
        HeaderForm::Tpdu | HeaderForm::UnionPay => 1 + u32::from(union_pay),
        HeaderForm::TpduVersion | HeaderForm::Product => 0,
    }
}

/// Fixed numbers must be digits; variable ones may end in a filler.
fn digits_where_due(message: &Message<'_>, v: &super::message::Value<'_>) -> bool {
    if v.field.kind != Kind::Number || v.all_digits() {
        return true;
    }
    // Private fields that some hosts fill with other things.
    let private = matches!(v.number, 48 | 60 | 61 | 62 | 63);
    private && message.dialect.number == Digits::Bcd
}

/// Points for what fields hold.
fn score(message: &Message<'_>) -> u32 {
    let mut points = 0u32;
    weigh(message, &mut |_, _, by| {
        points = points.saturating_add_signed(by);
    });
    points
}

/// Tells what speaks for a message and against it: field, why, points.
pub(super) fn weigh(message: &Message<'_>, tell: &mut dyn FnMut(u8, &'static str, i32)) {
    let union_pay = message.dialect.family == "bcd-unionpay-pos";
    for v in &message.fields {
        let (why, points) = match v.number {
            37..=39 | 41 | 42 if v.printable() => ("printable text", 1),
            37..=39 | 41 | 42 if v.raw.iter().any(|b| *b < 0x20) => ("control characters", -2),
            7 if is_time(&v.digits()) => ("a date and time", 2),
            12 if is_clock(&v.digits()) => ("a time of day", 1),
            13 if is_day(&v.digits()) => ("a date", 1),
            49 if known_currency(message) => ("a currency", 1),
            3 | 4 | 11 | 15 | 18 | 22 | 25 | 70
                if v.field.kind == Kind::Number && v.all_digits() =>
            {
                ("digits", 1)
            }
            60 if union_pay && (8..=17).contains(&v.count) && v.all_digits() => {
                ("as long as UnionPay's", 1)
            }
            _ => continue,
        };
        tell(v.number, why, points);
    }
    if union_pay && message.text(49).as_deref() == Some("156") {
        tell(49, "yuan", 1);
    }
}

fn pair(text: &str, at: usize) -> Option<u32> {
    text.get(at..at + 2)?.parse().ok()
}

fn is_day(text: &str) -> bool {
    matches!((pair(text, 0), pair(text, 2)), (Some(1..=12), Some(1..=31)))
}

fn is_clock(text: &str) -> bool {
    let at = text.len().saturating_sub(6);
    matches!(
        (pair(text, at), pair(text, at + 2), pair(text, at + 4)),
        (Some(0..=23), Some(0..=59), Some(0..=59))
    )
}

fn is_time(text: &str) -> bool {
    text.len() == 10 && is_day(text) && is_clock(text)
}

fn known_currency(message: &Message<'_>) -> bool {
    message.text(49).is_some_and(|t| {
        t.len() == 3
            && (t.bytes().all(|b| b.is_ascii_digit()) || t.bytes().all(|b| b.is_ascii_uppercase()))
            && t != "000"
    })
}

#[cfg(test)]
mod tests;
