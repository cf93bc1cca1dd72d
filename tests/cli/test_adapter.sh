# Adapters on the command line: --adapter of commands that take a model, and directories of adapters that are broken.
. "$(dirname "$0")/lib.sh"
text_of 300 >text
train_small base text
expect_status 0
run train write text -o adapter --from base --adapter lora --rank 2 --steps 3 --warmup 0 --lr 0.02 --batch 4 --sample-tokens 0 --threads 1 -q
expect_status 0
expect_file adapter/adapter_model.safetensors
expect_file adapter/adapter_config.json
expect_no_file adapter/config.json
for command in "write --greedy --max-tokens 8 --json The" "eval --json text"; do
  set -- $command
  name=$1
  shift
  run "$name" -m adapter "$@" && cp out whole
  run "$name" -m base --adapter adapter "$@" && expect_same out whole
  run "$name" -m base --adapter adapter:1 "$@" && expect_same out whole
  run "$name" -m base --adapter adapter:0.25 --adapter adapter:0.75 "$@"
  expect_status 0
done
run info adapter
expect_out "adapter parameters"
run write -m adapter --type q8_0 --max-tokens 3 The
expect_status 0
mv base moved
run write -m adapter --max-tokens 3 The
expect_failure "its base model" "no such model"
run write -m moved --adapter adapter --max-tokens 3 The
expect_status 0
mv moved base
ln -s adapter "odd:1"
run write -m base --adapter odd:1 --max-tokens 3 The
expect_status 0
run write -m base --adapter nowhere The
expect_failure "nowhere" "adapter_config.json"
run write -m base --adapter base The
expect_failure "base" "adapter_config.json"
run write -m adapter --adapter adapter The
expect_usage "is an adapter, too"
run convert adapter merged
expect_usage "is an adapter"
run convert base merged --merge adapter:0.5 --merge adapter:0.5 -q
expect_status 0
run eval -m merged text --json
nats=$(sed -n 's/.*"nats": *\([0-9]*\).*/\1/p' out)
[ "$nats" = "$(sed -n 's/.*"nats": *\([0-9]*\).*/\1/p' whole)" ] || flunk "a merged model scores otherwise"
grep -q '"base"' merged/inkstone.json && flunk "a merged model names a base"
run convert base merged.gguf --merge adapter --type q8_0 -q
expect_status 0
run eval -m merged.gguf text --json
expect_status 0

