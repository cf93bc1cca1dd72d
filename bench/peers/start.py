#!/usr/bin/env python3
"""Time from start to first token: Inkstone against llama.cpp and transformers, in the same shape, run alternately.

    bench/peers/start.py INKSTONE [--types f32,bf16] [--models FILE.gguf,...] [--rounds 7] [--threads N] [--json]

Random weights in the shape of SmolLM2-135M and a vocabulary of 49,152 tokens, as a directory (config.json, model.safetensors,
tokenizer.json) for Inkstone and transformers and as a GGUF file for llama.cpp, all in the page cache (read once before). The prompt is "once
upon a time". Inkstone is measured from starting the process `inkstone write` until the first byte of the first token arrives in the pipe. A
peer runs in a separate process whose clock starts after Python and the libraries are loaded, and stops when the first token is chosen: it
includes reading model and tokenizer, and tokenizing and processing the prompt. llama.cpp maps its file and is measured with and without flash
attention; transformers keeps the type of the file. Medians are compared. Peers that are not installed are skipped with a message.

With --models, these GGUF files are measured instead, against llama.cpp. The memory of both is the largest resident set until 16 tokens are
there, beyond the size of the model's file, including the cache of keys and values; for llama.cpp without what Python had before.
"""
import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata

import common

PROMPT = "once upon a time"
TOKENS = 16  # until memory is measured
PEERS = {"llama.cpp": ["llama_cpp", "gguf", "numpy"], "transformers": ["torch", "transformers"]}
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("--types", default="f32,bf16")
parser.add_argument("--models", help="GGUF files to measure instead, separated by commas")
parser.add_argument("--rounds", type=int, default=7)
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


# ---- one measurement each: seconds, and bytes of memory ----

def resident(key):
    """The resident set now (VmRSS) or at its largest (VmHWM), in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        return 1024 * int(dict(line.split(":", 1) for line in file)[key].split()[0])


def size_of(model):
    return os.path.getsize(os.path.join(model, "model.safetensors") if os.path.isdir(model) else model)


def ours(model):
    command = [args.inkstone, "write", "-m", model, PROMPT, "--continuation", "--greedy", "--ignore-end", "-q", "--threads", str(args.threads),
               "--max-tokens", str(TOKENS)]
    time.sleep(0.2)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
    first = process.stdout.read(1)
    seconds = time.perf_counter() - start
    process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not first or process.returncode:
        sys.exit("inkstone write failed")
    return seconds, 1024 * usage.ru_maxrss - size_of(model)


def measure_theirs(peer, model):
    if peer == "transformers":
        import torch
        from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
        torch.set_num_threads(args.threads)
        before = resident("VmRSS")
        start = time.perf_counter()
        tokenizer = PreTrainedTokenizerFast.from_pretrained(model)
        network = LlamaForCausalLM.from_pretrained(model, dtype="auto").eval()
        with torch.inference_mode():
            ids = tokenizer(PROMPT, return_tensors="pt", add_special_tokens=False)["input_ids"]
            tokenizer.decode(network(ids, logits_to_keep=1).logits[0, -1].argmax())
            seconds = time.perf_counter() - start
            network.generate(ids, max_new_tokens=TOKENS, do_sample=False)
    else:
        import numpy
        import llama_cpp  # noqa: F401, loads the library
        before = resident("VmRSS")
        start = time.perf_counter()
        network = common.LlamaCpp(model, args.threads, peer.endswith("flash"), mapped=True)
        ids = network.tokenize(PROMPT.encode())
        for count in range(TOKENS):
            token = numpy.ctypeslib.as_array(network.decode(ids if count == 0 else [token]), (network.vocabulary(),)).argmax()
            if count == 0:
                seconds = time.perf_counter() - start
    print(json.dumps([seconds, resident("VmHWM") - before - size_of(model)]))


def theirs(peer, model):
    command = [sys.executable, __file__, args.inkstone, "--threads", str(args.threads), "--theirs", peer, model]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def compare(model, ways):
    """Alternately; `ways`: name of a peer -> its model."""
    measured = {"ours": []} | {way: [] for way in ways}
    for _ in range(args.rounds):
        measured["ours"].append(ours(model))
        for way, other in ways.items():
            measured[way].append(theirs(way, other))
    return {way: [statistics.median(values) for values in zip(*list_)] for way, list_ in measured.items()}


def compare_type(kind, peers, folder):
    directory, file = os.path.join(folder, kind), os.path.join(folder, kind + ".gguf")
    common.write_directory(directory, kind)
    if "llama.cpp" in peers:
        common.write_gguf(file, kind)
    read_once(folder)
    return compare(directory, {way: directory if way == "transformers" else file for way in ways_of(peers)}) | {"model": kind}


def compare_file(file, peers):
    with open(file, "rb") as opened:
        while opened.read(1 << 24):
            pass
    ways = [way for way in ways_of(peers) if way != "transformers"]
    return compare(file, dict.fromkeys(ways, file)) | {"model": os.path.basename(file)}


def ways_of(peers):
    return [way for peer in peers for way in (["llama.cpp", "llama.cpp flash"] if peer == "llama.cpp" else [peer])]


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
if args.models:
    rows = [compare_file(file, peers) for file in args.models.split(",")]
else:
    for kind in args.types.split(","):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(compare_type(kind, peers, folder))
if args.json:
    print(json.dumps({"rows": rows, "versions": versions}, indent=2))
    sys.exit()
what = "" if args.models else "llama of 135M parameters, "
print(f"{args.threads} threads, {what}files in the page cache; {'; '.join(versions)}, Python {sys.version.split()[0]}")
for row in rows:
    seconds, size = row.pop("ours")
    name = row.pop("model")
    print(f"first token, {name:12}  Inkstone {seconds:.3f} s, {size / 1e6:.0f} MB"
          + "".join(f"   {way} {theirs_:.3f} s, {theirs_ / seconds:.2f} times as long, {memory_ / 1e6:.0f} MB" for way, (theirs_, memory_) in row.items()))
