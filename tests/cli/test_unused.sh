# Flags that have no effect together with others, or for this model: refused by name, before anything is written.
. "$(dirname "$0")/lib.sh"
text_of 60 >text
printf 'a b c\td e f\n%.0s' $(seq 40) >pairs.tsv
echo "a b c" >lines
train_small w text
expect_status 0
run train translate pairs.tsv -o t --threads 1 --arch marian --size nano --tokenizer byte --steps 2 --holdout 0
expect_status 0

# eval: nothing is decoded.
without_decoding() {
  run eval -m t pairs.tsv --no-decode "$@"
  expect_usage "$1 has no effect with --no-decode: leave it out"
  run eval -m w text "$@"
  expect_usage "$1 has no effect on running text"
  expect_no_file o.txt
}
without_decoding --metric bleu
without_decoding --outputs o.txt
without_decoding --examples 3
without_decoding --beam 2
without_decoding --top-k 2
without_decoding --stem
run eval -m w text --columns 1,2
expect_usage "--columns has no effect on running text"
run eval -m t pairs.tsv --documents line
expect_usage "--documents has no effect on pairs and conversations"
without_reader() { # FLAG VALUE: files that have no use for it
  run eval -m t pairs.tsv --no-decode "$@"
  expect_usage "$1 has no effect on these files"
  run train translate pairs.tsv -o no --dry-run --holdout 0 "$@"
  expect_usage "$1 has no effect on these files"
  expect_no_file no
}
without_reader --languages en,de
echo '{"source": "a", "target": "b"}' >pair.jsonl
run eval -m t pair.jsonl --no-decode --languages en,de
expect_usage "--languages has no effect on these files"
run eval -m t pair.jsonl --no-decode --columns 1,2
expect_usage "--columns has no effect on these files, which are no tables"
run eval -m t pair.jsonl --no-decode --fields source,target
expect_status 0
for flag in "--max-ratio 2" "--duplicates drop" "--overlap drop" --pack "--bpe-dropout 0.1" "--vocabularies joint"; do
  run eval -m t pairs.tsv $flag
  expect_usage "${flag%% *} is a flag of \`train\`, not of \`eval\`"
done
run eval -m t pairs.tsv --too-long drop
expect_usage "--too-long is a flag of \`train\` and \`classify\`, not of \`eval\`"
run eval -m w text --max-tokens 5
expect_usage "--max-tokens has no effect on running text"
run eval -m t pairs.tsv --metric chrf++ --chrf-word-order 1
expect_usage "--chrf-word-order has no effect without a metric that reads it (--metric chrf)"
run eval -m t pairs.tsv --metric chrf --smooth floor
expect_usage "--smooth has no effect"
run eval -m t pairs.tsv --no-decode
expect_status 0
echo "metric: bleu" >recipe.yaml
run eval -m t pairs.tsv --no-decode --config recipe.yaml # a file may serve several calls
expect_status 0
expect_err "warning: --metric has no effect with --no-decode"

# score
run score lines lines --paired-n 5
expect_usage "--paired-n has no effect without --paired: leave it out"
run score lines lines --paired-test randomization
expect_usage "--paired-test has no effect without --paired"
run score lines lines --confidence-n 7
expect_usage "--confidence-n has no effect without --confidence"
run score lines lines --seed 3
expect_usage "--seed has no effect without --confidence or --paired"
run score lines lines --json --digits 3
expect_usage "--digits has no effect with --json"
run score lines lines --paired lines --paired-n 5 --seed 3
expect_status 0
run score lines lines --confidence --confidence-n 7
expect_status 0
of_other_metrics() { # METRICS FLAG VALUE: of none of these metrics
  metrics=$1
  shift
  run score lines lines --metric "$metrics" "$@"
  expect_usage "$1 has no effect without a metric that reads it"
}
of_other_metrics bleu --stem
of_other_metrics bleu --chrf-beta 3
of_other_metrics bleu --sentence-mark "<n>"
of_other_metrics rouge1 --sentence-mark "<n>"
of_other_metrics bleu,rouge --ter-normalized
of_other_metrics chrf --smooth floor
of_other_metrics chrf --effective-order
of_other_metrics chrf --tokenize zh
of_other_metrics ter --lowercase
run score lines lines --smooth-value 0.5
expect_usage "--smooth-value has no effect without --smooth floor or add-k"
of_metric() {
  run score lines lines --metric "$@"
  expect_status 0
}
of_metric rouge --stem
of_metric rougeLsum --sentence-mark "<n>"
of_metric chrf++ --chrf-beta 3 --lowercase
of_metric rouge1,ter --tokenize zh --ter-normalized
of_metric bleu --smooth floor --smooth-value 0.5 --effective-order

