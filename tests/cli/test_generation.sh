# generation_config.json: what it asks for is done by every command that writes, or refused by its name.
. "$(dirname "$0")/lib.sh"
text_of 240 >text.txt
quick="--size nano --steps 20 --threads 1 --sample-tokens 0 -q"
run train write text.txt -o words --vocab 300 --tokenizer bpe $quick
expect_status 0
rm words/inkstone.json # from elsewhere
i=0
while [ $i -lt 60 ]; do
  printf 'a b%d c\teins zwei drei vier %d\n' $((i % 7)) $((i * 7 % 60))
  i=$((i + 1))
done >pairs.tsv
run train translate pairs.tsv -o mt --arch marian --tokenizer char $quick
expect_status 0
rm mt/inkstone.json
i=0
while [ $((i += 1)) -le 60 ]; do printf 'hello %d\nhi there %d\n\n' $i $i; done >talk.txt
run train reply talk.txt -o talker --tokenizer char $quick
expect_status 0

says() { printf '{%s}' "$2" >"$1/generation_config.json"; } # MODEL MEMBERS
writes() { run write -m words --json --seed 3 "$@" "The moon" && expect_status 0 && mv out "${name:-some}"; }
ids() { grep -o '"id":[0-9]*' "$1" | cut -d: -f2; }

# Drawing, as by flags; what the file leaves out of a recipe is as in transformers.
says words '"do_sample": true, "temperature": 0.5, "top_k": 7, "top_p": 0.9, "min_p": 0.01, "max_new_tokens": 30'
name=asked writes
says words '"max_length": null'
name=given writes --temperature 0.5 --top-k 7 --top-p 0.9 --min-p 0.01 --max-tokens 30
expect_same asked given
says words '"do_sample": true, "repetition_penalty": 1.3, "typical_p": 0.5'
name=asked writes
says words ''
name=given writes --temperature 1 --top-k 50 --top-p 1 --repetition-penalty 1.3 --typical 0.5
expect_same asked given
says words '"do_sample": false'
name=asked writes
says words ''
name=given writes --greedy
expect_same asked given

# Lengths: max_length counts the prompt, and flags win.
says words '"max_length": 16, "eos_token_id": 299'
name=some writes --greedy
prompt=$(grep -o '"prompt_tokens":[0-9]*' some | cut -d: -f2)
[ $(($(ids some | wc -l) + prompt)) -eq 16 ] || flunk "max_length 16: $(ids some | wc -l) tokens after $prompt"
name=some writes --greedy --max-tokens 20
[ "$(ids some | wc -l)" -eq 20 ] || flunk "--max-tokens wins over max_length"
says words '"max_new_tokens": 5, "max_length": 7, "eos_token_id": 299'
name=some writes --greedy
[ "$(ids some | wc -l)" -eq 5 ] || flunk "max_new_tokens 5 goes before max_length"
says words '"max_length": 3'
run write -m words "The moon sings over old stones"
expect_usage "max_length"

