# Model directories from elsewhere: what their files leave out, say, or have too much of.
. "$(dirname "$0")/lib.sh"
text_of 240 >text.txt
quick="--size nano --steps 20 --threads 1 --sample-tokens 0 -q"

# The first log-probability that a model gives, of any token.
first_of() { run write -m "$1" --greedy --max-tokens 1 --json "The moon" && grep -o '"logprob":[-0-9.e]*' out | head -n 1; }
is_refused() { # DIRECTORY TEXT...
  model=$1
  shift
  run write -m "$model" The
  expect_failure "$@"
}

# What config.json leaves out is as in the class: LlamaConfig does not tie.
run train write text.txt -o untied --no-tied --vocab 300 --tokenizer bpe $quick
expect_status 0
rm untied/inkstone.json
cp -r untied absent
sed -i '/tie_word_embeddings/d' absent/config.json
[ "$(first_of untied)" = "$(first_of absent)" ] || flunk "without tie_word_embeddings another model"

# In place of each file, a pointer of Git LFS; in place of the directory, other files.
point() {
  printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' >"$1"
}
for file in config.json model.safetensors tokenizer.json tokenizer_config.json generation_config.json tokenizer.model; do
  rm -rf pointed
  cp -r untied pointed
  [ $file != tokenizer.model ] || rm pointed/tokenizer.json
  point pointed/$file
  is_refused pointed "pointed/$file: is a pointer of Git LFS" 'run `git lfs pull`'
done
point stories.bin
is_refused stories.bin "stories.bin: is a pointer of Git LFS" 'run `git lfs pull`'
printf '<!DOCTYPE html><html>' >page.gguf
is_refused page.gguf "page.gguf: is an HTML page"

# Ids beyond the vocabulary that they are of: a marian whose sources have fewer tokens than targets.
i=0
while [ $i -lt 60 ]; do
  printf 'a b%d c\t%s\n' $((i % 7)) "$(printf 'eins zwei drei vier %d fünf sechs sieben %d' $i $((i * 7 % 60)))"
  i=$((i + 1))
done >pairs.tsv
run train translate pairs.tsv -o mt --arch marian --vocabularies separate --tokenizer bpe --vocab 400 $quick
expect_status 0
sources=$(sed -n 's/.*"vocab_size": \([0-9]*\).*/\1/p' mt/config.json)
targets=$(sed -n 's/.*"decoder_vocab_size": \([0-9]*\).*/\1/p' mt/config.json)
[ "$sources" -lt "$targets" ] || flunk "sources have $sources tokens, targets $targets"
for key in eos_token_id pad_token_id decoder_start_token_id; do
  for id in $((targets - 1)) "$targets" 4000000000 -7; do
    rm -rf copy && cp -r mt copy && rm copy/inkstone.json
    sed -i "s/\"$key\": [0-9]*/\"$key\": $id/" copy/config.json copy/generation_config.json
    run translate -m copy --max-tokens 3 "a b1 c"
    if [ "$id" = $((targets - 1)) ]; then
      # the last of the targets' is none of the sources', which end as their own tokenizer says
      [ "$status" -le 1 ] || flunk "$key $id: status $status"
      [ "$key" != eos_token_id ] || expect_status 0
    else
      expect_failure "$key"
    fi
  done
done
# generation_config.json alone may say what a target begins with; one of the two must.
rm -rf copy && cp -r mt copy && rm copy/inkstone.json
run translate -m copy --max-tokens 3 "a b1 c"
expect_status 0
cp out with_both
sed -i '/"decoder_start_token_id"/d; /"bos_token_id"/d' copy/config.json
run translate -m copy --max-tokens 3 "a b1 c"
expect_status 0
expect_same out with_both
sed -i '/"decoder_start_token_id"/d' copy/generation_config.json
run translate -m copy --max-tokens 3 "a b1 c"
expect_failure "decoder_start_token_id"

# What lies in a directory in place of a model is named.
printf GGUF >model.gguf
is_refused model.gguf model.gguf "GGUF" "cut short"
is_refused untied/model.safetensors "a file of weights" "directory"
is_refused untied/config.json "give the directory"
is_refused nowhere "no such model directory"
mkdir plain && echo hello >plain/notes.txt
is_refused plain "it has no config.json"
mkdir adapter && echo '{}' >adapter/adapter_config.json && echo x >adapter/adapter_model.safetensors
is_refused adapter adapter_config.json "only LORA" merge_and_unload
mkdir tokens && cp untied/tokenizer.json tokens
is_refused tokens tokenizer.json "only a tokenizer"
mkdir -p cached/snapshots/1a2b && cp untied/config.json cached/snapshots/1a2b
is_refused cached cached/snapshots "revision"
mkdir packed && cp model.gguf packed/tiny.q4.gguf
is_refused packed tiny.q4.gguf "give the file"
with() { # COMMAND TEXT...: a copy of the model after that command
  rm -rf copy && cp -r untied copy && (cd copy && eval "$1")
  shift
  is_refused copy "$@"
}
with 'echo "{}" >adapter_config.json' adapter_config.json "only LORA"
with 'echo x >adapter_model.safetensors' adapter_model.safetensors "the model directory has an adapter"
with 'mv model.safetensors pytorch_model.bin' pytorch_model.bin "not a whole zip archive"
with 'rm model.safetensors; printf "\\200\\002}" >pytorch_model.bin' pytorch_model.bin "before 1.6" "save_pretrained"
with 'mv model.safetensors pytorch_model-00001-of-00002.bin' pytorch_model-00001-of-00002.bin "pytorch_model.bin.index.json"
with 'mv model.safetensors model-00001-of-00002.safetensors' "one of several files" index.json
with 'rm model.safetensors; echo "{}" >model.safetensors.index.json' model.safetensors.index.json "weight_map"
with 'rm model.safetensors; echo "{\"weight_map\": {\"a\": \"../up.safetensors\"}}" >model.safetensors.index.json' \
  model.safetensors.index.json "../up.safetensors" "in the same directory"
with 'rm model.safetensors; echo "{\"weight_map\": {\"a\": \"model-1.safetensors\"}}" >model.safetensors.index.json' model-1.safetensors "is missing"
# A special file is neither waited for nor read without end.
for name in config.json generation_config.json inkstone.json model.safetensors tokenizer.json tokenizer_config.json; do
  with "rm -f $name; mkfifo $name" "$name" "not a regular file"
  with "rm -f $name; ln -s /dev/zero $name" "$name" "not a regular file"
done
with 'mv model.safetensors model.fp16.safetensors' model.fp16.safetensors "rename this file"
with 'mv model.safetensors tf_model.h5' tf_model.h5 TensorFlow
with 'rm model.safetensors' "model.safetensors is missing" "first evaluation"
with 'mv tokenizer.json tokenizer.model' tokenizer.model "no SentencePiece model"
with 'mv tokenizer.json source.spm' source.spm SentencePiece
with 'mv tokenizer.json vocab.json; echo >merges.txt' vocab.json 'ids of its tokens'
with 'rm tokenizer.json tokenizer_config.json' tokenizer.json
run tokenizer encode -m copy The
expect_failure tokenizer.json
rm -rf copy && cp -r untied copy && mv copy/tokenizer.json copy/tokenizer.model
run tokenizer encode -m copy The
expect_failure tokenizer.model SentencePiece
run tokenizer encode -m copy/tokenizer.model The
expect_failure tokenizer.model SentencePiece
for command in "info copy" "eval -m copy text.txt" "train write text.txt -o from --from copy --dry-run"; do
  run $command
  expect_failure tokenizer.model
done
finish
