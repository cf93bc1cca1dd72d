#!/usr/bin/env python3
"""Byte-level BPE: Inkstone beside Hugging Face tokenizers on the same text, in turns in one run.

    ninja -C build/release bench_tokenize
    bench/peers/bpe.py build/release/bench/bench_tokenize TEXT [--tokenizer TOKENIZER.json] [--vocab 8000] [--rounds 3] [--threads N]

With --tokenizer: encoding, each line a text, by all threads; theirs by encode_batch_fast (Rust, rayon), which leaves out offsets. All ids
are compared. With --vocab: learning so many tokens by the pattern of GPT-2. The best of each counts; reading the file does not.
"""
import argparse
import json
import os
import subprocess
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("bench")
parser.add_argument("text")
parser.add_argument("--tokenizer")
parser.add_argument("--vocab", type=int, default=0)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
os.environ.update(RAYON_NUM_THREADS=str(args.threads), TOKENIZERS_PARALLELISM="true")

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers


def ours(*words):
    out = subprocess.run([args.bench, *map(str, words)], capture_output=True, text=True, check=True).stdout
    return json.loads(out)


def digest(encodings):
    """FNV-1a over all ids, as bench_tokenize makes it."""
    value = 14695981039346656037
    for encoding in encodings:
        for i in encoding.ids:
            value = (value ^ i) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def tell(what, size, our_seconds, their_seconds, rest):
    print(f"{what}: Inkstone {size / our_seconds / 1e6:.2f} MB/s, tokenizers {tokenizers.__version__} {size / their_seconds / 1e6:.2f} MB/s; "
          f"ratio {their_seconds / our_seconds:.2f}; {rest}")


def encode(lines):
    theirs = Tokenizer.from_file(args.tokenizer)
    our_best, their_best = {"seconds": 1e9}, 1e9
    for _ in range(args.rounds):
        our_best = min(our_best, ours("encode", args.tokenizer, args.text, args.threads, 3), key=lambda r: r["seconds"])
        start = time.perf_counter()
        encodings = theirs.encode_batch_fast(lines, add_special_tokens=False)
        their_best = min(their_best, time.perf_counter() - start)
    same = digest(encodings) == our_best["digest"]
    tell(f"encoding, {os.path.basename(os.path.dirname(args.tokenizer))}", our_best["bytes"], our_best["seconds"], their_best,
         "all ids the same" if same else "THE IDS DIFFER")
    return same


def train(lines):
    our_best, their_best = {"seconds": 1e9}, 1e9
    for _ in range(args.rounds):
        our_best = min(our_best, ours("train", args.vocab, args.text, args.threads), key=lambda r: r["seconds"])
        theirs = Tokenizer(models.BPE())
        theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        theirs.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=args.vocab, special_tokens=["<|endoftext|>"], show_progress=False,
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
        start = time.perf_counter()
        theirs.train_from_iterator(lines, trainer)
        their_best = min(their_best, time.perf_counter() - start)
    tell(f"learning {args.vocab} tokens", our_best["bytes"], our_best["seconds"], their_best, f"{args.threads} threads")


with open(args.text, encoding="utf-8") as file:
    lines = [line for line in file.read().split("\n") if line]
print(f"{os.path.getsize(args.text) / 1e6:.1f} MB, {len(lines)} lines, {args.threads} threads, Python {sys.version.split()[0]}")
ok = encode(lines) if args.tokenizer else True
if args.vocab:
    train(lines)
sys.exit(0 if ok else 1)