# What the new directory would replace is what the adapter needs.
cp -r base own
sum=$(cat own/* | cksum)
for flags in "--adapter lora --rank 2" "--freeze layers.0"; do
  run train write text -o own --from own $flags --overwrite --steps 1 -q
  expect_usage "the model of --from"
done
[ "$(cat own/* | cksum)" = "$sum" ] || flunk "the base has changed"
for flags in "--adapter lora --target ," "--freeze ,"; do
  run train write text -o no --from base $flags --steps 1
  expect_usage '"," has no pattern'
done

# Blocks would undo the change: a merged matrix is not in them, unless it is asked for.
exact_nats() { "$INKSTONE" eval -m "$@" text --json -q | sed -n 's/.*"nats": *\([0-9]*\).*/\1/p'; }
run convert base blocks-base.gguf --type q4_0 -q
run convert blocks-base.gguf merged-blocks.gguf --merge adapter
expect_status 0
expect_err "merged matrices are stored as f16"
[ "$(exact_nats merged-blocks.gguf)" = "$(exact_nats blocks-base.gguf --adapter adapter)" ] || flunk "merging over blocks changes the model"
run convert blocks-base.gguf asked.gguf --merge adapter --type q4_0
expect_status 0
expect_not_err "merged matrices"
expect_out "q4_0"

# Of the tokenizers of the base and the adapter's directory, which a file may not be able to have, the base's is written.
cp -r adapter lower
sed -i 's/"normalizer": *null/"normalizer": {"type": "Lowercase"}/' lower/tokenizer.json
cmp -s adapter/tokenizer.json lower/tokenizer.json && flunk "the tokenizer has no normalizer to edit"
sed -i 's/"tokenizer_fingerprint"/"was"/' lower/inkstone.json
run convert blocks-base.gguf lower.gguf --merge lower
expect_status 0

# What is wrong is told with flags that the command has.
run convert adapter there/
expect_usage "write it as a file, there.gguf"
run train write -o adapter --resume --rank 8
expect_usage "--resume cannot change --rank from 2 to 8"
mkdir none
run train write text -o none --resume --rank 8 --size nano --steps 1 -q
expect_usage "--rank is for adapters"

# As one file.
run convert adapter adapter.gguf --json
expect_status 0
run info adapter --json
elements=$(sed -n 's/.*"adapter_parameters": *\([0-9]*\).*/\1/p' out)
run convert adapter adapter.gguf --json --overwrite
expect_out "\"parameters\": $elements,"
run convert adapter adapter.gguf
expect_failure "already exists" "--overwrite"
for command in "write --greedy --max-tokens 8 --json The" "eval --json text"; do
  set -- $command
  name=$1
  shift
  run "$name" -m adapter "$@" && cp out whole
  run "$name" -m base --adapter adapter.gguf "$@" && expect_same out whole
  run "$name" -m base --adapter adapter.gguf:0.5 --adapter adapter:0.5 "$@"
  expect_status 0
done
sum=$(cat adapter.gguf adapter/adapter_model.safetensors | cksum)
for way in "adapter --merge adapter" "adapter.gguf --merge adapter.gguf" "adapter --merge adapter:0.5"; do
  run convert base $way --overwrite
  expect_usage "the adapter"
done
[ "$(cat adapter.gguf adapter/adapter_model.safetensors | cksum)" = "$sum" ] || flunk "an adapter has changed"
run convert base merged2 --merge adapter.gguf -q
expect_status 0
train_small other text --seed 5
run write -m other --adapter adapter.gguf The
expect_failure "adapter.gguf" "trained over another model"

# Another model whose norms and biases are the same; of another type it cannot be told.
run train write text -o matrices --from base --freeze '*norm*' --steps 8 --lr 0.02 --warmup 0 --batch 4 --sample-tokens 0 --threads 1 -q
expect_status 0
run convert base half --type bf16 -q
run convert half back --type f32 -q
for model in matrices merged; do
  for given in adapter adapter.gguf; do
    run write -m $model --adapter $given The
    expect_failure "$given" "trained over another model" "its matrices are not"
  done
done
run convert base half16 --type f16 -q
run convert half16 back16 --type f32 -q
for model in half back half16 back16; do
  run write -m $model --adapter adapter --max-tokens 3 The
  expect_status 0
done

# Norm weights w that the file has as 1 + w, rounded: the same base.
run train write text -o gemma --arch gemma --tokenizer char --layers 1 --width 16 --heads 2 --context 32 --steps 8 --batch 4 --sample-tokens 0 \
  --threads 1 -q
run train write text -o gemma-adapter --from gemma --adapter lora --rank 2 --steps 3 --warmup 0 --lr 0.02 --batch 4 --sample-tokens 0 --threads 1 -q
run convert gemma gemma.gguf -q
expect_status 0
run write -m gemma.gguf --adapter gemma-adapter --greedy --max-tokens 8 The
expect_status 0
run convert adapter blocks.gguf --type q8_0
expect_usage "q8_0" "bf16"
run write -m adapter.gguf The
expect_usage "is an adapter, not a model" "--adapter"
run convert adapter.gguf there
expect_usage "(convert: --merge)"
run train write text -o never --from adapter.gguf
expect_usage "is an adapter, not a model"

# Uses a copy of the file in which the first text is replaced by the second one, of the same length.
edited() {
  LC_ALL=C sed "s/$1/$2/" adapter.gguf >edited.gguf
  cmp -s adapter.gguf edited.gguf && flunk "there is no $1 to edit"
  run write -m base --adapter edited.gguf The
  shift 2
  expect_failure "edited.gguf" "$@"
}
edited adapter.type adapter.typo '"adapter.typo" is not supported'
edited lora.alpha lora.alphb '"adapter.lora.alphb" is not supported'
edited '\(adapter.type.\{12\}\)lora' '\1loha' loha
edited llama mamba '"mamba"' '"llama"'
edited blk.0.attn_k blk.7.attn_k "blk.7.attn_k.weight.lora_" "another model"
edited lora_a lora_c lora_c "another model"
run convert base base.gguf -q
run write -m base --adapter base.gguf The
expect_usage "is a model, not an adapter"
for size in 3 30 100 400 1000; do
  head -c $size adapter.gguf >edited.gguf
  run write -m base --adapter edited.gguf The
  expect_failure "edited.gguf"
done

# Uses a copy of the adapter after the command of the first argument; the others must be in the error.
broken() {
  rm -rf copy
  cp -r adapter copy
  (cd copy && eval "$1")
  shift
  for command in "write -m copy The" "write -m base --adapter copy The"; do
    run $command
    expect_failure "$@"
  done
}
setting() { broken "sed -i 's|$1|$2|' adapter_config.json" "adapter_config.json" "$3"; }
broken 'rm adapter_model.safetensors' adapter_model.safetensors
broken 'rm adapter_config.json' adapter_config.json
broken ': >adapter_config.json' adapter_config.json
broken 'head -c 100 ../adapter/adapter_model.safetensors >adapter_model.safetensors' adapter_model.safetensors
setting '"LORA"' '"LOHA"' LOHA
setting '"use_dora": false' '"use_dora": true' use_dora
setting '"use_dora": false' '"use_new": 1' use_new
setting '"bias": "none"' '"bias": "all"' bias
setting '"modules_to_save": null' '"modules_to_save": ["lm_head"]' modules_to_save
setting '"use_rslora": false' '"use_rslora": "yes"' use_rslora
setting '"r": 2' '"r": 4' '"r"'
setting '"r": 2' '"r": "2"' '"r"'
setting '"r": 2' '"r": -2' '"r"'
setting '"init_lora_weights": true' '"init_lora_weights": "pissa"' init_lora_weights
setting '"alpha_pattern": {}' '"alpha_pattern": {".*q": 1}' alpha_pattern
setting '"alpha_pattern": {}' '"alpha_pattern": {"q": "x"}' alpha_pattern
setting '"lora_alpha": 4.0' '"lora_alpha": "x"' lora_alpha
broken 'sed -i s/lora_A/lora_C/g adapter_model.safetensors' lora_C "not supported"
broken 'sed -i s/layers.0/layers.7/g adapter_model.safetensors' layers.7 "another model"
finish
