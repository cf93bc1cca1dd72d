# convert: the same weights, or rounded ones, in a directory that is whole or as it was before.
. "$(dirname "$0")/lib.sh"
: "${SHARED:=$SOURCE/../shared}"
text_of 300 >text
train_small model text
expect_status 0
sum_of() { (cd "$1" && find . -type f ! -name lock -exec sha256sum {} + | sort); }
same_text() {
  for model in "$1" "$2"; do
    run write -m "$model" --greedy --max-tokens 40 "The moon"
    expect_status 0
    [ "$model" = "$2" ] || cp out first
  done
  expect_same first out
}
sum_of model >source

# f32 as f32 is the same files; only the run is left behind.
run convert model same --json
expect_status 0
expect_silent_err
expect_json out
expect_out '"types": "f32"'
"$INKSTONE" info model --json >info
parameters=$(sed -n 's/.*"parameters": \([0-9]*\).*/\1/p' info)
expect_out "\"parameters\": $parameters,"
expect_out "\"bytes\": $((4 * parameters))"
for name in model.safetensors tokenizer.json tokenizer_config.json generation_config.json config.json inkstone.json; do
  expect_same model/$name same/$name
done
expect_no_file same/recipe.yaml
expect_no_file same/inkstone-next
same_text model same
run train write -o same --resume
expect_failure "no run to continue"

# 16 bits, and back: no further bit is lost, and the halves write what the floats of the same values do.
for type in bf16 f16; do
  run convert model $type --type $type
  expect_status 0
  expect_out "$type"
  run convert $type kept-$type
  expect_same $type/model.safetensors kept-$type/model.safetensors
  run convert $type wide-$type --type f32
  expect_status 0
  run convert wide-$type again-$type --type $type
  expect_same $type/model.safetensors again-$type/model.safetensors
  ! cmp -s model/model.safetensors wide-$type/model.safetensors || flunk "$type rounds nothing"
  same_text $type wide-$type
  [ "$(wc -c <$type/model.safetensors)" -lt $((2 * parameters + 9000)) ] || flunk "$type is not half as large"
done
grep -q '"torch_dtype": "bfloat16"' bf16/config.json || flunk "config.json does not tell the type"
grep -q '"torch_dtype": "float32"' wide-bf16/config.json || flunk "config.json does not tell the type"

# Two tokenizers, and a task.
i=0
while [ $i -lt 60 ]; do
  printf 'a b%d c\teins zwei %d\n' $((i % 7)) $i
  i=$((i + 1))
done >pairs.tsv
run train translate pairs.tsv -o mt --arch marian --vocabularies separate --tokenizer bpe --vocab 300 --size nano --steps 6 \
  --threads 1 -q
expect_status 0
run convert mt mt-copy
expect_status 0
expect_same mt/model.safetensors mt-copy/model.safetensors
expect_same mt/source_tokenizer.json mt-copy/source_tokenizer.json
[ "$("$INKSTONE" translate -m mt "a b1 c")" = "$("$INKSTONE" translate -m mt-copy "a b1 c")" ] || flunk "another translation"

# What has no place in f16 is named, and DST is as before: not there.
cp -r model large
printf '\000\044\164\111' | dd of=large/model.safetensors bs=1 seek=$(($(wc -c <model/model.safetensors) - 4)) conv=notrunc 2>/dev/null
run convert large narrow --type f16
expect_failure "model.norm.weight" "range of f16"
expect_no_file narrow
run convert large narrow --type bf16
expect_status 0

