#!/usr/bin/env python3
"""generation_config.json as transformers reads it: the same texts without a flag, or a refusal by name. Development only.

    test_generation.py INKSTONE      exit 1 where something differs, 77 where transformers or torch is absent
"""
import json
import os
import shutil
import subprocess
import sys

from peer import check, failed, inkstone

try:
    import torch
    from transformers import (AutoTokenizer, BartConfig, BartForConditionalGeneration, GPT2Config, GPT2LMHeadModel, LlamaConfig,
                              LlamaForCausalLM, MarianConfig, MarianMTModel)
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.manual_seed(11)
torch.set_num_threads(1)
SENTENCES = ["one red cat sees a house", "two blue dog", "红 house sees 猫"]
with open("text", "w", encoding="utf-8") as out:
    for i in range(300):
        print("one red cat sees a house, two blue dogs see", i % 17, "红猫看见房子", "." * (i % 3), file=out)


def run(*command, status=0):
    result = subprocess.run([inkstone, *map(str, command)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if result.returncode != status:
        print(f"DIFFERENT: inkstone {' '.join(map(str, command))}: exit status {result.returncode}\n{result.stderr}")
        failed.append(command[0])
    return result


run("tokenizer", "train", "text", "-o", "tokenizer.json", "--tokenizer", "bpe", "--vocab", 300)


def saved(name, model, end_bias):
    os.makedirs(name)
    shutil.copy("tokenizer.json", name)
    with open(f"{name}/tokenizer_config.json", "w") as out:
        json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "clean_up_tokenization_spaces": False}, out)
    tokenizer = AutoTokenizer.from_pretrained(name)
    for p in model.parameters():  # far from uniform, so that every part of the network shows
        torch.nn.init.normal_(p, std=0.4) if p.dim() > 1 else p.data.add_(torch.randn_like(p) * 0.2)
    if model.config.is_encoder_decoder:
        model.final_logits_bias.normal_()
        model.final_logits_bias[0, model.config.eos_token_id] += end_bias
        for i in range(SIZE):  # pieces of characters would look alike
            if "\ufffd" in tokenizer.decode([i]):
                model.final_logits_bias[0, i] -= 30
    model.eval().save_pretrained(name)
    return model, tokenizer


def says(name, model, values, into="generation_config.json"):
    """The directory asks for these values; as does the model."""
    with open(f"{name}/generation_config.json", "w") as out:
        json.dump(values, out)
    if into == "config.json":
        os.remove(f"{name}/generation_config.json")
        config = json.load(open(f"{name}/config.json"))
        json.dump({**config, **values}, open(f"{name}/config.json", "w"))
        model = type(model).from_pretrained(name)
        json.dump(config, open(f"{name}/config.json.before", "w"))
        return model
    return type(model).from_pretrained(name)


def until_end(ids, ends):
    for i, token in enumerate(ids):  # padding follows, which is a token like others here
        if token in (ends if isinstance(ends, list) else [ends]):
            return ids[:i]
    return ids


def translated(name, model, tokenizer, values, into="generation_config.json"):
    values = {"decoder_start_token_id": model.config.decoder_start_token_id, "eos_token_id": model.config.eos_token_id, "pad_token_id": PAD,
              **values}
    model = says(name, model, values, into)
    beams = values["num_beams"]
    for sentence in SENTENCES:
        source = tokenizer(sentence, add_special_tokens=False)["input_ids"] + [END]
        theirs = model.generate(torch.tensor([source]), num_return_sequences=beams, return_dict_in_generate=True, output_scores=True)
        texts = [tokenizer.decode(until_end(row.tolist()[1:], values["eos_token_id"]), skip_special_tokens=True) for row in theirs.sequences]
        lines = [json.loads(line) for line in run("translate", "-m", name, sentence, "--json", "--n-best", beams, "-q").stdout.splitlines()]
        mine = [line["text"] for line in lines]
        label = f"{name} {into if into[0] == 'c' else ''} {values} {sentence!r}"
        if mine != texts:
            check(label, False, f"\n  {mine}\n  {texts}")
        elif beams > 1:
            worst = max(abs(line["score"] - score.item()) for line, score in zip(lines, theirs.sequences_scores))
            check(label, worst < 1e-3, f"{worst:.3g}")
        else:
            check(label, True)
    if into == "config.json":
        shutil.move(f"{name}/config.json.before", f"{name}/config.json")


