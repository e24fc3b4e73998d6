//! Turns a stream of command and answer bytes into exchanges: pairs per lane, joins wrapped bytes, drops copies, folds T=0 follow-ups.
//!
//! Works on bytes alone and keeps no text; [`Draft::decode`] makes the masked event, and may run in parallel.

mod draft;
mod lists;
mod radio;

use std::collections::{BTreeMap, VecDeque};

use tapscope_parsers::content::apdu::{self, ApduLine, Way};
use tapscope_parsers::time::RawTime;

use lists::Lists;

pub(crate) use draft::{Draft, is_issue, keys_from_tags};
pub(crate) use radio::{FieldSeen, Radio, field};

use crate::event::{Issue, Place, Stamp};

/// Lines within which a copy of the same bytes is a copy, where times do not tell.
const COPY_LINES: u32 = 40;
/// Microseconds within which a copy of the same bytes is a copy.
const COPY_MICROS: i64 = 300_000;
/// Lines after which a lost card no longer explains an unanswered command.
const LOST_MICROS: i64 = 5_000_000;
/// Lanes that are kept; beyond, the oldest unanswered command is given up.
const LANES: usize = 4096;

/// Copies that a lane keeps back.
const HELD: usize = 32;

/// Where and when a line stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Line number from 1, or record number.
    pub place: u32,
    /// By the source's clock.
    pub at: Stamp,
    /// Microseconds since any start, where the source tells no time of day.
    pub ticks: Option<i64>,
    /// The time of the line that this one wraps.
    pub inner: Option<RawTime>,
}

impl Moment {
    fn since(&self, earlier: &Self) -> Option<i64> {
        match (self.at.utc_micros, earlier.at.utc_micros) {
            (Some(now), Some(then)) => Some(now - then),
            _ => Some(self.ticks? - earlier.ticks?),
        }
    }

    /// True where this is within one dialogue of an earlier moment.
    fn soon_after(&self, earlier: &Self) -> bool {
        match self.since(earlier) {
            Some(micros) => micros.abs() <= LOST_MICROS,
            None => self.place.abs_diff(earlier.place) <= 10 * COPY_LINES,
        }
    }

    /// True where two lines are so close that the same bytes are the same event.
    fn beside(&self, other: &Self) -> bool {
        match self.since(other) {
            Some(micros) => micros.abs() <= COPY_MICROS,
            None => self.place.abs_diff(other.place) <= COPY_LINES,
        }
    }
}

#[derive(Debug)]
struct Open {
    command: Vec<u8>,
    start: Moment,
    /// Bytes of the answer, with its status word unless `sw` stands apart.
    answer: Option<Vec<u8>>,
    sw: Option<u16>,
    answered_at: Option<Moment>,
    micros: Option<u32>,
    folded: bool,
    /// The last command that only fetched or repeated.
    follow_up: Vec<u8>,
    /// How many bytes the side that is being read shall have.
    expected: Option<usize>,
    /// Only the beginning of the answer was seen: its last bytes are no status word.
    cut: bool,
    /// Another lane has the same command at the same moment.
    copy: bool,
}

#[derive(Debug, Default)]
struct Lane {
    process: u64,
    open: Option<Open>,
    answers_seen: bool,
    /// Exchanges whose commands stand in another lane too: copies, unless this lane turns out to lead a dialogue of its own.
    held: Vec<Draft>,
    announced: Option<(Way, Option<usize>)>,
    lists: Lists,
    touched: u32,
}

/// Pairs commands and answers.
#[derive(Default)]
pub(crate) struct Pairing {
    lanes: BTreeMap<u64, Lane>,
    /// Commands seen lately: what copies in other lanes are compared with.
    recent: VecDeque<(u64, u64, Moment)>,
    done: Vec<Draft>,
}

/// Commands that only a dialogue of a reader's own has: options, records and cryptograms of its card.
fn is_own(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 0xA8 | 0xAE | 0x2A, ..] | [0x00, 0xB2, ..])
}

fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// True where Lc (and Le) fit what is there.
fn whole_command(bytes: &[u8]) -> bool {
    match bytes {
        [_, _, _, _] | [_, _, _, _, _] => true,
        [_, _, _, _, lc, data @ ..] => data.len() >= usize::from(*lc),
        _ => false,
    }
}

/// True where a template and its status word are all there, or a status word stands alone.
fn whole_answer(bytes: &[u8]) -> bool {
    let need = match bytes {
        [_, _] => return apdu::ends_in_status(bytes),
        [_, 0x81, l, ..] => 3 + usize::from(*l),
        [_, 0x82, h, l, ..] => 4 + (usize::from(*h) << 8 | usize::from(*l)),
        [_, l, ..] => 2 + usize::from(*l),
        _ => return false,
    };
    bytes.len() >= need + 2 && apdu::ends_in_status(bytes)
}

