# A damaged config.json: exit status 1 and the file's name, never the advice on a flag; the same check on flags is wrong usage.
. "$(dirname "$0")/lib.sh"
text_of 60 >text
printf 'a b c\td e f\n%.0s' $(seq 40) >pairs.tsv

# MODEL KEY NUMBER COMMAND...: with that number in config.json
damaged() {
  cp "$1/config.json" config.before
  sed "s/\"$2\": *[0-9]*/\"$2\": $3/" config.before >"$1/config.json"
  cmp -s config.before "$1/config.json" && flunk "$2 should be in $1/config.json"
  model=$1 key=$2
  shift 3
  run "$@" -m "$model" hi
  cp config.before "$model/config.json"
  expect_failure "$model/config.json: "
  expect_not_err " --"
}

train_small llama text
damaged llama num_attention_heads 3 write
damaged llama num_attention_heads 0 write
damaged llama num_key_value_heads 3 write
damaged llama head_dim 3 write
damaged llama head_dim -1 write
expect_err "\"head_dim\" is not a positive number"
train_small gpt2 text --arch gpt2
damaged gpt2 n_head 3 write
train_small gpt_neox text --arch gpt_neox
damaged gpt_neox num_attention_heads 3 write

for arch in marian seq2seq; do
  run train translate pairs.tsv -o $arch --threads 1 --arch $arch --size nano --tokenizer byte --steps 2 --holdout 0
  expect_status 0
done
damaged marian d_model 3 translate
damaged marian encoder_attention_heads 3 translate
expect_err "among 3 heads"
damaged marian decoder_attention_heads 3 translate
damaged marian max_position_embeddings 3 translate
expect_err "a context of 3 tokens is too short for a pair"
damaged seq2seq training_window 3 translate

# The settings' own words are as before.
run train translate pairs.tsv -o new --context 3 --size nano --steps 2 --holdout 0
expect_usage "a context of 3 tokens is too short for a pair: give --context 16 or more"
run train write text -o new --kv-heads 3 --heads 4
expect_usage "4 heads cannot share 3 key/value heads: give a number of heads that is a multiple of it"
finish
