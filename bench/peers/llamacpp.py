#!/usr/bin/env python3
"""Reading a prompt and generating: Inkstone against llama.cpp (through llama-cpp-python), in the same shape, run alternately.

    bench/peers/llamacpp.py INKSTONE [--types f32,bf16] [--prompt 512] [--new 64] [--rounds 3] [--threads N] [--json]

Random weights in the shape of SmolLM2-135M; one sequence. Settings favour llama.cpp: its C functions called with ids, no sampling, logits of
the last position only, the prompt in one batch, weights in memory before the clock starts, a warm-up run, and the better of flash attention
and none. Its KV cache is f16, the default. Each is measured in a separate process (Inkstone by `inkstone bench generate`). The best of each
counts. Build llama-cpp-python for this processor: CMAKE_ARGS=-DGGML_NATIVE=ON pip install.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import common

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("--types", default="f32,bf16")
parser.add_argument("--prompt", type=int, default=512)
parser.add_argument("--new", type=int, default=64)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--json", action="store_true")
parser.add_argument("--theirs", nargs=2, help=argparse.SUPPRESS)  # a file and whether to use flash attention: one measurement, in a separate process
args = parser.parse_args()


def measure_theirs(path, flash):
    model = common.LlamaCpp(path, args.threads, int(flash), context=(args.prompt + args.new + 255) // 256 * 256)
    ids = [(i * 7919 + 11) % common.SHAPE["vocab"] for i in range(args.prompt + args.new)]
    for count in (8, args.new):  # the first warms up
        model.forget()
        start = time.perf_counter()
        model.decode(ids[:args.prompt])
        read = time.perf_counter()
        for i in range(args.prompt, args.prompt + count):
            model.decode(ids[i:i + 1])
        end = time.perf_counter()
    print(json.dumps({"read": args.prompt / (read - start), "write": args.new / (end - read)}))


def theirs(path):
    """Without and with flash attention."""
    for flash in (0, 1):
        command = [sys.executable, __file__, args.inkstone, "--prompt", args.prompt, "--new", args.new, "--threads", args.threads,
                   "--theirs", path, flash]
        yield json.loads(subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE).stdout)


def compare(kind, folder):
    path = os.path.join(folder, kind + ".gguf")
    common.write_gguf(path, kind)
    precision = kind if kind == "f32" or common.knows_precision(args.inkstone) else "f32"
    own, other = [], []
    for _ in range(args.rounds):
        own.append(common.generate(args.inkstone, args.prompt, args.new, args.threads, precision))
        other += theirs(path)
    os.remove(path)
    rows = []
    for work, mine, their, share, of, unit in (
            (f"reading {args.prompt} tokens", "prompt_tokens_per_second", "read", "prompt_share_of_peak", "peak_flops_per_second", "GFLOP/s"),
            (f"writing {args.new} tokens", "new_tokens_per_second", "write", "new_share_of_memory_bandwidth", "memory_bytes_per_second", "GB/s")):
        best = max(own, key=lambda r: r[mine])
        rows.append({"work": work, "ours": best[mine], "our_type": precision, "theirs": max(r[their] for r in other), "their_type": kind,
                     "share": best[share], "of": best[of], "unit": unit, "isa": best["isa"]})
    return rows


if args.theirs:
    measure_theirs(*args.theirs)
    sys.exit()
with tempfile.TemporaryDirectory() as folder:
    rows = [row for kind in args.types.split(",") for row in compare(kind, folder)]
if args.json:
    print(json.dumps({"rows": rows, "inkstone": common.version(args.inkstone), "llama.cpp": common.llama_cpp_version()}, indent=2))
    sys.exit()
print(f"{args.threads} threads, {rows[0]['isa']}, llama of 135M parameters; {common.version(args.inkstone)}; {common.llama_cpp_version()}, "
      f"Python {sys.version.split()[0]}")
for r in rows:
    print(f"{r['work']:20} Inkstone {r['our_type']:4} {r['ours']:7.1f} tokens/s, {100 * r['share']:.0f} % of {r['of'] / 1e9:.0f} {r['unit']}   "
          f"llama.cpp {r['their_type']:4} {r['theirs']:7.1f} tokens/s   {r['ours'] / r['theirs']:.2f} times as fast")
if any(r["our_type"] != r["their_type"] for r in rows):
    print(f"llamacpp.py: Inkstone ran in f32 against bf16, too, because {args.inkstone} bench has no --precision", file=sys.stderr)
