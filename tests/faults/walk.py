#!/usr/bin/env python3
"""Lets the n-th allocation, open, read, write, fsync or rename of a command fail, for many n.

Either the command fails, with a sentence, and the same command then does well where it is told to go on; or all it leaves
is what it leaves undisturbed. It never crashes and is never silently wrong.

  walk.py INKSTONE SHIM                        a sample, in seconds
  walk.py INKSTONE SHIM --each 1000            1,000 faults of each kind and command
  walk.py INKSTONE SHIM --all                  every fault (an hour or more)
  walk.py INKSTONE SHIM --only train --kind alloc --at 17      this one, and what was said
"""
import argparse
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

KINDS = ["alloc", "open", "read", "write", "fsync", "rename"]
SHAPE = ["--layers", "1", "--width", "8", "--heads", "1", "--context", "16", "--batch", "2", "--warmup", "0", "--threads", "1",
         "--tokenizer", "byte", "--sample-tokens", "3", "--eval-tokens", "64", "-q"]
WRITE = ["train", "write", "text", "-o", "out", *SHAPE, "--steps", "4", "--eval-every", "2"]
PAIRS = ["train", "translate", "pairs.tsv", "-o", "out", "--arch", "marian", *SHAPE, "--context", "32", "--steps", "2", "--eval-every", "1",
         "--best-by", "chrf", "--eval-examples", "2"]
REPLY = ["train", "reply", "talk", "-o", "out", *SHAPE, "--context", "32", "--steps", "2", "--eval-every", "1"]


class Deed:
    """A command, the folder it starts in, what goes to its standard input, and what goes on after a failure."""

    def __init__(self, arguments, start="empty", stdin="", again=None):
        self.arguments, self.start, self.stdin, self.again = arguments, start, stdin, again


DEEDS = {
    "train": Deed(WRITE, again=["--resume"]),
    "resume": Deed(["train", "write", "-o", "out", "--resume", "--steps", "6", "-q"], start="write", again=[]),
    "train-bpe": Deed(["train", "write", "text", "-o", "out", *SHAPE, "--tokenizer", "bpe", "--vocab", "270", "--steps", "1"], again=["--resume"]),
    "train-pairs": Deed(PAIRS, again=["--resume"]),
    "tokenizer-train": Deed(["tokenizer", "train", "text", "-o", "t.json", "--vocab", "280", "-q"], again=[]),
    "tokenizer-encode": Deed(["tokenizer", "encode", "-m", "out", "--json"], start="bpe", stdin="The 3 moons. 月亮\n"),
    "write": Deed(["write", "-m", "out", "--max-tokens", "8", "--seed", "1", "--json", "The"], start="write"),
    "eval": Deed(["eval", "-m", "out", "few", "--json", "-q"], start="write"),
    "info": Deed(["info", "out", "--json"], start="write"),
    "convert": Deed(["convert", "out", "copy", "--type", "bf16", "--json", "-q"], start="write", again=["--overwrite"]),
    "translate": Deed(["translate", "-m", "out", "--max-tokens", "6", "--json"], start="translate", stdin="2 moons\n月\n"),
    "explain": Deed(["translate", "-m", "out", "--max-tokens", "6", "--explain", "page.html"], start="translate", stdin="2 moons\n"),
    "eval-pairs": Deed(["eval", "-m", "out", "few.tsv", "--max-tokens", "6", "--json", "-q"], start="translate"),
    "reply": Deed(["reply", "-m", "out", "--max-tokens", "6", "--seed", "1"], start="reply", stdin="are you 3?\n"),
    "score": Deed(["score", "few", "text40", "--metric", "bleu,chrf,rouge", "--json"]),
}


def write_inputs(folder):
    def put(name, text):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    lines = [f"{i} moons and {7 * i} rivers, 月.\n" for i in range(60)]
    put("text", "".join(lines))
    put("text40", "".join(lines[:4]))
    put("few", "".join(reversed(lines[:4])))
    pairs = [f"{i} moons\tmany: {i} 月\n" for i in range(40)]
    put("pairs.tsv", "".join(pairs))
    put("few.tsv", "".join(pairs[:3]))
    put("talk", "".join(f"are you {i}?\nno, {i + 1}.\n\n" for i in range(40)))


def run(inkstone, folder, arguments, stdin="", environment=None):
    e = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", **(environment or {}))
    for name in ("FAULT", "FAULT_COUNT"):
        if not environment or name not in environment:
            e.pop(name, None)
    return subprocess.run([inkstone, *arguments], cwd=folder, input=stdin.encode(), capture_output=True, env=e, timeout=120)


TIMES = re.compile(rb'"(time|seconds|tokens_per_second|[a-z_]*seconds)": ?[-+.0-9e]+')


def content(path, name):
    """What must be the same however long it took."""
    with open(path, "rb") as f:
        data = f.read()
    if name.endswith((".json", ".jsonl")):
        data = TIMES.sub(b"", data)
    if name == "recipe.yaml":
        data = data.replace(b"resume: true\n", b"")
    if name == "report.html":
        data = b"" # its plots show the time
    return hashlib.sha256(data).hexdigest()


def state(folder):
    """Of every file but those that hold the instant or the process; of checkpoints the newest, as a fault may leave more."""
    found = {}
    for place, inside, names in os.walk(folder):
        for old in sorted(d for d in inside if d.startswith("checkpoint-"))[:-1]:
            inside.remove(old)
        for name in names:
            path = os.path.join(place, name)
            if name != "lock" and "tfevents" not in name:
                found[os.path.relpath(path, folder)] = content(path, name)
    return found


