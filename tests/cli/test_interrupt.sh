# Ctrl-C, kill and a second process on the same run: nothing is lost.
. "$(dirname "$0")/lib.sh"
text_of 2000 >text

# A shell starts what runs in the background with SIGINT ignored, and inkstone respects that.
env --default-signal=INT true 2>/dev/null || {
  echo "SKIP: this env cannot give SIGINT back its meaning"
  exit 77
}
start() {
  last="inkstone $* (in the background)"
  rm -f out err # what until_true waits for must be of this process
  env --default-signal=INT "$INKSTONE" "$@" >out 2>err </dev/null &
  process=$!
}
ended() {
  wait "$process"
  status=$?
}
# Waits until a command succeeds, for a minute at most.
until_true() {
  tries=0
  until eval "$1" || [ $tries -ge 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
  [ $tries -lt 600 ] || flunk "waited in vain for: $1"
}
long="--threads 1 --size nano --tokenizer byte --context 32 --batch 4 --steps 40000 --eval-every 20 --sample-tokens 0"

for signal in INT TERM HUP; do
  rm -rf model
  start train write text -o model $long
  until_true 'test -s model/model.safetensors'
  if [ $signal = INT ]; then
    cp err err.first
    "$INKSTONE" train write text -o model $long --resume >out 2>err </dev/null
    status=$?
    last="a second process on the same run"
    expect_failure "model" "$process"
  fi
  kill -$signal "$process"
  ended
  last="train, stopped by SIG$signal"
  expect_status 1
  run write -m model --max-tokens 3 The
  expect_status 0
done

# Text that never ends is read until it is asked to stop.
for signal in INT TERM; do
  for command in "train write - -o endless --dry-run" "tokenizer train - -o endless.json"; do
    mkfifo pipe
    yes 'the old river' >pipe &
    last="inkstone $command, stopped by SIG$signal"
    # shellcheck disable=SC2086 # a command
    env --default-signal=INT timeout 60 "$INKSTONE" $command >out 2>err <pipe &
    process=$!
    sleep 1
    pkill -$signal -P "$process" 2>/dev/null || kill -$signal "$process"
    ended
    expect_status 1
    expect_err "interrupted"
    rm pipe
  done
done

# Stopped and resumed is the same as never stopped, byte for byte.
flags="--threads 1 --size nano --tokenizer byte --context 32 --batch 4 --steps 60 --eval-every 10 --sample-tokens 0"
run train write text -o whole $flags
expect_status 0
start train write text -o parts $flags
until_true 'ls parts/checkpoint* >/dev/null 2>&1'
kill -INT "$process" 2>/dev/null
ended
if [ "$status" -ne 0 ]; then
  expect_failure "--resume"
  run train write -o parts --resume
  expect_status 0
else skip_part "the run ended before it could be interrupted"; fi
last="comparing resumed and uninterrupted weights"
expect_same whole/model.safetensors parts/model.safetensors

# A budget on resuming holds for what is left.
start train write text -o hurried $long
until_true 'ls hurried/checkpoint* >/dev/null 2>&1'
kill -INT "$process" 2>/dev/null
ended
run train write text -o hurried --resume --budget 3s
expect_status 0
grep -q "^replan: " hurried/recipe.yaml || flunk "recipe.yaml does not have what the budget left out"

# Killed, not asked.
start train write text -o killed $flags
until_true 'ls killed/checkpoint* >/dev/null 2>&1'
kill -KILL "$process" 2>/dev/null
ended
run train write text -o killed $flags --resume
expect_status 0
expect_same whole/model.safetensors killed/model.safetensors

# Another setting is not the same run; nor is other text; nor is a finished model overwritten unasked.
run train write text -o whole --resume --layers 7
expect_usage "--layers"
text_of 100 >other
run train write other -o whole --resume
expect_failure "whole"
run train write text -o whole $flags
expect_failure "whole" "--resume" "--overwrite"

# An interrupted tokenizer training leaves no half of one; the one that was there stays.
text_of 400000 >much
text_of 20 >small
run tokenizer train small -o tokenizer.json --tokenizer byte -q
cp tokenizer.json mine
start tokenizer train much -o tokenizer.json --vocab 30000 --threads 1
sleep 0.3
kill -INT "$process" 2>/dev/null
ended
if [ "$status" -ne 0 ]; then
  expect_failure "interrupted"
  cmp -s tokenizer.json mine || flunk "the old tokenizer.json is gone"
  [ -z "$(find . -maxdepth 1 -name 'tokenizer.json?*')" ] || flunk "temporary files are left"
else skip_part "the tokenizer was learnt before it could be interrupted"; fi

# Writing: what was written stands, and the program ends soon.
start write -m whole --max-tokens 100000000 --ignore-end The
until_true 'test -s out'
kill -INT "$process"
ended
last="write, interrupted"
expect_status 1
expect_out "The"

# A second signal kills at once, also where the first cannot be heeded: here the program waits to write to a full pipe.
if [ -r /proc/self/status ] && mkfifo pipe; then
  exec 3<>pipe
  dd if=/dev/zero of=pipe bs=4096 count=16 oflag=nonblock 2>/dev/null
  env --default-signal=INT "$INKSTONE" write -m whole --max-tokens 100000000 --ignore-end The >pipe 2>err </dev/null 3<&- &
  process=$!
  # SIGINT, number 2, is bit 1 of the last digit of the signals caught
  until_true 'grep -q "SigCgt:.*[2367abef]$" /proc/$process/status'
  sleep 0.5
  kill -INT "$process"
  sleep 0.5
  last="write to a full pipe, interrupted once and twice"
  kill -0 "$process" 2>/dev/null || flunk "the first signal should only ask"
  kill -INT "$process" 2>/dev/null
  ended
  exec 3<&-
  [ "$status" -eq 130 ] || flunk "the second signal should kill"
else skip_part "no /proc to see when signals are caught"; fi
finish
