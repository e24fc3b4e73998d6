//! Cuts a capture file (pcap in all its kinds, pcapng) into packets, window by window, and goes on after damage.
//!
//! Push style: the caller owns the buffer, [`Reader::feed`] says how much of it was used up and where the packets stand.
//! This is the only file that knows pcap-parser. Timestamps, block bounds and obsolete blocks are worked out here: the
//! crate reads `if_tsoffset` in the wrong byte order in big-endian sections, knows no base-2 resolution, and inverts
//! the test for cut simple packets.

use pcap_parser::pcapng::{
    PcapNGOption, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock,
};
use pcap_parser::{
    LegacyPcapBlock, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use super::bytes::{be32, le32, long, size, u16_at, u32_at};
use super::resync;

mod record;

use record::to_nanos;
pub use record::{FileBytes, FileIssue, FileKind, Packet};

/// What is believed of a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureLimits {
    /// Largest packet; also the limit of `snaplen` in common tools. Never more than a [`MIN_WINDOW`] holds.
    pub packet_bytes: u32,
    /// Largest pcapng block.
    pub block_bytes: u32,
    /// Most interfaces of one pcapng section.
    pub interfaces: usize,
}

impl Default for CaptureLimits {
    fn default() -> Self {
        Self {
            packet_bytes: 262_144,
            block_bytes: 16 << 20,
            interfaces: 1024,
        }
    }
}

/// A buffer of at least this size always makes progress (but for larger pcapng blocks, which are skipped).
pub const MIN_WINDOW: usize = 2 << 20;
const PACKET_WITHIN: &str = "a packet within the bound `packet_bytes`";
const SHB: u32 = 0x0A0D_0D0A;

#[derive(Debug, Clone, Copy)]
struct Classic {
    big: bool,
    modified: bool,
    nanos: bool,
    order: Lengths,
    link: u16,
    last_seconds: Option<u32>,
}

/// Which of the two lengths of a record comes first: up to version 2.2 it was the original one, and files that say 2.3 have
/// either order (libpcap, `sf-pcap.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// The smaller one is the captured one.
    Either,
}

