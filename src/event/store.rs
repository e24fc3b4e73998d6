//! All events of a run at rest: a small head of each in memory, the rest packed, in memory or past the budget on disk.
//!
//! Heads answer what sorting, cutting and counting ask; [`Events::get`] brings an event back to life.

use std::sync::Arc;

use rayon::prelude::*;

use super::head::{Head, Strand};
use super::pack::{Pack, Packer, Unpacker, Words};
use super::spill::{Kept, Spill};
use super::{Event, Keys, LogEvent, Payload, Place, Severity, Signal, Text};

/// Events that are packed together: one piece of work, and one list of words.
const PACKED_TOGETHER: usize = 1024;
/// Heads of a source that is read are packed together in so many.
const ASLEEP_TOGETHER: usize = 16 * 1024;

/// Packed bytes of some events, with the words in them.
#[derive(Debug)]
struct Chunk {
    bytes: Kept,
    words: Box<[&'static str]>,
}

/// Packed heads.
#[derive(Debug)]
struct Asleep {
    bytes: Kept,
    length: usize,
    heads: usize,
}

/// Events at rest.
#[derive(Debug, Default)]
pub struct Events {
    heads: Vec<Head>,
    /// One for each head, until they are forgotten.
    strands: Vec<Strand>,
    chunks: Vec<Chunk>,
    /// Heads that stand behind the others, until [`Self::append`] wakes them.
    asleep: Vec<Asleep>,
}

impl Events {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heads.len() + self.asleep.iter().map(|some| some.heads).sum::<usize>()
    }

    /// None.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Packs the heads as well: nobody asks for them until all sources are read, and then in one list of their number.
    pub fn fall_asleep(&mut self, spill: &Spill) {
        let heads = std::mem::take(&mut self.heads);
        let strands = std::mem::take(&mut self.strands);
        let together = heads
            .chunks(ASLEEP_TOGETHER)
            .zip(strands.chunks(ASLEEP_TOGETHER));
        for (some, strands) in together {
            let (mut out, mut words) = (Vec::new(), Words::default());
            let mut before = (Head::none(), Strand::default());
            for (head, strand) in some.iter().zip(strands) {
                let mut to = Packer {
                    out: &mut out,
                    words: &mut words,
                };
                head.pack_after(&before.0, &mut to);
                strand.pack_after(before.1, &mut to);
                before = (*head, *strand);
            }
            self.asleep.push(Asleep {
                length: out.len(),
                heads: some.len(),
                bytes: Kept::new(&out, spill),
            });
        }
    }

    /// Room for the heads of so many events.
    pub fn reserve(&mut self, events: usize) {
        self.heads.reserve_exact(events);
        self.strands.reserve_exact(events);
    }

    /// What told the sequences of a source apart goes: the sources are cut.
    pub fn forget_strands(&mut self) {
        self.strands = Vec::new();
    }

    /// What tells the sequences of a source apart, in the order of the heads.
    #[must_use]
    pub fn strands(&self) -> &[Strand] {
        &self.strands
    }

    /// The lane of one event; nothing once they are forgotten.
    #[must_use]
    pub fn lane(&self, index: u32) -> u64 {
        self.strands
            .get(index as usize)
            .map_or(0, |strand| strand.lane)
    }

    /// The heads, in order.
    #[must_use]
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The heads, to be moved in time or given to a source.
    pub fn heads_mut(&mut self) -> &mut [Head] {
        &mut self.heads
    }

    /// One head.
    ///
    /// # Panics
    /// When there is no such event: indexes come from this list.
    #[must_use]
    pub fn head(&self, index: u32) -> &Head {
        &self.heads[index as usize]
    }

    /// One event, alive.
    ///
    /// # Panics
    /// When there is no such event: indexes come from this list.
    #[must_use]
    pub fn get(&self, index: u32) -> Event {
        let head = self.head(index);
        let (keys, payload) = self.unpack(head).unwrap_or_else(lost);
        Event {
            source: head.source,
            place: head.place(),
            at: head.at(),
            lane: self.lane(index),
            keys,
            payload,
        }
    }

