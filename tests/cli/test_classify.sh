# Labelled texts: train classify, classify and eval of its models; what is refused.
. "$(dirname "$0")/lib.sh"

# N labelled texts: the label is told by one word of the text.
labelled() {
  awk -v n="$1" -v from="${2:-0}" 'BEGIN {
    split("good great fine|bad poor dull|chair table box", kinds, "|"); split("pos neg thing", names, " ")
    split("the film was a day and we it saw house", fill, " ")
    x = 99 + from
    for (i = 0; i < n; i++) {
      line = ""
      label = i % 3 + 1
      split(kinds[label], words, " ")
      for (k = 0; k < 6; k++) { x = (x * 1103 + 12345) % 65536; line = line (k ? " " : "") (k == i % 6 ? words[int(x / 7) % 3 + 1] : fill[int(x / 7) % 10 + 1]) }
      print names[label] "\t" line
    }
  }'
}
labelled 300 >data.tsv
labelled 60 7 >test.tsv
small="--layers 2 --width 48 --heads 2 --context 64 --tokenizer byte --batch 16 --steps 80 --eval-every 20 --lr 0.01 --seed 3"

# The forms of data: the same texts, labels and model.
run train classify data.tsv -o model $small --threads 1
expect_status 0
expect_err "data.tsv: read as a table (TSV)"
expect_err "column 1 is taken for the labels"
expect_err "3 labels: "
expect_err "accuracy"
grep -q '"LlamaForSequenceClassification"' model/config.json || flunk "config.json should name transformers' class"
expect_no_file model/generation_config.json
{ echo "text,label"; awk -F'\t' '{ print $2 "," $1 }' data.tsv; } >data.csv
awk -F'\t' '{ print "__label__" $1 " " $2 }' data.tsv >data.ft
awk -F'\t' '{ print "{\"text\": \"" $2 "\", \"label\": \"" $1 "\"}" }' data.tsv >data.jsonl
awk -F'\t' '{ print $2 "\tx\t" $1 }' data.tsv >swapped.tsv
awk -F'\t' '{ print $1 >"labels.txt"; print $2 >"texts.txt" }' data.tsv
for files in data.csv data.ft data.jsonl "swapped.tsv --columns 1,3" "texts.txt labels.txt"; do
  run train classify $files -o other $small --threads 1 --overwrite -q
  expect_status 0
  expect_same other/model.safetensors model/model.safetensors
done

sed 's/^pos/10/; s/^neg/9/; s/^thing/-1/' data.tsv >numbers.tsv
run train classify numbers.tsv -o numbers $small --steps 2 -q
tr -d ' \n' <numbers/config.json | grep -q '"id2label":{"0":"-1","1":"9","2":"10"}' || flunk "numbers should be ordered by value"

# The same bytes for any number of threads, packed and not, and after being killed.
for threads in 2 3; do
  run train classify data.tsv -o other $small --threads $threads --overwrite -q
  expect_same other/model.safetensors model/model.safetensors
done
run train classify data.tsv -o packed $small --threads 1 --pack -q
run train classify data.tsv -o packed2 $small --threads 2 --pack -q
expect_same packed/model.safetensors packed2/model.safetensors
"$INKSTONE" train classify data.tsv -o killed $small --threads 1 >out 2>err </dev/null &
process=$!
tries=0
while [ $tries -lt 300 ] && ! ls killed/checkpoint-* >/dev/null 2>&1; do sleep 0.02; tries=$((tries + 1)); done
kill -KILL $process 2>/dev/null
wait $process 2>/dev/null
run train classify -o killed --resume -q
expect_status 0
expect_same killed/model.safetensors model/model.safetensors

