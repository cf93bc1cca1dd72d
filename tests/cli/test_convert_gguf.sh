# convert to a GGUF file, and back: the same weights and texts; what such files cannot say is refused by name.
. "$(dirname "$0")/lib.sh"
: "${SHARED:=$SOURCE/../shared}"
text_of 300 >text
train() { # NAME ARCH FLAGS
  name=$1 arch=$2
  shift 2
  case $* in *--width*) ;; *) set -- --width 32 "$@" ;; esac
  run train write text -o "$name" --arch "$arch" --layers 4 --context 48 --batch 2 --steps 4 --vocab 300 --tokenizer char \
    --sample-tokens 0 --threads 1 -q "$@"
  expect_status 0
}
text_by() { "$INKSTONE" write -m "$1" --greedy --max-tokens 24 "The moon"; }

# Rows in pairs, a transposed matrix, norms per head, stacks of experts, fused matrices, groups taken apart, factors.
families='llama gpt2 qwen2 qwen3 qwen3_moe mixtral mistral phi3 granite smollm3 arcee seed_oss ernie4_5 cohere cohere2 bloom falcon glm4
  gpt_neox mpt olmo olmo3 rwkv7'
types='f32 bf16 f16 q8_0 q4_0 q4_1 q5_0 q5_1 q2_k q3_k q4_k q5_k q6_k iq4_nl q4_k_m'
if [ -n "${SANITIZE:-}" ]; then # a family takes ten times as long there
  families='llama qwen3_moe mistral cohere2 falcon' types='q8_0 q4_k_m'
fi
for arch in $families; do
  case $arch in
    gpt_neox | olmo3) train $arch $arch --no-tied ;; # llama.cpp asks for a matrix of their own
    rwkv7) train $arch $arch --no-tied --width 128 --heads 2 ;;
    falcon) train $arch $arch --heads 4 --kv-heads 2 ;;
    *) train $arch $arch ;;
  esac
  run convert $arch $arch.gguf
  expect_status 0
  [ "$(text_by $arch)" = "$(text_by $arch.gguf)" ] || flunk "$arch.gguf writes another text"
  run convert $arch.gguf back-$arch
  expect_status 0
  expect_same $arch/model.safetensors back-$arch/model.safetensors
  run convert back-$arch again.gguf --overwrite
  expect_status 0
  expect_same $arch.gguf again.gguf
done

# Norm weights plus one are rounded.
for arch in gemma gemma3; do
  train $arch $arch
  run convert $arch $arch.gguf
  expect_status 0
  [ "$(text_by $arch)" = "$(text_by $arch.gguf)" ] || flunk "$arch.gguf writes another text"
done

# Llama 3's scaling of rotary positions is a tensor.
cp -r llama llama3
scaling='{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}'
sed -i "s/\"rope_scaling\": null/\"rope_scaling\": $scaling/" llama3/config.json
run convert llama3 llama3.gguf
expect_status 0
run convert llama3.gguf back-llama3
expect_status 0
grep -q '"rope_type": "llama3"' back-llama3/config.json || flunk "the scaling is lost"
grep -q '"factor": 8.0' back-llama3/config.json || flunk "the scaling has another factor"
sed -i 's/"high_freq_factor": 4.0/"high_freq_factor": 5.0/' llama3/config.json
run convert llama3 other.gguf
expect_failure '"rope_scaling" of this model cannot be said'
expect_no_file other.gguf

# Other scalings are keys, and LongRoPE's factors tensors: the same text, the same file the second time.
for scaling in '"linear", "factor": 4.0' '"yarn", "factor": 4.0, "original_max_position_embeddings": 16' \
  '"yarn", "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 20.0, "beta_slow": 2.0, "attention_factor": 1.5' \
  '"longrope", "short_factor": [1.0, 1.5, 2.0, 3.0], "long_factor": [2.0, 4.0, 8.0, 16.0], "original_max_position_embeddings": 16'; do
  rm -rf scaled back-scaled
  cp -r llama scaled
  sed -i "s/\"rope_scaling\": null/\"rope_scaling\": {\"rope_type\": $scaling}/" scaled/config.json
  run convert scaled scaled.gguf --overwrite
  expect_status 0
  [ "$(text_by scaled)" = "$(text_by scaled.gguf)" ] || flunk "$scaling: scaled.gguf writes another text"
  run convert scaled.gguf back-scaled
  expect_status 0
  run convert back-scaled again.gguf --overwrite
  expect_same scaled.gguf again.gguf
done
grep -q '"attention_factor"' back-scaled/config.json || flunk "the factor of attention is lost"

