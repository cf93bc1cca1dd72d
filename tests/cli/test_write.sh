# inkstone write: prompts, samples, limits, JSON.
. "$(dirname "$0")/lib.sh"
text_of 300 >text
train_small model text --steps 60
expect_status 0
expect_silent_out
expect_err "inkstone write -m model" # what to try next

run write -m model --max-tokens 20 "The moon"
expect_status 0
expect_silent_err
head -c 8 out >start
printf 'The moon' | cmp -s - start || flunk "the text begins with the prompt"
[ "$(tail -c 1 out | od -An -c | tr -d ' ')" = '\n' ] || flunk "the text ends its line"
cp out first

run write -m model --max-tokens 20 "The moon"
expect_same out first
run write -m model --max-tokens 20 --threads 1 "The moon"
expect_same out first
run write -m model --max-tokens 20 --seed 2 "The moon"
! cmp -s out first || flunk "another seed gives another text"
run_with_input "The moon
" write -m model --max-tokens 20 -
expect_same out first
run write -m model --max-tokens 20 --continuation "The moon"
expect_status 0
{ printf 'The moon'; cat out; } >joined
expect_same joined first
run write -m model --max-tokens 5
expect_status 0
run_with_input "" write -m model --max-tokens 5 -
expect_status 0

# the first of several texts is the text that comes alone
run write -m model --max-tokens 20 -n 3 "The moon"
expect_status 0
[ "$(grep -cx -e --- out)" -eq 2 ] || flunk "three texts have two separators"
length=$(wc -c <first)
head -c "$length" out >alone
expect_same alone first
run write -m model --max-tokens 20 --greedy "The moon"
cp out greedy
run write -m model --max-tokens 20 --temperature 0 "The moon"
expect_same out greedy
run write -m model --max-tokens 60 --stop "e" --continuation "The moon"
expect_status 0
! grep -q e out || flunk "the stop text was written"

run write -m model --max-tokens 6 -n 2 --json "The \"moon\""
expect_status 0
[ "$(wc -l <out)" -eq 2 ] || flunk "one line per text"
expect_json_lines out
for key in '"sample":0' '"sample":1' '"prompt":"The \"moon\""' '"text":' '"tokens":' '"logprob":-' '"id":'; do
  expect_out "$key"
done
if command -v python3 >/dev/null 2>&1; then
  run write -m model --max-tokens 40 -n 2 --json --ignore-end --temperature 5 --top-p 1 "月"
  python3 - <<'END' 2>err || flunk "tokens and text do not agree"
import json
for line in open("out", encoding="utf-8"):
    o = json.loads(line)
    assert o["prompt"] == "月" and len(o["tokens"]) == 40, o
    assert all(t["logprob"] <= 0 for t in o["tokens"])
    assert o["text"].startswith("".join(t["text"] for t in o["tokens"])), o
END
fi

# A prompt longer than the context: said, and the rest is used.
run write -m model --max-tokens 10 "$(head -c 500 text)"
expect_status 0
expect_err "longer than the model's context"
run write -m model --max-tokens 100 --ignore-end "The moon"
expect_status 0
expect_err "context was full"
run write -m model --max-tokens 100 --ignore-end -q "The moon"
expect_silent_err
run write -m model --max-tokens 5 "$(printf 'caf\351')"
expect_failure "not UTF-8"

# Recipes serve here, too.
printf 'max-tokens: 20\n' >recipe.yaml
run write -m model --config recipe.yaml "The moon"
expect_same out first
# Without a prompt, a model of one document starts as at the beginning of a line, or after the commonest byte:
# after its end token, it never saw any. One of several documents has seen it.
after() { # MODEL TEXT: the same as behind TEXT
  run write -m "$1" -q --seed 5 --max-tokens 20 --special-tokens --continuation "$2"
  cp out behind
  run write -m "$1" -q --seed 5 --max-tokens 20
  expect_same out behind
}
train_small one text --documents file
after one '
'
tr '\n' ' ' <text >line
train_small lines line
after lines ' '
after model '<|endoftext|>'
# a file that another program cuts short while it is mapped: an end with a sentence
cp -r model short
last="inkstone write, its model cut short"
rm -f out
"$INKSTONE" write -m short --max-tokens 1000000 --ignore-end "The moon" >out 2>err </dev/null &
writer=$!
while [ ! -s out ] && kill -0 $writer 2>/dev/null; do sleep 0.05; done
: >short/model.safetensors
wait $writer
status=$?
expect_status 1
expect_err "truncated by another program"
finish
