#!/usr/bin/env bash
# All tests, with what they need. Says loudly what it had to skip.
set -euo pipefail
cd "$(dirname "$0")"
skipped=()

if ! command -v cc >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev >/dev/null
  else
    echo "test.sh: a C compiler is needed (zstd)" >&2
    exit 1
  fi
fi
# An independent reader of captures; `TAPSCOPE_TSHARK=all` compares everything instead of a sample.
if ! command -v tshark >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq tshark >/dev/null 2>&1 || true
  fi
  command -v tshark >/dev/null || skipped+=("captures compared with tshark: tshark cannot be installed here")
fi
# An independent reader of our Parquet files.
if ! python3 -c 'import pyarrow' 2>/dev/null; then
  python3 -m pip install --quiet --disable-pip-version-check pyarrow 2>/dev/null ||
    skipped+=("Parquet read by pyarrow: pyarrow cannot be installed here")
fi
[ -d "${TAPSCOPE_CORPUS:-../shared/corpus}" ] || skipped+=("corpus tests: no corpus at ${TAPSCOPE_CORPUS:-../shared/corpus}")

echo "== formatting"
cargo fmt --all --check
echo "== tests (release profile: dependencies are compiled once)"
cargo test --release --workspace --locked
for what in "${skipped[@]:-}"; do
  [ -n "$what" ] && echo "SKIPPED: $what"
done
exit 0
