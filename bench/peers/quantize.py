#!/usr/bin/env python3
"""What each type of weights costs in perplexity: quantized here and by llama.cpp (through llama-cpp-python) from the same f32 weights.

    bench/peers/quantize.py INKSTONE MODEL TEXT [--types q8_0,q4_0] [--folder DIR] [--evaluate] [--threads N]

MODEL is any model that Inkstone reads. Both programs' files are evaluated by `inkstone eval` on TEXT; with --evaluate, llama.cpp evaluates
the files made here as well, in the windows of `inkstone eval`. Files stay in --folder and are not made again. A line appears when it is known.
"""
import argparse
import ctypes
import json
import math
import os
import subprocess
import sys
import tempfile

import common

NAMES = {"f32": "ALL_F32", "bf16": "MOSTLY_BF16", "f16": "MOSTLY_F16", "q2_k": "MOSTLY_Q2_K", "q3_k": "MOSTLY_Q3_K_M", "q4_k_m": "MOSTLY_Q4_K_M",
         "q5_k": "MOSTLY_Q5_K_M", "q6_k": "MOSTLY_Q6_K", "iq4_nl": "MOSTLY_IQ4_NL", **{t: "MOSTLY_" + t.upper() for t in ("q8_0", "q4_0", "q4_1", "q5_0", "q5_1")}}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("model")
parser.add_argument("text")
parser.add_argument("--types", default="f32,q8_0,q6_k,q5_k,q4_k_m,q4_0,iq4_nl,q4_1,q5_0,q5_1,q3_k,q2_k")
parser.add_argument("--folder")
parser.add_argument("--evaluate", action="store_true")
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
try:
    import gguf
    import llama_cpp
    import numpy as np
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)


def run(*command):
    return subprocess.run([args.inkstone, *map(str, command)], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def evaluate(path):
    return json.loads(run("eval", "-m", path, args.text, "--json", "-q", "--threads", args.threads))


def quantize_there(source, path, kind):
    given = llama_cpp.llama_model_quantize_default_params()
    given.ftype = getattr(gguf.LlamaFileType, NAMES[kind])
    given.nthread = args.threads
    if llama_cpp.llama_model_quantize(source.encode(), path.encode(), ctypes.byref(given)):
        sys.exit(f"llama.cpp does not quantize {source} as {kind}")


def evaluate_there(path):
    """exp of the mean -ln p, in windows as long as the context: targets are the tokens shifted by one."""
    model = common.LlamaCpp(path, args.threads, False, context=CONTEXT, exact_cache=True)
    tokens = json.loads(run("tokenizer", "encode", "-m", path, "--json", open(args.text, encoding="utf-8").read()))
    ids = model.begin() + [t["id"] for t in tokens]
    nats, piece = 0.0, 256
    for first in range(0, len(ids) - 1, CONTEXT):
        window = ids[first:first + CONTEXT + 1]
        model.forget()
        for at in range(0, len(window) - 1, piece):
            given = window[at:min(at + piece, len(window) - 1)]
            logits = model.decode_all(given).astype(np.float64)
            top = logits.max(-1)
            all_ = top + np.log(np.exp(logits - top[:, None]).sum(-1))
            nats += (all_ - logits[np.arange(len(given)), window[at + 1:at + 1 + len(given)]]).sum()
    model.close()
    return math.exp(nats / (len(ids) - 1))


with tempfile.TemporaryDirectory() as scratch:
    folder = args.folder or scratch
    wide = os.path.join(folder, "here-f32.gguf")
    if not os.path.exists(wide):
        run("convert", args.model, wide, "--type", "f32", "-q")
    CONTEXT = json.loads(run("info", "--json", wide))["shape"]["context"]
    exact = None
    for kind in args.types.split(","):
        here, there = (os.path.join(folder, f"{who}-{kind}.gguf") for who in ("here", "there"))
        if not os.path.exists(here):
            run("convert", wide, here, "--type", kind, "-q")
        if not os.path.exists(there) and kind != "f32":
            common.quiet_llama_cpp()
            quantize_there(wide, there, kind)
        ours = evaluate(here)["perplexity"]
        exact = exact or ours
        line = f"{kind:7} here {ours:8.4f} ({100 * (ours / exact - 1):+.3f} %)"
        if kind != "f32":
            theirs = evaluate(there)["perplexity"]
            line += f"   llama.cpp's file {theirs:8.4f} ({100 * (theirs / exact - 1):+.3f} %), ours {100 * (ours / theirs - 1):+.3f} %"
        if args.evaluate:
            other = evaluate_there(here)
            line += f"   ours evaluated by llama.cpp {other:8.4f} ({100 * (ours / other - 1):+.3f} %)"
        print(line, flush=True)
