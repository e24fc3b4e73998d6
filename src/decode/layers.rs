//! Takes one wrapping off after the other, down to streams that are wrapped in nothing.

use super::magic::{Wrapping, wrapping};
use super::readers::{Bounded, Faults, Hashing, Lenient, Lz4Frames, fill};
use super::tar::{Entry, Tar};
use super::{Fault, HEAD_BYTES, Hashes, InputReport, StreamInfo, StreamReport, Visit};
use crate::event::Text;
use crate::plan::Plan;
use crate::source::{Input, shown_bytes};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::rc::Rc;

/// Bytes read from a file at once.
const RAW_BUFFER: usize = 256 * 1024;

struct Walker<'p, 'v, 'w> {
    plan: &'p Plan,
    visit: &'v mut Visit<'w>,
    faults: Faults,
    streams: Vec<StreamReport>,
    members: u64,
    /// Decompressed bytes of all streams so far.
    bytes: u64,
}

/// Where in the nesting a stream stands.
struct At<'a> {
    path: Text,
    member: bool,
    depth: u8,
    size: Option<u64>,
    file: Option<&'a Path>,
    /// Compressed bytes that everything below is made of.
    raw: Rc<Cell<u64>>,
}

pub(super) fn read_input(
    input: &Input,
    plan: &Plan,
    raw: &mut dyn Read,
    visit: &mut Visit<'_>,
) -> InputReport {
    let mut walker = Walker {
        plan,
        visit,
        faults: Faults::default(),
        streams: Vec::new(),
        members: 0,
        bytes: 0,
    };
    let faults = Rc::clone(&walker.faults);
    let mut reader = Lenient::new(Hashing::new(raw, plan.custody), "read_error", &faults);
    let head = fill(&mut reader, HEAD_BYTES).unwrap_or_default();
    let outer = wrapping(&head);
    let counter = reader_counter(&reader);
    let path = (!input.stdin).then_some(input.path.as_path());
    let mut whole = Cursor::new(head).chain(BufReader::with_capacity(RAW_BUFFER, &mut reader));
    if let (Wrapping::Zip, Some(path)) = (outer, path) {
        walker.zip_file(input, path, &mut whole);
    } else {
        let at = At {
            path: input.shown.clone(),
            member: false,
            depth: 0,
            size: path.map(|_| input.size),
            file: path,
            raw: counter,
        };
        walker.layer(at, &mut whole);
    }
    // What is left unread belongs to the file's hash.
    let _ = io::copy(&mut whole, &mut io::sink());
    drop(whole);
    let hashes = reader.into_inner().finish();
    let mut streams = walker.streams;
    for stream in &mut streams {
        if stream.hashes == Hashes::default() {
            stream.hashes = hashes;
        }
    }
    let mut rest = faults.borrow_mut().split_off(0);
    if let Some(last) = streams.last_mut() {
        last.faults.append(&mut rest);
    }
    InputReport {
        hashes,
        wrapping: outer,
        streams,
    }
}

fn reader_counter<R: Read>(reader: &Lenient<Hashing<R>>) -> Rc<Cell<u64>> {
    reader.inner().counter()
}

