#!/usr/bin/env python3
"""Quantized decoders: Inkstone against llama.cpp on the same GGUF files, at equal contexts, run alternately.

    bench/peers/decoders.py INKSTONE [--model MODEL] [--types bf16,q8_0,q4_0,q4_k_m] [--prompt 512] [--new 64] [--rounds 3] [--threads 2] [--json]

MODEL is converted to each type by `inkstone convert`; without it, random weights in the shape of Qwen2.5-0.5B are. Both programs read the
prompt, then write behind it, one sequence, without sampling; each measurement is a process of its own, and both may run on the same
processors only. Of each round the better of llama.cpp's two (with and without flash attention) counts; its KV cache is f16, the default,
ours f32. Ratios are those of the medians over rounds. Ceilings are measured by `inkstone bench machine` in the same run; the share of the
memory bandwidth counts the bytes of the weights only.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import common

QWEN2 = {"arch": "qwen2", "layers": 24, "width": 896, "heads": 14, "kv-heads": 2, "ffn": 4864, "vocab": 151936, "context": 2048}
TARGETS = {"bf16": (1.3, 1.2), "q8_0": (2, 1.25), "q4_0": (2, 1.4), "q4_k_m": (1.5, 1.2)}  # of prompt and writing, times llama.cpp
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("--model")
parser.add_argument("--types", default="bf16,q8_0,q4_0,q4_k_m")
parser.add_argument("--prompt", type=int, default=512)
parser.add_argument("--new", type=int, default=64)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--json", action="store_true")
parser.add_argument("--theirs", nargs=2, help=argparse.SUPPRESS)  # a file and whether to use flash attention: one measurement
args = parser.parse_args()


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE).stdout


# ---- one measurement each ----

def theirs_here(path, flash):
    model = common.LlamaCpp(path, args.threads, int(flash), context=(args.prompt + args.new + 255) // 256 * 256)
    vocabulary = model.library.llama_vocab_n_tokens(model.library.llama_model_get_vocab(model.model))
    ids = [(i * 7919 + 11) % vocabulary for i in range(args.prompt + args.new)]
    read, write = [], []
    for _ in range(4):  # the first warms up
        model.forget()
        start = time.perf_counter()
        model.decode(ids[:args.prompt])
        middle = time.perf_counter()
        for i in range(args.prompt, args.prompt + args.new):
            model.decode(ids[i:i + 1])
        read.append(middle - start)
        write.append(time.perf_counter() - middle)
    print(json.dumps({"prompt": args.prompt / statistics.median(read[1:]), "writing": args.new / statistics.median(write[1:])}))


def theirs(path):
    both = [json.loads(run(sys.executable, __file__, args.inkstone, "--prompt", args.prompt, "--new", args.new, "--threads", args.threads,
                           "--theirs", path, flash)) for flash in (0, 1)]
    return {work: max(each[work] for each in both) for work in both[0]}


def ours(path):
    time.sleep(0.3)  # the threads of a peer spin for a while
    result = json.loads(run(args.inkstone, "bench", "generate", "--weights", path, "--prompt-tokens", args.prompt, "--new-tokens", args.new,
                            "--repeats", 3, "--threads", args.threads, "--json", "-q"))
    return {"prompt": result["prompt_tokens_per_second"], "writing": result["new_tokens_per_second"], "bytes": result["weight_bytes"],
            "share": result["new_share_of_memory_bandwidth"]}


def machine():
    return json.loads(run(args.inkstone, "bench", "machine", "--threads", args.threads, "--json", "-q"))


# ---- the table ----

def compare(source, kind, folder):
    path = os.path.join(folder, kind + ".gguf")
    run(args.inkstone, "convert", source, path, "--type", kind, "-q")
    own, other = [], []
    for _ in range(args.rounds):
        own.append(ours(path))
        other.append(theirs(path))
    os.remove(path)
    middle = lambda rows, key: statistics.median(row[key] for row in rows)
    return [{"type": kind, "work": work, "ours": middle(own, work), "theirs": middle(other, work), "ratio": middle(own, work) / middle(other, work),
             "target": target, "share": middle(own, "share") if work == "writing" else None, "bytes": own[0]["bytes"],
             "ours_each": [row[work] for row in own], "theirs_each": [row[work] for row in other]}
            for work, target in zip(("prompt", "writing"), TARGETS.get(kind, (None, None)))]


def print_table(rows, ceilings):
    print(f"{args.threads} threads, {ceilings['isa']}; memory {ceilings['memory_bytes_per_second'] / 1e9:.0f} GB/s, operations per second: f32 "
          f"{ceilings['peak_flops_per_second'] / 1e9:.0f} G, bf16 {ceilings['peak_bf16_flops_per_second'] / 1e9:.0f} G, int8 "
          f"{ceilings['peak_int8_operations_per_second'] / 1e9:.0f} G\n{common.version(args.inkstone)}; {common.llama_cpp_version()}\n")
    print(f"| type | work, {args.prompt} + {args.new} tokens | Inkstone, tokens/s | llama.cpp | ratio | target | of the memory bandwidth |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        share = f"{100 * row['share']:.0f} %" if row["share"] else ""
        print(f"| {row['type']} | {row['work']} | {row['ours']:.0f} | {row['theirs']:.0f} | {row['ratio']:.2f} | {row['target'] or ''} | {share} |")


os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:args.threads])
if args.theirs:
    theirs_here(*args.theirs)
    sys.exit()
with tempfile.TemporaryDirectory() as folder:
    source = args.model
    if not source:
        source = os.path.join(folder, "random")
        common.write_directory(source, "bf16", QWEN2)
    before = machine()
    rows = [row for kind in args.types.split(",") for row in compare(source, kind, folder)]
if args.json:
    print(json.dumps({"machine": before, "rows": rows, "inkstone": common.version(args.inkstone), "llama.cpp": common.llama_cpp_version()}, indent=2))
else:
    print_table(rows, before)
