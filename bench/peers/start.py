#!/usr/bin/env python3
"""Time from start to first token: Inkstone against llama.cpp and transformers, in the same shape, run alternately.

    bench/peers/start.py INKSTONE [--types f32,bf16] [--rounds 5] [--threads N] [--json]

Random weights in the shape of SmolLM2-135M and a vocabulary of 49,152 tokens, as a directory (config.json, model.safetensors,
tokenizer.json) for Inkstone and transformers and as a GGUF file for llama.cpp, all in the page cache (read once before). The prompt is "once
upon a time". Inkstone is measured from starting the process `inkstone write` until the first byte of the first token arrives in the pipe. A
peer runs in a separate process whose clock starts after Python and the libraries are loaded, and stops when the first token is chosen: it
includes reading model and tokenizer, and tokenizing and processing the prompt. llama.cpp maps its file and is measured with and without flash
attention; transformers keeps the type of the file. The best of each counts. Peers that are not installed are skipped with a message.
"""
import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import metadata

import common

PROMPT = "once upon a time"
PEERS = {"llama.cpp": ["llama_cpp", "gguf", "numpy"], "transformers": ["torch", "transformers"]}
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("--types", default="f32,bf16")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--json", action="store_true")
parser.add_argument("--theirs", nargs=2, help=argparse.SUPPRESS)  # a peer and its model: one measurement, in a separate process
args = parser.parse_args()


def read_once(folder):
    os.sync()  # finish pending writes
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                while file.read(1 << 24):
                    pass


# ---- one measurement each ----

def ours(folder):
    command = [args.inkstone, "write", "-m", folder, PROMPT, "--continuation", "--greedy", "--ignore-end", "-q", "--threads", str(args.threads)]
    time.sleep(0.2)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
    first = process.stdout.read(1)
    seconds = time.perf_counter() - start
    process.kill()
    process.wait()
    if not first:
        sys.exit("inkstone write printed nothing")
    return seconds


def measure_theirs(peer, model):
    if peer == "transformers":
        import torch
        from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
        torch.set_num_threads(args.threads)
        start = time.perf_counter()
        tokenizer = PreTrainedTokenizerFast.from_pretrained(model)
        network = LlamaForCausalLM.from_pretrained(model, dtype="auto").eval()
        with torch.inference_mode():
            ids = tokenizer(PROMPT, return_tensors="pt", add_special_tokens=False)["input_ids"]
            tokenizer.decode(network(ids, logits_to_keep=1).logits[0, -1].argmax())
    else:
        import numpy
        import llama_cpp  # noqa: F401, loads the library
        start = time.perf_counter()
        network = common.LlamaCpp(model, args.threads, peer.endswith("flash"), mapped=True)
        ids = network.tokenize(PROMPT.encode())
        numpy.ctypeslib.as_array(network.decode(ids), (common.SHAPE["vocab"],)).argmax()
    print(json.dumps({"seconds": time.perf_counter() - start}))


def theirs(peer, model):
    command = [sys.executable, __file__, args.inkstone, "--threads", str(args.threads), "--theirs", peer, model]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["seconds"]


def compare(kind, peers, folder):
    directory, file = os.path.join(folder, kind), os.path.join(folder, kind + ".gguf")
    common.write_directory(directory, kind)
    if "llama.cpp" in peers:
        common.write_gguf(file, kind)
    read_once(folder)
    row = {"type": kind, "ours": 1e9}
    for _ in range(args.rounds):
        row["ours"] = min(row["ours"], ours(directory))
        for peer in peers:
            for way in (["llama.cpp", "llama.cpp flash"] if peer == "llama.cpp" else [peer]):
                row[peer] = min(row.get(peer, 1e9), theirs(way, file if peer == "llama.cpp" else directory))
    return row


if args.theirs:
    measure_theirs(*args.theirs)
    sys.exit()
peers, versions = [], [common.version(args.inkstone)]
for peer, needs in PEERS.items():
    missing = [name for name in needs if not importlib.util.find_spec(name)]
    if missing:
        print(f"start.py: {peer} skipped: {sys.executable} has no {', '.join(missing)}", file=sys.stderr)
        continue
    peers.append(peer)
    if peer == "llama.cpp":
        versions.append(common.llama_cpp_version())
    else:
        versions.append(f"torch {metadata.version('torch')}, transformers {metadata.version('transformers')}")
rows = []
for kind in args.types.split(","):
    with tempfile.TemporaryDirectory() as folder:
        rows.append(compare(kind, peers, folder))
if args.json:
    print(json.dumps({"rows": rows, "versions": versions}, indent=2))
    sys.exit()
print(f"{args.threads} threads, llama of 135M parameters, files in the page cache; {'; '.join(versions)}, Python {sys.version.split()[0]}")
for row in rows:
    print(f"first token, {row['type']:4}  Inkstone {row['ours']:.3f} s"
          + "".join(f"   {p} {row[p]:.3f} s, {row[p] / row['ours']:.2f} times as long" for p in peers))
