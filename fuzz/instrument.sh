#!/bin/sh
# Stands before rustc for our own crates only (RUSTC_WORKSPACE_WRAPPER): coverage for libFuzzer, checks of arithmetic, lines in traces.
# Cargo keeps what is built so apart from what is built without it.
rustc=$1
shift
exec "$rustc" "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=on -Coverflow-checks=on -Cdebuginfo=line-tables-only