impl Open {
    fn status(&self) -> Option<u16> {
        self.sw.or_else(|| match self.answer.as_deref()? {
            [.., high, low] => Some(u16::from(*high) << 8 | u16::from(*low)),
            _ => None,
        })
    }
}

impl Pairing {
    /// Takes up a line.
    pub(crate) fn line(&mut self, line: ApduLine, process: u64, lane: u64, now: Moment) {
        self.bound();
        let slot = self.lanes.entry(lane).or_default();
        slot.process = process;
        slot.touched = now.place;
        match line {
            ApduLine::Bytes {
                way: Way::Command,
                bytes,
                announced,
                ..
            } => self.command(lane, bytes, announced, now),
            ApduLine::Bytes {
                way: Way::Answer,
                labelled,
                bytes,
                sw,
                micros,
                announced,
            } => {
                self.answer(lane, process, bytes, sw, micros, announced, labelled, now);
            }
            ApduLine::Announced { way, bytes, sw } => {
                self.announced(lane, process, way, bytes, sw, now)
            }
            ApduLine::More(bytes) => self.more(lane, process, bytes, now),
            ApduLine::Exchange {
                command,
                answer,
                sw,
                micros,
            } => {
                self.command(lane, command, None, now);
                self.answer(lane, process, answer, sw, micros, None, true, now);
            }
            ApduLine::Part(bytes) => {
                if let Some(open) = self.lanes.get_mut(&lane).and_then(|l| l.open.as_mut())
                    && open.answer.is_none()
                    && open.command.len() < 70_000
                {
                    open.command.extend(bytes);
                }
            }
        }
    }

    /// A command to the card.
    pub(crate) fn command(
        &mut self,
        lane: u64,
        bytes: Vec<u8>,
        announced: Option<usize>,
        now: Moment,
    ) {
        let mark = digest(&bytes);
        while self.recent.len() > 64 {
            self.recent.pop_front();
        }
        let copy = self
            .recent
            .iter()
            .any(|(known, other, at)| *known == mark && *other != lane && now.beside(at));
        let slot = self.lanes.entry(lane).or_default();
        slot.announced = None;
        if let Some(open) = slot.open.as_mut() {
            if open.answer.is_none()
                && (open.command == bytes
                    || bytes.starts_with(&open.command) && open.command.len() >= 5)
                && now.beside(&open.start)
            {
                open.command = bytes;
                return;
            }
            if open.answer.is_none() && open.folded && open.follow_up == bytes {
                return;
            }
            if follows(open, &bytes) {
                open.follow_up = bytes;
                open.answer = None;
                open.sw = None;
                open.folded = true;
                open.expected = None;
                return;
            }
        }
        let unanswered = slot
            .open
            .as_ref()
            .is_some_and(|o| o.answer.is_none() && o.sw.is_none());
        // Who selects anew or repeats himself got no answer; who goes on had one that the source does not show.
        let starts_again =
            bytes.get(1) == Some(&0xA4) || slot.open.as_ref().is_some_and(|o| o.command == bytes);
        let verdict = if unanswered && slot.answers_seen && starts_again {
            Some(false)
        } else {
            None
        };
        self.close(lane, verdict);
        self.recent.push_back((mark, lane, now));
        let slot = self.lanes.entry(lane).or_default();
        if !copy && !slot.held.is_empty() {
            // Two readers that select alike in the same moment: what follows is each one's own.
            let held = std::mem::take(&mut slot.held);
            let near = held.last().is_some_and(|last| now.soon_after(&last.start));
            if near && is_own(&bytes) {
                self.done.extend(held);
            }
        }
        let slot = self.lanes.entry(lane).or_default();
        slot.open = Some(Open {
            command: bytes,
            start: now,
            answer: None,
            sw: None,
            answered_at: None,
            micros: None,
            folded: false,
            follow_up: Vec::new(),
            expected: announced,
            cut: false,
            copy,
        });
    }

    /// A command of this lane has no answer yet.
    pub(crate) fn awaits(&self, lane: u64) -> bool {
        let open = self.lanes.get(&lane).and_then(|lane| lane.open.as_ref());
        open.is_some_and(|open| open.answer.is_none())
    }