# train: what has an effect only with another value of another setting, or in another architecture
without_effect() { # WHERE FLAG...
  where=$1
  shift
  run train write text -o no --size nano --dry-run "$@"
  expect_usage "$1 has no effect $where: leave it out"
  expect_no_file no
}
without_effect "with --tokenizer char" --words gpt-2 --tokenizer char
without_effect "with --arch llama" --attention additive
without_effect "with --arch llama" --cell gru --arch llama
without_effect "with --arch llama" --activation relu
without_effect "with --arch gpt2" --rope-theta 10000 --arch gpt2
without_effect "without --average" --average-of best
without_effect "without --best-by" --eval-examples 5
without_effect "with --holdout 0" --patience 3 --holdout 0
without_effect "with --holdout 0" --average 2 --holdout 0
without_effect "without --optimizer muon" --momentum 0.9
without_effect "with --sample-tokens 0" --sample-prompt x --sample-tokens 0
run train translate pairs.tsv -o no --dry-run --best-by bleu --holdout 0
expect_usage "--best-by has no effect with --holdout 0"
run train translate pairs.tsv -o no --dry-run --n-best 3
expect_usage "--n-best is a flag of"
run train translate pairs.tsv -o no --dry-run --arch marian --bpe-dropout 0.1 --tokenizer byte
expect_usage "--bpe-dropout has no effect with --tokenizer byte"
run tokenizer train text -o no --words gpt-2 --tokenizer byte
expect_usage "--words has no effect with --tokenizer byte"
run train write text -o no --size nano --dry-run --words gpt-2 --tokenizer bpe --average 2 --average-of best
expect_status 0
expect_not_err "no effect"

# translate
run translate -m t --json --explain e.html x
expect_usage "--json has no effect with --explain"
expect_no_file e.html
run translate -m t --beam 1 --coverage-penalty 0.2 x
expect_usage "--coverage-penalty has no effect with a beam of 1"
run translate -m t --beam 1 --early-stopping never x
expect_usage "--early-stopping has no effect with a beam of 1"
run translate -m t --beam 1 --length-penalty 2 --max-tokens 2 x # of which the score of --json depends
expect_status 0
run eval -m t pairs.tsv --no-decode --seed 3
expect_usage "--seed has no effect with --no-decode"
run eval -m w text --seed 3
expect_usage "--seed has no effect on running text"
run translate -m t --sample --seed 3 --max-tokens 2 x
expect_status 0
run write -m w --penalty-window 5 x
expect_usage "--penalty-window has no effect without --repetition-penalty"
run write -m w --penalty-window 5 --presence-penalty 0.1 --seed 3 --max-tokens 2 x
expect_status 0
for flag in "--temperature 1" --greedy "--seed 3" "--top-k 4"; do
  run explain -m w -o e.html --tokens 0 $flag x
  expect_usage "${flag% *} has no effect with --tokens 0"
done
run translate -m t --min-tokens 50 --max-tokens 10 x
expect_usage "--min-tokens 50 is above --max-tokens 10"
run translate -m t --min-tokens 10 --max-tokens 10 --beam 2 --coverage-penalty 0.2 x
expect_status 0

# write: the likeliest token, and how tokens are drawn
for flag in "--temperature 1" "--top-k 5" "--top-p 0.5" "--min-p 0.1" "--typical 0.5" "--samples 2"; do
  run write -m w --greedy $flag x
  expect_usage "${flag% *} has no effect with --greedy: leave one of them out"
done
run write -m w --temperature 0 --top-k 5 x
expect_usage "--top-k has no effect with --temperature 0"
run write -m w --greedy --repetition-penalty 1.2 --max-tokens 2 x
expect_status 0
run write -m w --temperature 0 --max-tokens 2 x
expect_status 0

