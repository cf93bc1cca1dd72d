# A stack of 128 kB, as threads of other programs have it, is enough for every command.
. "$(dirname "$0")/lib.sh"
[ -z "${SANITIZE:-}" ] || {
  echo "SKIP: sanitizers take more stack"
  exit 77
}
ulimit -s 128
text_of 100 >text
for i in $(seq 40); do printf 'question %d\tanswer %d\n' "$i" "$i"; done >pairs
small="--size nano --steps 2 --sample-tokens 0 -q"
run train write text -o writer $small
expect_status 0
run train translate pairs -o translator --arch marian $small
expect_status 0
run train reply pairs -o talker $small
expect_status 0
run convert writer writer.gguf --type q4_k
expect_status 0
for command in "info writer" "info writer.gguf" "write -m writer.gguf --max-tokens 5 The" "eval -m writer text" \
  "translate -m translator question" "reply -m talker question" "chat -m talker" "convert writer.gguf back" \
  "tokenizer encode -m writer The" "score pairs pairs" "help train"; do
  run $command
  expect_status 0
done

# JSON is refused before its nesting needs more.
nested() { printf '%0*d' "$1" 0 | tr 0 '['; printf '%0*d' "$1" 0 | tr 0 ']'; }
printf '{"source": "a", "target": "b", "x": %s}\n' "$(nested 2000)" >deep.jsonl
run train translate deep.jsonl -o deep --arch marian $small --holdout 0 --dry-run
expect_status 0
printf '{"x": %s}' "$(nested 2000)" >writer/inkstone.json
run info writer
expect_failure "inkstone.json" "depth"
finish
