//! Facts out of the data storage of a card: what was read, what was written, and which of it failed.
//!
//! Kernel 2 has two kinds (EMV Contactless Book C-2, 5.6): integrated (the operator's data come with GET PROCESSING OPTIONS and
//! are written with GENERATE AC) and standalone (GET DATA and PUT DATA of data envelopes). Kernel 8 has READ DATA and WRITE DATA.

use super::Row;
use super::list::Fact;
use super::view::{Seen, View};
use crate::event::{CommandKind, Exchange, Tag, TagValue};

/// Data that a card holds for an operator: the operator's data, their slot and summary.
const READ: &[u32] = &[0x9F54, 0x9F5F, 0x9F6F, 0x9F7D];
/// Data of kernel 2's storage that mean nothing else in any dialogue where they are sent by a list of the card.
const ASKED: &[u32] = &[0x9F5C, 0x9F5E, 0xDF63, 0xDF_8108, 0xDF_8109];

/// What the storage commands of an attempt came to.
#[derive(Default)]
struct Storage {
    kinds: Vec<&'static str>,
    read: Vec<String>,
    written: Vec<String>,
    failed: Option<(String, u32)>,
    events: Vec<u32>,
    /// The kernel or the card says whether what was written with the cryptogram stands.
    stands: Option<(bool, u32)>,
}

impl Storage {
    fn of(&mut self, kind: &'static str, event: u32) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
        self.events.push(event);
    }

    /// A command that reads or writes one thing.
    fn command(&mut self, write: bool, what: String, seen: &Seen<'_, Exchange>) {
        let verb = if write { "write" } else { "read" };
        let why = match seen.what.sw {
            Some(0x9000) => {
                let list = if write {
                    &mut self.written
                } else {
                    &mut self.read
                };
                if !list.contains(&what) {
                    list.push(what);
                }
                return;
            }
            Some(sw) => format!("{sw:04X}"),
            None if seen.what.answered == Some(false) => "silence".to_owned(),
            None => return,
        };
        let failed = (format!("{verb} {what} {why}"), seen.index);
        self.failed.get_or_insert(failed);
    }
}

/// Storage facts.
pub fn facts(view: &View<'_>, row: &mut Row) {
    let mut storage = Storage::default();
    let kernel_2 = super::steps::kernel(view) == Some("2");
    for seen in &view.exchanges {
        let [class, instruction, p1, p2] = seen.what.header;
        let tag = u32::from(p1) << 8 | u32::from(p2);
        let envelope = (0x9F70..=0x9F79).contains(&tag);
        match (seen.what.command, instruction) {
            (CommandKind::PutData, _) => {
                storage.of("standalone", seen.index);
                storage.command(true, format!("{tag:X}"), seen);
            }
            // UnionPay has electronic cash under the same tags.
            (CommandKind::GetData, _) if envelope && kernel_2 => {
                storage.of("standalone", seen.index);
                storage.command(false, format!("{tag:X}"), seen);
            }
            (_, 0x32 | 0x34) if class & 0xFC == 0x80 => {
                storage.of("kernel_8", seen.index);
                storage.command(instruction == 0x34, format!("{p1:02X}{p2:02X}"), seen);
            }
            (_, _) if kernel_2 => integrated(seen, &mut storage),
            _ => {}
        }
    }
    summaries(view, &mut storage);
    tell(&storage, row);
}

fn holds(tags: &[Tag], wanted: &[u32], sent: bool) -> Vec<u32> {
    tags.iter()
        .filter(|object| object.sent == sent && wanted.contains(&object.tag))
        .filter(|object| !matches!(&object.value, TagValue::Bytes(b) if b.iter().all(|b| *b == 0)))
        .map(|object| object.tag)
        .collect()
}

fn integrated(seen: &Seen<'_, Exchange>, storage: &mut Storage) {
    let tags = &seen.what.tags;
    match seen.what.command {
        CommandKind::GetProcessingOptions => {
            // The operator's identifier in the data means that the reader asks for its storage.
            if holds(tags, ASKED, true).is_empty() {
                return;
            }
            storage.of("integrated", seen.index);
            let found = holds(tags, READ, false);
            if found.is_empty() {
                storage.command(false, "9F5C".to_owned(), seen);
                if seen.what.sw == Some(0x9000) {
                    storage.read.clear();
                    let nothing = ("read 9F5C nothing".to_owned(), seen.index);
                    storage.failed.get_or_insert(nothing);
                }
            }
            for tag in found {
                storage.command(false, format!("{tag:X}"), seen);
            }
        }
        CommandKind::GenerateAc => {
            for tag in holds(tags, &[0xDF63, 0xDF_8109], true) {
                storage.of("integrated", seen.index);
                storage.command(true, format!("{tag:X}"), seen);
            }
        }
        _ => {}
    }
}

/// Summaries before, with and after the cryptogram: changed data make reading void, unchanged ones writing.
fn summaries(view: &View<'_>, storage: &mut Storage) {
    let summary = |tag: u32| view.tag(tag, Some(false));
    if let (Some((first, _)), Some((second, event))) = (summary(0x9F7D), summary(0xDF_8101))
        && first != second
    {
        let changed = ("read 9F7D summary differs".to_owned(), event);
        storage.failed.get_or_insert(changed);
    }
    if let (Some((second, _)), Some((third, event))) = (summary(0xDF_8101), summary(0xDF_8102)) {
        storage.stands = Some((second != third, event));
    }
    // The kernel's own account, where a trace or log holds it.
    if let Some((&[status], event)) = view.tag(0xDF_810B, None)
        && storage.kinds.contains(&"integrated")
    {
        storage.stands = Some((status & 0x40 != 0, event));
    }
    for (tag, name) in [(0xDF_810F, "before"), (0xDF_810E, "after")] {
        if let Some((&[status], event)) = view.tag(tag, None)
            && status & 0x80 == 0
            && storage.kinds.contains(&"standalone")
        {
            let kept = (format!("write {name} generate_ac incomplete"), event);
            storage.failed.get_or_insert(kept);
        }
    }
    let by_cryptogram = |what: &String| what.starts_with("DF");
    if let Some((false, event)) = storage.stands
        && let Some(at) = storage.written.iter().position(by_cryptogram)
    {
        let what = storage.written.remove(at);
        storage.written.retain(|what| !by_cryptogram(what));
        let unchanged = (format!("write {what} unchanged"), event);
        storage.failed.get_or_insert(unchanged);
    }
}

fn tell(storage: &Storage, row: &mut Row) {
    let used = !storage.kinds.is_empty();
    row.seen(Fact::data_storage, &storage.events, true);
    row.text(
        Fact::storage_kind,
        &storage.kinds.join(","),
        &storage.events,
    );
    if !used {
        return;
    }
    row.text(Fact::storage_read, &storage.read.join(","), &storage.events);
    row.text(
        Fact::storage_written,
        &storage.written.join(","),
        &storage.events,
    );
    row.text_or(
        Fact::storage_failed,
        storage
            .failed
            .as_ref()
            .map(|(text, event)| (text.as_str(), *event)),
        true,
    );
    if let Some((stands, event)) = storage.stands {
        row.bool(Fact::storage_write_stands, stands, &[event]);
    }
}
