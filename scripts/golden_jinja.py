#!/usr/bin/env python3
"""Writes what transformers renders of templates, for tests/text/test_jinja.c: one JSON object a line, {"t": template, "v": variables,
"out": text or null where it is an error}, and "spans" of {% generation %} in bytes.

    python3 scripts/golden_jinja.py > tests/golden/jinja.jsonl                   (needs transformers and jinja2; committed)
    python3 scripts/golden_jinja.py --random 5000 --seed 7 > cases               random templates
    python3 scripts/golden_jinja.py --templates DIRECTORY > cases                *.jinja files, with a dozen conversations each
    INKSTONE_JINJA_CASES=cases build/release/tests/text_jinja                    compares those
"""
import argparse
import json
import random
import re
import sys
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template, _render_with_assistant_indices

ROOT = Path(__file__).resolve().parent.parent

VARS = {
    "s": "Hello World", "e": "", "u": "你好 ß wörld", "sp": "  a b\t c \n", "n": 7, "z": 0, "neg": -3, "f": 2.5, "g": 1e20, "t": True,
    "no": None, "l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "le": [], "d": {"a": 1, "b": "x", "items": 5, "k": None},
    "m": [{"role": "user", "content": "hi", "n": 2}, {"role": "assistant", "content": "yo", "n": 1}, {"role": "user", "content": "", "n": 3}],
    "nested": {"a": {"b": [1, {"c": "deep"}]}}, "q": "it's \"q\" \\ \n<b>&"}

# ---- conversations ----

TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "Get the weather", "parameters": {
            "type": "object", "required": ["city"], "properties": {
                "city": {"type": "string", "description": "The city"}, "unit": {"type": "string", "enum": ["c", "f"]}}}}},
    {"type": "function", "function": {"name": "now", "description": "\"now\" 现在", "parameters": {"type": "object", "properties": {}}}}]
CALL = {"id": "call12345", "type": "function",
        "function": {"name": "get_weather", "arguments": {"city": "Paris", "n": 3, "x": 1.5, "b": True, "z": None}}}


def said(role, content, **more):
    return {"role": role, "content": content, **more}


RESULT = said("tool", "{\"t\": 20}", name="get_weather", tool_call_id="call12345")
CONVERSATIONS = [
    {"messages": [said("user", "Hello")]},
    {"messages": [said("system", "You are terse. \n"), said("user", " Hi  "), said("assistant", "Hello!"), said("user", "How are you?")]},
    {"messages": [said("user", "你好，世界"), said("assistant", "您好！<think>想</think>\n\n回答"), said("user", "再见 👋🏽")]},
    {"messages": [said("system", "系统"), said("user", "Weather?")], "tools": TOOLS},
    {"messages": [said("system", "sys"), said("user", "Weather?"), said("assistant", "", tool_calls=[CALL]), RESULT], "tools": TOOLS},
    {"messages": [said("user", "W?"), said("assistant", None, tool_calls=[CALL]), RESULT, said("assistant", "20."), said("user", "thanks")],
     "tools": TOOLS},
    {"messages": [said("user", "a"), said("user", "b")]},
    {"messages": [said("assistant", "I begin"), said("user", "b")]},
    {"messages": [said("user", [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]), said("assistant", "ok"), said("user", "x")]},
    {"messages": [said("user", "q"), said("assistant", "r", reasoning_content="because"), said("user", "q2")], "enable_thinking": False},
    {"messages": [said("user", "q"), said("assistant", "<think>\nhm\n</think>\n\nanswer"), said("user", "q2"), said("assistant", "end")]},
    {"messages": [said("developer", "dev"), said("user", "q")], "documents": [{"title": "T", "text": "body"}]},
]


def with_template(template):
    for i, conversation in enumerate(CONVERSATIONS):
        for prompt in (True, False) if i < 3 else (i % 2 == 0,):
            yield template, {"tools": None, "documents": None, "add_generation_prompt": prompt, "bos_token": "<s>", "eos_token": "</s>",
                             **conversation}


