#!/bin/sh
# Builds Inkstone and runs every test, on a machine where nothing need be installed before.
#
#   sh scripts/test.sh                     as it is used, and with sanitizers of memory: the builds release and asan; then
#                                          each fuzzer for a few seconds (it takes clang)
#   sh scripts/test.sh --preset NAME       another build: release, debug, clang, asan, tsan, fuzz (again for more)
#   sh scripts/test.sh --all               release (gcc), clang, asan, tsan, fuzz
#   sh scripts/test.sh --long              what takes hours: a thousand faults of each kind and command (tests/faults/walk.py),
#                                          each fuzzer for ten minutes, 500 kills at random instants; FAULTS, FUZZ_SECONDS
#                                          and KILLS (half of them) in the environment are other numbers
#   sh scripts/test.sh --sabotage          breaks the program line by line: each must fail a test (minutes)
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
  *clang*) sh scripts/deps.sh --dev ;;
  *) sh scripts/deps.sh ;;
esac

# A test takes what is free: two at a time keep two cores busy while one of them waits.
jobs=$(nproc)

# The fuzzers are built alone: what the other tests say, they have said in another build.
fuzz() {
  sh scripts/deps.sh clang libclang-rt-dev || { echo 'SKIP: fuzzers need clang and libclang-rt-dev'; return 0; }
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
