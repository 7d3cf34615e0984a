#!/usr/bin/env python3
"""Write model/chat/testdata/golden.json: chat templates and what transformers renders of them.

    python3 -m venv V && V/bin/pip install -r scripts/golden/chat-requirements.txt
    V/bin/python scripts/golden/chat.py > model/chat/testdata/golden.json

The templates are written for this test, in the ways of the well-known ones.
Each is rendered by transformers' render_jinja_template, so by the environment
that apply_chat_template uses; the clock that strftime_now reads stands still.
"""
import datetime
import json
import sys

from transformers.utils import chat_template_utils


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2025, 3, 7, 16, 5, 9)


chat_template_utils.datetime = Clock

U = {"role": "user", "content": "What is 2 + 3?"}
A = {"role": "assistant", "content": "2 + 3 = 5"}
S = {"role": "system", "content": "Be brief."}
THINK = {"role": "assistant", "content": "<think>\nTwo and three.\n</think>\n\n5"}
U2 = {"role": "user", "content": "  And <b>“doubled” & 'squared'?</b>\n"}
CHATS = {
    "one": [U],
    "system": [S, U],
    "turns": [S, U, A, U2],
    "thinking": [U, THINK, U2, THINK],
    "ends with assistant": [U, A],
    "empty content": [{"role": "user", "content": ""}],
    "non-ascii": [{"role": "user", "content": "é 数学 \U0001f682 \u2028 \x7f \\ \"q\" {{ x }} {% y %}"}],
}
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
TOOL = {"type": "function", "function": {"name": "add", "description": "Adds <two> & \"more\" é",
        "parameters": {"type": "object", "properties": {"b": {"type": "number"}, "a": {"type": "integer"}}, "required": ["b", "a"], "n": 1.5, "e": {}, "l": [], "t": True, "z": None}}}

# Whole templates, in the ways of the well-known families.
FAMILIES = {
    "chatml": """{% for message in messages %}
    {%- if loop.first and message.role != 'system' %}
        {{- '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}
    {%- endif %}
{{- '<|im_start|>' ~ message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{% endfor %}
{% if add_generation_prompt %}
{{ '<|im_start|>assistant\\n' }}
{% endif %}
""",
    "llama3": """{{- bos_token }}
{%- if date_string is not defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined or tools is none %}{%- set tools = none %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
<|start_header_id|>system<|end_header_id|>

{% if tools is not none %}
Tools: {% for t in tools %}{{ t | tojson(indent=4) }}
{% endfor %}
{% endif %}
Today Date: {{ date_string }}

{{ system_message }}<|eot_id|>
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls | length == 1 %}
            {{- raise_exception("only one tool call at once") }}
        {%- endif %}
        {%- set call = message.tool_calls[0].function %}
        {{- '{"name": "' + call.name + '", "parameters": ' + call.arguments | tojson + '}' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "qwen3": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools>{\\"name\\": <name>}<|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" and message.content is string and not (message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.multi_step = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last %}
            {%- if loop.last or (not loop.last and reasoning) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "deepseek-r1": """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, system_prompt='', is_last_user=false) %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_last_user = true -%}{{'<｜User｜>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{%- set ns.is_last_user = false -%}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<｜Assistant｜>' + content + '<｜end｜>'}}{%- endif %}{%- endfor -%}{% if add_generation_prompt and ns.is_last_user %}{{'<｜Assistant｜><think>\\n'}}{% endif %}""",
    "mistral": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must alternate, message " ~ loop.index) }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if system_message is defined and message == user_messages[-1] %}
            {{- "[INST]" + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- else %}
        {{- " " + message["content"] | trim + eos_token }}
    {%- endif %}
{%- endfor %}
""",
    "gemma": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '
' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {{ item.text | trim }}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
""",
    "macro": """{%- macro turn(role, content, open=false) -%}
    <{{ role | upper }}>{{ content }}{% if not open %}</{{ role | upper }}>
{% endif %}
{%- endmacro -%}
{% for m in messages %}{{ turn(m.role, m.content | trim, open=loop.last and not add_generation_prompt) }}{% endfor %}
{% if add_generation_prompt %}{{ turn('assistant', '', true) }}{% endif %}
""",
    "generation": """{% for m in messages %}
{% if m.role == 'assistant' %}
A: {% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}

{% else %}
{{ m.role | title }}: {{ m.content }}
{% endif %}
{% endfor %}""",
}

# Single constructs: white space, expressions, filters, tests, methods.
PIECES = {
    "lstrip": "a\n  {% if true %}\n  b\n  {% endif %}\nc {% if true %} d {% endif %} e\n",
    "lstrip inline": "{{ 'x' }} {% if true %} y {% endif %} {{ 'z' }}  {# c #}  w\n",
    "lstrip off": "a\n  {%+ if true %}\n  b\n  {%- endif +%}\nc\n\n",
    "comments": "a\n  {# one\n two #}\nb {#- three -#}  c\n{#+ x +#}\nd",
    "trim output": "a  {{- 'b' -}}  \n c {{ 'd' }}\n\ne\n\n",
    "brace before tag": "a:{\n  {%- if true -%}\n b }{% endif %}{ {{- 'x' -}} }{ {#- c #}}",
    "raw": "{% raw %}{{ not }} {% a %} \"'\\{% endraw %}\nx {%- raw -%}  y {% endraw -%}  z",
    "strings": "{{ 'it\\'s' }}|{{ \"a\\\"b\" }}|{{ '\\x41\\u00e9\\t\\\\n\\d' }}|{{ 'a' \"b\" }}|{{ '{{ %} #}' }}|{{ 'line\nend' }}",
    "none": "{{ none }}|{{ None }}|{{ tools }}|{{ tools is none }}|{{ missing is none }}|{{ missing is defined }}|{{ tools is defined }}|{{ missing }}|{{ none is defined }}|{{ not none }}",
    "booleans": "{{ true }}|{{ True and false }}|{{ 1 == 1.0 }}|{{ 'a' or 'b' }}|{{ '' or 'b' }}|{{ 0 or none }}|{{ not '' }}|{{ true is boolean }}|{{ 1 is boolean }}",
    "conditional": "{{ 'a' if true }}|{{ 'a' if false }}|{{ 'a' if false else 'b' if false else 'c' }}|{{ ('x' if messages|length > 1 else 'y') ~ '!' }}|{{ ['a' if true else 'b', 'c'][0] }}|{{ ('a' if false else none) is none }}|{{ 'p' ~ ('q' if 'user' in messages[0].role else 'r') | upper }}",
    "conditional lazy": "{{ 'fine' if true else raise_exception('no') }}|{{ raise_exception('no') if false else 'fine' }}",
    "conditional set": "{% set a = 'x' if messages[0].role == 'system' else 'y' %}{{ a }}{% set b = {'k': 1 if true else 2, 'l': [3,],} %}{{ b.k }}{{ b['l'] }}",
    "last": "{{ messages[-1].role }}|{{ messages[-1]['content'] }}|{{ (messages | list)[-1].role }}|{{ 'abc'[-1] }}|{{ [1][-1] }}|{{ messages[:-1] | length }}|{{ messages[0:1] | length }}|{{ 'é数x'[1] }}|{{ 'é数x'[::-1] }}|{{ 'abcdef'[1:-1:2] }}",
    "methods": "{{ '  a b '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'ab'.upper().lower() }}|{{ 'hello wORLD it\\'s'.title() }}|{{ 'a-b-c'.split('-', 1) }}|{{ 'a-b-c'.rsplit('-', 1)[0] }}|{{ ' a  b '.split() }}|{{ 'a,b'.replace(',', ';') }}|{{ 'abc'.startswith(('x', 'a')) }}|{{ 'hi'.capitalize() }}|{{ 'a b c'.split(' ')[-1] }}|{{ ','.join(['a', 'b']) }}|{{ 'abc'.find('c') }}|{{ 'aXbX'.count('X') }}|{{ 'ab'.endswith('b') }}|{{ ('a' + 'b').upper() }}|{{ ('a,b' | trim).split(',')[1] }}|{{ 'a\nb'.splitlines() }}|{{ '12'.isdigit() }}",
    "filters": "{{ ' a ' | trim }}|{{ 'a' | upper }}|{{ [1,2,3] | length }}|{{ [3,1,2] | sort }}|{{ [1,2] | join(', ') }}|{{ missing | default('d') }}|{{ none | default('d') }}|{{ '' | default('d', true) }}|{{ [1,2,3] | first }}|{{ [1,2,3] | last }}|{{ 'ab' | replace('a', 'x') }}|{{ '3' | int + 1 }}|{{ [1,2,3] | sum }}|{{ 'ab cd' | title }}|{{ 'ab cd' | capitalize }}|{{ 5 | string ~ 'x' }}|{{ messages | map(attribute='role') | join(',') }}|{{ ['a','b'] | map('upper') | list }}|{{ messages | selectattr('role', 'equalto', 'user') | list | length }}|{{ messages | rejectattr('role', '==', 'user') | list | length }}|{{ [1, none, 2] | select('number') | list }}|{{ ['a', 'a'] | unique | list }}|{{ [1,2,3] | reverse | list }}|{{ 'x' | safe }}|{{ '<a>' | e }}|{{ {'a': 1}.items() | list }}|{{ {'b': 1, 'a': 2} | items | list }}|{{ {'b': 1, 'a': 2} | dictsort }}|{{ 'abc' | list }}|{{ [1,2,3] | max }}|{{ 2.6 | round }}|{{ -3 | abs }}",
    "indent filter": "{{ 'a\nb\n\nc' | indent(2) }}|{{ 'a\nb' | indent(4, true) }}|{{ 'a\nb' | indent('>>') }}",
    "tojson": "{{ messages | tojson }}|{{ tools | tojson }}|{{ tools | tojson(indent=2) }}|{{ [1, 2.0, 1e20, true, none, 'é<>&\\'\"'] | tojson }}|{{ 'é\U0001f682' | tojson(ensure_ascii=true) }}|{{ {'b': {}, 'a': []} | tojson(indent=4, sort_keys=true) }}|{{ [1,{'a': 2}] | tojson(separators=(',', ':')) }}",
    "tests": "{{ 'a' is string }}|{{ 1 is number }}|{{ 1 is integer }}|{{ 1.5 is float }}|{{ {} is mapping }}|{{ [] is sequence }}|{{ 'a' is sequence }}|{{ {} is sequence }}|{{ [] is iterable }}|{{ 3 is odd }}|{{ 4 is even }}|{{ 4 is divisibleby(2) }}|{{ 'a' is not string }}|{{ 1 is sameas 1 }}|{{ 'A' is upper }}|{{ 'a' is lower }}|{{ 'a' is in ['a'] }}|{{ 1 is eq(1) }}|{{ false is false }}|{{ true is true }}|{{ 1 is true }}|{{ none is none and 1 is not none }}|{{ missing is undefined }}|{{ (1 is odd) == true }}",
    "in": "{{ 'a' in 'abc' }}|{{ 'a' not in ['b'] }}|{{ not 'a' in ['a'] }}|{{ 'k' in {'k': 1} }}|{{ 2 in [1, 2] and 'x' or 'y' }}|{{ 'role' in messages[0] }}|{{ 'tool_calls' in messages[0] }}|{{ none in [none] }}",
    "numbers": "{{ 7 // 2 }}|{{ 7 / 2 }}|{{ 7 % 3 }}|{{ 1 + 2 * 3 }}|{{ (1 + 2) * 3 }}|{{ -1 }}|{{ 1.0 }}|{{ 0.1 + 0.2 }}|{{ 4 / 2 }}|{{ 'ab' * 2 }}|{{ 1_000 }}|{{ 3 > 2 }}|{{ 'a' < 'b' }}|{{ 1 != 2 }}",
    "lists": "{{ [1, 'a', none, true, 1.5, {'k': 'v'}] }}|{{ [1] + [2] }}|{{ (1, 2)[0] }}|{{ [1,2] == [1,2] }}|{{ [[1], [2]][1][0] }}|{{ {'a': {'b': 'c'}}.a.b }}|{{ {'a': 1}['a'] }}|{{ {'a': 1}.get('z') }}|{{ {'a': 1}.get('z', 5) }}|{{ {'a': 1}.keys() | list }}|{{ {'a': 1}.values() | list }}|{{ messages[0].missing is defined }}|{{ messages[0]['missing'] }}",
    "loop": "{% for m in messages %}{{ loop.index }}/{{ loop.length }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem.role if loop.previtem is defined else '-' }}{{ loop.nextitem.role if loop.nextitem is defined else '-' }}{{ loop.cycle('a', 'b') }};{% else %}none{% endfor %}",
    "loop filter": "{% for m in messages if m.role != 'system' %}{{ loop.index }}{{ m.role }}{% else %}empty{% endfor %}|{% for x in [] %}{{ x }}{% else %}empty{% endfor %}",
    "loop control": "{% for i in range(6) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}|{% for i in range(2, 8, 3) %}{{ i }}{% endfor %}|{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}",
    "loop dict": "{% for k, v in {'b': 1, 'a': [2]}.items() %}{{ k }}={{ v }};{% endfor %}{% for k in {'b': 1, 'a': 2} %}{{ k }}{% endfor %}{% for k, v in messages[0] | items %}{{ k }}:{{ v }};{% endfor %}{% for a, b in [[1, 2], [3, 4]] %}{{ a + b }};{% endfor %}",
    "scopes": "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}{% set ns = namespace(n=0, t='') %}{% for i in [1, 2, 3] %}{% set ns.n = ns.n + i %}{% set ns.t = ns.t ~ i %}{% endfor %}{{ ns.n }}{{ ns.t }}{{ ns.none is defined }}",
    "set block": "{% set x %}a {{ messages[0].role }}\n{% endset %}[{{ x }}]{% with y = 1, z = 2 %}{{ y + z }}{% endwith %}{% filter upper %}abc{% endfilter %}",
    "macros": "{% macro f(a, b='x', c=none) %}{{ a }}{{ b }}{{ c is none }}{% endmacro %}{{ f(1) }}|{{ f(1, 2) }}|{{ f(b=3, a=4) }}|{{ f('a') | upper }}|{% set r = f(1) ~ '!' %}{{ r }}{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}in{% endcall %}",
    "concat": "{{ 'a' ~ 1 ~ none ~ true ~ 1.5 }}|{{ 'a' + 'b' ~ 'c' }}|{{ 1 ~ 2 }}|{{ messages[0].role ~ ':' ~ messages | length }}",
    "strftime": "{{ strftime_now('%Y-%m-%d %H:%M:%S %A %a %B %b %j %I %p %y %% %-d') }}",
    "nested tags": "{%- for m in messages -%}\n    {%- if m.role == 'user' -%}\n        [{{ m.content }}]\n    {%- elif m.role == 'system' -%}\n        ({{ m.content }})\n    {%- else -%}\n        <{{ m.content }}>\n    {%- endif -%}\n{%- endfor -%}\n",
    "multi-line tags": "{{\n  messages[0].role\n  ~ '\\n'\n}}{% set x = {\n  'a': 1,\n  'b': [\n    2,\n  ],\n} %}\n{{ x.b[0] }}\n{% if x.a == 1\n   and x.b %}yes{% endif %}\n",
    "expression in tag": "{% if messages | length > 1 and messages[1].role in ['assistant', 'user'] %}A{% elif messages[0].content | trim | length == 0 %}B{% else %}C{% endif %}{% if (messages | selectattr('role', 'equalto', 'assistant') | list) %}D{% endif %}{% if messages[0].content.split(' ') | length > 2 %}E{% endif %}",
    "whitespace in output": "{{ '\\n' }}  {{ ' ' }}\n{{- '' }}|\n\n{% if true -%}\n\n x{%- endif %}\n\n\ny\n\n",
    "kwargs of generation": "{{ greeting }}{{ flag }}{{ items[1] }}{{ deep.a.b }}{{ number + 1 }}",
}

# Templates that fail: what is checked is the line and that the message holds the text.
FAILURES = [
    ("raise", "a\n{% for m in messages %}\n  {% if m.role == 'user' %}\n    {{ raise_exception('no users here') }}\n  {% endif %}\n{% endfor %}", 4, "no users here"),
    ("raise lines", "a\n{{ raise_exception('two\\nlines') }}", 2, "two lines"),
    ("raise in macro", "{% macro f(x) %}\n{{ raise_exception('bad ' ~ x) }}\n{% endmacro %}\n\n{{ f('thing') }}", 2, "bad thing"),
    ("raise in conditional", "{# c\nc #}\n\n{{ 'a' if messages | length > 5 else raise_exception('short') }}", 4, "short"),
    ("unclosed if", "a\n{% if true %}\nb\n", None, ""),
    ("unknown tag", "a\n\n{% frobnicate %}\n", 3, "frobnicate"),
    ("unknown filter", "a\n{{ 'x' | frobnicate }}\n", 2, "frobnicate"),
    ("bad expression", "a\n{{ 1 + }}\n", 2, ""),
    ("unclosed tag", "a\nb {{ 'x' \n", None, ""),
    ("attribute of undefined", "a\n\n{{ missing.attribute }}", 3, ""),
    ("undefined in a sum", "a\n{{ 'x' + messages[0].missing }}", 2, "cannot be added"),
    ("None in a sum", "{{ 1 if true }}\n\n{{ tools + 'x' }}", 3, "cannot be added"),
    ("undefined in a longer sum", "{{ 'x' + 'y' | upper + missing | string + missing }}", 1, "cannot be added"),
    ("unclosed string", "a\n{{ 'x }}", 2, ""),
]


def render(template, chat, prompt, variables):
    rendered, _ = chat_template_utils.render_jinja_template(
        conversations=[[dict(m) for m in chat]], chat_template=template, add_generation_prompt=prompt, **TOKENS, **variables)
    return rendered[0]


def case(name, template, chat, prompt, variables):
    row = {"name": name, "template": template, "messages": chat, "add_generation_prompt": prompt, "vars": variables}
    try:
        row["want"] = render(template, chat, prompt, variables)
    except Exception as e:
        row["error"] = str(e)
    return row


def main():
    cases = []
    for name, template in FAMILIES.items():
        for chat, messages in CHATS.items():
            for prompt in (False, True):
                cases.append(case(f"{name}, {chat}, {prompt}", template, messages, prompt, {}))
    cases.append(case("qwen3, no thinking", FAMILIES["qwen3"], [U], True, {"enable_thinking": False}))
    cases.append(case("qwen3, tools", FAMILIES["qwen3"], [S, U], True, {"tools": [TOOL]}))
    cases.append(case("llama3, tools", FAMILIES["llama3"], [S, U], True, {"tools": [TOOL], "date_string": "1 May 2024"}))
    variables = {"greeting": "hi", "flag": True, "items": [1, "two"], "deep": {"a": {"b": None}}, "number": 41}
    for name, template in PIECES.items():
        for chat in ("one", "turns"):
            more = variables if name.startswith("kwargs") else {"tools": [TOOL]} if name == "tojson" else {}
            row = case(f"{name}, {chat}", template, CHATS[chat], False, more)
            assert "want" in row, row
            cases.append(row)
    failures = []
    for name, template, line, message in FAILURES:
        row = case(name, template, [U], False, {})
        assert "error" in row, row
        failures.append({"name": name, "template": template, "line": line, "message": message})
    json.dump({"special": TOKENS, "now": "2025-03-07T16:05:09Z", "cases": cases, "failures": failures}, sys.stdout, ensure_ascii=True, indent=1)
    print()


main()
