#!/usr/bin/env python3
"""Distillation by tokens beside PyTorch: the loss and both of its parts at each of several updates, computed by transformers'
models of teacher and student and the AdamW of PyTorch. Development only.

    test_distill.py INKSTONE      exit 1 where something differs, 77 where transformers or torch is absent
"""
import json
import os
import random
import sys

from peer import check, failed, run

os.environ["CUDA_VISIBLE_DEVICES"] = ""
try:
    import torch
    import torch.nn.functional as F
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.set_num_threads(1)
MOST, STEPS, RATE, TIME = 2e-5, 4, 2e-3, 32
drawn = random.Random(5)
WORDS = "the film was good bad a day and we it saw house of late".split()


def words(count):
    return " ".join(drawn.choice(WORDS) for _ in range(count))


def ours(directory, name):
    with open(f"{directory}/log.jsonl") as log:
        return [line[name] for line in map(json.loads, log) if "loss" in line]


def divergence(student, teacher, targets, top, temperature):
    """Mean over the targets: of the teacher's `top` likeliest tokens, and of all others as one."""
    p, q = torch.softmax(student / temperature, -1), torch.softmax(teacher / temperature, -1)
    q, ids = q.topk(top, -1)
    p = torch.gather(p, -1, ids)
    if top < student.shape[-1]:
        p, q = (torch.cat([x, 1 - x.sum(-1, keepdim=True)], -1) for x in (p, q))
    each = (torch.xlogy(q, q) - q * p.log()).sum(-1)
    return each[targets >= 0].mean()


def theirs(student, teacher, inputs, targets, weight, temperature, top):
    optimizer = torch.optim.AdamW(student.parameters(), RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=0)
    teacher.eval()
    student.eval()
    history = []
    for _ in range(STEPS):
        logits = student(**inputs).logits
        with torch.no_grad():
            other = teacher(**inputs).logits
        hard = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        soft = divergence(logits.double(), other.double(), targets, top, temperature)
        loss = (1 - weight) * hard + weight * temperature ** 2 * soft
        history.append((loss.item(), hard.item(), soft.item()))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1)
        optimizer.step()
    return history


def compare(name, directory, history, steps=STEPS):
    for i, key in enumerate(("loss", "cross_entropy", "divergence")):
        pairs = list(zip(ours(directory, key), (line[i] for line in history)))[:steps]
        good = len(pairs) == steps and all(abs(a - b) <= MOST * max(1, abs(b)) for a, b in pairs)
        check(f"{name}: {key}", good, f"{pairs}")


COMMON = ["--sample-tokens", 0, "-q", "--holdout", 0, "--dropout", 0, "--context", TIME]
RUN = ["--steps", STEPS, "--lr", RATE, "--schedule", "constant", "--warmup", 0, "--weight-decay", 0]

# Running text of one window.
with open("text.txt", "w") as out:
    out.writelines(words(12) + "\n" for _ in range(40))
run("train", "write", "text.txt", "-o", "teacher", "--layers", 2, "--width", 32, "--heads", 2, "--steps", 20, "--vocab", 300, *COMMON)
run("train", "write", "text.txt", "-o", "student", "--layers", 1, "--width", 16, "--heads", 2, "--steps", 1, "--tokenizer-from", "teacher",
    *COMMON)
tokenizer = AutoTokenizer.from_pretrained("teacher")
with open("window.txt", "w") as out:
    out.write(words(TIME))
ids = tokenizer(open("window.txt").read(), add_special_tokens=False)["input_ids"][:TIME]
with open("window.txt", "w") as out:
    out.write(tokenizer.decode(ids))
for weight, temperature, top in ((0.5, 1, 16), (0.9, 3, 5), (1, 2, 256)):
    directory = f"write-{top}"
    run("train", "write", "window.txt", "-o", directory, "--from", "student", "--teacher", "teacher", "--distill-weight", weight,
        "--distill-temperature", temperature, "--distill-top", top, "--batch", 1, *RUN, *COMMON)
    load = lambda name: AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
    window = torch.tensor([ids + tokenizer.convert_tokens_to_ids(["<|endoftext|>"])])
    history = theirs(load("student"), load("teacher"), {"input_ids": window[:, :TIME]}, window[:, 1:], weight, temperature,
                     min(top, load("teacher").config.vocab_size))
    compare(f"running text, top {top}", directory, history)

# A pair, by models with an encoder.
with open("pairs.tsv", "w") as out:
    out.writelines(f"{words(5)}\t{words(4)}\n" for _ in range(60))
with open("pair.tsv", "w") as out:
    out.write("the film was good\ta day of late\n")
run("train", "translate", "pairs.tsv", "-o", "two", "--arch", "marian", "--layers", 2, "--width", 32, "--heads", 2, "--steps", 20, "--vocab",
    300, *COMMON)
run("train", "translate", "pairs.tsv", "-o", "single", "--arch", "marian", "--layers", 1, "--width", 16, "--heads", 2, "--steps", 1,
    "--tokenizer-from", "two", *COMMON)
run("train", "translate", "pair.tsv", "-o", "translate", "--from", "single", "--teacher", "two", "--distill-top", 7, "--batch", 1, *RUN,
    *COMMON)
tokenizer = AutoTokenizer.from_pretrained("two")
load = lambda name: AutoModelForSeq2SeqLM.from_pretrained(name, dtype=torch.float32)
config = load("two").config
end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
source, target = (tokenizer(text, add_special_tokens=False)["input_ids"] + [end] for text in ("the film was good", "a day of late"))
inputs = {"input_ids": torch.tensor([source]), "decoder_input_ids": torch.tensor([[config.decoder_start_token_id] + target[:-1]])}
# Only before the first update: PyTorch's embedding of the padding token, with which targets begin, does not learn.
compare("a pair", "translate", theirs(load("single"), load("two"), inputs, torch.tensor([target]), 0.5, 1, 7), steps=1)
sys.exit(1 if failed else 0)
