//! Cuts one sequence, what one terminal or one request left, into attempts: where a sale starts, a card comes back, a host has
//! answered or another interface takes over.

use std::collections::BTreeMap;

use super::{Fragment, Shape, is_ambient, is_financial, is_reversal, stans_differ};
use crate::event::{CommandKind, Direction, Event, Events, FieldState, Payload, Signal, What};

/// A card that comes back so soon after a lost exchange, unprompted, is still the same presentment: held badly, not tapped again.
const SAME_PRESENTMENT: i64 = 1_200_000;
/// Ambient lines (service died, link down) this long before a sale belong to it.
const AMBIENT_BEFORE: i64 = 60_000_000;
/// Idle time after which a stretch is over.
const STRETCH_IDLE: i64 = 120_000_000;

/// How the terminal wants the card once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    ByTap,
    ByChip,
}

impl Again {
    fn of(prompt: Signal) -> Option<Self> {
        match prompt {
            Signal::RetryPrompt | Signal::SeePhone | Signal::MultipleCards => Some(Self::ByTap),
            Signal::UseChip | Signal::Fallback => Some(Self::ByChip),
            _ => None,
        }
    }
}

/// The state of the sequence cutter.
struct Sequence<'a> {
    out: &'a mut Vec<Fragment>,
    current: Option<usize>,
    /// A prompt or result has ended the presentment: what comes next is another attempt.
    ended: bool,
    /// The terminal has said that it cannot read this card without contact.
    barred: bool,
    /// The terminal has asked for another try, and whether by chip: what a host answers now, it answers to that.
    asked: Option<Again>,
    /// Ambient events seen since the last attempt.
    ambient: Vec<u32>,
    /// Fragments by trace number, for answers and reversals that come later.
    by_stan: BTreeMap<u32, usize>,
}

pub(super) fn cut_indexes(
    arena: &Events,
    indexes: impl Iterator<Item = u32>,
    out: &mut Vec<Fragment>,
) {
    let mut sequence = Sequence {
        out,
        current: None,
        ended: false,
        barred: false,
        asked: None,
        ambient: Vec::new(),
        by_stan: BTreeMap::new(),
    };
    for index in indexes {
        sequence.place(index, arena);
    }
}

