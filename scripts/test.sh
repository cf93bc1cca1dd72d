#!/bin/sh
# Installs missing packages, builds Inkstone and runs every test.
#
#   sh scripts/test.sh                     the presets release and asan, then each fuzzer for a few seconds (needs clang)
#   sh scripts/test.sh --preset NAME       another preset: release, debug, clang, asan, tsan, fuzz (may be repeated)
#   sh scripts/test.sh --all               release (gcc), clang, asan, tsan, fuzz
#   sh scripts/test.sh --long              takes hours: a thousand faults of each kind and command (tests/faults/walk.py), each
#                                          fuzzer for ten minutes, 500 kills at random instants; set FAULTS, FUZZ_SECONDS and
#                                          KILLS (half of the kills) in the environment to change these
#   sh scripts/test.sh --sabotage          mutation testing: breaks the program line by line, each must fail a test (minutes)
set -eu
cd "$(dirname "$0")/.."

usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

presets=
sabotage=
long=
while [ $# -gt 0 ]; do
  case $1 in
    --all) presets="$presets release clang asan tsan fuzz" ;;
    --preset) [ $# -gt 1 ] || usage; presets="$presets $2"; shift ;;
    --sabotage) sabotage=yes ;;
    --long) long=yes ;;
    *) usage ;;
  esac
  shift
done
[ -n "$presets$sabotage$long" ] || presets='release asan fuzz'

case $presets in
  *clang*) sh scripts/deps.sh --dev python3-pytest mypy ;;
  *) sh scripts/deps.sh python3-pytest mypy ;;
esac

# As many tests at a time as there are cores, which keeps them busy while some tests wait.
jobs=$(nproc)

# Only the fuzzers are built; the other tests run in the other presets.
fuzz() {
  sh scripts/deps.sh clang libclang-rt-dev || { echo 'SKIP: the fuzzers need clang and libclang-rt-dev'; return 0; }
  cmake --preset fuzz >/dev/null
  cmake --build build/fuzz --target fuzzers -- --quiet
  ctest --test-dir build/fuzz --output-on-failure --parallel "$jobs" -R '^fuzz_'
}

for preset in $presets; do
  printf '\n== %s\n' "$preset"
  [ "$preset" != fuzz ] || { fuzz; continue; }
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" -- --quiet
  ctest --test-dir "build/$preset" --output-on-failure --parallel "$jobs"
done
if [ -n "$long" ]; then
  cmake --preset release >/dev/null
  cmake --build --preset release -- --quiet
  python3 tests/faults/walk.py build/release/inkstone build/release/tests/libfault_shim.so --each "${FAULTS:-1000}" --jobs "$jobs"
  export FUZZ_SECONDS="${FUZZ_SECONDS:-600}"
  fuzz
  sh scripts/kill_test.sh "${KILLS:-250}"
fi
[ -z "$sabotage" ] || python3 scripts/sabotage.py
