# --unsure: a text instead of outputs of too little confidence; eval --coverage: what that leaves.
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { n = split("one two three red blue green", e, " "); split("eins zwei drei rot blau gruen", g, " ")
  for (i = 0; i < 216; i++) print e[i % n + 1], e[int(i / n) % n + 1], e[int(i / n / n) + 1] "\t" \
                                  g[i % n + 1], g[int(i / n) % n + 1], g[int(i / n / n) + 1] }' >pairs.tsv
for arch in marian llama; do
  run train translate pairs.tsv -o $arch --arch $arch --threads 1 --size nano --context 32 --tokenizer bpe --vocab 300 --batch 8 \
    --steps 40 --eval-every 20 --sample-tokens 0
  expect_status 0
  printf 'red blue\n\none two three\nqqq zzz\n' >lines
  run translate -m $arch --max-tokens 9 -i lines
  cp out plain
  run translate -m $arch --max-tokens 9 -i lines --unsure "Ask a person." --confidence 1e-9
  expect_status 0
  expect_same out plain
  run translate -m $arch --max-tokens 9 -i lines --unsure "Ask a person." --confidence 1
  expect_status 0
  printf 'Ask a person.\n\nAsk a person.\nAsk a person.\n' | cmp -s - out || flunk "every text is answered so, but the empty one"
  run translate -m $arch --max-tokens 9 -i lines --unsure "Ask a person." --confidence 1 --json --check
  expect_status 0
  expect_out '"unsure":true'
  for most in 9 2; do # with the mean per token as score, the confidence is its exponential
    run translate -m $arch --max-tokens $most -i lines --json --length-penalty 1
    sed -n 's/.*"score":\([^,]*\),"confidence":\([^,]*\),.*/\1 \2/p' out |
      awk '{ d = exp($1) - $2; if (d > 1e-9 || d < -1e-9) bad = 1 } END { exit bad || NR != 4 }' ||
      flunk "the confidence is the mean probability"
  done
  run eval -m $arch pairs.tsv --examples 25 --max-tokens 9 --coverage --metric bleu --json
  expect_status 0
  sed -n 's/.*"confidence": \([^,]*\),.*/\1/p' out >confidences
  [ "$(wc -l <confidences)" -eq 10 ] || flunk "ten rows"
  sort -g -r confidences | cmp -s - confidences || flunk "the most confident come first"
  [ "$(sed -n 's/.*"BLEU": \([0-9.]*\).*/\1/p' out | tail -n 1)" = "$(sed -n 's/^  "BLEU": \([0-9.]*\).*/\1/p' out)" ] ||
    flunk "the last row is of all outputs"
done
run translate -m marian red --unsure no
expect_usage "need each other"
run translate -m marian red --confidence 0.5
expect_usage "need each other"
run translate -m marian red --unsure no --confidence 1.5
expect_usage "--confidence"
run translate -m marian red --unsure no --confidence 0.5 --explain page.html
expect_usage "--unsure has no effect"
run eval -m marian pairs.tsv --no-decode --coverage
expect_usage "--coverage has no effect"
finish