    /// The lane whose command waits for an answer: its own, one of the same process, or the only one close by. A lane whose own
    /// command is answered leaves to others what `repeats` does not call the same again: an app's workers share one dialogue,
    /// and each line may be another's.
    fn waiting(
        &self,
        lane: u64,
        process: u64,
        now: Moment,
        repeats: impl Fn(&Open) -> bool,
    ) -> Option<u64> {
        let waits = |l: &Lane| l.open.as_ref().is_some_and(|o| o.answer.is_none());
        let own = self.lanes.get(&lane);
        if own.is_some_and(waits) {
            return Some(lane);
        }
        let answered = own.and_then(|l| l.open.as_ref());
        let beside = |own: &Open| own.answered_at.is_none_or(|at| now.beside(&at));
        if answered.is_some_and(|own| beside(own) && repeats(own)) {
            return None;
        }
        let near = |l: &Lane| waits(l) && now.place.saturating_sub(l.touched) <= 400;
        let later = |l: &Lane| match (answered.and_then(|own| own.answered_at), &l.open) {
            (Some(own), Some(open)) => l.process == process && open.start.place > own.place,
            _ => answered.is_none(),
        };
        let mut candidates: Vec<(bool, u32, u64)> = Vec::new();
        for (id, l) in &self.lanes {
            if near(l) && later(l) {
                candidates.push((l.process == process, l.touched, *id));
            }
        }
        candidates.sort_unstable();
        candidates.last().map(|(_, _, id)| *id)
    }