# Other words that were false, and what was not said.
run write -m w --seed 18446744073709551615 x
expect_usage "--seed: 18446744073709551615 is out of range: from 0 to 9000000000000000000"
run write -m w --seed 1e30 x
expect_usage "--seed: 1e30 is out of range"
run write -m w --temp 1 x
expect_usage "unknown flag --temp; did you mean --temperature?"
run_with_input "x
" score - -
expect_usage "- (standard input) is given twice"
run_with_input "x
" score - lines --paired -
expect_usage "- (standard input) is given twice"
run_with_input "x
" eval -m w - -
expect_usage "- (standard input) is given twice"
printf short >short
run train write short -o short.model --size nano --tokenizer byte --steps 2 --holdout 0
expect_status 1
expect_err "the text is 6 tokens long"
expect_err "give more text, or a --context of 5 or less"
run train write short -o short.model --size nano --tokenizer byte --steps 2 --holdout 0 --context 5
expect_status 0
run train write text -o other --size nano --steps 2 --valid text --context 16
expect_status 0
expect_err "warning: 60 of 60 documents of --valid are in the training text, too"
{ text_of 300 | tail -n 20; head -n 4 text; } >held
run train write text -o some --size nano --steps 2 --valid held --context 16
expect_status 0
expect_err "of 24 documents of --valid are in the training text, too"
expect_not_err "give other text"
text_of 300 | tail -n 20 >held
run train write text -o third --size nano --steps 2 --valid held --context 16 --documents file
expect_not_err "are in the training text"
run tokenizer train text -o byte.json --tokenizer byte --vocab 300
expect_status 0
expect_err "warning: --vocab 300 has no effect with --tokenizer byte"
run tokenizer train text -o byte.json --tokenizer byte
expect_not_err "--vocab"
printf 'The moon\r\n' >crlf.txt
"$INKSTONE" tokenizer encode -m byte.json --bytes - <crlf.txt >ids 2>err
"$INKSTONE" tokenizer decode -m byte.json - <ids >out 2>err
expect_same out crlf.txt
run tokenizer decode --help
expect_out "tokenizer encode -m poems --bytes"
printf 'a\000b' >nul
run train write nul -o no --size nano
expect_failure "nul: byte 2 is NUL"

# An output replaces only what an earlier call made: no other file is lost. Devices and empty files are as before.
kept() { # FILE COMMAND...
  file=$1
  shift
  cp "$file" before
  run "$@"
  expect_usage "$file: "
  expect_err "choose another"
  expect_same "$file" before
}
for file in w/tokenizer.json w/model.safetensors w/config.json; do
  kept $file tokenizer train text -o $file --tokenizer byte
done
expect_err "a file of the model"
echo "dear to me" >dear
kept dear tokenizer train text -o dear --tokenizer byte
expect_err "exists and is no tokenizer.json"
kept dear translate -m t --explain dear "a b"
expect_err "exists and is no page of --explain"
: >empty
for i in 1 2; do
  run tokenizer train text -o tokenizer.json --tokenizer byte
  expect_status 0
  run tokenizer train text -o empty --tokenizer byte
  expect_status 0
  run translate -m t --explain page.html --max-tokens 2 "a b"
  expect_status 0
done
run tokenizer train text -o /dev/null --tokenizer byte
expect_status 0
run translate -m t --explain /dev/null --max-tokens 2 "a b"
expect_status 0

# The same side twice: a model would learn to copy.
printf 'id,en,de\n1,cat one,Katze eins\n2,cat two,Katze zwei\n' >c.csv
same_side() {
  run train translate "$1" -o copy --size nano --steps 2 "$2" "$3"
  expect_usage "$2 $3: source and target are the same"
  expect_no_file copy
}
same_side c.csv --columns 2,2
same_side c.csv --columns 2,02
same_side c.csv --columns en,en
same_side c.csv --fields en,en
same_side c.csv --languages en,EN
run eval -m t c.csv --columns 2,2
expect_usage "source and target are the same column: give two different ones"
run train translate c.csv -o copy --size nano --steps 2 --columns 2,3 --holdout 0 --dry-run
expect_status 0
# Of measurements.
bench_without() { # MEASUREMENT, what the error says, FLAGS...
  what=$1 says=$2
  shift 2
  run bench "$what" "$@"
  expect_usage "$says"
}
bench_without machine 'has no effect on `bench machine`' --weights nowhere
bench_without machine 'has no effect on `bench machine`' --layers 3
bench_without generate '--rank has no effect on `bench generate`' --rank 3
bench_without train '--weights has no effect on `bench train`' --weights nowhere
bench_without train '--type has no effect without --rank' --type q8_0
bench_without generate '--type has no effect with --precision bf16' --type q8_0 --precision bf16
bench_without generate '--arch has no effect with --weights' --weights nowhere --arch llama
bench_without generate '--type has no effect with --weights' --weights nowhere --type q8_0
for arch in marian bart t5 seq2seq; do
  run bench generate --size nano --arch $arch --repeats 3 --prompt-tokens 20 --new-tokens 5 --threads 1
  expect_status 0
  expect_out "new tokens per second"
done
run bench generate --size nano --arch marian --context 16 --prompt-tokens 17 --new-tokens 5
expect_usage "do not fit into a context of 16"
finish
