# Settings from a YAML recipe, and settings that contradict each other.
. "$(dirname "$0")/lib.sh"
text_of 200 >text
plan() { run train write text -o model --dry-run "$@"; }

cat >recipe.yaml <<'END'
# a small one
size: nano
tokenizer: byte
context: 32
batch: 4
steps: 8
END
plan --config recipe.yaml
expect_status 0
expect_silent_out
expect_err "context 32"
plan --config recipe.yaml --context 64
expect_err "context 64" # a flag wins, wherever it stands
plan --context 64 --config recipe.yaml
expect_err "context 64"
expect_no_file model/model.safetensors

# what is left open is written down as it was decided
decides() { # what recipe.yaml then has, by these flags
  expected=$1
  shift
  run train write text -o decided --config recipe.yaml --overwrite -q "$@"
  expect_status 0
  grep -qx "$expected" decided/recipe.yaml || flunk "recipe.yaml has no $expected"
}
decides "weight-decay: 0.1"
decides "weight-decay: 0.25" --optimizer muon --lr 0.2 --steps 100
decides "weight-decay: 0.02" --optimizer muon --weight-decay 0.02

# a run that is resumed keeps what it was begun with, but for how long and how it goes on
run train write text -o decided --config recipe.yaml --overwrite -q
run train write text -o decided --resume -q --clip 0.5
expect_usage "--resume cannot change --clip from 1 to 0.5"
run train write text -o decided --resume -q --lr 0.5
expect_usage "--resume cannot change --lr from 0.003 to 0.5"
run train write text -o decided --resume --dry-run
expect_usage "--resume and --dry-run contradict each other"
run train write text -o decided --resume -q --steps 12 --keep-checkpoints 1 --threads 1
expect_status 0
grep -q "\"step\": *12" decided/log.jsonl || flunk "the resumed run goes on to step 12"
run train write text -o decided --resume --steps 3
expect_status 0
expect_err "warning: --steps asks for 3 steps, but 12 are done already: the run ends here"
run train write text -o decided --resume --budget 5m
expect_err "resuming at step 12 of 12"
expect_err "warning: --budget has no effect: all steps are done"
run train write text -o decided --resume -q --documents line
expect_usage "--resume cannot change --documents from auto to line"

# --epochs as well: the steps of so many passes, of which the recipe keeps the number
run train write text -o passes --size nano --tokenizer byte --context 32 --batch 4 --epochs 0.5 -q
expect_status 0
steps=$(sed -n 's/^steps: //p' passes/recipe.yaml)
run train write text -o passes --resume --epochs 0.5
expect_err "resuming at step $steps of $steps"
run train write text -o passes --resume --epochs 1 --sample-tokens 0
expect_status 0
more=$(sed -n "s/^resuming at step $steps of //p" err)
[ "$((more / 2))" = "$steps" ] || flunk "one pass has twice the steps of half a pass, not $more"

# every setting that may not change is refused by its name, and no other is ignored
run train write text -o decided --config recipe.yaml --overwrite -q --documents line
run train write text -o decided --resume -q --documents auto
expect_usage "--resume cannot change --documents from line to auto"
run train write text -o decided --resume --steps 100000 --budget 1s
expect_usage "--steps and --budget contradict each other"

# one recipe serves several tasks: what only others read is told
printf 'size: nano\ntokenizer: byte\ncontext: 32\nsteps: 8\nduplicates: drop\n' >others.yaml
plan --config others.yaml
expect_status 0
expect_err "warning: --duplicates applies to pairs and conversations, but \`train write\` learns from running text: it has no effect"

plan --config nowhere.yaml
expect_failure "nowhere.yaml"
printf 'size: nano\nlaeyrs: 3\n' >bad.yaml
plan --config bad.yaml
expect_usage 'bad.yaml:2: unknown setting "laeyrs"; did you mean "layers"?'
printf 'size: nano\nlayers: 5000\n' >bad.yaml
plan --config bad.yaml
expect_usage "bad.yaml:2"
printf 'size: nano\nsize: tiny\n' >bad.yaml
plan --config bad.yaml
expect_status 1
expect_err "bad.yaml:2"
expect_err "twice"
printf 'size: [nano\n' >bad.yaml
plan --config bad.yaml
expect_status 1
expect_err "bad.yaml"
printf -- '- size\n' >bad.yaml
plan --config bad.yaml
expect_status 1
expect_err "bad.yaml:1"
printf 'layers:\n  a: 1\n' >bad.yaml
plan --config bad.yaml
expect_status 1
expect_err "bad.yaml:2"
printf '\000\001\002' >bad.yaml
plan --config bad.yaml
expect_status 1
expect_err "bad.yaml"

# contradictions
plan --steps 10 --epochs 2
expect_usage "--steps"
expect_err "--epochs"
plan --batch 4 --batch-tokens 100
expect_usage "--batch-tokens"
plan --width 64 --heads 5
expect_status 2
expect_err "heads"
plan --budget 10s --steps 5
expect_usage "--budget"
plan --from nowhere --layers 3
expect_status 2
expect_err "--from"
plan --tokenizer-from nowhere.json --tokenizer bpe
expect_status 2
expect_err "--tokenizer"
plan --valid text --holdout 0.2
expect_status 2
expect_err "--holdout"

# a run is continued as it was: what the recipe does not name had its default
run train write text -o ours --config recipe.yaml --eval-every 4 --checkpoint-every 4 --threads 1 -q
expect_status 0
cp -r ours before
for flag in "--seed 9" "--optimizer muon" "--batch 8" "--schedule linear" "--clip 0.5" "--dropout 0.1" "--average 3" \
  "--precision bf16" "--windows document" "--lowercase" "--tokenizer bpe" "--from before" "--lr 0.1" "--width 64" \
  "--label-smoothing 0.1" "--invalid replace" "--weight-decay 0.3" "--holdout 0.2" "--vocab 300" "--spike 9"; do
  # shellcheck disable=SC2086 # a flag and its value
  run train write -o ours --resume $flag -q
  expect_usage "--resume cannot change ${flag%% *} from"
done
run train write -o ours --resume --seed 9 -q
expect_err "cannot change --seed from 1 to 9"
diff -r -x lock before ours >diff || flunk "a refused --resume changed the model: $(cat diff)"

# other steps: the recipe has the change, and gives the same weights from the start
run train write -o ours --resume --steps 12 --threads 2 --patience 50 --sample-every 3 -q
expect_status 0
grep -qx 'replan: "8:12"' ours/recipe.yaml || flunk "recipe.yaml does not have the change of steps"
run train write text -o again --config ours/recipe.yaml -q
expect_status 0
cmp ours/model.safetensors again/model.safetensors || flunk "recipe.yaml of a run with other steps gives other weights"
finish
