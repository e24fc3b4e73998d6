//! Cuts what interleaves many terminals, a capture or a host's log: the keys of each message decide, and the connection that
//! carried it.

use foldhash::HashMap;
use rayon::prelude::*;

use super::{Fragment, MESSAGE_WINDOW, RECONNECT_WINDOW, Shape, is_financial, is_reversal};
use crate::event::{Direction, Event, Events, IsoMessage, Payload, Text, What};

fn is_fresh_request(message: &IsoMessage, event: &Event) -> bool {
    is_financial(message.mti)
        && message.direction() == Direction::Request
        && event.keys.stan.is_some()
}

/// A switch sends a request on under a trace number of its own, before it has an answer. Another number later is another
/// payment, though some hosts write the same reference number into all of them.
fn is_open_leg(before: &Fragment, event: &Event) -> bool {
    let amounts = (before.keys.amount_minor, event.keys.amount_minor);
    before.response_at.get().is_none() && !matches!(amounts, (Some(a), Some(b)) if a != b)
}

/// How long a request waits for an answer that does not name its terminal.
const ANSWER_WINDOW: i64 = 120_000_000;

/// Messages with the same terminal and trace number.
#[derive(Default)]
pub(super) struct ByKey {
    /// Looked up, never walked; so is the other.
    open: HashMap<(Option<Text>, u32), usize>,
    /// Requests of a log by their trace number.
    asked: HashMap<u32, Vec<usize>>,
    by_rrn: HashMap<Text, usize>,
}

impl ByKey {
    /// Gives the fragment that it belongs to.
    pub(super) fn place(
        &mut self,
        index: u32,
        event: &Event,
        out: &mut Vec<Fragment>,
    ) -> Option<usize> {
        let Payload::Iso8583(message) = &event.payload else {
            return None;
        };
        if !is_financial(message.mti) && !is_reversal(message.mti) {
            return None;
        }
        let key = event
            .keys
            .stan
            .map(|stan| (event.keys.terminal.clone(), stan));
        // Field 90 of a reversal tells what it takes back: message type and trace number of the original (ISO 8583:1987).
        let original = message
            .field(90)
            .filter(|_| is_reversal(message.mti))
            .and_then(|data| data.get(4..10)?.parse().ok())
            .map(|stan: u32| (event.keys.terminal.clone(), stan));
        let found = original
            .or_else(|| key.clone())
            .and_then(|key| self.open.get(&key).copied())
            // A switch's log names the terminal in the request alone: an answer goes to the one open request with its trace number.
            .or_else(|| self.only_request(message, event, out))
            // A reply may leave the terminal out, and a request lacks what only the reply brings.
            .or_else(|| {
                event
                    .keys
                    .rrn
                    .as_ref()
                    .and_then(|rrn| self.by_rrn.get(rrn).copied())
                    .filter(|&at| !is_fresh_request(message, event) || is_open_leg(&out[at], event))
            })
            .filter(|&at| match (out[at].first.get(), event.at.utc_micros) {
                (Some(first), Some(now)) => (now - first).abs() <= MESSAGE_WINDOW,
                _ => true,
            });
        let at = found.unwrap_or_else(|| {
            out.push(Fragment::new(event.source, Shape::Messages));
            out.len() - 1
        });
        out[at].push(index, event);
        out[at].is_attempt = true;
        if let Some(key) = key {
            self.open.insert(key, at);
        }
        if let Some(rrn) = &event.keys.rrn {
            self.by_rrn.insert(rrn.clone(), at);
        }
        if message.flow == 0 && message.direction() == Direction::Request {
            let asked = event
                .keys
                .stan
                .map(|stan| self.asked.entry(stan).or_default());
            asked.into_iter().for_each(|asked| asked.push(at));
        }
        Some(at)
    }

    /// The request that an answer without a terminal is to: the only one of its trace number that waits. A capture knows its flows.
    fn only_request(&self, message: &IsoMessage, event: &Event, out: &[Fragment]) -> Option<usize> {
        let answer = message.flow == 0 && message.direction() == Direction::Response;
        let asked = self.asked.get(&event.keys.stan?).filter(|_| answer)?;
        let waits = |at: &&usize| {
            let request = &out[**at];
            let near = match (request.last.get(), event.at.utc_micros) {
                (Some(asked), Some(now)) => (now - asked).abs() <= ANSWER_WINDOW,
                _ => true,
            };
            near && !request.answered && event.keys.terminal.is_none()
        };
        let mut open = asked.iter().filter(waits);
        open.next().filter(|_| open.next().is_none()).copied()
    }
}

