# A model of another program chats by its chat template: one trained here, without its card, replies as with it.
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { for (i = 0; i < 40; i++) printf "hello\nhi there\nhow are you\nfine thanks\n\n你好\n你好吗\n再见\n再见了\n\n" }' >talk.txt
run train reply talk.txt -o model --arch llama --threads 1 --size nano --context 512 --tokenizer byte --batch 4 --steps 40 \
  --lr 3e-3 --eval-every 20 --sample-tokens 0
expect_status 0
cp -r model foreign
rm foreign/inkstone.json

talk="hello
how are you
你好"
# The default of --early-stopping is that of the program that made a model.
for more in "" "--system Be_kind."; do
  run_with_input "$talk" chat -m model --beam 2 --early-stopping true --max-tokens 20 $more
  expect_status 0
  cp out ours
  run_with_input "$talk" chat -m foreign --beam 2 --early-stopping true --max-tokens 20 $more
  expect_status 0
  expect_same ours out
done
run reply -m model --beam 1 --max-tokens 20 "hello <|end|>"
cp out ours
run reply -m foreign --max-tokens 20 "hello <|end|>" # greedy: the file asks for sampling, so it is removed
expect_status 0
run reply -m foreign --beam 1 --max-tokens 20 "hello <|end|>"
expect_same ours out
run info foreign
expect_out "chat template"

# A token that is forbidden is not drawn, and ends no reply.
cp -r foreign forbidding
run reply -m foreign --sample --top-k 1 --max-tokens 6 hello
expect_out 佽
first=$("$INKSTONE" tokenizer encode -m foreign 佽 | sed 's/ .*//')
printf '{"do_sample": true, "eos_token_id": %s, "bad_words_ids": [[%s]]}' \
  "$("$INKSTONE" tokenizer encode -m foreign '<|end|>')" "$first" >forbidding/generation_config.json
run reply -m forbidding --sample --top-k 1 --max-tokens 6 hello
expect_status 0
[ "$(wc -c <out)" -gt 1 ] || flunk "the forbidden token ended the reply"
! grep -q 佽 out || flunk "the forbidden token was drawn"
rm -r forbidding

# An empty system turn is one: a template that has a text of its own then leaves it out. Our layout has none.
cp -r foreign telling
{
  printf '%s' "{% if messages[0]['role'] != 'system' %}<|system|>Speak.<|end|>{% endif %}"
  printf '%s' "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
  printf '%s' "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
} >telling/chat_template.jinja
reply_of() { "$INKSTONE" reply --beam 1 --max-tokens 9 --json -m "$@" hello 2>err || flunk "no reply of $*"; }
reply_of telling >by_default
reply_of foreign --system Speak. >spoken
reply_of telling --system "" >empty
reply_of foreign --system "" >as_empty
reply_of foreign >without
expect_same by_default spoken
expect_same empty as_empty
! cmp -s by_default empty || flunk "--system '' is no system turn"
! cmp -s without as_empty || flunk "--system '' is no system turn"
reply_of model --system "" >ours_empty
reply_of model >ours_without
expect_same ours_empty ours_without
rm -r telling

# Conversations are evaluated as such, with the numbers of the model that was trained on them; text is text.
printf '{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi there"},{"role":"user","content":"你好"},{"role":"assistant","content":"你好吗"}]}\n' >talk.jsonl
run eval -m model talk.jsonl --no-decode --json -q
expect_status 0
cp out ours
run eval -m foreign talk.jsonl --no-decode --json
expect_status 0
expect_same ours out
expect_err "by the model's chat template"
"$INKSTONE" eval -m foreign --format json - --no-decode --json -q <talk.jsonl >out 2>err
expect_same ours out
run eval -m foreign --against model talk.jsonl --json -q
expect_status 0
expect_out '"tokens": 19,'
# So are all forms of examples: numbers equal to transformers', docs/log.md.
printf '{"instruction":"hello","input":"","output":"hi there"}\n' >alpaca.jsonl
printf '{"prompt":"hello","completion":"hi there"}\n' >trl.jsonl
printf '{"prompt":[{"role":"user","content":"hello"}],"completion":[{"role":"assistant","content":"hi there"}]}\n' >lists.jsonl
printf '[{"question":"hello",\n"answer":"hi there"}]\n' >list.json
printf 'question,answer\nhello,hi there\n' >table.csv
printf '{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi there"}]}\n' >chat.jsonl
run eval -m foreign chat.jsonl --no-decode --json -q
cp out wanted
for form in alpaca.jsonl trl.jsonl lists.jsonl list.json table.csv; do
  run eval -m foreign $form --no-decode --json
  expect_same out wanted
  expect_err "$form: read as"
  expect_err "by the model's chat template"