    /// An answer of the card.
    #[allow(
        clippy::too_many_arguments,
        reason = "the parts of one line, named where they are made"
    )]
    pub(crate) fn answer(
        &mut self,
        lane: u64,
        process: u64,
        bytes: Vec<u8>,
        sw: Option<u16>,
        micros: Option<u32>,
        announced: Option<usize>,
        labelled: bool,
        now: Moment,
    ) {
        let repeats = |open: &Open| {
            let known = open.answer.as_deref().unwrap_or_default();
            match *bytes {
                // A status word alone, of an answer that has the same or none yet.
                [high, low] => open
                    .status()
                    .is_none_or(|sw| sw.to_be_bytes() == [high, low]),
                _ => known.starts_with(&bytes) || open.sw.is_some() && known.is_empty(),
            }
        };
        if let Some(target) = self.waiting(lane, process, now, repeats) {
            if let Some(slot) = self.lanes.get_mut(&target) {
                slot.announced = None;
                slot.answers_seen = true;
                slot.touched = now.place;
                if let Some(open) = slot.open.as_mut() {
                    open.answer = Some(bytes);
                    open.sw = sw;
                    open.answered_at = Some(now);
                    open.micros = micros;
                    open.expected = announced;
                }
            }
            return;
        }
        let Some(slot) = self.lanes.get_mut(&lane) else {
            return;
        };
        if let Some(open) = slot.open.as_mut() {
            let known = open.answer.as_deref().unwrap_or_default();
            // The same again, or its status word alone, or its data alone.
            let status_only = bytes.len() == 2;
            if known == bytes || status_only || known.starts_with(&bytes) {
                return;
            }
            if open.sw.is_some() && known.is_empty() {
                open.answer = Some(bytes);
                return;
            }
        }
        if labelled
            && apdu::is_template_answer(&bytes, sw.is_some())
            && self.recent.back().is_none_or(|(_, _, at)| !now.beside(at))
        {
            // An answer whose command the source does not show.
            self.close(lane, None);
            if let Some(slot) = self.lanes.get_mut(&lane) {
                slot.open = Some(Open {
                    command: Vec::new(),
                    start: now,
                    answer: Some(bytes),
                    sw,
                    answered_at: Some(now),
                    micros,
                    folded: false,
                    follow_up: Vec::new(),
                    expected: announced,
                    cut: false,
                    copy: false,
                });
            }
            self.close(lane, Some(true));
        }
    }

    fn announced(
        &mut self,
        lane: u64,
        process: u64,
        way: Way,
        bytes: Option<usize>,
        sw: Option<u16>,
        now: Moment,
    ) {
        let target = if way == Way::Answer {
            let again = |open: &Open| sw.is_none() || open.status() == sw;
            self.waiting(lane, process, now, again).unwrap_or(lane)
        } else {
            lane
        };
        let Some(slot) = self.lanes.get_mut(&target) else {
            return;
        };
        if way == Way::Answer
            && let Some(open) = slot.open.as_mut()
        {
            if let Some(sw) = sw
                && open.answer.is_none()
            {
                open.sw = Some(sw);
                open.answer = Some(Vec::new());
                open.answered_at = Some(now);
                slot.answers_seen = true;
            } else if let (Some(sw), Some(answer), None) = (sw, &open.answer, open.sw)
                && bytes.is_none()
                && !answer.ends_with(&sw.to_be_bytes())
            {
                // The data came first, their status word on a line of its own.
                open.sw = Some(sw);
            }
            open.expected = bytes.or(open.expected);
            if bytes == Some(0) {
                slot.announced = None;
                return;
            }
        }
        slot.announced = (sw.is_none() || bytes.is_some()).then_some((way, bytes));
        slot.touched = now.place;
    }

    fn more(&mut self, lane: u64, process: u64, bytes: Vec<u8>, now: Moment) {
        let announced = self
            .lanes
            .get_mut(&lane)
            .and_then(|slot| slot.announced.take());
        match announced {
            Some((Way::Command, length)) => {
                let bytes = cut(bytes, length);
                if apdu::is_command(&bytes, false) || !whole_command(&bytes) {
                    self.command(lane, bytes, length, now);
                }
                return;
            }
            Some((Way::Answer, length)) => {
                let bytes = cut(bytes, length);
                if let Some(open) = self.lanes.get_mut(&lane).and_then(|s| s.open.as_mut())
                    && open.sw.is_some()
                    && open.answer.as_ref().is_none_or(Vec::is_empty)
                {
                    open.answer = Some(bytes);
                    open.expected = length;
                    return;
                }
                self.answer(lane, process, bytes, None, None, length, true, now);
                return;
            }
            None => {}
        }
        let Some(slot) = self.lanes.get_mut(&lane) else {
            return;
        };
        let Some(open) = slot.open.as_mut() else {
            return;
        };
        // Wrapped bytes follow at once; what comes later is something else.
        let adjacent = now.place.saturating_sub(
            slot.touched
                .max(open.answered_at.map_or(open.start.place, |m| m.place)),
        ) <= 3;
        match open.answer.as_mut() {
            None => {
                let short = open.expected.is_some_and(|n| open.command.len() < n)
                    || !whole_command(&open.command);
                if short && adjacent {
                    let room = open
                        .expected
                        .map_or(usize::MAX, |n| n.saturating_sub(open.command.len()));
                    open.command.extend(bytes.into_iter().take(room));
                    open.start.place = open.start.place.min(now.place);
                } else if apdu::is_answer(&bytes)
                    || open.command.len() >= 4 && whole_command(&open.command) && bytes.len() >= 2
                {
                    self.answer(lane, process, bytes, None, None, None, false, now);
                }
            }
            Some(answer) => {
                let short = match open.expected {
                    Some(n) => answer.len() < n,
                    None if open.sw.is_some() => true,
                    None => !whole_answer(answer),
                };
                if short && adjacent {
                    let room = open
                        .expected
                        .map_or(usize::MAX, |n| n.saturating_sub(answer.len()));
                    answer.extend(bytes.into_iter().take(room));
                    if let Some(at) = open.answered_at.as_mut() {
                        at.place = at.place.max(now.place.min(at.place));
                    }
                }
            }
        }
        if let Some(slot) = self.lanes.get_mut(&lane) {
            slot.touched = now.place;
        }
    }

    /// The card was lost or its time ran out: the command that waits will get no answer.
    pub(crate) fn lost(&mut self, process: u64, now: Moment) {
        let mut candidates: Vec<(bool, u32, u64)> = Vec::new();
        for (id, l) in &self.lanes {
            if let Some(open) = &l.open
                && open.answer.is_none()
                && open.sw.is_none()
                && now
                    .since(&open.start)
                    .is_none_or(|d| (0..=LOST_MICROS).contains(&d))
                && now.place.saturating_sub(open.start.place) <= 2000
            {
                candidates.push((l.process == process, l.touched, *id));
            }
        }
        candidates.sort_unstable();
        if let Some((_, _, id)) = candidates.last() {
            self.close(*id, Some(false));
        }
    }

    /// The source shows that the command of a lane got no answer.
    pub(crate) fn silent(&mut self, lane: u64) {
        self.close(lane, Some(false));
    }

    /// The beginning of an answer whose rest was damaged on the way to the source.
    pub(crate) fn partly(&mut self, lane: u64, bytes: Vec<u8>, now: Moment) {
        if let Some(open) = self.lanes.get_mut(&lane).and_then(|l| l.open.as_mut())
            && open.answer.is_none()
        {
            open.answer = Some(bytes);
            open.answered_at = Some(now);
            open.cut = true;
        }
    }

    /// The command of a lane may have got an answer; the source does not show it.
    pub(crate) fn unheard(&mut self, lane: u64) {
        self.close(lane, None);
    }

    /// Ends the exchange that is open in a lane.
    fn close(&mut self, lane: u64, verdict: Option<bool>) {
        let Some(slot) = self.lanes.get_mut(&lane) else {
            return;
        };
        let Some(open) = slot.open.take() else {
            return;
        };
        let cut = open.cut
            || open.expected == Some(apdu::CHAINED)
                && !open.answer.as_deref().is_some_and(whole_answer);
        let status = if cut { open.sw } else { open.status() };
        let answered = open.answer.is_some() || open.sw.is_some();
        let mut answer = open.answer.unwrap_or_default();
        if open.sw.is_none() && answered && !cut {
            answer.truncate(answer.len().saturating_sub(2));
        }
        let ins = open.command.get(1).copied();
        let dol = slot.lists.list_for(ins);
        let tail = slot.lists.tail_for(ins);
        slot.lists
            .observe(ins, status.filter(|_| answered), &answer);
        let micros = open.micros.or_else(|| {
            // Both at once means that the source does not time them.
            let span = open.answered_at?.since(&open.start)?;
            u32::try_from(span)
                .ok()
                .filter(|span| *span > 0)
                .filter(|_| {
                    open.start.ticks.is_some() || open.start.at.quality.resolution_micros <= 1000
                })
        });
        let draft = Draft {
            lane,
            start: open.start,
            command: open.command,
            answer,
            sw: if answered { status } else { None },
            answered: if answered { Some(true) } else { verdict },
            answer_place: open.answered_at.map(|m| m.place),
            micros: if answered { micros } else { None },
            dol,
            tail,
            folded: open.folded,
            incomplete: answered && status.is_none(),
        };
        if !open.copy {
            self.done.push(draft);
        } else if slot.held.len() < HELD {
            slot.held.push(draft);
        }
    }

    /// Keeps the number of lanes bounded.
    fn bound(&mut self) {
        if self.lanes.len() <= LANES {
            return;
        }
        let mut oldest: Vec<(u32, u64)> =
            self.lanes.iter().map(|(id, l)| (l.touched, *id)).collect();
        oldest.sort_unstable();
        for (_, id) in oldest.into_iter().take(LANES / 2) {
            self.close(id, None);
            self.lanes.remove(&id);
        }
    }

    /// Exchanges that are complete, in the order in which they ended.
    pub(crate) fn take(&mut self) -> Vec<Draft> {
        std::mem::take(&mut self.done)
    }

    /// Ends everything at the end of the source.
    pub(crate) fn finish(&mut self) -> Vec<Draft> {
        let mut open: Vec<u64> = self.lanes.keys().copied().collect();
        open.sort_unstable();
        for lane in open {
            self.close(lane, None);
        }
        self.take()
    }
}