/// A capture: messages by key, their connections with them, and connections in trouble by client, server and time.
pub(super) fn cut_capture(arena: &Events, range: std::ops::Range<u32>, out: &mut Vec<Fragment>) {
    let from = out.len();
    let mut messages = ByKey::default();
    // Flow -> message fragments on it. Looked up, never walked.
    let mut flows: HashMap<u64, Vec<usize>> = HashMap::default();
    let is_message = |index: &u32| matches!(arena.head(*index).what, What::Iso8583(_));
    let indexes: Vec<u32> = range.clone().filter(is_message).collect();
    each_alive(arena, &indexes, |index, event| {
        let at = messages.place(index, event, out);
        if let (Some(at), Payload::Iso8583(message)) = (at, &event.payload)
            && out.len() - at <= 64
        {
            let on_flow = flows.entry(message.flow).or_default();
            if on_flow.last() != Some(&at) {
                on_flow.push(at);
            }
        }
    });
    for fragment in out.iter_mut().skip(from) {
        fragment.wire = true;
    }
    // Client address and server -> last connection fragment.
    let mut clients: HashMap<(Text, Text), usize> = HashMap::default();
    let mut connection_of_flow: HashMap<u64, usize> = HashMap::default();
    let indexes: Vec<u32> = range.filter(|index| !is_message(index)).collect();
    each_alive(arena, &indexes, |index, event| {
        match &event.payload {
            Payload::Iso8583(_) => {}
            Payload::Tcp(connection) => match flows.get(&event.lane).map(Vec::as_slice) {
                // One payment on the connection: the connection is part of it.
                Some([only]) => out[*only].push(index, event),
                // A pooled connection: it belongs to the payment that it failed, if any.
                Some(many) => {
                    if (connection.reset_by.is_some() || connection.client_unacked > 0)
                        && let Some(&last) = many.last()
                        && out[last].response_at.get().is_none()
                    {
                        out[last].push(index, event);
                    }
                }
                None => {
                    let at = connection_fragment(index, event, &mut clients, out);
                    connection_of_flow.insert(event.lane, at);
                }
            },
            Payload::Tls(_) | Payload::Http(_) | Payload::Icmp(_) => {
                // What the network said to the only payment on the connection is part of it.
                let own = match flows.get(&event.lane).map(Vec::as_slice) {
                    Some([only]) if matches!(event.payload, Payload::Http(_)) => Some(*only),
                    _ => None,
                };
                let at = own.or_else(|| connection_of_flow.get(&event.lane).copied());
                let at = at.unwrap_or_else(|| connection_fragment(index, event, &mut clients, out));
                if out[at].events.last() != Some(&index) {
                    out[at].push(index, event);
                }
            }
            _ => {
                connection_fragment(index, event, &mut clients, out);
            }
        }
    });
}

/// Events that are brought to life together.
const ALIVE: usize = 4096;

/// Looks at events in order; they are brought to life in parallel.
fn each_alive(arena: &Events, indexes: &[u32], mut see: impl FnMut(u32, &Event)) {
    for some in indexes.chunks(ALIVE) {
        let alive: Vec<Event> = some.par_iter().map(|&index| arena.get(index)).collect();
        for (&index, event) in some.iter().zip(&alive) {
            see(index, event);
        }
    }
}

fn connection_fragment(
    index: u32,
    event: &Event,
    clients: &mut HashMap<(Text, Text), usize>,
    out: &mut Vec<Fragment>,
) -> usize {
    let key = (
        event.keys.device.clone().unwrap_or_default(),
        event.keys.host.clone().unwrap_or_default(),
    );
    let at = clients
        .get(&key)
        .copied()
        .filter(|&at| match (out[at].last.get(), event.at.utc_micros) {
            (Some(last), Some(now)) => (now - last).abs() <= RECONNECT_WINDOW && !completed(event),
            _ => false,
        })
        .unwrap_or_else(|| {
            out.push(Fragment::new(event.source, Shape::Connection));
            out.len() - 1
        });
    out[at].push(index, event);
    clients.insert(key, at);
    at
}

/// A connection that carried data both ways is an attempt of its own, never a retry of the one before.
fn completed(event: &Event) -> bool {
    matches!(&event.payload, Payload::Tcp(connection) if connection.client_bytes > 0 && connection.server_bytes > 0)
}
