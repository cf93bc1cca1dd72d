#!/bin/sh
# inkstone train prefer: DPO and KTO; the same bytes for any number of threads and after a stop; what is refused.
. "$(dirname "$0")/lib.sh"

for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
  printf '{"messages":[{"role":"user","content":"bring me item %d"},{"role":"assistant","content":"yes, here is item %d"}]}\n' $i $i
  printf '{"messages":[{"role":"user","content":"bring me item %d"},{"role":"assistant","content":"no, go away"}]}\n' $i
done >chat.jsonl
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
  printf '{"prompt":"bring me item %d","chosen":"yes, here is item %d","rejected":"no, go away"}\n' $i $i
done >pairs.jsonl
for i in 1 2 3 4 5 6; do
  printf '{"prompt":[{"role":"user","content":"bring me item %d"}],"completion":[{"role":"assistant","content":"yes, here is item %d"}],"label":true}\n' $i $i
  printf '{"prompt":"bring me item %d","completion":"no, go away","label":false}\n' $i
done >verdicts.jsonl
run train reply chat.jsonl -o base --layers 1 --width 16 --heads 2 --context 64 --steps 12 --vocab 270 --sample-tokens 0 --threads 1 -q
expect_status 0

tune() {
  data=$1 model=$2
  shift 2
  run train prefer "$data" -o "$model" --from base --steps 6 --batch 8 --lr 0.01 --warmup 0 --eval-every 2 "$@"
}
weights() {
  cksum <"$1/model.safetensors"
}
last_of() { # value of a member in the last line of the log that has it
  grep -o "\"$2\":[-0-9.e]*" "$1/log.jsonl" | tail -n 1 | cut -d: -f2
}

# ---- DPO ----
tune pairs.jsonl one --threads 1
expect_status 0
expect_err "learnt by DPO"
expect_err "accuracy"
[ "$(grep -c '"accuracy"' one/log.jsonl)" = 6 ] || flunk "not every update has its accuracy in the log"
[ "$(grep -c '"valid_margin"' one/log.jsonl)" = 3 ] || flunk "not every evaluation has its margin in the log"
head -n 1 one/log.jsonl | grep -q '"loss":0.69314' || flunk "the first loss is not ln 2"
grep -q '"valid_accuracy"' one/inkstone.json || flunk "the card has no accuracy"
grep -q '<figcaption>reward rejected<' one/report.html || flunk "the report has no rewards"
grep -q 'Nats per pair' one/report.html || flunk "the report does not say what the loss is"
grep -q '"task": "reply"' one/inkstone.json || flunk "the model is not used for replies"
for threads in 2 3; do
  tune pairs.jsonl more$threads --threads $threads -q
  [ "$(weights one)" = "$(weights more$threads)" ] || flunk "$threads threads give other weights"
done
tune pairs.jsonl pieces --threads 2 --accumulate 2 -q
expect_status 0
run reply -m one "bring me item 3"
expect_status 0

# A run that is extended is the longer one: its rewards still refer to the model before training.
run train prefer pairs.jsonl -o long --from base --steps 6 --batch 8 --lr 0.01 --warmup 0 --eval-every 2 --schedule constant --threads 1 -q
run train prefer pairs.jsonl -o stopped --from base --steps 3 --batch 8 --lr 0.01 --warmup 0 --eval-every 2 --schedule constant --threads 1 -q
run train prefer -o stopped --resume --steps 6 -q
expect_status 0
[ "$(weights long)" = "$(weights stopped)" ] || flunk "a run that was continued has other weights"
[ "$(last_of long reward_chosen)" = "$(last_of stopped reward_chosen)" ] || flunk "a run that was continued has other rewards"
rm stopped/references.safetensors
run train prefer -o stopped --resume --steps 8 -q
expect_failure "references.safetensors"

# Small sets have small batches by default: a pass has about 25 updates.
awk 'BEGIN { for (i = 0; i < 200; i++) printf "{\"prompt\":\"bring me item %d\",\"chosen\":\"yes, here is item %d\",\"rejected\":\"no, go away\"}\n", i, i }' >many.jsonl
run train prefer many.jsonl -o planned --from base --dry-run
steps=$(sed -n 's/^run: \([0-9,]*\) steps.*/\1/p' err)
{ [ "$steps" -ge 70 ] && [ "$steps" -le 150 ]; } || flunk "three passes have $steps updates"

# An adapter: the reference is the model without it.
tune pairs.jsonl adapter --adapter lora --rank 2 --threads 1 -q
expect_status 0
head -n 1 adapter/log.jsonl | grep -q '"loss":0.69314' || flunk "the first loss of an adapter is not ln 2"

# ---- KTO ----
tune verdicts.jsonl kto --threads 1
expect_status 0
expect_err "learnt by KTO"
head -n 1 kto/log.jsonl | grep -q '"loss":0.5[,}]' || flunk "the first loss of KTO is not a half"
grep -q '"valid_divergence"' kto/log.jsonl || flunk "no divergence in the log"
tune verdicts.jsonl kto3 --threads 3 -q
[ "$(weights kto)" = "$(weights kto3)" ] || flunk "KTO: 3 threads give other weights"
tune pairs.jsonl both --method kto --threads 1 -q
expect_status 0