# A model stays unless --overwrite is given.
sum_of bf16 >before
untouched() {
  sum_of bf16 >after
  expect_same before after
}
run convert model bf16
expect_failure "bf16 already contains a model" "--overwrite"
untouched
run convert large bf16 --type f16 --overwrite
expect_failure "model.norm.weight"
untouched
last="convert to a full disk"
(
  ulimit -f 100
  "$INKSTONE" convert model bf16 --overwrite >out 2>err
)
status=$?
expect_failure "bf16"
untouched
mkdir bf16/inkstone-next && echo x >bf16/inkstone-next/model.safetensors && echo x >bf16/inkstone-next/vocab.json # of a killed process
run convert mt bf16 --overwrite
expect_status 0
expect_same mt/model.safetensors bf16/model.safetensors
expect_same mt/source_tokenizer.json bf16/source_tokenizer.json
run convert model bf16 --overwrite
expect_status 0
for name in source_tokenizer.json inkstone-next vocab.json; do expect_no_file bf16/$name; done
same_text model bf16
cp -r model trained
run convert model trained --type bf16 --overwrite
expect_status 0
! ls trained/checkpoint-* >/dev/null 2>&1 || flunk "the old run's checkpoints are left"
expect_no_file trained/recipe.yaml

# Another program's model: replaced where all of it is, refused by the name of a file that would stay.
cp -r same foreign && rm foreign/inkstone.json
sed -i 's/"pad_token": "[^"]*"/"pad_token": null, "padding_side": "left"/' foreign/tokenizer_config.json
run convert foreign other
expect_status 0
expect_no_file other/inkstone.json
for key in '"pad_token": null' '"padding_side": "left"'; do
  grep -q "$key" other/tokenizer_config.json || flunk "tokenizer_config.json has lost $key"
done
run convert model other
expect_failure "already contains a model"

# --overwrite replaces models, not files that have the name of one.
for name in report.html log.jsonl recipe.yaml chat_template.jinja inkstone.json; do
  rm -rf mine && mkdir mine && echo mine >"mine/$name"
  for flag in "" --overwrite; do
    run convert model mine $flag
    expect_failure "mine contains $name"
  done
  [ "$(cat "mine/$name")" = mine ] || flunk "$name was replaced"
done
echo '{}' >other/special_tokens_map.json
run convert model other --overwrite
expect_failure "special_tokens_map.json"
expect_file other/special_tokens_map.json
rm other/special_tokens_map.json
run convert foreign other --overwrite --type bf16
expect_status 0

# Places that are the source's, by any name.
sum_of model >source
ln -s model link
for place in model ./model/ model/inner model/new/deeper link link/inner new/../model "$PWD/model"; do
  run convert model "$place" --overwrite
  expect_usage "$place: is the source model or inside of it"
done
run convert link model --overwrite
expect_usage "model: is the source link"
run convert model/ . --overwrite
expect_usage ".: contains the source model/"
sum_of model >after
expect_same source after
expect_no_file model/inner
expect_no_file model/new
run convert model text
expect_usage "text: not a directory"
run convert nowhere there
expect_failure "nowhere"
expect_no_file there
run convert model there --type q8_0
expect_usage "--type q8_0" "there.gguf"
expect_no_file there
run convert model ""
expect_usage "argument 2 is empty"
for place in "" sub/; do
  run convert model "$place.gguf"
  expect_usage "$place.gguf: a file needs a name before .gguf: give one, such as ${place}model.gguf"
  expect_no_file "$place.gguf"
done
run convert model ./
expect_status 2
mkdir -p place/config.json
run convert model place
expect_failure "place/config.json: is a directory"

# Real files: of one model, from both formats.
tiny=$SHARED/weights/TinyStories-656K stories=$SHARED/weights/stories260K/stories260K.derived-f32.gguf
if [ -d "$tiny" ]; then
  run convert "$tiny" tiny
  expect_status 0
  run convert "$tiny/TinyStories-656K.derived-f32.gguf" tiny-gguf
  expect_status 0
  expect_same tiny/model.safetensors tiny-gguf/model.safetensors
  expect_same "$tiny/tokenizer.json" tiny/tokenizer.json
  same_text tiny tiny-gguf
  same_text "$tiny" tiny
else skip_part "no $tiny"; fi
if [ -f "$stories" ]; then
  run convert "$stories" stories
  expect_status 0
  same_text "$stories" stories
  run write -m stories --greedy --max-tokens 20 "Once upon a time"
  expect_out "there was a little girl named Lily."
else skip_part "no $stories"; fi
finish
