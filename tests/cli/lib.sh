# lib.sh - what the tests of the command line share. Use: . "$(dirname "$0")/lib.sh"
#
# Each test runs in an empty folder of its own, removed at the end. `run ARGS...` runs inkstone; its exit status, stdout and
# stderr are then in $status and the files out and err, for the expect_ functions. All failures of a test are shown.

here=$(cd "$(dirname "$0")" && pwd)
: "${INKSTONE:=$here/../../build/release/inkstone}" "${SOURCE:=$here/../..}"
[ -x "$INKSTONE" ] || { echo "there is no $INKSTONE: build first, or set INKSTONE" && exit 1; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM
cd "$folder" || exit 1
failures=0
status=0
last=
LC_ALL=C.UTF-8
OMP_WAIT_POLICY=passive # several tests at once on few processors
export LC_ALL OMP_WAIT_POLICY
unset COLUMNS INKSTONE_LANG

flunk() {
  failures=$((failures + 1))
  echo "FAILED: $*"
  echo "  after: $last (exit status $status)"
  sed 's/^/  out: /' out 2>/dev/null | head -n 20 | cut -c 1-400
  sed 's/^/  err: /' err 2>/dev/null | head -n 20 | cut -c 1-400
}

run() {
  last="inkstone $*"
  "$INKSTONE" "$@" >out 2>err </dev/null
  status=$?
}

# As run, with the first argument as standard input.
run_with_input() {
  input=$1
  shift
  last="inkstone $* <input"
  printf '%s' "$input" >input
  "$INKSTONE" "$@" >out 2>err <input
  status=$?
}

expect_status() { [ "$status" -eq "$1" ] || flunk "expected exit status $1"; }
expect_out() { grep -qF -e "$1" out || flunk "expected on stdout: $1"; }
expect_err() { grep -qiF -e "$1" err || flunk "expected on stderr: $1"; }
expect_not_err() { ! grep -qF -e "$1" err || flunk "unexpected on stderr: $1"; }
expect_silent_out() { [ ! -s out ] || flunk "expected nothing on stdout"; }
expect_silent_err() { [ ! -s err ] || flunk "expected nothing on stderr"; }
expect_same() { cmp -s "$1" "$2" || flunk "$1 and $2 differ"; }
expect_file() { [ -s "$1" ] || flunk "there should be a file $1"; }
expect_no_file() { [ ! -e "$1" ] || flunk "there should be no file $1"; }

# The request is wrong: status 2, a sentence that holds the argument, where to read on, nothing on stdout.
expect_usage() {
  expect_status 2
  expect_err "$1"
  expect_err "see inkstone"
  expect_silent_out
}

# The world is wrong: status 1, a sentence that holds each argument, nothing on stdout, no advice on flags.
expect_failure() {
  expect_status 1
  for text in "$@"; do expect_err "$text"; done
  expect_not_err "see inkstone"
  expect_silent_out
}

# Each line (or the whole file, with -s) of a file is valid JSON; seen by python3 or jq, else not looked at.
expect_json_lines() {
  if command -v python3 >/dev/null 2>&1; then
    python3 -c 'import json,sys
for line in open(sys.argv[1], encoding="utf-8"): json.loads(line)' "$1" 2>/dev/null || flunk "$1 is not JSON lines"
  fi
}
expect_json() {
  if command -v python3 >/dev/null 2>&1; then python3 -m json.tool "$1" >/dev/null 2>&1 || flunk "$1 is not JSON"
  elif command -v jq >/dev/null 2>&1; then jq . "$1" >/dev/null 2>&1 || flunk "$1 is not JSON"
  else grep -q '^[[{]' "$1" || flunk "$1 does not begin as JSON"; fi
}

# N lines of made-up English, always the same ones.
text_of() {
  awk -v n="$1" 'BEGIN {
    count = split("the a moon river stone old woman walks sings under bright cold and over small bird house rain", w, " ")
    x = 12345
    for (i = 0; i < n; i++) {
      line = ""
      for (k = 0; k < 8; k++) { x = (x * 1103 + 12345) % 65536; line = line (k ? " " : "") w[int(x / 7) % count + 1] }
      print toupper(substr(line, 1, 1)) substr(line, 2) "."
    }
  }'
}

# A model of seconds, in the directory $1, from the file $2; further flags follow.
train_small() {
  model=$1 text=$2
  shift 2
  run train write "$text" -o "$model" --threads 1 --size nano --tokenizer byte --context 32 --batch 4 --steps 8 --eval-every 4 \
    --sample-tokens 0 "$@"
}

is_root() { [ "$(id -u)" -eq 0 ]; }

skip_part() { echo "SKIP: $*"; }

finish() {
  [ "$failures" -eq 0 ] || {
    echo "$failures failed"
    exit 1
  }
  exit 0
}