impl Lengths {
    /// The length captured and the original one, of the two as they stand.
    pub(super) fn sort(self, first: u32, second: u32) -> (u32, u32) {
        match self {
            Self::OriginalFirst => (second, first),
            Self::Either if first > second => (second, first),
            _ => (first, second),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link: u16,
    snaplen: u32,
    resolution: u8,
    offset_seconds: i64,
}

#[derive(Debug, Clone)]
struct Ng {
    big: bool,
    interfaces: Vec<Interface>,
}

#[derive(Debug, Clone)]
enum State {
    Start,
    Classic(Classic),
    Ng(Ng),
    /// Nothing more can be read.
    Dead,
}

/// What one step over the buffer did.
enum Step {
    /// So many bytes are done with.
    Used(usize),
    /// More bytes are needed from here.
    More,
    /// The record here is no record.
    Bad {
        code: &'static str,
        expected: &'static str,
        found: u64,
    },
}

/// Cuts a capture file into packets.
#[derive(Debug, Clone)]
pub struct Reader {
    limits: CaptureLimits,
    state: State,
    kind: Option<FileKind>,
    frame: u32,
    offset: u64,
    /// Set while looking for the next good record: index of the issue in `issues` that counts the bytes.
    lost: Option<FileIssue>,
    skip: u64,
    bytes: FileBytes,
    issues: Vec<FileIssue>,
    /// Lines of TLS secrets found in the file.
    secrets: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::within(CaptureLimits::default())
    }

    /// As [`Self::new`], with other bounds.
    #[must_use]
    pub fn within(limits: CaptureLimits) -> Self {
        let most = u32::try_from(MIN_WINDOW / 2).unwrap_or(u32::MAX);
        Self {
            limits: CaptureLimits {
                packet_bytes: limits.packet_bytes.min(most),
                ..limits
            },
            state: State::Start,
            kind: None,
            frame: 0,
            offset: 0,
            lost: None,
            skip: 0,
            bytes: FileBytes::default(),
            issues: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// True where the bytes begin like a capture that this reader knows.
    #[must_use]
    pub fn recognises(head: &[u8]) -> bool {
        match le32(head, 0) {
            Some(0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34 | 0xd4c3_b2a1 | 0x4d3c_b2a1) => true,
            Some(SHB) => matches!(le32(head, 8), Some(0x1A2B_3C4D | 0x4D3C_2B1A)),
            _ => false,
        }
    }

    /// Kind of file, once its header was read.
    #[must_use]
    pub fn kind(&self) -> Option<FileKind> {
        self.kind
    }

    /// Number of packets so far.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frame
    }

    /// Bytes so far that are not packet records.
    #[must_use]
    pub fn bytes(&self) -> FileBytes {
        self.bytes
    }

    /// Takes the issues found since the last call.
    pub fn take_issues(&mut self) -> Vec<FileIssue> {
        core::mem::take(&mut self.issues)
    }

    /// Takes the TLS secrets (lines of a key log) found since the last call.
    pub fn take_secrets(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.secrets)
    }

    /// Cuts as many packets as stand whole in `window` (the next unread bytes of the file) and appends them to `out`.
    /// Returns how many bytes are done with; the rest must be at the start of the next window. `end` says that no more
    /// bytes follow. With `end`, or a window of at least [`MIN_WINDOW`] bytes, the answer is never zero while bytes remain.
    pub fn feed(&mut self, window: &[u8], end: bool, out: &mut Vec<Packet>) -> usize {
        let mut at = 0;
        while at < window.len() {
            if self.skip > 0 {
                let n = usize::try_from(self.skip)
                    .unwrap_or(usize::MAX)
                    .min(window.len() - at);
                self.skip -= long(n);
                self.bytes.structure += long(n);
                at += n;
                continue;
            }
            let rest = window.get(at..).unwrap_or_default();
            let used = if self.lost.is_some() {
                self.search(rest, end)
            } else {
                self.step_or_lose(rest, at, end, out)
            };
            match used {
                Some(n) => {
                    at += n;
                    self.offset += long(n);
                }
                None => break,
            }
        }
        if end && at < window.len() {
            self.cut_tail(window.len() - at);
            at = window.len();
        }
        if end {
            self.close_lost();
        }
        at
    }

    fn cut_tail(&mut self, left: usize) {
        self.bytes.lost += long(left);
        self.issues.push(FileIssue {
            code: "capture_cut",
            frame: self.frame,
            offset: self.offset,
            expected: "a whole record",
            found: long(left),
            skipped: long(left),
        });
        self.offset += long(left);
    }

    fn close_lost(&mut self) {
        if let Some(issue) = self.lost.take() {
            self.issues.push(issue);
        }
    }

    /// One record; `None` when more bytes are needed.
    fn step_or_lose(
        &mut self,
        rest: &[u8],
        at: usize,
        end: bool,
        out: &mut Vec<Packet>,
    ) -> Option<usize> {
        let step = match &self.state {
            State::Start => self.start(rest),
            State::Classic(c) => {
                let c = *c;
                self.classic(rest, at, c, out)
            }
            State::Ng(_) => self.block(rest, at, out),
            State::Dead => {
                self.bytes.foreign += long(rest.len());
                Step::Used(rest.len())
            }
        };
        match step {
            Step::Used(n) => Some(n),
            Step::More if !end && rest.len() >= MIN_WINDOW => {
                // Cannot happen for lengths that we believe; never loop on it.
                self.lose(
                    "capture_record_too_big",
                    "a record that fits",
                    long(rest.len()),
                );
                Some(0)
            }
            Step::More => None,
            Step::Bad {
                code,
                expected,
                found,
            } => {
                self.lose(code, expected, found);
                Some(0)
            }
        }
    }

    fn lose(&mut self, code: &'static str, expected: &'static str, found: u64) {
        self.lost = Some(FileIssue {
            code,
            frame: self.frame,
            offset: self.offset,
            expected,
            found,
            skipped: 0,
        });
    }

    /// Looks for the next good record. `None` when more bytes are needed to be sure.
    fn search(&mut self, rest: &[u8], end: bool) -> Option<usize> {
        let first = self.lost.as_ref().is_some_and(|l| l.skipped == 0);
        let from = usize::from(first);
        let sure = end || rest.len() >= MIN_WINDOW;
        let found = match &self.state {
            State::Classic(c) => resync::classic(
                rest,
                from,
                &resync::Style {
                    big: c.big,
                    modified: c.modified,
                    nanos: c.nanos,
                    order: c.order,
                    near_seconds: c.last_seconds,
                    most: self.limits.packet_bytes,
                },
                sure,
            ),
            State::Ng(ng) => resync::block(rest, from, ng.big, self.limits.block_bytes, sure),
            State::Start | State::Dead => resync::Found::Nowhere(rest.len()),
        };
        let (n, done) = match found {
            resync::Found::At(n) => (n, true),
            resync::Found::Nowhere(n) => (n, false),
        };
        self.bytes.lost += long(n);
        if let Some(l) = &mut self.lost {
            l.skipped += long(n);
        }
        if done {
            self.close_lost();
            return Some(n);
        }
        if n == 0 { None } else { Some(n) }
    }

    fn dead(&mut self, code: &'static str, expected: &'static str, found: u64) -> Step {
        self.issues.push(FileIssue {
            code,
            frame: 0,
            offset: self.offset,
            expected,
            found,
            skipped: 0,
        });
        self.state = State::Dead;
        Step::Used(0)
    }

    fn start(&mut self, rest: &[u8]) -> Step {
        let Some(magic) = le32(rest, 0) else {
            return Step::More;
        };
        if magic == SHB {
            self.kind = Some(FileKind::PcapNg);
            self.state = State::Ng(Ng {
                big: false,
                interfaces: Vec::new(),
            });
            return Step::Used(0);
        }
        match parse_pcap_header(rest) {
            Ok((_, header)) => {
                self.kind = Some(FileKind::Pcap);
                if header.version_major != 2 {
                    return self.dead(
                        "pcap_version",
                        "version 2 of the pcap format",
                        u64::from(header.version_major),
                    );
                }
                // The upper bits hold the length of the frame check sequence.
                let link = u16::try_from(header.network.0 & 0xFFFF).unwrap_or(0);
                self.state = State::Classic(Classic {
                    big: header.is_bigendian(),
                    modified: header.is_modified_format(),
                    nanos: header.is_nanosecond_precision(),
                    order: match header.version_minor {
                        0..=2 => Lengths::OriginalFirst,
                        3 => Lengths::Either,
                        _ => Lengths::CapturedFirst,
                    },
                    link,
                    last_seconds: None,
                });
                self.bytes.structure += 24;
                Step::Used(24)
            }
            Err(pcap_parser::nom::Err::Incomplete(_)) => Step::More,
            Err(_) => self.dead("capture_magic", "a capture file", u64::from(magic)),
        }
    }

    fn classic(&mut self, rest: &[u8], at: usize, c: Classic, out: &mut Vec<Packet>) -> Step {
        let header = if c.modified { 24 } else { 16 };
        let (Some(first), Some(second)) = (u32_at(rest, 8, c.big), u32_at(rest, 12, c.big)) else {
            return Step::More;
        };
        let (len, original) = c.order.sort(first, second);
        let bad = |found: u32| Step::Bad {
            code: "pcap_record_header",
            expected: "a packet record header",
            found: u64::from(found),
        };
        if len > self.limits.packet_bytes {
            // A header that is right but for its length is a packet beyond the bound; anything else is damage.
            let fraction = u32_at(rest, 4, c.big).unwrap_or(u32::MAX);
            let unit = if c.nanos { 1_000_000_000 } else { 1_000_000 };
            let near = c.last_seconds.is_none_or(|last| {
                u32_at(rest, 0, c.big).is_some_and(|at| at.abs_diff(last) < 3600)
            });
            if fraction < unit && near && len <= original && original <= self.limits.block_bytes {
                return Step::Bad {
                    code: "pcap_packet_too_big",
                    expected: PACKET_WITHIN,
                    found: u64::from(len),
                };
            }
            return bad(len);
        }
        let parsed = if c.modified {
            parse_pcap_frame_modified(rest)
        } else if c.big {
            parse_pcap_frame_be(rest)
        } else {
            parse_pcap_frame(rest)
        };
        let (seconds, fraction) = match parsed {
            // The crate knows one order of the lengths only.
            _ if len != first => {
                let whole = rest.get(..header + size(len));
                let at = |place| whole.and_then(|record| u32_at(record, place, c.big));
                let (Some(seconds), Some(fraction)) = (at(0), at(4)) else {
                    return Step::More;
                };
                (seconds, fraction)
            }
            Ok((
                _,
                LegacyPcapBlock {
                    ts_sec, ts_usec, ..
                },
            )) => (ts_sec, ts_usec),
            Err(_) => return Step::More,
        };
        if len == 0 && (original == 0 || seconds == 0) {
            return bad(0);
        }
        let unit = if c.nanos { 1 } else { 1000 };
        let nanos = i64::from(seconds)
            .checked_mul(1_000_000_000)
            .and_then(|s| s.checked_add(i64::from(fraction) * unit));
        self.frame += 1;
        out.push(Packet {
            frame: self.frame,
            nanos,
            link: c.link,
            start: at + header,
            len,
            original_len: original.max(len),
            record_len: len + if c.modified { 24 } else { 16 },
        });
        if let State::Classic(state) = &mut self.state {
            state.last_seconds = Some(seconds);
        }
        Step::Used(header + size(len))
    }

    fn block(&mut self, rest: &[u8], at: usize, out: &mut Vec<Packet>) -> Step {
        if rest.len() < 12 {
            return Step::More;
        }
        let section = le32(rest, 0) == Some(SHB);
        if section {
            match le32(rest, 8) {
                Some(0x1A2B_3C4D) => self.set_order(false),
                Some(0x4D3C_2B1A) => self.set_order(true),
                other => {
                    return Step::Bad {
                        code: "pcapng_block",
                        expected: "a byte-order mark",
                        found: u64::from(other.unwrap_or(0)),
                    };
                }
            }
        }
        let State::Ng(ng) = &self.state else {
            return Step::Used(0);
        };
        let big = ng.big;
        let length = u32_at(rest, 4, big).unwrap_or(0);
        let bad = |found: u32| Step::Bad {
            code: "pcapng_block",
            expected: "a block of sensible length, the same at both ends",
            found: u64::from(found),
        };
        if length < 12 || !length.is_multiple_of(4) {
            return bad(length);
        }
        let kind = u32_at(rest, 0, big).unwrap_or(0);
        if length > self.limits.block_bytes {
            return Step::Bad {
                code: "pcap_block_too_big",
                expected: "a block within the bound `block_bytes`",
                found: u64::from(length),
            };
        }
        let n = size(length);
        let Some(block) = rest.get(..n) else {
            // A long block that holds no packet need not be in memory.
            if n > MIN_WINDOW / 2 && !matches!(kind, SHB | 1 | 2 | 3 | 6) {
                self.skip = long(n);
                self.offset += long(n);
                return Step::Used(0);
            }
            return Step::More;
        };
        if u32_at(block, n - 4, big) != Some(length) {
            return bad(length);
        }
        let step = match kind {
            SHB => self.section(block),
            1 => self.interface(block, big),
            2 | 3 | 6 => return self.packet(block, kind, at, out),
            10 => self.decryption_secrets(block, big),
            _ => Step::Used(n),
        };
        if let Step::Used(n) = step {
            self.bytes.structure += long(n);
        }
        step
    }

    /// Decryption secrets block: keeps the lines of a TLS key log.
    fn decryption_secrets(&mut self, block: &[u8], big: bool) -> Step {
        const TLS_KEY_LOG: u32 = 0x544C_534B;
        let length = size(u32_at(block, 12, big).unwrap_or(0));
        if u32_at(block, 8, big) == Some(TLS_KEY_LOG)
            && let Some(lines) = block.get(16..16usize.saturating_add(length))
        {
            self.secrets.extend_from_slice(lines);
            self.secrets.push(b'\n');
        }
        Step::Used(block.len())
    }

    fn set_order(&mut self, big: bool) {
        if let State::Ng(ng) = &mut self.state {
            ng.big = big;
        }
    }

    fn section(&mut self, block: &[u8]) -> Step {
        if let State::Ng(ng) = &mut self.state {
            ng.interfaces.clear();
        }
        let major = if let Ok((_, section)) = parse_sectionheaderblock(block) {
            section.major_version
        } else {
            // Options that overrun their block are no reason to lose the packets behind it.
            self.issues.push(FileIssue {
                code: "pcapng_options",
                frame: self.frame,
                offset: self.offset,
                expected: "options that end inside their block",
                found: long(block.len()),
                skipped: 0,
            });
            let State::Ng(ng) = &self.state else {
                return Step::Used(0);
            };
            u16_at(block, 12, ng.big).unwrap_or(1)
        };
        if major != 1 {
            return self.dead(
                "pcapng_version",
                "version 1 of the pcapng format",
                u64::from(major),
            );
        }
        Step::Used(block.len())
    }

    fn interface(&mut self, block: &[u8], big: bool) -> Step {
        let parsed = if big {
            parse_interfacedescriptionblock_be(block)
        } else {
            parse_interfacedescriptionblock_le(block)
        };
        let interface = if let Ok((_, idb)) = &parsed {
            Interface {
                link: u16::try_from(idb.linktype.0 & 0xFFFF).unwrap_or(0),
                snaplen: idb.snaplen,
                resolution: option(&idb.options, 9)
                    .and_then(|v| v.first().copied())
                    .unwrap_or(6),
                offset_seconds: option(&idb.options, 14)
                    .and_then(|v| v.first_chunk())
                    .map_or(0, |v| {
                        if big {
                            i64::from_be_bytes(*v)
                        } else {
                            i64::from_le_bytes(*v)
                        }
                    }),
            }
        } else {
            self.issues.push(FileIssue {
                code: "pcapng_options",
                frame: self.frame,
                offset: self.offset,
                expected: "options that end inside their block",
                found: long(block.len()),
                skipped: 0,
            });
            Interface {
                link: u16_at(block, 8, big).unwrap_or(0),
                snaplen: u32_at(block, 12, big).unwrap_or(0),
                resolution: 6,
                offset_seconds: 0,
            }
        };
        if let State::Ng(ng) = &mut self.state {
            if ng.interfaces.len() < self.limits.interfaces {
                ng.interfaces.push(interface);
            } else {
                self.issues.push(FileIssue {
                    code: "pcapng_interfaces",
                    frame: self.frame,
                    offset: self.offset,
                    expected: "no more interfaces than the bound `interfaces`",
                    found: long(ng.interfaces.len()) + 1,
                    skipped: 0,
                });
            }
        }
        Step::Used(block.len())
    }

    /// Enhanced (6), simple (3) and obsolete (2) packet blocks.
    fn packet(&mut self, block: &[u8], kind: u32, at: usize, out: &mut Vec<Packet>) -> Step {
        let State::Ng(ng) = &self.state else {
            return Step::Used(0);
        };
        let big = ng.big;
        let word = |at: usize| u32_at(block, at, big).unwrap_or(0);
        let (number, header) = match kind {
            3 => (0, 12),
            2 => (size(u32::from(u16_at(block, 8, big).unwrap_or(0))), 28),
            _ => (size(word(8)), 28),
        };
        let room = block.len().saturating_sub(header + 4);
        let interface = ng.interfaces.get(number).copied();
        let (len, original) = if kind == 3 {
            let original = word(8);
            let snap = interface.map_or(0, |i| i.snaplen);
            let wanted = if snap == 0 {
                original
            } else {
                original.min(snap)
            };
            (size(wanted).min(room), original)
        } else {
            (size(word(20)), word(24))
        };
        let Some(interface) = interface.filter(|_| len <= room && header + 4 <= block.len()) else {
            self.bytes.lost += long(block.len());
            self.issues.push(FileIssue {
                code: "pcapng_packet",
                frame: self.frame,
                offset: self.offset,
                expected: "a packet of a described interface that fits its block",
                found: long(len),
                skipped: long(block.len()),
            });
            // Wireshark counts it as no frame either: it stops here.
            return Step::Used(block.len());
        };
        if len > size(self.limits.packet_bytes) {
            self.bytes.lost += long(block.len());
            self.issues.push(FileIssue {
                code: "pcap_packet_too_big",
                frame: self.frame,
                offset: self.offset,
                expected: PACKET_WITHIN,
                found: long(len),
                skipped: long(block.len()),
            });
            return Step::Used(block.len());
        }
        let nanos = (kind != 3).then(|| {
            let units = (u64::from(word(12)) << 32) | u64::from(word(16));
            to_nanos(units, interface.resolution, interface.offset_seconds)
        });
        self.frame += 1;
        let len32 = u32::try_from(len).unwrap_or(u32::MAX);
        out.push(Packet {
            frame: self.frame,
            nanos: nanos.flatten(),
            link: interface.link,
            start: at + header,
            len: len32,
            original_len: original.max(len32),
            record_len: u32::try_from(block.len()).unwrap_or(u32::MAX),
        });
        Step::Used(block.len())
    }
}

fn option<'a>(options: &'a [PcapNGOption<'a>], code: u16) -> Option<&'a [u8]> {
    options
        .iter()
        .find(|o| o.code.0 == code)
        .map(pcap_parser::PcapNGOption::value)
}

/// True where the four bytes are those of a Solaris snoop file: known, and told clearly that it is not read.
#[must_use]
pub fn is_snoop(head: &[u8]) -> bool {
    be32(head, 0) == Some(0x736E_6F6F) && be32(head, 4) == Some(0x7000_0000)
}

#[cfg(test)]
mod tests;
