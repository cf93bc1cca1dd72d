# Every recipe.yaml that the program wrote gives its run again, byte for byte; what a flag says wins over what it says.
. "$(dirname "$0")/lib.sh"
text_of 200 >text
awk '{ print $0 "\t" $NF " " $1 }' text >pairs.tsv
awk '{ print $0 "\n" $1 " " $2 "\n" }' text >turns
small="--threads 1 --size nano --sample-tokens 0 --tokenizer byte"

# again NAME TASK FILE FLAGS...: a run, and the one that its recipe gives
again() {
  name=$1 task=$2 file=$3
  shift 3
  run train "$task" "$file" -o "$name" "$@"
  repeated "$name" "$task" "$file"
}
# repeated NAME TASK FILE: the same by the recipe of the run that was just made
repeated() {
  name=$1 task=$2 file=$3
  expect_status 0
  run train "$task" "$file" -o "$name.again" --config "$name/recipe.yaml" --threads 1 -q
  expect_status 0
  expect_same "$name/model.safetensors" "$name.again/model.safetensors"
  expect_same "$name/recipe.yaml" "$name.again/recipe.yaml"
}
again sequences write text $small --context 32 --steps 8 --batch 4
again tokens write text $small --context 32 --epochs 0.2 --batch-tokens 200 --width 96 --heads 3 --seed 5
again planned write text $small --steps 3
again tuned write text --from sequences --threads 1 --steps 4 --batch 2 --context 16 --sample-tokens 0
again replanned write text $small --context 32 --steps 12 --batch 4 --replan "4:10 6:9"
again pairs translate pairs.tsv $small --arch marian --vocabularies separate --steps 4 --mix 2 --optimizer muon --context 64
again talk reply turns $small --arch gru --steps 4 --batch 4 --context 64 --overwrite
# Whether it changes its number of steps on the way, or not; in seconds that are enough for this machine, as busy as it is.
in_time() {
  for seconds in 3 9 27 81; do
    run train "$@" --budget ${seconds}s
    grep -q "leaves no time for training" err || break
  done
}
in_time write text -o budget $small --context 32
repeated budget write text
grep -q budget: budget/recipe.yaml && flunk "a budget in a recipe"

# No time for an evaluation, which writes 300 examples with 50 beams each: a model, its recipe and no score.
sed 300q pairs.tsv pairs.tsv >held.tsv
in_time translate pairs.tsv -o unscored --valid held.tsv $small --arch marian --context 128 --best-by bleu --beam 50 --eval-examples 300
expect_status 0
expect_err "--budget left no time to score the held-out text"
expect_file unscored/model.safetensors
run info unscored
expect_status 0

# The number of steps that was planned anew is the one that was trained.
run info replanned
grep -q "steps *9$" out || flunk "not 9 steps"

# A flag wins over the recipe's contrary; two flags contradict each other.
run train write text -o wins --config tokens/recipe.yaml --batch 2 --steps 9 --threads 1
expect_status 0
expect_err "run: 9 steps"
run train write text -o wins --overwrite --config sequences/recipe.yaml --batch-tokens 512 --threads 1
expect_status 0
expect_err "steps of 512 tokens"
run train write text -o wins --overwrite --batch 2 --batch-tokens 64
expect_usage "contradict"
run train write text -o wins --overwrite --replan "3-9"
expect_usage "\"3-9\" is not a list of STEP:STEPS"
run train write text -o wins --overwrite --replan "4:10 6:5"
expect_usage "--replan: 6:5: a run that has made 6 steps cannot have 5"
run train write text -o wins --overwrite --replan "0:10"
expect_usage "--replan: 0:10: the first step"

for changes in "2:6 5:8 9:12" "3:6"; do
  run train write text -o wins --overwrite --steps 2 --replan "$changes" --batch 2 --context 16 --size nano --threads 1
  expect_status 0
  case $changes in 3*) at=3 ;; *) at=9 ;; esac
  expect_err "--replan changes the number of steps at step $at, which this run does not reach"
done
run train write text -o wins --overwrite --steps 2 --replan "2:4 4:5" --batch 2 --context 16 --size nano --threads 1
expect_not_err "does not reach"

# With --from the network is the base's: whatever would be another one is refused by name, how it is trained is free.
for flag in "--encoder-layers 3" "--activation gelu" "--cell lstm" "--attention multiplicative" "--ffn 8" "--rope-theta 5" "--no-tied" "--arch gpt2"; do
  run train write text -o shaped --from sequences --steps 1 $flag
  expect_usage "--from and --$(echo "$flag" | sed 's/^--\(no-\)*//; s/ .*//')"
done
run train write text -o longer --from sequences --steps 1 --context 64
expect_usage "at most 32"
run train write text -o kept --from sequences --steps 2 --threads 1 --context 16 --batch 2 --dropout 0.1
expect_status 0
grep -q '"max_position_embeddings": 32' kept/config.json || flunk "the base's own context is lost"

# A budget for a base's own shape: nothing else is announced, and looking costs little.
run train write text -o dry --from sequences --budget 60s --dry-run
expect_status 0
expect_not_err "the lowest expected loss of the measured shapes"
expect_err "context 32"

# Where no context is given most examples fit, with a budget or without.
awk 'BEGIN { for (i = 0; i < 60; i++) { l = ""; for (k = 0; k < 40; k++) l = l "word" i * k % 97 " "; print l "\t" l } }' >long.tsv
for train in "run train" in_time; do
  $train reply long.tsv -o fits --overwrite $small $([ "$train" = in_time ] || echo --steps 2)
  expect_status 0
  expect_err "context: 576 tokens; at least 99.5 % of the examples fit" # 279 bytes, twice, and what stands around them
done
again fitted summarize long.tsv $small --arch marian --steps 2 --batch 4

# The instruction set that computes is told where that changes the bits.
INKSTONE_ISA=bogus "$INKSTONE" info planned >out 2>err
status=$?
expect_status 2
expect_err "INKSTONE_ISA=bogus: this machine has no such instruction set"
INKSTONE_ISA=scalar "$INKSTONE" train write text -o elsewhere $small --context 32 --steps 4 >out 2>err
if "$INKSTONE" bench machine --json 2>/dev/null | grep -q '"isa": "scalar"'; then skip_part "there is one instruction set"
else
  run train write -o elsewhere --resume --steps 6
  expect_err "the run began with scalar instructions"
  INKSTONE_ISA=scalar "$INKSTONE" train write -o elsewhere --resume --steps 8 >out 2>err
  expect_not_err "began with scalar"
fi

finish
