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
# An independent reader of our Parquet files.
if ! python3 -c 'import pyarrow' 2>/dev/null; then
  python3 -m pip install --quiet --disable-pip-version-check pyarrow 2>/dev/null ||
    skipped+=("Parquet read by pyarrow: pyarrow cannot be installed here")
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
