//! Turns one line's message into what it carries: dialogue bytes, radio frames, messages, signals, keys; text leaves masked.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use tapscope_parsers::container::{Head, Level};
use tapscope_parsers::content::apdu::{self, ApduLine};
use tapscope_parsers::content::key_value::{Key, Pair, spoken_amount};
use tapscope_parsers::content::{
    exception, iso_list, iso_xml, nci, nexo, structure, uri, zvt as zvt_content,
};

use super::iso;
use super::keys;
use super::scan::Scanner;
use super::worth::{
    default_signal, is_failure, is_masked_card, is_of_the_reader, is_terminal, is_weak_signal,
    is_worded, names_data, payment_tag, source_place, telling, weak,
};
use super::{nexo as nexo_events, zvt};
use crate::event::{IsoMessage, Keys, LogEvent, Severity, Signal};
use crate::parse::Context;

/// What a line gave.
pub(in crate::parse) enum Found {
    /// Bytes of a card dialogue.
    Apdu(ApduLine),
    /// A frame between host and NFC controller.
    Nci(nci::Logged),
    /// What the line says, in the field's terms.
    Said {
        /// The event.
        log: Box<LogEvent>,
        /// Its keys.
        keys: Box<Keys>,
        /// True where only payments say so; false for general computing, which is kept beside payments alone.
        payment: bool,
    },
    /// An ISO 8583 message.
    Iso(Box<(IsoMessage, Keys)>),
    /// Some fields of one; the rest stands on lines nearby.
    IsoFields(Box<iso::Fields>),
    /// Known for what it is, and of no interest.
    Understood,
}

/// Most events of one line.
const MOST_SIGNALS: usize = 4;

/// The message as UTF-8: line by line, since one file may mix.
pub(super) fn utf8(message: &[u8]) -> Cow<'_, str> {
    crate::decode::encoding::line_text(message)
}

/// Reads a message in XML at the front of `text`; gives it and how many bytes it takes.
pub(super) fn iso_xml(text: &[u8], ctx: &Context<'_>) -> Option<(Found, usize)> {
    let message = iso_xml::read(text)?;
    let end = message.end;
    let made = iso::from_xml(&message, ctx)?;
    Some((Found::Iso(Box::new(made)), end))
}

/// A message from bytes that were dumped over lines.
pub(super) fn iso_bytes(bytes: &[u8], ctx: &Context<'_>) -> Option<Found> {
    (bytes.len() >= 24)
        .then(|| iso::from_bytes(bytes, ctx))
        .flatten()
        .map(|made| Found::Iso(Box::new(made)))
}

/// Reads a line.
pub(super) fn read(
    scanner: &Scanner,
    head: &Head<'_>,
    message: &[u8],
    open: bool,
    ctx: &Context<'_>,
    out: &mut Vec<Found>,
) {
    if let Some(frame) = nci::read(head.tag, message) {
        out.push(Found::Nci(frame));
        return;
    }
    let readers = &scanner.readers;
    if may_be_zvt(head, message) {
        if let Some(packet) = zvt_content::read(message) {
            out.push(zvt::found(&packet, ctx.edge));
            return;
        }
        if zvt_content::is_acknowledgement(message) {
            out.push(Found::Understood);
            return;
        }
    }
    if let Some(bytes) = apdu::read(&readers.apdu, message, open) {
        out.push(Found::Apdu(bytes));
        return;
    }
    let text = utf8(message);
    if let Some(callback) = uri::read(text.as_bytes()) {
        callback_said(scanner, head, &callback, ctx, out);
        if !out.is_empty() {
            return;
        }
    }
    if let Some(bytes) = iso_list::message_bytes(text.as_bytes())
        && let Some(made) = iso::from_bytes(&bytes, ctx)
    {
        out.push(Found::Iso(Box::new(made)));
        return;
    }
    if let Some(bytes) = iso_list::spelled_message(text.as_bytes())
        && let Some(made) = iso::from_bytes(bytes, ctx)
    {
        out.push(Found::Iso(Box::new(made)));
        return;
    }
    if manages_network(text.as_bytes()) {
        // Its response code is no payment's.
        out.push(Found::Understood);
        return;
    }
    said(scanner, head, &text, ctx, out);
    // A decoded tree below a command or answer is what was understood of it, written out.
    if open && out.is_empty() && names_data(text.as_bytes()) {
        out.push(Found::Understood);
    }
}

