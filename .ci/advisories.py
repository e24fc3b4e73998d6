#!/usr/bin/env python3
"""Makes `.ci/advisories.tsv` anew from a checkout of the RustSec advisory database: advisories.py CHECKOUT >.ci/advisories.tsv

Facts only (package, id, kind, versions), no texts. `tests/advisories.rs` holds Cargo.lock against the table, without a network."""

import pathlib, subprocess, sys, tomllib

checkout = pathlib.Path(sys.argv[1])


def git(*words):
    done = subprocess.run(["git", "-C", str(checkout), *words], check=True, capture_output=True)
    return done.stdout.decode("utf8")


commit, date = git("log", "-1", "--format=%h %cs").split()
rows = []
for path in git("ls-tree", "-r", "--name-only", "HEAD", "crates").splitlines():
    if not path.endswith(".md"):
        continue
    text = git("show", "HEAD:" + path)
    about = tomllib.loads(text.split("```toml", 1)[1].split("```", 1)[0])
    advisory, versions = about["advisory"], about.get("versions", {})
    if "withdrawn" in advisory:
        continue
    fine = versions.get("patched", []) + versions.get("unaffected", [])
    # Where only some systems are concerned, all are taken to be.
    kind = advisory.get("informational", "vulnerability")
    rows.append((advisory["package"], advisory["id"], kind, " | ".join(fine)))
print(f"# RustSec advisory database (CC0-1.0; some entries from the GitHub Advisory Database, CC-BY-4.0), copy of {date}, commit {commit}")
print("# package\tadvisory\tkind\tversions that are not affected")
for row in sorted(rows):
    print("\t".join(row))
