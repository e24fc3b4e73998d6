//! Turns records that arrive roughly in time order into sorted files, with bounded memory.

use crate::time::Micros;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Number of a stream.
pub type StreamId = usize;

/// What a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Terminal or host log.
    Log,
    /// Dialogue trace.
    Trace,
    /// Network capture.
    Capture,
}

/// How a finished file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pack {
    /// As it is.
    Plain,
    /// gzip.
    Gzip,
    /// One zip with every such file.
    Zip,
}

#[derive(Debug)]
struct Part {
    slot: i64,
    path: String,
    arena: Vec<u8>,
    recs: Vec<(Micros, u32, u32)>,
    started: bool,
    bytes: u64,
}

/// A source that is cut into files by time.
#[derive(Debug)]
pub struct Stream {
    /// What it is.
    pub kind: Kind,
    /// Path without the part's label.
    pub stem: String,
    /// With the dot.
    pub ext: &'static str,
    /// A new file every so often (local time); 0 for one file.
    pub rotate: i64,
    /// First bytes of each file.
    pub header: Vec<u8>,
    /// How finished files are packed.
    pub pack: Pack,
    parts: Vec<Part>,
}

/// All output files.
#[derive(Debug)]
pub struct Sinks {
    root: PathBuf,
    streams: Vec<Stream>,
    /// Bytes put so far, before packing.
    pub bytes: u64,
    spill: usize,
    zero: Micros,
}

impl Sinks {
    /// Files below `root`; `zero` is local midnight of the first day.
    #[must_use]
    pub fn new(root: &Path, zero: Micros, spill: usize) -> Self {
        Self {
            root: root.to_path_buf(),
            streams: Vec::new(),
            bytes: 0,
            spill,
            zero,
        }
    }

    /// Adds a stream.
    pub fn add(
        &mut self,
        kind: Kind,
        stem: String,
        ext: &'static str,
        rotate: i64,
        header: Vec<u8>,
        pack: Pack,
    ) -> StreamId {
        self.streams.push(Stream {
            kind,
            stem,
            ext,
            rotate,
            header,
            pack,
            parts: Vec::new(),
        });
        self.streams.len() - 1
    }

    /// The file (relative to the inputs, as it will be named in the end) that holds an instant.
    #[must_use]
    pub fn name_at(&self, id: StreamId, t: Micros) -> String {
        let st = &self.streams[id];
        let plain = part_name(st, slot_of(st, t, self.zero), self.zero);
        packed(st.pack, plain)
    }

    /// The files of a stream, as they will be named in the end.
    #[must_use]
    pub fn names(&self, id: StreamId) -> Vec<String> {
        let st = &self.streams[id];
        let mut v: Vec<String> = st
            .parts
            .iter()
            .map(|p| packed(st.pack, p.path.clone()))
            .collect();
        v.sort();
        v
    }

    /// Puts one record.
    pub fn put(&mut self, id: StreamId, t: Micros, data: &[u8]) -> io::Result<()> {
        let (spill, zero) = (self.spill, self.zero);
        let st = &mut self.streams[id];
        let slot = slot_of(st, t, zero);
        let i = if let Some(i) = st.parts.iter().rposition(|p| p.slot == slot) {
            i
        } else {
            let path = part_name(st, slot, zero);
            st.parts.push(Part {
                slot,
                path,
                arena: Vec::new(),
                recs: Vec::new(),
                started: false,
                bytes: 0,
            });
            st.parts.len() - 1
        };
        let part = &mut st.parts[i];
        part.recs
            .push((t, part.arena.len() as u32, data.len() as u32));
        part.arena.extend_from_slice(data);
        self.bytes += data.len() as u64;
        if part.arena.len() > 4 * spill {
            // A burst: let it be written at the next watermark without waiting for more.
            part.arena.reserve(spill);
        }
        Ok(())
    }

