# What a text must be: --json-schema, --regex, --grammar, --choices; by sampling and by beam search.
. "$(dirname "$0")/lib.sh"
text_of 300 >text
train_small model text --steps 60

# 100 samples of a model that knows nothing of it, at a high temperature: all match
run write -m model "x" --continuation -n 100 --temperature 4 --top-p 1 --regex '[a-f]{2,9}(-[0-9]{3}|好|😀)?' --max-tokens 40
expect_status 0
expect_silent_err
grep -v -x -e --- out >texts
[ "$(grep -c . texts)" -eq 100 ] || flunk "there are 100 texts"
[ "$(grep -cxE '[a-f]{2,9}(-[0-9]{3}|好|😀)?' texts)" -eq 100 ] || flunk "all texts match"
[ "$(sort -u texts | grep -c .)" -gt 50 ] || flunk "the texts differ"
grep -q 好 texts && grep -q 😀 texts || flunk "some have characters of several bytes"

schema='{"type":"object","properties":{"n":{"type":"integer","minimum":1,"maximum":12},"名":{"enum":["李","x\n"]}},"required":["n","名"]}'
run write -m model "x" --continuation -n 100 --temperature 4 --top-p 1 --json-schema "$schema" --max-tokens 200 -q
expect_status 0
expect_silent_err
tr -d ' \n\t' <out | sed 's/---/\n/g' >texts
echo >>texts
[ "$(grep -cxE '\{"n":([1-9]|1[0-2]),"名":("李"|"x\\n")\}' texts)" -eq 100 ] || flunk "all texts are valid by the schema"
printf '%s' "$schema" >schema.json
cp out first
run write -m model "x" --continuation -n 100 --temperature 4 --top-p 1 --json-schema schema.json --max-tokens 200 --threads 1
expect_same out first
run write -m model "x" --json --greedy --json-schema '{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":2}'
expect_status 0
expect_json_lines out

run write -m model "x" --continuation --choices 'yes,no\, never,好的'
expect_status 0
grep -qxE 'yes|no, never|好的' out || flunk "one of the choices is written"
printf 'root ::= line{2}\nline ::= [a-z]+ "\\n"\n' >two.gbnf
run write -m model "x" --continuation --grammar two.gbnf --max-tokens 200 --temperature 2
expect_status 0
[ "$(grep -cxE '[a-z]+' out)" -eq 2 ] || flunk "two lines are written"
run write -m model "" --grammar 'root ::= " " "b"'
expect_status 0
[ "$(cat out)" = " b" ] || flunk "a text from nothing keeps its space"

# texts that end too soon, or cannot go on
run write -m model "x" --regex 'a{50}' --max-tokens 3 -n 2 --temperature 2
expect_status 0
expect_err "2 texts are not yet what was asked for: raise --max-tokens"
run write -m model "x" --regex 'a' --stop b
expect_status 0
expect_silent_err

printf '\001' | "$INKSTONE" tokenizer encode -m model --no-special-tokens - >ids 2>/dev/null || printf '\001' >ids
cp -r model stuck
sed "s/^{/{\"suppress_tokens\": [$(tr -d '\n ' <ids)],/" model/generation_config.json >stuck/generation_config.json
run write -m stuck "x" --regex 'a{2}\x01' -n 2 --temperature 2 -q
expect_status 0
expect_err "in 2 texts no token of the model could go on"
[ "$(grep -c '^xaa$' out)" -eq 2 ] || flunk "what could be written is there"

# requests that are wrong
run write -m model "x" --regex 'a(b'
expect_usage "the regular expression, byte 4: a ) is missing"
run write -m model "x" --regex a --choices b
expect_usage "leave one of them out"
run write -m model "x" --regex a --ignore-end
expect_usage "--ignore-end"
run write -m model "x" --json-schema '{"type":"string","maxlength":3}'
expect_usage '"maxlength" is not supported'
run write -m model "x" --json-schema no.json
expect_failure "no.json"
run write -m model "x" --grammar 'root ::= root "a"'
expect_usage "left recursion"
INKSTONE_LANG=zh run write -m model "x" --regex 'a(b'
expect_err "正则表达式"

# beam search, and inputs of several lines
printf 'a b\tB A\nc d e\tE D C\nf g\tG F\nb a\tA B\nd c\tC D\n' >pairs.tsv
"$INKSTONE" train translate pairs.tsv -o pairs --size nano --layers 1 --steps 40 --holdout 0 --threads 2 -q >log 2>&1 || flunk "training pairs"
printf 'a b\nc d e\nf g\n' >lines
run_lines() {
  last="inkstone $* <lines"
  "$INKSTONE" "$@" >out 2>err <lines
  status=$?
}
run_lines translate -m pairs --regex '[A-G]( [A-G]){1,2}' --beam 4 --n-best 3
expect_status 0
[ "$(grep -cxE '[A-G]( [A-G]){1,2}' out)" -eq 9 ] || flunk "all of 9 translations match"
cp out first
run_lines translate -m pairs --regex '[A-G]( [A-G]){1,2}' --beam 4 --n-best 3 --threads 1
expect_same out first
for line in 1 2 3; do # a text alone has the same translations
  sed -n "${line}p" lines >line
  "$INKSTONE" translate -m pairs --regex '[A-G]( [A-G]){1,2}' --beam 4 --n-best 3 <line
done >alone 2>err
expect_same alone first
run_lines translate -m pairs --sample --temperature 3 --json-schema '{"type":"array","items":{"type":"integer"},"maxItems":3}' --json --n-best 5 --max-tokens 200
expect_status 0
expect_json_lines out
[ "$(grep -c '"unended":false' out)" -eq 15 ] || flunk "all texts end"
printf '\001' | "$INKSTONE" tokenizer encode -m pairs --no-special-tokens - >ids 2>/dev/null
cp -r pairs stuck_pairs
sed "s/^{/{\"suppress_tokens\": [$(tr -d '\n ' <ids)],/" pairs/generation_config.json >stuck_pairs/generation_config.json
for how in "" --sample; do
  run_lines translate -m stuck_pairs --regex 'a{2}\x01' $how
  expect_status 1
  expect_err "no token of the model can go on"
done
run_lines translate -m pairs --regex 'A{9}' --max-tokens 4
expect_status 0
expect_err "reached"
finish