# How a model writes by default is kept: all of generation_config.json, and llama.cpp's keys of sampling.
cp -r llama says
cat >says/generation_config.json <<'END'
{"do_sample": true, "temperature": 0.3, "top_k": 3, "top_p": 0.9, "repetition_penalty": 1.5, "suppress_tokens": [71], "eos_token_id": 0}
END
by_default() { "$INKSTONE" write -m "$1" --max-tokens 24 "The moon"; }
run convert says says.gguf
expect_status 0
[ "$(by_default says)" = "$(by_default says.gguf)" ] || flunk "says.gguf writes another text by default"
for key in temp top_k top_p penalty_repeat; do
  grep -aq "general.sampling.$key" says.gguf || flunk "says.gguf lacks general.sampling.$key"
done
run convert says.gguf back-says
grep -q '"suppress_tokens"' back-says/generation_config.json || flunk "suppress_tokens are lost"
sed 's/inkstone.generation_config/inkstone.generation_confiX/' says.gguf >sampled.gguf # as another program's file
run info sampled.gguf --json
expect_out '"temperature": 0.30'
expect_out '"top_k": 3'
expect_out '"sample": true'
sed 's/{"do_sample":true/{"do_sample":none/' says.gguf >damaged.gguf
run write -m damaged.gguf The
expect_failure "inkstone.generation_config"
printf 'Where?\tHere.\n%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 >talk
run train reply talk -o talker --arch llama --size nano --tokenizer byte --steps 4 --context 32 --holdout 0 -q
expect_status 0
run convert talker talker.gguf
expect_status 0
"$INKSTONE" reply -m talker "Where?" --seed 3 --json >one
"$INKSTONE" reply -m talker.gguf "Where?" --seed 3 --json >two
expect_same one two

# llama.cpp norms RWKV-7's heads with a constant.
train narrow rwkv7 --no-tied
run convert narrow narrow.gguf
expect_failure 'the product must be 0.00064'
expect_no_file narrow.gguf

# What is stated of a licence goes along, there and back.
cp -r llama free
printf -- '---\nlicense: other\nlicense_name: ours\nlicense_link: "https://example.org/ours"\n---\n' >free/README.md
run convert free free.gguf
expect_status 0
run convert free.gguf back-free
expect_status 0
for model in free free.gguf back-free; do
  run info $model --json
  expect_out '"id": "other"' && expect_out '"name": "ours"' && expect_out '"link": "https://example.org/ours"'
done

# The task, its layout and how texts begin and end are kept under a key of Inkstone's.
eval_of() { "$INKSTONE" eval -m "$@" --json 2>&1; }
same_eval() { # DIRECTORY FILE TEXT
  eval_of "$1" "$3" >one && eval_of "$2" "$3" >two && expect_same one two
}
same_eval talker talker.gguf talk
run train translate talk -o words-of --arch llama --size nano --tokenizer byte --steps 4 --context 32 --holdout 0 -q
run convert words-of words-of.gguf
"$INKSTONE" translate -m words-of "Where?" >one
"$INKSTONE" translate -m words-of.gguf "Where?" >two || flunk "words-of.gguf does not translate"
expect_same one two
same_eval words-of words-of.gguf talk
seq -f 'This is line %g of a text in lines.' 60 >lines
run train write lines -o liner --size nano --arch llama --tokenizer char --documents line --steps 4 --context 32 -q
run convert liner liner.gguf
same_eval liner liner.gguf lines
same_eval llama llama.gguf lines
"$INKSTONE" write -m llama --greedy --max-tokens 10 >one # by the opening token
"$INKSTONE" write -m llama.gguf --greedy --max-tokens 10 >two
expect_same one two
run convert liner.gguf back-liner
for key in task begin_token opening_token; do
  grep "\"$key\"" liner/inkstone.json >one
  grep "\"$key\"" back-liner/inkstone.json >two
  tr -d , <one >one.plain
  tr -d , <two >two.plain
  expect_same one.plain two.plain
done
grep -q '"files"\|"seconds"' back-liner/inkstone.json && flunk "the file says what the model was trained on"
grep -q tokenizer_fingerprint back-liner/inkstone.json || flunk "the card of back-liner has no fingerprint"

# Without that key it is any program's file, and how its documents are read is said.
sed 's/inkstone[.]card/inkstone.carX/' liner.gguf >cardless.gguf
run eval -m cardless.gguf lines
expect_err "each file is one document, as for all models that Inkstone did not train"
run eval -m cardless.gguf lines --documents line
expect_err "the ends of documents are not scored"
expect_not_err "each file is one document"
sed 's/inkstone[.]card/inkstone.carX/' words-of.gguf >cardless.gguf
run translate -m cardless.gguf "Where?"
expect_usage "can only continue a text"
sed 's/"opening_token":-1/"opening_token":-2/' words-of.gguf >damaged.gguf
run info damaged.gguf
expect_failure '"opening_token" of the card'
sed 's/"opening_token":-1/"opening_token":-x/' words-of.gguf >damaged.gguf
run info damaged.gguf
expect_failure 'inkstone.card'
sed 's/"task":"translate"/"task":"translatX"/' words-of.gguf >damaged.gguf # of a later version
run translate -m damaged.gguf "Where?"
expect_usage "can only continue a text"

