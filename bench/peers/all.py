#!/usr/bin/env python3
"""Runs all comparisons with peers, on generated models and texts; called by `inkstone bench all --peers`.

    bench/peers/all.py INKSTONE [--rounds N] [--threads N]

Each runs Inkstone and the peer alternately and prints the versions. Peers that are not installed are skipped with a message, repeated at
the end. To install all:
    python3 -m venv venv && venv/bin/pip install torch transformers tokenizers ctranslate2 gguf numpy
    CMAKE_ARGS=-DGGML_NATIVE=ON venv/bin/pip install llama-cpp-python
    PYTHON=venv/bin/python inkstone bench all --peers
With your own model and texts: translate.py INKSTONE MODEL LINES, bpe.py INKSTONE TEXT.
"""
import argparse
import importlib.util
import os
import subprocess
import sys

SCRIPTS = [  # the script, its required modules, its optional modules, its maximal number of rounds
    ("train.py", ["torch"], [], 9),
    ("generate.py", ["torch", "transformers"], [], 9),
    ("llamacpp.py", ["llama_cpp", "gguf", "numpy"], [], 9),
    ("decoders.py", ["llama_cpp", "numpy"], [], 9),
    ("translate.py", ["torch", "transformers", "tokenizers"], ["ctranslate2"], 9),
    ("bpe.py", ["tokenizers"], [], 1),  # a round takes minutes, so noise is small
    ("start.py", ["numpy"], ["llama_cpp", "gguf", "torch", "transformers"], 9),
]
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
here = os.path.dirname(os.path.abspath(__file__))


def absent(names):
    return ", ".join(name for name in names if not importlib.util.find_spec(name))


messages = []
failed = False
for script, needs, likes, most in SCRIPTS:
    if absent(needs):
        messages.append(f"{script} skipped: {sys.executable} has no {absent(needs)}")
        print(messages[-1], file=sys.stderr)
        continue
    if absent(likes):
        messages.append(f"{script} ran without {absent(likes)}, which {sys.executable} does not have")
    print(f"\n{script}", flush=True)
    command = [sys.executable, os.path.join(here, script), args.inkstone, "--rounds", str(min(args.rounds, most)), "--threads", str(args.threads)]
    if subprocess.run(command).returncode:
        messages.append(f"{script} failed")
        failed = True
sys.stdout.flush()
for line in messages:
    print(line, file=sys.stderr)
sys.exit(1 if failed else 0)