# From a model of text: whole, and with all but the head frozen; from a classifier with the same labels, its head goes on.
text_of 100 >text
train_small base text
run train classify data.tsv -o tuned --from base --steps 8 --batch 16 --threads 1 -q
expect_status 0
run classify -m tuned "a good day"
expect_status 0
run train classify data.tsv -o probe --from base --freeze '*' --steps 8 --batch 16 --threads 1
expect_status 0
expect_err "trained: 96 of the parameters"
run train classify data.tsv -o probe2 --from base --freeze '*' --steps 8 --batch 16 --threads 2 -q
expect_same probe/model.safetensors probe2/model.safetensors
# A head that the base does not have is resumed, too, and a killed run gives the same bytes.
for base in base model; do
  rm -rf headless whole
  sed "s/^thing/$base/" data.tsv >own.tsv
  run train classify own.tsv -o headless --from $base --freeze '*embed*,*norm*' --steps 3 --batch 16 --threads 1 -q
  run train classify -o headless --resume --steps 6 -q
  expect_status 0
  run train classify own.tsv -o whole --from $base --freeze '*embed*,*norm*' --steps 6 --batch 16 --threads 1 -q
  "$INKSTONE" train classify own.tsv -o stopped-$base --from $base --freeze '*' --steps 400 --checkpoint-every 5 --batch 16 --threads 1 -q </dev/null &
  process=$!
  tries=0
  while [ $tries -lt 300 ] && ! ls stopped-$base/checkpoint-* >/dev/null 2>&1; do sleep 0.02; tries=$((tries + 1)); done
  kill -KILL $process 2>/dev/null
  wait $process 2>/dev/null
  run train classify -o stopped-$base --resume -q
  expect_status 0
done
run train classify test.tsv -o again --from model --steps 1 --warmup 0 --lr 1e-9 --batch 16 --threads 1 -q
run eval -m again test.tsv -q --json && cp out again.json
run eval -m model test.tsv -q --json
[ "$(grep -m1 '"score"' out)" = "$(grep -m1 '"score"' again.json)" ] || flunk "the head of a base with the same labels should be kept"
sed 's/^thing/object/' data.tsv >renamed.tsv
run train classify renamed.tsv -o renamed --from model --steps 4 --batch 16 --threads 1
expect_status 0
expect_err "a new head learns them"
for arch in gpt2 rwkv7 lstm gru; do
  run train classify data.tsv -o small-$arch --arch $arch --size nano --tokenizer byte --batch 16 --steps 3 --threads 1 -q
  expect_status 0
  run classify -m small-$arch "a good day" --n-best 3
  expect_status 0
done
run train classify data.tsv -o refused --arch marian -q
expect_usage "has an encoder"
run train write text -o refused --from model -q
expect_usage "labels texts"

# An adapter over a model of text has the head as a whole: over its base in another format, merged, for any number of threads, resumed.
adapt() {
  run train classify data.tsv --adapter lora --rank 2 --batch 16 --lr 0.01 --warmup 0 --schedule constant -q "$@"
}
adapt -o low --from base --steps 8 --threads 1
expect_status 0
run train classify data.tsv -o timed --from base --adapter lora --budget 20s --dry-run # its updates predict labels
expect_status 0
tr -d ' \n' <low/adapter_config.json | grep -q '"task_type":"SEQ_CLS".*"modules_to_save":\["classifier","score"\]' || flunk "PEFT should know the head"
grep -q '"q_proj"' low/adapter_config.json || flunk "the adapted layers should have short names"
adapt -o low2 --from base --steps 8 --threads 3
expect_same low/adapter_model.safetensors low2/adapter_model.safetensors
adapt -o low3 --from base --steps 4 --threads 1
run train classify -o low3 --resume --steps 8 -q
expect_status 0
expect_same low/adapter_model.safetensors low3/adapter_model.safetensors
run classify -m low "a good day" --json && cp out low.out
grep -q '"pos"' low.out || flunk "the adapter does not know its labels"
run classify -m base --adapter low "a good day" --json
expect_same out low.out
run convert base base.gguf && run classify -m base.gguf --adapter low "a good day" --json
expect_same out low.out
run convert base merged --merge low -q && run classify -m merged "a good day" --n-best 1
expect_status 0
[ "$(cut -f 1 out)" = "$(run classify -m low "a good day" && cut -f 1 out)" ] || flunk "merged, the adapter gives another label"
run eval -m base --adapter low test.tsv --json -q && cp out low.out
run eval -m low test.tsv --json -q
expect_same out low.out
adapt -o next --from merged --steps 1 --lr 1e-9 --threads 1 # the head of a base with the same labels
run classify -m next "a good day" && cp out low.out
run classify -m merged "a good day"
[ "$(cat out)" = "$(cat low.out)" ] || flunk "over a classifier, the adapter should begin with its head"
adapt -o far --from merged --valid test.tsv --steps 8 --lr 0.05 --threads 1
run eval -m far test.tsv --json -q
loss=$(sed -n 's/.*"valid_loss": \([0-9.]*\).*/\1/p' far/inkstone.json)
grep -q "\"loss\": $loss" out || flunk "over a classifier, the adapter's own head should count"
# Its base has an output of text with a bias, of its own.
run train write text -o phi --arch phi --layers 1 --width 16 --heads 2 --context 64 --tokenizer byte --steps 1 --sample-tokens 0 --threads 1 -q
adapt -o low-phi --from phi --steps 1 --threads 1
run classify -m phi --adapter low-phi "a good day"
expect_status 0
run classify -m base --adapter low --adapter low "a good day"
expect_usage "which only the first adapter may have"
run write -m low The
expect_usage "labels texts"
run convert low low.gguf
expect_failure "head for labels"
sed 's/"score"/"lm_head"/' low/adapter_config.json >low2/adapter_config.json
run classify -m low2 "a good day"
expect_failure '"modules_to_save" is not supported except for a classifier'

