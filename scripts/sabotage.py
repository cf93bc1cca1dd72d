#!/usr/bin/env python3
"""Mutation testing: breaks the program one line at a time and checks that a test fails each time.

    python3 scripts/sabotage.py [--only TEXT] [--list FILE] [--jobs N]

tests/sabotage/sabotages.txt contains one sabotage per line:

    file ||| exact fragment ||| replacement ||| regular expression of CTest names

Works on a copy in build/sabotage, never on the tree itself. Fails if the tests fail on the unchanged copy, or if a
sabotage survives, does not compile, or has a fragment that does not occur exactly once in its file.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "sabotage"
TREE = WORK / "inkstone"
BUILD = WORK / "build"
SECONDS_PER_TEST = 120  # a sabotage may cause an infinite loop


class Sabotage(NamedTuple):
    line: int
    file: str
    fragment: str
    replacement: str
    tests: str

    def __str__(self):
        return f"{self.file}: {self.fragment.strip()} -> {self.replacement.strip()}"


def read_list(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(" ||| ")
        if len(parts) != 4:
            sys.exit(f"{path}:{number}: {len(parts)} parts: write 'file ||| fragment ||| replacement ||| tests'")
        yield Sabotage(number, *parts)


# Tests stop at the first failure, and use a scratch directory in memory, which is removed at the end.
SCRATCH = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
ENVIRONMENT = dict(os.environ, CMOCKA_TEST_ABORT="1", TMPDIR=SCRATCH.name)


def run(*command):
    return subprocess.run([str(c) for c in command], text=True, errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT)


def copy_tree():
    """Copies the tree with uncommitted work. Unchanged files keep their times, so that they are not rebuilt."""
    names = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    wanted = {name for name in names.split("\0") if name and (ROOT / name).is_file()}
    for old in [p for p in TREE.rglob("*") if p.is_file()]:
        if str(old.relative_to(TREE)) not in wanted:
            old.unlink()
    for name in wanted:
        source, target = ROOT / name, TREE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copy(source, target)
    shared = WORK / "shared"
    if (ROOT.parent / "shared").exists() and not shared.exists():
        shared.symlink_to(ROOT.parent / "shared")


class Builder:
    def __init__(self, jobs):
        self.jobs = jobs
        configured = run("cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release")
        if configured.returncode:
            sys.exit(configured.stdout)
        listing = run("ninja", "-C", BUILD, "-t", "targets", "all").stdout
        self.targets = set(re.findall(r"^(\S+): ", listing, re.M))
        shown = json.loads(run("ctest", "--test-dir", BUILD, "--show-only=json-v1").stdout)
        self.commands = {test["name"]: test.get("command", []) for test in shown["tests"]}

    def tests_of(self, pattern):
        listing = run("ctest", "--test-dir", BUILD, "-N", "-R", pattern).stdout
        return re.findall(r"^\s*Test\s+#\d+: (\S+)", listing, re.M)

    def needs(self, test):
        """The targets of a test: its own program, or the command and the build outputs it is passed."""
        if test in self.targets:
            return {test}
        paths = {os.path.relpath(word, BUILD) for word in self.commands.get(test, []) if word.startswith(f"{BUILD}/")}
        return {"inkstone"} | (paths & self.targets)

    def build(self, tests):
        targets = set().union(*(self.needs(test) for test in tests))
        return run("ninja", "-C", BUILD, "-j", self.jobs, *sorted(targets))

    def test(self, pattern):
        return run("ctest", "--test-dir", BUILD, "--timeout", SECONDS_PER_TEST, "--stop-on-failure",
                   "--output-on-failure", "-R", pattern)


def check_untouched(builder, sabotages):
    """Checks that every test in the list passes on the unchanged program."""
    patterns = {s.tests: builder.tests_of(s.tests) for s in sabotages}
    for s in sabotages:
        if not patterns[s.tests]:
            sys.exit(f"line {s.line}: no test matches '{s.tests}'")
    built = builder.build({test for tests in patterns.values() for test in tests})
    if built.returncode:
        sys.exit(built.stdout + "\nsabotage: the tree does not build")
    for pattern in sorted(patterns):
        tested = builder.test(pattern)
        if tested.returncode:
            sys.exit(tested.stdout + "\nsabotage: a test fails on the unchanged program")
        for name in re.findall(r"Test\s+#\d+: (\S+) .*\*\*\*Skipped", tested.stdout):
            print(f"note: {name} is skipped on this machine and detects nothing", flush=True)


def caught_by(output):
    """The tests that failed; for a unit test also the function."""
    names = re.findall(r"^\s*\d+ - (\S+) \(", output, re.M)
    functions = re.findall(r"^\[ RUN +\] (\S+)", output, re.M)
    return (", ".join(dict.fromkeys(names)) or "?") + (f": {functions[-1]}" if functions else "")


def try_one(builder, sabotage):
    """-> (caught, how)"""
    path = TREE / sabotage.file
    if not path.is_file():
        return False, "no such file"
    text = path.read_text()
    if text.count(sabotage.fragment) != 1:
        return False, f"fragment found {text.count(sabotage.fragment)} times, not once"
    try:
        path.write_text(text.replace(sabotage.fragment, sabotage.replacement))
        built = builder.build(builder.tests_of(sabotage.tests))
        if built.returncode:
            errors = [l for l in built.stdout.splitlines() if "error" in l]
            return False, "does not compile: " + (errors or ["?"])[0]
        tested = builder.test(sabotage.tests)
        return (True, caught_by(tested.stdout)) if tested.returncode else (False, "SURVIVED")
    finally:
        path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", type=Path, default=ROOT / "tests/sabotage/sabotages.txt")
    parser.add_argument("--only", default="", help="only the sabotages whose line contains TEXT")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()

    sabotages = [s for s in read_list(options.list) if options.only in " ".join(s[1:])]
    if not sabotages:
        sys.exit("sabotage: nothing to do")
    TREE.mkdir(parents=True, exist_ok=True)
    copy_tree()
    builder = Builder(options.jobs)
    check_untouched(builder, sabotages)

    failed = 0
    for number, sabotage in enumerate(sabotages, 1):
        started = time.monotonic()
        caught, how = try_one(builder, sabotage)
        failed += not caught
        print(f"{number:3}/{len(sabotages)} {'caught' if caught else 'FAILED'} {time.monotonic() - started:5.1f} s"
              f"  {sabotage}\n{'':8}{'by ' if caught else ''}{how}", flush=True)
    print(f"\n{len(sabotages) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