# Templates of the kinds that models have, written for this test.
FAMILIES = [
    # ChatML with a default system turn
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}"
    "{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    # turns that must alternate, another name for the assistant
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}",
    # tools, as JSON within tags, calls and results
    """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- endif %}
{%- set ns = namespace(last=messages | length - 1, multi=true) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages | length - 1) - loop.index0 %}
    {%- if ns.multi and message.role == "user" and message.content is string and not (message.content.startswith('<r>') and message.content.endswith('</r>')) %}
        {%- set ns.multi = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}{%- set content = message.content %}{%- else %}{%- set content = '' %}{%- endif %}
    {%- if message.role == "assistant" %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {{- '<|im_start|>' + message.role + ('\\n<think>' + reasoning.strip('\\n') + '</think>' if loop.index0 > ns.last and reasoning else '') }}
        {%- generation %}{{- '\\n' + content.lstrip('\\n') }}{%- endgeneration %}
        {%- for tool_call in message.tool_calls or [] %}
            {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
            {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '<tool_call>\\n{"name": "' ~ tool_call.name ~ '", "arguments": ' }}
            {{- tool_call.arguments if tool_call.arguments is string else tool_call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or messages[loop.index0 - 1].role != "tool" %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<r>\\n' + content + '\\n</r>' }}
        {%- if loop.last or loop.nextitem.role != "tool" %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}
""",
    # a macro that writes types, printed dicts, filters of lists
    """{%- macro type_of(p, depth=0) -%}
  {%- if p.enum -%}{{ p.enum | join(' | ') }}
  {%- elif p.type == 'object' -%}{ {%- for k, v in p.properties.items() %}{{ k }}: {{ type_of(v, depth + 1) }}{{ ', ' if not loop.last }}{% endfor -%} }
  {%- else -%}{{ p.type | default('any', true) | upper }}{% endif -%}
{%- endmacro -%}
{%- set users = messages | selectattr('role', 'equalto', 'user') | list -%}
[{{ users | length }} of {{ messages | map(attribute='role') | unique | join(',') }}]
{% for tool in tools or [] %}
{{ loop.index }}. {{ tool.function.name | title }}{{ tool['function'].parameters.required }} -> {{ type_of(tool.function.parameters) }}
{{ tool | tojson(indent=2) }}
{% else %}
no tools
{% endfor %}
{% for message in messages if message.role != 'system' %}
  {%+ if loop.first %}> {% endif %}
{{ loop.revindex }} {{ message.content if message.content is string else message.content | tojson }}
  {%- for call in message.tool_calls %} {{ call.function.arguments }} {% break %}{% endfor %}
{% endfor %}
{{- {'a': 1.0, 'b': [none, true, 'x\\'y'], 3: (1,)} }} {{ eos_token ~ documents }}""",
]