/// True for `echo 0810 de39=00`: a message of network management (ISO 8583, type x8xx), named and not shown.
fn manages_network(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"08").any(|at| {
        let apart = |b: Option<&u8>| {
            !b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-'))
        };
        let before = at.checked_sub(1).and_then(|i| text.get(i));
        matches!(text.get(at..at + 4), Some([_, _, b'0'..=b'3', b'0']))
            && apart(before)
            && apart(text.get(at + 4))
    }) && [
        &b"echo"[..],
        b"Echo",
        b"ECHO",
        b"39=",
        b"39:",
        b"heartbeat",
        b"sign-on",
        b"logon",
    ]
    .iter()
    .any(|word| memchr::memmem::find(text, word).is_some())
}

/// What names the protocol ZVT or its parties.
static ZVT: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let marks = [
        "CLASS - ",
        "ECR",
        "zvt",
        "Zvt",
        "ZVT",
        "POS->TERM",
        "POS<-TERM",
    ];
    AhoCorasick::new(marks).ok()
});

/// True where tag or text name the protocol or its parties.
fn may_be_zvt(head: &Head<'_>, message: &[u8]) -> bool {
    let front = message.get(..256).unwrap_or(message);
    ZVT.as_ref().is_some_and(|marks| {
        marks.is_match(front)
            || marks
                .find_iter(head.tag)
                .any(|hit| matches!(hit.pattern().as_usize(), 1..=4))
    })
}

/// What a callback says: its status as a signal, the rest as named values.
fn callback_said(
    scanner: &Scanner,
    head: &Head<'_>,
    callback: &uri::Callback,
    ctx: &Context<'_>,
    out: &mut Vec<Found>,
) {
    let before = out.len();
    said(
        scanner,
        head,
        &nexo_events::callback_text(callback),
        ctx,
        out,
    );
    let Some(signal) = callback.signal.and_then(Signal::from_id) else {
        return;
    };
    // The status decides; words beside it may only explain.
    for found in out.iter_mut().skip(before) {
        if let Found::Said { log, payment, .. } = found {
            *payment = true;
            if log.signal == signal || !weak(log.signal) {
                return;
            }
            log.signal = signal;
            return;
        }
    }
    let text = ctx.edge.text(&nexo_events::callback_text(callback));
    out.push(Found::Said {
        log: Box::new(LogEvent {
            signal,
            code: None,
            severity: severity(head.level),
            values: Vec::new(),
            text,
        }),
        keys: Box::default(),
        payment: true,
    });
}

/// A nexo message whose first bracket is at the front of `text`; gives it and how many bytes it takes.
pub(super) fn nexo_message(text: &[u8], ctx: &Context<'_>) -> Option<(Found, usize, bool)> {
    let message = nexo::read(text)?;
    Some((
        nexo_events::found(&message, ctx.edge),
        message.end,
        message.whole,
    ))
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Unknown => Severity::Unknown,
        Level::Debug => Severity::Debug,
        Level::Info => Severity::Info,
        Level::Warning => Severity::Warning,
        Level::Error => Severity::Error,
    }
}

/// What a line says, and under which name.
struct Statement {
    signal: Signal,
    payment: bool,
}

