# inkstone translate, summarize, reply: lines, refusals, what is said about data.
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { n = split("one two three red blue green", e, " "); split("eins zwei drei rot blau gruen", g, " ")
  for (i = 0; i < 216; i++) print e[i % n + 1], e[int(i / n) % n + 1], e[int(i / n / n) + 1] "\t" \
                                  g[i % n + 1], g[int(i / n) % n + 1], g[int(i / n / n) + 1] }' >pairs.tsv
small="--threads 1 --size nano --context 32 --tokenizer bpe --vocab 300 --batch 8 --steps 12 --eval-every 6 --sample-tokens 0"
for arch in marian llama; do
  run train translate pairs.tsv -o $arch --arch $arch $small
  expect_status 0
  run translate -m $arch --max-tokens 6 "one two"
  expect_status 0
  cp out alone
  cp out alone_$arch
  printf 'red blue\r\n\none two' >lines
  run translate -m $arch --max-tokens 6 -i lines
  expect_status 0
  [ "$(wc -l <out)" -eq 3 ] || flunk "a line for each line"
  [ -z "$(sed -n 2p out)" ] || flunk "a blank line stays blank"
  sed -n 3p out | cmp -s - alone || flunk "a line alone and among others is the same"
  cp out from_file
  run_with_input "$(cat lines)" translate -m $arch --max-tokens 6
  expect_same out from_file
  run translate -m $arch --max-tokens 6 --beam 3 --n-best 3 --json "one two"
  expect_json_lines out
  for key in '"rank":0' '"rank":1' '"rank":2' '"source":"one two"' '"score":'; do expect_out "$key"; done
  run translate -m $arch --max-tokens 6 --sample --n-best 5 --json "one two"
  sed 's/.*"score"://; s/}$//' out >scores
  sort -g -r scores | cmp -s - scores || flunk "drawn texts come best first"
  for wrong in summarize reply write; do
    run $wrong -m $arch red
    expect_usage "inkstone translate -m MODEL"
  done
  run translate -m $arch --max-tokens 4 "你好世界你好"
  expect_err "check the language"
  long=$(for i in 1 2 3 4 5 6 7 8 9; do printf 'One two three. '; done)
  run translate -m $arch --max-tokens 4 "$long"
  expect_status 0
  expect_err "split at sentence ends"
  run translate -m $arch --max-tokens 4 --quiet "$long"
  expect_status 0
  expect_silent_err
done

# Weights that are rounded: not the same scores, but the same for every number of threads, and for a text alone.
run translate -m marian --max-tokens 6 --json --type q8_0 "one two"
expect_status 0
cp out alone
run translate -m marian --max-tokens 6 --json "one two"
! cmp -s out alone || flunk "--type rounds the weights"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "one two red $i"; done >many
echo "one two" >>many
for threads in 1 2; do
  run translate -m marian --max-tokens 6 --json --type q8_0 --threads $threads -i many
  expect_status 0
  cp out many_$threads
done
expect_same many_1 many_2
tail -n 1 many_1 | sed 's/"line":13/"line":1/' | cmp -s - alone || flunk "a text alone and among others is the same"
run translate -m marian --type q8_1 "one two"
expect_usage "q8_1"

# A vocabulary for each side: the source's words are pieces of its own tokenizer only.
for arch in marian seq2seq; do
  run train translate pairs.tsv -o two --arch $arch --vocabularies separate --overwrite $small
  expect_status 0
  run translate -m two --max-tokens 6 --json "one two"
  expect_status 0
  run translate -m two --max-tokens 4 "eins zwei drei eins zwei drei"
  expect_status 0
  run train translate pairs.tsv -o two --resume --steps 14 --threads 1
  expect_status 0
  cp -r two other
  rm other/source_tokenizer.json
  run translate -m other red
  expect_failure "another model"
  rm -r other
done
grep -q zwei two/tokenizer.json || flunk "the target's words are in tokenizer.json"
grep -q zwei two/source_tokenizer.json && flunk "and not in source_tokenizer.json"
grep -q blue two/source_tokenizer.json || flunk "where the source's are"
run train translate pairs.tsv -o two --arch marian --overwrite $small
[ ! -e two/source_tokenizer.json ] || flunk "one vocabulary after two leaves no file behind"
# Nor after a run of two that was stopped before it had a checkpoint.
mkdir stopped
cp two/inkstone.json stopped
cp two/tokenizer.json stopped/source_tokenizer.json
run train translate pairs.tsv -o stopped --arch marian $small
expect_status 0
expect_no_file stopped/source_tokenizer.json
run translate -m two --max-tokens 4 red
expect_status 0
run train translate pairs.tsv -o refused --arch llama --vocabularies separate $small
expect_usage "leave out separate"

# Bounds that a person may ask for, and what would be without effect.
run train translate pairs.tsv -o seq2seq --arch seq2seq $small
expect_status 0
for arch in marian llama seq2seq; do
  run translate -m $arch --max-tokens 1000000000 --beam 300 "one two"
  expect_status 0
  run translate -m $arch --max-tokens 1000000000 --sample "one two"
  expect_status 0
  run translate -m $arch --temperature 0.5 red
  expect_usage "--temperature applies only to sampling"
  run translate -m $arch --sample --length-penalty 2 red
  expect_usage "--length-penalty applies only to beam search"
  run translate -m $arch --stop . red
  expect_usage "--stop is a flag of \`write\`, not of \`translate\`"
done
echo 'stop: ["."]' >stop.yaml
run translate -m marian --config stop.yaml red
expect_usage "--stop applies only to \`inkstone write\`: leave it out"
expect_not_err "n-best"
run train translate pairs.tsv -o refused --context 8 --threads 1
expect_usage "give --context 16 or more"

