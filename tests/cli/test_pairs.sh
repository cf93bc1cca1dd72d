# Pairs and conversations: bad input is told with its place, eval agrees with score, --explain paints a page.
. "$(dirname "$0")/lib.sh"
small="--threads 1 --size nano --context 32 --tokenizer bpe --vocab 300 --batch 8 --steps 4 --sample-tokens 0"

# ---- what is wrong with data ----
printf 'a\nb\nc\n' >three
printf 'x\ny\n' >two
run train translate three two -o bad $small
expect_failure "three"
expect_err "two"
for i in 1 2 3 4 5 6 7 8 9; do printf '{"source": "one %s", "target": "eins %s"}\n' $i $i; done >good.jsonl
{ cat good.jsonl; echo '{"source": "broken", '; cat good.jsonl; } >broken.jsonl
run train translate broken.jsonl -o bad $small
expect_failure "broken.jsonl:10"
run train translate broken.jsonl -o skipped --arch marian $small --skip-bad --holdout 0
expect_status 0
expect_err "1 unreadable line"
{ for i in 1 2 3 4 5 6 7 8 9; do printf 'one %s\teins %s\n' $i $i; done; printf 'nothing\t\n\tnichts\n'; } >sides.tsv
run train translate sides.tsv -o sides --arch marian $small --holdout 0
expect_status 0
expect_err "left out: 2 pairs, 1 without a source and 1 without a target"
printf 'ein \377 Wort\tx\n' >foreign.tsv
run train translate foreign.tsv -o bad $small
expect_failure "foreign.tsv:1"

# ---- measuring ----
for i in 1 2 3 4 5 6 7 8 9; do printf 'one %s two\teins %s zwei\n' $i $i; done >test.tsv
cut -f 2 test.tsv >test.ref
cut -f 1 test.tsv >test.src
run eval -m sides test.tsv --outputs written --beam 2 --max-tokens 8 --json
expect_status 0
expect_json out
grep -o '"BLEU": *[0-9.]*' out | cut -c 1-14 >by_eval
run score written test.ref --json
grep -o '"score": *[0-9.]*' out | head -n 1 | sed 's/score/BLEU/' | cut -c 1-14 >by_score
expect_same by_eval by_score
run translate -m sides -i test.src --beam 2 --max-tokens 8 -q
expect_same out written
run eval -m sides test.tsv --no-decode
expect_status 0
! grep -q BLEU out || flunk "--no-decode decodes"

# ---- turns longer than the model reads ----
awk 'BEGIN { printf "{\"messages\": [{\"role\": \"user\", \"content\": \""; for (i = 0; i < 300; i++) printf "word "; print "\"}, {\"role\": \"assistant\", \"content\": \"yes\"}]}" }' >long.jsonl
echo '{"messages": [{"role": "user", "content": "hm"}, {"role": "assistant", "content": "no"}]}' >>long.jsonl
for arch in llama marian; do
  run train reply long.jsonl -o long-$arch --arch $arch $small --holdout 0
  expect_status 0
  expect_err "1 example longer than the model's context of 32"
  expect_err "truncated (long.jsonl:1)"
  run train reply long.jsonl -o dropped --overwrite --arch $arch $small --holdout 0 --too-long drop
  expect_status 0
  expect_err "dropped (long.jsonl:1)"
  run eval -m long-$arch long.jsonl --no-decode
  expect_status 0
  expect_err "truncated (long.jsonl:1)"
done

# ---- explaining ----
run translate -m sides 'one <script>alert(1)</script> & two' --explain page.html --max-tokens 5
expect_status 0
expect_file page.html
! grep -q '<script' page.html || flunk "what is explained is not escaped"
grep -q '&lt;' page.html || flunk "the source is not on the page"
grep -q 'class=look' page.html || flunk "no table of attention"
run translate -m sides 'one' -i test.src
expect_usage "contradict"
finish