fn said(scanner: &Scanner, head: &Head<'_>, text: &str, ctx: &Context<'_>, out: &mut Vec<Found>) {
    let readers = &scanner.readers;
    let bytes = text.as_bytes();
    let data = names_data(bytes);
    let phrases = if data {
        Vec::new()
    } else {
        readers.wording.read(bytes)
    };
    let mut pairs = readers.keys.read(bytes);
    if data {
        // `8A (authorisation response code): 00` in a decoded tree is what was sent to the card, not what the host said.
        pairs.retain(|p| p.key != Key::ResponseCode);
    } else if !pairs.iter().any(|p| p.key == Key::ResponseCode)
        && let Some((at, value)) = structure::spoken_code(&pairs, bytes)
    {
        pairs.push(Pair {
            key: Key::ResponseCode,
            value,
            after: &[],
            payment: true,
            at,
        });
    }
    if memchr::memmem::find(bytes, b"DF81").is_some()
        || memchr::memmem::find(bytes, b"df81").is_some()
    {
        pairs.extend(structure::outcome_objects(bytes));
    }
    if pairs.iter().any(|p| p.key == Key::ResponseCode) && structure::commands_key_machine(bytes) {
        pairs.retain(|p| p.key != Key::ResponseCode);
    }
    let daemon = structure::falls_as_daemon(bytes);
    // What is only warned of was caught, and ended no program.
    let caught = matches!(head.level, Level::Warning | Level::Info | Level::Debug);
    let exception = exception::read(bytes);
    let fields = iso_list::read(bytes);
    let tagged = payment_tag(head.tag) || payment_tag(head.process);
    let payment_pairs = pairs
        .iter()
        .any(|p| (p.payment || tagged || is_masked_card(p) || is_terminal(p)) && telling(p));
    let mut statements: Vec<Statement> = Vec::new();
    let answered = pairs.iter().any(|p| p.key == Key::ResponseCode);
    for said in &phrases {
        let Some(signal) = Signal::from_id(said.signal) else {
            continue;
        };
        // The name of a value without a value says nothing.
        let label = said.phrase.ends_with("code")
            || said.phrase.ends_with('码')
            || said.phrase.ends_with("39")
            || said.phrase.ends_with('域');
        if signal == Signal::ResponseReceived && label && !answered {
            continue;
        }
        let signal = match signal {
            Signal::AppCrash if daemon => Signal::ServiceDied,
            Signal::AppCrash if caught && said.phrase.ends_with("exception") => continue,
            Signal::ContactInserted if structure::names_contactless_slot(bytes) => {
                Signal::CardDetected
            }
            signal => signal,
        };
        if let Some(known) = statements.iter_mut().find(|s| s.signal == signal) {
            known.payment |= said.payment;
        } else {
            statements.push(Statement {
                signal,
                payment: said.payment,
            });
        }
    }
    if (pairs.iter().any(is_weak_signal) || structure::modem_hears_little(bytes))
        && !statements.iter().any(|s| s.signal == Signal::SignalLow)
    {
        statements.push(Statement {
            signal: Signal::SignalLow,
            payment: false,
        });
    }
    if structure::authentication_failed(bytes)
        && !statements.iter().any(|s| s.signal == Signal::OdaFailed)
    {
        statements.push(Statement {
            signal: Signal::OdaFailed,
            payment: true,
        });
    }
    if statements.iter().all(|s| weak(s.signal)) {
        let built = [
            structure::answers(&pairs, bytes).then_some((Signal::ResponseReceived, false)),
            structure::answered_on_air(bytes)
                .and_then(Signal::from_id)
                .map(|signal| (signal, true)),
            structure::opens_sale(bytes).then_some((Signal::SaleStart, false)),
            structure::ends_sale_well(bytes).then_some((Signal::Approved, false)),
            structure::names_message(&pairs, bytes)
                .and_then(Signal::from_id)
                .map(|signal| (signal, false)),
        ];
        if let Some((signal, payment)) = built.into_iter().flatten().next() {
            statements.push(Statement { signal, payment });
        }
    }
    let code = code(scanner, head, bytes, &pairs, tagged);
    if let Some((_, _, signal)) = code
        && let Some(signal) = Signal::from_id(signal)
        && !statements.iter().any(|s| s.signal == signal)
        // `ret=0 outcome=ONLINE_REQUEST`: the kernel did well, and nobody has approved yet.
        && !(signal == Signal::Approved
            && statements.iter().any(|s| s.signal == Signal::OnlineRequest))
    {
        statements.push(Statement {
            signal,
            payment: true,
        });
    }
    if let Some(named) = exception
        && let Some(signal) = Signal::from_id(named.signal)
        && !(signal == Signal::AppCrash && (daemon || caught))
    {
        // The name of an exception is more telling than the words that it is made of.
        statements.retain(|s| !is_failure(s.signal) || s.payment);
        if !statements.iter().any(|s| s.signal == signal) {
            statements.push(Statement {
                signal,
                payment: named.payment,
            });
        }
    }
    let iso_fields = fields.len() >= 2
        || fields.len() == 1 && iso_list::begins(bytes)
        || fields.iter().any(|f| matches!(f.number, 0 | 11 | 41));
    // A line that names most of what it says by words is no list of fields: `tid=… msgType=0200 f22=072 trace=000614`.
    let worded = || pairs.iter().any(|p| is_worded(p, bytes));
    if iso_fields
        && let Some(made) = iso::Fields::read(&fields, bytes, ctx)
        && (made.is_message() || statements.iter().all(|s| weak(s.signal)) && !worded())
    {
        out.push(Found::IsoFields(Box::new(made)));
        return;
    }
    if statements.is_empty() && !payment_pairs {
        return;
    }
    let any_strong = statements.iter().any(|s| !weak(s.signal));
    statements.retain(|s| !(any_strong && weak(s.signal)));
    // Of `weak` ones the first alone, and a label without a judgement last of all.
    if !any_strong {
        if statements.iter().any(|s| s.signal != Signal::Note) {
            statements.retain(|s| s.signal != Signal::Note);
        }
        statements.truncate(1);
    }
    if statements.is_empty() {
        let signal = default_signal(&pairs);
        statements.push(Statement {
            signal,
            payment: payment_pairs,
        });
    }
    // The source lines of PC/SC software speak of cards in general and of its own transactions.
    if source_place(bytes) {
        statements.retain(|s| !matches!(s.signal, Signal::CardNotContactless | Signal::SaleEnd));
        if statements.is_empty() {
            return;
        }
    }
    statements.truncate(MOST_SIGNALS);
    let line_payment = tagged || payment_pairs || statements.iter().any(|s| s.payment);
    if !line_payment && statements.iter().all(|s| s.signal == Signal::OtherError) {
        return;
    }
    let (mut keys, mut values) = keys::from_pairs(&pairs, bytes, ctx.edge);
    if statements.iter().any(|s| is_of_the_reader(s.signal)) {
        // A kernel has return codes too: 11 is no kernel here, and an approval of hosts.
        values.retain(|(name, _)| *name != "f39");
    }
    let begins = |s: &Statement| match s.signal {
        Signal::SaleStart => true,
        Signal::PollingStart | Signal::PresentCard => structure::opens_sale(bytes),
        _ => false,
    };
    if keys.amount_minor.is_none() && statements.iter().any(begins) {
        keys.amount_minor = spoken_amount(bytes);
    }
    if line_payment && let Some((message, chip)) = iso::told_by(bytes, &keys, &values, ctx) {
        keys.cryptogram = keys.cryptogram.or(chip.cryptogram);
        out.push(Found::Iso(Box::new((message, chip))));
    }
    let bare = values.is_empty() && keys == Keys::default();
    statements.retain(|s| !(bare && matches!(s.signal, Signal::Note | Signal::ConfigValue)));
    if statements.is_empty() {
        return;
    }
    let shown = ctx.edge.text(text);
    let code = code.map(|(family, code, _)| (family, ctx.edge.text(&code)));
    for statement in statements {
        out.push(Found::Said {
            log: Box::new(LogEvent {
                signal: statement.signal,
                code: code.clone(),
                severity: severity(head.level),
                values: values.clone(),
                text: shown.clone(),
            }),
            keys: Box::new(keys.clone()),
            payment: line_payment,
        });
    }
}