# What a model directory says is used within bounds.
odd() {
  rm -rf copy
  cp -r marian copy
  printf '%s' "$1" >copy/generation_config.json
  run translate -m copy --max-tokens 6 "one two"
  expect_failure copy/generation_config.json "$2"
}
odd '{"num_beams": 1000000000000000000}' num_beams
odd '{"num_beams": -1}' num_beams
odd '{"length_penalty": 1e308}' length_penalty
odd '{"length_penalty": "long", "min_new_tokens": null}' length_penalty
odd '{"no_repeat_ngram_size": 2.5}' no_repeat_ngram_size
cp -r marian nan
size=$(wc -c <nan/model.safetensors)
head -c 4000 /dev/zero | tr '\000' '\377' | dd of=nan/model.safetensors bs=1 seek=$((size - 4000)) conv=notrunc 2>/dev/null
run translate -m nan --max-tokens 6 "one two"
expect_failure "nan/model.safetensors" "not finite"

# The page that explains: Chinese characters upright and each by itself, also where a tokenizer makes several tokens of one.
for arch in marian llama; do
  run translate -m $arch --max-tokens 4 --explain page.html "月亮x one"
  expect_status 0
  for head in 月 亮 x one; do
    grep -qF "<th class=up><span>$head</span></th>" page.html || flunk "a column for $head"
  done
  ! grep -q "rotate(180deg)" page.html || flunk "column heads stand upside down"
done
for i in 1 2 3 4 5 6 7 8 9 10; do printf 'one\ntwo\nred\nblue\ngreen\nthree\n'; done >lines
run translate -m llama --max-tokens 4 --explain page.html -i lines
expect_err "leaves out the lines after these"
run translate -m llama --max-tokens 4 --explain page.html -i lines --quiet
expect_status 0
expect_silent_err

# `info` tells the bytes that lie in the file, of whatever type.
if python3 -c '' 2>/dev/null; then
  cp -r marian bf16
  python3 - bf16/model.safetensors <<'END'
import json, struct, sys
raw = open(sys.argv[1], "rb").read()
size, = struct.unpack("<Q", raw[:8])
header, data, out = json.loads(raw[8 : 8 + size]), raw[8 + size :], b""
for name, t in header.items():
    if name == "__metadata__": continue
    begin, end = t["data_offsets"]
    part = b"".join(data[i + 2 : i + 4] for i in range(begin, end, 4))
    t["dtype"], t["data_offsets"] = "BF16", [len(out), len(out) + len(part)]
    out += part
text = json.dumps(header).encode()
open(sys.argv[1], "wb").write(struct.pack("<Q", len(text)) + text + out)
END
  run info --json marian
  whole=$(sed -n 's/.*"weight_bytes": \([0-9]*\).*/\1/p' out)
  run info --json bf16
  expect_out "\"weight_bytes\": $((whole / 2))"
else skip_part "no python3 to make 16-bit weights"; fi

# Chinese is told of where metrics look for spaces.
awk 'BEGIN { for (i = 0; i < 20; i++) print "one two " i "\t今晚月色真美" i }' >zh.tsv
run eval -m marian zh.tsv --max-tokens 4
expect_status 0
expect_err "--tokenize zh"
run eval -m marian zh.tsv --max-tokens 4 --tokenize zh
expect_not_err "splits words at spaces"

# One bad line costs that line, with its number; the others stay where they are.
printf 'one two\ncaf\351 one\none two\nred\n' >lines
run translate -m marian --max-tokens 6 -i lines
expect_status 1
expect_err "lines:2: byte 4 is not UTF-8: give its --encoding, or --invalid replace"
expect_err "1 of 4 lines failed"
[ "$(wc -l <out)" -eq 4 ] && [ -z "$(sed -n 2p out)" ] || flunk "an empty line stands in its place"
sed -n 3p out | cmp -s - alone_marian || flunk "the line behind it is as it would be alone"
"$INKSTONE" translate -m marian --max-tokens 6 --json <lines >out 2>err && flunk "the status is 1"
expect_err "line 2: byte 4"
expect_json_lines out
[ "$(sed -n 2p out | grep -c '"line":2,.*"error":"byte 4')" -eq 1 ] || flunk "an object with the error"
run translate -m marian "$(sed -n 2p lines)"
expect_failure "is not UTF-8"

run translate -m marian --max-tokens 6 --invalid replace -i lines
expect_status 0
run translate -m marian --max-tokens 6 "one <|pad|> two"
expect_err "1 text contains special tokens such as <|pad|>: they were read as plain letters"

# What is said at length is read from its last sentences on, line by line.
awk 'BEGIN { for (i = 0; i < 40; i++) printf "hello\nhi there\nhow are you\nfine\n\n" }' >talk
run train reply talk -o talker --arch llama --holdout 0 $small
expect_status 0
for text in 'One two three. ' '你好你好。'; do
  long=$(for i in 1 2 3 4 5 6 7 8 9; do printf '%s' "$text"; done)
  printf 'hello\n%s\nhello\n' "$long" >lines
  run reply -m talker --max-tokens 4 --beam 2 -i lines
  expect_status 0
  expect_err "lines:2: the text is longer than the model reads: its beginning was left out"
  [ "$(wc -l <out)" -eq 3 ] || flunk "a reply each"
done

refused() { # FILE-CONTENTS TEXT
  printf "$1" >bad
  run train translate bad -o refused
  expect_failure "$2"
}
refused 'a\tb\tc\n' "bad:1: has 3 columns"
refused 'ab\n' "bad:1: has no tabs"
text_of 50 >text
run train write text -o unscored --best-by bleu
expect_usage "--best-by bleu needs pairs or conversations"
expect_no_file unscored
run train write text -o refused --arch marian
expect_usage "an encoder-decoder model needs pairs"
finish