done
"$INKSTONE" eval -m foreign - --no-decode --json -q <alpaca.jsonl >out 2>err
expect_same out wanted
run eval -m foreign alpaca.jsonl chat.jsonl --no-decode --json
expect_status 0
expect_out '"documents": 2,'
run eval -m foreign --against model alpaca.jsonl trl.jsonl --json -q
expect_status 0
expect_out '"documents": 2,'
printf '{"prompt":"hello","chosen":"hi","rejected":"ho"}\n' >preference.jsonl
run eval -m foreign preference.jsonl
expect_failure "preference.jsonl:1: is a preference (chosen, rejected), from which" "train prefer"
run eval -m foreign talk.txt
expect_status 0
expect_err "1 document"
run eval -m foreign talk.jsonl talk.txt
expect_usage "talk.jsonl contains conversations as JSON, talk.txt plain text"
run eval -m foreign talk.jsonl --documents file
expect_status 0
expect_err "warning: talk.jsonl: contains conversations as JSON, which are read as plain text"
expect_err "1 document"

# tools, calls and their results are laid out by the template and learnt; what it leaves out is refused with its place
cat >calls.jsonl <<'EOF'
{"tools": [{"type": "function", "function": {"name": "time"}}], "messages": [{"role": "user", "content": "time?"}, {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "time", "arguments": "{\"zone\": 1}"}}]}, {"role": "tool", "content": "12"}, {"role": "assistant", "content": "noon"}], "id": 7}
{"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi there"}]}
EOF
run train reply calls.jsonl -o caller --from foreign --steps 2 --holdout 0 --batch 2 --sample-tokens 0
expect_failure "calls.jsonl:1: the conversation has tools, which the model's chat template leaves out: remove it"
run train reply calls.jsonl -o caller --layers 1 --width 32 --heads 2 --steps 2 --holdout 0 --tokenizer byte --sample-tokens 0
expect_failure "calls.jsonl:1: has tools or other variables of a chat template, which only a model with a chat template can learn"
printf '%s' "{{ tools|tojson if tools }}{% for m in messages %}<|{{ m.role if m.role in ['user', 'assistant'] else 'system' }}|>{{ m.content or '' }}{% for c in m.tool_calls %}[{{ c.function.name }} {{ c.function.arguments.zone }}]{% endfor %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}" >foreign/chat_template.jinja
run train reply calls.jsonl -o caller --from foreign --steps 2 --holdout 0 --batch 2 --sample-tokens 0
expect_status 0
expect_err "conversations in the OpenAI format"
expect_err 'not read: "id"'
run eval -m caller calls.jsonl --no-decode --json -q
expect_status 0
expect_out '"tokens": 23' # [time 1], noon and hi there, each with its end