    /// Only the keys of an event.
    ///
    /// # Panics
    /// When there is no such event: indexes come from this list.
    #[must_use]
    pub fn keys(&self, index: u32) -> Keys {
        self.with(self.head(index), Keys::unpack)
            .unwrap_or_default()
    }

    fn unpack(&self, head: &Head) -> Option<(Keys, Payload)> {
        self.with(head, |from| {
            Some((Keys::unpack(from)?, Payload::unpack(from)?))
        })
    }

    fn with<T>(&self, head: &Head, read: impl FnOnce(&mut Unpacker<'_>) -> Option<T>) -> Option<T> {
        let chunk = self.chunks.get(head.chunk as usize)?;
        let (from, length) = (head.from as usize, head.length as usize);
        let words = &chunk.words;
        chunk
            .bytes
            .read(from, length, |rest| read(&mut Unpacker { rest, words }))?
    }

    /// Packs events in parallel, in the order of what makes them.
    pub fn extend_from<T: Send>(
        &mut self,
        mut made: Vec<T>,
        make: impl Fn(T) -> Event + Sync,
        spill: &Arc<Spill>,
    ) {
        self.drain_from(&mut made, make, spill);
    }

    /// As [`Self::extend_from`], from a list that is filled again afterwards.
    pub fn drain_from<T: Send>(
        &mut self,
        made: &mut Vec<T>,
        make: impl Fn(T) -> Event + Sync,
        spill: &Arc<Spill>,
    ) {
        let packed: Vec<Self> = made
            .par_drain(..)
            .chunks(PACKED_TOGETHER)
            .map(|some| Self::pack(some.into_iter().map(&make), spill))
            .collect();
        for one in packed {
            self.append(one);
        }
    }

    fn pack(events: impl Iterator<Item = Event>, spill: &Arc<Spill>) -> Self {
        let most = events.size_hint().1.unwrap_or(0);
        let (mut heads, mut strands) = (Vec::with_capacity(most), Vec::with_capacity(most));
        let (mut out, mut words) = (Vec::new(), Words::default());
        for event in events {
            let from = out.len();
            let mut to = Packer {
                out: &mut out,
                words: &mut words,
            };
            event.keys.pack(&mut to);
            event.payload.pack(&mut to);
            heads.push(Head::new(&event, from, out.len() - from));
            strands.push(Strand::of(&event));
        }
        Self {
            heads,
            strands,
            chunks: vec![Chunk {
                bytes: Kept::new(&out, spill),
                words: words.list.into_boxed_slice(),
            }],
            asleep: Vec::new(),
        }
    }

    /// Lays another run of events behind this one; its heads are awake then.
    pub fn append(&mut self, other: Self) {
        if self.heads.capacity() == 0 && self.chunks.is_empty() && other.asleep.is_empty() {
            *self = other;
            return;
        }
        let before = self.chunks.len() as u32;
        self.heads.extend(other.heads.into_iter().map(|mut head| {
            head.chunk += before;
            head
        }));
        self.strands.extend(other.strands);
        for some in other.asleep {
            // What the disk does not give back is told by the spill.
            let _ = some.bytes.read(0, some.length, |rest| {
                let mut from = Unpacker { rest, words: &[] };
                let mut last = (Head::none(), Strand::default());
                for _ in 0..some.heads {
                    last.0 = Head::unpack_after(&last.0, &mut from)?;
                    last.1 = Strand::unpack_after(last.1, &mut from)?;
                    let mut head = last.0;
                    head.chunk += before;
                    self.heads.push(head);
                    self.strands.push(last.1);
                }
                Some(())
            });
        }
        self.chunks.extend(other.chunks);
    }

    /// All events in order, each alive while it is looked at.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Event> + '_ {
        (0..self.len() as u32).map(|index| self.get(index))
    }

    /// Puts the events into another order; those that it leaves out are gone.
    #[must_use]
    pub fn in_order(self, order: &[u32]) -> Self {
        let at = |index: &u32| *index as usize;
        let known = !self.strands.is_empty();
        Self {
            heads: order.iter().map(|index| self.heads[at(index)]).collect(),
            strands: order
                .iter()
                .filter(|_| known)
                .map(|index| self.strands[at(index)])
                .collect(),
            chunks: self.chunks,
            asleep: Vec::new(),
        }
    }

