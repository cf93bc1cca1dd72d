# Special tokens: which ones end a text, what they are called, where they may stand.
. "$(dirname "$0")/lib.sh"
text_of 240 >text.txt
quick="--size nano --steps 20 --threads 1 --sample-tokens 0 -q"
id_of() { tr -d ' \n' <"$1/tokenizer.json" | tr '{' '\n' | sed -n "s/^\"id\":\([0-9]*\),\"content\":\"$2\".*/\1/p"; }

# Every end that the model names ends its texts; each of them is kept by what is trained from it.
run train write text.txt -o u --vocab 300 --tokenizer bpe $quick
expect_status 0
tr -d ' \n' <u/tokenizer.json | grep -q '"single":\[{"SpecialToken":{"id":"<|endoftext|>"' ||
  flunk "tokenizer.json does not say that texts of several documents start with <|endoftext|>"
# From now on as another program would have made it: no card, and nothing around texts.
rm u/inkstone.json
tr -d '\n' <u/tokenizer.json | sed 's/"post_processor": *{.*}, *"decoder"/"post_processor": null, "decoder"/' >t
mv t u/tokenizer.json
end=$(id_of u '<|endoftext|>')
run write -m u --greedy --max-tokens 60 --json --continuation The
long=$(grep -o '"id":[0-9]*' out | wc -l)
third=$(grep -o '"id":[0-9]*' out | sed -n '3s/.*://p')
for file in config.json generation_config.json; do
  cp -r u ends
  sed -i "s/\"eos_token_id\": $end/\"eos_token_id\": [$end, $third]/" ends/$file
  [ $file = config.json ] && sed -i '/eos_token_id/d' ends/generation_config.json
  run write -m ends --greedy --max-tokens 60 --json --continuation The
  short=$(grep -o '"id":[0-9]*' out | wc -l)
  [ "$short" -le 3 ] && [ "$long" -gt 3 ] || flunk "$file: $short tokens, $long without the second end"
  run train write text.txt -o tuned --from ends --steps 2 --threads 1 --sample-tokens 0 -q
  expect_status 0
  for written in config.json generation_config.json; do
    tr -d ' \n' <tuned/$written | grep -q "\"eos_token_id\":\[$end,$third\]" || flunk "$written of --from has lost an end"
  done
  rm -rf ends tuned
done
cp -r u ends
sed -i "s/\"eos_token_id\": $end/\"eos_token_id\": [$end, 300]/" ends/generation_config.json
run write -m ends The
expect_failure generation_config.json 300 vocabulary
rm -rf ends