fn cut(mut bytes: Vec<u8>, length: Option<usize>) -> Vec<u8> {
    if let Some(length) = length {
        bytes.truncate(length);
    }
    bytes
}

/// True where a command only fetches or repeats what the one before asked for (ISO/IEC 7816-3: 61xx, 6Cxx).
fn follows(open: &Open, next: &[u8]) -> bool {
    let Some(status) = open.status().filter(|_| open.answer.is_some()) else {
        return false;
    };
    let [high, low] = status.to_be_bytes();
    match high {
        // 9Fxx is the same for SIM cards (3GPP TS 51.011).
        0x61 | 0x9F => next.len() == 5 && (next.get(1) == Some(&0xC0) || next.get(4) == Some(&low)),
        0x6C => {
            next.len() >= 5 && next.get(..4) == open.command.get(..4) && next.last() == Some(&low)
        }
        _ => false,
    }
}

/// Faults of card data that are issues of their source: collected in any order, told in the order of places.
#[derive(Default)]
pub(crate) struct CardFaults(std::sync::Mutex<Vec<(u32, &'static str)>>);

impl CardFaults {
    /// Notes the faults of an exchange.
    pub(crate) fn note(&self, place: u32, faults: &[&'static str]) {
        let Some(first) = faults.iter().position(|fault| is_issue(fault)) else {
            return;
        };
        if let Ok(mut list) = self.0.lock() {
            let rest = faults.get(first..).unwrap_or_default();
            list.extend(rest.iter().filter(|f| is_issue(f)).map(|f| (place, *f)));
        }
    }

    /// Tells them: the first of each kind one by one, the rest as a count.
    pub(crate) fn tell(self, place: fn(u32) -> Place, source: u32) -> Vec<Issue> {
        let mut list = self.0.into_inner().unwrap_or_default();
        list.sort_unstable();
        let mut issues = crate::parse::capture::Issues::new(source);
        for (at, code) in list {
            let text = format!("data of the card: {code}");
            issues.add(place(at), code, 1, text);
        }
        crate::parse::capture::Issues::merge(vec![issues], source)
    }
}
