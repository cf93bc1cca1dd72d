#!/usr/bin/env python3
"""Learning to reply by the chat template of the base model: the ids that are trained on, the ids whose loss counts, and the format afterwards,
as transformers' apply_chat_template has them. Development only.

    test_chat_training.py INKSTONE      exit 1 where something differs, 77 where transformers or torch is absent
"""
import json
import sys

from peer import call, run

try:
    import jinja2  # noqa: F401  (apply_chat_template needs it)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.set_num_threads(1)
torch.manual_seed(1)
ALTERNATE = "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
# The formats of eight families: special tokens, end token, template. `single`: the last turn is laid out otherwise than earlier ones.
FAMILIES = {
    "chatml": (["<|im_start|>", "<|im_end|>"], "<|im_end|>", False,
               "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{% endif %}{% for m in messages %}{{ '<|im_start|>' + m.role + "
               "'\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"),
    "llama3": (["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], "<|eot_id|>", False,
               "{% for m in messages %}{% if loop.index0 == 0 %}{{ '<|begin_of_text|>' }}{% endif %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + "
               "m.content | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"),
    "mistral": (["<s>", "</s>", "[INST]", "[/INST]"], "</s>", False,
                "<s>{% for m in messages %}" + ALTERNATE + "{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ ' ' + m.content + '</s>' }}"
                "{% endif %}{% endfor %}"),
    "gemma": (["<bos>", "<start_of_turn>", "<end_of_turn>"], "<end_of_turn>", False,
              "<bos>{% for m in messages %}" + ALTERNATE + "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + m.content | trim + "
              "'<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"),
    "zephyr": (["<|user|>", "<|assistant|>", "<|system|>", "</s>"], "</s>", False,
               "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '</s>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"),
    "phi3": (["<|user|>", "<|assistant|>", "<|system|>", "<|end|>"], "<|end|>", False,
             "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}"
             "{% else %}{{ eos_token }}{% endif %}"),
    "qwen3": (["<|im_start|>", "<|im_end|>", "<think>", "</think>"], "<|im_end|>", True,
              "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' and loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
              "{{ m.content + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"),
    "plain": (["</s>"], "</s>", False,  # no special tokens around turns: a token may reach across the prompt's end
              "{% for m in messages %}{% if m.role == 'user' %}{{ 'Q: ' + m.content + '\nA:' }}{% else %}{{ ' ' + m.content + '</s>' }}{% endif %}{% endfor %}"),
}
TALKS = [[("user", "hello 1"), ("assistant", "hello you 1"), ("user", "how are you?"), ("assistant", "fine, 谢谢 3")],
         [("user", " 你好 "), ("assistant", "hello,\n  you")],
         [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e"), ("assistant", "f"), ("user", "not answered")]]


def check(what, good, *shown):
    print("ok:" if good else "DIFFERENT:", what, *shown)
    if not good:
        sys.exit(1)


def messages_of(talk):
    return [{"role": role, "content": text.strip()} for role, text in talk]  # reading drops blanks around turns


def ids_of(tokenizer, messages, prompt):
    return tokenizer.apply_chat_template(messages, add_generation_prompt=prompt, return_dict=False)


def scored(tokenizer, model, end):
    """Number and -ln p of all replies' tokens, each after the prompt for it."""
    count, nats = 0, 0.0
    for messages in map(messages_of, TALKS):
        for i, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before, ids = ids_of(tokenizer, messages[:i], True), ids_of(tokenizer, messages[:i + 1], False)
            assert ids[:len(before)] == before, (before, ids)
            stop = ids.index(end, len(before)) + 1
            with torch.no_grad():
                log_p = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
            count += stop - len(before)
            nats -= sum(log_p[k - 1, ids[k]].item() for k in range(len(before), stop))
    return count, nats


with open("talks.jsonl", "w", encoding="utf-8") as out:
    for talk in TALKS:
        print(json.dumps({"messages": [{"role": role, "content": text} for role, text in talk]}), file=out)
with open("text", "w", encoding="utf-8") as out:
    for i in range(80):
        print(f"hello {i}\nhello you {i % 7}\nQ: how are you?\nA: fine, 谢谢 {i % 5}\n", file=out)
run("train", "write", "text", "-o", "writer", "--layers", 2, "--width", 32, "--heads", 2, "--context", 256, "--batch", 4, "--steps", 20, "--lr",
    0.01, "--tokenizer", "bpe", "--vocab", 320, "--sample-tokens", 0, "--threads", 1, "-q")
for name, (marks, end, single, template) in FAMILIES.items():
    tokenizer = AutoTokenizer.from_pretrained("writer")
    tokenizer.add_special_tokens({"additional_special_tokens": marks, "eos_token": end})
    tokenizer.chat_template = template
    model = AutoModelForCausalLM.from_pretrained("writer", dtype=torch.float32)
    model.resize_token_embeddings(len(tokenizer))
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.2) if p.dim() > 1 else None
    model.config.eos_token_id = model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(name)
    tokenizer.save_pretrained(name)
    options = ("--batch", 4, "--holdout", 0, "--sample-tokens", 0, "--threads", 1)
    told = call("train", "reply", "talks.jsonl", "-o", name + "_talker", "--from", name, "--steps", 8, "--lr", 0.003, *options).stderr
    check(f"{name} is told", "by the model's chat template" in told, told if "template" not in told else "")
    tokenizer = AutoTokenizer.from_pretrained(name + "_talker")
    model = AutoModelForCausalLM.from_pretrained(name + "_talker", dtype=torch.float32).eval()
    check(f"{name} keeps its template", tokenizer.chat_template == template and tokenizer.eos_token == end)
    end_id = tokenizer.convert_tokens_to_ids(end)
    count, nats = scored(tokenizer, model, end_id)
    ours = json.loads(run("eval", "-m", name + "_talker", "talks.jsonl", "--json", "--no-decode", "-q"))
    check(f"{name} scores", ours["tokens"] == count and abs(ours["nats"] - nats) < 1e-3, ours["tokens"], count, ours["nats"], nats)
    reply = json.loads(run("reply", "-m", name + "_talker", "--beam", 1, "--max-tokens", 20, "-q", "--json", "a"))
    start = torch.tensor([ids_of(tokenizer, [{"role": "user", "content": "a"}], True)])
    with torch.no_grad():
        row = model.generate(start, attention_mask=torch.ones_like(start), do_sample=False, num_beams=1, max_new_tokens=20)[0, start.shape[1]:]
    theirs = tokenizer.decode(row, skip_special_tokens=True)
    check(f"{name} replies", reply["text"].strip() == theirs.strip(), repr(reply["text"]), repr(theirs))
    run("train", "reply", "talks.jsonl", "-o", name + "_again", "--from", name + "_talker", "--steps", 1, "--lr", 1e-6, "-q", *options)
    check(f"{name} keeps it again", AutoTokenizer.from_pretrained(name + "_again").chat_template == template)
    again = json.loads(run("eval", "-m", name + "_again", "talks.jsonl", "--json", "--no-decode", "-q"))
    check(f"{name} scores again", again["tokens"] == count)
