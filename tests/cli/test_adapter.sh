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
setting '"init_lora_weights": true' '"init_lora_weights": "pissa"' init_lora_weights
setting '"alpha_pattern": {}' '"alpha_pattern": {".*q": 1}' alpha_pattern
setting '"alpha_pattern": {}' '"alpha_pattern": {"q": "x"}' alpha_pattern
setting '"lora_alpha": 4.0' '"lora_alpha": "x"' lora_alpha
broken 'sed -i s/lora_A/lora_C/g adapter_model.safetensors' lora_C "not supported"
broken 'sed -i s/layers.0/layers.7/g adapter_model.safetensors' layers.7 "another model"
finish
