# Results to stdout, everything else to stderr; closed and full streams.
. "$(dirname "$0")/lib.sh"

check_full() {
  last="inkstone $* >/dev/full"
  "$INKSTONE" "$@" >/dev/full 2>err </dev/null
  status=$?
  expect_status 1
  expect_err "cannot write to standard output"
  last="inkstone $* >&-"
  "$INKSTONE" "$@" 2>err </dev/null >&-
  status=$?
  expect_status 1
  expect_err "cannot write to standard output"
}

text_of 300 >text
train_small model text
expect_status 0
: >out
check_full --version
check_full --help
check_full train --help
check_full info model
check_full info model --json
check_full eval -m model text -q
check_full write -m model --max-tokens 5 The
check_full write -m model --max-tokens 5 The --json
check_full tokenizer encode -m model The
check_full tokenizer decode -m model 70 71
check_full help --completion bash

# A full disk ends the writing: a million tokens would take long.
last="write a lot to a full disk"
"$INKSTONE" write -m model --max-tokens 1000000 --ignore-end The >/dev/full 2>err </dev/null
status=$?
expect_status 1

# Who has read enough may leave; nobody complains.
"$INKSTONE" write -m model --max-tokens 1000000 --ignore-end The 2>err </dev/null | head -c 20 >out
last="write | head"
expect_silent_err
[ "$(wc -c <out)" -eq 20 ] || flunk "20 bytes should have come"

# Text comes as it is written, not at the end.
rm out
"$INKSTONE" write -m model --max-tokens 100000000 --ignore-end The >out 2>err </dev/null &
process=$!
tries=0
until [ -s out ] || [ $tries -ge 300 ]; do tries=$((tries + 1)) && sleep 0.1; done
kill "$process"
wait "$process"
expect_out The

# Training goes on where nobody reads its news any more, and with all streams closed.
"$INKSTONE" train write text -o unread --threads 1 --size nano --tokenizer byte --context 32 --batch 4 --steps 200 \
  --eval-every 10 2>&1 </dev/null | head -c 1 >/dev/null
last="train 2>&1 | head -c 1"
tries=0
until grep -q '"finished": true' unread/inkstone.json || [ $tries -ge 300 ]; do tries=$((tries + 1)) && sleep 0.1; done
[ $tries -lt 300 ] || flunk "the run should have gone on to its end"
"$INKSTONE" train write text -o closed --size nano --tokenizer byte --context 32 --batch 4 --steps 8 <&- >&- 2>&-
status=$?
last="train with closed streams"
expect_status 0
run write -m closed --max-tokens 3 The
expect_status 0

# A standard input that is closed is no empty text.
for command in "write -m closed -" "explain -m closed -" "tokenizer encode -m closed" "tokenizer decode -m closed"; do
  "$INKSTONE" $command <&- >out 2>err
  status=$? last="$command <&-"
  expect_failure "standard input"
done

# What is read, or a file of the model, is not written over, by whatever name it is called.
printf 'one\tuno\ntwo\tdue\nthree\ttre\nfour\tquattro\n' >pairs.tsv
train_pairs() { run train translate pairs.tsv -o mt --arch marian --size nano --tokenizer byte --steps 2 --holdout 0 -q "$@"; }
train_pairs
expect_status 0
cp -r mt saved
printf 'one\ntwo\n' >lines
printf 'seed: 1\n' >recipe.yaml
train_small ours text
run convert ours model.gguf
expect_status 0
cp model.gguf reference.gguf
cp ours/tokenizer.json tokenizer.json
ln -s lines linked
for files in "tokenizer train text -o text" "tokenizer train text -o ./text --lowercase" "translate -m mt -i lines --explain lines" \
  "translate -m mt -i lines --explain linked" "eval -m mt pairs.tsv --outputs pairs.tsv" \
  "eval -m mt pairs.tsv --outputs mt/config.json" "translate -m mt one --explain mt/model.safetensors" \
  "eval -m ours text --against reference.gguf --plot reference.gguf" "eval -m model.gguf text --against ours --plot model.gguf" \
  "eval -m ours text --against model.gguf --plot reference.gguf" "eval -m ours text --against model.gguf --plot ours/recipe.yaml" \
  "eval -m mt pairs.tsv --config recipe.yaml --outputs recipe.yaml" "eval -m mt pairs.tsv --outputs model.gguf" \
  "explain -m mt one --config recipe.yaml -o recipe.yaml" "explain -m model.gguf one -o model.gguf" \
  "tokenizer train text --config recipe.yaml -o recipe.yaml"; do
  for file in text lines recipe.yaml model.gguf reference.gguf; do cp "$file" "$file.before"; done
  # shellcheck disable=SC2086 # a command
  run $files
  expect_usage "would be overwritten"
  for file in text lines recipe.yaml model.gguf reference.gguf; do
    cmp "$file" "$file.before" || flunk "$files: $file was written over"
  done
  diff -r mt saved || flunk "$files: the model was written over"
done
run eval -m ours text --against model.gguf --plot lines
expect_err "exists and is no plot"
run eval -m ours text --against model.gguf --plot plot.svg
run eval -m ours text --against model.gguf --plot plot.svg
expect_status 0
last="translate <lines --explain lines"
"$INKSTONE" translate -m mt --explain lines <lines >out 2>err
status=$?
expect_usage "would be overwritten"

# --quiet says nothing where nothing is wrong.
train_small silent text --quiet
expect_status 0
expect_silent_out
expect_silent_err
finish
