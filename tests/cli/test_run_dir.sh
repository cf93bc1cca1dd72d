# The start of a run is one transaction: a model that is there stays whole until the new one is, and what is not ours is left alone.
. "$(dirname "$0")/lib.sh"
text_of 300 >text
train_small model text
expect_status 0
"$INKSTONE" write -m model --greedy --max-tokens 20 The >first 2>err
sum_of() { (cd "$1" && find . -type f ! -name lock -exec sha256sum {} + | sort); }
sum_of model >before
same_model() { sum_of model >after; expect_same before after; }
small="--threads 1 --size nano --tokenizer byte --context 32 --batch 4 --steps 8 --eval-every 4 --sample-tokens 0"

# What cannot begin takes nothing with it.
run train write missing.txt -o model --overwrite $small
expect_failure "missing.txt"
same_model
run train write text -o model --overwrite $small --from nowhere --steps 2
same_model
run train write text -o model --overwrite --threads 1 --layers 64 --width 8192 --steps 1
expect_failure "memory"
same_model
run train write missing.txt -o model --config model/recipe.yaml --overwrite
expect_failure "missing.txt"
same_model
run train write text -o model $small
expect_failure "already contains a model"
same_model
run train write text -o model --overwrite $small --dry-run
expect_status 0
same_model

# A directory where a file of the model has to be is met before the training, not after it, and left as it is.
for name in model.safetensors config.json generation_config.json tokenizer.json source_tokenizer.json tokenizer_config.json \
  chat_template.jinja recipe.yaml log.jsonl report.html inkstone.json; do
  for there in model started nothing; do
    rm -rf place
    mkdir place
    [ $there = model ] && cp -r model/. place
    [ $there = started ] && cp model/inkstone.json place
    rm -f place/$name
    mkdir -p place/$name
    echo mine >place/$name/kept
    sum_of place >placed
    run train write text -o place --overwrite $small
    expect_failure "place/$name: is a directory, but the model needs a file of this name"
    run train write text -o place --resume $small
    expect_failure "place/$name: is a directory"
    sum_of place >after
    expect_same placed after
  done
done

# A run that has a model already and no checkpoint, or no recipe, is not begun again in silence.
cp -r model finished
rm -r finished/checkpoint-*
run train write text -o finished --resume $small
expect_failure "no run to continue"
expect_file finished/model.safetensors
cp -r model norecipe
rm norecipe/recipe.yaml
run train write text -o norecipe --resume $small
expect_failure "no run to continue"
ls norecipe/checkpoint-* >/dev/null 2>&1 || flunk "its checkpoints are gone"

# Until the new run has a model the old one is in its place; a killed run goes on.
cp -r model killed
run train write text -o killed --overwrite $small --width 48 --tokenizer char --steps 100000 --warmup 10 --eval-every 100000 --checkpoint-every 20 -q &
sleep 1
pkill -KILL -f -- "-o killed --overwrite" 2>/dev/null
wait
run write -m killed --greedy --max-tokens 20 The
expect_status 0
expect_same out first
run train write -o killed --resume --steps 200
expect_status 0
expect_no_file killed/inkstone-next
! grep -q "steps *8$" killed/recipe.yaml || flunk "the recipe is the old run's"
run write -m killed --greedy --max-tokens 20 The
expect_status 0
! cmp -s out first || flunk "the old model is still there"

# The new model replaces all of the old one, and what lies beside is left alone.
cp -r model replaced
echo mine >replaced/notes.txt
run train write text -o replaced --overwrite $small --steps 4 --seed 2
expect_status 0
expect_file replaced/notes.txt
[ ! -d replaced/checkpoint-0000000008 ] || flunk "checkpoints of the old run are left"
[ "$(ls replaced | grep -c '^events.out.tfevents.')" -eq 1 ] || flunk "TensorBoard shows the old run, too"
! cmp -s replaced/model.safetensors model/model.safetensors || flunk "the model is the old one"
ls -d replaced/inkstone-next* 2>/dev/null && flunk "left behind"
run write -m replaced --max-tokens 4 The
expect_status 0

# What killed processes were writing goes with the next run; files of others stay.
echo half >replaced/model.safetensors.tmp4711 && echo mine >replaced/notes.tmp12
run train write text -o replaced --overwrite $small --steps 4
expect_status 0
expect_no_file replaced/model.safetensors.tmp4711
expect_file replaced/notes.tmp12

# A model trained further in its own place.
run train write text -o replaced --from replaced --overwrite --threads 1 --steps 2 --batch 4 --sample-tokens 0
expect_status 0
run train write text -o replaced --config replaced/recipe.yaml --overwrite --threads 1
expect_status 0