# Which tokens: never, not at first, forced, not twice.
says words '"max_new_tokens": 40'
name=free writes --greedy
most=$(ids free | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
first=$(ids free | head -n 1)
says words "\"max_new_tokens\": 40, \"suppress_tokens\": [$most, -1, 300]" # no such tokens: skipped, as by transformers
name=some writes --greedy
ids some | grep -qx "$most" && flunk "token $most was suppressed"
says words "\"max_new_tokens\": 40, \"bad_words_ids\": [[$most], [1, 2]]"
name=other writes --greedy
expect_same some other
says words "\"max_new_tokens\": 40, \"begin_suppress_tokens\": [-1, $first, 4000000000]"
name=some writes --greedy
[ "$(ids some | head -n 1)" != "$first" ] || flunk "token $first was suppressed at the beginning"
says words '"max_new_tokens": 40, "no_repeat_ngram_size": 1'
name=some writes --greedy
[ -z "$(ids some | sort | uniq -d)" ] || flunk "a token came twice"
says words '"max_new_tokens": 4, "forced_eos_token_id": 5, "eos_token_id": 5'
name=some writes --greedy
[ "$(ids some | wc -l)" -eq 3 ] || flunk "the fourth token must be the end: $(ids some)"

# Searching: texts of one line each.
translates() { run translate -m mt "$@" "a b1 c" && expect_status 0 && mv out "${name:-some}"; }
says mt '"num_beams": 3, "length_penalty": 0.5, "early_stopping": true, "no_repeat_ngram_size": 2, "max_new_tokens": 9'
name=asked translates
says mt ''
name=given translates --beam 3 --early-stopping true --length-penalty 0.5 --no-repeat-ngram 2 --max-tokens 9
expect_same asked given
says mt '"num_beams": 2, "max_length": 6'
name=some translates
says mt ''
name=other translates --beam 2 --max-tokens 5 --early-stopping false
run info mt --json
expect_out '"early_stopping": false' # transformers' default
expect_same some other
run tokenizer encode -m mt "z"
letter=$(cat out)
for more in '"num_beams": 1' '"num_beams": 3' '"do_sample": true'; do
  says mt "$more, \"forced_bos_token_id\": $letter, \"max_length\": 8"
  name=some translates
  grep -q '^z' some || flunk "forced_bos_token_id with $more: $(cat some)"
  says mt "$more, \"suppress_tokens\": [$letter], \"forced_bos_token_id\": 5, \"max_length\": 12"
  name=some translates
  ! grep -q 'z' some || flunk "suppress_tokens with $more: $(cat some)"
done
says mt '"do_sample": true, "num_beams": 4'
run translate -m mt "a b1 c"
expect_usage "beams"
name=some translates --beam 2
name=some translates --sample

# A conversation is fitted into max_length as into the context; one that leaves no room for it is refused.
run train reply talk.txt -o short --arch llama --tokenizer byte --context 64 $quick
expect_status 0
says short '"max_length": 24'
run reply -m short "hello, how are you today, my dear friend"
expect_status 0
expect_err "the text is longer than the model reads"
for _ in 1 2 3 4; do echo "hello there"; done >said.txt
run_with_input "$(cat said.txt)" chat -m short
expect_status 0
expect_err "its first 6 turns were left out"
run eval -m short talk.txt --examples 3
expect_status 0
says short '"max_length": 9'
run reply -m short hello
expect_usage "limits prompt and text to 9 tokens (max_length"
run reply -m short hello --max-tokens 3
expect_status 0

# In config.json, as older directories have them, unless there is the other file.
cp mt/config.json before.json
sed -i "s/{/{\"forced_bos_token_id\": $letter, \"max_length\": 8,/" mt/config.json
says mt '"max_length": 8'
name=some translates
! grep -q '^z' some || flunk "generation_config.json goes before config.json"
rm mt/generation_config.json
name=some translates
grep -q '^z' some || flunk "forced_bos_token_id of config.json: $(cat some)"
mv before.json mt/config.json

# What is not done, not known, or of no vocabulary is refused by name, whatever the command.
while read -r key value; do
  says words "\"$key\": $value"
  run write -m words The
  expect_failure words/generation_config.json "\"$key\""
done <<'KEYS'
guidance_scale 1.5
sequence_bias [[[5],-1.0]]
encoder_repetition_penalty 1.2
encoder_no_repeat_ngram_size 3
epsilon_cutoff 0.0003
eta_cutoff 0.0003
top_h 0.4
token_healing true
watermarking_config {"bias":2.5}
stop_strings "end"
max_time 2.5
penalty_alpha 0.6
dola_layers "high"
num_beam_groups 2
diversity_penalty 0.5
constraints [1]
force_words_ids [[5]]
assistant_ensemble_weight 0.5
no_such_key true
temperature "warm"
temperature -1
top_p 1.5
top_k -3
num_beams 0
early_stopping "sometimes"
max_length -1
max_length 2.5
min_length "short"
suppress_tokens ["a"]
begin_suppress_tokens [0.5]
do_sample 0
do_sample 1
do_sample "no"
do_sample [true]
early_stopping 1
temperature true
num_beams true
top_k 7.5
bad_words_ids [[5,300]]
bad_words_ids [[]]
bad_words_ids [5]
forced_bos_token_id 300
forced_eos_token_id [299,300]
exponential_decay_length_penalty [3]
renormalize_logits 1
eos_token_id 300
eos_token_id [299,300]
bos_token_id 300
pad_token_id 4000000000
decoder_start_token_id 300
decoder_start_token_id [1,2]
KEYS
says words '"use_cache": false, "transformers_version": "5.0", "_from_model_config": true, "guidance_scale": null, "diversity_penalty": 0.0,
  "num_return_sequences": 3, "encoder_no_repeat_ngram_size": 0, "cache_implementation": "static"'
name=some writes
says words '"num_beams": 4'
run write -m words The
expect_usage "--greedy"
name=some writes --greedy

# A model's own defaults are said; flags of a search, given by name, get one.
run info talker
expect_out "sample"
run info talker --json
expect_json out
grep -q '"temperature": 0.8' out || flunk "info --json lacks the model's temperature"
for line in "reply --help -m talker" "reply -m talker --help" "chat --help --model=talker"; do
  run $line
  expect_status 0
  tr -s '\n ' ' ' <out >line
  grep -qF "searching for the most likely one [on: this model's default]" line || flunk "$line does not say that texts are drawn"
done
says words '"do_sample": true, "temperature": 0.55, "max_length": 77'
run write --help -m words
tr -s '\n ' ' ' <out >line
for text in "[0.55: this model's default]" "[77: this model's default]"; do
  grep -qF "$text" line || flunk "write --help -m MODEL does not say $text"
done
run write --help
expect_status 0
! grep -q "this model" out || flunk "help of no model"
run write --help -m nowhere
expect_failure nowhere
run reply -m talker --length-penalty 1 --max-tokens 4 hello
expect_status 0
mv out one
run reply -m talker --beam 5 --max-tokens 4 hello
expect_same one out
run reply -m talker --no-repeat-ngram 1 --min-tokens 2 --max-tokens 4 hello
expect_status 0
run reply -m talker --length-penalty 1 --sample hello
expect_usage "leave out it or --sample"
run reply -m talker --length-penalty 1 --temperature 1 hello
expect_usage "leave one of them out"

# What a model is trained from keeps its say.
says words '"do_sample": true, "temperature": 0.55, "top_k": 9, "eos_token_id": [299, 289], "bad_words_ids": [[5]]'
printf '{"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": "{{ messages }}"}' >words/tokenizer_config.json
run train write text.txt -o tuned --from words --steps 2 --threads 1 --sample-tokens 0 -q
expect_status 0
tr -d '\n ' <tuned/generation_config.json >line
for text in '"temperature":0.55' '"top_k":9' '"eos_token_id":[299,289]' '"bad_words_ids":[[5]]'; do
  grep -qF "$text" line || flunk "--from loses $text: $(cat line)"
done
grep -qF '"{{ messages }}"' tuned/tokenizer_config.json || flunk "--from loses the chat template"
printf '{{ own }}' >words/chat_template.jinja
run train write text.txt -o tuned --overwrite --from words --steps 2 --threads 1 --sample-tokens 0 -q
expect_status 0
grep -qF '"{{ own }}"' tuned/tokenizer_config.json || flunk "--from loses chat_template.jinja"
finish
