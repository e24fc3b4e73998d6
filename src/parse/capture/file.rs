//! Reads one capture file in windows: packets out of each, what its own frame lost, its ledger.

use std::io::Read;

use tapscope_parsers::protocol::net::capture::{
    CaptureLimits, FileIssue, FileKind, Packet, Reader, is_snoop,
};

use super::Issues;
use crate::event::{Events, Issue, Ledger, Place, Source, SourceKind, SourceStatus};
use crate::parse::{Context, Parsed};

/// Bytes read at a time: more than this falls out of the processor's cache before it is used.
const WINDOW: usize = 4 << 20;
/// The first window is smaller: most captures are.
const FIRST_WINDOW: usize = 256 << 10;

/// One file while it is read.
pub(super) struct File {
    pub(super) reader: Reader,
    pub(super) issues: Issues,
    pub(super) ledger: Ledger,
    head: Vec<u8>,
    pub(super) damaged: bool,
    unreadable: bool,
    first_damage: Option<String>,
    /// Frames of the set before it, and which file of the set it is.
    pub(super) start: u32,
    pub(super) number: u16,
}

pub(super) type Windows<'w> = &'w mut dyn FnMut(&mut File, &[u8], &mut [Packet]);

impl File {
    pub(super) fn new(ctx: &Context<'_>) -> Self {
        let limits = &ctx.plan.limits;
        Self {
            reader: Reader::within(CaptureLimits {
                packet_bytes: limits.packet_bytes,
                block_bytes: limits.block_bytes,
                interfaces: limits.interfaces,
            }),
            issues: Issues::new(0),
            ledger: Ledger::default(),
            head: Vec::new(),
            damaged: false,
            unreadable: false,
            first_damage: None,
            start: 0,
            number: 0,
        }
    }

    pub(super) fn read(&mut self, input: &mut dyn Read, ctx: &Context<'_>, window: Windows<'_>) {
        let mut buffer = vec![0u8; FIRST_WINDOW];
        let mut filled = 0;
        let mut packets: Vec<Packet> = Vec::new();
        loop {
            let (more, end) = self.fill(input, &mut buffer[filled..]);
            filled += more;
            if self.head.is_empty() {
                self.head = buffer[..filled.min(16)].to_vec();
            }
            self.ledger.bytes += more as u64;
            packets.clear();
            let used = self.reader.feed(&buffer[..filled], end, &mut packets);
            if !packets.is_empty() {
                window(self, &buffer[..used], &mut packets);
            }
            self.file_issues();
            (ctx.progress)(more as u64);
            buffer.copy_within(used..filled, 0);
            filled -= used;
            if end {
                return;
            }
            if buffer.len() < WINDOW {
                buffer.resize(WINDOW, 0);
            } else if filled == buffer.len() {
                // A block that is larger than the window, and that holds a packet: make room, up to what is believed.
                buffer.resize(buffer.len() * 2, 0);
            }
        }
    }

    /// Fills the buffer from the input, so that windows do not depend on how the bytes arrive.
    fn fill(&mut self, input: &mut dyn Read, buffer: &mut [u8]) -> (usize, bool) {
        let mut n = 0;
        while n < buffer.len() {
            match input.read(&mut buffer[n..]) {
                Ok(0) => return (n, true),
                Ok(more) => n += more,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.unreadable = true;
                    let place = self.place();
                    let text = format!("reading stopped: {}", e.kind());
                    self.damage("read_error", place, 1, text);
                    return (n, true);
                }
            }
        }
        (n, false)
    }

    fn place(&self) -> Place {
        match self.reader.frames() {
            0 => Place::Whole,
            n => Place::Frame(n),
        }
    }

    fn damage(&mut self, code: &'static str, place: Place, count: u64, text: String) {
        self.damaged = true;
        self.ledger.damaged_records += count;
        if self.first_damage.is_none() {
            self.first_damage = Some(format!("{code}: {text}"));
        }
        self.issues.add(place, code, count, text);
    }

    fn file_issues(&mut self) {
        for issue in self.reader.take_issues() {
            let FileIssue {
                code,
                frame,
                offset,
                expected,
                found,
                skipped,
            } = issue;
            let place = if frame == 0 {
                Place::Whole
            } else {
                Place::Frame(frame)
            };
            let text = format!(
                "expected {expected}, found {found}, at offset {offset}; {skipped} bytes passed over"
            );
            self.damage(code, place, 1, text);
        }
    }

    pub(super) fn parsed(self, events: Events, issues: Vec<Issue>, ctx: &Context<'_>) -> Parsed {
        let mut ledger = self.ledger;
        let bytes = self.reader.bytes();
        ledger.ignored += bytes.structure;
        ledger.unreadable += bytes.lost;
        ledger.not_understood += bytes.foreign;
        ledger.events = events.len() as u64;
        let format = match self.reader.kind() {
            Some(FileKind::Pcap) => Some("pcap"),
            Some(FileKind::PcapNg) => Some("pcapng"),
            None if is_snoop(&self.head) => Some("snoop (not supported)"),
            None => None,
        };
        let status = if self.unreadable {
            SourceStatus::Unreadable
        } else if self.reader.kind().is_none() {
            SourceStatus::Unrecognised
        } else if self.damaged {
            SourceStatus::Damaged
        } else {
            SourceStatus::Ok
        };
        Parsed {
            source: Source {
                path: ctx.path.into(),
                blake3: [0; 32],
                sha256: None,
                kind: self.reader.kind().map(|_| SourceKind::Capture),
                format: format.map(Into::into),
                encoding: None,
                status,
                ledger,
                first_damage: self.first_damage.map(Into::into),
                device: None,
                year_said: None,
            },
            events,
            issues,
        }
    }
}