# The tokenizer of another model is not taken for the run's own: its weights were learnt with other tokens.
cp -r model swapped
sed 's/"a": *\([0-9]*\)/"a": 65/; s/"b": *\([0-9]*\)/"b": 64/' model/tokenizer.json >swapped/tokenizer.json
! cmp -s model/tokenizer.json swapped/tokenizer.json || flunk "the tokenizer is the same"
sum_of swapped >before
run train write text -o swapped --resume --steps 12
expect_failure "swapped" "tokenizer.json belongs to another model"
sum_of swapped >after
expect_same before after

# While a new model takes an old one's place, and after a kill in that instant, all of it is read from where the new one is.
tr a-z n-za-m <text >other
run train write other -o other-model $small --tokenizer bpe --vocab 280 --seed 3
expect_status 0
run train write text -o between $small --tokenizer bpe --vocab 280
expect_status 0
cp -r other-model between/inkstone-next.ready
for model in between other-model; do
  "$INKSTONE" tokenizer encode -m $model "the moon" >$model.ids
  run train write text -o "$model.further" --from $model --steps 1 --threads 1 --sample-tokens 0
  expect_status 0
done
expect_same between.ids other-model.ids
expect_same between.further/tokenizer.json other-model.further/tokenizer.json

# One that is moved while it is read, at whatever instant: its parts are read once more, from where they are then.
"$INKSTONE" write -m model --greedy --max-tokens 20 The >first
"$INKSTONE" write -m other-model --greedy --max-tokens 20 The >second
for instant in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 18 20 24 28 32 40 50; do
  rm -rf moving gone && cp -r model moving && cp -r other-model moving/inkstone-next.ready
  "$INKSTONE" write -m moving --greedy --max-tokens 20 The >out 2>err &
  sleep 0.0"$(printf %02d $instant)"
  mv moving/inkstone-next.ready gone
  wait $! || flunk "a model that moved after $instant ms was not found"
  cmp -s out first || expect_same out second
done

# A run goes on as the network that it began as: what was edited since is not taken in silence, how it is laid out is free.
cp -r other-model edited
run train write other -o edited --resume --steps 9 --threads 1 --sample-tokens 0
expect_status 0
tr -d '\n ' <edited/config.json >config.json && mv config.json edited/config.json
run train write other -o edited --resume --steps 10 --threads 1 --sample-tokens 0
expect_status 0
for edit in 's/"rms_norm_eps":[^,]*/"rms_norm_eps":0.01/' 's/"rope_theta":[^,]*/"rope_theta":500.0/'; do
  cp edited/config.json kept.json
  sed -i "$edit" edited/config.json
  run train write other -o edited --resume --steps 11 --threads 1
  expect_failure "config.json: was changed since this run started" "restore it"
  cp kept.json edited/config.json
done

# A run killed while it removed what it had averaged keeps the mean of all of it, not of what is left.
run train write text -o mean $small --steps 12 --average 3
expect_status 0
sum_of mean | grep -v 'log.jsonl\|events\|report\|inkstone.json' >before
cp mean/checkpoint-0000000012/model.safetensors mean/snapshot-0000000012.safetensors
run train write -o mean --resume
expect_status 0
expect_no_file mean/snapshot-0000000012.safetensors
sum_of mean | grep -v 'log.jsonl\|events\|report\|inkstone.json' >after
expect_same before after

# What others wrote is not replaced, nor a recipe that is kept there.
for name in config.json tokenizer.json model-00001-of-00002.safetensors model.safetensors.index.json pytorch_model.bin recipe.yaml inkstone.json; do
  rm -rf foreign && mkdir foreign && echo '{}' >"foreign/$name"
  for flag in "" --overwrite --resume; do
    run train write text -o foreign $flag $small
    expect_failure "foreign" "$name"
  done
  [ "$(cat "foreign/$name")" = "{}" ] || flunk "$name was replaced"
done

# Nor a file of somebody's that has the name of the lock, even if the command is refused anyway; and no lock is left.
rm -rf foreign && mkdir foreign && echo mine >foreign/lock
run train write text -o foreign $small
expect_failure "foreign/lock" "is not a lock"
[ "$(cat foreign/lock)" = mine ] || flunk "a file named lock was replaced"
rm foreign/lock && echo '{}' >foreign/config.json
run train write text -o foreign $small
expect_failure "config.json"
expect_no_file foreign/lock

# A text whose name is not UTF-8 is found again.
odd=$(printf 'text \377 one')
cp text "$odd"
run train write "$odd" -o named $small --steps 4
expect_status 0
run train write -o named --resume --steps 6
expect_status 0
expect_err "resuming at step 4 of 6"

# A run is resumed as what it is.
run train translate -o named --resume
expect_usage "inkstone train write"

# Nothing is left of what never began.
run train write text -o dry $small --dry-run
expect_status 0
expect_no_file dry
run train write missing.txt -o nothing $small
expect_failure "missing.txt"
expect_no_file nothing
run train write -o nosuch --resume
expect_failure "nosuch" "no such directory"
expect_no_file nosuch

finish