    /// Writes what is older than the watermark, where enough has gathered.
    pub fn drain(&mut self, watermark: Micros, all: bool) -> io::Result<()> {
        for st in &mut self.streams {
            for p in &mut st.parts {
                if p.recs.is_empty() || (!all && p.arena.len() < self.spill) {
                    continue;
                }
                flush(
                    p,
                    &self.root,
                    &st.header,
                    if all { i64::MAX } else { watermark },
                )?;
            }
        }
        Ok(())
    }

    /// Writes everything and packs. Returns the paths written with their sizes, sorted.
    pub fn finish(&mut self) -> io::Result<Vec<(String, u64)>> {
        self.drain(i64::MAX, true)?;
        let mut out = Vec::new();
        let mut zipped = Vec::new();
        for st in &self.streams {
            for p in &st.parts {
                match st.pack {
                    Pack::Plain => out.push((p.path.clone(), p.bytes)),
                    Pack::Gzip => {
                        let n = gzip(&self.root.join(&p.path))?;
                        out.push((format!("{}.gz", p.path), n));
                    }
                    Pack::Zip => zipped.push(p.path.clone()),
                }
            }
        }
        if !zipped.is_empty() {
            zipped.sort();
            let n = crate::zip::write(&self.root, &zipped, &self.root.join("archive.zip"))?;
            out.push(("archive.zip".into(), n));
        }
        out.sort();
        Ok(out)
    }
}

fn packed(pack: Pack, plain: String) -> String {
    match pack {
        Pack::Plain => plain,
        Pack::Gzip => plain + ".gz",
        Pack::Zip => format!(
            "archive.zip!{}",
            plain.rsplit('/').next().unwrap_or_default()
        ),
    }
}

fn slot_of(st: &Stream, t: Micros, zero: Micros) -> i64 {
    if st.rotate == 0 {
        0
    } else {
        (t - zero).div_euclid(st.rotate)
    }
}

fn part_name(st: &Stream, slot: i64, zero: Micros) -> String {
    if st.rotate == 0 {
        return format!("{}{}", st.stem, st.ext);
    }
    let c = crate::time::civil(zero + slot * st.rotate + crate::time::ZONE);
    if st.rotate >= crate::time::DAY {
        format!("{}-{:04}{:02}{:02}{}", st.stem, c.y, c.mo, c.d, st.ext)
    } else {
        format!(
            "{}-{:04}{:02}{:02}-{:02}{}",
            st.stem, c.y, c.mo, c.d, c.h, st.ext
        )
    }
}

fn flush(p: &mut Part, root: &Path, header: &[u8], watermark: Micros) -> io::Result<()> {
    p.recs.sort_by_key(|r| r.0);
    let cut = p.recs.partition_point(|r| r.0 <= watermark);
    if cut == 0 {
        return Ok(());
    }
    let path = root.join(&p.path);
    if !p.started {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        File::create(&path)?.write_all(header)?;
        p.bytes += header.len() as u64;
        p.started = true;
    }
    let mut f = BufWriter::with_capacity(1 << 16, OpenOptions::new().append(true).open(&path)?);
    for &(_, at, len) in &p.recs[..cut] {
        f.write_all(&p.arena[at as usize..(at + len) as usize])?;
        p.bytes += u64::from(len);
    }
    f.flush()?;
    let mut arena = Vec::new();
    let mut recs = Vec::new();
    for &(t, at, len) in &p.recs[cut..] {
        recs.push((t, arena.len() as u32, len));
        arena.extend_from_slice(&p.arena[at as usize..(at + len) as usize]);
    }
    p.arena = arena;
    p.recs = recs;
    Ok(())
}

fn gzip(path: &Path) -> io::Result<u64> {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    let target = PathBuf::from(name);
    let mut input = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut enc = flate2::GzBuilder::new().mtime(0).write(
        BufWriter::new(File::create(&target)?),
        flate2::Compression::new(3),
    );
    let mut buf = vec![0; 1 << 16];
    loop {
        let n = input.read(&mut buf)?;
        if n == 0 {
            break;
        }
        enc.write_all(&buf[..n])?;
    }
    enc.finish()?.flush()?;
    std::fs::remove_file(path)?;
    Ok(std::fs::metadata(&target)?.len())
}
