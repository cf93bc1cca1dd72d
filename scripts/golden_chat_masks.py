#!/usr/bin/env python3
"""Writes which tokens of conversations transformers counts as the assistant's, for tests/data/test_chat_masks.c: one JSON object a line.

    python3 scripts/golden_chat_masks.py > tests/golden/chat_masks.jsonl                    the templates below
    python3 scripts/golden_chat_masks.py --templates DIRECTORY --random 40 --seed 7 > cases  those of models, too; random conversations

The first line is {"tokenizer": ...}; then, for each {"family", "template", "specials", "end"}, its conversations: {"messages", "tools", ...,
"rows": [{"ids", "mask"}]}. The masks are those of apply_chat_template(return_assistant_tokens_mask=True), for which templates mark the assistant's part: {% generation %}.
"""
import argparse
import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast


CHATML = ("{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}{% generation %}{{- m.content + '<|im_end|>' }}{% endgeneration %}"
          "{% else %}{{- m.content + '<|im_end|>' }}{% endif %}{{- '\n' }}{% endfor %}{% if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %}")
LLAMA3 = """{{- bos_token }}{%- for m in messages %}
{%- if m.role == 'tool' %}{{- '<|start_header_id|>ipython<|end_header_id|>\n\n' + m.content | tojson + '<|eot_id|>' }}
{%- elif m.role == 'system' %}{{- '<|start_header_id|>system<|end_header_id|>\n\n' }}{%- if tools %}{{- 'Functions:\n' }}{%- for t in tools %}{{- t | tojson(indent=4) + '\n' }}{%- endfor %}{%- endif %}{{- m.content | trim + '<|eot_id|>' }}
{%- elif m.role == 'assistant' %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% generation %}{%- if m.tool_calls %}{%- set f = m.tool_calls[0].function %}
{{- '{"name": "' + f.name + '", "parameters": ' + f.arguments | tojson + '}' }}{%- else %}{{- m.content | trim }}{%- endif %}{{- '<|eot_id|>' }}{% endgeneration %}
{%- else %}{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' }}{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"""
MISTRAL = """{{- bos_token }}{%- if messages[0].role == 'system' %}{%- set system = messages[0].content %}{%- set rest = messages[1:] %}{%- else %}{%- set rest = messages %}{%- endif %}
{%- for m in rest %}{%- if m.role == 'user' %}{%- if tools and loop.first %}{{- '[AVAILABLE_TOOLS]' + tools | tojson + '[/AVAILABLE_TOOLS]' }}{%- endif %}
{{- '[INST]' + (system + '\n\n' if loop.first and system is defined else '') + m.content + '[/INST]' }}
{%- elif m.role == 'tool' %}{{- '[TOOL_RESULTS]' + m.content + '[/TOOL_RESULTS]' }}
{%- elif m.tool_calls %}{% generation %}{{- '[TOOL_CALLS][' }}{%- for c in m.tool_calls %}{{- c.function | tojson }}{{- ', ' if not loop.last }}{%- endfor %}{{- ']' + eos_token }}{% endgeneration %}
{%- else %}{% generation %}{{- ' ' + m.content | trim + eos_token }}{% endgeneration %}{%- endif %}{%- endfor %}"""
GEMMA = """{{- bos_token }}{%- if messages[0].role == 'system' %}{%- set lead = messages[0].content + '\n\n' %}{%- set rest = messages[1:] %}{%- else %}{%- set lead = '' %}{%- set rest = messages %}{%- endif %}
{%- for m in rest %}{%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{- raise_exception('roles must alternate') }}{%- endif %}
{{- '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + (lead if loop.first else '') }}{%- if m.role == 'assistant' %}{% generation %}{{- m.content | trim + '<end_of_turn>' }}{% endgeneration %}
{%- else %}{{- m.content | trim + '<end_of_turn>' }}{%- endif %}{{- '\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<start_of_turn>model\n' }}{%- endif %}"""
ZEPHYR = """{%- for m in messages %}{{- '<|' + m.role + '|>\n' }}{%- if m.role == 'assistant' %}{% generation %}{{- m.content + eos_token }}{% endgeneration %}{%- else %}{{- m.content + eos_token }}{%- endif %}{{- '\n' }}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|assistant|>\n' }}{%- endif %}"""
PHI = """{%- for m in messages %}{{- '<|' + m.role + '|>' }}{%- if m.role == 'system' and tools %}{{- m.content + '<|tool|>' + tools | tojson + '<|/tool|>' + '<|end|>' }}
{%- elif m.role == 'assistant' %}{% generation %}{{- m.content + '<|end|>' }}{% endgeneration %}{%- else %}{{- m.content + '<|end|>' }}{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- else %}{{- eos_token }}{%- endif %}"""
TOOLS_FIRST = """{%- if tools %}{{- '<|im_start|>system\n' + (messages[0].content + '\n\n' if messages[0].role == 'system' else '') + '# Tools\n<tools>' }}{%- for t in tools %}{{- '\n' + t | tojson }}{%- endfor %}{{- '\n</tools><|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}{%- endif %}
"""
RESULT = """{%- elif m.role == 'tool' %}{%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}{{- '\n<tool_response>\n' + m.content + '\n</tool_response>' }}
{%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|im_end|>\n' }}{%- endif %}"""
CALLS = """{%- for c in m.tool_calls or [] %}{{- '\n' if not loop.first or content }}{{- '<tool_call>\n{"name": "' + c.function.name + '", "arguments": ' }}{{- c.function.arguments if c.function.arguments is string else c.function.arguments | tojson }}{{- '}\n</tool_call>' }}{%- endfor %}"""
QWEN25 = TOOLS_FIRST + """{%- for m in messages %}{%- set content = m.content or '' %}{%- if m.role == 'user' %}{{- '<|im_start|>user\n' + m.content + '<|im_end|>\n' }}
{%- elif m.role == 'assistant' %}{{- '<|im_start|>assistant\n' }}{% generation %}{{- content }}""" + CALLS + """{{- '<|im_end|>' }}{% endgeneration %}{{- '\n' }}
""" + RESULT + """{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"""
THOUGHT = """{%- set thought = '' %}{%- if m.reasoning_content is string %}{%- set thought = m.reasoning_content %}{%- elif '</think>' in content %}
{%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}{%- set content = content.split('</think>')[-1].lstrip('\n') %}{%- endif %}
"""
LAST_QUESTION = """{%- set ns = namespace(last=messages | length - 1, open=true) %}{%- for m in messages[::-1] %}{%- if ns.open and m.role == 'user' %}{%- set ns.open = false %}{%- set ns.last = messages | length - 1 - loop.index0 %}{%- endif %}{%- endfor %}
"""
# The last reply has its reasoning, empty if there is none; earlier ones have none.
QWEN3 = TOOLS_FIRST + LAST_QUESTION + """{%- for m in messages %}{%- set content = m.content or '' %}{%- if m.role == 'user' %}{{- '<|im_start|>user\n' + m.content + '<|im_end|>\n' }}
{%- elif m.role == 'assistant' %}""" + THOUGHT + """{{- '<|im_start|>assistant\n' }}{% generation %}{%- if loop.index0 > ns.last and (loop.last or thought) %}{{- '<think>\n' + thought.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}{%- else %}{{- content }}{%- endif %}
""" + CALLS + """{{- '<|im_end|>' }}{% endgeneration %}{{- '\n' }}
""" + RESULT + """{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}"""
# A system turn that says how replies reason; with enable_thinking false, every reply begins with an empty thought.
SMOLLM3 = """{%- set mode = '/think' if enable_thinking | default(true) else '/no_think' %}{%- if messages[0].role == 'system' %}{%- if '/no_think' in messages[0].content %}{%- set mode = '/no_think' %}{%- endif %}
{%- set own = messages[0].content.replace('/no_think', '').replace('/think', '').rstrip() %}{%- endif %}{{- '<|im_start|>system\nReasoning Mode: ' + mode + '\n\n' + (own | default('You are a helpful assistant.')) }}
{%- if xml_tools or tools %}{{- '\n<tools>' }}{%- for t in (xml_tools or tools) %}{{- '\n' + t | string }}{%- endfor %}{{- '\n</tools>' }}{%- endif %}{{- '<|im_end|>\n' }}
{%- for m in messages %}{%- set content = m.content if m.content is string else '' %}{%- if m.role == 'user' %}{{- '<|im_start|>user\n' + content + '<|im_end|>\n' }}
{%- elif m.role == 'assistant' %}{{- '<|im_start|>assistant\n' }}{%- if mode == '/no_think' %}{{- '<think>\n\n</think>\n' }}{%- endif %}{% generation %}{{- content.lstrip('\n') }}""" + CALLS + """{{- '<|im_end|>' }}{% endgeneration %}{{- '\n' }}
{%- elif m.role == 'tool' %}{{- '<|im_start|>user\n' + content + '<|im_end|>\n' }}{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- if mode == '/no_think' %}{{- '<think>\n\n</think>\n' }}{%- endif %}{%- endif %}"""
# Reasoning is left out of every reply, though the prompt begins it.
DEEPSEEK = """{{- bos_token }}{%- if tools %}{{- tools | tojson }}{%- endif %}{%- for m in messages %}{%- if m.role == 'system' %}{{- m.content }}{%- endif %}{%- endfor %}
{%- for m in messages %}{%- if m.role == 'user' %}{{- '<|User|>' + m.content }}{%- elif m.role == 'tool' %}{{- '<|tool_begin|>' + m.content + '<|tool_end|>' }}
{%- elif m.role == 'assistant' %}{%- if loop.index0 == 0 or messages[loop.index0 - 1].role != 'tool' %}{{- '<|Assistant|>' }}{%- endif %}{% generation %}{%- for c in m.tool_calls or [] %}{{- '<|call_begin|>' + c.function.name + '\n' + c.function.arguments | tojson + '<|call_end|>' }}{%- endfor %}
{{- (m.content or '').split('</think>')[-1] + eos_token }}{% endgeneration %}{%- endif %}{%- endfor %}
{%- if add_generation_prompt and messages[-1].role != 'tool' %}{{- '<|Assistant|><think>\n' }}{%- endif %}"""