def outcome(folder, done):
    return state(folder), TIMES.sub(b"", done.stdout)


def difference(a, b):
    names = sorted(n for n in set(a[0]) | set(b[0]) if a[0].get(n) != b[0].get(n))
    return ", ".join(names[:4] + (["standard output"] if a[1] != b[1] else []))


class Walk:
    def __init__(self, options):
        self.options = options
        self.inkstone, self.shim = os.path.abspath(options.inkstone), os.path.abspath(options.shim)
        for needed in (self.inkstone, self.shim):
            if not os.path.exists(needed):
                sys.exit(f"{needed}: is not there: build it first")
        self.top = tempfile.mkdtemp(prefix="inkstone-faults-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.faults = []

    def start(self, name):
        """A folder as the deeds of that name find it."""
        folder = os.path.join(self.top, "start-" + name)
        if os.path.isdir(folder):
            return folder
        os.mkdir(folder)
        write_inputs(folder)
        made = {"write": WRITE, "translate": PAIRS, "reply": REPLY, "bpe": DEEDS["train-bpe"].arguments}.get(name)
        if made:
            done = run(self.inkstone, folder, made)
            assert done.returncode == 0, done.stderr
        return folder

    def fresh(self, deed):
        folder = tempfile.mkdtemp(dir=self.top)
        shutil.copytree(self.start(deed.start), folder, dirs_exist_ok=True)
        return folder

    def undisturbed(self, deed):
        folder, counts = self.fresh(deed), os.path.join(self.top, "counts")
        done = run(self.inkstone, folder, deed.arguments, deed.stdin, {"LD_PRELOAD": self.shim, "FAULT_COUNT": counts})
        assert done.returncode == 0, done.stderr
        with open(counts, encoding="ascii") as f:
            numbers = {k: int(n) for k, n in (line.split() for line in f)}
        result = outcome(folder, done)
        shutil.rmtree(folder)
        return result, numbers

    def complain(self, name, kind, n, what, done):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        self.faults.append(f"{name}, {kind} {n}: {what} (status {done.returncode}: {' | '.join(said[-2:])[:300]})")

    def goes_on(self, deed, folder, expected):
        """Told to go on, it leaves what it would have left undisturbed."""
        done = run(self.inkstone, folder, deed.arguments + deed.again, deed.stdin)
        if done.returncode:
            return "cannot be continued: " + done.stderr.decode(errors="replace").strip()[-300:]
        wrong = difference(expected, outcome(folder, done))
        return "continued, differs: " + wrong if wrong else None

    def judge(self, name, deed, kind, n, folder, done, expected):
        if done.returncode < 0 or done.returncode > 2:
            return self.complain(name, kind, n, "crashes", done)
        if done.returncode == 0:
            wrong = difference(expected, outcome(folder, done))
            if re.search(rb"^warning: ", done.stderr, re.M):  # what tells of a run may be missing where it is said
                wrong = wrong if set(wrong.split(", ")) - {"", "out/log.jsonl", "out/report.html"} else ""
            return self.complain(name, kind, n, "silently wrong: " + wrong, done) if wrong else None
        if not re.search(rb"^inkstone: \S.*\S$", done.stderr, re.M):
            return self.complain(name, kind, n, "no sentence", done)
        left = [f for f in state(folder) if ".tmp" in f and "checkpoint.tmp" not in f]
        if left and kind == "alloc":
            return self.complain(name, kind, n, "leaves " + left[0], done)
        wrong = self.goes_on(deed, folder, expected) if deed.again is not None else None
        return self.complain(name, kind, n, wrong, done) if wrong else None

    def try_one(self, name, deed, kind, n, expected):
        folder = self.fresh(deed)
        try:
            done = run(self.inkstone, folder, deed.arguments, deed.stdin, {"LD_PRELOAD": self.shim, "FAULT": f"{kind}:{n}"})
            if self.options.at:
                print(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
            self.judge(name, deed, kind, int(n.rstrip("+")), folder, done, expected)
        except subprocess.TimeoutExpired:
            self.faults.append(f"{name}, {kind} {n}: never ends")
        finally:
            shutil.rmtree(folder)

    def chosen(self, kind, total):
        """Evenly spread, and other places for each kind and command."""
        if self.options.at:
            return [self.options.at]
        each = self.options.each * (3 if kind == "alloc" else 1)
        some = total if self.options.all else min(total, each)
        return [str(1 + (i * total + total // 2) // some) for i in range(some)]

    def walk(self, name):
        deed = DEEDS[name]
        expected, counts = self.undisturbed(deed)
        told = []
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for kind in self.options.kind or KINDS:
                places = self.chosen(kind, counts[kind])
                told.append(f"{kind} {len(places)} of {counts[kind]}")
                list(pool.map(lambda n, k=kind: self.try_one(name, deed, k, n, expected), places))
        print(f"{name}: {', '.join(told)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inkstone")
    parser.add_argument("shim")
    parser.add_argument("--each", type=int, default=1, help="faults of each kind and command, of memory three times as many")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", action="append", choices=DEEDS)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--at", help="this call only: N, or N+")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    walk = Walk(options)
    try:
        for name in options.only or DEEDS:
            walk.walk(name)
    finally:
        shutil.rmtree(walk.top)
    for fault in walk.faults:
        print("FAULT", fault)
    print(f"{len(walk.faults)} faults")
    return 1 if walk.faults else 0


if __name__ == "__main__":
    sys.exit(main())