impl Walker<'_, '_, '_> {
    /// One stream that may be wrapped.
    fn layer(&mut self, at: At<'_>, reader: &mut dyn Read) {
        let head = fill(reader, HEAD_BYTES).unwrap_or_default();
        let kind = wrapping(&head);
        let mut whole = Cursor::new(head.as_slice()).chain(reader);
        if kind == Wrapping::None {
            self.stream(&at, &head, &mut whole);
            return;
        }
        if at.depth >= self.plan.limits.archive_depth {
            self.left_out(
                at.path,
                "archive_depth",
                format!("{} inside {} other layers", kind.name(), at.depth),
            );
            return;
        }
        let buffered = |stream| BufReader::with_capacity(1 << 16, stream);
        match kind {
            Wrapping::None => {}
            Wrapping::Gzip => {
                let decoder = flate2::bufread::MultiGzDecoder::new(buffered(whole));
                self.compressed(at, decoder, "gzip_damaged");
            }
            Wrapping::Zstd => match zstd::stream::read::Decoder::with_buffer(buffered(whole)) {
                Ok(mut decoder) => {
                    // The frame's header asks for memory: larger windows are refused.
                    let _ = decoder.window_log_max(self.plan.limits.zstd_window_log);
                    self.compressed(at, decoder, "zstd_damaged");
                }
                Err(error) => self.left_out(at.path, "zstd_damaged", printable(&error.to_string())),
            },
            Wrapping::Xz => match liblzma::stream::Stream::new_stream_decoder(
                self.plan.limits.xz_memory,
                liblzma::stream::CONCATENATED,
            ) {
                Ok(stream) => {
                    let decoder = liblzma::bufread::XzDecoder::new_stream(buffered(whole), stream);
                    self.compressed(at, decoder, "xz_damaged");
                }
                Err(error) => self.left_out(at.path, "xz_damaged", printable(&error.to_string())),
            },
            Wrapping::Bzip2 => {
                let decoder = bzip2::bufread::MultiBzDecoder::new(buffered(whole));
                self.compressed(at, decoder, "bzip2_damaged");
            }
            Wrapping::Lz4 => self.compressed(at, Lz4Frames::new(whole), "lz4_damaged"),
            Wrapping::Zip => self.nested_zip(&at, &mut whole),
            Wrapping::Tar => self.tar(&at, &mut whole),
        }
    }

    fn compressed(&mut self, at: At<'_>, decoder: impl Read, code: &'static str) {
        let faults = Rc::clone(&self.faults);
        let lenient = Lenient::new(decoder, code, &faults);
        let mut bounded = Bounded::new(lenient, &at.raw, &self.plan.limits, &faults);
        let inner = At {
            depth: at.depth + 1,
            size: None,
            file: None,
            ..at
        };
        self.layer(inner, &mut bounded);
    }

    /// A stream that is wrapped in nothing: the visitor's.
    fn stream(&mut self, at: &At<'_>, head: &[u8], reader: &mut dyn Read) {
        let mut counted = Lenient::new(reader, "read_error", &self.faults);
        let info = StreamInfo {
            path: at.path.clone(),
            member: at.member,
            size: at.size,
            file: at.file,
            head,
        };
        (self.visit)(&info, &mut counted);
        let _ = io::copy(&mut counted, &mut io::sink());
        let bytes = counted.count();
        self.report(at.path.clone(), true, bytes);
    }

    fn report(&mut self, path: Text, visited: bool, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        let faults = self.faults.borrow_mut().split_off(0);
        self.streams.push(StreamReport {
            path,
            visited,
            hashes: Hashes::default(),
            bytes,
            faults,
        });
    }

    fn left_out(&mut self, path: Text, code: &'static str, text: String) {
        self.faults.borrow_mut().push(Fault {
            code,
            offset: 0,
            text: Text::new(text),
        });
        self.report(path, false, 0);
    }

    // ---- zip ----

    fn zip_file(&mut self, input: &Input, path: &Path, stream: &mut dyn Read) {
        let at = At {
            path: input.shown.clone(),
            member: false,
            depth: 0,
            size: Some(input.size),
            file: None,
            raw: Rc::new(Cell::new(input.size)),
        };
        if self.plan.limits.archive_depth == 0 {
            self.left_out(
                at.path,
                "archive_depth",
                "zip, and no archives are allowed".to_owned(),
            );
            return;
        }
        match File::open(path)
            .map(|file| zip::ZipArchive::new(BufReader::with_capacity(RAW_BUFFER, file)))
        {
            Ok(Ok(archive)) => self.zip_members(&at, archive),
            Ok(Err(error)) => self.zip_without_directory(&at, stream, &error.to_string()),
            Err(error) => self.left_out(at.path, "unreadable", error.kind().to_string()),
        }
    }

    fn nested_zip(&mut self, at: &At<'_>, reader: &mut dyn Read) {
        let mut bytes = Vec::new();
        let most = self.plan.limits.nested_zip_bytes;
        let _ = reader.take(most.saturating_add(1)).read_to_end(&mut bytes);
        if bytes.len() as u64 > most {
            self.left_out(
                at.path.clone(),
                "archive_too_big",
                format!("a zip inside another archive may have {most} bytes"),
            );
            return;
        }
        match zip::ZipArchive::new(Cursor::new(bytes.as_slice())) {
            Ok(archive) => self.zip_members(at, archive),
            Err(error) => {
                self.zip_without_directory(at, &mut bytes.as_slice(), &error.to_string());
            }
        }
    }

    fn zip_members<R: Read + Seek>(&mut self, at: &At<'_>, mut archive: zip::ZipArchive<R>) {
        if archive.is_empty() {
            self.report(at.path.clone(), false, 0);
        }
        for index in 0..archive.len() {
            if self.out_of_members(at) {
                return;
            }
            let named = archive
                .name_for_index(index)
                .and_then(Result::ok)
                .map_or_else(
                    || Text::new(format!("#{index}")),
                    |name| shown_bytes(name.as_bytes()),
                );
            match archive.by_index(index) {
                Ok(mut file) => {
                    if !(file.is_dir() || file.is_symlink()) {
                        let raw = file.compressed_size();
                        let size = file.size();
                        self.member(at, &named, raw, Some(size), &mut file, "zip_damaged");
                    }
                }
                Err(error) => {
                    let code = match &error {
                        zip::result::ZipError::InvalidPassword
                        | zip::result::ZipError::UnsupportedArchive(_) => {
                            "zip_encrypted_or_unsupported"
                        }
                        zip::result::ZipError::CompressionMethodNotSupported(_) => "zip_method",
                        _ => "zip_damaged",
                    };
                    self.left_out(
                        member_path(&at.path, &named),
                        code,
                        printable(&error.to_string()),
                    );
                }
            }
        }
    }

    /// The directory at the end is missing or damaged: members are read one after the other as long as they make sense.
    fn zip_without_directory(&mut self, at: &At<'_>, mut reader: &mut dyn Read, why: &str) {
        let fault = Fault {
            code: "zip_directory_damaged",
            offset: 0,
            text: Text::new(printable(why)),
        };
        let before = self.streams.len();
        loop {
            if self.out_of_members(at) {
                break;
            }
            match zip::read::read_zipfile_from_stream(&mut reader) {
                Ok(Some(mut file)) => {
                    if !(file.is_dir() || file.is_symlink()) {
                        let name = shown_bytes(file.name_raw());
                        let raw = file.compressed_size();
                        let size = file.size();
                        self.member(at, &name, raw, Some(size), &mut file, "zip_damaged");
                    }
                    // Dropping the file passes over what is left of it; that may fail in the same place again.
                    if self.streams.last().is_some_and(|s| !s.faults.is_empty()) {
                        break;
                    }
                }
                Ok(None) | Err(_) => break,
            }
        }
        if let Some(first) = self.streams.get_mut(before) {
            first.faults.insert(0, fault);
        } else {
            self.faults.borrow_mut().push(fault);
            self.report(at.path.clone(), false, 0);
        }
    }

    // ---- tar ----

    fn tar(&mut self, at: &At<'_>, reader: &mut dyn Read) {
        let mut tar = Tar::new(reader);
        let before = self.streams.len();
        loop {
            match tar.next_entry() {
                Ok(Some(Entry {
                    name,
                    size,
                    is_file,
                })) => {
                    if !is_file {
                        continue;
                    }
                    if self.out_of_members(at) {
                        return;
                    }
                    // A tar is not compressed: what bounds the ratio is what the tar itself came out of.
                    let raw = size.max(1);
                    self.member(
                        at,
                        &shown_bytes(&name),
                        raw,
                        Some(size),
                        &mut tar,
                        "read_error",
                    );
                }
                Ok(None) => break,
                Err(why) => {
                    let fault = Fault {
                        code: "tar_damaged",
                        offset: tar.offset(),
                        text: Text::new(why),
                    };
                    if let Some(last) = self.streams.get_mut(before..).and_then(<[_]>::last_mut) {
                        last.faults.push(fault)
                    } else {
                        self.faults.borrow_mut().push(fault);
                        self.report(at.path.clone(), false, 0);
                    }
                    return;
                }
            }
        }
        if self.streams.len() == before {
            self.report(at.path.clone(), false, 0);
        }
    }

    // ---- members of any archive ----

    fn out_of_members(&mut self, at: &At<'_>) -> bool {
        self.members += 1;
        let out = self.members > self.plan.limits.archive_members;
        let most = self.plan.limits.archive_bytes;
        if !out && self.bytes > most {
            self.left_out(
                at.path.clone(),
                "archive_bytes",
                format!("more than {most} bytes in all members"),
            );
            return true;
        }
        if out {
            let most = self.plan.limits.archive_members;
            self.left_out(
                at.path.clone(),
                "archive_members",
                format!("more than {most} members"),
            );
        }
        out
    }

    fn member(
        &mut self,
        at: &At<'_>,
        name: &str,
        raw: u64,
        size: Option<u64>,
        reader: &mut dyn Read,
        code: &'static str,
    ) {
        let faults = Rc::clone(&self.faults);
        let raw = Rc::new(Cell::new(raw.min(at.raw.get().max(1))));
        let lenient = Lenient::new(reader, code, &faults);
        let bounded = Bounded::new(lenient, &raw, &self.plan.limits, &faults);
        let mut hashing = Hashing::new(bounded, self.plan.custody);
        let before = self.streams.len();
        let inner = At {
            path: member_path(&at.path, name),
            member: true,
            depth: at.depth + 1,
            size,
            file: None,
            raw,
        };
        self.layer(inner, &mut hashing);
        let _ = io::copy(&mut hashing, &mut io::sink());
        let hashes = hashing.finish();
        let mut late = faults.borrow_mut().split_off(0);
        for stream in self.streams.iter_mut().skip(before) {
            if stream.hashes == Hashes::default() {
                stream.hashes = hashes;
            }
        }
        if let Some(last) = self.streams.last_mut() {
            last.faults.append(&mut late);
        }
    }
}

fn member_path(path: &str, name: &str) -> Text {
    Text::new(format!("{path}!{name}"))
}

fn printable(text: &str) -> String {
    shown_bytes(text.as_bytes()).to_string()
}