impl Sequence<'_> {
    fn place(&mut self, index: u32, arena: &Events) {
        let event = &arena.get(index);
        if let Some(current) = self.current
            && let (Some(last), Some(at)) = (self.out[current].last.get(), event.at.utc_micros)
            && at - last > STRETCH_IDLE
        {
            self.current = None;
        }
        match &event.payload {
            Payload::Log(line) => self.place_signal(index, event, line.signal, arena),
            Payload::Apdu(exchange)
                if exchange.command == CommandKind::SelectAid
                    && self.asked == Some(Again::ByChip) =>
            {
                self.append_asked(index, event, arena);
            }
            Payload::Apdu(exchange) => {
                let restart = match exchange.command {
                    CommandKind::SelectPpse => self.ended || self.comes_back(event, arena),
                    // A contact flow selects its directory once: again is a new session.
                    CommandKind::SelectPse => {
                        self.ended
                            || self.now(|f| f.dialogue && (!f.contact || f.contact_began))
                    }
                    // The same application once more after its cryptogram: readers that know it skip the directory.
                    CommandKind::SelectAid => self.now(|f| {
                        f.generated
                            && f.events.iter().any(|&e| {
                                arena.head(e).what == What::Apdu(CommandKind::SelectAid, true)
                                    && matches!(arena.get(e).payload, Payload::Apdu(ref known) if known.command_hex == exchange.command_hex)
                            })
                    }),
                    _ => false,
                };
                self.append(index, event, restart, arena);
            }
            Payload::Nfc(field) => {
                let restart = match field.state {
                    FieldState::Activated | FieldState::NotIsoDep => {
                        self.ended
                            || self.now(|f| f.events.iter().any(|&e| is_select(arena.head(e).what)))
                    }
                    FieldState::On | FieldState::Collision => self.ended,
                    _ => false,
                };
                if field.state == FieldState::Off && self.current.is_none() {
                    return;
                }
                self.append(index, event, restart, arena);
            }
            Payload::Iso8583(message) => {
                if is_reversal(message.mti) || !is_financial(message.mti) {
                    // Reversals belong to what they reverse; sign-on and settlement to no sale.
                    if let Some(at) = self.of_stan(event)
                        && is_reversal(message.mti)
                    {
                        self.out[at].push(index, event);
                    }
                    return;
                }
                if let Some(at) = self.of_stan(event) {
                    self.out[at].push(index, event);
                    return;
                }
                let asks = message.direction() == Direction::Request;
                let restart = self.now(|f| {
                    stans_differ(f, event)
                        || asks && (Self::is_over(f) || f.requested && other_payment(f, event))
                });
                self.append(index, event, restart, arena);
            }
            _ => self.append(index, event, false, arena),
        }
    }

    fn place_signal(&mut self, index: u32, event: &Event, signal: Signal, arena: &Events) {
        match signal {
            Signal::SaleStart => {
                // Some applications announce a sale twice within a moment.
                let twice = self.now(|f| {
                    !f.dialogue
                        && !self.ended
                        && f.keys.stan.is_none_or(|stan| event.keys.stan.is_none_or(|new| new == stan))
                        && f.keys.amount_minor.is_none_or(|amount| event.keys.amount_minor.is_none_or(|new| new == amount))
                        && matches!((f.first.get(), event.at.utc_micros), (Some(first), Some(at)) if at - first < 3_000_000)
                });
                // A slip, or a line of the journal, says the sale once more when it is done.
                let repeated = self.now(|f| {
                    Self::is_over(f)
                        && f.keys.amount_minor.is_some()
                        && f.keys.amount_minor == event.keys.amount_minor
                        && matches!((f.last.get(), event.at.utc_micros), (Some(last), Some(at)) if at - last < 3_000_000)
                });
                self.append(index, event, !twice && !repeated, arena);
            }
            Signal::CardDetected => {
                let restart =
                    self.ended || self.now(Self::is_over) || self.comes_back(event, arena);
                self.append(index, event, restart, arena);
            }
            Signal::PresentCard | Signal::PollingStart => {
                let restart = self.ended || self.now(Self::is_over);
                self.append(index, event, restart, arena);
            }
            Signal::ContactInserted | Signal::ContactReadFailed => {
                // The chip is another attempt than the tap before it, whether a card could be read then or not.
                let restart = self.now(|f| !f.contact && (f.dialogue || self.ended || self.barred));
                self.append(index, event, restart, arena);
            }
            Signal::MagstripeReadFailed => {
                let restart = self.now(|f| !f.magstripe && (f.contact || f.dialogue || self.ended));
                self.append(index, event, restart, arena);
            }
            Signal::MultipleCards => {
                let again = self.ended
                    && self.now(|f| {
                        let said = f.events.iter().any(|&e| {
                            arena.head(e).what == What::Log(Signal::MultipleCards)
                        });
                        said && matches!((f.last.get(), event.at.utc_micros), (Some(last), Some(now)) if now - last > 300_000)
                    });
                self.append(index, event, again, arena);
                self.ended = true;
                self.asked = Some(Again::ByTap);
            }
            // A card that is read, or a cryptogram that was not there before, after an answer came: the next sale.
            Signal::CardReadOk | Signal::OnlineRequest
                if self.now(|f| {
                    Self::is_over(f) || f.told_at.get().is_some() || other_payment(f, event)
                }) =>
            {
                self.append(index, event, true, arena);
            }
            // The tap ended unread and with a prompt for the next: the host answers to what came after it.
            Signal::OnlineRequest
            | Signal::RequestSent
            | Signal::ResponseReceived
            | Signal::Approved
                if self.asked.is_some() && self.now(Self::is_unread) =>
            {
                self.append_asked(index, event, arena);
                self.ended |= ends_presentment(signal);
            }
            Signal::CardRemoved if self.now(|f| f.read) => {
                self.append(index, event, false, arena);
            }
            Signal::Note
                if event.keys.amount_minor.is_some()
                    && event.keys.stan.is_some_and(|stan| {
                        !self.by_stan.contains_key(&stan) && self.now(|f| f.keys.stan.is_some())
                    }) =>
            {
                self.append(index, event, true, arena);
            }
            Signal::Reversal => {
                let at = self.of_stan(event).or(self.current);
                if let Some(at) = at {
                    self.out[at].push(index, event);
                }
            }
            Signal::Note if self.current.is_none() && announces(event) => {
                self.append(index, event, true, arena);
            }
            Signal::Note | Signal::ConfigValue if self.current.is_none() => {
                self.ambient.push(index)
            }
            _ if is_ambient(signal)
                && (self.current.is_none() || (self.ended && self.now(Self::is_over))) =>
            {
                self.ambient.push(index);
            }
            _ => {
                let stan_changed = self.now(|f| stans_differ(f, event));
                if stan_changed && let Some(at) = self.of_stan(event) {
                    self.out[at].push(index, event);
                    return;
                }
                self.append(index, event, stan_changed, arena);
                self.ended |= ends_presentment(signal);
                self.barred |= bars_contactless(signal);
                self.asked = Again::of(signal).or(self.asked);
            }
        }
    }

    /// The fragment that began with the event's trace number.
    fn of_stan(&self, event: &Event) -> Option<usize> {
        self.by_stan.get(&event.keys.stan?).copied()
    }

    /// A dialogue begins though the current attempt had one, and it is not the same presentment going on.
    fn comes_back(&self, event: &Event, arena: &Events) -> bool {
        self.now(|fragment| {
            if fragment.contact {
                return true;
            }
            let last = fragment
                .events
                .iter()
                .rev()
                .map(|&index| arena.head(index))
                .find(|head| is_select(head.what));
            let Some(last) = last else { return false };
            let lost =
                fragment
                    .events
                    .iter()
                    .rev()
                    .find_map(|&index| match arena.head(index).what {
                        What::Apdu(_, answered) => Some(!answered),
                        _ => None,
                    });
            let soon = match (
                fragment.last.get().or(last.at().utc_micros),
                event.at.utc_micros,
            ) {
                (Some(then), Some(now)) => now - then <= SAME_PRESENTMENT,
                _ => false,
            };
            !(lost == Some(true) && soon)
        })
    }

    /// True where no card was read and nothing was asked of a host.
    fn is_unread(fragment: &Fragment) -> bool {
        !fragment.contact && !fragment.read && !fragment.requested
    }

    fn is_over(fragment: &Fragment) -> bool {
        fragment.answered
    }

    fn now(&self, test: impl FnOnce(&Fragment) -> bool) -> bool {
        self.current.is_some_and(|at| test(&self.out[at]))
    }

    fn append(&mut self, index: u32, event: &Event, restart: bool, arena: &Events) {
        if restart || self.current.is_none() {
            let mut fragment = Fragment::new(event.source, Shape::Stretch);
            for &before in &self.ambient {
                let ambient = &arena.get(before);
                let near = match (ambient.at.utc_micros, event.at.utc_micros) {
                    (Some(then), Some(now)) => now - then <= AMBIENT_BEFORE,
                    _ => true,
                };
                if near {
                    fragment.push(before, ambient);
                }
            }
            self.ambient.clear();
            fragment.is_attempt = false;
            self.inherit(&mut fragment, event, restart);
            self.out.push(fragment);
            self.current = Some(self.out.len() - 1);
            self.ended = false;
            self.barred = false;
            self.asked = None;
        }
        if let Some(at) = self.current {
            self.out[at].push(index, event);
            if let Some(stan) = event.keys.stan {
                self.by_stan.insert(stan, at);
            }
        }
    }

    /// A further attempt, by what the terminal asked for.
    fn append_asked(&mut self, index: u32, event: &Event, arena: &Events) {
        let by_chip = self.asked == Some(Again::ByChip);
        self.append(index, event, true, arena);
        if by_chip && let Some(at) = self.current {
            self.out[at].contact = true;
        }
    }

    /// A further attempt at the same sale knows the amount and terminal that were said once.
    fn inherit(&self, fragment: &mut Fragment, event: &Event, restart: bool) {
        let Some(before) = self.current.filter(|_| restart).map(|at| &self.out[at]) else {
            return;
        };
        let same_sale = !matches!(&event.payload, Payload::Log(line) if line.signal == Signal::SaleStart)
            && !announces(event);
        fragment.keys.terminal.clone_from(&before.keys.terminal);
        fragment.keys.merchant.clone_from(&before.keys.merchant);
        if same_sale {
            fragment.keys.amount_minor = before.keys.amount_minor;
            fragment.keys.currency = before.keys.currency;
        }
    }
}

