#!/usr/bin/env python3
"""Every comparison with a peer that needs no model and no text of one's own: what `inkstone bench all --peers` runs.

    bench/peers/all.py INKSTONE [--rounds N] [--threads N]

Each runs ours and theirs in turns and says the versions. A peer that is not installed is left out, and said so:
    python3 -m venv venv && venv/bin/pip install torch transformers tokenizers
    PYTHON=venv/bin/python inkstone bench all --peers
"""
import argparse
import importlib.util
import os
import subprocess
import sys

SCRIPTS = [  # the script, and what it cannot do without
    ("train.py", ["torch"]),
    ("generate.py", ["torch", "transformers"]),
]
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
here = os.path.dirname(os.path.abspath(__file__))
failed = 0
for script, needs in SCRIPTS:
    missing = [name for name in needs if not importlib.util.find_spec(name)]
    if missing:
        print(f"{script} is left out: {sys.executable} has no {', '.join(missing)}", file=sys.stderr)
        continue
    command = [sys.executable, os.path.join(here, script), args.inkstone, "--rounds", str(args.rounds), "--threads", str(args.threads)]
    failed |= subprocess.run(command).returncode
sys.exit(1 if failed else 0)