# what is longer than the context is told with its place, and not cut
awk 'BEGIN { printf "{\"messages\": ["; for (i = 0; i < 40; i++) printf "{\"role\": \"user\", \"content\": \"hello you\"}, {\"role\": \"assistant\", \"content\": \"hi there\"}, "; printf "{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", \"content\": \""; for (i = 0; i < 600; i++) printf "y"; print "\"}]}" }' >long.jsonl
run train reply long.jsonl -o caller --overwrite --from foreign --steps 2 --holdout 0 --batch 2 --sample-tokens 0
expect_err "1 example longer than the model's context of 512 tokens: dropped (long.jsonl:1)"
expect_err "without the oldest turns before them, which the model's context of 512 tokens does not hold (long.jsonl:1, long.jsonl:1, long.jsonl:1, ...)"
run train reply long.jsonl -o caller --overwrite --from foreign --steps 2 --holdout 0 --batch 2 --sample-tokens 0 --too-long truncate
expect_err "1 example longer than the model's context of 512 tokens: truncated (long.jsonl:1)"

# of an answer that is cut off as a whole, nothing is scored
awk 'BEGIN { printf "{\"messages\": [{\"role\": \"user\", \"content\": \""; for (i = 0; i < 700; i++) printf "x"; print "\"}, {\"role\": \"assistant\", \"content\": \"hi\"}]}" }' >alone.jsonl
run eval -m foreign alone.jsonl --no-decode
expect_failure "no example fits into the model's context of 512 tokens: give shorter ones"
echo '{"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]}' >>alone.jsonl
run eval -m foreign alone.jsonl --no-decode --json
expect_status 0
expect_err "1 example longer than the model's context of 512 tokens: dropped (alone.jsonl:1)"
expect_out '"documents": 1'

# --system is for conversations
run translate -m foreign --system x hello
expect_usage "--system is a flag of"

# the template speaks, is refused, or is absent
printf '%s' "{{ raise_exception('only the system may speak') }}" >foreign/chat_template.jinja
run reply -m foreign hello
expect_failure "the model's chat template: only the system may speak"
for template in '' '{# nothing #}' '{% if false %}x{% endif %}'; do
  printf '%s' "$template" >foreign/chat_template.jinja
  run reply -m foreign hello
  expect_failure "the model's chat template writes nothing for this conversation"
done
printf 'a\n{%% include "b" %%}' >foreign/chat_template.jinja
run reply -m foreign hello
expect_failure "the model's chat template: line 2: the tag {% include %} is not supported"
run write -m foreign --max-tokens 3 hello
expect_status 0
printf '{%% for m in messages %%}{{ m.content }}<|end|>{%% endfor %%}' >foreign/chat_template.jinja
run convert foreign other
expect_status 0
grep -q '"chat_template": "{% for m in messages %}' other/tokenizer_config.json || flunk "convert keeps the template"

# several templates: "default" is used, the others are told and kept, by a directory, a GGUF file, and back
mkdir foreign/additional_chat_templates
printf 'rag {{ messages }}' >foreign/additional_chat_templates/rag.jinja
printf 'a note' >foreign/additional_chat_templates/README
run info foreign
expect_out "rag"
run convert foreign named.gguf
expect_status 0
run info named.gguf
expect_out "rag"
run convert named.gguf back
expect_status 0
cmp -s other/tokenizer_config.json back/tokenizer_config.json && flunk "convert loses a template"
grep -q '"template": "rag {{ messages }}"' back/tokenizer_config.json || flunk "convert loses a named template"
grep -q '"template": "{% for m in messages %}' back/tokenizer_config.json || flunk "convert loses the default template"
run reply -m foreign --beam 1 --max-tokens 20 "hello"
cp out ours
run reply -m named.gguf --beam 1 --max-tokens 20 "hello"
expect_same ours out
printf '{"chat_template": [{"name": "default"}]}' >other/tokenizer_config.json
run convert other bad.gguf
expect_failure '"chat_template" is neither a text nor a list of texts with names'
rm -r foreign/additional_chat_templates

rm foreign/chat_template.jinja foreign/tokenizer_config.json
run chat -m foreign
expect_usage "this model has no chat template"
run eval -m foreign talk.jsonl
expect_status 0
expect_err "warning: talk.jsonl: contains conversations as JSON"
run eval -m foreign talk.jsonl --format json
expect_usage "--format has no effect on running text"
finish
