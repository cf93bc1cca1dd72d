#!/bin/sh
# inkstone train --teacher: a smaller model learns from a larger one; the same bytes for any number of threads and after a
# stop; what is refused.
. "$(dirname "$0")/lib.sh"

for i in $(seq 1 40); do
  printf 'the item %d is here and the item %d is there, said item %d to nobody\n' $i $((i * 7 % 40)) $((i * 3 % 40))
done >text.txt
for i in $(seq 1 60); do printf 'bring item %d\titem %d is here\n' $i $i; done >pairs.tsv
shape="--width 16 --heads 2 --context 32 --sample-tokens 0"

weights() {
  cksum <"$1/model.safetensors"
}
logged() { # numbers of a member of the log
  grep -o "\"$2\":[-0-9.e]*" "$1/log.jsonl" | cut -d: -f2
}

# ---- running text ----
run train write text.txt -o teacher --layers 2 $shape --steps 30 --vocab 270 --tokenizer bpe --words gpt-2 --threads 1 -q
expect_status 0
distill() {
  model=$1
  shift
  run train write text.txt -o "$model" --teacher teacher --layers 1 $shape --steps 6 --batch 8 --eval-every 3 --schedule constant --warmup 0 "$@"
}
distill one --threads 1
expect_status 0
expect_err "the teacher has a loss of"
cmp -s one/tokenizer.json teacher/tokenizer.json || flunk "the student has another tokenizer than its teacher"
grep -q '"teacher_valid_loss"' one/inkstone.json || flunk "the card has no loss of the teacher"
grep -q 'divergence' one/report.html || flunk "the report does not show the divergence"
[ "$(logged one divergence | wc -l)" = 6 ] || flunk "not every update has its divergence in the log"
[ "$(logged one valid_divergence)" = "" ] || flunk "held-out text is compared with the teacher"
paste one/log.jsonl /dev/null | head -n 1 | python3 -c '
import json, sys
line = json.loads(sys.stdin.readline())
sys.exit(abs(line["loss"] - (line["cross_entropy"] + line["divergence"]) / 2) > 1e-5)' || flunk "the loss is not the mean of its parts"
for threads in 2 3; do
  distill more$threads --threads $threads -q
  [ "$(weights one)" = "$(weights more$threads)" ] || flunk "$threads threads give other weights"
done
distill mixed1 --threads 1 --mix 2 -q
distill mixed3 --threads 3 --mix 2 -q
expect_status 0
[ "$(weights mixed1)" = "$(weights mixed3)" ] || flunk "3 threads give other weights with --mix"
distill pieces --accumulate 2 --checkpoint-activations -q
expect_status 0
distill heavier --distill-weight 1 --distill-temperature 4 --distill-top 3 -q
expect_status 0
[ "$(weights one)" = "$(weights heavier)" ] && flunk "weight and temperature have no effect"

run train write text.txt -o stopped --teacher teacher --layers 1 $shape --steps 3 --batch 8 --eval-every 3 --schedule constant --warmup 0 --threads 1 -q
cp -r stopped changed
run train write -o stopped --resume --steps 6 -q
expect_status 0
[ "$(weights one)" = "$(weights stopped)" ] || flunk "a run that was continued has other weights"

# A teacher of any type: the differences are those of its rounding.
run convert teacher teacher.gguf --type bf16
expect_status 0
run train write text.txt -o small --teacher teacher.gguf --layers 1 $shape --steps 6 --batch 8 --threads 1 -q
expect_status 0

# ---- pairs ----
run train translate pairs.tsv -o translator --arch marian --layers 1 $shape --steps 20 --vocab 280 --threads 1 -q
run train translate pairs.tsv -o little --arch marian --teacher translator --layers 1 --width 8 --heads 1 --context 32 --steps 6 --batch 8 --sample-tokens 0 --threads 1
expect_status 0
expect_err "the teacher has a loss of"
run train translate pairs.tsv -o joint --arch llama --layers 1 $shape --steps 6 --vocab 280 --threads 1 -q
run train translate pairs.tsv -o packed --arch llama --teacher joint --pack --layers 1 $shape --steps 6 --threads 1 -q
expect_status 0
run train reply pairs.tsv -o talker --layers 1 $shape --steps 6 --vocab 280 --threads 1 -q
run train reply pairs.tsv -o listener --teacher talker --layers 1 $shape --steps 6 --threads 1 -q
expect_status 0

# ---- what is refused ----
run train write text.txt -o bad --distill-top 8
expect_usage "--distill-top has no effect without --teacher"
run train write text.txt -o bad --teacher teacher --vocab 300
expect_usage "--teacher and --vocab contradict each other"
run train write text.txt -o other --layers 1 $shape --steps 1 --vocab 290 --tokenizer bpe -q
run train write text.txt -o bad --teacher teacher --from other -q
expect_usage "--teacher teacher has another vocabulary"
run train translate pairs.tsv -o bad --teacher teacher -q
expect_usage "--teacher teacher: this model was trained to write, not to translate"
run train translate pairs.tsv -o bad --teacher joint --arch marian $shape -q
expect_usage "--teacher joint has no encoder, and the student has one"
run train write text.txt -o bad --teacher teacher --layers 1 --width 16 --heads 2 --context 64 -q
expect_usage "reads 32 tokens at most, and the student's context is 64"
run train write text.txt -o bad --teacher nowhere -q
expect_failure "nowhere"
run train write text.txt -o teacher --teacher teacher --overwrite -q
expect_usage "is or contains the model of --teacher"
run train classify text.txt -o bad --teacher teacher -q
expect_usage "--teacher has no effect with"
run train prefer text.txt -o bad --from teacher --teacher teacher -q
expect_usage "--teacher has no effect with"
cp -r teacher teacher.old
run train write text.txt -o teacher --layers 2 $shape --steps 31 --vocab 270 --tokenizer bpe --words gpt-2 --threads 1 --overwrite -q
run train write -o changed --resume --steps 6 -q
expect_failure "the weights of its teacher teacher were changed"
finish
