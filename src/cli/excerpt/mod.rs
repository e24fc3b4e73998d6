//! Reads the cited place of an input again: the lines around it, or the frame and its neighbours. Everything is masked here.

mod frames;
mod lines;
mod mask;

pub(crate) use frames::FrameShown;
pub(crate) use lines::LineShown;

use std::io::Read;
use std::path::{Path, PathBuf};

use tapscope_parsers::protocol::net::capture::Reader;

use super::failure::Failure;
use crate::decode::encoding::text_reader;
use crate::decode::{self, StreamInfo};
use crate::event::Text;
use crate::parse::edge::Edge;
use crate::parse::probe::{InputKind, probe};
use crate::parse::shown_path;
use crate::plan::Plan;
use crate::report::clean;
use crate::source::{self, Input};

/// A place as evidence cites it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// As the run showed it, with `!member` for archives.
    pub path: String,
    pub place: Cited,
}

/// Which part of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cited {
    /// Lines, both ends in it, from 1.
    Lines(u64, u64),
    /// A frame, from 1.
    Frame(u32),
}

impl Reference {
    /// Reads `path:LINE`, `path:LINE-LINE`, `path#FRAME`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            let text = clean(text);
            Failure::usage(format!(
                "{text}: expected path:LINE, path:LINE-LINE or path#FRAME"
            ))
            .hint("copy a reference from `tapscope inspect DIR TX`, for example logs/terminal.log:120 or net.zip!day.pcap#7")
        };
        let at = text.rfind([':', '#']).ok_or_else(wrong)?;
        let (path, place) = text.split_at(at);
        let number = |digits: &str| digits.parse::<u64>().ok().filter(|n| *n > 0);
        let place = match place.split_at(1) {
            (":", lines) => match lines.split_once('-') {
                Some((from, to)) => number(from)
                    .zip(number(to))
                    .filter(|(from, to)| from <= to)
                    .map(|(from, to)| Cited::Lines(from, to)),
                None => number(lines).map(|line| Cited::Lines(line, line)),
            },
            (_, frame) => number(frame)
                .and_then(|frame| u32::try_from(frame).ok())
                .map(Cited::Frame),
        };
        let place = place.filter(|_| !path.is_empty()).ok_or_else(wrong)?;
        Ok(Self {
            path: path.to_owned(),
            place,
        })
    }
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Lines of a text.
    Lines(Vec<LineShown>),
    /// A frame of a capture.
    Frame(Box<FrameShown>),
    /// The source ends before it: how many lines or frames it has.
    Behind(u64),
    /// A line was asked for in a capture, or a frame in a text, or it is neither.
    Other(&'static str),
}

/// A source that was read again.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    pub shown: Shown,
    /// Hash of the source as it is now.
    pub blake3: String,
    /// Name of the encoding, of a text.
    pub encoding: Option<&'static str>,
}

