#!/usr/bin/env python3
"""Keeps the guide (docs/guide) true: runs its listings, cuts its excerpts, compares its two languages.

  guide.py                  checks all chapters; exit status 1 and a diff where they are not true
  guide.py --update         writes what the commands print and what the sources say into the chapters
  guide.py --excerpts       runs no listings: excerpts, figures and the two languages, in a second
  guide.py --only zh/3      only chapters whose path contains this

A listing is a fence ```console: lines after "$ " (continued by "> ") are run by sh, all listings of a chapter one
after the other in one empty folder with `inkstone` in the PATH; the other lines are what they print, stdout and
stderr together. In these, "…" stands for any text of a line and a line "..." for any lines: for what differs from
machine to machine. With --update, a listing that is still true is left alone.

A fence ```text file=NAME is a file that later listings read. An excerpt is a fence ```c excerpt=FILE#NAME: the
definition of that function, type or macro in FILE, cut out of the source. Listings can compile the programs of
examples/ as if Inkstone were installed."""

import argparse
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "guide"
LANGUAGES = ("en", "zh")
FENCE = re.compile(r"^```(\S*)[ ]*(.*)$")
SECONDS = 600  # for one command: a guard against one that hangs, also on a busy machine


class Block:
    """A fenced block: its first line's words, its lines, and where it begins."""

    def __init__(self, kind, words, line):
        self.kind, self.words, self.line, self.lines = kind, words, line, []


def parse(text):
    """Splits a chapter into lines of prose (str) and Blocks."""
    parts, block = [], None
    for number, line in enumerate(text.split("\n"), 1):
        fence = FENCE.match(line)
        if block is None and fence:
            block = Block(fence.group(1), fence.group(2), number)
        elif block is not None and line == "```":
            parts.append(block)
            block = None
        elif block is not None:
            block.lines.append(line)
        else:
            parts.append(line)
    if block is not None:
        raise SystemExit(f"line {block.line}: the fence is not closed")
    return parts


def unparse(parts):
    lines = []
    for part in parts:
        if isinstance(part, Block):
            lines += [f"```{part.kind} {part.words}".rstrip(), *part.lines, "```"]
        else:
            lines.append(part)
    return "\n".join(lines)


# ---- listings ----


def commands_of(block):
    """[(command lines, output lines)] of a listing."""
    found = []
    for line in block.lines:
        if line.startswith("$ "):
            found.append(([line], []))
        elif line.startswith("> ") and found and not found[-1][1]:
            found[-1][0].append(line)
        elif found:
            found[-1][1].append(line)
        else:
            raise SystemExit(f"line {block.line}: a listing begins with a command")
    return found


def matches(expected, actual):
    """Whether lines match expected ones, in which "..." stands for any lines and "…" for any text."""
    pattern = "".join("(?:.*\n)*?" if line == "..." else ".*?".join(map(re.escape, line.split("…"))) + "\n"
                      for line in expected)
    return re.fullmatch(pattern, "".join(line + "\n" for line in actual)) is not None


def environment(program, language):
    """Fixed, so that results are the same everywhere: the bits depend on the instruction set."""
    library = str(program.parent / "src")
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "INKSTONE_LANG": language,
            "INKSTONE_ISA": "avx2", "COLUMNS": "90", "C_INCLUDE_PATH": str(ROOT / "include"), "LIBRARY_PATH": library,
            "LD_LIBRARY_PATH": library}


def run(command, folder, env):
    script = "\n".join(line[2:] for line in command)
    done = subprocess.run(["sh", "-c", script], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS)
    output = done.stdout.decode("utf-8", "replace").rstrip("\n")
    return output.split("\n") if output else []


def run_listing(block, folder, env):
    lines = []
    for command, expected in commands_of(block):
        while expected and not expected[-1]:
            expected.pop()
        actual = run(command, folder, env)
        lines += command + (expected if matches(expected, actual) else actual)
    block.lines = lines


def write_file(block, folder):
    name = block.words.removeprefix("file=")
    (folder / name).write_text("\n".join(block.lines) + "\n", encoding="utf-8")


# ---- excerpts ----


def definition(source, name):
    """The lines of a function, type or macro, with the comment before it; None if there is none."""
    lines = source.split("\n")
    word = rf"\b{re.escape(name)}\b"
    for at, line in enumerate(lines):
        ends = None
        if re.match(rf"#define {word}", line):
            ends = at
            while lines[ends].endswith("\\"):
                ends += 1
        elif re.match(rf"[A-Za-z_].*{word}\(", line) and not line.rstrip().endswith(";"):
            whole = line.endswith(" }")  # in one line
            ends = next(i for i in range(at, len(lines)) if whole or lines[i] == "}" or lines[i].endswith(";") and i > at and lines[i][0] != " ")
            if not whole and lines[ends] != "}":
                continue
        elif re.match(rf"(typedef )?(struct|enum|union) {word}.*{{$", line):
            ends = next(i for i in range(at, len(lines)) if lines[i].startswith("}"))
        if ends is None:
            continue
        start = at
        if lines[start - 1].endswith("*/"):
            while not lines[start].lstrip().startswith("/*"):
                start -= 1
        return lines[start : ends + 1]
    return None


