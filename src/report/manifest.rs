//! Writes `manifest.json`: what was done, to what, with what, and what came out. Holds no time of day, so that two runs compare equal.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};
use sha2::Digest as _;

use super::Error;
use super::detail::hex;
use super::schema::SourceRow;
use crate::attribute::Catalogue;
use crate::plan::{Language, Plan};

/// A file that was written.
pub(super) struct Output {
    pub name: std::borrow::Cow<'static, str>,
    pub rows: Option<u64>,
}

/// Writes the manifest of the given outputs, which stand in `folder`.
pub(super) fn write(
    folder: &Path,
    outputs: &[Output],
    sources: &[SourceRow],
    catalogue: &Catalogue,
    plan: &Plan,
    key_id: Option<&str>,
) -> Result<(), Error> {
    let outputs: Vec<Value> = outputs
        .iter()
        .map(|output| {
            let (bytes, blake3, sha256) = hashes(&folder.join(output.name.as_ref()), plan.custody)?;
            Ok(json!({"path": output.name, "rows": output.rows, "bytes": bytes, "blake3": blake3, "sha256": sha256}))
        })
        .collect::<Result<_, Error>>()?;
    let inputs: Vec<Value> = sources
        .iter()
        .map(|s| {
            json!({
                "source_id": s.source_id, "path": s.path, "bytes": s.bytes, "blake3": s.blake3, "sha256": s.sha256,
                "kind": s.kind, "format": s.format, "encoding": s.encoding, "status": s.status,
            })
        })
        .collect();
    let manifest = json!({
        "schema_version": super::SCHEMA_VERSION,
        "tool": {"name": "tapscope", "version": env!("CARGO_PKG_VERSION")},
        "options": options(plan),
        "key_id": key_id,
        "limits": limits(plan),
        "rules_blake3": catalogue.hash(),
        "inputs": inputs,
        "outputs": outputs,
    });
    let path = folder.join("manifest.json");
    super::write_json(&path, &manifest)
}

/// As given, without secrets: of the key only that there was one. The order of the inputs does not matter, so they stand sorted.
fn options(plan: &Plan) -> Value {
    let path = |p: &Path| super::clean(&p.display().to_string()).to_string();
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

fn limits(plan: &Plan) -> Value {
    let l = &plan.limits;
    json!({
        "line_bytes": l.line_bytes, "record_lines": l.record_lines, "record_bytes": l.record_bytes,
        "member_bytes": l.member_bytes, "ratio": l.ratio, "ratio_after": l.ratio_after,
        "archive_depth": l.archive_depth, "archive_members": l.archive_members,
        "flows": l.flows, "flow_idle_seconds": l.flow_idle_seconds, "flow_pending_bytes": l.flow_pending_bytes,
        "link_candidates": l.link_candidates, "transaction_events": l.transaction_events,
    })
}

fn hashes(path: &Path, custody: bool) -> Result<(u64, String, Option<String>), Error> {
    let mut file = std::fs::File::open(path).map_err(|e| Error::file(path, e))?;
    let mut blake3 = blake3::Hasher::new();
    let mut sha256 = custody.then(sha2::Sha256::new);
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
    }
    let sha256 = sha256.map(|hasher| hex(&hasher.finalize()).to_lowercase());
    Ok((bytes, blake3.finalize().to_hex().to_string(), sha256))
}
