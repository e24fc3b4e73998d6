#!/usr/bin/env bash
# Builds the fuzz targets with coverage guidance (libFuzzer, stable compiler, no cargo-fuzz) and runs them, then prints one table.
#
#   fuzz/run.sh [--seconds N | --cpu-minutes N] [--slice N] [--parsers] [--built] [TARGET...]
#   fuzz/run.sh --merge [TARGET...]      the smallest corpus that reaches what was reached, into fuzz/corpus/
#
# --seconds N      each target for so long by the clock (default 20)
# --cpu-minutes N  each target until it has used so much processor time, in turns of --slice seconds; goes on where it stopped
# --parsers        only targets that need no more than the parsers: a clean checkout builds them in a minute
# --built          run what was built before
#
# What is found lies in $TAPSCOPE_FUZZ_DIR (default: target/fuzz): corpus/, artifacts/, log/, bin/, and figures.tsv, which keeps one
# line a turn. $TAPSCOPE_FUZZ_TIMEOUT: seconds that one input may take (default 5). Ends with 1 where anything was found.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
families="tlv:F1 iso8583:F2 dialogue:F3 records:F4 encoding:F5 capture:F6 reassembly:F7 protocols:F8 archive:F9 rules:F10 pipeline:F11 report:F11 card_numbers:F12"
order="pipeline records card_numbers iso8583 dialogue reassembly capture tlv protocols archive rules encoding report"
parsers="records card_numbers iso8583 dialogue reassembly capture tlv protocols"

seconds=20 minutes=0 slice=60 build=1 merge=0 targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2 && shift ;;
    --cpu-minutes) minutes=$2 && shift ;;
    --slice) slice=$2 && shift ;;
    --parsers) read -ra targets <<<"$parsers" ;;
    --built) build=0 ;;
    --merge) merge=1 ;;
    -*) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" && exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