IM = ["<|im_start|>", "<|im_end|>"]
# name: template, special tokens, end of a turn, what conversations it takes: s(ystem), t(ools), r(easoning_content), c(ontent with thoughts), d: thoughts that are left out, n(o thoughts, by a switch)
FAMILIES = {
    "chatml": (CHATML, IM, "<|im_end|>", "s"),
    "llama3": (LLAMA3, ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], "<|eot_id|>", "sT"),
    "mistral": (MISTRAL, ["[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"], "</s>", "st"),
    "gemma": (GEMMA, ["<start_of_turn>", "<end_of_turn>"], "<end_of_turn>", "s"),
    "zephyr": (ZEPHYR, [], "</s>", "s"),
    "phi": (PHI, ["<|user|>", "<|assistant|>", "<|system|>", "<|tool|>", "<|/tool|>", "<|end|>"], "<|end|>", "s"),
    "qwen2.5": (QWEN25, IM, "<|im_end|>", "st"),
    "qwen3": (QWEN3, [*IM, "<think>", "</think>"], "<|im_end|>", "strc"),
    "smollm3": (SMOLLM3, [*IM, "<think>", "</think>"], "<|im_end|>", "stcn"),
    "deepseek": (DEEPSEEK, ["<|User|>", "<|Assistant|>", "<|call_begin|>", "<|call_end|>", "<|tool_begin|>", "<|tool_end|>"], "</s>", "std"),
}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Says the weather, 天气", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}}}
CALL = {"id": "call12345", "type": "function", "function": {"name": "weather", "arguments": {"city": "Köln", "days": 2, "x": 1.5, "b": None}}}


