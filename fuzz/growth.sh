#!/usr/bin/env bash
# Counts the instructions of each kind of work at n, 2n and 4n (valgrind's callgrind, one thread): no doubling may cost more than 2.6 times.
# `growth.sh` for all, `growth.sh NAME...` for some.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v valgrind >/dev/null; then
  echo "SKIPPED: growth of work: valgrind is not here"
  exit 0
fi
target=${CARGO_TARGET_DIR:-../target}
cargo build --release --quiet -p tapscope-fuzz --bin growth
export RAYON_NUM_THREADS=1
count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$target/release/growth" "$1" "$2" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
failed=0
printf '%-26s %8s %14s %14s %14s %6s %6s\n' work n 'at n' 'at 2n' 'at 4n' x2 x4
while read -r name n; do
  if [ $# -gt 0 ] && ! printf '%s\n' "$@" | grep -qx "$name"; then continue; fi
  zero=$(count "$name" 0)
  a=$(($(count "$name" "$n") - zero))
  b=$(($(count "$name" $((2 * n))) - zero))
  c=$(($(count "$name" $((4 * n))) - zero))
  # What hardly does anything at any size (a bound was met at once) grows with nothing.
  read -r first second verdict < <(awk -v a="$a" -v b="$b" -v c="$c" 'BEGIN {
    f = a > 0 ? b / a : 1; s = b > 0 ? c / b : 1; ok = (f <= 2.6 && s <= 2.6) || c < 2000000
    printf "%.2f %.2f %s\n", f, s, ok ? "ok" : "TOO FAST" }')
  printf '%-26s %8s %14s %14s %14s %6s %6s %s\n' "$name" "$n" "$a" "$b" "$c" "$first" "$second" "$verdict"
  [ "$verdict" = ok ] || failed=1
done < <("$target/release/growth" list)
exit $failed