def written(name, model, tokenizer, values):
    values = {"do_sample": False, "eos_token_id": END, "pad_token_id": END, **values}
    model = says(name, model, values)
    for sentence in SENTENCES:
        prompt = tokenizer(sentence, add_special_tokens=False)["input_ids"]
        # a text of its own begins behind an end in our models, and theirs where nothing says how it does
        line = json.loads(run("write", "-m", name, "--json", "-q", sentence).stdout)
        if line["prompt_tokens"] == len(prompt) + 1:
            prompt = [END] + prompt
        row = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long))[0, len(prompt):].tolist()
        mine = [token["id"] for token in line["tokens"] if token["id"] >= 0]
        row = until_end(row, values["eos_token_id"])
        check(f"{name} {values} {sentence!r}", mine == row, "" if mine == row else f"\n  {mine}\n  {row}")


vocabulary = json.load(open("tokenizer.json"))["model"]["vocab"]
SIZE = 300
END = next(t["id"] for t in json.load(open("tokenizer.json"))["added_tokens"] if t["content"] == "<|endoftext|>")
PAD = SIZE - 1 if END != SIZE - 1 else SIZE - 2
shape = dict(vocab_size=SIZE, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=2,
             encoder_ffn_dim=48, decoder_ffn_dim=40, max_position_embeddings=64, eos_token_id=END, pad_token_id=PAD,
             decoder_start_token_id=PAD, bos_token_id=None, forced_eos_token_id=None)
marian = saved("marian", MarianMTModel(MarianConfig(**shape, activation_function="silu")), 3)
bart = saved("bart", BartForConditionalGeneration(BartConfig(**shape)), 3)
SEARCHES = [
    dict(max_new_tokens=20, early_stopping=True), dict(max_new_tokens=20), dict(max_new_tokens=20, early_stopping="never", length_penalty=2.0),
    dict(max_new_tokens=20, length_penalty=-1.0), dict(max_new_tokens=20, length_penalty=0.0, early_stopping="never"), dict(max_length=9),
    dict(max_length=9, max_new_tokens=4), dict(max_length=14, min_length=9), dict(max_new_tokens=14, min_new_tokens=9),
    dict(max_length=14, repetition_penalty=1.8), dict(max_length=14, repetition_penalty=0.6), dict(max_length=20, no_repeat_ngram_size=2),
    dict(max_length=14, bad_words_ids=[[PAD]]), dict(max_length=14, bad_words_ids=[[PAD], [END], list(range(5, 7)), [66], [67]]),
    dict(max_length=14, suppress_tokens=list(range(40, 160))), dict(max_length=14, begin_suppress_tokens=list(range(20, 290))),
    dict(max_length=14, forced_bos_token_id=77), dict(max_length=8, forced_eos_token_id=END),
    dict(max_length=8, forced_bos_token_id=77, forced_eos_token_id=END, begin_suppress_tokens=list(range(20, 290))),
    dict(max_length=30, exponential_decay_length_penalty=[3, 1.3]), dict(max_length=30, min_length=12, exponential_decay_length_penalty=[2, 1.5]),
    dict(max_length=20, eos_token_id=[END, *range(60, 90)][:16]), dict(max_length=20, eos_token_id=[70, END, 75], min_length=6, early_stopping=True),
    dict(max_length=20, bad_words_ids=[[PAD], [70]], renormalize_logits=True, no_repeat_ngram_size=1, forced_eos_token_id=END),
]
for values in SEARCHES:
    for beams in (1, 3):
        translated("marian", *marian, {**values, "num_beams": beams})
for values in SEARCHES[5:18:4]:
    translated("bart", *bart, {**values, "num_beams": 2})
# Older directories have these keys in config.json; where there is a generation_config.json they are without effect.
translated("bart", *bart, dict(max_length=9, num_beams=2, no_repeat_ngram_size=2, bad_words_ids=[[PAD], [70]]), into="config.json")

llama = saved("llama", LlamaForCausalLM(LlamaConfig(vocab_size=SIZE, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                                                    num_attention_heads=4, max_position_embeddings=96, bos_token_id=None, eos_token_id=END)), 0)
gpt2 = saved("gpt2", GPT2LMHeadModel(GPT2Config(vocab_size=SIZE, n_embd=32, n_layer=2, n_head=4, n_positions=96, bos_token_id=None,
                                                eos_token_id=END)), 0)
for values in [dict(max_new_tokens=12), dict(max_length=30), dict(max_new_tokens=20, repetition_penalty=1.7),
               dict(max_new_tokens=20, no_repeat_ngram_size=2), dict(max_new_tokens=20, bad_words_ids=[[66], [67], [5, 6]]),
               dict(max_new_tokens=20, suppress_tokens=list(range(40, 200))), dict(max_new_tokens=9, begin_suppress_tokens=list(range(290))),
               dict(max_new_tokens=30, exponential_decay_length_penalty=[2, 3.0]), dict(max_new_tokens=6, forced_eos_token_id=END),
               dict(max_new_tokens=30, min_new_tokens=20, exponential_decay_length_penalty=[2, 3.0]),
               dict(max_length=40, eos_token_id=[END, *range(60, 70)], min_new_tokens=3),
               dict(max_length=40, min_length=35, exponential_decay_length_penalty=[2, 3.0])]:
    written("llama", *llama, values)
    written("gpt2", *gpt2, values)