/// Reads a place again. `inputs` are those of a run, where one is known; else the reference's own path is opened.
pub(crate) fn read(
    reference: &Reference,
    inputs: Option<&[PathBuf]>,
    context: u64,
) -> Result<Excerpt, Failure> {
    // Tokens are not shown, and a random key gives none away.
    let edge = Edge::new(None);
    let input = find(&reference.path, inputs, &edge)?;
    let plan = plan(vec![input.path.clone()]);
    let mut found: Option<(Text, Shown, Option<&'static str>)> = None;
    let report = decode::each_stream(&input, &plan, &mut |info, reader| {
        if shown_path(&info.path, &edge) == reference.path && found.is_none() {
            let (shown, encoding) = stream(info, reader, reference.place, context, &edge);
            found = Some((info.path.clone(), shown, encoding));
        }
    });
    let Some((path, shown, encoding)) = found else {
        let members: Vec<String> = report
            .streams
            .iter()
            .filter(|stream| stream.visited)
            .take(5)
            .map(|stream| shown_path(&stream.path, &edge).to_string())
            .collect();
        let reason = report
            .streams
            .iter()
            .find_map(|stream| stream.faults.first())
            .map_or(String::new(), |fault| format!(" ({})", fault.text));
        return Err(Failure::failed(format!(
            "{} is not in {}{reason}",
            reference.path, input.shown
        ))
        .hint(format!("it holds {}", members.join(", "))));
    };
    let hashes = report.streams.iter().find(|stream| stream.path == path);
    let blake3 = hashes.map_or(String::new(), |stream| {
        blake3::Hash::from_bytes(stream.hashes.blake3)
            .to_hex()
            .to_string()
    });
    Ok(Excerpt {
        shown,
        blake3,
        encoding,
    })
}

fn stream(
    info: &StreamInfo<'_>,
    reader: &mut dyn Read,
    place: Cited,
    context: u64,
    edge: &Edge,
) -> (Shown, Option<&'static str>) {
    match (probe(info.head, &info.later_samples()).kind, place) {
        (InputKind::Capture(_), Cited::Frame(frame)) => {
            (frames::read(reader, frame, context, edge), None)
        }
        (InputKind::Capture(_), Cited::Lines(..)) => {
            (Shown::Other("it is a capture: cite it as path#FRAME"), None)
        }
        (InputKind::Text { written, .. }, Cited::Lines(from, to)) => {
            let mut lines = text_reader(Box::new(reader), written);
            let shown = lines::read(&mut *lines, written.encoding, (from, to), context, edge);
            (shown, Some(written.encoding.name()))
        }
        (InputKind::Text { .. }, Cited::Frame(_)) => {
            (Shown::Other("it is a text: cite it as path:LINE"), None)
        }
        (InputKind::Trace(format, written), Cited::Lines(from, to)) if !format.binary => {
            let mut lines = text_reader(Box::new(reader), written);
            let shown = lines::read(&mut *lines, written.encoding, (from, to), context, edge);
            (shown, Some(written.encoding.name()))
        }
        _ if Reader::recognises(info.head) => (Shown::Other("it cannot be read"), None),
        _ => (
            Shown::Other("it is neither a text nor a capture, and its bytes are not shown"),
            None,
        ),
    }
}

/// The input that a shown path belongs to.
fn find(path: &str, inputs: Option<&[PathBuf]>, edge: &Edge) -> Result<Input, Failure> {
    let belongs = |shown: &str| {
        path.strip_prefix(shown)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('!'))
    };
    if let Some(inputs) = inputs {
        let found = source::find(&plan(inputs.to_vec()));
        let input = found
            .inputs
            .into_iter()
            .find(|input| belongs(&shown_path(&input.shown, edge)));
        if let Some(input) = input.filter(|input| !input.stdin) {
            return Ok(input);
        }
    }
    if path == "-" {
        return Err(Failure::failed("standard input cannot be read again"));
    }
    // The file is what stands before some `!`, or all of it.
    let ends = path.match_indices('!').map(|(at, _)| at);
    let file = std::iter::once(path.len())
        .chain(ends)
        .filter_map(|end| path.get(..end))
        .find(|file| Path::new(file).is_file());
    match file {
        Some(file) => Ok(Input {
            path: PathBuf::from(file),
            shown: source::shown_path(Path::new(file)),
            size: std::fs::metadata(file).map_or(0, |data| data.len()),
            stdin: false,
        }),
        None => Err(Failure::failed(format!("{}: there is no such file here", clean(path))).hint(
            "paths are as they were given to `analyze`: run this in the same folder, or say where that is with --from FOLDER",
        )),
    }
}

fn plan(inputs: Vec<PathBuf>) -> Plan {
    Plan {
        inputs,
        ..Plan::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cited, Reference};

    #[test]
    fn references_are_read() {
        for (text, path, place) in [
            ("a/b.log:12", "a/b.log", Cited::Lines(12, 12)),
            ("b.log:3-9", "b.log", Cited::Lines(3, 9)),
            ("n.zip!d.pcap#7", "n.zip!d.pcap", Cited::Frame(7)),
            ("odd:name#1.log:2", "odd:name#1.log", Cited::Lines(2, 2)),
        ] {
            let read = Reference::parse(text).ok();
            let want = Reference {
                path: path.to_owned(),
                place,
            };
            assert_eq!(read, Some(want), "{text}");
        }
        for wrong in ["", "a.log", "a.log:", "a.log:0", "a.log:9-3", "#4", "a#x"] {
            assert!(Reference::parse(wrong).is_err(), "{wrong}");
        }
    }
}