/// True where cryptogram or amount are those of another payment.
fn other_payment(fragment: &Fragment, event: &Event) -> bool {
    let (known, new) = (&fragment.keys, &event.keys);
    matches!((known.cryptogram, new.cryptogram), (Some(a), Some(b)) if a != b)
        || matches!((known.amount_minor, new.amount_minor), (Some(a), Some(b)) if a != b)
}

/// A trace number and an amount: what opens a sale.
fn announces(event: &Event) -> bool {
    event.keys.stan.is_some() && event.keys.amount_minor.is_some()
}

pub(super) fn is_select(what: What) -> bool {
    matches!(
        what,
        What::Apdu(
            CommandKind::SelectPpse | CommandKind::SelectAid | CommandKind::GetProcessingOptions,
            _
        )
    )
}

/// After these the sale goes on by another interface, if at all.
fn bars_contactless(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::NoContactlessHardware
            | Signal::ContactlessOff
            | Signal::ReaderInitFailed
            | Signal::CardNotContactless
            | Signal::KernelUnsupported
    )
}

/// After these, a card that comes is another attempt.
fn ends_presentment(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::RetryPrompt
            | Signal::UseChip
            | Signal::SeePhone
            | Signal::Approved
            | Signal::Declined
            | Signal::SaleEnd
            | Signal::Cancelled
            | Signal::PollTimeout
            | Signal::OfflineDeclined
            | Signal::MultipleCards
            | Signal::CardRemoved
            | Signal::LimitExceeded
            | Signal::Fallback
            | Signal::ReadTimeout
            | Signal::ConnectTimeout
            | Signal::ConnectRefused
    )
}
