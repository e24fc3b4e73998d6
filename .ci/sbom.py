#!/usr/bin/env python3
"""Writes a CycloneDX 1.6 bill of materials of what is linked into the program, from cargo's own data. Same lock file, same bytes."""
import json
import subprocess
import sys


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def main():
    meta = json.loads(run("cargo", "metadata", "--format-version", "1", "--locked", "--offline"))
    packages = {p["id"]: p for p in meta["packages"]}
    nodes = {n["id"]: n for n in meta["resolve"]["nodes"]}
    root = next(p["id"] for p in meta["packages"] if p["name"] == "tapscope" and not p["source"])
    # What is compiled in: metadata alone would also name what no feature asks for, and what only tests need.
    tree = run("cargo", "tree", "--package", "tapscope", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--offline", "--locked")
    built = {tuple(line.replace(" (*)", "").split(" ")[:2]) for line in tree.splitlines() if line}
    linked = {i for i, p in packages.items() if (p["name"], f"v{p['version']}") in built}

    def ref(p):
        return f"pkg:cargo/{p['name']}@{p['version']}"

    def component(p):
        out = {"type": "library", "bom-ref": ref(p), "name": p["name"], "version": p["version"], "purl": ref(p)}
        if p["license"]:
            out["licenses"] = [{"expression": p["license"].replace("/", " OR ")}]
        if p.get("repository"):
            out["externalReferences"] = [{"type": "vcs", "url": p["repository"]}]
        return out

    checksums = {}
    name = version = None
    for line in open("Cargo.lock", encoding="utf-8"):
        key, _, value = line.partition(" = ")
        value = value.strip().strip('"')
        if key == "name":
            name = value
        elif key == "version":
            version = value
        elif key == "checksum":
            checksums[(name, version)] = value

    components = []
    for ident in linked - {root}:
        p = packages[ident]
        entry = component(p)
        if (p["name"], p["version"]) in checksums:
            entry["hashes"] = [{"alg": "SHA-256", "content": checksums[(p["name"], p["version"])]}]
        components.append(entry)
    top = component(packages[root]) | {"type": "application"}
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": top},
        "components": sorted(components, key=lambda c: c["bom-ref"]),
        "dependencies": sorted(
            (
                {
                    "ref": ref(packages[i]),
                    "dependsOn": sorted({ref(packages[d]) for d in nodes[i]["dependencies"] if d in linked}),
                }
                for i in linked
            ),
            key=lambda d: d["ref"],
        ),
    }
    json.dump(bom, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