[ ${#targets[@]} -gt 0 ] || read -ra targets <<<"$order"

root=$(cd "$here/.." && pwd)
out=${TAPSCOPE_FUZZ_DIR:-$root/target/fuzz}
timeout=${TAPSCOPE_FUZZ_TIMEOUT:-5}
# One processor a target: what is counted is what it does, not what threads wait for.
export RAYON_NUM_THREADS=1 POLARS_MAX_THREADS=1
mkdir -p "$out/bin" "$out/log"
figures=$out/figures.tsv
[ -s "$figures" ] || printf 'target\texecutions\tcpu_seconds\twall_seconds\tcoverage\tfeatures\tfinds\twhen\n' >"$figures"

if [ $build = 1 ]; then
  command -v c++ >/dev/null || { echo "fuzz/run.sh: a C++ compiler is needed (libFuzzer)" >&2; exit 3; }
  features=(--no-default-features --features libfuzzer)
  bins=()
  for target in "${targets[@]}"; do
    bins+=(--bin "fuzz_$target")
    [[ " $parsers " == *" $target "* ]] || features=(--features libfuzzer)
  done
  (cd "$root" && RUSTC_WORKSPACE_WRAPPER=$here/instrument.sh CARGO_INCREMENTAL=0 \
    cargo build --release --locked -p tapscope-fuzz "${features[@]}" "${bins[@]}")
  target_dir=${CARGO_TARGET_DIR:-$root/target}
  for target in "${targets[@]}"; do install -m 755 "$target_dir/release/fuzz_$target" "$out/bin/$target"; done
fi

if [ $merge = 1 ]; then
  for target in "${targets[@]}"; do
    fresh=$out/merged/$target
    rm -rf "$fresh" && mkdir -p "$fresh" "$out/corpus/$target" "$here/corpus/$target"
    "$out/bin/$target" -merge=1 -use_counters=0 -rss_limit_mb=2048 -timeout=60 -max_len=8192 "$fresh" "$here/corpus/$target" "$out/corpus/$target" \
      >"$out/log/$target.merge" 2>&1
    # What a person named stays: an input that found something once. The rest is replaced.
    find "$here/corpus/$target" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    # No digits that could be a card number of somebody.
    "$here/seeds.py" --sift "$fresh"
    find "$fresh" -type f -exec cp -t "$here/corpus/$target/" {} +
    echo "$target: $(find "$here/corpus/$target" -type f | wc -l) files, $(du -sbh "$here/corpus/$target" | cut -f1)"
  done
  exit 0
fi

# One turn of a target: runs it for so many seconds and adds a line to the figures.
turn() {
  local target=$1 seconds=$2 log=$out/log/$1 corpus=$out/corpus/$1 artifacts=$out/artifacts/$1
  mkdir -p "$corpus" "$artifacts" "$here/corpus/$target"
  local before after began ended
  before=$(find "$artifacts" -type f | wc -l)
  began=$(date +%s.%N)
  TIMEFORMAT='cpu %U %S'
  { time "$out/bin/$target" -max_total_time="$seconds" -timeout="$timeout" -report_slow_units="$timeout" -rss_limit_mb=512 -max_len=65536 -len_control=50 \
    -print_final_stats=1 -artifact_prefix="$artifacts/" "$corpus" "$here/corpus/$target" >"$log" 2>&1; } 2>"$log.time" || true
  ended=$(date +%s.%N)
  after=$(find "$artifacts" -type f | wc -l)
  [ "$after" = "$before" ] || cp "$log" "$log.find.$after"
  awk -v target="$target" -v wall="$(awk -v a="$began" -v b="$ended" 'BEGIN { print b - a }')" -v finds=$((after - before)) -v when="$(date -u +%FT%TZ)" '
    $1 == "cpu" { cpu = $2 + $3 }
    $1 == "stat::number_of_executed_units:" { runs = $2 }
    $2 ~ /^(INITED|NEW|REDUCE|pulse|DONE|RELOAD)$/ {
      if (runs + 0 < substr($1, 2) + 0) runs = substr($1, 2) + 0
      for (k = 3; k < NF; k++) { if ($k == "cov:") cov = $(k + 1); if ($k == "ft:") ft = $(k + 1) } }
    END { printf "%s\t%d\t%.1f\t%.1f\t%d\t%d\t%d\t%s\n", target, runs, cpu, wall, cov, ft, finds, when }' "$log" "$log.time" >>"$figures"
}

spent() { awk -F'\t' -v t="$1" '$1 == t { s += $3 } END { printf "%d", s }' "$figures"; }
found() { find "$out/artifacts/$1" -type f 2>/dev/null | wc -l; }

start=$(wc -l <"$figures")
if [ "$minutes" = 0 ]; then
  for target in "${targets[@]}"; do turn "$target" "$seconds"; done
  from=$((start + 1))
else
  while :; do
    left=0
    for target in "${targets[@]}"; do
      # What has found something waits until it is mended: the same again says nothing new.
      if [ "$(spent "$target")" -lt $((minutes * 60)) ] && [ "$(found "$target")" -lt 3 ]; then turn "$target" "$slice" && left=1; fi
    done
    [ $left = 1 ] || break
  done
  from=2
fi

awk -F'\t' -v from=$from -v families="$families" '
  BEGIN { n = split(families, f, /[ :]/); for (k = 1; k < n; k += 2) family[f[k]] = f[k + 1]
    printf "%-14s %-6s %14s %10s %9s %6s %10s\n", "target", "family", "executions", "exec/s", "coverage", "finds", "CPU min" }
  NR >= from && NR > 1 { if (!($1 in runs)) names[++count] = $1; runs[$1] += $2; cpu[$1] += $3; if ($5 > cov[$1]) cov[$1] = $5; finds[$1] += $7; all += $7 }
  END { for (k = 1; k <= count; k++) { t = names[k]
      printf "%-14s %-6s %14d %10d %9d %6d %10.1f\n", t, family[t], runs[t], cpu[t] ? runs[t] / cpu[t] : 0, cov[t], finds[t], cpu[t] / 60 }
    exit all > 0 }' "$figures"