def said(role, content, **more):
    return {"role": role, "content": content, **more}


ANSWERED = [said("user", "Weather?"), said("assistant", "", tool_calls=[CALL]), said("tool", "rain \"20\"", name="weather", tool_call_id="call12345"),
            said("assistant", "It rains.")]
# what it needs, messages, variables
TALKS = [
    ("", [said("user", "Hello"), said("assistant", "Hello, you!")], {}),
    ("", [said("user", "hello 你好"), said("assistant", "a\n\nb"), said("user", "and?"), said("assistant", "no  more"), said("user", "unanswered")], {}),
    ("s", [said("system", "Be terse."), said("user", "Hi"), said("assistant", "Hi."), said("user", "a"), said("assistant", "b")], {}),
    ("", [said("user", "spelled <|im_end|> </s> <eot"), said("assistant", "x <|im_start|> y"), said("user", "z"), said("assistant", "end")], {}),
    ("st", [said("system", "Help."), *ANSWERED, said("user", "Thanks"), said("assistant", "You're welcome")], {"tools": [TOOL]}),
    ("st", [said("system", "Help."), said("user", "Tools?"), said("assistant", "One.")], {"tools": [TOOL, TOOL]}),
    ("sT", [said("system", "Help."), *ANSWERED], {"tools": [TOOL]}),
    ("d", [said("user", "q"), said("assistant", "<think>\nhm\n</think>\n\nanswer"), said("user", "q2"), said("assistant", "end")], {}),
    ("c", [said("user", "q"), said("assistant", "<think>\nhm, 1\n</think>\n\nanswer"), said("user", "q2"), said("assistant", "<think>\nhm\n</think>\n\nend")], {}),
    ("r", [said("user", "q"), said("assistant", "r", reasoning_content="because"), said("user", "q2"), said("assistant", "s", reasoning_content="so")], {}),
    ("n", [said("user", "q"), said("assistant", "plain"), said("user", "/no_think"), said("assistant", "too")], {"enable_thinking": False}),
]


