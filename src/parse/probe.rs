//! Tells from samples of a stream what kind of input it is: by content, never by name.

use crate::decode::encoding::{self, Written};
use crate::decode::{Wrapping, wrapping};
use tapscope_parsers::container::trace::{self, TraceFormat};
use tapscope_parsers::container::{self, Candidate, LogFormat};

/// What kind of input a stream is.
#[derive(Clone, Copy)]
pub enum InputKind {
    /// A network capture.
    Capture(CaptureKind),
    /// Text, with the format that its records have.
    Text {
        /// The format; plain text where no other fits.
        format: &'static LogFormat,
        /// Its characters and line ends.
        written: Written,
    },
    /// A trace of a card reader or sniffer with a format of its own.
    Trace(&'static TraceFormat, Written),
    /// A binary trace that is not read: snoop, ZVT packets.
    BinaryTrace(&'static str),
    /// Still wrapped: decode did not take it apart.
    Archive(Wrapping),
    /// No bytes at all.
    Empty,
    /// Anything else.
    Unrecognised,
}

/// Layout of a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureKind {
    /// pcap with microseconds, either byte order.
    Pcap,
    /// pcap with nanoseconds, either byte order.
    PcapNanos,
    /// Kuznetzov's modified pcap, with longer record headers.
    PcapModified,
    /// pcapng.
    PcapNg,
}

impl InputKind {
    /// A short name for `sources.parquet` and messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Capture(CaptureKind::PcapNg) => "pcapng",
            Self::Capture(_) => "pcap",
            Self::Text { format, .. } => format.name,
            Self::Trace(format, _) => format.name,
            Self::BinaryTrace(name) => name,
            Self::Archive(wrapping) => wrapping.name(),
            Self::Empty => "empty",
            Self::Unrecognised => "unrecognised",
        }
    }
}

/// What was found, and why: for `tapscope formats --why FILE`.
pub struct Probe {
    /// The kind.
    pub kind: InputKind,
    /// Every text format with what its detector saw; empty for what is no text.
    pub candidates: Vec<Candidate>,
    /// What decided, in words.
    pub why: String,
}

/// Looks at samples from the start and, where there are any, from the middle and the end of a stream.
#[must_use]
pub fn probe(head: &[u8], later: &[Vec<u8>]) -> Probe {
    probe_among(head, later, &[])
}

/// As [`probe`], with formats that the user described.
#[must_use]
pub fn probe_among(head: &[u8], later: &[Vec<u8>], own: &[&'static LogFormat]) -> Probe {
    let simple = |kind, why: &str| Probe {
        kind,
        candidates: Vec::new(),
        why: why.to_owned(),
    };
    if head.is_empty() {
        return simple(InputKind::Empty, "no bytes");
    }
    if let Some(kind) = capture(head) {
        return simple(InputKind::Capture(kind), "magic number of a capture file");
    }
    if let Some(format) = trace::TRACES.iter().find(|f| f.binary && (f.fits)(head)) {
        return simple(
            InputKind::Trace(format, Written::default()),
            "record structure of a binary trace",
        );
    }
    if let Some(name) = binary_trace(head) {
        return simple(
            InputKind::BinaryTrace(name),
            "magic number or record structure of a binary trace",
        );
    }
    let wrapped = wrapping(head);
    if wrapped != Wrapping::None {
        return simple(
            InputKind::Archive(wrapped),
            "magic number of a compression or archive",
        );
    }
    let mut samples: Vec<&[u8]> = vec![head];
    samples.extend(later.iter().map(Vec::as_slice));
    let encoding = encoding::detect(&samples);
    let mut written = Written::from(encoding);
    let decoded: Vec<Vec<u8>>;
    if encoding.is_wide() {
        decoded = samples.iter().map(|s| as_read(s, written)).collect();
        samples = decoded.iter().map(Vec::as_slice).collect();
    }
    let ended: Vec<Vec<u8>>;
    if encoding::lone_returns(&samples) {
        written.lone_returns = true;
        let returns = Written {
            lone_returns: true,
            ..Written::default()
        };
        ended = samples.iter().map(|s| as_read(s, returns)).collect();
        samples = ended.iter().map(Vec::as_slice).collect();
    }
    if let Some(why) = not_text(&samples) {
        return simple(InputKind::Unrecognised, &why);
    }
    if let Some(format) = samples.first().and_then(|head| trace::detect_text(head)) {
        return simple(InputKind::Trace(format, written), "lines of a card trace");
    }
    let candidates = container::detect_among(&samples, own);
    let best = candidates.first();
    let format = best.map_or_else(container::plain, |c| c.format);
    Probe {
        why: format!(
            "{} text{}; {}: {}",
            encoding.name(),
            if written.lone_returns {
                ", lines end in CR alone"
            } else {
                ""
            },
            format.name,
            best.map_or("", |c| c.why.as_str())
        ),
        kind: InputKind::Text { format, written },
        candidates,
    }
}

fn as_read(sample: &[u8], written: Written) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reader = encoding::text_reader(Box::new(sample), written);
    let _ = std::io::Read::read_to_end(&mut reader, &mut out);
    out
}

