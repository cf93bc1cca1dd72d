# Model directories that are broken: an error that names the file, never a crash.
. "$(dirname "$0")/lib.sh"
text_of 300 >text
train_small model text
expect_status 0
run write -m model --max-tokens 5 "The"
expect_status 0
size=$(wc -c <model/model.safetensors)

# Uses a copy of the model after the commands of the first argument; the others must be in the error.
broken() {
  rm -rf copy
  cp -r model copy
  (cd copy && eval "$1")
  shift
  for command in "write -m copy --max-tokens 5 The" "eval -m copy text" "info copy"; do
    run $command
    expect_failure "$@"
  done
}

broken 'rm model.safetensors' model.safetensors
broken 'rm config.json' config.json
broken 'rm tokenizer.json' tokenizer.json
ln -s nowhere dangling
run info dangling
expect_failure "no such model directory"
# What is optional is done without only where nothing of its name is there.
for name in config.json generation_config.json inkstone.json model.safetensors tokenizer.json tokenizer_config.json source_tokenizer.json \
  special_tokens_map.json; do
  broken "rm -f $name; mkdir $name" $name "is a directory"
  broken "rm -f $name; ln -s ../blobs/nowhere $name" $name "No such file"
done
broken ": >model.safetensors" model.safetensors
for part in 4 8 100 $((size / 2)) $((size - 1)); do
  broken "head -c $part ../model/model.safetensors >model.safetensors" model.safetensors
done
broken 'printf "\377\377\377\377\377\377\377\177" | dd of=model.safetensors conv=notrunc bs=8 2>/dev/null' model.safetensors
broken 'sed -i "s/\"F32\"/\"Q99\"/" model.safetensors' model.safetensors
broken 'sed -i "s/\"F32\"/\"I64\"/" model.safetensors' model.safetensors
broken 'printf "{" >config.json' config.json
broken 'printf "[]" >config.json' config.json
broken 'printf "{}" >config.json' config.json
broken 'sed -i "s/\"hidden_size\": [0-9]*/\"hidden_size\": 1000000000000/" config.json' config.json
broken 'sed -i "s/\"hidden_size\": [0-9]*/\"hidden_size\": -4/" config.json' config.json
broken 'sed -i "s/\"hidden_size\": [0-9]*/\"hidden_size\": 48/" config.json' copy
broken 'sed -i "s/\"num_hidden_layers\": [0-9]*/\"num_hidden_layers\": 1/" config.json' copy
broken 'sed -i "s/\"model_type\": \"[a-z0-9]*\"/\"model_type\": \"bert\"/" config.json' config.json bert
broken 'sed -i "s/\"begin_token\": [-0-9]*/\"begin_token\": 4000000000/" inkstone.json' inkstone.json begin_token
broken 'sed -i "s/\"opening_token\": [-0-9]*/\"opening_token\": 4000000000/" inkstone.json' inkstone.json opening_token
broken 'head -c 50 ../model/tokenizer.json >tokenizer.json' tokenizer.json
broken 'printf "\"text\"" >tokenizer.json' tokenizer.json

# The tokenizer of another model.
run tokenizer train text -o other.json --tokenizer bpe --vocab 300
expect_status 0
broken 'cp ../other.json tokenizer.json' tokenizer.json "another model"
broken 'cp ../other.json tokenizer.json; rm inkstone.json' tokenizer.json "another model"

# One of the same size.
train_small model text --overwrite --tokenizer bpe --vocab 300
text_of 120 | tr 'a-m' 'n-z' >turned
run tokenizer train turned -o other.json --tokenizer bpe --vocab 300
broken 'cp ../other.json tokenizer.json' "tokenizer.json" "another model" "fingerprint"

for path in nowhere text; do
  run write -m "$path" The
  expect_failure "$path"
  run info "$path"
  expect_failure "$path"
  run tokenizer encode -m "$path" The
  expect_failure "$path"
done
finish
