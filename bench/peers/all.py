#!/usr/bin/env python3
"""Every comparison with a peer, on models and texts that they make themselves: what `inkstone bench all --peers` runs.

    bench/peers/all.py INKSTONE [--rounds N] [--threads N]

Each runs ours and theirs in turns and says the versions. A peer that is not installed is left out, and that is said, at the end again:
    python3 -m venv venv && venv/bin/pip install torch transformers tokenizers ctranslate2 gguf numpy
    CMAKE_ARGS=-DGGML_NATIVE=ON venv/bin/pip install llama-cpp-python
    PYTHON=venv/bin/python inkstone bench all --peers
With a model and texts of one's own: translate.py INKSTONE MODEL LINES, bpe.py INKSTONE TEXT.
"""
import argparse
import importlib.util
import os
import subprocess
import sys

SCRIPTS = [  # the script, what it cannot do without, what it uses where it is there, and its rounds at most
    ("train.py", ["torch"], [], 9),
    ("generate.py", ["torch", "transformers"], [], 9),
    ("llamacpp.py", ["llama_cpp", "gguf", "numpy"], [], 9),
    ("translate.py", ["torch", "transformers", "tokenizers"], ["ctranslate2"], 9),
    ("bpe.py", ["tokenizers"], [], 1),  # minutes a round, so that noise is small
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


said = []
failed = False
for script, needs, likes, most in SCRIPTS:
    if absent(needs):
        said.append(f"{script} is left out: {sys.executable} has no {absent(needs)}")
        print(said[-1], file=sys.stderr)
        continue
    if absent(likes):
        said.append(f"{script} ran without {absent(likes)}, which {sys.executable} does not have")
    print(f"\n{script}", flush=True)
    command = [sys.executable, os.path.join(here, script), args.inkstone, "--rounds", str(min(args.rounds, most)), "--threads", str(args.threads)]
    if subprocess.run(command).returncode:
        said.append(f"{script} did not end well")
        failed = True
sys.stdout.flush()
for line in said:
    print(line, file=sys.stderr)
sys.exit(1 if failed else 0)
