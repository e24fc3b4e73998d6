//! Known weaknesses of what is compiled in: every package against the vendored copy of the RustSec database (`.ci/advisories.tsv`, made
//! by `.ci/advisories.py`), without a network. The copy's date is printed: a table that is old says little.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may say what they mean"
)]

use std::collections::BTreeSet;
use std::path::Path;

use semver::{Version, VersionReq};

/// Open advisories that are accepted, and why.
const ACCEPTED: &[(&str, &str)] = &[];

/// One advisory.
struct Advisory<'t> {
    package: &'t str,
    id: &'t str,
    kind: &'t str,
    /// Any of these versions is not affected.
    fine: Vec<VersionReq>,
}

fn read(table: &str) -> Vec<Advisory<'_>> {
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [package, id, kind, fine] = cells.as_slice() else {
            panic!("four cells expected: {line}");
        };
        let fine = fine.split('|').map(str::trim).filter(|req| !req.is_empty());
        Advisory {
            package,
            id,
            kind,
            fine: fine.map(|req| VersionReq::parse(req).unwrap()).collect(),
        }
    })
    .collect()
}

impl Advisory<'_> {
    fn concerns(&self, package: &str, version: &Version) -> bool {
        self.package == package && !self.fine.iter().any(|req| req.matches(version))
    }
}

/// Name and version of everything that is compiled, on any system that this one can tell of.
fn compiled() -> BTreeSet<(String, Version)> {
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--all-features",
            "--edges",
            "normal,build,dev",
        ])
        .args(["--prefix", "none", "--format", "{p}", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        Some((name.to_owned(), Version::parse(version).unwrap()))
    });
    lines.collect()
}

#[test]
fn no_advisory_is_open() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/advisories.tsv");
    let table = std::fs::read_to_string(path).unwrap();
    println!("{}", table.lines().next().unwrap());
    let advisories = read(&table);
    assert!(advisories.len() > 1000, "the table is whole");
    let packages = compiled();
    assert!(packages.len() > 200, "{} packages", packages.len());
    let mut open = Vec::new();
    let mut met = BTreeSet::new();
    for (name, version) in &packages {
        for advisory in &advisories {
            if advisory.concerns(name, version) {
                met.insert(advisory.id);
                if ACCEPTED.iter().all(|(id, _)| *id != advisory.id) {
                    open.push(format!(
                        "{name} {version}: {} ({})",
                        advisory.id, advisory.kind
                    ));
                }
            }
        }
    }
    println!(
        "{} packages, {} advisories, {} open",
        packages.len(),
        advisories.len(),
        open.len()
    );
    assert!(open.is_empty(), "{}", open.join("\n"));
    for (id, why) in ACCEPTED {
        assert!(
            met.contains(id),
            "{id} is accepted ({why}), but no longer open: take it off the list"
        );
    }
}

/// The test above can fail: a version before the mending is found, one behind it is not.
#[test]
fn an_affected_version_is_found() {
    let table =
        "# copy\nlz4_flex\tRUSTSEC-2026-0041\tvulnerability\t>= 0.11.6, < 0.12.0 | >= 0.12.1\n";
    let advisories = read(table);
    let found =
        |version: &str| advisories[0].concerns("lz4_flex", &Version::parse(version).unwrap());
    assert!(found("0.11.5") && found("0.12.0"));
    assert!(!found("0.11.6") && !found("0.14.0"));
    assert!(!advisories[0].concerns("lz4", &Version::parse("0.1.0").unwrap()));
}
