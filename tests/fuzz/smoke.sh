#!/bin/sh
# A short run of one fuzzer: every seed, and changes to them whose number is bounded (not their time), so that it is the
# same everywhere. What it finds lands beside the fuzzer.
#
#   sh tests/fuzz/smoke.sh FUZZER FOLDER      FOLDER: tests/fuzz
#   FUZZ_SECONDS=600 ctest --test-dir build/fuzz -R fuzz_      longer
set -eu
fuzzer=$1 folder=$2
name=$(basename "$fuzzer")
name=${name#fuzz_}
[ -d "$folder/seeds/$name" ] || { echo "no seeds in $folder/seeds/$name"; exit 1; }
case $name in # those that train or write take long over each
  bundle | resume) runs=100 ;;
  encode | metrics) runs=500 ;;
  *) runs=2000 ;;
esac
limit=-runs=$runs
[ -z "${FUZZ_SECONDS-}" ] || limit=-max_total_time=$FUZZ_SECONDS
dictionary=
[ ! -f "$folder/seeds/$name.dict" ] || dictionary=-dict=$folder/seeds/$name.dict
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # in memory where that can be: some write files
trap 'rm -rf "$work"' EXIT
mkdir "$work/corpus"
if ! UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 TMPDIR=$work "$fuzzer" -seed=1 "$limit" \
  -max_len=8192 -timeout=20 -rss_limit_mb=2048 -artifact_prefix="$fuzzer-" $dictionary \
  "$work/corpus" "$folder/seeds/$name" >"$work/out" 2>&1; then
  tail -60 "$work/out"
  exit 1
fi
grep -E 'INFO: Loaded|INITED|DONE' "$work/out"