OWN = r"""
{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 7.5 % -2 }} {{ 1e20 }} {{ 1e16 }} {{ 123456.0 }} {{ 1e-5 }} {{ 0.1 + 0.2 }} {{ true + 1 }}
{{ 'a' * 3 }} {{ [1] * 2 + [2] }} {{ (1, 2) + (3,) }} {{ 'a' ~ 1 ~ none ~ 2.0 }} {{ '%s=%d %5.2f' % ('x', 3, 2.5) }} {{ '%s' % m }} {{ not '' and 1 or 2 }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' in 'abc' }} {{ 'z' not in d }} {{ 2 in l }} {{ [1] == [1.0] }} {{ {'a': 1} == {'a': 1} }} {{ 'b' > 'B' }} {{ 'x' if e }}|
{{ s[1] }} {{ s[-1] }} {{ u[:2] }} {{ u[::-1] }} {{ l[1:] }} {{ l[::-2] }} {{ m[-1].role }} {{ d.a }} {{ d['b'] }} {{ d.zz }} {{ m.0.role }} {{ s[99] }} {{ d.items is defined }}
{{ ' x '|trim }} {{ 'xxaxx'|trim('x') }} {{ s|length }} {{ u|length }} {{ l|join('-') }} {{ m|join(',', attribute='role') }} {{ d|tojson }} {{ q|tojson }} {{ u|tojson(ensure_ascii=true) }}
{{ u|upper }} {{ s|lower }} {{ 'a-b c(d'|title }} {{ 'HELLO wORLD'|capitalize }} {{ s|replace('o', '0') }} {{ s|replace('o', '0', 1) }} {{ zz|default('d') }} {{ e|default('d', true) }}
{{ l|first }} {{ l|last }} {{ 'abc'|list }} {{ d|items|list }} {{ d|dictsort }} {{ d|list }} {{ l|sort }} {{ ls|sort }} {{ ls|sort(case_sensitive=true) }} {{ ls|sort(reverse=true) }} {{ l|reverse|list }}
{{ m|selectattr('n', 'gt', 1)|map(attribute='role')|list }} {{ m|rejectattr('content')|list }} {{ l|select('odd')|list }} {{ l|reject('odd')|list }} {{ ls|map('upper')|join }} {{ [1, 1, 2]|unique|list }}
{{ '12'|int + 1 }} {{ 'x'|int(5) }} {{ '2.7'|int }} {{ '2.5'|float }} {{ 2.5|round }} {{ 3.14159|round(2) }} {{ 2.1|round(0, 'ceil') }} {{ -3|abs }} {{ l|sum }} {{ l|max }} {{ l|min }} {{ 3|string + 'x' }}
{{ "a\nb\n\nc"|indent(2) }}|{{ "a\nb"|indent(1, true) }} {{ q|e }} {{ '<'|safe + '<' }} {{ '%s-%s'|format(1, 'b') }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }}
{{ s.startswith('He') }} {{ s.endswith(('x', 'd')) }} {{ s.find('o') }} {{ s.rfind('o') }} {{ s.count('l') }} {{ '{} {1} {x}{{'.format(1, 2, x=3) if false else '{}-{}'.format(1, 2) }} {{ '-'.join(ls) }}
{{ d.get('a') }} {{ d.get('zz') }} {{ d.get('zz', 4) }} {{ d.keys()|list }} {{ d.values()|list }} {{ "a\r\nb\x0bc".splitlines() }} {{ '12'.isdigit() }} {{ 'xay'.removeprefix('x').removesuffix('y') }}
{{ l is sequence }} {{ d is mapping }} {{ d is sequence }} {{ 3 is number }} {{ true is number }} {{ true is integer }} {{ 3 is integer }} {{ none is none }} {{ zz is undefined }} {{ s is string }} {{ l is iterable }}
{{ 3 is odd }} {{ 4 is divisibleby 2 }} {{ 4 is divisibleby(3) }} {{ 1 is eq 1 }} {{ 2 is in [1, 2] }} {{ true is true }} {{ 'A' is upper }} {{ x is not defined }} {{ l.append is defined }} {{ raise_exception is callable }}
{% set x = 1 %}{% for i in l %}{% set x = i %}{{ x }}{% endfor %}{{ x }}{% set ns = namespace(a=0) %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}
{% for i in range(6) if i % 2 %}{{ loop.index }}/{{ loop.length }}{{ loop.first }}{{ loop.last }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}{% for i in le %}{% else %}none{% endfor %}
{% for i in range(9) %}{% if i == 2 %}{% continue %}{% elif i == 5 %}{% break %}{% endif %}{{ i }}{{ loop.cycle('a', 'b') }}{{ loop.changed(i // 2) }}{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for (a, (b, c)) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% set a, b = 1, 2 %}{{ b }}{{ a }}
{% macro f(a, b='B') %}[{{ a }}|{{ b }}]{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(b=3, a=4) }}{{ f() }}{% macro g() %}<{{ caller('y') }}>{% endmacro %}{% call(z) g() %}in {{ z }}{% endcall %}
{% set x %}a {{ s }}{% endset %}{{ x|length }}{% set y | upper %}abc{% endset %}{{ y }}{% filter upper %}x{{ s }}{% endfilter %}{% with a = 1, b = s %}{{ a }}{{ b }}{% endwith %}{{ a }}
a {%- if t %} b {% endif -%} c {{- 1 -}} d {# x #} e {#- y -#} f {% raw %}{{ no }} {%- endraw -%} g
{% if x %}no{% elif t and not z %}yes{% else %}no{% endif %}{% if zz is defined and zz.a %}no{% endif %}{{ zz.a is defined if false }}{{ "\u4f60\x41\101\q" 'joined' }}
{{ m }} {{ nested }} {{ u }} {{ [u, q, 1.5, none] }} {{ () }} {{ (1,) }} {{ 'é\u200b\x01\U0001F600' ~ ['é\u200b\x01\U0001F600'] }} {{ "it's" ~ ["it's", 'a"b', "'\""] }}
{{ {'b': [1, {}], 'a': []}|tojson(indent=2, sort_keys=true) }} {{ [1, 2]|tojson(separators=(',', ':')) }} {{ {1: 2.0, none: true}|tojson }} {{ d|tojson(indent='\t') }}
{{ zz.a }}
{{ zz + 1 }}
{{ l.append(4) }}
{{ d.pop('a') }}
{{ s.nothing() }}
{{ 1 + 'a' }}
{{ 1 < 'a' }}
{{ l|length(1) }}
{{ no|length }}
{{ 1 // 0 }}
{{ range(100001)|length }}
{{ undefined_function(1) }}
{% for a, b in [1] %}{% endfor %}
{% set d.a = 1 %}
{% set ns = namespace(_a=1) %}
{{ zz|tojson }}
{{ s|nosuchfilter }}
{{ s is nosuchtest }}
{{ raise_exception('no: ' ~ s) }}
{{ ''.__class__.__mro__ }}|{{ ''.__class__ is defined }}
{% if %}
{{ 1
{% for x in l %}
{{ 'abc }}
{{ (1 }}
{% endif %}
"""

