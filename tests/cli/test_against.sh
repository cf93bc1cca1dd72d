# eval --against: what a quantization costs. --cache-type: keys and values in fewer bits, in every command that generates.
. "$(dirname "$0")/lib.sh"
text_of 300 >text
text_of 20 >held
for i in 1 2 3 4; do echo "{\"messages\": [{\"role\": \"user\", \"content\": \"The moon $i\"}, {\"role\": \"assistant\", \"content\": \"The sun $i\"}]}"; done >talk.jsonl
train_small model text --width 64 --heads 2
expect_status 0
run convert model q8_0.gguf --type q8_0 -q
run convert model q4_0.gguf --type q4_0 -q

value() { sed -n "s/.*\"$1\": \([0-9.e-]*\).*/\1/p" "${2:-out}"; }
expect_less() { awk "BEGIN { exit !($1 < $2) }" || flunk "$3: $1 should be less than $2"; }

# Nothing apart from itself; eval's perplexity; the same on any number of threads.
run eval -m model held --json -q
perplexity=$(value perplexity)
alone=$perplexity
run eval -m model --against model held --json -q --threads 1
expect_status 0
expect_json out
for key in divergence_mean divergence_max; do [ "$(value $key)" = 0.0 ] || flunk "$key of a model and itself"; done
[ "$(value same_first_choice_share)" = 1.0 ] || flunk "a model does not agree with itself"
expect_less "$perplexity - $(value perplexity)" 1e-5 "eval --against has another perplexity than eval"
expect_less "$(value perplexity) - $perplexity" 1e-5 "eval --against has another perplexity than eval"
cp out one
run eval -m model --against model held --json -q --threads 3
expect_same out one

# Fewer bits cost more, and the reference is the second.
run eval -m q8_0.gguf --against model held --json -q
expect_status 0
eight=$(value divergence_mean)
expect_less 0 "$eight" "q8_0 costs nothing"
reference=$(value reference_perplexity)
[ "$reference" = "$(value reference_perplexity one)" ] || flunk "the reference has another perplexity"
run eval -m q4_0.gguf --against model held --json -q
expect_less "10 * $eight" "$(value divergence_mean)" "q4_0 against q8_0"
expect_less "$(value divergence_median)" "$(value divergence_99)" "median and 99 %"
expect_less "$(value divergence_99)" "$(value divergence_max) + 1e-12" "99 % and maximum"

# For people, and as a plot.
run eval -m q4_0.gguf --against model held --plot cost.svg
for label in "reference perplexity" "divergence mean" "same first choice share"; do expect_out "$label"; done
expect_file cost.svg
if command -v python3 >/dev/null 2>&1; then
  python3 -c 'import sys, xml.dom.minidom
svg = xml.dom.minidom.parse(sys.argv[1]).documentElement
sys.exit(svg.tagName != "svg" or len(svg.getElementsByTagName("polyline")) != 1)' cost.svg || flunk "cost.svg is no plot"
fi

# What cannot be compared, or has no effect.
train_small letters text --tokenizer bpe --vocab 300
run eval -m model --against letters held
expect_failure "different tokenizers"
run eval -m model held --plot cost.svg
expect_usage "--plot has no effect without --against"
run eval -m model --against nowhere held
expect_failure "nowhere"

# Conversations are read as the model reads them that has learnt to, whichever of the two.
run train reply talk.jsonl -o talker --from model --steps 2 --batch 2 --holdout 0 --sample-tokens 0 -q
expect_status 0
run eval -m talker --against model talk.jsonl --json
expect_status 0
expect_not_err "read as plain text"
tokens=$(value tokens)
there=$(value reference_perplexity)
run eval -m model --against talker talk.jsonl --json -q
[ "$tokens" = "$(value tokens)" ] || flunk "the other way around, other tokens are scored"
[ "$there" = "$(value perplexity)" ] || flunk "the model and the reference are exchanged"

# A model with an encoder.
paste text text >pairs.tsv
run train translate pairs.tsv -o pairs --threads 1 --size nano --arch marian --tokenizer byte --context 128 --batch 4 --steps 8 --eval-every 4
expect_status 0
head -n 10 pairs.tsv >held.tsv
run eval -m pairs held.tsv --no-decode --json -q
perplexity=$(value perplexity)
run eval -m pairs --against pairs held.tsv --json -q
expect_status 0
expect_less "$perplexity - $(value perplexity)" 1e-4 "eval --against has another perplexity than eval, of pairs"
[ "$(value divergence_max)" = 0.0 ] || flunk "a model of pairs and itself"
run eval -m pairs --against pairs held.tsv --beam 3
expect_usage "--beam has no effect with --against"

# Caches.
run eval -m model --against model held --cache-type q8_0 --json -q
expect_status 0
expect_less 1e-9 "$(value divergence_mean)" "a cache of q8_0 costs nothing"
run eval -m model held --cache-type q8_0 --json -q
[ "$(value perplexity)" != "$alone" ] || flunk "eval does not look at --cache-type"
for type in f16 q8_0; do
  run write -m model "The moon" --max-tokens 40 --cache-type $type --json --greedy --threads 1
  expect_status 0
  cp out $type
  run write -m model "The moon" --max-tokens 40 --cache-type $type --json --greedy --threads 4
  expect_same out $type
done
run write -m model "The moon" --max-tokens 40 --json --greedy
cmp -s out q8_0 && flunk "--cache-type changes no log-probability"
run translate -m pairs "The moon" --cache-type f16 --max-tokens 5
expect_status 0
run write -m model "The moon" --cache-type q4_k
expect_usage "whole blocks of 256"
run write -m model "The moon" --cache-type 8bit
expect_usage "f32, bf16, f16, q8_0"
for type in f32 f16 q8_0; do
  run bench generate --size tiny --prompt-tokens 100 --new-tokens 28 --repeats 3 --cache-type $type --json -q
  value cache_bytes >>bytes
done
[ "$(tr '\n' ' ' <bytes)" = "393216 196608 104448 " ] || flunk "memory of caches: $(cat bytes)"
finish
