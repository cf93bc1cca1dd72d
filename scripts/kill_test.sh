#!/bin/sh
# Kills a training run with SIGKILL at random instants, resuming it each time, and compares the final weights with those of
# the run that was never stopped; then trains with 1, 2 and 3 threads and compares those.
#
#   sh scripts/kill_test.sh [KILLS [INKSTONE [TEXT]]]      20 kills, build/release/inkstone, a text made here
set -eu
cd "$(dirname "$0")/.."
kills=${1-20} inkstone=${2-build/release/inkstone} text=${3-}
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

if [ -z "$text" ]; then
  text=$here/text
  awk 'BEGIN { srand(5); split("ink stone brush paper river moon wind old green writes reads under over the a and 山 水 月", w, " ")
    for (i = 0; i < 6000; i++) { line = ""; for (k = 0; k < 8; k++) line = line w[int(rand() * 19) + 1] " "; print line } }' >"$text"
fi

# Dropout and averaging on, so that their state is tested, too. Replaces the shell: call it in one of its own.
exec_train() { # DIRECTORY FLAGS...
  dir=$1
  shift
  exec "$inkstone" train write "$text" -o "$here/$dir" --size nano --context 64 --steps 400 --batch 8 --checkpoint-every 20 \
    --eval-every 37 --sample-every 90 --dropout 0.1 --ema 0.9 --quiet "$@"
}
train() { (exec_train "$@"); }
sum() { # of everything a run leaves that is learnt
  (cd "$here/$1" && cat model.safetensors tokenizer.json checkpoint-*/model.safetensors checkpoint-*/optimizer.safetensors | sha256sum | cut -c1-16)
}

begin=$(date +%s%N)
train whole
lasted=$((($(date +%s%N) - begin) / 1000000))
expected=$(sum whole)
echo "uninterrupted: $expected in $lasted ms"

done_kills=0 seed=$$
while [ "$done_kills" -lt "$kills" ]; do
  exec_train killed --resume &
  pid=$!
  seed=$(((seed * 1103515245 + 12345) % 2147483648))
  sleep "$(awk "BEGIN { print 0.05 + ($seed % 10007) / 10007 * $lasted / 1000 * 0.5 }")"
  kill -9 $pid 2>/dev/null || true
  wait $pid 2>/dev/null || true
  done_kills=$((done_kills + 1))
  steps=$(ls -d "$here"/killed/checkpoint-0* 2>/dev/null | tail -n 1 | sed 's/.*-0*//')
  echo "kill $done_kills: newest checkpoint ${steps:-none}"
  # once the end is near, begin again, so that every kill hits a running program
  [ "${steps:-0}" -lt 360 ] || { train killed --resume; got=$(sum killed); [ "$got" = "$expected" ] || { echo "FAILED: killed run gives $got"; exit 1; }; echo "same weights: $got"; rm -rf "$here/killed"; }
done
train killed --resume
got=$(sum killed)
[ "$got" = "$expected" ] || { echo "FAILED: killed run gives $got"; exit 1; }
echo "after $kills kills: same weights: $got"

for threads in 1 2 3; do
  train "threads$threads" --threads $threads
  got=$(sum "threads$threads")
  [ "$got" = "$expected" ] || { echo "FAILED: $threads threads give $got"; exit 1; }
  echo "$threads threads: same weights: $got"
done