# ---- random templates ----


class Random:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def number(self, low, high):
        return self.random.randint(low, high)

    def literal(self):
        return self.pick(str(self.number(-5, 9)), "2.5", "0.1", "1e3", "'a'", "'l'", "'x y'", "''", "'%s-%s'", "'{} {}'", "true", "false", "none",
                         "[1, 2]", "['a', 'b']", "{}", "{'a': 1, 'z': [1]}", "(1, 2)", "'\\n'", "'你'", "10", "100", "'user'")

    def name(self):
        return self.pick(*VARS, "zz", "m[0]", "d.a", "d['b']", "m[1].content", "nested.a.b[1].c", "d.items()", "d.keys()|list", "range(4)",
                         "m|map(attribute='role')|list", "ls[1]", "s[2]")

    def expression(self, depth):
        if depth <= 0:
            return self.pick(self.name(), self.name(), self.literal())
        kind, e = self.number(0, 13), lambda: self.expression(depth - self.number(1, 2))
        if kind == 0:
            return f"({e()} {self.pick('+', '-', '*', '/', '//', '%', '~', '**')} {e()})"
        if kind == 1:
            return f"({e()} {self.pick('==', '!=', '<', '>', '<=', '>=', 'in', 'not in')} {e()})"
        if kind == 2:
            return f"({e()} {self.pick('and', 'or')} {e()})"
        if kind == 3:
            return f"(not {e()})"
        if kind == 4:
            return f"({e()} if {e()} else {e()})"
        if kind == 5:
            return f"({e()})[{self.pick(e(), self.number(-3, 3))}]"
        if kind == 6:
            return f"({e()})[{self.pick('', self.number(-4, 4))}:{self.pick('', self.number(-4, 4))}{self.pick('', ':-1', ':2')}]"
        if kind == 7:
            return f"({e()} is {self.pick('', 'not ')}{self.test()})"
        if kind == 8:
            return f"({e()}).{self.method()}"
        if kind == 9:
            return f"[{e()}, {e()}]"
        if kind == 10:
            return f"{{{self.pick(chr(39) + 'k' + chr(39), e())}: {e()}}}"
        if kind == 11:
            return f"(-{e()})"
        return f"({e()})|{self.filter()}"

    def filter(self):
        e = self.expression(0)
        return self.pick(
            "abs", "capitalize", "count", f"default({e})", f"default({e}, true)", "dictsort", "first", "float", "int", f"int({e})", "items|list",
            f"join({e})", "join", "join(', ', attribute='role')", "last", "length", "list", "lower", "map('upper')|list",
            "map(attribute='n', default=9)|list", "max", "min", "reject('none')|list", "rejectattr('content')|list", f"replace({e}, 'l')",
            "reverse|list", "reverse", "round", "round(1)", "round(1,'ceil')", "select('string')|list", "select|list",
            f"selectattr('role', 'equalto', {e})|list", "selectattr('n','gt',1)|list", "sort", "sort(reverse=true)", "sort(attribute='n')",
            "string", "sum", "sum(attribute='n')", "title", "tojson", "tojson(indent=2)", "tojson(ensure_ascii=true)", "tojson(sort_keys=true)",
            "trim", f"trim({e})", "unique|list", "upper", "indent", "indent(2, true)", "e", "safe", "dictsort(by='value')", "format(1, 'b')")

    def test(self):
        return self.pick("defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number", "integer", "float", "boolean",
                         "true", "false", f"eq({self.expression(0)})", f"in({self.expression(0)})", "even", "odd", "lower", "upper",
                         f"gt({self.expression(0)})", f"lt {self.literal()}", "callable")

    def method(self):
        e = self.expression(0)
        return self.pick("strip()", "lstrip()", "rstrip()", f"strip({e})", f"split({e})", "split()", "split(none, 1)", "rsplit(none, 1)",
                         f"rsplit({e}, 1)", "splitlines()", f"startswith({e})", f"endswith({e})", "upper()", "lower()", "title()", "capitalize()",
                         f"replace('l', {e}, 1)", f"join({e})", f"get({e})", f"get({e}, 1)", "items()|list", "keys()|list", "values()|list",
                         f"find({e})", f"rfind({e})", f"count({e})", f"format({e}, 1)", "isdigit()", "isspace()", "append(1)", "role", "a", "foo",
                         "append is defined", "foo()", f"removeprefix({e})", "0")

    def statement(self, depth):
        kind = self.number(0, 13)
        left, right = self.pick("{%", "{%-", "{%+", "{%"), self.pick("%}", "-%}", "%}")
        out, end = self.pick("{{", "{{-", "{{"), self.pick("}}", "-}}", "}}")
        space, body = self.pick("", " ", "\n", "\n  ", "  \n", " x ", "\n\n"), lambda: self.block(depth - 1)
        if depth <= 0 or kind <= 2:
            return f"{out} {self.expression(2)} {end}{space}"
        if kind == 3:
            return (f"{left} if {self.expression(1)} {right}{body()}{left} elif {self.expression(1)} {right}{body()}"
                    f"{left} else {right}{body()}{left} endif {right}{space}")
        if kind <= 6:
            of = self.pick("l", "m", "d", "ls", "s", "range(3)", "m|selectattr('role')", "d.items()", "le", self.expression(1))
            shown = self.pick("x", "loop.index", "loop.last", "loop.length", "loop.revindex", "loop.previtem", "loop.nextitem",
                              "loop.cycle(1,2)", "loop.changed(x)", "x.role")
            leave = self.pick("", f"{left} break {right}", "{% if loop.index == 2 %}{% continue %}{% endif %}", f"{left} else {right}{body()}")
            return (f"{left} for x in {of}{self.pick('', ' if x')} {right}{space}{out} {shown} {end}{body()}{leave}"
                    f"{left} endfor {right}{space}")
        if kind == 7:
            return f"{left} set y {self.pick('', '| upper', '|trim|length')} {right}{body()}{left} endset {right}{out} y {end}"
        if kind == 8:
            return (f"{left} macro mm(a, b={self.literal()}) {right}{body()}{out} a {end}{out} b {end}{left} endmacro {right}"
                    f"{out} mm({self.expression(0)}{self.pick('', ', 1', ', b=2', ', 1, 2, 3', ', c=1')}) {end}")
        if kind == 9:
            return f"{{#{self.pick('-', '')} comment {{{{ }}}} {self.pick('-', '')}#}}{space}"
        if kind == 10:
            return f"{left} raw {right}{space}{{{{ x }}}}{space}{left} endraw {right}{space}"
        if kind == 11:
            return f"{left} filter {self.pick('upper', 'trim', 'indent(2)')} {right}{body()}{left} endfilter {right}"
        if kind == 12:
            return f"{left} generation {right}{body()}{left} endgeneration {right}"
        return (f"{left} macro mc(a) {right}<{out} caller() {end}>{left} endmacro {right}"
                f"{left} call mc(1) {right}{body()}{left} endcall {right}")

    def block(self, depth):
        return "".join(self.pick("", "a", " ", "\n", " \n b ", "\t") + self.statement(depth) for _ in range(self.number(1, 2)))

    def template(self):
        return self.block(2) if self.random.random() < .4 else "{{ " + self.expression(3) + " }}"