def cut_excerpt(block):
    path, _, name = block.words.removeprefix("excerpt=").partition("#")
    found = definition((ROOT / path).read_text(encoding="utf-8"), name)
    if found is None:
        raise SystemExit(f"line {block.line}: {path} defines no {name}")
    block.lines = found


# ---- chapters ----


def memory_folder():
    """Where files are in memory: on a disk, runs that save every few steps wait for it a third of the time. None: no such folder."""
    return "/dev/shm" if not os.environ.get("TMPDIR") and os.access("/dev/shm", os.W_OK) else None


def with_excerpts(path):
    """The chapter with excerpts as the sources are."""
    parts = parse(path.read_text(encoding="utf-8"))
    for block in parts:
        if isinstance(block, Block) and block.words.startswith("excerpt="):
            cut_excerpt(block)
    return unparse(parts)


def renewed(path, program):
    """The chapter as it should read."""
    parts = parse(with_excerpts(path))
    env = environment(program, path.parent.name)
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        folder = pathlib.Path(folder)
        (folder / "guide").symlink_to(GUIDE)
        (folder / "examples").symlink_to(ROOT / "examples")
        for block in parts:
            if not isinstance(block, Block):
                continue
            if block.kind == "console":
                run_listing(block, folder, env)
            elif block.words.startswith("file="):
                write_file(block, folder)
    return unparse(parts)


def structure(path):
    """What both languages of a chapter share: levels of headings, formulas, excerpts, figures, commands."""
    found = []
    formula = None
    for part in parse(path.read_text(encoding="utf-8")):
        if isinstance(part, Block):
            if part.kind == "console":
                found += [f"listing: {command[0].split()[1:3]}" for command, _ in commands_of(part)]
            else:
                found.append(f"fence: {part.kind} {part.words}")
        elif part.startswith("#"):
            found.append("heading: " + "#" * (len(part) - len(part.lstrip("#"))))
        elif part.strip() == "$$":
            if formula is not None:
                found.append("formula: " + " ".join(formula))
            formula = [] if formula is None else None
        elif formula is not None:
            formula.append(re.sub(r"\\text\{[^}]*\}", r"\\text{}", part.strip()))
        else:
            found += ["figure: " + re.sub(r"\.(en|zh)\.", ".", pathlib.Path(p).name) for p in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", part)]
            if part.startswith("|"):
                found.append("table row")
    return found


def report(name, before, after, labels):
    difference = list(difflib.unified_diff(before, after, *labels, lineterm="", n=2))
    if difference:
        print(f"== {name}", *difference[:80], sep="\n")
    return bool(difference)


def compare_languages(only):
    failed = False
    names = {language: {p.name for p in (GUIDE / language).glob("*.md")} for language in LANGUAGES}
    for name in sorted(names["en"] | names["zh"]):
        if only and only not in f"en/{name}" and only not in f"zh/{name}":
            continue
        if not all(name in names[language] for language in LANGUAGES):
            print(f"== {name} is missing in one language")
            failed = True
            continue
        shapes = [structure(GUIDE / language / name) for language in LANGUAGES]
        failed |= report(f"{name}: the languages differ", *shapes, LANGUAGES)
    return failed


def missing_figures(path):
    """Says which figures of a chapter do not exist."""
    names = re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    missing = [name for name in names if not (path.parent / name).is_file()]
    for name in missing:
        print(f"== {path.relative_to(GUIDE)}: no figure {name}: python3 scripts/guide_figures.py")
    return bool(missing)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--excerpts", action="store_true")
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/inkstone")
    args = parser.parse_args()
    failed = False
    for path in sorted(GUIDE.glob("*/*.md")):
        name = str(path.relative_to(GUIDE))
        if args.only not in name:
            continue
        before = path.read_text(encoding="utf-8")
        try:
            after = with_excerpts(path) if args.excerpts else renewed(path, args.program.resolve())
        except (SystemExit, subprocess.TimeoutExpired) as error:
            sys.exit(f"{name}: {error}")
        if args.update and after != before:
            path.write_text(after, encoding="utf-8")
        elif report(name, before.split("\n"), after.split("\n"), ("shown", "true")):
            failed = True
        failed |= missing_figures(path)
    failed |= compare_languages(args.only)
    if failed:
        sys.exit("the guide is not true: sh scripts/guide.sh --update renews listings and excerpts; the rest is by hand")


if __name__ == "__main__":
    main()