    /// Moves each event to the place that is given for it, `also` swaps what goes along. In place: there are millions.
    pub fn rearrange(&mut self, mut places: Vec<u32>, mut also: impl FnMut(usize, usize)) {
        for at in 0..places.len() {
            while places[at] as usize != at {
                let to = places[at] as usize;
                self.heads.swap(at, to);
                if !self.strands.is_empty() {
                    self.strands.swap(at, to);
                }
                also(at, to);
                places.swap(at, to);
            }
        }
    }

    /// Sorts by place in the source; what stands at one place keeps its order.
    #[must_use]
    pub fn sorted_by_place(self) -> Self {
        let number = |head: &Head| match head.place() {
            Place::Line(number) | Place::Frame(number) => number,
            Place::Whole => 0,
        };
        if self.heads.is_sorted_by_key(number) {
            return self;
        }
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|&index| number(self.head(index)));
        self.in_order(&order)
    }
}

impl FromIterator<Event> for Events {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut all = Self::default();
        all.extend_from(
            events.into_iter().collect(),
            |event| event,
            &Spill::unbounded(),
        );
        all
    }
}

/// Stands for an event that the disk did not give back; the run ends with an error then (see [`Spill::failed`]).
fn lost() -> (Keys, Payload) {
    let line = LogEvent {
        signal: Signal::Note,
        code: None,
        severity: Severity::Unknown,
        values: Vec::new(),
        text: Text::default(),
    };
    (Keys::default(), Payload::Log(Box::new(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Field, FieldState, Stamp, TimeQuality};

    fn event(number: u32) -> Event {
        let known = number % 3 != 0;
        Event {
            source: 0,
            place: if number % 2 == 0 {
                Place::Line(number)
            } else {
                Place::Frame(number)
            },
            at: Stamp {
                utc_micros: known.then_some(i64::from(number) * -1_000_007),
                quality: TimeQuality {
                    inherited: !known,
                    resolution_micros: 60_000_000,
                    ..TimeQuality::default()
                },
            },
            lane: u64::from(number / 5) << 40,
            keys: Keys {
                terminal: known.then(|| Text::from(format!("T{number}"))),
                ..Keys::default()
            },
            payload: Payload::Nfc(Box::new(Field {
                state: FieldState::On,
                uid: None,
                sak: None,
                phone_hint: false,
                text: Text::from(format!("{number}")),
            })),
        }
    }

    /// In memory and on disk, behind others that are awake.
    #[test]
    fn who_slept_wakes_as_he_was() {
        let folder = tempfile::tempdir().unwrap();
        for budget in [u64::MAX, 0] {
            let spill = Spill::new(budget, folder.path());
            let mut all = Events::default();
            let mut expected = Vec::new();
            for some in [0..5_u32, 5..40_000, 40_000..40_001] {
                let mut events = Events::default();
                events.extend_from(some.collect(), event, &spill);
                expected.extend(events.heads().iter().map(|head| format!("{:?}", head.at())));
                events.fall_asleep(&spill);
                assert!(events.heads().is_empty() && !events.is_empty());
                all.append(events);
            }
            assert_eq!(all.len(), 40_001);
            for (number, head) in (0_u32..).zip(all.heads()) {
                assert_eq!(format!("{:?}", head.at()), expected[number as usize]);
                assert_eq!(head.place(), event(number).place);
                assert_eq!(all.lane(number), event(number).lane);
            }
            for number in [0, 4, 5, 20_001, 39_999, 40_000] {
                assert_eq!(
                    format!("{:?}", all.get(number)),
                    format!("{:?}", event(number))
                );
            }
        }
    }

    #[test]
    fn everything_moves_to_its_place() {
        let mut events: Events = (0..5).map(event).collect();
        let mut beside = vec![0, 1, 2, 3, 4];
        events.rearrange(vec![3, 0, 4, 1, 2], |a, b| beside.swap(a, b));
        assert_eq!(beside, [1, 3, 4, 0, 2]);
        let lines: Vec<String> = events.iter().map(|e| format!("{:?}", e.place)).collect();
        let expected = [1, 3, 4, 0, 2].map(|number| format!("{:?}", event(number).place));
        assert_eq!(lines, expected);
    }
}
