#!/usr/bin/env python3
"""Mutation testing: breaks the program one line at a time and checks that a test fails each time.

    python3 scripts/sabotage.py [--only TEXT] [--list FILE] [--jobs N] [--seconds S]

tests/sabotage/sabotages.txt contains one sabotage per line:

    file ||| exact fragment ||| replacement ||| regular expression of CTest names

Works on copies in build/sabotage, never on the tree itself: N at a time, each with one compiler and one test. Fails if
the tests fail on an unchanged copy, or if a sabotage survives, does not compile, or has a fragment that does not occur
exactly once in its file.
"""
import argparse
import itertools
import json
import os
import queue
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "sabotage"
PROCESSOR_SECONDS = 300  # a sabotage may cause an infinite loop


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


def limit_processor_time():
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, resource.RLIM_INFINITY))


def run(*command, **options):
    return subprocess.run([str(c) for c in command], text=True, errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT, **options)


class Copy:
    """A copy of the tree with its build, in which one sabotage at a time is tried."""

    def __init__(self, folder, seconds):
        self.tree = folder / "inkstone"
        self.build_dir = self.tree / "build" / "release"  # where the tree itself has it: a compiler cache then helps
        self.update(folder)
        configured = run("cmake", "-S", self.tree, "-B", self.build_dir, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                         f"-DINKSTONE_TEST_SECONDS={seconds}")
        if configured.returncode:
            sys.exit(configured.stdout)
        listing = run("ninja", "-C", self.build_dir, "-t", "targets", "all").stdout
        self.targets = set(re.findall(r"^(\S+): ", listing, re.M))
        shown = json.loads(run("ctest", "--test-dir", self.build_dir, "--show-only=json-v1").stdout)
        self.commands = {test["name"]: test.get("command", []) for test in shown["tests"]}

    def update(self, folder):
        """Copies the tree with uncommitted work. Unchanged files keep their times, so that they are not rebuilt."""
        names = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
        wanted = {name for name in names.split("\0") if name and (ROOT / name).is_file()}
        for old in [p for p in self.tree.rglob("*") if p.is_file() and self.build_dir not in p.parents]:
            if str(old.relative_to(self.tree)) not in wanted:
                old.unlink()
        for name in wanted:
            source, target = ROOT / name, self.tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.read_bytes() != source.read_bytes():
                shutil.copy(source, target)
        for name in ("shared", "dev"):  # which tests look for next to the tree
            if (ROOT.parent / name).exists() and not (folder / name).exists():
                (folder / name).symlink_to((ROOT.parent / name).resolve())

    def tests_of(self, pattern):
        return [name for name in self.commands if re.search(pattern, name)]

    def needs(self, test):
        """The targets of a test: its own program, or the command and the build outputs it is passed. Tests of the Python
        package find the library by themselves."""
        if test in self.targets:
            return {test}
        base = f"{self.build_dir}/"
        paths = {word[len(base):] for word in self.commands.get(test, []) if word.startswith(base)}
        library = {"src/libinkstone.so"} if test.startswith("python_") else set()
        return {"inkstone"} | ((paths | library) & self.targets)

    def build(self, tests):
        targets = set().union(*(self.needs(test) for test in tests))
        return run("ninja", "-C", self.build_dir, "-j", 1, *sorted(targets))

    def test(self, pattern, *options):
        return run("ctest", "--test-dir", self.build_dir, "--output-on-failure", "-R", pattern, *options,
                   preexec_fn=limit_processor_time)


def check_untouched(copies, pool, sabotages):
    """Checks that every test in the list passes on the unchanged program."""
    first = copies[0]
    for s in sabotages:
        if not first.tests_of(s.tests):
            sys.exit(f"line {s.line}: no test matches '{s.tests}'")
    tests = {test for s in sabotages for test in first.tests_of(s.tests)}
    for built in pool.map(lambda copy: copy.build(tests), copies):
        if built.returncode:
            sys.exit(built.stdout + "\nsabotage: the tree does not build")
    tested = first.test("^(" + "|".join(sorted(tests)) + ")$", "-j", len(copies))
    if tested.returncode:
        sys.exit(tested.stdout + "\nsabotage: a test fails on the unchanged program")
    for name in re.findall(r"Test\s+#\d+: (\S+) .*\*\*\*Skipped", tested.stdout):
        print(f"note: {name} is skipped on this machine and detects nothing", flush=True)


def caught_by(output):
    """The tests that failed; for a unit test also the function."""
    names = re.findall(r"^\s*\d+ - (\S+) \(", output, re.M)
    functions = re.findall(r"^\[ RUN +\] (\S+)", output, re.M)
    return ((", ".join(dict.fromkeys(names)) or "?") + (f": {functions[-1]}" if functions else "") +
            (" (timeout)" if "***Timeout" in output else ""))


def try_one(copy, sabotage):
    """-> (caught, how)"""
    path = copy.tree / sabotage.file
    if not path.is_file():
        return False, "no such file"
    text = path.read_text()
    if text.count(sabotage.fragment) != 1:
        return False, f"fragment found {text.count(sabotage.fragment)} times, not once"
    try:
        path.write_text(text.replace(sabotage.fragment, sabotage.replacement))
        built = copy.build(copy.tests_of(sabotage.tests))
        if built.returncode:
            errors = [l for l in built.stdout.splitlines() if "error" in l]
            return False, "does not compile: " + (errors or ["?"])[0]
        tested = copy.test(sabotage.tests, "--stop-on-failure")
        return (True, caught_by(tested.stdout)) if tested.returncode else (False, "SURVIVED")
    finally:
        path.write_text(text)


def try_file(free, sabotages, numbers, total):
    """Tries the sabotages of one file one after the other, which saves building it restored. -> number that failed"""
    copy = free.get()
    failed = 0
    for sabotage in sabotages:
        started = time.monotonic()
        caught, how = try_one(copy, sabotage)
        failed += not caught
        print(f"{next(numbers):3}/{total} {'caught' if caught else 'FAILED'} {time.monotonic() - started:5.1f} s"
              f"  {sabotage}\n{'':8}{'by ' if caught else ''}{how}", flush=True)
    free.put(copy)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", type=Path, default=ROOT / "tests/sabotage/sabotages.txt")
    parser.add_argument("--only", default="", help="only the sabotages whose line contains TEXT")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="copies, each with a sabotage at a time")
    parser.add_argument("--seconds", type=int, default=600,
                        help="a test that takes longer is ended, as in a deadlock: more on a busy machine")
    options = parser.parse_args()

    sabotages = [s for s in read_list(options.list) if options.only in " ".join(s[1:])]
    if not sabotages:
        sys.exit("sabotage: nothing to do")
    files = [list(of_file) for _, of_file in itertools.groupby(sorted(sabotages, key=lambda s: s.file), lambda s: s.file)]
    count = min(options.jobs, len(files))
    with ThreadPoolExecutor(count) as pool:
        copies = list(pool.map(lambda i: Copy(WORK / str(i), options.seconds), range(count)))
        check_untouched(copies, pool, sabotages)
        free, numbers = queue.SimpleQueue(), itertools.count(1)
        for copy in copies:
            free.put(copy)
        failed = sum(pool.map(lambda of_file: try_file(free, of_file, numbers, len(sabotages)), files))
    print(f"\n{len(sabotages) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
