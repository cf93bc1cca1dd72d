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
    sed -i "s/\"$key\": [0-9]*/\"$key\": $id/" copy/config.json
    run translate -m copy --max-tokens 3 "a b1 c"
    if [ "$id" = $((targets - 1)) ]; then
      # the last of the targets' is none of the sources'
      [ "$status" -le 1 ] || flunk "$key $id: status $status"
      [ "$key" != eos_token_id ] || expect_failure "eos_token_id"
    else
      expect_failure "$key"
    fi
  done
done
finish
