#!/usr/bin/env python3
"""Byte-level BPE: Inkstone against Hugging Face tokenizers on the same text, run alternately.

    bench/peers/bpe.py INKSTONE [TEXT] [--vocab 8257] [--tokenizer TOKENIZER.json] [--rounds 3] [--threads N]

Without TEXT: 100 MB of this Python's installed files (*.py, *.pyi, *.md, *.rst, *.txt). Each non-empty line is a text.

With --vocab: training with that many tokens (8,257: the bytes, the end token and 8,000 merges). Inkstone runs as `inkstone tokenizer train`,
timed from outside, including start, reading and writing. The peer is a separate process whose clock runs only while it trains, with the lines
in memory in lists of 10,000, which is faster. Both split words with Inkstone's pattern, taken from its tokenizer.json, and both break ties
between pairs by the smaller ids, so the merges are compared; they may differ in the order of equal counts, because Inkstone counts words of
more than 48 bytes in parts. The peer is also measured with its own GPT-2 pattern, which favours it. Memory is the peak resident set: of
Inkstone the whole process including the text, of the peer without what it used before training.

With --tokenizer: encoding with all threads, by the peer with encode_batch_fast (Rust, rayon), which omits offsets. All ids are compared.
Inkstone runs as bench_tokenize in the build directory of INKSTONE (`ninja -C build/release bench_tokenize`), without reading the file. The
best of each counts.
"""
import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("text", nargs="?")
parser.add_argument("--tokenizer")
parser.add_argument("--vocab", type=int, default=0, help="0: 8257 without --tokenizer")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--theirs", help=argparse.SUPPRESS)  # one measurement, in a separate process
args = parser.parse_args()
os.environ.update(RAYON_NUM_THREADS=str(args.threads), TOKENIZERS_PARALLELISM="true")

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers


def made_text(path, size=100_000_000):
    """Writes source code and documentation from the Python installation."""
    found = []
    for root in sorted({sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")}):
        for folder, folders, names in os.walk(root):
            folders.sort()
            found += [os.path.join(folder, n) for n in sorted(names) if n.endswith((".py", ".pyi", ".md", ".rst", ".txt"))]
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for name in found:
            try:
                size -= out.write(open(name, encoding="utf-8").read().replace("\0", "") + "\n")
            except (UnicodeDecodeError, OSError):
                continue
            if size <= 0:
                break


def read_lines():
    with open(args.text, encoding="utf-8", newline="\n") as file:
        return [line for line in file.read().split("\n") if line]


def tell(what, size, our_seconds, their_seconds, rest):
    print(f"{what}: Inkstone {size / our_seconds / 1e6:.2f} MB/s, tokenizers {tokenizers.__version__} {size / their_seconds / 1e6:.2f} MB/s; "
          f"ratio {their_seconds / our_seconds:.2f}; {rest}", flush=True)


# ---- training ----

def run(command):
    """Runs a command; returns its output, seconds, and peak resident set in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return out, time.perf_counter() - start, usage.ru_maxrss * 1024


def peak(forget=False):
    """The peak resident set of this process in bytes; `forget` resets it first."""
    if forget:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with open("/proc/self/status") as file:
        return 1024 * int(next(line for line in file if line.startswith("VmHWM")).split()[1])


def learn_theirs(pattern_of, path):
    """Trains, saves the tokenizer to `path`, and prints seconds and memory as JSON. pattern_of: a tokenizer.json, or "gpt2"."""
    theirs = Tokenizer(models.BPE())
    own = pattern_of == "gpt2"
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False) if own else Tokenizer.from_file(pattern_of).pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=args.vocab, special_tokens=["<|endoftext|>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    lines = read_lines()
    batches = [lines[i:i + 10000] for i in range(0, len(lines), 10000)]
    before = peak(forget=True)
    start = time.perf_counter()
    theirs.train_from_iterator(batches, trainer)
    seconds = time.perf_counter() - start
    theirs.save(path)
    print(json.dumps({"seconds": seconds, "memory": peak() - before}))


def merges(path):
    found = json.load(open(path, encoding="utf-8"))["model"]["merges"]
    return [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in found]


def learn(folder):
    mine, other = os.path.join(folder, "ours.json"), os.path.join(folder, "theirs.json")
    our_best, our_memory = 1e9, 0
    best = {}
    for _ in range(args.rounds):
        _, seconds, memory = run([args.inkstone, "tokenizer", "train", args.text, "-o", mine, "--tokenizer", "bpe", "--vocab", args.vocab,
                                  "--documents", "line", "--holdout", 0, "--threads", args.threads, "-q"])
        our_best, our_memory = min(our_best, seconds), max(our_memory, memory)
        for pattern in (mine, "gpt2"):
            out, _, _ = run([sys.executable, __file__, args.inkstone, args.text, "--vocab", args.vocab, "--threads", args.threads,
                             "--theirs", json.dumps([pattern, other if pattern == mine else os.devnull])])
            found = json.loads(out)
            best[pattern] = min(best.get(pattern, found), found, key=lambda r: r["seconds"])
    ours, theirs = merges(mine), merges(other)
    count = min(len(ours), len(theirs))
    placed = sum(ours[i] == theirs[i] for i in range(count))
    same = f"{len(set(ours[:count]) & set(theirs[:count]))} of {count} merges are the same, {placed} at the same index"
    size = os.path.getsize(args.text)
    for pattern, found in best.items():
        tell(f"training {args.vocab} tokens, tokenizers with {'the same pattern' if pattern == mine else 'its own GPT-2 pattern'}", size, our_best,
             found["seconds"], f"{our_best:.2f} s and {our_memory / 1e6:.0f} MB against {found['seconds']:.2f} s and {found['memory'] / 1e6:.0f} MB"
             + (f"; {same}" if pattern == mine else ""))


# ---- encoding ----

def digest(encodings):
    """FNV-1a over all ids, as in bench_tokenize."""
    value = 14695981039346656037
    for encoding in encodings:
        for i in encoding.ids:
            value = (value ^ i) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def encode(lines):
    program = os.path.join(os.path.dirname(args.inkstone), "bench", "bench_tokenize")
    theirs = Tokenizer.from_file(args.tokenizer)
    our_best, their_best = {"seconds": 1e9}, 1e9
    for _ in range(args.rounds):
        our_best = min(our_best, json.loads(run([program, "encode", args.tokenizer, args.text, args.threads, 3])[0]), key=lambda r: r["seconds"])
        start = time.perf_counter()
        encodings = theirs.encode_batch_fast(lines, add_special_tokens=False)
        their_best = min(their_best, time.perf_counter() - start)
    same = digest(encodings) == our_best["digest"]
    tell(f"encoding, {os.path.basename(os.path.dirname(args.tokenizer))}", our_best["bytes"], our_best["seconds"], their_best,
         "all ids equal" if same else "THE IDS DIFFER")
    return same


if not args.vocab and not args.tokenizer:
    args.vocab = 8257
if args.theirs:
    learn_theirs(*json.loads(args.theirs))
    sys.exit()
ok = True
with tempfile.TemporaryDirectory() as folder:
    if not args.text:
        args.text = os.path.join(folder, "text")
        made_text(args.text)
    version = subprocess.run([args.inkstone, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{os.path.getsize(args.text) / 1e6:.1f} MB, {args.threads} threads; {version}; tokenizers {tokenizers.__version__}, "
          f"Python {sys.version.split()[0]}", flush=True)
    if args.tokenizer:
        ok = encode(read_lines())
    if args.vocab:
        learn(folder)
sys.exit(0 if ok else 1)