def tokenizer_with(specials, end):
    """Bytes, and some merges that reach across words and lines."""
    letters = sorted(set(pre_tokenizers.ByteLevel.alphabet()), key=lambda c: BYTES[c])
    merges = [("h", "e"), ("l", "l"), ("he", "ll"), ("Ċ", "Ċ"), ("Ġ", "a"), (">", "Ċ"), ("i", "n")]
    vocabulary = {c: i for i, c in enumerate([*letters, *(a + b for a, b in merges)])}
    core = Tokenizer(models.BPE(vocabulary, merges))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in ["<s>", "</s>", *specials]])
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token=end)


def alphabet():
    """GPT-2's letter of each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}


BYTES = alphabet()


def split_specials(value, specials):
    """Texts spell no special tokens: a text of a conversation with one has a mark inside, which no token has."""
    if isinstance(value, str):
        for s in specials:
            value = value.replace(s, s[0] + "\ufdd0" + s[1:])
        return value
    if isinstance(value, list):
        return [split_specials(v, specials) for v in value]
    return {k: split_specials(v, specials) for k, v in value.items()} if isinstance(value, dict) else value


def laid_out(tokenizer, template, messages, variables):
    """ids and mask of a conversation; marks are left out of the text first, which leaves its special tokens as letters."""
    specials = [str(t) for t in tokenizer.get_added_vocab()]
    text, spans = rendered(tokenizer, template, split_specials(messages, specials), split_specials(variables, specials))
    ids, mask, at = [], [], 0
    for piece in text.split("\ufdd0"):
        encoded = tokenizer(piece, add_special_tokens=False, return_offsets_mapping=True)
        ids += encoded["input_ids"]
        mask += [int(any(b <= at + first < e for b, e in spans)) for first, _ in encoded["offset_mapping"]]
        at += len(piece) + 1
    if "\ufdd0" not in text:  # as transformers has them
        theirs = tokenizer.apply_chat_template(messages, chat_template=template, return_dict=True, return_assistant_tokens_mask=True, **variables)
        assert theirs["input_ids"] == ids and theirs["assistant_masks"] == mask, (ids, mask, theirs)
    return ids, mask


def rendered(tokenizer, template, messages, variables):
    from transformers.utils.chat_template_utils import _compile_jinja_template, _render_with_assistant_indices
    more = {**tokenizer.special_tokens_map, **variables}
    tools, documents = more.pop("tools", None), more.pop("documents", None)
    return _render_with_assistant_indices(_compile_jinja_template(template), messages, tools, documents, False, **more)


def rows(tokenizer, template, messages, variables):
    """One sequence with all replies if each beginning of the conversation begins the next, else one for each reply."""
    parts = [laid_out(tokenizer, template, messages[:i + 1], variables) for i, m in enumerate(messages) if m["role"] == "assistant" and i]
    if all(later[0][:len(part[0])] == part[0] for part, later in zip(parts, parts[1:])):
        return [{"ids": parts[-1][0], "mask": parts[-1][1]}]
    out = []
    for ids, mask in parts:
        last = len(mask) - 1 - mask[::-1].index(1)
        first = last
        while first and mask[first - 1]:
            first -= 1
        out.append({"ids": ids, "mask": [int(first <= i <= last) for i in range(len(ids))]})
    return out


def with_marks(name, text):
    """A template of a model, marked around what the assistant writes; None: it is not known where."""
    changes = {
        "Qwen-Qwen2.5-7B-Instruct": [
            ("(message.role == \"system\" and not loop.first) or (message.role == \"assistant\" and not message.tool_calls) %}",
             "(message.role == \"system\" and not loop.first) %}"),
            ("{%- elif message.role == \"assistant\" %}\n        {{- '<|im_start|>' + message.role }}",
             "{%- elif message.role == \"assistant\" and not message.tool_calls %}{{- '<|im_start|>assistant\\n' }}{% generation %}{{- message.content + '<|im_end|>' }}"
             "{% endgeneration %}{{- '\\n' }}{%- elif message.role == \"assistant\" %}\n        {{- '<|im_start|>' + message.role + '\\n' }}{% generation %}"),
            ("{{- '\\n' + message.content }}\n        {%- endif %}\n        {%- for", "{{- message.content + '\\n' }}\n        {%- endif %}\n        {%- for"),
            ("{{- '\\n<tool_call>\\n{\"name\": \"' }}", "{{- '\\n' if not loop.first }}{{- '<tool_call>\\n{\"name\": \"' }}"),
            ("{%- endfor %}\n        {{- '<|im_end|>\\n' }}\n    {%- elif message.role == \"tool\"",
             "{%- endfor %}{{- '<|im_end|>' }}{% endgeneration %}{{- '\\n' }}\n    {%- elif message.role == \"tool\"")],
        "Qwen-Qwen3-0.6B": [
            ("{{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content",
             "{{- '<|im_start|>' + message.role + '\\n' }}{% generation %}{{- '<think>\\n' + reasoning_content"),
            ("lstrip('\\n') }}\n            {%- else %}", "lstrip('\\n') }}{% endgeneration %}\n            {%- else %}"),
            ("{{- '<|im_start|>' + message.role + '\\n' + content }}", "{{- '<|im_start|>' + message.role + '\\n' }}{% generation %}{{- content }}{% endgeneration %}"),
            ("{%- if message.tool_calls %}", "{% generation %}{%- if message.tool_calls %}"),
            ("{%- endif %}\n        {{- '<|im_end|>\\n' }}\n    {%- elif message.role == \"tool\"",
             "{%- endif %}{{- '<|im_end|>' }}{% endgeneration %}{{- '\\n' }}\n    {%- elif message.role == \"tool\"")],
        "meta-llama-Llama-3.1-8B-Instruct": [
            ("{%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}",
             "{%- if message.role == 'assistant' and 'tool_calls' not in message %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% generation %}"
             "{{- message['content'] | trim + '<|eot_id|>' }}{% endgeneration %}"
             "{%- elif not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}"),
            ("{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}\n            {{- '{\"name\": \"'",
             "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}{% generation %}\n            {{- '{\"name\": \"'"),
            ("{{- \"}\" }}\n", "{{- \"}\" }}{% endgeneration %}\n"),
            ("{{- \"<|eot_id|>\" }}\n        {%- endif %}\n    {%- elif message.role == \"tool\"",
             "{% generation %}{{- \"<|eot_id|>\" }}{% endgeneration %}\n        {%- endif %}\n    {%- elif message.role == \"tool\"")],
    }.get(name)
    for old, new in changes or []:
        if old not in text:
            sys.exit(f"{name} has no {old}")
        text = text.replace(old, new)
    return text if changes else None


def random_talk(draw):
    """A conversation with the parts of TALKS, as (needs, messages, variables)."""
    word = lambda: draw.choice(["hello", "a\n\nb", "你好 世界", "<think>", "</s>", "end.", " x ", "<|im_end|>", "{\"q\": 1}", "1234", "/no_think"]).strip()
    text = lambda: " ".join(word() for _ in range(draw.randint(1, 6)))
    needs, messages, variables = "", [], {}
    if draw.random() < 0.4:
        needs, messages = "s", [said("system", text())]
    for _ in range(draw.randint(1, 3)):
        if draw.random() < 0.3:
            needs, variables["tools"] = needs + "t", [TOOL]
            call = {**CALL, "function": {"name": "weather", "arguments": {"city": text()}}}
            messages += [said("user", text()), said("assistant", "", tool_calls=[call]), said("tool", text(), name="weather", tool_call_id="call12345")]
        else:
            messages.append(said("user", text()))
        thought = draw.random() < 0.3
        needs += "r" if thought else ""
        messages.append(said("assistant", text(), **({"reasoning_content": text()} if thought else {})))
    return needs, messages, variables


def fits(needs, takes):
    """T: tools only of a template that takes one call, not t."""
    return all(n in takes or (n == "T" and "t" in takes) for n in needs)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--templates", type=Path)
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    draw = random.Random(a.seed)
    families = dict(FAMILIES)
    for path in sorted(a.templates.glob("*.jinja")) if a.templates else []:
        marked = with_marks(path.stem, path.read_text())
        like = "qwen3" if "Qwen3" in path.stem else "qwen2.5" if "Qwen2.5" in path.stem else "llama3"
        if marked:
            families[path.stem] = (marked, *FAMILIES[like][1:])
    talks = TALKS + [random_talk(draw) for _ in range(a.random)]
    core = json.loads(tokenizer_with([], "</s>").backend_tokenizer.to_str())
    core.pop("added_tokens")
    print(json.dumps({"tokenizer": core}, ensure_ascii=False))
    for name, (template, specials, end, takes) in families.items():
        tokenizer = tokenizer_with(specials, end)
        print(json.dumps({"family": name, "template": template, "specials": ["<s>", "</s>", *specials], "end": end}, ensure_ascii=False))
        for needs, messages, variables in talks:
            if not fits(needs, takes):
                continue
            if a.templates and (name not in FAMILIES):  # the marks change nothing
                plain = (a.templates / f"{name}.jinja").read_text()
                assert rendered(tokenizer, plain, messages, variables)[0] == rendered(tokenizer, template, messages, variables)[0], name
            # Reading drops blanks around texts.
            trimmed = [{k: v.strip() if k == "content" else v for k, v in m.items()} for m in messages]
            more = {k: v for k, v in variables.items() if k != "tools"}
            said_so = {"tools": variables["tools"]} if "tools" in variables else {}
            print(json.dumps({"messages": trimmed, **said_so, "chat_template_kwargs": more, "rows": rows(tokenizer, template, trimmed, variables)}, ensure_ascii=False))


if __name__ == "__main__":
    main()
