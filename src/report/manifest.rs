//! Writes `manifest.json`: what was done, to what, with what, and what came out. Reads it back for `verify`.
//!
//! But for `run` it holds nothing that differs between two runs over the same inputs; `--reproducible` leaves `run` out.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};
use sha2::Digest as _;
use tapscope_parsers::sensitive;

use super::Error;
use super::detail::hex;
use super::gate::{Gate, Stream};
use super::schema::SourceRow;
use crate::attribute::Catalogue;
use crate::plan::{Language, Limits, Plan, RunRecord};

/// A file that was written.
pub(super) struct Output {
    pub name: std::borrow::Cow<'static, str>,
    pub rows: Option<u64>,
}

/// What the manifest tells of.
pub(super) struct Manifest<'a> {
    pub folder: &'a Path,
    pub sources: &'a [SourceRow],
    pub catalogue: &'a Catalogue,
    pub plan: &'a Plan,
    pub key_id: Option<&'a str>,
    pub run: Option<&'a RunRecord>,
    pub gate: &'a Gate,
}

impl Manifest<'_> {
    /// Writes it for the given outputs, which stand in the folder.
    pub(super) fn write(&self, outputs: &[Output]) -> Result<(), Error> {
        let outputs: Vec<Value> = outputs
            .iter()
            .map(|output| {
                let path = self.folder.join(output.name.as_ref());
                // What a table holds was searched before it was encoded.
                let gate = (!output.name.ends_with(".parquet")).then_some(self.gate);
                let file = hashes(&path, self.plan.custody, gate)?;
                Ok(json!({"path": output.name, "rows": output.rows, "bytes": file.bytes, "blake3": file.blake3, "sha256": file.sha256}))
            })
            .collect::<Result<_, Error>>()?;
        let inputs: Vec<Value> = self
            .sources
            .iter()
            .map(|s| {
                json!({
                    "source_id": s.source_id, "path": s.path, "bytes": s.bytes, "blake3": s.blake3, "sha256": s.sha256,
                    "kind": s.kind, "format": s.format, "encoding": s.encoding, "status": s.status,
                })
            })
            .collect();
        let limits: serde_json::Map<String, Value> = self
            .plan
            .limits
            .all()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        let mut manifest = json!({
            "schema_version": super::SCHEMA_VERSION,
            "tool": {
                "name": "tapscope", "version": env!("CARGO_PKG_VERSION"),
                "system": std::env::consts::OS, "architecture": std::env::consts::ARCH,
            },
            "options": options(self.plan),
            "key_id": self.key_id,
            "limits": limits,
            "rules_blake3": self.catalogue.hash(),
            "inputs": inputs,
            "outputs": outputs,
        });
        if let (Some(run), Some(manifest)) = (self.run, manifest.as_object_mut()) {
            manifest.insert("run".to_owned(), record(run));
        }
        let path = self.folder.join("manifest.json");
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|e| Error::file(&path, std::io::Error::other(e)))?;
        if let Some(leak) = self.gate.search(text.as_bytes()) {
            return Err(Error::Leak {
                place: "manifest.json".to_owned(),
                what: leak.name(),
            });
        }
        std::fs::write(&path, text + "\n").map_err(|e| Error::file(&path, e))
    }
}

fn record(run: &RunRecord) -> Value {
    json!({
        "started": run.started,
        "ended": jiff::Timestamp::now().to_string(),
        "host": run.host,
        "user": run.user,
        "folder": run.folder.as_deref().map(shown),
        "arguments": run.arguments.iter().map(|a| shown(a)).collect::<Vec<_>>(),
        "threads": run.threads,
    })
}

/// A path or an argument: without control characters, and without a card number in a file's name.
fn shown(text: &str) -> String {
    let mut text = super::clean(text).to_string();
    let mut spans = Vec::new();
    sensitive::in_text(text.as_bytes(), &mut spans);
    sensitive::normalise(&mut spans);
    for span in spans.iter().rev() {
        let whole = text.is_char_boundary(span.start) && text.is_char_boundary(span.end);
        if whole && text.get(span.start..span.end).is_some_and(|t| t.len() >= 3) {
            text.replace_range(span.start..span.end, &"*".repeat(span.end - span.start));
        }
    }
    text
}

