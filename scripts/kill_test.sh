#!/bin/sh
# Kills a training run with SIGKILL at random instants, resumes it each time, and compares the final weights with those of an
# uninterrupted run: of all weights, of an adapter, of preferences (which need their references back) and of a classifier, each
# also with 1, 2 and 3 threads; then does the same with a run that replaces a model (--overwrite, --average), where after every
# kill the old or the new model must generate text.
#
#   sh scripts/kill_test.sh [KILLS [INKSTONE [TEXT]]]      defaults: 20 kills of each kind, build/release/inkstone, a made-up text
#
# If tests/libfault_shim.so is built next to INKSTONE, half of the kills of the second kind run with a simulated slow disk.
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

awk 'NR <= 400 { printf "%s\t%s\n", (/river/ ? "wet" : "dry"), $0 }' "$text" >"$here/labels.tsv"
awk 'BEGIN { print "prompt\tchosen\trejected" } NR <= 400 { print $1 " " $2 "\t " $3 " " $4 "\t " $4 " " $5 " old" }' "$text" >"$here/pairs.tsv"

# With dropout and averaging, so that their state is tested, too. Replaces the shell: call it in a subshell.
exec_train() { # DIRECTORY TASK DATA FLAGS...
  dir=$1 task=$2 data=$3
  shift 3
  exec "$inkstone" train "$task" "$data" -o "$here/$dir" --steps 400 --batch 8 --checkpoint-every 20 --eval-every 37 \
    --dropout 0.1 --ema 0.9 --quiet "$@"
}
train() { (exec_train "$@"); }
sum() { # hash of all learnt files of a run
  (cd "$here/$1" && find . -name 'inkstone-next*' -prune -o \( -name '*.safetensors' -o -name tokenizer.json \) -print | sort | xargs cat | sha256sum | cut -c1-16)
}

seed=$$
kill_within() { # PID MILLISECONDS: kills it after a random part of that time
  seed=$(((seed * 1103515245 + 12345) % 2147483648))
  sleep "$(awk "BEGIN { print 0.03 + ($seed % 10007) / 10007 * $2 / 1000 }")"
  kill -9 "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
resume_killed() { # TASK DATA FLAGS...: to the end
  train killed --resume "$@"
  got=$(sum killed)
  [ "$got" = "$expected" ] || { echo "FAILED: killed run gives $got"; exit 1; }
}
kill_training() { # DIRECTORY of the run that is left alone, TASK DATA FLAGS...
  dir=$1
  shift
  begin=$(date +%s%N)
  train "$dir" "$@"
  lasted=$((($(date +%s%N) - begin) / 1000000))
  expected=$(sum "$dir")
  echo "uninterrupted: $expected in $lasted ms"
  done_kills=0
  rm -rf "$here/killed"
  while [ "$done_kills" -lt "$kills" ]; do
    exec_train killed --resume "$@" &
    kill_within $! $((lasted / 2))
    done_kills=$((done_kills + 1))
    steps=$(ls -d "$here"/killed/checkpoint-0* 2>/dev/null | tail -n 1 | sed 's/.*-0*//')
    echo "kill $done_kills: newest checkpoint ${steps:-none}"
    # near the end, start over, so that every kill hits a running program
    [ "${steps:-0}" -lt 360 ] || { resume_killed "$@"; echo "same weights: $got"; rm -rf "$here/killed"; }
  done
  resume_killed "$@"
  echo "after $kills kills: same weights: $got"
  for threads in 1 2 3; do
    train threads "$@" --overwrite --threads $threads
    got=$(sum threads)
    [ "$got" = "$expected" ] || { echo "FAILED: $threads threads give $got"; exit 1; }
    echo "$threads threads: same weights: $got"
  done
}

kill_training whole write "$text" --size nano --context 64 --sample-every 90
kill_training adapter write "$text" --context 64 --sample-every 90 --from "$here/whole" --adapter lora --rank 4
kill_training preferences prefer "$here/pairs.tsv" --lr 1e-4 --from "$here/whole" --adapter lora --rank 4
kill_training labels classify "$here/labels.tsv" --context 64 --from "$here/whole"

# ---- replacing a model ----

shim=$(dirname "$inkstone")/tests/libfault_shim.so
[ -f "$shim" ] || shim=
exec_small() { # DIRECTORY SEED STEPS FLAGS...
  dir=$1 of=$2 steps=$3
  shift 3
  exec "$inkstone" train write "$text" -o "$here/$dir" --size nano --context 32 --steps "$steps" --batch 8 --tokenizer byte --warmup 4 \
    --eval-every 5 --eval-tokens 300 --sample-tokens 0 --checkpoint-every 5 --seed "$of" --threads 1 --quiet "$@"
}
replace() { exec_small "$1" 2 30 --average 3 --overwrite; }
slowly() { export LD_PRELOAD="$shim" FAULT_DELAY=400; replace "$1"; }
write() { "$inkstone" write -m "$here/$1" --greedy --max-tokens 12 The; }
fail() { echo "FAILED: $1"; exit 1; }

(exec_small old 1 10)
old=$(write old | sha256sum) old_sum=$(sum old)
cp -r "$here/old" "$here/new"
begin=$(date +%s%N)
(replace new)
quick=$((($(date +%s%N) - begin) / 1000000))
new_sum=$(sum new)
rm -rf "$here/new" && cp -r "$here/old" "$here/new"
begin=$(date +%s%N)
if [ -n "$shim" ]; then (slowly new); else (replace new); fi
slow=$((($(date +%s%N) - begin) / 1000000))
[ "$(sum new)" = "$new_sum" ] || fail "repeating the run gives other weights"

done_kills=0 stayed=0 resumed=0
while [ "$done_kills" -lt "$kills" ]; do
  rm -rf "$here/new" && cp -r "$here/old" "$here/new"
  if [ -n "$shim" ] && [ $((done_kills % 2)) = 1 ]; then slowly new & kill_within $! "$slow"; else replace new & kill_within $! "$quick"; fi
  done_kills=$((done_kills + 1))
  write new >"$here/written" 2>"$here/said" || fail "kill $done_kills: $(cat "$here/said")"
  [ -s "$here/written" ] && ! [ -s "$here/said" ] || fail "kill $done_kills: unexpected output: $(cat "$here/written" "$here/said")"
  now=$(sha256sum <"$here/written")
  # Before the first checkpoint of the new run, the old model must be complete.
  if ! ls -d "$here"/new/inkstone-next*/checkpoint-0* >/dev/null 2>&1 && [ "$(sum new)" = "$old_sum" ]; then
    [ "$now" = "$old" ] || fail "kill $done_kills: the output of the old model has changed"
    stayed=$((stayed + 1))
    continue
  fi
  (exec_small new 2 30 --average 3 --resume) || fail "kill $done_kills: the new run cannot be resumed"
  [ "$(sum new)" = "$new_sum" ] || fail "kill $done_kills: the new run ends with other weights"
  [ -z "$(cd "$here/new" && ls -d inkstone-next* ./*.tmp* snapshot-* 2>/dev/null)" ] || fail "kill $done_kills: left behind: $(ls "$here/new")"
  resumed=$((resumed + 1))
done
echo "after $kills kills of runs that replace a model: $stayed times the old model, $resumed times a new run, resumed to the same weights"