# A reply counts the tokens of its prompt, where a decoder reads it, as `write` does and as transformers does.
TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}<|endoftext|>{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"


def replied(name, model, values):
    with open(f"{name}/tokenizer_config.json") as stored:
        config = {**json.load(stored), "chat_template": TEMPLATE}
    with open(f"{name}/tokenizer_config.json", "w") as out:
        json.dump(config, out)
    tokenizer = AutoTokenizer.from_pretrained(name)
    values = {"eos_token_id": END, "pad_token_id": PAD, **values}
    model = says(name, model, values)
    for sentence in SENTENCES:
        prompt = tokenizer.apply_chat_template([{"role": "user", "content": sentence}], add_generation_prompt=True, tokenize=True, return_dict=False)
        beams = values.get("num_beams", 1)
        out = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), num_return_sequences=beams)
        texts = [tokenizer.decode(until_end(row.tolist()[len(prompt):], values["eos_token_id"]), skip_special_tokens=True) for row in out]
        texts = [text.encode("utf-8", "replace").decode() for text in texts]
        lines = [json.loads(line) for line in run("reply", "-m", name, sentence, "--json", "-q", *(["--n-best", beams] if beams > 1 else [])).stdout.splitlines()]
        mine = [line["text"] for line in lines]
        check(f"{name} reply {values} {sentence!r}", mine == texts, "" if mine == texts else f"\n  {mine}\n  {texts}")


for model, _ in (llama, gpt2):
    for beams in (1, 3):
        for values in (dict(no_repeat_ngram_size=2), dict(no_repeat_ngram_size=1), dict(repetition_penalty=1.7), dict(min_new_tokens=12),
                       dict(max_length=60, min_length=45), dict(bad_words_ids=[[66], [67], [5, 6]]), dict(bad_words_ids=[[70]]),
                       dict(suppress_tokens=list(range(40, 160))), dict(begin_suppress_tokens=list(range(20, 290)))):
            replied("llama" if model is llama[0] else "gpt2", model, {**({} if "max_length" in values else dict(max_new_tokens=16)), **values, "num_beams": beams})
    # what is forbidden is not drawn, and ends no text
    replied("llama" if model is llama[0] else "gpt2", model, dict(do_sample=True, top_k=1, max_new_tokens=16, bad_words_ids=[[70]]))
    replied("llama" if model is llama[0] else "gpt2", model, dict(do_sample=True, top_k=1, max_new_tokens=16, bad_words_ids=[list(range(71, 72))]))

# BART begins with the token that ends: n-grams of one then forbid the end.
same = saved("same", BartForConditionalGeneration(BartConfig(**{**shape, "decoder_start_token_id": END})), 6)
for beams in (1, 2):
    for size in (1, 2):
        for forced in ({}, dict(forced_eos_token_id=END)):
            translated("same", *same, dict(num_beams=beams, max_length=14, no_repeat_ngram_size=size, bad_words_ids=[[PAD]], **forced))

# Drawn texts come from what the file leaves to choose from.
model, tokenizer = llama
for values, most in ((dict(top_k=3, temperature=2.0), 3), (dict(), 50), (dict(top_p=0.3, top_k=0), None), (dict(min_p=0.01), None),
                     (dict(typical_p=0.2), None), (dict(typical_p=0.3, min_p=0.2, top_k=0), None)):
    values = {"do_sample": True, "max_new_tokens": 1, "eos_token_id": END, **values}
    says("llama", model, values)
    prompt = [END] + tokenizer(SENTENCES[0], add_special_tokens=False)["input_ids"]
    lines = run("write", "-m", "llama", "--json", "-q", "-n", 400, SENTENCES[0]).stdout.splitlines()
    drawn = {json.loads(line)["tokens"][0]["id"] for line in lines}
    if json.loads(lines[0])["prompt_tokens"] != len(prompt):
        prompt = prompt[1:]
    out = type(model).from_pretrained("llama").generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                                                        output_scores=True, return_dict_in_generate=True)
    allowed = {i for i, score in enumerate(out.scores[0][0].tolist()) if score > -1e30}
    check(f"drawn {values}", drawn <= allowed and len(drawn) > 1 and (not most or len(allowed) == most), f"{len(drawn)} of {len(allowed)}")

print("failed:", failed or "nothing")
sys.exit(1 if failed else 0)