# ---- forms ----
printf 'prompt\tchosen\trejected\na\tb\tc\nd\te\tf\n' >table.tsv
printf 'prompt,completion,label\na,b,true\nc,d,false\ne,f,1\n' >table.csv
printf '{"chosen":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"rejected":[{"role":"user","content":"a"},{"role":"assistant","content":"c"}]}\n' >whole.jsonl
printf '{"conversations":[{"from":"human","value":"a"}],"chosen":{"from":"gpt","value":"b"},"rejected":{"from":"gpt","value":"c"}}\n' >share.jsonl
for file in table.tsv table.csv whole.jsonl share.jsonl; do
  run train prefer $file -o form.$file --from base --steps 1 --holdout 0 -q
  expect_status 0
done

# ---- what is refused ----
refused() { # TEXT OBJECT
  printf '{"prompt":"x","chosen":"y","rejected":"z"}\n%s\n' "$2" >bad.jsonl
  run train prefer bad.jsonl -o bad --from base --steps 1 --holdout 0 -q
  expect_failure "$1"
}
refused 'bad.jsonl:2: "chosen" is empty' '{"prompt":"x","chosen":" ","rejected":"z"}'
refused 'bad.jsonl:2: has no prompt' '{"chosen":"y","rejected":"z"}'
refused 'bad.jsonl:2: has neither "chosen"' '{"prompt":"x","text":"y"}'
refused 'bad.jsonl:2: "label" is neither true nor false' '{"prompt":"x","completion":"y","label":"maybe"}'
refused 'do not begin with the same messages' '{"chosen":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"rejected":[{"role":"user","content":"c"},{"role":"assistant","content":"d"}]}'
refused 'does not end with a reply of the assistant' '{"prompt":"x","chosen":[{"role":"user","content":"y"}],"rejected":"z"}'
refused 'have a verdict instead of a chosen' '{"prompt":"x","completion":"y","label":true}'
printf '{"prompt":"x","chosen":"y","rejected":"y"}\n{"prompt":"x","chosen":"y","rejected":"z"}\n' >equal.jsonl
run train prefer equal.jsonl -o equal --from base --steps 1 --holdout 0
expect_status 0
expect_err "1 preference whose chosen and rejected texts are equal; the first: equal.jsonl:1"
printf '{"prompt":"x","completion":"y","label":true}\n{"prompt":"w","completion":"y","label":true}\n' >good.jsonl
run train prefer good.jsonl -o good --from base --steps 1 --holdout 0 -q
expect_failure "all verdicts are true"
printf '{"prompt":"x","chosen":"y","rejected":"%0200d"}\n{"prompt":"x","chosen":"y","rejected":"z"}\n' 7 >long.jsonl
run train prefer long.jsonl -o dropped --from base --steps 1 --holdout 0
expect_status 0
expect_err "1 preference longer than the model's context of 64 tokens: dropped (--too-long truncate cuts them) (long.jsonl:1)"
run train prefer long.jsonl -o cut --from base --steps 1 --holdout 0 --too-long truncate
expect_err "truncated (long.jsonl:1)"
printf 'plain\nlines\n' >plain.txt
run train prefer plain.txt -o plain --from base -q
expect_failure "looks like plain lines, but preferences are JSON or a table"
run train prefer pairs.jsonl -o new
expect_usage "give it with --from"
mkdir new # as a run leaves it that was killed before its first checkpoint
run train prefer pairs.jsonl -o new --resume
expect_usage "give it with --from"
run train write chat.jsonl -o written --beta 0.1
expect_usage "--beta"
run train prefer pairs.jsonl -o packed --from base --pack
expect_usage "--pack has no effect with"
run train prefer pairs.jsonl -o weighted --from base --desirable-weight 2
expect_usage "--desirable-weight is for verdicts"
run train prefer verdicts.jsonl -o normed --from base --length-norm
expect_usage "--length-norm is for pairs"
run train prefer verdicts.jsonl -o smoothed --from base --label-smoothing 0.1
expect_usage "--label-smoothing is for pairs"
for i in 1 2 3 4; do
  printf '{"prompt":"item %d","completion":"yes","label":true}\n{"prompt":"no item %d","completion":"no","label":false}\n' $i $i
done >few.jsonl
run train prefer few.jsonl -o few --from base --holdout 0.05 --steps 1
expect_failure "one verdict is held out" "--holdout 0"
run train prefer few.jsonl -o few --from base --holdout 0 --steps 1 -q --overwrite
expect_status 0
head -n 1 verdicts.jsonl >one.jsonl
printf '{"prompt":"bring me","completion":"%0200d","label":false}\n' 7 >>one.jsonl
run train prefer one.jsonl -o few --from base --holdout 0 --steps 1 --overwrite
expect_failure "one verdict to learn from"
finish