/// A vendor's code, where symbol or number and the words beside it say so: family, code, signal.
fn code(
    scanner: &Scanner,
    head: &Head<'_>,
    text: &[u8],
    pairs: &[Pair<'_>],
    tagged: bool,
) -> Option<(&'static str, String, &'static str)> {
    let codes = &scanner.readers.codes;
    let front = text.get(..512).unwrap_or(text);
    let context = LazyCell::new(|| [head.tag, front].join(&b' '));
    for pair in pairs
        .iter()
        .filter(|p| matches!(p.key, Key::Code | Key::ResponseCode))
    {
        if let Some(row) = codes.number(pair.value, &context, tagged) {
            return Some((row.family, row.code.to_owned(), row.signal));
        }
    }
    if let Some(row) = codes.symbol(text) {
        return Some((row.family, row.code.to_owned(), row.signal));
    }
    // `-4141` or `(-4141)` without a label.
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'-', text.get(at..)?) {
        let start = at + found;
        let digits = text
            .get(start + 1..)?
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let fresh = start == 0
            || text
                .get(start - 1)
                .is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'-');
        let bounded = text
            .get(start + 1 + digits)
            .is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'-' && *b != b'.');
        if fresh
            && bounded
            && digits == 4
            && let Some(row) = codes.number(text.get(start..start + 5)?, &context, tagged)
        {
            return Some((row.family, row.code.to_owned(), row.signal));
        }
        at = start + 1;
    }
    None
}