/// pcap: four magic numbers in two byte orders; pcapng: a section header whose byte-order mark stands where it must.
fn capture(head: &[u8]) -> Option<CaptureKind> {
    match head {
        [0xD4, 0xC3, 0xB2, 0xA1, ..] | [0xA1, 0xB2, 0xC3, 0xD4, ..] => Some(CaptureKind::Pcap),
        [0x4D, 0x3C, 0xB2, 0xA1, ..] | [0xA1, 0xB2, 0x3C, 0x4D, ..] => Some(CaptureKind::PcapNanos),
        [0x34, 0xCD, 0xB2, 0xA1, ..] | [0xA1, 0xB2, 0xCD, 0x34, ..] => {
            Some(CaptureKind::PcapModified)
        }
        [0x0A, 0x0D, 0x0D, 0x0A, ..] => match head.get(8..12) {
            Some([0x4D, 0x3C, 0x2B, 0x1A] | [0x1A, 0x2B, 0x3C, 0x4D]) | None => {
                Some(CaptureKind::PcapNg)
            }
            Some(_) => None,
        },
        _ => None,
    }
}

fn binary_trace(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"snoop\0\0\0") {
        return Some("snoop");
    }
    is_zvt_packet(head).then_some("zvt-packet")
}

/// One ZVT packet as a file: a class and instruction of the protocol, and a length that is the file's.
fn is_zvt_packet(head: &[u8]) -> bool {
    const KNOWN: &[[u8; 2]] = &[
        [0x04, 0x0F],
        [0x04, 0xFF],
        [0x04, 0x01],
        [0x04, 0x0D],
        [0x04, 0x0E],
        [0x06, 0x00],
        [0x06, 0x01],
        [0x06, 0x0F],
        [0x06, 0x1E],
        [0x06, 0x22],
        [0x06, 0x23],
        [0x06, 0x30],
        [0x06, 0x50],
        [0x06, 0x70],
        [0x06, 0xD1],
        [0x06, 0xD3],
        [0x80, 0x00],
        [0x84, 0x9C],
        [0x84, 0x83],
    ];
    let [class, instruction, length, rest @ ..] = head else {
        return false;
    };
    if !KNOWN.contains(&[*class, *instruction]) {
        return false;
    }
    let (want, data) = match (*length, rest) {
        (0xFF, [low, high, data @ ..]) => (usize::from(u16::from_le_bytes([*low, *high])), data),
        (short, data) => (usize::from(short), data),
    };
    // A terminal's buffer may be saved with what an earlier packet left behind.
    data.len() == want || (data.len() > want && want > 0 && head.len() <= 256)
}

/// Why samples are no text: too many control bytes. NUL padding (a disk after a power loss) does not count.
fn not_text(samples: &[&[u8]]) -> Option<String> {
    let (mut odd, mut all, mut zeros) = (0_usize, 0_usize, 0_usize);
    for byte in samples.iter().flat_map(|s| s.iter()) {
        match byte {
            0 => zeros += 1,
            0x01..=0x06 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F => odd += 1,
            _ => {}
        }
        all += 1;
    }
    let seen = all - zeros;
    if seen == 0 {
        return Some(format!("{zeros} zero bytes and nothing else"));
    }
    // Long runs of zeros are padding, scattered ones are binary.
    let scattered = scattered_zeros(samples);
    let strange = odd + scattered;
    (strange * 50 > seen).then(|| format!("{strange} of {seen} sampled bytes are control characters: no text, and no known magic number"))
}

/// Zero bytes in runs shorter than 16.
fn scattered_zeros(samples: &[&[u8]]) -> usize {
    let mut sum = 0;
    for sample in samples {
        let mut run = 0;
        for byte in *sample {
            if *byte == 0 {
                run += 1;
            } else {
                if run < 16 {
                    sum += run;
                }
                run = 0;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests;