# Labels of texts.
run classify -m model "we saw a good film"
expect_status 0
[ "$(cut -f 1 out)" = pos ] || flunk "this should be positive"
run_with_input "we saw a bad film

$(printf 'it was \377 day')
a box" classify -m model -
expect_status 1
[ "$(wc -l <out)" -eq 4 ] && [ "$(sed -n 4p out | cut -f 1)" = thing ] || flunk "each line should have a line of output"
expect_err "line 2: the text is empty"
expect_err "line 3: byte 8 is not UTF-8"
expect_err "2 of 4 lines failed"
run_with_input "a box
" classify -m model --json -
expect_json_lines out
expect_out '"probability"'
run classify -m model --n-best 2 "a box"
[ "$(awk -F'\t' '{ print NF }' out)" -eq 4 ] || flunk "two labels and their probabilities"
run classify -m model --labels pos,neg "a box"
expect_status 0
grep -q thing out && flunk "only the given labels"
run classify -m model --labels pos,unknown "a box"
expect_usage "does not know the label \"unknown\""
run classify -m model --labels pos,pos "a box"
expect_usage "twice"
run classify -m model --labels pos "a box"
expect_usage "at least two"
long=$(head -c 3000 /dev/zero | tr '\0' a)
run classify -m model "$long"
expect_failure "3000 tokens" "--too-long truncate"
run classify -m model --too-long truncate "$long"
expect_status 0
run write -m model "a box"
expect_usage "inkstone classify"

# By a model of text: the labels are given.
run classify -m base "a box"
expect_usage "give --labels"
run train write text -o longer --threads 1 --layers 2 --width 32 --heads 2 --tokenizer byte --context 128 --batch 4 --steps 4 --sample-tokens 0 -q
run classify -m longer --labels box,tree "a box"
expect_status 0
run classify -m small-gru --labels pos,neg,thing --template "{text} {label}" "a box"
expect_usage "--template has no effect"
run classify -m small-gru --no-calibrate "a box"
expect_usage "--no-calibrate has no effect"
train_small recurrent text --arch gru
run_with_input "a box

a tree" classify -m recurrent --labels box,moon,tree --json -
expect_status 1
expect_json_lines out
expect_err "line 2: the text is empty"
run classify -m base --labels box,tree --template "no mark" "a box"
expect_usage "needs {text} once"
run classify -m base --labels box,tree --template "{text} {label} behind" "a box"
expect_usage "{label} at its end"
run classify -m base --labels "box, ,tree" "a box"
expect_usage "empty label"
run classify -m base --labels box,tree "$long"
expect_failure "--too-long truncate"
run classify -m base --labels box,tree --template "{text} {label}" --too-long truncate "$long"
expect_status 0
run classify -m base --labels box,tree --template "$long {text} {label}" --too-long truncate "a box"
expect_failure "template is longer"
run classify -m base --labels box,tree --template "{text}: {label}" --no-calibrate "a box" && cp out plain
run classify -m base --labels box,tree --template "{text}: {label}" "a box"
cmp -s out plain && flunk "calibration should change something"
run train write text -o beginless --threads 1 --layers 2 --width 32 --heads 2 --tokenizer byte --documents file --batch 4 --steps 4 --sample-tokens 0 -q
run classify -m beginless --labels box,tree --template "{text}{label}" "a box"
expect_status 0
expect_err "calibrated by 2 of 3 texts"
run classify -m base --labels box,tree --template "{text}: {label}" "a box" --threads 2 && cp out two
run classify -m base --labels box,tree --template "{text}: {label}" "a box" --threads 1
expect_same out two

