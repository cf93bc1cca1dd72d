#!/usr/bin/env python3
"""Sentences a second of a translation model: Inkstone beside PyTorch (transformers' generate) on the same weights, in turns.

    bench/peers/translate.py INKSTONE MODEL LINES [--beams 1,5] [--rounds 3] [--limit N] [--threads N]

MODEL is a directory that both read (--arch marian). PyTorch gets what favours it: sentences sorted by length, the best of several
batch sizes (tried first, not counted), inference mode, all threads. Both write the same texts, which is checked. Ours is timed from
outside, start of the program and reading of the model included; PyTorch's model is loaded before the clock starts.
"""
import argparse
import os
import subprocess
import sys
import time

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")
parser = argparse.ArgumentParser()
parser.add_argument("inkstone")
parser.add_argument("model")
parser.add_argument("lines")
parser.add_argument("--beams", default="1,5")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--limit", type=int, default=0)
parser.add_argument("--batches", default="16,64,256", help="sizes that PyTorch may choose from")
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()

import torch
import transformers
from transformers import AutoTokenizer, MarianMTModel

torch.set_num_threads(args.threads)
model = MarianMTModel.from_pretrained(args.model, dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(args.model)
lines = open(args.lines, encoding="utf-8").read().splitlines()[:args.limit or None]
pad, end = model.config.pad_token_id, model.config.eos_token_id


def theirs(beam, batch):
    ids = [tokenizer(line, add_special_tokens=False)["input_ids"] + [end] for line in lines]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out = [None] * len(ids)
    start = time.perf_counter()
    with torch.inference_mode():
        for at in range(0, len(order), batch):
            part = order[at:at + batch]
            longest = max(len(ids[i]) for i in part)
            source = torch.tensor([ids[i] + [pad] * (longest - len(ids[i])) for i in part])
            mask = torch.tensor([[1] * len(ids[i]) + [0] * (longest - len(ids[i])) for i in part])
            found = model.generate(source, attention_mask=mask, num_beams=beam, do_sample=False, early_stopping=True, max_new_tokens=100,
                                   length_penalty=1.0, no_repeat_ngram_size=0, bad_words_ids=[[pad]])
            for i, row in zip(part, found):
                out[i] = row
    seconds = time.perf_counter() - start
    return seconds, [tokenizer.decode(row, skip_special_tokens=True) for row in out]


def ours(beam):
    text = "\n".join(lines) + "\n"
    time.sleep(0.5)  # PyTorch's threads go on spinning for a while
    start = time.perf_counter()
    result = subprocess.run([args.inkstone, "translate", "-m", args.model, "--beam", str(beam), "--max-tokens", "100", "-q", "--length-penalty",
                             "1", "--threads", str(args.threads)], input=text, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, result.stdout.splitlines()


version = subprocess.run([args.inkstone, "--version"], capture_output=True, text=True).stdout.strip()
print(f"{len(lines)} sentences, {args.threads} threads; {version}; torch {torch.__version__}, transformers {transformers.__version__}, "
      f"Python {sys.version.split()[0]}")
for beam in map(int, args.beams.split(",")):
    sizes = {batch: theirs(beam, batch)[0] for batch in map(int, args.batches.split(","))}
    batch = min(sizes, key=sizes.get)
    best_theirs, best_ours = 1e9, 1e9
    for _ in range(args.rounds):
        seconds, their_texts = theirs(beam, batch)
        best_theirs = min(best_theirs, seconds)
        seconds, our_texts = ours(beam)
        best_ours = min(best_ours, seconds)
    same = sum(a == b for a, b in zip(our_texts, their_texts))
    print(f"beam {beam}: Inkstone {len(lines) / best_ours:.1f} sentences/s, PyTorch {len(lines) / best_theirs:.1f} (batches of {batch}); "
          f"ratio {best_theirs / best_ours:.2f}; {same} of {len(lines)} texts are the same")