/// As given, without secrets: of the key only that there was one. The order of the inputs does not matter, so they stand sorted.
fn options(plan: &Plan) -> Value {
    let path = |p: &Path| shown(&p.display().to_string());
    let mut inputs: Vec<String> = plan.inputs.iter().map(|p| path(p)).collect();
    inputs.sort();
    let mut rules: Vec<String> = plan.rules.iter().map(|p| path(p)).collect();
    rules.sort();
    json!({
        "inputs": inputs,
        "zone": plan.zone.as_ref().map(|z| z.iana_name().map_or_else(|| format!("{z:?}"), str::to_owned)),
        "year": plan.year,
        "since": plan.since.map(|t| super::time::rfc3339(super::Micros(t))),
        "until": plan.until.map(|t| super::time::rfc3339(super::Micros(t))),
        "formats": plan.formats.iter().map(|(name, glob)| json!({"format": name, "glob": glob.glob()})).collect::<Vec<_>>(),
        "rules": rules,
        "inventory": plan.inventory.as_deref().map(path),
        "pan_key_given": plan.pan_key.is_some(),
        "custody": plan.custody,
        "language": match plan.language { Language::En => "en", Language::Zh => "zh" },
    })
}

/// Size and hashes of a file, as the manifest has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedFile {
    /// Relative to the folder, or as given on the command line.
    pub path: String,
    /// Size of an output; of an input as decoded.
    pub bytes: u64,
    /// BLAKE3, lower-case hex; of an input that could not be read there is none.
    pub blake3: Option<String>,
    /// SHA-256, where custody asked for it.
    pub sha256: Option<String>,
}

/// What a manifest vouches for.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// Files of the folder.
    pub outputs: Vec<RecordedFile>,
    /// Files and archive members that were read.
    pub inputs: Vec<RecordedFile>,
    /// Where relative paths of inputs start from, where the manifest says so.
    pub folder: Option<String>,
    /// Bounds of the run, by name.
    pub limits: Vec<(String, u64)>,
    /// BLAKE3 of the manifest itself.
    pub manifest_blake3: String,
}

impl Recorded {
    /// The bounds of the run.
    #[must_use]
    pub fn bounds(&self) -> Limits {
        let mut limits = Limits::default();
        for (name, value) in &self.limits {
            // A name that is no more: a folder of another version.
            let _ = limits.set(name, *value);
        }
        limits
    }

    /// Reads the manifest of an output folder.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        super::Folder::open(folder)?;
        let path = folder.join("manifest.json");
        let bytes = std::fs::read(&path).map_err(|e| Error::file(&path, e))?;
        let manifest: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Error::file(&path, std::io::Error::other(e)))?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let files = |name: &str| -> Vec<RecordedFile> {
            let list = manifest[name].as_array().map_or(&[][..], Vec::as_slice);
            list.iter()
                .map(|file| RecordedFile {
                    path: text(&file["path"]).unwrap_or_default(),
                    bytes: file["bytes"].as_u64().unwrap_or_default(),
                    // Zeros stand for what could not be read.
                    blake3: text(&file["blake3"]).filter(|hash| hash.bytes().any(|b| b != b'0')),
                    sha256: text(&file["sha256"]),
                })
                .collect()
        };
        Ok(Self {
            outputs: files("outputs"),
            inputs: files("inputs"),
            folder: text(&manifest["run"]["folder"]),
            limits: manifest["limits"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), value.as_u64()?)))
                .collect(),
            manifest_blake3: blake3::hash(&bytes).to_hex().to_string(),
        })
    }
}

impl RecordedFile {
    /// What an output is now, as far as the manifest says what it was.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn as_it_stands(&self, folder: &Path) -> Result<Self, Error> {
        let now = hashes(&folder.join(&self.path), self.sha256.is_some(), None)?;
        Ok(Self {
            path: self.path.clone(),
            ..now
        })
    }
}

/// Hashes a file, and searches it in the same pass.
fn hashes(path: &Path, custody: bool, gate: Option<&Gate>) -> Result<RecordedFile, Error> {
    let mut file = std::fs::File::open(path).map_err(|e| Error::file(path, e))?;
    let mut blake3 = blake3::Hasher::new();
    let mut sha256 = custody.then(sha2::Sha256::new);
    let mut search = gate.map(Stream::new);
    let mut bytes = 0_u64;
    let mut buffer = vec![0_u8; 1 << 18];
    loop {
        let read = file.read(&mut buffer).map_err(|e| Error::file(path, e))?;
        let Some(block) = buffer.get(..read).filter(|b| !b.is_empty()) else {
            break;
        };
        bytes = bytes.saturating_add(read as u64);
        blake3.update(block);
        if let Some(sha256) = &mut sha256 {
            sha256.update(block);
        }
        if let Some(search) = &mut search {
            search.push(block);
        }
    }
    if let Some(leak) = search.and_then(Stream::finish) {
        let name = path.file_name().unwrap_or_default();
        return Err(Error::Leak {
            place: name.to_string_lossy().into_owned(),
            what: leak.name(),
        });
    }
    Ok(RecordedFile {
        path: String::new(),
        bytes,
        blake3: Some(blake3.finalize().to_hex().to_string()),
        sha256: sha256.map(|hasher| hex(&hasher.finalize()).to_lowercase()),
    })
}