# ---- rendering ----


def rendered(template, variables):
    v = dict(json.loads(json.dumps(variables)))
    try:
        _compile_jinja_template(template)
    except TypeError:  # a constant that is never reached, such as {[]: 1}: jinja2 fails at once
        return "<Macro", []
    except Exception:
        return None, []
    try:
        text, spans = _render_with_assistant_indices(
            _compile_jinja_template(template), v.pop("messages", None), v.pop("tools", None), v.pop("documents", None),
            v.pop("add_generation_prompt", False), **v)
        json.dumps(text, ensure_ascii=False).encode()
    except Exception:
        return None, []
    return text, [[len(text[:a].encode()), len(text[:b].encode())] for a, b in spans]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--templates", type=Path)
    a = p.parse_args()
    plain = {"messages": None, "tools": None, "documents": None, "add_generation_prompt": False, **VARS}
    cases = []
    if a.templates:
        cases = [case for path in sorted(a.templates.glob("*.jinja")) for case in with_template(path.read_text())]
    elif not a.random:
        cases = [(line.replace("\\n\\n", "\n\n"), plain) for line in OWN.strip("\n").split("\n")]
        cases += [case for template in FAMILIES for case in with_template(template)]
    draw = Random(a.seed)
    cases += [(draw.template(), plain) for _ in range(a.random if a.random or a.templates else 250)]
    for template, variables in cases:
        if re.search(r" at 0x|generator object|dict_(items|keys|values)\(|<(Macro|LoopContext|Undefined)|range\(0", rendered(template, variables)[0] or "", re.I):
            continue  # printed objects: refused
        out, spans = rendered(template, variables)
        case = {"t": template, "out": out}
        if variables is not plain:
            case["v"] = variables
        nested = template.count("endgeneration") > 1 or re.search(r"%[-+]? (filter|macro|call|set y)", template)
        if spans and not nested:  # within those, the places that transformers tells mean nothing
            case["spans"] = spans
        print(json.dumps(case, ensure_ascii=False))
    if not a.templates:
        print(json.dumps({"plain": plain}, ensure_ascii=False))


sys.exit(main())
