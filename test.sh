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
# Independent readers of our Parquet files. Where they are there, a test that skips them fails.
if ! python3 -c 'import pyarrow, duckdb' 2>/dev/null; then
  python3 -m pip install --quiet --disable-pip-version-check pyarrow duckdb 2>/dev/null || true
fi
if python3 -c 'import pyarrow, duckdb' 2>/dev/null; then
  export TAPSCOPE_REQUIRE_PYTHON=1
else
  skipped+=("tables read by pyarrow and DuckDB: they cannot be installed here")
fi
# Counts instructions: how work grows with its input. Damages captures. Keeps a screen.
for pair in valgrind:valgrind editcap:wireshark-common tmux:tmux; do
  if ! command -v "${pair%%:*}" >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { DEBIAN_FRONTEND=noninteractive apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${pair##*:}" >/dev/null 2>&1; } || true
  fi
  command -v "${pair%%:*}" >/dev/null || skipped+=("${pair##*:}: ${pair%%:*} cannot be installed here (see docs/reliability.md)")
done
if command -v valgrind >/dev/null; then export TAPSCOPE_REQUIRE_VALGRIND=1; fi
# A real browser for the report.
browser() { command -v chromium || command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable; }
if ! browser >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  { DEBIAN_FRONTEND=noninteractive apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver fonts-noto-cjk >/dev/null; } || true
fi
if browser >/dev/null && command -v python3 >/dev/null; then
  export TAPSCOPE_REQUIRE_CHROMIUM=1
else
  skipped+=("the report in a browser: Chromium or python3 is not here and cannot be installed")
fi
# An independent reader of data objects.
if ! python3 -c 'import ber_tlv.tlv' 2>/dev/null; then
  python3 -m pip install --quiet --disable-pip-version-check ber-tlv==0.0.6 2>/dev/null ||
    skipped+=("data objects read by ber-tlv: ber-tlv cannot be installed here")
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