# An end of another spelling, and one that only config.json knows: documents end with it, and it is named.
for case in '</s> tokenizer_config.json' '<fin> config.json' '终 tokenizer_config.json'; do
  for spelling in ${case% *}; do
    known=${case#* }
    cp -r u other
    sed -i "s#<|endoftext|>#$spelling#g" other/tokenizer.json other/tokenizer_config.json
    [ $known = config.json ] && rm other/tokenizer_config.json other/generation_config.json
    run train write text.txt -o tuned --from other --steps 2 --threads 1 --sample-tokens 0 -q
    expect_status 0
    grep -q "\"eos_token\": \"$spelling\"" tuned/tokenizer_config.json || flunk "$spelling ($known) is not named"
    grep -q "\"pad_token\": \"$spelling\"" tuned/tokenizer_config.json || flunk "$spelling ($known) does not pad"
    tokens=$(sed -n 's/.*"tokens": \([0-9]*\).*/\1/p' tuned/inkstone.json | head -n 1)
    [ "${first:=$tokens}" = "$tokens" ] || flunk "$spelling ($known): $tokens tokens, not $first"
    run eval -m tuned text.txt -q
    expect_status 0
    rm -rf other tuned
  done
done
run train write text.txt -o tuned --from u --steps 2 --threads 1 --sample-tokens 0 -q
[ "$first" = "$(sed -n 's/.*"tokens": \([0-9]*\).*/\1/p' tuned/inkstone.json | head -n 1)" ] || flunk "other tokens than with <|endoftext|>"

# A text of a model from elsewhere stands between what its tokenizer puts around it, and nothing else: the begin is read and not scored,
# an end is scored where there is one, and the last line end belongs to the text.
around() { # DIRECTORY POST_PROCESSOR
  cp -r u "$1"
  tr -d '\n' <u/tokenizer.json | sed "s/\"post_processor\": null/\"post_processor\": $2/" >"$1/tokenizer.json"
}
scored() { # DIRECTORY FILE
  run eval -m "$1" "$2" --json -q
  expect_status 0
  tokens=$(sed -n 's/.*"tokens": \([0-9]*\).*/\1/p' out) nats=$(sed -n 's/.*"nats": \([0-9.]*\).*/\1/p' out)
}
before='{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|endoftext|>"}}, {"Sequence": {"id": "A"}}]}'
around begins "$before"
around framed "{\"type\": \"RobertaProcessing\", \"cls\": [\"<|endoftext|>\", $end], \"sep\": [\"<|endoftext|>\", $end]}"
printf 'The moon sings under 明月.\n\n' >line
ids=$("$INKSTONE" tokenizer encode -m u - <line | wc -w)
scored u line
[ "$tokens" -eq $((ids - 1)) ] || flunk "no begin, no end: $tokens of $ids tokens"
run info framed
expect_out "left out after prompts"
scored framed line
[ "$tokens" -eq $((ids + 1)) ] || flunk "begin and end: $tokens of $ids tokens"
sed 's/"truncation": *null/"truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0}/' begins/tokenizer.json >t
mv t begins/tokenizer.json
run info begins
expect_out '<|endoftext|>'
expect_out 'its "truncation" is not applied'
run eval line -m begins
expect_err 'begins: its "truncation" is not applied' # of whatever file the tokenizer is
scored begins line
[ "$tokens" -eq "$ids" ] || flunk "a begin: $tokens of $ids tokens"
alone=$nats
{ printf '<|endoftext|>' && cat line; } >spelled
scored begins spelled
[ "$nats" = "$alone" ] || flunk "with a begin of its own: $nats nats, not $alone"
text_of 40 | tr ' ' '\n' | sed 's/$/./' >lines # their lines are no documents of theirs
run eval -m begins lines
expect_err "1 document"
cp -r begins card && cp tuned/inkstone.json card && sed -i '/tokenizer_fingerprint/d' card/inkstone.json
scored card line
[ "$tokens" -eq $((ids - 2)) ] || flunk "of ours, whose end stands for the line ends: $tokens of $ids tokens"

# Special tokens that a prompt spells are letters, and it is said; or tokens, where that is wanted.
run write -m begins --max-tokens 2 --json "<|endoftext|>moon"
expect_err "special token <|endoftext|>: it was read as plain letters"
letters=$(sed -n 's/.*"prompt_tokens":\([0-9]*\).*/\1/p' out)
run write -m begins --max-tokens 2 --json --special-tokens "<|endoftext|>moon"
expect_silent_err
taken=$(sed -n 's/.*"prompt_tokens":\([0-9]*\).*/\1/p' out)
run write -m begins --max-tokens 2 --json "moon"
expect_silent_err
[ "$taken" = "$(sed -n 's/.*"prompt_tokens":\([0-9]*\).*/\1/p' out)" ] || flunk "the begin is there twice: $taken tokens"
[ "$letters" -gt "$taken" ] || flunk "$letters tokens with letters, $taken without"
run tokenizer encode -m u "<|endoftext|>moon"
with=$(wc -w <out)
run tokenizer encode -m u --no-special-tokens "<|endoftext|>moon"
[ $((letters - taken)) -eq $(($(wc -w <out) - with + 1)) ] || flunk "a prompt is encoded otherwise"

# A model from elsewhere learns to reply, though its tokenizer has no tokens for turns and none for padding.
i=0
while [ $i -lt 30 ]; do printf 'hello %d\nhello you\n\n' $i && i=$((i + 1)); done >talks
run train reply talks -o talker --from u --steps 4 --threads 1 --sample-tokens 0
expect_status 0
expect_err "spelled out"
grep -q '"pad_token": "<|endoftext|>"' talker/tokenizer_config.json || flunk "padding has no name"
run reply -m talker --max-tokens 3 "hello 3"
expect_status 0
finish