# Types: the file says which tensors have them, and every file can be used.
train wide llama --width 256 --heads 2 --ffn 288
for type in $types; do
  run convert wide wide.gguf --type $type --overwrite --json
  expect_status 0
  case $type in
    f32) expect_out '"types": "f32"' ;;
    q8_0) expect_out '"types": "f32 (9 tensors), q8_0 (29)"' ;;
    q4_0 | iq4_nl) expect_out "$type (28)" && expect_out "q6_k (1)" ;;
    q2_k) expect_out '"types": "f32 (9 tensors), q4_0 (4), q2_k (16), q3_k (8), q6_k (1)"' ;; # rows of 288 are no whole blocks
    q4_k_m) expect_out '"types": "f32 (9 tensors), q8_0 (2), q5_0 (2), q4_k (22), q6_k (3)"' ;; # the last layer deserves more
    *) expect_out "$type" ;;
  esac
  run eval -m wide.gguf text
  expect_status 0
done
run convert wide.gguf kept.gguf
expect_status 0
expect_same wide.gguf kept.gguf

train thin llama --width 48 --heads 4 --ffn 64
run convert thin thin.gguf --type q4_k
expect_status 0
expect_out "f32 (9 tensors), f16 (25), q8_0 (2), q5_0 (2)" # rows of 48 and 64

# A file is replaced only if asked to, and whole.
cp kept.gguf before.gguf
run convert llama kept.gguf
expect_failure "kept.gguf already exists" "--overwrite"
last="convert to a full disk"
(
  ulimit -f 100
  "$INKSTONE" convert wide kept.gguf --type f32 --overwrite >out 2>err
)
status=$?
expect_failure "kept.gguf"
expect_same before.gguf kept.gguf
! ls -A | grep -q 'kept.gguf.' || flunk "a partial file is left"
run convert llama llama/inner.gguf
expect_usage "is the source llama or inside of it"
run convert kept.gguf kept.gguf --overwrite
expect_usage "is the source kept.gguf"
mkdir directory.gguf
run convert llama directory.gguf
expect_usage "is a directory"
run convert llama there --type q4_0
expect_usage "--type q4_0" "there.gguf"
expect_no_file there

# What cannot be said.
sed -i 's/"sliding_window": null/"sliding_window": 8/' mistral/config.json
run convert mistral other.gguf
expect_failure '"sliding_window" of this model cannot be said'
train cell lstm
run convert cell other.gguf
expect_failure "models of the kind lstm are not written"
train words llama --tokenizer bpe
run convert words other.gguf
expect_failure "llama.cpp would make other tokens" "--words gpt-2"
expect_no_file other.gguf
train words-gpt2 llama --tokenizer bpe --words gpt-2
run convert words-gpt2 other.gguf
expect_status 0
[ "$(text_by words-gpt2)" = "$(text_by other.gguf)" ] || flunk "other.gguf writes another text"

# Of two that write one new file at once, one does.
for round in 1 2 3; do
  "$INKSTONE" convert words-gpt2 both.gguf >one.out 2>one.err &
  one=$!
  run convert words-gpt2 both.gguf
  wait $one
  [ $((status == 0)) -ne $(($? == 0)) ] || flunk "round $round: not one of two wrote the file"
  rm both.gguf
done

# Qwen's tokenizers bring text into NFC, which no common key says: kept here, and said.
decomposed="$(printf 'cafe\314\201 \341\204\200\341\205\241')"
train composed llama --normalize nfc
run convert composed composed.gguf
expect_status 0
expect_err "other programs make other tokens"
run convert composed.gguf back-composed
expect_status 0
for model in composed composed.gguf back-composed; do
  run tokenizer encode -m $model "$decomposed"
  expect_status 0
  mv out ids-$model
done
expect_same ids-composed ids-composed.gguf
expect_same ids-composed ids-back-composed
run tokenizer encode -m llama "$decomposed"
! cmp -s out ids-composed || flunk "the text is in NFC already: the test tests nothing"
train compatible llama --normalize nfkc
run convert compatible other.gguf --overwrite
expect_failure "the tokenizer has a normalizer"

# Files from elsewhere: SentencePiece's scores come back as an order of merges.
stories=$SHARED/weights/stories260K/stories260K.derived-f32.gguf
if [ -f "$stories" ]; then
  run convert "$stories" stories
  run convert stories stories.gguf
  expect_status 0
  run write -m stories.gguf --greedy --max-tokens 20 "Once upon a time"
  expect_out "there was a little girl named Lily."
else skip_part "no $stories"; fi
finish