# Scores: scikit-learn's are compared in models_classifier.
run eval -m model test.tsv
expect_status 0
expect_out "accuracy"
expect_out "macro f1"
expect_out "pos"
INKSTONE_LANG=zh run eval -m model test.tsv
expect_out "召回率"
expect_out "混淆矩阵"
run convert model model.gguf
expect_failure "labels texts"
run eval -m model test.tsv --json
expect_json out
run eval -m model test.tsv --metric bleu
expect_usage "--metric has no effect"
printf 'pos\tgood\nodd\tbad\npos\tfine\n' >unknown.tsv
run eval -m model unknown.tsv
expect_failure "unknown.tsv:2" "\"odd\""
run eval -m base text --against model
expect_usage "labels texts"
grep -q '<svg viewBox="0 0 288 228"' model/report.html || flunk "a picture of the confusion matrix"
grep -q 'right: pos, chosen: pos: ' model/report.html || flunk "its cells say what they are"
grep -q 'inkstone classify -m model' model/report.html || flunk "the page says how to go on"
run train classify data.tsv -o best $small --best-by macro-f1 -q
expect_status 0
run train classify data.tsv -o best $small --best-by bleu --overwrite -q
expect_usage "--best-by bleu"
run train write text -o best --best-by accuracy --overwrite -q
expect_usage "--best-by accuracy"
run train classify data.tsv -o refused --max-ratio 3 -q
expect_usage "--max-ratio has no effect"

# Doubtful material.
awk -F'\t' '{ print "same\t" $2 }' data.tsv >one.tsv
run train classify one.tsv -o refused -q
expect_failure "the same label"
printf 'a\tx\nb\ty\n' >tie.tsv
run train classify tie.tsv -o refused -q
expect_failure "tie.tsv" "--columns"
run train classify data.tsv -o refused --valid unknown.tsv $small -q
expect_failure "unknown.tsv:2" "none of those"
{ cat data.tsv; printf 'rare\tthe only one\n'; head -n 1 data.tsv | sed 's/^[a-z]*/thing/'; } >doubtful.tsv
run train classify doubtful.tsv -o doubtful $small --steps 3
expect_status 0
expect_err "1 label with a single text"
expect_err "the labels are uneven"
expect_err "again with another label"
{ cat data.tsv; printf 'pos\t%s\n' "$long"; } >long.tsv
run train classify long.tsv -o long $small --context 64 --steps 3
expect_status 0
expect_err "1 example longer than the model's context of 64 tokens: dropped (long.tsv:301)"
run train classify long.tsv -o long $small --context 64 --steps 3 --too-long truncate --overwrite
expect_err "truncated"
for names in review,rating tweet,sentiment comment,toxic title,genre utterance,intent premise,label review_body,star_rating 评论,评分; do
  { echo "$names"; awk -F'\t' '{ print $2 "," $1 }' data.tsv; } >named.csv
  run train classify named.csv -o refused --dry-run $small
  expect_status 0
  expect_err "3 labels: "
done
{ echo "words,kind"; awk -F'\t' '{ print $2 "," $1 }' data.tsv; } >odd.csv
run train classify odd.csv -o refused --dry-run $small
expect_failure "perhaps a header" "--columns"
run train classify odd.csv -o refused --dry-run $small --columns words,kind
expect_status 0
expect_err "3 labels: "
run train classify odd.csv -o refused --dry-run $small --columns 1,2
expect_status 0
expect_err 'the label of the first row, "kind", occurs nowhere else'
printf '{"text": "a", "label": ["x", "y"]}\n' >many.jsonl
run train classify many.jsonl -o refused -q
expect_failure "many.jsonl:1" "is not one label"
printf '__label__a __label__b text\n__label__c text\n' >many.ft
run train classify many.ft -o refused -q
expect_failure "many.ft:1" "several labels"
run train translate data.ft -o refused -q --format fasttext
expect_failure "data.ft" "train classify"
finish
